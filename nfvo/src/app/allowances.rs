//! Hearing from each VIM that it allows more than it did, and telling whoever subscribed (SOL003 clause 11): one listener per
//! registered VIM, resumed behind the last event it handled even over a restart. What is told and how far was heard are written
//! in one transaction, so that an event makes one notification.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use reference_points::common::Sequenced;
use reference_points::common::events::reconnect_pause;
use reference_points::or_vi::{Resources, ViEvent};
use service::follow::{Listener, follow};
use service::run::Setup;
use service::store::StoreError;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{App, notices, ns};
use crate::store::vims::{self, VimRecord};

/// How often registered VIMs are looked for when nobody rings: another process may have registered one.
const LOOK: Duration = Duration::from_secs(30);

/// What there may be more of when nothing says what.
const EVERYTHING: [Resources; 3] = [Resources::Compute, Resources::Storage, Resources::Network];

/// Follows every registered VIM until the service ends.
///
/// # Errors
/// None: what goes wrong is logged, and tried again.
pub async fn listen(setup: Setup, app: App) -> Result<(), Infallible> {
    let mut followed: BTreeMap<Uuid, CancellationToken> = BTreeMap::new();
    loop {
        match vims::all(&app.db).await {
            Ok(registered) => {
                followed.retain(|id, stop| {
                    let stays = registered.iter().any(|vim| vim.id == *id);
                    if !stays {
                        stop.cancel();
                    }
                    stays
                });
                for vim in registered {
                    followed.entry(vim.id).or_insert_with(|| start(&setup, &app, &vim));
                }
            }
            Err(error) => tracing::warn!(%error, "the registered VIMs could not be read, trying again"),
        }
        tokio::select! {
            () = setup.shutdown.cancelled() => return Ok(()),
            () = app.vims_changed.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

fn start(setup: &Setup, app: &App, vim: &VimRecord) -> CancellationToken {
    let stop = setup.shutdown.child_token();
    let listener = VimListener { app: app.clone(), vim: vim.id, stop: stop.clone() };
    setup.spawn("VIM events", follow(app.vi.events(vim.id, vim.seen_event), listener, stop.clone()));
    stop
}

/// Hears one VIM.
struct VimListener {
    app: App,
    vim: Uuid,
    stop: CancellationToken,
}

impl Listener for VimListener {
    type Event = ViEvent;
    type Error = Infallible;

    async fn hear(&mut self, event: &Sequenced<ViEvent>) -> Result<(), Infallible> {
        if !matches!(event.event, ViEvent::AllowsMore { .. } | ViEvent::Resync { .. }) {
            return Ok(());
        }
        for failures in 0.. {
            match self.take(event).await {
                Ok(()) => break,
                Err(error) => tracing::warn!(vim = %self.vim, %error, "an event of a VIM could not be made use of yet"),
            }
            tokio::select! {
                () = self.stop.cancelled() => break,
                () = tokio::time::sleep(reconnect_pause(failures)) => {}
            }
        }
        Ok(())
    }

    async fn keep(&mut self, position: i64) -> Result<(), Infallible> {
        let kept = db::transaction!(self.app.db, |tx| {
            Ok::<_, StoreError>(vims::heard(tx, self.vim, position, None).await?)
        });
        if let Err(error) = kept {
            // What is heard again changes nothing.
            tracing::warn!(vim = %self.vim, %error, "how far a VIM was heard could not be written");
        }
        Ok(())
    }

    fn of(&self) -> String {
        format!("VIM {}", self.vim)
    }
}

impl VimListener {
    async fn take(&self, event: &Sequenced<ViEvent>) -> Result<(), StoreError> {
        db::transaction!(self.app.db, |tx| {
            let news = match &event.event {
                ViEvent::AllowsMore { resource_group, resources, .. } => {
                    let news = vims::heard(tx, self.vim, event.seq, Some(resource_group)).await?;
                    news.then_some((Some(resource_group.as_str()), resources.as_slice()))
                }
                // What was missed may have been that it allows more: who waits for that had better try.
                ViEvent::Resync { .. } => {
                    vims::missed(tx, self.vim, event.seq).await?.then_some((None, &EVERYTHING[..]))
                }
                _ => None,
            };
            if let Some((group, resources)) = news {
                self.tell(tx, group, resources).await?;
            }
            Ok::<_, StoreError>(())
        })?;
        self.app.notices.quotas.kick();
        Ok(())
    }

    /// Leaves the notification; without a group it is for the one that the VIM told of last, else for the VIM as a whole.
    async fn tell(
        &self,
        tx: &mut db::AnyConnection,
        group: Option<&str>,
        resources: &[Resources],
    ) -> Result<(), StoreError> {
        let Some(vim) = vims::get_in(tx, self.vim).await? else { return Ok(()) };
        let whole = vim.id.to_string();
        let group = group.or(vim.resource_group.as_deref()).unwrap_or(&whole);
        let now = self.app.now();
        let told = notices::quota(self.app.ids.mint(), &ns::vim_ref(&self.app, &vim), group, resources, now);
        tracing::info!(vim = %self.vim, "the VIM allows more: subscribers are told");
        self.app.notices.quotas.enqueue(tx, told, now).await
    }
}
