//! What the tracker tells of the members.

use super::{Effect, Phase, Stage, Talk, TrackerLink, Warning};
use crate::keys::PublicKey;
use crate::protocol::directory::{MAX_NAMES, Update};
use crate::wire::Member;
use crate::wire::member::Leaving;
use crate::wire::message::{MAX_MEMBERS, MembersChanged};
use std::collections::BTreeSet;

impl TrackerLink {
    /// Takes up what the tracker tells of members; `in_list` if it is part of its list, not an answer.
    pub(super) fn members_told(&mut self, told: MembersChanged, in_list: bool) {
        let Phase::Talking(Talk { tracker, .. }) = self.phase else {
            return;
        };
        let ends_list = in_list && told.changed.len() < MAX_MEMBERS;
        let words = told.left.iter();
        let mut left: Vec<_> = words
            .filter_map(|word| self.departed(tracker, word))
            .collect();
        let mut changed = Vec::new();
        for member in told.changed {
            self.member_told(tracker, member, &mut changed, &mut left);
        }
        if ends_list && let Some(named) = self.end_list() {
            changed.extend(self.directory.not_named(&named));
        }
        self.directory_changed(changed, left);
    }

    /// Somebody has left, if this is its word: a tracker makes nobody vanish. It comes from whoever tells the list,
    /// so that whoever was off when it was given hears it, too.
    fn departed(&mut self, tracker: PublicKey, word: &Leaving) -> Option<Member> {
        let said = &self.directory.last_record(&word.key)?.statement;
        // Whoever has said something since is a member again.
        if word.sequence <= said.sequence {
            return None;
        }
        if word.tracker != tracker || word.check().is_err() {
            let name = said.name.clone();
            let reason = "that it has left is not its own word".to_owned();
            let warning = Warning::BadRecord { name, reason };
            self.decided.at_once(Effect::Warn(warning));
            return None;
        }
        self.directory.depart(&word.key)
    }

    /// Whether whom one of the other trackers introduces may be dialled where that one says. Whoever may issue
    /// (`issues`) introduces anybody; the others could invent members, and tell no more than where those are whom
    /// we know by the first one or by one that may issue.
    pub fn is_introduced(&self, member: &Member, issues: bool) -> bool {
        let key = &member.record.statement.key;
        issues || self.directory.by_key(key).is_some()
    }

    fn member_told(
        &mut self,
        tracker: PublicKey,
        member: Member,
        changed: &mut Vec<Member>,
        left: &mut Vec<Member>,
    ) {
        let statement = &member.record.statement;
        let (key, name) = (statement.key, statement.name.clone());
        if let Phase::Talking(talk) = &mut self.phase
            && let Stage::Registered(Some(named)) = &mut talk.stage
            && named.len() < MAX_NAMES
        {
            named.insert(key);
        }
        // The list may have been under way when the word that put it out came by another member.
        if self.is_out(&key) {
            return;
        }
        let bad = if statement.tracker != tracker {
            Some("it is for another tracker".to_owned())
        } else if self
            .directory
            .by_key(&key)
            .is_some_and(|m| m.record == member.record)
        {
            None
        } else {
            member.record.check().err().map(|e| e.to_string())
        };
        if let Some(reason) = bad {
            let warning = Warning::BadRecord { name, reason };
            return self.decided.at_once(Effect::Warn(warning));
        }
        // It may come before what the admin has said of the name.
        self.hand_on(&name, changed, left);
        match self.directory.update(member) {
            Update::Entered { renumbered } => {
                changed.extend(renumbered);
                changed.extend(self.directory.by_key(&key).cloned());
            }
            Update::Unchanged => {}
            Update::Withheld { pinned } => {
                let warning = Warning::NameChangedKey {
                    name,
                    pinned,
                    shown: key,
                };
                self.decided.at_once(Effect::Warn(warning));
            }
            Update::Full => {
                let warning = Warning::DirectoryFull { name };
                self.decided.at_once(Effect::Warn(warning));
            }
        }
    }

    /// The tracker has named all: whom, if that was not known yet.
    fn end_list(&mut self) -> Option<BTreeSet<PublicKey>> {
        match &mut self.phase {
            Phase::Talking(Talk {
                stage: Stage::Registered(named),
                ..
            }) => named.take(),
            _ => None,
        }
    }

    pub(super) fn directory_changed(&mut self, changed: Vec<Member>, left: Vec<Member>) {
        for row in self.directory.take_rows() {
            self.decided.write(row);
        }
        if !changed.is_empty() || !left.is_empty() {
            self.decided
                .at_once(Effect::DirectoryChanged { changed, left });
        }
    }
}
