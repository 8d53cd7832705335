//! What was sent and received, as lists show it, and in words where each stands.

use super::frame::Standing;
use super::show::{Note, When, Who, coins, count, grouped, short};
use crate::owner::Peer;
use crate::owner::answers::{
    HistoryEntry, HistoryView, MeaningView, PeerStatusView, ReceivedState, ReceivedView, SendView,
};
use crate::readable::{sentence, visible};
use askama::Template;

/// From how many blocks on a payment is called final: a longer branch from before it has not been seen.
const FINAL: u64 = 6;

/// A record, in words.
#[derive(Clone)]
pub(super) struct Said {
    /// What was done, such as "Voted on".
    pub(super) deed: &'static str,
    /// With what: a question, a name, a topic.
    pub(super) what: String,
    /// What it comes to in a word or two, such as what was chosen.
    pub(super) result: String,
    /// The page of the ballot that it is about.
    pub(super) ballot: Option<String>,
}

impl Said {
    /// A record under a topic, by what it says where that is known; `id` is its own.
    pub(super) fn new(topic: &str, says: Option<&MeaningView>, id: &str) -> Self {
        let at = |ballot: &str| Some(format!("/votes/{ballot}"));
        let asked = |question: &Option<String>, ballot: &str| match question {
            Some(question) => visible(question),
            None => format!("ballot {}", short(ballot)),
        };
        let (deed, what, result, ballot) = match says {
            Some(MeaningView::Ballot { question }) => {
                ("Asked", visible(question), "Ballot".to_owned(), at(id))
            }
            Some(MeaningView::Vote {
                ballot,
                question,
                choices,
            }) => {
                let ballot = ballot.to_string();
                let chosen = match choices.is_empty() {
                    true => "Vote".to_owned(),
                    false => joined(choices),
                };
                ("Voted on", asked(question, &ballot), chosen, at(&ballot))
            }
            Some(MeaningView::Result { ballot, question }) => {
                let ballot = ballot.to_string();
                let what = asked(question, &ballot);
                (
                    "Recorded what came of",
                    what,
                    "Result".to_owned(),
                    at(&ballot),
                )
            }
            Some(MeaningView::Join { name }) => {
                ("Joined as", visible(name), "Record".to_owned(), None)
            }
            Some(MeaningView::Leave) => ("Left", String::new(), "Record".to_owned(), None),
            Some(MeaningView::Roll | MeaningView::Statement) | None => {
                ("Recorded under", visible(topic), "Record".to_owned(), None)
            }
        };
        Self {
            deed,
            what,
            result,
            ballot,
        }
    }
}

/// What was chosen, in one line.
pub(super) fn joined(choices: &[String]) -> String {
    let shown: Vec<_> = choices.iter().map(|choice| visible(choice)).collect();
    shown.join(", ")
}

/// One thing that was sent or received.
#[derive(Clone)]
pub(super) struct Entry {
    /// Its id: lists know it by that.
    pub(super) id: String,
    /// Whether the owner sent it.
    pub(super) sent: bool,
    /// What it says, if it is a record, which is for everybody.
    pub(super) record: Option<Said>,
    pub(super) who: Who,
    /// `None` for a message alone.
    pub(super) coins: Option<String>,
    pub(super) note: Option<Note>,
    pub(super) when: When,
    pub(super) standing: Standing,
    /// That the owner can have it mined, if it waits for a block.
    pub(super) mood: Option<Unmined>,
    /// Where it leads.
    pub(super) path: String,
    pub(super) unread: bool,
    /// Its number in the inbox.
    pub(super) number: Option<u64>,
    /// Whether it ended without arriving.
    pub(super) failed: bool,
    /// Coins of it that can be freed.
    pub(super) held: Option<String>,
}

impl Entry {
    pub(super) fn sent(peer: &Peer, send: &SendView, mood: &Mood) -> Self {
        let id = send.id.to_string();
        let record = send.topic.as_deref();
        let record = record.map(|topic| Said::new(topic, send.says.as_ref(), &id));
        let path = match &record {
            Some(Said {
                ballot: Some(ballot),
                ..
            }) => ballot.clone(),
            Some(_) => format!("/network/transactions/{id}"),
            None => format!("/pay/sent/{id}"),
        };
        let waits = matches!(send.state.name(), "delivered" | "open");
        Self {
            sent: true,
            record,
            who: Who::of(peer, &send.to),
            coins: (send.amount.0 > 0).then(|| coins(send.amount)),
            note: send.note.as_ref().map(Note::new),
            when: When::new(send.queued_at),
            standing: match &send.says {
                // Whether it is final matters to nobody who joins: it is a member from the first block on.
                Some(MeaningView::Join { .. }) if send.state.name() == "mined" => Standing {
                    words: "Joined".to_owned(),
                    ..standing_of_send(send)
                },
                Some(MeaningView::Leave) if send.state.name() == "mined" => Standing {
                    words: "Left".to_owned(),
                    ..standing_of_send(send)
                },
                _ if mood.is_out && is_held(send) => held(send),
                _ => standing_of_send(send),
            },
            mood: mood.words().filter(|_| waits),
            path,
            id,
            unread: false,
            number: None,
            failed: send.state.has_failed(),
            held: (send.state.has_failed() && send.reserved.0 > 0).then(|| coins(send.reserved)),
        }
    }

