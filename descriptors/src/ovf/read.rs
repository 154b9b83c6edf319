//! The OVF envelope: references, disks, networks and the tree of virtual systems (DSP0243 clauses 7 and 9).

use std::collections::BTreeSet;

use super::disk::DiskFormat;
use super::model::{Disk, Envelope, FileReference, Network, Product};
use super::names::{plain, short};
use super::units::factor;
use super::xml::{self, Element, Vocabulary};
use crate::codes;
use crate::diag::{Pos, Severity, Sink};

/// Largest disk and memory taken for honest, in bytes.
pub(super) const MAX_BYTES: u64 = 64 << 40;

/// Reads an OVF descriptor; `name` is how findings call it. All faults go to `sink`, and everything that a VNF package has
/// no place for is named there. `None` when nothing can be made of the text.
#[must_use]
pub fn read_envelope(name: &str, text: &str, sink: &mut Sink) -> Option<Envelope> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let file = sink.add_source(name, text);
    let root = xml::parse(file, text, sink)?;
    let version = match root.vocabulary {
        Vocabulary::Ovf(version) if root.name == "Envelope" => version,
        _ => {
            sink.error_mend(
                &codes::OVF_SHAPE,
                root.at,
                format!("the root element is `{}`, not OVF's `Envelope`", short(&root.name)),
                "give the OVF descriptor itself",
            );
            return None;
        }
    };
    if !(1..=2).contains(&version) {
        sink.warn(
            &codes::OVF_ASSUMED,
            root.at,
            "the namespace is that of no published version; the descriptor is read as version 1",
            "xmlns=\"http://schemas.dmtf.org/ovf/envelope/1\"",
        );
    }
    let mut reader = Reader { envelope: Envelope { version, ..Envelope::default() }, configuration: None, sink };
    reader.envelope(&root);
    Some(reader.envelope)
}

/// What is read so far.
pub(super) struct Reader<'s> {
    pub(super) envelope: Envelope,
    /// The configuration that items without a choice belong to (clause 9.8).
    pub(super) configuration: Option<String>,
    pub(super) sink: &'s mut Sink,
}

