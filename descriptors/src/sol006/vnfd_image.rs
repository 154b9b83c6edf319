//! Software images of a VNFD, and the files or names they stand for (IFA011 clause 7.1.6.5).

use super::files;
use super::get::{Get, bytes};
use super::source::Encoding;
use super::vnfd::Context;
use crate::archive::HashAlgorithm;
use crate::codes;
use crate::diag::Sink;
use crate::vnfd::{Checksum, SwImage};
use crate::yaml::Node;

/// The nodes of an image that its model has.
pub(super) const IMAGE: [&str; 13] = [
    "id",
    "name",
    "version",
    "provider",
    "checksum",
    "container-format",
    "disk-format",
    "min-disk",
    "min-ram",
    "size",
    "image",
    "operating-system",
    "supported-virtualization-environment",
];

/// An image of the VNFD.
pub(super) fn image(context: &Context<'_>, node: &Node, sink: &mut Sink) -> SwImage {
    let id = node.id();
    let given = node.get("checksum");
    let osm = context.encoding == Encoding::Yaml;
    let algorithm = given.and_then(|c| c.word("algorithm")).and_then(|a| HashAlgorithm::parse(&a));
    let hash = given.and_then(|c| c.word("hash")).unwrap_or_default().to_ascii_lowercase();
    let named = node.word("image").filter(|i| i != ".");
    let artifact = image_file(context, node, named.as_deref(), sink);
    if osm && (given.is_none() || artifact.is_none()) {
        let reading = if artifact.is_some() { "it is taken as a file of the package" } else { "the VIM must have it" };
        let name = named.as_deref().or(node.get("name").and_then(Node::text)).unwrap_or(&id).to_owned();
        sink.warn(
            &codes::OSM_IMAGE,
            node.at,
            format!("the image `{id}` is named `{name}` and described no further; {reading}"),
            "give `version`, `checksum`, `size` and `min-disk`",
        );
    } else if given.is_none() {
        sink.warn(
            &codes::YANG_MISSING,
            node.at,
            format!("the image `{id}` has no `checksum`; a changed file goes unnoticed"),
            "add `checksum` with `algorithm` and `hash`",
        );
    }
    if let (Some(algorithm), Some(place)) = (algorithm, given.and_then(|c| c.get("hash"))) {
        let digits = algorithm.hex_len();
        if hash.len() != digits || !hash.chars().all(|c| c.is_ascii_hexdigit()) {
            sink.warn(
                &codes::YANG_VAGUE,
                place.at,
                format!(
                    "the digest of image `{id}` is not one of its algorithm, which has {digits} hexadecimal digits"
                ),
                "compute it from the image file",
            );
        }
    }
    let size_bytes = image_size(context, node, artifact.as_deref(), sink);
    SwImage {
        name: if osm && artifact.is_none() { named } else { None }
            .or_else(|| node.word("name"))
            .unwrap_or_else(|| id.clone()),
        version: node.word("version").unwrap_or_default(),
        provider: node.word("provider"),
        checksum: Checksum { algorithm: algorithm.unwrap_or(HashAlgorithm::Sha256), hash },
        container_format: node.word("container-format").unwrap_or_else(|| "bare".to_owned()),
        disk_format: node.word("disk-format").unwrap_or_else(|| "qcow2".to_owned()),
        min_disk_bytes: node.large("min-disk").unwrap_or_default().saturating_mul(context.unit),
        min_ram_bytes: node.decimal("min-ram").map(|n| bytes(n, context.unit)),
        size_bytes,
        operating_system: node.word("operating-system"),
        supported_environments: node.words("supported-virtualization-environment"),
        artifact,
        id,
    }
}

/// Folders in which packages of Open Source MANO keep images: its own form, and its form of SOL004.
const IMAGES: [&str; 2] = ["images", "Files/images"];

/// The file or address of an image; `None` where `image` is the name that the image has in the VIM.
fn image_file(context: &Context<'_>, node: &Node, named: Option<&str>, sink: &mut Sink) -> Option<String> {
    let (named, files, osm) = (named.filter(|n| !n.is_empty())?, context.files, context.encoding == Encoding::Yaml);
    if named.contains("://") && !named.starts_with("file://") {
        return Some(named.to_owned());
    }
    // A file has a path or an ending; Open Source MANO gives the name the image has in the VIM, whatever it ends in.
    let is_file = named.contains('/') || has_disk_ending(named);
    if files.package().is_none() {
        return (is_file || !osm).then(|| named.to_owned());
    }
    let found = files.find(named, if osm { &IMAGES } else { &[] });
    if found.is_some() || (osm && !named.contains('/')) {
        return found;
    }
    let at = node.get("image").map_or(node.at, |n| n.at);
    if is_file {
        files::missing(named, "the image file", at, sink);
        return Some(named.to_owned());
    }
    sink.warn(
        &codes::YANG_IMAGE,
        at,
        format!("`{named}` is no file of the package and no address; the VIM must have the image `{}`", node.id()),
        "put the image into the package and write its path, or write its address",
    );
    None
}

/// The size of an image in bytes. The module counts in whole GB, so the file itself tells it where it is in the package.
fn image_size(context: &Context<'_>, node: &Node, artifact: Option<&str>, sink: &mut Sink) -> u64 {
    let told = node.large("size").unwrap_or_default().saturating_mul(context.unit);
    let file = artifact.and_then(|path| context.files.package()?.size(path)).filter(|size| *size > 0);
    let Some(file) = file else { return told };
    // Rounded up or down, as its author liked.
    if node.get("size").is_none() || told.abs_diff(file) < context.unit {
        return file;
    }
    let (unit, least) =
        if context.unit == 1 << 30 { ("GiB", file.div_ceil(1 << 30)) } else { ("GB", file.div_ceil(context.unit)) };
    sink.warn(
        &codes::YANG_IMAGE,
        node.get("size").map_or(node.at, |n| n.at),
        format!(
            "the image `{}` is described with {told} bytes, `{}` has {file}",
            node.id(),
            artifact.unwrap_or_default()
        ),
        format!("write {least}: sizes are in {unit}"),
    );
    told
}

fn has_disk_ending(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase());
    ending.is_some_and(|e| ["qcow2", "img", "raw", "vmdk", "vdi", "vhd", "vhdx", "iso"].contains(&e.as_str()))
}
