//! The four services as processes, with clients of what they offer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use reference_points::or_vi::{ExternalNetwork, HostSpec, SimSpec, VimKind};
use reference_points::or_vnfm::{LcmClient, LcmOperationStateType, VnfLcmOpOcc};
use reference_points::os_ma_nfvo::mano::{LeakReport, ManoClient, OpSummary, RegisterVim};
use reference_points::os_ma_nfvo::{
    CreateNsRequest, CreateNsdInfoRequest, CreateVnfPkgInfoRequest, InstantiateNsRequest, NsClient, NsdClient,
    PackageClient, PackageOnboardingState, TerminateNsRequest,
};
use serde_json::{Value, json};
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use crate::disk::SmallDisk;
use crate::ground::Project;
use crate::nfvi::{self, Nfvi};
use crate::process::{Process, free_port};
use crate::samples;

/// Names of the services, in the order in which they start.
pub const SERVICES: [&str; 4] = ["nfvi-agent", "vim-adapter", "vnfm", "nfvo"];

/// The longest an operation may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// A running lab. Fields are dropped in this order: the services end before what they drive.
pub struct Lab {
    pub services: BTreeMap<String, Process>,
    /// The NFVI of each host; the first has OVN's databases, the client outside and the management network.
    pub hosts: Vec<Nfvi>,
    pub mano: ManoClient,
    pub ns: NsClient,
    pub packages: PackageClient,
    pub nsds: NsdClient,
    pub vnfs: LcmClient,
    pub vim: Uuid,
    pub disk: Option<SmallDisk>,
    /// The OpenStack beneath, when there is one.
    pub(crate) project: Option<Project>,
    dir: tempfile::TempDir,
}

/// Databases of the services: SQLite files unless others are given.
pub type Databases = BTreeMap<&'static str, String>;

/// What a lab over a private NFVI may be told.
#[derive(Debug, Default)]
pub struct Wishes {
    pub databases: Databases,
    /// How many hosts beyond the first, joined to it by tunnels.
    pub more_hosts: u8,
    /// This machine's address with prefix length on the management network, which the services reach then.
    pub managed_here: Option<&'static str>,
    /// Further lines of the agents' configuration.
    pub agent: String,
    /// Further lines of the VNFM's configuration.
    pub vnfm: String,
    /// The first agent's state lies on a file system of this many MiB.
    pub disk_mib: Option<u32>,
    /// The VNFM's NFVO, where it is another than the lab's; then it registers VIMs with the lab's vim-adapter.
    pub nfvo: Option<String>,
    /// The services keep no record of their exchanges: for measurements.
    pub unrecorded: bool,
}

/// Where the routers of a private NFVI lead: to the client outside, with addresses that no network service takes.
fn external() -> ExternalNetwork {
    let network = json!({
        "physicalNetwork": "external", "cidr": "203.0.113.0/24", "gateway": "203.0.113.1",
        "pools": [{ "start": "203.0.113.200", "end": "203.0.113.250" }],
    });
    serde_json::from_value(network).expect("a network outside")
}

/// A folder for a lab: short, since Unix sockets lie in it, and open, since QEMU's user reads disks in it.
pub fn folder() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::Builder::new().prefix("mano-").tempdir_in("/var/tmp").expect("a folder");
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).expect("its rights");
    dir
}

/// Name of the agent of the host with this number, counted from 0.
pub fn agent_name(host: usize) -> String {
    if host == 0 { "nfvi-agent".to_owned() } else { format!("nfvi-agent-{}", host + 1) }
}

impl Lab {
    /// A lab over a simulated VIM.
    pub async fn simulated(sim: SimSpec) -> Self {
        Self::simulated_with(sim, &Wishes::default()).await
    }

    /// As [`Lab::simulated`], with wishes; those that concern hosts have no meaning here.
    pub async fn simulated_with(sim: SimSpec, wishes: &Wishes) -> Self {
        Self::start(folder(), None, Vec::new(), VimKind::Sim { sim }, wishes).await
    }

