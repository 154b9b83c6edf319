//! Grants: the VNFM asks before it touches resources (SOL003 clause 9). The answer is stored by operation occurrence, so
//! that asking again gives the same places.

use std::collections::BTreeMap;

use lcm::{NewOperation, SubmitError};
use reference_points::common::{Fault, KeyValuePairs, ProblemDetails};
use reference_points::or_vi::ResourceState;
use reference_points::or_vnfm::{
    Grant, GrantInfo, GrantLinks, GrantRequest, LcmOperationType, Link, ResourceDefinition, ResourceType, VimAssets,
    VimSnapshotResource, VimSoftwareImage, ZoneInfo, paths,
};
use service::http::{ApiError, ApiResult};
use uuid::Uuid;

use super::observer::GRANT;
use super::{App, ns, problems, traceparent, vim_images};
use crate::ops::demand::demands;
use crate::ops::design::{ImageDesign, VimRef};
use crate::ops::held::Wanted;
use crate::ops::placement::{Placement, place};
use crate::ops::plan;
use crate::ops::resolve::{PackageFacts, image_design};
use crate::store::grants::{self, GrantRecord};
use crate::store::{descriptors, vims, vnfs};

/// What a grant request brings.
#[derive(Debug)]
pub enum Answer {
    /// Granted.
    Granted(Box<Grant>),
    /// Decided once the images are in the VIM.
    Later(Uuid),
}

/// Decides a grant request, or finds the decision made before.
///
/// # Errors
/// 403 with every reason, 422 when the request cannot be understood.
pub async fn request(app: &App, request: GrantRequest) -> ApiResult<Answer> {
    if let Some(record) = grants::of_operation(&app.db, request.vnf_lcm_op_occ_id).await? {
        if record.grant.vnf_instance_id != request.vnf_instance_id {
            return Err(ApiError::conflict(format!(
                "operation {} was granted for VNF instance {}, not for {}",
                request.vnf_lcm_op_occ_id, record.grant.vnf_instance_id, request.vnf_instance_id
            )));
        }
        if record.problem.is_none() {
            return Ok(answer(record));
        }
        // What was refused once may be possible now.
        forget(app, record.id).await?;
    }
    let vim = vim_of(app, &request).await?;
    let package = package_of(app, &request).await?;
    let images = match &package {
        Some(package) => images(app, package, &request, vim.id).await?,
        None => Images::default(),
    };
    let placement = placement(app, &request, package.as_ref(), &vim).await?;
    let missing = missing(app, vim.id, &images.brought).await?;
    let grant = grant(app.ids.mint(), request, &vim, &placement, &images.ids);
    store(app, grant, missing, vim.id).await
}

/// A grant by its identifier.
///
/// # Errors
/// 404; 403 when it was refused after all.
pub async fn get(app: &App, id: Uuid) -> ApiResult<Answer> {
    let record = grants::get(&app.db, id).await?.ok_or_else(|| ApiError::not_found(format!("grant {id}")))?;
    match record.problem {
        Some(problem) => Err(ApiError::new(ProblemDetails { status: 403, ..problem })),
        None => Ok(answer(record)),
    }
}

fn answer(record: GrantRecord) -> Answer {
    match record.operation {
        Some(_) => Answer::Later(record.id),
        None => Answer::Granted(Box::new(record.grant)),
    }
}

async fn forget(app: &App, id: Uuid) -> ApiResult<()> {
    for op in app.engine.list(Some(&subject(id)), true, None, 10).await? {
        // It rests in FAILED_TEMP; a new request begins a new one.
        app.engine.fail(op.id).await.map_err(problems::not_performed)?;
    }
    db::transaction!(app.db, |tx| {
        grants::delete(tx, id).await?;
        Ok::<_, ApiError>(())
    })
}

fn subject(grant: Uuid) -> String {
    format!("grant/{grant}")
}

fn refused(faults: Vec<Fault>) -> ApiError {
    ApiError::new(ProblemDetails {
        faults,
        ..ProblemDetails::new(403, "Grant refused", "the operation is not permitted")
    })
}

