mod attacks;
mod replay;

use super::*;
use crate::chain::application::{Moment, TopicRows};
use crate::chain::rows::Draft;
use crate::chain::state::{apply_genesis, undo_block};
use crate::chain::testing::{MemoryView, START, genesis_with, member, params};
use crate::chain::{
    Action, Amount, Block, EncodedTransaction, Height, Params, Payload, Rejected, Rejection, Rules,
    Salt, StateView, Timestamp,
};
use crate::keys::SecretKey;
use crate::membership::invitation::sign_invited;
use crate::membership::{
    Act, CertificateStatement, Invitation, InvitationStatement, JoinRecord, Leave, MemberName,
    Statement,
};

/// The admin's number among the tests' members; as the tests' genesis has it.
const ADMIN: u8 = 200;
const RECOVERY: u8 = 201;
const HOUR: u64 = 3_600_000;

fn key(number: u8) -> PublicKey {
    member(number).public_key()
}

fn name(text: &str) -> MemberName {
    text.parse().unwrap()
}

/// A chain of blocks without work: what applications make of it is all that matters.
struct Ledger {
    rules: Rules,
    rows: MemoryView,
    blocks: Vec<Block>,
    salt: u64,
}

impl Ledger {
    fn new() -> Self {
        let params = Params {
            gift: Amount(7),
            recovery: Some(key(RECOVERY)),
            min_fee_per_kib: Amount(3),
            ..params()
        };
        let rules = Rules::new(genesis_with(params), &crate::apps::built_in()).unwrap();
        let mut rows = MemoryView::default();
        let mut draft = Draft::new(&rows);
        apply_genesis(&rules, &mut draft);
        let changes = draft.into_rows();
        rows.commit(changes);
        Self {
            rules,
            rows,
            blocks: Vec::new(),
            salt: 0,
        }
    }

    fn height(&self) -> u64 {
        self.blocks.len() as u64
    }

    fn time(&self) -> Timestamp {
        START.plus_ms(self.height() * HOUR)
    }

    fn signed(&mut self, by: u8, record: &MembersRecord) -> EncodedTransaction {
        self.salt += 1;
        let mut salt = [0; 16];
        salt[..8].copy_from_slice(&self.salt.to_le_bytes());
        let payload = Payload {
            network: self.rules.network(),
            sender: key(by),
            salt: Salt(salt),
            expires_at: Height(100_000),
            fee: Amount::ZERO,
            action: Action::Record {
                topic: Topic::new(MEMBERS_TOPIC).unwrap(),
                body: RecordBody::new(canonical::encode(record)).unwrap(),
            },
        };
        EncodedTransaction::new(payload.sign(&member(by)))
    }

    /// A block with those of the records that can be in it, and what was said to each.
    fn mine(&mut self, records: Vec<(u8, MembersRecord)>) -> Vec<Result<(), String>> {
        let transactions: Vec<_> = records
            .iter()
            .map(|(by, one)| self.signed(*by, one))
            .collect();
        let mut header = self.rules.genesis().header;
        header.height = Height(self.height() + 1);
        header.timestamp = START.plus_ms((self.height() + 1) * HOUR);
        header.nonce = self.salt;
        let moment = Moment {
            height: header.height,
            parent: header.previous,
            parent_time: self.time(),
            time: header.timestamp,
        };
        let mut draft = Draft::new(&self.rows);
        let mut verdicts = Vec::new();
        let mut taken = Vec::new();
        for transaction in transactions {
            let formed = self.rules.check_form(&transaction).map_err(Rejection::from);
            let index = taken.len() as u32;
            let judged = formed.and_then(|()| {
                let rules = &self.rules;
                rules.apply_transaction(&mut draft, &transaction, &moment, index)
            });
            verdicts.push(match judged {
                Ok(()) => {
                    taken.push(transaction);
                    Ok(())
                }
                Err(Rejection::Rejected(Rejected::Application { reason, .. })) => Err(reason),
                Err(other) => panic!("{other:?}"),
            });
        }
        let block = Block {
            header,
            transactions: taken,
        };
        let mut draft = Draft::new(&self.rows);
        let applied = self.rules.apply_block(&mut draft, &block, self.time());
        assert_eq!(applied, Ok(()));
        let changes = draft.into_rows();
        self.rows.commit(changes);
        self.blocks.push(block);
        verdicts
    }

    fn says(&mut self, by: u8, record: MembersRecord) -> Result<(), String> {
        self.mine(vec![(by, record)]).remove(0)
    }

    fn undo(&mut self) {
        let block = self.blocks.pop().unwrap();
        let mut draft = Draft::new(&self.rows);
        undo_block(&mut draft, &block).unwrap();
        let changes = draft.into_rows();
        self.rows.commit(changes);
    }

