//! Software images that a VIM has by itself: what a VNFD says of an image that its package does not bring (SOL001 clause
//! 6.8.1.4, `sw_image_data` without an artifact), and which of the VIM's images is meant by that. Pure; asking the VIM is
//! the application's.

use std::collections::BTreeMap;

use descriptors::archive::HashAlgorithm;
use descriptors::vnfd::SwImage;
use reference_points::common::{Fault, OwnerKind};
use reference_points::nf_vi::DiskFormat;
use reference_points::or_vi::{ResourceState, SoftwareImage};
use uuid::Uuid;

/// Most names that are told of a VIM that lacks an image.
const TOLD: usize = 3;

/// What a VNFD says of an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// Name in the VIM.
    pub name: String,
    /// Name of the digest's algorithm and digest, where the VNFD has one: lower-case hexadecimal.
    pub checksum: Option<(&'static str, String)>,
    /// `disk_format`, in lower case, where the VNFD has one.
    pub format: Option<String>,
}

/// What was looked for, with the image that is meant or why there is none.
pub type Held = BTreeMap<Wanted, Result<Uuid, Fault>>;

impl Wanted {
    /// What a VNFD says of this image.
    pub fn of(image: &SwImage) -> Self {
        let hash = image.checksum.hash.to_ascii_lowercase();
        Self {
            name: image.name.clone(),
            checksum: (!hash.is_empty()).then(|| (image.checksum.algorithm.name(), hash)),
            format: Some(image.disk_format.to_ascii_lowercase()).filter(|f| !f.is_empty()),
        }
    }

    fn shown(&self) -> String {
        match &self.checksum {
            Some((algorithm, hash)) => format!("\"{}\" with {algorithm} {hash}", self.name),
            None => format!("\"{}\"", self.name),
        }
    }

    /// Why an image of this name is not the one that is meant.
    fn unlike(&self, image: &SoftwareImage) -> Option<String> {
        if let Some((algorithm, hash)) = &self.checksum {
            match digest(image, algorithm) {
                Some(has) if has.eq_ignore_ascii_case(hash) => {}
                Some(has) => return Some(format!("has {algorithm} {has}")),
                None => return Some(format!("is known by other digests than {algorithm}")),
            }
        }
        let has = format_name(image.spec.format);
        self.format.as_deref().filter(|wanted| *wanted != has).map(|_| format!("has disk format {has}"))
    }

    /// The image of VIM `vim` that is meant: of those of this name, the one that has the checksum and is whole. Images that
    /// packages brought do not count: they go with their packages. `near` are images of similar names.
    ///
    /// # Errors
    /// What was looked for and where, what is there instead, and the command that helps.
    pub fn choose(&self, vim: &str, named: &[SoftwareImage], near: &[SoftwareImage]) -> Result<Uuid, Fault> {
        let (brought, own): (Vec<_>, Vec<_>) =
            named.iter().partition(|image| image.spec.owner.kind == OwnerKind::VnfPackage);
        let (fit, unfit): (Vec<_>, Vec<_>) = own.into_iter().partition(|image| self.unlike(image).is_none());
        let what = format!("the package does not bring the software image {}", self.shown());
        let add = format!("mano vim image add FILE --name '{}' --vim {vim}", self.name);
        let fault = |why: String| Fault::new("", format!("{what}, and {why}"));
        match fit.as_slice() {
            [one] if one.state == ResourceState::Active => Ok(one.id),
            [one] => Err(fault(format!("in VIM {vim} image {} is not usable: {}", one.id, state(one)))
                .mend(format!("mano vim image delete {} --vim {vim}, then {add}", one.id))),
            [] if !unfit.is_empty() => {
                let each = unfit.iter().map(|i| format!("{} {}", i.id, self.unlike(i).unwrap_or_default()));
                let each: Vec<String> = each.collect();
                Err(fault(format!("what VIM {vim} has by that name is another one: {}", each.join("; "))).mend(add))
            }
            [] => {
                Err(fault(format!("VIM {vim} has none by that name{}", instead(&self.name, &brought, near))).mend(add))
            }
            several => {
                let ids: Vec<String> = several.iter().map(|i| i.id.to_string()).collect();
                Err(fault(format!("VIM {vim} has {} that it may be: {}", several.len(), ids.join(", ")))
                    .mend(format!("keep one of them: mano vim image delete ID --vim {vim}")))
            }
        }
    }
}

fn digest<'a>(image: &'a SoftwareImage, algorithm: &str) -> Option<&'a str> {
    if algorithm == HashAlgorithm::Sha256.name() {
        Some(&image.spec.sha256)
    } else if algorithm == HashAlgorithm::Sha512.name() {
        image.sha512.as_deref()
    } else {
        None
    }
}

fn format_name(format: DiskFormat) -> &'static str {
    match format {
        DiskFormat::Qcow2 => "qcow2",
        DiskFormat::Raw => "raw",
    }
}

fn state(image: &SoftwareImage) -> String {
    match (&image.problem, image.state) {
        (Some(problem), _) => problem.to_string(),
        (None, ResourceState::Building) => "its content did not come yet".to_owned(),
        (None, ResourceState::Deleting) => "it is being deleted".to_owned(),
        (None, _) => "the VIM gives no reason".to_owned(),
    }
}

