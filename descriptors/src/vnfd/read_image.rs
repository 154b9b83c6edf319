//! Reading software images, as a property of the node (versions 2 and 3) and as an artifact (SOL001 clause 6.8).

use super::compute::{Checksum, SwImage};
use super::read_flavour::Context;
use crate::archive::HashAlgorithm;
use crate::codes;
use crate::diag::Sink;
use crate::network::read::artifacts;
use crate::tosca::fields::Fields;
use crate::tosca::{NodeTemplate, TypeKind};

const SW_IMAGE: &str = "tosca.artifacts.nfv.SwImage";

/// The image of a VDU or storage: `sw_image_data`, or the properties of its `SwImage` artifact.
pub(super) fn sw_image(context: &mut Context<'_, '_>, node: &NodeTemplate, fields: &Fields<'_>) -> Option<SwImage> {
    let all = artifacts(context.package, &context.bundle.types, node);
    let types = &context.bundle.types;
    let typed = |name: &str| types.is_a(TypeKind::Artifact, name, SW_IMAGE);
    let is_image = |a: &crate::network::Artifact| a.artifact_type.as_deref().is_some_and(typed);
    let data = fields.sub("sw_image_data");
    // The short notation gives no type; beside `sw_image_data` it means the image.
    let images: Vec<_> = all.iter().filter(|a| is_image(a) || (data.exists() && a.artifact_type.is_none())).collect();
    let sink = &mut *context.sink;
    if images.len() > 1 {
        let names: Vec<_> = images.iter().map(|a| a.name.as_str()).collect();
        sink.error_mend(
            &codes::SW_IMAGE,
            node.at,
            format!("`{}` has {} software images: {}", node.name, images.len(), names.join(", ")),
            "keep one; put others on storages of their own",
        );
    }
    let artifact = images.first().copied();
    if data.exists() {
        if artifact.is_none() {
            sink.warn(
                &codes::SW_IMAGE,
                data.at(),
                format!("`{}` describes a software image but has no artifact; the VIM must have the image", node.name),
                format!("add `artifacts: {{ sw_image: {{ type: {SW_IMAGE}, file: <path> }} }}`"),
            );
        }
        return Some(image_data(&node.name, &data, artifact.map(|a| a.file.clone()), sink));
    }
    if let Some(artifact) = artifact {
        let path = ["artifacts", artifact.name.as_str()];
        let mut inherited = types.chain(TypeKind::Node, &node.type_name).filter_map(|def| def.body.dig(&path));
        let body = node.body.dig(&path).or_else(|| inherited.next());
        if let Some(properties) = body.and_then(|b| b.get("properties")) {
            let owner = format!("artifact `{}` of `{}`", artifact.name, node.name);
            let fields = Fields::new(properties, owner, properties.at);
            return Some(image_data(&node.name, &fields, Some(artifact.file.clone()), sink));
        }
        sink.error_mend(
            &codes::SW_IMAGE,
            body.map_or(node.at, |b| b.at),
            format!("the software image `{}` of `{}` is not described", artifact.name, node.name),
            "give the artifact `properties` with name, version, checksum, formats and sizes, or the node `sw_image_data`",
        );
        return None;
    }
    if let Some(untyped) = all.iter().find(|a| a.artifact_type.is_none()) {
        sink.error_mend(
            &codes::SW_IMAGE,
            node.body.dig(&["artifacts", &untyped.name]).map_or(node.at, |b| b.at),
            format!("the artifact `{}` of `{}` has no type and nothing says what it is", untyped.name, node.name),
            format!("write `{}: {{ type: {SW_IMAGE}, file: {} }}` and describe the image", untyped.name, untyped.file),
        );
    }
    None
}

fn image_data(id: &str, fields: &Fields<'_>, artifact: Option<String>, sink: &mut Sink) -> SwImage {
    let checksum = fields.sub("checksum");
    if !checksum.exists() {
        fields.missing("checksum", "tosca.datatypes.nfv.ChecksumData", sink);
    }
    let named = checksum.text("algorithm", sink);
    let algorithm = named.as_deref().and_then(HashAlgorithm::parse);
    let hash = checksum.text("hash", sink).unwrap_or_default().to_ascii_lowercase();
    match (checksum.get("hash"), algorithm) {
        (Some(node), Some(algorithm))
            if hash.len() != algorithm.hex_len() || !hash.bytes().all(|b| b.is_ascii_hexdigit()) =>
        {
            sink.error_mend(
                &codes::SW_IMAGE,
                node.at,
                format!(
                    "the checksum of image `{id}` is not {} hexadecimal digits, as {} gives",
                    algorithm.hex_len(),
                    algorithm.name()
                ),
                "compute it again",
            );
        }
        _ => {}
    }
    SwImage {
        id: id.to_owned(),
        name: fields.need_text("name", sink),
        version: fields.text("version", sink).unwrap_or_default(),
        provider: fields.text("provider", sink),
        checksum: Checksum { algorithm: algorithm.unwrap_or(HashAlgorithm::Sha256), hash },
        container_format: fields.text("container_format", sink).unwrap_or_else(|| "bare".to_owned()),
        disk_format: fields.text("disk_format", sink).unwrap_or_default(),
        min_disk_bytes: fields.bytes("min_disk", sink).unwrap_or_default(),
        min_ram_bytes: fields.bytes("min_ram", sink),
        size_bytes: fields.bytes("size", sink).unwrap_or_default(),
        operating_system: fields.text("operating_system", sink),
        supported_environments: fields.texts("supported_virtualisation_environments", sink),
        artifact,
    }
}
