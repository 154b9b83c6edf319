//! Machines over pretended drivers: what is asked for is made, once, whatever happens on the way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use db::{Clock, ManualClock};
use nfvi_agent::reconcile::machine::{Round, Step};
use reference_points::nf_vi::{DesiredPower, MachineSpec, MachineState, PowerAction, PowerRequest, RootDisk};
use support::{Live, SimHost, lacks, names, spec, with_image};
use uuid::Uuid;

const PORT: Uuid = Uuid::from_u128(0x77);

async fn running_machine(live: &Live) -> (Uuid, MachineSpec) {
    let image = with_image(&live.agent).await;
    let (id, spec) = (Uuid::new_v4(), spec(image, PORT));
    let (machine, new) = live.agent.put_machine(id, spec.clone()).await.unwrap();
    assert!(new && machine.state == MachineState::Building);
    live.until_state(id, MachineState::Running).await;
    (id, spec)
}

fn count(host: &SimHost, action: &str) -> usize {
    host.hypervisor.journal().iter().filter(|line| line.starts_with(action)).count()
}

#[tokio::test]
async fn asking_twice_makes_one_machine_and_asking_for_another_names_the_differences() {
    if lacks(&["qemu-img", "xorriso"]) {
        return;
    }
    let host = SimHost::new().await;
    let live = host.live().await;
    let (id, wanted) = running_machine(&live).await;
    let (again, new) = live.agent.put_machine(id, wanted.clone()).await.unwrap();
    assert!(!new && again.state == MachineState::Running);
    assert_eq!(host.switch.plugged(), [PORT]);
    assert_eq!((count(&host, "define"), count(&host, "start")), (1, 1));

    let other = MachineSpec { name: "other".into(), root: RootDisk::Volume { volume_id: id }, ..wanted.clone() };
    let refused = live.agent.put_machine(id, other).await.unwrap_err();
    assert_eq!(refused.problem.status, 409);
    let places: Vec<&str> = refused.problem.faults.iter().map(|fault| fault.location.as_str()).collect();
    assert_eq!(places, ["/name", "/root"]);
    // The same owner asking in another operation is no difference.
    let mut later = wanted;
    later.owner.operation = Some(Uuid::from_u128(5));
    assert!(!live.agent.put_machine(id, later).await.unwrap().1);
}

#[tokio::test]
async fn other_cpus_memory_and_a_larger_disk_come_with_a_new_start() {
    if lacks(&["qemu-img", "xorriso"]) {
        return;
    }
    let host = SimHost::new().await;
    let live = host.live().await;
    let (id, wanted) = running_machine(&live).await;
    let RootDisk::Image { image_id, .. } = wanted.root else { panic!("it boots from an image") };
    let size_bytes = Some(256 << 20);
    let larger = MachineSpec {
        vcpus: 2,
        memory_bytes: 128 << 20,
        root: RootDisk::Image { image_id, size_bytes },
        ..wanted.clone()
    };
    let (asked, new) = live.agent.put_machine(id, larger.clone()).await.unwrap();
    assert!(!new && asked.state == MachineState::Building, "it runs again when it is what it shall be");
    live.until_state(id, MachineState::Running).await;
    assert_eq!(live.agent.host().await.unwrap().reserved.vcpus, 2);
    let file = host.config.state_dir.join("machines").join(id.to_string()).join("root.qcow2");
    assert_eq!(nfvi_agent::media::disks::virtual_size(&file).unwrap(), size_bytes);
    assert_eq!((count(&host, "define"), count(&host, "start")), (2, 2));
    assert!(!live.agent.put_machine(id, larger.clone()).await.unwrap().1);
    assert_eq!(count(&host, "start"), 2, "asked again, nothing happens");

    // What the host does not have is refused, and the machine runs on as it is.
    let refused = live.agent.put_machine(id, MachineSpec { vcpus: 255, ..larger.clone() }).await.unwrap_err();
    assert_eq!((refused.problem.status, refused.problem.faults[0].location.as_str()), (422, "capacity.vcpus"));
    assert_eq!(live.agent.machine(id).await.unwrap().spec.vcpus, 2);
    let smaller = live.agent.put_machine(id, wanted).await.unwrap_err();
    assert_eq!(smaller.problem.faults[0].location, "/root", "a disk does not become smaller");
}

