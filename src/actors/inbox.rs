//! Inbox: the mailbox of what this node's owner receives.

use super::{CatchUp, TICK};
use crate::keys::{NoteText, OpenError};
use crate::messages::inbox::{CountUnread, MarkRead, OwnNewsTold, TakeDelivery};
use crate::messages::store::RowsCommitted;
use crate::protocol::delivery::Judgement;
use crate::shell::{Answered, InboxShell};
use crate::wire::Receipt;
use actix::{Actor, AsyncContext, Context, Handler};

/// Messages that may wait here: what ledger and store tell, and the API.
const MAILBOX: usize = 1024;

/// The actor around the shell.
pub struct InboxActor {
    shell: InboxShell,
}

impl InboxActor {
    /// Around a shell that has not begun.
    pub fn new(shell: InboxShell) -> Self {
        Self { shell }
    }
}

impl Actor for InboxActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.notify(CatchUp);
        ctx.run_interval(TICK, |actor, _| actor.shell.tick());
    }
}

impl Handler<CatchUp> for InboxActor {
    type Result = ();

    fn handle(&mut self, _: CatchUp, ctx: &mut Self::Context) {
        if self.shell.catch_up() {
            super::catch_up_later(ctx);
        }
    }
}

super::hand_to_shell!(InboxActor {
    Answered<u64, Judgement> => judged,
    Answered<u64, Receipt> => signed,
    Answered<u64, Result<NoteText, OpenError>> => opened,
    CountUnread => unread,
    OwnNewsTold => ledger_told,
    MarkRead => read,
    RowsCommitted => committed,
    TakeDelivery => delivered,
});
