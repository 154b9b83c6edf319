//! Counters of every running domain in one call of libvirt (`virConnectGetAllDomainStats`), and what its typed
//! parameters mean.
#![allow(unsafe_code)]

use std::collections::{BTreeMap, HashMap};
use std::ffi::{CStr, c_char, c_int, c_uint};
use std::ptr;

use reference_points::nf_vi::Measurements;
use uuid::Uuid;
use virt::connect::Connect;
use virt::error::Error;
use virt::sys;

use super::tap_name;

/// Groups of parameters that are asked for.
const GROUPS: u32 = sys::VIR_DOMAIN_STATS_STATE
    | sys::VIR_DOMAIN_STATS_CPU_TOTAL
    | sys::VIR_DOMAIN_STATS_BALLOON
    | sys::VIR_DOMAIN_STATS_INTERFACE
    | sys::VIR_DOMAIN_STATS_BLOCK;

/// Running domains only; one that is busy with something longer is not waited for.
const FLAGS: u32 = sys::VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | sys::VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT;

/// Most devices of one kind that are read of a domain.
const MAX_DEVICES: u64 = 128;

/// Parameters of one domain by name.
#[derive(Debug, Default)]
struct Params {
    numbers: HashMap<String, u64>,
    texts: HashMap<String, String>,
}

impl Params {
    fn number(&self, name: &str) -> u64 {
        self.numbers.get(name).copied().unwrap_or(0)
    }

    fn sum(&self, kind: &str, what: &str) -> u64 {
        let count = self.number(&format!("{kind}.count")).min(MAX_DEVICES);
        (0..count).map(|n| self.number(&format!("{kind}.{n}.{what}"))).sum()
    }
}

/// Counters of the running domains in `wanted`, which gives the ports of each; `at` is when, in microseconds since the
/// epoch. A domain that does not run, or that libvirt had no time for, is left out.
///
/// # Errors
/// libvirt's refusal.
pub fn read(
    connection: &Connect,
    wanted: &BTreeMap<Uuid, Vec<Uuid>>,
    at: i64,
) -> Result<BTreeMap<Uuid, Measurements>, Error> {
    let mut records: *mut sys::virDomainStatsRecordPtr = ptr::null_mut();
    // SAFETY: the connection is open, and libvirt writes a list of its own into `records`.
    let count = unsafe { sys::virConnectGetAllDomainStats(connection.as_ptr(), GROUPS, &raw mut records, FLAGS) };
    if count < 0 {
        return Err(Error::last_error());
    }
    let mut measured = BTreeMap::new();
    for n in 0..usize::try_from(count).unwrap_or(0) {
        // SAFETY: libvirt gave `count` records, each with its domain and parameters, valid until the list is freed.
        let (id, params, cpu) = unsafe {
            let record = &**records.add(n);
            let Some(id) = super::events::domain_id(record.dom).filter(|id| wanted.contains_key(id)) else { continue };
            let params = params(record.params, record.nparams);
            let cpu = params.numbers.get("cpu.time").copied().or_else(|| cpu_time(record.dom));
            (id, params, cpu)
        };
        let ports = wanted.get(&id).map(Vec::as_slice).unwrap_or_default();
        if let Some(cpu_time_ns) = cpu
            && let Some(found) = meaning(&params, cpu_time_ns, ports, at)
        {
            measured.insert(id, found);
        }
    }
    // SAFETY: the list came from libvirt and is used no more.
    unsafe { sys::virDomainStatsRecordListFree(records) };
    Ok(measured)
}

/// Where control groups are missing, the time of the domain's process; `None` when it ended meanwhile.
///
/// # Safety
/// `domain` must be a valid domain for the length of the call.
unsafe fn cpu_time(domain: sys::virDomainPtr) -> Option<u64> {
    // SAFETY: a structure of numbers, for which all zeros are a value.
    let mut info: sys::virDomainInfo = unsafe { std::mem::zeroed() };
    // SAFETY: the domain is valid, see above.
    let answer = unsafe { sys::virDomainGetInfo(domain, &raw mut info) };
    (answer == 0).then_some(info.cpuTime)
}

/// Reads typed parameters; those of kinds that are not used here are passed over.
///
/// # Safety
/// `list` must point to `count` parameters.
unsafe fn params(list: sys::virTypedParameterPtr, count: c_int) -> Params {
    let mut found = Params::default();
    for n in 0..usize::try_from(count).unwrap_or(0) {
        // SAFETY: within the list; the name ends with a zero, and the member read is the one that the type names.
        unsafe {
            let param = &*list.add(n);
            let name = || CStr::from_ptr(param.field.as_ptr().cast::<c_char>()).to_string_lossy().into_owned();
            match param.type_ as c_uint {
                sys::VIR_TYPED_PARAM_ULLONG => _ = found.numbers.insert(name(), param.value.ul),
                sys::VIR_TYPED_PARAM_UINT => _ = found.numbers.insert(name(), u64::from(param.value.ui)),
                sys::VIR_TYPED_PARAM_STRING if !param.value.s.is_null() => {
                    _ = found.texts.insert(name(), CStr::from_ptr(param.value.s).to_string_lossy().into_owned());
                }
                _ => {}
            }
        }
    }
    found
}

