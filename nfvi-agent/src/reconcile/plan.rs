//! The next thing to do for one machine: a pure function of what shall be and what is.

use std::collections::BTreeSet;
use std::path::PathBuf;

use reference_points::nf_vi::{DesiredPower, MachineState, Revert};
use uuid::Uuid;

use crate::hypervisor::{DomainState, Shape};
use crate::store::machines::{Pending, PendingAction, Reverting};

/// What shall be.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// False when everything of it shall go.
    pub present: bool,
    /// Power state.
    pub power: DesiredPower,
    /// CPUs and memory.
    pub shape: Shape,
    /// Size of the disk of its own over an image, in bytes; `None` when it boots from a volume.
    pub own_root: Option<u64>,
    /// It has first-boot data.
    pub config_drive: bool,
    /// Ports of its interfaces.
    pub ports: BTreeSet<Uuid>,
    /// Files of its disks.
    pub disks: BTreeSet<PathBuf>,
    /// A power action that is under way.
    pub pending: Option<Pending>,
    /// What is to be done next of a return to a snapshot.
    pub returning: Option<Returning>,
    /// What its disks held before a return to a snapshot may be wanted again.
    pub keeps_former: bool,
}

/// What is to be done next of a return to a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returning {
    /// Prepare it.
    Begin(Revert),
    /// Exchange the disks: everything is prepared.
    Exchange(Revert),
    /// It is not wanted any more and nothing was exchanged: let go what was prepared.
    Abandon(Revert),
}

/// What is to be done of the return that is wanted, after that which happened last and the one that is under way.
pub fn returning(wanted: Option<Revert>, happened: Option<Revert>, under_way: Option<Reverting>) -> Option<Returning> {
    match under_way {
        Some(now) if now.ready => Some(Returning::Exchange(now.revert)),
        Some(now) if wanted != Some(now.revert) => Some(Returning::Abandon(now.revert)),
        _ => wanted.filter(|wanted| happened != Some(*wanted)).map(Returning::Begin),
    }
}

/// What is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observed {
    /// The domain, if the hypervisor knows one.
    pub domain: Option<ObservedDomain>,
    /// Its directory exists.
    pub directory: bool,
    /// Size of its own disk in bytes, if it exists, whole.
    pub root_disk: Option<u64>,
    /// Its first-boot data exists, whole.
    pub config_drive: bool,
    /// Which of its ports are on the integration bridge; `None` while the switch or the bridge is away.
    pub plugged: Option<BTreeSet<Uuid>>,
    /// The disk is too full to let a guest write on.
    pub disk_low: bool,
    /// What its disks held before the last return to a snapshot is kept.
    pub former: bool,
}

/// A domain as far as the decision needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedDomain {
    /// What it does.
    pub state: DomainState,
    /// It stays defined when it stops.
    pub persistent: bool,
    /// CPUs and memory that it has, or starts with.
    pub shape: Shape,
    /// Ports of its interfaces.
    pub ports: BTreeSet<Uuid>,
    /// Files of its disks.
    pub disks: BTreeSet<PathBuf>,
}

/// One effect.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Go on with a return to a snapshot.
    Revert,
    /// Let go what the disks held before the last return.
    DropFormer,
    /// Make the disk over the image.
    MakeRootDisk,
    /// Let the disk over the image grow.
    GrowRootDisk,
    /// Write the first-boot data.
    MakeConfigDrive,
    /// Define the domain, or replace its definition.
    Define,
    /// Start the domain.
    Start,
    /// Let the halted domain go on.
    Resume,
    /// Plug a running machine's tap device into the bridge again.
    Plug(Uuid),
    /// Add an interface to the running domain.
    AttachNic(Uuid),
    /// Take an interface from the running domain.
    DetachNic(Uuid),
    /// Add a disk to the running domain.
    AttachDisk(PathBuf),
    /// Take a disk from the running domain.
    DetachDisk(PathBuf),
    /// Ask the guest to power off.
    AskShutdown,
    /// Ask the guest to reboot.
    AskReboot,
    /// Reset the domain.
    Reset,
    /// Note that the power action is over.
    EndPending,
    /// Destroy the domain.
    Destroy,
    /// Undefine the domain.
    Undefine,
    /// Remove a port that the domain left behind.
    Unplug(Uuid),
    /// Remove the machine's files.
    RemoveFiles,
    /// Forget the machine.
    Forget,
}

