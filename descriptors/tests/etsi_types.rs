//! The built-in types against the type files that ETSI publishes: no type, property or requirement is missing, and nothing
//! is demanded that a version leaves open.
//!
//! The published files are not part of this repository; `MANO_SHARED` names the directory that holds them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use descriptors::diag::Sink;
use descriptors::tosca::{TypeKind, Types};
use descriptors::yaml::{Budget, parse};

/// Where the built-in type is wider on purpose, because versions differ.
const WIDER: [&str; 2] = ["any", "string"];

fn published(version: &Path) -> Types {
    let mut types = Types::default();
    let mut sink = Sink::new();
    for entry in std::fs::read_dir(version).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let file = sink.add_source(path.display().to_string(), text.clone());
        let root = parse(file, &text, Budget { nodes: 100_000, depth: 64 }, &mut sink).unwrap();
        types.add_file(&root, &mut sink);
    }
    types
}

#[test]
fn nothing_published_is_missing() {
    let Some(shared) = std::env::var_os("MANO_SHARED") else {
        println!("SKIPPED: MANO_SHARED is not set, so the published type files are not compared");
        return;
    };
    let builtin = Types::default();
    let mut wrong = Vec::new();
    let mut compared = 0;
    let mut versions: Vec<PathBuf> = std::fs::read_dir(PathBuf::from(shared).join("etsi/tosca/sol001"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    versions.sort();
    assert!(versions.len() >= 6);
    for version in versions {
        let theirs = published(&version);
        let version = version.file_name().unwrap().to_string_lossy().into_owned();
        for (section, kind) in TypeKind::SECTIONS {
            for (name, def) in theirs.own(kind) {
                let Some(ours) = builtin.get(kind, name) else {
                    wrong.push(format!("{version}: {section} {name} is missing"));
                    continue;
                };
                // A type may have gained a parent between it and its old one.
                if let Some((parent, _)) = &def.parent
                    && !builtin.is_a(kind, name, parent)
                {
                    wrong.push(format!("{version}: {name} derives from {parent}, here from {:?}", ours.parent));
                }
                let mine = builtin.properties(kind, name);
                for (property, def) in theirs.properties(kind, name).iter() {
                    compared += 1;
                    let Some(mine) = mine.get(property) else {
                        wrong.push(format!("{version}: {name}.{property} is missing"));
                        continue;
                    };
                    if mine.required && mine.default.is_none() && !(def.required && def.default.is_none()) {
                        wrong.push(format!("{version}: {name}.{property} is required here, not there"));
                    }
                    let same = mine.schema.type_name == def.schema.type_name;
                    if !same && !WIDER.contains(&mine.schema.type_name.as_str()) {
                        wrong.push(format!(
                            "{version}: {name}.{property} is {} there, {} here",
                            def.schema.type_name, mine.schema.type_name
                        ));
                    }
                }
                if kind == TypeKind::Node {
                    let mine = builtin.requirements(name);
                    for requirement in theirs.requirements(name) {
                        match mine.iter().find(|r| r.name == requirement.name) {
                            None => {
                                wrong.push(format!("{version}: requirement {} of {name} is missing", requirement.name))
                            }
                            Some(r) if r.min > requirement.min => {
                                wrong
                                    .push(format!("{version}: requirement {} of {name} is demanded", requirement.name));
                            }
                            Some(_) => {}
                        }
                    }
                }
            }
        }
    }
    assert!(compared > 1000, "only {compared} properties were compared");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
