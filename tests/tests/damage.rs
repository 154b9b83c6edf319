//! What goes wrong below a running stack: a full disk, a lost bridge, a machine that somebody deleted, an agent that was
//! restarted. It is told plainly, and repaired where the desired state says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use mano_tests::ground::machine;
use mano_tests::lab::{Lab, Wishes};
use mano_tests::{conformance, samples, traffic};
use reference_points::common::EventStream;
use reference_points::or_vi::{ComputeState, ViEvent};
use uuid::Uuid;

/// Reads events until one fits.
async fn told(events: &mut EventStream, what: &str, fits: impl Fn(&ViEvent) -> bool) -> ViEvent {
    let reading = async {
        loop {
            if let Ok(event) = events.next::<ViEvent>().await
                && fits(&event.event)
            {
                return event.event;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(90), reading).await.unwrap_or_else(|_| panic!("never told: {what}"))
}

/// The first event that each of these is about, in whichever order they come.
async fn all_told(events: &mut EventStream, what: &str, fit: &[&dyn Fn(&ViEvent) -> bool]) -> Vec<ViEvent> {
    let mut found: Vec<Option<ViEvent>> = vec![None; fit.len()];
    while found.contains(&None) {
        let event = told(events, what, |event| fit.iter().any(|fits| fits(event))).await;
        for (slot, fits) in found.iter_mut().zip(fit) {
            if slot.is_none() && fits(&event) {
                *slot = Some(event.clone());
            }
        }
    }
    found.into_iter().flatten().collect()
}

fn compute_is(event: &ViEvent, id: Uuid, state: ComputeState) -> bool {
    matches!(event, ViEvent::Compute { compute } if compute.id == id && compute.state == state)
}

fn vim_says(event: &ViEvent, word: &str) -> bool {
    matches!(event, ViEvent::Vim { what, .. } if what == word)
}

/// Events from now on.
async fn from_now(lab: &Lab) -> EventStream {
    let mut events = lab.mano.vim_events(lab.vim, 0);
    // What is kept of the past comes at once.
    while let Ok(Ok(_)) = tokio::time::timeout(Duration::from_millis(500), events.next::<ViEvent>()).await {}
    events
}

#[tokio::test]
async fn real_damage_to_a_running_service_is_told_and_repaired() {
    let Some(image) = samples::guest_image() else { return };
    let Some(mut lab) = Lab::real("mano-t-dmg", &Wishes::default()).await else { return };
    let ns = lab.demo(&image).await;
    lab.completed(lab.instantiate(ns).await).await;
    let topology = lab.mano.topology(ns).await.unwrap();
    let url = traffic::url(&topology);
    traffic::answer(&lab, &url).await;
    let web = topology.vnfs.iter().find(|v| v.product.starts_with("web")).unwrap().vnfcs[0].compute_id.unwrap();

    // Somebody deletes a machine.
    let domain = machine(web);
    let mut events = from_now(&lab).await;
    lab.nfvi().virsh(&["undefine", &domain]);
    lab.nfvi().virsh(&["destroy", &domain]);
    // That the machine runs may be seen before whoever started it has told so.
    let repaired = |e: &ViEvent| vim_says(e, "machine_repaired");
    let back = |e: &ViEvent| compute_is(e, web, ComputeState::Active);
    let told_of = all_told(&mut events, "the machine was repaired and is back", &[&repaired, &back]).await;
    let ViEvent::Vim { host, detail, .. } = &told_of[0] else { unreachable!() };
    assert_eq!(host.as_deref(), Some("host1"));
    assert!(detail.contains("demo-web-web-1") && detail.contains("by somebody else"), "{detail}");
    assert_eq!(lab.nfvi().machines().len(), 2);
    assert!(traffic::answer(&lab, &url).await.contains("hello from demo-web"));

    // The bridge vanishes with every port on it.
    let mut events = from_now(&lab).await;
    lab.nfvi().ovs_vsctl(&["del-br", "br-int"]);
    told(&mut events, "the bridge is lost", |e| vim_says(e, "bridge_lost")).await;
    told(&mut events, "the bridge is back", |e| vim_says(e, "bridge_back")).await;
    assert!(traffic::answer(&lab, &url).await.contains("hello from demo-web"));

    // The agent is killed and started: no machine notices.
    let before = lab.nfvi().qemu_pids();
    assert_eq!(before.len(), 2);
    let mut events = from_now(&lab).await;
    lab.services.get_mut("nfvi-agent").unwrap().kill();
    told(&mut events, "the host is lost", |e| vim_says(e, "host_lost")).await;
    let hosts = lab.mano.hosts(lab.vim).await.unwrap();
    assert!(!hosts[0].reachable && hosts[0].problem.is_some(), "{hosts:#?}");
    assert!(lab.nfvi().request_from_outside(&url).is_some(), "traffic stops with the agent");
    lab.services.get_mut("nfvi-agent").unwrap().start().await;
    told(&mut events, "the host is back", |e| vim_says(e, "host_back")).await;
    assert!(lab.mano.hosts(lab.vim).await.unwrap()[0].reachable);
    assert_eq!(lab.nfvi().qemu_pids(), before, "a machine was started anew");

    lab.nothing_leaks().await;
    lab.completed(lab.terminate(ns).await).await;
    lab.nothing_leaks().await;
    conformance::check(&lab);
}

#[tokio::test]
async fn real_full_disk_rests_the_operation_and_a_retry_completes_it() {
    let Some(image) = samples::guest_image() else { return };
    let agent = "capacity:\n  keep_disk_bytes: 0\n  disk_overcommit: 16\n".to_owned();
    let wishes = Wishes { disk_mib: Some(128), agent, ..Wishes::default() };
    let Some(lab) = Lab::real("mano-t-full", &wishes).await else { return };
    let ns = lab.demo(&image).await;
    lab.disk.as_ref().unwrap().fill();
    let op = lab.instantiate(ns).await;
    let rests = lab.rest(op).await;
    assert_eq!(rests.state, "FAILED_TEMP", "{rests:#?}");
    let problem = rests.problem.unwrap();
    let text = serde_json::to_string(&problem).unwrap();
    println!("full disk: {text}");
    for part in ["host1", "disk", "retry", "rollback"] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert_eq!(lab.nfvi().virsh(&["list", "--all", "--name"]).trim(), "");
    lab.disk.as_ref().unwrap().free();
    lab.ns.retry(op).await.unwrap();
    lab.completed(op).await;
    assert_eq!(lab.nfvi().machines().len(), 2);
    lab.completed(lab.terminate(ns).await).await;
    lab.nothing_leaks().await;
    conformance::check(&lab);
}
