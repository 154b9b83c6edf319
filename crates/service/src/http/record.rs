//! The exchange recorder: every request and answer as a JSON line, so that conformance tests can hold real traffic against
//! the ETSI schemas.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Larger bodies are not recorded, in bytes.
const MAX_BODY: u64 = 1024 * 1024;

const REQUEST_HEADERS: [&str; 6] = ["content-type", "accept", "version", "if-match", "if-none-match", "range"];
const RESPONSE_HEADERS: [&str; 9] = [
    "content-type",
    "location",
    "etag",
    "link",
    "version",
    "allow",
    "retry-after",
    "www-authenticate",
    "content-range",
];

/// One exchange.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// When the answer was ready, microseconds since the Unix epoch.
    pub time: i64,
    /// Service that answered.
    pub service: String,
    /// HTTP method.
    pub method: String,
    /// Path with query.
    pub path: String,
    /// Route template that matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Request headers that SOL013 gives a meaning.
    pub request_headers: Map<String, Value>,
    /// Request body, when JSON and below 1 MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Value>,
    /// HTTP status.
    pub status: u16,
    /// Response headers that SOL013 gives a meaning.
    pub response_headers: Map<String, Value>,
    /// Response body, when JSON and below 1 MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Value>,
}

/// An open record. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Recorder {
    file: Arc<Mutex<File>>,
    service: &'static str,
}

impl Recorder {
    /// Appends to the file at `path`, made readable by this user only.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: &Path, service: &'static str) -> std::io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        Ok(Self { file: Arc::new(Mutex::new(file)), service })
    }

    fn write(&self, exchange: &Exchange) {
        let Ok(mut line) = serde_json::to_vec(exchange) else { return };
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // One write, so that several processes may share the file.
        if let Err(error) = file.write_all(&line) {
            tracing::warn!(%error, "an exchange could not be recorded");
        }
    }
}

pub(super) async fn record(State(recorder): State<Recorder>, request: Request, next: Next) -> Response {
    let method = request.method().to_string();
    let path = request.uri().path_and_query().map_or_else(|| request.uri().to_string(), ToString::to_string);
    if matches!(request.uri().path(), "/healthz" | "/readyz" | "/metrics") {
        return next.run(request).await;
    }
    let route = request.extensions().get::<axum::extract::MatchedPath>().map(|m| m.as_str().to_owned());
    let request_headers = chosen(request.headers(), &REQUEST_HEADERS);
    let (parts, body) = request.into_parts();
    let (body, sent) = look(&parts.headers, body).await;
    let response = next.run(Request::from_parts(parts, body)).await;
    let (parts, body) = response.into_parts();
    let (body, answered) = look(&parts.headers, body).await;
    recorder.write(&Exchange {
        time: db::Clock::now_micros(&db::SystemClock),
        service: recorder.service.to_owned(),
        method,
        path,
        route,
        request_headers,
        request: sent,
        status: parts.status.as_u16(),
        response_headers: chosen(&parts.headers, &RESPONSE_HEADERS),
        response: answered,
    });
    Response::from_parts(parts, body)
}

fn chosen(headers: &HeaderMap, names: &[&str]) -> Map<String, Value> {
    names
        .iter()
        .filter_map(|name| {
            let value = headers.get(*name)?.to_str().ok()?;
            Some(((*name).to_owned(), Value::from(value)))
        })
        .collect()
}

/// Reads the body when it is JSON of a known and small size, and gives it back untouched.
async fn look(headers: &HeaderMap, body: Body) -> (Body, Option<Value>) {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let small = body.size_hint().exact().is_some_and(|n| n > 0 && n <= MAX_BODY);
    if !small || !kind.split(';').next().unwrap_or_default().trim().ends_with("json") {
        return (body, None);
    }
    match axum::body::to_bytes(body, MAX_BODY as usize).await {
        Ok(bytes) => {
            let value = serde_json::from_slice(&bytes).ok();
            (Body::from(bytes), value)
        }
        Err(error) => {
            (Body::from_stream(futures::stream::once(async move { Err::<axum::body::Bytes, _>(error) })), None)
        }
    }
}
