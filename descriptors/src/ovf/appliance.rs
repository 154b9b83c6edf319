//! An appliance as it comes in: an OVA archive, a descriptor with its files beside it, or a directory (DSP0243 clause 5).

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::manifest;
use super::names::short;
use super::tape::{self, Member, Tape};
use crate::archive::{Limits, names};
use crate::codes;
use crate::diag::{Pos, Sink};

/// An opened appliance. Files are read where they lie; nothing is unpacked.
#[derive(Debug)]
pub struct Appliance {
    descriptor: String,
    text: String,
    place: Place,
    limits: Limits,
    changed_s: u64,
}

#[derive(Debug)]
enum Place {
    Archive { path: PathBuf, tape: Tape },
    Directory(PathBuf),
}

impl Appliance {
    /// Opens an archive, a descriptor or a directory. Faults go to `sink`; `None` where no descriptor can be read.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn open(path: &Path, limits: &Limits, sink: &mut Sink) -> io::Result<Option<Self>> {
        let path = std::fs::canonicalize(path)?;
        let (place, descriptor) = if path.is_dir() {
            let descriptor = in_directory(&path, sink)?;
            (Place::Directory(path), descriptor)
        } else if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("ovf")) {
            let descriptor = path.file_name().map(|n| n.to_string_lossy().into_owned());
            (Place::Directory(path.parent().unwrap_or(Path::new("/")).to_path_buf()), descriptor)
        } else {
            let tape = tape::list(&File::open(&path)?, limits, sink)?;
            let descriptor = in_archive(&tape, sink);
            (Place::Archive { path, tape }, descriptor)
        };
        let Some(descriptor) = descriptor else { return Ok(None) };
        let limits = limits.clone();
        let mut appliance = Self { descriptor, text: String::new(), place, limits, changed_s: 0 };
        let name = appliance.descriptor.clone();
        let Some(text) = appliance.text_of(&name, sink)? else { return Ok(None) };
        appliance.text = text;
        appliance.changed_s = appliance.changed(&name);
        Ok(Some(appliance))
    }

    /// Name of the descriptor.
    #[must_use]
    pub fn descriptor(&self) -> &str {
        &self.descriptor
    }

    /// The descriptor itself.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// When the descriptor was last changed, in seconds since 1970-01-01T00:00:00Z; 0 where nothing tells.
    #[must_use]
    pub fn changed_s(&self) -> u64 {
        self.changed_s
    }

    /// Size of a file in bytes; `None` where there is no such plain file.
    #[must_use]
    pub fn size(&self, name: &str) -> Option<u64> {
        match &self.place {
            Place::Archive { tape, .. } => tape.members.get(name).map(|m| m.size),
            Place::Directory(dir) => beside(dir, name).and_then(|p| Some(std::fs::metadata(p).ok()?.len())),
        }
    }

    /// Streams a file.
    ///
    /// # Errors
    /// `NotFound`, and what the file system answers.
    pub fn reader(&self, name: &str) -> io::Result<Box<dyn Read>> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, format!("there is no file `{name}`"));
        match &self.place {
            Place::Archive { path, tape } => {
                let member: Member = *tape.members.get(name).ok_or_else(missing)?;
                Ok(Box::new(tape::open(File::open(path)?, member)?))
            }
            Place::Directory(dir) => Ok(Box::new(File::open(beside(dir, name).ok_or_else(missing)?)?)),
        }
    }

    /// The path of a file that lies open, outside of any archive.
    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        match &self.place {
            Place::Archive { .. } => None,
            Place::Directory(dir) => beside(dir, name),
        }
    }

    /// Compares the digests of the manifest, where there is one, with the files; `used` are the files that the descriptor
    /// refers to. Each file is read once; memory stays flat.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn verify(&self, used: &[&str], sink: &mut Sink) -> io::Result<()> {
        let stem = self.descriptor.rsplit_once('.').map_or(self.descriptor.as_str(), |(stem, _)| stem);
        if self.size(&format!("{stem}.cert")).is_some() {
            let message = format!("the signature in `{stem}.cert` is not judged, and does not sign the VNF package");
            let mend = "sign the package itself: mano vnfpkg build --sign-key";
            sink.report(crate::diag::Severity::Note, &codes::OVF_CERTIFICATE, None, message, Some(mend.to_owned()));
        }
        let name = format!("{stem}.mf");
        if self.size(&name).is_none() {
            return Ok(());
        }
        let Some(text) = self.text_of(&name, sink)? else { return Ok(()) };
        let file = sink.add_source(name.as_str(), text.as_str());
        let mut listed = BTreeSet::new();
        for line in manifest::parse(file, &text, sink) {
            if !listed.insert(line.file.clone()) {
                let message = format!("`{}` is listed twice", short(&line.file));
                sink.error(&codes::OVF_MANIFEST, line.at, message);
                continue;
            }
            if self.size(&line.file).is_none() {
                sink.error_mend(
                    &codes::OVF_FILE,
                    line.at,
                    format!("the listed file `{}` is not there", short(&line.file)),
                    "add the file, or remove the line",
                );
                continue;
            }
            let digest = line.algorithm.of(self.reader(&line.file)?)?;
            if digest != line.digest {
                sink.error_mend(
                    &codes::OVF_DIGEST,
                    line.at,
                    format!("`{}` has the {} digest {digest}", short(&line.file), line.algorithm.name()),
                    "fetch the appliance again; if the change is meant, write the new digest",
                );
            }
        }
        let wanted = std::iter::once(self.descriptor.as_str()).chain(used.iter().copied());
        for missing in wanted.filter(|f| !listed.contains(*f)) {
            sink.warn(
                &codes::OVF_MANIFEST,
                Pos::whole(file),
                format!("the manifest does not list `{}`", short(missing)),
                "list every file",
            );
        }
        Ok(())
    }

    fn changed(&self, name: &str) -> u64 {
        match &self.place {
            Place::Archive { tape, .. } => tape.members.get(name).map_or(0, |m| m.changed_s),
            Place::Directory(dir) => beside(dir, name)
                .and_then(|p| std::fs::metadata(p).ok()?.modified().ok())
                .and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok())
                .map_or(0, |d| d.as_secs()),
        }
    }

    /// A small text file.
    fn text_of(&self, name: &str, sink: &mut Sink) -> io::Result<Option<String>> {
        let limit = self.limits.text_bytes;
        let mut bytes = Vec::new();
        self.reader(name)?.take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            sink.error(&codes::TOO_LARGE, None, format!("`{}` is larger than the limit of {limit} bytes", short(name)));
            return Ok(None);
        }
        let text = String::from_utf8(bytes).ok();
        if text.is_none() {
            let message = format!("`{}` is not UTF-8 text", short(name));
            sink.error_mend(&codes::OVF_XML, None, message, "save the file as UTF-8");
        }
        Ok(text)
    }
}

