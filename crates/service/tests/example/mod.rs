//! A small service for the tests: the skeleton of the crate's documentation with a few routes that misbehave on purpose.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

use axum::extract::State;
use axum::response::Response;
use reference_points::common::Client;
use serde::{Deserialize, Serialize};
use service::auth::Scope;
use service::config::BaseConfig;
use service::http::{
    After, Api, ApiError, ApiJson, ApiResult, IfMatch, MergePatch, Upload, Wake, event_stream, scoped,
};
use service::run::{self, BoxError, Running, Service, ServiceConfig, Setup};
use std::sync::{Arc, Mutex};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub service: BaseConfig,
    pub not_ready: bool,
}

impl ServiceConfig for Config {
    fn base(&self) -> &BaseConfig {
        &self.service
    }
    fn base_mut(&mut self) -> &mut BaseConfig {
        &mut self.service
    }
}

pub const API: Api = Api { name: "example", major: "v2", versions: &["2.1.0"] };

#[derive(Clone, Default)]
pub struct Example {
    pub wake: Wake,
    pub events: Arc<Mutex<Vec<serde_json::Value>>>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Thing {
    pub thing_name: String,
    pub size: u8,
}

#[utoipa::path(post, path = "/things", request_body = Thing, responses((status = 201, body = Thing)))]
async fn create(ApiJson(thing): ApiJson<Thing>) -> ApiResult<(axum::http::StatusCode, ApiJson<Thing>)> {
    Ok((axum::http::StatusCode::CREATED, ApiJson(thing)))
}

#[utoipa::path(patch, path = "/things/{id}", responses((status = 200, body = Thing)))]
async fn modify(if_match: IfMatch, patch: MergePatch) -> ApiResult<ApiJson<serde_json::Value>> {
    if_match.check("\"7\"")?;
    let mut thing = serde_json::json!({"thingName": "a", "size": 1});
    service::http::merge(&mut thing, &patch.document);
    Ok(ApiJson(thing))
}

#[utoipa::path(get, path = "/broken", responses((status = 200)))]
async fn broken() -> ApiResult<()> {
    panic!("on purpose");
}

#[utoipa::path(get, path = "/slow", responses((status = 200)))]
async fn slow() -> ApiResult<()> {
    std::future::pending().await
}

#[utoipa::path(put, path = "/upload", responses((status = 200)))]
async fn upload(upload: Upload) -> ApiResult<ApiJson<u64>> {
    use futures::StreamExt;
    let mut stream = upload.stream();
    let mut total = 0;
    while let Some(chunk) = stream.next().await {
        total += chunk?.len() as u64;
    }
    Ok(ApiJson(total))
}

#[utoipa::path(get, path = "/text", responses((status = 200)))]
async fn text() -> &'static str {
    "plain"
}

#[utoipa::path(get, path = "/events", responses((status = 200)))]
async fn events(State(state): State<Example>, after: After) -> Response {
    let events = state.events.clone();
    event_stream(after, &state.wake, move |after, limit| {
        let all = events.lock().unwrap().clone();
        async move {
            let news = all.into_iter().enumerate().map(|(i, e)| (i as i64 + 1, e)).filter(|(seq, _)| *seq > after);
            Ok::<_, ApiError>(news.take(limit).collect())
        }
    })
}

#[utoipa::path(post, path = "/events", responses((status = 204)))]
async fn add_event(State(state): State<Example>, ApiJson(event): ApiJson<serde_json::Value>) -> axum::http::StatusCode {
    state.events.lock().unwrap().push(event);
    state.wake.ring();
    axum::http::StatusCode::NO_CONTENT
}

pub struct ExampleService;

impl Service for ExampleService {
    const NAME: &'static str = "example";
    const ABOUT: &'static str = "A service for tests";
    const HELP: &'static str = "It does nothing of use.";
    const PORT: u16 = 0;
    type Config = Config;
    type State = Example;

    fn api() -> OpenApiRouter<Example> {
        let read = Scope("example:v2:readonly");
        let write = Scope("example:v2:all");
        let routes = OpenApiRouter::new()
            .routes(scoped(write, routes!(create)))
            .routes(scoped(write, routes!(modify)))
            .routes(scoped(read, routes!(broken)))
            .routes(scoped(read, routes!(slow)))
            .routes(scoped(write, routes!(upload)))
            .routes(scoped(read, routes!(text)))
            .routes(scoped(read, routes!(events)))
            .routes(scoped(write, routes!(add_event)));
        API.mount(routes).merge(service::http::version::api_versions(&[API]))
    }

    async fn start(config: Config, setup: Setup) -> Result<Example, BoxError> {
        setup.readiness.register("mood", move || async move {
            if config.not_ready { Err("not in the mood".to_owned()) } else { Ok(()) }
        });
        Ok(Example::default())
    }
}

pub struct Started {
    pub running: Running,
    pub client: Client,
    pub dir: tempfile::TempDir,
}

pub async fn started(change: impl FnOnce(&mut Config, &std::path::Path)) -> Started {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.service.listen = Some("127.0.0.1:0".parse().unwrap());
    config.service.database = format!("sqlite://{}", dir.path().join("example.db").display());
    config.service.shutdown_grace_secs = 1;
    change(&mut config, dir.path());
    let running = run::start::<ExampleService>(config).await.unwrap();
    let client = Client::new("example", &running.base_url());
    Started { running, client, dir }
}
