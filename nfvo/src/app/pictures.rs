//! Pictures of what onboarded descriptors describe: the same as `mano vnfpkg lint --plan --svg` draws from an archive.

use descriptors::picture::{of_nsd, of_vnfd};
use descriptors::plan;
use reference_points::common::Fault;
use service::http::{ApiError, ApiResult};
use uuid::Uuid;

use super::{App, nsds, packages};
use crate::store::descriptors as onboarded;

/// The topology of a deployment flavour of a VNF package as SVG; of its first one unless it is named.
///
/// # Errors
/// 404, 409 before it is onboarded, 400 when it has no such flavour.
pub async fn package(app: &App, id: Uuid, flavour: Option<&str>) -> ApiResult<String> {
    let info = packages::require_onboarded(app, id).await?;
    let vnfd_id = info.vnfd_id.unwrap_or_default();
    let (_, facts) = onboarded::package(&app.db, &vnfd_id).await?.ok_or_else(|| gone("VNF package", id))?;
    let vnfd = facts.vnfd;
    let chosen = chosen(&vnfd.flavours, |f| &f.id, flavour)?;
    Ok(of_vnfd(&vnfd, chosen, &plan::sizings(&vnfd)).to_svg())
}

/// The topology of a deployment flavour of an NSD as SVG; of its first one unless it is named.
///
/// # Errors
/// As [`package`].
pub async fn nsd(app: &App, id: Uuid, flavour: Option<&str>) -> ApiResult<String> {
    let info = nsds::require_onboarded(app, id).await?;
    let nsd_id = info.nsd_id.unwrap_or_default();
    let (_, _, nsd) = onboarded::nsd(&app.db, &nsd_id).await?.ok_or_else(|| gone("NSD", id))?;
    Ok(of_nsd(&nsd, chosen(&nsd.flavours, |f| &f.id, flavour)?).to_svg())
}

fn chosen<'a, F>(flavours: &'a [F], id: impl Fn(&F) -> &String, wanted: Option<&str>) -> ApiResult<&'a F> {
    let found = match wanted {
        None => flavours.first(),
        Some(wanted) => flavours.iter().find(|f| id(f) == wanted),
    };
    found.ok_or_else(|| {
        let known: Vec<&str> = flavours.iter().map(|f| id(f).as_str()).collect();
        let fault = Fault::new("query.flavourId", format!("there is no deployment flavour {:?}", wanted.unwrap_or("")));
        ApiError::fault(fault.mend(format!("one of {}", known.join(", "))))
    })
}

/// Deleted between two looks.
fn gone(what: &str, id: Uuid) -> ApiError {
    ApiError::not_found(format!("{what} {id}"))
}
