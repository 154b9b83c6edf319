//! Archives (SOL004 clause 4.1, SOL007 clause 4.1), plain, within signed outer archives and damaged, from first byte to
//! model, digests and signatures.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use descriptors::archive::{Limits, Package, PackageKind};
use descriptors::check;
use descriptors::signature::Trust;

use super::rng::Rng;
use super::text::{self, Pieces};
use super::zips::{self, End, Entry};
use super::{Input, Target, der, manifest, refused, sound, tosca};

type Files = Vec<(String, String)>;

const META: &str = "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: x\nETSI-Entry-Manifest: a.mf\n";

/// Packages of a VNFD with TOSCA.meta and without, of an NSD and of a PNFD.
fn seeds() -> Vec<Files> {
    let templates = tosca::seeds();
    let head = "metadata:\n  vnf_product_name: a\n  vnf_release_date_time: 2024-06-01T12:00:00Z\n";
    let of = |which: usize, root: bool, manifest: &str| {
        let mut files: Files = Vec::new();
        for (name, text) in &templates[which] {
            // Without TOSCA.meta there is one file in the root, and the others are below.
            let name = if root && !files.is_empty() { format!("Definitions/{name}") } else { (*name).to_owned() };
            let text = if root { text.replace("- full_", "- Definitions/full_") } else { text.clone() };
            files.push((name, text));
        }
        let main = files[0].0.clone();
        files.push(if root {
            (main.replace(".yaml", ".mf"), manifest.to_owned())
        } else {
            ("a.mf".into(), manifest.to_owned())
        });
        if !root {
            files.insert(0, ("TOSCA-Metadata/TOSCA.meta".into(), format!("{META}Entry-Definitions: {main}\n")));
        }
        for (name, text) in [("ChangeLog.txt", "1.0\n"), ("Licenses/LICENSE.txt", "free\n")] {
            files.push((name.into(), text.to_owned()));
        }
        let needed = |name: &&(&str, &str)| templates[which].iter().any(|(_, t)| t.contains(name.0));
        files.extend(tosca::BESIDE.iter().filter(needed).map(|(n, t)| ((*n).to_owned(), (*t).to_owned())));
        files
    };
    vec![
        of(3, true, head),
        of(3, false, &format!("{head}\nSource: ChangeLog.txt\nAlgorithm: SHA-256\nHash: {CHANGES}\n")),
        of(0, false, head),
        of(2, false, "metadata:\n  nsd_name: a\n"),
        of(4, false, "metadata:\n  pnfd_name: a\n"),
    ]
}

/// SHA-256 of the change history.
const CHANGES: &str = "5717e7c840171019a4eeab5b79a7f894a4986eaff93d04ec5b12c9a189f594bf";

pub struct Archives {
    seeds: Vec<Files>,
    /// Archives as another program packs them.
    packed: Vec<Vec<u8>>,
    pieces: Pieces,
    trust: Trust,
}

impl Archives {
    pub fn new() -> Self {
        let seeds = seeds();
        let packed = seeds.iter().map(deflated).collect();
        let texts = seeds.iter().flatten().filter(|(n, _)| !n.ends_with(".yaml")).map(|(_, t)| t.as_str());
        Self { pieces: Pieces::of(texts, &[]), seeds, packed, trust: manifest::trust() }
    }

    /// An archive of files, with lies.
    fn made(&self, rng: &mut Rng) -> Vec<u8> {
        let files = &self.seeds[rng.below(self.seeds.len())];
        let mut entries: Vec<Entry> = Vec::new();
        let changed = rng.below(files.len() * 3);
        for (n, (name, text)) in files.iter().enumerate() {
            let bytes = if n == changed { text::change(text, &self.pieces, rng) } else { text.clone().into_bytes() };
            entries.push(Entry::stored(name, bytes));
        }
        let mut end = End::default();
        if !rng.once_in(6) {
            for _ in 0..rng.few() {
                zips::change(&mut entries, &mut end, rng);
            }
        }
        zips::zip(&entries, &end)
    }

