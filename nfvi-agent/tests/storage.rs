//! Images and volumes: they stream in, are judged, are made once, and leave nothing half-registered.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use nfvi_agent::app::images::Announced;
use reference_points::nf_vi::{DiskFormat, InventoryKind, VolumeSpec};
use service::http::ApiError;
use support::{SimHost, announced, lacks, names, qcow2, spec, stream, with_image};
use uuid::Uuid;

fn volume(size: u64, image: Option<Uuid>) -> VolumeSpec {
    VolumeSpec { name: "data".into(), owner: support::owner(), size_bytes: size, image_id: image }
}

#[tokio::test]
async fn an_image_is_taken_in_once_and_another_content_is_refused() {
    if lacks(&["qemu-img"]) {
        return;
    }
    let host = SimHost::new().await;
    let agent = host.agent().await;
    let (id, content) = (Uuid::new_v4(), qcow2(8 << 20));
    let sha256 = support::nfvi::sha256(&content);
    let with_sum = Announced { sha256: Some(sha256.to_ascii_uppercase()), ..announced() };
    let (info, new) = agent.put_image(id, with_sum.clone(), stream(content.clone())).await.unwrap();
    assert!(new && info.sha256 == sha256 && info.virtual_size_bytes == 8 << 20 && info.format == DiskFormat::Qcow2);
    assert_eq!(info.size_bytes, content.len() as u64);
    assert!(!agent.put_image(id, with_sum, stream(content.clone())).await.unwrap().1);
    let other = agent.put_image(id, announced(), stream(qcow2(16 << 20))).await.unwrap_err();
    assert_eq!(other.problem.status, 409);
    assert_eq!(names(&host.config.state_dir.join("images")), [format!("{id}.img")]);
    assert_eq!(std::fs::read(host.config.state_dir.join(format!("images/{id}.img"))).unwrap(), content);
    agent.delete_image(id).await.unwrap();
    agent.delete_image(id).await.unwrap();
    assert!(names(&host.config.state_dir.join("images")).is_empty() && agent.images().await.unwrap().is_empty());
}

#[tokio::test]
async fn two_uploads_of_one_image_at_once_make_one() {
    if lacks(&["qemu-img"]) {
        return;
    }
    let host = SimHost::new().await;
    let agent = host.agent().await;
    let (id, content) = (Uuid::new_v4(), qcow2(8 << 20));
    let uploads = (0..8).map(|_| agent.put_image(id, announced(), stream(content.clone())));
    let made = futures::future::join_all(uploads).await;
    assert_eq!(made.into_iter().filter(|result| result.as_ref().unwrap().1).count(), 1);
    assert_eq!(names(&host.config.state_dir.join("images")), [format!("{id}.img")]);
}

