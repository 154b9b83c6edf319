//! Certificates and keys made by the tests themselves.
#![allow(dead_code)]

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, SubjectKeyIdentifier};
use openssl::x509::{X509, X509Builder, X509NameBuilder};

/// 2024-06-01T00:00:00Z, when everything made here is valid.
pub const NOON: i64 = 1_717_200_000;
/// A day, in seconds.
pub const DAY: i64 = 86_400;

/// A key with its certificate.
pub struct Identity {
    pub key: PKey<Private>,
    pub certificate: X509,
}

impl Identity {
    pub fn key_pem(&self) -> Vec<u8> {
        self.key.private_key_to_pem_pkcs8().unwrap()
    }

    pub fn cert_pem(&self) -> Vec<u8> {
        self.certificate.to_pem().unwrap()
    }
}

/// A kind of key.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Rsa,
    Ec,
    Ed25519,
}

pub fn key(kind: Kind) -> PKey<Private> {
    match kind {
        Kind::Rsa => PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap(),
        Kind::Ec => {
            let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
            PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
        }
        Kind::Ed25519 => PKey::generate_ed25519().unwrap(),
    }
}

/// A certificate of `name` valid for a day around [`NOON`], signed by `issuer` or by itself.
pub fn identity(name: &str, kind: Kind, issuer: Option<&Identity>) -> Identity {
    let key = key(kind);
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("O", "tests").unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    let serial = BigNum::from_u32(0x8000_0000 + name.len() as u32).unwrap();
    builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(issuer.map_or(&subject, |i| i.certificate.subject_name())).unwrap();
    builder.set_not_before(&Asn1Time::from_unix(NOON - DAY).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::from_unix(NOON + DAY).unwrap()).unwrap();
    builder.set_pubkey(&key).unwrap();
    if !name.starts_with("leaf") {
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
    }
    let id = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None)).unwrap();
    builder.append_extension(id).unwrap();
    let signer = issuer.map_or(&key, |i| &i.key);
    let digest = if signer.id() == Id::ED25519 { MessageDigest::null() } else { MessageDigest::sha256() };
    builder.sign(signer, digest).unwrap();
    Identity { certificate: builder.build(), key }
}
