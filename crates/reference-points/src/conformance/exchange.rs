//! A recorded request and its answer, in the form in which the services record them: one JSON object a line.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One request and its answer. Header names are lower case; absent header maps mean that headers were not recorded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// The service that answered.
    #[serde(default, alias = "producer")]
    pub service: String,
    /// HTTP method.
    pub method: String,
    /// Path, with the query when there was one.
    pub path: String,
    /// Request headers.
    #[serde(default)]
    pub request_headers: Option<Map<String, Value>>,
    /// Request body, when it was JSON.
    #[serde(default, alias = "request_body")]
    pub request: Option<Value>,
    /// HTTP status.
    pub status: u16,
    /// Response headers.
    #[serde(default)]
    pub response_headers: Option<Map<String, Value>>,
    /// Response body, when it was JSON.
    #[serde(default, alias = "response_body")]
    pub response: Option<Value>,
}

impl Exchange {
    /// Reads one line of a record.
    ///
    /// # Errors
    /// The line is not an exchange.
    pub fn from_line(line: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(line)
    }

    /// The path without query and trailing slash.
    pub fn resource(&self) -> &str {
        self.path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/')
    }

    pub(super) fn response_header(&self, name: &str) -> Option<&str> {
        header(self.response_headers.as_ref(), name)
    }

    pub(super) fn lacks_response_header(&self, name: &str) -> bool {
        self.response_headers.is_some() && self.response_header(name).is_none()
    }

    pub(super) fn lacks_request_header(&self, name: &str) -> bool {
        self.request_headers.is_some() && header(self.request_headers.as_ref(), name).is_none()
    }

    /// A body travelled that was too large, streamed or no JSON, so that it is not in the record.
    pub(super) fn has_unrecorded_response(&self) -> bool {
        self.response_header("content-type").is_some()
    }

    /// The same for the request.
    pub(super) fn has_unrecorded_request(&self) -> bool {
        header(self.request_headers.as_ref(), "content-type").is_some()
    }
}

fn header<'a>(headers: Option<&'a Map<String, Value>>, name: &str) -> Option<&'a str> {
    headers?.get(name)?.as_str()
}