    /// Something that came: it leads to all that went between the owner and who sent it.
    pub(super) fn received(peer: &Peer, message: &ReceivedView, mood: &Mood) -> Self {
        let who = Who::of(peer, &message.from);
        let waits = matches!(message.state, ReceivedState::Open | ReceivedState::Accepted);
        Self {
            id: message.id.to_string(),
            sent: false,
            record: None,
            path: format!("/pay/with/{}", who.path()),
            who,
            coins: (message.amount.0 > 0).then(|| coins(message.amount)),
            note: message.note.as_ref().map(Note::new),
            when: When::new(message.received_at),
            standing: standing_of_received(message),
            mood: mood.words().filter(|_| waits),
            unread: message.unread,
            number: Some(message.number),
            failed: false,
            held: None,
        }
    }

    /// The same within all that went between two: what came leads to its place on the ledger.
    pub(super) fn in_talk(self) -> Self {
        let path = match self.sent {
            true => self.path,
            false => format!("/network/transactions/{}", self.id),
        };
        Self { path, ..self }
    }
}

/// What a part of the history shows.
pub(super) fn entries(peer: &Peer, history: &HistoryView, mood: &Mood) -> Vec<Entry> {
    let entry = |entry: &HistoryEntry| match entry {
        HistoryEntry::Sent(send) => Entry::sent(peer, send, mood),
        HistoryEntry::Received(message) => Entry::received(peer, message, mood),
    };
    history.entries.iter().map(entry).collect()
}

/// That something waits for a block, and that it is for the owner to have one mined.
#[derive(Clone, Template)]
#[template(
    source = "{% match silent_since %}{% when Some(last) %}Nobody seems to mine: the last block came {{ last|safe }}. Anybody can mine one, you too.{% when None %}It comes into the next block, whoever mines that. You can mine it, too.{% endmatch %}",
    ext = "html"
)]
pub(super) struct Unmined {
    /// When the last block came, if that is so long ago that nobody seems to mine.
    silent_since: Option<When>,
}

/// What holds up what waits for a block.
#[derive(Clone, Default)]
pub(super) struct Mood {
    unmined: Option<Unmined>,
    /// Whether this node is put out: the network takes nothing of it.
    is_out: bool,
}

/// After how long without a block it is said that nobody seems to mine.
const SILENCE_MS: u64 = 60_000;

impl Mood {
    /// What is to be said of it, if anything is.
    pub(super) fn words(&self) -> Option<Unmined> {
        self.unmined.clone()
    }

    /// How it is at a node that stands like this. No node tells whether it will mine: so unless this one does by
    /// itself, whoever waits is told at once that it can. A node that hears of no blocks, or has yet to fetch them,
    /// knows nothing of the kind.
    pub(super) fn of(status: &PeerStatusView) -> Self {
        let hears_nothing = status.put_out.is_some() || status.disconnected;
        let chain = status.chain.as_ref().filter(|chain| {
            // A node that begins by itself is about to: then somebody mines, and nobody need press anything.
            let mines_here = chain.mining.running || chain.mining.begins_by_itself();
            !hears_nothing && !chain.syncing && !mines_here
        });
        Self {
            unmined: chain.map(|chain| Unmined {
                silent_since: (chain.tip_age_ms > SILENCE_MS)
                    .then(|| When::new(chain.tip.timestamp)),
            }),
            is_out: status.put_out.is_some(),
        }
    }
}

fn in_block(height: Option<u64>, confirmations: u64) -> Standing {
    let place = height.map_or_else(String::new, |height| {
        format!("Block {}.", grouped(&height.to_string()))
    });
    match confirmations {
        0 | 1 => Standing::good("In a block", place),
        deep if deep < FINAL => Standing::good(
            "In a block",
            format!(
                "{place} {} on top of it.",
                count((deep - 1) as usize, "block")
            ),
        ),
        deep => Standing::good(
            "Final",
            format!(
                "{place} {} on top of it.",
                count((deep - 1) as usize, "block")
            ),
        ),
    }
}

/// Whether a send is neither open, nor mined, nor at an end: a node that is put out keeps it to itself.
fn is_held(send: &SendView) -> bool {
    matches!(send.state.name(), "queued" | "delivered")
}

/// Where a send stands whose sender is put out.
fn held(send: &SendView) -> Standing {
    let reserved = match send.reserved.0 {
        0 => String::new(),
        _ => format!(" Reserved for it until then: {}.", coins(send.reserved)),
    };
    Standing::wait(
        "Held",
        format!(
            "The network does not take it, because you were put out. Once you are let back, your node sends it again \
             by itself.{reserved}"
        ),
    )
}

