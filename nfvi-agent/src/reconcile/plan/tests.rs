//! The decision for one machine, case by case, and as a walk from anywhere to the end.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

const PORT: Uuid = Uuid::from_u128(1);
const OTHER: Uuid = Uuid::from_u128(2);

fn disk(name: &str) -> PathBuf {
    PathBuf::from(name)
}

fn shape(vcpus: u32) -> Shape {
    Shape { vcpus, memory_bytes: 1 << 28, ..Shape::default() }
}

fn desired() -> Desired {
    Desired {
        present: true,
        power: DesiredPower::Running,
        shape: shape(1),
        own_root: Some(100),
        config_drive: true,
        ports: [PORT].into(),
        disks: [disk("root")].into(),
        pending: None,
        returning: None,
        keeps_former: false,
    }
}

fn domain(state: DomainState) -> ObservedDomain {
    let (ports, disks) = ([PORT].into(), [disk("root")].into());
    ObservedDomain { state, persistent: true, shape: shape(1), ports, disks }
}

fn observed(state: DomainState) -> Observed {
    Observed {
        domain: Some(domain(state)),
        directory: true,
        root_disk: Some(100),
        config_drive: true,
        plugged: Some([PORT].into()),
        disk_low: false,
        former: false,
    }
}

/// Does actions on a model until nothing is left, and tells them.
fn walk(desired: &mut Desired, seen: &mut Observed, now: i64) -> (Vec<Action>, Next) {
    let mut done = Vec::new();
    for _ in 0..50 {
        let action = match next(desired, seen, now) {
            Next::Do(Action::Forget) => return (done, Next::Do(Action::Forget)),
            Next::Do(action) => action,
            end => return (done, end),
        };
        let state = |seen: &mut Observed, state: DomainState| {
            seen.domain.as_mut().unwrap().state = state;
            let ports = seen.domain.as_ref().unwrap().ports.clone();
            if let Some(plugged) = &mut seen.plugged {
                *plugged = if state.is_active() { ports } else { BTreeSet::new() };
            }
        };
        match &action {
            Action::Revert => {
                assert!(!seen.domain.as_ref().is_some_and(|d| d.state.is_active()), "its disks are in use");
                desired.returning = match desired.returning.unwrap() {
                    Returning::Begin(revert) => Some(Returning::Exchange(revert)),
                    Returning::Exchange(_) | Returning::Abandon(_) => None,
                };
                (seen.former, seen.root_disk) = (true, desired.own_root);
            }
            Action::DropFormer => seen.former = false,
            Action::MakeRootDisk | Action::GrowRootDisk => (seen.directory, seen.root_disk) = (true, desired.own_root),
            Action::MakeConfigDrive => (seen.directory, seen.config_drive) = (true, true),
            Action::Define => {
                let old = seen.domain.as_ref().map_or(DomainState::Shutoff, |d| d.state);
                let ports =
                    if old.is_active() { seen.domain.as_ref().unwrap().ports.clone() } else { desired.ports.clone() };
                let disks =
                    if old.is_active() { seen.domain.as_ref().unwrap().disks.clone() } else { desired.disks.clone() };
                let shape = match &seen.domain {
                    Some(domain) if old.is_active() => domain.shape.clone(),
                    _ => desired.shape.clone(),
                };
                seen.domain = Some(ObservedDomain { state: old, persistent: true, shape, ports, disks });
            }
            Action::Start | Action::Resume => state(seen, DomainState::Running),
            Action::Plug(port) => _ = seen.plugged.as_mut().unwrap().insert(*port),
            Action::AttachNic(port) => {
                seen.domain.as_mut().unwrap().ports.insert(*port);
                seen.plugged.iter_mut().for_each(|p| _ = p.insert(*port));
            }
            Action::DetachNic(port) => {
                seen.domain.as_mut().unwrap().ports.remove(port);
                seen.plugged.iter_mut().for_each(|p| _ = p.remove(port));
            }
            Action::AttachDisk(path) => _ = seen.domain.as_mut().unwrap().disks.insert(path.clone()),
            Action::DetachDisk(path) => _ = seen.domain.as_mut().unwrap().disks.remove(path),
            Action::AskShutdown | Action::AskReboot => desired.pending.as_mut().unwrap().asked = true,
            Action::Reset | Action::EndPending => desired.pending = None,
            Action::Destroy => {
                state(seen, DomainState::Shutoff);
                if !seen.domain.as_ref().unwrap().persistent {
                    seen.domain = None;
                }
            }
            Action::Undefine => seen.domain = None,
            Action::Unplug(port) => _ = seen.plugged.as_mut().unwrap().remove(port),
            Action::RemoveFiles => (seen.directory, seen.root_disk, seen.config_drive) = (false, None, false),
            Action::Forget => unreachable!(),
        }
        done.push(action);
    }
    panic!("no end after {done:?}");
}

