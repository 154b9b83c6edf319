//! A small file system of its own, as full as a story wants it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A mounted file system in memory; unmounted with the story.
#[derive(Debug)]
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one of `mib` MiB at `path`; `None` when this machine does not let us, which is said.
    pub fn mount(path: &Path, mib: u32) -> Option<Self> {
        std::fs::create_dir_all(path).expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mib}m,mode=0755"), "tmpfs"])
            .arg(path)
            .status();
        if !mounted.is_ok_and(|status| status.success()) {
            println!("SKIPPED: a file system cannot be mounted here");
            return None;
        }
        Some(Self(path.to_owned()))
    }

    /// Writes until nothing more fits.
    pub fn fill(&self) {
        let mut file = std::fs::File::create(self.0.join("filler")).expect("a file");
        while file.write_all(&[0; 4096]).is_ok() {}
    }

    /// Takes away what filled it.
    pub fn free(&self) {
        std::fs::remove_file(self.0.join("filler")).expect("removed");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, for the NFVI's own mount namespace may hold it a little longer.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
