//! The outermost layer: trace context in and out, the request's span, the access log, the counters.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use reference_points::common::TraceContext;
use tracing::Instrument;

use crate::metrics::Metrics;

/// Runs the request inside its trace and counts it.
pub(super) async fn observe(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let caller = request.headers().get("traceparent").and_then(|v| v.to_str().ok());
    let context =
        caller.and_then(|v| v.parse::<TraceContext>().ok()).map_or_else(TraceContext::random, TraceContext::child);
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    // Labels come from the routing table, never from the caller, so that their number is bounded.
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", |m| m.as_str()).to_owned();
    let span = tracing::info_span!("request", %method, path);
    context
        .scope(
            async move {
                let started = Instant::now();
                metrics.in_flight.inc();
                let guard = InFlight(metrics.clone());
                let mut response = next.run(request).await;
                drop(guard);
                let seconds = started.elapsed().as_secs_f64();
                let status = response.status().as_u16();
                let method = label(&method);
                metrics.requests.with_label_values(&[method, &route, &status.to_string()]).inc();
                metrics.seconds.with_label_values(&[method, &route]).observe(seconds);
                let ms = (seconds * 1e6).round() / 1e3;
                if matches!(path.as_str(), "/healthz" | "/readyz" | "/metrics") {
                    tracing::debug!(status, ms, "answered");
                } else {
                    tracing::info!(status, ms, "answered");
                }
                if let Ok(value) = HeaderValue::from_str(&context.to_string()) {
                    response.headers_mut().insert("traceparent", value);
                }
                response
            }
            .instrument(span),
        )
        .await
}

/// Counts down even when the caller hangs up and the request is dropped.
struct InFlight(Metrics);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.dec();
    }
}

fn label(method: &axum::http::Method) -> &str {
    match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known,
        _ => "other",
    }
}
