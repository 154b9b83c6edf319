//! Routes of resource zones, capacity (IFA005 clause 7.3.4) and true inventory.

use axum::extract::{Path, State};
use reference_points::or_vi::{ResourceZone, VimCapacity, VimInventory};
use service::http::{ApiJson, scoped};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{Answer, READ, Shared};

/// Every route.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(scoped(READ, routes!(zones)))
        .routes(scoped(READ, routes!(capacity)))
        .routes(scoped(READ, routes!(inventory)))
}

/// Resource zones of a VIM.
#[utoipa::path(get, path = "/vims/{vim}/resource_zones", tag = "capacity",
    responses((status = 200, body = Vec<ResourceZone>)))]
async fn zones(State(app): State<Shared>, Path(vim): Path<Uuid>) -> Answer<ApiJson<Vec<ResourceZone>>> {
    Ok(ApiJson(app.zones(vim).await?))
}

/// Capacity of a VIM and of each of its zones.
#[utoipa::path(get, path = "/vims/{vim}/capacity", tag = "capacity", responses((status = 200, body = VimCapacity)))]
async fn capacity(State(app): State<Shared>, Path(vim): Path<Uuid>) -> Answer<ApiJson<VimCapacity>> {
    Ok(ApiJson(app.capacity(vim).await?))
}

/// What a VIM and its hosts really hold, asked now.
#[utoipa::path(get, path = "/vims/{vim}/inventory", tag = "inventory", responses((status = 200, body = VimInventory)))]
async fn inventory(State(app): State<Shared>, Path(vim): Path<Uuid>) -> Answer<ApiJson<VimInventory>> {
    Ok(ApiJson(app.inventory(vim).await?))
}
