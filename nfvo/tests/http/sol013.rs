//! What SOL013 asks of every SOL interface, row by row, against the NFVO's real router. Each row has a name.

use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::lab::{EDGE, Lab};

async fn ask(lab: &Lab, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, HeaderMap, Vec<u8>) {
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let mut request = client.request(method.parse().unwrap(), lab.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if !body.is_empty() {
        request = request.body(body.to_owned());
    }
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let bytes = answer.bytes().await.unwrap().to_vec();
    if status >= 400 {
        assert_eq!(headers["content-type"], "application/problem+json", "{method} {path}");
        let problem: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!((problem["status"].as_u64(), problem["detail"].is_string()), (Some(status.into()), true));
    }
    (status, headers, bytes)
}

#[tokio::test]
async fn every_interface_refuses_as_it_must() {
    let lab = Lab::start().await;
    for list in [
        "/vnfpkgm/v2/vnf_packages",
        "/vnfpkgm/v1/vnf_packages",
        "/vnfpkgm/v2/onboarded_vnf_packages",
        "/vnfpkgm/v2/subscriptions",
        "/nsd/v2/ns_descriptors",
        "/nsd/v2/subscriptions",
        "/nslcm/v2/ns_instances",
        "/nslcm/v2/ns_lcm_op_occs",
        "/nslcm/v2/subscriptions",
    ] {
        let with = |query: &str| format!("{list}?{query}");
        for (name, method, path, headers, status) in [
            ("200", "GET", list.to_owned(), vec![], 200),
            ("400 filter", "GET", with("filter=(is,id,x)"), vec![], 400),
            ("400 unknown attribute", "GET", with("filter=(eq,colour,x)"), vec![], 400),
            ("400 illegal selectors", "GET", with("all_fields&fields=x"), vec![], 400),
            ("400 unknown parameter", "GET", with("colour=red"), vec![], 400),
            ("400 marker", "GET", with("nextpage_opaque_marker=zzz"), vec![], 400),
            ("404 entry", "GET", format!("{list}/00000000-0000-0000-0000-0000000000ff"), vec![], 404),
            ("405 method", "PUT", list.to_owned(), vec![], 405),
            ("406 media type", "GET", list.to_owned(), vec![("accept", "text/html")], 406),
            ("406 version", "GET", list.to_owned(), vec![("version", "9.0.0")], 406),
            ("414 address", "GET", with(&"x".repeat(40_000)), vec![], 414),
        ] {
            let (got, answered, body) = ask(&lab, method, &path, &headers, "").await;
            assert_eq!(got, status, "{list}: {name}: {}", String::from_utf8_lossy(&body));
            assert_eq!(answered.contains_key("allow"), status == 405, "{list}: {name}");
        }
    }
    for api in ["vnfpkgm", "nsd", "nslcm", "grant"] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let (status, headers, _) = ask(&lab, method, &format!("/{api}/api_versions"), &[], "").await;
            assert_eq!((status, headers.contains_key("allow")), (405, true), "{api} {method}");
        }
    }
    let (_, _, body) = ask(&lab, "GET", "/vnfpkgm/api_versions", &[], "").await;
    let versions: Value = serde_json::from_slice(&body).unwrap();
    let served: Vec<&str> =
        versions["apiVersions"].as_array().unwrap().iter().map(|v| v["version"].as_str().unwrap()).collect();
    assert_eq!(served, ["2.1.0", "2.0.0", "1.3.0", "1.2.0"]);
}

