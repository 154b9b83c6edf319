//! Packages of Open Source MANO: a directory or a zip of it, with cloud-init files, images and checksums.

use descriptors::archive::{Limits, Package};
use descriptors::diag::Diagnostics;
use descriptors::vnfd::{Vnfd, read_vnfd};
use descriptors::{check, check_vnf_package};
use serde_json::json;

use crate::common::{IMAGE, zip_of};
use crate::files::given_to_the_guest;
use crate::sources::{OSM, SCRIPT, Sources, by_osm};

fn read(sources: &Sources) -> Result<Vnfd, Diagnostics> {
    read_vnfd(&sources.directory())
}

/// The whole check of the directory.
fn checked(sources: &Sources) -> Diagnostics {
    check::vnf(Package::inspect_dirs(&[sources.dir()], &Limits::default()), None).found
}

#[test]
fn a_zip_of_the_directory_is_read_alike() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("web.zip");
    std::fs::write(
        &path,
        zip_of(&[
            (
                "web_vnfd.yaml",
                &OSM.replace("@SHA256(images/vnf.qcow2)@", &"0".repeat(64)).replace("image: vnf.qcow2", "image: vnf"),
            ),
            ("cloud_init/web.sh", SCRIPT),
            ("checksums.txt", ""),
        ]),
    )
    .unwrap();
    let (package, vnfd) = check_vnf_package(&path, &Limits::default()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(package.entry_definitions(), "web_vnfd.yaml");
    let boot = vnfd.flavours[0].vdus[0].boot_data.as_ref().unwrap();
    assert_eq!(given_to_the_guest(boot, &json!({})).unwrap(), SCRIPT);
}

#[test]
fn an_image_is_a_file_of_the_package_or_one_of_the_vim() {
    let vnfd = read(&by_osm(SCRIPT)).unwrap_or_else(|e| panic!("{e}"));
    let image = vnfd.flavours[0].sw_image("web").unwrap();
    assert_eq!((image.artifact.as_deref(), image.size_bytes), (Some("images/vnf.qcow2"), IMAGE.len() as u64));
    // Whatever its name ends in, a file that is not there is an image of the VIM.
    let sources = by_osm(SCRIPT);
    sources.put("web_vnfd.yaml", OSM.replace("image: vnf.qcow2", "image: ubuntu-22.04.img").as_bytes());
    let vnfd = read(&sources).unwrap_or_else(|e| panic!("{e}"));
    let image = vnfd.flavours[0].sw_image("web").unwrap();
    assert_eq!((image.artifact.as_deref(), image.name.as_str()), (None, "ubuntu-22.04.img"));
    assert!(vnfd.warnings.iter().any(|w| w.code == "SOL006-0025" && w.message.contains("the VIM must have it")));
}

#[test]
fn a_changed_image_is_noticed_by_the_digest_of_the_descriptor() {
    let sources = by_osm(SCRIPT);
    sources.put("images/vnf.qcow2", b"another image");
    let found = checked(&sources);
    assert!(found.errors().any(|d| d.code == "SOL006-0011" && d.message.contains("images/vnf.qcow2")), "{found}");
}

#[test]
fn parameters_of_cloud_init_files_come_from_the_request() {
    let vnfd = read(&by_osm("#cloud-config\npassword: {{ password }}\nrun: echo ${HOME} {{ net.ip }}\n")).unwrap();
    let boot = vnfd.flavours[0].vdus[0].boot_data.clone().unwrap();
    let params = json!({"password": "secret", "net": {"ip": "10.0.0.1"}});
    assert_eq!(
        given_to_the_guest(&boot, &params).unwrap(),
        "#cloud-config\npassword: secret\nrun: echo ${HOME} 10.0.0.1\n"
    );
    let missing = given_to_the_guest(&boot, &json!({"net": {"ip": "10.0.0.1"}})).unwrap_err();
    assert!(missing.to_string().contains("password"), "{missing}");
}

#[test]
fn a_cloud_init_file_that_is_not_there_is_told_with_its_place() {
    let sources = by_osm(SCRIPT);
    std::fs::remove_file(sources.dir().join("cloud_init/web.sh")).unwrap();
    let found = read(&sources).unwrap_err();
    let [fault] = found.errors().collect::<Vec<_>>()[..] else { panic!("{found}") };
    assert_eq!((fault.code.as_ref(), fault.line), ("SOL006-0012", Some(13)), "{found}");
    assert!(fault.message.contains("`cloud_init/web.sh`"), "{found}");
}

