//! VNF packages: created, uploaded, onboarded, changed, deleted (SOL005 clause 9.4, SOL003 clause 10.4).

use axum::response::Response;
use db::AnyConnection;
use descriptors::archive::HashAlgorithm;
use descriptors::vnfd::{SwImage, Vnfd};
use reference_points::common::{CallError, Fault, KeyValuePairs, ProblemDetails};
use reference_points::or_vnfm::{Link, Timestamp};
use reference_points::os_ma_nfvo::{
    Checksum, CreateVnfPkgInfoRequest, PackageChangeType, PackageOnboardingState, PackageOperationalState,
    PackageSecurityOption, PackageUsageState, VnfPackageArtifactInfo, VnfPackageSoftwareImageInfo, VnfPkgInfo,
    VnfPkgInfoLinks, VnfPkgInfoModifications,
};
use service::http::{ApiError, ApiResult, IfMatch, MergePatch, Upload, merge};
use service::query::ListQuery;
use service::store::Stored;
use uuid::Uuid;

use super::intake::Received;
use super::onboard::{self, ReadPackage};
use super::{App, notices};
use crate::effects::vnfm::filter;
use crate::ops::design::image_id;
use crate::ops::resolve::ImageFacts;
use crate::store::descriptors::{Kind, NewDescriptor};
use crate::store::packages::{PACKAGES, PackageRecord};
use crate::store::{descriptors as onboarded, images, uses, vnfs};

/// Path of a package.
pub fn path(id: Uuid) -> String {
    format!("/vnfpkgm/v2/vnf_packages/{id}")
}

fn links(id: Uuid) -> VnfPkgInfoLinks {
    let path = path(id);
    VnfPkgInfoLinks {
        self_: Link::new(path.clone()),
        vnfd: Link::new(format!("{path}/vnfd")),
        package_content: Link::new(format!("{path}/package_content")),
    }
}

/// Creates a package resource.
///
/// # Errors
/// The database.
pub async fn create(app: &App, request: CreateVnfPkgInfoRequest) -> ApiResult<VnfPkgInfo> {
    let id = app.ids.mint();
    let info = VnfPkgInfo {
        id,
        vnfd_id: None,
        vnf_provider: None,
        vnf_product_name: None,
        vnf_software_version: None,
        vnfd_version: None,
        compatible_specification_versions: Vec::new(),
        checksum: None,
        package_security_option: PackageSecurityOption::Option1,
        signing_certificate: None,
        software_images: Vec::new(),
        additional_artifacts: Vec::new(),
        onboarding_state: PackageOnboardingState::Created,
        operational_state: PackageOperationalState::Disabled,
        usage_state: PackageUsageState::NotInUse,
        vnfm_info: Vec::new(),
        user_defined_data: request.user_defined_data,
        onboarding_failure_details: None,
        links: links(id),
    };
    let now = app.now();
    db::transaction!(app.db, |tx| {
        PACKAGES.insert(tx, id, PackageRecord(info.clone()), now).await?;
        Ok::<_, ApiError>(())
    })?;
    Ok(info)
}

/// A package as it is now.
///
/// # Errors
/// 404.
pub async fn get(app: &App, id: Uuid) -> ApiResult<(VnfPkgInfo, String)> {
    let stored = PACKAGES.require(&app.db, id).await?;
    let etag = stored.etag();
    let mut info = stored.document.0;
    show(app, &mut info);
    if in_use(app, &info).await? {
        info.usage_state = PackageUsageState::InUse;
    }
    Ok((info, etag))
}

/// Packages, filtered, with the attributes asked for, by pages.
///
/// # Errors
/// 400 for a bad query.
pub async fn list(app: &App, query: &ListQuery) -> ApiResult<Response> {
    let used = uses::all(&app.db).await?;
    PACKAGES
        .respond(&app.db, query, |stored, shown| {
            let mut info = stored.document.0.clone();
            show(app, &mut info);
            if used.contains(&info.id) {
                info.usage_state = PackageUsageState::InUse;
            }
            if let Ok(value) = serde_json::to_value(info) {
                *shown = value;
            }
        })
        .await
}

/// What is known of a package besides its record.
pub fn show(app: &App, info: &mut VnfPkgInfo) {
    info.links = links(info.id);
    if let Some(state) = app.files.state(info.id) {
        info.onboarding_state = state;
    }
}

/// Whether an NS or VNF instance refers to the package. VNF instances made without an NS are known to the VNFM alone;
/// while it cannot be asked, they are not seen here.
async fn in_use(app: &App, info: &VnfPkgInfo) -> ApiResult<bool> {
    if !uses::users(&app.db, info.id).await?.is_empty() || !vnfs::of_package(&app.db, info.id).await?.is_empty() {
        return Ok(true);
    }
    let Some(vnfd_id) = &info.vnfd_id else { return Ok(false) };
    Ok(vnf_instances(app, vnfd_id).await.is_ok_and(|found| !found.is_empty()))
}

