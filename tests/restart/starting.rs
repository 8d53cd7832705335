//! Killed while it starts.

use super::support::{DEADLINE, Lab, Node, so, wait_until};
use raclette::owner::answers::TransactionState;
use raclette::protocol::delivery::rows::SendState;
use rustix::process::Signal;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::thread;
use std::time::Duration;

/// How often a node is killed in its start.
const KILLS: u64 = 40;
/// Within how many microseconds after it was begun: a start takes some 40 ms, or more on a busy
/// machine.
const MOMENTS_US: u64 = 60_000;
/// After how long without a word a supervisor takes a node to hang.
const WATCHDOG: Duration = Duration::from_millis(900);
/// Most tries: kills that came after the start do not count.
const TRIES: u64 = 20 * KILLS;

#[test]
fn restart_after_40_kills_while_it_starts_has_all_that_was_answered() {
    let lab = Lab::start();
    let [mut alice, bob] = lab.peers(["alice", "bob"]);
    let mut last = alice.mine_blocks(20);
    let mut amid = 0;
    for round in 0..TRIES {
        if amid == KILLS {
            break;
        }
        let payment = alice.send("bob", 1);
        alice.kill();
        // Others go on meanwhile, so that there is something to catch up with at each start.
        last = match round % 4 {
            0 => bob.mine().id.to_string(),
            _ => last,
        };
        alice.spawn();
        let hash = blake3::hash(&round.to_le_bytes());
        let at = u64::from_le_bytes(hash.as_bytes()[..8].try_into().unwrap()) % MOMENTS_US;
        // No fact is waited for: the moment is to be any.
        thread::sleep(Duration::from_micros(at));
        amid += u64::from(alice.api().is_err());
        alice.kill();
        alice.start();
        assert_ne!(alice.transaction(&payment), TransactionState::Unknown);
    }
    assert_eq!(amid, KILLS, "kills that came in a start");
    wait_until("alice has caught up", || {
        let height = alice.height();
        so(height >= bob.height(), height)
    });
    assert_eq!(alice.block(&last).id.to_string(), last);
    alice.verify_chain();
}

/// A lost wallet was replaced by a new one in silence, and the former one's mail was sent with its coins.
#[test]
fn restart_a_wallet_that_is_not_the_data_directorys_is_refused_in_words() {
    let lab = Lab::start();
    let [mut alice, mut bob] = lab.peers(["alice", "bob"]);
    alice.knows(&["bob"]);
    alice.mine();
    bob.stop();
    let waiting = alice.write("bob", 5, None);
    let address = alice.status().address;
    alice.stop();
    let file = alice.data_dir.join("key.pem");
    let kept = fs::read(&file).unwrap();
    let refuses = |alice: &mut Node, words: &[&str]| {
        alice.spawn();
        assert!(!alice.wait().success());
        let said = alice.output();
        for word in words {
            assert!(said.contains(word), "{word} is missing in {said}");
        }
    };
    // Lost: none is made in its place.
    fs::remove_file(&file).unwrap();
    refuses(
        &mut alice,
        &["no wallet at", &address, "24 words", "data_dir"],
    );
    assert!(!file.exists());
    // Exchanged for another one's.
    fs::copy(bob.data_dir.join("key.pem"), &file).unwrap();
    let other = bob.start().status().address;
    bob.stop();
    refuses(
        &mut alice,
        &["belongs to another wallet", &address, &other, "data_dir"],
    );
    // The right one finds everything as it was.
    fs::write(&file, kept).unwrap();
    alice.start().joins();
    assert_eq!(alice.status().address, address);
    assert_eq!(alice.sent(&waiting).state, SendState::Queued);
}

/// The same of a tracker: members would refuse the key that it has by then.
#[test]
fn restart_a_tracker_does_not_take_another_wallet_either() {
    let mut lab = Lab::start();
    let address = lab.tracker.tracker_status().address;
    lab.tracker.stop();
    let file = lab.tracker.data_dir.join("key.pem");
    fs::remove_file(&file).unwrap();
    lab.tracker.spawn();
    assert!(!lab.tracker.wait().success());
    let said = lab.tracker.output();
    assert!(
        said.contains("no wallet at") && said.contains(&address),
        "{said}"
    );
    assert!(!file.exists());
}

/// What a supervisor of services, such as systemd, is told.
#[test]
fn restart_a_supervisor_hears_that_a_node_is_up_and_as_long_as_it_answers() {
    let lab = Lab::start();
    let mut alice = lab.prepare_peer("alice");
    let place = lab.directory().join("notify");
    let socket = UnixDatagram::bind(&place).unwrap();
    let hears = || {
        let mut word = [0; 64];
        let length = socket.recv(&mut word)?;
        std::io::Result::Ok(String::from_utf8_lossy(&word[..length]).into_owned())
    };
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    alice.environment = vec![
        ("NOTIFY_SOCKET", place.into()),
        ("WATCHDOG_USEC", WATCHDOG.as_micros().to_string().into()),
    ];
    alice.spawn();
    assert_eq!(hears().unwrap(), "READY=1");
    assert!(alice.try_get::<serde_json::Value>("/status").is_ok());
    for _ in 0..3 {
        assert_eq!(hears().unwrap(), "WATCHDOG=1");
    }
    // What hangs is silent, and speaks again when it does not.
    alice.signal(Signal::STOP);
    socket.set_nonblocking(true).unwrap();
    while hears().is_ok() {}
    socket.set_nonblocking(false).unwrap();
    socket.set_read_timeout(Some(WATCHDOG)).unwrap();
    assert!(hears().is_err(), "a node that hangs says that it answers");
    alice.signal(Signal::CONT);
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    assert_eq!(hears().unwrap(), "WATCHDOG=1");
}
