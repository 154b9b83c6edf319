//! The sample packages, packed as `mano vnfpkg build` does it.

use std::fs::File;
use std::path::{Path, PathBuf};

use descriptors::archive::pack_dir;

/// Where the packages' sources name the disk image.
const IMAGE_PATH: &str = "Artifacts/Images/vnf.qcow2";

/// Lines of first-boot data that keep a note at the end of the guest's disk, where it outlives a reboot: `/cgi-bin/note`
/// tells it, `/cgi-bin/note?WORD` changes it.
const NOTE: &str = r#"
              mkdir -p /srv/www/cgi-bin
              cat > /srv/www/cgi-bin/note <<'EOF'
              #!/bin/sh
              at=$(( $(cat /sys/block/vda/size) - 8 ))
              [ -z "$QUERY_STRING" ] || echo "$QUERY_STRING" | dd of=/dev/vda bs=512 count=1 seek=$at conv=sync,fsync 2>/dev/null
              printf 'Content-Type: text/plain\r\n\r\n'
              dd if=/dev/vda bs=512 count=1 skip=$at 2>/dev/null | tr -d '\0'
              EOF
              chmod 755 /srv/www/cgi-bin/note
              httpd -p 80 -h /srv/www"#;

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

/// The sources of a sample, copied to `to`, where they can be changed.
pub fn sources(sample: &str, to: &Path) -> PathBuf {
    copy(&samples().join(sample), to);
    to.to_owned()
}

/// Changes a file of sources, which must make a difference.
pub fn change(sources: &Path, file: &str, change: impl FnOnce(&str) -> String) {
    let path = sources.join(file);
    let text = std::fs::read_to_string(&path).expect("a file of the sample");
    let changed = change(&text);
    assert_ne!(changed, text, "the sample has changed");
    std::fs::write(&path, changed).expect("written");
}

/// Makes the sources of `web` keep such a note.
pub fn note(sources: &Path) {
    change(sources, "Definitions/web.yaml", |text| text.replace("\n              httpd -p 80 -h /srv/www", NOTE));
}

/// Gives the sources of `web` a level `pair` with two VNFCs.
pub fn add_pair(sources: &Path) {
    let vnfd = sources.join("Definitions/web.yaml");
    let mut text = std::fs::read_to_string(&vnfd).expect("the sample's template");
    for (before, level) in [
        (
            "            large:\n",
            "            pair:\n              description: Two servers\n              scale_info: { servers: { scale_level: 1 } }\n",
        ),
        ("            large: { number", "            pair: { number_of_instances: 2 }\n"),
    ] {
        let at = text.find(before).expect("the sample has changed");
        text.insert_str(at, level);
    }
    std::fs::write(&vnfd, text).expect("written");
}

/// Packs a sample below `dir`. VNFs need an image.
pub fn pack(name: &str, image: Option<&Path>, dir: &Path) -> PathBuf {
    pack_sources(&samples().join(name), image, &dir.join(format!("{name}.zip")))
}

/// Packs the sources of a package.
pub fn pack_sources(sources: &Path, image: Option<&Path>, out: &Path) -> PathBuf {
    let extra: Vec<(&str, &Path)> = image.map(|image| (IMAGE_PATH, image)).into_iter().collect();
    pack_dir(sources, &extra, File::create(out).expect("an archive")).unwrap_or_else(|e| panic!("{e}"));
    out.to_owned()
}

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../descriptors/samples")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).expect("copied");
        }
    }
}
