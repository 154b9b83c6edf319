//! The HTTP server over real sockets: problems, versions, patches, limits, events, health, metrics, recording.
#![allow(clippy::unwrap_used, clippy::panic)]

mod example;

use example::started;
use futures::StreamExt;
use reference_points::common::{CallError, Client, EventStream, ProblemDetails, Reply, TraceContext};
use serde_json::{Value, json};

fn problem<T: std::fmt::Debug>(result: Result<Reply<T>, CallError>) -> ProblemDetails {
    match result {
        Err(CallError::Refused { problem, .. }) => *problem,
        other => panic!("not refused: {other:?}"),
    }
}

async fn raw(client: &reqwest::Client, request: reqwest::RequestBuilder) -> (reqwest::header::HeaderMap, u16, Value) {
    let response = client.execute(request.build().unwrap()).await.unwrap();
    let (headers, status) = (response.headers().clone(), response.status().as_u16());
    (headers, status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or(Value::Null))
}

#[tokio::test]
async fn a_faulty_body_is_refused_with_every_fault() {
    let s = started(|_, _| {}).await;
    let context = TraceContext::random();
    let reply =
        context.scope(s.client.post::<_, Value>("/example/v2/things", &json!({"size": 300, "thingNmae": "x"}))).await;
    let problem = problem(reply);
    assert_eq!(problem.status, 400);
    let places: Vec<&str> = problem.faults.iter().map(|f| f.location.as_str()).collect();
    assert_eq!(places.len(), 3, "{places:?}");
    for place in ["/size", "/thingNmae", "/thingName"] {
        assert!(places.contains(&place), "{place} in {places:?}");
    }
    assert_eq!(problem.trace_id, Some(context.trace_id()), "the caller's trace goes on");
    let made = s.client.post::<_, Value>("/example/v2/things", &json!({"size": 3, "thingName": "x"})).await.unwrap();
    assert_eq!(made.status, 201);
}

#[tokio::test]
async fn refusals_of_the_router_are_problems_with_their_headers() {
    let s = started(|_, _| {}).await;
    let http = reqwest::Client::new();
    let url = |p: &str| format!("{}{p}", s.running.base_url());
    let (headers, status, body) = raw(&http, http.delete(url("/example/v2/things"))).await;
    assert_eq!((status, headers["allow"].to_str().unwrap()), (405, "POST"));
    assert_eq!(headers["content-type"], "application/problem+json");
    assert!(body["detail"].as_str().unwrap().contains("DELETE"), "{body}");
    assert_eq!(body["traceId"].as_str().unwrap().len(), 32);
    let (_, status, body) = raw(&http, http.get(url("/nowhere"))).await;
    assert_eq!((status, body["status"].as_u64()), (404, Some(404)));
    let (_, status, body) = raw(&http, http.post(url("/example/v2/things")).body("{}")).await;
    assert_eq!((status, body["faults"][0]["where"].as_str()), (415, Some("header.Content-Type")));
    let send =
        http.post(url("/example/v2/things")).header("accept", "text/html").json(&json!({"size": 1, "thingName": "x"}));
    assert_eq!(raw(&http, send).await.1, 406);
    assert_eq!(raw(&http, http.get(url("/example/v2/text")).header("accept", "application/json")).await.1, 406);
    let (_, status, body) =
        raw(&http, http.post(url("/example/v2/things")).header("content-type", "application/json").body("{\"a\": "))
            .await;
    assert_eq!(status, 400);
    assert!(body["faults"][0]["where"].as_str().unwrap().contains("line 1"), "{body}");
    let big = vec![b' '; 3 << 20];
    let (_, status, _) =
        raw(&http, http.post(url("/example/v2/things")).header("content-type", "application/json").body(big)).await;
    assert_eq!(status, 413);
}

#[tokio::test]
async fn a_panic_is_a_problem_with_a_trace_id_and_the_service_lives_on() {
    let s = started(|_, _| {}).await;
    let problem = problem(s.client.get::<Value>("/example/v2/broken").await);
    assert_eq!(problem.status, 500);
    assert!(problem.trace_id.is_some());
    assert!(!problem.detail.contains("on purpose"), "a defect's words are for the log");
    assert_eq!(s.client.get::<Value>("/healthz").await.unwrap().body["status"], "alive");
}

