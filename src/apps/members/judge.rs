//! What a record does to the rows of members, or why it does nothing.

use super::rows::{Interval, MemberRow, NameRow, View, key};
use super::{MAX_UNINVITED, RENAME_BLOCKS};
use crate::canonical;
use crate::chain::application::{ApplicationError, ApplicationState, Record};
use crate::chain::{Height, Internal, Timestamp};
use crate::keys::PublicKey;
use crate::membership::{
    Act, Authority, Invitation, JoinRecord, Leave, MAX_NUMBER_AHEAD_MS, MemberName, SignedStatement,
};
use crate::readable::in_words;
use serde::Serialize;

pub(super) struct Judge<'j, 'd, 'v> {
    state: &'j mut ApplicationState<'d, 'v>,
    record: &'j Record<'j>,
    authority: Authority,
}

type Judged<T> = Result<T, ApplicationError>;

fn refuse<T>(reason: impl Into<String>) -> Judged<T> {
    Err(ApplicationError::Refused(reason.into()))
}

fn worded<E: std::error::Error>(error: E) -> ApplicationError {
    ApplicationError::Refused(error.to_string())
}

impl<'j, 'd, 'v> Judge<'j, 'd, 'v> {
    pub(super) fn new(
        state: &'j mut ApplicationState<'d, 'v>,
        record: &'j Record<'j>,
    ) -> Result<Self, Internal> {
        let authority = View::new(state).authority(record.genesis)?;
        Ok(Self {
            state,
            record,
            authority,
        })
    }

