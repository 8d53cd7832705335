//! The client of a running node's API.

mod events;
mod patience;
mod proven;

pub use self::events::News;
use self::patience::{Patience, Waiting};
use self::proven::{NotProven, Proven};
use super::args::Page;
use super::failure::Failure;
use super::invocation::Invocation;
use crate::chain::TransactionId;
use crate::http::{ApiFile, ApiFileError, BASE, Problem};
use crate::owner::Goal;
use crate::owner::answers::SendView;
use crate::settings::Settings;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;
use std::time::Duration;
use ureq::http::Response;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::{Agent, Body};
use zeroize::Zeroizing;

/// Largest answer, in bytes: the largest block with every byte told in a few characters.
const MAX_ANSWER: u64 = 64 * 1024 * 1024;

/// Longest line of an answer in lines, in bytes.
const MAX_LINE: usize = 64 * 1024;

/// Lines of an answer that may be read before they are wanted.
const LINES_AHEAD: usize = 16;

/// For how many seconds a node is asked to wait before it says how something stands: whoever looks on sees why
/// it takes time.
const MOMENT: &str = "1";

/// The status of an answer.
const OK: u16 = 200;

/// The status of a request without the right token.
const UNAUTHORIZED: u16 = 401;

/// What kind of node is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// A peer.
    Peer,
    /// A tracker.
    Tracker,
}

/// Asks one running node.
pub struct Client {
    agent: Agent,
    proven: Proven,
    base: String,
    authorization: String,
    pid: u32,
    kind: NodeKind,
    data_dir: PathBuf,
    patience: Patience,
    not_running: NotRunning,
}

/// What to tell when nobody is there.
struct NotRunning {
    config: PathBuf,
    invocation: Invocation,
}

impl NotRunning {
    fn because(&self, why: &str) -> Failure {
        let config = self.config.display();
        Failure::No(format!(
            "the node of {config} is not running ({why}); start it in another terminal: `{}`",
            self.invocation.line("")
        ))
    }
}

impl Client {
    /// Finds address and token of the node with these settings, which are those in the file
    /// `config`.
    ///
    /// # Errors
    /// [`Failure::No`] if it does not run, or its file can't be read.
    pub fn find(
        settings: &Settings,
        config: &Path,
        invocation: &Invocation,
    ) -> Result<Self, Failure> {
        let not_running = NotRunning {
            config: config.to_owned(),
            invocation: invocation.clone(),
        };
        let file = ApiFile::read(settings.data_dir()).map_err(|error| match error {
            ApiFileError::Missing { .. } => not_running.because(&error.to_string()),
            error => Failure::No(error.to_string()),
        })?;
        // The token is for the node alone: no proxy of the environment, no redirection, and a fresh
        // connection, proven, for each request.
        let config = Agent::config_builder()
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .max_idle_connections(0)
            .build();
        let proven = Proven::new(&file);
        let agent = Agent::with_parts(config, proven.clone(), DefaultResolver::default());
        Ok(Self {
            agent,
            proven,
            base: format!("http://{}{BASE}", file.address),
            authorization: format!("Bearer {}", file.token),
            pid: file.pid,
            kind: match settings {
                Settings::Peer(_) => NodeKind::Peer,
                Settings::Tracker(_) => NodeKind::Tracker,
            },
            data_dir: settings.data_dir().to_owned(),
            patience: Patience::default(),
            not_running,
        })
    }

    /// Lets what is to be done take so long at most; otherwise it may take as long as it takes, while
    /// the node is seen to live.
    pub fn with_patience(self, most: Duration) -> Self {
        Self {
            patience: Patience { most: Some(most) },
            ..self
        }
    }

    /// The node's process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// What kind of node is asked.
    pub fn kind(&self) -> NodeKind {
        self.kind
    }

    /// The node's data directory.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The settings file of the node.
    pub fn config(&self) -> &Path {
        &self.not_running.config
    }

    /// What to type for this node.
    pub fn invocation(&self) -> &Invocation {
        &self.not_running.invocation
    }

    /// Reads what is at a path of the API, named without what all begin with ([`BASE`]); `query` are names and values, which may be anything.
    ///
    /// # Errors
    /// [`Failure::Misuse`] if the node can make no sense of the request, [`Failure::No`] with its
    /// reason otherwise.
    pub fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, Failure> {
        let request = self
            .agent
            .get(format!("{}{path}", self.base))
            .header("Authorization", &self.authorization)
            .query_pairs(query.iter().copied());
        self.answer(Patience::FOR_READING, move || request.call())
    }

