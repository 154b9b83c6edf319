//! The agent as a process of its own, which can be killed.

use reference_points::nf_vi::AgentClient;

use super::nfvi::Nfvi;

/// An agent as a process of its own.
pub struct Process {
    child: std::process::Child,
    pub client: AgentClient,
}

impl Process {
    /// An agent over a private NFVI; started again, it is the same one.
    pub async fn over(nfvi: &Nfvi) -> Process {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut config = nfvi.config();
        config.service.listen = Some(([127, 0, 0, 1], port).into());
        config.acceleration = nfvi_agent::config::AccelerationChoice::Tcg;
        let file = nfvi.run().join("agent.yaml");
        // JSON is YAML.
        std::fs::write(&file, serde_json::to_string(&config).unwrap()).unwrap();
        Process::start(&file, port).await
    }

    async fn start(config: &std::path::Path, port: u16) -> Process {
        let child = std::process::Command::new(env!("CARGO_BIN_EXE_nfvi-agent"))
            .arg("--config")
            .arg(config)
            .stderr(std::fs::File::options().create(true).append(true).open(config.with_extension("log")).unwrap())
            .spawn()
            .unwrap();
        let client = AgentClient::new("test", &format!("http://127.0.0.1:{port}"));
        let serving = async {
            while client.machines().await.is_err() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), serving).await.expect("the agent serves");
        Process { child, client }
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
