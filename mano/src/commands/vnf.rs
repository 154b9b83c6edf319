//! `mano vnf`: single VNFs, their consoles, and what changes them while they run.

use reference_points::common::KeyValuePairs;
use reference_points::or_vnfm::{
    HealVnfRequest, OperateVnfRequest, ScaleInfo, ScaleType, ScaleVnfRequest, ScaleVnfToLevelRequest, StopType,
    VnfInfoModificationRequest, VnfInstance, VnfOperationalState,
};
use reference_points::os_ma_nfvo::verification::Check;
use serde_json::Value;
use uuid::Uuid;

use super::{vnf_changes, vnf_snapshots};
use crate::cli::{ListArgs, Scale, Vnf};
use crate::context::{Context, id_of};
use crate::fail::Failure;
use crate::lists;
use crate::live;
use crate::output::{self, Format};

pub async fn run(context: &Context, command: Vnf) -> Result<(), Failure> {
    match command {
        Vnf::List(list) => {
            let columns = [
                ("id", "/id"),
                ("name", "/vnfInstanceName"),
                ("product", "/vnfProductName"),
                ("state", "/instantiationState"),
                ("vnfd", "/vnfdId"),
            ];
            output::list(
                context.format,
                &lists::all(&list, |query| async move { context.vnfs.list(&query).await }).await?,
                &columns,
            )
        }
        Vnf::Show { vnf } => output::one(context.format, &context.find_vnf(&vnf).await?),
        Vnf::Log { vnf, bytes } => {
            for machine in machines(&context.find_vnf(&vnf).await?)? {
                output::line(&format!("── {} {}", machine.vdu, machine.compute))?;
                output::line(&context.mano.console_log(machine.vim, machine.compute, bytes).await?)?;
            }
            Ok(())
        }
        Vnf::Console { vnf } => {
            let mut rows = Vec::new();
            for machine in machines(&context.find_vnf(&vnf).await?)? {
                let access = context.mano.console(machine.vim, machine.compute).await?;
                rows.push(vec![machine.vdu, access.kind, access.path, access.command]);
            }
            output::table(&["vdu", "kind", "path", "command"], rows)
        }
        Vnf::Stop { vnfcs, grace } => {
            let request = OperateVnfRequest {
                vnfc_instance_id: vnfcs.vnfcs,
                change_state_to: VnfOperationalState::Stopped,
                stop_type: Some(if grace.is_some() { StopType::Graceful } else { StopType::Forceful }),
                graceful_stop_timeout: grace,
                additional_params: KeyValuePairs::new(),
            };
            let vnf = context.find_vnf(&vnfcs.vnf).await?;
            begun(context, context.vnfs.operate(vnf.id, &request).await?, vnfcs.no_wait).await
        }
        Vnf::Start { vnfcs } => {
            let request = OperateVnfRequest {
                vnfc_instance_id: vnfcs.vnfcs,
                change_state_to: VnfOperationalState::Started,
                stop_type: None,
                graceful_stop_timeout: None,
                additional_params: KeyValuePairs::new(),
            };
            let vnf = context.find_vnf(&vnfcs.vnf).await?;
            begun(context, context.vnfs.operate(vnf.id, &request).await?, vnfcs.no_wait).await
        }
        Vnf::Heal { vnfcs, cause } => {
            let request = HealVnfRequest { vnfc_instance_id: vnfcs.vnfcs, cause, ..HealVnfRequest::default() };
            let vnf = context.find_vnf(&vnfcs.vnf).await?;
            begun(context, context.vnfs.heal(vnf.id, &request).await?, vnfcs.no_wait).await
        }
        Vnf::Indicators { vnf, list } => indicators(context, &vnf, &list).await,
        Vnf::Verify { vnf, all } => verify(context, &vnf, all).await,
        Vnf::Flavour { vnf, flavour, level, no_wait } => {
            let vnf = context.find_vnf(&vnf).await?;
            begun(context, vnf_changes::flavour(context, vnf.id, flavour, level).await?, no_wait).await
        }
        Vnf::Connect(connect) => {
            let vnf = context.find_vnf(&connect.vnf).await?;
            begun(context, vnf_changes::connect(context, &vnf, &connect).await?, connect.no_wait).await
        }
        Vnf::Upgrade { vnf, package, blue_green, no_wait } => {
            let vnf = context.find_vnf(&vnf).await?;
            begun(context, vnf_changes::upgrade(context, vnf.id, &package, blue_green).await?, no_wait).await
        }
        Vnf::Snapshot(command) => vnf_snapshots::run(context, command).await,
        Vnf::Modify { vnf, name, description, metadata, property } => {
            let changes = VnfInfoModificationRequest {
                vnf_instance_name: name,
                vnf_instance_description: description,
                metadata: settings(&metadata),
                vnf_configurable_properties: settings(&property),
                ..VnfInfoModificationRequest::default()
            };
            let vnf = context.find_vnf(&vnf).await?;
            begun(context, context.vnfs.modify(vnf.id, &changes, None).await?, false).await
        }
        Vnf::Scale(scale) => {
            let vnf = context.find_vnf(&scale.vnf).await?;
            let no_wait = scale.no_wait;
            begun(context, scaling(context, vnf.id, scale).await?, no_wait).await
        }
    }
}

