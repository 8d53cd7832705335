//! Which browsers are let in: links that work once, and the sessions that come of them.

use super::show::hexadecimal;
use crate::entropy::Entropy;
use crate::owner::Owned;
use crate::whole_file::{OWNER_ONLY, WholeFile};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fs;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Random bytes in a link and in a cookie: not to be guessed.
const SECRET_BYTES: usize = 32;

/// How long a link works: it is used within seconds, or lies in somebody's way.
const LINK_LIVES: Duration = Duration::from_secs(600);

/// Links that wait to be used. Each was asked for by the owner; the oldest makes room.
const MAX_LINKS: usize = 8;

/// How long a browser stays known.
pub(super) const SESSION_LIVES: Duration = Duration::from_secs(90 * 86_400);

/// Browsers that are known at a time; the oldest makes room.
const MAX_SESSIONS: usize = 32;

/// Forms that were taken, of which a repetition is recognised.
const MAX_TAKEN: usize = 256;

/// What the cookies of all nodes are called first.
const COOKIES: &str = "raclette-";

/// Its name, within the data directory: which browsers are known, by hash, over a restart.
const FILE: &str = "browsers.json";

/// The file has about 120 bytes a browser; reading stops here, whatever is found in its place.
const MAX_FILE: u64 = 64 * 1024;

/// The browsers of one node. Cheap to clone.
#[derive(Clone)]
pub(in crate::http) struct Browsers(Arc<Inner>);

struct Inner {
    cookie: String,
    /// Whether the node's key is known, after which the cookie is called.
    has_key: bool,
    /// `None` where there is no node yet to keep one for.
    file: Option<PathBuf>,
    address: SocketAddr,
    state: Mutex<State>,
}

struct State {
    links: VecDeque<(blake3::Hash, Instant)>,
    kept: Kept,
    taken: VecDeque<blake3::Hash>,
}

/// What outlives the node.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    /// The browsers that are known, the oldest first.
    sessions: VecDeque<KnownBrowser>,
    /// Whether the owner has said, or shown, that the words are written down.
    words: bool,
    /// The first steps that were taken, of which nothing else tells later.
    #[serde(default)]
    steps: Vec<FirstStep>,
}

/// A step of the first days that can be seen only while it is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FirstStep {
    /// Another member was connected.
    Met,
    /// There were coins.
    HadCoins,
}

#[derive(Serialize, Deserialize)]
struct KnownBrowser {
    /// Hash of what its cookie says, in hexadecimal.
    hash: String,
    /// Until when, in seconds since 1970.
    until: u64,
}

/// A browser that is known, as one request shows it.
#[derive(Clone)]
pub(super) struct Session {
    secret: String,
}

impl Session {
    /// One with this in its cookie.
    pub(super) fn with(secret: &str) -> Self {
        Self {
            secret: secret.to_owned(),
        }
    }

    /// What its forms must carry: no page of another origin can read it, nor make it.
    pub(super) fn form_token(&self) -> String {
        self.sealed("raclette 2026 form token", "")
    }

    /// A seal over a text, which only this browser's session can check.
    pub(super) fn sealed(&self, purpose: &str, text: &str) -> String {
        let key = blake3::derive_key(purpose, self.secret.as_bytes());
        hexadecimal(blake3::keyed_hash(&key, text.as_bytes()).as_bytes())
    }

    /// What the cookie says.
    pub(super) fn secret(&self) -> &str {
        &self.secret
    }
}

impl Browsers {
    /// Those of a node that listens at this address, as far as its last run knew them.
    pub(in crate::http) fn of(owned: &Owned, data_dir: &Path, address: SocketAddr) -> Self {
        let file = data_dir.join(FILE);
        let kept = read(&file).unwrap_or_else(|error| {
            tracing::warn!(%error, "the browsers that were known can't be read: each needs a new link");
            Kept::default()
        });
        let (whose, has_key) = match owned.key() {
            Some(key) => (key.to_address(), true),
            None => (data_dir.display().to_string(), false),
        };
        Self::begin(&whose, has_key, Some(file), address, kept)
    }

