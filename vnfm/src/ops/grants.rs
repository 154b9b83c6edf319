//! Grants (SOL003 clause 9): the request that a blueprint makes, and what an answer means for each resource.

use lcm::Problem;
use reference_points::or_vi::{AffinityPolicy, AffinityScope};
use reference_points::or_vnfm::{
    AffinityOrAntiAffinity, ConstraintResourceIdType, ConstraintResourceRef, Grant, GrantRequest, GrantRequestLinks,
    LcmOperationType, Link, PlacementConstraint, PlacementScope, ResourceDefinition, ResourceHandle, ResourceType,
};
use uuid::Uuid;

use super::blueprint::{Blueprint, GroupPart, PortOn, PortPart};
use super::instantiate::PortParams;
use super::inventory::{Owned, Part};
use crate::foreign::{advice, is_foreign};
use crate::vi::{Kind, VimRef};

/// What a grant request says besides the resources.
#[derive(Debug, Clone)]
pub struct Asking<'a> {
    /// The operation.
    pub op: Uuid,
    /// The VNFM begins it by itself.
    pub automatic: bool,
    /// The instance.
    pub instance: Uuid,
    /// Descriptor.
    pub vnfd_id: &'a str,
    /// Descriptor that it shall have, when that is another one.
    pub dst_vnfd_id: Option<&'a str>,
    /// Deployment flavour.
    pub flavour_id: &'a str,
    /// Instantiation level.
    pub level_id: Option<&'a str>,
    /// Own base address, for the links.
    pub base: &'a str,
}

/// What an operation does to resources, as a grant request tells it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Change<'a> {
    /// What is made.
    pub add: Option<&'a Blueprint>,
    /// Ports that are made for VNFCs which are there.
    pub ports: &'a [PortParams],
    /// What is removed.
    pub remove: &'a [Owned],
    /// What is changed in place.
    pub update: &'a [Owned],
    /// What the instance has before.
    pub present: &'a [Owned],
}

/// The request for an operation.
pub fn request(asking: &Asking<'_>, operation: LcmOperationType, change: &Change<'_>) -> GrantRequest {
    let mut request = empty(asking, operation);
    request.instantiation_level_id = asking.level_id.map(str::to_owned);
    if let Some(blueprint) = change.add {
        request.placement_constraints = constraints(blueprint, change.present);
        request.add_resources = added(blueprint);
    }
    request.add_resources.extend(change.ports.iter().map(|p| port_definition(&p.port)));
    request.remove_resources = change.remove.iter().filter_map(existing).collect();
    request.update_resources = change.update.iter().filter_map(existing).collect();
    request
}

fn definition(id: Uuid, kind: ResourceType, vdu: Option<&str>, template: &str) -> ResourceDefinition {
    ResourceDefinition {
        id: id.to_string(),
        r#type: kind,
        vdu_id: vdu.map(str::to_owned),
        vnfd_id: None,
        resource_template_id: Some(template.to_owned()),
        resource: None,
        snapshot_res_def: None,
    }
}

fn port_definition(port: &PortPart) -> ResourceDefinition {
    let template = match &port.on {
        PortOn::Internal { .. } => &port.cpd,
        PortOn::External { ext_cpd, .. } => ext_cpd,
    };
    definition(port.id, ResourceType::Linkport, None, template)
}

fn added(blueprint: &Blueprint) -> Vec<ResourceDefinition> {
    let mut add = Vec::new();
    for link in &blueprint.links {
        add.push(definition(link.id, ResourceType::Vl, None, &link.desc));
    }
    for volume in &blueprint.volumes {
        add.push(definition(volume.id, ResourceType::Storage, None, &volume.desc));
    }
    for vnfc in &blueprint.vnfcs {
        add.push(definition(vnfc.id, ResourceType::Compute, Some(&vnfc.vdu), &vnfc.vdu));
        add.extend(vnfc.ports.iter().map(port_definition));
    }
    add
}

/// Each group with its members: those to come by their definitions, those that are there by their resources.
fn constraints(blueprint: &Blueprint, present: &[Owned]) -> Vec<PlacementConstraint> {
    let there = present.iter().filter_map(|o| if let Part::AffinityGroup(g) = &o.part { Some(g) } else { None });
    there.chain(&blueprint.groups).filter_map(|group| constraint(group, blueprint, present)).collect()
}

