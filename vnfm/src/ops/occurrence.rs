//! The operation occurrence (SOL003 clause 5.5.2.13) and its notifications (clause 5.5.2.17), made from the engine's view
//! of an operation. Pure.

use lcm::{OperationState, OperationView, Problem, StepState, StepView};
use reference_points::common::{ProblemDetails, TraceContext};
use reference_points::or_vnfm::{
    AffectedExtLinkPort, AffectedVirtualLink, AffectedVirtualStorage, AffectedVnfc, CancelModeType, ChangeType, Grant,
    LccnLinks, LccnNotificationType, LcmOpOccNotificationVerbosityType, LcmOperationNotificationStatus,
    LcmOperationStateType, LcmOperationType, Link, ResourceChanges, Timestamp, VirtualLinkChangeType,
    VnfInfoModifications, VnfLcmOpOcc, VnfLcmOpOccLinks, VnfLcmOperationOccurrenceNotification,
};
use serde::Deserialize;
use uuid::Uuid;

use super::blueprint::PortOn;
use super::converge::ChangeParams;
use super::instantiate::GRANT;
use super::inventory::{Owned, Part, after, output, volumes_of};
use super::operate::PowerParams;
use super::params::OperationParams;
use super::record;
use super::revert::RevertParams;
use super::terminate::RemoveParams;

/// Kind of an instantiation in the engine.
pub const INSTANTIATE: &str = "INSTANTIATE";
/// Kind of a termination in the engine.
pub const TERMINATE: &str = "TERMINATE";
/// Kind of a scaling by steps in the engine.
pub const SCALE: &str = "SCALE";
/// Kind of a scaling to a level in the engine.
pub const SCALE_TO_LEVEL: &str = "SCALE_TO_LEVEL";
/// Kind of a modification of the record in the engine.
pub const MODIFY_INFO: &str = "MODIFY_INFO";
/// Kind of a healing in the engine.
pub const HEAL: &str = "HEAL";
/// Kind of a start or stop in the engine.
pub const OPERATE: &str = "OPERATE";
/// Kind of a change of the deployment flavour in the engine.
pub const CHANGE_FLAVOUR: &str = "CHANGE_FLAVOUR";
/// Kind of a change of the external connectivity in the engine.
pub const CHANGE_EXT_CONN: &str = "CHANGE_EXT_CONN";
/// Kind of a change of the VNF package in the engine.
pub const CHANGE_VNFPKG: &str = "CHANGE_VNFPKG";

/// Kind of taking a snapshot in the engine.
pub const CREATE_SNAPSHOT: &str = "CREATE_SNAPSHOT";
/// Kind of a return to a snapshot in the engine.
pub const REVERT_TO_SNAPSHOT: &str = "REVERT_TO_SNAPSHOT";

/// The occurrence as it stands. `base` is the VNFM's own address.
pub fn of(op: &OperationView, steps: &[StepView], base: &str) -> VnfLcmOpOcc {
    let instance = op.subject.parse().unwrap_or_else(|_| Uuid::nil());
    let params = OperationParams::deserialize(op.params.as_ref()).ok();
    let completed = params.as_ref().filter(|_| op.state == OperationState::Completed);
    let changes = changes(steps);
    let grant: Option<Grant> = steps.iter().find(|s| s.key == GRANT).and_then(output);
    let snapshot = params.as_ref().and_then(|p| Some(p.snapshot.as_ref()?.info));
    VnfLcmOpOcc {
        id: op.id,
        operation_state: state(op.state),
        state_entered_time: Timestamp::from_micros(op.state_entered),
        start_time: Timestamp::from_micros(op.created_at),
        vnf_instance_id: instance,
        grant_id: grant.map(|g| g.id),
        operation: operation(&op.kind),
        is_automatic_invocation: op.automatic,
        changed_info: completed.and_then(changed),
        changed_ext_connectivity: completed.map(|p| p.connectivity.clone()).unwrap_or_default(),
        modifications_triggered_by_vnf_pkg_change: completed.and_then(|p| p.package.as_deref().cloned()),
        operation_params: params.map(|p| p.request),
        is_cancel_pending: op.is_cancel_pending(),
        cancel_mode: op.cancel.map(|mode| match mode {
            lcm::CancelMode::Graceful => CancelModeType::Graceful,
            lcm::CancelMode::Forceful => CancelModeType::Forceful,
        }),
        error: op.error.as_ref().map(|problem| error(op, problem)),
        resource_changes: (changes != ResourceChanges::default()).then_some(changes),
        vnf_snapshot_info_id: snapshot,
        lcm_coordinations: Vec::new(),
        rejected_lcm_coordinations: Vec::new(),
        links: Some(links(op, instance, snapshot, base)),
    }
}

fn changed(params: &OperationParams) -> Option<VnfInfoModifications> {
    params.modified.as_ref().map(|modified| modified.1.clone())
}