#[test]
fn a_new_machine_is_built_in_order() {
    let mut seen = Observed { plugged: Some(BTreeSet::new()), ..Observed::default() };
    let (done, end) = walk(&mut desired(), &mut seen, 0);
    assert_eq!(done, [Action::MakeRootDisk, Action::MakeConfigDrive, Action::Define, Action::Start]);
    assert_eq!(end, Next::Settled(MachineState::Running));
}

#[test]
fn a_machine_that_returns_to_a_snapshot_is_stopped_and_runs_again() {
    let revert = Revert { id: Uuid::from_u128(9), snapshot_id: Uuid::from_u128(8), back: false };
    let mut wish = Desired { returning: Some(Returning::Begin(revert)), keeps_former: true, ..desired() };
    let mut seen = observed(DomainState::Running);
    let (done, end) = walk(&mut wish, &mut seen, 0);
    assert_eq!(done, [Action::Destroy, Action::Revert, Action::Revert, Action::Start]);
    assert_eq!((end, seen.former), (Next::Settled(MachineState::Running), true));
    wish.keeps_former = false;
    assert_eq!(walk(&mut wish, &mut seen, 0).0, [Action::DropFormer], "it runs on meanwhile");
}

#[test]
fn a_return_that_is_prepared_is_ended_and_another_is_abandoned() {
    let one = Revert { id: Uuid::from_u128(1), snapshot_id: Uuid::from_u128(8), back: false };
    let back = Revert { back: true, ..one };
    let prepared = |ready| Some(Reverting { revert: one, ready });
    assert_eq!(returning(Some(one), None, None), Some(Returning::Begin(one)));
    assert_eq!(returning(Some(one), None, prepared(false)), Some(Returning::Begin(one)), "the copies are made anew");
    assert_eq!(returning(Some(one), None, prepared(true)), Some(Returning::Exchange(one)));
    assert_eq!(returning(None, None, prepared(true)), Some(Returning::Exchange(one)), "no disks of two moments");
    assert_eq!(returning(Some(back), None, prepared(false)), Some(Returning::Abandon(one)));
    assert_eq!(returning(Some(back), Some(one), None), Some(Returning::Begin(back)));
    assert_eq!(returning(Some(one), Some(one), None), None);
    assert_eq!(returning(None, Some(one), None), None);
}

#[test]
fn a_machine_that_somebody_undefined_or_killed_comes_back_with_its_disk() {
    let mut gone = Observed { domain: None, ..observed(DomainState::Running) };
    gone.plugged = Some(BTreeSet::new());
    assert_eq!(walk(&mut desired(), &mut gone, 0).0, [Action::Define, Action::Start]);
    assert_eq!(walk(&mut desired(), &mut observed(DomainState::Shutoff), 0).0, [Action::Start]);
    let mut crashed = observed(DomainState::Crashed);
    assert_eq!(walk(&mut desired(), &mut crashed, 0).0, [Action::Destroy, Action::Start]);
    let mut transient = observed(DomainState::Running);
    transient.domain.as_mut().unwrap().persistent = false;
    assert_eq!(walk(&mut desired(), &mut transient, 0).0, [Action::Define]);
    assert_eq!(walk(&mut desired(), &mut observed(DomainState::Paused), 0).0, [Action::Resume]);
}

