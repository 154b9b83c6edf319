//! NS instances and their operations as SOL005 shows them: from records, designs and the engine's view.

use lcm::{OperationState, OperationView, StepState, StepView};
use reference_points::or_vnfm::{CancelModeType, InstantiationState, Link, ResourceHandle, Timestamp};
use reference_points::os_ma_nfvo::{
    AddRemoveModify, AffectedNsVirtualLink, AffectedSap, AffectedVnf, AffectedVnfChangeType, ChangeResult, NsInstance,
    NsInstanceLinks, NsLcmOpOcc, NsLcmOpOccLinks, NsLcmOpType, NsLcmOperationStateType, NsResourceChanges,
    NsVirtualLinkChangeType, NsVirtualLinkInfo, SapInfo,
};
use uuid::Uuid;

use super::problems;
use crate::ops::design::{Design, LinkDesign};
use crate::ops::params::{VnfCreated, kinds};
use crate::ops::plan;

const NS_INSTANCES: &str = "/nslcm/v2/ns_instances";
const OP_OCCS: &str = "/nslcm/v2/ns_lcm_op_occs";

/// Path of an NS instance.
pub fn ns_path(ns: Uuid) -> String {
    format!("{NS_INSTANCES}/{ns}")
}

/// Path of an operation occurrence.
pub fn op_path(op: Uuid) -> String {
    format!("{OP_OCCS}/{op}")
}

/// Links of an NS instance in its state.
pub fn ns_links(ns: &NsInstance) -> NsInstanceLinks {
    let path = ns_path(ns.id);
    let task = |name: &str, there: bool| there.then(|| Link::new(format!("{path}/{name}")));
    let running = ns.ns_state == InstantiationState::Instantiated;
    NsInstanceLinks {
        self_: Link::new(path.clone()),
        instantiate: task("instantiate", !running),
        terminate: task("terminate", running),
        ..NsInstanceLinks::default()
    }
}

/// What the design adds to the NS instance once it is being made.
pub fn show_design(ns: &mut NsInstance, design: &Design) {
    ns.flavour_id = Some(design.flavour_id.clone());
    ns.virtual_link_info = design.links.iter().map(|l| link_info(design, l)).collect();
    ns.sap_info = design
        .saps
        .iter()
        .map(|s| SapInfo {
            id: s.id.to_string(),
            sapd_id: s.sapd_id.clone(),
            sap_name: s.name.clone(),
            description: s.description.clone(),
            sap_protocol_info: Vec::new(),
        })
        .collect();
}

/// Nothing of the NS is there any more.
pub fn show_nothing(ns: &mut NsInstance) {
    ns.ns_state = InstantiationState::NotInstantiated;
    ns.flavour_id = None;
    ns.virtual_link_info.clear();
    ns.sap_info.clear();
    ns.vnf_instance.clear();
}

fn link_info(design: &Design, link: &LinkDesign) -> NsVirtualLinkInfo {
    NsVirtualLinkInfo {
        id: link.network_id.to_string(),
        ns_virtual_link_desc_id: link.desc_id.clone(),
        ns_virtual_link_profile_id: link.profile_id.clone(),
        resource_handle: vec![ResourceHandle {
            vim_connection_id: Some(design.vim.id.to_string()),
            resource_provider_id: None,
            resource_id: link.network_id.to_string(),
            vim_level_resource_type: Some("network".to_owned()),
        }],
        link_port: Vec::new(),
    }
}

/// State of an operation in SOL005, which has no STARTING.
pub fn state(state: OperationState) -> NsLcmOperationStateType {
    match state {
        OperationState::Starting | OperationState::Processing => NsLcmOperationStateType::Processing,
        OperationState::Completed => NsLcmOperationStateType::Completed,
        OperationState::FailedTemp => NsLcmOperationStateType::FailedTemp,
        OperationState::Failed => NsLcmOperationStateType::Failed,
        OperationState::RollingBack => NsLcmOperationStateType::RollingBack,
        OperationState::RolledBack => NsLcmOperationStateType::RolledBack,
    }
}

/// How an operation is cancelled, while it is.
pub fn cancel_mode(op: &OperationView) -> Option<CancelModeType> {
    op.cancel.map(|mode| match mode {
        lcm::CancelMode::Graceful => CancelModeType::Graceful,
        lcm::CancelMode::Forceful => CancelModeType::Forceful,
    })
}

