//! The clients of Or-Vnfm and Os-Ma-nfvo against a server that writes down what they send.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use reference_points::common::Uuid;
use reference_points::or_vnfm::{
    CancelMode, CancelModeType, GrantAnswer, GrantClient, InstantiateVnfRequest, LcmClient, OnboardedClient,
    TerminateVnfRequest, TerminationType,
};
use reference_points::os_ma_nfvo::{
    CreateNsRequest, NsClient, NsdClient, NsdInfoModifications, PackageClient, PackageOperationalState,
    TerminateNsRequest,
};
use serde_json::{Value, json};

/// A request as it arrived.
#[derive(Debug, Clone)]
struct Seen {
    line: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Seen {
    fn values(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).iter().map(|v| v.to_str().unwrap()).collect()
    }
}

/// A server that answers every request alike and remembers them.
struct Peer {
    base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Peer {
    async fn answering(status: u16, headers: &[(&'static str, &str)], body: &[u8]) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect();
        let (record, body) = (Arc::clone(&seen), Bytes::copy_from_slice(body));
        let answer = move |method: Method, uri: Uri, sent: HeaderMap, bytes: Bytes| {
            record.lock().unwrap().push(Seen { line: format!("{method} {uri}"), headers: sent, body: bytes });
            let answer: Response =
                (StatusCode::from_u16(status).unwrap(), headers.clone(), body.clone()).into_response();
            async move { answer }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await.unwrap() });
        Self { base, seen, server }
    }

    async fn answering_json(status: u16, body: Value) -> Self {
        Self::answering(status, &[("content-type", "application/json")], body.to_string().as_bytes()).await
    }

    fn only(&self) -> Seen {
        let seen = self.seen.lock().unwrap();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen[0].clone()
    }
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

#[tokio::test]
async fn an_accepted_task_is_known_by_its_occurrence() {
    let occurrence = format!("http://elsewhere/vnflcm/v2/vnf_lcm_op_occs/{}", id(7));
    let peer = Peer::answering(202, &[("location", &occurrence)], b"").await;
    let request = InstantiateVnfRequest { flavour_id: "small".into(), ..InstantiateVnfRequest::default() };
    assert_eq!(LcmClient::new(&peer.base).instantiate(id(1), &request).await.unwrap(), id(7));
    let seen = peer.only();
    assert_eq!(seen.line, format!("POST /vnflcm/v2/vnf_instances/{}/instantiate", id(1)));
    assert_eq!(seen.values("version"), ["2.0.0"]);
    assert_eq!(serde_json::from_slice::<Value>(&seen.body).unwrap(), json!({ "flavourId": "small" }));

    let peer = Peer::answering(202, &[("location", &format!("/nslcm/v2/ns_lcm_op_occs/{}", id(8)))], b"").await;
    let begun = NsClient::new(&peer.base).terminate(id(2), &TerminateNsRequest::default()).await.unwrap();
    assert_eq!(begun, id(8));
    assert_eq!(peer.only().line, format!("POST /nslcm/v2/ns_instances/{}/terminate", id(2)));
}

#[tokio::test]
async fn an_accepted_task_without_an_occurrence_has_an_unknown_outcome() {
    let peer = Peer::answering(202, &[], b"").await;
    let request = TerminateVnfRequest {
        termination_type: TerminationType::Forceful,
        graceful_termination_timeout: None,
        additional_params: serde_json::Map::new(),
    };
    let error = LcmClient::new(&peer.base).terminate(id(1), &request).await.unwrap_err();
    assert!(error.is_unknown() && !error.is_transient(), "{error}");
    assert!(error.to_string().contains("Location"), "{error}");
}

#[tokio::test]
async fn tasks_of_an_occurrence_have_no_body_but_cancel_has_one() {
    let peer = Peer::answering(202, &[], b"").await;
    let client = LcmClient::new(&peer.base);
    client.retry(id(7)).await.unwrap();
    client.rollback(id(7)).await.unwrap();
    client.cancel(id(7), &CancelMode { cancel_mode: CancelModeType::Graceful }).await.unwrap();
    let seen = peer.seen.lock().unwrap().clone();
    let task = |name: &str| format!("POST /vnflcm/v2/vnf_lcm_op_occs/{}/{name}", id(7));
    assert_eq!(seen.iter().map(|s| s.line.clone()).collect::<Vec<_>>(), ["retry", "rollback", "cancel"].map(task));
    assert!(seen[0].body.is_empty() && seen[1].body.is_empty());
    assert_eq!(seen[2].body, json!({ "cancelMode": "GRACEFUL" }).to_string());
}

#[tokio::test]
async fn a_merge_patch_is_sent_as_one() {
    let peer = Peer::answering_json(200, json!({ "nsdOperationalState": "DISABLED" })).await;
    let changes = NsdInfoModifications {
        nsd_operational_state: Some(PackageOperationalState::Disabled),
        ..NsdInfoModifications::default()
    };
    let changed = NsdClient::new(&peer.base).modify(id(3), &changes).await.unwrap();
    assert_eq!(changed, changes);
    let seen = peer.only();
    assert_eq!(seen.line, format!("PATCH /nsd/v2/ns_descriptors/{}", id(3)));
    assert_eq!(seen.values("content-type"), ["application/merge-patch+json"]);
}

#[tokio::test]
async fn a_grant_comes_at_once_or_later_or_is_refused() {
    let request: reference_points::or_vnfm::GrantRequest = serde_json::from_value(json!({
        "vnfInstanceId": id(1), "vnfLcmOpOccId": id(7), "vnfdId": "d", "operation": "INSTANTIATE",
        "isAutomaticInvocation": false,
        "_links": { "vnfLcmOpOcc": { "href": "/o" }, "vnfInstance": { "href": "/v" } },
    }))
    .unwrap();
    let peer = Peer::answering(202, &[("location", "/grant/v1/grants/9")], b"").await;
    let answer = GrantClient::new(&peer.base).request(&request).await.unwrap();
    assert_eq!(answer, GrantAnswer::Later("/grant/v1/grants/9".into()));
    assert_eq!(peer.only().values("version"), ["1.4.0"]);

    let grant = json!({ "id": id(9), "vnfInstanceId": id(1), "vnfLcmOpOccId": id(7),
        "_links": { "self": { "href": "/g" }, "vnfLcmOpOcc": { "href": "/o" }, "vnfInstance": { "href": "/v" } } });
    let peer = Peer::answering_json(201, grant).await;
    let answer = GrantClient::new(&peer.base).request(&request).await.unwrap();
    assert!(matches!(answer, GrantAnswer::Granted(grant) if grant.id == id(9)));

    let peer = Peer::answering_json(403, json!({ "status": 403, "detail": "no zone has 4 CPUs left" })).await;
    let error = GrantClient::new(&peer.base).request(&request).await.unwrap_err();
    assert_eq!(error.status(), Some(403));
    assert!(error.to_string().contains("no zone has 4 CPUs left"), "{error}");
}

#[tokio::test]
async fn what_is_gone_is_none_or_done_and_a_conflict_is_neither() {
    let missing = json!({ "status": 404, "detail": "gone" });
    let peer = Peer::answering_json(404, missing).await;
    assert_eq!(LcmClient::new(&peer.base).get(id(1)).await.unwrap(), None);
    LcmClient::new(&peer.base).delete(id(1)).await.unwrap();
    LcmClient::new(&peer.base).unsubscribe(id(1)).await.unwrap();
    assert!(OnboardedClient::new(&peer.base).get("d").await.unwrap().is_none());
    assert!(OnboardedClient::new(&peer.base).content_stream("d").await.unwrap().is_none());

    let peer = Peer::answering_json(409, json!({ "status": 409, "detail": "it is in use" })).await;
    let error = PackageClient::new(&peer.base).delete(id(1)).await.unwrap_err();
    assert_eq!(error.status(), Some(409));
}

#[tokio::test]
async fn archives_travel_as_zip_in_both_directions() {
    let peer = Peer::answering(202, &[], b"").await;
    let pieces: Vec<Result<Bytes, std::io::Error>> = vec![Ok(Bytes::from_static(b"PK")), Ok(Bytes::from_static(b"34"))];
    let content = futures::stream::iter(pieces);
    PackageClient::new(&peer.base).upload(id(1), Some(4), content).await.unwrap();
    let seen = peer.only();
    assert_eq!(seen.line, format!("PUT /vnfpkgm/v2/vnf_packages/{}/package_content", id(1)));
    assert_eq!(seen.values("content-type"), ["application/zip"]);
    assert_eq!(seen.values("content-length"), ["4"]);
    assert_eq!(seen.body, "PK34");

    let peer = Peer::answering(200, &[("content-type", "application/octet-stream")], b"#!/bin/sh").await;
    let client = OnboardedClient::new(&peer.base);
    let stream = client.artifact_stream("urn:vnfd", "Scripts/a b.sh").await.unwrap().unwrap();
    let bytes: Vec<u8> = stream.map(|piece| piece.unwrap().to_vec()).concat().await;
    assert_eq!(bytes, b"#!/bin/sh");
    let seen = peer.only();
    assert_eq!(seen.line, "GET /vnfpkgm/v2/onboarded_vnf_packages/urn%3Avnfd/artifacts/Scripts/a%20b.sh");
    assert_eq!(seen.headers.get(header::ACCEPT).unwrap(), "*/*");
}

#[tokio::test]
async fn a_record_is_created_with_what_was_asked() {
    let answer = json!({ "id": id(2), "nsInstanceName": "demo", "nsInstanceDescription": "", "nsdId": "n",
        "nsdInfoId": id(3), "nsState": "NOT_INSTANTIATED", "_links": { "self": { "href": "/x" } } });
    let peer = Peer::answering_json(201, answer).await;
    let request = CreateNsRequest { nsd_id: "n".into(), ns_name: "demo".into(), ns_description: String::new() };
    let made = NsClient::new(&peer.base).create(&request).await.unwrap();
    assert_eq!((made.id, made.nsd_info_id), (id(2), id(3)));
    let sent: Value = serde_json::from_slice(&peer.only().body).unwrap();
    assert_eq!(sent, json!({ "nsdId": "n", "nsName": "demo", "nsDescription": "" }));
}
