//! What operators need of the NFVO beyond SOL005: VIMs and their hosts, the topology of a running network service, the
//! steps of an operation as they happen, and what is in a VIM that nobody owns. Paths below `/mano/v1`.
//!
//! | resource | methods |
//! | --- | --- |
//! | `/vims` | GET `[ManagedVim]`, POST [`RegisterVim`] |
//! | `/vims/{vimId}` | GET, PUT [`RegisterVim`] (how it is reached changes), DELETE |
//! | `/vims/{vimId}/hosts` | GET `[Host]` |
//! | `/vims/{vimId}/hosts/{name}` | PUT [`HostSpec`], DELETE |
//! | `/vims/{vimId}/capacity` | GET [`VimCapacity`] |
//! | `/vims/{vimId}/software_images` | GET `[SoftwareImage]`, POST [`AddImage`](super::AddImage) |
//! | `/vims/{vimId}/software_images/{id}` | DELETE |
//! | `/vims/{vimId}/software_images/{id}/content` | PUT (bytes) |
//! | `/vims/{vimId}/events?after=SEQ` | GET server-sent [`ViEvent`](crate::or_vi::ViEvent)s, those still kept first |
//! | `/vims/{vimId}/computes/{id}/console_log?bytes=N` | GET (text) |
//! | `/vims/{vimId}/computes/{id}/console` | GET [`ConsoleAccess`] |
//! | `/vims/{vimId}/computes/{id}/power` | POST [`PowerRequest`] |
//! | `/vims/{vimId}/computes/{id}/migrate` | POST [`MigrateRequest`] |
//! | `/ns_instances/{id}/topology` | GET [`Topology`] |
//! | `/vnf_packages/{id}/picture?flavourId=ID`, `/ns_descriptors/{id}/picture?flavourId=ID` | GET (SVG) |
//! | `/ns_lcm_op_occs/{id}/steps` | GET [`OpProgress`] |
//! | `/ns_lcm_op_occs/{id}/events?after=SEQ` | GET server-sent [`OpEvent`]s |
//! | `/leaks` | GET [`LeakReport`] |

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::verification::Verification;
use crate::common::{CallError, Client, EventStream, ProblemDetails};
use crate::nf_vi::{ConsoleAccess, PowerRequest};
use crate::or_vi::{Compute, Host, HostSpec, MigrateRequest, Vim, VimCapacity, VimInventoryItem, VimKind};
use crate::or_vnfm::Timestamp;

/// Registers a VIM with the NFVO, which makes it known to the vim-adapter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterVim {
    /// Name, unique among the VIMs of the NFVO, 1..=200 characters.
    pub name: String,
    /// What kind of VIM, and how to reach it.
    pub kind: VimKind,
}

/// A VIM as the NFVO and the vim-adapter know it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManagedVim {
    /// Identifier, the `vimId` of every SOL interface.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// `vimType` of SOL003.
    pub vim_type: String,
    /// What kind of VIM, and how to reach it.
    pub kind: VimKind,
    /// As the vim-adapter sees it now; absent when it cannot be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vim: Option<Vim>,
    /// Why `vim` is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub problem: Option<ProblemDetails>,
}

/// A network service as it is: virtual links, VNFs, their VNFCs and ports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Topology {
    /// The NS instance.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// `NOT_INSTANTIATED` or `INSTANTIATED`.
    pub state: String,
    /// The NSD it is built from.
    pub nsd_id: String,
    /// Virtual links of the NS.
    pub links: Vec<TopologyLink>,
    /// VNFs of the NS.
    pub vnfs: Vec<TopologyVnf>,
    /// What could not be asked and why; a picture with an entry here is not complete.
    pub gaps: Vec<String>,
}

/// A virtual link in a topology: of the NS, or inside a VNF.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopologyLink {
    /// Name in the descriptor.
    pub name: String,
    /// The network in the VIM.
    pub network_id: Uuid,
    /// VIM that holds it.
    pub vim_id: Uuid,
    /// Name of the physical network, where it is on one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub physical_network: Option<String>,
    /// Address blocks with prefix length.
    pub cidrs: Vec<String>,
    /// State in the VIM, or `absent`.
    pub state: String,
}

