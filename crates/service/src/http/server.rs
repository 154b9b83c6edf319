//! The router of a service with the layers that every request passes, and serving it until shutdown.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::contain::{Limits, contain};
use super::json::ApiJson;
use super::observe::observe;
use super::record::{Recorder, record};
use crate::config::HttpConfig;
use crate::health::Readiness;
use crate::metrics::Metrics;

/// What the layers need of their service.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Name of the service.
    pub service: &'static str,
    /// Version of the service.
    pub version: &'static str,
    /// Its registry.
    pub metrics: Metrics,
    /// Its readiness checks.
    pub readiness: Readiness,
    /// Fires at shutdown.
    pub shutdown: CancellationToken,
}

/// Adds `/healthz`, `/readyz`, `/metrics` and every layer to a service's own routes.
///
/// From the outside in: trace context, span, access log and counters; the recorder, when asked for; containment of panics,
/// timeouts, overload and plain errors; the body limit.
///
/// # Errors
/// The recorder's file cannot be opened.
pub fn dress(routes: Router, config: &HttpConfig, around: &Surroundings) -> std::io::Result<Router> {
    let recorder = config.record_exchanges.as_deref().map(|path| Recorder::open(path, around.service)).transpose()?;
    let limits = Limits::new(config, around.shutdown.clone());
    let own = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(around.clone());
    let mut router = routes
        .merge(own)
        .layer(DefaultBodyLimit::max(config.max_body_bytes))
        .layer(from_fn_with_state(limits, contain));
    if let Some(recorder) = recorder {
        router = router.layer(from_fn_with_state(recorder, record));
    }
    // An empty layer keeps the order visible: what is added last is outermost.
    Ok(router.layer(from_fn_with_state(around.metrics.clone(), observe)).layer(from_fn(no_sniff)))
}

/// Browsers must take answers for what they say they are.
async fn no_sniff(request: axum::extract::Request, next: axum::middleware::Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, axum::http::HeaderValue::from_static("nosniff"));
    response
}

async fn healthz(State(around): State<Surroundings>) -> Response {
    Json(serde_json::json!({"status": "alive", "service": around.service, "version": around.version})).into_response()
}

async fn readyz(State(around): State<Surroundings>) -> Response {
    let report = around.readiness.report().await;
    let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, ApiJson(report)).into_response()
}

async fn metrics(State(around): State<Surroundings>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], around.metrics.text()).into_response()
}

/// Seconds that a caller may take for the head of a request, and a connection may lie idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Headers of a request that are read at all; fewer are taken, see [`super::contain`].
const MAX_HEADERS_READ: usize = 256;
/// Bytes of a request's head that are read at all.
const MAX_HEAD: usize = 128 * 1024;
/// Connections at once: fewer than the files that a process may have open unless told otherwise.
const MAX_CONNECTIONS: usize = 768;

/// Serves until `shutdown` fires, then lets running requests finish for at most `grace`.
///
/// A caller that sends its request byte by byte holds a connection for [`HEAD_TIMEOUT`] and nothing else; beyond
/// [`MAX_CONNECTIONS`] a new connection is closed at once.
///
/// # Errors
/// The listener failed.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
    grace: Duration,
) -> std::io::Result<()> {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(MAX_HEADERS_READ)
        .max_buf_size(MAX_HEAD);
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // The caller went away, or files ran out: neither is the listener's end.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(place) = connections.clone().try_acquire_owned() else {
            tracing::warn!(MAX_CONNECTIONS, "a connection is closed: as many as are allowed are open");
            continue;
        };
        // Answers are small and awaited: they must not wait for a full packet.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = watched.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(grace, graceful.shutdown()).await.is_err() {
        tracing::warn!(
            grace_secs = grace.as_secs(),
            "requests were still running at the end of the shutdown's grace and are dropped"
        );
    }
    Ok(())
}
