//! Packages that others wrote: those of the Tacker project, of which some are broken on purpose.
//!
//! They are not part of this repository; `MANO_SHARED` names the directory that holds them under `samples/tacker`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use descriptors::archive::{Limits, Package};
use descriptors::diag::Diagnostics;
use descriptors::vnfd::{Size, Vnfd, read_vnfd};

fn shared() -> Option<PathBuf> {
    match std::env::var_os("MANO_SHARED") {
        Some(dir) => Some(PathBuf::from(dir).join("samples/tacker")),
        None => {
            println!("SKIPPED: MANO_SHARED is not set, so the packages of others are not read");
            None
        }
    }
}

/// Files that the collected sources lack in many packages: disk images, charts and scripts.
const LACKING: [&str; 6] = [
    "Files/images/cirros-0.4.0-x86_64-disk.img",
    "Files/images/cirros-0.5.2-x86_64-disk.img",
    "Files/kubernetes/localhelm-0.1.0.tgz",
    "Scripts/container_update_mgmt.py",
    "Scripts/install.sh",
    "Scripts/vnflcm_noop.py",
];

/// Reads directories laid over each other, with placeholders for the files the sources lack.
fn read(dirs: &[PathBuf]) -> Result<Vnfd, Diagnostics> {
    let placeholders = tempfile::tempdir().unwrap();
    let put = |file: &str| {
        let path = placeholders.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "placeholder").unwrap();
    };
    LACKING.into_iter().for_each(put);
    let mut last = None;
    for _ in 0..2 {
        let mut all: Vec<&Path> = vec![placeholders.path()];
        all.extend(dirs.iter().map(PathBuf::as_path));
        let package = Package::open_dirs(&all, &Limits::default())?;
        match read_vnfd(&package) {
            Ok(vnfd) => return Ok(vnfd),
            Err(found) => {
                // Artifacts that were left out when the sources were collected.
                for d in found.errors().filter(|d| d.code == "TOSCA-0060") {
                    put(d.message.split('`').nth(1).unwrap().trim_start_matches("../"));
                }
                last = Some(found);
            }
        }
    }
    Err(last.unwrap())
}

