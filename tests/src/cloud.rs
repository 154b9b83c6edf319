//! A real OpenStack that runs already: `deploy/openstack-lab up`, found by its run folder in MANO_OPENSTACK_LAB.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use reference_points::or_vi::{OpenstackAccessInfo, OpenstackInterface, OpenstackInterfaceInfo, Secret, VimKind};
use serde_json::Value;

use crate::nfvi::request_in;

/// What a project holds, by kind: names and identifiers.
pub type Holdings = BTreeMap<&'static str, Vec<String>>;

/// Lists of the OpenStack client that together show everything that an NS leaves in a project.
const LISTS: [(&str, &[&str]); 11] = [
    ("server", &["server", "list"]),
    ("port", &["port", "list"]),
    ("network", &["network", "list"]),
    ("subnet", &["subnet", "list"]),
    ("volume", &["volume", "list"]),
    ("flavour", &["flavor", "list"]),
    ("server group", &["server", "group", "list"]),
    ("security group", &["security", "group", "list"]),
    ("image", &["image", "list"]),
    ("router", &["router", "list"]),
    ("floating address", &["floating", "ip", "list"]),
];

/// The lab.
#[derive(Debug, Clone)]
pub struct Cloud {
    run: PathBuf,
    /// Its network namespaces are called so, with `-outside` and `-mgmt` behind.
    name: String,
}

impl Cloud {
    /// The lab; `None` when there is none, which is said.
    pub fn lab() -> Option<Self> {
        let run = std::env::var_os("MANO_OPENSTACK_LAB").map(PathBuf::from);
        let Some(run) = run.filter(|run| run.join("clouds.yaml").exists()) else {
            println!(
                "SKIPPED: MANO_OPENSTACK_LAB names no run folder of deploy/openstack-lab; deploy/openstack-lab starts one"
            );
            return None;
        };
        let settings = std::fs::read_to_string(run.join("openstack-lab.env")).unwrap_or_default();
        let name = settings.lines().find_map(|line| line.strip_prefix("NAME="));
        let name = name.map_or("mano-os", |name| name.trim_matches(['"', '\''])).to_owned();
        Some(Self { run, name })
    }

    /// The message broker's address, where the lab sends notifications.
    fn notifications_url(&self) -> Option<String> {
        std::fs::read_to_string(self.run.join("notifications-url")).ok().map(|text| text.trim().to_owned())
    }

    /// A cloud of its clouds.yaml as a VIM; `mano` is heard by its notifications as well, where the lab sends them.
    pub fn kind(&self, cloud: &str) -> VimKind {
        let text = self.clouds_yaml();
        let field = |name: &str| clouds_field(&text, cloud, name);
        let credential = field("application_credential_id");
        let user = |name: &str| field(name).filter(|_| credential.is_none());
        VimKind::Openstack {
            interface_info: OpenstackInterfaceInfo {
                endpoint: field("auth_url").expect("an auth_url"),
                trusted_certificates: Vec::new(),
                skip_certificate_verification: false,
                interface: OpenstackInterface::Public,
                external_network: None,
            },
            access_info: OpenstackAccessInfo {
                username: user("username"),
                password: user("password").map(Secret::new),
                user_domain: user("user_domain_name"),
                project: user("project_name"),
                project_domain: user("project_domain_name"),
                region: field("region_name"),
                application_credential_secret: field("application_credential_secret").map(Secret::new),
                application_credential_id: credential,
                notifications_url: self.notifications_url().filter(|_| cloud == "mano").map(Secret::new),
            },
        }
    }

    fn clouds_yaml(&self) -> String {
        std::fs::read_to_string(self.run.join("clouds.yaml")).expect("the clouds of the lab")
    }

    /// Path of its clouds.yaml.
    pub fn file(&self) -> PathBuf {
        self.run.join("clouds.yaml")
    }

    /// The network namespace of a place beside it: `outside`, or `mgmt`.
    pub fn namespace(&self, place: &str) -> String {
        format!("{}-{place}", self.name)
    }