    /// How a send stands once it is what is waited for, has failed, or a moment is over in which the node had
    /// nothing to say: then whoever waits is told how it stands.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn wait_for(&self, id: &TransactionId, goal: Goal) -> Result<SendView, Failure> {
        let query = [("wait", goal.name()), ("seconds", MOMENT)];
        self.get(&format!("/outbox/{id}"), &query)
    }

    /// Reads a part of the list at a path.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub fn list<T: DeserializeOwned>(&self, path: &str, page: &Page) -> Result<T, Failure> {
        let query = page.query();
        let query: Vec<_> = query
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        self.get(path, &query)
    }

    /// Has something done; the answer may take as long as that takes, but for
    /// [`with_patience`](Self::with_patience).
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        request: &impl Serialize,
    ) -> Result<T, Failure> {
        self.posted(self.patience, path, request, None)
    }

    /// Has something done that the node recognises by this key if it is asked again.
    ///
    /// # Errors
    /// As for [`get`](Self::get), and [`Failure::NoAnswer`] if it may be done or not.
    pub fn post_once<T: DeserializeOwned>(
        &self,
        path: &str,
        request: &impl Serialize,
        key: &str,
    ) -> Result<T, Failure> {
        // What can be asked again need not be waited for without end.
        let most = self.patience.most.or(Patience::FOR_READING.most);
        self.posted(Patience { most }, path, request, Some(key))
    }

    fn posted<T: DeserializeOwned>(
        &self,
        patience: Patience,
        path: &str,
        request: &impl Serialize,
        key: Option<&str>,
    ) -> Result<T, Failure> {
        let mut post = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("Authorization", &self.authorization)
            .content_type("application/json");
        if let Some(key) = key {
            post = post.header("Idempotency-Key", key);
        }
        // It may hold a passphrase.
        let body = Zeroizing::new(serde_json::to_vec(request).map_err(io::Error::from)?);
        self.answer(patience, move || post.send(&body[..]))
    }

    /// Reads an answer that comes in lines, as long as it takes, and hands each to `line`.
    ///
    /// # Errors
    /// As for [`get`](Self::get), and whatever `line` says.
    pub fn lines<T: DeserializeOwned>(
        &self,
        path: &str,
        mut line: impl FnMut(T) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.raw_lines(path, MAX_LINE, |text| {
            line(serde_json::from_slice(text).map_err(|error| broken(&error.into()))?)
        })
    }

    /// Reads an answer that comes in lines of any length up to `most` bytes, as long as it takes, and
    /// hands each to `line` as it stands, without its end.
    ///
    /// # Errors
    /// As for [`get`](Self::get), and whatever `line` says.
    pub fn raw_lines(
        &self,
        path: &str,
        most: usize,
        mut line: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let request = self
            .agent
            .get(format!("{}{path}", self.base))
            .header("Authorization", &self.authorization);
        let response = self.begun(self.patience, move || request.call())?;
        let response = self.accepted(response)?;
        let lines = self.in_background(LINES_AHEAD, move |lines| {
            read_lines(response.into_body().into_reader(), most, |text| {
                // Nobody wants more of them once it is gone.
                lines.send(text).is_ok()
            })
        })?;
        while let Some(text) = lines.next(&self.patience, || self.look())? {
            line(&text?)?;
        }
        Ok(())
    }

    /// What is answered to one request, all of it.
    fn answer<T: DeserializeOwned>(
        &self,
        patience: Patience,
        ask: impl FnOnce() -> Result<Response<Body>, ureq::Error> + Send + 'static,
    ) -> Result<T, Failure> {
        let (status, body) = self.begun(patience, move || {
            let response = ask()?;
            Ok((response.status().as_u16(), read(response)))
        })?;
        let body = body?;
        if status == OK {
            return serde_json::from_slice(&body).map_err(|error| broken(&error.into()));
        }
        Err(self.refused(status, &body))
    }

    /// Has something asked on a thread, and waits for what comes of it as long as there is hope.
    fn begun<T: Send + 'static>(
        &self,
        patience: Patience,
        ask: impl FnOnce() -> Result<T, ureq::Error> + Send + 'static,
    ) -> Result<T, Failure> {
        let asked = self.in_background(1, move |answer| {
            // Nobody waits for it any more if this fails.
            let _ = answer.send(ask());
        })?;
        match asked.next(&patience, || self.look())? {
            Some(answer) => answer.map_err(|error| self.not_answered(error)),
            None => Err(broken(&io::Error::other("the thread that asked is gone"))),
        }
    }

    fn in_background<T: Send + 'static>(
        &self,
        ahead: usize,
        work: impl FnOnce(&SyncSender<T>) + Send + 'static,
    ) -> Result<Waiting<T>, Failure> {
        Waiting::begin(ahead, work)
            .map_err(|error| Failure::No(format!("there is no room for a thread: {error}")))
    }

    /// Whether the node still lives; what to tell if not.
    fn look(&self) -> Result<(), Failure> {
        self.proven.open().map(drop).map_err(|error| {
            Failure::NoAnswer(format!(
                "the node of {} took this up and answers no more ({error}): what was asked may be \
                 done or not. {}. {}",
                self.config().display(),
                self.remedy(),
                self.again()
            ))
        })
    }

    /// How to see what was done, when that is not known.
    fn again(&self) -> String {
        format!(
            "Once it answers again, `{}` shows what was sent; the same sent again is recognised",
            self.invocation().line("history")
        )
    }

    /// What to do about a node that hangs.
    fn remedy(&self) -> String {
        format!(
            "See what its terminal shows, or `{}`; if it hangs, end its process ({}) and start it \
             again: what it confirmed is saved",
            self.invocation().line("logs"),
            self.pid
        )
    }

    /// Why there is no answer.
    fn not_answered(&self, error: ureq::Error) -> Failure {
        if let ureq::Error::Io(error) = &error
            && let Some(why) = error.get_ref().and_then(|error| error.downcast_ref())
        {
            return match why {
                NotProven::Nobody | NotProven::Stranger => {
                    self.not_running.because(&why.to_string())
                }
                NotProven::Silent | NotProven::Broken(_) => Failure::No(format!(
                    "the node of {} does not answer: {why}. Nothing was asked of it yet. {}",
                    self.config().display(),
                    self.remedy()
                )),
            };
        }
        Failure::NoAnswer(format!(
            "the node did not answer ({error}): it may be stopping, and what was asked may be done or \
             not. {}",
            self.again()
        ))
    }

    /// The response, if it is an answer.
    fn accepted(&self, response: Response<Body>) -> Result<Response<Body>, Failure> {
        match response.status().as_u16() {
            OK => Ok(response),
            status => Err(self.refused(status, &read(response)?)),
        }
    }

    /// What to tell when the answer is a no.
    fn refused(&self, status: u16, body: &[u8]) -> Failure {
        if status == UNAUTHORIZED {
            let why = "what listens where its last run did does not know its token";
            return self.not_running.because(why);
        }
        match serde_json::from_slice::<Problem>(body) {
            Ok(problem) => Failure::Refused(Box::new(problem)),
            Err(error) => broken(&error.into()),
        }
    }
}

