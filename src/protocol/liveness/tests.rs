use super::*;
use crate::clock::STARTED;
use crate::protocol::registry::TICK_MS;
use proptest::prelude::*;

const ALICE: MemberId = MemberId(1);
const LIVE: Standing = Standing {
    live: true,
    reachable: true,
};
const INSIDE: Standing = Standing {
    live: true,
    reachable: false,
};
const OFFLINE: Standing = Standing {
    live: false,
    reachable: false,
};

/// Members as they are, and what the machine makes of them.
struct World {
    liveness: Liveness,
    now: SteadyTime,
    /// Session of each, whether it answers there, and whether its door is open.
    members: BTreeMap<MemberId, (Option<SessionId>, bool, bool)>,
    visits: Vec<MemberId>,
    given_up: Vec<SessionId>,
    sessions: u64,
}

impl World {
    fn new(count: u32) -> Self {
        let mut liveness = Liveness::new(1);
        let mut members = BTreeMap::new();
        for id in (1..=count).map(MemberId) {
            liveness.watch(id, true);
            members.insert(id, (None, true, true));
        }
        Self {
            liveness,
            now: STARTED,
            members,
            visits: Vec::new(),
            given_up: Vec::new(),
            sessions: 0,
        }
    }

    fn register(&mut self, id: MemberId) -> SessionId {
        self.sessions += 1;
        let session = SessionId(self.sessions);
        if let Some(member) = self.members.get_mut(&id) {
            member.0 = Some(session);
        }
        self.liveness.attached(id, session, true);
        session
    }

    fn set_answers(&mut self, id: MemberId, answers: bool) {
        self.members.get_mut(&id).unwrap().1 = answers;
    }

    fn set_door(&mut self, id: MemberId, open: bool) {
        self.members.get_mut(&id).unwrap().2 = open;
    }

    /// Its session ends.
    fn cut(&mut self, id: MemberId, farewell: bool) {
        if let Some(session) = self.members.get_mut(&id).unwrap().0.take() {
            self.liveness.detached(id, session, farewell);
        }
    }

    /// Ticks; sessions that answer do so at once.
    fn tick(&mut self, ms: u64) -> Asks {
        self.now = self.now.plus_ms(ms);
        let asks = self.liveness.tick(self.now);
        for session in &asks.give_up {
            self.given_up.push(*session);
            for member in self.members.values_mut() {
                member.0 = member.0.filter(|own| own != session);
            }
        }
        let members = self.members.clone();
        for (id, (session, answers, _)) in members {
            if let Some(session) = session.filter(|s| answers && asks.challenge.contains(s)) {
                self.liveness.answered(id, session, asks.number);
            }
        }
        for id in &asks.dial_back {
            assert!(!self.visits.contains(id), "visited by two at a time");
            self.visits.push(*id);
        }
        assert!(self.visits.len() <= MAX_DIALS);
        asks
    }

    fn end_visits(&mut self) {
        for id in std::mem::take(&mut self.visits) {
            let open = self.members[&id].2;
            self.liveness.dialled_back(id, open);
        }
    }

    /// Lets time pass; visits end at once.
    fn pass(&mut self, ms: u64) {
        let end = self.now.plus_ms(ms);
        while self.now < end {
            self.tick(TICK_MS);
            self.end_visits();
        }
    }

    /// Lets time pass until this is how the member stands; how long that took.
    fn until(&mut self, id: MemberId, standing: Standing) -> u64 {
        let since = self.now;
        while self.liveness.standing(id) != standing {
            self.pass(TICK_MS);
            assert!(self.now.since(since) < 3_600_000, "never {standing:?}");
        }
        self.now.since(since)
    }
}

