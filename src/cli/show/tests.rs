use super::ledger::MAX_ROWS;
use super::*;
use crate::chain::{BlockId, Height, Timestamp, TransactionId};
use crate::owner::answers::{
    ActView, ActionView, BranchChangeView, CatchingUpView, ClockStateView, ClockView, MovedTo,
    MovedView, NetworkView, OnLedgerState, OnLedgerView, OpenView, OverruledView, PersonView,
    ReachView, SessionView, StatementView, TipView, TransactionView,
};
use crate::protocol::mining::Mode;
use crate::wire::MemberId;

/// What a hostile member may say of itself.
const HOSTILE: &str = "\u{1b}[2J\u{202e}evil\r\n:7000";

fn assert_fits(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
        assert!(
            !line.chars().any(|c| c.is_control() || c == '\u{202e}'),
            "{line:?}"
        );
    }
}

fn tip() -> TipView {
    TipView {
        height: Height(1_234_567),
        id: BlockId([0xab; 32]),
        timestamp: Timestamp(1_795_210_982_123),
    }
}

fn somebody(name: Option<&str>) -> PersonView {
    PersonView {
        name: name.map(|name| name.parse().unwrap()),
        address: format!("rac1{}", "q".repeat(58)),
        put_out: false,
    }
}

fn longest_name() -> String {
    "n".repeat(32)
}

fn status() -> PeerStatusView {
    PeerStatusView {
        role: "peer".into(),
        version: "0.1.0".into(),
        name: longest_name().parse().unwrap(),
        address: somebody(None).address,
        tracker: TrackerLinkView {
            endpoint: "127.0.0.1:7000".into(),
            registered: false,
            trouble: Some(format!("connection refused by {HOSTILE}")),
            member_until: None,
        },
        put_out: Some(StatementView {
            act: ActView::Expel,
            name: None,
            address: somebody(None).address,
            reason: Some(HOSTILE.to_owned()),
            signed: Timestamp(1),
            by: somebody(None).address,
            on_ledger: None,
        }),
        disconnected: false,
        reach: ReachView {
            reachable: Some(false),
            endpoints: vec!["127.0.0.1:7001".into()],
            trouble: Some(format!("others can't dial it at {HOSTILE}")),
        },
        clock: ClockView {
            state: ClockStateView::Behind,
            by_ms: 86_400_000,
        },
        chain: Some(ChainStatusView {
            network: NetworkView {
                name: "raclette".into(),
                id: Some(BlockId([1; 32])),
            },
            tip: tip(),
            tip_age_ms: 4_200,
            best_header: tip(),
            syncing: true,
            catching_up: Some(CatchingUpView {
                blocks_per_second: 120.4,
                ms_left: 42_000,
            }),
            fetched_first: None,
            sessions: 0,
            open_transactions: 1,
            open_bytes: 312,
            mining: MiningView {
                running: true,
                hashes_per_second: 123_456_789.0,
                blocks_mined: 12,
                races_lost: 0,
                mode: Mode::Always,
            },
            delivery: DeliveryStatusView {
                queued: usize::MAX,
                reserved: Amount(u64::MAX),
                unread: usize::MAX,
            },
            branch_change: None,
        }),
        waiting: None,
        on_ledger: Some(OnLedgerView {
            state: OnLedgerState::None,
            trouble: Some(format!("the name is that of {HOSTILE}")),
        }),
        differs: vec![DifferenceView {
            kind: "stranger".into(),
            name: None,
            address: somebody(None).address,
            detail: format!("a stranger, {HOSTILE}"),
        }],
    }
}

