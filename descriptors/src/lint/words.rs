//! Why each finding matters, and the names of the leniencies.
//!
//! A code without words of its own speaks with those of its family.

use serde::Serialize;

use crate::codes::{self, Code};

/// A departure from the standard that is accepted outside of strict mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Leniency {
    /// Its name.
    pub name: String,
    /// How the package is read in spite of it.
    pub reading: &'static str,
}

/// Codes whose warnings are matters of the operator's policy or of safety, or of what the standard itself leaves open: strict
/// mode leaves them.
const POLICY: [&Code; 4] = [&codes::UNSIGNED, &codes::NO_ANCHORS, &codes::TOO_MANY_FINDINGS, &codes::YANG_VAGUE];

const LENIENCIES: &[(&Code, &str, &str)] = &[
    (&codes::META_KEY_MISSING, "missing-meta-keys", "the package is read by what TOSCA.meta does say"),
    (&codes::META_KEY_OLD, "old-meta-keys", "the keyname is read as the one of today's standard"),
    (&codes::META_VALUE, "meta-versions", "the file is read as the usual version"),
    (&codes::MANIFEST_MISSING, "no-manifest", "files are used without comparing digests"),
    (&codes::MANIFEST_METADATA, "manifest-metadata", "the descriptor's own values are used"),
    (&codes::MANIFEST_VALUE, "manifest-values", "the value is kept as written"),
    (&codes::MANIFEST_DISAGREES, "manifest-disagrees", "the descriptor's value is used"),
    (&codes::FILE_MISSING, "non-mano-files-missing", "files that MANO does not act on may be missing"),
    (&codes::FILE_NOT_LISTED, "unlisted-files", "the file is used without comparing a digest"),
    (&codes::NO_DIGEST, "files-without-digest", "the file is used without comparing a digest"),
    (&codes::CHANGE_LOG, "no-change-history", "no change history is shown"),
    (&codes::LICENSES, "no-licences", "no licence is shown"),
    (&codes::WRAPPER, "files-beside-the-package", "what stands beside the package is not read"),
    (&codes::WEAK_SIGNATURE, "weak-signatures", "the signature is judged like any other"),
    (&codes::CERTIFICATE_PLACE, "certificate-places", "the certificate that fits the signature is used"),
    (&codes::UNCOVERED_TEXT, "signed-as-mail", "the signature is compared with the text in the form it was signed in"),
    (&codes::SIGNATURE_NAME, "signature-names", "the file that the manifest names is used"),
    (&codes::EXPIRED, "expired-unknown-signers", "nobody vouches for the signer anyway: no trust anchors are given"),
    (&codes::TOSCA_VERSION, "tosca-versions", "the file is read as tosca_simple_yaml_1_3"),
    (&codes::IMPORT_LOOSE, "imports-by-name", "the only file of that name in the package is imported"),
    (&codes::TYPE_DUPLICATE, "types-defined-twice", "the first definition is used"),
    (&codes::TYPE_NOT_IMPORTED, "types-not-imported", "the type built into this reader is used"),
    (&codes::PROPERTY_MISSING, "missing-properties", "the property is read as not given"),
    (&codes::PROPERTY_UNKNOWN, "unknown-properties", "the property is kept and not acted on"),
    (&codes::REQUIREMENT_MISSING, "missing-requirements", "the requirement is read as not met"),
    (&codes::REQUIREMENT_UNKNOWN, "unknown-requirements", "the requirement is kept and not acted on"),
    (&codes::SUBSTITUTION, "substitution", "the template is read by what it does say"),
    (&codes::NOT_A_UUID, "descriptor-ids", "any unique text identifies the descriptor"),
    (&codes::SCALING, "scaling", "the policy is read by what it does say"),
    (&codes::LEVELS, "instantiation-levels", "the levels are read by what they do say"),
    (&codes::NO_VDU, "flavours-without-vdus", "the flavour is kept and runs nothing"),
    (&codes::CP_BINDING, "unbound-ports", "the connection point is kept and not made"),
    (&codes::CP_LINK, "unlinked-ports", "the connection point is kept and connected to nothing"),
    (&codes::SW_IMAGE, "image-descriptions", "the file in the package is what counts"),
    (&codes::NO_ENTRY_FILE, "files-beside-the-descriptor", "the one file in the root that is a descriptor is read"),
    (&codes::CHECKSUMS, "old-checksums", "the file is used as it is; Open Source MANO does not compare either"),
    (&codes::YANG_UNKNOWN, "unknown-yang-nodes", "the node is kept and not acted on"),
    (&codes::YANG_MISSING, "missing-yang-nodes", "the node is read as not given"),
    (&codes::YANG_VALUE, "yang-letter-case", "the value is read as the one of the module"),
    (&codes::YANG_SHAPE, "yang-lists", "a single entry is read as a list of one"),
    (&codes::YANG_REF, "unlisted-descriptors", "the descriptor is found by its identifier"),
    (&codes::YANG_KEY, "missing-yang-keys", "the entry is read without the name it is known by"),
    (&codes::YANG_MUST, "yang-conditions", "the nodes are read by what they do say"),
    (&codes::YANG_IMAGE, "yang-image-descriptions", "the file in the package is what counts"),
    (&codes::OSM_YAML, "osm-yaml", "YAML is read like JSON, names without prefixes"),
    (&codes::OSM_UNITS, "osm-units", "sizes are in GiB"),
    (&codes::OSM_ADDITION, "osm-additions", "the addition is kept and not acted on"),
    (&codes::OSM_BOOT, "osm-boot-data", "the text or file is given to the guest as boot data"),
    (&codes::OSM_DAY_1_2, "osm-charms", "charms and charts are kept and not run"),
    (&codes::OSM_IMAGE, "osm-images", "the image is a file of the package, or one that the VIM has under its name"),
    (&codes::OSM_STORAGE, "osm-storage", "the storage is read as a block storage"),
    (&codes::OSM_COMPUTE, "osm-compute", "the demand is read as the one of the standard that it means"),
    (&codes::OSM_NETWORK, "osm-networks", "the demand is read as the one of the standard that it means"),
];

