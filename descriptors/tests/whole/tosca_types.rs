//! Derivation in every family of types: what a type derived from a known one gives works like the known one.

use descriptors::diag::Diagnostics;
use descriptors::network::PlacementKind;
use descriptors::vnfd::{Vnfd, read_vnfd};

use crate::read::{SMALL_NODE, edited_nsd, edited_vnfd, flavour, package, small_text, small_vnfd, told};

const VDU: &str = "    a:\n      type: TYPE\n      properties: { name: a, description: b, vdu_profile: { min_number_of_instances: 1, \
    max_number_of_instances: 1 } }\n      capabilities: { virtual_compute: { properties: { virtual_memory: { virtual_mem_size: 1 GiB }, \
    virtual_cpu: { num_virtual_cpu: 1 } } } }\n";

fn vdu_of(type_name: &str, types: &str, more: &str) -> Result<Vnfd, Diagnostics> {
    let vdu = VDU.replace("TYPE", type_name);
    small_vnfd(&format!("  node_templates:\n{SMALL_NODE}{vdu}{more}"), types)
}

#[test]
fn node_types_over_several_steps() {
    let types = "node_types:\n  a.One: { derived_from: tosca.nodes.nfv.Vdu.Compute, properties: { size: { type: integer, default: 3 } } }\n  \
        a.Two: { derived_from: a.One, properties: { size: { type: integer, constraints: [ { less_than: 9 } ] } } }\n";
    let vnfd = vdu_of("a.Two", types, "").unwrap_or_else(|e| panic!("{e}"));
    assert!(vnfd.warnings.is_empty(), "{}", vnfd.warnings);
    assert_eq!(vnfd.flavours[0].vdus[0].cpu.count, 1);
    let found = small_vnfd(
        &format!(
            "  node_templates:\n{SMALL_NODE}{}",
            VDU.replace("TYPE", "a.Two").replace("{ name: a,", "{ size: 10, name: a,")
        ),
        types,
    );
    assert!(told(&found.unwrap_err()).contains("`size` of node template `a` must be less than 9"));
}

#[test]
fn data_types_of_their_own_and_of_primitives() {
    let types = "data_types:\n  a.Port: { derived_from: integer, constraints: [ { in_range: [ 1, 65535 ] } ] }\n  \
        a.Base: { properties: { port: { type: a.Port } } }\n  a.More: { derived_from: a.Base, properties: { host: { type: string } } }\n\
        node_types:\n  a.Vdu: { derived_from: tosca.nodes.nfv.Vdu.Compute, properties: { peer: { type: a.More } } }\n";
    let read = |peer: &str| {
        let vdu = VDU.replace("TYPE", "a.Vdu").replace("{ name: a,", &format!("{{ peer: {peer}, name: a,"));
        small_vnfd(&format!("  node_templates:\n{SMALL_NODE}{vdu}"), types)
    };
    let vnfd = read("{ port: 80, host: h }").unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(vnfd.flavours[0].vdus[0].extra["peer"]["port"], 80);
    for (peer, words) in [
        ("{ port: 0, host: h }", "`peer.port` of node template `a` must be from 1 to 65535"),
        ("{ port: many, host: h }", "`peer.port` of node template `a` must be a whole number"),
        ("{ port: 80 }", "the required property `peer.host`"),
        ("{ host: h }", "the required property `peer.port`"),
        ("80", "must be a map of type `a.More`"),
    ] {
        let found = read(peer).expect_err(peer);
        assert!(told(&found).contains(words), "{peer}: {found}");
    }
}

#[test]
fn capability_types() {
    // `acme.Vdu` refines `virtual_binding`; the connection point still finds what it asks for.
    assert!(flavour().vdu_cps.iter().any(|c| c.vdu == "worker"));
    let types = "capability_types:\n  a.Compute:\n    derived_from: tosca.capabilities.nfv.VirtualCompute\n    \
        properties: { cooled: { type: boolean } }\nnode_types:\n  a.Vdu: { derived_from: tosca.nodes.nfv.Vdu.Compute, capabilities: { virtual_compute: { type: a.Compute } } }\n";
    let found = vdu_of("a.Vdu", types, "").unwrap_err();
    assert!(told(&found).contains("the required property `cooled`"), "{found}");
}

#[test]
fn relationship_types() {
    assert!(flavour().vdu_cps.iter().any(|c| c.name == "control_backplane" && c.vdu == "control"));
    let found = edited_vnfd("relationship: { type: acme.BindsTo }", "relationship: acme.BindsTi").unwrap_err();
    assert!(
        told(&found).contains("the relationship type `acme.BindsTi` is not defined")
            && told(&found).contains("`acme.BindsTo`"),
        "{found}"
    );
    for known in ["acme.BindsTo", "tosca.relationships.nfv.VirtualBindsTo"] {
        assert!(
            edited_vnfd("relationship: { type: acme.BindsTo }", &format!("relationship: {known}")).is_ok(),
            "{known}"
        );
    }
}

