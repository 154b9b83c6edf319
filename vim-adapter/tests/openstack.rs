//! Faults that a real OpenStack does not play on demand, played by a double: answers that are cut off, limits on the rate, a
//! token that was revoked, quotas, a server that no host takes. (ETSI GS NFV-IFA 005 and 006)
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod double;
mod support;

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use reference_points::or_vi::*;
use serde_json::json;
use uuid::Uuid;

use double::{Cloud, Fault};
use support::Adapter;

fn kind(cloud: &Cloud) -> VimKind {
    serde_json::from_value(json!({
        "type": "ETSINFV.OPENSTACK_KEYSTONE.V_3",
        "interfaceInfo": { "endpoint": format!("{}/v3", cloud.url()) },
        "accessInfo": { "username": "nfv", "password": "hidden word", "project": "telco" },
    }))
    .unwrap()
}

/// An adapter with a key, and the cloud registered with it.
async fn registered(cloud: &Cloud) -> (Adapter, Uuid) {
    let adapter = Adapter::with_key().await;
    let vim = Uuid::new_v4();
    adapter.vi.put_vim(vim, &VimSpec { name: "cloud".into(), kind: kind(cloud) }).await.unwrap();
    (adapter, vim)
}

async fn network(adapter: &Adapter, vim: Uuid) -> Result<Network, reference_points::common::CallError> {
    let spec = support::network_spec("net");
    adapter.vi.put_network(vim, Uuid::from_u128(1), &spec).await
}

fn compute(image: Uuid) -> ComputeSpec {
    serde_json::from_value(json!({
        "name": "web", "owner": support::owner(), "flavour": { "vcpus": 1, "memoryBytes": 192u64 << 20 },
        "root": { "from": "image", "imageId": image },
    }))
    .unwrap()
}

