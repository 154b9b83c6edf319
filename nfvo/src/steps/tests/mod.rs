//! The steps of the sample service's own plans, through everything that may happen to them, with the records that the
//! observer writes, on SQLite and PostgreSQL.
#![allow(clippy::unwrap_used, clippy::panic)]

mod fakes;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use db::testing::TestDb;
use db::{Clock, Db, SystemClock};
use lcm::testkit::{Harness, World as Scene};
use lcm::{Engine, EngineConfig, NewOperation, Observer, OperationState, OperationView, Registry, StepView};
use reference_points::or_vnfm::InstantiationState;
use reference_points::os_ma_nfvo::{NsInstance, NsInstanceLinks, NsLcmOpType, NsLcmOperationStateType};
use service::notify::Notifier;
use uuid::Uuid;

use self::fakes::{FakeImages, Outside};
use super::{World, registry, wake_key};
use crate::app::notices;
use crate::app::observer::Recorder;
use crate::effects::{Ledger, Vims, Vnfms};
use crate::ops::design::{Design, FreshIds};
use crate::ops::plan;
use crate::ops::tests::samples::design_of;
use crate::store::ns::{NS, NsRecord};
use crate::store::op_occs::OP_OCCS;
use crate::store::vnfs::Records;
use crate::store::{self, vnfs};

/// An NS instance, its outside, and an operation on it.
struct Service {
    db: Db,
    outside: Outside,
    design: Design,
    kind: NsLcmOpType,
    vnfs: BTreeMap<String, Uuid>,
    notifier: Notifier,
}

async fn prepare(db: &Db) -> Notifier {
    db.migrate(store::COMPONENT, store::MIGRATIONS).await.unwrap();
    service::store::migrate(db).await.unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (wants, shape) = (notices::ns_wants, notices::ns_shape);
    Notifier::open(db.clone(), clock, "nslcm", "http://127.0.0.1/nslcm/v2/subscriptions", wants, shape).await.unwrap()
}

impl Service {
    async fn new(db: Db, notifier: Notifier, kind: NsLcmOpType) -> Self {
        let ns_id = Uuid::new_v4();
        let design = design_of(ns_id, &FreshIds);
        let mut this = Self { db, outside: Outside::default(), design, kind, vnfs: BTreeMap::new(), notifier };
        let ending = kind == NsLcmOpType::Terminate;
        if ending {
            this.build().await;
        }
        let state = if ending { InstantiationState::Instantiated } else { InstantiationState::NotInstantiated };
        let record = NsRecord { ns: ns_instance(ns_id, state), design: Some(this.design.clone()) };
        db::transaction!(this.db, |tx| {
            NS.insert(tx, ns_id, record.clone(), 0).await?;
            Ok::<_, service::store::StoreError>(())
        })
        .unwrap();
        this
    }

    fn world(&self) -> World {
        World {
            vims: self.outside.vim.clone(),
            vnfms: self.outside.vnfm.clone(),
            images: Arc::new(FakeImages(16 << 20)),
            ledger: Arc::new(Records(self.db.clone())),
        }
    }

    /// The service as an instantiation leaves it.
    async fn build(&mut self) {
        let owner = |key: &str| reference_points::common::Owner {
            kind: reference_points::common::OwnerKind::NsInstance,
            id: self.design.ns_id,
            operation: None,
            step: Some(key.to_owned()),
        };
        let vim = &self.outside.vim;
        for link in &self.design.links {
            let spec = reference_points::or_vi::NetworkSpec {
                name: link.profile_id.clone(),
                owner: owner("network"),
                realisation: link.realisation.clone(),
                mtu: None,
                max_port_bitrate: None,
            };
            vim.put_network(Uuid::nil(), link.network_id, &spec).await.unwrap();
            for subnet in &link.subnets {
                let spec = reference_points::or_vi::SubnetSpec {
                    name: link.profile_id.clone(),
                    owner: owner("subnet"),
                    network_id: link.network_id,
                    cidr: subnet.cidr,
                    gateway: None,
                    pools: Vec::new(),
                    dhcp: false,
                    dns: Vec::new(),
                    routed: false,
                };
                vim.put_subnet(Uuid::nil(), subnet.subnet_id, &spec).await.unwrap();
            }
        }
        let plan = plan::instantiate(&self.design).unwrap();
        for vnf in &self.design.vnfs {
            let step = plan.steps().iter().find(|s| s.key == plan::create_key(&vnf.part)).unwrap();
            let params: crate::ops::params::VnfCreateParams = serde_json::from_value(step.params.clone()).unwrap();
            let id = self.outside.vnfm.create(&params.request).await.unwrap().id;
            let none = reference_points::or_vnfm::InstantiateVnfRequest::default();
            self.outside.vnfm.instantiate(id, &none).await.unwrap();
            self.outside.vnfm.finish();
            let record = crate::effects::VnfRecord {
                vnf_instance_id: id,
                ns_id: self.design.ns_id,
                part: vnf.part.clone(),
                vim: self.design.vim.id,
                package_id: vnf.package_id,
            };
            Records(self.db.clone()).vnf_created(record).await.unwrap();
            self.vnfs.insert(vnf.part.clone(), id);
        }
    }

