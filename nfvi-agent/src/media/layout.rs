//! Where the agent keeps what, below its state directory.
//!
//! ```text
//! agent.db                     what shall be
//! images/ID.img                images; ID.RANDOM.upload while one comes in, ID.ready when it is whole and not yet noted
//! volumes/ID.qcow2             volumes; ID.part while one is made
//! machines/ID/root.qcow2       a machine's disk over its image
//!             config.iso       its first-boot data
//!             console.log      what its serial console wrote
//! snapshots/ID/               what a machine's disks held at one moment; ID.part while it is taken
//! scratch/                     throwaway files
//! ```

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::{MediaError, Result};

/// Paths below one state directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Paths below `root`, which must be absolute: libvirt is given them.
    pub fn new(root: impl Into<PathBuf>) -> Layout {
        Layout { root: root.into() }
    }

    /// The state directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes the directories. Others may pass through them, so that QEMU as a user of its own reaches its files, but not
    /// list them.
    ///
    /// # Errors
    /// What the system refused, with the path.
    pub fn prepare(&self) -> Result<()> {
        for dir in [self.root.clone(), self.images(), self.volumes(), self.machines(), self.snapshots(), self.scratch()]
        {
            std::fs::create_dir_all(&dir).map_err(|e| MediaError::io("make the directory", &dir, &e))?;
            let mode = std::fs::Permissions::from_mode(0o711);
            std::fs::set_permissions(&dir, mode).map_err(|e| MediaError::io("set the mode of", &dir, &e))?;
        }
        Ok(())
    }

    /// Directory of images.
    pub fn images(&self) -> PathBuf {
        self.root.join("images")
    }

    /// An image.
    pub fn image(&self, id: Uuid) -> PathBuf {
        self.images().join(format!("{id}.img"))
    }

    /// An image that is whole and not yet noted.
    pub fn image_ready(&self, id: Uuid) -> PathBuf {
        self.images().join(format!("{id}.ready"))
    }

    /// An image that comes in.
    pub fn image_upload(&self, id: Uuid) -> PathBuf {
        self.images().join(format!("{id}.{}.upload", Uuid::new_v4().simple()))
    }

    /// Directory of volumes.
    pub fn volumes(&self) -> PathBuf {
        self.root.join("volumes")
    }

    /// A volume.
    pub fn volume(&self, id: Uuid) -> PathBuf {
        self.volumes().join(format!("{id}.qcow2"))
    }

    /// Directory of machines.
    pub fn machines(&self) -> PathBuf {
        self.root.join("machines")
    }

    /// Directory of a machine.
    pub fn machine(&self, id: Uuid) -> PathBuf {
        self.machines().join(id.to_string())
    }

    /// A machine's disk over its image.
    pub fn root_disk(&self, id: Uuid) -> PathBuf {
        self.machine(id).join("root.qcow2")
    }

    /// A machine's first-boot data.
    pub fn config_drive(&self, id: Uuid) -> PathBuf {
        self.machine(id).join("config.iso")
    }

    /// A machine's console log.
    pub fn console_log(&self, id: Uuid) -> PathBuf {
        self.machine(id).join("console.log")
    }

    /// Directory of snapshots.
    pub fn snapshots(&self) -> PathBuf {
        self.root.join("snapshots")
    }

    /// Directory of a snapshot.
    pub fn snapshot(&self, id: Uuid) -> PathBuf {
        self.snapshots().join(id.to_string())
    }

    /// Directory for throwaway files.
    pub fn scratch(&self) -> PathBuf {
        self.root.join("scratch")
    }
}

/// The name under which `path` is made before it is whole.
pub fn part(path: &Path) -> PathBuf {
    path.with_extension("part")
}

/// Lets nobody but its owner read a file. libvirt makes QEMU's user the owner while a machine uses it.
///
/// # Errors
/// What the system refused.
pub fn make_private(path: &Path) -> Result<()> {
    let mode = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(path, mode).map_err(|e| MediaError::io("set the mode of", path, &e))
}

/// Lets everybody read a file that several machines share, QEMU's user among them, and nobody but its owner write it.
///
/// # Errors
/// What the system refused.
pub fn make_readable(path: &Path) -> Result<()> {
    let mode = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(path, mode).map_err(|e| MediaError::io("set the mode of", path, &e))
}

/// Makes a directory that others may pass through, and see only the files in it that they are given.
///
/// # Errors
/// What the system refused.
pub fn make_dir(path: &Path) -> Result<()> {
    let made = std::fs::create_dir_all(path);
    let made = made.and_then(|()| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o711)));
    made.map_err(|e| MediaError::io("make the directory", path, &e))
}

/// Renames what is whole to its name, and sees to it that the name is on the disk.
///
/// # Errors
/// What the system refused.
pub fn finish(from: &Path, to: &Path) -> Result<()> {
    std::fs::rename(from, to).map_err(|e| MediaError::io("rename", from, &e))?;
    if let Some(dir) = to.parent() {
        let synced = std::fs::File::open(dir).and_then(|dir| dir.sync_all());
        synced.map_err(|e| MediaError::io("sync", dir, &e))?;
    }
    Ok(())
}

/// Removes a file; one that is gone is removed.
///
/// # Errors
/// What the system refused.
pub fn remove_file(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(MediaError::io("remove", path, &error)),
        _ => Ok(()),
    }
}

/// Removes the files of a directory whose names begin like this.
///
/// # Errors
/// What the system refused.
pub fn remove_beginning_with(dir: &Path, beginning: &str) -> Result<()> {
    let entries = std::fs::read_dir(dir).map_err(|e| MediaError::io("list", dir, &e))?;
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(beginning)) {
        remove_file(&entry.path())?;
    }
    Ok(())
}

/// Removes a directory with all in it; one that is gone is removed.
///
/// # Errors
/// What the system refused.
pub fn remove_dir(path: &Path) -> Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(MediaError::io("remove", path, &error)),
        _ => Ok(()),
    }
}
