//! Inbox: what this node's owner receives.

use super::{Answered, Ask, Fatal, Link, TableWriter};
use crate::chain::Internal;
use crate::clock::Clock;
use crate::keys::{NoteText, OpenError};
use crate::messages::events::Event;
use crate::messages::gossip::{AnswerDelivery, BlameSession};
use crate::messages::inbox::{CountUnread, MarkRead, OwnNewsTold, TakeDelivery};
use crate::messages::ledger::JudgeDelivery;
use crate::messages::store::{CommitRows, Committer, RowsCommitted};
use crate::messages::wallet::{OpenNote, SignReceipt};
use crate::protocol::delivery::Judgement;
use crate::protocol::delivery::inbox::{Effect, Inbox};
use crate::protocol::delivery::rows::ReceivedFacts;
use crate::store::chain_rows::ChainRows;
use crate::store::delivery_rows::DeliveryTable;
use crate::store::{Disk, Table};
use crate::wire::Receipt;
use std::sync::Arc;

/// Things that come at once and get a line each in the log.
const SINGLY: usize = 16;

/// What the inbox needs of the node.
pub struct InboxParts {
    /// Where what came before is read.
    pub disk: Arc<dyn Disk>,
    /// Says what time it is.
    pub clock: Arc<dyn Clock>,
    /// Writes it.
    pub store: Link<CommitRows>,
    /// Sends receipts.
    pub answers: Link<AnswerDelivery>,
    /// Has sessions closed.
    pub blame: Link<BlameSession>,
    /// Judges what is delivered; the token stands for the delivery.
    pub ledger: Link<Ask<u64, JudgeDelivery>>,
    /// Opens notes; the token stands for the delivery.
    pub open_note: Link<Ask<u64, OpenNote>>,
    /// Signs receipts; the token stands for the delivery.
    pub sign: Link<Ask<u64, SignReceipt>>,
    /// Who follows what happens.
    pub events: Link<Event>,
    /// Ends the node.
    pub fatal: Fatal,
}

/// The shell around the inbox.
pub struct InboxShell {
    inbox: Inbox,
    writer: TableWriter,
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    answers: Link<AnswerDelivery>,
    blame: Link<BlameSession>,
    ledger: Link<Ask<u64, JudgeDelivery>>,
    open_note: Link<Ask<u64, OpenNote>>,
    sign: Link<Ask<u64, SignReceipt>>,
    events: Link<Event>,
    fatal: Fatal,
}

impl InboxShell {
    /// Around an inbox that was opened on the stored rows.
    pub fn new(inbox: Inbox, parts: InboxParts) -> Self {
        Self {
            inbox,
            writer: TableWriter::new(parts.store, Committer::Inbox, Table::Inbox),
            disk: parts.disk,
            clock: parts.clock,
            answers: parts.answers,
            blame: parts.blame,
            ledger: parts.ledger,
            open_note: parts.open_note,
            sign: parts.sign,
            events: parts.events,
            fatal: parts.fatal,
        }
    }

    /// Carries out what the machine says; what it can't read ends the node.
    fn carry_out(&mut self, effects: Result<Vec<Effect>, Internal>) {
        let effects = match effects {
            Ok(effects) => effects,
            Err(error) => return self.fatal.raise(error.to_string()),
        };
        let mut told = Vec::new();
        for effect in effects {
            match effect {
                Effect::Commit { batch, rows } => self.writer.commit(batch, rows),
                Effect::OpenNote {
                    ticket,
                    about,
                    note,
                } => self.open_note.send(Ask {
                    token: ticket,
                    question: OpenNote { about, note },
                }),
                Effect::Judge {
                    ticket,
                    transaction,
                } => self.ledger.send(Ask {
                    token: ticket,
                    question: JudgeDelivery(transaction),
                }),
                Effect::Sign { ticket, statement } => self.sign.send(Ask {
                    token: ticket,
                    question: SignReceipt(statement),
                }),
                Effect::Answer {
                    credit,
                    session,
                    receipt,
                } => self.answers.send(AnswerDelivery {
                    credit,
                    session,
                    receipt,
                }),
                Effect::Blame { session, reason } => {
                    self.blame.send(BlameSession { session, reason });
                }
                Effect::Tell { facts, note } => {
                    self.events.send(Event::MessageReceived {
                        id: facts.id,
                        from: facts.from,
                        amount: facts.amount,
                        note,
                    });
                    told.push((facts, note));
                }
                Effect::TellUnread(unread) => self.events.send(Event::MessagesRead { unread }),
            }
        }
        log(&told);
    }

