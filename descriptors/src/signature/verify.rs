//! One signature against its content, its signer's certificate and the trust anchors.

use std::io::{self, Read};

use openssl::x509::X509;

use super::digest::{self, Verdict, judge};
use super::signed_data::{self, SignedData, SignerId, SignerInfo};
use super::trust::{self, Trust};
use super::{Signer, Unsigned};
use crate::archive::Package;
use crate::codes::{self, Code};
use crate::diag::{Pos, Severity};

/// Certificates with the file they come from.
pub(super) struct Named {
    pub path: String,
    pub certificates: Vec<X509>,
}

type Open<'a> = Box<dyn Fn() -> io::Result<Box<dyn Read + 'a>> + 'a>;

/// What a signature is to cover.
pub(super) enum Content<'a> {
    /// Bytes of any number.
    Streamed(Open<'a>),
    /// A file of the package.
    Artifact(&'a Package, String),
    /// A manifest's text before the signature.
    Text(Vec<u8>),
}

/// One signature to be judged.
pub(super) struct Case<'a> {
    /// `package`, `manifest` or an artifact's path, for the list of signers.
    pub what: &'a str,
    /// The signed file's name.
    pub shown: String,
    pub content: Content<'a>,
    /// Certificates given for this signature alone.
    pub extra: &'a [Named],
    /// Where findings belong.
    pub at: Pos,
}

/// A finding in the making.
pub(super) struct Problem {
    pub severity: Severity,
    pub code: &'static Code,
    pub message: String,
    pub mend: String,
}

fn problem(severity: Severity, code: &'static Code, message: String, mend: impl Into<String>) -> Problem {
    Problem { severity, code, message, mend: mend.into() }
}

/// Judges all signatures of one container.
pub(super) fn verify(bytes: &[u8], case: Case<'_>, pool: &[Named], trust: &Trust) -> (Vec<Problem>, Vec<Signer>) {
    let mut problems = Vec::new();
    let mut signers = Vec::new();
    let data = match signed_data::read(bytes) {
        Ok(data) => data,
        Err(why) => {
            let message = format!("the signature of `{}` cannot be read: {why}", case.shown);
            let mend = "make it with `openssl cms -sign -binary -outform PEM` or `mano vnfpkg build --sign-key`";
            problems.push(problem(Severity::Error, &codes::SIGNATURE_FORMAT, message, mend));
            return (problems, signers);
        }
    };
    for signer in &data.signers {
        one(signer, &data, &case, pool, trust, &mut problems, &mut signers);
    }
    (problems, signers)
}

fn one(
    signer: &SignerInfo,
    data: &SignedData,
    case: &Case<'_>,
    pool: &[Named],
    trust: &Trust,
    problems: &mut Vec<Problem>,
    signers: &mut Vec<Signer>,
) {
    let shown = &case.shown;
    let given = case.extra.iter().chain(pool).flat_map(|n| &n.certificates);
    let all: Vec<X509> = data.certificates.iter().chain(given).cloned().collect();
    let weak = digest::digest_of(&signer.digest).filter(|(_, nid)| digest::is_weak(*nid));
    if weak.is_some() {
        let message =
            format!("the signature of `{shown}` uses {}, which can be forged", digest::name_of(&signer.digest));
        problems.push(problem(
            Severity::Warning,
            &codes::WEAK_SIGNATURE,
            message,
            "sign again with SHA-256 or SHA-512",
        ));
    }
    // A certificate in root or TOSCA.meta is the manifest's; one of an artifact is named beside its signature.
    let beside = case.extra.first().or(pool.first().filter(|_| case.what == "manifest"));
    if let (false, Some(elsewhere)) = (data.certificates.is_empty(), beside) {
        let message =
            format!("the signature of `{shown}` holds a certificate, and `{}` is given beside", elsewhere.path);
        let mend = "give the signer's certificate in one place only";
        problems.push(problem(Severity::Warning, &codes::CERTIFICATE_PLACE, message, mend));
    }
    let Some(certificate) = all.iter().find(|c| is_signer(c, &signer.id)) else {
        problems.push(no_certificate(signer, case, pool, &all));
        return;
    };
    match read_and_judge(signer, certificate, &case.content) {
        Ok((Verdict::Fits, None)) => {}
        Ok((Verdict::Fits, Some(bend))) => {
            let message = format!("the signature of `{shown}` fits only {bend}");
            let mend = "sign the bytes before the signature's block exactly, with `openssl cms -sign -binary`";
            problems.push(problem(Severity::Warning, &codes::UNCOVERED_TEXT, message, mend));
        }
        Ok((Verdict::OtherContent(signed, found), _)) => {
            let message = format!(
                "the signature does not match `{shown}`: it was made over a content with the digest {signed}, \
                 this one has {found}"
            );
            let mend = "restore the signed content, or sign again";
            problems.push(problem(Severity::Error, &codes::SIGNATURE_CONTENT, message, mend));
            return;
        }
        Ok((Verdict::Broken, _)) => {
            let message = format!(
                "the signature of `{shown}` does not match the key of `{}`, or its value was changed",
                trust::name(certificate.subject_name())
            );
            problems.push(problem(Severity::Error, &codes::SIGNATURE_BROKEN, message, "sign again"));
            return;
        }
        Ok((Verdict::Unknown(why), _)) => {
            let message = format!("the signature of `{shown}` cannot be judged: {why}");
            problems.push(problem(Severity::Error, &codes::SIGNATURE_FORMAT, message, "sign again with SHA-256"));
            return;
        }
        Err(e) => {
            let message = format!("`{shown}` cannot be read: {e}");
            problems.push(problem(Severity::Error, &codes::UNREADABLE_ENTRY, message, ""));
            return;
        }
    }
    let standing = trust.standing(certificate, &all);
    let trusted = trust.anchors() > 0 && standing.untrusted.is_none() && standing.expired.is_none();
    signers.push(trust::describe(certificate, case.what, trusted));
    let subject = trust::name(certificate.subject_name());
    if let Some(why) = standing.untrusted {
        let message = format!("the certificate `{subject}`, which signed `{shown}`, leads to no trust anchor: {why}");
        let mend = "add the certificate of its issuer to the trust anchors if the issuer is to be trusted";
        problems.push(problem(Severity::Error, &codes::UNTRUSTED, message, mend));
    } else if trust.anchors() == 0 {
        let severity = match trust.unsigned {
            Unsigned::Accept => Severity::Note,
            Unsigned::Warn => Severity::Warning,
            Unsigned::Refuse => Severity::Error,
        };
        let message = format!(
            "the signature of `{shown}` fits, but nobody vouches for `{subject}`: no trust anchors are configured"
        );
        let mend = "give the issuer's certificate as trust anchor";
        problems.push(problem(severity, &codes::NO_ANCHORS, message, mend));
    }
    if let Some(why) = standing.expired {
        let severity = if trust.is_demanding() { Severity::Error } else { Severity::Warning };
        let claimed = signer.signing_time.as_deref().map_or_else(String::new, |t| {
            format!("; it claims to have signed at {t}, which no trusted clock confirms")
        });
        let message = format!("the certificate `{subject}`, which signed `{shown}`, is not valid now: {why}{claimed}");
        problems.push(problem(severity, &codes::EXPIRED, message, "sign again with a valid certificate"));
    }
}

