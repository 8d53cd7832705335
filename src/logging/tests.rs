use std::fs;
use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tracing::{debug, error, info, warn};

use super::terminal::colours_wanted;
use super::*;

/// The smallest file that the settings allow.
const SMALL: u64 = 65_536;

/// A writer whose bytes the test sees.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Screen {
    fn text(&self) -> String {
        String::from_utf8(lock(&self.0).clone()).unwrap()
    }
}

fn settings(level: LogLevel, files: u16) -> LogSettings {
    LogSettings {
        level,
        file_level: level,
        file_bytes: SMALL,
        files,
    }
}

/// 2026-11-20T21:43:02.123Z
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_210_982_123)
}

/// Logs what `body` logs, in a data directory, and returns what the terminal shows.
fn logged(data_dir: &TempDir, log: &LogSettings, colours: bool, body: impl FnOnce()) -> String {
    logged_with(data_dir, log, colours, |_| body())
}

/// As [`logged`]; `body` can wait for what it has logged.
fn logged_with(
    data_dir: &TempDir,
    log: &LogSettings,
    colours: bool,
    body: impl FnOnce(&Writers),
) -> String {
    let screen = Screen::default();
    let terminal = Terminal::new(screen.clone(), colours);
    let names = Names::default();
    names.know("rac1ann".into(), "ann".into());
    let (subscriber, guard) =
        subscriber(log, data_dir.path(), (Some(terminal), names), now).unwrap();
    tracing::subscriber::with_default(subscriber, || body(&guard.writers));
    drop(guard);
    screen.text()
}

fn path(data_dir: &TempDir, name: &str) -> PathBuf {
    data_dir.path().join(DIRECTORY).join(name)
}

