//! Computes (IFA005 clause 7.3).

use reference_points::common::{Fault, ProblemDetails};
use reference_points::nf_vi::{
    ConsoleAccess, DesiredPower, MAX_MEASURED, Measurements, PowerAction, PowerRequest, Reality,
};
use reference_points::or_vi::{
    Compute, ComputeRoot, ComputeSpec, ComputeState, MeasureComputes, MeasuredComputes, MigrateRequest, ResourceState,
};
use uuid::Uuid;

use super::change_compute::changes;
use super::{App, being_deleted, name_faults};
use crate::diff::differing;
use crate::error::{Failure, Result, is_refusal, no_faults};
use crate::ledger::{self, Report};
use crate::store::computes::{ComputeRow, Phase};
use crate::store::images::ImageRow;
use crate::store::{computes, events, vims};
use crate::vim::{FLAVOURS, Gone, Made};

/// Largest user data accepted, in bytes.
const MAX_USER_DATA: usize = 64 << 10;

/// The image, if something can be made from it.
pub(crate) fn usable_image(found: Option<ImageRow>, id: Uuid, place: &str) -> Result<ImageRow> {
    let refuse = |why: &str| {
        let why = format!("software image {id} {why}");
        Err(Failure::unprocessable(why.clone(), vec![Fault::new(place, why)]))
    };
    match found {
        None => refuse("does not exist"),
        Some(row) => match row.image.state {
            ResourceState::Active => Ok(row),
            ResourceState::Building => refuse("has no complete content yet"),
            ResourceState::Deleting => refuse("is being deleted"),
            ResourceState::Error => refuse("is not usable"),
        },
    }
}

fn faults_of(spec: &ComputeSpec) -> Vec<Fault> {
    let mut faults = name_faults(&spec.name);
    if !(1..=256).contains(&spec.flavour.vcpus) {
        faults.push(Fault::new("/flavour/vcpus", format!("{} is outside 1 to 256", spec.flavour.vcpus)));
    }
    let memory = spec.flavour.memory_bytes;
    if memory == 0 || !memory.is_multiple_of(1 << 20) || memory > 1 << 44 {
        faults.push(
            Fault::new("/flavour/memoryBytes", format!("{memory} is no multiple of 1 MiB up to 16 TiB"))
                .mend(format!("{} would do", memory.div_ceil(1 << 20).max(1) << 20)),
        );
    }
    let repeated = |list: &[Uuid]| list.iter().enumerate().find(|(i, id)| list[..*i].contains(id)).map(|(i, _)| i);
    for (member, list) in
        [("ports", &spec.ports), ("volumes", &spec.volumes), ("affinityGroups", &spec.affinity_groups)]
    {
        if list.len() > 64 {
            faults.push(Fault::new(format!("/{member}"), format!("{} entries, at most 64 are accepted", list.len())));
        }
        if let Some(i) = repeated(list) {
            faults.push(Fault::new(format!("/{member}/{i}"), format!("{} stands there twice", list[i])));
        }
    }
    if let ComputeRoot::Volume { volume_id } = &spec.root
        && spec.volumes.contains(volume_id)
    {
        faults.push(Fault::new("/root/volumeId", format!("volume {volume_id} is also among the further volumes")));
    }
    let boot = spec.boot_data.as_ref();
    let label = |part: &str| {
        let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
        let inner = part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        part.len() <= 63 && inner && edge(part.bytes().next()) && edge(part.bytes().last())
    };
    if let Some(name) =
        boot.and_then(|boot| boot.hostname.as_ref()).filter(|name| name.len() > 253 || !name.split('.').all(label))
    {
        faults.push(Fault::new("/bootData/hostname", format!("{name:?} is no host name after RFC 1123")));
    }
    if let Some(data) = boot.and_then(|boot| boot.user_data.as_ref()).filter(|data| data.len() > MAX_USER_DATA) {
        faults.push(Fault::new(
            "/bootData/userData",
            format!("{} bytes, at most {MAX_USER_DATA} are accepted", data.len()),
        ));
    }
    faults
}

