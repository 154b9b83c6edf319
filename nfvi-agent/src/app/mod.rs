//! What the agent decides: requests become records of what shall be, checked against what the host has; the reconciler
//! does the rest.

pub mod capacity;
pub mod check;
pub mod difference;
pub mod host;
pub mod images;
pub mod inventory;
pub mod machines;
pub mod reality;
pub mod snapshots;
mod turns;
pub mod volumes;

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use db::{Clock, Db};
use service::http::Wake as News;
use tokio::sync::{OnceCell, mpsc};
use turns::Turns;
use uuid::Uuid;

use crate::config::{AccelerationChoice, Config};
use crate::hypervisor::probe::Verdict;
use crate::hypervisor::{self, Acceleration, Hypervisor};
use crate::media::layout::Layout;
use crate::numbers::Numbers;
use crate::reconcile::{Wake, Waker};
use crate::store;
use crate::switch::Switch;

/// The agent of one host.
#[derive(Debug)]
pub struct Agent {
    /// Records of what shall be.
    pub db: Db,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Configuration.
    pub config: Config,
    /// Where files are.
    pub layout: Layout,
    /// What runs the machines.
    pub hypervisor: Arc<dyn Hypervisor>,
    /// What connects them.
    pub switch: Arc<dyn Switch>,
    /// Rings when an event was added.
    pub news: News,
    /// What was done, counted.
    pub numbers: Numbers,
    /// Wakes the reconciler.
    pub waker: Waker,
    /// Name of this host.
    pub host_name: String,
    /// Identity of the records.
    pub incarnation: Uuid,
    /// Where the kernel's files are: `/`, but in tests.
    pub kernel_root: PathBuf,
    /// Uploads of one image are given their name one after the other.
    pub(crate) image_turns: Turns,
    /// A volume is made and removed by one request at a time.
    pub(crate) volume_turns: Turns,
    /// Snapshots of a machine are taken one after the other.
    pub(crate) snapshot_turns: Turns,
    /// A machine is started by one, while another makes sure that it rests.
    pub(crate) machine_turns: Turns,
    /// Machines that rest and whose disks are being copied.
    pub(crate) copying: Mutex<HashSet<Uuid>>,
    pub(crate) verdict: OnceCell<Verdict>,
    /// When machines had to be started again.
    pub(crate) repairs: Mutex<HashMap<Uuid, VecDeque<i64>>>,
    /// Machines whose guests have been asked to let go of a device.
    pub(crate) letting_go: Mutex<HashSet<Uuid>>,
    /// What is wrong and has been told.
    pub(crate) troubles: Mutex<HashSet<&'static str>>,
}

impl Agent {
    /// An agent over these drivers, and what wakes its reconciler.
    ///
    /// # Errors
    /// When its records cannot be opened.
    pub async fn new(
        config: Config,
        db: Db,
        clock: Arc<dyn Clock>,
        hypervisor: Arc<dyn Hypervisor>,
        switch: Arc<dyn Switch>,
    ) -> Result<(Agent, mpsc::UnboundedReceiver<Wake>), db::DbError> {
        store::migrate(&db).await?;
        let incarnation = db::transaction!(db, |tx| { Ok::<_, db::DbError>(store::incarnation(tx).await?) })?;
        let kernel_root = PathBuf::from("/");
        let host_name = match config.host_name.as_str() {
            "" => crate::facts::read(&kernel_root).host_name,
            name => name.to_owned(),
        };
        let (waker, wakes) = Waker::new();
        let agent = Agent {
            db,
            clock,
            layout: Layout::new(config.state_dir.clone()),
            config,
            hypervisor,
            switch,
            news: News::default(),
            numbers: Numbers::new().map_err(|e| db::DbError::Sql(db::sqlx::Error::Configuration(e.into())))?,
            waker,
            host_name,
            incarnation,
            kernel_root,
            image_turns: Turns::default(),
            volume_turns: Turns::default(),
            snapshot_turns: Turns::default(),
            machine_turns: Turns::default(),
            copying: Mutex::default(),
            verdict: OnceCell::new(),
            repairs: Mutex::default(),
            letting_go: Mutex::default(),
            troubles: Mutex::default(),
        };
        Ok((agent, wakes))
    }

    /// How guest code is run on this host; found out when first asked, unless the configuration says.
    ///
    /// # Errors
    /// While the hypervisor cannot be asked.
    pub async fn verdict(&self) -> hypervisor::Result<&Verdict> {
        self.verdict
            .get_or_try_init(|| async {
                let verdict = match self.config.acceleration {
                    AccelerationChoice::Kvm => Verdict::configured(Acceleration::Kvm),
                    AccelerationChoice::Tcg => Verdict::configured(Acceleration::Tcg),
                    AccelerationChoice::Auto => self.hypervisor.probe().await?,
                };
                tracing::info!(acceleration = verdict.acceleration.as_str(), "{}", verdict.reason);
                Ok(verdict)
            })
            .await
    }

    pub(crate) fn wake(&self, id: Uuid) {
        self.waker.wake(Wake { id, retry: true });
    }

    /// Forgets how often a machine had to be started again: somebody looked after it.
    pub(crate) fn forgive(&self, id: Uuid) {
        self.repairs.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&id);
    }
}
