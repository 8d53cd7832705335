//! How a transfer is made for the owner.

use crate::chain::params::MAX_EXPIRY;
use crate::chain::transaction::Note;
use crate::chain::{Action, Height, Payload, Salt};
use crate::entropy::Entropy;
use crate::keys::{NoteContext, NoteText, SealingKey};
use crate::messages::ledger::GetLedgerStatus;
use crate::messages::retry_queue::SendTransfer;
use crate::messages::wallet::{SealNote, SignTransaction};
use crate::owner::answers::{SendRequest, SentView};
use crate::owner::{Code, Peer, Refused};

impl Peer {
    /// Makes the transfer that the owner asks for, and has it sent. The answer is a promise: it comes after
    /// the synced write.
    ///
    /// # Errors
    /// [`Code::UnknownMember`], [`Code::BadAddress`], [`Code::BadParameter`], [`Code::BadNote`],
    /// [`Code::NoSealingKey`], [`Code::NotSealed`], [`Code::OutboxFull`], [`Code::NoNetwork`],
    /// [`Code::Stopping`], and one code for each [`Rejected`](crate::chain::Rejected).
    pub async fn send(&self, request: &SendRequest) -> Result<SentView, Refused> {
        let parts = self.parts()?;
        let known = self.known();
        let people = self.people(&known);
        let to = people.key_of(&request.to)?;
        let member = known.directory.by_key(&to);
        let sealing_key = member.map(|member| member.record.statement.sealing_key);
        let tip = parts.ledger_status.send(GetLedgerStatus).await?.tip;
        let salt = draw_salt(&*self.entropy);
        let note = match &request.note {
            Some(text) => {
                let about = NoteContext {
                    network: parts.rules.network().0,
                    sender: self.key,
                    recipient: to,
                    salt: salt.0,
                };
                self.seal(sealing_key, about, text).await?
            }
            None => Note::default(),
        };
        let payload = Payload {
            network: parts.rules.network(),
            sender: self.key,
            salt,
            expires_at: expiry(tip.height(), request.expires_in_blocks)?,
            fee: request.fee,
            action: Action::Transfer {
                to,
                amount: request.amount,
                note,
            },
        };
        let expires_at = payload.expires_at;
        let transaction = self.wallet.send(SignTransaction(payload)).await?;
        // What is waited for days must not turn out to be refused by everybody.
        parts.rules.check_form(&transaction)?;
        let id = transaction.id();
        // Who is no member can't be met, and is paid by way of the network.
        let broadcast = request.broadcast || member.is_none();
        let order = SendTransfer {
            transaction,
            broadcast,
        };
        parts.send.send(order).await??;
        Ok(SentView {
            id,
            to: people.person(&to),
            amount: request.amount,
            fee: request.fee,
            expires_at,
            broadcast,
        })
    }

    async fn seal(
        &self,
        to: Option<SealingKey>,
        about: NoteContext,
        text: &str,
    ) -> Result<Note, Refused> {
        let to = to.ok_or_else(|| {
            Refused::new(
                Code::NoSealingKey,
                "a note can only be sealed for a member, whose key for it is known: this address is \
                 no member's",
            )
        })?;
        let text =
            NoteText::new(text).map_err(|error| Refused::new(Code::BadNote, error.to_string()))?;
        let sealed = self.seal.send(SealNote { to, about, text }).await?;
        sealed.map_err(|error| Refused::new(Code::NotSealed, error.to_string()))
    }
}

fn draw_salt(entropy: &dyn Entropy) -> Salt {
    let mut salt = Salt([0; Salt::LEN]);
    entropy.fill(&mut salt.0);
    salt
}

/// The last height at which a transfer of now can be mined.
fn expiry(tip: Height, blocks: u64) -> Result<Height, Refused> {
    if !(1..=MAX_EXPIRY).contains(&blocks) {
        return Err(Refused::new(
            Code::BadParameter,
            format!("expires_in_blocks is {blocks}, but must be from 1 to {MAX_EXPIRY}"),
        ));
    }
    Ok(Height(tip.0.saturating_add(blocks)))
}
