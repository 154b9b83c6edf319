//! Networks and subnets of NS virtual links (IFA005 clause 7.4).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lcm::{Lookup, Outcome, Step, StepCx, StepError};
use reference_points::common::ProblemDetails;
use reference_points::or_vi::{NetworkSpec, ResourceState, SubnetSpec};
use serde_json::json;
use uuid::Uuid;

use super::{broken, failed, owner};
use crate::effects::Vims;
use crate::ops::params::{DeleteParams, NetworkParams, SubnetParams};

/// How long to wait before a network that is being made is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

fn made(
    attempted: &str,
    resource: String,
    id: Uuid,
    state: ResourceState,
    problem: Option<&ProblemDetails>,
) -> Result<Outcome, StepError> {
    match state {
        ResourceState::Active => Ok(Outcome::Done(json!({"id": id}))),
        ResourceState::Building => {
            Ok(Outcome::park(format!("vim/{resource}"), LOOK_AGAIN, format!("the VIM makes {resource}")))
        }
        ResourceState::Error | ResourceState::Deleting => Err(broken(attempted, &resource, problem)),
    }
}

/// Ensures a network.
pub struct Network(pub Arc<dyn Vims>);

#[async_trait]
impl Step for Network {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let p: NetworkParams = cx.params_as()?;
        let resource = format!("network {} ({})", p.name, p.id);
        let spec = NetworkSpec {
            name: p.name,
            owner: owner(p.ns_id, cx),
            realisation: p.realisation,
            mtu: p.mtu,
            max_port_bitrate: p.max_port_bitrate,
        };
        let network = self.0.put_network(p.vim, p.id, &spec).await;
        let network = network.map_err(|e| failed("Network not created", &resource, &e))?;
        made("Network not created", resource, p.id, network.state, network.problem.as_ref())
    }

    async fn undo(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let p: NetworkParams = cx.params_as()?;
        let resource = format!("network {} ({})", p.name, p.id);
        let gone = self.0.delete_network(p.vim, p.id).await;
        gone.map(|()| Outcome::done()).map_err(|e| failed("Network not deleted", &resource, &e))
    }

    async fn lookup(&self, cx: &StepCx) -> Result<Lookup, StepError> {
        let p: NetworkParams = cx.params_as()?;
        let found = self.0.network(p.vim, p.id).await;
        let found = found.map_err(|e| failed("Network not found out", &p.name, &e))?;
        Ok(found.map_or(Lookup::NotDone, |_| Lookup::RunAgain))
    }
}

/// Ensures a subnet.
pub struct Subnet(pub Arc<dyn Vims>);

#[async_trait]
impl Step for Subnet {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let p: SubnetParams = cx.params_as()?;
        let resource = format!("subnet {} ({})", p.name, p.id);
        let spec = SubnetSpec {
            name: p.name,
            owner: owner(p.ns_id, cx),
            network_id: p.network_id,
            cidr: p.cidr,
            gateway: p.gateway,
            pools: p.pools,
            dhcp: p.dhcp,
            dns: p.dns,
            routed: p.routed,
        };
        let subnet = self.0.put_subnet(p.vim, p.id, &spec).await;
        let subnet = subnet.map_err(|e| failed("Subnet not created", &resource, &e))?;
        made("Subnet not created", resource, p.id, subnet.state, subnet.problem.as_ref())
    }

    async fn undo(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let p: SubnetParams = cx.params_as()?;
        let resource = format!("subnet {} ({})", p.name, p.id);
        let gone = self.0.delete_subnet(p.vim, p.id).await;
        gone.map(|()| Outcome::done()).map_err(|e| failed("Subnet not deleted", &resource, &e))
    }

    async fn lookup(&self, cx: &StepCx) -> Result<Lookup, StepError> {
        let p: SubnetParams = cx.params_as()?;
        let found = self.0.subnet(p.vim, p.id).await;
        let found = found.map_err(|e| failed("Subnet not found out", &p.name, &e))?;
        Ok(found.map_or(Lookup::NotDone, |_| Lookup::RunAgain))
    }
}

/// Deletes a subnet.
pub struct DeleteSubnet(pub Arc<dyn Vims>);

#[async_trait]
impl Step for DeleteSubnet {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let p: DeleteParams = cx.params_as()?;
        let resource = format!("subnet {} ({})", p.name, p.id);
        let gone = self.0.delete_subnet(p.vim, p.id).await;
        gone.map(|()| Outcome::done()).map_err(|e| failed("Subnet not deleted", &resource, &e))
    }

    /// What is gone stays gone: an operation that removes things is retried, not rolled back.
    async fn undo(&self, _: &StepCx) -> Result<Outcome, StepError> {
        Ok(Outcome::done())
    }
}

/// Deletes a network.
pub struct DeleteNetwork(pub Arc<dyn Vims>);

#[async_trait]
impl Step for DeleteNetwork {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let p: DeleteParams = cx.params_as()?;
        let resource = format!("network {} ({})", p.name, p.id);
        let gone = self.0.delete_network(p.vim, p.id).await;
        gone.map(|()| Outcome::done()).map_err(|e| failed("Network not deleted", &resource, &e))
    }

    /// What is gone stays gone: an operation that removes things is retried, not rolled back.
    async fn undo(&self, _: &StepCx) -> Result<Outcome, StepError> {
        Ok(Outcome::done())
    }
}
