//! Instantiate (SOL003 clause 5.4.4): from a blueprint to a plan. After the grant everything that does not need anything
//! else begins at once: links, groups and volumes; subnets after their link; ports after their subnets; a VNFC after its
//! own ports and volumes, never after those of another.

use lcm::{Plan, PlanFaults, StepSpec};
use reference_points::or_vnfm::GrantRequest;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::blueprint::{Blueprint, PortOn, PortPart, RootPart, SubnetPart};

/// Key of the grant's step in every operation.
pub const GRANT: &str = "grant";

/// Characters of a name that go into a key.
const MAX_NAME: usize = 150;

/// Parameters of the step that makes a port.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PortParams {
    /// The port.
    pub port: PortPart,
    /// Definition whose place it shares: its VNFC.
    pub vnfc: Uuid,
}

/// Parameters of the step that makes a subnet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubnetParams {
    /// The subnet.
    pub subnet: SubnetPart,
    /// Definition whose place it shares: its link.
    pub link: Uuid,
}

/// The plan.
///
/// # Errors
/// When the blueprint is larger than the engine allows.
pub fn plan(blueprint: &Blueprint, grant: &GrantRequest) -> Result<Plan, PlanFaults> {
    let mut steps = vec![grant_step(grant)];
    steps.extend(additions(blueprint));
    Plan::new(steps)
}

/// The step that every operation begins with.
pub fn grant_step(grant: &GrantRequest) -> StepSpec {
    StepSpec::new(GRANT, "grant", "Ask the NFVO for a grant").params(json!(grant)).starting()
}

/// The steps that make everything in a blueprint. What it refers to and does not hold is there already.
pub fn additions(blueprint: &Blueprint) -> Vec<StepSpec> {
    let mut steps = Vec::new();
    for group in &blueprint.groups {
        let title = format!("Create affinity group {}", group.name);
        steps.push(StepSpec::new(key("group", &group.name), "affinity_group", title).params(json!(group)).after(GRANT));
    }
    for link in &blueprint.links {
        let title = format!("Create internal link {}", link.desc);
        steps.push(StepSpec::new(key("link", &link.desc), "network", title).params(json!(link)).after(GRANT));
        for subnet in &link.subnets {
            let params = SubnetParams { subnet: subnet.clone(), link: link.id };
            let title = format!("Create subnet {} of {}", subnet.spec.cidr, link.desc);
            let step = StepSpec::new(subnet_key(&link.desc, subnet), "subnet", title).params(json!(params));
            steps.push(step.after(key("link", &link.desc)));
        }
    }
    for volume in &blueprint.volumes {
        let title = format!("Create volume {}", volume.name);
        steps.push(StepSpec::new(key("volume", &volume.name), "volume", title).params(json!(volume)).after(GRANT));
    }
    for vnfc in &blueprint.vnfcs {
        steps.extend(vnfc.ports.iter().map(|port| port_step(blueprint, &[], port, vnfc.id, &vnfc.name)));
        let step = StepSpec::new(key("vnfc", &vnfc.name), "compute", format!("Run {}", vnfc.name))
            .params(json!(vnfc))
            .after(GRANT);
        let disk = match &vnfc.root {
            RootPart::Volume(id) => Some(*id),
            RootPart::Image { .. } => None,
        };
        let used = |volume: Uuid| vnfc.volumes.contains(&volume) || disk == Some(volume);
        steps.push(
            step.after_all(vnfc.ports.iter().map(|p| key("port", &p.name)))
                .after_all(blueprint.volumes.iter().filter(|v| used(v.id)).map(|v| key("volume", &v.name)))
                .after_all(
                    blueprint.groups.iter().filter(|g| vnfc.groups.contains(&g.id)).map(|g| key("group", &g.name)),
                ),
        );
    }
    steps
}

/// The steps that make ports of VNFCs that are there already.
pub fn port_steps(blueprint: &Blueprint, ports: &[PortParams]) -> Vec<StepSpec> {
    ports.iter().map(|p| port_step(blueprint, ports, &p.port, p.vnfc, &p.port.name)).collect()
}

fn port_step(blueprint: &Blueprint, new: &[PortParams], port: &PortPart, vnfc: Uuid, of: &str) -> StepSpec {
    let params = PortParams { port: port.clone(), vnfc };
    let title = format!("Create port {} of {of}", port.cpd);
    let step = StepSpec::new(key("port", &port.name), "port", title).params(json!(params));
    step.after_all(port_waits_for(blueprint, new, port))
}

/// Key of a step: what it makes, and the name of that, which is the same however often the plan is made.
pub fn key(what: &str, name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || ".-_/:@".contains(c) { c } else { '_' };
    format!("{what}/{}", name.chars().map(plain).take(MAX_NAME).collect::<String>())
}

fn subnet_key(link: &str, subnet: &SubnetPart) -> String {
    key("subnet", &format!("{link}/{}", subnet.spec.cidr))
}

/// `new` are ports beside those of the blueprint that the same plan makes.
fn port_waits_for(blueprint: &Blueprint, new: &[PortParams], port: &PortPart) -> Vec<String> {
    let mut before = vec![GRANT.to_owned()];
    if let PortOn::Internal { network } = port.on
        && let Some(link) = blueprint.links.iter().find(|l| l.id == network)
    {
        before.push(key("link", &link.desc));
        before.extend(link.subnets.iter().map(|s| subnet_key(&link.desc, s)));
    }
    if let Some(parent) = port.parent() {
        let all = blueprint.vnfcs.iter().flat_map(|vnfc| &vnfc.ports).chain(new.iter().map(|p| &p.port));
        before.extend(all.into_iter().find(|p| p.id == parent).map(|parent| key("port", &parent.name)));
    }
    before
}
