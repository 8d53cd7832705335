//! Other trackers with the right to issue, and another tracker in this one's place.

use super::answers::{
    DelegateRequest, DelegateState, DelegateView, DelegatesView, HandOverRequest, SaidView,
    StatementRequest, StatementView,
};
use super::codes::Code;
use super::invitations::another_answer;
use super::{Peer, Refused, Tracker};
use crate::canonical::{self, bytes_from_hex};
use crate::keys::PublicKey;
use crate::membership::{Act, SignedStatement};
use crate::messages::registry::{CarryOut, GetDelegates};
use crate::messages::tracker_link::HearStatements;
use crate::protocol::registry::{Delegate, Order, Outcome};

/// For how long the right is given if nobody says otherwise, in milliseconds: 30 days.
const USUAL_LASTS_MS: u64 = 30 * 86_400_000;

impl Tracker {
    /// Gives another tracker the right to issue.
    ///
    /// # Errors
    /// [`Code::BadAddress`], [`Code::BadParameter`], [`Code::NotAdmin`], [`Code::Oneself`],
    /// [`Code::TooManyDelegates`], [`Code::NoNetwork`], [`Code::Stopping`].
    pub async fn delegate(&self, request: &DelegateRequest) -> Result<DelegateView, Refused> {
        let order = Order::Delegate {
            key: key_of(&request.address)?,
            lasts_ms: request.lasts_ms.unwrap_or(USUAL_LASTS_MS),
        };
        match self.order.send(CarryOut(order)).await?? {
            Outcome::Delegated(delegate) => Ok(self.view(&delegate)),
            _ => Err(another_answer()),
        }
    }

    /// The trackers that were given the right to issue.
    ///
    /// # Errors
    /// [`Code::Stopping`].
    pub async fn delegates(&self) -> Result<DelegatesView, Refused> {
        let delegates = self.delegates.send(GetDelegates).await?;
        Ok(DelegatesView {
            delegates: delegates.iter().map(|one| self.view(one)).collect(),
        })
    }

    /// Takes the right back, and tells everybody.
    ///
    /// # Errors
    /// [`Code::BadAddress`], [`Code::NoDelegate`], and as [`Tracker::say`].
    pub async fn revoke_delegate(&self, address: &str) -> Result<SaidView, Refused> {
        let key = key_of(address)?;
        self.say(Act::Revoke { key }).await
    }

    /// Puts another tracker in the place of this one.
    ///
    /// # Errors
    /// [`Code::BadAddress`], [`Code::Oneself`], and as [`Tracker::say`].
    pub async fn hand_over(&self, request: &HandOverRequest) -> Result<SaidView, Refused> {
        let key = key_of(&request.address)?;
        self.say(Act::Succeed { key }).await
    }

    /// Keeps a statement that was signed with the recovery key, and tells everybody.
    ///
    /// # Errors
    /// [`Code::BadParameter`] for what is none, and as [`Tracker::say`].
    pub async fn hear(&self, request: &StatementRequest) -> Result<SaidView, Refused> {
        let signed = statement_of(request)?;
        let order = Order::Hear(Box::new(signed));
        match self.order.send(CarryOut(order)).await?? {
            Outcome::Said { said, told, .. } => Ok(said_view(&said, told)),
            _ => Err(another_answer()),
        }
    }

    fn view(&self, delegate: &Delegate) -> DelegateView {
        let said = &delegate.delegation.statement;
        let state = if delegate.revoked {
            DelegateState::Revoked
        } else if self.clock.wall() >= said.until {
            DelegateState::Ended
        } else {
            DelegateState::Valid
        };
        DelegateView {
            address: said.delegate.to_address(),
            state,
            copying: delegate.copying,
            given: said.serial,
            until: said.until,
            this_node: said.delegate == self.key,
        }
    }
}

impl Peer {
    /// Keeps a statement that was signed with the recovery key, and tells everybody.
    ///
    /// # Errors
    /// [`Code::BadParameter`] for what is none, [`Code::NotKept`] with what there is against it,
    /// [`Code::NoNetwork`], [`Code::Stopping`].
    pub async fn hear(&self, request: &StatementRequest) -> Result<SaidView, Refused> {
        let signed = statement_of(request)?;
        let sessions = self
            .parts()?
            .gossip
            .send(crate::messages::gossip::GetGossipStatus)
            .await?;
        if let Some(statements) = &self.known().statements {
            let judged = statements.judge(&signed);
            judged.map_err(|error| Refused::new(Code::NotKept, error.to_string()))?;
        }
        self.hear.send(HearStatements(vec![signed.clone()])).await?;
        Ok(said_view(&[signed], sessions.sessions.len()))
    }
}

fn key_of(address: &str) -> Result<PublicKey, Refused> {
    let key = PublicKey::from_address(address);
    key.map_err(|error| Refused::new(Code::BadAddress, error.to_string()))
}

fn statement_of(request: &StatementRequest) -> Result<SignedStatement, Refused> {
    let bytes = bytes_from_hex(&request.statement).ok();
    let signed = bytes.and_then(|bytes| canonical::decode(&bytes).ok());
    signed.ok_or_else(|| {
        let text = "a statement is the hexadecimal digits of its canonical bytes, as the command that hands over \
                    makes it";
        Refused::new(Code::BadParameter, text)
    })
}

fn said_view(said: &[SignedStatement], told: usize) -> SaidView {
    SaidView {
        statements: said
            .iter()
            .map(|signed| StatementView::new(signed, None))
            .collect(),
        told,
        invitations: Vec::new(),
    }
}
