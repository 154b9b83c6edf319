//! Which lifecycle change notifications a subscription wants (SOL003 clauses 4.4.1.5 and 5.5.3.12).

use reference_points::or_vnfm::{
    LccnSubscriptionRequest, LcmOpOccNotificationVerbosityType, LifecycleChangeNotificationsFilter, VnfInstance,
    VnfInstanceSubscriptionFilter,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use service::http::ApiResult;
use service::notify::Asked;

/// A subscription request as the notifier takes it.
///
/// # Errors
/// When the filter cannot be written as JSON, which is a defect.
pub fn asked(request: LccnSubscriptionRequest) -> ApiResult<Asked> {
    let verbosity = request.verbosity.unwrap_or(LcmOpOccNotificationVerbosityType::Full);
    let shown = [("verbosity".to_owned(), json!(verbosity))].into_iter().collect();
    Ok(Asked { shown, ..Asked::new(request.filter, request.callback_uri, request.authentication)? })
}

/// Whether a filter lets a notification through. Attributes of the filter are joined by "and", the values of each by "or".
pub fn wants(filter: &Value, attributes: &Value) -> bool {
    let Ok(filter) = LifecycleChangeNotificationsFilter::deserialize(filter) else { return false };
    let one_of = |listed: Vec<String>, name: &str| {
        listed.is_empty() || attributes.get(name).and_then(Value::as_str).is_some_and(|v| listed.iter().any(|l| l == v))
    };
    let texts = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>();
    let types: Vec<&str> = filter.notification_types.iter().map(|t| t.as_str()).collect();
    let operations: Vec<&str> = filter.operation_types.iter().map(|t| t.as_str()).collect();
    let states: Vec<&str> = filter.operation_states.iter().map(|t| t.as_str()).collect();
    if !one_of(texts(&types), "notificationType")
        || !one_of(texts(&operations), "operation")
        || !one_of(texts(&states), "operationState")
    {
        return false;
    }
    let Some(wanted) = filter.vnf_instance_subscription_filter else { return true };
    let Some(instance) = attributes.get("instance").and_then(|i| VnfInstance::deserialize(i).ok()) else {
        return false;
    };
    concerns(&wanted, &instance)
}

/// Whether a VNF instance is one of those that a filter names (SOL003 clause 4.4.1.5).
pub fn concerns(wanted: &VnfInstanceSubscriptionFilter, instance: &VnfInstance) -> bool {
    let any = |listed: &[String], value: &str| listed.is_empty() || listed.iter().any(|l| l == value);
    let product = |providers: &[reference_points::or_vnfm::VnfProductsFromProvider]| {
        providers.is_empty()
            || providers.iter().filter(|p| p.vnf_provider == instance.vnf_provider).any(|p| {
                p.vnf_products.is_empty()
                    || p.vnf_products.iter().filter(|f| f.vnf_product_name == instance.vnf_product_name).any(|f| {
                        f.versions.is_empty()
                            || f.versions.iter().any(|v| {
                                v.vnf_software_version == instance.vnf_software_version
                                    && any(&v.vnfd_versions, &instance.vnfd_version)
                            })
                    })
            })
    };
    any(&wanted.vnfd_ids, &instance.vnfd_id)
        && any(&wanted.vnf_instance_ids, &instance.id.to_string())
        && any(&wanted.vnf_instance_names, instance.vnf_instance_name.as_deref().unwrap_or_default())
        && product(&wanted.vnf_products_from_providers)
}

/// Of a SHORT notification of an operation, what it changed is left out (SOL003 clause 5.5.2.17).
pub fn shape(shown: &Map<String, Value>, payload: &mut Value) {
    if shown.get("verbosity") != Some(&json!(LcmOpOccNotificationVerbosityType::Short)) {
        return;
    }
    if let Value::Object(members) = payload {
        for name in [
            "affectedVnfcs",
            "affectedVirtualLinks",
            "affectedExtLinkPorts",
            "affectedVirtualStorages",
            "changedInfo",
            "changedExtConnectivity",
            "modificationsTriggeredByVnfPkgChange",
        ] {
            members.shift_remove(name);
        }
        if let Some(verbosity) = members.get_mut("verbosity") {
            *verbosity = json!(LcmOpOccNotificationVerbosityType::Short);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_joined_by_and_their_values_by_or() {
        let told = json!({ "notificationType": "VnfLcmOperationOccurrenceNotification", "operation": "INSTANTIATE", "operationState": "COMPLETED" });
        let wants = |filter: Value| wants(&filter, &told);
        assert!(wants(json!({})));
        assert!(wants(json!({ "operationStates": ["FAILED_TEMP", "COMPLETED"] })));
        assert!(!wants(json!({ "operationStates": ["COMPLETED"], "operationTypes": ["TERMINATE"] })));
        assert!(!wants(json!({ "notificationTypes": ["VnfIdentifierCreationNotification"] })));
        assert!(!wants(json!({ "vnfInstanceSubscriptionFilter": { "vnfdIds": ["other"] } })));
    }
}
