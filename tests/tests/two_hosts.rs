//! The sample network service over two hosts with one OVN between them: each VNF on a host of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use mano_tests::lab::{Lab, Wishes};
use mano_tests::{conformance, samples, traffic};

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
