//! Answers as text for people, at 80 columns.

mod branch;
mod ledger;

pub use ledger::{block, chain, open, transaction, verified};

use super::table::{Align, Table, facts};
use super::words::{count, day, person, rate, short_id, short_name};
use crate::chain::Amount;
use crate::logging::short_address;
use crate::owner::answers::{
    BalanceView, ChainStatusView, ClockStateView, ClockView, ConnectedView, DeliveryStatusView,
    DifferenceView, LedgerMembersView, LeftView, MinedView, MiningView, OnLedgerState,
    OnLedgerView, PeerStatusView, PeerView, PeersView, PersonView, ReachView, StatementView,
    StatusView, TrackerLinkView, TrackerStatusView,
};
use crate::readable::in_words;

/// How a node stands: as `running` shows it, or what it waits for.
pub fn status<T>(status: &StatusView<T>, running: impl FnOnce(&T) -> String) -> String {
    match status {
        StatusView::Running(status) => running(status),
        StatusView::Waiting(waiting) => facts(&[
            ("wallet", waiting.file.clone()),
            ("waiting", waiting.waiting.clone()),
        ]),
    }
}

/// How a peer stands.
pub fn peer_status(status: &PeerStatusView) -> String {
    let mut lines = vec![
        ("name", status.name.to_string()),
        ("address", status.address.clone()),
    ];
    match &status.chain {
        Some(chain) => lines.extend(chain_status(chain)),
        None => lines.push(("network", status.waiting.clone().unwrap_or_default())),
    }
    if let Some(out) = &status.put_out {
        lines.push(("put out", put_out(out)));
    }
    if status.disconnected {
        let told = "disconnected by you, until `node connect` or the next start";
        lines.push(("sessions", told.to_owned()));
    } else {
        lines.push(("tracker", tracker_link(&status.tracker)));
        lines.push(("reached", reach(&status.reach)));
    }
    lines.extend(
        status
            .on_ledger
            .as_ref()
            .and_then(on_ledger)
            .map(|how| ("ledger", how)),
    );
    for differs in &status.differs {
        lines.push(("differs", differs.detail.clone()));
    }
    lines.push(("clock", clock(status.clock)));
    facts(&lines)
}

/// How a node stands on the ledger, where that is not as it should be.
fn on_ledger(own: &OnLedgerView) -> Option<String> {
    match (&own.trouble, own.state) {
        (Some(trouble), _) => Some(format!("not a member there: {trouble}")),
        (None, OnLedgerState::Open) => {
            Some("admitted, not on the ledger yet: its join waits for a block".to_owned())
        }
        (None, OnLedgerState::Member | OnLedgerState::None) => None,
    }
}

/// What whoever is put out has to know.
fn put_out(out: &StatementView) -> String {
    let reason = out.reason.as_deref().unwrap_or_default();
    format!(
        "on {}, by the admin of the network, for this reason: \"{reason}\". Nobody talks to this node any more; its coins stay with \
         its key. Ask whoever runs the tracker to readmit you: this node notices \
         within five minutes",
        day(out.signed)
    )
}

fn chain_status(chain: &ChainStatusView) -> Vec<(&'static str, String)> {
    let network = chain.network.id.map(short_id).unwrap_or_default();
    let progress = sync_state(chain);
    let peers = match chain.sessions {
        0 => "none connected: this node is alone".to_owned(),
        sessions => format!("{sessions} connected"),
    };
    let open = count(
        chain.open_transactions as u64,
        "transaction",
        "transactions",
    );
    let mut facts = vec![
        ("network", format!("{} ({network})", chain.network.name)),
        (
            "height",
            format!(
                "{}, {progress}; block {} is {} old",
                chain.tip.height,
                short_id(chain.tip.id),
                in_words(chain.tip_age_ms)
            ),
        ),
        ("peers", peers),
        ("open", format!("{open}, {} bytes", chain.open_bytes)),
        ("mining", mining(&chain.mining)),
        ("delivery", delivery_state(&chain.delivery)),
    ];
    if let Some(change) = &chain.branch_change {
        facts.push(("branch", branch::change(change)));
    }
    facts
}

fn delivery_state(delivery: &DeliveryStatusView) -> String {
    let queued = count(delivery.queued as u64, "send", "sends");
    let unread = count(delivery.unread as u64, "message", "messages");
    format!("{queued} waiting for recipients, {unread} unread")
}

fn sync_state(chain: &ChainStatusView) -> String {
    if !chain.syncing {
        return "in sync".to_owned();
    }
    let towards = format!("syncing towards {}", chain.best_header.height);
    match &chain.catching_up {
        Some(speed) => format!(
            "{towards}: {} blocks a second, {} left",
            rate(speed.blocks_per_second),
            in_words(speed.ms_left)
        ),
        None => towards,
    }
}

