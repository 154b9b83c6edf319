//! Disks of every format become qcow2, and disks that lead to other files are refused before any program opens them.

use std::process::Command;

use crate::made::{MARK, Place, STREAM, VHD, VMDK, content, descriptor, disk, qemu_img, small, told};
use descriptors::archive::{Limits, PackageKind, pack_dir};
use descriptors::check_vnf_package;
use descriptors::lint::{LintOptions, Mode, Verdict, lint};
use descriptors::signature::{Trust, Unsigned};

/// Imports an appliance whose disk is made with these arguments, and looks for the mark in what comes out.
fn converted(name: &str, arguments: &[&str], format: &str) {
    let place = Place::new();
    disk(&place.path(name), arguments);
    let ovf = place.write("a.ovf", descriptor(name, format));
    let imported = place.import(&ovf, "package").unwrap_or_else(|e| panic!("{e}"));
    let image = imported.vnfd.sw_images()[0].clone();
    assert_eq!(image.disk_format, "qcow2");
    let path = place.path("package").join(image.artifact.as_deref().unwrap());
    assert!(std::fs::read(&path).unwrap().starts_with(b"QFI\xfb"));
    assert_eq!(std::fs::metadata(&path).unwrap().len(), image.size_bytes);
    let bytes = content(&path, "qcow2");
    assert!(bytes[..512].iter().all(|b| *b == 0) && bytes[512..1024].iter().all(|b| *b == MARK));
    // Some formats round the size up to their geometry.
    assert!(image.min_disk_bytes >= 3 << 20 && image.min_disk_bytes == bytes.len() as u64);
}

#[test]
fn vmdk_stream_optimized() {
    if qemu_img() {
        converted("d.vmdk", STREAM, VMDK);
    }
}

#[test]
fn vmdk_sparse() {
    if qemu_img() {
        converted("d.vmdk", &["-O", "vmdk"], "http://www.vmware.com/specifications/vmdk.html#sparse");
    }
}

#[test]
fn vhd() {
    if qemu_img() {
        converted("d.vhd", &["-O", "vpc"], VHD);
        converted("d.vhd", &["-O", "vpc", "-o", "subformat=fixed"], "http://go.microsoft.com/fwlink/?LinkId=137171");
    }
}

#[test]
fn vhdx() {
    if qemu_img() {
        converted("d.vhdx", &["-O", "vhdx"], "");
    }
}

#[test]
fn qcow2_raw_and_vdi() {
    if qemu_img() {
        converted("d.qcow2", &["-O", "qcow2"], "http://www.gnome.org/~markmc/qcow-image-format.html");
        converted("d.img", &["-O", "raw"], "");
        converted("d.vdi", &["-O", "vdi"], "");
    }
}

#[test]
fn a_vmdk_that_names_another_file() {
    let place = Place::new();
    place.write("secret", vec![b's'; 4096]);
    let text = format!(
        "# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType=\"monolithicFlat\"\nRW 8 FLAT \"{}\" 0\n",
        place.path("secret").display()
    );
    place.write("d.vmdk", text);
    let ovf = place.write("a.ovf", descriptor("d.vmdk", VMDK));
    told(&place.refused(&ovf), "names other files as its content");
}

#[test]
fn overlays_and_data_files() {
    if !qemu_img() {
        return;
    }
    let place = Place::new();
    place.write("base.img", vec![b's'; 1 << 20]);
    let make = |arguments: &[&str]| {
        let made = Command::new("qemu-img").current_dir(place.0.path()).args(arguments).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    };
    make(&["create", "-f", "qcow2", "-F", "raw", "-b", "base.img", "overlay.qcow2"]);
    make(&["create", "-f", "qcow2", "-o", "data_file=data.img,data_file_raw=on", "apart.qcow2", "1M"]);
    make(&["convert", "-f", "raw", "-O", "vmdk", "base.img", "base.vmdk"]);
    make(&["create", "-f", "vmdk", "-F", "vmdk", "-b", "base.vmdk", "child.vmdk"]);
    for (name, why) in [
        ("overlay.qcow2", "names a backing file"),
        ("apart.qcow2", "in another file"),
        ("child.vmdk", "only its difference"),
    ] {
        let ovf = place.write("a.ovf", descriptor(name, ""));
        told(&place.refused(&ovf), why);
    }
}