    fn pass(&mut self, blocks: u64) {
        for _ in 0..blocks {
            self.mine(Vec::new());
        }
    }

    fn join(&self, number: u8, called: &str, by: Option<&Invitation>) -> MembersRecord {
        join_at(&self.rules, self.time().plus_ms(1), number, called, by)
    }

    fn statement(&self, act: Act, by: u8) -> MembersRecord {
        self.numbered(self.time().plus_ms(1), act, by)
    }

    fn numbered(&self, number: Timestamp, act: Act, by: u8) -> MembersRecord {
        let network = self.rules.network();
        let statement = Statement {
            network,
            number,
            act,
        };
        MembersRecord::Statement(statement.sign(&member(by)))
    }

    fn leave(&self, number: u8) -> MembersRecord {
        let (network, now) = (self.rules.network(), self.time().plus_ms(1));
        MembersRecord::Leave(Leave::sign(network, now, &member(number)))
    }

    fn is_member(&self, number: u8, height: u64) -> bool {
        let rows = TopicRows::of_members(&self.rows);
        let at = View::new(&rows).member_at(&key(number), Height(height));
        at.unwrap().is_some()
    }

    fn called(&self, number: u8) -> Option<String> {
        let rows = TopicRows::of_members(&self.rows);
        let current = View::new(&rows).current(&key(number)).unwrap();
        current.map(|current| current.name.to_string())
    }
}

const INVITATION: u8 = 99;

fn invitation(rules: &Rules, uses: u32, key: u8) -> Invitation {
    let statement = InvitationStatement {
        network: Some(rules.network()),
        key: self::key(key),
        issuer: self::key(ADMIN),
        delegation: None,
        uses,
        serial: START,
        expires: START.plus_ms(10_000 * HOUR),
    };
    statement.sign(&member(ADMIN))
}

fn join_at(
    rules: &Rules,
    serial: Timestamp,
    number: u8,
    called: &str,
    by: Option<&Invitation>,
) -> MembersRecord {
    let (network, member_key) = (rules.network(), key(number));
    let certificate = CertificateStatement {
        invitation: by.map(|one| one.statement.key),
        ..CertificateStatement::at(serial, network, member_key, name(called), key(ADMIN))
    };
    let secret: SecretKey = member(INVITATION);
    MembersRecord::Join(Box::new(JoinRecord {
        name: name(called),
        sealing_key: member(number).sealing_key(),
        certificate: certificate.sign(&member(ADMIN)),
        invitation: by.cloned(),
        invited: by.map(|_| sign_invited(&secret, &network, &member_key, &name(called))),
    }))
}

fn expel(number: u8) -> Act {
    let reason = canonical::CappedText::new("why").unwrap();
    Act::Expel {
        key: key(number),
        reason,
    }
}

fn refused(result: Result<(), String>, words: &str) {
    let reason = result.expect_err(words);
    assert!(reason.contains(words), "{words}: {reason}");
}

#[test]
fn whoever_joins_is_a_member_from_that_block_on_and_once_only() {
    let mut ledger = Ledger::new();
    assert_eq!(ledger.says(1, ledger.join(1, "alice", None)), Ok(()));
    assert!(!ledger.is_member(1, 0) && ledger.is_member(1, 1) && ledger.is_member(1, 100));
    refused(
        ledger.says(1, ledger.join(1, "alice", None)),
        "member since height 1",
    );
    // Nobody joins for another.
    refused(
        ledger.says(3, ledger.join(2, "bob", None)),
        "not of who shows it",
    );
    assert_eq!(ledger.called(2), None);
}

#[test]
fn a_name_belongs_to_who_had_it_first_also_when_that_one_has_left() {
    let mut ledger = Ledger::new();
    assert_eq!(ledger.says(1, ledger.join(1, "alice", None)), Ok(()));
    let belongs = format!("belongs to {} since height 1", key(1));
    refused(ledger.says(2, ledger.join(2, "alice", None)), &belongs);
    assert_eq!(ledger.says(1, ledger.leave(1)), Ok(()));
    refused(ledger.says(2, ledger.join(2, "alice", None)), &belongs);
    assert_eq!(ledger.says(1, ledger.join(1, "alice", None)), Ok(()));
    assert_eq!(ledger.called(1).as_deref(), Some("alice"));
}

