//! The list conventions of SOL013 clause 5: attribute filters (5.2), attribute selectors (5.3), paging (5.4).
//!
//! A handler takes [`ListQuery`] and answers [`ListQuery::respond`]; between them a [`crate::store::Collection`] reads one
//! page. Filters are also what subscriptions of other shapes may use: parsing and evaluation are pure.

mod eval;
mod filter;
mod list;
mod parse;
mod selectors;

pub use filter::{Condition, Filter, Op, Step};
pub use list::{DEFAULT_PAGE_SIZE, ListQuery, Marker, PageSize, Rewrite};
pub use parse::FilterError;
pub use selectors::{Selection, Selectors};

pub(crate) use eval::{Leaf, leaves, number, time_micros};
