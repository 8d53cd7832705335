//! Wallet: the secret key, and nothing that leaves with it.

use crate::chain::SignedHere;
use crate::chain::transaction::Note;
use crate::entropy::Entropy;
use crate::keys::{NoteSeed, NoteText, OpenError, SecretKey};
use crate::membership::Leave;
use crate::messages::wallet::{
    OpenNote, SealNote, SignIntroduction, SignLeave, SignLeaving, SignReceipt, SignStatement,
    SignTransactions,
};
use crate::verifier::Verifier;
use crate::wire::MemberRecord;
use crate::wire::channel::Introduction;
use crate::wire::member::Leaving;
use actix::{Actor, Context, Handler, MessageResult, ResponseFuture};
use std::sync::Arc;
use tokio::sync::oneshot;

/// The shell around the secret key. Signatures, sealed notes and the text of notes come out of it.
pub struct WalletActor {
    key: Arc<SecretKey>,
    entropy: Arc<dyn Entropy>,
    verifier: Arc<dyn Verifier>,
}

impl WalletActor {
    /// Signs with `key`, which a tracker's wallet shares with what signs its certificates, and draws
    /// the keys of notes from `entropy`. Notes, each of which takes ten times as long as a signature, are sealed
    /// and opened where `verifier` checks signatures.
    pub fn new(
        key: Arc<SecretKey>,
        entropy: Arc<dyn Entropy>,
        verifier: Arc<dyn Verifier>,
    ) -> Self {
        Self {
            key,
            entropy,
            verifier,
        }
    }
}

impl Actor for WalletActor {
    type Context = Context<Self>;
}

impl Handler<SignTransactions> for WalletActor {
    type Result = MessageResult<SignTransactions>;

    fn handle(&mut self, message: SignTransactions, _: &mut Self::Context) -> Self::Result {
        let payloads = message.0.into_iter();
        let signed = payloads.map(|payload| SignedHere::sign(payload, &self.key));
        MessageResult(signed.collect())
    }
}

impl Handler<SealNote> for WalletActor {
    type Result = ();

    fn handle(&mut self, message: SealNote, _: &mut Self::Context) -> Self::Result {
        let mut seed = NoteSeed::default();
        self.entropy.fill(seed.as_mut());
        let key = self.key.clone();
        self.verifier.aside(Box::new(move || {
            let SealNote {
                to, about, text, ..
            } = &message;
            let sealed = key.seal_note(to, about, text, &seed);
            let note = sealed.map(|note| Note::new(note).expect("a sealed note has room"));
            // Whoever asked may have gone meanwhile.
            let _ = message.sealed.send(note);
        }));
    }
}

impl Handler<OpenNote> for WalletActor {
    type Result = ResponseFuture<Result<NoteText, OpenError>>;

    fn handle(&mut self, message: OpenNote, _: &mut Self::Context) -> Self::Result {
        let OpenNote { about, note } = message;
        let (done, opened) = oneshot::channel();
        let key = self.key.clone();
        self.verifier.aside(Box::new(move || {
            // Whoever asked may have gone meanwhile.
            let _ = done.send(key.open_note(&about, note.as_slice()));
        }));
        Box::pin(async move { opened.await.expect("a panic aside ends the process") })
    }
}

impl Handler<SignStatement> for WalletActor {
    type Result = MessageResult<SignStatement>;

    fn handle(&mut self, message: SignStatement, _: &mut Self::Context) -> Self::Result {
        let record: MemberRecord = message.0.sign(&self.key);
        MessageResult(record)
    }
}

impl Handler<SignLeave> for WalletActor {
    type Result = MessageResult<SignLeave>;

    fn handle(&mut self, message: SignLeave, _: &mut Self::Context) -> Self::Result {
        MessageResult(Leave::sign(message.network, message.number, &self.key))
    }
}

impl Handler<SignLeaving> for WalletActor {
    type Result = MessageResult<SignLeaving>;

    fn handle(&mut self, message: SignLeaving, _: &mut Self::Context) -> Self::Result {
        MessageResult(Leaving::sign(message.tracker, message.sequence, &self.key))
    }
}

impl Handler<SignReceipt> for WalletActor {
    type Result = MessageResult<SignReceipt>;

    fn handle(&mut self, message: SignReceipt, _: &mut Self::Context) -> Self::Result {
        MessageResult(message.0.sign(&self.key))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;
    use crate::keys::{NoteContext, SealError};
    use crate::verifier::RayonVerifier;
    use actix::Addr;

    fn key(byte: u8) -> SecretKey {
        SecretKey::from_bytes([byte; 32])
    }

    fn wallet(byte: u8) -> Addr<WalletActor> {
        let verifier = Arc::new(RayonVerifier::default());
        WalletActor::new(Arc::new(key(byte)), Arc::new(OsEntropy), verifier).start()
    }

    fn about(to: u8) -> NoteContext {
        NoteContext {
            network: [7; 32],
            sender: key(1).public_key(),
            recipient: key(to).public_key(),
            salt: [8; 16],
        }
    }

    async fn seal(wallet: &Addr<WalletActor>, to: u8) -> Result<Note, SealError> {
        let (sealed, note) = oneshot::channel();
        let asked = SealNote {
            to: key(to).sealing_key(),
            about: about(to),
            text: NoteText::new("see you at eight").unwrap(),
            sealed,
        };
        assert!(!format!("{asked:?}").contains("eight"));
        wallet.send(asked).await.unwrap();
        note.await.unwrap()
    }

    #[actix_rt::test]
    async fn what_one_wallet_seals_the_other_opens() {
        let [alice, bob, carol] = [1, 2, 3].map(wallet);
        let note = seal(&alice, 2).await.unwrap();
        let open = || OpenNote {
            about: about(2),
            note: note.clone(),
        };
        for wallet in [&alice, &bob] {
            let text = wallet.send(open()).await.unwrap().unwrap();
            assert_eq!(text.as_str(), "see you at eight");
        }
        let refused = carol.send(open()).await.unwrap();
        assert_eq!(refused, Err(OpenError::NotOurs));
        let again = seal(&alice, 2).await.unwrap();
        assert_ne!(again, note, "the same keys twice");
        let refused = seal(&carol, 2).await;
        assert_eq!(refused, Err(SealError::NotTheSender));
        assert!(!format!("{:?}", open()).contains("eight"));
    }
}
