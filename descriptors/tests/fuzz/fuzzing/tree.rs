//! Changes to trees of values: what comes out is always well-formed, so it gets past the parsers of JSON, XML and YAML.

use serde_json::{Map, Value};

use super::rng::Rng;
use super::words;

/// Most nodes that a tree may grow to.
const MAX_NODES: usize = 3000;

/// Names with values found in the seeds.
#[derive(Debug, Default)]
pub struct Pool(Vec<(String, Value)>);

impl Pool {
    /// Everything in these trees that is not too large.
    pub fn of<'a>(trees: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut pool = Self::default();
        for tree in trees {
            pool.add("", tree);
        }
        pool
    }

    fn add(&mut self, key: &str, value: &Value) {
        if nodes(value) <= 60 {
            self.0.push((key.to_owned(), value.clone()));
        }
        match value {
            Value::Object(map) => map.iter().for_each(|(k, v)| self.add(k, v)),
            Value::Array(items) => items.iter().for_each(|v| self.add(key, v)),
            _ => {}
        }
    }

    fn any(&self, rng: &mut Rng) -> (String, Value) {
        self.0[rng.below(self.0.len())].clone()
    }

    /// A value, of the same name if there is one nearby.
    fn like(&self, key: &str, rng: &mut Rng) -> Value {
        let from = rng.below(self.0.len());
        let near = (0..64).map(|n| &self.0[(from + n * 7) % self.0.len()]);
        let same = near.into_iter().find(|(k, _)| k == key);
        same.unwrap_or(&self.0[from]).1.clone()
    }
}

/// How many values a tree has.
pub fn nodes(value: &Value) -> usize {
    1 + match value {
        Value::Object(map) => map.values().map(nodes).sum(),
        Value::Array(items) => items.iter().map(nodes).sum(),
        _ => 0,
    }
}

/// Some container of the tree, mostly a deep one.
fn container<'a>(tree: &'a mut Value, rng: &mut Rng) -> &'a mut Value {
    let mut node = tree;
    for _ in 0..1 + rng.below(9) {
        let below = |v: &Value| v.is_object() || v.is_array();
        let found: Vec<usize> = match &*node {
            Value::Object(map) => map.values().enumerate().filter(|(_, v)| below(v)).map(|(i, _)| i).collect(),
            Value::Array(items) => items.iter().enumerate().filter(|(_, v)| below(v)).map(|(i, _)| i).collect(),
            _ => Vec::new(),
        };
        if found.is_empty() || rng.once_in(8) {
            break;
        }
        let which = found[rng.below(found.len())];
        node = match node {
            Value::Object(map) => map.values_mut().nth(which).unwrap(),
            Value::Array(items) => &mut items[which],
            other => other,
        };
    }
    node
}

