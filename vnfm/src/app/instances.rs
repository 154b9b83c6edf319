//! VNF instances: create, show, delete (SOL003 clauses 5.4.2 and 5.4.3).

use reference_points::common::{Fault, ProblemDetails, Uuid};
use reference_points::or_vnfm::{
    CreateVnfRequest, InstantiationState, LccnLinks, LccnNotificationType, Link, Timestamp,
    VnfIdentifierCreationNotification, VnfInstance, VnfInstanceLinks,
};
use serde_json::{Value, json};
use service::http::{ApiError, ApiResult, IfMatch};
use service::notify::Notification;
use service::store::Stored;

use super::App;
use crate::ops::modify::MAX_NAME;
use crate::store::{INSTANCES, Instance};

impl App {
    /// Creates an instance of an onboarded VNFD.
    ///
    /// # Errors
    /// 400 or 422 with every fault; 503 when the NFVO cannot be asked.
    pub async fn create(&self, request: CreateVnfRequest) -> ApiResult<Stored<Instance>> {
        if request.vnf_instance_name.as_ref().is_some_and(|n| n.len() > MAX_NAME) {
            return Err(ApiError::fault(Fault::new("/vnfInstanceName", format!("it is longer than {MAX_NAME} bytes"))));
        }
        let known = self.packages.get(&request.vnfd_id).await?;
        let vnfd = &known.vnfd;
        let id = Uuid::new_v4();
        let properties = match vnfd.configurable_properties.defaults() {
            Value::Object(properties) => properties,
            _ => serde_json::Map::new(),
        };
        let instance = VnfInstance {
            id,
            vnf_instance_name: request.vnf_instance_name,
            vnf_instance_description: request.vnf_instance_description,
            vnfd_id: request.vnfd_id,
            vnf_provider: vnfd.provider.clone(),
            vnf_product_name: vnfd.product_name.clone(),
            vnf_software_version: vnfd.software_version.clone(),
            vnfd_version: vnfd.descriptor_version.clone(),
            vnf_configurable_properties: properties,
            vim_connection_info: std::collections::BTreeMap::new(),
            instantiation_state: InstantiationState::NotInstantiated,
            instantiated_vnf_info: None,
            metadata: request.metadata,
            extensions: serde_json::Map::new(),
            links: None,
        };
        let now = self.clock.now_micros();
        let stored = db::transaction!(self.db, |tx| {
            let stored = INSTANCES.insert(&mut *tx, id, Instance(instance.clone()), now).await?;
            self.tell_identifier(&mut *tx, &instance, LccnNotificationType::VnfIdentifierCreationNotification, now)
                .await?;
            Ok::<_, ApiError>(stored)
        })?;
        self.notifier.kick();
        Ok(stored)
    }

    /// Deletes the record of an instance that does not run.
    ///
    /// # Errors
    /// 404; 409 while it is instantiated or an operation runs; 412.
    pub async fn delete(&self, id: Uuid, if_match: IfMatch) -> ApiResult<()> {
        let now = self.clock.now_micros();
        db::transaction!(self.db, |tx| {
            let stored = INSTANCES.lock(&mut *tx, id).await?;
            if_match.check(&stored.etag())?;
            let instance = &stored.document.0;
            if instance.instantiation_state == InstantiationState::Instantiated {
                let problem = ProblemDetails::conflict(format!("VNF instance {id} is instantiated"));
                return Err(ApiError::new(problem.next(format!("POST {}/terminate first", self.instance_url(id)))));
            }
            self.refuse_while_running(id).await?;
            INSTANCES.delete(&mut *tx, id, None).await?;
            self.tell_identifier(&mut *tx, instance, LccnNotificationType::VnfIdentifierDeletionNotification, now)
                .await?;
            Ok::<_, ApiError>(())
        })?;
        self.notifier.kick();
        Ok(())
    }

    /// The instance with its links, as clients see it.
    pub fn shown(&self, stored: &Stored<Instance>) -> VnfInstance {
        let mut instance = stored.document.0.clone();
        instance.links = Some(self.links(&instance));
        instance
    }

    /// Adds the links to an instance of a list.
    pub fn add_links(&self, stored: &Stored<Instance>, shown: &mut Value) {
        if let Value::Object(members) = shown {
            members.insert("_links".to_owned(), json!(self.links(&stored.document.0)));
        }
    }

    fn links(&self, instance: &VnfInstance) -> VnfInstanceLinks {
        let own = self.instance_url(instance.id);
        let runs = instance.instantiation_state == InstantiationState::Instantiated;
        let link = |name: &str| Link::new(format!("{own}/{name}"));
        VnfInstanceLinks {
            indicators: runs.then(|| Link::new(format!("{}/vnfind/v1/indicators/{}", self.base, instance.id))),
            instantiate: (!runs).then(|| link("instantiate")),
            terminate: runs.then(|| link("terminate")),
            scale: runs.then(|| link("scale")),
            scale_to_level: runs.then(|| link("scale_to_level")),
            operate: runs.then(|| link("operate")),
            heal: runs.then(|| link("heal")),
            change_flavour: runs.then(|| link("change_flavour")),
            change_ext_conn: runs.then(|| link("change_ext_conn")),
            create_snapshot: runs.then(|| link("create_snapshot")),
            revert_to_snapshot: runs.then(|| link("revert_to_snapshot")),
            self_: Link::new(own.clone()),
        }
    }

    pub(super) fn instance_url(&self, id: Uuid) -> String {
        format!("{}/vnflcm/v2/vnf_instances/{id}", self.base)
    }

    /// Asked with the instance locked: a submission needs that lock too, so none can slip in between.
    async fn refuse_while_running(&self, id: Uuid) -> ApiResult<()> {
        match self.engine.list(Some(&id.to_string()), true, None, 1).await?.first() {
            None => Ok(()),
            Some(op) => {
                let problem =
                    ProblemDetails::conflict(format!("operation {} on VNF instance {id} is {}", op.id, op.state));
                Err(ApiError::new(problem.next(format!("mano op show {}", op.id))))
            }
        }
    }

    async fn tell_identifier(
        &self,
        tx: &mut db::AnyConnection,
        instance: &VnfInstance,
        kind: LccnNotificationType,
        now: i64,
    ) -> ApiResult<()> {
        let id = Uuid::new_v5(&instance.id, kind.as_str().as_bytes());
        // Creation and deletion notifications have the same members.
        let payload = json!(VnfIdentifierCreationNotification {
            id,
            notification_type: kind,
            subscription_id: Uuid::nil(),
            time_stamp: Timestamp::from_micros(now),
            vnf_instance_id: instance.id,
            links: LccnLinks {
                vnf_instance: Link::new(self.instance_url(instance.id)),
                subscription: Link::default(),
                vnf_lcm_op_occ: None,
            },
        });
        let attributes = json!({ "notificationType": kind, "instance": instance });
        Ok(self.notifier.enqueue(tx, Notification { id, payload, attributes }, now).await?)
    }
}
