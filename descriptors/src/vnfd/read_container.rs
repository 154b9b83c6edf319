//! Reading containers, deployable units, their packages and services (SOL001 clause 6.8).

use super::compute::SwImage;
use super::container::{DeployableUnit, ExtendedResource, Mciop, OsContainer, ServiceData, ServicePort, VirtualCp};
use super::hardware;
use super::read_compute::{configurable_properties, cpu_pinning, huge_pages, profile};
use super::read_flavour::Context;
use super::read_image::sw_image;
use crate::diag::Sink;
use crate::network::read::{artifacts, cp_addresses, merged, node_rest};
use crate::network::{maintenance, monitoring_parameters};
use crate::tosca::NodeTemplate;
use crate::tosca::fields::Fields;

pub(super) fn container(context: &mut Context<'_, '_>, node: &NodeTemplate) -> (OsContainer, Option<SwImage>) {
    let properties = context.scope.eval(&node.properties, Some(node));
    let fields = Fields::new(&properties, format!("container `{}`", node.name), node.at);
    let image = sw_image(context, node, &fields);
    let sink = &mut *context.sink;
    let requests = "extended_resource_requests";
    let extended_resources = fields
        .list(requests, sink)
        .iter()
        .enumerate()
        .map(|(i, item)| {
            let one = fields.item(requests, i, item);
            ExtendedResource {
                resource: one.text_map("extended_resource", sink),
                amount: one.need_whole("amount", sink),
            }
        })
        .collect();
    let container = OsContainer {
        name: node.name.clone(),
        display_name: fields.text("name", sink).unwrap_or_else(|| node.name.clone()),
        description: fields.text("description", sink).unwrap_or_default(),
        requested_cpu: fields.whole("requested_cpu_resources", sink),
        cpu_limit: fields.whole("cpu_resource_limit", sink),
        requested_memory_bytes: fields.bytes("requested_memory_resources", sink),
        memory_limit_bytes: fields.bytes("memory_resource_limit", sink),
        requested_storage_bytes: fields.bytes("requested_ephemeral_storage_resources", sink),
        storage_limit_bytes: fields.bytes("ephemeral_storage_resource_limit", sink),
        extended_resources,
        huge_pages: huge_pages(&fields, "huge_pages_resources", sink),
        pinning: cpu_pinning(&fields.sub("cpu_pinning_requirements"), sink),
        sw_image: image.as_ref().map(|i| i.id.clone()),
        artifacts: artifacts(context.package, &context.bundle.types, node),
        extra: merged(fields.rest(), node_rest(node, &["artifacts"], &[])),
    };
    (container, image)
}

pub(super) fn unit(context: &mut Context<'_, '_>, node: &NodeTemplate) -> DeployableUnit {
    let properties = context.scope.eval(&node.properties, Some(node));
    let owner = format!("deployable unit `{}`", node.name);
    let fields = Fields::new(&properties, &owner, node.at);
    let configurable_properties = configurable_properties(context, node, fields.get("configurable_properties"));
    let sink = &mut *context.sink;
    let vdu_profile = fields.sub("vdu_profile");
    let mcio = fields.sub("mcio_identification_data");
    DeployableUnit {
        name: node.name.clone(),
        display_name: fields.text("name", sink).unwrap_or_else(|| node.name.clone()),
        description: fields.text("description", sink).unwrap_or_default(),
        containers: node.targets("container").map(|(n, _)| n.to_owned()).collect(),
        storages: node.targets("virtual_storage").map(|(n, _)| n.to_owned()).collect(),
        profile: profile(&vdu_profile, &owner, sink),
        maintenance: maintenance(&vdu_profile.sub("nfvi_maintenance_info"), sink),
        logical_nodes: hardware::logical_nodes(&fields, sink),
        additional_capabilities: hardware::additional_capabilities(&fields, sink),
        nfvi_constraints: hardware::constraints(&fields, sink),
        mcio_constraints: fields.texts("mcio_constraint_params", sink),
        mcio_name: mcio.text("name", sink),
        mcio_type: mcio.text("type", sink),
        configurable_properties,
        monitoring: monitoring_parameters(&fields, "monitoring_parameters", sink),
        artifacts: artifacts(context.package, &context.bundle.types, node),
        extra: merged(fields.rest(), node_rest(node, &["artifacts"], &["container", "virtual_storage"])),
    }
}

pub(super) fn mciop(context: &Context<'_, '_>, node: &NodeTemplate) -> Mciop {
    let properties = context.scope.eval(&node.properties, Some(node));
    Mciop {
        name: node.name.clone(),
        units: node.targets("associatedVdu").map(|(n, _)| n.to_owned()).collect(),
        artifacts: artifacts(context.package, &context.bundle.types, node),
        extra: merged(
            Fields::new(&properties, String::new(), node.at).rest(),
            node_rest(node, &["artifacts"], &["associatedVdu"]),
        ),
    }
}

pub(super) fn virtual_cp(context: &mut Context<'_, '_>, node: &NodeTemplate) -> VirtualCp {
    let properties = context.scope.eval(&node.properties, Some(node));
    let fields = Fields::new(&properties, format!("virtual connection point `{}`", node.name), node.at);
    let sink = &mut *context.sink;
    VirtualCp {
        name: node.name.clone(),
        targets: node.targets("target").map(|(n, _)| n.to_owned()).collect(),
        virtual_link: node.target("virtual_link").map(str::to_owned),
        layer_protocols: fields.texts("layer_protocols", sink),
        addresses: cp_addresses(&fields, sink),
        description: fields.text("description", sink),
        services: services(&fields, sink),
        address_pool_name_configurable: fields.bool("address_pool_name_configurable", sink).unwrap_or_default(),
        extra: merged(fields.rest(), node_rest(node, &[], &["target", "virtual_link"])),
    }
}

fn services(fields: &Fields<'_>, sink: &mut Sink) -> Vec<ServiceData> {
    let key = "additionalServiceData";
    let items = fields.list(key, sink).iter().enumerate();
    items
        .map(|(i, node)| {
            let one = fields.item(key, i, node);
            let plain = one.peek("serviceData").is_some_and(|n| n.text().is_some());
            let text = if plain { one.text("serviceData", sink) } else { None };
            let data = one.sub("serviceData");
            let ports = one.list("portData", sink).iter().enumerate();
            let ports = ports.map(|(j, node)| {
                let port = one.item("portData", j, node);
                ServicePort {
                    name: port.need_text("name", sink),
                    protocol: port.need_text("protocol", sink),
                    port: port.need_whole("port", sink),
                    configurable: port.bool("portConfigurable", sink).unwrap_or_default(),
                }
            });
            let ports = ports.collect();
            let structured = !plain && data.exists();
            ServiceData {
                ports,
                host: if structured { data.text("host", sink) } else { None },
                paths: if structured { data.texts("path", sink) } else { Vec::new() },
                text,
            }
        })
        .collect()
}