/// The VIM of the NS, of the request, of the resources concerned, or the only one.
async fn vim_of(app: &App, request: &GrantRequest) -> ApiResult<VimRef> {
    let all = vims::all(&app.db).await?;
    let of_ns = vnfs::get(&app.db, request.vnf_instance_id).await?.map(|v| v.vim);
    let asked = request.additional_params.get("vimId").and_then(|v| v.as_str()?.parse().ok());
    let existing = [&request.update_resources, &request.remove_resources];
    let of_resources = existing
        .into_iter()
        .flatten()
        .find_map(|r| r.resource.as_ref()?.vim_connection_id.as_deref()?.parse::<Uuid>().ok());
    let chosen = match of_ns.or(asked).or(of_resources) {
        Some(id) => all.iter().find(|v| v.id == id).ok_or_else(|| format!("VIM {id} is not registered")),
        None => match all.as_slice() {
            [one] => Ok(one),
            [] => Err("no VIM is registered".to_owned()),
            _ => Err("several VIMs are registered, and neither an NS nor additionalParams.vimId says which".to_owned()),
        },
    };
    match chosen {
        Ok(vim) => Ok(ns::vim_ref(app, vim)),
        Err(why) => Err(refused(vec![Fault::new("/additionalParams/vimId", why).mend("mano vim list")])),
    }
}

/// The package in force. Without one, only what takes resources away is permitted.
async fn package_of(app: &App, request: &GrantRequest) -> ApiResult<Option<PackageFacts>> {
    if request.operation == LcmOperationType::ModifyInfo {
        let fault = Fault::new("/operation", "MODIFY_INFO needs no grant").mend("do not ask for one");
        return Err(ApiError::faults("the grant request", vec![fault]));
    }
    let adds = !request.add_resources.is_empty() || !request.temp_resources.is_empty();
    // What comes with a change of the package is of the new one.
    let vnfd_id = request.dst_vnfd_id.as_ref().unwrap_or(&request.vnfd_id);
    match descriptors::package(&app.db, vnfd_id).await? {
        Some((enabled, facts)) if enabled || !adds => Ok(Some(facts)),
        Some((_, facts)) => {
            let mend = format!("set operationalState of VNF package {} to ENABLED", facts.package_id);
            Err(refused(vec![Fault::new("/vnfdId", "the VNF package is disabled").mend(mend)]))
        }
        None if !adds => Ok(None),
        None => {
            let why = format!("no package with VNFD {vnfd_id} is onboarded");
            Err(refused(vec![Fault::new("/vnfdId", why).mend("mano vnfpkg list")]))
        }
    }
}

/// Images that an operation may boot from.
#[derive(Debug, Default)]
struct Images {
    /// Their identifiers in the VIM, by identifier in the VNFD.
    ids: BTreeMap<String, Uuid>,
    /// Those that the package brings.
    brought: Vec<ImageDesign>,
}