#[test]
fn a_running_machine_is_left_alone_whatever_happens_to_its_files() {
    let mut seen = Observed { root_disk: None, config_drive: false, ..observed(DomainState::Running) };
    assert_eq!(walk(&mut desired(), &mut seen, 0), (vec![], Next::Settled(MachineState::Running)));
}

#[test]
fn a_port_that_was_taken_away_is_plugged_again_and_none_while_the_bridge_is_away() {
    let mut seen = Observed { plugged: Some(BTreeSet::new()), ..observed(DomainState::Running) };
    assert_eq!(walk(&mut desired(), &mut seen, 0).0, [Action::Plug(PORT)]);
    let mut away = Observed { plugged: None, ..observed(DomainState::Running) };
    assert_eq!(walk(&mut desired(), &mut away, 0), (vec![], Next::Settled(MachineState::Running)));
}

#[test]
fn a_guest_halted_by_a_full_disk_waits_for_space() {
    let full = Observed { disk_low: true, ..observed(DomainState::PausedIoError) };
    assert_eq!(next(&desired(), &full, 0), Next::HaltedByDisk);
    assert_eq!(walk(&mut desired(), &mut observed(DomainState::PausedIoError), 0).0, [Action::Resume]);
}

#[test]
fn devices_come_and_go_while_it_runs_and_with_the_definition_while_it_rests() {
    let mut wish = Desired { ports: [OTHER].into(), disks: [disk("root"), disk("data")].into(), ..desired() };
    let (done, end) = walk(&mut wish, &mut observed(DomainState::Running), 0);
    assert_eq!(done, [Action::DetachNic(PORT), Action::AttachDisk(disk("data")), Action::AttachNic(OTHER)]);
    assert_eq!(end, Next::Settled(MachineState::Running));
    assert_eq!(walk(&mut wish, &mut observed(DomainState::Shutoff), 0).0, [Action::Define, Action::Start]);
}

#[test]
fn power_off_asks_the_guest_first_and_uses_force_after_the_deadline() {
    let pending = Pending { action: PendingAction::Stop, deadline: 100, asked: false };
    let stop = || Desired { power: DesiredPower::Stopped, pending: Some(pending), ..desired() };
    let mut wish = stop();
    let (done, end) = walk(&mut wish, &mut observed(DomainState::Running), 50);
    assert_eq!(done, [Action::AskShutdown]);
    assert_eq!(end, Next::LookAgain { at: 100, state: MachineState::Running });
    // The guest followed.
    let (done, end) = walk(&mut wish, &mut observed(DomainState::Shutoff), 60);
    assert_eq!((done, end), (vec![Action::EndPending], Next::Settled(MachineState::Stopped)));
    // The guest did not.
    let (done, end) = walk(&mut stop(), &mut observed(DomainState::Running), 100);
    assert_eq!((done, end), (vec![Action::Destroy, Action::EndPending], Next::Settled(MachineState::Stopped)));
    // A halted guest cannot.
    assert_eq!(walk(&mut stop(), &mut observed(DomainState::Paused), 50).0[0], Action::Destroy);
    // Without a pending action it is pulled at once.
    let mut plain = Desired { power: DesiredPower::Stopped, ..desired() };
    assert_eq!(walk(&mut plain, &mut observed(DomainState::Running), 0).0, [Action::Destroy]);
}

#[test]
fn reboot_asks_first_and_resets_after_the_deadline() {
    let reboot =
        |asked| Desired { pending: Some(Pending { action: PendingAction::Reboot, deadline: 100, asked }), ..desired() };
    assert_eq!(next(&reboot(false), &observed(DomainState::Running), 0), Next::Do(Action::AskReboot));
    let waits = Next::LookAgain { at: 100, state: MachineState::Running };
    assert_eq!(next(&reboot(true), &observed(DomainState::Running), 0), waits);
    assert_eq!(next(&reboot(true), &observed(DomainState::Running), 100), Next::Do(Action::Reset));
}