/// The VNF instances of the VNFM that are built from a VNFD.
async fn vnf_instances(app: &App, vnfd_id: &str) -> Result<Vec<Uuid>, CallError> {
    let query = filter(&format!("(eq,vnfdId,'{}')", vnfd_id.replace('\'', "''")));
    let found = app.vnfm.list(&query).await?.body;
    Ok(found.iter().filter(|v| v.vnfd_id == vnfd_id).map(|v| v.id).collect())
}

/// The package of an onboarded VNFD.
///
/// # Errors
/// 404.
pub async fn by_vnfd(app: &App, vnfd_id: &str) -> ApiResult<Uuid> {
    let mut connection = app.db.pool.acquire().await?;
    let found = onboarded::owner(&mut connection, Kind::Vnfd, vnfd_id).await?;
    found.ok_or_else(|| ApiError::not_found(format!("an onboarded VNF package with VNFD {vnfd_id}")))
}

/// An onboarded package.
///
/// # Errors
/// 404; 409 when it is not onboarded.
pub async fn require_onboarded(app: &App, id: Uuid) -> ApiResult<VnfPkgInfo> {
    let info = PACKAGES.require(&app.db, id).await?.document.0;
    if info.onboarding_state == PackageOnboardingState::Onboarded {
        return Ok(info);
    }
    let state = app.files.state(id).unwrap_or(info.onboarding_state);
    Err(ApiError::conflict(format!("VNF package {id} is {state}: it has no content to give")))
}

/// Takes the archive of a package in and onboards it. Faults of the archive are no faults of the request: it is accepted,
/// and the package tells them.
///
/// # Errors
/// 404, 409 when it is onboarded already or an upload is under way, and what the sender or the disk did.
pub async fn upload(app: &App, id: Uuid, upload: Upload) -> ApiResult<()> {
    expect_zip(&upload)?;
    let turn = app.files.begin(id)?;
    let before = PACKAGES.require(&app.db, id).await?;
    if before.document.0.onboarding_state == PackageOnboardingState::Onboarded {
        return Err(ApiError::conflict(format!(
            "VNF package {id} is onboarded already: its content cannot be replaced"
        )));
    }
    let target = app.files.package(id);
    let received = app.files.receive(&target, upload).await?;
    turn.processing();
    match onboard::package(received.part.path(), app.trust_now()).await? {
        Ok(read) => onboard(app, id, received, read).await,
        Err(problem) => fail(app, id, *problem).await,
    }
}

/// The media types that a zip archive is sent as.
pub fn expect_zip(upload: &Upload) -> ApiResult<()> {
    const ZIP: [&str; 4] = ["application/zip", "application/octet-stream", "application/x-zip-compressed", ""];
    if ZIP.contains(&upload.media_type.as_str()) {
        return Ok(());
    }
    let detail = format!("the content of this resource is a zip archive, not {}", upload.media_type);
    let fault = Fault::new("header.Content-Type", detail.clone()).mend("send Content-Type: application/zip");
    Err(ApiError::new(ProblemDetails {
        faults: vec![fault],
        ..ProblemDetails::new(415, "Unsupported media type", detail)
    }))
}

async fn fail(app: &App, id: Uuid, problem: ProblemDetails) -> ApiResult<()> {
    let now = app.now();
    db::transaction!(app.db, |tx| {
        let old = not_onboarded(tx, id).await?;
        let mut info = old.document.0.clone();
        info.onboarding_state = PackageOnboardingState::Error;
        info.onboarding_failure_details = Some(problem.clone());
        PACKAGES.update(tx, &old, PackageRecord(info), now).await?;
        Ok::<_, ApiError>(())
    })
}

/// The package's record, locked. It may have changed while its archive came in, but not to ONBOARDED.
async fn not_onboarded(tx: &mut AnyConnection, id: Uuid) -> ApiResult<Stored<PackageRecord>> {
    let stored = PACKAGES.lock(tx, id).await?;
    if stored.document.0.onboarding_state == PackageOnboardingState::Onboarded {
        let why = format!("VNF package {id} is onboarded already: its content cannot be replaced");
        return Err(ApiError::conflict(why));
    }
    Ok(stored)
}

