//! Faults of SOL006 data are all told, each where it stands; hostile files are refused quickly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use descriptors::diag::Diagnostics;
use descriptors::sol006::{self, Encoding, read_nsd, read_vnfd};

const VNFD: &str = include_str!("data/sol006_vnfd.json");
const NSD: &str = include_str!("data/sol006_nsd.json");

/// Changes the first place of each and reads; every fault must be told in the line it was put in.
fn planted(text: &str, faults: &[(&str, &str, &str, &str)], read: impl Fn(&str) -> Result<(), Diagnostics>) {
    let broken = faults.iter().fold(text.to_owned(), |t, (from, to, ..)| {
        assert!(t.contains(from), "nothing like {from}");
        t.replacen(from, to, 1)
    });
    let found = read(&broken).unwrap_err();
    for (_, to, code, words) in faults {
        let at = broken.lines().position(|l| l.contains(to.lines().next().unwrap())).unwrap();
        let line = Some(u32::try_from(at + 1).unwrap());
        let told = found.iter().any(|d| d.code == *code && d.line == line && d.to_string().contains(words));
        assert!(told, "{code} `{words}` in line {line:?} is not told:\n{found}");
    }
    assert!(found.iter().all(|d| d.excerpt.is_some() && d.column.is_some()), "every place is quoted: {found}");
}

#[test]
fn faults_of_a_vnfd_are_all_told_at_once() {
    let faults = [
        (
            "\"sw-image-desc\": \"base\",\n        \"nfvi",
            "\"sw-image-desc\": \"bass\",\n        \"nfvi",
            "SOL006-0007",
            "did you mean `base`?",
        ),
        (
            "\"virtual-storage-desc\": [\"logs\", \"root\"]",
            "\"virtual-storage-desc\": [\"logs\", \"rot\"]",
            "SOL006-0007",
            "did you mean `root`?",
        ),
        ("\"cpd\": \"oam\"", "\"cpd\": \"oan\"", "SOL006-0007", "did you mean `oam`?"),
        ("\"flavour\": \"quick\"", "\"flavour\": \"quik\"", "SOL006-0007", "did you mean `quick`?"),
        ("\"scale-level\": 3", "\"scale-level\": 4", "SOL006-0009", "maximum 3"),
        ("\"num-virtual-cpu\": 12", "\"num-virtual-cpu\": \"twelve\"", "SOL006-0005", "whole number"),
        ("\"disk-format\": \"raw\"", "\"disk-format\": \"raww\"", "SOL006-0005", "did you mean `raw`?"),
        (
            "\"provider\": \"Acme\",\n    \"product-name\"",
            "\"providers\": \"Acme\",\n    \"product-name\"",
            "SOL006-0003",
            "did you mean `provider`?",
        ),
        ("\"cidr\": \"10.1.0.0/24\"", "\"cidr\": \"10.1.0.0/99\"", "SOL006-0005", "range of addresses"),
        (
            "{ \"id\": \"controller\", \"name\": \"Controller\"",
            "{ \"id\": \"worker\", \"name\": \"Controller\"",
            "SOL006-0008",
            "has the key `worker`",
        ),
        ("\"scope\": \"zone-group\"", "\"scope\": \"zone-groups\"", "SOL006-0005", "did you mean `zone-group`?"),
    ];
    planted(VNFD, &faults, |text| read_vnfd("vnfd.json", text.as_bytes()).map(|_| ()));
}

#[test]
fn faults_of_an_nsd_are_all_told_at_once() {
    let faults = [
        (
            "\"id\": \"db\", \"vnfd-id\": \"store\"",
            "\"id\": \"db\", \"vnfd-id\": \"stor\"",
            "SOL006-0007",
            "did you mean `store`?",
        ),
        ("\"virtual-link-desc\": \"outer\"", "\"virtual-link-desc\": \"oter\"", "SOL006-0007", "did you mean `outer`?"),
        (
            "\"virtual-link-desc-id\": \"inner\", \"flavour-id\": \"plain\"",
            "\"virtual-link-desc-id\": \"inner\", \"flavour-id\": \"plan\"",
            "SOL006-0007",
            "did you mean `plain`?",
        ),
        (
            "\"default-instantiation-level\": \"small\"",
            "\"default-instantiation-level\": \"smal\"",
            "SOL006-0007",
            "did you mean `small`?",
        ),
        (
            "\"constituent-base-element-id\": \"pay\"",
            "\"constituent-base-element-id\": \"pai\"",
            "SOL006-0007",
            "did you mean `pay`?",
        ),
        ("\"max-number-of-instances\": 2", "\"max-number-of-instances\": 0", "SOL006-0009", "at least 1 and at most 0"),
    ];
    planted(NSD, &faults, |text| read_nsd("nsd.json", text.as_bytes()).map(|_| ()));
}

