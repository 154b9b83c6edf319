//! Hostile requests against the VNFM are refused, and the requests of another client all succeed meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use mano_tests::lab::Lab;
use mano_tests::samples;
use reference_points::or_vi::SimSpec;
use reference_points::or_vnfm::{CreateVnfRequest, LcmClient};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const WEB: &str = "6f1a9a3e-52d5-4d0b-9c2e-0d1f6b8a1001";
const HUNDRED_MB: usize = 100 * 1024 * 1024;
/// How often each hostile request is sent, side by side.
const TIMES: usize = 4;
/// Connections that send a head byte by byte.
const SLOW: usize = 200;

/// What it is, its head, the part that its body repeats, the body's size, and the statuses that refuse it.
type Hostile<'a> = (&'a str, String, &'a [u8], usize, &'a [u16]);

/// A client that makes, reads, lists and deletes VNF instances until it is told to stop; any failure is a panic.
async fn bystander(vnfm: LcmClient, stop: Arc<AtomicBool>, done: Arc<AtomicUsize>) {
    let request: CreateVnfRequest =
        serde_json::from_value(json!({ "vnfdId": WEB, "vnfInstanceName": "bystander" })).unwrap();
    while !stop.load(Ordering::Relaxed) {
        let made = vnfm.create(&request).await.expect("created");
        vnfm.get(made.id).await.expect("read").expect("it is there");
        vnfm.list("?filter=(eq,vnfInstanceName,bystander)").await.expect("listed");
        vnfm.delete(made.id).await.expect("deleted");
        done.fetch_add(4, Ordering::Relaxed);
    }
}

/// Sends `head` and then `chunk` until `size` bytes of body are sent or the other side has had enough. The status, when
/// one could be read, and how many bytes of the body went out.
async fn sent(address: &str, head: String, chunk: &[u8], size: usize) -> (Option<u16>, usize) {
    let (mut reader, mut writer) = TcpStream::connect(address).await.expect("a connection").into_split();
    let answer = tokio::spawn(async move {
        let mut text = [0; 64];
        let mut read = 0;
        while read < 12 {
            match reader.read(&mut text[read..]).await {
                Ok(0) | Err(_) => return None,
                Ok(n) => read += n,
            }
        }
        String::from_utf8_lossy(&text[9..12]).parse::<u16>().ok()
    });
    let mut out = 0;
    if writer.write_all(head.as_bytes()).await.is_ok() {
        while out < size && !answer.is_finished() {
            let part = &chunk[..chunk.len().min(size - out)];
            if writer.write_all(part).await.is_err() {
                break;
            }
            out += part.len();
        }
    }
    (answer.await.unwrap(), out)
}

fn post(headers: &str) -> String {
    format!("POST /vnflcm/v2/vnf_instances HTTP/1.1\r\nhost: vnfm\r\ncontent-type: application/json\r\n{headers}\r\n")
}

fn get(query: &str, headers: &str) -> String {
    format!("GET /vnflcm/v2/vnf_instances{query} HTTP/1.1\r\nhost: vnfm\r\nconnection: close\r\n{headers}\r\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_requests_are_refused_while_another_client_goes_on() {
    let lab = Lab::simulated(SimSpec::default()).await;
    lab.onboard_package(&samples::pack("web", Some(&samples::pretended_image(lab.path())), lab.path())).await;
    let address = lab.services["vnfm"].url.trim_start_matches("http://").to_owned();
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let other = tokio::spawn(bystander(LcmClient::new(&lab.services["vnfm"].url), stop.clone(), done.clone()));

    let mut slow = Vec::new();
    for _ in 0..SLOW {
        let mut stream = TcpStream::connect(&address).await.expect("a connection");
        stream.write_all(b"GET /vnflcm/v2/vnf_instances HTTP/1.1\r\nhost: v").await.unwrap();
        slow.push(stream);
    }

    let deep = "[".repeat(1 << 20);
    let garbage: Vec<u8> = (0..1_u32 << 20).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let blank = vec![b' '; 64 * 1024];
    let chunk = [format!("{:x}\r\n", blank.len()).as_bytes(), &blank, b"\r\n"].concat();
    let million = format!("?filter=(in,id,{})", "1,".repeat(1_000_000));
    let headers: String = (0..10_000).map(|n| format!("x-{n}: 1\r\n")).collect();
    let sized = |n: usize| post(&format!("content-length: {n}\r\nconnection: close\r\n"));
    let rows: [Hostile<'_>; 7] = [
        ("a body of 100 MB", sized(HUNDRED_MB), &blank, HUNDRED_MB, &[413]),
        ("a body of 100 MB in chunks", post("transfer-encoding: chunked\r\n"), &chunk, HUNDRED_MB, &[413]),
        ("a body of garbage", sized(garbage.len()), &garbage, garbage.len(), &[400]),
        ("deeply nested JSON", sized(deep.len()), deep.as_bytes(), deep.len(), &[400]),
        ("a filter of a million elements", get(&million, ""), b"", 0, &[414, 431]),
        ("10,000 headers", get("", &headers), b"", 0, &[431]),
        ("what is no HTTP", "\u{1}\u{2}\u{3}\r\n\r\n".to_owned(), b"", 0, &[400]),
    ];
    for (what, head, chunk, size, expected) in &rows {
        let before = done.load(Ordering::Relaxed);
        let attempts = (0..TIMES).map(|_| sent(&address, head.clone(), chunk, *size));
        for (status, out) in futures::future::join_all(attempts).await {
            // Who is still sending may find the connection closed before the answer is read.
            assert!(status.is_none_or(|s| expected.contains(&s)), "{what}: {status:?}");
            assert!(status.is_some() || *size >= HUNDRED_MB || size == &0, "{what}: no answer");
            assert!(out < HUNDRED_MB, "{what}: all of it was taken");
        }
        for stream in &mut slow {
            stream.write_all(b"x").await.expect("slow callers are borne for a while");
        }
        while done.load(Ordering::Relaxed) == before && !other.is_finished() {
            tokio::task::yield_now().await;
        }
        println!("{what}: refused {TIMES} times; the other client: {} requests", done.load(Ordering::Relaxed));
    }
    stop.store(true, Ordering::Relaxed);
    other.await.expect("every request of the other client succeeds");
    assert!(done.load(Ordering::Relaxed) >= 4 * rows.len());
    assert!(lab.vnfs.list("?filter=(eq,vnfInstanceName,bystander)").await.unwrap().body.is_empty());
}
