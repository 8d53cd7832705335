//! The two halves of a connection.

use super::{Network, WINDOW, What};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// What the other end sends.
pub(super) struct Reader {
    network: Network,
    stream: u64,
    /// Until the next arrives.
    arrival: Option<Pin<Box<Sleep>>>,
}

/// What the other end will read.
pub(super) struct Writer {
    network: Network,
    stream: u64,
}

impl Reader {
    pub(super) fn new(network: Network, stream: u64) -> Self {
        let arrival = None;
        Self {
            network,
            stream,
            arrival,
        }
    }
}

impl Writer {
    pub(super) fn new(network: Network, stream: u64) -> Self {
        Self { network, stream }
    }
}

/// What a look at the queue says.
enum Look {
    Read(io::Result<()>),
    Until(Instant),
    Empty,
}

impl Reader {
    fn look(&self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Look {
        let mut state = self.network.state();
        let Some(stream) = state.streams.get_mut(&self.stream) else {
            return Look::Read(Err(io::ErrorKind::ConnectionReset.into()));
        };
        let due = match stream.queue.front().map(|chunk| chunk.due) {
            Some(Some(due)) => due,
            Some(None) | None => {
                stream.reader = Some(context.waker().clone());
                return Look::Empty;
            }
        };
        if due > Instant::now() {
            stream.reader = Some(context.waker().clone());
            return Look::Until(due);
        }
        let Some(chunk) = stream.queue.front_mut() else {
            return Look::Empty;
        };
        match &mut chunk.what {
            What::Bytes(bytes) => {
                let count = bytes.len().min(buffer.remaining());
                buffer.put_slice(&bytes[..count]);
                bytes.drain(..count);
                if bytes.is_empty() {
                    stream.queue.pop_front();
                }
                stream.bytes -= count;
                if let Some(writer) = stream.writer.take() {
                    writer.wake();
                }
                Look::Read(Ok(()))
            }
            What::End => Look::Read(Ok(())),
            What::Reset => {
                let back = stream.back;
                if let Some(back) = state.streams.get_mut(&back) {
                    back.refused = true;
                    if let Some(writer) = back.writer.take() {
                        writer.wake();
                    }
                }
                Look::Read(Err(io::ErrorKind::ConnectionReset.into()))
            }
        }
    }
}

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            match self.look(context, buffer) {
                Look::Read(result) => return Poll::Ready(result),
                Look::Empty => return Poll::Pending,
                Look::Until(due) => {
                    let arrival = self
                        .arrival
                        .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
                    if arrival.deadline() != due {
                        arrival.as_mut().reset(due);
                    }
                    if arrival.as_mut().poll(context).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.network.state();
        let Some(stream) = state.streams.get_mut(&self.stream) else {
            return;
        };
        let unread = !stream.reader_gone
            && stream
                .queue
                .iter()
                .any(|c| matches!(c.what, What::Bytes(_)));
        stream.reader_gone = true;
        if unread {
            state.refuse(self.stream);
        }
        state.forget_ended();
    }
}

impl AsyncWrite for Writer {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.network.state();
        let Some(stream) = state.streams.get_mut(&self.stream) else {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        };
        if stream.refused || stream.ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = WINDOW.saturating_sub(stream.bytes);
        if room == 0 {
            stream.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        let count = bytes.len().min(room);
        state.put(self.stream, What::Bytes(bytes[..count].to_vec()));
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.network.state().end(self.stream);
        Poll::Ready(Ok(()))
    }
}

impl super::State {
    /// Writes the end, once.
    fn end(&mut self, id: u64) {
        if let Some(stream) = self.streams.get_mut(&id)
            && !stream.ended
            && !stream.writer_gone
        {
            stream.ended = true;
            self.put(id, What::End);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let mut state = self.network.state();
        state.end(self.stream);
        if let Some(stream) = state.streams.get_mut(&self.stream) {
            stream.writer_gone = true;
        }
        state.forget_ended();
    }
}
