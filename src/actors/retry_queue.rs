//! RetryQueue: the mailbox of the outbox.

use super::{CatchUp, TICK};
use crate::chain::Internal;
use crate::chain::ledger::Funds;
use crate::keys::verify_batch;
use crate::messages::inbox::OwnNewsTold;
use crate::messages::retry_queue::{
    CheckSignatures, DeliveryTold, GetOutbox, GetSend, MembersLive, ReleaseSend, RetrySend,
    SendTransfer, SignAndSend, SignAndSendMany, WithdrawSend,
};
use crate::messages::store::RowsCommitted;
use crate::messages::wallet::SignTransactions;
use crate::protocol::delivery::Judgement;
use crate::protocol::delivery::outbox::{OrderError, SendError};
use crate::shell::{Answered, Ask, OutboxShell, Port};
use crate::verifier::{Verdicts, Verifier};
use actix::{
    Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, Recipient, ResponseActFuture,
    ResponseFuture, WrapFuture,
};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Messages that may wait here: what the API has under way, one for each session, and what ledger and
/// store tell.
const MAILBOX: usize = 1024;

/// Receipts that are worth another thread: to wake it for fewer takes longer than to check them.
const LEAST_ASIDE: usize = 16;

/// Whether a send is promised.
type SendAnswer = Result<(), SendError>;

/// The actor around the shell.
pub struct RetryQueueActor {
    shell: OutboxShell,
    wallet: Recipient<SignTransactions>,
}

impl RetryQueueActor {
    /// Around a shell that has not begun; what is sent is signed by `wallet`, on this thread: nobody has to be woken
    /// in between.
    pub fn new(shell: OutboxShell, wallet: Recipient<SignTransactions>) -> Self {
        Self { shell, wallet }
    }

    /// Has them signed and sends them. One answer each, as far as the node does not stop before.
    fn send(&self, sends: Vec<SignAndSend>) -> ResponseActFuture<Self, Vec<SendAnswer>> {
        let (mut payloads, mut ways) = (Vec::new(), Vec::new());
        for SignAndSend {
            payload,
            route,
            request,
        } in sends
        {
            payloads.push(payload);
            ways.push((route, request));
        }
        let signed = self
            .wallet
            .send(SignTransactions(payloads))
            .into_actor(self);
        Box::pin(signed.then(|signed, actor, _| {
            // A wallet that is gone has stopped with the node.
            let signed = signed.unwrap_or_default().into_iter().zip(ways);
            let answered = actor
                .shell
                .send(signed.map(|(transaction, (route, request))| SendTransfer {
                    transaction,
                    route,
                    request,
                }));
            let answers = async move {
                let mut answers = Vec::with_capacity(answered.len());
                for answered in answered {
                    let answer = answered.await.unwrap_or(Err(SendError::Stopping));
                    answers.push(answer.map(drop));
                }
                answers
            };
            answers.into_actor(actor)
        }))
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

impl Handler<SignAndSend> for RetryQueueActor {
    type Result = ResponseActFuture<Self, SendAnswer>;

    fn handle(&mut self, message: SignAndSend, _: &mut Self::Context) -> Self::Result {
        let answers = self.send(vec![message]);
        Box::pin(answers.map(|answers, _, _| {
            let answer = answers.into_iter().next();
            answer.unwrap_or(Err(SendError::Stopping))
        }))
    }
}

impl Handler<SignAndSendMany> for RetryQueueActor {
    type Result = ResponseActFuture<Self, Vec<SendAnswer>>;

    fn handle(&mut self, message: SignAndSendMany, _: &mut Self::Context) -> Self::Result {
        self.send(message.0)
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
