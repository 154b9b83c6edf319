//! From a VDU of a VNF package to an OVA: its disks as streamOptimized VMDK, its processors, memory and ports as virtual
//! hardware. Everything else of the VNFD is named.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::disk::DiskFormat;
use super::error::{OvfError, io_error};
use super::import::checked;
use super::manifest::Algorithm;
use super::model::{Disk, Drive, DriveSource, Envelope, FileReference, Network, Nic, Product, System};
use super::names::{identifier, plain, short};
use super::qemu_img::QemuImg;
use super::write::{Part, ovf_text, write_ova};
use crate::archive::{Limits, Package};
use crate::codes;
use crate::diag::{Diagnostics, Severity, Sink};
use crate::vnfd::{Flavour, StorageKind, SwImage, Vdu, Vnfd};

/// What came of an export.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The appliance's descriptor; reading the archive gives the same.
    pub envelope: Envelope,
    /// What an appliance has no place for. No errors.
    pub found: Diagnostics,
}

/// Writes the VDU `vdu` of the package at `source`, an archive or a directory, to the OVA `out`, which appears only when it is complete. The VDU is taken
/// from the first deployment flavour that has it.
///
/// # Errors
/// [`OvfError::Content`] when the package is faulty, has no such VDU, or the VDU has no image in the package.
pub fn export(source: &Path, vdu: &str, out: &Path, limits: &Limits, tool: &QemuImg) -> Result<Exported, OvfError> {
    let (package, vnfd, _) = checked(source, limits).map_err(OvfError::Content)?;
    let mut sink = Sink::new();
    let Some((flavour, vdu)) = vnfd.flavours.iter().find_map(|f| Some((f, f.vdu(vdu)?))) else {
        let known: Vec<&str> = vnfd.flavours.iter().flat_map(|f| &f.vdus).map(|v| v.name.as_str()).collect();
        let message = format!("the package has no VDU `{}`", short(vdu));
        sink.error_mend(&codes::NODE_UNKNOWN, None, message, format!("it has {}", known.join(", ")));
        return Err(OvfError::Content(sink.finish()));
    };
    left_out(&vnfd, flavour, vdu, &mut sink);
    let parent = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let work =
        tempfile::Builder::new().prefix(".to-ova-").tempdir_in(parent).map_err(io_error("write below", parent))?;
    let dir = work.path().canonicalize().map_err(io_error("find", work.path()))?;
    let mut exporter = Exporter { package: &package, tool, limits, dir: &dir, sink: &mut sink, made: Vec::new() };
    let mut envelope = base(&vnfd, flavour, vdu);
    exporter.disks(flavour, vdu, &mut envelope)?;
    let made = exporter.made;
    if sink.has_errors() {
        return Err(OvfError::Content(sink.finish()));
    }
    let mut digests = BTreeMap::new();
    let mut parts: Vec<Part<'_>> = Vec::new();
    for (name, path) in &made {
        let open = || File::open(path).map_err(io_error("read", path));
        digests.insert(name.clone(), Algorithm::Sha256.of(open()?).map_err(io_error("read", path))?);
        let file = open()?;
        let size = file.metadata().map_err(io_error("look at", path))?.len();
        parts.push((name.clone(), size, Box::new(file)));
    }
    let unfinished = dir.join("appliance.ova");
    let file = File::create(&unfinished).map_err(io_error("write", &unfinished))?;
    let writer = std::io::BufWriter::new(file);
    write_ova(writer, &file_name(&vdu.name), &ovf_text(&envelope), &digests, parts)
        .map_err(io_error("write", &unfinished))?;
    fs::rename(&unfinished, out).map_err(io_error("write", out))?;
    Ok(Exported { envelope, found: sink.finish() })
}

fn file_name(vdu: &str) -> String {
    let name = identifier(vdu);
    if name.is_empty() { "vdu".to_owned() } else { name }
}

fn some(text: &str) -> Option<String> {
    Some(plain(text)).filter(|t| !t.is_empty())
}

