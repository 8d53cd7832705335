//! What outbox and inbox want of Gossip.

use super::GossipActor;
use crate::messages::gossip::{AnswerDelivery, BlameSession, Deliver, ReachMember};
use actix::Handler;

impl Handler<ReachMember> for GossipActor {
    type Result = ();

    fn handle(&mut self, message: ReachMember, ctx: &mut Self::Context) {
        if self.closing {
            return;
        }
        let effects = self.gossip.reach(message.0, self.clock.steady());
        self.carry_out(effects, ctx);
    }
}

impl Handler<Deliver> for GossipActor {
    type Result = ();

    fn handle(&mut self, message: Deliver, ctx: &mut Self::Context) {
        let Deliver { to, transaction } = message;
        let effects = self.gossip.deliver(&to, transaction, self.clock.steady());
        self.carry_out(effects, ctx);
    }
}

impl Handler<BlameSession> for GossipActor {
    type Result = ();

    fn handle(&mut self, message: BlameSession, ctx: &mut Self::Context) {
        let BlameSession { session, reason } = message;
        let effects = self.gossip.blame(session, &reason, self.clock.steady());
        self.carry_out(effects, ctx);
    }
}

impl Handler<AnswerDelivery> for GossipActor {
    type Result = ();

    fn handle(&mut self, message: AnswerDelivery, ctx: &mut Self::Context) {
        self.unanswered -= 1;
        let AnswerDelivery { session, receipt } = message;
        let effects = self.gossip.answer_delivery(session, receipt);
        self.carry_out(effects, ctx);
        self.resume();
    }
}
