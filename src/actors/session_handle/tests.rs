use super::*;
use actix::{Actor, Context, Handler, System};
use std::sync::{Arc, Mutex};

/// Commands that the session's mailbox holds.
const ROOM: usize = 4;

/// Turns of the runtime that are more than enough.
const MOMENTS: usize = 1_000;

/// A session that keeps what it is told.
struct Session(Arc<Mutex<Vec<String>>>);

impl Actor for Session {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(ROOM);
    }
}

impl Handler<SessionCommand> for Session {
    type Result = ();

    fn handle(&mut self, command: SessionCommand, _: &mut Self::Context) {
        let told = match command {
            SessionCommand::Close(reason) => format!("close: {reason}"),
            _ => "command".to_owned(),
        };
        self.0.lock().unwrap().push(told);
    }
}

fn say(handle: &mut SessionHandle) {
    handle.command(SessionCommand::SendBlocks(Vec::new()));
}

/// Fills the mailbox, gives the last order, and lets the session work; what it was told.
fn told(last: SessionCommand) -> Vec<String> {
    System::new().block_on(async {
        let told = Arc::new(Mutex::new(Vec::new()));
        let session = Session(told.clone()).start();
        // Once it has started, its mailbox has its size.
        let begun = session.send(SessionCommand::SendBlocks(Vec::new()));
        begun.await.unwrap();
        let mut handle = SessionHandle::new(session.clone().recipient());
        for _ in 0..10 * ROOM {
            say(&mut handle);
        }
        handle.command(last);
        handle.flush();
        let closed = |told: &Vec<String>| told.iter().any(|one| one.starts_with("close"));
        for _ in 0..MOMENTS {
            if closed(&told.lock().unwrap()) {
                break;
            }
            tokio::task::yield_now().await;
            handle.flush();
        }
        handle.flush();
        tokio::task::yield_now().await;
        let told = told.lock().unwrap().clone();
        assert!(
            told.len() < 5 * ROOM,
            "what found no room is not sent later"
        );
        told
    })
}

#[test]
fn a_session_that_is_overrun_is_closed_once_it_takes_the_order() {
    let told = told(SessionCommand::SendBlocks(Vec::new()));
    let closes: Vec<_> = told.iter().filter(|one| *one != "command").collect();
    assert_eq!(closes, [&format!("close: {OVERRUN}")]);
    assert_eq!(told.last(), Some(closes[0]), "and nothing is said after it");
}

#[test]
fn an_order_to_close_is_never_lost() {
    System::new().block_on(async {
        let told = Arc::new(Mutex::new(Vec::new()));
        let session = Session(told.clone()).start();
        let begun = session.send(SessionCommand::SendBlocks(Vec::new()));
        begun.await.unwrap();
        // The same sender has filled the mailbox: another one would find a place of its own.
        let commands = session.recipient();
        while commands
            .try_send(SessionCommand::SendBlocks(Vec::new()))
            .is_ok()
        {}
        let mut handle = SessionHandle::new(commands);
        handle.command(SessionCommand::Close("enough".into()));
        let last = || told.lock().unwrap().last().cloned();
        for _ in 0..MOMENTS {
            tokio::task::yield_now().await;
            handle.flush();
        }
        assert_eq!(last().as_deref(), Some("close: enough"));
    });
}
