//! Who is a member of a simulated network: what its admin orders, what everybody must have heard of that, and the
//! list that its records lead to, made again by going through every record there is.

use super::deed::{Deed, Inviting, Saying};
use super::host::{Faces, Host};
use super::load::Load;
use super::network::address;
use super::plan::TRACKER;
use super::watch::Broken;
use super::world::name;
use crate::apps::members::View;
use crate::canonical;
use crate::chain::application::{MEMBERS_TOPIC, TopicRows};
use crate::chain::{Action, Height, Internal, StateView, Timestamp};
use crate::keys::{PublicKey, SecretKey};
use crate::membership::statement::ExpulsionReason;
use crate::membership::{Act, InvitationString, MemberName, MembersRecord, Statements};
use crate::messages::registry::CarryOut;
use crate::protocol::registry::{InvitationId, Order, Outcome};
use crate::store::DiskRead;
use crate::store::chain_rows::ChainRows;
use actix::Recipient;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long an owner waits for what came of an order: a tracker whose disk fails never says.
const ORDERED_WITHIN: Duration = Duration::from_secs(10);

impl Load {
    /// The admin says something of the owner of `key`, at the tracker that `order` leads to. Who has lost its key is
    /// given that one.
    pub(super) fn say(
        &self,
        number: usize,
        deed: &Deed,
        saying: Saying,
        key: PublicKey,
        order: &Recipient<CarryOut>,
    ) {
        let act = match saying {
            Saying::Expel(_) => Act::Expel {
                key,
                reason: ExpulsionReason::new("by its plan").expect("it is short"),
            },
            Saying::Readmit(_) => Act::Readmit { key },
            Saying::Reassign(host) => Act::Reassign {
                name: member_name(host),
                key,
            },
        };
        self.order(number, deed, Order::Say(act), order);
    }

    /// An owner orders something at its tracker.
    pub(super) fn order(
        &self,
        number: usize,
        deed: &Deed,
        what: Order,
        order: &Recipient<CarryOut>,
    ) {
        let (trace, from) = (self.trace.clone(), deed.from);
        let order = order.clone();
        tokio::task::spawn_local(async move {
            let said = carry_out(&order, what).await;
            let said = said.map_or_else(|refused| refused, |_| "said".to_owned());
            trace.event(&format!("deed {number} of host {from}: {said}"));
        });
    }
}

/// What an owner orders at a tracker; in words, why it is not done.
pub(super) async fn carry_out(order: &Recipient<CarryOut>, what: Order) -> Result<Outcome, String> {
    match tokio::time::timeout(ORDERED_WITHIN, order.send(CarryOut(what))).await {
        Ok(Ok(Ok(outcome))) => Ok(outcome),
        Ok(Ok(Err(refused))) => Err(refused.to_string()),
        Ok(Err(_)) | Err(_) => Err("the tracker has ended".to_owned()),
    }
}

/// What the key of an invitation is made from.
pub(super) fn invitation_seed(seed: u64, number: usize) -> [u8; 32] {
    let text = format!("invitation of deed {number} of network {seed}");
    *blake3::hash(text.as_bytes()).as_bytes()
}

/// Has an invitation signed by the tracker, which has this key.
pub(super) async fn invite(
    order: &Recipient<CarryOut>,
    inviting: &Inviting,
    seed: [u8; 32],
    tracker: PublicKey,
) -> Result<(InvitationId, Arc<InvitationString>), String> {
    let what = Order::Invite {
        key: SecretKey::from_bytes(seed).public_key(),
        uses: inviting.uses,
        lasts_ms: inviting.lasts_ms,
    };
    let Outcome::Invited { id, invitation } = carry_out(order, what).await? else {
        return Err("the tracker has done something else".to_owned());
    };
    let at = address(TRACKER).to_string().parse();
    let at = vec![at.expect("an address of the simulation is one")];
    let string = InvitationString::new(invitation, Zeroizing::new(seed), at, tracker);
    let string = string.map_err(|error| error.to_string())?;
    Ok((id, Arc::new(string)))
}

/// What a node has heard of the admin, if it runs and knows its network.
fn heard(faces: &Faces) -> Option<Arc<Statements>> {
    faces.peer.get()?.known.borrow().statements.clone()
}

/// The keys that a node was told are put out.
pub(super) fn told_out(faces: &Faces) -> BTreeSet<PublicKey> {
    heard(faces).map_or_else(BTreeSet::new, |statements| statements.all_out())
}

/// What the owner of a host is called.
fn member_name(host: usize) -> MemberName {
    let name = name(host).parse();
    name.expect("a host's name is a member's")
}

