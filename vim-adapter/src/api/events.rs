//! The stream of a VIM's events (IFA005 clause 7.3.3, change notifications).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::extract::{Path, State};
use axum::response::Response;
use reference_points::common::Sequenced;
use reference_points::or_vi::ViEvent;
use service::http::{After, event_stream, scoped};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{Answer, READ, Shared};

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
    // A consumer that is ahead of everything told here is set back by the first event, once.
    let at = Arc::new(AtomicI64::new(from.after));
    Ok(event_stream(from, &wake, move |_, limit| {
        let (app, at) = (Arc::clone(&app), Arc::clone(&at));
        async move {
            let events = app.events(vim, at.load(Ordering::Relaxed), limit).await?;
            if let Some((last, _)) = events.last() {
                at.store(*last, Ordering::Relaxed);
            }
            Ok::<_, crate::error::Failure>(events)
        }
    }))
}
