//! Connection points and virtual links of a VNFD (IFA011 clauses 7.1.3, 7.1.6.4, 7.1.7 and 7.1.17).

use std::collections::{BTreeMap, HashMap};

use super::get::{Get, maintenance, monitoring, with};
use super::network::{self, CP, Rates};
use super::vnfd::Context;
use crate::codes;
use crate::diag::Sink;
use crate::tosca::{nearest, others};
use crate::vnfd::{
    ExtCp, ExtCpKind, InterfaceRequirement, ServiceData, ServicePort, VduCp, VduSubCp, VipCp, VirtualCp, VnfVirtualLink,
};
use crate::yaml::Node;

/// The names of the VDUs' connection points within the VNFD: their identifiers, which the module lets two VDUs share; then
/// the VDU's name comes before.
pub(super) struct CpNames(HashMap<(String, String), String>);

impl CpNames {
    pub fn new(root: &Node) -> Self {
        let all: Vec<(String, String)> = root
            .list("vdu")
            .iter()
            .flat_map(|vdu| vdu.list("int-cpd").iter().map(move |cp| (vdu.id(), cp.id())))
            .collect();
        let mut count: HashMap<&str, usize> = HashMap::new();
        for (_, cp) in &all {
            *count.entry(cp).or_default() += 1;
        }
        let name = |vdu: &str, cp: &str| if count.get(cp) > Some(&1) { format!("{vdu}.{cp}") } else { cp.to_owned() };
        Self(all.iter().map(|(vdu, cp)| ((vdu.clone(), cp.clone()), name(vdu, cp))).collect())
    }

    /// The name of a VDU's connection point.
    pub fn of(&self, vdu: &str, cp: &str) -> String {
        self.0.get(&(vdu.to_owned(), cp.to_owned())).cloned().unwrap_or_else(|| cp.to_owned())
    }
}

/// The connection points of a flavour's VDUs.
#[derive(Default)]
pub(super) struct Ports {
    pub nics: Vec<VduCp>,
    pub subs: Vec<VduSubCp>,
}

/// The connection points of a VDU, in the order of its NICs; those below a trunk apart.
pub(super) fn of_vdu(context: &Context<'_>, vdu: &Node, ports: &mut Ports, sink: &mut Sink) {
    let name = vdu.id();
    let subs: HashMap<String, (String, &Node)> = vdu
        .list("trunk-port")
        .iter()
        .flat_map(|trunk| {
            let parent = trunk.word("parent-port-cpd").unwrap_or_default();
            trunk.list("sub-port-list").iter().filter_map(move |s| Some((s.word("sub-port-cpd")?, (parent.clone(), s))))
        })
        .collect();
    let mut nics = Vec::new();
    for node in vdu.list("int-cpd") {
        let cp = vdu_cp(context, &name, node, sink);
        match subs.get(&node.id()) {
            Some((parent, sub)) => ports.subs.push(VduSubCp {
                cp,
                parent: context.names.of(&name, parent),
                segmentation_type: sub.word("segmentation-type").or_else(|| Some("vlan".to_owned())),
                segmentation_id: sub.number("segmentation-id"),
            }),
            None => nics.push(cp),
        }
    }
    nics.sort_by_key(|cp| cp.order.unwrap_or(u32::MAX));
    ports.nics.extend(nics);
}

fn vdu_cp(context: &Context<'_>, vdu: &str, node: &Node, sink: &mut Sink) -> VduCp {
    let mut taken = vec![
        "int-virtual-link-desc",
        "bitrate-requirement",
        "virtual-network-interface-requirement",
        "order",
        "vnic-type",
        "security-group-rule-id",
        "port-security-enabled",
    ];
    taken.extend(CP);
    let name = context.names.of(vdu, &node.id());
    let first = node.list("virtual-network-interface-requirement").first();
    let position = first.and_then(|r| r.number("position"));
    let osm_type = first.and_then(|r| r.get("virtual-interface")).and_then(|v| v.get("type"));
    VduCp {
        vdu: vdu.to_owned(),
        virtual_link: node.word("int-virtual-link-desc"),
        external: external(context, vdu, node),
        order: node.number("order").or(position),
        layer_protocols: network::layers(node),
        vnic_type: node
            .word("vnic-type")
            .or_else(|| interface_type(osm_type?, sink))
            .unwrap_or_else(|| "normal".to_owned()),
        bitrate_bps: node.large("bitrate-requirement").map(|r| r.saturating_mul(1_000_000)),
        addresses: network::addresses(node, sink),
        trunk_mode: node.flag("trunk-mode").unwrap_or_default(),
        role: node.word("role"),
        description: node.word("description"),
        port_security: node.flag("port-security-enabled").unwrap_or(true),
        ip_stack_mode: None,
        interface_requirements: requirements(context, node),
        metadata: BTreeMap::new(),
        extra: with(others(node, &taken), "virtual-network-interface-requirement", requirement_rest(node)),
        name,
    }
}