/// Under which leniency a warning is accepted; `None` when strict mode accepts it too.
#[must_use]
pub fn leniency(code: &str) -> Option<Leniency> {
    if POLICY.iter().any(|c| c.id == code) {
        return None;
    }
    let known = LENIENCIES.iter().find(|(c, _, _)| c.id == code);
    let (name, reading) = match known {
        Some((_, name, reading)) => ((*name).to_owned(), *reading),
        None => (code.to_ascii_lowercase(), "its meaning is clear enough to go on"),
    };
    Some(Leniency { name, reading })
}

const WHY: &[(&Code, &str)] = &[
    (&codes::NOT_AN_ARCHIVE, "nothing in it can be read, so nothing can be made from it"),
    (&codes::UNSAFE_PATH, "a path like this can overwrite files of the machine that unpacks it"),
    (&codes::SYMLINK, "a link can lead readers to files outside of the package"),
    (&codes::DUPLICATE_ENTRY, "two readers may take two different files for the same one"),
    (&codes::TOO_LARGE, "unbounded content fills memory and disks of whoever reads it"),
    (&codes::BOMB, "a small archive that unpacks without end fills disks"),
    (&codes::TOO_MANY_ENTRIES, "listing them costs more than any honest package does"),
    (&codes::ENCRYPTED, "nobody but its maker can read it"),
    (&codes::UNREADABLE_ENTRY, "what cannot be read cannot be checked or used"),
    (&codes::NO_ENTRY_FILE, "without it no reader knows where the descriptor begins"),
    (&codes::META_SYNTAX, "what stands in this line is lost to readers"),
    (
        &codes::META_KEY_MISSING,
        "readers find files of the package by these keynames; some refuse packages without them",
    ),
    (&codes::META_FILE_MISSING, "whoever follows the name finds nothing"),
    (&codes::META_KEY_OLD, "readers that know today's keynames only pass over it"),
    (&codes::META_VALUE, "readers choose how to read the package by it"),
    (&codes::MANIFEST_MISSING, "without a manifest a changed file goes unnoticed"),
    (&codes::MANIFEST_SYNTAX, "what stands in this line is lost to readers"),
    (&codes::MANIFEST_METADATA, "inventories list packages by these values"),
    (&codes::MANIFEST_VALUE, "programs that compare such values cannot read this one"),
    (&codes::FILE_MISSING, "the package is not complete, or its manifest is of another package"),
    (&codes::HASH_MISMATCH, "the file was changed after the manifest was written, by accident or on purpose"),
    (&codes::HASH_INCOMPLETE, "without algorithm and digest a changed file goes unnoticed"),
    (&codes::HASH_ALGORITHM, "a digest that nobody can compute protects nothing"),
    (&codes::FILE_NOT_LISTED, "a file that is not listed can be changed or slipped in unnoticed"),
    (&codes::NO_DIGEST, "a change of this file goes unnoticed"),
    (&codes::MANIFEST_NAME, "readers without TOSCA.meta find the manifest by its name"),
    (&codes::MANIFEST_DISAGREES, "inventory and descriptor then tell operators different things"),
    (&codes::PLACEHOLDER, "the package would carry an empty value"),
    (&codes::CHANGE_LOG, "operators decide by it whether an update is for them"),
    (&codes::LICENSES, "operators must know under which terms they run the software"),
    (&codes::WRAPPER, "what no signature covers may come from anybody"),
    (&codes::OTHER_KIND, "it is onboarded as something else than it is"),
    (&codes::UNSIGNED, "nothing proves where the package comes from, nor that it is as it was made"),
    (&codes::SIGNATURE_FORMAT, "a signature that cannot be read proves nothing"),
    (&codes::SIGNATURE_CONTENT, "the content was changed after it was signed, or the signature belongs to another"),
    (&codes::SIGNATURE_BROKEN, "the signature was not made by whom it names"),
    (&codes::NO_CERTIFICATE, "without the signer's certificate the signature cannot be verified"),
    (&codes::UNTRUSTED, "anybody can make a certificate of any name; only an anchor tells a true one"),
    (&codes::EXPIRED, "beyond its time a key may be known to others, and lists of withdrawn ones no longer name it"),
    (&codes::NO_ANCHORS, "the signature shows that nothing changed, not who made it"),
    (&codes::WEAK_SIGNATURE, "a second content with the same digest can be made, and the signature would fit it"),
    (&codes::CERTIFICATE_PLACE, "two readers may take two different certificates for the signer's"),
    (&codes::UNCOVERED_TEXT, "text outside of the signature can be changed by anybody"),
    (&codes::SIGNATURE_FILE_MISSING, "a signature that is announced and missing may have been taken away"),
    (&codes::SIGNATURE_NAME, "readers that look beside the artifact do not find it"),
    (&codes::BAD_CERTIFICATE, "what it was to prove stays unproven"),
    (&codes::YAML_SYNTAX, "the rest of the file cannot be understood"),
    (&codes::YAML_DUPLICATE_KEY, "readers differ in which of the two values they keep"),
    (&codes::YAML_BUDGET, "documents like this one are made to exhaust readers"),
    (&codes::YAML_DOCUMENTS, "readers differ in which of the documents they take"),
    (&codes::YAML_ENCODING, "readers differ in what such bytes mean"),
    (&codes::TOSCA_VERSION, "the version decides what the keywords mean"),
    (&codes::IMPORT_MISSING, "types and templates defined there stay unknown"),
    (&codes::IMPORT_CYCLE, "there is no order in which such files can be read"),
    (&codes::IMPORT_LOOSE, "other readers do not find the file"),
    (&codes::TYPE_UNKNOWN, "without its definition nobody knows what this node is to be"),
    (&codes::TYPE_CYCLE, "such types have no beginning and thus no meaning"),
    (&codes::TYPE_DUPLICATE, "readers differ in which definition they use"),
    (&codes::TYPE_NOT_IMPORTED, "other readers do not know the type"),
    (&codes::PROPERTY_MISSING, "what is to be made from it cannot be decided without it"),
    (&codes::PROPERTY_UNKNOWN, "it is often a misspelt name, and then has no effect"),
    (&codes::VALUE_TYPE, "the value cannot be used as what it is meant for"),
    (&codes::VALUE_CONSTRAINT, "the type's author excluded this value; what uses it may fail"),
    (&codes::FUNCTION_TARGET, "the value stays empty where it is needed"),
    (&codes::FUNCTION_CYCLE, "such values never become known"),
    (&codes::NODE_UNKNOWN, "what refers to it is connected to nothing"),
    (&codes::NODE_WRONG_TYPE, "a connection to a node of another kind cannot be made"),
    (&codes::REQUIREMENT_UNKNOWN, "it is often a misspelt name, and then has no effect"),
    (&codes::REQUIREMENT_MISSING, "the node lacks something it cannot work without"),
    (&codes::ARTIFACT_MISSING, "instantiation fails when the file is needed"),
    (&codes::SUBSTITUTION, "deployment flavours are found through it"),
    (&codes::NO_VNF, "there is nothing to instantiate"),
    (&codes::FLAVOUR_ID, "operators choose a flavour by its identifier"),
    (&codes::NOT_A_UUID, "identifiers that are not unique collide with those of other vendors"),
    (&codes::NO_VDU, "the flavour runs nothing"),
    (&codes::SW_IMAGE, "the virtual machine boots from another image than described, or from none"),
    (&codes::CP_BINDING, "the port belongs to no machine and is never made"),
    (&codes::CP_LINK, "the port is connected to nothing"),
    (&codes::ADDRESSING, "machines get addresses that do not work on their network"),
    (&codes::SCALING, "scaling would make another number of instances than meant"),
    (&codes::LEVELS, "the size that the level promises cannot be computed"),
    (&codes::PLACEMENT, "machines are placed without the rule"),
    (&codes::BOOT_DATA, "the machine boots without its configuration"),
    (&codes::NO_NS, "there is nothing to instantiate"),
    (&codes::NS_DEPENDENCY_CYCLE, "none of them can be started first"),
    (&codes::NS_CONNECTION, "parts of the service do not reach each other"),
    (&codes::NS_VNF, "no package can be found for it"),
    (&codes::CHECKSUMS, "the file was changed after the list was written, by accident or on purpose"),
    (&codes::YANG_XML, "nothing in it can be read"),
    (&codes::YANG_ROOT, "there is nothing to instantiate, or no telling which of several"),
    (&codes::YANG_UNKNOWN, "it is often a misspelt name, and then has no effect"),
    (&codes::YANG_MISSING, "what is to be made from it cannot be decided without it"),
    (&codes::YANG_REF, "what refers to it is connected to nothing"),
    (&codes::YANG_KEY, "nothing can refer to an entry that has no name of its own"),
    (&codes::YANG_VAGUE, "other readers may take it for something else"),
    (&codes::YANG_IMAGE, "the virtual machine boots from another image than described, or from none"),
    (&codes::YANG_FILE, "instantiation fails when the file is needed"),
    (&codes::OSM_YAML, "readers that know JSON and XML only cannot read the file"),
    (&codes::OSM_UNITS, "readers that count as the standard does make machines seven percent smaller"),
    (&codes::OSM_ADDITION, "only Open Source MANO acts on it"),
    (&codes::OSM_BOOT, "readers that know `boot-data` only boot the machine without its configuration"),
    (&codes::OSM_DAY_1_2, "what the charm would have configured stays as the image has it"),
    (&codes::OSM_NETWORK, "readers that know the nodes of the standard only connect the machine in another way"),
    (&codes::OSM_COMPUTE, "readers that know the nodes of the standard only make a slower machine"),
    (&codes::OSM_IMAGE, "a changed or wrong image goes unnoticed"),
];

