//! The agent's events as a stream that can be resumed.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use axum::extract::State;
use axum::response::Response;
use reference_points::nf_vi::AgentEvent;
use service::http::{After, event_stream};

use super::App;

/// Server-sent events behind `after`, each `{"seq": N, "event": …}`, then each new one.
#[utoipa::path(
    get,
    path = "/events",
    tag = "events",
    params(("after" = Option<i64>, Query, description = "Sequence number of the last event handled; 0 from the beginning")),
    responses((status = 200, body = AgentEvent, content_type = "text/event-stream"))
)]
pub(super) async fn events(State(app): State<App>, after: After) -> Response {
    let position = Arc::new(AtomicI64::new(-1));
    let news = app.news.clone();
    event_stream(after, &news, move |after, limit| {
        let (app, position) = (Arc::clone(&app), Arc::clone(&position));
        async move { app.events(after, limit, &position).await }
    })
}
