//! What the admin has said to everybody: kept, judged, and told on. It takes effect by being heard, whatever
//! the ledger says yet.

use super::{
    Act, Authority, AuthorityError, Certificate, CertificateError, MemberName, SignedStatement,
    StatementError,
};
use crate::canonical;
use crate::chain::{Genesis, Internal, NetworkId, Timestamp};
use crate::keys::{PublicKey, verify};
use std::collections::{BTreeMap, BTreeSet};

/// Most statements that are held: one for each member that was ever put out, and each name that went to
/// another key, several times over. Beyond that the admin can say nothing about others, but an admin who has
/// succeeded another displaces what that one said, the oldest first; a succession always finds room.
pub const MAX_STATEMENTS_HELD: usize = 4_096;

/// What a statement is about: of each, the last one is held. Who speaks for the network comes first, so that
/// what follows can be judged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Admin(Timestamp, PublicKey),
    Delegate(PublicKey),
    Member(PublicKey),
    Name(MemberName),
}

impl Subject {
    fn of(signed: &SignedStatement) -> Self {
        let statement = &signed.statement;
        match &statement.act {
            Act::Expel { key, .. } | Act::Readmit { key } => Self::Member(*key),
            Act::Reassign { name, .. } => Self::Name(name.clone()),
            Act::Succeed { key } => Self::Admin(statement.number, *key),
            Act::Revoke { key } => Self::Delegate(*key),
        }
    }
}

/// Whether one more statement finds room.
enum Room {
    There,
    /// Once this one, of a former admin, is given up.
    InPlaceOf(Subject),
    None,
}

/// The statements that count, on one network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statements {
    network: NetworkId,
    authority: Authority,
    held: BTreeMap<Subject, SignedStatement>,
    /// What came before its time by this machine's clock, judged as if the time had come. Nobody says it twice
    /// in one session, so a clock that was a month behind would never hear of it.
    early: Option<Box<Statements>>,
}

/// A changed row: its name, and its value or `None` where it was removed.
pub type StatementRow = (Vec<u8>, Option<Vec<u8>>);

/// Why a statement that came in is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It does not count.
    #[error(transparent)]
    Wrong(#[from] StatementError),
    /// So many are held.
    #[error("{MAX_STATEMENTS_HELD} statements of the admin are held: no more are taken")]
    Full,
}

impl NotTaken {
    /// Whether no honest program passes it on.
    pub fn is_fault(&self) -> bool {
        matches!(
            self,
            Self::Wrong(StatementError::Forged { .. } | StatementError::OtherNetwork(_))
        )
    }
}

/// Why whoever shows a certificate, or none, is no member.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAMember {
    /// It is put out.
    #[error("{}", .0.statement.act)]
    Out(Box<SignedStatement>),
    /// It shows no certificate.
    #[error("the other end shows no certificate of membership: it has to reach its tracker once")]
    NoCertificate,
    /// Its certificate does not count.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// Its certificate was issued before it was put out.
    #[error(
        "the certificate of membership was issued before its owner was put out: it has to reach the tracker"
    )]
    Void,
}

impl Statements {
    /// Those of the network that `genesis` began, without any.
    pub fn new(genesis: &Genesis) -> Self {
        Self::on(genesis.id(), Authority::at_genesis(&genesis.content))
    }

    /// Those of a network for which this one speaks, without any.
    pub fn on(network: NetworkId, authority: Authority) -> Self {
        Self {
            network,
            authority,
            held: BTreeMap::new(),
            early: None,
        }
    }

    /// Whether whoever has this key, and shows this, is a member at the time `now`.
    ///
    /// # Errors
    /// By variant of [`NotAMember`], in its order.
    pub fn admits(
        &self,
        key: &PublicKey,
        shown: Option<&Certificate>,
        now: Timestamp,
    ) -> Result<(), NotAMember> {
        if let Some(signed) = self.out(key) {
            return Err(NotAMember::Out(Box::new(signed.clone())));
        }
        let shown = shown.ok_or(NotAMember::NoCertificate)?;
        shown.check(&self.authority, &self.network, key, now)?;
        if self.void_until(key) >= Some(shown.statement.serial) {
            return Err(NotAMember::Void);
        }
        Ok(())
    }

