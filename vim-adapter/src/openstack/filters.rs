//! Security groups of ports: one that lets everything through, for those that check only who sends (a project's default group
//! would keep VNFs apart), and one for each set of rules that ports have. Ports with the same rules share one, which goes with
//! the last of them.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use reference_points::or_vi::{Direction, Port, PortRule};
use serde_json::{Value, json};
use uuid::Uuid;

use super::OpenstackVim;
use super::call::{Call, Service};
use super::errors::Work;
use super::marks::{self, Mark};
use super::networks::text;
use crate::error::{Failure, Result};
use crate::store::ports;

/// Kind of the mark.
const KIND: &str = "security_group";
/// Protocols that Neutron calls by name.
const NAMES: [(&str, u8); 7] =
    [("icmp", 1), ("tcp", 6), ("udp", 17), ("ipv6-icmp", 58), ("icmpv6", 58), ("sctp", 132), ("vrrp", 112)];

/// A group as it shall be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    name: String,
    id: Uuid,
}

/// The group for these rules, by the same name and mark each time.
fn key(vim: Uuid, rules: &[PortRule]) -> Key {
    if rules.is_empty() {
        return Key { name: "mano".to_owned(), id: vim };
    }
    let id = Uuid::new_v5(&vim, json!(rules).to_string().as_bytes());
    Key { name: format!("mano-{}", &id.simple().to_string()[..10]), id }
}

/// A rule as far as it differs from others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    direction: &'static str,
    ethertype: &'static str,
    protocol: Option<u8>,
    ports: Option<(u16, u16)>,
}

impl Rule {
    /// Reads one of Neutron's; `None` for one that is about certain peers, which we never make.
    fn read(rule: &Value) -> Option<Self> {
        if !rule["remote_group_id"].is_null() || !rule["remote_ip_prefix"].is_null() {
            return None;
        }
        let port = |name: &str| rule[name].as_u64().and_then(|port| u16::try_from(port).ok());
        let protocol = match rule["protocol"].as_str() {
            None => None,
            Some(word) => {
                let named = NAMES.iter().find(|(name, _)| *name == word).map(|(_, number)| *number);
                Some(named.or_else(|| word.parse().ok())?)
            }
        };
        Some(Self {
            direction: if rule["direction"] == "egress" { "egress" } else { "ingress" },
            ethertype: if rule["ethertype"] == "IPv6" { "IPv6" } else { "IPv4" },
            protocol,
            ports: port("port_range_min").zip(port("port_range_max")),
        })
    }

    fn document(&self, group: &str, mark: &Mark) -> Value {
        let protocol = self.protocol.map(|number| {
            let name = NAMES.iter().find(|(_, known)| *known == number).map(|(name, _)| (*name).to_owned());
            name.unwrap_or_else(|| number.to_string())
        });
        json!({ "security_group_rule": {
            "security_group_id": group, "direction": self.direction, "ethertype": self.ethertype, "protocol": protocol,
            "port_range_min": self.ports.map(|ports| ports.0), "port_range_max": self.ports.map(|ports| ports.1),
            "description": mark.text(),
        }})
    }
}

/// The rules of a group: everything in a direction that no rule is about.
fn wanted(rules: &[PortRule]) -> BTreeSet<Rule> {
    let mut wanted = BTreeSet::new();
    for (direction, word) in [(Direction::Egress, "egress"), (Direction::Ingress, "ingress")] {
        let its: Vec<&PortRule> = rules.iter().filter(|rule| rule.direction == direction).collect();
        if its.is_empty() {
            let all = |ethertype| Rule { direction: word, ethertype, protocol: None, ports: None };
            wanted.extend([all("IPv4"), all("IPv6")]);
        }
        wanted.extend(its.into_iter().map(|rule| Rule {
            direction: word,
            ethertype: if rule.ip_version == 6 { "IPv6" } else { "IPv4" },
            // As Neutron keeps it: ICMP of IPv6 is a protocol of its own, there is no port 0, and all ports are none.
            protocol: if (rule.ip_version, rule.protocol) == (6, Some(1)) { Some(58) } else { rule.protocol },
            ports:
                rule.ports.map(|ports| (ports.first.max(1), ports.last.max(1))).filter(|ports| *ports != (1, u16::MAX)),
        }));
    }
    wanted
}

