//! The language means the same in NSDs and PNFDs as in VNFDs: functions, values, derivation, prefixes.

use descriptors::diag::Diagnostics;
use descriptors::tosca::{TypeKind, Types};
use serde_json::{Value, json};

use crate::read::{NSD, PNFD, changed_nsd, changed_pnfd, edited_vnfd, nsd_of, pnfd_of, told};

/// The NSD with a property `x` of the service: its definition, and its value unless that is empty.
fn nsd_with(definition: &str, value: &str) -> Result<Value, Diagnostics> {
    let value = if value.is_empty() { String::new() } else { format!("        x: {value}\n") };
    let nsd = changed_nsd(|t| {
        t.replacen(
            "    derived_from: tosca.nodes.nfv.NS\n",
            &format!("    derived_from: tosca.nodes.nfv.NS\n    properties: {{ x: {definition} }}\n"),
            1,
        )
        .replacen("        name: chain\n", &format!("        name: chain\n{value}"), 1)
    })?;
    Ok(nsd.extra["x"].clone())
}

/// The PNFD with a property `x` of the PNF.
fn pnfd_with(definition: &str, value: &str) -> Result<Value, Diagnostics> {
    let value = if value.is_empty() { String::new() } else { format!("        x: {value}\n") };
    let pnfd = changed_pnfd(|t| {
        t.replacen("      colour: {", &format!("      x: {definition}\n      colour: {{"), 1).replacen(
            "        name: router\n",
            &format!("        name: router\n{value}"),
            1,
        )
    })?;
    Ok(pnfd.extra["x"].clone())
}

fn both(definition: &str, value: &str) -> [Result<Value, Diagnostics>; 2] {
    [nsd_with(definition, value), pnfd_with(definition, value)]
}

#[test]
fn functions() {
    let text = "{ type: string }";
    for (value, expected) in [
        ("{ get_property: [ SELF, version ] }", ["1.5", "4.2"]),
        ("{ concat: [ v, { get_property: [ SELF, version ] } ] }", ["v1.5", "v4.2"]),
        ("{ join: [ [ a, { get_property: [ SELF, version ] } ], '-' ] }", ["a-1.5", "a-4.2"]),
        ("{ token: [ { get_property: [ SELF, version ] }, '.', 1 ] }", ["5", "2"]),
    ] {
        for (read, expected) in both(text, value).into_iter().zip(expected) {
            assert_eq!(read.unwrap_or_else(|e| panic!("{value}: {e}")), expected, "{value}");
        }
    }
    assert_eq!(nsd_with(text, "{ get_input: resolver }").unwrap(), "9.9.9.9");
    assert_eq!(pnfd_with(text, "{ get_input: floor }").unwrap(), "3");
    for read in both(text, "{ get_property: [ SELF, nobody ] }") {
        assert!(told(&read.unwrap_err()).contains("has no value for `nobody`"));
    }
    // Known only when there is an instance; until then the call stands for the value.
    let later = pnfd_with(text, "{ get_attribute: [ SELF, state ] }").unwrap();
    assert_eq!(later, json!({"get_attribute": ["SELF", "state"]}));
}

#[test]
fn values() {
    for (definition, good, bad) in [
        ("{ type: integer }", "3", "three"),
        ("{ type: scalar-unit.size }", "3 GB", "3"),
        ("{ type: list, entry_schema: boolean }", "[ true ]", "[ 3 ]"),
        ("{ type: map, key_schema: { type: integer }, entry_schema: string }", "{ 1: a }", "{ a: a }"),
        ("{ type: integer, constraints: [ { equal: 4 } ] }", "4", "5"),
        ("{ type: integer, constraints: [ { greater_than: 4 } ] }", "5", "4"),
        ("{ type: integer, constraints: [ { greater_or_equal: 4 } ] }", "4", "3"),
        ("{ type: integer, constraints: [ { less_than: 4 } ] }", "3", "4"),
        ("{ type: integer, constraints: [ { less_or_equal: 4 } ] }", "4", "5"),
        ("{ type: integer, constraints: [ { in_range: [ 2, 4 ] } ] }", "3", "5"),
        ("{ type: string, constraints: [ { valid_values: [ a, b ] } ] }", "a", "c"),
        ("{ type: string, constraints: [ { length: 2 } ] }", "ab", "abc"),
        ("{ type: string, constraints: [ { min_length: 2 } ] }", "ab", "a"),
        ("{ type: string, constraints: [ { max_length: 2 } ] }", "ab", "abc"),
        ("{ type: string, constraints: [ { pattern: 'a+' } ] }", "aa", "b"),
        ("{ type: string, constraints: [ { schema: '{}' } ] }", "'[]'", "'['"),
    ] {
        for read in both(definition, good) {
            assert!(!read.unwrap_or_else(|e| panic!("{definition}: {e}")).is_null(), "{definition}");
        }
        for read in both(definition, bad) {
            let found = read.expect_err(definition);
            assert!(found.errors().all(|d| d.code == "TOSCA-0032" || d.code == "TOSCA-0033"), "{definition}: {found}");
        }
    }
}

