//! `node web` where there is no node yet: a page that takes an invitation and a name, and does what `node join`
//! does.

use super::failure::Failure;
use super::invocation::Invocation;
use super::join::{USUAL_FILE, means, told, where_to_listen};
use super::output::Output;
use super::run;
use super::web;
use crate::entropy::OsEntropy;
use crate::http::{ApiFile, JoinCheck, JoinStage, JoinTyped, Joins, Newcomer};
use crate::keys::{SecretKey, SecretWords};
use crate::membership::{InvitationString, MemberName};
use crate::node::joining::{Joining, NotJoined, Ready, serve_page};
use crate::owner::unfit_words;
use crate::readable::{Typed, sentence};
use crate::settings::{Settings, environment};
use crate::wire::message::RefusalCode;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use zeroize::Zeroizing;

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
    checked: Option<Checked>,
    written: Option<Written>,
    settings: Option<Settings>,
}

/// What was checked and is not written.
struct Checked {
    joining: Joining,
    ready: Ready,
    /// Holds what was checked to be reached.
    held: TcpListener,
}

/// What was written, until the node starts.
struct Written {
    words: Option<SecretWords>,
    /// Still holds what was checked, until the node listens there itself.
    _held: TcpListener,
}

/// Serves the page, and runs the node once somebody has joined by it.
pub fn first(print: bool, invocation: &Invocation, output: &mut Output<'_>) -> Result<(), Failure> {
    let file = std::path::Path::new(USUAL_FILE);
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
        let invitation = InvitationString::find(&typed.invitation);
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
            file: PathBuf::from(USUAL_FILE),
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
        state.stage = JoinStage::Checked {
            address: ready.secret().public_key().to_address(),
            comes_back: ready.comes_back(&joining),
        };
        state.checked = Some(Checked {
            joining,
            ready,
            held,
        });
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
        let Checked {
            joining,
            ready,
            held,
        } = state.checked.take()?;
        match self.write(&joining, &ready) {
            Ok((newcomer, settings)) => {
                state.settings = Some(settings);
                state.written = Some(Written {
                    words: Some(ready.secret().words()),
                    _held: held,
                });
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
        self.lock().written.as_mut()?.words.take()
    }

    fn start(&self) {
        let mut state = self.lock();
        state.stage = JoinStage::Starting;
        state.written = None;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::testing::member;
    use crate::chain::{BlockId, Timestamp};
    use crate::membership::InvitationStatement;
    use std::fs;

    #[test]
    fn a_port_that_was_held_is_given_back_where_nothing_could_be_written() {
        let place = tempfile::tempdir().unwrap();
        let seed = [7; 32];
        let invitation = InvitationStatement {
            network: Some(BlockId([1; 32])),
            key: SecretKey::from_bytes(seed).public_key(),
            issuer: member(9).public_key(),
            delegation: None,
            uses: 1,
            serial: Timestamp(1),
            expires: Timestamp(2),
        };
        let invitation = InvitationString::new(
            invitation.sign(&member(9)),
            Zeroizing::new(seed),
            vec!["127.0.0.1:7000".parse().unwrap()],
            member(9).public_key(),
        );
        let held = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let listen = held.local_addr().unwrap();
        let joining = Joining {
            invitation: Arc::new(invitation.unwrap()),
            name: "dan".parse().unwrap(),
            listen,
            advertise: Vec::new(),
            file: place.path().join(USUAL_FILE),
            secret: None,
        };
        let ready = joining.prepare(&means()).unwrap();
        let page = Page::new(&Invocation::of_this_process());
        page.lock().checked = Some(Checked {
            joining,
            ready,
            held,
        });
        assert!(TcpListener::bind(listen).is_err());
        // Somebody else writes it meanwhile.
        fs::write(place.path().join(USUAL_FILE), "").unwrap();
        assert!(page.set_up().is_none());
        assert!(matches!(page.progress().1, JoinStage::Refused(_)));
        assert!(TcpListener::bind(listen).is_ok(), "it is free again");
    }
}
