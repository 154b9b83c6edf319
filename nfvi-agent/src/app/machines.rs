//! Requests about machines: ensure, remove, power, console, counters.

use std::collections::BTreeSet;
use std::io::{Read, Seek, SeekFrom};

use db::AnyConnection;
use reference_points::common::{Fault, ProblemDetails, TraceContext};
use reference_points::nf_vi::{
    AgentEvent, Capacity, ConsoleAccess, DesiredPower, MAX_MEASURED, Machine, MachineSpec, MachineState,
    MeasureMachines, MeasuredMachines, Measurements, PowerAction, PowerRequest, RootDisk, SnapshotState,
};
use service::http::{ApiError, ApiResult};
use uuid::Uuid;

use super::{Agent, capacity, check, difference};
use crate::facts::Kernel;
use crate::hypervisor::HypervisorError;
use crate::reconcile::act::Failure;
use crate::store::machines::{MachineRow, Pending, PendingAction};
use crate::store::{self, Phase};

/// Seconds that a guest is given to power off or reboot by itself.
const GRACE_SECS: u32 = 60;
/// Longest piece of a console log that is given out, in bytes.
pub const MAX_CONSOLE_BYTES: u64 = 1 << 20;

impl Agent {
    /// Ensures a machine. True if it is new.
    ///
    /// # Errors
    /// 400 with every fault of the specification, 409 naming the members that differ from the machine of this id, 422
    /// naming the image, volume or capacity that the host lacks.
    pub async fn put_machine(&self, id: Uuid, spec: MachineSpec) -> ApiResult<(Machine, bool)> {
        let faults = check::machine(&spec);
        if !faults.is_empty() {
            return Err(ApiError::faults("the machine's specification", faults));
        }
        let (kernel, total) = (self.kernel(), self.total_capacity());
        let (now, trace) = (self.clock.now_micros(), TraceContext::current().map(|trace| trace.to_string()));
        let (row, new) = db::transaction!(self.db, |tx| {
            let tx: &mut AnyConnection = tx;
            let old = store::machines::get(&mut *tx, id).await?;
            let (wanted, takes) = match &old {
                Some(old) => match changed(old, &spec, now)? {
                    Some(row) => (row, difference::reshapes(&old.spec, &spec)),
                    // Asked for a second time: there is nothing to note.
                    None => return Ok((old.clone(), false)),
                },
                None => (new_row(id, &spec, now), true),
            };
            let new = old.is_none();
            let mut row = MachineRow { trace: trace.clone(), ..wanted };
            admit(&mut *tx, &mut row, takes, &kernel, &total).await?;
            store::machines::put(&mut *tx, &row).await?;
            let event = AgentEvent::Machine { machine: Box::new(row.show()) };
            store::events::append(&mut *tx, &event, now).await?;
            Ok::<_, ApiError>((row, new))
        })?;
        self.news.ring();
        self.forgive(id);
        self.wake(id);
        Ok((row.show(), new))
    }

    /// A machine.
    ///
    /// # Errors
    /// 404.
    pub async fn machine(&self, id: Uuid) -> ApiResult<Machine> {
        Ok(self.row(id).await?.show())
    }

    async fn row(&self, id: Uuid) -> ApiResult<MachineRow> {
        let mut tx = self.db.begin_read().await?;
        store::machines::get(&mut tx, id).await?.ok_or_else(|| ApiError::not_found(format!("machine {id}")))
    }