async fn onboard(app: &App, id: Uuid, received: Received, read: ReadPackage) -> ApiResult<()> {
    let now = app.now();
    let model = serde_json::to_string(&read.vnfd).map_err(|e| ApiError::internal(format!("the VNFD as JSON: {e}")))?;
    let digest = received.sha256.clone();
    // The file is in its place before the record says so; without the record it is swept over by the next upload.
    received.part.keep(&app.files.package(id)).await?;
    let taken = db::transaction!(app.db, |tx| {
        let new = NewDescriptor {
            kind: Kind::Vnfd,
            descriptor_id: &read.vnfd.descriptor_id,
            owner: id,
            model: model.clone(),
            images: &read.images,
        };
        if !onboarded::insert(tx, &new).await? {
            return Ok(onboarded::owner(tx, Kind::Vnfd, &read.vnfd.descriptor_id).await?.or(Some(Uuid::nil())));
        }
        let old = not_onboarded(tx, id).await?;
        let info = describe(old.document.0.clone(), &digest, &read, now);
        PACKAGES.update(tx, &old, PackageRecord(info.clone()), now).await?;
        let told = notices::package(app.ids.mint(), &info, None, now);
        app.notices.packages.enqueue(tx, told, now).await?;
        Ok::<_, ApiError>(None)
    });
    match taken {
        Ok(None) => {
            app.notices.packages.kick();
            Ok(())
        }
        Ok(Some(other)) => {
            remove(app, id).await;
            let fault = Fault::new(
                "VNFD, descriptor_id",
                format!("{} is onboarded already by VNF package {other}", read.vnfd.descriptor_id),
            )
            .mend(format!("give it another descriptor_id, or delete that package first: mano vnfpkg delete {other}"));
            fail(app, id, onboard::refused("VNF package", vec![fault])).await
        }
        Err(error) => {
            remove(app, id).await;
            Err(error)
        }
    }
}

async fn remove(app: &App, id: Uuid) {
    if let Err(error) = tokio::fs::remove_file(app.files.package(id)).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(package = %id, %error, "the archive of a package that is not onboarded cannot be removed");
    }
}

fn describe(mut info: VnfPkgInfo, sha256: &str, read: &ReadPackage, now: i64) -> VnfPkgInfo {
    let vnfd: &Vnfd = &read.vnfd;
    info.vnfd_id = Some(vnfd.descriptor_id.clone());
    info.vnf_provider = Some(vnfd.provider.clone());
    info.vnf_product_name = Some(vnfd.product_name.clone());
    info.vnf_software_version = Some(vnfd.software_version.clone());
    info.vnfd_version = Some(vnfd.descriptor_version.clone());
    info.compatible_specification_versions.clone_from(&read.compatible);
    info.checksum = Some(Checksum { algorithm: "SHA-256".to_owned(), hash: sha256.to_owned() });
    info.vnfm_info.clone_from(&vnfd.vnfm_info);
    info.package_security_option = read.security;
    info.onboarding_state = PackageOnboardingState::Onboarded;
    info.operational_state = PackageOperationalState::Enabled;
    info.onboarding_failure_details = None;
    info.software_images = vnfd
        .sw_images()
        .into_iter()
        .filter_map(|image| Some(software_image(image, read.images.get(&image.id)?, vnfd, now)))
        .collect();
    info.additional_artifacts = read
        .artifacts
        .iter()
        .filter_map(|(path, digest)| {
            let (algorithm, hash) = digest.as_ref()?;
            Some(VnfPackageArtifactInfo {
                artifact_path: Some(path.clone()),
                checksum: Checksum { algorithm: algorithm.name().to_owned(), hash: hash.clone() },
                is_encrypted: false,
                metadata: KeyValuePairs::new(),
            })
        })
        .collect();
    info
}

fn software_image(image: &SwImage, facts: &ImageFacts, vnfd: &Vnfd, now: i64) -> VnfPackageSoftwareImageInfo {
    let declared = &image.checksum;
    // Where the VNFD gives no digest, that of the file is told.
    let (algorithm, hash) = if declared.hash.is_empty() {
        (HashAlgorithm::Sha256, &facts.sha256)
    } else {
        (declared.algorithm, &declared.hash)
    };
    VnfPackageSoftwareImageInfo {
        id: image.id.clone(),
        name: image.name.clone(),
        provider: image.provider.clone().unwrap_or_else(|| vnfd.provider.clone()),
        version: image.version.clone(),
        checksum: Checksum { algorithm: algorithm.name().to_owned(), hash: hash.clone() },
        is_encrypted: false,
        container_format: image.container_format.to_ascii_uppercase(),
        disk_format: image.disk_format.to_ascii_uppercase(),
        created_at: Timestamp::from_micros(now),
        min_disk: image.min_disk_bytes,
        min_ram: image.min_ram_bytes.unwrap_or(0),
        size: facts.size_bytes,
        image_path: facts.path.clone(),
    }
}

