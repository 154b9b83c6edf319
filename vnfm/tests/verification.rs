//! A VNF held against its descriptor: what is as described holds, and each planted difference is named, alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;

use common::{Changing, Instance};
use db::testing::TestDb;
use reference_points::nf_vi::{RealDisk, RealPort, Reality};
use reference_points::or_vi::{
    Compute, ComputeRoot, ComputeSpec, ComputeState, Port, PortAddress, PortSpec, ResourceState, VnicType, Volume,
    VolumeSpec,
};
use reference_points::os_ma_nfvo::verification::Check;
use uuid::Uuid;
use vnfm::ops::blueprint::{Blueprint, PortPart, RootPart, VnfcPart, VolumePart};
use vnfm::ops::transition::Counts;
use vnfm::ops::verify::{Found, checks, counts};

fn owner() -> reference_points::common::Owner {
    serde_json::from_value(serde_json::json!({ "kind": "vnf_instance", "id": Uuid::nil() })).unwrap()
}

fn compute(vnfc: &VnfcPart, host: &str) -> Compute {
    let spec = ComputeSpec {
        name: vnfc.name.clone(),
        owner: owner(),
        flavour: vnfc.flavour.clone(),
        root: ComputeRoot::Image { image_id: Uuid::nil(), size_bytes: None },
        volumes: vec![],
        ports: vec![],
        boot_data: None,
        zone: None,
        affinity_groups: vec![],
        power: Default::default(),
        revert: None,
    };
    Compute {
        id: vnfc.id,
        spec,
        vim_resource_id: None,
        state: ComputeState::Active,
        problem: None,
        host: Some(host.into()),
        zone: Some("default".into()),
        reverted: None,
        changed_at: 0,
    }
}

fn reality(vnfc: &VnfcPart) -> Reality {
    let root = match vnfc.root {
        RootPart::Image { size_bytes, .. } => RealDisk { volume_id: None, size_bytes },
        RootPart::Volume(id) => RealDisk { volume_id: Some(id), size_bytes: None },
    };
    let volumes = vnfc.volumes.iter().map(|id| RealDisk { volume_id: Some(*id), size_bytes: None });
    Reality {
        runs: true,
        vcpus: vnfc.flavour.vcpus,
        memory_bytes: vnfc.flavour.memory_bytes,
        disks: std::iter::once(root).chain(volumes).collect(),
        ports: vnfc.ports.iter().map(|port| RealPort { id: port.id, plugged: true }).collect(),
    }
}

fn port(part: &PortPart) -> Port {
    let address = |ip| PortAddress { subnet_id: Uuid::nil(), ip, prefix: 24 };
    let asked = part.addresses.iter().map(|a| address(a.ip.unwrap_or([10, 0, 0, 9].into())));
    let spec = PortSpec {
        name: part.name.clone(),
        owner: owner(),
        network_id: part.on.network(),
        mac: None,
        addresses: vec![],
        port_security: true,
        allowed_addresses: vec![],
        rules: vec![],
        trunk: None,
        vnic_type: VnicType::Normal,
        floating: false,
    };
    Port {
        id: part.id,
        spec,
        vim_resource_id: None,
        mac: String::new(),
        addresses: asked.collect(),
        floating_address: None,
        compute_id: None,
        up: true,
        state: ResourceState::Active,
        problem: None,
    }
}

fn volume(part: &VolumePart) -> Volume {
    let spec = VolumeSpec { size_bytes: part.size_bytes, ..spec_of(&part.name) };
    Volume {
        id: part.id,
        spec,
        vim_resource_id: None,
        state: ResourceState::Active,
        problem: None,
        compute_id: None,
        host: None,
    }
}

fn spec_of(name: &str) -> VolumeSpec {
    serde_json::from_value(serde_json::json!({ "name": name, "owner": owner(), "sizeBytes": 1 })).unwrap()
}

/// Everything of a blueprint, each VNFC on a host of its own.
fn all_of(target: &Blueprint) -> Found {
    let vnfcs = || target.vnfcs.iter();
    Found {
        computes: vnfcs().enumerate().map(|(n, v)| (v.id, compute(v, &format!("host{n}")))).collect(),
        realities: vnfcs().map(|v| (v.id, reality(v))).collect(),
        ports: vnfcs().flat_map(|v| &v.ports).map(|p| (p.id, port(p))).collect(),
        volumes: target.volumes.iter().map(|v| (v.id, volume(v))).collect(),
        networks: target.links.iter().map(|l| l.id).collect(),
    }
}

struct Described {
    target: Blueprint,
    counts: Counts,
}

