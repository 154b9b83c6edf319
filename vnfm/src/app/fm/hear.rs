//! Hearing what VIMs tell: events become facts about the resources of instances, and those raise and clear alarms.
//!
//! While an operation works on an instance its resources come and go as they shall: nothing is raised then, and the
//! instance is looked at once the operation rests.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use db::AnyConnection;
use lcm::{Engine, OperationState};
use reference_points::common::CallError;
use reference_points::or_vi::{Compute, Host, Port, ViClient, ViEvent, Volume};
use service::store::StoreError;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Alarms;
use crate::ops::alarms::{HOST_TROUBLES, HostTrouble, Verdict, compute_key, of_compute, of_port, of_repair, of_volume};
use crate::ops::inventory::{Owned, Part};
use crate::store::{alarms, resources};
use crate::vi::VimRef;

/// Why an event could not be made use of.
#[derive(Debug, thiserror::Error)]
pub enum Deaf {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The VIM, when it had to be asked.
    #[error(transparent)]
    Vim(#[from] CallError),
}

impl From<db::DbError> for Deaf {
    fn from(error: db::DbError) -> Self {
        Self::Store(error.into())
    }
}

/// Hears for every VIM. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Ears {
    alarms: Alarms,
    engine: Arc<Engine>,
    clients: Arc<Mutex<BTreeMap<String, ViClient>>>,
}

/// What a VIM has now.
#[derive(Default)]
struct There {
    computes: HashMap<Uuid, Compute>,
    ports: HashMap<Uuid, Port>,
    volumes: HashMap<Uuid, Volume>,
}

impl Ears {
    pub(super) fn new(alarms: Alarms, engine: Arc<Engine>) -> Self {
        Self { alarms, engine, clients: Arc::default() }
    }

    fn client(&self, at: &VimRef) -> ViClient {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.entry(at.endpoint.clone()).or_insert_with(|| ViClient::new(&at.endpoint)).clone()
    }

    /// Makes use of an event. Hearing it twice makes one alarm.
    ///
    /// # Errors
    /// The store, or the VIM when it had to be asked; the event should be told again.
    pub async fn hear(&self, at: &VimRef, event: &ViEvent) -> Result<(), Deaf> {
        match event {
            ViEvent::Compute { compute } => self.one(compute.id, |_, id, o| of_compute(id, o, Some(compute))).await,
            ViEvent::ComputeDeleted { id } => self.one(*id, |_, id, o| of_compute(id, o, None)).await,
            ViEvent::Port { port } => self.one(port.id, |all, id, o| of_port(id, o, all, Some(port))).await,
            ViEvent::Volume { volume } => self.one(volume.id, |all, id, o| of_volume(id, o, all, Some(volume))).await,
            ViEvent::VolumeDeleted { id } => self.one(*id, |all, id, o| of_volume(id, o, all, None)).await,
            ViEvent::Vim { compute: Some(compute), what, detail, .. } if what == "machine_repaired" => {
                self.repaired(*compute, detail).await
            }
            ViEvent::Vim { host: Some(host), what, detail, .. } => match HostTrouble::of(what) {
                Some((trouble, true)) => self.host_lost(at, host, trouble, detail).await,
                Some((trouble, false)) => self.host_back(at, host, trouble).await,
                None => Ok(()),
            },
            ViEvent::Resync { .. } => self.rebuild(at).await,
            ViEvent::Network { .. }
            | ViEvent::SoftwareImage { .. }
            | ViEvent::Snapshot { .. }
            | ViEvent::SnapshotDeleted { .. }
            | ViEvent::AllowsMore { .. }
            | ViEvent::Vim { .. } => Ok(()),
        }
    }

    /// What an event says of one resource of an instance.
    async fn one(&self, resource: Uuid, judge: impl Fn(&[Owned], Uuid, &Owned) -> Verdict) -> Result<(), Deaf> {
        let db = &self.alarms.db;
        let Some((instance, owned)) = alarms::owner(db, resource).await? else { return Ok(()) };
        if self.works(instance).await? {
            // One that is not being looked at yet is good for this event too.
            if alarms::mark_of(db, instance).await? == Some(false) {
                return Ok(());
            }
            db::transaction!(db, |tx| { Ok::<_, StoreError>(alarms::mark(&mut *tx, instance).await?) })?;
            // It may have come to rest between the two.
            return if self.works(instance).await? { Ok(()) } else { self.look(instance).await };
        }
        let all = resources::of(db, instance).await?;
        self.apply(&owned, &judge(&all, instance, &owned)).await
    }