    /// An archive of very many entries, listed in its manifest or not.
    fn crowded(&self, rng: &mut Rng) -> Vec<u8> {
        let files = &self.seeds[rng.below(self.seeds.len())];
        let mut entries: Vec<Entry> = files.iter().map(|(n, text)| Entry::stored(n, text.as_str())).collect();
        let (many, shape) = ([1000, 9000, 12_000][rng.below(3)], rng.below(6));
        let mut listed = String::new();
        for n in 0..many {
            let name = match shape {
                0 => format!("Files/{n}"),
                1 => format!("{n}/{n}/{n}/{n}"),
                2 => format!("Licenses/{n}.pem"),
                3 => format!("{n}.cert"),
                4 => "a/".repeat(1 + n % 200) + &n.to_string(),
                _ => "same".to_owned(),
            };
            let _ = writeln!(listed, "\nSource: {name}\nAlgorithm: SHA-256\nHash: {CHANGES}");
            entries.push(Entry::stored(&name, "x"));
        }
        if let Some(manifest) = entries.iter_mut().find(|e| e.name.ends_with(b".mf")).filter(|_| rng.once_in(2)) {
            manifest.data.extend(listed.as_bytes());
        }
        zips::zip(&entries, &End::default())
    }

    /// An outer archive with a signature beside the package.
    fn wrapped(&self, inner: Vec<u8>, rng: &mut Rng) -> Vec<u8> {
        let (_, cms) = manifest::parts();
        let proof = if rng.once_in(2) { cms.to_owned() } else { der::pem(cms, rng) };
        let mut entries = vec![
            Entry::stored("a.csar", inner),
            Entry::stored("a.cms", proof),
            Entry::stored("a.cert", manifest::SIGNER),
        ];
        let mut end = End::default();
        if rng.once_in(3) {
            zips::change(&mut entries, &mut end, rng);
        }
        zips::zip(&entries, &end)
    }
}

fn deflated(files: &Files) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        zip.start_file(name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

impl Target for Archives {
    fn seeds(&self) -> Vec<Input> {
        self.packed.iter().map(|bytes| vec![("package.csar".to_owned(), bytes.clone())]).collect()
    }

    fn make(&self, rng: &mut Rng) -> Input {
        if rng.once_in(text::LARGE) {
            return vec![("package.csar".to_owned(), self.crowded(rng))];
        }
        let mut bytes = match rng.below(8) {
            0 => {
                // Another program's archive, damaged anywhere.
                let mut bytes = self.packed[rng.below(self.packed.len())].clone();
                text::noise(&mut bytes, rng);
                bytes
            }
            1 => {
                // The same, damaged in its directory alone.
                let mut bytes = self.packed[rng.below(self.packed.len())].clone();
                let at = bytes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
                let mut directory = bytes.split_off(at);
                text::noise(&mut directory, rng);
                bytes.extend(directory);
                bytes
            }
            _ => self.made(rng),
        };
        if rng.once_in(8) {
            bytes = self.wrapped(bytes, rng);
        }
        if rng.once_in(24) {
            text::noise(&mut bytes, rng);
        }
        vec![("package.csar".to_owned(), bytes)]
    }

    fn read(&self, input: &Input) -> bool {
        let opened = Package::inspect_bytes(input[0].1.clone(), &Limits::default());
        if opened.package.is_none() {
            refused(&opened.found);
            return false;
        }
        let kind = opened.package.as_ref().and_then(|p| p.manifest()?.kind());
        let trust = Some(&self.trust);
        let checked = match kind {
            Some(PackageKind::Ns) => check::ns(opened, trust).forget(),
            Some(PackageKind::Pnf) => check::pnf(opened, trust),
            _ => check::vnf(opened, trust).forget(),
        };
        sound(&checked.found);
        if let Some(package) = &checked.package {
            for (path, size) in package.files() {
                // Reading may fail; what comes must be what was told.
                if let Ok(bytes) = package.read(path) {
                    assert_eq!(bytes.len() as u64, size, "`{path}` is told to have {size} bytes");
                }
            }
        }
        checked.settle().is_ok()
    }
}
