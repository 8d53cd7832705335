//! From what people type to a key, and back.

use super::answers::PersonView;
use super::codes::Code;
use super::refusal::Refused;
use crate::keys::PublicKey;
use crate::membership::MemberName;
use crate::protocol::directory::Directory;
use crate::suggest::nearest;

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
    fn a_name_and_an_address_lead_to_the_same_key() {
        let bob = secret(2).public_key();
        assert_eq!(lookup("bob"), Ok(bob));
        assert_eq!(lookup(&bob.to_address()), Ok(bob));
        assert_eq!(lookup(&bob.to_address().to_uppercase()), Ok(bob));
        let stranger = secret(9).public_key();
        assert_eq!(lookup(&stranger.to_address()), Ok(stranger));
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
