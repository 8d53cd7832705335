//! The commands that ask a running node: ask, show.

use super::args::{Ask, Chain};
use super::client::{Client, NodeKind};
use super::confirm::confirm;
use super::failure::Failure;
use super::invocation::word;
use super::output::Output;
use super::progress::ProgressLine;
use super::{delivery, invitations, proofs, records, show, statements, trackers, votes};
use crate::owner::answers::{
    BalanceView, BlockView, ChainView, ConnectedView, Cursor, EventKind, LedgerMembersView,
    LeftView, MinedView, NoRequest, OpenView, PeerStatusView, PeersView, StatusView, SyncRequest,
    SyncView, TrackerStatusView, TransactionState, TransactionStateView, VerifyLine,
};
use crate::owner::ids::without_dots;
use crate::settings::Settings;
use std::time::{Duration, Instant};

/// After how long what these settings' node sends goes by way of the network as well; `None` for never.
fn by_network_after(settings: &Settings) -> Option<u64> {
    match settings {
        Settings::Peer(peer) => peer.delivery.by_network_after.ms(),
        Settings::Tracker(_) => None,
    }
}

/// Asks and shows.
pub fn ask(
    ask: &Ask,
    settings: &Settings,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    match (ask, client.kind()) {
        (Ask::Status, NodeKind::Tracker) => {
            let status: StatusView<TrackerStatusView> = client.get("/status", &[])?;
            let shown = |status: &_| show::status(status, show::tracker_status);
            output.show(&status, |status| client.invocation().typed(&shown(status)))?;
        }
        (Ask::Peers { addresses, page }, _) => {
            let peers = match (&page.after, page.limit) {
                (None, None) => peers(client)?,
                _ => client.list("/peers", page)?,
            };
            let more = next_page(peers.next.as_ref(), "peers", client);
            output.show(&peers, |peers| match addresses {
                true => show::addresses(peers) + &more,
                false => show::peers(peers) + &more,
            })?;
        }
        (Ask::Tracker(order), _) => trackers::tracker(order, client, output)?,
        (Ask::Invite(arguments), NodeKind::Tracker) => {
            invitations::invite(arguments, client, output)?;
        }
        (Ask::Expel(arguments), NodeKind::Tracker) => statements::expel(arguments, client, output)?,
        (Ask::Readmit { name }, NodeKind::Tracker) => statements::readmit(name, client, output)?,
        (Ask::Rekey(arguments), NodeKind::Tracker) => statements::rekey(arguments, client, output)?,
        (Ask::Invite(_) | Ask::Expel(_) | Ask::Readmit { .. } | Ask::Rekey(_), NodeKind::Peer) => {
            return Err(Failure::Misuse(format!(
                "{} is a member's: only a tracker decides who is one. Name its settings file with --config, \
                 where the tracker runs",
                client.config().display()
            )));
        }
        (_, NodeKind::Tracker) => {
            return Err(Failure::Misuse(format!(
                "{} is a tracker's: it can be asked for `status` and `peers`, for `invite`, `expel`, \
                 `readmit`, `rekey` and `tracker`, everything else is asked of a peer",
                client.config().display()
            )));
        }
        (Ask::Status, NodeKind::Peer) => {
            let status: StatusView<PeerStatusView> = client.get("/status", &[])?;
            let shown = |status: &_| show::status(status, show::peer_status);
            output.show(&status, |status| client.invocation().typed(&shown(status)))?;
        }
        (Ask::Members { at, page }, _) => {
            let at = at.map(|at| at.to_string());
            let mut query: Vec<_> = at.iter().map(|at| ("at", at.as_str())).collect();
            let limit = page.limit.map(|limit| limit.to_string());
            query.extend(limit.iter().map(|limit| ("limit", limit.as_str())));
            query.extend(page.after.iter().map(|after| ("after", after.as_str())));
            let members: LedgerMembersView = client.get("/ledger/members", &query)?;
            let command = match &at {
                Some(at) => format!("members --at {at}"),
                None => "members".to_owned(),
            };
            let more = next_page(members.next.as_ref(), &command, client);
            output.show(&members, |members| show::members(members) + &more)?;
        }
        (Ask::Balance { of }, _) => {
            let query = of.as_deref().map(|of| ("of", of));
            let balance: BalanceView = client.get("/balance", query.as_slice())?;
            output.show(&balance, show::balance)?;
        }
        (Ask::Block { name }, _) => {
            let block: BlockView = client.get(&format!("/blocks/{}", segment(name)?), &[])?;
            output.show(&block, show::block)?;
        }
        (Ask::Open { page }, _) => {
            let open: OpenView = client.list("/open", page)?;
            let more = next_page(open.next.as_ref(), "open", client);
            output.show(&open, |open| show::open(open) + &more)?;
        }
        (Ask::Tx { id }, _) => transaction(id, client, output)?,
        (Ask::Mine { blocks }, _) => mine(*blocks, client, output)?,
        (Ask::Sync { from }, _) => sync(from, client, output)?,
        (Ask::Send(arguments), _) => {
            delivery::send(arguments, by_network_after(settings), client, output)?;
        }
        (Ask::SendMany(arguments), _) => delivery::send_many(arguments, client, output)?,
        (Ask::Outbox { order, page }, _) => {
            delivery::outbox(order.as_ref(), page, client, output)?;
        }
        (
            Ask::Inbox {
                unread,
                follow,
                page,
            },
            _,
        ) => delivery::inbox((*unread, *follow), page, client, output)?,
        (Ask::Account { page }, _) => delivery::account(page, client, output)?,
        (Ask::History { page }, _) => delivery::history(page, client, output)?,
        (Ask::Disconnect, _) => connect("/disconnect", client, output)?,
        (Ask::Connect, _) => connect("/connect", client, output)?,
        (Ask::Leave(sure), _) => {
            confirm(
                "This node leaves the network for good: it is no member any \
                 more until it registers anew. Its name and its coins stay with its key. This is no \
                 logging out: to stop the node, press Ctrl-C in its terminal.",
                sure.yes,
            )?;
            let left: LeftView = client.post("/leave", &NoRequest {})?;
            output.show(&left, show::left)?;
        }
        (Ask::Vote { what }, _) => votes::vote(what.as_ref(), client, output)?,
        (Ask::Record(what), _) => records::record(what, client, output)?,
        (Ask::Prove(prove), _) => proofs::prove(prove, client, output)?,
        (Ask::Chain(Chain::Show), _) => {
            let chain: ChainView = client.get("/chain", &[])?;
            output.show(&chain, show::chain)?;
        }
        (Ask::Chain(Chain::Verify), _) => verify(client, output)?,
    }
    Ok(())
}

