//! Our own VIM: a real ovsdb-server with OVN's northbound schema, and hosts whose agents live in the test. What
//! ovn-northd would do (saying that a port is up) the tests do themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use ovsdb::{Condition, Value, op};
use reference_points::common::ProblemDetails;
use reference_points::nf_vi::{
    ConfigDriveLayout, InventoryItem, InventoryKind, MachineState, PowerAction, PowerRequest, RootDisk,
};
use reference_points::or_vi::*;
use support::fake_agent::FakeAgent;
use support::northbound::{DB, Northbound};
use support::*;
use uuid::Uuid;

/// Waits until the fake agent's state is as wanted: it changes with requests, of which nothing else tells.
async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !holds() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("never came: {what}"));
}

#[tokio::test]
async fn real_a_compute_is_active_when_its_machine_runs_and_its_ports_are_up() {
    let Some(northbound) = Northbound::start() else { return };
    let adapter = Adapter::start().await;
    let agent = FakeAgent::start().await;
    let vim = hosts_vim(&adapter, &northbound, &[&agent]).await;
    let image = adapter.image(vim).await;
    let network = Uuid::new_v4();
    adapter.vi.put_network(vim, network, &NetworkSpec { mtu: Some(1400), ..network_spec("blue") }).await.unwrap();
    let (v4, v6) = (Uuid::new_v4(), Uuid::new_v4());
    let spec = SubnetSpec {
        gateway: Some("10.0.0.254".parse().unwrap()),
        dhcp: true,
        dns: vec!["9.9.9.9".parse().unwrap()],
        routed: false,
        ..subnet_spec(network, "10.0.0.0/24")
    };
    adapter.vi.put_subnet(vim, v4, &spec).await.unwrap();
    adapter.vi.put_subnet(vim, v6, &subnet_spec(network, "fd00::/64")).await.unwrap();
    let spec = PortSpec {
        addresses: vec![
            AddressRequest { subnet_id: Some(v4), ip: None },
            AddressRequest { subnet_id: None, ip: Some("fd00::7".parse().unwrap()) },
        ],
        allowed_addresses: vec!["192.0.2.0/24".parse().unwrap()],
        ..port_spec(network)
    };
    let port = adapter.vi.put_port(vim, Uuid::new_v4(), &spec).await.unwrap();

    let switch = northbound.row("Logical_Switch", &format!("mano-{network}")).await.unwrap();
    assert_eq!(switch.map_entry("external_ids", "mano-name"), Some("blue"));
    assert!(switch.map_entry("external_ids", "mano-owner").unwrap().contains("vnf_instance"));
    let row = northbound.row("Logical_Switch_Port", &port.id.to_string()).await.unwrap();
    let all = format!("{} 10.0.0.2 fd00::7", port.mac);
    assert_eq!(row.get::<Vec<String>>("addresses").unwrap(), std::slice::from_ref(&all));
    assert_eq!(row.get::<Vec<String>>("port_security").unwrap(), [format!("{all} 192.0.2.0/24")]);
    assert_eq!(switch.get::<Vec<Uuid>>("ports").unwrap(), [row.uuid().unwrap()]);
    let dhcp = northbound.rows("DHCP_Options").await;
    let of =
        |id: Uuid| dhcp.iter().find(|row| row.map_entry("external_ids", "mano-id") == Some(&id.to_string())).unwrap();
    assert_eq!(row.get::<Option<Uuid>>("dhcpv4_options").unwrap(), Some(of(v4).uuid().unwrap()));
    assert_eq!(row.get::<Option<Uuid>>("dhcpv6_options").unwrap(), None, "that subnet has no DHCP");
    assert_eq!(
        (of(v4).map_entry("options", "router"), of(v4).map_entry("options", "mtu")),
        (Some("10.0.0.254"), Some("1400"))
    );

    let id = Uuid::new_v4();
    let boot = BootData {
        layout: ConfigDriveLayout::Nocloud,
        user_data: Some("#!/bin/sh".into()),
        public_keys: vec!["ssh-ed25519 AAAA".into()],
        ..BootData::default()
    };
    let spec = ComputeSpec { boot_data: Some(boot), ..compute_spec("Web 1", image, &[port.id]) };
    let trace = reference_points::common::TraceContext::random();
    let asked = trace.scope(adapter.vi.put_compute(vim, id, &spec)).await.unwrap();
    assert_eq!(asked.host.as_deref(), Some("h1"));
    let mut events = adapter.vi.events(vim, 0);
    let waiting = until(&mut events, |event| match event {
        ViEvent::Compute { compute } if compute.id == id => compute.problem.clone(),
        _ => None,
    });
    let waiting = waiting.await;
    assert!(waiting.detail.contains(&port.id.to_string()), "the machine runs, the port is not up: {waiting:?}");

    assert!(agent.lock().trace.as_ref().unwrap().contains(&trace.trace_id()), "one trace id up to the agent");
    let machine = agent.lock().machines[&id].clone();
    assert_eq!(machine.spec.root, RootDisk::Image { image_id: image, size_bytes: None });
    assert_eq!((machine.spec.nics[0].port_id, machine.spec.nics[0].mtu), (port.id, Some(1400)));
    assert_eq!(machine.spec.nics[0].mac, port.mac);
    let drive = machine.spec.config_drive.unwrap();
    assert_eq!((drive.layout, drive.hostname.as_str()), (ConfigDriveLayout::Nocloud, "web-1"));
    let nic = &drive.nics[0];
    let given: Vec<String> = nic.addresses.iter().map(|a| format!("{}/{} {:?}", a.ip, a.prefix, a.gateway)).collect();
    assert_eq!(given, ["10.0.0.2/24 Some(10.0.0.254)", "fd00::7/64 None"]);
    assert_eq!(nic.dns, ["9.9.9.9".parse::<std::net::IpAddr>().unwrap()]);

    northbound.set_up(port.id, true).await;
    adapter.wait(vim, id, ComputeState::Active).await;
    assert_eq!(adapter.vi.console_log(vim, id, 10).await.unwrap(), "login:");

    adapter.vi.delete_compute(vim, id).await.unwrap();
    adapter.wait_gone(vim, id).await;
    assert!(agent.lock().machines.is_empty());
    adapter.vi.delete_port(vim, port.id).await.unwrap();
    adapter.vi.delete_subnet(vim, v4).await.unwrap();
    adapter.vi.delete_subnet(vim, v6).await.unwrap();
    adapter.vi.delete_network(vim, network).await.unwrap();
    adapter.vi.delete_software_image(vim, image).await.unwrap();
    for table in ["Logical_Switch", "Logical_Switch_Port", "DHCP_Options"] {
        assert!(northbound.rows(table).await.is_empty(), "{table} is not empty");
    }
    assert!(agent.lock().images.is_empty());
    let inventory = adapter.vi.inventory(vim).await.unwrap();
    assert!(inventory.items.is_empty() && inventory.gaps.is_empty(), "{inventory:?}");
}