#[test]
fn who_registers_is_live_at_once_and_reachable_after_a_visit() {
    let mut world = World::new(0);
    world.liveness.watch(ALICE, true);
    world.members.insert(ALICE, (None, true, true));
    assert_eq!(world.liveness.standing(ALICE), OFFLINE);
    world.register(ALICE);
    assert_eq!(world.liveness.standing(ALICE), INSIDE);
    let asks = world.tick(TICK_MS);
    assert_eq!((asks.dial_back, asks.challenge), (vec![ALICE], vec![]));
    world.end_visits();
    assert_eq!(world.liveness.standing(ALICE), LIVE);
    assert_eq!(world.liveness.take_changed(), BTreeSet::from([ALICE]));
    world.pass(10 * LONGEST_PAUSE_MS);
    assert!(world.liveness.take_changed().is_empty(), "no news, no word");
}

#[test]
fn every_session_is_challenged_once_a_round() {
    let mut world = World::new(3);
    for id in 1..=3 {
        world.register(MemberId(id));
    }
    let mut challenged = Vec::new();
    for _ in 0..4 * ROUND_MS / TICK_MS {
        challenged.extend(world.tick(TICK_MS).challenge);
        world.end_visits();
    }
    challenged.sort();
    let each_four_times: Vec<_> = (1..=3).flat_map(|n| [SessionId(n); 4]).collect();
    // The first round begins with the registration.
    assert!(
        each_four_times.starts_with(&challenged[..3]),
        "{challenged:?}"
    );
    assert!((9..=12).contains(&challenged.len()), "{challenged:?}");
}

#[test]
fn a_session_that_does_not_answer_is_given_up_and_two_misses_make_offline() {
    let mut world = World::new(1);
    let session = world.register(ALICE);
    world.pass(ROUND_MS / 2);
    // From now on there is only silence.
    world.set_answers(ALICE, false);
    world.set_door(ALICE, false);
    let since = world.now;
    while world.given_up.is_empty() {
        world.pass(TICK_MS);
    }
    assert_eq!(world.given_up, [session]);
    assert!(world.now.since(since) <= 2 * ROUND_MS);
    assert!(world.liveness.standing(ALICE).live, "one miss is none");
    let took = world.until(ALICE, OFFLINE);
    assert!(took <= ROUND_MS + SHORTEST_PAUSE_MS, "{took}");
}

#[test]
fn who_is_killed_is_offline_within_two_rounds_and_back_by_itself() {
    let mut world = World::new(1);
    world.register(ALICE);
    world.pass(ROUND_MS);
    world.cut(ALICE, false);
    world.set_door(ALICE, false);
    assert!(
        world.liveness.standing(ALICE).live,
        "it may come back at once"
    );
    let took = world.until(ALICE, OFFLINE);
    assert!(took <= 2 * ROUND_MS, "{took}");
    // Returned, without a session: found by a visit.
    world.set_door(ALICE, true);
    let took = world.until(ALICE, LIVE);
    assert!(took <= LONGEST_PAUSE_MS, "{took}");
    world.set_door(ALICE, false);
    world.until(ALICE, OFFLINE);
    // By registering, at once.
    world.register(ALICE);
    assert_eq!(world.liveness.standing(ALICE), INSIDE);
}

#[test]
fn a_session_that_comes_back_within_two_rounds_is_no_news() {
    let mut world = World::new(1);
    world.register(ALICE);
    world.pass(ROUND_MS);
    world.liveness.take_changed();
    for _ in 0..20 {
        world.cut(ALICE, false);
        world.pass(ROUND_MS);
        world.register(ALICE);
        world.pass(1_000);
    }
    assert_eq!(world.liveness.take_changed(), BTreeSet::new());
}

#[test]
fn who_says_goodbye_is_offline_at_once_whatever_a_visit_found() {
    let mut world = World::new(1);
    world.register(ALICE);
    world.tick(TICK_MS);
    assert_eq!(world.visits, [ALICE]);
    world.cut(ALICE, true);
    assert_eq!(world.liveness.standing(ALICE), OFFLINE);
    world.end_visits();
    assert_eq!(world.liveness.standing(ALICE), OFFLINE);
    world.set_door(ALICE, false);
    world.pass(4 * ROUND_MS);
    assert_eq!(world.liveness.standing(ALICE), OFFLINE);
}

