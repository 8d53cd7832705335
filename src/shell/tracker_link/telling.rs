//! What the link publishes and passes on: the directory, who may be dialled, what the other trackers have to
//! know.

use super::{DirectoryPorts, TrackerLinkShell};
use crate::chain::Timestamp;
use crate::keys::PublicKey;
use crate::logging::{Names, Time};
use crate::membership::{Act, SignedStatement};
use crate::messages::gossip::{Candidate, CandidatesKnown};
use crate::messages::introducer::{AdminMet, Introduced, IssuedElsewhere, TellIntroducer};
use crate::messages::ledger::MembersKnown;
use crate::messages::retry_queue::MembersLive;
use crate::messages::tracker_link::DirectoryStatus;
use crate::protocol::directory::Directory;
use crate::protocol::gossip::peers::Outlook;
use crate::shell::{Link, Port};
use crate::wire::{Member, MemberRecord, MemberStatement};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Messages that may wait for an introducer: it is told a few in its whole life.
const INTRODUCER_WAITING: usize = 1024;

impl TrackerLinkShell {
    /// Tells these of every change of the directory, and of the whole at once.
    pub fn attach_directory(&mut self, listeners: DirectoryPorts) {
        self.listeners = Some(listeners);
        self.tell_listeners();
    }

    /// Tells these what the other trackers of the network have to know.
    pub fn attach_introducers<P>(&mut self, introducers: Vec<P>)
    where
        P: Port<TellIntroducer> + 'static,
    {
        let link = |introducer| Link::to(introducer, INTRODUCER_WAITING);
        self.introducers = introducers.into_iter().map(link).collect();
        if let Some(record) = self.link.record().cloned() {
            self.tell_record(record);
        }
        if let Some(genesis) = self.link.genesis().cloned() {
            self.tell_introducers(&TellIntroducer::Network(genesis));
        }
        if let Some(statements) = self.link.statements().cloned() {
            self.tell_introducers(&TellIntroducer::Statements(statements));
        }
    }

    /// One of the other trackers issued a certificate.
    pub fn issued_elsewhere(&mut self, message: IssuedElsewhere) {
        let (certificate, now) = (*message.certificate, self.clock.now());
        let (counts, effects) = self.link.issued_elsewhere(certificate, now);
        self.carry_out(effects);
        if counts {
            self.issuing.insert(message.tracker);
            self.take_introduced(message.tracker);
        }
    }

    /// Takes whom a tracker introduces to be members, if it may issue.
    fn take_introduced(&mut self, tracker: usize) {
        if self.issuing.contains(&tracker)
            && let Some(members) = self.introduced.get(&tracker).cloned()
        {
            let effects = self.link.told_elsewhere(members);
            self.carry_out(effects);
        }
    }

    /// One of the other trackers introduces these.
    pub fn introduced(&mut self, message: Introduced) {
        let tracker = message.tracker;
        self.introduced.insert(tracker, message.members);
        self.take_introduced(tracker);
        self.telling.owe();
        self.tell_if_due();
    }

    /// One of the other trackers is the one that speaks for the network: it is talked with here, and the one that
    /// was talked with here, there.
    pub fn admin_met(&mut self, message: AdminMet) {
        let tracker = message.tracker;
        let (former, effects) = self.link.admin_met(message.address, &message.key);
        self.carry_out(effects);
        let Some(former) = former else {
            return;
        };
        tracing::info!(key = %message.key.to_address(), "this tracker speaks for the network: registering with it");
        self.trouble = None;
        self.issuing.remove(&tracker);
        if let Some(introducer) = tracker.checked_sub(1) {
            self.tell_introducer(introducer, TellIntroducer::Instead(former));
        }
        self.publish_standing();
    }

    pub(super) fn tell_introducer(&mut self, introducer: usize, told: TellIntroducer) {
        if let Some(introducer) = self.introducers.get_mut(introducer) {
            introducer.send(told);
        }
    }

    /// Publishes what is known now, if it is something else than what was published last; the members, as
    /// `directory` has them.
    pub(super) fn publish(&self, directory: Arc<Directory>) {
        let registered = self.link.is_registered();
        let trouble = match (self.link.rival(), registered) {
            (Some(rival), _) => Some(rival),
            (None, true) => None,
            (None, false) => self.trouble.as_deref(),
        };
        let certificate = self.link.certificate();
        let statements = self.link.statements();
        let (known, tracker) = (self.known.borrow().clone(), &self.tracker);
        let same = Arc::ptr_eq(&known.directory, &directory)
            && known.registered == registered
            && known.tracker == *tracker
            && known.trouble.as_deref() == trouble
            && known.certificate.as_ref() == certificate
            && known.statements.as_ref() == statements
            && known.reach == self.link.reach()
            && known.apart == self.link.is_apart();
        if !same {
            self.known.send_replace(Arc::new(DirectoryStatus {
                directory,
                registered,
                tracker: tracker.clone(),
                trouble: trouble.map(str::to_owned),
                certificate: certificate.cloned(),
                statements: statements.cloned(),
                reach: self.link.reach(),
                unreached: self.link.unreached(),
                apart: self.link.is_apart(),
            }));
        }
    }

    /// Publishes how this node stands with the tracker, if that has changed.
    pub(super) fn publish_standing(&self) {
        let directory = self.known.borrow().directory.clone();
        self.publish(directory);
    }

