//! Computes as Nova's servers (IFA005 clause 7.3.1): made, changed and removed as the store wants it. Whatever interrupts
//! this, it is begun anew and finds what is there by its mark.

use std::time::Duration;

use openstack_sdk::types::ApiVersion;
use reference_points::common::ProblemDetails;
use reference_points::nf_vi::{ConsoleAccess, MachineState, PowerRequest};
use reference_points::or_vi::{Compute, ComputeSpec};
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::OpenstackVim;
use super::call::{Call, Service};
use super::errors::Work;
use super::flavours::{Shape, covers, read_shape, shape};
use super::marks::{self, Mark};
use super::migrations::CONFIRM;
use super::servers::{self, Parts, Seen};
use crate::error::{Failure, Result, is_refusal, no_faults};
use crate::ledger::Report;
use crate::store::computes::{self, ComputeRow, Phase};
use crate::store::vims;
use crate::vim::Its;

/// Since when Nova takes a host name beside the name.
const HOSTNAMES: (u8, u8) = (2, 90);
/// How often a server that changes is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// The longest that one change of a server may take.
const CHANGE: Duration = Duration::from_secs(600);

/// What a compute needs of a flavour.
pub(super) fn shape_of(row: &ComputeRow) -> Shape {
    let disk = if servers::root_volume(&row.compute.spec).is_some() { 0 } else { row.reserved.disk_bytes };
    shape(&row.compute.spec.flavour, disk)
}

fn work(verb: &'static str, compute: &Compute) -> Work {
    Work::on(verb, "compute", &compute.spec.name, compute.id)
}

/// The key pair of a compute.
fn key_name(id: Uuid) -> String {
    format!("mano-{id}")
}

impl OpenstackVim {
    /// Lets Nova know what is wanted of a compute; gives what Nova calls a new one.
    ///
    /// # Errors
    /// What stands in the way; it is written down as well.
    pub(super) async fn deliver(&self, id: Uuid) -> Result<Option<Its>> {
        let _turn = self.turns.take(id).await;
        let Some(row) = self.ledger.compute(id).await? else { return Ok(None) };
        let done = match row.phase {
            Phase::Deliver => self.bring(&row).await,
            Phase::Delete | Phase::Deleting => self.take_away(&row).await.map(|()| None),
            Phase::Settled | Phase::Failed => return Ok(None),
        };
        if let Err(failure) = &done {
            let refused = is_refusal(failure) && row.phase == Phase::Deliver;
            let phase = if refused { Phase::Failed } else { row.phase };
            let problem = Some(failure.to_problem());
            self.ledger.record(&[Report::Phase { id, wanted: row.wanted, phase, problem }]).await?;
            if refused && row.compute.vim_resource_id.is_none() {
                self.take_back(&row).await;
            }
        }
        self.wake();
        done
    }

    /// Removes what was made for a compute that was then refused. What stays because the cloud does not answer is looked for
    /// later.
    async fn take_back(&self, refused: &ComputeRow) {
        let removed = async {
            self.drop_key(&refused.compute).await?;
            let rows = computes::list(&mut *self.ledger.store.db.pool.acquire().await?, self.ledger.vim).await?;
            // Of two that are refused at once, neither spares a flavour for the other.
            let others = rows.iter().filter(|row| row.phase != Phase::Failed || row.compute.vim_resource_id.is_some());
            self.drop_flavours(&others.map(shape_of).collect::<Vec<_>>()).await
        };
        if let Err(failure) = removed.await {
            tracing::info!(compute = %refused.compute.id, %failure, "something of a refused compute stays for now");
        }
    }

    async fn drop_key(&self, compute: &Compute) -> Result<()> {
        if compute.spec.boot_data.as_ref().is_some_and(|boot| !boot.public_keys.is_empty()) {
            let name = key_name(compute.id);
            let work = Work::new("delete", format!("key pair {name}"));
            self.session.remove(&work, Service::Compute, format!("os-keypairs/{name}")).await?;
        }
        Ok(())
    }

    async fn bring(&self, row: &ComputeRow) -> Result<Option<Its>> {
        let compute = &row.compute;
        no_faults("the compute", servers::faults_of(&compute.spec))?;
        match self.server_of(compute).await? {
            // It never ran: nothing is lost by making it anew, and nothing else helps.
            Some(server) if server["status"] == "ERROR" && server["OS-SRV-USG:launched_at"].is_null() => {
                self.remove_and_wait(compute, &server).await?;
                self.create_server(row).await
            }
            Some(server) => self.change_server(row, server).await,
            None => self.create_server(row).await,
        }
    }