    async fn record(&self) -> NsRecord {
        NS.get(&self.db, self.design.ns_id).await.unwrap().unwrap().document
    }

    /// Nothing of the NS is there, outside or in the records. Images belong to their packages and stay.
    async fn assert_gone(&self) {
        let (vim, vnfm) = (self.outside.vim.seen(), self.outside.vnfm.seen());
        assert!(vim.networks.is_empty(), "networks: {:?}", vim.networks);
        assert!(vim.subnets.is_empty(), "subnets: {:?}", vim.subnets);
        assert!(vnfm.vnfs.is_empty(), "VNF instances: {:?}", vnfm.vnfs.keys());
        assert!(vnfs::of_ns(&self.db, self.design.ns_id).await.unwrap().is_empty());
        let record = self.record().await;
        assert_eq!(record.ns.ns_state, InstantiationState::NotInstantiated);
        assert_eq!(record.design, None);
    }

    /// The occurrence that the observer wrote says what the engine says.
    async fn assert_told(&self, op: &OperationView, state: NsLcmOperationStateType) {
        let occ = OP_OCCS.get(&self.db, op.id).await.unwrap().unwrap().document.0;
        assert_eq!((occ.operation_state, occ.lcm_operation_type), (state, self.kind));
    }
}

fn ns_instance(id: Uuid, state: InstantiationState) -> NsInstance {
    NsInstance {
        id,
        ns_instance_name: "demo".into(),
        ns_instance_description: String::new(),
        nsd_id: "n".into(),
        nsd_info_id: Uuid::nil(),
        flavour_id: None,
        vnf_instance: Vec::new(),
        pnf_info: Vec::new(),
        virtual_link_info: Vec::new(),
        vnffg_info: Vec::new(),
        sap_info: Vec::new(),
        nested_ns_instance_id: Vec::new(),
        vnf_snapshot_info_ids: Vec::new(),
        ns_state: state,
        monitoring_parameter: Vec::new(),
        ns_scale_status: Vec::new(),
        additional_affinity_or_anti_affinity_rule: Vec::new(),
        wan_connection_info: Vec::new(),
        links: NsInstanceLinks::default(),
    }
}

#[async_trait]
impl Scene for Service {
    fn registry(&self) -> Registry {
        registry(&self.world())
    }

    fn operation(&self) -> NewOperation {
        let plan = match self.kind {
            NsLcmOpType::Terminate => plan::terminate(&self.design, &self.vnfs).unwrap(),
            _ => plan::instantiate(&self.design).unwrap(),
        };
        NewOperation {
            id: Uuid::new_v4(),
            kind: self.kind.as_str().into(),
            subject: self.design.ns_id.to_string(),
            params: serde_json::json!({}),
            plan,
            traceparent: None,
            automatic: false,
        }
    }

    fn observer(&self) -> Arc<dyn Observer> {
        Arc::new(Recorder { notifier: self.notifier.clone() })
    }

    async fn nudge(&self, engine: &Engine) -> bool {
        let ended = self.outside.vnfm.finish();
        for op in &ended {
            engine.wake(&wake_key(*op)).await.unwrap();
        }
        !ended.is_empty()
    }

    async fn assert_completed(&self, op: &OperationView, _: &[StepView]) {
        self.assert_told(op, NsLcmOperationStateType::Completed).await;
        if self.kind == NsLcmOpType::Terminate {
            return self.assert_gone().await;
        }
        let (vim, vnfm) = (self.outside.vim.seen(), self.outside.vnfm.seen());
        assert_eq!(vim.networks.len(), 2);
        assert_eq!(vim.subnets.len(), 2);
        assert_eq!(vim.images.len(), 1, "equal images are one");
        assert_eq!(vnfm.vnfs.len(), 2, "no VNF instance twice");
        assert!(vnfm.vnfs.values().all(|v| v.instantiation_state == InstantiationState::Instantiated));
        let recorded = vnfs::of_ns(&self.db, self.design.ns_id).await.unwrap();
        assert_eq!(recorded.len(), 2);
        assert!(recorded.values().all(|id| vnfm.vnfs.contains_key(id)));
        assert_eq!(self.record().await.ns.ns_state, InstantiationState::Instantiated);
    }

    async fn assert_nothing_left(&self, op: &OperationView, _: &[StepView]) {
        self.assert_told(op, NsLcmOperationStateType::RolledBack).await;
        if self.kind == NsLcmOpType::Instantiate {
            self.assert_gone().await;
        }
    }
}

async fn everything(db: TestDb, kind: NsLcmOpType) {
    let notifier = prepare(&db).await;
    let own: Db = (*db).clone();
    let make = move || Service::new(own.clone(), notifier.clone(), kind);
    let report = Harness::new((*db).clone(), make).all().await;
    println!("testkit: NS {kind} on {:?}: {report}", db.dialect);
}

