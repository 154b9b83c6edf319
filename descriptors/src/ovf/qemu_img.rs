//! Running `qemu-img`: fixed argument lists, formats always given and never probed, absolute paths, bounded output.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::disk::{self, DiskFormat};
use super::error::{OvfError, io_error};

/// How much of the program's words is kept, in bytes.
const MAX_WORDS: u64 = 256 << 10;
/// How often the size of what it writes is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// The program that converts disks.
#[derive(Clone, Debug)]
pub struct QemuImg {
    program: PathBuf,
}

impl Default for QemuImg {
    fn default() -> Self {
        Self { program: PathBuf::from("qemu-img") }
    }
}

impl QemuImg {
    /// Another program than `qemu-img` on the search path.
    #[must_use]
    pub fn at(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into() }
    }

    /// Whether the program is there.
    #[must_use]
    pub fn is_there(&self) -> bool {
        Command::new(&self.program)
            .arg("--version")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    }

    /// The virtual size of a disk in bytes, after making sure that it leads to no other file.
    ///
    /// # Errors
    /// `Err(Ok(reason))` when the disk itself is refused, `Err(Err(_))` when the program cannot be run.
    pub(super) fn size(&self, path: &Path, format: DiskFormat) -> Result<u64, Result<String, OvfError>> {
        let mut file = File::open(path).map_err(|e| Err(io_error("read", path)(e)))?;
        if let Some(why) = disk::refusal(format, &mut file).map_err(|e| Err(io_error("read", path)(e)))? {
            return Err(Ok(why));
        }
        let arguments: [&OsStr; 5] =
            ["info".as_ref(), "--output=json".as_ref(), "-f".as_ref(), format.driver().as_ref(), path.as_os_str()];
        let (status, said, complaint) = self.run(&arguments, None).map_err(Err)?;
        if !status.success() {
            return Err(Ok(format!("qemu-img cannot read it: {}", super::names::plain(&complaint))));
        }
        let info: Value =
            serde_json::from_str(&said).map_err(|e| Ok(format!("qemu-img's answer cannot be read: {e}")))?;
        if ["backing-filename", "full-backing-filename"].iter().any(|k| info.get(k).is_some()) {
            return Err(Ok("it names a backing file".to_owned()));
        }
        let special = info.pointer("/format-specific/data");
        if special.and_then(|s| s.get("data-file")).is_some() {
            return Err(Ok("its content is in another file".to_owned()));
        }
        let extents = special.and_then(|s| s.get("extents")).and_then(Value::as_array);
        let own = path.to_str();
        if extents.is_some_and(|all| all.iter().any(|e| e.get("filename").and_then(Value::as_str) != own)) {
            return Err(Ok("it spreads over several files".to_owned()));
        }
        let size = info.get("virtual-size").and_then(Value::as_u64);
        size.filter(|n| *n > 0).ok_or_else(|| Ok("it has no size".to_owned()))
    }

    /// Writes `target` in another format. `most_bytes` bounds what is written.
    pub(super) fn convert(
        &self,
        (source, from): (&Path, DiskFormat),
        (target, to): (&Path, DiskFormat),
        most_bytes: u64,
    ) -> Result<(), OvfError> {
        let mut arguments: Vec<&OsStr> = vec!["convert".as_ref(), "-q".as_ref(), "-f".as_ref(), from.driver().as_ref()];
        arguments.extend::<[&OsStr; 2]>(["-O".as_ref(), to.driver().as_ref()]);
        if to == DiskFormat::Vmdk {
            arguments.extend::<[&OsStr; 2]>(["-o".as_ref(), "subformat=streamOptimized".as_ref()]);
        }
        arguments.extend([source.as_os_str(), target.as_os_str()]);
        self.done("convert the disk", &arguments, Some((target, most_bytes)))
    }

    /// Lets a qcow2 of ours grow.
    pub(super) fn grow(&self, path: &Path, bytes: u64) -> Result<(), OvfError> {
        let bytes = bytes.to_string();
        let arguments: [&OsStr; 6] = [
            "resize".as_ref(),
            "-q".as_ref(),
            "-f".as_ref(),
            DiskFormat::Qcow2.driver().as_ref(),
            path.as_os_str(),
            bytes.as_ref(),
        ];
        self.done("enlarge the disk", &arguments, None)
    }

    fn done(&self, what: &str, arguments: &[&OsStr], bound: Option<(&Path, u64)>) -> Result<(), OvfError> {
        let (status, _, complaint) = self.run(arguments, bound)?;
        if status.success() {
            return Ok(());
        }
        Err(OvfError::Tool(format!("qemu-img could not {what}: {}", super::names::plain(&complaint))))
    }

    /// Runs to the end and returns what was said on both channels, each cut to a bound.
    fn run(&self, arguments: &[&OsStr], bound: Option<(&Path, u64)>) -> Result<(ExitStatus, String, String), OvfError> {
        let here = Path::new("a temporary file");
        let mut said = tempfile::tempfile().map_err(io_error("make", here))?;
        let mut complaint = tempfile::tempfile().map_err(io_error("make", here))?;
        let child = Command::new(&self.program)
            .args(arguments)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(said.try_clone().map_err(io_error("share", here))?)
            .stderr(complaint.try_clone().map_err(io_error("share", here))?)
            .spawn()
            .map_err(|e| OvfError::Tool(format!("{} cannot be run: {e}", self.program.display())))?;
        let status = wait(child, bound)?;
        let text = |file: &mut File| -> Result<String, OvfError> {
            file.rewind().map_err(io_error("read", here))?;
            let mut bytes = Vec::new();
            file.take(MAX_WORDS).read_to_end(&mut bytes).map_err(io_error("read", here))?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        Ok((status, text(&mut said)?, text(&mut complaint)?))
    }
}

/// Waits for the end, and ends it early when it writes more than allowed.
fn wait(mut child: Child, bound: Option<(&Path, u64)>) -> Result<ExitStatus, OvfError> {
    let program = Path::new("qemu-img");
    let Some((target, most)) = bound else { return child.wait().map_err(io_error("wait for", program)) };
    loop {
        if let Some(status) = child.try_wait().map_err(io_error("wait for", program))? {
            return Ok(status);
        }
        if std::fs::metadata(target).is_ok_and(|m| m.len() > most) {
            let _ = child.kill();
            let _ = child.wait();
            let _ = std::fs::remove_file(target);
            return Err(OvfError::Tool(format!("the converted disk is larger than the limit of {most} bytes")));
        }
        std::thread::sleep(LOOK);
    }
}