    /// The server of a compute, by Nova's identifier or its mark.
    async fn server_of(&self, compute: &Compute) -> Result<Option<Value>> {
        let looking = work("look for", compute);
        if let Some(its) = &compute.vim_resource_id {
            let call = Call::get(Service::Compute, format!("servers/{its}"));
            if let Some(reply) = self.session.find(&looking, call).await? {
                return Ok(Some(reply.body["server"].clone()));
            }
        }
        self.looked_for(compute.id, || self.marked_server(compute)).await
    }

    async fn marked_server(&self, compute: &Compute) -> Result<Option<Value>> {
        let looking = work("look for", compute);
        let name = servers::name(&compute.spec, self.hostnames().await?);
        let list = Call::get(Service::Compute, "servers/detail").query("name", servers::name_pattern(&name));
        let reply = self.session.ask(&looking, list).await?;
        let ours = |server: &&Value| {
            server["status"] != "DELETED"
                && marks::on(server).is_some_and(|mark| mark.is("compute", compute.id, self.ledger.vim))
        };
        Ok(reply.body["servers"].as_array().into_iter().flatten().find(ours).cloned())
    }

    async fn hostnames(&self) -> Result<bool> {
        Ok(self.session.cloud().await?.nova >= ApiVersion::new(HOSTNAMES.0, HOSTNAMES.1))
    }

    async fn create_server(&self, row: &ComputeRow) -> Result<Option<Its>> {
        let compute = &row.compute;
        let (id, spec) = (compute.id, &compute.spec);
        let parts = self.parts(row).await?;
        let sent = db::transaction!(self.ledger.store.db, |tx| {
            vims::lock(tx, self.ledger.vim).await?;
            Ok::<_, Failure>(computes::set_sent(tx, self.ledger.vim, id, row.wanted, None).await?)
        })?;
        if !sent {
            // Something else is wanted by now.
            return Ok(None);
        }
        let mark = Mark::of("compute", id, self.ledger.vim, &spec.owner);
        let call = Call::post(Service::Compute, "servers", &servers::document(compute, &parts, &mark));
        let making = work("make", compute);
        let server =
            self.create(&making, call, |reply| reply["server"].clone(), || self.marked_server(compute)).await?;
        let its = server["id"].as_str().map(str::to_owned);
        self.keep_server_id(id, its.as_deref()).await?;
        let settled = Report::Phase { id, wanted: row.wanted, phase: Phase::Settled, problem: None };
        self.ledger.record(&[settled]).await?;
        Ok(Some(Its { id: its, ..Its::default() }))
    }

    async fn keep_server_id(&self, id: Uuid, its: Option<&str>) -> Result<()> {
        db::transaction!(self.ledger.store.db, |tx| {
            vims::lock(tx, self.ledger.vim).await?;
            Ok::<_, Failure>(computes::set_made(tx, self.ledger.vim, id, its, None).await?)
        })
    }

    async fn parts(&self, row: &ComputeRow) -> Result<Parts> {
        let spec: &ComputeSpec = &row.compute.spec;
        let (image, root) = match &spec.root {
            reference_points::or_vi::ComputeRoot::Image { image_id, .. } => {
                (Some(self.image_id(*image_id).await?), None)
            }
            reference_points::or_vi::ComputeRoot::Volume { volume_id } => {
                (None, self.volume_ids(&[*volume_id]).await?.into_iter().next())
            }
        };
        Ok(Parts {
            image,
            root,
            volumes: self.volume_ids(&spec.volumes).await?,
            ports: self.port_ids(&spec.ports).await?,
            group: self.group_of(row.compute.id, spec).await?,
            flavour: match self.named_flavour(&spec.flavour).await? {
                Some(named) => named.id,
                None => self.flavour(&shape_of(row)).await?.id,
            },
            key: self.key_pair(&row.compute).await?,
            hostname: self.hostnames().await?,
        })
    }