#[test]
fn cloud_init_files_and_images_of_its_form_of_sol004() {
    let sources = Sources::of(
        &[
            ("web_vnfd.yaml", &OSM.replace("@SHA256(images/vnf.qcow2)@", "@SHA256(Files/images/vnf.qcow2)@")),
            ("web_vnfd.mf", crate::sources::MANIFEST),
            ("Scripts/cloud_init/web.sh", SCRIPT),
        ],
        "Files/images/vnf.qcow2",
    );
    let vnfd = sources.vnfd();
    assert_eq!(vnfd.flavours[0].sw_image("web").unwrap().artifact.as_deref(), Some("Files/images/vnf.qcow2"));
    assert_eq!(given_to_the_guest(vnfd.flavours[0].vdus[0].boot_data.as_ref().unwrap(), &json!({})).unwrap(), SCRIPT);
}

#[test]
fn checksums_are_compared_where_there_is_no_manifest() {
    let sources = by_osm(SCRIPT);
    let md5 = |bytes: &[u8]| hex::encode(openssl::hash::hash(openssl::hash::MessageDigest::md5(), bytes).unwrap());
    let right = format!("{}  ./cloud_init/web.sh\n{}\tweb_vnf/images/vnf.qcow2\n", md5(SCRIPT.as_bytes()), md5(IMAGE));
    sources.put("checksums.txt", right.as_bytes());
    let of_list = |found: &Diagnostics| -> Vec<(Option<u32>, String)> {
        found.iter().filter(|d| d.code == "ARCHIVE-0047").map(|d| (d.line, d.message.clone())).collect()
    };
    let found = checked(&sources);
    assert!(of_list(&found).is_empty(), "{found}");
    assert!(found.iter().any(|d| d.message.contains("its files are checked against `checksums.txt`")), "{found}");

    sources.put("checksums.txt", format!("{right}{}  README.md\n", "0".repeat(32)).as_bytes());
    sources.put("cloud_init/web.sh", b"#!/bin/sh\n");
    let found = checked(&sources);
    let told = of_list(&found);
    assert_eq!(told.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [Some(1), Some(3)], "{found}");
    assert!(told[0].1.contains(&md5(b"#!/bin/sh\n")) && told[1].1.contains("`README.md` is listed"), "{found}");
    assert!(!found.has_errors(), "its own tools do not compare either: {found}");

    // A manifest says more.
    sources.put("web_vnfd.mf", crate::sources::MANIFEST.as_bytes());
    assert!(of_list(&checked(&sources)).is_empty());
}

#[test]
fn a_package_packed_by_its_tools_is_refused_with_what_helps() {
    let found = Package::from_bytes(b"\x1f\x8b\x08\x00rest".to_vec(), &Limits::default()).unwrap_err();
    let [fault] = found.errors().collect::<Vec<_>>()[..] else { panic!("{found}") };
    assert!(fault.message.contains("gzip") && fault.mend.as_ref().unwrap().contains("unpack it"), "{found}");
}

#[test]
fn a_file_of_the_old_information_model_is_told_as_such() {
    let package = crate::common::package_of(&[("a_vnfd.yaml", "vnfd:vnfd-catalog:\n  vnfd:\n  - id: a\n")]);
    let found = read_vnfd(&package).unwrap_err();
    assert!(found.errors().any(|d| d.code == "SOL006-0029"), "{found}");
}

#[test]
fn its_directory_is_built_into_a_package_once_it_has_a_manifest() {
    let sources = by_osm(SCRIPT);
    let refused = descriptors::archive::pack_dir(sources.dir(), &[], std::io::Cursor::new(Vec::new())).unwrap_err();
    assert!(refused.to_string().contains("`web_vnfd.mf`"), "{refused}");
    sources.put("web_vnfd.mf", crate::sources::MANIFEST.as_bytes());
    let package = sources.package();
    assert!(package.verify().is_empty());
    assert_eq!(package.manifest().unwrap().files.len(), 4, "descriptor, script, charm and image");
}
