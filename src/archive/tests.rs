mod tables;

use super::*;
use crate::canonical::{CappedBytes, CappedText};
use crate::chain::rows::{RowKey, StateView};
use crate::chain::testing::{
    MemoryView, Node, START, genesis, genesis_with, member, network, params,
};
use crate::chain::testing::{rules, transfer};
use crate::chain::{
    Action, Amount, EncodedTransaction, GenesisError, Payload, RulesError, Salt, Timestamp,
};
use crate::clock::{Clock, STARTED, SteadyTime};
use crate::store::chain_rows::{ChainRows, changes};
use crate::store::{Disk, MemoryDisk};
use std::io::{self, Read};

struct At(Timestamp);

impl Clock for At {
    fn wall(&self) -> Timestamp {
        self.0
    }

    fn steady(&self) -> SteadyTime {
        STARTED
    }
}

/// An hour after everything that the tests mine.
const LATER: At = At(Timestamp(START.0 + 3_600_000));

fn record(salt: u8) -> EncodedTransaction {
    let payload = Payload {
        network: network(),
        sender: member(1).public_key(),
        salt: Salt([salt; 16]),
        expires_at: Height(100),
        fee: Amount(2),
        action: Action::Record {
            topic: CappedText::new("greetings").unwrap(),
            body: CappedBytes::new(vec![salt; 300]).unwrap(),
        },
    };
    EncodedTransaction::new(payload.sign(&member(1)))
}

/// A chain of so many blocks with payments, notes and records.
fn chain(blocks: u8) -> Node {
    let mut node = Node::new();
    for n in 0..blocks {
        node.send(transfer(1, 2, 3, 1, n)).unwrap();
        node.send(transfer(2, 9, 1, 0, n)).unwrap();
        node.send(record(n)).unwrap();
        node.mine(5);
    }
    node
}

fn archive(stored: &MemoryView, format: Format) -> String {
    let mut writer = Writer::new(Vec::new(), format);
    let mut heights = Vec::new();
    let mut entries = archive_of(stored, &genesis()).unwrap();
    while let Some(entry) = entries.next() {
        writer.entry(&entry.unwrap()).unwrap();
        heights.push(entries.progress().height);
    }
    assert!(heights.is_sorted());
    String::from_utf8(writer.end().unwrap()).unwrap()
}

fn import_text(disk: &dyn Disk, text: &str) -> Result<Imported, ImportError> {
    import(
        disk,
        &crate::apps::built_in(),
        Reader::new(text.as_bytes()),
        &LATER,
        |_| (),
    )
}

/// What blocks made, without what was open.
fn rows(view: &MemoryView) -> MemoryView {
    let mut rows = view.clone();
    rows.0.retain(|key, _| !matches!(key, RowKey::Open(_)));
    rows
}

fn stored(disk: &MemoryDisk, like: &MemoryView) -> MemoryView {
    let read = |key: &RowKey| ChainRows(disk).read(key).unwrap();
    let rows = like.0.keys().map(|key| (key.clone(), read(key)));
    let mut view = MemoryView::default();
    view.commit(rows.collect());
    view
}

#[test]
fn what_is_exported_comes_back_to_the_byte() {
    let node = chain(6);
    for format in [Format::Json, Format::Jsonl] {
        let text = archive(&node.disk, format);
        let disk = MemoryDisk::new();
        let mut heights = Vec::new();
        let reader = Reader::new(text.as_bytes());
        let imported = import(&disk, &crate::apps::built_in(), reader, &LATER, |at| {
            assert_eq!(at.of, Height(6));
            heights.push(at.height.0);
        });
        let imported = imported.unwrap();
        assert_eq!(heights, [1, 2, 3, 4, 5, 6]);
        assert_eq!((imported.added, imported.known), (6, 0));
        assert_eq!(imported.tip.id, node.ledger.tip().id);
        assert_eq!(imported.file.transactions, 24);
        // Every row that the chain had: bodies, headers, history, balances, undo data.
        assert_eq!(stored(&disk, &rows(&node.disk)), rows(&node.disk));
        let again: Vec<_> = {
            let snapshot = disk.snapshot();
            let view = ChainRows(&*snapshot);
            archive_of(&view, &genesis())
                .unwrap()
                .map(Result::unwrap)
                .collect()
        };
        let first: Vec<_> = Reader::new(text.as_bytes()).map(Result::unwrap).collect();
        assert_eq!(again, first);
    }
}

