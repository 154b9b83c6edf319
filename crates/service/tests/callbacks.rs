//! Call-backs over TLS against a real server, with certificates made here, and tokens that are kept until they expire
//! (SOL013 clause 8.3.4).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use db::testing::TestDb;
use db::{Clock, Db, ManualClock};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslAcceptor, SslMethod, SslVerifyMode};
use openssl::x509::extension::{BasicConstraints, KeyUsage, SubjectAlternativeName};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509Builder, X509NameBuilder};
use reference_points::or_vnfm::SubscriptionAuthentication;
use serde_json::{Value, json};
use service::config::{CallbackConfig, SecretFile, TlsConfig};
use service::http::{ApiError, ApiResult};
use service::notify::{Asked, Callers, Notification, Notifier, Subscribed};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A key with its certificate.
struct Identity {
    key: PKey<Private>,
    certificate: X509,
}

/// An identity for 127.0.0.1 called `name`, signed by `issuer`, or an authority.
fn identity(name: &str, issuer: Option<&Identity>) -> Identity {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(issuer.map_or(&subject, |i| i.certificate.subject_name())).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
    builder.set_pubkey(&key).unwrap();
    if issuer.is_some() {
        let context = builder.x509v3_context(None, None);
        let names = SubjectAlternativeName::new().ip("127.0.0.1").build(&context).unwrap();
        builder.append_extension(names).unwrap();
    } else {
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
        builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build().unwrap()).unwrap();
    }
    builder.sign(issuer.map_or(&key, |i| &i.key), MessageDigest::sha256()).unwrap();
    Identity { certificate: builder.build(), key }
}

/// What the server took: who called, what for, with which Authorization, and the body.
#[derive(Debug)]
struct Taken {
    caller: Option<String>,
    line: String,
    authorization: Option<String>,
    body: String,
}

/// A subscriber with a token endpoint over TLS; with `demands`, only for callers with a certificate of that authority.
fn server(own: &Identity, demands: Option<&Identity>) -> (String, Receiver<Taken>) {
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
    acceptor.set_private_key(&own.key).unwrap();
    acceptor.set_certificate(&own.certificate).unwrap();
    if let Some(authority) = demands {
        let mut store = X509StoreBuilder::new().unwrap();
        store.add_cert(authority.certificate.clone()).unwrap();
        acceptor.set_verify_cert_store(store.build()).unwrap();
        acceptor.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    }
    let acceptor = acceptor.build();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let (told, taken) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // What does not shake hands is nobody.
            if let Ok(stream) = acceptor.accept(stream.unwrap()) {
                let _ = answer(stream, &told);
            }
        }
    });
    (url, taken)
}

