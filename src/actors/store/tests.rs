use super::*;
use crate::actors::fatal_channel;
use crate::store::{DiskError, MemoryDisk, Table};
use actix::Addr;
use tokio::sync::mpsc;

/// Hears of what is written.
struct Hearer(mpsc::UnboundedSender<u64>);

impl Actor for Hearer {
    type Context = Context<Self>;
}

impl Handler<RowsCommitted> for Hearer {
    type Result = ();

    fn handle(&mut self, message: RowsCommitted, _: &mut Self::Context) {
        self.0.send(message.batch).unwrap();
    }
}

fn batch(batch: u64) -> CommitRows {
    let row = RowChange {
        table: Table::Members,
        key: batch.to_le_bytes().to_vec(),
        value: Some(vec![1]),
    };
    CommitRows {
        committer: Committer::Ledger,
        batch,
        rows: Rows::Plain(vec![row]),
        urgency: Urgency::Now,
    }
}

async fn attach(store: &Addr<StoreActor>) -> mpsc::UnboundedReceiver<u64> {
    let (sender, heard) = mpsc::unbounded_channel();
    let to = Hearer(sender).start().recipient();
    let committer = Committer::Ledger;
    store.send(ReportTo { committer, to }).await.unwrap();
    heard
}

#[actix::test]
async fn what_was_written_before_anybody_listened_is_reported_too() {
    let (fatal, _heard) = fatal_channel();
    let store = StoreActor::new(Arc::new(MemoryDisk::new()), fatal).start();
    for number in 1..=3 {
        store.send(batch(number)).await.unwrap();
    }
    store.send(FlushStore).await.unwrap();
    let mut heard = attach(&store).await;
    assert_eq!(heard.recv().await, Some(3));
    store.send(batch(4)).await.unwrap();
    assert_eq!(heard.recv().await, Some(4));
}

#[actix::test]
async fn after_a_failed_write_nothing_is_reported_and_the_node_ends() {
    let disk = Arc::new(MemoryDisk::new());
    let (fatal, mut raised) = fatal_channel();
    let store = StoreActor::new(disk.clone(), fatal).start();
    let mut heard = attach(&store).await;
    disk.fail_next(DiskError::NoSpace {
        path: "data".into(),
    });
    store.send(batch(1)).await.unwrap();
    let reason = raised.recv().await.unwrap();
    assert!(reason.contains("full"), "{reason}");
    store.send(batch(2)).await.unwrap();
    store.send(FlushStore).await.unwrap();
    assert!(heard.try_recv().is_err());
}

#[actix::test]
async fn a_batch_that_another_comes_behind_shares_its_write_and_waits_for_none_for_long() {
    let disk = Arc::new(Counting::default());
    let (fatal, _heard) = fatal_channel();
    let store = StoreActor::new(disk.clone(), fatal).start();
    let mut heard = attach(&store).await;
    let behind = |number| CommitRows {
        urgency: Urgency::Behind,
        ..batch(number)
    };
    // Both wait in its mailbox before it looks.
    store.try_send(behind(1)).unwrap();
    store.try_send(batch(2)).unwrap();
    assert_eq!(heard.recv().await, Some(2));
    assert_eq!(disk.commits(), 1, "one write served both");
    // Nothing comes behind this one.
    store.send(behind(3)).await.unwrap();
    assert_eq!(heard.recv().await, Some(3));
    assert_eq!(disk.commits(), 2);
}

/// Counts its commits.
#[derive(Default)]
struct Counting {
    disk: MemoryDisk,
    commits: std::sync::atomic::AtomicUsize,
}

impl Counting {
    fn commits(&self) -> usize {
        self.commits.load(std::sync::atomic::Ordering::SeqCst)
    }
}

impl crate::store::DiskRead for Counting {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, DiskError> {
        self.disk.get(table, key)
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<crate::store::Row>, DiskError> {
        self.disk.scan(table, from, limit)
    }
}

impl Disk for Counting {
    fn commit(&self, rows: &[RowChange]) -> Result<(), DiskError> {
        self.commits
            .fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        self.disk.commit(rows)
    }

    fn snapshot(&self) -> Box<dyn crate::store::DiskRead + '_> {
        self.disk.snapshot()
    }

    fn checkpoint(&self, to: &std::path::Path) -> Result<(), DiskError> {
        self.disk.checkpoint(to)
    }

    fn flush(&self) -> Result<(), DiskError> {
        self.disk.flush()
    }
}
