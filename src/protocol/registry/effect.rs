//! What the registry asks of its shell, and what it has to tell.

use super::invitations::InvitationId;
use super::orders::{OrderRefused, Outcome};
use crate::chain::{NetworkId, Timestamp};
use crate::clock::SteadyTime;
use crate::keys::PublicKey;
use crate::membership::Address;
use crate::membership::MemberName;
use crate::membership::statement::ActKind;
use crate::protocol::liveness::Standing;
use crate::protocol::{Row, SessionId};
use crate::wire::{MemberId, Message};

/// What the registry's shell has to do, in order.
#[allow(
    clippy::large_enum_variant,
    reason = "most are messages, and none is kept for long"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send it. A session that is gone already is passed over.
    Send {
        /// The session that it is sent in.
        session: SessionId,
        /// The message.
        message: Message,
    },
    /// Send it to all of these, encoded once. Sessions that are gone already are passed over.
    SendAll {
        /// The sessions that it is sent in, each once.
        sessions: Vec<SessionId>,
        /// The message.
        message: Message,
    },
    /// Dial somebody back, under one address after the other until it is reached, and report it
    /// with [`super::Registry::dialled_back`], whatever comes of it.
    DialBack {
        /// Whom.
        whom: Visited,
        /// Its key: who else answers is not it.
        key: PublicKey,
        /// Where, at least one.
        addresses: Vec<Address>,
    },
    /// Dial the admin's tracker, and report [`super::Registry::first_dialled`] or
    /// [`super::Registry::first_not_reached`].
    DialFirst {
        /// Where it is.
        address: Address,
    },
    /// Say goodbye with this reason and close. The registry has forgotten the session.
    Close {
        /// The session to close.
        session: SessionId,
        /// Why, for people.
        reason: String,
    },
    /// Write these rows in one synced batch and report it with [`super::Registry::committed`].
    Commit {
        /// Number of this batch; batches are written in the order of their numbers.
        batch: u64,
        /// The rows, of the registry's own table.
        rows: Vec<Row>,
    },
    /// Something worth a line in the log.
    Fact(Fact),
    /// What came of an order of the owner.
    Done {
        /// The token of the order.
        token: u64,
        /// What came of it.
        outcome: Result<Outcome, OrderRefused>,
    },
}

/// Who is dialled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visited {
    /// A member, of this number.
    Member(MemberId),
    /// Somebody who asks in this session whether it could join.
    Inquirer(SessionId),
}

impl Effect {
    /// The sessions that it is a message for.
    pub(super) fn receivers(&self) -> &[SessionId] {
        match self {
            Self::Send { session, .. } => std::slice::from_ref(session),
            Self::SendAll { sessions, .. } => sessions,
            Self::DialBack { .. }
            | Self::DialFirst { .. }
            | Self::Close { .. }
            | Self::Commit { .. }
            | Self::Fact(_)
            | Self::Done { .. } => &[],
        }
    }
}

/// Something that happened, told once it is on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A tracker may issue until then.
    Delegated {
        /// Its key.
        key: PublicKey,
        /// Until when.
        until: Timestamp,
    },
    /// The register is copied from another tracker, and to it.
    Copying {
        /// Whose.
        with: PublicKey,
    },
    /// It is no more.
    CopyingEnded {
        /// Whose.
        with: PublicKey,
    },
    /// The network's first block came from another tracker.
    GenesisCopied {
        /// Its id.
        network: NetworkId,
    },
    /// A member registered for the first time.
    MemberJoined {
        /// Number that the tracker gave the member.
        id: MemberId,
        /// Its name.
        name: MemberName,
        /// Its key.
        key: PublicKey,
        /// The number of the invitation that it joined by, if it did by one that is known.
        invitation: Option<InvitationId>,
    },
    /// The owner made an invitation.
    Invited {
        /// Its number.
        id: InvitationId,
        /// How many may join by it.
        uses: u32,
    },
    /// The owner revoked an invitation.
    InvitationRevoked {
        /// Its number.
        id: InvitationId,
    },
    /// The admin has said something to everybody.
    Said {
        /// What kind of word.
        kind: ActKind,
        /// The key it is about.
        key: PublicKey,
        /// The name that this key goes by, or went by, if it is known.
        name: Option<MemberName>,
    },
    /// A member came, went, or can be reached now or not any more.
    MemberStands {
        /// Number that the tracker gave the member.
        id: MemberId,
        /// Its name.
        name: MemberName,
        /// How it stands from now on.
        standing: Standing,
    },
    /// Two nodes use one member's wallet; both were told.
    WalletUsedTwice {
        /// Its number.
        id: MemberId,
        /// Its name.
        name: MemberName,
        /// Where the one is that stays registered, for people.
        stays: String,
        /// Where the one is that was refused.
        refused: String,
    },
    /// A member left for good.
    MemberLeft {
        /// Number that the tracker gave the member.
        id: MemberId,
        /// Its name.
        name: MemberName,
    },
    /// A member that was not heard of for long has given way to a newcomer.
    MemberLapsed {
        /// Number that the tracker gave the member.
        id: MemberId,
        /// Its name, which it keeps.
        name: MemberName,
    },
    /// A member was asked to make genesis.
    LeaseGranted {
        /// Number that the tracker gave the member.
        id: MemberId,
        /// Until when nobody else is asked.
        until: SteadyTime,
    },
    /// The network has its genesis block.
    GenesisAccepted {
        /// The network's id.
        network: NetworkId,
        /// Who sent it.
        from: MemberId,
        /// It was not made for us now, but presented by a member that has a chain: our own record of
        /// it was lost.
        adopted: bool,
        /// Its parameters are not those of our settings, which have no effect any more.
        other_params: bool,
    },
}
