//! An application for the tests, and a network that uses it.

use super::{START, genesis_with, member, params};
use crate::apps;
use crate::chain::application::{
    Application, ApplicationError, ApplicationState, Record, Rows, Verdict,
};
use crate::chain::transaction::RecordBody;
use crate::chain::{
    Action, Amount, EncodedTransaction, Height, Params, Payload, Rules, Salt, Topic,
};
use std::sync::Arc;

/// Counts each sender's records; `!` is refused after having been counted, `-` forgets the sender, `early` is
/// refused from [`EARLY_MS`] after the beginning on, `low` from [`LOW`] on, and anything else is kept as the
/// sender's last word.
struct Counter(Topic);

/// Milliseconds after [`START`] in which a record may be early.
pub(crate) const EARLY_MS: u64 = 1_500;
/// The first height that is not low.
pub(crate) const LOW: Height = Height(3);

impl Counter {
    fn topic() -> Topic {
        Topic::new("count").unwrap()
    }
}

impl Application for Counter {
    fn topic(&self) -> &Topic {
        &self.0
    }

    fn judge(
        &self,
        state: &mut ApplicationState<'_, '_>,
        record: &Record<'_>,
    ) -> Result<Verdict, ApplicationError> {
        let count = state.get(&record.sender.0)?.map_or(0, |row| row[0]);
        state.put(&record.sender.0, vec![count.wrapping_add(1)])?;
        match record.body.as_slice() {
            b"!" => return Err(ApplicationError::Refused("no".into())),
            b"early" if record.moment.time >= START.plus_ms(EARLY_MS) => {
                return Err(ApplicationError::Refused("it is late".into()));
            }
            b"low" if record.moment.height >= LOW => {
                return Err(ApplicationError::NotYet("it is high".into()));
            }
            b"-" => {
                state.remove(&record.sender.0);
                state.remove(b"last");
            }
            words => state.put(b"last", words.to_vec())?,
        }
        Ok(Verdict::default())
    }
}

/// The rules of a network that counts records under `count`.
pub(crate) fn counting_rules() -> Rules {
    let topics = vec![Counter::topic()];
    let genesis = genesis_with(Params {
        applications: topics,
        ..params()
    });
    let mut applications = apps::built_in();
    applications.push(Arc::new(Counter(Counter::topic())));
    Rules::new(genesis, &applications).unwrap()
}

/// A signed transaction of that network.
pub(crate) fn signed(
    rules: &Rules,
    from: u8,
    salt: u8,
    fee: u64,
    action: Action,
) -> EncodedTransaction {
    let payload = Payload {
        network: rules.network(),
        sender: member(from).public_key(),
        salt: Salt([salt; 16]),
        expires_at: Height(1_000),
        fee: Amount(fee),
        action,
    };
    EncodedTransaction::new(payload.sign(&member(from)))
}

/// A record of `body`.
pub(crate) fn record(topic: &str, body: &[u8]) -> Action {
    Action::Record {
        topic: Topic::new(topic).unwrap(),
        body: RecordBody::new(body.to_vec()).unwrap(),
    }
}