/// Everything but the disks.
fn base(vnfd: &Vnfd, flavour: &Flavour, vdu: &Vdu) -> Envelope {
    let mut envelope = Envelope { version: 1, ..Envelope::default() };
    let mut nics = Vec::new();
    for cp in flavour.cps_of(&vdu.name) {
        let name = cp.virtual_link.as_deref().or(cp.external.first().map(String::as_str)).unwrap_or(&cp.name);
        let network = plain(name);
        if !envelope.networks.iter().any(|n| n.name == network) {
            let description = cp.description.as_deref().and_then(some);
            envelope.networks.push(Network { name: network.clone(), description });
        }
        nics.push(Nic { name: plain(&cp.name), network, model: Some("virtio".to_owned()) });
    }
    let image = vdu.sw_image.as_deref().and_then(|id| flavour.sw_image(id));
    envelope.systems.push(System {
        id: plain(&vdu.name),
        name: some(&vdu.display_name),
        annotation: some(&vdu.description),
        operating_system: image.and_then(|i| some(i.operating_system.as_deref()?)).or_else(|| some("Other")),
        product: Product {
            name: some(&vnfd.product_name),
            vendor: some(&vnfd.provider),
            version: some(&vnfd.software_version),
        },
        cpus: vdu.cpu.count.max(1),
        memory_bytes: vdu.memory.size_bytes,
        nics,
        ..System::default()
    });
    envelope
}

struct Exporter<'a> {
    package: &'a Package,
    tool: &'a QemuImg,
    limits: &'a Limits,
    /// Where files are made.
    dir: &'a Path,
    sink: &'a mut Sink,
    /// Files of the archive, by name.
    made: Vec<(String, PathBuf)>,
}

impl Exporter<'_> {
    fn disks(&mut self, flavour: &Flavour, vdu: &Vdu, envelope: &mut Envelope) -> Result<(), OvfError> {
        let mut drives = Vec::new();
        let own = vdu.sw_image.as_deref().and_then(|id| flavour.sw_image(id));
        let local = vdu.local_storages.first().map_or(0, |s| s.size_bytes);
        if let Some(image) = own {
            self.disk(&vdu.name, local.max(image.min_disk_bytes), Some(image), &mut drives, envelope)?;
        }
        let further = if own.is_some() { 1 } else { 0 };
        for (n, storage) in vdu.local_storages.iter().enumerate().skip(further) {
            self.disk(&format!("{}_local_{}", vdu.name, n + 1), storage.size_bytes, None, &mut drives, envelope)?;
        }
        for storage in vdu.storages.iter().filter_map(|name| flavour.storage(name)) {
            if storage.kind != StorageKind::Block {
                not_exported(self.sink, format!("the storage `{}`, which is no block device", short(&storage.name)));
                continue;
            }
            let image = storage.sw_image.as_deref().and_then(|id| flavour.sw_image(id));
            self.disk(&storage.name, storage.size_bytes, image, &mut drives, envelope)?;
        }
        // A machine boots from the first disk that holds anything; a reader orders them so.
        if let Some(boot) = drives.iter().position(|d: &Drive| envelope.content(d).is_some()) {
            let boot = drives.remove(boot);
            drives.insert(0, boot);
        } else if !self.sink.has_errors() {
            self.sink.error_mend(
                &codes::SW_IMAGE,
                None,
                format!("the VDU `{}` has no software image in the package", short(&vdu.name)),
                "give it a `SwImage` artifact",
            );
        }
        if let Some(system) = envelope.systems.first_mut() {
            system.drives = drives;
        }
        Ok(())
    }

    fn disk(
        &mut self,
        node: &str,
        bytes: u64,
        image: Option<&SwImage>,
        drives: &mut Vec<Drive>,
        envelope: &mut Envelope,
    ) -> Result<(), OvfError> {
        let number = drives.len() + 1;
        let id = format!("disk{number}");
        let mut disk = Disk { id: id.clone(), capacity_bytes: bytes.max(1), file: None, format: None };
        if let Some(image) = image {
            let name = format!("{}-{id}.vmdk", file_name(node));
            let Some(capacity) = self.content(image, bytes, &name)? else { return Ok(()) };
            let path = self.dir.join(&name);
            let size = fs::metadata(&path).map_err(io_error("look at", &path))?.len();
            let file = format!("file{number}");
            envelope.files.push(FileReference { id: file.clone(), href: name.clone(), size_bytes: Some(size) });
            self.made.push((name, path));
            disk = Disk { capacity_bytes: capacity, file: Some(file), format: Some(DiskFormat::Vmdk), ..disk };
        }
        envelope.disks.push(disk);
        drives.push(Drive { name: plain(node), source: DriveSource::Disk(id) });
        Ok(())
    }

    /// Converts an image and returns the size of its disk in bytes; `None` where the image is refused.
    fn content(&mut self, image: &SwImage, bytes: u64, name: &str) -> Result<Option<u64>, OvfError> {
        let shown = short(&image.id);
        let Some(path) = image.artifact.as_deref().filter(|p| self.package.contains(p)) else {
            let message = format!("the image of `{shown}` is not in the package");
            self.sink.error_mend(&codes::SW_IMAGE, None, message, "add it as a `SwImage` artifact");
            return Ok(None);
        };
        let Some(format) = DiskFormat::from_sol001(&image.disk_format) else {
            let message = format!("the format `{}` of the image of `{shown}` is not known", short(&image.disk_format));
            self.sink.error_mend(&codes::OVF_DISK, None, message, "convert it to qcow2 or raw");
            return Ok(None);
        };
        let source = self.dir.join("image");
        let mut artifact = self.package.open_artifact(path).map_err(io_error("read", Path::new(path)))?;
        let mut file = File::create(&source).map_err(io_error("write", &source))?;
        let mut reader = artifact.reader().map_err(io_error("read", Path::new(path)))?.take(self.limits.entry_bytes);
        std::io::copy(&mut reader, &mut file).map_err(io_error("unpack", Path::new(path)))?;
        drop(file);
        let size = match self.tool.size(&source, format) {
            Ok(size) => size,
            Err(Ok(why)) => {
                let message = format!("the image of `{shown}` is refused: {why}");
                self.sink.error_mend(&codes::OVF_DISK, None, message, "make it whole, in one file, as declared");
                return Ok(None);
            }
            Err(Err(error)) => return Err(error),
        };
        let target = self.dir.join(name);
        let most = self.limits.entry_bytes;
        if size >= bytes {
            self.tool.convert((&source, format), (&target, DiskFormat::Vmdk), most)?;
        } else {
            // The disk is larger than its image: the guest finds free space at its end.
            let larger = self.dir.join("larger");
            self.tool.convert((&source, format), (&larger, DiskFormat::Qcow2), most)?;
            self.tool.grow(&larger, bytes)?;
            self.tool.convert((&larger, DiskFormat::Qcow2), (&target, DiskFormat::Vmdk), most)?;
            let _ = fs::remove_file(&larger);
        }
        let _ = fs::remove_file(&source);
        Ok(Some(size.max(bytes)))
    }
}

