//! A "no" over HTTP: problem details, as RFC 9457 describes them, with the code of the refusal.

use super::paths::BASE;
use crate::owner::codes::Kind;
use crate::owner::{Code, Refused};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use serde::{Deserialize, Serialize};

/// What the body of a problem is.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Where the code is explained, as a path of this API.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code in a few words, the same for every problem of this code.
    pub title: String,
    /// The status that it goes out with.
    pub status: u16,
    /// What happened this time, why, and what to do.
    pub detail: String,
    /// For programs: one word a kind, such as `insufficient_funds`. See [`Code`].
    pub code: String,
    /// What it is about, as a path of this API, if it is about something that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}

impl From<&Refused> for Problem {
    fn from(refused: &Refused) -> Self {
        let code = refused.code;
        Self {
            kind: format!("{BASE}/codes/{code}"),
            title: code.explanation().title,
            status: status_of(code).as_u16(),
            detail: refused.detail.clone(),
            code: code.to_string(),
            instance: refused.about.map(|id| format!("{BASE}/outbox/{id}")),
        }
    }
}

/// The status that a refusal goes out with.
pub(in crate::http) fn status_of(code: Code) -> StatusCode {
    match code.kind() {
        Kind::Misuse => StatusCode::BAD_REQUEST,
        Kind::Unproven => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::Unknown => StatusCode::NOT_FOUND,
        Kind::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Unacceptable => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::NotNow => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Failed => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The response that says it.
pub(super) fn response(refused: &Refused) -> HttpResponse {
    HttpResponse::build(status_of(refused.code))
        .insert_header(("content-type", PROBLEM_JSON))
        .json(Problem::from(refused))
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        status_of(self.code)
    }

    fn error_response(&self) -> HttpResponse {
        response(self)
    }
}
