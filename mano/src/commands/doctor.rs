//! `mano doctor`: every prerequisite of running the stack on this machine, whether it is met, why it matters and what
//! helps.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::Serialize;

use crate::fail::Failure;
use crate::output::{self, Format};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    /// It works, with something missing or slower.
    Warn,
    /// It does not work without.
    Missing,
}

/// One prerequisite.
#[derive(Debug, Serialize)]
struct Check {
    what: &'static str,
    verdict: Verdict,
    found: String,
    help: String,
}

impl Check {
    fn new(what: &'static str, verdict: Verdict, found: impl Into<String>, help: impl Into<String>) -> Self {
        let help = if verdict == Verdict::Ok { String::new() } else { help.into() };
        Self { what, verdict, found: found.into(), help }
    }
}

/// Programs that the NFVI needs: file, why, Debian package, argument that prints a version, whether nothing goes without.
const PROGRAMS: &[(&str, &str, &str, bool)] = &[
    ("qemu-system-x86_64", "runs the VMs", "qemu-system-x86", true),
    ("qemu-img", "makes overlays and volumes", "qemu-utils", true),
    ("libvirtd", "drives QEMU", "libvirt-daemon-system", true),
    ("ovs-vswitchd", "switches packets", "openvswitch-switch", true),
    ("ovsdb-server", "keeps the switch's and OVN's databases", "openvswitch-switch", true),
    ("ovn-northd", "translates logical networks", "ovn-central", true),
    ("ovn-controller", "programs the host's switch", "ovn-host", true),
    ("xorriso", "makes config drives", "xorriso", true),
    ("ip", "makes namespaces and links", "iproute2", true),
    ("syslinux", "makes the sample image boot", "syslinux", false),
    ("mcopy", "fills the sample image", "mtools", false),
    ("nft", "goes into the sample image", "nftables", false),
];

/// Ports of the services.
const PORTS: &[(&str, u16)] = &[("nfvo", 8700), ("vnfm", 8701), ("vim-adapter", 8702), ("nfvi-agent", 8703)];

/// Runs every check; exit code 2 when something is missing.
pub fn run(format: Format, state_dir: &Path) -> Result<(), Failure> {
    let mut checks = vec![rights(), kvm(), datapath()];
    checks.extend(PROGRAMS.iter().map(|(file, why, package, needed)| program(file, why, package, *needed)));
    checks.extend(PORTS.iter().map(|(service, number)| port(service, *number)));
    checks.extend([cpus(), memory(), disk(state_dir), nested_init()]);
    if format == Format::Table {
        let rows = checks.iter().map(|c| {
            let mark = match c.verdict {
                Verdict::Ok => "ok",
                Verdict::Warn => "warn",
                Verdict::Missing => "MISSING",
            };
            vec![c.what.to_owned(), mark.to_owned(), c.found.clone(), c.help.clone()]
        });
        output::table(&["check", "verdict", "found", "what helps"], rows.collect())?;
    } else {
        output::document(format, &serde_json::to_value(&checks)?)?;
    }
    let missing: Vec<&str> = checks.iter().filter(|c| c.verdict == Verdict::Missing).map(|c| c.what).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::helped(
        format!("{} prerequisites are missing: {}", missing.len(), missing.join(", ")),
        "deploy/quickstart installs and starts all of them, as root",
    ))
}

fn rights() -> Check {
    let root = fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|s| s.lines().find_map(|l| l.strip_prefix("Uid:").map(str::to_owned)))
        .is_some_and(|l| l.split_whitespace().nth(1) == Some("0"));
    let found = if root { "root" } else { "an ordinary user" };
    let verdict = if root { Verdict::Ok } else { Verdict::Warn };
    Check::new(
        "rights",
        verdict,
        found,
        "starting the NFVI makes namespaces and bridges: use root or sudo for deploy/quickstart",
    )
}

fn kvm() -> Check {
    let flags = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let hardware = flags.lines().any(|l| l.starts_with("flags") && (l.contains(" vmx") || l.contains(" svm")));
    let device = fs::File::options().read(true).write(true).open("/dev/kvm");
    match (hardware, device) {
        (true, Ok(_)) => Check::new("KVM", Verdict::Ok, "CPU flag and /dev/kvm; the agent proves it with a guest", ""),
        (false, Ok(_)) => Check::new(
            "KVM",
            Verdict::Warn,
            "/dev/kvm opens but the CPU shows neither vmx nor svm",
            "the agent starts a guest for a moment and falls back to TCG (5-20 times slower) when it does not run; \
             `acceleration: kvm|tcg` in its configuration overrides",
        ),
        (true, Err(error)) => Check::new(
            "KVM",
            Verdict::Warn,
            format!("/dev/kvm: {error}"),
            "modprobe kvm_intel or kvm_amd; join group kvm",
        ),
        (false, Err(_)) => Check::new(
            "KVM",
            Verdict::Warn,
            "no hardware virtualisation",
            "VMs run on TCG, 5-20 times slower; enable VT-x/AMD-V or nested virtualisation",
        ),
    }
}

