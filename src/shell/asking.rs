//! Questions with their answers: what belongs together travels with both.

use actix::Message;

/// A question out of a shell, with what its answer is for.
#[derive(Debug)]
pub struct Ask<T, Q> {
    /// Comes back with the answer.
    pub token: T,
    /// The question.
    pub question: Q,
}

/// An answer back to the shell. There is none only when the node is stopping.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Answered<T, A> {
    /// Went out with the question.
    pub token: T,
    /// The answer.
    pub answer: A,
}
