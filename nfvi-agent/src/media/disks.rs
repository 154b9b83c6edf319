//! Disks made with `qemu-img`: overlays over images, volumes, and copies.

use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use reference_points::nf_vi::DiskFormat;
use tokio::process::Command;

use super::layout::{finish, make_private, part, remove_file};
use super::{MediaError, Result, space};

/// How long a program may run. Copies of large images take minutes, hangs take longer.
const PATIENCE: Duration = Duration::from_secs(1800);
/// How much of a program's complaint is kept, in bytes.
const MAX_COMPLAINT: usize = 2000;

fn name(format: DiskFormat) -> &'static str {
    match format {
        DiskFormat::Qcow2 => "qcow2",
        DiskFormat::Raw => "raw",
    }
}

/// Makes a copy-on-write disk over an image. `size_bytes` may be larger than the image.
///
/// # Errors
/// A full disk, or what `qemu-img` said; nothing half-made stays.
pub async fn overlay(target: &Path, image: &Path, image_format: DiskFormat, size_bytes: Option<u64>) -> Result<()> {
    let mut arguments: Vec<&OsStr> = vec!["create".as_ref(), "-q".as_ref(), "-f".as_ref(), "qcow2".as_ref()];
    arguments.extend::<[&OsStr; 4]>(["-F".as_ref(), name(image_format).as_ref(), "-b".as_ref(), image.as_os_str()]);
    let temporary = part(target);
    arguments.push(temporary.as_os_str());
    let size = size_bytes.map(|bytes| bytes.to_string());
    arguments.extend(size.iter().map(OsStr::new));
    make(target, &temporary, "make the overlay", &arguments).await
}

/// Makes an empty volume.
///
/// # Errors
/// As [`overlay`].
pub async fn empty(target: &Path, size_bytes: u64) -> Result<()> {
    let temporary = part(target);
    let size = size_bytes.to_string();
    let arguments: [&OsStr; 6] =
        ["create".as_ref(), "-q".as_ref(), "-f".as_ref(), "qcow2".as_ref(), temporary.as_os_str(), size.as_ref()];
    make(target, &temporary, "make the volume", &arguments).await
}

/// Makes a volume with an image's content, of its own, and lets it grow to `size_bytes`.
///
/// # Errors
/// As [`overlay`].
pub async fn copy(target: &Path, image: &Path, image_format: DiskFormat, size_bytes: u64) -> Result<()> {
    let temporary = part(target);
    let copied: [&OsStr; 8] = [
        "convert".as_ref(),
        "-q".as_ref(),
        "-f".as_ref(),
        name(image_format).as_ref(),
        "-O".as_ref(),
        "qcow2".as_ref(),
        image.as_os_str(),
        temporary.as_os_str(),
    ];
    let made = async {
        run("qemu-img", "copy the image to", target, &copied).await?;
        grow(&temporary, size_bytes).await
    };
    conclude(made.await, &temporary, target)
}

/// Makes a copy of a qcow2 disk that stands for itself, whatever the disk lies over.
///
/// # Errors
/// As [`overlay`].
pub async fn convert(target: &Path, disk: &Path) -> Result<()> {
    let temporary = part(target);
    let arguments: [&OsStr; 8] = [
        "convert".as_ref(),
        "-q".as_ref(),
        "-f".as_ref(),
        "qcow2".as_ref(),
        "-O".as_ref(),
        "qcow2".as_ref(),
        disk.as_os_str(),
        temporary.as_os_str(),
    ];
    make(target, &temporary, "copy the disk to", &arguments).await
}

/// Lets a qcow2 disk that nothing uses grow to `size_bytes`.
///
/// # Errors
/// As [`overlay`].
pub async fn grow(target: &Path, size_bytes: u64) -> Result<()> {
    let size = size_bytes.to_string();
    let grown: [&OsStr; 6] =
        ["resize".as_ref(), "-q".as_ref(), "-f".as_ref(), "qcow2".as_ref(), target.as_os_str(), size.as_ref()];
    run("qemu-img", "grow", target, &grown).await
}

/// Size in bytes that a guest sees of a qcow2 disk, from its header; `None` when there is no such file.
///
/// # Errors
/// A file that cannot be read, or is no qcow2 disk.
pub fn virtual_size(path: &Path) -> Result<Option<u64>> {
    let mut head = [0; 32];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut head));
    match (read, &head) {
        (Ok(()), [b'Q', b'F', b'I', 0xfb, .., a, b, c, d, e, f, g, h]) => {
            Ok(Some(u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h])))
        }
        (Err(error), _) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        (Err(error), _) => Err(MediaError::io("read the head of", path, &error)),
        (Ok(()), _) => Err(MediaError::io("read the size of", path, &std::io::Error::other("it is no qcow2 disk"))),
    }
}

