//! Files as answers: whole, in part (RFC 9110 clause 14), or out of an archive.

use std::io::SeekFrom;
use std::path::{Path, PathBuf};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use reference_points::common::{Fault, ProblemDetails};
use reference_points::os_ma_nfvo::VnfPkgInfo;
use service::http::negotiate::accepts;
use service::http::{ApiError, ApiResult, NotNegotiated};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::{ReaderStream, StreamReader};

use crate::app::bulk::{self, Selection};
use crate::app::{intake, onboard};
use crate::effects::images::archive_file;

const ZIP: &str = "application/zip";

/// Parameters by which the artifacts of a package are chosen (SOL003 clause 10.4.5a.3.2), as the OpenAPI document has them;
/// [`Selection`] reads them.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what Selection reads")]
pub struct WhichArtifacts {
    /// Flag: without MANO artifacts
    exclude_all_mano_artifacts: Option<String>,
    /// Flag: without non-MANO artifacts
    exclude_all_non_mano_artifacts: Option<String>,
    /// Only the non-MANO artifacts of these sets, by comma
    select_non_mano_artifact_sets: Option<String>,
    /// Flag: 409 when the package names artifacts outside, which are not fetched
    include_external_artifacts: Option<String>,
    /// Flag: with their signatures and certificates
    include_signatures: Option<String>,
}

/// What of a file is answered, and how.
struct Part {
    status: StatusCode,
    from: u64,
    length: u64,
    head: Vec<(HeaderName, String)>,
}

impl Part {
    fn of(headers: &HeaderMap, size: u64, kind: &str) -> ApiResult<Self> {
        let asked = headers.get(header::RANGE).and_then(|v| v.to_str().ok());
        let range = asked.map_or(Ok(None), |text| range(text, size)).map_err(|fault| {
            let problem = ProblemDetails {
                faults: vec![fault],
                ..ProblemDetails::new(416, "Range not satisfiable", format!("the file has {size} bytes"))
            };
            ApiError::new(problem).header(header::CONTENT_RANGE, &format!("bytes */{size}"))
        })?;
        let (from, length) = range.map_or((0, size), |(from, to)| (from, to - from + 1));
        let mut head = vec![
            (header::CONTENT_TYPE, kind.to_owned()),
            (header::ACCEPT_RANGES, "bytes".to_owned()),
            (header::CONTENT_LENGTH, length.to_string()),
        ];
        if range.is_some() {
            head.push((header::CONTENT_RANGE, format!("bytes {from}-{}/{size}", from + length - 1)));
        }
        let status = if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
        Ok(Self { status, from, length, head })
    }

    fn answer(self, body: Body) -> Response {
        let mut response = (self.status, body).into_response();
        for (name, value) in self.head {
            if let Ok(value) = value.parse() {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// A zip file, or the one range of it that is asked for.
pub async fn ranged(path: &Path, headers: &HeaderMap) -> ApiResult<Response> {
    of_file(tokio::fs::File::open(path).await.map_err(|e| intake::unwritable(&e))?, headers).await
}

/// As [`ranged`], of the artifacts of a package.
pub async fn artifacts(
    archive: PathBuf,
    info: &VnfPkgInfo,
    query: &[(String, String)],
    headers: &HeaderMap,
) -> ApiResult<Response> {
    let file = bulk::archive(archive, info, Selection::of(query)?).await?;
    of_file(tokio::fs::File::from_std(file), headers).await
}

async fn of_file(mut file: tokio::fs::File, headers: &HeaderMap) -> ApiResult<Response> {
    let size = file.metadata().await.map_err(|e| intake::unwritable(&e))?.len();
    let part = Part::of(headers, size, ZIP)?;
    file.seek(SeekFrom::Start(part.from)).await.map_err(|e| intake::unwritable(&e))?;
    let body = Body::from_stream(ReaderStream::with_capacity(file.take(part.length), 256 * 1024));
    Ok(part.answer(body))
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
    let zip = Bytes::from(onboard::vnfd_zip(archive).await?);
    let part = Part::of(headers, zip.len() as u64, ZIP)?;
    let end = part.from + part.length;
    let body = Body::from(zip.slice(part.from as usize..end as usize));
    Ok(part.answer(body))
}

/// The manifest as text.
pub async fn manifest(archive: PathBuf) -> ApiResult<Response> {
    match onboard::manifest(archive).await? {
        Some(bytes) => Ok(([(header::CONTENT_TYPE, "text/plain")], bytes).into_response()),
        None => Err(ApiError::not_found("a manifest in this archive")),
    }
}

/// One file of an archive, or the one range of it that is asked for, streamed. It is what it is, whatever is accepted.
pub async fn artifact(archive: PathBuf, path: String, headers: &HeaderMap) -> ApiResult<Response> {
    let content = archive_file(archive, path.clone()).await.map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => ApiError::not_found(format!("the file {path} in this archive")),
        _ => intake::unwritable(&e),
    })?;
    let part = Part::of(headers, content.size, "application/octet-stream")?;
    let mut reader = StreamReader::new(content.stream);
    // What is compressed has no middle to begin at.
    let before = tokio::io::copy(&mut (&mut reader).take(part.from), &mut tokio::io::sink()).await;
    before.map_err(|e| intake::unwritable(&e))?;
    let body = Body::from_stream(ReaderStream::with_capacity(reader.take(part.length), 256 * 1024));
    let mut response = part.answer(body);
    response.extensions_mut().insert(NotNegotiated);
    Ok(response)
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
