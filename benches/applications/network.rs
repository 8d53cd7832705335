//! A network whose members join and vote, over chains that are made at once.

use super::{BLOCKS, JOINS, LONG, SHORT, VOTERS};
use raclette::apps::voting::{self, Opening, Parcel, Roll, RollPart, Vote};
use raclette::archive::OfflineLedger;
use raclette::canonical;
use raclette::chain::params::Admission;
use raclette::chain::transaction::RecordBody;
use raclette::chain::{
    Action, Amount, Block, EncodedTransaction, Height, Params, Payload, Salt, Topic,
};
use raclette::clock::{Clock, SystemClock};
use raclette::keys::{PublicKey, SecretKey};
use raclette::membership::invitation::{MAX_USES, sign_invited};
use raclette::membership::{
    CertificateStatement, Invitation, InvitationStatement, JoinRecord, MembersRecord,
};
use raclette::sim::growth::{INTERVAL_MS, MadeUpNetwork};
use raclette::store::{OpenOptions, RocksDisk, Role};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Records of one kind, open and then mined.
pub(super) struct Stage {
    /// Until one was open.
    pub(super) open_us: f64,
    /// Bytes of one as a transaction.
    pub(super) bytes: usize,
    /// What it builds on, which is not counted.
    pub(super) before: Vec<Block>,
    pub(super) blocks: Vec<Block>,
}

/// The blocks of a stage, connected by a node that had seen nothing of them.
pub(super) struct Replayed {
    pub(super) each_us: f64,
    pub(super) first_us: f64,
    pub(super) last_us: f64,
}

pub(super) struct Judged {
    pub(super) stages: [Stage; 3],
    /// The ballots over the members, and over a roll in parts.
    pub(super) ballots: [voting::BallotId; 2],
}

/// A network with many members that votes.
pub(super) struct Network {
    pub(super) made_up: MadeUpNetwork,
    tracker: SecretKey,
    pub(super) members: Vec<SecretKey>,
}

impl Network {
    pub(super) fn new() -> Self {
        let tracker = SecretKey::from_bytes([9; 32]);
        let members = (0..JOINS as u64).map(|number| {
            let seed = blake3::hash(&number.to_le_bytes());
            SecretKey::from_bytes(*seed.as_bytes())
        });
        let members: Vec<_> = members.collect();
        let params = Params {
            admission: Admission::Invite,
            applications: vec![voting::topic()],
            ..MadeUpNetwork::params("voters")
        };
        let (admin, founder) = (tracker.public_key(), members[0].public_key());
        let made_up = MadeUpNetwork::new(params, admin, founder, BLOCKS, SystemClock.wall());
        Self {
            made_up,
            tracker,
            members,
        }
    }

    /// Settings of a member that keeps the chain in its data directory, and that directory.
    pub(super) fn settings(&self, place: &Path) -> PathBuf {
        let data = place.join("data");
        let text = format!(
            "role = \"peer\"\nname = \"looker\"\ntrackers = [\"127.0.0.1:9\"]\nlisten = \"127.0.0.1:0\"\ndata_dir = \
             {data:?}\n[api]\nlisten = \"127.0.0.1:0\"\n"
        );
        fs::write(place.join("peer.toml"), text).unwrap();
        fs::create_dir_all(&data).unwrap();
        data
    }