    /// Those of a page at this address on a machine without a node.
    pub(in crate::http) fn before_a_node(address: SocketAddr) -> Self {
        Self::begin(&address.to_string(), true, None, address, Kept::default())
    }

    fn begin(
        whose: &str,
        has_key: bool,
        file: Option<PathBuf>,
        address: SocketAddr,
        kept: Kept,
    ) -> Self {
        Self(Arc::new(Inner {
            cookie: cookie_name(whose),
            has_key,
            file,
            address,
            state: Mutex::new(State {
                links: VecDeque::new(),
                kept,
                taken: VecDeque::new(),
            }),
        }))
    }

    /// Writes who is known into the data directory of a node that is to start: it knows them, too.
    pub(super) fn hand_over(&self, data_dir: &Path) {
        if let Err(error) = write(&data_dir.join(FILE), &self.lock().kept) {
            tracing::warn!(%error, "this browser can't be handed over to the node: it needs a new link");
        }
    }

    /// What the cookie is called: cookies know no ports, and several nodes of one machine must not take each
    /// other's away.
    pub(super) fn cookie(&self) -> &str {
        &self.0.cookie
    }

    /// Whether a cookie called so may be of this node: one that waits for its wallet does not know its key, and
    /// knows by what they say the browsers that its last run let in.
    pub(super) fn may_be_of(&self, name: &str) -> bool {
        match self.0.has_key {
            true => name == self.0.cookie,
            false => name.starts_with(COOKIES),
        }
    }

    /// Where the pages are.
    pub(super) fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// A secret that lets one browser in, once.
    pub(in crate::http) fn draw_link(&self, entropy: &dyn Entropy) -> String {
        let secret = draw(entropy);
        let mut state = self.lock();
        if state.links.len() == MAX_LINKS {
            state.links.pop_front();
        }
        let hash = blake3::hash(secret.as_bytes());
        state.links.push_back((hash, Instant::now()));
        secret
    }

    /// Uses a link up; the session that comes of it, unless it was used before or is too old.
    pub(super) fn enter(&self, link: &str, entropy: &dyn Entropy) -> Option<Session> {
        let hash = blake3::hash(link.as_bytes());
        let mut state = self.lock();
        state
            .links
            .retain(|(_, drawn)| drawn.elapsed() < LINK_LIVES);
        let place = state.links.iter().position(|(known, _)| *known == hash)?;
        state.links.remove(place);
        let session = Session {
            secret: draw(entropy),
        };
        if state.kept.sessions.len() >= MAX_SESSIONS {
            state.kept.sessions.pop_front();
        }
        state.kept.sessions.push_back(KnownBrowser {
            hash: hash_of(&session.secret),
            until: now().saturating_add(SESSION_LIVES.as_secs()),
        });
        self.write(&state.kept);
        Some(session)
    }

    /// The session with this in its cookie, if it is known.
    pub(super) fn session(&self, secret: &str) -> Option<Session> {
        let hash = blake3::hash(secret.as_bytes());
        let state = self.lock();
        let known = state.kept.sessions.iter().any(|browser| {
            let its = blake3::Hash::from_hex(&browser.hash);
            // Hashes compare in constant time.
            its.is_ok_and(|its| its == hash) && now() < browser.until
        });
        known.then(|| Session::with(secret))
    }

    /// Forgets a browser.
    pub(super) fn forget(&self, session: &Session) {
        let hash = hash_of(&session.secret);
        let mut state = self.lock();
        state.kept.sessions.retain(|browser| browser.hash != hash);
        self.write(&state.kept);
    }

    /// Whether a form with this key is taken for the first time.
    pub(super) fn take_once(&self, key: &str) -> bool {
        let hash = blake3::hash(key.as_bytes());
        let mut state = self.lock();
        if state.taken.contains(&hash) {
            return false;
        }
        if state.taken.len() == MAX_TAKEN {
            state.taken.pop_front();
        }
        state.taken.push_back(hash);
        true
    }

