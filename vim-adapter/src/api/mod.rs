//! The routes of Or-Vi and Vi-Vnfm. Handlers do nothing but hand over to `app`.

mod affinity;
mod computes;
mod events;
mod hosts;
mod images;
mod info;
mod networks;
mod ports;
mod snapshots;
mod subnets;
mod vims;
mod volumes;

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use service::auth::Scope;
use service::http::{Api, ApiError};
use service::query::{ListQuery, Selection};
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::error::Failure;
use crate::vim::Gone;

/// What handlers share.
type Shared = Arc<App>;

/// Reading what a VIM holds.
const READ: Scope = Scope("vi:v1:readonly");
/// Making, changing and removing virtualised resources.
const MANAGE: Scope = Scope("vi:v1:resources");
/// Registering VIMs and hosts.
const ADMIN: Scope = Scope("vi:v1:vims");

const API: Api = Api { name: "vi", major: "v1", versions: &["1.0.0"] };

/// Every route of the service.
pub fn routes() -> OpenApiRouter<Shared> {
    API.mount(
        OpenApiRouter::new()
            .merge(vims::routes())
            .merge(hosts::routes())
            .merge(info::routes())
            .merge(events::routes())
            .merge(networks::routes())
            .merge(subnets::routes())
            .merge(ports::routes())
            .merge(images::routes())
            .merge(volumes::routes())
            .merge(affinity::routes())
            .merge(computes::routes())
            .merge(snapshots::routes()),
    )
}

/// What a handler gives.
type Answer<T> = Result<T, Refusal>;

/// Why a request is not answered as asked.
#[derive(Debug)]
enum Refusal {
    /// A problem.
    Told(Box<ApiError>),
    /// The connection breaks in the middle of the answer, as scripted.
    Cut,
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Cut => Self::Cut,
            other => Self::Told(Box::new(other.into())),
        }
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Told(Box::new(error))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Told(error) => error.into_response(),
            Self::Cut => {
                let broken = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "cut off, as scripted");
                Body::from_stream(futures::stream::iter([Ok(Bytes::from_static(b"{")), Err(broken)])).into_response()
            }
        }
    }
}

/// A list with the conventions of SOL013 clauses 5.2 and 5.3: filter and attribute selectors. It is never cut into pages:
/// a VIM's collections are read whole, as IFA005's queries are.
fn listed<T: Serialize>(query: &ListQuery, items: &[T]) -> Answer<Response> {
    let mut entries = Vec::with_capacity(items.len());
    for item in items {
        let entry =
            serde_json::to_value(item).map_err(|error| ApiError::internal(format!("a list's entry: {error}")))?;
        if query.filter.matches(&entry) {
            entries.push(entry);
        }
    }
    for entry in &mut entries {
        query.selectors.apply(entry, &Selection::NONE);
    }
    Ok(query.respond(entries, None))
}

/// 204 when it is gone, 202 when an event will tell.
#[derive(Debug)]
struct Deleted(Gone);

impl From<Gone> for Deleted {
    fn from(gone: Gone) -> Self {
        Self(gone)
    }
}

impl IntoResponse for Deleted {
    fn into_response(self) -> Response {
        match self.0 {
            Gone::Now => StatusCode::NO_CONTENT,
            Gone::Later => StatusCode::ACCEPTED,
        }
        .into_response()
    }
}