/// Changes a package's operational state or the operator's own data.
///
/// # Errors
/// 404, 412, 409 when the state is that already or the package is not onboarded.
pub async fn modify(
    app: &App,
    id: Uuid,
    if_match: IfMatch,
    patch: MergePatch<VnfPkgInfoModifications>,
) -> ApiResult<VnfPkgInfoModifications> {
    let now = app.now();
    let done = db::transaction!(app.db, |tx| {
        let old = PACKAGES.lock(tx, id).await?;
        if_match.check(&old.etag())?;
        let mut info = old.document.0.clone();
        if let Some(state) = patch.typed.operational_state {
            if info.onboarding_state != PackageOnboardingState::Onboarded {
                return Err(ApiError::conflict(format!(
                    "VNF package {id} is {}, not ONBOARDED",
                    info.onboarding_state
                )));
            }
            if info.operational_state == state {
                return Err(ApiError::conflict(format!("VNF package {id} is {state} already")));
            }
            info.operational_state = state;
            onboarded::enable(tx, id, state == PackageOperationalState::Enabled).await?;
        }
        merge_user_data(&mut info.user_defined_data, patch.document.get("userDefinedData"));
        let data = patch.typed.user_defined_data.is_some().then(|| info.user_defined_data.clone());
        if patch.typed.operational_state.is_some() {
            let told = notices::package(app.ids.mint(), &info, Some(PackageChangeType::OpStateChange), now);
            app.notices.packages.enqueue(tx, told, now).await?;
        }
        PACKAGES.update(tx, &old, PackageRecord(info), now).await?;
        Ok::<_, ApiError>(VnfPkgInfoModifications {
            operational_state: patch.typed.operational_state,
            user_defined_data: data,
        })
    })?;
    app.notices.packages.kick();
    Ok(done)
}

/// Merges a patch into the operator's own data.
pub fn merge_user_data(data: &mut KeyValuePairs, patch: Option<&serde_json::Value>) {
    let Some(patch) = patch else { return };
    let mut all = serde_json::Value::Object(std::mem::take(data));
    merge(&mut all, patch);
    if let serde_json::Value::Object(merged) = all {
        *data = merged;
    }
}

/// Deletes a package, its archive, and its images in the VIMs.
///
/// # Errors
/// 404; 409 while somebody uses it, naming who; what a VIM answers.
pub async fn delete(app: &App, id: Uuid, if_match: IfMatch) -> ApiResult<()> {
    let stored = PACKAGES.require(&app.db, id).await?;
    if_match.check(&stored.etag())?;
    let info = stored.document.0;
    let _turn = app.files.begin(id)?;
    if let Some(vnfd_id) = &info.vnfd_id {
        refuse_while_used(app, id, vnfd_id).await?;
        delete_images(app, id).await?;
    }
    let now = app.now();
    db::transaction!(app.db, |tx| {
        onboarded::lock(tx, id).await?;
        let users = uses::users_in(tx, id).await?;
        if !users.is_empty() {
            return Err(used(id, &users.iter().map(|u| format!("NS instance {u}")).collect::<Vec<_>>()));
        }
        onboarded::delete(tx, id).await?;
        PACKAGES.delete(tx, id, None).await?;
        if info.vnfd_id.is_some() {
            let told = notices::package(app.ids.mint(), &info, Some(PackageChangeType::PkgDelete), now);
            app.notices.packages.enqueue(tx, told, now).await?;
        }
        Ok(())
    })?;
    app.notices.packages.kick();
    remove(app, id).await;
    Ok(())
}

fn used(id: Uuid, users: &[String]) -> ApiError {
    let mut error = ApiError::conflict(format!("VNF package {id} is used by {}", users.join(", ")));
    error.problem.next = Some(
        "terminate and delete them first, or disable the package: set its operationalState to DISABLED".to_owned(),
    );
    error
}

async fn refuse_while_used(app: &App, id: Uuid, vnfd_id: &str) -> ApiResult<()> {
    let by_ns = uses::users(&app.db, id).await?.into_iter().map(|ns| format!("NS instance {ns}"));
    let by_vnf = vnf_instances(app, vnfd_id).await?.into_iter().take(20).map(|vnf| format!("VNF instance {vnf}"));
    let users: Vec<String> = by_ns.chain(by_vnf).collect();
    if users.is_empty() { Ok(()) } else { Err(used(id, &users)) }
}

/// Removes the package's images from the VIMs; one that another package has too is handed over to that one.
async fn delete_images(app: &App, id: Uuid) -> ApiResult<()> {
    let brought = images::of_package(&app.db, id).await?;
    let mut connection = app.db.pool.acquire().await?;
    let holders = onboarded::image_holders(&mut connection, id).await?;
    drop(connection);
    for image in brought {
        let other = holders.iter().find(|(sha256, _)| image_id(sha256) == image.image).map(|(_, package)| *package);
        if other.is_none() {
            app.vi.delete_software_image(image.vim, image.image).await?;
        }
        db::transaction!(app.db, |tx| {
            match other {
                Some(package) => images::hand_over(tx, &image, package).await?,
                None => images::gone(tx, image.vim, image.image).await?,
            }
            Ok::<_, ApiError>(())
        })?;
    }
    Ok(())
}