    async fn works(&self, instance: Uuid) -> Result<bool, Deaf> {
        let unfinished = self.engine.list(Some(&instance.to_string()), true, None, 1).await?;
        Ok(unfinished.first().is_some_and(|op| op.state != OperationState::FailedTemp))
    }

    async fn apply(&self, owned: &Owned, verdict: &Verdict) -> Result<(), Deaf> {
        if *verdict == Verdict::Between {
            return Ok(());
        }
        let now = self.alarms.clock.now_micros();
        db::transaction!(self.alarms.db, |tx| { self.applied(&mut *tx, owned, verdict, now).await })?;
        self.alarms.told();
        Ok(())
    }

    async fn applied(
        &self,
        tx: &mut AnyConnection,
        owned: &Owned,
        verdict: &Verdict,
        now: i64,
    ) -> Result<(), StoreError> {
        match verdict {
            Verdict::Fault(condition) => self.alarms.raise(tx, condition, now).await,
            Verdict::Well => self.alarms.clear(tx, &key(owned), now).await,
            Verdict::Between => Ok(()),
        }
    }

    async fn repaired(&self, compute: Uuid, detail: &str) -> Result<(), Deaf> {
        let Some((instance, owned)) = alarms::owner(&self.alarms.db, compute).await? else { return Ok(()) };
        let Some(condition) = of_repair(instance, &owned, detail) else { return Ok(()) };
        if self.works(instance).await? {
            return Ok(());
        }
        let now = self.alarms.clock.now_micros();
        db::transaction!(self.alarms.db, |tx| {
            self.alarms.raise(&mut *tx, &condition, now).await?;
            self.alarms.clear(&mut *tx, &condition.key, now).await
        })?;
        self.alarms.told();
        Ok(())
    }

    async fn host_lost(&self, at: &VimRef, host: &str, trouble: &HostTrouble, detail: &str) -> Result<(), Deaf> {
        let computes = self.client(at).computes(at.vim).await?;
        self.on_host(at, host, trouble, detail, &computes).await
    }

    async fn on_host(
        &self,
        at: &VimRef,
        host: &str,
        trouble: &HostTrouble,
        detail: &str,
        computes: &[Compute],
    ) -> Result<(), Deaf> {
        let mut affected: BTreeMap<Uuid, Vec<String>> = BTreeMap::new();
        for compute in computes.iter().filter(|c| c.host.as_deref() == Some(host)) {
            if let Some((instance, owned)) = alarms::owner(&self.alarms.db, compute.id).await? {
                affected.entry(instance).or_default().push(owned.name().to_owned());
            }
        }
        let now = self.alarms.clock.now_micros();
        for (instance, vnfcs) in affected {
            let condition = trouble.of_instance(at, host, instance, vnfcs, detail);
            db::transaction!(self.alarms.db, |tx| { self.alarms.raise(&mut *tx, &condition, now).await })?;
        }
        self.alarms.notifier.kick();
        Ok(())
    }

    async fn host_back(&self, at: &VimRef, host: &str, trouble: &HostTrouble) -> Result<(), Deaf> {
        let (now, beginning) = (self.alarms.clock.now_micros(), trouble.keys(at, host));
        let mut connection = self.alarms.db.pool.acquire().await.map_err(db::DbError::from)?;
        let open = alarms::open_keys(&mut connection, &beginning).await?;
        drop(connection);
        for key in open {
            db::transaction!(self.alarms.db, |tx| { self.alarms.clear(&mut *tx, &key, now).await })?;
        }
        self.alarms.notifier.kick();
        Ok(())
    }

    /// Looks at everything of an instance, wherever it is.
    ///
    /// # Errors
    /// The store, or a VIM.
    pub async fn look(&self, instance: Uuid) -> Result<(), Deaf> {
        let db = &self.alarms.db;
        db::transaction!(db, |tx| { Ok::<_, StoreError>(alarms::look(&mut *tx, instance).await?) })?;
        let all = resources::of(db, instance).await?;
        let mut there = There::default();
        for owned in &all {
            let (client, vim, id) = (self.client(&owned.at), owned.at.vim, owned.id());
            match &owned.part {
                Part::Compute(_) => there.computes.extend(client.compute(vim, id).await?.map(|c| (id, c))),
                Part::Port(_) => there.ports.extend(client.port(vim, id).await?.map(|p| (id, p))),
                Part::Volume(_) => there.volumes.extend(client.volume(vim, id).await?.map(|v| (id, v))),
                Part::AffinityGroup(_) | Part::Network(_) | Part::Subnet(_) => {}
            }
        }
        self.judge(instance, &all, |_| true, &there).await?;
        db::transaction!(db, |tx| { Ok::<_, StoreError>(alarms::looked(&mut *tx, instance).await?) })?;
        self.alarms.told();
        Ok(())
    }

