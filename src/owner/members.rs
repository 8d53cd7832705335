//! Who is a member by the ledger, and how this node comes to be one there.

use super::answers::{
    Cursor, LedgerMember, LedgerMembersView, PeerView, PersonView, StatementView,
};
use super::ballots::LISTED_ROWS;
use super::chain_reads::tip_of;
use super::codes::Code;
use super::delivery::Goal;
use super::pages::Page;
use super::records::Outgoing;
use super::{DEFAULT_EXPIRY_BLOCKS, Peer, PeerParts, Refused};
use crate::apps::members::View;
use crate::apps::voting;
use crate::canonical;
use crate::chain::application::{MEMBERS_TOPIC, TopicRows};
use crate::chain::params::Admission;
use crate::chain::rows::StateView;
use crate::chain::transaction::RecordBody;
use crate::chain::{
    Action, Amount, EncodedTransaction, Height, Internal, Params, Timestamp, Topic, TransactionId,
};
use crate::clock::SteadyTime;
use crate::keys::{PublicKey, Signature};
use crate::membership::invitation::sign_invited;
use crate::membership::{
    Act, Certificate, InvitationString, JoinRecord, MembersRecord, SignedStatement,
};
use crate::messages::wallet::SignLeave;
use crate::protocol::tracker_word::MAX_DIFFERENCES;
use crate::store::DiskRead;
use crate::store::chain_rows::{ChainRows, application_rows, stored_open};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Members in one answer, if it is not said how many; and at most.
pub(crate) const LISTED: usize = 500;
/// Members that are shown as not on the ledger yet: most are there within a block.
const NOT_YET: usize = 50;
/// Statements of the admin that are shown with the members: what was decided of late.
const STATEMENTS: usize = 50;
/// Keys that are looked at for one answer: those that are members no more are passed over, so an answer
/// may be short of its limit and go on all the same.
const LOOKED_AT: u32 = 5_000;

/// What a node remembers of its own join.
#[derive(Debug, Default)]
pub struct OwnJoin {
    /// The invitation that the node came by, if it came by one.
    invitation: Option<Arc<InvitationString>>,
    /// The join that was sent last, once it was looked for.
    sent: Option<Option<TransactionId>>,
}

/// How long a leave waits for the block that takes in the node's own join.
const JOIN_PATIENCE: Duration = Duration::from_secs(20);

/// Blocks that a statement of the admin waits for somebody else to write it on the ledger.
const WRITE_AFTER: u64 = 3;
/// By how many blocks members differ in that.
const WRITE_SPREAD: u64 = 8;
/// Blocks after which a statement that was written and is not on the ledger is written again.
const WRITE_AGAIN: u64 = 100;
/// What counts for a block where none comes, in milliseconds: members that mine only for what waits would never have
/// one to wait for.
const AS_A_BLOCK_MS: u64 = 10_000;

/// Which of the admin's statements a node has found missing on the ledger, and when it writes each down.
#[derive(Debug, Default)]
pub struct Writing(BTreeMap<Signature, Due>);

/// At this height, or at this time, whatever comes first.
#[derive(Debug, Clone, Copy)]
struct Due {
    height: u64,
    time: SteadyTime,
}

impl Due {
    /// After so many blocks.
    fn after(blocks: u64, tip: Height, now: SteadyTime) -> Self {
        Self {
            height: tip.0.saturating_add(blocks),
            time: now.plus_ms(blocks * AS_A_BLOCK_MS),
        }
    }

    fn is_now(&self, tip: Height, now: SteadyTime) -> bool {
        self.height <= tip.0 || self.time <= now
    }
}

/// How a node stands on the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnLedger {
    /// It is a member there, under its name.
    Member,
    /// Its join is open.
    Open,
    /// Its join was just sent.
    Sent(TransactionId),
    /// It has no certificate to join with yet, has left, or needs no join: anybody may be on this network, and
    /// nobody has voted there.
    NothingToSend,
}

impl OwnJoin {
    /// Of a node that came by this invitation, if by one.
    pub fn by(invitation: Option<Arc<InvitationString>>) -> Self {
        Self {
            invitation,
            sent: None,
        }
    }
}

