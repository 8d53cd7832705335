//! A served node: what tests of the API and of its client share.

use super::{ApiFile, BASE, ServerHandle, start};
use crate::chain::TransactionId;
use crate::messages::retry_queue::SendTransfer;
use crate::owner::testing::{FakeNode, Played, peer, tracker};
use crate::owner::{Owned, StopOrder};
use actix::{Actor, Addr};
use std::io::{Read, Write};
use std::net::TcpStream;
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
        let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
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

    /// Where the node keeps its files.
    pub(crate) fn data_dir(&self) -> &Path {
        self.data_dir.path()
    }

    /// What the outbox was asked to send, the last one first.
    pub(crate) fn last_sent(&self) -> Option<SendTransfer> {
        self.played.last_sent()
    }
}
