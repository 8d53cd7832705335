//! `node invite`, at the tracker: let somebody join.

use super::args::{InviteArgs, InviteOrder};
use super::client::Client;
use super::commands::next_page;
use super::failure::Failure;
use super::output::Output;
use super::table::{Align, Table};
use crate::chain::Timestamp;
use crate::logging::{Time, Zone};
use crate::membership::{Address, InvitationString};
use crate::owner::answers::{
    InvitationState, InvitationView, InvitationsView, InviteRequest, InvitedView, NoRequest,
};
use fast_qr::QRBuilder;

/// Makes, lists or revokes invitations.
pub fn invite(
    arguments: &InviteArgs,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    match &arguments.order {
        None => {
            let request = InviteRequest {
                uses: arguments.uses,
                lasts_ms: arguments.expires,
            };
            let invited: InvitedView = client.post("/invite", &request)?;
            let picture = match arguments.qr {
                true => Some(picture(&invited.invitation)?),
                false => None,
            };
            output.show(&invited, |invited| shown(invited, picture.as_deref()))?;
        }
        Some(InviteOrder::List { page }) => {
            let list: InvitationsView = client.list("/invitations", page)?;
            let more = next_page(list.next.as_ref(), "invite list", client);
            output.show(&list, |list| table(&list.invitations) + &more)?;
        }
        Some(InviteOrder::Revoke { id }) => {
            let path = format!("/invitations/{id}/revoke");
            let revoked: InvitationView = client.post(&path, &NoRequest {})?;
            output.show(&revoked, |revoked| {
                let id = revoked.id;
                format!(
                    "Nobody joins by invitation {id} any more. Whoever has joined by it stays.\n"
                )
            })?;
        }
    }
    Ok(())
}

fn shown(invited: &InvitedView, picture: Option<&str>) -> String {
    let InvitedView {
        invitation,
        id,
        uses,
        expires,
    } = invited;
    let who = match uses {
        1 => "one member".to_owned(),
        uses => format!("{uses} members"),
    };
    let until = when(*expires);
    let picture = picture.unwrap_or_default();
    let only_here = match InvitationString::parse(invitation) {
        Ok(read) if read.addresses.iter().all(Address::is_of_this_machine) => {
            "\nIt leads to this machine alone, where its tracker listens: nobody on another machine can join by it. \
             For them, \"listen\" in the tracker's settings file names every way in (0.0.0.0:7000), and \
             \"advertise\" where it is found.\n"
        }
        _ => "",
    };
    format!(
        "Invitation {id}, for {who}, until {until}. It is shown this once. Whoever has it can join, so hand it \
         over where others do not read along:\n\n\
         {invitation}\n{picture}\n\
         They type:\n\
         \x20 node web\n\
         and paste it into the page that opens; or, without a browser:\n\
         \x20 node join --name NAME -\n\
         and paste it there, or `node join INVITATION --name NAME`.\n{only_here}"
    )
}

/// The invitation as a picture to be photographed: in capitals, which make a smaller one.
fn picture(invitation: &str) -> Result<String, Failure> {
    let code = QRBuilder::new(invitation.to_ascii_uppercase()).build();
    let code =
        code.map_err(|error| Failure::No(format!("no picture can be made of it: {error}")))?;
    Ok(format!("\n{}\n", code.to_str()))
}

/// A moment by the clock on the wall here.
fn when(at: Timestamp) -> String {
    let (zone, at) = (Zone::local(), Time::from_unix_ms(at.0));
    format!("{} {}", at.day(&zone), at.of_day(&zone))
}

fn table(invitations: &[InvitationView]) -> String {
    if invitations.is_empty() {
        return "There are no invitations: `node invite` makes one.\n".to_owned();
    }
    let mut table = Table::new(&[
        ("id", Align::Right),
        ("state", Align::Left),
        ("uses left", Align::Right),
        ("of", Align::Right),
        ("until", Align::Left),
    ]);
    for invitation in invitations {
        let state = match invitation.state {
            InvitationState::Open => "open",
            InvitationState::UsedUp => "used up",
            InvitationState::Expired => "expired",
            InvitationState::Revoked => "revoked",
        };
        table.row([
            invitation.id.to_string(),
            state.to_owned(),
            invitation.uses_left.to_string(),
            invitation.uses.to_string(),
            when(invitation.expires),
        ]);
    }
    table.render()
}
