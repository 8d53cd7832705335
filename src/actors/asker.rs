//! How a shell asks another actor: the answer comes back as a message, with what it is for.

use crate::shell::{Answered, Ask, Link, Port};
use actix::{Actor, Addr, Context, Handler, Message, Recipient};

/// Asks one actor for another, which hears the answer.
pub fn asking<T, Q, A>(to: Recipient<Q>, back: &Addr<A>) -> Link<Ask<T, Q>>
where
    T: Send + 'static,
    Q: Message + Send + 'static,
    Q::Result: Send + 'static,
    A: Actor<Context = Context<A>> + Handler<Answered<T, Q::Result>>,
{
    let back = back.clone().recipient();
    // Every question is taken at once.
    Link::to(Asker { to, back }, 0)
}

struct Asker<T, Q>
where
    T: Send + 'static,
    Q: Message + Send + 'static,
    Q::Result: Send + 'static,
{
    to: Recipient<Q>,
    back: Recipient<Answered<T, Q::Result>>,
}

impl<T, Q> Port<Ask<T, Q>> for Asker<T, Q>
where
    T: Send + 'static,
    Q: Message + Send + 'static,
    Q::Result: Send + 'static,
{
    fn offer(&mut self, Ask { token, question }: Ask<T, Q>) -> Result<(), Ask<T, Q>> {
        let asked = self.to.send(question);
        let back = self.back.clone();
        actix::spawn(async move {
            // Without an answer, and without anybody to hear it, only when the node is stopping.
            if let Ok(answer) = asked.await {
                let _ = back.send(Answered { token, answer }).await;
            }
        });
        Ok(())
    }
}
