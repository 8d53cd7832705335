//! How a peer that speaks by hand makes a channel, and how it and the node introduce themselves on it.

use super::RawPeer;
use crate::support::DEADLINE;
use crate::support::forge::now;
use raclette::canonical::{self, CappedText};
use raclette::chain::{Height, NetworkId};
use raclette::wire::channel::{
    Binding, ChannelSecrets, Handshake, Introduction, RecordKind, SECRETS_LEN, Side,
};
use raclette::wire::frame::FrameDecoder;
use raclette::wire::{Hello, Message, NodeRole};
use std::time::Instant;

impl RawPeer {
    /// Makes the channel, as the one who dialled.
    pub fn shake_hands(&mut self) {
        assert!(
            self.try_to_shake_hands(Side::Initiator),
            "the handshake failed"
        );
    }

    /// Makes the channel; whether the other end let it come to be.
    pub fn try_to_shake_hands(&mut self, side: Side) -> bool {
        let mut secrets = [self.key.public_key().0[0]; SECRETS_LEN];
        // Another handshake each time, as any honest one.
        secrets[..2].copy_from_slice(&self.stream.local_addr().unwrap().port().to_le_bytes());
        secrets[32..34].copy_from_slice(&self.stream.peer_addr().unwrap().port().to_le_bytes());
        let secrets = ChannelSecrets::from_bytes(secrets);
        let mut handshake = Handshake::new(side, secrets).unwrap();
        let deadline = Instant::now() + DEADLINE;
        loop {
            let (mut out, bytes) = (Vec::new(), std::mem::take(&mut self.sealed));
            let mut input = bytes.as_slice();
            let advanced = handshake.advance(&mut input, &mut out);
            self.sealed = input.to_vec();
            self.send_plain(&out);
            match advanced {
                Ok(None) => {}
                Ok(Some(channel)) => {
                    self.channel = Some(channel);
                    return true;
                }
                Err(_) => return false,
            }
            if self.read(deadline).is_err() {
                return false;
            }
        }
    }

    /// What is unique to its channel.
    pub fn binding(&self) -> Binding {
        self.channel.as_ref().expect("there is a channel").binding
    }

    /// A proper hello of a peer.
    pub fn hello(&self, network: NetworkId) -> Hello {
        Hello {
            network,
            role: NodeRole::Peer,
            key: self.public_key(),
            nonce: u64::from(self.public_key().0[0]) + 1,
            height: Height(0),
            address: None,
            time: now(),
            minor: 0,
            incarnation: 1,
            agent: CappedText::new("by hand").unwrap(),
        }
    }

    /// Introduces itself properly, with the certificate that it has.
    pub fn say_hello(&mut self, network: NetworkId) {
        let hello = self.hello(network);
        self.introduce(hello);
    }

    /// Introduces itself with this hello.
    pub fn introduce(&mut self, hello: Hello) {
        let (binding, certificate) = (self.binding(), self.certificate.clone());
        let introduction = Introduction::sign(hello, &binding, certificate, &self.key);
        self.say_introduction(&introduction);
    }

    /// Sends an introduction as it is.
    pub fn say_introduction(&mut self, introduction: &Introduction) {
        self.send_record(RecordKind::Introduction, &canonical::encode(introduction));
    }

    /// Waits for the node's introduction.
    pub fn hear_hello(&mut self) {
        let introduction = self.hear_introduction().expect("an introduction");
        assert_eq!(introduction.check(&self.binding()), Ok(()));
        self.other = Some(introduction.hello);
    }

    /// Waits for the node's next record, and makes something of it; `None` if the node ends the connection.
    fn hear_record<T>(&mut self, of: impl FnOnce(RecordKind, &[u8]) -> T) -> Option<T> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let bytes = std::mem::take(&mut self.sealed);
            let mut input = bytes.as_slice();
            let opener = &mut self.channel.as_mut().expect("there is a channel").opener;
            let record = opener.next(&mut input).expect("a node sends records");
            if let Some(record) = record {
                let heard = of(record.kind, record.data);
                self.sealed = input.to_vec();
                return Some(heard);
            }
            self.sealed = input.to_vec();
            self.read(deadline).ok()?;
        }
    }

    /// Waits for the node's introduction, whatever there may be in it; `None` if the node ends the connection
    /// instead.
    pub fn hear_introduction(&mut self) -> Option<Introduction> {
        let heard: Option<Introduction> =
            self.hear_record(|_, data| canonical::decode(data).expect("an introduction"));
        self.introduction.clone_from(&heard);
        heard
    }

    /// Waits for what the node says in the place of its introduction; `None` if it introduces itself.
    pub fn hear_refusal(&mut self) -> Option<Message> {
        let heard = self.hear_record(|kind, mut data| {
            let frame = match kind {
                RecordKind::Frames => FrameDecoder::new(Message::most).next(&mut data).unwrap(),
                _ => return None,
            };
            Some(Message::decode(&frame.expect("a whole frame")).unwrap())
        });
        heard.expect("the node says something")
    }
}
