//! What each part of a VIM allowed when it was looked at last.

use reference_points::or_vi::ViEvent;
use sqlx::AnyConnection;
use uuid::Uuid;

use super::{Columns, text};
use crate::allowance::{Limits, Noted, Part, compare};

/// How a part is called in the table; no host's name is empty.
fn name(part: &Part) -> &str {
    match part {
        Part::Whole => "",
        Part::Host(host) => host,
    }
}

/// Notes what a look at a part found; gives what is to be told when there is more than before.
pub async fn note(
    tx: &mut AnyConnection,
    vim: Uuid,
    part: &Part,
    group: &str,
    found: Limits,
) -> sqlx::Result<Option<ViEvent>> {
    let row = sqlx::query("SELECT noted FROM allowance WHERE vim_id = $1 AND part = $2")
        .bind(vim.to_string())
        .bind(name(part))
        .fetch_optional(&mut *tx)
        .await?;
    let before: Option<Noted> = row.map(|row| row.doc("noted")).transpose()?;
    let (now, event) = compare(before.clone(), part, group, found);
    if before.as_ref() != Some(&now) {
        sqlx::query(
            "INSERT INTO allowance (vim_id, part, noted) VALUES ($1, $2, $3) \
             ON CONFLICT (vim_id, part) DO UPDATE SET noted = excluded.noted",
        )
        .bind(vim.to_string())
        .bind(name(part))
        .bind(text(&now))
        .execute(tx)
        .await?;
    }
    Ok(event)
}
