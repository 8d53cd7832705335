//! `node tracker`: other trackers that may issue, and another one in the place of the first.

use super::args::{HandOver, TrackerOrder};
use super::client::{Client, NodeKind};
use super::confirm::confirm;
use super::failure::Failure;
use super::output::Output;
use super::statements::said;
use super::table::{Align, Table};
use super::wallet::read_words;
use super::words::moment;
use crate::canonical::{self, to_hex};
use crate::clock::{Clock, SystemClock};
use crate::keys::{PublicKey, SecretKey};
use crate::membership::{Act, Statement};
use crate::owner::answers::{
    DelegateRequest, DelegateState, DelegateView, DelegatesView, HandOverRequest, NoRequest,
    PeerStatusView, StatementRequest, StatusView, TrackerStatusView,
};

/// Does what was asked about other trackers.
pub fn tracker(
    order: &TrackerOrder,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    match (order, client.kind()) {
        (TrackerOrder::HandOver(what), kind) => hand_over(what, kind, client, output),
        (_, NodeKind::Peer) => Err(Failure::Misuse(format!(
            "{} is a member's: name the settings file of the admin's tracker with --config, where that runs",
            client.config().display()
        ))),
        (TrackerOrder::Delegate { address, until }, NodeKind::Tracker) => {
            let request = DelegateRequest {
                address: address.clone(),
                lasts_ms: *until,
            };
            let given: DelegateView = client.post("/delegate", &request)?;
            output.show(&given, |given| {
                format!(
                    "{} may invite, admit and renew until {}. It copies the register from here: \"introduces_for\" and \
                     \"first\" in its settings say where.\n",
                    given.address,
                    moment(given.until)
                )
            })?;
            Ok(())
        }
        (TrackerOrder::List, NodeKind::Tracker) => {
            let list: DelegatesView = client.get("/delegates", &[])?;
            Ok(output.show(&list, |list| table(&list.delegates))?)
        }
        (TrackerOrder::Revoke { address }, NodeKind::Tracker) => {
            let path = format!("/delegates/{address}/revoke");
            said(&client.post(&path, &NoRequest {})?, output)
        }
    }
}

fn hand_over(
    what: &HandOver,
    kind: NodeKind,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let address = &what.address;
    let key = PublicKey::from_address(address);
    let key = key.map_err(|error| Failure::Misuse(format!("{address}: {error}")))?;
    let by_words = what.recovery || what.from.is_some();
    if !by_words && kind == NodeKind::Peer {
        return Err(Failure::Misuse(
            "a member's node hands nothing over by its own key: with the recovery words, add --recovery".to_owned(),
        ));
    }
    let question = format!(
        "From now on {address} speaks for the network, for everybody: it invites, certifies and puts out. The \
         tracker that did so until now only introduces."
    );
    if !by_words {
        confirm(&question, what.sure.yes)?;
        let address = address.clone();
        return said(
            &client.post("/hand-over", &HandOverRequest { address })?,
            output,
        );
    }
    let network = match kind {
        NodeKind::Tracker => match client.get::<StatusView<TrackerStatusView>>("/status", &[])? {
            StatusView::Running(status) => status.network.id,
            StatusView::Waiting(_) => None,
        },
        NodeKind::Peer => match client.get::<StatusView<PeerStatusView>>("/status", &[])? {
            StatusView::Running(status) => status.chain.and_then(|chain| chain.network.id),
            StatusView::Waiting(_) => None,
        },
    };
    let network = network.ok_or_else(|| {
        Failure::No(
            "this node does not know its network yet: wait until a member has come to it, or do this at a member's \
             node"
                .to_owned(),
        )
    })?;
    let words = read_words()?;
    let secret = SecretKey::from_words(&words).map_err(|error| Failure::No(error.to_string()))?;
    // Words that come from elsewhere were not typed by accident.
    if what.from.is_none() {
        confirm(&question, what.sure.yes)?;
    }
    // The words stay in this process: only what they sign is handed to the node.
    let signed = Statement {
        network,
        number: SystemClock.wall(),
        act: Act::Succeed { key },
    }
    .sign(&secret);
    let request = StatementRequest {
        statement: to_hex(&canonical::encode(&signed)),
    };
    said(&client.post("/statements", &request)?, output)
}

fn table(delegates: &[DelegateView]) -> String {
    if delegates.is_empty() {
        return "No other tracker may issue: `node tracker delegate ADDRESS` gives one the right.\n"
            .to_owned();
    }
    let mut table = Table::new(&[
        ("right", Align::Left),
        ("until", Align::Left),
        ("there", Align::Left),
        ("address", Align::Left),
    ]);
    for delegate in delegates {
        let state = match delegate.state {
            DelegateState::Valid => "counts",
            DelegateState::Ended => "ended",
            DelegateState::Revoked => "taken back",
        };
        let there = match (delegate.this_node, delegate.copying) {
            (true, _) => "this one",
            (false, true) => "copies",
            (false, false) => "away",
        };
        table.row([
            state.to_owned(),
            moment(delegate.until),
            there.to_owned(),
            delegate.address.clone(),
        ]);
    }
    table.render()
}
