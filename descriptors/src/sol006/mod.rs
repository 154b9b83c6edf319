//! SOL006: VNFDs, NSDs and PNFDs as data of ETSI's YANG modules, read into the same models as SOL001's.
//!
//! Three encodings are read: JSON (RFC 7951), XML (RFC 7950), and the YAML that packages of Open Source MANO use, whose
//! differences from the standard are findings of their own. A file goes through four steps: [`source`] finds the
//! descriptors in it, [`conform`] holds them against the schema, [`refs`] follows every reference, and [`vnfd`], [`nsd`] and
//! [`pnfd`] fill the models; [`package`] finds the file in a package, and [`files`] what it names there. Nothing is lost: what has no place in the model is kept in its `extra`.
//!
//! What the modules leave open is read so: a VDU's connection point that shares its identifier with one of another VDU is
//! named `<vdu>.<cp>`; a flavour has the parts that its VDUs use, and those that no VDU uses; `timeticks` are hundredths of
//! a second; sizes are in GB (10⁹ bytes), in YAML in GiB; bit rates of an NSD are in Mbit/s, of a VNFD's virtual links in
//! bit/s; at scale level 0 a VDU has what the default instantiation level leaves when its steps are taken away, or the
//! smallest number its profile permits.

mod boot;
mod conform;
mod files;
mod get;
mod network;
mod nsd;
mod nsd_forwarding;
mod nsd_parts;
mod osm;
pub(crate) mod package;
mod pnfd;
mod refs;
mod schema;
mod source;
mod vnfd;
mod vnfd_compute;
mod vnfd_container;
mod vnfd_cp;
mod vnfd_df;
mod vnfd_image;
mod vnfd_lcm;
mod vnfd_scaling;
mod xml;

pub use package::descriptor_of;
pub use source::{Encoding, looks_like};

use crate::codes;
use crate::diag::{Diagnostics, FileId, Pos, Sink};
use crate::nsd::Nsd;
use crate::pnfd::Pnfd;
use crate::vnfd::Vnfd;
use crate::yaml::Node;
use files::Files;

/// Largest file read, in bytes.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;
/// Most nodes of a file.
pub const MAX_NODES: usize = 200_000;
/// Most entries of all lists of a descriptor together.
pub const MAX_ENTRIES: usize = 10_000;
/// Most entries that the flavours of a descriptor may have together, each with its share of what they have in common.
pub const MAX_UNFOLDED: usize = 200_000;
/// Deepest nesting of a file.
pub const MAX_DEPTH: usize = 64;

/// All descriptors of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Descriptors {
    /// VNFDs, in order.
    pub vnfds: Vec<Vnfd>,
    /// NSDs, in order.
    pub nsds: Vec<Nsd>,
    /// PNFDs, in order.
    pub pnfds: Vec<Pnfd>,
    /// What was noticed while reading that does not forbid using them.
    pub warnings: Diagnostics,
}

/// Reads every descriptor of a file. What one of them says about another is followed where that is in the file too.
///
/// # Errors
/// Every fault, when any is an error.
pub fn read(file_name: &str, bytes: &[u8]) -> Result<Descriptors, Diagnostics> {
    let mut sink = Sink::new();
    let all = read_all(file_name, bytes, (Files::default(), ""), &mut sink);
    match all {
        Some((_, all)) if !sink.has_errors() => Ok(Descriptors { warnings: sink.finish(), ..all }),
        _ => Err(sink.finish()),
    }
}

/// Reads the one VNFD of a file.
///
/// # Errors
/// Every fault, when any is an error; also when the file holds none, or several.
pub fn read_vnfd(file_name: &str, bytes: &[u8]) -> Result<Vnfd, Diagnostics> {
    vnfd_of(file_name, bytes, Files::default())
}

fn vnfd_of(file_name: &str, bytes: &[u8], files: Files<'_>) -> Result<Vnfd, Diagnostics> {
    let (mut vnfd, warnings) = one(file_name, bytes, files, "VNFD", |all| all.vnfds, |v| &v.descriptor_id)?;
    vnfd.warnings = warnings;
    Ok(vnfd)
}

/// Reads the one NSD of a file; VNFDs beside it are used to check what it says of them.
///
/// # Errors
/// Every fault, when any is an error; also when the file holds none, or several.
pub fn read_nsd(file_name: &str, bytes: &[u8]) -> Result<Nsd, Diagnostics> {
    nsd_of(file_name, bytes, Files::default())
}

fn nsd_of(file_name: &str, bytes: &[u8], files: Files<'_>) -> Result<Nsd, Diagnostics> {
    let (mut nsd, warnings) = one(file_name, bytes, files, "NSD", |all| all.nsds, |n| &n.descriptor_id)?;
    nsd.warnings = warnings;
    Ok(nsd)
}

/// Reads the one PNFD of a file.
///
/// # Errors
/// Every fault, when any is an error; also when the file holds none, or several.
pub fn read_pnfd(file_name: &str, bytes: &[u8]) -> Result<Pnfd, Diagnostics> {
    pnfd_of(file_name, bytes, Files::default())
}

fn pnfd_of(file_name: &str, bytes: &[u8], files: Files<'_>) -> Result<Pnfd, Diagnostics> {
    let (mut pnfd, warnings) = one(file_name, bytes, files, "PNFD", |all| all.pnfds, |p| &p.descriptor_id)?;
    pnfd.warnings = warnings;
    Ok(pnfd)
}

