//! One effect on one machine. Each is "ensure": done twice, it is done once.

use std::path::Path;

use db::AnyConnection;
use reference_points::common::ProblemDetails;
use reference_points::nf_vi::{AgentEvent, RootDisk};
use uuid::Uuid;

use super::describe::{self, Surroundings};
use super::plan::Action;
use crate::app::Agent;
use crate::config::OffloadChoice;
use crate::hypervisor::{Disk, HypervisorError, tap_name};
use crate::media::{MediaError, config_drive, disks, layout, space};
use crate::store::machines::{MachineRow, Pending};
use crate::store::{self, Phase};
use crate::switch::{PlugPlan, SwitchError};

/// Free space needed to begin with a disk or a config drive, in bytes.
const FILE_BYTES: u64 = 1 << 20;

/// Whether trying again helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hope {
    /// At once: something moved between looking and acting.
    Now,
    /// Later, by itself: something that the agent needs is away.
    Later,
    /// Not before somebody changes something.
    None,
}

/// Why an effect, or looking at a machine, failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// Whether trying again helps.
    pub hope: Hope,
    /// What to tell.
    pub problem: Box<ProblemDetails>,
}

impl Failure {
    /// A failure that stays until somebody changes something.
    pub fn permanent(problem: ProblemDetails) -> Failure {
        Failure { hope: Hope::None, problem: Box::new(problem) }
    }
}

impl From<HypervisorError> for Failure {
    fn from(error: HypervisorError) -> Failure {
        let detail = error.to_string();
        let (hope, problem) = match error {
            HypervisorError::Unreachable { why, .. } => {
                let problem = ProblemDetails::new(503, "Hypervisor unreachable", detail).answer(why);
                (Hope::Later, problem.next("the agent goes on by itself when libvirtd is back"))
            }
            HypervisorError::NotFound { .. } => {
                let problem = ProblemDetails::new(409, "Machine vanished", detail);
                (Hope::Now, problem.next("somebody removed it meanwhile; look at it again"))
            }
            HypervisorError::Busy { answer, .. } => {
                let problem = ProblemDetails::new(503, "Hypervisor busy", detail).answer(answer);
                (Hope::Now, problem.next("start the machine or ask for it again in a moment"))
            }
            HypervisorError::Refused { answer, .. } => {
                let problem = ProblemDetails::new(500, "Hypervisor refused", detail).answer(answer);
                (Hope::None, problem.next("mend what libvirt names, then start the machine or ask for it again"))
            }
        };
        Failure { hope, problem: Box::new(problem) }
    }
}

impl From<SwitchError> for Failure {
    fn from(error: SwitchError) -> Failure {
        let detail = error.to_string();
        let problem = ProblemDetails::new(503, "Virtual switch refused", detail);
        let problem = match &error {
            SwitchError::Database { source, .. } => problem.answer(source.to_string()).next("check Open vSwitch"),
            SwitchError::NoBridge { .. } => {
                problem.next("check ovn-controller; the agent goes on when the bridge is back")
            }
        };
        let hope = if error.is_transient() { Hope::Later } else { Hope::None };
        Failure { hope, problem: Box::new(problem) }
    }
}

impl From<MediaError> for Failure {
    fn from(error: MediaError) -> Failure {
        Failure::permanent(media_problem(&error))
    }
}

/// What to tell of a file that could not be made.
pub fn media_problem(error: &MediaError) -> ProblemDetails {
    match error {
        MediaError::NoSpace { .. } => ProblemDetails::new(507, "Insufficient storage", error.to_string())
            .next("free space on that disk, or place the machine elsewhere; then start it or ask for it again"),
        MediaError::Io { why, .. } => {
            ProblemDetails::new(500, "File system refused", error.to_string()).answer(why.clone())
        }
        MediaError::Tool { why, .. } => {
            ProblemDetails::new(500, "Disk tool failed", error.to_string()).answer(why.clone())
        }
    }
}

impl From<db::DbError> for Failure {
    fn from(error: db::DbError) -> Failure {
        let problem = ProblemDetails::new(503, "Database refused", format!("the agent's own records: {error}"));
        Failure { hope: Hope::Later, problem: Box::new(problem) }
    }
}