    /// Others can't dial this node, or can again.
    pub(super) fn tell_reach(&self) {
        match self.link.unreached() {
            Some(reason) => tracing::warn!(%reason, "others can't dial this node"),
            None => tracing::info!("others can dial this node again"),
        }
    }

    pub(super) fn directory_changed(&mut self, changed: &[Member], left: &[Member]) {
        for member in changed {
            know(&self.names, member);
            let name = &member.record.statement.name;
            tracing::debug!(member = %name, live = member.live, "member changed");
        }
        for member in left {
            tracing::info!(member = %member.record.statement.name, "member left");
        }
        self.telling.owe();
        self.tell_if_due();
    }

    /// Publishes the directory, and tells it to all who follow it, if something of it is not told yet and it has
    /// rested.
    pub(super) fn tell_if_due(&mut self) {
        let introduced = self.introduced.values().map(Vec::len);
        let members = self.link.directory().len() + introduced.sum::<usize>();
        if self.telling.is_due(members, self.clock.steady()) {
            self.publish(Arc::new(self.link.directory().clone()));
            self.tell_listeners();
        }
    }

    /// The admin has put somebody out, or said something else that everybody is to know.
    pub(super) fn statements_heard(&mut self, fresh: &[SignedStatement]) {
        for signed in fresh {
            let act = &signed.statement.act;
            let (kind, key) = (act.kind(), act.key());
            tracing::info!(act = ?kind, key = %key.to_address(), "the admin has decided");
        }
        let own = self.link.own_expulsion();
        if own.is_some_and(|own| fresh.contains(own)) {
            self.tell_own_expulsion();
        }
        if let Some(statements) = self.link.statements().cloned() {
            self.tell_introducers(&TellIntroducer::Statements(statements));
        }
        self.publish_standing();
        self.tell_listeners();
    }

    /// Tells the owner that this node is put out, if it is.
    pub(super) fn tell_own_expulsion(&self) {
        if let Some(signed) = self.link.own_expulsion()
            && let Act::Expel { reason, .. } = &signed.statement.act
        {
            let at = Time::from_unix_ms(signed.statement.number.0);
            tracing::warn!(%at, %reason, "the admin of the network has put this node out: nobody talks to it any more; whoever runs the tracker can readmit it");
        }
    }

    fn tell_listeners(&mut self) {
        if self.listeners.is_none() {
            return;
        }
        let members = self.link.directory().members();
        let live = members.clone().filter(|member| member.live);
        let live = live.map(|member| member.record.statement.key).collect();
        let keys = members.map(|m| m.record.statement.key).collect();
        let statements = self.link.statements().cloned();
        let out = statements
            .as_ref()
            .map_or_else(BTreeSet::new, |known| known.all_out());
        let mut candidates = self.candidates();
        candidates.retain(|candidate| !out.contains(&candidate.key));
        let Some(listeners) = &mut self.listeners else {
            return;
        };
        let alive = MembersLive {
            live,
            out: out.clone(),
        };
        let known = MembersKnown { members: keys, out };
        let told = CandidatesKnown {
            candidates,
            statements,
        };
        let told = listeners.ledger.offer(known).is_ok()
            & listeners.gossip.offer(told).is_ok()
            & listeners.outbox.offer(alive).is_ok();
        if !told {
            tracing::debug!("a change of the directory was not taken at once");
            self.telling.owe();
        }
    }

    /// Who may be dialled, by the word of all trackers: each where it said last that it is.
    fn candidates(&self) -> Vec<Candidate> {
        let members = self.link.directory().members();
        let members = members.map(|m| (&m.record, Outlook::of(m), Some(m.since)));
        let introduced = self.introduced.iter().flat_map(|(tracker, members)| {
            let issues = self.issuing.contains(tracker);
            let is_introduced = move |member: &&Member| self.link.is_introduced(member, issues);
            members.iter().filter(is_introduced)
        });
        let introduced = introduced.map(|member| (&member.record, Outlook::Unknown, None));
        type Told<'a> = (&'a MemberStatement, Outlook, Option<Timestamp>);
        let mut latest: BTreeMap<PublicKey, Told<'_>> = BTreeMap::new();
        for (record, outlook, since) in members.chain(introduced) {
            let statement = &record.statement;
            let told = (statement, outlook, since);
            let known = latest.entry(statement.key).or_insert(told);
            if known.0.sequence < statement.sequence {
                *known = (statement, outlook, known.2);
            }
        }
        let candidate = |(statement, outlook, since): Told<'_>| Candidate {
            key: statement.key,
            name: statement.name.clone(),
            addresses: statement.addresses.clone(),
            outlook,
            since,
        };
        latest.into_values().map(candidate).collect()
    }

    pub(super) fn tell_introducers(&mut self, told: &TellIntroducer) {
        for introducer in &mut self.introducers {
            introducer.send(told.clone());
        }
    }

    /// Without a certificate the other trackers would refuse it, as long as the first one speaks for the network.
    pub(super) fn tell_record(&mut self, record: MemberRecord) {
        if self.link.certificate().is_some() {
            self.tell_introducers(&TellIntroducer::Record(record));
        }
    }
}

/// By which name what is written down calls a member.
pub(super) fn know(names: &Names, member: &Member) {
    let statement = &member.record.statement;
    names.know(statement.key.to_address(), statement.name.to_string());
}
