//! What the owners of a simulated network's members do.

use super::chance::Chance;
use super::plan::{PeerPlan, TRACKER};
use std::fmt;

/// Blocks that a send waits for at most unless it is to lapse: longer than any simulation.
const EXPIRY_BLOCKS: u64 = 10_000;

/// Something that a member's owner does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// When, in milliseconds of simulated time since the beginning.
    pub at_ms: u64,
    /// On which host.
    pub from: usize,
    /// What the owner does.
    pub what: Doing,
}

/// What can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doing {
    /// Sends something to another member.
    Send(Sending),
    /// Puts a record of so many bytes on the ledger.
    Record(usize),
    /// Opens a ballot.
    Open(Poll),
    /// Votes in one of the ballots that are open: which, and for what, follows from this number.
    Vote(usize),
    /// The admin says something to everybody, at the tracker.
    Say(Saying),
    /// The admin invites some, at the tracker.
    Invite(Inviting),
    /// It takes the invitation back that it gave to this host.
    Revoke(usize),
    /// It gives the other tracker the right to issue.
    Delegate,
    /// It hands the network over to the other tracker.
    HandOver,
}

/// What the admin says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saying {
    /// The owner of this host is put out.
    Expel(usize),
    /// It may come back.
    Readmit(usize),
    /// The owner of this host has lost its key: its name is another one's from now on.
    Reassign(usize),
}

/// An invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inviting {
    /// The hosts whose owners are given it.
    pub hosts: Vec<usize>,
    /// How many may join by it.
    pub uses: u32,
    /// For how long it counts, in milliseconds.
    pub lasts_ms: u64,
}

impl Saying {
    /// The host it is about.
    pub fn about(self) -> usize {
        match self {
            Self::Expel(host) | Self::Readmit(host) | Self::Reassign(host) => host,
        }
    }
}

/// A ballot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    /// The hosts whose owners may vote.
    pub voters: Vec<usize>,
    /// After how many blocks it closes.
    pub blocks: u64,
    /// After how many milliseconds it closes instead, if it closes by the time.
    pub within_ms: Option<u64>,
}

/// A send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sending {
    /// To which host.
    pub to: usize,
    /// Amount, in coins.
    pub amount: u64,
    /// How long the note is, in bytes; 0: there is none.
    pub text: usize,
    /// Whether it goes straight to its recipient, and to the network only from there.
    pub straight: bool,
    /// The fee.
    pub fee: u64,
    /// In how many blocks it lapses, if it is likely to.
    pub lapses: Option<u64>,
    /// How many of the kind, all at once.
    pub times: usize,
}

impl Sending {
    /// In how many blocks it can be mined.
    pub fn expires_in_blocks(&self) -> u64 {
        self.lapses.unwrap_or(EXPIRY_BLOCKS)
    }

    fn draw(chance: &mut Chance, to: usize, plan: &PeerPlan) -> Self {
        let (coins, words) = match chance.between(0, 8) {
            0..=4 => (true, false),
            5..=7 => (false, true),
            _ => (true, true),
        };
        let amount = chance.between(1, 20);
        let text = match chance.percent(5) {
            true => chance.between(100, 4_000),
            false => chance.between(10, 100),
        };
        // To the network at once, most of what has no words.
        let straight = chance.percent(if words { 85 } else { 40 });
        let is_burst = straight && chance.percent(2);
        // Who does not take it in would leave it waiting for longer than anybody looks.
        let lapses = match plan.lie.is_some() || plan.leaves_ms.is_some() {
            true => Some(chance.between(3, 20)),
            false => chance.percent(6).then(|| chance.between(1, 20)),
        };
        Self {
            to,
            amount: if coins { amount } else { 0 },
            text: if words { text as usize } else { 0 },
            straight,
            fee: chance.between(0, 1),
            lapses,
            times: match is_burst {
                true => chance.between(50, 150) as usize,
                false => 1,
            },
        }
    }
}

impl Deed {
    /// So many coins, by way of the network.
    pub fn payment(at_ms: u64, from: usize, to: usize, amount: u64) -> Self {
        let sending = Sending {
            to,
            amount,
            text: 0,
            straight: false,
            fee: 1,
            lapses: None,
            times: 1,
        };
        let what = Doing::Send(sending);
        Self { at_ms, from, what }
    }

    /// A note of so many bytes, straight to its recipient.
    pub fn note(at_ms: u64, from: usize, to: usize, text: usize) -> Self {
        let sending = Sending {
            to,
            amount: 0,
            text,
            straight: true,
            fee: 0,
            lapses: None,
            times: 1,
        };
        let what = Doing::Send(sending);
        Self { at_ms, from, what }
    }

    /// A coin or a note straight to one of many, to whom the same is sent at once.
    pub(super) fn round(
        chance: &mut Chance,
        at_ms: u64,
        from: usize,
        to: usize,
        plan: &PeerPlan,
    ) -> Self {
        let mut sending = Sending::draw(chance, to, plan);
        (sending.straight, sending.times) = (true, 1);
        let what = Doing::Send(sending);
        Self { at_ms, from, what }
    }