#[tokio::test]
async fn removal_leaves_nothing_and_is_done_when_done() {
    if lacks(&["qemu-img", "xorriso"]) {
        return;
    }
    let host = SimHost::new().await;
    let live = host.live().await;
    let (id, _) = running_machine(&live).await;
    assert_eq!(names(&host.config.state_dir.join("machines")), [id.to_string()]);
    assert!(!live.agent.delete_machine(id).await.unwrap());
    live.until_gone(id).await;
    assert!(live.agent.delete_machine(id).await.unwrap(), "it is gone already");
    assert!(host.switch.plugged().is_empty());
    assert!(names(&host.config.state_dir.join("machines")).is_empty());
    let found = live.agent.inventory().await.unwrap();
    assert_eq!(found.items.len(), 1, "only the image is left: {found:?}");
    let told = live.told().await;
    let kinds: Vec<&str> =
        told.iter().map(|e| e["machine"]["state"].as_str().or(e["event"].as_str()).unwrap()).collect();
    assert_eq!(kinds, ["building", "running", "deleting", "machine_deleted"]);
}

/// Steps an agent `steps` times and lets it go, as a kill between two effects would.
async fn some_steps(host: &SimHost, id: Uuid, steps: usize) -> bool {
    let agent = host.agent().await;
    let mut round = Round::new(true);
    for _ in 0..steps {
        if matches!(agent.step(id, &mut round).await, Step::Ended(_)) {
            return false;
        }
    }
    true
}

#[tokio::test]
async fn killed_at_every_boundary_it_ends_as_it_would_have() {
    if lacks(&["qemu-img", "xorriso"]) {
        return;
    }
    let mut boundaries = 0;
    for steps in 0.. {
        let host = SimHost::new().await;
        let agent = host.agent().await;
        let (id, image) = (Uuid::new_v4(), with_image(&agent).await);
        agent.put_machine(id, spec(image, PORT)).await.unwrap();
        drop(agent);
        let more = some_steps(&host, id, steps).await;
        // A kill in the middle of making a file leaves its unfinished part.
        let dir = host.config.state_dir.join("machines").join(id.to_string());
        std::fs::create_dir_all(dir.join("config.stage/openstack")).unwrap();
        std::fs::write(dir.join("root.part"), b"half").unwrap();

        let live = host.live().await;
        live.until_state(id, MachineState::Running).await;
        assert_eq!((count(&host, "define"), count(&host, "start")), (1, 1), "killed after {steps}");
        assert_eq!(host.switch.plugged(), [PORT]);
        assert!(dir.join("root.qcow2").exists() && dir.join("config.iso").exists());
        live.kill().await;

        host.agent().await.delete_machine(id).await.unwrap();
        let more_to_undo = some_steps(&host, id, steps).await;
        let live = host.live().await;
        live.until_gone(id).await;
        assert!(!dir.exists() && host.switch.plugged().is_empty(), "removal killed after {steps}");
        assert_eq!(count(&host, "destroy"), 1);
        boundaries += 1;
        if !more && !more_to_undo {
            break;
        }
    }
    assert!(boundaries > 4, "only {boundaries} boundaries were tried");
}

