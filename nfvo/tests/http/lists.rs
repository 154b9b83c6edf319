//! Lists: filters, selectors and pages (SOL013 clause 5).

use serde_json::Value;

use crate::lab::Lab;

async fn get(lab: &Lab, path: &str) -> (u16, Option<String>, Value) {
    let answer = lab.http.get(lab.url(path)).send().await.unwrap();
    let link = answer.headers().get("link").map(|l| l.to_str().unwrap().to_owned());
    (answer.status().as_u16(), link, answer.json().await.unwrap())
}

fn ids(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|v| v["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn packages_are_filtered_and_shown_as_asked() {
    let lab = Lab::start().await;
    let edge = lab.onboard("edge").await;
    lab.onboard("web").await;
    let empty = lab.packages.create(&Default::default()).await.unwrap();
    let list = "/vnfpkgm/v2/vnf_packages";
    let (_, _, found) = get(&lab, &format!("{list}?filter=(eq,vnfProductName,edge)")).await;
    assert_eq!(ids(&found), [edge.id.to_string()]);
    assert!(found[0].get("softwareImages").is_none(), "left out of lists by default");
    let (_, _, found) = get(&lab, &format!("{list}?filter=(eq,softwareImages/diskFormat,QCOW2)&all_fields")).await;
    assert_eq!(found.as_array().unwrap().len(), 2);
    assert_eq!(found[0]["softwareImages"][0]["containerFormat"], "BARE");
    let (_, _, found) = get(&lab, &format!("{list}?filter=(neq,onboardingState,ONBOARDED)")).await;
    assert_eq!(ids(&found), [empty.id.to_string()]);
    let (_, _, found) = get(&lab, "/vnfpkgm/v2/onboarded_vnf_packages").await;
    assert_eq!(found.as_array().unwrap().len(), 2);
    let (status, _, problem) = get(&lab, &format!("{list}?filter=(eq,vnfProduct,edge)&colour=red")).await;
    assert_eq!(status, 400);
    let mends: Vec<&str> = problem["faults"].as_array().unwrap().iter().filter_map(|f| f["mend"].as_str()).collect();
    assert!(!mends.is_empty(), "{problem}");
    lab.end().await;
}

#[tokio::test]
async fn long_lists_come_by_pages() {
    let lab = Lab::start().await;
    let nsd = lab.onboard_all().await.nsd_id.unwrap();
    let mut made = Vec::new();
    for i in 0..105 {
        let request = reference_points::os_ma_nfvo::CreateNsRequest {
            nsd_id: nsd.clone(),
            ns_name: format!("ns {i}"),
            ns_description: String::new(),
        };
        made.push(lab.ns.create(&request).await.unwrap().id.to_string());
    }
    let (_, link, first) = get(&lab, "/nslcm/v2/ns_instances").await;
    let next = link.expect("a link to the next page");
    let next = next.split('<').nth(1).unwrap().split('>').next().unwrap().to_owned();
    let rest: Value = lab.http.get(next).send().await.unwrap().json().await.unwrap();
    let mut seen = ids(&first);
    seen.extend(ids(&rest));
    assert_eq!(seen, made);
    let (_, _, one) = get(&lab, "/nslcm/v2/ns_instances?filter=(eq,nsInstanceName,ns%2077)").await;
    assert_eq!(ids(&one), [made[77].clone()]);
    lab.end().await;
}