impl App {
    /// Ensures a compute. Answers at once; events tell the rest.
    ///
    /// # Errors
    /// 409, 422 naming per host why it cannot take it, 503 when no host that might answers.
    pub async fn put_compute(&self, vim: Uuid, id: Uuid, spec: ComputeSpec) -> Result<Compute> {
        no_faults("the compute", faults_of(&spec))?;
        let driver = self.driver(vim).await?;
        let profile = driver.profile();
        if spec.flavour.vim_flavour_id.is_some() {
            let why = "this VIM has none of its own: leave vimFlavourId out, or have the grant name none";
            profile.needs(FLAVOURS, "a flavour by its identifier", why)?;
        }
        let what = format!("compute {id}");
        let ledger = self.ledger(vim);
        if let Ok(there) = self.compute(vim, id).await {
            let mut refused = Vec::new();
            for change in changes(&there.spec, &spec, &what)? {
                if let Err(failure) = driver.may_change(&there, &change).await {
                    refused.push(Fault::new(format!("/{}", change.member()), failure.to_problem().detail));
                }
            }
            if !refused.is_empty() {
                let members: Vec<&str> = refused.iter().map(|fault| fault.location.trim_start_matches('/')).collect();
                let mut problem =
                    ProblemDetails::conflict(format!("{what} exists with another {}", members.join(", ")))
                        .next("delete it first, or use another id");
                problem.faults = refused;
                return Err(problem.into());
            }
        }
        let own_image = match &spec.root {
            ComputeRoot::Image { image_id, .. } => self.own_image(vim, *image_id).await?,
            ComputeRoot::Volume { .. } => None,
        };
        let candidates = if profile.own_placement { Vec::new() } else { driver.candidates().await? };
        let (row, fresh) = db::transaction!(self.store.db, |tx| {
            vims::lock(tx, vim).await?;
            let Some(mut row) = computes::get(tx, vim, id).await? else {
                return Ok((self.insert_compute(tx, vim, id, &spec, &profile, &candidates, own_image).await?, true));
            };
            if row.compute.state == ComputeState::Deleting {
                return Err(being_deleted(&what));
            }
            let mut news = Vec::new();
            if !differing(&row.compute.spec, &spec).is_empty() {
                self.change_compute(tx, vim, &row, &spec, &profile, &candidates).await?;
                row.compute.spec = spec.clone();
                row.phase = Phase::Deliver;
            } else if row.compute.state == ComputeState::Error {
                // Asking again is asking to try again.
                computes::want(tx, vim, id, Phase::Deliver).await?;
                row.phase = Phase::Deliver;
            }
            ledger::refresh(tx, &ledger, id, &mut news).await?;
            events::append(tx, &self.store, vim, &news).await?;
            Ok::<_, Failure>((row, false))
        })?;
        self.store.wake.ring();
        if row.phase == Phase::Deliver {
            match driver.ensure_compute(&row.compute).await {
                Ok(made) => self.keep_its(vim, id, &made).await?,
                Err(Failure::Cut) => return Err(Failure::Cut),
                Err(failure) if fresh && is_refusal(&failure) => {
                    self.ledger(vim).record(&[Report::ComputeGone(id)]).await?;
                    return Err(failure);
                }
                Err(failure) => return Err(failure),
            }
        }
        self.compute(vim, id).await
    }

    async fn keep_its(&self, vim: Uuid, id: Uuid, made: &Made) -> Result<()> {
        let its = made.its();
        if its.id.is_none() && its.place.is_none() {
            return Ok(());
        }
        let place = its.place.as_ref().map(|(host, zone)| (host.as_str(), zone.as_str()));
        db::transaction!(self.store.db, |tx| {
            vims::lock(tx, vim).await?;
            Ok::<_, Failure>(computes::set_made(tx, vim, id, its.id.as_deref(), place).await?)
        })
    }

    async fn compute_row(&self, vim: Uuid, id: Uuid) -> Result<ComputeRow> {
        let found = computes::get(&mut *self.store.db.pool.acquire().await?, vim, id).await?;
        found.ok_or_else(|| Failure::not_found(format!("compute {id}")))
    }

    /// A compute.
    ///
    /// # Errors
    /// 404.
    pub async fn compute(&self, vim: Uuid, id: Uuid) -> Result<Compute> {
        self.driver(vim).await?;
        Ok(self.compute_row(vim, id).await?.compute)
    }

