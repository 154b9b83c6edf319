//! The stable codes of all findings, each with the clause of the standard behind it.
//!
//! A code never changes its meaning. `ARCHIVE` is about SOL004 and SOL007 packages, `YAML` about syntax and resource
//! limits, `TOSCA` about the simple profile, `SOL001` about what VNFDs and NSDs must say, `SOL006` about descriptors as YANG data,
//! `OVF` about appliances that packages are made from.

/// A stable code and the clause it rests on.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// The identifier shown to users.
    pub id: &'static str,
    /// The clause of the standard, or empty where the rule is a matter of safety.
    pub clause: &'static str,
    /// What the code stands for, in a few words.
    pub title: &'static str,
}

macro_rules! codes {
    ($($name:ident = $id:literal, $clause:literal, $title:literal;)*) => {
        $(#[doc = $title] pub const $name: Code = Code { id: $id, clause: $clause, title: $title };)*
        /// Every code, for reference pages and tests.
        pub const ALL: &[&Code] = &[$(&$name),*];
    };
}

codes! {
    TOO_MANY_FINDINGS = "GENERAL-0001", "", "more findings than are shown";

    NOT_AN_ARCHIVE = "ARCHIVE-0001", "SOL004 clause 4.1", "not a readable zip archive";
    UNSAFE_PATH = "ARCHIVE-0002", "", "an entry's path could climb out of the package";
    SYMLINK = "ARCHIVE-0003", "", "an entry is a symbolic link or special file";
    DUPLICATE_ENTRY = "ARCHIVE-0004", "", "two entries have the same name";
    TOO_LARGE = "ARCHIVE-0005", "", "the archive or an entry exceeds a size limit";
    BOMB = "ARCHIVE-0006", "", "an entry is compressed beyond any honest ratio";
    TOO_MANY_ENTRIES = "ARCHIVE-0007", "", "the archive holds too many entries";
    NAME_TOO_LONG = "ARCHIVE-0008", "", "an entry's name is too long";
    ENCRYPTED = "ARCHIVE-0009", "SOL004 clause 4.1", "an entry is encrypted";
    UNREADABLE_ENTRY = "ARCHIVE-0010", "", "an entry cannot be read";
    BAD_NAME = "ARCHIVE-0011", "", "an entry's name is not plain UTF-8 text";
    NO_ENTRY_FILE = "ARCHIVE-0020", "SOL004 clause 4.1.2", "no file says where the descriptor is";
    META_SYNTAX = "ARCHIVE-0021", "TOSCA Simple Profile clause 6.2", "TOSCA.meta cannot be read";
    META_KEY_MISSING = "ARCHIVE-0022", "SOL004 clause 4.1.2.3", "TOSCA.meta lacks a keyname";
    META_FILE_MISSING = "ARCHIVE-0023", "SOL004 clause 4.1.2.3", "a file named in TOSCA.meta is not in the package";
    META_KEY_OLD = "ARCHIVE-0024", "SOL004 clause 4.1.2.3", "TOSCA.meta uses a keyname of another spelling";
    MANIFEST_MISSING = "ARCHIVE-0030", "SOL004 clause 4.3.2", "the package has no manifest";
    MANIFEST_SYNTAX = "ARCHIVE-0031", "SOL004 clause 4.3.2", "the manifest cannot be read";
    MANIFEST_METADATA = "ARCHIVE-0032", "SOL004 clause 4.3.2", "the manifest lacks metadata";
    FILE_MISSING = "ARCHIVE-0033", "SOL004 clause 4.3.2", "a listed file is not in the package";
    HASH_MISMATCH = "ARCHIVE-0034", "SOL004 clause 4.3.2", "a file's digest differs from the listed one";
    HASH_INCOMPLETE = "ARCHIVE-0035", "SOL004 clause 4.3.2", "a listed file has no algorithm or no digest";
    HASH_ALGORITHM = "ARCHIVE-0036", "SOL004 clause 4.3.2", "unknown digest algorithm";
    FILE_NOT_LISTED = "ARCHIVE-0037", "SOL004 clause 4.3.2", "a file is not listed in the manifest";
    MANIFEST_NAME = "ARCHIVE-0038", "SOL004 clause 4.1.3", "manifest and main yaml file have different names";
    MANIFEST_DISAGREES = "ARCHIVE-0039", "SOL004 clause 4.3.2", "manifest and descriptor tell different things";
    PLACEHOLDER = "ARCHIVE-0040", "", "a build placeholder names no file";
    META_VALUE = "ARCHIVE-0025", "TOSCA Simple Profile clause 6.2", "TOSCA.meta has an unexpected value";
    CHANGE_LOG = "ARCHIVE-0041", "SOL004 clause 4.3.3", "the package names no change history";
    LICENSES = "ARCHIVE-0042", "SOL004 clause 4.3.5", "the package names no licence";
    NO_DIGEST = "ARCHIVE-0043", "SOL004 clause 4.3.2", "a listed file has neither digest nor signature";
    MANIFEST_VALUE = "ARCHIVE-0044", "SOL004 clause 4.3.2", "a metadata value of the manifest has the wrong form";
    WRAPPER = "ARCHIVE-0045", "SOL004 clause 5.1", "the outer archive of a signed package does not fit";
    CHECKSUMS = "ARCHIVE-0047", "", "a file differs from the checksums of Open Source MANO";
    OTHER_KIND = "ARCHIVE-0046", "SOL004 clause 4.3.2", "the archive describes something of another kind";

    UNSIGNED = "SIGNATURE-0001", "SOL004 clause 5.1", "the package is not signed";
    SIGNATURE_FORMAT = "SIGNATURE-0002", "SOL004 clause 5.2", "a signature cannot be read";
    SIGNATURE_CONTENT = "SIGNATURE-0003", "SOL004 clause 5.1", "a signature was made over another content";
    SIGNATURE_BROKEN = "SIGNATURE-0004", "RFC 5652 clause 5.6", "a signature was not made with the signer's key";
    NO_CERTIFICATE = "SIGNATURE-0005", "SOL004 clause 5.2", "the signer's certificate is not found";
    UNTRUSTED = "SIGNATURE-0006", "SOL004 clause 5.1", "the signer's certificate leads to no trust anchor";
    EXPIRED = "SIGNATURE-0007", "RFC 5280 clause 4.1.2.5", "a certificate is not valid at the time of the check";
    NO_ANCHORS = "SIGNATURE-0008", "SOL004 clause 5.1", "there is no trust anchor to judge the signer by";
    WEAK_SIGNATURE = "SIGNATURE-0009", "SOL004 clause 5.3", "a signature rests on a weak algorithm";
    CERTIFICATE_PLACE = "SIGNATURE-0010", "SOL004 clause 5.2", "a certificate is given in more than one place";
    UNCOVERED_TEXT = "SIGNATURE-0011", "SOL004 clause 5.3", "text stands outside what is signed";
    SIGNATURE_FILE_MISSING = "SIGNATURE-0012", "SOL004 clause 5.4", "a file of a signature is not in the package";
    SIGNATURE_NAME = "SIGNATURE-0013", "SOL004 clause 5.4", "the file of a signature has another name than its artifact";
    BAD_CERTIFICATE = "SIGNATURE-0014", "SOL004 clause 5.2", "a certificate cannot be read";

    YAML_SYNTAX = "YAML-0001", "YAML 1.2", "not valid YAML";
    YAML_DUPLICATE_KEY = "YAML-0002", "YAML 1.2 clause 3.2.1.3", "a key appears twice in one mapping";
    YAML_BUDGET = "YAML-0003", "", "the file exceeds a resource limit";
    YAML_DOCUMENTS = "YAML-0004", "TOSCA Simple Profile clause 3.10", "not exactly one document in a file";
    YAML_KEY = "YAML-0005", "YAML 1.2", "a mapping key is not a plain value";
    YAML_ENCODING = "YAML-0006", "YAML 1.2 clause 5.2", "the file is not UTF-8 text";

    TOSCA_SHAPE = "TOSCA-0001", "TOSCA Simple Profile clause 3", "an element has the wrong shape";
    TOSCA_VERSION = "TOSCA-0002", "SOL001 clause 6.1", "tosca_definitions_version is missing or unknown";
    IMPORT_MISSING = "TOSCA-0010", "TOSCA Simple Profile clause 3.6.8", "an imported file is not in the package";
    IMPORT_CYCLE = "TOSCA-0011", "TOSCA Simple Profile clause 3.6.8", "files import each other in a circle";
    IMPORT_LOOSE = "TOSCA-0012", "TOSCA Simple Profile clause 3.6.8", "an import is found only by its file name";
    TYPE_UNKNOWN = "TOSCA-0020", "TOSCA Simple Profile clause 3.7", "a type is defined nowhere";
    TYPE_CYCLE = "TOSCA-0021", "TOSCA Simple Profile clause 3.7", "types derive from each other in a circle";
    TYPE_DUPLICATE = "TOSCA-0022", "TOSCA Simple Profile clause 3.7", "a type is defined twice";
    TYPE_NOT_IMPORTED = "TOSCA-0023", "SOL001 clause 6.1", "a standard type is used without importing its file";
    PROPERTY_MISSING = "TOSCA-0030", "TOSCA Simple Profile clause 3.6.10", "a required property is missing";
    PROPERTY_UNKNOWN = "TOSCA-0031", "TOSCA Simple Profile clause 3.6.10", "the type declares no such property";
    VALUE_TYPE = "TOSCA-0032", "TOSCA Simple Profile clause 3.3", "a value is of another type";
    VALUE_CONSTRAINT = "TOSCA-0033", "TOSCA Simple Profile clause 3.6.3", "a value breaks a constraint";
    CONSTRAINT_SHAPE = "TOSCA-0034", "TOSCA Simple Profile clause 3.6.3", "a constraint says nothing";
    FUNCTION_SHAPE = "TOSCA-0040", "TOSCA Simple Profile clause 4", "an intrinsic function has wrong arguments";
    FUNCTION_TARGET = "TOSCA-0041", "TOSCA Simple Profile clause 4", "an intrinsic function names something that is not there";
    FUNCTION_UNRESOLVED = "TOSCA-0042", "TOSCA Simple Profile clause 4", "a value is needed now but known only later";
    FUNCTION_CYCLE = "TOSCA-0043", "TOSCA Simple Profile clause 4", "values are defined by each other in a circle";
    NODE_UNKNOWN = "TOSCA-0050", "TOSCA Simple Profile clause 3.8", "a name refers to no node template";
    NODE_WRONG_TYPE = "TOSCA-0051", "TOSCA Simple Profile clause 3.8", "a reference leads to a node of another type";
    REQUIREMENT_UNKNOWN = "TOSCA-0052", "TOSCA Simple Profile clause 3.8.2", "the type declares no such requirement";
    REQUIREMENT_MISSING = "TOSCA-0053", "TOSCA Simple Profile clause 3.8.2", "a required requirement is missing";
    REQUIREMENT_MANY = "TOSCA-0054", "TOSCA Simple Profile clause 3.7.3", "a requirement is given more often than its type allows";
    CAPABILITY_LACKING = "TOSCA-0055", "TOSCA Simple Profile clause 3.7.3", "a requirement leads to a node without the capability";
    OPERATION_UNKNOWN = "TOSCA-0056", "TOSCA Simple Profile clause 3.6.16", "the interface has no such operation";
    POLICY_TARGET = "TOSCA-0057", "TOSCA Simple Profile clause 3.8.6", "a policy or group names what its type is not for";
    ARTIFACT_MISSING = "TOSCA-0060", "SOL004 clause 4.1", "an artifact's file is not in the package";
    SUBSTITUTION = "TOSCA-0070", "TOSCA Simple Profile clause 3.8.12", "the substitution mapping does not fit";

    NO_VNF = "SOL001-0001", "SOL001 clause 6.11", "no VNF node type or template";
    FLAVOUR_ID = "SOL001-0002", "SOL001 clause 6.11", "a deployment flavour has no identifier or one already used";
    NOT_A_UUID = "SOL001-0003", "SOL001 clause 6.8", "the descriptor identifier is not a UUID";
    NO_VDU = "SOL001-0004", "SOL001 clause 6.8", "the flavour has no VDU";
    SW_IMAGE = "SOL001-0005", "SOL001 clause 6.8", "software image description and artifact do not fit";
    CP_BINDING = "SOL001-0006", "SOL001 clause 6.8", "a connection point is bound to no VDU";
    CP_LINK = "SOL001-0007", "SOL001 clause 6.8", "a connection point leads nowhere";
    ADDRESSING = "SOL001-0008", "SOL001 clause 6.2", "addresses do not fit together";
    SCALING = "SOL001-0009", "SOL001 clause 6.10", "scaling policies do not fit together";
    LEVELS = "SOL001-0010", "SOL001 clause 6.10", "instantiation levels do not fit together";
    PLACEMENT = "SOL001-0011", "SOL001 clause 6.10", "an affinity rule has wrong targets";
    BOOT_DATA = "SOL001-0012", "SOL001 clause 6.2", "boot data cannot be made";
    TRUNK = "SOL001-0013", "SOL001 clause 6.8", "a trunk does not fit together";
    PACKAGE_CHANGE = "SOL001-0014", "SOL001 clause 6.10", "a change of package names what is not there";
    LCM_COORDINATION = "SOL001-0015", "SOL001 clause 6.10", "a coordination action is not described";
    INDICATOR = "SOL001-0016", "SOL001 clause 6.10", "a trigger of an indicator cannot act";
    NO_NS = "SOL001-0020", "SOL001 clause 7.11", "no NS node type or template";
    NS_DEPENDENCY_CYCLE = "SOL001-0021", "SOL001 clause 7.8", "parts of the network service wait for each other in a circle";
    NS_CONNECTION = "SOL001-0022", "SOL001 clause 7.8", "a connection of the network service leads nowhere";
    NS_VNF = "SOL001-0023", "SOL001 clause 7.8", "a VNF of the network service cannot be identified";
    NS_FORWARDING = "SOL001-0024", "SOL001 clause 7.8", "a forwarding path leads nowhere";
    NS_SCALING = "SOL001-0025", "SOL001 clause 7.10", "scaling aspects and levels of the service do not fit together";
    NS_PART = "SOL001-0026", "SOL001 clause 7.8", "a PNF or nested service cannot be identified";
    NO_PNF = "SOL001-0030", "SOL001 clause 8.6", "no PNF node type or template";

    YANG_XML = "SOL006-0001", "", "an XML or JSON file cannot be read";
    YANG_ROOT = "SOL006-0002", "SOL006 module etsi-nfv-descriptors", "the file does not hold the one descriptor asked for";
    YANG_UNKNOWN = "SOL006-0003", "SOL006 modules etsi-nfv-vnf, etsi-nfv-ns and etsi-nfv-pnf", "the modules have no such node";
    YANG_MISSING = "SOL006-0004", "RFC 7950 clause 7.6.5", "a mandatory node is missing";
    YANG_VALUE = "SOL006-0005", "RFC 7950 clause 9", "a value is not of its type";
    YANG_SHAPE = "SOL006-0006", "RFC 7950 clause 7", "a node is given in the wrong form";
    YANG_REF = "SOL006-0007", "RFC 7950 clause 9.9", "a reference leads to nothing";
    YANG_KEY = "SOL006-0008", "RFC 7950 clause 7.8.2", "entries of a list are not told apart";
    YANG_MUST = "SOL006-0009", "RFC 7950 clause 7.5.3", "a condition of the module does not hold";
    YANG_VAGUE = "SOL006-0010", "SOL006 modules etsi-nfv-vnf and etsi-nfv-ns", "the modules leave open what is meant";
    YANG_IMAGE = "SOL006-0011", "SOL006 module etsi-nfv-vnf", "software image description and file do not fit";
    YANG_FILE = "SOL006-0012", "SOL004 clause 4.1", "a file that the descriptor names is not in the package";
    OSM_YAML = "SOL006-0020", "SOL006 modules in JSON by RFC 7951 or XML by RFC 7950", "YAML in place of JSON or XML";
    OSM_UNITS = "SOL006-0021", "SOL006 module etsi-nfv-vnf", "sizes counted in GiB";
    OSM_ADDITION = "SOL006-0022", "SOL006 modules etsi-nfv-vnf and etsi-nfv-ns", "an addition of Open Source MANO";
    OSM_BOOT = "SOL006-0023", "SOL006 module etsi-nfv-vnf", "boot data as Open Source MANO gives it";
    OSM_DAY_1_2 = "SOL006-0024", "SOL006 module etsi-nfv-vnf", "configuration by charms or charts";
    OSM_IMAGE = "SOL006-0025", "SOL006 module etsi-nfv-vnf", "an image as Open Source MANO names it";
    OSM_STORAGE = "SOL006-0026", "SOL006 module etsi-nfv-vnf", "a storage as Open Source MANO describes it";
    OSM_COMPUTE = "SOL006-0027", "SOL006 module etsi-nfv-vnf", "CPU or memory demands of Open Source MANO";
    OSM_NETWORK = "SOL006-0028", "SOL006 modules etsi-nfv-vnf and etsi-nfv-ns", "network demands of Open Source MANO";
    OSM_OLD = "SOL006-0029", "SOL006 modules", "the information model that Open Source MANO had before SOL006";

    OVF_ARCHIVE = "OVF-0001", "DSP0243 clause 5.3", "the appliance is not packed as OVF asks";
    OVF_ORDER = "OVF-0002", "DSP0243 clause 5.3", "the files of the archive stand in another order";
    OVF_XML = "OVF-0003", "XML 1.0", "the descriptor is not well-formed XML";
    OVF_BUDGET = "OVF-0004", "", "the descriptor exceeds a resource limit";
    OVF_SHAPE = "OVF-0005", "DSP0243 clause 7", "an element of the descriptor has the wrong shape";
    OVF_REFERENCE = "OVF-0006", "DSP0243 clause 7.1", "something is named that is not described";
    OVF_FILE = "OVF-0007", "DSP0243 clause 7.1", "a file of the appliance cannot be used";
    OVF_MANIFEST = "OVF-0008", "DSP0243 clause 5.1", "the manifest of the appliance cannot be read";
    OVF_DIGEST = "OVF-0009", "DSP0243 clause 5.1", "a file's digest differs from the appliance's manifest";
    OVF_UNITS = "OVF-0010", "DSP0004 annex C", "a size cannot be computed";
    OVF_DISK = "OVF-0011", "DSP0243 clause 5.2", "a disk cannot be used";
    OVF_LEFT_OUT = "OVF-0012", "", "a VNF package has no place for it";
    OVF_CERTIFICATE = "OVF-0013", "DSP0243 clause 5.1", "the signature of the appliance is not judged";
    OVF_ASSUMED = "OVF-0014", "DSP0243 clause 8", "something is not said and taken to be as usual";
    OVF_HARDWARE = "OVF-0015", "DSP0243 clause 8", "no VDU can be made from the virtual hardware";
    OVF_NOT_EXPORTED = "OVF-0016", "", "an OVF appliance has no place for it";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique() {
        let mut ids: Vec<_> = ALL.iter().map(|c| c.id).collect();
        ids.sort_unstable();
        let n = ids.len();
        ids.dedup();
        assert_eq!(n, ids.len());
    }
}