    async fn key_pair(&self, compute: &Compute) -> Result<Option<String>> {
        let keys = compute.spec.boot_data.as_ref().map(|boot| boot.public_keys.as_slice()).unwrap_or_default();
        let Some(key) = keys.first() else { return Ok(None) };
        let name = key_name(compute.id);
        let body = json!({ "keypair": { "name": name, "public_key": key.trim() } });
        let work = Work::new("make", format!("key pair {name}"));
        match self.session.ask(&work, Call::post(Service::Compute, "os-keypairs", &body)).await {
            Ok(_) => {}
            Err(Failure::Problem(problem)) if problem.status == 409 => {}
            Err(failure) => return Err(failure),
        }
        Ok(Some(name))
    }

    /// Brings a server that exists to what is wanted of it.
    async fn change_server(&self, row: &ComputeRow, server: Value) -> Result<Option<Its>> {
        let compute = &row.compute;
        let its = server["id"].as_str().unwrap_or_default().to_owned();
        if compute.vim_resource_id.as_ref() != Some(&its) {
            self.keep_server_id(compute.id, Some(&its)).await?;
        }
        let server = self.at_rest(compute, &its).await?;
        let server = self.resize(row, &its, server).await?;
        self.change_ports(compute, &its).await?;
        self.change_volumes(compute, &its, &server).await?;
        let seen = self.change_power(compute, &its, &server).await?;
        let reports = [
            Report::Phase { id: compute.id, wanted: row.wanted, phase: Phase::Settled, problem: None },
            Report::Machine {
                id: compute.id,
                state: servers::state(&seen),
                at: seen.at.max(row.machine_at + 1),
                problem: servers::problem(compute, &seen),
                reverted: compute.reverted,
            },
        ];
        self.ledger.record(&reports).await?;
        Ok(Some(Its { id: Some(its), ..Its::default() }))
    }

    pub(super) async fn act(&self, compute: &Compute, its: &str, verb: &'static str, action: &Value) -> Result<Value> {
        let call = Call::post(Service::Compute, format!("servers/{its}/action"), action);
        Ok(self.session.ask(&work(verb, compute), call).await?.body)
    }