    /// All computes of a VIM.
    ///
    /// # Errors
    /// 404 for the VIM.
    pub async fn computes(&self, vim: Uuid) -> Result<Vec<Compute>> {
        self.driver(vim).await?;
        let rows = computes::list(&mut *self.store.db.pool.acquire().await?, vim).await?;
        Ok(rows.into_iter().map(|row| row.compute).collect())
    }

    /// Removes a compute; an event tells when it is gone.
    ///
    /// # Errors
    /// What the VIM says.
    pub async fn delete_compute(&self, vim: Uuid, id: Uuid) -> Result<Gone> {
        let driver = self.driver(vim).await?;
        let ledger = self.ledger(vim);
        let found = db::transaction!(self.store.db, |tx| {
            vims::lock(tx, vim).await?;
            let Some(row) = computes::get(tx, vim, id).await? else { return Ok(None) };
            let mut news = Vec::new();
            if !matches!(row.phase, Phase::Delete | Phase::Deleting) {
                computes::want(tx, vim, id, Phase::Delete).await?;
                ledger::refresh(tx, &ledger, id, &mut news).await?;
            }
            events::append(tx, &self.store, vim, &news).await?;
            Ok::<_, Failure>(computes::get(tx, vim, id).await?)
        })?;
        let Some(row) = found else { return Ok(Gone::Now) };
        self.store.wake.ring();
        let gone = driver.delete_compute(&row.compute).await?;
        if gone == Gone::Now {
            ledger.record(&[Report::ComputeGone(id)]).await?;
        }
        Ok(gone)
    }

    /// Starts, stops or reboots a compute (IFA005 clause 7.3.1.7).
    ///
    /// # Errors
    /// 404, 409 when its state does not allow it, or what the VIM says.
    pub async fn power(&self, vim: Uuid, id: Uuid, request: &PowerRequest) -> Result<Compute> {
        if let Some(seconds) = request.grace_seconds.filter(|s| !(1..=3600).contains(s)) {
            let why = format!("{seconds} is outside 1 to 3600");
            no_faults("the power request", vec![Fault::new("/graceSeconds", why)])?;
        }
        let driver = self.driver(vim).await?;
        let wanted = match request.action {
            PowerAction::Start => Some(DesiredPower::Running),
            PowerAction::Stop | PowerAction::StopGraceful => Some(DesiredPower::Stopped),
            PowerAction::Reboot | PowerAction::RebootGraceful => None,
        };
        let (row, before) = db::transaction!(self.store.db, |tx| {
            vims::lock(tx, vim).await?;
            let Some(mut row) = computes::get(tx, vim, id).await? else {
                return Err(Failure::not_found(format!("compute {id}")));
            };
            let before = row.compute.spec.clone();
            match (row.compute.state, wanted) {
                (ComputeState::Deleting, _) => return Err(being_deleted(&format!("compute {id}"))),
                (_, None) if row.compute.spec.power == DesiredPower::Stopped => {
                    return Err(Failure::conflict(format!("compute {id} is stopped: start it instead")));
                }
                (_, Some(power)) if row.compute.spec.power != power => {
                    row.compute.spec.power = power;
                    let phase = row.phase;
                    computes::set_spec(tx, vim, id, &row.compute.spec).await?;
                    if phase == Phase::Settled {
                        // The VIM is asked right now, in the way that was asked for.
                        computes::set_phase(tx, vim, id, row.wanted + 1, Phase::Settled).await?;
                    }
                }
                _ => {}
            }
            Ok::<_, Failure>((row, before))
        })?;
        if row.phase == Phase::Settled {
            if let Err(failure) = driver.power(&row.compute, request).await {
                let refused = is_refusal(&failure);
                // Refused, it shall be as it was. Else it stands as wanted: the VIM is told when it answers again.
                db::transaction!(self.store.db, |tx| {
                    vims::lock(tx, vim).await?;
                    if refused {
                        computes::set_spec(tx, vim, id, &before).await?;
                        computes::set_phase(tx, vim, id, row.wanted + 2, Phase::Settled).await?;
                    } else if wanted.is_some() {
                        computes::want(tx, vim, id, Phase::Deliver).await?;
                    }
                    Ok::<_, Failure>(())
                })?;
                if !refused && wanted.is_some() {
                    driver.ensure_compute(&row.compute).await?;
                }
                return Err(failure);
            }
        } else {
            driver.ensure_compute(&row.compute).await?;
        }
        self.compute(vim, id).await
    }