#[test]
fn what_an_nsd_says_of_vnfds_in_the_same_file_is_checked() {
    let both = r#"{ "etsi-nfv-descriptors:nfv": {
      "vnfd": [ { "id": "v", "provider": "p", "product-name": "v", "software-version": "1", "version": "1", "vnfm-info": ["m"],
        "vdu": [ { "id": "a", "name": "a", "int-cpd": [ { "id": "c" } ] } ],
        "ext-cpd": [ { "id": "out", "int-cpd": { "vdu-id": "a", "cpd": "c" } } ],
        "df": [ { "id": "d", "vdu-profile": [ { "id": "a" } ], "instantiation-level": [ { "id": "l", "vdu-level": [ { "vdu-id": "a" } ] } ] } ] } ],
      "nsd": [ { "id": "n", "vnfd-id": ["v"], "virtual-link-desc": [ { "id": "net", "connectivity-type": { "layer-protocol": ["ipv4"] }, "df": [ { "id": "f" } ] } ],
        "df": [ { "id": "d", "virtual-link-profile": [ { "id": "net", "virtual-link-desc-id": "net", "flavour-id": "f" } ],
          "ns-instantiation-level": [ { "id": "s", "vnf-to-level-mapping": [ { "vnf-profile-id": "one" } ] } ],
          "vnf-profile": [ { "id": "one", "vnfd-id": "v", "flavour-id": "D", "instantiation-level": "l",
            "virtual-link-connectivity": [ { "virtual-link-profile-id": "net",
              "constituent-cpd-id": [ { "constituent-base-element-id": "one", "constituent-cpd-id": "outt" } ] } ] } ] } ] } ] } }"#;
    let found = read_nsd("both.json", both.as_bytes()).unwrap_err();
    let told: Vec<_> = found.errors().map(|d| d.message.as_str()).collect();
    assert_eq!(told, ["`v` has no flavour `D`", "`v` has no connection point `outt`"], "{found}");
    let good = both.replace("\"D\"", "\"d\"").replace("outt", "out");
    assert_eq!(read_nsd("both.json", good.as_bytes()).unwrap().vnfd_ids(), ["v"]);
}

#[test]
fn places_in_xml_are_told() {
    let xml = "<?xml version=\"1.0\"?>\n<vnfd xmlns=\"urn:etsi:nfv:yang:etsi-nfv-vnfd\">\n  <id>a</id><provider>p</provider>\n\
               <vdu><id>v</id>\n    <virtual-compute-desc>none</virtual-compute-desc></vdu>\n  <colour>red</colour>\n</vnfd>\n";
    let found = read_vnfd("a.xml", xml.as_bytes()).unwrap_err();
    let at = |code: &str| found.iter().find(|d| d.code == code).map(|d| (d.line, d.column));
    assert_eq!(at("SOL006-0007"), Some((Some(5), Some(5))), "{found}");
    assert_eq!(at("SOL006-0003"), Some((Some(6), Some(3))), "{found}");
    assert!(found.to_string().contains("`vdu v` has no `name`"), "{found}");
}

#[test]
fn nodes_of_other_modules_are_kept_and_told() {
    let plain =
        VNFD.replacen("\"id\": \"gateway\",", "\"id\": \"gateway\", \"acme-extra:provider\": { \"x\": [1, 2] },", 1);
    let vnfd = read_vnfd("vnfd.json", plain.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(vnfd.extra["acme-extra:provider"]["x"][1], 2);
    assert_eq!(vnfd.provider, "Acme", "its own node of that name is another");
    assert!(vnfd.warnings.iter().any(|w| w.code == "SOL006-0003" && w.line == Some(3)), "{}", vnfd.warnings);
}

#[test]
fn what_is_sol006_and_what_is_not() {
    for (text, expected) in [
        (VNFD, Some(Encoding::Json)),
        ("<nfv xmlns='urn:etsi:nfv:yang:etsi-nfv-descriptors'/>", Some(Encoding::Xml)),
        ("vnfd:\n  id: a\n", Some(Encoding::Yaml)),
        ("# words\nnsd:\n  nsd: []\n", Some(Encoding::Yaml)),
        ("tosca_definitions_version: tosca_simple_yaml_1_3\nvnfd:\n", None),
        ("<html></html>", None),
        ("{ \"a\": 1 }", None),
        ("", None),
    ] {
        assert_eq!(sol006::looks_like(text.as_bytes()), expected, "{text:.60}");
    }
}

/// Reads what must be refused, and soon.
fn refused(name: &str, bytes: &[u8]) -> Diagnostics {
    let began = Instant::now();
    let found = sol006::read(name, bytes).unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(20), "{name} took {:?}", began.elapsed());
    assert!(found.has_errors() && found.len() <= 501, "{name}: {}", found.len());
    found
}

