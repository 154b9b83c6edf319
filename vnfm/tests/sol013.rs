//! What SOL013 asks of every SOL interface, row by row, against the VNFM's real router over HTTP. Each row has a name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use axum::http::StatusCode;
use axum::routing::get;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use service::run::Running;
use uuid::Uuid;
use vnfm::store::{INSTANCES, Instance};

const LIST: &str = "/vnflcm/v2/vnf_instances";
const ALPHA: &str = "/vnflcm/v2/vnf_instances/00000000-0000-0000-0000-00000000000a";
const JSON: (&str, &str) = ("content-type", "application/json");
const PATCH: (&str, &str) = ("content-type", "application/merge-patch+json");

/// A VNFM with three instances, `alpha`, `beta` and `gamma`, and pages of two.
struct Lab {
    running: Running,
    subscriber: String,
    http: reqwest::Client,
    _dir: tempfile::TempDir,
}

async fn lab(require_version: bool) -> Lab {
    let dir = tempfile::tempdir().unwrap();
    let mut config = vnfm::Config::default();
    config.service.listen = Some("127.0.0.1:0".parse().unwrap());
    config.service.database = format!("sqlite://{}", dir.path().join("vnfm.db").display());
    config.service.http.page_size = 2;
    config.service.http.max_body_bytes = 64 * 1024;
    config.service.http.require_version = require_version;
    let running = vnfm::start(config).await.unwrap();
    for (i, name, metadata, level) in [
        (10_u128, "alpha", json!({ "owner": "it's me", "a/b": "x" }), 1),
        (11, "beta", json!({ "site": "north" }), 5),
        (12, "gamma", json!({ "site": "south, low" }), 9),
    ] {
        let id = Uuid::from_u128(i);
        let instance = json!({
            "id": id, "vnfInstanceName": name, "vnfdId": "d", "vnfProvider": "p", "vnfProductName": "n",
            "vnfSoftwareVersion": "1", "vnfdVersion": "1", "instantiationState": if level == 9 { "INSTANTIATED" } else { "NOT_INSTANTIATED" },
            "metadata": metadata, "vimConnectionInfo": { format!("vim-{name}"): { "vimId": name, "vimType": "X" } },
            "instantiatedVnfInfo": { "flavourId": "f", "vnfState": "STARTED",
                "scaleStatus": [{ "aspectId": "a", "scaleLevel": level }, { "aspectId": "b", "scaleLevel": 0 }] },
        });
        let instance: Instance = serde_json::from_value(instance).unwrap();
        let db = running.db();
        db::transaction!(db, |tx| {
            INSTANCES.insert(&mut *tx, id, instance.clone(), i as i64).await?;
            Ok::<_, service::store::StoreError>(())
        })
        .unwrap();
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let subscriber = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new()
        .route("/told", get(|| async { StatusCode::NO_CONTENT }))
        .route("/wrong", get(|| async { StatusCode::OK }));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Lab { running, subscriber, http: reqwest::Client::builder().no_proxy().build().unwrap(), _dir: dir }
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    fn names(&self) -> Vec<&str> {
        self.body.as_array().unwrap().iter().map(|v| v["vnfInstanceName"].as_str().unwrap()).collect()
    }

    fn members(&self) -> Vec<&str> {
        self.body[0].as_object().unwrap().keys().map(String::as_str).collect()
    }
}

impl Lab {
    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<String>) -> Answer {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.running.base_url()) };
        let mut request = self.http.request(method.parse().unwrap(), url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default();
        let answer = Answer { status, headers, body };
        if status >= 400 && method != "HEAD" {
            assert_eq!(answer.header("content-type"), "application/problem+json", "{method} {path}");
            assert_eq!(
                (answer.body["status"].as_u64(), answer.body["detail"].is_string()),
                (Some(status.into()), true)
            );
        }
        answer
    }
}