fn lines(data_dir: &TempDir, name: &str) -> Vec<Value> {
    fs::read_to_string(path(data_dir, name))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn an_event_is_a_line_of_json_and_a_line_for_people() {
    let data_dir = TempDir::new().unwrap();
    let shown = logged(&data_dir, &settings(LogLevel::Info, 5), false, || {
        let error = io::Error::other("no route");
        info!(height = 7, share = 0.5, block = %"ab12", "block connected");
        warn!(
            peer = "bob",
            ok = false,
            error = &error as &dyn std::error::Error,
            "dial failed"
        );
    });
    assert_eq!(
        shown,
        "21:43:02 INFO  block connected height=7 share=0.5 block=ab12\n\
         21:43:02 WARN  dial failed peer=bob ok=false error=\"no route\"\n"
    );
    let text = fs::read_to_string(path(&data_dir, FILE)).unwrap();
    assert_eq!(
        text.lines().next().unwrap(),
        "{\"time\":\"2026-11-20T21:43:02.123Z\",\"level\":\"INFO\",\"actor\":\"logging::tests\",\
         \"event\":\"block connected\",\"height\":7,\"share\":0.5,\"block\":\"ab12\"}"
    );
    assert_eq!(lines(&data_dir, FILE)[1]["ok"], json!(false));
    assert_eq!(lines(&data_dir, FILE)[1]["error"], json!("no route"));
}

#[test]
fn the_level_filters_own_events_and_caps_those_of_other_crates() {
    let data_dir = TempDir::new().unwrap();
    let events = |level| {
        logged(&data_dir, &settings(level, 5), false, || {
            debug!("own debug");
            info!("own info");
            error!("own error");
            info!(target: "node", "binary info");
            info!(target: "mio::poll", "their info");
            warn!(target: "mio::poll", "their warning");
        })
    };
    let messages = |text: String| -> Vec<String> {
        let message = |line: &str| {
            line.split_whitespace()
                .skip(2)
                .collect::<Vec<_>>()
                .join(" ")
        };
        text.lines().map(message).collect()
    };
    let info = ["own info", "own error", "binary info", "their warning"];
    assert_eq!(messages(events(LogLevel::Info)), info);
    assert_eq!(messages(events(LogLevel::Trace)).len(), 5);
    assert_eq!(messages(events(LogLevel::Error)), ["own error"]);
}

#[test]
fn actors_go_by_their_short_names() {
    let data_dir = TempDir::new().unwrap();
    let log = settings(LogLevel::Info, 5);
    logged(&data_dir, &log, false, || {
        info!(target: "raclette::actors::ledger", "a");
        info!(target: "raclette::shell::gossip::log", "a");
        info!(target: "raclette::store", "b");
        info!(target: "node", "c");
    });
    let actors: Vec<_> = lines(&data_dir, FILE)
        .iter()
        .map(|line| line["actor"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(actors, ["ledger", "gossip", "store", "node"]);
}

#[test]
fn what_others_say_can_neither_break_lines_nor_steer_the_terminal() {
    let data_dir = TempDir::new().unwrap();
    let name = "bob\u{1b}[2J\r\n\u{202e}\"x=1 é";
    let log = settings(LogLevel::Info, 5);
    let shown = logged(&data_dir, &log, false, || info!(peer = %name, "{name}"));
    assert_eq!(shown.matches('\n').count(), 1);
    assert!(!shown.contains(['\u{1b}', '\r', '\u{202e}']), "{shown:?}");
    assert!(
        shown.ends_with("peer=\"bob\\u{1b}[2J\\r\\n\\u{202e}\\\"x=1 é\"\n"),
        "{shown}"
    );
    assert_eq!(lines(&data_dir, FILE)[0]["peer"], json!(name));
}

#[test]
fn fields_can_not_pose_as_the_fixed_ones_and_are_bounded() {
    let data_dir = TempDir::new().unwrap();
    let long = "é".repeat(MAX_TEXT_BYTES);
    logged(&data_dir, &settings(LogLevel::Info, 5), false, || {
        info!(time = 1, level = "X", actor = "me", event = "e", long, "m");
    });
    let line = &lines(&data_dir, FILE)[0];
    assert_eq!(line["time"], json!("2026-11-20T21:43:02.123Z"));
    assert_eq!(line["event"], json!("m"));
    let renamed = ["time_", "level_", "actor_", "event_"].map(|name| line[name].clone());
    assert_eq!(renamed, [json!(1), json!("X"), json!("me"), json!("e")]);
    let cut = line["long"].as_str().unwrap();
    assert_eq!(cut, format!("{}…", "é".repeat(MAX_TEXT_BYTES / 2)));
}

#[test]
fn files_rotate_by_size_and_keep_every_line_in_order() {
    let data_dir = TempDir::new().unwrap();
    let text = "x".repeat(1_000);
    let log = settings(LogLevel::Info, 3);
    logged(&data_dir, &log, false, || {
        for number in 0..300 {
            info!(number, text, "filler");
        }
    });
    let names = ["node.jsonl.2", "node.jsonl.1", "node.jsonl"];
    let numbers: Vec<u64> = names
        .iter()
        .flat_map(|name| lines(&data_dir, name))
        .map(|line| line["number"].as_u64().unwrap())
        .collect();
    assert!(numbers.len() > 120, "{}", numbers.len());
    let last: Vec<u64> = (300 - numbers.len() as u64..300).collect();
    assert_eq!(numbers, last);
    for name in names {
        assert!(fs::metadata(path(&data_dir, name)).unwrap().len() <= SMALL);
    }
    assert!(!path(&data_dir, "node.jsonl.3").exists());
    // With fewer files allowed, the next start deletes the surplus, and one file is one file.
    logged(&data_dir, &settings(LogLevel::Info, 1), false, || {
        for number in 300..500 {
            info!(number, text, "filler");
        }
    });
    let files: Vec<_> = fs::read_dir(path(&data_dir, "")).unwrap().collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let kept = lines(&data_dir, FILE);
    assert_eq!(kept.last().unwrap()["number"], json!(499));
}

#[test]
fn a_restart_appends_behind_a_torn_line() {
    let data_dir = TempDir::new().unwrap();
    let log = settings(LogLevel::Info, 5);
    logged(&data_dir, &log, false, || info!("first"));
    let file = path(&data_dir, FILE);
    let mut text = fs::read_to_string(&file).unwrap();
    text.push_str("{\"time\":\"20");
    fs::write(&file, text).unwrap();
    logged(&data_dir, &log, false, || info!("second"));
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[1], "{\"time\":\"20");
    assert!(lines[2].contains("\"second\""));
}

#[test]
fn a_failing_file_is_told_and_its_losses_are_counted() {
    let data_dir = TempDir::new().unwrap();
    let text = "x".repeat(1_000);
    // A directory where the older file should go: the file can't be rotated.
    let obstacle = path(&data_dir, "node.jsonl.1");
    fs::create_dir_all(obstacle.join("occupied")).unwrap();
    let shown = logged_with(&data_dir, &settings(LogLevel::Info, 2), false, |writers| {
        for number in 0..100 {
            info!(number, text, "filler");
        }
        writers.flush();
        fs::remove_dir_all(&obstacle).unwrap();
        info!(text, "recovered");
        info!("as usual");
    });
    for (event, times) in [("filler", 100), ("recovered", 1), ("as usual", 1)] {
        assert_eq!(shown.matches(event).count(), times, "{event}");
    }
    // Told anew only after something could be written: what was short enough still may.
    let told = shown.matches("the log file can't be written").count();
    assert!((1..5).contains(&told), "{told}");
    let mut all = lines(&data_dir, "node.jsonl.1");
    all.extend(lines(&data_dir, FILE));
    let events: Vec<_> = all.iter().map(|line| line["event"].clone()).collect();
    assert_eq!(events[events.len() - 2..], ["recovered", "as usual"]);
    let fillers = events.iter().filter(|event| **event == "filler").count();
    let lost: u64 = all.iter().filter_map(|line| line["lines"].as_u64()).sum();
    assert!(lost > 0);
    assert_eq!(fillers as u64 + lost, 100);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_does_not_stop_the_node() {
    let data_dir = TempDir::new().unwrap();
    fs::create_dir(path(&data_dir, "")).unwrap();
    std::os::unix::fs::symlink("/dev/full", path(&data_dir, FILE)).unwrap();
    let shown = logged(&data_dir, &settings(LogLevel::Info, 2), false, || {
        info!("one");
        info!("two");
    });
    assert_eq!(shown.lines().count(), 3, "{shown}");
    assert!(shown.contains("error=\"No space left on device"), "{shown}");
}

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
        guard.writers.file.flush(FILE_PATIENCE);
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
        guard.writers.flush();
        info!("as usual");
    });
    drop(guard);
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
#[cfg(unix)]
fn the_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let data_dir = TempDir::new().unwrap();
    logged(&data_dir, &settings(LogLevel::Info, 2), false, || {
        info!("x")
    });
    let mode = |name| {
        fs::metadata(path(&data_dir, name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(""), 0o700);
    assert_eq!(mode(FILE), 0o600);
}

#[test]
fn an_impossible_directory_says_what_to_do() {
    let data_dir = TempDir::new().unwrap();
    let file = data_dir.path().join("file");
    fs::write(&file, "").unwrap();
    let log = settings(LogLevel::Info, 2);
    let refused = subscriber(&log, &file, (None, Names::default()), now)
        .map(|_| ())
        .unwrap_err();
    assert!(
        refused.to_string().contains("choose another data_dir"),
        "{refused}"
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
fn times_are_those_of_the_calendar() {
    for (seconds, expected) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_400, "2000-02-29T00:00:00.000Z"),
        (951_868_799, "2000-02-29T23:59:59.000Z"),
        (1_709_164_800, "2024-02-29T00:00:00.000Z"),
        (1_735_689_599, "2024-12-31T23:59:59.000Z"),
        (4_107_542_400, "2100-03-01T00:00:00.000Z"),
    ] {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(Time::from(time).to_string(), expected);
    }
    let unset = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
    assert_eq!(Time::from(unset).to_string(), "1970-01-01T00:00:00.000Z");
}

#[test]
fn starting_twice_is_refused() {
    let data_dir = TempDir::new().unwrap();
    let log = settings(LogLevel::Error, 2);
    let first = start(&log, data_dir.path(), None, Names::default());
    assert!(first.is_ok(), "{first:?}");
    let again = start(&log, data_dir.path(), None, Names::default());
    assert!(
        matches!(again, Err(LoggingError::AlreadyStarted)),
        "{again:?}"
    );
}

#[test]
fn older_files_do_not_move_for_a_file_that_is_gone() {
    let data_dir = TempDir::new().unwrap();
    let text = "x".repeat(1_000);
    let log = settings(LogLevel::Info, 3);
    fs::create_dir_all(path(&data_dir, "")).unwrap();
    fs::write(path(&data_dir, "node.jsonl.1"), "older").unwrap();
    logged_with(&data_dir, &log, false, |writers| {
        info!("deleted by somebody");
        writers.flush();
        fs::remove_file(path(&data_dir, FILE)).unwrap();
        for number in 0..70 {
            info!(number, text, "filler");
        }
    });
    let older = fs::read_to_string(path(&data_dir, "node.jsonl.1")).unwrap();
    assert_eq!(older, "older");
    assert!(!lines(&data_dir, FILE).is_empty());
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
            "block 7 by ann, with 2 transactions",
            "block 8 by ann, empty",
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
