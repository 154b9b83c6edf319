//! Containers in the VNFD of `data/whole_vnfd.yaml`.

use crate::read::{edited_vnfd, flavour, told};

#[test]
fn os_container() {
    let flavour = flavour();
    let proxy = &flavour.containers[0];
    assert_eq!((proxy.name.as_str(), proxy.description.as_str()), ("proxy", "Answers"));
    assert_eq!((proxy.requested_cpu, proxy.cpu_limit), (Some(500), Some(1000)));
    assert_eq!((proxy.requested_memory_bytes, proxy.memory_limit_bytes), (Some(128 << 20), Some(256 << 20)));
    assert_eq!((proxy.requested_storage_bytes, proxy.storage_limit_bytes), (Some(1 << 30), Some(2 << 30)));
    assert_eq!(
        (proxy.extended_resources[0].resource["example.com/gpu"].as_str(), proxy.extended_resources[0].amount),
        ("v1", 1)
    );
    assert_eq!((proxy.huge_pages[0].page_bytes, proxy.huge_pages[0].requested_bytes), (2 << 20, 64 << 20));
    assert_eq!(proxy.pinning.as_ref().unwrap().policy.as_deref(), Some("static"));
    let image = flavour.sw_image(proxy.sw_image.as_deref().unwrap()).unwrap();
    assert_eq!((image.container_format.as_str(), image.artifact.as_deref()), ("docker", Some("Files/proxy.tar")));
}

#[test]
fn deployable_unit() {
    let flavour = flavour();
    let pod = flavour.deployable_unit("pod").unwrap();
    assert_eq!(
        (pod.containers.as_slice(), pod.storages.as_slice()),
        (&["proxy".to_owned()][..], &["archive".to_owned()][..])
    );
    assert_eq!((pod.profile.min_instances, pod.profile.max_instances), (1, 5));
    assert_eq!(pod.logical_nodes["any"]["pool"], "fast");
    assert!(!pod.additional_capabilities["fpga"].mandatory);
    assert_eq!(
        (pod.nfvi_constraints["zone"].as_str(), pod.mcio_constraints.as_slice()),
        ("edge", &["anti_affinity_nfvi_node".to_owned()][..])
    );
    assert_eq!((pod.mcio_name.as_deref(), pod.mcio_type.as_deref()), (Some("proxy"), Some("Deployment")));
}

#[test]
fn mciop_with_its_chart() {
    let flavour = flavour();
    let chart = &flavour.mciops[0];
    assert_eq!(chart.units, ["pod"]);
    assert_eq!(chart.artifacts[0].artifact_type.as_deref(), Some("tosca.artifacts.nfv.HelmChart"));
    assert_eq!(chart.artifacts[0].file, "Files/proxy.tgz");
}

#[test]
fn virtual_cp() {
    let flavour = flavour();
    let front = &flavour.virtual_cps[0];
    assert_eq!((front.targets.as_slice(), front.virtual_link.as_deref()), (&["pod".to_owned()][..], Some("backplane")));
    assert!(front.address_pool_name_configurable);
    let service = &front.services[0];
    let port = &service.ports[0];
    assert_eq!((port.name.as_str(), port.protocol.as_str(), port.port, port.configurable), ("web", "tcp", 443, true));
    assert_eq!(
        (service.host.as_deref(), service.paths.as_slice()),
        (Some("proxy.example.com"), &["/a".to_owned(), "/b".to_owned()][..])
    );
    assert_eq!(flavour.ext_cp("service").unwrap().cp, "front");
    // Version 4.3.1 has a plain text.
    let old = edited_vnfd("serviceData: { host: proxy.example.com, path: [ /a, /b ] }", "serviceData: 'by hand'");
    let old = old.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(old.flavours[0].virtual_cps[0].services[0].text.as_deref(), Some("by hand"));
}

#[test]
fn connection_points_of_deployable_units() {
    let vnfd = edited_vnfd("requirements: [ virtual_binding: worker ]", "requirements: [ virtual_binding: pod ]");
    let vnfd = vnfd.unwrap_or_else(|e| panic!("{e}"));
    let names: Vec<_> = vnfd.flavours[0].cps_of("pod").map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["worker_data"]);
    let found = edited_vnfd("requirements: [ virtual_binding: worker ]", "requirements: [ virtual_binding: proxy ]")
        .unwrap_err();
    assert!(told(&found).contains("`worker_data` is bound to no VDU"), "a container is no VDU: {found}");
}