    async fn judge(
        &self,
        instance: Uuid,
        all: &[Owned],
        concerned: impl Fn(&Owned) -> bool,
        there: &There,
    ) -> Result<(), Deaf> {
        for owned in all.iter().filter(|o| concerned(o)) {
            let id = owned.id();
            let verdict = match &owned.part {
                Part::Compute(_) => of_compute(instance, owned, there.computes.get(&id)),
                Part::Port(_) => of_port(instance, owned, all, there.ports.get(&id)),
                Part::Volume(_) => of_volume(instance, owned, all, there.volumes.get(&id)),
                Part::AffinityGroup(_) | Part::Network(_) | Part::Subnet(_) => continue,
            };
            self.apply(owned, &verdict).await?;
        }
        Ok(())
    }

    /// Events of a VIM were lost: everything in it is looked at, and subscribers are told to read the list anew.
    async fn rebuild(&self, at: &VimRef) -> Result<(), Deaf> {
        tracing::info!(vim = %at.vim, "events of a VIM were lost: its alarms are worked out anew");
        let client = self.client(at);
        let computes = client.computes(at.vim).await?;
        let ports = client.ports(at.vim).await?;
        let volumes = client.volumes(at.vim).await?;
        let hosts: Vec<Host> = client.hosts(at.vim).await?;
        let there = There {
            computes: computes.iter().map(|c| (c.id, c.clone())).collect(),
            ports: ports.into_iter().map(|p| (p.id, p)).collect(),
            volumes: volumes.into_iter().map(|v| (v.id, v)).collect(),
        };
        let mut last = Uuid::nil();
        loop {
            let some = alarms::instances(&self.alarms.db, last).await?;
            let Some(end) = some.last() else { break };
            last = *end;
            for instance in some {
                let all = resources::of(&self.alarms.db, instance).await?;
                if self.works(instance).await? {
                    db::transaction!(self.alarms.db, |tx| {
                        Ok::<_, StoreError>(alarms::mark(&mut *tx, instance).await?)
                    })?;
                    continue;
                }
                self.judge(instance, &all, |o| o.at.vim == at.vim, &there).await?;
            }
        }
        for host in &hosts {
            for trouble in HOST_TROUBLES {
                match trouble.in_host(host) {
                    Some(detail) => self.on_host(at, &host.name, trouble, &detail, &computes).await?,
                    None if host.reachable || trouble.of_host_itself() => {
                        self.host_back(at, &host.name, trouble).await?;
                    }
                    None => {}
                }
            }
        }
        let now = self.alarms.clock.now_micros();
        db::transaction!(self.alarms.db, |tx| { self.alarms.rebuilt(&mut *tx, now).await })?;
        self.alarms.notifier.kick();
        Ok(())
    }

    /// Looks at instances whose operation came to rest, until the service ends.
    ///
    /// # Errors
    /// When those that wait cannot be read at the start.
    pub async fn after_operations(self, shutdown: CancellationToken) -> Result<(), db::DbError> {
        let mut changes = self.engine.watch();
        let mut waiting = alarms::marked(&self.alarms.db).await?;
        loop {
            for instance in std::mem::take(&mut waiting) {
                self.look_if_marked(instance).await;
            }
            let change = tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                change = changes.recv() => change,
            };
            match change {
                Ok(change) if change.came_to_rest() => {
                    waiting.extend(change.subject.parse::<Uuid>().ok());
                }
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => waiting = alarms::marked(&self.alarms.db).await?,
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    }

    async fn look_if_marked(&self, instance: Uuid) {
        let looked = async {
            let marked = alarms::mark_of(&self.alarms.db, instance).await?.is_some();
            if marked && !self.works(instance).await? { self.look(instance).await } else { Ok(()) }
        };
        if let Err(error) = looked.await {
            tracing::warn!(%instance, %error, "an instance could not be looked at; its next event or operation does");
            let again = async {
                db::transaction!(self.alarms.db, |tx| { Ok::<_, StoreError>(alarms::mark(&mut *tx, instance).await?) })
            };
            if let Err(error) = again.await {
                tracing::error!(%instance, %error, "that could not be noted");
            }
        }
    }
}

/// Key of the alarm that a resource has when it is at fault.
fn key(owned: &Owned) -> String {
    match &owned.part {
        Part::Compute(vnfc) => compute_key(vnfc.id),
        Part::Port(_) => format!("port/{}", owned.id()),
        _ => format!("volume/{}", owned.id()),
    }
}
