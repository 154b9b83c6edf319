//! Appliances that mean harm, or are damaged: refused quickly and with a plain reason, and nothing stays behind.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::made::{Place, VMDK, descriptor, error, read, small, tar, told};

fn quickly<T>(what: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = what();
    assert!(start.elapsed() < Duration::from_secs(3), "took {:?}", start.elapsed());
    result
}

#[test]
fn entities_and_document_types() {
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>\n";
    let text = descriptor("d.vmdk", VMDK).replace("<Envelope", &format!("{bomb}<Envelope"));
    let (envelope, found) = quickly(|| read(&text));
    assert!(envelope.is_none());
    error(&found, "a document type can define entities", "OVF-0004", Some(2));
    let (envelope, found) = read(&descriptor("d.vmdk", VMDK).replace("Use it well.", "&boom;"));
    assert!(envelope.is_none());
    error(&found, "the entity `boom`", "OVF-0004", Some(33));
    let (envelope, _) = read(&descriptor("&boom;.vmdk", VMDK));
    assert!(envelope.is_none());
}

#[test]
fn depth_number_and_attributes_are_bounded() {
    let deep = format!("{}{}", "<a>".repeat(2_000_000), "</a>".repeat(2_000_000));
    let (_, found) = quickly(|| read(&deep));
    told(&found, "too deep elements");
    let many = format!("<a>{}</a>", "<b/>".repeat(1_000_000));
    let (_, found) = quickly(|| read(&many));
    told(&found, "too many elements");
    let attributes: String = (0..200_000).map(|n| format!(" a{n}=\"\"")).collect();
    let (_, found) = quickly(|| read(&format!("<a{attributes}/>")));
    told(&found, "more than 64 attributes");
}

#[test]
fn broken_markup_is_told_with_its_place() {
    for (text, words) in [
        ("", "the file holds no element"),
        ("<a>\n<b></a>", "not well-formed"),
        ("<a>\n<b>", "is opened here and never closed"),
        ("<a/><b/>", "a second root element"),
        ("x<a/>", "text stands outside"),
        ("<a b=\"1\" b=\"2\"/>", "given twice"),
        ("<html/>", "not OVF's `Envelope`"),
    ] {
        let (envelope, found) = read(text);
        assert!(envelope.is_none(), "{text}");
        told(&found, words);
    }
    let whole = descriptor("d.vmdk", VMDK);
    for cut in (0..whole.len()).step_by(97) {
        let (envelope, found) = read(&whole[..cut]);
        assert!(envelope.is_none() && found.has_errors(), "cut at {cut}");
    }
}

#[test]
fn references_that_climb_out() {
    let place = Place::new();
    place.write("secret.vmdk", "secret");
    std::fs::create_dir(place.path("in")).unwrap();
    for href in ["../secret.vmdk", "/etc/passwd", "a/../../secret.vmdk", "..\\secret.vmdk", "http://example.com/d.vmdk"]
    {
        let ovf = place.write("in/a.ovf", descriptor(href, VMDK));
        let found = place.refused(&ovf);
        error(&found, "is refused:", "OVF-0007", Some(8));
    }
    let ovf = place.write("in/a.ovf", descriptor("link.vmdk", VMDK));
    std::os::unix::fs::symlink(place.path("secret.vmdk"), place.path("in/link.vmdk")).unwrap();
    error(&place.refused(&ovf), "or is a link", "OVF-0007", None);
}

#[test]
fn archive_entries_that_climb_out() {
    let place = Place::new();
    let ovf = descriptor("d.vmdk", VMDK);
    for (name, code) in [
        ("../d.vmdk", "ARCHIVE-0002"),
        ("/etc/x", "ARCHIVE-0002"),
        ("a/../../x", "ARCHIVE-0002"),
        ("A.OVF", "ARCHIVE-0004"),
    ] {
        let ova = place.write("a.ova", tar(&[("a.ovf", ovf.as_bytes()), (name, b"x")]));
        let found = place.refused(&ova);
        assert!(found.errors().any(|d| d.code == code), "{name}: {found}");
    }
}

