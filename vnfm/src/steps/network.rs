//! Affinity groups, networks, subnets and ports (IFA006 clause 7.3, 7.4).

use std::sync::Arc;

use async_trait::async_trait;
use lcm::{Outcome, Step, StepCx, StepError};
use reference_points::or_vi::{AffinityGroupSpec, NetworkSpec, PortSpec, SubnetSpec};
use serde_json::json;
use uuid::Uuid;

use super::{failed, owner, place};
use crate::ops::blueprint::{GroupPart, LinkPart};
use crate::ops::instantiate::{PortParams, SubnetParams};
use crate::vi::{Kind, Vi};

/// Makes an affinity group.
pub struct MakeGroup(pub Arc<dyn Vi>);

/// Makes a network.
pub struct MakeNetwork(pub Arc<dyn Vi>);

/// Makes a subnet.
pub struct MakeSubnet(pub Arc<dyn Vi>);

/// Makes a port.
pub struct MakePort(pub Arc<dyn Vi>);

/// Removes what a step made, where the grant had put it.
pub(super) async fn take_back(
    vi: &dyn Vi,
    cx: &StepCx,
    kind: Kind,
    id: Uuid,
    definition: Uuid,
) -> Result<Outcome, StepError> {
    if cx.output(crate::ops::instantiate::GRANT).is_none() {
        return Ok(Outcome::done());
    }
    let at = place(cx, definition)?.at;
    let what = format!("Could not remove {}", kind.word());
    vi.delete(&at, kind, id).await.map_err(|e| failed(&what, format!("{} {id}", kind.word()), &e))?;
    Ok(Outcome::done())
}

#[async_trait]
impl Step for MakeGroup {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let part: GroupPart = cx.params_as()?;
        let member = part.members.first().copied().unwrap_or(part.id);
        let spec =
            AffinityGroupSpec { name: part.name.clone(), owner: owner(cx)?, policy: part.policy, scope: part.scope };
        let made = self.0.put_affinity_group(&place(cx, member)?.at, part.id, &spec).await;
        let made =
            made.map_err(|e| failed("Could not create affinity group", format!("{} {}", part.name, part.id), &e))?;
        Ok(Outcome::Done(json!(made)))
    }

    async fn undo(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let part: GroupPart = cx.params_as()?;
        let member = part.members.first().copied().unwrap_or(part.id);
        take_back(&*self.0, cx, Kind::AffinityGroup, part.id, member).await
    }
}

#[async_trait]
impl Step for MakeNetwork {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let part: LinkPart = cx.params_as()?;
        let spec = NetworkSpec {
            name: part.desc.clone(),
            owner: owner(cx)?,
            realisation: part.realisation,
            mtu: part.mtu,
            max_port_bitrate: part.max_port_bitrate,
        };
        let made = self.0.put_network(&place(cx, part.id)?.at, part.id, &spec).await;
        let made =
            made.map_err(|e| failed("Could not create network", format!("network {} {}", part.desc, part.id), &e))?;
        Ok(Outcome::Done(json!(made)))
    }

    async fn undo(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let part: LinkPart = cx.params_as()?;
        take_back(&*self.0, cx, Kind::Network, part.id, part.id).await
    }
}

#[async_trait]
impl Step for MakeSubnet {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let SubnetParams { subnet, link } = cx.params_as()?;
        let spec = SubnetSpec { owner: owner(cx)?, ..subnet.spec };
        let made = self.0.put_subnet(&place(cx, link)?.at, subnet.id, &spec).await;
        let made =
            made.map_err(|e| failed("Could not create subnet", format!("subnet {} {}", spec.cidr, subnet.id), &e))?;
        Ok(Outcome::Done(json!(made)))
    }

    async fn undo(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let SubnetParams { subnet, link } = cx.params_as()?;
        take_back(&*self.0, cx, Kind::Subnet, subnet.id, link).await
    }
}

#[async_trait]
impl Step for MakePort {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let PortParams { port, vnfc } = cx.params_as()?;
        let spec = PortSpec {
            name: port.name.clone(),
            owner: owner(cx)?,
            network_id: port.on.network(),
            mac: port.mac,
            addresses: port.addresses,
            port_security: port.port_security,
            allowed_addresses: port.allowed_addresses,
            rules: port.rules,
            trunk: port.trunk,
            vnic_type: port.vnic_type,
            floating: port.floating,
        };
        let made = self.0.put_port(&place(cx, vnfc)?.at, port.id, &spec).await;
        let made = made.map_err(|e| failed("Could not create port", format!("port {} {}", port.name, port.id), &e))?;
        Ok(Outcome::Done(json!(made)))
    }

    async fn undo(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let PortParams { port, vnfc } = cx.params_as()?;
        take_back(&*self.0, cx, Kind::Port, port.id, vnfc).await
    }
}