#[test]
fn entity_bombs_are_not_expanded() {
    let mut bomb = String::from("<!DOCTYPE nfv [<!ENTITY a0 \"ha\">");
    for i in 1..40 {
        write!(bomb, "<!ENTITY a{i} \"&a{0};&a{0};\">", i - 1).unwrap();
    }
    bomb.push_str("]><nfv><vnfd><id>&a39;</id></vnfd></nfv>");
    assert!(refused("bomb.xml", bomb.as_bytes()).to_string().contains("document type declaration"));
    let undefined = refused("entity.xml", b"<nfv><vnfd><id>&boom;</id></vnfd></nfv>");
    assert!(undefined.to_string().contains("entity"), "{undefined}");
    let outside = b"<!DOCTYPE nfv SYSTEM \"file:///etc/passwd\"><nfv/>";
    assert!(refused("outside.xml", outside).to_string().contains("document type declaration"));
    let alias = "a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\n\
                 e: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e]\nvnfd: [*f,*f,*f,*f]\n";
    refused("alias.yaml", alias.as_bytes());
    // The five of XML itself are read.
    let known = sol006::read("known.xml", b"<pnfd><id>a&amp;b&#x21;</id><version>1</version></pnfd>").unwrap();
    assert_eq!(known.pnfds[0].descriptor_id, "a&b!");
}

#[test]
fn deep_nesting_is_refused() {
    let deep = 100_000;
    assert!(refused("deep.xml", "<nfv>".repeat(deep).as_bytes()).to_string().contains("nested deeper"));
    refused("deep.json", format!("{{\"vnfd\":{}", "[".repeat(deep)).as_bytes());
    refused("closed.json", format!("{{\"vnfd\":{}{}}}", "[".repeat(100), "]".repeat(100)).as_bytes());
    refused("deep.yaml", format!("vnfd: {}", "[".repeat(deep)).as_bytes());
    let mut stairs = String::from("vnfd:\n");
    (1..300).for_each(|i| writeln!(stairs, "{}a:", " ".repeat(i)).unwrap());
    refused("stairs.yaml", stairs.as_bytes());
}

#[test]
fn large_files_are_refused() {
    for start in ["<nfv>", "{\"vnfd\": [", "vnfd:\n"] {
        let mut text = start.to_owned();
        text.push_str(&"<vnfd/>".repeat(50 * 1024 * 1024 / 7));
        assert!(refused("large", text.as_bytes()).to_string().contains("bytes; a descriptor may have"));
    }
    // As many nodes as fit, within the size.
    let many = format!("<nfv>{}</nfv>", "<vnfd/>".repeat(sol006::MAX_NODES + 1));
    assert!(refused("many.xml", many.as_bytes()).to_string().contains("elements"));
    refused("many.json", format!("{{\"vnfd\":[{}0]}}", "0,".repeat(1_000_000)).as_bytes());
    let space = format!("<nfv xmlns='{}'>{}</nfv>", "u".repeat(1 << 20), "<a/>".repeat(100_000));
    assert!(refused("space.xml", space.as_bytes()).to_string().contains("namespace"));
}

#[test]
fn descriptors_that_unfold_to_more_are_refused() {
    // Every flavour would have every connection point.
    let mut text = String::from("{\"etsi-nfv-vnfd:vnfd\": { \"id\": \"a\", \"ext-cpd\": [{\"id\":\"x\"}");
    (0..4000).for_each(|i| write!(text, ",{{\"id\":\"e{i}\"}}").unwrap());
    text.push_str("], \"df\": [{\"id\":\"y\"}");
    (0..4000).for_each(|i| write!(text, ",{{\"id\":\"d{i}\"}}").unwrap());
    text.push_str("] } }");
    assert!(refused("wide.json", text.as_bytes()).to_string().contains("entries"));
    // Unknown nodes without end.
    let mut unknown = String::from("{\"etsi-nfv-vnfd:vnfd\": { \"id\": \"a\"");
    (0..90_000).for_each(|i| write!(unknown, ",\"u{i}\":1").unwrap());
    unknown.push_str("} }");
    refused("unknown.json", unknown.as_bytes());
    // References without end, all of them wrong.
    let mut wrong = String::from("{\"etsi-nfv-vnfd:vnfd\": { \"id\": \"a\", \"vdu\": [{\"id\":\"v\"}");
    (0..9_000).for_each(|i| write!(wrong, ",{{\"id\":\"v{i}\",\"sw-image-desc\":\"i{i}\"}}").unwrap());
    wrong.push_str("] } }");
    refused("wrong.json", wrong.as_bytes());
}

#[test]
fn wrong_text_is_told_where_it_stands() {
    let bytes = b"<nfv>\n  <vnfd><id>\xff\xfe</id></vnfd></nfv>";
    let found = refused("latin.xml", bytes);
    let [fault] = found.errors().collect::<Vec<_>>()[..] else { panic!("{found}") };
    assert_eq!((fault.code.as_ref(), fault.line, fault.column), ("SOL006-0001", Some(2), Some(13)), "{found}");
    for text in [
        "<nfv>",
        "<nfv></vnfd>",
        "<nfv/><nfv/>",
        "<nfv>words<vnfd/></nfv>",
        "words",
        "{\"vnfd\": [}",
        "{",
        "<",
        "vnfd: [",
        "[]",
        "\0",
    ] {
        refused(text, text.as_bytes());
    }
}
