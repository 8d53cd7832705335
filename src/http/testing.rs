//! A served node: what tests of the API and of its client share.

use super::{ApiFile, BASE, ServerHandle, start};
use crate::canonical;
use crate::chain::awake::AwakeTime;
use crate::chain::rows::{OpenEntry, RowKey};
use crate::chain::testing::{START, rules, transfer};
use crate::chain::{Amount, EncodedTransaction, Height, TransactionId};
use crate::keys::PublicKey;
use crate::messages::retry_queue::SendTransfer;
use crate::owner::testing::{
    FakeNode, Played, hears_of_expulsion, hears_of_readmission, peer, secret, tracker,
};
use crate::owner::{Owned, StopOrder};
use crate::protocol::Row;
use crate::protocol::delivery::rows::{ReceivedFacts, Route, SendFacts, begun, facts_key};
use crate::store::chain_rows::changes;
use crate::store::{Disk, RowChange, Table};
use actix::{Actor, Addr};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use tempfile::TempDir;

/// A served peer with a chain of two blocks, or another node.
pub(crate) struct Served {
    pub(crate) data_dir: TempDir,
    pub(crate) handle: ServerHandle,
    pub(crate) owned: Owned,
    pub(crate) played: Played,
    /// In the first block.
    pub(crate) mined: TransactionId,
    /// Open.
    pub(crate) open: TransactionId,
}

impl Served {
    /// A peer on a network.
    pub(crate) async fn peer() -> Self {
        Self::serve(None, |node, played, data_dir| {
            Owned::Peer(peer(node, played, data_dir))
        })
        .await
    }

    /// A peer on a network whose admin has put out whoever has this number.
    pub(crate) async fn peer_that_heard_of_expulsion(number: u8, reason: &str) -> Self {
        Self::serve(None, |node, played, data_dir| {
            let mut peer = peer(node, played, data_dir);
            hears_of_expulsion(&mut peer, &rules(), number, reason);
            Owned::Peer(peer)
        })
        .await
    }

    /// A peer on a network whose admin has put out whoever has this number, and let it back.
    pub(crate) async fn peer_that_heard_of_readmission(number: u8) -> Self {
        Self::serve(None, |node, played, data_dir| {
            let mut peer = peer(node, played, data_dir);
            hears_of_expulsion(&mut peer, &rules(), number, "spam");
            hears_of_readmission(&mut peer, &rules(), number);
            Owned::Peer(peer)
        })
        .await
    }

    /// A peer that has not heard of its network yet.
    pub(crate) async fn waiting_peer() -> Self {
        let trouble = Some("connection refused".to_owned());
        Self::serve(trouble, |node, played, data_dir| {
            Owned::Peer(peer(node, played, data_dir))
        })
        .await
    }

    /// A tracker.
    pub(crate) async fn tracker() -> Self {
        Self::serve(None, |node, _, data_dir| {
            Owned::Tracker(tracker(node, data_dir))
        })
        .await
    }

    async fn serve(
        trouble: Option<String>,
        owned: impl FnOnce(&Addr<FakeNode>, &Played, &Path) -> Owned,
    ) -> Self {
        let (node, [mined, open]) = FakeNode::with_two_blocks(trouble);
        let played = node.played();
        let data_dir = tempfile::tempdir().unwrap();
        let owned = owned(&node.start(), &played, data_dir.path());
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let (handle, _) = start(any, data_dir.path(), owned.clone(), StopOrder::default())
            .await
            .unwrap();
        Self {
            data_dir,
            handle,
            owned,
            played,
            mined,
            open,
        }
    }

