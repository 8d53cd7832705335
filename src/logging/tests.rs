mod files;
mod terminal;

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

/// How long a test waits for the threads that write: far longer than any disk makes it, while a node that ends
/// waits no longer than somebody likes to.
const PATIENCE: Duration = Duration::from_secs(60);

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
    has_ended(&guard.writers);
    screen.text()
}

/// Waits until everything that was logged is written, or has failed.
fn has_written(writers: &Writers) {
    writers.file.flush(PATIENCE);
    if let Some(terminal) = &writers.terminal {
        terminal.flush(PATIENCE);
    }
}

/// The same, and no more is taken.
fn has_ended(writers: &Writers) {
    writers.file.end(PATIENCE);
    if let Some(terminal) = &writers.terminal {
        terminal.end(PATIENCE);
    }
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
