//! One key on two machines, one after the other.

use crate::support::{Lab, Node, so, wait_until};
use raclette::owner::answers::{HistoryEntry, NoteView};
use raclette::protocol::delivery::rows::SendState;
use std::fs;

/// What a node has sent: id, note and state, by the notes.
fn sent(node: &Node) -> Vec<(String, String, SendState)> {
    let entries = node.history().entries.into_iter();
    let sent = entries.filter_map(|entry| match entry {
        HistoryEntry::Sent(sent) => Some(sent),
        HistoryEntry::Received(_) => None,
    });
    let text = |note| match note {
        Some(NoteView::Text(text)) => text,
        other => panic!("{other:?} is no text"),
    };
    let mut sent: Vec<_> = sent
        .map(|one| (one.id.to_string(), text(one.note), one.state))
        .collect();
    sent.sort_by(|one, other| one.1.cmp(&other.1));
    sent
}

#[test]
fn p2p_what_was_sent_and_received_is_read_on_another_machine_with_the_same_key() {
    let lab = Lab::start();
    let [mut alice, bob] = lab.peers(["alice", "bob"]);
    alice.knows(&["bob"]);
    bob.knows(&["alice"]);
    bob.reaches(&alice.mine_blocks(2));
    let paid = alice.write("bob", 5, Some("for the cheese"));
    let answer = bob.write("alice", 0, Some("thank you"));
    for (node, id) in [(&alice, &paid), (&bob, &answer)] {
        node.sees(id, SendState::Open);
    }
    alice.has_notes(&["thank you"]);
    wait_until("both are open at bob's", || {
        let open = bob.open().len();
        so(open == 2, open)
    });
    alice.reaches(&bob.mine().id.to_string());
    let late = alice.write("bob", 0, Some("and one more"));
    alice.sees(&late, SendState::Open);
    bob.has_notes(&["for the cheese", "and one more"]);
    alice.stop();

    let mut anew = lab.prepare_peer("anew");
    anew.name_as(&alice);
    fs::create_dir_all(&anew.data_dir).unwrap();
    let key = alice.data_dir.join("key.pem");
    fs::copy(key, anew.data_dir.join("key.pem")).unwrap();
    anew.start().joins();
    let note = |id: &str, text: &str, state| (id.to_owned(), text.to_owned(), state);
    let expected = [
        note(&late, "and one more", SendState::Open),
        note(&paid, "for the cheese", SendState::Mined),
    ];
    wait_until("both sends are in the history", || {
        let sent = sent(&anew);
        so(sent == expected, format!("{sent:?}"))
    });
    anew.has_notes(&["thank you"]);
    assert_eq!(anew.outbox().queued, 0);
    anew.reaches(&bob.mine().id.to_string());
    anew.sees(&late, SendState::Mined);
    // Each once, also after another start, and on the machine that they are from.
    anew.kill();
    anew.start();
    anew.sees(&late, SendState::Mined);
    assert_eq!(sent(&anew).len(), 2);
    anew.stop();
    alice.start();
    alice.sees(&late, SendState::Mined);
    assert_eq!(sent(&alice).len(), 2);
}

#[test]
fn p2p_two_nodes_with_one_wallet_name_each_other_and_the_first_one_stays() {
    let lab = Lab::start();
    let alice = lab.peer("alice");
    alice.mine();
    let mut other = lab.prepare_peer("other");
    other.name_as(&alice);
    fs::create_dir_all(&other.data_dir).unwrap();
    let key = alice.data_dir.join("key.pem");
    fs::copy(key, other.data_dir.join("key.pem")).unwrap();
    other.start();
    for (node, of) in [(&other, &alice), (&alice, &other)] {
        let place = format!("127.0.0.1 (listens at {})", of.listen);
        wait_until("it is told of the other and where that is", || {
            let tracker = node.status().tracker;
            let trouble = tracker.trouble.clone().unwrap_or_default();
            let is_told =
                trouble.contains("another node with this wallet") && trouble.contains(&place);
            so(is_told, format!("{tracker:?}"))
        });
    }
    assert!(alice.status().tracker.registered);
    assert!(!other.status().tracker.registered);
    for node in [&alice, &other] {
        let output = node.command(["--json", "doctor"]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let mut findings = report["findings"].as_array().unwrap().iter();
        let found = findings.find(|one| one["what"] == "tracker").unwrap();
        let told = found["found"].as_str().unwrap();
        assert!(told.contains("another node with this wallet"), "{found}");
        assert_eq!(found["verdict"], "trouble", "{found}");
    }
    let count = |node: &Node, words: &str| {
        let output = node.output();
        output.lines().filter(|line| line.contains(words)).count()
    };
    for (node, words) in [
        (&lab.tracker, "two nodes use one wallet"),
        (&alice, "another node with this wallet"),
        (&other, "another node with this wallet"),
    ] {
        wait_until("it is a warning, once", || {
            let told = count(node, words);
            so(told == 1, format!("{told} times: {}", node.output()))
        });
    }
    assert_eq!(
        count(&alice, "registered with the tracker"),
        1,
        "it was never thrown out"
    );
    assert_eq!(count(&other, "registered with the tracker"), 0);
}
