//! A deployment flavour of a VNFD: the VDUs it has profiles for, with the parts they use (IFA011 clause 7.1.8).

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::get::{Get, maintenance, with};
use super::vnfd::Context;
use super::vnfd_cp::{self, Ports};
use super::{network, vnfd_compute, vnfd_container, vnfd_image, vnfd_lcm, vnfd_scaling};
use crate::codes;
use crate::diag::Sink;
use crate::tosca::others;
use crate::vnfd::Flavour;
use crate::yaml::Node;

/// The nodes of a flavour that its readers take.
const TAKEN: [&str; 15] = [
    "id",
    "description",
    "vdu-profile",
    "virtual-link-profile",
    "vip-cp-profile",
    "mciop-profile",
    "instantiation-level",
    "default-instantiation-level",
    "lcm-operations-configuration",
    "affinity-or-anti-affinity-group",
    "indicator",
    "supported-vnf-interfaces",
    "supported-coordination-actions",
    "monitoring-parameter",
    "scaling-aspect",
];

pub(super) fn flavour(context: &Context<'_>, df: &Node, sink: &mut Sink) -> Flavour {
    let root = context.root;
    let id = df.id();
    let mut flavour = Flavour { description: df.word("description").unwrap_or_default(), ..Flavour::default() };
    let mut ports = Ports::default();
    let mut chosen = Vec::new();
    for profile in df.list("vdu-profile") {
        let Some(node) = context.part("vdu", &profile.id()) else { continue };
        chosen.push(node);
        if node.list("os-container-desc").is_empty() {
            flavour.vdus.push(vnfd_compute::vdu(context, node, profile, sink));
        } else {
            flavour.deployable_units.push(vnfd_container::unit(node, profile, sink));
        }
        vnfd_cp::of_vdu(context, node, &mut ports, sink);
    }
    if chosen.is_empty() && df.get("kdu-resource-profile").is_none() {
        sink.warn(
            &codes::NO_VDU,
            df.at,
            format!("the flavour `{id}` has no VDU"),
            "add a `vdu-profile` for each VDU that it is to have",
        );
    }
    let parts = Parts::of(root, &chosen);
    let pick =
        |list: &'static str| -> Vec<&Node> { root.list(list).iter().filter(|n| parts.has(list, n.id())).collect() };
    flavour.storages =
        pick("virtual-storage-desc").into_iter().map(|n| vnfd_compute::storage(context, n, sink)).collect();
    flavour.sw_images = pick("sw-image-desc").into_iter().map(|n| vnfd_image::image(context, n, sink)).collect();
    flavour.containers = pick("os-container-desc").into_iter().map(|n| vnfd_container::container(context, n)).collect();
    flavour.mciops = vnfd_container::mciops(root, df);
    flavour.vip_cps = root.list("vip-cpd").iter().map(|n| vnfd_cp::vip(context, n, &ports, sink)).collect();
    flavour.virtual_cps = root.list("virtual-cpd").iter().map(|n| vnfd_cp::virtual_cp(n, sink)).collect();
    flavour.ext_cps = root
        .list("ext-cpd")
        .iter()
        .filter_map(|n| vnfd_cp::ext_cp(context, n, &ports, &flavour.vip_cps, sink))
        .collect();
    let profile_of = |link: &str| df.list("virtual-link-profile").iter().find(|p| p.id() == link);
    let links = root.list("int-virtual-link-desc").iter();
    flavour.virtual_links = links
        .filter(|n| parts.has("int-virtual-link-desc", n.id()) || profile_of(&n.id()).is_some())
        .map(|n| vnfd_cp::link(n, profile_of(&n.id()), sink))
        .collect();
    flavour.security_group_rules = security(context, &chosen);
    flavour.scaling = vnfd_scaling::read(df, &flavour.vdus, sink);
    placement(&mut flavour, df, sink);
    flavour.supported_interfaces = vnfd_lcm::supported_interfaces(df);
    flavour.indicators = vnfd_lcm::indicators(root, df);
    flavour.package_changes = vnfd_lcm::package_changes(root);
    flavour.coordination_actions = vnfd_lcm::coordination(root);
    flavour.coordinations = vnfd_lcm::coordinations(df);
    (flavour.interfaces, flavour.artifacts) = vnfd_lcm::scripts(root, context.files, sink);
    flavour.policy_extras = policy_extras(root, df);
    flavour.template_extra = others(df, &TAKEN);
    flavour.template_extra = with(flavour.template_extra, "scaling-aspect", scaling_rest(df));
    flavour.template_extra =
        with(flavour.template_extra, "vip-cp-profile", rest(df, "vip-cp-profile", &["id", "min-number-of-instances"]));
    flavour.vdu_cps = ports.nics;
    flavour.sub_cps = ports.subs;
    flavour.id = id;
    flavour
}

