//! Routes of software images (IFA005 clause 7.2).

use axum::extract::{Path, Query, State};
use axum::response::Response;
use reference_points::or_vi::{SoftwareImage, SoftwareImageSpec};
use serde::Deserialize;
use service::http::{ApiJson, Upload, scoped};
use service::query::{Condition, ListQuery, Op};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{Answer, Deleted, MANAGE, READ, Shared, listed};

/// Every route.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(scoped(READ, routes!(list)))
        .routes(scoped(READ, routes!(near)))
        .routes(scoped(READ, routes!(get)))
        .routes(scoped(MANAGE, routes!(put, delete)))
        .routes(scoped(MANAGE, routes!(put_content)))
}

/// Software images of a VIM.
#[utoipa::path(get, path = "/vims/{vim}/software_images", tag = "software_images",
    params(("filter" = Option<String>, Query, description = "SOL013 clause 5.2"), ("fields" = Option<String>, Query, description = "SOL013 clause 5.3")),
    responses((status = 200, body = Vec<SoftwareImage>)))]
async fn list(State(app): State<Shared>, Path(vim): Path<Uuid>, query: ListQuery) -> Answer<Response> {
    listed(&query, &app.images(vim, equal_to(&query, "spec/name")).await?)
}

/// The value that a filter demands of an attribute, where it demands one.
fn equal_to<'a>(query: &'a ListQuery, attribute: &str) -> Option<&'a str> {
    let demands = |c: &&Condition| c.op == Op::Eq && c.plain_path().as_deref() == Some(attribute);
    query.filter.conditions.iter().find(demands).and_then(|c| c.values.first()).map(String::as_str)
}

/// A name.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Named {
    /// Name of a software image, there or not.
    name: String,
}

/// Software images whose names stand next to a name in the order of names, at most twenty on each side: what may have been
/// meant by a name that none has.
#[utoipa::path(get, path = "/vims/{vim}/software_images_near", tag = "software_images", params(Named),
    responses((status = 200, body = Vec<SoftwareImage>)))]
async fn near(
    State(app): State<Shared>,
    Path(vim): Path<Uuid>,
    Query(named): Query<Named>,
) -> Answer<ApiJson<Vec<SoftwareImage>>> {
    Ok(ApiJson(app.images_near(vim, &named.name).await?))
}

/// One software image.
#[utoipa::path(get, path = "/vims/{vim}/software_images/{id}", tag = "software_images",
    responses((status = 200, body = SoftwareImage)))]
async fn get(State(app): State<Shared>, Path((vim, id)): Path<(Uuid, Uuid)>) -> Answer<ApiJson<SoftwareImage>> {
    Ok(ApiJson(app.image(vim, id).await?))
}

/// Ensures that a software image is known; its content follows.
#[utoipa::path(put, path = "/vims/{vim}/software_images/{id}", tag = "software_images",
    request_body = SoftwareImageSpec, responses((status = 200, body = SoftwareImage)))]
async fn put(
    State(app): State<Shared>,
    Path((vim, id)): Path<(Uuid, Uuid)>,
    ApiJson(spec): ApiJson<SoftwareImageSpec>,
) -> Answer<ApiJson<SoftwareImage>> {
    Ok(ApiJson(app.put_image(vim, id, spec).await?))
}

/// Takes a software image's content in. It is refused unless its checksum, size and format are as announced.
#[utoipa::path(put, path = "/vims/{vim}/software_images/{id}/content", tag = "software_images",
    request_body(content_type = "application/octet-stream", content = String), responses((status = 200, body = SoftwareImage)))]
async fn put_content(
    State(app): State<Shared>,
    Path((vim, id)): Path<(Uuid, Uuid)>,
    upload: Upload,
) -> Answer<ApiJson<SoftwareImage>> {
    let length = upload.length;
    Ok(ApiJson(app.put_image_content(vim, id, length, upload.stream()).await?))
}

/// Removes a software image everywhere; one that is gone already is done.
#[utoipa::path(delete, path = "/vims/{vim}/software_images/{id}", tag = "software_images",
    responses((status = 204, description = "Gone"), (status = 202, description = "Being removed")))]
async fn delete(State(app): State<Shared>, Path((vim, id)): Path<(Uuid, Uuid)>) -> Answer<Deleted> {
    Ok(app.delete_image(vim, id).await?.into())
}
