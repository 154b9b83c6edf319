//! Triggers of policies: what is done when something happens (TOSCA Simple Profile clause 3.6.22).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::condition::{Call, Condition, calls};
use crate::tosca::others;
use crate::yaml::Node;

/// A trigger of a policy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// Its name.
    pub name: String,
    /// `event`: what sets it off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// `condition`, as written; its form differs between profiles.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub condition: Value,
    /// `action`, as written.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub action: Value,
    /// The operations that the action calls, as `<interface>.<operation>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<String>,
    /// Everything else.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

impl Trigger {
    /// What must hold for it to act.
    ///
    /// # Errors
    /// What of its condition has no meaning, in words.
    pub fn when(&self) -> Result<Condition, String> {
        Condition::read(&self.condition)
    }

    /// What it calls, in order, with the inputs.
    pub fn called(&self) -> Vec<Call> {
        calls(&self.action)
    }
}

/// The triggers of a policy, in order; a list of single triggers is read like the map.
pub(crate) fn triggers(policy: &Node) -> Vec<Trigger> {
    let Some(given) = policy.get("triggers") else { return Vec::new() };
    let maps = given.items().unwrap_or(std::slice::from_ref(given));
    maps.iter()
        .flat_map(Node::each)
        .map(|entry| {
            let body = &entry.value;
            let event = body.get("event").or_else(|| body.get("event_type"));
            let mut calls = Vec::new();
            if let Some(action) = body.get("action") {
                called(action, &mut calls);
            }
            Trigger {
                name: entry.key.clone(),
                event: event.and_then(|e| e.get("type").unwrap_or(e).text()).map(str::to_owned),
                condition: body.get("condition").map(Node::to_json).unwrap_or_default(),
                action: body.get("action").map(Node::to_json).unwrap_or_default(),
                calls,
                extra: if event.is_some_and(|e| e.entries().is_some()) {
                    others(body, &["condition", "action"])
                } else {
                    others(body, &["event", "condition", "action"])
                },
            }
        })
        .collect()
}

/// Finds `call_operation`, in its short and its long form.
fn called(action: &Node, calls: &mut Vec<String>) {
    for step in action.items().unwrap_or(std::slice::from_ref(action)) {
        let Some(call) = step.get("call_operation") else { continue };
        if let Some(name) = call.get("operation").unwrap_or(call).text() {
            calls.push(name.to_owned());
        }
    }
}
