//! `node expel`, `node readmit`, `node rekey`, at the tracker: what its owner says to everybody.

use super::args::{Expel, Rekey};
use super::client::Client;
use super::confirm::confirm;
use super::failure::Failure;
use super::output::Output;
use crate::logging::short_address;
use crate::owner::answers::{
    ActView, ExpelRequest, InvitationState, ReadmitRequest, RekeyRequest, SaidView, StatementView,
};

/// Puts a member out.
pub fn expel(arguments: &Expel, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let who = &arguments.name;
    let what = format!(
        "{who} is put out: nobody talks to it any more, its open transactions are dropped, and its coins \
         stay where they are. The reason is written on the ledger for everybody, for ever. \
         `node readmit {who}` lets it come back."
    );
    confirm(&what, arguments.sure.yes)?;
    let request = ExpelRequest {
        who: who.clone(),
        reason: arguments.reason.clone(),
    };
    said(&client.post("/expel", &request)?, output)
}

/// Lets a member come back.
pub fn readmit(who: &str, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let who = who.to_owned();
    said(&client.post("/readmit", &ReadmitRequest { who })?, output)
}

/// Gives a name to another key.
pub fn rekey(arguments: &Rekey, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let name = &arguments.name;
    let what = format!(
        "From now on {name} is whoever has the key {}, for everybody. The former key is put out, and its \
         coins stay with it: without that key nobody can spend them. Do it only if {name} told you, on \
         another way than through this network, that the former key is lost.",
        arguments.address
    );
    confirm(&what, arguments.sure.yes)?;
    let request = RekeyRequest {
        name: name.clone(),
        address: arguments.address.clone(),
    };
    said(&client.post("/rekey", &request)?, output)
}

/// Shows what was said.
pub fn said(said: &SaidView, output: &mut Output<'_>) -> Result<(), Failure> {
    Ok(output.show(said, shown)?)
}

fn shown(said: &SaidView) -> String {
    let mut text: String = said.statements.iter().map(line).collect();
    text += &format!(
        "Signed, told to {}. Members write it on the ledger; whoever was away hears of it when it comes back.\n",
        said.told
    );
    for invitation in &said.invitations {
        let id = invitation.id;
        text += &match (invitation.state, invitation.uses_left) {
            (InvitationState::Open, left) => format!(
                "It came by invitation {id}, by which {left} more can join: `node invite revoke {id}` lets \
                 nobody in by it any more.\n"
            ),
            _ => format!("It came by invitation {id}, by which nobody joins any more.\n"),
        };
    }
    text
}

/// What was said, in a few words.
pub fn in_words(said: &StatementView) -> String {
    let who = match &said.name {
        Some(name) => format!("{name} ({})", short_address(&said.address)),
        None => short_address(&said.address),
    };
    match said.act {
        ActView::Expel => format!(
            "{who} is put out: {}",
            said.reason.as_deref().unwrap_or_default()
        ),
        ActView::Readmit => format!("{who} may come back"),
        ActView::Reassign => format!("{who} has this key now"),
        ActView::Succeed => format!("{who} speaks for the network"),
        ActView::Revoke => format!("{who} issues nothing any more"),
    }
}

fn line(said: &StatementView) -> String {
    let address = &said.address;
    let who = match &said.name {
        Some(name) => format!("{name} ({address})"),
        None => address.clone(),
    };
    match said.act {
        ActView::Expel => format!("{who} is put out.\n"),
        ActView::Readmit => format!(
            "{who} may come back: its node does so by itself when it looks for the tracker next.\n"
        ),
        ActView::Reassign => format!("{who}: this is its key from now on.\n"),
        ActView::Succeed => format!("{who} speaks for the network from now on.\n"),
        ActView::Revoke => format!("{who} issues nothing any more.\n"),
    }
}