/// The words of Open Source MANO for the kinds of NICs.
fn interface_type(node: &Node, sink: &mut Sink) -> Option<String> {
    let word = node.text()?;
    let read = match word.to_ascii_uppercase().as_str() {
        "PARAVIRT" | "VIRTIO" => "virtio",
        "SR-IOV" => "direct",
        "PCI-PASSTHROUGH" => "direct-physical",
        "OM-MGMT" | "E1000" | "RTL8139" | "PCNET" => "normal",
        _ => {
            sink.warn(
                &codes::OSM_NETWORK,
                node.at,
                format!("the kind of NIC `{word}` is not known; it is read as `normal`"),
                "write PARAVIRT, SR-IOV or PCI-PASSTHROUGH",
            );
            "normal"
        }
    };
    Some(read.to_owned())
}

/// The external connection points that expose a VDU's.
fn external(context: &Context<'_>, vdu: &str, cp: &Node) -> Vec<String> {
    let id = cp.id();
    let link = cp.word("int-virtual-link-desc");
    let exposes = |ext: &&Node| {
        let direct = ext
            .get("int-cpd")
            .is_some_and(|i| i.word("vdu-id").as_deref() == Some(vdu) && i.word("cpd").as_deref() == Some(id.as_str()));
        direct || (link.is_some() && ext.word("int-virtual-link-desc") == link)
    };
    context.root.list("ext-cpd").iter().filter(exposes).map(Get::id).collect()
}

fn requirements(context: &Context<'_>, cp: &Node) -> Vec<InterfaceRequirement> {
    let nic_io = |id: String| {
        let computes = context.root.list("virtual-compute-desc").iter();
        computes.flat_map(super::vnfd_compute::logical_nodes).find(|(name, _)| *name == id).map(|(_, n)| n)
    };
    cp.list("virtual-network-interface-requirement")
        .iter()
        .filter(|r| !is_osm(r) || STANDARD.iter().any(|key| r.get(key).is_some()))
        .map(|r| {
            let mut requirements = r.pairs("standardized-network-interface-requirements");
            requirements.extend(r.pairs("network-interface-requirements"));
            InterfaceRequirement {
                name: r.word("name"),
                description: r.word("description"),
                mandatory: r.flag("support-mandatory"),
                requirements,
                nic_io: r.word("nic-io-requirements").and_then(nic_io).unwrap_or_default(),
            }
        })
        .collect()
}

/// What an interface requirement of the standard says beside its name.
const STANDARD: [&str; 5] = [
    "description",
    "support-mandatory",
    "network-interface-requirements",
    "nic-io-requirements",
    "standardized-network-interface-requirements",
];

/// Whether an interface requirement says what only those of Open Source MANO do.
fn is_osm(requirement: &Node) -> bool {
    ["virtual-interface", "position", "mac-address", "ip-address"].iter().any(|key| requirement.get(key).is_some())
}

/// What the interface requirements of Open Source MANO say beyond the type and position that are read.
fn requirement_rest(cp: &Node) -> serde_json::Value {
    let own = cp.list("virtual-network-interface-requirement").iter().filter(|r| is_osm(r));
    let left: Vec<_> = own.map(|r| others(r, &["position"])).collect();
    if left.is_empty() { serde_json::Value::Null } else { serde_json::Value::Array(left) }
}

