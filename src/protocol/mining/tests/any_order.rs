//! Whatever happens in whatever order.

use super::*;

/// So far the parent of all templates is ahead of the clock at first.
const PARENT_AHEAD_MS: u64 = 5_000;

#[derive(Debug, Clone)]
enum Event {
    Asked,
    GaveUp(prop::sample::Index),
    Template,
    Found {
        stale: bool,
    },
    Exhausted {
        stale: bool,
    },
    Judged(u8),
    TipMoved,
    BetterSeen,
    OpenChanged(usize),
    ModeSet(Mode),
    Tick(u64),
    /// Somebody sets the clock: so many minutes from the right time, and others say so or not.
    ClockSet(i16, bool),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        3 => Just(Event::Asked),
        1 => any::<prop::sample::Index>().prop_map(Event::GaveUp),
        1 => mode().prop_map(Event::ModeSet),
        6 => Just(Event::Template),
        4 => any::<bool>().prop_map(|stale| Event::Found { stale }),
        1 => any::<bool>().prop_map(|stale| Event::Exhausted { stale }),
        4 => (0u8..6).prop_map(Event::Judged),
        2 => Just(Event::TipMoved),
        2 => Just(Event::BetterSeen),
        2 => (0usize..3).prop_map(Event::OpenChanged),
        4 => (1u64..1_500).prop_map(Event::Tick),
        1 => (-2_000i16..2_000, any::<bool>()).prop_map(|(to, told)| Event::ClockSet(to, told)),
    ];
    vec(event, 0..120)
}

/// What the shell knows: the searches it runs, the answers it owes.
struct Shell {
    mining: Mining,
    mode: Mode,
    now: Now,
    own: OwnClock,
    template: Template,
    templates_asked: usize,
    running: Option<JobId>,
    last_job: Option<JobId>,
    /// Parts of which templates were searched; these differ in their timestamps only.
    searched: BTreeSet<(Timestamp, u16)>,
    judging: Option<Block>,
    owed: BTreeSet<u64>,
    requests: u64,
    open: usize,
    /// Since when nothing is done though a block is wanted.
    idle_since: Option<SteadyTime>,
}

