//! Stopping the node.

use std::sync::Arc;
use tokio::sync::Notify;

/// The owner's order to end the node, on its way to whoever carries it out. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct StopOrder(Arc<Notify>);

impl StopOrder {
    /// Gives it; it is kept until somebody listens.
    pub fn give(&self) {
        self.0.notify_one();
    }

    /// Waits until it is given.
    pub async fn given(&self) {
        self.0.notified().await;
    }
}
