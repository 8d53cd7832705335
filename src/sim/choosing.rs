//! Miners that choose what about ballots they take into their blocks. What others have mined counts for them as for
//! everybody: so they keep to the protocol, and can only be slower for somebody than others are.

use super::host::secret;
use crate::apps::voting::{Parcel, Voting};
use crate::chain::application::{Application, ApplicationError, ApplicationState, Record, Verdict};
use crate::chain::transaction::RecordBody;
use crate::chain::{NetworkId, Topic};
use crate::keys::{PublicKey, SecretKey, SignatureItem};
use std::sync::Arc;

/// What a miner leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// The votes of this host's owner.
    VotesOf(usize),
    /// Everything about ballots: of them it is silent.
    Ballots,
}

/// The applications of a node in the network of `seed` that leaves this out.
pub(super) fn applications(seed: u64, leaves_out: LeftOut) -> Vec<Arc<dyn Application>> {
    let disliked = match leaves_out {
        LeftOut::VotesOf(host) => Some(SecretKey::from_bytes(secret(seed, host)).public_key()),
        LeftOut::Ballots => None,
    };
    let choosing = |application: Arc<dyn Application>| -> Arc<dyn Application> {
        if application.topic() != &crate::apps::voting::topic() {
            return application;
        }
        Arc::new(Choosing {
            voting: Voting::default(),
            disliked,
        })
    };
    let built_in = crate::apps::built_in().into_iter();
    built_in.map(choosing).collect()
}

/// Judges what is in blocks as [`Voting`] does, and takes in less of what is open.
struct Choosing {
    voting: Voting,
    /// Whose votes it leaves out; without anybody, it leaves out everything.
    disliked: Option<PublicKey>,
}

impl Application for Choosing {
    fn topic(&self) -> &Topic {
        self.voting.topic()
    }

    fn check(
        &self,
        network: &NetworkId,
        sender: &PublicKey,
        body: &RecordBody,
    ) -> Result<Vec<SignatureItem>, String> {
        self.voting.check(network, sender, body)
    }

    fn is_outside_free_budget(&self, body: &RecordBody) -> bool {
        self.voting.is_outside_free_budget(body)
    }

    fn judge(
        &self,
        state: &mut ApplicationState<'_, '_>,
        record: &Record<'_>,
    ) -> Result<Verdict, ApplicationError> {
        // The first place of a block is its reward's.
        let is_open = record.index == 0;
        let is_left_out = self.disliked.is_none_or(|disliked| {
            let is_vote = matches!(Parcel::decode(record.body), Ok(Parcel::Vote(_)));
            is_vote && record.sender == disliked
        });
        if is_open && is_left_out {
            let why = "this miner leaves it out".into();
            return Err(ApplicationError::NotYet(why));
        }
        self.voting.judge(state, record)
    }
}