#[test]
fn removal_takes_everything_in_an_order_that_can_be_resumed() {
    let mut gone = Desired { present: false, ..desired() };
    let (done, end) = walk(&mut gone, &mut observed(DomainState::Running), 0);
    assert_eq!(done, [Action::Destroy, Action::Undefine, Action::RemoveFiles]);
    assert_eq!(end, Next::Do(Action::Forget));
    let mut left = Observed { domain: None, plugged: Some([PORT].into()), ..Observed::default() };
    assert_eq!(walk(&mut gone, &mut left, 0).0, [Action::Unplug(PORT)]);
}

#[test]
fn from_every_combination_the_walk_ends_where_it_shall() {
    let states = [
        None,
        Some(DomainState::Running),
        Some(DomainState::Paused),
        Some(DomainState::PausedIoError),
        Some(DomainState::Shutoff),
        Some(DomainState::Crashed),
    ];
    let mut tried = 0;
    for state in states {
        for bits in 0u32..512 {
            let bit = |n: u32| bits & (1 << n) != 0;
            let mut wish = Desired {
                present: bit(0),
                power: if bit(1) { DesiredPower::Running } else { DesiredPower::Stopped },
                own_root: bit(2).then_some(if bit(8) { 200 } else { 100 }),
                config_drive: bit(3),
                ..desired()
            };
            let mut seen = Observed {
                domain: state.map(|state| ObservedDomain { persistent: bit(4), ..domain(state) }),
                directory: bit(5),
                root_disk: (bit(5) && bit(6)).then_some(100),
                config_drive: bit(5) && bit(6),
                plugged: Some(if bit(7) { [PORT].into() } else { BTreeSet::new() }),
                disk_low: false,
                former: false,
            };
            let end = walk(&mut wish, &mut seen, 0).1;
            let expected = match (bit(0), bit(1)) {
                (false, _) => Next::Do(Action::Forget),
                (true, true) => Next::Settled(MachineState::Running),
                (true, false) => Next::Settled(MachineState::Stopped),
            };
            assert_eq!(end, expected, "{wish:?} {seen:?}");
            tried += 1;
        }
    }
    assert_eq!(tried, 6 * 512);
}

#[test]
fn other_cpus_and_a_larger_disk_come_with_a_new_start_after_the_guest_was_asked() {
    let mut wanted = Desired {
        shape: shape(2),
        own_root: Some(200),
        pending: Some(Pending { action: PendingAction::Reshape, deadline: 100, asked: false }),
        ..desired()
    };
    let mut seen = observed(DomainState::Running);
    let (done, end) = walk(&mut wanted, &mut seen, 0);
    assert_eq!(done, [Action::AskShutdown]);
    assert_eq!(end, Next::LookAgain { at: 100, state: MachineState::Building }, "the guest has its time");
    seen.domain = Some(domain(DomainState::Shutoff));
    let (done, end) = walk(&mut wanted, &mut seen, 50);
    assert_eq!(done, [Action::GrowRootDisk, Action::Define, Action::Start, Action::EndPending]);
    assert_eq!(end, Next::Settled(MachineState::Running));

    let pending = Some(Pending { action: PendingAction::Reshape, deadline: 100, asked: true });
    let mut deaf = observed(DomainState::Running);
    let (done, _) = walk(&mut Desired { shape: shape(2), pending, ..desired() }, &mut deaf, 100);
    assert_eq!(done, [Action::Destroy, Action::Define, Action::Start, Action::EndPending]);
}

#[test]
fn what_somebody_else_gave_a_running_machine_is_taken_with_its_next_start_only() {
    let mut seen = observed(DomainState::Running);
    seen.domain.as_mut().unwrap().shape = shape(4);
    assert_eq!(walk(&mut desired(), &mut seen, 0), (vec![], Next::Settled(MachineState::Running)));
    seen.domain.as_mut().unwrap().state = DomainState::Shutoff;
    assert_eq!(walk(&mut desired(), &mut seen, 0).0, [Action::Define, Action::Start]);
}
