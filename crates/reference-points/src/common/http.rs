//! The one HTTP client of the stack. It tells apart what a durable operation must tell apart: a request that was never
//! sent, one that was refused, and one whose outcome is unknown.

use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use reqwest::{Method, Response, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{ProblemDetails, TraceContext};

/// Largest JSON answer that is read, in bytes.
pub const MAX_ANSWER_BYTES: usize = 32 * 1024 * 1024;

/// Why a call to another service gave no usable answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// The connection could not be made: nothing happened on the other side.
    #[error("{peer} cannot be reached at {url}: {why}")]
    NotSent {
        /// Which service.
        peer: String,
        /// Full request URL.
        url: String,
        /// What the operating system or HTTP stack said.
        why: String,
    },
    /// The request may have been carried out; no answer came.
    #[error("{peer} did not answer {url}: {why}")]
    Unanswered {
        /// Which service.
        peer: String,
        /// Full request URL.
        url: String,
        /// What the HTTP stack said.
        why: String,
    },
    /// The other side answered with an error status.
    #[error("{peer} answered {} to {url}: {problem}", problem.status)]
    Refused {
        /// Which service.
        peer: String,
        /// Full request URL.
        url: String,
        /// Its problem, or one made from a plain answer.
        problem: Box<ProblemDetails>,
    },
    /// The answer is not what the reference point defines.
    #[error("{peer} answered {url} with something unreadable: {why}")]
    Garbled {
        /// Which service.
        peer: String,
        /// Full request URL.
        url: String,
        /// What could not be read.
        why: String,
    },
}

impl CallError {
    /// Status of a refusal.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { problem, .. } => Some(problem.status),
            _ => None,
        }
    }

    /// Trying the same again later can help, and nothing happened so far.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::NotSent { .. }) || matches!(self.status(), Some(429 | 502 | 503 | 504))
    }

    /// The request may have had its effect: look it up before deciding.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unanswered { .. } | Self::Garbled { .. })
    }

    /// The problem to report to one's own caller: 502, quoting the other side.
    pub fn to_problem(&self) -> ProblemDetails {
        match self {
            Self::Refused { problem, peer, .. } => {
                let mut out = (**problem).clone();
                out.answer = out.answer.or_else(|| Some(format!("{peer}: {}", problem.detail)));
                out
            }
            Self::NotSent { peer, why, .. } | Self::Unanswered { peer, why, .. } => {
                ProblemDetails::new(503, format!("{peer} unreachable"), self.to_string())
                    .answer(why.clone())
                    .next(format!("check that {peer} is running, then retry"))
            }
            Self::Garbled { peer, why, .. } => {
                ProblemDetails::new(502, format!("{peer} unreadable"), self.to_string()).answer(why.clone())
            }
        }
    }
}

/// An answer with the headers that SOL013 gives a meaning.
#[derive(Debug, Clone)]
pub struct Reply<T> {
    /// HTTP status.
    pub status: u16,
    /// `Location` header.
    pub location: Option<String>,
    /// `ETag` header.
    pub etag: Option<String>,
    /// `Link` header (paging).
    pub link: Option<String>,
    /// `Retry-After` header, in seconds.
    pub retry_after: Option<u64>,
    /// Decoded body.
    pub body: T,
}

/// A client of one producer: base address, API version header, trace context, bounded answers.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    peer: String,
    version: Option<&'static str>,
}

/// Whom a client believes over TLS, and what it shows.
#[derive(Clone, Default)]
pub struct Tls {
    /// Certificates of the authorities that are believed, in PEM; `None` believes those of the machine.
    pub ca: Option<Vec<u8>>,
    /// Own certificate with intermediate ones, and its private key (PKCS #8), in PEM.
    pub own: Option<(Vec<u8>, Vec<u8>)>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("ca", &self.ca.is_some()).field("own", &self.own.is_some()).finish()
    }
}

