//! Forwarding graphs in the NSD of `data/whole_nsd.yaml`.

use descriptors::nsd::PathPoint;

use crate::read::{edited_nsd, nsd, told};

#[test]
fn forwarding_graph() {
    let nsd = nsd();
    let graph = &nsd.flavours[0].forwarding_graphs[0];
    assert_eq!((graph.name.as_str(), graph.description.as_str()), ("graph", "All web traffic"));
    assert_eq!(graph.nfps, ["web_path"]);
    assert_eq!(graph.constituents, ["firewall", "cache", "outside", "inside"]);
}

#[test]
fn positions_of_a_path() {
    let nsd = nsd();
    let flavour = &nsd.flavours[0];
    assert_eq!(flavour.nfps[0].positions, ["first", "second"]);
    let second = flavour.nfp_positions.iter().find(|p| p.name == "second").unwrap();
    assert_eq!((second.behaviour.as_deref(), second.parameters["algorithm"].as_str()), (Some("lb"), "hash"));
    assert_eq!(second.elements, ["filter", "store"]);
    let points: Vec<_> = flavour.nfp_elements.iter().flat_map(|e| &e.points).map(|p| flavour.path_points(p)).collect();
    let cp = |part: &str, cp: &str| PathPoint::Cp { part: part.into(), cp: cp.into() };
    assert_eq!(
        points,
        [vec![PathPoint::Sap("access".into())], vec![cp("firewall", "left")], vec![cp("cache", "data")]]
    );
    assert_eq!(flavour.forwarding_points[0].virtual_link.as_deref(), Some("outside"));
}

#[test]
fn rules_of_a_path() {
    let nsd = nsd();
    let rule = nsd.flavours[0].rules_of("web_path").next().unwrap();
    assert_eq!(
        (rule.ether_destination.as_deref(), rule.ether_source.as_deref()),
        (Some("02-00-00-00-00-01"), Some("02-00-00-00-00-02"))
    );
    assert_eq!(
        (rule.ether_type.as_deref(), rule.protocol.as_deref(), rule.dscp.as_deref()),
        (Some("ipv4"), Some("tcp"), Some("101110"))
    );
    assert_eq!(
        (rule.vlan_tags.as_slice(), rule.source_ports, rule.destination_ports),
        (&["101".to_owned()][..], Some((1024, 65535)), Some((80, 443)))
    );
    assert_eq!(
        (rule.source_prefix.as_deref(), rule.destination_prefix.as_deref()),
        (Some("198.51.100.0/24"), Some("203.0.113.0/24"))
    );
    let mask = &rule.masks[0];
    assert_eq!((mask.starting_point, mask.length, mask.value.as_str()), (3, 5, "10101"));
    assert_eq!(nsd.flavours[0].rules_of("other").count(), 0);
    let found = edited_nsd("destination_port_range: [ 80, 443 ]", "destination_port_range: [ 443, 80 ]").unwrap_err();
    assert!(told(&found).contains("must be a list of two bounds, the lower one first"), "{found}");
}

#[test]
fn a_path_that_leads_nowhere_is_told() {
    let nsd = edited_nsd("requirements: [ data: cache_data ]", "requirements: [ data: inside ]")
        .unwrap_or_else(|e| panic!("{e}"));
    assert!(
        told(&nsd.warnings).contains("the path element `store` leads to `cache_data`, which is at no connection point"),
        "{}",
        nsd.warnings
    );
    let nsd = edited_nsd("members: [ web_path, firewall", "members: [ firewall").unwrap_or_else(|e| panic!("{e}"));
    assert!(told(&nsd.warnings).contains("`web_path` is in no forwarding graph"), "{}", nsd.warnings);
}
