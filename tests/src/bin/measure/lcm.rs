//! VNF lifecycle management on the simulated VIM: how many operations a second, and how long each takes, with one client
//! and with several, with few instances and with many, on SQLite and on PostgreSQL.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Json, Router, routing};
use db::testing::TestDb;
use db::{Db, DbConfig};
use mano_tests::lab::{Databases, Lab, Wishes};
use mano_tests::samples;
use reference_points::or_vi::SimSpec;
use reference_points::or_vnfm::{
    CreateVnfRequest, InstantiateVnfRequest, LcmClient, LcmOperationStateType, TerminateVnfRequest, TerminationType,
};
use serde_json::{Value, json};
use service::query::ListQuery;
use tokio::sync::{Mutex, watch};
use uuid::Uuid;
use vnfm::store::{INSTANCES, OCCURRENCES};

const WEB: &str = "6f1a9a3e-52d5-4d0b-9c2e-0d1f6b8a1001";
/// Operations of each kind that are timed, for each number of clients; the management network has 190 addresses.
const TIMED: usize = 90;
const CLIENTS: [usize; 3] = [1, 4, 8];
/// Levels of `web` that are instantiated, with their VNFCs.
const LEVELS: [(&str, usize); 2] = [("small", 1), ("pair", 2)];
/// Lists that are timed and explained.
const LISTS: [&str; 4] = [
    "",
    "?filter=(eq,instantiationState,NOT_INSTANTIATED)",
    "?filter=(eq,vnfInstanceName,m7);(neq,instantiationState,INSTANTIATED)",
    "?filter=(cont,vnfInstanceDescription,nothing)",
];

/// Runs and prints.
pub async fn run(instances: u32) {
    println!(
        "milliseconds; VNF `web` with two ports a VNFC, a simulated VIM that takes no time, all services and the client"
    );
    println!("on the same processors\n");
    let quiet = || Wishes { unrecorded: true, ..Wishes::default() };
    measure(
        "SQLite in WAL mode, a commit waits for fdatasync of the log, which those who commit at once share",
        &quiet(),
        instances,
    )
    .await;
    let mut databases = Databases::new();
    let mut kept = Vec::new();
    for service in ["nfvo", "vnfm", "vim-adapter"] {
        let Some(db) = TestDb::postgres().await else { return };
        databases.insert(service, db.url().to_owned());
        kept.push(db);
    }
    let settings = settings(&databases["vnfm"]).await;
    measure(&format!("PostgreSQL, {settings}"), &Wishes { databases, ..quiet() }, instances).await;
}

async fn measure(what: &str, wishes: &Wishes, instances: u32) {
    let sim = SimSpec { boot_ms: 0, hosts: 100, ..SimSpec::default() };
    let lab = Lab::simulated_with(sim, wishes).await;
    let image = samples::pretended_image(lab.path());
    let sources = samples::sources("web", &lab.path().join("pairs"));
    samples::add_pair(&sources);
    let web = samples::pack_sources(&sources, Some(&image), &lab.path().join("pairs.zip"));
    let ns = lab.demo_with(&web, &image).await;
    // Brings the image to the VIM and makes the networks that the VNFs are connected to.
    lab.completed(lab.instantiate(ns).await).await;
    println!("{what}");
    println!("{:<40} {:>8} {:>9} {:>8} {:>8}  processor, for each", "", "clients", "a second", "p50", "p99");
    let told = Told::listen(&lab.vnfs).await;
    let request = lab.web_beside(ns).await;
    for clients in CLIENTS {
        for (level, vnfcs) in LEVELS {
            let mut request = request.clone();
            request["instantiationLevelId"] = level.into();
            let request = Arc::new(serde_json::from_value(request).expect("a request"));
            lifecycle(&lab, &told, clients, &format!("{vnfcs} VNFC"), &request).await;
        }
    }
    let url = wishes.databases.get("vnfm").cloned();
    let url = url.unwrap_or_else(|| format!("sqlite://{}/vnfm/vnfm.db", lab.path().display()));
    lists(&lab, &url, instances).await;
    println!();
}

