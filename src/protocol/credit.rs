//! Credits: what is asked of somebody and not answered yet, counted.
//!
//! Whoever asks lends a [`Credit`] with the question, and it comes back in the answer. It can't be copied,
//! so that an answer can't be counted twice, nor can an answer be made up without one.

/// Goes out with a question, comes back with its answer.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a credit that does not come back is missing for ever"]
pub struct Credit(());

/// The credits of one who asks.
#[derive(Debug)]
pub struct Credits {
    most: usize,
    lent: usize,
}

impl Credits {
    /// Of one who may have `most` questions unanswered before nothing more should be asked.
    pub fn new(most: usize) -> Self {
        Self { most, lent: 0 }
    }

    /// For one more question, which is asked in any case: what was begun is not left half done.
    pub fn lend(&mut self) -> Credit {
        self.lent += 1;
        Credit(())
    }

    /// A question is answered.
    pub fn take_back(&mut self, credit: Credit) {
        let Credit(()) = credit;
        self.lent -= 1;
    }

    /// How many questions are not answered.
    pub fn lent(&self) -> usize {
        self.lent
    }

    /// Whether nothing more should be asked until there is an answer.
    pub fn are_used_up(&self) -> bool {
        self.lent >= self.most
    }
}
