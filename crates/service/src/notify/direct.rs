//! Notifications to the call-back address that a resource itself names, without a subscription (SOL003 clause 6: PM jobs
//! and thresholds). The address is kept and delivered to as that of a subscription is, under the resource's id.

use db::AnyConnection;
use reference_points::or_vnfm::SubscriptionAuthentication;
use serde_json::Value;
use uuid::Uuid;

use super::subscription::SUBSCRIPTIONS;
use super::{Asked, Notifier, Subscription, outbox};
use crate::http::ApiResult;
use crate::store::{StoreError, Stored};

/// An address that was tried, and how to authenticate there.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Where notifications go.
    pub callback_uri: String,
    /// How to authenticate there.
    pub authentication: Option<SubscriptionAuthentication>,
}

impl Notifier {
    /// Tries an address: it must answer a GET with 204 (SOL003 clause 6.4.9.3.2).
    ///
    /// # Errors
    /// 400 for an address that is none, 422 when it does not answer as it must.
    pub async fn try_target(&self, target: &Target) -> ApiResult<()> {
        let Target { callback_uri, authentication } = target.clone();
        self.tried(&Asked { callback_uri, authentication, ..Asked::default() }).await
    }

    /// Keeps the target of the resource `id`, in place of another one.
    ///
    /// # Errors
    /// What the database says.
    pub async fn put_target(
        &self,
        tx: &mut AnyConnection,
        id: Uuid,
        target: Target,
        now: i64,
    ) -> Result<(), StoreError> {
        let kept = Subscription {
            id,
            api: self.api.to_owned(),
            filter: None,
            callback_uri: target.callback_uri,
            shown: serde_json::Map::new(),
            authentication: target.authentication,
        };
        match SUBSCRIPTIONS.get_in(tx, id).await? {
            Some(old) => SUBSCRIPTIONS.update(tx, &old, kept, now).await.map(drop),
            None => {
                SUBSCRIPTIONS.insert(tx, id, kept, now).await?;
                // The row that leases hang on.
                outbox::admit(tx, id, &format!("{}/{id}", self.api)).await.map(drop)
            }
        }
    }

    /// The target of the resource `id`.
    ///
    /// # Errors
    /// What the database says.
    pub async fn target(&self, tx: &mut AnyConnection, id: Uuid) -> Result<Option<Target>, StoreError> {
        let kept: Option<Stored<Subscription>> = SUBSCRIPTIONS.get_in(tx, id).await?;
        Ok(kept.map(|kept| Target {
            callback_uri: kept.document.callback_uri,
            authentication: kept.document.authentication,
        }))
    }

    /// Forgets the target of the resource `id`, and what is still to be delivered there.
    ///
    /// # Errors
    /// What the database says.
    pub async fn drop_target(&self, tx: &mut AnyConnection, id: Uuid) -> Result<(), StoreError> {
        SUBSCRIPTIONS.delete(tx, id, None).await?;
        Ok(outbox::forget(tx, id).await?)
    }

    /// Leaves a notification for the target of the resource `id`, in the caller's transaction. Call [`Notifier::kick`]
    /// after the commit. `now` in microseconds since the Unix epoch.
    ///
    /// # Errors
    /// What the database says.
    pub async fn enqueue_to(
        &self,
        tx: &mut AnyConnection,
        id: Uuid,
        payload: &Value,
        now: i64,
    ) -> Result<(), StoreError> {
        self.leave(tx, id, payload, now).await
    }
}
