//! Which notifications of alarms a subscription wants (SOL003 clause 7.5.3.3).

use reference_points::or_vnfm::{Alarm, FmNotificationsFilter, FmSubscriptionRequest, VnfInstance};
use serde::Deserialize;
use serde_json::Value;
use service::http::ApiResult;
use service::notify::Asked;

use crate::app::subscriptions::concerns;

/// A subscription request as the notifier takes it.
///
/// # Errors
/// When the filter cannot be written as JSON, which is a defect.
pub fn asked(request: FmSubscriptionRequest) -> ApiResult<Asked> {
    Asked::new(request.filter, request.callback_uri, request.authentication)
}

/// Whether a filter lets a notification through. What asks for properties of an alarm says nothing of the list as a whole.
pub fn wants(filter: &Value, attributes: &Value) -> bool {
    let Ok(filter) = FmNotificationsFilter::deserialize(filter) else { return false };
    let kind = attributes.get("notificationType").and_then(Value::as_str);
    let types = &filter.notification_types;
    if !types.is_empty() && !types.iter().any(|t| kind == Some(t.as_str())) {
        return false;
    }
    let Some(alarm) = attributes.get("alarm").and_then(|a| Alarm::deserialize(a).ok()) else { return true };
    let resource = alarm.root_cause_faulty_resource.as_ref().map(|r| r.faulty_resource_type);
    let instance = attributes.get("instance").and_then(|i| VnfInstance::deserialize(i).ok());
    (filter.faulty_resource_types.is_empty() || resource.is_some_and(|r| filter.faulty_resource_types.contains(&r)))
        && one_of(&filter.perceived_severities, &alarm.perceived_severity)
        && one_of(&filter.event_types, &alarm.event_type)
        && one_of(&filter.probable_causes, &alarm.probable_cause)
        && filter.vnf_instance_subscription_filter.is_none_or(|f| instance.is_some_and(|i| concerns(&f, &i)))
}

fn one_of<T: PartialEq>(listed: &[T], value: &T) -> bool {
    listed.is_empty() || listed.contains(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_alarm_must_fit_every_attribute_of_the_filter() {
        let id = uuid::Uuid::nil();
        let told = json!({ "notificationType": "AlarmNotification", "alarm": {
            "id": id, "managedObjectId": id, "alarmRaisedTime": "2026-01-02T03:04:05Z", "ackState": "UNACKNOWLEDGED",
            "perceivedSeverity": "MAJOR", "eventTime": "2026-01-02T03:04:05Z", "eventType": "EQUIPMENT_ALARM",
            "probableCause": "the compute failed", "isRootCause": true,
            "rootCauseFaultyResource": { "faultyResource": { "resourceId": "c" }, "faultyResourceType": "COMPUTE" } } });
        let fits = |filter: Value| wants(&filter, &told);
        assert!(fits(json!({})));
        assert!(fits(json!({ "perceivedSeverities": ["MINOR", "MAJOR"], "faultyResourceTypes": ["COMPUTE"] })));
        assert!(!fits(json!({ "perceivedSeverities": ["MAJOR"], "eventTypes": ["QOS_ALARM"] })));
        assert!(!fits(json!({ "notificationTypes": ["AlarmClearedNotification"] })));
        assert!(!fits(json!({ "probableCauses": ["another"] })));
        assert!(!fits(json!({ "vnfInstanceSubscriptionFilter": { "vnfdIds": ["x"] } })));
        let rebuilt = json!({ "notificationType": "AlarmListRebuiltNotification" });
        assert!(wants(&json!({ "perceivedSeverities": ["MAJOR"] }), &rebuilt), "it is about no single alarm");
    }
}