/// TLS files that cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what} cannot be used: {why}")]
pub struct BadTls {
    what: &'static str,
    why: String,
}

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(5))
        // Shorter than servers keep idle connections, so that none is closed under a request.
        .pool_idle_timeout(Duration::from_secs(15))
        .tcp_nodelay(true)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
}

impl Client {
    /// A client of the service called `peer` at `base` (scheme, host, port and optional prefix).
    pub fn new(peer: impl Into<String>, base: &str) -> Self {
        let http = builder().build().unwrap_or_default();
        Self { http, base: base.trim_end_matches('/').to_owned(), peer: peer.into(), version: None }
    }

    /// A client of anybody's addresses, that believes the authorities and shows the certificate of `tls`.
    ///
    /// # Errors
    /// What is no certificate or key.
    pub fn secured(peer: impl Into<String>, tls: &Tls) -> Result<Self, BadTls> {
        let bad = |what: &'static str| move |error: reqwest::Error| BadTls { what, why: root(&error) };
        let mut builder = builder();
        if let Some(ca) = &tls.ca {
            let all = reqwest::Certificate::from_pem_bundle(ca).map_err(bad("the authorities' certificates"))?;
            if all.is_empty() {
                return Err(BadTls { what: "the authorities' certificates", why: "there is none".to_owned() });
            }
            builder = builder.tls_certs_only(all);
        }
        if let Some((certificate, key)) = &tls.own {
            let own =
                reqwest::Identity::from_pkcs8_pem(certificate, key).map_err(bad("the own certificate and key"))?;
            builder = builder.identity(own);
        }
        let http = builder.build().map_err(bad("the TLS settings"))?;
        Ok(Self { http, base: String::new(), peer: peer.into(), version: None })
    }

    /// The same client sending `Version: …` (SOL013 clause 9.3).
    #[must_use]
    pub fn version(mut self, version: &'static str) -> Self {
        self.version = Some(version);
        self
    }

