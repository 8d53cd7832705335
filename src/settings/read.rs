//! From text and variables to settings: parse, check, layer, take over.

use std::collections::BTreeMap;
use std::env;
use std::io::Read;
use std::path::{Path, PathBuf};

use config::{Config, ConfigError, Map, Source, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::kind::{Wrong, describe};
use super::paths::expand;
use super::schema::{Given, Key, Role};
use super::variables::read_environment;
use super::{Mistake, Origin, Place, Setting, Settings, SettingsError};
use crate::plain_file;
use crate::suggest::nearest;

/// Far above a file with the most allocations allowed; what is larger is not a settings file.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The text of the file at `path`.
pub(super) fn file(path: &Path) -> Result<String, SettingsError> {
    let unreadable = |reason: String| SettingsError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let mut bytes = Vec::new();
    plain_file::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(unreadable(format!(
            "it is larger than {MAX_FILE_BYTES} bytes"
        )));
    }
    match plain_file::text(&bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(unreadable(format!("it {error}"))),
    }
}

/// The settings that `text`, found at `path`, and the variables make.
pub(super) fn settings(
    path: &Path,
    text: &str,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Settings, SettingsError> {
    let document = Document { path, text };
    Layers::read(&document, environment)?.taken_over(&document)
}

/// The same, each with its value and who says so.
pub(super) fn with_origin(
    path: &Path,
    text: &str,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Vec<Setting>, SettingsError> {
    let document = Document { path, text };
    let layers = Layers::read(&document, environment)?;
    let settings = layers.taken_over(&document)?;
    let wallet = settings.wallet();
    let backups = settings.backup().dir(settings.data_dir());
    let opened = |key: &str| match key {
        "data_dir" => Some(settings.data_dir()),
        "wallet.file" => Some(wallet.file.as_path()),
        "wallet.passphrase_file" => wallet.passphrase_file(),
        "backup.dir" => Some(backups.as_path()),
        _ => None,
    };
    let values = layers.together()?;
    let keys = layers.role.keys().into_iter();
    keys.map(|(key, _)| {
        let value = match opened(&key) {
            Some(path) => path.display().to_string().into(),
            None => values.get(&key)?,
        };
        let origin = layers.origin(&key);
        Ok(Setting { key, value, origin })
    })
    .collect()
}

/// What file, variables and defaults say, each for itself and without a mistake.
struct Layers {
    role: Role,
    file: Layer,
    environment: Layer,
    defaults: Layer,
}

impl Layers {
    fn read(
        document: &Document<'_>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        let table = DeTable::parse(document.text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            let message = format!("this is not TOML: {}", error.message());
            document.single(document.mistake(offset, "", message))
        })?;
        let table = table.get_ref();
        let role = document.role(table)?;
        let mut mistakes = Vec::new();
        let mut file = Layer::default();
        document.read(role, "", table, &mut file, &mut mistakes);
        let environment = read_environment(role, environment, &mut mistakes);
        let defaults = read_defaults(role, document.path, &file, &environment, &mut mistakes);
        mistakes.sort_by(|a, b| a.place.cmp(&b.place));
        if !mistakes.is_empty() {
            return Err(SettingsError::Invalid(mistakes));
        }
        Ok(Self {
            role,
            file,
            environment,
            defaults,
        })
    }

    fn together(&self) -> Result<Config, ConfigError> {
        Config::builder()
            .add_source(self.defaults.clone())
            .add_source(self.file.clone())
            .add_source(self.environment.clone())
            .build()
    }

    fn taken_over(&self, document: &Document<'_>) -> Result<Settings, SettingsError> {
        // A relative path in the environment starts at the working directory, as it stands.
        let base = |key| match document.path.parent() {
            Some(directory) if !self.environment.has(key) => directory,
            _ => Path::new(""),
        };
        let bases = Bases {
            data_dir: base("data_dir"),
            passphrase_file: base("wallet.passphrase_file"),
            backups: base("backup.dir"),
        };
        let settings = take_over(self.role, self.together()?, &bases, document)?;
        document.check_together(&settings)?;
        Ok(settings)
    }

    fn origin(&self, key: &str) -> Origin {
        let given = self.environment.origins.get(key);
        let given = given.or_else(|| self.file.origins.get(key));
        given.cloned().unwrap_or(Origin::Default)
    }
}

/// Where relative paths start.
struct Bases<'a> {
    data_dir: &'a Path,
    passphrase_file: &'a Path,
    backups: &'a Path,
}

