//! What the services said to each other, held against the ETSI schemas.

use std::path::Path;

use reference_points::conformance::{Exchange, Schemas};

use crate::lab::Lab;

/// Asserts that every recorded exchange that SOL003 or SOL005 define keeps to the schemas; how many those were. `None`
/// when the schemas are not here, which is said.
pub fn check(lab: &Lab) -> Option<usize> {
    let Some(shared) = std::env::var_os("MANO_SHARED") else {
        println!("SKIPPED: MANO_SHARED is not set: there are no ETSI schemas to validate against");
        return None;
    };
    let schemas = Schemas::load(Path::new(&shared)).unwrap_or_else(|e| panic!("{e}"));
    let (mut covered, mut violations) = (0, Vec::new());
    for file in lab.exchanges() {
        let text = std::fs::read_to_string(&file).expect("recorded exchanges");
        for line in text.lines() {
            let exchange = Exchange::from_line(line).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            if schemas.covers(&exchange) {
                covered += 1;
                violations.extend(schemas.check(&exchange).iter().map(ToString::to_string));
            }
        }
    }
    violations.sort();
    violations.dedup();
    assert!(
        violations.is_empty(),
        "{} violations in {covered} exchanges:\n{}",
        violations.len(),
        violations.join("\n")
    );
    Some(covered)
}
