//! NS instances: created, read, deleted; instantiated and terminated by operations (SOL005 clause 6.4).

use std::collections::BTreeMap;

use axum::response::Response;
use lcm::{NewOperation, Plan};
use reference_points::common::Fault;
use reference_points::or_vnfm::{InstantiationState, VnfInstance};
use reference_points::os_ma_nfvo::{
    CreateNsRequest, InstantiateNsRequest, NsInstance, NsInstanceLinks, NsLccnNotificationType, NsLcmOpType,
    TerminateNsRequest,
};
use serde_json::Value;
use service::http::{ApiError, ApiResult, IfMatch};
use service::query::ListQuery;
use service::store::Stored;
use uuid::Uuid;

use super::{App, notices, ns_view, problems, traceparent, vim_images};
use crate::ops::design::{Design, VimRef};
use crate::ops::plan;
use crate::ops::resolve::{Sources, VIM_PARAM, resolve};
use crate::store::ns::{NS, NsRecord};
use crate::store::vims::VimRecord;
use crate::store::{descriptors, uses, vims, vnfs};

/// Longest name and description, in characters.
const MAX_TEXT: usize = 1000;

/// Creates an NS instance identifier.
///
/// # Errors
/// 422 unless the NSD is onboarded and enabled.
pub async fn create(app: &App, request: CreateNsRequest) -> ApiResult<NsInstance> {
    let mut faults = Vec::new();
    for (at, text) in [("/nsName", &request.ns_name), ("/nsDescription", &request.ns_description)] {
        if text.chars().count() > MAX_TEXT {
            faults.push(Fault::new(at, format!("is longer than {MAX_TEXT} characters")));
        }
    }
    let found = descriptors::nsd(&app.db, &request.nsd_id).await?;
    let nsd_info = match found {
        Some((info, true, _)) => Some(info),
        Some((info, false, _)) => {
            let mend = format!("set nsdOperationalState of NSD {info} to ENABLED");
            faults.push(Fault::new("/nsdId", "the NSD is disabled").mend(mend));
            None
        }
        None => {
            let why = format!("no NSD with identifier \"{}\" is onboarded", request.nsd_id);
            faults.push(Fault::new("/nsdId", why).mend("mano nsd list shows those that are"));
            None
        }
    };
    let (true, Some(nsd_info_id)) = (faults.is_empty(), nsd_info) else {
        return Err(ApiError::unprocessable("the NS instance cannot be created", faults));
    };
    let ns = NsInstance {
        id: app.ids.mint(),
        ns_instance_name: request.ns_name,
        ns_instance_description: request.ns_description,
        nsd_id: request.nsd_id,
        nsd_info_id,
        flavour_id: None,
        vnf_instance: Vec::new(),
        pnf_info: Vec::new(),
        virtual_link_info: Vec::new(),
        vnffg_info: Vec::new(),
        sap_info: Vec::new(),
        nested_ns_instance_id: Vec::new(),
        vnf_snapshot_info_ids: Vec::new(),
        ns_state: InstantiationState::NotInstantiated,
        monitoring_parameter: Vec::new(),
        ns_scale_status: Vec::new(),
        additional_affinity_or_anti_affinity_rule: Vec::new(),
        wan_connection_info: Vec::new(),
        links: NsInstanceLinks::default(),
    };
    let now = app.now();
    db::transaction!(app.db, |tx| {
        if !descriptors::hold(tx, nsd_info_id).await? {
            return Err(ApiError::conflict("the NSD was deleted or disabled just now"));
        }
        uses::insert(tx, ns.id, nsd_info_id).await?;
        NS.insert(tx, ns.id, NsRecord { ns: ns.clone(), design: None }, now).await?;
        let kind = NsLccnNotificationType::NsIdentifierCreationNotification;
        app.notices.ns.enqueue(tx, notices::ns_identifier(app.ids.mint(), kind, &ns, now), now).await?;
        Ok(())
    })?;
    app.notices.ns.kick();
    Ok(shown(ns))
}

/// With its links.
pub fn shown(mut ns: NsInstance) -> NsInstance {
    ns.links = ns_view::ns_links(&ns);
    ns
}

/// An NS instance with its VNF instances as the VNFM has them now.
///
/// # Errors
/// 404 without such an instance.
pub async fn get(app: &App, id: Uuid) -> ApiResult<(NsInstance, String)> {
    let stored = NS.require(&app.db, id).await?;
    let etag = stored.etag();
    let mut ns = stored.document.ns;
    if let Some(design) = &stored.document.design {
        ns_view::show_design(&mut ns, design);
        ns.vnf_instance = vnf_instances(app, id).await?;
    }
    Ok((shown(ns), etag))
}

