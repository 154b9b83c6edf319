//! Files as answers: whole, in part (RFC 9110 clause 14), or out of an archive.

use std::io::SeekFrom;
use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use reference_points::common::{Fault, ProblemDetails};
use service::http::negotiate::accepts;
use service::http::{ApiError, ApiResult};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use crate::app::{intake, onboard};
use crate::effects::images::archive_file;

const ZIP: &str = "application/zip";

/// A zip file, or the one range of it that is asked for.
pub async fn ranged(path: &Path, headers: &HeaderMap) -> ApiResult<Response> {
    let mut file = tokio::fs::File::open(path).await.map_err(|e| intake::unwritable(&e))?;
    let size = file.metadata().await.map_err(|e| intake::unwritable(&e))?.len();
    let asked = headers.get(header::RANGE).and_then(|v| v.to_str().ok());
    match asked.map_or(Ok(None), |text| range(text, size)) {
        Ok(None) => {
            let body = Body::from_stream(ReaderStream::with_capacity(file, 256 * 1024));
            let head = [
                (header::CONTENT_TYPE, ZIP.to_owned()),
                (header::ACCEPT_RANGES, "bytes".to_owned()),
                (header::CONTENT_LENGTH, size.to_string()),
            ];
            Ok((head, body).into_response())
        }
        Ok(Some((from, to))) => {
            file.seek(SeekFrom::Start(from)).await.map_err(|e| intake::unwritable(&e))?;
            let length = to - from + 1;
            let body = Body::from_stream(ReaderStream::with_capacity(file.take(length), 256 * 1024));
            let head = [
                (header::CONTENT_TYPE, ZIP.to_owned()),
                (header::CONTENT_RANGE, format!("bytes {from}-{to}/{size}")),
                (header::CONTENT_LENGTH, length.to_string()),
            ];
            Ok((StatusCode::PARTIAL_CONTENT, head, body).into_response())
        }
        Err(fault) => {
            let problem = ProblemDetails {
                faults: vec![fault],
                ..ProblemDetails::new(416, "Range not satisfiable", format!("the archive has {size} bytes"))
            };
            Err(ApiError::new(problem).header(header::CONTENT_RANGE, &format!("bytes */{size}")))
        }
    }
}

/// First and last byte of a range; `None` for what is to be ignored (other units, several ranges).
fn range(text: &str, size: u64) -> Result<Option<(u64, u64)>, Fault> {
    let Some(spec) = text.trim().strip_prefix("bytes=") else { return Ok(None) };
    if spec.contains(',') {
        return Ok(None);
    }
    let outside = || {
        Fault::new("header.Range", format!("{text} lies outside")).mend(format!("bytes=0-{}", size.saturating_sub(1)))
    };
    let Some((from, to)) = spec.split_once('-') else { return Ok(None) };
    let (from, to) = match (from.trim().parse::<u64>().ok(), to.trim().parse::<u64>().ok()) {
        (Some(from), Some(to)) => (from, to.min(size.saturating_sub(1))),
        (Some(from), None) if to.trim().is_empty() => (from, size.saturating_sub(1)),
        (None, Some(last)) if from.trim().is_empty() && last > 0 => (size.saturating_sub(last), size.saturating_sub(1)),
        _ => return Err(outside()),
    };
    if from >= size || from > to { Err(outside()) } else { Ok(Some((from, to))) }
}

/// The descriptor: an archive of its files, or plain text when only that is accepted.
pub async fn descriptor(archive: PathBuf, headers: &HeaderMap) -> ApiResult<Response> {
    if !accepts(headers, ZIP) && accepts(headers, "text/plain") {
        let text = onboard::vnfd_text(archive).await?;
        return Ok(([(header::CONTENT_TYPE, "text/plain")], text).into_response());
    }
    let zip = onboard::vnfd_zip(archive).await?;
    Ok(([(header::CONTENT_TYPE, ZIP)], zip).into_response())
}

/// The manifest as text.
pub async fn manifest(archive: PathBuf) -> ApiResult<Response> {
    match onboard::manifest(archive).await? {
        Some(bytes) => Ok(([(header::CONTENT_TYPE, "text/plain")], bytes).into_response()),
        None => Err(ApiError::not_found("a manifest in this archive")),
    }
}

/// One file of an archive, streamed.
pub async fn artifact(archive: PathBuf, path: String) -> ApiResult<Response> {
    let content = archive_file(archive, path.clone()).await.map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => ApiError::not_found(format!("the file {path} in this archive")),
        _ => intake::unwritable(&e),
    })?;
    let head = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, content.size.to_string()),
    ];
    Ok((head, Body::from_stream(content.stream)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_rfc_9110_has_them() {
        for (text, expected) in [
            ("bytes=0-9", Ok(Some((0, 9)))),
            ("bytes=90-", Ok(Some((90, 99)))),
            ("bytes=-10", Ok(Some((90, 99)))),
            ("bytes=-1000", Ok(Some((0, 99)))),
            ("bytes=50-1000", Ok(Some((50, 99)))),
            ("bytes=0-1,5-6", Ok(None)),
            ("lines=1-2", Ok(None)),
            ("bytes=100-", Err(())),
            ("bytes=9-3", Err(())),
            ("bytes=-0", Err(())),
            ("bytes=a-b", Err(())),
        ] {
            assert_eq!(range(text, 100).map_err(drop), expected, "{text}");
        }
        assert!(range("bytes=0-0", 0).is_err());
    }
}