/// One round of the life of VNFs.
async fn lifecycle(lab: &Lab, told: &Told, clients: usize, size: &str, request: &Arc<InstantiateVnfRequest>) {
    let made = Arc::new(Mutex::new(Vec::new()));
    let keep = made.clone();
    row("create", clients, side_by_side(lab, clients, TIMED, move |vnfs, n| create(vnfs, n, keep.clone())).await);
    let made = Arc::new(made.lock().await.clone());
    let (ids, wanted) = (made.clone(), request.clone());
    let own = Arc::new(Mutex::new(Vec::new()));
    let times = own.clone();
    let ends = told.clone();
    let work = move |vnfs, n: usize| instantiate(vnfs, ends.clone(), ids[n], wanted.clone(), times.clone());
    row(&format!("instantiate {size}, seen by the client"), clients, side_by_side(lab, clients, TIMED, work).await);
    let own = Times { taken: own.lock().await.clone(), ..Times::default() };
    row(&format!("instantiate {size}, STARTING to COMPLETED"), clients, own);
    let ids = made.clone();
    let get = move |vnfs: LcmClient, n: usize| {
        let id = ids[n];
        async move { drop(vnfs.get(id).await.expect("asked").expect("there")) }
    };
    row("get", clients, side_by_side(lab, clients, TIMED, get).await);
    let (ids, ends) = (made.clone(), told.clone());
    let work = move |vnfs, n: usize| terminate(vnfs, ends.clone(), ids[n]);
    row(&format!("terminate {size}"), clients, side_by_side(lab, clients, TIMED, work).await);
}

/// Pages of lists that grow, and how the database finds them.
async fn lists(lab: &Lab, url: &str, instances: u32) {
    let mut before = None;
    for size in [100, 1_000, 10_000].into_iter().filter(|size| *size <= instances) {
        let there = CLIENTS.len() * LEVELS.len() * TIMED + 2;
        let more = (size as usize).saturating_sub(before.unwrap_or(there));
        before = Some((size as usize).max(there));
        let made = Arc::default();
        side_by_side(lab, 8, more, move |vnfs, n| create(vnfs, n, Arc::clone(&made))).await;
        for query in LISTS {
            for clients in CLIENTS {
                let list = |vnfs: LcmClient, _| async move { drop(vnfs.list(query).await.expect("asked")) };
                let what =
                    format!("list{}{query}, of {}", if query.is_empty() { "" } else { " " }, before.unwrap_or(0));
                row(&what, clients, side_by_side(lab, clients, 48, list).await);
            }
        }
    }
    let db = Db::open(url, &DbConfig::default()).await.expect("the database");
    for query in LISTS {
        let parameters: Vec<(String, String)> =
            query.split_once('=').map(|(_, filter)| ("filter".to_owned(), filter.to_owned())).into_iter().collect();
        let query = ListQuery::parse(&parameters).expect("a query");
        explained("vnf_instances", &query, INSTANCES.explain(&db, &query).await.expect("a plan"));
    }
    let running = [("filter".to_owned(), "(eq,operationState,PROCESSING)".to_owned())];
    let query = ListQuery::parse(&running).expect("a query");
    explained("vnf_lcm_op_occs", &query, OCCURRENCES.explain(&db, &query).await.expect("a plan"));
}

fn explained(list: &str, query: &ListQuery, lines: Vec<String>) {
    println!("\nplan of {list}, {} conditions:", query.filter.conditions.len());
    for line in lines {
        println!("    {line}");
    }
}

/// What was done took so long.
#[derive(Default)]
struct Times {
    /// Seconds that all took together.
    seconds: f64,
    /// Milliseconds that each took.
    taken: Vec<f64>,
    /// Milliseconds of a processor that each service spent on all of them.
    spent: Vec<(String, f64)>,
}

async fn side_by_side<F, Fut>(lab: &Lab, clients: usize, times: usize, work: F) -> Times
where
    F: Fn(LcmClient, usize) -> Fut + Clone,
    Fut: Future<Output = ()>,
{
    let (next, taken) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let before = processor(lab);
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
    let seconds = begun.elapsed().as_secs_f64();
    let spent = processor(lab).into_iter().zip(before).map(|((name, now), (_, then))| (name, now - then));
    Times { seconds, taken: taken.into_inner(), spent: spent.collect() }
}

