//! `mano vim`, `mano host`, `mano leaks`: the infrastructure below the services.

use reference_points::or_vi::{HostSpec, MigrateRequest, MigrationKind, SimSpec, VimKind};
use reference_points::os_ma_nfvo::mano::{LeakReason, RegisterVim};
use uuid::Uuid;

use super::clouds;
use crate::cli::{Host, Vim, VimAdd};
use crate::cli_vims::ExternalArgs;
use crate::context::Context;
use crate::fail::Failure;
use crate::output::{self, Format};

pub async fn vim(context: &Context, command: Vim) -> Result<(), Failure> {
    match command {
        Vim::Add(add) => {
            let (name, kind) = match add {
                VimAdd::Hosts { name, northbound, external } => {
                    (name, VimKind::Hosts { northbound, external_network: external.network()? })
                }
                VimAdd::Sim { name, hosts, boot_ms } => {
                    (name, VimKind::Sim { sim: SimSpec { hosts, boot_ms, ..SimSpec::default() } })
                }
                VimAdd::Openstack(cloud) => clouds::read(&cloud)?,
            };
            let vim = context.mano.register_vim(&RegisterVim { name, kind }).await?;
            output::one(context.format, &vim)?;
            if vim.vim_type.contains("HOSTS") {
                output::note(&format!("next: mano host add NAME --vim {} --agent URL", vim.name));
            }
            Ok(())
        }
        Vim::Rotate { vim, cloud } => {
            let there = context.find_vim(Some(&vim)).await?;
            let name = cloud.name.clone().unwrap_or(there.name);
            let kind = clouds::read(&cloud)?.1;
            output::one(context.format, &context.mano.put_vim(there.id, &RegisterVim { name, kind }).await?)
        }
        Vim::Outside { vim, external } => outside(context, &vim, external).await,
        Vim::List => {
            let columns = [("name", "/name"), ("type", "/vimType"), ("id", "/id"), ("problem", "/problem/detail")];
            output::list(context.format, &context.mano.vims().await?, &columns)
        }
        Vim::Show { vim } => output::one(context.format, &context.find_vim(Some(&vim)).await?),
        Vim::Watch { vim } => super::vim_events::watch(context, vim.as_deref()).await,
        Vim::Migrate { compute, vim, cold, host } => migrate(context, compute, vim.as_deref(), cold, host).await,
        Vim::Image(command) => super::vim_images::run(context, command).await,
        Vim::Delete { vim } => Ok(context.mano.delete_vim(context.find_vim(Some(&vim)).await?.id).await?),
    }
}

async fn outside(context: &Context, vim: &str, external: ExternalArgs) -> Result<(), Failure> {
    let there = context.find_vim(Some(vim)).await?;
    let mut kind = there.kind;
    match &mut kind {
        VimKind::Hosts { external_network, .. } => *external_network = external.network()?,
        VimKind::Openstack { interface_info, .. } => {
            // Empty takes back what was said before.
            interface_info.external_network = Some(external.name()?.unwrap_or_default());
        }
        VimKind::Sim { .. } => return Err(Failure::usage("a simulated VIM has an outside of its own")),
    }
    let changed = context.mano.put_vim(there.id, &RegisterVim { name: there.name, kind }).await?;
    output::one(context.format, &changed)
}

async fn migrate(
    context: &Context,
    compute: Uuid,
    vim: Option<&str>,
    cold: bool,
    host: Option<String>,
) -> Result<(), Failure> {
    let vim = context.find_vim(vim).await?;
    let kind = if cold { MigrationKind::Cold } else { MigrationKind::Live };
    let moving = context.mano.migrate(vim.id, compute, &MigrateRequest { kind, host }).await?;
    if context.format != Format::Table {
        return output::document(context.format, &serde_json::to_value(&moving)?);
    }
    let from = moving.host.as_deref().unwrap_or("its host");
    output::line(&format!("{} is being moved from {from}; mano vim watch {} tells the end", moving.spec.name, vim.name))
}

