//! VIMs: registered here by name, made known to the vim-adapter by id.

use reference_points::common::{CallError, Fault};
use reference_points::or_vi::{Host, HostSpec, VimSpec};
use reference_points::os_ma_nfvo::mano::{ManagedVim, RegisterVim};
use service::http::{ApiError, ApiResult};
use uuid::Uuid;

use super::App;
use crate::store::vims::{self, VimRecord};

/// Longest name, in characters.
const MAX_NAME: usize = 200;

/// Registers a VIM. It is stored before the vim-adapter hears of it, and forgotten when the adapter refuses it.
///
/// # Errors
/// 409 when the name is taken; what the vim-adapter answers otherwise.
pub async fn register(app: &App, request: RegisterVim) -> ApiResult<ManagedVim> {
    check_length(&request.name)?;
    // Secrets are the vim-adapter's to keep; here they only pass through.
    let record = VimRecord {
        id: app.ids.mint(),
        name: request.name,
        kind: request.kind.without_secrets(),
        seen_event: 0,
        resource_group: None,
    };
    let now = app.now();
    db::transaction!(app.db, |tx| {
        if !vims::insert(tx, &record, now).await? {
            return Err(ApiError::conflict(format!("a VIM named \"{}\" is registered already", record.name)));
        }
        Ok(())
    })?;
    match app.vi.put_vim(record.id, &VimSpec { name: record.name.clone(), kind: request.kind }).await {
        Ok(vim) => {
            app.vims_changed.notify_one();
            Ok(managed(record, Ok(vim)))
        }
        Err(error) => {
            forget(app, record.id).await?;
            // The adapter may have taken it although its answer was lost.
            if error.is_unknown()
                && let Err(error) = app.vi.delete_vim(record.id).await
            {
                tracing::warn!(vim = %record.id, %error, "the vim-adapter may know a VIM that is not registered");
            }
            Err(error.into())
        }
    }
}

/// Changes how a VIM is reached. The vim-adapter keeps what it had when it cannot be reached so.
///
/// # Errors
/// 404; 409 when another VIM has the name; what the vim-adapter answers otherwise.
pub async fn change(app: &App, id: Uuid, request: RegisterVim) -> ApiResult<ManagedVim> {
    let there = require(app, id).await?;
    check_length(&request.name)?;
    let others = vims::all(&app.db).await?;
    if others.iter().any(|other| other.id != id && other.name == request.name) {
        return Err(ApiError::conflict(format!("a VIM named \"{}\" is registered already", request.name)));
    }
    let seen = app.vi.put_vim(id, &VimSpec { name: request.name.clone(), kind: request.kind.clone() }).await?;
    let record = VimRecord { name: request.name, kind: request.kind.without_secrets(), ..there };
    db::transaction!(app.db, |tx| { Ok::<_, ApiError>(vims::update(tx, &record).await?) })?;
    Ok(managed(record, Ok(seen)))
}

async fn forget(app: &App, id: Uuid) -> ApiResult<()> {
    db::transaction!(app.db, |tx| {
        vims::delete(tx, id).await?;
        Ok::<_, ApiError>(())
    })
}

fn spec(vim: &VimRecord) -> VimSpec {
    VimSpec { name: vim.name.clone(), kind: vim.kind.clone() }
}

fn managed(record: VimRecord, seen: Result<reference_points::or_vi::Vim, CallError>) -> ManagedVim {
    let (vim, problem) = match seen {
        Ok(vim) => (Some(vim), None),
        Err(error) => (None, Some(error.to_problem())),
    };
    ManagedVim {
        id: record.id,
        name: record.name,
        vim_type: record.kind.vim_type().to_owned(),
        kind: record.kind,
        vim,
        problem,
    }
}

/// All VIMs, as the vim-adapter sees them now.
///
/// # Errors
/// The database.
pub async fn list(app: &App) -> ApiResult<Vec<ManagedVim>> {
    let all = vims::all(&app.db).await?;
    Ok(futures::future::join_all(all.into_iter().map(|record| show(app, record))).await)
}

/// One VIM.
///
/// # Errors
/// 404.
pub async fn get(app: &App, id: Uuid) -> ApiResult<ManagedVim> {
    Ok(show(app, require(app, id).await?).await)
}

async fn show(app: &App, record: VimRecord) -> ManagedVim {
    let seen = match app.vi.vim(record.id).await {
        Ok(Some(vim)) => Ok(vim),
        // The vim-adapter lost what it knew: it is told again.
        Ok(None) => app.vi.put_vim(record.id, &spec(&record)).await,
        Err(error) => Err(error),
    };
    managed(record, seen)
}

/// A registered VIM.
///
/// # Errors
/// 404.
pub async fn require(app: &App, id: Uuid) -> ApiResult<VimRecord> {
    vims::get(&app.db, id).await?.ok_or_else(|| ApiError::not_found(format!("VIM {id}")))
}

/// Forgets a VIM.
///
/// # Errors
/// 404, or what the vim-adapter answers: 409 while it holds resources, naming them.
pub async fn delete(app: &App, id: Uuid) -> ApiResult<()> {
    require(app, id).await?;
    app.vi.delete_vim(id).await?;
    forget(app, id).await?;
    app.vims_changed.notify_one();
    Ok(())
}

/// Adds or changes a host of a VIM.
///
/// # Errors
/// 404, or what the vim-adapter answers.
pub async fn put_host(app: &App, vim: Uuid, name: &str, spec: &HostSpec) -> ApiResult<Host> {
    check_name(name)?;
    require(app, vim).await?;
    Ok(app.vi.put_host(vim, name, spec).await?)
}

/// Removes a host from a VIM.
///
/// # Errors
/// 404, or what the vim-adapter answers.
pub async fn delete_host(app: &App, vim: Uuid, name: &str) -> ApiResult<()> {
    check_name(name)?;
    require(app, vim).await?;
    Ok(app.vi.delete_host(vim, name).await?)
}

fn check_length(name: &str) -> ApiResult<()> {
    let length = name.chars().count();
    if (1..=MAX_NAME).contains(&length) {
        return Ok(());
    }
    let fault = Fault::new("/name", format!("has {length} characters")).mend(format!("give 1 to {MAX_NAME}"));
    Err(ApiError::faults("the VIM", vec![fault]))
}

/// A host's name becomes part of a path.
fn check_name(name: &str) -> ApiResult<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if (1..=200).contains(&name.len()) && name.chars().all(fits) && !name.starts_with('.') {
        return Ok(());
    }
    let fault = Fault::new("path", "is no host name").mend("1 to 200 letters, digits, '-', '_' and '.'");
    Err(ApiError::faults("the host", vec![fault]))
}
