//! Readers of files that people and other programs leave.

use crate::corpus::Corpus;
use raclette::apps;
use raclette::archive::{Format, OfflineLedger, Reader, Writer, archive_of, import};
use raclette::chain::{Rules, Timestamp};
use raclette::clock::{Clock, SteadyTime, SystemClock};
use raclette::keys::WalletFile;
use raclette::logging::reading::{Line, LogReader};
use raclette::settings::Settings;
use raclette::store::MemoryDisk;
use raclette::store::chain_rows::ChainRows;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Where files are written that are read from a path, one to a test.
static PLACE: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

fn place(name: &str, bytes: &[u8]) -> PathBuf {
    let path = PLACE.path().join(name);
    fs::write(&path, bytes).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// A day after the examples.
struct Later;

impl Clock for Later {
    fn wall(&self) -> Timestamp {
        Timestamp(1_800_086_400_000)
    }

    fn steady(&self) -> SteadyTime {
        SystemClock.steady()
    }
}

pub fn archives(corpus: &Corpus) -> Vec<Vec<u8>> {
    let (genesis, block) = corpus.chain();
    let disk = MemoryDisk::new();
    let rules = Rules::new(genesis.clone(), &apps::built_in()).unwrap();
    let mut ledger = OfflineLedger::open(&disk, rules, &Later).unwrap();
    let _ = ledger.block(block).unwrap();
    ledger.write().unwrap();
    let write = |format| {
        let mut writer = Writer::new(Vec::new(), format);
        for entry in archive_of(&ChainRows(&disk), &genesis).unwrap() {
            writer.entry(&entry.unwrap()).unwrap();
        }
        writer.end().unwrap()
    };
    vec![write(Format::Json), write(Format::Jsonl)]
}

pub fn archive(bytes: &[u8]) -> bool {
    let disk = MemoryDisk::new();
    import(&disk, &apps::built_in(), Reader::new(bytes), &Later, |_| ()).is_ok()
}

pub fn key_file(bytes: &[u8]) -> bool {
    WalletFile::new(place("key.pem", bytes)).read().is_ok()
}

pub fn settings_files(_: &Corpus) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let files = ["peer.toml", "tracker.toml"].map(|name| fs::read(root.join(name)).unwrap());
    // Comments make most of them: without these, changes meet what counts.
    let bare = files.iter().map(|file| {
        let text = String::from_utf8_lossy(file);
        let lines = text.lines().map(|line| line.trim_start_matches("# "));
        let lines = lines.filter(|line| line.contains(" = ") || line.starts_with('['));
        lines.collect::<Vec<_>>().join("\n").into_bytes()
    });
    bare.chain(files.clone()).collect()
}

pub fn settings(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let path = Path::new("/nowhere/settings.toml");
    let settings = Settings::parse(path, &text, std::iter::empty());
    if let Err(error) = &settings {
        assert!(!error.to_string().is_empty());
    }
    settings.is_ok()
}

pub fn log_files(_: &Corpus) -> Vec<Vec<u8>> {
    let line = r#"{"time":"2026-11-26T17:44:12.123Z","level":"INFO","actor":"ledger","event":"block connected","height":7,"own":true}"#;
    let other = r#"{"time":"2026-11-26T17:44:13.000Z","level":"WARN","actor":"gossip","event":"\u001b[2J ends","level_":[1,{"a":null}]}"#;
    vec![
        line.into(),
        format!("{line}\n{other}\n{line}\n").into_bytes(),
        b"\n\n\xff\xfe torn\n{\n".to_vec(),
    ]
}

pub fn log_file(bytes: &[u8]) -> bool {
    let mut reader = LogReader::new(&place("node.jsonl", bytes), None);
    let (mut lines, mut events) = (0, 0);
    while let Ok(Some(line)) = reader.next_line() {
        lines += 1;
        events += usize::from(matches!(line, Line::Event(_)));
        assert!(lines <= bytes.len() + 1, "more lines than bytes");
    }
    events > 0
}
