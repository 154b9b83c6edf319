//! Monitoring parameters of VNFs, VNFCs, virtual links and services (SOL001 clauses 6.2 and 7.2).

use serde::{Deserialize, Serialize};

use crate::diag::Sink;
use crate::tosca::Unit;
use crate::tosca::fields::Fields;

/// `VnfMonitoringParameter`, `VnfcMonitoringParameter`, `VirtualLinkMonitoringParameter` or `NsMonitoringParameter`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MonitoringParameter {
    /// Its identifier: the key of the map, or its name where versions before 3.7.1 have a list.
    pub id: String,
    /// `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `performance_metric`.
    pub metric: String,
    /// `collection_period` in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection_period_s: Option<f64>,
}

/// Reads a map or list of parameters below `key`.
pub(crate) fn parameters(fields: &Fields<'_>, key: &str, sink: &mut Sink) -> Vec<MonitoringParameter> {
    if fields.peek(key).is_some_and(|n| n.items().is_some()) {
        let items = fields.list(key, sink).iter().enumerate();
        return items.map(|(i, node)| parameter(None, &fields.item(key, i, node), sink)).collect();
    }
    let map = fields.sub(key);
    map.entries(sink).iter().map(|e| parameter(Some(&e.key), &map.sub(&e.key), sink)).collect()
}

fn parameter(id: Option<&str>, fields: &Fields<'_>, sink: &mut Sink) -> MonitoringParameter {
    let name = fields.text("name", sink);
    MonitoringParameter {
        id: id.map(str::to_owned).or_else(|| name.clone()).unwrap_or_default(),
        name,
        metric: fields.need_text("performance_metric", sink),
        collection_period_s: fields.unit("collection_period", Unit::Time, sink),
    }
}
