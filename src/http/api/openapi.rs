//! The description of the API in OpenAPI 3.1: generated from the list of paths and the types of their bodies and
//! answers, so that it can't say anything else than they do.

use super::asked::{KEY_HEADER, LAST_EVENT_HEADER};
use super::paths::{self, BASE, Of, PATHS, PathLine};
use super::problem::{PROBLEM_JSON, Problem};
use super::shapes::Shape;
use crate::chain::proof::MAX_TAIL;
use crate::owner::{
    MAX_BALLOTS_LISTED, MAX_BLOCKS_LISTED, MAX_LISTED, MAX_LOG_LINES, MAX_ON_LEDGER_LISTED,
    MAX_OPEN_LISTED, MAX_PEERS_LISTED, MAX_RECORDS_LISTED, VOTERS_LISTED,
};
use std::collections::BTreeMap;
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ArrayItems, OneOfBuilder, SchemaType};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, HttpMethod, InfoBuilder, KnownFormat, ObjectBuilder,
    OpenApi, OpenApiBuilder, PathItem, PathsBuilder, Ref, RefOr, Required, ResponseBuilder, Schema,
    SchemaFormat, SecurityRequirement, Type,
};
use utoipa::{Number, PartialSchema, ToSchema};

/// What the way to show the token is called.
const TOKEN: &str = "token";

/// What a body is, and most answers are.
pub(super) const JSON: &str = "application/json";

/// An id, or its beginning.
const ID: &str = "^[0-9a-f]{6,64}$";

/// A height, or an id or its beginning.
const BLOCK: &str = "^([0-9]{1,15}|[0-9a-f]{6,64})$";

/// A number by which a list goes on.
const NUMBER: &str = "^[0-9]{1,15}$";

/// How many each list shows at most, and what its cursors look like.
const LISTS: &[(&str, usize, &str)] = &[
    (paths::PEERS.path, MAX_PEERS_LISTED, NUMBER),
    (paths::MEMBERS.path, MAX_ON_LEDGER_LISTED, NUMBER),
    (
        paths::OPEN.path,
        MAX_OPEN_LISTED,
        "^[0-9]{1,15}-[0-9]{1,15}-[0-9]{1,15}-[0-9a-f]{64}$",
    ),
    (paths::OUTBOX.path, MAX_LISTED, NUMBER),
    (paths::INBOX.path, MAX_LISTED, NUMBER),
    (paths::HISTORY.path, MAX_LISTED, "^[0-9]{1,15}-[0-9]{1,15}$"),
    (
        paths::ACCOUNT.path,
        MAX_LISTED,
        "^[0-9]{1,15}-(all|[0-9]{1,9})-[0-9]{1,20}-[0-9a-f]{16}$",
    ),
    (paths::TOPICS.path, MAX_RECORDS_LISTED, "^[ -~]{1,32}$"),
    (
        paths::RECORDS.path,
        MAX_RECORDS_LISTED,
        "^[0-9]{1,15}-(all|[0-9]{1,9})-[0-9a-f]{64}$",
    ),
    (paths::BALLOTS.path, MAX_BALLOTS_LISTED, "^[0-9a-f]{24}$"),
    (paths::VOTERS.path, VOTERS_LISTED, NUMBER),
    (paths::BLOCKS.path, MAX_BLOCKS_LISTED, NUMBER),
    (paths::INVITATIONS.path, MAX_PEERS_LISTED, NUMBER),
    (
        paths::LOG.path,
        MAX_LOG_LINES,
        "^[0-9]{1,15}\\.[0-9]{1,15}$",
    ),
];

/// What can stand behind `?` and between braces: its name, what it says, and what it is.
const PARAMETERS: &[(&str, &str, Kind)] = &[
    (
        "about",
        "The beginning of a value that the line has: of an id, a name, an address.",
        Kind::Text,
    ),
    (
        "actor",
        "A part of the node, such as ledger or outbox.",
        Kind::Text,
    ),
    (
        "address",
        "The address of a key, as commands and pages show it.",
        Kind::Text,
    ),
    (
        "at",
        "A height; the end of the chain if left out.",
        Kind::Number,
    ),
    (
        "after",
        "Where the page before ended: its `next`; of events, the last one that is known.",
        Kind::Text,
    ),
    (
        "ballot",
        "The id of a ballot, or its beginning.",
        Kind::Like(ID),
    ),
    (
        "block",
        "A height, or an id or its beginning of six digits or more.",
        Kind::Like(BLOCK),
    ),
    (
        "challenge",
        "64 hexadecimal digits, drawn at random.",
        Kind::Like("^[0-9a-f]{64}$"),
    ),
    ("code", "The code of a refusal.", Kind::Like("^[a-z_]+$")),
    (
        "failed",
        "What did not get through, instead of what waits.",
        Kind::Flag,
    ),
    (
        "here",
        "Only who is here, or with false only who is away.",
        Kind::Flag,
    ),
    (
        "id",
        "An id, or its beginning of six digits or more.",
        Kind::Like(ID),
    ),
    (
        "kinds",
        "Kinds of events, with commas between them; all if left out.",
        Kind::Text,
    ),
    (
        "level",
        "The least weighty line that is told; all if left out.",
        Kind::Choice(&["error", "warn", "info", "debug", "trace"]),
    ),
    ("limit", "How many at most.", Kind::Number),
    (
        "matching",
        "A part of a name, or the beginning of an address.",
        Kind::Text,
    ),
    (
        "number",
        "The number of a message, or its id.",
        Kind::Like(BLOCK),
    ),
    (
        "of",
        "A member's name or an address; this node's owner if left out.",
        Kind::Text,
    ),
    (
        "order",
        "Which comes first.",
        Kind::Choice(&["oldest", "latest"]),
    ),
    (
        "seconds",
        "How long to wait at most; 60 at most.",
        Kind::Within(0, 60),
    ),
    (
        "tail",
        "How many headers the proof shows behind its block.",
        Kind::Within(1, MAX_TAIL),
    ),
    ("topic", "A topic of records.", Kind::Text),
    ("unread", "Only what was not read.", Kind::Flag),
    (
        "until",
        "The block that the proof leads to, by height or id; the last one if left out.",
        Kind::Like(BLOCK),
    ),
    (
        "wait",
        "What is waited for.",
        Kind::Choice(&["open", "delivered", "mined"]),
    ),
];