#[tokio::test]
async fn real_provider_networks_reach_the_outside_through_a_localnet_port() {
    let Some(northbound) = Northbound::start() else { return };
    let adapter = Adapter::start().await;
    let vim = hosts_vim(&adapter, &northbound, &[]).await;
    let network = Uuid::new_v4();
    let realisation = NetworkRealisation::Vlan { physical_network: "ext".into(), segmentation_id: 12 };
    adapter.vi.put_network(vim, network, &NetworkSpec { realisation, ..network_spec("outside") }).await.unwrap();
    let row = northbound.row("Logical_Switch_Port", &format!("mano-{network}-localnet")).await.unwrap();
    assert_eq!(row.get::<String>("type").unwrap(), "localnet");
    assert_eq!(row.map_entry("options", "network_name"), Some("ext"));
    assert_eq!(row.get::<Option<i64>>("tag_request").unwrap(), Some(12));
    adapter.vi.delete_network(vim, network).await.unwrap();
    assert!(northbound.rows("Logical_Switch_Port").await.is_empty());
}

#[tokio::test]
async fn real_an_image_goes_to_a_host_once_however_many_ask() {
    let Some(northbound) = Northbound::start() else { return };
    let adapter = Adapter::start().await;
    let agent = FakeAgent::start().await;
    let vim = hosts_vim(&adapter, &northbound, &[&agent]).await;
    let image = adapter.image(vim).await;
    let ids: Vec<Uuid> = (0..4).map(|_| Uuid::new_v4()).collect();
    let asked = ids.iter().map(|id| async { adapter.vi.put_compute(vim, *id, &compute_spec("c", image, &[])).await });
    for compute in futures::future::join_all(asked).await {
        compute.unwrap();
    }
    for id in &ids {
        adapter.wait(vim, *id, ComputeState::Active).await;
    }
    assert_eq!(agent.lock().uploads, 1);
    let told = refused(adapter.vi.put_compute(vim, Uuid::new_v4(), &compute_spec("c", image, &[])).await, 422);
    assert!(told.detail.contains("h1") && told.detail.contains("CPU"), "{told:?}");
}

