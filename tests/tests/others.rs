//! Packages that others wrote, on real libvirt, Open vSwitch and OVN, through the operations that they declare. They are as
//! they were written but for the disk image that they lack: the sample guest stands in for it, with its digest.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

use descriptors::archive::{Limits, Package};
use descriptors::vnfd::{ExtCpKind, Vnfd, read_vnfd};
use mano_tests::lab::{Lab, Wishes};
use mano_tests::{conformance, samples};
use reference_points::or_vi::{NetworkSpec, SubnetSpec, ViClient};
use reference_points::or_vnfm::{InstantiatedVnfInfo, LcmOperationStateType, VnfLcmOpOcc};
use serde_json::{Value, json};
use uuid::Uuid;

const UNIT_TYPES: &str = "tests/etc/samples/etsi/nfv/common";
const FUNCTIONAL_TYPES: &str = "tests/functional/sol_v2_common/common";
/// The disk image that the packages name and lack.
const LACKING: &str = "Files/images/cirros-0.5.2-x86_64-disk.img";

/// The packages; `None` when they are not here, which is said.
fn packages() -> Option<PathBuf> {
    let shared = std::env::var_os("MANO_SHARED").map(|dir| Path::new(&dir).join("samples/tacker"));
    let found = shared.filter(|dir| dir.exists());
    if found.is_none() {
        println!("SKIPPED: MANO_SHARED names no folder with packages that others wrote");
    }
    found
}

fn digest(program: &str, file: &Path) -> String {
    let out = Command::new(program).arg(file).output().unwrap();
    String::from_utf8(out.stdout).unwrap().split_whitespace().next().unwrap().to_owned()
}

/// Lays folders over each other below `to`.
fn lay(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-r").arg(from.join(".")).arg(to).output().unwrap();
    assert!(copied.status.success(), "{copied:?}");
}

/// The archive of a package, with the image that it lacks unless the VIM shall have that.
fn archive(case: &Case<'_>, packages: &Path, image: &Path, out: &Path) -> PathBuf {
    let sources = out.with_extension("sources");
    std::fs::create_dir_all(sources.join("Files/images")).unwrap();
    case.folders.iter().for_each(|folder| lay(&packages.join(folder), &sources));
    if case.image_in_vim.is_none() {
        std::fs::copy(image, sources.join(LACKING)).unwrap();
    }
    let (sha256, sha512) = (digest("sha256sum", image), digest("sha512sum", image));
    for entry in std::fs::read_dir(sources.join("Definitions")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let line = |line: &str| match line.trim_start().strip_prefix("hash: ") {
            Some(hash) if hash.trim().len() == 64 => line.replace(hash.trim(), &sha256),
            Some(hash) if hash.trim().len() == 128 => line.replace(hash.trim(), &sha512),
            _ => line.to_owned(),
        };
        std::fs::write(&path, text.lines().map(|l| line(l) + "\n").collect::<String>()).unwrap();
    }
    // Their TOSCA.meta names no manifest: packed as they are, not as the standard would have them.
    let mut zip = zip::ZipWriter::new(std::fs::File::create(out).unwrap());
    add(&mut zip, &sources, &sources);
    zip.finish().unwrap();
    out.to_owned()
}

fn add(zip: &mut zip::ZipWriter<std::fs::File>, root: &Path, dir: &Path) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add(zip, root, &path);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            std::io::copy(&mut std::fs::File::open(&path).unwrap(), zip).unwrap();
        }
    }
}

/// A package of others, and how it is run.
#[derive(Clone, Copy, Default)]
struct Case<'a> {
    name: &'a str,
    /// Folders that make the package, each over the one before.
    folders: &'a [&'a str],
    /// Name of the image, where the package says that the VIM has it.
    image_in_vim: Option<&'a str>,
    more_hosts: u8,
    /// Deployment flavour; the first one unless it is named.
    flavour: Option<&'a str>,
    level: Option<&'a str>,
}

/// A running VNF of others.
struct Other<'a> {
    lab: &'a Lab,
    vnfd: Vnfd,
    vnf: Uuid,
    networks: Vec<Uuid>,
}

