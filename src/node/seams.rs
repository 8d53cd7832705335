//! What a node takes from outside: a real one from the machine it runs on, a simulated one from its
//! world.

use super::{panics, phase};
use crate::actors::{Fatal, Search};
use crate::chain::application::Application;
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::logging::Names;
use crate::net::Transport;
use crate::readable::Typed;
use crate::settings::Setting;
use crate::store::Disk;
use crate::verifier::Verifier;
use actix::{Actor, Addr, Arbiter, AsyncContext, Context};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Everything that a node does not do by itself.
pub(crate) struct Seams {
    /// What it keeps.
    pub(crate) disk: Arc<dyn Disk>,
    /// What time it is.
    pub(crate) clock: Arc<dyn Clock>,
    /// Chance.
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Connections.
    pub(crate) transport: Arc<dyn Transport>,
    /// Checks signatures.
    pub(crate) verifier: Arc<dyn Verifier>,
    /// Makes a search for nonces on so many threads.
    pub(crate) search: Box<dyn Fn(u16) -> Box<dyn Search>>,
    /// Whether actors that work hard get threads of their own.
    pub(crate) threads: bool,
    /// The applications at hand, of which the network uses those that its genesis names.
    pub(crate) applications: Vec<Arc<dyn Application>>,
    /// Who says what its settings are, for its owner to look at; nothing where there is no settings file.
    pub(crate) said: Vec<Setting>,
    /// Makes the commands in what it tells its owner such that they work when typed.
    pub(crate) typed: Typed,
    /// Ends the node.
    pub(crate) fatal: Fatal,
    /// Told who is called what, for what is written down.
    pub(crate) names: Names,
    /// Whether a tracker asks those for work whom nobody invited.
    pub(crate) registering_costs: bool,
    /// Connections that may be open at a time, as far as the system is concerned.
    pub(crate) connections: usize,
}

impl Seams {
    /// A place for an actor that works hard. Its thread is started here, if it gets one.
    pub(super) fn place(&self) -> Place {
        match self.threads {
            true => Place::Thread(Arbiter::new(), self.fatal.clone()),
            false => Place::Here,
        }
    }
}

/// Where an actor lives.
pub(super) enum Place {
    /// On a thread of its own; a panic there ends the node.
    Thread(Arbiter, Fatal),
    /// On the thread that starts it.
    Here,
}

impl Place {
    /// Starts `actor` there.
    pub(super) fn start<A>(&self, actor: A) -> Addr<A>
    where
        A: Actor<Context = Context<A>> + Send,
    {
        self.start_with(move |_| actor)
    }

    /// Starts there what is made with its own address.
    pub(super) fn start_with<A>(&self, make: impl FnOnce(Addr<A>) -> A + Send + 'static) -> Addr<A>
    where
        A: Actor<Context = Context<A>>,
    {
        match self {
            Self::Thread(arbiter, fatal) => {
                let fatal = fatal.clone();
                A::start_in_arbiter(&arbiter.handle(), move |ctx| {
                    panics::belongs_to(&fatal);
                    make(ctx.address())
                })
            }
            Self::Here => A::create(|ctx| make(ctx.address())),
        }
    }

    /// Ends the thread, and waits for its end: the process must not end under a thread that works with
    /// the database.
    pub(super) async fn end(self, name: &'static str) {
        let Self::Thread(arbiter, _) = self else {
            return;
        };
        arbiter.stop();
        let (ended, end) = oneshot::channel();
        // Not a task of the runtime, which would wait for it without a deadline.
        std::thread::spawn(move || {
            // A thread that panicked has ended the process already.
            let _ = arbiter.join();
            // Nobody waits for it after the deadline.
            let _ = ended.send(());
        });
        phase(name, async {
            // Dropped only after the thread has ended.
            let _ = end.await;
        })
        .await;
    }
}