#[tokio::test]
async fn real_a_host_that_is_away_is_passed_over_and_what_it_was_given_waits_for_it() {
    let Some(northbound) = Northbound::start() else { return };
    let adapter = Adapter::start().await;
    let (mut one, mut two) = (FakeAgent::start().await, FakeAgent::start().await);
    let vim = hosts_vim(&adapter, &northbound, &[&one, &two]).await;
    let image = adapter.image(vim).await;
    one.down().await;
    told(&adapter, vim, "host_lost").await;
    let (first, second) = (Uuid::new_v4(), Uuid::new_v4());
    let placed = adapter.vi.put_compute(vim, first, &compute_spec("a", image, &[])).await.unwrap();
    assert_eq!(placed.host.as_deref(), Some("h2"));
    adapter.wait(vim, first, ComputeState::Active).await;
    let inventory = adapter.vi.inventory(vim).await.unwrap();
    assert!(inventory.gaps.iter().any(|gap| gap.contains("h1")), "{inventory:?}");

    // The adapter does not know yet that this one is away too.
    two.down().await;
    let _ = adapter.vi.put_compute(vim, second, &compute_spec("b", image, &[])).await;
    let mut events = adapter.vi.events(vim, 0);
    until(&mut events, |event| {
        matches!(event, ViEvent::Vim { what, host, .. } if what == "host_lost" && host.as_deref() == Some("h2"))
            .then_some(())
    })
    .await;
    let refusal = refused(adapter.vi.put_compute(vim, Uuid::new_v4(), &compute_spec("c", image, &[])).await, 503);
    assert_eq!(refusal.faults.len(), 2, "{refusal:?}");

    if let Some(waiting) = adapter.vi.compute(vim, second).await.unwrap() {
        assert_eq!((waiting.state, waiting.host.as_deref()), (ComputeState::Building, Some("h2")));
        let mut events = adapter.vi.events(vim, 0);
        let problem = until(&mut events, |event| match event {
            ViEvent::Compute { compute } if compute.id == second => compute.problem.clone(),
            _ => None,
        });
        assert!(problem.await.detail.contains("h2"));
        two.up().await;
        adapter.wait(vim, second, ComputeState::Active).await;
    } else {
        two.up().await;
    }
    told(&adapter, vim, "host_back").await;
    one.up().await;
}

#[tokio::test]
async fn real_a_host_that_lost_its_memory_is_told_everything_again() {
    let Some(northbound) = Northbound::start() else { return };
    let adapter = Adapter::start().await;
    let mut agent = FakeAgent::start().await;
    let vim = hosts_vim(&adapter, &northbound, &[&agent]).await;
    let image = adapter.image(vim).await;
    let id = Uuid::new_v4();
    adapter.vi.put_compute(vim, id, &compute_spec("a", image, &[])).await.unwrap();
    adapter.wait(vim, id, ComputeState::Active).await;
    agent.down().await;
    agent.wipe();
    agent.up().await;
    eventually("the machine is made again", || agent.lock().machines.contains_key(&id)).await;
    assert_eq!(agent.lock().images.len(), 1, "and its image was sent again");

    // A machine that the agent says is gone although it is wanted is asked for again.
    let puts = agent.lock().puts[&id];
    agent.lose(id);
    eventually("the machine is made once more", || agent.lock().puts[&id] > puts).await;
    agent.say("bridge_lost");
    told(&adapter, vim, "bridge_lost").await;
}

