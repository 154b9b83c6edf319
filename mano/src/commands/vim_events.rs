//! `mano vim watch`: what happens in a VIM, one line an event.

use reference_points::common::ProblemDetails;
use reference_points::common::events::reconnect_pause;
use reference_points::or_vi::ViEvent;

use crate::context::Context;
use crate::fail::Failure;
use crate::output::{self, Format};

/// Prints until it is interrupted, or the NFVO refuses.
pub async fn watch(context: &Context, vim: Option<&str>) -> Result<(), Failure> {
    let vim = context.find_vim(vim).await?;
    let mut events = context.mano.vim_events(vim.id, 0);
    let mut failures = 0;
    loop {
        match events.next::<ViEvent>().await {
            Ok(event) => {
                failures = 0;
                match context.format {
                    Format::Table => {
                        if let Some(text) = told(&event.event) {
                            output::line(&text)?;
                        }
                    }
                    // One object a line, so that a script may read them as they come.
                    _ => output::line(&serde_json::to_string(&event)?)?,
                }
            }
            Err(error) if error.status().is_some_and(|status| status < 500) => return Err(error.into()),
            Err(error) => {
                if failures == 0 {
                    output::note(&format!("connecting again: {error}"));
                }
                failures += 1;
                tokio::time::sleep(reconnect_pause(failures)).await;
            }
        }
    }
}

/// The event in words; nothing for what only programs want to know.
fn told(event: &ViEvent) -> Option<String> {
    let because =
        |problem: &Option<ProblemDetails>| problem.as_ref().map(|p| format!(": {}", p.detail)).unwrap_or_default();
    Some(match event {
        ViEvent::Compute { compute } => {
            let on = compute.host.as_ref().map(|host| format!(" on {host}")).unwrap_or_default();
            let state = output::word(&compute.state);
            format!("compute {}{on} is {state}{}", compute.spec.name, because(&compute.problem))
        }
        ViEvent::ComputeDeleted { id } => format!("compute {id} is gone"),
        ViEvent::Port { port } => {
            let state = if port.up { "up" } else { "down" };
            format!("port {} is {}, {state}{}", port.spec.name, output::word(&port.state), because(&port.problem))
        }
        ViEvent::Network { network } => {
            format!("network {} is {}{}", network.spec.name, output::word(&network.state), because(&network.problem))
        }
        ViEvent::Volume { volume } => {
            format!("volume {} is {}{}", volume.spec.name, output::word(&volume.state), because(&volume.problem))
        }
        ViEvent::VolumeDeleted { id } => format!("volume {id} is gone"),
        ViEvent::Snapshot { snapshot } => {
            let state = output::word(&snapshot.state);
            format!("snapshot of {} is {state}{}", snapshot.spec.name, because(&snapshot.problem))
        }
        ViEvent::SnapshotDeleted { id } => format!("snapshot {id} is gone"),
        ViEvent::SoftwareImage { image } => {
            format!("image {} is {}{}", image.spec.name, output::word(&image.state), because(&image.problem))
        }
        ViEvent::Vim { host, what, detail, .. } => {
            let host = host.as_ref().map(|host| format!("host {host} ")).unwrap_or_default();
            format!("{host}{what}: {detail}")
        }
        ViEvent::AllowsMore { detail, .. } => format!("the VIM allows more: {detail}"),
        ViEvent::Resync { .. } => return None,
    })
}
