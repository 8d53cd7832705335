//! What the tracker's owner orders, and what is answered once the disk has it.

use super::delegates::MAX_DELEGATES;
use super::invitations::{InvitationId, Kept, MAX_INVITATIONS};
use super::{Effect, Fact, Registry};
use crate::chain::NetworkId;
use crate::clock::Now;
use crate::keys::PublicKey;
use crate::membership::invitation::MAX_USES;
use crate::membership::statements::NotTaken;
use crate::membership::{
    Act, Delegation, Invitation, InvitationStatement, MemberName, SignedStatement,
};

/// Longest time for which an invitation counts, in milliseconds: a year. Who is to join later than that
/// is invited later.
pub const MAX_INVITATION_MS: u64 = 365 * 86_400_000;

/// An order of the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Sign an invitation. Done with [`Outcome::Invited`].
    Invite {
        /// The key of the invitation, whose secret its maker has.
        key: PublicKey,
        /// How many may join by it.
        uses: u32,
        /// For how long from now on, in milliseconds.
        lasts_ms: u64,
    },
    /// Let nobody join by this invitation any more. Done with [`Outcome::Revoked`].
    RevokeInvitation(InvitationId),
    /// Sign what the admin decides, and tell everybody. Done with [`Outcome::Said`].
    Say(Act),
    /// Keep what somebody else has signed, with the recovery key, and tell everybody. Done with
    /// [`Outcome::Said`].
    Hear(Box<SignedStatement>),
    /// Give the tracker with this key the right to issue. Done with [`Outcome::Delegated`].
    Delegate {
        /// Its key.
        key: PublicKey,
        /// For how long from now on, in milliseconds.
        lasts_ms: u64,
    },
}

/// What came of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The invitation is signed and kept.
    Invited {
        /// Its number.
        id: InvitationId,
        /// What was signed.
        invitation: Invitation,
    },
    /// The invitation is revoked.
    Revoked {
        /// Its number.
        id: InvitationId,
        /// What is kept of it.
        kept: Kept,
    },
    /// The right is signed and kept.
    Delegated(Delegate),
    /// The admin's word is signed, kept, and told.
    Said {
        /// What was signed: what was ordered comes last.
        said: Vec<SignedStatement>,
        /// The name that it is about, or that the key it is about goes by, if it is known.
        name: Option<MemberName>,
        /// By which invitations whoever is put out came, as far as this tracker knows.
        let_in: Vec<(InvitationId, Kept)>,
        /// How many members were told.
        told: usize,
    },
}

/// A delegate, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegate {
    /// The right that it was given.
    pub delegation: Delegation,
    /// Whether the right was taken back.
    pub revoked: bool,
    /// Whether it copies the register at present.
    pub copying: bool,
}

/// Why an order is not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderRefused {
    /// This tracker only introduces.
    #[error(
        "this tracker only introduces members: let the admin's tracker give it the right to issue, with `node tracker delegate ADDRESS`"
    )]
    OnlyIntroduces,
    /// Nobody gave it this right.
    #[error(
        "this tracker was never given the right to issue, or it was taken back: `node tracker list` shows who has it"
    )]
    NoDelegate,
    /// So many have the right.
    #[error("{MAX_DELEGATES} trackers have the right to issue: take it back from one first")]
    TooManyDelegates,
    /// For too long, or no time.
    #[error("the right to issue is given for a second at least, and for 90 days at most")]
    DelegationLasts,
    /// The invitation would be for nobody, or for too many.
    #[error("an invitation is for 1 to {MAX_USES} members")]
    Uses,
    /// It would count for no time, or for too long.
    #[error("an invitation counts for a second at least, and for 365 days at most")]
    Lasts,
    /// There are too many.
    #[error(
        "there are {MAX_INVITATIONS} invitations that have not ended: let one be for several members, or wait until some have ended"
    )]
    TooManyInvitations,
    /// The tracker ended before it was done.
    #[error("the tracker stopped before this was done: start it again, and look whether it was")]
    Stopping,
    /// There is no network yet.
    #[error(
        "there is no network yet to say this to: its first member makes it, within seconds of joining"
    )]
    NotFounded,
    /// Another key is the network's admin by now.
    #[error(
        "this tracker does not speak for the network any more: its admin key is {} now", .0.to_address()
    )]
    NotAdmin(PublicKey),
    /// It is about the tracker's own key.
    #[error("this is the tracker's own key, which speaks for the network: it can't be meant")]
    Oneself,
    /// Nobody goes by this name.
    #[error("no member is called {0}, and none was: `node peers` shows who there is")]
    UnknownMember(MemberName),
    /// It is put out.
    #[error("this key is put out already")]
    AlreadyOut,
    /// It is not put out.
    #[error("this key is not put out: there is nothing to take back")]
    NotOut,
    /// The name is that key's.
    #[error("{0} has this very key already")]
    OwnNameAlready(MemberName),
    /// The new key is put out.
    #[error("the new key is put out: readmit it first, or have another one made")]
    NewKeyIsOut,
    /// The new key is a member's.
    #[error(
        "the new key is {}'s already, and a member has one name: have another key made", .0.as_ref().map_or("a member", MemberName::as_str)
    )]
    NewKeyIsMember(Option<MemberName>),
    /// It does not count, or can't be kept.
    #[error("what was said can't be kept: {0}")]
    NotTaken(#[from] NotTaken),
    /// No invitation has this number.
    #[error("there is no invitation {}: `node invite list` shows them", .0.0)]
    UnknownInvitation(InvitationId),
}