#[test]
fn people_can_read_it() {
    let node = chain(1);
    let text = archive(&node.disk, Format::Jsonl);
    assert_eq!(text.lines().count(), 4);
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[1]["genesis"]["motto"], "RacletteCheese");
    let payment = &lines[2]["block"]["transactions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|t| t["action"]["transfer"]["amount"] == "3")
        .unwrap()["action"]["transfer"];
    assert_eq!(payment["to"], member(2).public_key().to_address());
    let id = node.ledger.tip().id.to_string();
    assert_eq!(lines[2]["block"]["header"]["id"], id);
    assert_eq!(lines[3]["end"]["tip"], id);
    // The other form is one document.
    let all: Vec<serde_json::Value> =
        serde_json::from_str(&archive(&node.disk, Format::Json)).unwrap();
    assert_eq!(all, lines);
}

#[test]
fn an_import_can_be_done_again_and_goes_on_where_it_was_cut() {
    let node = chain(6);
    let text = archive(&node.disk, Format::Jsonl);
    let disk = MemoryDisk::new();
    let cut: String = text.split_inclusive('\n').take(5).collect();
    let error = import_text(&disk, &cut).unwrap_err();
    assert!(
        matches!(error, ImportError::Read(ReadError::Cut(5))),
        "{error}"
    );
    let middle = import_text(&disk, &cut[..cut.len() - 20]).unwrap_err();
    assert!(
        matches!(middle, ImportError::Read(ReadError::Cut(4))),
        "{middle}"
    );
    let imported = import_text(&disk, &text).unwrap();
    assert_eq!((imported.added, imported.known), (3, 3));
    let imported = import_text(&disk, &text).unwrap();
    assert_eq!((imported.added, imported.known), (0, 6));
    assert_eq!(stored(&disk, &rows(&node.disk)), rows(&node.disk));
}

#[test]
fn a_chain_with_more_work_stays_and_one_with_less_gives_way() {
    let long = chain(6);
    let mut other = Node::new();
    for _ in 0..3 {
        other.mine(7);
    }
    let disk = MemoryDisk::new();
    let text = archive(&other.disk, Format::Jsonl);
    assert_eq!(
        import_text(&disk, &text).unwrap().tip.id,
        other.ledger.tip().id
    );
    let imported = import_text(&disk, &archive(&long.disk, Format::Json)).unwrap();
    assert_eq!(imported.tip.id, long.ledger.tip().id);
    let imported = import_text(&disk, &text).unwrap();
    assert_eq!(imported.tip.id, long.ledger.tip().id);
    assert_eq!((imported.added, imported.known), (0, 3));
}

#[test]
fn attack_a_changed_file_is_refused_and_what_went_before_is_kept() {
    let node = chain(4);
    let text = archive(&node.disk, Format::Jsonl);
    let lines: Vec<&str> = text.lines().collect();
    let with = |at: usize, line: String| {
        let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        changed[at] = line;
        changed.join("\n")
    };
    let refused = |text: &str| {
        let disk = MemoryDisk::new();
        let error = import_text(&disk, text).unwrap_err();
        let tip = ChainRows(&disk).named(&RowKey::Tip).unwrap();
        let height = tip.map(|tip| {
            ChainRows(&disk)
                .header(&tip)
                .unwrap()
                .unwrap()
                .header
                .height
        });
        (error.to_string(), height)
    };
    let richer = with(
        4,
        lines[4].replacen("\"amount\":\"3\"", "\"amount\":\"4\"", 1),
    );
    assert_ne!(richer, text);
    let (error, kept) = refused(&richer);
    assert!(error.contains("block 3 was changed"), "{error}");
    assert_eq!(kept, Some(Height(2)));
    let at = lines[3].find("\"signature\":\"").unwrap() + 13;
    let mut forged = lines[3].to_owned();
    let digit = if &forged[at..at + 1] == "0" { "1" } else { "0" };
    forged.replace_range(at..at + 1, digit);
    let (error, kept) = refused(&with(3, forged));
    assert!(error.contains("block 2 is not valid"), "{error}");
    assert_eq!(kept, Some(Height(1)));
    let (error, _) = refused(&with(3, lines[4].to_owned()));
    assert!(error.contains("do not stand on each other"), "{error}");
    let (error, _) = refused(&with(
        6,
        lines[6].replace("\"transactions\":16", "\"transactions\":17"),
    ));
    assert!(error.contains("blocks are missing"), "{error}");
    let (error, kept) = refused(&with(
        1,
        lines[1].replace("RacletteCheese", "FondueForever"),
    ));
    assert_eq!(error, RulesError::from(GenesisError::Motto).to_string());
    assert_eq!(kept, None);
    let (error, _) = refused(&text.replacen("\"raclette_archive\":3", "\"raclette_archive\":1", 1));
    assert!(error.contains("version 3"), "{error}");
    for (text, said) in [
        (
            text[lines[0].len()..].to_owned(),
            "does not begin with a head",
        ),
        (with(1, lines[2].to_owned()), "no genesis"),
        (with(3, lines[1].to_owned()), "a second time"),
        (format!("{text}{}", lines[6]), "follows its end"),
        (with(3, "{\"block\":7}".to_owned()), "entry 4"),
        (with(3, "[]".to_owned()), "no JSON object"),
        (String::new(), "head"),
    ] {
        let (error, _) = refused(&text);
        assert!(error.contains(said), "{said}: {error}");
    }
}