fn datapath() -> Check {
    let loaded = fs::read_to_string("/proc/modules").unwrap_or_default().lines().any(|l| l.starts_with("openvswitch "));
    if loaded || Path::new("/sys/module/openvswitch").exists() {
        return Check::new("OVS datapath", Verdict::Ok, "kernel module openvswitch", "");
    }
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let module = format!("/lib/modules/{}/kernel/net/openvswitch", release.trim());
    if Path::new(&module).exists() {
        return Check::new("OVS datapath", Verdict::Warn, "kernel module there, not loaded", "modprobe openvswitch");
    }
    Check::new(
        "OVS datapath",
        Verdict::Warn,
        format!("no openvswitch module for kernel {}", release.trim()),
        "the userspace datapath is used: it works, at some hundred Mb/s",
    )
}

fn program(file: &'static str, why: &str, package: &str, needed: bool) -> Check {
    let Some(path) = find(file) else {
        let verdict = if needed { Verdict::Missing } else { Verdict::Warn };
        return Check::new(file, verdict, format!("not installed ({why})"), format!("apt-get install {package}"));
    };
    let version = Command::new(&path).arg("--version").stdin(Stdio::null()).output().ok().and_then(|out| {
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        text.lines()
            .find(|l| l.chars().any(|c| c.is_ascii_digit()))
            .map(|l| l.trim().chars().take(60).collect::<String>())
    });
    Check::new(file, Verdict::Ok, version.unwrap_or_else(|| path.display().to_string()), "")
}

fn find(file: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].into_iter().map(PathBuf::from);
    std::env::split_paths(&path).chain(system).map(|dir| dir.join(file)).find(|p| p.is_file())
}

fn port(service: &'static str, number: u16) -> Check {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, number));
    if TcpListener::bind(address).is_ok() {
        return Check::new(service, Verdict::Ok, format!("port {number} is free: not running"), "");
    }
    match TcpStream::connect_timeout(&address, Duration::from_secs(1)) {
        Ok(_) => Check::new(service, Verdict::Ok, format!("something answers on {address}"), ""),
        Err(error) => {
            Check::new(service, Verdict::Warn, format!("{address}: {error}"), "set `listen` in its configuration")
        }
    }
}

fn cpus() -> Check {
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    let verdict = if count >= 2 { Verdict::Ok } else { Verdict::Warn };
    Check::new("CPUs", verdict, count.to_string(), "two or more are better")
}

fn memory() -> Check {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let free = text
        .lines()
        .find_map(|l| l.strip_prefix("MemAvailable:"))
        .and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok())
        .unwrap_or(0)
        * 1024;
    let verdict = if free >= 2 << 30 { Verdict::Ok } else { Verdict::Warn };
    Check::new(
        "memory",
        verdict,
        format!("{} available", output::bytes(free)),
        "the sample network service wants 2 GiB",
    )
}

fn disk(state_dir: &Path) -> Check {
    let there = state_dir.ancestors().find(|p| p.exists()).unwrap_or(Path::new("/"));
    let Some(free) = Command::new("df")
        .args(["--output=avail", "-B1", "--"])
        .arg(there)
        .stderr(Stdio::null())
        .output()
        .ok()
        .and_then(|out| String::from_utf8_lossy(&out.stdout).lines().nth(1)?.trim().parse::<u64>().ok())
    else {
        return Check::new(
            "disk",
            Verdict::Warn,
            format!("free space of {} is not known", there.display()),
            "look with df",
        );
    };
    let verdict = if free >= 8 << 30 { Verdict::Ok } else { Verdict::Warn };
    Check::new(
        "disk",
        verdict,
        format!("{} free at {}", output::bytes(free), there.display()),
        "8 GiB are wanted, build included",
    )
}

fn nested_init() -> Check {
    let init = fs::read_to_string("/proc/1/comm").unwrap_or_default();
    let owners: BTreeSet<&str> = ["/run/libvirt/libvirt-sock", "/run/openvswitch/db.sock", "/run/ovn/ovnnb_db.sock"]
        .into_iter()
        .filter(|p| Path::new(p).exists())
        .collect();
    let found = match (init.trim(), owners.len()) {
        ("systemd", 3) => "the host runs a complete stack; --use-host can take it".to_owned(),
        ("systemd", n) => format!("systemd, {n} of 3 host daemons; a private NFVI is started"),
        (other, _) => format!("init is {other}; a private NFVI is started"),
    };
    Check::new("NFVI", Verdict::Ok, found, "")
}