    pub(super) fn draw(chance: &mut Chance, peers: &[PeerPlan], trouble_ms: u64) -> Self {
        let count = peers.len();
        let from = chance.index(count);
        let to = (from + chance.between(1, count as u64 - 1) as usize) % count;
        let what = match chance.percent(8) {
            true => Doing::Record(chance.between(1, 500) as usize),
            false => Doing::Send(Sending::draw(chance, 1 + to, &peers[to])),
        };
        Self {
            at_ms: chance.between(10_000, trouble_ms),
            from: 1 + from,
            what,
        }
    }

    /// A ballot for some, and the votes of its voters and of others.
    pub(super) fn ballot(chance: &mut Chance, peers: &[PeerPlan], trouble_ms: u64) -> Vec<Self> {
        let host = |chance: &mut Chance| 1 + chance.index(peers.len());
        let begun = chance.between(5_000, trouble_ms / 2);
        let mut voters: Vec<_> = (1..=peers.len()).filter(|_| chance.percent(80)).collect();
        let opener = host(chance);
        if voters.is_empty() {
            voters.push(opener);
        }
        let poll = Poll {
            voters,
            blocks: chance.between(3, 30),
            within_ms: chance
                .percent(40)
                .then(|| chance.between(20_000, trouble_ms / 2)),
        };
        let mut deeds = vec![Self {
            at_ms: begun,
            from: opener,
            what: Doing::Open(poll),
        }];
        for _ in 0..chance.between(2, 25) {
            deeds.push(Self {
                at_ms: chance.between(begun, trouble_ms),
                from: host(chance),
                what: Doing::Vote(chance.between(0, 1_000) as usize),
            });
        }
        deeds
    }

    /// The admin puts a host out, and may let it come back.
    pub(super) fn expulsion(chance: &mut Chance, host: usize, trouble_ms: u64) -> Vec<Self> {
        let said = |at_ms, saying| Self {
            at_ms,
            from: TRACKER,
            what: Doing::Say(saying),
        };
        let at_ms = chance.between(20_000, trouble_ms);
        let mut deeds = vec![said(at_ms, Saying::Expel(host))];
        if chance.percent(60) {
            let back_ms = at_ms + chance.between(500, trouble_ms);
            deeds.push(said(back_ms, Saying::Readmit(host)));
        }
        deeds
    }

    /// The hosts it names.
    pub fn hosts(&self) -> Vec<usize> {
        match &self.what {
            Doing::Send(sending) => vec![self.from, sending.to],
            Doing::Open(poll) => [&[self.from], &poll.voters[..]].concat(),
            Doing::Say(saying) => vec![self.from, saying.about()],
            Doing::Invite(inviting) => [&[self.from], &inviting.hosts[..]].concat(),
            Doing::Revoke(host) => vec![self.from, *host],
            Doing::Record(_) | Doing::Vote(_) | Doing::Delegate | Doing::HandOver => {
                vec![self.from]
            }
        }
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.at_ms as f64 / 1_000.0;
        write!(f, "{seconds:>8.3} s: host {} ", self.from)?;
        match &self.what {
            Doing::Record(bytes) => write!(f, "records {bytes} bytes"),
            Doing::Open(poll) => {
                write!(f, "opens a ballot for hosts {:?} and ", poll.voters)?;
                match poll.within_ms {
                    Some(ms) => write!(f, "{ms} ms"),
                    None => write!(f, "{} blocks", poll.blocks),
                }
            }
            Doing::Vote(which) => write!(f, "votes ({which})"),
            Doing::Say(saying) => write!(f, "says: {saying:?}"),
            Doing::Delegate => write!(f, "gives the other tracker the right to issue"),
            Doing::HandOver => write!(f, "hands the network over to the other tracker"),
            Doing::Invite(inviting) => {
                let Inviting {
                    hosts,
                    uses,
                    lasts_ms,
                } = inviting;
                write!(
                    f,
                    "invites hosts {hosts:?}, {uses} of them, for {lasts_ms} ms"
                )
            }
            Doing::Revoke(which) => write!(f, "takes the invitation of host {which} back"),
            Doing::Send(sending) => {
                let way = if sending.straight {
                    "straight"
                } else {
                    "by the network"
                };
                write!(f, "sends host {} {way}: ", sending.to)?;
                write!(
                    f,
                    "{} coins, {} bytes of note",
                    sending.amount, sending.text
                )?;
                write!(f, ", fee {}", sending.fee)?;
                if let Some(blocks) = sending.lapses {
                    write!(f, ", to be mined within {blocks} blocks")?;
                }
                match sending.times {
                    1 => Ok(()),
                    times => write!(f, ", {times} times"),
                }
            }
        }
    }
}