fn constraint(group: &GroupPart, blueprint: &Blueprint, present: &[Owned]) -> Option<PlacementConstraint> {
    let to_come = blueprint.vnfcs.iter().filter(|v| v.groups.contains(&group.id)).map(|v| ConstraintResourceRef {
        id_type: ConstraintResourceIdType::Grant,
        resource_id: v.id.to_string(),
        vim_connection_id: None,
        resource_provider_id: None,
    });
    let mut resource: Vec<ConstraintResourceRef> = to_come.collect();
    if resource.is_empty() {
        return None;
    }
    let there = present.iter().filter(|o| o.vnfc().is_some_and(|v| v.groups.contains(&group.id)));
    resource.extend(there.map(|o| ConstraintResourceRef {
        id_type: ConstraintResourceIdType::ResMgmt,
        resource_id: o.id().to_string(),
        vim_connection_id: Some(o.at.vim.to_string()),
        resource_provider_id: None,
    }));
    (resource.len() > 1).then_some(PlacementConstraint {
        affinity_or_anti_affinity: match group.policy {
            AffinityPolicy::Affinity => AffinityOrAntiAffinity::Affinity,
            AffinityPolicy::AntiAffinity => AffinityOrAntiAffinity::AntiAffinity,
        },
        scope: match group.scope {
            AffinityScope::NfviNode => PlacementScope::NfviNode,
            AffinityScope::Zone => PlacementScope::Zone,
        },
        resource,
        fallback_best_effort: None,
    })
}

/// A resource that is there; groups and subnets are no resources of a grant.
fn existing(resource: &Owned) -> Option<ResourceDefinition> {
    let kind = match resource.kind() {
        Kind::Compute => ResourceType::Compute,
        Kind::Network => ResourceType::Vl,
        Kind::Volume => ResourceType::Storage,
        Kind::Port => ResourceType::Linkport,
        Kind::AffinityGroup | Kind::Subnet | Kind::Snapshot => return None,
    };
    Some(ResourceDefinition {
        id: resource.id().to_string(),
        r#type: kind,
        vdu_id: resource.vnfc().map(|v| v.vdu.clone()),
        vnfd_id: None,
        resource_template_id: Some(resource.desc().to_owned()),
        resource: Some(ResourceHandle {
            vim_connection_id: Some(resource.at.vim.to_string()),
            resource_provider_id: None,
            resource_id: resource.id().to_string(),
            vim_level_resource_type: None,
        }),
        snapshot_res_def: None,
    })
}

fn empty(asking: &Asking<'_>, operation: LcmOperationType) -> GrantRequest {
    let link = |path: String| Link { href: format!("{}{path}", asking.base) };
    GrantRequest {
        vnf_instance_id: asking.instance,
        vnf_lcm_op_occ_id: asking.op,
        vnfd_id: asking.vnfd_id.to_owned(),
        dst_vnfd_id: asking.dst_vnfd_id.map(str::to_owned),
        flavour_id: Some(asking.flavour_id.to_owned()),
        operation,
        is_automatic_invocation: asking.automatic,
        instantiation_level_id: None,
        add_resources: Vec::new(),
        temp_resources: Vec::new(),
        remove_resources: Vec::new(),
        update_resources: Vec::new(),
        placement_constraints: Vec::new(),
        vim_constraints: Vec::new(),
        additional_params: serde_json::Map::new(),
        links: GrantRequestLinks {
            vnf_lcm_op_occ: link(format!("/vnflcm/v2/vnf_lcm_op_occs/{}", asking.op)),
            vnf_instance: link(format!("/vnflcm/v2/vnf_instances/{}", asking.instance)),
        },
    }
}

/// Where a resource was granted to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// VIM.
    pub at: VimRef,
    /// Resource zone in the VIM.
    pub zone: Option<String>,
}

