//! What clients ask of alarms: look, acknowledge, escalate (SOL003 clauses 7.4.2 and 7.4.3, SOL002 clause 7.4.3.3.1).

use reference_points::common::{Fault, ProblemDetails};
use reference_points::or_vnfm::{
    AckState, Alarm, AlarmLinks, AlarmModifications, Link, PerceivedSeverity, PerceivedSeverityRequest, Timestamp,
};
use serde_json::{Value, json};
use service::http::{ApiError, ApiResult, IfMatch};
use service::store::Stored;
use uuid::Uuid;

use super::{Alarms, is_open};
use crate::store::alarms::{self, ALARMS, Kept};

impl Alarms {
    /// An alarm with its links.
    pub fn shown(&self, alarm: &Alarm) -> Alarm {
        Alarm { links: Some(self.links(alarm)), ..alarm.clone() }
    }

    /// Adds the links to an alarm of a list.
    pub fn add_links(&self, stored: &Stored<Kept>, shown: &mut Value) {
        if let Value::Object(members) = shown {
            members.insert("_links".to_owned(), json!(self.links(&stored.document.alarm)));
        }
    }

    fn links(&self, alarm: &Alarm) -> AlarmLinks {
        let instance = format!("{}/vnflcm/v2/vnf_instances/{}", self.base, alarm.managed_object_id);
        AlarmLinks { self_: self.link(alarm.id), object_instance: Some(Link::new(instance)) }
    }

    /// Acknowledges an alarm, or takes that back; gives its new ETag. One that is cleared leaves the list with it.
    ///
    /// # Errors
    /// 404; 409 when it is so already; 412 when it changed since it was read.
    pub async fn acknowledge(&self, id: Uuid, if_match: IfMatch, wanted: &AlarmModifications) -> ApiResult<String> {
        let now = self.clock.now_micros();
        db::transaction!(self.db, |tx| {
            let stored = ALARMS.lock(&mut *tx, id).await?;
            if_match.check(&stored.etag())?;
            let mut kept = stored.document.clone();
            if kept.alarm.ack_state == wanted.ack_state {
                let detail = format!("alarm {id} is {} already", wanted.ack_state);
                return Err(ApiError::conflict(detail));
            }
            let acknowledged = wanted.ack_state == AckState::Acknowledged;
            kept.alarm.ack_state = wanted.ack_state;
            kept.alarm.alarm_acknowledged_time = acknowledged.then(|| Timestamp::from_micros(now));
            let over = acknowledged && !is_open(&kept.alarm);
            let stored = ALARMS.update(&mut *tx, &stored, kept, now).await?;
            if over {
                alarms::delete(&mut *tx, id).await?;
            }
            Ok::<_, ApiError>(stored.etag())
        })
    }

    /// Raises an alarm's severity. Nobody is notified (SOL002 clause 7.4.3.3.1).
    ///
    /// # Errors
    /// 404; 409 when it is cleared; 422 for a severity that is not higher.
    pub async fn escalate(&self, id: Uuid, wanted: &PerceivedSeverityRequest) -> ApiResult<()> {
        let (now, proposed) = (self.clock.now_micros(), wanted.proposed_perceived_severity);
        db::transaction!(self.db, |tx| {
            let stored = ALARMS.lock(&mut *tx, id).await?;
            let mut kept = stored.document.clone();
            let present = kept.alarm.perceived_severity;
            if !is_open(&kept.alarm) {
                let problem = ProblemDetails::conflict(format!("alarm {id} is cleared"));
                return Err(ApiError::new(problem.next("acknowledge it")));
            }
            // In the order of the specification the worst comes first.
            if proposed >= present && present != PerceivedSeverity::Indeterminate
                || proposed == PerceivedSeverity::Cleared
            {
                let fault = Fault::new("/proposedPerceivedSeverity", format!("{proposed} is not above {present}"));
                let what = format!("alarm {id} can only be escalated");
                return Err(ApiError::unprocessable(what, vec![fault.mend("propose a higher severity")]));
            }
            kept.alarm.perceived_severity = proposed;
            kept.alarm.alarm_changed_time = Some(Timestamp::from_micros(now));
            kept.escalated = true;
            ALARMS.update(&mut *tx, &stored, kept, now).await?;
            Ok::<_, ApiError>(())
        })
    }
}
