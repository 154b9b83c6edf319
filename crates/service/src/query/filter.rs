//! The syntax tree of an attribute filter (SOL013 clause 5.2) and its canonical text.

use std::fmt;
use std::str::FromStr;

use super::parse::{self, FilterError};

/// Conditions that must all hold; none at all holds for everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// In the order given.
    pub conditions: Vec<Condition>,
}

/// One `(op,path,value[,value…])`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// What is compared how.
    pub op: Op,
    /// Which attribute.
    pub path: Vec<Step>,
    /// One value; [`Op::In`], [`Op::Nin`], [`Op::Cont`] and [`Op::Ncont`] may have several.
    pub values: Vec<String>,
}

/// A step of an attribute's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// An attribute of a structure, or an entry of a map.
    Name(String),
    /// `@key`: the keys of a map.
    Key,
    /// Every entry of a map. No text reads as this: it is what a list of an older version of an interface becomes that is
    /// a map in the current one.
    Any,
}

/// Operators. A condition on an array holds if it holds for one element; on an absent attribute it never holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// Equal.
    Eq,
    /// Not equal.
    Neq,
    /// Equal to one of the values.
    In,
    /// Equal to none of the values.
    Nin,
    /// Greater.
    Gt,
    /// Greater or equal.
    Gte,
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
    /// A string that contains one of the values.
    Cont,
    /// A string that contains none of the values.
    Ncont,
}

impl Op {
    /// Every operator.
    pub const ALL: [Self; 10] =
        [Self::Eq, Self::Neq, Self::In, Self::Nin, Self::Gt, Self::Gte, Self::Lt, Self::Lte, Self::Cont, Self::Ncont];

    /// Its name in a filter.
    pub fn name(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Neq => "neq",
            Self::In => "in",
            Self::Nin => "nin",
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::Lt => "lt",
            Self::Lte => "lte",
            Self::Cont => "cont",
            Self::Ncont => "ncont",
        }
    }

    /// Whether it takes several values.
    pub fn is_multiple(self) -> bool {
        matches!(self, Self::In | Self::Nin | Self::Cont | Self::Ncont)
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        parse::filter(text)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, condition) in self.conditions.iter().enumerate() {
            if i > 0 {
                f.write_str(";")?;
            }
            write!(f, "({},", condition.op.name())?;
            for (i, step) in condition.path.iter().enumerate() {
                if i > 0 {
                    f.write_str("/")?;
                }
                match step {
                    Step::Key => f.write_str("@key")?,
                    Step::Any => f.write_str("*")?,
                    Step::Name(name) => f.write_str(&escaped(name))?,
                }
            }
            for value in &condition.values {
                if value.contains([',', ')', '\'']) {
                    write!(f, ",'{}'", value.replace('\'', "''"))?;
                } else {
                    write!(f, ",{value}")?;
                }
            }
            f.write_str(")")?;
        }
        Ok(())
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1").replace(',', "~a").replace('@', "~b")
}

impl Condition {
    /// The path as plain names joined by `/`, when it has no `@key` and no name that holds a `/`: the form in which
    /// indexed attributes are declared.
    pub fn plain_path(&self) -> Option<String> {
        let names: Option<Vec<&str>> = self
            .path
            .iter()
            .map(|step| match step {
                Step::Name(name) if !name.contains('/') => Some(name.as_str()),
                _ => None,
            })
            .collect();
        names.map(|n| n.join("/"))
    }
}
