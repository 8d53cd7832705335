//! The shell of mining with captured links: what is asked in which order, by which clock, and who hears it.

use super::*;
use crate::chain::testing::{Node, START, member, mine};
use crate::chain::{BlockId, Height};
use crate::clock::STARTED;
use crate::protocol::mining::{Mode, REFRESH_MS, REST_MS};
use crate::shell::testing::{HandClock, Outbound};
use futures_util::FutureExt;
use std::sync::Mutex;

/// How far ahead of a clock a block may be.
const MAX_AHEAD_MS: u64 = 6_000;

/// What searching threads were told, and how much they did.
#[derive(Default)]
struct Threads {
    order: Option<Order>,
    begun: usize,
    stopped: usize,
    tries: u64,
}

struct Searching(Arc<Mutex<Threads>>);

impl Search for Searching {
    fn begin(&mut self, order: Order) {
        let mut threads = self.0.lock().unwrap();
        threads.order = Some(order);
        threads.begun += 1;
    }

    fn stop(&mut self) {
        let mut threads = self.0.lock().unwrap();
        threads.order = None;
        threads.stopped += 1;
    }

    fn effort(&self) -> (u64, Duration) {
        let tries = self.0.lock().unwrap().tries;
        (tries, Duration::from_millis(tries))
    }
}

/// A miner, and everything that goes out of it.
struct Miner {
    shell: MinerShell,
    clock: Arc<HandClock>,
    threads: Arc<Mutex<Threads>>,
    ended: mpsc::Receiver<SearchEnded>,
    own_clock: Outbound<Ask<(), GetOwnClock>>,
    templates: Outbound<Ask<OwnClock, GetTemplate>>,
    blocks: Outbound<Ask<Block, SubmitMinedBlock>>,
    events: Outbound<Event>,
    ledger: Node,
}

impl Miner {
    fn new(mode: Mode) -> Self {
        let (clock, threads) = (HandClock::new(), Arc::<Mutex<Threads>>::default());
        let (sender, ended) = mpsc::channel(2);
        let (own_clock, templates) = (Outbound::new(), Outbound::new());
        let (blocks, events) = (Outbound::new(), Outbound::new());
        let parts = MinerParts {
            reward_to: member(1).public_key(),
            threads: 2,
            search: Box::new(Searching(threads.clone())),
            ended: sender,
            clock: clock.clone(),
            own_clock: Link::to(own_clock.clone(), 0),
            templates: Link::to(templates.clone(), 0),
            blocks: Link::to(blocks.clone(), 0),
            events: Link::to(events.clone(), 0),
        };
        let mut ledger = Node::new();
        ledger.now = START.plus_ms(1_000);
        Self {
            shell: MinerShell::new(Mining::new(mode, MAX_AHEAD_MS), parts),
            clock,
            threads,
            ended,
            own_clock,
            templates,
            blocks,
            events,
            ledger,
        }
    }

    fn template(&self) -> Template {
        let reward_to = member(1).public_key();
        let ledger = &self.ledger;
        let template = ledger.ledger.template(reward_to, &ledger.disk, ledger.now);
        template.unwrap()
    }

    /// Answers what the miner asks, until it searches.
    fn begin(&mut self) -> Template {
        let Some(Ask { token, .. }) = self.own_clock.take() else {
            panic!("it asks for the clocks first");
        };
        assert!(self.templates.take().is_none(), "and for the template then");
        let answer = OwnClock::UNKNOWN;
        self.shell.own_clock(Answered { token, answer });
        let Some(Ask { token, question }) = self.templates.take() else {
            panic!("it asks for a template");
        };
        assert_eq!(question.reward_to, member(1).public_key());
        let template = self.template();
        let answer = Ok(template.clone());
        self.shell.template(Answered { token, answer });
        template
    }

    /// A thread finds this for what it was told last.
    fn find(&mut self, nonce: u64) {
        let order = self.threads.lock().unwrap().order.take();
        (order.expect("it searches").done)(Some(nonce));
        let report = self.ended.try_recv().unwrap();
        self.shell.search_ended(report);
    }

    fn counts(&self) -> (usize, usize) {
        let threads = self.threads.lock().unwrap();
        (threads.begun, threads.stopped)
    }
}

#[test]
fn a_block_that_was_asked_for_is_answered_when_the_ledger_has_promised_it() {
    let mut miner = Miner::new(Mode::OnCommand);
    assert!(miner.own_clock.take().is_none(), "nobody wants a block");
    let answer = miner.shell.mine(MineBlock);
    let template = miner.begin();
    miner.clock.pass(700);
    // Somebody sets the wall clock: how long it took is told by the other one.
    miner.clock.set_wall(START.plus_ms(86_400_000));
    miner.threads.lock().unwrap().tries = 40;
    let solved = mine(template.solved(0));
    miner.find(solved.header.nonce);
    let Some(Ask { token, question }) = miner.blocks.take() else {
        panic!("it hands the block in");
    };
    assert_eq!((&token, &question.0), (&solved, &solved));
    assert!(!miner.shell.status(GetMinerStatus).running);
    let answer_before = answer;
    let outcome = BlockOutcome::Accepted;
    miner.shell.judged(Answered {
        token,
        answer: outcome,
    });
    let mined = answer_before.now_or_never().expect("it is judged").unwrap();
    assert_eq!((mined.id, mined.height), (solved.id(), Height(1)));
    assert_eq!((mined.tries, mined.elapsed_ms), (40, 700));
    assert_eq!(miner.shell.status(GetMinerStatus).blocks_mined, 1);
    assert!(miner.own_clock.take().is_none(), "one block was wanted");
    let (height, id) = (Height(1), solved.id());
    assert_eq!(
        miner.events.drain(),
        [
            Event::MiningBegun { height },
            Event::BlockFound { height, id },
            Event::MiningEnded
        ]
    );
}

