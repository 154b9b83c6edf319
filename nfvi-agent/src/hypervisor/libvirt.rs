//! The real hypervisor: libvirt with QEMU, through its own client library.
//!
//! The library's calls block, so they run on threads: a few workers with a connection each take jobs from one queue, so
//! that several machines can start side by side. A further thread holds the connection for events (see
//! [`super::events`]). When libvirtd goes away the machines run on; the event thread tells that the hypervisor is lost,
//! connects again, and tells when it is back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use reference_points::nf_vi::{ConsoleAccess, Measurements};
use tokio::sync::{broadcast, oneshot};
use uuid::Uuid;
use virt::connect::Connect;
use virt::domain::Domain;
use virt::error::{Error as VirtError, ErrorNumber};
use virt::sys;

use super::backup::{self, Stands};
use super::connection::{EventThread, Job, work};
use super::events::{self, RawEvent};
use super::metadata::{self, Described};
use super::probe::{self, Verdict};
use super::stats;
use super::{
    Acceleration, Copy, Disk, DomainInfo, DomainPlan, DomainState, Hypervisor, HypervisorError, HypervisorEvent,
    HypervisorFacts, Nic, Result, domain_xml,
};

/// Connections that work side by side.
const WORKERS: usize = 4;
/// How long an event that a backup ended may be missing before it is asked for.
const BACKUP_LOOK: Duration = Duration::from_secs(10);
/// Events that may wait for their reader.
const EVENT_QUEUE: usize = 1024;
/// libvirt behind one URI.
#[derive(Debug)]
pub struct Libvirt {
    uri: String,
    /// Directory for the probe's files.
    scratch: PathBuf,
    jobs: Sender<Job>,
    events: broadcast::Sender<HypervisorEvent>,
    stop: Sender<RawEvent>,
    trouble: Arc<Mutex<Option<String>>>,
}

impl Libvirt {
    /// Starts the threads; connects in the background.
    ///
    /// # Errors
    /// When libvirt's event loop or a thread cannot be started.
    pub fn start(uri: &str, scratch: &Path) -> std::result::Result<Libvirt, String> {
        events::start_loop().map_err(|why| format!("libvirt's event loop cannot be started: {why}"))?;
        let (jobs, queue) = mpsc::channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        let spawn = |name: String, body: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new()
                .name(name)
                .spawn(body)
                .map(drop)
                .map_err(|e| format!("no thread for libvirt: {e}"))
        };
        for number in 0..WORKERS {
            let (queue, uri) = (Arc::clone(&queue), uri.to_owned());
            spawn(format!("libvirt-{number}"), Box::new(move || work(&queue, uri)))?;
        }
        let (stop, raw) = mpsc::channel();
        let events = broadcast::Sender::new(EVENT_QUEUE);
        let trouble = Arc::new(Mutex::new(Some("not connected yet".to_owned())));
        let thread = EventThread {
            uri: uri.to_owned(),
            sender: stop.clone(),
            events: events.clone(),
            trouble: Arc::clone(&trouble),
        };
        spawn("libvirt-events".into(), Box::new(move || thread.run(&raw)))?;
        Ok(Libvirt { uri: uri.to_owned(), scratch: scratch.to_owned(), jobs, events, stop, trouble })
    }

    /// Runs `work` on a worker's connection. An error of a connection that has died meanwhile is an unreachable
    /// hypervisor: whether `work` had its effect must be looked up.
    async fn call<T, F>(&self, action: &str, id: Option<Uuid>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connect) -> std::result::Result<T, VirtError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let (uri, wanted) = (self.uri.clone(), action.to_owned());
        let job: Job = Box::new(move |worker| {
            let unreachable =
                |why: String| HypervisorError::Unreachable { uri: uri.clone(), action: wanted.clone(), why };
            let result = match worker.connection() {
                Err(error) => Err(unreachable(error.message().to_owned())),
                Ok(connection) => work(connection).map_err(|error| {
                    if !connection.is_alive().unwrap_or(false) {
                        return unreachable(error.message().to_owned());
                    }
                    refused(&error, wanted.clone(), id)
                }),
            };
            let _ = answer.send(result);
        });
        let gone = || HypervisorError::Unreachable {
            uri: self.uri.clone(),
            action: action.to_owned(),
            why: "the worker threads have ended".into(),
        };
        self.jobs.send(job).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    /// Runs `work` on a domain.
    async fn on<T, F>(&self, action: &str, id: Uuid, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Domain) -> std::result::Result<T, VirtError> + Send + 'static,
    {
        self.call(action, Some(id), move |connection| work(&Domain::lookup_by_uuid(connection, id)?)).await
    }
}