fn not_exported(sink: &mut Sink, what: impl Into<String>) {
    let message = format!("{}: an OVF appliance has no place for it, so it is left out", what.into());
    sink.report(Severity::Note, &codes::OVF_NOT_EXPORTED, None, message, None);
}

/// Names what of the VDU and its VNF does not come into the appliance.
fn left_out(vnfd: &Vnfd, flavour: &Flavour, vdu: &Vdu, sink: &mut Sink) {
    let mut tell = |is: bool, what: &str| {
        if is {
            not_exported(sink, what);
        }
    };
    let others: Vec<String> =
        flavour.vdus.iter().filter(|v| v.name != vdu.name).map(|v| format!("`{}`", short(&v.name))).collect();
    tell(vnfd.flavours.len() > 1, "further deployment flavours");
    tell(!others.is_empty(), &format!("the other VDUs {}", others.join(", ")));
    tell(vdu.boot_data.is_some(), "boot data, which the VNFM gives to the guest");
    tell(vdu.cpu.pinning.is_some(), "pinning of virtual CPUs");
    tell(vdu.cpu.architecture.is_some() || vdu.cpu.clock_hz.is_some(), "architecture and clock of virtual CPUs");
    tell(!vdu.memory.huge_pages.is_empty() || vdu.memory.numa_enabled, "huge pages and NUMA");
    tell(!vdu.logical_nodes.is_empty() || !vdu.additional_capabilities.is_empty(), "requirements on the host");
    tell(vdu.profile.max_instances > 1 || !flavour.scaling.aspects.is_empty(), "scaling");
    tell(!flavour.placement.is_empty(), "affinity and anti-affinity");
    tell(!flavour.security_group_rules.is_empty(), "security groups");
    tell(!vdu.monitoring.is_empty() || !vnfd.monitoring.is_empty(), "monitoring parameters");
    tell(flavour.cps_of(&vdu.name).any(|c| !c.addresses.is_empty()), "how the ports get their addresses");
    let plain_ports = flavour.cps_of(&vdu.name).all(|c| c.vnic_type == "normal" || c.vnic_type == "virtio");
    tell(!plain_ports, "kinds of ports other than virtio");
    tell(flavour.cps_of(&vdu.name).any(|c| c.bitrate_bps.is_some()), "bit rates of ports");
    tell(flavour.sub_cps.iter().any(|c| c.cp.vdu == vdu.name), "ports of trunks");
    tell(!flavour.vip_cps.is_empty(), "addresses that ports share");
}
