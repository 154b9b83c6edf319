//! `mano vim image`: software images that an operator puts into a VIM.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use descriptors::archive::{HashAlgorithm, digest};
use indicatif::{ProgressBar, ProgressStyle};
use reference_points::common::OwnerKind;
use reference_points::nf_vi::DiskFormat;
use reference_points::or_vi::SoftwareImage;
use reference_points::os_ma_nfvo::AddImage;
use serde_json::Value;
use uuid::Uuid;

use crate::cli_images::{self, Image};
use crate::context::Context;
use crate::fail::Failure;
use crate::output::{self, Format};

pub async fn run(context: &Context, command: Image) -> Result<(), Failure> {
    match command {
        Image::Add(args) => add(context, args).await,
        Image::List { vim } => {
            let vim = context.find_vim(vim.as_deref()).await?;
            show(context, &context.mano.vim_images(vim.id).await?)
        }
        Image::Delete { image, vim } => {
            let vim = context.find_vim(vim.as_deref()).await?;
            let images = context.mano.vim_images(vim.id).await?;
            Ok(context.mano.delete_image(vim.id, meant(&image, &images)?).await?)
        }
    }
}

async fn add(context: &Context, args: cli_images::AddImage) -> Result<(), Failure> {
    let vim = context.find_vim(args.vim.as_deref()).await?.id;
    let (file, name) = (args.file.clone(), args.name.clone());
    // A large file is read for a while; nothing else is to be done meanwhile.
    let known = tokio::task::spawn_blocking(move || look(&file)).await;
    let (format, sha256, size) = known.map_err(|e| Failure::usage(e.to_string()))??;
    let image = AddImage {
        name,
        version: args.version,
        format: args.format.map_or(format, DiskFormat::from),
        sha256,
        size_bytes: Some(size),
    };
    let announced = context.mano.add_image(vim, &image).await?.id;
    let (length, content) = super::package::open(&args.file).await?;
    match context.mano.upload_image(vim, announced, Some(length), content).await {
        Ok(image) => show(context, &[image]),
        Err(error) => {
            // What did not come is not left there, half.
            let _ = context.mano.delete_image(vim, announced).await;
            Err(error.into())
        }
    }
}

/// Format, SHA-256 and size in bytes of a disk image.
fn look(path: &Path) -> Result<(DiskFormat, String, u64), Failure> {
    let broken = |e: std::io::Error| Failure::usage(format!("{}: {e}", path.display()));
    let mut file = File::open(path).map_err(broken)?;
    let mut head = Vec::new();
    file.by_ref().take(4).read_to_end(&mut head).map_err(broken)?;
    file.seek(SeekFrom::Start(0)).map_err(broken)?;
    let format = if head == b"QFI\xfb" { DiskFormat::Qcow2 } else { DiskFormat::Raw };
    let bar = ProgressBar::new(file.metadata().map_err(broken)?.len());
    if let Ok(style) = ProgressStyle::with_template("SHA-256 {bar:40} {bytes}/{total_bytes} {eta}") {
        bar.set_style(style);
    }
    let (sha256, size) = digest(HashAlgorithm::Sha256, bar.wrap_read(file)).map_err(broken)?;
    bar.finish_and_clear();
    Ok((format, sha256, size))
}

/// The image with this id or name.
fn meant(wanted: &str, images: &[SoftwareImage]) -> Result<Uuid, Failure> {
    let is = |i: &&SoftwareImage| i.spec.name == wanted || i.id.to_string() == wanted;
    let found: Vec<Uuid> = images.iter().filter(is).map(|i| i.id).collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(Failure::helped(format!("no software image is called {wanted:?}"), "mano vim image list")),
        several => {
            let ids: Vec<String> = several.iter().map(Uuid::to_string).collect();
            let detail = format!("{} software images are called {wanted:?}", ids.len());
            Err(Failure::helped(detail, format!("use one of the ids {}", ids.join(", "))))
        }
    }
}

fn show(context: &Context, images: &[SoftwareImage]) -> Result<(), Failure> {
    if context.format != Format::Table {
        return output::list(context.format, images, &[]);
    }
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut rows = Vec::new();
    for image in images {
        let spec = &image.spec;
        rows.push(vec![
            image.id.to_string(),
            spec.name.clone(),
            spec.version.clone(),
            word(&serde_json::to_value(spec.format)?),
            spec.size_bytes.map_or_else(|| "-".to_owned(), output::bytes),
            output::word(&image.state),
            match spec.owner.kind {
                OwnerKind::Vim => "operator".to_owned(),
                _ => format!("VNF package {}", spec.owner.id),
            },
            spec.sha256.clone(),
        ]);
    }
    output::table(&["id", "name", "version", "format", "size", "state", "owner", "sha256"], rows)
}