#[tokio::test]
async fn what_may_not_be_used_is_refused_and_leaves_nothing() {
    if lacks(&["qemu-img"]) {
        return;
    }
    let host = SimHost::new().await;
    let agent = host.agent().await;
    let put = async |announced: Announced, content: Vec<u8>| {
        agent.put_image(Uuid::new_v4(), announced, stream(content)).await.unwrap_err().problem
    };
    let wrong_sum = put(Announced { sha256: Some("0".repeat(64)), ..announced() }, b"KDMV".to_vec()).await;
    assert_eq!((wrong_sum.status, wrong_sum.faults.len()), (422, 2), "checksum and format are told at once");
    let mut backed = qcow2(8 << 20);
    backed[15] = 200;
    let backed = put(announced(), backed).await;
    assert!(backed.detail.contains("backing file"), "{}", backed.detail);
    assert_eq!(put(announced(), Vec::new()).await.status, 422);
    let broken = futures::stream::iter(vec![
        Ok(bytes::Bytes::from_static(b"QFI")),
        Err(ApiError::status(axum::http::StatusCode::BAD_REQUEST, "Upload broken off", "connection reset")),
    ]);
    let broken = agent.put_image(Uuid::new_v4(), announced(), broken).await.unwrap_err().problem;
    assert_eq!((broken.status, broken.detail.as_str()), (400, "connection reset"), "the sender's fault is not ours");
    assert!(names(&host.config.state_dir.join("images")).is_empty() && agent.images().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_upload_that_is_dropped_leaves_nothing() {
    let host = SimHost::new().await;
    let agent = host.agent().await;
    let endless = futures::stream::unfold((), |()| async {
        tokio::task::yield_now().await;
        Some((Ok::<_, ApiError>(bytes::Bytes::from_static(&[0; 1000])), ()))
    });
    let images = host.config.state_dir.join("images");
    {
        let mut upload = Box::pin(agent.put_image(Uuid::new_v4(), announced(), endless));
        while names(&images).is_empty() {
            assert!(futures::poll!(&mut upload).is_pending());
            tokio::task::yield_now().await;
        }
    }
    assert!(names(&images).is_empty(), "the caller hung up");
}

#[tokio::test]
async fn a_start_ends_what_a_kill_left_and_touches_nothing_that_is_whole() {
    if lacks(&["qemu-img"]) {
        return;
    }
    let host = SimHost::new().await;
    let agent = host.agent().await;
    let (image, volume_id) = (with_image(&agent).await, Uuid::new_v4());
    agent.put_volume(volume_id, volume(1 << 20, None)).await.unwrap();
    drop(agent);
    let images = host.config.state_dir.join("images");
    let orphan = Uuid::new_v4();
    // Killed while uploading, between noting and naming, and before noting.
    std::fs::write(images.join(format!("{orphan}.abc.upload")), b"x").unwrap();
    std::fs::rename(images.join(format!("{image}.img")), images.join(format!("{image}.ready"))).unwrap();
    std::fs::write(images.join(format!("{orphan}.ready")), b"x").unwrap();
    std::fs::write(host.config.state_dir.join(format!("volumes/{orphan}.part")), b"x").unwrap();
    // Somebody else's.
    std::fs::write(images.join(format!("{orphan}.img")), b"x").unwrap();
    let agent = host.agent().await;
    let mut left = vec![format!("{image}.img"), format!("{orphan}.img")];
    left.sort();
    assert_eq!(names(&images), left);
    assert_eq!(names(&host.config.state_dir.join("volumes")), [format!("{volume_id}.qcow2")]);
    assert_eq!(agent.image(image).await.unwrap().id, image);
}

#[tokio::test]
async fn volumes_are_made_once_empty_or_from_an_image() {
    if lacks(&["qemu-img"]) {
        return;
    }
    let host = SimHost::new().await;
    let agent = host.agent().await;
    let image = with_image(&agent).await;
    let (empty, copy) = (Uuid::new_v4(), Uuid::new_v4());
    let twice = futures::future::join_all((0..4).map(|_| agent.put_volume(empty, volume(1 << 20, None)))).await;
    assert_eq!(twice.into_iter().filter(|made| made.as_ref().unwrap().1).count(), 1);
    assert!(agent.put_volume(copy, volume(32 << 20, Some(image))).await.unwrap().1);
    let differs = agent.put_volume(empty, volume(2 << 20, None)).await.unwrap_err().problem;
    assert_eq!((differs.status, differs.faults[0].location.as_str()), (409, "/sizeBytes"));
    let small = agent.put_volume(Uuid::new_v4(), volume(1 << 20, Some(image))).await.unwrap_err().problem;
    assert!(small.status == 422 && small.detail.contains("8388608"), "{}", small.detail);
    let missing = agent.put_volume(Uuid::new_v4(), volume(1 << 20, Some(Uuid::nil()))).await.unwrap_err().problem;
    assert_eq!(missing.faults[0].location, "/imageId");
    assert_eq!(agent.volumes().await.unwrap().len(), 2);
    agent.delete_volume(empty).await.unwrap();
    agent.delete_volume(empty).await.unwrap();
    agent.delete_volume(copy).await.unwrap();
    assert!(names(&host.config.state_dir.join("volumes")).is_empty());
}

#[tokio::test]
async fn an_image_in_use_stays() {
    if lacks(&["qemu-img"]) {
        return;
    }
    let host = SimHost::new().await;
    let agent = host.agent().await;
    let (id, image) = (Uuid::new_v4(), with_image(&agent).await);
    agent.put_machine(id, spec(image, Uuid::from_u128(1))).await.unwrap();
    let refused = agent.delete_image(image).await.unwrap_err().problem;
    assert!(refused.status == 409 && refused.detail.contains(&id.to_string()));
}

#[tokio::test]
async fn the_inventory_names_what_nobody_asked_for() {
    if lacks(&["qemu-img", "xorriso"]) {
        return;
    }
    let host = SimHost::new().await;
    let live = host.live().await;
    let (id, image) = (Uuid::new_v4(), with_image(&live.agent).await);
    live.agent.put_machine(id, spec(image, Uuid::from_u128(1))).await.unwrap();
    live.until_state(id, reference_points::nf_vi::MachineState::Running).await;
    let clean = live.agent.inventory().await.unwrap();
    assert!(clean.items.iter().all(|item| item.desired && item.owner == Some(support::owner())), "{clean:?}");
    assert_eq!(clean.items.len(), 4);

    let stray = Uuid::new_v4();
    host.switch.plug(Uuid::from_u128(0xbad), "tapbad");
    let state = &host.config.state_dir;
    std::fs::write(state.join(format!("images/{stray}.img")), b"x").unwrap();
    std::fs::write(state.join("volumes/by-hand.qcow2"), b"x").unwrap();
    std::fs::create_dir(state.join(format!("machines/{stray}"))).unwrap();
    let around = nfvi_agent::reconcile::describe::Surroundings {
        acceleration: nfvi_agent::hypervisor::Acceleration::Tcg,
        bridge: "sim".into(),
        offloads: true,
    };
    let row = nfvi_agent::store::machines::MachineRow {
        id: stray,
        spec: spec(image, Uuid::from_u128(2)),
        state: reference_points::nf_vi::MachineState::Running,
        problem: None,
        changed_at: 0,
        deleting: false,
        has_run: true,
        pinned: vec![],
        root_bytes: 0,
        pending: None,
        trace: None,
        reverted: None,
        reverting: None,
    };
    host.hypervisor.add_from_outside(nfvi_agent::reconcile::describe::domain(&live.agent.layout, &row, &around));
    let found = live.agent.inventory().await.unwrap();
    let strays: Vec<_> = found.items.iter().filter(|item| !item.desired).collect();
    let kinds: Vec<InventoryKind> = strays.iter().map(|item| item.kind).collect();
    use InventoryKind::{Domain, Image, MachineFile, SwitchPort, Volume};
    assert_eq!(kinds, [Domain, SwitchPort, Image, Volume, MachineFile]);
    assert_eq!(strays[0].owner, Some(support::owner()), "the domain's mark tells whose it was");
    assert_eq!((strays[0].id, strays[2].id, strays[3].id), (Some(stray), Some(stray), None));
}

/// A small file system of its own, as full as a test wants it.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(path: &std::path::Path) -> Option<SmallDisk> {
        std::fs::create_dir_all(path).unwrap();
        let mounted =
            std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(path).status();
        if !mounted.is_ok_and(|status| status.success()) {
            println!("SKIPPED: a file system cannot be mounted here");
            return None;
        }
        Some(SmallDisk(path.to_owned()))
    }

    fn fill(&self) {
        use std::io::Write;
        let mut file = std::fs::File::create(self.0.join("filler")).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
async fn real_disk_that_runs_full_is_told_and_leaves_nothing_half_made() {
    if lacks(&["qemu-img", "xorriso"]) {
        return;
    }
    let host = SimHost::new().await;
    let Some(disk) = SmallDisk::mount(&host.config.state_dir) else { return };
    let agent = host.agent().await;
    let images = host.config.state_dir.join("images");
    // The sender does not say how long it is, so that it is found out on the way.
    let raw = Announced { format: Some(DiskFormat::Raw), ..announced() };
    let endless = futures::stream::iter((0..64).map(|_| Ok::<_, ApiError>(bytes::Bytes::from(vec![7; 1 << 20]))));
    let refused = agent.put_image(Uuid::new_v4(), raw.clone(), endless).await.unwrap_err().problem;
    assert_eq!(refused.status, 507, "{refused:?}");
    assert!(refused.detail.contains("no space left") && refused.next.is_some(), "{}", refused.detail);
    assert!(names(&images).is_empty() && agent.images().await.unwrap().is_empty());
    // The sender says it, so that it is refused at once.
    let long = Announced { length: Some(64 << 20), ..raw };
    let refused = agent.put_image(Uuid::new_v4(), long, stream(vec![])).await.unwrap_err().problem;
    assert!(refused.status == 507 && refused.detail.contains("67108864 bytes are needed"), "{}", refused.detail);

    let (id, image) = (Uuid::new_v4(), with_image(&agent).await);
    agent.put_machine(id, spec(image, Uuid::from_u128(1))).await.unwrap();
    disk.fill();
    let live = host.live().await;
    let failed = live.until_state(id, reference_points::nf_vi::MachineState::Error).await;
    assert_eq!(failed.problem.unwrap().status, 507);
    let left = names(&host.config.state_dir.join("machines").join(id.to_string()));
    assert!(left.iter().all(|name| !name.ends_with(".part") && !name.ends_with(".stage")), "{left:?}");
    let volume_id = Uuid::new_v4();
    let refused = live.agent.put_volume(volume_id, volume(1 << 20, None)).await.unwrap_err().problem;
    assert!([507, 422].contains(&refused.status), "{refused:?}");
    assert!(live.agent.volume(volume_id).await.is_err() && names(&host.config.state_dir.join("volumes")).is_empty());
    disk.free();
    live.agent.put_machine(id, spec(image, Uuid::from_u128(1))).await.unwrap();
    live.until_state(id, reference_points::nf_vi::MachineState::Running).await;
    live.kill().await;
}
