//! The description of the API as a page: plain HTML made of the same description that programs get, without a
//! script, and without a request to anywhere else.

use super::openapi::{describe, parameter_says, places};
use super::paths::{self, Of, PATHS, PathLine};
use crate::http::pages::html;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use serde_json::Value;
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// The page itself, as it is answered.
#[derive(Template)]
#[template(path = "api.html")]
pub(super) struct Page {
    says: String,
    openapi: &'static str,
    operations: Vec<Operation>,
    shapes: Vec<ShapeText>,
}

struct Operation {
    id: String,
    method: &'static str,
    path: &'static str,
    says: &'static str,
    parameters: Vec<Field>,
    body: Option<String>,
    answers: Vec<String>,
    media: &'static str,
}

struct ShapeText {
    name: String,
    says: String,
    fields: Vec<Field>,
}

struct Field {
    name: String,
    kind: String,
    says: String,
}

impl PartialSchema for Page {
    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
        let object = object.description(Some("A page for people."));
        Schema::from(object.build()).into()
    }
}

impl ToSchema for Page {}

/// The page of what a node of this kind answers.
pub(super) fn page(of: Of) -> HttpResponse {
    html(StatusCode::OK, &made(of))
}

fn made(of: Of) -> Page {
    // What was made here can be written as JSON.
    let description = serde_json::to_value(describe(of)).unwrap_or_default();
    let schemas = description["components"]["schemas"].as_object();
    let shapes = schemas
        .into_iter()
        .flatten()
        .map(|(name, schema)| shape(name, schema));
    Page {
        says: text(&description["info"]["description"]),
        openapi: paths::OPENAPI.path,
        operations: PATHS
            .iter()
            .filter(|line| line.is_of(of))
            .map(operation)
            .collect(),
        shapes: shapes.collect(),
    }
}

fn operation(line: &'static PathLine) -> Operation {
    let parameter = |name: &str| Field {
        name: name.to_owned(),
        kind: String::new(),
        says: parameter_says(name).unwrap_or_default().to_owned(),
    };
    let named = places(line.path).chain(line.parameters.iter().copied());
    Operation {
        id: format!("{} {}", line.method, line.path).replace([' ', '/', '{', '}'], "-"),
        method: line.method,
        path: line.path,
        says: line.says,
        parameters: named.map(parameter).collect(),
        body: line.body.map(|body| (body.name)().into_owned()),
        answers: line
            .answers
            .iter()
            .map(|one| (one.name)().into_owned())
            .collect(),
        media: line.media,
    }
}

fn shape(name: &str, schema: &Value) -> ShapeText {
    let mut fields = Vec::new();
    collect(schema, &mut fields);
    let choices = schema["enum"].as_array();
    let choices: Vec<_> = choices.into_iter().flatten().map(text).collect();
    ShapeText {
        name: name.to_owned(),
        says: match choices.is_empty() {
            true => text(&schema["description"]),
            false => format!(
                "{} One of {}.",
                text(&schema["description"]),
                choices.join(", ")
            ),
        },
        fields,
    }
}

/// The fields of a shape, those of its variants one after the other.
fn collect(schema: &Value, fields: &mut Vec<Field>) {
    let properties = schema["properties"].as_object();
    fields.extend(
        properties
            .into_iter()
            .flatten()
            .map(|(name, schema)| Field {
                name: name.clone(),
                kind: kind(schema),
                says: text(&schema["description"]),
            }),
    );
    for several in ["oneOf", "allOf", "anyOf"] {
        let parts = schema[several].as_array();
        parts
            .into_iter()
            .flatten()
            .for_each(|part| collect(part, fields));
    }
}

/// What a value is, in a word or two.
fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return reference.rsplit('/').next().unwrap_or_default().to_owned();
    }
    let parts = schema["oneOf"].as_array().or(schema["allOf"].as_array());
    if let Some(parts) = parts {
        return parts.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    if let Some(choices) = schema["enum"].as_array() {
        return choices.iter().map(text).collect::<Vec<_>>().join(" or ");
    }
    match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(text).collect::<Vec<_>>().join(" or "),
        Value::String(kind) if kind == "array" => format!("array of {}", kind_of_items(schema)),
        kind => text(kind),
    }
}

fn kind_of_items(schema: &Value) -> String {
    kind(&schema["items"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
