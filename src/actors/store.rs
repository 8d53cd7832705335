//! Store: the only writer of the disk.

use super::{Fatal, TICK};
use crate::messages::store::{
    CommitRows, Committer, FlushStore, ReportTo, Rows, RowsCommitted, Urgency,
};
use crate::shell::Link;
use crate::store::chain_rows::changes;
use crate::store::{Disk, RowChange};
use actix::{Actor, AsyncContext, Context, Handler, Message, SpawnHandle};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Batches that may wait here: above what the ledger lets be under way (its overlay), the directory
/// and the registry send few.
const MAILBOX: usize = 4 * 1024;
/// Reports that may wait for one committer: one is sent for each write, and writes wait for each
/// other.
const REPORTS: usize = 1024;

/// How long a batch waits for another that was said to come just behind it. The ledger's takes a fraction of
/// that; what it refuses leaves none.
const BEHIND: Duration = Duration::from_millis(3);

/// The shell around the disk. It gathers the batches that came while the last write was under way
/// into one synced write.
pub struct StoreActor {
    disk: Arc<dyn Disk>,
    fatal: Fatal,
    rows: Vec<RowChange>,
    last: BTreeMap<Committer, u64>,
    reports: BTreeMap<Committer, Link<RowsCommitted>>,
    /// What was written before anybody was named to report it to.
    unreported: BTreeMap<Committer, RowsCommitted>,
    /// A write is to come at once.
    scheduled: bool,
    /// A write is to come later, for a batch that may wait.
    later: Option<(Urgency, SpawnHandle)>,
    failed: bool,
}

impl StoreActor {
    /// Writes to `disk`.
    pub fn new(disk: Arc<dyn Disk>, fatal: Fatal) -> Self {
        Self {
            disk,
            fatal,
            rows: Vec::new(),
            last: BTreeMap::new(),
            reports: BTreeMap::new(),
            unreported: BTreeMap::new(),
            scheduled: false,
            later: None,
            failed: false,
        }
    }

    /// Has what was gathered written in time for a batch as urgent as this.
    fn schedule(&mut self, urgency: Urgency, ctx: &mut Context<Self>) {
        if self.scheduled || self.later.is_some_and(|(of, _)| of >= urgency) {
            return;
        }
        let latency = self.disk.latency();
        let wait = match urgency {
            Urgency::Now if latency.is_zero() => {
                self.scheduled = true;
                return ctx.notify(Write);
            }
            Urgency::Now => latency,
            Urgency::Behind => latency.max(BEHIND),
        };
        self.call_off(ctx);
        self.later = Some((urgency, ctx.notify_later(Write, wait)));
    }

    /// Calls the later write off.
    fn call_off(&mut self, ctx: &mut Context<Self>) {
        if let Some((_, write)) = self.later.take() {
            ctx.cancel_future(write);
        }
    }

    fn write(&mut self, ctx: &mut Context<Self>) {
        self.scheduled = false;
        self.call_off(ctx);
        if self.failed || self.last.is_empty() {
            return;
        }
        let rows = std::mem::take(&mut self.rows);
        if let Err(error) = self.disk.commit(&rows) {
            self.failed = true;
            self.fatal.raise(error.to_string());
            return;
        }
        for (committer, batch) in std::mem::take(&mut self.last) {
            let report = RowsCommitted { batch };
            match self.reports.get_mut(&committer) {
                Some(link) => link.send(report),
                None => {
                    self.unreported.insert(committer, report);
                }
            }
        }
    }
}

impl Actor for StoreActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        // A report that waits for room must not wait for the next write: its committer may send
        // none before it has heard of this one.
        ctx.run_interval(TICK, |actor, _| {
            actor.reports.values_mut().for_each(Link::flush);
        });
    }
}

/// Write what has been gathered.
#[derive(Message)]
#[rtype(result = "()")]
struct Write;

impl Handler<ReportTo> for StoreActor {
    type Result = ();

    fn handle(&mut self, message: ReportTo, _: &mut Self::Context) {
        let mut link = Link::to(message.to, REPORTS);
        if let Some(report) = self.unreported.remove(&message.committer) {
            link.send(report);
        }
        self.reports.insert(message.committer, link);
    }
}

impl Handler<CommitRows> for StoreActor {
    type Result = ();

    fn handle(&mut self, message: CommitRows, ctx: &mut Self::Context) {
        match message.rows {
            Rows::Plain(rows) => self.rows.extend(rows),
            Rows::Chain(rows) => self.rows.extend(changes(&rows)),
        }
        self.last.insert(message.committer, message.batch);
        self.schedule(message.urgency, ctx);
    }
}

impl Handler<Write> for StoreActor {
    type Result = ();

    fn handle(&mut self, _: Write, ctx: &mut Self::Context) {
        self.write(ctx);
    }
}

impl Handler<FlushStore> for StoreActor {
    type Result = ();

    fn handle(&mut self, _: FlushStore, ctx: &mut Self::Context) {
        self.write(ctx);
        if !self.failed
            && let Err(error) = self.disk.flush()
        {
            self.fatal.raise(error.to_string());
        }
    }
}

#[cfg(test)]
mod tests;
