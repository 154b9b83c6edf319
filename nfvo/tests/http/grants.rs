//! Grants: at once or later, the same twice, refused with reasons.

use std::time::Duration;

use reference_points::or_vnfm::{
    GrantAnswer, GrantClient, GrantRequest, GrantRequestLinks, LcmOperationType, Link, ResourceDefinition, ResourceType,
};
use serde_json::Map;
use uuid::Uuid;

use crate::lab::{EDGE, Lab};

fn request(op: u128, computes: usize) -> GrantRequest {
    let definition = |id: String, kind, template: Option<&str>| ResourceDefinition {
        id,
        r#type: kind,
        vdu_id: (kind == ResourceType::Compute).then(|| "edge".to_owned()),
        vnfd_id: None,
        resource_template_id: template.map(str::to_owned),
        resource: None,
        snapshot_res_def: None,
    };
    let mut add_resources: Vec<ResourceDefinition> =
        (0..computes).map(|i| definition(format!("compute-{i}"), ResourceType::Compute, Some("edge"))).collect();
    add_resources.push(definition("port".into(), ResourceType::Linkport, Some("internal")));
    GrantRequest {
        vnf_instance_id: Uuid::from_u128(7),
        vnf_lcm_op_occ_id: Uuid::from_u128(op),
        vnfd_id: EDGE.into(),
        dst_vnfd_id: None,
        flavour_id: Some("simple".into()),
        operation: LcmOperationType::Instantiate,
        is_automatic_invocation: false,
        instantiation_level_id: None,
        add_resources,
        temp_resources: Vec::new(),
        remove_resources: Vec::new(),
        update_resources: Vec::new(),
        placement_constraints: Vec::new(),
        vim_constraints: Vec::new(),
        additional_params: Map::new(),
        links: GrantRequestLinks {
            vnf_lcm_op_occ: Link::new("/vnflcm/v2/vnf_lcm_op_occs/1"),
            vnf_instance: Link::new("/vnflcm/v2/vnf_instances/7"),
        },
    }
}

#[tokio::test]
async fn images_are_brought_to_the_vim_before_the_grant_is_given_and_then_it_is_at_once() {
    let lab = Lab::start().await;
    lab.onboard("edge").await;
    let vim = lab.register_vim("one").await;
    let client = GrantClient::new(&lab.base());
    let GrantAnswer::Later(location) = client.request(&request(1, 2)).await.unwrap() else { panic!("at once") };
    let waiting = async {
        loop {
            if let Some(grant) = client.get(&location).await.unwrap() {
                return grant;
            }
            tokio::task::yield_now().await;
        }
    };
    let grant = tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap();
    assert_eq!(grant.vim_connection_info[&vim.to_string()].vim_type, "MANO.SIM.V_1");
    assert_eq!(grant.vim_connection_info[&vim.to_string()].interface_info["endpoint"], lab.peers.url());
    assert_eq!(grant.add_resources.len(), 3);
    assert_eq!(grant.add_resources[0].zone_id.as_deref(), Some("z1"));
    assert_eq!(grant.add_resources[2].zone_id, None, "a port is where its compute is");
    assert_eq!(grant.zones[0].zone_id, "z1");
    let image = &grant.vim_assets.as_ref().unwrap().software_images[0];
    let held = lab.peers.state.lock().unwrap().contents.clone();
    let content = held.get(&format!("software_images/{}", image.vim_software_image_id)).copied();
    assert_eq!(content, Some(b"the image of both samples".len()));

    // Asked again, the same; another operation gets its own, at once now.
    let GrantAnswer::Granted(same) = client.request(&request(1, 2)).await.unwrap() else { panic!("not at once") };
    assert_eq!(*same, grant);
    let GrantAnswer::Granted(other) = client.request(&request(2, 1)).await.unwrap() else { panic!("not at once") };
    assert_ne!(other.id, grant.id);
    let mut foreign = request(1, 2);
    foreign.vnf_instance_id = Uuid::from_u128(8);
    assert_eq!(client.request(&foreign).await.unwrap_err().status(), Some(409));
    assert_eq!(
        client.get("/grant/v1/grants/00000000-0000-0000-0000-000000000001").await.unwrap_err().status(),
        Some(404)
    );
    lab.end().await;
}

#[tokio::test]
async fn many_requests_at_once_for_one_operation_get_one_grant() {
    let lab = Lab::start().await;
    lab.onboard("edge").await;
    lab.register_vim("one").await;
    let client = GrantClient::new(&lab.base());
    let mut only = request(1, 0);
    only.add_resources.clear();
    only.operation = LcmOperationType::Terminate;
    let answers = futures::future::join_all((0..8).map(|_| client.request(&only))).await;
    let ids: std::collections::BTreeSet<Uuid> = answers
        .into_iter()
        .map(|a| match a.unwrap() {
            GrantAnswer::Granted(grant) => grant.id,
            GrantAnswer::Later(location) => panic!("later: {location}"),
        })
        .collect();
    assert_eq!(ids.len(), 1);
    lab.end().await;
}

#[tokio::test]
async fn a_refusal_names_what_is_asked_and_what_is_free_and_is_not_for_ever() {
    let lab = Lab::start().await;
    let client = GrantClient::new(&lab.base());
    lab.register_vim("one").await;
    let unknown = client.request(&request(1, 1)).await.unwrap_err().to_problem();
    assert_eq!(unknown.status, 403);
    assert!(unknown.faults[0].message.contains("no package with VNFD"), "{unknown:?}");
    lab.onboard("edge").await;
    lab.peers.state.lock().unwrap().free_mib = 100;
    let refused = client.request(&request(1, 2)).await.unwrap_err().to_problem();
    assert_eq!(refused.status, 403);
    assert!(refused.detail.contains("2 vCPU, 384 MiB memory"), "{}", refused.detail);
    assert!(refused.faults[0].message.contains("zone z1: 8 vCPU, 100 MiB memory"), "{:?}", refused.faults);
    lab.peers.state.lock().unwrap().free_mib = 4096;
    assert!(client.request(&request(1, 2)).await.is_ok(), "what was refused once is possible now");
    let mut odd = request(2, 1);
    odd.add_resources[0].vdu_id = Some("tape".into());
    assert_eq!(client.request(&odd).await.unwrap_err().status(), Some(422));
    lab.end().await;
}