/// The rules that a group lacks, and Neutron's identifiers of those that it has and shall not have.
fn difference(group: &Value, wanted: &BTreeSet<Rule>) -> (Vec<Rule>, Vec<String>) {
    let there: Vec<(Option<Rule>, Option<String>)> = group["security_group_rules"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|rule| (Rule::read(rule), text(rule, "id")))
        .collect();
    let has = |rule: &&Rule| there.iter().any(|(there, _)| there.as_ref() == Some(*rule));
    let missing = wanted.iter().filter(|rule| !has(rule)).cloned().collect();
    let surplus = |(rule, id): &(Option<Rule>, Option<String>)| {
        let kept = rule.as_ref().is_some_and(|rule| wanted.contains(rule));
        id.clone().filter(|_| !kept)
    };
    (missing, there.iter().filter_map(surplus).collect())
}

impl OpenstackVim {
    /// The security group for these rules, by Neutron's identifier; `anew` forgets what was known of it.
    pub(super) async fn security_group(&self, rules: &[PortRule], anew: bool) -> Result<String> {
        let key = key(self.ledger.vim, rules);
        let mut known = self.groups.lock().await;
        if let Some(id) = known.get(&key.name).filter(|_| !anew) {
            return Ok(id.clone());
        }
        let work = Work::new("make", format!("security group {}", key.name));
        let mark = Mark::shared(KIND, key.id, self.ledger.vim);
        let found = match self.find_group(&work, &key).await? {
            Some(found) => found,
            None => {
                let body = json!({ "security_group": { "name": key.name, "description": mark.text() } });
                let call = Call::post(Service::Network, "security-groups", &body);
                let its = |reply: &Value| reply["security_group"].clone();
                self.create(&work, call, its, || self.find_group(&work, &key)).await?
            }
        };
        let id = text(&found, "id").unwrap_or_default();
        let (missing, surplus) = difference(&found, &wanted(rules));
        for rule in missing {
            let call = Call::post(Service::Network, "security-group-rules", &rule.document(&id, &mark));
            match self.session.ask(&work, call).await {
                // It is there, however Neutron writes it.
                Err(Failure::Problem(problem)) if problem.status == 409 => {}
                told => drop(told?),
            }
        }
        for rule in surplus {
            self.session.remove(&work, Service::Network, format!("security-group-rules/{rule}")).await?;
        }
        known.insert(key.name, id.clone());
        Ok(id)
    }

    async fn find_group(&self, work: &Work, key: &Key) -> Result<Option<Value>> {
        let vim = self.ledger.vim;
        let list = Call::get(Service::Network, "security-groups").query("name", key.name.clone());
        let reply = self.session.ask(work, list).await?;
        let ours = |group: &&Value| marks::on(group).is_some_and(|mark| mark.is(KIND, key.id, vim));
        Ok(reply.body["security_groups"].as_array().into_iter().flatten().find(ours).cloned())
    }

    /// Removes the group of a port that is gone or was refused, unless another one needs it. That Neutron still has it in use is
    /// no failure, nor that it does not answer: it is looked at again.
    pub(super) async fn drop_group_of(&self, gone: &Port, left: &[Port]) {
        let unneeded = key(self.ledger.vim, &gone.spec.rules);
        if !gone.spec.port_security || self.needed_groups(left).contains(&unneeded) {
            return;
        }
        let mut known = self.groups.lock().await;
        let work = Work::new("delete", format!("security group {}", unneeded.name));
        let removed = async {
            if let Some(group) = self.find_group(&work, &unneeded).await?.and_then(|group| text(&group, "id")) {
                self.session.remove(&work, Service::Network, format!("security-groups/{group}")).await?;
            }
            Ok::<_, Failure>(())
        };
        match removed.await {
            Ok(()) => drop(known.remove(&unneeded.name)),
            Err(failure) => tracing::debug!(vim = %self.ledger.vim, %failure, "a security group stays for now"),
        }
    }

    fn needed_groups(&self, left: &[Port]) -> BTreeSet<Key> {
        left.iter().filter(|p| p.spec.port_security).map(|p| key(self.ledger.vim, &p.spec.rules)).collect()
    }

    /// Removes what a crash left of groups that no port needs.
    pub(super) async fn tidy_groups(&self) -> Result<()> {
        // Read behind the lock: whoever has it makes the group of a port that is remembered already.
        let mut known = self.groups.lock().await;
        let needed = self.needed_groups(&self.ports_left().await?);
        let listed = self.paged(Service::Network, "security-groups", "security_groups", &[]).await?;
        for group in &listed {
            let Some(mark) = marks::on(group).filter(|m| m.kind == KIND && m.vim == self.ledger.vim) else { continue };
            let (Some(name), Some(id)) = (text(group, "name"), text(group, "id")) else { continue };
            if needed.iter().any(|key| key.id == mark.id) {
                continue;
            }
            let work = Work::new("delete", format!("security group {name}"));
            let removed = self.session.remove(&work, Service::Network, format!("security-groups/{id}")).await;
            match removed {
                Ok(_) => drop(known.remove(&name)),
                Err(failure) => tracing::debug!(vim = %self.ledger.vim, %failure, "a security group stays for now"),
            }
        }
        Ok(())
    }

