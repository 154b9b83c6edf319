//! Thresholds (SOL003 clauses 6.4.5 and 6.4.6), through both versions of the interface.

use reference_points::or_vnfm::{
    CreateThresholdRequest, CreateThresholdRequestV1, Link, PmCallbackModifications, ThresholdCriteria, ThresholdLinks,
};
use serde_json::{Value, json};
use service::http::{ApiError, ApiResult, IfMatch};
use service::notify::Target;
use service::store::{StoreError, Stored};
use uuid::Uuid;

use super::Pm;
use super::check::Check;
use crate::store::alarms;
use crate::store::pm::{self, KeptThreshold, THRESHOLDS};

/// A request for a threshold, whichever version it came through.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdRequest {
    major: u8,
    object_type: Option<String>,
    object: String,
    subs: Vec<String>,
    criteria: ThresholdCriteria,
    target: Option<Target>,
}

impl From<CreateThresholdRequest> for ThresholdRequest {
    fn from(request: CreateThresholdRequest) -> Self {
        Self {
            major: 2,
            object_type: Some(request.object_type),
            object: request.object_instance_id,
            subs: request.sub_object_instance_ids,
            criteria: request.criteria,
            target: Some(Target { callback_uri: request.callback_uri, authentication: request.authentication }),
        }
    }
}

impl From<CreateThresholdRequestV1> for ThresholdRequest {
    fn from(request: CreateThresholdRequestV1) -> Self {
        let (object, criteria) = (request.object_instance_id, request.criteria);
        Self { major: 1, object_type: None, object, subs: Vec::new(), criteria, target: None }
    }
}

/// How the keys of a threshold's alarms begin.
pub(super) fn alarm_keys(threshold: Uuid) -> String {
    format!("threshold/{threshold}/")
}

impl Pm {
    /// Creates a threshold; it is measured from now on.
    ///
    /// # Errors
    /// 422 with every fault, or when the call-back address does not answer as it must; 503 when there are too many.
    pub async fn create_threshold(&self, request: ThresholdRequest) -> ApiResult<Stored<KeptThreshold>> {
        let mut check = Check::default();
        let object = request.object_type.as_deref().and_then(|text| check.object_type(text));
        let instances = check.instances(self, "/objectInstanceId", std::slice::from_ref(&request.object)).await?;
        check.parts(self, object, &instances, &request.subs).await?;
        let name = &request.criteria.performance_metric;
        let place = "/criteria/performanceMetric";
        let mut chosen = None;
        if object.is_some() || request.object_type.is_none() {
            chosen = check.metric(self, object, &instances, place, name).await?;
        }
        check.threshold(&request.criteria);
        let (Some(chosen), Some(instance), true) = (chosen, instances.first(), check.faults.is_empty()) else {
            return Err(ApiError::unprocessable("the threshold cannot be measured", check.faults));
        };
        if let Some(target) = &request.target {
            self.direct.try_target(target).await?;
        }
        let (id, now) = (Uuid::new_v4(), self.clock.now_micros());
        let threshold = KeptThreshold {
            id,
            major: request.major,
            object_type: object,
            object_instance_id: *instance,
            sub_object_instance_ids: request.subs,
            criteria: request.criteria,
            callback_uri: request.target.as_ref().map(|t| t.callback_uri.clone()),
            chosen,
        };
        let stored = db::transaction!(self.db, |tx| {
            self.not_too_many(&mut *tx, false).await?;
            let stored = THRESHOLDS.insert(&mut *tx, id, threshold.clone(), now).await?;
            if let Some(target) = request.target.clone() {
                self.direct.put_target(&mut *tx, id, target, now).await?;
            }
            pm::schedule(&mut *tx, id, false, &instances, now).await?;
            Ok::<_, ApiError>(stored)
        })?;
        self.news.notify_one();
        Ok(stored)
    }

    /// A threshold made through this version of the interface.
    ///
    /// # Errors
    /// 404.
    pub async fn threshold(&self, major: u8, id: Uuid) -> ApiResult<Stored<KeptThreshold>> {
        let stored = THRESHOLDS.require(&self.db, id).await?;
        if stored.document.major == major { Ok(stored) } else { Err(ApiError::not_found(format!("threshold {id}"))) }
    }

    /// Changes where a threshold notifies.
    ///
    /// # Errors
    /// 404; 412 when it changed since it was read; 422 when the address does not answer as it must.
    pub async fn modify_threshold(
        &self,
        id: Uuid,
        if_match: IfMatch,
        changes: PmCallbackModifications,
    ) -> ApiResult<(PmCallbackModifications, String)> {
        if_match.check(&self.threshold(2, id).await?.etag())?;
        let target = self.changed_target(id, &changes).await?;
        let now = self.clock.now_micros();
        let stored = db::transaction!(self.db, |tx| {
            let stored = THRESHOLDS.lock(&mut *tx, id).await?;
            if_match.check(&stored.etag())?;
            self.direct.put_target(&mut *tx, id, target.clone(), now).await?;
            let changed = KeptThreshold { callback_uri: Some(target.callback_uri.clone()), ..stored.document.clone() };
            Ok::<_, ApiError>(THRESHOLDS.update(&mut *tx, &stored, changed, now).await?)
        })?;
        Ok((PmCallbackModifications { authentication: None, ..changes }, stored.etag()))
    }

    /// Deletes a threshold; alarms about it are over.
    ///
    /// # Errors
    /// 404.
    pub async fn delete_threshold(&self, major: u8, id: Uuid) -> ApiResult<()> {
        self.threshold(major, id).await?;
        let now = self.clock.now_micros();
        db::transaction!(self.db, |tx| {
            THRESHOLDS.delete(&mut *tx, id, None).await?;
            pm::forget(&mut *tx, id).await?;
            self.direct.drop_target(&mut *tx, id).await?;
            for key in alarms::open_keys(&mut *tx, &alarm_keys(id)).await? {
                self.alarms.clear(&mut *tx, &key, now).await?;
            }
            Ok::<_, StoreError>(())
        })?;
        self.alarms.notifier.kick();
        Ok(())
    }

    /// Makes a stored threshold what clients see.
    pub fn show_threshold(&self, stored: &Stored<KeptThreshold>, shown: &mut Value) {
        let threshold = &stored.document;
        let links = ThresholdLinks {
            self_: Link::new(self.url(threshold.major, "thresholds", threshold.id)),
            object: Some(Link::new(self.instance_url(threshold.major, threshold.object_instance_id))),
        };
        if let Value::Object(members) = shown {
            members.shift_remove("major");
            members.insert("_links".to_owned(), json!(links));
        }
    }

    /// A threshold as clients see it.
    pub fn shown_threshold(&self, stored: &Stored<KeptThreshold>) -> Value {
        let mut shown = service::store::Document::resource(&stored.document).unwrap_or_default();
        self.show_threshold(stored, &mut shown);
        shown
    }
}