#[test]
fn links_devices_and_other_tar_formats() {
    let place = Place::new();
    for (kind, words) in [
        (tar::EntryType::Symlink, "link or special file"),
        (tar::EntryType::Link, "link or special file"),
        (tar::EntryType::Char, "link or special file"),
        (tar::EntryType::GNUSparse, "link or special file"),
        (tar::EntryType::GNULongName, "long names of another tar format"),
    ] {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_path("d.vmdk").unwrap();
        header.set_cksum();
        builder.append(&header, &b""[..]).unwrap();
        let mut bytes = tar(&[("a.ovf", descriptor("d.vmdk", VMDK).as_bytes())]);
        bytes.truncate(bytes.len() - 1024);
        bytes.extend(builder.into_inner().unwrap());
        let found = place.refused(&place.write("a.ova", bytes));
        told(&found, words);
    }
}

#[test]
fn extended_headers_that_rename() {
    let place = Place::new();
    for (record, refused) in [("17 path=../d.vmdk\n", true), ("12 mtime=1.5\n", false)] {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::XHeader);
        header.set_size(record.len() as u64);
        header.set_path("x").unwrap();
        header.set_cksum();
        builder.append(&header, record.as_bytes()).unwrap();
        let mut bytes = builder.into_inner().unwrap();
        bytes.truncate(bytes.len() - 1024);
        bytes.extend(tar(&[("a.ovf", descriptor("d.vmdk", VMDK).as_bytes())]));
        let found = place.refused(&place.write("a.ova", bytes));
        assert_eq!(found.iter().any(|d| d.message.contains("extended header")), refused, "{found}");
    }
}

#[test]
fn sizes_and_numbers_are_bounded() {
    let place = Place::new();
    // A header that claims eight exabytes, and one that claims more than follows.
    for (size, words) in [(1_u64 << 62, "the limit is"), (700 << 10, "beyond the end of the archive")] {
        let mut bytes = tar(&[("d.vmdk", b"x")]);
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        header.set_path("d.vmdk").unwrap();
        header.set_cksum();
        bytes[..512].copy_from_slice(header.as_bytes());
        let ova = place.write("a.ova", &bytes);
        let found = quickly(|| place.refused_with(&ova, &small()));
        told(&found, words);
    }
    let names: Vec<String> = (0..1000).map(|n| format!("f{n}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &b""[..])).collect();
    let ova = place.write("a.ova", tar(&files));
    told(&place.refused_with(&ova, &small()), "more than 20 entries");
    let long = "x".repeat(90);
    let ova = place.write("a.ova", tar(&[(&long, b"")]));
    assert!(place.refused_with(&ova, &small()).errors().any(|d| d.code == "ARCHIVE-0008"));
    let ova = place.write("a.ova", tar(&[("a.ovf", &vec![b' '; 100 << 10])]));
    told(&place.refused_with(&ova, &small()), "larger than the limit of 65536 bytes");
    let ova = place.write("a.ova", tar(&[("a.ovf", b"\xff\xfe<\x00")]));
    told(&place.refused_with(&ova, &small()), "not UTF-8 text");
}

#[test]
fn what_is_no_archive_at_all() {
    let place = Place::new();
    for bytes in [&b""[..], b"hello", &[0x55; 4096]] {
        let found = place.refused(&place.write("a.ova", bytes));
        assert!(found.errors().any(|d| d.code == "OVF-0001"), "{found}");
    }
    let mut cut = tar(&[("a.ovf", descriptor("d.vmdk", VMDK).as_bytes())]);
    cut.truncate(700);
    place.refused(&place.write("a.ova", cut));
    let mut file = std::fs::File::create(place.path("b.ova")).unwrap();
    file.write_all(&tar(&[("a.ovf", b"<a/>"), ("b.ovf", b"<a/>")])).unwrap();
    told(&place.refused(&place.path("b.ova")), "there are 2 OVF descriptors");
}
