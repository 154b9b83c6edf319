//! What a descriptor says is read or named; nothing is passed over in silence.

use descriptors::diag::Severity;
use descriptors::ovf::{DiskFormat, Drive, DriveSource};

use crate::made::{VMDK, descriptor, error, read, told};

fn changed(from: &str, to: &str) -> String {
    let text = descriptor("disk1.vmdk", VMDK);
    assert!(text.contains(from), "{from}");
    text.replace(from, to)
}

#[test]
fn hardware_product_and_texts() {
    let (envelope, found) = read(&descriptor("disk1.vmdk", VMDK));
    let envelope = envelope.unwrap();
    assert!(!found.has_errors(), "{found}");
    assert_eq!(envelope.version, 1);
    let system = &envelope.systems[0];
    assert_eq!((system.cpus, system.memory_bytes), (2, 256 << 20));
    assert_eq!(system.name.as_deref(), Some("Edge & core router"));
    assert_eq!(system.annotation.as_deref(), Some("Routes \"everything\": IPv4, and more"));
    assert_eq!(system.operating_system.as_deref(), Some("Debian 12 (64-bit)"));
    assert_eq!(system.product.name.as_deref(), Some("Edge Router"));
    assert_eq!(system.product.vendor.as_deref(), Some("Example Networks"));
    assert_eq!(system.product.version.as_deref(), Some("7.2.1"));
    assert_eq!(system.eulas, ["Use it well."]);
    let nics: Vec<_> = system.nics.iter().map(|n| (n.network.as_str(), n.model.as_deref())).collect();
    assert_eq!(nics, [("VM Network", Some("VmxNet3")), ("Management", None)]);
    assert_eq!(envelope.disks[0].capacity_bytes, 4 << 20);
    assert_eq!(envelope.disks[0].format, Some(DiskFormat::Vmdk));
    assert_eq!((envelope.disks[1].capacity_bytes, envelope.disks[1].format), (1 << 30, None));
}

#[test]
fn disks_stand_in_the_order_of_their_controllers() {
    let (envelope, _) = read(&descriptor("disk1.vmdk", VMDK));
    let drive = |name: &str, disk: &str| Drive { name: name.to_owned(), source: DriveSource::Disk(disk.to_owned()) };
    // The descriptor lists the second one first; its place on the controller decides.
    assert_eq!(envelope.unwrap().systems[0].drives, [drive("Hard disk 1", "vmdisk1"), drive("Hard disk 2", "vmdisk2")]);
    let (envelope, _) = read(
        &changed("ovf:/disk/vmdisk1", "/disk/vmdisk1")
            .replace(">0</rasd:AddressOnParent>", ">5</rasd:AddressOnParent>"),
    );
    // An empty disk boots nothing, so the one with content stays first.
    assert_eq!(envelope.unwrap().systems[0].drives[0].name, "Hard disk 1");
}

#[test]
fn what_has_no_place_is_named() {
    let (_, found) = read(&descriptor("disk1.vmdk", VMDK));
    for (words, severity, line) in [
        ("properties for the guest's OVF environment (hostname, password)", Severity::Warning, 30),
        ("the hypervisor family `vmx-13`", Severity::Note, 37),
        ("the controller model `lsilogic`", Severity::Note, 56),
        ("the network adapter model `VmxNet3`", Severity::Note, 81),
        ("Config wakeOnLanEnabled of `Network adapter 1`", Severity::Note, 75),
        ("the fixed MAC address `52:54:00:12:34:56`", Severity::Warning, 86),
        ("the CD drive `CD/DVD drive 1`", Severity::Note, 92),
        ("the floppy drive `Floppy drive 1`", Severity::Note, 97),
        ("`Config cpuHotAddEnabled`", Severity::Note, 102),
    ] {
        let one = told(&found, words);
        assert_eq!((one.severity, one.code.as_ref(), one.line), (severity, "OVF-0012", Some(line)), "{one}");
        assert!(one.excerpt.is_some() && one.column.is_some(), "{one}");
    }
    assert_eq!(found.len(), 9, "{found}");
}

