//! Who is put out of the network, and who was let back and has not come yet, by what the admin has said.

use super::answers::StatementView;
use super::people::name_in;
use super::{Peer, Refused, Tracker};
use crate::apps::members::View;
use crate::chain::application::TopicRows;
use crate::keys::PublicKey;
use crate::membership::{Act, MemberName, SignedStatement, Statements};
use crate::messages::registry::GetPutOut;
use crate::store::chain_rows::ChainRows;

/// Of those who are put out, or were let back, so many are named: of whom the admin said it last. Each is looked up
/// on the ledger.
pub(crate) const OUT_LISTED: usize = 50;

/// For how long a member's page tells of somebody who was let back and has not come since, in milliseconds: a month.
/// Whoever did not come by then may have come and left again, which no member remembers for ever.
pub const AWAITED_MS: u64 = 30 * 86_400_000;

/// Who is no member because the admin said so, or was let back by it and is not here yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PutOut {
    /// Those who are put out, of whom the admin said it last first.
    pub out: Vec<StatementView>,
    /// Those who were let back and whose nodes have not come since.
    pub back: Vec<StatementView>,
}

impl Peer {
    /// By which statement whoever has this name or address is put out; `None` if it is not.
    ///
    /// # Errors
    /// [`Code::Stopping`](super::Code::Stopping).
    pub fn out(&self, typed: &str) -> Result<Option<StatementView>, Refused> {
        self.said_of(typed, Statements::out)
    }

    /// By which statement whoever has this name or address was let back, if it has not come since.
    ///
    /// # Errors
    /// [`Code::Stopping`](super::Code::Stopping).
    pub fn let_back(&self, typed: &str) -> Result<Option<StatementView>, Refused> {
        self.said_of(typed, |statements, key| {
            let signed = statements.let_back(key)?;
            self.is_awaited(signed).then_some(signed)
        })
    }

    fn said_of(
        &self,
        typed: &str,
        what: impl for<'a> FnOnce(&'a Statements, &PublicKey) -> Option<&'a SignedStatement>,
    ) -> Result<Option<StatementView>, Refused> {
        let known = self.known();
        let Some(statements) = &known.statements else {
            return Ok(None);
        };
        let pinned = name_in(typed).and_then(|name| known.directory.pinned(&name));
        let key = pinned.or_else(|| PublicKey::from_address(typed).ok());
        let signed = key.and_then(|key| what(statements, &key));
        signed.map(|signed| self.named(signed)).transpose()
    }

    /// Whether whoever was let back by this is not known as a member again.
    fn is_awaited(&self, signed: &SignedStatement) -> bool {
        let key = signed.statement.act.key();
        let age_ms = self.clock.wall().since(signed.statement.number);
        key != self.key && self.known().directory.by_key(&key).is_none() && age_ms < AWAITED_MS
    }

    /// Those who are put out, and those who were let back; [`OUT_LISTED`] of each at most.
    ///
    /// # Errors
    /// [`Code::Stopping`](super::Code::Stopping).
    pub fn all_out(&self) -> Result<PutOut, Refused> {
        let known = self.known();
        let Some(statements) = &known.statements else {
            return Ok(PutOut::default());
        };
        let awaited = statements.readmissions();
        let named = |mut some: Vec<&SignedStatement>| {
            latest(&mut some, |signed| signed);
            let views = some.into_iter().map(|signed| self.named(signed));
            views.collect::<Result<Vec<_>, _>>()
        };
        Ok(PutOut {
            out: named(statements.expulsions().collect())?,
            back: named(awaited.filter(|signed| self.is_awaited(signed)).collect())?,
        })
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
    /// Those who are put out, and those who were let back; [`OUT_LISTED`] of each at most.
    ///
    /// # Errors
    /// [`Code::Stopping`](super::Code::Stopping).
    pub async fn all_out(&self) -> Result<PutOut, Refused> {
        let all = self.out.send(GetPutOut).await?;
        let is_out =
            |(signed, _): &(SignedStatement, _)| matches!(signed.statement.act, Act::Expel { .. });
        let (out, back): (Vec<_>, Vec<_>) = all.into_iter().partition(is_out);
        let views = |mut some: Vec<(SignedStatement, Option<MemberName>)>| {
            latest(&mut some, |(signed, _)| signed);
            let view = |(signed, name): (SignedStatement, _)| StatementView::new(&signed, name);
            some.into_iter().map(view).collect()
        };
        Ok(PutOut {
            out: views(out),
            back: views(back),
        })
    }
}

/// The latest of these, in that order.
fn latest<T>(out: &mut Vec<T>, signed: impl Fn(&T) -> &SignedStatement) {
    out.sort_by_key(|one| std::cmp::Reverse(signed(one).statement.number));
    out.truncate(OUT_LISTED);
}
