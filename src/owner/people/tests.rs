use super::*;
use crate::owner::testing::{directory_of, let_back, member_called, put_out, secret};

fn lookup(typed: &str) -> Result<PublicKey, Refused> {
    let members = [member_called("alice", 1), member_called("bob", 2)];
    let people = People {
        directory: &directory_of(members),
        own_name: &"alice".parse().unwrap(),
        own_key: secret(1).public_key(),
        statements: None,
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
        statements: None,
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
            statements: None,
        };
        people.recipient(typed, settled)
    };
    let known = directory_of([member_called("bob", 2)]);
    assert_eq!(to(&known, "bob", None), Ok(bob));
    assert_eq!(to(&known, "bob", Some(bob)), Ok(bob));
    let refused = to(&known, "bob", Some(other)).unwrap_err();
    assert_eq!(refused.code, Code::NameDiffers);
    let capital = to(&known, "Bob", Some(other)).unwrap_err();
    assert_eq!(capital.code, Code::NameDiffers);
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
fn who_was_put_out_keeps_its_name_with_a_mark_and_who_was_let_back_is_said_to_be_awaited() {
    let rules = crate::chain::testing::rules();
    let mut directory = directory_of([member_called("bob", 2), member_called("carol", 3)]);
    let mut statements = Statements::new(rules.genesis());
    let now = crate::chain::testing::START.plus_ms(2_000);
    for number in [2, 3] {
        let said = put_out(&rules, number, "spam");
        statements.take(said, now).unwrap();
        let _ = directory.depart(&secret(number).public_key());
    }
    statements.take(let_back(&rules, 3), now).unwrap();
    let people = People {
        directory: &directory,
        own_name: &"alice".parse().unwrap(),
        own_key: secret(1).public_key(),
        statements: Some(&statements),
    };
    let bob = people.person(&secret(2).public_key());
    assert_eq!((bob.name.unwrap().as_str(), bob.put_out), ("bob", true));
    let carol = people.person(&secret(3).public_key());
    let name = carol.name.unwrap();
    assert_eq!((name.as_str(), carol.put_out), ("carol", false));
    let kept_out = [1, 2, 3].map(|number| people.is_kept_out(&secret(number).public_key()));
    assert_eq!(kept_out, [false, true, true]);
    assert_eq!(people.key_of("bob").unwrap_err().code, Code::PutOut);
    let awaited = people.key_of("carol").unwrap_err();
    assert_eq!(awaited.code, Code::UnknownMember);
    assert!(
        awaited.detail.contains("was let back"),
        "{}",
        awaited.detail
    );
}

#[test]
fn an_unknown_name_is_told_the_nearest() {
    assert_eq!(
        reason("bbo"),
        "no member is called \"bbo\": did you mean bob?"
    );
    // Names are never in capitals.
    assert_eq!(lookup("Bob"), Ok(secret(2).public_key()));
    assert_eq!(lookup("BOB"), Ok(secret(2).public_key()));
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
    // And a name may begin like one.
    let unknown = lookup("rac1-fan").unwrap_err();
    assert_eq!(unknown.code, Code::UnknownMember);
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