#[tokio::test]
async fn real_what_somebody_deletes_from_ovn_is_told_and_made_again() {
    let Some(northbound) = Northbound::start() else { return };
    let adapter = Adapter::start().await;
    let vim = hosts_vim(&adapter, &northbound, &[]).await;
    let (network, subnet) = adapter.network(vim, "10.0.0.0/24").await;
    let spec = SubnetSpec { dhcp: true, ..subnet_spec(network, "10.9.0.0/24") };
    adapter.vi.put_subnet(vim, Uuid::new_v4(), &spec).await.unwrap();
    let port = adapter.port(vim, network).await;
    let before = northbound.row("Logical_Switch_Port", &port.id.to_string()).await.unwrap();
    northbound.set_up(port.id, true).await;
    let mut events = adapter.vi.events(vim, 0);
    until(&mut events, |event| matches!(event, ViEvent::Port { port } if port.up).then_some(())).await;

    let name = format!("mano-{network}");
    let delete = op::delete("Logical_Switch").filter(Condition::eq("name", name.as_str())).into();
    northbound.other().transact(DB, vec![delete]).await.unwrap();
    until(&mut events, |event| {
        matches!(event, ViEvent::Network { network: n } if n.id == network && n.state == ResourceState::Error)
            .then_some(())
    })
    .await;
    until(&mut events, |event| {
        matches!(event, ViEvent::Network { network: n } if n.id == network && n.state == ResourceState::Active)
            .then_some(())
    })
    .await;
    until(&mut events, |event| {
        matches!(event, ViEvent::Port { port: p } if p.id == port.id && p.state == ResourceState::Active && !p.up)
            .then_some(())
    })
    .await;
    let after = northbound.row("Logical_Switch_Port", &port.id.to_string()).await.unwrap();
    for column in ["addresses", "port_security", "dhcpv4_options", "external_ids"] {
        assert_eq!(after.value(column), before.value(column), "{column}");
    }

    let back = |event: &ViEvent| matches!(event, ViEvent::Vim { what, .. } if what == "port_back").then_some(());
    until(&mut events, back).await;

    // Changed port security and a lost DHCP row are mended too.
    let open = op::update("Logical_Switch_Port")
        .filter(Condition::eq("name", port.id.to_string()))
        .set("port_security", Value::empty());
    northbound.other().transact(DB, vec![open.into()]).await.unwrap();
    until(&mut events, back).await;
    let mended = northbound.row("Logical_Switch_Port", &port.id.to_string()).await.unwrap();
    assert_eq!(mended.value("port_security"), before.value("port_security"));
    let mark = Value::map([("mano-id", subnet.to_string().as_str())]);
    let delete = op::delete("DHCP_Options").filter(Condition::includes("external_ids", mark.clone()));
    northbound.other().transact(DB, vec![delete.into()]).await.unwrap();
    until(&mut events, |event| matches!(event, ViEvent::Vim { what, .. } if what == "network_back").then_some(()))
        .await;
    let found = op::select("DHCP_Options").filter(Condition::includes("external_ids", mark));
    assert_eq!(northbound.other().transact(DB, vec![found.into()]).await.unwrap()[0].rows().len(), 1);
}

