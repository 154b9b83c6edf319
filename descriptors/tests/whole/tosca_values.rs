//! Values: constraints, scalar units, defaults, what is required, entry and key schemas.

use descriptors::diag::Diagnostics;
use descriptors::tosca::Unit;
use descriptors::vnfd::Vnfd;

use crate::read::{SMALL_NODE, changed_types, small_vnfd, told};

const VDU: &str = "    a:\n      type: a.Vdu\n      properties: { VALUE name: a, description: b, vdu_profile: { min_number_of_instances: 1, \
    max_number_of_instances: 1 } }\n      capabilities: { virtual_compute: { properties: { virtual_memory: { virtual_mem_size: 1 GiB }, \
    virtual_cpu: { num_virtual_cpu: 1 } } } }\n";

/// A VDU with the property `x` of this definition and value.
fn read(definition: &str, value: &str) -> Result<Vnfd, Diagnostics> {
    let types = format!(
        "node_types:\n  a.Vdu: {{ derived_from: tosca.nodes.nfv.Vdu.Compute, properties: {{ x: {definition} }} }}\n"
    );
    let value = if value.is_empty() { String::new() } else { format!("x: {value},") };
    small_vnfd(&format!("  node_templates:\n{SMALL_NODE}{}", VDU.replace("VALUE", &value)), &types)
}

fn check(definition: &str, good: &[&str], bad: &[&str]) {
    for value in good {
        let vnfd = read(definition, value).unwrap_or_else(|e| panic!("{definition}, {value}: {e}"));
        assert!(vnfd.warnings.is_empty(), "{definition}, {value}: {}", vnfd.warnings);
    }
    for value in bad {
        let found = read(definition, value).expect_err(&format!("{definition}, {value}"));
        assert!(
            found.errors().all(|d| d.code == "TOSCA-0032" || d.code == "TOSCA-0033"),
            "{definition}, {value}: {found}"
        );
        assert_eq!(found.errors().count(), 1, "{definition}, {value}: {found}");
    }
}

#[test]
fn every_constraint_operator() {
    check("{ type: integer, constraints: [ { equal: 4 } ] }", &["4"], &["5"]);
    check("{ type: string, constraints: [ { equal: four } ] }", &["four"], &["five"]);
    check("{ type: integer, constraints: [ { greater_than: 4 } ] }", &["5"], &["4", "3"]);
    check("{ type: integer, constraints: [ { greater_or_equal: 4 } ] }", &["4", "5"], &["3"]);
    check("{ type: float, constraints: [ { less_than: 0.5 } ] }", &["0.4"], &["0.5", "1"]);
    check("{ type: integer, constraints: [ { less_or_equal: 4 } ] }", &["4"], &["5"]);
    check("{ type: integer, constraints: [ { in_range: [ 2, 4 ] } ] }", &["2", "4"], &["1", "5"]);
    check("{ type: integer, constraints: [ { in_range: [ 2, UNBOUNDED ] } ] }", &["2", "99999"], &["1"]);
    check("{ type: string, constraints: [ { valid_values: [ red, green ] } ] }", &["red"], &["blue"]);
    check("{ type: integer, constraints: [ { valid_values: [ 1, 2 ] } ] }", &["1"], &["3"]);
    check("{ type: string, constraints: [ { length: 3 } ] }", &["abc"], &["ab", "abcd"]);
    check("{ type: string, constraints: [ { min_length: 2 } ] }", &["ab"], &["a"]);
    check("{ type: list, entry_schema: integer, constraints: [ { max_length: 2 } ] }", &["[ 1, 2 ]"], &["[ 1, 2, 3 ]"]);
    check("{ type: string, constraints: [ { pattern: '[a-z]+\\d' } ] }", &["ab1"], &["ab", "1ab1", "ab1x"]);
    check("{ type: string, constraints: [ { schema: '{}' } ] }", &["'{\"a\": [1]}'"], &["'{'"]);
}

#[test]
fn constraints_without_a_list_and_of_both_types() {
    check("{ type: integer, constraints: { greater_than: 0 } }", &["1"], &["0"]);
    check("{ type: integer, constraints: [ { greater_than: 0 }, { less_than: 9 } ] }", &["1"], &["0", "9"]);
}