impl Libvirt {
    /// Starts a guest of half a kilobyte and waits for its answer; the inner error says why none came.
    ///
    /// # Errors
    /// While libvirt cannot be reached.
    pub async fn try_guest(&self, acceleration: Acceleration) -> Result<std::result::Result<Duration, String>> {
        let scratch = self.scratch.clone();
        let work = move |connection: &Connect| Ok(probe::run::try_guest(connection, &scratch, acceleration));
        self.call("try a guest", None, work).await
    }
}

impl Drop for Libvirt {
    fn drop(&mut self) {
        // The workers end when the queue does.
        let _ = self.stop.send(RawEvent::Stop);
    }
}

/// What libvirt's refusal means.
fn refused(error: &VirtError, action: String, id: Option<Uuid>) -> HypervisorError {
    let (what, answer) = (id.map(super::domain_name).unwrap_or_default(), error.message().to_owned());
    match (error.code(), id) {
        (ErrorNumber::NoDomain, Some(id)) => HypervisorError::NotFound { id, action },
        (ErrorNumber::OperationInvalid | ErrorNumber::OperationTimeout, _) => {
            HypervisorError::Busy { action, what, answer }
        }
        // libvirt has no number of its own for a domain that is defined again while it goes down.
        _ if answer.contains("already being removed") => HypervisorError::Busy { action, what, answer },
        _ => HypervisorError::Refused { action, what, answer },
    }
}

fn state(state: sys::virDomainState, reason: i32) -> DomainState {
    match state {
        sys::VIR_DOMAIN_PAUSED if reason == sys::VIR_DOMAIN_PAUSED_IOERROR as i32 => DomainState::PausedIoError,
        sys::VIR_DOMAIN_PAUSED | sys::VIR_DOMAIN_PMSUSPENDED => DomainState::Paused,
        sys::VIR_DOMAIN_SHUTOFF => DomainState::Shutoff,
        sys::VIR_DOMAIN_CRASHED => DomainState::Crashed,
        _ => DomainState::Running,
    }
}

/// Reads everything about a domain; `None` when it vanished meanwhile.
fn info(domain: &Domain) -> std::result::Result<Option<DomainInfo>, VirtError> {
    let read = || {
        let (number, reason) = domain.get_state()?;
        let Described { owner, ports, disks, shape, .. } = metadata::describe(&domain.get_xml_desc(0)?);
        Ok(DomainInfo {
            id: domain.get_uuid()?,
            name: domain.get_name()?,
            state: state(number, reason),
            persistent: domain.is_persistent()?,
            shape,
            owner,
            ports,
            disks,
        })
    };
    unless_gone(read())
}

fn unless_gone<T>(result: std::result::Result<T, VirtError>) -> std::result::Result<Option<T>, VirtError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.code() == ErrorNumber::NoDomain => Ok(None),
        Err(error) => Err(error),
    }
}

/// Descriptions of a domain: as it will start next, and as it runs if it does.
struct Devices {
    config: Described,
    live: Option<Described>,
}

impl Devices {
    fn of(domain: &Domain) -> std::result::Result<Devices, VirtError> {
        let config = metadata::describe(&domain.get_xml_desc(sys::VIR_DOMAIN_XML_INACTIVE)?);
        let live = domain.is_active()?.then(|| domain.get_xml_desc(0)).transpose()?;
        Ok(Devices { config, live: live.as_deref().map(metadata::describe) })
    }

    /// Flags for a change that concerns the descriptions for which `concerned` holds; `None` if it concerns neither.
    fn impact(&self, concerned: impl Fn(&Described) -> bool) -> Option<u32> {
        let config = if concerned(&self.config) { sys::VIR_DOMAIN_AFFECT_CONFIG } else { 0 };
        let live = if self.live.as_ref().is_some_and(concerned) { sys::VIR_DOMAIN_AFFECT_LIVE } else { 0 };
        (config | live != 0).then_some(config | live)
    }

