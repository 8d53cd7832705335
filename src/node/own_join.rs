//! What a member's node does on the ledger by itself: it writes that it has joined, and what the admin has said,
//! again where that was lost; and it says where the tracker's word differs.

use crate::membership::InvitationString;
use crate::owner::{Code, Comparison, OnLedger, OwnJoin, Peer, Writing};
use crate::protocol::tracker_word::Word;
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked at: about once a block.
const EVERY: Duration = Duration::from_secs(5);

/// Differences that are said one by one when they are found together; the others are counted.
const SAID_SINGLY: usize = 16;

/// Keeps the node on the ledger, and an eye on the tracker, until the node stops.
pub(crate) async fn keep(peer: Peer, invitation: Option<Arc<InvitationString>>) {
    let mut own = OwnJoin::by(invitation);
    let mut ticks = tokio::time::interval(EVERY);
    let mut told = None;
    let mut writing = Writing::default();
    let mut comparison = Comparison::default();
    loop {
        ticks.tick().await;
        match peer.write_down(&mut writing).await {
            Ok(Some(act)) => {
                tracing::info!(act = ?act.kind(), "a statement of the admin written on the ledger");
            }
            Ok(None) => {}
            Err(refused) => {
                tracing::debug!(reason = %refused.detail, "a statement was not written")
            }
        }
        let stands = peer.keep_joined(&mut own).await;
        match peer.compare(&mut comparison).await {
            Ok(words) => say(&words),
            Err(refused) => tracing::debug!(reason = %refused.detail, "nothing was compared"),
        }
        peer.note_standing(&stands, &comparison);
        if told.as_ref() == Some(&stands) {
            continue;
        }
        match &stands {
            Ok(OnLedger::Member) => tracing::info!("a member on the ledger"),
            Ok(OnLedger::Sent(id)) => tracing::info!(tx = %id, "own join sent"),
            Ok(OnLedger::Open | OnLedger::NothingToSend) => {}
            Err(refused) if refused.code == Code::Stopping => return,
            Err(refused) => tracing::warn!(reason = %refused.detail, "own join refused"),
        }
        told = Some(stands);
    }
}

/// Says in what the tracker's word differs from the ledger: once, and loudly.
fn say(words: &[Word]) {
    let differs = |word: &&Word| matches!(word, Word::Differs(_));
    let more = words
        .iter()
        .filter(differs)
        .count()
        .saturating_sub(SAID_SINGLY);
    for word in words.iter().filter(differs).take(SAID_SINGLY) {
        if let Word::Differs(what) = word {
            tracing::warn!(
                kind = what.kind(),
                %what,
                "the tracker's word differs from the ledger: nothing was settled by itself, `node members` shows it"
            );
        }
    }
    if more > 0 {
        tracing::warn!(
            more,
            "the tracker's word differs from the ledger in more than was said"
        );
    }
    for word in words {
        if let Word::Agrees(what) = word {
            tracing::info!(kind = what.kind(), %what, "the tracker's word and the ledger differ in this no more");
        }
    }
}