#[test]
fn sections_without_a_meaning_are_named() {
    let text = changed(
        "  <VirtualSystem ovf:id",
        "  <DeploymentOptionSection><Info/><Configuration ovf:id=\"big\"><Label/></Configuration>\
         <Configuration ovf:id=\"small\" ovf:default=\"true\"/></DeploymentOptionSection>\n\
         <Strings xml:lang=\"de\"/>\n<vmw:OtherSection ovf:required=\"false\"/>\n  <VirtualSystem ovf:id",
    )
    .replace(
        "</AnnotationSection>",
        "</AnnotationSection><InstallSection/><StartupSection/><ResourceAllocationSection/>",
    );
    let (envelope, found) = read(&text);
    for (words, severity) in [
        ("the configuration `big`", Severity::Warning),
        ("translations of texts", Severity::Note),
        ("`OtherSection`", Severity::Note),
        ("a first boot that installs the guest", Severity::Warning),
        ("the order in which systems start", Severity::Warning),
        ("`ResourceAllocationSection`", Severity::Warning),
    ] {
        assert_eq!(told(&found, words).severity, severity, "{words}");
    }
    assert!(envelope.is_some() && !found.has_errors(), "{found}");
}

#[test]
fn the_default_configuration_is_read() {
    let options = "<DeploymentOptionSection><Configuration ovf:id=\"big\"/>\
                   <Configuration ovf:id=\"small\" ovf:default=\"true\"/></DeploymentOptionSection>";
    let item = |of: &str, n: u32| {
        format!(
            "<Item ovf:configuration=\"{of}\"><rasd:InstanceID>1{n}</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType>\
             <rasd:VirtualQuantity>{n}</rasd:VirtualQuantity></Item>"
        )
    };
    let items = format!("{}{}", item("big", 16), item("small other", 4));
    let bound = "<Item ovf:bound=\"max\"><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>64</rasd:VirtualQuantity></Item>";
    let text = changed("  <VirtualSystem ovf:id", &format!("{options}<VirtualSystem ovf:id"));
    let text = text.replace("</VirtualHardwareSection>", &format!("{items}{bound}</VirtualHardwareSection>"));
    let (envelope, found) = read(&text);
    // Two of the item without configuration, four of the default one.
    assert_eq!(envelope.unwrap().systems[0].cpus, 6);
    told(&found, "a bound of");
}

#[test]
fn version_2_and_items_of_its_own() {
    let text = changed("http://schemas.dmtf.org/ovf/envelope/1", "http://schemas.dmtf.org/ovf/envelope/2");
    let text =
        text.replacen("<Item>\n        <rasd:AddressOnParent>0", "<StorageItem>\n        <rasd:AddressOnParent>0", 1);
    let at = text.find("<StorageItem>").unwrap();
    let (before, after) = text.split_at(at);
    let text = format!("{before}{}", after.replacen("</Item>", "</StorageItem>", 1));
    let (envelope, found) = read(&text);
    let envelope = envelope.unwrap();
    assert!(!found.has_errors(), "{found}");
    assert_eq!((envelope.version, envelope.systems[0].drives.len()), (2, 2));
}

#[test]
fn prefixes_are_free_and_unknown_vocabularies_are_not_mixed_up() {
    let text = descriptor("disk1.vmdk", VMDK)
        .replace("ovf:", "o:")
        .replace("xmlns:ovf", "xmlns:o")
        .replace("o:/disk", "ovf:/disk");
    let (envelope, found) = read(&text);
    assert_eq!(envelope.unwrap().systems[0].nics.len(), 2, "{found}");
    let (envelope, found) = read(
        &changed("<VirtualSystem ovf:id", "<vmw:VirtualSystem ovf:id")
            .replace("</VirtualSystem>", "</vmw:VirtualSystem>"),
    );
    assert!(envelope.unwrap().systems.is_empty());
    told(&found, "holds no virtual system");
}

