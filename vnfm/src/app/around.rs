//! What goes on around an operation besides its own steps: decided with the plan (SOL001 clauses 6.7 and 6.10).

use descriptors::vnfd::{Flavour, PackageChange, Vnfd};
use lcm::Plan;
use reference_points::common::{KeyValuePairs, Uuid};
use reference_points::ve_vnfm::CoordClient;
use serde_json::Value;
use service::http::{ApiError, ApiResult};

use super::{App, cause};
use crate::ops::hooks;
use crate::ops::ve::{self, Coordinations};
use crate::steps::coordination_key;
use crate::store::ve as store;

impl App {
    /// The plan with what the VNFD puts around it. `properties` are the configurable properties that the VNF has then,
    /// where they may have changed and the VNF runs.
    ///
    /// # Errors
    /// 422 with every script that cannot be run, or when the plan becomes larger than the engine allows.
    pub(super) fn around(&self, vnfd: &Vnfd, flavour_id: &str, asked: &Asked<'_>, plan: Plan) -> ApiResult<Plan> {
        let Some(flavour) = vnfd.flavour(flavour_id) else { return Ok(plan) };
        let hooks = hooks::scripts(vnfd, flavour, asked.kind, asked.additional);
        let mut hooks =
            hooks.map_err(|faults| ApiError::unprocessable("what the VNFD has done cannot be done", faults))?;
        let change = asked.change;
        if let Some(told) = change.and_then(|c| hooks::triggered(&mut hooks, vnfd, flavour, c, asked.additional).err())
        {
            return Err(ApiError::unprocessable("what the VNFD has done cannot be done", told));
        }
        let configured = self.endpoints.configuration_endpoint.as_deref();
        ve::configuration(&mut hooks, flavour, asked.kind, asked.properties, configured);
        let at = (self.endpoints.coordination_endpoint.as_deref(), &*self.base);
        let changes = change.map(std::slice::from_ref).unwrap_or_default();
        ve::coordinations(&mut hooks, flavour, asked.kind, asked.additional, changes, at);
        hooks.around(plan).map_err(|e| cause::submit(e.into(), &self.base))
    }

    /// Cancels what an operation coordinates just now: it is being cancelled itself. What does not answer is left to the
    /// rollback, which cancels too.
    pub(super) async fn cancel_coordinations(&self, op: Uuid) -> ApiResult<()> {
        let mut connection = self.db.pool.acquire().await.map_err(db::DbError::from)?;
        for (step, mut kept) in store::coordinations::<Coordinations>(&mut connection, op).await? {
            if kept.open().is_none() {
                continue;
            }
            if let Err(error) = CoordClient::new(&kept.endpoint).cancel(&kept.location).await {
                tracing::warn!(operation = %op, step, %error, "a coordination could not be cancelled");
            }
            self.engine.wake(&coordination_key(op, &step)).await?;
        }
        Ok(())
    }
}

/// What an operation was asked for with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Its kind.
    pub kind: &'a str,
    /// `additionalParams`.
    pub additional: &'a KeyValuePairs,
    /// Configurable properties that the VNF has then, where they may have changed and the VNF runs.
    pub properties: Option<&'a Value>,
    /// Policy in force of a change of the VNF package.
    pub change: Option<&'a PackageChange>,
}

/// Parameters that nothing would read are refused: those that the VNFD declares are read by its scripts and coordinations.
pub(super) fn declared_only(vnfd: Option<&Vnfd>, flavour_id: &str, kind: &str, given: &KeyValuePairs) -> ApiResult<()> {
    let none = Flavour::default();
    let flavour = vnfd.and_then(|vnfd| vnfd.flavour(flavour_id)).unwrap_or(&none);
    let faults = hooks::undeclared(flavour, kind, given);
    if faults.is_empty() { Ok(()) } else { Err(ApiError::unprocessable("the parameters are not known", faults)) }
}
