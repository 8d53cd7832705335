//! From a connection to a channel with somebody who has proven who it is.

use super::SessionContext;
use super::writing::SealedWriter;
use crate::canonical;
use crate::keys::PublicKey;
use crate::membership::{NotAMember, SignedStatement};
use crate::messages::session::SessionFact;
use crate::messages::wallet::SignIntroduction;
use crate::net::Connection;
use crate::wire::channel::{
    Binding, Channel, ChannelSecrets, Expected, Handshake, Introduction, IntroductionError, Opener,
    RecordKind, SECRETS_LEN, Side, is_comparable, judge_introduction,
};
use crate::wire::frame::FrameDecoder;
use crate::wire::stage::Stage;
use crate::wire::version::MINOR_VERSION;
use crate::wire::{Hello, Message, NodeRole};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

/// Bytes read at a time of a stranger: each step of a handshake fits.
const STRANGER_READ_BYTES: usize = 1024;

/// What the other end sends.
pub(super) type Reader = Box<dyn AsyncRead + Send + Unpin>;

/// A channel with somebody known.
pub(super) struct Opened {
    /// Who it is, for the owner of the session.
    pub who: SessionFact,
    /// Who it is, if its clock is one to compare with.
    pub clock_of: Option<PublicKey>,
    /// Whether it may say what only later programs know.
    pub is_later: bool,
    /// What it may send at first.
    pub stage: Stage,
    /// What it sends.
    pub reader: Reader,
    /// Opens that.
    pub opener: Opener,
    /// What was read of it beyond the introduction.
    pub rest: Vec<u8>,
    /// Takes what is sent to it.
    pub writer: SealedWriter,
}

/// Why there is no channel.
pub(super) enum Failed {
    /// There is nobody to tell.
    Gone(String),
    /// The other end shows us by which statement we are put out.
    TurnedAway(Box<SignedStatement>),
    /// The other end is told why it is refused: in words, and by the statement that put it out.
    Refused(String, Option<Box<SignedStatement>>, Box<SealedWriter>),
}