/// A plain file below a directory, reached through no link.
fn beside(dir: &Path, name: &str) -> Option<PathBuf> {
    if names::refusal(name).is_some() {
        return None;
    }
    let mut path = dir.to_path_buf();
    for step in name.split('/') {
        path.push(step);
        if std::fs::symlink_metadata(&path).ok()?.file_type().is_symlink() {
            return None;
        }
    }
    path.is_file().then_some(path)
}

fn in_directory(dir: &Path, sink: &mut Sink) -> io::Result<Option<String>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if is_descriptor(&name) {
            found.push(name);
        }
    }
    found.sort();
    Ok(only(found, sink))
}

fn in_archive(tape: &Tape, sink: &mut Sink) -> Option<String> {
    let found: Vec<String> = tape.order.iter().filter(|n| is_descriptor(n) && !n.contains('/')).cloned().collect();
    if found.is_empty() && sink.has_errors() {
        return None;
    }
    let descriptor = only(found, sink)?;
    if tape.order.first() != Some(&descriptor) {
        sink.warn(
            &codes::OVF_ORDER,
            None,
            format!("`{}` is not the first file of the archive", short(&descriptor)),
            "pack the descriptor first, then manifest and certificate, then the disks",
        );
    }
    Some(descriptor)
}

fn is_descriptor(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case("ovf"))
}

fn only(mut found: Vec<String>, sink: &mut Sink) -> Option<String> {
    if found.len() == 1 {
        return found.pop();
    }
    let message = match found.len() {
        0 => "there is no OVF descriptor".to_owned(),
        n => {
            format!("there are {n} OVF descriptors: {}", found.iter().map(|f| short(f)).collect::<Vec<_>>().join(", "))
        }
    };
    sink.error_mend(&codes::OVF_ARCHIVE, None, message, "give exactly one file whose name ends in .ovf");
    None
}
