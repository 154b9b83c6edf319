//! The node templates, groups and policies of one deployment flavour (SOL001 clauses 6.8 and 6.10).

use super::model::Flavour;
use super::read_cp::Port;
use super::read_policies::Taken;
use super::{read_compute, read_container, read_cp, read_policies, read_scaling};
use crate::archive::Package;
use crate::codes;
use crate::diag::Sink;
use crate::network::read::{
    node_rest, placement_rule, policy_rest, raw_group, raw_node, raw_policy, security_group_rule,
};
use crate::network::{PlacementKind, maintenance};
use crate::tosca::fields::Fields;
use crate::tosca::function::Scope;
use crate::tosca::{Bundle, Topology, TypeKind};

/// What reading a flavour needs.
pub(super) struct Context<'a, 's> {
    pub package: &'a Package,
    pub bundle: &'a Bundle,
    pub topology: &'a Topology,
    pub scope: &'s Scope<'a>,
    pub vnf_type: &'s str,
    pub sink: &'s mut Sink,
}

/// Node types with a typed form, the more special first.
const KINDS: [(&str, Kind); 12] = [
    ("tosca.nodes.nfv.Vdu.Compute", Kind::Vdu),
    ("tosca.nodes.nfv.Vdu.VirtualBlockStorage", Kind::Storage),
    ("tosca.nodes.nfv.Vdu.VirtualObjectStorage", Kind::Storage),
    ("tosca.nodes.nfv.Vdu.VirtualFileStorage", Kind::Storage),
    ("tosca.nodes.nfv.VduCp", Kind::VduCp),
    ("tosca.nodes.nfv.VnfVirtualLink", Kind::VirtualLink),
    // Read from the substitution mapping, which names it.
    ("tosca.nodes.nfv.VnfExtCp", Kind::ExtCp),
    ("tosca.nodes.nfv.VipCp", Kind::Vip),
    ("tosca.nodes.nfv.VirtualCp", Kind::VirtualCp),
    ("tosca.nodes.nfv.Vdu.OsContainer", Kind::Container),
    ("tosca.nodes.nfv.Vdu.OsContainerDeployableUnit", Kind::Unit),
    ("tosca.nodes.nfv.Mciop", Kind::Mciop),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Vdu,
    Storage,
    VduCp,
    VirtualLink,
    ExtCp,
    Vip,
    VirtualCp,
    Container,
    Unit,
    Mciop,
}

impl Context<'_, '_> {
    /// The standard type a node's type is or derives from, among those given.
    pub fn ancestor<'k>(&self, type_name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
        known.into_iter().find(|k| self.bundle.types.is_a(TypeKind::Node, type_name, k))
    }
}

pub(super) fn read(context: &mut Context<'_, '_>, flavour: &mut Flavour) {
    for node in &context.topology.nodes {
        let ancestor = context.ancestor(&node.type_name, KINDS.iter().map(|(n, _)| *n));
        let kind = ancestor.and_then(|a| KINDS.iter().find(|(n, _)| *n == a)).map(|(_, k)| *k);
        match kind {
            Some(Kind::Vdu) => {
                let (vdu, image) = read_compute::vdu(context, node);
                flavour.vdus.push(vdu);
                flavour.sw_images.extend(image);
            }
            Some(Kind::Storage) => {
                let (storage, image) = read_compute::storage(context, node, ancestor.unwrap_or_default());
                flavour.storages.push(storage);
                flavour.sw_images.extend(image);
            }
            Some(Kind::VduCp) => match read_cp::vdu_cp(context, node) {
                Some(Port::Nic(cp)) => flavour.vdu_cps.push(cp),
                Some(Port::Sub(cp)) => flavour.sub_cps.push(cp),
                None => {}
            },
            Some(Kind::VirtualLink) => flavour.virtual_links.push(read_cp::virtual_link(context, node)),
            Some(Kind::Vip) => flavour.vip_cps.push(read_cp::vip(context, node)),
            Some(Kind::VirtualCp) => flavour.virtual_cps.push(read_container::virtual_cp(context, node)),
            Some(Kind::Container) => {
                let (container, image) = read_container::container(context, node);
                flavour.containers.push(container);
                flavour.sw_images.extend(image);
            }
            Some(Kind::Unit) => flavour.deployable_units.push(read_container::unit(context, node)),
            Some(Kind::Mciop) => flavour.mciops.push(read_container::mciop(context, node)),
            Some(Kind::ExtCp) => {}
            None if context.scope.owner.as_deref() == Some(node.name.as_str()) => {
                flavour.vnf_extra = node_rest(node, &["interfaces", "artifacts"], &[]);
            }
            None => flavour.other_nodes.push(raw_node(node)),
        }
    }
    if flavour.vdus.is_empty() && flavour.deployable_units.is_empty() && flavour.other_nodes.is_empty() {
        context.sink.warn(
            &codes::NO_VDU,
            context.topology.at,
            format!("the deployment flavour `{}` has no VDU", flavour.id),
            "add a node template of type `tosca.nodes.nfv.Vdu.Compute`",
        );
    }
    read_cp::connect(context, flavour);
    unmapped(context, flavour);
    for group in &context.topology.groups {
        flavour.groups.push(raw_group(group));
    }
    policies(context, flavour);
}

/// A `VnfExtCp` that no requirement of the VNF is mapped to cannot be connected; it is kept as it is.
fn unmapped(context: &mut Context<'_, '_>, flavour: &mut Flavour) {
    for node in &context.topology.nodes {
        let is_ext = context.ancestor(&node.type_name, ["tosca.nodes.nfv.VnfExtCp"]).is_some();
        if !is_ext || flavour.ext_cps.iter().any(|c| c.cp == node.name) {
            continue;
        }
        context.sink.warn(
            &codes::CP_LINK,
            node.at,
            format!("no requirement of the VNF leads to the external connection point `{}`", node.name),
            format!("map one to `[ {}, external_virtual_link ]` under `substitution_mappings`", node.name),
        );
        flavour.other_nodes.push(raw_node(node));
    }
}

fn policies(context: &mut Context<'_, '_>, flavour: &mut Flavour) {
    let types = &context.bundle.types;
    for policy in &context.topology.policies {
        let properties = context.scope.eval(&policy.properties, None);
        let fields = Fields::new(&properties, format!("policy `{}`", policy.name), policy.at);
        let is = |name: &str| types.is_a(TypeKind::Policy, &policy.type_name, &format!("tosca.policies.nfv.{name}"));
        let sink = &mut *context.sink;
        let mut triggers_taken = false;
        if is("AffinityRule") || is("AntiAffinityRule") {
            let kind = if is("AffinityRule") { PlacementKind::Affinity } else { PlacementKind::AntiAffinity };
            flavour.placement.push(placement_rule(context.topology, policy, &fields, kind, sink));
            let group = maintenance(&fields.sub("nfvi_maintenance_group_info"), sink);
            flavour.group_maintenance.extend(group.map(|g| (policy.name.clone(), g)));
        } else if is("SecurityGroupRule") {
            flavour.security_group_rules.push(security_group_rule(policy, &fields, sink));
        } else if !read_scaling::policy(&mut flavour.scaling, policy, &fields, &is, sink) {
            match read_policies::policy(flavour, policy, &fields, &is, sink) {
                Taken::No => {
                    flavour.other_policies.push(raw_policy(policy));
                    continue;
                }
                Taken::Properties => {}
                Taken::WithTriggers => triggers_taken = true,
            }
        }
        let rest = policy_rest(policy, &fields, triggers_taken);
        if !rest.is_null() {
            flavour.policy_extras.insert(policy.name.clone(), rest);
        }
    }
}
