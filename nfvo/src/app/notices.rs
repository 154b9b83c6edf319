//! Notifications that the NFVO sends: who wants which, and what they say (SOL005 clauses 5.3.8, 6.3.15 and 9.3.6; SOL003
//! clause 11.3).

use reference_points::or_vi::Resources;
use reference_points::or_vnfm::{
    LcmOpOccNotificationVerbosityType, LcmOperationNotificationStatus, Link, QuotaAvailLinks, QuotaNotificationType,
    QuotaResourceType, Timestamp, VrQuotaAvailNotification, VrQuotaAvailSubscriptionRequest,
};
use reference_points::os_ma_nfvo::{
    NsIdentifierCreationNotification, NsInstance, NsLccnLinks, NsLccnNotificationType, NsLccnSubscriptionRequest,
    NsLcmOpOcc, NsLcmOperationOccurrenceNotification, NsLcmOperationStateType, NsdInfo, NsdNotification, NsdmLinks,
    NsdmNotificationType, NsdmSubscriptionRequest, PackageChangeType, PackageOnboardingState, PkgmLinks,
    PkgmNotificationType, PkgmSubscriptionRequest, VnfPackageNotification, VnfPkgInfo,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use service::http::ApiResult;
use service::notify::{Asked, Notification, Notifier};
use service::run::{BoxError, Setup};
use uuid::Uuid;

use super::{ns_view, nsds, packages};
use crate::ops::design::{Design, VimRef};
use crate::ops::plan;

/// The subscriptions of each interface.
#[derive(Debug, Clone)]
pub struct Notices {
    /// NS lifecycle changes.
    pub ns: Notifier,
    /// VNF packages.
    pub packages: Notifier,
    /// VNF packages, for clients of version 1; the notifier above tells them too.
    pub packages_v1: Notifier,
    /// NSDs.
    pub nsds: Notifier,
    /// Quotas of VIMs, for VNFMs.
    pub quotas: Notifier,
}

impl Notices {
    /// Opens the subscriptions and starts delivering. `base` is the NFVO's own address.
    ///
    /// # Errors
    /// What the database says.
    pub async fn start(setup: &Setup, base: &str) -> Result<Self, BoxError> {
        let url = |api: &str| format!("{base}/{api}/subscriptions");
        let packages_v1 =
            Notifier::start_shaped(setup, "vnfpkgm/v1", &url("vnfpkgm/v1"), package_wants, package_v1_shape).await?;
        let packages = Notifier::start(setup, "vnfpkgm", &url("vnfpkgm/v2"), package_wants).await?;
        Ok(Self {
            ns: Notifier::start_shaped(setup, "nslcm", &url("nslcm/v2"), ns_wants, ns_shape).await?,
            packages: packages.and(packages_v1.clone()),
            packages_v1,
            nsds: Notifier::start(setup, "nsd", &url("nsd/v2"), nsd_wants).await?,
            quotas: Notifier::start(setup, "vrqan", &url("vrqan/v1"), quota_wants).await?,
        })
    }

    /// Something was committed: deliver.
    pub fn kick(&self) {
        self.ns.kick();
        self.packages.kick();
        self.nsds.kick();
        self.quotas.kick();
    }
}

/// A value of the notification that a filter's list may name: an empty or absent list names all.
fn named(filter: &Value, list: &str, value: Option<&Value>) -> bool {
    let Some(listed) = filter.get(list).and_then(Value::as_array).filter(|l| !l.is_empty()) else { return true };
    match value {
        Some(Value::Array(values)) => values.iter().any(|v| listed.contains(v)),
        Some(value) => listed.contains(value),
        None => false,
    }
}

/// Every list of the filter by the attribute of the same or the given name.
fn all_named(filter: &Value, attributes: &Value, pairs: &[(&str, &str)]) -> bool {
    pairs.iter().all(|(list, attribute)| named(filter, list, attributes.get(*attribute)))
}

/// Which NS notifications a filter lets through (SOL005 clauses 4.4.1.8 and 6.5.3.8).
pub fn ns_wants(filter: &Value, attributes: &Value) -> bool {
    let own = [
        ("notificationTypes", "notificationType"),
        ("operationTypes", "operation"),
        ("operationStates", "operationState"),
        ("nsComponentTypes", "nsComponentType"),
    ];
    let instance = [
        ("nsdIds", "nsdId"),
        ("vnfdIds", "vnfdIds"),
        ("pnfdIds", "pnfdIds"),
        ("nsInstanceIds", "nsInstanceId"),
        ("nsInstanceNames", "nsInstanceName"),
    ];
    let inner = filter.get("nsInstanceSubscriptionFilter").cloned().unwrap_or_default();
    all_named(filter, attributes, &own) && all_named(&inner, attributes, &instance)
}

/// Which package notifications a filter lets through (SOL005 clause 9.5.3.5).
pub fn package_wants(filter: &Value, attributes: &Value) -> bool {
    let own = [
        ("notificationTypes", "notificationType"),
        ("vnfdId", "vnfdId"),
        ("vnfPkgId", "vnfPkgId"),
        ("operationalState", "operationalState"),
        ("usageState", "usageState"),
        ("vnfmInfo", "vnfmInfo"),
    ];
    all_named(filter, attributes, &own) && product_wanted(filter, attributes)
}

/// Providers, their products and the versions of these.
fn product_wanted(filter: &Value, attributes: &Value) -> bool {
    let list = |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let same = |value: &Value, name: &str| value.get(name) == attributes.get(name);
    let providers = list(filter, "vnfProductsFromProviders");
    let version = |version: &Value| {
        same(version, "vnfSoftwareVersion") && named(version, "vnfdVersions", attributes.get("vnfdVersion"))
    };
    let product = |product: &Value| {
        let versions = list(product, "versions");
        same(product, "vnfProductName") && (versions.is_empty() || versions.iter().any(version))
    };
    let provider = |provider: &Value| {
        let products = list(provider, "vnfProducts");
        same(provider, "vnfProvider") && (products.is_empty() || products.iter().any(product))
    };
    providers.is_empty() || providers.iter().any(provider)
}

/// Which NSD notifications a filter lets through (SOL005 clause 5.5.3.2).
pub fn nsd_wants(filter: &Value, attributes: &Value) -> bool {
    let own = [
        ("notificationTypes", "notificationType"),
        ("nsdInfoId", "nsdInfoId"),
        ("nsdId", "nsdId"),
        ("nsdName", "nsdName"),
        ("nsdOperationalState", "nsdOperationalState"),
        ("nsdUsageState", "nsdUsageState"),
    ];
    all_named(filter, attributes, &own)
}

/// Which notifications of quotas a filter lets through (SOL003 clause 11.5.3.2). VNFMs ask the VIM themselves (direct mode), so
/// that a notification has no resource provider: who names one is told nothing.
pub fn quota_wants(filter: &Value, attributes: &Value) -> bool {
    let own = [
        ("vimIds", "vimId"),
        ("resourceProviderIds", "resourceProviderId"),
        ("resourceTypes", "resourceTypes"),
        ("resourceGroupIds", "resourceGroupId"),
    ];
    all_named(filter, attributes, &own)
}

/// Clients of version 1 are led to resources of version 1.
pub fn package_v1_shape(_: &Map<String, Value>, payload: &mut Value) {
    service::http::older::relink(payload, "/vnfpkgm/v2/", "/vnfpkgm/v1/");
}

/// A SHORT subscription is not told what was touched (SOL005 clause 6.5.4.9).
pub fn ns_shape(shown: &Map<String, Value>, payload: &mut Value) {
    let short = shown.get("verbosity").and_then(Value::as_str) == Some("SHORT");
    let Value::Object(members) = payload else { return };
    if members.get("nsLcmOpOccId").is_none() {
        return;
    }
    members.insert("verbosity".to_owned(), json!(if short { "SHORT" } else { "FULL" }));
    if short {
        members.retain(|name, _| !name.starts_with("affected"));
    }
}

/// A request to subscribe to NS lifecycle changes.
///
/// # Errors
/// The filter cannot be written as JSON, which is a defect.
pub fn ns_asked(request: NsLccnSubscriptionRequest) -> ApiResult<Asked> {
    let verbosity = request.verbosity.unwrap_or(LcmOpOccNotificationVerbosityType::Full);
    let shown = [("verbosity".to_owned(), json!(verbosity))].into_iter().collect();
    Ok(Asked { shown, ..Asked::new(request.filter, request.callback_uri, request.authentication)? })
}

/// A request to subscribe to package changes.
///
/// # Errors
/// As [`ns_asked`].
pub fn packages_asked(request: PkgmSubscriptionRequest) -> ApiResult<Asked> {
    Asked::new(request.filter, request.callback_uri, request.authentication)
}

/// A request to subscribe to NSD changes.
///
/// # Errors
/// As [`ns_asked`].
pub fn nsds_asked(request: NsdmSubscriptionRequest) -> ApiResult<Asked> {
    Asked::new(request.filter, request.callback_uri, request.authentication)
}

/// A request to subscribe to quotas.
///
/// # Errors
/// As [`ns_asked`].
pub fn quotas_asked(request: VrQuotaAvailSubscriptionRequest) -> ApiResult<Asked> {
    Asked::new(request.filter, request.callback_uri, request.authentication)
}

/// A payload whose subscription is filled in for each subscriber, with what filters look at.
fn notification<T: Serialize>(id: Uuid, body: &T, more: Value) -> Notification {
    let payload = serde_json::to_value(body).unwrap_or_default();
    let mut attributes = payload.clone();
    if let (Value::Object(attributes), Value::Object(more)) = (&mut attributes, more) {
        attributes.extend(more);
    }
    Notification { id, payload, attributes }
}

/// An NS operation entered a state.
pub fn ns_operation(id: Uuid, occ: &NsLcmOpOcc, ns: &NsInstance, design: Option<&Design>, at: i64) -> Notification {
    use NsLcmOperationStateType as S;
    let result = !matches!(occ.operation_state, S::Processing | S::RollingBack);
    let changes = occ.resource_changes.clone().filter(|_| result).unwrap_or_default();
    let body = NsLcmOperationOccurrenceNotification {
        id,
        ns_instance_id: occ.ns_instance_id,
        ns_lcm_op_occ_id: occ.id,
        operation: occ.lcm_operation_type,
        notification_type: NsLccnNotificationType::NsLcmOperationOccurrenceNotification,
        subscription_id: Uuid::nil(),
        timestamp: Timestamp::from_micros(at),
        notification_status: if result {
            LcmOperationNotificationStatus::Result
        } else {
            LcmOperationNotificationStatus::Start
        },
        operation_state: occ.operation_state,
        is_automatic_invocation: occ.is_automatic_invocation,
        verbosity: None,
        affected_vnf: changes.affected_vnfs,
        affected_pnf: changes.affected_pnfs,
        affected_vl: changes.affected_vls,
        affected_vnffg: changes.affected_vnffgs,
        affected_ns: changes.affected_nss,
        affected_sap: changes.affected_saps,
        error: occ.error.clone(),
        links: NsLccnLinks {
            ns_instance: Link::new(ns_view::ns_path(occ.ns_instance_id)),
            subscription: Link::default(),
            ns_lcm_op_occ: Some(Link::new(ns_view::op_path(occ.id))),
        },
    };
    let vnfds: Vec<&str> = design.iter().flat_map(|d| &d.vnfs).map(|v| v.vnfd_id.as_str()).collect();
    notification(id, &body, json!({"nsdId": ns.nsd_id, "nsInstanceName": ns.ns_instance_name, "vnfdIds": vnfds}))
}

/// An NS instance identifier was made or deleted.
pub fn ns_identifier(id: Uuid, kind: NsLccnNotificationType, ns: &NsInstance, at: i64) -> Notification {
    // Both notifications have the same members.
    let body = NsIdentifierCreationNotification {
        id,
        notification_type: kind,
        subscription_id: Uuid::nil(),
        timestamp: Timestamp::from_micros(at),
        ns_instance_id: ns.id,
        links: NsLccnLinks {
            ns_instance: Link::new(ns_view::ns_path(ns.id)),
            subscription: Link::default(),
            ns_lcm_op_occ: None,
        },
    };
    notification(id, &body, json!({"nsdId": ns.nsd_id, "nsInstanceName": ns.ns_instance_name}))
}

/// A package was onboarded (`change` absent), changed or deleted.
pub fn package(id: Uuid, info: &VnfPkgInfo, change: Option<PackageChangeType>, at: i64) -> Notification {
    let kind = match change {
        None => PkgmNotificationType::VnfPackageOnboardingNotification,
        Some(_) => PkgmNotificationType::VnfPackageChangeNotification,
    };
    let body = VnfPackageNotification {
        id,
        notification_type: kind,
        subscription_id: Uuid::nil(),
        time_stamp: Timestamp::from_micros(at),
        vnf_pkg_id: info.id,
        vnfd_id: info.vnfd_id.clone(),
        change_type: change,
        operational_state: (change == Some(PackageChangeType::OpStateChange)).then_some(info.operational_state),
        vnfm_info: if change.is_none() { info.vnfm_info.clone() } else { Vec::new() },
        links: PkgmLinks { vnf_package: Link::new(packages::path(info.id)), subscription: Link::default() },
    };
    let mut more = serde_json::to_value(info).unwrap_or_default();
    if let Value::Object(members) = &mut more {
        members.retain(|name, _| !matches!(name.as_str(), "id" | "_links" | "softwareImages" | "additionalArtifacts"));
    }
    notification(id, &body, more)
}

/// An NSD was onboarded, failed to be, changed or was deleted.
pub fn nsd(id: Uuid, info: &NsdInfo, kind: NsdmNotificationType, at: i64) -> Notification {
    let failed = info.nsd_onboarding_state == PackageOnboardingState::Error;
    let body = NsdNotification {
        id,
        notification_type: kind,
        subscription_id: Uuid::nil(),
        time_stamp: Timestamp::from_micros(at),
        nsd_info_id: info.id,
        nsd_id: info.nsd_id.clone(),
        nsd_operational_state: (kind == NsdmNotificationType::NsdChangeNotification)
            .then_some(info.nsd_operational_state),
        onboarding_failure_details: info.onboarding_failure_details.clone().filter(|_| failed),
        links: NsdmLinks { nsd_info: Link::new(nsds::path(info.id)), subscription: Link::default() },
    };
    let more = json!({"nsdName": info.nsd_name, "nsdOperationalState": info.nsd_operational_state, "nsdUsageState": info.nsd_usage_state});
    notification(id, &body, more)
}

/// A VIM allows more than it did, for a resource group. `at` in microseconds since the epoch.
pub fn quota(id: Uuid, vim: &VimRef, group: &str, resources: &[Resources], at: i64) -> Notification {
    let body = VrQuotaAvailNotification {
        id: id.to_string(),
        notification_type: QuotaNotificationType::VrQuotaAvailNotification,
        subscription_id: String::new(),
        time_stamp: Timestamp::from_micros(at),
        resource_group_id: group.to_owned(),
        vim_connection_info: Some(plan::vim_connection(vim)),
        resource_provider_id: None,
        links: QuotaAvailLinks::default(),
    };
    let types: Vec<QuotaResourceType> = resources
        .iter()
        .map(|of| match of {
            Resources::Compute => QuotaResourceType::Compute,
            Resources::Storage => QuotaResourceType::Storage,
            Resources::Network => QuotaResourceType::Network,
        })
        .collect();
    notification(id, &body, json!({"vimId": vim.id, "resourceTypes": types}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_told_to_who_named_its_vim_type_and_group_or_none() {
        let vim = VimRef { id: Uuid::from_u128(1), vim_type: "MANO.SIM.V_1".into(), endpoint: "http://vim".into() };
        let resources = [Resources::Compute, Resources::Storage];
        let told = quota(Uuid::nil(), &vim, "telco", &resources, 0);
        assert_eq!(told.payload["resourceGroupId"], "telco");
        assert_eq!(told.payload["vimConnectionInfo"]["vimId"], json!(vim.id));
        assert!(told.payload.get("resourceTypes").is_none(), "the notification has no such attribute");
        let other = Uuid::from_u128(2);
        for (filter, wanted) in [
            (json!({}), true),
            (json!({"vimIds": []}), true),
            (json!({"vimIds": [other, vim.id]}), true),
            (json!({"vimIds": [other]}), false),
            (json!({"resourceTypes": ["NETWORK", "STORAGE"]}), true),
            (json!({"resourceTypes": ["NETWORK"]}), false),
            (json!({"resourceGroupIds": ["telco"], "vimIds": [vim.id]}), true),
            (json!({"resourceGroupIds": ["telco"], "vimIds": [other]}), false),
            (json!({"resourceGroupIds": ["another"]}), false),
            (json!({"resourceProviderIds": ["somebody"]}), false),
        ] {
            assert_eq!(quota_wants(&filter, &told.attributes), wanted, "{filter}");
        }
    }

    #[test]
    fn a_filter_joins_its_lists_by_and_and_their_values_by_or() {
        let told = json!({
            "notificationType": "NsLcmOperationOccurrenceNotification", "operation": "INSTANTIATE",
            "operationState": "COMPLETED", "nsInstanceId": "n", "nsdId": "d", "vnfdIds": ["a", "b"],
        });
        for (filter, wanted) in [
            (json!({}), true),
            (json!({"operationStates": ["FAILED_TEMP", "COMPLETED"]}), true),
            (json!({"operationStates": ["COMPLETED"], "operationTypes": ["TERMINATE"]}), false),
            (json!({"nsInstanceSubscriptionFilter": {"vnfdIds": ["b", "z"]}}), true),
            (json!({"nsInstanceSubscriptionFilter": {"vnfdIds": ["z"]}}), false),
            (json!({"nsInstanceSubscriptionFilter": {"nsInstanceIds": ["n"], "nsdIds": ["x"]}}), false),
            (json!({"nsComponentTypes": ["VNF"]}), false),
        ] {
            assert_eq!(ns_wants(&filter, &told), wanted, "{filter}");
        }
    }

    #[test]
    fn products_are_named_by_provider_name_and_versions() {
        let told = json!({"vnfProvider": "p", "vnfProductName": "edge", "vnfSoftwareVersion": "1", "vnfdVersion": "2"});
        let provider =
            |products: Value| json!({"vnfProductsFromProviders": [{"vnfProvider": "p", "vnfProducts": products}]});
        for (filter, wanted) in [
            (provider(json!([])), true),
            (provider(json!([{"vnfProductName": "web"}, {"vnfProductName": "edge"}])), true),
            (provider(json!([{"vnfProductName": "edge", "versions": [{"vnfSoftwareVersion": "2"}]}])), false),
            (
                provider(
                    json!([{"vnfProductName": "edge", "versions": [{"vnfSoftwareVersion": "1", "vnfdVersions": ["2"]}]}]),
                ),
                true,
            ),
            (
                provider(
                    json!([{"vnfProductName": "edge", "versions": [{"vnfSoftwareVersion": "1", "vnfdVersions": ["3"]}]}]),
                ),
                false,
            ),
            (json!({"vnfProductsFromProviders": [{"vnfProvider": "q"}]}), false),
        ] {
            assert_eq!(package_wants(&filter, &told), wanted, "{filter}");
        }
    }

    #[test]
    fn a_short_subscription_is_not_told_what_was_touched() {
        let full = json!({"nsLcmOpOccId": "o", "operationState": "COMPLETED", "affectedVnf": [1], "affectedVl": [2]});
        let shaped = |verbosity: &str| {
            let mut payload = full.clone();
            ns_shape(&[("verbosity".to_owned(), json!(verbosity))].into_iter().collect(), &mut payload);
            payload
        };
        assert_eq!(shaped("SHORT"), json!({"nsLcmOpOccId": "o", "operationState": "COMPLETED", "verbosity": "SHORT"}));
        assert_eq!(shaped("FULL")["affectedVnf"], json!([1]));
    }
}