impl Bases<'_> {
    fn start(
        &self,
        data_dir: &mut PathBuf,
        wallet: &mut super::WalletSettings,
        backups: &mut PathBuf,
        document: &Document<'_>,
    ) -> Result<(), SettingsError> {
        *data_dir = self.data_dir.join(document.expand("data_dir", data_dir)?);
        wallet.file = data_dir.join(document.expand("wallet.file", &wallet.file)?);
        if !wallet.passphrase_file.as_os_str().is_empty() {
            let file = document.expand("wallet.passphrase_file", &wallet.passphrase_file)?;
            wallet.passphrase_file = self.passphrase_file.join(file);
        }
        if !backups.as_os_str().is_empty() {
            *backups = self.backups.join(document.expand("backup.dir", backups)?);
        }
        Ok(())
    }
}

/// Turns layered values into typed settings.
fn take_over(
    role: Role,
    layered: Config,
    bases: &Bases<'_>,
    document: &Document<'_>,
) -> Result<Settings, SettingsError> {
    Ok(match role {
        Role::Peer => {
            let mut peer: super::PeerSettings = layered.try_deserialize()?;
            let backups = &mut peer.backup.dir;
            bases.start(&mut peer.data_dir, &mut peer.wallet, backups, document)?;
            Settings::Peer(peer)
        }
        Role::Tracker => {
            let mut tracker: super::TrackerSettings = layered.try_deserialize()?;
            let backups = &mut tracker.backup.dir;
            bases.start(
                &mut tracker.data_dir,
                &mut tracker.wallet,
                backups,
                document,
            )?;
            Settings::Tracker(tracker)
        }
    })
}

/// Checked values by path: one layer of the settings.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer {
    values: BTreeMap<String, Value>,
    /// Who gives them, but for defaults.
    origins: BTreeMap<String, Origin>,
}

impl Layer {
    fn has(&self, path: &str) -> bool {
        self.values.contains_key(path)
    }

    pub(super) fn insert(&mut self, path: String, value: Value, origin: Origin) {
        self.origins.insert(path.clone(), origin);
        self.values.insert(path, value);
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.values.clone().into_iter().collect())
    }
}

/// The file as it stands, for messages that name its lines.
struct Document<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Document<'_> {
    fn mistake(&self, offset: usize, key: &str, message: String) -> Mistake {
        Mistake {
            place: Place::Line(self.path.to_owned(), self.line(offset)),
            key: key.to_owned(),
            message,
        }
    }

    /// The line of this byte, counted from 1.
    fn line(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().iter().take(offset);
        1 + before.filter(|byte| **byte == b'\n').count()
    }

    /// The path that is meant, which is given at `key` in the file or its variable.
    fn expand(&self, key: &str, path: &Path) -> Result<PathBuf, SettingsError> {
        expand(path, env::var_os("HOME").as_deref()).map_err(|error| {
            self.single(Mistake {
                place: Place::File(self.path.to_owned()),
                key: key.to_owned(),
                message: format!("`{key}` = {path:?}: {error}"),
            })
        })
    }

    fn single(&self, mistake: Mistake) -> SettingsError {
        SettingsError::Invalid(vec![mistake])
    }

    fn role(&self, table: &DeTable<'_>) -> Result<Role, SettingsError> {
        let Some(value) = table.get(Role::KEY) else {
            return Err(self.single(Mistake {
                place: Place::File(self.path.to_owned()),
                key: Role::KEY.to_owned(),
                message: "`role` is missing: begin the file with role = \"peer\" or \
                          role = \"tracker\""
                    .to_owned(),
            }));
        };
        let found = value.get_ref();
        found.as_str().and_then(Role::named).ok_or_else(|| {
            let message = format!(
                "`role`: expected {}, found {}. For example: role = \"peer\"",
                Role::KIND.expected(),
                describe(found)
            );
            self.single(self.mistake(value.span().start, Role::KEY, message))
        })
    }

    /// Checks every entry of a table, and of the tables in it that are sections.
    fn read(
        &self,
        role: Role,
        section: &str,
        table: &DeTable<'_>,
        layer: &mut Layer,
        mistakes: &mut Vec<Mistake>,
    ) {
        for (name, value) in table {
            let path = match section {
                "" => name.get_ref().to_string(),
                section => format!("{section}.{}", name.get_ref()),
            };
            if path == Role::KEY {
                continue;
            }
            if let Some(key) = role.key(&path) {
                let line = self.line(name.span().start);
                match key.kind.check(value) {
                    Ok(value) => layer.insert(path, value, Origin::File { line }),
                    Err(wrong) => mistakes.push(self.wrong(&path, key, &wrong)),
                }
            } else if role.has_section(&path) {
                match value.get_ref() {
                    DeValue::Table(table) => self.read(role, &path, table, layer, mistakes),
                    other => mistakes.push(self.no_section(&path, value, other)),
                }
            } else {
                let message = unknown(role, section, &path);
                mistakes.push(self.mistake(name.span().start, &path, message));
            }
        }
    }

    fn wrong(&self, path: &str, key: &Key, wrong: &Wrong) -> Mistake {
        let message = format!(
            "`{path}`: expected {}, found {}. For example: {} = {}",
            key.kind.expected(),
            wrong.found,
            key.name,
            key.given.example()
        );
        self.mistake(wrong.span.start, path, message)
    }

    fn no_section(&self, path: &str, value: &Spanned<DeValue<'_>>, found: &DeValue<'_>) -> Mistake {
        let message = format!(
            "`{path}`: expected a section, found {}. Write [{path}] on a line of its own and its \
             keys below",
            describe(found)
        );
        self.mistake(value.span().start, path, message)
    }

    /// What no key can tell by itself.
    fn check_together(&self, settings: &Settings) -> Result<(), SettingsError> {
        match settings {
            Settings::Peer(peer)
                if peer.listen.ip().is_unspecified() && peer.advertise.is_empty() =>
            {
                Err(self.single(Mistake {
                    place: Place::File(self.path.to_owned()),
                    key: "advertise".to_owned(),
                    message: format!(
                        "`advertise` is empty, and `listen` = \"{}\" is every network of this \
                         machine: nobody could dial that. Say which address others dial, for \
                         example: advertise = [\"192.168.1.20:{}\"]",
                        peer.listen,
                        peer.listen.port()
                    ),
                }))
            }
            Settings::Peer(_) | Settings::Tracker(_) => Ok(()),
        }
    }
}