impl Registry {
    /// The owner orders something. Answered with [`Effect::Done`] and this token, once.
    #[must_use]
    pub fn order(&mut self, token: u64, order: Order, now: Now) -> Vec<Effect> {
        let outcome = match order {
            Order::Invite {
                key,
                uses,
                lasts_ms,
            } => self.invite(key, uses, lasts_ms, now),
            Order::RevokeInvitation(id) => self.revoke_invitation(id, now),
            Order::Delegate { key, lasts_ms } => self.delegate(key, lasts_ms, now),
            Order::Hear(signed) => self.hear_owner(*signed, now),
            Order::Say(act) => self.say(act, now),
        };
        // Not before the disk has what was ordered.
        self.outgoing.say(Effect::Done { token, outcome });
        self.outgoing.take()
    }

    /// The invitations behind this number.
    pub fn invitations_after(
        &self,
        after: Option<InvitationId>,
    ) -> impl Iterator<Item = (InvitationId, &Kept)> {
        self.invitations.after(after)
    }

    fn invite(
        &mut self,
        key: PublicKey,
        uses: u32,
        lasts_ms: u64,
        now: Now,
    ) -> Result<Outcome, OrderRefused> {
        if !(1..=MAX_USES).contains(&uses) {
            return Err(OrderRefused::Uses);
        }
        if !(1_000..=MAX_INVITATION_MS).contains(&lasts_ms) {
            return Err(OrderRefused::Lasts);
        }
        let network = Some(self.network()).filter(|network| *network != NetworkId::ZERO);
        let issuer = self.certificates.own_key();
        let serial = self.certificates.serial(None, now.wall);
        let office = self.certificates.office(now.wall);
        let office = office.ok_or(OrderRefused::OnlyIntroduces)?;
        let statement = InvitationStatement {
            network,
            key,
            issuer,
            delegation: office.delegation(),
            uses,
            serial,
            expires: office.ends(serial.plus_ms(lasts_ms)),
        };
        let invitation = self.certificates.sign_invitation(statement);
        let kept = self.invitations.keep(invitation.clone(), now.wall);
        let (id, rows) = kept.ok_or(OrderRefused::TooManyInvitations)?;
        self.outgoing.write(rows);
        self.outgoing.say(Effect::Fact(Fact::Invited { id, uses }));
        Ok(Outcome::Invited { id, invitation })
    }

    fn revoke_invitation(&mut self, id: InvitationId, now: Now) -> Result<Outcome, OrderRefused> {
        let rows = self.invitations.revoke(id, now.wall);
        self.outgoing
            .write(rows.ok_or(OrderRefused::UnknownInvitation(id))?);
        let kept = self.invitations.get(id).cloned();
        let kept = kept.ok_or(OrderRefused::UnknownInvitation(id))?;
        self.outgoing
            .say(Effect::Fact(Fact::InvitationRevoked { id }));
        Ok(Outcome::Revoked { id, kept })
    }
}
