//! From what people type to a key, and back.

use super::error::Refused;
use super::views::PersonView;
use crate::keys::PublicKey;
use crate::suggest::nearest;
use crate::wire::{Member, MemberName};
use actix_web::http::StatusCode;
use std::collections::{BTreeMap, HashMap};
use std::iter;

/// Longest text that is looked up and repeated in an answer, in characters: an address has 62.
const MAX_TYPED: usize = 100;

/// Names listed when none is near what was typed: they fit a few lines.
const MAX_NAMES_TOLD: usize = 10;

/// The members by key and by name, this node included.
pub(super) struct MemberLookup<'a> {
    by_key: HashMap<PublicKey, &'a MemberName>,
    by_name: BTreeMap<&'a str, PublicKey>,
}

impl<'a> MemberLookup<'a> {
    /// Looks among these members, and this node, which may not be registered yet; a member with the
    /// same name comes first.
    pub(super) fn new(members: &'a [Member], own_name: &'a MemberName, own_key: PublicKey) -> Self {
        let known = members.iter().map(|member| {
            let statement = &member.record.statement;
            (&statement.name, statement.key)
        });
        let everybody = || iter::once((own_name, own_key)).chain(known.clone());
        Self {
            by_key: everybody().map(|(name, key)| (key, name)).collect(),
            by_name: everybody()
                .map(|(name, key)| (name.as_str(), key))
                .collect(),
        }
    }

    /// How a key is shown.
    pub(super) fn person(&self, key: &PublicKey) -> PersonView {
        PersonView {
            name: self.by_key.get(key).map(|name| (*name).clone()),
            address: key.to_address(),
        }
    }

    /// The key that was meant: of the member with exactly this name, or in this address. The text is
    /// compared and nothing else: whatever it contains, it can be no command to anyone.
    ///
    /// # Errors
    /// 400 for an address that is mistyped, 404 for a name that no member has; the reason tells the
    /// nearest one.
    pub(super) fn key_of(&self, typed: &str) -> Result<PublicKey, Refused> {
        if let Some(key) = self.by_name.get(typed) {
            return Ok(*key);
        }
        if looks_like_an_address(typed) {
            return PublicKey::from_address(typed).map_err(|error| {
                Refused::new(StatusCode::BAD_REQUEST, "bad_address", error.to_string())
            });
        }
        Err(Refused::new(
            StatusCode::NOT_FOUND,
            "unknown_member",
            format!(
                "no member is called {:?}{}",
                shortened(typed),
                self.hint(typed)
            ),
        ))
    }

    fn hint(&self, typed: &str) -> String {
        let names: Vec<&str> = self.by_name.keys().copied().collect();
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
fn looks_like_an_address(typed: &str) -> bool {
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
    use crate::http::testing::{member_called, secret};

    fn lookup(typed: &str) -> Result<PublicKey, Refused> {
        let members = [member_called("alice", 1), member_called("bob", 2)];
        let own = "alice".parse().unwrap();
        MemberLookup::new(&members, &own, secret(1).public_key()).key_of(typed)
    }

    fn reason(typed: &str) -> String {
        lookup(typed).unwrap_err().detail.reason
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
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert_eq!(refused.detail.code, "bad_address");
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
            assert_eq!(refused.detail.code, "unknown_member", "{typed:?}");
            let plain = |c: char| !c.is_control();
            assert!(refused.detail.reason.chars().all(plain), "{typed:?}");
        }
        assert!(reason(&"x".repeat(3_000)).len() < 300);
    }
}
