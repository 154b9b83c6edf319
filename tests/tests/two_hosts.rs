//! Two hosts with one OVN between them: the sample network service with each VNF on a host of its own, and a VNF whose
//! VNFCs keep apart.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use mano_tests::lab::{Lab, Wishes};
use mano_tests::{conformance, samples, traffic};
use reference_points::or_vi::ViClient;
use reference_points::or_vnfm::{LcmOperationStateType, ScaleVnfRequest};
use serde_json::json;

/// The agents' configuration that leaves room for one of the two VNFs: the memory of a host but for 256 MiB is kept.
fn room_for_one() -> String {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap();
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap();
    let kib: u64 = total.trim().trim_end_matches(" kB").parse().unwrap();
    format!("capacity:\n  keep_memory_bytes: {}\n", kib * 1024 - (256 << 20))
}

#[tokio::test]
async fn real_two_hosts_carry_one_network_service_between_them() {
    let Some(image) = samples::guest_image() else { return };
    let wishes = Wishes { more_hosts: 1, agent: room_for_one(), ..Wishes::default() };
    let Some(lab) = Lab::real("mano-t-two", &wishes).await else { return };
    let ns = lab.demo(&image).await;
    lab.completed(lab.instantiate(ns).await).await;
    let topology = lab.mano.topology(ns).await.unwrap();
    let vnfcs = topology.vnfs.iter().flat_map(|v| &v.vnfcs);
    let hosts: BTreeSet<String> = vnfcs.filter_map(|v| v.host.clone()).collect();
    assert_eq!(hosts, ["host1", "host2"].map(str::to_owned).into(), "{topology:#?}");
    for host in &lab.hosts {
        assert_eq!(host.machines().len(), 1, "machines on {}", host.name);
    }
    let url = traffic::url(&topology);
    assert!(traffic::answer(&lab, &url).await.contains("hello from demo-web"));

    lab.completed(lab.terminate(ns).await).await;
    lab.nothing_leaks().await;
    for host in &lab.hosts {
        assert_eq!(host.virsh(&["list", "--all", "--name"]).trim(), "", "machines are left on {}", host.name);
        assert!(!host.ovs_vsctl(&["list-ports", "br-int"]).contains("tap"), "ports are left on {}", host.name);
    }
    assert_eq!(lab.nfvi().ovn_nbctl(&["show"]).trim(), "");
    conformance::check(&lab);
}

/// `web` whose servers shall not share a host.
const APART: &str = "
    - apart:
        type: tosca.policies.nfv.AntiAffinityRule
        properties: { scope: nfvi_node }
        targets: [ web ]
";

const WEB: &str = "6f1a9a3e-52d5-4d0b-9c2e-0d1f6b8a1001";
const APART_ID: &str = "6f1a9a3e-52d5-4d0b-9c2e-0d1f6b8a1005";

/// Where the machines are whose names begin so.
async fn hosts_of(lab: &Lab, prefix: &str) -> Vec<String> {
    let computes = ViClient::new(&lab.services["vim-adapter"].url).computes(lab.vim).await.unwrap();
    let of = computes.into_iter().filter(|c| c.spec.name.starts_with(prefix));
    let mut hosts: Vec<String> = of.map(|c| c.host.unwrap()).collect();
    hosts.sort();
    hosts
}

#[tokio::test]
async fn real_servers_that_keep_apart_run_on_two_hosts_and_a_third_is_refused() {
    let Some(image) = samples::guest_image() else { return };
    let wishes = Wishes { more_hosts: 1, ..Wishes::default() };
    let Some(lab) = Lab::real("mano-t-apart", &wishes).await else { return };
    let ns = lab.demo(&image).await;
    lab.completed(lab.instantiate(ns).await).await;
    let sources = samples::sources("web", &lab.path().join("apart"));
    let edited = |file: &str, edit: &dyn Fn(String) -> String| {
        let path = sources.join("Definitions").join(file);
        std::fs::write(&path, edit(std::fs::read_to_string(&path).unwrap())).unwrap();
    };
    edited("web.yaml", &|text| text + APART);
    edited("web_types.yaml", &|text| text.replace(WEB, APART_ID));
    lab.onboard_package(&samples::pack_sources(&sources, Some(&image), &lab.path().join("apart.csar"))).await;
    let vnf = lab.run_vnf(APART_ID, "apart", &lab.web_beside(ns).await).await;
    let out: ScaleVnfRequest =
        serde_json::from_value(json!({ "type": "SCALE_OUT", "aspectId": "servers" })).expect("a request");
    lab.vnf_completed(lab.vnfs.scale(vnf, &out).await.unwrap()).await;
    assert_eq!(hosts_of(&lab, "apart-").await, ["host1", "host2"]);

    let third = lab.vnf_rest(lab.vnfs.scale(vnf, &out).await.unwrap()).await;
    let told = serde_json::to_string(&third.error).unwrap();
    assert_eq!(third.operation_state, LcmOperationStateType::FailedTemp, "{told}");
    for part in ["apart-web-3", "host1", "host2", "anti-affinity group apart has a member on"] {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
    lab.vnfs.rollback(third.id).await.unwrap();
    let rests = lab.vnf_rest(third.id).await;
    assert_eq!(rests.operation_state, LcmOperationStateType::RolledBack, "{rests:#?}");
    assert_eq!(hosts_of(&lab, "apart-").await, ["host1", "host2"]);
    lab.nothing_leaks().await;

    // Healed, a server comes back where it does not meet the other one.
    lab.mano(&["vnf", "heal", "apart", "--vnfc", "apart-web-2"]);
    assert_eq!(hosts_of(&lab, "apart-").await, ["host1", "host2"]);
    lab.end_vnf(vnf).await;
    lab.completed(lab.terminate(ns).await).await;
    lab.nothing_leaks().await;
    conformance::check(&lab);
}
