//! Which notifications a subscription of version 1 wants (SOL003 v2.6.1 clause 6.5.3.2).

use reference_points::or_vnfm::{PmNotificationsFilter, PmSubscriptionRequest, VnfInstance};
use serde::Deserialize;
use serde_json::Value;
use service::http::ApiResult;
use service::notify::Asked;

use crate::app::subscriptions::concerns;

/// A subscription request as the notifier takes it.
///
/// # Errors
/// When the filter cannot be written as JSON, which is a defect.
pub fn asked(request: PmSubscriptionRequest) -> ApiResult<Asked> {
    Asked::new(request.filter, request.callback_uri, request.authentication)
}

/// Whether a filter lets a notification through.
pub fn wants(filter: &Value, attributes: &Value) -> bool {
    let Ok(filter) = PmNotificationsFilter::deserialize(filter) else { return false };
    let kind = attributes.get("notificationType").and_then(Value::as_str);
    let types = &filter.notification_types;
    let instance = attributes.get("instance").and_then(|i| VnfInstance::deserialize(i).ok());
    (types.is_empty() || types.iter().any(|t| kind == Some(t.as_str())))
        && filter.vnf_instance_subscription_filter.is_none_or(|f| instance.is_some_and(|i| concerns(&f, &i)))
}