impl Described {
    async fn new() -> Self {
        let instance = Instance::running((*TestDb::sqlite().await).clone()).await;
        let (target, _) = instance.changed(&Changing::default()).unwrap();
        let vnfd = common::vnfd();
        let counts = counts(vnfd.flavour("simple").unwrap(), &instance.facts).unwrap();
        Self { target, counts }
    }

    fn differing(&self, plant: impl FnOnce(&Blueprint, &mut Found)) -> Vec<Check> {
        let mut found = all_of(&self.target);
        plant(&self.target, &mut found);
        let all = checks(&self.target, &self.counts, &BTreeSet::new(), &found);
        all.into_iter().filter(|check| !check.holds).collect()
    }

    /// The only difference.
    fn one(&self, plant: impl FnOnce(&Blueprint, &mut Found)) -> (String, String, String, String) {
        let mut differing = self.differing(plant);
        assert_eq!(differing.len(), 1, "{differing:#?}");
        let Check { subject, aspect, expected, found, .. } = differing.remove(0);
        (subject, aspect, expected, found)
    }
}

fn told(subject: &str, aspect: &str, expected: &str, found: &str) -> (String, String, String, String) {
    (subject.into(), aspect.into(), expected.into(), found.into())
}

#[tokio::test]
async fn what_is_as_described_holds_and_every_planted_difference_is_named_alone() {
    let described = Described::new().await;
    assert_eq!(described.differing(|_, _| ()), [], "what is as described holds");
    let first = |target: &Blueprint| target.vnfcs[0].id;

    let cpus = described.one(|t, f| f.realities.get_mut(&first(t)).unwrap().vcpus = 7);
    assert_eq!((cpus.1.as_str(), cpus.3.as_str()), ("vCPUs", "7"));
    let memory = described.one(|t, f| f.realities.get_mut(&first(t)).unwrap().memory_bytes = 64 << 20);
    assert_eq!((memory.1.as_str(), memory.3.as_str()), ("memory", "64 MiB"));
    let power = described.one(|t, f| f.realities.get_mut(&first(t)).unwrap().runs = false);
    assert_eq!(power, told("VNFC pair-node-1", "power", "runs", "stopped"));
    let network = described.one(|t, f| {
        f.ports.get_mut(&t.vnfcs[0].ports[0].id).unwrap().spec.network_id = Uuid::nil();
    });
    assert_eq!((network.1.as_str(), network.3.as_str()), ("network", Uuid::nil().to_string().as_str()));
    let unplugged = described.one(|t, f| f.realities.get_mut(&first(t)).unwrap().ports[0].plugged = false);
    assert_eq!((unplugged.0.as_str(), unplugged.1.as_str()), ("VNFC pair-node-1", "ports"));
    let detached = described.one(|t, f| f.realities.get_mut(&first(t)).unwrap().disks.truncate(1));
    assert_eq!((detached.0.as_str(), detached.1.as_str()), ("VNFC pair-node-1", "volumes"));
    let volume = described.one(|t, f| f.volumes.get_mut(&t.volumes[0].id).unwrap().spec.size_bytes = 3);
    assert_eq!((volume.1.as_str(), volume.3.as_str()), ("size", "3 bytes"));
    let together = described.one(|t, f| f.computes.get_mut(&t.vnfcs[1].id).unwrap().host = Some("host0".into()));
    assert_eq!(
        together,
        told("affinity rule apart", "placement", "apart", "pair-node-1 on host0, pair-node-2 on host0")
    );
    let link = described.one(|t, f| _ = f.networks.remove(&t.links[0].id));
    assert_eq!((link.1.as_str(), link.3.as_str()), ("network", "not there"));
}

#[tokio::test]
async fn another_address_than_the_one_asked_for_is_named() {
    let described = Described::new().await;
    let address = described.one(|t, f| {
        let fixed = t.vnfcs.iter().flat_map(|v| &v.ports).find(|p| p.addresses.iter().any(|a| a.ip.is_some())).unwrap();
        f.ports.get_mut(&fixed.id).unwrap().addresses[0].ip = [203, 0, 113, 10].into();
    });
    assert_eq!(address, told("port pair-node-1-outside", "addresses", "203.0.113.9", "203.0.113.10"));
}

#[tokio::test]
async fn a_machine_that_is_gone_counts_for_its_level_too() {
    let described = Described::new().await;
    let differing = described.differing(|t, f| {
        f.computes.remove(&t.vnfcs[1].id);
        f.realities.remove(&t.vnfcs[1].id);
    });
    let level = differing.iter().find(|check| check.aspect == "level").expect("the level");
    assert_eq!((level.subject.as_str(), level.found.as_str()), ("VDU node", "1 VNFCs"));
    assert!(differing.iter().all(|c| c.subject == "VNFC pair-node-2" || c.aspect == "level"), "{differing:#?}");
}
