//! A tracker that lies: it is seen by what the ledger says, and what differs is said once, with names.

use crate::support::{
    Heard, Lab, Node, RawPeer, now, pong, secret_in, so, wait_until, wait_within,
};
use raclette::chain::{Genesis, NetworkId, Timestamp};
use raclette::keys::SecretKey;
use raclette::owner::answers::{DifferenceView, InvitedView, LedgerMembersView, SentView};
use raclette::wire::channel::Side;
use raclette::wire::message::{MembersChanged, Registered};
use raclette::wire::{Hello, Member, MemberId, MemberRecord, MemberStatement, Message, NodeRole};
use serde_json::json;
use std::net::TcpListener;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

const BY_INVITATION: &str = "admission = \"invite\"\nblock_interval_ms = 100\nstart_work = 64\n";

/// For how long it is mined until all is said: 120 blocks after a first look, and a look is taken every 5 s.
const PATIENCE: Duration = Duration::from_secs(300);

/// The number that whoever registers with it is given.
pub(super) const OWN: MemberId = MemberId(900);

/// The seeds of keys of this test's.
const MALLORY: u8 = 9;
const FALSE_BOB: u8 = 8;
const FALSE_CLEO: u8 = 7;
const STRANGER: u8 = 6;

/// A member that was invited, and runs.
fn invited(lab: &Lab, name: &str) -> Node {
    let wish = json!({"uses": 1, "lasts_ms": 3_600_000});
    let invited: InvitedView = lab.tracker.try_post("/invite", wish).unwrap();
    lab.joined(&invited.invitation, name, &[&lab.tracker])
}

fn address(seed: u8) -> String {
    SecretKey::from_bytes([seed; 32]).public_key().to_address()
}

/// A record of this name with a key of this test's.
fn invented(seed: u8, name: &str, tracker: &SecretKey) -> MemberRecord {
    let key = SecretKey::from_bytes([seed; 32]);
    let statement = MemberStatement {
        tracker: tracker.public_key(),
        sequence: now().0,
        name: name.parse().unwrap(),
        key: key.public_key(),
        sealing_key: key.sealing_key(),
        addresses: Vec::new(),
    };
    statement.sign(&key)
}

pub(super) fn listed(id: MemberId, record: MemberRecord) -> Member {
    Member {
        id,
        record,
        live: true,
        reachable: false,
        since: Timestamp(1),
    }
}

/// Stays, and answers what an honest program answers, until the other end goes.
pub(super) fn stay(mut raw: RawPeer) {
    loop {
        match raw.hear(PATIENCE) {
            Heard::Message(Message::Ping(number)) => raw.send(&Message::Pong(pong(number))),
            Heard::Message(Message::Challenge(number)) => raw.answer_challenge(number),
            Heard::Message(Message::GetHeaders(_)) => raw.send(&Message::Headers(Vec::new())),
            Heard::Message(_) => {}
            Heard::Nothing | Heard::Closed => return,
        }
    }
}

/// Registers mallory, whom the tracker's key has certified and who never joins on the ledger: what the true
/// tracker tells her, of the network and of its members.
fn spy(lab: &Lab, network: NetworkId) -> (Genesis, Vec<Member>) {
    let tracker = lab.tracker_key();
    let mut raw = RawPeer::member(lab.tracker.listen, MALLORY, network, &tracker);
    raw.send(&Message::Register(invented(MALLORY, "mallory", &tracker)));
    let genesis = raw.expect("to be registered", |message| match message {
        Message::Registered(registered) => registered.genesis,
        _ => None,
    });
    let members = raw.expect("the list", |message| match message {
        Message::MembersChanged(told) => Some(told.changed),
        _ => None,
    });
    (genesis, members)
}

/// Takes the place of the lab's tracker, with its key; whoever registers has what follows by `tell`, which is handed
/// the connection and the record.
pub(super) fn stand_in(
    lab: &mut Lab,
    genesis: Genesis,
    tell: impl Fn(RawPeer, MemberRecord) + Clone + Send + 'static,
) {
    lab.tracker.stop();
    let at = lab.tracker.listen;
    let listener = wait_until("the port is free", || {
        TcpListener::bind(at).map_err(|error| error.to_string())
    });
    let wallet: PathBuf = lab.tracker.data_dir.join("key.pem");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (wallet, genesis, tell) = (wallet.clone(), genesis.clone(), tell.clone());
            thread::spawn(move || {
                let mut raw = RawPeer::over(stream, 1);
                raw.key = secret_in(&wallet);
                if !raw.try_to_shake_hands(Side::Responder) {
                    return;
                }
                raw.hear_hello();
                let hello = Hello {
                    role: NodeRole::Tracker,
                    ..raw.hello(genesis.id())
                };
                raw.introduce(hello);
                let record = raw.expect("a registration", |message| match message {
                    Message::Register(record) => Some(record),
                    _ => None,
                });
                raw.send(&Message::Registered(Registered {
                    id: OWN,
                    genesis: Some(genesis),
                    lease: None,
                }));
                tell(raw, record);
            });
        }
    });
}

