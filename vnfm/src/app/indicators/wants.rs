//! Which notifications of indicators a subscription wants (SOL003 clause 8.5.3.2).

use reference_points::or_vnfm::{VnfIndicatorNotificationsFilter, VnfIndicatorSubscriptionRequest, VnfInstance};
use serde::Deserialize;
use serde_json::Value;
use service::http::ApiResult;
use service::notify::Asked;

use crate::app::subscriptions::concerns;

/// A subscription request as the notifier takes it.
///
/// # Errors
/// When the filter cannot be written as JSON, which is a defect.
pub fn asked(request: VnfIndicatorSubscriptionRequest) -> ApiResult<Asked> {
    Asked::new(request.filter, request.callback_uri, request.authentication)
}

/// Whether a filter lets a notification through. A change of which indicators there are concerns all of them.
pub fn wants(filter: &Value, attributes: &Value) -> bool {
    let Ok(filter) = VnfIndicatorNotificationsFilter::deserialize(filter) else { return false };
    let kind = attributes.get("notificationType").and_then(Value::as_str);
    let types = &filter.notification_types;
    if !types.is_empty() && !types.iter().any(|t| kind == Some(t.as_str())) {
        return false;
    }
    let about = attributes.get("indicatorIds").and_then(Value::as_array).into_iter().flatten();
    let about: Vec<&str> = about.filter_map(Value::as_str).collect();
    let instance = attributes.get("instance").and_then(|i| VnfInstance::deserialize(i).ok());
    (filter.indicator_ids.is_empty() || filter.indicator_ids.iter().any(|id| about.contains(&id.as_str())))
        && filter.vnf_instance_subscription_filter.is_none_or(|f| instance.is_some_and(|i| concerns(&f, &i)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_notification_must_fit_every_attribute_of_the_filter() {
        let told = json!({ "notificationType": "VnfIndicatorValueChangeNotification", "indicatorIds": ["load"] });
        let fits = |filter: Value| wants(&filter, &told);
        assert!(fits(json!({})));
        assert!(fits(json!({ "indicatorIds": ["calls", "load"] })));
        assert!(!fits(json!({ "indicatorIds": ["calls"] })));
        assert!(!fits(json!({ "notificationTypes": ["SupportedIndicatorsChangeNotification"] })));
        assert!(!fits(json!({ "vnfInstanceSubscriptionFilter": { "vnfdIds": ["x"] } })), "it is about no instance");
    }
}