    /// All machines.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn machines(&self) -> ApiResult<Vec<Machine>> {
        let mut tx = self.db.begin_read().await?;
        Ok(store::machines::list(&mut tx).await?.iter().map(MachineRow::show).collect())
    }

    /// Lets a machine go; true if it was gone already.
    ///
    /// # Errors
    /// When the records cannot be changed.
    pub async fn delete_machine(&self, id: Uuid) -> ApiResult<bool> {
        let (now, trace) = (self.clock.now_micros(), TraceContext::current().map(|trace| trace.to_string()));
        let gone = db::transaction!(self.db, |tx| {
            let Some(mut row) = store::machines::get(&mut *tx, id).await? else { return Ok(true) };
            if !row.deleting {
                row = MachineRow {
                    deleting: true,
                    state: MachineState::Deleting,
                    problem: None,
                    pending: None,
                    changed_at: now,
                    trace: trace.clone(),
                    ..row
                };
                store::machines::put(&mut *tx, &row).await?;
                store::events::append(&mut *tx, &AgentEvent::Machine { machine: Box::new(row.show()) }, now).await?;
            }
            Ok::<_, ApiError>(false)
        })?;
        if !gone {
            self.news.ring();
            self.wake(id);
        }
        Ok(gone)
    }

    /// Starts, stops or reboots a machine.
    ///
    /// # Errors
    /// 400 for a grace period out of range, 404, 409 while it is being removed or, for a reboot, when it shall not run.
    pub async fn power(&self, id: Uuid, request: PowerRequest) -> ApiResult<Machine> {
        let grace = request.grace_seconds.unwrap_or(GRACE_SECS);
        if !(1..=3600).contains(&grace) {
            let fault = Fault::new("/graceSeconds", format!("{grace} is out of range")).mend("1 to 3600");
            return Err(ApiError::faults("the power request", vec![fault]));
        }
        let (now, trace) = (self.clock.now_micros(), TraceContext::current().map(|trace| trace.to_string()));
        let deadline = now + i64::from(grace) * 1_000_000;
        let row = db::transaction!(self.db, |tx| {
            let row = store::machines::get(&mut *tx, id).await?;
            let mut row = row.ok_or_else(|| ApiError::not_found(format!("machine {id}")))?;
            if row.deleting {
                return Err(ApiError::conflict(format!("machine {id} is being removed")));
            }
            let pending = |action, deadline| Some(Pending { action, deadline, asked: false });
            // It starts anew anyway.
            let reshapes = row.pending.filter(|pending| pending.action == PendingAction::Reshape);
            (row.spec.power, row.pending) = match request.action {
                PowerAction::Start => (DesiredPower::Running, reshapes),
                PowerAction::Reboot | PowerAction::RebootGraceful if reshapes.is_some() => (row.spec.power, reshapes),
                PowerAction::Stop => (DesiredPower::Stopped, None),
                PowerAction::StopGraceful => (DesiredPower::Stopped, pending(PendingAction::Stop, deadline)),
                PowerAction::Reboot | PowerAction::RebootGraceful if row.spec.power == DesiredPower::Stopped => {
                    let problem = ProblemDetails::conflict(format!("machine {id} shall not run, so it cannot reboot"));
                    return Err(ApiError::new(problem.next("start it")));
                }
                PowerAction::Reboot => (DesiredPower::Running, pending(PendingAction::Reset, now)),
                PowerAction::RebootGraceful => (DesiredPower::Running, pending(PendingAction::Reboot, deadline)),
            };
            row.trace = trace.clone();
            store::machines::put(&mut *tx, &row).await?;
            Ok::<_, ApiError>(row)
        })?;
        self.forgive(id);
        self.wake(id);
        Ok(row.show())
    }

    /// The last `bytes` of the console's log, at most [`MAX_CONSOLE_BYTES`]; empty before it has written anything.
    ///
    /// # Errors
    /// 404, or what the system said.
    pub async fn console_log(&self, id: Uuid, bytes: u64) -> ApiResult<String> {
        self.row(id).await?;
        let path = self.layout.console_log(id);
        let tail = || -> std::io::Result<Vec<u8>> {
            let mut file = std::fs::File::open(&path)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(bytes.min(MAX_CONSOLE_BYTES))))?;
            let mut tail = Vec::new();
            file.take(MAX_CONSOLE_BYTES).read_to_end(&mut tail)?;
            Ok(tail)
        };
        match tail() {
            Ok(tail) => Ok(String::from_utf8_lossy(&tail).into_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(ApiError::internal(format!("cannot read {}: {error}", path.display()))),
        }
    }

    /// Where the console can be reached.
    ///
    /// # Errors
    /// 404, 409 while it does not run, 503 while the hypervisor is away.
    pub async fn console(&self, id: Uuid) -> ApiResult<ConsoleAccess> {
        self.row(id).await?;
        let console = self.hypervisor.console(id).await.map_err(asked)?;
        if console.path.is_empty() {
            return Err(ApiError::conflict(format!("machine {id} does not run, so it has no console")));
        }
        Ok(console)
    }

    /// Counters since the machine's start.
    ///
    /// # Errors
    /// 404, 409 while it does not run, 503 while the hypervisor is away.
    pub async fn measurements(&self, id: Uuid) -> ApiResult<Measurements> {
        self.row(id).await?;
        match self.measure(&MeasureMachines { machines: vec![id] }).await?.measured.remove(&id) {
            Some(measured) => Ok(measured),
            None => Err(ApiError::conflict(format!("machine {id} does not run, so it has no counters"))),
        }
    }

    /// Counters of many machines in one reading; one that does not run is left out.
    ///
    /// # Errors
    /// 400 for too many, 503 while the hypervisor is away.
    pub async fn measure(&self, asked_for: &MeasureMachines) -> ApiResult<MeasuredMachines> {
        if asked_for.machines.len() > MAX_MEASURED {
            let fault = Fault::new("/machines", format!("{} are too many", asked_for.machines.len()));
            return Err(ApiError::fault(fault.mend(format!("at most {MAX_MEASURED}"))));
        }
        let wanted: BTreeSet<Uuid> = asked_for.machines.iter().copied().collect();
        let mut tx = self.db.begin_read().await?;
        let rows = store::machines::list(&mut tx).await?;
        drop(tx);
        let ports = |row: &MachineRow| row.spec.nics.iter().map(|nic| nic.port_id).collect();
        let wanted = rows.iter().filter(|row| wanted.contains(&row.id)).map(|row| (row.id, ports(row))).collect();
        let measured = self.hypervisor.measure(wanted, self.clock.now_micros()).await.map_err(asked)?;
        Ok(MeasuredMachines { measured })
    }
}

