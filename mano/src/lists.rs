//! Lists of services as SOL013 pages them: read whole, or asked for the one thing that is meant.

use reference_points::common::{CallError, Reply};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::cli::ListArgs;
use crate::context::pick;
use crate::fail::Failure;

/// Every entry, page after page.
pub async fn all<T, F, Fut>(list: &ListArgs, page: F) -> Result<Vec<T>, Failure>
where
    F: Fn(String) -> Fut,
    Fut: Future<Output = Result<Reply<Vec<T>>, CallError>>,
{
    pages(query(list.filter.as_deref()), &page).await
}

async fn pages<T, F, Fut>(first: String, page: &F) -> Result<Vec<T>, Failure>
where
    F: Fn(String) -> Fut,
    Fut: Future<Output = Result<Reply<Vec<T>>, CallError>>,
{
    let (mut entries, mut query) = (Vec::new(), Some(first));
    while let Some(asked) = query {
        let reply = page(asked).await?;
        query = reply.next_query();
        entries.extend(reply.body);
    }
    Ok(entries)
}

/// What a thing is called, and where it may be looked up.
pub struct Noun {
    /// For people, e.g. `VNF`.
    pub what: &'static str,
    /// The command that lists them.
    pub list_command: &'static str,
    /// Attributes that name one: those that hold ids first.
    pub members: &'static [&'static str],
}

/// The one thing that carries `wanted` in one of its members; the service does the searching.
pub async fn named<T, F, Fut>(noun: &Noun, wanted: &str, page: F) -> Result<T, Failure>
where
    T: Serialize + DeserializeOwned,
    F: Fn(String) -> Fut,
    Fut: Future<Output = Result<Reply<Vec<T>>, CallError>>,
{
    let is_id = wanted.parse::<Uuid>().is_ok();
    let mut found = Vec::new();
    for member in noun.members.iter().filter(|member| is_id || **member != "id") {
        let filter = format!("(eq,{member},'{}')", wanted.replace('\'', "''"));
        found = pages(query(Some(&filter)), &page).await?;
        if !found.is_empty() {
            break;
        }
    }
    pick(noun.what, noun.list_command, wanted, found, noun.members)
}

/// The query of a list: every attribute, and the filter when there is one.
fn query(filter: Option<&str>) -> String {
    let Some(filter) = filter else { return "?all_fields".to_owned() };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.(),/'".contains(&b);
    let encoded: String =
        filter.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect();
    format!("?all_fields&filter={encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_encoded() {
        assert_eq!(query(Some("(eq,a/b,x y&z)")), "?all_fields&filter=(eq,a/b,x%20y%26z)");
    }
}
