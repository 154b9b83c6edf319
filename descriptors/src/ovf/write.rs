//! Writing an OVF descriptor and an OVA archive (DSP0243 version 1.1.0).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Read, Write};

use quick_xml::escape::escape;

use super::manifest::Algorithm;
use super::model::{DriveSource, Envelope, Product, System};

const OPEN: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData">
"#;

/// The descriptor's text. Reading it gives the same envelope, with version 1, for any envelope that was read or exported.
#[must_use]
pub fn ovf_text(envelope: &Envelope) -> String {
    let mut out = String::from(OPEN);
    out.push_str("  <References>\n");
    for file in &envelope.files {
        let size = file.size_bytes.map(|n| format!(" ovf:size=\"{n}\"")).unwrap_or_default();
        let _ = writeln!(out, "    <File ovf:id=\"{}\" ovf:href=\"{}\"{size}/>", escape(&file.id), escape(&file.href));
    }
    out.push_str("  </References>\n  <DiskSection>\n    <Info>Virtual disks</Info>\n");
    for disk in &envelope.disks {
        let file = disk.file.as_deref().map(|f| format!(" ovf:fileRef=\"{}\"", escape(f))).unwrap_or_default();
        let format = disk.format.map(|f| format!(" ovf:format=\"{}\"", f.uri())).unwrap_or_default();
        let (id, bytes) = (escape(&disk.id), disk.capacity_bytes);
        let _ = writeln!(
            out,
            "    <Disk ovf:diskId=\"{id}\" ovf:capacity=\"{bytes}\" ovf:capacityAllocationUnits=\"byte\"{file}{format}/>"
        );
    }
    out.push_str("  </DiskSection>\n  <NetworkSection>\n    <Info>Logical networks</Info>\n");
    for network in &envelope.networks {
        let _ = writeln!(out, "    <Network ovf:name=\"{}\">", escape(&network.name));
        element(&mut out, 6, "Description", network.description.as_deref());
        out.push_str("    </Network>\n");
    }
    out.push_str("  </NetworkSection>\n");
    match &envelope.name {
        Some(name) => {
            let _ = writeln!(out, "  <VirtualSystemCollection ovf:id=\"{}\">", escape(name));
            out.push_str("    <Info>Virtual systems</Info>\n");
            element(&mut out, 4, "Name", Some(name));
            product(&mut out, &envelope.product);
            eulas(&mut out, &envelope.eulas);
            envelope.systems.iter().for_each(|s| system(&mut out, s));
            out.push_str("  </VirtualSystemCollection>\n");
        }
        None => envelope.systems.iter().for_each(|s| system(&mut out, s)),
    }
    out.push_str("</Envelope>\n");
    out
}

fn element(out: &mut String, indent: usize, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        let _ = writeln!(out, "{:indent$}<{name}>{}</{name}>", "", escape(text));
    }
}

fn product(out: &mut String, product: &Product) {
    if *product == Product::default() {
        return;
    }
    out.push_str("    <ProductSection>\n      <Info>Product</Info>\n");
    element(out, 6, "Product", product.name.as_deref());
    element(out, 6, "Vendor", product.vendor.as_deref());
    element(out, 6, "Version", product.version.as_deref());
    out.push_str("    </ProductSection>\n");
}

fn eulas(out: &mut String, eulas: &[String]) {
    for text in eulas {
        out.push_str("    <EulaSection>\n      <Info>Licence</Info>\n");
        element(out, 6, "License", Some(text));
        out.push_str("    </EulaSection>\n");
    }
}