    /// Removes what a port that is gone or was refused shared with others, unless one of them needs it, as far as is
    /// remembered.
    pub(super) async fn drop_shared_of(&self, gone: &Port) -> Result<()> {
        self.ports_gone.lock().unwrap_or_else(PoisonError::into_inner).insert(gone.id);
        let left = self.ports_left().await?;
        self.drop_group_of(gone, &left).await;
        self.drop_policy_of(gone, &left).await
    }

    /// The ports that are remembered and not just gone.
    pub(super) async fn ports_left(&self) -> Result<Vec<Port>> {
        let mut all = ports::list(&mut *self.ledger.store.db.pool.acquire().await?, self.ledger.vim).await?;
        let known: BTreeSet<Uuid> = all.iter().map(|port| port.id).collect();
        let mut gone = self.ports_gone.lock().unwrap_or_else(PoisonError::into_inner);
        gone.retain(|port| known.contains(port));
        all.retain(|port| !gone.contains(&port.id));
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use reference_points::or_vi::PortRange;

    use super::*;

    fn web() -> PortRule {
        let ports = Some(PortRange { first: 80, last: 80 });
        PortRule { direction: Direction::Ingress, ip_version: 4, protocol: Some(6), ports }
    }

    fn theirs(id: &str, direction: &str, ethertype: &str, protocol: &Value) -> Value {
        json!({ "id": id, "direction": direction, "ethertype": ethertype, "protocol": protocol })
    }

    #[test]
    fn a_group_is_brought_from_what_neutron_makes_to_what_it_shall_be() {
        let fresh = json!({ "security_group_rules": [
            theirs("e4", "egress", "IPv4", &Value::Null), theirs("e6", "egress", "IPv6", &Value::Null)] });
        let (missing, surplus) = difference(&fresh, &wanted(&[]));
        assert_eq!((missing.len(), surplus.len()), (2, 0));
        assert!(missing.iter().all(|rule| rule.direction == "ingress" && rule.protocol.is_none()));
        let (missing, surplus) = difference(&fresh, &wanted(&[web()]));
        assert_eq!((missing.len(), surplus.len()), (1, 0));
        assert_eq!(missing[0].ports, Some((80, 80)));
        let out = PortRule { direction: Direction::Egress, ..web() };
        let (missing, surplus) = difference(&fresh, &wanted(&[out]));
        assert_eq!((missing.len(), surplus), (3, vec!["e4".to_owned(), "e6".to_owned()]));
    }

    #[test]
    fn a_rule_is_known_again_however_neutron_writes_its_protocol() {
        for protocol in [json!("tcp"), json!("6")] {
            let mut rule = theirs("r", "ingress", "IPv4", &protocol);
            rule["port_range_min"] = json!(80);
            rule["port_range_max"] = json!(80);
            let group = json!({ "security_group_rules": [rule] });
            let (missing, surplus) = difference(&group, &wanted(&[web()]));
            assert!(
                missing.iter().all(|rule| rule.direction == "egress") && surplus.is_empty(),
                "{missing:?} {surplus:?}"
            );
        }
    }

    #[test]
    fn ports_are_asked_for_as_neutron_keeps_them() {
        let of = |first, last| {
            let rule = PortRule { ports: Some(PortRange { first, last }), ..web() };
            wanted(&[rule]).into_iter().find(|rule| rule.direction == "ingress").and_then(|rule| rule.ports)
        };
        assert_eq!((of(0, 1023), of(1, u16::MAX), of(0, u16::MAX)), (Some((1, 1023)), None, None));
    }

    #[test]
    fn each_set_of_rules_has_a_group_of_its_own_and_none_has_the_common_one() {
        let vim = Uuid::from_u128(7);
        assert_eq!(key(vim, &[]), Key { name: "mano".to_owned(), id: vim });
        assert_eq!(key(vim, &[web()]), key(vim, &[web()]));
        let other = PortRule { ip_version: 6, ..web() };
        assert!(key(vim, &[web()]) != key(vim, &[other]));
    }
}