async fn make(target: &Path, temporary: &Path, action: &str, arguments: &[&OsStr]) -> Result<()> {
    let made = run("qemu-img", action, target, arguments).await;
    conclude(made, temporary, target)
}

/// Gives what was made its name, or removes it.
fn conclude(made: Result<()>, temporary: &Path, target: &Path) -> Result<()> {
    let done = made.and_then(|()| make_private(temporary)).and_then(|()| finish(temporary, target));
    if done.is_err() {
        // The first error is the one to tell.
        let _ = remove_file(temporary);
    }
    done
}

/// Runs a program with a fixed list of arguments and waits for it.
///
/// # Errors
/// A full disk is told as such; otherwise the end of what the program wrote to standard error.
pub async fn run(program: &str, action: &str, path: &Path, arguments: &[&OsStr]) -> Result<()> {
    let failed = |why: String| MediaError::Tool {
        program: program.to_owned(),
        action: action.to_owned(),
        path: path.to_owned(),
        why,
    };
    let output = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output();
    let output = match tokio::time::timeout(PATIENCE, output).await {
        Err(_) => return Err(failed(format!("it was stopped after {PATIENCE:?}"))),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(failed(format!("it is not installed (package {})", package(program))));
        }
        Ok(Err(error)) => return Err(failed(error.to_string())),
        Ok(Ok(output)) => output,
    };
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let complaint = complaint.trim();
    if complaint.contains("No space left on device") || complaint.contains("Disk quota exceeded") {
        let free = space::free_bytes(path).unwrap_or(0);
        return Err(MediaError::NoSpace { path: path.to_owned(), action: action.to_owned(), needed: 0, free, kept: 0 });
    }
    let from = complaint.char_indices().rev().nth(MAX_COMPLAINT).map_or(0, |(at, _)| at);
    Err(failed(format!("{}: {}", output.status, &complaint[from..])))
}

fn package(program: &str) -> &str {
    match program {
        "qemu-img" => "qemu-utils",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn installed() -> bool {
        let there = std::process::Command::new("qemu-img").arg("--version").output().is_ok();
        if !there {
            println!("SKIPPED: qemu-img is not installed");
        }
        there
    }

    fn size(path: &Path) -> u64 {
        let out = std::process::Command::new("qemu-img").args(["info", "--output=json"]).arg(path).output().unwrap();
        serde_json::from_slice::<serde_json::Value>(&out.stdout).unwrap()["virtual-size"].as_u64().unwrap()
    }

    #[tokio::test]
    async fn overlays_volumes_and_copies_have_the_size_asked_for() {
        if !installed() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        empty(&path("base.qcow2"), 4 << 20).await.unwrap();
        overlay(&path("same.qcow2"), &path("base.qcow2"), DiskFormat::Qcow2, None).await.unwrap();
        overlay(&path("more.qcow2"), &path("base.qcow2"), DiskFormat::Qcow2, Some(8 << 20)).await.unwrap();
        copy(&path("copy.qcow2"), &path("base.qcow2"), DiskFormat::Qcow2, 16 << 20).await.unwrap();
        let sizes = ["base", "same", "more", "copy"].map(|name| size(&path(&format!("{name}.qcow2"))) >> 20);
        assert_eq!(sizes, [4, 4, 8, 16]);
        grow(&path("same.qcow2"), 32 << 20).await.unwrap();
        assert_eq!(size(&path("same.qcow2")) >> 20, 32);
        assert_eq!(virtual_size(&path("same.qcow2")).unwrap(), Some(32 << 20), "the header tells what qemu-img tells");
        assert_eq!(virtual_size(&path("none.qcow2")).unwrap(), None);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 4, "nothing temporary stays");
    }

    #[tokio::test]
    async fn a_failure_is_told_in_the_programs_words_and_leaves_nothing() {
        if !installed() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("x.qcow2");
        let error = overlay(&target, Path::new("/nowhere/base"), DiskFormat::Qcow2, None).await.unwrap_err();
        assert!(error.to_string().contains("/nowhere/base"), "{error}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        let missing = run("no-such-program", "do it to", &target, &[]).await.unwrap_err();
        assert!(missing.to_string().contains("not installed"), "{missing}");
    }
}
