//! TOSCA service templates as SOL001 uses them (TOSCA Simple Profile 1.2 and 1.3): files, types, templates, functions.

mod builtin;
pub(crate) mod check;
mod constraint;
mod definition;
pub(crate) mod fields;
pub(crate) mod function;
mod load;
mod merged;
mod names;
pub(crate) mod operations;
mod requirements;
mod scalar;
mod template;
mod types;
mod validate;

pub(crate) use load::{Bundle, load};
pub(crate) use names::nearest;
pub use scalar::Unit;
pub(crate) use template::{NodeTemplate, Policy, Topology, others};
pub use types::{PropertyDef, RequirementDef, Schema, TypeDef, TypeKind, Types};
pub(crate) use validate::{owner, package_path, required, validate};
