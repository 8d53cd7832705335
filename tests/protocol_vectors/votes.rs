//! Examples of the records about votes.

use crate::example::{self, alice, bob};
use crate::work::Work;
use raclette::apps::voting::{
    Choice, Opening, Outcome, Parcel, Question, Roll, RollPart, Vote, Voting,
};
use raclette::chain::application::Application;
use raclette::chain::transaction::RecordBody;
use raclette::chain::{Height, TransactionId};

/// The ballot that is voted in.
const BALLOT: TransactionId = TransactionId([0xba; 32]);

fn opening() -> Opening {
    let choice = |text| Choice::new(text).expect("short");
    Opening {
        question: Question::new("Where to?").expect("short"),
        choices: vec![choice("Rome"), choice("Bern")],
        max: 1,
        roll: Roll::members(),
        closes_at: Some(example::START.plus_ms(1_200_000)),
        last_height: Height(1_000),
    }
}

fn part() -> RollPart {
    RollPart {
        keys: Roll::keys([alice().public_key(), bob().public_key()]).keys,
    }
}

/// What may be in a record, whatever the ledger holds.
fn checked(body: &RecordBody) -> Result<(), String> {
    let (network, sender) = (example::network(), alice().public_key());
    Voting::default().check(&network, &sender, body).map(drop)
}

/// The records of the topic.
pub fn vote_record(work: &mut Work) {
    let parcel = match work.given("kind") {
        "open" => Parcel::Open(opening()),
        "open for a list" => Parcel::Open(Opening {
            roll: Roll::keys(part().keys),
            closes_at: None,
            ..opening()
        }),
        "open for parts" => {
            work.found_bytes("roll_hash", &part().hash().0);
            Parcel::Open(Opening {
                roll: Roll::parts(vec![part().hash()]),
                closes_at: None,
                ..opening()
            })
        }
        "roll" => Parcel::Roll(part()),
        "vote" => Parcel::Vote(Vote {
            ballot: BALLOT,
            revision: example::START.0,
            choices: vec![1],
        }),
        "result" => Parcel::Result(Outcome {
            ballot: BALLOT,
            counts: vec![1, 300],
            voters: 301,
        }),
        other => panic!("no record is a {other}"),
    };
    let body = parcel.clone().encode().expect("it fits");
    assert_eq!(checked(&body), Ok(()));
    assert_eq!(Parcel::decode(&body), Ok(parcel));
    work.found_bytes("bytes", body.as_slice());
}

/// Records that no ledger takes.
pub fn vote_record_refused(work: &mut Work) {
    let vote = |choices: &[u8]| {
        Parcel::Vote(Vote {
            ballot: BALLOT,
            revision: 1,
            choices: choices.to_vec(),
        })
    };
    let open = |change: &dyn Fn(&mut Opening)| {
        let mut opening = opening();
        change(&mut opening);
        Parcel::Open(opening)
    };
    let cases = [
        ("a vote for two choices", vote(&[0, 1])),
        ("the same in the other order", vote(&[1, 0])),
        ("a choice twice", vote(&[1, 1])),
        (
            "an opening with one choice",
            open(&|opening| opening.choices.truncate(1)),
        ),
        (
            "one with a choice twice",
            open(&|opening| opening.choices[1] = opening.choices[0].clone()),
        ),
        (
            "one that lets nobody choose",
            open(&|opening| opening.max = 0),
        ),
        (
            "one for nobody",
            open(&|opening| opening.roll = Roll::keys([])),
        ),
        (
            "one for members and a list",
            open(&|opening| opening.roll.keys = part().keys),
        ),
        (
            "a part without keys",
            Parcel::Roll(RollPart { keys: Vec::new() }),
        ),
    ];
    for (name, parcel) in cases {
        work.verdict(name, checked(&parcel.encode().expect("it fits")));
    }
    let unknown = RecordBody::new(vec![0x92, 0x05, 0x00]).expect("short");
    work.verdict("a code that is none", checked(&unknown));
}