impl Peer {
    /// Who is a member after the block at a height; as of the tip, if none is named.
    ///
    /// # Errors
    /// [`Code::BadParameter`] for a height that the chain does not have, [`Code::BadCursor`],
    /// [`Code::NoNetwork`], [`Code::Stopping`].
    pub async fn members(
        &self,
        at: Option<u64>,
        page: &Page,
    ) -> Result<LedgerMembersView, Refused> {
        let limit = page.limit(LISTED, LISTED)?;
        let parts = self.parts()?;
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        let chain = ChainRows(&*snapshot);
        let tip = tip_of(&parts.rules, &chain)?;
        let at = Height(at.unwrap_or(tip.height.0));
        if at > tip.height {
            let tip = tip.height.0;
            let detail = format!("at is {}, but the chain ends at height {tip}", at.0);
            return Err(Refused::new(Code::BadParameter, detail));
        }
        let rows = TopicRows::of_members(&chain);
        let view = View::new(&rows);
        let first = match page.after_number()? {
            Some(last) => u32::try_from(last).map_or(u32::MAX, |last| last.saturating_add(1)),
            None => 0,
        };
        let count = view.count()?;
        let mut members = Vec::new();
        let mut next = None;
        for index in first..count {
            let Some(key) = view.listed(index)? else {
                break;
            };
            if let Some(interval) = view.member_at(&key, at)? {
                members.push(LedgerMember {
                    name: interval.name,
                    address: key.to_address(),
                    since_height: interval.since,
                    named_height: interval.from,
                    this_node: key == self.key,
                });
            }
            let full = members.len() == limit || index - first == LOOKED_AT;
            if full && index + 1 < count {
                next = Some(Cursor(index.to_string()));
                break;
            }
        }
        Ok(LedgerMembersView {
            members,
            next,
            at,
            not_yet: match first == 0 && at == tip.height {
                true => self.not_on_ledger(parts, &*snapshot)?,
                false => Vec::new(),
            },
            tip,
            differs: self.differences(MAX_DIFFERENCES),
            statements: self.statements(&view)?,
        })
    }

    /// Whom the tracker names and who are not on the ledger yet, where members join there.
    fn not_on_ledger(
        &self,
        parts: &PeerParts,
        disk: &dyn DiskRead,
    ) -> Result<Vec<PersonView>, Refused> {
        if !joins_on_ledger(parts.rules.params(), disk)? {
            return Ok(Vec::new());
        }
        let chain = ChainRows(disk);
        let rows = TopicRows::of_members(&chain);
        let view = View::new(&rows);
        let known = self.known();
        let people = self.people(&known);
        let mut not_yet = Vec::new();
        for member in known.directory.members() {
            let key = member.record.statement.key;
            if not_yet.len() < NOT_YET && view.current(&key)?.is_none() {
                not_yet.push(people.person(&key));
            }
        }
        Ok(not_yet)
    }

    /// Says of each whether it is on the ledger, where members join there.
    pub(super) fn say_who_is_on_ledger(&self, peers: &mut [PeerView]) -> Result<(), Refused> {
        let Ok(parts) = self.parts() else {
            return Ok(());
        };
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        if !joins_on_ledger(parts.rules.params(), &*snapshot)? {
            return Ok(());
        }
        let chain = ChainRows(&*snapshot);
        let rows = TopicRows::of_members(&chain);
        let view = View::new(&rows);
        for peer in peers {
            if let Ok(key) = PublicKey::from_address(&peer.address) {
                peer.on_ledger = Some(view.current(&key)?.is_some());
            }
        }
        Ok(())
    }

    /// What the admin has said last, and where it is on the ledger.
    fn statements(&self, view: &View<'_>) -> Result<Vec<StatementView>, Refused> {
        let known = self.known();
        let Some(statements) = &known.statements else {
            return Ok(Vec::new());
        };
        let mut all: Vec<_> = statements.all().collect();
        all.sort_by_key(|signed| std::cmp::Reverse(signed.statement.number));
        let shown = |signed: &SignedStatement| {
            let key = signed.statement.act.key();
            let name = match view.last_name(&key)? {
                Some(name) => Some(name),
                None => known
                    .directory
                    .by_key(&key)
                    .map(|member| member.record.statement.name.clone()),
            };
            Ok(StatementView {
                on_ledger: view.said_at(signed)?,
                ..StatementView::new(signed, name)
            })
        };
        all.into_iter().take(STATEMENTS).map(shown).collect()
    }

