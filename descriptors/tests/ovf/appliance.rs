//! Whole appliances become VNF packages: one VDU for each virtual system, with its disks, ports and links.

use descriptors::archive::Limits;
use descriptors::check_vnf_package;
use descriptors::diag::{Severity, Sink};
use descriptors::ovf::{Appliance, ImportOptions, QemuImg, import};
use openssl::hash::{MessageDigest, hash};

use crate::made::{Place, STREAM, VMDK, content, descriptor, disk, error, qemu_img, tar, told};

fn digest(algorithm: &str, bytes: &[u8]) -> String {
    let algorithm = if algorithm == "SHA1" { MessageDigest::sha1() } else { MessageDigest::sha256() };
    hex::encode(hash(algorithm, bytes).unwrap())
}

fn manifest(algorithm: &str, files: &[(&str, &[u8])]) -> String {
    files.iter().map(|(name, bytes)| format!("{algorithm}({name})= {}\n", digest(algorithm, bytes))).collect()
}

#[test]
fn one_system() {
    if !qemu_img() {
        return;
    }
    let place = Place::new();
    disk(&place.path("disk1.vmdk"), STREAM);
    let vmdk = std::fs::read(place.path("disk1.vmdk")).unwrap();
    let ovf = descriptor("disk1.vmdk", VMDK);
    let listed = manifest("SHA256", &[("router.ovf", ovf.as_bytes()), ("disk1.vmdk", &vmdk)]);
    let files = [("router.ovf", ovf.as_bytes()), ("router.mf", listed.as_bytes()), ("disk1.vmdk", &vmdk[..])];
    let ova = place.write("router.ova", tar(&files));
    let imported = place.import(&ova, "router.csar").unwrap_or_else(|e| panic!("{e}"));

    let (package, vnfd) =
        check_vnf_package(&place.path("router.csar"), &Limits::default()).unwrap_or_else(|e| panic!("{e}"));
    assert!(vnfd.warnings.is_empty(), "{}", vnfd.warnings);
    assert_eq!(vnfd, imported.vnfd);
    assert_eq!((vnfd.product_name.as_str(), vnfd.provider.as_str()), ("Edge Router", "Example Networks"));
    assert_eq!(vnfd.software_version, "7.2.1");
    assert_eq!(package.manifest().unwrap().metadata["vnf_release_date_time"], "2023-11-14T22:13:20Z");
    assert_eq!(package.read("Licenses/EULA-1.txt").unwrap(), b"Use it well.\n");

    let flavour = &vnfd.flavours[0];
    let vdu = flavour.vdu("router").unwrap();
    assert_eq!((vdu.cpu.count, vdu.memory.size_bytes), (2, 256 << 20));
    assert_eq!(vdu.display_name, "Edge & core router");
    assert_eq!(vdu.description, "Routes \"everything\": IPv4, and more");
    // The described capacity is larger than the disk in the file.
    assert_eq!(vdu.local_storages[0].size_bytes, 4 << 20);
    let image = flavour.sw_image(vdu.sw_image.as_deref().unwrap()).unwrap();
    assert_eq!((image.min_disk_bytes, image.version.as_str()), (3 << 20, "7.2.1"));
    assert_eq!(image.operating_system.as_deref(), Some("Debian 12 (64-bit)"));
    assert_eq!(vdu.storages.len(), 1);
    assert_eq!(flavour.storage(&vdu.storages[0]).unwrap().size_bytes, 1 << 30);
    let ports: Vec<_> =
        flavour.cps_of("router").map(|c| (c.name.as_str(), c.external.len(), c.virtual_link.is_some())).collect();
    assert_eq!(ports, [("vm_network", 1, false), ("management", 1, false)]);
    assert_eq!(flavour.vdu_cps[0].description.as_deref(), Some("Network adapter 1 on VM Network: The way in"));
    assert!(flavour.virtual_links.is_empty());
    told(&imported.found, "the fixed MAC address");
}

