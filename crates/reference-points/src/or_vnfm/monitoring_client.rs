//! Clients of a VNFM's fault and performance management.

use uuid::Uuid;

use super::fault::{
    Alarm, AlarmModifications, FmSubscription, FmSubscriptionRequest, PerceivedSeverity, PerceivedSeverityRequest,
};
use super::performance::{
    CreatePmJobRequest, CreateThresholdRequest, PerformanceReport, PmCallbackModifications, PmJob, Threshold,
};
use crate::common::{CallError, Client, Reply};

/// Version of `vnffm/v1` that is spoken (SOL003 v3.3.1 clause 7.1).
pub const FM_VERSION: &str = "1.3.0";
/// Version of `vnfpm/v2` that is spoken (SOL003 v3.3.1 clause 6.1).
pub const PM_VERSION: &str = "2.1.0";

const ALARMS: &str = "/vnffm/v1/alarms";
const FM_SUBSCRIPTIONS: &str = "/vnffm/v1/subscriptions";
const PM_JOBS: &str = "/vnfpm/v2/pm_jobs";
const THRESHOLDS: &str = "/vnfpm/v2/thresholds";

/// Client of a VNFM's `vnffm/v1`.
#[derive(Debug, Clone)]
pub struct FmClient(Client);

impl FmClient {
    /// A client of the VNFM at `base`.
    pub fn new(base: &str) -> Self {
        Self(Client::new("vnfm", base).version(FM_VERSION))
    }

    /// Alarms; `query` with its question mark, or empty.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn alarms(&self, query: &str) -> Result<Reply<Vec<Alarm>>, CallError> {
        self.0.get(&format!("{ALARMS}{query}")).await
    }

    /// An alarm; `None` when there is none.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn alarm(&self, id: Uuid) -> Result<Option<Alarm>, CallError> {
        crate::nf_vi::absent(self.0.get(&format!("{ALARMS}/{id}")).await.map(|r| r.body))
    }

    /// Acknowledges an alarm, or takes that back.
    ///
    /// # Errors
    /// Any [`CallError`]; 409 when it is so already.
    pub async fn acknowledge(&self, id: Uuid, changes: &AlarmModifications) -> Result<AlarmModifications, CallError> {
        Ok(self.0.patch(&format!("{ALARMS}/{id}"), changes, None).await?.body)
    }

    /// Proposes a higher severity (SOL002).
    ///
    /// # Errors
    /// Any [`CallError`]; 409 when the alarm is cleared.
    pub async fn escalate(&self, id: Uuid, severity: PerceivedSeverity) -> Result<(), CallError> {
        let request = PerceivedSeverityRequest { proposed_perceived_severity: severity };
        self.0.post::<_, serde_json::Value>(&format!("{ALARMS}/{id}/escalate"), &request).await.map(drop)
    }

    /// Subscribes. An equal subscription that exists already (303) counts as made.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn subscribe(&self, request: &FmSubscriptionRequest) -> Result<Option<FmSubscription>, CallError> {
        match self.0.post(FM_SUBSCRIPTIONS, request).await {
            Err(error) if error.status() == Some(303) => Ok(None),
            other => Ok(Some(other?.body)),
        }
    }

    /// Subscriptions; `query` with its question mark, or empty.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn subscriptions(&self, query: &str) -> Result<Reply<Vec<FmSubscription>>, CallError> {
        self.0.get(&format!("{FM_SUBSCRIPTIONS}{query}")).await
    }

    /// Ends a subscription; gone already is done.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn unsubscribe(&self, id: Uuid) -> Result<(), CallError> {
        self.0.delete_if_there(&format!("{FM_SUBSCRIPTIONS}/{id}")).await
    }
}

/// Client of a VNFM's `vnfpm/v2`.
#[derive(Debug, Clone)]
pub struct PmClient(Client);

impl PmClient {
    /// A client of the VNFM at `base`.
    pub fn new(base: &str) -> Self {
        Self(Client::new("vnfm", base).version(PM_VERSION))
    }

    /// Creates a job.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn create_job(&self, request: &CreatePmJobRequest) -> Result<PmJob, CallError> {
        Ok(self.0.post(PM_JOBS, request).await?.body)
    }

    /// Jobs; `query` with its question mark, or empty.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn jobs(&self, query: &str) -> Result<Reply<Vec<PmJob>>, CallError> {
        self.0.get(&format!("{PM_JOBS}{query}")).await
    }

    /// A job; `None` when there is none.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn job(&self, id: Uuid) -> Result<Option<PmJob>, CallError> {
        crate::nf_vi::absent(self.0.get(&format!("{PM_JOBS}/{id}")).await.map(|r| r.body))
    }

    /// Changes where a job notifies.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn modify_job(
        &self,
        id: Uuid,
        changes: &PmCallbackModifications,
    ) -> Result<PmCallbackModifications, CallError> {
        Ok(self.0.patch(&format!("{PM_JOBS}/{id}"), changes, None).await?.body)
    }

    /// Deletes a job with its reports; gone already is done.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn delete_job(&self, id: Uuid) -> Result<(), CallError> {
        self.0.delete_if_there(&format!("{PM_JOBS}/{id}")).await
    }

    /// A report, by its address or path.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn report(&self, href: &str) -> Result<PerformanceReport, CallError> {
        Ok(self.0.get(href).await?.body)
    }

    /// A report of a job.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn report_of(&self, job: Uuid, report: Uuid) -> Result<PerformanceReport, CallError> {
        self.report(&format!("{PM_JOBS}/{job}/reports/{report}")).await
    }

    /// Creates a threshold.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn create_threshold(&self, request: &CreateThresholdRequest) -> Result<Threshold, CallError> {
        Ok(self.0.post(THRESHOLDS, request).await?.body)
    }

    /// Thresholds; `query` with its question mark, or empty.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn thresholds(&self, query: &str) -> Result<Reply<Vec<Threshold>>, CallError> {
        self.0.get(&format!("{THRESHOLDS}{query}")).await
    }

    /// A threshold; `None` when there is none.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn threshold(&self, id: Uuid) -> Result<Option<Threshold>, CallError> {
        crate::nf_vi::absent(self.0.get(&format!("{THRESHOLDS}/{id}")).await.map(|r| r.body))
    }

    /// Changes where a threshold notifies.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn modify_threshold(
        &self,
        id: Uuid,
        changes: &PmCallbackModifications,
    ) -> Result<PmCallbackModifications, CallError> {
        Ok(self.0.patch(&format!("{THRESHOLDS}/{id}"), changes, None).await?.body)
    }

    /// Deletes a threshold; gone already is done.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn delete_threshold(&self, id: Uuid) -> Result<(), CallError> {
        self.0.delete_if_there(&format!("{THRESHOLDS}/{id}")).await
    }
}