    /// Sends this node's own join, if it has a certificate, is no member on the ledger and its join is not
    /// open. On a network that anybody may join nothing is sent before the first ballot was opened there: until
    /// then a join would show no more than a registration does; from then on it is what a roll of members
    /// goes by.
    ///
    /// # Errors
    /// [`Code::Application`] with what the ledger has against it; [`Code::OutboxFull`],
    /// [`Code::NoNetwork`], [`Code::Stopping`].
    pub async fn keep_joined(&self, own: &mut OwnJoin) -> Result<OnLedger, Refused> {
        let parts = self.parts()?;
        let Some(certificate) = self.known().certificate.clone() else {
            return Ok(OnLedger::NothingToSend);
        };
        let said = &certificate.statement;
        let tip = {
            let disk = self.disk()?;
            let snapshot = disk.snapshot();
            let chain = ChainRows(&*snapshot);
            let rows = TopicRows::of_members(&chain);
            let view = View::new(&rows);
            let current = view.current(&self.key)?;
            if current.is_some_and(|current| current.name == said.name) {
                return Ok(OnLedger::Member);
            }
            let standing = view.standing(&self.key)?;
            // Who hands over the network has said so to everybody, and not on the ledger yet.
            let ledgers = view.authority(&parts.rules.genesis().content)?;
            let known = self.known();
            let heard = known.statements.as_ref().map(|all| all.authority());
            let is_early = certificate.check_issuer(&ledgers).is_err()
                && heard.is_some_and(|heard| certificate.check_issuer(heard).is_ok());
            let is_void = !standing.is_out() && said.serial <= standing.void;
            if is_early || is_void || !joins_on_ledger(parts.rules.params(), &*snapshot)? {
                return Ok(OnLedger::NothingToSend);
            }
            let sent = match own.sent {
                Some(sent) => sent,
                None => open_join(&*snapshot, &self.key)?,
            };
            own.sent = Some(sent);
            if let Some(sent) = sent
                && chain.open_transaction(&sent)?.is_some()
            {
                return Ok(OnLedger::Open);
            }
            tip_of(&parts.rules, &chain)?
        };
        let Some(join) = self.own_join(&certificate, own.invitation.as_deref()) else {
            return Ok(OnLedger::NothingToSend);
        };
        let id = self
            .record_members(&MembersRecord::Join(Box::new(join)), tip.height)
            .await?;
        own.sent = Some(Some(id));
        Ok(OnLedger::Sent(id))
    }

    /// Writes on the ledger what the admin has said and nobody has written: three blocks after this node
    /// heard of it, or as much time, and some more, by which members differ. The next one that it wrote, if it did.
    ///
    /// # Errors
    /// [`Code::OutboxFull`], [`Code::NoNetwork`], [`Code::Stopping`].
    pub async fn write_down(&self, writing: &mut Writing) -> Result<Option<Act>, Refused> {
        let parts = self.parts()?;
        let Some(statements) = self.known().statements.clone() else {
            return Ok(None);
        };
        if statements.out(&self.key).is_some() {
            // What it sends nobody takes.
            return Ok(None);
        }
        let due = {
            let disk = self.disk()?;
            let snapshot = disk.snapshot();
            let chain = ChainRows(&*snapshot);
            let tip = tip_of(&parts.rules, &chain)?;
            let rows = TopicRows::of_members(&chain);
            let view = View::new(&rows);
            let genesis = &parts.rules.genesis().content;
            writing.0.retain(|signature, _| {
                statements
                    .all()
                    .any(|signed| signed.signature == *signature)
            });
            let now = self.clock.steady();
            let mut due = None;
            for signed in statements.all() {
                if view.holds(signed, genesis)? {
                    continue;
                }
                let wait =
                    WRITE_AFTER + u64::from(self.key.0[0] ^ signed.signature.0[0]) % WRITE_SPREAD;
                let at = writing.0.entry(signed.signature);
                let at = at.or_insert(Due::after(wait, tip.height, now));
                if at.is_now(tip.height, now) {
                    // Again after as long, should it be lost.
                    *at = Due::after(WRITE_AGAIN, tip.height, now);
                    due = Some((signed.clone(), tip.height));
                    break;
                }
            }
            due
        };
        let Some((signed, tip)) = due else {
            return Ok(None);
        };
        let act = signed.statement.act.clone();
        self.record_members(&MembersRecord::Statement(signed), tip)
            .await?;
        Ok(Some(act))
    }

