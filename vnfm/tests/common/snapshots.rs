//! Snapshots in the VIM in memory, and the operations of a VNF on them.

use std::collections::BTreeMap;

use reference_points::or_vnfm::{GrantRequest, LcmOperationType, VnfSnapshot};
use serde_json::{Value, json};
use uuid::Uuid;
use vnfm::ops::grants::{self, Change};
use vnfm::ops::ids::RandomIds;
use vnfm::ops::occurrence::{CREATE_SNAPSHOT, REVERT_TO_SNAPSHOT};
use vnfm::ops::revert::{self, Return};
use vnfm::ops::snapshot::{self, SnapshotParams};
use vnfm::vi::Kind;

use super::{Instance, Outside, Thing, VIM, VnfWorld, asking, read};

impl Outside {
    /// What the disks of every machine hold.
    pub(super) fn disks(&self) -> BTreeMap<Uuid, Value> {
        let things = self.things.lock().unwrap();
        things
            .iter()
            .filter(|((kind, _), _)| *kind == Kind::Compute)
            .map(|((_, id), t)| (*id, t.holds.clone()))
            .collect()
    }

    /// A guest writes on its disks.
    pub(super) fn write(&self, compute: Uuid, what: &str) {
        self.things.lock().unwrap().get_mut(&(Kind::Compute, compute)).unwrap().holds = json!(what);
    }
}

/// A thing as its VIM shows it.
pub(super) fn shown(id: Uuid, thing: &Thing) -> Value {
    let mut shown = json!({ "id": id, "spec": thing.spec, "state": thing.state, "changedAt": 0, "sizeBytes": 0 });
    if let Some(reverted) = &thing.reverted {
        shown["reverted"] = reverted.clone();
    }
    shown
}

/// A machine's disks become what its specification wants of them.
pub(super) fn returned(things: &mut BTreeMap<(Kind, Uuid), Thing>, key: (Kind, Uuid)) {
    let wanted = things[&key].spec.get("revert").cloned();
    let Some(wanted) = wanted.filter(|wanted| things[&key].reverted.as_ref() != Some(wanted)) else { return };
    let snapshot = (Kind::Snapshot, wanted["snapshotId"].as_str().unwrap().parse().unwrap());
    let captured = things.get(&snapshot).map(|s| s.holds.clone());
    let machine = things.get_mut(&key).unwrap();
    if wanted["back"] == json!(true) {
        machine.holds = machine.former.take().unwrap_or_else(|| machine.holds.clone());
    } else {
        machine.former = Some(std::mem::replace(&mut machine.holds, captured.expect("a snapshot to return to")));
    }
    machine.reverted = Some(wanted);
}

/// Snapshots of the VIM that a grant names.
pub(super) fn granted(request: &GrantRequest) -> Vec<Value> {
    request
        .update_resources
        .iter()
        .filter_map(|r| r.snapshot_res_def.as_ref())
        .map(|s| {
            json!({ "vnfSnapshotId": s.vnf_snapshot_id, "vnfcSnapshotId": s.vnfc_snapshot_id,
                "vimSnapshotResourceId": s.snapshot_resource.as_ref().unwrap().resource_id })
        })
        .collect()
}

impl Instance {
    /// A snapshot of all nodes.
    pub fn snapshotting(self) -> VnfWorld {
        let op = Uuid::new_v4();
        let computes = self.computes();
        let change = Change { update: &computes, ..Change::default() };
        let grant = grants::request(&asking(op, self.id), LcmOperationType::CreateSnapshot, &change);
        let plan = snapshot::plan(Uuid::new_v4(), &computes, &grant, &mut RandomIds).unwrap();
        let taken = plan.steps().iter().filter(|s| s.kind == "snapshot");
        let taken: Vec<(Kind, Uuid)> = taken
            .map(|s| (Kind::Snapshot, read::<SnapshotParams>(s.params.clone()).id))
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect();
        let facts = self.facts.clone();
        let world = self.world(op, CREATE_SNAPSHOT, Some(facts), plan);
        let wanted = world.before.iter().chain(&taken).copied().collect();
        VnfWorld { wanted, ..world }
    }

    /// What a snapshot of all nodes holds, taken before the guests wrote something else.
    pub fn captured(&self) -> (Uuid, Vec<Return>) {
        let computes = self.computes();
        let returns = computes.into_iter().map(|vnfc| {
            let (id, name) = (Uuid::new_v4(), vnfc.name().to_owned());
            let thing = Thing {
                spec: json!({ "name": name, "computeId": vnfc.id() }),
                state: "active",
                uses: vec![],
                holds: json!("then"),
                former: None,
                reverted: None,
            };
            self.outside.things.lock().unwrap().insert((Kind::Snapshot, id), thing);
            self.outside.write(vnfc.id(), "now");
            let volumes = vnfm::ops::inventory::volumes_of(vnfc.vnfc().unwrap());
            let storage: Vec<Value> = volumes.map(|v| json!({ "storageResourceId": v })).collect();
            let to = read(json!({
                "id": name, "vnfcInstanceId": name, "vnfcResourceInfoId": vnfc.id(),
                "computeSnapshotResource": { "vimConnectionId": VIM, "resourceId": id },
                "storageSnapshotResources": storage
            }));
            Return { vnfc, to }
        });
        (Uuid::new_v4(), returns.collect())
    }

    /// The record of such a snapshot.
    pub fn snapshot(&self, id: Uuid, returns: &[Return]) -> VnfSnapshot {
        let vnfcs: Vec<_> = returns.iter().map(|r| r.to.clone()).collect();
        read(json!({
            "id": id, "vnfInstanceId": self.id, "vnfdId": "x", "vnfcSnapshots": vnfcs,
            "vnfInstance": { "id": self.id, "vnfdId": "x", "vnfProvider": "x", "vnfProductName": "x",
                "vnfSoftwareVersion": "1", "vnfdVersion": "1", "instantiationState": "INSTANTIATED" }
        }))
    }

    /// All nodes return to a snapshot.
    pub fn reverting(self) -> VnfWorld {
        let op = Uuid::new_v4();
        let (info, returns) = self.captured();
        let computes = self.computes();
        let change = Change { update: &computes, ..Change::default() };
        let mut grant = grants::request(&asking(op, self.id), LcmOperationType::RevertToSnapshot, &change);
        revert::define(&mut grant, info, &returns);
        let plan = revert::plan(info, &returns, &grant, &mut RandomIds).unwrap();
        let facts = self.facts.clone();
        let disks = computes.iter().map(|c| (c.id(), json!("then"))).collect();
        let world = self.world(op, REVERT_TO_SNAPSHOT, Some(facts), plan);
        let snapshots: Vec<(Kind, Uuid)> =
            world.outside.ids().into_iter().filter(|(kind, _)| *kind == Kind::Snapshot).collect();
        let all: Vec<(Kind, Uuid)> = world.before.iter().chain(&snapshots).copied().collect();
        VnfWorld { disks, wanted: all.clone(), before: all, ..world }
    }
}
