//! The channel by itself: two machines whose bytes a test carries, changes, repeats or mixes up.

mod handshakes;
mod introductions;
mod records;

use super::*;
use crate::canonical::{self, CappedText};
use crate::chain::testing::member;
use crate::chain::{BlockId, Height, NetworkId, Timestamp};
use crate::keys::PublicKey;
use crate::membership::certificate::{Certificate, CertificateStatement};
use crate::membership::{Authority, Statements};
use crate::wire::limits::{HANDSHAKE_RECORD_CAP, RECORD_CAP};
use crate::wire::{Hello, NodeRole};
use std::sync::Arc;

const NETWORK: NetworkId = BlockId([1; 32]);
const NOW: Timestamp = Timestamp(1_000_000);
const TRACKER: u8 = 200;

fn key(number: u8) -> PublicKey {
    member(number).public_key()
}

fn hello(number: u8) -> Hello {
    Hello {
        network: NETWORK,
        role: NodeRole::Peer,
        key: key(number),
        nonce: u64::from(number),
        height: Height(3),
        address: None,
        time: NOW,
        minor: 0,
        incarnation: 1,
        agent: CappedText::default(),
    }
}

fn certificate(number: u8) -> Certificate {
    let statement = CertificateStatement {
        from: Timestamp(0),
        until: Timestamp(2 * NOW.0),
        ..CertificateStatement::at(
            NOW,
            NETWORK,
            key(number),
            format!("m{number}").parse().unwrap(),
            key(TRACKER),
        )
    };
    statement.sign(&member(TRACKER))
}

fn members() -> Arc<Statements> {
    Arc::new(Statements::on(NETWORK, Authority::new(key(TRACKER), None)))
}

fn expected() -> Expected {
    Expected {
        role: NodeRole::Peer,
        same_network: true,
        member: true,
        members: Some(members()),
    }
}

/// One end of a connection, up to the introductions.
struct End {
    number: u8,
    handshake: Handshake,
    channel: Option<Channel>,
    error: Option<ChannelError>,
    /// What it has to send.
    out: Vec<u8>,
    /// What the other's introduction was judged to be.
    judged: Option<Result<(), IntroductionError>>,
}

impl End {
    /// The end of a member; the randomness of its handshake is in `seed`.
    fn new(side: Side, number: u8, seed: u8) -> Self {
        let secrets = ChannelSecrets::from_bytes([seed; SECRETS_LEN]);
        let mut end = Self {
            number,
            handshake: Handshake::new(side, secrets).unwrap(),
            channel: None,
            error: None,
            out: Vec::new(),
            judged: None,
        };
        end.hear(&[]);
        end
    }

    /// Bytes arrive.
    fn hear(&mut self, mut input: &[u8]) {
        if self.error.is_some() {
            return;
        }
        if self.channel.is_none() {
            match self.handshake.advance(&mut input, &mut self.out) {
                Ok(None) => return,
                Ok(Some(channel)) => self.introduce(channel),
                Err(error) => return self.error = Some(error),
            }
        }
        let Some(channel) = &mut self.channel else {
            return;
        };
        while self.error.is_none() && !input.is_empty() {
            match channel.opener.next(&mut input) {
                Ok(None) => {}
                Ok(Some(record)) => {
                    let theirs = canonical::decode(record.data).unwrap();
                    let ours = hello(self.number);
                    let (binding, expected) = (&channel.binding, expected());
                    let judged = judge_introduction(&ours, &theirs, binding, &expected, NOW);
                    self.judged = Some(judged);
                }
                Err(error) => self.error = Some(error),
            }
        }
    }

    fn introduce(&mut self, mut channel: Channel) {
        let introduction = Introduction::sign(
            hello(self.number),
            &channel.binding,
            Some(certificate(self.number)),
            &member(self.number),
        );
        let bytes = canonical::encode(&introduction);
        let sealed = channel
            .sealer
            .seal(RecordKind::Introduction, &bytes, &mut self.out);
        sealed.unwrap();
        self.channel = Some(channel);
    }

    fn accepted(&self) -> bool {
        self.error.is_none() && self.judged == Some(Ok(()))
    }

    fn said(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }
}

/// Carries bytes to and fro until there are none, through `line`, which is told who sent them and how
/// many that one had sent before.
fn carry(ends: &mut [End; 2], mut line: impl FnMut(usize, usize, Vec<u8>) -> Vec<u8>) {
    let mut sent = [0, 0];
    loop {
        let before = sent;
        for from in [0, 1] {
            let said = ends[from].said();
            let start = sent[from];
            sent[from] += said.len();
            if !said.is_empty() {
                let arrives = line(from, start, said);
                ends[1 - from].hear(&arrives);
            }
        }
        if sent == before {
            return;
        }
    }
}

/// Alice dials bob.
fn strangers() -> [End; 2] {
    [
        End::new(Side::Initiator, 1, 11),
        End::new(Side::Responder, 2, 22),
    ]
}

/// Two ends of one channel, introduced.
fn acquainted() -> [Channel; 2] {
    let mut ends = strangers();
    carry(&mut ends, |_, _, bytes| bytes);
    ends.map(|end| {
        assert!(end.accepted());
        end.channel.unwrap()
    })
}
