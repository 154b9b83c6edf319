//! What a VIM allows, as limits, and what there is more of than there was. Pure. (ETSI GS NFV-IFA 005 clauses 7.3.4 and 7.9:
//! capacity and quotas.)

use std::collections::{BTreeMap, BTreeSet};

use reference_points::or_vi::{Resources, ViEvent};
use serde::{Deserialize, Serialize};

use crate::scheduler::Candidate;

/// Limits named in an event at most.
const NAMED: usize = 8;
/// The share of a disk that may come and go without being news: other things are kept on it too.
const UNSTEADY_SHARE: u64 = 16;

/// A limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// What it is of.
    pub of: Resources,
    /// How much there may be, in the unit that its name says; `None` when there is no limit.
    pub most: Option<u64>,
}

/// Limits by name.
pub type Limits = BTreeMap<String, Limit>;

/// What was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The VIM as a whole. A limit that is not among those found could not be read and stays what it was; one that was never
    /// read before is no news.
    Whole,
    /// A host. What is not among the limits found is not there.
    Host(String),
}

/// What an earlier look at a part found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// Infrastructure resource group that the limits are for.
    pub group: String,
    /// The limits.
    pub limits: Limits,
}

/// What is to be noted after a look at a part, and what is to be told when there is more than before.
pub fn compare(before: Option<Noted>, part: &Part, group: &str, found: Limits) -> (Noted, Option<ViEvent>) {
    // Limits of another project say nothing of those of this one.
    let mut known = before.filter(|noted| noted.group == group).map(|noted| noted.limits).unwrap_or_default();
    let (mut resources, mut more) = (BTreeSet::new(), Vec::new());
    let mut limits = if *part == Part::Whole { known.clone() } else { Limits::new() };
    for (name, now) in found {
        let old = known.remove(&name);
        let was = match (&old, part) {
            (Some(limit), _) => limit.most,
            (None, Part::Host(_)) => Some(0),
            (None, Part::Whole) => {
                limits.insert(name, now);
                continue;
            }
        };
        if let (Some(old), Part::Host(_)) = (old, part)
            && is_unsteady(&old, &now)
        {
            limits.insert(name, old);
            continue;
        }
        if let Some(was) = was
            && now.most.is_none_or(|most| most > was)
        {
            resources.insert(now.of);
            let most = now.most.map_or_else(|| "no limit".to_owned(), |most| most.to_string());
            more.push(format!("{name}: {most}, was {was}"));
        }
        limits.insert(name, now);
    }
    let event = (!more.is_empty()).then(|| {
        let left = more.len().saturating_sub(NAMED);
        more.truncate(NAMED);
        let rest = if left == 0 { String::new() } else { format!("; and {left} more") };
        ViEvent::AllowsMore {
            resource_group: group.to_owned(),
            resources: resources.into_iter().collect(),
            detail: format!("{}{rest}", more.join("; ")),
        }
    });
    (Noted { group: group.to_owned(), limits }, event)
}

/// Whether two looks at a disk differ by what comes and goes on it anyway.
fn is_unsteady(old: &Limit, now: &Limit) -> bool {
    match (old.most, now.most) {
        (Some(old), Some(most)) if now.of == Resources::Storage => old.abs_diff(most) < old / UNSTEADY_SHARE,
        _ => false,
    }
}

