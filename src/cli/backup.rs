//! Copying what a node keeps, and beginning again from such a copy.

use super::args::{BackupArgs, RestoreArgs};
use super::client::Client;
use super::failure::Failure;
use super::invocation::Invocation;
use super::output::Output;
use super::table::facts;
use super::words::{count, moment};
use crate::backup::{self, BackupError, Manifest, Place, Plan};
use crate::clock::{Clock, SystemClock};
use crate::keys::PublicKey;
use crate::node;
use crate::owner::answers::{CheckpointRequest, CheckpointView};
use crate::settings::Settings;
use crate::store::{Disk, Role};
use serde::Serialize;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

/// How long something may take to answer where the original was: on the other side of the world it takes a
/// tenth of it.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);

fn role(settings: &Settings) -> Role {
    match settings {
        Settings::Peer(_) => Role::Peer,
        Settings::Tracker(_) => Role::Tracker,
    }
}

/// A backup that was made.
#[derive(Debug, Serialize)]
struct Made<'a> {
    dir: &'a Path,
    bytes: u64,
    #[serde(flatten)]
    manifest: &'a Manifest,
}

/// Backs a node up, whether it runs or not.
pub fn backup(
    arguments: &BackupArgs,
    settings: &Settings,
    config: &Path,
    invocation: &Invocation,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let data_dir = settings.data_dir();
    if !node::has_database(data_dir) {
        return Err(Failure::No(format!(
            "there is nothing to back up in {}: the node of {} never ran",
            data_dir.display(),
            config.display()
        )));
    }
    let with_wallet = arguments
        .with_wallet
        .then_some(settings.wallet().file.as_path());
    let plan = Plan {
        dir: &arguments.dir,
        data_dir,
        role: role(settings),
        reached_at: settings.reached_at(),
        wallet: with_wallet,
        now: SystemClock.wall(),
    };
    let made = backup::make(&plan, |to| {
        if !node::is_running(data_dir) {
            let disk = node::open_at_rest(data_dir, role(settings))
                .map_err(|error| BackupError::NotCopied(error.to_string()))?;
            return Ok(disk.checkpoint(to)?);
        }
        let not_copied = |failure: Failure| {
            let why = failure.reason().unwrap_or_default();
            BackupError::NotCopied(format!("the node did not copy its database: {why}"))
        };
        let client = Client::find(settings, config, invocation).map_err(not_copied)?;
        let request = CheckpointRequest { dir: to.to_owned() };
        let made: Result<CheckpointView, _> = client.post("/checkpoint", &request);
        made.map(drop).map_err(not_copied)
    });
    let manifest = made.map_err(|error| Failure::No(error.to_string()))?;
    let view = Made {
        dir: &arguments.dir,
        bytes: manifest.files.iter().map(|file| file.bytes).sum(),
        manifest: &manifest,
    };
    output.show(&view, |view| invocation.typed(&shown(view)))?;
    Ok(())
}

fn shown(made: &Made<'_>) -> String {
    let manifest = made.manifest;
    let wallet = match manifest.wallet {
        true => "in it: whoever has this backup has the coins and the name",
        false => "not in it: keep its 24 words (`node wallet words`), or use --with-wallet",
    };
    let files = count(manifest.files.len() as u64, "file", "files");
    let mut lines = vec![
        ("backup", made.dir.display().to_string()),
        ("of", format!("a {}", manifest.role)),
    ];
    lines.extend(manifest.key.clone().map(|key| ("key", key)));
    lines.extend(
        manifest
            .tip
            .map(|tip| ("as of block", tip.height.to_string())),
    );
    lines.push((
        "read back",
        format!("{files}, {} KB", made.bytes.div_ceil(1024)),
    ));
    lines.push(("wallet", wallet.to_owned()));
    facts(&lines)
}

/// What was restored.
#[derive(Debug, Serialize)]
struct RestoredView {
    data_dir: std::path::PathBuf,
    #[serde(rename = "made_at_ms")]
    made_at: crate::chain::Timestamp,
    tip: Option<backup::TipEntry>,
    held: usize,
    wallet: bool,
}

/// Restores a backup into the data directory of these settings, where there is no database yet.
pub fn restore(
    arguments: &RestoreArgs,
    settings: &Settings,
    config: &Path,
    invocation: &Invocation,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    if node::is_running(settings.data_dir()) {
        return Err(Failure::No(format!(
            "the node of {} is running, and has a database: a backup is restored into a data directory \
             without one",
            config.display()
        )));
    }
    let place = Place {
        data_dir: settings.data_dir(),
        wallet: &settings.wallet().file,
        role: role(settings),
        tracker: tracker_key(settings)?,
    };
    let gone = arguments.original_gone;
    let restored = backup::restore(&arguments.dir, &place, |address| !gone && answers(address));
    let restored = restored.map_err(|error| Failure::No(error.to_string()))?;
    let view = RestoredView {
        data_dir: settings.data_dir().to_owned(),
        made_at: restored.manifest.made_at,
        tip: restored.manifest.tip,
        held: restored.held,
        wallet: restored.wallet,
    };
    output.show(&view, |view| invocation.typed(&told(view)))?;
    Ok(())
}

fn told(view: &RestoredView) -> String {
    let mut lines = vec![
        ("restored", view.data_dir.display().to_string()),
        ("as of", moment(view.made_at)),
    ];
    lines.extend(view.tip.map(|tip| ("block", tip.height.to_string())));
    if view.wallet {
        lines.push(("wallet", "restored, too".to_owned()));
    }
    if view.held > 0 {
        let held = format!(
            "{}, which may have been withdrawn since: `node outbox` shows them, `node outbox retry ID` \
             sends one, `node outbox release ID` frees its coins",
            count(view.held as u64, "send is held back", "sends are held back")
        );
        lines.push(("outbox", held));
    }
    lines.push(("next", "start it: `node`".to_owned()));
    facts(&lines)
}

/// Whether something takes a connection at an address.
fn answers(address: &str) -> bool {
    // What can't be resolved any more answers nobody.
    let Ok(found) = address.to_socket_addrs() else {
        return false;
    };
    found
        .into_iter()
        .any(|one| TcpStream::connect_timeout(&one, ANSWERS_WITHIN).is_ok())
}

fn tracker_key(settings: &Settings) -> Result<Option<PublicKey>, Failure> {
    let Settings::Peer(peer) = settings else {
        return Ok(None);
    };
    let named = Some(&peer.tracker_key).filter(|key| !key.is_empty());
    let key = named.map(|key| PublicKey::from_address(key)).transpose();
    key.map_err(|error| Failure::Misuse(format!("tracker_key in the settings: {error}")))
}
