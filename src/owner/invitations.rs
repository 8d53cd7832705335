//! What a tracker does for its owner about invitations.

use super::answers::{
    Cursor, InvitationState, InvitationView, InvitationsView, InviteRequest, InvitedView,
};
use super::pages::Page;
use super::tracker::MAX_PEERS_LISTED;
use super::{Code, Refused, Tracker};
use crate::chain::Timestamp;
use crate::keys::SecretKey;
use crate::membership::{Address, InvitationString};
use crate::messages::registry::{CarryOut, GetInvitations};
use crate::protocol::registry::{InvitationId, Kept, Order, OrderRefused, Outcome};
use zeroize::Zeroizing;

/// For how long an invitation counts if nobody says otherwise, in milliseconds: a day. It is a secret in
/// somebody's messages.
const USUAL_LASTS_MS: u64 = 86_400_000;

impl Tracker {
    /// Makes an invitation.
    ///
    /// # Errors
    /// [`Code::BadParameter`], [`Code::NoAddress`], [`Code::OnlyIntroduces`],
    /// [`Code::TooManyInvitations`], [`Code::Stopping`].
    pub async fn invite(&self, request: &InviteRequest) -> Result<InvitedView, Refused> {
        let addresses = self.addresses_to_invite_to()?;
        let mut seed = Zeroizing::new([0; 32]);
        self.entropy.fill(&mut *seed);
        let order = Order::Invite {
            key: SecretKey::from_bytes(*seed).public_key(),
            uses: request.uses.unwrap_or(1),
            lasts_ms: request.lasts_ms.unwrap_or(USUAL_LASTS_MS),
        };
        let Outcome::Invited { id, invitation } = self.order.send(CarryOut(order)).await?? else {
            return Err(another_answer());
        };
        let (uses, expires) = (invitation.statement.uses, invitation.statement.expires);
        let string = InvitationString::new(invitation, seed, addresses, self.key);
        let string = string.map_err(|error| {
            let text = format!("{error}: see \"advertise\" in the tracker's settings");
            Refused::new(Code::NoAddress, text)
        })?;
        Ok(InvitedView {
            invitation: string.reveal().to_string(),
            id: id.0,
            uses,
            expires,
        })
    }

    /// The invitations, by number. The cursor is the number that the page before ended with.
    ///
    /// # Errors
    /// [`Code::BadParameter`], [`Code::BadCursor`], [`Code::Stopping`].
    pub async fn invitations(&self, page: &Page) -> Result<InvitationsView, Refused> {
        let limit = page.limit(MAX_PEERS_LISTED, MAX_PEERS_LISTED)?;
        let after = page.after_number()?;
        let after = after.map(|number| InvitationId(u32::try_from(number).unwrap_or(u32::MAX)));
        let asked = GetInvitations {
            after,
            // One more shows whether there are more.
            limit: limit + 1,
        };
        let kept = self.invitations.send(asked).await?;
        let now = self.clock.wall();
        let some = kept.iter().take(limit);
        let invitations: Vec<_> = some.map(|(id, kept)| view(*id, kept, now)).collect();
        let last = invitations.last().filter(|_| kept.len() > limit);
        let next = last.map(|last| Cursor(last.id.to_string()));
        Ok(InvitationsView { invitations, next })
    }

    /// Takes an invitation back: nobody joins by it any more; whoever has joined stays.
    ///
    /// # Errors
    /// [`Code::UnknownInvitation`], [`Code::Stopping`].
    pub async fn revoke_invitation(&self, id: &str) -> Result<InvitationView, Refused> {
        let number = id.parse().map(InvitationId).map_err(|_| {
            let text =
                format!("an invitation has a number, which {id:?} is none: `node invite list`");
            Refused::new(Code::UnknownInvitation, text)
        })?;
        let order = Order::RevokeInvitation(number);
        let Outcome::Revoked { id, kept } = self.order.send(CarryOut(order)).await?? else {
            return Err(another_answer());
        };
        Ok(view(id, &kept, self.clock.wall()))
    }

    /// Whether whom it invites can join on this machine alone.
    pub fn invites_here_alone(&self) -> bool {
        let addresses = self.addresses_to_invite_to();
        addresses.is_ok_and(|all| all.iter().all(Address::is_of_this_machine))
    }

    /// Where whoever is invited dials: what the settings say, or where we listen, if that is one address.
    fn addresses_to_invite_to(&self) -> Result<Vec<Address>, Refused> {
        if !self.advertise.is_empty() {
            return Ok(self.advertise.clone());
        }
        let own = (!self.listen.ip().is_unspecified())
            .then(|| self.listen.to_string().parse().ok())
            .flatten();
        let text = "this tracker listens at every address of its machine, and none of them is one that \
                    others dial: say under which address others reach it, as \"advertise\" in its settings \
                    (such as [\"192.168.1.10:7000\"]), and start it again";
        own.map(|own| vec![own])
            .ok_or_else(|| Refused::new(Code::NoAddress, text))
    }
}

pub(super) fn view(id: InvitationId, kept: &Kept, now: Timestamp) -> InvitationView {
    let said = &kept.invitation.statement;
    let state = if kept.revoked.is_some() {
        InvitationState::Revoked
    } else if kept.used >= said.uses {
        InvitationState::UsedUp
    } else if now >= said.expires {
        InvitationState::Expired
    } else {
        InvitationState::Open
    };
    InvitationView {
        id: id.0,
        state,
        uses_left: kept.left(now),
        uses: said.uses,
        made: said.serial,
        expires: said.expires,
        revoked: kept.revoked,
    }
}

/// The registry has one outcome for each order.
pub(super) fn another_answer() -> Refused {
    let text = "the register answered another order than was given: please report this";
    Refused::new(Code::Internal, text)
}

impl From<OrderRefused> for Refused {
    fn from(refused: OrderRefused) -> Self {
        let code = match refused {
            OrderRefused::OnlyIntroduces => Code::OnlyIntroduces,
            OrderRefused::Uses | OrderRefused::Lasts => Code::BadParameter,
            OrderRefused::TooManyInvitations => Code::TooManyInvitations,
            OrderRefused::Stopping => Code::Stopping,
            OrderRefused::UnknownInvitation(_) => Code::UnknownInvitation,
            OrderRefused::NotFounded => Code::NoNetwork,
            OrderRefused::NotAdmin(_) => Code::NotAdmin,
            OrderRefused::Oneself => Code::Oneself,
            OrderRefused::UnknownMember(_) => Code::UnknownMember,
            OrderRefused::AlreadyOut => Code::AlreadyOut,
            OrderRefused::NotOut => Code::NotOut,
            OrderRefused::OwnNameAlready(_)
            | OrderRefused::NewKeyIsOut
            | OrderRefused::NewKeyIsMember(_) => Code::WrongNewKey,
            OrderRefused::NotTaken(_) => Code::NotKept,
            OrderRefused::NoDelegate => Code::NoDelegate,
            OrderRefused::TooManyDelegates => Code::TooManyDelegates,
            OrderRefused::DelegationLasts => Code::BadParameter,
        };
        Self::new(code, refused.to_string())
    }
}
