//! Reading how the lifecycle operations of a VNF are configured (SOL001 clause 6.2,
//! `tosca.datatypes.nfv.VnfLcmOperationsConfiguration`).

use super::model::LcmOperations;
use crate::diag::Sink;
use crate::tosca::Unit;
use crate::tosca::fields::Fields;

pub(super) fn read(fields: &Fields<'_>, sink: &mut Sink) -> LcmOperations {
    let terminate = fields.sub("terminate");
    let operate = fields.sub("operate");
    let yes = |fields: Fields<'_>, key: &str, sink: &mut Sink| fields.bool(key, sink).unwrap_or_default();
    LcmOperations {
        min_graceful_termination_s: terminate.unit("min_graceful_termination_timeout", Unit::Time, sink),
        max_recommended_graceful_termination_s: terminate.unit(
            "max_recommended_graceful_termination_timeout",
            Unit::Time,
            sink,
        ),
        min_graceful_stop_s: operate.unit("min_graceful_stop_timeout", Unit::Time, sink),
        max_recommended_graceful_stop_s: operate.unit("max_recommended_graceful_stop_timeout", Unit::Time, sink),
        scaling_by_more_than_one_step_supported: yes(
            fields.sub("scale"),
            "scaling_by_more_than_one_step_supported",
            sink,
        ),
        arbitrary_target_levels_supported: yes(fields.sub("scale_to_level"), "arbitrary_target_levels_supported", sink),
        target_scale_levels_supported: yes(fields.sub("instantiate"), "target_scale_levels_supported", sink),
        configured: fields.entries(sink).iter().map(|e| e.key.clone()).collect(),
        heal_causes: fields.sub("heal").texts("causes", sink),
        raw: fields.whole_json(),
    }
}
