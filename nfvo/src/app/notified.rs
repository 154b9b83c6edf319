//! What the VNFM's notifications set going, and seeing to it that they come (SOL003 clauses 5.3.10 and 5.4.20).

use std::convert::Infallible;
use std::time::Duration;

use reference_points::or_vnfm::{
    LccnNotification, LccnNotificationType, LccnSubscriptionRequest, LcmOpOccNotificationVerbosityType,
    LcmOperationNotificationStatus, LifecycleChangeNotificationsFilter,
};
use service::http::ApiResult;
use tokio_util::sync::CancellationToken;

use super::App;
use crate::steps::wake_key;

/// How long to wait after the VNFM could not be reached.
const AGAIN: Duration = Duration::from_secs(2);
/// How often the subscription is asked for anew, in case the VNFM lost it. An equal one is not made twice.
const RENEW: Duration = Duration::from_secs(300);

/// Wakes the steps that wait for the operation, and the live views.
///
/// # Errors
/// The database; the VNFM then sends the notification again.
pub async fn vnflcm(app: &App, notification: LccnNotification) -> ApiResult<()> {
    if let LccnNotification::Operation(told) = notification {
        if told.notification_status == LcmOperationNotificationStatus::Result {
            app.engine.wake(&wake_key(told.vnf_lcm_op_occ_id)).await?;
        }
        app.progress.ring();
    }
    Ok(())
}

/// Keeps the NFVO subscribed to the VNFM's operation notifications, until the service ends.
///
/// # Errors
/// None.
pub async fn stay_subscribed(app: App, callback: String, shutdown: CancellationToken) -> Result<(), Infallible> {
    let request = LccnSubscriptionRequest {
        filter: Some(LifecycleChangeNotificationsFilter {
            notification_types: vec![LccnNotificationType::VnfLcmOperationOccurrenceNotification],
            ..LifecycleChangeNotificationsFilter::default()
        }),
        callback_uri: callback,
        authentication: None,
        verbosity: Some(LcmOpOccNotificationVerbosityType::Short),
    };
    let mut told = false;
    loop {
        let pause = match app.vnfm.subscribe(&request).await {
            Ok(_) => {
                told = false;
                RENEW
            }
            Err(error) => {
                if !told {
                    tracing::warn!(%error, "the VNFM's notifications cannot be subscribed to; its operations are polled until they can");
                }
                told = true;
                AGAIN
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            () = tokio::time::sleep(pause) => {}
        }
    }
}