    /// Whether the owner's words are known to be written down.
    pub(super) fn words_are_kept(&self) -> bool {
        self.lock().kept.words
    }

    /// The words are written down.
    pub(super) fn keep_words(&self) {
        let mut state = self.lock();
        state.kept.words = true;
        self.write(&state.kept);
    }

    /// Whether a first step was ever done: `now` if it is seen at this moment.
    pub(super) fn was_done(&self, step: FirstStep, now: bool) -> bool {
        let mut state = self.lock();
        let known = state.kept.steps.contains(&step);
        if now && !known {
            state.kept.steps.push(step);
            self.write(&state.kept);
        }
        known || now
    }

    /// A thread that panicked here ends the process.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What can't be written holds until the node ends.
    fn write(&self, kept: &Kept) {
        let written = self.0.file.as_ref().map(|file| write(file, kept));
        if let Some(Err(error)) = written {
            tracing::warn!(%error, "the browsers that are known can't be written: each needs a new link after a restart");
        }
    }
}

/// How the cookie of a node is called.
pub(super) fn cookie_name(whose: &str) -> String {
    let hash = blake3::hash(whose.as_bytes());
    format!("{COOKIES}{}", &hash.to_hex()[..16])
}

/// A fresh secret, in hexadecimal.
pub(super) fn draw(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; SECRET_BYTES];
    entropy.fill(&mut bytes);
    hexadecimal(&bytes)
}

fn hash_of(secret: &str) -> String {
    blake3::hash(secret.as_bytes()).to_hex().to_string()
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

fn read(file: &Path) -> io::Result<Kept> {
    let mut bytes = Vec::new();
    match fs::File::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::default()),
        opened => opened?.take(MAX_FILE).read_to_end(&mut bytes)?,
    };
    let mut kept: Kept = serde_json::from_slice(&bytes)?;
    kept.sessions.retain(|browser| now() < browser.until);
    kept.sessions.truncate(MAX_SESSIONS);
    Ok(kept)
}

fn write(file: &Path, kept: &Kept) -> io::Result<()> {
    let mut new = WholeFile::begin(file, OWNER_ONLY)?;
    new.write_all(&serde_json::to_vec(kept)?)?;
    new.replace()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;

    fn browsers() -> Browsers {
        Browsers::before_a_node("127.0.0.1:8001".parse().unwrap())
    }

    fn enter(browsers: &Browsers) -> Session {
        let link = browsers.draw_link(&OsEntropy);
        browsers.enter(&link, &OsEntropy).unwrap()
    }

    #[test]
    fn attack_a_link_that_lay_about_and_a_cookie_of_long_ago_let_nobody_in() {
        let browsers = browsers();
        let link = browsers.draw_link(&OsEntropy);
        browsers.lock().links[0].1 = Instant::now().checked_sub(LINK_LIVES).unwrap();
        assert!(browsers.enter(&link, &OsEntropy).is_none());
        let session = enter(&browsers);
        assert!(browsers.session(session.secret()).is_some());
        browsers.lock().kept.sessions[0].until = now();
        assert!(browsers.session(session.secret()).is_none());
    }

    #[test]
    fn the_oldest_link_browser_and_form_make_room() {
        let browsers = browsers();
        let links: Vec<_> = (0..=MAX_LINKS)
            .map(|_| browsers.draw_link(&OsEntropy))
            .collect();
        assert!(browsers.enter(&links[0], &OsEntropy).is_none());
        assert!(browsers.enter(&links[1], &OsEntropy).is_some());
        let known: Vec<_> = (0..=MAX_SESSIONS).map(|_| enter(&browsers)).collect();
        let is_known = |session: &Session| browsers.session(session.secret()).is_some();
        assert!(!is_known(&known[0]) && known[1..].iter().all(is_known));
        assert!((0..=MAX_TAKEN).all(|form| browsers.take_once(&form.to_string())));
        assert!(!browsers.take_once("1") && browsers.take_once("0"));
    }
}
