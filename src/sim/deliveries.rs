//! What must hold of what is sent and received in a simulated network: read off the disks, as they are
//! at any moment.

use super::ballots::waits_for_ballot;
use super::host::Host;
use super::load::{Book, Letter, Promise};
use super::watch::{Broken, honest_peers};
use crate::chain::rows::RowKey;
use crate::chain::{Action, EncodedTransaction, Height, Internal, StateView, TransactionId};
use crate::keys::NoteContext;
use crate::protocol::delivery::rows::{self, ReceivedFacts, SendFacts, place_of};
use crate::store::chain_rows::ChainRows;
use crate::store::delivery_rows::DeliveryTable;
use std::collections::{BTreeMap, BTreeSet};

/// What an inbox was seen to hold.
#[derive(Default)]
struct Seen {
    /// By their ids, the numbers and what they say.
    letters: BTreeMap<TransactionId, (u64, Letter)>,
    /// How often each is there.
    copies: BTreeMap<Letter, usize>,
    /// The first number that was not there yet.
    next: u64,
}

/// Remembers what inboxes held.
pub struct DeliveryWatch {
    inboxes: Vec<Seen>,
    /// Whose disks were replaced.
    wiped: BTreeSet<usize>,
}

impl DeliveryWatch {
    /// Of so many hosts, whose inboxes are empty.
    pub fn new(hosts: usize) -> Self {
        let inboxes = (0..hosts).map(|_| Seen::default()).collect();
        let wiped = BTreeSet::new();
        Self { inboxes, wiped }
    }

    /// The inbox of this host is empty again.
    pub fn forget(&mut self, host: usize) {
        self.inboxes[host] = Seen::default();
        self.wiped.insert(host);
    }

    /// Goes through all inboxes and outboxes.
    pub fn look(&mut self, hosts: &[Host], book: &Book) -> Result<(), Broken> {
        for (host, peer) in hosts.iter().enumerate().filter(|(_, h)| h.is_honest_peer()) {
            let read = self.inboxes[host].read_on(host, hosts, book);
            read.map_err(unreadable(host))??;
            self.nothing_vanished(host, peer)
                .map_err(unreadable(host))??;
        }
        for promise in book.promises().iter().filter(|promise| promise.kept) {
            let kept = self.is_kept(hosts, promise);
            kept.map_err(unreadable(promise.sender))??;
        }
        Ok(())
    }

    fn nothing_vanished(&self, host: usize, peer: &Host) -> Result<Result<(), Broken>, Internal> {
        let inbox = DeliveryTable::inbox(&**peer.disk());
        for (id, (number, _)) in &self.inboxes[host].letters {
            if rows::find(&inbox, id)? != Some(*number) {
                let how = format!("host {host}: message {number}, {id}");
                return Ok(Err(Broken::new("what is in an inbox stays there", how)));
            }
        }
        Ok(Ok(()))
    }

    /// What an outbox has taken is in it, and what its owner is told to be delivered is in the inbox of
    /// the one it is for.
    fn is_kept(&self, hosts: &[Host], promise: &Promise) -> Result<Result<(), Broken>, Internal> {
        let (Promise { id, sender, .. }, Some(letter)) = (promise, &promise.letter) else {
            return Ok(Ok(()));
        };
        let gone = || {
            Broken::new(
                "what an outbox took stays there",
                format!("host {sender}: {id}"),
            )
        };
        let Some(facts) = sent(&hosts[*sender], id)? else {
            return Ok(Err(gone()));
        };
        let to = letter.to;
        let is_there = match self.inboxes[to].letters.get(id) {
            Some((_, received)) if received != letter => {
                let how = format!("{id} of host {sender}: {letter:?} came as {received:?}");
                return Ok(Err(Broken::new("what comes is what was sent", how)));
            }
            received => received.is_some(),
        };
        let must_be_there = hosts[to].is_honest_peer() && !self.wiped.contains(&to);
        if facts.delivered_at.is_some() && must_be_there && !is_there {
            let how = format!("{id} of host {sender} is not in the inbox of host {to}");
            return Ok(Err(Broken::new("what was delivered is in the inbox", how)));
        }
        Ok(Ok(()))
    }

    /// What has not come to its end, if anything.
    pub fn unsettled(&self, hosts: &[Host], book: &Book) -> Result<Option<Broken>, Broken> {
        for promise in book.promises() {
            let unsettled = self.unsettled_promise(hosts, promise);
            if let Some(broken) = unsettled.map_err(unreadable(promise.sender))? {
                return Ok(Some(broken));
            }
        }
        for (host, peer) in honest_peers(hosts) {
            if let Some(broken) = unsettled_send(host, peer).map_err(unreadable(host))? {
                return Ok(Some(broken));
            }
            let received = &self.inboxes[host];
            // Nobody mines what is open of whoever is put out, and only that one could send it again.
            let is_held = |from: usize| {
                let is_lost = hosts[from].is_gone() || self.wiped.contains(&from);
                hosts[from].was_out() && (hosts[from].is_out() || is_lost)
            };
            let unsettled = received.unsettled(host, peer, is_held);
            let unsettled = unsettled.map_err(unreadable(host))?;
            if unsettled.is_some() {
                return Ok(unsettled);
            }
        }
        Ok(None)
    }