#[tokio::test]
async fn parts_of_files_are_given_out_and_ranges_outside_refused() {
    let lab = Lab::start().await;
    let id = lab.onboard("edge").await.id;
    let package = format!("/vnfpkgm/v2/vnf_packages/{id}");
    for (name, path) in [
        ("package content", format!("{package}/package_content")),
        ("package content by VNFD", format!("/vnfpkgm/v2/onboarded_vnf_packages/{EDGE}/package_content")),
        ("package content in version 1", format!("/vnfpkgm/v1/vnf_packages/{id}/package_content")),
        ("VNFD", format!("{package}/vnfd")),
        ("artifact", format!("{package}/artifacts/Definitions/edge.yaml")),
    ] {
        let (status, headers, whole) = ask(&lab, "GET", &path, &[], "").await;
        assert_eq!((status, headers["accept-ranges"].to_str().unwrap()), (200, "bytes"), "{name}");
        let (status, headers, part) = ask(&lab, "GET", &path, &[("range", "bytes=10-19")], "").await;
        assert_eq!((status, &part[..]), (206, &whole[10..20]), "{name}");
        assert_eq!(headers["content-range"], format!("bytes 10-19/{}", whole.len()), "{name}");
        let (status, headers, _) = ask(&lab, "GET", &path, &[("range", "bytes=99999999-")], "").await;
        assert_eq!(status, 416, "{name}");
        assert_eq!(headers["content-range"], format!("bytes */{}", whole.len()), "{name}");
    }
    let artifact = format!("{package}/artifacts/Definitions/edge.yaml");
    let (status, _, _) = ask(&lab, "GET", &artifact, &[("accept", "application/json")], "").await;
    assert_eq!(status, 200, "an artifact is what it is");
}

#[tokio::test]
async fn resources_are_guarded_by_their_etags() {
    let lab = Lab::start().await;
    let nsd = lab.onboard_all().await;
    let request = reference_points::os_ma_nfvo::CreateNsRequest {
        nsd_id: nsd.nsd_id.clone().unwrap(),
        ns_name: "guarded".to_owned(),
        ns_description: String::new(),
    };
    let ns = lab.ns.create(&request).await.unwrap().id;
    let created = lab.packages.create(&Default::default()).await.unwrap().id;
    for (name, path) in [
        ("VNF package", format!("/vnfpkgm/v2/vnf_packages/{created}")),
        ("NS instance", format!("/nslcm/v2/ns_instances/{ns}")),
    ] {
        let (_, headers, _) = ask(&lab, "GET", &path, &[], "").await;
        let etag = headers["etag"].to_str().unwrap().to_owned();
        let (status, _, _) = ask(&lab, "DELETE", &path, &[("if-match", "\"99\"")], "").await;
        assert_eq!(status, 412, "{name}: another state");
        let (status, _, _) = ask(&lab, "DELETE", &path, &[("if-match", &etag)], "").await;
        assert_eq!(status, 204, "{name}: this state");
    }
    let nsd = format!("/nsd/v2/ns_descriptors/{}", nsd.id);
    let patch = [("content-type", "application/merge-patch+json"), ("if-match", "\"99\"")];
    assert_eq!(ask(&lab, "PATCH", &nsd, &patch, "{}").await.0, 412);
    assert_eq!(ask(&lab, "PATCH", &nsd, &[("content-type", "application/json")], "{}").await.0, 415);
    assert_eq!(ask(&lab, "DELETE", &nsd, &[("if-match", "\"99\"")], "").await.0, 412);
}

#[tokio::test]
async fn version_1_of_the_packages_links_to_itself() {
    let lab = Lab::start().await;
    let id = lab.onboard("edge").await.id;
    let (_, _, body) = ask(&lab, "GET", &format!("/vnfpkgm/v1/vnf_packages/{id}"), &[], "").await;
    let shown: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(shown["_links"]["self"]["href"], format!("/vnfpkgm/v1/vnf_packages/{id}"));
    assert_eq!(shown["_links"]["vnfd"]["href"], format!("/vnfpkgm/v1/vnf_packages/{id}/vnfd"));
    let json = [("content-type", "application/json")];
    let (status, headers, _) = ask(&lab, "POST", "/vnfpkgm/v1/vnf_packages", &json, "{}").await;
    assert_eq!(status, 201);
    assert!(headers["location"].to_str().unwrap().starts_with("/vnfpkgm/v1/"), "{headers:?}");
}
