//! What the VNFM writes with each transition of an operation, in the same transaction: the occurrence, the instance's
//! record, its resources, and the notification.

use async_trait::async_trait;
use db::AnyConnection;
use lcm::{Change, Observer, ObserverError, OperationState, OperationView};
use serde::Deserialize;
use serde_json::json;
use service::notify::{Notification, Notifier};
use uuid::Uuid;

use crate::ops::occurrence::{self, INSTANTIATE, TERMINATE};
use crate::ops::params::OperationParams;
use crate::ops::record::Made;
use crate::store::{INSTANCES, OCCURRENCES, Occurrence, resources};
use reference_points::or_vnfm::{InstantiationState, VnfInstance};

/// Writes the VNFM's records.
#[derive(Debug)]
pub struct Recorder {
    /// Where notifications are left.
    pub notifier: Notifier,
    /// Own base address.
    pub base: String,
}

#[async_trait]
impl Observer for Recorder {
    async fn on_transition(
        &self,
        tx: &mut AnyConnection,
        op: &OperationView,
        change: &Change,
    ) -> Result<(), ObserverError> {
        let Ok(instance) = op.subject.parse::<Uuid>() else { return Ok(()) };
        let written = occurrence::of(op, &change.steps, &self.base);
        match OCCURRENCES.get_in(tx, op.id).await.map_err(told)? {
            Some(old) => OCCURRENCES.update(tx, &old, Occurrence(written), change.at).await.map_err(told)?,
            None => OCCURRENCES.insert(tx, op.id, Occurrence(written), change.at).await.map_err(told)?,
        };
        let record = match (op.kind.as_str(), change.to) {
            (INSTANTIATE, OperationState::Completed | OperationState::Failed) => {
                self.instantiated(tx, instance, op, change).await?
            }
            (TERMINATE, OperationState::Completed) => self.terminated(tx, instance, change).await?,
            _ => INSTANCES.get_in(tx, instance).await.map_err(told)?.map(|stored| stored.document.0),
        };
        self.notify(tx, op, change, record.as_ref()).await
    }
}

impl Recorder {
    /// The instance is what its steps made. An instantiation that was given up counts as instantiated too, with what is
    /// there, so that terminating it removes the rest.
    async fn instantiated(
        &self,
        tx: &mut AnyConnection,
        id: Uuid,
        op: &OperationView,
        change: &Change,
    ) -> Result<Option<VnfInstance>, ObserverError> {
        let params =
            OperationParams::deserialize(op.params.as_ref()).map_err(|e| ObserverError::Other(e.to_string()))?;
        let made = Made::of(&change.steps);
        let owned = made.owned();
        let stored = INSTANCES.lock(tx, id).await.map_err(told)?;
        let mut instance = stored.document.clone();
        if change.to == OperationState::Completed || !owned.is_empty() {
            instance.0.instantiation_state = InstantiationState::Instantiated;
            instance.0.instantiated_vnf_info = params.facts.as_ref().map(|facts| made.instantiated(facts));
            if let Some(grant) = made.grant() {
                instance.0.vim_connection_info.extend(grant.vim_connection_info.clone());
            }
            if let Some(serde_json::Value::Object(properties)) = params.properties {
                instance.0.vnf_configurable_properties = properties;
            }
        }
        resources::replace(tx, id, &owned).await?;
        let stored = INSTANCES.update(tx, &stored, instance, change.at).await.map_err(told)?;
        Ok(Some(stored.document.0))
    }

    async fn terminated(
        &self,
        tx: &mut AnyConnection,
        id: Uuid,
        change: &Change,
    ) -> Result<Option<VnfInstance>, ObserverError> {
        resources::replace(tx, id, &[]).await?;
        let stored = INSTANCES
            .modify::<service::store::StoreError>(tx, id, change.at, |instance| {
                instance.0.instantiation_state = InstantiationState::NotInstantiated;
                instance.0.instantiated_vnf_info = None;
                instance.0.vim_connection_info.clear();
                Ok(())
            })
            .await
            .map_err(told)?;
        Ok(Some(stored.document.0))
    }

    async fn notify(
        &self,
        tx: &mut AnyConnection,
        op: &OperationView,
        change: &Change,
        instance: Option<&VnfInstance>,
    ) -> Result<(), ObserverError> {
        // One identifier for the event, whoever is told of it.
        let id = Uuid::new_v5(&op.id, format!("{}/{}", change.to, change.at).as_bytes());
        let notification = occurrence::notification(op, &change.steps, id, &self.base);
        let attributes = json!({
            "notificationType": notification.notification_type,
            "operation": notification.operation,
            "operationState": notification.operation_state,
            "instance": instance,
        });
        let payload = serde_json::to_value(&notification).map_err(|e| ObserverError::Other(e.to_string()))?;
        self.notifier.enqueue(tx, Notification { id, payload, attributes }, change.at).await.map_err(told)
    }
}

fn told(error: service::store::StoreError) -> ObserverError {
    match error {
        service::store::StoreError::Db(error) => error.into(),
        other => ObserverError::Other(other.to_string()),
    }
}