    /// A lab over a private NFVI called `name`; `None` when this machine cannot have one, which is said.
    pub async fn real(name: &str, wishes: &Wishes) -> Option<Self> {
        let dir = folder();
        let disk = match wishes.disk_mib {
            Some(mib) => Some(SmallDisk::mount(&dir.path().join(agent_name(0)), mib)?),
            None => None,
        };
        let hosts = nfvi::joined(name, dir.path(), wishes.more_hosts, wishes.managed_here)?;
        let kind = VimKind::Hosts { northbound: hosts[0].northbound(), external_network: Some(external()) };
        Some(Self::start(dir, disk, hosts, kind, wishes).await)
    }

    /// A lab over a cloud that runs already.
    pub async fn on_cloud(kind: VimKind, wishes: &Wishes) -> Self {
        Self::start(folder(), None, Vec::new(), kind, wishes).await
    }

    async fn start(
        dir: tempfile::TempDir,
        disk: Option<SmallDisk>,
        hosts: Vec<Nfvi>,
        kind: VimKind,
        wishes: &Wishes,
    ) -> Self {
        let mut urls: BTreeMap<&str, String> = BTreeMap::new();
        let mut services = BTreeMap::new();
        let ports: BTreeMap<&str, u16> = SERVICES.iter().map(|s| (*s, free_port())).collect();
        for service in SERVICES {
            urls.insert(service, format!("http://127.0.0.1:{}", ports[service]));
        }
        let mut agents = Vec::new();
        for (i, host) in hosts.iter().enumerate() {
            let name = agent_name(i);
            let state = dir.path().join(&name);
            let own = format!(
                "host_name: host{}\nstate_dir: {}\nlibvirt_uri: {}\novsdb: {}\n{}",
                i + 1,
                state.display(),
                host.libvirt_uri(),
                host.ovsdb(),
                wishes.agent
            );
            let port = if i == 0 { ports["nfvi-agent"] } else { free_port() };
            // What fills the disk must not stop the agent from telling it.
            let database = dir.path().join(format!("{name}-db"));
            let process = Self::run("nfvi-agent", &name, port, dir.path(), &own, &database, wishes).await;
            agents.push(process.url.clone());
            services.insert(name, process);
        }
        for name in &SERVICES[1..] {
            let state = dir.path().join(name);
            let own = match *name {
                "vim-adapter" => {
                    format!(
                        "state_dir: {}\nsecret_key_files: [{}]\n",
                        state.display(),
                        secret_key(dir.path()).display()
                    )
                }
                "vnfm" => match &wishes.nfvo {
                    Some(other) => format!("nfvo: {other}\nvim_adapter: {}\n{}", urls["vim-adapter"], wishes.vnfm),
                    None => format!("nfvo: {}\n{}", urls["nfvo"], wishes.vnfm),
                },
                _ => format!(
                    "state_dir: {}\nvnfm: {}\nvim_adapter: {}\n",
                    state.display(),
                    urls["vnfm"],
                    urls["vim-adapter"]
                ),
            };
            let process = Self::run(name, name, ports[name], dir.path(), &own, &state, wishes).await;
            services.insert((*name).to_owned(), process);
        }
        let mano = ManoClient::new(&urls["nfvo"]);
        let vim = mano.register_vim(&RegisterVim { name: "lab".into(), kind }).await.expect("the VIM is registered").id;
        for (i, agent) in agents.into_iter().enumerate() {
            let host = HostSpec { agent, zone: "default".into(), schedulable: true };
            mano.put_host(vim, &format!("host{}", i + 1), &host).await.expect("the host is added");
        }
        Self {
            services,
            hosts,
            mano,
            ns: NsClient::new(&urls["nfvo"]),
            packages: PackageClient::new(&urls["nfvo"]),
            nsds: NsdClient::new(&urls["nfvo"]),
            vnfs: LcmClient::new(&urls["vnfm"]),
            vim,
            disk,
            project: None,
            dir,
        }
    }

