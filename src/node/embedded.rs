//! A node within another program: on a thread of its own, with the same handle for its owner's wishes that the
//! API over HTTP has.

use super::opening;
use super::orders::Orders;
use super::panics;
use super::stage::{Stage, Staged};
use super::wallet::{self, Asking};
use super::{RunError, peer, tracker};
use crate::actors::fatal_channel;
use crate::chain::application::Application;
use crate::owner::{Owned, Peer, StopOrder, Tracker, Waiting};
use crate::settings::{Settings, SettingsError, environment};
use crate::store::{Role, SlowDisk};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Neither settings nor a file of them were given.
    #[error("this node has no settings: name their file, or give them")]
    NoSettings,
    /// The settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The node.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Why a node is not ready.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// It has ended: [`Node::stop`] says why.
    #[error("the node has ended")]
    Ended,
    /// It runs, and is on no network yet.
    #[error("the node is on no network yet: {0}")]
    NotYet(String),
}

/// Settings, from which a node is started.
#[derive(Default)]
#[must_use = "nothing runs before `start`"]
pub struct NodeBuilder {
    settings: Option<Settings>,
    file: Option<PathBuf>,
    applications: Vec<Arc<dyn Application>>,
    sync_delay: Duration,
}

impl NodeBuilder {
    /// The settings in this file, with the variables of the environment on top of it.
    pub fn settings_file(self, path: impl AsRef<Path>) -> Self {
        Self {
            file: Some(path.as_ref().to_owned()),
            ..self
        }
    }

    /// These settings, instead of a file.
    pub fn settings(self, settings: Settings) -> Self {
        Self {
            settings: Some(settings),
            ..self
        }
    }

    /// Has the node judge the records of a topic by this application, in networks whose genesis names the topic.
    /// Every peer of such a network needs the same one. It takes the place of one with the same topic that comes
    /// with the program.
    pub fn application(mut self, application: impl Application + 'static) -> Self {
        self.applications.push(Arc::new(application));
        self
    }

    /// Lets each synced write take so much longer than the disk needs: to see what a node does on a slow one.
    pub fn sync_delay(self, longer: Duration) -> Self {
        Self {
            sync_delay: longer,
            ..self
        }
    }

    /// Starts the node on a thread of its own, and waits until its owner can ask it things. Whether it is on a
    /// network by then is another question: see [`Node::wait_until_ready`].
    ///
    /// # Errors
    /// [`StartError`], with what `node` would print.
    pub fn start(self) -> Result<Node, StartError> {
        let settings = match (self.settings, self.file) {
            (Some(settings), _) => settings,
            (None, Some(file)) => Settings::load(&file, environment())?,
            (None, None) => return Err(StartError::NoSettings),
        };
        let stop = StopOrder::default();
        let extras = Extras {
            applications: self.applications,
            sync_delay: self.sync_delay,
        };
        let (stage, staged) = Stage::begin();
        let order = stop.clone();
        let thread = thread::Builder::new()
            .name("raclette".to_owned())
            .spawn(move || live(settings, extras, order, &stage))
            .map_err(|source| RunError::System {
                what: "a thread for the node",
                source,
            })?;
        let node = Node {
            stop,
            staged,
            thread: Some(thread),
        };
        match node.staged.first() {
            Some(_) => Ok(node),
            None => {
                node.stop()?;
                Err(RunError::Fatal("the node has ended at its start".into()).into())
            }
        }
    }
}

/// A node that runs within this program.
///
/// What it does for its owner are `async` functions of [`Peer`] and [`Tracker`], which are cheap to clone, can
/// be asked from any thread and need no particular runtime: [`block_on`](Self::block_on) waits for one where
/// there is none. The node also answers on its local API, as its settings say, so that commands work on it.
///
/// It sets up no log: what it does it tells by `tracing`, to whatever subscriber the program has. It listens to
/// no signals: it runs until [`stop`](Self::stop), or until it is dropped, which stops it as well. A panic within
/// it ends it, not the program.
///
/// ```no_run
/// use raclette::owner::answers::SendRequest;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = raclette::Node::builder().settings_file("alice.toml").start()?;
/// node.wait_until_ready(Duration::from_secs(30))?;
/// let alice = node.peer().ok_or("alice.toml is a peer's")?;
///
/// let wish = SendRequest::coins("bob", 5).with_note("for the raclette");
/// // The same key sends once, however often it is asked for: a lost answer can be asked for again.
/// let sent = node.block_on(alice.send(&wish, Some("dinner-2026-11-26")))?;
/// println!("{} is on its way to bob", sent.id);
///
/// node.stop()?;
/// # Ok(())
/// # }
/// ```
pub struct Node {
    stop: StopOrder,
    staged: Staged,
    /// `None` once it was waited for.
    thread: Option<JoinHandle<Result<(), RunError>>>,
}

