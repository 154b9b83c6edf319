//! Trees of values written as block YAML and as XML.

use std::fmt::Write as _;

use serde_json::Value;

/// Deepest nesting written; what lies deeper is written in one line.
const DEEPEST: usize = 90;

/// YAML with one key or item a line.
pub fn yaml(tree: &Value) -> String {
    let mut out = String::new();
    block(tree, 0, &mut out);
    out
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

fn block(value: &Value, depth: usize, out: &mut String) {
    let pad = 2 * depth;
    let put = |value: &Value, out: &mut String| {
        if is_block(value) && depth < DEEPEST {
            out.push('\n');
            block(value, depth + 1, out);
        } else {
            out.push(' ');
            flow(value, out);
            out.push('\n');
        }
    };
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                let _ = write!(out, "{:pad$}", "");
                scalar(key, out);
                out.push(':');
                put(value, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for value in items {
                let _ = write!(out, "{:pad$}-", "");
                put(value, out);
            }
        }
        other => {
            flow(other, out);
            out.push('\n');
        }
    }
}

fn flow(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => scalar(text, out),
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

/// Without quotes where that means the same.
fn scalar(text: &str, out: &mut String) {
    let bare = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || " _-./:".contains(c))
        && !text.contains(": ")
        && !text.ends_with([':', ' '])
        && !["true", "false", "null", "yes", "no", "on", "off"].contains(&text.to_ascii_lowercase().as_str());
    if bare {
        out.push_str(text);
    } else {
        let _ = write!(out, "{}", Value::String(text.to_owned()));
    }
}

/// XML: a list is a repeated element, the name of a module before a colon is left out.
pub fn xml(tree: &Value) -> String {
    let mut out = String::from("<?xml version=\"1.0\"?>\n");
    for (key, value) in tree.as_object().into_iter().flatten() {
        element(key, value, true, 0, &mut out);
    }
    out
}

fn element(key: &str, value: &Value, root: bool, depth: usize, out: &mut String) {
    if let Value::Array(items) = value
        && depth < DEEPEST
    {
        items.iter().for_each(|item| element(key, item, root, depth + 1, out));
        return;
    }
    let name = key.rsplit(':').next().unwrap_or(key);
    let pad = 2 * depth;
    let namespace = if root { " xmlns=\"urn:etsi:nfv:yang:etsi-nfv-descriptors\"" } else { "" };
    let _ = write!(out, "{:pad$}<{name}{namespace}>", "");
    match value {
        Value::Object(map) => {
            out.push('\n');
            map.iter().for_each(|(k, v)| element(k, v, false, depth + 1, out));
            let _ = write!(out, "{:pad$}", "");
        }
        Value::String(text) => escape(text, out),
        other => escape(&other.to_string(), out),
    }
    let _ = writeln!(out, "</{name}>");
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\0' => out.push_str("&#0;"),
            c => out.push(c),
        }
    }
}