#[tokio::test]
async fn a_restart_disturbs_nothing_that_runs() {
    if lacks(&["qemu-img", "xorriso"]) {
        return;
    }
    let host = SimHost::new().await;
    let live = host.live().await;
    let (id, wanted) = running_machine(&live).await;
    live.kill().await;
    let before = host.hypervisor.journal();
    let live = host.live().await;
    // When a later machine runs, the first look at everything is over.
    let image = match wanted.root {
        reference_points::nf_vi::RootDisk::Image { image_id, .. } => image_id,
        _ => unreachable!(),
    };
    let second = Uuid::new_v4();
    live.agent.put_machine(second, spec(image, Uuid::from_u128(0x78))).await.unwrap();
    live.until_state(second, MachineState::Running).await;
    let touched: Vec<String> = host.hypervisor.journal().split_off(before.len());
    assert!(touched.iter().all(|line| line.ends_with(&second.to_string())), "{touched:?}");
    assert_eq!(live.agent.machine(id).await.unwrap().state, MachineState::Running);
}

#[tokio::test]
async fn what_others_break_is_repaired_and_told() {
    if lacks(&["qemu-img", "xorriso"]) {
        return;
    }
    let host = SimHost::new().await;
    let live = host.live().await;
    let (id, _) = running_machine(&live).await;
    let since = |machine: Option<&reference_points::nf_vi::Machine>, at: i64| {
        machine.is_some_and(|m| m.state == MachineState::Running && m.changed_at > at)
    };
    let mut at = live.agent.machine(id).await.unwrap().changed_at;
    host.hypervisor.crash(id);
    at = live.until(id, |m| since(m, at)).await.unwrap().changed_at;
    assert_eq!(count(&host, "start"), 2);
    host.hypervisor.remove_from_outside(id);
    at = live.until(id, |m| since(m, at)).await.unwrap().changed_at;
    assert_eq!((count(&host, "define"), count(&host, "start")), (2, 3));
    host.switch.unplug(PORT);
    live.until(id, |m| since(m, at)).await;
    assert_eq!(host.switch.plugged(), [PORT]);
}

#[tokio::test]
async fn a_lost_bridge_is_told_and_its_ports_come_back_with_it() {
    if lacks(&["qemu-img", "xorriso"]) {
        return;
    }
    let host = SimHost::new().await;
    let live = host.live().await;
    let (id, _) = running_machine(&live).await;
    host.switch.set_bridge(false);
    live.until_told("bridge_lost").await;
    assert!(live.agent.host().await.unwrap().health["bridge sim"].contains("ovn-controller"));
    let at = live.agent.machine(id).await.unwrap().changed_at;

    // A machine that cannot be plugged in says so, and is started when the bridge is back.
    let image = with_image(&live.agent).await;
    let second = Uuid::new_v4();
    live.agent.put_machine(second, spec(image, Uuid::from_u128(0x78))).await.unwrap();
    let failed = live.until_state(second, MachineState::Error).await;
    assert!(failed.problem.unwrap().detail.contains("no bridge sim"));

    host.switch.set_bridge(true);
    live.until_told("bridge_back").await;
    live.until_state(second, MachineState::Running).await;
    live.until(id, |m| m.is_some_and(|m| m.changed_at > at)).await;
    assert!(host.switch.plugged().contains(&PORT));
}

#[tokio::test]
async fn a_refusal_is_told_in_the_hypervisors_words_and_tried_again_only_when_asked() {
    if lacks(&["qemu-img", "xorriso"]) {
        return;
    }
    let host = SimHost::new().await;
    let live = host.live().await;
    let (id, image) = (Uuid::new_v4(), with_image(&live.agent).await);
    host.hypervisor.fail_next("start", "unsupported configuration: no such machine");
    live.agent.put_machine(id, spec(image, PORT)).await.unwrap();
    let failed = live.until_state(id, MachineState::Error).await;
    let problem = failed.problem.unwrap();
    assert_eq!(problem.answer.as_deref(), Some("unsupported configuration: no such machine"));
    assert_eq!(problem.resource, Some(format!("compute {id}")));
    assert!(problem.next.is_some());
    let starts = count(&host, "start");
    // Asked for again, it is tried again.
    live.agent.put_machine(id, spec(image, PORT)).await.unwrap();
    live.until_state(id, MachineState::Running).await;
    assert_eq!((count(&host, "start"), count(&host, "define")), (starts + 1, 1));
}