fn system(out: &mut String, system: &System) {
    let _ = writeln!(out, "  <VirtualSystem ovf:id=\"{}\">\n    <Info>A virtual machine</Info>", escape(&system.id));
    element(out, 4, "Name", system.name.as_deref());
    if system.annotation.is_some() {
        out.push_str("    <AnnotationSection>\n      <Info>Annotation</Info>\n");
        element(out, 6, "Annotation", system.annotation.as_deref());
        out.push_str("    </AnnotationSection>\n");
    }
    product(out, &system.product);
    eulas(out, &system.eulas);
    // The CIM number of "other" where only a name is known.
    out.push_str("    <OperatingSystemSection ovf:id=\"1\">\n      <Info>Guest</Info>\n");
    element(out, 6, "Description", Some(system.operating_system.as_deref().unwrap_or("Other")));
    out.push_str("    </OperatingSystemSection>\n    <VirtualHardwareSection>\n      <Info>Virtual hardware</Info>\n");
    let mut number = 0;
    let mut item = |out: &mut String, fields: &[(&str, &str)]| {
        number += 1;
        let number = number.to_string();
        let mut all = vec![("InstanceID", number.as_str())];
        all.extend(fields.iter().copied().filter(|(_, value)| !value.is_empty()));
        // The schema wants the properties in order of name.
        all.sort_by_key(|(name, _)| *name);
        out.push_str("      <Item>\n");
        for (name, value) in all {
            let _ = writeln!(out, "        <rasd:{name}>{}</rasd:{name}>", escape(value));
        }
        out.push_str("      </Item>\n");
        number
    };
    let (cpus, memory) = (system.cpus.to_string(), system.memory_bytes.to_string());
    item(out, &[("ElementName", "Processors"), ("ResourceType", "3"), ("VirtualQuantity", &cpus)]);
    let unit = ("AllocationUnits", "byte");
    item(out, &[unit, ("ElementName", "Memory"), ("ResourceType", "4"), ("VirtualQuantity", &memory)]);
    let controller = item(out, &[("ElementName", "Disk controller"), ("ResourceType", "20")]);
    for (n, drive) in system.drives.iter().enumerate() {
        let resource = match &drive.source {
            DriveSource::Disk(id) => format!("ovf:/disk/{id}"),
            DriveSource::File(id) => format!("ovf:/file/{id}"),
        };
        let place = n.to_string();
        let fields = [
            ("AddressOnParent", place.as_str()),
            ("ElementName", &drive.name),
            ("HostResource", &resource),
            ("Parent", &controller),
            ("ResourceType", "17"),
        ];
        item(out, &fields);
    }
    for nic in &system.nics {
        let model = nic.model.as_deref().unwrap_or_default();
        let fields = [
            ("AutomaticAllocation", "true"),
            ("Connection", nic.network.as_str()),
            ("ElementName", &nic.name),
            ("ResourceSubType", model),
            ("ResourceType", "10"),
        ];
        item(out, &fields);
    }
    out.push_str("    </VirtualHardwareSection>\n  </VirtualSystem>\n");
}

/// One file of an archive to be written.
pub type Part<'a> = (String, u64, Box<dyn Read + 'a>);

/// Writes an OVA: the descriptor `name`.ovf, a manifest with the given SHA-256 digests, then the files. Names, order, times
/// and owners are fixed, so the same content gives the same bytes.
///
/// # Errors
/// What reading and writing return; `InvalidInput` when a file does not hold as many bytes as told.
pub fn write_ova<'a>(
    out: impl Write,
    name: &str,
    descriptor: &str,
    digests: &BTreeMap<String, String>,
    files: impl IntoIterator<Item = Part<'a>>,
) -> io::Result<()> {
    let mut archive = tar::Builder::new(out);
    let own = Algorithm::Sha256.of(descriptor.as_bytes())?;
    let mut manifest = format!("SHA256({name}.ovf)= {own}\n");
    for (file, digest) in digests {
        let _ = writeln!(manifest, "SHA256({file})= {digest}");
    }
    for (ending, text) in [("ovf", descriptor), ("mf", manifest.as_str())] {
        let path = format!("{name}.{ending}");
        archive.append_data(&mut header(text.len() as u64), path, text.as_bytes())?;
    }
    for (path, size, reader) in files {
        let mut reader = Counted { inner: reader.take(size), left: size };
        archive.append_data(&mut header(size), path, &mut reader)?;
        if reader.left > 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a file is shorter than told"));
        }
    }
    archive.into_inner()?.flush()
}

fn header(size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_size(size);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_entry_type(tar::EntryType::Regular);
    header
}

/// Knows how much is still to come.
struct Counted<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.left = self.left.saturating_sub(n as u64);
        Ok(n)
    }
}
