//! Making sure that a resource of an instance is there as it was: the same identifier, the same addresses, the same size.
//! What is there is left alone.

use std::sync::Arc;

use async_trait::async_trait;
use lcm::{Outcome, Step, StepCx, StepError};
use reference_points::common::ProblemDetails;
use reference_points::nf_vi::DesiredPower;
use reference_points::or_vi::{
    AddressRequest, AffinityGroup, Compute, ComputeState, Network, Port, PortSpec, ResourceState, Subnet, Volume,
};
use serde::Serialize;
use serde_json::json;

use super::{LOOK_AGAIN, compute_key, failed, problem_of, volume_key};
use crate::ops::inventory::{Owned, Part};
use crate::vi::Vi;

/// Makes sure of a resource.
pub struct Restore(pub Arc<dyn Vi>);

#[async_trait]
impl Step for Restore {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        restore(&*self.0, &cx.params_as::<Owned>()?).await
    }

    /// It was the instance's before the operation, and stays.
    async fn undo(&self, _: &StepCx) -> Result<Outcome, StepError> {
        Ok(Outcome::done())
    }
}

/// A resource for people.
pub(super) fn named(owned: &Owned) -> String {
    format!("{} {} {}", owned.kind().word(), owned.name(), owned.id())
}

/// Makes sure of a resource. What the VIM never answered for cannot be made again, and was never used.
pub(super) async fn restore(vi: &dyn Vi, owned: &Owned) -> Result<Outcome, StepError> {
    let (at, id) = (&owned.at, owned.id());
    let told = |e| failed(&format!("Could not make {} again", owned.kind().word()), named(owned), &e);
    match &owned.part {
        Part::AffinityGroup(_) => {
            let Some(old) = owned.found_as::<AffinityGroup>() else { return Ok(Outcome::done()) };
            done(vi.put_affinity_group(at, id, &old.spec).await.map_err(told)?)
        }
        Part::Network(_) => {
            let Some(old) = owned.found_as::<Network>() else { return Ok(Outcome::done()) };
            done(vi.put_network(at, id, &old.spec).await.map_err(told)?)
        }
        Part::Subnet(_) => {
            let Some(old) = owned.found_as::<Subnet>() else { return Ok(Outcome::done()) };
            done(vi.put_subnet(at, id, &old.spec).await.map_err(told)?)
        }
        Part::Port(_) => {
            let Some(old) = owned.found_as::<Port>() else { return Ok(Outcome::done()) };
            match vi.port(at, id).await.map_err(told)? {
                Some(there) => done(there),
                None => done(vi.put_port(at, id, &again(&old)).await.map_err(told)?),
            }
        }
        Part::Volume(_) => {
            let Some(old) = owned.found_as::<Volume>() else { return Ok(Outcome::done()) };
            let there = vi.volume(at, id).await.map_err(told)?;
            let volume = match there {
                Some(there) => there,
                None => vi.put_volume(at, id, &old.spec).await.map_err(told)?,
            };
            volume_settled(owned, volume)
        }
        Part::Compute(_) => {
            let Some(old) = owned.found_as::<Compute>() else { return Ok(Outcome::done()) };
            let there = vi.compute(at, id).await.map_err(told)?;
            let compute = match there {
                Some(there) if there.state != ComputeState::Deleting => there,
                Some(_) => return Ok(Outcome::park(compute_key(id), LOOK_AGAIN, "the old one is being removed")),
                None => {
                    let power = if owned.stopped { DesiredPower::Stopped } else { DesiredPower::Running };
                    let spec = reference_points::or_vi::ComputeSpec { power, ..old.spec };
                    vi.put_compute(at, id, &spec).await.map_err(told)?
                }
            };
            compute_settled(owned, compute)
        }
    }
}

fn done(made: impl Serialize) -> Result<Outcome, StepError> {
    Ok(Outcome::Done(json!(made)))
}

/// The port as it was: what it had been given, it now asks for.
fn again(old: &Port) -> PortSpec {
    let address =
        |a: &reference_points::or_vi::PortAddress| AddressRequest { subnet_id: Some(a.subnet_id), ip: Some(a.ip) };
    PortSpec { mac: Some(old.mac.clone()), addresses: old.addresses.iter().map(address).collect(), ..old.spec.clone() }
}

fn volume_settled(owned: &Owned, volume: Volume) -> Result<Outcome, StepError> {
    match volume.state {
        ResourceState::Active => done(volume),
        ResourceState::Building => Ok(Outcome::park(volume_key(volume.id), LOOK_AGAIN, "the VIM makes the volume")),
        ResourceState::Error | ResourceState::Deleting => {
            Err(unusable(owned, "The volume cannot be used", volume.problem))
        }
    }
}

fn compute_settled(owned: &Owned, compute: Compute) -> Result<Outcome, StepError> {
    match compute.state {
        ComputeState::Active => done(compute),
        ComputeState::Stopped if owned.stopped => done(compute),
        ComputeState::Error => Err(unusable(owned, "The VIM could not run the compute", compute.problem)),
        _ => Ok(Outcome::park(compute_key(compute.id), LOOK_AGAIN, "the VIM starts it")),
    }
}

/// A resource that the VIM has and cannot use.
pub(super) fn unusable(owned: &Owned, title: &str, told: Option<ProblemDetails>) -> StepError {
    let told = told.unwrap_or_else(|| ProblemDetails::new(500, "VIM", "the VIM tells no reason"));
    StepError::permanent(problem_of(title, &told).resource(named(owned)))
}