const FAMILIES: &[(&str, &str)] = &[
    ("ARCHIVE-", "the package is then read by guessing, or not at all"),
    ("SIGNATURE-", "who made the package, and whether it was changed, then stays open"),
    ("YAML-", "the file then has no single meaning"),
    ("TOSCA-", "readers then differ in what the template means"),
    ("SOL001-", "the service made from it then is another than meant"),
    ("SOL006-", "the service made from it then is another than meant"),
    ("", "readers then differ in what is meant"),
];

/// Why a finding of this code matters, in one sentence.
#[must_use]
pub fn why(code: &str) -> &'static str {
    let own = WHY.iter().find(|(c, _)| c.id == code).map(|(_, w)| *w);
    own.or_else(|| FAMILIES.iter().find(|(f, _)| code.starts_with(f)).map(|(_, w)| *w)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_has_a_reason_and_every_leniency_a_name_of_its_own() {
        for code in codes::ALL {
            assert!(!why(code.id).is_empty(), "{}", code.id);
        }
        let names: BTreeSet<_> = codes::ALL.iter().filter_map(|c| leniency(c.id)).map(|l| l.name).collect();
        assert_eq!(names.len(), codes::ALL.len() - POLICY.len());
        assert_eq!(leniency(codes::UNSIGNED.id), None);
    }
}
