//! What was found in a cloud: services and their versions, limits, what the account may do, and what is missing here with what
//! follows from that. Shown when a VIM is registered and by `mano vim show`.

use std::collections::BTreeMap;
use std::time::Duration;

use reference_points::or_vi::{VimQuota, VimReport};
use serde_json::Value;
use tokio::time::Instant;

use super::OpenstackVim;
use super::call::{Call, Service};
use super::capacity::quota;
use super::errors::{Told, Work};
use super::networks::text;
use super::session::Cloud;
use crate::error::Result;

/// How long a report is taken for true.
const FRESH: Duration = Duration::from_secs(60);
/// Images named at most.
const IMAGES: usize = 50;

/// What is missing, with what follows from it.
fn missing(cloud: &Cloud, may_see_hosts: bool, may_make_flavours: bool) -> Vec<String> {
    let mut missing = Vec::new();
    let mut lacks = |lacking: bool, what: &str| {
        if lacking {
            missing.push(what.to_owned());
        }
    };
    lacks(!cloud.services.contains_key(&Service::Volume), "Cinder: there are no volumes, nothing boots from one");
    lacks(
        !cloud.services.contains_key(&Service::Placement) || !may_see_hosts,
        "the right to ask Placement: capacity is what the project's limits leave, whether a host has room shows when Nova tries",
    );
    lacks(
        !may_make_flavours,
        "the right to make flavours: the smallest one that covers what is wanted is taken, or it is refused",
    );
    lacks(!cloud.can("port-security"), "Neutron's port-security: no port may send from other addresses than its own");
    lacks(
        !cloud.can("allowed-address-pairs"),
        "Neutron's allowed-address-pairs: no further addresses can be allowed on a port",
    );
    lacks(!cloud.can("provider"), "Neutron's provider: networks of the data centre cannot be used");
    lacks(!cloud.can("router"), "Neutron's router: there are neither routers nor floating addresses");
    lacks(!cloud.can("net-mtu-writable"), "Neutron's net-mtu-writable: a network's MTU cannot be chosen");
    missing
}

/// A right by how a request that needs it ended.
fn right<T>(outcome: &Result<T, Told>) -> String {
    match outcome {
        Ok(_) => "yes".to_owned(),
        Err(Told::Answer { words, status, .. }) => format!("no: {words} (status {status})"),
        Err(Told::Absent) => "no: this cloud has no such service".to_owned(),
        Err(Told::Silent { why, .. } | Told::Locked(why)) => format!("unknown: {why}"),
    }
}

/// Neutron's limits with what is taken of them.
fn network_quotas(details: &Value) -> BTreeMap<String, VimQuota> {
    let all = details["quota"].as_object().into_iter().flatten();
    all.filter(|(_, values)| values.is_object())
        .map(|(name, values)| (format!("network {name}"), quota(values, "limit", "used")))
        .collect()
}

fn names(list: &Value, keep: impl Fn(&Value) -> bool) -> Vec<String> {
    let all = list.as_array().into_iter().flatten();
    all.filter(|item| keep(item)).filter_map(|item| text(item, "name")).collect()
}

