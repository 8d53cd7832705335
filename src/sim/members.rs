//! Who is a member of a simulated network: what its admin orders, what everybody must have heard of that, and the
//! list that its records lead to, made again by going through every record there is.

use super::deed::{Deed, Saying};
use super::host::{Faces, Host};
use super::load::Load;
use super::watch::Broken;
use crate::apps::members::View;
use crate::canonical;
use crate::chain::application::{MEMBERS_TOPIC, TopicRows};
use crate::chain::{Action, Height, Internal, StateView, Timestamp};
use crate::keys::PublicKey;
use crate::membership::statement::ExpulsionReason;
use crate::membership::{Act, MemberName, MembersRecord, Statements};
use crate::messages::registry::CarryOut;
use crate::protocol::registry::Order;
use crate::store::DiskRead;
use crate::store::chain_rows::ChainRows;
use actix::Recipient;
use std::collections::{BTreeMap, BTreeSet};

impl Load {
    /// The admin says something of the owner of `key`, at the tracker that `order` leads to.
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
        };
        let (trace, from) = (self.trace.clone(), deed.from);
        let asked = order.send(CarryOut(Order::Say(act)));
        tokio::task::spawn_local(async move {
            let said = match asked.await {
                Ok(Ok(_)) => "said".to_owned(),
                Ok(Err(refused)) => refused.to_string(),
                Err(_) => "the tracker has ended".to_owned(),
            };
            trace.event(&format!("deed {number} of host {from}: {said}"));
        });
    }
}

/// What a node has heard of the admin, if it runs and knows its network.
fn heard(faces: &Faces) -> Option<std::sync::Arc<Statements>> {
    faces.peer.get()?.known.borrow().statements.clone()
}

/// The keys that a node was told are put out.
pub(super) fn told_out(faces: &Faces) -> BTreeSet<PublicKey> {
    heard(faces).map_or_else(BTreeSet::new, |statements| statements.all_out())
}

/// Notes of each host whether it is put out, by the latest that any of them has heard.
pub(super) fn note_who_is_out(hosts: &[Host]) {
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
    for host in hosts {
        if let Some((_, out)) = last.get(&host.key()) {
            host.note_out(*out);
        }
    }
}

/// Whether somebody has not heard of something that another one has.
pub(super) fn heard_differs<'h>(peers: impl Iterator<Item = (usize, &'h Host)>) -> Option<Broken> {
    let mut all: Vec<(usize, BTreeSet<PublicKey>)> = Vec::new();
    for (index, host) in peers {
        let faces = host.faces()?;
        all.push((index, told_out(&faces)));
    }
    let pair = all.windows(2).find(|pair| pair[0].1 != pair[1].1)?;
    let how = format!(
        "host {} was told of {}, host {} of {}",
        pair[0].0,
        pair[0].1.len(),
        pair[1].0,
        pair[1].1.len()
    );
    Some(Broken::new("everybody hears what the admin says", how))
}

/// What a chain had of members, by reading alone.
#[derive(Default)]
struct Listed {
    /// Under which name who is a member now.
    members: BTreeMap<PublicKey, MemberName>,
    /// Whose a name is.
    names: BTreeMap<MemberName, PublicKey>,
    /// The last that was said about a key, and whether it was that it is put out.
    said: BTreeMap<PublicKey, (Timestamp, bool)>,
    /// How the list changed at each height.
    changes: BTreeMap<Height, BTreeSet<PublicKey>>,
}

impl Listed {
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
                    other => return Err(format!("{other} in {height}: nobody said that")),
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
pub(super) fn recount(disk: &dyn DiskRead) -> Result<(), String> {
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
    let ever: BTreeSet<PublicKey> = listed.names.values().copied().collect();
    for key in &ever {
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
    match view.count().map_err(text)? as usize == ever.len() {
        true => Ok(()),
        false => Err(format!("{} were ever members", ever.len())),
    }
}
