//! What a node's own terminal shows.

use super::*;

#[test]
fn a_terminal_that_takes_nothing_stops_neither_the_node_nor_its_log_file() {
    /// As a terminal after Ctrl-S: takes nothing until it is told to.
    struct Paused(std::sync::mpsc::Receiver<()>, Screen);
    impl Write for Paused {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // An error: it was told to go on.
            let _ = self.0.recv();
            self.1.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let data_dir = TempDir::new().unwrap();
    let (goes_on, paused) = std::sync::mpsc::channel();
    let screen = Screen::default();
    let terminal = Terminal::new(Paused(paused, screen.clone()), false);
    let log = settings(LogLevel::Info, 100);
    let (subscriber, guard) = subscriber(
        &log,
        data_dir.path(),
        (Some(terminal), Names::default()),
        now,
    )
    .unwrap();
    let text = "x".repeat(1_000);
    let most = 2 * TERMINAL_ROOM / text.len();
    tracing::subscriber::with_default(subscriber, || {
        for number in 0..most {
            info!(number, text, "filler");
        }
        guard.writers.file.flush(PATIENCE);
        let written: usize = fs::read_dir(path(&data_dir, ""))
            .unwrap()
            .map(|file| {
                fs::read_to_string(file.unwrap().path())
                    .unwrap()
                    .lines()
                    .count()
            })
            .sum();
        assert_eq!(written, most, "the file has every line");
        drop(goes_on);
        has_written(&guard.writers);
        info!("as usual");
    });
    has_ended(&guard.writers);
    let shown = screen.text();
    let shown: Vec<&str> = shown.lines().collect();
    let (last, before) = shown.split_last().unwrap();
    assert!(last.ends_with("as usual"), "{last}");
    let (missing, before) = before.split_last().unwrap();
    let told = format!("lines={}", most - before.len());
    assert!(
        missing.contains("could not be shown") && missing.ends_with(&told),
        "{missing}"
    );
}

#[test]
fn a_field_called_address_says_an_address_and_no_name() {
    let data_dir = TempDir::new().unwrap();
    let log = settings(LogLevel::Info, 2);
    let shown = logged(&data_dir, &log, false, || {
        info!(name = "ann", address = "rac1ann", peer = "rac1ann", "x");
    });
    assert!(
        shown.ends_with("x name=ann address=rac1ann peer=ann\n"),
        "{shown}"
    );
}

#[test]
fn a_node_that_has_come_up_says_so_in_sentences() {
    let data_dir = TempDir::new().unwrap();
    let log = settings(LogLevel::Info, 2);
    let shown = logged(&data_dir, &log, false, || {
        info!(
            name = "ann",
            address = "rac1ann",
            listen = "127.0.0.1:7001",
            advertise = "",
            api = "127.0.0.1:8001",
            "peer up"
        );
        info!(
            name = "ann",
            listen = "127.0.0.1:7001",
            advertise = "127.0.0.1:7001",
            api = "127.0.0.1:8001",
            "peer up"
        );
        info!(network = "00ab", name = "chess", "network known");
        info!(height = 7, block = "00cd", "ledger opened");
    });
    let told: Vec<_> = shown
        .lines()
        .map(|line| &line["21:43:02 INFO  ".len()..])
        .collect();
    assert_eq!(
        told,
        [
            "ann is up: others reach it at 127.0.0.1:7001, commands and pages on this machine at 127.0.0.1:8001",
            "ann is up: others reach it at 127.0.0.1:7001, commands and pages on this machine at 127.0.0.1:8001",
            "the network is chess",
            "the chain is here up to block 7",
        ]
    );
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let data_dir = TempDir::new().unwrap();
    let log = settings(LogLevel::Info, 2);
    let shown = logged(&data_dir, &log, true, || error!(height = 1, "x"));
    assert!(
        shown.contains("\u{1b}[31mERROR\u{1b}[0m x \u{1b}[2mheight=\u{1b}[0m1\n"),
        "{shown:?}"
    );
    let set = |text: &str| Some(text.into());
    assert!(colours_wanted(None, None));
    assert!(colours_wanted(set(""), set("xterm")));
    assert!(!colours_wanted(set("1"), set("xterm")));
    assert!(!colours_wanted(None, set("dumb")));
}

#[test]
fn the_nodes_terminal_tells_what_comes_in_by_name() {
    let data_dir = TempDir::new().unwrap();
    let log = settings(LogLevel::Info, 2);
    let shown = logged(&data_dir, &log, false, || {
        let stranger = format!("rac1{}", "q".repeat(58));
        info!(
            tx = "ab",
            from = "rac1ann",
            amount = 5,
            note = true,
            "something came in"
        );
        info!(
            tx = "ab",
            from = "rac1ann",
            amount = 1,
            note = false,
            "something came in"
        );
        info!(tx = "ab", from = %stranger, amount = 0, note = true, "something came in");
        info!(
            height = 7,
            transactions = 3,
            miner = "rac1ann",
            "block came in"
        );
        info!(
            height = 8,
            transactions = 1,
            miner = "rac1ann",
            "block came in"
        );
        info!(peer = "rac1ann", session = 3, "peer connected");
        info!(
            peer = "rac1ann",
            session = 3,
            reason = "it said goodbye",
            "peer disconnected"
        );
        info!(
            height = 8,
            behind = 0,
            peers = 1,
            open = 2,
            mining = false,
            "status"
        );
        info!(
            height = 8,
            behind = 4,
            peers = 0,
            open = 0,
            mining = true,
            "status"
        );
    });
    let told: Vec<_> = shown
        .lines()
        .map(|line| &line["21:43:02 INFO  ".len()..])
        .collect();
    assert_eq!(
        told,
        [
            "ann sent you 5 coins, with a note",
            "ann sent you 1 coin",
            "rac1qqqqq…qqqq sent you a note",
            "block 7 by ann, with 2 transactions and the reward",
            "block 8 by ann, with only the reward",
            "connected with ann",
            "no longer connected with ann: it said goodbye",
            "height 8, in sync; 1 peer connected; 2 transactions open",
            "height 8, 4 blocks missing; no peer connected; mining",
        ]
    );
    // In the file both stand, for `node logs`.
    let first = &lines(&data_dir, FILE)[0];
    assert_eq!(
        (&first["from"], &first["from_name"]),
        (&json!("rac1ann"), &json!("ann"))
    );
}

#[test]
fn spans_and_moments_are_in_words_and_in_local_time() {
    let data_dir = TempDir::new().unwrap();
    let log = settings(LogLevel::Info, 2);
    let shown = logged(&data_dir, &log, false, || {
        let until = Time::from_unix_ms(1_795_210_982_123);
        warn!(retry_ms = 56_206, peer = "rac1ann", %until, "x");
    });
    assert_eq!(
        shown,
        "21:43:02 WARN  x retry=\"56 s\" peer=ann until=\"2026-11-20 21:43:02\"\n"
    );
}
