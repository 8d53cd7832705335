//! Writing the settings file of a new node.

mod network;
mod place;
mod recovery;

use super::args::{Init, InitPeer, InitPlace, InitTracker};
use super::failure::Failure;
use super::invocation::Invocation;
use super::output::Output;
use crate::settings::{self, Endpoint, PeerTemplate, SettingsError, TrackerTemplate};
use recovery::Recovery;
use serde::Serialize;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// What was written, for programs.
#[derive(Serialize)]
struct Written {
    file: PathBuf,
}

/// Writes a new file and says what to type next.
pub fn init(what: &Init, invocation: &Invocation, output: &mut Output<'_>) -> Result<(), Failure> {
    match what {
        Init::Tracker(what) => tracker(what, invocation, output),
        Init::Peer(what) => peer(what, invocation, output),
        Init::Network(what) => network::init(what, invocation, output),
        Init::Recovery(place) => recovery::init(place, output),
    }
}

fn tracker(
    what: &InitTracker,
    invocation: &Invocation,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let file = file(&what.place, "tracker.toml")?;
    let recovery = Recovery::make(&what.recovery, output)?;
    let text = settings::tracker_template(&TrackerTemplate {
        listen: what.listen,
        recovery: &recovery.address(),
        ..TrackerTemplate::default()
    });
    settings::init(&file, &text).map_err(|error| {
        recovery.take_back();
        explain(error, "--out other.toml")
    })?;
    let next = next_for_tracker(invocation, &file, what.listen);
    let told = recovery.told();
    output.show(&Written { file }, |_| next + &told)?;
    Ok(())
}

fn peer(what: &InitPeer, invocation: &Invocation, output: &mut Output<'_>) -> Result<(), Failure> {
    let place = place::place(
        &what.tracker,
        what.listen,
        &what.advertise,
        super::join::free_port(Ipv4Addr::UNSPECIFIED.into())?,
        place::own_number,
    );
    let place = place.map_err(Failure::Misuse)?;
    let text = settings::peer_template(&PeerTemplate {
        name: &what.name,
        trackers: &what.tracker,
        listen: place.listen,
        advertise: &place.advertise,
        ..PeerTemplate::default()
    });
    let file = file(&what.place, "peer.toml")?;
    let other = format!("--out {}.toml", what.name);
    settings::init(&file, &text).map_err(|error| explain(error, &other))?;
    let mut next = next_for_peer(invocation, &file, what);
    if let Some(told) = &place.told {
        next.push_str(&format!("\n\n{}", invocation.typed(told)));
    }
    output.show(&Written { file }, |_| next)?;
    Ok(())
}

fn file(place: &InitPlace, usual: &str) -> Result<PathBuf, Failure> {
    if let Some(out) = &place.out {
        return Ok(out.clone());
    }
    match &place.dir {
        Some(dir) => Ok(directory(dir)?.join(usual)),
        None => Ok(usual.into()),
    }
}

/// A directory for settings files, made if need be.
pub(super) fn directory(dir: &Path) -> Result<&Path, Failure> {
    fs::create_dir_all(dir).map_err(|error| {
        Failure::No(format!(
            "can't make the directory {}: {error}",
            dir.display()
        ))
    })?;
    Ok(dir)
}

/// A file that is there already is a fair no, which names what to add for another; a wrong name is misuse.
pub(super) fn explain(error: SettingsError, other: &str) -> Failure {
    match error {
        SettingsError::Exists { .. } => Failure::No(format!("{error}, with {other} for example")),
        SettingsError::Invalid(mistakes) => Failure::Misuse(
            // The file does not exist: its lines would say nothing.
            mistakes
                .iter()
                .map(|mistake| mistake.message.clone())
                .collect::<Vec<_>>()
                .join("\n"),
        ),
        error => Failure::No(error.to_string()),
    }
}

fn next_for_tracker(invocation: &Invocation, path: &Path, listen: Option<SocketAddr>) -> String {
    let (file, node) = (path.display(), invocation.for_node(path));
    let [start, invite] = ["", "invite"].map(|command| node.line(command));
    let whence = match listen {
        Some(listen) if !listen.ip().is_loopback() => {
            "An invitation names where this machine is found: \"advertise\" in the file, if that is another place."
        }
        _ => {
            "It listens on this machine alone. For members on other machines: --listen 0.0.0.0:7000, or \
             \"listen\" in the file."
        }
    };
    format!(
        "Wrote {file}.\n\n\
         Look at [network] in it: what it says is fixed once the first peer registers.\n\
         Then type:\n\
         \x20 {start}\n\
         and, while it runs, in another terminal, for each member:\n\
         \x20 {invite}\n\
         {whence}"
    )
}