/// Images that the operation may boot from: those of the flavour, or of all flavours where none is named.
async fn images(app: &App, package: &PackageFacts, request: &GrantRequest, vim: Uuid) -> ApiResult<Images> {
    let boots = |r: &ResourceDefinition| matches!(r.r#type, ResourceType::Compute | ResourceType::Storage);
    // These make machines again: what they boot from must be there, though nothing is added.
    let remakes = [LcmOperationType::Heal, LcmOperationType::ChangeVnfpkg, LcmOperationType::ChangeFlavour];
    let again = request.update_resources.iter().filter(|_| remakes.contains(&request.operation));
    let mut found = Images::default();
    if !request.add_resources.iter().chain(&request.temp_resources).chain(again).any(boots) {
        return Ok(found);
    }
    let wanted = match &request.flavour_id {
        Some(id) => package.vnfd.flavour(id).map(|f| f.sw_images.iter().collect()).unwrap_or_default(),
        None => package.vnfd.sw_images(),
    };
    let (mut faults, mut lacking) = (Vec::new(), BTreeMap::new());
    let at = |id: &str| format!("VNFD, image {id}");
    for image in wanted {
        match image_design(package, image) {
            Ok(Some(design)) => {
                found.ids.insert(image.id.clone(), design.image_id);
                found.brought.push(design);
            }
            Ok(None) => {
                lacking.insert(image.id.clone(), Wanted::of(image));
            }
            Err(why) => faults.push(Fault::new(at(&image.id), why)),
        }
    }
    let held = vim_images::find(app, vim, lacking.values().cloned().collect()).await?;
    for (id, wanted) in lacking {
        match held.get(&wanted) {
            Some(Ok(image)) => {
                found.ids.insert(id, *image);
            }
            Some(Err(fault)) => faults.push(Fault { location: at(&id), ..fault.clone() }),
            None => faults.push(Fault::new(at(&id), "it was not looked for in the VIM")),
        }
    }
    if faults.is_empty() { Ok(found) } else { Err(refused(faults)) }
}

async fn placement(
    app: &App,
    request: &GrantRequest,
    package: Option<&PackageFacts>,
    vim: &VimRef,
) -> ApiResult<Placement> {
    let Some(package) = package else { return Ok(Placement::new()) };
    let added: Vec<&ResourceDefinition> = request.add_resources.iter().chain(&request.temp_resources).collect();
    let demands = demands(&package.vnfd, request.flavour_id.as_deref(), &added)
        .map_err(|faults| ApiError::unprocessable("the grant request does not fit its VNFD", faults))?;
    if demands.is_empty() {
        return Ok(Placement::new());
    }
    let capacity = app.vi.capacity(vim.id).await?;
    match place(&demands, &request.placement_constraints, &capacity) {
        Ok(placement) => Ok(placement),
        Err(refusal) => Err(away(app, vim.id).await.unwrap_or_else(|| ApiError::new(*refusal))),
    }
}

/// What does not fit while a host is away may fit when it is back: that is no refusal, but worth asking again soon.
async fn away(app: &App, vim: Uuid) -> Option<ApiError> {
    let hosts = app.vi.hosts(vim).await.ok()?;
    let names: Vec<String> = hosts.into_iter().filter(|h| h.spec.schedulable && !h.reachable).map(|h| h.name).collect();
    let detail = format!("nothing fits while these hosts do not answer: {}", names.join(", "));
    (!names.is_empty()).then(|| ApiError::unavailable(detail, std::time::Duration::from_secs(1)))
}

/// The images that the VIM does not have yet.
async fn missing(app: &App, vim: Uuid, images: &[ImageDesign]) -> ApiResult<Vec<ImageDesign>> {
    let wanted: BTreeMap<Uuid, &ImageDesign> = images.iter().map(|i| (i.image_id, i)).collect();
    let asked = wanted.values().map(|i| app.vi.software_image(vim, i.image_id));
    let there = futures::future::join_all(asked).await;
    let mut missing = Vec::new();
    for (image, there) in wanted.into_values().zip(there) {
        if there?.is_none_or(|i| i.state != ResourceState::Active) {
            missing.push(image.clone());
        }
    }
    Ok(missing)
}

/// The grant itself. Pure.
fn grant(
    id: Uuid,
    request: GrantRequest,
    vim: &VimRef,
    placement: &Placement,
    images: &BTreeMap<String, Uuid>,
) -> Grant {
    let connection = vim.id.to_string();
    let info = |r: &ResourceDefinition| GrantInfo {
        resource_definition_id: r.id.clone(),
        vim_connection_id: Some(connection.clone()),
        zone_id: placement.get(&r.id).cloned(),
        ..GrantInfo::default()
    };
    let all = |list: &[ResourceDefinition]| list.iter().map(info).collect();
    let mut zones: Vec<&String> = placement.values().collect();
    zones.sort();
    zones.dedup();
    let software_images: Vec<VimSoftwareImage> = images
        .iter()
        .map(|(name, image)| VimSoftwareImage {
            vim_connection_id: Some(connection.clone()),
            resource_provider_id: None,
            vnfd_software_image_id: name.clone(),
            vim_software_image_id: image.to_string(),
        })
        .collect();
    let snapshot_resources =
        request.update_resources.iter().filter_map(|r| snapshot(r, &connection)).collect::<Vec<_>>();
    Grant {
        id,
        vnf_instance_id: request.vnf_instance_id,
        vnf_lcm_op_occ_id: request.vnf_lcm_op_occ_id,
        vim_connection_info: BTreeMap::from([(connection.clone(), plan::vim_connection(vim))]),
        zones: zones
            .into_iter()
            .map(|zone| ZoneInfo {
                id: zone.clone(),
                zone_id: zone.clone(),
                vim_connection_id: Some(connection.clone()),
                resource_provider_id: None,
            })
            .collect(),
        zone_groups: Vec::new(),
        add_resources: all(&request.add_resources),
        temp_resources: all(&request.temp_resources),
        remove_resources: all(&request.remove_resources),
        update_resources: all(&request.update_resources),
        vim_assets: (!software_images.is_empty() || !snapshot_resources.is_empty()).then(|| VimAssets {
            software_images,
            snapshot_resources,
            ..VimAssets::default()
        }),
        ext_virtual_links: Vec::new(),
        ext_managed_virtual_links: Vec::new(),
        additional_params: KeyValuePairs::new(),
        links: GrantLinks {
            self_: Link::new(paths::grant(id)),
            vnf_lcm_op_occ: request.links.vnf_lcm_op_occ,
            vnf_instance: request.links.vnf_instance,
        },
    }
}

/// The snapshot in the VIM that a resource returns to: the one that the VNFM took there.
fn snapshot(resource: &ResourceDefinition, connection: &str) -> Option<VimSnapshotResource> {
    let wanted = resource.snapshot_res_def.as_ref()?;
    Some(VimSnapshotResource {
        vim_connection_id: Some(connection.to_owned()),
        resource_provider_id: None,
        vnf_snapshot_id: wanted.vnf_snapshot_id.clone(),
        vnfc_snapshot_id: wanted.vnfc_snapshot_id.clone()?,
        storage_snapshot_id: wanted.storage_snapshot_id.clone(),
        vim_snapshot_resource_id: wanted.snapshot_resource.as_ref()?.resource_id.clone(),
    })
}

/// Stores the grant, with the operation that brings the missing images, or finds that another request was faster.
async fn store(app: &App, grant: Grant, missing: Vec<ImageDesign>, vim: Uuid) -> ApiResult<Answer> {
    let op_occ = grant.vnf_lcm_op_occ_id;
    let operation = (!missing.is_empty()).then(|| app.ids.mint());
    let record = GrantRecord { id: grant.id, operation, grant, problem: None };
    let plan = match operation {
        Some(_) => Some(plan::images(vim, &missing).map_err(|f| ApiError::internal(f.to_string()))?),
        None => None,
    };
    let now = app.now();
    let stored = db::transaction!(app.db, |tx| {
        if !grants::insert(tx, &record, now).await? {
            return Ok(false);
        }
        if let (Some(id), Some(plan)) = (operation, &plan) {
            let new = NewOperation {
                id,
                kind: GRANT.to_owned(),
                subject: subject(record.id),
                params: serde_json::json!({"grantId": record.id, "vnfLcmOpOccId": op_occ}),
                plan: plan.clone(),
                traceparent: traceparent(),
                automatic: true,
            };
            app.engine.submit_in(tx, new).await.map_err(|e: SubmitError| problems::not_accepted(e))?;
        }
        Ok::<_, ApiError>(true)
    })?;
    app.engine.kick();
    if stored {
        return Ok(answer(record));
    }
    let first = grants::of_operation(&app.db, op_occ).await?;
    first.map(answer).ok_or_else(|| ApiError::internal(format!("the grant for operation {op_occ} vanished")))
}
