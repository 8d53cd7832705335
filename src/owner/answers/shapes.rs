//! The shapes of values that stand in answers and that the floors below know nothing of describing.

use super::EventId;
use crate::chain::proof::ProofJson;
use crate::chain::target::Work;
use crate::chain::{
    Amount, BlockId, Closed, Height, HistoryRoot, Timestamp, TransactionId, TransactionsRoot,
};
use crate::membership::MemberName;
use crate::owner::{BlockData, Code};
use crate::protocol::delivery::rows::SendState;
use crate::protocol::mining::Mode;
use crate::settings::LogLevel;
use crate::wire::MemberId;
use utoipa::openapi::schema::{AdditionalProperties, SchemaType};
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// Implements the schema of a type by an expression.
macro_rules! shapes {
    ($($kind:ty => $schema:expr;)*) => {$(
        impl PartialSchema for $kind {
            fn schema() -> RefOr<Schema> {
                Schema::from($schema.build()).into()
            }
        }
        impl ToSchema for $kind {}
    )*};
}

fn described(kind: Type, says: &str) -> ObjectBuilder {
    let kind = SchemaType::Type(kind);
    ObjectBuilder::new()
        .schema_type(kind)
        .description(Some(says))
}

fn text(says: &str, pattern: &str) -> ObjectBuilder {
    described(Type::String, says).pattern(Some(pattern))
}

fn hash(says: &str) -> ObjectBuilder {
    text(says, "^[0-9a-f]{64}$")
}

fn one_of<T: serde::Serialize>(says: &str, all: impl IntoIterator<Item = T>) -> ObjectBuilder {
    let names = all
        .into_iter()
        .filter_map(|one| serde_json::to_value(one).ok());
    described(Type::String, says).enum_values(Some(names))
}

/// Something whose form is that of exported chains and proofs.
fn as_exported(says: &str) -> ObjectBuilder {
    described(Type::Object, says).additional_properties(Some(AdditionalProperties::FreeForm(true)))
}

shapes! {
    Amount => text("Whole coins, as decimal text.", "^(0|[1-9][0-9]*)$");
    Work => text("Work, as decimal text.", "^(0|[1-9][0-9]*)$");
    Height => described(Type::Integer, "How many blocks are before it on its chain.").minimum(Some(0.0));
    Timestamp => described(Type::String, "A moment, in UTC.")
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    BlockId => hash("Id of a block.");
    TransactionId => hash("Id of a transaction.");
    HistoryRoot => hash("Root of the range over all blocks before.");
    TransactionsRoot => hash("Root of the tree over a block's transactions.");
    MemberName => text("A member's name.", "^[a-z0-9-]{1,32}$");
    MemberId => described(Type::Integer, "A member's number.").minimum(Some(0.0));
    EventId => text("Names an event.", "^[0-9a-f]{16}\\.[0-9]+$");
    LogLevel => one_of("How weighty a line of the log is.", [
        LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace,
    ]);
    Mode => one_of("When a node mines.", [Mode::OnCommand, Mode::WhenPending, Mode::Always]);
    SendState => one_of("Where a send stands.", [
        SendState::Queued, SendState::Delivered, SendState::Open, SendState::Mined,
        SendState::Refused, SendState::Expired, SendState::Withdrawn, SendState::Conflicted,
    ]);
    Closed => one_of("Why a transaction is open no more.", [
        Closed::Mined, Closed::Expired, Closed::TimedOut, Closed::Evicted, Closed::Conflicted, Closed::PutOut,
    ]);
    Code => one_of("Which refusal: `GET /api/v1/codes` explains each.", Code::ALL);
    BlockData => as_exported("All of a block, in the form of exported chains.");
    ProofJson => as_exported("A proof, as the command `verify` reads it.");
}
