//! What the owners of hosts do.

use super::World;
use crate::chain::Salt;
use crate::clock::Clock;
use crate::membership::Act;
use crate::messages::registry::CarryOut;
use crate::owner::answers::ClosesRequest;
use crate::protocol::registry::Order;
use crate::sim::deed::{Doing, Saying};
use crate::sim::load::Recorder;
use crate::sim::members::{carry_out, invitation_seed, invite, speaker};
use crate::sim::plan::TRACKER;
use actix::Recipient;

/// For how long another tracker may issue: longer than any clock jumps.
const DELEGATED_MS: u64 = 80 * 86_400_000;

impl World {
    /// Somebody's owner does something, if the node runs.
    pub(super) async fn act(&mut self, number: usize) {
        let deed = self.plan.deeds[number].clone();
        let from = match deed.what {
            Doing::Say(_) => speaker(&self.hosts),
            _ => deed.from,
        };
        let Some(faces) = self.hosts[from].faces() else {
            return;
        };
        match &deed.what {
            Doing::Send(sending) => {
                if let Some(peer) = faces.peer.get() {
                    let to = self.hosts[sending.to].key();
                    self.load.send(number, &deed, sending, peer, to);
                }
            }
            Doing::Open(poll) => {
                let roll = poll.voters.iter().map(|host| self.hosts[*host].key());
                let roll = roll.collect();
                let Some(peer) = faces.peer.get() else {
                    return;
                };
                let closes = match poll.within_ms {
                    Some(ms) => ClosesRequest::At(self.hosts[deed.from].clock().wall().plus_ms(ms)),
                    None => ClosesRequest::Blocks(poll.blocks),
                };
                self.load.open_ballot(number, &deed, roll, closes, peer);
            }
            Doing::Vote(which) => {
                if let Some(peer) = faces.peer.get() {
                    self.load.vote(number, &deed, *which, peer);
                }
            }
            Doing::Say(saying) => {
                if let Some(order) = faces.order.get() {
                    let about = &self.hosts[saying.about()];
                    let key = match saying {
                        Saying::Reassign(_) => about.next_key(),
                        Saying::Expel(_) | Saying::Readmit(_) => about.key(),
                    };
                    self.load.say(number, &deed, *saying, key, order);
                }
            }
            doing @ (Doing::Delegate | Doing::HandOver) => {
                if let (Some(order), Some(other)) = (faces.order.get(), self.plan.other()) {
                    let key = self.hosts[other].key();
                    let what = match doing {
                        Doing::HandOver => Order::Say(Act::Succeed { key }),
                        _ => Order::Delegate {
                            key,
                            lasts_ms: DELEGATED_MS,
                        },
                    };
                    self.load.order(number, &deed, what, order);
                }
            }
            doing @ (Doing::Invite(_) | Doing::Revoke(_)) => {
                if let Some(order) = faces.order.get() {
                    self.admit(number, doing, order).await;
                }
            }
            Doing::Record(bytes) => {
                let key = self.hosts[deed.from].secret_key();
                let salt = self.salt();
                let by = Recorder { faces, key, salt };
                self.load.record(number, &deed, *bytes, by);
            }
        }
    }

    fn salt(&mut self) -> Salt {
        let mut salt = Salt([0; Salt::LEN]);
        for byte in &mut salt.0 {
            *byte = self.chance.number() as u8;
        }
        salt
    }

    /// Somebody is invited, or is not any more.
    async fn admit(&mut self, number: usize, doing: &Doing, order: &Recipient<CarryOut>) {
        let said = match doing {
            Doing::Invite(inviting) => {
                let seed = invitation_seed(self.plan.seed, number);
                let tracker = self.hosts[TRACKER].key();
                match invite(order, inviting, seed, tracker).await {
                    Ok((id, invitation)) => {
                        for host in &inviting.hosts {
                            self.hosts[*host].invite(invitation.clone());
                            self.invited.insert(*host, id);
                        }
                        format!("invitation {}", id.0)
                    }
                    Err(refused) => refused,
                }
            }
            Doing::Revoke(host) => match self.invited.get(host) {
                Some(id) => carry_out(order, Order::RevokeInvitation(*id))
                    .await
                    .map_or_else(
                        |refused| refused,
                        |_| format!("invitation {} revoked", id.0),
                    ),
                None => return,
            },
            _ => return,
        };
        self.around.trace.event(&format!("deed {number}: {said}"));
    }
}
