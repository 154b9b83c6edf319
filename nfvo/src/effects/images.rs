//! Files inside packages as streams: read on a blocking thread, a few chunks ahead, so that memory stays flat however
//! large a file is.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use descriptors::archive::{Limits, Package};
use futures::Stream;
use tokio::sync::mpsc;
use uuid::Uuid;

/// Bytes of one chunk.
const CHUNK: usize = 256 * 1024;
/// Chunks read ahead of the receiver.
const AHEAD: usize = 4;

/// A file's content.
#[derive(Debug)]
pub struct Content {
    /// Size in bytes.
    pub size: u64,
    /// The bytes.
    pub stream: FileStream,
}

/// The bytes of a file.
#[derive(Debug)]
pub struct FileStream(mpsc::Receiver<io::Result<Bytes>>);

impl Stream for FileStream {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

/// Streams a reader that `open` makes on a blocking thread. The thread ends when the stream is dropped.
pub fn stream<F>(open: F) -> FileStream
where
    F: FnOnce(&mut dyn FnMut(&mut dyn Read) -> io::Result<()>) -> io::Result<()> + Send + 'static,
{
    let (send, receive) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        let mut pump = |reader: &mut dyn Read| -> io::Result<()> {
            loop {
                let mut chunk = Vec::with_capacity(CHUNK);
                reader.take(CHUNK as u64).read_to_end(&mut chunk)?;
                // The receiver is gone: nobody wants the rest.
                if chunk.is_empty() || send.blocking_send(Ok(chunk.into())).is_err() {
                    return Ok(());
                }
            }
        };
        if let Err(error) = open(&mut pump) {
            let _ = send.blocking_send(Err(error));
        }
    });
    FileStream(receive)
}

/// Streams one file of an archive.
///
/// # Errors
/// The archive cannot be opened, or has no such file.
pub async fn archive_file(archive: PathBuf, path: String) -> io::Result<Content> {
    let opened = tokio::task::spawn_blocking(move || {
        let package = Package::open(&archive, &Limits::default()).map_err(|d| io::Error::other(d.to_string()))?;
        package.open_artifact(&path)
    });
    let mut artifact = opened.await.map_err(io::Error::other)??;
    let size = artifact.size();
    Ok(Content { size, stream: stream(move |pump| pump(&mut artifact.reader()?)) })
}

/// Contents of software images, by package.
#[async_trait]
pub trait ImageContent: Send + Sync {
    /// Opens a software image.
    async fn open(&self, package: Uuid, path: &str) -> io::Result<Content>;
}

/// Software images in the package files of the state directory.
#[derive(Debug, Clone)]
pub struct PackageImages {
    packages: PathBuf,
}

impl PackageImages {
    /// Images of the packages below `packages`.
    pub fn new(packages: &Path) -> Self {
        Self { packages: packages.to_owned() }
    }
}

#[async_trait]
impl ImageContent for PackageImages {
    async fn open(&self, package: Uuid, path: &str) -> io::Result<Content> {
        archive_file(self.packages.join(format!("{package}.zip")), path.to_owned()).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use futures::StreamExt;

    use super::*;

    #[tokio::test]
    async fn a_reader_comes_through_whole_and_its_error_is_told() {
        let bytes: Vec<u8> = (0..CHUNK * 3 + 7).map(|i| u8::try_from(i % 251).unwrap()).collect();
        let expected = bytes.clone();
        let mut got = Vec::new();
        let mut all = stream(move |pump| pump(&mut bytes.as_slice()));
        while let Some(chunk) = all.next().await {
            got.extend_from_slice(&chunk.unwrap());
        }
        assert_eq!(got, expected);
        let mut broken = stream(|pump| {
            pump(&mut &b"some"[..])?;
            Err(io::Error::other("the disk is gone"))
        });
        assert_eq!(broken.next().await.unwrap().unwrap(), "some");
        assert_eq!(broken.next().await.unwrap().unwrap_err().to_string(), "the disk is gone");
        assert!(broken.next().await.is_none());
    }

    #[tokio::test]
    async fn a_dropped_stream_stops_its_thread() {
        struct Endless(#[expect(dead_code, reason = "dropped with the thread")] std::sync::mpsc::Sender<()>);
        impl Read for Endless {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                buf.fill(0);
                Ok(buf.len())
            }
        }
        let (alive, ended) = std::sync::mpsc::channel();
        let mut zeros = stream(move |pump| pump(&mut Endless(alive)));
        assert_eq!(zeros.next().await.unwrap().unwrap().len(), CHUNK);
        drop(zeros);
        // The sender is dropped with the thread's closure.
        tokio::task::spawn_blocking(move || assert!(ended.recv().is_err())).await.unwrap();
    }
}
