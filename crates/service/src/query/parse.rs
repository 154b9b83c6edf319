//! Reading an attribute filter (SOL013 clause 5.2.2). Every error names the character where it stands.

use super::filter::{Condition, Filter, Op, Step};
use crate::faults::nearest;
use reference_points::common::Fault;

/// Longest filter, in bytes.
const MAX_BYTES: usize = 8 * 1024;
/// Most conditions.
const MAX_CONDITIONS: usize = 32;
/// Most values of one condition.
const MAX_VALUES: usize = 128;
/// Most steps of one path.
const MAX_STEPS: usize = 16;

/// A filter that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at character {position}: {message}")]
pub struct FilterError {
    /// Where, in characters counted from 1.
    pub position: usize,
    /// What is wrong there.
    pub message: String,
    /// What would be right.
    pub mend: Option<String>,
}

impl FilterError {
    /// As a fault of the query parameter `name`.
    pub fn fault(&self, name: &str) -> Fault {
        Fault { location: format!("query.{name}"), message: self.to_string(), mend: self.mend.clone() }
    }
}

pub(super) fn filter(text: &str) -> Result<Filter, FilterError> {
    let mut reader = Reader { text, at: 0 };
    if text.len() > MAX_BYTES {
        return Err(reader.error(format!("the filter is longer than {MAX_BYTES} bytes"), None));
    }
    let mut conditions = Vec::new();
    loop {
        if conditions.len() == MAX_CONDITIONS {
            return Err(reader.error(format!("more than {MAX_CONDITIONS} conditions"), None));
        }
        conditions.push(reader.condition()?);
        match reader.next() {
            None => return Ok(Filter { conditions }),
            Some(';') => {}
            Some(other) => {
                reader.back(other);
                return Err(reader.error(format!("{other:?} follows a condition"), Some("join conditions by ';'")));
            }
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    /// In bytes.
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn back(&mut self, c: char) {
        self.at -= c.len_utf8();
    }

    fn error(&self, message: impl Into<String>, mend: Option<&str>) -> FilterError {
        FilterError {
            position: self.text[..self.at].chars().count() + 1,
            message: message.into(),
            mend: mend.map(str::to_owned),
        }
    }

    fn condition(&mut self) -> Result<Condition, FilterError> {
        if self.peek() != Some('(') {
            return Err(self.error("a condition begins with '('", Some("write (eq,attribute,value)")));
        }
        self.next();
        let op = self.op()?;
        let path = self.path()?;
        let begin = self.at;
        let mut values = Vec::new();
        loop {
            if values.len() == MAX_VALUES {
                return Err(self.error(format!("more than {MAX_VALUES} values"), None));
            }
            values.push(self.value()?);
            match self.next() {
                Some(',') => {}
                Some(')') => break,
                Some(c) => {
                    self.back(c);
                    return Err(self.error(format!("{c:?} follows a quoted value"), Some("',' or ')' goes there")));
                }
                None => return Err(self.error("the condition is not closed", Some("close it with ')'"))),
            }
        }
        if values.len() > 1 && !op.is_multiple() {
            self.at = begin;
            let mend = "quote a value that holds a comma: 'a,b'; several values go with in, nin, cont, ncont";
            return Err(self.error(format!("{} takes one value, {} are given", op.name(), values.len()), Some(mend)));
        }
        Ok(Condition { op, path, values })
    }

    fn op(&mut self) -> Result<Op, FilterError> {
        let rest = &self.text[self.at..];
        let word = &rest[..rest.find([',', ')', '(', ';']).unwrap_or(rest.len())];
        let Some(op) = Op::ALL.into_iter().find(|op| op.name() == word) else {
            let names: Vec<&str> = Op::ALL.iter().map(|op| op.name()).collect();
            let mend = match nearest(word, &names) {
                Some(name) => format!("did you mean {name}? Operators: {}", names.join(", ")),
                None => format!("operators: {}", names.join(", ")),
            };
            let shown: String = word.chars().take(40).collect();
            return Err(self.error(format!("{shown:?} is no operator"), Some(&mend)));
        };
        self.at += word.len();
        if self.next() != Some(',') {
            self.at = self.at.min(self.text.len());
            return Err(self.error("the attribute is missing", Some("write (eq,attribute,value)")));
        }
        Ok(op)
    }

    fn path(&mut self) -> Result<Vec<Step>, FilterError> {
        let mut steps = Vec::new();
        loop {
            if steps.len() == MAX_STEPS {
                return Err(self.error(format!("the attribute's path has more than {MAX_STEPS} steps"), None));
            }
            steps.push(self.step()?);
            match self.next() {
                Some('/') => {}
                Some(',') => return Ok(steps),
                Some(c) => {
                    self.back(c);
                    return Err(self.error("the value is missing", Some("write (eq,attribute,value)")));
                }
                None => return Err(self.error("the value is missing", Some("write (eq,attribute,value)"))),
            }
        }
    }

    fn step(&mut self) -> Result<Step, FilterError> {
        if self.text[self.at..].starts_with("@key") {
            self.at += 4;
            return Ok(Step::Key);
        }
        let mut name = String::new();
        while let Some(c) = self.peek() {
            match c {
                '/' | ',' | ')' | '(' | ';' => break,
                '@' => return Err(self.error("'@' stands only in @key", Some("write ~b for the character @"))),
                '~' => {
                    self.next();
                    name.push(match self.peek() {
                        Some('0') => '~',
                        Some('1') => '/',
                        Some('a') => ',',
                        Some('b') => '@',
                        _ => {
                            let mend = "~0 is ~, ~1 is /, ~a is a comma, ~b is @";
                            return Err(self.error("'~' begins no known escape", Some(mend)));
                        }
                    });
                    self.next();
                }
                other => {
                    name.push(other);
                    self.next();
                }
            }
        }
        if name.is_empty() {
            return Err(self.error("an attribute's name is missing", Some("write (eq,attribute,value)")));
        }
        Ok(Step::Name(name))
    }

    fn value(&mut self) -> Result<String, FilterError> {
        let mut value = String::new();
        if self.peek() == Some('\'') {
            let begin = self.at;
            self.next();
            loop {
                match self.next() {
                    Some('\'') if self.peek() == Some('\'') => {
                        self.next();
                        value.push('\'');
                    }
                    Some('\'') => return Ok(value),
                    Some(c) => value.push(c),
                    None => {
                        self.at = begin;
                        return Err(
                            self.error("the quote is not closed", Some("close it with '; a quote inside is doubled"))
                        );
                    }
                }
            }
        }
        while let Some(c) = self.peek() {
            match c {
                ',' | ')' => break,
                '\'' => {
                    let mend = "put the whole value into quotes and double the quote inside: 'it''s'";
                    return Err(self.error("a quote stands inside an unquoted value", Some(mend)));
                }
                other => {
                    value.push(other);
                    self.next();
                }
            }
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn name(n: &str) -> Step {
        Step::Name(n.to_owned())
    }

    #[test]
    fn filters_are_read() {
        let f: Filter = "(eq,myStruct/name,'it''s (1,2)');(in,a~1b/@key,x,y,'z')".parse().unwrap();
        assert_eq!(f.conditions[0].path, [name("myStruct"), name("name")]);
        assert_eq!(f.conditions[0].values, ["it's (1,2)"]);
        assert_eq!(f.conditions[1].path, [name("a/b"), Step::Key]);
        assert_eq!((f.conditions[1].op, f.conditions[1].values.len()), (Op::In, 3));
        assert_eq!(f.to_string().parse::<Filter>().unwrap(), f);
    }

    #[test]
    fn errors_name_the_place_and_the_mend() {
        for (text, position, says) in [
            ("", 1, "begins with '('"),
            ("eq,a,b", 1, "begins with '('"),
            ("(eqq,a,b)", 2, "no operator"),
            ("(eq,a,b", 8, "not closed"),
            ("(eq,a)", 6, "value is missing"),
            ("(eq,a,b);", 10, "begins with '('"),
            ("(eq,a,b)(eq,c,d)", 9, "follows a condition"),
            ("(eq,a,b,c)", 7, "takes one value"),
            ("(eq,a//b,c)", 7, "name is missing"),
            ("(eq,a~x,c)", 7, "no known escape"),
            ("(eq,a,'b)", 7, "quote is not closed"),
            ("(eq,a,b'c)", 8, "inside an unquoted value"),
            ("(eq,ü@,b)", 6, "only in @key"),
        ] {
            let error = text.parse::<Filter>().unwrap_err();
            assert_eq!(error.position, position, "{text}: {error}");
            assert!(error.message.contains(says), "{text}: {error}");
        }
        let many = vec!["(eq,a,b)"; 33].join(";");
        assert!(many.parse::<Filter>().is_err());
        assert_eq!("(eqq,a,b)".parse::<Filter>().unwrap_err().mend.unwrap().split('?').next(), Some("did you mean eq"));
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in ".{0,60}") {
            let _ = text.parse::<Filter>();
        }

        #[test]
        fn what_is_written_is_read_back(
            names in prop::collection::vec("[a-z~/,@ü(]{1,5}".prop_filter("no key", |n| !n.contains('(')), 1..4),
            values in prop::collection::vec("[a-z',)(; ]{0,6}", 1..4),
        ) {
            let path = names.iter().map(|n| Step::Name(n.clone())).collect();
            let filter = Filter { conditions: vec![Condition { op: Op::In, path, values }] };
            prop_assert_eq!(filter.to_string().parse::<Filter>().unwrap(), filter);
        }
    }
}
