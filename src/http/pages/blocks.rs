//! What is on the chain: blocks, transactions, what is open.

use super::entries::{Mood, Unmined};
use super::form::Asked;
use super::frame::{Frame, Spot, Standing, page, see, status_of};
use super::refusal::PageRefused;
use super::show::{When, Who, coins, count, expected, grouped};
use crate::chain::BlockId;
use crate::owner::answers::{
    ActionView, BlockLine, BlockView, MeaningView, TransactionState, TransactionView,
};
use crate::owner::{Order, Peer};
use crate::readable::visible;
use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::{Data, Path};
use askama::Template;

/// Blocks on one page, and open transactions.
const LISTED: usize = 50;

/// A block in a list.
pub(super) struct Line {
    pub(super) height: String,
    /// As its path names it.
    pub(super) number: u64,
    pub(super) when: When,
    pub(super) transactions: String,
    pub(super) miner: Option<Who>,
}

impl Line {
    pub(super) fn new(peer: &Peer, block: &BlockLine) -> Self {
        Self {
            height: grouped(&block.height.0.to_string()),
            number: block.height.0,
            when: When::new(block.timestamp),
            transactions: held(block.transactions),
            miner: block.miner.as_ref().map(|miner| Who::of(peer, miner)),
        }
    }
}

/// What a block with so many transactions holds, beside the reward, which is none of anybody's. The terminal counts
/// so, too.
pub(super) fn held(transactions: usize) -> String {
    match transactions {
        0 => "the rules".to_owned(),
        1 => "only the reward".to_owned(),
        more => format!("{} and the reward", count(more - 1, "transaction")),
    }
}

/// A transaction in a list.
pub(super) struct Deed {
    pub(super) id: String,
    pub(super) from: Option<Who>,
    pub(super) to: Option<Who>,
    /// What it does.
    pub(super) words: String,
    pub(super) fee: Option<String>,
    /// The topic, if it is a record.
    pub(super) topic: Option<String>,
    /// The ballot that it is about, if it is about one.
    pub(super) ballot: Option<String>,
}

impl Deed {
    pub(super) fn new(peer: &Peer, transaction: &TransactionView) -> Self {
        let (to, words) = match &transaction.action {
            ActionView::Transfer {
                to,
                amount,
                note_bytes,
            } => (
                Some(to),
                match (amount.0, note_bytes) {
                    (0, _) => "a sealed message".to_owned(),
                    (_, 0) => coins(*amount),
                    _ => format!("{} and a sealed message", coins(*amount)),
                },
            ),
            ActionView::Reward { to, amount } => (
                Some(to),
                format!("{}, new, for mining the block", coins(*amount)),
            ),
            ActionView::Record {
                topic,
                body_bytes,
                says,
            } => (None, record_words(topic, *body_bytes, says.as_ref())),
        };
        let topic = match &transaction.action {
            ActionView::Record { topic, .. } => Some(topic.clone()),
            _ => None,
        };
        let ballot = match &transaction.action {
            ActionView::Record { says, .. } => says.as_ref().and_then(|says| match says {
                MeaningView::Vote { ballot, .. } | MeaningView::Result { ballot, .. } => {
                    Some(ballot.to_string())
                }
                MeaningView::Ballot { .. } => Some(transaction.id.to_string()),
                _ => None,
            }),
            _ => None,
        };
        Self {
            topic,
            ballot,
            id: transaction.id.to_string(),
            from: transaction.sender.as_ref().map(|from| Who::of(peer, from)),
            to: to.map(|to| Who::of(peer, to)),
            words,
            fee: (transaction.fee.0 > 0).then(|| coins(transaction.fee)),
        }
    }
}

/// What a record says, in words.
fn record_words(topic: &str, bytes: usize, says: Option<&MeaningView>) -> String {
    match says {
        Some(says) => visible(&says.words()),
        None => format!("a record of {bytes} bytes under \"{}\"", visible(topic)),
    }
}

/// Whom a transfer goes to or comes from, of the two that are not this one.
fn other_than(peer: &Peer, own: &str, transaction: &TransactionView) -> Option<Who> {
    let ActionView::Transfer { to, .. } = &transaction.action else {
        return None;
    };
    let from = transaction.sender.as_ref()?;
    match (from.address == own, to.address == own) {
        (true, false) => Some(Who::of(peer, to)),
        (false, true) => Some(Who::of(peer, from)),
        _ => None,
    }
}

#[derive(Template)]
#[template(path = "blocks.html")]
struct BlocksPage {
    frame: Frame,
    blocks: Vec<Line>,
    next: Option<String>,
    later: bool,
}

/// The blocks, the latest first.
pub(super) async fn blocks(peer: Data<Peer>, asked: Asked) -> Result<HttpResponse, PageRefused> {
    let status = status_of(&peer).await?;
    let list = peer.blocks(Order::Latest, &asked.page(LISTED)).await?;
    page(&BlocksPage {
        frame: Frame::of_peer(&peer, &status, &asked, Spot::Network, "Blocks"),
        blocks: list
            .blocks
            .iter()
            .map(|block| Line::new(&peer, block))
            .collect(),
        next: list.next.map(|next| next.0),
        later: asked.fields.text("after").is_some(),
    })
}

