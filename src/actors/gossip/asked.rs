//! What Gossip is asked and told from above: by the API, and by who stops the node.

use super::GossipActor;
use crate::messages::gossip::{
    CloseSessions, GetGossipStatus, GossipStatus, SessionStatus, SyncFrom,
};
use crate::messages::session::SessionCommand;
use crate::protocol::gossip::peers::Direction;
use actix::{Handler, MessageResult};

impl Handler<GetGossipStatus> for GossipActor {
    type Result = MessageResult<GetGossipStatus>;

    fn handle(&mut self, _: GetGossipStatus, _: &mut Self::Context) -> Self::Result {
        let sessions = self
            .gossip
            .sessions()
            .map(|(session, view)| SessionStatus {
                key: view.key,
                address: self
                    .sessions
                    .get(&session)
                    .map_or(String::new(), |h| h.address.clone()),
                outgoing: view.direction == Direction::Outgoing,
                height: view.height,
            })
            .collect();
        MessageResult(GossipStatus {
            sessions,
            blocks_in_flight: self.gossip.blocks_in_flight(),
        })
    }
}

impl Handler<SyncFrom> for GossipActor {
    type Result = Option<u64>;

    fn handle(&mut self, message: SyncFrom, ctx: &mut Self::Context) -> Self::Result {
        let (height, effects) = self.gossip.prefer(&message.0, self.clock.steady())?;
        self.carry_out(effects, ctx);
        Some(height)
    }
}

impl Handler<CloseSessions> for GossipActor {
    type Result = ();

    fn handle(&mut self, _: CloseSessions, _: &mut Self::Context) {
        self.closing = true;
        let sessions: Vec<_> = self.sessions.keys().copied().collect();
        for session in sessions {
            self.command(
                session,
                SessionCommand::Close("this node is stopping".into()),
            );
        }
    }
}
