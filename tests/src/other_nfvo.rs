//! Another NFVO, as the VNFM meets it: it has the packages that ours has, and grants resources in a VIM that it names by its
//! Keystone, with everything in it under the VIM's own identifiers. (SOL003 clauses 4.4.1.6 and 9)

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use uuid::Uuid;

/// Identifier of its VIM connection, which is no UUID.
pub const CONNECTION: &str = "north";

/// What it grants with.
#[derive(Debug, Default)]
struct Knows {
    /// Our NFVO, which has the packages.
    behind: String,
    /// The VIM connection.
    connection: Value,
    /// The VIM's image for each of a VNFD.
    images: Vec<(String, String)>,
    /// The VIM's flavour for each VDU.
    flavours: Vec<(String, String)>,
}

/// One that runs for the length of a test.
#[derive(Debug, Clone)]
pub struct OtherNfvo {
    pub url: String,
    knows: Arc<Mutex<Knows>>,
}

impl OtherNfvo {
    /// One that knows nothing yet.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let nfvo = Self { url, knows: Arc::default() };
        let router = Router::new().route("/grant/v1/grants", post(grant)).fallback(hand_on).with_state(nfvo.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        nfvo
    }

    /// From now on grants only name the VIM connection that was told before.
    pub fn names_its_connection(&self) {
        self.knows.lock().unwrap().connection = Value::Null;
    }

    /// It has the packages of the NFVO at `behind`, and grants in this VIM with these images, and these flavours of VDUs.
    pub fn grants(&self, behind: &str, connection: Value, images: &[(&str, &str)], flavours: &[(&str, &str)]) {
        let owned = |all: &[(&str, &str)]| all.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let (images, flavours) = (owned(images), owned(flavours));
        *self.knows.lock().unwrap() = Knows { behind: behind.to_owned(), connection, images, flavours };
    }
}

async fn grant(State(nfvo): State<OtherNfvo>, Json(request): Json<Value>) -> Response {
    let knows = nfvo.knows.lock().unwrap();
    let granted = |name: &str| -> Vec<Value> {
        let asked = request[name].as_array().into_iter().flatten();
        asked.map(|r| json!({ "resourceDefinitionId": r["id"], "vimConnectionId": CONNECTION })).collect()
    };
    let images = knows.images.iter().map(
        |(vnfd, vim)| json!({ "vimConnectionId": CONNECTION, "vnfdSoftwareImageId": vnfd, "vimSoftwareImageId": vim }),
    );
    let flavours = knows.flavours.iter().map(
        |(vdu, vim)| json!({ "vimConnectionId": CONNECTION, "vnfdVirtualComputeDescId": vdu, "vimFlavourId": vim }),
    );
    let assets = json!({
        "softwareImages": images.collect::<Vec<_>>(), "computeResourceFlavours": flavours.collect::<Vec<_>>(),
    });
    let id = Uuid::new_v4();
    let grant = json!({
        "id": id, "vnfInstanceId": request["vnfInstanceId"], "vnfLcmOpOccId": request["vnfLcmOpOccId"],
        "vimConnectionInfo": if knows.connection.is_null() { json!({}) } else { json!({ CONNECTION: knows.connection }) },
        "addResources": granted("addResources"), "removeResources": granted("removeResources"),
        "updateResources": granted("updateResources"), "vimAssets": assets,
        "_links": {
            "self": { "href": format!("{}/grant/v1/grants/{id}", nfvo.url) },
            "vnfLcmOpOcc": request["_links"]["vnfLcmOpOcc"], "vnfInstance": request["_links"]["vnfInstance"],
        },
    });
    (StatusCode::CREATED, [("Location", format!("{}/grant/v1/grants/{id}", nfvo.url))], Json(grant)).into_response()
}

async fn hand_on(State(nfvo): State<OtherNfvo>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let url = format!("{}{}", nfvo.knows.lock().unwrap().behind, uri.path_and_query().expect("a path"));
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mut request = client.request(method, url).body(body);
    for (name, value) in headers.iter().filter(|(name, _)| !["host", "content-length"].contains(&name.as_str())) {
        request = request.header(name, value);
    }
    match request.send().await {
        Ok(answer) => {
            let (status, mut headers) = (answer.status(), answer.headers().clone());
            headers.remove("transfer-encoding");
            (status, headers, answer.bytes().await.expect("its body")).into_response()
        }
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}
