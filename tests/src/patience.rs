//! Waiting for what comes about by itself and is told to nobody.

use std::time::{Duration, Instant};

/// The longest that something may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Asks until what is found is as wanted.
pub async fn until<T: std::fmt::Debug>(mut ask: impl AsyncFnMut() -> T, wanted: impl Fn(&T) -> bool) -> T {
    let begun = Instant::now();
    loop {
        let found = ask().await;
        if wanted(&found) {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{found:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
