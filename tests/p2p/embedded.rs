//! Nodes within another program: this one.

use raclette::Node;
use raclette::node::{NotReady, StartError};
use raclette::owner::answers::{NoteView, SendRequest, WalletOrder, WalletRequest};
use raclette::owner::{Code, Goal, InboxPage, Order, Page, Peer, PeersPage};
use raclette::settings::Settings;
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// A settings file, with these lines above all sections and below them.
fn write(directory: &Path, name: &str, own: &str, sections: &str) -> PathBuf {
    let file = directory.join(format!("{name}.toml"));
    let data_dir = directory.join(name);
    let text = format!(
        "{own}listen = \"127.0.0.1:0\"\ndata_dir = {data_dir:?}\n[api]\nlisten = \
         \"127.0.0.1:0\"\n{sections}"
    );
    fs::write(&file, text).unwrap();
    file
}

fn start(file: &Path) -> Node {
    Node::builder().settings_file(file).start().unwrap()
}

/// Asks again until it is so.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn balance(node: &Node, peer: &Peer) -> u64 {
    let balance = node.block_on(peer.balance(None)).unwrap();
    balance.balance.0
}

#[test]
fn p2p_a_tracker_and_two_peers_live_in_one_program_pay_and_stop() {
    let directory = tempfile::tempdir().unwrap();
    let network = "[network]\nadmission = \"open\"\nname = \"within\"\nstart_work = 16\n";
    let tracker = "role = \"tracker\"\n";
    let tracker = start(&write(directory.path(), "tracker", tracker, network));
    tracker.wait_until_ready(PATIENCE).unwrap();
    let owner = tracker.tracker().unwrap();
    let endpoint = tracker.block_on(owner.status()).unwrap().endpoint;

    let peers = ["alice", "bob"].map(|name| {
        let own = format!("role = \"peer\"\nname = \"{name}\"\ntrackers = [\"{endpoint}\"]\n");
        start(&write(directory.path(), name, &own, ""))
    });
    let [alice, bob] = &peers;
    for node in &peers {
        node.wait_until_ready(PATIENCE).unwrap();
    }
    let (a, b) = (alice.peer().unwrap(), bob.peer().unwrap());
    until("alice knows bob", || {
        let peers = alice
            .block_on(a.peers(&PeersPage::default()))
            .unwrap()
            .peers;
        let mut names = peers.into_iter().filter_map(|peer| peer.name);
        names.find(|name| name.as_str() == "bob")
    });
    alice.block_on(a.mine()).unwrap();

    let wish = SendRequest::coins("bob", 5).with_note("from within");
    let sent = alice.block_on(a.send(&wish, Some("once"))).unwrap();
    // The answer was lost, say: the same again sends nothing more.
    let again = alice.block_on(a.send(&wish, Some("once"))).unwrap();
    assert_eq!(sent, again);
    let other = SendRequest::coins("bob", 6);
    let refused = alice.block_on(a.send(&other, Some("once"))).unwrap_err();
    assert_eq!(
        (refused.code, refused.about),
        (Code::KeyTaken, Some(sent.id))
    );

    let id = sent.id.to_string();
    let delivered = a.sent_once(&id[..8], Goal::Delivered, PATIENCE);
    let delivered = alice.block_on(delivered).unwrap();
    assert!(delivered.delivered_at.is_some(), "{delivered:?}");
    alice.block_on(a.mine()).unwrap();
    let mined = alice
        .block_on(a.sent_once(&id, Goal::Mined, PATIENCE))
        .unwrap();
    assert!(Goal::Mined.is_reached(&mined), "{mined:?}");
    until("bob has 5 coins", || (balance(bob, &b) == 5).then_some(()));
    let inbox = InboxPage {
        unread: true,
        order: Order::Oldest,
        page: Page::default(),
    };
    let inbox = bob.block_on(b.inbox(&inbox)).unwrap();
    assert_eq!(inbox.messages.len(), 1);
    let note = Some(NoteView::Text("from within".into()));
    assert_eq!(inbox.messages[0].note, note);

    // Over a restart, too: and what has ended says so instead of answering.
    let [alice, bob] = peers;
    alice.stop().unwrap();
    let refused = bob.block_on(a.balance(None)).unwrap_err();
    assert_eq!(refused.code, Code::Stopping);
    let alice = start(&directory.path().join("alice.toml"));
    alice.wait_until_ready(PATIENCE).unwrap();
    let a = alice.peer().unwrap();
    let again = alice.block_on(a.send(&wish, Some("once"))).unwrap();
    assert_eq!(sent, again);
    drop(alice);
    bob.stop().unwrap();
    tracker.stop().unwrap();
}

#[test]
fn p2p_what_keeps_a_node_from_starting_is_said_to_the_program() {
    let none = Node::builder().start().unwrap_err();
    assert!(matches!(none, StartError::NoSettings), "{none}");
    let directory = tempfile::tempdir().unwrap();
    let missing = Node::builder().settings_file(directory.path().join("no.toml"));
    let missing = missing.start().unwrap_err();
    assert!(matches!(missing, StartError::Settings(_)), "{missing}");

    // One that waits for its wallet, and gets it from the program.
    let text = format!(
        "role = \"peer\"\nname = \"alice\"\ntrackers = [\"127.0.0.1:1\"]\nlisten = \
         \"127.0.0.1:0\"\ndata_dir = {:?}\n[api]\nlisten = \"127.0.0.1:0\"\n[wallet]\ncreate = \
         \"on-command\"\n",
        directory.path()
    );
    let settings = || Settings::parse(Path::new("here.toml"), &text, iter::empty()).unwrap();
    let node = Node::builder().settings(settings()).start().unwrap();
    let taken = Node::builder().settings(settings()).start().unwrap_err();
    assert!(matches!(taken, StartError::Run(_)), "{taken}");
    let waiting = node.waiting().unwrap();
    assert!(node.peer().is_none());
    let not_yet = node.wait_until_ready(Duration::ZERO).unwrap_err();
    assert!(not_yet.to_string().contains("wallet"), "{not_yet}");
    let order = WalletRequest {
        order: WalletOrder::Create,
        passphrase: None,
    };
    let opened = node.block_on(waiting.open(order)).unwrap();
    let peer = until("the wallet is taken", || node.peer());
    assert_eq!(peer.key().to_address(), opened.address);
    let refused = node.block_on(peer.balance(None)).unwrap_err();
    assert_eq!(refused.code, Code::NoNetwork);
    let not_yet = node.wait_until_ready(Duration::from_millis(1)).unwrap_err();
    assert!(matches!(not_yet, NotReady::NotYet(_)), "{not_yet}");
    node.stop().unwrap();
    // The directory is free again.
    Node::builder().settings(settings()).start().unwrap();
}