impl OpenstackVim {
    /// Looks at the cloud, unless that was done just now.
    pub(super) async fn look(&self) -> Result<VimReport> {
        let mut known = self.report.lock().await;
        if let Some((_, report)) = known.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Ok(VimReport { requests: self.session.sent(), ..report.clone() });
        }
        let report = self.examine().await?;
        *known = Some((Instant::now(), report.clone()));
        Ok(report)
    }

    /// Nova's limits of the project with what is taken of them, by resource: one request.
    pub(super) async fn compute_quotas(&self) -> Result<BTreeMap<String, VimQuota>> {
        let limits = Work::new("read", "the project's limits");
        let compute = self.session.ask(&limits, Call::get(Service::Compute, "limits")).await?.body;
        let compute = &compute["limits"]["absolute"];
        Ok(BTreeMap::from([
            ("compute cores".to_owned(), quota(compute, "maxTotalCores", "totalCoresUsed")),
            ("compute instances".to_owned(), quota(compute, "maxTotalInstances", "totalInstancesUsed")),
            ("compute ram (MiB)".to_owned(), quota(compute, "maxTotalRAMSize", "totalRAMUsed")),
            ("compute server groups".to_owned(), quota(compute, "maxServerGroups", "totalServerGroupsUsed")),
        ]))
    }

    /// The same of Neutron and Cinder: one request to each. A service that does not tell its own is left out.
    pub(super) async fn other_quotas(&self) -> Result<BTreeMap<String, VimQuota>> {
        let mut quotas = BTreeMap::new();
        let details = format!("quotas/{}/details", self.session.cloud().await?.project_id);
        if let Ok(reply) = self.session.tell(Call::get(Service::Network, details)).await? {
            quotas.extend(network_quotas(&reply.body));
        }
        if let Ok(reply) = self.session.tell(Call::get(Service::Volume, "limits")).await? {
            let volume = &reply.body["limits"]["absolute"];
            quotas.insert("volume volumes".to_owned(), quota(volume, "maxTotalVolumes", "totalVolumesUsed"));
            quotas
                .insert("volume gigabytes".to_owned(), quota(volume, "maxTotalVolumeGigabytes", "totalGigabytesUsed"));
            quotas.insert("volume snapshots".to_owned(), quota(volume, "maxTotalSnapshots", "totalSnapshotsUsed"));
        }
        Ok(quotas)
    }

    async fn examine(&self) -> Result<VimReport> {
        let cloud = self.session.cloud().await?;
        let mut quotas = self.compute_quotas().await?;
        quotas.extend(self.other_quotas().await?);
        let images = Call::get(Service::Image, "images").query("status", "active").query("limit", IMAGES.to_string());
        let images = self.session.ask(&Work::new("list", "images"), images).await?.body;
        let networks = Call::get(Service::Network, "networks").query("router:external", "true");
        let networks = self.session.ask(&Work::new("list", "networks"), networks).await?.body;
        let placement = self.session.tell(Call::get(Service::Placement, "resource_providers")).await?;
        let hypervisors = self.session.tell(Call::get(Service::Compute, "os-hypervisors")).await?;
        let flavours = match &self.flavours.lock().await.may_make {
            Some(Ok(())) => "yes".to_owned(),
            Some(Err(why)) => format!("no: {why}"),
            None if cloud.roles.iter().any(|role| role == "admin") => "yes, by the role admin".to_owned(),
            None => format!("not by the roles {}, where the cloud's policy is the usual one", cloud.roles.join(", ")),
        };
        let may_make = flavours.starts_with("yes");
        let rights = BTreeMap::from([
            ("ask placement for capacity".to_owned(), right(&placement)),
            ("see hypervisors, migrate".to_owned(), right(&hypervisors)),
            ("make flavours".to_owned(), flavours),
        ]);
        Ok(VimReport {
            services: cloud.services.values().cloned().collect(),
            project: format!("{} ({})", cloud.project_name, cloud.project_id),
            roles: cloud.roles.clone(),
            regions: cloud.regions.clone(),
            quotas,
            rights,
            missing: missing(&cloud, placement.is_ok(), may_make),
            images: names(&images["images"], |_| true),
            external_networks: names(&networks["networks"], |network| network["router:external"] == true),
            requests: self.session.sent(),
            zones: self.list_zones().await?.into_iter().map(|zone| zone.id).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refused_look_says_in_whose_words() {
        let refused: Result<(), Told> = Err(Told::Answer {
            status: 403,
            words: "Policy doesn't allow os_compute_api:os-hypervisors".into(),
            request: None,
            retry_after: None,
        });
        assert_eq!(right(&refused), "no: Policy doesn't allow os_compute_api:os-hypervisors (status 403)");
        assert_eq!(right(&Ok::<(), Told>(())), "yes");
    }

    #[test]
    fn a_limit_of_minus_one_is_none() {
        let details = json!({ "quota": { "port": { "limit": 500, "used": 3, "reserved": 0 },
            "network": { "limit": -1, "used": 1 }, "tenant": "x" } });
        let quotas = network_quotas(&details);
        assert_eq!(quotas["network port"], VimQuota { limit: Some(500), used: 3 });
        assert_eq!(quotas["network network"], VimQuota { limit: None, used: 1 });
        assert_eq!(quotas.len(), 2);
    }
}
