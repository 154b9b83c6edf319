//! Resources as tests begin with: nothing is known of them yet but what was asked for.

use reference_points::common::{Owner, OwnerKind};
use reference_points::nf_vi::{Capacity, MachineState};
use reference_points::or_vi::{
    Compute, ComputeRoot, ComputeSpec, ComputeState, Flavour, Port, PortSpec, ResourceState, VnicType,
};
use uuid::Uuid;

use crate::store::computes::{ComputeRow, Phase};

pub fn owner() -> Owner {
    Owner { kind: OwnerKind::VnfInstance, id: Uuid::nil(), operation: None, step: None }
}

/// A compute called `web` that boots from an image.
pub fn compute(id: Uuid) -> Compute {
    let flavour = Flavour {
        vcpus: 1,
        memory_bytes: 1 << 28,
        cpu: Default::default(),
        extra: Default::default(),
        vim_flavour_id: None,
    };
    Compute {
        id,
        spec: ComputeSpec {
            name: "web".into(),
            owner: owner(),
            flavour,
            root: ComputeRoot::Image { image_id: Uuid::nil(), size_bytes: None },
            volumes: vec![],
            ports: vec![],
            boot_data: None,
            zone: None,
            affinity_groups: vec![],
            power: Default::default(),
            revert: None,
        },
        vim_resource_id: None,
        state: ComputeState::Building,
        problem: None,
        host: None,
        zone: None,
        reverted: None,
        changed_at: 0,
    }
}

/// Such a compute that the VIM was told of, and what it said of the machine.
pub fn row(id: Uuid, phase: Phase, machine: Option<MachineState>) -> ComputeRow {
    ComputeRow {
        compute: compute(id),
        reserved: Capacity::default(),
        phase,
        wanted: 1,
        sent: true,
        machine,
        machine_at: 0,
        machine_problem: None,
        config_drive: None,
        trace: None,
    }
}

/// A port that is being made.
pub fn port(name: &str) -> Port {
    Port {
        id: Uuid::nil(),
        spec: PortSpec {
            name: name.into(),
            owner: owner(),
            network_id: Uuid::nil(),
            mac: None,
            addresses: vec![],
            port_security: true,
            allowed_addresses: vec![],
            rules: vec![],
            trunk: None,
            vnic_type: VnicType::Normal,
            floating: false,
        },
        vim_resource_id: None,
        mac: String::new(),
        addresses: vec![],
        floating_address: None,
        compute_id: None,
        up: false,
        state: ResourceState::Building,
        problem: None,
    }
}