    pub(super) fn on<T>(
        &self,
        directory: &Path,
        work: impl FnOnce(&mut OfflineLedger<'_>) -> T,
    ) -> T {
        fs::create_dir_all(directory).unwrap();
        let disk = RocksDisk::open(directory, &OpenOptions::new(Role::Peer)).unwrap();
        self.made_up.set_time(Height::GENESIS);
        let rules = self.made_up.rules().unwrap();
        let mut ledger = OfflineLedger::open(&disk, rules, self.made_up.clock()).unwrap();
        ledger.set_members(self.members.iter().map(SecretKey::public_key));
        let done = work(&mut ledger);
        ledger.write().unwrap();
        done
    }

    pub(super) fn with_applications(&self, directory: &Path) -> Judged {
        self.on(directory, |ledger| {
            let joins = self.stage(ledger, self.joins());
            let voters = &self.members[..VOTERS];
            let (by_members, before) = self.open(ledger, Roll::members());
            let votes = Stage {
                before,
                ..self.stage(ledger, self.votes(ledger, by_members))
            };
            let mut keys: Vec<PublicKey> = voters.iter().map(SecretKey::public_key).collect();
            keys.sort_unstable();
            let parts: Vec<_> = keys
                .chunks(voting::MAX_ROLL)
                .map(|keys| RollPart {
                    keys: keys.to_vec(),
                })
                .collect();
            let named = parts.iter().map(RollPart::hash).collect();
            let parts = parts.into_iter().map(Parcel::Roll);
            let parts: Vec<_> = parts
                .map(|part| self.record(0, voting::topic(), part.encode().unwrap(), tip(ledger)))
                .collect();
            let mut before = self.stage(ledger, parts).blocks;
            let (by_parts, opening) = self.open(ledger, Roll::parts(named));
            before.extend(opening);
            let listed = Stage {
                before,
                ..self.stage(ledger, self.votes(ledger, by_parts))
            };
            Judged {
                stages: [joins, votes, listed],
                ballots: [by_members, by_parts],
            }
        })
    }

    /// As many records as join and vote, as long, under a topic that no application has.
    pub(super) fn with_plain_records(&self, directory: &Path) -> [Stage; 2] {
        self.on(directory, |ledger| {
            [(JOINS, LONG), (VOTERS, SHORT)].map(|(count, length)| {
                let height = tip(ledger);
                let records = (0..count).map(|number| {
                    let topic = Topic::new("notes").unwrap();
                    let body = RecordBody::new(vec![number as u8; length]).unwrap();
                    self.record(number, topic, body, height)
                });
                let records = records.collect();
                self.stage(ledger, records)
            })
        })
    }

    pub(super) fn record(
        &self,
        by: usize,
        topic: Topic,
        body: RecordBody,
        tip: Height,
    ) -> EncodedTransaction {
        let mut salt = [0; 16];
        salt[..8].copy_from_slice(&tip.0.to_le_bytes());
        let key = &self.members[by];
        let payload = Payload {
            network: self.made_up.genesis().id(),
            sender: key.public_key(),
            salt: Salt(salt),
            expires_at: Height(tip.0 + BLOCKS),
            fee: Amount(0),
            action: Action::Record { topic, body },
        };
        EncodedTransaction::new(payload.sign(key))
    }

    fn joins(&self) -> Vec<EncodedTransaction> {
        let network = self.made_up.genesis().id();
        let admin = self.tracker.public_key();
        let now = self.made_up.stamp(Height::GENESIS);
        let seed = SecretKey::from_bytes([7; 32]);
        let invitation: Invitation = InvitationStatement {
            network: Some(network),
            key: seed.public_key(),
            issuer: admin,
            delegation: None,
            uses: MAX_USES,
            serial: now,
            expires: now.plus_ms(BLOCKS * INTERVAL_MS),
        }
        .sign(&self.tracker);
        let join = |(number, member): (usize, &SecretKey)| {
            let (key, name) = (
                member.public_key(),
                format!("member-{number}").parse().unwrap(),
            );
            let said = CertificateStatement {
                invitation: Some(seed.public_key()),
                ..CertificateStatement::at(now, network, key, name, admin)
            };
            let name = said.name.clone();
            let invited = sign_invited(&seed, &network, &key, &name);
            let record = MembersRecord::Join(Box::new(JoinRecord {
                name,
                sealing_key: member.sealing_key(),
                certificate: said.sign(&self.tracker),
                invitation: Some(invitation.clone()),
                invited: Some(invited),
            }));
            let body = RecordBody::new(canonical::encode(&record)).unwrap();
            self.record(
                number,
                Topic::new("members").unwrap(),
                body,
                Height::GENESIS,
            )
        };
        self.members.iter().enumerate().map(join).collect()
    }

    fn open(&self, ledger: &mut OfflineLedger<'_>, roll: Roll) -> (voting::BallotId, Vec<Block>) {
        let choice = |text| voting::Choice::new(text).unwrap();
        let height = tip(ledger);
        let opening = Parcel::Open(Opening {
            question: voting::Question::new("Where to?").unwrap(),
            choices: vec![choice("Rome"), choice("Bern"), choice("Oslo")],
            max: 1,
            roll,
            closes_at: None,
            last_height: Height(height.0 + BLOCKS),
        });
        let record = self.record(0, voting::topic(), opening.encode().unwrap(), height);
        let id = record.id();
        (id, self.stage(ledger, vec![record]).blocks)
    }

    fn votes(
        &self,
        ledger: &OfflineLedger<'_>,
        ballot: voting::BallotId,
    ) -> Vec<EncodedTransaction> {
        let tip = tip(ledger);
        let vote = |voter| self.vote(voter, ballot, 1, tip);
        (0..VOTERS).map(vote).collect()
    }

    pub(super) fn vote(
        &self,
        voter: usize,
        ballot: voting::BallotId,
        revision: u64,
        tip: Height,
    ) -> EncodedTransaction {
        let vote = Parcel::Vote(Vote {
            ballot,
            revision,
            choices: vec![(voter % 3) as u8],
        });
        self.record(voter, voting::topic(), vote.encode().unwrap(), tip)
    }

    /// Has these records become open, and mines all of them.
    fn stage(&self, ledger: &mut OfflineLedger<'_>, records: Vec<EncodedTransaction>) -> Stage {
        let count = records.len();
        let bytes = records[0].bytes().len();
        let begun = Instant::now();
        for record in records {
            ledger.send(record).unwrap().unwrap();
        }
        let open_us = each(begun.elapsed(), count);
        let mut blocks = Vec::new();
        let mut mined = 0;
        while mined < count {
            let miner = self.members[0].public_key();
            let block = self.made_up.mine(ledger, miner).unwrap();
            mined += block.transactions.len() - 1;
            blocks.push(block);
        }
        Stage {
            open_us,
            bytes,
            before: Vec::new(),
            blocks,
        }
    }

    /// The blocks of all stages, by a node that has seen nothing; what lies between them is not counted.
    pub(super) fn replay(&self, directory: &Path, stages: &[&Stage]) -> Vec<Replayed> {
        self.on(directory, |ledger| {
            let mut connect = |block: &Block| {
                let block = block.clone();
                let records = block.transactions.len() - 1;
                let begun = Instant::now();
                self.made_up.connect(ledger, block).unwrap();
                (begun.elapsed(), records)
            };
            let mut replayed = Vec::new();
            for stage in stages {
                for block in &stage.before {
                    connect(block);
                }
                let took: Vec<_> = stage.blocks.iter().map(&mut connect).collect();
                let fifth = took.len().div_ceil(5);
                replayed.push(Replayed {
                    each_us: mean(&took),
                    first_us: mean(&took[..fifth]),
                    last_us: mean(&took[took.len() - fifth..]),
                });
            }
            replayed
        })
    }
}

pub(super) fn tip(ledger: &OfflineLedger<'_>) -> Height {
    ledger.ledger().tip().height()
}

fn mean(took: &[(Duration, usize)]) -> f64 {
    let all = took.iter().map(|(took, _)| *took).sum();
    each(all, took.iter().map(|(_, records)| records).sum())
}

pub(super) fn each(took: Duration, count: usize) -> f64 {
    took.as_secs_f64() * 1e6 / count as f64
}
