//! What follows when a key registers that has a session already, see [`super::contests`].

use super::contests::Contest;
use super::{Effect, Fact, Registry};
use crate::clock::Now;
use crate::keys::PublicKey;
use crate::protocol::SessionId;
use crate::wire::message::RefusalCode;
use crate::wire::{MemberId, MemberRecord, Message};

impl Registry {
    /// Whether another node is registered with this key, as far as we know.
    pub(super) fn is_contested(&self, session: SessionId, key: &PublicKey) -> bool {
        let former = self.members.id_of(key).and_then(|id| self.sessions.of(id));
        former.is_some_and(|former| !self.sessions.are_of_one_start(former, session))
    }

    /// Asks the former session of this key whether it is there; until it is known, the newcomer waits.
    pub(super) fn contest(
        &mut self,
        challenger: SessionId,
        key: &PublicKey,
        record: MemberRecord,
        now: Now,
    ) {
        let Some(id) = self.members.id_of(key) else {
            return;
        };
        match self.contests.challenger(id) {
            None => {}
            // It says the same again while it waits.
            Some(waiting) if waiting == challenger => return,
            Some(waiting) => return self.refuse_rival(challenger, waiting),
        }
        let Some(former) = self.sessions.of(id) else {
            return;
        };
        let number = self.liveness.challenge(&[id]);
        self.send(former, Message::Challenge(number));
        let contest = Contest {
            challenger,
            record,
            number,
            since: now.steady,
        };
        self.contests.begin(id, contest);
    }

    /// A member answered a challenge: whoever wanted its place is refused, and both are told.
    pub(super) fn former_answered(
        &mut self,
        former: SessionId,
        id: MemberId,
        number: u64,
        now: Now,
    ) {
        let Some(contest) = self.contests.answered(id, number) else {
            return;
        };
        let challenger = contest.challenger;
        self.refuse_rival(challenger, former);
        let from = self.place(challenger);
        let text = format!(
            "another node with this wallet, at {from}, wanted to register and was refused: stop it, or \
             give it a wallet of its own"
        );
        self.refuse(former, RefusalCode::KeyInUse, &text);
        if self.contests.is_news(id, now.steady)
            && let Some(name) = self.members.name_of(id).cloned()
        {
            self.outgoing.say(Effect::Fact(Fact::WalletUsedTwice {
                id,
                name,
                stays: self.place(former),
                refused: from,
            }));
        }
    }

    /// The former sessions that did not answer make way.
    pub(super) fn settle_contests(&mut self, now: Now) {
        for (_, contest) in self.contests.overdue(now.steady) {
            self.enter(contest.challenger, contest.record, now);
        }
    }

    /// A member's session has ended: who contested it has its place.
    pub(super) fn pass_place(&mut self, id: MemberId, now: Now) {
        if let Some(contest) = self.contests.end(id) {
            self.enter(contest.challenger, contest.record, now);
        }
    }

    fn refuse_rival(&mut self, rival: SessionId, of: SessionId) {
        let at = self.place(of);
        let text = format!(
            "another node with this wallet is running, at {at}: stop one of the two, or give this one a \
             wallet of its own"
        );
        self.refuse(rival, RefusalCode::KeyInUse, &text);
    }

    /// Where a session comes from, for people: the host, and where its node says that it listens.
    fn place(&self, session: SessionId) -> String {
        let host = self.doorstep.host_of(session).unwrap_or("an unknown host");
        let known = self.sessions.get(session);
        match known.and_then(|s| s.hello.address.as_ref()) {
            Some(address) => format!("{host} (listens at {address})"),
            None => host.to_owned(),
        }
    }
}