#[tokio::test]
async fn real_what_is_removed_while_it_is_mended_stays_removed() {
    let Some(northbound) = Northbound::start() else { return };
    let adapter = Adapter::start().await;
    let vim = hosts_vim(&adapter, &northbound, &[]).await;
    for _ in 0..10 {
        let (network, subnet) = adapter.network(vim, "10.0.0.0/24").await;
        let mut ports = Vec::new();
        for _ in 0..5 {
            ports.push(adapter.port(vim, network).await.id);
        }
        let name = format!("mano-{network}");
        let delete = op::delete("Logical_Switch").filter(Condition::eq("name", name.as_str())).into();
        northbound.other().transact(DB, vec![delete]).await.unwrap();
        let removals = ports.iter().map(|port| adapter.vi.delete_port(vim, *port));
        for removed in futures::future::join_all(removals).await {
            removed.unwrap();
        }
        adapter.vi.delete_subnet(vim, subnet).await.unwrap();
        adapter.vi.delete_network(vim, network).await.unwrap();
    }
    // What the watcher still has to look at, it has looked at when it has mended something that came later.
    let (network, _) = adapter.network(vim, "10.1.0.0/24").await;
    let mut events = adapter.vi.events(vim, 0);
    let name = format!("mano-{network}");
    let delete = op::delete("Logical_Switch").filter(Condition::eq("name", name.as_str())).into();
    northbound.other().transact(DB, vec![delete]).await.unwrap();
    until(&mut events, |event| {
        matches!(event, ViEvent::Network { network: n } if n.id == network && n.state == ResourceState::Error)
            .then_some(())
    })
    .await;
    assert_eq!(northbound.rows("Logical_Switch_Port").await.len(), 0);
    assert_eq!(northbound.rows("DHCP_Options").await.len(), 1);
    assert_eq!(northbound.rows("Logical_Switch").await.len(), 1);
}

#[tokio::test]
async fn real_the_northbound_database_may_go_and_come_back() {
    let Some(mut northbound) = Northbound::start() else { return };
    let adapter = Adapter::start().await;
    let vim = hosts_vim(&adapter, &northbound, &[]).await;
    northbound.down();
    let network = Uuid::new_v4();
    let told_503 = refused(adapter.vi.put_network(vim, network, &network_spec("n")).await, 503);
    assert!(told_503.answer.is_some(), "{told_503:?}");
    told(&adapter, vim, "northbound_lost").await;
    assert_ne!(adapter.vi.vim(vim).await.unwrap().unwrap().health["northbound"], "ok");
    northbound.up();
    // What was asked for in between is made when the database is back, whether or not it is asked for again.
    let mut events = adapter.vi.events(vim, 0);
    until(&mut events, |event| {
        matches!(event, ViEvent::Network { network } if network.state == ResourceState::Active).then_some(())
    })
    .await;
    assert!(northbound.row("Logical_Switch", &format!("mano-{network}")).await.is_some());
    assert_eq!(adapter.vi.put_network(vim, network, &network_spec("n")).await.unwrap().state, ResourceState::Active);
}

#[tokio::test]
async fn real_an_adapter_that_is_killed_makes_nothing_twice() {
    let Some(northbound) = Northbound::start() else { return };
    let mut adapter = Adapter::start().await;
    let mut agent = FakeAgent::start().await;
    let vim = hosts_vim(&adapter, &northbound, &[&agent]).await;
    let image = adapter.image(vim).await;
    let (network, _) = adapter.network(vim, "10.0.0.0/24").await;
    let port = adapter.port(vim, network).await;
    agent.lock().hold = true;
    let (first, second) = (Uuid::new_v4(), Uuid::new_v4());
    adapter.vi.put_compute(vim, first, &compute_spec("a", image, &[port.id])).await.unwrap();
    eventually("the agent hears of it", || agent.lock().machines.contains_key(&first)).await;
    adapter.kill().await;
    agent.run(first);
    northbound.set_up(port.id, true).await;
    adapter.up().await;
    adapter.wait(vim, first, ComputeState::Active).await;

    // Wanted while the agent was away, and killed before it could be told.
    agent.lock().hold = false;
    agent.down().await;
    let asked = adapter.vi.put_compute(vim, second, &compute_spec("b", image, &[])).await;
    adapter.vi.delete_compute(vim, first).await.unwrap();
    adapter.kill().await;
    agent.up().await;
    adapter.up().await;
    adapter.wait_gone(vim, first).await;
    if asked.is_ok() {
        adapter.wait(vim, second, ComputeState::Active).await;
    }
    assert_eq!(agent.lock().machines.len(), usize::from(asked.is_ok()));
    assert_eq!(agent.lock().uploads, 1);
    assert_eq!(northbound.rows("Logical_Switch_Port").await.len(), 1);
}

