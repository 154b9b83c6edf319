//! Event streams: server-sent events over a durable sequence, read by `reference_points::common::EventStream`.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::contain::Shutdown;
use super::problem::ApiError;

/// Events read from the sequence at once.
const BATCH: usize = 100;

/// A quiet stream says so this often, and looks whether another process added something.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Wakes the streams of one sequence: [`Wake::ring`] after the commit that added events. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Wake(watch::Sender<u64>);

impl Default for Wake {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Wake {
    /// Something was added.
    pub fn ring(&self) {
        self.0.send_modify(|n| *n = n.wrapping_add(1));
    }

    /// A listener; the next [`Wake::ring`] after this call counts as a change.
    pub fn listen(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

/// `?after=N` of an event stream's request, and the service's shutdown, which ends the stream.
#[derive(Debug, Clone)]
pub struct After {
    /// Sequence number of the last event the consumer handled; 0 from the beginning.
    pub after: i64,
    shutdown: CancellationToken,
}

impl<S: Send + Sync> FromRequestParts<S> for After {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        #[derive(Deserialize)]
        struct Asked {
            #[serde(default)]
            after: i64,
        }
        let Query(asked) = Query::<Asked>::from_request_parts(parts, state).await.map_err(|error| {
            ApiError::fault(
                reference_points::common::Fault::new("query.after", error.body_text())
                    .mend("a whole number, 0 or more"),
            )
        })?;
        let shutdown = parts.extensions.get::<Shutdown>().map_or_else(CancellationToken::new, |s| s.0.clone());
        Ok(Self { after: asked.after.max(0), shutdown })
    }
}

/// Streams every event behind `after`, then each new one as `wake` tells of it. `fetch(after, limit)` gives at most
/// `limit` events (JSON objects) with their sequence numbers, in rising order. An error of `fetch` ends the stream: the
/// consumer connects again.
pub fn event_stream<F, Fut, E>(from: After, wake: &Wake, fetch: F) -> Response
where
    F: Fn(i64, usize) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Vec<(i64, Value)>, E>> + Send + 'static,
    E: std::fmt::Display + Send + 'static,
{
    // Listening starts before the first look, so that nothing falls between the two.
    let state = State { after: from.after, news: wake.listen(), shutdown: from.shutdown, fetch, opened: false };
    streaming(Body::from_stream(futures::stream::unfold(state, next)))
}

/// Events with the sequence numbers behind `after`, for [`event_stream`].
///
/// # Errors
/// An event that is no JSON.
pub fn numbered<T: serde::Serialize>(after: i64, events: &[T]) -> Result<Vec<(i64, Value)>, ApiError> {
    let as_json = |event: &T| serde_json::to_value(event).map_err(|e| ApiError::internal(e.to_string()));
    events.iter().zip(after + 1..).map(|(event, seq)| Ok((seq, as_json(event)?))).collect()
}

/// Hands on what another service streams, until that ends or this service does.
pub fn pass_events<S, E>(from: After, stream: S) -> Response
where
    S: futures::Stream<Item = Result<Bytes, E>> + Send + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    let opened = futures::stream::once(async { Ok(Bytes::from_static(b": connected\n\n")) });
    let all = opened.chain(stream).take_until(from.shutdown.cancelled_owned());
    streaming(Body::from_stream(all))
}

fn streaming(body: Body) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

struct State<F> {
    after: i64,
    news: watch::Receiver<u64>,
    shutdown: CancellationToken,
    fetch: F,
    opened: bool,
}

async fn next<F, Fut, E>(mut state: State<F>) -> Option<(Result<Bytes, std::convert::Infallible>, State<F>)>
where
    F: Fn(i64, usize) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Vec<(i64, Value)>, E>> + Send,
    E: std::fmt::Display + Send,
{
    if !state.opened {
        // The headers leave with the first byte: the consumer learns at once that it is connected.
        state.opened = true;
        return Some((Ok(Bytes::from_static(b": connected\n\n")), state));
    }
    loop {
        state.news.mark_unchanged();
        match (state.fetch)(state.after, BATCH).await {
            Err(error) => {
                tracing::warn!(%error, after = state.after, "an event stream ends: its events cannot be read");
                return None;
            }
            Ok(events) if !events.is_empty() => {
                let mut text = String::new();
                for (seq, event) in events {
                    state.after = state.after.max(seq);
                    push(&mut text, seq, event);
                }
                return Some((Ok(Bytes::from(text)), state));
            }
            Ok(_) => {}
        }
        tokio::select! {
            () = state.shutdown.cancelled() => return None,
            changed = state.news.changed() => if changed.is_err() { return None },
            () = tokio::time::sleep(KEEP_ALIVE) => {
                return Some((Ok(Bytes::from_static(b": keep-alive\n\n")), state));
            }
        }
    }
}

fn push(text: &mut String, seq: i64, event: Value) {
    let mut object = serde_json::Map::new();
    object.insert("seq".to_owned(), seq.into());
    match event {
        Value::Object(attributes) => object.extend(attributes.into_iter().filter(|(k, _)| k != "seq")),
        other => {
            object.insert("event".to_owned(), other);
        }
    }
    text.push_str("data: ");
    text.push_str(&Value::Object(object).to_string());
    text.push_str("\n\n");
}
