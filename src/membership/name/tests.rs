use super::*;
use crate::canonical;
use proptest::prelude::*;

#[test]
fn names_are_plain_words() {
    for good in ["a", "alice", "bob-2", "x123", &"a".repeat(MAX_NAME)] {
        assert_eq!(good.parse::<MemberName>().unwrap().as_str(), good);
    }
}

/// What a name must never carry into a table, a page, a file name or a log.
const BAD_NAMES: [&str; 16] = [
    "",
    "alice'; DROP TABLE members;--",
    "' OR '1'='1",
    "<script>alert(1)</script>",
    "a&b",
    "a\"b",
    "../../etc/passwd",
    "a/b",
    "a\0b",
    "a\nb",
    "a b",
    "Alice",
    "2bob",
    "-bob",
    "älice",
    "a\u{202e}b",
];

#[test]
fn attack_names_that_mean_something_elsewhere_are_refused() {
    for bad in BAD_NAMES {
        assert_eq!(bad.parse::<MemberName>(), Err(NotAName), "{bad:?}");
        let bytes = canonical::encode(bad);
        assert!(canonical::decode::<MemberName>(&bytes).is_err(), "{bad:?}");
    }
    assert_eq!(
        "a".repeat(MAX_NAME + 1).parse::<MemberName>(),
        Err(NotAName)
    );
}

proptest! {
    #[test]
    fn whatever_text_is_a_name_is_one_on_the_wire_and_nothing_else(text in "\\PC{0,40}") {
        let bytes = canonical::encode(&text);
        prop_assert_eq!(canonical::decode::<MemberName>(&bytes).ok(), text.parse().ok());
    }
}