/// The hypervisor's answer to a question of a caller.
fn asked(error: HypervisorError) -> ApiError {
    if error.is_not_found() {
        return ApiError::conflict(error.to_string());
    }
    ApiError::new(*Failure::from(error).problem)
}

fn new_row(id: Uuid, spec: &MachineSpec, now: i64) -> MachineRow {
    MachineRow {
        id,
        spec: spec.clone(),
        state: MachineState::Building,
        problem: None,
        changed_at: now,
        deleting: false,
        has_run: false,
        pinned: Vec::new(),
        root_bytes: 0,
        pending: None,
        trace: None,
        reverted: None,
        reverting: None,
    }
}

/// The machine with what may change taken over; `None` when nothing does.
fn changed(old: &MachineRow, spec: &MachineSpec, now: i64) -> ApiResult<Option<MachineRow>> {
    if old.deleting {
        let problem = ProblemDetails::conflict(format!("machine {} is being removed", old.id));
        return Err(ApiError::new(problem.next("wait until it is gone, or use a new id")));
    }
    let faults = difference::machine(&old.spec, spec);
    if !faults.is_empty() {
        let members: Vec<&str> = faults.iter().map(|fault| fault.location.as_str()).collect();
        let detail = format!("machine {} exists and differs in {}", old.id, members.join(", "));
        return Err(ApiError::new(ProblemDetails { faults, ..ProblemDetails::conflict(detail) }));
    }
    let reshapes = difference::reshapes(&old.spec, spec);
    let same = old.spec.nics == spec.nics
        && old.spec.volumes == spec.volumes
        && old.spec.power == spec.power
        && old.spec.revert == spec.revert;
    if same && !reshapes && old.state != MachineState::Error {
        return Ok(None);
    }
    let kept = MachineSpec { owner: old.spec.owner.clone(), ..spec.clone() };
    // Asked for again, what failed is tried again.
    let begins_anew = old.state == MachineState::Error || (reshapes && spec.power == DesiredPower::Running);
    let state = if begins_anew { MachineState::Building } else { old.state };
    let pending = if reshapes && spec.power == DesiredPower::Running {
        let deadline = now + i64::from(GRACE_SECS) * 1_000_000;
        Some(Pending { action: PendingAction::Reshape, deadline, asked: false })
    } else if old.spec.power == spec.power {
        old.pending
    } else {
        None
    };
    Ok(Some(MachineRow { spec: kept, state, problem: None, pending, changed_at: now, ..old.clone() }))
}

