//! A VNFD of module `etsi-nfv-vnf` as the typed model: what belongs to the VNF as a whole (IFA011 clause 7.1.2).

use serde_json::Value;

use super::files::Files;
use super::get::{Get, declared, leftovers, with};
use super::source::Encoding;
use super::vnfd_cp::CpNames;
use super::{osm, vnfd_df, vnfd_lcm};
use crate::diag::Sink;
use crate::network::Declaration;
use crate::tosca::others;
use crate::vnfd::{ConfigurableProperties, ModifiableAttributes, Vnfd};
use crate::yaml::Node;

/// The nodes of a VNFD that its readers take.
const TAKEN: [&str; 29] = [
    "id",
    "provider",
    "product-name",
    "software-version",
    "version",
    "product-info-name",
    "product-info-description",
    "description",
    "vnfm-info",
    "localization-language",
    "default-localization-language",
    "vdu",
    "virtual-compute-desc",
    "virtual-storage-desc",
    "os-container-desc",
    "sw-image-desc",
    "int-virtual-link-desc",
    "security-group-rule",
    "ext-cpd",
    "vip-cpd",
    "virtual-cpd",
    "df",
    "configurable-properties",
    "modifiable-attributes",
    "lifecycle-management-script",
    "indicator",
    "vnf-package-change-info",
    "lcm-operations-coordination",
    "mciop-id",
];

/// What reading a VNFD's parts needs to know.
pub(super) struct Context<'a> {
    pub root: &'a Node,
    pub encoding: Encoding,
    pub files: Files<'a>,
    /// Bytes of the unit in which memory and disks are given.
    pub unit: u64,
    pub names: CpNames,
}

impl<'a> Context<'a> {
    /// An entry of one of the VNFD's lists, by its `id`.
    pub fn part(&self, list: &str, id: &str) -> Option<&'a Node> {
        self.root.list(list).iter().find(|n| n.get("id").and_then(Node::text) == Some(id))
    }
}

pub(super) fn read(root: &Node, encoding: Encoding, files: Files<'_>, sink: &mut Sink) -> Vnfd {
    let yaml = encoding == Encoding::Yaml;
    if yaml && !(root.list("virtual-compute-desc").is_empty() && root.list("virtual-storage-desc").is_empty()) {
        osm::units(root.at, sink);
    }
    let unit = if yaml { 1 << 30 } else { 1_000_000_000 };
    let context = Context { root, encoding, files, unit, names: CpNames::new(root) };
    let flavours: Vec<_> = root.list("df").iter().map(|df| vnfd_df::flavour(&context, df, sink)).collect();
    let mut monitoring = Vec::new();
    for df in root.list("df") {
        for parameter in super::get::monitoring(df.list("monitoring-parameter")) {
            if !monitoring.contains(&parameter) {
                monitoring.push(parameter);
            }
        }
    }
    Vnfd {
        service_template: serde_json::Value::Null,
        descriptor_id: root.id(),
        descriptor_version: root.word("version").unwrap_or_default(),
        ext_invariant_id: None,
        provider: root.word("provider").unwrap_or_default(),
        product_name: root.word("product-name").unwrap_or_default(),
        software_version: root.word("software-version").unwrap_or_default(),
        product_info_name: root.word("product-info-name"),
        product_info_description: root.word("product-info-description").or_else(|| root.word("description")),
        vnfm_info: root.words("vnfm-info"),
        localization_languages: root.word("localization-language").into_iter().collect(),
        default_localization_language: root.word("default-localization-language"),
        node_type: String::new(),
        flavours,
        configurable_properties: configurable(root.get("configurable-properties")),
        modifiable_attributes: modifiable(root.get("modifiable-attributes")),
        lcm_operations: vnfd_lcm::operations(root, sink),
        monitoring,
        attributes: Vec::new(),
        extra: extra(root),
        warnings: crate::diag::Diagnostics::default(),
    }
}

/// What has no place of its own in the model.
fn extra(root: &Node) -> Value {
    let mut left = others(root, &TAKEN);
    let configurable = root
        .get("configurable-properties")
        .map(|c| others(c, &["is-auto-scalable-enabled", "is-auto-heal-enabled", "additional-configurable-property"]));
    left = with(left, "configurable-properties", configurable.unwrap_or_default());
    let modifiable = root.get("modifiable-attributes").map(|m| others(m, &["extension", "metadata"]));
    left = with(left, "modifiable-attributes", modifiable.unwrap_or_default());
    // Descriptions of images that the model of an image has no room for.
    with(left, "sw-image-desc", leftovers(root.list("sw-image-desc"), &super::vnfd_image::IMAGE))
}

fn configurable(given: Option<&Node>) -> ConfigurableProperties {
    let Some(given) = given else { return ConfigurableProperties::default() };
    let flag = |key: &str, name: &str| -> Option<Declaration> {
        given.flag(key).map(|v| declared(name, "boolean", Some(Value::Bool(v))))
    };
    ConfigurableProperties {
        standard: flag("is-auto-scalable-enabled", "is_autoscale_enabled")
            .into_iter()
            .chain(flag("is-auto-heal-enabled", "is_autoheal_enabled"))
            .collect(),
        additional: given
            .list("additional-configurable-property")
            .iter()
            .map(|p| declared(&p.word("key").unwrap_or_default(), "string", p.word("value").map(Value::String)))
            .collect(),
    }
}

fn modifiable(given: Option<&Node>) -> ModifiableAttributes {
    let names = |key: &str| -> Vec<Declaration> {
        given.map(|g| g.words(key)).unwrap_or_default().iter().map(|n| declared(n, "string", None)).collect()
    };
    ModifiableAttributes { extensions: names("extension"), metadata: names("metadata") }
}