#[test]
fn who_can_not_be_dialled_is_live_by_its_session() {
    let mut world = World::new(1);
    world.register(ALICE);
    world.pass(1_000);
    world.set_door(ALICE, false);
    world.until(ALICE, INSIDE);
    world.pass(20 * ROUND_MS);
    assert_eq!(world.liveness.standing(ALICE), INSIDE);
    assert_eq!(world.given_up, []);
    world.set_door(ALICE, true);
    assert!(world.until(ALICE, LIVE) <= LONGEST_PAUSE_MS);
    // Without any address nobody is dialled.
    world.liveness.attached(ALICE, SessionId(1), false);
    assert_eq!(world.liveness.standing(ALICE), INSIDE);
    for _ in 0..2 * LONGEST_PAUSE_MS / TICK_MS {
        assert_eq!(world.tick(TICK_MS).dial_back, []);
    }
    world.cut(ALICE, false);
    assert!(world.until(ALICE, OFFLINE) <= 2 * ROUND_MS);
}

#[test]
fn a_tracker_that_slept_blames_nobody() {
    let mut world = World::new(20);
    for id in (1..=20).map(MemberId) {
        world.register(id);
        world.set_answers(id, false);
    }
    world.pass(ROUND_MS + 1_000);
    world.liveness.take_changed();
    // All owe an answer. An hour in the past, or a day in the future, makes no difference.
    for jump in [86_400_000, 3_600_000] {
        world.now = STARTED.plus_ms(jump);
        world.pass(TICK_MS);
        assert_eq!(world.given_up, []);
    }
    assert!(world.liveness.take_changed().is_empty());
}

#[test]
fn attack_coming_and_going_does_not_make_the_tracker_knock_without_end() {
    let mut world = World::new(1);
    let mut visits = 0;
    let minutes = 10;
    for _ in 0..minutes * 60_000 / TICK_MS {
        world.cut(ALICE, false);
        world.register(ALICE);
        visits += world.tick(TICK_MS).dial_back.len() as u64;
        world.end_visits();
    }
    assert!(
        visits <= minutes * 60_000 / SHORTEST_PAUSE_MS + 1,
        "{visits}"
    );
}

#[test]
fn only_so_many_are_dialled_at_a_time_and_all_are_in_the_end() {
    let count = 2 * MAX_DIALS as u32 + 10;
    let mut world = World::new(count);
    let mut visited = BTreeSet::new();
    for _ in 0..2 * ROUND_MS / TICK_MS {
        visited.extend(world.tick(TICK_MS).dial_back);
    }
    assert_eq!(visited.len(), MAX_DIALS);
    while visited.len() < count as usize {
        world.end_visits();
        let more = world.tick(TICK_MS).dial_back;
        assert!(!more.is_empty(), "{} of {count}", visited.len());
        visited.extend(more);
    }
    // Who only waited for its turn was not missed.
    world.end_visits();
    assert!(
        world
            .members
            .keys()
            .all(|id| world.liveness.standing(*id) == LIVE)
    );
}

#[test]
fn who_left_is_not_asked_and_its_visit_gives_the_place_back() {
    let mut world = World::new(2);
    world.pass(ROUND_MS);
    world.register(ALICE);
    world.tick(SHORTEST_PAUSE_MS.min(MAX_STEP_MS));
    world.liveness.forget(ALICE);
    world.members.remove(&ALICE);
    for id in std::mem::take(&mut world.visits) {
        world.liveness.dialled_back(id, true);
    }
    assert_eq!(world.liveness.dialling, 0);
    assert_eq!(world.liveness.standing(ALICE), OFFLINE);
    for _ in 0..4 * ROUND_MS / TICK_MS {
        let asks = world.tick(TICK_MS);
        assert!(!asks.dial_back.contains(&ALICE) && asks.challenge.is_empty());
        world.end_visits();
    }
}