    /// Moves a compute to another host of its VIM; an event tells the end.
    ///
    /// # Errors
    /// 404; 409 when something else is done to it; 422 where computes cannot be moved; or what the VIM says.
    pub async fn migrate(&self, vim: Uuid, id: Uuid, request: &MigrateRequest) -> Result<Compute> {
        let driver = self.driver(vim).await?;
        let Some(row) = computes::get(&mut *self.store.db.pool.acquire().await?, vim, id).await? else {
            return Err(Failure::not_found(format!("compute {id}")));
        };
        match (row.phase, &request.host) {
            (Phase::Delete | Phase::Deleting, _) => return Err(being_deleted(&format!("compute {id}"))),
            (Phase::Deliver | Phase::Failed, _) => {
                let how = if row.phase == Phase::Failed { "was refused its last change" } else { "is being changed" };
                let problem = ProblemDetails::conflict(format!("compute {id} {how}"));
                return Err(problem.next("move it when it is what it shall be").into());
            }
            (_, Some(host)) if row.compute.host.as_ref() == Some(host) => {
                return Err(Failure::conflict(format!("compute {id} is on host {host} already")));
            }
            (Phase::Settled, _) => driver.migrate(&row.compute, request).await?,
        }
        self.compute(vim, id).await
    }

    /// The last `bytes` of a compute's serial console log.
    ///
    /// # Errors
    /// 404, or what the VIM says.
    pub async fn console_log(&self, vim: Uuid, id: Uuid, bytes: u64) -> Result<String> {
        let compute = self.compute(vim, id).await?;
        self.driver(vim).await?.console_log(&compute, bytes.min(16 << 20)).await
    }

    /// Where a compute's console can be reached.
    ///
    /// # Errors
    /// 404, or what the VIM says.
    pub async fn console(&self, vim: Uuid, id: Uuid) -> Result<ConsoleAccess> {
        let compute = self.compute(vim, id).await?;
        self.driver(vim).await?.console(&compute).await
    }

    /// A compute's counters.
    ///
    /// # Errors
    /// 404, or what the VIM says.
    pub async fn measurements(&self, vim: Uuid, id: Uuid) -> Result<Measurements> {
        let compute = self.compute(vim, id).await?;
        let mut all = self.driver(vim).await?.measure(&[compute]).await?;
        match (all.measured.remove(&id), all.gaps.pop()) {
            (Some(measured), _) => Ok(measured),
            (None, Some(gap)) => Err(ProblemDetails::unavailable(gap).into()),
            (None, None) => Err(Failure::conflict(format!("compute {id} does not run, so it has no counters"))),
        }
    }

    /// Counters of many computes. What is not known or does not run is left out, hosts that do not answer are named.
    ///
    /// # Errors
    /// 422 for too many, 404 for the VIM.
    pub async fn measure(&self, vim: Uuid, wanted: &MeasureComputes) -> Result<MeasuredComputes> {
        if wanted.computes.len() > MAX_MEASURED {
            let fault = Fault::new("/computes", format!("{} are too many", wanted.computes.len()));
            return no_faults("the request", vec![fault.mend(format!("at most {MAX_MEASURED}"))])
                .map(|()| MeasuredComputes::default());
        }
        let driver = self.driver(vim).await?;
        let mut connection = self.store.db.pool.acquire().await?;
        let mut known = Vec::with_capacity(wanted.computes.len());
        for id in &wanted.computes {
            known.extend(computes::get(&mut connection, vim, *id).await?.map(|row| row.compute));
        }
        drop(connection);
        driver.measure(&known).await
    }

    /// What is really there of a compute.
    ///
    /// # Errors
    /// 404 when there is nothing of it, or what the VIM says.
    pub async fn reality(&self, vim: Uuid, id: Uuid) -> Result<Reality> {
        let compute = self.compute(vim, id).await?;
        let found = self.driver(vim).await?.reality(&compute).await?;
        found.ok_or_else(|| Failure::not_found(format!("machine of compute {id}")))
    }
}
