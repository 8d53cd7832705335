//! The chain as a file: out of a node, and into one.

use super::args::{ExportArgs, ExportFormat, ImportArgs};
use super::client::Client;
use super::failure::Failure;
use super::invocation::Invocation;
use super::new_file::NewFile;
use super::output::Output;
use super::progress::ProgressLine;
use super::table::facts;
use super::words::count;
use crate::archive::{
    self, EndEntry, Entry, Format, HeadEntry, MAX_ENTRY_BYTES, Reader, Writer, archive_of,
};
use crate::chain::{BlockId, Height, NetworkId};
use crate::clock::SystemClock;
use crate::node::{RunError, has_database, open_offline};
use crate::plain_file;
use crate::settings::{PeerSettings, Settings};
use crate::store::chain_rows::{ChainRows, stored_genesis};
use crate::store::{Disk, DiskError};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::Path;

impl From<ExportFormat> for Format {
    fn from(format: ExportFormat) -> Self {
        match format {
            ExportFormat::Json => Self::Json,
            ExportFormat::Jsonl => Self::Jsonl,
        }
    }
}

/// The settings of a peer; trackers have no chain.
fn peer<'a>(settings: &'a Settings, config: &Path) -> Result<&'a PeerSettings, Failure> {
    match settings {
        Settings::Peer(peer) => Ok(peer),
        Settings::Tracker(_) => Err(Failure::Misuse(format!(
            "{} is a tracker's, which has no chain: name a peer's settings",
            config.display()
        ))),
    }
}

/// The settings of a peer that has a database.
fn with_chain<'a>(settings: &'a Settings, config: &Path) -> Result<&'a PeerSettings, Failure> {
    let peer = peer(settings, config)?;
    if has_database(&peer.data_dir) {
        return Ok(peer);
    }
    Err(Failure::No(format!(
        "there is no chain in {}: the node of {} never ran",
        peer.data_dir.display(),
        config.display()
    )))
}

/// Writes the chain of a node out, whether it runs or not.
pub fn export(
    arguments: &ExportArgs,
    settings: &Settings,
    config: &Path,
    invocation: &Invocation,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let peer = with_chain(settings, config)?;
    let array = arguments
        .out
        .as_ref()
        .and_then(|out| out.extension())
        .is_some_and(|extension| extension == "json");
    let by_name = if array {
        ExportFormat::Json
    } else {
        ExportFormat::Jsonl
    };
    let format = arguments.format.unwrap_or(by_name).into();
    let Some(out) = &arguments.out else {
        write_chain(
            peer,
            settings,
            config,
            invocation,
            Writer::new(output.raw(), format),
        )?;
        return Ok(());
    };
    let mut file = NewFile::begin(out)?;
    let written = write_chain(
        peer,
        settings,
        config,
        invocation,
        Writer::new(&mut file, format),
    );
    let end = written.map_err(|failure| match failure {
        Failure::Output(error) => file.failed(&error),
        failure => failure,
    })?;
    file.end()?;
    output.show(&end, |end| {
        facts(&[
            ("exported", blocks(end.height)),
            ("tip", end.tip.to_string()),
            ("transactions", end.transactions.to_string()),
            ("file", out.display().to_string()),
        ])
    })?;
    Ok(())
}

fn blocks(height: Height) -> String {
    format!("{} and genesis", count(height.0, "block", "blocks"))
}

/// Through the API of the node if it runs, out of its database if it does not.
fn write_chain<W: Write>(
    peer: &PeerSettings,
    settings: &Settings,
    config: &Path,
    invocation: &Invocation,
    writer: Writer<W>,
) -> Result<EndEntry, Failure> {
    match open_offline(peer) {
        Ok(disk) => {
            let mut writer = writer;
            let end = from_disk(&disk, "exporting", |entry| Ok(writer.entry(entry)?))?;
            writer.end()?;
            Ok(end)
        }
        Err(RunError::Disk(DiskError::InUse { .. })) => {
            from_node(&Client::find(settings, config, invocation)?, writer)
        }
        Err(error) => Err(Failure::No(error.to_string())),
    }
}

/// Hands every entry of the chain of a node to `each`, through its API if it runs, out of its database if
/// it does not.
pub(super) fn entries(
    settings: &Settings,
    config: &Path,
    invocation: &Invocation,
    doing: &'static str,
    mut each: impl FnMut(&Entry) -> Result<(), Failure>,
) -> Result<EndEntry, Failure> {
    let peer = with_chain(settings, config)?;
    match open_offline(peer) {
        Ok(disk) => from_disk(&disk, doing, each),
        Err(RunError::Disk(DiskError::InUse { .. })) => {
            let client = Client::find(settings, config, invocation)?;
            let mut progress = ProgressLine::begin(doing);
            let (mut of, mut end) = (0, None);
            client.raw_lines("/chain/export", MAX_ENTRY_BYTES, |line| {
                let entry: Entry = serde_json::from_slice(line).map_err(|error| {
                    Failure::No(format!("the node answers what is no export: {error}"))
                })?;
                match &entry {
                    Entry::Head(head) => of = head.height.0,
                    Entry::Block(block) => progress.show(block.header.height.0, of),
                    Entry::Genesis(_) => {}
                    Entry::End(told) => end = Some(*told),
                }
                each(&entry)
            })?;
            end.ok_or_else(cut_off)
        }
        Err(error) => Err(Failure::No(error.to_string())),
    }
}