#[tokio::test]
async fn a_machine_that_keeps_dying_is_left_alone_until_somebody_asks() {
    if lacks(&["qemu-img", "xorriso"]) {
        return;
    }
    let host = SimHost::new().await;
    let live = host.live().await;
    let (id, _) = running_machine(&live).await;
    let mut died = 0;
    loop {
        let at = live.agent.machine(id).await.unwrap().changed_at;
        host.hypervisor.crash(id);
        died += 1;
        let machine = live.until(id, |m| m.is_some_and(|m| m.changed_at > at)).await.unwrap();
        if machine.state == MachineState::Error {
            assert!(machine.problem.unwrap().detail.contains("5 times within 10 minutes"));
            break;
        }
        assert!(died < 10);
    }
    assert_eq!(died, 6);
    live.agent.power(id, PowerRequest { action: PowerAction::Start, grace_seconds: None }).await.unwrap();
    live.until_state(id, MachineState::Running).await;
}

#[tokio::test]
async fn while_the_hypervisor_is_away_everything_waits_for_it() {
    if lacks(&["qemu-img", "xorriso"]) {
        return;
    }
    let host = SimHost::new().await;
    let live = host.live().await;
    let (id, image) = (Uuid::new_v4(), with_image(&live.agent).await);
    host.hypervisor.go_away("socket closed");
    live.until_told("hypervisor_lost").await;
    live.agent.put_machine(id, spec(image, PORT)).await.unwrap();
    assert!(live.agent.readiness().unwrap_err().contains("socket closed"));
    assert!(live.agent.host().await.unwrap().health["hypervisor"].contains("socket closed"));
    assert_eq!(live.agent.inventory().await.unwrap().gaps.len(), 1, "what could not be asked is told");
    assert_eq!(live.agent.machine(id).await.unwrap().state, MachineState::Building);
    host.hypervisor.come_back();
    live.until_told("hypervisor_back").await;
    live.until_state(id, MachineState::Running).await;
}

#[tokio::test]
async fn power_off_asks_the_guest_and_pulls_the_plug_of_a_deaf_one() {
    if lacks(&["qemu-img", "xorriso"]) {
        return;
    }
    let clock = Arc::new(ManualClock::new(1_000_000_000));
    let host = SimHost::with_clock(clock.clone() as Arc<dyn Clock>).await;
    let live = host.live().await;
    let (id, _) = running_machine(&live).await;
    let request = |action, grace| PowerRequest { action, grace_seconds: grace };

    live.agent.power(id, request(PowerAction::StopGraceful, Some(30))).await.unwrap();
    live.until_state(id, MachineState::Stopped).await;
    assert_eq!((count(&host, "ask to power off"), count(&host, "destroy")), (1, 0));
    let refused = live.agent.power(id, request(PowerAction::Reboot, None)).await.unwrap_err();
    assert_eq!(refused.problem.status, 409);
    live.agent.power(id, request(PowerAction::Start, None)).await.unwrap();
    live.until_state(id, MachineState::Running).await;

    host.hypervisor.be_deaf();
    live.agent.power(id, request(PowerAction::StopGraceful, Some(30))).await.unwrap();
    let asked = async {
        // The second request to the guest, and then the alarm of its deadline.
        while count(&host, "ask to power off") < 2 || clock.next_sleeper() != Some(1_000_000_000 + 30_000_000) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asked).await.unwrap();
    assert_eq!(live.agent.machine(id).await.unwrap().state, MachineState::Running);
    clock.advance(Duration::from_secs(30));
    live.until_state(id, MachineState::Stopped).await;
    assert_eq!(count(&host, "destroy"), 1);

    let wrong = live.agent.power(id, request(PowerAction::StopGraceful, Some(0))).await.unwrap_err();
    assert_eq!((wrong.problem.status, wrong.problem.faults[0].location.as_str()), (400, "/graceSeconds"));
}

