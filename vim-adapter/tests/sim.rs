//! The simulated VIM over real HTTP, with the client that the NFVO and the VNFM use.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::time::Instant;

use reference_points::common::CallError;
use reference_points::nf_vi::{PowerAction, PowerRequest};
use reference_points::or_vi::*;
use support::*;
use uuid::Uuid;

fn fault(resource: &str, on: &str, effect: &str, times: Option<u32>) -> SimFault {
    SimFault {
        resource: resource.into(),
        on: on.into(),
        name_contains: None,
        times,
        effect: effect.into(),
        message: "the cloud is angry".into(),
    }
}

fn quick() -> SimSpec {
    SimSpec { boot_ms: 1, ..SimSpec::default() }
}

#[tokio::test]
async fn a_compute_boots_gets_its_addresses_and_goes_leaving_nothing() {
    for adapter in Adapter::on_every_database().await {
        let vim = adapter.sim(quick()).await;
        let image = adapter.image(vim).await;
        let (network, subnet) = adapter.network(vim, "10.0.0.0/24").await;
        let v6 = Uuid::new_v4();
        adapter.vi.put_subnet(vim, v6, &subnet_spec(network, "fd00::/64")).await.unwrap();
        let port = adapter.port(vim, network).await;
        let mut addresses: Vec<String> = port.addresses.iter().map(|a| format!("{}/{}", a.ip, a.prefix)).collect();
        addresses.sort();
        assert_eq!(addresses, ["10.0.0.2/24", "fd00::2/64"]);

        let id = Uuid::new_v4();
        let spec = compute_spec("web-1", image, &[port.id]);
        let asked = adapter.vi.put_compute(vim, id, &spec).await.unwrap();
        assert!(matches!(asked.state, ComputeState::Building | ComputeState::Active));
        let active = adapter.wait(vim, id, ComputeState::Active).await;
        assert_eq!(active.host.as_deref(), Some("sim-01"));
        let port = adapter.vi.port(vim, port.id).await.unwrap().unwrap();
        assert_eq!((port.up, port.compute_id), (true, Some(id)));

        let told = refused(adapter.vi.delete_port(vim, port.id).await, 409);
        assert!(told.detail.contains(&id.to_string()), "{told:?}");
        refused(adapter.vi.delete_software_image(vim, image).await, 409);

        adapter.vi.delete_compute(vim, id).await.unwrap();
        adapter.wait_gone(vim, id).await;
        adapter.vi.delete_compute(vim, id).await.unwrap();
        assert!(adapter.vi.compute(vim, id).await.unwrap().is_none());
        let port = adapter.vi.port(vim, port.id).await.unwrap().unwrap();
        assert_eq!((port.up, port.compute_id), (false, None));

        let told = refused(adapter.vi.delete_vim(vim).await, 409);
        assert!(told.detail.contains(&port.id.to_string()), "{told:?}");
        adapter.vi.delete_port(vim, port.id).await.unwrap();
        for subnet in [subnet, v6] {
            adapter.vi.delete_subnet(vim, subnet).await.unwrap();
        }
        adapter.vi.delete_network(vim, network).await.unwrap();
        adapter.vi.delete_software_image(vim, image).await.unwrap();
        assert!(adapter.vi.inventory(vim).await.unwrap().items.is_empty());
        adapter.vi.delete_vim(vim).await.unwrap();
        assert!(adapter.vi.vim(vim).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn images_are_found_by_name_and_a_name_that_none_has_shows_its_neighbours() {
    for adapter in Adapter::on_every_database().await {
        let vim = adapter.sim(quick()).await;
        let names: Vec<String> = (0..50).map(|n| format!("it's image {n:02}")).collect();
        for name in &names {
            let spec = SoftwareImageSpec { name: name.clone(), ..image_spec(b"x") };
            adapter.vi.put_software_image(vim, Uuid::new_v4(), &spec).await.unwrap();
        }
        let known = adapter.image(vim).await;
        let found = adapter.vi.software_images_named(vim, &names[7]).await.unwrap();
        assert_eq!(found.iter().map(|i| i.spec.name.as_str()).collect::<Vec<_>>(), [names[7].as_str()]);
        assert!(adapter.vi.software_images_named(vim, "it's image").await.unwrap().is_empty());
        let whole = adapter.vi.software_images_named(vim, "image").await.unwrap().remove(0);
        let sha512 = hex::encode(<sha2::Sha512 as sha2::Digest>::digest(b"an image's content"));
        assert_eq!((whole.id, whole.sha512), (known, Some(sha512)));
        let near = adapter.vi.software_images_near(vim, "it's image 25x").await.unwrap();
        let mut near: Vec<&str> = near.iter().map(|i| i.spec.name.as_str()).collect();
        near.sort_unstable();
        assert_eq!(near, names[6..46].iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn asking_twice_makes_one_thing_and_asking_for_another_is_refused_by_name() {
    let adapter = Adapter::start().await;
    let vim = adapter.sim(quick()).await;
    let image = adapter.image(vim).await;
    let (network, subnet) = adapter.network(vim, "10.0.0.0/24").await;
    let id = Uuid::new_v4();
    let first = adapter.vi.put_port(vim, id, &port_spec(network)).await.unwrap();
    // Another operation asks for the same thing.
    assert_eq!(adapter.vi.put_port(vim, id, &port_spec(network)).await.unwrap().mac, first.mac);
    assert_eq!(adapter.vi.ports(vim).await.unwrap().len(), 1);
    let told =
        refused(adapter.vi.put_port(vim, id, &PortSpec { port_security: false, ..port_spec(network) }).await, 409);
    assert_eq!(told.faults[0].location, "/portSecurity");
    let told = refused(adapter.vi.put_network(vim, network, &network_spec("red")).await, 409);
    assert_eq!(told.faults[0].location, "/name");
    refused(adapter.vi.put_subnet(vim, subnet, &subnet_spec(network, "10.1.0.0/24")).await, 409);

    let compute = Uuid::new_v4();
    adapter.vi.put_compute(vim, compute, &compute_spec("a", image, &[id])).await.unwrap();
    adapter.vi.put_compute(vim, compute, &compute_spec("a", image, &[id])).await.unwrap();
    assert_eq!(adapter.vi.computes(vim).await.unwrap().len(), 1);
    let told = refused(adapter.vi.put_compute(vim, compute, &compute_spec("b", image, &[id])).await, 409);
    assert_eq!(told.faults[0].location, "/name");
    let told = refused(adapter.vi.put_compute(vim, Uuid::new_v4(), &compute_spec("b", image, &[id])).await, 422);
    assert!(told.faults[0].message.contains(&compute.to_string()), "{told:?}");
}

#[tokio::test]
async fn rules_limits_and_trunks_that_cannot_be_are_refused_with_every_reason() {
    let adapter = Adapter::start().await;
    let vim = adapter.sim(quick()).await;
    let image = adapter.image(vim).await;
    let (network, _) = adapter.network(vim, "10.0.0.0/24").await;
    let slow = NetworkSpec { max_port_bitrate: Some(12), ..network_spec("slow") };
    let told = refused(adapter.vi.put_network(vim, Uuid::new_v4(), &slow).await, 422);
    assert_eq!(told.faults[0].location, "/maxPortBitrate");

    let rule = |ip_version, protocol, first, last| PortRule {
        direction: Direction::Ingress,
        ip_version,
        protocol,
        ports: Some(PortRange { first, last }),
    };
    let wrong = PortSpec { rules: vec![rule(5, Some(6), 1, 2), rule(4, None, 9, 1)], ..port_spec(network) };
    let told = refused(adapter.vi.put_port(vim, Uuid::new_v4(), &wrong).await, 422);
    let places: Vec<&str> = told.faults.iter().map(|fault| fault.location.as_str()).collect();
    assert_eq!(places, ["/rules/0/ipVersion", "/rules/1/ports", "/rules/1/ports"]);

    let put = async |trunk: TrunkPart| {
        let spec = PortSpec { trunk: Some(trunk), ..port_spec(network) };
        adapter.vi.put_port(vim, Uuid::new_v4(), &spec).await
    };
    let sub = |parent_id, segmentation_id| TrunkPart::SubPort { parent_id, segmentation_id };
    let plain = adapter.port(vim, network).await;
    assert_eq!(refused(put(sub(plain.id, Some(7))).await, 422).faults[0].location, "/trunk/parentId");
    let parent = put(TrunkPart::Parent).await.unwrap();
    assert_eq!(refused(put(sub(parent.id, None)).await, 422).faults[0].location, "/trunk/segmentationId");
    assert_eq!(refused(put(sub(parent.id, Some(4095))).await, 422).faults[0].location, "/trunk/segmentationId");
    let first = put(sub(parent.id, Some(7))).await.unwrap();
    let told = refused(put(sub(parent.id, Some(7))).await, 409);
    assert!(told.detail.contains(&first.id.to_string()), "{told:?}");
    put(sub(parent.id, Some(8))).await.unwrap();
    let mut named = compute_spec("a", image, &[]);
    named.flavour.vim_flavour_id = Some("m1.small".to_owned());
    let told = refused(adapter.vi.put_compute(vim, Uuid::new_v4(), &named).await, 422);
    assert!(told.detail.contains("vimFlavourId"), "{told:?}");
    let told = refused(adapter.vi.put_compute(vim, Uuid::new_v4(), &compute_spec("a", image, &[first.id])).await, 422);
    assert!(told.faults[0].message.contains("one of a trunk"), "{told:?}");
}

#[tokio::test]
async fn addresses_are_lowest_first_given_once_and_given_again_when_free() {
    for adapter in Adapter::on_every_database().await {
        let vim = adapter.sim(quick()).await;
        let (network, subnet) = adapter.network(vim, "10.0.0.0/29").await;
        let mut ports = Vec::new();
        for _ in 0..5 {
            ports.push(adapter.port(vim, network).await);
        }
        let addresses: Vec<String> = ports.iter().map(|port| port.addresses[0].ip.to_string()).collect();
        assert_eq!(addresses, ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]);
        let told = refused(adapter.vi.put_port(vim, Uuid::new_v4(), &port_spec(network)).await, 409);
        assert!(told.detail.contains(&subnet.to_string()), "{told:?}");

        let fixed = |ip: &str| PortSpec {
            addresses: vec![AddressRequest { subnet_id: None, ip: Some(ip.parse().unwrap()) }],
            ..port_spec(network)
        };
        let told = refused(adapter.vi.put_port(vim, Uuid::new_v4(), &fixed("10.0.0.4")).await, 409);
        assert!(told.detail.contains(&ports[2].id.to_string()), "{told:?}");
        let told = refused(adapter.vi.put_port(vim, Uuid::new_v4(), &fixed("10.0.0.7")).await, 422);
        assert_eq!(told.faults[0].location, "/addresses/0/ip");
        // The first address of the block is not given out by itself, and can be asked for.
        adapter.vi.put_port(vim, Uuid::new_v4(), &fixed("10.0.0.1")).await.unwrap();

        let told = refused(adapter.vi.delete_subnet(vim, subnet).await, 409);
        assert!(told.detail.contains(&ports[0].id.to_string()), "{told:?}");
        let told = refused(adapter.vi.delete_network(vim, network).await, 409);
        assert!(told.detail.contains(&ports[0].id.to_string()), "{told:?}");
        for port in [&ports[3], &ports[1]] {
            adapter.vi.delete_port(vim, port.id).await.unwrap();
        }
        assert_eq!(adapter.port(vim, network).await.addresses[0].ip.to_string(), "10.0.0.3");
        assert_eq!(adapter.port(vim, network).await.addresses[0].ip.to_string(), "10.0.0.5");

        let told = refused(
            adapter
                .vi
                .put_port(
                    vim,
                    Uuid::new_v4(),
                    &PortSpec { mac: Some(ports[0].mac.to_uppercase()), ..port_spec(network) },
                )
                .await,
            409,
        );
        assert!(told.detail.contains(&ports[0].id.to_string()), "{told:?}");
    }
}

#[tokio::test]
async fn ports_asked_for_at_once_never_share_an_address() {
    for adapter in Adapter::on_every_database().await {
        let vim = adapter.sim(quick()).await;
        let (network, _) = adapter.network(vim, "10.0.0.0/24").await;
        let asked = (0..40).map(|_| async { adapter.port(vim, network).await.addresses[0].ip });
        let mut given = futures::future::join_all(asked).await;
        given.sort();
        let expected: Vec<std::net::IpAddr> = (2..42).map(|n| format!("10.0.0.{n}").parse().unwrap()).collect();
        assert_eq!(given, expected);
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_all_at_once() {
    let adapter = Adapter::start().await;
    let vim = adapter.sim(quick()).await;
    let mut spec = compute_spec("", Uuid::new_v4(), &[]);
    spec.flavour.vcpus = 0;
    spec.flavour.memory_bytes = 5;
    let told = refused(adapter.vi.put_compute(vim, Uuid::new_v4(), &spec).await, 422);
    let places: Vec<&str> = told.faults.iter().map(|fault| fault.location.as_str()).collect();
    assert_eq!(places, ["/name", "/flavour/vcpus", "/flavour/memoryBytes"]);

    let mut spec = compute_spec("a", Uuid::new_v4(), &[Uuid::new_v4(), Uuid::new_v4()]);
    spec.volumes = vec![Uuid::new_v4()];
    spec.affinity_groups = vec![Uuid::new_v4()];
    let told = refused(adapter.vi.put_compute(vim, Uuid::new_v4(), &spec).await, 422);
    assert_eq!(told.faults.len(), 5, "{told:?}");
    refused(adapter.vi.put_port(vim, Uuid::new_v4(), &port_spec(Uuid::new_v4())).await, 422);
    refused(adapter.vi.put_network(Uuid::new_v4(), Uuid::new_v4(), &network_spec("a")).await, 404);
}

#[tokio::test]
async fn a_compute_that_fits_nowhere_is_refused_with_every_hosts_reason() {
    let adapter = Adapter::start().await;
    let vim = adapter.sim(SimSpec { hosts: 2, vcpus_per_host: 1, ..quick() }).await;
    let image = adapter.image(vim).await;
    for name in ["a", "b"] {
        adapter.vi.put_compute(vim, Uuid::new_v4(), &compute_spec(name, image, &[])).await.unwrap();
    }
    let told = refused(adapter.vi.put_compute(vim, Uuid::new_v4(), &compute_spec("c", image, &[])).await, 422);
    let hosts: Vec<&str> = told.faults.iter().map(|fault| fault.location.as_str()).collect();
    assert_eq!(hosts, ["host sim-1", "host sim-2"]);
    assert!(told.faults[0].message.contains("CPU"), "{told:?}");
    let capacity = adapter.vi.capacity(vim).await.unwrap();
    assert_eq!((capacity.total.vcpus, capacity.reserved.vcpus), (2, 2));
    assert_eq!(adapter.vi.resource_zones(vim).await.unwrap()[0].hosts, ["sim-1", "sim-2"]);
}

#[tokio::test]
async fn a_compute_gets_another_flavour_where_its_host_has_room() {
    let adapter = Adapter::start().await;
    let vim = adapter.sim(SimSpec { hosts: 1, vcpus_per_host: 2, ..quick() }).await;
    let image = adapter.image(vim).await;
    let (mut events, id) = (adapter.vi.events(vim, 0), Uuid::new_v4());
    let active = |event: &ViEvent| match event {
        ViEvent::Compute { compute } if compute.state == ComputeState::Active => Some(compute.spec.flavour.vcpus),
        _ => None,
    };
    let mut spec = compute_spec("a", image, &[]);
    adapter.vi.put_compute(vim, id, &spec).await.unwrap();
    assert_eq!(until(&mut events, active).await, 1);
    spec.flavour.vcpus = 2;
    let asked = adapter.vi.put_compute(vim, id, &spec).await.unwrap();
    assert_eq!(asked.state, ComputeState::Building, "it is active when it has what it shall have");
    assert_eq!(until(&mut events, active).await, 2);
    assert_eq!(adapter.vi.capacity(vim).await.unwrap().reserved.vcpus, 2);
    spec.flavour.vcpus = 3;
    let told = refused(adapter.vi.put_compute(vim, id, &spec).await, 422);
    assert_eq!(told.faults[0].location, "/flavour/vcpus");
    assert_eq!(told.faults[0].message, "1 vCPUs more wanted on host sim-1, 0 free");
    assert_eq!(adapter.vi.compute(vim, id).await.unwrap().unwrap().state, ComputeState::Active, "it is as it was");
}

#[tokio::test]
async fn affinity_groups_keep_computes_together_or_apart() {
    for adapter in Adapter::on_every_database().await {
        let vim = adapter.sim(SimSpec { hosts: 2, ..quick() }).await;
        let image = adapter.image(vim).await;
        let group = async |policy| {
            let id = Uuid::new_v4();
            let spec = AffinityGroupSpec { name: "g".into(), owner: owner(), policy, scope: AffinityScope::NfviNode };
            adapter.vi.put_affinity_group(vim, id, &spec).await.unwrap();
            id
        };
        let (apart, together) = (group(AffinityPolicy::AntiAffinity).await, group(AffinityPolicy::Affinity).await);
        let put = async |group: Uuid| {
            let spec = ComputeSpec { affinity_groups: vec![group], ..compute_spec("a", image, &[]) };
            adapter.vi.put_compute(vim, Uuid::new_v4(), &spec).await
        };
        assert_eq!(put(apart).await.unwrap().host.as_deref(), Some("sim-1"));
        assert_eq!(put(apart).await.unwrap().host.as_deref(), Some("sim-2"));
        refused(put(apart).await, 422);
        assert_eq!(put(together).await.unwrap().host, put(together).await.unwrap().host);
        let told = refused(adapter.vi.delete_affinity_group(vim, together).await, 409);
        assert!(told.detail.contains("compute"), "{told:?}");
        assert_eq!(adapter.vi.affinity_group(vim, apart).await.unwrap().unwrap().members.len(), 2);
    }
}

#[tokio::test]
async fn scripted_faults_play_and_the_request_can_be_repeated() {
    let adapter = Adapter::start().await;
    let faults = vec![
        fault("network", "create", "refuse", Some(1)),
        fault("subnet", "create", "unavailable", Some(1)),
        fault("port", "create", "cut", Some(1)),
        fault("port", "delete", "unavailable", Some(1)),
        fault("compute", "boot", "error", Some(1)),
    ];
    let vim = adapter.sim(SimSpec { faults, ..quick() }).await;
    let image = adapter.image(vim).await;
    let (network, subnet, port, compute) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());

    let told = refused(adapter.vi.put_network(vim, network, &network_spec("n")).await, 422);
    assert_eq!(told.answer.as_deref(), Some("the cloud is angry"));
    assert!(adapter.vi.network(vim, network).await.unwrap().is_none(), "what was refused is not there");
    adapter.vi.put_network(vim, network, &network_spec("n")).await.unwrap();

    let spec = subnet_spec(network, "10.0.0.0/24");
    refused(adapter.vi.put_subnet(vim, subnet, &spec).await, 503);
    assert_eq!(adapter.vi.put_subnet(vim, subnet, &spec).await.unwrap().state, ResourceState::Active);

    let cut = adapter.vi.put_port(vim, port, &port_spec(network)).await.unwrap_err();
    assert!(cut.is_unknown(), "{cut:?}");
    assert!(adapter.vi.port(vim, port).await.unwrap().is_some(), "the effect happened");
    assert_eq!(adapter.vi.put_port(vim, port, &port_spec(network)).await.unwrap().state, ResourceState::Active);

    adapter.vi.put_compute(vim, compute, &compute_spec("c", image, &[])).await.unwrap();
    let failed = adapter.wait(vim, compute, ComputeState::Error).await;
    assert_eq!(failed.problem.unwrap().answer.as_deref(), Some("the cloud is angry"));
    adapter.vi.delete_compute(vim, compute).await.unwrap();
    adapter.wait_gone(vim, compute).await;

    let told = adapter.vi.delete_port(vim, port).await.unwrap_err();
    assert!(told.is_transient(), "{told:?}");
    refused(adapter.vi.put_port(vim, port, &port_spec(network)).await, 409);
    adapter.vi.delete_port(vim, port).await.unwrap();
    assert!(adapter.vi.port(vim, port).await.unwrap().is_none());
}

#[tokio::test]
async fn what_takes_time_is_accepted_and_told_when_it_is_done() {
    let adapter = Adapter::start().await;
    let vim = adapter.sim(SimSpec { create_ms: 30, boot_ms: 30, ..SimSpec::default() }).await;
    let network = Uuid::new_v4();
    let made = adapter.vi.put_network(vim, network, &network_spec("n")).await.unwrap();
    assert_eq!(made.state, ResourceState::Building);
    let mut events = adapter.vi.events(vim, 0);
    until(&mut events, |event| {
        matches!(event, ViEvent::Network { network: told } if told.id == network && told.state == ResourceState::Active)
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn lists_take_the_filters_of_sol013() {
    let adapter = Adapter::start().await;
    let vim = adapter.sim(quick()).await;
    for name in ["blue", "red"] {
        adapter.vi.put_network(vim, Uuid::new_v4(), &network_spec(name)).await.unwrap();
    }
    let client = reference_points::common::Client::new("vim-adapter", adapter.vi.base());
    let list = async |query: &str| {
        client.get::<Vec<Network>>(&format!("/vi/v1/vims/{vim}/networks?{query}")).await.map(|reply| reply.body)
    };
    let found = list("filter=(eq,spec/name,red)").await.unwrap();
    assert_eq!(found.iter().map(|n| n.spec.name.as_str()).collect::<Vec<_>>(), ["red"]);
    refused(list("filter=(eq,spec").await, 400);
}

#[tokio::test]
async fn power_is_switched_and_told() {
    let adapter = Adapter::start().await;
    let vim = adapter.sim(quick()).await;
    let image = adapter.image(vim).await;
    let id = Uuid::new_v4();
    adapter.vi.put_compute(vim, id, &compute_spec("c", image, &[])).await.unwrap();
    adapter.wait(vim, id, ComputeState::Active).await;
    let ask = async |action| adapter.vi.power(vim, id, &PowerRequest { action, grace_seconds: None }).await;
    ask(PowerAction::Stop).await.unwrap();
    adapter.wait(vim, id, ComputeState::Stopped).await;
    refused(ask(PowerAction::Reboot).await, 409);
    ask(PowerAction::Start).await.unwrap();
    let mut events = adapter.vi.events(vim, 0);
    let mut stopped = false;
    until(&mut events, |event| match event {
        ViEvent::Compute { compute } if compute.state == ComputeState::Stopped => {
            stopped = true;
            None
        }
        ViEvent::Compute { compute } if stopped && compute.state == ComputeState::Active => Some(()),
        _ => None,
    })
    .await;
    assert!(adapter.vi.console_log(vim, id, 100).await.unwrap().contains("sim-"));
    assert!(adapter.vi.measurements(vim, id).await.unwrap().memory_bytes > 0);
    refused(adapter.vi.console(vim, id).await, 422);
}

#[tokio::test]
async fn an_adapter_that_is_killed_goes_on_where_it_was() {
    for mut adapter in Adapter::on_every_database().await {
        let vim = adapter.sim(SimSpec { boot_ms: 300, create_ms: 300, ..SimSpec::default() }).await;
        let network = Uuid::new_v4();
        adapter.vi.put_network(vim, network, &network_spec("n")).await.unwrap();
        let quick_vim = adapter.sim(quick()).await;
        let image = adapter.image(quick_vim).await;
        let running = Uuid::new_v4();
        adapter.vi.put_compute(quick_vim, running, &compute_spec("c", image, &[])).await.unwrap();
        adapter.wait(quick_vim, running, ComputeState::Active).await;
        adapter.restart().await;
        let mut events = adapter.vi.events(vim, 0);
        until(&mut events, |event| {
            matches!(event, ViEvent::Network { network } if network.state == ResourceState::Active).then_some(())
        })
        .await;
        assert_eq!(adapter.vi.compute(quick_vim, running).await.unwrap().unwrap().state, ComputeState::Active);
        assert_eq!(
            adapter.vi.inventory(quick_vim).await.unwrap().items.iter().filter(|i| i.kind == "domain").count(),
            1
        );

        adapter.vi.delete_compute(quick_vim, running).await.unwrap();
        let booting = Uuid::new_v4();
        let slow = SimSpec { boot_ms: 200, ..SimSpec::default() };
        adapter
            .vi
            .put_vim(quick_vim, &VimSpec { name: "slow".into(), kind: VimKind::Sim { sim: slow } })
            .await
            .unwrap();
        adapter.vi.put_compute(quick_vim, booting, &compute_spec("d", image, &[])).await.unwrap();
        adapter.restart().await;
        adapter.wait(quick_vim, booting, ComputeState::Active).await;
        adapter.wait_gone(quick_vim, running).await;
    }
}

#[tokio::test]
async fn a_consumer_that_missed_too_much_is_told_to_read_everything_anew() {
    let adapter = Adapter::with_history(100).await;
    let vim = adapter.sim(quick()).await;
    let (network, _) = adapter.network(vim, "10.0.0.0/16").await;
    for _ in 0..120 {
        adapter.port(vim, network).await;
    }
    let mut events = adapter.vi.events(vim, 3);
    let first = events.next::<ViEvent>().await.unwrap();
    assert!(matches!(first.event, ViEvent::Resync { .. }), "{first:?}");
    let next = events.next::<ViEvent>().await.unwrap();
    assert_eq!(next.seq, first.seq + 1);
    // One who claims to have seen what was never told is set back once, and then hears what comes.
    let mut ahead = adapter.vi.events(vim, 1_000_000);
    let first = ahead.next::<ViEvent>().await.unwrap();
    assert!(matches!(first.event, ViEvent::Resync { .. }), "{first:?}");
    let port = adapter.port(vim, network).await;
    let next = ahead.next::<ViEvent>().await.unwrap();
    assert!(matches!(next.event, ViEvent::Port { port: told } if told.id == port.id));
}

#[tokio::test]
async fn an_upload_is_checked_and_leaves_nothing_half_done() {
    let adapter = Adapter::start().await;
    let vim = adapter.sim(quick()).await;
    let content = vec![7_u8; 300_000];
    let id = Uuid::new_v4();
    adapter.vi.put_software_image(vim, id, &image_spec(&content)).await.unwrap();
    let upload = async |content: Vec<u8>| {
        let length = content.len() as u64;
        adapter.vi.upload_image(vim, id, Some(length), body(content)).await
    };
    refused(adapter.vi.put_compute(vim, Uuid::new_v4(), &compute_spec("c", id, &[])).await, 422);
    refused(upload(vec![8; 300_000]).await, 422);
    refused(upload(vec![7; 299_999]).await, 422);
    assert_eq!(adapter.vi.software_image(vim, id).await.unwrap().unwrap().state, ResourceState::Building);
    let cut = futures::stream::iter([Ok(bytes::Bytes::from(vec![7; 1000])), Err(std::io::Error::other("gone"))]);
    let told: Result<SoftwareImage, CallError> = adapter.vi.upload_image(vim, id, Some(300_000), cut).await;
    assert!(told.is_err());
    assert_eq!(upload(content.clone()).await.unwrap().state, ResourceState::Active);
    assert_eq!(upload(content).await.unwrap().state, ResourceState::Active);
    refused(upload(vec![9; 300_000]).await, 422);
    let files: Vec<_> = std::fs::read_dir(adapter.dir.path().join("images").join(vim.to_string())).unwrap().collect();
    assert_eq!(files.len(), 1);
    adapter.vi.delete_software_image(vim, id).await.unwrap();
    assert_eq!(std::fs::read_dir(adapter.dir.path().join("images").join(vim.to_string())).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_computes_boot() {
    let adapter = Adapter::start().await;
    let vim = adapter.sim(SimSpec { hosts: 50, ..quick() }).await;
    let image = adapter.image(vim).await;
    let (network, _) = adapter.network(vim, "10.0.0.0/16").await;
    let count: usize = std::env::var("SIM_COMPUTES").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
    let started = Instant::now();
    let mut events = adapter.vi.events(vim, 0);
    use futures::StreamExt;
    futures::stream::iter(0..count)
        .for_each_concurrent(16, |n| {
            let adapter = &adapter;
            async move {
                let port = adapter.port(vim, network).await;
                let spec = compute_spec(&format!("c{n}"), image, &[port.id]);
                adapter.vi.put_compute(vim, Uuid::new_v4(), &spec).await.unwrap();
            }
        })
        .await;
    let asked = started.elapsed();
    let mut active = std::collections::HashSet::new();
    until(&mut events, |event| {
        if let ViEvent::Compute { compute } = event
            && compute.state == ComputeState::Active
        {
            active.insert(compute.id);
        }
        (active.len() == count).then_some(())
    })
    .await;
    println!("{count} computes with a port each: asked for in {asked:?}, active after {:?}", started.elapsed());
    let computes = adapter.vi.computes(vim).await.unwrap();
    assert!(computes.iter().all(|compute| compute.state == ComputeState::Active));
}

#[tokio::test]
async fn what_allows_more_is_told_once_and_over_a_restart() {
    for mut adapter in Adapter::on_every_database().await {
        let small = SimSpec { hosts: 1, ..quick() };
        let vim = adapter.sim(small.clone()).await;
        let becomes = |sim: SimSpec| VimSpec { name: "sim".into(), kind: VimKind::Sim { sim } };
        let more = SimSpec { hosts: 2, vcpus_per_host: small.vcpus_per_host - 1, ..small.clone() };
        adapter.vi.put_vim(vim, &becomes(more.clone())).await.unwrap();
        adapter.vi.put_vim(vim, &becomes(SimSpec { boot_ms: 2, ..more.clone() })).await.unwrap();
        adapter.restart().await;
        adapter.vi.put_vim(vim, &becomes(small)).await.unwrap();
        adapter.vi.put_vim(vim, &becomes(SimSpec { disk_per_host: 8 << 40, ..more })).await.unwrap();
        let mut told = Vec::new();
        let mut events = adapter.vi.events(vim, 0);
        until(&mut events, |event| {
            if let ViEvent::AllowsMore { resource_group, resources, detail } = event {
                assert_eq!(*resource_group, vim.to_string());
                told.push((resources.clone(), detail.clone()));
            }
            (told.len() == 3).then_some(())
        })
        .await;
        let (compute, storage) = (Resources::Compute, Resources::Storage);
        assert_eq!(told[0], (vec![compute], "hosts: 2, was 1".to_owned()));
        // A host less has more CPUs.
        assert_eq!(told[1], (vec![compute], "vCPUs of a host: 64, was 63".to_owned()));
        assert_eq!(told[2].0, [compute, storage]);
    }
}

#[tokio::test]
async fn floating_addresses_are_given_once_and_known_after_a_restart() {
    let mut adapter = Adapter::start().await;
    let vim = adapter.sim(quick()).await;
    let network = Uuid::new_v4();
    adapter.vi.put_network(vim, network, &network_spec("blue")).await.unwrap();
    let gateway = Some("10.0.0.1".parse().unwrap());
    let routed = SubnetSpec { gateway, routed: true, ..subnet_spec(network, "10.0.0.0/24") };
    adapter.vi.put_subnet(vim, Uuid::new_v4(), &routed).await.unwrap();
    let floating = PortSpec { floating: true, ..port_spec(network) };
    let ids = [Uuid::new_v4(), Uuid::new_v4()];
    let mut given = Vec::new();
    for id in ids {
        given.push(adapter.vi.put_port(vim, id, &floating).await.unwrap().floating_address.unwrap());
    }
    assert_ne!(given[0], given[1]);
    adapter.restart().await;
    assert_eq!(adapter.vi.port(vim, ids[1]).await.unwrap().unwrap().floating_address, Some(given[1]));
    let third = adapter.vi.put_port(vim, Uuid::new_v4(), &floating).await.unwrap();
    assert!(!given.contains(&third.floating_address.unwrap()));
    assert_eq!(adapter.port(vim, network).await.floating_address, None);
}