impl<'a> Other<'a> {
    /// Onboarded and instantiated, each external connection point on a network of its own.
    async fn running(lab: &'a Lab, case: &Case<'_>, archive: &Path) -> Self {
        lab.onboard_package(archive).await;
        let package = Package::open(archive, &Limits::default()).unwrap_or_else(|e| panic!("{e}"));
        let vnfd = read_vnfd(&package).unwrap_or_else(|e| panic!("{e}"));
        let flavour = case.flavour.map_or(&vnfd.flavours[0], |id| vnfd.flavour(id).unwrap());
        let vi = ViClient::new(&lab.services["vim-adapter"].url);
        let (mut networks, mut links) = (Vec::new(), Vec::new());
        // What is external on a link inside the VNF is reached through that link.
        let outer = flavour.ext_cps.iter().filter(|cp| cp.kind == ExtCpKind::VduCp);
        for (n, cp) in outer.enumerate() {
            let id = Uuid::new_v4();
            let owner = json!({ "kind": "vnf_package", "id": id });
            let network: NetworkSpec = serde_json::from_value(json!({ "name": cp.name, "owner": owner })).unwrap();
            vi.put_network(lab.vim, id, &network).await.unwrap();
            let subnet: SubnetSpec = serde_json::from_value(json!({
                "name": cp.name, "owner": owner, "networkId": id, "cidr": format!("10.77.{n}.0/24"), "dhcp": true }))
            .unwrap();
            vi.put_subnet(lab.vim, Uuid::new_v4(), &subnet).await.unwrap();
            let cp = json!({ "cpdId": cp.name, "cpConfig": {} });
            links.push(
                json!({ "id": format!("ext-{n}"), "vimConnectionId": lab.vim, "resourceId": id, "extCps": [cp] }),
            );
            networks.push(id);
        }
        let mut request = json!({ "flavourId": flavour.id, "extVirtualLinks": links });
        if let Some(level) = case.level {
            request["instantiationLevelId"] = json!(level);
        }
        let vnf = lab.run_vnf(&vnfd.descriptor_id, case.name, &request).await;
        let other = Self { lab, vnfd, vnf, networks };
        other.as_described("instantiate").await;
        other
    }

    async fn as_described(&self, after: &str) {
        let told = self.lab.cli(&["vnf", "verify", &self.vnf.to_string()]);
        assert_eq!(told.code, Some(0), "{} after {after}: {told:#?}", self.vnfd.product_name);
    }

    async fn info(&self) -> InstantiatedVnfInfo {
        self.lab.vnfs.get(self.vnf).await.unwrap().unwrap().instantiated_vnf_info.unwrap()
    }

    async fn task(&self, path: &str, request: Value) -> VnfLcmOpOcc {
        let (vnfs, vnf) = (&self.lab.vnfs, self.vnf);
        fn read<T: serde::de::DeserializeOwned>(request: Value) -> T {
            serde_json::from_value(request).unwrap()
        }
        let op = match path {
            "scale" => vnfs.scale(vnf, &read(request)).await,
            "scale_to_level" => vnfs.scale_to_level(vnf, &read(request)).await,
            "heal" => vnfs.heal(vnf, &read(request)).await,
            "operate" => vnfs.operate(vnf, &read(request)).await,
            "change_flavour" => vnfs.change_flavour(vnf, &read(request)).await,
            "modify" => vnfs.modify(vnf, &read(request), None).await,
            other => panic!("{other}"),
        };
        self.lab.vnf_rest(op.unwrap_or_else(|e| panic!("{path}: {:#?}", e.to_problem()))).await
    }

    async fn does(&self, path: &str, request: Value) {
        let done = self.task(path, request).await;
        assert_eq!(done.operation_state, LcmOperationStateType::Completed, "{path}: {done:#?}");
        self.as_described(path).await;
    }

    /// Its end; nothing of it is left.
    async fn ended(self) {
        self.lab.end_vnf(self.vnf).await;
        let vi = ViClient::new(&self.lab.services["vim-adapter"].url);
        for subnet in vi.subnets(self.lab.vim).await.unwrap() {
            if self.networks.contains(&subnet.spec.network_id) {
                vi.delete_subnet(self.lab.vim, subnet.id).await.unwrap();
            }
        }
        for network in self.networks {
            vi.delete_network(self.lab.vim, network).await.unwrap();
        }
        self.lab.nothing_leaks().await;
    }
}

/// A lab of its own for each package: several of them have the same descriptor_id.
async fn on_a_lab(case: Case<'_>, story: impl AsyncFnOnce(Other<'_>)) {
    let (Some(packages), Some(image)) = (packages(), samples::guest_image()) else { return };
    let wishes = Wishes { more_hosts: case.more_hosts, ..Wishes::default() };
    let Some(lab) = Lab::real("mano-t-others", &wishes).await else { return };
    let archive = archive(&case, &packages, &image, &lab.path().join(format!("{}.csar", case.name)));
    if let Some(name) = case.image_in_vim {
        lab.mano(&["vim", "image", "add", image.to_str().unwrap(), "--name", name]);
    }
    story(Other::running(&lab, &case, &archive).await).await;
    lab.nothing_leaks().await;
    conformance::check(&lab);
}

