use super::*;
use crate::chain::testing::{START, member, network, transfer};
use crate::chain::transaction::Note;
use crate::chain::{Amount, BlockId, Height, Rejected};
use crate::keys::OpenError;
use crate::protocol::credit::Credits;
use crate::protocol::delivery::Judgement;
use crate::protocol::delivery::testing::{MemoryRows, inbox_config, moved};
use crate::wire::ReceiptCode;
use std::collections::VecDeque;

struct Recipient {
    inbox: Inbox,
    rows: MemoryRows,
}

const HERE: SessionId = SessionId(1);

impl Recipient {
    fn new() -> Self {
        let rows = MemoryRows::default();
        Self {
            inbox: Inbox::open(inbox_config(2), &rows).unwrap(),
            rows,
        }
    }

    /// Writes what is to be written, and gathers everything else.
    fn done(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        let mut others = Vec::new();
        let mut open: VecDeque<_> = effects.into();
        while let Some(effect) = open.pop_front() {
            match effect {
                Effect::Commit { batch, rows } => {
                    self.rows.commit(rows);
                    open.extend(self.inbox.committed(batch));
                }
                Effect::Tell { .. } => {}
                other => others.push(other),
            }
        }
        others
    }

    fn delivered(&mut self, transaction: &EncodedTransaction) -> Vec<Effect> {
        let from = (Credits::new(1).lend(), HERE);
        let effects = self.inbox.delivered(from, transaction.clone(), &self.rows);
        self.done(effects.unwrap())
    }

    /// The ledger says this of a delivery, and the wallet signs the receipt.
    fn judged(&mut self, ticket: u64, verdict: Result<(), Rejected>) -> Vec<Receipt> {
        let judgement = Judgement {
            verdict,
            height: Height(4),
            block: BlockId([4; 32]),
            syncing: false,
        };
        let effects = self.inbox.judged(ticket, &judgement);
        let asked = self.done(effects);
        self.sign(&asked)
    }

    fn sign(&mut self, asked: &[Effect]) -> Vec<Receipt> {
        let [Effect::Sign { ticket, statement }] = asked else {
            panic!("{asked:?}");
        };
        let receipt = statement.clone().sign(&member(2));
        let effects = self.inbox.signed(*ticket, receipt, &self.rows, START);
        let answers = self.done(effects.unwrap());
        receipts(&answers)
    }

    fn received(&self) -> Vec<TransactionId> {
        let numbers = 1..rows::next_number(&self.rows).unwrap();
        let facts = numbers.map(|n| rows::facts::<ReceivedFacts>(&self.rows, n));
        facts.map(|facts| facts.unwrap().unwrap().id).collect()
    }
}

fn receipts(effects: &[Effect]) -> Vec<Receipt> {
    let answers = effects.iter().map(|effect| match effect {
        Effect::Answer { receipt, .. } => receipt.clone(),
        other => panic!("{other:?}"),
    });
    answers.collect()
}

#[test]
fn the_same_delivery_again_gets_the_same_receipt() {
    let mut bob = Recipient::new();
    let payment = transfer(1, 2, 5, 0, 1);
    bob.delivered(&payment);
    let first = bob.judged(1, Ok(()));
    assert_eq!(first[0].statement.code, ReceiptCode::Accepted);
    assert_eq!(first[0].check(&network(), &member(2).public_key()), Ok(()));
    let again = bob.delivered(&payment);
    assert_eq!(receipts(&again), first);
    // By a restart as well.
    bob.inbox = Inbox::open(inbox_config(2), &bob.rows).unwrap();
    let again = bob.delivered(&payment);
    assert_eq!(receipts(&again), first);
    assert_eq!(bob.received(), [payment.id()]);
    assert_eq!(bob.inbox.unread(), 1);
}

#[test]
fn receipts_come_in_the_order_of_the_deliveries() {
    let mut bob = Recipient::new();
    let payments = [1, 2, 3].map(|salt| transfer(1, 2, 5, 0, salt));
    for payment in &payments {
        bob.delivered(payment);
    }
    assert_eq!(bob.judged(3, Ok(())), []);
    assert_eq!(bob.judged(2, Err(Rejected::Busy)), []);
    let all = bob.judged(1, Ok(()));
    let ids: Vec<_> = all.iter().map(|r| r.statement.transaction).collect();
    assert_eq!(ids, payments.each_ref().map(EncodedTransaction::id));
    assert_eq!(bob.received(), [payments[0].id(), payments[2].id()]);
}