/// `LcmOperationStateType` of an engine state.
pub fn state(state: OperationState) -> LcmOperationStateType {
    match state {
        OperationState::Starting => LcmOperationStateType::Starting,
        OperationState::Processing => LcmOperationStateType::Processing,
        OperationState::Completed => LcmOperationStateType::Completed,
        OperationState::FailedTemp => LcmOperationStateType::FailedTemp,
        OperationState::Failed => LcmOperationStateType::Failed,
        OperationState::RollingBack => LcmOperationStateType::RollingBack,
        OperationState::RolledBack => LcmOperationStateType::RolledBack,
    }
}

fn operation(kind: &str) -> LcmOperationType {
    kind.parse().unwrap_or(LcmOperationType::Instantiate)
}

/// The error of an operation: which step, which resource, what was answered, and what can be done.
pub fn error(op: &OperationView, problem: &Problem) -> ProblemDetails {
    let mut details = details(problem);
    details.trace_id = op.traceparent.as_deref().and_then(|t| t.parse::<TraceContext>().ok()).map(|t| t.trace_id());
    details.instance = Some(format!("/vnflcm/v2/vnf_lcm_op_occs/{}", op.id));
    details
}

fn details(problem: &Problem) -> ProblemDetails {
    let status = problem.status.filter(|s| (400..600).contains(s)).unwrap_or(500);
    let mut details = ProblemDetails::new(status, problem.title.clone(), problem.detail.clone());
    details.step = problem.step.clone();
    details.resource = problem.resource.clone();
    details.answer = problem.source.clone();
    let mut next = Vec::new();
    next.extend(problem.retry.as_ref().map(|text| format!("retry: {text}")));
    next.extend(problem.rollback.as_ref().map(|text| format!("rollback: {text}")));
    if !problem.remaining.is_empty() {
        next.push(format!("left outside: {}; terminate the VNF to remove it", problem.remaining.join(", ")));
    }
    details.next = (!next.is_empty()).then(|| next.join("; "));
    for other in &problem.others {
        let place = other.step.clone().unwrap_or_default();
        let answer = other.source.as_ref().map(|s| format!(" (answered: {s})")).unwrap_or_default();
        details
            .faults
            .push(reference_points::common::Fault::new(place, format!("{}: {}{answer}", other.title, other.detail)));
    }
    details
}

fn links(op: &OperationView, instance: Uuid, snapshot: Option<Uuid>, base: &str) -> VnfLcmOpOccLinks {
    let own = format!("{base}/vnflcm/v2/vnf_lcm_op_occs/{}", op.id);
    let task =
        |name: &str, states: &[OperationState]| states.contains(&op.state).then(|| Link::new(format!("{own}/{name}")));
    use OperationState::{FailedTemp, Processing, RollingBack, Starting};
    VnfLcmOpOccLinks {
        vnf_instance: Link::new(format!("{base}/vnflcm/v2/vnf_instances/{instance}")),
        grant: None,
        cancel: task("cancel", &[Starting, Processing, RollingBack]),
        retry: task("retry", &[FailedTemp]),
        rollback: task("rollback", &[FailedTemp]).filter(|_| op.kind != TERMINATE),
        fail: task("fail", &[FailedTemp]),
        vnf_snapshot: snapshot.map(|id| Link::new(format!("{base}/vnflcm/v2/vnf_snapshots/{id}"))),
        self_: Link::new(own),
    }
}

/// What the operation has changed so far.
fn changes(steps: &[StepView]) -> ResourceChanges {
    let mut changes = ResourceChanges::default();
    let made = after(Vec::new(), steps);
    // What is made under the identifier of something that was cleared away is that again.
    let cleared: Vec<Uuid> = steps.iter().filter(|s| s.kind == "clear").filter_map(removed).map(|r| r.id()).collect();
    for step in steps.iter().filter(|s| s.state == StepState::Done) {
        if let Some(part) = Part::of(step)
            && let Some(owned) = made.iter().find(|o| o.part == part)
        {
            let again = cleared.contains(&owned.id());
            affected(&mut changes, owned, if again { ChangeType::Modified } else { ChangeType::Added });
        } else if step.kind == "change"
            && let Ok(change) = ChangeParams::deserialize(step.params.as_ref())
        {
            let owned = Owned { part: Part::Compute(change.part), ..change.old };
            affected(&mut changes, &owned, ChangeType::Modified);
        } else if step.kind == "remove"
            && let Some(resource) = removed(step)
        {
            affected(&mut changes, &resource, ChangeType::Removed);
        } else if step.kind == "power"
            && let Ok(power) = PowerParams::deserialize(step.params.as_ref())
        {
            affected(&mut changes, &power.vnfc, ChangeType::Modified);
        } else if step.kind == "revert"
            && let Ok(returned) = RevertParams::deserialize(step.params.as_ref())
        {
            affected(&mut changes, &returned.vnfc, ChangeType::Modified);
        }
    }
    changes
}

