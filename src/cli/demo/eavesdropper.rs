//! The process that listens in on the demo, as the demo sees it.

use super::eavesdrop::{Forged, Forgery, Found, Order, Sought};
use serde::de::DeserializeOwned;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// It runs; dropping it ends it.
#[derive(Debug)]
pub(super) struct Eavesdropper {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Eavesdropper {
    /// Starts `executable eavesdrop` on the lines to these nodes, and returns where others are to dial
    /// them instead, in the same order. In a process group of its own, as all processes of the demo.
    pub(super) fn start(
        executable: &Path,
        targets: &[SocketAddr],
    ) -> io::Result<(Self, Vec<SocketAddr>)> {
        let mut child = Command::new(executable)
            .arg("eavesdrop")
            .args(targets.iter().map(SocketAddr::to_string))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let (orders, answers) = (child.stdin.take(), child.stdout.take());
        let (Some(orders), Some(answers)) = (orders, answers) else {
            return Err(io::Error::other("a process has no pipes"));
        };
        let mut eavesdropper = Self {
            child,
            orders,
            answers: BufReader::new(answers),
        };
        let lines: Vec<SocketAddr> = serde_json::from_str(&eavesdropper.answer()?)?;
        Ok((eavesdropper, lines))
    }

    /// Its process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Has it look for something in all that it has, or says why it could not.
    pub(super) fn look(&mut self, sought: Sought) -> Result<Found, String> {
        self.order(&Order::Look(sought))
    }

    /// Has it forge votes, or says why it could not.
    pub(super) fn forge(&mut self, forgery: Forgery) -> Result<Forged, String> {
        self.order(&Order::Forge(forgery))
    }

    fn order<T: DeserializeOwned>(&mut self, order: &Order) -> Result<T, String> {
        let told = |error: io::Error| format!("the process that listens in: {error}");
        let order = serde_json::to_string(order).map_err(|error| told(error.into()))?;
        writeln!(self.orders, "{order}").map_err(told)?;
        let answer = self.answer().map_err(told)?;
        serde_json::from_str(&answer).map_err(|error| told(error.into()))?
    }

    fn answer(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.answers.read_line(&mut line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line),
        }
    }
}

impl Drop for Eavesdropper {
    fn drop(&mut self) {
        // It has nothing to save; if it has ended already, there is nobody left to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