#[tokio::test]
async fn attribute_filters() {
    let lab = lab(false).await;
    let level = "instantiatedVnfInfo/scaleStatus/scaleLevel";
    let rows: Vec<(&str, String, &[&str])> = vec![
        ("eq", "(eq,vnfInstanceName,alpha)".into(), &["alpha"]),
        ("neq", "(neq,vnfInstanceName,alpha)".into(), &["beta", "gamma"]),
        ("in", "(in,vnfInstanceName,alpha,gamma,other)".into(), &["alpha", "gamma"]),
        ("nin", "(nin,vnfInstanceName,alpha,gamma)".into(), &["beta"]),
        ("gt through an array", format!("(gt,{level},5)"), &["gamma"]),
        ("gte through an array", format!("(gte,{level},5)"), &["beta", "gamma"]),
        ("lt of a number, not of its text", format!("(lt,{level},10);(gt,{level},8)"), &["gamma"]),
        ("lte", "(lte,vnfInstanceName,beta)".into(), &["alpha", "beta"]),
        ("cont", "(cont,vnfInstanceName,lph,amm)".into(), &["alpha", "gamma"]),
        ("ncont", "(ncont,vnfInstanceName,lph,amm)".into(), &["beta"]),
        ("and", "(neq,vnfInstanceName,alpha);(eq,instantiationState,INSTANTIATED)".into(), &["gamma"]),
        ("nested in a map", "(eq,metadata/site,north)".into(), &["beta"]),
        ("@key of a map", "(eq,metadata/@key,owner)".into(), &["alpha"]),
        ("@key of a map of structures", "(eq,vimConnectionInfo/@key,vim-gamma)".into(), &["gamma"]),
        ("escaped slash in a name", "(eq,metadata/a~1b,x)".into(), &["alpha"]),
        ("quoted comma", "(eq,metadata/site,'south, low')".into(), &["gamma"]),
        ("doubled quote", "(eq,metadata/owner,'it''s me')".into(), &["alpha"]),
        ("absent attribute", "(eq,metadata/nothing,x)".into(), &[]),
    ];
    for (name, filter, expected) in rows {
        let path = format!("{LIST}?filter={}", filter.replace('\'', "%27").replace(' ', "%20"));
        let answer = lab.ask("GET", &path, &[], None).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        assert_eq!(answer.names(), expected, "{name}");
    }
    for (name, filter) in [
        ("unknown operator", "(is,vnfInstanceName,alpha)".to_owned()),
        ("unknown attribute", "(eq,vnfName,alpha)".to_owned()),
        ("unclosed", "(eq,vnfInstanceName,alpha".to_owned()),
        ("several values of eq", "(eq,vnfInstanceName,alpha,beta)".to_owned()),
        ("unknown escape", "(eq,metadata/a~9b,x)".to_owned()),
        ("too many conditions", vec!["(eq,id,x)"; 100].join(";")),
        ("too many values", format!("(in,id,{})", vec!["x"; 1000].join(","))),
    ] {
        let answer = lab.ask("GET", &format!("{LIST}?filter={filter}"), &[], None).await;
        assert_eq!(answer.status, 400, "{name}");
        assert_eq!(answer.body["faults"][0]["where"], "query.filter", "{name}: {}", answer.body);
    }
}

#[tokio::test]
async fn attribute_selectors() {
    let lab = lab(false).await;
    let always =
        ["id", "vnfInstanceName", "vnfdId", "vnfProvider", "vnfProductName", "vnfSoftwareVersion", "vnfdVersion"];
    for (name, query, shown) in [
        ("default", "", vec![]),
        ("exclude_default", "&exclude_default", vec![]),
        ("all_fields", "&all_fields", vec!["vimConnectionInfo", "instantiatedVnfInfo", "metadata"]),
        ("fields", "&fields=metadata", vec!["metadata"]),
        ("fields of a part", "&fields=instantiatedVnfInfo/scaleStatus", vec!["instantiatedVnfInfo"]),
        ("exclude_fields", "&exclude_fields=metadata,vimConnectionInfo", vec!["instantiatedVnfInfo"]),
        ("exclude_default with fields", "&exclude_default&fields=vimConnectionInfo", vec!["vimConnectionInfo"]),
    ] {
        let answer = lab.ask("GET", &format!("{LIST}?filter=(eq,vnfInstanceName,alpha){query}"), &[], None).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        let mut expected: Vec<&str> = always.to_vec();
        expected.extend(["instantiationState", "_links"]);
        expected.extend(&shown);
        let mut members = answer.members();
        members.sort_unstable();
        expected.sort_unstable();
        assert_eq!(members, expected, "{name}");
    }
    for (name, query) in [
        ("all_fields and fields", "all_fields&fields=metadata"),
        ("all_fields and exclude_fields", "all_fields&exclude_fields=metadata"),
        ("all_fields and exclude_default", "all_fields&exclude_default"),
        ("fields and exclude_fields", "fields=metadata&exclude_fields=metadata"),
        ("exclude_fields and exclude_default", "exclude_fields=metadata&exclude_default"),
        ("an attribute without a name", "fields=a,,b"),
        ("an unknown parameter", "felds=metadata"),
        ("a parameter given twice", "fields=metadata&fields=metadata"),
    ] {
        assert_eq!(lab.ask("GET", &format!("{LIST}?{query}"), &[], None).await.status, 400, "{name}");
    }
}

