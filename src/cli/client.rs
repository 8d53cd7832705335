//! The client of a running node's API.

use super::args::Page;
use super::failure::Failure;
use super::invocation::Invocation;
use crate::http::{ApiFile, ApiFileError, Problem};
use crate::settings::Settings;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;
use ureq::http::Response;
use ureq::{Agent, Body};

/// How long the node may take to take a connection: it is on this machine.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an answer that is a matter of milliseconds may take: a busy disk included.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Largest answer, in bytes: the largest block with every byte told in a few characters.
const MAX_ANSWER: u64 = 64 * 1024 * 1024;

/// Longest line of an answer in lines, in bytes.
const MAX_LINE: u64 = 64 * 1024;

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
    base: String,
    authorization: String,
    kind: NodeKind,
    data_dir: PathBuf,
    patience: Option<Duration>,
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
        // The token is for the node alone: no proxy of the environment, no redirection.
        let agent = Agent::config_builder()
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .build()
            .new_agent();
        Ok(Self {
            agent,
            base: format!("http://{}", file.address),
            authorization: format!("Bearer {}", file.token),
            kind: match settings {
                Settings::Peer(_) => NodeKind::Peer,
                Settings::Tracker(_) => NodeKind::Tracker,
            },
            data_dir: settings.data_dir().to_owned(),
            patience: None,
            not_running,
        })
    }

    /// Lets what is to be done take so long at most; otherwise it may take as long as it takes.
    pub fn with_patience(self, patience: Duration) -> Self {
        Self {
            patience: Some(patience),
            ..self
        }
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

    /// Reads what is at a path; `query` are names and values, which may be anything.
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
            .query_pairs(query.iter().copied())
            .config()
            .timeout_global(Some(ANSWER_TIMEOUT))
            .build();
        self.answer(request.call())
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
        let sent = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("Authorization", &self.authorization)
            .config()
            .timeout_global(self.patience)
            .build()
            .send_json(request);
        self.answer(sent)
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
        let sent = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("Authorization", &self.authorization)
            .header("Idempotency-Key", key)
            .config()
            .timeout_global(self.patience)
            .build()
            .send_json(request);
        self.answer(sent)
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
        let request = self
            .agent
            .get(format!("{}{path}", self.base))
            .header("Authorization", &self.authorization);
        let response = self.accepted(request.call())?;
        let mut reader = BufReader::new(response.into_body().into_reader());
        loop {
            let mut text = String::new();
            let read = reader.by_ref().take(MAX_LINE).read_line(&mut text);
            if read.map_err(|error| broken(&error))? == 0 {
                return Ok(());
            }
            line(serde_json::from_str(&text).map_err(|error| broken(&error.into()))?)?;
        }
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
        let response = self.accepted(request.call())?;
        let mut reader = BufReader::new(response.into_body().into_reader());
        let mut text = Vec::new();
        loop {
            text.clear();
            let mut limited = reader.by_ref().take(most as u64 + 1);
            let read = limited.read_until(b'\n', &mut text);
            if read.map_err(|error| broken(&error))? == 0 {
                return Ok(());
            }
            match text.strip_suffix(b"\n") {
                Some(text) => line(text)?,
                None => return Err(broken(&io::Error::other("a line of it has no end"))),
            }
        }
    }

    fn answer<T: DeserializeOwned>(
        &self,
        sent: Result<Response<Body>, ureq::Error>,
    ) -> Result<T, Failure> {
        let body = read(self.accepted(sent)?)?;
        serde_json::from_slice(&body).map_err(|error| broken(&error.into()))
    }

    /// The response, if it is an answer.
    fn accepted(
        &self,
        sent: Result<Response<Body>, ureq::Error>,
    ) -> Result<Response<Body>, Failure> {
        let response = sent.map_err(|error| match error {
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => self
                .not_running
                .because("nobody listens where its last run did"),
            error => Failure::NoAnswer(format!(
                "the node did not answer ({error}): it may be stopping, and what was asked may be \
                 done or not. Once it answers again, `{}` shows what was sent; the same sent again is \
                 recognised",
                self.invocation().line("history")
            )),
        })?;
        let status = response.status().as_u16();
        if status == 200 {
            return Ok(response);
        }
        if status == UNAUTHORIZED {
            return Err(self
                .not_running
                .because("what listens where its last run did does not know its token"));
        }
        let body = read(response)?;
        let problem: Problem =
            serde_json::from_slice(&body).map_err(|error| broken(&error.into()))?;
        Err(Failure::Refused(Box::new(problem)))
    }
}

fn read(mut response: Response<Body>) -> Result<Vec<u8>, Failure> {
    let body = response.body_mut().with_config().limit(MAX_ANSWER);
    body.read_to_vec().map_err(|error| broken(&error.into_io()))
}

fn broken(error: &io::Error) -> Failure {
    Failure::No(format!(
        "the node's answer makes no sense ({error}): it stopped while answering, or is of another \
         version than this program"
    ))
}

#[cfg(test)]
mod tests;
