//! A private NFVI: libvirt, Open vSwitch and OVN in namespaces of its own, taken down with the test.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The script that starts one: `MANO_NFVI`, or the checkout's own.
fn script() -> PathBuf {
    std::env::var_os("MANO_NFVI")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/nfvi"), PathBuf::from)
}

/// `1 + more` hosts with one OVN: the first has its databases, the others obey them. `managed_here` is this machine's
/// address with prefix length on the management network, where it shall be on that. `None` as of [`Nfvi::up`].
pub fn joined(name: &str, dir: &Path, more: u8, managed_here: Option<&str>) -> Option<Vec<Nfvi>> {
    let underlay = format!("{name}-ul");
    let mut first: Vec<&str> = managed_here.iter().flat_map(|cidr| ["--mgmt-root", "--mgmt-cidr", cidr]).collect();
    if more == 0 {
        return Some(vec![Nfvi::up_with(name, dir, &first)?]);
    }
    sweep_namespaces(name, &["-ul"]);
    first.extend(["--underlay", &underlay]);
    let mut hosts = vec![Nfvi::up_with(name, dir, &first)?];
    for index in 2..=more + 1 {
        let of = format!("{name}-{index}");
        hosts.push(Nfvi::up_with(
            &of,
            dir,
            &["--underlay", &underlay, "--host-index", &index.to_string(), "--central", "10.199.0.1"],
        )?);
    }
    Some(hosts)
}

/// A running NFVI.
pub struct Nfvi {
    pub name: String,
    pub run: PathBuf,
    state: PathBuf,
}

impl Nfvi {
    /// Starts one called `name` with its files below `dir`. `None` when this machine lacks what it needs, which is said.
    pub fn up(name: &str, dir: &Path) -> Option<Self> {
        Self::up_with(name, dir, &[])
    }

    /// As [`Nfvi::up`], with further arguments for the script.
    pub fn up_with(name: &str, dir: &Path, more: &[&str]) -> Option<Self> {
        let root = Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout.starts_with(b"0"));
        let missing: Vec<&str> = ["libvirtd", "ovs-vswitchd", "ovn-northd", "qemu-system-x86_64"]
            .into_iter()
            .filter(|file| !["/usr/sbin", "/usr/bin"].iter().any(|dir| Path::new(dir).join(file).exists()))
            .collect();
        if !root || !missing.is_empty() {
            println!("SKIPPED: a private NFVI needs root (is root: {root}) and {missing:?} installed");
            return None;
        }
        sweep(name);
        let nfvi = Self { name: name.to_owned(), run: dir.join(name), state: dir.join(format!("{name}-state")) };
        let mut up = Command::new(script());
        up.args(["up", "--name", name]).arg("--run-dir").arg(&nfvi.run).arg("--state-dir").arg(&nfvi.state);
        up.args(more);
        let out = up.output().expect("deploy/nfvi runs");
        assert!(out.status.success(), "nfvi up: {}{}", shown(&out.stdout), shown(&out.stderr));
        Some(nfvi)
    }

    pub fn libvirt_uri(&self) -> String {
        format!("qemu+unix:///system?socket={}", self.run.join("libvirt/libvirt-sock").display())
    }

    pub fn ovsdb(&self) -> String {
        format!("unix:{}", self.run.join("openvswitch/db.sock").display())
    }

    pub fn northbound(&self) -> String {
        format!("unix:{}", self.run.join("ovn/ovnnb_db.sock").display())
    }

    /// Process ids of the machines that run, sorted.
    pub fn qemu_pids(&self) -> Vec<u32> {
        let files = std::fs::read_dir(self.run.join("libvirt/qemu")).into_iter().flatten().flatten();
        let mut pids: Vec<u32> = files
            .filter(|file| {
                let name = file.file_name().to_string_lossy().into_owned();
                name.starts_with("mano-") && name.ends_with(".pid")
            })
            .filter_map(|file| std::fs::read_to_string(file.path()).ok()?.trim().parse().ok())
            .collect();
        pids.sort_unstable();
        pids
    }

    /// Runs `virsh` inside.
    pub fn virsh(&self, args: &[&str]) -> String {
        let out = Command::new("virsh").arg("-c").arg(self.libvirt_uri()).args(args).output().expect("virsh runs");
        assert!(out.status.success(), "virsh {args:?}: {}", shown(&out.stderr));
        shown(&out.stdout)
    }

    /// Names of the machines that run. The guest by which a starting agent learns whether KVM works is none of them: it is
    /// there for a moment and belongs to nobody.
    pub fn machines(&self) -> Vec<String> {
        let names = self.virsh(&["list", "--name"]);
        names.split_whitespace().filter(|n| !n.starts_with("mano-probe-")).map(str::to_owned).collect()
    }

    /// Runs `ovs-vsctl` inside.
    pub fn ovs_vsctl(&self, args: &[&str]) -> String {
        let out = Command::new("ovs-vsctl")
            .arg(format!("--db={}", self.ovsdb()))
            .args(args)
            .output()
            .expect("ovs-vsctl runs");
        assert!(out.status.success(), "ovs-vsctl {args:?}: {}", shown(&out.stderr));
        shown(&out.stdout)
    }

    /// Runs `ovn-nbctl` inside.
    pub fn ovn_nbctl(&self, args: &[&str]) -> String {
        let out = Command::new("ovn-nbctl")
            .arg(format!("--db={}", self.northbound()))
            .args(args)
            .output()
            .expect("ovn-nbctl runs");
        assert!(out.status.success(), "ovn-nbctl {args:?}: {}", shown(&out.stderr));
        shown(&out.stdout)
    }

    /// The network namespace of a place beside it: `outside`, or `mgmt`.
    pub fn namespace(&self, place: &str) -> String {
        format!("{}-{place}", self.name)
    }

    /// One HTTP request from the namespace that plays the outside world: the body, or nothing when no answer comes.
    pub fn request_from_outside(&self, url: &str) -> Option<String> {
        self.request_from("outside", url)
    }

    /// As [`Nfvi::request_from_outside`], from where the VNFs are managed.
    pub fn request_from_management(&self, url: &str) -> Option<String> {
        self.request_from("mgmt", url)
    }

    fn request_from(&self, place: &str, url: &str) -> Option<String> {
        request_in(&format!("{}-{place}", self.name), url)
    }

    /// Whether an address answers an echo request from the outside world within two seconds.
    pub fn pings_from_outside(&self, address: &str) -> bool {
        let netns = format!("{}-outside", self.name);
        let ping =
            Command::new("ip").args(["netns", "exec", &netns, "ping", "-q", "-c", "1", "-W", "2", address]).output();
        ping.expect("ip netns exec runs").status.success()
    }
}