    /// What is answered under a path of the API; fails the test if it is a no.
    pub(crate) async fn ask(&self, method: &str, path: &str) -> String {
        let file = ApiFile::read(self.data_dir()).unwrap();
        let request = format!(
            "{method} {BASE}{path} HTTP/1.0\r\nhost: {}\r\nauthorization: Bearer {}\r\n\r\n",
            file.address, file.token
        );
        let asked = move || {
            let mut stream = TcpStream::connect(file.address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        };
        let answer = tokio::task::spawn_blocking(asked).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.0 200"), "{path}: {head}");
        body.to_owned()
    }

    /// Messages that came in from bob, in the inbox, none of them read.
    pub(crate) fn receives(&self, count: u64) {
        for number in 1..=count {
            let transaction = transfer(2, 1, number, 0, u8::try_from(number).unwrap());
            let facts = ReceivedFacts {
                id: transaction.id(),
                from: secret(2).public_key(),
                amount: Amount(number),
                received_at: START.plus_ms(number),
                receipt: None,
                closed: None,
            };
            let facts = (facts_key(number), Some(canonical::encode(&facts)));
            let rows = begun(number, &transaction.id(), transaction.bytes());
            self.store(Table::Inbox, rows.into_iter().chain([facts]));
        }
    }

    /// What stands in the first block came to the inbox when the chain was fetched, long after that.
    pub(crate) fn fetches_late(&self) {
        let transaction = transfer(2, 1, 1, 0, 1);
        let facts = ReceivedFacts {
            id: self.mined,
            from: secret(2).public_key(),
            amount: Amount(1),
            received_at: START.plus_ms(1_000_000_000),
            receipt: None,
            closed: None,
        };
        let facts = (facts_key(1), Some(canonical::encode(&facts)));
        let rows = begun(1, &self.mined, transaction.bytes());
        self.store(Table::Inbox, rows.into_iter().chain([facts]));
    }

    /// A payment to bob in the outbox, under this number.
    pub(crate) fn queues(&self, number: u64) -> TransactionId {
        self.keeps(number, &transfer(1, 2, 5, 0, 99), secret(2).public_key())
    }

    /// Something of the owner's in the outbox.
    pub(crate) fn keeps(
        &self,
        number: u64,
        transaction: &EncodedTransaction,
        to: PublicKey,
    ) -> TransactionId {
        let facts = SendFacts {
            id: transaction.id(),
            to,
            amount: Amount(5),
            fee: Amount(0),
            size: transaction.size(),
            expires_at: Height(1_000),
            queued_at: START,
            queued_awake: AwakeTime(0),
            route: Route::Direct,
            attempted: false,
            delivered_at: None,
            end: None,
            released: false,
            reason: Default::default(),
        };
        let facts = (facts_key(number), Some(canonical::encode(&facts)));
        let rows = begun(number, &transaction.id(), transaction.bytes());
        self.store(Table::Outbox, rows.into_iter().chain([facts]));
        transaction.id()
    }

    fn store(&self, table: Table, rows: impl Iterator<Item = Row>) {
        let change = |(key, value)| RowChange { table, key, value };
        let changes: Vec<_> = rows.map(change).collect();
        self.played.disk.commit(&changes).unwrap();
    }

    /// Has the ledger know a transaction that is in no block.
    pub(crate) fn opens(&self, transaction: &EncodedTransaction) {
        let entry = OpenEntry {
            since: AwakeTime(0),
            transaction: transaction.clone(),
        };
        let rows = [(
            RowKey::Open(transaction.id()),
            Some(canonical::encode(&entry)),
        )];
        let rows: Vec<_> = changes(&rows).collect();
        self.played.disk.commit(&rows).unwrap();
    }

    /// Where the node keeps its files.
    pub(crate) fn data_dir(&self) -> &Path {
        self.data_dir.path()
    }

    /// What the outbox was asked to send, the last one first.
    pub(crate) fn last_sent(&self) -> Option<SendTransfer> {
        self.played.last_sent()
    }
}

/// Reads the head of an answer.
pub(crate) fn head_of(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// Whoever comes when so many connections are held waits, and is served when one of them ends. `hold` takes the
/// place of a number and holds it; what is asked with `request` is answered with a head that says how long its
/// body is.
pub(crate) fn the_next_one_waits(
    address: SocketAddr,
    most: usize,
    request: &str,
    hold: impl Fn(usize) -> TcpStream,
) {
    let ask = |stream: &mut TcpStream| stream.write_all(request.as_bytes()).unwrap();
    let answer = |stream: &mut TcpStream| {
        let head = head_of(stream).to_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        let (_, length) = head.split_once("content-length: ").unwrap();
        let length = length.lines().next().unwrap().parse().unwrap();
        stream.read_exact(&mut vec![0; length]).unwrap();
    };
    let mut busy = TcpStream::connect(address).unwrap();
    ask(&mut busy);
    answer(&mut busy);
    let held: Vec<_> = (1..most).map(hold).collect();
    let mut late = TcpStream::connect(address).unwrap();
    ask(&mut late);
    // Whoever has a place is served, over and over, and the late one is not.
    for _ in 0..20 {
        ask(&mut busy);
        answer(&mut busy);
    }
    late.set_nonblocking(true).unwrap();
    let read = late.read(&mut [0]).map_err(|error| error.kind());
    assert_eq!(read, Err(std::io::ErrorKind::WouldBlock));
    late.set_nonblocking(false).unwrap();
    drop(busy);
    answer(&mut late);
    drop(held);
}