fn one<M>(
    file_name: &str,
    bytes: &[u8],
    files: Files<'_>,
    kind: &str,
    of: impl Fn(Descriptors) -> Vec<M>,
    id: impl Fn(&M) -> &String,
) -> Result<(M, Diagnostics), Diagnostics> {
    let mut sink = Sink::new();
    let Some((file, all)) = read_all(file_name, bytes, (files, kind), &mut sink) else { return Err(sink.finish()) };
    let others: Vec<(&str, usize)> = [("VNFD", all.vnfds.len()), ("NSD", all.nsds.len()), ("PNFD", all.pnfds.len())]
        .into_iter()
        .filter(|(other, n)| *other != kind && *n > 0)
        .collect();
    let mut models = of(all);
    if models.len() != 1 {
        let ids: Vec<&str> = models.iter().map(|m| id(m).as_str()).collect();
        let at = Pos { file, line: 1, column: 1 };
        let (message, mend) = match (ids.as_slice(), others.first()) {
            ([], Some((other, n))) => (
                format!("the file holds no {kind}, but {n} {other}{}", if *n == 1 { "" } else { "s" }),
                match *other {
                    "VNFD" => "use `mano vnfpkg …` for a VNF package",
                    "NSD" => "use `mano nsd …` for an NSD archive",
                    _ => "write a manifest with `pnfd_name` in its metadata, by which a PNFD archive is known",
                }
                .to_owned(),
            ),
            ([], None) => (format!("the file holds no {kind}"), format!("put the {kind} into it")),
            (many, _) => (
                format!("the file holds {} {kind}s: {}", many.len(), many.join(", ")),
                format!("a package has one {kind} in a file of its own"),
            ),
        };
        sink.error_mend(&codes::YANG_ROOT, at, message, mend);
    }
    match models.pop() {
        Some(model) if !sink.has_errors() => Ok((model, sink.finish())),
        _ => Err(sink.finish()),
    }
}

/// `files` are those that descriptors of the kind beside them name; others are of other packages.
fn read_all(
    file_name: &str,
    bytes: &[u8],
    (files, kind): (Files<'_>, &str),
    sink: &mut Sink,
) -> Option<(FileId, Descriptors)> {
    let (file, encoding, found) = source::read(file_name, bytes, sink)?;
    let mut checked = |nodes: &[Node], kind: &str| -> Vec<Node> {
        let Some(def) = schema::descriptor(kind) else { return Vec::new() };
        let mut conformed = Vec::new();
        for raw in nodes {
            if !outsized(raw, sink) {
                let node = conform::conform(raw, def, encoding, sink);
                indispensable(&node, kind, encoding, sink);
                refs::check(&node, def, sink);
                conformed.push(node);
            }
        }
        conformed
    };
    let (vnfds, nsds, pnfds) =
        (checked(&found.vnfds, "vnfd"), checked(&found.nsds, "nsd"), checked(&found.pnfds, "pnfd"));
    let of = |wanted: &str| if kind == wanted { files } else { Files::default() };
    let beside = nsd::Beside { vnfds: &vnfds, nsds: &nsds, pnfds: &pnfds };
    let mut all = Descriptors::default();
    for node in &vnfds {
        all.vnfds.push(vnfd::read(node, encoding, of("VNFD"), sink));
    }
    for node in &nsds {
        all.nsds.push(nsd::read(node, &beside, encoding, of("NSD"), sink));
    }
    all.pnfds = pnfds.iter().map(|node| pnfd::read(node, sink)).collect();
    Some((file, all))
}

/// Tells what nothing can be made without, whatever the encoding forgives.
fn indispensable(node: &Node, kind: &str, encoding: Encoding, sink: &mut Sink) {
    let named = node.get("id").and_then(Node::text).is_some_and(|id| !id.is_empty());
    // In JSON and XML the schema demands it.
    let demanded = kind == "pnfd" || encoding != Encoding::Yaml;
    let has_df = demanded || node.get("df").and_then(Node::items).is_some_and(|df| !df.is_empty());
    for (there, name, why) in
        [(named, "id", "by which it is known"), (has_df, "df", "so there is nothing to instantiate")]
    {
        if !there {
            sink.error_mend(
                &codes::YANG_MISSING,
                node.at,
                format!("the {} has no `{name}`, {why}", kind.to_ascii_uppercase()),
                format!("add `{name}`"),
            );
        }
    }
}

/// Tells a descriptor that would unfold to more than any honest one does.
fn outsized(node: &Node, sink: &mut Sink) -> bool {
    fn entries(node: &Node) -> usize {
        let below: usize = node.each().map(|e| entries(&e.value)).sum();
        let items = node.items().unwrap_or_default();
        below + items.len() + items.iter().map(entries).sum::<usize>()
    }
    let all = entries(node);
    let df = node.each().find(|e| conform::bare(&e.key) == "df").map(|e| &e.value);
    let flavours = df.and_then(Node::items).map_or(0, <[Node]>::len);
    let within = df.map_or(0, entries);
    let unfolded = all.saturating_sub(within).saturating_mul(flavours);
    let over = all > MAX_ENTRIES || unfolded > MAX_UNFOLDED;
    if over {
        sink.error_mend(
            &codes::TOO_LARGE,
            node.at,
            format!("the descriptor has {all} entries and {flavours} flavours; {MAX_ENTRIES} entries, and {MAX_UNFOLDED} over all flavours, are read"),
            "split it",
        );
    }
    over
}
