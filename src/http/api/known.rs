//! What whoever asks may have already: answers with an `ETag`, and 304 instead of a body.

use crate::owner::{Code, Refused};
use actix_web::dev::Payload;
use actix_web::http::header::{CACHE_CONTROL, ContentType, ETAG, IF_NONE_MATCH};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use serde::Serialize;
use std::future::{Ready, ready};

/// Hexadecimal digits of a tag: 128 bits of the hash of the body.
const TAG_DIGITS: usize = 32;

/// How an answer is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// It may change: it is asked for again, with the tag of what is known.
    AskAgain,
    /// It never changes: it need not be asked for again.
    Forever,
}

/// The header `If-None-Match`: the tags of what is known.
pub(super) struct Known(String);

impl Known {
    /// The answer as JSON with its tag, or, if it is known, that it is the same.
    pub(super) fn or(&self, answer: &impl Serialize, kept: Kept) -> Result<HttpResponse, Refused> {
        let body = serde_json::to_vec(answer).map_err(|error| {
            Refused::new(
                Code::Internal,
                format!("the answer can't be written: {error}"),
            )
        })?;
        let tag = format!("\"{}\"", &blake3::hash(&body).to_hex()[..TAG_DIGITS]);
        let mut response = match self.holds(&tag) {
            true => HttpResponse::NotModified(),
            false => HttpResponse::Ok(),
        };
        response.insert_header((ETAG, tag.clone()));
        response.insert_header((
            CACHE_CONTROL,
            match kept {
                Kept::AskAgain => "private, no-cache",
                Kept::Forever => "private, max-age=31536000, immutable",
            },
        ));
        Ok(match self.holds(&tag) {
            true => response.finish(),
            false => response.content_type(ContentType::json()).body(body),
        })
    }

    fn holds(&self, tag: &str) -> bool {
        let mut tags = self.0.split(',').map(str::trim);
        tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
    }
}

impl FromRequest for Known {
    type Error = Refused;
    type Future = Ready<Result<Self, Refused>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let tags = request.headers().get_all(IF_NONE_MATCH);
        // What can't be read is no tag of ours.
        let tags: Vec<_> = tags.filter_map(|tags| tags.to_str().ok()).collect();
        ready(Ok(Self(tags.join(","))))
    }
}
