//! Files of the package that a SOL006 descriptor names: images, boot data, scripts.

use descriptors::archive::Limits;
use descriptors::check_vnf_package;
use descriptors::diag::Diagnostics;
use descriptors::vnfd::{BootContext, BootData, Vnfd};
use serde_json::json;
use std::collections::BTreeMap;

use crate::common::IMAGE;
use crate::sources::{IMAGE_PATH, JSON, Sources, by_sol006, line_of};

/// The sample with a changed descriptor.
fn changed(from: &str, to: &str) -> Sources {
    assert!(JSON.contains(from), "{from}");
    by_sol006("Definitions/web.json", &JSON.replace(from, to))
}

/// The whole check, as at onboarding.
fn checked(sources: &Sources) -> Result<Vnfd, Diagnostics> {
    check_vnf_package(&sources.archive("made.csar"), &Limits::default()).map(|(_, vnfd)| vnfd)
}

const CHECKSUM: &str =
    "\"checksum\": { \"algorithm\": \"sha-256\", \"hash\": \"@SHA256(Artifacts/Images/vnf.qcow2)@\" },";

#[test]
fn the_size_of_an_image_is_that_of_its_file() {
    let size = IMAGE.len() as u64;
    for told in ["\"size\": \"1\",", "\"size\": \"0\",", ""] {
        let vnfd = checked(&changed("\"size\": \"1\",", told)).unwrap_or_else(|e| panic!("{e}"));
        assert!(vnfd.warnings.is_empty(), "{}", vnfd.warnings);
        let image = vnfd.flavours[0].sw_image("web").unwrap();
        assert_eq!((image.size_bytes, image.artifact.as_deref()), (size, Some(IMAGE_PATH)));
    }
    let vnfd = checked(&changed("\"size\": \"1\",", "\"size\": \"3\",")).unwrap_or_else(|e| panic!("{e}"));
    let [told] = vnfd.warnings.iter().collect::<Vec<_>>()[..] else { panic!("{}", vnfd.warnings) };
    assert_eq!(
        (told.code.as_ref(), told.line, told.mend.as_deref()),
        ("SOL006-0011", line_of("\"size\": \"1\""), Some("write 1: sizes are in GB"))
    );
    assert!(told.excerpt.as_ref().unwrap().contains("\"size\""), "{told:?}");
}

#[test]
fn an_image_without_a_digest_is_told_and_accepted() {
    let vnfd = checked(&changed(CHECKSUM, "")).unwrap_or_else(|e| panic!("{e}"));
    let told: Vec<_> = vnfd.warnings.iter().map(|d| d.code.as_ref()).collect();
    assert_eq!(told, ["SOL006-0004"], "{}", vnfd.warnings);
    assert_eq!(vnfd.flavours[0].sw_image("web").unwrap().checksum.hash, "");
}

#[test]
fn the_digest_of_an_image_is_compared() {
    for algorithm in ["sha-256", "sha-512"] {
        let digits = if algorithm == "sha-256" { 64 } else { 128 };
        let wrong =
            format!("\"checksum\": {{ \"algorithm\": \"{algorithm}\", \"hash\": \"{}\" }},", "a".repeat(digits));
        let found = checked(&changed(CHECKSUM, &wrong)).unwrap_err();
        let [fault] = found.errors().collect::<Vec<_>>()[..] else { panic!("{found}") };
        assert_eq!((fault.code.as_ref(), fault.file.as_deref()), ("SOL006-0011", Some("Definitions/web.json")));
        assert!(
            fault.message.contains("image `web`") && fault.mend.as_ref().unwrap().contains("the file's digest is"),
            "{found}"
        );
    }
}

#[test]
fn an_image_is_found_from_the_root_and_beside_the_descriptor() {
    let vnfd = changed("\"image\": \"Artifacts", "\"image\": \"../Artifacts").vnfd();
    assert_eq!(vnfd.flavours[0].sw_image("web").unwrap().artifact.as_deref(), Some(IMAGE_PATH));
    let vnfd =
        changed("\"image\": \"Artifacts/Images/vnf.qcow2\"", "\"image\": \"https://images.example/vnf.qcow2\"").vnfd();
    assert_eq!(vnfd.flavours[0].sw_image("web").unwrap().artifact.as_deref(), Some("https://images.example/vnf.qcow2"));
}

