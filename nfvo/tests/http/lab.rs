//! An NFVO in this process, with its own directory, database and peers.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use nfvo::Config;
use reference_points::conformance::{Exchange, Schemas};
use reference_points::or_vi::VimKind;
use reference_points::os_ma_nfvo::mano::{ManoClient, RegisterVim};
use reference_points::os_ma_nfvo::{
    CreateNsdInfoRequest, CreateVnfPkgInfoRequest, NsClient, NsdClient, NsdInfo, PackageClient, VnfPkgInfo,
};
use service::run::Running;
use uuid::Uuid;

use crate::peers::Peers;

/// Path of the image in the sample packages.
pub const IMAGE: &str = "Artifacts/Images/vnf.qcow2";

/// VNFD of the sample `edge`.
pub const EDGE: &str = "6f1a9a3e-52d5-4d0b-9c2e-0d1f6b8a1002";
/// VNFD of the sample `web`.
pub const WEB: &str = "6f1a9a3e-52d5-4d0b-9c2e-0d1f6b8a1001";

pub struct Lab {
    pub dir: tempfile::TempDir,
    pub peers: Peers,
    pub nfvo: Option<Running>,
    pub packages: PackageClient,
    pub nsds: NsdClient,
    pub ns: NsClient,
    pub mano: ManoClient,
    pub http: reqwest::Client,
    config: Config,
}

impl Lab {
    pub async fn start() -> Self {
        Self::with(|_| ()).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let peers = Peers::start().await;
        let mut config = Config {
            vnfm: peers.url(),
            vim_adapter: peers.url(),
            state_dir: dir.path().join("state"),
            ..Config::default()
        };
        config.service.listen = Some("127.0.0.1:0".parse().unwrap());
        config.service.database = format!("sqlite://{}", dir.path().join("nfvo.db").display());
        config.service.db.durability = db::Durability::None;
        config.service.http.record_exchanges = Some(dir.path().join("exchanges"));
        change(&mut config);
        let nfvo = nfvo::start(config.clone()).await.unwrap();
        let base = nfvo.base_url();
        Self {
            dir,
            peers,
            packages: PackageClient::new(&base),
            nsds: NsdClient::new(&base),
            ns: NsClient::new(&base),
            mano: ManoClient::new(&base),
            nfvo: Some(nfvo),
            http: raw(),
            config,
        }
    }

    pub fn base(&self) -> String {
        self.nfvo.as_ref().unwrap().base_url()
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base())
    }

    /// Stops the process as a crash would, and starts it again on the same address.
    pub async fn crash_and_restart(&mut self) {
        let running = self.nfvo.take().unwrap();
        self.config.service.listen = Some(running.address());
        running.kill().await;
        self.nfvo = Some(nfvo::start(self.config.clone()).await.unwrap());
        // Connections of a process that is gone are gone; in one process they would be used again.
        let base = self.base();
        self.packages = PackageClient::new(&base);
        self.nsds = NsdClient::new(&base);
        self.ns = NsClient::new(&base);
        self.mano = ManoClient::new(&base);
        self.http = raw();
    }

    /// Ends the lab; what was exchanged must keep to the specifications.
    pub async fn end(mut self) {
        self.nfvo.take().unwrap().shut_down().await.unwrap();
        let Some(shared) = std::env::var_os("MANO_SHARED") else {
            println!("SKIPPED: MANO_SHARED does not say where the ETSI OpenAPI documents are");
            return;
        };
        let schemas = Schemas::load(Path::new(&shared)).unwrap();
        let record = std::fs::read_to_string(self.dir.path().join("exchanges")).unwrap();
        let mut violations: Vec<String> = record
            .lines()
            .map(|line| Exchange::from_line(line).unwrap())
            .flat_map(|exchange| schemas.check(&exchange))
            .map(|v| v.to_string())
            .collect();
        violations.sort();
        violations.dedup();
        assert!(violations.is_empty(), "{} violations:\n{}", violations.len(), violations.join("\n"));
    }

    /// Packs a sample. `image` becomes the software image of a VNF package.
    pub fn pack(&self, sample: &str, image: &[u8]) -> PathBuf {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../descriptors/samples").join(sample);
        self.pack_dir(&sources, image)
    }

    pub fn pack_dir(&self, sources: &Path, image: &[u8]) -> PathBuf {
        let out = self.dir.path().join(format!("{}.zip", Uuid::new_v4()));
        let image_file = self.dir.path().join("image");
        std::fs::write(&image_file, image).unwrap();
        let extra: &[(&str, &Path)] = if image.is_empty() { &[] } else { &[(IMAGE, &image_file)] };
        descriptors::archive::pack_dir(sources, extra, std::fs::File::create(&out).unwrap()).unwrap();
        out
    }

    pub async fn upload_package(&self, archive: Vec<u8>) -> VnfPkgInfo {
        let id = self.packages.create(&CreateVnfPkgInfoRequest::default()).await.unwrap().id;
        self.packages.upload(id, None, once(archive)).await.unwrap();
        self.packages.get(id).await.unwrap().unwrap()
    }

    pub async fn onboard(&self, sample: &str) -> VnfPkgInfo {
        let archive = std::fs::read(self.pack(sample, b"the image of both samples")).unwrap();
        let info = self.upload_package(archive).await;
        assert_eq!(info.onboarding_state.as_str(), "ONBOARDED", "{:?}", info.onboarding_failure_details);
        info
    }

    pub async fn upload_nsd(&self, archive: Vec<u8>) -> NsdInfo {
        let id = self.nsds.create(&CreateNsdInfoRequest::default()).await.unwrap().id;
        self.nsds.upload(id, None, once(archive)).await.unwrap();
        self.nsds.get(id).await.unwrap().unwrap()
    }

    /// Both packages and the NSD of the sample service.
    pub async fn onboard_all(&self) -> NsdInfo {
        self.onboard("edge").await;
        self.onboard("web").await;
        let info = self.upload_nsd(std::fs::read(self.pack("demo-ns", b"")).unwrap()).await;
        assert_eq!(info.nsd_onboarding_state.as_str(), "ONBOARDED", "{:?}", info.onboarding_failure_details);
        info
    }

    pub async fn register_vim(&self, name: &str) -> Uuid {
        let kind = VimKind::Sim { sim: Default::default() };
        self.mano.register_vim(&RegisterVim { name: name.into(), kind }).await.unwrap().id
    }

    /// Files below the state directory.
    pub fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        for dir in ["packages", "nsds"] {
            for entry in std::fs::read_dir(self.dir.path().join("state").join(dir)).unwrap() {
                found.push(format!("{dir}/{}", entry.unwrap().file_name().to_string_lossy()));
            }
        }
        found.sort();
        found
    }
}

/// A client for what the typed ones do not say. Every SOL interface here takes this version.
fn raw() -> reqwest::Client {
    let headers =
        [(reqwest::header::HeaderName::from_static("version"), reqwest::header::HeaderValue::from_static("2.0.0"))]
            .into_iter()
            .collect();
    reqwest::Client::builder().no_proxy().default_headers(headers).build().unwrap()
}

pub fn once(bytes: Vec<u8>) -> impl futures::Stream<Item = Result<Bytes, std::io::Error>> + Send + Sync + 'static {
    futures::stream::iter([Ok(Bytes::from(bytes))])
}
