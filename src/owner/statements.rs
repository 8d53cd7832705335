//! What a tracker's owner says to everybody, as the network's admin.

use super::answers::{ExpelRequest, ReadmitRequest, RekeyRequest, SaidView, StatementView};
use super::codes::Code;
use super::invitations::{another_answer, view};
use super::people::looks_like_an_address;
use super::{Refused, Tracker};
use crate::keys::PublicKey;
use crate::membership::statement::{ExpulsionReason, MAX_EXPULSION_REASON};
use crate::membership::{Act, MemberName};
use crate::messages::registry::{CarryOut, WhoIs};
use crate::protocol::registry::{Named, Order, Outcome};
use crate::readable::visible;

impl Tracker {
    /// Puts a member out.
    ///
    /// # Errors
    /// [`Code::UnknownMember`], [`Code::BadAddress`], [`Code::BadParameter`] for a reason that is none or too
    /// long, [`Code::Oneself`], [`Code::AlreadyOut`], and as [`Tracker::say`].
    pub async fn expel(&self, request: &ExpelRequest) -> Result<SaidView, Refused> {
        let act = self.check_expulsion(request).await?;
        self.say(act).await
    }

    /// What would be said to put a member out: whether who and why are well is known before it is done.
    ///
    /// # Errors
    /// [`Code::UnknownMember`], [`Code::BadAddress`], [`Code::BadParameter`] for a reason that is none or too
    /// long, [`Code::Stopping`].
    pub async fn check_expulsion(&self, request: &ExpelRequest) -> Result<Act, Refused> {
        let reason = request.reason.trim();
        let text = format!(
            "why it is put out is said in 1 to {MAX_EXPULSION_REASON} bytes, for everybody to read"
        );
        let reason = Some(reason).filter(|reason| !reason.is_empty());
        let reason = reason.and_then(|reason| ExpulsionReason::new(reason).ok());
        let reason = reason.ok_or_else(|| Refused::new(Code::BadParameter, text))?;
        let key = self.key_of(&request.who).await?;
        Ok(Act::Expel { key, reason })
    }

    /// Lets somebody come back who was put out.
    ///
    /// # Errors
    /// [`Code::UnknownMember`], [`Code::BadAddress`], [`Code::NotOut`], and as [`Tracker::say`].
    pub async fn readmit(&self, request: &ReadmitRequest) -> Result<SaidView, Refused> {
        let key = self.key_of(&request.who).await?;
        self.say(Act::Readmit { key }).await
    }

    /// Gives a name to another key; the former one is put out.
    ///
    /// # Errors
    /// [`Code::UnknownMember`], [`Code::BadAddress`], [`Code::WrongNewKey`], and as [`Tracker::say`].
    pub async fn rekey(&self, request: &RekeyRequest) -> Result<SaidView, Refused> {
        let key = PublicKey::from_address(&request.address);
        let key = key.map_err(|error| Refused::new(Code::BadAddress, error.to_string()))?;
        let name = request.name.clone();
        self.say(Act::Reassign { name, key }).await
    }

    /// Signs what its owner decides, keeps it, and tells everybody who is there.
    ///
    /// # Errors
    /// [`Code::OnlyIntroduces`], [`Code::NoNetwork`], [`Code::NotAdmin`], [`Code::NotKept`],
    /// [`Code::Stopping`].
    pub async fn say(&self, act: Act) -> Result<SaidView, Refused> {
        let ordered = self.order.send(CarryOut(Order::Say(act))).await??;
        let Outcome::Said {
            said,
            name,
            let_in,
            told,
        } = ordered
        else {
            return Err(another_answer());
        };
        let now = self.clock.wall();
        Ok(SaidView {
            statements: said
                .iter()
                .map(|signed| StatementView::new(signed, name.clone()))
                .collect(),
            told,
            invitations: let_in
                .iter()
                .map(|(id, kept)| view(*id, kept, now))
                .collect(),
        })
    }

    /// The key that was meant: of whoever has or had exactly this name, or in this address.
    async fn key_of(&self, typed: &str) -> Result<PublicKey, Refused> {
        if looks_like_an_address(typed) {
            let key = PublicKey::from_address(typed);
            return key.map_err(|error| Refused::new(Code::BadAddress, error.to_string()));
        }
        let unknown = |near: Option<MemberName>| {
            let near = near.map_or(String::new(), |near| format!(": did you mean {near}?"));
            let shown: String = visible(typed).chars().take(100).collect();
            let text = format!("no member is called {shown:?}, and none was{near}");
            Refused::new(Code::UnknownMember, text)
        };
        let name: MemberName = typed.parse().map_err(|_| unknown(None))?;
        match self.names.send(WhoIs(name)).await? {
            Named::Key(key) => Ok(key),
            Named::Nobody(near) => Err(unknown(near)),
        }
    }
}