/// Milliseconds of a processor that each service has used so far, and this client.
fn processor(lab: &Lab) -> Vec<(String, f64)> {
    let of = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
        let ticks = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
        // Linux tells programs of hundredths of a second.
        ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() * 10.0
    };
    let services = lab.services.iter().filter_map(|(name, service)| Some((name.clone(), of(service.pid()?))));
    services.chain([("client".to_owned(), of(std::process::id()))]).collect()
}

fn row(what: &str, clients: usize, mut times: Times) {
    times.taken.sort_by(f64::total_cmp);
    let count = times.taken.len() as f64;
    let at = |part: f64| times.taken.get(((count - 1.0) * part) as usize).copied().unwrap_or(0.0);
    let rate = if times.seconds > 0.0 { format!("{:.0}", count / times.seconds) } else { "-".to_owned() };
    let spent =
        times.spent.iter().map(|(name, all)| format!("{name} {:.1}", all / count)).collect::<Vec<_>>().join(", ");
    println!("{what:<40} {clients:>8} {rate:>9} {:>8.1} {:>8.1}  {spent}", at(0.5), at(0.99));
}

/// Operations that the VNFM has told to have completed.
#[derive(Clone)]
struct Told(watch::Receiver<HashSet<Uuid>>);

impl Told {
    /// Subscribes, as an NFVO does.
    async fn listen(vnfs: &LcmClient) -> Self {
        let (keep, told) = watch::channel(HashSet::new());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/told", listener.local_addr().expect("its address"));
        let take = async |State(keep): State<Arc<watch::Sender<HashSet<Uuid>>>>, Json(body): Json<Value>| {
            let op = body["vnfLcmOpOccId"].as_str().and_then(|id| id.parse().ok()).expect("an operation");
            keep.send_modify(|all| {
                all.insert(op);
            });
            StatusCode::NO_CONTENT
        };
        let route = routing::get(async || StatusCode::NO_CONTENT).post(take);
        let app = Router::new().route("/told", route).with_state(Arc::new(keep));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let request = json!({ "callbackUri": url, "verbosity": "SHORT", "filter": {
            "notificationTypes": ["VnfLcmOperationOccurrenceNotification"],
            "operationStates": ["COMPLETED", "FAILED_TEMP", "ROLLED_BACK"],
        }});
        let request = serde_json::from_value(request).expect("a request");
        vnfs.subscribe(&request).await.expect("subscribed");
        Self(told)
    }

    /// Waits until an operation has ended; milliseconds from its acceptance to its end, by the VNFM's own clock.
    async fn completed(mut self, vnfs: &LcmClient, op: Uuid) -> f64 {
        self.0.wait_for(|told| told.contains(&op)).await.expect("told");
        let now = vnfs.op_occ(op).await.expect("asked").expect("there");
        assert_eq!(now.operation_state, LcmOperationStateType::Completed, "{now:#?}");
        (now.state_entered_time.micros() - now.start_time.micros()) as f64 / 1e3
    }
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

async fn instantiate(
    vnfs: LcmClient,
    told: Told,
    id: Uuid,
    request: Arc<InstantiateVnfRequest>,
    own: Arc<Mutex<Vec<f64>>>,
) {
    let op = vnfs.instantiate(id, &request).await.expect("accepted");
    let took = told.completed(&vnfs, op).await;
    own.lock().await.push(took);
}

async fn terminate(vnfs: LcmClient, told: Told, id: Uuid) {
    let request = TerminateVnfRequest {
        termination_type: TerminationType::Forceful,
        graceful_termination_timeout: None,
        additional_params: serde_json::Map::new(),
    };
    let op = vnfs.terminate(id, &request).await.expect("accepted");
    told.completed(&vnfs, op).await;
}

/// What decides when PostgreSQL's commits are durable.
async fn settings(url: &str) -> String {
    let db = Db::open(url, &DbConfig::default()).await.expect("the database");
    let mut told = Vec::new();
    for name in ["synchronous_commit", "fsync"] {
        let sql = ::db::sqlx::AssertSqlSafe(format!("SHOW {name}"));
        let value: String = ::db::sqlx::query_scalar(sql).fetch_one(&db.pool).await.expect("a setting");
        told.push(format!("{name}={value}"));
    }
    told.join(", ")
}