#[tokio::test]
async fn reboots_happen_once() {
    if lacks(&["qemu-img", "xorriso"]) {
        return;
    }
    let host = SimHost::new().await;
    let live = host.live().await;
    let (id, _) = running_machine(&live).await;
    let at = live.agent.machine(id).await.unwrap().changed_at;
    live.agent.power(id, PowerRequest { action: PowerAction::Reboot, grace_seconds: None }).await.unwrap();
    live.until(id, |m| m.is_some_and(|m| m.changed_at > at && m.state == MachineState::Running)).await;
    assert_eq!(count(&host, "reset"), 1);
    let at = live.agent.machine(id).await.unwrap().changed_at;
    live.agent.power(id, PowerRequest { action: PowerAction::RebootGraceful, grace_seconds: None }).await.unwrap();
    // That the guest followed is told, and with it the request is over.
    live.until(id, |m| m.is_some_and(|m| m.changed_at > at)).await;
    assert_eq!((count(&host, "ask to reboot"), count(&host, "reset")), (1, 1));
}

#[tokio::test]
async fn interfaces_and_volumes_come_and_go_while_it_runs() {
    if lacks(&["qemu-img", "xorriso"]) {
        return;
    }
    let host = SimHost::new().await;
    let live = host.live().await;
    let (id, first) = running_machine(&live).await;
    let (volume, port) = (Uuid::new_v4(), Uuid::from_u128(0x99));
    let volume_spec = serde_json::json!({"name": "data", "owner": support::owner(), "sizeBytes": 1 << 20});
    live.agent.put_volume(volume, serde_json::from_value(volume_spec).unwrap()).await.unwrap();
    let mut wanted = first.clone();
    wanted.nics.push(reference_points::nf_vi::NicSpec { port_id: port, mac: support::mac(port), mtu: None });
    wanted.volumes.push(reference_points::nf_vi::VolumeAttachment { volume_id: volume });
    let at = live.agent.put_machine(id, wanted).await.unwrap().0.changed_at;
    live.until(id, |m| m.is_some_and(|m| m.changed_at > at)).await;
    assert_eq!((count(&host, "attach disk"), count(&host, "attach nic")), (1, 1));
    assert!(host.switch.plugged().contains(&port));
    assert_eq!(live.agent.volume(volume).await.unwrap().attached_to, Some(id));
    let in_use = live.agent.delete_volume(volume).await.unwrap_err();
    assert!(in_use.problem.detail.contains(&id.to_string()));

    let at = live.agent.put_machine(id, first).await.unwrap().0.changed_at;
    live.until(id, |m| m.is_some_and(|m| m.changed_at > at)).await;
    assert_eq!(host.switch.plugged(), [PORT]);
    live.agent.delete_volume(volume).await.unwrap();
    assert_eq!((count(&host, "define"), count(&host, "start")), (1, 1), "the guest ran on");
}

