//! Manifests, TOSCA.meta, signatures and certificates of packages (SOL004 clauses 4.3 and 5).

use descriptors::archive::{Limits, Package};
use descriptors::signature::{self, Trust, Unsigned};

use super::rng::Rng;
use super::text::{self, Pieces};
use super::zips::{self, Entry};
use super::{Input, Target, der, refused, sound};

/// A manifest with everything in it, and a signature of everything before it.
pub const SIGNED: &str = include_str!("../../data/signed.mf");
/// The certificate of who signed it.
pub const SIGNER: &str = include_str!("../../data/signer.pem");
/// When the certificate is valid, in seconds since 1970-01-01T00:00:00Z.
pub const AT: i64 = 1_717_200_000;

const META: &str = "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: x\nEntry-Definitions: a.yaml\n\
    ETSI-Entry-Manifest: a.mf\nETSI-Entry-Change-Log: ChangeLog.txt\nETSI-Entry-Licenses: Licenses\nETSI-Entry-Tests: Tests\n\
    ETSI-Entry-Certificate: signer.cert\nOther-Definitions: b.yaml\n\nName: a.yaml\nContent-Type: text/yaml\n\
    Algorithm: SHA-256\nHash: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n\n\
    Name: Licenses/LICENSE.txt\nContent-Type: text/plain\n";

/// What signing and listing is about.
const FILES: [(&str, &str); 6] = [
    ("a.yaml", "abc"),
    ("b.yaml", "abc"),
    ("ChangeLog.txt", "1.0\n"),
    ("Licenses/LICENSE.txt", "free\n"),
    ("Tests/one.sh", "x"),
    ("Files/boot.sh", "abc"),
];

/// More of what stands in such files.
const MARKS: &[&str] = &[
    "Source: a.yaml",
    "Source:",
    "Source: https://example.com/x",
    "Algorithm: SHA-256",
    "Algorithm: SHA-512",
    "Algorithm: MD5",
    "Hash: 00",
    "Hash:",
    "Signature: Files/boot.sig.cms",
    "Certificate: signer.cert",
    "metadata:",
    "non_mano_artifact_sets:",
    "  set:",
    "-----BEGIN CMS-----",
    "-----END CMS-----",
    "-----BEGIN CERTIFICATE-----",
    "-----BEGIN",
    "-----END",
    ": x",
    ":",
    "Name: é",
    "Name: a.yaml",
    "\u{feff}",
    "\t",
    "\r",
];

pub fn trust() -> Trust {
    let mut trust = Trust::new(AT, Unsigned::Warn);
    trust.add_anchors("signer.pem", SIGNER.as_bytes()).unwrap();
    trust
}

/// The manifest without its signature, and the signature.
pub fn parts() -> (&'static str, &'static str) {
    SIGNED.split_at(SIGNED.find("-----BEGIN").unwrap())
}

pub struct Manifests {
    pieces: Pieces,
    trust: Trust,
}

impl Manifests {
    pub fn new() -> Self {
        Self { pieces: Pieces::of([SIGNED, META, SIGNER], MARKS), trust: trust() }
    }
}

fn input(
    meta: impl Into<Vec<u8>>,
    manifest: impl Into<Vec<u8>>,
    proof: impl Into<Vec<u8>>,
    certificate: impl Into<Vec<u8>>,
) -> Input {
    vec![
        ("TOSCA-Metadata/TOSCA.meta".to_owned(), meta.into()),
        ("a.mf".to_owned(), manifest.into()),
        ("Files/boot.sig.cms".to_owned(), proof.into()),
        ("signer.cert".to_owned(), certificate.into()),
    ]
}

impl Target for Manifests {
    fn seeds(&self) -> Vec<Input> {
        vec![input(META, SIGNED, parts().1, SIGNER)]
    }

    fn make(&self, rng: &mut Rng) -> Input {
        let (listed, cms) = parts();
        let mut manifest = listed.as_bytes().to_vec();
        let (mut meta, mut proof) = (META.as_bytes().to_vec(), cms.as_bytes().to_vec());
        let (mut cert, mut block) = (SIGNER.as_bytes().to_vec(), cms.to_owned());
        if rng.once_in(text::LARGE) {
            match rng.below(4) {
                0 => meta = text::swell(META, rng),
                1 => block = cms.repeat(1 + rng.below(400)),
                _ => manifest = text::swell(listed, rng),
            }
            return input(meta, [manifest, block.into_bytes()].concat(), proof, cert);
        }
        match rng.below(8) {
            0..=2 => manifest = text::change(listed, &self.pieces, rng),
            3 => meta = text::change(META, &self.pieces, rng),
            4 | 5 => block = der::pem(cms, rng),
            6 => {
                proof = der::pem(cms, rng).into_bytes();
                if rng.once_in(4) {
                    text::noise(&mut proof, rng);
                }
            }
            _ => {
                cert = der::pem(SIGNER, rng).into_bytes();
                manifest = text::change(listed, &self.pieces, rng);
                meta = text::change(META, &self.pieces, rng);
            }
        }
        let mut whole = [manifest, block.into_bytes()].concat();
        if rng.once_in(8) {
            whole = text::change(&String::from_utf8_lossy(&whole), &self.pieces, rng);
        }
        input(meta, whole, proof, cert)
    }

    fn read(&self, input: &Input) -> bool {
        let mut entries: Vec<Entry> = input.iter().map(|(n, bytes)| Entry::stored(n, bytes.as_slice())).collect();
        entries.extend(FILES.iter().map(|(name, text)| Entry::stored(name, *text)));
        match Package::from_bytes(zips::zip(&entries, &zips::End::default()), &Limits::default()) {
            Ok(package) => {
                sound(package.warnings());
                let found = package.verify();
                sound(&found);
                let signatures = signature::check(&package, &self.trust);
                sound(&signatures.found);
                !found.has_errors() && signatures.signers.iter().any(|s| s.covers == "manifest" && s.trusted)
            }
            Err(found) => {
                refused(&found);
                false
            }
        }
    }
}