    /// Starts one service with its own part of the configuration, and its SQLite database in `state` unless another was
    /// wished for.
    async fn run(
        program: &'static str,
        name: &str,
        port: u16,
        dir: &Path,
        own: &str,
        state: &Path,
        wishes: &Wishes,
    ) -> Process {
        std::fs::create_dir_all(state).expect("a state folder");
        let database =
            wishes.databases.get(name).cloned().unwrap_or_else(|| format!("sqlite://{}/{name}.db", state.display()));
        let mut config = format!("{own}service:\n  listen: 127.0.0.1:{port}\n  database: {database}\n");
        if !wishes.unrecorded {
            config += &format!("  http:\n    record_exchanges: {}/{name}.exchanges\n", dir.display());
        }
        let mut process = Process::new(program, name, port, dir, &config);
        process.start().await;
        process
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn nfvi(&self) -> &Nfvi {
        self.hosts.first().expect("this lab has an NFVI")
    }

    /// SIGKILL and a new start of a service.
    pub async fn kill_and_restart(&mut self, service: &str) {
        let process = self.services.get_mut(service).expect("a service of this lab");
        process.kill();
        process.start().await;
    }

    /// Onboards a VNF package; panics with every fault when it is refused.
    pub async fn onboard_package(&self, file: &Path) -> Uuid {
        let id = self.packages.create(&CreateVnfPkgInfoRequest::default()).await.expect("created").id;
        let (length, content) = content(file).await;
        self.packages.upload(id, Some(length), content).await.expect("uploaded");
        let info = self.packages.get(id).await.expect("asked").expect("there");
        assert_eq!(info.onboarding_state, PackageOnboardingState::Onboarded, "{:#?}", info.onboarding_failure_details);
        id
    }

    /// Onboards the two sample VNFs and the NSD, and creates the network service `demo`.
    pub async fn demo(&self, image: &Path) -> Uuid {
        self.demo_with(&samples::pack("web", Some(image), self.path()), image).await
    }

    /// As [`Lab::demo`], with another archive of `web`.
    pub async fn demo_with(&self, web: &Path, image: &Path) -> Uuid {
        self.onboard_package(web).await;
        self.onboard_package(&samples::pack("edge", Some(image), self.path())).await;
        let nsd = self.onboard_nsd(&samples::pack("demo-ns", None, self.path())).await;
        self.create_ns(&nsd, "demo").await
    }

    /// Onboards an NSD archive and gives the NSD's id; panics with every fault when it is refused.
    pub async fn onboard_nsd(&self, file: &Path) -> String {
        let id = self.nsds.create(&CreateNsdInfoRequest::default()).await.expect("created").id;
        let (length, content) = content(file).await;
        self.nsds.upload(id, Some(length), content).await.expect("uploaded");
        let info = self.nsds.get(id).await.expect("asked").expect("there");
        assert_eq!(
            info.nsd_onboarding_state,
            PackageOnboardingState::Onboarded,
            "{:#?}",
            info.onboarding_failure_details
        );
        info.nsd_id.expect("an NSD id")
    }

    pub async fn create_ns(&self, nsd_id: &str, name: &str) -> Uuid {
        let request: CreateNsRequest =
            serde_json::from_value(json!({ "nsdId": nsd_id, "nsName": name, "nsDescription": "" })).expect("a request");
        self.ns.create(&request).await.expect("the network service is created").id
    }

    pub async fn instantiate(&self, ns: Uuid) -> Uuid {
        let request: InstantiateNsRequest =
            serde_json::from_value(json!({ "nsFlavourId": "simple" })).expect("a request");
        self.ns.instantiate(ns, &request).await.expect("accepted")
    }

    pub async fn terminate(&self, ns: Uuid) -> Uuid {
        let request: TerminateNsRequest = serde_json::from_value(json!({})).expect("a request");
        self.ns.terminate(ns, &request).await.expect("accepted")
    }

    /// A request that instantiates another `web` on the networks of the sample service.
    pub async fn web_beside(&self, ns: Uuid) -> Value {
        let topology = self.mano.topology(ns).await.expect("a topology");
        let vim = self.mano.vims().await.expect("VIMs").remove(0).id;
        let link = |cpd: &str, name: &str| {
            let network = topology.links.iter().find(|l| l.name == name).expect("a link").network_id;
            let protocol = json!({ "layerProtocol": "IP_OVER_ETHERNET", "ipOverEthernet": {
                "ipAddresses": [{ "type": "IPV4", "numDynamicAddresses": 1 }] } });
            let cp = json!({ "cpdId": cpd, "cpConfig": { "a": { "cpProtocolData": [protocol] } } });
            json!({ "id": cpd, "vimConnectionId": vim, "resourceId": network, "extCps": [cp] })
        };
        json!({ "flavourId": "simple", "extVirtualLinks": [link("data", "internal"), link("management", "management")] })
    }

    /// What a service tells Prometheus.
    pub async fn metrics(&self, service: &str) -> String {
        let client = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        let answer = client.get(format!("{}/metrics", self.services[service].url)).send().await.expect("asked");
        answer.text().await.expect("metrics")
    }

    /// Waits until an operation rests. A service that is away just now is waited for too.
    pub async fn rest(&self, op: Uuid) -> OpSummary {
        let begun = Instant::now();
        loop {
            if let Ok(progress) = self.mano.steps(op).await
                && progress.operation.rests()
            {
                return progress.operation;
            }
            assert!(begun.elapsed() < PATIENCE, "operation {op} does not rest: {:#?}", self.mano.steps(op).await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until an operation of a VNF rests.
    pub async fn vnf_rest(&self, op: Uuid) -> VnfLcmOpOcc {
        use LcmOperationStateType::{Processing, RollingBack, Starting};
        let begun = Instant::now();
        loop {
            if let Ok(Some(occurrence)) = self.vnfs.op_occ(op).await
                && ![Starting, Processing, RollingBack].contains(&occurrence.operation_state)
            {
                return occurrence;
            }
            assert!(begun.elapsed() < PATIENCE, "operation {op} does not rest: {:#?}", self.vnfs.op_occ(op).await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until an operation of a VNF completes; panics with its error when it rests elsewhere.
    pub async fn vnf_completed(&self, op: Uuid) -> VnfLcmOpOcc {
        let occurrence = self.vnf_rest(op).await;
        assert_eq!(occurrence.operation_state, LcmOperationStateType::Completed, "{occurrence:#?}");
        occurrence
    }

    /// Creates a VNF instance and instantiates it.
    pub async fn run_vnf(&self, vnfd: &str, name: &str, request: &Value) -> Uuid {
        let create = serde_json::from_value(json!({ "vnfdId": vnfd, "vnfInstanceName": name })).expect("a request");
        let vnf = self.vnfs.create(&create).await.expect("the VNF is created").id;
        let request = serde_json::from_value(request.clone()).expect("a request");
        self.vnf_completed(self.vnfs.instantiate(vnf, &request).await.expect("accepted")).await;
        vnf
    }

    /// Terminates a VNF instance and deletes it.
    pub async fn end_vnf(&self, vnf: Uuid) {
        let request = serde_json::from_value(json!({ "terminationType": "FORCEFUL" })).expect("a request");
        self.vnf_completed(self.vnfs.terminate(vnf, &request).await.expect("accepted")).await;
        self.vnfs.delete(vnf).await.expect("deleted");
    }

    /// Waits until an operation completes; panics with its problem when it rests elsewhere.
    pub async fn completed(&self, op: Uuid) {
        let summary = self.rest(op).await;
        assert_eq!(summary.state, "COMPLETED", "{:#?}", self.mano.steps(op).await);
    }

    pub async fn leaks(&self) -> LeakReport {
        self.mano.leaks().await.expect("leaks are asked for")
    }

    /// Asserts that nothing is anywhere that nobody owns.
    pub async fn nothing_leaks(&self) {
        let report = self.leaks().await;
        assert!(report.leaks.is_empty() && report.gaps.is_empty(), "{report:#?}");
    }

    /// Files of recorded exchanges.
    pub fn exchanges(&self) -> Vec<PathBuf> {
        self.services.keys().map(|s| self.path().join(format!("{s}.exchanges"))).filter(|p| p.exists()).collect()
    }
}

/// The key that a lab's vim-adapter keeps secrets with.
fn secret_key(dir: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = dir.join("vim-adapter.key");
    std::fs::write(&path, Uuid::new_v4().simple().to_string().repeat(2)).expect("a key");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("its rights");
    path
}

async fn content(file: &Path) -> (u64, ReaderStream<tokio::fs::File>) {
    let opened = tokio::fs::File::open(file).await.expect("an archive");
    let length = opened.metadata().await.expect("its size").len();
    (length, ReaderStream::with_capacity(opened, 256 * 1024))
}
