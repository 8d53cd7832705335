//! Wallet: the secret key, and nothing that leaves with it.

use crate::chain::EncodedTransaction;
use crate::keys::SecretKey;
use crate::messages::wallet::{SignIntroduction, SignLeaving, SignStatement, SignTransaction};
use crate::wire::MemberRecord;
use crate::wire::channel::Introduction;
use crate::wire::member::Leaving;
use actix::{Actor, Context, Handler, MessageResult};
use std::sync::Arc;

/// The shell around the secret key. Only signatures and public keys come out of it.
pub struct WalletActor {
    key: Arc<SecretKey>,
}

impl WalletActor {
    /// Signs with `key`, which a tracker's wallet shares with what signs its certificates.
    pub fn new(key: Arc<SecretKey>) -> Self {
        Self { key }
    }
}

impl Actor for WalletActor {
    type Context = Context<Self>;
}

impl Handler<SignTransaction> for WalletActor {
    type Result = MessageResult<SignTransaction>;

    fn handle(&mut self, message: SignTransaction, _: &mut Self::Context) -> Self::Result {
        MessageResult(EncodedTransaction::new(message.0.sign(&self.key)))
    }
}

impl Handler<SignStatement> for WalletActor {
    type Result = MessageResult<SignStatement>;

    fn handle(&mut self, message: SignStatement, _: &mut Self::Context) -> Self::Result {
        let record: MemberRecord = message.0.sign(&self.key);
        MessageResult(record)
    }
}

impl Handler<SignLeaving> for WalletActor {
    type Result = MessageResult<SignLeaving>;

    fn handle(&mut self, message: SignLeaving, _: &mut Self::Context) -> Self::Result {
        MessageResult(Leaving::sign(message.tracker, message.sequence, &self.key))
    }
}

impl Handler<SignIntroduction> for WalletActor {
    type Result = MessageResult<SignIntroduction>;

    fn handle(&mut self, message: SignIntroduction, _: &mut Self::Context) -> Self::Result {
        let SignIntroduction {
            hello,
            binding,
            certificate,
        } = message;
        MessageResult(Introduction::sign(hello, &binding, certificate, &self.key))
    }
}
