//! One host: its agent's client, and what is known of it now.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use reference_points::common::{CallError, ProblemDetails};
use reference_points::nf_vi::{AgentClient, HostInfo};
use reference_points::or_vi::{Host, HostSpec};
use tokio::sync::{Mutex, Notify, watch};

use crate::allowance::Limits;
use crate::scheduler::Candidate;
use crate::tasks::Tasks;

/// An agent that has not answered after this time does not answer.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// A host of the VIM.
#[derive(Debug)]
pub struct Agent {
    /// Its name in this VIM.
    pub name: String,
    /// Client of its agent.
    pub client: AgentClient,
    /// There is something to tell the agent.
    pub wake: Notify,
    /// The tasks that follow and serve it.
    pub tasks: Tasks,
    /// What it lets computes have, as noted last; `None` until that was noted.
    pub allows: Mutex<Option<Limits>>,
    known: RwLock<Known>,
    asked: watch::Sender<bool>,
}

#[derive(Debug)]
struct Known {
    spec: HostSpec,
    info: Option<HostInfo>,
    /// The host's name in OVN, as told last: it does not go while the switch is away.
    chassis: Option<String>,
    /// Why it does not answer; `None` when it does.
    lost: Option<ProblemDetails>,
}

impl Agent {
    /// A host whose agent was not asked yet.
    pub fn new(name: &str, spec: HostSpec, info: Option<HostInfo>, tasks: Tasks) -> Self {
        let client = AgentClient::new(name, &spec.agent);
        let lost = Some(ProblemDetails::unavailable(format!("the agent of host {name} was not reached yet")));
        let chassis = info.as_ref().and_then(|info| info.chassis.clone());
        let known = RwLock::new(Known { spec, info, chassis, lost });
        let asked = watch::Sender::new(false);
        Self { name: name.to_owned(), client, wake: Notify::new(), tasks, allows: Mutex::default(), known, asked }
    }

    fn read<T>(&self, look: impl FnOnce(&Known) -> T) -> T {
        look(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        change(&mut self.known.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// The host's name in OVN.
    pub fn chassis(&self) -> Option<String> {
        self.read(|known| known.chassis.clone())
    }

    /// How it is reached.
    pub fn spec(&self) -> HostSpec {
        self.read(|known| known.spec.clone())
    }

    /// Changes its zone and whether it takes new computes.
    pub fn set_spec(&self, spec: HostSpec) {
        self.write(|known| known.spec = spec);
    }

    /// Whether its agent answered last.
    pub fn reachable(&self) -> bool {
        self.read(|known| known.lost.is_none())
    }

    /// Why its agent does not answer.
    pub fn lost(&self) -> Option<ProblemDetails> {
        self.read(|known| known.lost.clone())
    }

    /// What its agent said last.
    pub fn info(&self) -> Option<HostInfo> {
        self.read(|known| known.info.clone())
    }

    /// The agent answered; true when it did not before.
    pub fn found(&self, info: HostInfo) -> bool {
        let news = self.write(|known| {
            known.chassis = info.chassis.clone().or(known.chassis.take());
            known.info = Some(info);
            known.lost.take().is_some()
        });
        self.asked.send_replace(true);
        news
    }

    /// The agent does not answer; true when it did before.
    pub fn set_lost(&self, problem: ProblemDetails) -> bool {
        let news = self.write(|known| known.lost.replace(problem).is_none());
        self.asked.send_replace(true);
        news
    }

    /// Waits until the agent was asked once, whether it answered or not.
    pub async fn asked(&self) {
        // The sender lives as long as this does.
        let _ = self.asked.subscribe().wait_for(|asked| *asked).await;
    }

    /// Whether the agent was asked once: before that nothing is known of it now.
    pub fn was_asked(&self) -> bool {
        *self.asked.borrow()
    }

    /// Asks the agent for its facts, not longer than a moment.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn probe(&self) -> Result<HostInfo, CallError> {
        match tokio::time::timeout(PROBE_TIMEOUT, self.client.host()).await {
            Ok(answer) => answer,
            Err(_) => Err(CallError::Unanswered {
                peer: format!("nfvi-agent {}", self.name),
                url: self.spec().agent,
                why: format!("no answer within {} s", PROBE_TIMEOUT.as_secs()),
            }),
        }
    }

    /// As the consumer sees it.
    pub fn view(&self) -> Host {
        self.read(|known| Host {
            name: self.name.clone(),
            spec: known.spec.clone(),
            reachable: known.lost.is_none(),
            info: known.info.clone(),
            problem: known.lost.clone(),
        })
    }

    /// As the scheduler sees it. A host whose hypervisor or switch is away takes nothing new.
    pub fn candidate(&self) -> Candidate {
        self.read(|known| {
            let lost =
                known.lost.as_ref().map(|problem| problem.answer.clone().unwrap_or_else(|| problem.detail.clone()));
            let unwell = || {
                let health = &known.info.as_ref()?.health;
                let bad = |part: &str| {
                    health.get(part).filter(|state| *state != "ok").map(|state| format!("{part}: {state}"))
                };
                bad("hypervisor").or_else(|| bad("switch"))
            };
            Candidate {
                name: self.name.clone(),
                zone: known.spec.zone.clone(),
                schedulable: known.spec.schedulable,
                unreachable: lost.or_else(unwell),
                total: known.info.as_ref().map(|info| info.total).unwrap_or_default(),
                reserved: Default::default(),
            }
        })
    }
}

/// As a problem of something that waits for the host.
pub fn waits_for(host: &str, why: &str) -> ProblemDetails {
    ProblemDetails::unavailable(format!("waits until the agent of host {host} answers"))
        .answer(why.to_owned())
        .resource(format!("host {host}"))
        .next("it goes on by itself when the agent is back")
}