    fn view(&self) -> View<'_> {
        View::new(self.state)
    }

    fn put<T: Serialize>(&mut self, key: &[u8], value: &T) -> Judged<()> {
        self.state.put(key, canonical::encode(value))
    }

    fn height(&self) -> Height {
        self.record.moment.height
    }

    /// A key joins, or a member takes another name; whether it receives the gift.
    pub(super) fn join(&mut self, join: &JoinRecord) -> Judged<bool> {
        let said = &join.certificate.statement;
        let parent_time = self.record.moment.parent_time;
        if said.until <= parent_time {
            let ago = in_words(parent_time.since(said.until));
            return refuse(format!("its certificate ended {ago} before the last block"));
        }
        join.certificate
            .check_issuer(&self.authority)
            .map_err(worded)?;
        let member = said.key;
        let standing = self.view().standing(&member)?;
        if standing.is_out() {
            return refuse("the admin has put this key out");
        }
        if said.serial <= standing.void {
            return refuse(
                "its certificate was issued before this key left or was put out: it needs a new one",
            );
        }
        let current = self.view().current(&member)?;
        if let Some(current) = &current {
            if current.name == join.name {
                let since = current.since.0;
                return refuse(format!("{} is a member since height {since}", join.name));
            }
            self.check_rename(&member)?;
        }
        self.take_name(&join.name, member)?;
        let earlier = self.view().member(&member)?;
        let by_invitation = match &join.invitation {
            Some(invitation) => {
                let used = earlier.as_ref().and_then(|row| row.invitation);
                self.count_invited(invitation, used, said.serial)?;
                true
            }
            // Whoever only takes another name was let in before.
            None if current.is_some() => false,
            None => {
                self.count_uninvited()?;
                false
            }
        };
        let row = match earlier {
            Some(row) => row,
            None => self.list(member)?,
        };
        let gift = by_invitation && !row.gifted;
        let height = self.height();
        if current.is_some() {
            self.end_interval(&member)?;
        }
        let interval = Interval {
            since: current.map_or(height, |current| current.since),
            from: height,
            until: None,
            name: join.name.clone(),
            sealing_key: join.sealing_key,
        };
        self.put(&key::interval(&member, row.intervals), &interval)?;
        let row = MemberRow {
            intervals: row.intervals + 1,
            named_at: height,
            invitation: said.invitation.or(row.invitation),
            gifted: row.gifted || by_invitation,
            ..row
        };
        self.put(&key::member(&member), &row)?;
        Ok(gift)
    }

    fn check_rename(&self, member: &PublicKey) -> Judged<()> {
        let named_at = self
            .view()
            .member(member)?
            .map_or(Height::GENESIS, |row| row.named_at);
        let next = named_at.0.saturating_add(RENAME_BLOCKS);
        if self.height().0 < next {
            return refuse(format!(
                "a member changes its name once in {RENAME_BLOCKS} blocks: this one may again at height {next}"
            ));
        }
        Ok(())
    }

    /// A name belongs to who had it first, for ever.
    fn take_name(&mut self, name: &MemberName, member: PublicKey) -> Judged<()> {
        match self.view().named(name)? {
            Some(row) if row.owner != member => refuse(format!(
                "the name {name} belongs to {} since height {}: choose another",
                row.owner, row.since.0
            )),
            Some(_) => Ok(()),
            None => {
                let row = NameRow {
                    owner: member,
                    since: self.height(),
                    number: Timestamp(0),
                };
                self.put(&key::name(name), &row)
            }
        }
    }

    /// Counts who joins by an invitation, once a key; `used` is the one that it came by before.
    fn count_invited(
        &mut self,
        invitation: &Invitation,
        used: Option<PublicKey>,
        certified: Timestamp,
    ) -> Judged<()> {
        let said = &invitation.statement;
        let network = self.record.network;
        let right = invitation.check_right(&self.authority, &network);
        right.map_err(worded)?;
        if certified >= said.expires {
            return refuse("its invitation had ended when it was certified");
        }
        if used == Some(said.key) {
            return Ok(());
        }
        let uses = self.view().uses(&said.key)?;
        if uses >= said.uses {
            return refuse(format!(
                "its invitation was for {}, and {uses} have joined by it: ask for a new one",
                said.uses
            ));
        }
        self.put(&key::invitation(&said.key), &(uses + 1))
    }

    fn count_uninvited(&mut self) -> Judged<()> {
        let height = self.height();
        let stored: Option<(Height, u32)> = self.view().read(key::UNINVITED)?;
        let before = stored
            .filter(|(at, _)| *at == height)
            .map_or(0, |(_, count)| count);
        if before == MAX_UNINVITED {
            return refuse(format!(
                "{MAX_UNINVITED} have joined without an invitation in this block: it can be in the next"
            ));
        }
        self.put(key::UNINVITED, &(height, before + 1))
    }

    /// Puts a key that never was a member at the end of the list.
    fn list(&mut self, member: PublicKey) -> Judged<MemberRow> {
        let index = self.view().count()?;
        let next = index
            .checked_add(1)
            .ok_or_else(|| Internal("too many members".into()))?;
        self.put(key::COUNT, &next)?;
        self.put(&key::listed(index), &member)?;
        Ok(MemberRow {
            index,
            intervals: 0,
            named_at: self.height(),
            invitation: None,
            gifted: false,
        })
    }

    /// Ends the time in which a key is a member, if it is one.
    fn end_interval(&mut self, member: &PublicKey) -> Judged<()> {
        let Some(interval) = self.view().current(member)? else {
            return Ok(());
        };
        let last = self.view().member(member)?.map_or(0, |row| row.intervals) - 1;
        let ended = Interval {
            until: Some(self.height()),
            ..interval
        };
        self.put(&key::interval(member, last), &ended)
    }

    fn check_number(&self, number: Timestamp) -> Judged<()> {
        let ahead = number.since(self.record.moment.parent_time);
        if ahead > MAX_NUMBER_AHEAD_MS {
            return refuse(format!(
                "its number is that of {} after the last block: more than {} is not taken",
                in_words(ahead),
                in_words(MAX_NUMBER_AHEAD_MS)
            ));
        }
        Ok(())
    }

    /// A member leaves.
    pub(super) fn leave(&mut self, leave: &Leave) -> Judged<bool> {
        self.check_number(leave.number)?;
        let member = leave.key;
        if self.view().current(&member)?.is_none() {
            return refuse("whoever leaves is no member");
        }
        let mut standing = self.view().standing(&member)?;
        if leave.number <= standing.void {
            return refuse("a later leave, or a later statement, is on the ledger");
        }
        standing.void = leave.number;
        self.put(&key::standing(&member), &standing)?;
        self.end_interval(&member)?;
        Ok(false)
    }

    /// The admin has decided.
    pub(super) fn statement(&mut self, signed: &SignedStatement) -> Judged<bool> {
        let number = signed.statement.number;
        self.check_number(number)?;
        self.authority.allows(signed).map_err(worded)?;
        match &signed.statement.act {
            Act::Expel { key, .. } => self.expel(*key, number)?,
            Act::Readmit { key } => {
                let mut standing = self.view().standing(key)?;
                if !standing.is_out() || standing.expelled >= Some(number) {
                    return refuse("this key is not put out, or was put out later");
                }
                standing.readmitted = Some(number);
                standing.void = standing.void.max(number);
                self.put(&key::standing(key), &standing)?;
            }
            Act::Reassign { name, key } => {
                let Some(row) = self.view().named(name)? else {
                    return refuse(format!("nobody on the ledger is called {name}"));
                };
                if row.number >= number {
                    return refuse(format!("a later statement about {name} is on the ledger"));
                }
                if row.owner == *key {
                    return refuse(format!("{name} is this key's name already"));
                }
                // Its owner has lost the former key: nobody is to use it.
                if !self.view().standing(&row.owner)?.is_out() {
                    self.expel(row.owner, number)?;
                }
                let row = NameRow {
                    owner: *key,
                    since: self.height(),
                    number,
                };
                self.put(&key::name(name), &row)?;
            }
            Act::Succeed { .. } | Act::Revoke { .. } => {
                if !self.authority.take(signed).map_err(worded)? {
                    return refuse("this, or a later statement, is on the ledger");
                }
                let authority = self.authority.clone();
                self.put(key::AUTHORITY, &authority)?;
            }
        }
        let height = self.height();
        self.put(&key::said(signed), &height)?;
        Ok(false)
    }

    fn expel(&mut self, member: PublicKey, number: Timestamp) -> Judged<()> {
        let mut standing = self.view().standing(&member)?;
        if standing.expelled >= Some(number) || standing.readmitted > Some(number) {
            return refuse("this, or a later statement about this key, is on the ledger");
        }
        standing.expelled = Some(number);
        standing.void = standing.void.max(number);
        self.put(&key::standing(&member), &standing)?;
        self.end_interval(&member)
    }
}
