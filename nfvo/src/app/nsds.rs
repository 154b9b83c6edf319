//! NSDs: created, uploaded, onboarded, changed, deleted (SOL005 clause 5.4).

use std::collections::BTreeMap;

use axum::response::Response;
use db::AnyConnection;
use reference_points::common::{Fault, KeyValuePairs, ProblemDetails};
use reference_points::or_vnfm::Link;
use reference_points::os_ma_nfvo::{
    Checksum, CreateNsdInfoRequest, NsdArchiveArtifactInfo, NsdInfo, NsdInfoLinks, NsdInfoModifications,
    NsdmNotificationType, PackageOnboardingState, PackageOperationalState, PackageUsageState,
};
use service::http::{ApiError, ApiResult, IfMatch, MergePatch, Upload};
use service::query::ListQuery;
use service::store::Stored;
use uuid::Uuid;

use super::intake::Part;
use super::onboard::{self, ReadNsd};
use super::packages::{expect_zip, merge_user_data};
use super::{App, notices};
use crate::store::descriptors::{Kind, NewDescriptor};
use crate::store::nsds::{NSDS, NsdRecord};
use crate::store::{descriptors as onboarded, uses};

/// Media types of a plain YAML descriptor.
const YAML: [&str; 4] = ["text/plain", "application/yaml", "application/x-yaml", "text/yaml"];

/// Path of an NSD.
pub fn path(id: Uuid) -> String {
    format!("/nsd/v2/ns_descriptors/{id}")
}

fn links(id: Uuid) -> NsdInfoLinks {
    let path = path(id);
    NsdInfoLinks { self_: Link::new(path.clone()), nsd_content: Link::new(format!("{path}/nsd_content")) }
}

/// Creates an NSD resource.
///
/// # Errors
/// The database.
pub async fn create(app: &App, request: CreateNsdInfoRequest) -> ApiResult<NsdInfo> {
    let id = app.ids.mint();
    let info = NsdInfo {
        id,
        nsd_id: None,
        nsd_name: None,
        nsd_version: None,
        nsd_designer: None,
        nsd_invariant_id: None,
        vnf_pkg_ids: Vec::new(),
        pnfd_info_ids: Vec::new(),
        nested_nsd_info_ids: Vec::new(),
        archive_security_option: None,
        signing_certificate: None,
        artifacts: Vec::new(),
        nsd_onboarding_state: PackageOnboardingState::Created,
        onboarding_failure_details: None,
        nsd_operational_state: PackageOperationalState::Disabled,
        nsd_usage_state: PackageUsageState::NotInUse,
        user_defined_data: request.user_defined_data,
        links: links(id),
    };
    let now = app.now();
    db::transaction!(app.db, |tx| {
        NSDS.insert(tx, id, NsdRecord(info.clone()), now).await?;
        Ok::<_, ApiError>(())
    })?;
    Ok(info)
}

/// An NSD as it is now.
///
/// # Errors
/// 404.
pub async fn get(app: &App, id: Uuid) -> ApiResult<(NsdInfo, String)> {
    let stored = NSDS.require(&app.db, id).await?;
    let etag = stored.etag();
    let mut info = stored.document.0;
    show(app, &mut info);
    if !uses::users(&app.db, id).await?.is_empty() {
        info.nsd_usage_state = PackageUsageState::InUse;
    }
    Ok((info, etag))
}

/// NSDs, filtered, with the attributes asked for, by pages.
///
/// # Errors
/// 400 for a bad query.
pub async fn list(app: &App, query: &ListQuery) -> ApiResult<Response> {
    let used = uses::all(&app.db).await?;
    NSDS.respond(&app.db, query, |stored, shown| {
        let mut info = stored.document.0.clone();
        show(app, &mut info);
        if used.contains(&info.id) {
            info.nsd_usage_state = PackageUsageState::InUse;
        }
        if let Ok(value) = serde_json::to_value(info) {
            *shown = value;
        }
    })
    .await
}

/// What is known of an NSD besides its record.
pub fn show(app: &App, info: &mut NsdInfo) {
    info.links = links(info.id);
    if let Some(state) = app.files.state(info.id) {
        info.nsd_onboarding_state = state;
    }
}

/// An onboarded NSD.
///
/// # Errors
/// 404; 409 when it is not onboarded.
pub async fn require_onboarded(app: &App, id: Uuid) -> ApiResult<NsdInfo> {
    let info = NSDS.require(&app.db, id).await?.document.0;
    if info.nsd_onboarding_state == PackageOnboardingState::Onboarded {
        return Ok(info);
    }
    let state = app.files.state(id).unwrap_or(info.nsd_onboarding_state);
    Err(ApiError::conflict(format!("NSD {id} is {state}: it has no content to give")))
}

