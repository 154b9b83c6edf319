//! What the NFVO tells of quotas (SOL003 clause 11.4.4.3.1).

use reference_points::common::{Fault, ProblemDetails};
use reference_points::or_vnfm::VrQuotaAvailNotification;
use serde::Deserialize;
use serde_json::Value;
use service::http::{ApiError, ApiResult};

use super::Quotas;
use crate::store::quotas::{self, Told};

impl Quotas {
    /// Takes a notification. One that was taken before changes nothing.
    ///
    /// # Errors
    /// 422 when it is none, or of a subscription that the VNFM does not have.
    pub async fn hear(&self, body: &Value) -> ApiResult<()> {
        let told = VrQuotaAvailNotification::deserialize(body)
            .map_err(|error| unusable(Fault::new("body", error.to_string())))?;
        let words = match told.vim() {
            Some(vim) => format!("VIM {vim}"),
            None => format!("resource group {}", told.resource_group_id),
        };
        let note = Told { words, made_at: told.time_stamp.micros().max(1) };
        let now = self.clock.now_micros();
        let waited = db::transaction!(self.db, |tx| {
            let kept = quotas::subscription(&mut *tx).await?;
            // A subscription whose making was not answered yet is known a moment later: the NFVO tells again.
            if kept.is_none_or(|kept| kept.id != told.subscription_id) {
                let text = format!("this VNFM has no subscription {:?}", told.subscription_id);
                return Err(unusable(Fault::new("/subscriptionId", text).mend("end that subscription")));
            }
            let waited = quotas::told(&mut *tx, &told.id, told.vim(), &note, now).await?.unwrap_or_default();
            for operation in &waited {
                self.show(&mut *tx, *operation, &note, now).await?;
            }
            Ok::<_, ApiError>(waited)
        })?;
        if !waited.is_empty() {
            tracing::info!(operations = waited.len(), "{} allows more, which failed operations waited for", note.words);
            self.changed.ring();
            self.news.notify_one();
        }
        Ok(())
    }
}

fn unusable(fault: Fault) -> ApiError {
    ProblemDetails::unprocessable("the notification cannot be made use of", vec![fault]).into()
}
