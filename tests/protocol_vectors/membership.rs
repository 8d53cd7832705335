//! Examples of what is signed about membership.

use crate::channel::{NOW, certificate_for, statement_for};
use crate::example::{self, alice, bob, tracker};
use crate::work::Work;
use raclette::canonical::{self, CappedText};
use raclette::keys::{SecretKey, SignatureItem, verify_batch};
use raclette::membership::delegation::DELEGATION_CONTEXT;
use raclette::membership::invitation::{INVITATION_CONTEXT, sign_invited};
use raclette::membership::statement::STATEMENT_CONTEXT;
use raclette::membership::{
    Act, Authority, Delegation, DelegationStatement, Invitation, InvitationStatement,
    InvitationString, JoinRecord, Leave, MembersRecord, SignedStatement, Statement,
};
use raclette::wire::message::Invited;
use serde::Serialize;
use zeroize::Zeroizing;

/// What the invitation's key is made from.
const SEED: [u8; 32] = [0x77; 32];
const HOUR_MS: u64 = 3_600_000;

fn authority() -> Authority {
    Authority::at_genesis(&example::genesis().content)
}

/// A signed thing, part by part.
fn parts<T: Serialize, S: Serialize>(work: &mut Work, context: &str, statement: &T, signed: &S) {
    let said = canonical::encode(statement);
    work.found_bytes("statement", &said);
    work.found_bytes("signed_digest", &blake3::derive_key(context, &said));
    work.found_bytes("bytes", &canonical::encode(signed));
}

fn all_hold(items: &[SignatureItem]) {
    assert!(verify_batch(items).iter().all(Result::is_ok));
}

fn bob_may_issue() -> Delegation {
    let statement = DelegationStatement {
        network: example::network(),
        admin: tracker().public_key(),
        delegate: bob().public_key(),
        serial: NOW,
        from: NOW,
        until: NOW.plus_ms(24 * HOUR_MS),
    };
    statement.sign(&tracker())
}

/// The right to issue.
pub fn delegation(work: &mut Work) {
    let delegation = bob_may_issue();
    all_hold(&[delegation.signature_item()]);
    parts(work, DELEGATION_CONTEXT, &delegation.statement, &delegation);
}

fn for_two() -> Invitation {
    let statement = InvitationStatement {
        network: Some(example::network()),
        key: SecretKey::from_bytes(SEED).public_key(),
        issuer: tracker().public_key(),
        delegation: None,
        uses: 2,
        serial: NOW,
        expires: NOW.plus_ms(24 * HOUR_MS),
    };
    statement.sign(&tracker())
}

/// What bob shows to join by it.
pub fn shown() -> Invited {
    let name = "bob".parse().expect("a name");
    let (key, member) = (SecretKey::from_bytes(SEED), bob().public_key());
    Invited {
        invitation: for_two(),
        signature: sign_invited(&key, &example::network(), &member, &name),
    }
}

fn text() -> String {
    let address = "192.0.2.7:7000".parse().expect("an address");
    let (seed, tracker) = (Zeroizing::new(SEED), tracker().public_key());
    let string = InvitationString::new(for_two(), seed, vec![address], tracker);
    string.expect("one short address").reveal().to_string()
}

/// An invitation, and what is handed over.
pub fn invitation(work: &mut Work) {
    let invitation = for_two();
    assert_eq!(
        invitation.check(&authority(), &example::network(), NOW),
        Ok(())
    );
    parts(work, INVITATION_CONTEXT, &invitation.statement, &invitation);
    let text = text();
    let read = InvitationString::parse(&text).expect("as it was made");
    assert_eq!(read.invitation, invitation);
    work.found("text", text);
}

/// What is said of texts that are not as they should be.
pub fn invitation_refused(work: &mut Work) {
    let text = text();
    let cases = [
        ("as it is", text.clone()),
        ("in upper case", text.to_uppercase()),
        ("its first 40 characters", text[..40].to_owned()),
        ("its 20th character another", {
            let other = if &text[19..20] == "q" { "p" } else { "q" };
            format!("{}{other}{}", &text[..19], &text[20..])
        }),
        (
            "its 20th character a b",
            format!("{}b{}", &text[..19], &text[20..]),
        ),
        ("an address", alice().public_key().to_address()),
        ("with the word more behind it", format!("{text}mqre")),
    ];
    for (name, text) in cases {
        work.verdict(name, InvitationString::parse(&text).map(drop));
    }
}

/// A statement of the admin.
pub fn said(act: &str) -> SignedStatement {
    let key = bob().public_key();
    let act = match act {
        "expel" => Act::Expel {
            key,
            reason: CappedText::new("took the cheese").expect("short"),
        },
        "reassign" => Act::Reassign {
            name: "alice".parse().expect("a name"),
            key,
        },
        other => panic!("no example of {other}"),
    };
    let statement = Statement {
        network: example::network(),
        number: NOW,
        act,
    };
    statement.sign(&tracker())
}

/// What the admin says.
pub fn statement(work: &mut Work) {
    let signed = said(work.given("act"));
    assert_eq!(signed.check(&authority(), &example::network(), NOW), Ok(()));
    parts(work, STATEMENT_CONTEXT, &signed.statement, &signed);
}

fn alice_joins() -> JoinRecord {
    let (key, network) = (alice().public_key(), example::network());
    let mut certified = statement_for(key);
    certified.invitation = Some(for_two().statement.key);
    let invitation = SecretKey::from_bytes(SEED);
    let name = certified.name.clone();
    let join = JoinRecord {
        sealing_key: alice().sealing_key(),
        invited: Some(sign_invited(&invitation, &network, &key, &name)),
        name,
        certificate: certified.sign(&tracker()),
        invitation: Some(for_two()),
    };
    assert_eq!(join.check_form(&network, &key), Ok(()));
    all_hold(&join.signature_items());
    let without = certificate_for(key);
    assert_eq!(without.check(&authority(), &network, &key, NOW), Ok(()));
    join
}

/// The records of the topic.
pub fn members_record(work: &mut Work) {
    let record = match work.given("kind") {
        "join" => MembersRecord::Join(Box::new(alice_joins())),
        "leave" => {
            let leave = Leave::sign(example::network(), NOW, &alice());
            all_hold(&[leave.signature_item()]);
            MembersRecord::Leave(leave)
        }
        "statement" => MembersRecord::Statement(said("expel")),
        other => panic!("no record is a {other}"),
    };
    let bytes = canonical::encode(&record);
    assert_eq!(canonical::decode(&bytes), Ok(record));
    work.found_bytes("bytes", &bytes);
}