fn from_disk(
    disk: &dyn Disk,
    doing: &'static str,
    mut each: impl FnMut(&Entry) -> Result<(), Failure>,
) -> Result<EndEntry, Failure> {
    let no = |error: &dyn std::fmt::Display| Failure::No(error.to_string());
    let snapshot = disk.snapshot();
    let genesis = stored_genesis(&*snapshot).map_err(|error| no(&error))?;
    let genesis = genesis.ok_or_else(|| {
        Failure::No("there is no chain here yet: the node never was on a network".to_owned())
    })?;
    let view = ChainRows(&*snapshot);
    let mut progress = ProgressLine::begin(doing);
    let mut entries = archive_of(&view, &genesis).map_err(|error| no(&error))?;
    let mut end = None;
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(|error| no(&error))?;
        each(&entry)?;
        let at = entries.progress();
        progress.show(at.height.0, at.of.0);
        if let Entry::End(told) = entry {
            end = Some(told);
        }
    }
    end.ok_or_else(cut_off)
}

/// The parts of an entry that a copy looks at.
#[derive(Deserialize)]
struct Glimpse {
    head: Option<HeadEntry>,
    end: Option<EndEntry>,
}

fn from_node<W: Write>(client: &Client, mut writer: Writer<W>) -> Result<EndEntry, Failure> {
    let mut progress = ProgressLine::begin("exporting");
    let (mut height, mut of, mut end) = (0, 0, None);
    client.raw_lines("/chain/export", MAX_ENTRY_BYTES, |line| {
        writer.line(line)?;
        // Blocks are many and long: they are counted, not read.
        if line.starts_with(b"{\"block\"") {
            height += 1;
            progress.show(height, of);
        } else if let Ok(glimpse) = serde_json::from_slice::<Glimpse>(line) {
            of = glimpse.head.map_or(of, |head| head.height.0);
            end = glimpse.end;
        }
        Ok(())
    })?;
    writer.end()?;
    end.ok_or_else(cut_off)
}

fn cut_off() -> Failure {
    Failure::No("the export was cut off: the node is stopping".to_owned())
}

/// What an import came to, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct ImportedView {
    network: NetworkId,
    added: u64,
    known: u64,
    transactions: u64,
    file_height: Height,
    file_tip: BlockId,
    height: Height,
    tip: BlockId,
}

/// Brings a file into the database of a node that does not run.
pub fn import(
    arguments: &ImportArgs,
    settings: &Settings,
    config: &Path,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let peer = peer(settings, config)?;
    let path = &arguments.file;
    let file = plain_file::open(path)
        .map_err(|error| Failure::No(format!("{} can't be read: {error}", path.display())))?;
    let disk = open_offline(peer).map_err(|error| match error {
        RunError::Disk(DiskError::InUse { .. }) => Failure::No(format!(
            "the node of {} is running: stop it first, an import needs its data directory {} for \
             itself",
            config.display(),
            peer.data_dir.display()
        )),
        error => Failure::No(error.to_string()),
    })?;
    let mut progress = ProgressLine::begin("importing");
    let imported = archive::import(
        &disk,
        &crate::apps::built_in(),
        Reader::new(file),
        &SystemClock,
        |at| {
            progress.show(at.height.0, at.of.0);
        },
    );
    progress.end();
    let imported = imported.map_err(|error| {
        let kept = if error.leaves_a_part() {
            "; what came before it is kept, and is passed over when the import is done again"
        } else {
            ""
        };
        Failure::No(format!("{}: {error}{kept}", path.display()))
    })?;
    disk.flush()
        .map_err(|error| Failure::No(error.to_string()))?;
    let view = ImportedView {
        network: imported.network,
        added: imported.added,
        known: imported.known,
        transactions: imported.file.transactions,
        file_height: imported.file.height,
        file_tip: imported.file.tip,
        height: imported.tip.height(),
        tip: imported.tip.id,
    };
    output.show(&view, show_imported)?;
    Ok(())
}

fn show_imported(view: &ImportedView) -> String {
    let mut lines = vec![
        ("network", view.network.to_string()),
        (
            "imported",
            format!(
                "{}, {} were here already",
                count(view.added, "block", "blocks"),
                view.known
            ),
        ),
        ("transactions", view.transactions.to_string()),
        ("tip", view.tip.to_string()),
        ("height", view.height.to_string()),
    ];
    if view.tip != view.file_tip {
        let why = format!(
            "the chain that was here has more work, and stays; the file's ends at height {}",
            view.file_height
        );
        lines.push(("note", why));
    }
    facts(&lines)
}
