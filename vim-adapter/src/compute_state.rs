//! What the consumer sees of a compute, from what is wanted, what the VIM said, and its ports. Pure.

use reference_points::common::ProblemDetails;
use reference_points::nf_vi::MachineState;
use reference_points::or_vi::{ComputeState, Port};

use crate::store::computes::{ComputeRow, Phase};

/// State and problem. A compute is active only when its machine runs and the network forwards for every one of its ports.
pub fn derive(row: &ComputeRow, ports: &[Port]) -> (ComputeState, Option<ProblemDetails>) {
    let told = || row.machine_problem.clone();
    match row.phase {
        Phase::Delete | Phase::Deleting => return (ComputeState::Deleting, told()),
        Phase::Failed => return (ComputeState::Error, told()),
        Phase::Deliver | Phase::Settled => {}
    }
    match row.machine {
        None | Some(MachineState::Building) => (ComputeState::Building, told()),
        Some(MachineState::Stopped) => (ComputeState::Stopped, told()),
        Some(MachineState::Error) => (ComputeState::Error, told()),
        // The agent removes it although it is wanted here: it will be asked for again when it is gone.
        Some(MachineState::Deleting) => (ComputeState::Building, told()),
        Some(MachineState::Running) => {
            let down: Vec<String> =
                ports.iter().filter(|port| !port.up).map(|port| format!("{} ({})", port.id, port.spec.name)).collect();
            if down.is_empty() {
                (ComputeState::Active, told())
            } else {
                let detail = format!("the machine runs; not forwarding yet: port {}", down.join(", port "));
                (ComputeState::Building, Some(ProblemDetails::new(503, "Ports are down", detail)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use reference_points::common::{Owner, OwnerKind};
    use reference_points::nf_vi::Capacity;
    use reference_points::or_vi::{Compute, ComputeRoot, ComputeSpec, Flavour, PortSpec, ResourceState};
    use uuid::Uuid;

    use super::*;

    fn owner() -> Owner {
        Owner { kind: OwnerKind::VnfInstance, id: Uuid::nil(), operation: None, step: None }
    }

    fn row(phase: Phase, machine: Option<MachineState>) -> ComputeRow {
        let flavour = Flavour { vcpus: 1, memory_bytes: 1 << 28, cpu: Default::default(), extra: Default::default() };
        let spec = ComputeSpec {
            name: "web".into(),
            owner: owner(),
            flavour,
            root: ComputeRoot::Volume { volume_id: Uuid::nil() },
            volumes: vec![],
            ports: vec![],
            boot_data: None,
            zone: None,
            affinity_groups: vec![],
            power: Default::default(),
        };
        ComputeRow {
            compute: Compute {
                id: Uuid::nil(),
                spec,
                vim_resource_id: None,
                state: ComputeState::Building,
                problem: None,
                host: None,
                zone: None,
                changed_at: 0,
            },
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

    fn port(name: &str, up: bool) -> Port {
        let spec = PortSpec {
            name: name.into(),
            owner: owner(),
            network_id: Uuid::nil(),
            mac: None,
            addresses: vec![],
            port_security: true,
            allowed_addresses: vec![],
        };
        Port {
            id: Uuid::nil(),
            spec,
            vim_resource_id: None,
            mac: String::new(),
            addresses: vec![],
            compute_id: None,
            up,
            state: ResourceState::Active,
            problem: None,
        }
    }

    #[test]
    fn active_means_running_with_every_port_up() {
        let running = row(Phase::Settled, Some(MachineState::Running));
        assert_eq!(derive(&running, &[]).0, ComputeState::Active);
        assert_eq!(derive(&running, &[port("a", true), port("b", true)]).0, ComputeState::Active);
        let (state, problem) = derive(&running, &[port("a", true), port("b", false)]);
        assert_eq!(state, ComputeState::Building);
        let detail = problem.unwrap().detail;
        assert!(detail.contains("(b)") && !detail.contains("(a)"), "{detail}");
    }

    #[test]
    fn deletion_and_refusal_win_over_what_the_machine_does() {
        assert_eq!(derive(&row(Phase::Deleting, Some(MachineState::Running)), &[]).0, ComputeState::Deleting);
        assert_eq!(derive(&row(Phase::Failed, None), &[]).0, ComputeState::Error);
        assert_eq!(derive(&row(Phase::Deliver, None), &[]).0, ComputeState::Building);
        assert_eq!(
            derive(&row(Phase::Settled, Some(MachineState::Stopped)), &[port("a", false)]).0,
            ComputeState::Stopped
        );
    }
}
