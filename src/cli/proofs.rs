//! Proofs: made by a node that runs, checked where none does.

use super::args::{ProofFormat, ProveArgs, VerifyArgs};
use super::client::Client;
use super::commands::segment;
use super::failure::Failure;
use super::invocation::{Invocation, word};
use super::new_file::NewFile;
use super::output::Output;
use super::table::facts;
use super::words::{count, moment};
use crate::chain::json::{ActionJson, HeaderJson, KeyJson, TransactionJson};
use crate::chain::proof::{
    MAX_PROOF_BYTES, MAX_PROOF_JSON_BYTES, Proof, ProofError, ProofJson, Shown, Trust,
};
use crate::chain::target::Work;
use crate::chain::{BlockId, Height};
use crate::owner::answers::BlockView;
use crate::plain_file;
use serde::Serialize;
use std::io::{self, Read, Write};
use std::path::Path;

/// Blocks of a proof, from its last one on, that the own node is asked about: it knows the last, unless it is
/// behind or on another branch.
const ASKED: usize = 8;

/// Has a proof made and writes it.
pub fn prove(
    arguments: &ProveArgs,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let path = format!("/proofs/{}", segment(&arguments.id)?);
    let tail = arguments.tail.map(|tail| tail.to_string());
    let tail = tail.as_deref().map(|tail| ("tail", tail));
    let until = arguments.until.as_deref().map(|until| ("until", until));
    let query: Vec<_> = tail.into_iter().chain(until).collect();
    let json: ProofJson = client.get(&path, &query)?;
    let written = match arguments.format {
        ProofFormat::Json if output.is_json() => Some(text(serde_json::to_vec(&json))?),
        ProofFormat::Json => Some(text(serde_json::to_vec_pretty(&json))?),
        ProofFormat::Bytes => None,
    };
    let proof = proof_of(json)?;
    let bytes = written.unwrap_or_else(|| proof.to_bytes());
    let Some(out) = &arguments.out else {
        output.raw().write_all(&bytes)?;
        output.raw().flush()?;
        return Ok(());
    };
    let mut file = NewFile::begin(out)?;
    file.write_all(&bytes)
        .map_err(|error| file.failed(&error))?;
    file.end()?;
    if !output.is_json() {
        output.text(&format!(
            "Wrote {} ({}).\nWhoever has it asks somebody whom they trust {}",
            out.display(),
            count(bytes.len() as u64, "byte", "bytes"),
            trusting(&proof, out, client.invocation()),
        ))?;
    }
    Ok(())
}

/// What makes a proof worth believing, and what is typed then: the block that it is about, which whoever made the
/// proof names on a page, too.
fn trusting(proof: &Proof, path: &Path, invocation: &Invocation) -> String {
    let (id, height) = (proof.block.id(), proof.block.height);
    let line = invocation.line(&format!("verify {} --trust {id}", word(path)));
    format!("for the id of block {height} (`node block {height}`); if it is this one:\n  {line}")
}

/// A text with its end.
fn text(json: serde_json::Result<Vec<u8>>) -> io::Result<Vec<u8>> {
    let mut text = json?;
    text.push(b'\n');
    Ok(text)
}

fn proof_of(json: ProofJson) -> Result<Proof, Failure> {
    Proof::try_from(json).map_err(|error| Failure::No(error.to_string()))
}

/// What a proof shows, as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct VerdictView {
    /// Whether it proves what was asked.
    proven: bool,
    /// Why it does not prove what was asked, in words; left out if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    block: HeaderJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<TransactionJson>,
    /// Blocks that it leads to, any of which may be trusted.
    leads_to: Vec<ReachedView>,
    /// Hashes that stand behind it.
    work: Work,
    #[serde(skip_serializing_if = "Option::is_none")]
    trusted: Option<BlockId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct ReachedView {
    height: Height,
    id: BlockId,
}

/// Checks a proof.
///
/// Where nothing was said of what counts, the chain of the node that runs here does, if one does.
pub fn verify(
    arguments: &VerifyArgs,
    own: Option<&Client>,
    invocation: &Invocation,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let path = &arguments.file;
    let no = |error: ProofError| Failure::No(format!("{}: {error}", path.display()));
    let proof = read(path)?;
    let shown = proof.check().map_err(no)?;
    let trust = match (arguments.trust, arguments.work) {
        (Some(id), _) => Some(Trust::Header(id)),
        (None, Some(hashes)) => Some(Trust::Work(Work::from(hashes))),
        (None, None) => own
            .and_then(|own| on_own_chain(own, &shown))
            .map(Trust::Header),
    };
    let reason = match &trust {
        Some(trust) => shown.satisfies(trust).err().map(|error| error.to_string()),
        None => Some(undecided(&shown, &proof, path, invocation)),
    };
    let inclusion = proof.inclusion.as_ref();
    let view = VerdictView {
        proven: reason.is_none(),
        reason: reason.clone(),
        block: (&proof.block).into(),
        transaction: inclusion.map(|inclusion| (&inclusion.transaction).into()),
        leads_to: shown
            .leads_to
            .iter()
            .map(|&(id, height)| ReachedView { height, id })
            .collect(),
        work: shown.work,
        trusted: match trust {
            Some(Trust::Header(id)) => Some(id),
            Some(Trust::Work(_)) | None => None,
        },
    };
    output.show(&view, show)?;
    match reason {
        None => Ok(()),
        Some(reason) => Err(Failure::Answered(format!("{}: {reason}", path.display()))),
    }
}

