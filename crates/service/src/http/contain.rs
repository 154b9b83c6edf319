//! The layer that contains what goes wrong: panics, overlong requests, overload, and errors that are no ProblemDetails.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{OriginalUri, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use reference_points::common::ProblemDetails;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::negotiate::accepts;
use super::problem::{ApiError, PROBLEM_JSON};
use super::upload::{NoTimeout, UploadIdle};
use super::version::RequireVersion;
use crate::config::HttpConfig;
use crate::query::PageSize;

/// Fires when the service shuts down; in the extensions of every request, for answers that never end.
#[derive(Debug, Clone)]
pub struct Shutdown(pub CancellationToken);

/// Longest path and query of a request, in bytes: room for the longest filter, percent-encoded.
const MAX_URI: usize = 32 * 1024;
/// Most headers of a request.
const MAX_HEADERS: usize = 100;
/// Most bytes of headers.
const MAX_HEADER_BYTES: usize = 32 * 1024;

/// In the extensions of an answer that is what it is, whatever `Accept` says (RFC 9110 clause 12.5.1 lets a server
/// disregard it): files whose kind their provider chose.
#[derive(Debug, Clone, Copy)]
pub struct NotNegotiated;

#[derive(Debug, Clone)]
pub(super) struct Limits {
    timeout: Duration,
    upload_idle: Duration,
    in_flight: Arc<Semaphore>,
    shutdown: CancellationToken,
    require_version: bool,
    page_size: PageSize,
}

impl Limits {
    pub fn new(config: &HttpConfig, shutdown: CancellationToken) -> Self {
        Self {
            timeout: Duration::from_secs(config.request_timeout_secs),
            upload_idle: Duration::from_secs(config.upload_idle_timeout_secs),
            in_flight: Arc::new(Semaphore::new(config.max_in_flight)),
            shutdown,
            require_version: config.require_version,
            page_size: PageSize(config.page_size),
        }
    }
}

pub(super) async fn contain(State(limits): State<Limits>, mut request: Request, next: Next) -> Response {
    let path = request.extensions().get::<OriginalUri>().map_or(request.uri().path(), |u| u.0.path()).to_owned();
    // The probes must answer however busy the service is.
    let probe = matches!(path.as_str(), "/healthz" | "/readyz" | "/metrics");
    let _permit = if probe {
        None
    } else {
        match limits.in_flight.clone().try_acquire_owned() {
            Ok(permit) => Some(permit),
            Err(_) => {
                return ApiError::unavailable(
                    "as many requests as this service takes are being worked on",
                    Duration::from_secs(1),
                )
                .into_response();
            }
        }
    };
    if let Some(refused) = too_long(&request) {
        return refused;
    }
    let method = request.method().clone();
    let accept = request.headers().clone();
    let safe = matches!(method, Method::GET | Method::HEAD);
    // What changes something answers JSON or nothing. Refuse before anything changes, not after.
    if !safe && !accepts(&accept, "application/json") && !accepts(&accept, PROBLEM_JSON) {
        return not_acceptable("application/json");
    }
    let no_timeout = NoTimeout::default();
    request.extensions_mut().insert(no_timeout.clone());
    request.extensions_mut().insert(UploadIdle(limits.upload_idle));
    request.extensions_mut().insert(Shutdown(limits.shutdown.clone()));
    request.extensions_mut().insert(limits.page_size);
    if limits.require_version {
        request.extensions_mut().insert(RequireVersion);
    }

    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    tokio::pin!(answer);
    let answer = loop {
        match tokio::time::timeout(limits.timeout, &mut answer).await {
            Ok(answer) => break answer,
            Err(_) if no_timeout.is_set() => {}
            Err(_) => {
                // Not 503 or 504: those tell the caller that nothing happened, and something may have.
                return ApiError::internal(format!(
                    "{method} {path} was not done within {} s and was given up; part of it may have happened",
                    limits.timeout.as_secs()
                ))
                .into_response();
            }
        }
    };
    let response = match answer {
        Ok(response) => response,
        // The panic hook has logged the place and the message.
        Err(_) => {
            return ApiError::internal(format!("{method} {path} met a defect of this service")).into_response();
        }
    };
    let media_type = media_type(&response);
    if response.status().is_client_error() || response.status().is_server_error() {
        return if media_type.as_deref() == Some(PROBLEM_JSON) || probe {
            response
        } else {
            as_problem(response, &method, &path).await
        };
    }
    let fixed = response.extensions().get::<NotNegotiated>().is_some();
    match media_type {
        Some(kind) if safe && !fixed && !accepts(&accept, &kind) => not_acceptable(&kind),
        _ => response,
    }
}

/// 414 and 431: what no honest caller sends is refused before it is looked at.
fn too_long(request: &Request) -> Option<Response> {
    let uri = request.uri().path_and_query().map_or(0, |p| p.as_str().len());
    let headers = request.headers();
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let (status, title, detail) = if uri > MAX_URI {
        let detail = format!("the address has {uri} bytes, more than the {MAX_URI} that this service takes");
        (StatusCode::URI_TOO_LONG, "URI too long", detail)
    } else if headers.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
        let count = headers.len();
        let detail = format!(
            "there are {count} headers of {bytes} bytes; this service takes {MAX_HEADERS} of {MAX_HEADER_BYTES}"
        );
        (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request header fields too large", detail)
    } else {
        return None;
    };
    Some(ApiError::status(status, title, detail).into_response())
}

fn media_type(response: &Response) -> Option<String> {
    let value = response.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn not_acceptable(offered: &str) -> Response {
    let fault = reference_points::common::Fault::new("header.Accept", "allows nothing that this resource can answer")
        .mend(format!("send Accept: {offered}"));
    let problem = ProblemDetails {
        faults: vec![fault],
        ..ProblemDetails::new(406, "Not acceptable", format!("this resource answers {offered}"))
    };
    ApiError::new(problem).into_response()
}

/// The router's and the extractors' own refusals are plain text or empty: they become problems, headers kept.
async fn as_problem(response: Response, method: &Method, path: &str) -> Response {
    let (parts, body) = response.into_parts();
    let words = axum::body::to_bytes(body, 4096).await.unwrap_or_default();
    let words = String::from_utf8_lossy(&words).trim().to_owned();
    let status = parts.status;
    let detail = match status {
        StatusCode::NOT_FOUND if words.is_empty() => format!("there is no resource at {path}"),
        // The router adds Allow further out.
        StatusCode::METHOD_NOT_ALLOWED => {
            format!("{path} does not take {method}; the Allow header names what it takes")
        }
        _ if words.is_empty() => status.canonical_reason().unwrap_or("refused").to_owned(),
        _ => words,
    };
    let title = status.canonical_reason().unwrap_or("Error");
    let mut problem = ApiError::status(status, title, detail).into_response();
    for (name, value) in parts.headers {
        if let Some(name) = name
            && name != header::CONTENT_TYPE
            && name != header::CONTENT_LENGTH
            && !problem.headers().contains_key(&name)
        {
            problem.headers_mut().insert(name, value);
        }
    }
    if *method == Method::HEAD {
        *problem.body_mut() = Body::empty();
    }
    problem
}