/// What to say about a key that does not exist.
fn unknown(role: Role, section: &str, path: &str) -> String {
    if role.other().key(path).is_some() || role.other().has_section(path) {
        return format!(
            "`{path}` is for a {}, and this file says role = \"{}\". Take it out",
            role.other().name(),
            role.name()
        );
    }
    let keys = role.keys();
    let mut candidates: Vec<&str> = keys.iter().map(|(path, _)| path.as_str()).collect();
    candidates.push(Role::KEY);
    candidates.extend(role.root().sections.iter().map(|(name, _)| *name));
    if let Some(near) = nearest(path, &candidates) {
        return match near.split_once('.') {
            Some((place, key)) if place != section => {
                format!("`{path}` is no key; did you mean `{key}` in the section [{place}]?")
            }
            _ if role.has_section(near) => {
                format!("`{path}` is no key; did you mean the section [{near}]?")
            }
            _ => format!("`{path}` is no key; did you mean `{near}`?"),
        };
    }
    let here: Vec<&str> = candidates
        .into_iter()
        .filter(|path| path.rsplit_once('.').map_or("", |(place, _)| place) == section)
        .collect();
    format!("`{path}` is no key; there are: {}", here.join(", "))
}

/// The lowest layer: what holds for every key that neither the file nor the environment gives.
fn read_defaults(
    role: Role,
    file: &Path,
    from_file: &Layer,
    from_environment: &Layer,
    mistakes: &mut Vec<Mistake>,
) -> Layer {
    let mut layer = Layer::default();
    for (path, key) in role.keys() {
        let blamed = mistakes.iter().any(|mistake| mistake.key == path);
        if from_file.has(&path) || from_environment.has(&path) || blamed {
            continue;
        }
        match key.given {
            // A default that its own key refuses is noticed when the layers are taken over.
            Given::Default(text) => {
                if let Ok(value) = DeValue::parse(text)
                    && let Ok(value) = key.kind.check(&value)
                {
                    layer.values.insert(path, value);
                }
            }
            Given::Derived(_) => {
                let given = |layer: &Layer| layer.values.get("name").cloned();
                if let Some(name) = given(from_environment).or_else(|| given(from_file)) {
                    layer
                        .values
                        .insert(path, Value::from(format!("{name}-data")));
                }
            }
            Given::Required(example) => mistakes.push(Mistake {
                place: Place::File(file.to_owned()),
                message: format!(
                    "`{path}` is missing: expected {}. For example: {} = {example}",
                    key.kind.expected(),
                    key.name
                ),
                key: path,
            }),
        }
    }
    layer
}