impl Action {
    /// Its kind, as a word.
    pub fn kind(&self) -> &'static str {
        match self {
            Action::Revert => "revert",
            Action::DropFormer => "drop_former",
            Action::MakeRootDisk => "make_root_disk",
            Action::GrowRootDisk => "grow_root_disk",
            Action::MakeConfigDrive => "make_config_drive",
            Action::Define => "define",
            Action::Start => "start",
            Action::Resume => "resume",
            Action::Plug(_) => "plug",
            Action::AttachNic(_) => "attach_nic",
            Action::DetachNic(_) => "detach_nic",
            Action::AttachDisk(_) => "attach_disk",
            Action::DetachDisk(_) => "detach_disk",
            Action::AskShutdown => "ask_shutdown",
            Action::AskReboot => "ask_reboot",
            Action::Reset => "reset",
            Action::EndPending => "end_pending",
            Action::Destroy => "destroy",
            Action::Undefine => "undefine",
            Action::Unplug(_) => "unplug",
            Action::RemoveFiles => "remove_files",
            Action::Forget => "forget",
        }
    }
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Do this and look again.
    Do(Action),
    /// Nothing is left to do; the machine is in this state.
    Settled(MachineState),
    /// The guest waits for space on the host's disk.
    HaltedByDisk,
    /// Look again at this time (microseconds since the epoch); meanwhile the machine is in this state.
    LookAgain {
        /// When.
        at: i64,
        /// State until then.
        state: MachineState,
    },
}

/// The next thing to do at `now` (microseconds since the epoch).
pub fn next(desired: &Desired, observed: &Observed, now: i64) -> Next {
    if !desired.present {
        return removal(observed);
    }
    let active = observed.domain.as_ref().is_some_and(|domain| domain.state.is_active());
    match desired.returning {
        // The disks that it writes on are thrown away: it is not asked to stop.
        Some(Returning::Begin(_) | Returning::Exchange(_)) if active => return Next::Do(Action::Destroy),
        Some(_) => return Next::Do(Action::Revert),
        None if observed.former && !desired.keeps_former => return Next::Do(Action::DropFormer),
        None => {}
    }
    // Files come before the definition that names them; a running machine holds its files open.
    match (desired.own_root, observed.root_disk) {
        (Some(_), None) if !active => return Next::Do(Action::MakeRootDisk),
        (Some(wanted), Some(has)) if !active && has < wanted => return Next::Do(Action::GrowRootDisk),
        _ => {}
    }
    if !active && desired.config_drive && !observed.config_drive {
        return Next::Do(Action::MakeConfigDrive);
    }
    let Some(domain) = &observed.domain else { return Next::Do(Action::Define) };
    // Somebody undefined it while it runs: defining it again makes it stay.
    if !domain.persistent {
        return Next::Do(Action::Define);
    }
    if let Some(action) = devices(desired, domain) {
        return Next::Do(action);
    }
    match desired.power {
        DesiredPower::Running => running(desired, observed, domain, now),
        DesiredPower::Stopped => stopped(desired, domain, now),
    }
}