/// Takes the archive of an NSD in, or its plain YAML, and onboards it. Faults of the content are no faults of the request:
/// it is accepted, and the NSD tells them.
///
/// # Errors
/// 404, 409 when it is onboarded already or an upload is under way, and what the sender or the disk did.
pub async fn upload(app: &App, id: Uuid, upload: Upload) -> ApiResult<()> {
    let yaml = YAML.contains(&upload.media_type.as_str());
    if !yaml {
        expect_zip(&upload)?;
    }
    let turn = app.files.begin(id)?;
    let before = NSDS.require(&app.db, id).await?;
    if before.document.0.nsd_onboarding_state == PackageOnboardingState::Onboarded {
        return Err(ApiError::conflict(format!("NSD {id} is onboarded already: its content cannot be replaced")));
    }
    let target = app.files.nsd(id);
    let received = app.files.receive(&target, upload).await?;
    turn.processing();
    let archive = if yaml {
        let wrapped = Part::beside(&target);
        onboard::wrap_yaml(received.part.path().to_owned(), wrapped.path().to_owned()).await?;
        wrapped
    } else {
        received.part
    };
    match onboard::nsd(archive.path(), app.trust_now()).await? {
        Ok(read) => onboard(app, id, archive, read).await,
        Err(problem) => fail(app, id, *problem).await,
    }
}

async fn fail(app: &App, id: Uuid, problem: ProblemDetails) -> ApiResult<()> {
    let now = app.now();
    db::transaction!(app.db, |tx| {
        let old = not_onboarded(tx, id).await?;
        let mut info = old.document.0.clone();
        info.nsd_onboarding_state = PackageOnboardingState::Error;
        info.onboarding_failure_details = Some(problem.clone());
        let kind = NsdmNotificationType::NsdOnBoardingFailureNotification;
        app.notices.nsds.enqueue(tx, notices::nsd(app.ids.mint(), &info, kind, now), now).await?;
        NSDS.update(tx, &old, NsdRecord(info), now).await?;
        Ok::<_, ApiError>(())
    })?;
    app.notices.nsds.kick();
    Ok(())
}

/// The NSD's record, locked. It may have changed while its archive came in, but not to ONBOARDED.
async fn not_onboarded(tx: &mut AnyConnection, id: Uuid) -> ApiResult<Stored<NsdRecord>> {
    let stored = NSDS.lock(tx, id).await?;
    if stored.document.0.nsd_onboarding_state == PackageOnboardingState::Onboarded {
        return Err(ApiError::conflict(format!("NSD {id} is onboarded already: its content cannot be replaced")));
    }
    Ok(stored)
}

async fn onboard(app: &App, id: Uuid, archive: Part, read: ReadNsd) -> ApiResult<()> {
    let now = app.now();
    let packages = match packages(app, &read).await? {
        Ok(packages) => packages,
        Err(faults) => return fail(app, id, onboard::refused("NSD", faults)).await,
    };
    let model = serde_json::to_string(&read.nsd).map_err(|e| ApiError::internal(format!("the NSD as JSON: {e}")))?;
    archive.keep(&app.files.nsd(id)).await?;
    let none = BTreeMap::new();
    let taken = db::transaction!(app.db, |tx| {
        let new = NewDescriptor {
            kind: Kind::Nsd,
            descriptor_id: &read.nsd.descriptor_id,
            owner: id,
            model: model.clone(),
            images: &none,
        };
        if !onboarded::insert(tx, &new).await? {
            return Ok(onboarded::owner(tx, Kind::Nsd, &read.nsd.descriptor_id).await?.or(Some(Uuid::nil())));
        }
        let old = not_onboarded(tx, id).await?;
        let info = describe(old.document.0.clone(), &read, packages.clone());
        NSDS.update(tx, &old, NsdRecord(info.clone()), now).await?;
        let kind = NsdmNotificationType::NsdOnBoardingNotification;
        app.notices.nsds.enqueue(tx, notices::nsd(app.ids.mint(), &info, kind, now), now).await?;
        Ok::<_, ApiError>(None)
    });
    match taken {
        Ok(None) => {
            app.notices.nsds.kick();
            Ok(())
        }
        Ok(Some(other)) => {
            remove(app, id).await;
            let fault = Fault::new(
                "NSD, descriptor_id",
                format!("{} is onboarded already as NSD {other}", read.nsd.descriptor_id),
            )
            .mend(format!("give it another descriptor_id, or delete that NSD first: mano nsd delete {other}"));
            fail(app, id, onboard::refused("NSD", vec![fault])).await
        }
        Err(error) => {
            remove(app, id).await;
            Err(error)
        }
    }
}

/// The packages of the VNFDs that the NSD refers to, or a fault for each that is not onboarded.
async fn packages(app: &App, read: &ReadNsd) -> ApiResult<Result<Vec<Uuid>, Vec<Fault>>> {
    let (mut packages, mut faults) = (Vec::new(), Vec::new());
    let mut connection = app.db.pool.acquire().await?;
    for vnfd_id in read.nsd.vnfd_ids() {
        match onboarded::owner(&mut connection, Kind::Vnfd, vnfd_id).await? {
            Some(package) => packages.push(package),
            None => {
                let users: Vec<&str> = read
                    .nsd
                    .flavours
                    .iter()
                    .flat_map(|f| &f.vnfs)
                    .filter(|v| v.vnfd_id == vnfd_id)
                    .map(|v| v.name.as_str())
                    .collect();
                faults.push(
                    Fault::new(
                        format!("NSD, VNF {}", users.join(", ")),
                        format!("refers to VNFD {vnfd_id}, which is not onboarded"),
                    )
                    .mend("onboard its package first: mano vnfpkg onboard FILE"),
                );
            }
        }
    }
    Ok(if faults.is_empty() { Ok(packages) } else { Err(faults) })
}

