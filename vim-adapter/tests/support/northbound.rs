//! A real ovsdb-server with the schema of OVN's northbound database, in a temporary directory.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use ovsdb::{Condition, Connection, Options, Row, op};

const SCHEMA: &str = "/usr/share/ovn/ovn-nb.ovsschema";
pub const DB: &str = "OVN_Northbound";

pub struct Northbound {
    dir: tempfile::TempDir,
    child: Option<Child>,
}

impl Northbound {
    /// `None`, with a line that says why, where the programs or the schema are not installed.
    pub fn start() -> Option<Self> {
        for needed in ["/usr/sbin/ovsdb-server", "/usr/bin/ovsdb-tool", SCHEMA] {
            if !Path::new(needed).exists() {
                println!("SKIPPED: {needed} is not installed");
                return None;
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let made = Command::new("ovsdb-tool").arg("create").arg(dir.path().join("db")).arg(SCHEMA).status().unwrap();
        assert!(made.success());
        let mut server = Self { dir, child: None };
        server.up();
        Some(server)
    }

    pub fn endpoint(&self) -> String {
        format!("unix:{}", self.dir.path().join("sock").display())
    }

    pub fn up(&mut self) {
        let child = Command::new("ovsdb-server")
            .arg(format!("--remote=p{}", self.endpoint()))
            .arg(format!("--unixctl={}", self.dir.path().join("ctl").display()))
            .arg(self.dir.path().join("db"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    pub fn down(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let _ = std::fs::remove_file(self.dir.path().join("sock"));
    }

    /// As somebody else would use it.
    pub fn other(&self) -> Connection {
        Connection::open(self.endpoint().parse().unwrap(), Options::default())
    }

    pub async fn rows(&self, table: &str) -> Vec<Row> {
        self.other().transact(DB, vec![op::select(table).into()]).await.unwrap()[0].rows().to_vec()
    }

    pub async fn row(&self, table: &str, name: &str) -> Option<Row> {
        self.rows(table).await.into_iter().find(|row| row.get::<String>("name").unwrap() == name)
    }

    /// What ovn-northd does when a host has bound the port.
    pub async fn set_up(&self, port: uuid::Uuid, up: bool) {
        let change = op::update("Logical_Switch_Port").filter(Condition::eq("name", port.to_string())).set("up", up);
        let done = self.other().transact(DB, vec![change.into()]).await.unwrap();
        assert_eq!(done[0].count(), 1, "no logical port {port}");
    }
}

impl Drop for Northbound {
    fn drop(&mut self) {
        self.down();
    }
}
