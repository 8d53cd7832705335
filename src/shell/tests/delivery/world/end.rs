//! One end of the line: what sends and receives for an owner, on a disk and with a ledger of its own.

use super::*;

/// Everything that goes out of the two shells of an end.
pub(super) struct Out {
    pub(super) writing: Outbound<CommitRows>,
    pub(super) reach: Outbound<ReachMember>,
    pub(super) deliver: Outbound<Deliver>,
    pub(super) pass_on: Outbound<Ask<Vec<u64>, JudgeOwn>>,
    pub(super) funds: Outbound<Ask<(), GetFunds>>,
    pub(super) checks: Outbound<Ask<(), CheckSignatures>>,
    pub(super) judge: Outbound<Ask<u64, JudgeDelivery>>,
    pub(super) open_note: Outbound<Ask<u64, OpenNote>>,
    pub(super) sign: Outbound<Ask<u64, SignReceipt>>,
    pub(super) answers: Outbound<AnswerDelivery>,
    pub(super) blame: Outbound<BlameSession>,
    pub(super) events: Outbound<Event>,
}

impl Out {
    fn new() -> Self {
        Self {
            writing: Outbound::new(),
            reach: Outbound::new(),
            deliver: Outbound::new(),
            pass_on: Outbound::new(),
            funds: Outbound::new(),
            checks: Outbound::new(),
            judge: Outbound::new(),
            open_note: Outbound::new(),
            sign: Outbound::new(),
            answers: Outbound::new(),
            blame: Outbound::new(),
            events: Outbound::new(),
        }
    }
}

pub(in crate::shell::tests::delivery) struct End {
    pub(in crate::shell::tests::delivery) number: u8,
    pub(in crate::shell::tests::delivery) ledger: LedgerEnd,
    pub(in crate::shell::tests::delivery) outbox: OutboxShell,
    pub(in crate::shell::tests::delivery) inbox: InboxShell,
    pub(in crate::shell::tests::delivery) disk: Arc<MemoryDisk>,
    pub(in crate::shell::tests::delivery) clock: Arc<HandClock>,
    pub(super) out: Out,
    pub(super) credits: Credits,
    /// Whether it passes on what it took in.
    pub(in crate::shell::tests::delivery) silent: bool,
    /// What its ledger says can be spent, if that is not the truth.
    pub(in crate::shell::tests::delivery) believed: Option<Funds>,
    pub(super) asked: BTreeMap<u64, oneshot::Receiver<Result<u64, SendError>>>,
    pub(in crate::shell::tests::delivery) answers: BTreeMap<u64, Result<u64, SendError>>,
}

impl End {
    pub(in crate::shell::tests::delivery) fn new(number: u8) -> Self {
        Self::opened(number, Arc::new(MemoryDisk::new()), HandClock::new())
    }

    pub(super) fn opened(number: u8, disk: Arc<MemoryDisk>, clock: Arc<HandClock>) -> Self {
        let mut ledger = LedgerEnd::opened(Some(number), disk.clone(), clock.clone());
        ledger.settle();
        let (out, now) = (Out::new(), clock.now());
        let tip = ledger.tip().height();
        // Nobody raises anything: it would be dropped with its receiver.
        let (fatal, _) = fatal_channel();
        let rows = DeliveryTable::outbox(&*disk);
        let config = outbox_config(number);
        let outbox = Outbox::open(config, &rows, &ledger.rows(), tip, now).unwrap();
        let parts = OutboxParts {
            own: member(number).public_key(),
            disk: disk.clone(),
            clock: clock.clone(),
            store: Link::to(out.writing.clone(), 0),
            reach: Link::to(out.reach.clone(), 0),
            deliver: Link::to(out.deliver.clone(), 0),
            blame: Link::to(out.blame.clone(), 0),
            ledger: Link::to(out.pass_on.clone(), 0),
            funds: Link::to(out.funds.clone(), 0),
            checks: Link::to(out.checks.clone(), 0),
            events: Link::to(out.events.clone(), 0),
            fatal: fatal.clone(),
        };
        let outbox = OutboxShell::new(outbox, parts);
        let rows = DeliveryTable::inbox(&*disk);
        let inbox = Inbox::open(inbox_config(number), &rows).unwrap();
        let parts = InboxParts {
            disk: disk.clone(),
            clock: clock.clone(),
            store: Link::to(out.writing.clone(), 0),
            answers: Link::to(out.answers.clone(), 0),
            blame: Link::to(out.blame.clone(), 0),
            ledger: Link::to(out.judge.clone(), 0),
            open_note: Link::to(out.open_note.clone(), 0),
            sign: Link::to(out.sign.clone(), 0),
            events: Link::to(out.events.clone(), 0),
            fatal,
        };
        Self {
            number,
            ledger,
            outbox,
            inbox: InboxShell::new(inbox, parts),
            disk,
            clock,
            out,
            credits: Credits::new(CREDIT),
            silent: false,
            believed: None,
            asked: BTreeMap::new(),
            answers: BTreeMap::new(),
        }
    }