#[test]
fn an_answer_to_another_challenge_counts_for_nothing() {
    let mut world = World::new(1);
    let session = world.register(ALICE);
    let number = world.liveness.challenge(&[ALICE]);
    assert!(world.liveness.is_asked(ALICE));
    for (session, number) in [(session, number + 1), (SessionId(99), number)] {
        world.liveness.answered(ALICE, session, number);
        assert!(world.liveness.is_asked(ALICE));
    }
    world.liveness.answered(ALICE, session, number);
    assert!(!world.liveness.is_asked(ALICE));
}

#[derive(Debug, Clone)]
enum Step {
    Pass(u64),
    Register(u32),
    Cut(u32, bool),
    Answers(u32, bool),
    Door(u32, bool),
    EndVisits,
}

const MEMBERS: u32 = 4;

fn step() -> impl Strategy<Value = Step> {
    let id = 1..=MEMBERS;
    prop_oneof![
        8 => (0..20_000u64).prop_map(Step::Pass),
        4 => id.clone().prop_map(Step::Register),
        3 => (id.clone(), any::<bool>()).prop_map(|(id, bye)| Step::Cut(id, bye)),
        3 => (id.clone(), any::<bool>()).prop_map(|(id, on)| Step::Answers(id, on)),
        3 => (id, any::<bool>()).prop_map(|(id, on)| Step::Door(id, on)),
        6 => Just(Step::EndVisits),
    ]
}

fn take(world: &mut World, step: &Step) {
    match *step {
        Step::Pass(ms) => (0..=ms / 1_000).for_each(|_| drop(world.tick(1_000))),
        Step::Register(id) => {
            world.register(MemberId(id));
        }
        Step::Cut(id, farewell) => world.cut(MemberId(id), farewell),
        Step::Answers(id, on) => world.set_answers(MemberId(id), on),
        Step::Door(id, on) => world.set_door(MemberId(id), on),
        Step::EndVisits => world.end_visits(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever happened before: once all is quiet, the truth is known.
    #[test]
    fn in_the_end_everybody_stands_as_it_is(steps in prop::collection::vec(step(), 0..120)) {
        let mut world = World::new(MEMBERS);
        let mut told = BTreeMap::new();
        for step in &steps {
            take(&mut world, step);
            for id in world.liveness.take_changed() {
                told.insert(id, world.liveness.standing(id));
            }
            for id in world.members.keys() {
                let standing = world.liveness.standing(*id);
                // Nothing changes that is not told, and nobody is reachable that is not live.
                prop_assert_eq!(told.get(id).copied().unwrap_or_default(), standing);
                prop_assert!(standing.live || !standing.reachable);
            }
        }
        world.end_visits();
        world.pass(2 * LONGEST_PAUSE_MS + 4 * ROUND_MS);
        for (id, (session, answers, open)) in world.members.clone() {
            let truth = Standing { live: (session.is_some() && answers) || open, reachable: open };
            prop_assert_eq!(world.liveness.standing(id), truth, "{:?}", id);
        }
        let queued = world.liveness.queue.len();
        prop_assert_eq!(queued, MEMBERS as usize);
    }

    /// Who answers in one of both ways, whatever becomes of its sessions, is never called offline
    /// without having said goodbye.
    #[test]
    fn who_answers_is_never_offline(steps in prop::collection::vec(step(), 0..120)) {
        let mut world = World::new(MEMBERS);
        world.pass(ROUND_MS);
        for step in &steps {
            if !matches!(step, Step::Answers(..) | Step::Door(..) | Step::Cut(_, true)) {
                take(&mut world, step);
                world.end_visits();
            }
            for id in world.members.keys() {
                prop_assert!(world.liveness.standing(*id).live);
            }
        }
    }
}