/// What the name of a package promises.
enum Verdict {
    /// It is read, with this many flavours.
    Good(usize),
    /// It is refused, with a finding of this code among the others.
    Refused(&'static str),
}
use Verdict::{Good, Refused};

fn check(root: &Path, table: &[(&str, &[&str], Verdict)]) {
    let mut wrong = Vec::new();
    for (name, under, verdict) in table {
        let mut dirs: Vec<PathBuf> = under.iter().map(|d| root.join(d)).collect();
        dirs.push(root.join(name));
        let result = read(&dirs);
        let fits = match (&result, verdict) {
            (Ok(vnfd), Good(flavours)) => vnfd.flavours.len() == *flavours && sizes_are_computed(vnfd),
            (Err(found), Refused(code)) => found.errors().any(|d| d.code == *code),
            _ => false,
        };
        if !fits {
            let expected = match verdict {
                Good(n) => format!("{n} flavours"),
                Refused(code) => (*code).to_owned(),
            };
            let is = result.map_or_else(|e| e.to_string(), |v| format!("read with {} flavours", v.flavours.len()));
            wrong.push(format!("=== {name}, expected {expected}\n{is}\n"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong\n{}", wrong.len(), table.len(), wrong.join("\n"));
}

fn sizes_are_computed(vnfd: &Vnfd) -> bool {
    vnfd.flavours.iter().all(|f| {
        f.vdus.iter().all(|v| {
            // VDUs of containers have neither.
            (v.cpu.count > 0) == (v.memory.size_bytes > 0)
                && f.scaling.levels.keys().all(|l| f.scaling.instances(&v.name, Size::Level(l)).is_ok())
        })
    })
}

#[test]
fn packages_of_the_unit_tests() {
    let Some(root) = shared() else { return };
    const TYPES: &[&str] = &["common"];
    const ARTIFACT: &[&str] = &["common", "common_artifact"];
    const USER_DATA: &[&str] = &["common", "user_data_common"];
    check(
        &root.join("tests/etc/samples/etsi/nfv"),
        &[
            ("csar_multiple_sw_image_data_with_short_notation", TYPES, Refused("SOL001-0005")),
            ("csar_short_notation_for_artifacts_without_sw_image_data", TYPES, Refused("SOL001-0005")),
            ("csar_with_short_notation_for_artifacts", TYPES, Good(1)),
            ("functional", TYPES, Good(1)),
            ("functional2", TYPES, Good(1)),
            ("functional3", TYPES, Good(1)),
            ("functional4", TYPES, Good(1)),
            ("functional5", TYPES, Good(1)),
            ("functional6", TYPES, Good(1)),
            ("functional7", TYPES, Good(1)),
            ("mt_functional1", TYPES, Good(1)),
            ("sample_compliance_test", TYPES, Good(1)),
            ("sample_kubernetes_driver", ARTIFACT, Good(1)),
            ("sample_vnf_package_csar_in_meta_and_manifest", ARTIFACT, Good(1)),
            ("sample_vnf_package_csar_in_meta_and_manifest_false", ARTIFACT, Refused("ARCHIVE-0023")),
            ("sample_vnf_package_csar_in_meta_and_manifest_false_algorithm", ARTIFACT, Refused("ARCHIVE-0036")),
            ("sample_vnf_package_csar_in_meta_and_manifest_false_hash", ARTIFACT, Refused("ARCHIVE-0035")),
            ("sample_vnf_package_csar_in_meta_and_manifest_false_source", ARTIFACT, Refused("ARCHIVE-0033")),
            ("sample_vnf_package_csar_in_meta_and_manifest_missing_key", ARTIFACT, Refused("ARCHIVE-0035")),
            ("sample_vnf_package_csar_in_meta_and_manifest_missing_value", ARTIFACT, Refused("ARCHIVE-0035")),
            ("sample_vnf_package_csar_in_single_manifest_false_name", TYPES, Refused("ARCHIVE-0038")),
            ("sample_vnf_package_csar_manifest", TYPES, Good(1)),
            ("sample_vnf_package_csar_meta", ARTIFACT, Good(1)),
            ("sample_vnf_package_csar_meta_in_manifest", ARTIFACT, Good(1)),
            ("sample_vnf_package_csar_with_short_notation", TYPES, Good(1)),
            ("sample_vnfpkg_no_meta_single_vnfd", TYPES, Good(1)),
            ("sample_vnfpkg_tosca_vnfd", TYPES, Good(1)),
            ("stack_update_in_heal", TYPES, Good(1)),
            ("stack_update_in_scale", TYPES, Good(1)),
            ("test_cnf", TYPES, Good(2)),
            ("test_cnf_container_update_after", TYPES, Good(1)),
            ("test_cnf_container_update_before", TYPES, Good(1)),
            ("test_cnf_ext_artifact", TYPES, Good(1)),
            ("test_cnf_heal", TYPES, Good(2)),
            ("test_cnf_helmchart", TYPES, Good(1)),
            ("test_cnf_multi_ns", TYPES, Good(1)),
            ("test_cnf_scale", TYPES, Good(2)),
            ("test_enhanced_policy", TYPES, Good(1)),
            ("test_inst_terminate_vnf_with_vnflcmnoop", TYPES, Good(1)),
            ("user_data_sample_basehot_invalid", USER_DATA, Good(1)),
            ("user_data_sample_normal", USER_DATA, Good(1)),
            ("user_data_sample_normal_scaling", TYPES, Good(1)),
            ("user_data_sample_userdata_invalid_hot_param", USER_DATA, Good(1)),
            ("user_data_sample_userdata_invalid_script", USER_DATA, Good(1)),
            ("user_data_sample_userdata_none", USER_DATA, Good(1)),
            ("user_data_sample_userdata_timeout", USER_DATA, Good(1)),
            ("user_data_sample_virtual_storage_missing", TYPES, Good(1)),
            ("vnflcm1", TYPES, Good(1)),
            ("vnflcm2", TYPES, Good(1)),
            ("vnflcm3", TYPES, Good(1)),
            ("vnflcm4", TYPES, Good(1)),
            ("vnfpkgm1", ARTIFACT, Good(1)),
            ("vnfpkgm2", TYPES, Good(1)),
            ("vnfpkgm3", TYPES, Good(1)),
            // Parts of packages, without a file that says where to begin.
            ("multi_flavour_deployment", TYPES, Refused("ARCHIVE-0020")),
            ("multi_flavour_deployment_invalid", TYPES, Refused("ARCHIVE-0020")),
            ("refactor_mgmt_driver1", TYPES, Refused("ARCHIVE-0020")),
            ("refactor_mgmt_driver2", TYPES, Refused("ARCHIVE-0020")),
            ("refactor_mgmt_driver3", TYPES, Refused("ARCHIVE-0020")),
            ("test_heal_grant_unit", TYPES, Refused("ARCHIVE-0020")),
        ],
    );
}

#[test]
fn packages_that_are_broken_on_purpose() {
    let Some(root) = shared() else { return };
    const BASE: &[&str] = &["../common", "test_csar_utils_common"];
    check(
        &root.join("tests/etc/samples/etsi/nfv/test_csar_utils_data"),
        &[
            ("csar_invalid_instantiation_level", BASE, Refused("SOL001-0010")),
            ("csar_with_invalid_default_instantiation_level", BASE, Refused("SOL001-0010")),
            ("csar_with_missing_sw_image_data_in_main_template", BASE, Refused("SOL001-0005")),
            ("csar_with_multiple_sw_image_data", BASE, Refused("SOL001-0005")),
            ("csar_without_flavour_info", BASE, Refused("SOL001-0002")),
            ("csar_without_flavour_info_in_main_template", BASE, Refused("SOL001-0002")),
            ("csar_without_instantiation_level", BASE, Refused("SOL001-0010")),
            ("csar_without_policies", BASE, Good(1)),
            ("csar_without_sw_image_data", BASE, Refused("SOL001-0005")),
            ("csar_without_vnfd_info", BASE, Refused("SOL001-0002")),
            ("sample_vnfpkg_no_meta_single_vnfd", &[], Good(1)),
        ],
    );
}

#[test]
fn packages_of_the_functional_tests_and_guides() {
    let Some(root) = shared() else { return };
    check(
        &root,
        &[
            ("practical_vnf_package", &[], Good(2)),
            ("etsi_getting_started/tosca/sample_vnf_package_csar", &["tests/functional/sol_v2_common/common"], Good(1)),
            (
                "tests/functional/sol_v2_common/basic_lcms_max/contents",
                &["tests/functional/sol_v2_common/common"],
                Good(1),
            ),
            (
                "tests/functional/sol_v2_common/basic_lcms_min/contents",
                &["tests/functional/sol_v2_common/common"],
                Good(1),
            ),
            ("tests/functional/sol_v2_common/scale_ng/contents", &["tests/functional/sol_v2_common/common"], Good(1)),
            (
                "tests/functional/sol_v2_common/userdata_standard/contents",
                &["tests/functional/sol_v2_common/common"],
                Good(1),
            ),
        ],
    );
}

#[test]
fn a_package_needs_no_type_files_of_its_own() {
    let Some(root) = shared() else { return };
    let dir = root.join("tests/functional/sol_v2_common");
    let with = read(&[dir.join("common"), dir.join("basic_lcms_max/contents")]).unwrap_or_else(|e| panic!("{e}"));
    let without = read(&[dir.join("basic_lcms_max/contents")]).unwrap_or_else(|e| panic!("{e}"));
    let plain = |mut v: Vnfd| {
        v.warnings = Diagnostics::default();
        serde_json::to_value(v).unwrap()
    };
    assert_eq!(plain(with), plain(without));
}
