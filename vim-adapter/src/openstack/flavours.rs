//! Flavours in Nova: the one that fits exactly, or one made for it; where the account may not make any, the smallest that
//! covers what is wanted, or a refusal that names the nearest. The choice is pure.

use std::collections::BTreeMap;
use std::time::Duration;

use reference_points::common::{Fault, ProblemDetails};
use reference_points::or_vi::Flavour as Wanted;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::OpenstackVim;
use super::call::{Call, Service};
use super::errors::{Told, Work, failure};
use super::images::gib;
use super::marks::{self, Mark};
use super::networks::text;
use crate::error::{Failure, Result};

/// How long a list of flavours is taken for true.
const FRESH: Duration = Duration::from_secs(60);

/// What a flavour gives, in Nova's units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Virtual CPUs.
    pub vcpus: u64,
    /// Memory in MiB.
    pub ram: u64,
    /// Root disk in GiB; 0 when it boots from a volume.
    pub disk: u64,
    /// Extra specs.
    pub extra: BTreeMap<String, String>,
}

/// A flavour of Nova.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flavour {
    /// Identifier.
    pub id: String,
    /// Name.
    pub name: String,
    /// What it gives.
    pub shape: Shape,
    /// It gives ephemeral disk or swap as well.
    more: bool,
    /// Ours, and of which VIM.
    mark: Option<Mark>,
}

/// Flavours as seen last, and whether some may be made.
#[derive(Debug, Default)]
pub struct Known {
    list: Option<(Instant, Vec<Flavour>)>,
    /// `None` until it was tried; else why not.
    pub may_make: Option<Result<(), String>>,
}

/// What is asked of Nova for a flavour and a root disk of so many bytes.
pub fn shape(wanted: &Wanted, disk_bytes: u64) -> Shape {
    let mut extra = wanted.extra.clone();
    if wanted.cpu.dedicated {
        extra.insert("hw:cpu_policy".to_owned(), "dedicated".to_owned());
    }
    if let Some(bytes) = wanted.cpu.hugepage_bytes {
        extra.insert("hw:mem_page_size".to_owned(), (bytes >> 10).to_string());
    }
    Shape { vcpus: wanted.vcpus.into(), ram: wanted.memory_bytes.div_ceil(1 << 20), disk: gib(disk_bytes), extra }
}

/// Reads a flavour, as it stands in a list.
fn read(found: &Value) -> Option<Flavour> {
    let swap = found["swap"].as_u64().unwrap_or(0);
    Some(Flavour {
        id: text(found, "id")?,
        name: text(found, "name")?,
        shape: read_shape(found),
        more: swap > 0 || found["OS-FLV-EXT-DATA:ephemeral"].as_u64().unwrap_or(0) > 0,
        mark: marks::on(found),
    })
}

/// What a flavour gives, as it stands in a list or in a server.
pub fn read_shape(found: &Value) -> Shape {
    let extra = found["extra_specs"].as_object().into_iter().flatten();
    Shape {
        vcpus: found["vcpus"].as_u64().unwrap_or(0),
        ram: found["ram"].as_u64().unwrap_or(0),
        disk: found["disk"].as_u64().unwrap_or(0),
        extra: extra.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect(),
    }
}

/// Whether one gives all that the other asks for.
pub fn covers(has: &Shape, wanted: &Shape) -> bool {
    has.vcpus >= wanted.vcpus
        && has.ram >= wanted.ram
        && has.disk >= wanted.disk
        && wanted.extra.iter().all(|(key, value)| has.extra.get(key) == Some(value))
}

fn exact<'a>(all: &'a [Flavour], wanted: &Shape) -> Option<&'a Flavour> {
    all.iter().find(|flavour| flavour.shape == *wanted && !flavour.more)
}

fn smallest<'a>(all: &'a [Flavour], wanted: &Shape) -> Option<&'a Flavour> {
    let covering = all.iter().filter(|flavour| covers(&flavour.shape, wanted));
    covering.min_by_key(|flavour| (flavour.shape.ram, flavour.shape.vcpus, flavour.shape.disk, flavour.name.clone()))
}

/// The flavours that lack least, as people read them, at most three.
fn nearest(all: &[Flavour], wanted: &Shape) -> Vec<String> {
    let lacks = |flavour: &&Flavour| {
        let part = |has: u64, wants: u64| if has >= wants { 0 } else { (wants - has) * 1000 / wants.max(1) };
        let shape = &flavour.shape;
        let extra = wanted.extra.iter().filter(|(key, value)| shape.extra.get(*key) != Some(value)).count() as u64;
        part(shape.vcpus, wanted.vcpus) + part(shape.ram, wanted.ram) + part(shape.disk, wanted.disk) + extra * 500
    };
    let mut sorted: Vec<&Flavour> = all.iter().collect();
    sorted.sort_by_key(lacks);
    let told = |flavour: &Flavour| {
        let shape = &flavour.shape;
        format!("{} ({} vCPUs, {} MiB, {} GiB)", flavour.name, shape.vcpus, shape.ram, shape.disk)
    };
    sorted.into_iter().take(3).map(told).collect()
}

