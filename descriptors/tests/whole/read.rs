//! Reading the descriptors of `tests/data`, as they are or with changes.

use std::io::{Cursor, Write};

use descriptors::archive::{Limits, Package};
use descriptors::diag::Diagnostics;
use descriptors::nsd::{Nsd, read_nsd};
use descriptors::pnfd::{Pnfd, read_pnfd};
use descriptors::vnfd::{Flavour, Vnfd, read_vnfd};

pub const VNFD: &str = include_str!("../data/whole_vnfd.yaml");
pub const VNFD_TYPES: &str = include_str!("../data/whole_vnfd_types.yaml");

/// A zip archive of the given files.
pub fn zipped(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// An opened package; the first file is the main template.
pub fn package(files: &[(&str, &str)]) -> Package {
    let meta = format!(
        "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: x\nEntry-Definitions: {}\nETSI-Entry-Manifest: a.mf\n",
        files[0].0
    );
    let mut all = vec![("TOSCA-Metadata/TOSCA.meta", meta.as_str()), ("a.mf", "metadata:\n  vnf_product_name: x\n")];
    all.extend(files);
    Package::from_bytes(zipped(&all), &Limits::default()).unwrap_or_else(|e| panic!("{e}"))
}

/// The VNFD with its template changed.
pub fn changed_vnfd(change: impl Fn(String) -> String) -> Result<Vnfd, Diagnostics> {
    vnfd_of(&change(VNFD.to_owned()), VNFD_TYPES)
}

/// The VNFD with its types changed.
pub fn changed_types(change: impl Fn(String) -> String) -> Result<Vnfd, Diagnostics> {
    vnfd_of(VNFD, &change(VNFD_TYPES.to_owned()))
}

/// The VNFD of a template and its types.
pub fn vnfd_of(template: &str, types: &str) -> Result<Vnfd, Diagnostics> {
    read_vnfd(&package(&[
        ("whole_vnfd.yaml", template),
        ("whole_vnfd_types.yaml", types),
        ("Scripts/flow.yaml", "x"),
        ("Scripts/lib.sh", "x"),
        ("Scripts/tune.sh", "x"),
        ("Files/boot.sh", "echo ${dns}\n"),
        ("Files/worker.qcow2", "x"),
        ("Files/control.raw", "x"),
        ("Files/proxy.tar", "x"),
        ("Files/proxy.tgz", "x"),
    ]))
}

/// The VNFD with one text replaced, which must be there.
pub fn edited_vnfd(from: &str, to: &str) -> Result<Vnfd, Diagnostics> {
    assert!(VNFD.contains(from), "`{from}` is not there");
    changed_vnfd(|text| text.replacen(from, to, 1))
}

/// The VNFD as it is.
pub fn vnfd() -> Vnfd {
    changed_vnfd(|text| text).unwrap_or_else(|e| panic!("{e}"))
}

/// Its only flavour.
pub fn flavour() -> Flavour {
    vnfd().flavours.remove(0)
}

/// A VNFD of one file with these sections below `topology_template` and at the top.
pub fn small_vnfd(topology: &str, top: &str) -> Result<Vnfd, Diagnostics> {
    read_vnfd(&package(&[("v.yaml", &small_text(topology, top))]))
}

/// Its text.
pub fn small_text(topology: &str, top: &str) -> String {
    let head = "tosca_definitions_version: tosca_simple_yaml_1_3\nimports: [ etsi_nfv_sol001_vnfd_types.yaml ]\n";
    let has_types = top.contains("node_types:");
    let own = if has_types { "" } else { "node_types:\n" };
    format!(
        "{head}{top}{own}  x.Vnf: {{ derived_from: tosca.nodes.nfv.VNF }}\ntopology_template:\n  substitution_mappings: {{ node_type: x.Vnf, \
         properties: {{ flavour_id: f }} }}\n{topology}"
    )
}

/// The VNF's own node template, for [`small_vnfd`].
pub const SMALL_NODE: &str = "    VNF:\n      type: x.Vnf\n      properties: { descriptor_id: 0ee34a2b-5a5a-4b1e-8b44-4f5a2e3f0001, \
    descriptor_version: '1', provider: x, product_name: y, software_version: '1', vnfm_info: [ 'etsivnfm:v3.3.1' ], \
    flavour_description: z }\n";

/// The words of all findings.
pub fn told(found: &Diagnostics) -> String {
    found.to_string()
}

/// An NSD of the given files.
pub fn nsd_of(files: &[(&str, &str)]) -> Result<Nsd, Diagnostics> {
    read_nsd(&package(files))
}

/// A PNFD of the given files.
pub fn pnfd_of(files: &[(&str, &str)]) -> Result<Pnfd, Diagnostics> {
    read_pnfd(&package(files))
}

pub const NSD: &str = include_str!("../data/whole_nsd.yaml");
pub const PNFD: &str = include_str!("../data/whole_pnfd.yaml");

/// The NSD with its template changed.
pub fn changed_nsd(change: impl Fn(String) -> String) -> Result<Nsd, Diagnostics> {
    nsd_of(&[("whole_nsd.yaml", &change(NSD.to_owned())), ("Scripts/greet.sh", "x")])
}

/// The NSD with one text replaced, which must be there.
pub fn edited_nsd(from: &str, to: &str) -> Result<Nsd, Diagnostics> {
    assert!(NSD.contains(from), "`{from}` is not there");
    changed_nsd(|text| text.replacen(from, to, 1))
}

/// The NSD as it is.
pub fn nsd() -> Nsd {
    changed_nsd(|text| text).unwrap_or_else(|e| panic!("{e}"))
}

/// The PNFD with its template changed.
pub fn changed_pnfd(change: impl Fn(String) -> String) -> Result<Pnfd, Diagnostics> {
    pnfd_of(&[("whole_pnfd.yaml", &change(PNFD.to_owned()))])
}