fn answer(mut stream: openssl::ssl::SslStream<std::net::TcpStream>, told: &Sender<Taken>) -> std::io::Result<()> {
    let caller = stream.ssl().peer_certificate().and_then(|c| {
        let name = c.subject_name().entries_by_nid(Nid::COMMONNAME).next()?;
        String::from_utf8(name.data().as_slice().to_vec()).ok()
    });
    let mut reader = BufReader::new(&mut stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let (mut length, mut authorization) = (0, None);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "authorization" => authorization = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let token = r#"{"access_token":"t0ken","token_type":"bearer","expires_in":3600}"#;
    let text = if line.contains("/token") {
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n", token.len())
    } else {
        "HTTP/1.1 204 No Content\r\n".to_owned()
    };
    let rest = if line.contains("/token") { token } else { "" };
    let line = line.trim().to_owned();
    let _ = told.send(Taken { caller, line, authorization, body: String::from_utf8(body).unwrap() });
    stream.write_all(format!("{text}connection: close\r\n\r\n{rest}").as_bytes())?;
    let _ = stream.shutdown();
    Ok(())
}

/// Clients that believe `authority` and show `own`.
fn callers(dir: &Path, authority: &Identity, own: Option<&Identity>) -> Callers {
    use std::os::unix::fs::PermissionsExt;
    let written = |name: &str, pem: Vec<u8>| {
        let path = dir.join(name);
        std::fs::write(&path, pem).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    };
    let ca_file = Some(written("ca.pem", authority.certificate.to_pem().unwrap()));
    let cert_file = own.map(|own| written("own.pem", own.certificate.to_pem().unwrap()));
    let key_file = own.map(|own| SecretFile::new(written("own.key", own.key.private_key_to_pem_pkcs8().unwrap())));
    Callers::new(&CallbackConfig { tls: Some(TlsConfig { ca_file, cert_file, key_file }) }).unwrap()
}

async fn notifier(db: &Db, clock: &ManualClock, callers: Callers) -> Notifier {
    service::store::migrate(db).await.unwrap();
    let clock = Arc::new(clock.clone());
    let opened = Notifier::open(db.clone(), clock, "vnflcm", "http://vnfm/subscriptions", |_, _| true, |_, _| {}).await;
    opened.unwrap().by(callers)
}

async fn subscribe(notifier: &Notifier, uri: &str, authentication: Option<Value>) -> ApiResult<Subscribed> {
    let authentication: Option<SubscriptionAuthentication> = authentication.map(|a| serde_json::from_value(a).unwrap());
    notifier.subscribe(Asked { callback_uri: uri.to_owned(), authentication, ..Asked::default() }).await
}

async fn tell(notifier: &Notifier, db: &Db, clock: &ManualClock, n: i64) {
    db::transaction!(db, |tx| {
        let payload = json!({ "n": n });
        let notification = Notification { id: Uuid::new_v4(), payload, attributes: Value::Null };
        notifier.enqueue(tx, notification, clock.now_micros()).await?;
        Ok::<_, ApiError>(())
    })
    .unwrap();
    notifier.kick();
}

fn next(taken: &Mutex<Receiver<Taken>>) -> Taken {
    taken.lock().unwrap().recv_timeout(Duration::from_secs(60)).expect("a request")
}

const WITH_CERTIFICATE: &str = r#"{"authType": ["TLS_CERT"]}"#;

fn with_certificate() -> Option<Value> {
    Some(serde_json::from_str(WITH_CERTIFICATE).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_that_demands_a_certificate_is_shown_the_services() {
    let dir = tempfile::tempdir().unwrap();
    let authority = identity("authority", None);
    let (there, own) = (identity("subscriber", Some(&authority)), identity("vnfm.example", Some(&authority)));
    let (url, taken) = server(&there, Some(&authority));
    let taken = Mutex::new(taken);
    let (db, clock) = (TestDb::sqlite().await, ManualClock::new(1_000_000_000));
    let notifier = notifier(&db, &clock, callers(dir.path(), &authority, Some(&own))).await;
    let made = subscribe(&notifier, &format!("{url}/told"), with_certificate()).await.unwrap();
    assert!(matches!(made, Subscribed::New(..)), "{made:?}");
    let test = next(&taken);
    assert_eq!((test.line.as_str(), test.caller.as_deref()), ("GET /told HTTP/1.1", Some("vnfm.example")));

    let (told, stop) = (notifier.clone(), CancellationToken::new());
    let shutdown = stop.clone();
    let task = tokio::spawn(async move { told.deliver(shutdown).await });
    tell(&notifier, &db, &clock, 1).await;
    let got = next(&taken);
    assert_eq!((got.line.as_str(), got.caller.as_deref()), ("POST /told HTTP/1.1", Some("vnfm.example")));
    assert!(got.body.contains("\"n\":1"), "{got:?}");
    stop.cancel();
    task.await.unwrap();

    // Who asks for no certificate is shown none, and this server lets nobody in without.
    let refused = subscribe(&notifier, &format!("{url}/bare"), None).await.unwrap_err();
    assert_eq!((refused.problem.status, refused.problem.faults[0].location.as_str()), (422, "/callbackUri"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_of_an_unknown_authority_is_refused_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let (authority, other) = (identity("authority", None), identity("other", None));
    let (url, _taken) = server(&identity("subscriber", Some(&other)), None);
    let (db, clock) = (TestDb::sqlite().await, ManualClock::new(1_000_000_000));
    let notifier = notifier(&db, &clock, callers(dir.path(), &authority, None)).await;
    let refused = subscribe(&notifier, &format!("{url}/told"), None).await.unwrap_err();
    assert_eq!(refused.problem.status, 422);
    assert!(refused.problem.faults[0].message.contains("certificate"), "{:?}", refused.problem.faults);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn https_call_backs_need_no_certificate_where_none_is_demanded() {
    let dir = tempfile::tempdir().unwrap();
    let authority = identity("authority", None);
    let (url, taken) = server(&identity("subscriber", Some(&authority)), None);
    let (db, clock) = (TestDb::sqlite().await, ManualClock::new(1_000_000_000));
    let notifier = notifier(&db, &clock, callers(dir.path(), &authority, None)).await;
    subscribe(&notifier, &format!("{url}/told"), None).await.unwrap();
    assert_eq!(next(&Mutex::new(taken)).caller, None);
    // Nor can a certificate be asked for that the service does not have, or where none can be shown.
    let refused = subscribe(&notifier, "http://127.0.0.1:1/told", with_certificate()).await.unwrap_err();
    let places: Vec<&str> = refused.problem.faults.iter().map(|f| f.location.as_str()).collect();
    assert_eq!((refused.problem.status, places), (400, vec!["/authentication/authType", "/callbackUri"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_an_https_endpoint_is_kept_until_it_expires() {
    let dir = tempfile::tempdir().unwrap();
    let authority = identity("authority", None);
    let (url, taken) = server(&identity("subscriber", Some(&authority)), None);
    let taken = Mutex::new(taken);
    let (db, clock) = (TestDb::sqlite().await, ManualClock::new(1_000_000_000));
    let notifier = notifier(&db, &clock, callers(dir.path(), &authority, None)).await;
    let authentication = json!({ "authType": ["OAUTH2_CLIENT_CREDENTIALS"], "paramsOauth2ClientCredentials":
        { "clientId": "client", "clientPassword": "secret", "tokenEndpoint": format!("{url}/token") } });
    subscribe(&notifier, &format!("{url}/told"), Some(authentication)).await.unwrap();
    let asked = next(&taken);
    assert_eq!(
        (asked.line.as_str(), asked.authorization.as_deref()),
        ("POST /token HTTP/1.1", Some("Basic Y2xpZW50OnNlY3JldA=="))
    );
    assert_eq!(next(&taken).line, "GET /told HTTP/1.1");

    let (told, stop) = (notifier.clone(), CancellationToken::new());
    let shutdown = stop.clone();
    let task = tokio::spawn(async move { told.deliver(shutdown).await });
    for n in 1..=2 {
        tell(&notifier, &db, &clock, n).await;
        let got = next(&taken);
        assert_eq!((got.line.as_str(), got.authorization.as_deref()), ("POST /told HTTP/1.1", Some("Bearer t0ken")));
    }
    stop.cancel();
    task.await.unwrap();
    clock.advance(Duration::from_secs(3600));
    let (told, stop) = (notifier.clone(), CancellationToken::new());
    let shutdown = stop.clone();
    let task = tokio::spawn(async move { told.deliver(shutdown).await });
    tell(&notifier, &db, &clock, 3).await;
    assert_eq!(next(&taken).line, "POST /token HTTP/1.1", "the token is too old");
    assert_eq!(next(&taken).line, "POST /told HTTP/1.1");
    stop.cancel();
    task.await.unwrap();
}