fn next_for_peer(invocation: &Invocation, path: &Path, peer: &InitPeer) -> String {
    let (file, node) = (path.display(), invocation.for_node(path));
    let [start, status, mine, restore] =
        ["", "status", "mine", "wallet restore"].map(|command| node.line(command));
    let tracker = peer.tracker.first().map(Endpoint::to_string);
    format!(
        "Wrote {file}.\n\n\
         The tracker must run at {}. Then type:\n\
         \x20 {start}\n\
         and, while it runs, in another terminal:\n\
         \x20 {status}\n\
         \x20 {mine}\n\
         The first start makes a new wallet. Whoever had one in this network, and has its 24 words, brings it back \
         before that:\n\
         \x20 {restore}",
        tracker.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::super::args::{Cli, Command};
    use super::*;
    use crate::settings::Settings;
    use clap::Parser;
    use std::net::TcpListener;

    pub(super) fn run(dir: &Path, line: &str) -> Result<String, Failure> {
        let at = dir.display().to_string();
        let words = line.split(' ').map(|word| word.replace('@', &at));
        let cli = Cli::try_parse_from(words).unwrap();
        let Some(Command::Init(what)) = cli.command else {
            panic!("{line}");
        };
        let mut written = Vec::new();
        let invocation = Invocation::of_this_process();
        init(&what, &invocation, &mut Output::new(&mut written, cli.json))?;
        Ok(String::from_utf8(written).unwrap())
    }

    #[test]
    fn a_new_file_is_complete_and_says_what_to_type() {
        let dir = tempfile::tempdir().unwrap();
        let text = run(dir.path(), "node init tracker --dir @/net").unwrap();
        let file = dir.path().join("net/tracker.toml");
        let start = Invocation::of_this_process().for_node(&file).line("");
        assert!(text.contains(&format!("  {start}\n")), "{text}");
        assert!(Settings::load(&file, std::iter::empty()).is_ok());

        let line = "node init peer --name bob --tracker t.example:7000 --listen 127.0.0.1:7002 --out @/bob.toml";
        run(dir.path(), line).unwrap();
        let file = dir.path().join("bob.toml");
        match Settings::load(&file, std::iter::empty()).unwrap() {
            Settings::Peer(peer) => {
                assert_eq!((peer.name.as_str(), peer.listen.port()), ("bob", 7002));
                assert_eq!(peer.data_dir, dir.path().join("bob-data"));
            }
            Settings::Tracker(_) => panic!("a tracker"),
        }
    }

    #[test]
    fn an_existing_file_is_left_alone_and_a_wrong_name_writes_none() {
        let dir = tempfile::tempdir().unwrap();
        let line = "node init peer --name bob --tracker 127.0.0.1:1 --dir @";
        run(dir.path(), line).unwrap();
        let before = fs::read(dir.path().join("peer.toml")).unwrap();
        let line = "node init peer --name carol --tracker 127.0.0.1:1 --dir @";
        match run(dir.path(), line) {
            Err(Failure::No(reason)) => assert!(reason.contains("--out carol.toml"), "{reason}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(fs::read(dir.path().join("peer.toml")).unwrap(), before);

        let wrong = "node init peer --name Bob'; --tracker 127.0.0.1:1 --out @/other.toml";
        assert!(matches!(run(dir.path(), wrong), Err(Failure::Misuse(_))));
        assert!(!dir.path().join("other.toml").exists());
    }

    #[test]
    fn what_others_dial_is_written_and_told() {
        let dir = tempfile::tempdir().unwrap();
        let line = "node init peer --name bob --tracker t.example:7000 --listen 0.0.0.0:7002 --advertise bob.example:7002 --dir @";
        run(dir.path(), line).unwrap();
        match Settings::load(&dir.path().join("peer.toml"), std::iter::empty()).unwrap() {
            Settings::Peer(peer) => {
                assert_eq!(peer.listen, "0.0.0.0:7002".parse().unwrap());
                assert_eq!(peer.advertise, ["bob.example:7002".parse().unwrap()]);
            }
            Settings::Tracker(_) => panic!("a tracker"),
        }
        let line = "node init peer --name bob --tracker t.example:7000 --listen 127.0.0.1:7002 --out @/b.toml";
        assert!(run(dir.path(), line).unwrap().contains("can't dial it"));
        let text = run(dir.path(), "node init tracker --out @/alone.toml").unwrap();
        assert!(text.contains("--listen 0.0.0.0:7000"), "{text}");
        let line = "node init tracker --listen 0.0.0.0:7100 --out @/open.toml";
        assert!(
            !run(dir.path(), line)
                .unwrap()
                .contains("this machine alone")
        );
        match Settings::load(&dir.path().join("open.toml"), std::iter::empty()).unwrap() {
            Settings::Tracker(tracker) => assert_eq!(tracker.listen.port(), 7100),
            Settings::Peer(_) => panic!("a peer"),
        }
    }

    #[test]
    fn a_peer_takes_no_port_at_which_somebody_listens() {
        // Others who look for a free one hold it for a moment; whoever holds it for longer is as good.
        let usual = (Ipv4Addr::LOCALHOST, 7001);
        let _held = (0..1_000).find_map(|_| TcpListener::bind(usual).ok());
        let dir = tempfile::tempdir().unwrap();
        let line = "node init peer --name bob --tracker 127.0.0.1:1 --dir @";
        run(dir.path(), line).unwrap();
        match Settings::load(&dir.path().join("peer.toml"), std::iter::empty()).unwrap() {
            Settings::Peer(peer) => assert_ne!(peer.listen.port(), 7001),
            Settings::Tracker(_) => panic!("a tracker"),
        }
    }

    #[test]
    fn programs_are_told_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let text = run(dir.path(), "node --json init tracker --out @/t.toml").unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            value["file"],
            dir.path().join("t.toml").display().to_string()
        );
    }
}