#[test]
fn policy_types() {
    let flavour = flavour();
    assert_eq!((flavour.placement[0].name.as_str(), flavour.placement[0].kind), ("apart", PlacementKind::AntiAffinity));
    assert_eq!(flavour.policy_extras["apart"]["properties"]["strictness"], "soft");
    let found = edited_vnfd("type: acme.Apart", "type: acme.Aparts").unwrap_err();
    assert!(told(&found).contains("the policy type `acme.Aparts` is not defined"), "{found}");
}

#[test]
fn group_types() {
    assert_eq!(flavour().placement[0].targets, ["control", "worker"]);
    let found = edited_vnfd("type: acme.Together", "type: acme.Togethr").unwrap_err();
    assert!(told(&found).contains("did you mean `acme.Together`?"), "{found}");
    let found = edited_vnfd("description: All machines, colour: red", "description: All machines, colour: [ red ]")
        .unwrap_err();
    assert!(told(&found).contains("`colour` of group `machines` must be a single value"), "{found}");
    let vnfd = edited_vnfd("description: All machines, ", "").unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(vnfd.flavours[0].groups.len(), 1);
}

#[test]
fn interface_types() {
    let change = flavour().interfaces.into_iter().find(|i| i.name == "Change").unwrap();
    assert_eq!(change.interface_type.as_deref(), Some("acme.Change"));
    assert_eq!(change.standard_type.as_deref(), Some("tosca.interfaces.nfv.ChangeCurrentVnfPackage"));
    let vnfd = edited_vnfd("            upgrade_from_1: { impl", "            upgrade_from_2: { impl")
        .unwrap_or_else(|e| panic!("{e}"));
    assert!(
        told(&vnfd.warnings).contains("the interface `Change` of `VNF` has no operation `upgrade_from_2`"),
        "{}",
        vnfd.warnings
    );
}

#[test]
fn operations_without_the_keyword_of_profile_1_3() {
    let from = "          operations:\n            upgrade_from_1: { implementation: flow }";
    let old = edited_vnfd(from, "          upgrade_from_1: flow").unwrap_or_else(|e| panic!("{e}"));
    let change = old.flavours[0].interfaces.iter().find(|i| i.name == "Change").unwrap();
    assert_eq!(
        (change.operations[0].name.as_str(), change.operations[0].file.as_deref()),
        ("upgrade_from_1", Some("Scripts/flow.yaml"))
    );
}

#[test]
fn artifact_types() {
    let types = "artifact_types:\n  a.Image: { derived_from: tosca.artifacts.nfv.SwImage }\n";
    let image = "      artifacts: { i: { type: a.Image, file: v.yaml, properties: { name: n, version: '1', container_format: bare, disk_format: raw, size: 1 B, \
        checksum: { algorithm: sha-256, hash: 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881 } } } }\n";
    let vnfd = vdu_of("tosca.nodes.nfv.Vdu.Compute", types, image).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(
        vnfd.flavours[0].vdus[0].sw_image.as_deref(),
        Some("a"),
        "it is an image although its type is not the standard's"
    );
    let found = vdu_of("tosca.nodes.nfv.Vdu.Compute", "", image).unwrap_err();
    assert!(told(&found).contains("the artifact type `a.Image` is not defined"), "{found}");
}

#[test]
fn an_undefined_data_type_is_told_where_it_is_named() {
    let types = "node_types:\n  a.Vdu: { derived_from: tosca.nodes.nfv.Vdu.Compute, properties: { x: { type: list, entry_schema: a.Gone, required: false } } }\n";
    let vnfd = vdu_of("a.Vdu", types, "").unwrap_or_else(|e| panic!("{e}"));
    assert!(
        told(&vnfd.warnings).contains("the data type `a.Gone` of `x` of the node type `a.Vdu` is not defined"),
        "{}",
        vnfd.warnings
    );
}

#[test]
fn a_requirement_given_too_often_is_told() {
    let from = "requirements: [ trunk_binding: worker_data, virtual_link: backplane ]";
    let vnfd = edited_vnfd(
        from,
        "requirements: [ trunk_binding: worker_data, virtual_link: backplane, virtual_link: backplane ]",
    );
    let vnfd = vnfd.unwrap_or_else(|e| panic!("{e}"));
    assert!(
        told(&vnfd.warnings).contains("`virtual_link` of `worker_green` may be given 1 times"),
        "{}",
        vnfd.warnings
    );
}