#[tokio::test]
async fn real_a_refusal_of_the_agent_is_the_computes_error_until_it_is_asked_for_again() {
    let Some(northbound) = Northbound::start() else { return };
    let adapter = Adapter::start().await;
    let agent = FakeAgent::start().await;
    let vim = hosts_vim(&adapter, &northbound, &[&agent]).await;
    let image = adapter.image(vim).await;
    agent.lock().refuse = Some(ProblemDetails::new(507, "Insufficient storage", "no space").answer("ENOSPC"));
    let id = Uuid::new_v4();
    let spec = compute_spec("a", image, &[]);
    adapter.vi.put_compute(vim, id, &spec).await.unwrap();
    let failed = adapter.wait(vim, id, ComputeState::Error).await;
    assert_eq!(failed.problem.unwrap().answer.as_deref(), Some("ENOSPC"));
    agent.lock().refuse = None;
    adapter.vi.put_compute(vim, id, &spec).await.unwrap();
    adapter.wait(vim, id, ComputeState::Active).await;

    let stop = PowerRequest { action: PowerAction::StopGraceful, grace_seconds: Some(5) };
    adapter.vi.power(vim, id, &stop).await.unwrap();
    let stopped = adapter.wait(vim, id, ComputeState::Stopped).await;
    assert_eq!(stopped.spec.power, reference_points::nf_vi::DesiredPower::Stopped);
    assert_eq!(agent.lock().machines[&id].state, MachineState::Stopped);
}

#[tokio::test]
async fn real_ports_and_volumes_come_and_go_in_a_running_compute() {
    let Some(northbound) = Northbound::start() else { return };
    let adapter = Adapter::start().await;
    let agent = FakeAgent::start().await;
    let vim = hosts_vim(&adapter, &northbound, &[&agent]).await;
    let image = adapter.image(vim).await;
    let (network, _) = adapter.network(vim, "10.0.0.0/24").await;
    let (first, second) = (adapter.port(vim, network).await.id, adapter.port(vim, network).await.id);
    let id = Uuid::new_v4();
    let spec = compute_spec("a", image, &[first]);
    adapter.vi.put_compute(vim, id, &spec).await.unwrap();
    northbound.set_up(first, true).await;
    adapter.wait(vim, id, ComputeState::Active).await;
    let drive = agent.lock().machines[&id].spec.config_drive.clone();

    let volume = Uuid::new_v4();
    let data = VolumeSpec { name: "data".into(), owner: owner(), size_bytes: 1 << 20, image_id: None, zone: None };
    adapter.vi.put_volume(vim, volume, &data).await.unwrap();
    let more = ComputeSpec { volumes: vec![volume], ports: vec![first, second], ..spec.clone() };
    adapter.vi.put_compute(vim, id, &more).await.unwrap();
    eventually("the agent hears of both", || {
        let agent = agent.lock();
        let machine = &agent.machines[&id].spec;
        machine.nics.len() == 2 && machine.volumes.len() == 1
    })
    .await;
    assert_eq!(agent.lock().machines[&id].spec.config_drive, drive, "first-boot data is what it was made with");
    assert_eq!(
        adapter.vi.compute(vim, id).await.unwrap().unwrap().state,
        ComputeState::Building,
        "a port is not up yet"
    );
    northbound.set_up(second, true).await;
    let mut events = adapter.vi.events(vim, 0);
    until(&mut events, |event| match event {
        ViEvent::Compute { compute } => {
            (compute.state == ComputeState::Active && compute.spec.ports.len() == 2).then_some(())
        }
        _ => None,
    })
    .await;
    let other = compute_spec("b", image, &[second]);
    refused(adapter.vi.put_compute(vim, Uuid::new_v4(), &other).await, 422);

    let fewer = ComputeSpec { ports: vec![second], ..spec };
    adapter.vi.put_compute(vim, id, &fewer).await.unwrap();
    eventually("the agent hears of less", || {
        let agent = agent.lock();
        let machine = &agent.machines[&id].spec;
        machine.nics.iter().map(|nic| nic.port_id).eq([second]) && machine.volumes.is_empty()
    })
    .await;
    adapter.vi.delete_port(vim, first).await.unwrap();
    let wrong = ComputeSpec { ports: vec![second, first], ..fewer };
    let told = refused(adapter.vi.put_compute(vim, id, &wrong).await, 422);
    assert_eq!(told.faults[0].location, "/ports");
}

