//! Whether a repeated request asks for the same thing.

use serde::Serialize;
use serde_json::Value;

use crate::error::{Failure, Result};

/// Members of two specifications that differ. Which operation and step asked is not part of what is asked for.
pub fn differing<T: Serialize>(a: &T, b: &T) -> Vec<String> {
    let (Ok(Value::Object(mut a)), Ok(Value::Object(mut b))) = (serde_json::to_value(a), serde_json::to_value(b))
    else {
        return Vec::new();
    };
    for spec in [&mut a, &mut b] {
        if let Some(Value::Object(owner)) = spec.get_mut("owner") {
            owner.remove("operation");
            owner.remove("step");
        }
    }
    let mut names: Vec<String> =
        a.keys().chain(b.keys()).filter(|name| a.get(*name) != b.get(*name)).cloned().collect();
    names.sort();
    names.dedup();
    names
}

/// 409 naming the members that differ, if any.
///
/// # Errors
/// [`Failure::Problem`] with 409.
pub fn same<T: Serialize>(what: &str, there: &T, asked: &T) -> Result<()> {
    let names = differing(there, asked);
    if names.is_empty() {
        return Ok(());
    }
    let faults = names
        .iter()
        .map(|name| {
            reference_points::common::Fault::new(format!("/{name}"), "differs from what is there and cannot be changed")
        })
        .collect();
    let mut problem =
        reference_points::common::ProblemDetails::conflict(format!("{what} exists with another {}", names.join(", ")))
            .next("delete it first, or use another id");
    problem.faults = faults;
    Err(Failure::from(problem))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_asked_for_counts() {
        let a = json!({"name": "n", "mtu": 1, "owner": {"id": 1, "operation": "x", "step": "s"}});
        let b = json!({"name": "n", "owner": {"id": 1, "operation": "y"}});
        assert_eq!(differing(&a, &b), ["mtu"]);
        assert_eq!(differing(&a, &json!({"name": "n", "mtu": 1, "owner": {"id": 2}})), ["owner"]);
        let told = same("network 1", &a, &b).unwrap_err().to_string();
        assert!(told.contains("network 1 exists with another mtu"), "{told}");
    }
}