/// Which path heeds which header, and what it says.
const HEADERS: &[(&str, &str, &str)] = &[
    (
        paths::SEND.path,
        KEY_HEADER,
        "The same request under the same key sends once.",
    ),
    (
        paths::ADD_RECORD.path,
        KEY_HEADER,
        "The same request under the same key records once.",
    ),
    (
        paths::OPEN_BALLOT.path,
        KEY_HEADER,
        "The same request under the same key opens one ballot.",
    ),
    (
        paths::CAST.path,
        KEY_HEADER,
        "The same request under the same key is one vote.",
    ),
    (
        paths::EVENTS.path,
        LAST_EVENT_HEADER,
        "The last event that is known.",
    ),
];

macro_rules! objects {
    ($($(#[doc = $says:literal])+ $kind:ident;)*) => {$(
        $(#[doc = $says])+
        pub(super) struct $kind;

        impl PartialSchema for $kind {
            fn schema() -> RefOr<Schema> {
                let object = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Object));
                let object = object.description(Some(concat!($($says),+).trim()));
                Schema::from(object.build()).into()
            }
        }

        impl ToSchema for $kind {}
    )*};
}

objects! {
    /// A description in OpenAPI 3.1.
    Description;
    /// A part of an exported chain, as an import reads it.
    ChainEntry;
    /// A part of what a ballot is counted again from.
    AuditLine;
}

/// What a parameter is.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    /// A text of this form.
    Like(&'static str),
    Number,
    /// From so many to so many.
    Within(usize, usize),
    Flag,
    Choice(&'static [&'static str]),
}

impl Kind {
    fn schema(self) -> Schema {
        let of = |kind| ObjectBuilder::new().schema_type(SchemaType::Type(kind));
        match self {
            Self::Text => of(Type::String),
            Self::Like(pattern) => of(Type::String).pattern(Some(pattern)),
            Self::Number => of(Type::Integer).minimum(Some(0.0)),
            Self::Within(least, most) => of(Type::Integer)
                .minimum(Some(Number::UInt(least)))
                .maximum(Some(Number::UInt(most))),
            Self::Flag => of(Type::Boolean),
            Self::Choice(choices) => of(Type::String).enum_values(Some(choices.iter().copied())),
        }
        .build()
        .into()
    }
}

/// What a parameter says, if there is one of this name.
pub(super) fn parameter_says(name: &str) -> Option<&'static str> {
    parameter(name).map(|(says, _)| says)
}

fn parameter(name: &str) -> Option<(&'static str, Kind)> {
    let found = PARAMETERS.iter().find(|(found, ..)| *found == name);
    found.map(|&(_, says, kind)| (says, kind))
}

/// What stands between braces in a path.
pub(super) fn places(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

/// The description of what a node of this kind answers.
pub(super) fn describe(of: Of) -> OpenApi {
    let mut paths = PathsBuilder::new();
    let mut schemas = BTreeMap::new();
    note(&mut schemas, Shape::of::<Problem>());
    for line in PATHS.iter().filter(|line| line.is_of(of)) {
        for shape in line.body.iter().chain(line.answers) {
            note(&mut schemas, *shape);
        }
        let method = match line.method {
            "GET" => HttpMethod::Get,
            _ => HttpMethod::Post,
        };
        paths = paths.path(line.path, PathItem::new(method, operation(line)));
    }
    let mut components = ComponentsBuilder::new();
    for (name, schema) in schemas {
        components = components.schema(name, schema);
    }
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "The token in `api.json` in the node's data directory.",
        ))
        .build();
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("The API of a raclette node")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(format!(
                    "What commands and programs on this machine ask of a node. Everything is under \
                     {BASE}. What is not answered is a problem, whose `code` never changes its meaning."
                )))
                .build(),
        )
        .paths(paths)
        .components(Some(components.security_scheme(TOKEN, SecurityScheme::Http(bearer)).build()))
        .security(Some([SecurityRequirement::new::<_, [&str; 0], &str>(TOKEN, [])]))
        .build()
}

