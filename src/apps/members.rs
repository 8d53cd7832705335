//! Who is a member: derived from the ledger, the same on every node and at every height.
//!
//! What a certificate, an invitation or a statement is worth by itself, `membership` says; here is what
//! they come to in the order of the chain.

mod judge;
mod rows;

pub use rows::{INTERVALS, Interval, MemberRow, NameRow, Standing, View};

use crate::canonical;
use crate::chain::application::{
    Application, ApplicationError, ApplicationState, MEMBERS_TOPIC, Record, Verdict,
};
use crate::chain::transaction::RecordBody;
use crate::chain::{NetworkId, Topic};
use crate::keys::{PublicKey, SignatureItem};
use crate::membership::MembersRecord;

/// Most joins without an invitation in a block: such a join costs its sender nothing.
pub const MAX_UNINVITED: u32 = 64;
/// Blocks between two changes of a member's name: names are taken for ever.
pub const RENAME_BLOCKS: u64 = 1_000;

/// The application.
pub struct Members(Topic);

impl Default for Members {
    fn default() -> Self {
        Self(Topic::new(MEMBERS_TOPIC).expect("it is short"))
    }
}

impl Application for Members {
    fn topic(&self) -> &Topic {
        &self.0
    }

    fn check(
        &self,
        network: &NetworkId,
        sender: &PublicKey,
        body: &RecordBody,
    ) -> Result<Vec<SignatureItem>, String> {
        let record: MembersRecord =
            canonical::decode(body.as_slice()).map_err(|error| error.to_string())?;
        let foreign = "it is for another network";
        match &record {
            MembersRecord::Join(join) => {
                join.check_form(network, sender)
                    .map_err(|e| e.to_string())?;
                Ok(join.signature_items())
            }
            MembersRecord::Leave(leave) if leave.network != *network => Err(foreign.into()),
            MembersRecord::Leave(leave) => Ok(vec![leave.signature_item()]),
            MembersRecord::Statement(signed) if signed.statement.network != *network => {
                Err(foreign.into())
            }
            MembersRecord::Statement(signed) => Ok(vec![signed.signature_item()]),
        }
    }

    /// All of them: each needs a certificate, a signature of the admin or the member's own, once.
    fn is_outside_free_budget(&self, _: &RecordBody) -> bool {
        true
    }

    fn judge(
        &self,
        state: &mut ApplicationState<'_, '_>,
        record: &Record<'_>,
    ) -> Result<Verdict, ApplicationError> {
        let refused = |error: canonical::Malformed| ApplicationError::Refused(error.to_string());
        let said: MembersRecord = canonical::decode(record.body.as_slice()).map_err(refused)?;
        let mut judge = judge::Judge::new(state, record)?;
        let gift = match said {
            MembersRecord::Join(join) => judge.join(&join)?,
            MembersRecord::Leave(leave) => judge.leave(&leave)?,
            MembersRecord::Statement(signed) => judge.statement(&signed)?,
        };
        Ok(Verdict { free: true, gift })
    }
}

#[cfg(test)]
mod tests;