/// A VNF in a topology.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopologyVnf {
    /// VNF instance.
    pub id: Uuid,
    /// Its place in the NSD: VNF profile, and a number when there are several.
    pub name: String,
    /// Product, version and provider.
    pub product: String,
    /// The VNFD.
    pub vnfd_id: String,
    /// `NOT_INSTANTIATED` or `INSTANTIATED`, or `absent`.
    pub state: String,
    /// VNFC instances.
    pub vnfcs: Vec<TopologyVnfc>,
}

/// A VNFC instance in a topology.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopologyVnfc {
    /// VNFC instance.
    pub id: String,
    /// VDU in the VNFD.
    pub vdu: String,
    /// VIM that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vim_id: Option<Uuid>,
    /// The compute in the VIM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute_id: Option<Uuid>,
    /// Host it is on, where the VIM tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Resource zone it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// State in the VIM, or `absent`.
    pub state: String,
    /// What is wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Ports.
    pub ports: Vec<TopologyPort>,
}

/// A port in a topology.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopologyPort {
    /// The port in the VIM.
    pub id: Uuid,
    /// Connection point in the VNFD, where it can be told.
    pub name: String,
    /// Name of the virtual link it is on, where it is one of the picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The network it is on.
    pub network_id: Uuid,
    /// MAC address.
    pub mac: String,
    /// Addresses with prefix length.
    pub addresses: Vec<String>,
    /// Address by which it is reached from the VIM's external network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floating_address: Option<String>,
    /// Whether the network forwards for it.
    pub up: bool,
}

/// State of one step of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Waits for other steps, or for its turn.
    Pending,
    /// Being done.
    Running,
    /// Parked until something outside happens.
    Waiting,
    /// Failed for the moment and tried again later.
    Retrying,
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// Being undone.
    Undoing,
    /// Undone, or never done when the operation was rolled back.
    Undone,
}

/// One step of an operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpStep {
    /// Key, unique in the operation.
    pub key: String,
    /// Kind of step.
    pub kind: String,
    /// What it does, for people.
    pub title: String,
    /// Where it is.
    pub state: StepState,
    /// Keys of the steps it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// How often it was begun.
    pub attempts: u32,
    /// When it began first, microseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<i64>,
    /// When it ended, microseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What a script of the VNF printed, the end of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub problem: Option<ProblemDetails>,
    /// Steps of the operation that it waits for in another service, where that one tells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub parts: Vec<OpStep>,
}

/// An operation and all its steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpProgress {
    /// How it stands.
    #[serde(flatten)]
    pub operation: OpSummary,
    /// Its steps, in the order of the plan.
    pub steps: Vec<OpStep>,
}

impl OpProgress {
    /// What changed since an earlier look, or everything without one. The operation comes last, so that a reader who stops
    /// at its end has seen every step's.
    pub fn changes_since(&self, before: Option<&Self>) -> Vec<OpEvent> {
        let known = |key: &str| before.and_then(|b| b.steps.iter().find(|s| s.key == key));
        let changed = self.steps.iter().filter(|s| known(&s.key) != Some(s));
        let mut events: Vec<OpEvent> = changed.map(|s| OpEvent::Step { step: Box::new(s.clone()) }).collect();
        if before.is_none_or(|b| b.operation != self.operation) {
            events.push(OpEvent::Operation { operation: Box::new(self.operation.clone()) });
        }
        events
    }
}

/// How an operation stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpSummary {
    /// Operation occurrence.
    pub id: Uuid,
    /// What it does, e.g. `INSTANTIATE`.
    pub operation: String,
    /// State name of SOL003/SOL005.
    pub state: String,
    /// The instance it works on.
    pub instance_id: Uuid,
    /// When it was accepted, microseconds since the epoch.
    pub started_at: i64,
    /// When it entered `state`, microseconds since the epoch.
    pub state_entered_at: i64,
    /// Trace id that stands in the log lines of every service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// The manager began it by itself (`isAutomaticInvocation`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub automatic: bool,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub problem: Option<ProblemDetails>,
}