/// Interfaces and disks that differ: the definition is replaced while the domain rests, single devices come and go while
/// it runs.
fn devices(desired: &Desired, domain: &ObservedDomain) -> Option<Action> {
    let new_port = desired.ports.difference(&domain.ports).next();
    let old_port = domain.ports.difference(&desired.ports).next();
    let new_disk = desired.disks.difference(&domain.disks).next();
    let old_disk = domain.disks.difference(&desired.disks).next();
    if !domain.state.is_active() {
        let differs = desired.shape != domain.shape
            || new_port.is_some()
            || old_port.is_some()
            || new_disk.is_some()
            || old_disk.is_some();
        return differs.then_some(Action::Define);
    }
    old_port
        .map(|port| Action::DetachNic(*port))
        .or_else(|| old_disk.map(|disk| Action::DetachDisk(disk.clone())))
        .or_else(|| new_disk.map(|disk| Action::AttachDisk(disk.clone())))
        .or_else(|| new_port.map(|port| Action::AttachNic(*port)))
}

fn running(desired: &Desired, observed: &Observed, domain: &ObservedDomain, now: i64) -> Next {
    match domain.state {
        DomainState::Shutoff => return Next::Do(Action::Start),
        // Kept for inspection by somebody's on_crash setting; ours is to run.
        DomainState::Crashed => return Next::Do(Action::Destroy),
        DomainState::Paused => return Next::Do(Action::Resume),
        DomainState::PausedIoError if observed.disk_low => return Next::HaltedByDisk,
        DomainState::PausedIoError => return Next::Do(Action::Resume),
        DomainState::Running => {}
    }
    if let Some(pending) = desired.pending {
        match pending.action {
            PendingAction::Reset => return Next::Do(Action::Reset),
            PendingAction::Reboot if now >= pending.deadline => return Next::Do(Action::Reset),
            PendingAction::Reboot if !pending.asked => return Next::Do(Action::AskReboot),
            PendingAction::Reboot => return Next::LookAgain { at: pending.deadline, state: MachineState::Running },
            PendingAction::Reshape if reshapes(desired, observed, domain) => {
                return power_off(pending, domain, MachineState::Building, now);
            }
            // It has been done, or the wish changed meanwhile.
            PendingAction::Reshape | PendingAction::Stop => return Next::Do(Action::EndPending),
        }
    }
    if let Some(plugged) = &observed.plugged
        && let Some(port) = desired.ports.difference(plugged).next()
    {
        return Next::Do(Action::Plug(*port));
    }
    Next::Settled(MachineState::Running)
}

/// Whether it must start anew to be what it shall be. What somebody else changed while it runs waits for its next start:
/// nobody's machine is stopped for that.
fn reshapes(desired: &Desired, observed: &Observed, domain: &ObservedDomain) -> bool {
    let grows = matches!((desired.own_root, observed.root_disk), (Some(wanted), Some(has)) if has < wanted);
    desired.shape != domain.shape || grows
}

/// The guest's way until its time is over; meanwhile it is in `state`. A halted guest hears nothing.
fn power_off(pending: Pending, domain: &ObservedDomain, state: MachineState, now: i64) -> Next {
    if now >= pending.deadline || domain.state != DomainState::Running {
        Next::Do(Action::Destroy)
    } else if pending.asked {
        Next::LookAgain { at: pending.deadline, state }
    } else {
        Next::Do(Action::AskShutdown)
    }
}

fn stopped(desired: &Desired, domain: &ObservedDomain, now: i64) -> Next {
    match (domain.state.is_active(), desired.pending) {
        (false, Some(_)) => Next::Do(Action::EndPending),
        (false, None) => Next::Settled(MachineState::Stopped),
        (true, Some(pending)) if pending.action == PendingAction::Stop => {
            power_off(pending, domain, MachineState::Running, now)
        }
        (true, _) => Next::Do(Action::Destroy),
    }
}

fn removal(observed: &Observed) -> Next {
    if let Some(domain) = &observed.domain {
        return Next::Do(if domain.state.is_active() { Action::Destroy } else { Action::Undefine });
    }
    if let Some(port) = observed.plugged.iter().flatten().next() {
        return Next::Do(Action::Unplug(*port));
    }
    Next::Do(if observed.directory { Action::RemoveFiles } else { Action::Forget })
}

#[cfg(test)]
mod tests;
