use super::*;
use crate::shell::testing::Outbound;

/// Commands that the session takes before somebody looks.
const ROOM: usize = 4;

fn say(handle: &mut SessionHandle) {
    handle.command(SessionCommand::SendBlocks(Vec::new()));
}

/// A session without room, and its owner's end.
fn full() -> (Outbound<SessionCommand>, SessionHandle) {
    let session = Outbound::with_room(ROOM);
    let mut handle = SessionHandle::new(Box::new(session.clone()));
    (0..ROOM).for_each(|_| say(&mut handle));
    (session, handle)
}

fn reasons(told: Vec<SessionCommand>) -> Vec<String> {
    let reason = |command| match command {
        SessionCommand::Close(reason) => Some(reason),
        _ => None,
    };
    told.into_iter().filter_map(reason).collect()
}

#[test]
fn a_session_that_is_overrun_is_closed_once_it_takes_the_order() {
    let (session, mut handle) = full();
    say(&mut handle);
    handle.flush();
    assert_eq!(session.drain().len(), ROOM, "it has had no room for more");
    say(&mut handle);
    handle.flush();
    handle.flush();
    say(&mut handle);
    assert_eq!(
        reasons(session.drain()),
        [OVERRUN],
        "once, and nothing after it"
    );
}

#[test]
fn an_order_to_close_is_never_lost() {
    let (session, mut handle) = full();
    handle.command(SessionCommand::Close("enough".into()));
    assert_eq!(reasons(session.drain()), [""; 0]);
    handle.flush();
    assert_eq!(reasons(session.drain()), ["enough"]);
}
