//! Our certificate of membership: taken from the tracker, kept, and renewed well before its end.

use super::{CERTIFICATE_ROW, Config, Effect, Phase, Stage, Talk, TrackerLink, Warning};
use crate::canonical;
use crate::clock::{Now, SteadyTime};
use crate::membership::Certificate;
use crate::membership::certificate::RENEW_BEFORE_MS;
use crate::wire::Message;

/// How often a certificate that is due is asked for, in milliseconds: an hour. A tracker whose clock
/// is wrong issues one that is due at once.
pub const ASK_EVERY_MS: u64 = 3_600_000;
/// How often another is asked for while the last one was found wrong, in milliseconds: whosever clock was
/// wrong may be right by then.
pub const ASK_ANOTHER_MS: u64 = 60_000;
/// How long before its end the owner is warned, in milliseconds: 30 days. By then it should have been
/// renewed two months ago.
pub const WARN_BEFORE_MS: u64 = 30 * 86_400_000;
/// How often the owner is warned, in milliseconds: a day.
pub const WARN_EVERY_MS: u64 = 86_400_000;

/// What we hold of our membership.
#[derive(Debug, Default)]
pub(super) struct Membership {
    /// The last one that was found right.
    certificate: Option<Certificate>,
    /// Issued before we knew for which network.
    offered: Option<Certificate>,
    asked: Option<SteadyTime>,
    /// One was found wrong, or another asked for since then.
    wrong_at: Option<SteadyTime>,
    warned: Option<SteadyTime>,
}

impl Membership {
    /// Takes up what was stored; one of another key than ours is of no use.
    pub(super) fn take_up(&mut self, stored: Certificate, config: &Config) {
        self.certificate = Some(stored).filter(|c| c.statement.key == config.key);
    }
}

impl TrackerLink {
    /// Our certificate, if we have one; it may have run out.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.membership.certificate.as_ref()
    }

    /// Whether we are a member by our certificate, of a network that we know: then no word of the tracker
    /// ends this node. It may have forgotten us, or have given our name away.
    pub(super) fn is_certified(&self) -> bool {
        self.founding.genesis().is_some() && self.membership.certificate.is_some()
    }

    /// The tracker issued one.
    pub(super) fn issued(&mut self, certificate: Certificate, now: Now) {
        self.membership.offered = Some(certificate);
        self.take_certificate(now);
    }

    /// Takes what was issued if it is ours, once we know for which network it must be.
    pub(super) fn take_certificate(&mut self, now: Now) {
        if self.founding.genesis().is_some()
            && matches!(self.phase, Phase::Talking(_))
            && let Some(offered) = self.membership.offered.take()
        {
            self.take_issued(offered, now);
        }
    }

    /// As [`TrackerLink::take_certificate`], when we have just learnt which network it is: by whose word its
    /// issuer may issue may come behind that.
    pub(super) fn take_first_certificate(&mut self, now: Now) {
        let (Some(statements), Some(offered)) = (&self.statements, &self.membership.offered) else {
            return;
        };
        match offered.check_issuer(statements.authority()) {
            Ok(()) => self.take_certificate(now),
            Err(_) => self.membership.wrong_at = Some(now.steady),
        }
    }

    /// Takes a certificate of another tracker if it lasts longer than ours, or is under another name; whether it
    /// counts.
    pub(super) fn take_longer(&mut self, offered: Certificate, now: Now) -> bool {
        let (Some(genesis), Some(statements)) = (self.founding.genesis(), &self.statements) else {
            return false;
        };
        let (network, key) = (genesis.id(), &self.config.key);
        let held = self.membership.certificate.as_ref();
        let is_needless = held.is_some_and(|held| {
            held.check_issuer(statements.authority()).is_ok()
                && held.statement.name == offered.statement.name
                && held.statement.until >= offered.statement.until
        });
        match is_needless {
            true => offered
                .check(statements.authority(), &network, key, now.wall)
                .is_ok(),
            false => self.take_issued(offered, now),
        }
    }

    /// Takes a certificate, whichever tracker issued it, if it counts; whether it does.
    pub(super) fn take_issued(&mut self, offered: Certificate, now: Now) -> bool {
        let (Some(genesis), Some(statements)) = (self.founding.genesis(), &self.statements) else {
            return false;
        };
        let authority = statements.authority();
        let checked = offered.check(authority, &genesis.id(), &self.config.key, now.wall);
        if let Err(reason) = checked {
            self.membership.wrong_at = Some(now.steady);
            let warning = Warning::BadCertificate(reason);
            self.decided.at_once(Effect::Warn(warning));
            return false;
        }
        self.commit(CERTIFICATE_ROW, canonical::encode(&offered));
        self.membership.certificate = Some(offered.clone());
        (self.membership.warned, self.membership.wrong_at) = (None, None);
        self.decided.at_once(Effect::Certified(offered));
        true
    }

    /// Has it renewed at once if its issuer has lost the right to issue it.
    pub(super) fn renew_void(&mut self, now: Now) {
        let statements = self.statements.as_ref();
        let is_void = self.certificate().is_some_and(|held| {
            statements.is_some_and(|all| held.check_issuer(all.authority()).is_err())
        });
        if is_void {
            // Until it is there, it is asked for again and again.
            self.membership.wrong_at = Some(now.steady);
            if !self.ask_certificate() {
                self.decided.at_once(Effect::RenewElsewhere);
            }
        }
    }

    /// Has it renewed when it is time, and tells the owner when it was time long ago.
    pub(super) fn watch_certificate(&mut self, now: Now) {
        let due = |last: Option<SteadyTime>, every| {
            last.is_none_or(|last| now.steady.since(last) >= every)
        };
        if let Some(wrong_at) = self.membership.wrong_at
            && due(Some(wrong_at), ASK_ANOTHER_MS)
            && self.ask_certificate()
        {
            self.membership.wrong_at = Some(now.steady);
        }
        let Some(certificate) = &self.membership.certificate else {
            return;
        };
        let until = certificate.statement.until;
        let left = until.since(now.wall);
        // That of a delegate is for a shorter time.
        let span = until.since(certificate.statement.from);
        if left < WARN_BEFORE_MS.min(span / 3) && due(self.membership.warned, WARN_EVERY_MS) {
            self.membership.warned = Some(now.steady);
            let warning = Warning::CertificateEnds {
                until,
                now: now.wall,
            };
            self.decided.at_once(Effect::Warn(warning));
        }
        if left < RENEW_BEFORE_MS.min(span / 2) && due(self.membership.asked, ASK_EVERY_MS) {
            if !self.ask_certificate() {
                self.decided.at_once(Effect::RenewElsewhere);
            }
            self.membership.asked = Some(now.steady);
        }
    }

    /// Asks for another, if we are registered; whether it was asked for.
    fn ask_certificate(&mut self) -> bool {
        if let Phase::Talking(Talk {
            session,
            stage: Stage::Registered(_),
            ..
        }) = self.phase
            && let Some(record) = self.record.last().cloned()
        {
            let message = Message::Register(record);
            self.decided.at_once(Effect::Send { session, message });
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests;
