//! Collecting findings while reading, with the sources at hand to quote them.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::{Diagnostic, Diagnostics, Severity};
use crate::codes::Code;

/// A file known to a [`Sink`]; positions refer to it by this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(u32);

impl FileId {
    /// The definitions built into this crate; findings never quote them.
    pub(crate) const BUILTIN: Self = Self(u32::MAX);
}

/// A place in a file. Line and column count from 1; line 0 stands for the file as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pos {
    /// The file.
    pub file: FileId,
    /// Line from 1, or 0 for the whole file.
    pub line: u32,
    /// Column from 1.
    pub column: u32,
}

impl Pos {
    /// The file as a whole.
    #[must_use]
    pub fn whole(file: FileId) -> Self {
        Self { file, line: 0, column: 0 }
    }
}

#[derive(Debug)]
struct Source {
    name: String,
    /// Byte offset of each line's start; empty when the text is not held.
    text: String,
    starts: Vec<usize>,
}

/// Longest source line quoted, in characters.
const EXCERPT_CHARS: usize = 160;
/// Longest message and longest mend kept, in bytes: a name in them may be as long as its file.
const WORDS_BYTES: usize = 2000;
/// Findings kept; what comes after is only counted, so that hostile input cannot fill memory.
const MAX_FINDINGS: usize = 500;