    /// Time has passed.
    pub fn tick(&mut self) {
        self.writer.flush();
        self.answers.flush();
        self.blame.flush();
        self.ledger.flush();
        self.open_note.flush();
        self.sign.flush();
    }

    /// Looks through the next blocks that came while this node was not at work. Whether there are more.
    pub fn catch_up(&mut self) -> bool {
        let (disk, now) = (self.disk.clone(), self.clock.wall());
        let snapshot = disk.snapshot();
        let (chain, rows) = (ChainRows(&*snapshot), DeliveryTable::inbox(&*disk));
        let caught_up = self.inbox.catch_up(&chain, &rows, now);
        let is_behind = matches!(caught_up, Ok((true, _)));
        self.carry_out(caught_up.map(|(_, effects)| effects));
        is_behind
    }

    /// A member delivers something.
    pub fn delivered(&mut self, message: TakeDelivery) {
        let TakeDelivery {
            credit,
            session,
            transaction,
        } = message;
        let disk = self.disk.clone();
        let rows = DeliveryTable::inbox(&*disk);
        let from = (credit, session);
        let effects = self.inbox.delivered(from, transaction, &rows);
        self.carry_out(effects);
    }

    /// The note of a delivery was opened. Its text is for whoever shows it.
    pub fn opened(&mut self, message: Answered<u64, Result<NoteText, OpenError>>) {
        let Answered { token, answer } = message;
        let effects = self.inbox.opened(token, answer.map(drop));
        self.carry_out(Ok(effects));
    }

    /// The ledger has judged a delivery.
    pub fn judged(&mut self, message: Answered<u64, Judgement>) {
        let effects = self.inbox.judged(message.token, &message.answer);
        self.carry_out(Ok(effects));
    }

    /// A receipt is signed.
    pub fn signed(&mut self, message: Answered<u64, Receipt>) {
        let Answered { token, answer } = message;
        let (disk, now) = (self.disk.clone(), self.clock.wall());
        let rows = DeliveryTable::inbox(&*disk);
        let effects = self.inbox.signed(token, answer, &rows, now);
        self.carry_out(effects);
    }

    /// The ledger tells of the owner's transactions.
    pub fn ledger_told(&mut self, message: OwnNewsTold) {
        let (disk, now) = (self.disk.clone(), self.clock.wall());
        let rows = DeliveryTable::inbox(&*disk);
        let effects = self.inbox.ledger_told(&message.0, &rows, now);
        self.carry_out(effects);
    }

    /// The disk holds all batches up to this one.
    pub fn committed(&mut self, message: RowsCommitted) {
        let effects = self.inbox.committed(message.batch);
        self.carry_out(Ok(effects));
    }

    /// The owner has read these.
    pub fn read(&mut self, message: MarkRead) {
        let effects = self.inbox.read(&message.0);
        self.carry_out(Ok(effects));
    }

    /// How many the owner has not read.
    pub fn unread(&mut self, _: CountUnread) -> usize {
        self.inbox.unread()
    }
}

/// Writes down what came: a line each, unless so much came at once that nobody would read them.
fn log(came: &[(ReceivedFacts, bool)]) {
    if came.len() > SINGLY {
        tracing::info!(messages = came.len(), "many things came in");
        return;
    }
    for (facts, note) in came {
        let (tx, from) = (facts.id, facts.from.to_address());
        tracing::info!(%tx, %from, amount = facts.amount.0, note, "something came in");
    }
}
