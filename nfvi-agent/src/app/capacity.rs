//! How much of the host machines may take, how much they have taken, and whether more fits: pure.

use std::collections::BTreeSet;

use reference_points::common::Fault;
use reference_points::nf_vi::{Capacity, MachineSpec};

use crate::config::CapacityConfig;
use crate::facts::Kernel;
use crate::store::images::ImageRow;
use crate::store::machines::MachineRow;
use crate::store::volumes::VolumeRow;

/// What can be given to machines. `free_disk` and `used_disk` (by the agent's own files) are in bytes.
pub fn total(kernel: &Kernel, free_disk: u64, used_disk: u64, config: &CapacityConfig) -> Capacity {
    let scaled = |amount: u64, factor: f64| (amount as f64 * factor) as u64;
    let memory = kernel.memory_bytes.saturating_sub(config.keep_memory_bytes);
    let disk = free_disk.saturating_add(used_disk).saturating_sub(config.keep_disk_bytes);
    Capacity {
        vcpus: scaled(kernel.cpus.len() as u64, config.cpu_overcommit),
        memory_bytes: scaled(memory, config.memory_overcommit) & !((1 << 20) - 1),
        disk_bytes: scaled(disk, config.disk_overcommit),
    }
}

/// What has been given: disks count with the size that guests see, for they may grow to it.
pub fn reserved(machines: &[MachineRow], volumes: &[VolumeRow], images: &[ImageRow]) -> Capacity {
    let mut sum = Capacity::default();
    for machine in machines {
        sum.vcpus += u64::from(machine.spec.vcpus);
        sum.memory_bytes = sum.memory_bytes.saturating_add(machine.spec.memory_bytes);
        sum.disk_bytes = sum.disk_bytes.saturating_add(machine.root_bytes);
    }
    for volume in volumes {
        sum.disk_bytes = sum.disk_bytes.saturating_add(volume.spec.size_bytes);
    }
    for image in images {
        sum.disk_bytes = sum.disk_bytes.saturating_add(image.info.size_bytes);
    }
    sum
}

/// Why `wanted` does not fit, with the numbers; nothing when it does.
pub fn shortage(total: &Capacity, reserved: &Capacity, wanted: &Capacity) -> Vec<Fault> {
    let amounts = [
        ("capacity.vcpus", "virtual CPUs", total.vcpus, reserved.vcpus, wanted.vcpus),
        ("capacity.memoryBytes", "bytes of memory", total.memory_bytes, reserved.memory_bytes, wanted.memory_bytes),
        ("capacity.diskBytes", "bytes of disk", total.disk_bytes, reserved.disk_bytes, wanted.disk_bytes),
    ];
    amounts
        .into_iter()
        .filter(|(_, _, total, reserved, wanted)| *wanted > 0 && reserved.saturating_add(*wanted) > *total)
        .map(|(at, what, total, reserved, wanted)| {
            let left = total.saturating_sub(reserved);
            Fault::new(at, format!("{wanted} {what} are wanted, {left} are left: {reserved} of {total} are given away"))
                .mend("remove machines or volumes, use another host, or raise the agent's overcommit")
        })
        .collect()
}

/// Host CPUs for a machine that wants its own; the fault tells how many are left.
///
/// # Errors
/// When there are too few.
pub fn pin(spec: &MachineSpec, kernel: &Kernel, machines: &[MachineRow]) -> Result<Vec<u32>, Fault> {
    if !spec.cpu.dedicated {
        return Ok(Vec::new());
    }
    let taken: BTreeSet<u32> = machines.iter().flat_map(|machine| machine.pinned.iter().copied()).collect();
    let wanted = spec.vcpus as usize;
    let free = |cpus: &[u32]| cpus.iter().filter(|cpu| !taken.contains(cpu)).copied().collect::<Vec<_>>();
    // Of one node if any has enough, so that the guest's memory is near.
    let near = kernel.numa_nodes.iter().map(|node| free(&node.cpus)).find(|cpus| cpus.len() >= wanted);
    let mut cpus = near.unwrap_or_else(|| free(&kernel.cpus));
    if cpus.len() < wanted {
        let message = format!("{wanted} host CPUs are wanted for this machine alone, {} are left", cpus.len());
        return Err(Fault::new("/cpu/dedicated", message).mend("use another host, or do without dedicated CPUs"));
    }
    cpus.truncate(wanted);
    Ok(cpus)
}

