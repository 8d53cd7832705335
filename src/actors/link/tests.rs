use super::*;
use actix::{Context, System};
use std::sync::{Arc, Mutex};

/// Keeps what it gets.
struct Receiver(Arc<Mutex<Vec<u32>>>);

#[derive(Message)]
#[rtype(result = "()")]
struct Number(u32);

/// Messages that the receiver's mailbox holds.
const ROOM: usize = 4;

impl Actor for Receiver {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(ROOM);
    }
}

impl Handler<Number> for Receiver {
    type Result = ();

    fn handle(&mut self, message: Number, _: &mut Self::Context) {
        self.0.lock().unwrap().push(message.0);
    }
}

/// A receiver that has started, what it got, and a link to it.
async fn link(bound: usize) -> (Arc<Mutex<Vec<u32>>>, Addr<Receiver>, Link<Number>) {
    let got = Arc::new(Mutex::new(Vec::new()));
    let receiver = Receiver(got.clone()).start();
    // Answered only once it has started, and with it its mailbox has its size.
    receiver.send(Number(0)).await.unwrap();
    let link = Link::new(&receiver, bound);
    (got, receiver, link)
}

#[test]
fn what_finds_no_room_waits_and_arrives_in_order() {
    System::new().block_on(async {
        let (got, _receiver, mut link) = link(100).await;
        // Nothing runs in between: the mailbox fills.
        for n in 1..=50 {
            link.send(Number(n));
        }
        assert!(link.waiting() >= 50 - 2 * ROOM, "{}", link.waiting());
        assert!(link.waiting() < 50);
        while link.waiting() > 0 {
            tokio::task::yield_now().await;
            // What comes later stays behind what waits.
            link.flush();
        }
        link.send(Number(51));
        while got.lock().unwrap().len() < 52 {
            tokio::task::yield_now().await;
        }
        assert_eq!(*got.lock().unwrap(), (0..=51).collect::<Vec<_>>());
    });
}

#[test]
#[should_panic(expected = "a link between actors overflowed")]
fn more_than_may_wait_is_the_end() {
    System::new().block_on(async {
        let (_got, _receiver, mut link) = link(5).await;
        for n in 1..=50 {
            link.send(Number(n));
        }
    });
}

#[test]
fn a_receiver_that_is_gone_costs_nothing() {
    struct Brief;
    impl Actor for Brief {
        type Context = Context<Self>;

        fn started(&mut self, ctx: &mut Self::Context) {
            actix::ActorContext::stop(ctx);
        }
    }
    impl Handler<Number> for Brief {
        type Result = ();

        fn handle(&mut self, _: Number, _: &mut Self::Context) {}
    }
    System::new().block_on(async {
        let brief = Brief.start();
        let mut link: Link<Number> = Link::new(&brief, 5);
        while brief.connected() {
            tokio::task::yield_now().await;
        }
        for n in 0..50 {
            link.send(Number(n));
        }
        assert_eq!(link.waiting(), 0);
    });
}