    /// Writes on the ledger that this node leaves, if it is a member there. Only after it is there for all to
    /// see, by everybody's rules, does nobody hold it to be a member any more.
    ///
    /// A join that is open is waited for: once it is known, nobody can take it back, and a leave before it would
    /// leave a member behind that nobody speaks for.
    ///
    /// # Errors
    /// [`Code::JoinOpen`] if no block takes the join in for a while; [`Code::OutboxFull`], [`Code::Stopping`].
    pub(super) async fn leave_ledger(&self) -> Result<Option<TransactionId>, Refused> {
        let Ok(parts) = self.parts() else {
            return Ok(None);
        };
        if let Some(join) = self.join_without_block()? {
            let join = join.to_string();
            let stands = self.sent_once(&join, Goal::Mined, JOIN_PATIENCE).await?;
            if !Goal::Mined.is_reached(&stands) {
                return Err(Refused::new(
                    Code::JoinOpen,
                    "this node's join is open and in no block yet, and from then on it would be a member that \
                     has left: nothing was done. Leave once somebody has mined a block",
                ));
            }
        }
        let tip = {
            let disk = self.disk()?;
            let snapshot = disk.snapshot();
            let chain = ChainRows(&*snapshot);
            let rows = TopicRows::of_members(&chain);
            if View::new(&rows).current(&self.key)?.is_none() {
                return Ok(None);
            }
            tip_of(&parts.rules, &chain)?
        };
        let certified = self
            .known()
            .certificate
            .as_ref()
            .map(|one| one.statement.serial);
        let order = SignLeave {
            network: parts.rules.network(),
            // Not below what it is to void, however this machine's clock goes.
            number: self.clock.wall().max(certified.unwrap_or(Timestamp(0))),
        };
        let leave = self.sign_leave.send(order).await?;
        let record = MembersRecord::Leave(leave);
        self.record_members(&record, tip.height).await.map(Some)
    }

    /// This node's own join, while it is open and makes it a member.
    fn join_without_block(&self) -> Result<Option<TransactionId>, Refused> {
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        let chain = ChainRows(&*snapshot);
        let rows = TopicRows::of_members(&chain);
        match View::new(&rows).current(&self.key)? {
            Some(_) => Ok(None),
            None => open_join(&*snapshot, &self.key),
        }
    }

    /// Sends a record of members, which needs no fee.
    async fn record_members(
        &self,
        record: &MembersRecord,
        tip: Height,
    ) -> Result<TransactionId, Refused> {
        let outgoing = Outgoing {
            topic: Topic::new(MEMBERS_TOPIC).expect("it is short"),
            body: RecordBody::new(canonical::encode(record)).expect("it has some hundred bytes"),
            fee: Amount::ZERO,
            expires_at: Height(tip.0.saturating_add(DEFAULT_EXPIRY_BLOCKS)),
        };
        Ok(self.put_on_ledger(outgoing, None).await?.0)
    }

    /// What this node says when it joins; `None` as long as the tracker has not told it of itself, or if it
    /// lacks the invitation that its certificate names.
    fn own_join(
        &self,
        certificate: &Certificate,
        invitation: Option<&InvitationString>,
    ) -> Option<JoinRecord> {
        let known = self.known();
        let own = known.directory.by_key(&self.key)?;
        let said = &certificate.statement;
        let invitation = match said.invitation {
            None => None,
            Some(key) => Some(invitation.filter(|one| one.invitation.statement.key == key)?),
        };
        Some(JoinRecord {
            name: said.name.clone(),
            sealing_key: own.record.statement.sealing_key,
            certificate: certificate.clone(),
            invitation: invitation.map(|one| one.invitation.clone()),
            invited: invitation
                .map(|one| sign_invited(&one.key(), &said.network, &self.key, &said.name)),
        })
    }
}

/// Whether members of this network join on the ledger by themselves.
pub(super) fn joins_on_ledger(params: &Params, disk: &dyn DiskRead) -> Result<bool, Internal> {
    if params.admission == Admission::Invite {
        return Ok(true);
    }
    let first = application_rows(disk, &voting::topic(), LISTED_ROWS, None, 1)?;
    Ok(!first.is_empty())
}

/// The join of this key among the open transactions of last time.
fn open_join(disk: &dyn DiskRead, key: &PublicKey) -> Result<Option<TransactionId>, Refused> {
    let is_own = |transaction: &EncodedTransaction| {
        let payload = transaction.payload();
        payload.sender == *key
            && matches!(&payload.action, Action::Record { topic, .. } if topic.as_str() == MEMBERS_TOPIC)
    };
    let open = stored_open(disk)?;
    let mut own = open
        .into_iter()
        .map(|entry| entry.transaction)
        .filter(is_own);
    Ok(own.next().map(|transaction| transaction.id()))
}

#[cfg(test)]
mod tests;
