//! Uploads: a body read as a stream with flat memory, free of the request timeout, given up when it stalls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header;
use futures::{Stream, StreamExt};

use super::problem::ApiError;

/// Set by an extractor or handler whose request may take longer than the server's request timeout.
#[derive(Debug, Clone, Default)]
pub struct NoTimeout(Arc<AtomicBool>);

impl NoTimeout {
    /// Frees the running request from the request timeout.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long an upload may stand still.
#[derive(Debug, Clone, Copy)]
pub(super) struct UploadIdle(pub Duration);

/// A streamed request body of any size: the handler bounds it as it counts and hashes.
#[derive(Debug)]
pub struct Upload {
    /// `Content-Type` without parameters, in lower case; empty without one.
    pub media_type: String,
    /// `Content-Length`, when the sender knows it.
    pub length: Option<u64>,
    idle: Duration,
    body: Body,
}

impl Upload {
    /// The bytes. An item is an error when the sender breaks off or stalls: what was stored so far must be thrown away.
    pub fn stream(self) -> impl Stream<Item = Result<Bytes, ApiError>> + Send + Unpin {
        let idle = self.idle;
        let body = self.body.into_data_stream();
        Box::pin(futures::stream::unfold(Some(body), move |body| async move {
            let mut body = body?;
            match tokio::time::timeout(idle, body.next()).await {
                Ok(None) => None,
                Ok(Some(Ok(bytes))) => Some((Ok(bytes), Some(body))),
                Ok(Some(Err(error))) => {
                    let error = ApiError::status(
                        axum::http::StatusCode::BAD_REQUEST,
                        "Upload broken off",
                        format!("the upload broke off before its end: {error}"),
                    );
                    Some((Err(error), None))
                }
                Err(_) => {
                    let error = ApiError::status(
                        axum::http::StatusCode::REQUEST_TIMEOUT,
                        "Upload stalled",
                        format!("no byte of the upload came for {} s", idle.as_secs()),
                    );
                    Some((Err(error), None))
                }
            }
        }))
    }
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        if let Some(no_timeout) = request.extensions().get::<NoTimeout>() {
            no_timeout.set();
        }
        let idle = request.extensions().get::<UploadIdle>().map_or(Duration::from_secs(60), |i| i.0);
        let text = |name| request.headers().get(name).and_then(|v: &axum::http::HeaderValue| v.to_str().ok());
        let media_type = text(header::CONTENT_TYPE).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let length = text(header::CONTENT_LENGTH).and_then(|v| v.parse().ok());
        Ok(Self { media_type, length, idle, body: request.into_body() })
    }
}