#[test]
fn a_status_says_what_matters() {
    let text = peer_status(&status());
    assert_fits(&text);
    for told in [
        "syncing towards 1234567: 120 blocks a second, 42 s left",
        "alone",
        "1 transaction,",
        "not registered: connection",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let mut waiting = status();
    waiting.chain = None;
    waiting.waiting = Some("on no network yet ".repeat(9));
    assert_fits(&peer_status(&waiting));
}

#[test]
fn a_status_tells_what_a_change_of_branch_did() {
    let id = TransactionId([0xab; 32]);
    let moved = |to| MovedView { id, to };
    let mut changed = status();
    let chain = changed.chain.as_mut().unwrap();
    chain.branch_change = Some(BranchChangeView {
        age_ms: 720_000,
        fork: Height(40),
        blocks: 3,
        transactions: vec![
            moved(MovedTo::Open),
            moved(MovedTo::Mined { height: Height(41) }),
            moved(MovedTo::Conflicted),
            moved(MovedTo::Expired),
            moved(MovedTo::Evicted),
            moved(MovedTo::Conflicted),
        ],
        and_more: 7,
        rewards_lost: "100".into(),
    });
    let text = peer_status(&changed);
    assert_fits(&text);
    let told = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains(
            "changed 12 minutes ago above height 40: 3 blocks gave way to a branch with more work; \
             1 transaction of yours mined again; 1 transaction of yours open again; \
             ababababab… is void: its sender's coins went elsewhere; \
             ababababab… is void: its last height has passed; \
             ababababab… is void: better paying ones took its place; 1 more are void; \
             7 more are not named; rewards of 100 coins are lost"
        ),
        "{told}"
    );
}

#[test]
fn attack_what_members_say_stays_in_its_cell() {
    let peer = |name: Option<String>, endpoint: &str| PeerView {
        id: Some(MemberId(1)),
        name: name.map(|name| name.parse().unwrap()),
        address: somebody(None).address,
        this_node: false,
        live: Some(true),
        reachable: Some(false),
        since: Some(Timestamp(1_795_210_982_123)),
        endpoints: vec![endpoint.to_owned()],
        session: Some(SessionView {
            endpoint: endpoint.to_owned(),
            program: "raclette/0.1.0".to_owned(),
            outgoing: true,
            height: Height(1_234_567),
        }),
        on_ledger: Some(false),
    };
    let text = peers(&PeersView {
        peers: vec![
            peer(Some("bob".into()), HOSTILE),
            peer(None, &"x".repeat(260)),
            peer(Some(longest_name()), "127.0.0.1:65535"),
        ],
        next: None,
    });
    assert_fits(&text);
    assert_eq!(text.lines().count(), 4);
    assert!(text.contains("rac1qqqqq…qqqq"), "{text}");
}

#[test]
fn a_list_of_transactions_fits_and_ends() {
    let transfer = TransactionView {
        id: TransactionId([7; 32]),
        sender: Some(somebody(Some(&longest_name()))),
        fee: Amount(1),
        expires_at: Height(9),
        bytes: 200,
        action: ActionView::Transfer {
            to: somebody(None),
            amount: Amount(u64::MAX),
            note_bytes: 0,
        },
    };
    let text = open(&OpenView {
        count: 5_000,
        transactions: vec![transfer; MAX_ROWS + 2],
        next: None,
        tip: tip(),
    });
    assert_fits(&text);
    assert!(text.contains("and 2 more"));
    assert!(text.contains("5000 in all"));
}

#[test]
fn membership_is_said_to_hold_whether_the_tracker_is_away_or_refuses() {
    let mut status = status();
    status.tracker.member_until = Some(Timestamp(1_811_239_081_555));
    status.tracker.trouble = Some("another node with this wallet is registered".into());
    let text = peer_status(&status);
    assert_fits(&text);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("membership holds until 2027-05-2"), "{text}");
    assert!(
        text.contains("another node with this wallet is registered"),
        "{text}"
    );
    assert!(!text.contains("is away"), "{text}");
}

#[test]
fn what_a_founded_network_overrules_is_named_with_both_values() {
    let status = TrackerStatusView {
        role: "tracker".into(),
        version: "0.1.0".into(),
        address: somebody(None).address,
        endpoint: "127.0.0.1:7000".into(),
        network: NetworkView {
            name: "raclette".into(),
            id: Some(BlockId([1; 32])),
        },
        height: None,
        registered: 1,
        live: 1,
        reachable: 1,
        sessions: 1,
        clock: ClockView {
            state: ClockStateView::Right,
            by_ms: 0,
        },
        overruled: vec![OverruledView {
            key: "reward".into(),
            given: "57".into(),
            holds: "50".into(),
        }],
    };
    let text = tracker_status(&status);
    assert_fits(&text);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let told = "network.reward = 57 has no effect: the network was founded with 50";
    assert!(text.contains(told), "{text}");
}