    /// Mined everywhere and with the one it is for; or failed, if that may be.
    fn unsettled_promise(
        &self,
        hosts: &[Host],
        promise: &Promise,
    ) -> Result<Option<Broken>, Internal> {
        let Promise { id, sender, .. } = promise;
        let mut missing = None;
        for (host, peer) in honest_peers(hosts) {
            if ChainRows(&**peer.disk()).mined(id)?.is_none() {
                missing = Some(host);
            }
        }
        if let Some(host) = missing {
            let how = format!("{id} of host {sender} is not mined at host {host}");
            // That a send has failed, and why, is looked at with all others of its outbox.
            let is_missing = Broken::new("what was promised is mined", how);
            return Ok(Some(is_missing).filter(|_| !promise.lapses));
        }
        let Some(letter) = &promise.letter else {
            return Ok(None);
        };
        let to = &hosts[letter.to];
        let is_there = self.inboxes[letter.to].letters.contains_key(id);
        let reads = to.is_honest_peer() && to.key() == letter.key;
        if is_there || !reads || to.is_gone() || to.is_out() {
            return Ok(None);
        }
        let how = format!(
            "{id} of host {sender} is not in the inbox of host {}",
            letter.to
        );
        Ok(Some(Broken::new(
            "what was mined for somebody is in the inbox",
            how,
        )))
    }
}

impl Seen {
    /// Reads what has come since it was read last.
    fn read_on(
        &mut self,
        host: usize,
        hosts: &[Host],
        book: &Book,
    ) -> Result<Result<(), Broken>, Internal> {
        let inbox = DeliveryTable::inbox(&**hosts[host].disk());
        let next = rows::next_number(&inbox)?;
        for number in self.next.max(1)..next {
            let facts = rows::facts::<ReceivedFacts>(&inbox, number)?;
            let (Some(facts), Some(body)) = (facts, rows::body(&inbox, number)?) else {
                return Err(Internal(format!("message {number} is not all there")));
            };
            if facts.id != body.id() || rows::find(&inbox, &facts.id)? != Some(number) {
                return Err(Internal(format!(
                    "message {number} is not what it is said to be"
                )));
            }
            let letter = match opened(host, hosts, &body) {
                Ok(letter) => letter,
                Err(how) => {
                    let how = format!("host {host}: message {number}: {how}");
                    return Ok(Err(Broken::new("what comes is what was sent", how)));
                }
            };
            let before = self.letters.insert(facts.id, (number, letter.clone()));
            if before.is_some() {
                let how = format!("host {host}: {} is there twice", facts.id);
                return Ok(Err(Broken::new("what comes comes once", how)));
            }
            let copies = self.copies.entry(letter.clone()).or_default();
            *copies += 1;
            let asked = book.asked(&letter);
            if *copies > asked {
                let how = format!("{letter:?} came {copies} times and was sent {asked} times");
                return Ok(Err(Broken::new("nothing comes that nobody sent", how)));
            }
        }
        self.next = next;
        Ok(Ok(()))
    }

    /// A message that neither is mined nor has come to another end, but for those of senders that `is_held` names.
    fn unsettled(
        &self,
        host: usize,
        peer: &Host,
        is_held: impl Fn(usize) -> bool,
    ) -> Result<Option<Broken>, Internal> {
        let (chain, inbox) = (
            ChainRows(&**peer.disk()),
            DeliveryTable::inbox(&**peer.disk()),
        );
        let tip = height_of(&chain)?;
        for (id, (number, letter)) in &self.letters {
            if chain.mined(id)?.is_some() || is_held(letter.from) {
                continue;
            }
            let facts = rows::facts::<ReceivedFacts>(&inbox, *number)?;
            let body = rows::body(&inbox, *number)?;
            let closed = facts.zip(body).and_then(|(facts, body)| {
                let expires_at = body.payload().expires_at;
                facts.closed_by(expires_at, tip)
            });
            if closed.is_none() {
                let how = format!("host {host}: message {number}, {id}");
                return Ok(Some(Broken::new("what came comes to an end", how)));
            }
        }
        Ok(None)
    }
}

