//! Holding a running VNF against its descriptor: the VIM is asked for everything of it, side by side.

use std::collections::BTreeSet;

use descriptors::vnfd::Flavour;
use futures::future::try_join_all;
use reference_points::common::{CallError, Uuid};
use reference_points::os_ma_nfvo::verification::Verification;
use serde_json::Value;
use service::http::{ApiError, ApiResult};

use super::App;
use super::changes::Running;
use super::operations::name_of;
use crate::ops::adopt::Same;
use crate::ops::blueprint::Blueprint;
use crate::ops::expand::Given;
use crate::ops::ids::RandomIds;
use crate::ops::transition::{self, Counts};
use crate::ops::verify::{self, Found};
use crate::vi::{Vi, VimRef};

impl App {
    /// What of a VNF holds against its descriptor.
    ///
    /// # Errors
    /// 404, 409 when it is not instantiated, or what the VIM says.
    pub async fn verification(&self, id: Uuid) -> ApiResult<Verification> {
        let running = self.running(id).await?;
        let flavour = running.flavour()?;
        let counts = verify::counts(flavour, &running.facts).map_err(|e| ApiError::internal(e.to_string()))?;
        let target = self.described(&running, flavour, &counts)?;
        let found = match running.has.first() {
            Some(owned) => asked(&*self.vi.0, &owned.at, &target).await?,
            None => Found::default(),
        };
        let stopped: BTreeSet<Uuid> = running.has.iter().filter(|o| o.stopped).map(|o| o.id()).collect();
        let checks = verify::checks(&target, &counts, &stopped, &found);
        let vnfd_id = running.stored.document.0.vnfd_id.clone();
        Ok(Verification { vnf_instance_id: id, vnfd_id, holds: checks.iter().all(|c| c.holds), checks })
    }

    /// All that the descriptor says there is, with the identifiers of what there is.
    fn described(&self, running: &Running, flavour: &Flavour, counts: &Counts) -> ApiResult<Blueprint> {
        let instance = &running.stored.document.0;
        let name = name_of(instance);
        let properties = Value::Object(instance.vnf_configurable_properties.clone());
        let given = Given {
            vnfd: &running.known.vnfd,
            request: &running.facts.request,
            instance: instance.id,
            name: &name,
            properties: &properties,
            files: &running.known.files,
            public_keys: &self.public_keys,
        };
        let same_image = |a: &str, b: &str| flavour.sw_image(a) == flavour.sw_image(b);
        let same = Same { vdu: &str::to_owned, image: &same_image };
        let change = transition::Change { present: &running.has, counts, same, rebuild: &|_, _| false, beside: false };
        let (target, _) = transition::change(&given, &change, &mut RandomIds)
            .map_err(|faults| ApiError::unprocessable("the VNF cannot be held against its descriptor", faults))?;
        Ok(target)
    }
}

async fn asked(vi: &dyn Vi, at: &VimRef, target: &Blueprint) -> Result<Found, CallError> {
    let vnfcs = || target.vnfcs.iter().map(|v| v.id);
    let ports = || target.vnfcs.iter().flat_map(|v| &v.ports).map(|p| p.id);
    let volumes = || target.volumes.iter().map(|v| v.id);
    let links = || target.links.iter().map(|l| l.id);
    let (computes, realities, found_ports, found_volumes, networks) = futures::try_join!(
        try_join_all(vnfcs().map(|id| vi.compute(at, id))),
        try_join_all(vnfcs().map(|id| vi.reality(at, id))),
        try_join_all(ports().map(|id| vi.port(at, id))),
        try_join_all(volumes().map(|id| vi.volume(at, id))),
        try_join_all(links().map(|id| vi.network(at, id))),
    )?;
    fn there<T>(ids: impl Iterator<Item = Uuid>, found: Vec<Option<T>>) -> impl Iterator<Item = (Uuid, T)> {
        ids.zip(found).filter_map(|(id, found)| Some((id, found?)))
    }
    Ok(Found {
        computes: there(vnfcs(), computes).collect(),
        realities: there(vnfcs(), realities).collect(),
        ports: there(ports(), found_ports).collect(),
        volumes: there(volumes(), found_volumes).collect(),
        networks: there(links(), networks).map(|(id, _)| id).collect(),
    })
}
