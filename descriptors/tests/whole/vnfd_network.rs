//! Connection points and virtual links in the VNFD of `data/whole_vnfd.yaml`.

use descriptors::network::{Bitrate, IpVersion};
use descriptors::vnfd::ExtCpKind;

use crate::read::{edited_vnfd, flavour, told};

#[test]
fn vdu_cp() {
    let flavour = flavour();
    let cp = flavour.vdu_cps.iter().find(|c| c.name == "control_backplane").unwrap();
    assert_eq!((cp.vdu.as_str(), cp.virtual_link.as_deref(), cp.order), ("control", Some("backplane"), Some(1)));
    assert_eq!((cp.vnic_type.as_str(), cp.bitrate_bps), ("direct", Some(1_000_000)));
    assert_eq!(cp.ip_stack_mode.as_deref(), Some("ipv4_or_ipv6"));
    let nic = &cp.interface_requirements[0];
    assert_eq!((nic.name.as_deref(), nic.requirements["SR-IOV"].as_str()), (Some("fast"), "true"));
    assert_eq!(nic.nic_io["numa_node"], "0");
    let data = flavour.vdu_cps.iter().find(|c| c.name == "worker_data").unwrap();
    assert_eq!((data.role.as_deref(), data.external.as_slice()), (Some("leaf"), &["inside".to_owned()][..]));
    assert_eq!(flavour.ext_cp("inside").unwrap().kind, ExtCpKind::VduCp);
}

#[test]
fn addresses_of_a_cp() {
    let flavour = flavour();
    let cp = flavour.vdu_cps.iter().find(|c| c.name == "control_backplane").unwrap();
    let [mac, ip] = cp.addresses.as_slice() else { panic!("{:?}", cp.addresses) };
    assert_eq!((mac.mac_assigned, mac.ip_version), (Some(true), None));
    assert_eq!((ip.ip_assigned, ip.ip_version, ip.count), (Some(true), Some(IpVersion::Ipv4), Some(1)));
    assert!(!ip.floating_ip);
}

#[test]
fn vnf_ext_cp() {
    let flavour = flavour();
    let cp = flavour.ext_cp("outside").unwrap();
    assert_eq!(cp.kind, ExtCpKind::VnfExtCp { internal_virtual_link: Some("backplane".into()) });
    assert_eq!(
        (cp.vdu_cps.as_slice(), cp.description.as_deref()),
        (&["control_backplane".to_owned()][..], Some("To the world"))
    );
    assert_eq!(cp.interface_requirements[0].requirements["offload"], "true");
}

#[test]
fn a_vnf_ext_cp_that_nothing_leads_to_is_told_and_kept() {
    let vnfd =
        edited_vnfd("      - outside: [ outside, external_virtual_link ]\n", "").unwrap_or_else(|e| panic!("{e}"));
    assert!(
        told(&vnfd.warnings).contains("no requirement of the VNF leads to the external connection point `outside`")
    );
    assert!(vnfd.flavours[0].other_nodes.iter().any(|n| n.name == "outside"));
}

#[test]
fn vip_cp() {
    let flavour = flavour();
    let vip = &flavour.vip_cps[0];
    assert_eq!((vip.name.as_str(), vip.targets.as_slice()), ("shared", &["control_backplane".to_owned()][..]));
    assert_eq!((vip.virtual_link.as_deref(), vip.function.as_deref()), (Some("backplane"), Some("high_availability")));
    assert!(vip.dedicated_ip_address);
    assert_eq!(vip.description.as_deref(), Some("Moves"));
}

#[test]
fn trunk_with_its_sub_port() {
    let flavour = flavour();
    assert!(flavour.vdu_cps.iter().find(|c| c.name == "worker_data").unwrap().trunk_mode);
    let sub = &flavour.sub_cps[0];
    assert_eq!((sub.cp.name.as_str(), sub.parent.as_str()), ("worker_green", "worker_data"));
    assert_eq!((sub.cp.vdu.as_str(), sub.cp.virtual_link.as_deref()), ("worker", Some("backplane")));
    assert_eq!((sub.segmentation_type.as_deref(), sub.segmentation_id), (Some("vlan"), Some(42)));
    assert_eq!(flavour.cps_of("worker").count(), 1, "a port of a trunk is no NIC");
    let found = edited_vnfd("order: 0, trunk_mode: true", "order: 0").unwrap_err();
    assert!(told(&found).contains("`worker_data` is to carry `worker_green`, but is not in trunk mode"), "{found}");
    let found = edited_vnfd("trunk_binding: worker_data, ", "").unwrap_err();
    assert!(told(&found).contains("`worker_green` is in no trunk"), "{found}");
}

#[test]
fn virtual_link_with_qos() {
    let flavour = flavour();
    let link = flavour.virtual_link("backplane").unwrap();
    assert_eq!(
        (link.description.as_deref(), link.connectivity.flow_pattern.as_deref()),
        (Some("Behind everything"), Some("mesh"))
    );
    assert_eq!(link.connectivity.layer_protocols, ["ipv4", "ipv6"]);
    assert_eq!(link.profile.max_bitrate, Some(Bitrate { root_bps: 1000, leaf_bps: Some(10) }));
    assert_eq!(link.profile.min_bitrate, Some(Bitrate { root_bps: 1, leaf_bps: None }));
    let qos = link.profile.qos.as_ref().unwrap();
    assert_eq!((qos.latency_s, qos.packet_delay_variation_s), (Some(0.005), Some(0.001)));
    assert_eq!(qos.packet_loss_ratio, Some(0.01));
    assert_eq!(
        (link.test_access.as_slice(), link.externally_managed.as_deref()),
        (&["passive_monitoring".to_owned()][..], Some("allowed"))
    );
    assert_eq!(link.maintenance.as_ref().unwrap().notification_lead_time_s, 10.0);
}

#[test]
fn protocol_data_of_a_link() {
    let flavour = flavour();
    let profile = &flavour.virtual_link("backplane").unwrap().profile;
    let l2 = profile.l2().unwrap();
    assert_eq!((l2.network_type.as_deref(), l2.mtu, l2.vlan_transparent), (Some("vxlan"), Some(1400), true));
    assert_eq!((l2.name.as_deref(), l2.segmentation_id.as_deref()), (Some("bp"), Some("77")));
    let subnets: Vec<_> = profile.l3().collect();
    assert_eq!(subnets[0].cidr.to_string(), "10.1.0.0/24");
    assert_eq!(subnets[0].gateway_ip.unwrap().to_string(), "10.1.0.1");
    assert_eq!((subnets[0].pools.len(), subnets[0].dhcp_enabled), (1, Some(false)));
    assert_eq!((subnets[1].ip_version, subnets[1].ipv6_address_mode.as_deref()), (IpVersion::Ipv6, Some("slaac")));
}

#[test]
fn a_requirement_that_leads_to_the_wrong_kind_is_told() {
    let from = "requirements: [ trunk_binding: worker_data, virtual_link: backplane ]";
    let vnfd = edited_vnfd(from, "requirements: [ trunk_binding: worker_data, virtual_link: root ]");
    let found = vnfd.map_or_else(|e| e, |v| v.warnings);
    let words = "`virtual_link` of `worker_green` asks for a `tosca.capabilities.nfv.VirtualLinkable`, which `root` does not offer";
    assert!(told(&found).contains(words), "{found}");
}
