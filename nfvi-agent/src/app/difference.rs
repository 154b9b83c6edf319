//! What may change about a machine or a volume that exists, and what may not: pure.

use reference_points::common::{Fault, Owner};
use reference_points::nf_vi::{MachineSpec, VolumeSpec};

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

/// Members of a machine's specification that differ and may not. Interfaces, volumes and the power state may.
pub fn machine(old: &MachineSpec, new: &MachineSpec) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut check = |same: bool, fault: &dyn Fn() -> Fault| {
        if !same {
            faults.push(fault());
        }
    };
    check(old.name == new.name, &|| differs("/name", &old.name, &new.name));
    check(same_owner(&old.owner, &new.owner), &|| differs("/owner", &old.owner, &new.owner));
    check(old.vcpus == new.vcpus, &|| differs("/vcpus", &old.vcpus, &new.vcpus));
    check(old.memory_bytes == new.memory_bytes, &|| differs("/memoryBytes", &old.memory_bytes, &new.memory_bytes));
    check(old.cpu == new.cpu, &|| differs("/cpu", &old.cpu, &new.cpu));
    check(old.root == new.root, &|| differs("/root", &old.root, &new.root));
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
