//! Invitations in the hands of those for whom they are not, and what `node join` makes of one.

use crate::support::{Lab, RawPeer, free_address, node, so, wait_until};
use raclette::keys::SecretKey;
use raclette::membership::InvitationString;
use raclette::membership::invitation::sign_invited;
use raclette::owner::answers::{InvitationView, InvitedView};
use raclette::wire::message::{Invited, RefusalCode};
use raclette::wire::{MemberStatement, Message};
use serde_json::json;
use std::ffi::OsStr;

/// A network that takes in whoever was invited.
const BY_INVITATION: &str = "admission = \"invite\"\nblock_interval_ms = 100\nstart_work = 64\n";

fn invite(lab: &Lab, uses: u32, lasts_ms: u64) -> InvitedView {
    let wish = json!({"uses": uses, "lasts_ms": lasts_ms});
    lab.tracker.try_post("/invite", wish).unwrap()
}

/// What the tracker answers to who registers as `name` with this shown.
fn register(lab: &Lab, seed: u8, name: &str, by: &InvitationString, secret: &SecretKey) -> String {
    let network = lab.tracker.tracker_status().network.id.unwrap();
    let mut raw = RawPeer::peer(lab.tracker.listen, seed, network);
    let (key, name) = (raw.key.public_key(), name.parse().unwrap());
    raw.send(&Message::Invited(Invited {
        invitation: by.invitation.clone(),
        signature: sign_invited(secret, &network, &key, &name),
    }));
    let statement = MemberStatement {
        tracker: raw.other.as_ref().unwrap().key,
        sequence: 1,
        name,
        key,
        sealing_key: raw.key.sealing_key(),
        addresses: Vec::new(),
    };
    let record = statement.sign(&raw.key);
    raw.send(&Message::Register(record));
    raw.expect("an answer", |message| match message {
        Message::Registered(_) => Some("Registered".to_owned()),
        Message::Refused(refused) => Some(format!("{:?}", refused.code)),
        _ => None,
    })
}

fn refused(code: RefusalCode) -> String {
    format!("{code:?}")
}

#[test]
fn attack_an_invitation_is_for_as_many_as_it_says_and_for_who_has_its_secret() {
    let lab = Lab::start_with(BY_INVITATION);
    let first = invite(&lab, 1, 3_600_000);
    let mut alice = lab.joined(&first.invitation, "alice", &[&lab.tracker]);
    let tip = alice.mine_blocks(3);
    // A second member, in sync, by two commands.
    let second = invite(&lab, 1, 3_600_000);
    let bob = lab.joined(&second.invitation, "bob", &[&lab.tracker]);
    bob.reaches(&tip);

    // Once too often, with all that was handed over.
    let string = InvitationString::parse(&second.invitation).unwrap();
    let code = register(&lab, 60, "mallory", &string, &string.key());
    assert_eq!(code, refused(RefusalCode::InvitationUsedUp));
    let again = lab.join(&second.invitation, "mallory", &free_address().to_string());
    assert_eq!(again.status.code(), Some(1));
    let reason = String::from_utf8(again.stderr).unwrap();
    assert!(reason.contains("used up"), "{reason}");
    assert!(!lab.directory().join("mallory.toml").exists());

    // Overheard: what was shown, and not the secret behind it.
    let third = invite(&lab, 9, 3_600_000);
    let string = InvitationString::parse(&third.invitation).unwrap();
    let other = SecretKey::from_bytes([9; 32]);
    let code = register(&lab, 61, "mallory", &string, &other);
    assert_eq!(code, refused(RefusalCode::InvitationWrong));

    // Revoked, and ended.
    let path = format!("/invitations/{}/revoke", third.id);
    let revoked: InvitationView = lab.tracker.try_post(&path, json!({})).unwrap();
    assert_eq!(revoked.uses_left, 0);
    let code = register(&lab, 62, "mallory", &string, &string.key());
    assert_eq!(code, refused(RefusalCode::InvitationRevoked));
    let short = invite(&lab, 9, 1_000);
    let string = InvitationString::parse(&short.invitation).unwrap();
    wait_until("it has ended", || {
        let code = register(&lab, 63, "alice", &string, &string.key());
        so(code == refused(RefusalCode::InvitationExpired), code)
    });

    // Who has joined stays, and renews without.
    alice.stop();
    alice.start();
    alice.joins();
    assert_eq!(lab.tracker.tracker_status().registered, 2);
}

#[test]
fn attack_thirty_join_by_one_invitation_behind_one_address() {
    let lab = Lab::start_with(BY_INVITATION);
    let all = invite(&lab, 31, 3_600_000);
    let alice = lab.joined(&all.invitation, "alice", &[&lab.tracker]);
    alice.mine();
    let string = InvitationString::parse(&all.invitation).unwrap();
    for seed in 100..130 {
        let code = register(&lab, seed, &format!("m{seed}"), &string, &string.key());
        assert_eq!(code, "Registered");
    }
    let code = register(&lab, 131, "late", &string, &string.key());
    assert_eq!(code, refused(RefusalCode::InvitationUsedUp));
    assert_eq!(lab.tracker.tracker_status().registered, 31);
}

#[test]
fn attack_a_string_that_is_wrong_dials_nobody_and_a_name_that_is_gone_writes_nothing() {
    let lab = Lab::start_with(BY_INVITATION);
    let first = invite(&lab, 2, 3_600_000);
    let alice = lab.joined(&first.invitation, "alice", &[&lab.tracker]);
    let listen = free_address().to_string();
    let cut = &first.invitation[..first.invitation.len() - 3];
    for (what, said) in [
        (cut, "characters"),
        ("rac1qqqq", "address"),
        ("nonsense", "join1"),
    ] {
        let output = lab.join(what, "bob", &listen);
        assert_eq!(output.status.code(), Some(2), "{what}");
        let reason = String::from_utf8(output.stderr).unwrap();
        assert!(reason.contains(said), "{reason}");
    }
    let taken = alice.listen.to_string();
    let port = lab.join(&first.invitation, "bob", &taken);
    let reason = String::from_utf8(port.stderr).unwrap();
    assert!(reason.contains("--listen"), "{reason}");
    let there = lab.join(&first.invitation, "alice", &listen);
    let reason = String::from_utf8(there.stderr).unwrap();
    assert!(reason.contains("alice.toml exists"), "{reason}");
    // Somebody else is alice already.
    let elsewhere = lab.directory().join("elsewhere");
    let words = [
        "join",
        &first.invitation,
        "--name",
        "alice",
        "--listen",
        &listen,
        "--no-start",
        "--dir",
        elsewhere.to_str().unwrap(),
    ];
    let output = node(words.map(OsStr::new)).output().unwrap();
    let reason = String::from_utf8(output.stderr).unwrap();
    assert!(reason.contains("another key"), "{reason}");
    assert!(!elsewhere.join("peer.toml").exists());
    assert!(!elsewhere.join("alice-data").exists());
    // And nothing was used up by all of this.
    lab.joined(&first.invitation, "bob", &[&lab.tracker]);
}