#[tokio::test]
async fn real_volumes_live_on_the_host_of_their_compute() {
    let Some(northbound) = Northbound::start() else { return };
    let adapter = Adapter::start().await;
    let (one, two) = (FakeAgent::start().await, FakeAgent::start().await);
    let vim = hosts_vim(&adapter, &northbound, &[&one, &two]).await;
    let image = adapter.image(vim).await;
    let volume =
        |image_id| VolumeSpec { name: "data".into(), owner: owner(), size_bytes: 1 << 20, image_id, zone: None };
    let (data, root) = (Uuid::new_v4(), Uuid::new_v4());
    let made = adapter.vi.put_volume(vim, data, &volume(None)).await.unwrap();
    assert_eq!((made.state, made.host), (ResourceState::Active, None), "no host is chosen yet");
    adapter.vi.put_volume(vim, root, &volume(Some(image))).await.unwrap();
    let id = Uuid::new_v4();
    let mut spec = compute_spec("a", image, &[]);
    spec.root = ComputeRoot::Volume { volume_id: root };
    spec.volumes = vec![data];
    adapter.vi.put_compute(vim, id, &spec).await.unwrap();
    adapter.wait(vim, id, ComputeState::Active).await;
    assert_eq!(one.lock().volumes.len(), 2);
    refused(adapter.vi.delete_volume(vim, data).await, 409);
    adapter.vi.delete_compute(vim, id).await.unwrap();
    adapter.wait_gone(vim, id).await;

    // It stays there, and the next compute that uses it goes to it.
    let busy = HostSpec { agent: one.base(), zone: "default".into(), schedulable: false };
    adapter.vi.put_host(vim, "h1", &busy).await.unwrap();
    let told = refused(adapter.vi.put_compute(vim, Uuid::new_v4(), &spec).await, 422);
    assert!(told.faults[1].message.contains("volume data is on h1"), "{told:?}");
    refused(adapter.vi.delete_host(vim, "h1").await, 409);
    for volume in [data, root] {
        adapter.vi.delete_volume(vim, volume).await.unwrap();
        let mut events = adapter.vi.events(vim, 0);
        until(&mut events, |event| matches!(event, ViEvent::VolumeDeleted { id } if *id == volume).then_some(())).await;
    }
    assert!(one.lock().volumes.is_empty());
    adapter.vi.delete_host(vim, "h1").await.unwrap();
    assert_eq!(adapter.vi.hosts(vim).await.unwrap().len(), 1);
}

