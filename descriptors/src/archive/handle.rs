//! A shared, independently positioned view of the bytes of an archive, so that several entries can be read at once.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

/// What can back an archive.
pub trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}

#[derive(Clone)]
enum Backing {
    /// Read by position: no lock, no shared cursor.
    File(Arc<File>),
    Shared(Arc<Mutex<Box<dyn ReadSeek>>>),
}

/// A cursor of its own over shared bytes. Cloning is cheap and gives an independent cursor.
#[derive(Clone)]
pub struct Handle {
    backing: Backing,
    /// Where the visible part begins in the backing bytes.
    base: u64,
    at: u64,
    len: u64,
}

impl Handle {
    pub(crate) fn file(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(Self { backing: Backing::File(Arc::new(file)), base: 0, at: 0, len })
    }

    pub(crate) fn shared(mut inner: impl ReadSeek + 'static) -> io::Result<Self> {
        let len = inner.seek(SeekFrom::End(0))?;
        Ok(Self { backing: Backing::Shared(Arc::new(Mutex::new(Box::new(inner)))), base: 0, at: 0, len })
    }

    /// A view of a part of the bytes; `None` when it reaches beyond them.
    pub(crate) fn window(&self, start: u64, len: u64) -> Option<Self> {
        let end = start.checked_add(len)?;
        (end <= self.len).then(|| Self { backing: self.backing.clone(), base: self.base + start, at: 0, len })
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("at", &self.at).field("len", &self.len).finish_non_exhaustive()
    }
}

impl Read for Handle {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.len.saturating_sub(self.at)).unwrap_or(usize::MAX).min(buf.len());
        let buf = buf.get_mut(..room).unwrap_or_default();
        let n = match &self.backing {
            Backing::File(file) => file.read_at(buf, self.base + self.at)?,
            Backing::Shared(inner) => {
                let mut inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
                inner.seek(SeekFrom::Start(self.base + self.at))?;
                inner.read(buf)?
            }
        };
        self.at += n as u64;
        Ok(n)
    }
}

impl Seek for Handle {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(n) => Some(n),
            SeekFrom::End(d) => self.len.checked_add_signed(d),
            SeekFrom::Current(d) => self.at.checked_add_signed(d),
        };
        self.at = target.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "seek before the start"))?;
        Ok(self.at)
    }
}