impl From<db::sqlx::Error> for Failure {
    fn from(error: db::sqlx::Error) -> Failure {
        db::DbError::from(error).into()
    }
}

/// Result of an effect.
pub type Acted = Result<(), Failure>;

impl Agent {
    /// Does one thing for a machine.
    ///
    /// # Errors
    /// A [`Failure`]; nothing half-made stays behind.
    pub async fn act(&self, row: &MachineRow, action: &Action) -> Acted {
        let id = row.id;
        match action {
            Action::Revert => self.revert(row).await,
            Action::DropFormer => self.drop_former(row),
            Action::MakeRootDisk => self.make_root_disk(row).await,
            Action::GrowRootDisk => Ok(disks::grow(&self.layout.root_disk(id), row.root_bytes).await?),
            Action::MakeConfigDrive => self.make_config_drive(row).await,
            Action::Define => {
                self.make_directory(id)?;
                let around = self.surroundings().await?;
                Ok(self.hypervisor.define(&describe::domain(&self.layout, row, &around)).await?)
            }
            Action::Start => self.start(row).await,
            Action::Resume => Ok(self.hypervisor.resume(id).await?),
            Action::Plug(port) => self.plug(row, *port).await,
            Action::AttachNic(port) => match self.nic(row, *port).await? {
                Some(nic) => Ok(self.hypervisor.attach_nic(id, &nic).await?),
                None => Ok(()),
            },
            Action::DetachNic(port) => Ok(self.hypervisor.detach_nic(id, *port).await?),
            Action::AttachDisk(path) => match self.disk(row, path) {
                Some(disk) => Ok(self.hypervisor.attach_disk(id, &disk).await?),
                None => Ok(()),
            },
            Action::DetachDisk(path) => Ok(self.hypervisor.detach_disk(id, path).await?),
            // Noted first: the guest may have followed before this is through. A guest that cannot be asked is forced
            // when its time is over.
            Action::AskShutdown => {
                self.note_asked(row).await?;
                passed_over(self.hypervisor.ask_shutdown(id).await)
            }
            Action::AskReboot => {
                self.note_asked(row).await?;
                passed_over(self.hypervisor.ask_reboot(id).await)
            }
            Action::Reset => {
                self.hypervisor.reset(id).await?;
                self.set_pending(row, None).await
            }
            Action::EndPending => self.set_pending(row, None).await,
            Action::Destroy => Ok(self.hypervisor.destroy(id).await?),
            Action::Undefine => Ok(self.hypervisor.undefine(id).await?),
            Action::Unplug(port) => Ok(self.switch.unplug(*port).await?),
            Action::RemoveFiles => {
                self.forget_returns(row)?;
                Ok(layout::remove_dir(&self.layout.machine(id))?)
            }
            Action::Forget => self.forget(id).await,
        }
    }

    /// What all machines of this host share; finds out about KVM when first asked.
    ///
    /// # Errors
    /// While the hypervisor or the switch cannot be asked.
    pub async fn surroundings(&self) -> Result<Surroundings, Failure> {
        let acceleration = self.verdict().await?.acceleration;
        let offloads = match self.config.offloads {
            OffloadChoice::On => true,
            OffloadChoice::Off => false,
            OffloadChoice::Auto => !self.switch.facts().await?.userspace,
        };
        Ok(Surroundings { acceleration, bridge: self.switch.bridge().to_owned(), offloads })
    }

    fn make_directory(&self, id: Uuid) -> Acted {
        // QEMU as a user of its own passes through, and sees only the files that libvirt gives it.
        Ok(layout::make_dir(&self.layout.machine(id))?)
    }

    async fn make_root_disk(&self, row: &MachineRow) -> Acted {
        let RootDisk::Image { image_id, .. } = row.spec.root else { return Ok(()) };
        let mut tx = self.db.begin_read().await?;
        let image = store::images::get(&mut tx, image_id).await?.filter(|image| image.phase == Phase::Ready);
        drop(tx);
        let Some(image) = image else {
            let detail = format!("image {image_id}, from which the machine boots, is not on this host");
            return Err(Failure::permanent(
                ProblemDetails::new(422, "Image missing", detail).next("upload it, then start the machine"),
            ));
        };
        self.make_directory(row.id)?;
        let target = self.layout.root_disk(row.id);
        space::ensure(&target, FILE_BYTES, self.config.capacity.keep_disk_bytes, "make the machine's disk")?;
        Ok(disks::overlay(&target, &self.layout.image(image_id), image.info.format, Some(row.root_bytes)).await?)
    }

