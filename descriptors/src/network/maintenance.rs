//! What a part of a VNF asks of the NFVI during maintenance (SOL001 clause 6.2, `tosca.datatypes.nfv.NfviMaintenanceInfo`).

use serde::{Deserialize, Serialize};

use crate::diag::Sink;
use crate::tosca::Unit;
use crate::tosca::fields::Fields;

/// `tosca.datatypes.nfv.NfviMaintenanceInfo`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MaintenanceInfo {
    /// `impact_notification_lead_time`: how long before an impact a notice is wanted, in seconds.
    pub notification_lead_time_s: f64,
    /// `is_impact_mitigation_requested`.
    #[serde(default)]
    pub mitigation_requested: bool,
    /// `supported_migration_type`, the preferred one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub migration_types: Vec<String>,
    /// `max_undetectable_interruption_time` in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_undetectable_interruption_s: Option<f64>,
    /// `min_recovery_time_between_impacts` in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_recovery_between_impacts_s: Option<f64>,
    /// `max_number_of_impacted_instances`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub max_impacted: Vec<GroupLimit>,
    /// `min_number_of_preserved_instances`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub min_preserved: Vec<GroupLimit>,
}

/// A number of instances, for groups of a size or for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupLimit {
    /// `group_size`; `None` where the limit holds for any size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_size: Option<u32>,
    /// Number of instances.
    pub instances: u32,
}

/// Reads the map, where there is one.
pub(crate) fn maintenance(fields: &Fields<'_>, sink: &mut Sink) -> Option<MaintenanceInfo> {
    if !fields.exists() {
        return None;
    }
    let lead = "impact_notification_lead_time";
    if fields.peek(lead).is_none() {
        fields.missing(lead, "scalar-unit.time", sink);
    }
    Some(MaintenanceInfo {
        notification_lead_time_s: fields.unit(lead, Unit::Time, sink).unwrap_or_default(),
        mitigation_requested: fields.bool("is_impact_mitigation_requested", sink).unwrap_or_default(),
        migration_types: fields.texts("supported_migration_type", sink),
        max_undetectable_interruption_s: fields.unit("max_undetectable_interruption_time", Unit::Time, sink),
        min_recovery_between_impacts_s: fields.unit("min_recovery_time_between_impacts", Unit::Time, sink),
        max_impacted: limits(fields, "max_number_of_impacted_instances", sink),
        min_preserved: limits(fields, "min_number_of_preserved_instances", sink),
    })
}

fn limits(fields: &Fields<'_>, key: &str, sink: &mut Sink) -> Vec<GroupLimit> {
    let items = fields.list(key, sink).iter().enumerate();
    items
        .map(|(i, node)| {
            let limit = fields.item(key, i, node);
            GroupLimit { group_size: limit.whole("group_size", sink), instances: limit.need_whole(key, sink) }
        })
        .collect()
}
