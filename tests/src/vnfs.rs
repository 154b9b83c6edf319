//! VNFs that bring something of their own: the sample `web` with more in its descriptor and more files in its package, and
//! what stories do with such VNFs at the VNFM itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use reference_points::or_vi::SimSpec;
use reference_points::or_vnfm::{CreateVnfRequest, LcmOperationStateType, VnfLcmOpOcc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::lab::{Lab, Wishes};
use crate::samples;

/// The longest an operation may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// Descriptor of the sample.
const WEB: &str = "6f1a9a3e-52d5-4d0b-9c2e-0d1f6b8a1001";
/// Line of the sample's template below which its node goes on.
const NODE_ENDS: &str = "          terminate: { min_graceful_termination_timeout: 2 s }\n";

/// Line of the sample's template below which the properties of its VDU go on.
const VDU_BEGINS: &str = "        description: Serves one page on port 80\n";
/// Lines of the sample's node type after its properties.
const PROPERTIES_END: &str = "    requirements:\n      - data:\n";
/// The link that its connection points are on, in the place of external ones.
const INNER: &str = "    inner:
      type: tosca.nodes.nfv.VnfVirtualLink
      properties:
        connectivity_type: { layer_protocols: [ ipv4 ] }
        description: between the servers
        vl_profile:
          max_bitrate_requirements: { root: 1000000000 }
          min_bitrate_requirements: { root: 0 }
          virtual_link_protocol_data:
            - associated_layer_protocol: ipv4
              l3_protocol_data: { ip_version: ipv4, cidr: 10.20.0.0/24 }

";

/// The sample on a link of its own, so that it needs no network of somebody else.
fn alone(text: &str) -> String {
    let outside =
        "    requirements:\n      data: [ data, virtual_link ]\n      management: [ management, virtual_link ]\n";
    assert!(text.contains(outside), "the sample has changed");
    text.replace(outside, "")
        .replace("        - virtual_binding: web\n", "        - virtual_binding: web\n        - virtual_link: inner\n")
        .replace("  policies:\n", &format!("{INNER}  policies:\n"))
}

/// Scaling is coordinated before it begins and when it is done, stopping before it begins.
pub const COORDINATED: &str = "    - drain:
        type: tosca.policies.nfv.LcmCoordinationAction
        properties:
          action_name: drain
          action: { endpoint_type: vnf, coordination_stage: start }
    - settle:
        type: tosca.policies.nfv.LcmCoordinationAction
        properties:
          action_name: settle
          action: { endpoint_type: mgmt, coordination_stage: end }
    - scaling:
        type: tosca.policies.nfv.LcmCoordinationsForLcmOperation
        properties: { vnf_lcm_operation: scale, actions: [ drain, settle ] }
    - stopping:
        type: tosca.policies.nfv.LcmCoordinationsForLcmOperation
        properties: { vnf_lcm_operation: operate, actions: [ drain ] }
";

/// The VNF is told its configuration.
pub const CONFIGURED: &str = "    - configured:
        type: tosca.policies.nfv.SupportedVnfInterface
        targets: [ management ]
        properties: { interface_name: vnf_configuration }
";

/// A VNF with configurable properties.
pub const PROPERTIES: &str = "      configurable_properties: { type: mano.test.Configurable, required: false }\n";

/// Their types: it has a color.
pub const PROPERTY_TYPES: &str = "data_types:
  mano.test.Configurable:
    derived_from: tosca.datatypes.nfv.VnfConfigurableProperties
    properties:
      additional_configurable_properties: { type: mano.test.Additional, required: false }
  mano.test.Additional:
    derived_from: tosca.datatypes.nfv.VnfAdditionalConfigurableProperties
    properties:
      color: { type: string, required: false }
";

/// What a VNF has beyond the sample.
#[derive(Debug, Default)]
pub struct Own<'a> {
    /// More of its node template, indented by six spaces.
    pub node: &'a str,
    /// More properties of its VDU, indented by eight spaces.
    pub vdu: &'a str,
    /// More policies, indented by four spaces.
    pub policies: &'a str,
    /// More properties of its node type, indented by six spaces.
    pub properties: &'a str,
    /// More types, not indented.
    pub types: &'a str,
    /// More files, by path.
    pub files: &'a [(&'a str, &'a str)],
    /// Its connection points are external, as those of the sample are; else they are on a link inside.
    pub outside: bool,
    /// It keeps a note, as [`samples::note`] has it.
    pub note: bool,
}

