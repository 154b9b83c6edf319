//! `mano vnfpkg lint --plan` and `mano nsd lint --plan`: what a package would create, as a table and as a picture, and
//! whether a described NFVI can hold it.

use std::path::{Path, PathBuf};

use descriptors::archive::{Limits, Package, PackageKind};
use descriptors::network::PlacementKind;
use descriptors::nsd::{Connection, Nsd};
use descriptors::picture::{Picture, of_nsd, of_vnfd};
use descriptors::plan::{self, Nfvi, Sizing, bytes};
use descriptors::vnfd::Vnfd;
use descriptors::{nsd, vnfd};
use serde_json::json;

use crate::cli::Lint;
use crate::fail::Failure;
use crate::output::{self, Format};

/// The report says what is wrong.
fn no_plan() -> Result<(), Failure> {
    output::note("no plan: the descriptor cannot be read; mend the errors first");
    Ok(())
}

/// Prints the plan of a package whose descriptor can be read. Fails when the described NFVI cannot hold every size.
pub fn run(args: &Lint, kind: PackageKind, format: Format) -> Result<(), Failure> {
    let limits = Limits::default();
    let opened = if args.path.is_dir() {
        Package::inspect_dirs(&[&args.path], &limits)
    } else {
        Package::inspect(&args.path, &limits)
    };
    let Some(package) = opened.package else { return no_plan() };
    match kind {
        PackageKind::Vnf => match vnfd::read_vnfd(&package) {
            Ok(vnfd) => of_a_vnf(args, &vnfd, format),
            Err(_) => no_plan(),
        },
        PackageKind::Ns => match nsd::read_nsd(&package) {
            Ok(nsd) => of_a_service(args, &nsd, format),
            Err(_) => no_plan(),
        },
        PackageKind::Pnf => Ok(()),
    }
}

fn of_a_vnf(args: &Lint, vnfd: &Vnfd, format: Format) -> Result<(), Failure> {
    let sizings = plan::sizings(vnfd);
    let pictures = vnfd.flavours.iter().map(|flavour| (flavour.id.as_str(), of_vnfd(vnfd, flavour, &sizings)));
    draw(args, pictures.collect())?;
    let fits = match &args.nfvi {
        None => Vec::new(),
        Some(file) => {
            let nfvi = described(file)?;
            sizings.iter().map(|sizing| (sizing, plan::fit(sizing, &nfvi))).collect()
        }
    };
    match format {
        Format::Table | Format::Text => {
            output::line("")?;
            output::table(HEAD, sizings.iter().flat_map(rows).collect())?;
            for flavour in &vnfd.flavours {
                let shown = sizings.iter().find(|sizing| sizing.flavour == flavour.id);
                shown.map_or(Ok(()), surroundings)?;
            }
            for (sizing, fit) in &fits {
                let name = format!("{} {}", sizing.flavour, sizing.size);
                if fit.holds() {
                    output::line(&format!("{name}: fits on the described NFVI"))?;
                }
                for left in &fit.unplaced {
                    output::line(&format!("{name}: no host for {}: {}", left.vnfc, left.why.join(", ")))?;
                }
            }
        }
        _ => {
            let fits: Vec<_> =
                fits.iter().map(|(s, fit)| json!({"flavour": s.flavour, "size": s.size, "fit": fit})).collect();
            output::document(format, &json!({ "sizings": sizings, "fits": fits }))?;
        }
    }
    let missing = fits.iter().filter(|(_, fit)| !fit.holds()).count();
    if missing == 0 {
        return Ok(());
    }
    Err(Failure::usage(format!("{missing} of {} sizes do not fit on the described NFVI", fits.len())))
}

const HEAD: &[&str] = &["flavour", "size", "vdu", "vnfcs", "vcpus", "memory", "disk", "ports"];

fn rows(sizing: &Sizing) -> Vec<Vec<String>> {
    let row = |vdu: &str, vnfcs: u32, vcpus: u64, memory: u64, disk: u64, ports: String| {
        vec![
            sizing.flavour.clone(),
            sizing.size.clone(),
            vdu.to_owned(),
            vnfcs.to_string(),
            vcpus.to_string(),
            bytes(memory),
            bytes(disk),
            ports,
        ]
    };
    let mut all: Vec<Vec<String>> = sizing
        .vdus
        .iter()
        .map(|vdu| {
            let (each, n) = (&vdu.each, u64::from(vdu.vnfcs));
            let (memory, disk) = (each.memory_bytes.saturating_mul(n), each.disk_bytes.saturating_mul(n));
            row(&vdu.vdu, vdu.vnfcs, each.vcpus.saturating_mul(n), memory, disk, vdu.ports.join(" "))
        })
        .collect();
    let total = &sizing.total;
    if all.len() > 1 {
        let ports = total.ports.to_string();
        all.push(row("all", total.vnfcs, total.vcpus, total.memory_bytes, total.disk_bytes, ports));
    }
    all
}