/// An operation occurrence as it stands.
pub fn op_occ(op: &OperationView, steps: &[StepView], design: Option<&Design>) -> NsLcmOpOcc {
    let kind = op.kind.parse().unwrap_or(NsLcmOpType::Update);
    let ns = op.subject.parse().unwrap_or_default();
    let changes = design.map(|d| changes(kind, d, steps)).filter(|c| *c != NsResourceChanges::default());
    NsLcmOpOcc {
        id: op.id,
        operation_state: state(op.state),
        status_entered_time: Timestamp::from_micros(op.state_entered),
        ns_instance_id: ns,
        lcm_operation_type: kind,
        start_time: Timestamp::from_micros(op.created_at),
        is_automatic_invocation: op.automatic,
        operation_params: Some(op.params.as_ref().clone()),
        is_cancel_pending: op.is_cancel_pending(),
        cancel_mode: cancel_mode(op),
        error: op.error.as_ref().filter(|_| failed(op.state)).map(|p| problems::details(p, op)),
        resource_changes: changes,
        links: op_links(op.id, ns, kind, state(op.state)),
    }
}

fn failed(state: OperationState) -> bool {
    matches!(state, OperationState::FailedTemp | OperationState::Failed)
}

/// Links of an operation occurrence in its state.
pub fn op_links(op: Uuid, ns: Uuid, kind: NsLcmOpType, state: NsLcmOperationStateType) -> NsLcmOpOccLinks {
    use NsLcmOperationStateType as S;
    let path = op_path(op);
    let task = |name: &str, there: bool| there.then(|| Link::new(format!("{path}/{name}")));
    let resting = state == S::FailedTemp;
    NsLcmOpOccLinks {
        self_: Link::new(path.clone()),
        ns_instance: Link::new(ns_path(ns)),
        cancel: task("cancel", matches!(state, S::Processing | S::RollingBack)),
        retry: task("retry", resting),
        rollback: task("rollback", resting && kind == NsLcmOpType::Instantiate),
        continue_: task("continue", resting),
        fail: task("fail", resting),
    }
}

/// What an operation did to the parts of the NS so far.
fn changes(kind: NsLcmOpType, design: &Design, steps: &[StepView]) -> NsResourceChanges {
    let result = |step: &StepView| match step.state {
        StepState::Done => Some(ChangeResult::Completed),
        StepState::Undone => Some(ChangeResult::RolledBack),
        StepState::Failed | StepState::UndoFailed => Some(ChangeResult::Failed),
        _ => None,
    };
    let ending = kind == NsLcmOpType::Terminate;
    let find = |key: &str| steps.iter().find(|s| s.key == key);
    let mut out = NsResourceChanges::default();
    for vnf in &design.vnfs {
        let (key, change_type) = if ending {
            (plan::terminate_key(&vnf.part), AffectedVnfChangeType::Terminate)
        } else {
            (plan::instantiate_key(&vnf.part), AffectedVnfChangeType::Instantiate)
        };
        let Some((step, change_result)) = find(&key).and_then(|s| Some((s, result(s)?))) else { continue };
        let created = find(&plan::create_key(&vnf.part)).and_then(|s| s.output.as_deref());
        let created =
            created.or(step.output.as_deref()).and_then(|o| serde_json::from_value::<VnfCreated>(o.clone()).ok());
        let Some(VnfCreated { vnf_instance_id }) = created else { continue };
        out.affected_vnfs.push(AffectedVnf {
            vnf_instance_id,
            vnfd_id: vnf.vnfd_id.clone(),
            vnf_profile_id: vnf.profile_id.clone(),
            vnf_name: vnf.name.clone(),
            change_type,
            change_result,
            changed_info: None,
        });
    }
    for link in &design.links {
        let step =
            find(&plan::network_key(link)).filter(|s| s.kind == kinds::NETWORK || s.kind == kinds::NETWORK_DELETE);
        let Some(change_result) = step.and_then(result) else { continue };
        out.affected_vls.push(AffectedNsVirtualLink {
            ns_virtual_link_instance_id: link.network_id.to_string(),
            ns_virtual_link_desc_id: link.desc_id.clone(),
            vl_profile_id: link.profile_id.clone(),
            change_type: Some(if ending { NsVirtualLinkChangeType::Delete } else { NsVirtualLinkChangeType::Add }),
            change_result: Some(change_result),
        });
        for sap in design.saps.iter().filter(|s| s.link == link.profile_id) {
            out.affected_saps.push(AffectedSap {
                sap_instance_id: sap.id.to_string(),
                sapd_id: sap.sapd_id.clone(),
                sap_name: Some(sap.name.clone()),
                change_type: Some(if ending { AddRemoveModify::Remove } else { AddRemoveModify::Add }),
                change_result: Some(change_result),
            });
        }
    }
    out
}
