//! A VDU written as an OVA is read back to the same model, and its disks hold the same.

use std::io::Read;
use std::path::Path;

use descriptors::archive::{Limits, pack_dir};
use descriptors::diag::Sink;
use descriptors::ovf::{
    Appliance, Disk, DiskFormat, Drive, DriveSource, Envelope, Exported, FileReference, Network, Nic, OvfError,
    Product, QemuImg, System, export, ovf_text, read_envelope,
};

use crate::made::{MARK, Place, STREAM, VMDK, content, descriptor, disk, qemu_img, read, told};

fn exported(place: &Place, package: &str, vdu: &str, out: &str) -> Result<Exported, OvfError> {
    export(&place.path(package), vdu, &place.path(out), &Limits::default(), &QemuImg::default())
}

fn opened(path: &Path) -> (Appliance, Envelope) {
    let mut sink = Sink::new();
    let appliance = Appliance::open(path, &Limits::default(), &mut sink).unwrap().unwrap();
    let envelope = read_envelope(appliance.descriptor(), appliance.text(), &mut sink).unwrap();
    let files: Vec<&str> = envelope.files.iter().map(|f| f.href.as_str()).collect();
    appliance.verify(&files, &mut sink).unwrap();
    let found = sink.finish();
    // What we write ourselves leaves nothing out and needs no assumption.
    assert!(found.is_empty(), "{found}");
    (appliance, envelope)
}

#[test]
fn descriptors_are_written_as_they_are_read() {
    let (envelope, _) = read(&descriptor("disk1.vmdk", VMDK));
    let envelope = envelope.unwrap();
    let (again, _) = read(&ovf_text(&envelope));
    assert_eq!(again.unwrap(), envelope);
}

#[test]
fn collections_and_odd_texts_are_written_as_they_are_read() {
    let odd = "a <b> & \"c\" 'd' ]]> \u{fc}";
    let system = |id: &str| System {
        id: id.to_owned(),
        name: Some(odd.to_owned()),
        annotation: Some(odd.to_owned()),
        operating_system: Some("Other".to_owned()),
        product: Product { name: Some(odd.to_owned()), ..Product::default() },
        eulas: vec![format!("{odd}\n  second line")],
        cpus: 3,
        memory_bytes: 1_000_001,
        drives: vec![Drive { name: odd.to_owned(), source: DriveSource::Disk("d".to_owned()) }],
        nics: vec![Nic { name: odd.to_owned(), network: odd.to_owned(), model: Some("E1000".to_owned()) }],
    };
    let envelope = Envelope {
        version: 1,
        name: Some("all".to_owned()),
        product: Product { vendor: Some(odd.to_owned()), ..Product::default() },
        eulas: vec![odd.to_owned()],
        files: vec![FileReference { id: "f".to_owned(), href: "a & b.vmdk".to_owned(), size_bytes: Some(7) }],
        disks: vec![Disk {
            id: "d".to_owned(),
            capacity_bytes: 12345,
            file: Some("f".to_owned()),
            format: Some(DiskFormat::Vmdk),
        }],
        networks: vec![Network { name: odd.to_owned(), description: Some(odd.to_owned()) }],
        systems: vec![system("one"), system("two")],
    };
    let (again, _) = read(&ovf_text(&envelope));
    assert_eq!(again.unwrap(), envelope);
}