/// The same body under a header that is here already: the ledger compares headers only.
#[test]
fn attack_a_changed_body_of_a_known_block_is_refused() {
    let node = chain(2);
    let text = archive(&node.disk, Format::Jsonl);
    let disk = MemoryDisk::new();
    import_text(&disk, &text).unwrap();
    let mut lines: Vec<_> = text.lines().collect();
    let mut block: serde_json::Value = serde_json::from_str(lines[3]).unwrap();
    block["block"]["transactions"].as_array_mut().unwrap().pop();
    let changed = block.to_string();
    lines[3] = &changed;
    let error = import_text(&disk, &lines.join("\n")).unwrap_err();
    assert!(matches!(error, ImportError::Block { .. }), "{error}");
}

#[test]
fn another_network_is_refused_before_anything_is_written() {
    let disk = MemoryDisk::new();
    let foreign = genesis_with(crate::chain::Params {
        reward: Amount(51),
        ..params()
    });
    let genesis = Some(crate::canonical::encode(&foreign));
    let rows: Vec<_> = changes(&[(RowKey::Genesis, genesis)]).collect();
    disk.commit(&rows).unwrap();
    let text = archive(&chain(1).disk, Format::Jsonl);
    let error = import_text(&disk, &text).unwrap_err();
    assert!(matches!(error, ImportError::OtherNetwork { .. }), "{error}");
    assert_eq!(ChainRows(&disk).named(&RowKey::Tip), Ok(None));
    assert_eq!(rules().network(), network());
}

#[test]
fn a_block_ahead_of_the_clock_waits() {
    let text = archive(&chain(2).disk, Format::Jsonl);
    let early = At(Timestamp(START.0 - 3_600_000));
    let disk = MemoryDisk::new();
    let error = import(
        &disk,
        &crate::apps::built_in(),
        Reader::new(text.as_bytes()),
        &early,
        |_| (),
    )
    .unwrap_err();
    assert!(matches!(error, ImportError::Ahead { .. }), "{error}");
}

/// Gives the same bytes again and again, and counts what was taken.
struct Endless<'a> {
    start: &'a [u8],
    taken: usize,
}

impl Read for Endless<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.start.is_empty() {
            into.fill(b'a');
            self.taken += into.len();
            return Ok(into.len());
        }
        self.start.read(into)
    }
}

#[test]
fn attack_an_entry_without_an_end_is_refused_at_its_greatest_length() {
    for start in ["{\"head\":{\"name\":\"", "[{\"block\":\"", "{\""] {
        let mut endless = Endless {
            start: start.as_bytes(),
            taken: 0,
        };
        let error = Reader::new(&mut endless).next().unwrap().unwrap_err();
        assert!(error.to_string().contains("longer than"), "{error}");
        assert!(endless.taken < 2 * MAX_ENTRY_BYTES);
    }
}

#[test]
fn arrays_and_lines_are_told_apart_and_spaces_do_not_matter() {
    let node = chain(2);
    let text = archive(&node.disk, Format::Jsonl);
    let read = |text: &str| Reader::new(text.as_bytes()).collect::<Result<Vec<_>, _>>();
    let entries = read(&text).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let spaced = [" \n[", &lines.join(" \r\n,\t"), " ] \n"].concat();
    assert_eq!(read(&spaced).unwrap(), entries);
    // One after the other, without a space.
    assert_eq!(read(&lines.concat()).unwrap(), entries);
    assert_eq!(read("[]").unwrap(), []);
    assert_eq!(read("").unwrap(), []);
    for wrong in ["[", "[,", "[]x", "null", "7"] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    for wrong in [
        format!("[{} {}]", lines[0], lines[1]),
        format!("[{},]", lines[0]),
        format!("[{}", lines[0]),
        format!("[{},", lines[0]),
        format!("{},{}", lines[0], lines[1]),
    ] {
        assert!(read(&wrong).is_err(), "{wrong}");
    }
}