    /// The description that holds what is looked for, the running one first.
    fn holding(&self, holds: impl Fn(&Described) -> bool) -> Option<&Described> {
        self.live.iter().chain([&self.config]).find(|described| holds(described))
    }
}

/// A guest that has been asked to let go of a device and is asked again.
fn asked_already(result: std::result::Result<u32, VirtError>) -> std::result::Result<(), VirtError> {
    match result {
        Err(error) if error.message().contains("process of unplug") => Ok(()),
        other => other.map(drop),
    }
}

/// `9.0.0` of libvirt's 9000000.
fn version(number: u32) -> String {
    format!("{}.{}.{}", number / 1_000_000, number / 1_000 % 1_000, number % 1_000)
}

#[async_trait]
impl Hypervisor for Libvirt {
    async fn facts(&self) -> Result<HypervisorFacts> {
        self.call("ask for its version", None, |connection| {
            let qemu = version(connection.get_hyp_version()?);
            let library = version(connection.get_lib_version()?);
            let advertises_kvm = connection.get_capabilities()?.contains("<domain type='kvm'");
            Ok(HypervisorFacts { version: format!("QEMU {qemu}, libvirt {library}"), advertises_kvm })
        })
        .await
    }

    async fn domains(&self) -> Result<Vec<DomainInfo>> {
        self.call("list domains", None, |connection| {
            connection.list_all_domains(0)?.iter().filter_map(|domain| info(domain).transpose()).collect()
        })
        .await
    }

    async fn domain(&self, id: Uuid) -> Result<Option<DomainInfo>> {
        self.call("look at", Some(id), move |connection| match unless_gone(Domain::lookup_by_uuid(connection, id))? {
            Some(domain) => info(&domain),
            None => Ok(None),
        })
        .await
    }

    async fn define(&self, plan: &DomainPlan) -> Result<()> {
        let xml = domain_xml::render(plan);
        self.call("define", Some(plan.id), move |connection| Domain::define_xml(connection, &xml).map(drop)).await
    }

    async fn start(&self, id: Uuid) -> Result<()> {
        self.on("start", id, |domain| if domain.is_active()? { Ok(()) } else { domain.create().map(drop) }).await
    }

    async fn resume(&self, id: Uuid) -> Result<()> {
        self.on("resume", id, |domain| domain.resume().map(drop)).await
    }

    async fn ask_shutdown(&self, id: Uuid) -> Result<()> {
        self.on("ask to power off", id, |domain| {
            domain.shutdown_flags(sys::VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN).map(drop)
        })
        .await
    }

    async fn ask_reboot(&self, id: Uuid) -> Result<()> {
        self.on("ask to reboot", id, |domain| domain.reboot(sys::VIR_DOMAIN_REBOOT_ACPI_POWER_BTN)).await
    }

    async fn reset(&self, id: Uuid) -> Result<()> {
        self.on("reset", id, |domain| domain.reset().map(drop)).await
    }

    async fn destroy(&self, id: Uuid) -> Result<()> {
        let done = self.on("destroy", id, |domain| if domain.is_active()? { domain.destroy() } else { Ok(()) }).await;
        done.or_else(|error| if error.is_not_found() { Ok(()) } else { Err(error) })
    }

    async fn undefine(&self, id: Uuid) -> Result<()> {
        let with = sys::VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
            | sys::VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
            | sys::VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
            | sys::VIR_DOMAIN_UNDEFINE_NVRAM;
        let done = self.on("undefine", id, move |domain| domain.undefine_flags(with)).await;
        done.or_else(|error| if error.is_not_found() { Ok(()) } else { Err(error) })
    }

    async fn attach_nic(&self, id: Uuid, nic: &Nic) -> Result<()> {
        let (xml, port) = (domain_xml::nic(nic).render(), nic.port_id);
        self.on("plug an interface into", id, move |domain| {
            match Devices::of(domain)?.impact(|found| !found.ports.contains(&port)) {
                Some(flags) => domain.attach_device_flags(&xml, flags).map(drop),
                None => Ok(()),
            }
        })
        .await
    }

    async fn detach_nic(&self, id: Uuid, port: Uuid) -> Result<()> {
        self.on("take an interface from", id, move |domain| {
            let devices = Devices::of(domain)?;
            let holds = |found: &Described| found.ports.contains(&port);
            let (Some(found), Some(flags)) = (devices.holding(holds), devices.impact(holds)) else { return Ok(()) };
            let at = found.ports.iter().position(|held| *held == port).unwrap_or_default();
            let mac = found.macs.get(at).map(String::as_str).unwrap_or_default();
            asked_already(domain.detach_device_flags(&domain_xml::nic_to_detach(mac).render(), flags))
        })
        .await
    }