/// How far a node is that fetches the chain.
pub fn catching_up(chain: &ChainStatusView) -> String {
    format!("height {}, {}", chain.tip.height, sync_state(chain))
}

fn mining(mining: &MiningView) -> String {
    let state = if mining.running { "running" } else { "idle" };
    let blocks = count(mining.blocks_mined, "block", "blocks");
    let speed = rate(mining.hashes_per_second);
    format!("{state}; {blocks} mined, {speed} hashes a second")
}

/// Whether the clock is right, and what to do if not.
fn clock(clock: ClockView) -> String {
    let by = in_words(clock.by_ms);
    match clock.state {
        ClockStateView::Unknown => "not compared with others yet".to_owned(),
        ClockStateView::Right => "right".to_owned(),
        ClockStateView::Ahead => format!("{by} ahead of everybody else's: set it right"),
        ClockStateView::Behind => format!("{by} behind everybody else's: set it right"),
    }
}

fn tracker_link(link: &TrackerLinkView) -> String {
    match (link.registered, link.member_until, &link.trouble) {
        (true, _, None) => format!("{}, registered there", link.endpoint),
        (true, _, Some(trouble)) => format!("{}, registered there, but {trouble}", link.endpoint),
        // It goes on with the members that it knows.
        (false, Some(until), trouble) => {
            let trouble = trouble.as_deref().unwrap_or("it is being dialled");
            let until = day(until);
            // It may be away, or it may be there and refuse.
            format!(
                "{}, not registered there at present; membership holds until {until}, and the node goes on \
                 with the members it knows ({trouble})",
                link.endpoint
            )
        }
        (false, None, Some(trouble)) => format!("{}, not registered: {trouble}", link.endpoint),
        (false, None, None) if link.endpoint.is_empty() => "not registered yet".to_owned(),
        (false, None, None) => format!("{}, not registered yet", link.endpoint),
    }
}

/// Whether others can dial it, as the tracker says.
fn reach(reach: &ReachView) -> String {
    match (reach.reachable, &reach.trouble) {
        (Some(true), _) => format!("others can dial it, at {}", reach.endpoints.join(", ")),
        (_, Some(trouble)) => trouble.clone(),
        _ => "not known yet whether others can dial it".to_owned(),
    }
}

/// What `connect` and `disconnect` did.
pub fn connected(view: &ConnectedView) -> String {
    match view.connected {
        true => "Connected again: the tracker and the other members are being dialled.".to_owned(),
        false => "Disconnected: everybody was told, and the node runs on by itself, until `node connect` \
                  or its next start."
            .to_owned(),
    }
}

/// How a tracker stands.
pub fn tracker_status(status: &TrackerStatusView) -> String {
    let network = match status.network.id {
        Some(id) => format!("{} ({})", status.network.name, short_id(id)),
        None => format!(
            "{}, not founded yet: the first peer that registers makes the genesis block",
            status.network.name
        ),
    };
    let height = status.height.map(|height| height.to_string());
    let (live, reachable) = (status.live, status.reachable);
    let mut lines = vec![
        ("role", status.role.clone()),
        ("address", status.address.clone()),
        ("listens", status.endpoint.clone()),
        ("network", network),
        (
            "members",
            format!(
                "{} registered, {live} live, {reachable} reachable",
                status.registered
            ),
        ),
        (
            "sessions",
            count(status.sessions as u64, "peer connected", "peers connected"),
        ),
        ("height", height.unwrap_or_else(|| "unknown".to_owned())),
        ("clock", clock(status.clock)),
    ];
    for overruled in &status.overruled {
        lines.push((
            "settings",
            format!(
                "network.{} = {} has no effect: the network was founded with {}",
                overruled.key, overruled.given, overruled.holds
            ),
        ));
    }
    facts(&lines)
}

/// Who is in the network.
pub fn peers(peers: &PeersView) -> String {
    if peers.peers.is_empty() {
        return "nobody is known yet".to_owned();
    }
    let mut table = Table::new(&[
        ("id", Align::Right),
        ("name", Align::Left),
        ("state", Align::Left),
        ("session", Align::Left),
        ("since", Align::Left),
        ("endpoint", Align::Left),
    ]);
    for peer in &peers.peers {
        table.row(peer_row(peer));
    }
    table.render()
}

/// Who is a member by the ledger.
pub fn members(members: &LedgerMembersView) -> String {
    let at = members.at.0;
    let differs =
        not_yet(&members.not_yet) + &differences(&members.differs) + &said(&members.statements);
    if members.members.is_empty() {
        return format!("nobody is a member on the ledger after block {at}\n{differs}");
    }
    let mut table = Table::new(&[
        ("name", Align::Left),
        ("since block", Align::Right),
        ("address", Align::Left),
    ]);
    for member in &members.members {
        table.row([
            short_name(member.name.as_str()),
            member.since_height.0.to_string(),
            member.address.clone(),
        ]);
    }
    format!("members after block {at}\n{}{differs}", table.render())
}