#[test]
fn constraints_that_say_nothing_are_told() {
    for (constraint, words) in [
        ("{ greater_then: 4 }", "did you mean `greater_than`?"),
        ("{ in_range: 4 }", "needs a lower and an upper bound"),
        ("{ valid_values: 4 }", "needs a list"),
        ("{ max_length: x }", "needs a whole number"),
        ("{ pattern: '(?=x)' }", "is no regular expression that can be checked"),
    ] {
        let vnfd = read(&format!("{{ type: string, constraints: [ {constraint} ] }}"), "'5'")
            .unwrap_or_else(|e| panic!("{constraint}: {e}"));
        assert!(told(&vnfd.warnings).contains(words), "{constraint}: {}", vnfd.warnings);
    }
}

#[test]
fn primitive_types() {
    check("{ type: integer }", &["1", "-7", "0x1F"], &["1.5", "one", "[ 1 ]"]);
    check("{ type: float }", &["1.5", "2", "1e3"], &["x"]);
    check("{ type: boolean }", &["true", "false"], &["2", "maybe"]);
    check("{ type: range }", &["[ 1, 5 ]", "[ 1, UNBOUNDED ]"], &["[ 5, 1 ]", "5", "[ 1 ]"]);
    check("{ type: range, constraints: [ { in_range: [ 1, 9 ] } ] }", &["[ 1, 9 ]"], &["[ 0, 9 ]", "[ 1, 10 ]"]);
    check("{ type: timestamp }", &["2024-01-01T00:00:00Z"], &["[ 1 ]"]);
    check("{ type: version }", &["'1.0'"], &["{ a: 1 }"]);
    check("{ type: json }", &["'[1]'"], &["'[1'"]);
}

#[test]
fn scalar_units() {
    check("{ type: scalar-unit.size }", &["1 GiB", "512MB", "0 B"], &["1", "1 Gb2", "GiB"]);
    check("{ type: scalar-unit.time }", &["1 d", "5 ms"], &["5 weeks"]);
    check("{ type: scalar-unit.frequency }", &["2.4 GHz"], &["2 rpm"]);
    check("{ type: scalar-unit.bitrate }", &["10 Mbps", "1 GiBps"], &["10 Mb"]);
    check(
        "{ type: scalar-unit.size, constraints: [ { greater_or_equal: 1 MiB } ] }",
        &["1 GB", "1024 KiB"],
        &["1023 KiB", "1 MB"],
    );
    assert_eq!(Unit::Bitrate.parse_whole("1 KiBps"), Some(8192));
}

#[test]
fn defaults_and_required() {
    assert!(read("{ type: string, required: false }", "").is_ok());
    assert!(read("{ type: string, default: here }", "").is_ok());
    for needed in ["{ type: string }", "{ type: string, required: true }"] {
        let found = read(needed, "").unwrap_err();
        assert!(told(&found).contains("the required property `x` of node template `a` is missing"), "{found}");
    }
    let own = |more: &str| {
        changed_types(|t| {
            t.replacen(
                "      configurable_properties: {",
                &format!("      x: {more}\n      configurable_properties: {{"),
                1,
            )
        })
    };
    assert!(
        told(&own("{ type: string }").unwrap_err())
            .contains("the required property `x` of VNF `acme.Gateway` is missing")
    );
    assert_eq!(own("{ type: string, default: d }").unwrap().extra["x"], "d");
}

#[test]
fn entry_and_key_schemas() {
    check("{ type: list, entry_schema: integer }", &["[ 1 ]", "[]"], &["[ x ]", "{ a: 1 }"]);
    check("{ type: list, entry_schema: { type: integer, constraints: [ { less_than: 3 } ] } }", &["[ 2 ]"], &["[ 3 ]"]);
    check(
        "{ type: map, entry_schema: { type: list, entry_schema: boolean } }",
        &["{ a: [ true ] }"],
        &["{ a: true }", "{ a: [ 7 ] }"],
    );
    check("{ type: map, key_schema: { type: integer }, entry_schema: string }", &["{ 1: a }"], &["{ one: a }"]);
}
