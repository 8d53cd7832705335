//! `node web` where there is no node yet: a page that takes an invitation and a name, and does what `node join`
//! does.

use super::failure::Failure;
use super::invocation::Invocation;
use super::join::{means, told, where_to_listen};
use super::output::Output;
use super::run;
use super::web;
use crate::entropy::OsEntropy;
use crate::http::{ApiFile, JoinCheck, JoinStage, JoinTyped, Joins, Newcomer};
use crate::keys::{SecretKey, SecretWords};
use crate::membership::{InvitationString, MemberName};
use crate::node::joining::{Joining, NotJoined, Ready, serve_page};
use crate::owner::unfit_words;
use crate::readable::Typed;
use crate::settings::{Settings, environment};
use crate::wire::message::RefusalCode;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use zeroize::Zeroizing;

/// The settings file that is written: where there is none, commands find it without being told its name.
const FILE: &str = "peer.toml";

/// What the pages ask, and how it goes.
#[derive(Clone)]
struct Page(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    changed: Condvar,
    typed: Typed,
}

#[derive(Default)]
struct State {
    typed: JoinTyped,
    checks: Vec<JoinCheck>,
    stage: JoinStage,
    /// What was checked and is not written.
    checked: Option<(Joining, Ready)>,
    /// Holds what was checked to be reached, until the node listens there itself.
    held: Option<TcpListener>,
    settings: Option<Settings>,
    words: Option<SecretWords>,
}

/// Serves the page, and runs the node once somebody has joined by it.
pub fn first(print: bool, invocation: &Invocation, output: &mut Output<'_>) -> Result<(), Failure> {
    let file = std::path::Path::new(FILE);
    let invocation = invocation.for_node(file);
    let page = Page::new(&invocation);
    let (tell, told) = mpsc::channel();
    let joins: Arc<dyn Joins> = Arc::new(page.clone());
    let serve = move || {
        let failed = tell.clone();
        let served = serve_page(joins, Arc::new(OsEntropy), move |_, link| {
            // Whoever waits for it is there.
            let _ = tell.send(Ok(link));
        });
        if let Err(error) = served {
            let _ = failed.send(Err(error));
        }
    };
    let serving = thread::Builder::new().name("joining".to_owned());
    let no = |error: std::io::Error| Failure::No(format!("the page can't be served: {error}"));
    serving.spawn(serve).map_err(no)?;
    let link = told.recv();
    let link = link.map_err(|_| Failure::No("the page can't be served".to_owned()))?;
    web::show(link.map_err(no)?, print, std::path::Path::new(""), output)?;
    let settings = page.wait_for_start();
    run::run(settings, file, &invocation)
}