#[tokio::test]
async fn real_a_package_of_others_with_one_vdu_on_an_internal_link() {
    let folders = [FUNCTIONAL_TYPES, "etsi_getting_started/tosca/sample_vnf_package_csar"];
    on_a_lab(Case { name: "single", folders: &folders, ..Case::default() }, async |single: Other<'_>| {
        single.does("modify", json!({ "vnfInstanceName": "one", "metadata": { "site": "north" } })).await;
        single.ended().await;
    })
    .await;
}

#[tokio::test]
async fn real_a_package_of_others_with_block_storage_is_stopped_started_and_healed() {
    let folders = [UNIT_TYPES, "tests/etc/samples/etsi/nfv/vnflcm1"];
    on_a_lab(Case { name: "storage", folders: &folders, ..Case::default() }, async |storage: Other<'_>| {
        storage.does("operate", json!({ "changeStateTo": "STOPPED", "stopType": "FORCEFUL" })).await;
        storage.does("operate", json!({ "changeStateTo": "STARTED" })).await;
        storage.does("heal", json!({})).await;
        storage.ended().await;
    })
    .await;
}

#[tokio::test]
async fn real_a_package_of_others_that_boots_from_block_storage_in_one_zone_scales() {
    let folders = [FUNCTIONAL_TYPES, "tests/functional/sol_v2_common/basic_lcms_max/contents"];
    on_a_lab(Case { name: "scaling", folders: &folders, ..Case::default() }, async |scaling: Other<'_>| {
        let aspect = scaling.vnfd.flavours[0].scaling.aspects.keys().next().unwrap().clone();
        scaling.does("scale", json!({ "type": "SCALE_OUT", "aspectId": aspect })).await;
        scaling.does("heal", json!({ "cause": "for practice" })).await;
        scaling.does("scale", json!({ "type": "SCALE_IN", "aspectId": aspect })).await;
        scaling.ended().await;
    })
    .await;
}

#[tokio::test]
async fn real_a_package_of_others_with_one_vdu_scales_to_a_level() {
    let folders = [UNIT_TYPES, "tests/etc/samples/etsi/nfv/vnflcm2"];
    on_a_lab(Case { name: "levels", folders: &folders, ..Case::default() }, async |levels: Other<'_>| {
        let (aspect, most) = levels.vnfd.flavours[0].scaling.aspects.iter().next().unwrap();
        let level = json!({ "aspectId": aspect, "scaleLevel": most.max_scale_level.min(2) });
        levels.does("scale_to_level", json!({ "scaleInfo": [level] })).await;
        levels.ended().await;
    })
    .await;
}

#[tokio::test]
async fn real_a_package_of_others_with_two_flavours_and_an_image_that_the_vim_has_keeps_its_vnfcs_apart() {
    let case = Case {
        name: "practical",
        folders: &["practical_vnf_package"],
        image_in_vim: Some("sample_image"),
        more_hosts: 2,
        flavour: Some("scalable"),
        level: Some("r-node-min"),
    };
    on_a_lab(case, async |practical: Other<'_>| {
        practical.does("scale", json!({ "type": "SCALE_OUT", "aspectId": "VDU_2" })).await;
        assert!(practical.lab.hosts.iter().all(|host| host.machines().len() == 1), "each VNFC has a host of its own");
        let third = practical.info().await.vnfc_info.into_iter().find(|vnfc| vnfc.vdu_id == "VDU_2").unwrap();
        practical.does("heal", json!({ "vnfcInstanceId": [third.id], "cause": "for practice" })).await;
        practical.does("scale", json!({ "type": "SCALE_IN", "aspectId": "VDU_2" })).await;
        practical.does("modify", json!({ "vnfInstanceDescription": "two nodes" })).await;
        practical.does("change_flavour", json!({ "newFlavourId": "ha" })).await;
        let (lab, info) = (practical.lab, practical.info().await);
        assert_eq!((info.flavour_id.as_str(), info.vnfc_info.len()), ("ha", 2));
        practical.ended().await;
        lab.mano(&["vim", "image", "delete", "sample_image"]);
    })
    .await;
}