#[test]
fn a_member_changes_its_name_once_in_a_thousand_blocks() {
    let mut ledger = Ledger::new();
    assert_eq!(ledger.says(1, ledger.join(1, "alice", None)), Ok(()));
    refused(
        ledger.says(1, ledger.join(1, "alicia", None)),
        "at height 1001",
    );
    ledger.pass(RENAME_BLOCKS - 3);
    refused(
        ledger.says(1, ledger.join(1, "alicia", None)),
        "at height 1001",
    );
    assert_eq!(ledger.says(1, ledger.join(1, "alicia", None)), Ok(()));
    assert_eq!(ledger.height(), 1_001);
    let rows = TopicRows::of_members(&ledger.rows);
    let view = View::new(&rows);
    let at = |height| view.member_at(&key(1), Height(height)).unwrap().unwrap();
    assert_eq!(
        (at(1_000).name, at(1_001).name),
        (name("alice"), name("alicia"))
    );
    assert_eq!(at(1_001).since, Height(1));
    assert_eq!(view.named(&name("alice")).unwrap().unwrap().owner, key(1));
    assert_eq!(view.count().unwrap(), 1);
}

#[test]
fn an_invitation_lets_in_as_many_as_it_is_for_and_each_gets_the_gift_once() {
    let mut ledger = Ledger::new();
    let two = invitation(&ledger.rules, 2, INVITATION);
    let balance = |ledger: &Ledger, number| ledger.rows.balance(&key(number)).unwrap().0;
    assert_eq!(ledger.says(11, ledger.join(11, "ann", Some(&two))), Ok(()));
    assert_eq!(balance(&ledger, 11), 7);
    // Who leaves and comes back by the same takes no place of another, and no second gift.
    assert_eq!(ledger.says(11, ledger.leave(11)), Ok(()));
    assert_eq!(ledger.says(11, ledger.join(11, "ann", Some(&two))), Ok(()));
    assert_eq!(balance(&ledger, 11), 7);
    // In one block as in two.
    let (ben, cleo) = (
        ledger.join(12, "ben", Some(&two)),
        ledger.join(13, "cleo", Some(&two)),
    );
    let said = ledger.mine(vec![(12, ben), (13, cleo)]);
    assert_eq!(said[0], Ok(()));
    refused(said[1].clone(), "for 2, and 2 have joined");
    assert_eq!((balance(&ledger, 12), balance(&ledger, 13)), (7, 0));
    ledger.undo();
    assert_eq!(balance(&ledger, 12), 0);
    assert_eq!(ledger.says(13, ledger.join(13, "cleo", Some(&two))), Ok(()));
    // By another's, and without one: no gift.
    let foreign = invitation(&ledger.rules, 2, 98);
    let by_foreign = ledger.join(14, "dan", Some(&foreign));
    let formed = ledger.signed(14, &by_foreign);
    assert_eq!(ledger.rules.check_form(&formed), Ok(()));
    let checked = crate::chain::check_signatures(&[formed]);
    assert!(
        checked[0].is_err(),
        "signed with the key of another invitation"
    );
    assert_eq!(ledger.says(15, ledger.join(15, "eve", None)), Ok(()));
    assert_eq!(balance(&ledger, 15), 0);
}

#[test]
fn so_many_join_without_an_invitation_in_a_block_and_the_others_in_the_next() {
    let mut ledger = Ledger::new();
    let all: Vec<_> = (1..=70)
        .map(|number| (number, ledger.join(number, &format!("m{number}"), None)))
        .collect();
    let said = ledger.mine(all.clone());
    assert_eq!(said.iter().filter(|one| one.is_ok()).count(), 64);
    refused(said[64].clone(), "it can be in the next");
    assert!(ledger.mine(all[64..].to_vec()).iter().all(Result::is_ok));
}

#[test]
fn whoever_is_put_out_stays_out_until_the_admin_lets_it_in() {
    let mut ledger = Ledger::new();
    let before = ledger.join(1, "alice", None);
    assert_eq!(ledger.says(1, before.clone()), Ok(()));
    let number = ledger.time().plus_ms(5);
    let out = ledger.numbered(number, expel(1), ADMIN);
    // Anybody writes it down, but only the admin says it.
    refused(
        ledger.says(9, ledger.numbered(number, expel(1), 2)),
        "admin key was",
    );
    assert_eq!(ledger.says(9, out.clone()), Ok(()));
    refused(ledger.says(9, out), "is on the ledger");
    assert!(ledger.is_member(1, 1) && !ledger.is_member(1, 3) && !ledger.is_member(1, 50));
    refused(
        ledger.says(1, ledger.join(1, "alice", None)),
        "put this key out",
    );
    refused(
        ledger.says(1, ledger.join(1, "other", None)),
        "put this key out",
    );
    let readmit = Act::Readmit { key: key(1) };
    refused(
        ledger.says(9, ledger.numbered(number, readmit.clone(), ADMIN)),
        "put out later",
    );
    let after = number.plus_ms(1);
    assert_eq!(
        ledger.says(9, ledger.numbered(after, readmit, ADMIN)),
        Ok(())
    );
    refused(ledger.says(1, before), "it needs a new one");
    assert_eq!(ledger.says(1, ledger.join(1, "alice", None)), Ok(()));
    // What was never a member is put out as well.
    assert_eq!(ledger.says(9, ledger.statement(expel(7), ADMIN)), Ok(()));
    refused(
        ledger.says(7, ledger.join(7, "gus", None)),
        "put this key out",
    );
}