impl OpSummary {
    /// Whether nothing more happens by itself: done, failed, rolled back, or resting in FAILED_TEMP.
    pub fn rests(&self) -> bool {
        matches!(self.state.as_str(), "COMPLETED" | "FAILED" | "FAILED_TEMP" | "ROLLED_BACK" | "PARTIALLY_COMPLETED")
    }
}

/// What happens to an operation. A reader gets everything as it stands first, then every change; each event replaces what
/// was known of the same operation or step. The operation's own event comes after those of its steps, so that a reader may
/// stop at one that [`OpSummary::rests`]. Sequence numbers hold within one stream only: a reader that connects again gets
/// everything again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum OpEvent {
    /// The operation as it is now.
    Operation {
        /// Operation.
        operation: Box<OpSummary>,
    },
    /// A step as it is now.
    Step {
        /// Step.
        step: Box<OpStep>,
    },
}

/// What is in the VIMs and on their hosts that nobody owns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeakReport {
    /// Things that nobody owns.
    pub leaks: Vec<Leak>,
    /// What could not be asked and why; an empty list of leaks beside an entry here proves nothing.
    pub gaps: Vec<String>,
    /// Number of things looked at.
    pub seen: u64,
    /// Names of the VIMs asked.
    pub vims: Vec<String>,
}

/// Why a thing is a leak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeakReason {
    /// It carries no owner mark and the VIM was not told to have it.
    Unmarked,
    /// The VIM was not told to have it, or was told to remove it.
    NotDesired,
    /// The record that its mark names does not exist.
    OwnerGone,
    /// The record that its mark names exists and does not list it.
    NotListed,
}

/// A thing that nobody owns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Leak {
    /// VIM it is in.
    pub vim_id: Uuid,
    /// Name of that VIM.
    pub vim_name: String,
    /// What was found.
    pub item: VimInventoryItem,
    /// Why it is a leak.
    pub reason: LeakReason,
    /// The same in words, with the owner that was looked for.
    pub detail: String,
}

/// Paths of the interface.
pub mod paths {
    use uuid::Uuid;

    /// VIMs.
    pub const VIMS: &str = "/mano/v1/vims";
    /// Leaks.
    pub const LEAKS: &str = "/mano/v1/leaks";

    /// One VIM.
    pub fn vim(id: Uuid) -> String {
        format!("{VIMS}/{id}")
    }

    /// A host of a VIM.
    pub fn host(vim: Uuid, name: &str) -> String {
        format!("{VIMS}/{vim}/hosts/{name}")
    }

    /// Something of a compute: `console_log`, `console`, `power`, `migrate`.
    pub fn compute(vim: Uuid, compute: Uuid, what: &str) -> String {
        format!("{VIMS}/{vim}/computes/{compute}/{what}")
    }

    /// Topology of an NS instance.
    pub fn topology(ns: Uuid) -> String {
        format!("/mano/v1/ns_instances/{ns}/topology")
    }

    /// Picture of a descriptor; `what` is `vnf_packages` or `ns_descriptors`.
    pub fn picture(what: &str, id: Uuid, flavour: Option<&str>) -> String {
        let asked = flavour.and_then(|f| reqwest::Url::parse_with_params("http://nfvo", [("flavourId", f)]).ok());
        let query = asked.as_ref().and_then(reqwest::Url::query).map(|q| format!("?{q}")).unwrap_or_default();
        format!("/mano/v1/{what}/{id}/picture{query}")
    }

    /// `steps` or `events` of an NS operation.
    pub fn ns_operation(op_occ: Uuid, what: &str) -> String {
        format!("/mano/v1/ns_lcm_op_occs/{op_occ}/{what}")
    }

