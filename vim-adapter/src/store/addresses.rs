//! Which addresses are given out. The transaction must have taken its turn ([`super::vims::lock`]).

use std::net::IpAddr;

use ipnet::IpNet;
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

use super::Columns;
use crate::ipam::{Gap, SlotRange, ip_at, lowest_free, slot_of};

/// Taken slots read at once.
const PAGE: i64 = 256;

/// Keeps the ranges that a new subnet's automatic addresses come from.
pub async fn open(tx: &mut AnyConnection, vim: Uuid, subnet: Uuid, ranges: &[SlotRange]) -> sqlx::Result<()> {
    for range in ranges {
        sqlx::query("INSERT INTO address_range (vim_id, subnet_id, first, last, low) VALUES ($1, $2, $3, $4, $5)")
            .bind(vim.to_string())
            .bind(subnet.to_string())
            .bind(range.first)
            .bind(range.last)
            .bind(range.first)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// The port that has an address.
pub async fn holder(tx: &mut AnyConnection, vim: Uuid, subnet: Uuid, ip: IpAddr) -> sqlx::Result<Option<Uuid>> {
    let row = sqlx::query("SELECT port_id FROM address WHERE vim_id = $1 AND subnet_id = $2 AND ip = $3")
        .bind(vim.to_string())
        .bind(subnet.to_string())
        .bind(ip.to_string())
        .fetch_optional(tx)
        .await?;
    row.map(|row| row.id("port_id")).transpose()
}

/// Gives a port this address; the caller has looked that nobody has it.
pub async fn take(
    tx: &mut AnyConnection,
    vim: Uuid,
    subnet: Uuid,
    block: IpNet,
    ip: IpAddr,
    port: Uuid,
) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO address (vim_id, subnet_id, ip, slot, port_id) VALUES ($1, $2, $3, $4, $5)")
        .bind(vim.to_string())
        .bind(subnet.to_string())
        .bind(ip.to_string())
        .bind(slot_of(block, ip))
        .bind(port.to_string())
        .execute(tx)
        .await
        .map(drop)
}

/// Gives a port the lowest free automatic address; `None` when all are taken.
pub async fn take_lowest(
    tx: &mut AnyConnection,
    vim: Uuid,
    subnet: Uuid,
    block: IpNet,
    port: Uuid,
) -> sqlx::Result<Option<IpAddr>> {
    let rows =
        sqlx::query("SELECT first, last, low FROM address_range WHERE vim_id = $1 AND subnet_id = $2 ORDER BY first")
            .bind(vim.to_string())
            .bind(subnet.to_string())
            .fetch_all(&mut *tx)
            .await?;
    for row in rows {
        let range = SlotRange { first: row.try_get("first")?, last: row.try_get("last")? };
        let mut low: i64 = row.try_get("low")?;
        let free = loop {
            let taken: Vec<i64> = sqlx::query(
                "SELECT slot FROM address WHERE vim_id = $1 AND subnet_id = $2 AND slot >= $3 AND slot <= $4 \
                 ORDER BY slot LIMIT $5",
            )
            .bind(vim.to_string())
            .bind(subnet.to_string())
            .bind(low)
            .bind(range.last)
            .bind(PAGE)
            .fetch_all(&mut *tx)
            .await?
            .iter()
            .map(|row| row.try_get("slot"))
            .collect::<sqlx::Result<_>>()?;
            let complete = i64::try_from(taken.len()).unwrap_or(PAGE) < PAGE;
            match lowest_free(range, low, &taken, complete) {
                Gap::Free(slot) => break Some(slot),
                Gap::ReadOn(next) => low = next,
                Gap::Full => break None,
            }
        };
        let next = free.map_or(range.last + 1, |slot| slot + 1);
        sqlx::query("UPDATE address_range SET low = $4 WHERE vim_id = $1 AND subnet_id = $2 AND first = $3")
            .bind(vim.to_string())
            .bind(subnet.to_string())
            .bind(range.first)
            .bind(next)
            .execute(&mut *tx)
            .await?;
        if let Some(ip) = free.and_then(|slot| ip_at(block, slot)) {
            take(tx, vim, subnet, block, ip, port).await?;
            return Ok(Some(ip));
        }
    }
    Ok(None)
}

/// What the network outside a VIM is known as among the subnets that addresses are taken of.
pub fn outside(vim: Uuid) -> Uuid {
    Uuid::new_v5(&vim, b"network outside")
}

/// The address of a subnet that somebody has.
pub async fn held_by(tx: &mut AnyConnection, vim: Uuid, subnet: Uuid, holder: Uuid) -> sqlx::Result<Option<IpAddr>> {
    let row = sqlx::query("SELECT ip FROM address WHERE vim_id = $1 AND subnet_id = $2 AND port_id = $3")
        .bind(vim.to_string())
        .bind(subnet.to_string())
        .bind(holder.to_string())
        .fetch_optional(tx)
        .await?;
    Ok(row.map(|row| row.try_get::<String, _>("ip")).transpose()?.and_then(|ip| ip.parse().ok()))
}

/// As [`open`], of one that may be open with other ranges: what is taken of it stays taken.
pub async fn reopen(tx: &mut AnyConnection, vim: Uuid, subnet: Uuid, ranges: &[SlotRange]) -> sqlx::Result<()> {
    let rows = sqlx::query("SELECT first, last FROM address_range WHERE vim_id = $1 AND subnet_id = $2 ORDER BY first")
        .bind(vim.to_string())
        .bind(subnet.to_string())
        .fetch_all(&mut *tx)
        .await?;
    let kept = rows.iter().map(|row| Ok(SlotRange { first: row.try_get("first")?, last: row.try_get("last")? }));
    if kept.collect::<sqlx::Result<Vec<_>>>()? == ranges {
        return Ok(());
    }
    sqlx::query("DELETE FROM address_range WHERE vim_id = $1 AND subnet_id = $2")
        .bind(vim.to_string())
        .bind(subnet.to_string())
        .execute(&mut *tx)
        .await?;
    open(tx, vim, subnet, ranges).await
}

/// Takes back every address of a port.
pub async fn release(tx: &mut AnyConnection, vim: Uuid, port: Uuid) -> sqlx::Result<()> {
    let rows = sqlx::query("DELETE FROM address WHERE vim_id = $1 AND port_id = $2 RETURNING subnet_id, slot")
        .bind(vim.to_string())
        .bind(port.to_string())
        .fetch_all(&mut *tx)
        .await?;
    for row in rows {
        let (subnet, slot): (String, Option<i64>) = (row.try_get("subnet_id")?, row.try_get("slot")?);
        let Some(slot) = slot else { continue };
        sqlx::query(
            "UPDATE address_range SET low = $3 \
             WHERE vim_id = $1 AND subnet_id = $2 AND first <= $4 AND last >= $5 AND low > $6",
        )
        .bind(vim.to_string())
        .bind(subnet)
        .bind(slot)
        .bind(slot)
        .bind(slot)
        .bind(slot)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}