#[tokio::test]
async fn paging_by_link() {
    let lab = lab(false).await;
    let first = lab.ask("GET", &format!("{LIST}?fields=metadata"), &[], None).await;
    assert_eq!(first.names(), ["alpha", "beta"]);
    let link = first.header("link");
    assert!(link.ends_with("; rel=\"next\""), "{link}");
    let next = link.split('<').nth(1).unwrap().split('>').next().unwrap();
    let second = lab.ask("GET", next, &[], None).await;
    assert_eq!((second.names(), second.header("link")), (vec!["gamma"], ""));
    assert!(second.members().contains(&"metadata"), "the next page is of the same query");
    let bad = lab.ask("GET", &format!("{LIST}?nextpage_opaque_marker=zzz"), &[], None).await;
    assert_eq!(bad.status, 400);
}

/// Name, method, path, headers, body, status.
type Refusal<'a> = (&'a str, &'a str, &'a str, Vec<(&'a str, &'a str)>, Option<&'a str>, u16);

#[tokio::test]
async fn requests_are_refused_as_they_must() {
    let lab = lab(false).await;
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let big = format!("\"{}\"", "x".repeat(100_000));
    let long = format!("{LIST}?filter=(in,id,{})", "x,".repeat(20_000));
    let create = LIST;
    let rows: Vec<Refusal<'_>> = vec![
        ("404 unknown resource", "GET", "/vnflcm/v2/nothing", vec![], None, 404),
        (
            "404 unknown instance",
            "GET",
            "/vnflcm/v2/vnf_instances/00000000-0000-0000-0000-0000000000ff",
            vec![],
            None,
            404,
        ),
        ("400 identifier that is none", "GET", "/vnflcm/v2/vnf_instances/x", vec![], None, 400),
        ("406 media type", "GET", LIST, vec![("accept", "text/html")], None, 406),
        ("406 version", "GET", LIST, vec![("version", "9.0.0")], None, 406),
        ("406 version of another major", "GET", LIST, vec![("version", "1.3.0")], None, 406),
        ("400 no JSON", "POST", create, vec![JSON], Some("\u{0}garbage"), 400),
        ("400 attribute missing", "POST", create, vec![JSON], Some("{}"), 400),
        ("400 nested too deep", "POST", create, vec![JSON], Some(&deep), 400),
        ("413 body too large", "POST", create, vec![JSON], Some(&big), 413),
        ("414 address too long", "GET", &long, vec![], None, 414),
        ("415 media type of a request", "POST", create, vec![("content-type", "text/plain")], Some("{}"), 415),
        ("415 patch that is no merge patch", "PATCH", ALPHA, vec![JSON], Some("{}"), 415),
        ("412 patch of another state", "PATCH", ALPHA, vec![PATCH, ("if-match", "\"99\"")], Some("{}"), 412),
        ("412 deletion of another state", "DELETE", ALPHA, vec![("if-match", "\"99\"")], None, 412),
    ];
    for (name, method, path, headers, body, status) in rows {
        let answer = lab.ask(method, path, &headers, body.map(str::to_owned)).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.body);
    }
    // Each of these has a name of its own.
    let names: Vec<String> = (0..120).map(|n| format!("x-header-{n}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "x")).collect();
    assert_eq!(lab.ask("GET", LIST, &many, None).await.status, 431, "431 too many headers");
}

#[tokio::test]
async fn methods_that_a_resource_lacks_are_405_with_allow() {
    let lab = lab(false).await;
    for (path, methods, allow) in [
        ("/vnflcm/api_versions", vec!["POST", "PUT", "PATCH", "DELETE"], "GET,HEAD"),
        ("/vnflcm/v2/api_versions", vec!["POST", "PUT", "PATCH", "DELETE"], "GET,HEAD"),
        ("/vnflcm/v1/api_versions", vec!["POST", "PUT", "PATCH", "DELETE"], "GET,HEAD"),
        (LIST, vec!["PUT", "PATCH", "DELETE"], "GET,HEAD,POST"),
        (ALPHA, vec!["PUT", "POST"], "GET,HEAD,PATCH,DELETE"),
        ("/vnflcm/v2/vnf_lcm_op_occs", vec!["POST", "PUT", "PATCH", "DELETE"], "GET,HEAD"),
        ("/vnflcm/v2/subscriptions", vec!["PUT", "PATCH", "DELETE"], "GET,HEAD,POST"),
    ] {
        for method in methods {
            let answer = lab.ask(method, path, &[], None).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            let mut allowed: Vec<&str> = answer.header("allow").split(',').collect();
            let mut expected: Vec<&str> = allow.split(',').collect();
            allowed.sort_unstable();
            expected.sort_unstable();
            assert_eq!(allowed, expected, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn versions_are_listed_negotiated_and_told() {
    let lab = lab(false).await;
    let all = lab.ask("GET", "/vnflcm/api_versions", &[], None).await;
    let versions: Vec<&str> =
        all.body["apiVersions"].as_array().unwrap().iter().map(|v| v["version"].as_str().unwrap()).collect();
    assert_eq!((all.body["uriPrefix"].as_str(), versions), (Some("/vnflcm"), vec!["2.0.0", "1.3.0", "1.2.0"]));
    for (path, asked, told) in [
        (LIST, Some("2.0.0"), "2.0.0"),
        (LIST, Some("2.0.0-impl:example:1"), "2.0.0"),
        (LIST, None, "2.0.0"),
        ("/vnflcm/v1/vnf_instances", None, "1.3.0"),
        ("/vnflcm/v1/vnf_instances", Some("1.2.1"), "1.2.0"),
    ] {
        let headers: Vec<(&str, &str)> = asked.map(|v| ("version", v)).into_iter().collect();
        let answer = lab.ask("GET", path, &headers, None).await;
        assert_eq!((answer.status, answer.header("version")), (200, told), "{path} {asked:?}");
    }
    let strict = self::lab(true).await;
    assert_eq!(strict.ask("GET", LIST, &[], None).await.status, 400, "a version is demanded");
    assert_eq!(strict.ask("GET", "/vnflcm/v1/vnf_instances", &[], None).await.status, 200, "not of older clients");
}

#[tokio::test]
async fn resources_have_etags_and_are_guarded_by_them() {
    let lab = lab(false).await;
    let etag = lab.ask("GET", ALPHA, &[], None).await.header("etag").to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    assert_eq!(lab.ask("DELETE", ALPHA, &[("if-match", &etag)], None).await.status, 204);
    assert_eq!(lab.ask("GET", ALPHA, &[], None).await.status, 404);
}

#[tokio::test]
async fn subscriptions_are_tested_and_made_once() {
    let lab = lab(false).await;
    for base in ["/vnflcm/v2/subscriptions", "/vnflcm/v1/subscriptions"] {
        let body = |path: &str| Some(json!({ "callbackUri": format!("{}{path}", lab.subscriber) }).to_string());
        let wrong = lab.ask("POST", base, &[JSON], body("/wrong")).await;
        assert_eq!(
            (wrong.status, wrong.body["faults"][0]["where"].as_str()),
            (422, Some("/callbackUri")),
            "GET is no 204"
        );
        let made = lab.ask("POST", base, &[JSON], body("/told")).await;
        let location = made.header("location").to_owned();
        assert_eq!((made.status, made.body["_links"]["self"]["href"].as_str()), (201, Some(location.as_str())));
        assert!(location.contains(base), "{location}");
        let again = lab.http.post(format!("{}{base}", lab.running.base_url())).header(JSON.0, JSON.1);
        let again = again.body(body("/told").unwrap());
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let again = client.execute(again.build().unwrap()).await.unwrap();
        assert_eq!((again.status().as_u16(), again.headers()["location"].to_str().unwrap()), (303, location.as_str()));
        assert_eq!(lab.ask("GET", base, &[], None).await.body.as_array().unwrap().len(), 1, "each version has its own");
        assert_eq!(lab.ask("DELETE", &location, &[], None).await.status, 204);
        assert_eq!(lab.ask("GET", &location, &[], None).await.status, 404);
    }
}

#[tokio::test]
async fn version_1_shows_lists_where_version_2_shows_maps() {
    let lab = lab(false).await;
    let path = ALPHA.replace("/v2/", "/v1/");
    let shown = lab.ask("GET", &path, &[], None).await.body;
    assert_eq!(shown["vimConnectionInfo"], json!([{ "id": "vim-alpha", "vimId": "alpha", "vimType": "X" }]));
    assert!(shown["_links"]["self"]["href"].as_str().unwrap().ends_with(&path), "{shown}");
    let list = "/vnflcm/v1/vnf_instances";
    for (name, filter) in [
        ("identifier in the list", "(eq,vimConnectionInfo/id,vim-beta)"),
        ("attribute in the list", "(eq,vimConnectionInfo/vimId,beta)"),
    ] {
        let found = lab.ask("GET", &format!("{list}?filter={filter}&all_fields"), &[], None).await;
        assert_eq!(found.names(), ["beta"], "{name}");
        assert_eq!(found.body[0]["vimConnectionInfo"][0]["id"], "vim-beta", "{name}");
    }
    let page = lab.ask("GET", list, &[], None).await;
    assert!(page.header("link").contains("/vnflcm/v1/"), "{}", page.header("link"));
    let bare = json!({ "vimConnectionInfo": [{ "vimType": "X" }] }).to_string();
    let refused = lab.ask("PATCH", &path, &[PATCH], Some(bare)).await;
    assert_eq!((refused.status, refused.body["faults"][0]["where"].as_str()), (400, Some("/vimConnectionInfo/0/id")));
    for absent in ["change_vnfpkg", "create_snapshot", "revert_to_snapshot"] {
        assert_eq!(
            lab.ask("POST", &format!("{path}/{absent}"), &[JSON], Some("{}".into())).await.status,
            404,
            "{absent}"
        );
    }
}
