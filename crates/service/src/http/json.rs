//! JSON request bodies: the media type is checked, and every fault is told with its JSON pointer.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use reference_points::common::{Fault, ProblemDetails};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::problem::ApiError;
use crate::faults;

/// A JSON body: as an extractor it refuses with every fault, as an answer it is `application/json`.
#[derive(Debug, Clone, Copy, Default)]
pub struct ApiJson<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for ApiJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        expect_media_type(request.headers(), |kind| kind == "application/json", "application/json")?;
        let body = body(request, state).await?;
        read(&body).map(Self)
    }
}

impl<T: Serialize> IntoResponse for ApiJson<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => ApiError::internal(format!("the answer cannot be written as JSON: {error}")).into_response(),
        }
    }
}

/// The whole body, within the server's limit.
pub(super) async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        let status = rejection.status();
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            ApiError::status(status, "Payload too large", "the request body is larger than this service accepts")
        } else {
            ApiError::status(StatusCode::BAD_REQUEST, "Bad request", format!("the body broke off: {rejection}"))
        }
    })
}

/// Reads `T` from a JSON text.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let document: serde_json::Value = serde_json::from_slice(body).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        let fault = Fault::new(place, error.to_string()).mend("send one well-formed JSON document");
        ApiError::faults("the request body is not JSON", vec![fault])
    })?;
    faults::read(document, body.len() <= faults::MAX_BYTES_FOR_ALL)
        .map_err(|found| ApiError::faults("the request body", found))
}

/// 415 unless the body's media type is `wanted`.
pub(super) fn expect_media_type(
    headers: &HeaderMap,
    fits: impl Fn(&str) -> bool,
    wanted: &str,
) -> Result<(), ApiError> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let kind = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if fits(&kind) {
        return Ok(());
    }
    let detail = if kind.is_empty() {
        format!("the request has no Content-Type; this resource takes {wanted}")
    } else {
        format!("this resource does not take {kind}; it takes {wanted}")
    };
    let fault = Fault::new("header.Content-Type", detail.clone()).mend(format!("send Content-Type: {wanted}"));
    let problem = ProblemDetails { faults: vec![fault], ..ProblemDetails::new(415, "Unsupported media type", detail) };
    // RFC 9110 clause 12.5.1: Accept in an answer tells what would have been taken.
    Err(ApiError::new(problem).header(header::ACCEPT, wanted))
}
