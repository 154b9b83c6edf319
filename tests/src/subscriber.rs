//! A subscriber: answers the test of its address, and keeps what it is told.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;
use tokio::sync::watch;

/// The longest that something may take to be told on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A listening subscriber; it listens until the test ends.
#[derive(Debug)]
pub struct Subscriber {
    /// Its call-back address.
    pub url: String,
    told: watch::Receiver<Vec<Value>>,
}

impl Subscriber {
    pub async fn listen() -> Self {
        let (keep, told) = watch::channel(Vec::new());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/told", listener.local_addr().expect("its address"));
        let route = get(async || StatusCode::NO_CONTENT).post(take);
        let app = Router::new().route("/told", route).with_state(Arc::new(keep));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, told }
    }

    /// Everything told so far.
    pub fn told(&self) -> Vec<Value> {
        self.told.borrow().clone()
    }

    /// The first thing told, behind the first `behind`, for which `wanted` holds; waits for it.
    pub async fn until(&self, behind: usize, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut told = self.told.clone();
        let find = |all: &Vec<Value>| all.iter().skip(behind).find(|one| wanted(one)).cloned();
        let wait = told.wait_for(|all| find(all).is_some());
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(Ok(all)) => find(&all).expect("what was waited for"),
            _ => panic!("it was not told; what was: {:#?}", self.told()),
        }
    }
}

async fn take(State(keep): State<Arc<watch::Sender<Vec<Value>>>>, Json(body): Json<Value>) -> StatusCode {
    keep.send_modify(|all| all.push(body));
    StatusCode::NO_CONTENT
}