fn read(mut response: Response<Body>) -> Result<Vec<u8>, Failure> {
    let body = response.body_mut().with_config().limit(MAX_ANSWER);
    body.read_to_vec().map_err(|error| broken(&error.into_io()))
}

/// Hands over each line up to `most` bytes without its end, until nobody wants one, and why there are
/// no more if they do not just end.
fn read_lines(
    body: impl Read,
    most: usize,
    mut tell: impl FnMut(Result<Vec<u8>, Failure>) -> bool,
) {
    let mut reader = BufReader::new(body);
    loop {
        let mut text = Vec::new();
        let mut limited = reader.by_ref().take(most as u64 + 1);
        let line = match limited.read_until(b'\n', &mut text) {
            Ok(0) => return,
            Ok(_) if text.ends_with(b"\n") => {
                text.pop();
                Ok(text)
            }
            Ok(_) => Err(broken(&io::Error::other("a line of it has no end"))),
            Err(error) => Err(broken(&error)),
        };
        let last = line.is_err();
        if !tell(line) || last {
            return;
        }
    }
}

fn broken(error: &io::Error) -> Failure {
    Failure::No(format!(
        "the node's answer makes no sense ({error}): it stopped while answering, or is of another \
         version than this program"
    ))
}

#[cfg(test)]
mod tests;
