//! `mano vnfpkg` and `mano nsd`: archives onboarded, shown, deleted.

use std::path::Path;

use futures::{Stream, StreamExt};
use indicatif::{ProgressBar, ProgressStyle};
use reference_points::common::ProblemDetails;
use reference_points::os_ma_nfvo::{
    CreateNsdInfoRequest, CreateVnfPkgInfoRequest, NsdInfo, PackageOnboardingState, VnfPkgInfo,
};
use tokio_util::io::ReaderStream;

use crate::cli::{Pkg, VnfPkg};
use crate::context::Context;
use crate::fail::Failure;
use crate::lists::{self, Noun};
use crate::output::{self, Column};

const PACKAGES: &[Column] = &[
    ("id", "/id"),
    ("product", "/vnfProductName"),
    ("version", "/vnfSoftwareVersion"),
    ("vnfd", "/vnfdId"),
    ("onboarding", "/onboardingState"),
    ("usage", "/usageState"),
];

const NSDS: &[Column] = &[
    ("id", "/id"),
    ("name", "/nsdName"),
    ("version", "/nsdVersion"),
    ("nsd", "/nsdId"),
    ("onboarding", "/nsdOnboardingState"),
    ("usage", "/nsdUsageState"),
];

pub async fn vnfpkg(context: &Context, command: VnfPkg) -> Result<(), Failure> {
    let VnfPkg::Package(command) = command else { return Err(Failure::usage("this command works on files alone")) };
    match command {
        Pkg::Build(_) | Pkg::Lint(_) => Err(Failure::usage("this command works on files alone")),
        Pkg::Onboard { file } => {
            let (length, content) = open(&file).await?;
            let id = context.packages.create(&CreateVnfPkgInfoRequest::default()).await?.id;
            let sent = context.packages.upload(id, Some(length), content).await;
            let info = context.packages.get(id).await?;
            if let Err(error) = sent {
                let _ = context.packages.delete(id).await;
                return Err(error.into());
            }
            let info = info.ok_or_else(|| Failure::usage(format!("package {id} is gone")))?;
            if info.onboarding_state != PackageOnboardingState::Onboarded {
                let _ = context.packages.delete(id).await;
                return Err(refused(&file, info.onboarding_failure_details));
            }
            output::list(context.format, &[info], PACKAGES)
        }
        Pkg::List(list) => output::list(
            context.format,
            &lists::all(&list, |query| async move { context.packages.list(&query).await }).await?,
            PACKAGES,
        ),
        Pkg::Show { id } => output::one(context.format, &find_package(context, &id).await?),
        Pkg::Picture { id, flavour, out } => {
            let package = find_package(context, &id).await?.id;
            picture(context.mano.package_picture(package, flavour.as_deref()).await?, out.as_deref())
        }
        Pkg::Delete { id } => Ok(context.packages.delete(find_package(context, &id).await?.id).await?),
    }
}

pub async fn nsd(context: &Context, command: Pkg) -> Result<(), Failure> {
    match command {
        Pkg::Build(_) | Pkg::Lint(_) => Err(Failure::usage("this command works on files alone")),
        Pkg::Onboard { file } => {
            let (length, content) = open(&file).await?;
            let id = context.nsds.create(&CreateNsdInfoRequest::default()).await?.id;
            let sent = context.nsds.upload(id, Some(length), content).await;
            let info = context.nsds.get(id).await?;
            if let Err(error) = sent {
                let _ = context.nsds.delete(id).await;
                return Err(error.into());
            }
            let info = info.ok_or_else(|| Failure::usage(format!("NSD {id} is gone")))?;
            if info.nsd_onboarding_state != PackageOnboardingState::Onboarded {
                let _ = context.nsds.delete(id).await;
                return Err(refused(&file, info.onboarding_failure_details));
            }
            output::list(context.format, &[info], NSDS)
        }
        Pkg::List(list) => output::list(
            context.format,
            &lists::all(&list, |query| async move { context.nsds.list(&query).await }).await?,
            NSDS,
        ),
        Pkg::Show { id } => output::one(context.format, &find_nsd(context, &id).await?),
        Pkg::Picture { id, flavour, out } => {
            let nsd = find_nsd(context, &id).await?.id;
            picture(context.mano.nsd_picture(nsd, flavour.as_deref()).await?, out.as_deref())
        }
        Pkg::Delete { id } => Ok(context.nsds.delete(find_nsd(context, &id).await?.id).await?),
    }
}

fn picture(svg: Vec<u8>, out: Option<&Path>) -> Result<(), Failure> {
    match out {
        Some(file) => std::fs::write(file, svg).map_err(|e| Failure::usage(format!("{}: {e}", file.display()))),
        None => output::line(&String::from_utf8_lossy(&svg)),
    }
}

/// The VNFD of a package.
pub async fn vnfd_of(context: &Context, wanted: &str) -> Result<String, Failure> {
    let package = find_package(context, wanted).await?;
    package.vnfd_id.ok_or_else(|| Failure::helped(format!("{wanted} is not onboarded"), "mano vnfpkg list"))
}

async fn find_package(context: &Context, wanted: &str) -> Result<VnfPkgInfo, Failure> {
    lists::named(&PACKAGE, wanted, |query| async move { context.packages.list(&query).await }).await
}

/// An NSD by id, descriptor id or name.
pub async fn find_nsd(context: &Context, wanted: &str) -> Result<NsdInfo, Failure> {
    lists::named(&NSD, wanted, |query| async move { context.nsds.list(&query).await }).await
}

const PACKAGE: Noun =
    Noun { what: "VNF package", list_command: "mano vnfpkg list", members: &["id", "vnfdId", "vnfProductName"] };

const NSD: Noun = Noun { what: "NSD", list_command: "mano nsd list", members: &["id", "nsdId", "nsdName"] };

fn refused(file: &Path, why: Option<ProblemDetails>) -> Failure {
    let mut problem = why.unwrap_or_else(|| ProblemDetails::new(422, "Not onboarded", "the NFVO tells no reason"));
    problem.title = Some(format!("{} is not onboarded", file.display()));
    Failure::problem(problem)
}

/// A file as a stream, with a bar that shows how much of it is sent.
pub async fn open(
    file: &Path,
) -> Result<(u64, impl Stream<Item = std::io::Result<bytes::Bytes>> + Send + Sync + 'static + use<>), Failure> {
    let opened = tokio::fs::File::open(file).await.map_err(|e| Failure::usage(format!("{}: {e}", file.display())))?;
    let length = opened.metadata().await?.len();
    let bar = ProgressBar::new(length);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {eta}") {
        bar.set_style(style);
    }
    let content = ReaderStream::with_capacity(opened, 256 * 1024).inspect(move |chunk| {
        if let Ok(chunk) = chunk {
            bar.inc(chunk.len() as u64);
        }
    });
    Ok((length, content))
}
