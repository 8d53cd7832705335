//! What can be typed to ask a running node.

use super::values::{at_least_one, height, invitation, lasts, uses};
use super::{
    OutboxOrder, Page, ProveArgs, Record, SendArgs, SendManyArgs, Sure, TrackerOrder, Vote,
};
use crate::membership::MemberName;
use clap::{Args, Subcommand};

/// The commands that ask a running node.
#[derive(Debug, Subcommand)]
pub enum Ask {
    /// How the node stands
    Status,
    /// Who is in the network
    Peers {
        /// Show whole addresses instead, as `blocked` in the settings wants them
        #[arg(long)]
        addresses: bool,
        /// Which of them.
        #[command(flatten)]
        page: Page,
    },
    /// Who is a member, by the ledger
    Members {
        /// After the block at this height [default: the last one]
        #[arg(long, value_name = "HEIGHT", value_parser = height, allow_negative_numbers = true)]
        at: Option<u64>,
        /// Which of them.
        #[command(flatten)]
        page: Page,
    },
    /// Invite somebody into the network, at its tracker
    Invite(InviteArgs),
    /// Put a member out, at the tracker: nobody talks to it any more
    Expel(Expel),
    /// Let a member come back that was put out, at the tracker
    Readmit {
        /// Its name or its address
        name: String,
    },
    /// Give a member that has lost its wallet another key, at the tracker
    Rekey(Rekey),
    /// Other trackers of the network: who may issue, and who takes over
    #[command(subcommand)]
    Tracker(TrackerOrder),
    /// What somebody has
    Balance {
        /// A member's name or an address [default: this node]
        of: Option<String>,
    },
    /// Mine blocks, and print each as it is found
    Mine {
        /// How many
        #[arg(long, default_value_t = 1, value_name = "N", value_parser = at_least_one,
              allow_negative_numbers = true)]
        blocks: u64,
    },
    /// Fetch the history from a chosen peer, and show how far it is
    Sync {
        /// A member's name or an address
        #[arg(long, value_name = "NAME")]
        from: String,
    },
    /// Pay somebody, write to somebody, or both
    Send(SendArgs),
    /// Pay and write to many, as a file says: all of it in calls that share their writes
    SendMany(SendManyArgs),
    /// What is on its way, and what did not get through
    Outbox {
        /// Change something of it
        #[command(subcommand)]
        order: Option<OutboxOrder>,
        /// Which part of it.
        #[command(flatten)]
        page: Page,
    },
    /// What was received; it counts as read then
    Inbox {
        /// Only what was not read before
        #[arg(long)]
        unread: bool,
        /// Go on showing what comes, until Ctrl-C
        #[arg(long)]
        follow: bool,
        /// Which part of it.
        #[command(flatten)]
        page: Page,
    },
    /// What was sent and received, and what became of it
    History {
        /// Which part of it.
        #[command(flatten)]
        page: Page,
    },
    /// What came into blocks for this node, mined coins among it, and what there was after each
    Account {
        /// Which part of it.
        #[command(flatten)]
        page: Page,
    },
    /// Where a transaction stands
    Tx {
        /// Its id
        id: String,
    },
    /// What is in a block
    Block {
        /// Its height or its id
        name: String,
    },
    /// The open transactions: valid, not mined yet
    Open {
        /// Which of them.
        #[command(flatten)]
        page: Page,
    },
    /// Ballots: open, list, show, cast, tally, audit; alone, it asks what to do
    Vote {
        /// What to do.
        #[command(subcommand)]
        what: Option<Vote>,
    },
    /// Bytes under a topic, for everybody: add some, show them, follow them
    #[command(subcommand)]
    Record(Record),
    /// Prove to somebody who is no member that a block, or a transaction, is on the chain
    Prove(ProveArgs),
    /// Say goodbye to everybody and keep no session, until `connect` or the next start; the node runs on
    Disconnect,
    /// Take up the sessions again, after `disconnect`
    Connect,
    /// Leave the network for good: name and coins stay with the key. This is no logging
    /// out: to stop the node, press Ctrl-C in its terminal
    Leave(Sure),
    /// The chain as a whole
    #[command(subcommand)]
    Chain(Chain),
}

/// Invitations.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct InviteArgs {
    /// Do something with those that were made
    #[command(subcommand)]
    pub order: Option<InviteOrder>,
    /// How many may join by it [default: 1]
    #[arg(long, value_name = "N", value_parser = uses, allow_negative_numbers = true)]
    pub uses: Option<u32>,
    /// For how long, such as 30m, 24h or 7d [default: 24h]
    #[arg(long, value_name = "TIME", value_parser = lasts)]
    pub expires: Option<u64>,
    /// Show it as a picture (a QR code), too
    #[arg(long)]
    pub qr: bool,
}

/// What can be done with invitations.
#[derive(Debug, Subcommand)]
pub enum InviteOrder {
    /// Which there are, how often each can still be used, and until when
    List {
        /// Which of them.
        #[command(flatten)]
        page: Page,
    },
    /// Let nobody join by one any more; whoever has joined by it stays
    Revoke {
        /// Its number
        #[arg(value_parser = invitation, allow_negative_numbers = true)]
        id: u32,
    },
}

/// Somebody is put out.
#[derive(Debug, Args)]
pub struct Expel {
    /// The member's name or its address
    pub name: String,
    /// Why: everybody reads it, and it stays on the ledger
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Whether it was asked.
    #[command(flatten)]
    pub sure: Sure,
}

/// A name gets another key.
#[derive(Debug, Args)]
pub struct Rekey {
    /// The member's name
    pub name: MemberName,
    /// The address of its new key, as its node shows it
    pub address: String,
    /// Whether it was asked.
    #[command(flatten)]
    pub sure: Sure,
}

/// What can be done with the chain as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Chain {
    /// How long it is, where it ends, and how much work it took
    Show,
    /// Check it again from its first block, believing nothing that is stored
    Verify,
}