impl Reader<'_> {
    /// Names something that a VNF package has no place for.
    pub(super) fn left_out(&mut self, severity: Severity, at: Pos, what: impl Into<String>) {
        let message = format!("{}: a VNF package has no place for it, so it is left out", what.into());
        self.sink.report(severity, &codes::OVF_LEFT_OUT, Some(at), message, None);
    }

    /// An attribute that must be there.
    pub(super) fn need(&mut self, element: &Element, attribute: &str) -> Option<String> {
        let value = element.attribute(attribute).map(plain).filter(|v| !v.is_empty());
        if value.is_none() {
            self.sink.error_mend(
                &codes::OVF_SHAPE,
                element.at,
                format!("`{}` has no `ovf:{attribute}`", element.name),
                format!("add ovf:{attribute}"),
            );
        }
        value
    }

    fn envelope(&mut self, root: &Element) {
        // What others refer to is read first, wherever it stands.
        for section in root.children.iter().filter(|c| c.vocabulary.is_ovf()) {
            match section.name.as_str() {
                "References" => self.references(section),
                "NetworkSection" => self.networks(section),
                "DeploymentOptionSection" => self.options(section),
                _ => {}
            }
        }
        for section in root.children.iter().filter(|c| c.vocabulary.is_ovf() && c.name == "DiskSection") {
            self.disks(section);
        }
        for child in &root.children {
            match child.name.as_str() {
                "References" | "NetworkSection" | "DiskSection" | "DeploymentOptionSection" => {}
                "VirtualSystem" if child.vocabulary.is_ovf() => self.system(child),
                "VirtualSystemCollection" if child.vocabulary.is_ovf() => self.collection(child, true),
                "Strings" => self.left_out(Severity::Note, child.at, "translations of texts"),
                _ => self.other(child),
            }
        }
        if self.envelope.systems.is_empty() && !self.sink.has_errors() {
            self.sink.error_mend(
                &codes::OVF_SHAPE,
                root.at,
                "the descriptor holds no virtual system",
                "add a `VirtualSystem` with a `VirtualHardwareSection`",
            );
        }
        self.unused(root);
    }

    /// A section without a meaning here. One that its author calls required may not be passed over in silence (clause 7.3).
    pub(super) fn other(&mut self, section: &Element) {
        let name = section.attribute("type").map_or_else(|| section.name.clone(), plain);
        let severity = if section.attribute("required") == Some("false") { Severity::Note } else { Severity::Warning };
        self.left_out(severity, section.at, format!("`{}`", short(&name)));
    }

    fn references(&mut self, section: &Element) {
        let mut seen = BTreeSet::new();
        for file in section.children.iter().filter(|c| c.name == "File") {
            let (Some(id), Some(href)) = (self.need(file, "id"), self.need(file, "href")) else { continue };
            if !seen.insert(id.clone()) {
                self.sink.error(
                    &codes::OVF_SHAPE,
                    file.at,
                    format!("a second file has the identifier `{}`", short(&id)),
                );
                continue;
            }
            if let Some(why) = refusal(&href) {
                self.sink.error_mend(
                    &codes::OVF_FILE,
                    file.at,
                    format!("the file `{}` is refused: {why}", short(&href)),
                    "put the file beside the descriptor and name it by its path from there",
                );
                continue;
            }
            let whole = file.attribute("chunkSize").is_none_or(|c| c.is_empty());
            if !whole || file.attribute("compression").is_some_and(|c| !c.is_empty() && c != "identity") {
                self.sink.error_mend(
                    &codes::OVF_FILE,
                    file.at,
                    format!(
                        "the file `{}` is compressed as a whole or cut into chunks, which is not read",
                        short(&href)
                    ),
                    "export it again as a single streamOptimized VMDK, which is compressed in itself",
                );
            }
            let size_bytes = file.attribute("size").and_then(|s| s.trim().parse().ok());
            self.envelope.files.push(FileReference { id, href, size_bytes });
        }
    }

    fn networks(&mut self, section: &Element) {
        for network in section.children.iter().filter(|c| c.name == "Network") {
            let Some(name) = self.need(network, "name") else { continue };
            if self.envelope.networks.iter().any(|n| n.name == name) {
                let message = format!("a second network is called `{}`", short(&name));
                self.sink.error(&codes::OVF_SHAPE, network.at, message);
                continue;
            }
            for more in network.children.iter().filter(|c| c.name != "Description") {
                self.left_out(
                    Severity::Note,
                    more.at,
                    format!("`{}` of network `{}`", short(&more.name), short(&name)),
                );
            }
            let description = network.child_text("Description");
            self.envelope.networks.push(Network { name, description });
        }
    }

    fn disks(&mut self, section: &Element) {
        for disk in section.children.iter().filter(|c| c.name == "Disk") {
            let Some(id) = self.need(disk, "diskId") else { continue };
            if self.envelope.disk(&id).is_some() {
                self.sink.error(
                    &codes::OVF_SHAPE,
                    disk.at,
                    format!("a second disk has the identifier `{}`", short(&id)),
                );
                continue;
            }
            let Some(capacity_bytes) = self.capacity(disk) else { continue };
            let file = disk.attribute("fileRef").map(plain).filter(|f| !f.is_empty());
            if let Some(file) = file.as_deref().filter(|f| self.envelope.file(f).is_none()) {
                let message =
                    format!("the disk `{}` names the file `{}`, which is not in `References`", short(&id), short(file));
                self.sink.error_mend(&codes::OVF_REFERENCE, disk.at, message, "add the `File`, or correct ovf:fileRef");
            }
            if disk.attribute("parentRef").is_some_and(|p| !p.is_empty()) {
                self.sink.error_mend(
                    &codes::OVF_DISK,
                    disk.at,
                    format!("the disk `{}` holds only its difference from another disk", short(&id)),
                    "export it whole",
                );
            }
            let format = self.format(disk, file.as_deref());
            self.envelope.disks.push(Disk { id, capacity_bytes, file, format });
        }
    }

    fn capacity(&mut self, disk: &Element) -> Option<u64> {
        let text = self.need(disk, "capacity")?;
        let units = disk.attribute("capacityAllocationUnits").unwrap_or("byte");
        let Some(unit) = factor(units) else {
            self.sink.error_mend(
                &codes::OVF_UNITS,
                disk.at,
                format!("the unit `{}` is none of size", short(units)),
                "write for example byte * 2^30",
            );
            return None;
        };
        let bytes = text.parse::<u64>().ok().and_then(|n| n.checked_mul(unit)).filter(|n| (1..=MAX_BYTES).contains(n));
        if bytes.is_none() {
            self.sink.error_mend(
                &codes::OVF_UNITS,
                disk.at,
                format!("the capacity `{}` in `{}` is no size between 1 byte and 64 TiB", short(&text), short(units)),
                "write the capacity as a number; references to properties are not followed",
            );
        }
        bytes
    }

    /// The declared format; never one that the content suggests, since content can lie.
    fn format(&mut self, disk: &Element, file: Option<&str>) -> Option<DiskFormat> {
        let declared = disk.attribute("format").unwrap_or_default();
        let format = DiskFormat::from_uri(declared);
        match (file, format) {
            (None, _) => None,
            (Some(_), Some(format)) => Some(format),
            (Some(file), None) => {
                let href = self.envelope.file(file).map_or("", |f| f.href.as_str());
                let by_name = DiskFormat::from_name(href);
                if let (Some(format), true) = (by_name, declared.is_empty()) {
                    self.sink.warn(
                        &codes::OVF_ASSUMED,
                        disk.at,
                        format!("no format is declared; by its name `{}` is {}", short(href), format.word()),
                        format!("add ovf:format=\"{}\"", format.uri()),
                    );
                    return by_name;
                }
                self.sink.error_mend(
                    &codes::OVF_DISK,
                    disk.at,
                    format!("the disk format `{}` is not known", short(declared)),
                    "export it as VMDK, VHD, VHDX, VDI, qcow2 or raw",
                );
                None
            }
        }
    }

    /// The configuration that is read: the one marked as default, else the first.
    fn options(&mut self, section: &Element) {
        let all: Vec<&Element> = section.children.iter().filter(|c| c.name == "Configuration").collect();
        let chosen = all.iter().find(|c| matches!(c.attribute("default"), Some("true" | "1"))).or_else(|| all.first());
        self.configuration = chosen.and_then(|c| c.attribute("id")).map(plain);
        for other in &all {
            let id = other.attribute("id").map(plain);
            if id != self.configuration {
                let what = format!("the configuration `{}`", short(&id.unwrap_or_default()));
                self.left_out(Severity::Warning, other.at, what);
            }
        }
    }

    fn collection(&mut self, collection: &Element, outermost: bool) {
        if outermost {
            self.envelope.name = collection.child_text("Name").or_else(|| collection.attribute("id").map(plain));
        }
        for child in &collection.children {
            match child.name.as_str() {
                "Info" | "Name" => {}
                "VirtualSystem" if child.vocabulary.is_ovf() => self.system(child),
                "VirtualSystemCollection" if child.vocabulary.is_ovf() => self.collection(child, false),
                "ProductSection" => {
                    let product = self.product(child);
                    merge(&mut self.envelope.product, product);
                }
                "EulaSection" => {
                    let text = eula(child);
                    self.envelope.eulas.extend(text);
                }
                "StartupSection" => self.left_out(Severity::Warning, child.at, "the order in which systems start"),
                "AnnotationSection" => self.left_out(Severity::Note, child.at, "the collection's annotation"),
                _ => self.other(child),
            }
        }
    }

    /// A product; its properties reach the guest through OVF's own environment file, which MANO does not write.
    pub(super) fn product(&mut self, section: &Element) -> Product {
        let keys: Vec<String> = section
            .children
            .iter()
            .filter(|c| c.name == "Property")
            .filter_map(|c| c.attribute("key"))
            .map(short)
            .take(20)
            .collect();
        if let Some(first) = section.child("Property") {
            let what = format!("properties for the guest's OVF environment ({})", keys.join(", "));
            self.left_out(Severity::Warning, first.at, what);
        }
        let known = ["Info", "Product", "Vendor", "Version", "FullVersion", "Property", "Category"];
        for more in section.children.iter().filter(|c| !known.contains(&c.name.as_str())) {
            self.left_out(Severity::Note, more.at, format!("`{}` of the product", short(&more.name)));
        }
        Product {
            name: section.child_text("Product"),
            vendor: section.child_text("Vendor"),
            version: section.child_text("Version").or_else(|| section.child_text("FullVersion")),
        }
    }

    /// Names what no system uses, and the networks that become internal links.
    fn unused(&mut self, root: &Element) {
        let in_section = |section: &str| -> Vec<&Element> {
            let sections = root.children.iter().filter(|c| c.vocabulary.is_ovf() && c.name == section);
            sections.flat_map(|s| &s.children).collect()
        };
        let drives = || self.envelope.systems.iter().flat_map(|s| &s.drives);
        let disks: BTreeSet<&str> = drives().filter_map(|d| d.source.disk()).collect();
        let mut files: BTreeSet<&str> = drives().filter_map(|d| d.source.file()).collect();
        files.extend(self.envelope.disks.iter().filter_map(|d| d.file.as_deref()));
        let mut found: Vec<(Severity, Pos, String)> = Vec::new();
        let mut look = |section: &str, key: &str, what: &str, used: &BTreeSet<&str>| {
            for element in in_section(section) {
                if let Some(id) = element.attribute(key).map(plain).filter(|id| !used.contains(id.as_str())) {
                    found.push((
                        Severity::Warning,
                        element.at,
                        format!("the {what} `{}`, which no system uses", short(&id)),
                    ));
                }
            }
        };
        look("References", "id", "file", &files);
        look("DiskSection", "diskId", "disk", &disks);
        let networks: Vec<&str> = self.envelope.networks.iter().map(|n| n.name.as_str()).collect();
        let on = |name: &&str| self.envelope.systems_on(name);
        look("NetworkSection", "name", "network", &networks.iter().copied().filter(|n| on(n) > 0).collect());
        let shared: BTreeSet<String> = networks.iter().filter(|n| on(n) > 1).map(|n| (*n).to_owned()).collect();
        for (severity, at, what) in found {
            self.left_out(severity, at, what);
        }
        for network in in_section("NetworkSection") {
            if let Some(name) = network.attribute("name").map(plain).filter(|n| shared.contains(n)) {
                self.sink.warn(
                    &codes::OVF_ASSUMED,
                    network.at,
                    format!("the network `{}` joins several systems, so it becomes internal to the VNF", short(&name)),
                    "give a system that must be reached from outside an adapter on a network of its own",
                );
            }
        }
    }
}

/// Fills what is not said yet.
pub(super) fn merge(into: &mut Product, from: Product) {
    into.name = into.name.take().or(from.name);
    into.vendor = into.vendor.take().or(from.vendor);
    into.version = into.version.take().or(from.version);
}

/// The text of a licence.
pub(super) fn eula(section: &Element) -> Option<String> {
    section.child("License").map(|l| l.text.trim().to_owned()).filter(|t| !t.is_empty())
}

/// Why a reference is not followed.
fn refusal(href: &str) -> Option<&'static str> {
    if href.contains("://") || href.starts_with("data:") {
        return Some("files elsewhere are not fetched");
    }
    crate::archive::names::refusal(href)
}