/// A compute, waited for until it is in one of these states.
async fn rests(adapter: &Adapter, vim: Uuid, id: Uuid, states: &[ComputeState]) -> Compute {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let found = adapter.vi.compute(vim, id).await.unwrap().unwrap();
        if states.contains(&found.state) {
            return found;
        }
        assert!(Instant::now() < until, "{found:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_key_is_asked_for_before_a_secret_is_taken_and_the_secret_is_never_shown() {
    let cloud = Cloud::start().await;
    let adapter = Adapter::start().await;
    let spec = VimSpec { name: "cloud".into(), kind: kind(&cloud) };
    let problem = adapter.vi.put_vim(Uuid::new_v4(), &spec).await.unwrap_err().to_problem();
    assert_eq!(problem.status, 422);
    assert!(problem.next.unwrap().contains("openssl rand -hex 32"));

    let (mut adapter, vim) = registered(&cloud).await;
    let shown = adapter.vi.vim(vim).await.unwrap().unwrap();
    assert!(!serde_json::to_string(&shown).unwrap().contains("hidden word"));
    let database = std::fs::read(adapter.dir.path().join("db")).unwrap();
    assert!(!database.windows(11).any(|part| part == b"hidden word"));
    // It is known all the same when the adapter starts again.
    adapter.restart().await;
    network(&adapter, vim).await.unwrap();
}

#[tokio::test]
async fn a_cloud_of_its_own_authority_is_believed_when_that_is_given() {
    let (cloud, authority) = Cloud::start_with_tls().await;
    let adapter = Adapter::with_key().await;
    let register = async |interface: serde_json::Value| {
        let mut kind = serde_json::to_value(kind(&cloud)).unwrap();
        kind["accessInfo"]["password"] = json!("hidden word");
        kind["interfaceInfo"].as_object_mut().unwrap().extend(interface.as_object().unwrap().clone());
        let spec = VimSpec { name: "cloud".into(), kind: serde_json::from_value(kind).unwrap() };
        adapter.vi.put_vim(Uuid::new_v4(), &spec).await
    };
    let refused = register(json!({})).await.unwrap_err().to_problem();
    assert!(refused.next.as_ref().is_some_and(|next| next.contains("trustedCertificates")), "{refused:#?}");
    register(json!({ "skipCertificateVerification": true })).await.unwrap();
    register(json!({ "trustedCertificates": [authority] })).await.unwrap();
}

#[tokio::test]
async fn a_creation_that_is_not_answered_makes_one_thing() {
    let cloud = Cloud::start().await;
    let (adapter, vim) = registered(&cloud).await;
    let image = adapter.image(vim).await;
    cloud.play("POST", "/compute/v2.1/servers", Fault::Cut);
    let id = Uuid::new_v4();
    adapter.vi.put_compute(vim, id, &compute(image)).await.unwrap();
    let found = rests(&adapter, vim, id, &[ComputeState::Active]).await;
    assert_eq!(cloud.count("servers"), 1);
    assert_eq!(found.vim_resource_id.as_deref(), cloud.ids("servers").first().map(String::as_str));

    for path in [
        "/network/v2.0/networks",
        "/network/v2.0/subnets",
        "/network/v2.0/ports",
        "/network/v2.0/security-groups",
        "/compute/v2.1/os-server-groups",
        "/image/v2/images",
    ] {
        cloud.play("POST", path, Fault::Cut);
    }
    let (network, _) = adapter.network(vim, "10.9.0.0/24").await;
    adapter.port(vim, network).await;
    let group = json!({ "name": "g", "owner": support::owner(), "policy": "anti_affinity", "scope": "nfvi_node" });
    let group = serde_json::from_value(group).unwrap();
    adapter.vi.put_affinity_group(vim, Uuid::from_u128(4), &group).await.unwrap();
    adapter.image_of(vim, b"other content").await;
    let made = ["networks", "subnets", "ports", "security_groups", "server_groups", "images"].map(|k| cloud.count(k));
    assert_eq!(made, [1, 1, 1, 1, 1, 2]);
}

#[tokio::test]
async fn ports_that_go_at_once_leave_no_security_group() {
    let cloud = Cloud::start().await;
    let (adapter, vim) = registered(&cloud).await;
    let (network, _) = adapter.network(vim, "10.9.0.0/24").await;
    for round in 1..=5 {
        let ports = futures::future::join_all((0..6).map(|_| adapter.port(vim, network))).await;
        assert_eq!((cloud.count("ports"), cloud.count("security_groups")), (6, 1), "round {round}");
        let gone = ports.iter().map(|port| adapter.vi.delete_port(vim, port.id));
        futures::future::try_join_all(gone).await.unwrap();
        assert_eq!((cloud.count("ports"), cloud.count("security_groups")), (0, 0), "round {round}");
    }
}

#[tokio::test]
async fn ports_with_the_same_rules_share_a_security_group_that_goes_with_the_last() {
    let cloud = Cloud::start().await;
    let (adapter, vim) = registered(&cloud).await;
    let (network, _) = adapter.network(vim, "10.9.0.0/24").await;
    let rule = |number| PortRule {
        direction: Direction::Ingress,
        ip_version: 4,
        protocol: Some(6),
        ports: Some(PortRange { first: number, last: number }),
    };
    let mut ids = Vec::new();
    for rules in [vec![], vec![rule(80)], vec![rule(80)], vec![rule(443), rule(80)]] {
        let spec = PortSpec { rules, ..support::port_spec(network) };
        ids.push(adapter.vi.put_port(vim, Uuid::new_v4(), &spec).await.unwrap().id);
    }
    assert_eq!(cloud.count("security_groups"), 3);
    for (id, left) in ids.into_iter().zip([2, 2, 1, 0]) {
        adapter.vi.delete_port(vim, id).await.unwrap();
        assert_eq!(cloud.count("security_groups"), left);
    }
    // What this cloud's Neutron has no extension for is refused with its name.
    let parent = PortSpec { trunk: Some(TrunkPart::Parent), ..support::port_spec(network) };
    let told = adapter.vi.put_port(vim, Uuid::new_v4(), &parent).await.unwrap_err().to_problem();
    assert!(told.status == 422 && told.detail.contains("`trunk`"), "{told:?}");
    let slow = NetworkSpec { max_port_bitrate: Some(1_000_000), ..support::network_spec("slow") };
    adapter.vi.put_network(vim, Uuid::from_u128(3), &slow).await.unwrap();
    let told = adapter.vi.put_port(vim, Uuid::new_v4(), &support::port_spec(Uuid::from_u128(3))).await;
    let told = told.unwrap_err().to_problem();
    assert!(told.status == 422 && told.detail.contains("`qos`"), "{told:?}");
    assert_eq!((cloud.count("ports"), cloud.count("security_groups")), (0, 0));
}

#[tokio::test]
async fn a_routed_subnet_has_its_router_and_a_floating_port_its_address_once_and_nothing_stays() {
    let cloud = Cloud::start().await;
    cloud.lead_outside(&["internet"]);
    let (adapter, vim) = registered(&cloud).await;
    let (network, subnet) = (Uuid::new_v4(), Uuid::new_v4());
    adapter.vi.put_network(vim, network, &support::network_spec("net")).await.unwrap();
    for path in ["/network/v2.0/routers", "/network/v2.0/floatingips"] {
        cloud.play("POST", path, Fault::Cut);
    }
    let spec = SubnetSpec {
        gateway: Some("10.9.0.1".parse().unwrap()),
        routed: true,
        ..support::subnet_spec(network, "10.9.0.0/24")
    };
    adapter.vi.put_subnet(vim, subnet, &spec).await.unwrap();
    let floating = PortSpec { floating: true, ..support::port_spec(network) };
    let port = adapter.vi.put_port(vim, Uuid::new_v4(), &floating).await.unwrap();
    assert_eq!((cloud.count("routers"), cloud.count("floatingips")), (1, 1));
    assert_eq!(cloud.first("routers", "external_gateway_info")["network_id"], "internet");
    let address = port.floating_address.expect("a floating address");
    assert_eq!(json!(address), cloud.first("floatingips", "floating_ip_address"));
    let leaks = adapter.vi.inventory(vim).await.unwrap();
    let known: Vec<&str> = leaks.items.iter().filter(|item| item.desired).map(|item| item.kind.as_str()).collect();
    assert!(known.contains(&"router") && known.contains(&"floating_address"), "{leaks:#?}");

    // A refusal leaves neither the port nor its address.
    let body = json!({ "NeutronError": { "message": "Quota exceeded for resources: ['floatingip']." } });
    cloud.play("POST", "/network/v2.0/floatingips", Fault::Answer(409, body, None));
    let refused = adapter.vi.put_port(vim, Uuid::new_v4(), &floating).await.unwrap_err().to_problem();
    assert_eq!((refused.status, refused.title.as_deref()), (422, Some("Quota exceeded")));
    // The port that is there, and the router's own.
    assert_eq!((cloud.count("ports"), cloud.count("floatingips")), (2, 1));

    adapter.vi.delete_port(vim, port.id).await.unwrap();
    adapter.vi.delete_subnet(vim, subnet).await.unwrap();
    let left = ["routers", "floatingips", "ports", "subnets"].map(|kind| cloud.count(kind));
    assert_eq!(left, [0, 0, 0, 0]);
}

#[tokio::test]
async fn a_floating_address_that_lost_its_port_comes_back_to_the_one_that_takes_its_place() {
    let cloud = Cloud::start().await;
    cloud.lead_outside(&["internet"]);
    let (mut adapter, vim) = registered(&cloud).await;
    let (network, _) = adapter.network(vim, "10.9.0.0/24").await;
    let (id, floating) = (Uuid::new_v4(), PortSpec { floating: true, ..support::port_spec(network) });
    cloud.play("POST", "/network/v2.0/floatingips", Fault::Answer(503, json!({ "message": "soon" }), None));
    adapter.vi.put_port(vim, id, &floating).await.unwrap_err();
    let first = adapter.vi.put_port(vim, id, &floating).await.unwrap();
    cloud.lose_ports_of_floating();
    adapter.restart().await;
    let until = Instant::now() + Duration::from_secs(60);
    let lost = |port: &Port| port.state == ResourceState::Error || port.problem.is_some();
    while !adapter.vi.port(vim, id).await.unwrap().is_none_or(|port| lost(&port)) {
        assert!(Instant::now() < until, "nobody noticed that the port is gone");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let again = adapter.vi.put_port(vim, id, &floating).await.unwrap();
    assert_eq!(again.floating_address, first.floating_address);
    assert_eq!(cloud.first("floatingips", "port_id"), json!(again.vim_resource_id));
}

#[tokio::test]
async fn which_way_leads_outside_is_told_or_asked_for() {
    let cloud = Cloud::start().await;
    let (adapter, vim) = registered(&cloud).await;
    let (network, subnet) = (Uuid::new_v4(), Uuid::new_v4());
    adapter.vi.put_network(vim, network, &support::network_spec("net")).await.unwrap();
    let spec = SubnetSpec {
        gateway: Some("10.9.0.1".parse().unwrap()),
        routed: true,
        ..support::subnet_spec(network, "10.9.0.0/24")
    };
    let refused = adapter.vi.put_subnet(vim, subnet, &spec).await.unwrap_err().to_problem();
    assert!(refused.detail.contains("no external network"), "{refused:?}");
    cloud.lead_outside(&["internet", "partner"]);
    let refused = adapter.vi.put_subnet(vim, subnet, &spec).await.unwrap_err().to_problem();
    assert!(refused.detail.contains("internet, partner") && refused.status == 422, "{refused:?}");
    assert!(refused.next.unwrap().contains("--external-network"));
    assert_eq!((cloud.count("subnets"), cloud.count("routers")), (0, 0));
    let mut chosen = kind(&cloud);
    if let VimKind::Openstack { interface_info, .. } = &mut chosen {
        interface_info.external_network = Some("partner".to_owned());
    }
    adapter.vi.put_vim(vim, &VimSpec { name: "cloud".into(), kind: chosen }).await.unwrap();
    adapter.vi.put_subnet(vim, subnet, &spec).await.unwrap();
    assert_eq!(cloud.first("routers", "external_gateway_info")["network_id"], "partner");
    // One without a gateway has no place for a router.
    let nowhere = SubnetSpec { gateway: None, ..spec };
    let refused = adapter.vi.put_subnet(vim, Uuid::new_v4(), &nowhere).await.unwrap_err().to_problem();
    assert_eq!(refused.faults[0].location, "/routed");
}

#[tokio::test]
async fn a_service_that_asks_to_wait_is_asked_again_after_that_time() {
    let cloud = Cloud::start().await;
    let (adapter, vim) = registered(&cloud).await;
    cloud.play("POST", "/network/v2.0/networks", Fault::Answer(429, json!({ "message": "slow down" }), Some(1)));
    let begun = Instant::now();
    network(&adapter, vim).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1), "it was asked again after {:?}", begun.elapsed());
    assert_eq!(cloud.count("networks"), 1);
}