#[derive(Template)]
#[template(path = "block.html")]
struct BlockPage {
    frame: Frame,
    block: BlockView,
    height: String,
    when: When,
    deeds: Vec<Deed>,
    standing: Standing,
    founder: Option<Who>,
    motto: String,
    after: Option<u64>,
}

/// One block.
pub(super) async fn block(
    peer: Data<Peer>,
    name: Path<String>,
    asked: Asked,
) -> Result<HttpResponse, PageRefused> {
    let status = status_of(&peer).await?;
    let block = peer.block(&name).await?;
    let height = grouped(&block.height.0.to_string());
    let standing = match block.confirmations {
        0 => Standing::bad(
            "Not on the chain",
            "Another block has its place: what was in it is not paid by it.",
        ),
        1 => Standing::good("The last block", ""),
        deep => Standing::good(
            "On the chain",
            format!("{} on top of it.", count((deep - 1) as usize, "block")),
        ),
    };
    let genesis = block.genesis.as_ref();
    page(&BlockPage {
        frame: Frame::of_peer(
            &peer,
            &status,
            &asked,
            Spot::Network,
            format!("Block {height}"),
        ),
        height,
        when: When::new(block.timestamp),
        deeds: block
            .transactions
            .iter()
            .map(|deed| Deed::new(&peer, deed))
            .collect(),
        standing,
        founder: genesis.map(|genesis| Who::of(&peer, &genesis.founder)),
        motto: genesis
            .map(|genesis| visible(&genesis.motto))
            .unwrap_or_default(),
        after: (block.connected && block.confirmations > 1).then(|| block.height.0 + 1),
        block,
    })
}

#[derive(Template)]
#[template(path = "transaction.html")]
struct TransactionPage {
    frame: Frame,
    id: String,
    deed: Option<Deed>,
    standing: Standing,
    /// The block that holds it.
    block: Option<(u64, String)>,
    expires: Option<String>,
    bytes: usize,
    /// The block that holds it: whoever knows that this one is on the chain can check a proof.
    trusted: Option<BlockId>,
    /// That the owner can have it mined, if it waits for a block.
    mood: Option<Unmined>,
    /// Where it is itself.
    back: String,
    /// The other of two between whom it went, if the owner is one: all between them has a page.
    talk: Option<Who>,
}

/// One transaction.
pub(super) async fn transaction(
    peer: Data<Peer>,
    id: Path<String>,
    asked: Asked,
) -> Result<HttpResponse, PageRefused> {
    let status = status_of(&peer).await?;
    let found = peer.transaction(&id).await?;
    let deed = found.transaction.as_ref();
    let (standing, block) = match found.state {
        TransactionState::Unknown => (
            Standing::bad(
                "Unknown",
                "No block holds it, and nobody waits to mine it, as far as this node knows.",
            ),
            None,
        ),
        TransactionState::Open => (Standing::wait("Waiting for a block", ""), None),
        TransactionState::Mined {
            height,
            confirmations,
            ..
        } => (
            Standing::good(
                "In a block",
                format!("{} deep.", count(confirmations as usize, "block")),
            ),
            Some((height.0, grouped(&height.0.to_string()))),
        ),
    };
    page(&TransactionPage {
        frame: Frame::of_peer(&peer, &status, &asked, Spot::Network, "Transaction"),
        id: found.id.to_string(),
        trusted: match found.state {
            TransactionState::Mined { block, .. } => Some(block),
            TransactionState::Unknown | TransactionState::Open => None,
        },
        expires: deed
            .filter(|deed| deed.sender.is_some())
            .map(|deed| expected(&peer, &status, deed.expires_at)),
        bytes: deed.map_or(0, |deed| deed.bytes),
        mood: match found.state {
            TransactionState::Open => Mood::of(&status).words(),
            TransactionState::Unknown | TransactionState::Mined { .. } => None,
        },
        back: format!("/network/transactions/{}", found.id),
        talk: deed.and_then(|deed| other_than(&peer, &status.address, deed)),
        deed: deed.map(|deed| Deed::new(&peer, deed)),
        standing,
        block,
    })
}

#[derive(Template)]
#[template(path = "open.html")]
struct OpenPage {
    frame: Frame,
    all: String,
    deeds: Vec<Deed>,
    next: Option<String>,
    mood: Option<Unmined>,
    /// Where it is itself.
    back: String,
}

/// What waits for a block.
pub(super) async fn open(peer: Data<Peer>, asked: Asked) -> Result<HttpResponse, PageRefused> {
    let status = status_of(&peer).await?;
    let list = peer.open(&asked.page(LISTED)).await?;
    page(&OpenPage {
        frame: Frame::of_peer(&peer, &status, &asked, Spot::Network, "Waiting for a block"),
        all: count(list.count, "transaction"),
        deeds: list
            .transactions
            .iter()
            .map(|deed| Deed::new(&peer, deed))
            .collect(),
        next: list.next.map(|next| next.0),
        mood: Mood::of(&status)
            .words()
            .filter(|_| !list.transactions.is_empty()),
        back: "/network/open".to_owned(),
    })
}

/// A proof that something is on the chain, as a file.
pub(super) async fn proof(
    peer: Data<Peer>,
    id: Path<String>,
    _: Asked,
) -> Result<HttpResponse, PageRefused> {
    let proof = peer.proof(&id, None, None).await?;
    Ok(see(HttpResponse::Ok())
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"proof.json\""))
        .json(proof))
}