    async fn make_config_drive(&self, row: &MachineRow) -> Acted {
        let Some(drive) = &row.spec.config_drive else { return Ok(()) };
        self.make_directory(row.id)?;
        let target = self.layout.config_drive(row.id);
        space::ensure(&target, FILE_BYTES, self.config.capacity.keep_disk_bytes, "write the config drive")?;
        Ok(config_drive::write(&target, row.id, drive).await?)
    }

    async fn start(&self, row: &MachineRow) -> Acted {
        if !row.spec.nics.is_empty() && self.switch.ports().await?.is_none() {
            let (bridge, action) = (self.switch.bridge().to_owned(), "plug the machine into".to_owned());
            return Err(SwitchError::NoBridge { bridge, action }.into());
        }
        let _turn = self.machine_turns.take(row.id).await;
        self.not_copied(row.id)?;
        Ok(self.hypervisor.start(row.id).await?)
    }

    /// A machine that rests is left alone while its disks are copied for a snapshot; it is looked after when they are.
    pub(super) fn not_copied(&self, id: Uuid) -> Acted {
        if !self.copying.lock().unwrap_or_else(std::sync::PoisonError::into_inner).contains(&id) {
            return Ok(());
        }
        let problem = ProblemDetails::new(503, "Snapshot", "a snapshot of the machine is being taken");
        Err(Failure { hope: Hope::Later, problem: Box::new(problem) })
    }

    async fn plug(&self, row: &MachineRow, port: Uuid) -> Acted {
        let Some(nic) = row.spec.nics.iter().find(|nic| nic.port_id == port) else { return Ok(()) };
        let plan = PlugPlan { iface_id: port, tap: tap_name(port), mac: nic.mac.clone(), vm_id: row.id };
        tracing::warn!(%port, machine = %row.id, "the port of a running machine was gone from the bridge; it is plugged again");
        Ok(self.switch.plug(&plan).await?)
    }

    async fn nic(&self, row: &MachineRow, port: Uuid) -> Result<Option<crate::hypervisor::Nic>, Failure> {
        let around = self.surroundings().await?;
        Ok(describe::nics(&row.spec, &around).into_iter().find(|nic| nic.port_id == port))
    }

    fn disk(&self, row: &MachineRow, path: &Path) -> Option<Disk> {
        describe::disks(&self.layout, row.id, &row.spec).into_iter().find(|disk| disk.path == path)
    }

    async fn note_asked(&self, row: &MachineRow) -> Acted {
        let asked = row.pending.map(|pending| Pending { asked: true, ..pending });
        self.set_pending(row, asked).await
    }

    /// Changes the power action unless another one was asked for meanwhile.
    async fn set_pending(&self, row: &MachineRow, after: Option<Pending>) -> Acted {
        Ok(db::transaction!(self.db, |tx| {
            store::machines::set_pending(&mut *tx, row.id, row.pending.as_ref(), after.as_ref()).await?;
            Ok::<_, db::DbError>(())
        })?)
    }

    async fn forget(&self, id: Uuid) -> Acted {
        let now = self.clock.now_micros();
        db::transaction!(self.db, |tx| {
            let tx: &mut AnyConnection = tx;
            if store::machines::get(&mut *tx, id).await?.is_some_and(|row| row.deleting) {
                store::machines::remove(&mut *tx, id).await?;
                store::events::append(&mut *tx, &AgentEvent::MachineDeleted { id }, now).await?;
            }
            Ok::<_, db::DbError>(())
        })?;
        self.news.ring();
        Ok(())
    }
}

/// A guest that could not be asked is told in the log alone.
fn passed_over(asked: Result<(), HypervisorError>) -> Acted {
    if let Err(error) = asked {
        tracing::warn!(%error, "the guest cannot be asked; it is forced when its time is over");
    }
    Ok(())
}
