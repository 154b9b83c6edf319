//! Images.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use reference_points::common::{Fault, Owner};
use reference_points::nf_vi::{DiskFormat, HEADER_IMAGE_FORMAT, HEADER_IMAGE_OWNER, HEADER_IMAGE_SHA256, ImageInfo};
use service::http::{ApiError, ApiJson, ApiResult, Upload};
use uuid::Uuid;

use super::{App, ensured};
use crate::app::images::Announced;

/// All images of this host.
#[utoipa::path(get, path = "/images", tag = "images", responses((status = 200, body = [ImageInfo])))]
pub(super) async fn list(State(app): State<App>) -> ApiResult<ApiJson<Vec<ImageInfo>>> {
    Ok(ApiJson(app.images().await?))
}

/// An image.
#[utoipa::path(get, path = "/images/{id}", tag = "images", params(("id" = Uuid, Path)), responses((status = 200, body = ImageInfo)))]
pub(super) async fn get(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<ApiJson<ImageInfo>> {
    Ok(ApiJson(app.image(id).await?))
}

/// Streams an image onto the host. Sending it again is no error; other content under the same id is.
#[utoipa::path(
    put,
    path = "/images/{id}",
    tag = "images",
    params(
        ("id" = Uuid, Path),
        ("x-image-sha256" = Option<String>, Header, description = "SHA-256 that the content must have, hexadecimal"),
        ("x-image-format" = Option<DiskFormat>, Header, description = "Disk format that the content must have"),
        ("x-image-owner" = String, Header, description = "JSON of the owner mark"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 201, body = ImageInfo),
        (status = 200, body = ImageInfo, description = "It was there"),
        (status = 409, description = "Another content has this id"),
        (status = 422, description = "Checksum or format differ, or the image refers to other files"),
        (status = 507, description = "The disk is full"),
    )
)]
pub(super) async fn put(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    upload: Upload,
) -> ApiResult<Response> {
    let announced = announced(&headers, upload.length)?;
    Ok(ensured(app.put_image(id, announced, upload.stream()).await?))
}

/// Removes an image; one that is gone is removed.
#[utoipa::path(
    delete,
    path = "/images/{id}",
    tag = "images",
    params(("id" = Uuid, Path)),
    responses((status = 204), (status = 409, description = "A machine uses it"))
)]
pub(super) async fn delete(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    app.delete_image(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the headers say; every fault of them at once.
fn announced(headers: &HeaderMap, length: Option<u64>) -> ApiResult<Announced> {
    let text = |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned());
    let mut faults = Vec::new();
    let at = |name: &str| format!("header.{name}");
    let sha256 = text(HEADER_IMAGE_SHA256).map(|sha| sha.to_ascii_lowercase());
    if sha256.as_ref().is_some_and(|sha| sha.len() != 64 || !sha.bytes().all(|b| b.is_ascii_hexdigit())) {
        faults.push(Fault::new(at(HEADER_IMAGE_SHA256), "is no SHA-256").mend("64 hexadecimal digits"));
    }
    let format = match text(HEADER_IMAGE_FORMAT).as_deref() {
        None => None,
        Some("qcow2") => Some(DiskFormat::Qcow2),
        Some("raw") => Some(DiskFormat::Raw),
        Some(_) => {
            faults.push(Fault::new(at(HEADER_IMAGE_FORMAT), "is no disk format known here").mend("qcow2 or raw"));
            None
        }
    };
    let owner = text(HEADER_IMAGE_OWNER).map(|owner| serde_json::from_str::<Owner>(&owner));
    match owner {
        Some(Ok(owner)) if faults.is_empty() => return Ok(Announced { sha256, format, owner, length }),
        Some(Ok(_)) => {}
        Some(Err(error)) => faults.push(Fault::new(at(HEADER_IMAGE_OWNER), error.to_string())),
        None => faults.push(Fault::new(at(HEADER_IMAGE_OWNER), "is missing").mend("the JSON of an owner mark")),
    }
    Err(ApiError::faults("the upload", faults))
}
