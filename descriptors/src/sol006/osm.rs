//! Where the YAML that Open Source MANO packages use differs from SOL006, each difference by its name.

use crate::codes::{self, Code};
use crate::diag::{Pos, Sink};

/// What an addition of Open Source MANO means here: node, code, what is done with it, the standard's way.
const ADDITIONS: &[(&str, &Code, &str, &str)] = &[
    ("mgmt-cp", &codes::OSM_ADDITION, "it names the connection point for management; it is kept and not acted on", ""),
    (
        "cloud-init-file",
        &codes::OSM_BOOT,
        "the file of that name in the folder `cloud_init` is the boot data; `{{ name }}` in it is a parameter of the instantiation",
        "say it as `boot-data`",
    ),
    (
        "cloud-init",
        &codes::OSM_BOOT,
        "the text is the boot data; `{{ name }}` in it is a parameter of the instantiation",
        "say it as `boot-data`",
    ),
    ("supplemental-boot-data", &codes::OSM_BOOT, "it is kept and not acted on", "say it as `boot-data`"),
    (
        "day1-2",
        &codes::OSM_DAY_1_2,
        "Juju charms and Helm charts that configure the VNF are kept and not run",
        "say it as `lifecycle-management-script`",
    ),
    (
        "vnf-configuration",
        &codes::OSM_DAY_1_2,
        "Juju charms and Helm charts that configure the VNF are kept and not run",
        "say it as `lifecycle-management-script`",
    ),
    (
        "vdu-configuration",
        &codes::OSM_DAY_1_2,
        "Juju charms and Helm charts that configure the VNF are kept and not run",
        "say it as `lifecycle-management-script`",
    ),
    (
        "ns-configuration",
        &codes::OSM_DAY_1_2,
        "Juju charms that configure the service are kept and not run",
        "say it as `lifecycle-management-script`",
    ),
    (
        "alternative-sw-image-desc",
        &codes::OSM_IMAGE,
        "images for other kinds of VIM are kept among the images; the VDU boots from `sw-image-desc`",
        "",
    ),
    (
        "kdu",
        &codes::OSM_ADDITION,
        "Kubernetes deployments by chart are kept and not acted on",
        "say it as `os-container-desc` and `mciop-id`",
    ),
    ("k8s-cluster", &codes::OSM_ADDITION, "demands on a Kubernetes cluster are kept and not acted on", ""),
    ("kdu-resource-profile", &codes::OSM_ADDITION, "it is kept and not acted on", ""),
    (
        "scaling-policy",
        &codes::OSM_ADDITION,
        "rules by which the VNF scales on its own are kept and not acted on",
        "say it as `auto-scale`",
    ),
    ("healing-aspect", &codes::OSM_ADDITION, "rules by which the VNF heals on its own are kept and not acted on", ""),
    (
        "size-of-storage",
        &codes::OSM_STORAGE,
        "the size stands directly in the storage, as in SOL006 2.6.1; it is read as that of its kind",
        "write it below `block-storage-data`",
    ),
    (
        "mempage-size",
        &codes::OSM_COMPUTE,
        "it is read as a demand for huge pages; `LARGE` as pages of 2 MiB",
        "say it in `vdu-mem-requirements`",
    ),
    (
        "numa-node-policy",
        &codes::OSM_COMPUTE,
        "it is kept and not acted on; NUMA is switched on",
        "say it as `logical-node`",
    ),
    ("thread-policy", &codes::OSM_COMPUTE, "it is kept among the demands on CPUs", "say it in `vdu-cpu-requirements`"),
    ("port-security-enabled", &codes::OSM_NETWORK, "it is read as whether foreign addresses are dropped", ""),
    ("virtual-interface", &codes::OSM_NETWORK, "its type is read as `vnic-type`", "say it as `vnic-type`"),
    ("position", &codes::OSM_NETWORK, "it is read as the order among the NICs", "say it as `order`"),
    (
        "mgmt-network",
        &codes::OSM_NETWORK,
        "it is kept and not acted on",
        "name the network when the service is instantiated",
    ),
    (
        "vim-network-name",
        &codes::OSM_NETWORK,
        "it is kept and not acted on",
        "name the network when the service is instantiated",
    ),
];

/// Names an addition and says what is made of it.
pub(super) fn addition(name: &str, at: Pos, sink: &mut Sink) {
    let told = ADDITIONS.iter().find(|(n, ..)| *n == name);
    let (code, reading, mend) = told
        .map_or((&codes::OSM_ADDITION, "it is kept and not acted on", ""), |(_, code, reading, mend)| {
            (*code, *reading, *mend)
        });
    sink.warn(code, at, format!("`{name}` is not of SOL006 but of Open Source MANO: {reading}"), mend);
}

/// Says once for the file that YAML is no encoding of the standard, and in which unit sizes are read.
pub(super) fn encoding(at: Pos, sink: &mut Sink) {
    sink.warn(
        &codes::OSM_YAML,
        at,
        "YAML is no encoding of SOL006 but what Open Source MANO packages use; names are read without module prefixes",
        "write it in JSON (RFC 7951) or XML",
    );
}

/// Says that memory and disks are counted as Open Source MANO counts them.
pub(super) fn units(at: Pos, sink: &mut Sink) {
    sink.warn(
        &codes::OSM_UNITS,
        at,
        "sizes are read in GiB, as Open Source MANO asks VIMs for them; SOL006 counts in GB",
        "in JSON or XML the same numbers mean GB",
    );
}
