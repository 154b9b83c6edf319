//! Reading a CMS SignedData (RFC 5652 clause 5): who signed, by which algorithms, over which digest.
//!
//! PEM, DER and S/MIME forms are taken. OpenSSL brings what it reads into DER first, so that only one encoding is left to
//! look at; the structure itself is read here, because the library's own verification wants the whole content in memory.

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Reader, SliceReader, Tag, TagNumber, Tagged};
use openssl::cms::CmsContentInfo;
use openssl::x509::X509;

/// Most parts of any one list in a signature, certificates among them.
const MAX_ITEMS: usize = 64;
/// Most signers of one signature; each costs a reading of the whole content.
const MAX_SIGNERS: usize = 8;

/// Where the head of an S/MIME message is looked for, in bytes from the start.
const MIME_HEAD: usize = 1024;

const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
const CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";
const SIGNING_TIME: &str = "1.2.840.113549.1.9.5";

/// The parts of a SignedData that matter for a detached signature.
pub(super) struct SignedData {
    /// Certificates inside.
    pub certificates: Vec<X509>,
    /// One entry for each signature.
    pub signers: Vec<SignerInfo>,
}

/// How a signer is named.
pub(super) enum SignerId {
    /// By issuer, in DER, and serial number, big-endian without leading zeros.
    IssuerAndSerial(Vec<u8>, Vec<u8>),
    /// By subject key identifier.
    KeyId(Vec<u8>),
}

/// One signature.
pub(super) struct SignerInfo {
    pub id: SignerId,
    /// Object identifier of the digest algorithm.
    pub digest: String,
    /// The signed attributes, encoded as the signature covers them.
    pub signed_attributes: Option<Vec<u8>>,
    /// The content's digest among them.
    pub message_digest: Option<Vec<u8>>,
    /// Whether the attributes a signature must have are there, each once.
    pub attributes_complete: bool,
    /// When the signer claims to have signed, as written.
    pub signing_time: Option<String>,
    /// Object identifier of the signature algorithm.
    pub algorithm: String,
    /// Its parameters, in DER.
    pub parameters: Option<Vec<u8>>,
    pub signature: Vec<u8>,
}

/// Reads one signature in any of its forms.
pub(super) fn read(bytes: &[u8]) -> Result<SignedData, String> {
    let cms = content_info(bytes)?;
    let der = cms.to_der().map_err(|e| format!("its structure is damaged: {e}"))?;
    signed_data(&der).map_err(|e| format!("its structure is damaged: {e}"))?
}

/// Every block of a text that holds several PEM blocks one after the other.
pub(super) fn pem_blocks(text: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    for line in text.lines() {
        if line.starts_with("-----BEGIN") {
            blocks.push(String::new());
        }
        if let Some(block) = blocks.last_mut() {
            block.push_str(line.trim_end());
            block.push('\n');
        }
    }
    blocks
}

fn content_info(bytes: &[u8]) -> Result<CmsContentInfo, String> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err("it is empty".to_owned());
    }
    if bytes.first() == Some(&0x30) {
        return CmsContentInfo::from_der(bytes).map_err(|_| "it is no CMS or PKCS #7 structure".to_owned());
    }
    // Before the PEM block that the content of an S/MIME message may hold too.
    let head =
        String::from_utf8_lossy(bytes.get(..bytes.len().min(MIME_HEAD)).unwrap_or_default()).to_ascii_lowercase();
    if head.contains("content-type:") && !head.trim_start().starts_with("-----begin ") {
        return CmsContentInfo::smime_read_cms(bytes).map_err(|_| "its S/MIME message cannot be read".to_owned());
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "it is neither PEM, DER nor S/MIME".to_owned())?;
    if let Some(start) = text.find("-----BEGIN ") {
        let block = text.get(start..).unwrap_or_default();
        let label = block.get(11..).and_then(|b| b.split("-----").next()).unwrap_or_default();
        if !["CMS", "PKCS7", "PKCS #7 SIGNED DATA"].contains(&label) {
            return Err(format!("its block is labelled `{label}`, expected is `CMS`"));
        }
        // One label for all spellings.
        let named = block
            .replace(&format!("-----BEGIN {label}-----"), "-----BEGIN CMS-----")
            .replace(&format!("-----END {label}-----"), "-----END CMS-----");
        return CmsContentInfo::from_pem(named.as_bytes())
            .map_err(|_| "its PEM block holds no CMS or PKCS #7 structure".to_owned());
    }
    Err("it is neither PEM, DER nor S/MIME".to_owned())
}

fn items<'a>(value: &'a [u8]) -> der::Result<Vec<AnyRef<'a>>> {
    let mut reader = SliceReader::new(value)?;
    let mut found = Vec::new();
    while !reader.is_finished() {
        found.push(AnyRef::decode(&mut reader)?);
        if found.len() > MAX_ITEMS {
            return Err(der::ErrorKind::Overlength.into());
        }
    }
    Ok(found)
}

