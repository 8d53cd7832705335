//! What PROTOCOL.md shows, as bytes.

use raclette::apps::voting::{Choice, Opening, Outcome, Parcel, Question, Roll, RollPart, Vote};
use raclette::canonical;
use raclette::chain::proof::Proof;
use raclette::chain::proof::ProofJson;
use raclette::chain::{Height, Timestamp, TransactionId};
use raclette::keys::PublicKey;
use raclette::wire::frame::encode_frame;
use std::collections::BTreeMap;

/// A vector: its values by their names.
type Vector = BTreeMap<String, String>;

pub struct Corpus(Vec<(String, Vector)>);

impl Corpus {
    pub fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/PROTOCOL.md");
        let text = std::fs::read_to_string(path).expect("PROTOCOL.md is there");
        let mut vectors: Vec<(String, Vector)> = Vec::new();
        let mut open: Option<(String, Vector, String)> = None;
        for line in text.lines() {
            if let Some(kind) = line.strip_prefix("```vector ") {
                open = Some((kind.to_owned(), Vector::new(), String::new()));
            } else if line.starts_with("```") {
                vectors.extend(open.take().map(|(kind, vector, _)| (kind, vector)));
            } else if let Some((_, vector, last)) = &mut open {
                match (line.strip_prefix("  "), line.split_once(" =")) {
                    (Some(more), _) => vector.entry(last.clone()).or_default().push_str(more),
                    (None, Some((name, value))) => {
                        last.clone_from(&name.to_owned());
                        vector.insert(name.to_owned(), value.trim_start().to_owned());
                    }
                    _ => {}
                }
            }
        }
        Self(vectors)
    }

    fn of<'c>(&'c self, kinds: &'c [&str]) -> impl Iterator<Item = &'c Vector> {
        let of_kind = |(kind, _): &&(String, Vector)| kinds.contains(&kind.as_str());
        self.0.iter().filter(of_kind).map(|(_, vector)| vector)
    }

    /// Every value of these kinds that is hexadecimal, under these names or any.
    fn bytes(&self, kinds: &[&str], names: &[&str]) -> Vec<Vec<u8>> {
        let wanted = |name: &String| names.is_empty() || names.contains(&name.as_str());
        let values = self.of(kinds).flatten();
        let values = values.filter(|(name, _)| wanted(name));
        values.filter_map(|(_, value)| hex(value)).collect()
    }

    /// Payloads behind their codes.
    pub fn messages(&self) -> Vec<Vec<u8>> {
        let code = |vector: &Vector| vector.get("code")?.parse::<u16>().ok();
        let messages = self.of(&["message"]).filter_map(|vector| {
            let payload = hex(vector.get("payload").or_else(|| vector.get("bytes"))?)?;
            Some([&code(vector)?.to_be_bytes()[..], &payload].concat())
        });
        let mut all: Vec<_> = messages.collect();
        // Those that the document shows by themselves, as well.
        for (code, kinds) in [
            (18u16, "header"),
            (20, "block"),
            (80, "statement"),
            (74, "certificate"),
        ] {
            let bytes = self.bytes(&[kinds], &["bytes"]);
            all.extend(bytes.iter().map(|b| [&code.to_be_bytes()[..], b].concat()));
        }
        all
    }

    /// The same as they are on the line, and two of them one after the other.
    pub fn frames(&self) -> Vec<Vec<u8>> {
        let frame = |message: &Vec<u8>| {
            let (code, payload) = message.split_first_chunk::<2>()?;
            let mut out = Vec::new();
            encode_frame(u16::from_be_bytes(*code), payload, &mut out).ok()?;
            Some(out)
        };
        let one: Vec<_> = self.messages().iter().filter_map(frame).collect();
        let two = one.windows(2).map(<[_]>::concat).collect::<Vec<_>>();
        [one, two].concat()
    }

    pub fn handshakes(&self) -> Vec<Vec<u8>> {
        let said = self.of(&["channel"]).flatten();
        let said = said.filter(|(name, _)| name.contains(".says."));
        let said: Vec<Vec<u8>> = said.filter_map(|(_, value)| hex(value)).collect();
        let preambles = self.bytes(&["preamble"], &[]);
        [said.clone(), vec![said.concat()], preambles].concat()
    }

    pub fn introductions(&self) -> Vec<Vec<u8>> {
        let mut all = self.bytes(&["introduction-rules", "hello", "certificate"], &[]);
        all.retain(|bytes| bytes.len() > 64);
        all
    }

    pub fn headers(&self) -> Vec<Vec<u8>> {
        let mut all = self.bytes(&["header", "header-rules"], &["bytes"]);
        all.iter_mut().for_each(|header| *header = as_bytes(header));
        all
    }

    pub fn transactions(&self) -> Vec<Vec<u8>> {
        let mut all = self.bytes(&["transaction"], &["bytes"]);
        all.iter_mut().for_each(|one| *one = as_bytes(one));
        all.extend(self.bytes(&["transaction-rules", "leaving"], &[]));
        all
    }

    pub fn blocks(&self) -> Vec<Vec<u8>> {
        self.bytes(&["block", "genesis", "block-rules", "genesis-rules"], &[])
    }

    pub fn certificates(&self) -> Vec<Vec<u8>> {
        self.bytes(&["certificate", "delegation"], &[])
    }

    pub fn statements(&self) -> Vec<Vec<u8>> {
        self.bytes(&["statement"], &[])
    }

    pub fn records(&self) -> Vec<Vec<u8>> {
        self.bytes(&["members-record", "member-record"], &[])
    }

    /// One of each kind.
    pub fn ballot_records(&self) -> Vec<Vec<u8>> {
        let choices = ["yes", "no"].map(|one| Choice::new(one).unwrap());
        let opening = Opening {
            question: Question::new("more cheese?").unwrap(),
            choices: choices.into(),
            max: 1,
            roll: Roll::keys([PublicKey([1; 32]), PublicKey([2; 32])]),
            closes_at: Some(Timestamp(1_800_000_000_000)),
            last_height: Height(100),
        };
        let vote = Vote {
            ballot: TransactionId([7; 32]),
            revision: 1,
            choices: vec![0],
        };
        let outcome = Outcome {
            ballot: TransactionId([7; 32]),
            counts: vec![1, 0],
            voters: 1,
        };
        let keys = vec![PublicKey([1; 32])];
        let parcels = [
            Parcel::Open(opening),
            Parcel::Roll(RollPart { keys }),
            Parcel::Vote(vote),
            Parcel::Result(outcome),
        ];
        let bodies = parcels.map(|parcel| parcel.encode().unwrap());
        bodies.map(|body| body.as_slice().to_vec()).into()
    }

    pub fn receipts(&self) -> Vec<Vec<u8>> {
        self.bytes(&["receipt"], &[])
    }

    pub fn proofs(&self) -> Vec<Vec<u8>> {
        self.bytes(&["proof"], &["bytes"])
    }

    pub fn proof_texts(&self) -> Vec<Vec<u8>> {
        let proofs = self.proofs();
        let read = proofs.iter().filter_map(|b| Proof::from_bytes(b).ok());
        read.map(|proof| serde_json::to_vec(&ProofJson::from(&proof)).unwrap())
            .collect()
    }

    pub fn invitation_strings(&self) -> Vec<Vec<u8>> {
        let all = self.of(&["invitation", "invitation-refused"]).flatten();
        let strings = all.filter(|(_, value)| value.to_lowercase().starts_with("join1"));
        strings.map(|(_, text)| text.clone().into_bytes()).collect()
    }

    pub fn texts(&self) -> Vec<Vec<u8>> {
        let kinds = ["key", "address-refused", "name", "words"];
        let all = self.of(&kinds).flatten();
        all.map(|(_, text)| text.clone().into_bytes()).collect()
    }

    pub fn wallets(&self) -> Vec<Vec<u8>> {
        let text = |vector: &Vector| {
            let lines = (1..).map_while(|n| vector.get(&format!("line.{n}")));
            lines
                .flat_map(|line| [line.as_str(), "\n"])
                .collect::<String>()
        };
        self.of(&["wallet-file"])
            .map(|v| text(v).into_bytes())
            .collect()
    }

    /// The genesis block of the examples, and the first block upon it.
    pub fn chain(&self) -> (raclette::chain::Genesis, raclette::chain::Block) {
        let genesis = &self.bytes(&["genesis"], &["bytes"])[0];
        let block = &self.bytes(&["block"], &["bytes"])[0];
        let genesis = canonical::decode(genesis).expect("the example is a genesis block");
        (
            genesis,
            canonical::decode(block).expect("the example is a block"),
        )
    }
}

/// As a value of bytes.
fn as_bytes(bytes: &[u8]) -> Vec<u8> {
    canonical::encode(serde_bytes::Bytes::new(bytes))
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    (text.len() >= 2 && text.len().is_multiple_of(2)).then_some(())?;
    digits.map(byte).collect()
}
