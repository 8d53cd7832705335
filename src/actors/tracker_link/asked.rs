//! What the link is asked and told from above: by the API, and by who stops the node.

use super::TrackerLinkActor;
use crate::keys::PublicKey;
use crate::messages::introducer::TellIntroducer;
use crate::messages::session::SessionCommand;
use crate::messages::tracker_link::{
    AcceptChangedKey, AcceptError, CloseLink, LeaveError, LeaveNetwork,
};
use actix::{Handler, ResponseFuture};
use tokio::sync::oneshot;

impl Handler<LeaveNetwork> for TrackerLinkActor {
    type Result = ResponseFuture<Result<(), LeaveError>>;

    fn handle(&mut self, _: LeaveNetwork, ctx: &mut Self::Context) -> Self::Result {
        if !self.link.is_registered() {
            return Box::pin(std::future::ready(Err(LeaveError::NotRegistered)));
        }
        let (leaving, left) = oneshot::channel();
        self.leaving = Some(leaving);
        let effects = self.link.leave(self.clock.now());
        self.carry_out(effects, ctx);
        Box::pin(async move { left.await.unwrap_or(Err(LeaveError::CutOff)) })
    }
}

impl Handler<AcceptChangedKey> for TrackerLinkActor {
    type Result = Result<(PublicKey, PublicKey), AcceptError>;

    fn handle(&mut self, message: AcceptChangedKey, ctx: &mut Self::Context) -> Self::Result {
        let name = message.0;
        let (keys, effects) = self.link.accept_changed_key(&name);
        self.carry_out(effects, ctx);
        let (former, key) = keys.ok_or_else(|| AcceptError::NothingChanged(name.clone()))?;
        tracing::info!(member = %name, former = %former.to_address(), key = %key.to_address(), "changed key accepted by the owner");
        Ok((former, key))
    }
}

impl Handler<CloseLink> for TrackerLinkActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: CloseLink, ctx: &mut Self::Context) -> Self::Result {
        let (closing, closed) = oneshot::channel();
        self.closing = Some(closing);
        self.tell_introducers(&TellIntroducer::Close);
        let sessions: Vec<_> = self.sessions.keys().copied().collect();
        for session in sessions {
            self.command(
                session,
                SessionCommand::Close("this node is stopping".into()),
            );
        }
        self.end_if_closed(ctx);
        Box::pin(async move {
            // Dropped with the actor, which has ended then.
            let _ = closed.await;
        })
    }
}