/// Makes the tree large: one part of it many times, each time with names of its own, so that a reader whose time grows
/// faster than its input takes too long.
pub fn swell(tree: &mut Value, rng: &mut Rng) {
    let wanted = [3000, 15_000, 60_000][rng.below(3)];
    let renamed = rng.once_in(2);
    match container(tree, rng) {
        Value::Object(map) if !map.is_empty() => {
            let (key, value) = map.iter().nth(rng.below(map.len())).map(|(k, v)| (k.clone(), v.clone())).unwrap();
            for n in 0..wanted / nodes(&value) {
                map.insert(format!("{key}{n}"), if renamed { numbered(&value, n) } else { value.clone() });
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let value = items[rng.below(items.len())].clone();
            let more = (0..wanted / nodes(&value)).map(|n| if renamed { numbered(&value, n) } else { value.clone() });
            items.extend(more);
        }
        _ => {}
    }
}

/// The value with new keys in it where it is a map of maps, and new texts where these look like names.
fn numbered(value: &Value, n: usize) -> Value {
    match value {
        Value::Object(map) => {
            let one = map.len() == 1;
            let named = |(k, v): (&String, &Value)| (if one { format!("{k}{n}") } else { k.clone() }, numbered(v, n));
            Value::Object(map.iter().map(named).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(|v| numbered(v, n)).collect()),
        Value::String(text) if text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') => {
            Value::String(format!("{text}{n}"))
        }
        other => other.clone(),
    }
}

/// Changes the tree in a few places. Same generator, same result.
pub fn change(tree: &mut Value, pool: &Pool, rng: &mut Rng) {
    for _ in 0..rng.few() {
        if nodes(tree) > MAX_NODES {
            return;
        }
        match container(tree, rng) {
            Value::Object(map) => in_map(map, pool, rng),
            Value::Array(items) => in_list(items, pool, rng),
            other => *other = scalar(rng),
        }
    }
}

fn scalar(rng: &mut Rng) -> Value {
    let text = rng.pick(words::VALUES);
    match serde_json::from_str(text) {
        Ok(value) if !rng.once_in(3) => value,
        _ => Value::String(text.to_owned()),
    }
}

/// A value that stands for another one.
fn instead(key: &str, old: &Value, pool: &Pool, rng: &mut Rng) -> Value {
    match rng.below(12) {
        0..=3 => scalar(rng),
        4..=6 => pool.like(key, rng),
        7 => pool.any(rng).1,
        8 => Value::Array(vec![old.clone()]),
        9 => {
            let mut map = Map::new();
            map.insert(pool.any(rng).0, old.clone());
            Value::Object(map)
        }
        10 => {
            let mut deep = old.clone();
            for _ in 0..[3, 30, 70][rng.below(3)] {
                deep = Value::Array(vec![deep]);
            }
            deep
        }
        _ => {
            [Value::Null, Value::Bool(true), Value::Array(Vec::new()), Value::Object(Map::new())][rng.below(4)].clone()
        }
    }
}

fn in_map(map: &mut Map<String, Value>, pool: &Pool, rng: &mut Rng) {
    let keys: Vec<String> = map.keys().cloned().collect();
    if keys.is_empty() {
        let (key, value) = pool.any(rng);
        map.insert(key, value);
        return;
    }
    let key = &keys[rng.below(keys.len())];
    match rng.below(10) {
        0 => drop(map.shift_remove(key)),
        1 | 2 => {
            let (key, value) = pool.any(rng);
            map.insert(key, value);
        }
        3 => {
            // The same under another name.
            let value = map.get(key).cloned().unwrap_or_default();
            let other = if rng.once_in(2) { format!("{key}{}", rng.below(3)) } else { pool.any(rng).0 };
            map.insert(other, value);
        }
        4 => {
            let value = map.shift_remove(key).unwrap_or_default();
            let other = pool.any(rng).0;
            map.insert(other, value);
        }
        5 if keys.len() > 3 => {
            // Only some are left: what refers to the others refers to nothing.
            let kept = 1 + rng.below(3);
            map.retain(|_, _| rng.below(4) < kept);
        }
        6 => {
            let other = keys[rng.below(keys.len())].clone();
            let (one, two) = (map.get(key).cloned(), map.get(&other).cloned());
            map.insert(key.clone(), two.unwrap_or_default());
            map.insert(other, one.unwrap_or_default());
        }
        _ => {
            let value = instead(key, map.get(key).unwrap_or(&Value::Null), pool, rng);
            map.insert(key.clone(), value);
        }
    }
}

fn in_list(items: &mut Vec<Value>, pool: &Pool, rng: &mut Rng) {
    if items.is_empty() {
        items.push(pool.any(rng).1);
        return;
    }
    let at = rng.below(items.len());
    match rng.below(8) {
        0 => drop(items.remove(at)),
        1 => items.insert(at, items[at].clone()),
        2 => {
            let other = rng.below(items.len());
            items.swap(at, other);
        }
        3 => {
            let times = [3, 20, 200][rng.below(3)].min(MAX_NODES / nodes(&items[at]));
            items.extend(std::iter::repeat_n(items[at].clone(), times));
        }
        4 => items.truncate(at),
        5 => items.push(pool.any(rng).1),
        _ => items[at] = instead("", &items[at], pool, rng),
    }
}
