//! RetryQueue: the mailbox of the outbox.

use super::{CatchUp, TICK};
use crate::chain::Internal;
use crate::chain::ledger::Funds;
use crate::keys::verify_batch;
use crate::messages::inbox::OwnNewsTold;
use crate::messages::retry_queue::{
    CheckSignatures, DeliveryTold, GetOutbox, GetSend, MembersLive, ReleaseSend, RetrySend,
    SendTransfer, SendTransfers, WithdrawSend,
};
use crate::messages::store::RowsCommitted;
use crate::protocol::delivery::Judgement;
use crate::protocol::delivery::outbox::{OrderError, SendError};
use crate::shell::{Answered, Ask, OutboxShell, Port};
use crate::verifier::{Verdicts, Verifier};
use actix::{Actor, Addr, AsyncContext, Context, Handler, ResponseFuture};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Messages that may wait here: what the API has under way, one for each session, and what ledger and
/// store tell.
const MAILBOX: usize = 1024;

/// Receipts that are worth another thread: to wake it for fewer takes longer than to check them.
const LEAST_ASIDE: usize = 16;

/// The actor around the shell.
pub struct RetryQueueActor {
    shell: OutboxShell,
}

impl RetryQueueActor {
    /// Around a shell that has not begun.
    pub fn new(shell: OutboxShell) -> Self {
        Self { shell }
    }
}

impl Actor for RetryQueueActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.notify(CatchUp);
        ctx.run_interval(TICK, |actor, _| actor.shell.tick());
    }
}

impl Handler<CatchUp> for RetryQueueActor {
    type Result = ();

    fn handle(&mut self, _: CatchUp, ctx: &mut Self::Context) {
        if self.shell.catch_up() {
            super::catch_up_later(ctx);
        }
    }
}

impl Handler<SendTransfer> for RetryQueueActor {
    type Result = ResponseFuture<Result<(), SendError>>;

    fn handle(&mut self, message: SendTransfer, _: &mut Self::Context) -> Self::Result {
        let mut answered = self.shell.send([message]);
        Box::pin(async move {
            match answered.pop() {
                Some(answered) => answered.await.unwrap_or(Err(SendError::Stopping)).map(drop),
                None => Err(SendError::Stopping),
            }
        })
    }
}

impl Handler<SendTransfers> for RetryQueueActor {
    type Result = ResponseFuture<Vec<Result<(), SendError>>>;

    fn handle(&mut self, message: SendTransfers, _: &mut Self::Context) -> Self::Result {
        let answered = self.shell.send(message.0);
        Box::pin(async move {
            let mut answers = Vec::with_capacity(answered.len());
            for answered in answered {
                let answer = answered.await.unwrap_or(Err(SendError::Stopping));
                answers.push(answer.map(drop));
            }
            answers
        })
    }
}

impl Handler<WithdrawSend> for RetryQueueActor {
    type Result = ResponseFuture<Result<(), OrderError>>;

    fn handle(&mut self, message: WithdrawSend, _: &mut Self::Context) -> Self::Result {
        let ordered = self.shell.withdraw(&message);
        Box::pin(async move { ordered?.await.map(drop).map_err(|_| OrderError::Stopping) })
    }
}

impl Handler<ReleaseSend> for RetryQueueActor {
    type Result = ResponseFuture<Result<(), OrderError>>;

    fn handle(&mut self, message: ReleaseSend, _: &mut Self::Context) -> Self::Result {
        let ordered = self.shell.release(&message);
        Box::pin(async move { ordered?.await.map(drop).map_err(|_| OrderError::Stopping) })
    }
}

/// Has signatures checked, and tells the outbox of it.
pub struct ReceiptChecks {
    /// Checks them, on other threads.
    pub verifier: Arc<dyn Verifier>,
    /// Hears the verdicts.
    pub back: Addr<RetryQueueActor>,
}

impl Port<Ask<(), CheckSignatures>> for ReceiptChecks {
    fn offer(
        &mut self,
        Ask { token, question }: Ask<(), CheckSignatures>,
    ) -> Result<(), Ask<(), CheckSignatures>> {
        let (done, checked) = oneshot::channel();
        let is_small = question.0.len() < LEAST_ASIDE;
        let work = move || {
            // Nobody hears of it only when the node is stopping.
            let _ = done.send(verify_batch(&question.0));
        };
        match is_small {
            true => work(),
            false => self.verifier.aside(Box::new(work)),
        }
        let back = self.back.clone();
        // What comes before this gets its turn is gathered for the next check.
        actix::spawn(async move {
            if let Ok(answer) = checked.await {
                let _ = back.send(Answered { token, answer }).await;
            }
        });
        Ok(())
    }
}

super::hand_to_shell!(RetryQueueActor {
    Answered<Vec<u64>, Vec<Judgement>> => judged,
    Answered<(), Result<Funds, Internal>> => funds,
    Answered<(), Verdicts> => receipts_checked,
    DeliveryTold => delivery_told,
    GetOutbox => status,
    GetSend => line,
    OwnNewsTold => ledger_told,
    MembersLive => members_live,
    RetrySend => retry,
    RowsCommitted => committed,
});
