//! Copying the disks of a running domain as they are at one moment: QEMU's backup job, begun while the guest's agent, if
//! one answers, keeps the file systems frozen. The domain's own disks stay the files they are, whatever happens.
#![allow(unsafe_code)]

use std::ffi::CString;

use virt::domain::Domain;
use virt::error::Error;
use virt::sys;

use super::Copy;
use super::metadata;
use super::xml::Element;

/// Seconds that a guest's agent is given to answer.
const AGENT_SECONDS: i32 = 5;

/// How a backup stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stands {
    /// It is under way.
    Runs,
    /// Everything is copied.
    Done,
    /// It ended too early, for this reason.
    Failed(String),
}

/// Ends a backup that an agent before this one began, and thaws what it may have left frozen.
///
/// # Errors
/// What libvirt said.
pub fn abort(domain: &Domain) -> Result<(), Error> {
    if !domain.is_active()? {
        return Ok(());
    }
    // SAFETY: the domain is open for the length of the calls; an empty list of mount points means all of them.
    unsafe {
        let _ = sys::virDomainAgentSetResponseTimeout(domain.as_ptr(), AGENT_SECONDS, 0);
        let _ = sys::virDomainFSThaw(domain.as_ptr(), std::ptr::null_mut(), 0, 0);
    }
    if !runs(domain)? {
        return Ok(());
    }
    // SAFETY: as above.
    checked(unsafe { sys::virDomainAbortJob(domain.as_ptr()) })
}

/// Begins a backup of these disks; true if the guest was quiesced for that moment.
///
/// # Errors
/// What libvirt said.
pub fn begin(domain: &Domain, copies: &[Copy]) -> Result<bool, Error> {
    let xml = document(&domain.get_xml_desc(0)?, copies);
    let xml = CString::new(xml).unwrap_or_default();
    // SAFETY: the domain is open for the length of the calls; an empty list of mount points means all of them.
    unsafe {
        let _ = sys::virDomainAgentSetResponseTimeout(domain.as_ptr(), AGENT_SECONDS, 0);
        let frozen = sys::virDomainFSFreeze(domain.as_ptr(), std::ptr::null_mut(), 0, 0) >= 0;
        let begun = checked(sys::virDomainBackupBegin(domain.as_ptr(), xml.as_ptr(), std::ptr::null(), 0));
        // An agent that died meanwhile leaves frozen what it froze; thawing what is not frozen is nothing.
        let _ = sys::virDomainFSThaw(domain.as_ptr(), std::ptr::null_mut(), 0, 0);
        begun.map(|()| frozen)
    }
}

/// How the backup stands that was begun last.
///
/// # Errors
/// What libvirt said.
pub fn stands(domain: &Domain) -> Result<Stands, Error> {
    if !domain.is_active()? {
        return Ok(Stands::Failed("the machine stopped meanwhile".to_owned()));
    }
    if runs(domain)? {
        return Ok(Stands::Runs);
    }
    if !told(domain)? {
        return Ok(Stands::Failed("libvirt has forgotten it".to_owned()));
    }
    let last = domain.get_job_stats(ENDED)?;
    if last.r#type == sys::VIR_DOMAIN_JOB_COMPLETED as i32 {
        return Ok(Stands::Done);
    }
    Ok(Stands::Failed(last.error_message.unwrap_or_else(|| "the backup was ended".to_owned())))
}

/// Asks for the job that ended last, which stays to be asked for.
const ENDED: sys::virDomainGetJobStatsFlags =
    sys::VIR_DOMAIN_JOB_STATS_COMPLETED | sys::VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED;

/// Whether a job is under way. The agent begins no other kind than backups.
fn runs(domain: &Domain) -> Result<bool, Error> {
    let kind = domain.get_job_info()?.r#type;
    Ok(kind == sys::VIR_DOMAIN_JOB_BOUNDED as i32 || kind == sys::VIR_DOMAIN_JOB_UNBOUNDED as i32)
}

/// Whether libvirt can tell of the job that ended last. The binding does not survive being told nothing.
fn told(domain: &Domain) -> Result<bool, Error> {
    let (mut kind, mut params, mut count) = (0, std::ptr::null_mut(), 0);
    // SAFETY: the domain is open; libvirt fills what the pointers point at, and gets back what it allocated.
    unsafe {
        checked(sys::virDomainGetJobStats(domain.as_ptr(), &mut kind, &mut params, &mut count, ENDED))?;
        let told = !params.is_null();
        sys::virTypedParamsFree(params, count);
        Ok(told)
    }
}

fn checked(result: std::ffi::c_int) -> Result<(), Error> {
    if result < 0 { Err(Error::last_error()) } else { Ok(()) }
}

/// What is to be copied and where to, in libvirt's words.
fn document(domain: &str, copies: &[Copy]) -> String {
    let found = metadata::describe(domain);
    let disk = |(path, target): (&std::path::PathBuf, &String)| {
        let element = Element::new("disk").attr("name", target);
        match copies.iter().find(|copy| &copy.from == path) {
            None => element.attr("backup", "no"),
            Some(copy) => element
                .attr("backup", "yes")
                .attr("type", "file")
                .child(Element::new("target").attr("file", copy.to.display()))
                .child(Element::new("driver").attr("type", "qcow2")),
        }
    };
    let disks = found.disks.iter().zip(&found.targets).map(disk);
    Element::new("domainbackup").attr("mode", "push").child(Element::new("disks").children(disks)).render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_disks_that_are_meant_are_copied() {
        let domain = "<domain><devices>\
            <disk type='file'><source file='/s/root.qcow2'/><target dev='vda'/></disk>\
            <disk type='file'><source file='/s/config.iso'/><target dev='vdb'/></disk>\
            </devices></domain>";
        let copies = [Copy { from: "/s/root.qcow2".into(), to: "/t/root.qcow2".into() }];
        insta::assert_snapshot!(document(domain, &copies));
    }
}
