//! What a real OpenStack has of its own: its report, storage and sizes, refusals in the cloud's own words, an adapter that is killed
//! while it works. What VNFs do on it is in the stories of `demo`, `change` and `upgrade`. (ETSI GS NFV-IFA 005 and 006 over OpenStack; SOL003 clause 4.4.1.6)
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::{Duration, Instant};

use mano_tests::lab::{Lab, Wishes};
use mano_tests::other_nfvo::OtherNfvo;
use mano_tests::{patience, samples, traffic};
use reference_points::or_vi::ViClient;
use reference_points::os_ma_nfvo::mano::RegisterVim;
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
#[ignore = "needs an OpenStack, tests/run --openstack starts one"]
async fn real_openstack_what_it_is_and_lacks_is_told_and_its_secret_is_not() {
    let Some(lab) = Lab::openstack("mano-credential", &Wishes::default()).await else { return };
    let cloud = lab.cloud();
    let shown = lab.mano.vim(lab.vim).await.unwrap();
    assert_eq!(shown.vim_type, "ETSINFV.OPENSTACK_KEYSTONE.V_3");
    let view = shown.vim.clone().unwrap();
    assert!(view.health.values().all(|state| state == "ok"), "{:?}", view.health);
    let report = view.report.unwrap();
    assert!(report.services.iter().any(|s| s.service == "Nova" && s.version.starts_with("2.")), "{report:#?}");
    assert!(report.external_networks.contains(&"external".to_owned()), "{report:#?}");
    assert!(report.quotas["compute cores"].limit.is_some(), "{report:#?}");
    assert!(report.rights["ask placement for capacity"].starts_with("no: "), "{report:#?}");
    assert!(report.missing.iter().any(|missing| missing.contains("Placement")), "{report:#?}");

    // The secret is in no answer and in no file of any service.
    let kind = serde_json::to_value(cloud.kind("mano-credential")).unwrap();
    let secret = kind["accessInfo"]["applicationCredentialSecret"].as_str().unwrap().to_owned();
    assert!(!serde_json::to_string(&shown).unwrap().contains(&secret));
    for file in databases(&lab) {
        let bytes = std::fs::read(&file).unwrap();
        let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!found, "{} holds the secret", file.display());
    }

    // Credentials of somebody else that do not fit are refused, and those that worked stay.
    let mut wrong = kind.clone();
    wrong["accessInfo"]["applicationCredentialSecret"] = json!("not the secret");
    let wrong = RegisterVim { name: "lab".into(), kind: serde_json::from_value(wrong).unwrap() };
    let refused = lab.mano.put_vim(lab.vim, &wrong).await.unwrap_err().to_problem();
    assert!(refused.detail.contains("Keystone"), "{refused:#?}");
    let file = cloud.file();
    let clouds = ["--clouds-yaml", file.to_str().unwrap(), "--cloud", "mano"];
    lab.mano(&[["vim", "rotate", "lab"].as_slice(), &clouds].concat());
    let shown = lab.mano(&["vim", "show", "lab"]);
    assert!(shown.contains("Placement") && shown.contains("external") && shown.contains("missing"), "{shown}");
    // A second one is registered beside it by the cloud's name, and removed as it holds nothing.
    let added = lab.mano_json(&[["vim", "add", "openstack"].as_slice(), &clouds].concat());
    assert_eq!((&added["name"], &added["vimType"]), (&json!("mano"), &json!("ETSINFV.OPENSTACK_KEYSTONE.V_3")));
    lab.mano(&["vim", "delete", "mano"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs an OpenStack, tests/run --openstack starts one"]
async fn real_openstack_what_it_has_by_itself_is_used_for_another_nfvo_that_gives_its_keystone() {
    let Some(image) = samples::guest_image() else { return };
    let other = OtherNfvo::start().await;
    let wishes = Wishes { nfvo: Some(other.url.clone()), ..Wishes::default() };
    let Some(lab) = Lab::openstack("mano", &wishes).await else { return };
    let cloud = |args: &[&str]| lab.cloud().openstack("mano", args);
    let Some(network) = cloud(&["network", "create", "theirs"]) else { return };
    cloud(&["subnet", "create", "--network", "theirs", "--subnet-range", "10.55.0.0/24", "theirs"]);
    let file = image.display().to_string();
    let glance = cloud(&["image", "create", "--disk-format", "qcow2", "--file", &file, "theirs"]).unwrap();
    let management = cloud(&["network", "show", "management"]).unwrap();
    let text = |value: &Value| value["id"].as_str().unwrap().to_owned();

    let kind = serde_json::to_value(lab.cloud().kind("mano")).unwrap();
    let connection = json!({
        "vimId": "their cloud", "vimType": "ETSINFV.OPENSTACK_KEYSTONE.V_3",
        "interfaceInfo": kind["interfaceInfo"], "accessInfo": kind["accessInfo"],
    });
    let flavour = cloud(&["flavor", "show", "lab.medium"]).unwrap();
    let (images, flavours) = ([("web", &*text(&glance))], [("web", &*text(&flavour))]);
    other.grants(&lab.services["nfvo"].url, connection, &images, &flavours);
    lab.onboard_package(&samples::pack("web", Some(&image), lab.path())).await;
    let link = |cpd: &str, network: &Value| {
        let protocol = json!({ "layerProtocol": "IP_OVER_ETHERNET", "ipOverEthernet": {
            "ipAddresses": [{ "type": "IPV4", "numDynamicAddresses": 1 }] } });
        let cp = json!({ "cpdId": cpd, "cpConfig": { "a": { "cpProtocolData": [protocol] } } });
        json!({ "id": cpd, "resourceId": text(network), "extCps": [cp] })
    };
    let request = json!({
        "flavourId": "simple", "extVirtualLinks": [link("data", &network), link("management", &management)],
    });
    let vnf = lab.run_vnf("6f1a9a3e-52d5-4d0b-9c2e-0d1f6b8a1001", "theirs", &request).await;
    let record = lab.vnfs.get(vnf).await.unwrap().unwrap();
    assert!(traffic::managed(&lab, &traffic::urls_of(&record, "management")[0]).await.contains("hello from theirs"));
    assert!(traffic::urls_of(&record, "data")[0].contains("10.55.0."));
    let server = cloud(&["server", "list"]).unwrap()[0].clone();
    assert_eq!((&server["Image"], &server["Flavor"]), (&json!("theirs"), &json!("lab.medium")), "{server:#}");

    // The connection is the vim-adapter's from here on; the credentials are nowhere in what the VNFM shows and keeps.
    let password = kind["accessInfo"]["password"].as_str().unwrap();
    let shown = serde_json::to_string(&record).unwrap();
    assert!(!shown.contains(password) && shown.contains(&lab.services["vim-adapter"].url), "{shown}");
    for file in databases(&lab) {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(password.len()).any(|part| part == password.as_bytes()), "{}", file.display());
    }

    // What was told once need not be told again.
    other.names_its_connection();
    lab.mano(&["vnf", "scale", "theirs", "--out", "servers", "--steps", "1"]);
    let servers = cloud(&["server", "list"]).unwrap();
    let flavours: Vec<&Value> = servers.as_array().unwrap().iter().map(|server| &server["Flavor"]).collect();
    assert_eq!(flavours, ["lab.medium", "lab.medium"], "{servers:#}");

    lab.end_vnf(vnf).await;
    // What is the cloud's own stays.
    for kind in ["network", "image"] {
        assert!(cloud(&[kind, "show", "theirs"]).is_some());
        lab.cloud().delete("mano", kind, "theirs");
    }
    lab.nothing_is_beneath().await;
}

#[tokio::test]
#[ignore = "needs an OpenStack, tests/run --openstack starts one"]
async fn real_openstack_what_it_tells_is_heard_again_after_the_way_to_its_broker_was_cut() {
    let Some(image) = samples::guest_image() else { return };
    let Some(lab) = Lab::openstack("mano", &Wishes::default()).await else { return };
    let mut kind = serde_json::to_value(lab.cloud().kind("mano")).unwrap();
    // The lab is to be started with --notifications, as tests/run does.
    let url = kind["accessInfo"]["notificationsUrl"].as_str().expect("a broker").to_owned();
    let (before, broker) = url.trim_end_matches('/').rsplit_once('@').unwrap();
    let way = Way::to(broker).await;
    kind["accessInfo"]["notificationsUrl"] = json!(format!("{before}@127.0.0.1:{}/", way.port));
    let again = RegisterVim { name: "lab".into(), kind: serde_json::from_value(kind).unwrap() };
    lab.mano.put_vim(lab.vim, &again).await.unwrap();

    let health = async || lab.mano.vim(lab.vim).await.unwrap().vim.unwrap().health.get("notifications").cloned();
    let heard = |health: &Option<String>| health.as_deref() == Some("ok");
    patience::until(health, heard).await;
    let vi = Direct::new(&lab);
    vi.image(&image).await;
    let spec = json!({
        "flavour": { "vcpus": 1, "memoryBytes": 192u64 << 20 }, "root": { "from": "image", "imageId": vi.id("image") },
    });
    vi.put("computes", "heard", spec.clone()).await;
    vi.rests("computes", "heard", "active").await;
    // Without it servers are looked at as before.
    way.cut.send_replace(true);
    let lost = patience::until(health, |health| !heard(health)).await.unwrap();
    assert!(lost.contains("message broker") && !lost.contains(before.rsplit_once(':').unwrap().1), "{lost}");
    vi.put("computes", "looked for", spec).await;
    vi.rests("computes", "looked for", "active").await;
    way.cut.send_replace(false);
    patience::until(health, heard).await;
    for name in ["heard", "looked for"] {
        vi.delete("computes", name).await;
    }
    lab.nothing_is_beneath().await;
}

/// A way to a server that can be cut.
struct Way {
    port: u16,
    cut: tokio::sync::watch::Sender<bool>,
}

impl Way {
    async fn to(server: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let way = Self { port: listener.local_addr().unwrap().port(), cut: tokio::sync::watch::Sender::new(false) };
        let (server, cut) = (server.to_owned(), way.cut.subscribe());
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (server, mut cut) = (server.clone(), cut.clone());
                tokio::spawn(async move {
                    let carry = async {
                        let mut far = tokio::net::TcpStream::connect(server).await?;
                        tokio::io::copy_bidirectional(&mut near, &mut far).await
                    };
                    tokio::select! {
                        _ = carry => {}
                        _ = cut.wait_for(|cut| *cut) => {}
                    }
                });
            }
        });
        way
    }
}