async fn indicators(context: &Context, vnf: &str, list: &ListArgs) -> Result<(), Failure> {
    let vnf = context.find_vnf(vnf).await?.id;
    let source = context.vnf_ops.indicator_source(vnf).await?;
    let found = lists::all(list, |query| async move { context.indicators.of(vnf, &query).await }).await?;
    output::list(context.format, &found, &[("id", "/id"), ("name", "/name"), ("value", "/value")])?;
    match source.problem.filter(|_| context.format == Format::Table) {
        Some(problem) => output::line(&format!("not up to date: {problem}")),
        None => Ok(()),
    }
}

async fn verify(context: &Context, vnf: &str, all: bool) -> Result<(), Failure> {
    let vnf = context.find_vnf(vnf).await?;
    let told = context.vnf_ops.verification(vnf.id).await?;
    if context.format != Format::Table {
        output::one(context.format, &told)?;
    } else {
        let shown = told.checks.iter().filter(|check| all || !check.holds);
        let row = |check: &Check| {
            let verdict = if check.holds { "holds" } else { "differs" };
            let Check { subject, aspect, expected, found, .. } = check.clone();
            vec![subject, aspect, expected, found, verdict.to_owned()]
        };
        let rows: Vec<Vec<String>> = shown.map(row).collect();
        if !rows.is_empty() {
            output::table(&["what", "of it", "shall be", "is", ""], rows)?;
        }
        let differ = told.checks.iter().filter(|check| !check.holds).count();
        output::line(&format!("{} checks, {differ} differ", told.checks.len()))?;
    }
    if told.holds { Ok(()) } else { Err(Failure::Reported) }
}

struct OneMachine {
    vdu: String,
    vim: Uuid,
    compute: Uuid,
}

fn machines(vnf: &VnfInstance) -> Result<Vec<OneMachine>, Failure> {
    let name = vnf.vnf_instance_name.clone().unwrap_or_else(|| vnf.id.to_string());
    let Some(info) = &vnf.instantiated_vnf_info else {
        return Err(Failure::helped(format!("{name} is not instantiated: it has no machines"), "mano vnf list"));
    };
    info.vnfc_resource_info
        .iter()
        .map(|vnfc| {
            let vim = vnfc.compute_resource.vim_connection_id.as_deref().unwrap_or_default();
            Ok(OneMachine {
                vdu: vnfc.vdu_id.clone(),
                vim: id_of(vim)?,
                compute: id_of(&vnfc.compute_resource.resource_id)?,
            })
        })
        .collect()
}

/// `KEY=VALUE`s as a merge patch: a value that is JSON stands for itself, any other is text, and none takes the key away.
pub(super) fn settings(given: &[String]) -> Option<KeyValuePairs> {
    let setting = |text: &String| {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        let text = || Value::String(value.to_owned());
        let value = if value.is_empty() { Value::Null } else { serde_json::from_str(value).unwrap_or_else(|_| text()) };
        (key.to_owned(), value)
    };
    (!given.is_empty()).then(|| given.iter().map(setting).collect())
}

async fn scaling(context: &Context, vnf: Uuid, scale: Scale) -> Result<Uuid, Failure> {
    let by_steps = scale.out.map(|aspect| (ScaleType::ScaleOut, aspect));
    let by_steps = by_steps.or_else(|| scale.into.map(|aspect| (ScaleType::ScaleIn, aspect)));
    if let Some((r#type, aspect_id)) = by_steps {
        let number_of_steps = Some(scale.steps);
        let request = ScaleVnfRequest { r#type, aspect_id, number_of_steps, additional_params: KeyValuePairs::new() };
        return Ok(context.vnfs.scale(vnf, &request).await?);
    }
    let mut scale_info = Vec::new();
    for text in &scale.aspect_level {
        let parsed = text.split_once('=').and_then(|(aspect, level)| Some((aspect.to_owned(), level.parse().ok()?)));
        let Some((aspect_id, scale_level)) = parsed else {
            return Err(Failure::usage(format!("--aspect-level {text:?} is not ASPECT=LEVEL")));
        };
        scale_info.push(ScaleInfo { aspect_id, vnfd_id: None, scale_level });
    }
    let request =
        ScaleVnfToLevelRequest { instantiation_level_id: scale.level, scale_info, ..ScaleVnfToLevelRequest::default() };
    Ok(context.vnfs.scale_to_level(vnf, &request).await?)
}

pub(super) async fn begun(context: &Context, op: Uuid, no_wait: bool) -> Result<(), Failure> {
    if !no_wait {
        return live::watch(context, op).await.map(drop);
    }
    output::line(&op.to_string())?;
    output::note(&format!("next: mano op watch {op}"));
    Ok(())
}