/// What a host lets computes have: nothing while it takes none.
pub fn of_host(host: &Candidate) -> Limits {
    let (name, zone, total) = (&host.name, &host.zone, host.total);
    if host.unreachable.is_some() || !host.schedulable {
        return Limits::new();
    }
    [
        ("vCPUs", Resources::Compute, total.vcpus),
        ("bytes of memory", Resources::Compute, total.memory_bytes),
        ("bytes of disk", Resources::Storage, total.disk_bytes),
    ]
    .into_iter()
    .map(|(what, of, most)| (format!("{what} of host {name} in zone {zone}"), Limit { of, most: Some(most) }))
    .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use reference_points::nf_vi::Capacity;

    use super::*;

    fn limits(all: &[(&str, Resources, Option<u64>)]) -> Limits {
        all.iter().map(|(name, of, most)| ((*name).to_owned(), Limit { of: *of, most: *most })).collect()
    }

    fn cores(most: Option<u64>) -> Limits {
        limits(&[("compute cores", Resources::Compute, most)])
    }

    /// What a second look tells.
    fn told(part: &Part, first: Limits, second: Limits) -> Option<ViEvent> {
        let (noted, _) = compare(None, part, "g", first);
        compare(Some(noted), part, "g", second).1
    }

    fn detail(event: Option<ViEvent>) -> String {
        match event {
            Some(ViEvent::AllowsMore { detail, .. }) => detail,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_raised_limit_is_told_and_a_lowered_one_is_not() {
        let whole = Part::Whole;
        assert_eq!(compare(None, &whole, "g", cores(Some(4))).1, None, "what was never read before is no news");
        assert_eq!(told(&whole, cores(Some(4)), cores(Some(4))), None);
        assert_eq!(told(&whole, cores(Some(4)), cores(Some(2))), None);
        assert_eq!(detail(told(&whole, cores(Some(4)), cores(Some(8)))), "compute cores: 8, was 4");
        assert_eq!(detail(told(&whole, cores(Some(4)), cores(None))), "compute cores: no limit, was 4");
        assert_eq!(told(&whole, cores(None), cores(Some(9))), None);
    }

    #[test]
    fn what_could_not_be_read_once_is_no_news_when_it_can_be_again() {
        let (noted, _) = compare(None, &Part::Whole, "g", cores(Some(4)));
        let (noted, none) = compare(Some(noted), &Part::Whole, "g", Limits::new());
        assert_eq!((none, &noted.limits), (None, &cores(Some(4))));
        assert_eq!(compare(Some(noted.clone()), &Part::Whole, "g", cores(Some(4))).1, None);
        assert_eq!(compare(Some(noted), &Part::Whole, "another project", cores(Some(9))).1, None);
    }

    #[test]
    fn a_host_that_comes_opens_or_grows_is_told() {
        let part = Part::Host("a".into());
        let total = Capacity { vcpus: 4, memory_bytes: 8 << 30, disk_bytes: 160 << 30 };
        let host = Candidate {
            name: "a".into(),
            zone: "z".into(),
            schedulable: true,
            unreachable: None,
            total,
            reserved: Capacity::default(),
        };
        let closed = Candidate { schedulable: false, ..host.clone() };
        let away = Candidate { unreachable: Some("silent".into()), ..host.clone() };
        let event = compare(None, &part, "g", of_host(&host)).1.unwrap();
        assert!(matches!(&event, ViEvent::AllowsMore { resources, resource_group, .. }
            if *resources == [Resources::Compute, Resources::Storage] && resource_group == "g"));
        for less in [closed, away] {
            assert_eq!(told(&part, of_host(&host), of_host(&less)), None);
            assert!(
                detail(told(&part, of_host(&less), of_host(&host))).contains("vCPUs of host a in zone z: 4, was 0")
            );
        }
        let larger = Candidate { total: Capacity { vcpus: 8, ..total }, ..host.clone() };
        assert_eq!(detail(told(&part, of_host(&host), of_host(&larger))), "vCPUs of host a in zone z: 8, was 4");
        let elsewhere = Candidate { zone: "y".into(), ..host.clone() };
        assert!(told(&part, of_host(&host), of_host(&elsewhere)).is_some());
    }

    #[test]
    fn what_comes_and_goes_on_a_disk_is_no_news_until_it_is_much() {
        let part = Part::Host("a".into());
        let disk = |gib: u64| limits(&[("disk", Resources::Storage, Some(gib << 30))]);
        let (mut noted, _) = compare(None, &part, "g", disk(160));
        for gib in [159, 161, 158, 162] {
            let (next, event) = compare(Some(noted), &part, "g", disk(gib));
            assert_eq!((event, &next.limits), (None, &disk(160)));
            noted = next;
        }
        assert!(compare(Some(noted), &part, "g", disk(171)).1.is_some());
    }

    #[test]
    fn an_event_names_a_few_of_many_limits() {
        let many = |most: u64| -> Limits {
            (0..20).map(|n| (format!("{n:02}"), Limit { of: Resources::Network, most: Some(most) })).collect()
        };
        let text = detail(told(&Part::Whole, many(1), many(2)));
        assert!(text.starts_with("00: 2, was 1; ") && text.ends_with("; and 12 more"), "{text}");
    }
}
