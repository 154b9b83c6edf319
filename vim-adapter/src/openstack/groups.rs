//! Affinity groups as Nova's server groups (IFA005 clause 7.3.1). Nova knows hosts only; groups over zones are kept by the zone
//! that the consumer names for each compute.

use reference_points::or_vi::{AffinityGroup, AffinityPolicy, AffinityScope, ComputeSpec};
use serde_json::{Value, json};
use uuid::Uuid;

use super::OpenstackVim;
use super::call::{Call, Service};
use super::errors::Work;
use super::marks::{self, Mark};
use super::networks::text;
use crate::error::Result;
use crate::store::groups;
use crate::vim::{Gone, Its, Made};

fn policy(policy: AffinityPolicy) -> &'static str {
    match policy {
        AffinityPolicy::Affinity => "affinity",
        AffinityPolicy::AntiAffinity => "anti-affinity",
    }
}

fn marked(list: &Value, id: Uuid, vim: Uuid) -> Option<&Value> {
    list["server_groups"].as_array()?.iter().find(|group| {
        group["name"].as_str().and_then(marks::from_name).is_some_and(|mark| mark.is("affinity_group", id, vim))
    })
}

/// What is wrong with a compute's zone beside those of the other members of a group.
fn zone_fault(group: &AffinityGroup, zone: Option<&str>, taken: &[String]) -> Option<String> {
    let name = &group.spec.name;
    let Some(zone) = zone else {
        return Some(format!("group {name} is about zones: name the zone that the compute shall be in"));
    };
    let others: Vec<&str> = taken.iter().map(String::as_str).collect();
    match group.spec.policy {
        AffinityPolicy::Affinity if others.iter().any(|other| *other != zone) => {
            Some(format!("group {name} is in zone {}, not in {zone}", others.join(", ")))
        }
        AffinityPolicy::AntiAffinity if others.contains(&zone) => {
            Some(format!("another member of group {name} is in zone {zone}"))
        }
        _ => None,
    }
}

impl OpenstackVim {
    pub(super) async fn make_group(&self, group: &AffinityGroup) -> Result<Made> {
        let _turn = self.turns.take(group.id).await;
        if matches!(group.spec.scope, AffinityScope::Zone) {
            return Ok(Made::now());
        }
        let (id, name) = (group.id, &group.spec.name);
        let work = Work::on("make", "affinity group", name, id);
        let found = match self.looked_for(id, || self.marked_group(&work, id)).await? {
            Some(found) => found,
            None => {
                let mark = Mark::of("affinity_group", id, self.ledger.vim, &group.spec.owner);
                let body = json!({ "server_group": {
                    "name": marks::in_name(name, &mark), "policy": policy(group.spec.policy),
                }});
                let call = Call::post(Service::Compute, "os-server-groups", &body);
                self.create(&work, call, |reply| reply["server_group"].clone(), || self.marked_group(&work, id)).await?
            }
        };
        Ok(Made::Now(Its { id: text(&found, "id"), ..Its::default() }))
    }

    async fn marked_group(&self, work: &Work, id: Uuid) -> Result<Option<Value>> {
        let list = self.session.ask(work, Call::get(Service::Compute, "os-server-groups")).await?.body;
        Ok(marked(&list, id, self.ledger.vim).cloned())
    }

    pub(super) async fn remove_group(&self, group: &AffinityGroup) -> Result<Gone> {
        let _turn = self.turns.take(group.id).await;
        if matches!(group.spec.scope, AffinityScope::Zone) {
            return Ok(Gone::Now);
        }
        let work = Work::on("delete", "affinity group", &group.spec.name, group.id);
        let its = match &group.vim_resource_id {
            Some(its) => Some(its.clone()),
            None => {
                let found = self.looked_for(group.id, || self.marked_group(&work, group.id)).await?;
                found.and_then(|found| text(&found, "id"))
            }
        };
        if let Some(its) = its {
            self.session.remove(&work, Service::Compute, format!("os-server-groups/{its}")).await?;
        }
        Ok(Gone::Now)
    }

    /// The server group that a compute is made in.
    ///
    /// # Errors
    /// 422 when Nova cannot do what its groups ask for.
    pub(super) async fn group_of(&self, id: Uuid, spec: &ComputeSpec) -> Result<Option<String>> {
        let mut connection = self.ledger.store.db.pool.acquire().await?;
        let mut of_hosts = Vec::new();
        let mut faults = Vec::new();
        for (i, wanted) in spec.affinity_groups.iter().enumerate() {
            let Some(group) = groups::get(&mut connection, self.ledger.vim, *wanted).await? else { continue };
            if matches!(group.spec.scope, AffinityScope::NfviNode) {
                of_hosts.push((i, group));
                continue;
            }
            let mut taken = Vec::new();
            for member in group.members.iter().filter(|member| **member != id) {
                let row = crate::store::computes::get(&mut connection, self.ledger.vim, *member).await?;
                taken.extend(row.and_then(|row| row.compute.zone.or(row.compute.spec.zone)));
            }
            if let Some(why) = zone_fault(&group, spec.zone.as_deref(), &taken) {
                faults.push(reference_points::common::Fault::new(format!("/affinityGroups/{i}"), why));
            }
        }
        if let [_, (i, second), ..] = of_hosts.as_slice() {
            let why = format!("Nova takes one group over hosts for a server; {} is one more", second.spec.name);
            faults.push(reference_points::common::Fault::new(format!("/affinityGroups/{i}"), why));
        }
        crate::error::no_faults("the compute", faults)?;
        let first = of_hosts.into_iter().next();
        first.map(|(_, group)| super::known(group.vim_resource_id, "affinity group", group.id)).transpose()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use reference_points::common::{Owner, OwnerKind};
    use reference_points::or_vi::AffinityGroupSpec;

    use super::*;

    fn group(policy: AffinityPolicy) -> AffinityGroup {
        let owner = Owner { kind: OwnerKind::VnfInstance, id: Uuid::nil(), operation: None, step: None };
        AffinityGroup {
            id: Uuid::from_u128(1),
            spec: AffinityGroupSpec { name: "g".into(), owner, policy, scope: AffinityScope::Zone },
            vim_resource_id: None,
            members: vec![],
        }
    }

    #[test]
    fn zones_are_shared_or_not_as_the_group_asks() {
        let taken = ["az1".to_owned()];
        let (together, apart) = (group(AffinityPolicy::Affinity), group(AffinityPolicy::AntiAffinity));
        assert_eq!(zone_fault(&together, Some("az1"), &taken), None);
        assert!(zone_fault(&together, Some("az2"), &taken).unwrap().contains("az1"));
        assert_eq!(zone_fault(&apart, Some("az2"), &taken), None);
        assert!(zone_fault(&apart, Some("az1"), &taken).is_some());
        assert!(zone_fault(&apart, None, &[]).unwrap().contains("name the zone"));
    }

    #[test]
    fn a_group_is_found_by_the_mark_in_its_name() {
        let group = group(AffinityPolicy::Affinity);
        let mark = Mark::of("affinity_group", group.id, Uuid::nil(), &group.spec.owner);
        let list =
            json!({ "server_groups": [{ "id": "x", "name": "g" }, { "id": "y", "name": marks::in_name("g", &mark) }] });
        assert_eq!(marked(&list, group.id, Uuid::nil()).unwrap()["id"], "y");
    }
}