#[test]
fn declared_formats_are_believed_never_probed() {
    if !qemu_img() {
        return;
    }
    let place = Place::new();
    disk(&place.path("d.vmdk"), &["-O", "qcow2"]);
    let ovf = place.write("a.ovf", descriptor("d.vmdk", VMDK));
    told(&place.refused(&ovf), "not VMDK in a single file, as declared");
    // A raw disk whose content looks like an overlay stays what it is: bytes.
    let mut bytes = vec![0_u8; 1 << 20];
    bytes[..4].copy_from_slice(b"QFI\xfb");
    bytes[8..16].fill(0xff);
    place.write("d.img", &bytes);
    let ovf = place.write("a.ovf", descriptor("d.img", "raw"));
    let imported = place.import(&ovf, "package").unwrap_or_else(|e| panic!("{e}"));
    let path = place.path("package").join(imported.vnfd.sw_images()[0].artifact.as_deref().unwrap());
    assert!(content(&path, "qcow2") == bytes);
}

#[test]
fn a_disk_that_grows_beyond_the_limit() {
    if !qemu_img() {
        return;
    }
    let place = Place::new();
    // 64 MiB of one byte pack into less than 1 MiB.
    place.write("full.img", vec![MARK; 64 << 20]);
    let made = Command::new("qemu-img")
        .current_dir(place.0.path())
        .args(["convert", "-f", "raw"])
        .args(STREAM)
        .args(["full.img", "d.vmdk"])
        .output()
        .unwrap();
    assert!(made.status.success());
    let ovf = place.write("a.ovf", descriptor("d.vmdk", VMDK));
    let options = small();
    let result = descriptors::ovf::import(&ovf, &place.path("out"), &options, &descriptors::ovf::QemuImg::default());
    // Either the program is stopped on its way, or the package refuses the disk it made.
    let error = result.expect_err("must be refused").to_string();
    assert!(error.contains("limit"), "{error}");
    assert!(!place.path("out").exists());
}

#[test]
fn without_the_program() {
    let place = Place::new();
    place.write("d.img", vec![0; 4096]);
    let ovf = place.write("a.ovf", descriptor("d.img", "raw"));
    let tool = descriptors::ovf::QemuImg::at("/nonexistent/qemu-img");
    assert!(!tool.is_there());
    let error = descriptors::ovf::import(&ovf, &place.path("out"), &Default::default(), &tool).expect_err("must fail");
    assert!(error.to_string().contains("/nonexistent/qemu-img cannot be run"), "{error}");
    assert!(!place.path("out").exists());
}

#[test]
fn the_package_is_what_an_onboarding_accepts() {
    if !qemu_img() {
        return;
    }
    let place = Place::new();
    disk(&place.path("d.vmdk"), STREAM);
    let ovf = place.write("a.ovf", descriptor("d.vmdk", VMDK));
    place.import(&ovf, "package.csar").unwrap_or_else(|e| panic!("{e}"));
    let (_, vnfd) =
        check_vnf_package(&place.path("package.csar"), &Limits::default()).unwrap_or_else(|e| panic!("{e}"));
    assert!(vnfd.warnings.is_empty(), "{}", vnfd.warnings);
    // A directory is judged as strictly as the standard asks, and packs to the same.
    place.import(&ovf, "package").unwrap_or_else(|e| panic!("{e}"));
    let options = LintOptions {
        mode: Mode::Strict,
        limits: Limits::default(),
        trust: Trust::new(0, Unsigned::Accept),
        extra: Vec::new(),
        kind: Some(PackageKind::Vnf),
    };
    let report = lint(&place.path("package"), &options);
    assert_eq!(report.verdict, Verdict::Accepted, "{}", report.to_text());
    let mut packed = std::io::Cursor::new(Vec::new());
    pack_dir(&place.path("package"), &[], &mut packed).unwrap_or_else(|e| panic!("{e}"));
    assert!(packed.into_inner() == std::fs::read(place.path("package.csar")).unwrap());
}