    /// `steps` or `events` of a VNF operation, at the VNFM.
    pub fn vnf_operation(op_occ: Uuid, what: &str) -> String {
        format!("/mano/v1/vnf_lcm_op_occs/{op_occ}/{what}")
    }
}

/// Client of the NFVO's `/mano/v1`.
#[derive(Debug, Clone)]
pub struct ManoClient(pub(super) Client);

impl ManoClient {
    /// A client of the NFVO at `base`.
    pub fn new(base: &str) -> Self {
        Self(Client::new("nfvo", base))
    }

    /// Registers a VIM.
    ///
    /// # Errors
    /// Any [`CallError`]; 409 when the name is taken, 422 when the VIM cannot be used.
    pub async fn register_vim(&self, vim: &RegisterVim) -> Result<ManagedVim, CallError> {
        Ok(self.0.post(paths::VIMS, vim).await?.body)
    }

    /// Changes how a VIM is reached, e.g. its credentials; it is checked at once.
    ///
    /// # Errors
    /// Any [`CallError`]; 409 for another kind of VIM.
    pub async fn put_vim(&self, id: Uuid, vim: &RegisterVim) -> Result<ManagedVim, CallError> {
        Ok(self.0.put(&paths::vim(id), vim).await?.body)
    }

    /// All VIMs.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn vims(&self) -> Result<Vec<ManagedVim>, CallError> {
        Ok(self.0.get(paths::VIMS).await?.body)
    }

    /// One VIM.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn vim(&self, id: Uuid) -> Result<ManagedVim, CallError> {
        Ok(self.0.get(&paths::vim(id)).await?.body)
    }

    /// Forgets a VIM.
    ///
    /// # Errors
    /// Any [`CallError`]; 409 while an NS instance uses it or it holds resources, naming them.
    pub async fn delete_vim(&self, id: Uuid) -> Result<(), CallError> {
        self.0.delete(&paths::vim(id)).await.map(drop)
    }

    /// Hosts of a VIM.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn hosts(&self, vim: Uuid) -> Result<Vec<Host>, CallError> {
        Ok(self.0.get(&format!("{}/hosts", paths::vim(vim))).await?.body)
    }

    /// Adds or changes a host.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn put_host(&self, vim: Uuid, name: &str, spec: &HostSpec) -> Result<Host, CallError> {
        Ok(self.0.put(&paths::host(vim, name), spec).await?.body)
    }

    /// Removes a host.
    ///
    /// # Errors
    /// Any [`CallError`]; 409 while computes are on it, naming them.
    pub async fn delete_host(&self, vim: Uuid, name: &str) -> Result<(), CallError> {
        self.0.delete(&paths::host(vim, name)).await.map(drop)
    }

    /// Capacity of a VIM.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn capacity(&self, vim: Uuid) -> Result<VimCapacity, CallError> {
        Ok(self.0.get(&format!("{}/capacity", paths::vim(vim))).await?.body)
    }

    /// What happens in a VIM: what is still kept of the past behind `after`, then everything new; read
    /// [`ViEvent`](crate::or_vi::ViEvent)s from it.
    pub fn vim_events(&self, vim: Uuid, after: i64) -> EventStream {
        EventStream::new(self.0.clone(), format!("{}/events", paths::vim(vim)), after)
    }

    /// The last `bytes` of a compute's serial console log.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn console_log(&self, vim: Uuid, compute: Uuid, bytes: u64) -> Result<String, CallError> {
        self.0.get_text(&format!("{}?bytes={bytes}", paths::compute(vim, compute, "console_log"))).await
    }

    /// Where a compute's console can be reached.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn console(&self, vim: Uuid, compute: Uuid) -> Result<ConsoleAccess, CallError> {
        Ok(self.0.get(&paths::compute(vim, compute, "console")).await?.body)
    }

    /// Starts, stops or reboots a compute.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn power(&self, vim: Uuid, compute: Uuid, request: &PowerRequest) -> Result<Compute, CallError> {
        Ok(self.0.post(&paths::compute(vim, compute, "power"), request).await?.body)
    }

    /// Moves a compute to another host of its VIM; an event of the VIM tells the end.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn migrate(&self, vim: Uuid, compute: Uuid, request: &MigrateRequest) -> Result<Compute, CallError> {
        Ok(self.0.post(&paths::compute(vim, compute, "migrate"), request).await?.body)
    }

    /// Topology of an NS instance.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn topology(&self, ns: Uuid) -> Result<Topology, CallError> {
        Ok(self.0.get(&paths::topology(ns)).await?.body)
    }

    /// Topology of a VNF package's deployment flavour as SVG; of the first one unless it is named.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn package_picture(&self, package: Uuid, flavour: Option<&str>) -> Result<Vec<u8>, CallError> {
        self.0.get_bytes(&paths::picture("vnf_packages", package, flavour), "image/svg+xml").await
    }

    /// Topology of an NSD's deployment flavour as SVG; of the first one unless it is named.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn nsd_picture(&self, nsd: Uuid, flavour: Option<&str>) -> Result<Vec<u8>, CallError> {
        self.0.get_bytes(&paths::picture("ns_descriptors", nsd, flavour), "image/svg+xml").await
    }

    /// Steps of an NS operation.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn steps(&self, op_occ: Uuid) -> Result<OpProgress, CallError> {
        Ok(self.0.get(&paths::ns_operation(op_occ, "steps")).await?.body)
    }

    /// An NS operation as it happens; read [`OpEvent`]s from it.
    pub fn events(&self, op_occ: Uuid) -> EventStream {
        EventStream::new(self.0.clone(), paths::ns_operation(op_occ, "events"), 0)
    }

    /// What nobody owns.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn leaks(&self) -> Result<LeakReport, CallError> {
        Ok(self.0.get(paths::LEAKS).await?.body)
    }
}