#[tokio::test]
#[ignore = "needs an OpenStack, tests/run --openstack starts one"]
async fn real_openstack_computes_boot_from_a_volume_get_another_are_resized_and_leave_nothing() {
    let Some(image) = samples::guest_image() else { return };
    let Some(lab) = Lab::openstack("mano-operator", &Wishes::default()).await else { return };
    let vi = Direct::new(&lab);
    vi.image(&image).await;
    vi.put("networks", "net", json!({})).await;
    vi.put("subnets", "sub", json!({ "networkId": vi.id("net"), "cidr": "10.123.0.0/24", "dhcp": true })).await;
    vi.put("ports", "port", json!({ "networkId": vi.id("net"), "addresses": [{ "ip": "10.123.0.77" }] })).await;
    let gib = 1u64 << 30;
    vi.put("volumes", "root", json!({ "sizeBytes": gib, "imageId": vi.id("image") })).await;
    vi.put("volumes", "more", json!({ "sizeBytes": gib })).await;
    vi.rests("volumes", "root", "active").await;
    vi.rests("volumes", "more", "active").await;
    // No flavour of the lab is like this one: it is made, and goes with the compute.
    let mut spec = json!({
        "flavour": { "vcpus": 1, "memoryBytes": 208u64 << 20 }, "root": { "from": "volume", "volumeId": vi.id("root") },
        "ports": [vi.id("port")],
    });
    vi.put("computes", "vm", spec.clone()).await;
    vi.rests("computes", "vm", "active").await;
    spec["volumes"] = json!([vi.id("more")]);
    vi.put("computes", "vm", spec.clone()).await;
    let until = Instant::now() + Duration::from_secs(180);
    loop {
        let reality = vi.get(&format!("computes/{}/reality", vi.id("vm"))).await.unwrap_or_default();
        let disks = reality["disks"].as_array().map_or(0, Vec::len);
        if reality["memoryBytes"] == json!(208u64 << 20) && disks == 2 && reality["runs"] == true {
            break;
        }
        assert!(Instant::now() < until, "{reality:#}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    vi.rests("computes", "vm", "active").await;
    spec["volumes"] = json!([]);
    vi.put("computes", "vm", spec.clone()).await;
    vi.rests("computes", "vm", "active").await;

    // One with a disk of its own is given another size, and confirmed in it.
    let mut own = json!({
        "flavour": { "vcpus": 1, "memoryBytes": 200u64 << 20 }, "root": { "from": "image", "imageId": vi.id("image") },
    });
    vi.put("computes", "own", own.clone()).await;
    vi.rests("computes", "own", "active").await;
    own["flavour"]["memoryBytes"] = json!(240u64 << 20);
    vi.put("computes", "own", own).await;
    vi.rests("computes", "own", "active").await;
    let reality = vi.get(&format!("computes/{}/reality", vi.id("own"))).await.unwrap();
    assert_eq!((&reality["memoryBytes"], &reality["runs"]), (&json!(240u64 << 20), &json!(true)), "{reality:#}");
    vi.delete("computes", "own").await;
    for (collection, name) in [
        ("computes", "vm"),
        ("volumes", "more"),
        ("volumes", "root"),
        ("ports", "port"),
        ("subnets", "sub"),
        ("networks", "net"),
    ] {
        vi.delete(collection, name).await;
    }
    lab.nothing_is_beneath().await;
}

#[tokio::test]
#[ignore = "needs an OpenStack, tests/run --openstack starts one"]
async fn real_openstack_what_it_refuses_is_told_in_its_own_words() {
    let Some(image) = samples::guest_image() else { return };
    let Some(lab) = Lab::openstack("mano", &Wishes::default()).await else { return };
    let vi = Direct::new(&lab);
    vi.image(&image).await;
    let root = json!({ "from": "image", "imageId": vi.id("image") });
    let compute = |memory: u64, extra: Value| {
        json!({
            "flavour": { "vcpus": 1, "memoryBytes": memory << 20, "extra": extra }, "root": root, "ports": [],
        })
    };

    // A flavour that nothing covers, and that this account may not make.
    let refused = vi.try_put("computes", "huge", compute(1 << 20, json!({}))).await.unwrap_err();
    assert_eq!(refused["status"], 422, "{refused:#}");
    assert!(refused["faults"][0]["message"].as_str().unwrap().contains("lab.large"), "{refused:#}");

    // Two that must be apart where there is one host: Nova's own words.
    vi.put("affinity_groups", "apart", json!({ "policy": "anti_affinity", "scope": "nfvi_node" })).await;
    let mut first = compute(192, json!({}));
    first["affinityGroups"] = json!([vi.id("apart")]);
    vi.put("computes", "first", first.clone()).await;
    vi.rests("computes", "first", "active").await;
    vi.put("computes", "second", first).await;
    vi.rests("computes", "second", "error").await;
    let problem = vi.get(&format!("computes/{}", vi.id("second"))).await.unwrap()["problem"].clone();
    assert!(problem["answer"].as_str().unwrap().contains("No valid host"), "{problem:#}");
    assert!(problem["resource"].as_str().unwrap().contains("second"), "{problem:#}");

    // A subnet that Neutron does not take: its words and its request id.
    vi.put("networks", "net", json!({})).await;
    let port = json!({ "networkId": vi.id("net"), "addresses": [{ "ip": "203.0.113.250" }] });
    let refused = vi.try_put("ports", "port", port).await.unwrap_err();
    assert!(refused["answer"].as_str().unwrap().contains("request req-"), "{refused:#}");

    for (collection, name) in
        [("computes", "first"), ("computes", "second"), ("affinity_groups", "apart"), ("networks", "net")]
    {
        vi.delete(collection, name).await;
    }
    lab.nothing_is_beneath().await;
}

#[tokio::test]
#[ignore = "needs an OpenStack with fake hypervisors, which the other stories' servers would come to as well"]
async fn real_openstack_fifty_servers_at_rest_cost_few_requests() {
    let Some(image) = samples::guest_image() else { return };
    let Some(lab) = Lab::openstack("mano", &Wishes::default()).await else { return };
    if !has_fakes(&lab) {
        return;
    }
    let vi = Direct::new(&lab);
    vi.image(&image).await;
    let compute = json!({
        "flavour": { "vcpus": 1, "memoryBytes": 192u64 << 20 }, "zone": "fake", "ports": [],
        "root": { "from": "image", "imageId": vi.id("image") },
    });
    let names: Vec<String> = (0..50).map(|n| format!("rest-{n}")).collect();
    futures::future::join_all(names.iter().map(|name| vi.put("computes", name, compute.clone()))).await;
    for name in &names {
        vi.rests("computes", name, "active").await;
    }
    // What was under way is looked at for a while yet.
    tokio::time::sleep(Duration::from_secs(30)).await;
    let requests = async || lab.mano_json(&["vim", "show", "lab"])["vim"]["report"]["requests"].as_u64().unwrap();
    let before = requests().await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    let sent = requests().await - before;
    println!("requests in two minutes with 50 servers at rest: {sent}");
    assert!(sent < 24, "{sent} requests in two minutes");
    futures::future::join_all(names.iter().map(|name| vi.delete("computes", name))).await;
    lab.nothing_is_beneath().await;
}

/// What keeps an OpenStack without fake hypervisors from stories that need two hosts.
fn has_fakes(lab: &Lab) -> bool {
    let shown = lab.mano_json(&["vim", "show", "lab"]);
    let has = shown["vim"]["report"]["zones"].as_array().is_some_and(|zones| zones.contains(&json!("fake")));
    if !has {
        println!("SKIPPED: the OpenStack has no fake hypervisors: deploy/openstack-lab up --fake 2");
    }
    has
}

#[tokio::test]
#[ignore = "needs an OpenStack with fake hypervisors, which the other stories' servers would come to as well"]
async fn real_openstack_a_server_moves_to_another_host_while_it_runs_and_while_it_is_stopped() {
    let Some(image) = samples::guest_image() else { return };
    let Some(lab) = Lab::openstack("mano-operator", &Wishes::default()).await else { return };
    if !has_fakes(&lab) {
        return;
    }
    let vi = Direct::new(&lab);
    vi.image(&image).await;
    let flavour = json!({ "vcpus": 1, "memoryBytes": 192u64 << 20 });
    let root = json!({ "from": "image", "imageId": vi.id("image") });
    let spec = json!({ "flavour": flavour, "zone": "fake", "ports": [], "root": root });
    vi.put("computes", "wanderer", spec).await;
    vi.rests("computes", "wanderer", "active").await;
    let path = format!("computes/{}", vi.id("wanderer"));
    let host = async || vi.get(&path).await.unwrap()["host"].clone();
    for cold in [false, true] {
        let from = host().await;
        let compute = vi.id("wanderer").to_string();
        let mut words = vec!["vim", "migrate", &compute];
        words.extend(cold.then_some("--cold"));
        let told = lab.mano(&words);
        assert!(told.contains("mano vim watch lab"), "{told}");
        mano_tests::patience::until(&host, |host| *host != from).await;
        vi.rests("computes", "wanderer", "active").await;
    }
    vi.delete("computes", "wanderer").await;
    lab.nothing_is_beneath().await;
}

#[tokio::test]
#[ignore = "needs an OpenStack, tests/run --openstack starts one"]
async fn real_openstack_an_adapter_killed_while_it_works_makes_nothing_twice_and_leaves_nothing() {
    let Some(image) = samples::guest_image() else { return };
    let Some(mut lab) = Lab::openstack("mano", &Wishes::default()).await else { return };
    let ns = lab.demo(&image).await;
    let op = lab.instantiate(ns).await;
    // In the middle of networks and ports, and in the middle of servers.
    for millis in [700, 1500, 3000] {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        lab.kill_and_restart("vim-adapter").await;
    }
    lab.completed(op).await;
    let vi = ViClient::new(&lab.services["vim-adapter"].url);
    let inventory = vi.inventory(lab.vim).await.unwrap();
    let count = |kind: &str| inventory.items.iter().filter(|item| item.kind == kind).count();
    let ports = vi.ports(lab.vim).await.unwrap().len();
    assert_eq!((count("server"), count("port")), (2, ports), "{inventory:#?}");
    lab.nothing_leaks().await;

    let op = lab.terminate(ns).await;
    for millis in [500, 2500] {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        lab.kill_and_restart("vim-adapter").await;
    }
    lab.completed(op).await;
    lab.nothing_is_left().await;
}

fn databases(lab: &Lab) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for service in ["vim-adapter", "vnfm", "nfvo"] {
        let files = std::fs::read_dir(lab.path().join(service)).unwrap().flatten().map(|entry| entry.path());
        found.extend(files.filter(|path| path.is_file()));
        found.push(lab.path().join(format!("{service}.log")));
    }
    found
}

/// Virtualised resources asked for of the vim-adapter itself, each under a name.
struct Direct {
    base: String,
    client: reqwest::Client,
}

impl Direct {
    fn new(lab: &Lab) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { base: format!("{}/vi/v1/vims/{}", lab.services["vim-adapter"].url, lab.vim), client }
    }

    fn id(&self, name: &str) -> Uuid {
        Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{} {name}", self.base).as_bytes())
    }

    async fn image(&self, file: &std::path::Path) {
        use sha2::Digest as _;
        let content = std::fs::read(file).unwrap();
        let sha256: String = sha2::Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
        self.put("software_images", "image", json!({ "format": "qcow2", "sha256": sha256 })).await;
        let url = format!("{}/software_images/{}/content", self.base, self.id("image"));
        let answer = self.client.put(url).body(content).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    async fn try_put(&self, collection: &str, name: &str, mut spec: Value) -> Result<Value, Value> {
        spec["name"] = json!(name);
        spec["owner"] = json!({ "kind": "vnf_instance", "id": self.id("owner") });
        let url = format!("{}/{collection}/{}", self.base, self.id(name));
        let answer = self.client.put(url).json(&spec).send().await.unwrap();
        let done = answer.status().is_success();
        let body: Value = answer.json().await.unwrap();
        if done { Ok(body) } else { Err(body) }
    }

    async fn put(&self, collection: &str, name: &str, spec: Value) -> Value {
        self.try_put(collection, name, spec).await.unwrap_or_else(|problem| panic!("{collection} {name}: {problem:#}"))
    }

    async fn get(&self, path: &str) -> Option<Value> {
        let answer = self.client.get(format!("{}/{path}", self.base)).send().await.unwrap();
        if answer.status().is_success() { Some(answer.json().await.unwrap()) } else { None }
    }

    async fn rests(&self, collection: &str, name: &str, state: &str) {
        let until = Instant::now() + Duration::from_secs(180);
        loop {
            let found = self.get(&format!("{collection}/{}", self.id(name))).await.unwrap_or_default();
            if found["state"] == state {
                return;
            }
            assert!(Instant::now() < until, "{name} is not {state}: {found:#}");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    async fn delete(&self, collection: &str, name: &str) {
        let path = format!("{collection}/{}", self.id(name));
        let answer = self.client.delete(format!("{}/{path}", self.base)).send().await.unwrap();
        assert!(answer.status().is_success(), "{name}: {}", answer.text().await.unwrap());
        let until = Instant::now() + Duration::from_secs(120);
        while self.get(&path).await.is_some() && collection != "affinity_groups" {
            assert!(Instant::now() < until, "{name} is not gone");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
}
