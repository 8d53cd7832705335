//! Ledger: the mailbox of the judge of what is valid.

use super::TICK;
use crate::chain::ledger::{Effect, Ledger};
use crate::clock::Clock;
use crate::messages::ledger::{
    AtTip, CheckHeaders, FindMissing, GetFunds, GetLedgerStatus, GetOpenRecords,
    GetOpenTransactions, GetTemplate, GoOn, JudgeDelivery, JudgeOwn, MembersKnown,
    SignaturesChecked, SubmitBlock, SubmitMinedBlock, SubmitTransactions,
};
use crate::messages::store::RowsCommitted;
use crate::shell::{Fatal, LedgerLinks, LedgerParts, LedgerShell, Showing};
use crate::store::Disk;
use crate::verifier::Verifier;
use actix::{
    Actor, AsyncContext, Context, Handler, Message, MessageResult, ResponseFuture, StreamHandler,
};
use futures_util::stream;
use std::sync::Arc;
use std::task::{Poll, ready};
use tokio::sync::mpsc;

/// Messages that may wait here: Gossip's credit ([`crate::actors::gossip`]), the few that the API
/// and the miner have under way, and reports.
const MAILBOX: usize = 1024;
/// Checks that are heard of together at most: the blocks in them are connected in one step, and what else waits here
/// waits for it.
const TOGETHER: usize = 64;
/// Signature checks that may be done and not heard of yet; fewer are ever under way.
const CHECKS: usize = 2 * MAILBOX;

/// The actor around the shell.
pub struct LedgerActor {
    shell: LedgerShell,
    checked: Option<mpsc::Receiver<SignaturesChecked>>,
}

impl LedgerActor {
    /// Around a ledger that was opened on `disk`, and what its opening left to be done.
    pub fn new(
        opened: (Ledger, Vec<Effect>),
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        verifier: Arc<dyn Verifier>,
        showing: Arc<Showing>,
        links: LedgerLinks,
        fatal: Fatal,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(CHECKS);
        let parts = LedgerParts {
            disk,
            clock,
            verifier,
            checked: sender,
            showing,
            links,
            fatal,
        };
        Self {
            shell: LedgerShell::new(opened, parts),
            checked: Some(receiver),
        }
    }

    /// Comes back behind what waits here: for the next step of a long way, and for the signatures of all that
    /// came together.
    fn go_on_later(&mut self, ctx: &mut Context<Self>) {
        if self.shell.takes_to_go_on() {
            ctx.notify(GoOn);
        }
        if self.shell.takes_to_check() {
            ctx.notify(CheckGathered);
        }
    }
}

/// Have the signatures checked that were gathered.
#[derive(Message)]
#[rtype(result = "()")]
struct CheckGathered;

impl Handler<CheckGathered> for LedgerActor {
    type Result = ();

    fn handle(&mut self, _: CheckGathered, _: &mut Self::Context) {
        self.shell.check_gathered();
    }
}

impl Actor for LedgerActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        if let Some(mut checked) = self.checked.take() {
            ctx.add_stream(stream::poll_fn(move |cx| {
                let mut together = Vec::new();
                let count = ready!(checked.poll_recv_many(cx, &mut together, TOGETHER));
                Poll::Ready((count > 0).then_some(together))
            }));
        }
        self.go_on_later(ctx);
        ctx.run_interval(TICK, |actor, ctx| {
            actor.shell.tick();
            actor.go_on_later(ctx);
        });
    }
}

impl StreamHandler<Vec<SignaturesChecked>> for LedgerActor {
    fn handle(&mut self, checked: Vec<SignaturesChecked>, ctx: &mut Self::Context) {
        self.shell.signatures_checked(checked);
        self.go_on_later(ctx);
    }
}

/// Handlers that hand the message to the shell and see to the next step.
macro_rules! handlers {
    ($($result:ident: $($message:ty => $method:ident),*;)*) => {$($(
        impl Handler<$message> for LedgerActor {
            type Result = handlers!(@type $result, $message);

            fn handle(&mut self, message: $message, ctx: &mut Self::Context) -> Self::Result {
                let answer = self.shell.$method(message);
                self.go_on_later(ctx);
                handlers!(@value $result, answer)
            }
        }
    )*)*};
    (@type now, $message:ty) => { MessageResult<$message> };
    (@value now, $answer:ident) => { MessageResult($answer) };
    (@type promised, $message:ty) => { ResponseFuture<<$message as actix::Message>::Result> };
    (@value promised, $answer:ident) => { Box::pin($answer) };
}

handlers! {
    now:
        CheckHeaders => check_headers,
        FindMissing => find_missing,
        GetFunds => funds,
        AtTip<GetFunds> => funds_at_tip,
        GetLedgerStatus => status,
        AtTip<GetOpenTransactions> => open_transactions,
        GetOpenRecords => open_records,
        GetTemplate => template,
        GoOn => go_on,
        MembersKnown => members_known,
        RowsCommitted => committed,
        SubmitBlock => block,
        SubmitTransactions => transactions;
    promised:
        JudgeDelivery => judge_delivery,
        JudgeOwn => judge_own,
        SubmitMinedBlock => mined_block;
}
