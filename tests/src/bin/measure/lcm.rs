//! VNF lifecycle management on the simulated VIM: how many operations a second, and how long each takes, with one client
//! and with several, with few instances and with many, on SQLite and on PostgreSQL.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use db::testing::TestDb;
use mano_tests::lab::{Databases, Lab, Wishes};
use mano_tests::samples;
use reference_points::or_vi::SimSpec;
use reference_points::or_vnfm::{
    CreateVnfRequest, InstantiateVnfRequest, LcmClient, LcmOperationStateType, TerminateVnfRequest, TerminationType,
};
use tokio::sync::Mutex;
use uuid::Uuid;

const WEB: &str = "6f1a9a3e-52d5-4d0b-9c2e-0d1f6b8a1001";
/// Operations of each kind that are timed, for each number of clients; the management network has 190 addresses.
const TIMED: usize = 100;
const CLIENTS: [usize; 3] = [1, 4, 8];

/// Runs and prints.
pub async fn run(instances: u32) {
    println!("milliseconds; VNF `web` with one VNFC and two ports, a simulated VIM that takes no time\n");
    measure("SQLite, synchronous=FULL in WAL mode", &Wishes::default(), instances).await;
    let mut databases = Databases::new();
    let mut kept = Vec::new();
    for service in ["nfvo", "vnfm", "vim-adapter"] {
        let Some(db) = TestDb::postgres().await else { return };
        databases.insert(service, db.url().to_owned());
        kept.push(db);
    }
    measure("PostgreSQL as the tests start it", &Wishes { databases, ..Wishes::default() }, instances).await;
}

async fn measure(what: &str, wishes: &Wishes, instances: u32) {
    let sim = SimSpec { boot_ms: 0, hosts: 100, ..SimSpec::default() };
    let lab = Lab::simulated_with(sim, wishes).await;
    let ns = lab.demo(&samples::pretended_image(lab.path())).await;
    // Brings the image to the VIM and makes the networks that the VNFs are connected to.
    lab.completed(lab.instantiate(ns).await).await;
    let request: Arc<InstantiateVnfRequest> =
        Arc::new(serde_json::from_value(lab.web_beside(ns).await).expect("a request"));
    println!("{what}");
    println!("{:<34} {:>8} {:>9} {:>8} {:>8}", "", "clients", "a second", "p50", "p99");
    for clients in CLIENTS {
        let made = Arc::new(Mutex::new(Vec::new()));
        let keep = made.clone();
        row("create", clients, side_by_side(&lab, clients, TIMED, move |vnfs, n| create(vnfs, n, keep.clone())).await);
        let made = Arc::new(made.lock().await.clone());
        let (ids, wanted) = (made.clone(), request.clone());
        let own = Arc::new(Mutex::new(Vec::new()));
        let times = own.clone();
        let work = move |vnfs, n: usize| instantiate(vnfs, ids[n], wanted.clone(), times.clone());
        row("instantiate, seen by the client", clients, side_by_side(&lab, clients, TIMED, work).await);
        row("instantiate, STARTING to COMPLETED", clients, (0.0, own.lock().await.clone()));
        let ids = made.clone();
        let get = move |vnfs: LcmClient, n: usize| {
            let id = ids[n];
            async move { drop(vnfs.get(id).await.expect("asked").expect("there")) }
        };
        row("get", clients, side_by_side(&lab, clients, TIMED, get).await);
        let ids = made.clone();
        row("terminate", clients, side_by_side(&lab, clients, TIMED, move |vnfs, n| terminate(vnfs, ids[n])).await);
    }
    for size in [100, 1_000, 10_000].into_iter().filter(|size| *size <= instances) {
        let there = lab.vnfs.list("?fields=id").await.expect("asked").body.len();
        let more = (size as usize).saturating_sub(CLIENTS.len() * TIMED + there.min(2));
        let made = Arc::default();
        side_by_side(&lab, 8, more, move |vnfs, n| create(vnfs, n, Arc::clone(&made))).await;
        let list = |vnfs: LcmClient, _| async move { drop(vnfs.list("").await.expect("asked")) };
        row(&format!("list page, {size} instances"), 1, side_by_side(&lab, 1, 50, list).await);
    }
    println!();
}

/// The seconds that all took together, and how long each took in milliseconds.
type Times = (f64, Vec<f64>);

async fn side_by_side<F, Fut>(lab: &Lab, clients: usize, times: usize, work: F) -> Times
where
    F: Fn(LcmClient, usize) -> Fut + Clone,
    Fut: Future<Output = ()>,
{
    let (next, taken) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let begun = Instant::now();
    let client = |_| async {
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= times {
                return;
            }
            let begun = Instant::now();
            work(lab.vnfs.clone(), n).await;
            taken.lock().await.push(begun.elapsed().as_secs_f64() * 1e3);
        }
    };
    futures::future::join_all((0..clients).map(client)).await;
    (begun.elapsed().as_secs_f64(), taken.into_inner())
}

fn row(what: &str, clients: usize, (seconds, mut times): Times) {
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times.get(((times.len() as f64 - 1.0) * part) as usize).copied().unwrap_or(0.0);
    let rate = if seconds > 0.0 { format!("{:.0}", times.len() as f64 / seconds) } else { "-".to_owned() };
    println!("{what:<34} {clients:>8} {rate:>9} {:>8.1} {:>8.1}", at(0.5), at(0.99));
}

async fn create(vnfs: LcmClient, n: usize, made: Arc<Mutex<Vec<Uuid>>>) {
    let request = CreateVnfRequest {
        vnfd_id: WEB.to_owned(),
        vnf_instance_name: Some(format!("m{n}")),
        vnf_instance_description: None,
        metadata: serde_json::Map::new(),
    };
    let id = vnfs.create(&request).await.expect("created").id;
    made.lock().await.push(id);
}

async fn instantiate(vnfs: LcmClient, id: Uuid, request: Arc<InstantiateVnfRequest>, own: Arc<Mutex<Vec<f64>>>) {
    let op = vnfs.instantiate(id, &request).await.expect("accepted");
    let took = completed(&vnfs, op).await;
    own.lock().await.push(took);
}

async fn terminate(vnfs: LcmClient, id: Uuid) {
    let request = TerminateVnfRequest {
        termination_type: TerminationType::Forceful,
        graceful_termination_timeout: None,
        additional_params: serde_json::Map::new(),
    };
    let op = vnfs.terminate(id, &request).await.expect("accepted");
    completed(&vnfs, op).await;
}

/// Milliseconds from its acceptance to its end, by the VNFM's own clock.
async fn completed(vnfs: &LcmClient, op: Uuid) -> f64 {
    loop {
        let now = vnfs.op_occ(op).await.expect("asked").expect("there");
        if now.operation_state == LcmOperationStateType::Completed {
            return (now.state_entered_time.micros() - now.start_time.micros()) as f64 / 1e3;
        }
        assert!(now.error.is_none(), "{now:#?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
