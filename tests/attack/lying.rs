//! A tracker that lies: it is seen by what the ledger says, and what differs is said once, with names.

use crate::support::{Lab, Node, RawPeer, free_address, node, now, secret_in, so, wait_until};
use raclette::chain::{Genesis, NetworkId, Timestamp};
use raclette::keys::SecretKey;
use raclette::owner::answers::{InvitedView, LedgerMembersView};
use raclette::protocol::tracker_word::TOLERATED_BLOCKS;
use raclette::wire::channel::Side;
use raclette::wire::message::{MembersChanged, Registered};
use raclette::wire::{Hello, Member, MemberId, MemberRecord, MemberStatement, Message, NodeRole};
use serde_json::json;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::net::TcpListener;
use std::path::PathBuf;
use std::thread;

const BY_INVITATION: &str = "admission = \"invite\"\nblock_interval_ms = 100\nstart_work = 64\n";

/// A member that has joined by `node join`, and runs.
fn joined(lab: &Lab, name: &str) -> Node {
    let wish = json!({"uses": 1, "lasts_ms": 3_600_000});
    let invited: InvitedView = lab.tracker.try_post("/invite", wish).unwrap();
    let listen = free_address();
    let (at, dir) = (listen.to_string(), lab.directory().to_str().unwrap());
    let words = [
        "join",
        &invited.invitation,
        "--name",
        name,
        "--listen",
        &at,
        "--dir",
        dir,
        "--no-start",
    ];
    let output = node(words.map(OsStr::new)).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let settings = std::fs::read_to_string(lab.directory().join(format!("{name}.toml"))).unwrap();
    let mut member = lab.node(name, listen, &settings);
    member.start();
    member.joins();
    member
}

fn listed(id: u32, record: MemberRecord) -> Member {
    Member {
        id: MemberId(id),
        record,
        live: true,
        reachable: false,
        since: Timestamp(1),
    }
}

/// A member of this name with a key of this test's.
fn invented(id: u32, seed: u8, name: &str, tracker: &SecretKey) -> Member {
    let key = SecretKey::from_bytes([seed; 32]);
    let statement = MemberStatement {
        tracker: tracker.public_key(),
        sequence: now().0,
        name: name.parse().unwrap(),
        key: key.public_key(),
        sealing_key: key.sealing_key(),
        addresses: Vec::new(),
    };
    listed(id, statement.sign(&key))
}

/// Takes the place of the lab's tracker, with its key, and tells whoever registers of itself and of these
/// members, and of nobody else.
fn lie(lab: &mut Lab, genesis: Genesis, lies: Vec<Member>) {
    lab.tracker.stop();
    let at = lab.tracker.listen;
    let listener = wait_until("the port is free", || {
        TcpListener::bind(at).map_err(|error| error.to_string())
    });
    let wallet: PathBuf = lab.tracker.data_dir.join("key.pem");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (wallet, genesis, lies) = (wallet.clone(), genesis.clone(), lies.clone());
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
                    id: MemberId(900),
                    genesis: Some(genesis),
                    lease: None,
                }));
                let mut changed = vec![listed(900, record)];
                changed.extend(lies);
                let left = Vec::new();
                raw.send(&Message::MembersChanged(MembersChanged { changed, left }));
                // Until the test ends, or the member does.
                raw.serve_until(|_| false);
            });
        }
    });
}

/// Genesis, as the true tracker tells whoever it has certified.
fn learn_genesis(lab: &Lab, network: NetworkId) -> Genesis {
    let tracker = lab.tracker_key();
    let mut raw = RawPeer::member(lab.tracker.listen, 6, network, &tracker);
    raw.send(&Message::Register(
        invented(0, 6, "by-hand", &tracker).record,
    ));
    raw.expect("to be registered", |message| match message {
        Message::Registered(registered) => registered.genesis,
        _ => None,
    })
}

#[test]
fn attack_a_tracker_that_invents_withholds_renames_and_certifies_strangers_is_seen_on_the_ledger() {
    let mut lab = Lab::start_with(BY_INVITATION);
    let alice = joined(&lab, "alice");
    alice.mine();
    let bob = joined(&lab, "bob");
    wait_until("both are on the ledger", || {
        alice.mine();
        let view: LedgerMembersView = alice.try_get("/ledger/members").unwrap();
        so(view.members.len() == 2, view.members.len())
    });
    let network = lab.tracker.tracker_status().network.id.unwrap();
    let genesis = learn_genesis(&lab, network);
    let tracker = lab.tracker_key();
    let lies = vec![
        invented(901, 9, "mallory", &tracker),
        // Bob's name, and bob himself nowhere.
        invented(902, 8, "bob", &tracker),
    ];
    lie(&mut lab, genesis, lies);
    wait_until("she has heard the liar", || {
        let peers = alice.peers().peers;
        let heard = peers.iter().filter_map(|peer| peer.name.as_ref());
        let heard: Vec<_> = heard.map(ToString::to_string).collect();
        so(heard.contains(&"mallory".to_owned()), format!("{heard:?}"))
    });
    let mut raw = RawPeer::member(alice.listen, 7, network, &tracker);
    thread::spawn(move || raw.serve_until(|_| false));
    // It was looked at before the blocks that are tolerated begin.
    let all = ["not_on_ledger", "not_told", "other_key", "stranger"];
    let wanted: BTreeSet<_> = all.map(str::to_owned).into();
    let mut mined = 0;
    let view = wait_until("all of it is said", || {
        if mined < 3 * TOLERATED_BLOCKS {
            alice.mine_blocks(20);
            mined += 20;
        }
        let view: LedgerMembersView = alice.try_get("/ledger/members").unwrap();
        let kinds: BTreeSet<_> = view.differs.iter().map(|one| one.kind.clone()).collect();
        so(kinds == wanted, format!("{kinds:?}")).map(|()| view)
    });
    let of = |kind: &str| view.differs.iter().find(|one| one.kind == kind).unwrap();
    let bobs = bob.status().address;
    assert_eq!(of("not_told").address, bobs);
    let mallory = SecretKey::from_bytes([9; 32]).public_key().to_address();
    assert_eq!(of("not_on_ledger").address, mallory);
    assert!(of("other_key").detail.contains(&bobs));
    let seen = SecretKey::from_bytes([7; 32]).public_key().to_address();
    assert_eq!(of("stranger").address, seen);
    // Loudly, and once.
    let said = alice.output();
    let loud = said
        .lines()
        .filter(|line| line.contains("WARN") && line.contains("differs from the ledger"));
    assert_eq!(loud.count(), 4, "{said}");
    assert_eq!(alice.status().differs.len(), 4);
}
