//! An older version of an interface beside the current one: its requests and answers are translated on their way to and
//! from the handlers of the current version, so that there is one logic.

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use reference_points::common::Fault;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;

use super::problem::ApiError;
use super::version::RequireVersion;
use super::{Api, json};
use crate::query::{ListQuery, Rewrite};

/// Largest answer that is translated, in bytes.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// How an older version differs from the current one.
#[derive(Debug, Clone, Copy)]
pub struct Older {
    /// Makes a request's body one of the current version, or tells what stands in the way.
    pub request: fn(&mut Value) -> Vec<Fault>,
    /// Makes an answer's body one of the older version.
    pub answer: fn(&mut Value),
    /// Makes a query name the attributes of the current version.
    pub query: fn(&mut ListQuery),
    /// Path of the current version, e.g. `/vnflcm/v2/`: `Location` and `Link` name the older one instead.
    pub current: &'static str,
    /// Path of the older version, e.g. `/vnflcm/v1/`.
    pub own: &'static str,
}

impl Older {
    /// The address of the same resource in the older version.
    pub fn address(&self, uri: &str) -> String {
        uri.replacen(self.current, self.own, 1)
    }

    /// Mounts `routes` as `api` with their requests and answers translated. Older clients name no version: none is
    /// demanded, whatever the configuration says of current ones.
    pub fn mount<S: Clone + Send + Sync + 'static>(self, api: Api, routes: OpenApiRouter<S>) -> OpenApiRouter<S> {
        let translated = routes.layer(axum::middleware::from_fn_with_state(self, translate));
        api.mount(translated).layer(axum::middleware::from_fn(without_version))
    }
}

async fn without_version(mut request: Request, next: Next) -> Response {
    request.extensions_mut().remove::<RequireVersion>();
    next.run(request).await
}

async fn translate(State(older): State<Older>, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(Rewrite(older.query));
    let request = match newer(&older, request).await {
        Ok(request) => request,
        Err(refused) => return refused.into_response(),
    };
    let mut response = next.run(request).await;
    for name in [header::LOCATION, header::LINK] {
        let moved = response.headers().get(&name).and_then(|v| v.to_str().ok()).map(|uri| older.address(uri));
        if let Some(value) = moved.and_then(|uri| HeaderValue::from_str(&uri).ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    let json = response.status().is_success() && is(response.headers().get(header::CONTENT_TYPE), "application/json");
    if json { answered(&older, response).await } else { response }
}

fn is(value: Option<&HeaderValue>, kind: &str) -> bool {
    let given = value.and_then(|v| v.to_str().ok()).unwrap_or_default();
    given.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(kind)
}

/// A JSON request in the current form. What is no JSON is left for the handler to refuse.
async fn newer(older: &Older, request: Request) -> Result<Request, ApiError> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    if !["application/json", "application/merge-patch+json"].iter().any(|json| is(kind, json)) {
        return Ok(request);
    }
    let (mut parts, body) = request.into_parts();
    let mut whole = Request::new(body);
    // The server's limit of bodies stands in the extensions.
    *whole.extensions_mut() = parts.extensions.clone();
    let bytes = json::body(whole, &()).await?;
    let bytes = match serde_json::from_slice::<Value>(&bytes) {
        Ok(mut value) => {
            let faults = (older.request)(&mut value);
            if !faults.is_empty() {
                return Err(ApiError::faults("the request body", faults));
            }
            written(&value)
        }
        Err(_) => bytes,
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

async fn answered(older: &Older, response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let read = axum::body::to_bytes(body, MAX_ANSWER).await.map_err(|e| e.to_string());
    let value = read.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).map_err(|e| e.to_string()));
    match value {
        Ok(mut value) => {
            (older.answer)(&mut value);
            parts.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(written(&value)))
        }
        Err(why) => ApiError::internal(format!("the answer cannot be translated: {why}")).into_response(),
    }
}

fn written(value: &Value) -> Bytes {
    Bytes::from(value.to_string())
}

/// Replaces the path of the current version by that of the older one in every link of a document.
pub fn relink(value: &mut Value, current: &str, own: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| relink(item, current, own)),
        Value::Object(map) => {
            for (name, inner) in map.iter_mut() {
                match inner {
                    Value::String(uri) if name == "href" => *uri = uri.replacen(current, own, 1),
                    _ => relink(inner, current, own),
                }
            }
        }
        _ => {}
    }
}