#[test]
fn an_image_that_is_not_there_is_told_with_its_place() {
    let found =
        changed("\"image\": \"Artifacts/Images/vnf.qcow2\"", "\"image\": \"Artifacts/Images/other.qcow2\"").faults();
    let [fault] = found.errors().collect::<Vec<_>>()[..] else { panic!("{found}") };
    assert_eq!(
        (fault.code.as_ref(), fault.line, fault.column),
        ("SOL006-0012", line_of("\"image\":"), Some(22)),
        "{found}"
    );
    assert!(fault.message.contains("Artifacts/Images/other.qcow2"), "{found}");
    // A plain name is that of an image in the VIM.
    let vnfd = changed("\"image\": \"Artifacts/Images/vnf.qcow2\"", "\"image\": \"cirros\"").vnfd();
    assert_eq!(vnfd.flavours[0].sw_image("web").unwrap().artifact, None);
    assert!(vnfd.warnings.iter().any(|w| w.message.contains("the VIM must have the image `web`")), "{}", vnfd.warnings);
}

/// What the guest gets.
pub fn given_to_the_guest(boot: &BootData, params: &serde_json::Value) -> Result<String, Diagnostics> {
    let context =
        BootContext { configurable_properties: &json!({}), additional_params: params, vnfc: &BTreeMap::new() };
    boot.resolve(&context, None).map(|given| given.content.unwrap_or_default())
}

fn boot_data(sources: &Sources) -> BootData {
    sources.vnfd().flavours[0].vdus[0].boot_data.clone().unwrap()
}

#[test]
fn boot_data_as_text_and_as_a_file_of_the_package() {
    let text = JSON.lines().find(|l| l.contains("\"boot-data\"")).unwrap().trim();
    let script = "#!/bin/sh\necho ${HOME} {{ name }} ${vnfc_name}\n";
    for named in ["Files/boot.sh", "../Files/boot.sh", "file://Files/boot.sh"] {
        let sources = changed(text, &format!("\"boot-data\": \"{named}\""));
        sources.put("Files/boot.sh", script.as_bytes());
        // Nothing in it is filled in: the module does not say how variable parts are written.
        assert_eq!(given_to_the_guest(&boot_data(&sources), &json!({})).unwrap(), script, "{named}");
    }
    let plain = changed(text, "\"boot-data\": \"#cloud-config\"");
    assert_eq!(given_to_the_guest(&boot_data(&plain), &json!({})).unwrap(), "#cloud-config");
    let found = changed(text, "\"boot-data\": \"file://Files/gone.sh\"").faults();
    assert!(found.errors().any(|d| d.code == "SOL006-0012" && d.line == line_of("\"boot-data\"")), "{found}");
    let sources = changed(text, "\"boot-data\": \"Files/boot.sh\"");
    sources.put("Files/boot.sh", &vec![b'x'; (1 << 20) + 1]);
    assert!(sources.faults().errors().any(|d| d.code == "ARCHIVE-0005" && d.message.contains("Files/boot.sh")));
    sources.put("Files/boot.sh", b"\xff\xfe");
    assert!(sources.faults().errors().any(|d| d.message.contains("is not UTF-8 text")));
}

#[test]
fn scripts_of_the_lifecycle_are_files_of_the_package() {
    let script = "\"lifecycle-management-script\": [{\"id\": \"s\", \"event\": [\"start-instantiation\"], \"script\": \"Scripts/x.sh\"}],\n        \"df\": [";
    let sources = changed("\"df\": [", script);
    sources.put("Scripts/x.sh", b"#!/bin/sh\n");
    let vnfd = sources.vnfd();
    assert_eq!(vnfd.flavours[0].artifacts[0].file, "Scripts/x.sh");
    assert_eq!(vnfd.flavours[0].interfaces[0].operations[0].file.as_deref(), Some("Scripts/x.sh"));
    let found = changed("\"df\": [", script).faults();
    let [fault] = found.errors().collect::<Vec<_>>()[..] else { panic!("{found}") };
    assert!(fault.code == "SOL006-0012" && fault.message.contains("the script `Scripts/x.sh`"), "{found}");
}

#[test]
fn a_package_is_built_with_digests_filled_into_the_descriptor() {
    let sources = by_sol006("Definitions/web.json", JSON);
    // Data of the VNF's own stays as it is.
    sources.put("Files/data.json", b"{\"a\": \"@SHA256(nothing)@\"}");
    let package = sources.package();
    let text = String::from_utf8(package.read("Definitions/web.json").unwrap()).unwrap();
    let (digest, _) = descriptors::archive::digest(descriptors::archive::HashAlgorithm::Sha256, IMAGE).unwrap();
    assert!(text.contains(&digest) && !text.contains("@SHA256"), "{text}");
    assert_eq!(package.read("Files/data.json").unwrap(), b"{\"a\": \"@SHA256(nothing)@\"}");
    assert!(package.verify().is_empty());
}
