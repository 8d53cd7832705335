//! What the played node answers.

use super::*;

macro_rules! answers {
    ($($message:ty => |$node:ident, $asked:ident| $answer:expr;)*) => {$(
        impl Handler<$message> for FakeNode {
            type Result = MessageResult<$message>;
            fn handle(&mut self, $asked: $message, _: &mut Context<Self>) -> Self::Result {
                let $node = self;
                MessageResult($answer)
            }
        }
    )*};
}

answers! {
    GetRegistryStatus => |node, _asked| RegistryStatus {
        registered: 3,
        live: 3,
        reachable: 3,
        sessions: 2,
        network_name: "test".to_owned(),
        network: Some(rules().network()),
        height: Some(node.chain.ledger.tip().height()),
        overruled: Vec::new(),
    };
    GetMembers => |_node, asked| {
        let behind = members().into_iter().filter(|member| asked.after < Some(member.id));
        behind.take(asked.limit).collect()
    };
    SignAndSend => |node, asked| node.take_send(asked);
    SignAndSendMany => |node, asked| {
        let sends = asked.0.into_iter();
        sends.map(|send| node.take_send(send)).collect()
    };
    GetOutbox => |_node, _asked| OutboxStatus {
        waiting: Waiting {
            queued: 2,
            bytes: 600,
            reserved: Amount(7),
            held: Amount(3),
        },
        lines: Vec::new(),
    };
    GetSend => |_node, _asked| None;
    RetrySend => |_node, _asked| Err(OrderError::NotWaiting);
    ReleaseSend => |_node, _asked| Err(OrderError::NothingHeld);
    WithdrawSend => |_node, _asked| Err(OrderError::Attempted(Height(9)));
    CountUnread => |_node, _asked| 3;
    MarkRead => |_node, _asked| ();
    SealNote => |_node, asked| {
        let sealed = secret(1).seal_note(&asked.to, &asked.about, &asked.text, &NoteSeed::default());
        let _ = asked.sealed.send(sealed.map(|note| Note::new(note).unwrap()));
    };
    OpenNote => |_node, asked| secret(1).open_note(&asked.about, asked.note.as_slice());
    GetLedgerStatus => |node, _asked| LedgerStatus {
        tip: *node.chain.ledger.tip(),
        best_header: *node.chain.ledger.tip(),
        syncing: false,
        open_transactions: node.chain.ledger.mempool().len(),
        open_bytes: 300,
        headers_in_memory: 1,
        catching_up: None,
        branch_change: None,
    };
    AtTip<GetFunds> => |node, asked| {
        let tip = *node.chain.ledger.tip();
        let funds = node.chain.disk.balance(&asked.0.0).map(|balance| {
            if node.played.is_poor.load(Ordering::Relaxed) {
                return Funds { balance: Amount(0), promised: Amount(0) };
            }
            match node.played.riches.load(Ordering::Relaxed) {
                0 => Funds { balance, promised: Amount(100) },
                all => Funds { balance: Amount(all), promised: Amount(0) },
            }
        });
        node.move_on();
        (funds, tip)
    };
    AtTip<GetOpenTransactions> => |node, asked| {
        let mempool = node.chain.ledger.mempool();
        let (transactions, next) = mempool.page(asked.0.after, asked.0.limit);
        let page = OpenPage { transactions, next, all: mempool.len() };
        (page, *node.chain.ledger.tip())
    };
    GetOpenRecords => |node, asked| node.chain.ledger.mempool().judged(asked.0);
    MineBlock => |node, _asked| {
        let block = node.chain.next_block(1);
        match node.chain.block(block.clone()) {
            BlockOutcome::Accepted => {
                node.store();
                Ok(Mined {
                    id: block.id(),
                    height: block.header.height,
                    transactions: block.transactions.len(),
                    tries: 17,
                    elapsed_ms: 1_234,
                    races_lost: 0,
                })
            }
            other => Err(MineError::Invalid(format!("{other:?}"))),
        }
    };
    GetOwnClock => |_node, _asked| OwnClock::UNKNOWN;
    GetMinerStatus => |_node, _asked| MinerStatus {
        running: false,
        hashes_per_second: 4_200_000.0,
        blocks_mined: 3,
        races_lost: 1,
        mode: Mode::OnCommand,
    };
    SetMiningMode => |_node, asked| MinerStatus {
        running: asked.0 == Mode::Always,
        hashes_per_second: 4_200_000.0,
        blocks_mined: 3,
        races_lost: 1,
        mode: asked.0,
    };
    GetPutOut => |_node, _asked| vec![
        (put_out(&rules(), 3, "sold two votes"), Some("carol".parse().unwrap())),
        (let_back(&rules(), 4), Some("dora".parse().unwrap())),
    ];
    SyncFrom => |node, asked| {
        let (bob, other) = (secret(2).public_key(), secret(8).public_key());
        // The other one goes away at once.
        node.fetched_first = (asked.0 == bob).then_some((bob, true));
        match asked.0 {
            key if key == bob => Some(2),
            key if key == other => Some(0),
            _ => None,
        }
    };
    GetGossipStatus => |node, _asked| GossipStatus {
        sessions: vec![session(2, true), session(8, false)],
        blocks_in_flight: 0,
        fetched_first: node.fetched_first,
    };
}

