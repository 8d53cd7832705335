use super::*;
use crate::canonical;
use crate::chain::BlockId;
use crate::chain::testing::member;

const NETWORK: BlockId = BlockId([1; 32]);
const NOW: Timestamp = Timestamp(5_000);

fn acts() -> [Act; 5] {
    let key = member(1).public_key();
    let reason = ExpulsionReason::new("sent spam").unwrap();
    let name = "alice".parse().unwrap();
    [
        Act::Expel { key, reason },
        Act::Readmit { key },
        Act::Reassign { name, key },
        Act::Succeed { key },
        Act::Revoke { key },
    ]
}

fn statement(act: Act) -> Statement {
    Statement {
        network: NETWORK,
        number: NOW,
        act,
    }
}

fn judged(signed: &SignedStatement) -> Result<(), StatementError> {
    let authority = Authority::new(member(9).public_key(), None);
    signed.check(&authority, &NETWORK, NOW)
}

#[test]
fn each_act_goes_through_its_bytes_and_none_of_them_can_be_changed() {
    for act in acts() {
        let signed = statement(act.clone()).sign(&member(9));
        assert_eq!(judged(&signed), Ok(()));
        assert_eq!(
            (act.kind(), act.key()),
            (signed.statement.act.kind(), member(1).public_key())
        );
        let bytes = canonical::encode(&signed);
        assert_eq!(canonical::decode(&bytes), Ok(signed));
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            if let Ok(changed) = canonical::decode::<SignedStatement>(&bytes) {
                assert!(judged(&changed).is_err(), "byte {at} of {act:?}");
            }
        }
    }
}

#[test]
fn an_act_with_the_fields_of_another_is_none() {
    let key = member(1).public_key();
    let (none, reason) = (None::<&str>, Some("why"));
    for (kind, name, reason) in [
        (1, none, none),
        (2, none, reason),
        (3, none, reason),
        (9, none, none),
    ] {
        let bytes = canonical::encode(&(kind, key, name, reason));
        assert!(canonical::decode::<Act>(&bytes).is_err(), "{kind}");
    }
    let bytes = canonical::encode(&(2, key, none, none));
    assert_eq!(canonical::decode(&bytes), Ok(Act::Readmit { key }));
}

#[test]
fn each_way_not_to_count_has_its_own_error() {
    let [expel, ..] = acts();
    let good = statement(expel);
    let elsewhere = Statement {
        network: BlockId([2; 32]),
        ..good.clone()
    };
    let refused = judged(&elsewhere.sign(&member(9))).unwrap_err();
    assert_eq!(refused, StatementError::OtherNetwork(BlockId([2; 32])));
    let number = NOW.plus_ms(MAX_NUMBER_AHEAD_MS + 1);
    let ahead = Statement {
        number,
        ..good.clone()
    };
    let refused = judged(&ahead.sign(&member(9))).unwrap_err();
    assert_eq!(
        refused,
        StatementError::TooFarAhead(MAX_NUMBER_AHEAD_MS + 1)
    );
    let refused = judged(&good.clone().sign(&member(1))).unwrap_err();
    assert!(matches!(refused, StatementError::Authority(_)));
    let mut forged = good.sign(&member(1));
    forged.by = member(9).public_key();
    assert!(matches!(
        judged(&forged),
        Err(StatementError::Forged { .. })
    ));
}
