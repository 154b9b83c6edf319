//! QoS policies of ports, which hold them to a bit rate. One that fits exactly is taken, whoever made it; else one is made, for
//! which most clouds want an operator's rights; it goes with the last port that has it.

use std::collections::BTreeSet;

use reference_points::or_vi::Port;
use serde_json::{Value, json};
use uuid::Uuid;

use super::OpenstackVim;
use super::call::{Call, Service};
use super::errors::{Told, Work, failure};
use super::marks::{self, Mark};
use super::networks::text;
use crate::error::{Failure, Result};
use crate::store::networks;
use crate::vim::cannot;

const KIND: &str = "qos_policy";
const DIRECTIONS: [&str; 2] = ["egress", "ingress"];

/// A bit rate as Neutron counts it.
fn kbps(rate: u64) -> u64 {
    (rate / 1000).clamp(1, i32::MAX as u64)
}

fn name_of(rate: u64) -> String {
    format!("mano-{}kbps", kbps(rate))
}

/// The mark's identifier of a policy: the same each time.
fn id_of(rate: u64) -> Uuid {
    Uuid::from_u128(u128::from(kbps(rate)))
}

/// The limits of a policy by direction; `None` when it does other things too.
fn limits(policy: &Value) -> Option<Vec<(&str, u64)>> {
    let rules = policy["rules"].as_array()?;
    rules
        .iter()
        .map(|rule| {
            let limit = rule["max_kbps"].as_u64().filter(|_| rule["type"] == "bandwidth_limit")?;
            Some((rule["direction"].as_str().unwrap_or("egress"), limit))
        })
        .collect()
}

/// Directions that a policy does not limit to this rate; `None` when it is another policy.
fn unlimited(policy: &Value, rate: u64) -> Option<Vec<&'static str>> {
    let limits = limits(policy)?;
    let fits = limits.iter().all(|(_, limit)| *limit == kbps(rate));
    let lacks = |direction: &&str| !limits.iter().any(|(has, _)| has == direction);
    fits.then(|| DIRECTIONS.into_iter().filter(lacks).collect())
}

impl OpenstackVim {
    /// The policy for a bit rate, by Neutron's identifier; `anew` forgets what was known of it.
    pub(super) async fn qos_policy(&self, rate: u64, anew: bool) -> Result<String> {
        let cloud = self.session.cloud().await?;
        if !cloud.can("qos") || !cloud.can("qos-bw-limit-direction") {
            return Err(cannot(
                "holding ports to a bit rate",
                "Neutron has no extensions `qos` and `qos-bw-limit-direction`",
            ));
        }
        let mut known = self.policies.lock().await;
        if let Some(id) = known.get(&kbps(rate)).filter(|_| !anew) {
            return Ok(id.clone());
        }
        let work = Work::new("make", format!("QoS policy {}", name_of(rate)));
        let listed = self.session.ask(&work, Call::get(Service::Network, "qos/policies")).await?.body;
        let listed: Vec<&Value> = listed["policies"].as_array().into_iter().flatten().collect();
        let fits = |policy: &&&Value| unlimited(policy, rate).is_some_and(|lacking| lacking.is_empty());
        let id = match listed.iter().find(fits).and_then(|policy| text(policy, "id")) {
            Some(id) => id,
            None => self.make_policy(&work, rate, &listed).await?,
        };
        known.insert(kbps(rate), id.clone());
        Ok(id)
    }

    async fn make_policy(&self, work: &Work, rate: u64, listed: &[&Value]) -> Result<String> {
        let mark = Mark::shared(KIND, id_of(rate), self.ledger.vim);
        let ours = |policy: &Value| marks::on(policy).is_some_and(|on| on.is(KIND, mark.id, mark.vim));
        let policy = match listed.iter().find(|policy| ours(policy)) {
            Some(policy) => (*policy).clone(),
            None => {
                let body = json!({ "policy": { "name": name_of(rate), "description": mark.text(), "shared": false } });
                match self.session.tell(Call::post(Service::Network, "qos/policies", &body)).await? {
                    Ok(reply) => reply.body["policy"].clone(),
                    Err(told @ Told::Answer { status: 403, .. }) => return Err(not_allowed(work, rate, listed, &told)),
                    Err(told) => return Err(failure(Service::Network, work, &told)),
                }
            }
        };
        let id = text(&policy, "id").unwrap_or_default();
        let rate = kbps(rate);
        for direction in unlimited(&policy, rate * 1000).unwrap_or_default() {
            // What a flow of TCP sends at once needs room; so much is what Neutron's operators are told to give.
            let rule = json!({ "bandwidth_limit_rule": {
                "max_kbps": rate, "max_burst_kbps": (rate * 4 / 5).max(1), "direction": direction,
            }});
            let path = format!("qos/policies/{id}/bandwidth_limit_rules");
            self.session.ask(work, Call::post(Service::Network, path, &rule)).await?;
        }
        Ok(id)
    }