/// What is the same for every size of a flavour.
fn surroundings(sizing: &Sizing) -> Result<(), Failure> {
    let list = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    output::line(&format!(
        "flavour {}: networks made: {}; connected from outside: {}",
        sizing.flavour,
        list(&sizing.networks),
        list(&sizing.external)
    ))?;
    for rule in &sizing.placement {
        let how = match rule.kind {
            PlacementKind::Affinity => "together",
            PlacementKind::AntiAffinity => "apart",
        };
        output::line(&format!("  {}: {} {how}, by {}", rule.name, rule.vdus.join(", "), rule.scope))?;
    }
    Ok(())
}

fn of_a_service(args: &Lint, nsd: &Nsd, format: Format) -> Result<(), Failure> {
    draw(args, nsd.flavours.iter().map(|flavour| (flavour.id.as_str(), of_nsd(nsd, flavour))).collect())?;
    if args.nfvi.is_some() {
        output::note("--nfvi is for VNF packages: an NSD does not say how large its VNFs are");
    }
    let mut rows = Vec::new();
    for flavour in &nsd.flavours {
        let mut levels: Vec<Option<&str>> = flavour.levels.levels.keys().map(|level| Some(level.as_str())).collect();
        if levels.is_empty() {
            levels.push(None);
        }
        for level in levels {
            for vnf in &flavour.vnfs {
                rows.push(vec![
                    flavour.id.clone(),
                    level.unwrap_or("default").to_owned(),
                    vnf.name.clone(),
                    "VNF".to_owned(),
                    flavour.initial_instances(vnf, level).to_string(),
                    format!("{}…{}", vnf.min_instances, vnf.max_instances),
                    vnf.flavour_id.clone().unwrap_or_else(|| "-".to_owned()),
                    vnf.instantiation_level.clone().unwrap_or_else(|| "-".to_owned()),
                    connected(&vnf.connections),
                ]);
            }
            for ns in &flavour.nested_ns_profiles {
                let profile = &ns.profile;
                let counts = flavour.levels.ns_instances.get(&ns.name);
                let level_of = level.or(flavour.levels.default_level.as_deref());
                let count = level_of.and_then(|l| counts?.get(l)).copied().unwrap_or(profile.min_instances);
                rows.push(vec![
                    flavour.id.clone(),
                    level.unwrap_or("default").to_owned(),
                    ns.name.clone(),
                    "NS".to_owned(),
                    count.to_string(),
                    format!("{}…{}", profile.min_instances, profile.max_instances),
                    ns.flavour_id.clone().or_else(|| profile.flavour_id.clone()).unwrap_or_else(|| "-".to_owned()),
                    profile.instantiation_level.clone().unwrap_or_else(|| "-".to_owned()),
                    connected(&ns.connections),
                ]);
            }
            for pnf in &flavour.pnf_profiles {
                rows.push(vec![
                    flavour.id.clone(),
                    level.unwrap_or("default").to_owned(),
                    pnf.name.clone(),
                    "PNF".to_owned(),
                    "1".to_owned(),
                    "-".to_owned(),
                    "-".to_owned(),
                    "-".to_owned(),
                    connected(&pnf.connections),
                ]);
            }
        }
    }
    if matches!(format, Format::Table | Format::Text) {
        output::line("")?;
        return output::table(
            &["flavour", "level", "part", "kind", "instances", "range", "its flavour", "its level", "connections"],
            rows,
        );
    }
    output::document(format, &json!({ "flavours": nsd.flavours }))
}

/// Which connection point is on which virtual link.
fn connected(connections: &[Connection]) -> String {
    connections.iter().map(|c| format!("{}→{}", c.cp, c.virtual_link)).collect::<Vec<_>>().join(" ")
}

fn described(file: &Path) -> Result<Nfvi, Failure> {
    let text = std::fs::read_to_string(file).map_err(|e| Failure::usage(format!("{}: {e}", file.display())))?;
    Nfvi::parse(&text).map_err(|e| Failure::usage(format!("{}: {e}", file.display())))
}

/// Writes one file a flavour: the first under the name that was asked for, the others with the flavour in their name.
fn draw(args: &Lint, pictures: Vec<(&str, Picture)>) -> Result<(), Failure> {
    let Some(file) = &args.svg else { return Ok(()) };
    for (i, (flavour, picture)) in pictures.iter().enumerate() {
        let name = if i == 0 { file.clone() } else { beside(file, flavour) };
        std::fs::write(&name, picture.to_svg())
            .map_err(|e| Failure::usage(format!("cannot write {}: {e}", name.display())))?;
        output::note(&format!("flavour {flavour} is drawn in {}", name.display()));
    }
    Ok(())
}

fn beside(file: &Path, flavour: &str) -> PathBuf {
    let plain: String =
        flavour.chars().map(|c| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '_' }).collect();
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!("{stem}-{plain}.svg"))
}