/// Whether the admin has given the name of a host to the key that its owner makes next, as somebody has heard.
pub(super) fn has_next_key(hosts: &[Host], host: usize) -> bool {
    let (name, next) = (member_name(host), hosts[host].next_key());
    let heard = hosts.iter().filter_map(Host::faces);
    let mut heard = heard.filter_map(|faces| self::heard(&faces));
    heard.any(|statements| statements.owner(&name) == Some(next))
}

/// Which host speaks for the network, by the last that anybody has heard.
pub(super) fn speaker(hosts: &[Host]) -> usize {
    let heard = hosts.iter().filter_map(Host::faces);
    let admins: BTreeSet<_> = heard
        .filter_map(|faces| self::heard(&faces))
        .map(|statements| statements.authority().admin())
        .collect();
    let speaks = |host: &Host| host.is_tracker() && admins.contains(&host.key());
    // It is handed over once, to the last one.
    hosts.iter().rposition(speaks).unwrap_or(TRACKER)
}

/// Whether everybody who runs has heard that this host speaks for the network.
pub(super) fn all_know(hosts: &[Host], speaker: usize) -> bool {
    let peers = hosts.iter().filter(|host| !host.is_tracker());
    let mut heard = peers.filter_map(Host::faces);
    let key = hosts[speaker].key();
    heard.all(|faces| self::heard(&faces).is_some_and(|all| all.authority().admin() == key))
}

/// Whether a host waits to be let in, if it runs.
fn waits(host: &Host) -> Option<bool> {
    let faces = host.faces()?;
    let known = faces.peer.get()?.known.borrow().clone();
    Some(known.certificate.is_none())
}

/// Notes of each host whether it is put out, by the latest that any of them has heard, and of those who may never
/// be let in, whether they wait.
pub(super) fn note_who_is_out(hosts: &[Host], doubtful: &BTreeSet<usize>) {
    let mut last: BTreeMap<PublicKey, (Timestamp, bool)> = BTreeMap::new();
    let running = hosts.iter().filter_map(Host::faces);
    for statements in running.filter_map(|faces| heard(&faces)) {
        for signed in statements.all() {
            let (key, out) = match &signed.statement.act {
                Act::Expel { key, .. } => (*key, true),
                Act::Readmit { key } => (*key, false),
                _ => continue,
            };
            let said = (signed.statement.number, out);
            let known = last.entry(key).or_insert(said);
            *known = (*known).max(said);
        }
    }
    for (index, host) in hosts.iter().enumerate() {
        let put_out = last.get(&host.key()).map(|(_, out)| *out);
        let waits = doubtful.contains(&index).then(|| waits(host)).flatten();
        if let Some(out) = put_out.filter(|out| *out).or(waits).or(put_out) {
            host.note_out(out);
        }
    }
}

/// Whether somebody has not heard of something that another one has.
pub(super) fn heard_differs<'h>(peers: impl Iterator<Item = (usize, &'h Host)>) -> Option<Broken> {
    let mut all: Vec<(usize, BTreeSet<PublicKey>, Option<PublicKey>)> = Vec::new();
    for (index, host) in peers {
        let faces = host.faces()?;
        let admin = heard(&faces).map(|statements| statements.authority().admin());
        all.push((index, told_out(&faces), admin));
    }
    let differs = |pair: &&[(_, _, _)]| pair[0].1 != pair[1].1 || pair[0].2 != pair[1].2;
    let pair = all.windows(2).find(differs)?;
    let how = format!(
        "host {} was told of {} and {:?}, host {} of {} and {:?}",
        pair[0].0,
        pair[0].1.len(),
        pair[0].2,
        pair[1].0,
        pair[1].1.len(),
        pair[1].2
    );
    Some(Broken::new("everybody hears what the admin says", how))
}

/// Who is a member at the end of a simulation, by the ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Roll {
    /// How many are.
    pub members: usize,
    /// How many peers have a certificate, on the ledger or not.
    pub certified: usize,
    /// How many keys joined by an invitation.
    pub invited: usize,
    /// How many keys are put out.
    pub put_out: usize,
}

/// What a chain had of members, by reading alone.
#[derive(Default)]
struct Listed {
    /// Under which name who is a member now.
    members: BTreeMap<PublicKey, MemberName>,
    /// Who ever was one.
    ever: BTreeSet<PublicKey>,
    /// Whose a name is.
    names: BTreeMap<MemberName, PublicKey>,
    /// Who has joined by an invitation of this key.
    invited: BTreeMap<PublicKey, BTreeSet<PublicKey>>,
    /// The last that was said about a key, and whether it was that it is put out.
    said: BTreeMap<PublicKey, (Timestamp, bool)>,
    /// How the list changed at each height.
    changes: BTreeMap<Height, BTreeSet<PublicKey>>,
}