#[test]
fn standard_relationships_may_be_named() {
    for (from, to) in [
        (
            "virtual_binding: worker ]",
            "virtual_binding: { node: worker, relationship: tosca.relationships.nfv.VirtualBindsTo } ]",
        ),
        (
            "internal_virtual_link: backplane ]",
            "internal_virtual_link: { node: backplane, relationship: tosca.relationships.nfv.VirtualLinksTo } ]",
        ),
        (
            "target: control_backplane, virtual_link: backplane ]",
            "target: control_backplane, virtual_link: { node: backplane, relationship: tosca.relationships.nfv.VipVirtualLinksTo } ]",
        ),
        (
            "- virtual_storage: logs",
            "- virtual_storage: { node: logs, relationship: { type: tosca.relationships.nfv.AttachesTo } }",
        ),
        (
            "trunk_binding: worker_data,",
            "trunk_binding: { node: worker_data, relationship: tosca.relationships.nfv.TrunkBindsTo },",
        ),
        ("container: proxy,", "container: { node: proxy, relationship: tosca.relationships.nfv.DeploysTo },"),
        (
            "associatedVdu: pod ]",
            "associatedVdu: { node: pod, relationship: tosca.relationships.nfv.MciopAssociates } ]",
        ),
    ] {
        let vnfd = edited_vnfd(from, to).unwrap_or_else(|e| panic!("{to}: {e}"));
        assert!(vnfd.warnings.is_empty(), "{to}: {}", vnfd.warnings);
        let kept = serde_json::to_string(&vnfd).unwrap();
        let name = to.split("tosca.relationships").nth(1).unwrap().split([' ', '}']).next().unwrap();
        assert!(kept.contains(&format!("tosca.relationships{name}")), "{to}");
    }
    let from = "profile_element: firewall_left ]";
    let nsd =
        edited_nsd(from, "profile_element: { node: firewall_left, relationship: tosca.relationships.nfv.ForwardTo } ]");
    assert!(nsd.unwrap_or_else(|e| panic!("{e}")).warnings.is_empty());
}

#[test]
fn each_standard_capability_is_looked_for() {
    for (capability, from, to) in [
        (
            "tosca.capabilities.nfv.VirtualLinkable",
            "requirements: [ internal_virtual_link: backplane ]",
            "requirements: [ internal_virtual_link: root ]",
        ),
        ("tosca.capabilities.nfv.VirtualBindable", "virtual_binding: worker ]", "virtual_binding: root ]"),
        ("tosca.capabilities.nfv.VirtualStorage", "- virtual_storage: logs", "- virtual_storage: backplane"),
        ("tosca.capabilities.nfv.TrunkBindable", "trunk_binding: worker_data", "trunk_binding: root"),
        ("tosca.capabilities.nfv.ContainerDeployable", "container: proxy", "container: root"),
        ("tosca.capabilities.nfv.AssociableVdu", "associatedVdu: pod", "associatedVdu: root"),
    ] {
        let found = edited_vnfd(from, to).map_or_else(|e| e, |v| v.warnings);
        assert!(told(&found).contains(&format!("asks for a `{capability}`, which")), "{capability}: {found}");
    }
    let found =
        edited_nsd("profile_element: access ]", "profile_element: outside ]").map_or_else(|e| e, |n| n.warnings);
    assert!(told(&found).contains("asks for a `tosca.capabilities.nfv.Forwarding`, which `outside`"), "{found}");
}

#[test]
fn a_rule_derived_from_the_abstract_one() {
    let types = "policy_types:\n  a.Rule: { derived_from: tosca.policies.nfv.Abstract.SecurityGroupRule }\n";
    let read = |last: &str| {
        let policy = format!("  policies:\n    - r: {{ type: a.Rule, properties: {{ port_range_max: {last} }} }}\n");
        small_vnfd(
            &format!("  node_templates:\n{SMALL_NODE}{}{policy}", VDU.replace("TYPE", "tosca.nodes.nfv.Vdu.Compute")),
            types,
        )
    };
    let vnfd = read("53").unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(vnfd.flavours[0].other_policies[0].body["properties"]["port_range_max"], 53);
    assert!(told(&read("70000").unwrap_err()).contains("`port_range_max` of policy `r` must be from 0 to 65535"));
}

#[test]
fn additional_parameters_of_operations() {
    let types = "data_types:\n  a.Params:\n    derived_from: tosca.datatypes.nfv.VnfOperationAdditionalParameters\n    properties: { key: { type: string } }\n\
        interface_types:\n  a.Lcm:\n    derived_from: tosca.interfaces.nfv.Vnflcm\n    operations:\n      instantiate: { inputs: { additional_parameters: { type: a.Params } } }\n\
        node_types:\n  x.Vnf: { derived_from: tosca.nodes.nfv.VNF, interfaces: { Vnflcm: { type: a.Lcm } } }\n";
    let text = small_text(
        &format!("  node_templates:\n{SMALL_NODE}{}", VDU.replace("TYPE", "tosca.nodes.nfv.Vdu.Compute")),
        types,
    );
    let own = "  x.Vnf: { derived_from: tosca.nodes.nfv.VNF }\n";
    let vnfd = read_vnfd(&package(&[("v.yaml", &text.replacen(own, "", 1))])).unwrap_or_else(|e| panic!("{e}"));
    let lcm = &vnfd.flavours[0].interfaces[0];
    let key = &lcm.parameters["instantiate"][0];
    assert_eq!((key.name.as_str(), key.required, lcm.parameters.len()), ("key", true, 1));
}