fn note(schemas: &mut BTreeMap<String, RefOr<Schema>>, shape: Shape) {
    let mut found = vec![((shape.name)().into_owned(), (shape.schema)())];
    (shape.within)(&mut found);
    found.iter_mut().for_each(|(_, schema)| unsigned(schema));
    schemas.extend(found);
}

/// Says of numbers that are never negative how great they can be: the usual name of their format, `int64`, cuts
/// off half of them.
fn unsigned(schema: &mut RefOr<Schema>) {
    let RefOr::T(schema) = schema else { return };
    let int64 = SchemaFormat::KnownFormat(KnownFormat::Int64);
    match schema {
        Schema::Object(object) => {
            if object.format.as_ref() == Some(&int64) && object.minimum.is_some() {
                object.format = None;
                object.maximum = Some(Number::UInt(usize::MAX));
            }
            object.properties.values_mut().for_each(unsigned);
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                unsigned(items);
            }
        }
        Schema::OneOf(several) => several.items.iter_mut().for_each(unsigned),
        Schema::AllOf(several) => several.items.iter_mut().for_each(unsigned),
        Schema::AnyOf(several) => several.items.iter_mut().for_each(unsigned),
        _ => {}
    }
}

fn reference(shape: Shape) -> Ref {
    Ref::from_schema_name((shape.name)())
}

fn operation(line: &PathLine) -> OperationBuilder {
    let mut operation = OperationBuilder::new()
        .operation_id(Some(operation_id(line)))
        .summary(Some(line.says));
    for name in places(line.path) {
        operation = operation.parameter(described(line, name, ParameterIn::Path));
    }
    for name in line.parameters {
        operation = operation.parameter(described(line, name, ParameterIn::Query));
    }
    for (path, name, says) in HEADERS {
        if *path == line.path {
            let header = ParameterBuilder::new().name(*name).description(Some(*says));
            let header = header.parameter_in(ParameterIn::Header);
            let kind = match *name {
                KEY_HEADER => Kind::Like("^[!-~]{1,64}$"),
                _ => Kind::Like("^[0-9a-f]{16}\\.[0-9]{1,15}$"),
            };
            operation = operation.parameter(header.schema(Some(kind.schema())));
        }
    }
    if let Some(body) = line.body {
        let content = ContentBuilder::new().schema(Some(reference(body))).build();
        let body = RequestBodyBuilder::new()
            .content(JSON, content)
            .required(Some(Required::True));
        operation = operation.request_body(Some(body.build()));
    }
    if paths::WITHOUT_TOKEN.contains(&line.path) {
        operation = operation.securities(Some([SecurityRequirement::default()]));
    }
    let schema: RefOr<Schema> = match line.answers {
        [one] => reference(*one).into(),
        several => {
            let one_of = several.iter().fold(OneOfBuilder::new(), |one_of, shape| {
                one_of.item(reference(*shape))
            });
            Schema::from(one_of.build()).into()
        }
    };
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let answer = ResponseBuilder::new()
        .description("The answer.")
        .content(line.media, content)
        .build();
    // A "no" of these is an answer as well.
    if [paths::HEALTHY.path, paths::READY.path].contains(&line.path) {
        operation = operation.response("503", answer.clone());
    }
    // A browser that is not known is told so on a page.
    if line.path == paths::DOCS.path {
        operation = operation.response("401", answer.clone());
    }
    let content = ContentBuilder::new()
        .schema(Some(reference(Shape::of::<Problem>())))
        .build();
    let problem = ResponseBuilder::new()
        .description("Why there is no answer.")
        .content(PROBLEM_JSON, content);
    operation
        .response("200", answer)
        .response("default", problem.build())
}

/// `get_blocks_block_data`
fn operation_id(line: &PathLine) -> String {
    let words = line
        .path
        .trim_start_matches(BASE)
        .split(['/', '{', '}', '.']);
    let words = words.filter(|word| !word.is_empty());
    let method = line.method.to_lowercase();
    std::iter::once(method.as_str())
        .chain(words)
        .collect::<Vec<_>>()
        .join("_")
}

fn described(line: &PathLine, name: &str, place: ParameterIn) -> ParameterBuilder {
    let required = match place {
        ParameterIn::Path => Required::True,
        _ if name == "challenge" => Required::True,
        _ => Required::False,
    };
    // Each of them is described: a test sees to it.
    let (says, kind) = parameter(name).unwrap_or(("", Kind::Text));
    let list = LISTS.iter().find(|(path, ..)| *path == line.path);
    let kind = match (name, list) {
        ("limit", Some((_, most, _))) => Kind::Within(1, *most),
        ("after", Some((_, _, cursor))) => Kind::Like(cursor),
        // Blocks are proved, too, and those have heights.
        ("id", _) if line.path == paths::PROOF.path => Kind::Like(BLOCK),
        _ => kind,
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(Some(says))
        .schema(Some(kind.schema()))
}

#[cfg(test)]
mod tests;