    /// Waits until Nova has ended what it does to a server.
    async fn at_rest(&self, compute: &Compute, its: &str) -> Result<Value> {
        let until = Instant::now() + CHANGE;
        loop {
            let call = Call::get(Service::Compute, format!("servers/{its}"));
            let server = self.session.ask(&work("look at", compute), call).await?.body["server"].clone();
            let seen = servers::seen(&server);
            let resting = |seen: &Seen| !seen.busy && servers::state(seen) != Some(MachineState::Building);
            if server["status"] == CONFIRM || seen.as_ref().is_some_and(resting) {
                return Ok(server);
            }
            if Instant::now() > until {
                let status = server["status"].as_str().unwrap_or_default();
                let detail = format!("server {its} of compute {} is {status} for long", compute.id);
                return Err(ProblemDetails::unavailable(detail).next("it is looked at again").into());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn resize(&self, row: &ComputeRow, its: &str, mut server: Value) -> Result<Value> {
        let compute = &row.compute;
        let wanted = shape_of(row);
        let named = self.named_flavour(&compute.spec.flavour).await?;
        let fits = |server: &Value| match &named {
            Some(named) => server["flavor"]["original_name"] == named.name,
            None => {
                let has = read_shape(&server["flavor"]);
                has.vcpus == wanted.vcpus && has.ram == wanted.ram && covers(&has, &wanted)
            }
        };
        if server["status"] == CONFIRM {
            let action = if fits(&server) { "confirmResize" } else { "revertResize" };
            self.act(compute, its, "end a resize of", &json!({ action: null })).await?;
            server = self.at_rest(compute, its).await?;
        }
        if fits(&server) {
            return Ok(server);
        }
        let flavour = match named {
            Some(named) => named,
            None => self.flavour(&wanted).await?,
        };
        if server["flavor"]["original_name"] == flavour.name {
            return Ok(server);
        }
        self.act(compute, its, "resize", &json!({ "resize": { "flavorRef": flavour.id } })).await?;
        server = self.at_rest(compute, its).await?;
        if server["status"] == CONFIRM {
            self.act(compute, its, "confirm the resize of", &json!({ "confirmResize": null })).await?;
            return self.at_rest(compute, its).await;
        }
        let why = match servers::seen(&server).and_then(|seen| seen.fault) {
            Some(fault) => fault,
            None => self.last_action(compute, its).await?,
        };
        let detail = format!("Nova did not resize compute {} ({}): {why}", compute.spec.name, compute.id);
        Err(ProblemDetails::conflict(detail)
            .answer(why)
            .next("ask for another size, or retry when there is room")
            .into())
    }

    /// What Nova says of the last thing it was asked to do to a server.
    pub(super) async fn last_action(&self, compute: &Compute, its: &str) -> Result<String> {
        let call = Call::get(Service::Compute, format!("servers/{its}/os-instance-actions")).query("limit", "1");
        let reply = self.session.ask(&work("look at", compute), call).await?;
        let last = &reply.body["instanceActions"][0];
        let (action, message) =
            (last["action"].as_str().unwrap_or("it"), last["message"].as_str().unwrap_or("no reason"));
        let request = last["request_id"].as_str().unwrap_or("unknown");
        Ok(format!("{action} ended with: {message} (request {request})"))
    }

    async fn change_ports(&self, compute: &Compute, its: &str) -> Result<()> {
        let wanted = self.port_ids(&compute.spec.ports).await?;
        let path = format!("servers/{its}/os-interface");
        let reply = self.session.ask(&work("look at", compute), Call::get(Service::Compute, path.clone())).await?;
        let listed = reply.body["interfaceAttachments"].as_array().into_iter().flatten();
        let has: Vec<&str> = listed.filter_map(|interface| interface["port_id"].as_str()).collect();
        let works = [work("detach a port of", compute), work("attach a port to", compute)];
        let body = |port: &str| json!({ "interfaceAttachment": { "port_id": port } });
        self.exchange(&path, works, &has, &wanted, body).await
    }

    /// Takes from a server what it shall not have any more, and then gives it what it lacks: below `path`, as `body` has it.
    async fn exchange(
        &self,
        path: &str,
        [detach, attach]: [Work; 2],
        has: &[&str],
        wanted: &[String],
        body: impl Fn(&str) -> Value,
    ) -> Result<()> {
        for gone in has.iter().filter(|has| !wanted.iter().any(|wanted| wanted == *has)) {
            self.session.remove(&detach, Service::Compute, format!("{path}/{gone}")).await?;
        }
        for new in wanted.iter().filter(|wanted| !has.contains(&wanted.as_str())) {
            self.session.ask(&attach, Call::post(Service::Compute, path, &body(new))).await?;
        }
        Ok(())
    }

    async fn change_volumes(&self, compute: &Compute, its: &str, server: &Value) -> Result<()> {
        let root: Vec<Uuid> = servers::root_volume(&compute.spec).into_iter().collect();
        let kept = self.volume_ids(&[root, compute.spec.volumes.clone()].concat()).await?;
        let listed = server["os-extended-volumes:volumes_attached"].as_array().into_iter().flatten();
        let has: Vec<&str> = listed.filter_map(|volume| volume["id"].as_str()).collect();
        let path = format!("servers/{its}/os-volume_attachments");
        let works = [work("detach a volume of", compute), work("attach a volume to", compute)];
        let body = |volume: &str| json!({ "volumeAttachment": { "volumeId": volume } });
        self.exchange(&path, works, &has, &kept, body).await
    }

    async fn change_power(&self, compute: &Compute, its: &str, server: &Value) -> Result<Seen> {
        let unreadable = || ProblemDetails::unavailable(format!("Nova shows server {its} without id or status"));
        let seen = servers::seen(server).ok_or_else(unreadable)?;
        let action = match seen.status.as_str() {
            // Whatever it was, a hard reboot is how Nova brings it back.
            "ERROR" => Some(servers::power(reference_points::nf_vi::PowerAction::Reboot)),
            _ => servers::power_change(&seen, compute.spec.power),
        };
        let Some(action) = action else { return Ok(seen) };
        self.act(compute, its, "change the power of", &action).await?;
        let server = self.at_rest(compute, its).await?;
        Ok(servers::seen(&server).ok_or_else(unreadable)?)
    }

    async fn remove_and_wait(&self, compute: &Compute, server: &Value) -> Result<()> {
        let its = server["id"].as_str().unwrap_or_default();
        let removing = work("delete", compute);
        let until = Instant::now() + CHANGE;
        self.session.remove(&removing, Service::Compute, format!("servers/{its}")).await?;
        while self.session.find(&removing, Call::get(Service::Compute, format!("servers/{its}"))).await?.is_some() {
            if Instant::now() > until {
                let detail = format!("server {its} that failed is not gone yet");
                return Err(ProblemDetails::unavailable(detail).into());
            }
            tokio::time::sleep(LOOK).await;
        }
        self.keep_server_id(compute.id, None).await
    }

    async fn take_away(&self, row: &ComputeRow) -> Result<()> {
        let compute = &row.compute;
        match self.server_of(compute).await? {
            Some(server) => {
                let its = server["id"].as_str().unwrap_or_default();
                if compute.vim_resource_id.as_deref() != Some(its) {
                    self.keep_server_id(compute.id, Some(its)).await?;
                }
                if server["OS-EXT-STS:task_state"] != "deleting" {
                    self.session.remove(&work("delete", compute), Service::Compute, format!("servers/{its}")).await?;
                }
                let told = Report::Phase { id: compute.id, wanted: row.wanted, phase: Phase::Deleting, problem: None };
                self.ledger.record(&[told]).await
            }
            None => self.computes_gone(&[compute.id]).await,
        }
    }

    /// Computes whose servers are gone: what was made for them alone goes too, then they are forgotten.
    ///
    /// # Errors
    /// What Nova says; they are looked at again.
    pub(super) async fn computes_gone(&self, ids: &[Uuid]) -> Result<()> {
        let rows = computes::list(&mut *self.ledger.store.db.pool.acquire().await?, self.ledger.vim).await?;
        let (gone, left): (Vec<&ComputeRow>, Vec<&ComputeRow>) =
            rows.iter().partition(|row| ids.contains(&row.compute.id));
        for row in &gone {
            self.drop_key(&row.compute).await?;
        }
        let needed: Vec<Shape> = left.into_iter().map(shape_of).collect();
        if gone.iter().any(|row| !needed.contains(&shape_of(row))) {
            self.drop_flavours(&needed).await?;
        }
        let reports: Vec<Report> = gone.iter().map(|row| Report::ComputeGone(row.compute.id)).collect();
        self.ledger.record(&reports).await
    }

    pub(super) async fn power_of(&self, compute: &Compute, request: &PowerRequest) -> Result<()> {
        let _turn = self.turns.take(compute.id).await;
        let its = super::known(compute.vim_resource_id.clone(), "compute", compute.id)?;
        let asked = self.act(compute, &its, "change the power of", &servers::power(request.action)).await;
        if let Err(Failure::Problem(problem)) = &asked
            && problem.status == 409
        {
            // It may be so already.
            let server = self.at_rest(compute, &its).await?;
            let same = |seen: Seen| servers::power_change(&seen, compute.spec.power).is_none();
            if servers::seen(&server).is_some_and(same) {
                self.wake();
                return Ok(());
            }
        }
        self.wake();
        asked.map(drop)
    }

    pub(super) async fn console_of(&self, compute: &Compute, bytes: u64) -> Result<String> {
        let its = super::known(compute.vim_resource_id.clone(), "compute", compute.id)?;
        // Nova counts lines; a console's are short.
        let lines = (bytes / 40).clamp(50, 20_000);
        let action = json!({ "os-getConsoleOutput": { "length": lines } });
        let body = self.act(compute, &its, "read the console of", &action).await?;
        let text = body["output"].as_str().unwrap_or_default();
        let keep = usize::try_from(bytes).unwrap_or(usize::MAX);
        let mut from = text.len().saturating_sub(keep);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        Ok(text[from..].to_owned())
    }

    pub(super) async fn console_at(&self, compute: &Compute) -> Result<ConsoleAccess> {
        let its = super::known(compute.vim_resource_id.clone(), "compute", compute.id)?;
        let path = format!("servers/{its}/remote-consoles");
        let mut refused = None;
        for (protocol, kind) in [("serial", "serial"), ("vnc", "novnc"), ("spice", "spice-html5")] {
            let body = json!({ "remote_console": { "protocol": protocol, "type": kind } });
            let call = Call::post(Service::Compute, path.clone(), &body);
            match self.session.ask(&work("open a console of", compute), call).await {
                Ok(reply) => {
                    let url = reply.body["remote_console"]["url"].as_str().unwrap_or_default().to_owned();
                    let kind = if servers::is_address(&url) { kind } else { "unknown" };
                    let command = format!("open {url} (it is valid once and for a short time)");
                    return Ok(ConsoleAccess { kind: kind.to_owned(), path: url, command });
                }
                Err(failure) => refused = refused.or(Some(failure)),
            }
        }
        Err(refused.unwrap_or_else(|| Failure::conflict("this cloud offers no console")))
    }
}
