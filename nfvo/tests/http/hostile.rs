//! Uploads that are broken off, too large, at odds with each other, or no archive at all: told with every fault, and
//! nothing is left of them.

use std::io::Write;

use reference_points::os_ma_nfvo::VnfPkgInfo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;
use zip::write::SimpleFileOptions;

use crate::lab::{Lab, once};

fn faults(info: &VnfPkgInfo) -> Vec<String> {
    assert_eq!(info.onboarding_state.as_str(), "ERROR");
    let details = info.onboarding_failure_details.as_ref().expect("failure details");
    assert!(!details.faults.is_empty());
    details.faults.iter().map(|f| format!("{}: {}", f.location, f.message)).collect()
}

fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (path, bytes) in entries {
        zip.start_file(*path, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[tokio::test]
async fn what_cannot_be_onboarded_is_told_and_leaves_no_file() {
    let lab = Lab::start().await;
    let good = std::fs::read(lab.pack("edge", b"an image")).unwrap();
    let mut damaged = good.clone();
    let at = damaged.len() / 2;
    damaged[at] ^= 0xff;
    let climbing = zip(&[("TOSCA-Metadata/TOSCA.meta", b"Entry-Definitions: a.yaml\n"), ("../../a.yaml", b"a: 1")]);
    let bomb = zip(&[("a.yaml", &vec![b' '; 64 << 20])]);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("no archive", b"this is a text".to_vec()),
        ("cut short", good[..good.len() - 100].to_vec()),
        ("a flipped byte", damaged),
        ("a path that climbs out", climbing),
        ("a bomb", bomb),
    ];
    for (what, archive) in cases {
        let info = lab.upload_package(archive).await;
        let told = faults(&info);
        println!("{what}: {told:?}");
        assert!(lab.files().is_empty(), "{what} left {:?}", lab.files());
        lab.packages.delete(info.id).await.unwrap();
    }
    lab.end().await;
}

#[tokio::test]
async fn faults_of_a_descriptor_are_told_with_file_line_and_column() {
    let lab = Lab::start().await;
    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../descriptors/samples/edge");
    let copy = lab.dir.path().join("broken");
    copy_dir(&sources, &copy);
    let main = copy.join("Definitions/edge.yaml");
    let text = std::fs::read_to_string(&main).unwrap();
    let text = text
        .replace("num_virtual_cpu: 1", "num_virtual_cpu: none")
        .replace("virtual_binding: edge", "virtual_binding: egde");
    std::fs::write(&main, text).unwrap();
    let info = lab.upload_package(std::fs::read(lab.pack_dir(&copy, b"an image")).unwrap()).await;
    let told = faults(&info);
    let in_file = |word: &str| told.iter().any(|f| f.starts_with("Definitions/edge.yaml:") && f.contains(word));
    assert!(in_file("num_virtual_cpu") || in_file("none"), "{told:#?}");
    assert!(in_file("egde"), "{told:#?}");
    lab.end().await;
}

#[tokio::test]
async fn an_image_that_is_not_what_the_vnfd_says_is_refused() {
    let lab = Lab::start().await;
    let good = lab.pack("edge", b"an image");
    // The same package with another image under the old descriptor and manifest.
    let mut source = zip::ZipArchive::new(std::fs::File::open(good).unwrap()).unwrap();
    let mut entries = Vec::new();
    for i in 0..source.len() {
        let mut file = source.by_index(i).unwrap();
        let name = file.name().unwrap().into_owned();
        let mut bytes = Vec::new();
        std::io::copy(&mut file, &mut bytes).unwrap();
        if name.ends_with("vnf.qcow2") {
            bytes = b"other bytes".to_vec();
        }
        entries.push((name, bytes));
    }
    let entries: Vec<(&str, &[u8])> = entries.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
    let info = lab.upload_package(zip(&entries)).await;
    let told = faults(&info);
    assert!(told.iter().any(|f| f.contains("vnf.qcow2")), "{told:#?}");
    lab.end().await;
}

fn copy_dir(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Sends the head of an upload and some of its bytes over a plain connection.
async fn begin_upload(lab: &Lab, id: Uuid, length: usize, some: &[u8]) -> tokio::net::TcpStream {
    let address = lab.nfvo.as_ref().unwrap().address();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "PUT /vnfpkgm/v2/vnf_packages/{id}/package_content HTTP/1.1\r\nHost: {address}\r\n\
         Content-Type: application/zip\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(some).await.unwrap();
    stream
}

async fn state(lab: &Lab, id: Uuid) -> String {
    lab.packages.get(id).await.unwrap().unwrap().onboarding_state.as_str().to_owned()
}

/// Waits until the package is in a state; the lab's own time-out ends a test that waits in vain.
async fn until(lab: &Lab, id: Uuid, wanted: &str) {
    let waiting = async {
        while state(lab, id).await != wanted {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), waiting)
        .await
        .unwrap_or_else(|_| panic!("never {wanted}"));
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing_and_can_be_sent_again() {
    let mut lab = Lab::start().await;
    let archive = std::fs::read(lab.pack("edge", b"an image")).unwrap();
    let id = lab.packages.create(&Default::default()).await.unwrap().id;
    let stream = begin_upload(&lab, id, archive.len(), &archive[..100]).await;
    until(&lab, id, "UPLOADING").await;
    let meanwhile = lab.packages.upload(id, None, once(archive.clone())).await.unwrap_err();
    assert_eq!(meanwhile.status(), Some(409), "two uploads at once");
    assert_eq!(lab.packages.delete(id).await.unwrap_err().status(), Some(409), "deleting what is being uploaded");
    drop(stream);
    until(&lab, id, "CREATED").await;
    assert!(lab.files().is_empty(), "{:?}", lab.files());

    // The same with the process ending in the middle of it.
    let _stream = begin_upload(&lab, id, archive.len(), &archive[..100]).await;
    until(&lab, id, "UPLOADING").await;
    lab.crash_and_restart().await;
    assert_eq!(state(&lab, id).await, "CREATED");
    assert!(lab.files().is_empty(), "{:?}", lab.files());
    lab.packages.upload(id, None, once(archive)).await.unwrap();
    assert_eq!(state(&lab, id).await, "ONBOARDED");
    lab.end().await;
}

#[tokio::test]
async fn an_archive_that_is_too_large_is_refused_before_it_is_there() {
    let lab = Lab::with(|c| c.max_archive_bytes = 1 << 20).await;
    let id = lab.packages.create(&Default::default()).await.unwrap().id;
    // Announced as too large: refused at the head.
    let mut stream = begin_upload(&lab, id, 2 << 20, b"").await;
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 413");
    // Not announced: refused at the first byte too many.
    let chunks = futures::stream::iter((0..40).map(|_| Ok::<_, std::io::Error>(bytes::Bytes::from(vec![0; 64 << 10]))));
    let refused = lab.packages.upload(id, None, chunks).await;
    assert!(refused.is_err());
    until(&lab, id, "CREATED").await;
    assert!(lab.files().is_empty(), "{:?}", lab.files());
    lab.end().await;
}

#[tokio::test]
async fn an_archive_without_a_record_is_swept_up_at_the_next_start() {
    let mut lab = Lab::start().await;
    let kept = lab.onboard("edge").await;
    let stray = lab.dir.path().join(format!("state/packages/{}.zip", Uuid::new_v4()));
    std::fs::write(&stray, b"left by a crash").unwrap();
    lab.crash_and_restart().await;
    assert_eq!(lab.files(), [format!("packages/{}.zip", kept.id)]);
    lab.end().await;
}

#[tokio::test]
async fn content_of_another_kind_is_refused() {
    let lab = Lab::start().await;
    let id = lab.packages.create(&Default::default()).await.unwrap().id;
    let url = lab.url(&format!("/vnfpkgm/v2/vnf_packages/{id}/package_content"));
    let sent = lab.http.put(url).header("content-type", "multipart/form-data").body("x").send().await.unwrap();
    assert_eq!(sent.status(), 415);
    assert_eq!(state(&lab, id).await, "CREATED");
    lab.end().await;
}
