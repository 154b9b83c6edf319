//! Background tasks of one driver: they end with the service, or with the driver.

use service::run::Setup;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Starts tasks for one driver or one host of it.
#[derive(Debug, Clone)]
pub struct Tasks {
    setup: Setup,
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Tasks {
    /// Tasks that end with the service.
    pub fn new(setup: &Setup) -> Self {
        Self { setup: setup.clone(), stop: setup.shutdown.child_token(), tracker: TaskTracker::new() }
    }

    /// Tasks that end with these, or earlier.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { setup: self.setup.clone(), stop: self.stop.child_token(), tracker: TaskTracker::new() }
    }

    /// Runs `work` until it is done or the tasks shall end. It is dropped wherever it waits, so it must be safe to begin
    /// anew at any point.
    pub fn spawn<F>(&self, name: &'static str, work: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = self.stop.clone();
        let token = self.tracker.token();
        self.setup.spawn(name, async move {
            let _token = token;
            tokio::select! {
                () = stop.cancelled() => {}
                () = work => {}
            }
            Ok::<_, std::convert::Infallible>(())
        });
    }

    /// Fires when the tasks shall end.
    pub fn stopped(&self) -> &CancellationToken {
        &self.stop
    }

    /// Ends the tasks and waits for them.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}