#[test]
fn a_no_has_its_reason_and_is_for_good_or_for_now() {
    let short = Rejected::InsufficientFunds {
        available: Amount(1),
        needed: Amount(5),
    };
    let least = Rejected::FeeTooLow {
        given: Amount(0),
        least: Amount(1),
    };
    let expired = Rejected::Expired {
        expired: Height(3),
        tip: Height(4),
    };
    for (rejected, code) in [
        (short, ReceiptCode::CoinsMissing),
        (Rejected::PoolFull(""), ReceiptCode::PoolFull),
        (
            Rejected::FreeShareUsed {
                used: 1_000_000,
                most: 1_000_000,
                size: 100_000,
            },
            ReceiptCode::PoolFull,
        ),
        (Rejected::Busy, ReceiptCode::Busy),
        (Rejected::ZeroFeeStranger, ReceiptCode::SenderUnknown),
        (Rejected::SenderPutOut, ReceiptCode::SenderUnknown),
        (Rejected::ExpiresTooLate(Height(9)), ReceiptCode::TooEarly),
        (least, ReceiptCode::FeeTooLow),
        (expired, ReceiptCode::Expired),
        (Rejected::AlreadyOpen, ReceiptCode::Accepted),
        (Rejected::AlreadyMined(Height(2)), ReceiptCode::Accepted),
    ] {
        let mut bob = Recipient::new();
        bob.delivered(&transfer(1, 2, 5, 0, 1));
        let [receipt] = &bob.judged(1, Err(rejected.clone()))[..] else {
            panic!("one receipt");
        };
        let said = &receipt.statement;
        assert_eq!(said.code, code, "{rejected}");
        assert_eq!((said.height, said.block), (Height(4), BlockId([4; 32])));
        if said.code != ReceiptCode::Accepted {
            assert_eq!(said.reason.as_str(), rejected.to_string());
            assert_eq!(bob.received(), []);
        }
        assert_eq!(receipt.check(&network(), &member(2).public_key()), Ok(()));
    }
}

#[test]
fn a_recipient_that_is_behind_says_not_yet_whatever_its_ledger_says() {
    for rejected in [
        Rejected::Busy,
        Rejected::InsufficientFunds {
            available: Amount(1),
            needed: Amount(5),
        },
        Rejected::Expired {
            expired: Height(3),
            tip: Height(4),
        },
    ] {
        let judgement = Judgement {
            verdict: Err(rejected),
            height: Height(4),
            block: BlockId([4; 32]),
            syncing: true,
        };
        let mut bob = Recipient::new();
        bob.delivered(&transfer(1, 2, 5, 0, 1));
        let effects = bob.inbox.judged(1, &judgement);
        let asked = bob.done(effects);
        let receipts = bob.sign(&asked);
        let said = &receipts[0].statement;
        assert_eq!(said.code, ReceiptCode::Syncing);
        assert!(
            said.reason.as_str().contains("still syncing"),
            "{}",
            said.reason
        );
    }
}

/// Alice's transfer to bob with these bytes as its note.
fn noted(note: Vec<u8>) -> EncodedTransaction {
    let mut payload = transfer(1, 2, 5, 0, 1).payload().clone();
    if let Action::Transfer { note: place, .. } = &mut payload.action {
        *place = Note::new(note).unwrap();
    }
    EncodedTransaction::new(payload.sign(&member(1)))
}

#[test]
fn attack_nobody_signs_for_a_note_that_can_not_be_read() {
    for (error, why) in [
        (OpenError::Refused, "not sealed for this transaction"),
        (OpenError::TwoTexts, "another text than its recipient reads"),
        (OpenError::BadText, "faulty program"),
        (OpenError::UnknownForm(1), "form 1"),
        (OpenError::Length(7), "7 bytes"),
    ] {
        let mut bob = Recipient::new();
        let delivered = noted(vec![7; 100]);
        let asked = bob.delivered(&delivered);
        let [Effect::OpenNote { ticket, .. }] = asked[..] else {
            panic!("the ledger is not asked yet: {asked:?}");
        };
        let effects = bob.inbox.opened(ticket, Err(error));
        let asked = bob.done(effects);
        let receipts = bob.sign(&asked);
        let said = &receipts[0].statement;
        assert_eq!(said.code, ReceiptCode::NoteUnreadable);
        assert!(said.reason.as_str().contains(why), "{}", said.reason);
        assert_eq!(bob.received(), []);
    }
}

#[test]
fn a_note_that_can_be_read_is_judged_like_any_transfer() {
    let mut bob = Recipient::new();
    let delivered = noted(vec![7; 100]);
    let asked = bob.delivered(&delivered);
    let [
        Effect::OpenNote {
            ticket,
            about,
            note,
        },
    ] = &asked[..]
    else {
        panic!("{asked:?}");
    };
    assert_eq!(Some(*about), delivered.payload().note_context());
    assert_eq!(note.as_slice(), [7; 100]);
    let effects = bob.inbox.opened(*ticket, Ok(()));
    assert!(matches!(&bob.done(effects)[..], [Effect::Judge { .. }]));
    let receipts = bob.judged(*ticket, Ok(()));
    assert_eq!(receipts[0].statement.code, ReceiptCode::Accepted);
    assert_eq!(bob.received(), [delivered.id()]);
}