/// Whether the host has the huge pages that a machine wants free now.
pub fn hugepages(spec: &MachineSpec, kernel: &Kernel) -> Option<Fault> {
    let page = spec.cpu.hugepage_bytes?;
    let wanted = spec.memory_bytes.div_ceil(page);
    let free: u64 = kernel.numa_nodes.iter().filter_map(|node| node.hugepages.get(&page)).sum();
    (free < wanted).then(|| {
        Fault::new("/cpu/hugepageBytes", format!("{wanted} pages of {page} bytes are wanted, {free} are free"))
            .mend("set vm.nr_hugepages on the host, or use another host")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use reference_points::nf_vi::NumaNode;
    use serde_json::json;
    use uuid::Uuid;

    fn kernel() -> Kernel {
        let node = |id, cpus: &[u32]| NumaNode {
            id,
            cpus: cpus.to_vec(),
            memory_bytes: 1 << 30,
            hugepages: [(2 << 20, 10)].into(),
        };
        Kernel {
            arch: "x86_64".into(),
            cpu_model: String::new(),
            cpus: vec![0, 1, 2, 3],
            memory_bytes: 2 << 30,
            numa_nodes: vec![node(0, &[0, 1]), node(1, &[2, 3])],
            release: String::new(),
            host_name: String::new(),
        }
    }

    fn spec(vcpus: u32, dedicated: bool) -> MachineSpec {
        serde_json::from_value(json!({
            "name": "m", "owner": {"kind": "vnf_instance", "id": Uuid::nil()}, "vcpus": vcpus, "memoryBytes": 64 << 20,
            "cpu": {"dedicated": dedicated, "hugepageBytes": 2 << 20}, "root": {"from": "volume", "volumeId": Uuid::nil()},
        }))
        .unwrap()
    }

    fn row(pinned: &[u32]) -> MachineRow {
        MachineRow {
            id: Uuid::nil(),
            spec: spec(pinned.len().max(1) as u32, !pinned.is_empty()),
            state: reference_points::nf_vi::MachineState::Running,
            problem: None,
            changed_at: 0,
            deleting: false,
            has_run: true,
            pinned: pinned.to_vec(),
            root_bytes: 100,
            pending: None,
            trace: None,
            reverted: None,
            reverting: None,
        }
    }

    #[test]
    fn what_does_not_fit_is_told_with_the_numbers() {
        let total = Capacity { vcpus: 4, memory_bytes: 1000, disk_bytes: 1000 };
        let reserved = Capacity { vcpus: 3, memory_bytes: 500, disk_bytes: 1000 };
        let wanted = Capacity { vcpus: 2, memory_bytes: 500, disk_bytes: 0 };
        let faults = shortage(&total, &reserved, &wanted);
        assert_eq!(faults.len(), 1, "memory fits exactly, and no disk is wanted");
        assert_eq!(faults[0].message, "2 virtual CPUs are wanted, 1 are left: 3 of 4 are given away");
    }

    #[test]
    fn dedicated_cpus_come_from_one_node_where_possible_and_never_twice() {
        assert_eq!(pin(&spec(2, true), &kernel(), &[row(&[0])]).unwrap(), [2, 3]);
        assert_eq!(pin(&spec(3, true), &kernel(), &[row(&[0])]).unwrap(), [1, 2, 3]);
        assert!(pin(&spec(4, true), &kernel(), &[row(&[0])]).unwrap_err().message.contains("3 are left"));
        assert!(pin(&spec(2, false), &kernel(), &[]).unwrap().is_empty());
    }

    #[test]
    fn huge_pages_are_counted_over_all_nodes() {
        let mut wants = spec(1, false);
        wants.memory_bytes = 40 << 20;
        assert_eq!(hugepages(&wants, &kernel()), None);
        wants.memory_bytes = 42 << 20;
        assert!(hugepages(&wants, &kernel()).unwrap().message.contains("21 pages"));
    }

    #[test]
    fn the_host_keeps_its_share() {
        let config = CapacityConfig {
            cpu_overcommit: 2.0,
            memory_overcommit: 0.5,
            disk_overcommit: 1.0,
            keep_memory_bytes: 1 << 30,
            keep_disk_bytes: 100,
        };
        let total = total(&kernel(), 1000, 50, &config);
        assert_eq!(total, Capacity { vcpus: 8, memory_bytes: 512 << 20, disk_bytes: 950 });
        let given = reserved(&[row(&[]), row(&[])], &[], &[]);
        assert_eq!(given, Capacity { vcpus: 2, memory_bytes: 128 << 20, disk_bytes: 200 });
    }
}
