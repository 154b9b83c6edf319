//! Making CMS signatures (RFC 5652 clause 5): detached, with content type, digest and time among the signed attributes and
//! the signer's certificate inside. The content is streamed, so a package of any size can be signed.

use std::io::{self, Read};

use der::DateTime;
use der::asn1::{ObjectIdentifier, UtcTime};
use der::{Encode, oid::ObjectIdentifier as Oid};
use openssl::error::ErrorStack;
use openssl::hash::{Hasher, MessageDigest};
use openssl::pkey::{Id, PKey, Private};
use openssl::sign::Signer;
use openssl::x509::X509;

use super::digest::stream;
use crate::archive::HashAlgorithm;

const DATA: Oid = Oid::new_unwrap("1.2.840.113549.1.7.1");
const SIGNED_DATA: Oid = Oid::new_unwrap("1.2.840.113549.1.7.2");
const CONTENT_TYPE: Oid = Oid::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: Oid = Oid::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_TIME: Oid = Oid::new_unwrap("1.2.840.113549.1.9.5");
const RSA: Oid = Oid::new_unwrap("1.2.840.113549.1.1.1");
const ED25519: Oid = Oid::new_unwrap("1.3.101.112");

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const CONTEXT_0: u8 = 0xa0;

/// Why a signature could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The private key cannot be read.
    #[error("the private key cannot be read: {0}; it must be PEM without a password")]
    Key(String),
    /// The certificate cannot be read.
    #[error("the certificate cannot be read: {0}; it must be PEM or DER")]
    Certificate(String),
    /// Key and certificate do not belong together.
    #[error("the private key does not belong to the certificate `{0}`")]
    Apart(String),
    /// Keys of this kind cannot sign here.
    #[error("the key is neither RSA, nor elliptic curve, nor Ed25519")]
    KeyKind,
    /// The digest algorithm does not fit.
    #[error("signatures are made with SHA-256 or SHA-512{0}")]
    Digest(&'static str),
    /// The content could not be read.
    #[error("the content cannot be read: {0}")]
    Read(#[from] io::Error),
    /// OpenSSL failed.
    #[error("OpenSSL cannot sign: {0}")]
    OpenSsl(#[from] ErrorStack),
    /// The structure could not be encoded.
    #[error("the signature cannot be encoded: {0}")]
    Encode(#[from] der::Error),
}

/// A private key with its certificate.
pub struct SigningKey {
    key: PKey<Private>,
    certificate: X509,
    /// Further certificates of the chain, put into the signature.
    others: Vec<X509>,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let subject = super::trust::name(self.certificate.subject_name());
        f.debug_struct("SigningKey").field("subject", &subject).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A key (RSA, elliptic curve or Ed25519; PEM, without password; the command line tool of OpenSSL 3.0 verifies no Ed25519
    /// signatures of this form, this crate does) and its certificate (PEM or DER; further certificates of the chain may follow it).
    ///
    /// # Errors
    /// Either cannot be read, they do not belong together, or keys of that kind cannot sign.
    pub fn new(key: &[u8], certificate: &[u8]) -> Result<Self, SignError> {
        // An answer to the question for a password keeps OpenSSL from asking at the terminal.
        let key = PKey::private_key_from_pem_callback(key, |_| Ok(0)).map_err(|e| SignError::Key(first_reason(&e)))?;
        let read = super::trust::certificates(certificate).map_err(|e| SignError::Certificate(first_reason(&e)))?;
        let mut read = read.into_iter();
        let certificate = read.next().ok_or_else(|| SignError::Certificate("there is none".to_owned()))?;
        if !certificate.public_key()?.public_eq(&key) {
            return Err(SignError::Apart(super::trust::name(certificate.subject_name())));
        }
        if ![Id::RSA, Id::EC, Id::ED25519].contains(&key.id()) {
            return Err(SignError::KeyKind);
        }
        Ok(Self { key, certificate, others: read.collect() })
    }

    /// Signs a content and returns the signature as PEM with the label `CMS`.
    ///
    /// `at` is the time of signing that the signature will claim, in seconds since 1970-01-01T00:00:00Z; without it none
    /// is claimed and the same content and RSA key give the same bytes.
    ///
    /// # Errors
    /// [`SignError::Digest`] for other algorithms than SHA-256 and SHA-512, and what reading and OpenSSL return.
    pub fn sign(&self, content: impl Read, algorithm: HashAlgorithm, at: Option<i64>) -> Result<String, SignError> {
        let (digest, digest_oid, ecdsa) = match algorithm {
            HashAlgorithm::Sha256 if self.key.id() == Id::ED25519 => {
                return Err(SignError::Digest("; Ed25519 keys take SHA-512 only (RFC 8419)"));
            }
            HashAlgorithm::Sha256 => (MessageDigest::sha256(), "2.16.840.1.101.3.4.2.1", "1.2.840.10045.4.3.2"),
            HashAlgorithm::Sha512 => (MessageDigest::sha512(), "2.16.840.1.101.3.4.2.3", "1.2.840.10045.4.3.4"),
            _ => return Err(SignError::Digest("")),
        };
        let digest_algorithm = tlv(SEQUENCE, &[oid(digest_oid)?]);
        let mut hasher = Hasher::new(digest)?;
        stream(content, |bytes| hasher.update(bytes))?;
        let found = hasher.finish()?;
        let attributes = attributes(&found, at)?;
        let value = self.value(digest, &tlv(SET, std::slice::from_ref(&attributes)))?;
        let kind = match self.key.id() {
            Id::RSA => tlv(SEQUENCE, &[RSA.to_der()?, vec![5, 0]]),
            Id::ED25519 => tlv(SEQUENCE, &[ED25519.to_der()?]),
            _ => tlv(SEQUENCE, &[oid(ecdsa)?]),
        };
        let mut serial = self.certificate.serial_number().to_bn()?.to_vec();
        if serial.first().is_none_or(|b| b & 0x80 != 0) {
            serial.insert(0, 0);
        }
        let issuer = self.certificate.issuer_name().to_der()?;
        let signer = tlv(
            SEQUENCE,
            &[
                vec![2, 1, 1],
                tlv(SEQUENCE, &[issuer, tlv(2, &[serial])]),
                digest_algorithm.clone(),
                tlv(CONTEXT_0, &[attributes]),
                kind,
                tlv(4, &[value]),
            ],
        );
        let mut certificates = self.certificate.to_der()?;
        for other in &self.others {
            certificates.extend(other.to_der()?);
        }
        let signed = tlv(
            SEQUENCE,
            &[
                vec![2, 1, 1],
                tlv(SET, &[digest_algorithm]),
                tlv(SEQUENCE, &[DATA.to_der()?]),
                tlv(CONTEXT_0, &[certificates]),
                tlv(SET, &[signer]),
            ],
        );
        Ok(pem(&tlv(SEQUENCE, &[SIGNED_DATA.to_der()?, tlv(CONTEXT_0, &[signed])])))
    }

    fn value(&self, digest: MessageDigest, attributes: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        if self.key.id() == Id::ED25519 {
            return Signer::new_without_digest(&self.key)?.sign_oneshot_to_vec(attributes);
        }
        let mut signer = Signer::new(digest, &self.key)?;
        signer.update(attributes)?;
        signer.sign_to_vec()
    }
}

fn first_reason(stack: &ErrorStack) -> String {
    let reason = stack.errors().first().and_then(openssl::error::Error::reason);
    reason.unwrap_or("it is not what it should be").to_owned()
}

fn oid(text: &str) -> Result<Vec<u8>, der::Error> {
    ObjectIdentifier::new(text).map_err(der::Error::from)?.to_der()
}

/// The signed attributes, in the order that DER asks of a set.
fn attributes(digest: &[u8], at: Option<i64>) -> Result<Vec<u8>, SignError> {
    let attribute = |name: Oid, value: Vec<u8>| -> Result<Vec<u8>, der::Error> {
        Ok(tlv(SEQUENCE, &[name.to_der()?, tlv(SET, &[value])]))
    };
    let mut all =
        vec![attribute(CONTENT_TYPE, DATA.to_der()?)?, attribute(MESSAGE_DIGEST, tlv(4, &[digest.to_vec()]))?];
    if let Some(at) = at.and_then(|at| u64::try_from(at).ok()) {
        let time = DateTime::from_unix_duration(std::time::Duration::from_secs(at))?;
        all.push(attribute(SIGNING_TIME, UtcTime::from_date_time(time)?.to_der()?)?);
    }
    all.sort();
    Ok(all.concat())
}

/// One DER element around others.
fn tlv(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let len: usize = parts.iter().map(Vec::len).sum();
    let mut out = vec![tag];
    match u8::try_from(len) {
        Ok(short @ 0..=0x7f) => out.push(short),
        _ => {
            let bytes = len.to_be_bytes();
            let used = bytes.get(bytes.iter().position(|b| *b != 0).unwrap_or(0)..).unwrap_or_default();
            out.push(0x80 | u8::try_from(used.len()).unwrap_or(8));
            out.extend_from_slice(used);
        }
    }
    parts.iter().for_each(|p| out.extend_from_slice(p));
    out
}

fn pem(der: &[u8]) -> String {
    let text = openssl::base64::encode_block(der);
    let mut out = String::from("-----BEGIN CMS-----\n");
    for line in text.as_bytes().chunks(64) {
        out.push_str(&String::from_utf8_lossy(line));
        out.push('\n');
    }
    out + "-----END CMS-----\n"
}
