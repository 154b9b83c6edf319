//! Leases: who works on which operation.

use crate::recovery::{Claim, Lease, may_claim};
use crate::store::damaged;
use db::sqlx::{self, Row};
use db::{AnyConnection, DbError};
use uuid::Uuid;

/// Who claims.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    pub owner: String,
    pub incarnation: String,
    /// How long a lease lasts, in microseconds.
    pub lease_micros: i64,
}

/// An operation that is ours now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claimed {
    pub id: Uuid,
    pub fence: i64,
    pub expires: i64,
}

/// An operation that may be due, with its lease.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub id: Uuid,
    pub fence: i64,
    pub lease: Lease,
}

/// Operations that need an executor now and are nobody's, or whose executor may be gone. At the first look also those
/// that were this owner's before.
pub(crate) async fn candidates(
    tx: &mut AnyConnection,
    holder: &Holder,
    first_look: bool,
    now: i64,
    limit: i64,
) -> Result<Vec<Candidate>, DbError> {
    let rows = sqlx::query(
        "SELECT o.id, o.fence, o.lease_owner, o.lease_incarnation, o.lease_expires FROM lcm_operation o \
         WHERE o.active = 1 AND (o.lease_expires <= $1 OR (o.lease_owner = $2 AND $3 = 1)) \
         AND (o.due_at <= $1 OR EXISTS (SELECT 1 FROM lcm_step s WHERE s.op_id = o.id AND s.next_at <= $1)) \
         ORDER BY o.created_at LIMIT $4",
    )
    .bind(now)
    .bind(holder.owner.as_str())
    .bind(i64::from(first_look))
    .bind(limit)
    .fetch_all(tx)
    .await?;
    rows.iter()
        .map(|r| {
            let id: String = r.try_get(0)?;
            Ok(Candidate {
                id: id.parse().map_err(|_| damaged(format!("operation id '{id}'")))?,
                fence: r.try_get(1)?,
                lease: Lease { owner: r.try_get(2)?, incarnation: r.try_get(3)?, expires: r.try_get(4)? },
            })
        })
        .collect()
}

/// Claims those candidates that may be claimed and that nobody was quicker with.
pub(crate) async fn claim(
    tx: &mut AnyConnection,
    holder: &Holder,
    candidates: &[Candidate],
    first_look: bool,
    now: i64,
) -> Result<Vec<Claimed>, DbError> {
    let expires = now.saturating_add(holder.lease_micros);
    let mut claimed = Vec::new();
    for c in candidates {
        match may_claim(&c.lease, &holder.owner, &holder.incarnation, first_look, now) {
            Claim::Held { .. } => continue,
            Claim::Free => {}
            Claim::OwnFromBefore => tracing::info!(op = %c.id, "resuming an operation of this executor's previous run"),
            Claim::Expired { owner } => {
                tracing::warn!(op = %c.id, %owner, "taking over an operation: its executor has gone silent")
            }
        }
        // The fencing number guards against other claims, the expiry against a holder that renewed meanwhile.
        let done = sqlx::query(
            "UPDATE lcm_operation SET fence = fence + 1, lease_owner = $1, lease_incarnation = $2, lease_expires = $3 \
             WHERE id = $4 AND fence = $5 AND lease_expires = $6 AND active = 1",
        )
        .bind(holder.owner.as_str())
        .bind(holder.incarnation.as_str())
        .bind(expires)
        .bind(c.id.to_string())
        .bind(c.fence)
        .bind(c.lease.expires)
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 1 {
            claimed.push(Claimed { id: c.id, fence: c.fence + 1, expires });
        }
    }
    Ok(claimed)
}

/// Prolongs a lease; false if it is no longer ours. Returns also the pending cancel, as text.
pub(crate) async fn renew(
    tx: &mut AnyConnection,
    holder: &Holder,
    claimed: Claimed,
    now: i64,
) -> Result<Option<i64>, DbError> {
    let expires = now.saturating_add(holder.lease_micros);
    let done =
        sqlx::query("UPDATE lcm_operation SET lease_expires = $1 WHERE id = $2 AND fence = $3 AND lease_owner = $4")
            .bind(expires)
            .bind(claimed.id.to_string())
            .bind(claimed.fence)
            .bind(holder.owner.as_str())
            .execute(tx)
            .await?;
    Ok((done.rows_affected() == 1).then_some(expires))
}

/// Gives a lease back before its time, work left over; a lease that is not ours any more is left alone.
pub(crate) async fn release(
    tx: &mut AnyConnection,
    holder: &Holder,
    claimed: Claimed,
    due_at: i64,
) -> Result<(), DbError> {
    sqlx::query(
        "UPDATE lcm_operation SET lease_owner = NULL, lease_incarnation = NULL, lease_expires = 0, due_at = $1 \
         WHERE id = $2 AND fence = $3 AND lease_owner = $4",
    )
    .bind(due_at)
    .bind(claimed.id.to_string())
    .bind(claimed.fence)
    .bind(holder.owner.as_str())
    .execute(tx)
    .await?;
    Ok(())
}

/// When the next operation that is not ours to drive at the moment will need an executor.
pub(crate) async fn next_due(tx: &mut AnyConnection, holder: &Holder) -> Result<Option<i64>, DbError> {
    // Ours are driven already; their own timers are with their drivers.
    let row = sqlx::query(
        "SELECT MIN(due) FROM ( \
           SELECT CASE WHEN o.lease_owner IS NULL THEN o.due_at ELSE o.lease_expires END AS due FROM lcm_operation o \
             WHERE o.active = 1 AND (o.lease_owner IS NULL OR o.lease_incarnation <> $1) \
           UNION ALL \
           SELECT s.next_at AS due FROM lcm_step s JOIN lcm_operation o ON o.id = s.op_id \
             WHERE o.active = 1 AND o.lease_owner IS NULL AND s.next_at IS NOT NULL \
         ) AS dues",
    )
    .bind(holder.incarnation.as_str())
    .fetch_one(tx)
    .await?;
    Ok(row.try_get(0)?)
}