pub(super) fn members() -> Vec<Member> {
    ["alice", "bob", "carol"]
        .into_iter()
        .zip(1..)
        .map(|(name, number)| member_called(name, number))
        .collect()
}

fn session(number: u8, outgoing: bool) -> SessionStatus {
    SessionStatus {
        key: secret(number).public_key(),
        address: format!("127.0.0.1:70{number:02}"),
        program: "raclette/0.1.0".to_owned(),
        outgoing,
        height: 2,
    }
}

/// There is one invitation, and no more are made than that.
fn invitation() -> (InvitationId, Kept) {
    let statement = InvitationStatement {
        network: None,
        key: secret(7).public_key(),
        issuer: secret(200).public_key(),
        delegation: None,
        uses: 2,
        serial: Timestamp(1),
        expires: Timestamp(u64::MAX),
    };
    let kept = Kept {
        invitation: statement.sign(&secret(200)),
        used: 1,
        revoked: None,
    };
    (InvitationId(1), kept)
}

impl Handler<GetInvitations> for FakeNode {
    type Result = MessageResult<GetInvitations>;

    fn handle(&mut self, _: GetInvitations, _: &mut Self::Context) -> Self::Result {
        MessageResult(vec![invitation()])
    }
}

/// There is bob.
impl Handler<GetDelegates> for FakeNode {
    type Result = MessageResult<GetDelegates>;

    fn handle(&mut self, _: GetDelegates, _: &mut Self::Context) -> Self::Result {
        MessageResult(Vec::new())
    }
}

impl Handler<HearStatements> for FakeNode {
    type Result = ();

    fn handle(&mut self, _: HearStatements, _: &mut Self::Context) {}
}

impl Handler<WhoIs> for FakeNode {
    type Result = MessageResult<WhoIs>;

    fn handle(&mut self, asked: WhoIs, _: &mut Self::Context) -> Self::Result {
        MessageResult(match asked.0.as_str() {
            "bob" => Named::Key(secret(2).public_key()),
            _ => Named::Nobody(None),
        })
    }
}

impl Handler<CarryOut> for FakeNode {
    type Result = Result<Outcome, OrderRefused>;

    fn handle(&mut self, message: CarryOut, _: &mut Self::Context) -> Self::Result {
        let (id, kept) = invitation();
        match message.0 {
            Order::Invite { .. } => Err(OrderRefused::TooManyInvitations),
            Order::RevokeInvitation(asked) if asked == id => Ok(Outcome::Revoked { id, kept }),
            Order::RevokeInvitation(asked) => Err(OrderRefused::UnknownInvitation(asked)),
            Order::Delegate { .. } => Err(OrderRefused::TooManyDelegates),
            Order::Say(_) | Order::Hear(_) => Err(OrderRefused::NotFounded),
        }
    }
}

impl Handler<Connect> for FakeNode {
    type Result = ();

    fn handle(&mut self, _: Connect, _: &mut Self::Context) {}
}

impl Handler<SignLeave> for FakeNode {
    type Result = MessageResult<SignLeave>;

    fn handle(&mut self, message: SignLeave, _: &mut Self::Context) -> Self::Result {
        MessageResult(Leave::sign(message.network, message.number, &secret(1)))
    }
}

impl Handler<LeaveNetwork> for FakeNode {
    type Result = Result<(), LeaveError>;

    fn handle(&mut self, _: LeaveNetwork, _: &mut Self::Context) -> Self::Result {
        match self.played.trouble {
            None => Ok(()),
            Some(_) => Err(LeaveError::NotRegistered),
        }
    }
}
