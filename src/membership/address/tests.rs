use super::*;
use crate::canonical;

/// What is dialled as it stands.
const GOOD: [&str; 9] = [
    "tracker.example:7000",
    "a:1",
    "my_host-2.lan:65535",
    "10.0.0.7:7001",
    "127.0.0.1:7001",
    "[::1]:7001",
    "[2001:db8::1]:7001",
    "[fe80::1]:1",
    "1.2.3.example:7",
];

/// What resolvers, people or other programs would read as something else than it says, and nonsense.
const BAD: [&str; 38] = [
    "",
    ":1",
    "a",
    "a:",
    "a:0",
    "a:01",
    "a:+1",
    "a:65536",
    "127.1:7000",
    "2130706433:7000",
    "0x7f000001:7000",
    "0x7f.0.0.1:7000",
    "127.0.0.0x1:7000",
    "0177.0.0.1:7000",
    "1.2.3.4.:7000",
    "1.2.3.4.5:7000",
    "256.0.0.1:1",
    "0.0.0.0:1",
    "255.255.255.255:1",
    "224.0.0.1:1",
    "[::]:1",
    "[ff02::1]:1",
    "::1:7",
    "[::1]",
    "[::1%1]:7",
    "[0:0:0:0:0:0:0:1]:7",
    "[2001:DB8::1]:7",
    "[::ffff:10.0.0.1]:7",
    "[a]:1",
    "Tracker.example:1",
    "a..b:1",
    "a.:1",
    "-a:1",
    "a-.b:1",
    "a b:1",
    "a/b:1",
    "http://a:1",
    "ä:1",
];

#[test]
fn attack_p3_addresses_that_say_something_else_than_they_seem_to_are_refused() {
    for good in GOOD {
        assert_eq!(good.parse::<Address>().unwrap().as_str(), good);
        let bytes = canonical::encode(good);
        assert!(canonical::decode::<Address>(&bytes).is_ok(), "{good}");
    }
    for bad in BAD {
        assert_eq!(bad.parse::<Address>(), Err(NotAnAddress), "{bad:?}");
        let bytes = canonical::encode(bad);
        assert!(canonical::decode::<Address>(&bytes).is_err(), "{bad:?}");
    }
}

#[test]
fn attack_an_address_longer_than_any_host_is_refused() {
    let label = |length| "h".repeat(length);
    let host = |last| [label(63), label(63), label(63), label(last)].join(".");
    let longest = format!("{}:65535", host(61));
    assert_eq!(longest.len(), MAX_ADDRESS);
    assert!(longest.parse::<Address>().is_ok());
    assert!(format!("{}:65535", host(62)).parse::<Address>().is_err());
}

#[test]
fn neighbours_are_known_by_their_numbers() {
    assert_eq!(site("10.0.0.1:7"), "10.0.0.1");
    assert_eq!(site("[::ffff:10.0.0.1]:7"), "10.0.0.1", "mapped");
    assert_eq!(site("[2001:db8:1:2:3::4]:7"), "2001:db8:1:2::/64");
    assert_eq!(site("[2001:db8:1:2:3::4]"), "2001:db8:1:2::/64");
    assert_eq!(site("a.example:7"), "a.example");
    assert_eq!(
        estate("[2001:db8:1:2:3::4]:7").as_deref(),
        Some("2001:db8:1::/48")
    );
    assert_eq!(estate("[::ffff:10.0.0.1]:7"), None);
    assert_eq!(estate("10.0.0.1:7"), None);
    assert_eq!(street("198.51.100.9:7").as_deref(), Some("198.51.100.0/24"));
    assert_eq!(
        street("[2001:db8:1:2::4]:7").as_deref(),
        Some("2001:db8:1::/48")
    );
    for near in [
        "127.0.0.1:7",
        "10.1.2.3:7",
        "192.168.1.2:7",
        "172.16.0.1:7",
        "169.254.1.1:7",
        "[::1]:7",
        "[fd00::1]:7",
        "[fe80::1]:7",
        "a.example:7",
    ] {
        assert_eq!(street(near), None, "{near}");
    }
}