    /// Removes the policy of a port that is gone, if it is one of ours and no other port needs it. That Neutron still has it in
    /// use is no failure: it is looked at again.
    pub(super) async fn drop_policy_of(&self, gone: &Port, left: &[Port]) -> Result<()> {
        let Some(rate) = self.rate_of(gone).await? else { return Ok(()) };
        let rates = self.rates(left).await?;
        if rates.contains(&kbps(rate)) { Ok(()) } else { self.tidy_policies(&rates).await }
    }

    async fn rate_of(&self, port: &Port) -> Result<Option<u64>> {
        let mut connection = self.ledger.store.db.pool.acquire().await?;
        let network = networks::get(&mut connection, self.ledger.vim, port.spec.network_id).await?;
        Ok(network.and_then(|network| network.spec.max_port_bitrate))
    }

    /// The bit rates that ports are held to.
    pub(super) async fn rates(&self, ports: &[Port]) -> Result<BTreeSet<u64>> {
        let mut connection = self.ledger.store.db.pool.acquire().await?;
        let used: BTreeSet<Uuid> = ports.iter().map(|port| port.spec.network_id).collect();
        let all = networks::list(&mut connection, self.ledger.vim).await?;
        let rate = |network: reference_points::or_vi::Network| network.spec.max_port_bitrate.map(kbps);
        Ok(all.into_iter().filter(|network| used.contains(&network.id)).filter_map(rate).collect())
    }

    /// Removes our policies but those for these bit rates.
    pub(super) async fn tidy_policies(&self, needed: &BTreeSet<u64>) -> Result<()> {
        if !self.session.cloud().await?.can("qos") {
            return Ok(());
        }
        let mut known = self.policies.lock().await;
        let work = Work::new("delete", "QoS policies that no port needs");
        let listed = self.session.ask(&work, Call::get(Service::Network, "qos/policies")).await?.body;
        for policy in listed["policies"].as_array().into_iter().flatten() {
            let Some(mark) = marks::on(policy).filter(|m| m.kind == KIND && m.vim == self.ledger.vim) else { continue };
            let Some(id) = text(policy, "id") else { continue };
            if needed.iter().any(|rate| id_of(rate * 1000) == mark.id) {
                continue;
            }
            known.retain(|_, known| *known != id);
            let removed = self.session.remove(&work, Service::Network, format!("qos/policies/{id}")).await;
            if let Err(failure) = removed {
                tracing::debug!(vim = %self.ledger.vim, %failure, "a QoS policy stays for now");
            }
        }
        Ok(())
    }
}

/// 422: this account may make no policy, and none that there is fits.
fn not_allowed(work: &Work, rate: u64, listed: &[&Value], told: &Told) -> Failure {
    let known = |policy: &&&Value| limits(policy).is_some_and(|limits| !limits.is_empty());
    let names: Vec<String> = listed.iter().filter(known).filter_map(|policy| text(policy, "name")).collect();
    let there = if names.is_empty() { "there is none".to_owned() } else { format!("there are {}", names.join(", ")) };
    let refused = failure(Service::Network, work, told).to_problem();
    let detail = format!(
        "no QoS policy limits both directions to {} kbit/s ({there}), and this account may make none: {}",
        kbps(rate),
        refused.detail
    );
    let mend = format!("have the cloud's operator share a policy with bandwidth limits of {} kbit/s", kbps(rate));
    let mut problem = reference_points::common::ProblemDetails::unprocessable(detail, Vec::new()).next(mend);
    problem.answer = refused.answer;
    problem.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(rules: &[(&str, &str, u64)]) -> Value {
        let rule = |(kind, direction, rate): &(&str, &str, u64)| json!({ "type": kind, "direction": direction, "max_kbps": rate });
        json!({ "rules": rules.iter().map(rule).collect::<Vec<_>>() })
    }

    #[test]
    fn only_a_policy_that_limits_both_directions_to_the_rate_and_does_nothing_else_fits() {
        let (out, into) = (("bandwidth_limit", "egress", 5), ("bandwidth_limit", "ingress", 5));
        assert_eq!(unlimited(&policy(&[out, into]), 5_999), Some(vec![]));
        assert_eq!(unlimited(&policy(&[out]), 5_000), Some(vec!["ingress"]));
        assert_eq!(unlimited(&policy(&[out, into]), 6_000), None);
        assert_eq!(unlimited(&policy(&[out, into, ("dscp_marking", "egress", 5)]), 5_000), None);
        assert_eq!(unlimited(&policy(&[]), 5_000), Some(vec!["egress", "ingress"]));
    }

    #[test]
    fn a_rate_is_counted_in_whole_kilobits_and_never_none() {
        assert_eq!((kbps(1), kbps(1_999), kbps(u64::MAX)), (1, 1, i32::MAX as u64));
        assert_eq!(name_of(2_000_000), "mano-2000kbps");
        assert!(id_of(2_000_000) == id_of(2_000_999) && id_of(2_000_000) != id_of(3_000_000));
    }
}