#[tokio::test]
async fn a_revoked_token_is_replaced_and_the_request_is_made_once() {
    let cloud = Cloud::start().await;
    let (adapter, vim) = registered(&cloud).await;
    let tokens = cloud.tokens();
    network(&adapter, vim).await.unwrap();
    assert_eq!(cloud.tokens(), tokens, "a request fetched a token of its own");
    cloud.revoke();
    let spec = support::network_spec("two");
    adapter.vi.put_network(vim, Uuid::from_u128(2), &spec).await.unwrap();
    assert_eq!(cloud.tokens(), tokens + 1);
    assert_eq!(cloud.count("networks"), 2);
}

#[tokio::test]
async fn a_refusal_for_a_quota_is_told_in_novas_words_and_nothing_stays() {
    let cloud = Cloud::start().await;
    let (adapter, vim) = registered(&cloud).await;
    let image = adapter.image(vim).await;
    let words = "Quota exceeded for cores: Requested 1, but already used 20 of 20 cores";
    let body = json!({ "forbidden": { "code": 403, "message": words } });
    cloud.play("POST", "/compute/v2.1/servers", Fault::Answer(403, body, None));
    let id = Uuid::new_v4();
    let problem = adapter.vi.put_compute(vim, id, &compute(image)).await.unwrap_err().to_problem();
    assert_eq!((problem.status, problem.title.as_deref()), (422, Some("Quota exceeded")));
    assert!(problem.answer.as_ref().unwrap().starts_with(words), "{problem:#?}");
    assert!(problem.answer.unwrap().contains("req-double"));
    assert!(adapter.vi.compute(vim, id).await.unwrap().is_none());
    assert_eq!((cloud.count("servers"), cloud.count("flavors")), (0, 0));
}

