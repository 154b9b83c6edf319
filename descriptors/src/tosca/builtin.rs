//! The types that packages rely on and often do not ship: the normative types of the TOSCA simple profile and those of
//! SOL001, in our own words. They hold every property of SOL001 2.6.1 to 4.4.1; a property that any of these versions
//! makes optional is optional here.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::types::{TypeDef, TypeKind};
use crate::diag::{FileId, Sink};
use crate::yaml::{self, Budget};

const FILES: [(&str, &str); 5] = [
    ("tosca_simple_profile.yaml", include_str!("../builtin/tosca_simple_profile.yaml")),
    ("tosca_normative.yaml", include_str!("../builtin/tosca_normative.yaml")),
    ("sol001_common.yaml", include_str!("../builtin/sol001_common.yaml")),
    ("sol001_vnfd.yaml", include_str!("../builtin/sol001_vnfd.yaml")),
    ("sol001_nsd.yaml", include_str!("../builtin/sol001_nsd.yaml")),
];

/// The built-in types, read once.
pub(super) fn types() -> &'static HashMap<TypeKind, HashMap<String, TypeDef>> {
    static TYPES: OnceLock<HashMap<TypeKind, HashMap<String, TypeDef>>> = OnceLock::new();
    TYPES.get_or_init(|| {
        let mut all: HashMap<TypeKind, HashMap<String, TypeDef>> = HashMap::new();
        for (_, text) in FILES {
            // A fault in these files is caught by this module's tests; at run time there is nobody to tell.
            let mut sink = Sink::new();
            let budget = Budget { nodes: 100_000, depth: 64 };
            let Some(root) = yaml::parse(FileId::BUILTIN, text, budget, &mut sink) else { continue };
            for (section, kind) in TypeKind::SECTIONS {
                for entry in root.get(section).iter().flat_map(|n| n.each()) {
                    all.entry(kind).or_default().insert(entry.key.clone(), TypeDef::new(entry.key_at, &entry.value));
                }
            }
        }
        all
    })
}

/// Whether an import means one of the files that ETSI publishes with SOL001.
pub(super) fn is_sol001_file(reference: &str) -> bool {
    published_part(reference).is_some()
}

/// Whether these are two different ones of the files that ETSI publishes with SOL001.
pub(super) fn publish_both(files: [&str; 2]) -> bool {
    let [one, other] = files.map(published_part);
    one.is_some() && other.is_some() && one != other
}

/// Which of the published files a reference means.
fn published_part(reference: &str) -> Option<&'static str> {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml")).unwrap_or(name);
    let part = stem.strip_prefix("etsi_nfv_sol001_")?;
    // Version 2.5.1 put its number before the word `types`.
    ["common", "vnfd", "nsd", "pnfd"].into_iter().find(|p| part.strip_prefix(p).is_some_and(|r| r.contains("_types")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::tosca::types::Types;

    #[test]
    fn the_files_are_sound() {
        let mut types = Types::default();
        let mut sink = Sink::new();
        for (name, text) in FILES {
            let file = sink.add_source(name, text);
            let root = yaml::parse(file, text, Budget { nodes: 100_000, depth: 64 }, &mut sink).unwrap();
            types.add_file(&root, &mut sink);
        }
        types.check(&mut sink);
        for (section, kind) in TypeKind::SECTIONS {
            for (name, _) in types.own(kind) {
                for property in types.properties(kind, name).values() {
                    let mut schema = Some(&property.schema);
                    while let Some(s) = schema {
                        let known = crate::tosca::check::is_primitive(&s.type_name)
                            || types.is_own(TypeKind::Data, &s.type_name);
                        assert!(known, "{section} {name}.{}: unknown type {}", property.name, s.type_name);
                        schema = s.entry.as_deref();
                    }
                }
            }
        }
        let found = sink.finish();
        assert!(found.is_empty(), "{found}");
    }

    #[test]
    fn published_file_names_are_known() {
        assert!(is_sol001_file("etsi_nfv_sol001_vnfd_types.yaml"));
        assert!(is_sol001_file("https://forge.etsi.org/x/etsi_nfv_sol001_common_types.yaml"));
        assert!(is_sol001_file("Definitions/etsi_nfv_sol001_nsd_types_2_6_1.yaml"));
        assert!(is_sol001_file("etsi_nfv_sol001_pnfd_2_5_1_types.yaml"));
        assert!(!is_sol001_file("my_types.yaml"));
    }
}