impl Page {
    fn new(invocation: &Invocation) -> Self {
        Self(Arc::new(Inner {
            state: Mutex::default(),
            changed: Condvar::new(),
            typed: invocation.for_texts(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until somebody has joined and wants the node to start.
    fn wait_for_start(&self) -> Settings {
        let mut state = self.lock();
        loop {
            if matches!(state.stage, JoinStage::Starting)
                && let Some(settings) = state.settings.clone()
            {
                return settings;
            }
            let waited = self.0.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Checks; why not, where it can't be.
    fn check(&self, typed: &JoinTyped, words: &str) -> Result<(), String> {
        let invitation = InvitationString::parse(&typed.invitation);
        let invitation = invitation.map_err(|error| sentence(&error.to_string()))?;
        let name =
            MemberName::from_str(&typed.name).map_err(|error| sentence(&error.to_string()))?;
        let secret = match words {
            "" => None,
            words => {
                let secret = SecretKey::from_words(words);
                Some(Arc::new(secret.map_err(|error| unfit_words(error).detail)?))
            }
        };
        let (listen, advertise) = where_to_listen(None, &[], &invitation.addresses)
            .map_err(|failure| failure.reason().unwrap_or_default())?;
        let joining = Joining {
            invitation: Arc::new(invitation),
            name,
            listen,
            advertise,
            file: PathBuf::from(FILE),
            secret,
        };
        let ready = joining.check_here(&means(), |check| {
            let (well, words) = told(&check);
            let words = self.0.typed.text(&words);
            self.lock().checks.push(JoinCheck { well, words });
        });
        let ready = ready.map_err(remedy)?;
        let held = TcpListener::bind(joining.listen).map_err(|error| {
            let at = joining.listen;
            format!("Another program has begun to listen at {at} ({error}). Check again: another port is taken then.")
        })?;
        let mut state = self.lock();
        state.held = Some(held);
        state.stage = JoinStage::Checked {
            address: ready.secret().public_key().to_address(),
            comes_back: ready.comes_back(&joining),
        };
        state.checked = Some((joining, ready));
        Ok(())
    }

    /// Writes what was checked.
    fn write(&self, joining: &Joining, ready: &Ready) -> Result<(Newcomer, Settings), String> {
        joining.set_up(ready).map_err(remedy)?;
        // By the file and the environment, as the next start will be.
        let settings = Settings::load(&joining.file, environment());
        let settings = settings.map_err(|error| error.to_string())?;
        let newcomer = Newcomer {
            address: ready.secret().public_key().to_address(),
            data_dir: settings.data_dir().to_owned(),
        };
        Ok((newcomer, settings))
    }
}

/// A reason as a sentence of its own.
fn sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}

/// Why somebody can't join, and what to do about it on a page.
fn remedy(error: NotJoined) -> String {
    match error {
        NotJoined::Refused {
            code: RefusalCode::NameTaken,
            ..
        } => "Somebody else has this name, or had it, and names stay with whom they belong to. Choose another \
              one. If it was you, type your 24 words under \u{201c}I have 24 words already\u{201d}; if they are \
              lost, ask whoever runs the network."
            .to_owned(),
        error => sentence(&error.to_string()),
    }
}

impl Joins for Page {
    fn begin(&self, typed: JoinTyped, words: Zeroizing<String>) {
        {
            let mut state = self.lock();
            if !matches!(state.stage, JoinStage::Asking | JoinStage::Refused(_)) {
                return;
            }
            state.checks.clear();
            state.stage = JoinStage::Checking;
            state.typed = JoinTyped {
                with_words: !words.trim().is_empty(),
                ..typed.clone()
            };
        }
        let page = self.clone();
        let checking = thread::Builder::new().name("checks".to_owned());
        let begun = checking.spawn(move || {
            if let Err(reason) = page.check(&typed, words.trim()) {
                let reason = page.0.typed.text(&reason);
                page.lock().stage = JoinStage::Refused(reason);
            }
        });
        if let Err(error) = begun {
            self.lock().stage = JoinStage::Refused(error.to_string());
        }
    }

    fn last_typed(&self) -> JoinTyped {
        self.lock().typed.clone()
    }

    fn ask_again(&self) {
        let mut state = self.lock();
        if state.checked.take().is_some() {
            state.held = None;
            state.checks.clear();
            state.stage = JoinStage::Asking;
        }
    }

    fn progress(&self) -> (Vec<JoinCheck>, JoinStage) {
        let state = self.lock();
        (state.checks.clone(), state.stage.clone())
    }

    fn set_up(&self) -> Option<Newcomer> {
        let mut state = self.lock();
        if let JoinStage::Joined(newcomer) = &state.stage {
            return Some(newcomer.clone());
        }
        let (joining, ready) = state.checked.take()?;
        match self.write(&joining, &ready) {
            Ok((newcomer, settings)) => {
                state.settings = Some(settings);
                state.words = Some(ready.secret().words());
                state.stage = JoinStage::Joined(newcomer.clone());
                Some(newcomer)
            }
            Err(reason) => {
                state.stage = JoinStage::Refused(reason);
                None
            }
        }
    }

    fn take_words(&self) -> Option<SecretWords> {
        self.lock().words.take()
    }

    fn start(&self) {
        let mut state = self.lock();
        state.stage = JoinStage::Starting;
        state.held = None;
        state.words = None;
        state.typed = JoinTyped::default();
        self.0.changed.notify_all();
    }

    fn typed(&self) -> &Typed {
        &self.0.typed
    }

    fn pages(&self) -> Option<SocketAddr> {
        let dir = self.lock().settings.as_ref()?.data_dir().to_owned();
        let file = ApiFile::read(&dir).ok()?;
        (file.pid == std::process::id()).then_some(file.address)
    }
}
