//! Whether what a client wants measured can be: every fault at once, with what would do instead.

use descriptors::network::MonitoringParameter;
use reference_points::common::Fault;
use reference_points::or_vnfm::{PmJobCriteria, SimpleThresholdDetails, ThresholdCriteria};
use service::http::ApiResult;
use uuid::Uuid;

use super::Pm;
use crate::ops::pm::metrics::{GROUPS, METRICS, Metric, OBJECT_TYPES, ObjectType, names};
use crate::ops::pm::subjects::subjects;
use crate::store::pm::Chosen;
use crate::store::{INSTANCES, resources};

/// VNF instances of one job, at most.
const MAX_OBJECTS: usize = 100;
/// Parts of a VNF instance that a request may name, at most.
const MAX_SUBS: usize = 1_000;
/// Names of metrics and groups in one request, at most.
const MAX_NAMES: usize = 100;
/// Longest collection period, in seconds.
const MAX_PERIOD: u32 = 86_400;
/// Collection periods in one report, at most.
const MAX_PERIODS: u32 = 1_440;

/// The faults of a request, and what was understood of it.
#[derive(Debug, Default)]
pub(super) struct Check {
    pub faults: Vec<Fault>,
}

impl Check {
    /// The type of the measured objects.
    pub fn object_type(&mut self, text: &str) -> Option<ObjectType> {
        let found = text.parse().ok();
        if found.is_none() {
            let shown: String = text.chars().take(80).collect();
            let fault = Fault::new("/objectType", format!("{shown:?} is not measured here"));
            self.faults.push(fault.mend(format!("one of {}", OBJECT_TYPES.join(", "))));
        }
        found
    }

    /// The VNF instances: their ids, as far as they are some.
    pub async fn instances(&mut self, pm: &Pm, place: &str, ids: &[String]) -> ApiResult<Vec<Uuid>> {
        if ids.is_empty() || ids.len() > MAX_OBJECTS {
            self.faults.push(Fault::new(place, format!("names {} VNF instances", ids.len())).mend("1 to 100"));
        }
        let mut found = Vec::new();
        for (n, text) in ids.iter().enumerate().take(MAX_OBJECTS) {
            let known = match text.parse::<Uuid>() {
                Ok(id) => INSTANCES.get(&pm.db, id).await?.map(|_| id),
                Err(_) => None,
            };
            let at = if ids.len() == 1 && !place.ends_with('s') { place.to_owned() } else { format!("{place}/{n}") };
            match known {
                Some(id) if !found.contains(&id) => found.push(id),
                Some(_) => self.faults.push(Fault::new(at, "is named twice")),
                None => {
                    let shown: String = text.chars().take(80).collect();
                    let fault = Fault::new(at, format!("there is no VNF instance {shown:?}"));
                    self.faults.push(fault.mend("mano vnf list shows those that there are"));
                }
            }
        }
        Ok(found)
    }

    /// Parts of a VNF instance: only of one, and only those it has.
    pub async fn parts(
        &mut self,
        pm: &Pm,
        object: Option<ObjectType>,
        instances: &[Uuid],
        subs: &[String],
    ) -> ApiResult<()> {
        if subs.is_empty() {
            return Ok(());
        }
        let place = "/subObjectInstanceIds";
        if subs.len() > MAX_SUBS {
            self.faults.push(Fault::new(place, format!("names {} parts", subs.len())).mend("at most 1000"));
            return Ok(());
        }
        let ([instance], Some(object)) = (instances, object) else {
            self.faults.push(Fault::new(place, "can be given with exactly one VNF instance"));
            return Ok(());
        };
        if object == ObjectType::Vnf {
            self.faults.push(Fault::new(place, "a VNF as a whole has no parts").mend("objectType Vnfc or VnfExtCp"));
            return Ok(());
        }
        let all = resources::of(&pm.db, *instance).await?;
        let has: Vec<String> = subjects(object, &[], &all).into_iter().filter_map(|s| s.sub).collect();
        for (n, sub) in subs.iter().enumerate().filter(|(_, sub)| !has.contains(sub)) {
            let shown: String = sub.chars().take(80).collect();
            let fault = Fault::new(format!("{place}/{n}"), format!("the VNF instance has no {object} {shown:?}"));
            self.faults.push(if has.is_empty() {
                fault.mend("instantiate it first")
            } else {
                fault.mend(format!("one of {}", has.join(", ")))
            });
        }
        Ok(())
    }

