//! What commands share: the clients, the output format, and finding things by name or id.

use reference_points::common::EventStream;
use reference_points::or_vnfm::{FmClient, IndicatorClient, LcmClient, PmClient, VnfInstance};
use reference_points::os_ma_nfvo::mano::{ManagedVim, ManoClient, OpProgress, VnfStepsClient};
use reference_points::os_ma_nfvo::{NsClient, NsInstance, NsdClient, PackageClient};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::cli::Global;
use crate::fail::Failure;
use crate::lists::{self, Noun};
use crate::output::Format;

const NS: Noun = Noun { what: "network service", list_command: "mano ns list", members: &["id", "nsInstanceName"] };
const VNF: Noun = Noun { what: "VNF", list_command: "mano vnf list", members: &["id", "vnfInstanceName"] };

/// Clients and format of one invocation.
pub struct Context {
    pub format: Format,
    pub mano: ManoClient,
    pub packages: PackageClient,
    pub nsds: NsdClient,
    pub ns: NsClient,
    pub vnfs: LcmClient,
    pub vnf_ops: VnfStepsClient,
    pub fm: FmClient,
    pub pm: PmClient,
    pub indicators: IndicatorClient,
}

impl Context {
    pub fn new(global: &Global) -> Result<Self, Failure> {
        Ok(Self {
            format: global.output.of_tables()?,
            mano: ManoClient::new(&global.nfvo),
            packages: PackageClient::new(&global.nfvo),
            nsds: NsdClient::new(&global.nfvo),
            ns: NsClient::new(&global.nfvo),
            vnfs: LcmClient::new(&global.vnfm),
            vnf_ops: VnfStepsClient::new(&global.vnfm),
            fm: FmClient::new(&global.vnfm),
            pm: PmClient::new(&global.vnfm),
            indicators: IndicatorClient::new("vnfm", &global.vnfm),
        })
    }

    /// An operation with its steps: one of a network service, or one of a VNF.
    pub async fn steps(&self, op: Uuid) -> Result<OpProgress, Failure> {
        match self.mano.steps(op).await {
            Err(error) if error.status() == Some(404) => Ok(self.vnf_ops.steps(op).await?),
            other => Ok(other?),
        }
    }

    /// An operation as it happens, from the service that knows it.
    pub async fn events(&self, op: Uuid) -> Result<EventStream, Failure> {
        match self.mano.steps(op).await {
            Err(error) if error.status() == Some(404) => {
                self.vnf_ops.steps(op).await?;
                Ok(self.vnf_ops.events(op))
            }
            _ => Ok(self.mano.events(op)),
        }
    }

    /// A network service by name or id.
    pub async fn find_ns(&self, wanted: &str) -> Result<NsInstance, Failure> {
        lists::named(&NS, wanted, |query| async move { self.ns.list(&query).await }).await
    }

    /// A VNF by name or id.
    pub async fn find_vnf(&self, wanted: &str) -> Result<VnfInstance, Failure> {
        lists::named(&VNF, wanted, |query| async move { self.vnfs.list(&query).await }).await
    }

    /// A VIM by name or id; the only one when nothing is given.
    pub async fn find_vim(&self, wanted: Option<&str>) -> Result<ManagedVim, Failure> {
        let vims = self.mano.vims().await?;
        match (wanted, vims.len()) {
            (Some(wanted), _) => pick("VIM", "mano vim list", wanted, vims, &["id", "name"]),
            (None, 1) => vims.into_iter().next().ok_or_else(|| Failure::usage("no VIM")),
            (None, 0) => Err(Failure::helped("no VIM is registered", "mano vim add hosts --help")),
            (None, n) => Err(Failure::helped(format!("{n} VIMs are registered"), "say which one with --vim NAME")),
        }
    }
}

/// The one item that carries `wanted` in one of its members.
pub fn pick<T: Serialize + DeserializeOwned>(
    what: &str,
    list_command: &str,
    wanted: &str,
    items: Vec<T>,
    members: &[&str],
) -> Result<T, Failure> {
    let mut found = Vec::new();
    for item in items {
        let value = serde_json::to_value(&item)?;
        if members.iter().any(|m| value.get(m).and_then(Value::as_str) == Some(wanted)) {
            found.push((value.get("id").and_then(Value::as_str).unwrap_or_default().to_owned(), item));
        }
    }
    match found.len() {
        1 => found.pop().map(|(_, item)| item).ok_or_else(|| Failure::usage("nothing found")),
        0 => Err(Failure::helped(format!("no {what} is called {wanted:?}"), list_command.to_owned())),
        _ => {
            let ids: Vec<String> = found.into_iter().map(|(id, _)| id).collect();
            Err(Failure::helped(
                format!("{} {what}s are called {wanted:?}", ids.len()),
                format!("use one of the ids {}", ids.join(", ")),
            ))
        }
    }
}

/// Parses an id.
pub fn id_of(text: &str) -> Result<Uuid, Failure> {
    text.parse().map_err(|_| Failure::usage(format!("{text:?} is no id")))
}