fn refusal(all: &[Flavour], wanted: &Shape, why: &str) -> Failure {
    let extra: Vec<String> = wanted.extra.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let extra = if extra.is_empty() { String::new() } else { format!(", {}", extra.join(", ")) };
    let asked = format!("{} vCPUs, {} MiB of memory, {} GiB of disk{extra}", wanted.vcpus, wanted.ram, wanted.disk);
    let near = nearest(all, wanted);
    let near =
        if near.is_empty() { "there is none at all".to_owned() } else { format!("nearest: {}", near.join(", ")) };
    let fault = Fault::new("/flavour", format!("no flavour of this cloud covers {asked}; {near}"))
        .mend("ask for less, or have such a flavour made");
    ProblemDetails::unprocessable(format!("no flavour covers {asked}, and none can be made: {why}"), vec![fault])
        .answer(why.to_owned())
        .into()
}

/// Identifier of the flavour made for a shape, the same each time.
fn made_id(vim: Uuid, wanted: &Shape) -> Uuid {
    let text = format!("flavour {} {} {} {:?}", wanted.vcpus, wanted.ram, wanted.disk, wanted.extra);
    Uuid::new_v5(&vim, text.as_bytes())
}

impl OpenstackVim {
    /// The flavours of the cloud, as seen not long ago.
    pub(super) async fn list_flavours(&self, known: &mut Known) -> Result<Vec<Flavour>> {
        if let Some((_, list)) = known.list.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Ok(list.clone());
        }
        let work = Work::new("list", "flavours");
        let reply = self.session.ask(&work, Call::get(Service::Compute, "flavors/detail")).await?;
        let list: Vec<Flavour> = reply.body["flavors"].as_array().into_iter().flatten().filter_map(read).collect();
        known.list = Some((Instant::now(), list.clone()));
        Ok(list)
    }

    /// The flavour that a consumer names, if it names one.
    ///
    /// # Errors
    /// 422 when there is none of that identifier, or what Nova says.
    pub(super) async fn named_flavour(&self, wanted: &Wanted) -> Result<Option<Flavour>> {
        let Some(id) = &wanted.vim_flavour_id else { return Ok(None) };
        let mut known = self.flavours.lock().await;
        let named = |all: &[Flavour]| all.iter().find(|flavour| flavour.id == *id).cloned();
        if let Some(found) = named(&self.list_flavours(&mut known).await?) {
            return Ok(Some(found));
        }
        // It may be newer than the list.
        known.list = None;
        let all = self.list_flavours(&mut known).await?;
        named(&all).map(Some).ok_or_else(|| {
            let names: Vec<String> = all.iter().take(20).map(|f| format!("{} ({})", f.id, f.name)).collect();
            let why = format!("this account sees no flavour {id:?}; there are {}", names.join(", "));
            let fault = Fault::new("/flavour/vimFlavourId", why.clone());
            ProblemDetails::unprocessable(why, vec![fault]).into()
        })
    }

    /// The flavour to use for a shape.
    ///
    /// # Errors
    /// 422 that names the nearest ones, or what Nova says.
    pub(super) async fn flavour(&self, wanted: &Shape) -> Result<Flavour> {
        let mut known = self.flavours.lock().await;
        let all = self.list_flavours(&mut known).await?;
        if let Some(fits) = exact(&all, wanted) {
            return Ok(fits.clone());
        }
        let why = match self.make_flavour(wanted).await? {
            Ok(made) => {
                known.may_make = Some(Ok(()));
                if let Some((_, list)) = &mut known.list {
                    list.push(made.clone());
                }
                return Ok(made);
            }
            Err(why) => why,
        };
        known.may_make = Some(Err(why.clone()));
        smallest(&all, wanted).cloned().ok_or_else(|| refusal(&all, wanted, &why))
    }

    /// Makes a flavour; the inner error is why the account may not.
    async fn make_flavour(&self, wanted: &Shape) -> Result<Result<Flavour, String>> {
        let vim = self.ledger.vim;
        let id = made_id(vim, wanted);
        let name = format!("mano-{}-{}-{}-{}", wanted.vcpus, wanted.ram, wanted.disk, &id.simple().to_string()[..8]);
        let work = Work::on("make", "flavour", &name, id);
        let mark = Mark::shared("flavour", id, vim);
        let body = json!({ "flavor": {
            "id": id, "name": name, "vcpus": wanted.vcpus, "ram": wanted.ram, "disk": wanted.disk,
            "os-flavor-access:is_public": true, "description": mark.text(),
        }});
        match self.session.tell(Call::post(Service::Compute, "flavors", &body)).await? {
            // 409: it was made before, and this request or an earlier one was cut.
            Ok(_) | Err(Told::Answer { status: 409, .. }) => {}
            Err(Told::Answer { status: 403, words, .. }) => return Ok(Err(words)),
            Err(told) => return Err(failure(Service::Compute, &work, &told)),
        }
        if !wanted.extra.is_empty() {
            let body = json!({ "extra_specs": wanted.extra });
            let path = format!("flavors/{id}/os-extra_specs");
            if let Err(failure) = self.session.ask(&work, Call::post(Service::Compute, path, &body)).await {
                self.session.remove(&work, Service::Compute, format!("flavors/{id}")).await?;
                return Err(failure);
            }
        }
        Ok(Ok(Flavour { id: id.to_string(), name, shape: wanted.clone(), more: false, mark: Some(mark) }))
    }

    /// Removes the flavours that were made for this VIM and that no compute needs any more.
    ///
    /// # Errors
    /// What Nova says.
    pub(super) async fn drop_flavours(&self, needed: &[Shape]) -> Result<()> {
        let mut known = self.flavours.lock().await;
        if matches!(known.may_make, Some(Err(_))) {
            return Ok(());
        }
        known.list = None;
        let all = self.list_flavours(&mut known).await?;
        known.list = None;
        let ours = |flavour: &&Flavour| flavour.mark.as_ref().is_some_and(|mark| mark.vim == self.ledger.vim);
        for flavour in all.iter().filter(ours) {
            if !needed.iter().any(|shape| made_id(self.ledger.vim, shape).to_string() == flavour.id) {
                let work = Work::new("delete", format!("flavour {}", flavour.name));
                self.session.remove(&work, Service::Compute, format!("flavors/{}", flavour.id)).await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn flavour(name: &str, vcpus: u64, ram: u64, disk: u64) -> Flavour {
        let shape = Shape { vcpus, ram, disk, extra: BTreeMap::new() };
        Flavour { id: name.into(), name: name.into(), shape, more: false, mark: None }
    }

    fn wanted(vcpus: u64, ram: u64, disk: u64) -> Shape {
        Shape { vcpus, ram, disk, extra: BTreeMap::new() }
    }

    #[test]
    fn units_are_those_of_nova_and_tuning_becomes_extra_specs() {
        let asked = Wanted {
            vcpus: 2,
            memory_bytes: 512 << 20,
            cpu: reference_points::nf_vi::CpuTuning { dedicated: true, hugepage_bytes: Some(2 << 20) },
            extra: BTreeMap::from([("hw:numa_nodes".to_owned(), "1".to_owned())]),
            vim_flavour_id: None,
        };
        let shape = shape(&asked, (1 << 30) + 1);
        assert_eq!((shape.vcpus, shape.ram, shape.disk), (2, 512, 2));
        assert_eq!(shape.extra["hw:cpu_policy"], "dedicated");
        assert_eq!(shape.extra["hw:mem_page_size"], "2048");
        assert_eq!(shape.extra["hw:numa_nodes"], "1");
    }

    #[test]
    fn one_that_fits_exactly_is_preferred_and_else_the_smallest_that_covers() {
        let all = [flavour("large", 8, 16384, 80), flavour("small", 1, 1024, 10), flavour("medium", 2, 4096, 40)];
        assert_eq!(exact(&all, &wanted(1, 1024, 10)).unwrap().name, "small");
        assert!(exact(&all, &wanted(1, 1024, 9)).is_none());
        assert_eq!(smallest(&all, &wanted(2, 1024, 9)).unwrap().name, "medium");
        assert!(smallest(&all, &wanted(16, 1, 1)).is_none());
        let mut with_swap = flavour("swap", 1, 1024, 9);
        with_swap.more = true;
        assert!(exact(&[with_swap], &wanted(1, 1024, 9)).is_none());
    }

    #[test]
    fn what_a_flavour_must_have_beside_its_sizes_counts() {
        let mut pinned = flavour("pinned", 4, 8192, 40);
        pinned.shape.extra.insert("hw:cpu_policy".into(), "dedicated".into());
        let mut asked = wanted(1, 1024, 10);
        asked.extra.insert("hw:cpu_policy".into(), "dedicated".into());
        let all = [flavour("medium", 2, 4096, 40), pinned];
        assert_eq!(smallest(&all, &asked).unwrap().name, "pinned");
        assert_ne!(made_id(Uuid::nil(), &asked), made_id(Uuid::nil(), &wanted(1, 1024, 10)));
    }

    #[test]
    fn a_refusal_names_the_nearest() {
        let all = [flavour("tiny", 1, 256, 1), flavour("medium", 2, 4096, 40)];
        let problem = refusal(&all, &wanted(4, 4096, 40), "Policy doesn't allow it").to_problem();
        let fault = &problem.faults[0].message;
        assert!(fault.find("medium").unwrap() < fault.find("tiny").unwrap(), "{fault}");
        assert!(problem.detail.contains("Policy doesn't allow it"));
    }
}
