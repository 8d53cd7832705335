//! What became of memberships, as rows: each record of the topic `members` is one.

use crate::canonical;
use crate::chain::json::{HeaderJson, KeyJson};
use crate::chain::transaction::RecordBody;
use crate::chain::{BlockId, Height, Timestamp};
use crate::membership::{Act, MembersRecord};
use serde::Serialize;

use super::{Moment, Tip};

/// What happened to one key or name.
#[derive(Debug, Serialize)]
pub(super) struct MemberRow {
    height: Height,
    index: usize,
    time: Moment,
    /// `join` (and a member's renaming), `leave`, `expel`, `readmit`, `reassign`, `succeed`, `revoke`.
    act: &'static str,
    /// Of whom.
    key: KeyJson,
    /// Its name, where the record says one.
    name: Option<String>,
    /// Who says so: the issuer of the certificate, the member, or the admin.
    by: KeyJson,
    /// The key of the invitation that it joined by.
    invitation: Option<KeyJson>,
    /// The number (ms since 1970) by which the latest word on a key is told.
    number: Timestamp,
    /// Until when the certificate of a join counts.
    until: Option<Moment>,
    /// Why somebody was put out.
    reason: Option<String>,
    tip_height: Height,
    tip_id: BlockId,
}

impl MemberRow {
    pub(super) const COLUMNS: &'static [&'static str] = &[
        "height",
        "index",
        "time",
        "act",
        "key",
        "name",
        "by",
        "invitation",
        "number",
        "until",
        "reason",
        "tip_height",
        "tip_id",
    ];

    /// The row of a record; `None` of bytes that are none, which a ledger of this version never takes.
    pub(super) fn of(
        body: &RecordBody,
        (header, index): (&HeaderJson, usize),
        tip: Tip,
        text: impl Fn(&str) -> String,
    ) -> Option<Self> {
        let record: MembersRecord = canonical::decode(body.as_slice()).ok()?;
        let row = |act, key, by, number| Self {
            height: header.height,
            index,
            time: Moment(header.timestamp),
            act,
            key: KeyJson(key),
            name: None,
            by: KeyJson(by),
            invitation: None,
            number,
            until: None,
            reason: None,
            tip_height: tip.height,
            tip_id: tip.id,
        };
        Some(match record {
            MembersRecord::Join(join) => {
                let said = &join.certificate.statement;
                Self {
                    name: Some(join.name.to_string()),
                    invitation: said.invitation.map(KeyJson),
                    until: Some(Moment(said.until)),
                    ..row("join", said.key, said.issuer, said.serial)
                }
            }
            MembersRecord::Leave(leave) => row("leave", leave.key, leave.key, leave.number),
            MembersRecord::Statement(signed) => {
                let (by, number) = (signed.by, signed.statement.number);
                match signed.statement.act {
                    Act::Expel { key, reason } => Self {
                        reason: Some(text(reason.as_str())),
                        ..row("expel", key, by, number)
                    },
                    Act::Readmit { key } => row("readmit", key, by, number),
                    Act::Reassign { name, key } => Self {
                        name: Some(name.to_string()),
                        ..row("reassign", key, by, number)
                    },
                    Act::Succeed { key } => row("succeed", key, by, number),
                    Act::Revoke { key } => row("revoke", key, by, number),
                }
            }
        })
    }
}
