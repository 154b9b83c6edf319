//! The client against peers that are slow, silent, broken or hostile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use ovsdb::{Client, Connection, Endpoint, Error, Options, Status, op};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::UnixListener;

fn pair(options: Options) -> (Client, DuplexStream) {
    let (ours, theirs) = duplex(64 * 1024);
    (Client::over(ours, "test".to_owned(), options), theirs)
}

/// Reads one message of the client.
async fn message(peer: &mut DuplexStream) -> serde_json::Value {
    let mut bytes = Vec::new();
    loop {
        bytes.push(peer.read_u8().await.unwrap());
        if let Ok(value) = serde_json::from_slice(&bytes) {
            return value;
        }
    }
}

#[tokio::test]
async fn an_answer_in_single_bytes_with_an_echo_between_is_understood() {
    let (client, mut peer) = pair(Options::default());
    let server = async {
        let asked = message(&mut peer).await;
        assert_eq!(asked["method"], "list_dbs");
        let stream = format!(
            r#"{{"method":"echo","params":["x"],"id":"e"}}{{"id":{},"result":["a}}b","ü"],"error":null}}"#,
            asked["id"]
        );
        for byte in stream.into_bytes() {
            peer.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        let echo = message(&mut peer).await;
        assert_eq!((echo["id"].as_str(), &echo["result"][0]), (Some("e"), &serde_json::json!("x")));
    };
    let (answer, ()) = tokio::join!(client.list_dbs(), server);
    assert_eq!(answer.unwrap(), ["a}b", "ü"]);
}

#[tokio::test]
async fn a_huge_frame_ends_the_session_with_bounded_memory() {
    let (client, mut peer) = pair(Options { max_message_bytes: 100_000, ..Options::default() });
    let flood = async {
        let mut sent = 0usize;
        let _ = peer.write_all(br#"{"id":1,"result":""#).await;
        while peer.write_all(&[b'x'; 10_000]).await.is_ok() {
            sent += 10_000;
            assert!(sent < 10_000_000, "the client swallows without end");
        }
    };
    let (answer, ()) = tokio::join!(client.list_dbs(), flood);
    let error = answer.unwrap_err();
    assert!(error.to_string().contains("larger than 100000 bytes"), "{error}");
    assert!(error.outcome_unknown(), "the request had been sent");
}

#[tokio::test]
async fn a_peer_of_another_protocol_is_named_so() {
    let (client, mut peer) = pair(Options::default());
    peer.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    let reason = client.closed().await;
    assert!(matches!(reason, Error::Protocol { .. }), "{reason}");
    let after = client.transact("D", vec![op::comment("x")]).await.unwrap_err();
    assert!(!after.outcome_unknown() && after.to_string().contains("was not sent"), "{after}");
}

#[tokio::test]
async fn a_peer_that_asks_without_reading_is_cut_off() {
    let (client, mut peer) = pair(Options::default());
    let echo = format!(r#"{{"method":"echo","params":["{}"],"id":1}}"#, "x".repeat(60_000));
    while peer.write_all(echo.as_bytes()).await.is_ok() {}
    assert!(client.closed().await.to_string().contains("does not read"));
}

#[tokio::test]
async fn a_silent_server_is_probed_and_then_given_up() {
    let probe_after = Duration::from_millis(100);
    let (client, mut peer) = pair(Options { inactivity_probe: probe_after, ..Options::default() });
    let started = std::time::Instant::now();
    assert_eq!(message(&mut peer).await["method"], "echo");
    assert!(started.elapsed() >= probe_after);
    // One answer buys another full round.
    peer.write_all(br#"{"id":"probe","result":[],"error":null}"#).await.unwrap();
    assert_eq!(message(&mut peer).await["method"], "echo");
    let reason = client.closed().await;
    assert!(reason.to_string().contains("silent"), "{reason}");
    assert!(started.elapsed() >= probe_after * 3);
}

#[tokio::test]
async fn no_answer_in_time_is_an_unknown_outcome() {
    let (client, mut peer) = pair(Options { request_timeout: Duration::from_millis(50), ..Options::default() });
    let (answer, asked) = tokio::join!(client.transact("D", vec![op::comment("x")]), message(&mut peer));
    assert_eq!(asked["method"], "transact");
    let error = answer.unwrap_err();
    assert!(matches!(error, Error::Timeout { sent: true, .. }) && error.outcome_unknown(), "{error}");
}

#[tokio::test]
async fn a_server_that_hangs_up_is_reconnected_and_the_request_is_not_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sock");
    let options = Options {
        backoff_min: Duration::from_millis(1),
        backoff_max: Duration::from_millis(10),
        request_timeout: Duration::from_millis(300),
        ..Options::default()
    };
    let connection = Connection::open(Endpoint::Unix(path.clone()), options);
    let nobody = connection.list_dbs().await.unwrap_err();
    assert!(matches!(nobody, Error::Connect { .. }) && nobody.is_transient(), "{nobody}");
    assert!(matches!(connection.status(), Status::Down(_)));

    let listener = UnixListener::bind(&path).unwrap();
    let server = async {
        let (mut first, _) = listener.accept().await.unwrap();
        let mut bytes = [0u8; 4096];
        assert!(first.read(&mut bytes).await.unwrap() > 0);
        drop(first);
        let (mut second, _) = listener.accept().await.unwrap();
        let count = second.read(&mut bytes).await.unwrap();
        let asked: serde_json::Value = serde_json::from_slice(&bytes[..count]).unwrap();
        assert_eq!(asked["method"], "list_dbs", "the transaction came again");
        second.write_all(format!(r#"{{"id":{},"result":["D"],"error":null}}"#, asked["id"]).as_bytes()).await.unwrap();
        second
    };
    let client = async {
        let lost = connection.transact("D", vec![op::comment("x")]).await.unwrap_err();
        assert!(lost.outcome_unknown(), "{lost}");
        assert_eq!(connection.list_dbs().await.unwrap(), ["D"]);
    };
    let (_open, ()) = tokio::join!(server, client);
    assert!(matches!(connection.status(), Status::Up));
}