    /// Takes up a stored row.
    ///
    /// # Errors
    /// It is damaged.
    pub fn open_row(&mut self, value: &[u8]) -> Result<(), Internal> {
        let damaged = |error| Internal(format!("a statement of the admin is damaged: {error}"));
        let signed: SignedStatement = canonical::decode(value).map_err(damaged)?;
        // Rows come in the order of their names: who speaks for the network first. What does not count by
        // now is passed over.
        if signed.statement.network == self.network && self.authority.take(&signed).is_ok() {
            self.held.insert(Subject::of(&signed), signed);
        }
        Ok(())
    }

    /// All of them, each after those that it rests on.
    pub fn all(&self) -> impl Iterator<Item = &SignedStatement> {
        self.held.values()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Who speaks for the network.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Why a key is put out, if it is.
    pub fn out(&self, key: &PublicKey) -> Option<&SignedStatement> {
        let last = self.held.get(&Subject::Member(*key))?;
        matches!(last.statement.act, Act::Expel { .. }).then_some(last)
    }

    /// By which statements keys are put out: one for each.
    pub fn expulsions(&self) -> impl Iterator<Item = &SignedStatement> {
        let is_expulsion = |act: &Act| matches!(act, Act::Expel { .. });
        self.all()
            .filter(move |signed| is_expulsion(&signed.statement.act))
    }

    /// By which statements keys that were put out may come back: one for each.
    pub fn readmissions(&self) -> impl Iterator<Item = &SignedStatement> {
        let is_readmission = |act: &Act| matches!(act, Act::Readmit { .. });
        self.all()
            .filter(move |signed| is_readmission(&signed.statement.act))
    }

    /// Why a key may come back that was put out, if that is what was said of it last.
    pub fn let_back(&self, key: &PublicKey) -> Option<&SignedStatement> {
        let last = self.held.get(&Subject::Member(*key))?;
        matches!(last.statement.act, Act::Readmit { .. }).then_some(last)
    }

    /// All keys that are put out.
    pub fn all_out(&self) -> BTreeSet<PublicKey> {
        let out = self.expulsions();
        out.map(|signed| signed.statement.act.key()).collect()
    }

    /// Until when certificates of a key are void: those with a greater serial count.
    pub fn void_until(&self, key: &PublicKey) -> Option<Timestamp> {
        let last = self.held.get(&Subject::Member(*key))?;
        Some(last.statement.number)
    }

    /// Whether the admin lets a key in, under this name, by its word alone: it may come back, or the name was
    /// given to it.
    pub fn lets_in(&self, key: &PublicKey, name: &MemberName) -> bool {
        let last = self.held.get(&Subject::Member(*key));
        let may_return = last.is_some_and(|last| matches!(last.statement.act, Act::Readmit { .. }));
        let has_name = self.owner(name) == Some(*key);
        self.out(key).is_none() && (may_return || has_name)
    }

    /// To which key the admin gave a name, if it did.
    pub fn owner(&self, name: &MemberName) -> Option<PublicKey> {
        let last = self.held.get(&Subject::Name(name.clone()))?;
        Some(last.statement.act.key())
    }

    /// The number of what the admin says next, at the time `now`: what it says is in order, whatever its clock
    /// does.
    pub fn next_number(&self, now: Timestamp) -> Timestamp {
        let last = self.held.values().map(|held| held.statement.number).max();
        last.map_or(now, |last| now.max(last.plus_ms(1)))
    }

    /// Whether this statement, or a later one about the same, is held.
    pub fn knows(&self, signed: &SignedStatement) -> bool {
        let held = self.held.get(&Subject::of(signed));
        held.is_some_and(|held| !outranks(signed, held))
    }

    /// Whether a statement would be taken, whatever its time.
    ///
    /// # Errors
    /// By variant of [`NotTaken`].
    pub fn judge(&self, signed: &SignedStatement) -> Result<(), NotTaken> {
        let number = signed.statement.number;
        signed.check_right(&self.authority, &self.network, number)?;
        let item = signed.signature_item();
        verify(&item.key, &item.message, &item.signature).map_err(|reason| {
            let by = signed.by;
            StatementError::Forged { by, reason }
        })?;
        match self.room_for(signed) {
            Room::None => Err(NotTaken::Full),
            Room::There | Room::InPlaceOf(_) => Ok(()),
        }
    }

    /// A stolen admin key may have filled everything: what the recovery key says finds room all the same, and
    /// then what the new admin says finds it at the cost of what the former one said.
    fn room_for(&self, signed: &SignedStatement) -> Room {
        let subject = Subject::of(signed);
        let is_succession = matches!(subject, Subject::Admin(..));
        if is_succession
            || self.held.contains_key(&subject)
            || self.held.len() < MAX_STATEMENTS_HELD
        {
            return Room::There;
        }
        let admin = self.authority.admin();
        let of_former = |(subject, held): &(&Subject, &SignedStatement)| {
            held.by != admin && !matches!(subject, Subject::Admin(..))
        };
        let oldest = self.held.iter().filter(of_former);
        let oldest = oldest.min_by_key(|(_, held)| held.statement.number);
        match oldest.filter(|_| signed.by == admin) {
            Some((subject, _)) => Room::InPlaceOf(subject.clone()),
            None => Room::None,
        }
    }

    /// Whether something that came too early would be taken at the time `now`.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let early = self.early.iter().flat_map(|early| early.held.values());
        early.into_iter().any(|signed| !signed.is_early(now))
    }