/// What the parameters of a running domain say; `None` when they are not complete.
fn meaning(params: &Params, cpu_time_ns: u64, ports: &[Uuid], at: i64) -> Option<Measurements> {
    let kib = |name: &str| params.numbers.get(name).map(|kib| kib.saturating_mul(1024));
    let memory_bytes = kib("balloon.current")?;
    // QEMU was not asked for its disks when there are none to be seen.
    if !params.numbers.contains_key("block.count") {
        return None;
    }
    // Zero until the guest's driver has spoken.
    let told = params.number("balloon.last-update") > 0;
    let left = kib("balloon.usable").or_else(|| kib("balloon.unused"));
    let used_bytes = match (kib("balloon.available"), left) {
        (Some(all), Some(left)) if told => Some(all.saturating_sub(left)),
        _ => None,
    };
    let mut measured = Measurements {
        at,
        cpu_time_ns,
        memory_bytes,
        resident_bytes: kib("balloon.rss").unwrap_or(0),
        disk_read_bytes: params.sum("block", "rd.bytes"),
        disk_write_bytes: params.sum("block", "wr.bytes"),
        received_bytes: BTreeMap::new(),
        sent_bytes: BTreeMap::new(),
        used_bytes,
        disk_read_requests: params.sum("block", "rd.reqs"),
        disk_write_requests: params.sum("block", "wr.reqs"),
        disk_capacity_bytes: params.sum("block", "capacity"),
        disk_allocation_bytes: params.sum("block", "physical"),
        received_packets: BTreeMap::new(),
        sent_packets: BTreeMap::new(),
    };
    for n in 0..params.number("net.count").min(MAX_DEVICES) {
        let Some(tap) = params.texts.get(&format!("net.{n}.name")) else { continue };
        let Some(port) = ports.iter().find(|port| tap_name(**port) == *tap) else { continue };
        let count = |what: &str| params.number(&format!("net.{n}.{what}"));
        measured.received_bytes.insert(*port, count("rx.bytes"));
        measured.received_packets.insert(*port, count("rx.pkts"));
        measured.sent_bytes.insert(*port, count("tx.bytes"));
        measured.sent_packets.insert(*port, count("tx.pkts"));
    }
    Some(measured)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn params(port: Uuid) -> Params {
        let numbers = [
            ("balloon.current", 2048),
            ("balloon.rss", 1024),
            ("balloon.available", 2000),
            ("balloon.usable", 500),
            ("balloon.last-update", 1),
            ("block.count", 2),
            ("block.0.rd.bytes", 10),
            ("block.1.rd.bytes", 5),
            ("block.0.wr.reqs", 3),
            ("block.0.capacity", 100),
            ("block.0.physical", 40),
            ("net.count", 2),
            ("net.0.rx.bytes", 7),
            ("net.0.tx.pkts", 2),
            ("net.1.rx.bytes", 9),
        ];
        Params {
            numbers: numbers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            texts: [("net.0.name".to_owned(), tap_name(port)), ("net.1.name".to_owned(), "vnet7".to_owned())].into(),
        }
    }

    #[test]
    fn parameters_are_added_up_over_devices_and_ports_are_found_by_their_taps() {
        let port = Uuid::from_u128(0xa1);
        let found = meaning(&params(port), 5, &[port], 1).unwrap();
        assert_eq!((found.cpu_time_ns, found.memory_bytes, found.resident_bytes), (5, 2048 << 10, 1024 << 10));
        assert_eq!((found.disk_read_bytes, found.disk_write_requests), (15, 3));
        assert_eq!((found.disk_capacity_bytes, found.disk_allocation_bytes), (100, 40));
        assert_eq!(found.used_bytes, Some(1500 << 10));
        assert_eq!((found.received_bytes[&port], found.sent_packets[&port]), (7, 2));
        assert_eq!(found.received_bytes.len(), 1, "somebody else's tap is not ours");
    }

    #[test]
    fn a_balloon_that_has_not_spoken_tells_no_use_and_a_busy_domain_nothing() {
        let mut silent = params(Uuid::nil());
        silent.numbers.insert("balloon.last-update".to_owned(), 0);
        assert_eq!(meaning(&silent, 5, &[], 1).unwrap().used_bytes, None);
        silent.numbers.remove("block.count");
        assert_eq!(meaning(&silent, 5, &[], 1), None);
    }
}
