//! The words that this program uses and a newcomer may not know.

use serde::Serialize;

/// A word and what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Word {
    /// The word, as it is shown.
    pub word: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// Other words that lead here.
    #[serde(skip)]
    pub(super) also: &'static [&'static str],
}

const fn word(word: &'static str, also: &'static [&'static str], meaning: &'static str) -> Word {
    Word {
        word,
        meaning,
        also,
    }
}

/// All of them, in the order of the alphabet.
pub const GLOSSARY: [Word; 18] = [
    word(
        "address",
        &["key"],
        "What a member's coins belong to: its public key, written as rac1... Where a node listens is its endpoint",
    ),
    word(
        "block",
        &["mine", "mining"],
        "A page of the ledger: some transactions, found by a search that costs work, with a reward for the finder",
    ),
    word(
        "branch",
        &["fork", "reorganisation"],
        "One of two ways that the chain goes on after the same block; the one with more work counts",
    ),
    word(
        "certificate",
        &["membership"],
        "The tracker's signed word, good for half a year and renewed by itself, that a key is a member",
    ),
    word(
        "confirmation",
        &["confirmed"],
        "A block that holds a payment, or follows one that does: each makes it dearer to undo. `mined (3)` has 3",
    ),
    word(
        "conflicted",
        &["conflict"],
        "Void since its coins went elsewhere, or since its application takes it no more: it is never paid or counted",
    ),
    word(
        "endpoint",
        &["host", "port"],
        "Where a node can be reached: host:port, such as 192.0.2.7:7001",
    ),
    word(
        "genesis",
        &["motto", "founder"],
        "The first block. It fixes the rules of a network, and holds a motto that its tracker chose",
    ),
    word(
        "live",
        &["offline"],
        "The tracker hears of the member at present; offline: it does not",
    ),
    word(
        "open",
        &["pending"],
        "Valid and known to the network, in no block yet: not paid yet",
    ),
    word(
        "promised",
        &["reserved", "spendable"],
        "Coins of open or queued sends: they are in the balance still and can't be spent again",
    ),
    word(
        "queued",
        &["outbox", "delivered"],
        "On its way to somebody who has not signed for it yet; the node keeps trying. Delivered: signed for",
    ),
    word(
        "reachable",
        &["unreachable"],
        "Others can connect to the member where it says that it listens; not so behind most home routers",
    ),
    word(
        "receipt",
        &["signed"],
        "The recipient's signed word that it has what was sent",
    ),
    word(
        "session",
        &["peer", "peers"],
        "A connection between two nodes; out: this node dialled, in: the other did",
    ),
    word(
        "tip",
        &["height"],
        "The last block of the chain; its height is the number of blocks before it",
    ),
    word(
        "tracker",
        &["register", "registered"],
        "The node where members meet: it admits them and tells each where the others are; it holds no coins",
    ),
    word(
        "void",
        &["evicted"],
        "In no block any more, and not to be mined: its time is over, better paying ones took its place, or it is \
         conflicted",
    ),
];

/// What a word means.
pub fn meaning(typed: &str) -> Option<&'static Word> {
    let lower = typed.to_lowercase();
    GLOSSARY
        .iter()
        .find(|word| word.word == lower || word.also.contains(&lower.as_str()))
}