/// Which entries of the VNFD's lists a flavour has: those that its VDUs use, and those that no VDU at all uses.
struct Parts {
    own: HashSet<(&'static str, String)>,
    any: HashSet<(&'static str, String)>,
}

impl Parts {
    fn of(root: &Node, chosen: &[&Node]) -> Self {
        let mut any = HashSet::new();
        for vdu in root.list("vdu") {
            used(root, vdu, &mut any);
        }
        let mut own = HashSet::new();
        for vdu in chosen {
            used(root, vdu, &mut own);
        }
        Self { own, any }
    }

    fn has(&self, list: &'static str, id: String) -> bool {
        let part = (list, id);
        self.own.contains(&part) || !self.any.contains(&part)
    }
}

/// The parts that a VDU uses, with those that these use.
fn used(root: &Node, vdu: &Node, into: &mut HashSet<(&'static str, String)>) {
    let find = |list: &str, id: &str| root.list(list).iter().find(|n| n.get("id").and_then(Node::text) == Some(id));
    into.extend(vdu.word("sw-image-desc").map(|i| ("sw-image-desc", i)));
    into.extend(vdu.words("alternative-sw-image-desc").into_iter().map(|i| ("sw-image-desc", i)));
    for id in vdu
        .words("virtual-storage-desc")
        .into_iter()
        .chain(vdu.list("boot-order").iter().filter_map(|b| b.word("value")))
    {
        let storage = find("virtual-storage-desc", &id);
        for data in storage
            .into_iter()
            .flat_map(|s| [Some(s), s.get("block-storage-data"), s.get("file-storage-data")].into_iter().flatten())
        {
            into.extend(data.word("sw-image-desc").map(|i| ("sw-image-desc", i)));
            // The module's reference leads to an image.
            into.extend(data.word("int-virtual-link-desc").map(|i| ("sw-image-desc", i)));
            into.extend(data.word("int-virtual-link-desc").map(|i| ("int-virtual-link-desc", i)));
        }
        into.insert(("virtual-storage-desc", id));
    }
    for id in vdu.words("os-container-desc") {
        let container = find("os-container-desc", &id);
        into.extend(container.and_then(|c| c.word("sw-image-desc")).map(|i| ("sw-image-desc", i)));
        into.insert(("os-container-desc", id));
    }
    for cp in vdu.list("int-cpd") {
        into.extend(cp.word("int-virtual-link-desc").map(|l| ("int-virtual-link-desc", l)));
    }
}

/// Security group rules with the connection points they are for.
fn security(context: &Context<'_>, chosen: &[&Node]) -> Vec<crate::network::SecurityGroupRule> {
    let inner =
        chosen.iter().flat_map(|vdu| vdu.list("int-cpd").iter().map(|cp| (context.names.of(&vdu.id(), &cp.id()), cp)));
    let outer = context.root.list("ext-cpd").iter().map(|cp| (cp.id(), cp));
    let all: Vec<(String, &Node)> = inner.chain(outer).collect();
    network::security(context.root, &all)
}

fn placement(flavour: &mut Flavour, df: &Node, sink: &mut Sink) {
    let lists = ["vdu-profile", "virtual-link-profile", "mciop-profile"];
    let profiles: Vec<(String, &Node)> = lists.iter().flat_map(|l| df.list(l)).map(|p| (p.id(), p)).collect();
    let (rules, local) = network::placement(df, &profiles, sink);
    flavour.placement = rules;
    flavour.group_maintenance = local.into_iter().filter_map(|(name, rule)| Some((name, maintenance(rule)?))).collect();
}

/// What scaling aspects say beyond the model.
fn scaling_rest(df: &Node) -> Value {
    rest(df, "scaling-aspect", &["id", "name", "description", "max-scale-level", "aspect-delta-details"])
}

fn rest(df: &Node, list: &str, taken: &[&str]) -> Value {
    super::get::leftovers(df.list(list), taken)
}

/// What indicators and changes of package say beyond the model, by name.
fn policy_extras(root: &Node, df: &Node) -> BTreeMap<String, Value> {
    let indicators = root.list("indicator").iter().chain(df.list("indicator"));
    let indicators = indicators.map(|i| (i.id(), others(i, &["id", "source"])));
    let changes = vnfd_lcm::package_change_rest(root).into_iter();
    indicators.chain(changes).filter(|(_, left)| !left.is_null()).collect()
}