#[tokio::test]
async fn a_flavour_that_is_named_is_taken_and_one_that_is_not_there_is_refused() {
    let cloud = Cloud::start().await;
    let (adapter, vim) = registered(&cloud).await;
    let image = adapter.image(vim).await;
    cloud.put_flavour("large", 8, 16384, 80);
    let named = |id: &str| {
        let flavour = Flavour { vim_flavour_id: Some(id.to_owned()), ..compute(image).flavour };
        ComputeSpec { flavour, ..compute(image) }
    };
    let problem = adapter.vi.put_compute(vim, Uuid::new_v4(), &named("huge")).await.unwrap_err().to_problem();
    assert_eq!((problem.status, problem.faults[0].location.as_str()), (422, "/flavour/vimFlavourId"));
    assert!(problem.detail.contains("large"), "{problem:#?}");
    let id = Uuid::new_v4();
    adapter.vi.put_compute(vim, id, &named("large")).await.unwrap();
    rests(&adapter, vim, id, &[ComputeState::Active]).await;
    assert_eq!(cloud.first("servers", "flavorRef"), "large");
    assert_eq!(cloud.count("flavors"), 1, "none was made beside it");
}

#[tokio::test]
async fn a_server_that_no_host_takes_is_an_error_in_novas_words_and_asking_again_makes_it_anew() {
    let cloud = Cloud::start().await;
    let (adapter, vim) = registered(&cloud).await;
    let image = adapter.image(vim).await;
    cloud.fail_next_server("No valid host was found. There are not enough hosts available.");
    let id = Uuid::new_v4();
    adapter.vi.put_compute(vim, id, &compute(image)).await.unwrap();
    let found = rests(&adapter, vim, id, &[ComputeState::Error]).await;
    let problem = found.problem.unwrap();
    assert!(problem.answer.unwrap().contains("No valid host"));
    assert!(problem.resource.unwrap().contains("web") && problem.next.unwrap().contains("retry"));
    let failed = cloud.ids("servers");
    adapter.vi.put_compute(vim, id, &compute(image)).await.unwrap();
    rests(&adapter, vim, id, &[ComputeState::Active]).await;
    assert_eq!(cloud.count("servers"), 1);
    assert_ne!(cloud.ids("servers"), failed);
}