    /// Base address without a trailing slash.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// GET a JSON document.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Reply<T>, CallError> {
        self.json(Method::GET, path, None::<&()>, None).await
    }

    /// POST a JSON document and read the answer as JSON (an empty body reads as `null`).
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn post<B: Serialize + Sync, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<Reply<T>, CallError> {
        self.json(Method::POST, path, Some(body), None).await
    }

    /// POST without a body.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn post_empty(&self, path: &str) -> Result<(), CallError> {
        self.json::<(), serde_json::Value>(Method::POST, path, None, None).await.map(drop)
    }

    /// GET a body of at most [`MAX_ANSWER_BYTES`] as it is.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn get_bytes(&self, path: &str, accept: &str) -> Result<Vec<u8>, CallError> {
        let response = self.send(path, self.request(Method::GET, path).header(header::ACCEPT, accept)).await?;
        let response = self.accepted(path, response).await?;
        self.read(path, response).await
    }

    /// GET that only asks for the status; for testing a call-back address (SOL013). 10 seconds at most.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn probe(&self, path: &str, headers: &[(String, String)]) -> Result<u16, CallError> {
        let request = with_headers(self.request(Method::GET, path), headers).timeout(Duration::from_secs(10));
        let response = self.send(path, request).await?;
        Ok(self.accepted(path, response).await?.status().as_u16())
    }

    /// POST a JSON text; the answer's body is not looked at. 30 seconds at most.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn send_text(&self, path: &str, headers: &[(String, String)], json: String) -> Result<(), CallError> {
        let request = with_headers(self.request(Method::POST, path), headers).timeout(Duration::from_secs(30));
        let request = request.header(header::CONTENT_TYPE, "application/json").body(json);
        let response = self.send(path, request).await?;
        self.accepted(path, response).await.map(drop)
    }

    /// POST a form and read the answer as JSON; for OAuth 2.0 token requests. 30 seconds at most.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn form<T: DeserializeOwned>(
        &self,
        path: &str,
        headers: &[(String, String)],
        fields: &[(&str, &str)],
    ) -> Result<T, CallError> {
        let request =
            with_headers(self.request(Method::POST, path), headers).timeout(Duration::from_secs(30)).form(fields);
        let response = self.send(path, request).await?;
        Ok(self.decode(path, response).await?.body)
    }

    /// PUT a JSON document.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn put<B: Serialize + Sync, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<Reply<T>, CallError> {
        self.json(Method::PUT, path, Some(body), None).await
    }

    /// PATCH with a JSON merge patch (RFC 7396), guarded by `If-Match` when an ETag is given.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn patch<B: Serialize + Sync, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
        if_match: Option<&str>,
    ) -> Result<Reply<T>, CallError> {
        self.json(Method::PATCH, path, Some(body), if_match).await
    }

    /// DELETE. A resource that is gone already answers 404, which the caller may take as done.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn delete(&self, path: &str) -> Result<Reply<serde_json::Value>, CallError> {
        self.json(Method::DELETE, path, None::<&()>, None).await
    }

    /// DELETE where "gone already" is success.
    ///
    /// # Errors
    /// Any [`CallError`] but a 404.
    pub async fn delete_if_there(&self, path: &str) -> Result<(), CallError> {
        match self.delete(path).await {
            Err(error) if error.status() == Some(404) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Sends a stream as the body, with flat memory.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn upload<S, E, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        length: Option<u64>,
        body: S,
    ) -> Result<T, CallError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        self.upload_with(method, path, content_type, length, &[], body).await
    }

    /// Sends a stream as the body, with further headers.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn upload_with<S, E, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        length: Option<u64>,
        headers: &[(&str, &str)],
        body: S,
    ) -> Result<T, CallError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let mut request = self.request(method, path).header(header::CONTENT_TYPE, content_type);
        if let Some(length) = length {
            request = request.header(header::CONTENT_LENGTH, length);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.send(path, request.body(reqwest::Body::wrap_stream(body))).await?;
        Ok(self.decode(path, response).await?.body)
    }

    /// GET a plain text.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn get_text(&self, path: &str) -> Result<String, CallError> {
        let request =
            self.request(Method::GET, path).timeout(Duration::from_secs(60)).header(header::ACCEPT, "text/plain");
        let response = self.send(path, request).await?;
        let response = self.accepted(path, response).await?;
        Ok(String::from_utf8_lossy(&self.read(path, response).await?).into_owned())
    }

    /// Reads a body as a stream of bytes.
    ///
    /// # Errors
    /// Any [`CallError`]; an item of the stream fails when the connection breaks.
    pub async fn download(
        &self,
        path: &str,
        accept: &str,
    ) -> Result<Reply<impl Stream<Item = Result<Bytes, CallError>> + Send + Unpin + use<>>, CallError> {
        let response = self.send(path, self.request(Method::GET, path).header(header::ACCEPT, accept)).await?;
        let response = self.accepted(path, response).await?;
        let (peer, url) = (self.peer.clone(), self.url(path));
        Ok(reply_of(&response.status(), response.headers().clone(), ()).map_body(|()| {
            response.bytes_stream().map(move |item| {
                item.map_err(|error| CallError::Unanswered { peer: peer.clone(), url: url.clone(), why: root(&error) })
            })
        }))
    }

    fn url(&self, path: &str) -> String {
        if path.starts_with("http://") || path.starts_with("https://") {
            path.to_owned()
        } else {
            format!("{}{path}", self.base)
        }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let mut request = self.http.request(method, self.url(path));
        if let Some(version) = self.version {
            request = request.header("Version", version);
        }
        if let Some(context) = TraceContext::current() {
            request = request.header("traceparent", context.child().to_string());
        }
        request
    }

    async fn json<B: Serialize + Sync, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
        if_match: Option<&str>,
    ) -> Result<Reply<T>, CallError> {
        let patch = method == Method::PATCH;
        let mut request =
            self.request(method, path).timeout(Duration::from_secs(60)).header(header::ACCEPT, "application/json");
        if let Some(etag) = if_match {
            request = request.header(header::IF_MATCH, etag);
        }
        if let Some(body) = body {
            // First: `json` adds a content type of its own only where none is set.
            if patch {
                request = request.header(header::CONTENT_TYPE, "application/merge-patch+json");
            }
            request = request.json(body);
        }
        let response = self.send(path, request).await?;
        self.decode(path, response).await
    }

    async fn send(&self, path: &str, request: reqwest::RequestBuilder) -> Result<Response, CallError> {
        request.send().await.map_err(|error| {
            let (peer, url, why) = (self.peer.clone(), self.url(path), root(&error));
            if error.is_connect() || error.is_builder() {
                CallError::NotSent { peer, url, why }
            } else {
                CallError::Unanswered { peer, url, why }
            }
        })
    }

    async fn accepted(&self, path: &str, response: Response) -> Result<Response, CallError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let later = retry_after(response.headers());
        let text = self.read(path, response).await?;
        let mut problem = serde_json::from_slice::<ProblemDetails>(&text).unwrap_or_else(|_| {
            let words: String = String::from_utf8_lossy(&text).chars().take(2000).collect();
            ProblemDetails::new(status.as_u16(), status.canonical_reason().unwrap_or("Error"), words)
        });
        problem.retry_after = later;
        Err(CallError::Refused { peer: self.peer.clone(), url: self.url(path), problem: Box::new(problem) })
    }

    async fn decode<T: DeserializeOwned>(&self, path: &str, response: Response) -> Result<Reply<T>, CallError> {
        let response = self.accepted(path, response).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = self.read(path, response).await?;
        let bytes: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
        let body = serde_json::from_slice(bytes).map_err(|error| self.garbled(path, error.to_string()))?;
        Ok(reply_of(&status, headers, body))
    }

    async fn read(&self, path: &str, response: Response) -> Result<Vec<u8>, CallError> {
        let mut bytes = Vec::new();
        let mut stream = response.bytes_stream();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| CallError::Unanswered {
                peer: self.peer.clone(),
                url: self.url(path),
                why: root(&error),
            })?;
            if bytes.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(self.garbled(path, format!("the answer is larger than {MAX_ANSWER_BYTES} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    fn garbled(&self, path: &str, why: String) -> CallError {
        CallError::Garbled { peer: self.peer.clone(), url: self.url(path), why }
    }

    pub(super) async fn open_stream(&self, path: &str) -> Result<Response, CallError> {
        let request = self.request(Method::GET, path).header(header::ACCEPT, "text/event-stream");
        let response = self.send(path, request).await?;
        self.accepted(path, response).await
    }
}

impl<T> Reply<T> {
    /// The query of the next page with its question mark, where the `Link` header names one (SOL013 clause 5.4).
    pub fn next_query(&self) -> Option<String> {
        let next = self.link.as_ref()?.split(',').find(|link| link.contains("rel=\"next\""))?;
        let uri = next.split_once('<')?.1.split_once('>')?.0;
        Some(uri[uri.find('?')?..].to_owned())
    }

    /// The same reply with another body.
    pub fn map_body<U>(self, map: impl FnOnce(T) -> U) -> Reply<U> {
        let Self { status, location, etag, link, retry_after, body } = self;
        Reply { status, location, etag, link, retry_after, body: map(body) }
    }
}

fn with_headers(request: reqwest::RequestBuilder, headers: &[(String, String)]) -> reqwest::RequestBuilder {
    headers.iter().fold(request, |request, (name, value)| request.header(name, value))
}

fn reply_of<T>(status: &StatusCode, headers: header::HeaderMap, body: T) -> Reply<T> {
    let text = |name| headers.get(name).and_then(|v: &header::HeaderValue| v.to_str().ok()).map(str::to_owned);
    Reply {
        status: status.as_u16(),
        location: text(header::LOCATION),
        etag: text(header::ETAG),
        link: text(header::LINK),
        retry_after: retry_after(&headers),
        body,
    }
}

/// `Retry-After`, where it is a number of seconds (RFC 9110 clause 10.2.3).
fn retry_after(headers: &header::HeaderMap) -> Option<u64> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

/// The innermost cause: what the operating system said, rather than the layers above it.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