    /// Metrics and groups. Without an object type (version 1) each metric says itself what it is measured on.
    pub async fn metrics(
        &mut self,
        pm: &Pm,
        object: Option<ObjectType>,
        instances: &[Uuid],
        criteria: &PmJobCriteria,
    ) -> ApiResult<Vec<Chosen>> {
        let (single, groups) = (&criteria.performance_metric, &criteria.performance_metric_group);
        if single.is_empty() && groups.is_empty() {
            let fault = Fault::new("/criteria", "names neither performanceMetric nor performanceMetricGroup");
            self.faults.push(fault.mend("name at least one"));
        }
        if single.len() + groups.len() > MAX_NAMES {
            self.faults.push(Fault::new("/criteria", "names too many metrics").mend(format!("at most {MAX_NAMES}")));
            return Ok(Vec::new());
        }
        let mut chosen = Vec::new();
        for (n, name) in single.iter().enumerate() {
            chosen.extend(self.metric(pm, object, instances, &format!("/criteria/performanceMetric/{n}"), name).await?);
        }
        for (n, group) in groups.iter().enumerate() {
            let at = format!("/criteria/performanceMetricGroup/{n}");
            let shown: String = group.chars().take(80).collect();
            if !GROUPS.iter().any(|known| known.eq_ignore_ascii_case(group)) {
                let fault = Fault::new(at, format!("{shown:?} is no group of metrics"));
                self.faults.push(fault.mend(format!("one of {}", GROUPS.join(", "))));
                continue;
            }
            let objects =
                object.map_or_else(|| vec![ObjectType::Vnf, ObjectType::VnfIntCp, ObjectType::VnfExtCp], |o| vec![o]);
            let found: Vec<Chosen> = objects
                .iter()
                .flat_map(|o| Metric::of_group(group, *o).into_iter().map(|m| choose(m.name, m, object)))
                .collect();
            if found.is_empty()
                && let Some(object) = object
            {
                let fault = Fault::new(at, format!("{shown} has no metrics of {object}"));
                self.faults.push(fault.mend("another objectType"));
            }
            chosen.extend(found);
        }
        let mut once: Vec<Chosen> = Vec::new();
        chosen.retain(|c| {
            let new = !once.iter().any(|o| o.metric == c.metric && o.object == c.object);
            once.extend(new.then(|| c.clone()));
            new
        });
        Ok(chosen)
    }

    /// One metric, by its name or as a monitoring parameter of the VNFD.
    pub async fn metric(
        &mut self,
        pm: &Pm,
        object: Option<ObjectType>,
        instances: &[Uuid],
        place: &str,
        name: &str,
    ) -> ApiResult<Option<Chosen>> {
        let shown: String = name.chars().take(80).collect();
        let mut found = Metric::find(name);
        let mut declared = Vec::new();
        if found.is_none() && !instances.is_empty() {
            declared = pm.declared(instances).await?;
            found = declared.iter().find(|p| p.id == name).and_then(|p| Metric::find(&p.metric));
        }
        let Some(metric) = found else {
            let known = object.map_or_else(|| METRICS.iter().map(|m| m.name).collect::<Vec<_>>().join(", "), names);
            let ids: Vec<&str> = declared.iter().map(|p| p.id.as_str()).collect();
            let own = if ids.is_empty() { String::new() } else { format!(", or of the VNFD {}", ids.join(", ")) };
            let fault = Fault::new(place, format!("{shown:?} is not measured here"));
            self.faults.push(fault.mend(format!("one of {known}{own}")));
            return Ok(None);
        };
        if let Some(object) = object.filter(|object| !metric.fits(*object)) {
            let fault = Fault::new(place, format!("{} is not measured on {object}", metric.name));
            self.faults.push(fault.mend(format!("{object} has {}", names(object))));
            return Ok(None);
        }
        Ok(Some(choose(name, metric, object)))
    }

    /// Periods and boundary of a job.
    pub fn periods(&mut self, criteria: &PmJobCriteria, now: i64) {
        let PmJobCriteria { collection_period, reporting_period, .. } = *criteria;
        if !(1..=MAX_PERIOD).contains(&collection_period) {
            let fault = Fault::new("/criteria/collectionPeriod", format!("{collection_period} s is out of range"));
            self.faults.push(fault.mend(format!("1 to {MAX_PERIOD}")));
            return;
        }
        let place = "/criteria/reportingPeriod";
        if reporting_period == 0 || reporting_period % collection_period != 0 {
            let fault = Fault::new(place, format!("{reporting_period} s is no multiple of the collection period"));
            self.faults.push(fault.mend(format!("a multiple of {collection_period}")));
        } else if reporting_period / collection_period > MAX_PERIODS {
            let fault =
                Fault::new(place, format!("{} collection periods in a report", reporting_period / collection_period));
            self.faults.push(fault.mend(format!("at most {MAX_PERIODS}")));
        }
        if criteria.reporting_boundary.is_some_and(|boundary| boundary.micros() <= now) {
            self.faults.push(Fault::new("/criteria/reportingBoundary", "has passed already"));
        }
    }

    /// The value and band of a threshold.
    pub fn threshold(&mut self, criteria: &ThresholdCriteria) {
        let place = "/criteria/simpleThresholdDetails";
        match criteria.simple_threshold_details {
            None => self.faults.push(Fault::new(place, "is missing").mend("thresholdValue and hysteresis")),
            Some(SimpleThresholdDetails { hysteresis, .. }) if hysteresis < 0.0 => {
                self.faults.push(Fault::new(format!("{place}/hysteresis"), "is negative").mend("0 or more"));
            }
            Some(_) => {}
        }
    }
}

fn choose(asked: &str, metric: &Metric, object: Option<ObjectType>) -> Chosen {
    Chosen { asked: asked.to_owned(), metric: metric.name.to_owned(), object: object.unwrap_or(metric.of) }
}

impl Pm {
    /// Monitoring parameters that the VNFDs of instances declare.
    async fn declared(&self, instances: &[Uuid]) -> ApiResult<Vec<MonitoringParameter>> {
        let mut declared: Vec<MonitoringParameter> = Vec::new();
        for id in instances {
            let Some(stored) = INSTANCES.get(&self.db, *id).await? else { continue };
            let known = self.packages.get(&stored.document.0.vnfd_id).await?;
            let vdus = known.vnfd.flavours.iter().flat_map(|f| &f.vdus).flat_map(|vdu| &vdu.monitoring);
            for parameter in known.vnfd.monitoring.iter().chain(vdus) {
                if !declared.iter().any(|d| d.id == parameter.id) {
                    declared.push(parameter.clone());
                }
            }
        }
        Ok(declared)
    }
}