/// Makes a channel of a connection: handshake, introductions, judgement. The time for it is the
/// caller's to bound.
pub(super) async fn open(
    context: &SessionContext,
    connection: Connection,
    side: Side,
    expected: &Expected,
) -> Result<Opened, Failed> {
    let Connection {
        mut reader,
        mut writer,
        ..
    } = connection;
    let mut secrets = [0; SECRETS_LEN];
    context.entropy.fill(&mut secrets);
    let secrets = ChannelSecrets::from_bytes(secrets);
    let mut handshake = Handshake::new(side, secrets).map_err(|e| Failed::Gone(e.to_string()))?;
    let mut buffer = [0; STRANGER_READ_BYTES];
    let mut out = Vec::new();
    let mut input: &[u8] = &[];
    // The other looks at its clock after it has heard what we say now.
    let mut asked = context.clock.steady();
    let channel = loop {
        match handshake.advance(&mut input, &mut out) {
            Ok(Some(channel)) => break channel,
            Ok(None) => {}
            Err(error) => {
                // It may hear our version; it is closed all the same.
                let _ = writer.write_all(&out).await;
                let _ = writer.shutdown().await;
                return Err(Failed::Gone(error.to_string()));
            }
        }
        asked = context.clock.steady();
        writer.write_all(&out).await.map_err(gone)?;
        out.clear();
        input = read(&mut reader, &mut buffer).await?;
    };
    drop(handshake);
    let mut rest = input.to_vec();
    let Channel {
        sealer,
        mut opener,
        binding,
    } = channel;
    let hello = context.greeting.hello(context.clock.wall());
    let mut writer = SealedWriter::new(writer, sealer);
    // Who dialled introduces itself first: nobody is told who is here for having dialled.
    if side == Side::Initiator {
        asked = context.clock.steady();
        let ours = introduction(context, &hello, binding, true).await?;
        // Together with the last message of the handshake.
        writer.introduce(out, &ours).await.map_err(Failed::Gone)?;
    }
    let theirs = loop {
        let mut input = rest.as_slice();
        let record = opener.next(&mut input);
        let record = record.map_err(|error| Failed::Gone(error.to_string()))?;
        let theirs = match record {
            Some(record) if record.kind == RecordKind::Frames => {
                return Err(refusal(record.data));
            }
            record => record.map(|record| canonical::decode::<Introduction>(record.data)),
        };
        rest = input.to_vec();
        match theirs {
            Some(theirs) => break theirs,
            None => rest = read(&mut reader, &mut buffer).await?.to_vec(),
        }
    };
    let now = context.clock.now();
    let theirs = match theirs {
        Ok(theirs) => theirs,
        Err(error) => return Err(Failed::Refused(error.to_string(), None, Box::new(writer))),
    };
    let judged = judge_introduction(&hello, &theirs, &binding, expected, now.wall);
    let key = theirs.hello.key;
    let clock_of = is_comparable(&theirs, &judged, expected, now.wall).then_some(key);
    if let Some(from) = clock_of {
        context.read_clock(from, theirs.hello.time, asked, now);
    }
    if side == Side::Responder {
        let is_visit = judged == Err(IntroductionError::WrongRole(NodeRole::Tracker))
            && context.greeting.knows_tracker(&theirs.hello.key);
        if judged.is_ok() || is_visit {
            let ours = introduction(context, &hello, binding, judged.is_ok()).await?;
            let introduced = writer.introduce(Vec::new(), &ours).await;
            introduced.map_err(Failed::Gone)?;
        }
    }
    if theirs.hello.role == NodeRole::Tracker {
        writer.cut_for_tracker();
    }
    match judged {
        Ok(()) => Ok(Opened {
            clock_of,
            is_later: theirs.hello.minor > MINOR_VERSION,
            stage: Stage::first(hello.role, theirs.hello.role),
            who: SessionFact::Opened {
                hello: Box::new(theirs.hello),
                certificate: theirs.certificate.map(Box::new),
            },
            reader,
            opener,
            rest,
            writer,
        }),
        Err(reason) => {
            let words = reason.to_string();
            let out = match reason {
                IntroductionError::NotAMember(NotAMember::Out(signed)) => Some(signed),
                _ => None,
            };
            Err(Failed::Refused(words, out, Box::new(writer)))
        }
    }
}

/// What the other end says in the place of introducing itself.
fn refusal(frames: &[u8]) -> Failed {
    let mut frames = frames;
    let frame = FrameDecoder::new(Message::most).next(&mut frames);
    let message = frame.ok().flatten().map(|frame| Message::decode(&frame));
    match message {
        Some(Ok(Message::Goodbye(goodbye))) => {
            Failed::Gone(format!("the other said: {}", goodbye.reason))
        }
        Some(Ok(Message::Statements(mut said))) if said.len() == 1 => match said.pop() {
            Some(signed) => Failed::TurnedAway(Box::new(signed)),
            None => Failed::Gone("the other end says nothing".into()),
        },
        _ => Failed::Gone("the other end does not introduce itself".into()),
    }
}

/// The bytes of what we say of ourselves, with the proof for this channel.
async fn introduction(
    context: &SessionContext,
    hello: &Hello,
    binding: Binding,
    with_certificate: bool,
) -> Result<Vec<u8>, Failed> {
    let certificate = context.greeting.certificate();
    let signed = context.sign.send(SignIntroduction {
        hello: hello.clone(),
        binding,
        certificate: certificate.filter(|_| with_certificate),
    });
    let signed = signed.await;
    let signed = signed.map_err(|_| Failed::Gone("this node is stopping".into()))?;
    Ok(canonical::encode(&signed))
}

async fn read<'a>(reader: &mut Reader, buffer: &'a mut [u8]) -> Result<&'a [u8], Failed> {
    match reader.read(buffer).await {
        Ok(0) => Err(Failed::Gone("the other end closed the connection".into())),
        Ok(read) => Ok(&buffer[..read]),
        Err(error) => Err(gone(error)),
    }
}

fn gone(error: std::io::Error) -> Failed {
    Failed::Gone(error.to_string())
}
