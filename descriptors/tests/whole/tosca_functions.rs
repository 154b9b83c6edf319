//! Intrinsic functions: what is known from the descriptor is computed, the rest is kept until the operation.

use descriptors::diag::Diagnostics;
use descriptors::expr::{Environment, Expr};
use descriptors::vnfd::Vnfd;
use serde_json::{Value, json};

use crate::read::{SMALL_NODE, nsd, small_vnfd, told};

const INPUTS: &str = "  inputs:
    port: { type: integer, default: 8080 }
    size: { type: string, default: 'big:small' }
    host: { type: map, entry_schema: string, default: { name: h1 } }
    open: { type: string }
  node_templates:
";
const NODES: &str = "    disk:
      type: tosca.nodes.nfv.Vdu.VirtualBlockStorage
      properties: { virtual_block_storage_data: { size_of_storage: 7 GB } }
    a:
      type: tosca.nodes.nfv.Vdu.Compute
      properties: { name: n, vdu_profile: { min_number_of_instances: 1, max_number_of_instances: 1 }, description: VALUE }
      capabilities:
        virtual_compute: { properties: { virtual_memory: { virtual_mem_size: 1 GiB }, virtual_cpu: { num_virtual_cpu: 6 } } }
      requirements: [ virtual_storage: disk ]
";

/// A VDU whose description is this value; more nodes and some inputs to speak of.
fn read(value: &str) -> Result<Vnfd, Diagnostics> {
    small_vnfd(&format!("{INPUTS}{SMALL_NODE}{}", NODES.replace("VALUE", value)), "")
}

fn description(value: &str) -> String {
    read(value).unwrap_or_else(|e| panic!("{value}: {e}")).flavours[0].vdus[0].description.clone()
}

fn refused(value: &str, words: &str) {
    let found = read(value).expect_err(value);
    assert!(told(&found).contains(words), "{value}: {found}");
}

#[test]
fn get_input() {
    assert_eq!(description("{ get_input: port }"), "8080");
    assert_eq!(description("{ get_input: [ host, name ] }"), "h1");
    refused("{ get_input: prot }", "did you mean `port`?");
    refused("{ get_input: open }", "must be known when the package is read");
    let inputs = read("x").unwrap().flavours[0].inputs.clone();
    let open = inputs.iter().find(|i| i.name == "open").unwrap();
    assert!(open.required && open.default.is_none(), "{open:?}");
}

#[test]
fn get_property() {
    assert_eq!(description("{ get_property: [ SELF, name ] }"), "n");
    assert_eq!(description("{ get_property: [ VNF, product_name ] }"), "y");
    assert_eq!(description("{ get_property: [ SELF, vdu_profile, max_number_of_instances ] }"), "1");
    // Of a capability, and over a requirement of the node at its other end.
    assert_eq!(description("{ get_property: [ SELF, virtual_compute, virtual_cpu, num_virtual_cpu ] }"), "6");
    assert_eq!(
        description("{ get_property: [ SELF, virtual_storage, virtual_block_storage_data, size_of_storage ] }"),
        "7 GB"
    );
    refused("{ get_property: [ SELF, nmae ] }", "has no value for `nmae`");
    refused("{ get_property: [ dsk, name ] }", "did you mean `disk`?");
    refused("{ get_property: SELF }", "write the node, then the name, as a list");
}

#[test]
fn concat_and_join() {
    assert_eq!(
        description("{ concat: [ 'port ', { get_input: port }, ' of ', { get_property: [ SELF, name ] } ] }"),
        "port 8080 of n"
    );
    assert_eq!(description("{ concat: [ 1.0, -rc ] }"), "1.0-rc");
    assert_eq!(description("{ join: [ [ a, { get_input: port }, c ], '-' ] }"), "a-8080-c");
    refused("{ concat: a }", "`concat` has wrong arguments");
    refused("{ join: [ a, b ] }", "`join` has wrong arguments");
}

#[test]
fn token() {
    assert_eq!(description("{ token: [ { get_input: size }, ':', 1 ] }"), "small");
    refused("{ token: [ a ] }", "`token` has wrong arguments");
}

#[test]
fn values_that_define_each_other_are_refused() {
    refused("{ get_property: [ SELF, description ] }", "is defined, over other values, by itself");
}

struct Later;

impl Environment for Later {
    fn input(&self, path: &[String]) -> Option<Value> {
        (path == ["open"]).then(|| json!("now"))
    }
    fn vnf_property(&self, _: &[String]) -> Option<Value> {
        None
    }
    fn attribute(&self, node: &str, path: &[String]) -> Option<Value> {
        Some(json!(format!("{node}/{}", path.join("/"))))
    }
}

#[test]
fn what_is_known_later_is_kept() {
    let boot = |value: &str| {
        let vnfd = read(&format!("d, boot_data: {{ kvp_data: {{ data: {{ k: {value} }} }} }}"))
            .unwrap_or_else(|e| panic!("{e}"));
        vnfd.flavours[0].vdus[0].boot_data.clone().unwrap().kvp["k"].clone()
    };
    let joined = boot("{ concat: [ '<', { get_input: open }, '>' ] }");
    assert!(joined.literal().is_none(), "{joined:?}");
    assert_eq!(joined.resolve(&Later), Ok(json!("<now>")));
    assert_eq!(
        boot("{ token: [ { concat: [ 'a.', { get_input: open } ] }, '.', 1 ] }").resolve(&Later),
        Ok(json!("now"))
    );
    let attribute = boot("{ get_attribute: [ a, address, 0 ] }");
    assert_eq!(attribute.resolve(&Later), Ok(json!("a/address/0")));
    assert!(matches!(attribute, Expr::Attribute { .. }));
}

#[test]
fn inputs_of_an_nsd_reach_its_vnfs() {
    let nsd = nsd();
    let firewall = nsd.flavours[0].vnf("firewall").unwrap();
    let all = serde_json::to_value(&firewall.configurable_properties["additional_configurable_properties"]).unwrap();
    let Expr::Map(map) = &firewall.configurable_properties["additional_configurable_properties"] else {
        panic!("{all}")
    };
    assert_eq!(
        map["dns"].resolve(&Later),
        Ok(json!("9.9.9.9")),
        "the default of the input, when the operation gives none"
    );
}