#[test]
fn defaults_and_required() {
    for read in both("{ type: string, default: here }", "") {
        assert_eq!(read.unwrap_or_else(|e| panic!("{e}")), "here");
    }
    for read in both("{ type: string }", "") {
        assert!(told(&read.unwrap_err()).contains("the required property `x`"));
    }
    for read in both("{ type: string, constraints: [ { patern: a } ], required: false }", "a") {
        assert!(read.is_ok(), "a constraint that says nothing is passed over");
    }
}

#[test]
fn data_types_of_their_own() {
    let types = "data_types:\n  a.Base: { properties: { port: { type: integer } } }\n  a.More: { derived_from: a.Base, properties: { host: { type: string } } }\n";
    let pnfd = |value: &str| {
        changed_pnfd(|t| {
            t.replacen("node_types:\n", &format!("{types}node_types:\n"), 1)
                .replacen("      colour: {", "      x: { type: a.More }\n      colour: {", 1)
                .replacen("        name: router\n", &format!("        name: router\n        x: {value}\n"), 1)
        })
    };
    assert_eq!(pnfd("{ port: 1, host: h }").unwrap_or_else(|e| panic!("{e}")).extra["x"]["host"], "h");
    assert!(told(&pnfd("{ host: h }").unwrap_err()).contains("the required property `x.port`"));
}

const FAMILIES: &str = "capability_types:\n  a.Linkable: { derived_from: tosca.capabilities.nfv.VirtualLinkable }\n\
    relationship_types:\n  a.LinksTo: { derived_from: tosca.relationships.nfv.VirtualLinksTo }\n\
    artifact_types:\n  a.Script: { derived_from: tosca.artifacts.Implementation.Bash }\n\
    group_types:\n  a.Group: { derived_from: tosca.groups.Root }\n";

#[test]
fn derivation_in_an_nsd() {
    let nsd = changed_nsd(|t| {
        t.replacen("data_types:\n", &format!("{FAMILIES}data_types:\n"), 1)
            .replacen("node_types:\n", "node_types:\n  a.Link: { derived_from: tosca.nodes.nfv.NsVirtualLink, capabilities: { virtual_linkable: { type: a.Linkable } } }\n", 1)
            .replacen("    inside:\n      type: tosca.nodes.nfv.NsVirtualLink", "    inside:\n      type: a.Link", 1)
            .replacen("right: inside", "right: { node: inside, relationship: a.LinksTo }", 1)
            .replacen("type: tosca.artifacts.Implementation.Bash", "type: a.Script", 1)
    });
    let nsd = nsd.unwrap_or_else(|e| panic!("{e}"));
    assert!(nsd.warnings.is_empty(), "{}", nsd.warnings);
    let flavour = &nsd.flavours[0];
    assert_eq!(flavour.vnf("firewall").unwrap().connection("right").unwrap().virtual_link, "inside");
    assert_eq!(flavour.artifacts[0].artifact_type.as_deref(), Some("a.Script"));
}