#[test]
fn an_imported_package_and_back() {
    if !qemu_img() {
        return;
    }
    let place = Place::new();
    disk(&place.path("disk1.vmdk"), STREAM);
    let ovf = place.write("a.ovf", descriptor("disk1.vmdk", VMDK));
    let first = place.import(&ovf, "first.csar").unwrap_or_else(|e| panic!("{e}"));
    let out = exported(&place, "first.csar", "router", "router.ova").unwrap_or_else(|e| panic!("{e}"));
    let (appliance, envelope) = opened(&place.path("router.ova"));
    assert_eq!(envelope, out.envelope);
    assert_eq!(appliance.descriptor(), "router.ovf");
    let system = &envelope.systems[0];
    assert_eq!((system.cpus, system.memory_bytes, system.drives.len(), system.nics.len()), (2, 256 << 20, 2, 2));
    assert_eq!(envelope.disks.iter().map(|d| d.capacity_bytes).collect::<Vec<_>>(), [4 << 20, 1 << 30]);

    let mut vmdk = Vec::new();
    appliance.reader(&envelope.files[0].href).unwrap().read_to_end(&mut vmdk).unwrap();
    assert_eq!(Some(vmdk.len() as u64), envelope.files[0].size_bytes);
    let bytes = content(&place.write("again.vmdk", vmdk), "vmdk");
    // The VDU's disk is larger than its image: the rest is free.
    assert_eq!(bytes.len(), 4 << 20);
    assert!(bytes[512..1024].iter().all(|b| *b == MARK) && bytes[1024..].iter().all(|b| *b == 0));

    let second = place.import(&place.path("router.ova"), "second.csar").unwrap_or_else(|e| panic!("{e}"));
    let (one, two) = (&first.vnfd.flavours[0], &second.vnfd.flavours[0]);
    let (a, b) = (one.vdu("router").unwrap(), two.vdu("router").unwrap());
    assert_eq!((&a.cpu, &a.memory, &a.local_storages), (&b.cpu, &b.memory, &b.local_storages));
    assert_eq!((&a.display_name, &a.description), (&b.display_name, &b.description));
    let storages = |f: &descriptors::vnfd::Flavour| f.storages.iter().map(|s| s.size_bytes).collect::<Vec<_>>();
    assert_eq!(storages(one), storages(two));
    let ports = |f: &descriptors::vnfd::Flavour| {
        f.cps_of("router").map(|c| (c.name.clone(), c.external.len(), c.order)).collect::<Vec<_>>()
    };
    assert_eq!(ports(one), ports(two));
    assert_eq!(first.vnfd.product_name, second.vnfd.product_name);
    assert_eq!(first.vnfd.provider, second.vnfd.provider);
    // From here on nothing changes any more.
    let again = exported(&place, "second.csar", "router", "again.ova").unwrap_or_else(|e| panic!("{e}"));
    let without = |e: &Envelope| Envelope {
        files: Vec::new(),
        networks: Vec::new(),
        systems: e.systems.iter().map(|s| System { drives: Vec::new(), ..s.clone() }).collect(),
        ..e.clone()
    };
    assert_eq!(without(&again.envelope), without(&out.envelope));
}

#[test]
fn a_vdu_of_a_sample_and_what_has_no_place() {
    if !qemu_img() {
        return;
    }
    let place = Place::new();
    disk(&place.path("vnf.qcow2"), &["-O", "qcow2"]);
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/web");
    let image = place.path("vnf.qcow2");
    let file = std::fs::File::create(place.path("web.csar")).unwrap();
    pack_dir(&sources, &[("Artifacts/Images/vnf.qcow2", &image)], file).unwrap_or_else(|e| panic!("{e}"));
    let out = exported(&place, "web.csar", "web", "web.ova").unwrap_or_else(|e| panic!("{e}"));
    let (_, envelope) = opened(&place.path("web.ova"));
    assert_eq!(envelope, out.envelope);
    assert_eq!(envelope.disks[0].capacity_bytes, 128 << 20);
    let networks: Vec<_> = envelope.systems[0].nics.iter().map(|n| n.network.as_str()).collect();
    assert_eq!(networks, ["data", "management"]);
    for words in ["boot data", "scaling", "how the ports get their addresses"] {
        assert_eq!(told(&out.found, words).code, "OVF-0016");
    }
    // The same content gives the same bytes.
    exported(&place, "web.csar", "web", "same.ova").unwrap_or_else(|e| panic!("{e}"));
    let names = |path: &str| {
        let mut tar = tar::Archive::new(std::fs::File::open(place.path(path)).unwrap());
        let entries = tar.entries().unwrap();
        entries.map(|e| e.unwrap().path().unwrap().display().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names("web.ova"), ["web.ovf", "web.mf", "web-disk1.vmdk"]);
    assert_eq!(names("same.ova"), names("web.ova"));
}

#[test]
fn what_cannot_be_exported_is_told() {
    let place = Place::new();
    place.write("vnf.qcow2", b"QFI\xfb\0\0\0\x03\0\0\0\0\0\0\0\x01 names a backing file");
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/web");
    let image = place.path("vnf.qcow2");
    let file = std::fs::File::create(place.path("web.csar")).unwrap();
    pack_dir(&sources, &[("Artifacts/Images/vnf.qcow2", &image)], file).unwrap_or_else(|e| panic!("{e}"));
    let refused = exported(&place, "web.csar", "wob", "web.ova").expect_err("no such VDU").to_string();
    assert!(refused.contains("no VDU `wob`") && refused.contains("it has web"), "{refused}");
    let refused = exported(&place, "web.csar", "web", "web.ova").expect_err("an overlay").to_string();
    assert!(refused.contains("names a backing file"), "{refused}");
    assert!(!place.path("web.ova").exists());
}
