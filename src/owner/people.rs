//! From what people type to a key, and back.

use super::answers::{PersonView, StatementView};
use super::codes::Code;
use super::refusal::Refused;
use crate::keys::PublicKey;
use crate::membership::{MemberName, Statements};
use crate::protocol::directory::Directory;
use crate::suggest::nearest;
use std::collections::BTreeSet;

/// Longest text that is looked up and repeated in an answer, in characters: an address has 62.
const MAX_TYPED: usize = 100;

/// Names listed when none is near what was typed: they fit a few lines.
const MAX_NAMES_TOLD: usize = 10;

/// The members, and this node, which may not be registered yet; a member with the same name comes first.
pub(super) struct People<'a> {
    pub(super) directory: &'a Directory,
    pub(super) own_name: &'a MemberName,
    pub(super) own_key: PublicKey,
    /// What the admin has said, as far as it was heard.
    pub(super) statements: Option<&'a Statements>,
}

/// The name that was meant, if it is one: names are never in capitals, so whoever types some means this one.
pub(super) fn name_in(typed: &str) -> Option<MemberName> {
    typed.to_ascii_lowercase().parse().ok()
}

impl People<'_> {
    /// How a key is shown.
    pub(super) fn person(&self, key: &PublicKey) -> PersonView {
        let member = self.directory.by_key(key);
        let name = member.map(|member| &member.record.statement.name);
        let own = (*key == self.own_key).then_some(self.own_name);
        let is_out = self.is_out(key);
        let former = || (self.directory.pinned_to(key)).filter(|_| self.is_kept_out(key));
        PersonView {
            name: name.or(own).or_else(former).cloned(),
            address: key.to_address(),
            put_out: is_out,
        }
    }

    /// The key that was meant: of the member with exactly this name, or in this address. The text is
    /// compared and nothing else: whatever it contains, it can be no command to anyone.
    ///
    /// # Errors
    /// [`Code::BadAddress`] for an address that is mistyped, [`Code::PutOut`] for the name of a member that was put
    /// out, [`Code::UnknownMember`] for one that no member has; the reason tells the nearest one.
    pub(super) fn key_of(&self, typed: &str) -> Result<PublicKey, Refused> {
        if let Some(name) = name_in(typed) {
            if let Some(member) = self.directory.by_name(&name) {
                return Ok(member.record.statement.key);
            }
            if name == *self.own_name {
                return Ok(self.own_key);
            }
            if let Some(refused) = self.put_out(&name) {
                return Err(refused);
            }
        }
        if looks_like_an_address(typed) {
            return PublicKey::from_address(typed)
                .map_err(|error| Refused::new(Code::BadAddress, error.to_string()));
        }
        Err(Refused::new(
            Code::UnknownMember,
            format!(
                "no member is called {:?}{}",
                shortened(typed),
                self.hint(typed)
            ),
        ))
    }

    /// Whether this key is put out of the network.
    pub(super) fn is_out(&self, key: &PublicKey) -> bool {
        self.statements.is_some_and(|said| said.out(key).is_some())
    }

    /// Whether this key is put out, or was let back and its node has not come since.
    pub(super) fn is_kept_out(&self, key: &PublicKey) -> bool {
        let is_back = |said: &Statements| said.let_back(key).is_some();
        let is_awaited = self.statements.is_some_and(is_back);
        self.is_out(key) || (is_awaited && self.directory.by_key(key).is_none())
    }

    /// That whoever has this name was put out, and why; or that it was let back, and is not here yet.
    fn put_out(&self, name: &MemberName) -> Option<Refused> {
        let key = self.directory.pinned(name)?;
        let statements = self.statements?;
        if statements.let_back(&key).is_some() {
            let detail = format!(
                "{name} was let back into this network, and its node has not come since: the name counts again once it \
                 has"
            );
            return Some(Refused::new(Code::UnknownMember, detail));
        }
        let signed = statements.out(&key)?;
        let said = StatementView::new(signed, Some(name.clone()));
        let reason = said.reason.unwrap_or_default();
        let detail = format!(
            "{name} was put out of this network by its admin; the reason given: “{reason}”"
        );
        Some(Refused::new(Code::PutOut, detail))
    }

    /// The keys that stand under a name here, with who says so: that which is remembered, and that which the tracker
    /// names instead.
    fn said_of(&self, name: &MemberName) -> Vec<(&'static str, PublicKey)> {
        let known = self.directory.by_name(name);
        let known = known.map(|member| ("this node knows it as", member.record.statement.key));
        let withheld = self.directory.withheld();
        let withheld = withheld.filter(|(member, _)| member.record.statement.name == *name);
        let told = withheld.flat_map(|(member, pinned)| {
            let told = ("the tracker says", member.record.statement.key);
            [("this node knew it as", pinned), told]
        });
        known.into_iter().chain(told).collect()
    }

    /// The key to which something is sent that was meant for `typed`. `settled` is whose that name is by the
    /// ledger and by what the admin has said, where that is settled.
    ///
    /// # Errors
    /// [`Code::NameDiffers`] if they do not all say the same key, and as [`People::key_of`].
    pub(super) fn recipient(
        &self,
        typed: &str,
        settled: Option<PublicKey>,
    ) -> Result<PublicKey, Refused> {
        let Some(name) = name_in(typed) else {
            return self.key_of(typed);
        };
        let ledgers = settled.map(|key| ("by the ledger and the admin it is", key));
        let mut said: Vec<_> = ledgers.into_iter().chain(self.said_of(&name)).collect();
        let Some((_, first)) = said.first().copied() else {
            return self.key_of(typed);
        };
        if said.iter().all(|(_, key)| *key == first) {
            return Ok(first);
        }
        let mut seen = BTreeSet::new();
        said.retain(|(_, key)| seen.insert(*key));
        let said = said
            .iter()
            .map(|(who, key)| format!("{who} {}", key.to_address()));
        let said = said.collect::<Vec<_>>().join(", ");
        Err(Refused::new(
            Code::NameDiffers,
            format!(
                "nothing was sent: whose name {name} is, is not agreed ({said}). Ask {name} on another way, and send \
                 to the address that is theirs"
            ),
        ))
    }

    fn hint(&self, typed: &str) -> String {
        let members = self.directory.members();
        let mut names: Vec<&str> = members
            .map(|member| member.record.statement.name.as_str())
            .collect();
        if let Err(place) = names.binary_search(&self.own_name.as_str()) {
            names.insert(place, self.own_name.as_str());
        }
        if let Some(name) = nearest(&typed.to_lowercase(), &names) {
            return format!(": did you mean {name}?");
        }
        let told = names.iter().take(MAX_NAMES_TOLD).copied();
        let told = told.collect::<Vec<_>>().join(", ");
        match names.len().saturating_sub(MAX_NAMES_TOLD) {
            0 => format!(": the members are {told}"),
            more => format!(": the members are {told} and {more} more"),
        }
    }
}

/// No name contains a capital letter and none is longer than 32 characters, but one may begin with
/// `rac1`: what could be a name is one.
pub(super) fn looks_like_an_address(typed: &str) -> bool {
    let start = typed
        .get(..4)
        .is_some_and(|s| s.eq_ignore_ascii_case("rac1"));
    start && typed.parse::<MemberName>().is_err()
}

fn shortened(typed: &str) -> String {
    let mut text: String = typed.chars().take(MAX_TYPED).collect();
    if text.len() < typed.len() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests;