impl Node {
    /// What a node is to be started from.
    pub fn builder() -> NodeBuilder {
        NodeBuilder::default()
    }

    /// What speaks for it at this moment: a node that waits for its wallet becomes a peer or a tracker.
    pub fn owned(&self) -> Option<Owned> {
        self.staged.now()
    }

    /// What speaks for it, if it is a peer that has its wallet.
    pub fn peer(&self) -> Option<Peer> {
        match self.owned() {
            Some(Owned::Peer(peer)) => Some(peer),
            _ => None,
        }
    }

    /// What speaks for it, if it is a tracker that has its wallet.
    pub fn tracker(&self) -> Option<Tracker> {
        match self.owned() {
            Some(Owned::Tracker(tracker)) => Some(tracker),
            _ => None,
        }
    }

    /// What speaks for it, if it waits for its wallet.
    pub fn waiting(&self) -> Option<Waiting> {
        match self.owned() {
            Some(Owned::Waiting(waiting)) => Some(waiting),
            _ => None,
        }
    }

    /// Waits until it has its wallet and, if it is a peer, is on its network: then everything can be asked of
    /// it. That takes milliseconds, or until the tracker is there. Blocks this thread.
    ///
    /// # Errors
    /// [`NotReady`].
    pub fn wait_until_ready(&self, patience: Duration) -> Result<(), NotReady> {
        if self.staged.ready_within(patience) {
            return Ok(());
        }
        match self.owned() {
            None => Err(NotReady::Ended),
            Some(Owned::Waiting(waiting)) => Err(NotReady::NotYet(waiting.status().waiting)),
            Some(Owned::Tracker(_)) => Err(NotReady::NotYet("it is starting".to_owned())),
            Some(Owned::Peer(peer)) => Err(NotReady::NotYet(peer.why_waiting())),
        }
    }

    /// Waits for what was asked, on this thread. For programs without a runtime; those with one await.
    pub fn block_on<T>(&self, asked: impl Future<Output = T>) -> T {
        struct Unpark(Thread);
        impl Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        let mut asked = pin!(asked);
        loop {
            match asked.as_mut().poll(&mut context) {
                Poll::Ready(answer) => return answer,
                Poll::Pending => thread::park(),
            }
        }
    }

    /// Stops it in order, and waits for its end: what it has confirmed is saved. Blocks this thread, for seconds
    /// at the most.
    ///
    /// # Errors
    /// Why it had ended by itself, or what failed on the way.
    pub fn stop(mut self) -> Result<(), RunError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), RunError> {
        self.stop.give();
        let panicked = |_| Err(RunError::Fatal("the node has panicked".into()));
        match self.thread.take() {
            Some(thread) => thread.join().unwrap_or_else(panicked),
            None => Ok(()),
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::warn!(%error, "a node that was dropped has failed");
        }
    }
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").finish_non_exhaustive()
    }
}

/// What a program gives its node beside the settings.
struct Extras {
    applications: Vec<Arc<dyn Application>>,
    sync_delay: Duration,
}

/// The life of a node, on its thread.
fn live(
    settings: Settings,
    extras: Extras,
    stop: StopOrder,
    stage: &Stage,
) -> Result<(), RunError> {
    let (fatal, heard) = fatal_channel();
    panics::end_their_node();
    panics::belongs_to(&fatal);
    let orders = Orders::of_a_program(heard, stop);
    match settings {
        Settings::Peer(settings) => {
            let mut seams = opening::seams(&settings.data_dir, Role::Peer, fatal)?;
            // The first with its topic is taken.
            seams.applications.splice(0..0, extras.applications);
            if !extras.sync_delay.is_zero() {
                seams.disk = Arc::new(SlowDisk::new(seams.disk, extras.sync_delay));
            }
            let secret = wallet::open(&settings.wallet, &seams, Asking::Nobody)?;
            actix::System::new().block_on(peer::run(settings, seams, secret, orders, stage))
        }
        Settings::Tracker(settings) => {
            let seams = opening::seams(&settings.data_dir, Role::Tracker, fatal)?;
            let secret = wallet::open(&settings.wallet, &seams, Asking::Nobody)?;
            actix::System::new().block_on(tracker::run(settings, seams, secret, orders, stage))
        }
    }
}