/// Collects findings while reading, and knows the sources so that it can quote them.
#[derive(Debug, Default)]
pub struct Sink {
    sources: Vec<Source>,
    found: Vec<Diagnostic>,
    seen: HashSet<(&'static str, Option<Pos>, String)>,
    error_at: HashSet<Pos>,
    failed: bool,
    /// How many of `found` are errors.
    errors: usize,
    dropped: usize,
}

/// The text, cut where it is longer than anybody reads.
fn shortened(mut text: String) -> String {
    if text.len() > WORDS_BYTES {
        text.truncate(text.floor_char_boundary(WORDS_BYTES));
        text.push('…');
    }
    text
}

impl Sink {
    /// An empty collector.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a file's name and text known, so that findings can quote it.
    pub fn add_source(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        let text = text.into();
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(i, _)| i + 1)).collect();
        let id = FileId(u32::try_from(self.sources.len()).unwrap_or(u32::MAX));
        self.sources.push(Source { name: name.into(), text, starts });
        id
    }

    /// The name under which a file was added.
    #[must_use]
    pub fn file_name(&self, file: FileId) -> &str {
        self.sources.get(file.0 as usize).map_or("", |s| s.name.as_str())
    }

    /// `file:line` of a position, for messages that name a second place.
    #[must_use]
    pub fn place(&self, at: Pos) -> String {
        if at.line == 0 {
            self.file_name(at.file).to_owned()
        } else {
            format!("{}:{}", self.file_name(at.file), at.line)
        }
    }

    fn excerpt(&self, at: Pos) -> Option<String> {
        let source = self.sources.get(at.file.0 as usize)?;
        let start = *source.starts.get((at.line as usize).checked_sub(1)?)?;
        // A line may be as long as the file; only what is shown is looked at.
        let line = source.text.get(start..)?.chars().take_while(|c| !matches!(c, '\n' | '\r'));
        let cut: String = line.take(EXCERPT_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
        (!cut.trim().is_empty()).then_some(cut)
    }

    /// Reports an error.
    pub fn error(&mut self, code: &'static Code, at: impl Into<Option<Pos>>, message: impl Into<String>) {
        self.report(Severity::Error, code, at.into(), message.into(), None);
    }

    /// Reports an error together with the smallest mend.
    pub fn error_mend(
        &mut self,
        code: &'static Code,
        at: impl Into<Option<Pos>>,
        message: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.report(Severity::Error, code, at.into(), message.into(), Some(mend.into()));
    }

    /// Reports a departure from the standard whose meaning is clear.
    pub fn warn(
        &mut self,
        code: &'static Code,
        at: impl Into<Option<Pos>>,
        message: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.report(Severity::Warning, code, at.into(), message.into(), Some(mend.into()));
    }

    /// Reports a finding. The same code with the same words at the same place is kept once. When there is no room left, an
    /// error takes the place of what is no error: whoever judges by the findings must see that there is one.
    pub fn report(
        &mut self,
        severity: Severity,
        code: &'static Code,
        at: Option<Pos>,
        message: String,
        mend: Option<String>,
    ) {
        if severity == Severity::Error {
            self.failed = true;
            if let (Some(at), false) = (at, self.is_full()) {
                self.error_at.insert(at);
            }
        }
        let room = self.found.len() < MAX_FINDINGS;
        if !room && (severity != Severity::Error || self.errors >= MAX_FINDINGS) {
            self.dropped += 1;
            return;
        }
        let (message, mend) = (shortened(message), mend.map(shortened));
        if !self.seen.insert((code.id, at, message.clone())) {
            return;
        }
        if !room && let Some(milder) = self.found.iter().rposition(|d| d.severity != Severity::Error) {
            self.found.remove(milder);
            self.dropped += 1;
        }
        self.errors += usize::from(severity == Severity::Error);
        let known = at.filter(|p| (p.file.0 as usize) < self.sources.len());
        let line = known.filter(|p| p.line > 0);
        self.found.push(Diagnostic {
            severity,
            code: Cow::Borrowed(code.id),
            message,
            mend: mend.filter(|m| !m.is_empty()),
            file: known.map(|p| self.file_name(p.file).to_owned()),
            line: line.map(|p| p.line),
            column: line.map(|p| p.column),
            excerpt: line.and_then(|p| self.excerpt(p)),
            clause: (!code.clause.is_empty()).then_some(Cow::Borrowed(code.clause)),
        });
    }

    /// Whether an error was already reported for exactly this place; a later reader of the same value then keeps quiet.
    #[must_use]
    pub fn has_error_at(&self, at: Pos) -> bool {
        self.error_at.contains(&at)
    }

    /// Whether there is no room for more and an error among what is kept; then the work of wording more can be saved.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.found.len() >= MAX_FINDINGS && self.errors > 0
    }

    /// Counts an error that nobody words any more, because the sink is full.
    pub(crate) fn unworded_error(&mut self) {
        self.failed = true;
        self.dropped += 1;
    }

    /// Whether any error was reported.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.failed
    }

    /// Whether any error was reported but those of one code.
    pub(crate) fn has_errors_beside(&self, code: &'static Code) -> bool {
        let same = |d: &&Diagnostic| d.severity == Severity::Error && d.code == code.id;
        self.failed && self.found.iter().filter(same).count() != self.error_count()
    }

    fn error_count(&self) -> usize {
        self.dropped + self.errors
    }

    /// Hands the findings out, ordered by file and line, errors of unknown place first.
    #[must_use]
    pub fn finish(mut self) -> Diagnostics {
        let order: HashMap<&str, usize> =
            self.sources.iter().enumerate().rev().map(|(i, s)| (s.name.as_str(), i)).collect();
        self.found.sort_by_key(|d| {
            (d.file.as_deref().and_then(|f| order.get(f)).copied(), d.line, d.column, std::cmp::Reverse(d.severity))
        });
        if self.dropped > 0 {
            let unseen = self.failed && self.errors == 0;
            self.found.push(Diagnostic {
                severity: if unseen { Severity::Error } else { Severity::Note },
                code: Cow::Borrowed(crate::codes::TOO_MANY_FINDINGS.id),
                message: format!("{} further findings are not shown", self.dropped),
                mend: Some("mend the ones above and read the package again".to_owned()),
                file: None,
                line: None,
                column: None,
                excerpt: None,
                clause: None,
            });
        }
        Diagnostics(self.found)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn text_quotes_the_line_and_points_at_the_column() {
        let mut sink = Sink::new();
        let file = sink.add_source("a.yaml", "one: 1\ntwo: 2\n");
        sink.error_mend(&crate::codes::YAML_SYNTAX, Pos { file, line: 2, column: 6 }, "the number is wrong", "write 3");
        let text = sink.finish().to_string();
        assert!(text.contains("a.yaml:2:6"), "{text}");
        assert!(text.contains(" 2 | two: 2"), "{text}");
        assert!(text.contains("   |      ^"), "{text}");
        assert!(text.contains("mend: write 3"), "{text}");
        assert!(text.ends_with("1 error"), "{text}");
    }

    #[test]
    fn the_same_finding_is_kept_once_and_json_reads_back() {
        let mut sink = Sink::new();
        sink.error(&crate::codes::YAML_SYNTAX, None, "x");
        sink.error(&crate::codes::YAML_SYNTAX, None, "x");
        let all = sink.finish();
        assert_eq!(all.len(), 1);
        let back: Diagnostics = serde_json::from_value(all.to_json()).unwrap();
        assert_eq!(back, all);
    }

    #[test]
    fn findings_are_bounded() {
        let mut sink = Sink::new();
        for i in 0..(MAX_FINDINGS + 20) {
            sink.error(&crate::codes::YAML_SYNTAX, None, format!("fault {i}"));
        }
        let all = sink.finish();
        assert_eq!(all.len(), MAX_FINDINGS + 1);
        assert!(all.iter().last().unwrap().message.starts_with("20 further"));
    }

    #[test]
    fn words_are_bounded() {
        let mut sink = Sink::new();
        let name = "é".repeat(100_000);
        sink.error_mend(&crate::codes::YAML_SYNTAX, None, format!("`{name}` is not there"), format!("not `{name}`"));
        let all = sink.finish();
        let first = all.iter().next().unwrap();
        assert!(first.message.starts_with("`éé") && first.message.ends_with('…') && first.message.len() <= 2010);
        assert!(first.mend.as_ref().unwrap().len() <= 2010);
    }

    #[test]
    fn an_error_is_seen_however_many_warnings_there_are() {
        let mut sink = Sink::new();
        for i in 0..(MAX_FINDINGS + 20) {
            sink.warn(&crate::codes::YAML_SYNTAX, None, format!("bend {i}"), "");
        }
        assert!(!sink.has_errors() && !sink.is_full(), "errors must still be worded");
        sink.error(&crate::codes::YAML_BUDGET, None, "the error");
        assert!(sink.has_errors() && sink.is_full());
        let all = sink.finish();
        assert_eq!(all.errors().map(|d| d.message.as_str()).collect::<Vec<_>>(), ["the error"]);
        assert_eq!(all.len(), MAX_FINDINGS + 1);
        assert!(all.iter().last().unwrap().message.starts_with("21 further"));
    }

    #[test]
    fn an_error_counts_even_when_nobody_words_it() {
        let mut sink = Sink::new();
        for i in 0..MAX_FINDINGS {
            sink.warn(&crate::codes::YAML_SYNTAX, None, format!("bend {i}"), "");
        }
        sink.unworded_error();
        assert!(sink.has_errors());
        let all = sink.finish();
        assert_eq!((all.len(), all.has_errors()), (MAX_FINDINGS + 1, true));
    }
}