#[tokio::test]
async fn real_the_inventory_names_what_nobody_wants() {
    let Some(northbound) = Northbound::start() else { return };
    let adapter = Adapter::start().await;
    let agent = FakeAgent::start().await;
    let vim = hosts_vim(&adapter, &northbound, &[&agent]).await;
    let image = adapter.image(vim).await;
    let (network, _) = adapter.network(vim, "10.0.0.0/24").await;
    let port = adapter.port(vim, network).await;
    let id = Uuid::new_v4();
    adapter.vi.put_compute(vim, id, &compute_spec("a", image, &[port.id])).await.unwrap();
    eventually("the agent hears of it", || agent.lock().machines.contains_key(&id)).await;
    let wanted = adapter.vi.inventory(vim).await.unwrap();
    assert!(wanted.items.iter().all(|item| item.desired), "{wanted:#?}");

    let orphan = |kind, name: &str| InventoryItem {
        kind,
        name: name.into(),
        id: Some(Uuid::new_v4()),
        owner: Some(owner()),
        desired: true,
    };
    agent.lock().planted = vec![
        orphan(InventoryKind::Domain, "orphan-domain"),
        orphan(InventoryKind::Volume, "orphan-volume"),
        orphan(InventoryKind::Image, "orphan-image"),
        orphan(InventoryKind::SwitchPort, "orphan-tap"),
    ];
    northbound
        .other()
        .transact(
            DB,
            vec![
                op::insert("Logical_Switch_Port").uuid_name("p").set("name", "orphan-port").into(),
                op::insert("Logical_Switch")
                    .set("name", "orphan-switch")
                    .set("ports", Value::set([ovsdb::Atom::named("p")]))
                    .into(),
            ],
        )
        .await
        .unwrap();
    std::fs::write(adapter.dir.path().join("images").join(vim.to_string()).join("orphan-file"), b"x").unwrap();
    let found = adapter.vi.inventory(vim).await.unwrap();
    let mut orphans: Vec<String> = found
        .items
        .iter()
        .filter(|item| !item.desired)
        .map(|item| item.name.rsplit('/').next().unwrap().to_owned())
        .collect();
    orphans.sort();
    assert_eq!(
        orphans,
        ["orphan-domain", "orphan-file", "orphan-image", "orphan-port", "orphan-switch", "orphan-tap", "orphan-volume"]
    );
}

#[tokio::test]
async fn real_a_database_that_is_not_ovns_is_refused_when_it_is_registered() {
    let adapter = Adapter::start().await;
    let put = async |northbound: &str| {
        let kind = VimKind::Hosts { northbound: northbound.into(), external_network: None };
        adapter.vi.put_vim(Uuid::new_v4(), &VimSpec { name: "lab".into(), kind }).await
    };
    let told = refused(put("nonsense").await, 422);
    assert_eq!(told.faults[0].location, "/kind/northbound");
    let told = refused(put("unix:/nowhere/at/all.sock").await, 503);
    assert!(told.answer.unwrap().contains("/nowhere/at/all.sock"));
    assert!(adapter.vi.vims().await.unwrap().is_empty());
}

/// Waits for the event that a host allows more, behind the first `after` of them; how many there were then.
async fn allows_more(adapter: &Adapter, vim: Uuid, after: usize, words: &str) -> usize {
    let (mut seen, mut events) = (0, adapter.vi.events(vim, 0));
    until(&mut events, |event| {
        let ViEvent::AllowsMore { detail, .. } = event else { return None };
        seen += 1;
        (seen > after && detail.contains(words)).then_some(seen)
    })
    .await
}

#[tokio::test]
async fn real_a_host_that_comes_opens_returns_or_grows_is_told_as_more_room() {
    let Some(northbound) = Northbound::start() else { return };
    let mut adapter = Adapter::start().await;
    let mut agent = FakeAgent::start().await;
    let vim = hosts_vim(&adapter, &northbound, &[&agent]).await;
    let came = allows_more(&adapter, vim, 0, "vCPUs of host h1 in zone default: 4, was 0").await;
    let closed = HostSpec { agent: agent.base(), zone: "default".into(), schedulable: false };
    adapter.vi.put_host(vim, "h1", &closed).await.unwrap();
    adapter.vi.put_host(vim, "h1", &HostSpec { schedulable: true, ..closed }).await.unwrap();
    let opened = allows_more(&adapter, vim, came, "vCPUs of host h1").await;
    // Nothing is more after a restart of the adapter.
    adapter.restart().await;
    // It came back twice then: when it was added, and now.
    let (mut came, mut events) = (0, adapter.vi.events(vim, 0));
    until(&mut events, |event| {
        came += usize::from(matches!(event, ViEvent::Vim { what, .. } if what == "host_back"));
        (came == 2).then_some(())
    })
    .await;
    agent.down().await;
    told(&adapter, vim, "host_lost").await;
    agent.up().await;
    assert_eq!(allows_more(&adapter, vim, opened, "vCPUs of host h1").await, opened + 1);
}