#[tokio::test]
async fn an_api_that_is_down_is_waited_for_and_the_compute_says_so() {
    let cloud = Cloud::start().await;
    let (adapter, vim) = registered(&cloud).await;
    let image = adapter.image(vim).await;
    let down = || Fault::Answer(503, json!({ "message": "The server is currently unavailable" }), None);
    for _ in 0..2 {
        cloud.play("POST", "/compute/v2.1/servers", down());
    }
    let id = Uuid::new_v4();
    let told = adapter.vi.put_compute(vim, id, &compute(image)).await.unwrap();
    assert_eq!(told.state, ComputeState::Building);
    assert!(told.problem.unwrap().detail.contains("currently unavailable"));
    rests(&adapter, vim, id, &[ComputeState::Active]).await;
    assert_eq!(cloud.count("servers"), 1);
}

#[tokio::test]
async fn quiet_costs_few_requests_however_many_servers_there_are() {
    let cloud = Cloud::start().await;
    let (adapter, vim) = registered(&cloud).await;
    let image = adapter.image(vim).await;
    for n in 0..50u128 {
        adapter.vi.put_compute(vim, Uuid::from_u128(100 + n), &compute(image)).await.unwrap();
    }
    for n in 0..50u128 {
        rests(&adapter, vim, Uuid::from_u128(100 + n), &[ComputeState::Active]).await;
    }
    // What was asked for just now is watched for a while yet.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let before = cloud.requests();
    tokio::time::sleep(Duration::from_secs(45)).await;
    let sent = cloud.requests() - before;
    assert!(sent <= 4, "{sent} requests in 45 seconds of quiet: {:?}", cloud.last(sent));
}

