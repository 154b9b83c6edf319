//! A switch in memory, for agents that pretend and for tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::broadcast;
use uuid::Uuid;

use super::{PlugPlan, Result, Switch, SwitchError, SwitchEvent, SwitchFacts, SwitchPort};

/// A pretended switch.
#[derive(Debug)]
pub struct SimSwitch {
    inner: Mutex<Inner>,
    events: broadcast::Sender<SwitchEvent>,
}

#[derive(Debug)]
struct Inner {
    ports: BTreeMap<Uuid, String>,
    bridge: bool,
}

impl SimSwitch {
    /// With an empty integration bridge.
    pub fn new() -> Arc<SimSwitch> {
        let inner = Inner { ports: BTreeMap::new(), bridge: true };
        Arc::new(SimSwitch { inner: Mutex::new(inner), events: broadcast::Sender::new(1024) })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A port comes.
    pub fn plug(&self, iface_id: Uuid, tap: &str) {
        self.lock().ports.insert(iface_id, tap.to_owned());
        let _ = self.events.send(SwitchEvent::Port { iface_id, present: true });
    }

    /// A port goes.
    pub fn unplug(&self, iface_id: Uuid) {
        if self.lock().ports.remove(&iface_id).is_some() {
            let _ = self.events.send(SwitchEvent::Port { iface_id, present: false });
        }
    }

    /// The integration bridge vanishes with its ports, or comes back empty.
    pub fn set_bridge(&self, present: bool) {
        let mut inner = self.lock();
        inner.bridge = present;
        inner.ports.clear();
        drop(inner);
        let _ = self.events.send(if present { SwitchEvent::BridgeBack } else { SwitchEvent::BridgeLost });
    }

    /// Port ids on the bridge.
    pub fn plugged(&self) -> Vec<Uuid> {
        self.lock().ports.keys().copied().collect()
    }
}

#[async_trait]
impl Switch for SimSwitch {
    async fn facts(&self) -> Result<SwitchFacts> {
        Ok(SwitchFacts {
            chassis: Some("simulated".into()),
            version: Some("simulated".into()),
            bridge_present: self.lock().bridge,
            userspace: false,
        })
    }

    async fn ports(&self) -> Result<Option<Vec<SwitchPort>>> {
        let port = |(id, name): (&Uuid, &String)| SwitchPort { name: name.clone(), iface_id: Some(*id), vm_id: None };
        let inner = self.lock();
        Ok(inner.bridge.then(|| inner.ports.iter().map(port).collect()))
    }

    async fn plug(&self, port: &PlugPlan) -> Result<()> {
        if !self.lock().bridge {
            return Err(SwitchError::NoBridge { bridge: "sim".into(), action: "plug a port".into() });
        }
        SimSwitch::plug(self, port.iface_id, &port.tap);
        Ok(())
    }

    async fn unplug(&self, iface_id: Uuid) -> Result<()> {
        SimSwitch::unplug(self, iface_id);
        Ok(())
    }

    fn events(&self) -> broadcast::Receiver<SwitchEvent> {
        self.events.subscribe()
    }

    async fn watch(&self) {
        std::future::pending().await
    }

    fn trouble(&self) -> Option<String> {
        None
    }

    fn bridge(&self) -> &str {
        "sim"
    }
}
