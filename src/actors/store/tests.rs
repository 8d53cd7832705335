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