fn no_certificate(signer: &SignerInfo, case: &Case<'_>, pool: &[Named], all: &[X509]) -> Problem {
    let wanted = match &signer.id {
        SignerId::IssuerAndSerial(_, serial) => format!("serial number {}", hex::encode(serial)),
        SignerId::KeyId(id) => format!("key identifier {}", hex::encode(id)),
    };
    let mut message = format!("the certificate that signed `{}` ({wanted}) is not found", case.shown);
    if let Some(other) = all.first() {
        let files: Vec<&str> = case.extra.iter().chain(pool).map(|n| n.path.as_str()).collect();
        let from = if files.is_empty() { "the signature".to_owned() } else { format!("`{}`", files.join("`, `")) };
        message.push_str(&format!(
            ": {from} has another one, `{}` with serial number {}",
            trust::name(other.subject_name()),
            trust::serial(other)
        ));
    }
    problem(
        Severity::Error,
        &codes::NO_CERTIFICATE,
        message,
        "put the signer's certificate into the signature, or name it by `ETSI-Entry-Certificate` in TOSCA.meta",
    )
}

fn is_signer(certificate: &X509, id: &SignerId) -> bool {
    match id {
        SignerId::IssuerAndSerial(issuer, serial) => {
            let own = certificate.serial_number().to_bn().map(|n| n.to_vec()).unwrap_or_default();
            own == *serial && certificate.issuer_name().to_der().is_ok_and(|d| d == *issuer)
        }
        SignerId::KeyId(id) => certificate.subject_key_id().is_some_and(|k| k.as_slice() == id.as_slice()),
    }
}

/// The verdict, and in which sense the content was taken when not byte for byte.
fn read_and_judge(
    signer: &SignerInfo,
    certificate: &X509,
    content: &Content<'_>,
) -> io::Result<(Verdict, Option<&'static str>)> {
    match content {
        Content::Streamed(open) => Ok((judge(signer, certificate, open()?)?, None)),
        Content::Artifact(package, path) => {
            let mut artifact = package.open_artifact(path)?;
            Ok((judge(signer, certificate, artifact.reader()?)?, None))
        }
        Content::Text(text) => {
            let exact = judge(signer, certificate, text.as_slice())?;
            if matches!(exact, Verdict::Fits | Verdict::Unknown(_)) {
                return Ok((exact, None));
            }
            let shorter = text.strip_suffix(b"\n").map(|t| t.strip_suffix(b"\r").unwrap_or(t));
            let network = canonical(text);
            let forms = [
                (shorter, "without the line end before the signature's block"),
                (Some(network.as_slice()), "with the line ends of mail, CR and LF"),
            ];
            for (form, sense) in forms {
                if let Some(form) = form
                    && matches!(judge(signer, certificate, form)?, Verdict::Fits)
                {
                    return Ok((Verdict::Fits, Some(sense)));
                }
            }
            Ok((exact, None))
        }
    }
}

/// Text with every line ended by CR and LF, as tools sign it that take it for mail.
fn canonical(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 16);
    for line in text.split_inclusive(|b| *b == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(body) => {
                out.extend_from_slice(body.strip_suffix(b"\r").unwrap_or(body));
                out.extend_from_slice(b"\r\n");
            }
            None => out.extend_from_slice(line),
        }
    }
    out
}