/// An external connection point; `None` when it belongs to a VDU that the flavour does not have.
pub(super) fn ext_cp(
    context: &Context<'_>,
    node: &Node,
    ports: &Ports,
    vips: &[VipCp],
    sink: &mut Sink,
) -> Option<ExtCp> {
    let name = node.id();
    let mut taken = vec![
        "int-virtual-link-desc",
        "int-cpd",
        "vip-cpd",
        "virtual-cpd",
        "virtual-network-interface-requirement",
        "security-group-rule-id",
    ];
    taken.extend(CP);
    let (mut cp, mut kind, mut vdu_cps) = (name.clone(), ExtCpKind::Other, Vec::new());
    // What an external connection point does not say of itself, the one of the VDU that it opens does.
    let mut opened = None;
    if let Some(inner) = node.get("int-cpd") {
        let (vdu, id) = (inner.word("vdu-id").unwrap_or_default(), inner.word("cpd").unwrap_or_default());
        let owner = context.part("vdu", &vdu)?;
        let there = || owner.list("int-cpd").iter().map(Get::id);
        if let (Some(place), false) = (inner.get("cpd"), there().any(|i| i == id)) {
            let all: Vec<String> = there().collect();
            let near = nearest(&id, all.iter().map(String::as_str));
            sink.error_mend(
                &codes::YANG_REF,
                place.at,
                format!("`cpd` names `{id}`, and the VDU `{vdu}` has no `int-cpd` of that name"),
                near.map_or_else(|| format!("use one of {}", all.join(", ")), |n| format!("did you mean `{n}`?")),
            );
            return None;
        }
        cp = context.names.of(&vdu, &id);
        kind = ExtCpKind::VduCp;
        opened = Some(ports.nics.iter().find(|p| p.name == cp)?);
        vdu_cps.push(cp.clone());
    } else if let Some(link) = node.word("int-virtual-link-desc") {
        vdu_cps =
            ports.nics.iter().filter(|p| p.virtual_link.as_ref() == Some(&link)).map(|p| p.name.clone()).collect();
        kind = ExtCpKind::VnfExtCp { internal_virtual_link: Some(link) };
    } else if let Some(vip) = node.word("vip-cpd") {
        vdu_cps = vips.iter().find(|v| v.name == vip).map(|v| v.targets.clone()).unwrap_or_default();
        cp = vip;
    } else if let Some(service) = node.word("virtual-cpd") {
        cp = service;
    } else {
        let same = context.root.list("vdu").iter().any(|v| v.list("int-cpd").iter().any(|c| c.id() == name));
        let mend = if same {
            "add `int-cpd` with the VDU and its connection point of that name"
        } else {
            "add `int-cpd` or `int-virtual-link-desc`"
        };
        sink.warn(
            &codes::YANG_VAGUE,
            node.at,
            format!("the external connection point `{name}` does not say what it opens; nothing is connected by it"),
            mend,
        );
    }
    let mut own = ExtCp {
        name,
        cp,
        kind,
        vdu_cps,
        layer_protocols: network::layers(node),
        addresses: network::addresses(node, sink),
        description: node.word("description"),
        interface_requirements: requirements(context, node),
        extra: with(others(node, &taken), "own", role_and_trunk(node)),
    };
    if let Some(opened) = opened {
        if node.get("layer-protocol").is_none() {
            own.layer_protocols.clone_from(&opened.layer_protocols);
        }
        if node.get("protocol").is_none() {
            own.addresses.clone_from(&opened.addresses);
        }
        own.description = own.description.or_else(|| opened.description.clone());
    }
    Some(own)
}

/// What an external connection point says of itself that the model has only for those of VDUs.
fn role_and_trunk(node: &Node) -> serde_json::Value {
    let mut left = serde_json::Map::new();
    for key in ["role", "trunk-mode"] {
        if let Some(value) = node.get(key) {
            left.insert(key.to_owned(), value.to_json());
        }
    }
    if left.is_empty() { serde_json::Value::Null } else { serde_json::Value::Object(left) }
}