fn removed(step: &StepView) -> Option<Owned> {
    RemoveParams::deserialize(step.params.as_ref()).ok().map(|params| params.resource)
}

fn affected(changes: &mut ResourceChanges, owned: &Owned, change: ChangeType) {
    let (id, handle, metadata) = (owned.id().to_string(), record::handle(owned), serde_json::Map::new());
    let definition = (change == ChangeType::Added).then(|| id.clone());
    match &owned.part {
        Part::Compute(vnfc) => {
            let volumes: Vec<String> = volumes_of(vnfc).map(|id| id.to_string()).collect();
            let of = |wanted| if change == wanted { volumes.clone() } else { Vec::new() };
            changes.affected_vnfcs.push(AffectedVnfc {
                id,
                vdu_id: vnfc.vdu.clone(),
                vnfd_id: None,
                change_type: change,
                compute_resource: handle,
                resource_definition_id: definition,
                zone_id: None,
                metadata,
                affected_vnfc_cp_ids: vnfc.ports.iter().map(|p| format!("cp-{}", p.id)).collect(),
                added_storage_resource_ids: of(ChangeType::Added),
                removed_storage_resource_ids: of(ChangeType::Removed),
            });
        }
        Part::Network(link) => changes.affected_virtual_links.push(AffectedVirtualLink {
            id,
            vnf_virtual_link_desc_id: link.desc.clone(),
            vnfd_id: None,
            change_type: if change == ChangeType::Removed {
                VirtualLinkChangeType::Removed
            } else {
                VirtualLinkChangeType::Added
            },
            network_resource: handle,
            vnf_link_port_ids: Vec::new(),
            resource_definition_id: definition,
            zone_id: None,
            metadata,
        }),
        Part::Volume(volume) => changes.affected_virtual_storages.push(AffectedVirtualStorage {
            id,
            virtual_storage_desc_id: volume.desc.clone(),
            vnfd_id: None,
            change_type: change,
            storage_resource: handle,
            resource_definition_id: definition,
            zone_id: None,
            metadata,
        }),
        Part::Port(port) if matches!(port.port.on, PortOn::External { .. }) => {
            changes.affected_ext_link_ports.push(AffectedExtLinkPort {
                id: id.clone(),
                change_type: change,
                ext_cp_instance_id: format!("extcp-{id}"),
                resource_handle: handle,
                resource_definition_id: definition,
            });
        }
        Part::AffinityGroup(_) | Part::Subnet(_) | Part::Port(_) => {}
    }
}

/// The notification of a state change, but for what belongs to one subscription.
pub fn notification(
    op: &OperationView,
    steps: &[StepView],
    id: Uuid,
    base: &str,
) -> VnfLcmOperationOccurrenceNotification {
    let occurrence = of(op, steps, base);
    let changes = occurrence.resource_changes.unwrap_or_default();
    let begins = op.state == OperationState::Starting;
    let href = |path: String| Link::new(format!("{base}{path}"));
    VnfLcmOperationOccurrenceNotification {
        id,
        notification_type: LccnNotificationType::VnfLcmOperationOccurrenceNotification,
        subscription_id: Uuid::nil(),
        time_stamp: Timestamp::from_micros(op.state_entered),
        notification_status: match op.state {
            OperationState::Starting | OperationState::Processing | OperationState::RollingBack => {
                LcmOperationNotificationStatus::Start
            }
            _ => LcmOperationNotificationStatus::Result,
        },
        operation_state: occurrence.operation_state,
        vnf_instance_id: occurrence.vnf_instance_id,
        operation: occurrence.operation,
        is_automatic_invocation: op.automatic,
        verbosity: Some(LcmOpOccNotificationVerbosityType::Full),
        vnf_lcm_op_occ_id: op.id,
        affected_vnfcs: if begins { Vec::new() } else { changes.affected_vnfcs },
        affected_virtual_links: if begins { Vec::new() } else { changes.affected_virtual_links },
        affected_ext_link_ports: if begins { Vec::new() } else { changes.affected_ext_link_ports },
        affected_virtual_storages: if begins { Vec::new() } else { changes.affected_virtual_storages },
        changed_info: occurrence.changed_info,
        changed_ext_connectivity: occurrence.changed_ext_connectivity,
        modifications_triggered_by_vnf_pkg_change: occurrence.modifications_triggered_by_vnf_pkg_change,
        error: occurrence.error,
        links: LccnLinks {
            vnf_instance: href(format!("/vnflcm/v2/vnf_instances/{}", occurrence.vnf_instance_id)),
            subscription: Link::default(),
            vnf_lcm_op_occ: Some(href(format!("/vnflcm/v2/vnf_lcm_op_occs/{}", op.id))),
        },
    }
}
