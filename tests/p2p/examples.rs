//! The examples, run as programs that embed a node do.

use raclette::Node;
use std::fs;
use std::path::Path;
use std::time::Duration;

#[allow(dead_code)]
#[path = "../../examples/guest_book.rs"]
mod guest_book;
#[allow(dead_code)]
#[path = "../../examples/names.rs"]
mod names;

/// A tracker of a network with this application, and the settings file of a peer.
fn network(directory: &Path, application: &str) -> (Node, String) {
    let head = "listen = \"127.0.0.1:0\"\n";
    let api = "[api]\nlisten = \"127.0.0.1:0\"\n";
    let file = directory.join("tracker.toml");
    let data = directory.join("tracker");
    let text = format!(
        "role = \"tracker\"\n{head}data_dir = {data:?}\n{api}[network]\nadmission = \"open\"\nname = \
         \"example\"\nstart_work = 16\napplications = [{application:?}]\n"
    );
    fs::write(&file, text).unwrap();
    let tracker = Node::builder().settings_file(&file).start().unwrap();
    tracker.wait_until_ready(Duration::from_secs(60)).unwrap();
    let status = tracker
        .block_on(tracker.tracker().unwrap().status())
        .unwrap();
    let (file, data) = (directory.join("alice.toml"), directory.join("alice"));
    let text = format!(
        "role = \"peer\"\nname = \"alice\"\ntrackers = [{:?}]\n{head}data_dir = {data:?}\n{api}",
        status.endpoint
    );
    fs::write(&file, text).unwrap();
    (tracker, file.display().to_string())
}

#[test]
fn p2p_the_guest_book_takes_a_line_of_each() {
    let directory = tempfile::tempdir().unwrap();
    let (tracker, alice) = network(directory.path(), "guest-book");
    let book = guest_book::run(&alice, Some("Ann was here")).unwrap();
    assert_eq!(book, ["Text(\"Ann was here\")"]);
    let refused = guest_book::run(&alice, Some("and again")).unwrap_err();
    assert!(
        refused.to_string().contains("in the book already"),
        "{refused}"
    );
    assert_eq!(guest_book::run(&alice, None).unwrap().len(), 1);
    tracker.stop().unwrap();
}

#[test]
fn p2p_a_name_is_taken_once_and_handed_on() {
    let directory = tempfile::tempdir().unwrap();
    let (tracker, alice) = network(directory.path(), "names");
    names::run(&alice, "ann").unwrap();
    let refused = names::run(&alice, "ann").unwrap_err();
    assert!(
        refused.to_string().contains("has this name already"),
        "{refused}"
    );
    let heir = raclette::keys::SecretKey::from_bytes([8; 32])
        .public_key()
        .to_address();
    names::run(&alice, &format!("ann {heir}")).unwrap();
    let refused = names::run(&alice, &format!("ann {heir}")).unwrap_err();
    assert!(refused.to_string().contains("not yours"), "{refused}");
    tracker.stop().unwrap();
}