#[tokio::test]
async fn more_than_the_host_has_is_refused_with_the_numbers_and_everything_missing_at_once() {
    if lacks(&["qemu-img", "xorriso"]) {
        return;
    }
    let host = SimHost::new().await;
    let live = host.live().await;
    let (id, wanted) = running_machine(&live).await;
    let total = live.agent.host().await.unwrap();
    assert_eq!((total.reserved.vcpus, total.reserved.memory_bytes), (1, 64 << 20));
    let mut greedy = MachineSpec { vcpus: 256, memory_bytes: 8 << 40, ..wanted };
    greedy.root = reference_points::nf_vi::RootDisk::Image { image_id: Uuid::from_u128(5), size_bytes: None };
    greedy.volumes.push(reference_points::nf_vi::VolumeAttachment { volume_id: Uuid::from_u128(6) });
    let refused = live.agent.put_machine(Uuid::new_v4(), greedy).await.unwrap_err();
    assert_eq!(refused.problem.status, 422);
    let places: Vec<&str> = refused.problem.faults.iter().map(|fault| fault.location.as_str()).collect();
    assert_eq!(
        places,
        ["/root/imageId", "/volumes/0/volumeId", "/nics/0/portId", "capacity.vcpus", "capacity.memoryBytes"]
    );
    let words = &refused.problem.faults[3].message;
    assert!(
        words.contains("256 virtual CPUs are wanted") && words.contains(&format!("1 of {}", total.total.vcpus)),
        "{words}"
    );
    assert!(refused.problem.faults[2].message.contains(&id.to_string()), "the port's user is named");
    assert_eq!(live.agent.machines().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_full_disk_puts_the_machine_into_error_and_leaves_nothing_half_made() {
    if lacks(&["qemu-img", "xorriso"]) {
        return;
    }
    let mut host = SimHost::new().await;
    let (id, image) = {
        let agent = host.agent().await;
        (Uuid::new_v4(), with_image(&agent).await)
    };
    // From here on the agent wants more free space than any disk has.
    host.config.capacity.keep_disk_bytes = u64::MAX / 4;
    host.config.capacity.disk_overcommit = 16.0;
    {
        let agent = host.agent().await;
        let refused = agent.put_machine(id, spec(image, PORT)).await.unwrap_err();
        assert_eq!(refused.problem.faults[0].location, "capacity.diskBytes");
        let upload =
            agent.put_image(Uuid::new_v4(), support::announced(), support::stream(vec![1; 10])).await.unwrap_err();
        assert_eq!(upload.problem.status, 507);
        assert!(upload.problem.detail.contains("are free"), "{}", upload.problem.detail);
    }
    // Noted while there was space, made when there is none.
    host.config.capacity.keep_disk_bytes = 0;
    host.agent().await.put_machine(id, spec(image, PORT)).await.unwrap();
    host.config.capacity.keep_disk_bytes = u64::MAX / 4;
    let live = host.live().await;
    let failed = live.until_state(id, MachineState::Error).await;
    assert_eq!(failed.problem.unwrap().status, 507);
    live.until_told("disk_low").await;
    assert!(names(&host.config.state_dir.join("machines").join(id.to_string())).is_empty());
    assert_eq!(count(&host, "define"), 0);
    live.kill().await;
    host.config.capacity.keep_disk_bytes = 0;
    host.live().await.until_state(id, MachineState::Running).await;
}

#[tokio::test]
async fn a_guest_that_a_full_disk_halted_goes_on_when_there_is_space() {
    if lacks(&["qemu-img", "xorriso"]) {
        return;
    }
    let mut host = SimHost::new().await;
    let live = host.live().await;
    let (id, _) = running_machine(&live).await;
    live.kill().await;
    host.config.capacity.keep_disk_bytes = u64::MAX / 4;
    let live = host.live().await;
    live.until_told("disk_low").await;
    host.hypervisor.halt_on_io_error(id);
    let halted = live.until_state(id, MachineState::Error).await;
    assert!(halted.problem.unwrap().detail.contains("a write failed"));
    live.kill().await;
    host.config.capacity.keep_disk_bytes = 0;
    host.live().await.until_state(id, MachineState::Running).await;
    assert_eq!(count(&host, "resume"), 1);
}

#[tokio::test]
async fn a_machine_that_shall_rest_is_made_and_not_started() {
    if lacks(&["qemu-img", "xorriso"]) {
        return;
    }
    let host = SimHost::new().await;
    let live = host.live().await;
    let (id, image) = (Uuid::new_v4(), with_image(&live.agent).await);
    let wanted = MachineSpec { power: DesiredPower::Stopped, ..spec(image, PORT) };
    live.agent.put_machine(id, wanted).await.unwrap();
    live.until_state(id, MachineState::Stopped).await;
    assert_eq!((count(&host, "define"), count(&host, "start")), (1, 0));
}
