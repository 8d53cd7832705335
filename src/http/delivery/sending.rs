//! How a transfer is made for the owner.

use crate::chain::params::MAX_EXPIRY;
use crate::chain::transaction::Note;
use crate::chain::{Action, Height, Payload, Salt};
use crate::entropy::Entropy;
use crate::http::PeerApi;
use crate::http::error::Refused;
use crate::http::peer::parts;
use crate::http::views::{SendRequest, SentView};
use crate::keys::{NoteContext, NoteText, PublicKey, SealingKey};
use crate::messages::ledger::GetLedgerStatus;
use crate::messages::retry_queue::SendTransfer;
use crate::messages::tracker_link::{DirectoryStatus, GetDirectory};
use crate::messages::wallet::{SealNote, SignTransaction};
use actix_web::http::StatusCode;

/// Makes the transfer that the owner asks for, and has it sent. The answer is a promise: it comes after
/// the synced write.
///
/// # Errors
/// [`Refused`], with the reason for the owner.
pub(crate) async fn send_for_owner(
    api: &PeerApi,
    request: &SendRequest,
) -> Result<SentView, Refused> {
    let directory = api.tracker_link.send(GetDirectory).await?;
    let parts = parts(api, &directory)?;
    let lookup = api.lookup(&directory);
    let to = lookup.key_of(&request.to)?;
    let member = sealing_key_of(&directory, &to);
    let tip = parts.ledger_status.send(GetLedgerStatus).await?.tip;
    let salt = draw_salt(&*api.entropy);
    let note = match &request.note {
        Some(text) => {
            let about = NoteContext {
                network: parts.rules.network().0,
                sender: api.key,
                recipient: to,
                salt: salt.0,
            };
            seal(api, member, about, text).await?
        }
        None => Note::default(),
    };
    let payload = Payload {
        network: parts.rules.network(),
        sender: api.key,
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
    let transaction = api.wallet.send(SignTransaction(payload)).await?;
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
        to: lookup.person(&to),
        amount: request.amount,
        fee: request.fee,
        expires_at,
        broadcast,
    })
}

fn sealing_key_of(directory: &DirectoryStatus, key: &PublicKey) -> Option<SealingKey> {
    let mut statements = directory.members.iter().map(|m| &m.record.statement);
    let statement = statements.find(|statement| statement.key == *key)?;
    Some(statement.sealing_key)
}

async fn seal(
    api: &PeerApi,
    to: Option<SealingKey>,
    about: NoteContext,
    text: &str,
) -> Result<Note, Refused> {
    let to = to.ok_or_else(|| {
        Refused::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "no_sealing_key",
            "a note can only be sealed for a member, whose key for it is known: this address is no \
             member's",
        )
    })?;
    let text = NoteText::new(text).map_err(|error| Refused::bad_request(error.to_string()))?;
    let sealed = api.seal.send(SealNote { to, about, text }).await?;
    sealed.map_err(|error| {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Refused::new(status, "not_sealed", error.to_string())
    })
}

fn draw_salt(entropy: &dyn Entropy) -> Salt {
    let mut salt = Salt([0; Salt::LEN]);
    entropy.fill(&mut salt.0);
    salt
}

/// The last height at which a transfer of now can be mined.
fn expiry(tip: Height, blocks: u64) -> Result<Height, Refused> {
    if !(1..=MAX_EXPIRY).contains(&blocks) {
        return Err(Refused::bad_request(format!(
            "expires_in_blocks is {blocks}, but must be from 1 to {MAX_EXPIRY}"
        )));
    }
    Ok(Height(tip.0.saturating_add(blocks)))
}
