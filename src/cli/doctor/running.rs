//! A node that runs: what it says of its network, and what its members say of it.

use super::finding::Finding;
use crate::chain::{Height, Timestamp};
use crate::cli::client::{Client, NodeKind};
use crate::cli::failure::Failure;
use crate::owner::answers::{
    ClockStateView, ClockView, PeerStatusView, PeersView, TrackerLinkView, TrackerStatusView,
};
use crate::readable::in_words;

/// A certificate that ends sooner than this should have been renewed.
const RENEWAL_MS: u64 = 30 * 24 * 3_600_000;

/// A tip that is older, in intervals of most networks, is worth a word: nobody mines, or nothing comes.
const OLD_TIP_MS: u64 = 3_600_000;

/// A node that has its directory locked, and does not answer.
pub(super) fn silent(failure: &Failure) -> Finding {
    Finding::trouble(
        "node",
        failure.reason().unwrap_or_default(),
        "it has its data directory locked: look into its log (`node logs`); if it hangs, stop its process",
    )
}

/// What a node that runs says.
pub(super) fn findings(client: &Client, now: Timestamp) -> Vec<Finding> {
    let asked = match client.kind() {
        NodeKind::Peer => of_peer(client, now),
        NodeKind::Tracker => of_tracker(client),
    };
    asked.unwrap_or_else(|failure| vec![silent(&failure)])
}

fn of_tracker(client: &Client) -> Result<Vec<Finding>, Failure> {
    let status: TrackerStatusView = client.get("/status", &[])?;
    Ok(vec![
        Finding::right("node", format!("version {}", status.version)),
        of_clock(status.clock),
        of_members(status.registered, status.live, status.reachable),
    ])
}

fn of_members(registered: usize, live: usize, reachable: usize) -> Finding {
    let found = format!("{registered} registered, {live} live, {reachable} of them reachable");
    match registered > 0 && live == 0 {
        true => Finding::note(
            "members",
            found,
            "if they should be there: can they reach this machine and port? A firewall, perhaps",
        ),
        false => Finding::right("members", found),
    }
}

fn of_peer(client: &Client, now: Timestamp) -> Result<Vec<Finding>, Failure> {
    let status: PeerStatusView = client.get("/status", &[])?;
    let peers: PeersView = client.get("/peers", &[])?;
    let mut findings = vec![Finding::right(
        "node",
        format!("version {}", status.version),
    )];
    findings.push(of_clock(status.clock));
    findings.push(of_membership(&status.tracker, now));
    if let Some(this) = peers.peers.iter().find(|peer| peer.this_node) {
        findings.extend(of_reachability(this.reachable, &this.endpoints));
    }
    match &status.chain {
        None => findings.push(Finding::trouble(
            "network",
            status.waiting.unwrap_or_default(),
            "see that the tracker runs, and that \"trackers\" in the settings names it; the network comes from there",
        )),
        Some(chain) => {
            findings.push(of_sessions(chain.sessions, status.disconnected));
            findings.push(of_tip(chain.tip.height, chain.tip_age_ms, chain.syncing));
        }
    }
    findings.extend(of_versions(&status.version, &peers));
    Ok(findings)
}

fn of_clock(clock: ClockView) -> Finding {
    let remedy = "set this machine's clock by the network: timedatectl set-ntp true";
    let by = in_words(clock.by_ms);
    match clock.state {
        ClockStateView::Right => Finding::right("clock", "as those of the others".to_owned()),
        ClockStateView::Unknown => {
            Finding::right("clock", "too few others to compare it with".to_owned())
        }
        ClockStateView::Ahead => Finding::trouble("clock", format!("{by} ahead"), remedy),
        ClockStateView::Behind => Finding::trouble("clock", format!("{by} behind"), remedy),
    }
}

fn of_membership(tracker: &TrackerLinkView, now: Timestamp) -> Finding {
    let left = tracker.member_until.map(|until| until.since(now));
    if let Some(trouble) = &tracker.trouble {
        let found = format!("{}: {trouble}", tracker.endpoint);
        // A member goes on without its tracker, as long as its certificate does; another node with this
        // wallet never mends itself.
        let mends = !tracker.registered && left.is_some_and(|left| left > RENEWAL_MS);
        return match mends {
            true => Finding::note("tracker", found, "nothing, if it is down for a while"),
            false => Finding::trouble("tracker", found, "as it says"),
        };
    }
    match (tracker.registered, left) {
        (true, _) => Finding::right("tracker", format!("registered at {}", tracker.endpoint)),
        (false, Some(left)) if left > RENEWAL_MS => Finding::note(
            "tracker",
            format!(
                "{} is away; this node is a member for {}",
                tracker.endpoint,
                in_words(left)
            ),
            "nothing, if it is down for a while",
        ),
        (false, left) => Finding::trouble(
            "tracker",
            format!(
                "not registered at {}, and a member for {}",
                tracker.endpoint,
                left.map_or("no time".to_owned(), in_words)
            ),
            "see that it runs, and that \"trackers\" in the settings says where",
        ),
    }
}

fn of_reachability(reachable: Option<bool>, endpoints: &[String]) -> Option<Finding> {
    let at = endpoints.join(", ");
    match reachable? {
        true => Some(Finding::right(
            "dialled back",
            format!("the tracker reaches it at {at}"),
        )),
        false => Some(Finding::note(
            "dialled back",
            format!("nobody reaches it at {at}"),
            "it dials the others itself; to be reached, let this port through the firewall, and say in \
             \"advertise\" what others dial",
        )),
    }
}

/// What the others run, as they say themselves.
fn of_versions(own: &str, peers: &PeersView) -> Option<Finding> {
    let own = format!("raclette/{own}");
    let connected = peers.peers.iter().filter_map(|peer| {
        let session = peer.session.as_ref()?;
        let name = peer
            .name
            .as_ref()
            .map_or(&peer.address[..], |name| name.as_str());
        Some((name, &session.program))
    });
    let (same, others): (Vec<_>, Vec<_>) = connected.partition(|(_, program)| **program == own);
    if others.is_empty() {
        return (!same.is_empty()).then(|| Finding::right("versions", format!("all have {own}")));
    }
    let others: Vec<_> = others
        .iter()
        .map(|(name, program)| format!("{name} has {program:?}"))
        .collect();
    Some(Finding::note(
        "versions",
        format!("this node has {own}; {}", others.join(", ")),
        "update the older ones when it suits: versions that do not understand each other do not connect",
    ))
}

fn of_sessions(sessions: usize, disconnected: bool) -> Finding {
    match (sessions, disconnected) {
        (0, true) => Finding::trouble(
            "peers",
            "its owner has disconnected it".to_owned(),
            "`node connect`",
        ),
        (0, false) => Finding::trouble(
            "peers",
            "no peer is connected".to_owned(),
            "are the others up, and are their addresses reachable from here? `node peers` lists them",
        ),
        (some, _) => Finding::right("peers", format!("{some} connected")),
    }
}

fn of_tip(height: Height, age_ms: u64, syncing: bool) -> Finding {
    let tip = format!("height {height}, {} old", in_words(age_ms));
    match (syncing, age_ms) {
        (true, _) => Finding::note("chain", format!("{tip}; it is catching up"), "wait"),
        (false, OLD_TIP_MS..) => Finding::note(
            "chain",
            tip,
            "nobody has mined for long: `node mine`, or mode = \"when-pending\" under [mining] somewhere",
        ),
        (false, _) => Finding::right("chain", tip),
    }
}

#[cfg(test)]
mod tests {
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
}
