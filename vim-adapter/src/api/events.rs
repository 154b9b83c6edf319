//! The stream of a VIM's events (IFA005 clause 7.3.3, change notifications).

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::response::Response;
use reference_points::common::Sequenced;
use reference_points::or_vi::ViEvent;
use serde_json::Value;
use service::http::{After, event_stream, scoped};
use tokio::sync::{Mutex, watch};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{Answer, READ, Shared};
use crate::error::Failure;

/// How long it may take until what another replica of the adapter added is seen.
const OTHERS: Duration = Duration::from_secs(10);

/// Every route.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(scoped(READ, routes!(events)))
}

/// Server-sent events behind a sequence number, then each new one.
#[utoipa::path(get, path = "/vims/{vim}/events", tag = "events",
    params(("after" = Option<i64>, Query, description = "Sequence number of the last event handled")),
    responses((status = 200, content_type = "text/event-stream", body = Sequenced<ViEvent>)))]
async fn events(State(app): State<Shared>, Path(vim): Path<Uuid>, from: After) -> Answer<Response> {
    app.driver(vim).await?;
    let wake = app.store.wake.clone();
    let follower = Arc::new(Mutex::new(Follower { at: from.after, news: wake.listen(), read: None }));
    Ok(event_stream(from, &wake, move |_, limit| {
        let (app, follower) = (Arc::clone(&app), Arc::clone(&follower));
        async move { follower.lock().await.next(&app, vim, limit).await }
    }))
}

/// One reader of a VIM's events.
struct Follower {
    /// The last event that was told. A consumer that is ahead of everything told here is set back by the first event, once.
    at: i64,
    news: watch::Receiver<u64>,
    /// When everything that there was had been read.
    read: Option<Instant>,
}

impl Follower {
    /// The next events; the database is not asked when nothing was added since all of it was read.
    async fn next(&mut self, app: &Shared, vim: Uuid, limit: usize) -> Result<Vec<(i64, Value)>, Failure> {
        let fresh = self.read.is_some_and(|read| read.elapsed() < OTHERS);
        if fresh && !self.news.has_changed().unwrap_or(true) {
            return Ok(Vec::new());
        }
        self.news.mark_unchanged();
        let events = app.events(vim, self.at, limit).await?;
        self.at = events.last().map_or(self.at, |(last, _)| *last);
        self.read = (events.len() < limit).then(Instant::now);
        Ok(events)
    }
}
