//! A double of an OpenStack: enough of Keystone, Nova, Neutron and Glance for a network, an image and a server, and the faults
//! that a real one does not play on demand. What it holds is what was asked of it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use uuid::Uuid;

/// What happens to one request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// It is carried out, and the answer breaks off.
    Cut,
    /// It is not carried out: status, document, and seconds to wait.
    Answer(u16, Value, Option<u32>),
}

#[derive(Debug, Default)]
struct Inner {
    url: String,
    token: Uuid,
    tokens: usize,
    holds: BTreeMap<&'static str, Vec<Value>>,
    faults: VecDeque<(String, Fault)>,
    server_fault: Option<String>,
    limits: BTreeMap<String, i64>,
    log: Vec<String>,
}

/// The double.
#[derive(Debug, Clone)]
pub struct Cloud(Arc<Mutex<Inner>>);

impl Cloud {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let cloud = Self(Arc::new(Mutex::new(Inner { url, token: Uuid::new_v4(), ..Inner::default() })));
        let router = Router::new().fallback(answer).with_state(cloud.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        cloud
    }

    /// One that is reached over TLS, with the certificate of the authority that vouches for it, in PEM.
    pub async fn start_with_tls() -> (Self, String) {
        let cloud = Self::start().await;
        let plain = cloud.url().trim_start_matches("http://").to_owned();
        let (acceptor, authority) = acceptor();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        cloud.0.lock().unwrap().url = format!("https://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, plain) = (acceptor.clone(), plain.clone());
                tokio::spawn(async move {
                    // What does not shake hands is nobody.
                    let Ok(mut outside) = acceptor.accept(stream).await else { return };
                    let mut inside = tokio::net::TcpStream::connect(plain).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
                });
            }
        });
        (cloud, authority)
    }

    pub fn url(&self) -> String {
        self.0.lock().unwrap().url.clone()
    }

    /// Lets the next request with this method and path meet a fault.
    pub fn play(&self, method: &str, path: &str, fault: Fault) {
        self.0.lock().unwrap().faults.push_back((format!("{method} {path}"), fault));
    }

    /// The next server ends in ERROR, with these words.
    pub fn fail_next_server(&self, words: &str) {
        self.0.lock().unwrap().server_fault = Some(words.to_owned());
    }

    /// Nova's limits of the project from now on.
    pub fn allow(&self, limit: &str, most: i64) {
        self.0.lock().unwrap().limits.insert(limit.to_owned(), most);
    }

    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.0.lock().unwrap().log.iter().filter(|line| line.contains(path)).count()
    }

    /// The token that was given out is good no more.
    pub fn revoke(&self) {
        self.0.lock().unwrap().token = Uuid::new_v4();
    }

    /// Tokens given out.
    pub fn tokens(&self) -> usize {
        self.0.lock().unwrap().tokens
    }

    /// Networks that lead to the outside, by their operator.
    pub fn lead_outside(&self, names: &[&str]) {
        let networks = names.iter().map(|name| json!({ "id": name, "name": name, "router:external": true }));
        self.0.lock().unwrap().holds.entry("networks").or_default().extend(networks);
    }

    /// A flavour that its operator made: virtual CPUs, MiB of memory, GiB of disk.
    pub fn put_flavour(&self, id: &str, vcpus: u32, ram: u32, disk: u32) {
        let flavour = json!({ "id": id, "name": id, "vcpus": vcpus, "ram": ram, "disk": disk });
        self.0.lock().unwrap().holds.entry("flavors").or_default().push(flavour);
    }

    /// The ports of floating addresses were removed by somebody else, who left these.
    pub fn lose_ports_of_floating(&self) {
        let mut inner = self.0.lock().unwrap();
        for floating in inner.holds.get_mut("floatingips").into_iter().flatten() {
            floating["port_id"] = Value::Null;
        }
        inner.holds.entry("ports").or_default().retain(|port| !port["device_id"].is_null());
    }

    /// A member of the first thing of a kind.
    pub fn first(&self, kind: &str, member: &str) -> Value {
        self.0.lock().unwrap().holds[kind][0][member].clone()
    }

    pub fn count(&self, kind: &str) -> usize {
        self.0.lock().unwrap().holds.get(kind).map_or(0, Vec::len)
    }

    pub fn ids(&self, kind: &str) -> Vec<String> {
        let inner = self.0.lock().unwrap();
        inner.holds.get(kind).into_iter().flatten().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Requests answered.
    pub fn requests(&self) -> usize {
        self.0.lock().unwrap().log.len()
    }

    /// The last `n` of them.
    pub fn last(&self, n: usize) -> Vec<String> {
        let inner = self.0.lock().unwrap();
        inner.log[inner.log.len() - n..].to_vec()
    }
}