fn context(any: AnyRef<'_>, number: u32) -> bool {
    matches!(any.tag(), Tag::ContextSpecific { number: n, .. } if n == TagNumber(number))
}

fn wanted<T>(value: Option<T>) -> der::Result<T> {
    value.ok_or_else(|| der::ErrorKind::Failed.into())
}

fn oid(any: AnyRef<'_>) -> der::Result<String> {
    Ok(any.decode_as::<ObjectIdentifier>()?.to_string())
}

/// Object identifier and parameters of an AlgorithmIdentifier.
pub(super) fn algorithm(value: &[u8]) -> der::Result<(String, Option<Vec<u8>>)> {
    let parts = items(value)?;
    let name = oid(*wanted(parts.first())?)?;
    let parameters = parts.get(1).map(|p| p.to_der()).transpose()?;
    Ok((name, parameters))
}

fn signed_data(der: &[u8]) -> der::Result<Result<SignedData, String>> {
    let outer = AnyRef::from_der(der)?;
    let outer = items(outer.value())?;
    let kind = oid(*wanted(outer.first())?)?;
    if kind != SIGNED_DATA {
        return Ok(Err(format!("it holds another kind of content ({kind}), expected is signed data")));
    }
    let inner = AnyRef::from_der(wanted(outer.get(1))?.value())?;
    let mut certificates = Vec::new();
    let mut signers = Vec::new();
    // Version, digest algorithms, content, then what is optional, then the signers.
    for (n, part) in items(inner.value())?.into_iter().enumerate() {
        if n > 2 && context(part, 0) {
            for certificate in items(part.value())? {
                // Other kinds of certificates are of no use here.
                if let Ok(certificate) = X509::from_der(&certificate.to_der()?) {
                    certificates.push(certificate);
                }
            }
        } else if n > 2 && part.tag() == Tag::Set {
            for signer in items(part.value())? {
                signers.push(signer_info(signer.value())?);
            }
        }
    }
    if signers.len() > MAX_SIGNERS {
        return Ok(Err(format!("it holds {} signatures, at most {MAX_SIGNERS} are judged", signers.len())));
    }
    if signers.is_empty() {
        return Ok(Err("it holds certificates but no signature".to_owned()));
    }
    Ok(Ok(SignedData { certificates, signers }))
}

fn signer_info(value: &[u8]) -> der::Result<SignerInfo> {
    let mut parts = items(value)?.into_iter().skip(1).peekable();
    let sid = wanted(parts.next())?;
    let id = if sid.tag() == Tag::Sequence {
        let pair = items(sid.value())?;
        let serial = wanted(pair.get(1))?.value();
        let start = serial.iter().position(|b| *b != 0).unwrap_or(serial.len());
        SignerId::IssuerAndSerial(wanted(pair.first())?.to_der()?, serial.get(start..).unwrap_or_default().to_vec())
    } else {
        SignerId::KeyId(sid.value().to_vec())
    };
    let (digest, _) = algorithm(wanted(parts.next())?.value())?;
    let mut signer = SignerInfo {
        id,
        digest,
        signed_attributes: None,
        message_digest: None,
        attributes_complete: true,
        signing_time: None,
        algorithm: String::new(),
        parameters: None,
        signature: Vec::new(),
    };
    if let Some(attributes) = parts.next_if(|p| context(*p, 0)) {
        read_attributes(attributes.value(), &mut signer)?;
    }
    (signer.algorithm, signer.parameters) = algorithm(wanted(parts.next())?.value())?;
    signer.signature = wanted(parts.next())?.decode_as::<&OctetStringRef>()?.as_bytes().to_vec();
    Ok(signer)
}

fn read_attributes(value: &[u8], signer: &mut SignerInfo) -> der::Result<()> {
    // The signature covers them as a set, not under the tag they are sent with (RFC 5652 clause 5.4).
    signer.signed_attributes = Some(AnyRef::new(Tag::Set, value)?.to_der()?);
    let (mut content_types, mut digests) = (0, 0);
    for attribute in items(value)? {
        let parts = items(attribute.value())?;
        let values = items(wanted(parts.get(1))?.value())?;
        let Some(first) = values.first() else { continue };
        match oid(*wanted(parts.first())?)?.as_str() {
            CONTENT_TYPE => content_types += values.len(),
            MESSAGE_DIGEST => {
                digests += values.len();
                signer.message_digest = Some(first.decode_as::<&OctetStringRef>()?.as_bytes().to_vec());
            }
            SIGNING_TIME => signer.signing_time = std::str::from_utf8(first.value()).ok().map(str::to_owned),
            _ => {}
        }
    }
    signer.attributes_complete = content_types == 1 && digests == 1;
    Ok(())
}
