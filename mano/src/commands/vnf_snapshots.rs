//! `mano vnf snapshot`: snapshots of VNFs and the return to them (SOL003 clauses 5.4.21 to 5.4.24).

use reference_points::or_vnfm::{CreateVnfSnapshotInfoRequest, CreateVnfSnapshotRequest, RevertToVnfSnapshotRequest};

use super::vnf::{begun, settings};
use crate::cli::VnfSnapshots;
use crate::context::Context;
use crate::fail::Failure;
use crate::lists;
use crate::output;

pub async fn run(context: &Context, command: VnfSnapshots) -> Result<(), Failure> {
    match command {
        VnfSnapshots::Create { vnf, vnfc, data, no_wait } => {
            let vnf = context.find_vnf(&vnf).await?;
            let info = context.vnfs.create_snapshot_info(&CreateVnfSnapshotInfoRequest::default()).await?.id;
            let request = CreateVnfSnapshotRequest {
                vnf_snapshot_info_id: info,
                vnfc_instance_id: vnfc,
                user_defined_data: settings(&data).unwrap_or_default(),
                ..CreateVnfSnapshotRequest::default()
            };
            let op = match context.vnfs.create_snapshot(vnf.id, &request).await {
                Ok(op) => op,
                Err(refused) => {
                    // Nothing is in it, and nobody was told of it.
                    context.vnfs.delete_snapshot(info).await?;
                    return Err(refused.into());
                }
            };
            output::line(&info.to_string())?;
            begun(context, op, no_wait).await
        }
        VnfSnapshots::List(list) => {
            let columns = [
                ("id", "/id"),
                ("vnf", "/vnfSnapshot/vnfInstance/vnfInstanceName"),
                ("vnf id", "/vnfSnapshot/vnfInstanceId"),
                ("taken", "/vnfSnapshot/creationFinishedAt"),
            ];
            let all = lists::all(&list, |query| async move { context.vnfs.list_snapshots(&query).await }).await?;
            output::list(context.format, &all, &columns)
        }
        VnfSnapshots::Show { snapshot } => match context.vnfs.snapshot(snapshot).await? {
            Some(info) => output::one(context.format, &info),
            None => Err(Failure::helped(
                format!("there is no VNF snapshot {snapshot}"),
                "mano vnf snapshot list".to_owned(),
            )),
        },
        VnfSnapshots::Delete { snapshot } => Ok(context.vnfs.delete_snapshot(snapshot).await?),
        VnfSnapshots::Revert { vnf, snapshot, vnfc, no_wait } => {
            let vnf = context.find_vnf(&vnf).await?;
            let request = RevertToVnfSnapshotRequest {
                vnf_snapshot_info_id: snapshot,
                vnfc_instance_id: vnfc,
                ..RevertToVnfSnapshotRequest::default()
            };
            begun(context, context.vnfs.revert_to_snapshot(vnf.id, &request).await?, no_wait).await
        }
    }
}
