//! `mano alarm`: what is wrong with VNFs (SOL003 fault management).

use reference_points::or_vnfm::{AckState, AlarmModifications};

use crate::cli::ListArgs;
use crate::cli_monitoring::Alarm;
use crate::context::Context;
use crate::fail::Failure;
use crate::lists;
use crate::output;

pub async fn run(context: &Context, command: Alarm) -> Result<(), Failure> {
    let fm = &context.fm;
    let acknowledge = async |alarm, ack_state: AckState| {
        fm.acknowledge(alarm, &AlarmModifications { ack_state }).await?;
        output::line(&format!("{alarm} is {ack_state}"))
    };
    match command {
        Alarm::List { vnf, list } => {
            let mut filter = list.filter;
            if let Some(vnf) = vnf {
                let own = format!("(eq,managedObjectId,{})", context.find_vnf(&vnf).await?.id);
                filter = Some(filter.map_or(own.clone(), |given| format!("{own};{given}")));
            }
            let columns = [
                ("id", "/id"),
                ("severity", "/perceivedSeverity"),
                ("fault", "/faultType"),
                ("vnf", "/managedObjectId"),
                ("vnfcs", "/vnfcInstanceIds"),
                ("cause", "/probableCause"),
                ("raised", "/alarmRaisedTime"),
                ("state", "/ackState"),
            ];
            let alarms = lists::all(&ListArgs { filter }, |query| async move { fm.alarms(&query).await }).await?;
            output::list(context.format, &alarms, &columns)
        }
        Alarm::Show { alarm } => match fm.alarm(alarm).await? {
            Some(found) => output::one(context.format, &found),
            None => Err(Failure::helped(format!("there is no alarm {alarm}"), "mano alarm list")),
        },
        Alarm::Ack { alarm } => acknowledge(alarm, AckState::Acknowledged).await,
        Alarm::Unack { alarm } => acknowledge(alarm, AckState::Unacknowledged).await,
    }
}