impl Shell {
    fn new(mode: Mode, template: Template) -> Self {
        let mut shell = Self {
            mining: Mining::new(mode, MAX_AHEAD_MS),
            mode,
            now: BEGUN,
            own: OwnClock::UNKNOWN,
            template,
            templates_asked: 0,
            running: None,
            last_job: None,
            searched: BTreeSet::new(),
            judging: None,
            owed: BTreeSet::new(),
            requests: 0,
            open: 0,
            idle_since: None,
        };
        let effects = shell.mining.start();
        shell.carry_out(effects);
        shell
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::GetTemplate => {
                    self.templates_asked += 1;
                    assert_eq!(self.templates_asked, 1, "two templates asked for at once");
                }
                Effect::Search(job, template, part) => {
                    assert!(
                        self.searched.insert((template.header.timestamp, part.0)),
                        "the same nonces again"
                    );
                    assert!(
                        self.last_job.is_none_or(|last| last < job),
                        "a job comes again"
                    );
                    assert_eq!(self.judging, None, "a search while a block is judged");
                    (self.running, self.last_job) = (Some(job), Some(job));
                }
                Effect::Stop => {
                    assert!(self.running.take().is_some(), "nothing to stop");
                }
                Effect::Submit(block) => {
                    assert_eq!(self.judging, None, "two blocks judged at once");
                    // What found it has ended by itself.
                    self.running = None;
                    self.judging = Some(block);
                }
                Effect::Tell(_) => {}
                Effect::Answer(request, _) => {
                    assert!(self.owed.remove(&request.0), "{request:?} is owed nothing");
                }
            }
        }
        assert_eq!(self.mining.is_searching(), self.running.is_some());
    }

    fn wanted(&self) -> bool {
        let by_mode = match self.mode {
            Mode::OnCommand => false,
            Mode::WhenPending => self.open > 0,
            Mode::Always => true,
        };
        by_mode || !self.owed.is_empty()
    }

    fn happens(&mut self, event: Event) {
        let mining = &mut self.mining;
        let effects = match event {
            Event::Asked => {
                let request = self.requests + 1;
                let Some(effects) = mining.asked(Request(request)) else {
                    assert_eq!(self.owed.len(), MAX_WAITING);
                    return;
                };
                self.requests = request;
                self.owed.insert(request);
                effects
            }
            Event::GaveUp(which) if !self.owed.is_empty() => {
                let at = which.index(self.owed.len());
                let request = *self.owed.iter().nth(at).unwrap();
                self.owed.remove(&request);
                mining.gave_up(Request(request))
            }
            Event::Template if self.templates_asked > 0 => {
                self.templates_asked = 0;
                // The timestamp of a block whose parent is ahead of the clock.
                let ahead = START.plus_ms(PARENT_AHEAD_MS);
                self.template.header.timestamp = self.now.wall.max(ahead);
                mining.template(self.template.clone(), self.now, self.own)
            }
            Event::Found { stale: true } => {
                // Of a job before the one that runs, or of one that was stopped.
                let old = self.last_job.map_or(0, |job| job.0);
                let old = if self.running.is_some() {
                    old.saturating_sub(1)
                } else {
                    old
                };
                let effects = mining.found(JobId(old), 7);
                assert_eq!(effects, [], "an old job's nonce was taken");
                effects
            }
            Event::Found { stale: false } if self.running.is_some() => {
                let effects = mining.found(self.running.unwrap(), 7);
                assert!(
                    matches!(effects[..], [Effect::Submit(_)]),
                    "a nonce was lost"
                );
                effects
            }
            Event::Exhausted { stale } => {
                let last = self.last_job.map_or(0, |job| job.0);
                mining.exhausted(JobId(last.saturating_sub(u64::from(stale))))
            }
            Event::Judged(outcome) if self.judging.is_some() => {
                let block = self.judging.take().unwrap();
                let outcome = match outcome {
                    0 => BlockOutcome::LostRace,
                    1 => BlockOutcome::Busy,
                    4 => BlockOutcome::Held,
                    2 => BlockOutcome::Fault(PeerFault::NoWork(block.id())),
                    _ => BlockOutcome::Accepted,
                };
                let ends = matches!(outcome, BlockOutcome::Accepted | BlockOutcome::Fault(_));
                let owed = self.owed.len();
                let effects = mining.judged(&block, &outcome, self.now.steady);
                self.carry_out(effects);
                assert_eq!(self.owed.len(), owed - usize::from(ends && owed > 0));
                return;
            }
            Event::TipMoved => mining.tip_moved(),
            Event::BetterSeen => mining.better_seen(self.now.steady),
            Event::OpenChanged(open) => {
                self.open = open;
                mining.open_changed(open)
            }
            Event::ModeSet(mode) => {
                self.mode = mode;
                mining.set_mode(mode)
            }
            Event::Tick(ms) => {
                self.now = self.now.plus_ms(ms);
                mining.tick(self.now.steady)
            }
            Event::ClockSet(minutes, told) => {
                let right = START.plus_ms(self.now.steady.since(STARTED));
                let off_ms = i64::from(minutes) * 60_000;
                self.now.wall = Timestamp(right.0.saturating_add_signed(off_ms));
                // A clock that goes back may give a header of long ago again: known is only the last one.
                let last = self.template.header.timestamp;
                self.searched.retain(|(timestamp, _)| *timestamp == last);
                self.own = match told {
                    true => others_say(right, self.now),
                    false => OwnClock::UNKNOWN,
                };
                return;
            }
            _ => return,
        };
        self.carry_out(effects);
    }

    fn check(&mut self) {
        if !self.wanted() {
            assert_eq!(self.running, None, "a search that nobody wants");
        }
        let busy = self.running.is_some() || self.templates_asked > 0 || self.judging.is_some();
        if busy || !self.wanted() {
            self.idle_since = None;
        } else {
            // Nothing goes on: it rests, and no longer than it may (the clock only moves in ticks,
            // which wake it).
            let since = *self.idle_since.get_or_insert(self.now.steady);
            assert!(
                self.now.steady.since(since) < REST_MS,
                "it rests for too long"
            );
        }
    }
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![
        Just(Mode::OnCommand),
        Just(Mode::WhenPending),
        Just(Mode::Always)
    ]
}

#[test]
fn whatever_happens_in_whatever_order() {
    let template = template();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(3_000));
    runner
        .run(&(mode(), events()), |(mode, events)| {
            let mut shell = Shell::new(mode, template.clone());
            shell.check();
            for event in events {
                shell.happens(event);
                shell.check();
            }
            // Everybody who still waits is answered once nothing disturbs.
            for _ in 0..4 * MAX_WAITING {
                for event in [
                    Event::Tick(REST_MS),
                    Event::Template,
                    Event::Template,
                    Event::Found { stale: false },
                    Event::Judged(5),
                ] {
                    shell.happens(event);
                    shell.check();
                }
            }
            prop_assert!(shell.owed.is_empty(), "{:?} wait for ever", shell.owed);
            Ok(())
        })
        .unwrap();
}
