//! The journal in SQL, per noun. Every executor's write goes through [`journal`], which names the fencing number.

pub(crate) mod event;
pub(crate) mod journal;
pub(crate) mod lease;
pub(crate) mod operation;
pub(crate) mod schema;
pub(crate) mod step;
pub(crate) mod wake;

use db::DbError;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// `($1, $2), ($3, $4)`: the rows of a VALUES clause, counting from `first`.
pub(crate) fn values(first: usize, rows: usize, columns: usize) -> String {
    let mut text = String::with_capacity(rows * columns * 5);
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            if column > 0 {
                text.push_str(", ");
            }
            text.push('$');
            text.push_str(&(first + row * columns + column).to_string());
        }
        text.push(')');
    }
    text
}

/// A value as the journal's JSON text.
pub(crate) fn to_text<T: Serialize>(value: &T) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|e| DbError::Sql(sqlx::Error::Encode(Box::new(e))))
}

/// The journal's JSON text as a value.
pub(crate) fn from_text<T: DeserializeOwned>(text: &str, what: &str) -> Result<T, DbError> {
    serde_json::from_str(text).map_err(|e| damaged(format!("{what}: {e}")))
}

/// The journal holds something this program cannot read.
pub(crate) fn damaged(what: String) -> DbError {
    DbError::Sql(sqlx::Error::Decode(
        format!("the operation journal holds something this release cannot read: {what}").into(),
    ))
}

#[cfg(test)]
mod tests {
    #[test]
    fn values_count_on() {
        assert_eq!(super::values(3, 2, 2), "($3, $4), ($5, $6)");
    }
}
