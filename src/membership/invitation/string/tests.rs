use super::super::tests::statement;
use super::*;
use crate::chain::testing::member;
use proptest::prelude::*;

const SEED: [u8; 32] = [0x77; 32];

fn invitation() -> Invitation {
    let key = SecretKey::from_bytes(SEED).public_key();
    InvitationStatement { key, ..statement() }.sign(&member(9))
}

fn string() -> InvitationString {
    let address = "192.0.2.7:7000".parse().unwrap();
    let tracker = member(9).public_key();
    InvitationString::new(invitation(), Zeroizing::new(SEED), vec![address], tracker).unwrap()
}

fn read(text: &str) -> InvitationStringError {
    InvitationString::parse(text).unwrap_err()
}

#[test]
fn what_was_handed_over_is_read_as_it_was_meant() {
    let text = string().reveal();
    assert!(
        text.starts_with("join1") && text.len() < 450,
        "{}",
        text.len()
    );
    let wrapped = format!("  {}\r\n {}\n", &text[..70], &text[70..]);
    for spelt in [text.to_string(), text.to_uppercase(), wrapped] {
        let read = InvitationString::parse(&spelt).unwrap();
        assert_eq!(read.invitation, invitation());
        assert_eq!(read.addresses, string().addresses);
        assert_eq!(read.tracker, member(9).public_key());
        assert_eq!(read.key().public_key(), invitation().statement.key);
    }
}

#[test]
fn the_one_invitation_in_a_message_is_found() {
    let text = string().reveal();
    let (half, rest) = text.split_at(70);
    for message in [
        text.to_string(),
        format!(
            "Hi Bob, join us by this:\n{}\nSee you, and bring cheese.",
            *text
        ),
        format!("node join {} --name bob", *text),
        format!("<{}>", *text),
        format!("\u{201c}{}\u{201d}.", *text),
        format!("`{}`", text.to_uppercase()),
        format!("> {half}\r\n> > {rest}\n\nbest, ben"),
        format!("{half}\u{200b}{rest}"),
        format!("It is {}, again: {}", *text, *text),
        format!("type join1... as here: {}", *text),
        format!("join1{} is cut, {} is not", &half[5..], *text),
        format!("jo\nin1{}", &text[5..]),
    ] {
        let found = InvitationString::find(&message);
        let found = found.unwrap_or_else(|error| panic!("{message}: {error}"));
        assert_eq!(*found.reveal(), *text, "{message}");
    }
}

#[test]
fn two_invitations_none_or_too_much_text_are_refused_in_words() {
    let (text, other) = (string().reveal(), {
        let address = "192.0.2.8:7000".parse().unwrap();
        let tracker = member(9).public_key();
        let other =
            InvitationString::new(invitation(), Zeroizing::new(SEED), vec![address], tracker);
        other.unwrap().reveal()
    });
    let find = |text: &str| InvitationString::find(text).unwrap_err();
    let both = format!("{} or {}", *text, *other);
    assert_eq!(find(&both), InvitationStringError::Several);
    let (found, whole) = (70, text.len());
    let cut = format!("here: {}.", &text[..70]);
    assert_eq!(find(&cut), InvitationStringError::Cut { found, whole });
    let mut wrong = text.to_string();
    wrong.replace_range(9..10, if &text[9..10] == "q" { "p" } else { "q" });
    assert_eq!(find(&wrong), InvitationStringError::Mistyped { at: 10 });
    assert_eq!(find("Hi Bob"), InvitationStringError::NoInvitation);
    let address = member(1).public_key().to_address();
    assert_eq!(find(&address), InvitationStringError::IsAddress);
    let padded = |length: usize| format!("{}{}", " ".repeat(length - text.len()), *text);
    assert!(InvitationString::find(&padded(MAX_INVITATION_TEXT)).is_ok());
    assert_eq!(
        find(&padded(MAX_INVITATION_TEXT + 1)),
        InvitationStringError::LongText
    );
    let many = "join1".repeat(MAX_INVITATION_TEXT / 5);
    assert!(matches!(
        find(&many),
        InvitationStringError::Character { .. }
    ));
}

#[test]
fn neither_debugging_nor_printing_shows_the_secret() {
    let (string, text) = (string(), string().reveal());
    for shown in [format!("{string:?}"), format!("{string}")] {
        assert!(
            !shown.contains(&text[5..15]) && !shown.contains("7777") && !shown.contains("119, 119")
        );
    }
}