/// What a VIM has in the place of an image that it lacks.
fn instead(name: &str, brought: &[&SoftwareImage], near: &[SoftwareImage]) -> String {
    if let Some(image) = brought.first() {
        return format!("; the one there belongs to VNF package {} and goes with it", image.spec.owner.id);
    }
    let own = near.iter().filter(|i| i.spec.owner.kind != OwnerKind::VnfPackage).map(|i| i.spec.name.as_str());
    let mut names: Vec<&str> = own.collect();
    names.sort_by_key(|there| (service::faults::distance(name, there), *there));
    names.dedup();
    names.truncate(TOLD);
    match names.as_slice() {
        [] => String::new(),
        names => {
            format!("; nearest there: {}", names.iter().map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use reference_points::common::Owner;
    use reference_points::or_vi::SoftwareImageSpec;

    use super::*;

    fn image(id: u128, name: &str, digit: &str, kind: OwnerKind) -> SoftwareImage {
        SoftwareImage {
            id: Uuid::from_u128(id),
            spec: SoftwareImageSpec {
                name: name.into(),
                owner: Owner { kind, id: Uuid::from_u128(9), operation: None, step: None },
                version: String::new(),
                format: DiskFormat::Qcow2,
                sha256: digit.repeat(64),
                size_bytes: None,
                min_disk_bytes: None,
                min_memory_bytes: None,
            },
            vim_resource_id: None,
            sha512: Some(digit.repeat(128)),
            state: ResourceState::Active,
            problem: None,
        }
    }

    fn wanted(checksum: Option<(&'static str, &str)>) -> Wanted {
        let checksum = checksum.map(|(algorithm, hash)| (algorithm, hash.to_owned()));
        Wanted { name: "guest".into(), checksum, format: Some("qcow2".into()) }
    }

    fn told(wanted: &Wanted, named: &[SoftwareImage], near: &[SoftwareImage]) -> String {
        let fault = wanted.choose("lab", named, near).unwrap_err();
        format!("{} | {}", fault.message, fault.mend.unwrap())
    }

    #[test]
    fn an_image_is_meant_by_its_name_and_by_either_digest() {
        let there = [image(1, "guest", "a", OwnerKind::Vim), image(2, "guest", "b", OwnerKind::Vim)];
        let (sha256, sha512) = ("b".repeat(64), "B".repeat(128));
        assert_eq!(wanted(None).choose("lab", &there[..1], &[]), Ok(Uuid::from_u128(1)));
        assert_eq!(wanted(Some(("SHA-256", &sha256))).choose("lab", &there, &[]), Ok(Uuid::from_u128(2)));
        assert_eq!(wanted(Some(("SHA-512", &sha512))).choose("lab", &there, &[]), Ok(Uuid::from_u128(2)));
    }

    #[test]
    fn a_vim_that_lacks_it_is_told_with_the_names_that_are_nearest() {
        let near = [
            image(1, "ghost", "a", OwnerKind::Vim),
            image(2, "guest2", "a", OwnerKind::Vim),
            image(3, "guests", "a", OwnerKind::VnfPackage),
        ];
        let text = told(&wanted(None), &[], &near);
        assert!(text.contains("software image \"guest\"") && text.contains("VIM lab has none"), "{text}");
        assert!(text.contains("nearest there: \"guest2\", \"ghost\""), "{text}");
        assert!(text.ends_with("| mano vim image add FILE --name 'guest' --vim lab"), "{text}");
        let text = told(&wanted(None), &[image(3, "guest", "a", OwnerKind::VnfPackage)], &near);
        assert!(text.contains("belongs to VNF package 00000000-0000-0000-0000-000000000009"), "{text}");
    }

    #[test]
    fn another_checksum_format_or_state_and_several_of_a_name_are_refused() {
        let one = image(1, "guest", "a", OwnerKind::Vim);
        let other = "c".repeat(64);
        let text = told(&wanted(Some(("SHA-256", &other))), std::slice::from_ref(&one), &[]);
        assert!(text.contains(&other) && text.contains(&format!("has SHA-256 {}", "a".repeat(64))), "{text}");
        let text = told(&wanted(Some(("SHA-384", &other))), std::slice::from_ref(&one), &[]);
        assert!(text.contains("other digests than SHA-384"), "{text}");
        let raw = Wanted { format: Some("raw".into()), ..wanted(None) };
        assert!(told(&raw, std::slice::from_ref(&one), &[]).contains("has disk format qcow2"));
        let building = SoftwareImage { state: ResourceState::Building, ..one.clone() };
        let text = told(&wanted(None), &[building], &[]);
        assert!(text.contains("its content did not come yet") && text.contains("mano vim image delete"), "{text}");
        let text = told(&wanted(None), &[one.clone(), image(2, "guest", "b", OwnerKind::Vim)], &[]);
        assert!(text.contains("VIM lab has 2 that it may be") && text.contains("keep one of them"), "{text}");
    }
}
