//! The agent as a service process.

use std::sync::Arc;

use db::{Clock, SystemClock};
use service::run::{BoxError, Service, Setup};
use utoipa_axum::router::OpenApiRouter;

use crate::api;
use crate::app::Agent;
use crate::config::{Config, Driver};
use crate::hypervisor::Hypervisor;
use crate::hypervisor::libvirt::Libvirt;
use crate::hypervisor::sim::SimHypervisor;
use crate::media::layout::Layout;
use crate::reconcile;
use crate::switch::Switch;
use crate::switch::ovs::OvsSwitch;
use crate::switch::sim::SimSwitch;

/// The nfvi-agent process.
#[derive(Debug)]
pub struct NfviAgent;

impl Service for NfviAgent {
    const NAME: &'static str = "nfvi-agent";
    const ABOUT: &'static str =
        "Runs the virtual machines of one host with libvirt and Open vSwitch, as a VIM wants them";
    const HELP: &'static str = "\
One agent runs on each host of the NFVI. It keeps which machines, volumes and images shall be
there, makes it so, and tells what happens. Machines run on while it is stopped.

It needs libvirtd with QEMU, Open vSwitch with an integration bridge (ovn-controller makes
br-int), and the programs qemu-img (package qemu-utils) and xorriso. It runs as root, or as a
user that may use libvirt's and Open vSwitch's sockets and whose files QEMU may read.

A minimal configuration:
  service: {database: \"sqlite:///var/lib/mano/nfvi-agent.db\"}
  state_dir: /var/lib/mano/nfvi-agent      # images, volumes, machines
  libvirt_uri: qemu:///system
  ovsdb: unix:/run/openvswitch/db.sock
  bridge: br-int
  acceleration: auto                       # kvm where a guest really runs with it, else tcg
  driver: libvirt                          # or sim: machines in memory, to try the stack out

Then ask it: curl http://127.0.0.1:8703/nf-vi/v1/host
             curl http://127.0.0.1:8703/nf-vi/v1/inventory";
    const PORT: u16 = reference_points::nf_vi::DEFAULT_PORT;
    type Config = Config;
    type State = api::App;

    fn api() -> OpenApiRouter<api::App> {
        api::router()
    }

    async fn start(config: Config, setup: Setup) -> Result<api::App, BoxError> {
        let layout = Layout::new(config.state_dir.clone());
        let (hypervisor, switch): (Arc<dyn Hypervisor>, Arc<dyn Switch>) = match config.driver {
            Driver::Libvirt => {
                let switch = OvsSwitch::open(config.ovsdb.parse()?, &config.bridge);
                (Arc::new(Libvirt::start(&config.libvirt_uri, &layout.scratch())?), Arc::new(switch))
            }
            Driver::Sim => {
                let switch = SimSwitch::new();
                (SimHypervisor::new(Arc::clone(&switch)), switch)
            }
        };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (agent, wakes) = Agent::new(config, setup.db.clone(), clock, hypervisor, switch).await?;
        // Before the first request: what is unfinished now is nobody's, what is unfinished later is somebody's.
        agent.tidy_up().await.map_err(|failure| failure.problem.to_string())?;
        let agent = Arc::new(agent);
        agent.numbers.register(setup.metrics.registry())?;
        let asked = Arc::clone(&agent);
        setup.readiness.register("drivers", move || {
            let answer = asked.readiness();
            async move { answer }
        });
        setup.spawn("reconciler", reconcile::run::run(Arc::clone(&agent), wakes, setup.shutdown.clone()));
        Ok(agent)
    }
}