/// One HTTP request from a network namespace: the body, or nothing when no answer comes.
pub(crate) fn request_in(netns: &str, url: &str) -> Option<String> {
    let curl = ["curl", "-s", "-f", "--noproxy", "*", "-m", "3", url];
    let Output { status, stdout, .. } =
        Command::new("ip").args(["netns", "exec", netns]).args(curl).output().expect("ip netns exec runs");
    status.success().then(|| shown(&stdout))
}

impl Drop for Nfvi {
    fn drop(&mut self) {
        let mut down = Command::new(script());
        down.args(["down", "--name", &self.name]).arg("--run-dir").arg(&self.run).arg("--state-dir").arg(&self.state);
        if let Ok(out) = down.output()
            && !out.status.success()
        {
            eprintln!("nfvi down: {}", shown(&out.stderr));
        }
    }
}

/// Takes down what a run that was killed left behind under this name.
fn sweep(name: &str) {
    let labs = std::fs::read_dir("/var/tmp").into_iter().flatten().flatten().map(|entry| entry.path());
    let stale = labs.filter(|lab| lab.file_name().is_some_and(|n| n.to_string_lossy().starts_with("mano-")));
    for lab in stale.filter(|lab| lab.join(name).join("nfvi.env").exists()) {
        let _ = Command::new(script()).args(["down", "--name", name, "--run-dir"]).arg(lab.join(name)).output();
        let _ = std::fs::remove_dir_all(lab);
    }
    sweep_namespaces(name, &["", "-outside", "-mgmt"]);
}

/// Network namespaces outlive the folder that tells of them when whoever ran the test was killed and its files removed.
/// What still runs in one that has this name is of such a run too: names are the tests' own, and real ones run one by one.
fn sweep_namespaces(name: &str, suffixes: &[&str]) {
    for netns in suffixes.iter().map(|suffix| format!("{name}{suffix}")) {
        if !Path::new("/run/netns").join(&netns).exists() {
            continue;
        }
        let pids = Command::new("ip").args(["netns", "pids", &netns]).output();
        for pid in pids.map(|out| shown(&out.stdout)).unwrap_or_default().split_whitespace() {
            let _ = Command::new("kill").args(["-9", pid]).status();
        }
        let _ = Command::new("ip").args(["netns", "del", &netns]).status();
    }
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
