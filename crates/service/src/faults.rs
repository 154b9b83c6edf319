//! Every fault of a document at once: serde stops at the first error, so the faulty place is mended in a copy and the
//! document is read again, until it reads or nothing more can be mended.

use reference_points::common::Fault;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Most faults reported for one document.
const MAX_FAULTS: usize = 32;
/// Most readings of one document.
const MAX_READINGS: usize = 600;
/// Larger documents (bytes of JSON) report their first fault only: each further one costs another reading.
pub const MAX_BYTES_FOR_ALL: usize = 64 * 1024;

/// Step of a path inside a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum At {
    Key(String),
    Index(usize),
}

/// A fault with the path it stands at.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub path: Vec<At>,
    pub message: String,
    pub mend: Option<String>,
}

impl Found {
    /// As a JSON pointer (RFC 6901); the whole document is `/`.
    pub fn pointer(&self) -> String {
        if self.path.is_empty() {
            return "/".to_owned();
        }
        self.path
            .iter()
            .map(|at| match at {
                At::Key(key) => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
                At::Index(i) => format!("/{i}"),
            })
            .collect()
    }

    fn fault(self) -> Fault {
        Fault { location: self.pointer(), message: self.message, mend: self.mend }
    }
}

/// Reads `document` as `T`, or says everything that stands in the way.
///
/// # Errors
/// The faults, each located by a JSON pointer; at least one.
pub fn read<T: DeserializeOwned>(document: Value, all: bool) -> Result<T, Vec<Fault>> {
    match serde_path_to_error::deserialize::<_, T>(&document) {
        Ok(value) => Ok(value),
        Err(_) => Err(find::<T>(document, all).into_iter().map(Found::fault).collect()),
    }
}

pub(crate) fn find<T: DeserializeOwned>(mut document: Value, all: bool) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut readings = 0;
    while let Some(error) = attempt::<T>(&document, &mut readings) {
        let (fault, trial) = explain(error);
        let repeated = found.iter().any(|f| f.path == fault.path);
        if !repeated {
            found.push(fault.clone());
        }
        if !all || repeated || found.len() >= MAX_FAULTS || !mend::<T>(&mut document, &fault.path, trial, &mut readings)
        {
            break;
        }
    }
    found
}

/// What could make the faulty place readable.
enum Trial {
    Remove,
    Try(Vec<Value>),
}

fn attempt<T: DeserializeOwned>(
    document: &Value,
    readings: &mut usize,
) -> Option<serde_path_to_error::Error<serde_json::Error>> {
    *readings += 1;
    serde_path_to_error::deserialize::<_, T>(document).err()
}

/// Puts something readable at `path`; false when nothing is.
fn mend<T: DeserializeOwned>(document: &mut Value, path: &[At], trial: Trial, readings: &mut usize) -> bool {
    match trial {
        Trial::Remove => remove(document, path),
        Trial::Try(values) => {
            for value in values {
                if *readings >= MAX_READINGS || !place(document, path, value) {
                    return false;
                }
                match attempt::<T>(document, readings) {
                    None => return true,
                    Some(error) => {
                        let (next, _) = explain(error);
                        if !next.path.starts_with(path) {
                            return true;
                        }
                    }
                }
            }
            // Last resort: an optional attribute can be left out.
            remove(document, path)
        }
    }
}

fn parent<'a>(document: &'a mut Value, path: &[At]) -> Option<&'a mut Value> {
    let mut at = document;
    for step in path {
        at = match step {
            At::Key(key) => at.get_mut(key.as_str())?,
            At::Index(i) => at.get_mut(*i)?,
        };
    }
    Some(at)
}

fn place(document: &mut Value, path: &[At], value: Value) -> bool {
    let Some((last, before)) = path.split_last() else {
        *document = value;
        return true;
    };
    match (last, parent(document, before)) {
        (At::Key(key), Some(Value::Object(map))) => {
            map.insert(key.clone(), value);
            true
        }
        (At::Index(i), Some(Value::Array(list))) if *i < list.len() => {
            list[*i] = value;
            true
        }
        _ => false,
    }
}

fn remove(document: &mut Value, path: &[At]) -> bool {
    let Some((last, before)) = path.split_last() else { return false };
    match (last, parent(document, before)) {
        (At::Key(key), Some(Value::Object(map))) => map.shift_remove(key).is_some(),
        (At::Index(i), Some(Value::Array(list))) if *i < list.len() => {
            list.remove(*i);
            true
        }
        _ => false,
    }
}