/// A shared address. It names connection points without their VDU: all of that identifier share it.
pub(super) fn vip(context: &Context<'_>, node: &Node, ports: &Ports, sink: &mut Sink) -> VipCp {
    let mut taken = vec!["int-cpd", "int-virtual-link-desc", "dedicated-ip-address", "vip-function"];
    taken.extend(CP);
    let named = node.words("int-cpd");
    let is_target = |cp: &&VduCp| named.iter().any(|n| context.names.of(&cp.vdu, n) == cp.name);
    VipCp {
        name: node.id(),
        targets: ports.nics.iter().filter(is_target).map(|cp| cp.name.clone()).collect(),
        virtual_link: node.word("int-virtual-link-desc"),
        function: node.word("vip-function").map(|f| match f.as_str() {
            "load-balancing" => "load_balance".to_owned(),
            other => other.replace('-', "_"),
        }),
        dedicated_ip_address: node.flag("dedicated-ip-address").unwrap_or(true),
        layer_protocols: network::layers(node),
        addresses: network::addresses(node, sink),
        description: node.word("description"),
        extra: with(others(node, &taken), "own", role_and_trunk(node)),
    }
}

/// A service in front of deployable units.
pub(super) fn virtual_cp(node: &Node, sink: &mut Sink) -> VirtualCp {
    let mut taken = vec!["vdu", "additional-service-data"];
    taken.extend(CP);
    let service = node.get("additional-service-data").map(|s| ServiceData {
        ports: s
            .list("port-data")
            .iter()
            .map(|p| ServicePort {
                name: p.word("name").unwrap_or_default(),
                protocol: p.word("protocol").unwrap_or_else(|| "tcp".to_owned()),
                port: p.large("port").and_then(|n| u16::try_from(n).ok()).unwrap_or_default(),
                configurable: p.flag("port-configurable").unwrap_or_default(),
            })
            .collect(),
        text: s.word("service-data"),
        ..ServiceData::default()
    });
    VirtualCp {
        name: node.id(),
        targets: node.words("vdu"),
        virtual_link: None,
        layer_protocols: network::layers(node),
        addresses: network::addresses(node, sink),
        description: node.word("description"),
        services: service.into_iter().collect(),
        address_pool_name_configurable: false,
        extra: with(others(node, &taken), "own", role_and_trunk(node)),
    }
}

/// An internal virtual link with the profile that the flavour gives it.
pub(super) fn link(node: &Node, profile: Option<&Node>, sink: &mut Sink) -> VnfVirtualLink {
    // The module names bit rates of these links without a unit; IFA011 counts in bit/s.
    const RATES: Rates = Rates { max: "max-bit-rate-requirements", min: "min-bit-rate-requirements", unit: 1 };
    let flavours = node.list("flavour");
    let wanted = profile.and_then(|p| p.get("flavour"));
    let flavour = match wanted {
        Some(place) => {
            let name = place.text().unwrap_or_default();
            let found = flavours.iter().find(|f| f.id() == name);
            if found.is_none() {
                let all: Vec<String> = flavours.iter().map(Get::id).collect();
                let near = nearest(name, all.iter().map(String::as_str));
                sink.error_mend(
                    &codes::YANG_REF,
                    place.at,
                    format!(
                        "`flavour` names `{name}`, and the virtual link `{}` has no flavour of that name",
                        node.id()
                    ),
                    near.map_or_else(|| format!("add the flavour `{name}`"), |n| format!("did you mean `{n}`?")),
                );
            }
            found
        }
        None => flavours.first().filter(|_| flavours.len() == 1),
    };
    let taken = [
        "id",
        "description",
        "connectivity-type",
        "test-access",
        "monitoring-parameters",
        "nfvi-maintenance-info",
        "externally-managed",
    ];
    let mut known = taken.to_vec();
    // The one flavour that is used stands in the profile.
    if flavours.len() == usize::from(flavour.is_some()) {
        known.push("flavour");
    }
    VnfVirtualLink {
        name: node.id(),
        description: node.word("description"),
        connectivity: network::connectivity(node),
        profile: network::profile(profile, flavour, &RATES, &[], sink),
        test_access: node.words("test-access"),
        monitoring: monitoring(node.list("monitoring-parameters")),
        maintenance: maintenance(node),
        externally_managed: node.word("externally-managed"),
        extra: others(node, &known),
    }
}
