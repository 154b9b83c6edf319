//! Modifying a resource: JSON merge patch (RFC 7396, SOL013 clause 5.5) guarded by `If-Match` (RFC 9110).

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::json;
use super::problem::ApiError;
use crate::faults;

/// A merge patch: the document as sent, which alone tells "absent" from "null", and its typed reading.
#[derive(Debug, Clone)]
pub struct MergePatch<T = Value> {
    /// What to apply with [`merge`].
    pub document: Value,
    /// The same, checked against the type of modifications that the resource allows.
    pub typed: T,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for MergePatch<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        json::expect_media_type(
            request.headers(),
            |kind| kind == "application/merge-patch+json",
            "application/merge-patch+json",
        )?;
        let body = json::body(request, state).await?;
        let document: Value = json::read(&body)?;
        let typed = faults::read(document.clone(), body.len() <= faults::MAX_BYTES_FOR_ALL)
            .map_err(|found| ApiError::faults("the merge patch", found))?;
        Ok(Self { document, typed })
    }
}

/// Applies `patch` to `target` as RFC 7396 clause 2 has it.
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    if let Value::Object(attributes) = target {
        for (name, change) in changes {
            if change.is_null() {
                attributes.shift_remove(name);
            } else {
                merge(attributes.entry(name.clone()).or_insert(Value::Null), change);
            }
        }
    }
}

/// The `If-Match` header. Without one every state matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IfMatch(Option<Vec<String>>);

impl IfMatch {
    /// Reads the header from `headers`.
    pub fn of(headers: &HeaderMap) -> Self {
        let tags: Vec<String> = headers
            .get_all(header::IF_MATCH)
            .iter()
            .filter_map(|v| v.to_str().ok())
            .flat_map(|v| v.split(','))
            .map(|tag| tag.trim().to_owned())
            .filter(|tag| !tag.is_empty())
            .collect();
        Self((!tags.is_empty()).then_some(tags))
    }

    /// Whether a resource whose ETag is `etag` (quotes included) may be changed.
    pub fn allows(&self, etag: &str) -> bool {
        // If-Match compares strongly: a weak tag never matches.
        self.0.as_ref().is_none_or(|tags| tags.iter().any(|t| t == "*" || t == etag))
    }

    /// 412 unless a resource whose ETag is `etag` may be changed.
    ///
    /// # Errors
    /// The 412, saying which state was asked for and which is there.
    pub fn check(&self, etag: &str) -> Result<(), ApiError> {
        if self.allows(etag) {
            return Ok(());
        }
        let asked = self.0.as_deref().unwrap_or_default().join(", ");
        let mut error = ApiError::precondition_failed(format!(
            "the resource changed since it was read: If-Match names {asked}, it is at {etag} now"
        ));
        error.problem.next = Some("read the resource again and repeat the change on its current state".to_owned());
        Err(error)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn merging_follows_the_examples_of_rfc_7396() {
        for (mut target, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
        ] {
            merge(&mut target, &patch);
            assert_eq!(target, result);
        }
    }

    #[test]
    fn if_match_compares_strongly() {
        let mut headers = HeaderMap::new();
        assert!(IfMatch::of(&headers).allows("\"1\""));
        headers.insert(header::IF_MATCH, "\"1\", W/\"2\"".parse().unwrap());
        let given = IfMatch::of(&headers);
        assert!(given.allows("\"1\"") && !given.allows("\"2\""));
        assert_eq!(given.check("\"3\"").unwrap_err().problem.status, 412);
        headers.insert(header::IF_MATCH, "*".parse().unwrap());
        assert!(IfMatch::of(&headers).allows("\"9\""));
    }
}
