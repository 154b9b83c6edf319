//! Whom the operator trusts: anchors, time of the check, and what becomes of unsigned packages.

use openssl::asn1::Asn1Time;
use openssl::error::ErrorStack;
use openssl::stack::Stack;
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509, X509NameRef, X509Ref, X509StoreContext};
use serde::{Deserialize, Serialize};

use super::Signer;

/// Longest chain from signer to anchor, certificates between them.
const CHAIN_DEPTH: i32 = 10;

/// What becomes of a package that carries no signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unsigned {
    /// It is taken without a word.
    #[default]
    Accept,
    /// It is taken with a warning.
    Warn,
    /// It is refused.
    Refuse,
}

/// A certificate that cannot be used as a trust anchor.
#[derive(Debug, thiserror::Error)]
#[error("{name} holds no certificate in PEM or DER: {reason}")]
pub struct BadAnchor {
    /// Name of the file, as given.
    pub name: String,
    /// What OpenSSL says.
    pub reason: String,
}

/// Whom to trust, when, and what to do without a signature.
#[derive(Clone)]
pub struct Trust {
    anchors: Vec<X509>,
    /// What becomes of unsigned packages.
    pub unsigned: Unsigned,
    /// Time at which certificates must be valid, in seconds since 1970-01-01T00:00:00Z.
    pub at: i64,
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trust")
            .field("anchors", &self.anchors.len())
            .field("unsigned", &self.unsigned)
            .field("at", &self.at)
            .finish()
    }
}

/// How a certificate stands.
pub(super) struct Standing {
    /// Why it leads to no anchor, when it does not.
    pub untrusted: Option<String>,
    /// Which certificate is not valid at the time, and since or until when.
    pub expired: Option<String>,
}

impl Trust {
    /// Trust in nobody, at a time in seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn new(at: i64, unsigned: Unsigned) -> Self {
        Self { anchors: Vec::new(), unsigned, at }
    }

    /// Adds trust anchors from a file's content, PEM (one or several) or DER. A signer's own certificate may be an anchor.
    /// Returns how many were added.
    ///
    /// # Errors
    /// The content holds no certificate.
    pub fn add_anchors(&mut self, name: &str, content: &[u8]) -> Result<usize, BadAnchor> {
        let bad = |reason: String| BadAnchor { name: name.to_owned(), reason };
        let read = certificates(content).map_err(|e| bad(e.to_string()))?;
        if read.is_empty() {
            return Err(bad("there is no certificate in it".to_owned()));
        }
        let n = read.len();
        self.anchors.extend(read);
        Ok(n)
    }

    /// The same trust at another time, in seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn at(&self, at: i64) -> Self {
        Self { at, ..self.clone() }
    }

    /// How many anchors there are.
    #[must_use]
    pub fn anchors(&self) -> usize {
        self.anchors.len()
    }

    /// Whether a signature must lead to an anchor for the package to be used.
    #[must_use]
    pub fn is_demanding(&self) -> bool {
        !self.anchors.is_empty() || self.unsigned == Unsigned::Refuse
    }

    fn store(&self, check_time: bool) -> Result<X509Store, ErrorStack> {
        let mut builder = X509StoreBuilder::new()?;
        for anchor in &self.anchors {
            builder.add_cert(anchor.clone())?;
        }
        let mut param = X509VerifyParam::new()?;
        param.set_depth(CHAIN_DEPTH);
        let mut flags = X509VerifyFlags::PARTIAL_CHAIN;
        // A time that is set outweighs the flag that asks for none to be checked.
        if check_time {
            param.set_time(self.at);
        } else {
            flags |= X509VerifyFlags::NO_CHECK_TIME;
        }
        param.set_flags(flags)?;
        builder.set_param(&param)?;
        Ok(builder.build())
    }

    /// How a signer's certificate stands; `others` may lie between it and an anchor.
    pub(super) fn standing(&self, certificate: &X509, others: &[X509]) -> Standing {
        let expired = self.out_of_time(certificate);
        if self.anchors.is_empty() {
            return Standing { untrusted: None, expired };
        }
        match self.chain(certificate, others, false) {
            Err(why) => Standing { untrusted: Some(why), expired },
            // The chain holds; it may still hold a certificate between that is out of time.
            Ok(()) if expired.is_none() => {
                let expired = self.chain(certificate, others, true).err();
                Standing { untrusted: None, expired: expired.map(|why| format!("its chain is out of time: {why}")) }
            }
            Ok(()) => Standing { untrusted: None, expired },
        }
    }

    fn chain(&self, certificate: &X509, others: &[X509], check_time: bool) -> Result<(), String> {
        let verified = || -> Result<Result<(), String>, ErrorStack> {
            let store = self.store(check_time)?;
            let mut chain = Stack::new()?;
            for other in others {
                chain.push(other.clone())?;
            }
            let mut context = X509StoreContext::new()?;
            context.init(&store, certificate, &chain, |context| {
                if context.verify_cert()? {
                    return Ok(Ok(()));
                }
                let at = context.current_cert().map(|c| name(c.subject_name())).unwrap_or_default();
                Ok(Err(format!("{} (at `{at}`)", context.error().error_string())))
            })
        };
        verified().unwrap_or_else(|e| Err(format!("it cannot be judged: {e}")))
    }

    fn out_of_time(&self, certificate: &X509Ref) -> Option<String> {
        let now = Asn1Time::from_unix(self.at).ok()?;
        if *certificate.not_after() < now {
            return Some(format!("it expired on {}", certificate.not_after()));
        }
        (*certificate.not_before() > now).then(|| format!("it is valid only from {}", certificate.not_before()))
    }
}

/// Certificates in PEM, one or several, or one in DER.
pub(super) fn certificates(content: &[u8]) -> Result<Vec<X509>, ErrorStack> {
    if content.first() == Some(&0x30) {
        return Ok(vec![X509::from_der(content)?]);
    }
    X509::stack_from_pem(content)
}

/// A name as people read it: `CN=…, O=…`.
pub(super) fn name(name: &X509NameRef) -> String {
    let part = |e: &openssl::x509::X509NameEntryRef| {
        let key = e.object().nid().short_name().unwrap_or("?").to_owned();
        format!("{key}={}", String::from_utf8_lossy(e.data().as_slice()))
    };
    let mut parts: Vec<String> = name.entries().map(part).collect();
    parts.reverse();
    let text: String = parts.join(", ").chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    text
}

/// Serial number in hexadecimal.
pub(super) fn serial(certificate: &X509Ref) -> String {
    let number = certificate.serial_number().to_bn();
    number.map(|n| hex::encode(n.to_vec())).unwrap_or_default()
}

/// What users are told of a signer.
pub(super) fn describe(certificate: &X509Ref, covers: &str, trusted: bool) -> Signer {
    Signer {
        covers: covers.to_owned(),
        subject: name(certificate.subject_name()),
        issuer: name(certificate.issuer_name()),
        serial: serial(certificate),
        not_before: certificate.not_before().to_string(),
        not_after: certificate.not_after().to_string(),
        trusted,
    }
}
