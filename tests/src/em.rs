//! An element manager, or a VNF that manages itself, as the VNFM sees it: what it answers is told beforehand, what it is
//! asked is remembered.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use reference_points::or_vnfm::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// How a request for coordination is answered.
#[derive(Debug, Clone)]
pub enum Answer {
    /// 201 with this result.
    Ends(&'static str),
    /// 202; the result comes after so many looks.
    GoesOn(u32, &'static str),
    /// 202, and it ends only when it is cancelled.
    Endless,
    /// 503 with this `Retry-After`, in seconds.
    Later(u64),
    /// 403.
    Refuses,
}

/// What happened to it.
#[derive(Debug, Default)]
pub struct Seen {
    /// How the next requests are answered.
    pub answers: VecDeque<Answer>,
    /// Bodies of requests for coordination.
    pub asked: Vec<Value>,
    /// Those that go on or ended: looks left, result, request.
    going: Vec<(Option<u32>, &'static str, Value)>,
    /// Coordinations that were cancelled.
    pub cancelled: Vec<usize>,
    /// The configuration's VNF-specific data.
    pub data: Map<String, Value>,
    /// That of its VNFCs, by `vnfcInfo` identifier.
    pub vnfcs: BTreeMap<String, Map<String, Value>>,
    /// How often it was changed: its ETag.
    pub changes: u32,
    /// Somebody changes the configuration between the next GET and PATCH.
    pub race: bool,
    /// Its indicators, by identifier: name and value.
    pub indicators: BTreeMap<String, (String, Value)>,
    /// Who is notified of indicators: call-back address by subscription.
    pub listeners: BTreeMap<usize, String>,
    /// Subscriptions made so far.
    pub subscriptions: usize,
    /// Its own clock, in seconds; every notification is a second later than the last.
    pub clock: i64,
    /// It answers nothing about indicators but 503.
    pub silent: bool,
    /// Who reads its indicators waits until this ends.
    pub reads_wait: bool,
}

/// One that runs for the length of a test.
#[derive(Debug, Clone)]
pub struct Em {
    /// Its address.
    pub url: String,
    seen: Arc<Mutex<Seen>>,
}

impl Em {
    /// One that answers coordinations like this.
    pub async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let em = Self { url, seen: Arc::default() };
        em.seen().answers.extend(answers);
        let router = Router::new()
            .route("/lcmcoord/v1/coordinations", post(coordinate))
            .route("/lcmcoord/v1/coordinations/{id}", get(look))
            .route("/lcmcoord/v1/coordinations/{id}/cancel", post(cancel))
            .route("/vnfconfig/v1/configuration", get(configuration).patch(configure))
            .route("/vnfind/v1/indicators/{vnf}", get(indicators))
            .route("/vnfind/v1/subscriptions", get(listeners).post(listen))
            .route("/vnfind/v1/subscriptions/{id}", delete(forget))
            .with_state(em.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        em
    }

    /// What happened to it.
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("nobody panicked with it")
    }

    /// An indicator of a VNF has this value now: who subscribed is told, and the answers' statuses are given.
    pub async fn indicates(&self, vnf: Uuid, id: &str, value: Value) -> Vec<u16> {
        let (listeners, at) = {
            let mut seen = self.seen();
            seen.clock += 1;
            seen.indicators.entry(id.to_owned()).or_default().1 = value.clone();
            (seen.listeners.clone(), Timestamp::from_micros(seen.clock * 1_000_000))
        };
        let mut statuses = Vec::new();
        for (subscription, address) in listeners {
            let told = json!({
                "id": Uuid::new_v4(), "notificationType": "VnfIndicatorValueChangeNotification",
                "subscriptionId": subscription.to_string(), "timeStamp": at,
                "vnfIndicatorId": id, "value": value, "vnfInstanceId": vnf,
                "_links": { "subscription": { "href": format!("{}/vnfind/v1/subscriptions/{subscription}", self.url) } },
            });
            statuses.push(tell(&address, &told).await);
        }
        statuses
    }
}

/// Sends a notification; the answer's status.
pub async fn tell(address: &str, body: &Value) -> u16 {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    client.post(address).json(body).send().await.expect("an answer").status().as_u16()
}

fn silence() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": 503, "detail": "not yet" }))).into_response()
}

async fn indicators(State(em): State<Em>, Path(vnf): Path<Uuid>) -> Response {
    while em.seen().reads_wait {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let seen = em.seen();
    if seen.silent {
        return silence();
    }
    let shown = |(id, (name, value)): (&String, &(String, Value))| {
        let own = format!("{}/vnfind/v1/indicators/{vnf}/{id}", em.url);
        let links = json!({ "self": { "href": own }, "vnfInstance": { "href": format!("{}/vnfs/{vnf}", em.url) } });
        json!({ "id": id, "name": name, "value": value, "vnfInstanceId": vnf, "_links": links })
    };
    Json(seen.indicators.iter().map(shown).collect::<Vec<_>>()).into_response()
}

fn subscription(em: &Em, id: usize, callback: &str) -> Value {
    let own = format!("{}/vnfind/v1/subscriptions/{id}", em.url);
    json!({ "id": id.to_string(), "callbackUri": callback, "_links": { "self": { "href": own } } })
}

async fn listeners(State(em): State<Em>) -> Response {
    let seen = em.seen();
    if seen.silent {
        return silence();
    }
    Json(seen.listeners.iter().map(|(id, address)| subscription(&em, *id, address)).collect::<Vec<_>>()).into_response()
}

/// As SOL013 wants it: the address is tried before the subscription is made.
async fn listen(State(em): State<Em>, Json(request): Json<Value>) -> Response {
    let callback = request["callbackUri"].as_str().expect("an address").to_owned();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let tried = client.get(&callback).send().await.expect("an answer").status();
    assert_eq!(tried.as_u16(), 204, "{callback}");
    let mut seen = em.seen();
    seen.subscriptions += 1;
    let id = seen.subscriptions;
    seen.listeners.insert(id, callback.clone());
    let location = [("location", format!("{}/vnfind/v1/subscriptions/{id}", em.url))];
    (StatusCode::CREATED, location, Json(subscription(&em, id, &callback))).into_response()
}

async fn forget(State(em): State<Em>, Path(id): Path<usize>) -> StatusCode {
    match em.seen().listeners.remove(&id) {
        Some(_) => StatusCode::NO_CONTENT,
        None => StatusCode::NOT_FOUND,
    }
}

fn ended(id: usize, result: &str, request: &Value) -> Value {
    let mut coord = json!({
        "id": id.to_string(), "coordinationResult": result, "outputParams": { "seen": "yes" },
        "_links": { "self": { "href": format!("/lcmcoord/v1/coordinations/{id}") } },
    });
    for name in ["vnfInstanceId", "vnfLcmOpOccId", "lcmOperationType", "coordinationActionName"] {
        coord[name] = request[name].clone();
    }
    for name in ["vnfInstance", "vnfLcmOpOcc"] {
        coord["_links"][name] = request["_links"][name].clone();
    }
    if result == "ABORT" {
        coord["error"] = json!({ "status": 500, "detail": "calls are still going on" });
    }
    coord
}

async fn coordinate(State(em): State<Em>, Json(request): Json<Value>) -> Response {
    let mut seen = em.seen();
    seen.asked.push(request.clone());
    let answer = seen.answers.pop_front().expect("an answer");
    let id = seen.going.len();
    let location = [("location", format!("{}/lcmcoord/v1/coordinations/{id}", em.url))];
    match answer {
        Answer::Ends(result) => {
            seen.going.push((Some(0), result, request.clone()));
            (StatusCode::CREATED, location, Json(ended(id, result, &request))).into_response()
        }
        Answer::GoesOn(looks, result) => {
            seen.going.push((Some(looks), result, request));
            (StatusCode::ACCEPTED, location, [("retry-after", "1")]).into_response()
        }
        Answer::Endless => {
            seen.going.push((None, "CANCELLED", request));
            (StatusCode::ACCEPTED, location, [("retry-after", "1")]).into_response()
        }
        Answer::Later(seconds) => {
            let problem = Json(json!({ "status": 503, "detail": "busy" }));
            (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", seconds.to_string())], problem).into_response()
        }
        Answer::Refuses => (StatusCode::FORBIDDEN, Json(json!({ "status": 403, "detail": "not now" }))).into_response(),
    }
}

async fn look(State(em): State<Em>, Path(id): Path<usize>) -> Response {
    let mut seen = em.seen();
    let (looks, result, request) = &mut seen.going[id];
    match looks {
        Some(0) => Json(ended(id, result, request)).into_response(),
        Some(looks) => {
            *looks -= 1;
            (StatusCode::ACCEPTED, [("retry-after", "1")]).into_response()
        }
        None => StatusCode::ACCEPTED.into_response(),
    }
}

async fn cancel(State(em): State<Em>, Path(id): Path<usize>) -> StatusCode {
    let mut seen = em.seen();
    seen.going[id] = (Some(0), "CANCELLED", seen.going[id].2.clone());
    seen.cancelled.push(id);
    StatusCode::ACCEPTED
}

fn etag(changes: u32) -> String {
    format!("\"{changes}\"")
}

fn configured(seen: &Seen) -> Value {
    let vnfc = |(id, data): (&String, &Map<String, Value>)| json!({ "vnfcInstanceId": id, "vnfcSpecificData": data });
    json!({
        "vnfConfigurationData": { "dhcpServer": "10.0.0.2", "vnfSpecificData": seen.data },
        "vnfcConfigurationData": seen.vnfcs.iter().map(vnfc).collect::<Vec<_>>(),
    })
}

fn merge(data: &mut Map<String, Value>, patch: &Value) {
    for (name, value) in patch.as_object().into_iter().flatten() {
        if value.is_null() {
            data.remove(name);
        } else {
            data.insert(name.clone(), value.clone());
        }
    }
}

async fn configuration(State(em): State<Em>) -> Response {
    let mut seen = em.seen();
    let body = configured(&seen);
    let tag = etag(seen.changes);
    if std::mem::take(&mut seen.race) {
        seen.changes += 1;
    }
    ([("etag", tag)], Json(body)).into_response()
}

async fn configure(State(em): State<Em>, headers: HeaderMap, body: String) -> Response {
    let mut seen = em.seen();
    let given = headers.get("if-match").and_then(|v| v.to_str().ok());
    if given != Some(etag(seen.changes).as_str()) {
        let problem = json!({ "status": 412, "detail": "it has changed" });
        return (StatusCode::PRECONDITION_FAILED, Json(problem)).into_response();
    }
    let patch: Value = serde_json::from_str(&body).expect("a patch");
    merge(&mut seen.data, &patch["vnfConfigurationData"]["vnfSpecificData"]);
    for entry in patch["vnfcConfigurationData"].as_array().into_iter().flatten() {
        let id = entry["vnfcInstanceId"].as_str().expect("a VNFC").to_owned();
        merge(seen.vnfcs.entry(id).or_default(), &entry["vnfcSpecificData"]);
    }
    for id in patch["vnfcConfigurationDataDeleteIds"].as_array().into_iter().flatten() {
        seen.vnfcs.remove(id.as_str().expect("a VNFC")).expect("one that is there");
    }
    seen.changes += 1;
    let body = configured(&seen);
    ([("etag", etag(seen.changes))], Json(body)).into_response()
}
