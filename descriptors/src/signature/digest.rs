//! The cryptographic part of a signature: digest of the content, value of the signature (RFC 5652 clauses 5.4 to 5.6).

use std::io::{self, Read};

use der::asn1::AnyRef;
use der::{Decode, Reader, SliceReader, Tag, TagNumber, Tagged};
use openssl::asn1::Asn1Object;
use openssl::error::ErrorStack;
use openssl::hash::{Hasher, MessageDigest};
use openssl::nid::Nid;
use openssl::pkey::Id;
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Verifier};
use openssl::x509::X509Ref;

use super::signed_data::{SignerInfo, algorithm};

const BUFFER: usize = 128 << 10;

/// What came of comparing a signature with the content.
pub(super) enum Verdict {
    /// It fits.
    Fits,
    /// The content is another than the one signed: digest signed and digest found, in hexadecimal.
    OtherContent(String, String),
    /// The signature value was not made with this key, or the content is another and no digest tells.
    Broken,
    /// The signature cannot be judged.
    Unknown(String),
}

/// The digest algorithm behind an object identifier, as OpenSSL knows it.
pub(super) fn digest_of(oid: &str) -> Option<(MessageDigest, Nid)> {
    let nid = Asn1Object::from_str(oid).ok()?.nid();
    Some((MessageDigest::from_nid(nid)?, nid))
}

/// A readable name for an object identifier.
pub(super) fn name_of(oid: &str) -> String {
    let nid = Asn1Object::from_str(oid).map(|o| o.nid());
    nid.ok().and_then(|n| n.long_name().ok()).map_or_else(|| oid.to_owned(), str::to_owned)
}

/// Whether a digest algorithm no longer keeps anybody from making a second content of the same digest.
pub(super) fn is_weak(nid: Nid) -> bool {
    [Nid::MD5, Nid::MD4, Nid::SHA1, Nid::RIPEMD160].contains(&nid)
}

/// Hands everything a reader yields to `take`, with memory for one buffer.
pub(super) fn stream(mut reader: impl Read, mut take: impl FnMut(&[u8]) -> Result<(), ErrorStack>) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => take(buffer.get(..n).unwrap_or_default()).map_err(io::Error::other)?,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// Compares one signature with the content and the signer's key.
pub(super) fn judge(signer: &SignerInfo, certificate: &X509Ref, content: impl Read) -> io::Result<Verdict> {
    let Some((digest, _)) = digest_of(&signer.digest) else {
        return Ok(Verdict::Unknown(format!("its digest algorithm `{}` is not known", name_of(&signer.digest))));
    };
    if !signer.attributes_complete {
        return Ok(Verdict::Unknown("it has signed attributes but not content type and digest among them".to_owned()));
    }
    let Some(attributes) = &signer.signed_attributes else {
        return direct(signer, certificate, digest, content);
    };
    let mut hasher = Hasher::new(digest).map_err(io::Error::other)?;
    stream(content, |bytes| hasher.update(bytes))?;
    let found = hasher.finish().map_err(io::Error::other)?;
    let signed = signer.message_digest.as_deref().unwrap_or_default();
    if signed != &*found {
        return Ok(Verdict::OtherContent(hex::encode(signed), hex::encode(found)));
    }
    let attributes = attributes.as_slice();
    let fits = verifier(signer, certificate, digest, |verifier| match verifier {
        Way::Stream(mut v) => {
            v.update(attributes)?;
            v.verify(&signer.signature)
        }
        Way::Whole(mut v) => v.verify_oneshot(&signer.signature, attributes),
    });
    Ok(told(fits))
}

/// A signature over the content itself, without signed attributes.
fn direct(
    signer: &SignerInfo,
    certificate: &X509Ref,
    digest: MessageDigest,
    content: impl Read,
) -> io::Result<Verdict> {
    let mut failed = None;
    let fits = verifier(signer, certificate, digest, |way| match way {
        Way::Stream(mut v) => {
            if let Err(e) = stream(content, |bytes| v.update(bytes)) {
                failed = Some(e);
                return Ok(false);
            }
            v.verify(&signer.signature)
        }
        Way::Whole(_) => Ok(false),
    });
    failed.map_or_else(|| Ok(told(fits)), Err)
}

fn told(fits: Result<bool, ErrorStack>) -> Verdict {
    // OpenSSL answers with an error where the value has a length no such key makes, or the key is of another kind.
    if matches!(fits, Ok(true)) { Verdict::Fits } else { Verdict::Broken }
}

enum Way<'a> {
    Stream(Verifier<'a>),
    Whole(Verifier<'a>),
}

fn verifier(
    signer: &SignerInfo,
    certificate: &X509Ref,
    digest: MessageDigest,
    run: impl FnOnce(Way<'_>) -> Result<bool, ErrorStack>,
) -> Result<bool, ErrorStack> {
    let key = certificate.public_key()?;
    if key.id() == Id::ED25519 || key.id() == Id::ED448 {
        return run(Way::Whole(Verifier::new_without_digest(&key)?));
    }
    let pss = Asn1Object::from_str(&signer.algorithm).is_ok_and(|o| o.nid() == Nid::RSASSAPSS);
    if !pss {
        return run(Way::Stream(Verifier::new(digest, &key)?));
    }
    let parameters = signer.parameters.as_deref().and_then(|p| pss_parameters(p).ok()).unwrap_or_default();
    let of = |oid: &Option<String>| oid.as_deref().map_or(Some(MessageDigest::sha1()), |o| Some(digest_of(o)?.0));
    let (Some(hash), Some(mask)) = (of(&parameters.hash), of(&parameters.mask)) else { return Ok(false) };
    let mut verifier = Verifier::new(hash, &key)?;
    verifier.set_rsa_padding(Padding::PKCS1_PSS)?;
    verifier.set_rsa_mgf1_md(mask)?;
    verifier.set_rsa_pss_saltlen(RsaPssSaltlen::custom(parameters.salt.unwrap_or(20)))?;
    run(Way::Stream(verifier))
}

/// RSASSA-PSS-params (RFC 4055 clause 3.1); what is absent has its default.
#[derive(Default)]
struct Pss {
    hash: Option<String>,
    mask: Option<String>,
    salt: Option<i32>,
}

fn pss_parameters(parameters: &[u8]) -> der::Result<Pss> {
    let whole = AnyRef::from_der(parameters)?;
    let mut reader = SliceReader::new(whole.value())?;
    let mut found = Pss::default();
    while !reader.is_finished() {
        let part = AnyRef::decode(&mut reader)?;
        let inner = AnyRef::from_der(part.value())?;
        match part.tag() {
            Tag::ContextSpecific { number: TagNumber(0), .. } => found.hash = Some(algorithm(inner.value())?.0),
            Tag::ContextSpecific { number: TagNumber(1), .. } => {
                let (_, mask) = algorithm(inner.value())?;
                if let Some(mask) = mask {
                    found.mask = Some(algorithm(AnyRef::from_der(&mask)?.value())?.0);
                }
            }
            Tag::ContextSpecific { number: TagNumber(2), .. } => {
                found.salt = inner.decode_as::<u16>().ok().map(i32::from)
            }
            _ => {}
        }
    }
    Ok(found)
}