#[test]
fn nobody_is_answered_before_the_block_is_judged() {
    let mut miner = Miner::new(Mode::OnCommand);
    let mut answer = Box::pin(miner.shell.mine(MineBlock));
    let template = miner.begin();
    let solved = mine(template.solved(0));
    miner.find(solved.header.nonce);
    assert_eq!((&mut answer).now_or_never(), None);
    let Some(Ask { token, .. }) = miner.blocks.take() else {
        panic!("it hands the block in");
    };
    assert_eq!((&mut answer).now_or_never(), None, "asked is not judged");
    let refused = BlockOutcome::Fault(crate::chain::PeerFault::InvalidParent(BlockId([0; 32])));
    miner.shell.judged(Answered {
        token,
        answer: refused,
    });
    let failed = (&mut answer).now_or_never().expect("it is judged");
    assert!(matches!(failed, Err(MineError::Invalid(_))), "{failed:?}");
}

#[test]
fn one_request_too_many_is_refused_at_once_and_whoever_hangs_up_makes_room() {
    let mut miner = Miner::new(Mode::OnCommand);
    let mut waiting: Vec<_> = (0..MAX_WAITING)
        .map(|_| Box::pin(miner.shell.mine(MineBlock)))
        .collect();
    for answer in &mut waiting {
        assert_eq!(answer.now_or_never(), None);
    }
    let refused = miner.shell.mine(MineBlock).now_or_never();
    let too_many = Err(MineError::TooManyWaiting(MAX_WAITING));
    assert_eq!(refused, Some(too_many));
    waiting.pop();
    miner.shell.tick();
    let mut again = Box::pin(miner.shell.mine(MineBlock));
    assert_eq!((&mut again).now_or_never(), None);
    // All hang up: nothing is searched for.
    let _ = miner.begin();
    assert!(miner.shell.status(GetMinerStatus).running);
    drop((waiting, again));
    miner.shell.tick();
    assert!(!miner.shell.status(GetMinerStatus).running);
    assert_eq!(miner.counts(), (1, 1));
}

#[test]
fn the_steady_clock_ends_a_rest_and_renews_a_job_whatever_the_wall_clock_says() {
    let mut miner = Miner::new(Mode::Always);
    let template = miner.begin();
    miner.clock.pass(REFRESH_MS - 1);
    miner.clock.set_wall(START.plus_ms(86_400_000));
    miner.shell.tick();
    assert!(miner.own_clock.take().is_none(), "a day passed on the wall");
    miner.clock.set_wall(crate::chain::Timestamp(0));
    miner.clock.pass(1);
    miner.shell.tick();
    assert!(miner.own_clock.take().is_some());
    // Somebody else was first: the search rests, and goes on when no body comes.
    miner.shell.better_seen(MiningComplete(template.header));
    assert_eq!(miner.counts(), (1, 1));
    miner.clock.pass(REST_MS - 1);
    miner.clock.set_wall(START.plus_ms(86_400_000));
    miner.shell.tick();
    assert!(!miner.shell.status(GetMinerStatus).running);
    miner.clock.pass(1);
    miner.shell.tick();
    assert!(miner.clock.steady() > STARTED);
    // The template that was on its way may be out of date: another is asked for.
    let token = ();
    let answer = OwnClock::UNKNOWN;
    miner.shell.own_clock(Answered { token, answer });
    let Some(Ask { token, .. }) = miner.templates.take() else {
        panic!("it asks for a template");
    };
    let answer = Ok(miner.template());
    miner.shell.template(Answered { token, answer });
    assert_eq!(miner.counts().0, 1, "a template of before is not searched");
    let _ = miner.begin();
    assert_eq!(miner.counts().0, 2);
}

#[test]
fn who_waits_hears_that_the_node_stops_and_no_thread_goes_on() {
    let mut miner = Miner::new(Mode::OnCommand);
    let answer = miner.shell.mine(MineBlock);
    let _ = miner.begin();
    miner.shell.stop(StopMining);
    assert_eq!(answer.now_or_never(), Some(Err(MineError::Stopping)));
    assert!(miner.threads.lock().unwrap().order.is_none());
    let stopped = miner.counts().1;
    let threads = miner.threads.clone();
    drop(miner);
    assert_eq!(threads.lock().unwrap().stopped, stopped + 1);
}

#[test]
fn once_stopped_it_never_begins_again() {
    let mut miner = Miner::new(Mode::Always);
    miner.begin();
    let waits = miner.shell.mine(MineBlock);
    miner.shell.stop(StopMining);
    assert!(matches!(
        waits.now_or_never(),
        Some(Err(MineError::Stopping))
    ));
    // A block of somebody, a transaction, the time for another template, and whoever asks all the same.
    miner.shell.tip_moved(TipMoved);
    miner.shell.open_changed(OpenChanged { open: 1 });
    miner.clock.pass(REFRESH_MS);
    miner.shell.tick();
    let late = miner.shell.mine(MineBlock).now_or_never();
    assert!(matches!(late, Some(Err(MineError::Stopping))));
    assert!(miner.own_clock.take().is_none(), "it asks for a template");
    let threads = miner.threads.lock().unwrap();
    assert_eq!((threads.begun, threads.order.is_some()), (1, false));
}
