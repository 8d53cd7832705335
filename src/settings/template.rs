//! The commented file that a newcomer starts from.

use std::io::{self, Write};
use std::iter;
use std::net::SocketAddr;
use std::path::Path;

use super::schema::{Given, Key, Role, Section};
use super::{Endpoint, Settings, SettingsError};
use crate::whole_file::{AS_USUAL, WholeFile};

/// What a new peer's file says beyond the defaults.
#[derive(Debug, Clone, Default)]
pub struct PeerTemplate<'a> {
    /// The peer's name; [`init`] refuses one that no peer may have.
    pub name: &'a str,
    /// The trackers of the network, at least one.
    pub trackers: &'a [Endpoint],
    /// Where it listens, if not at the default.
    pub listen: Option<SocketAddr>,
    /// What others dial, where that is not the address it listens at.
    pub advertise: &'a [Endpoint],
    /// Address of the first tracker's key, if it is known.
    pub tracker_key: &'a str,
}

/// What a new tracker's file says beyond the defaults.
#[derive(Debug, Clone, Default)]
pub struct TrackerTemplate<'a> {
    /// What the network is called, if not as by default.
    pub network: Option<&'a str>,
    /// Where it listens, if not at the default.
    pub listen: Option<SocketAddr>,
    /// What others dial, where that is not the address it listens at.
    pub advertise: &'a [Endpoint],
    /// Address of the network's recovery key; empty if there is none.
    pub recovery: &'a str,
}

/// The file of a new peer: every key with its meaning and its default. `data_dir` is the name
/// followed by `-data`, so that several peers can have their files in one directory.
pub fn peer_template(peer: &PeerTemplate<'_>) -> String {
    let trackers: Vec<String> = peer.trackers.iter().map(Endpoint::to_string).collect();
    let mut values = vec![
        ("name", literal(peer.name)),
        ("data_dir", literal(format!("{}-data", peer.name))),
        ("trackers", literal(trackers)),
    ];
    values.extend(peer.listen.map(|at| ("listen", literal(at.to_string()))));
    let advertise: Vec<String> = peer.advertise.iter().map(Endpoint::to_string).collect();
    values.push(("advertise", literal(advertise)));
    values.push(("tracker_key", literal(peer.tracker_key)));
    render(Role::Peer, &values)
}

/// The file of a new tracker: every key with its meaning and its default.
pub fn tracker_template(tracker: &TrackerTemplate<'_>) -> String {
    let mut values = Vec::new();
    values.extend(tracker.listen.map(|at| ("listen", literal(at.to_string()))));
    let advertise: Vec<String> = tracker.advertise.iter().map(Endpoint::to_string).collect();
    values.push(("advertise", literal(advertise)));
    values.extend(tracker.network.map(|name| ("network.name", literal(name))));
    values.push(("network.recovery", literal(tracker.recovery)));
    render(Role::Tracker, &values)
}

/// The peer's file that ships: every key with its meaning, and an example or its default.
pub fn example_peer() -> String {
    render(Role::Peer, &[])
}

/// Writes a new settings file. One that exists is never touched, and text that [`Settings::parse`]
/// would refuse is not written.
///
/// # Errors
///
/// [`SettingsError::Invalid`] for such text, [`SettingsError::Exists`],
/// [`SettingsError::Unwritable`].
pub fn init(path: &Path, text: &str) -> Result<(), SettingsError> {
    Settings::parse(path, text, iter::empty())?;
    let written = WholeFile::begin(path, AS_USUAL).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.create()
    });
    written.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => SettingsError::Exists {
            path: path.to_owned(),
        },
        _ => unwritable(path, source),
    })
}

fn unwritable(path: &Path, source: io::Error) -> SettingsError {
    SettingsError::Unwritable {
        path: path.to_owned(),
        source,
    }
}

fn literal(value: impl Into<toml::Value>) -> String {
    value.into().to_string()
}

/// The file of a role, with the `values` (TOML, by key; behind a section's name and a point in a section) in
/// place of defaults.
fn render(role: Role, values: &[(&str, String)]) -> String {
    let root = role.root();
    let mut text = String::new();
    comment(&mut text, root.doc);
    for line in [
        "",
        " Every key is shown with its meaning and its default. A key that is left out has its",
        " default; one that does not exist is an error. An environment variable replaces a key: its",
        " name is RACLETTE_ and the key in capitals, with two underscores after the section, as in",
        " RACLETTE_API__LISTEN for \"listen\" in [api].",
    ] {
        comment(&mut text, &[line]);
    }
    text.push_str("\n# What this node is: \"peer\" or \"tracker\".\n");
    text.push_str(&format!("{} = \"{}\"\n", Role::KEY, role.name()));
    render_keys(&mut text, "", root, values);
    for (name, section) in root.sections {
        text.push('\n');
        comment(&mut text, section.doc);
        text.push_str(&format!("[{name}]\n"));
        render_keys(&mut text, &format!("{name}."), section, values);
    }
    text
}

fn render_keys(text: &mut String, at: &str, section: &Section, values: &[(&str, String)]) {
    for key in section.keys {
        text.push('\n');
        comment(text, key.doc);
        text.push_str(&format!("# {}\n", accepts(key)));
        let of_key = |name: &str| name.strip_prefix(at) == Some(key.name);
        let value = values.iter().find(|(name, _)| of_key(name));
        let value = value.map_or(key.given.example(), |(_, value)| value);
        text.push_str(&format!("{} = {value}\n", key.name));
    }
}

fn accepts(key: &Key) -> String {
    let required = match key.given {
        Given::Required(_) => "Required. ",
        Given::Default(_) | Given::Derived(_) => "",
    };
    format!("{required}Expects {}.", key.kind.expected())
}

fn comment(text: &mut String, lines: &[&str]) {
    for line in lines {
        text.push('#');
        text.push_str(line);
        text.push('\n');
    }
}
