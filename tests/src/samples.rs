//! The sample packages, packed as `mano vnfpkg build` does it.

use std::fs::File;
use std::path::{Path, PathBuf};

use descriptors::archive::pack_dir;

/// Where the packages' sources name the disk image.
const IMAGE_PATH: &str = "Artifacts/Images/vnf.qcow2";

/// The guest image of the sample VNFs; `None` when it was not built, which is said.
pub fn guest_image() -> Option<PathBuf> {
    let path = std::env::var_os("MANO_GUEST_IMAGE").map(PathBuf::from).filter(|p| p.exists());
    if path.is_none() {
        println!("SKIPPED: MANO_GUEST_IMAGE names no image; tests/run builds it");
    }
    path
}

/// Stands for the guest image where nothing boots: a qcow2 header with a virtual size of 64 MiB, in a file below `dir`.
pub fn pretended_image(dir: &Path) -> PathBuf {
    let path = dir.join("pretended.qcow2");
    let mut bytes = vec![0u8; 4096];
    bytes[..8].copy_from_slice(b"QFI\xfb\0\0\0\x03");
    bytes[24..32].copy_from_slice(&(64u64 << 20).to_be_bytes());
    std::fs::write(&path, bytes).expect("a file");
    path
}

/// Packs a sample below `dir`. VNFs need an image.
pub fn pack(name: &str, image: Option<&Path>, dir: &Path) -> PathBuf {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../descriptors/samples").join(name);
    let out = dir.join(format!("{name}.zip"));
    let extra: Vec<(&str, &Path)> = image.map(|image| (IMAGE_PATH, image)).into_iter().collect();
    pack_dir(&sources, &extra, File::create(&out).expect("an archive")).unwrap_or_else(|e| panic!("{e}"));
    out
}
