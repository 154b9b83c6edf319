//! A private NFVI (libvirt, Open vSwitch, OVN in namespaces of their own) for a test, and an agent on it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nfvi_agent::config::{CapacityConfig, Config};
use nfvi_agent::serve::NfviAgent;
use reference_points::common::Sequenced;
use reference_points::nf_vi::{AgentClient, AgentEvent, DiskFormat, Machine, MachineSpec, MachineState};
use service::run::Running;
use uuid::Uuid;

/// Gone with everything in it when dropped.
pub struct Nfvi {
    script: PathBuf,
    name: String,
    dir: tempfile::TempDir,
}

impl Nfvi {
    /// `None`, with a line that says why, where it cannot be had.
    pub fn up() -> Option<Nfvi> {
        let script = std::env::var_os("MANO_NFVI")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/nfvi"), PathBuf::from);
        // The owner of a process's own entry is whoever it runs as.
        if std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) != 0 {
            println!("SKIPPED: namespaces need root");
            return None;
        }
        for needed in ["/usr/sbin/libvirtd", "/usr/sbin/ovs-vswitchd", "/usr/bin/ovn-controller", "/usr/bin/xorriso"] {
            if !Path::new(needed).exists() {
                println!("SKIPPED: {needed} is not installed");
                return None;
            }
        }
        let name = format!("agt{}", &Uuid::new_v4().simple().to_string()[..6]);
        // QEMU runs as a user of its own and must get through to its files.
        let dir = tempfile::Builder::new().prefix("nfvi-agent-").tempdir_in("/var/tmp").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o711);
        std::fs::set_permissions(dir.path(), mode).unwrap();
        let nfvi = Nfvi { script, name, dir };
        nfvi.call("up");
        Some(nfvi)
    }

    fn call(&self, what: &str) {
        let done = Command::new(&self.script)
            .args([what, "--name", &self.name, "--run-dir"])
            .arg(self.run())
            .arg("--state-dir")
            .arg(self.dir.path().join("nfvi"))
            .output()
            .unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "nfvi {what}: {said}");
    }

    /// Starts what has ended of it.
    pub fn again(&self) {
        self.call("up");
    }

    pub fn run(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    pub fn state(&self) -> PathBuf {
        self.dir.path().join("agent")
    }

    pub fn libvirt_uri(&self) -> String {
        format!("qemu+unix:///system?socket={}", self.run().join("libvirt/libvirt-sock").display())
    }

    /// Runs one of the tools that people use, as one who looks or meddles from outside.
    pub fn tool(&self, program: &str, arguments: &[&str]) -> String {
        let done = Command::new(program)
            .args(arguments)
            .env("LIBVIRT_DEFAULT_URI", self.libvirt_uri())
            .env("OVS_RUNDIR", self.run().join("openvswitch"))
            .output()
            .unwrap();
        assert!(done.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    pub fn config(&self) -> Config {
        std::fs::create_dir_all(self.state()).unwrap();
        let mut config = Config {
            host_name: self.name.clone(),
            state_dir: self.state(),
            libvirt_uri: self.libvirt_uri(),
            ovsdb: format!("unix:{}", self.run().join("openvswitch/db.sock").display()),
            capacity: CapacityConfig { keep_disk_bytes: 64 << 20, ..CapacityConfig::default() },
            ..Config::default()
        };
        config.service.listen = Some("127.0.0.1:0".parse().unwrap());
        config.service.database = format!("sqlite://{}", self.dir.path().join("agent.db").display());
        config
    }

    /// Starts an agent in this process.
    pub async fn agent(&self) -> AgentOn {
        AgentOn::start(self.config()).await
    }
}

impl Drop for Nfvi {
    fn drop(&mut self) {
        self.call("down");
    }
}

/// An agent over HTTP.
pub struct AgentOn {
    running: Running,
    pub client: AgentClient,
}

impl AgentOn {
    pub async fn start(config: Config) -> AgentOn {
        let running = service::run::start::<NfviAgent>(config).await.unwrap();
        let client = AgentClient::new("test", &running.base_url());
        AgentOn { running, client }
    }

    /// Ends it wherever it stands.
    pub async fn kill(self) {
        self.running.kill().await;
    }

    pub async fn upload(&self, path: &Path) -> Uuid {
        let id = Uuid::new_v4();
        let content = std::fs::read(path).unwrap();
        let sha = sha256(&content);
        let length = Some(content.len() as u64);
        let chunks: Vec<std::io::Result<bytes::Bytes>> =
            content.chunks(1 << 20).map(|chunk| Ok(bytes::Bytes::copy_from_slice(chunk))).collect();
        let content = futures::stream::iter(chunks);
        self.client.upload_image(id, DiskFormat::Qcow2, &sha, &super::owner(), length, content).await.unwrap();
        id
    }

    /// Follows the events behind `after` until one is `wanted`.
    pub async fn event_after(&self, after: i64, wanted: impl Fn(&AgentEvent) -> bool) -> AgentEvent {
        let mut events = self.client.events(after);
        let waiting = async {
            loop {
                let event: Sequenced<AgentEvent> = events.next().await.unwrap();
                if wanted(&event.event) {
                    return event.event;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(150), waiting).await.expect("the event")
    }

    pub async fn last_event(&self) -> i64 {
        self.client.host().await.unwrap().last_event
    }

    pub async fn until_state(&self, id: Uuid, state: MachineState) -> Machine {
        let event = self
            .event_after(
                0,
                |event| matches!(event, AgentEvent::Machine { machine } if machine.id == id && machine.state == state),
            )
            .await;
        match event {
            AgentEvent::Machine { machine } => *machine,
            other => panic!("{other:?}"),
        }
    }

    /// Waits until the guest has written `text` to its console. The log is a file of the host, so it is looked at.
    pub async fn until_console_says(&self, id: Uuid, text: &str) {
        self.until_console(id, |log| log.contains(text)).await;
    }

    pub async fn until_console(&self, id: Uuid, wanted: impl Fn(&str) -> bool) {
        let mut log = String::new();
        for _ in 0..600 {
            log = self.client.console_log(id, 100_000).await.unwrap();
            if wanted(&log) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        panic!("the guest did not say what was waited for: {log}");
    }
}

pub fn sha256(content: &[u8]) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(content))
}

/// The image of the sample guests; `None`, with a line that says why, where it cannot be built.
pub fn guest_image(dir: &Path) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("MANO_GUEST_IMAGE").map(PathBuf::from).filter(|path| path.exists()) {
        return Some(path);
    }
    let out = dir.join("guest.qcow2");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/guest-image/build");
    let built = Command::new(script).arg(&out).output().unwrap();
    if !built.status.success() {
        println!("SKIPPED: no guest image: {}", String::from_utf8_lossy(&built.stderr).trim());
        return None;
    }
    Some(out)
}

/// A disk that no guest boots from: what the hypervisor does is the same, and it takes no time.
pub async fn blank_image(agent: &AgentOn, nfvi: &Nfvi) -> Uuid {
    let path = nfvi.run().join("blank.qcow2");
    std::fs::write(&path, super::qcow2(8 << 20)).unwrap();
    agent.upload(&path).await
}

/// A machine that takes little.
pub fn small(image: Uuid, port: Uuid) -> MachineSpec {
    MachineSpec { memory_bytes: 64 << 20, ..super::spec(image, port) }
}