    /// What came too early and is to be taken again at the time `now`, each after those that it rests on.
    #[must_use]
    pub fn due(&mut self, now: Timestamp) -> Vec<SignedStatement> {
        let Some(mut early) = self.early.take() else {
            return Vec::new();
        };
        let (later, due): (BTreeMap<_, _>, BTreeMap<_, _>) =
            (early.held.into_iter()).partition(|(_, signed)| signed.is_early(now));
        if !later.is_empty() {
            early.held = later;
            self.early = Some(early);
        }
        due.into_values().collect()
    }

    /// Keeps what came too early, and what rests on that.
    fn keep_early(&mut self, signed: SignedStatement, now: Timestamp) {
        if self.early.is_none() && !signed.is_early(now) {
            return;
        }
        let new = || Box::new(Self::on(self.network, self.authority.clone()));
        let mut early = self.early.take().unwrap_or_else(new);
        let number = signed.statement.number;
        // What does not count at any time is refused there, too.
        let _ = early.take(signed, number);
        self.early = Some(early).filter(|early| !early.held.is_empty());
    }

    /// Takes a statement that came in: the rows that change by it, none if it was known.
    ///
    /// # Errors
    /// By variant of [`NotTaken`]; nothing changed. What was only too early is [due](Self::due) later.
    pub fn take(
        &mut self,
        signed: SignedStatement,
        now: Timestamp,
    ) -> Result<Vec<StatementRow>, NotTaken> {
        if self.knows(&signed) {
            return Ok(Vec::new());
        }
        if let Err(wrong) = signed.check_right(&self.authority, &self.network, now) {
            self.keep_early(signed, now);
            return Err(wrong.into());
        }
        self.judge(&signed)?;
        let changed = self.authority.take(&signed);
        let changed = changed.map_err(|error: AuthorityError| StatementError::from(error))?;
        let is_of_admin = matches!(signed.statement.act, Act::Succeed { .. });
        if is_of_admin && !changed {
            return Ok(Vec::new());
        }
        let mut rows = Vec::new();
        if let Room::InPlaceOf(displaced) = self.room_for(&signed) {
            self.held.remove(&displaced);
            rows.push((name_of(&displaced), None));
        }
        let subject = Subject::of(&signed);
        rows.push((name_of(&subject), Some(canonical::encode(&signed))));
        self.held.insert(subject, signed);
        if is_of_admin {
            // What somebody else said who was not the admin then, as it turns out now.
            let authority = &self.authority;
            self.held.retain(|subject, held| {
                let counts = authority.allows(held).is_ok();
                if !counts {
                    rows.push((name_of(subject), None));
                }
                counts
            });
        }
        Ok(rows)
    }
}

/// Whether of two statements about the same the first one counts: the one with the greater number, and at
/// equal numbers the one that puts somebody out.
fn outranks(new: &SignedStatement, held: &SignedStatement) -> bool {
    let (new, held) = (&new.statement, &held.statement);
    let puts_out = |act: &Act| matches!(act, Act::Expel { .. });
    new.number > held.number
        || new.number == held.number && puts_out(&new.act) && !puts_out(&held.act)
}

fn name_of(subject: &Subject) -> Vec<u8> {
    // In the order of the kinds: those that others rest on come first.
    match subject {
        Subject::Admin(number, key) => [&[0][..], &number.0.to_be_bytes(), &key.0].concat(),
        Subject::Delegate(key) => [&[1][..], &key.0].concat(),
        Subject::Member(key) => [&[2][..], &key.0].concat(),
        Subject::Name(name) => [&[3][..], name.as_str().as_bytes()].concat(),
    }
}

#[cfg(test)]
mod tests;