impl Listed {
    fn roll(&self) -> Roll {
        Roll {
            members: self.members.len(),
            certified: 0,
            invited: self.invited.values().map(BTreeSet::len).sum(),
            put_out: self.said.values().filter(|(_, out)| *out).count(),
        }
    }

    fn record(&mut self, record: MembersRecord, height: Height) -> Result<(), String> {
        match record {
            MembersRecord::Join(join) => {
                let said = &join.certificate.statement;
                let (key, name) = (said.key, join.name.clone());
                if self
                    .said
                    .get(&key)
                    .is_some_and(|(number, out)| *out || said.serial <= *number)
                {
                    return Err(format!("{key:?} joins in {height} and was put out"));
                }
                let owner = *self.names.entry(name.clone()).or_insert(key);
                if owner != key {
                    return Err(format!("{name} is taken by {key:?} in {height}"));
                }
                if let Some(invitation) = join.invitation {
                    let said = invitation.statement;
                    let joined = self.invited.entry(said.key).or_default();
                    joined.insert(key);
                    if joined.len() > said.uses as usize
                        || join.certificate.statement.serial >= said.expires
                    {
                        return Err(format!(
                            "{key:?} joins in {height} by an invitation that was over"
                        ));
                    }
                }
                self.ever.insert(key);
                self.members.insert(key, name);
            }
            MembersRecord::Leave(leave) => {
                self.members.remove(&leave.key);
            }
            MembersRecord::Statement(signed) => {
                let number = signed.statement.number;
                match signed.statement.act {
                    Act::Expel { key, .. } => {
                        self.said.insert(key, (number, true));
                        self.members.remove(&key);
                    }
                    Act::Readmit { key } => {
                        self.said.insert(key, (number, false));
                    }
                    Act::Reassign { name, key } => {
                        let former = self.names.insert(name, key);
                        if let Some(former) = former.filter(|former| *former != key) {
                            self.said.insert(former, (number, true));
                            self.members.remove(&former);
                        }
                    }
                    Act::Succeed { .. } | Act::Revoke { .. } => {}
                }
            }
        }
        let now = self.members.keys().copied().collect();
        self.changes.insert(height, now);
        Ok(())
    }
}

/// Makes the list of members again from a disk's chain, at every height at which it changed, and compares it with
/// what is kept.
pub(super) fn recount(disk: &dyn DiskRead) -> Result<Roll, String> {
    let rows = ChainRows(disk);
    let text = |error: Internal| error.to_string();
    let mut listed = Listed::default();
    let mut height = Height(1);
    while let Some(id) = rows.active(height).map_err(text)? {
        let block = rows.block(&id).map_err(text)?.ok_or("a body is missing")?;
        for transaction in &block.transactions {
            match &transaction.payload().action {
                Action::Record { topic, body } if topic.as_str() == MEMBERS_TOPIC => {
                    let record = canonical::decode(body.as_slice());
                    listed.record(record.map_err(|error| error.to_string())?, height)?;
                }
                _ => {}
            }
        }
        height = height.next();
    }
    let rows = TopicRows::of_members(&rows);
    let view = View::new(&rows);
    for (name, owner) in &listed.names {
        let kept = view.named(name).map_err(text)?.map(|row| row.owner);
        if kept != Some(*owner) {
            return Err(format!(
                "{name} is kept as that of {kept:?}, not of {owner:?}"
            ));
        }
    }
    for (invitation, joined) in &listed.invited {
        let kept = view.uses(invitation).map_err(text)? as usize;
        if kept != joined.len() {
            return Err(format!(
                "{} joined by {invitation:?}, and {kept} are kept",
                joined.len()
            ));
        }
    }
    for key in &listed.ever {
        let kept = view.current(key).map_err(text)?.map(|current| current.name);
        if kept.as_ref() != listed.members.get(key) {
            return Err(format!("{key:?} is kept as {kept:?}"));
        }
        for (height, members) in &listed.changes {
            let kept = view.member_at(key, *height).map_err(text)?.is_some();
            if kept != members.contains(key) {
                return Err(format!(
                    "{key:?} is kept as a member after {height}: {kept}"
                ));
            }
        }
    }
    match view.count().map_err(text)? as usize == listed.ever.len() {
        true => Ok(listed.roll()),
        false => Err(format!("{} were ever members", listed.ever.len())),
    }
}
