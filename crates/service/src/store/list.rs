//! Reading one page of a list: the database sifts by the indexed attributes, the documents by the rest.

use axum::response::Response;
use db::sqlx::{AssertSqlSafe, Row as _};
use db::{Db, Dialect, sqlx};
use reference_points::common::Fault;
use serde_json::Value;

use super::index::{Bound, Sieve, owner, sieve};
use super::{Collection, Document, Noun, StoreError, Stored};
use crate::faults::nearest;
use crate::http::{ApiError, ApiResult};
use crate::query::{ListQuery, Marker, Step};

/// Documents read at once when they themselves must be held against the filter.
const BATCH: usize = 200;

/// Documents looked at for one page. A page may hold fewer entries than its size, or none, and still have a next one: no
/// request costs more than this however little it finds.
const MAX_SCANNED: usize = 10_000;

/// One page.
#[derive(Debug)]
pub struct Page<T> {
    /// Its entries, in the order of creation.
    pub entries: Vec<Entry<T>>,
    /// Where the next page begins, when there is one.
    pub next: Option<Marker>,
}

/// One entry of a page.
#[derive(Debug)]
pub struct Entry<T> {
    /// The stored document.
    pub stored: Stored<T>,
    /// Its resource, whole.
    pub resource: Value,
}

impl<T: Document> Collection<T> {
    /// Reads the page that `query` asks for.
    ///
    /// # Errors
    /// 400 when the filter names an attribute that the resource does not have; otherwise as the database has it.
    pub async fn list(self, db: &Db, query: &ListQuery) -> ApiResult<Page<T>> {
        check(T::NOUN.attributes, query)?;
        let sieves: Vec<Option<Sieve>> = query.filter.conditions.iter().map(|c| sieve(T::NOUN, c)).collect();
        let sifted = sieves.iter().all(Option::is_some);
        let sieves: Vec<Sieve> = sieves.into_iter().flatten().collect();
        // One entry more than shown tells whether a next page exists.
        let wanted = query.page_size + 1;
        let batch = if sifted { wanted } else { wanted.max(BATCH) };
        let mut after = query.after;
        let mut entries: Vec<Entry<T>> = Vec::new();
        let mut scanned = 0;
        let next = 'page: loop {
            let rows = self.rows(db, &sieves, after, batch).await?;
            for row in &rows {
                let stored: Stored<T> = self.read(row)?;
                after = Some(Marker { created_at: stored.created_at, id: stored.id });
                let resource = stored.document.resource().map_err(|e| self.unwritable(stored.id, &e))?;
                if query.filter.matches(&resource) {
                    entries.push(Entry { stored, resource });
                    if entries.len() == wanted {
                        entries.pop();
                        break 'page entries
                            .last()
                            .map(|e| Marker { created_at: e.stored.created_at, id: e.stored.id });
                    }
                }
            }
            scanned += rows.len();
            if rows.len() < batch {
                break None;
            }
            if scanned >= MAX_SCANNED {
                break after;
            }
        };
        Ok(Page { entries, next })
    }

    /// Answers a list request: reads the page, lets `finish` add what is not stored (links), applies the selectors.
    ///
    /// # Errors
    /// As [`Collection::list`].
    pub async fn respond(
        self,
        db: &Db,
        query: &ListQuery,
        finish: impl Fn(&Stored<T>, &mut Value) + Send,
    ) -> ApiResult<Response> {
        let page = self.list(db, query).await?;
        let values = page
            .entries
            .into_iter()
            .map(|mut entry| {
                finish(&entry.stored, &mut entry.resource);
                query.selectors.apply(&mut entry.resource, &T::NOUN.selection);
                entry.resource
            })
            .collect();
        Ok(query.respond(values, page.next))
    }

    /// How the database finds the page that `query` asks for: the statement, then the database's own plan of it, a line
    /// each. For people.
    ///
    /// # Errors
    /// As [`Collection::list`].
    pub async fn explain(self, db: &Db, query: &ListQuery) -> ApiResult<Vec<String>> {
        check(T::NOUN.attributes, query)?;
        let sieves: Vec<Sieve> = query.filter.conditions.iter().filter_map(|c| sieve(T::NOUN, c)).collect();
        let (sql, bound) = statement(T::NOUN, &sieves, query.after, query.page_size + 1);
        let (explain, column) = match db.dialect {
            Dialect::Sqlite => ("EXPLAIN QUERY PLAN", 3),
            Dialect::Postgres => ("EXPLAIN", 0),
        };
        let mut lines = vec![sql.clone()];
        let mut query = sqlx::query(AssertSqlSafe(format!("{explain} {sql}")));
        for value in bound {
            query = value.bind(query);
        }
        for row in query.fetch_all(&db.pool).await.map_err(StoreError::from)? {
            lines.push(row.try_get::<String, _>(column).map_err(StoreError::from)?);
        }
        Ok(lines)
    }

    async fn rows(
        self,
        db: &Db,
        sieves: &[Sieve],
        after: Option<Marker>,
        limit: usize,
    ) -> Result<Vec<db::AnyRow>, StoreError> {
        let (sql, bound) = statement(T::NOUN, sieves, after, limit);
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for value in bound {
            query = value.bind(query);
        }
        Ok(query.fetch_all(&db.pool).await?)
    }
}

