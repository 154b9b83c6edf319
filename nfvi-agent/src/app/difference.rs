//! What may change about a machine or a volume that exists, and what may not: pure.

use reference_points::common::{Fault, Owner};
use reference_points::nf_vi::{MachineSpec, RootDisk, SnapshotSpec, VolumeSpec};

/// The owner is the same record; which of its operations asked does not matter.
fn same_owner(a: &Owner, b: &Owner) -> bool {
    (a.kind, a.id) == (b.kind, b.id)
}

fn differs(at: &str, old: &impl serde::Serialize, new: &impl serde::Serialize) -> Fault {
    let shown = |value: String| value.chars().take(200).collect::<String>();
    let json = |value: String| shown(value);
    let old = json(serde_json::to_string(old).unwrap_or_default());
    let new = json(serde_json::to_string(new).unwrap_or_default());
    Fault::new(at, format!("is {old} and cannot become {new}")).mend("ask for it as it is, or under a new id")
}

/// Whether a machine must start anew to become what is asked for: other CPUs, memory, or a larger disk.
pub fn reshapes(old: &MachineSpec, new: &MachineSpec) -> bool {
    (old.vcpus, old.memory_bytes, &old.cpu, &old.root) != (new.vcpus, new.memory_bytes, &new.cpu, &new.root)
}

/// Whether one root disk can become the other: it may grow.
fn may_grow(old: &RootDisk, new: &RootDisk) -> bool {
    match (old, new) {
        (RootDisk::Image { image_id: a, size_bytes: was }, RootDisk::Image { image_id: b, size_bytes: size }) => {
            a == b && size.unwrap_or(0) >= was.unwrap_or(0)
        }
        _ => old == new,
    }
}

/// Members of a machine's specification that differ and may not. Interfaces, volumes, CPUs, memory, the power state and
/// the snapshot it returns to may, and the disk it boots from may grow.
pub fn machine(old: &MachineSpec, new: &MachineSpec) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut check = |same: bool, fault: &dyn Fn() -> Fault| {
        if !same {
            faults.push(fault());
        }
    };
    check(old.name == new.name, &|| differs("/name", &old.name, &new.name));
    check(same_owner(&old.owner, &new.owner), &|| differs("/owner", &old.owner, &new.owner));
    check(may_grow(&old.root, &new.root), &|| differs("/root", &old.root, &new.root));
    check(old.config_drive == new.config_drive, &|| {
        // User data may hold secrets: it is not repeated.
        Fault::new("/configDrive", "differs from what the machine was made with")
            .mend("ask for it as it is, or under a new id")
    });
    // An interface that stays keeps its address.
    for nic in &new.nics {
        let kept = old.nics.iter().find(|other| other.port_id == nic.port_id);
        check(kept.is_none_or(|other| other == nic), &|| {
            differs(&format!("/nics (port {})", nic.port_id), &kept, &nic)
        });
    }
    faults
}

/// Members of a volume's specification that differ.
pub fn volume(old: &VolumeSpec, new: &VolumeSpec) -> Vec<Fault> {
    let mut faults = Vec::new();
    if old.name != new.name {
        faults.push(differs("/name", &old.name, &new.name));
    }
    if !same_owner(&old.owner, &new.owner) {
        faults.push(differs("/owner", &old.owner, &new.owner));
    }
    if old.size_bytes != new.size_bytes {
        faults.push(differs("/sizeBytes", &old.size_bytes, &new.size_bytes));
    }
    if old.image_id != new.image_id {
        faults.push(differs("/imageId", &old.image_id, &new.image_id));
    }
    faults
}

/// Members of a snapshot's specification that differ.
pub fn snapshot(old: &SnapshotSpec, new: &SnapshotSpec) -> Vec<Fault> {
    let mut faults = Vec::new();
    if old.name != new.name {
        faults.push(differs("/name", &old.name, &new.name));
    }
    if !same_owner(&old.owner, &new.owner) {
        faults.push(differs("/owner", &old.owner, &new.owner));
    }
    if old.machine_id != new.machine_id {
        faults.push(differs("/machineId", &old.machine_id, &new.machine_id));
    }
    faults
}