fn connect(path: &str, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let view: ConnectedView = client.post(path, &NoRequest {})?;
    output.show(&view, |view| {
        client.invocation().typed(&show::connected(view))
    })?;
    Ok(())
}

/// What to type for the rest of a list; nothing if all of it was shown.
pub(super) fn next_page(next: Option<&Cursor>, command: &str, client: &Client) -> String {
    match next {
        None => String::new(),
        Some(Cursor(next)) => {
            let command = format!("{command} --after {}", word(next));
            format!("There is more: {}\n", client.invocation().line(&command))
        }
    }
}

/// Everybody in the network, however many pages that takes.
fn peers(client: &Client) -> Result<PeersView, Failure> {
    let mut all: PeersView = client.get("/peers", &[])?;
    while let Some(next) = all.next.take() {
        let more: PeersView = client.get("/peers", &[("after", &next.0)])?;
        all.peers.extend(more.peers);
        all.next = more.next;
    }
    Ok(all)
}

/// A height or an id as part of a path, without the dots of one that was cut off. Both are letters and digits;
/// anything else would be another path.
pub(super) fn segment(name: &str) -> Result<&str, Failure> {
    let name = without_dots(name);
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then_some(name).ok_or_else(|| {
        Failure::Misuse(format!(
            "{name:?} is neither a height nor an id (64 hexadecimal digits)"
        ))
    })
}

