//! The packages of others, with what their names and their projects promise of each.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use descriptors::archive::Limits;
use descriptors::diag::Severity;
use descriptors::lint::{self, LintOptions, Mode, Report, Verdict};
use descriptors::signature::{Trust, Unsigned};

/// What the name of a package promises.
#[derive(Clone, Copy, Debug)]
pub enum Promise {
    /// It is read, with this many flavours.
    Good(usize),
    /// It is refused, with a finding of this code among the others.
    Refused(&'static str),
}
use Promise::{Good, Refused};

/// A package of the Tacker project: directory, directories it is laid over, promise.
pub type TackerRow = (&'static str, &'static [&'static str], Promise);

const TYPES: &[&str] = &["tests/etc/samples/etsi/nfv/common"];
const ARTIFACT: &[&str] = &["tests/etc/samples/etsi/nfv/common", "tests/etc/samples/etsi/nfv/common_artifact"];
const USER_DATA: &[&str] = &["tests/etc/samples/etsi/nfv/common", "tests/etc/samples/etsi/nfv/user_data_common"];
const BASE: &[&str] =
    &["tests/etc/samples/etsi/nfv/common", "tests/etc/samples/etsi/nfv/test_csar_utils_data/test_csar_utils_common"];
const FUNCTIONAL: &[&str] = &["tests/functional/sol_v2_common/common"];

/// Packages of Tacker's unit tests; the last ones are parts of packages, without a file that says where to begin.
pub const UNIT: &[TackerRow] = &[
    ("tests/etc/samples/etsi/nfv/csar_multiple_sw_image_data_with_short_notation", TYPES, Refused("SOL001-0005")),
    (
        "tests/etc/samples/etsi/nfv/csar_short_notation_for_artifacts_without_sw_image_data",
        TYPES,
        Refused("SOL001-0005"),
    ),
    ("tests/etc/samples/etsi/nfv/csar_with_short_notation_for_artifacts", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/functional", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/functional2", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/functional3", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/functional4", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/functional5", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/functional6", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/functional7", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/mt_functional1", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/sample_compliance_test", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/sample_kubernetes_driver", ARTIFACT, Good(1)),
    ("tests/etc/samples/etsi/nfv/sample_vnf_package_csar_in_meta_and_manifest", ARTIFACT, Good(1)),
    (
        "tests/etc/samples/etsi/nfv/sample_vnf_package_csar_in_meta_and_manifest_false",
        ARTIFACT,
        Refused("ARCHIVE-0023"),
    ),
    (
        "tests/etc/samples/etsi/nfv/sample_vnf_package_csar_in_meta_and_manifest_false_algorithm",
        ARTIFACT,
        Refused("ARCHIVE-0036"),
    ),
    (
        "tests/etc/samples/etsi/nfv/sample_vnf_package_csar_in_meta_and_manifest_false_hash",
        ARTIFACT,
        Refused("ARCHIVE-0035"),
    ),
    (
        "tests/etc/samples/etsi/nfv/sample_vnf_package_csar_in_meta_and_manifest_false_source",
        ARTIFACT,
        Refused("ARCHIVE-0033"),
    ),
    (
        "tests/etc/samples/etsi/nfv/sample_vnf_package_csar_in_meta_and_manifest_missing_key",
        ARTIFACT,
        Refused("ARCHIVE-0035"),
    ),
    (
        "tests/etc/samples/etsi/nfv/sample_vnf_package_csar_in_meta_and_manifest_missing_value",
        ARTIFACT,
        Refused("ARCHIVE-0035"),
    ),
    (
        "tests/etc/samples/etsi/nfv/sample_vnf_package_csar_in_single_manifest_false_name",
        TYPES,
        Refused("ARCHIVE-0038"),
    ),
    ("tests/etc/samples/etsi/nfv/sample_vnf_package_csar_manifest", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/sample_vnf_package_csar_meta", ARTIFACT, Good(1)),
    ("tests/etc/samples/etsi/nfv/sample_vnf_package_csar_meta_in_manifest", ARTIFACT, Good(1)),
    ("tests/etc/samples/etsi/nfv/sample_vnf_package_csar_with_short_notation", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/sample_vnfpkg_no_meta_single_vnfd", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/sample_vnfpkg_tosca_vnfd", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/stack_update_in_heal", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/stack_update_in_scale", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/test_cnf", TYPES, Good(2)),
    ("tests/etc/samples/etsi/nfv/test_cnf_container_update_after", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/test_cnf_container_update_before", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/test_cnf_ext_artifact", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/test_cnf_heal", TYPES, Good(2)),
    ("tests/etc/samples/etsi/nfv/test_cnf_helmchart", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/test_cnf_multi_ns", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/test_cnf_scale", TYPES, Good(2)),
    ("tests/etc/samples/etsi/nfv/test_enhanced_policy", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/test_inst_terminate_vnf_with_vnflcmnoop", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/user_data_sample_basehot_invalid", USER_DATA, Good(1)),
    ("tests/etc/samples/etsi/nfv/user_data_sample_normal", USER_DATA, Good(1)),
    ("tests/etc/samples/etsi/nfv/user_data_sample_normal_scaling", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/user_data_sample_userdata_invalid_hot_param", USER_DATA, Good(1)),
    ("tests/etc/samples/etsi/nfv/user_data_sample_userdata_invalid_script", USER_DATA, Good(1)),
    ("tests/etc/samples/etsi/nfv/user_data_sample_userdata_none", USER_DATA, Good(1)),
    ("tests/etc/samples/etsi/nfv/user_data_sample_userdata_timeout", USER_DATA, Good(1)),
    ("tests/etc/samples/etsi/nfv/user_data_sample_virtual_storage_missing", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/vnflcm1", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/vnflcm2", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/vnflcm3", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/vnflcm4", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/vnfpkgm1", ARTIFACT, Good(1)),
    ("tests/etc/samples/etsi/nfv/vnfpkgm2", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/vnfpkgm3", TYPES, Good(1)),
    ("tests/etc/samples/etsi/nfv/multi_flavour_deployment", TYPES, Refused("ARCHIVE-0020")),
    ("tests/etc/samples/etsi/nfv/multi_flavour_deployment_invalid", TYPES, Refused("ARCHIVE-0020")),
    ("tests/etc/samples/etsi/nfv/refactor_mgmt_driver1", TYPES, Refused("ARCHIVE-0020")),
    ("tests/etc/samples/etsi/nfv/refactor_mgmt_driver2", TYPES, Refused("ARCHIVE-0020")),
    ("tests/etc/samples/etsi/nfv/refactor_mgmt_driver3", TYPES, Refused("ARCHIVE-0020")),
    ("tests/etc/samples/etsi/nfv/test_heal_grant_unit", TYPES, Refused("ARCHIVE-0020")),
];

/// Packages of Tacker that are broken on purpose.
pub const BROKEN: &[TackerRow] = &[
    ("tests/etc/samples/etsi/nfv/test_csar_utils_data/csar_invalid_instantiation_level", BASE, Refused("SOL001-0010")),
    (
        "tests/etc/samples/etsi/nfv/test_csar_utils_data/csar_with_invalid_default_instantiation_level",
        BASE,
        Refused("SOL001-0010"),
    ),
    (
        "tests/etc/samples/etsi/nfv/test_csar_utils_data/csar_with_missing_sw_image_data_in_main_template",
        BASE,
        Refused("SOL001-0005"),
    ),
    ("tests/etc/samples/etsi/nfv/test_csar_utils_data/csar_with_multiple_sw_image_data", BASE, Refused("SOL001-0005")),
    ("tests/etc/samples/etsi/nfv/test_csar_utils_data/csar_without_flavour_info", BASE, Refused("SOL001-0002")),
    (
        "tests/etc/samples/etsi/nfv/test_csar_utils_data/csar_without_flavour_info_in_main_template",
        BASE,
        Refused("SOL001-0002"),
    ),
    ("tests/etc/samples/etsi/nfv/test_csar_utils_data/csar_without_instantiation_level", BASE, Refused("SOL001-0010")),
    ("tests/etc/samples/etsi/nfv/test_csar_utils_data/csar_without_policies", BASE, Good(1)),
    ("tests/etc/samples/etsi/nfv/test_csar_utils_data/csar_without_sw_image_data", BASE, Refused("SOL001-0005")),
    ("tests/etc/samples/etsi/nfv/test_csar_utils_data/csar_without_vnfd_info", BASE, Refused("SOL001-0002")),
    ("tests/etc/samples/etsi/nfv/test_csar_utils_data/sample_vnfpkg_no_meta_single_vnfd", &[], Good(1)),
];

/// Packages of Tacker's functional tests and guides.
pub const GUIDES: &[TackerRow] = &[
    ("practical_vnf_package", &[], Good(2)),
    ("etsi_getting_started/tosca/sample_vnf_package_csar", FUNCTIONAL, Good(1)),
    ("tests/functional/sol_v2_common/basic_lcms_max/contents", FUNCTIONAL, Good(1)),
    ("tests/functional/sol_v2_common/basic_lcms_min/contents", FUNCTIONAL, Good(1)),
    ("tests/functional/sol_v2_common/scale_ng/contents", FUNCTIONAL, Good(1)),
    ("tests/functional/sol_v2_common/userdata_standard/contents", FUNCTIONAL, Good(1)),
];

/// Files that the collected sources lack in many packages: disk images, charts and scripts.
pub const LACKING: [&str; 6] = [
    "Files/images/cirros-0.4.0-x86_64-disk.img",
    "Files/images/cirros-0.5.2-x86_64-disk.img",
    "Files/kubernetes/localhelm-0.1.0.tgz",
    "Scripts/container_update_mgmt.py",
    "Scripts/install.sh",
    "Scripts/vnflcm_noop.py",
];

/// A signed package of ONAP's package validation: path, what the name says, and the code that must be among the errors when
/// it is refused.
pub type OnapRow = (&'static str, &'static str, Option<&'static str>);

/// What the names say is judged by the rule that the directory is named after: `r01123` all files are listed, `r130206`
/// signature, certificate and digests are right, `r293901` TOSCA.meta names what it must, `r787965` the outer signature is
/// right. The packages of `r01123` carry signatures over other manifests, and a dummy where the outer one should be.
pub const ONAP: &[OnapRow] = &[
    ("r01123/csar-option1-valid.csar", "all files listed", Some("SIGNATURE-0003")),
    ("r01123/csar-option1-invalid-missing-files.csar", "files missing", Some("ARCHIVE-0033")),
    (
        "r01123/csar-option1-invalid-noVendor-noFileInManifest.csar",
        "no vendor, a file not listed",
        Some("SIGNATURE-0003"),
    ),
    ("r01123/csar-option2-valid-with-cms.zip", "all files listed, dummy signature", Some("SIGNATURE-0002")),
    ("r130206/csar-cert-in-cms-and-root-and-tosca-incorrect-hash.csar", "incorrect hash", Some("ARCHIVE-0035")),
    ("r130206/csar-cert-in-cms-and-root-incorrect-hash.csar", "incorrect hash", Some("ARCHIVE-0035")),
    ("r130206/csar-cert-in-cms-and-tosca-incorrect-hash.csar", "incorrect hash", Some("ARCHIVE-0034")),
    ("r130206/csar-cert-in-cms-incorrect-hash.csar", "incorrect hash", Some("ARCHIVE-0035")),
    ("r130206/csar-cert-in-cms-valid.csar", "valid", None),
    (
        "r130206/csar-cert-in-cms-valid-with-incorrect-signature-of-individual-artifact.csar",
        "incorrect signature of an artifact",
        Some("SIGNATURE-0003"),
    ),
    (
        "r130206/csar-cert-in-cms-valid-with-signature-for-individual-artifact-in-wrong-directory.csar",
        "signature in a wrong directory",
        Some("SIGNATURE-0003"),
    ),
    (
        "r130206/csar-cert-in-cms-valid-with-signature-of-individual-artifact-p7.csar",
        "the artifact's signature is right, the manifest was changed since it was signed",
        Some("SIGNATURE-0003"),
    ),
    (
        "r130206/csar-cert-in-cms-valid-with-signature-with-wrong-name-for-individual-artifact.csar",
        "signature with a wrong name",
        Some("SIGNATURE-0003"),
    ),
    ("r130206/csar-cert-in-root-and-tosca-incorrect-hash.csar", "incorrect hash", Some("ARCHIVE-0035")),
    ("r130206/csar-cert-in-root-incorrect-hash.csar", "incorrect hash", Some("ARCHIVE-0035")),
    ("r130206/csar-cert-in-root.csar", "certificate in the root, of another key", Some("SIGNATURE-0005")),
    (
        "r130206/csar-cert-in-tosca-individual-p7-signature-common-cert-invalid.csar",
        "invalid signatures",
        Some("SIGNATURE-0003"),
    ),
    (
        "r130206/csar-cert-in-tosca-individual-signature-nonexistent-cert.csar",
        "nonexistent certificate",
        Some("SIGNATURE-0012"),
    ),
    (
        "r130206/csar-cert-in-tosca-multiple-individual-signature.csar",
        "several signatures of artifacts, some wrong",
        Some("SIGNATURE-0003"),
    ),
    ("r130206/csar-cert-in-tosca-valid.csar", "valid", None),
    ("r130206/csar-no-cert-no-tosca-dir.csar", "no certificate", Some("SIGNATURE-0005")),
    (
        "r130206/csar-no-cms-with-signature-of-individual-artifact.csar",
        "no signature of the package, files of an artifact's signature missing",
        Some("SIGNATURE-0012"),
    ),
    ("r130206/csar-with-tosca-cert-pointing-non-existing-cert.csar", "non-existing certificate", Some("ARCHIVE-0023")),
    (
        "r293901/allMandatoryEntriesDefinedInTOSCAMeta.csar",
        "all entries of TOSCA.meta defined; a listed file is missing",
        Some("ARCHIVE-0033"),
    ),
    ("r293901/noTOSCAMetaInTOSCADirectory.csar", "no TOSCA.meta", Some("ARCHIVE-0020")),
    ("r787965/signature-and-certificate.zip", "valid outer signature", None),
];

/// One line of the table of all samples.
pub struct Line {
    pub package: String,
    /// What the name promises: the code of the refusal, or nothing where it is good.
    pub refused_for: Option<&'static str>,
    pub strict: Report,
    pub lenient: Report,
}

impl Line {
    /// Codes of errors first, then those of warnings, each with how often it is there.
    pub fn faults(&self) -> String {
        let mut counts: BTreeMap<(std::cmp::Reverse<Severity>, &str), usize> = BTreeMap::new();
        for f in self.lenient.findings.iter().filter(|f| f.severity >= Severity::Warning) {
            *counts.entry((std::cmp::Reverse(f.severity), &f.code)).or_default() += 1;
        }
        let told: Vec<String> = counts
            .into_iter()
            .map(|((severity, code), n)| {
                let mark = if severity.0 == Severity::Error { "**" } else { "" };
                let times = if n > 1 { format!(" ×{n}") } else { String::new() };
                format!("{mark}{code}{mark}{times}")
            })
            .collect();
        if told.is_empty() { "none".to_owned() } else { told.join(", ") }
    }
}

/// 2020-09-20, when the signers' certificates were valid.
const AT: i64 = 1_600_600_000;

fn options(mode: Mode) -> LintOptions {
    LintOptions {
        mode,
        limits: Limits::default(),
        trust: Trust::new(AT, Unsigned::Accept),
        extra: Vec::new(),
        kind: None,
    }
}

/// Lints directories laid over placeholders for files that the collected sources lack. What is said about a placeholder's
/// content is left out: nobody knows what the file was.
fn with_placeholders(name: &str, dirs: &[PathBuf], mode: Mode) -> Report {
    let holder = tempfile::tempdir().unwrap();
    let mut placed: Vec<String> = Vec::new();
    let mut report = None;
    let mut wanted: Vec<String> = LACKING.iter().map(|l| (*l).to_owned()).collect();
    while let Some(file) = wanted.pop() {
        let path = holder.path().join(&file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "placeholder").unwrap();
        placed.push(file);
        if !wanted.is_empty() {
            continue;
        }
        let mut all: Vec<&Path> = vec![holder.path()];
        all.extend(dirs.iter().map(PathBuf::as_path));
        let found = lint::lint_dirs(name, &all, &options(mode));
        let lacking = found.findings.iter().filter(|f| f.code == "TOSCA-0060");
        wanted.extend(lacking.map(|f| f.message.split('`').nth(1).unwrap().trim_start_matches("../").to_owned()));
        wanted.retain(|w| !placed.contains(w));
        report = Some(found);
    }
    let mut report = report.unwrap();
    placed.retain(|p| !dirs.iter().any(|d| d.join(p).exists()));
    report.findings.retain(|f| {
        let of_placeholder = placed.iter().any(|p| f.message.contains(&format!("`{p}`")));
        !(of_placeholder && ["ARCHIVE-0034", "ARCHIVE-0037", "SOL001-0005"].contains(&f.code.as_str()))
    });
    let refused = report.findings.iter().any(|f| f.severity == Severity::Error);
    report.verdict = if refused { Verdict::Refused } else { Verdict::Accepted };
    report
}

/// Every package below `samples` of the shared directory.
pub fn lines(shared: &Path) -> Vec<Line> {
    let tacker = shared.join("samples/tacker");
    let onap = shared.join("samples/onap-vnfsdk-validation/pnf");
    let mut lines = Vec::new();
    for (name, under, promise) in UNIT.iter().chain(BROKEN).chain(GUIDES) {
        let mut dirs: Vec<PathBuf> = under.iter().map(|d| tacker.join(d)).collect();
        dirs.push(tacker.join(name));
        let name = format!("tacker/{name}");
        lines.push(Line {
            strict: with_placeholders(&name, &dirs, Mode::Strict),
            lenient: with_placeholders(&name, &dirs, Mode::Lenient),
            package: name,
            refused_for: match promise {
                Good(_) => None,
                Refused(code) => Some(code),
            },
        });
    }
    for (name, _, code) in ONAP {
        let path = onap.join(name);
        lines.push(Line {
            package: format!("onap/{name}"),
            refused_for: *code,
            strict: lint::lint(&path, &options(Mode::Strict)),
            lenient: lint::lint(&path, &options(Mode::Lenient)),
        });
    }
    lines
}
