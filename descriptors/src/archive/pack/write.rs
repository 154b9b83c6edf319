//! Writing archives whose bytes depend on nothing but their files: fixed order, times and rights.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{Content, PackError, io_error};
use crate::archive::meta;

/// Writes a package and returns its files with their sizes in bytes.
pub(super) fn archive<W: Write + Seek>(
    files: &BTreeMap<String, Content>,
    manifest: &str,
    out: W,
) -> Result<Vec<(String, u64)>, PackError> {
    let mut writer = ZipWriter::new(out);
    // TOSCA.meta comes first, as readers of a stream expect; the rest in order of path.
    let mut order: Vec<(&String, &Content)> = files.iter().collect();
    order.sort_by_key(|(p, _)| (p.as_str() != meta::PATH, p.as_str() != manifest, p.as_str()));
    let mut packed = Vec::new();
    for (path, content) in order {
        packed.push((path.clone(), entry(&mut writer, path, content)?));
    }
    writer.finish()?.flush().map_err(io_error("write", Path::new("the archive")))?;
    Ok(packed)
}

/// Writes the outer archive of a signed package; the package is stored as it is, so that it can be read where it lies.
pub(super) fn outer<W: Write + Seek>(name: &str, mut inner: File, signature: &str, out: W) -> Result<(), PackError> {
    let here = Path::new("the temporary package");
    let size = inner.metadata().map_err(io_error("look at", here))?.len();
    inner.rewind().map_err(io_error("read", here))?;
    let mut writer = ZipWriter::new(out);
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::DEFAULT)
        .unix_permissions(0o644);
    writer.start_file(format!("{name}.csar"), options.large_file(size >= u64::from(u32::MAX)))?;
    io::copy(&mut inner, &mut writer).map_err(io_error("pack", here))?;
    writer.start_file(format!("{name}.cms"), options)?;
    writer.write_all(signature.as_bytes()).map_err(io_error("pack", Path::new("the signature")))?;
    writer.finish()?.flush().map_err(io_error("write", Path::new("the archive")))?;
    Ok(())
}

/// Formats that are packed already, or that readers want to take out at full speed.
fn stored(path: &str) -> bool {
    let end = path.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default();
    matches!(
        end.as_str(),
        "qcow2"
            | "img"
            | "vmdk"
            | "vdi"
            | "vhd"
            | "vhdx"
            | "iso"
            | "gz"
            | "tgz"
            | "xz"
            | "zst"
            | "bz2"
            | "zip"
            | "png"
            | "jpg"
    )
}

fn entry<W: Write + Seek>(writer: &mut ZipWriter<W>, path: &str, content: &Content) -> Result<u64, PackError> {
    let method = if stored(path) { CompressionMethod::Stored } else { CompressionMethod::Deflated };
    let executable = path.ends_with(".sh");
    let options = SimpleFileOptions::default()
        .compression_method(method)
        .last_modified_time(zip::DateTime::DEFAULT)
        .unix_permissions(if executable { 0o755 } else { 0o644 });
    let mut source: Box<dyn Read + '_> = match content {
        Content::Text(text) => Box::new(text.as_bytes()),
        Content::File(file) => Box::new(File::open(file).map_err(io_error("read", file))?),
    };
    let large = match content {
        Content::Text(_) => false,
        Content::File(file) => std::fs::metadata(file).map_err(io_error("look at", file))?.len() >= u64::from(u32::MAX),
    };
    writer.start_file(path, options.large_file(large))?;
    io::copy(&mut source, writer).map_err(io_error("pack", Path::new(path)))
}