fn transaction(id: &str, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let state: TransactionStateView =
        client.get(&format!("/transactions/{}", segment(id)?), &[])?;
    if state.state == TransactionState::Unknown {
        let reason = format!(
            "this node knows no transaction {id}: it is neither open nor in a block up to height {}",
            state.tip.height
        );
        if output.is_json() {
            output.json(&state)?;
            return Err(Failure::Answered(reason));
        }
        return Err(Failure::No(reason));
    }
    output.show(&state, show::transaction)?;
    Ok(())
}

fn mine(blocks: u64, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    for _ in 0..blocks {
        let mined: MinedView = client.post("/mine", &NoRequest {})?;
        output.show(&mined, show::mined)?;
    }
    Ok(())
}

/// Asks for the history of one peer, and shows how far it is until nothing is missing.
fn sync(from: &str, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    /// How long no block may come: whoever shows headers may keep the bodies back for ever.
    const PATIENCE: Duration = Duration::from_secs(60);
    let request = SyncRequest { from: from.into() };
    let mut news = client.news(&[
        EventKind::BlockConnected,
        EventKind::SyncProgress,
        EventKind::PeerGone,
    ])?;
    let asked: SyncView = client.post("/sync", &request)?;
    let mut shown = None;
    let mut has_shown = false;
    let mut last_block = Instant::now();
    loop {
        let status: PeerStatusView = client.get("/status", &[])?;
        let Some(chain) = status.chain else {
            return Err(Failure::No("this node is on no network any more".into()));
        };
        if shown != Some(chain.tip.height) {
            shown = Some(chain.tip.height);
            last_block = Instant::now();
            output.show(&chain, show::catching_up)?;
        }
        match &chain.fetched_first {
            Some(first) if first.address == asked.from.address => has_shown |= first.has_shown,
            _ if has_shown => {}
            Some(_) => {
                return Err(Failure::No(format!(
                    "the node was asked for the chain of another member before {from} had shown its own"
                )));
            }
            None => {
                return Err(Failure::No(format!(
                    "{from} went away before it had shown its chain; the node goes on with the others. `node peers` \
                     shows who is connected: try again once {from} is"
                )));
            }
        }
        // What is connected may not be stored yet: until then, reads would answer of an earlier block.
        let is_stored = chain.tip.id == chain.best_header.id;
        if has_shown && !chain.syncing && is_stored && chain.tip.height.0 >= asked.height {
            return Ok(());
        }
        if last_block.elapsed() >= PATIENCE {
            return Err(Failure::No(format!(
                "no block has come for {} s: {} may not have what it shows; the node goes on trying, \
                 with the others, too",
                PATIENCE.as_secs(),
                from
            )));
        }
        news.wait()?;
    }
}

fn verify(client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let mut ended = false;
    let mut progress = ProgressLine::begin("verifying");
    client.lines("/chain/verify", |line: VerifyLine| {
        if output.is_json() {
            output.json(&line)?;
        }
        match line {
            VerifyLine::Progress { height, of } => progress.show(height.0, of.0),
            VerifyLine::Verified {
                tip,
                transactions,
                supply,
            } => {
                ended = true;
                progress.end();
                if !output.is_json() {
                    output.text(&show::verified(&tip, transactions, supply))?;
                }
            }
            VerifyLine::Error(error) => {
                return Err(Failure::No(format!(
                    "the chain does not verify: {}",
                    error.detail
                )));
            }
        }
        Ok(())
    })?;
    if ended {
        return Ok(());
    }
    Err(Failure::No(
        "the verification was cut off: the node is stopping".to_owned(),
    ))
}
