//! Reading values out of a tree that the schema has passed: what is there is of its type.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::network::GroupLimit;
use crate::network::{Declaration, MaintenanceInfo, MonitoringParameter};
use crate::tosca::others;
use crate::yaml::Node;

/// Values of a checked node.
pub(super) trait Get {
    fn word(&self, key: &str) -> Option<String>;
    fn words(&self, key: &str) -> Vec<String>;
    fn list(&self, key: &str) -> &[Node];
    fn number(&self, key: &str) -> Option<u32>;
    fn large(&self, key: &str) -> Option<u64>;
    fn decimal(&self, key: &str) -> Option<f64>;
    fn flag(&self, key: &str) -> Option<bool>;
    /// A list of `key` and `value`.
    fn pairs(&self, key: &str) -> BTreeMap<String, String>;
    /// Hundredths of a second, as `timeticks` counts, in seconds.
    fn ticks(&self, key: &str) -> Option<f64>;
    fn id(&self) -> String;
}

impl Get for Node {
    fn word(&self, key: &str) -> Option<String> {
        self.get(key).and_then(Node::text).map(str::to_owned)
    }

    fn words(&self, key: &str) -> Vec<String> {
        self.list(key).iter().filter_map(|n| n.text().map(str::to_owned)).collect()
    }

    fn list(&self, key: &str) -> &[Node] {
        self.get(key).and_then(Node::items).unwrap_or_default()
    }

    fn number(&self, key: &str) -> Option<u32> {
        self.large(key).and_then(|n| u32::try_from(n).ok())
    }

    fn large(&self, key: &str) -> Option<u64> {
        self.get(key)?.text()?.parse().ok()
    }

    fn decimal(&self, key: &str) -> Option<f64> {
        self.get(key)?.text()?.parse().ok()
    }

    fn flag(&self, key: &str) -> Option<bool> {
        self.get(key)?.bool()
    }

    fn pairs(&self, key: &str) -> BTreeMap<String, String> {
        let pair = |n: &Node| Some((n.word("key")?, n.word("value").unwrap_or_default()));
        self.list(key).iter().filter_map(pair).collect()
    }

    fn ticks(&self, key: &str) -> Option<f64> {
        self.decimal(key).map(|n| n / 100.0)
    }

    fn id(&self) -> String {
        self.word("id").unwrap_or_default()
    }
}

/// A decimal number of units in whole bytes.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to lie within the range of exact numbers"
)]
pub(super) fn bytes(number: f64, unit: u64) -> u64 {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    // One decimal is what the module allows; tenths of a unit are taken without rounding.
    let tenths = (number * 10.0).round().clamp(0.0, EXACT) as u64;
    u64::try_from(u128::from(tenths) * u128::from(unit) / 10).unwrap_or(u64::MAX)
}

/// Two leftovers in one: the second under its key, unless it is nothing.
pub(super) fn with(value: Value, key: &str, more: Value) -> Value {
    match (value, more) {
        (value, Value::Null) => value,
        (Value::Object(mut map), more) => {
            map.insert(key.to_owned(), more);
            Value::Object(map)
        }
        (_, more) => serde_json::json!({ key: more }),
    }
}

/// What is left of a list's entries, by key, for those that leave anything.
pub(super) fn leftovers(items: &[Node], taken: &[&str]) -> Value {
    let left: serde_json::Map<String, Value> =
        items.iter().map(|i| (i.id(), others(i, taken))).filter(|(_, v)| !v.is_null()).collect();
    if left.is_empty() { Value::Null } else { Value::Object(left) }
}

/// `nfvi-maintenance-info`, where it is given.
pub(super) fn maintenance(node: &Node) -> Option<MaintenanceInfo> {
    let info = node.get("nfvi-maintenance-info")?;
    let limits = |key: &str| -> Vec<GroupLimit> {
        info.list(key)
            .iter()
            .map(|l| GroupLimit { group_size: l.number("group-size"), instances: l.number(key).unwrap_or_default() })
            .collect()
    };
    Some(MaintenanceInfo {
        notification_lead_time_s: info.ticks("impact-notification-lead-time").unwrap_or_default(),
        mitigation_requested: info.flag("is-impact-mitigation-requested").unwrap_or_default(),
        migration_types: info.words("supported-migration-type").iter().map(|t| t.replace('-', "_")).collect(),
        max_undetectable_interruption_s: info.ticks("max-undetectable-interruption-time"),
        min_recovery_between_impacts_s: info.ticks("min-recovery-time-between-impacts"),
        max_impacted: limits("max-number-of-impacted-instances"),
        min_preserved: limits("min-number-of-preserved-instances"),
    })
}

/// A list of monitoring parameters; their period is in milliseconds.
pub(super) fn monitoring(items: &[Node]) -> Vec<MonitoringParameter> {
    items
        .iter()
        .map(|n| MonitoringParameter {
            id: n.id(),
            name: n.word("name"),
            metric: n.word("performance-metric").unwrap_or_default(),
            collection_period_s: n.decimal("collection-period").map(|ms| ms / 1000.0),
        })
        .collect()
}

/// A property that operators may set, with the value the descriptor gives.
pub(super) fn declared(name: &str, value_type: &str, default: Option<Value>) -> Declaration {
    Declaration {
        name: name.to_owned(),
        value_type: value_type.to_owned(),
        required: false,
        default,
        description: None,
        constraints: Value::Null,
        entry_schema: Value::Null,
    }
}
