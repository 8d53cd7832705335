//! A "no" as a page: what happened, why, and what to do.

use super::frame::html;
use crate::http::api::problem::status_of;
use crate::owner::{Code, Refused};
use crate::readable::{Typed, visible};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use askama::Template;
use std::fmt;

/// What is shown instead of a page.
#[derive(Debug)]
pub(in crate::http) struct PageRefused(Refused);

impl PageRefused {
    /// The same, with the commands in it as they are typed.
    pub(in crate::http) fn typed(&self, typed: &Typed) -> Self {
        Self(self.0.typed(typed))
    }
}

impl From<Refused> for PageRefused {
    fn from(refused: Refused) -> Self {
        Self(refused)
    }
}

impl From<actix::MailboxError> for PageRefused {
    fn from(error: actix::MailboxError) -> Self {
        Self(error.into())
    }
}

impl fmt::Display for PageRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Template)]
#[template(path = "refused.html")]
struct RefusedPage {
    title: String,
    detail: String,
    why: String,
    code: Code,
    /// Whether this browser is not let in: then there is nowhere to go on.
    outside: bool,
}

impl ResponseError for PageRefused {
    fn status_code(&self) -> StatusCode {
        status_of(self.0.code)
    }

    fn error_response(&self) -> HttpResponse {
        let explained = self.0.code.explanation();
        html(
            self.status_code(),
            &RefusedPage {
                title: explained.title,
                detail: visible(&self.0.detail),
                why: explained.why,
                code: self.0.code,
                outside: matches!(
                    self.0.code,
                    Code::UnknownBrowser | Code::WrongHost | Code::WrongOrigin
                ),
            },
        )
    }
}

/// What is under no other path of the pages.
pub(super) async fn nothing_here() -> Result<HttpResponse, PageRefused> {
    Err(no_page())
}

/// Why there is no page.
pub(super) fn no_page() -> PageRefused {
    let detail = "There is no such page: its address may be mistyped, or it is what a button does. Home leads to \
                  all there are.";
    Refused::new(Code::UnknownPath, detail).into()
}