    pub(in crate::shell::tests::delivery) fn key(&self) -> PublicKey {
        member(self.number).public_key()
    }

    pub(in crate::shell::tests::delivery) fn waiting(&mut self) -> Waiting {
        self.outbox.status(GetOutbox::nothing_of_it()).waiting
    }

    /// What its outbox holds back goes to the store.
    pub(super) fn flush(&mut self) {
        let _ = self.waiting();
    }

    /// What whoever follows was told since this was last asked.
    pub(in crate::shell::tests::delivery) fn told(&self) -> Vec<Event> {
        self.out.events.drain()
    }

    pub(in crate::shell::tests::delivery) fn unread(&mut self) -> usize {
        self.inbox.unread(CountUnread)
    }

    pub(super) fn sent_rows(&self) -> DeliveryTable<'_> {
        DeliveryTable::outbox(&*self.disk)
    }

    pub(super) fn received_rows(&self) -> DeliveryTable<'_> {
        DeliveryTable::inbox(&*self.disk)
    }

    pub(super) fn send_facts(&self, id: &TransactionId) -> SendFacts {
        let rows = self.sent_rows();
        let number = rows::find(&rows, id).unwrap().expect("it was sent");
        rows::facts(&rows, number).unwrap().unwrap()
    }

    pub(in crate::shell::tests::delivery) fn state(&self, id: &TransactionId) -> SendState {
        let place = place_of(&self.ledger.rows(), id).unwrap();
        self.send_facts(id).state(place)
    }

    pub(in crate::shell::tests::delivery) fn sent(&self) -> Vec<TransactionId> {
        let rows = self.sent_rows();
        let numbers = 1..rows::next_number(&rows).unwrap();
        let facts = numbers.map(|n| rows::facts::<SendFacts>(&rows, n));
        facts.map(|facts| facts.unwrap().unwrap().id).collect()
    }

    /// What it received, oldest first.
    pub(in crate::shell::tests::delivery) fn received_facts(&self) -> Vec<ReceivedFacts> {
        let rows = self.received_rows();
        let numbers = 1..rows::next_number(&rows).unwrap();
        let facts = numbers.map(|n| rows::facts::<ReceivedFacts>(&rows, n));
        facts.map(|facts| facts.unwrap().unwrap()).collect()
    }

    pub(in crate::shell::tests::delivery) fn received(&self) -> Vec<TransactionId> {
        let facts = self.received_facts().into_iter();
        facts.map(|facts| facts.id).collect()
    }

    /// How many deliveries it has not answered.
    pub(in crate::shell::tests::delivery) fn owed(&self) -> usize {
        self.credits.lent()
    }

    /// Keeps what was answered since this was last asked.
    pub(super) fn gather_answers(&mut self) {
        let (answers, asked) = (&mut self.answers, &mut self.asked);
        asked.retain(|ticket, answered| match answered.try_recv() {
            Ok(answer) => {
                let before = answers.insert(*ticket, answer);
                assert_eq!(before, None, "answered once");
                false
            }
            Err(TryRecvError::Closed) => false,
            Err(TryRecvError::Empty) => true,
        });
    }
}
