//! From what people type to a key, and back.

use super::answers::PersonView;
use super::codes::Code;
use super::refusal::Refused;
use crate::keys::PublicKey;
use crate::membership::MemberName;
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
}

impl People<'_> {
    /// How a key is shown.
    pub(super) fn person(&self, key: &PublicKey) -> PersonView {
        let member = self.directory.by_key(key);
        let name = member.map(|member| &member.record.statement.name);
        let own = (*key == self.own_key).then_some(self.own_name);
        PersonView {
            name: name.or(own).cloned(),
            address: key.to_address(),
        }
    }

    /// The key that was meant: of the member with exactly this name, or in this address. The text is
    /// compared and nothing else: whatever it contains, it can be no command to anyone.
    ///
    /// # Errors
    /// [`Code::BadAddress`] for an address that is mistyped, [`Code::UnknownMember`] for a name that no
    /// member has; the reason tells the nearest one.
    pub(super) fn key_of(&self, typed: &str) -> Result<PublicKey, Refused> {
        if let Ok(name) = typed.parse::<MemberName>() {
            if let Some(member) = self.directory.by_name(&name) {
                return Ok(member.record.statement.key);
            }
            if name == *self.own_name {
                return Ok(self.own_key);
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
        let Ok(name) = typed.parse::<MemberName>() else {
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
mod tests {
    use super::*;
    use crate::owner::testing::{directory_of, member_called, secret};

    fn lookup(typed: &str) -> Result<PublicKey, Refused> {
        let members = [member_called("alice", 1), member_called("bob", 2)];
        let people = People {
            directory: &directory_of(members),
            own_name: &"alice".parse().unwrap(),
            own_key: secret(1).public_key(),
        };
        people.key_of(typed)
    }

    fn reason(typed: &str) -> String {
        lookup(typed).unwrap_err().detail
    }

    #[test]
    fn a_node_knows_its_own_name_before_any_tracker_tells_of_it() {
        let people = People {
            directory: &directory_of([member_called("bob", 2)]),
            own_name: &"alice".parse().unwrap(),
            own_key: secret(1).public_key(),
        };
        assert_eq!(people.key_of("alice"), Ok(secret(1).public_key()));
    }

    #[test]
    fn a_name_and_an_address_lead_to_the_same_key() {
        let bob = secret(2).public_key();
        assert_eq!(lookup("bob"), Ok(bob));
        assert_eq!(lookup(&bob.to_address()), Ok(bob));
        assert_eq!(lookup(&bob.to_address().to_uppercase()), Ok(bob));
        let stranger = secret(9).public_key();
        assert_eq!(lookup(&stranger.to_address()), Ok(stranger));
    }

    #[test]
    fn a_name_leads_to_the_key_on_which_all_agree_and_to_none_where_they_differ() {
        let [bob, other] = [2, 3].map(|number| secret(number).public_key());
        let to = |directory: &Directory, typed: &str, settled| {
            let people = People {
                directory,
                own_name: &"alice".parse().unwrap(),
                own_key: secret(1).public_key(),
            };
            people.recipient(typed, settled)
        };
        let known = directory_of([member_called("bob", 2)]);
        assert_eq!(to(&known, "bob", None), Ok(bob));
        assert_eq!(to(&known, "bob", Some(bob)), Ok(bob));
        let refused = to(&known, "bob", Some(other)).unwrap_err();
        assert_eq!(refused.code, Code::NameDiffers);
        for key in [bob, other] {
            assert!(
                refused.detail.contains(&key.to_address()),
                "{}",
                refused.detail
            );
        }
        // Sending to the address asks nobody.
        assert_eq!(to(&known, &other.to_address(), Some(bob)), Ok(other));
        // The ledger knows somebody whom the tracker does not name.
        assert_eq!(to(&known, "carol", Some(other)), Ok(other));
        assert_eq!(
            to(&known, "carol", None).unwrap_err().code,
            Code::UnknownMember
        );
        // The tracker says another key than the one that is remembered.
        let lied = directory_of([member_called("bob", 2), member_called("bob", 3)]);
        for settled in [None, Some(bob), Some(other)] {
            assert_eq!(
                to(&lied, "bob", settled).unwrap_err().code,
                Code::NameDiffers
            );
        }
    }

    #[test]
    fn an_unknown_name_is_told_the_nearest() {
        assert_eq!(
            reason("bbo"),
            "no member is called \"bbo\": did you mean bob?"
        );
        assert_eq!(
            reason("BOB"),
            "no member is called \"BOB\": did you mean bob?"
        );
        assert_eq!(
            reason("somebody-else"),
            "no member is called \"somebody-else\": the members are alice, bob"
        );
    }

    #[test]
    fn a_mistyped_address_is_no_name() {
        let mut address = secret(2).public_key().to_address();
        address.pop();
        address.push('q');
        let refused = lookup(&address).unwrap_err();
        assert_eq!(refused.code, Code::BadAddress);
    }

    #[test]
    fn attack_names_that_look_like_commands_are_only_compared() {
        for typed in [
            "bob'; DROP TABLE members; --",
            "' OR '1'='1",
            "<script>alert(1)</script>",
            "../../etc/passwd",
            "bob\u{0}",
            "\u{1b}[2J\u{1b}[31mbob",
            "",
        ] {
            let refused = lookup(typed).unwrap_err();
            assert_eq!(refused.code, Code::UnknownMember, "{typed:?}");
            let plain = |c: char| !c.is_control();
            assert!(refused.detail.chars().all(plain), "{typed:?}");
        }
        assert!(reason(&"x".repeat(3_000)).len() < 300);
    }
}