#[test]
fn derivation_in_a_pnfd() {
    let pnfd = changed_pnfd(|t| {
        t.replacen("node_types:\n", &format!("{FAMILIES}interface_types:\n  a.Manage: {{ derived_from: tosca.interfaces.Root, operations: {{ reset: {{}} }} }}\nnode_types:\n"), 1)
            .replacen(
                "      type: acme.Router\n      properties:\n",
                "      type: acme.Router\n      interfaces: { Manage: { type: a.Manage, operations: { reset: { implementation: do } } } }\n      \
                 artifacts: { do: { type: a.Script, file: whole_pnfd.yaml } }\n      properties:\n",
                1,
            )
            .replacen("port: { capability: tosca.capabilities.nfv.VirtualLinkable", "port: { relationship: a.LinksTo, capability: a.Linkable", 1)
            .replacen("  policies:\n", "  groups: { g: { type: a.Group, members: [ uplink ] } }\n  policies:\n", 1)
    });
    let pnfd = pnfd.unwrap_or_else(|e| panic!("{e}"));
    assert!(pnfd.warnings.is_empty(), "{}", pnfd.warnings);
    assert_eq!(pnfd.interfaces[0].operations[0].file.as_deref(), Some("whole_pnfd.yaml"));
    assert_eq!(
        (pnfd.artifacts[0].artifact_type.as_deref(), pnfd.groups[0].element_type.as_str()),
        (Some("a.Script"), "a.Group")
    );
}

#[test]
fn prefixes_of_imports() {
    let with_prefix = |text: &str, own: &str| {
        let (head, rest) = text.split_once("topology_template:").unwrap();
        let main = format!(
            "tosca_definitions_version: tosca_simple_yaml_1_3\nimports: [ {{ file: types.yaml, namespace_prefix: p }} ]\ntopology_template:{}",
            rest.replace(&format!("type: {own}"), &format!("type: p:{own}"))
        );
        (main, head.to_owned())
    };
    let (main, types) = with_prefix(NSD, "acme.Firewall");
    let nsd = nsd_of(&[("n.yaml", &main), ("types.yaml", &types), ("Scripts/greet.sh", "x")])
        .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(nsd.flavours[0].vnf("firewall").unwrap().vnfd_id, "11111111-aaaa-4c52-9a0e-0d2f1b3a4c5d");
    let (main, types) = with_prefix(PNFD, "acme.Port");
    let pnfd = pnfd_of(&[("p.yaml", &main), ("types.yaml", &types)]).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(pnfd.ext_cps[0].name, "uplink");
}

#[test]
fn shipped_types_go_before_built_in_ones() {
    let head = "tosca_definitions_version: tosca_simple_yaml_1_3\nnode_types:\n";
    let link = format!(
        "{head}  tosca.nodes.nfv.NsVirtualLink: {{ derived_from: tosca.nodes.Root, properties: {{ shade: {{ type: string }} }} }}\n"
    );
    let found =
        nsd_of(&[("n.yaml", NSD), ("etsi_nfv_sol001_nsd_types.yaml", &link), ("Scripts/greet.sh", "x")]).unwrap_err();
    assert!(told(&found).contains("the required property `shade` of node template `outside`"), "{found}");
    let cp = format!(
        "{head}  tosca.nodes.nfv.PnfExtCp: {{ derived_from: tosca.nodes.Root, properties: {{ shade: {{ type: string }} }} }}\n"
    );
    let found = pnfd_of(&[("p.yaml", PNFD), ("etsi_nfv_sol001_pnfd_types.yaml", &cp)]).unwrap_err();
    assert!(told(&found).contains("the required property `shade` of node template `uplink`"), "{found}");
}

#[test]
fn what_all_connection_points_share() {
    let types = Types::default();
    for name in ["VduCp", "VduSubCp", "VnfExtCp", "VipCp", "VirtualCp", "Sap", "PnfExtCp"] {
        let name = format!("tosca.nodes.nfv.{name}");
        assert!(types.is_a(TypeKind::Node, &name, "tosca.nodes.nfv.Cp"), "{name}");
    }
    let protocols = "layer_protocols: [ ipv4 ], order: 0, trunk_mode";
    let vnfd = edited_vnfd(protocols, "order: 0, trunk_mode").unwrap_err();
    let nsd = changed_nsd(|t| t.replacen("        layer_protocols: [ ipv4 ]\n", "", 1)).unwrap_err();
    let pnfd = changed_pnfd(|t| t.replacen("        layer_protocols: [ ethernet, ipv4 ]\n", "", 1)).unwrap_err();
    for found in [vnfd, nsd, pnfd] {
        assert!(told(&found).contains("the required property `layer_protocols`"), "{found}");
    }
}