#[tokio::test]
async fn an_overlong_request_is_given_up_but_an_upload_is_not() {
    let s = started(|c, _| c.service.http.request_timeout_secs = 1).await;
    let problem = problem(s.client.get::<Value>("/example/v2/slow").await);
    assert_eq!(problem.status, 500);
    assert!(problem.detail.contains("within 1 s"), "{}", problem.detail);
    let chunks = futures::stream::iter(0..30).then(|_| async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        Ok::<_, std::io::Error>(bytes::Bytes::from(vec![0u8; 200_000]))
    });
    let received: u64 = s
        .client
        .upload(reqwest::Method::PUT, "/example/v2/upload", "application/octet-stream", None, Box::pin(chunks))
        .await
        .unwrap();
    assert_eq!(received, 6_000_000, "longer than the timeout, larger than the body limit");
}

#[tokio::test]
async fn versions_are_negotiated_and_listed() {
    let s = started(|_, _| {}).await;
    let http = reqwest::Client::new();
    let url = format!("{}/example/v2/text", s.running.base_url());
    let (headers, status, _) = raw(&http, http.get(&url)).await;
    assert_eq!((status, headers["version"].to_str().unwrap()), (200, "2.1.0"));
    assert_eq!(raw(&http, http.get(&url).header("Version", "2.1.0")).await.1, 200);
    let (_, status, body) = raw(&http, http.get(&url).header("Version", "1.0.0")).await;
    assert_eq!((status, body["faults"][0]["where"].as_str()), (406, Some("header.Version")));
    let listed = s.client.get::<Value>("/example/v2/api_versions").await.unwrap().body;
    assert_eq!(listed, json!({"uriPrefix": "/example/v2", "apiVersions": [{"version": "2.1.0"}]}));
    assert_eq!(s.client.get::<Value>("/example/api_versions").await.unwrap().body["uriPrefix"], "/example");
    let strict = started(|c, _| c.service.http.require_version = true).await;
    assert_eq!(problem(strict.client.get::<Value>("/example/v2/text").await).status, 400);
}

#[tokio::test]
async fn a_merge_patch_is_guarded_by_if_match() {
    let s = started(|_, _| {}).await;
    let change = json!({"size": 9, "thingName": null});
    let http = reqwest::Client::new();
    let patch = |etag: &str| {
        http.patch(format!("{}/example/v2/things/1", s.running.base_url()))
            .header("content-type", "application/merge-patch+json")
            .header("if-match", etag)
            .json(&change)
    };
    let (_, status, body) = raw(&http, patch("\"7\"")).await;
    assert_eq!((status, body), (200, json!({"size": 9})));
    assert_eq!(raw(&http, patch("\"6\"")).await.1, 412);
    let plain = http.patch(format!("{}/example/v2/things/1", s.running.base_url())).json(&change);
    assert_eq!(raw(&http, plain).await.1, 415);
}

#[tokio::test]
async fn events_arrive_in_order_and_a_reader_resumes() {
    let s = started(|_, _| {}).await;
    for n in 1..=3 {
        s.client.post::<_, Value>("/example/v2/events", &json!({"n": n})).await.unwrap();
    }
    let mut stream = EventStream::new(s.client.clone(), "/example/v2/events", 1);
    for n in 2..=3 {
        let event = stream.next::<Value>().await.unwrap();
        assert_eq!((event.seq, event.event["n"].as_i64()), (n, Some(n)));
    }
    let fourth = json!({"n": 4});
    let (later, added) = tokio::join!(stream.next::<Value>(), s.client.post::<_, Value>("/example/v2/events", &fourth));
    added.unwrap();
    assert_eq!(later.unwrap().seq, 4);
    // An open stream must not hold up the shutdown.
    let begun = std::time::Instant::now();
    s.running.shut_down().await.unwrap();
    assert!(begun.elapsed() < std::time::Duration::from_millis(900), "{:?}", begun.elapsed());
    assert!(stream.next::<Value>().await.is_err());
}

#[tokio::test]
async fn readiness_names_what_is_missing_and_metrics_count_routes() {
    let s = started(|c, _| c.not_ready = true).await;
    let http = reqwest::Client::new();
    let (_, status, body) = raw(&http, http.get(format!("{}/readyz", s.running.base_url()))).await;
    assert_eq!(status, 503);
    assert_eq!(body["checks"][0], json!({"name": "database", "ready": true}));
    assert_eq!(body["checks"][1], json!({"name": "mood", "ready": false, "why": "not in the mood"}));
    for id in ["1", "2"] {
        let patch = http.patch(format!("{}/example/v2/things/{id}", s.running.base_url()));
        raw(&http, patch.header("content-type", "application/merge-patch+json").body("{}")).await;
    }
    let text = http.get(format!("{}/metrics", s.running.base_url())).send().await.unwrap().text().await.unwrap();
    let wanted = "http_requests_total{method=\"PATCH\",route=\"/example/v2/things/{id}\",status=\"200\"} 2";
    assert!(text.contains(wanted), "{text}");
    assert!(text.contains("process_resident_memory_bytes"));
}