/// Where a send stands.
fn standing_of_send(send: &SendView) -> Standing {
    let reason = visible(&send.reason);
    let height = send.height.map(|height| height.0);
    match send.state.name() {
        "queued" if send.topic.is_some() => Standing::wait("Taken", sentence(&reason)),
        "queued" if send.to.put_out => Standing::wait(
            "Waiting for its recipient",
            "Its recipient was put out of this network.",
        ),
        "queued" => Standing::wait(
            "Waiting for its recipient",
            match reason.is_empty() {
                true => "It is handed over as soon as the recipient's node is there.".into(),
                false => sentence(&reason),
            },
        ),
        "delivered" => Standing::wait("Delivered", "The recipient's node has signed for it."),
        "open" => Standing::wait("Waiting for a block", "The network knows it."),
        "mined" => in_block(height, send.confirmations),
        "refused" => Standing::bad("Refused by its recipient", sentence(&reason)),
        "expired" => Standing::bad(
            "Expired",
            or(&reason, "Its time is over. It will not be paid."),
        ),
        "withdrawn" => Standing::bad("Withdrawn", "You took it back before it left."),
        _ => Standing::bad(
            "Conflicted",
            or(
                &reason,
                "Its coins went elsewhere, or its application refuses it now.",
            ),
        ),
    }
}

fn or(reason: &str, usual: &str) -> String {
    match reason.is_empty() {
        true => usual.to_owned(),
        false => sentence(reason),
    }
}

/// Where something received stands.
fn standing_of_received(message: &ReceivedView) -> Standing {
    match message.state {
        ReceivedState::Mined => {
            in_block(message.height.map(|height| height.0), message.confirmations)
        }
        ReceivedState::Open => Standing::wait("Waiting for a block", "The network knows it."),
        ReceivedState::Accepted => Standing::wait("Received", "It is not in a block yet."),
        ReceivedState::TimedOut => Standing::bad(
            "Waited too long",
            "It was open for too long without a block. Its sender may send it again.",
        ),
        ReceivedState::Expired => Standing::bad(
            "Expired",
            "Its time is over, and it never came into a block.",
        ),
        ReceivedState::Evicted => Standing::bad("Pushed out", "Better paying ones took its place."),
        ReceivedState::Conflicted => {
            Standing::bad("Conflicted", "Its sender's coins went elsewhere.")
        }
        ReceivedState::PutOut => Standing::bad(
            "Taken out",
            "Its sender was put out of the network. Let back, its node sends it again.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::testing::Served;
    use crate::owner::Owned;
    use serde_json::json;

    fn sent(state: &str, says: serde_json::Value) -> SendView {
        let address = crate::owner::testing::secret(2).public_key().to_address();
        let topic = (!says.is_null()).then_some("members");
        serde_json::from_value(json!({
            "id": "00".repeat(32), "to": { "name": "bob", "address": address }, "topic": topic, "says": says,
            "amount": "5", "fee": "0", "note": null, "queued_at": "2026-11-26T10:00:00.000Z",
            "delivered_at": null, "state": state, "reason": "", "height": 1, "confirmations": 9,
            "expires_at": 9, "route": "direct", "reserved": "5", "waiting": null
        }))
        .unwrap()
    }

    #[actix_web::test]
    async fn a_join_that_is_in_a_block_has_joined_and_what_can_be_freed_is_said_in_lists() {
        let served = Served::peer().await;
        let Owned::Peer(peer) = &served.owned else {
            panic!("it is a peer");
        };
        let entry = |send: &SendView| Entry::sent(peer, send, &Mood::default());
        let joined = entry(&sent("mined", json!({ "record": "join", "name": "alice" })));
        assert_eq!(joined.standing.words, "Joined");
        let paid = entry(&sent("mined", json!(null)));
        assert_eq!((paid.standing.words.as_str(), paid.held), ("Final", None));
        let failed = entry(&sent("conflicted", json!(null)));
        assert_eq!(failed.standing.words, "Conflicted");
        assert_eq!(failed.held.as_deref(), Some("5 coins"));
    }

    #[actix_web::test]
    async fn what_is_neither_open_nor_mined_nor_ended_is_held_where_its_sender_is_put_out() {
        let served = Served::peer().await;
        let Owned::Peer(peer) = &served.owned else {
            panic!("it is a peer");
        };
        let out = Mood {
            is_out: true,
            ..Mood::default()
        };
        for (state, words) in [
            ("queued", "Held"),
            ("delivered", "Held"),
            ("open", "Waiting for a block"),
            ("mined", "Final"),
            ("withdrawn", "Withdrawn"),
        ] {
            let send = sent(state, json!(null));
            assert_eq!(Entry::sent(peer, &send, &out).standing.words, words);
        }
        let held = Entry::sent(peer, &sent("delivered", json!(null)), &out);
        assert!(
            held.standing.more.ends_with("until then: 5 coins."),
            "{}",
            held.standing.more
        );
    }
}