    /// What an address answers to a request from the outside world.
    pub fn request_from_outside(&self, url: &str) -> Option<String> {
        self.request_from("outside", url)
    }

    /// As [`Cloud::request_from_outside`], from where the VNFs are managed.
    pub fn request_from_management(&self, url: &str) -> Option<String> {
        self.request_from("mgmt", url)
    }

    /// Ends one of its services with SIGKILL and starts it again.
    pub fn kill_and_restart(&self, service: &str) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/openstack-lab");
        for command in ["kill", "start"] {
            let done = Command::new(script).args([command, service, "--run-dir"]).arg(&self.run).output();
            let done = done.expect("deploy/openstack-lab runs");
            assert!(done.status.success(), "{command} {service}: {}", String::from_utf8_lossy(&done.stderr));
        }
    }

    /// Runs `virsh` against the cloud's hypervisor.
    pub fn virsh(&self, args: &[&str]) -> String {
        let uri = format!("qemu:///system?socket={}", self.run.join("libvirt/libvirt-sock").display());
        let done = Command::new("virsh").args(["-c", &uri]).args(args).output().expect("virsh runs");
        assert!(done.status.success(), "virsh {args:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    /// How many machines run on its hypervisor.
    pub fn machines(&self) -> usize {
        self.virsh(&["list", "--name"]).split_whitespace().count()
    }

    fn request_from(&self, place: &str, url: &str) -> Option<String> {
        request_in(&self.namespace(place), url)
    }

    /// What OpenStack's own client prints as JSON; `None` when the client is not installed.
    pub fn openstack(&self, cloud: &str, args: &[&str]) -> Option<Value> {
        let told = self.client(cloud, &[args, &["-f", "json"]].concat())?;
        Some(serde_json::from_slice(&told).unwrap_or(Value::Null))
    }

    /// Removes something with OpenStack's own client, which says nothing to that.
    pub fn delete(&self, cloud: &str, kind: &str, name: &str) {
        self.client(cloud, &[kind, "delete", name]);
    }

    fn client(&self, cloud: &str, args: &[&str]) -> Option<Vec<u8>> {
        let client = crate::openstack::client()?;
        let done = Command::new(client)
            .env("OS_CLIENT_CONFIG_FILE", self.file())
            .env("NO_PROXY", "*")
            .args(["--os-cloud", cloud])
            .args(args)
            .output()
            .expect("the client runs");
        assert!(done.status.success(), "openstack {args:?}: {}", String::from_utf8_lossy(&done.stderr));
        Some(done.stdout)
    }

    /// What a project holds, as OpenStack's own client lists it.
    pub fn holdings(&self, cloud: &str) -> Option<Holdings> {
        let mut all = Holdings::new();
        for (kind, args) in LISTS {
            let listed = self.openstack(cloud, args)?;
            let one = |item: &Value| format!("{} {}", item["ID"].as_str().unwrap_or_default(), item["Name"]);
            // Neutron makes ports for DHCP and default groups of projects when they are first needed; an operator sees them.
            let own = |item: &&Value| {
                !matches!((kind, item["Name"].as_str()), ("port", Some("")) | ("security group", Some("default")))
            };
            let mut names: Vec<String> = listed.as_array().into_iter().flatten().filter(own).map(one).collect();
            names.sort();
            all.insert(kind, names);
        }
        Some(all)
    }
}

/// A scalar of one cloud of a clouds.yaml, wherever in it.
fn clouds_field(text: &str, cloud: &str, name: &str) -> Option<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut lines = text.lines().skip_while(|line| line.trim() != format!("{cloud}:"));
    let depth = indent(lines.next()?);
    lines
        .take_while(|line| line.trim().is_empty() || indent(line) > depth)
        .find_map(|line| line.trim().strip_prefix(&format!("{name}:")))
        .map(|value| value.trim().trim_matches(['"', '\'']).to_owned())
}