/// A server's side of TLS for 127.0.0.1, and the certificate of the authority that vouches for it.
fn acceptor() -> (TlsAcceptor, String) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "an authority of its own");
    let authority_key = KeyPair::generate().unwrap();
    let pem = authority.self_signed(&authority_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let own = own.signed_by(&key, &Issuer::new(authority, authority_key)).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), pem)
}

async fn answer(State(cloud): State<Cloud>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let (method, path) = (parts.method.as_str(), parts.uri.path().trim_end_matches('/').to_owned());
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let mut inner = cloud.0.lock().unwrap();
    inner.log.push(format!("{method} {path}?{query}"));
    if path == "/v3/auth/tokens" {
        return inner.log_in();
    }
    let token = parts.headers.get("x-auth-token").and_then(|token| token.to_str().ok()).unwrap_or_default();
    if path.contains("/v2") && path.matches('/').count() > 2 && token != inner.token.to_string() {
        return told(
            401,
            &json!({ "error": { "code": 401, "message": "The request you have made requires authentication." } }),
        );
    }
    let line = format!("{method} {path}");
    let at = inner.faults.iter().position(|(played, _)| *played == line);
    match at.and_then(|at| inner.faults.remove(at)) {
        Some((_, Fault::Answer(status, document, wait))) => {
            let mut answer = told(status, &document);
            if let Some(seconds) = wait {
                answer.headers_mut().insert("retry-after", seconds.into());
            }
            answer
        }
        Some((_, Fault::Cut)) => {
            inner.carry_out(method, &path, &query, &body);
            let broken = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "cut");
            Body::from_stream(futures::stream::iter([Ok(Bytes::from_static(b"{")), Err(broken)]))
                .into_response_with(200)
        }
        None => inner.carry_out(method, &path, &query, &body),
    }
}

trait IntoResponseWith {
    fn into_response_with(self, status: u16) -> Response;
}

impl IntoResponseWith for Body {
    fn into_response_with(self, status: u16) -> Response {
        Response::builder().status(status).header("x-openstack-request-id", "req-double").body(self).unwrap()
    }
}

fn told(status: u16, document: &Value) -> Response {
    Body::from(document.to_string()).into_response_with(status)
}