async fn remove(app: &App, id: Uuid) {
    if let Err(error) = tokio::fs::remove_file(app.files.nsd(id)).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(nsd = %id, %error, "the archive of an NSD that is not onboarded cannot be removed");
    }
}

fn describe(mut info: NsdInfo, read: &ReadNsd, packages: Vec<Uuid>) -> NsdInfo {
    let nsd = &read.nsd;
    info.nsd_id = Some(nsd.descriptor_id.clone());
    info.nsd_name = Some(nsd.name.clone());
    info.nsd_version = Some(nsd.version.clone());
    info.nsd_designer = Some(nsd.designer.clone());
    info.nsd_invariant_id = Some(nsd.invariant_id.clone());
    info.vnf_pkg_ids = packages;
    info.archive_security_option = Some(read.security);
    info.nsd_onboarding_state = PackageOnboardingState::Onboarded;
    info.nsd_operational_state = PackageOperationalState::Enabled;
    info.onboarding_failure_details = None;
    info.artifacts = read
        .artifacts
        .iter()
        .filter_map(|(path, digest)| {
            let (algorithm, hash) = digest.as_ref()?;
            Some(NsdArchiveArtifactInfo {
                artifact_path: path.clone(),
                checksum: Checksum { algorithm: algorithm.name().to_owned(), hash: hash.clone() },
                metadata: KeyValuePairs::new(),
            })
        })
        .collect();
    info
}

/// Changes an NSD's operational state or the operator's own data.
///
/// # Errors
/// 404, 412, 409 when the state is that already or the NSD is not onboarded.
pub async fn modify(
    app: &App,
    id: Uuid,
    if_match: IfMatch,
    patch: MergePatch<NsdInfoModifications>,
) -> ApiResult<NsdInfoModifications> {
    let now = app.now();
    let done = db::transaction!(app.db, |tx| {
        let old = NSDS.lock(tx, id).await?;
        if_match.check(&old.etag())?;
        let mut info = old.document.0.clone();
        if let Some(state) = patch.typed.nsd_operational_state {
            if info.nsd_onboarding_state != PackageOnboardingState::Onboarded {
                return Err(ApiError::conflict(format!("NSD {id} is {}, not ONBOARDED", info.nsd_onboarding_state)));
            }
            if info.nsd_operational_state == state {
                return Err(ApiError::conflict(format!("NSD {id} is {state} already")));
            }
            info.nsd_operational_state = state;
            onboarded::enable(tx, id, state == PackageOperationalState::Enabled).await?;
        }
        merge_user_data(&mut info.user_defined_data, patch.document.get("userDefinedData"));
        let data = patch.typed.user_defined_data.is_some().then(|| info.user_defined_data.clone());
        if patch.typed.nsd_operational_state.is_some() {
            let kind = NsdmNotificationType::NsdChangeNotification;
            app.notices.nsds.enqueue(tx, notices::nsd(app.ids.mint(), &info, kind, now), now).await?;
        }
        NSDS.update(tx, &old, NsdRecord(info), now).await?;
        Ok::<_, ApiError>(NsdInfoModifications {
            nsd_operational_state: patch.typed.nsd_operational_state,
            user_defined_data: data,
        })
    })?;
    app.notices.nsds.kick();
    Ok(done)
}

/// Deletes an NSD and its archive.
///
/// # Errors
/// 404; 409 while NS instances are built from it, naming them.
pub async fn delete(app: &App, id: Uuid, if_match: IfMatch) -> ApiResult<()> {
    let stored = NSDS.require(&app.db, id).await?;
    if_match.check(&stored.etag())?;
    let info = stored.document.0;
    let _turn = app.files.begin(id)?;
    let now = app.now();
    db::transaction!(app.db, |tx| {
        onboarded::lock(tx, id).await?;
        let users = uses::users_in(tx, id).await?;
        if !users.is_empty() {
            let names: Vec<String> = users.iter().map(|u| format!("NS instance {u}")).collect();
            let mut error = ApiError::conflict(format!("NSD {id} is used by {}", names.join(", ")));
            error.problem.next = Some("delete them first: mano ns delete ID".to_owned());
            return Err(error);
        }
        onboarded::delete(tx, id).await?;
        NSDS.delete(tx, id, None).await?;
        if info.nsd_id.is_some() {
            let kind = NsdmNotificationType::NsdDeletionNotification;
            app.notices.nsds.enqueue(tx, notices::nsd(app.ids.mint(), &info, kind, now), now).await?;
        }
        Ok(())
    })?;
    app.notices.nsds.kick();
    remove(app, id).await;
    Ok(())
}