#[tokio::test]
async fn an_instantiation_comes_through_everything_on_sqlite() {
    everything(TestDb::sqlite().await, NsLcmOpType::Instantiate).await;
}

#[tokio::test]
async fn an_instantiation_comes_through_everything_on_postgresql() {
    let Some(db) = TestDb::postgres().await else { return };
    everything(db, NsLcmOpType::Instantiate).await;
}

#[tokio::test]
async fn a_termination_comes_through_everything_on_sqlite() {
    everything(TestDb::sqlite().await, NsLcmOpType::Terminate).await;
}

#[tokio::test]
async fn a_termination_comes_through_everything_on_postgresql() {
    let Some(db) = TestDb::postgres().await else { return };
    everything(db, NsLcmOpType::Terminate).await;
}

/// An engine over one service, driven to rest.
struct Run {
    service: Service,
    engine: Engine,
    op: Uuid,
}

impl Run {
    async fn begin(service: Service) -> Self {
        let engine = Engine::open(
            service.db.clone(),
            service.registry(),
            service.observer(),
            EngineConfig::new("test"),
            Arc::new(SystemClock),
            &prometheus::Registry::new(),
        )
        .await
        .unwrap();
        engine.start();
        let operation = service.operation();
        let op = operation.id;
        engine.submit(operation).await.unwrap();
        Self { service, engine, op }
    }

    /// Lets the VNFM work until the operation rests.
    async fn rest(&self) -> OperationView {
        let mut changes = self.engine.watch();
        loop {
            let op = self.engine.get(self.op).await.unwrap().unwrap();
            if !op.state.is_active() {
                return op;
            }
            if !self.service.nudge(&self.engine).await {
                changes.recv().await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_vnf_that_fails_is_quoted_and_a_retry_asks_the_vnfm_for_one_of_its_own() {
    let db = TestDb::sqlite().await;
    let notifier = prepare(&db).await;
    let service = Service::new((*db).clone(), notifier, NsLcmOpType::Instantiate).await;
    service.outside.vnfm.failures.lock().unwrap().insert("web".into(), 2);
    let run = Run::begin(service).await;
    for _ in 0..2 {
        let op = run.rest().await;
        assert_eq!(op.state, OperationState::FailedTemp);
        let error = OP_OCCS.get(&db, run.op).await.unwrap().unwrap().document.0.error.unwrap();
        assert_eq!(error.step.as_deref(), Some("vnf/web/instantiate"));
        assert_eq!(error.resource.as_deref(), Some("compute 1"));
        assert_eq!(error.answer.as_deref(), Some("ENOSPC"));
        assert!(error.detail.contains("No room: the host is full"), "{}", error.detail);
        assert!(error.next.is_some_and(|n| n.contains("retry") && n.contains("rollback")));
        run.engine.retry(run.op).await.unwrap();
    }
    let op = run.rest().await;
    run.service.assert_completed(&op, &[]).await;
    let instantiations = run.service.outside.vnfm.seen().begun.len();
    assert_eq!(instantiations, 2, "a retry is a retry of the VNFM's operation, not a second one");
    run.engine.shutdown(std::time::Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_vnf_that_fails_is_rolled_back_by_the_vnfm_and_nothing_is_left() {
    let db = TestDb::sqlite().await;
    let notifier = prepare(&db).await;
    let service = Service::new((*db).clone(), notifier, NsLcmOpType::Instantiate).await;
    service.outside.vnfm.failures.lock().unwrap().insert("edge".into(), 1);
    let run = Run::begin(service).await;
    assert_eq!(run.rest().await.state, OperationState::FailedTemp);
    run.engine.rollback(run.op).await.unwrap();
    let op = run.rest().await;
    assert_eq!(op.state, OperationState::RolledBack, "{:?}", op.error);
    run.service.assert_nothing_left(&op, &[]).await;
    run.engine.shutdown(std::time::Duration::from_secs(5)).await;
}

#[tokio::test]
async fn two_services_that_bring_the_same_image_under_two_names_both_get_it() {
    let db = TestDb::sqlite().await;
    let notifier = prepare(&db).await;
    let service = Service::new((*db).clone(), notifier, NsLcmOpType::Instantiate).await;
    let image = service.design.images[0].clone();
    // Another package has announced it under its own name, and has not come to the end of it.
    let spec = reference_points::or_vi::SoftwareImageSpec {
        name: "another name".into(),
        owner: reference_points::common::Owner {
            kind: reference_points::common::OwnerKind::VnfPackage,
            id: Uuid::from_u128(1),
            operation: None,
            step: None,
        },
        version: String::new(),
        format: image.format,
        sha256: image.sha256.clone(),
        size_bytes: Some(image.size_bytes),
        min_disk_bytes: None,
        min_memory_bytes: None,
    };
    service.outside.vim.put_image(Uuid::nil(), image.image_id, &spec).await.unwrap();
    let run = Run::begin(service).await;
    let op = run.rest().await;
    run.service.assert_completed(&op, &[]).await;
    run.engine.shutdown(std::time::Duration::from_secs(5)).await;
}