/// Who is admitted and not on the ledger yet; empty if nobody is.
fn not_yet(people: &[PersonView]) -> String {
    if people.is_empty() {
        return String::new();
    }
    let lines = people.iter().map(|who| format!("  {}\n", person(who)));
    format!(
        "\nadmitted, not on the ledger yet:\n{}",
        lines.collect::<String>()
    )
}

/// What the admin has said; empty if nothing.
fn said(statements: &[StatementView]) -> String {
    if statements.is_empty() {
        return String::new();
    }
    let line = |said: &StatementView| {
        let place = match said.on_ledger {
            Some(height) => format!("on the ledger in block {height}"),
            None => "not on the ledger yet".to_owned(),
        };
        let day = day(said.signed);
        format!("  {day}  {} ({place})\n", super::statements::in_words(said))
    };
    let lines: String = statements.iter().map(line).collect();
    format!("\nThe admin has said:\n{lines}")
}

/// In what the tracker's word differs from the ledger; empty if in nothing.
fn differences(differs: &[DifferenceView]) -> String {
    if differs.is_empty() {
        return String::new();
    }
    let lines = differs.iter().map(|one| format!("  {}\n", one.detail));
    format!(
        "\nThe tracker's word differs from the ledger. Nothing was settled by itself; ask whoever runs the tracker:\n{}",
        lines.collect::<String>()
    )
}

fn peer_row(peer: &PeerView) -> [String; 6] {
    let dash = || "-".to_owned();
    let state = match (peer.this_node, peer.live, peer.reachable) {
        (true, _, _) => "itself",
        (false, Some(true), Some(false)) => "not reachable",
        (false, Some(true), _) => "live",
        (false, Some(false), _) => "offline",
        (false, None, _) => "unknown",
    };
    let session = peer.session.as_ref();
    let endpoint = peer
        .endpoints
        .first()
        .cloned()
        .or_else(|| session.map(|session| session.endpoint.clone()));
    [
        peer.id.map_or_else(dash, |id| id.0.to_string()),
        match &peer.name {
            Some(name) => short_name(name.as_str()),
            None => short_address(&peer.address),
        },
        state.to_owned(),
        session.map_or_else(dash, |session| {
            let way = if session.outgoing { "out" } else { "in" };
            format!("{way}, {}", session.height)
        }),
        peer.since.map_or_else(dash, day),
        endpoint.unwrap_or_else(dash),
    ]
}

/// Names and whole addresses, as the settings want them. An address is longer than half a line, and
/// stays whole.
pub fn addresses(peers: &PeersView) -> String {
    let peers = peers.peers.iter();
    let lines: Vec<_> = peers
        .map(|peer| {
            let name = peer.name.as_ref().map_or("-", |name| name.as_str());
            (name, peer.address.clone())
        })
        .collect();
    facts(&lines)
}

/// What somebody has.
pub fn balance(balance: &BalanceView) -> String {
    let name = balance.of.name.as_ref().map(ToString::to_string);
    facts(&[
        (
            "of",
            name.unwrap_or_else(|| "nobody known by name".to_owned()),
        ),
        ("address", balance.of.address.clone()),
        ("balance", coins(balance.balance)),
        (
            "promised",
            format!("{} in open or queued transactions", coins(balance.promised)),
        ),
        ("spendable", coins(balance.spendable)),
        ("as of", format!("height {}", balance.tip.height)),
    ])
}

pub(super) fn coins(amount: Amount) -> String {
    count(amount.0, "coin", "coins")
}

/// That this node has left.
pub fn left(left: &LeftView) -> String {
    let ledger = match left.tx {
        Some(tx) => format!(" On the ledger it leaves with record {}.", short_id(tx)),
        None => String::new(),
    };
    format!(
        "{} has left the network; the name stays with its key.{ledger}\nStop the node now; started again, it registers anew.\n",
        left.name
    )
}

/// A block that was mined.
pub fn mined(mined: &MinedView) -> String {
    let races = match mined.races_lost {
        0 => String::new(),
        lost => format!(
            ", after {} lost",
            count(u64::from(lost), "race was", "races were")
        ),
    };
    // The reward is none of anybody's transactions; the line at the node's own terminal counts so too.
    let holds = match (mined.transactions as u64).saturating_sub(1) {
        0 => "with only the reward".to_owned(),
        others => format!(
            "with {} and the reward",
            count(others, "transaction", "transactions")
        ),
    };
    format!(
        "height {}  {}  {holds}, {}, {}{races}",
        mined.height,
        short_id(mined.id),
        count(mined.tries, "try", "tries"),
        in_words(mined.elapsed_ms),
    )
}

#[cfg(test)]
mod tests;
