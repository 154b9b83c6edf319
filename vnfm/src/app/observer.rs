//! What the VNFM writes with each transition of an operation, in the same transaction: the occurrence, the instance's
//! record, its resources, and the notification.

use async_trait::async_trait;
use db::AnyConnection;
use lcm::{Change, Observer, ObserverError, OperationState, OperationView};
use serde::Deserialize;
use serde_json::{Value, json};
use service::notify::{Notification, Notifier};
use uuid::Uuid;

use super::captured;
use crate::ops::instantiate::GRANT;
use crate::ops::inventory::{Owned, after, output};
use crate::ops::occurrence::{self, MODIFY_INFO, TERMINATE};
use crate::ops::params::OperationParams;
use crate::ops::record::instantiated;
use crate::ops::ve::coordinated;
use crate::store::{INSTANCES, OCCURRENCES, Occurrence, resources, ve};
use reference_points::or_vnfm::{Grant, InstantiationState, ModificationsTriggeredByVnfPkgChange, VnfInstance};

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
        let kept = ve::coordinations(tx, op.id).await?.into_iter().map(|(_, kept)| kept).collect();
        let written = coordinated(occurrence::of(op, &change.steps, &self.base), kept);
        match OCCURRENCES.get_in(tx, op.id).await.map_err(told)? {
            Some(old) => OCCURRENCES.update(tx, &old, Occurrence(written), change.at).await.map_err(told)?,
            None => OCCURRENCES.insert(tx, op.id, Occurrence(written), change.at).await.map_err(told)?,
        };
        let rests =
            matches!(change.to, OperationState::Completed | OperationState::Failed | OperationState::RolledBack);
        let record = if rests {
            self.settled(tx, instance, op, change).await?
        } else {
            INSTANCES.get_in(tx, instance).await.map_err(told)?.map(|stored| stored.document.0)
        };
        self.notify(tx, op, change, record.as_ref()).await
    }
}

impl Recorder {
    /// The instance has what the steps made and left. An operation that was given up counts for what it did, so that the
    /// next one begins with what is really there: an instance with anything in a VIM is instantiated, and can be terminated.
    async fn settled(
        &self,
        tx: &mut AnyConnection,
        id: Uuid,
        op: &OperationView,
        change: &Change,
    ) -> Result<Option<VnfInstance>, ObserverError> {
        let params =
            OperationParams::deserialize(op.params.as_ref()).map_err(|e| ObserverError::Other(e.to_string()))?;
        if let Some(used) = &params.snapshot {
            captured::settled(tx, op, change, used).await?;
        }
        let stored = INSTANCES.lock(tx, id).await.map_err(told)?;
        let had = resources::of_in(tx, id).await?;
        let mut has = after(had.clone(), &change.steps);
        let completed = change.to == OperationState::Completed;
        let before = resources::facts_in(tx, id).await?;
        // What was begun by giving up an instantiation is still made by its request.
        let before_is_none = before.is_none();
        let facts = if completed || before_is_none { params.facts.or(before) } else { before };
        let mut instance = stored.document.clone();
        let record = &mut instance.0;
        if let Some(modified) = params.modified.filter(|_| completed) {
            moved(&mut has, &modified.0);
            // The request of the instantiation names its flavour and its links still: they are of the new VNFD too.
            *record = VnfInstance { instantiated_vnf_info: record.instantiated_vnf_info.take(), ..modified.0 };
        }
        let there = !has.is_empty() || (completed && ![TERMINATE, MODIFY_INFO].contains(&op.kind.as_str()));
        if there {
            record.instantiation_state = InstantiationState::Instantiated;
            record.instantiated_vnf_info = facts.as_ref().map(|facts| instantiated(facts, &has));
            let grant: Option<Grant> = change.steps.iter().find(|s| s.key == GRANT).and_then(output);
            record.vim_connection_info.extend(grant.into_iter().flat_map(|g| g.vim_connection_info));
            record.vim_connection_info.extend(params.connections);
        } else if op.kind != MODIFY_INFO {
            record.instantiation_state = InstantiationState::NotInstantiated;
            record.instantiated_vnf_info = None;
            record.vim_connection_info.clear();
        }
        if let Some(Value::Object(properties)) = params.properties.filter(|_| there && (completed || before_is_none)) {
            record.vnf_configurable_properties = properties;
        }
        if let Some(extensions) = params.extensions.filter(|_| completed) {
            record.extensions = extensions;
        }
        if let Some(package) = params.package.filter(|_| completed) {
            repackaged(record, *package);
        }
        if has != had {
            resources::replace(tx, id, &has).await?;
        }
        resources::put_facts(tx, id, facts.as_ref().filter(|_| there)).await?;
        let stored = INSTANCES.update(tx, &stored, instance, change.at).await.map_err(told)?;
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

/// A VIM that is reached elsewhere now: what is in it is reached there too.
fn moved(has: &mut [Owned], record: &VnfInstance) {
    for owned in has {
        let connection = record.vim_connection_info.get(&owned.at.vim.to_string());
        if let Some(Value::String(endpoint)) = connection.and_then(|c| c.interface_info.get("endpoint")) {
            owned.at.endpoint.clone_from(endpoint);
        }
    }
}

/// The instance is one of another VNF package now.
fn repackaged(record: &mut VnfInstance, package: ModificationsTriggeredByVnfPkgChange) {
    let changed = |old: &mut String, new: Option<String>| {
        if let Some(new) = new {
            *old = new;
        }
    };
    changed(&mut record.vnfd_id, package.vnfd_id);
    changed(&mut record.vnfd_version, package.vnfd_version);
    changed(&mut record.vnf_provider, package.vnf_provider);
    changed(&mut record.vnf_product_name, package.vnf_product_name);
    changed(&mut record.vnf_software_version, package.vnf_software_version);
}

pub(super) fn told(error: service::store::StoreError) -> ObserverError {
    match error {
        service::store::StoreError::Db(error) => error.into(),
        other => ObserverError::Other(other.to_string()),
    }
}
