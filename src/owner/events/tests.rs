use super::*;
use crate::keys::PublicKey;
use crate::owner::answers::{EventKind, EventView};
use crate::owner::testing::{FakeNode, Played, directory_of, member_called, peer, secret};
use actix::Actor;
use tokio::sync::watch;

fn followed() -> (Peer, Played, tempfile::TempDir) {
    let (node, _) = FakeNode::with_two_blocks(None);
    let played = node.played();
    let dir = tempfile::tempdir().unwrap();
    (peer(&node.start(), &played, dir.path()), played, dir)
}

#[actix_web::test]
async fn whoever_follows_is_told_what_comes_with_names() {
    let (peer, played, _dir) = followed();
    let mut stream = peer.follow(peer.last_event(), EventKinds::ALL).unwrap();
    let bob = secret(2).public_key();
    played.events.tell(Event::PeerCame { peer: bob });
    let told = stream.next().await.unwrap();
    let Told::Event(id, EventView::PeerCame { peer: person }) = &told[0] else {
        panic!("{told:?}");
    };
    assert_eq!(person.name.as_ref().unwrap().as_str(), "bob");
    assert_eq!((*id, stream.at()), (peer.last_event(), peer.last_event()));

    // What is told while nobody looks is not lost, nor is what was waited for in vain.
    let nothing = tokio::time::timeout(std::time::Duration::ZERO, stream.next()).await;
    assert!(nothing.is_err());
    played.events.tell(Event::MembersChanged);
    played.events.tell(Event::MiningEnded);
    assert_eq!(stream.next().await.unwrap().len(), 2);
}

#[actix_web::test]
async fn who_does_not_look_holds_nothing_and_is_reset() {
    let (peer, played, _dir) = followed();
    let mut stream = peer.follow(peer.last_event(), EventKinds::ALL).unwrap();
    for _ in 0..=MAX_EVENTS {
        played.events.tell(Event::MembersChanged);
    }
    let now = peer.last_event();
    assert_eq!(stream.next().await, Some(vec![Told::Reset(now)]));
    played.events.tell(Event::MiningEnded);
    let next = stream.next().await.unwrap();
    assert!(matches!(next[..], [Told::Event(_, EventView::MiningEnded)]));
}

#[actix_web::test]
async fn the_end_is_told_to_whoever_follows_and_to_whoever_comes() {
    let (peer, played, _dir) = followed();
    let mut stream = peer.follow(peer.last_event(), EventKinds::ALL).unwrap();
    let waiting = actix_web::rt::spawn(async move { stream.next().await });
    played.events.close();
    assert_eq!(waiting.await.unwrap(), None);
    played.events.tell(Event::MembersChanged);
    let refused = peer.follow(peer.last_event(), EventKinds::ALL);
    assert_eq!(refused.err().unwrap().code, Code::Stopping);
}

#[actix_web::test]
async fn a_change_of_the_directory_is_told_for_what_it_is() {
    let (peer, played, _dir) = followed();
    let before = DirectoryStatus::default();
    let (publish, known) = watch::channel(Arc::new(before.clone()));
    actix_web::rt::spawn(played.events.clone().follow_directory(known));
    let mut stream = peer.follow(peer.last_event(), EventKinds::ALL).unwrap();
    let registered = DirectoryStatus {
        registered: true,
        ..before
    };
    publish.send(Arc::new(registered.clone())).unwrap();
    let told = stream.next().await.unwrap();
    let expected = EventView::TrackerChanged { registered: true };
    assert_eq!(told, [Told::Event(stream.at(), expected)]);
    let with_bob = DirectoryStatus {
        directory: Arc::new(directory_of([member_called("bob", 2)])),
        ..registered
    };
    publish.send(Arc::new(with_bob)).unwrap();
    let told = stream.next().await.unwrap();
    assert_eq!(told, [Told::Event(stream.at(), EventView::MembersChanged)]);
}

#[test]
fn an_event_is_written_and_read_in_one_way() {
    let id = EventId {
        start: 0xa1,
        sequence: 7,
    };
    assert_eq!(id.to_string(), "00000000000000a1.7");
    assert_eq!("00000000000000a1.7".parse(), Ok(id));
    for wrong in [
        "",
        ".",
        "a1.7",
        "00000000000000A1.7",
        "00000000000000a1.07",
        "00000000000000a1.",
        "00000000000000a1.7.1",
        "00000000000000a1.+7",
        "00000000000000a1.18446744073709551616",
        "+0000000000000a1.7",
    ] {
        assert!(wrong.parse::<EventId>().is_err(), "{wrong}");
    }
}

#[test]
fn every_kind_is_called_as_it_is_written() {
    let names: Vec<_> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
    let unique: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(unique.len(), names.len());
    for event in [
        Event::MembersChanged,
        Event::MiningEnded,
        Event::MessagesRead { unread: 1 },
        Event::TrackerChanged { registered: true },
    ] {
        let written = serde_json::to_value(event.clone().naming(PublicKey::to_address)).unwrap();
        assert_eq!(written["kind"], EventKind::of(&event).name());
    }
    assert_eq!(EventKind::ALL.len(), 17);
    assert!(EventKinds::ALL.contains(EventKind::RaceLost));
}
