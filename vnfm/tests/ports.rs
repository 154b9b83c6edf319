//! What a descriptor says of the ports of VNFCs becomes ports, or is refused with every reason. (SOL001 clauses 6.8 and 6.10)
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{asking, given, request, vnfd};
use descriptors::network::{CpAddress, IpVersion, SecurityGroupRule};
use descriptors::vnfd::{VduCp, VduSubCp, VipCp, Vnfd};
use reference_points::or_vi::{TrunkPart, VnicType};
use reference_points::or_vnfm::LcmOperationType;
use uuid::Uuid;
use vnfm::ops::blueprint::PortPart;
use vnfm::ops::expand::expand;
use vnfm::ops::grants::{self, Change};
use vnfm::ops::ids::RandomIds;
use vnfm::ops::instantiate;

/// The descriptor of the tests with a trunk on its outer interface.
fn trunked() -> Vnfd {
    let mut vnfd = vnfd();
    let flavour = &mut vnfd.flavours[0];
    flavour.vdu_cps.iter_mut().find(|cp| cp.name == "outside").unwrap().trunk_mode = true;
    let inner = flavour.vdu_cps.iter().find(|cp| cp.name == "inside").unwrap().clone();
    flavour.sub_cps.push(VduSubCp {
        cp: VduCp { name: "tagged".to_owned(), ..inner },
        parent: "outside".to_owned(),
        segmentation_type: Some("vlan".to_owned()),
        segmentation_id: Some(100),
    });
    vnfd
}

fn rule(target: &str) -> SecurityGroupRule {
    SecurityGroupRule {
        name: "rule".to_owned(),
        direction: "ingress".to_owned(),
        ether_type: IpVersion::Ipv4,
        protocol: "tcp".to_owned(),
        port_range_min: 80,
        port_range_max: 80,
        description: None,
        targets: vec![target.to_owned()],
    }
}

fn ports(vnfd: &Vnfd) -> Vec<PortPart> {
    let request = request();
    let (blueprint, _) = expand(&given(vnfd, &request, Uuid::nil()), &mut RandomIds).unwrap();
    blueprint.vnfcs[0].ports.clone()
}

fn faults(vnfd: &Vnfd) -> Vec<String> {
    let request = request();
    let faults = expand(&given(vnfd, &request, Uuid::nil()), &mut RandomIds).expect_err("refused");
    faults.into_iter().map(|fault| fault.message).collect()
}

#[test]
fn a_trunks_port_is_a_port_of_the_vim_and_no_interface_of_the_machine() {
    let vnfd = trunked();
    let request = request();
    let (blueprint, _) = expand(&given(&vnfd, &request, Uuid::nil()), &mut RandomIds).unwrap();
    let vnfc = &blueprint.vnfcs[0];
    let port = |cpd: &str| vnfc.ports.iter().find(|port| port.cpd == cpd).unwrap();
    assert_eq!(port("outside").trunk, Some(TrunkPart::Parent));
    let parent_id = port("outside").id;
    assert_eq!(port("tagged").trunk, Some(TrunkPart::SubPort { parent_id, segmentation_id: Some(100) }));
    let nics: Vec<Uuid> = vnfc.nics().collect();
    assert_eq!(nics, [parent_id, port("inside").id]);

    // Its place in the trunk is made when the trunk is there, and before the machine.
    let change = Change { add: Some(&blueprint), ..Change::default() };
    let grant = grants::request(&asking(Uuid::nil(), Uuid::nil()), LcmOperationType::Instantiate, &change);
    let plan = instantiate::plan(&blueprint, &grant).unwrap();
    let step = |title: &str| plan.steps().iter().find(|s| s.key.as_str().ends_with(title)).unwrap().clone();
    let (tagged, machine) = (step("1-tagged"), step("pair-node-1"));
    assert!(tagged.after.iter().any(|key| key.ends_with("1-outside")), "{tagged:?}");
    assert!(machine.after.contains(&tagged.key), "{machine:?}");
}

#[test]
fn rules_and_shared_addresses_come_to_the_ports_that_they_name() {
    let mut vnfd = vnfd();
    let flavour = &mut vnfd.flavours[0];
    flavour.security_group_rules.push(rule("outside"));
    let fixed = CpAddress { fixed: vec!["10.20.0.99".parse().unwrap()], ..address() };
    flavour.vip_cps.push(VipCp {
        name: "vip".to_owned(),
        targets: vec!["inside".to_owned()],
        addresses: vec![fixed],
        ..VipCp::default()
    });
    let ports = ports(&vnfd);
    let port = |cpd: &str| ports.iter().find(|port| port.cpd == cpd).unwrap();
    assert_eq!((port("outside").rules.len(), port("inside").rules.len()), (1, 0));
    assert!(port("outside").allowed_addresses.is_empty());
    assert_eq!(port("inside").allowed_addresses, ["10.20.0.99/32".parse().unwrap()]);
    assert!(ports.iter().all(|port| port.vnic_type == VnicType::Normal));
}

#[test]
fn a_floating_address_makes_its_internal_link_routed() {
    let mut vnfd = vnfd();
    let of = |vnfd: &Vnfd| {
        let request = request();
        expand(&given(vnfd, &request, Uuid::nil()), &mut RandomIds).unwrap().0
    };
    assert!(of(&vnfd).links.iter().flat_map(|link| &link.subnets).all(|subnet| !subnet.spec.routed));
    let floating = vec![CpAddress { floating_ip: true, ..address() }];
    vnfd.flavours[0].vdu_cps.iter_mut().find(|cp| cp.name == "inside").unwrap().addresses = floating;
    let blueprint = of(&vnfd);
    let subnet = &blueprint.links[0].subnets[0].spec;
    assert_eq!((subnet.routed, subnet.gateway), (true, Some("10.20.0.1".parse().unwrap())));
    let ports = &blueprint.vnfcs[0].ports;
    let floating: Vec<&str> = ports.iter().filter(|port| port.floating).map(|port| port.cpd.as_str()).collect();
    assert_eq!(floating, ["inside"]);
}

#[test]
fn what_cannot_be_had_is_refused_with_every_reason() {
    let mut vnfd = trunked();
    let flavour = &mut vnfd.flavours[0];
    flavour.sub_cps[0].segmentation_id = Some(4095);
    flavour.security_group_rules.push(SecurityGroupRule { protocol: "smoke".to_owned(), ..rule("outside") });
    flavour.security_group_rules.push(rule("nowhere"));
    let floating = CpAddress { floating_ip: true, ..address() };
    flavour.vip_cps.push(VipCp { name: "vip".to_owned(), addresses: vec![floating.clone()], ..VipCp::default() });
    // Its link is of no subnet that could be routed.
    flavour.vdu_cps.iter_mut().find(|cp| cp.name == "inside").unwrap().addresses = vec![floating];
    flavour.virtual_links[0].profile.protocol_data.clear();
    let outside = flavour.vdu_cps.iter_mut().find(|cp| cp.name == "outside").unwrap();
    outside.vnic_type = "quantum".to_owned();
    let told = faults(&vnfd).join("; ");
    for expected in
        ["4095", "smoke", "nowhere", "quantum", "share a floating one", "no IPv4 subnet", "shares is not told"]
    {
        assert!(told.contains(expected), "{expected} is not in {told}");
    }
}

fn address() -> CpAddress {
    CpAddress {
        layer_protocol: "ipv4".to_owned(),
        mac_assigned: None,
        ip_assigned: None,
        floating_ip: false,
        ip_version: None,
        count: None,
        subtype: None,
        fixed: Vec::new(),
    }
}
