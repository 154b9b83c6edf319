//! One at a time for each id.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

/// Hands out turns by id.
#[derive(Debug, Default)]
pub struct Turns(Mutex<HashMap<Uuid, Weak<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// Waits until nobody else works on this id; the turn ends when the guard is dropped.
    pub async fn take(&self, id: Uuid) -> OwnedMutexGuard<()> {
        let lock = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, lock| lock.strong_count() > 0);
            match turns.get(&id).and_then(Weak::upgrade) {
                Some(lock) => lock,
                None => {
                    let lock = Arc::new(tokio::sync::Mutex::new(()));
                    turns.insert(id, Arc::downgrade(&lock));
                    lock
                }
            }
        };
        lock.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_same_id_waits_and_another_does_not() {
        let turns = Turns::default();
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let first = turns.take(a).await;
        let _other = turns.take(b).await;
        assert!(futures::poll!(std::pin::pin!(turns.take(a))).is_pending());
        drop(first);
        let _second = turns.take(a).await;
        assert_eq!(turns.0.lock().unwrap_or_else(PoisonError::into_inner).len(), 2);
    }
}
