//! Whether manifest, descriptor and artifacts of a package tell the same (SOL004 clause 4.3.2, SOL007 clause 4.3.2).

use crate::archive::{Claim, Package};
use crate::codes;
use crate::diag::{Diagnostics, Pos, Sink};
use crate::nsd::Nsd;
use crate::pnfd::Pnfd;
use crate::sol006;
use crate::vnfd::Vnfd;

/// A metadata key of the manifest, the value the descriptor gives, and whether the key must be there.
type Expected<'a> = (&'static str, Option<&'a str>, bool);

/// Compares a VNF package's manifest and images with its VNFD.
pub(crate) fn vnf(package: &Package, vnfd: &Vnfd) -> Diagnostics {
    let mut sink = Sink::new();
    metadata(
        package,
        &[
            ("vnf_product_name", Some(&vnfd.product_name), true),
            ("vnf_provider_id", Some(&vnfd.provider), true),
            ("vnf_package_version", None, true),
            ("vnf_release_date_time", None, true),
            ("vnfd_id", Some(&vnfd.descriptor_id), false),
            ("vnf_software_version", Some(&vnfd.software_version), false),
        ],
        &mut sink,
    );
    // SOL006 counts sizes in GB; its reader holds them against the files.
    let images = if sol006::descriptor_of(package).is_some() { Vec::new() } else { vnfd.sw_images() };
    for image in images {
        let Some(path) = image.artifact.as_deref() else { continue };
        let Some(size) = package.size(path) else { continue };
        if image.size_bytes != 0 && image.size_bytes != size {
            sink.warn(
                &codes::SW_IMAGE,
                None,
                format!("the image `{}` is described with {} bytes, `{path}` has {size}", image.id, image.size_bytes),
                format!("write `size: {size} B`"),
            );
        }
    }
    sink.finish()
}

/// Compares an NSD archive's manifest with its NSD.
pub(crate) fn ns(package: &Package, nsd: &Nsd) -> Diagnostics {
    let mut sink = Sink::new();
    metadata(
        package,
        &[
            ("nsd_name", Some(&nsd.name), true),
            ("nsd_designer", Some(&nsd.designer), true),
            ("nsd_file_structure_version", None, true),
            ("nsd_release_date_time", None, true),
            ("nsd_invariant_id", Some(&nsd.invariant_id), false),
        ],
        &mut sink,
    );
    sink.finish()
}

/// Looks at what a PNFD archive's manifest must tell, and compares it with the PNFD where that could be read.
pub(crate) fn pnf(package: &Package, pnfd: Option<&Pnfd>) -> Diagnostics {
    let mut sink = Sink::new();
    metadata(
        package,
        &[
            ("pnfd_name", pnfd.map(|p| p.name.as_str()), true),
            ("pnfd_provider", pnfd.map(|p| p.provider.as_str()), true),
            ("pnfd_archive_version", None, true),
            ("pnfd_release_date_time", None, true),
        ],
        &mut sink,
    );
    sink.finish()
}

fn metadata(package: &Package, expected: &[Expected<'_>], sink: &mut Sink) {
    let Some(manifest) = package.manifest().filter(|m| !m.metadata.is_empty()) else { return };
    let text = package.read(&manifest.path).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default();
    let line_of = |key: &str| text.lines().position(|l| l.trim_start().starts_with(key)).map_or(0, |n| n + 1);
    let file = sink.add_source(manifest.path.clone(), text.clone());
    let block = u32::try_from(line_of("metadata").max(1)).unwrap_or(1);
    for (key, value, required) in expected {
        let line = u32::try_from(line_of(key)).unwrap_or(0);
        let at = Pos { file, line, column: 1 };
        match (manifest.metadata.get(*key), value) {
            (None, _) if *required => sink.warn(
                &codes::MANIFEST_METADATA,
                Pos { file, line: block, column: 1 },
                format!("the metadata of the manifest lacks `{key}`"),
                format!("add `{key}: {}`", value.unwrap_or("<value>")),
            ),
            (Some(said), Some(value)) if said != value => sink.warn(
                &codes::MANIFEST_DISAGREES,
                at,
                format!("`{key}` is `{said}` here and `{value}` in the descriptor"),
                format!("write `{key}: {value}`"),
            ),
            _ => {}
        }
    }
}

/// The digests that the VNFD claims for its images.
pub(crate) fn image_claims(package: &Package, vnfd: &Vnfd) -> Vec<Claim> {
    let yang = sol006::descriptor_of(package);
    let code = if yang.is_some() { &codes::YANG_IMAGE } else { &codes::SW_IMAGE };
    let list = yang.unwrap_or_else(|| package.entry_definitions().to_owned());
    vnfd.sw_images()
        .into_iter()
        // SOL006 lets an image go without a digest.
        .filter(|image| !image.checksum.hash.is_empty())
        .filter_map(|image| {
            let path = image.artifact.clone().filter(|p| package.contains(p))?;
            Some(Claim {
                list: list.clone(),
                line: 0,
                path,
                algorithm: image.checksum.algorithm,
                hash: image.checksum.hash.clone(),
                code,
                what: format!("that the VNFD gives for image `{}`", image.id),
            })
        })
        .collect()
}