/// The double's clock, so many seconds from now, as services write it.
fn time(offset: i64) -> String {
    let now = db::Clock::now_micros(&db::SystemClock);
    let at = chrono::DateTime::from_timestamp_micros(now + offset * 1_000_000).unwrap();
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl Inner {
    fn log_in(&mut self) -> Response {
        self.tokens += 1;
        let named = |name: &str| json!({ "id": name, "name": name, "domain": { "id": "default", "name": "Default" } });
        let service = |kind: &str, path: &str| {
            json!({ "type": kind, "name": kind, "id": kind, "endpoints": [
            { "id": kind, "interface": "public", "region": "R", "region_id": "R", "url": format!("{}{path}", self.url) }] })
        };
        let document = json!({ "token": {
            "methods": ["password"], "expires_at": time(3600), "issued_at": time(0), "user": named("nfv"),
            "project": named("telco"), "roles": [{ "id": "m", "name": "member" }],
            "catalog": [service("identity", "/v3"), service("compute", "/compute/v2.1"), service("network", "/network"),
                service("image", "/image")],
        }});
        let mut answer = told(201, &document);
        answer.headers_mut().insert("x-subject-token", self.token.to_string().parse().unwrap());
        answer
    }

    fn version(&self, id: &str, path: &str, newest: &str) -> Value {
        json!({ "id": id, "status": "CURRENT", "version": newest, "min_version": if newest.is_empty() { "" } else { "2.1" },
            "links": [{ "rel": "self", "href": format!("{}{path}", self.url) }] })
    }

    fn carry_out(&mut self, method: &str, path: &str, query: &str, body: &Bytes) -> Response {
        let asked: Value = serde_json::from_slice(body).unwrap_or_default();
        let rest: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (method, rest.as_slice()) {
            ("GET", ["v3"]) => told(200, &json!({ "version": self.version("v3.14", "/v3/", "") })),
            ("GET", ["compute", "v2.1"]) => {
                told(200, &json!({ "version": self.version("v2.1", "/compute/v2.1/", "2.90") }))
            }
            ("GET", ["network"]) => told(200, &json!({ "versions": [self.version("v2.0", "/network/v2.0/", "")] })),
            ("GET", ["image"]) => told(300, &json!({ "versions": [self.version("v2.15", "/image/v2/", "")] })),
            ("GET", [_, _, "extensions"]) => {
                told(200, &json!({ "extensions": [{ "alias": "port-security" }, { "alias": "router" }] }))
            }
            ("GET", [_, _, "limits"]) => told(200, &json!({ "limits": { "absolute": self.limits } })),
            ("GET", [_, _, "os-availability-zone"]) => told(
                200,
                &json!({ "availabilityZoneInfo": [{ "zoneName": "nova", "zoneState": { "available": true } }] }),
            ),
            ("GET", [_, _, "servers", "detail"]) => self.list_servers(query),
            ("GET", [_, _, "flavors", "detail"]) => self.list("flavors"),
            ("GET", [_, _, "networks"]) => self.list("networks"),
            ("GET", [_, _, "ports"]) => self.list("ports"),
            ("GET", [_, _, "subnets"]) => self.list("subnets"),
            ("GET", [_, _, "routers"]) => self.list("routers"),
            ("GET", [_, _, "floatingips"]) => self.list("floatingips"),
            ("POST", [_, _, "routers"]) => self.hold("routers", "router", asked["router"].clone()),
            ("POST", [_, _, "floatingips"]) => {
                let mut floating = asked["floatingip"].clone();
                floating["floating_ip_address"] = json!(format!("203.0.113.{}", 10 + self.log.len() % 200));
                self.hold("floatingips", "floatingip", floating)
            }
            ("PUT", [_, _, "floatingips", id]) => {
                let all = self.holds.get_mut("floatingips").into_iter().flatten();
                for floating in all.filter(|floating| floating["id"] == *id) {
                    floating["port_id"] = asked["floatingip"]["port_id"].clone();
                }
                self.one("floatingips", "floatingip", id)
            }
            ("PUT", [_, _, "routers", id, "add_router_interface"]) => {
                let subnet = asked["subnet_id"].clone();
                let id = id.to_string();
                self.hold("ports", "port", json!({ "device_id": id, "fixed_ips": [{ "subnet_id": subnet }] }))
            }
            ("PUT", [_, _, "routers", id, "remove_router_interface"]) => {
                self.holds.entry("ports").or_default().retain(|port| port["device_id"] != *id);
                told(200, &Value::Null)
            }
            ("GET", [_, _, "security-groups"]) => self.list("security_groups"),
            ("GET", [_, _, "os-server-groups"]) => self.list("server_groups"),
            ("GET", [_, _, "images"]) => self.list("images"),
            ("POST", [_, _, "networks"]) => self.hold("networks", "network", asked["network"].clone()),
            ("POST", [_, _, "subnets"]) => self.hold("subnets", "subnet", asked["subnet"].clone()),
            ("POST", [_, _, "ports"]) => {
                let mut port = asked["port"].clone();
                let [a, b, c, ..] = Uuid::new_v4().into_bytes();
                port["mac_address"] = json!(format!("fa:16:3e:{a:02x}:{b:02x}:{c:02x}"));
                for fixed in port["fixed_ips"].as_array_mut().into_iter().flatten() {
                    if fixed["ip_address"].is_null() {
                        fixed["ip_address"] = json!(format!("10.9.{a}.{}", b.max(2)));
                    }
                }
                self.hold("ports", "port", port)
            }
            ("POST", [_, _, "security-groups"]) => {
                self.hold("security_groups", "security_group", asked["security_group"].clone())
            }
            ("POST", [_, _, "security-group-rules"]) => {
                self.hold("security_group_rules", "security_group_rule", asked["security_group_rule"].clone())
            }
            ("POST", [_, _, "os-server-groups"]) => {
                self.hold("server_groups", "server_group", asked["server_group"].clone())
            }
            ("POST", [_, _, "flavors"]) => self.hold("flavors", "flavor", asked["flavor"].clone()),
            ("POST", [_, _, "servers"]) => self.boot(asked["server"].clone()),
            ("POST", [_, _, "images"]) => {
                let mut image = asked;
                image["status"] = json!("queued");
                self.hold("images", "", image)
            }
            ("PUT", [_, _, "images", id, "file"]) => {
                let image = self.holds.get_mut("images").unwrap().iter_mut().find(|image| image["id"] == *id);
                image.unwrap()["status"] = json!("active");
                told(204, &Value::Null)
            }
            ("GET", [_, _, "images", id]) => self.one("images", "", id),
            ("GET", [_, _, "servers", id]) => self.one("servers", "server", id),
            ("POST", [_, _, "servers", id, "action"]) => self.act(id, &asked),
            ("GET", [_, _, "servers", _, "os-interface"]) => told(200, &json!({ "interfaceAttachments": [] })),
            ("GET", [_, _, "servers", id, "os-instance-actions"]) => {
                let said = json!({ "action": "live-migration", "message": "Error", "request_id": format!("req-{id}") });
                told(200, &json!({ "instanceActions": [said] }))
            }
            ("DELETE", [_, _, kind, id]) => {
                let kind = kind.replace('-', "_");
                if let Some(held) = self.holds.get_mut(kind.as_str()) {
                    held.retain(|item| item["id"] != *id);
                }
                told(204, &Value::Null)
            }
            ("GET", [_, _, "os-hypervisors", ..] | [_, _, "os-availability-zone", "detail"]) => {
                told(403, &json!({ "forbidden": { "code": 403, "message": "Policy does not allow it" } }))
            }
            _ => told(404, &json!({ "itemNotFound": { "code": 404, "message": format!("{method} {path}") } })),
        }
    }

    fn list(&self, kind: &'static str) -> Response {
        told(200, &json!({ kind: self.holds.get(kind).cloned().unwrap_or_default() }))
    }

    fn hold(&mut self, kind: &'static str, key: &str, mut item: Value) -> Response {
        if item["id"].is_null() {
            item["id"] = json!(Uuid::new_v4());
        }
        self.holds.entry(kind).or_default().push(item.clone());
        told(201, &if key.is_empty() { item } else { json!({ key: item }) })
    }

    fn one(&self, kind: &'static str, key: &str, id: &str) -> Response {
        match self.holds.get(kind).into_iter().flatten().find(|item| item["id"] == id) {
            Some(item) if key.is_empty() => told(200, item),
            Some(item) => told(200, &json!({ key: item })),
            None => told(404, &json!({ "itemNotFound": { "code": 404, "message": "gone" } })),
        }
    }

    fn boot(&mut self, mut server: Value) -> Response {
        let flavours = self.holds.get("flavors").cloned().unwrap_or_default();
        let mut flavour = flavours.into_iter().find(|flavour| flavour["id"] == server["flavorRef"]).unwrap_or_default();
        flavour["original_name"] = flavour["name"].clone();
        server["flavor"] = flavour;
        server["status"] = json!("BUILD");
        server["updated"] = json!(time(0));
        server["OS-EXT-STS:task_state"] = json!("spawning");
        server["OS-SRV-USG:launched_at"] = Value::Null;
        server["will_fail"] = json!(self.server_fault.take());
        self.hold("servers", "server", server)
    }

    /// Moves a server: at once when it is stopped for it, by the next look when it goes on meanwhile.
    fn act(&mut self, id: &str, asked: &Value) -> Response {
        let Some(server) = self.holds.get_mut("servers").into_iter().flatten().find(|server| server["id"] == id) else {
            return told(404, &json!({ "itemNotFound": { "code": 404, "message": "gone" } }));
        };
        let to = |host: &Value| host.as_str().unwrap_or("host2").to_owned();
        server["updated"] = json!(time(2));
        if let Some(live) = asked.get("os-migrateLive") {
            server["status"] = json!("MIGRATING");
            server["OS-EXT-STS:task_state"] = json!("migrating");
            server["moves_to"] = json!(to(&live["host"]));
        } else if let Some(cold) = asked.get("migrate") {
            server["status"] = json!("VERIFY_RESIZE");
            server["OS-EXT-SRV-ATTR:host"] = json!(to(&cold["host"]));
        } else if asked.get("confirmResize").is_some() {
            server["status"] = json!("ACTIVE");
        }
        told(202, &Value::Null)
    }

    /// With each look a server that is being made is made, and one that moves arrives; on a host that is full none does.
    fn list_servers(&mut self, query: &str) -> Response {
        let listed = self.holds.get("servers").cloned().unwrap_or_default();
        if query.contains("name=") {
            return told(200, &json!({ "servers": listed }));
        }
        for server in self.holds.get_mut("servers").into_iter().flatten().filter(|server| server["status"] == "BUILD") {
            server["OS-EXT-STS:task_state"] = Value::Null;
            server["updated"] = json!(time(1));
            if let Some(words) = server["will_fail"].as_str().map(str::to_owned) {
                server["status"] = json!("ERROR");
                server["fault"] = json!({ "code": 500, "message": words });
            } else {
                server["status"] = json!("ACTIVE");
                server["OS-SRV-USG:launched_at"] = json!(time(1));
                server["OS-EXT-SRV-ATTR:host"] = json!("host1");
                server["OS-EXT-AZ:availability_zone"] = json!("nova");
            }
        }
        let all = self.holds.get_mut("servers").into_iter().flatten();
        for server in all.filter(|server| server["status"] == "MIGRATING") {
            server["status"] = json!("ACTIVE");
            server["OS-EXT-STS:task_state"] = Value::Null;
            server["updated"] = json!(time(3));
            if server["moves_to"] != "full" {
                server["OS-EXT-SRV-ATTR:host"] = server["moves_to"].clone();
            }
        }
        told(200, &json!({ "servers": listed }))
    }
}
