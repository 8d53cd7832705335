//! Membership, genesis and the API in the hands of somebody who keeps to no rule.

use super::{SOON, Target};
use crate::support::{Heard, Lab, RawPeer, agree, free_address, pong, so, wait_until};
use raclette::chain::{Genesis, NetworkId};
use raclette::http::BASE;
use raclette::owner::answers::PeerView;
use raclette::wire::message::RefusalCode;
use raclette::wire::{MemberStatement, Message};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

fn statement(raw: &RawPeer, name: &str, sequence: u64) -> MemberStatement {
    MemberStatement {
        tracker: raw.other.as_ref().unwrap().key,
        sequence,
        name: name.parse().unwrap(),
        key: raw.key.public_key(),
        sealing_key: raw.key.sealing_key(),
        addresses: Vec::new(),
    }
}

/// What the tracker answers to a registration.
fn register(raw: &mut RawPeer, statement: MemberStatement) -> Result<u32, RefusalCode> {
    let record = statement.sign(&raw.key);
    raw.work_for(&record);
    raw.send(&Message::Register(record));
    raw.expect("an answer", |message| match message {
        Message::Registered(registered) => Some(Ok(registered.id.0)),
        Message::Refused(refused) => Some(Err(refused.code)),
        _ => None,
    })
}

#[test]
fn attack_peers_that_come_at_once_share_one_genesis() {
    let lab = Lab::start();
    let mut peers = ["alice", "bob", "carol"].map(|name| lab.prepare_peer(name));
    peers.iter_mut().for_each(|peer| peer.spawn());
    wait_until("all three answer", || {
        peers.iter().try_for_each(|peer| {
            peer.try_get::<serde_json::Value>("/status")
                .map(drop)
                .map_err(|refused| refused.to_string())
        })
    });
    peers.iter().for_each(|peer| peer.joins());
    let first: HashSet<_> = peers.iter().map(|peer| peer.block(0).id).collect();
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(
        lab.tracker.tracker_status().network.id,
        first.into_iter().next()
    );
    let last = peers[1].mine().id.to_string();
    peers.iter().for_each(|peer| peer.reaches(&last));
}

#[test]
fn attack_a_second_genesis_is_answered_with_the_first() {
    let target = Target::start();
    let mut content = target.genesis.content.clone();
    content.params.reward.0 = 1_000_000;
    let mut header = content.header(target.genesis.header.timestamp);
    while !header.has_work() {
        header.nonce += 1;
    }
    let (mut raw, _) = RawPeer::register(target.lab.tracker.listen, 30, "mallory-two");
    raw.send(&Message::OfferGenesis(Genesis { header, content }));
    let answer = raw.expect("an answer", |message| match message {
        Message::GenesisKnown(genesis) => Some(Some(genesis)),
        Message::Refused(_) | Message::Goodbye(_) => Some(None),
        _ => None,
    });
    assert!(answer.is_none_or(|genesis| genesis == target.genesis));
    let bob = target.lab.peer("bob");
    assert_eq!(bob.block(0).id, target.network());
}

#[test]
fn attack_joining_again_and_again_makes_one_member() {
    let target = Target::start();
    let tracker = &target.lab.tracker;
    let mut ids = HashSet::new();
    for sequence in 1..=5 {
        let mut raw = RawPeer::peer(tracker.listen, 40, NetworkId::ZERO);
        let said = statement(&raw, "eve", sequence);
        ids.insert(register(&mut raw, said).expect("it may come back"));
    }
    assert_eq!(ids.len(), 1, "one number for one key");
    let named = tracker.peers().peers;
    let named = named.iter().filter_map(|one| one.name.as_ref());
    assert_eq!(named.filter(|name| name.as_str() == "eve").count(), 1);
    // A restarted peer neither doubles itself nor any block after it.
    let mut bob = target.lab.peer("bob");
    for _ in 0..3 {
        bob.stop();
        bob.start();
        bob.joins();
    }
    assert_eq!(tracker.tracker_status().registered, 4);
    let before = target.alice.height();
    target.alice.mine();
    let (height, _) = agree(&[&target.alice, &bob]);
    assert_eq!(height, before + 1);
}

#[test]
fn attack_a_name_stays_with_its_key_and_a_record_with_its_signer() {
    let target = Target::start();
    let tracker = target.lab.tracker.listen;
    let mut raw = RawPeer::peer(tracker, 50, NetworkId::ZERO);
    let said = statement(&raw, "alice", 1);
    assert_eq!(register(&mut raw, said), Err(RefusalCode::NameTaken));
    // A record in alice's name, signed by somebody else.
    let mut raw = RawPeer::peer(tracker, 51, NetworkId::ZERO);
    let mut said = statement(&raw, "somebody", 99);
    said.key = target.genesis.content.founder;
    let record = said.sign(&raw.key);
    raw.send(&Message::Register(record));
    let code = raw.expect("a no", |message| match message {
        Message::Refused(refused) => Some(refused.code),
        _ => None,
    });
    assert_eq!(code, RefusalCode::BadRecord);
    let listed = target.lab.tracker.peers().peers;
    let founder = target.genesis.content.founder.to_address();
    let alice: Vec<_> = listed.iter().filter(|one| one.address == founder).collect();
    assert_eq!(alice.len(), 1);
    assert_eq!(alice[0].name.as_ref().unwrap().as_str(), "alice");
}