#[test]
fn a_lost_wallet_gives_its_name_to_the_new_one() {
    let mut ledger = Ledger::new();
    assert_eq!(ledger.says(1, ledger.join(1, "alice", None)), Ok(()));
    let (key, alice) = (key(2), name("alice"));
    let reassign = ledger.statement(Act::Reassign { name: alice, key }, ADMIN);
    assert_eq!(ledger.says(9, reassign.clone()), Ok(()));
    refused(ledger.says(9, reassign), "later statement about alice");
    assert_eq!((ledger.called(1), ledger.called(2)), (None, None));
    refused(
        ledger.says(1, ledger.join(1, "alice", None)),
        "put this key out",
    );
    assert_eq!(ledger.says(2, ledger.join(2, "alice", None)), Ok(()));
    let nobody = Act::Reassign {
        name: name("nobody"),
        key,
    };
    refused(
        ledger.says(9, ledger.statement(nobody, ADMIN)),
        "nobody on the ledger",
    );
}

#[test]
fn a_name_that_is_given_away_before_its_join_is_mined_is_the_new_keys_and_never_the_former_ones() {
    let (alice, new) = (name("alice"), key(2));
    for is_mined_first in [false, true] {
        let mut ledger = Ledger::new();
        let join = ledger.join(1, "alice", None);
        let number = ledger.time().plus_ms(5);
        let out = ledger.numbered(number, expel(1), ADMIN);
        let (name, key) = (alice.clone(), new);
        let reassign = Act::Reassign { name, key };
        let reassign = ledger.numbered(number.plus_ms(1), reassign, ADMIN);
        if is_mined_first {
            // What is open may come before what was said later.
            assert_eq!(ledger.says(1, join.clone()), Ok(()));
        } else {
            refused(ledger.says(9, reassign.clone()), "nobody on the ledger");
        }
        assert_eq!(ledger.says(9, out), Ok(()));
        refused(ledger.says(1, join), "put this key out");
        if is_mined_first {
            refused(ledger.says(2, ledger.join(2, "alice", None)), "alice");
            assert_eq!(ledger.says(9, reassign.clone()), Ok(()));
        }
        assert_eq!(ledger.says(2, ledger.join(2, "alice", None)), Ok(()));
        assert_eq!(
            (ledger.called(1), ledger.called(2)),
            (None, Some("alice".into()))
        );
        let again = ledger.says(9, reassign);
        assert!(again.is_err(), "there is nothing more to say: {again:?}");
    }
}

#[test]
fn the_recovery_key_puts_an_admin_in_place_and_the_former_one_issues_no_more() {
    let mut ledger = Ledger::new();
    let succeed = Act::Succeed { key: key(5) };
    refused(
        ledger.says(9, ledger.statement(succeed.clone(), 5)),
        "admin key was",
    );
    let handed_on = ledger.statement(succeed, RECOVERY);
    assert_eq!(ledger.says(9, handed_on.clone()), Ok(()));
    refused(ledger.says(9, handed_on), "is on the ledger");
    refused(
        ledger.says(1, ledger.join(1, "alice", None)),
        "not this network's tracker",
    );
    refused(
        ledger.says(9, ledger.statement(expel(1), ADMIN)),
        "admin key was",
    );
    assert_eq!(ledger.says(9, ledger.statement(expel(1), 5)), Ok(()));
}

#[test]
fn numbers_and_certificates_of_another_time_are_refused() {
    let mut ledger = Ledger::new();
    let ahead = ledger
        .time()
        .plus_ms(crate::membership::MAX_NUMBER_AHEAD_MS + 1);
    refused(
        ledger.says(9, ledger.numbered(ahead, expel(1), ADMIN)),
        "after the last block",
    );
    let ended = Timestamp(START.0 - crate::membership::certificate::CERTIFICATE_MS);
    let old = join_at(&ledger.rules, ended, 1, "alice", None);
    refused(ledger.says(1, old), "its certificate ended");
    refused(ledger.says(1, ledger.leave(1)), "no member");
}
