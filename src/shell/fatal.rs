//! The one way for an actor to end the node.

use tokio::sync::mpsc;

/// Ends the node with a reason. Nothing is promised to anybody after it was raised.
#[derive(Debug, Clone)]
pub struct Fatal(mpsc::Sender<String>);

/// A way to raise, and the end at which it is heard.
pub fn fatal_channel() -> (Fatal, mpsc::Receiver<String>) {
    // One is enough: the first reason ends the node.
    let (sender, receiver) = mpsc::channel(1);
    (Fatal(sender), receiver)
}

impl Fatal {
    /// Ends the node. The first reason counts; later ones are only logged.
    pub fn raise(&self, reason: impl Into<String>) {
        let reason = reason.into();
        tracing::error!(error = %reason, "the node can't go on");
        // Full means that an earlier reason is being acted upon.
        let _ = self.0.try_send(reason);
    }
}