/// SQL injected through a peer's name: lesson 19.
#[test]
fn attack_names_that_are_commands_are_no_names() {
    let target = Target::start();
    for (seed, name) in (60..).zip(["x'; DROP TABLE peers; --", "../../etc", "A B", ""]) {
        let mut raw = RawPeer::peer(target.lab.tracker.listen, seed, NetworkId::ZERO);
        let said = statement(&raw, "placeholder", 1);
        let record = said.sign(&raw.key);
        // The name is replaced in the bytes, since no program can be made to write it.
        let bytes = Message::Register(record).to_frame().unwrap();
        let at = find(&bytes, b"placeholder").expect("the name stands in the record");
        let mut payload = bytes[6..at - 1].to_vec();
        payload.push(0xa0 | name.len() as u8);
        payload.extend_from_slice(name.as_bytes());
        payload.extend_from_slice(&bytes[at + "placeholder".len()..]);
        raw.send_frame(64, &payload);
        raw.expect_close(SOON);
    }
    assert_eq!(target.lab.tracker.tracker_status().registered, 2);
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// The private key is served over HTTP: lesson 14.
#[test]
fn attack_the_api_opens_to_its_token_alone_and_never_shows_the_key() {
    let target = Target::start();
    let api = target.alice.api().unwrap();
    let url = format!("http://{}{BASE}/status", api.address);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .into();
    let status = |request: ureq::RequestBuilder<ureq::typestate::WithoutBody>| {
        request.call().unwrap().status().as_u16()
    };
    let bearer = format!("Bearer {}", api.token);
    assert_eq!(status(agent.get(&url)), 401);
    assert_eq!(
        status(agent.get(&url).header("Authorization", "Bearer 00")),
        401
    );
    let ask = || agent.get(&url).header("Authorization", &bearer);
    assert_eq!(status(ask()), 200);
    assert_eq!(status(ask().header("Host", "evil.example")), 403);
    assert_eq!(status(ask().header("Origin", "http://evil.example")), 403);
    // What lies in the data directory is for its owner alone.
    wait_until("the token's file is for its owner alone", || {
        let path = target.alice.data_dir.join("api.json");
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(path)
                .map_err(|error| error.to_string())?
                .permissions(),
        );
        so(mode & 0o077 == 0, format!("{mode:o}"))
    });
    let output = target.alice.output();
    assert!(!output.contains(&api.token), "the token is not logged");
}

/// Stays connected, and answers what it is asked, until it is over.
fn stay(mut raw: RawPeer, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        match raw.hear(Duration::from_millis(50)) {
            Heard::Message(Message::GetHeaders(_)) => raw.send(&Message::Headers(Vec::new())),
            Heard::Message(Message::Ping(number)) => raw.send(&Message::Pong(pong(number))),
            Heard::Message(_) | Heard::Nothing => {}
            Heard::Closed => panic!("a thief was let go: it proves nothing then"),
        }
    }
}

/// It is over when this is dropped, however the test goes on.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A record may name anybody's address: what it names stays whose it is.
#[test]
fn attack_p1_thieves_of_addresses_part_nobody() {
    const THIEVES: std::ops::RangeInclusive<u8> = 1..=6;
    let lab = Lab::start();
    // Nobody can dial alice: she has to find bob where he lives.
    let dead = format!("advertise = [\"{}\"]\n", free_address());
    let mut alice = lab.peer_with("alice", &dead);
    let mut bob = lab.peer("bob");
    alice.has_sessions(1);
    let (network, tracker) = (alice.chain().network.id.unwrap(), lab.tracker_key());
    let stolen = [bob.listen];
    let thieves = THIEVES.map(|seed| {
        let name = format!("thief{seed}");
        RawPeer::register_at(lab.tracker.listen, seed, &name, &stolen)
    });
    let _thieves: Vec<_> = thieves.collect();
    wait_until("alice knows of all of them", || {
        let known = alice.peers().peers.len();
        so(known >= 7, known)
    });
    for _ in 0..2 {
        alice.stop();
        bob.stop();
        alice.start();
        // Before he is back, all thieves are connected with her.
        let connected = THIEVES.map(|seed| RawPeer::member(alice.listen, seed, network, &tracker));
        let connected: Vec<_> = connected.collect();
        let is_over = AtomicBool::new(false);
        bob.start();
        thread::scope(|scope| {
            let is_over = &is_over;
            for thief in connected {
                scope.spawn(move || stay(thief, is_over));
            }
            let _end = Ends(is_over);
            wait_until("alice has found bob", || {
                let peers = alice.peers().peers;
                let is_bob =
                    |peer: &&PeerView| peer.name.as_ref().is_some_and(|n| n.as_str() == "bob");
                let bob = peers.iter().find(is_bob);
                so(
                    bob.is_some_and(|bob| bob.session.is_some()),
                    format!("{bob:?}"),
                )
            });
        });
        let mined = alice.mine().id.to_string();
        bob.reaches(&mined);
    }
}