/// Finds the place of a resource definition in a grant. What the grant leaves out goes to its only VIM.
pub fn place(grant: &Grant, definition: Uuid) -> Result<Place, Box<Problem>> {
    let wanted = definition.to_string();
    let mut all = grant.add_resources.iter().chain(&grant.update_resources);
    let info = all.find(|info| info.resource_definition_id == wanted);
    let connection = info.and_then(|info| info.vim_connection_id.clone());
    let zone = info
        .and_then(|info| info.zone_id.as_ref())
        .and_then(|zone| grant.zones.iter().find(|z| &z.id == zone).map(|z| z.zone_id.clone()));
    Ok(Place { at: vim(grant, connection.as_deref())?, zone })
}

/// The VIM behind a connection id of the grant, or its only one.
pub fn vim(grant: &Grant, connection: Option<&str>) -> Result<VimRef, Box<Problem>> {
    let connections = &grant.vim_connection_info;
    let found = match connection {
        Some(id) => connections.get_key_value(id),
        None if connections.len() == 1 => connections.iter().next(),
        None => None,
    };
    let Some((id, info)) = found else {
        let known: Vec<&str> = connections.keys().map(String::as_str).collect();
        return Err(unusable(format!("it names VIM connection {connection:?}, and vimConnectionInfo has {known:?}")));
    };
    if is_foreign(info) {
        return Err(unusable(advice(id)));
    }
    let endpoint = info.interface_info.get("endpoint").and_then(serde_json::Value::as_str);
    match (endpoint, id.parse()) {
        (Some(endpoint), Ok(vim)) => Ok(VimRef { endpoint: endpoint.to_owned(), vim }),
        (None, _) => Err(unusable(format!("vimConnectionInfo {id} has no interfaceInfo.endpoint"))),
        (_, Err(_)) => Err(unusable(format!("VIM connection id {id} is no UUID, which this VNFM's VIMs have"))),
    }
}

/// The software image of the VIM that stands for one of the descriptor.
pub fn image(grant: &Grant, vnfd_image: &str) -> Result<Uuid, Box<Problem>> {
    let images = grant.vim_assets.as_ref().map(|a| a.software_images.as_slice()).unwrap_or_default();
    let Some(found) = images.iter().find(|i| i.vnfd_software_image_id == vnfd_image) else {
        return Err(unusable(format!("vimAssets.softwareImages does not name image {vnfd_image:?}")));
    };
    found
        .vim_software_image_id
        .parse()
        .map_err(|_| unusable(format!("image {} is no UUID", found.vim_software_image_id)))
}

/// The VIM's own flavour for the VNFCs of a VDU there, where the grant names one.
pub fn flavour(grant: &Grant, at: &VimRef, vdu: &str) -> Option<String> {
    let all = grant.vim_assets.as_ref().map(|a| a.compute_resource_flavours.as_slice()).unwrap_or_default();
    let there = |id: &Option<String>| id.as_ref().is_none_or(|id| *id == at.vim.to_string());
    let found = all.iter().find(|f| f.vnfd_virtual_compute_desc_id == vdu && there(&f.vim_connection_id));
    found.map(|flavour| flavour.vim_flavour_id.clone())
}

/// The snapshot of the VIM that stands for one of a VNFC.
pub fn snapshot(grant: &Grant, vnf_snapshot: Uuid, vnfc_snapshot: &str) -> Result<Uuid, Box<Problem>> {
    let all = grant.vim_assets.as_ref().map(|a| a.snapshot_resources.as_slice()).unwrap_or_default();
    let wanted = vnf_snapshot.to_string();
    let found = all.iter().find(|s| {
        s.vnf_snapshot_id == wanted && s.vnfc_snapshot_id == vnfc_snapshot && s.storage_snapshot_id.is_none()
    });
    let Some(found) = found else {
        return Err(unusable(format!("vimAssets.snapshotResources does not name VNFC snapshot {vnfc_snapshot:?}")));
    };
    found
        .vim_snapshot_resource_id
        .parse()
        .map_err(|_| unusable(format!("snapshot {} is no UUID", found.vim_snapshot_resource_id)))
}

fn unusable(detail: String) -> Box<Problem> {
    Box::new(Problem::new("The grant cannot be used", detail).status(502))
}