/// The descriptor with a second system, which shares the network Management.
fn two() -> String {
    let text = descriptor("disk1.vmdk", VMDK);
    let from = text.find("  <VirtualSystem ovf:id").unwrap();
    let to = text.find("</VirtualSystem>").unwrap() + "</VirtualSystem>".len();
    let first = text[from..to].to_owned();
    let second = first
        .replace("ovf:id=\"router\"", "ovf:id=\"controller\"")
        .replace("Edge &amp; core router", "Controller")
        .replace("<rasd:Connection>VM Network<", "<rasd:Connection>Control<")
        .replace(">256<", ">512<");
    let text = text.replace(
        "<Network ovf:name=\"Management\"/>",
        "<Network ovf:name=\"Management\"/><Network ovf:name=\"Control\"/>",
    );
    let both = format!(
        "<VirtualSystemCollection ovf:id=\"suite\"><Info/><Name>Router suite</Name><StartupSection/>{first}{second}\
         </VirtualSystemCollection>"
    );
    let at = text.find("  <VirtualSystem ovf:id").unwrap();
    format!("{}{both}\n</Envelope>\n", &text[..at])
}

#[test]
fn two_systems_and_the_network_between_them() {
    if !qemu_img() {
        return;
    }
    let place = Place::new();
    disk(&place.path("disk1.vmdk"), STREAM);
    place.write("suite.ovf", two());
    // A directory with exactly one descriptor is an appliance too.
    let dir = place.0.path().to_path_buf();
    let out = tempfile::tempdir().unwrap();
    let options = ImportOptions { provider: Some("ACME".to_owned()), ..ImportOptions::default() };
    let imported =
        import(&dir, &out.path().join("suite"), &options, &QemuImg::default()).unwrap_or_else(|e| panic!("{e}"));
    let vnfd = &imported.vnfd;
    assert_eq!((vnfd.product_name.as_str(), vnfd.provider.as_str()), ("Router suite", "ACME"));
    let flavour = &vnfd.flavours[0];
    let sizes: Vec<_> = flavour.vdus.iter().map(|v| (v.name.as_str(), v.memory.size_bytes >> 20)).collect();
    assert_eq!(sizes, [("router", 256), ("controller", 512)]);
    assert_eq!(flavour.sw_images.len(), 2);
    let links: Vec<_> = flavour.virtual_links.iter().map(|l| l.name.as_str()).collect();
    assert_eq!(links, ["management"]);
    let mut ports: Vec<_> = flavour
        .vdu_cps
        .iter()
        .map(|c| (c.vdu.as_str(), c.name.as_str(), c.virtual_link.as_deref(), c.external.len()))
        .collect();
    ports.sort_unstable();
    assert_eq!(
        ports,
        [
            ("controller", "controller_control", None, 1),
            ("controller", "controller_management", Some("management"), 0),
            ("router", "router_management", Some("management"), 0),
            ("router", "router_vm_network", None, 1),
        ]
    );
    assert_eq!(told(&imported.found, "joins several systems").line, Some(18));
    told(&imported.found, "the order in which systems start");
    let image = flavour.sw_image("controller").unwrap().artifact.clone().unwrap();
    assert_eq!(content(&out.path().join("suite").join(image), "qcow2").len(), 3 << 20);
}

#[test]
fn digests_of_the_manifest() {
    let place = Place::new();
    let ovf = descriptor("d.img", "raw");
    for algorithm in ["SHA1", "SHA256"] {
        let good = manifest(algorithm, &[("a.ovf", ovf.as_bytes()), ("d.img", b"disk")]);
        let files = |listed: &str, content: &[u8]| {
            tar(&[("a.ovf", ovf.as_bytes()), ("a.mf", listed.as_bytes()), ("a.cert", b"signed"), ("d.img", content)])
        };
        let verified = |bytes: Vec<u8>| {
            let ova = place.write("a.ova", bytes);
            let mut sink = Sink::new();
            let appliance = Appliance::open(&ova, &Limits::default(), &mut sink).unwrap().unwrap();
            appliance.verify(&["d.img"], &mut sink).unwrap();
            sink.finish()
        };
        let found = verified(files(&good, b"disk"));
        assert_eq!(found.len(), 1, "{found}");
        assert_eq!(told(&found, "`a.cert` is not judged").severity, Severity::Note);
        let found = verified(files(&good, b"dusk"));
        error(
            &found,
            &format!("`d.img` has the {algorithm} digest {}", digest(algorithm, b"dusk")),
            "OVF-0009",
            Some(2),
        );
        let spaced = good
            .replace('(', " (")
            .replace(")=", ") =")
            .to_uppercase()
            .replace("A.OVF", "a.ovf")
            .replace("D.IMG", "d.img");
        assert!(!verified(files(&spaced, b"disk")).has_errors());
    }
}