#[test]
fn who_is_blocked_is_told_so_and_nothing_is_judged() {
    let rows = MemoryRows::default();
    let mut config = inbox_config(2);
    config.blocked.insert(member(1).public_key());
    let mut bob = Recipient {
        inbox: Inbox::open(config, &rows).unwrap(),
        rows,
    };
    let asked = bob.delivered(&transfer(1, 2, 5, 0, 1));
    let [receipt] = &bob.sign(&asked)[..] else {
        panic!("one receipt");
    };
    assert_eq!(receipt.statement.code, ReceiptCode::Blocked);
    assert!(receipt.statement.reason.as_str().contains("takes nothing"));
    let asked = bob.delivered(&transfer(3, 2, 5, 0, 1));
    assert!(matches!(&asked[..], [Effect::Judge { .. }]));
}

#[test]
fn attack_who_delivers_what_nobody_signed_is_blamed() {
    let mut bob = Recipient::new();
    bob.delivered(&transfer(1, 2, 5, 0, 1));
    let judgement = Judgement {
        verdict: Err(Rejected::BadSignature("forged".into())),
        height: Height(4),
        block: BlockId([4; 32]),
        syncing: false,
    };
    let effects = bob.inbox.judged(1, &judgement);
    assert!(
        matches!(&effects[0], Effect::Blame { session: HERE, reason } if reason.contains("forged"))
    );
    assert_eq!(bob.received(), []);
}

#[test]
fn only_what_was_shown_is_read_and_stays_so() {
    let mut bob = Recipient::new();
    for salt in 1..=3 {
        bob.delivered(&transfer(1, 2, 5, 0, salt));
        bob.judged(salt.into(), Ok(()));
    }
    // The last one, and what is not there; what came before it was not shown.
    let effects = bob.inbox.read(&[3, 9]);
    bob.done(effects);
    assert_eq!(bob.inbox.unread(), 2);
    let reopened = Inbox::open(inbox_config(2), &bob.rows).unwrap();
    assert_eq!(reopened.unread(), 2);
    assert_eq!(rows::marked_from(&bob.rows, 0), Ok(Some(1)));
    assert_eq!(rows::marked_from(&bob.rows, 2), Ok(Some(2)));
    assert_eq!(rows::marked_from(&bob.rows, 3), Ok(None));
}

#[test]
fn what_falls_out_of_the_chain_and_is_void_comes_to_an_end() {
    let mut bob = Recipient::new();
    let payment = transfer(1, 2, 5, 0, 1);
    let told = |bob: &mut Recipient, news: OwnNews| {
        let effects = bob.inbox.ledger_told(&[news], &bob.rows, START).unwrap();
        bob.done(effects);
        let number = rows::find(&bob.rows, &payment.id()).unwrap().unwrap();
        let facts = rows::facts::<ReceivedFacts>(&bob.rows, number).unwrap();
        facts.unwrap().closed
    };
    assert_eq!(told(&mut bob, OwnNews::Opened(payment.clone())), None);
    let closed = OwnNews::Closed(payment.id(), Closed::Mined);
    assert_eq!(told(&mut bob, closed), None);
    assert_eq!(
        told(&mut bob, moved(5, std::slice::from_ref(&payment), &[])),
        None
    );
    // Its sender is put out, and may be let back.
    let put_out = OwnNews::Closed(payment.id(), Closed::PutOut);
    assert_eq!(told(&mut bob, put_out), None);
    let void = OwnNews::Closed(payment.id(), Closed::Conflicted);
    assert_eq!(told(&mut bob, void), Some(Closed::Conflicted));
    let undone = moved(5, &[], &[payment.id()]);
    assert_eq!(told(&mut bob, undone), Some(Closed::Conflicted));
    // The branch that holds it wins after all.
    assert_eq!(
        told(&mut bob, moved(5, std::slice::from_ref(&payment), &[])),
        None
    );
}

#[test]
fn only_what_the_disk_holds_counts_as_not_read() {
    let mut bob = Recipient::new();
    let payment = transfer(1, 2, 5, 0, 1);
    let told = |payment: &EncodedTransaction| [OwnNews::Opened(payment.clone())];
    let effects = bob.inbox.ledger_told(&told(&payment), &bob.rows, START);
    let [Effect::Commit { batch, rows }] = &effects.unwrap()[..] else {
        panic!("one batch");
    };
    // Whoever looks now finds nothing, and is told of nothing.
    assert_eq!((bob.received().len(), bob.inbox.unread()), (0, 0));
    // Another comes while that is being written.
    let other = transfer(1, 2, 6, 0, 2);
    let later = bob.inbox.ledger_told(&told(&other), &bob.rows, START);
    bob.rows.commit(rows.clone());
    let effects = bob.inbox.committed(*batch);
    assert_eq!((bob.received().len(), bob.inbox.unread()), (1, 1));
    bob.done(later.unwrap());
    bob.done(effects);
    assert_eq!((bob.received().len(), bob.inbox.unread()), (2, 2));
    let read = bob.inbox.read(&[1]);
    bob.done(read);
    assert_eq!(bob.inbox.unread(), 1);
}
