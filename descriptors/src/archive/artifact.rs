//! Streaming one file of a package, never more and never less than its declared size.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use super::{Entry, Handle, Place};

/// An opened file of a package.
#[derive(Debug)]
pub struct Artifact {
    source: ArtifactSource,
    size: u64,
}

#[derive(Debug)]
enum ArtifactSource {
    Zip(Arc<zip::read::OwnedZipFileEntry>, Handle),
    File(File),
    Memory(Arc<[u8]>),
}

impl Artifact {
    pub(super) fn open(entry: &Entry, handle: Option<&Handle>) -> io::Result<Self> {
        let source = match (&entry.place, handle) {
            (Place::Zip(zip), Some(handle)) => ArtifactSource::Zip(Arc::clone(zip), handle.clone()),
            (Place::File(file), _) => ArtifactSource::File(File::open(file)?),
            (Place::Memory(bytes), _) => ArtifactSource::Memory(Arc::clone(bytes)),
            (Place::Zip(_), None) => return Err(io::Error::other("the archive is closed")),
        };
        Ok(Self { source, size: entry.size })
    }

    /// Unpacked size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// A reader from the first byte. It fails when the content is longer than declared or its checksum is wrong.
    ///
    /// # Errors
    /// When the entry's local header cannot be read or its compression is not supported.
    pub fn reader(&mut self) -> io::Result<Box<dyn Read + '_>> {
        let size = self.size;
        match &mut self.source {
            ArtifactSource::Zip(entry, handle) => {
                let options = zip::ZipReadOptions::new().enforce_header_consistency(true);
                let file = (**entry).as_ref().with_reader(handle, options).map_err(io::Error::other)?;
                Ok(Box::new(Bounded { inner: file, left: size }))
            }
            ArtifactSource::Memory(bytes) => Ok(Box::new(&**bytes)),
            ArtifactSource::File(file) => {
                io::Seek::rewind(file)?;
                Ok(Box::new(Bounded { inner: file, left: size }))
            }
        }
    }

    /// Copies the content to `out` and returns the number of bytes.
    ///
    /// # Errors
    /// As [`Artifact::reader`], and what reading and writing return.
    pub fn copy_to(&mut self, out: &mut impl io::Write) -> io::Result<u64> {
        io::copy(&mut self.reader()?, out)
    }
}

/// Refuses to yield more than the declared size, and tells when there is less.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let n = self.inner.read(buf)?;
        if n == 0 && self.left > 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("the content ends {} bytes before its declared size", self.left),
            ));
        }
        self.left = self.left.checked_sub(n as u64).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "the content is longer than its declared size")
        })?;
        Ok(n)
    }
}