fn edited(path: &Path, edit: impl Fn(String) -> String) {
    let text = fs::read_to_string(path).expect("a source of the sample");
    fs::write(path, edit(text)).expect("written");
}

/// Packs such a VNF below `dir` under the descriptor `vnfd_id`.
pub fn pack(own: &Own<'_>, vnfd_id: Uuid, image: &Path, dir: &Path) -> PathBuf {
    let sources = samples::sources("web", &dir.join(format!("source-{vnfd_id}")));
    samples::add_pair(&sources);
    edited(&sources.join("Definitions/web.yaml"), |text| {
        assert!(text.contains(NODE_ENDS) && text.contains(VDU_BEGINS), "the sample has changed");
        let text = if own.outside { text } else { alone(&text) };
        text.replace(NODE_ENDS, &format!("{NODE_ENDS}{}", own.node))
            .replace(VDU_BEGINS, &format!("{VDU_BEGINS}{}", own.vdu))
            + own.policies
    });
    if own.note {
        samples::note(&sources);
    }
    edited(&sources.join("Definitions/web_types.yaml"), |text| {
        assert!(text.contains(PROPERTIES_END), "the sample has changed");
        text.replace(WEB, &vnfd_id.to_string()).replace(PROPERTIES_END, &format!("{}{PROPERTIES_END}", own.properties))
            + own.types
    });
    for (path, content) in own.files {
        let path = sources.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("written");
    }
    samples::pack_sources(&sources, Some(image), &dir.join(format!("vnf-{vnfd_id}.zip")))
}

impl Lab {
    /// A lab over a simulated VIM whose VNFM has further lines of configuration.
    pub async fn with_vnfm(vnfm: &str) -> Self {
        Self::simulated_with(SimSpec::default(), &Wishes { vnfm: vnfm.to_owned(), ..Wishes::default() }).await
    }

    /// Onboards such a VNF and creates an instance called `name`.
    pub async fn vnf(&self, own: &Own<'_>, name: &str) -> Uuid {
        let vnfd_id = Uuid::new_v4();
        self.onboard_package(&pack(own, vnfd_id, &samples::pretended_image(self.path()), self.path())).await;
        let request: CreateVnfRequest =
            serde_json::from_value(json!({ "vnfdId": vnfd_id, "vnfInstanceName": name })).expect("a request");
        self.vnfs.create(&request).await.expect("the VNF instance is created").id
    }

    /// The VNF called so, its VIM, and its first compute.
    pub fn only_compute(&self, name: &str) -> (Uuid, Uuid, Uuid) {
        let shown = self.mano_json(&["vnf", "show", name]);
        let compute = &shown["instantiatedVnfInfo"]["vnfcResourceInfo"][0]["computeResource"];
        let id = |value: &Value| value.as_str().and_then(|id| id.parse().ok()).expect("an identifier");
        (id(&shown["id"]), id(&compute["vimConnectionId"]), id(&compute["resourceId"]))
    }

    /// Begins its instantiation.
    pub async fn instantiate_vnf(&self, vnf: Uuid, additional: Value) -> Uuid {
        let request = json!({ "flavourId": "simple", "additionalParams": additional });
        self.vnfs.instantiate(vnf, &serde_json::from_value(request).expect("a request")).await.expect("accepted")
    }

    /// Waits until an operation on a VNF is in one of these states.
    pub async fn vnf_op(&self, op: Uuid, states: &[LcmOperationStateType]) -> VnfLcmOpOcc {
        use LcmOperationStateType::{Processing, RollingBack, Starting};
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < PATIENCE, "{op} does not rest");
            let occurrence = self.vnfs.op_occ(op).await.ok().flatten();
            if let Some(occurrence) = occurrence {
                if states.contains(&occurrence.operation_state) {
                    return occurrence;
                }
                let goes_on = [Starting, Processing, RollingBack].contains(&occurrence.operation_state);
                assert!(goes_on, "{op} rests elsewhere than in {states:?}: {occurrence:#?}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until an operation on a VNF is completed.
    pub async fn vnf_op_completed(&self, op: Uuid) -> VnfLcmOpOcc {
        self.vnf_op(op, &[LcmOperationStateType::Completed]).await
    }

    /// Waits until an operation on a VNF rests in FAILED_TEMP; its problem as text.
    pub async fn vnf_op_failed(&self, op: Uuid) -> String {
        let occurrence = self.vnf_op(op, &[LcmOperationStateType::FailedTemp]).await;
        serde_json::to_string(&occurrence.error.expect("a problem")).expect("a text")
    }
}