/// A send that neither is mined nor has failed for a reason.
fn unsettled_send(host: usize, peer: &Host) -> Result<Option<Broken>, Internal> {
    let (chain, outbox) = (
        ChainRows(&**peer.disk()),
        DeliveryTable::outbox(&**peer.disk()),
    );
    for number in 1..rows::next_number(&outbox)? {
        let Some(facts) = rows::facts::<SendFacts>(&outbox, number)? else {
            continue;
        };
        let place = place_of(&chain, &facts.id)?;
        let state = facts.state(place);
        let is_mined = matches!(place, rows::Place::Mined(_));
        if is_left_waiting(&chain, &outbox, number)? {
            continue;
        }
        if !is_mined && (!state.has_failed() || facts.reason.is_empty()) {
            let how = format!(
                "host {host}: send {number}, {}, is {}",
                facts.id,
                state.name()
            );
            return Ok(Some(Broken::new("what was sent comes to an end", how)));
        }
    }
    Ok(None)
}

/// Sends in the outbox of a host that can wait for longer than anybody looks: votes and results whose ballots are
/// gone with a branch.
pub fn left_waiting(peer: &Host) -> Result<usize, Internal> {
    let (chain, outbox) = (
        ChainRows(&**peer.disk()),
        DeliveryTable::outbox(&**peer.disk()),
    );
    let mut count = 0;
    for number in 1..rows::next_number(&outbox)? {
        count += usize::from(is_left_waiting(&chain, &outbox, number)?);
    }
    Ok(count)
}

/// Whether this send is one of them.
fn is_left_waiting(
    chain: &ChainRows<'_>,
    outbox: &DeliveryTable<'_>,
    number: u64,
) -> Result<bool, Internal> {
    let facts = rows::facts::<SendFacts>(outbox, number)?;
    let Some((facts, body)) = facts.zip(rows::body(outbox, number)?) else {
        return Ok(false);
    };
    let place = place_of(chain, &facts.id)?;
    let waits = facts.end.is_none() && matches!(place, rows::Place::Nowhere);
    let is_in_time = height_of(chain)? < facts.expires_at;
    Ok(waits && is_in_time && waits_for_ballot(chain, &body)?)
}

/// What a transaction says to the owner of a host, by that one's key.
fn opened(host: usize, hosts: &[Host], body: &EncodedTransaction) -> Result<Letter, String> {
    let payload = body.payload();
    let Action::Transfer { to, amount, note } = &payload.action else {
        return Err("it is no transfer".into());
    };
    let from = hosts.iter().position(|host| host.owns(&payload.sender));
    let (Some(from), true) = (from, *to == hosts[host].key()) else {
        return Err("it is between others".into());
    };
    let about = NoteContext {
        network: payload.network.0,
        sender: payload.sender,
        recipient: *to,
        salt: payload.salt.0,
    };
    let text = match note.is_empty() {
        true => None,
        false => {
            let opened = hosts[host].secret_key().open_note(&about, note.as_slice());
            Some(
                opened
                    .map_err(|error| error.to_string())?
                    .as_str()
                    .to_owned(),
            )
        }
    };
    Ok(Letter {
        from,
        to: host,
        key: *to,
        amount: amount.0,
        text,
    })
}

/// Height of the connected chain.
fn height_of(chain: &ChainRows<'_>) -> Result<Height, Internal> {
    let tip = chain
        .named(&RowKey::Tip)?
        .and_then(|tip| chain.header(&tip).transpose());
    Ok(tip
        .transpose()?
        .map_or(Height::GENESIS, |tip| tip.header.height))
}

/// What the outbox of a host holds of a transaction.
fn sent(host: &Host, id: &TransactionId) -> Result<Option<SendFacts>, Internal> {
    let outbox = DeliveryTable::outbox(&**host.disk());
    match rows::find(&outbox, id)? {
        Some(number) if rows::body(&outbox, number)?.is_some() => rows::facts(&outbox, number),
        _ => Ok(None),
    }
}

/// Whether the one that it is for has signed for it, and keeps to the protocol.
pub fn receipted(hosts: &[Host], promise: &Promise) -> bool {
    let Some(to) = promise.letter.as_ref().map(|letter| &hosts[letter.to]) else {
        return false;
    };
    let inbox = DeliveryTable::inbox(&**to.disk());
    let facts = rows::find(&inbox, &promise.id).ok().flatten();
    let facts = facts.and_then(|number| rows::facts::<ReceivedFacts>(&inbox, number).ok()?);
    to.is_honest_peer() && !to.is_gone() && facts.is_some_and(|facts| facts.receipt.is_some())
}

fn unreadable(host: usize) -> impl Fn(Internal) -> Broken {
    move |error| {
        Broken::new(
            "outbox and inbox can be read",
            format!("host {host}: {error}"),
        )
    }
}
