//! The same machines made by a script: one OVN transaction, then every machine side by side, then waiting for the ports.
//! What no orchestrator can beat, for it decides, records and checks nothing.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use mano_tests::ground::machine;
use mano_tests::nfvi::Nfvi;
use reference_points::os_ma_nfvo::mano::{Topology, TopologyVnfc};

/// What the script needs to know of one machine.
struct Machine {
    name: String,
    xml: PathBuf,
    image: PathBuf,
    overlay: PathBuf,
}

/// Everything that the script makes, learned from the running service.
pub struct Script {
    topology: Topology,
    machines: Vec<Machine>,
}

/// How long the script took, in milliseconds.
pub struct Took {
    pub total: f64,
    /// libvirt's share, the mean of the machines.
    pub create: f64,
}

impl Script {
    /// Copies images, first-boot data and domain XML of the running service, with paths below `dir`.
    pub fn learn(nfvi: &Nfvi, topology: Topology, agent: &Path, dir: &Path) -> Self {
        std::fs::create_dir_all(dir).expect("a folder");
        let computes = topology.vnfs.iter().flat_map(|v: &_| &v.vnfcs).filter_map(|v: &TopologyVnfc| v.compute_id);
        let machines = computes
            .map(|id| {
                let name = machine(id);
                let xml = nfvi.virsh(&["dumpxml", "--inactive", "--security-info", &name]);
                let from = agent.join("machines").join(id.to_string());
                let to = dir.join(id.to_string());
                std::fs::create_dir_all(&to).expect("a folder");
                std::fs::copy(from.join("config.iso"), to.join("config.iso")).expect("first-boot data");
                let image =
                    std::fs::read_dir(agent.join("images")).expect("images").flatten().next().expect("an image");
                let kept = dir.join("image.qcow2");
                if !kept.exists() {
                    std::fs::copy(image.path(), &kept).expect("the image");
                }
                let file = to.join("domain.xml");
                let text = xml.replace(&from.display().to_string(), &to.display().to_string());
                std::fs::write(&file, text).expect("domain XML");
                Machine { name, xml: file, image: kept, overlay: to.join("root.qcow2") }
            })
            .collect();
        Self { topology, machines }
    }

    /// Makes everything and waits until every port is up.
    pub fn up(&self, nfvi: &Nfvi) -> Took {
        for machine in &self.machines {
            let _ = std::fs::remove_file(&machine.overlay);
        }
        let begun = Instant::now();
        let network = self.network_commands();
        let creates: Vec<Duration> = std::thread::scope(|scope| {
            let made: Vec<_> = self.machines.iter().map(|machine| scope.spawn(|| machine.create(nfvi))).collect();
            // The ports may be bound before OVN knows them.
            nfvi.ovn_nbctl(&network.iter().map(String::as_str).collect::<Vec<_>>());
            made.into_iter().map(|thread| thread.join().expect("made")).collect()
        });
        for port in self.ports() {
            nfvi.ovn_nbctl(&["--timeout=60", "wait-until", "Logical_Switch_Port", &port, "up=true"]);
        }
        let total = begun.elapsed().as_secs_f64() * 1e3;
        let sum: Duration = creates.iter().sum();
        Took { total, create: sum.as_secs_f64() * 1e3 / creates.len().max(1) as f64 }
    }

    /// Removes everything again.
    pub fn down(&self, nfvi: &Nfvi) {
        for machine in &self.machines {
            nfvi.virsh(&["destroy", &machine.name]);
        }
        for link in &self.topology.links {
            nfvi.ovn_nbctl(&["ls-del", &link.name]);
        }
    }

    fn ports(&self) -> Vec<String> {
        let vnfcs = self.topology.vnfs.iter().flat_map(|v| &v.vnfcs);
        vnfcs.flat_map(|v| &v.ports).map(|p| p.id.to_string()).collect()
    }

    fn network_commands(&self) -> Vec<String> {
        let mut all: Vec<Vec<String>> = Vec::new();
        let words = |text: &[&str]| text.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        for link in &self.topology.links {
            all.push(words(&["ls-add", &link.name]));
            if let Some(physical) = &link.physical_network {
                let port = format!("{}-out", link.name);
                all.push(words(&["lsp-add", &link.name, &port]));
                all.push(words(&["lsp-set-type", &port, "localnet"]));
                all.push(words(&["lsp-set-addresses", &port, "unknown"]));
                all.push(words(&["lsp-set-options", &port, &format!("network_name={physical}")]));
            }
            for port in self.topology.vnfs.iter().flat_map(|v| &v.vnfcs).flat_map(|v| &v.ports) {
                if port.network_id == link.network_id {
                    let id = port.id.to_string();
                    let addresses = port.addresses.iter().map(|a| a.split('/').next().unwrap_or_default());
                    let bound = format!("{} {}", port.mac, addresses.collect::<Vec<_>>().join(" "));
                    all.push(words(&["lsp-add", &link.name, &id]));
                    all.push(words(&["lsp-set-addresses", &id, &bound]));
                    all.push(words(&["lsp-set-port-security", &id, &bound]));
                }
            }
        }
        all.join(&"--".to_owned())
    }
}

impl Machine {
    /// The disk, then libvirt's define and start; how long those two took.
    fn create(&self, nfvi: &Nfvi) -> Duration {
        let made = Command::new("qemu-img")
            .args(["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b"])
            .args([&self.image, &self.overlay])
            .status()
            .expect("qemu-img runs");
        assert!(made.success(), "qemu-img refuses {}", self.overlay.display());
        let begun = Instant::now();
        nfvi.virsh(&["create", self.xml.to_str().expect("a plain path")]);
        begun.elapsed()
    }
}
