//! How a transfer is made for the owner.

use crate::apps::members::View;
use crate::canonical;
use crate::chain::application::TopicRows;
use crate::chain::params::MAX_EXPIRY;
use crate::chain::transaction::Note;
use crate::chain::{
    Action, Amount, EncodedTransaction, Height, Internal, Payload, Salt, TransactionId,
};
use crate::keys::{NoteContext, NoteText, PublicKey, SealingKey};
use crate::messages::retry_queue::SignAndSend;
use crate::messages::wallet::SealNote;
use crate::owner::answers::{SendRequest, SentView};
use crate::owner::chain_reads::tip_of;
use crate::owner::people::{People, name_in};
use crate::owner::{COINS_EXPIRY_BLOCKS, Code, DEFAULT_EXPIRY_BLOCKS, Peer, PeerParts, Refused};
use crate::protocol::delivery::outbox::{Request, SendError};
use crate::protocol::delivery::rows::{self, Route, SendFacts};
use crate::protocol::tracker_word::NAME_TOLERATED_BLOCKS;
use crate::store::chain_rows::ChainRows;
use crate::store::delivery_rows::DeliveryTable;
use actix::dev::SendError as MailError;
use serde::Serialize;
use tokio::sync::oneshot;

/// Longest key of a request, in characters: a random UUID has 36.
pub const MAX_KEY: usize = 64;

/// A transfer that is not signed yet.
pub(super) struct Draft {
    pub(super) payload: Payload,
    pub(super) route: Route,
    /// Who gets it.
    to: PublicKey,
    /// The last height at which it can be mined.
    expires_at: Height,
}

impl Peer {
    /// Makes the transfer that the owner asks for, and has it sent. The answer is a promise: it comes after
    /// the synced write.
    ///
    /// Under a `key` (any text of 1 to [`MAX_KEY`] visible characters; a random one for each send), the same
    /// request sends once, however often it is asked for: the answer is that of the first time, also after a
    /// restart. So whoever has lost an answer asks again. Keys are remembered as long as their sends are
    /// looked after, and of the last [`MAX_SETTLED_KEYS`](crate::protocol::delivery::outbox::MAX_SETTLED_KEYS) sends after that.
    ///
    /// # Errors
    /// [`Code::BadKey`], [`Code::KeyTaken`] if the key was used for another request,
    /// [`Code::NameDiffers`], [`Code::UnknownMember`], [`Code::BadAddress`], [`Code::BadParameter`], [`Code::BadNote`],
    /// [`Code::NoSealingKey`], [`Code::NotSealed`], [`Code::OutboxFull`], [`Code::NoNetwork`],
    /// [`Code::Stopping`], and one code for each [`Rejected`](crate::chain::Rejected).
    pub async fn send(
        &self,
        request: &SendRequest,
        key: Option<&str>,
    ) -> Result<SentView, Refused> {
        let under = key.map(|key| under(key, request)).transpose()?;
        let parts = self.parts()?;
        let known = self.known();
        let people = self.people(&known);
        let tip = self.tip_to_send_at(parts)?;
        let draft = self.draft(parts, &people, tip, request).await?;
        let (id, route) = (form_of(parts, &draft.payload)?, draft.route);
        let order = SignAndSend {
            payload: draft.payload,
            route,
            request: under,
        };
        if let Err(error) = parts.send.send(order).await? {
            return match error {
                SendError::Before(id) => self.sent_before(&people, id),
                error => Err(error.into()),
            };
        }
        Ok(SentView {
            id,
            to: people.person(&draft.to),
            amount: request.amount,
            fee: request.fee,
            expires_at: draft.expires_at,
            broadcast: route.by_network(),
        })
    }

    /// Where the chain ends for what is sent now, as the disk has it: nobody is asked.
    pub(super) fn tip_to_send_at(&self, parts: &PeerParts) -> Result<Height, Refused> {
        let disk = self.disk()?;
        Ok(tip_of(&parts.rules, &ChainRows(&*disk))?.height)
    }

    /// Whom a wish is for. A name leads to a key by what the admin has said of it, else by the ledger once that has
    /// said so for some blocks, before that by what this node remembers; where they, or the tracker, differ, to none.
    fn recipient(
        &self,
        people: &People<'_>,
        tip: Height,
        typed: &str,
    ) -> Result<PublicKey, Refused> {
        let settled = match name_in(typed) {
            None => None,
            Some(name) => {
                let known = self.known();
                let admins = known.statements.as_ref().and_then(|all| all.owner(&name));
                let disk = self.disk()?;
                let chain = ChainRows(&*disk);
                let rows = TopicRows::of_members(&chain);
                let row = View::new(&rows).named(&name)?;
                let is_deep =
                    |since: Height| tip.0.saturating_sub(since.0) >= NAME_TOLERATED_BLOCKS;
                let ledgers = row.filter(|row| is_deep(row.since)).map(|row| row.owner);
                admins.or(ledgers)
            }
        };
        people.recipient(typed, settled)
    }