#[tokio::test]
async fn a_limit_that_was_raised_is_told() {
    let cloud = Cloud::start().await;
    cloud.allow("maxTotalCores", 10);
    cloud.allow("maxTotalInstances", 10);
    let (adapter, vim) = registered(&cloud).await;
    // Once for the report, once to be compared with.
    let until = Instant::now() + Duration::from_secs(30);
    while cloud.asked("/limits") < 2 {
        assert!(Instant::now() < until, "the limits were not looked at");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    cloud.allow("maxTotalCores", 20);
    cloud.allow("maxTotalInstances", 5);
    let mut events = adapter.vi.events(vim, 0);
    let told = tokio::time::timeout(Duration::from_secs(100), async {
        loop {
            let event = events.next::<ViEvent>().await.unwrap().event;
            if let ViEvent::AllowsMore { resource_group, resources, detail } = event {
                return (resource_group, resources, detail);
            }
        }
    });
    let told = told.await.unwrap();
    assert_eq!(told, ("telco".to_owned(), vec![Resources::Compute], "compute cores: 20, was 10".to_owned()));
    assert!(cloud.asked("/compute/v2.1/limits") <= 4, "the limits are read too often");
}

/// What is told of a move that ends after this event.
async fn told_of_move(adapter: &Adapter, vim: Uuid, moves: usize) -> (String, String) {
    let mut seen = 0;
    support::until(&mut adapter.vi.events(vim, 0), |event| match event {
        ViEvent::Vim { what, detail, compute: Some(_), .. } if what.ends_with("migrated") => {
            seen += 1;
            (seen == moves).then(|| (what.clone(), detail.clone()))
        }
        _ => None,
    })
    .await
}

#[tokio::test]
async fn a_server_moves_to_another_host_or_why_not_is_told() {
    let cloud = Cloud::start().await;
    let (adapter, vim) = registered(&cloud).await;
    let image = adapter.image(vim).await;
    let id = Uuid::from_u128(7);
    adapter.vi.put_compute(vim, id, &compute(image)).await.unwrap();
    let made = rests(&adapter, vim, id, &[ComputeState::Active]).await;
    assert_eq!(made.host.as_deref(), Some("host1"));
    let ask = |kind, host: Option<&str>| MigrateRequest { kind, host: host.map(str::to_owned) };
    let there = adapter.vi.migrate(vim, id, &ask(MigrationKind::Live, Some("host1"))).await.unwrap_err();
    assert_eq!(there.status(), Some(409), "{there}");

    adapter.vi.migrate(vim, id, &ask(MigrationKind::Live, None)).await.unwrap();
    let (what, detail) = told_of_move(&adapter, vim, 1).await;
    assert_eq!((what.as_str(), detail.contains("from host1 to host2")), ("compute_migrated", true), "{detail}");
    assert_eq!(adapter.vi.compute(vim, id).await.unwrap().unwrap().host.as_deref(), Some("host2"));

    adapter.vi.migrate(vim, id, &ask(MigrationKind::Live, Some("full"))).await.unwrap();
    let (what, detail) = told_of_move(&adapter, vim, 2).await;
    assert_eq!(what, "compute_not_migrated");
    assert!(detail.contains("stays on host2: live-migration ended with: Error (request req-"), "{detail}");

    // Stopped, moved, and confirmed.
    adapter.vi.migrate(vim, id, &ask(MigrationKind::Cold, Some("host3"))).await.unwrap();
    let (what, detail) = told_of_move(&adapter, vim, 3).await;
    assert_eq!((what.as_str(), detail.contains("from host2 to host3")), ("compute_migrated", true), "{detail}");
    let moved = rests(&adapter, vim, id, &[ComputeState::Active]).await;
    assert_eq!((moved.host.as_deref(), moved.problem), (Some("host3"), None));
}

impl Adapter {
    /// One that can keep secrets.
    async fn with_key() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("key");
        std::fs::write(&key, "5a".repeat(32)).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        Self::in_dir(dir, vec![service::config::SecretFile::new(key)]).await
    }
}