/// Takes the tracker's place, and tells whoever registers of itself and of these members, and of nobody else.
fn lie(lab: &mut Lab, genesis: Genesis, lies: Vec<Member>) {
    stand_in(lab, genesis, move |mut raw, record| {
        let mut changed = vec![listed(OWN, record)];
        changed.extend(lies.clone());
        let left = Vec::new();
        raw.send(&Message::MembersChanged(MembersChanged { changed, left }));
        stay(raw);
    });
}

#[test]
fn attack_a_tracker_that_invents_withholds_doubles_renames_and_certifies_strangers_is_seen_on_the_ledger()
 {
    let mut lab = Lab::start_with(BY_INVITATION);
    let alice = invited(&lab, "alice");
    alice.mine();
    let bob = invited(&lab, "bob");
    let cleo = invited(&lab, "cleo");
    let members = || {
        let view: LedgerMembersView = alice.try_get("/ledger/members").unwrap();
        view
    };
    wait_until("all three are on the ledger", || {
        alice.mine();
        let found = members().members.len();
        so(found == 3, found)
    });
    let network = lab.tracker.tracker_status().network.id.unwrap();
    let (genesis, told) = spy(&lab, network);
    let tracker = lab.tracker_key();
    let is_cleo = |member: &&Member| member.record.statement.name.as_str() == "cleo";
    let true_cleo = told.iter().find(is_cleo).unwrap().clone();
    let lies = vec![
        listed(MemberId(901), invented(MALLORY, "mallory", &tracker)),
        // Bob's name with another key, and bob himself nowhere.
        listed(MemberId(902), invented(FALSE_BOB, "bob", &tracker)),
        // Cleo twice.
        true_cleo,
        listed(MemberId(903), invented(FALSE_CLEO, "cleo", &tracker)),
    ];
    assert!(members().differs.is_empty(), "it told no lie so far");
    lie(&mut lab, genesis, lies);
    let stranger = RawPeer::member(alice.listen, STRANGER, network, &tracker);
    thread::spawn(move || stay(stranger));
    let view = wait_within(PATIENCE, "all of it is said", || {
        alice.mine_blocks(20);
        let view = members();
        so(view.differs.len() >= 5, format!("{:?}", view.differs)).map(|()| view)
    });
    let mut found: Vec<_> = view.differs.iter().map(short).collect();
    found.sort();
    let (bobs, cleos) = (bob.status().address, cleo.status().address);
    let mut expected = vec![
        ("not_on_ledger", Some("mallory"), address(MALLORY)),
        ("not_told", Some("bob"), bobs.clone()),
        ("other_key", Some("bob"), address(FALSE_BOB)),
        ("other_key", Some("cleo"), address(FALSE_CLEO)),
        ("stranger", None, address(STRANGER)),
    ];
    expected.sort();
    assert_eq!(found, expected);
    let both = view.differs.iter().filter(|one| one.kind == "other_key");
    assert!(both.clone().any(|one| one.detail.contains(&bobs)));
    assert!(both.clone().any(|one| one.detail.contains(&cleos)));
    // Loudly, and once.
    let is_loud = |line: &&str| line.contains("WARN") && line.contains("differs from the ledger");
    wait_until("alice has said all of it, once", || {
        let said = alice.output();
        so(said.lines().filter(is_loud).count() == 5, said)
    });
    assert_eq!(alice.status().differs, view.differs);
    // Nothing is settled by itself: whoever pays bob pays him of the ledger.
    let known = alice.peers().peers;
    let named = |name: &str| {
        let of_name = known
            .iter()
            .find(|one| one.name.as_ref().is_some_and(|own| own.as_str() == name));
        of_name.map(|one| one.address.clone())
    };
    let known_as = (named("bob"), named("cleo"));
    assert_eq!(known_as, (Some(bobs.clone()), Some(cleos)));
    // And nothing is sent by a name on which they do not agree; by the address it is.
    let send = |to: &str| {
        let wish = json!({"to": to, "amount": "1"});
        alice.try_post::<SentView>("/transactions", wish)
    };
    let refused = send("bob").unwrap_err();
    assert_eq!(refused.error.code, "name_differs");
    let both = [&bobs, &address(FALSE_BOB)];
    let told = refused.to_string();
    assert!(both.iter().all(|one| told.contains(*one)), "{told}");
    assert_eq!(send(&bobs).unwrap().to.address, bobs);
}

fn short(one: &DifferenceView) -> (&str, Option<&str>, String) {
    let name = one.name.as_ref().map(|name| name.as_str());
    (one.kind.as_str(), name, one.address.clone())
}