    /// What is to be signed for a wish.
    pub(super) async fn draft(
        &self,
        parts: &PeerParts,
        people: &People<'_>,
        tip: Height,
        request: &SendRequest,
    ) -> Result<Draft, Refused> {
        let to = self.recipient(people, tip, &request.to)?;
        let member = people.directory.by_key(&to);
        let sealing_key = member.map(|member| member.record.statement.sealing_key);
        let expires_at = expiry(tip, request)?;
        let salt = self.draw_salt();
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
            expires_at,
            fee: request.fee,
            action: Action::Transfer {
                to,
                amount: request.amount,
                note,
            },
        };
        // Who is no member can't be met, and is paid by way of the network.
        let route = match (member, request.broadcast) {
            (None, _) => Route::Network,
            (Some(_), true) => Route::Both,
            (Some(_), false) => Route::Direct,
        };
        Ok(Draft {
            payload,
            route,
            to,
            expires_at,
        })
    }

    /// The answer to a request that was asked before.
    fn sent_before(&self, people: &People<'_>, id: TransactionId) -> Result<SentView, Refused> {
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        let rows = DeliveryTable::outbox(&*snapshot);
        let missing = || Internal(format!("the send {id} is not in the outbox"));
        let number = rows::find(&rows, &id)?.ok_or_else(missing)?;
        let facts = rows::facts::<SendFacts>(&rows, number)?.ok_or_else(missing)?;
        Ok(SentView {
            id,
            to: people.person(&facts.to),
            amount: facts.amount,
            fee: facts.fee,
            expires_at: facts.expires_at,
            broadcast: facts.route.by_network(),
        })
    }

    pub(in crate::owner) fn draw_salt(&self) -> Salt {
        let mut salt = Salt([0; Salt::LEN]);
        self.entropy.fill(&mut salt.0);
        salt
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
        let (sealed, note) = oneshot::channel();
        let order = SealNote {
            to,
            about,
            text,
            sealed,
        };
        match self.seal.try_send(order) {
            Ok(()) => {}
            Err(MailError::Full(order)) => self.seal.send(order).await?,
            Err(MailError::Closed(_)) => return Err(Refused::stopping()),
        }
        let note = note.await.map_err(|_| Refused::stopping())?;
        note.map_err(|error| Refused::new(Code::NotSealed, error.to_string()))
    }
}

/// The id that a payload has once it is signed. What is waited for for days must not turn out to be refused by
/// everybody, whoever has signed it.
///
/// # Errors
/// One code for each [`Rejected`](crate::chain::Rejected).
pub(in crate::owner) fn form_of(
    parts: &PeerParts,
    payload: &Payload,
) -> Result<TransactionId, Refused> {
    let unsigned = EncodedTransaction::new(payload.clone().unsigned());
    parts.rules.check_form(&unsigned)?;
    Ok(unsigned.id())
}

/// What stands for a key and the request under it.
pub(in crate::owner) fn under(key: &str, request: &impl Serialize) -> Result<Request, Refused> {
    let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
    if !visible || !(1..=MAX_KEY).contains(&key.len()) {
        return Err(Refused::new(
            Code::BadKey,
            format!(
                "an Idempotency-Key has 1 to {MAX_KEY} visible ASCII characters, and no spaces"
            ),
        ));
    }
    Ok(Request {
        key: *blake3::hash(key.as_bytes()).as_bytes(),
        asked: *blake3::hash(&canonical::encode(request)).as_bytes(),
    })
}

/// The last height at which a transfer of now can be mined.
fn expiry(tip: Height, request: &SendRequest) -> Result<Height, Refused> {
    let usual = match request.amount {
        Amount::ZERO => DEFAULT_EXPIRY_BLOCKS,
        _ => COINS_EXPIRY_BLOCKS,
    };
    let blocks = request.expires_in_blocks.unwrap_or(usual);
    if !(1..=MAX_EXPIRY).contains(&blocks) {
        return Err(Refused::new(
            Code::BadParameter,
            format!("expires_in_blocks is {blocks}, but must be from 1 to {MAX_EXPIRY}"),
        ));
    }
    Ok(Height(tip.0.saturating_add(blocks)))
}
