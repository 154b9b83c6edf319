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
    let returned = row.compute.spec.revert.is_none_or(|wanted| row.compute.reverted == Some(wanted));
    match row.machine {
        None | Some(MachineState::Building) => (ComputeState::Building, told()),
        Some(MachineState::Running | MachineState::Stopped) if !returned => {
            let detail = "its disks are being returned to a snapshot";
            (ComputeState::Building, told().or_else(|| Some(ProblemDetails::new(503, "Being reverted", detail))))
        }
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
    use reference_points::or_vi::ResourceState;
    use uuid::Uuid;

    use super::*;
    use crate::fixtures;

    fn row(phase: Phase, machine: Option<MachineState>) -> ComputeRow {
        fixtures::row(Uuid::nil(), phase, machine)
    }

    fn port(name: &str, up: bool) -> Port {
        Port { up, state: ResourceState::Active, ..fixtures::port(name) }
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
