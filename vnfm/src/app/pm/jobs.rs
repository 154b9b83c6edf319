//! Jobs (SOL003 clauses 6.4.2 to 6.4.4), through both versions of the interface.

use reference_points::or_vnfm::{
    CreatePmJobRequest, CreatePmJobRequestV1, Link, PerformanceReport, PmCallbackModifications, PmJobCriteria,
    PmJobLinks, PmJobReport,
};
use serde_json::{Value, json};
use service::http::{ApiError, ApiResult, IfMatch};
use service::notify::Target;
use service::store::{StoreError, Stored};
use uuid::Uuid;

use super::Pm;
use super::check::Check;
use crate::store::pm::{self, JOBS, Job};

/// A request for a job, whichever version it came through.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRequest {
    major: u8,
    object_type: Option<String>,
    objects: Vec<String>,
    subs: Vec<String>,
    criteria: PmJobCriteria,
    target: Option<Target>,
}

impl From<CreatePmJobRequest> for JobRequest {
    fn from(request: CreatePmJobRequest) -> Self {
        Self {
            major: 2,
            object_type: Some(request.object_type),
            objects: request.object_instance_ids,
            subs: request.sub_object_instance_ids,
            criteria: request.criteria,
            target: Some(Target { callback_uri: request.callback_uri, authentication: request.authentication }),
        }
    }
}

impl From<CreatePmJobRequestV1> for JobRequest {
    fn from(request: CreatePmJobRequestV1) -> Self {
        let (objects, criteria) = (request.object_instance_ids, request.criteria);
        Self { major: 1, object_type: None, objects, subs: Vec::new(), criteria, target: None }
    }
}

impl Pm {
    /// Creates a job; it is measured from now on.
    ///
    /// # Errors
    /// 422 with every fault, or when the call-back address does not answer as it must; 503 when there are too many.
    pub async fn create_job(&self, request: JobRequest) -> ApiResult<Stored<Job>> {
        let mut check = Check::default();
        let object = request.object_type.as_deref().and_then(|text| check.object_type(text));
        let instances = check.instances(self, "/objectInstanceIds", &request.objects).await?;
        check.parts(self, object, &instances, &request.subs).await?;
        let mut chosen = Vec::new();
        if object.is_some() || request.object_type.is_none() {
            chosen = check.metrics(self, object, &instances, &request.criteria).await?;
        }
        check.periods(&request.criteria, self.clock.now_micros());
        if !check.faults.is_empty() {
            return Err(ApiError::unprocessable("the PM job cannot be measured", check.faults));
        }
        if let Some(target) = &request.target {
            self.direct.try_target(target).await?;
        }
        let (id, now) = (Uuid::new_v4(), self.clock.now_micros());
        let job = Job {
            id,
            major: request.major,
            object_type: object,
            object_instance_ids: instances.clone(),
            sub_object_instance_ids: request.subs,
            criteria: request.criteria,
            callback_uri: request.target.as_ref().map(|t| t.callback_uri.clone()),
            chosen,
            reports: Vec::new(),
        };
        let stored = db::transaction!(self.db, |tx| {
            self.not_too_many(&mut *tx, true).await?;
            let stored = JOBS.insert(&mut *tx, id, job.clone(), now).await?;
            if let Some(target) = request.target.clone() {
                self.direct.put_target(&mut *tx, id, target, now).await?;
            }
            pm::schedule(&mut *tx, id, true, &instances, now).await?;
            Ok::<_, ApiError>(stored)
        })?;
        self.news.notify_one();
        Ok(stored)
    }

    /// A job made through this version of the interface.
    ///
    /// # Errors
    /// 404.
    pub async fn job(&self, major: u8, id: Uuid) -> ApiResult<Stored<Job>> {
        let stored = JOBS.require(&self.db, id).await?;
        if stored.document.major == major { Ok(stored) } else { Err(ApiError::not_found(format!("PM job {id}"))) }
    }

    /// Changes where a job notifies.
    ///
    /// # Errors
    /// 404; 412 when it changed since it was read; 422 when the address does not answer as it must.
    pub async fn modify_job(
        &self,
        id: Uuid,
        if_match: IfMatch,
        changes: PmCallbackModifications,
    ) -> ApiResult<(PmCallbackModifications, String)> {
        if_match.check(&self.job(2, id).await?.etag())?;
        let target = self.changed_target(id, &changes).await?;
        let now = self.clock.now_micros();
        let stored = db::transaction!(self.db, |tx| {
            let stored = JOBS.lock(&mut *tx, id).await?;
            if_match.check(&stored.etag())?;
            self.direct.put_target(&mut *tx, id, target.clone(), now).await?;
            let job = Job { callback_uri: Some(target.callback_uri.clone()), ..stored.document.clone() };
            Ok::<_, ApiError>(JOBS.update(&mut *tx, &stored, job, now).await?)
        })?;
        Ok((PmCallbackModifications { authentication: None, ..changes }, stored.etag()))
    }

    /// Deletes a job with its reports.
    ///
    /// # Errors
    /// 404.
    pub async fn delete_job(&self, major: u8, id: Uuid) -> ApiResult<()> {
        self.job(major, id).await?;
        db::transaction!(self.db, |tx| {
            JOBS.delete(&mut *tx, id, None).await?;
            pm::forget(&mut *tx, id).await?;
            self.direct.drop_target(&mut *tx, id).await?;
            Ok::<_, StoreError>(())
        })?;
        Ok(())
    }

    /// A report of a job.
    ///
    /// # Errors
    /// 404.
    pub async fn report(&self, major: u8, job: Uuid, report: Uuid) -> ApiResult<PerformanceReport> {
        self.job(major, job).await?;
        let found = pm::report(&self.db, job, report).await?;
        found.ok_or_else(|| ApiError::not_found(format!("report {report} of PM job {job}")))
    }

    /// Makes a stored job what clients see: its reports with their addresses, its links, nothing of its origin.
    pub fn show_job(&self, stored: &Stored<Job>, shown: &mut Value) {
        let job = &stored.document;
        let own = self.url(job.major, "pm_jobs", job.id);
        let reports: Vec<PmJobReport> = job
            .reports
            .iter()
            .map(|report| PmJobReport {
                href: format!("{own}/reports/{}", report.id),
                ready_time: report.ready_time,
                expiry_time: None,
                file_size: Some(report.file_size),
            })
            .collect();
        let objects = job.object_instance_ids.iter().map(|id| Link::new(self.instance_url(job.major, *id))).collect();
        if let Value::Object(members) = shown {
            members.shift_remove("major");
            if !reports.is_empty() {
                members.insert("reports".to_owned(), json!(reports));
            }
            members.insert("_links".to_owned(), json!(PmJobLinks { self_: Link::new(own), objects }));
        }
    }

    /// A job as clients see it.
    pub fn shown_job(&self, stored: &Stored<Job>) -> Value {
        let mut shown = service::store::Document::resource(&stored.document).unwrap_or_default();
        self.show_job(stored, &mut shown);
        shown
    }
}