/// Checks a machine against the host, within the transaction that notes it: images, volumes, ports, and capacity when it
/// takes another share of that than before.
async fn admit(
    tx: &mut AnyConnection,
    row: &mut MachineRow,
    takes: bool,
    kernel: &Kernel,
    total: &Capacity,
) -> ApiResult<()> {
    let machines = store::machines::list(&mut *tx).await?;
    let (volumes, images) = (store::volumes::list(&mut *tx).await?, store::images::list(&mut *tx).await?);
    let others: Vec<MachineRow> = machines.into_iter().filter(|other| other.id != row.id).collect();
    let mut faults = Vec::new();

    // An image that a machine boots from cannot be removed, so this matters only at first.
    if takes && let RootDisk::Image { image_id, size_bytes } = &row.spec.root {
        match images.iter().find(|image| image.info.id == *image_id && image.phase == Phase::Ready) {
            Some(image) => row.root_bytes = image.info.virtual_size_bytes.max(size_bytes.unwrap_or(0)),
            None => faults.push(
                Fault::new("/root/imageId", format!("image {image_id} is not on this host")).mend("upload it first"),
            ),
        }
    }
    for (at, id) in volume_uses(&row.spec) {
        match volumes.iter().find(|volume| volume.id == id) {
            Some(volume) if volume.phase == Phase::Ready => {}
            Some(_) => faults.push(Fault::new(at.clone(), format!("volume {id} is not ready")).mend("wait for it")),
            None => {
                faults.push(Fault::new(at.clone(), format!("volume {id} is not on this host")).mend("make it first"))
            }
        }
        if let Some(user) = others.iter().find(|other| volume_uses(&other.spec).any(|(_, used)| used == id)) {
            let message = format!("volume {id} is used by machine {}", user.id);
            faults.push(Fault::new(at, message).mend("take it from that machine first"));
        }
    }
    for (n, nic) in row.spec.nics.iter().enumerate() {
        let user = others.iter().find(|other| other.spec.nics.iter().any(|used| used.port_id == nic.port_id));
        if let Some(user) = user {
            let message = format!("port {} is used by machine {}", nic.port_id, user.id);
            faults.push(Fault::new(format!("/nics/{n}/portId"), message).mend("take it from that machine first"));
        }
    }
    if let Some(wanted) = row.spec.revert.filter(|wanted| !wanted.back && row.reverted != Some(*wanted)) {
        let found = store::snapshots::get(&mut *tx, wanted.snapshot_id).await?;
        if found.is_none_or(|snapshot| snapshot.state != SnapshotState::Ready) {
            let message = format!("snapshot {} is not on this host", wanted.snapshot_id);
            faults.push(Fault::new("/revert/snapshotId", message).mend("take it first"));
        }
    }
    if takes {
        match capacity::pin(&row.spec, kernel, &others) {
            Ok(pinned) => row.pinned = pinned,
            Err(fault) => faults.push(fault),
        }
        faults.extend(capacity::hugepages(&row.spec, kernel));
        let wanted = Capacity {
            vcpus: u64::from(row.spec.vcpus),
            memory_bytes: row.spec.memory_bytes,
            disk_bytes: row.root_bytes,
        };
        faults.extend(capacity::shortage(total, &capacity::reserved(&others, &volumes, &images), &wanted));
    }
    if faults.is_empty() {
        return Ok(());
    }
    let first = faults.first().map(|fault| fault.message.clone()).unwrap_or_default();
    Err(ApiError::unprocessable(format!("machine {} cannot be on this host: {first}", row.id), faults))
}

/// Volumes that a machine uses and where its specification says so.
pub(super) fn volume_uses(spec: &MachineSpec) -> impl Iterator<Item = (String, Uuid)> + '_ {
    let root = match &spec.root {
        RootDisk::Volume { volume_id } => Some(("/root/volumeId".to_owned(), *volume_id)),
        RootDisk::Image { .. } => None,
    };
    let rest = spec.volumes.iter().enumerate().map(|(n, volume)| (format!("/volumes/{n}/volumeId"), volume.volume_id));
    root.into_iter().chain(rest)
}
