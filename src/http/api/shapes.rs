//! How a path names the types of its body and answer.

use std::borrow::Cow;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

/// The schema of one type.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Shape {
    pub(super) name: fn() -> Cow<'static, str>,
    pub(super) schema: fn() -> RefOr<Schema>,
    /// Those that it refers to.
    pub(super) within: fn(&mut Vec<(String, RefOr<Schema>)>),
}

impl Shape {
    pub(super) const fn of<T: ToSchema>() -> Self {
        Self {
            name: T::name,
            schema: T::schema,
            within: T::schemas,
        }
    }

    /// The fields, if it is an object of fields.
    pub(super) fn fields(self) -> Vec<String> {
        match (self.schema)() {
            RefOr::T(Schema::Object(object)) => object.properties.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }
}