/// A block that the proof leads to and that is on the chain of the own node.
fn on_own_chain(own: &Client, shown: &Shown) -> Option<BlockId> {
    let last = shown.leads_to.iter().rev().take(ASKED);
    last.map(|(id, _)| *id).find(|id| {
        let block: Result<BlockView, _> = own.get(&format!("/blocks/{id}"), &[]);
        block.is_ok_and(|block| block.connected)
    })
}

/// A proof that holds together, without a word on what makes it worth believing.
fn undecided(shown: &Shown, proof: &Proof, path: &Path, invocation: &Invocation) -> String {
    format!(
        "it holds together, but anybody can make one that does, for {} hashes: say which block you \
         know to be on the chain (--trust ID), or how many hashes are enough for you (--work HASHES). Ask somebody \
         whom you trust {}",
        shown.work,
        trusting(proof, path, invocation)
    )
}

fn read(path: &Path) -> Result<Proof, Failure> {
    let no = |error: &dyn std::fmt::Display| Failure::No(format!("{}: {error}", path.display()));
    let file = plain_file::open(path).map_err(|error| no(&format!("it can't be read: {error}")))?;
    let mut bytes = Vec::new();
    let most = MAX_PROOF_JSON_BYTES.max(MAX_PROOF_BYTES);
    let mut limited = file.take(most as u64 + 1);
    limited
        .read_to_end(&mut bytes)
        .map_err(|error| no(&error))?;
    if bytes.len() > most {
        return Err(no(&ProofError::TooLong { max: most }));
    }
    let bytes = plain_file::without_mark(&bytes);
    // The canonical bytes begin with the head of an array, which no JSON text does.
    let is_json = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    if !is_json {
        return Proof::from_bytes(bytes).map_err(|error| no(&error));
    }
    let json: ProofJson =
        serde_json::from_slice(bytes).map_err(|error| no(&format!("this is no proof: {error}")))?;
    Proof::try_from(json).map_err(|error| no(&error))
}

fn show(view: &VerdictView) -> String {
    let verdict = match (view.proven, view.trusted) {
        (true, Some(trusted)) if trusted == view.block.id => {
            "proven to be in the block that you trust".to_owned()
        }
        (true, Some(_)) => "proven to be on the chain of the block that you trust".to_owned(),
        (true, None) => "as much work as you asked for stands behind it".to_owned(),
        (false, _) => "not proven".to_owned(),
    };
    let mut lines = vec![("verdict", verdict)];
    if let Some(transaction) = &view.transaction {
        lines.extend(transaction_facts(transaction));
    }
    lines.push(("block", view.block.id.to_string()));
    lines.push(("height", view.block.height.to_string()));
    lines.push(("mined", moment(view.block.timestamp)));
    if let Some(last) = view.leads_to.last() {
        lines.push(("leads to", last.id.to_string()));
        lines.push(("", format!("at height {}", last.height)));
    }
    lines.push(("work behind it", format!("{} hashes", view.work)));
    facts(&lines)
}

fn address(key: &KeyJson) -> String {
    key.0.to_address()
}

fn transaction_facts(transaction: &TransactionJson) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        ("transaction", transaction.id.to_string()),
        ("network", transaction.network.to_string()),
    ];
    if let Some(signed) = &transaction.signed {
        lines.push(("from", address(&signed.sender)));
    }
    match &transaction.action {
        ActionJson::Transfer { to, amount, note } => {
            lines.push(("to", address(to)));
            lines.push(("amount", count(amount.0, "coin", "coins")));
            if !note.is_empty() {
                let length = note.as_slice().len();
                lines.push(("note", format!("{length} bytes, sealed")));
            }
        }
        ActionJson::Record { topic, body } => {
            let length = body.as_slice().len();
            lines.push(("record", format!("{length} bytes under {topic}")));
        }
        ActionJson::Reward { to, amount, .. } => {
            lines.push(("to", address(to)));
            lines.push(("reward", count(amount.0, "coin", "coins")));
        }
    }
    lines
}
