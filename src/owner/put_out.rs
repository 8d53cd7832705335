//! Who is put out of the network, by what the admin has said.

use super::answers::StatementView;
use super::people::name_in;
use super::{Peer, Refused, Tracker};
use crate::apps::members::View;
use crate::chain::application::TopicRows;
use crate::keys::PublicKey;
use crate::membership::{MemberName, SignedStatement};
use crate::messages::registry::GetPutOut;
use crate::store::chain_rows::ChainRows;

/// Of those who are put out, so many are named: whom the admin put out last. Each is looked up on the ledger.
pub(crate) const OUT_LISTED: usize = 50;

impl Peer {
    /// By which statement whoever has this name or address is put out; `None` if it is not.
    ///
    /// # Errors
    /// [`Code::Stopping`](super::Code::Stopping).
    pub fn out(&self, typed: &str) -> Result<Option<StatementView>, Refused> {
        let known = self.known();
        let Some(statements) = &known.statements else {
            return Ok(None);
        };
        let pinned = name_in(typed).and_then(|name| known.directory.pinned(&name));
        let key = pinned.or_else(|| PublicKey::from_address(typed).ok());
        let signed = key.and_then(|key| statements.out(&key));
        signed.map(|signed| self.named(signed)).transpose()
    }

    /// Those who are put out, whom the admin put out last first; [`OUT_LISTED`] at most.
    ///
    /// # Errors
    /// [`Code::Stopping`](super::Code::Stopping).
    pub fn all_out(&self) -> Result<Vec<StatementView>, Refused> {
        let known = self.known();
        let Some(statements) = &known.statements else {
            return Ok(Vec::new());
        };
        let mut out: Vec<_> = statements.expulsions().collect();
        latest(&mut out, |signed| signed);
        out.into_iter().map(|signed| self.named(signed)).collect()
    }

    /// A statement, with the name by which the key that it is about went last: its record is gone, so it is the
    /// ledger that knows, or whose a name is remembered to be.
    fn named(&self, signed: &SignedStatement) -> Result<StatementView, Refused> {
        let key = signed.statement.act.key();
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        let chain = ChainRows(&*snapshot);
        let rows = TopicRows::of_members(&chain);
        let view = View::new(&rows);
        let name = match view.last_name(&key)? {
            Some(name) => Some(name),
            None => self.known().directory.pinned_to(&key).cloned(),
        };
        Ok(StatementView {
            on_ledger: view.said_at(signed)?,
            ..StatementView::new(signed, name)
        })
    }
}

impl Tracker {
    /// Those who are put out, whom its owner put out last first; [`OUT_LISTED`] at most.
    ///
    /// # Errors
    /// [`Code::Stopping`](super::Code::Stopping).
    pub async fn all_out(&self) -> Result<Vec<StatementView>, Refused> {
        let mut out: Vec<(SignedStatement, Option<MemberName>)> = self.out.send(GetPutOut).await?;
        latest(&mut out, |(signed, _)| signed);
        let view = |(signed, name): (SignedStatement, _)| StatementView::new(&signed, name);
        Ok(out.into_iter().map(view).collect())
    }
}

/// The latest of these, in that order.
fn latest<T>(out: &mut Vec<T>, signed: impl Fn(&T) -> &SignedStatement) {
    out.sort_by_key(|one| std::cmp::Reverse(signed(one).statement.number));
    out.truncate(OUT_LISTED);
}