/// Where the indicators of a VNF instance come from, and how that goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct IndicatorSource {
    /// Base address of the VNF or element manager; absent when none is followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Whether it notifies the VNFM.
    pub subscribed: bool,
    /// When its indicators were read last, as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_time: Option<Timestamp>,
    /// Tries that failed in a row; they are repeated until one does not.
    pub failed_tries: u32,
    /// Why the last one failed, or why nothing is followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Client of a VNFM's `/mano/v1`: the steps of its operations, served at [`paths::vnf_operation`].
#[derive(Debug, Clone)]
pub struct VnfStepsClient(Client);

impl VnfStepsClient {
    /// A client of the VNFM at `base`.
    pub fn new(base: &str) -> Self {
        Self(Client::new("vnfm", base))
    }

    /// Steps of a VNF operation.
    ///
    /// # Errors
    /// Any [`CallError`]; 404 also when the VNFM does not serve this.
    pub async fn steps(&self, op_occ: Uuid) -> Result<OpProgress, CallError> {
        Ok(self.0.get(&paths::vnf_operation(op_occ, "steps")).await?.body)
    }

    /// A VNF held against its descriptor, by what its VIM answers now.
    ///
    /// # Errors
    /// Any [`CallError`]; 404 for the VNF, 409 when it is not instantiated.
    pub async fn verification(&self, vnf: Uuid) -> Result<Verification, CallError> {
        Ok(self.0.get(&format!("/mano/v1/vnf_instances/{vnf}/verification")).await?.body)
    }

    /// Where the indicators of a VNF come from.
    ///
    /// # Errors
    /// Any [`CallError`]; 404 for the VNF.
    pub async fn indicator_source(&self, vnf: Uuid) -> Result<IndicatorSource, CallError> {
        Ok(self.0.get(&format!("/mano/v1/vnf_instances/{vnf}/indicator_source")).await?.body)
    }

    /// A VNF operation as it happens; read [`OpEvent`]s from it.
    pub fn events(&self, op_occ: Uuid) -> EventStream {
        EventStream::new(self.0.clone(), paths::vnf_operation(op_occ, "events"), 0)
    }
}
