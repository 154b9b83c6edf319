//! Sources of packages: the sample VNF `web` in SOL001 and in the three encodings of SOL006.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use crate::common::{IMAGE, sample_dir};
use descriptors::archive::{Limits, Package, pack_dir};
use descriptors::diag::Diagnostics;
use descriptors::vnfd::{Vnfd, read_vnfd};

pub const JSON: &str = include_str!("../data/sol006/web.json");
pub const OSM: &str = include_str!("../data/sol006/web_vnfd.yaml");
pub const SCRIPT: &str =
    "#!/bin/sh\nmkdir -p /srv/www\necho \"hello from $(hostname)\" > /srv/www/index.html\nhttpd -p 80 -h /srv/www\n";
pub const MANIFEST: &str = "metadata:\n  vnf_product_name: web\n  vnf_provider_id: mano samples\n  vnf_package_version: 1.0\n  vnf_release_date_time: 2024-06-01T00:00:00Z\n";

/// TOSCA.meta with this main file.
pub fn meta(entry: &str) -> String {
    format!(
        "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: mano\nEntry-Definitions: {entry}\nETSI-Entry-Manifest: web.mf\nETSI-Entry-Change-Log: ChangeLog.txt\nETSI-Entry-Licenses: Licenses\n"
    )
}

/// A directory with the sources of a package, with the image of the samples at one path.
pub struct Sources {
    dir: tempfile::TempDir,
}

impl Sources {
    pub fn of(files: &[(&str, &str)], image: &str) -> Self {
        let sources = Self { dir: tempfile::tempdir().unwrap() };
        files.iter().for_each(|(name, text)| sources.put(name, text.as_bytes()));
        sources.put(image, IMAGE);
        sources
    }

    pub fn put(&self, name: &str, content: &[u8]) {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn packed(&self) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        pack_dir(self.dir(), &[], &mut out).unwrap_or_else(|e| panic!("{e}"));
        out.into_inner()
    }

    /// Packed into a file of this name beside the sources.
    pub fn archive(&self, name: &str) -> PathBuf {
        let path = self.dir().join(name);
        let bytes = self.packed();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub fn package(&self) -> Package {
        Package::from_bytes(self.packed(), &Limits::default()).unwrap_or_else(|e| panic!("{e}"))
    }

    /// The directory as it is, read as a package.
    pub fn directory(&self) -> Package {
        Package::open_dirs(&[self.dir()], &Limits::default()).unwrap_or_else(|e| panic!("{e}"))
    }

    pub fn vnfd(&self) -> Vnfd {
        read_vnfd(&self.package()).unwrap_or_else(|e| panic!("{e}"))
    }

    pub fn faults(&self) -> Diagnostics {
        read_vnfd(&self.package()).unwrap_err()
    }
}

/// The sample by SOL001, with sizes that SOL006 can say too, in this unit.
pub fn by_sol001(unit: &str, image: &str) -> Sources {
    let text = |name: &str| std::fs::read_to_string(sample_dir("web").join(name)).unwrap();
    let vnfd = text("Definitions/web.yaml")
        .replace("192 MiB", &format!("2 {unit}"))
        .replace("min_ram: 128 MiB", &format!("min_ram: 1 {unit}"))
        .replace("size_of_storage: 128 MiB", &format!("size_of_storage: 4 {unit}"))
        .replace("64 MiB", &format!("1 {unit}"))
        .replace("Artifacts/Images/vnf.qcow2", image);
    let files = [
        ("TOSCA-Metadata/TOSCA.meta", &*text("TOSCA-Metadata/TOSCA.meta")),
        ("Definitions/web.yaml", &vnfd),
        ("Definitions/web_types.yaml", &text("Definitions/web_types.yaml")),
        ("web.mf", MANIFEST),
        ("ChangeLog.txt", "first\n"),
        ("Licenses/LICENSE.txt", "all\n"),
    ];
    Sources::of(&files, image)
}

/// Where the images of packages by the standards lie.
pub const IMAGE_PATH: &str = "Artifacts/Images/vnf.qcow2";

/// The sample by SOL006 in JSON or XML.
pub fn by_sol006(entry: &str, descriptor: &str) -> Sources {
    let files = [
        ("TOSCA-Metadata/TOSCA.meta", &*meta(entry)),
        (entry, descriptor),
        ("web.mf", MANIFEST),
        ("ChangeLog.txt", "first\n"),
        ("Licenses/LICENSE.txt", "all\n"),
    ];
    Sources::of(&files, IMAGE_PATH)
}

/// The sample as a package of Open Source MANO, whose image has this digest.
pub fn by_osm(script: &str) -> Sources {
    let (digest, _) = descriptors::archive::digest(descriptors::archive::HashAlgorithm::Sha256, IMAGE).unwrap();
    let descriptor = OSM.replace("@SHA256(images/vnf.qcow2)@", &digest);
    Sources::of(
        &[
            ("web_vnfd.yaml", &*descriptor),
            ("cloud_init/web.sh", script),
            ("charms/simple/metadata.yaml", "name: simple\n"),
        ],
        "images/vnf.qcow2",
    )
}

/// The line, from 1, in which a text of the JSON data first stands.
pub fn line_of(text: &str) -> Option<u32> {
    JSON.lines().position(|l| l.contains(text)).map(|n| u32::try_from(n + 1).unwrap())
}