    async fn attach_disk(&self, id: Uuid, disk: &Disk) -> Result<()> {
        let disk = disk.clone();
        self.on("plug a disk into", id, move |domain| {
            let devices = Devices::of(domain)?;
            let Some(flags) = devices.impact(|found| !found.disks.contains(&disk.path)) else { return Ok(()) };
            let taken = |name: &String| {
                devices.config.targets.contains(name) || devices.live.as_ref().is_some_and(|l| l.targets.contains(name))
            };
            let free = (0..).map(domain_xml::target).find(|name| !taken(name)).unwrap_or_default();
            domain.attach_device_flags(&domain_xml::disk(&disk, &free).render(), flags).map(drop)
        })
        .await
    }

    async fn detach_disk(&self, id: Uuid, path: &Path) -> Result<()> {
        let path = path.to_owned();
        self.on("take a disk from", id, move |domain| {
            let devices = Devices::of(domain)?;
            let holds = |found: &Described| found.disks.contains(&path);
            let (Some(found), Some(flags)) = (devices.holding(holds), devices.impact(holds)) else { return Ok(()) };
            let at = found.disks.iter().position(|held| *held == path).unwrap_or_default();
            let target = found.targets.get(at).map(String::as_str).unwrap_or_default();
            asked_already(domain.detach_device_flags(&domain_xml::disk_to_detach(&path, target).render(), flags))
        })
        .await
    }

    async fn back_up(&self, id: Uuid, copies: &[Copy]) -> Result<bool> {
        let mut events = self.events.subscribe();
        self.on("end an old backup of", id, backup::abort).await?;
        let copies = copies.to_vec();
        let quiesced = self.on("back up", id, move |domain| backup::begin(domain, &copies)).await?;
        loop {
            match self.on("look at the backup of", id, backup::stands).await? {
                Stands::Done => return Ok(quiesced),
                Stands::Failed(answer) => {
                    let (action, what) = ("back up".to_owned(), super::domain_name(id));
                    return Err(HypervisorError::Refused { action, what, answer });
                }
                Stands::Runs => {}
            }
            let concerns = async {
                while !matches!(events.recv().await, Ok(HypervisorEvent::Domain { id: of, .. }) if of == id) {}
            };
            // A lost event, or a lost connection, is no reason to wait for ever.
            let _ = tokio::time::timeout(BACKUP_LOOK, concerns).await;
        }
    }

    async fn end_back_up(&self, id: Uuid) -> Result<()> {
        let done = self.on("end a backup of", id, backup::abort).await;
        done.or_else(|error| if error.is_not_found() { Ok(()) } else { Err(error) })
    }

    async fn measure(&self, wanted: BTreeMap<Uuid, Vec<Uuid>>, at: i64) -> Result<BTreeMap<Uuid, Measurements>> {
        self.call("read counters", None, move |connection| stats::read(connection, &wanted, at)).await
    }

    async fn console(&self, id: Uuid) -> Result<ConsoleAccess> {
        let uri = self.uri.clone();
        self.on("find the console of", id, move |domain| {
            let pty = metadata::describe(&domain.get_xml_desc(0)?).pty;
            let command = format!("virsh -c '{uri}' console {}", domain.get_name()?);
            Ok(ConsoleAccess { kind: "pty".into(), path: pty.unwrap_or_default(), command })
        })
        .await
    }

    fn events(&self) -> broadcast::Receiver<HypervisorEvent> {
        self.events.subscribe()
    }

    fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn probe(&self) -> Result<Verdict> {
        if !self.facts().await?.advertises_kvm {
            return Ok(Verdict::tcg("libvirt offers no KVM here (is there a /dev/kvm that QEMU may open?)"));
        }
        Ok(match self.try_guest(Acceleration::Kvm).await? {
            Ok(after) => Verdict {
                acceleration: Acceleration::Kvm,
                reason: format!("a KVM guest ran and answered after {:.1} s", after.as_secs_f64()),
            },
            Err(why) => Verdict::tcg(format!("a KVM guest {why}")),
        })
    }
}