#[test]
fn a_bad_digest_refuses_the_appliance() {
    let place = Place::new();
    let ovf = descriptor("d.img", "raw");
    let listed = format!("{}MD5(a.ovf)= 00\nSHA256(gone.img)= 00\nhello\n", manifest("SHA256", &[("d.img", b"disk")]));
    let ova = place.write("a.ova", tar(&[("a.ovf", ovf.as_bytes()), ("a.mf", listed.as_bytes()), ("d.img", b"other")]));
    let found = place.refused(&ova);
    error(&found, "`d.img` has the SHA256 digest", "OVF-0009", Some(1));
    error(&found, "the algorithm `MD5` is not known", "OVF-0008", Some(2));
    error(&found, "`gone.img` is not there", "OVF-0007", Some(3));
    error(&found, "`hello` is no line of a manifest", "OVF-0008", Some(4));
    assert_eq!(told(&found, "does not list `a.ovf`").severity, Severity::Warning);
}

#[test]
fn the_order_of_an_archive_and_files_that_are_missing() {
    let place = Place::new();
    let ovf = descriptor("d.img", "raw").replace("ovf:href", "ovf:size=\"77\" ovf:href");
    let mut sink = Sink::new();
    let ova = place.write("a.ova", tar(&[("d.img", b"disk"), ("a.ovf", ovf.as_bytes())]));
    let appliance = Appliance::open(&ova, &Limits::default(), &mut sink).unwrap().unwrap();
    assert_eq!((appliance.descriptor(), appliance.size("d.img")), ("a.ovf", Some(4)));
    let found = sink.finish();
    assert_eq!((told(&found, "not the first file").code.as_ref(), found.has_errors()), ("OVF-0002", false));
    let ova = place.write("a.ova", tar(&[("a.ovf", ovf.as_bytes())]));
    error(&place.refused(&ova), "the file `d.img` is not in the appliance", "OVF-0007", None);
    let whole = descriptor("d.img", "raw").replace("ovf:href", "ovf:compression=\"gzip\" ovf:href");
    let ova = place.write("a.ova", tar(&[("a.ovf", whole.as_bytes()), ("d.img", b"disk")]));
    error(&place.refused(&ova), "compressed as a whole", "OVF-0007", Some(8));
}

#[test]
fn names_that_mean_something_in_yaml() {
    if !qemu_img() {
        return;
    }
    let place = Place::new();
    std::fs::write(place.path("d.img"), vec![0; 1 << 20]).unwrap();
    let odd = "{ a: [b, #c] } &quot;x&quot; 'y' \\z %20 @SIZE(x)";
    let ovf = descriptor("d.img", "raw")
        .replace("Edge &amp; core router", odd)
        .replace("Edge Router", "12: - {Gr\u{fc}n}")
        .replace("VM Network", "null")
        .replace("ovf:id=\"router\"", "ovf:id=\"vnf\"");
    let ovf = place.write("a.ovf", ovf);
    let imported = place.import(&ovf, "package.csar").unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(imported.vnfd.product_name, "12: - {Gr\u{fc}n}");
    let vdu = &imported.vnfd.flavours[0].vdus[0];
    assert_eq!(vdu.display_name, "{ a: [b, #c] } \"x\" 'y' \\z %20 @SIZE(x)");
    // The node of the VNF itself keeps its name.
    assert_eq!(vdu.name, "vnf_2");
    assert_eq!(imported.vnfd.flavours[0].cps_of("vnf_2").count(), 2);
}

#[test]
fn the_same_appliance_gives_the_same_descriptor_and_nothing_is_overwritten() {
    if !qemu_img() {
        return;
    }
    let place = Place::new();
    std::fs::write(place.path("d.img"), vec![0; 1 << 20]).unwrap();
    let ovf = place.write("a.ovf", descriptor("d.img", "raw"));
    let first = place.import(&ovf, "one").unwrap_or_else(|e| panic!("{e}")).vnfd;
    let second = place.import(&ovf, "two").unwrap_or_else(|e| panic!("{e}")).vnfd;
    assert_eq!(first, second);
    assert_eq!(first.descriptor_id.len(), 36);
    place.write("a.ovf", descriptor("d.img", "raw").replace("7.2.1", "7.2.2"));
    assert_ne!(place.import(&ovf, "three").unwrap_or_else(|e| panic!("{e}")).vnfd.descriptor_id, first.descriptor_id);
    let error = place.import(&ovf, "one").expect_err("must not overwrite").to_string();
    assert!(error.contains("exists"), "{error}");
}
