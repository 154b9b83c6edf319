//! The router of a service with the layers that every request passes, and serving it until shutdown.

use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use axum::{Json, Router};
use tokio::net::TcpListener;
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

/// Serves until `shutdown` fires, then lets running requests finish for at most `grace`.
///
/// # Errors
/// The listener failed.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
    grace: Duration,
) -> std::io::Result<()> {
    // Answers are small and awaited: they must not wait for a full packet.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let stop = shutdown.clone();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move { stop.cancelled().await });
    let overdue = async {
        shutdown.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        ended = server => ended,
        () = overdue => {
            tracing::warn!(grace_secs = grace.as_secs(), "requests were still running at the end of the shutdown's grace and are dropped");
            Ok(())
        }
    }
}