#[test]
fn memory_units() {
    for (unit, bytes) in
        [("byte * 2^30", 256_u64 << 30), ("MegaBytes", 256 << 20), ("byte", 256), ("byte*1000", 256_000)]
    {
        let (envelope, _) = read(&changed("byte * 2^20</rasd", &format!("{unit}</rasd")));
        assert_eq!(envelope.unwrap().systems[0].memory_bytes, bytes, "{unit}");
    }
    let (_, found) = read(&changed("<rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits>", ""));
    told(&found, "MiB is taken");
    let (_, found) = read(&changed("byte * 2^20</rasd", "furlong</rasd"));
    error(&found, "the unit `furlong`", "OVF-0010", Some(46));
}

#[test]
fn all_faults_are_told_at_once() {
    let text = changed("ovf:/disk/vmdisk1", "ovf:/disk/nowhere")
        .replace("<rasd:VirtualQuantity>2<", "<rasd:VirtualQuantity>none<")
        .replace("<rasd:Connection>Management<", "<rasd:Connection>Managment<")
        .replace("ovf:capacity=\"1073741824\"", "ovf:capacity=\"${size}\"")
        .replace("ovf:fileRef=\"file1\"", "ovf:fileRef=\"file9\"");
    let (_, found) = read(&text);
    error(&found, "which is not in `References`", "OVF-0006", Some(12));
    error(&found, "the capacity `${size}`", "OVF-0010", Some(13));
    error(&found, "the number of processors is `none`", "OVF-0015", Some(43));
    error(&found, "`ovf:/disk/nowhere` leads to no disk", "OVF-0006", Some(70));
    error(&found, "the network `Managment`", "OVF-0006", Some(87));
    assert!(
        found.iter().filter(|d| d.severity == Severity::Error).all(|d| d.mend.is_some() && d.clause.is_some()),
        "{found}"
    );
}

#[test]
fn sizes_beyond_reason_are_refused() {
    for (from, to, words) in [
        ("ovf:capacity=\"4\"", "ovf:capacity=\"18446744073709551615\"", "the capacity"),
        ("<rasd:VirtualQuantity>256<", "<rasd:VirtualQuantity>99999999999999999<", "the memory is"),
        ("<rasd:VirtualQuantity>2<", "<rasd:VirtualQuantity>4000000000<", "the number of processors"),
        ("<rasd:VirtualQuantity>2<", "<rasd:VirtualQuantity>-1<", "the number of processors"),
    ] {
        let (_, found) = read(&changed(from, to));
        assert_eq!(told(&found, words).severity, Severity::Error, "{to}");
    }
}

#[test]
fn machines_that_cannot_boot_are_refused() {
    let (_, found) = read(&changed(" ovf:fileRef=\"file1\"", ""));
    error(&found, "no disk with content to boot from", "OVF-0015", Some(35));
    let (_, found) = read(&changed("<rasd:ResourceType>4<", "<rasd:ResourceType>1<"));
    error(&found, "`router` has no memory", "OVF-0015", Some(35));
    let (_, found) = read(
        &changed("<VirtualHardwareSection>", "<OldHardware>").replace("</VirtualHardwareSection>", "</OldHardware>"),
    );
    told(&found, "has no `VirtualHardwareSection`");
}

#[test]
fn formats_are_taken_from_declarations_only() {
    let (envelope, found) = read(&descriptor("disk1.vhd", ""));
    assert_eq!(envelope.unwrap().disks[0].format, Some(DiskFormat::Vhd));
    told(&found, "by its name `disk1.vhd` is vhd");
    let (_, found) = read(&descriptor("disk1.vmdk", "http://example.com/secret-format"));
    error(&found, "the disk format `http://example.com/secret-format` is not known", "OVF-0011", Some(12));
    let (_, found) = read(&descriptor("disk1.bin", ""));
    assert!(found.has_errors());
    let (envelope, found) = read(&changed("ovf:/disk/vmdisk1", "ovf:/file/file1"));
    assert!(!found.has_errors(), "{found}");
    assert_eq!(envelope.unwrap().systems[0].drives[0].source, DriveSource::File("file1".to_owned()));
    told(&found, "the disk `vmdisk1`, which no system uses");
}