fn explain(error: serde_path_to_error::Error<serde_json::Error>) -> (Found, Trial) {
    use serde_path_to_error::Segment;
    let mut path: Vec<At> = error
        .path()
        .iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(At::Index(*index)),
            Segment::Map { key } => Some(At::Key(key.clone())),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect();
    let message = plain(error.inner());
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if let (true, Some(field)) = (message.starts_with("missing field"), quoted.first()) {
        path.push(At::Key((*field).to_owned()));
        let found =
            Found { path, message: "is missing".to_owned(), mend: Some(format!("add the attribute \"{field}\"")) };
        return (found, Trial::Try(samples(&[])));
    }
    if let (true, Some(field)) = (message.starts_with("unknown field"), quoted.first()) {
        if path.last() != Some(&At::Key((*field).to_owned())) {
            path.push(At::Key((*field).to_owned()));
        }
        let known = &quoted[1..];
        let mend = match nearest(field, known) {
            Some(name) => format!("did you mean \"{name}\"?"),
            None if known.is_empty() => "remove it".to_owned(),
            None => format!("known here: {}", known.join(", ")),
        };
        return (Found { path, message: format!("\"{field}\" is not known here"), mend: Some(mend) }, Trial::Remove);
    }
    if let (true, Some(variant)) = (message.starts_with("unknown variant"), quoted.first()) {
        let known = &quoted[1..];
        let mend = match nearest(variant, known) {
            Some(name) => format!("did you mean \"{name}\"? Allowed: {}", known.join(", ")),
            None => format!("allowed: {}", known.join(", ")),
        };
        let found = Found { path, message: format!("\"{variant}\" is not allowed here"), mend: Some(mend) };
        return (found, Trial::Try(samples(known)));
    }
    let mend = message.split_once(", expected ").map(|(_, expected)| format!("give {}", in_words(expected)));
    (Found { path, message: message.clone(), mend }, Trial::Try(samples(&[])))
}

/// serde_json's text without the position it appends: the document is a value by then.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(at) if error.line() > 0 => text[..at].to_owned(),
        _ => text,
    }
}

/// Values of every kind an attribute may want.
fn samples(known: &[&str]) -> Vec<Value> {
    let mut values: Vec<Value> = known.iter().take(1).map(|k| Value::from(*k)).collect();
    values.extend([
        Value::from("x"),
        Value::from(1),
        Value::from(true),
        Value::Array(Vec::new()),
        Value::Object(serde_json::Map::new()),
        Value::from("00000000-0000-4000-8000-000000000000"),
        Value::from("192.0.2.1"),
        Value::from("192.0.2.0/24"),
        Value::from("127.0.0.1:1"),
        Value::from("2020-01-01T00:00:00Z"),
        Value::from("http://127.0.0.1/"),
        Value::Null,
    ]);
    values
}

/// The known name closest to `given`, when it is close enough to be meant.
pub fn nearest<'a>(given: &str, known: &[&'a str]) -> Option<&'a str> {
    let given = given.to_lowercase();
    let limit = (given.chars().count() / 3).clamp(1, 3);
    known
        .iter()
        .map(|name| (distance(&given, &name.to_lowercase()), *name))
        .filter(|(d, _)| *d <= limit)
        .min_by_key(|(d, _)| *d)
        .map(|(_, name)| name)
}

/// Edit distance of the first 64 characters; two neighbours that changed places count as one edit.
pub fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(64).collect();
    let b: Vec<char> = b.chars().take(64).collect();
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        rows[i][0] = i;
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[a.len()][b.len()]
}

/// What serde expected, in words that need no knowledge of the program.
fn in_words(expected: &str) -> String {
    match expected {
        "usize" | "u64" | "u32" | "u16" | "u8" => "a whole number, 0 or more".to_owned(),
        "i64" | "i32" | "i16" | "i8" => "a whole number".to_owned(),
        "f64" | "f32" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        other => match other.split_once("struct ") {
            Some(_) => "an object".to_owned(),
            None => other.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Deserialize, Debug)]
    #[allow(dead_code)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        kind: Kind,
        count: u8,
    }

    #[derive(Deserialize, Debug)]
    enum Kind {
        Small,
        Large,
    }

    #[derive(Deserialize, Debug)]
    #[allow(dead_code)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Doc {
        vnfd_id: uuid::Uuid,
        name: String,
        inner: Vec<Inner>,
    }

    #[test]
    fn every_fault_is_told_with_its_place() {
        let doc = json!({"nmae": "x", "inner": [{"kind": "Lrage", "count": 300}, {"kind": "Small"}], "vnfdId": "zzz"});
        let faults = read::<Doc>(doc, true).unwrap_err();
        let mut places: Vec<&str> = faults.iter().map(|f| f.location.as_str()).collect();
        places.sort_unstable();
        assert_eq!(places, ["/inner/0/count", "/inner/0/kind", "/inner/1/count", "/name", "/nmae", "/vnfdId"]);
        let at = |p: &str| faults.iter().find(|f| f.location == p).unwrap();
        assert!(at("/nmae").mend.as_deref().unwrap().contains("name"));
        assert!(at("/inner/0/kind").mend.as_deref().unwrap().contains("Large"));
    }

    #[test]
    fn the_nearest_name_is_the_one_meant() {
        let known = ["listen", "log", "http", "auth"];
        for (given, meant) in [("lgo", Some("log")), ("Listen", Some("listen")), ("htp", Some("http")), ("zebra", None)]
        {
            assert_eq!(nearest(given, &known), meant, "{given}");
        }
    }

    #[test]
    fn a_sound_document_is_read() {
        let doc = json!({"vnfdId": "00000000-0000-4000-8000-000000000001", "name": "n", "inner": []});
        assert_eq!(read::<Doc>(doc, true).unwrap().name, "n");
    }

    #[test]
    fn a_document_of_the_wrong_kind_has_one_fault() {
        let faults = read::<Doc>(json!(3), true).unwrap_err();
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].location, "/");
    }
}
