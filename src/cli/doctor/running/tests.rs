use super::*;
use crate::cli::doctor::finding::Verdict;
use crate::owner::answers::{PeerView, SessionView};

#[test]
fn a_wrong_clock_needs_the_owner() {
    let clock = |state, by_ms| of_clock(ClockView { state, by_ms });
    for state in [ClockStateView::Right, ClockStateView::Unknown] {
        assert_eq!(clock(state, 0).verdict, Verdict::Right);
    }
    for state in [ClockStateView::Ahead, ClockStateView::Behind] {
        let found = clock(state, 90_000);
        assert!(found.tells(Verdict::Trouble, "timedatectl"), "{found:?}");
    }
}

#[test]
fn how_it_stands_with_the_tracker_is_told_by_the_certificate_that_is_left() {
    let now = Timestamp(1_000_000);
    let link = |registered, trouble: Option<&str>, left: Option<u64>| {
        let link = TrackerLinkView {
            endpoint: "a:1".to_owned(),
            registered,
            trouble: trouble.map(str::to_owned),
            member_until: left.map(|left| now.plus_ms(left)),
        };
        of_membership(&link, now)
    };
    let long = Some(RENEWAL_MS + 1);
    assert_eq!(link(true, None, long).verdict, Verdict::Right);
    let away = link(false, None, long);
    assert!(away.tells(Verdict::Note, "nothing, if"), "{away:?}");
    let refused = link(false, Some("refused"), long);
    assert!(refused.tells(Verdict::Note, "nothing, if"), "{refused:?}");
    // What no longer mends itself.
    for left in [None, Some(RENEWAL_MS)] {
        let ends = link(false, None, left);
        assert!(ends.tells(Verdict::Trouble, "\"trackers\""), "{ends:?}");
        let ends = link(false, Some("it is full: ask its owner"), left);
        assert!(ends.tells(Verdict::Trouble, "as it says"), "{ends:?}");
    }
    let twin = link(true, Some("another node with this wallet"), long);
    assert!(twin.tells(Verdict::Trouble, "as it says"), "{twin:?}");
}

#[test]
fn who_is_alone_or_apart_or_has_an_old_chain_is_told_what_to_do() {
    let alone = of_sessions(0, false);
    assert!(alone.tells(Verdict::Trouble, "`node peers`"), "{alone:?}");
    let apart = of_sessions(0, true);
    assert!(apart.tells(Verdict::Trouble, "`node connect`"), "{apart:?}");
    assert_eq!(of_sessions(1, false).verdict, Verdict::Right);
    let old = of_tip(Height(7), OLD_TIP_MS, false);
    assert!(old.tells(Verdict::Note, "`node mine`"), "{old:?}");
    let behind = of_tip(Height(7), OLD_TIP_MS, true);
    assert!(behind.tells(Verdict::Note, "wait"), "{behind:?}");
    assert_eq!(
        of_tip(Height(7), OLD_TIP_MS - 1, false).verdict,
        Verdict::Right
    );
}

#[test]
fn a_tracker_whose_members_are_all_away_is_told_where_to_look() {
    let away = of_members(3, 0, 0);
    assert!(away.tells(Verdict::Note, "firewall"), "{away:?}");
    assert_eq!(of_members(0, 0, 0).verdict, Verdict::Right);
    assert_eq!(of_members(3, 1, 0).verdict, Verdict::Right);
}

#[test]
fn a_node_that_does_not_answer_is_told_of_with_its_log() {
    let found = silent(&Failure::Answered("it took too long".to_owned()));
    assert!(found.tells(Verdict::Trouble, "`node logs`"), "{found:?}");
    assert!(found.found.contains("too long"), "{found:?}");
}

#[test]
fn who_runs_another_version_is_named() {
    let peer = |name: &str, program: Option<&str>| PeerView {
        id: None,
        name: Some(name.parse().unwrap()),
        address: "rac1".to_owned(),
        this_node: false,
        live: None,
        reachable: None,
        since: None,
        endpoints: Vec::new(),
        session: program.map(|program| SessionView {
            endpoint: "127.0.0.1:7001".to_owned(),
            program: program.to_owned(),
            outgoing: true,
            height: Height(0),
        }),
        on_ledger: None,
    };
    let found = |peers| {
        let next = None;
        let found = of_versions("0.2.0", &PeersView { peers, next });
        found.map(|finding| (finding.verdict, finding.found))
    };
    assert_eq!(found(vec![peer("ann", None)]), None);
    let same = found(vec![peer("ann", Some("raclette/0.2.0"))]).unwrap();
    assert_eq!(same.0, Verdict::Right);
    let one = vec![
        peer("ann", Some("raclette/0.2.0")),
        peer("bob", Some("raclette/0.1.9\n")),
    ];
    let (verdict, text) = found(one).unwrap();
    assert_eq!(verdict, Verdict::Note);
    assert!(text.contains("bob has \"raclette/0.1.9\\n\""), "{text}");
}

#[test]
fn whom_nobody_reaches_is_told_how_to_be_reached() {
    assert_eq!(of_reachability(None, &[]), None);
    let found = of_reachability(Some(false), &["127.0.0.1:7001".to_owned()]).unwrap();
    assert!(found.tells(Verdict::Note, "\"advertise\""), "{found:?}");
    assert!(found.found.contains("127.0.0.1:7001"));
}

#[test]
fn a_node_that_waits_for_its_passphrase_needs_the_owner() {
    let waiting = |locked| WaitingView {
        role: "peer".to_owned(),
        version: "1".to_owned(),
        waiting_for: "wallet".to_owned(),
        waiting: "it waits".to_owned(),
        file: "/a/key.pem".to_owned(),
        locked,
    };
    let locked = waits(&waiting(true));
    assert!(
        locked.tells(Verdict::Trouble, "node wallet load"),
        "{locked:?}"
    );
    assert!(locked.found.contains("its wallet is locked"), "{locked:?}");
    let none = waits(&waiting(false));
    assert!(
        none.tells(Verdict::Trouble, "node wallet restore"),
        "{none:?}"
    );
}