/// NS instances, filtered, with the attributes asked for, by pages. VNF instances are shown one NS at a time.
///
/// # Errors
/// 400 for a bad query.
pub async fn list(app: &App, query: &ListQuery) -> ApiResult<Response> {
    NS.respond(&app.db, query, |stored, shown| {
        let mut ns = stored.document.ns.clone();
        if let Some(design) = &stored.document.design {
            ns_view::show_design(&mut ns, design);
        }
        ns.links = ns_view::ns_links(&ns);
        if let Ok(value) = serde_json::to_value(ns) {
            *shown = value;
        }
    })
    .await
}

/// The VNF instances of an NS. One that the VNFM cannot show now is left out, which the log tells.
pub async fn vnf_instances(app: &App, ns: Uuid) -> ApiResult<Vec<VnfInstance>> {
    let known = vnfs::of_ns(&app.db, ns).await?;
    let asked = futures::future::join_all(known.values().map(|id| app.vnfm.get(*id))).await;
    let mut instances = Vec::new();
    for answer in asked {
        match answer {
            Ok(found) => instances.extend(found),
            Err(error) => tracing::warn!(%ns, %error, "a VNF instance cannot be shown"),
        }
    }
    Ok(instances)
}

/// Deletes an NS instance identifier.
///
/// # Errors
/// 404, or 409 while it is instantiated or an operation on it is not over.
pub async fn delete(app: &App, id: Uuid, if_match: IfMatch) -> ApiResult<()> {
    let now = app.now();
    db::transaction!(app.db, |tx| {
        let stored = NS.lock(tx, id).await?;
        if_match.check(&stored.etag())?;
        if stored.document.ns.ns_state == InstantiationState::Instantiated {
            let mut error = ApiError::conflict(format!("NS instance {id} is instantiated"));
            error.problem.next = Some(format!("mano ns terminate {id} --wait"));
            return Err(error);
        }
        if stored.document.design.is_some() {
            let mut error = ApiError::conflict(format!("an operation on NS instance {id} is not over"));
            error.problem.next = Some(format!("mano op list --ns {id}"));
            return Err(error);
        }
        uses::release(tx, id, None).await?;
        NS.delete(tx, id, None).await?;
        let kind = NsLccnNotificationType::NsIdentifierDeletionNotification;
        let told = notices::ns_identifier(app.ids.mint(), kind, &stored.document.ns, now);
        app.notices.ns.enqueue(tx, told, now).await?;
        Ok(())
    })?;
    app.notices.ns.kick();
    Ok(())
}

/// Begins an instantiation; returns the operation occurrence.
///
/// # Errors
/// 404, 409 when it is instantiated or another operation is not over, 422 with every fault.
pub async fn instantiate(app: &App, id: Uuid, request: InstantiateNsRequest) -> ApiResult<Uuid> {
    let stored = NS.require(&app.db, id).await?;
    let ns = &stored.document.ns;
    if ns.ns_state == InstantiationState::Instantiated {
        return Err(ApiError::conflict(format!("NS instance {id} is instantiated already")));
    }
    let Some((nsd_info, enabled, nsd)) = descriptors::nsd(&app.db, &ns.nsd_id).await? else {
        return Err(ApiError::conflict(format!("the NSD {} of this NS instance is not onboarded any more", ns.nsd_id)));
    };
    if !enabled {
        let mut error = ApiError::conflict(format!("the NSD {} is disabled", ns.nsd_id));
        error.problem.next = Some(format!("set nsdOperationalState of NSD {nsd_info} to ENABLED"));
        return Err(error);
    }
    let vim = choose_vim(app, request.additional_params_for_ns.get(VIM_PARAM)).await?;
    let packages = descriptors::packages(&app.db, nsd.vnfd_ids()).await?;
    let wanted = packages.values().flat_map(vim_images::lacking);
    let held = vim_images::find(app, vim.id, wanted.collect()).await?;
    let sources = Sources {
        ns_id: id,
        ns_name: &ns.ns_instance_name,
        nsd: &nsd,
        packages: &packages,
        vim: &vim,
        held: &held,
        request: &request,
    };
    let design = resolve(sources, app.ids.as_ref()).map_err(|problem| ApiError::new(*problem))?;
    let plan = plan::instantiate(&design).map_err(unplannable)?;
    let used: Vec<Uuid> = design.vnfs.iter().map(|v| v.package_id).collect();
    submit(app, stored, NsLcmOpType::Instantiate, serde_json::json!(request), plan, Some((design, used))).await
}

