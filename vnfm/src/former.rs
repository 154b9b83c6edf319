//! What VIMs keep from before returns to snapshots is let go once the operation rests, whatever became of it. It is noted in
//! the transaction in which that is written, so that none is forgotten over a restart.

use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::store::snapshots;

/// How long to wait before a VIM that did not answer is asked again.
const AGAIN: Duration = Duration::from_secs(30);

/// Lets go until the service ends.
///
/// # Errors
/// None.
pub async fn let_go(shutdown: CancellationToken, app: App) -> Result<(), Infallible> {
    let mut changes = app.engine.watch();
    loop {
        let left = round(&app).await;
        let pause = tokio::time::sleep(if left { AGAIN } else { Duration::from_secs(3600) });
        tokio::pin!(pause);
        loop {
            let change = tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                () = &mut pause => break,
                change = changes.recv() => change,
            };
            match change {
                // Something is noted only in the transaction in which an operation comes to rest.
                Ok(change) if !change.came_to_rest() => {}
                Ok(_) | Err(RecvError::Lagged(_)) => break,
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    }
}

/// Whether something is left to be let go.
async fn round(app: &App) -> bool {
    let formers = match snapshots::formers(&app.db).await {
        Ok(formers) => formers,
        Err(error) => {
            tracing::warn!(%error, "what VIMs keep from before returns to snapshots cannot be read");
            return true;
        }
    };
    let mut left = false;
    for former in formers {
        let gone = app.vi.0.let_go(&former.at, former.compute, former.revert).await;
        if let Err(error) = gone {
            tracing::warn!(compute = %former.compute, %error, "a VIM could not let the former disks go; it is asked again");
            left = true;
        } else if let Err(error) = snapshots::drop_former(&app.db, &former).await {
            tracing::warn!(compute = %former.compute, %error, "that former disks are gone could not be noted");
            left = true;
        }
    }
    left
}
