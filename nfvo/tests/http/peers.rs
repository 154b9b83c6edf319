//! The VNFM and the vim-adapter, played by one small server.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde_json::{Value, json};
use uuid::Uuid;

/// What the played services hold and how they behave.
#[derive(Debug, Default)]
pub struct State_ {
    /// Resources of the VIMs by `collection/id`: their specification, and whether they are complete.
    pub resources: BTreeMap<String, (Value, bool)>,
    /// Bytes of each image's content.
    pub contents: BTreeMap<String, usize>,
    /// Free memory of the VIM's only zone, in MiB.
    pub free_mib: u64,
    /// VNF instances of the VNFM.
    pub vnfs: Vec<Value>,
    /// Whether the VNFM makes VNFs or says that it is not available.
    pub vnfm_works: bool,
    /// Notifications received from the NFVO.
    pub notifications: Vec<Value>,
}

type Shared = Arc<Mutex<State_>>;

/// A running server.
#[derive(Debug, Clone)]
pub struct Peers {
    pub address: SocketAddr,
    pub state: Shared,
}

impl Peers {
    pub async fn start() -> Self {
        let state: Shared = Arc::new(Mutex::new(State_ { free_mib: 4096, ..State_::default() }));
        let router = Router::new()
            .route("/vi/v1/vims/{vim}", any(vim))
            .route("/vi/v1/vims/{vim}/capacity", any(capacity))
            .route("/vi/v1/vims/{vim}/{collection}/{id}", any(resource))
            .route("/vi/v1/vims/{vim}/{collection}/{id}/content", any(content))
            .route("/vnflcm/v2/subscriptions", any(subscriptions))
            .route("/listener", any(listener))
            .fallback(vnfm)
            .with_state(state.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, state }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn answer(status: u16, body: Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

async fn vim(method: Method, Path(vim): Path<Uuid>, body: Bytes) -> Response {
    match method {
        Method::PUT => {
            let spec: Value = serde_json::from_slice(&body).unwrap();
            answer(200, json!({"id": vim, "spec": spec, "health": {}, "capabilities": []}))
        }
        Method::DELETE => StatusCode::NO_CONTENT.into_response(),
        _ => answer(404, json!({"status": 404, "detail": "no such VIM"})),
    }
}

async fn capacity(State(state): State<Shared>) -> Response {
    let free = state.lock().unwrap().free_mib << 20;
    let amount = json!({"vcpus": 8, "memoryBytes": free, "diskBytes": 1_u64 << 40});
    let none = json!({"vcpus": 0, "memoryBytes": 0, "diskBytes": 0});
    let zone = json!({"total": amount, "reserved": none, "largestFree": amount});
    answer(200, json!({"total": amount, "reserved": none, "zones": {"z1": zone}}))
}

async fn resource(
    State(state): State<Shared>,
    method: Method,
    Path((_, collection, id)): Path<(Uuid, String, Uuid)>,
    body: Bytes,
) -> Response {
    let key = format!("{collection}/{id}");
    let mut state = state.lock().unwrap();
    match method {
        Method::PUT => {
            let spec: Value = serde_json::from_slice(&body).unwrap();
            state.resources.entry(key.clone()).or_insert_with(|| (spec, collection != "software_images"));
        }
        Method::DELETE => {
            state.resources.remove(&key);
            return StatusCode::NO_CONTENT.into_response();
        }
        _ => {}
    }
    match state.resources.get(&key) {
        Some((spec, whole)) => {
            let is = if *whole { "active" } else { "building" };
            answer(200, json!({"id": id, "spec": spec, "state": is}))
        }
        None => answer(404, json!({"status": 404, "detail": "no such resource"})),
    }
}

async fn content(
    State(state): State<Shared>,
    Path((_, collection, id)): Path<(Uuid, String, Uuid)>,
    body: Bytes,
) -> Response {
    let key = format!("{collection}/{id}");
    let mut state = state.lock().unwrap();
    state.contents.insert(key.clone(), body.len());
    let (spec, whole) = state.resources.get_mut(&key).unwrap();
    *whole = true;
    answer(200, json!({"id": id, "spec": spec, "state": "active"}))
}

async fn subscriptions(body: Bytes) -> Response {
    let mut shown: Value = serde_json::from_slice(&body).unwrap_or_default();
    shown["id"] = json!(Uuid::new_v4());
    shown["_links"] = json!({"self": {"href": "/vnflcm/v2/subscriptions/1"}});
    answer(201, shown)
}

async fn listener(State(state): State<Shared>, method: Method, body: Bytes) -> StatusCode {
    if method == Method::POST {
        state.lock().unwrap().notifications.push(serde_json::from_slice(&body).unwrap());
    }
    StatusCode::NO_CONTENT
}

async fn vnfm(State(state): State<Shared>, method: Method, uri: Uri, body: Bytes) -> Response {
    let mut state = state.lock().unwrap();
    let path = uri.path();
    if path == "/vnflcm/v2/vnf_instances" && method == Method::GET {
        return answer(200, Value::Array(state.vnfs.clone()));
    }
    if !state.vnfm_works {
        return answer(503, json!({"status": 503, "detail": "the VNFM is being played as away"}));
    }
    if path == "/vnflcm/v2/vnf_instances" && method == Method::POST {
        let asked: Value = serde_json::from_slice(&body).unwrap();
        let vnf = json!({
            "id": Uuid::new_v4(), "vnfdId": asked["vnfdId"], "vnfProvider": "p", "vnfProductName": "n",
            "vnfSoftwareVersion": "1", "vnfdVersion": "1", "instantiationState": "NOT_INSTANTIATED",
            "metadata": asked["metadata"],
        });
        state.vnfs.push(vnf.clone());
        return answer(201, vnf);
    }
    let id = path.strip_prefix("/vnflcm/v2/vnf_instances/").unwrap_or_default();
    let at = state.vnfs.iter().position(|v| v["id"] == id);
    match (method, at) {
        (Method::GET, Some(i)) => answer(200, state.vnfs[i].clone()),
        (Method::DELETE, Some(i)) => {
            state.vnfs.remove(i);
            StatusCode::NO_CONTENT.into_response()
        }
        (Method::GET, None) if path == "/vnflcm/v2/vnf_lcm_op_occs" => answer(200, json!([])),
        _ => answer(404, json!({"status": 404, "detail": "not here"})),
    }
}