/// Begins a termination; returns the operation occurrence.
///
/// # Errors
/// 404, 409 unless it is instantiated and no other operation is under way.
pub async fn terminate(app: &App, id: Uuid, request: TerminateNsRequest) -> ApiResult<Uuid> {
    let stored = NS.require(&app.db, id).await?;
    if request.termination_time.is_some_and(|at| at.micros() > app.now()) {
        let fault = Fault::new("/terminationTime", "an operation begins when it is asked for")
            .mend("leave it out, and send the request when it shall begin");
        return Err(ApiError::unprocessable("the NS cannot be terminated later", vec![fault]));
    }
    let (InstantiationState::Instantiated, Some(design)) = (stored.document.ns.ns_state, &stored.document.design)
    else {
        return Err(ApiError::conflict(format!("NS instance {id} is not instantiated: there is nothing to terminate")));
    };
    let known = vnfs::of_ns(&app.db, id).await?;
    let plan = plan::terminate(design, &known).map_err(unplannable)?;
    submit(app, stored, NsLcmOpType::Terminate, serde_json::json!(request), plan, None).await
}

fn unplannable(faults: lcm::PlanFaults) -> ApiError {
    let faults = faults.0.into_iter().map(|f| Fault::new("NSD", f)).collect();
    ApiError::unprocessable("the network service is too large, or has no part at all", faults)
}

async fn submit(
    app: &App,
    read: Stored<NsRecord>,
    kind: NsLcmOpType,
    params: Value,
    plan: Plan,
    design: Option<(Design, Vec<Uuid>)>,
) -> ApiResult<Uuid> {
    let (ns, op, now) = (read.id, app.ids.mint(), app.now());
    db::transaction!(app.db, |tx| {
        // An operation that is not over is told before a change that it made.
        let operation = NewOperation {
            id: op,
            kind: kind.as_str().to_owned(),
            subject: ns.to_string(),
            params: params.clone(),
            plan: plan.clone(),
            traceparent: traceparent(),
            automatic: false,
        };
        let current = NS.lock(tx, ns).await?;
        if let Some((design, used)) = &design {
            for package in used {
                if !descriptors::hold(tx, *package).await? {
                    return Err(ApiError::conflict(format!("VNF package {package} was deleted or disabled just now")));
                }
                uses::insert(tx, ns, *package).await?;
            }
            // The observer shows the design, so that it is written first.
            if current.revision == read.revision {
                let record = NsRecord { ns: current.document.ns.clone(), design: Some(design.clone()) };
                NS.update(tx, &current, record, now).await?;
            }
        }
        app.engine.submit_in(tx, operation).await.map_err(problems::not_accepted)?;
        if current.revision != read.revision {
            return Err(ApiError::conflict(format!(
                "NS instance {ns} changed while the request was looked at: repeat it"
            )));
        }
        Ok(())
    })?;
    app.engine.kick();
    app.progress.ring();
    Ok(op)
}

/// The VIM a request chooses, or the only one.
async fn choose_vim(app: &App, chosen: Option<&Value>) -> ApiResult<VimRef> {
    let all = vims::all(&app.db).await?;
    let by_name: BTreeMap<&str, &VimRecord> = all.iter().map(|v| (v.name.as_str(), v)).collect();
    let at = format!("/additionalParamsForNs/{VIM_PARAM}");
    let names = || by_name.keys().copied().collect::<Vec<_>>().join(", ");
    let found = match chosen {
        Some(Value::String(text)) => {
            let by_id = all.iter().find(|v| Some(v.id) == text.parse().ok());
            by_id.or_else(|| by_name.get(text.as_str()).copied()).ok_or_else(|| {
                Fault::new(at, format!("no VIM \"{text}\" is registered")).mend(format!("registered: {}", names()))
            })
        }
        Some(other) => {
            Err(Fault::new(at, format!("{other} is no VIM")).mend("give the id or the name of a VIM as text"))
        }
        None => match all.as_slice() {
            [one] => Ok(one),
            [] => Err(Fault::new(at, "no VIM is registered").mend("mano vim add NAME …")),
            _ => Err(Fault::new(at, "several VIMs are registered").mend(format!("choose one: {}", names()))),
        },
    };
    match found {
        Ok(vim) => Ok(vim_ref(app, vim)),
        Err(fault) => Err(ApiError::unprocessable("it is not clear which VIM to use", vec![fault])),
    }
}

/// A VIM as the VNFM must know it.
pub fn vim_ref(app: &App, vim: &VimRecord) -> VimRef {
    VimRef { id: vim.id, vim_type: vim.kind.vim_type().to_owned(), endpoint: app.vi.base().to_owned() }
}