proptest! {
    #[test]
    fn one_wrong_character_is_named_by_its_place(at in 5usize..400, with in "[02-9ac-hj-np-z]") {
        let text = string().reveal();
        let at = 5 + at % (text.len() - 5);
        prop_assume!(text[at..=at] != with);
        let mut wrong = text.to_string();
        wrong.replace_range(at..=at, &with);
        prop_assert_eq!(read(&wrong), InvitationStringError::Mistyped { at: at + 1 });
        prop_assert_eq!(read(&wrong.to_uppercase()), InvitationStringError::Mistyped { at: at + 1 });
    }

    #[test]
    fn a_cut_string_is_called_cut(kept in 9usize..400) {
        let text = string().reveal();
        let found = 9 + kept % (text.len() - 9);
        let whole = text.len();
        prop_assert_eq!(read(&text[..found]), InvitationStringError::Cut { found, whole });
    }

    #[test]
    fn any_text_is_refused_without_harm(text in "\\PC{0,100}", data in "[02-9ac-hj-np-z]{0,100}") {
        prop_assert!(InvitationString::parse(&text).is_err());
        prop_assert!(InvitationString::find(&text).is_err());
        let text = format!("join1{data}");
        prop_assert!(InvitationString::parse(&text).is_err());
        prop_assert!(InvitationString::find(&text).is_err());
    }
}

#[test]
fn each_way_to_be_wrong_has_its_own_error() {
    let text = string().reveal().to_string();
    assert_eq!(read(""), InvitationStringError::NoInvitation);
    assert_eq!(read(&text[5..]), InvitationStringError::NoInvitation);
    let address = member(1).public_key().to_address();
    assert_eq!(read(&address), InvitationStringError::IsAddress);
    let (at, found) = (11, 'b');
    let wrong = format!("{}b{}", &text[..10], &text[11..]);
    assert_eq!(read(&wrong), InvitationStringError::Character { at, found });
    let wrong = format!("{}…{}", &text[..10], &text[11..]);
    let found = '…';
    assert_eq!(read(&wrong), InvitationStringError::Character { at, found });
    let wrong = format!("{}{}", &text[..30], text[30..].to_uppercase());
    assert!(matches!(
        read(&wrong),
        InvitationStringError::MixedCase { at: 31..40 }
    ));
    let (found, whole) = (text.len() + 3, text.len());
    let longer = format!("{text}qqq");
    assert_eq!(
        read(&longer),
        InvitationStringError::TooLong { found, whole }
    );
    let endless = format!("{text}{}", "q".repeat(5_000));
    assert!(matches!(
        read(&endless),
        InvitationStringError::TooLong { .. }
    ));
    let swapped = format!(
        "{}{}{}{}",
        &text[..60],
        &text[70..80],
        &text[60..70],
        &text[80..]
    );
    assert_eq!(read(&swapped), InvitationStringError::Checksum);
    assert!(matches!(read("join1"), InvitationStringError::Cut { .. }));
    let other = bech32::encode::<Bech32m>(PREFIX, &[0, 1, 5]).unwrap();
    assert!(matches!(read(&other), InvitationStringError::OtherKind(_)));
    let short = bech32::encode::<Bech32m>(PREFIX, &[0]).unwrap();
    assert!(matches!(read(&short), InvitationStringError::OtherKind(_)));
}

#[test]
fn what_its_issuer_did_not_sign_is_no_invitation() {
    let mut forged = string();
    forged.invitation.statement.uses = 1_000;
    assert!(matches!(
        read(&forged.reveal()),
        InvitationStringError::Forged(_)
    ));
}

#[test]
fn addresses_that_make_it_too_long_are_refused() {
    let tracker = member(9).public_key();
    let make =
        |addresses| InvitationString::new(invitation(), Zeroizing::new(SEED), addresses, tracker);
    let label = "a".repeat(62);
    let long = format!("{label}.{label}.{label}.{label}:7000");
    let long: Address = long.parse().unwrap();
    let one = make(vec![long.clone()]).unwrap();
    assert!(InvitationString::parse(&one.reveal()).is_ok());
    assert_eq!(
        make(vec![long.clone(), long]).unwrap_err(),
        AddressesTooLong
    );
    let short: Address = "192.0.2.7:7000".parse().unwrap();
    assert!(make(vec![short.clone(); MAX_INVITATION_ADDRESSES]).is_ok());
    assert!(make(vec![short; MAX_INVITATION_ADDRESSES + 1]).is_err());
}

/// Found by `make fuzz`: the library's search for errors panicked on it.
#[test]
fn attack_a_text_put_together_from_two_invitations_is_refused_without_harm() {
    let text = concat!(
        "join1qrhe43pqph9e9nj528yqx6f9gstvjjszsyqtm4mexgh8cvspsv899w2l7d4vgg9rr4kmlz4u7laxey0jx0q",
        "0r2kd7552a3syr5ge5m0wgz34zsgxjmqq9ncqqqq6xxzu205v7qqqqx23mq40arzyq4uprad5nzeyyrm9styhllm",
        "k9nzww6xjmgpt8zlrxk6728wq66eyfux4wawfukkhf55f9dusza8d6snhgspxqux804xtuxvw34vchgruggrhwam",
        "hwamhwamhwamhwamhwamhwamhwamhwamhwamhwamhwamhw7g6uvfexghrqt3j9cmn5desxqcvgg9rr4kmlz4u7la",
        "xey0jx0q0r2kd7552a3syr5ge5m0wgz34zmlz4u7laxey0jx0q0r2kd7552a3syr5ge5m0wgz34zsgxjc86r3qy",
    );
    assert!(InvitationString::parse(text).is_err());
}