#[tokio::test]
async fn exchanges_are_recorded() {
    let s = started(|c, dir| c.service.http.record_exchanges = Some(dir.join("exchanges.jsonl"))).await;
    s.client.post::<_, Value>("/example/v2/things?x=1", &json!({"size": 3, "thingName": "x"})).await.unwrap();
    let _ = s.client.get::<Value>("/example/v2/broken").await;
    let text = std::fs::read_to_string(s.dir.path().join("exchanges.jsonl")).unwrap();
    let lines: Vec<service::http::record::Exchange> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (lines[0].method.as_str(), lines[0].path.as_str(), lines[0].status),
        ("POST", "/example/v2/things?x=1", 201)
    );
    assert_eq!(lines[0].request, Some(json!({"size": 3, "thingName": "x"})));
    assert_eq!(lines[0].response, lines[0].request);
    assert_eq!(lines[0].response_headers["version"], "2.1.0");
    assert_eq!(lines[1].response.as_ref().unwrap()["status"], 500);
}

#[tokio::test]
async fn an_occupied_address_and_a_missing_database_are_told_plainly() {
    let s = started(|_, _| {}).await;
    let mut config = example::Config::default();
    config.service.listen = Some(s.running.address());
    let error = service::run::start::<example::ExampleService>(config.clone()).await.err().unwrap().to_string();
    assert!(error.contains("/service/database"), "{error}");
    config.service.database = format!("sqlite://{}/b.db", s.dir.path().display());
    let error = service::run::start::<example::ExampleService>(config).await.err().unwrap().to_string();
    assert!(error.contains("another process serves there"), "{error}");
}

#[tokio::test]
async fn more_requests_than_allowed_are_told_to_come_later() {
    let s = started(|c, _| {
        c.service.http.max_in_flight = 1;
        c.service.http.request_timeout_secs = 2;
    })
    .await;
    let slow = Client::new("example", s.client.base());
    let (occupied, refused) = tokio::join!(slow.get::<Value>("/example/v2/slow"), async {
        // The first request is surely inside once the gauge says so.
        let http = reqwest::Client::new();
        loop {
            let text = http.get(format!("{}/metrics", s.client.base())).send().await.unwrap().text().await.unwrap();
            if text.contains("http_requests_in_flight 2") {
                break;
            }
        }
        raw(&http, http.get(format!("{}/example/v2/text", s.client.base()))).await
    });
    assert_eq!((refused.1, refused.0["retry-after"].to_str().unwrap()), (503, "1"));
    assert!(occupied.is_err());
}

#[test]
fn every_route_has_a_scope_and_the_document_shows_it() {
    let document = service::run::openapi_of::<example::ExampleService>();
    assert!(service::http::openapi::without_scope(&document).is_empty());
    let json: Value = serde_json::from_str(&service::http::openapi::text(&document)).unwrap();
    let create = &json["paths"]["/example/v2/things"]["post"];
    assert_eq!(create["security"], json!([{"oauth2": ["example:v2:all"]}]));
    assert_eq!(
        create["responses"]["default"]["content"]["application/problem+json"]["schema"]["$ref"],
        "#/components/schemas/ProblemDetails"
    );
    let scopes = &json["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]["scopes"];
    assert_eq!(scopes, &json!({"example:v2:all": "", "example:v2:readonly": ""}));
    assert!(json["components"]["schemas"]["Fault"].is_object(), "what ProblemDetails refers to is there");
    let dir = tempfile::tempdir().unwrap();
    let golden = dir.path().join("api.json");
    std::fs::write(&golden, service::http::openapi::text(&document)).unwrap();
    service::http::openapi::assert_golden(&document, &golden);
    std::fs::write(&golden, service::http::openapi::text(&document).replace("/example/v2/text", "/example/v2/txet"))
        .unwrap();
    let differs = service::http::openapi::check_golden(&document, &golden).unwrap_err();
    assert!(differs.contains("txet") && differs.contains("UPDATE_GOLDEN"), "{differs}");
}