/// The statement for one batch. A condition of equality on an indexed attribute drives it: its index holds the entries in
/// the order of the list, so that only the page is read, however long the list.
pub(super) fn statement(noun: &Noun, sieves: &[Sieve], after: Option<Marker>, limit: usize) -> (String, Vec<Bound>) {
    let table = noun.table;
    let mut bound = Vec::new();
    let mut put = |value: Bound| {
        bound.push(value);
        format!("${}", bound.len())
    };
    let driver = sieves.iter().position(Sieve::is_exact);
    let mut conditions = Vec::new();
    let (from, order) = match driver.map(|i| &sieves[i]) {
        Some(sieve) => {
            conditions.push(format!("d.noun = {}", put(Bound::Text(table.to_owned()))));
            conditions.push(format!("d.path = {}", put(Bound::Text(sieve.path.to_owned()))));
            let value = sieve.values.first().cloned().unwrap_or(Bound::Whole(0));
            conditions.push(format!("d.{} = {}", sieve.column, put(value)));
            (format!("attribute_index d JOIN {table} t ON t.id = d.id"), "d")
        }
        None => (format!("{table} t"), "t"),
    };
    if let Some(after) = after {
        let (time, id) = (put(Bound::Whole(after.created_at)), put(Bound::Text(after.id.to_string())));
        conditions.push(format!("({order}.created_at, {order}.id) > ({time}, {id})"));
    }
    for (i, sieve) in sieves.iter().enumerate() {
        if Some(i) == driver {
            continue;
        }
        let owner = put(Bound::Text(owner(noun, sieve.path)));
        let joint = if sieve.op == "<>" { " AND " } else { " OR " };
        let tests: Vec<String> =
            sieve.values.iter().map(|v| format!("i.{} {} {}", sieve.column, sieve.op, put(v.clone()))).collect();
        // Not EXISTS: SQLite makes a join of it and then sorts the whole list.
        conditions.push(format!(
            "(SELECT 1 FROM attribute_index i WHERE i.owner = {owner} || t.id AND ({}) LIMIT 1) = 1",
            tests.join(joint)
        ));
    }
    let filter = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
    let limit = put(Bound::Whole(i64::try_from(limit).unwrap_or(i64::MAX)));
    let sql = format!(
        "SELECT t.id, t.created_at, t.updated_at, t.revision, t.document FROM {from}{filter} \
         ORDER BY {order}.created_at, {order}.id LIMIT {limit}"
    );
    (sql, bound)
}

/// SOL013 clause 5.2.2: a filter on an attribute that the resource does not have is refused.
fn check(attributes: &[&str], query: &ListQuery) -> ApiResult<()> {
    if attributes.is_empty() {
        return Ok(());
    }
    let mut faults = Vec::new();
    for condition in &query.filter.conditions {
        let Some(Step::Name(name)) = condition.path.first() else { continue };
        if !attributes.contains(&name.as_str()) {
            let fault = Fault::new("query.filter", format!("{name:?} is no attribute of this resource"));
            faults.push(match nearest(name, attributes) {
                Some(known) => fault.mend(format!("did you mean {known}?")),
                None => fault.mend(format!("attributes: {}", attributes.join(", "))),
            });
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(ApiError::faults("the filter", faults)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::query::Selection;
    use uuid::Uuid;

    const LAMP: Noun = Noun { table: "lamp", what: "lamp", indexed: &[], selection: Selection::NONE, attributes: &[] };

    /// SQLite's own plan says that such a page is read from the index, in order, without the rest of the list.
    #[tokio::test]
    async fn equality_on_an_indexed_attribute_costs_the_page_and_not_the_list() {
        let test = db::testing::TestDb::sqlite().await;
        crate::store::migrate(&test).await.unwrap();
        for sql in crate::collection_ddl!("lamp") {
            sqlx::query(*sql).execute(&test.pool).await.unwrap();
        }
        // EXPLAIN trusts the schema that its connection has seen: let it be a new one.
        let db = test.reopen().await;
        let exact = |path, value: Bound, column| Sieve { path, column, op: "=", values: vec![value] };
        let sieves = [
            Sieve { path: "size", column: "number_value", op: ">", values: vec![Bound::Number(1.0)] },
            exact("room", Bound::Text("hall".to_owned()), "text_value"),
        ];
        let after = Some(Marker { created_at: 1, id: Uuid::nil() });
        let plan = async |sieves: &[Sieve]| {
            let (sql, bound) = statement(&LAMP, sieves, after, 10);
            let mut query = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")));
            for value in bound {
                query = value.bind(query);
            }
            let rows = query.fetch_all(&db.pool).await.unwrap();
            rows.iter().map(|row| sqlx::Row::get::<String, _>(row, 3)).collect::<Vec<_>>().join("\n")
        };
        let driven = plan(&sieves).await;
        assert!(driven.contains("attribute_index_text (noun=? AND path=? AND text_value=? AND"), "{driven}");
        for plan in [driven, plan(&sieves[..1]).await, plan(&[]).await] {
            assert!(!plan.contains("TEMP B-TREE") && !plan.contains("SCAN t"), "{plan}");
            let looked_up = !plan.contains("SUBQUERY") || plan.contains("(owner=?)");
            assert!(looked_up, "{plan}");
        }
    }
}