pub async fn host(context: &Context, command: Host) -> Result<(), Failure> {
    match command {
        Host::Add { name, agent, vim, zone } => {
            let vim = context.find_vim(vim.as_deref()).await?;
            let spec = HostSpec { agent, zone, schedulable: true };
            output::one(context.format, &context.mano.put_host(vim.id, &name, &spec).await?)
        }
        Host::List { vim } => {
            let vim = context.find_vim(vim.as_deref()).await?;
            let hosts = context.mano.hosts(vim.id).await?;
            if context.format != Format::Table {
                return output::list(context.format, &hosts, &[]);
            }
            let head = ["name", "zone", "reachable", "acceleration", "vcpus", "memory", "disk", "problem"];
            let rows = hosts.iter().map(|host| {
                let used = |pick: fn(&reference_points::nf_vi::Capacity) -> u64, bytes: bool| {
                    host.info.as_ref().map_or_else(
                        || "-".to_owned(),
                        |info| {
                            let (used, all) = (pick(&info.reserved), pick(&info.total));
                            if bytes {
                                format!("{} / {}", output::bytes(used), output::bytes(all))
                            } else {
                                format!("{used} / {all}")
                            }
                        },
                    )
                };
                vec![
                    host.name.clone(),
                    host.spec.zone.clone(),
                    if host.reachable { "yes" } else { "no" }.to_owned(),
                    host.info.as_ref().map_or_else(|| "-".to_owned(), |i| i.facts.acceleration.clone()),
                    used(|c| c.vcpus, false),
                    used(|c| c.memory_bytes, true),
                    used(|c| c.disk_bytes, true),
                    amiss(host),
                ]
            });
            output::table(&head, rows.collect())
        }
        Host::Show { name, vim } => {
            let vim = context.find_vim(vim.as_deref()).await?;
            let hosts = context.mano.hosts(vim.id).await?;
            output::one(context.format, &crate::context::pick("host", "mano host list", &name, hosts, &["name"])?)
        }
        Host::Delete { name, vim } => {
            let vim = context.find_vim(vim.as_deref()).await?;
            Ok(context.mano.delete_host(vim.id, &name).await?)
        }
    }
}

/// Why a host does not answer, or what it says is wrong with it.
fn amiss(host: &reference_points::or_vi::Host) -> String {
    let health = host.info.iter().flat_map(|info| &info.health).filter(|(_, how)| *how != "ok");
    let sick: Vec<String> = health.map(|(what, how)| format!("{what}: {how}")).collect();
    match &host.problem {
        Some(problem) => problem.detail.clone(),
        None if sick.is_empty() => "-".to_owned(),
        None => sick.join("; "),
    }
}

/// Exit code 0 with nothing found, 1 when something leaks or could not be asked.
pub async fn leaks(context: &Context) -> Result<(), Failure> {
    let report = context.mano.leaks().await?;
    if context.format != Format::Table {
        output::document(context.format, &serde_json::to_value(&report)?)?;
    } else if report.leaks.is_empty() {
        output::line(&format!("nothing leaks: {} things seen on {} VIMs", report.seen, report.vims.len()))?;
    } else {
        let rows = report.leaks.iter().map(|leak| {
            let reason = match leak.reason {
                LeakReason::Unmarked => "no owner mark",
                LeakReason::NotDesired => "not wanted by its VIM",
                LeakReason::OwnerGone => "owner is gone",
                LeakReason::NotListed => "owner does not list it",
            };
            let host = leak.item.host.clone().unwrap_or_else(|| "-".to_owned());
            vec![
                leak.item.kind.clone(),
                leak.item.name.clone(),
                host,
                leak.vim_name.clone(),
                reason.to_owned(),
                leak.detail.clone(),
            ]
        });
        output::table(&["kind", "name", "host", "vim", "reason", "detail"], rows.collect())?;
    }
    for gap in &report.gaps {
        output::note(&format!("not asked: {gap}"));
    }
    match (report.leaks.len(), report.gaps.len()) {
        (0, 0) => Ok(()),
        (leaks, gaps) => Err(Failure::usage(format!("{leaks} leaks, {gaps} places that could not be asked"))),
    }
}
