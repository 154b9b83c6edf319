//! The parameters of a list request (SOL013 clauses 5.2 to 5.4) and its answer with the `Link` to the next page.

use axum::extract::{FromRequestParts, OriginalUri, Query};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reference_points::common::Fault;
use serde_json::Value;
use uuid::Uuid;

use super::filter::Filter;
use super::selectors::Selectors;
use crate::faults::nearest;
use crate::http::{ApiError, ApiJson};

/// Entries of a page unless configured otherwise.
pub const DEFAULT_PAGE_SIZE: usize = 100;

const MARKER: &str = "nextpage_opaque_marker";
const KNOWN: [&str; 6] = ["filter", "all_fields", "fields", "exclude_fields", "exclude_default", MARKER];

/// Entries of a page, in the extensions of every request.
#[derive(Debug, Clone, Copy)]
pub struct PageSize(pub usize);

/// In the extensions of requests of an older version of an interface: makes a query name the attributes of the current one.
#[derive(Debug, Clone, Copy)]
pub struct Rewrite(pub fn(&mut ListQuery));

/// A list request.
#[derive(Debug, Clone)]
pub struct ListQuery {
    /// Which entries.
    pub filter: Filter,
    /// Which of their attributes.
    pub selectors: Selectors,
    /// Behind which entry the page begins.
    pub after: Option<Marker>,
    /// Entries of a page, at least 1.
    pub page_size: usize,
    /// URI of the list, which the link to the next page continues: scheme and host when known, path, query without marker.
    pub base: String,
}

impl Default for ListQuery {
    fn default() -> Self {
        Self {
            filter: Filter::default(),
            selectors: Selectors::default(),
            after: None,
            page_size: DEFAULT_PAGE_SIZE,
            base: String::new(),
        }
    }
}

/// Place in a list: lists are ordered by time of creation, then id, so that pages stay sound while entries come and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marker {
    /// Creation of the last entry shown, microseconds since the Unix epoch.
    pub created_at: i64,
    /// Its id.
    pub id: Uuid,
}

impl Marker {
    /// Its opaque form.
    pub fn encode(self) -> String {
        let mut bytes = self.created_at.to_be_bytes().to_vec();
        bytes.extend_from_slice(self.id.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads the opaque form.
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (time, id) = bytes.split_first_chunk::<8>()?;
        Some(Self { created_at: i64::from_be_bytes(*time), id: Uuid::from_slice(id).ok()? })
    }
}

impl ListQuery {
    /// Reads the parameters of a query.
    ///
    /// # Errors
    /// 400 with every fault.
    pub fn parse(parameters: &[(String, String)]) -> Result<Self, ApiError> {
        let mut faults = Vec::new();
        for (i, (name, _)) in parameters.iter().enumerate() {
            if !KNOWN.contains(&name.as_str()) {
                let fault =
                    Fault::new(format!("query.{}", name.chars().take(60).collect::<String>()), "is not known here");
                faults.push(match nearest(name, &KNOWN) {
                    Some(known) => fault.mend(format!("did you mean {known}?")),
                    None => fault.mend(format!("known: {}", KNOWN.join(", "))),
                });
            } else if parameters[..i].iter().any(|(n, _)| n == name) {
                faults.push(
                    Fault::new(format!("query.{name}"), "is given twice")
                        .mend("give it once; join conditions of a filter by ';'"),
                );
            }
        }
        let get = |name: &str| parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let filter = match get("filter").map(str::parse::<Filter>) {
            None => Filter::default(),
            Some(Ok(filter)) => filter,
            Some(Err(error)) => {
                faults.push(error.fault("filter"));
                Filter::default()
            }
        };
        let after = get(MARKER).and_then(|text| {
            let marker = Marker::decode(text);
            if marker.is_none() {
                faults.push(
                    Fault::new(format!("query.{MARKER}"), "is not a marker of this service")
                        .mend("follow the Link header as it is given"),
                );
            }
            marker
        });
        let selectors = Selectors::of(
            get("all_fields").is_some(),
            get("fields"),
            get("exclude_fields"),
            get("exclude_default").is_some(),
        )
        .unwrap_or_else(|error| {
            faults.extend(error.problem.faults);
            Selectors::default()
        });
        if faults.is_empty() {
            Ok(Self { filter, selectors, after, ..Self::default() })
        } else {
            Err(ApiError::faults("the query", faults))
        }
    }

    /// The answer: a JSON array, and the link to the next page when there is one.
    pub fn respond(&self, entries: Vec<Value>, next: Option<Marker>) -> Response {
        let mut response = ApiJson(entries).into_response();
        if let Some(next) = next {
            let joint = if self.base.contains('?') { '&' } else { '?' };
            let link = format!("<{}{joint}{MARKER}={}>; rel=\"next\"", self.base, next.encode());
            if let Ok(value) = HeaderValue::from_str(&link) {
                response.headers_mut().insert(header::LINK, value);
            }
        }
        response
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ListQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(parameters) = Query::<Vec<(String, String)>>::from_request_parts(parts, state)
            .await
            .map_err(|e| ApiError::fault(Fault::new("query", e.body_text()).mend("percent-encode the parameters")))?;
        let mut query = Self::parse(&parameters)?;
        if let Some(Rewrite(rewrite)) = parts.extensions.get::<Rewrite>() {
            rewrite(&mut query);
        }
        query.page_size = parts.extensions.get::<PageSize>().map_or(DEFAULT_PAGE_SIZE, |p| p.0).max(1);
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |u| &u.0);
        let origin = parts.headers.get(header::HOST).and_then(|h| h.to_str().ok()).map(|h| format!("http://{h}"));
        query.base = format!("{}{}", origin.unwrap_or_default(), uri.path());
        let kept: Vec<&str> =
            uri.query().unwrap_or_default().split('&').filter(|p| !p.is_empty() && !p.starts_with(MARKER)).collect();
        if !kept.is_empty() {
            query.base = format!("{}?{}", query.base, kept.join("&"));
        }
        Ok(query)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn every_fault_of_a_query_is_told() {
        let error = ListQuery::parse(&pairs(&[
            ("fliter", "x"),
            ("filter", "(eq,a"),
            ("all_fields", ""),
            ("fields", "a"),
            (MARKER, "zzz"),
        ]))
        .unwrap_err();
        let places: Vec<&str> = error.problem.faults.iter().map(|f| f.location.as_str()).collect();
        assert_eq!(places, ["query.fliter", "query.filter", "query.nextpage_opaque_marker", "query.all_fields"]);
        assert_eq!(error.problem.faults[0].mend.as_deref(), Some("did you mean filter?"));
    }

    #[test]
    fn a_marker_survives_its_opaque_form() {
        let marker = Marker { created_at: 1_700_000_000_000_001, id: Uuid::new_v4() };
        assert_eq!(Marker::decode(&marker.encode()), Some(marker));
        assert_eq!(Marker::decode("AAAA"), None);
    }
}
