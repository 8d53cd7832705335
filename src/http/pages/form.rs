//! What a page sends and asks: forms, of which each shows that it is one of ours, and parameters.

use super::refusal::PageRefused;
use super::sessions::Session;
use crate::owner::answers::Cursor;
use crate::owner::{Code, Page, Peer, Refused};
use actix_web::dev::Payload;
use actix_web::web::{Data, Form, Query};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use std::future::{Future, Ready, ready};
use std::pin::Pin;

/// Names and values, as a browser sends them.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The first value of a name, without the space around it.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.all(name).next().map(str::trim)
    }

    /// The value of a name, as it was typed.
    pub(super) fn typed(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of a name.
    pub(super) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let named =
            move |(found, value): &'a (String, String)| (found == name).then_some(value.as_str());
        self.0.iter().filter_map(named)
    }
}

/// A form of one of this node's pages, sent by a browser that is known.
pub(super) struct Act {
    /// What was typed.
    pub(super) fields: Fields,
    /// By whom.
    pub(super) session: Session,
    cursor: Option<String>,
}

impl Act {
    /// What makes a repetition of this form known.
    pub(super) fn once(&self) -> Option<&str> {
        self.fields.text("once").filter(|once| !once.is_empty())
    }

    /// Where the form stood, to lead back to: a page of this node and nothing else.
    pub(super) fn back(&self) -> Option<&str> {
        self.fields.text("back").filter(|back| is_own(back))
    }
}

fn is_own(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || ['/', '-'].contains(&c);
    path.starts_with('/') && !path.starts_with("//") && path.chars().all(plain)
}

impl FromRequest for Act {
    type Error = PageRefused;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageRefused>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let session = session_of(request);
        let cursor = cursor_of(request);
        let form = Form::<Vec<(String, String)>>::from_request(request, payload);
        Box::pin(async move {
            let session = session?;
            let form = form.await.map_err(|error| {
                let detail = format!("The form can't be read: {error}. Load the page again.");
                Refused::new(Code::BadBody, detail)
            })?;
            let fields = Fields(form.into_inner());
            let token = fields.text("token").unwrap_or_default();
            // Hashes compare in constant time.
            let expected = blake3::hash(session.form_token().as_bytes());
            if blake3::hash(token.as_bytes()) != expected {
                let detail = "This form was not made by this node for this browser. Nothing was done. \
                              Load the page again, and send the form from there.";
                return Err(Refused::new(Code::WrongForm, detail).into());
            }
            Ok(Self {
                fields,
                session,
                cursor,
            })
        })
    }
}

/// What a page was asked for, and by which browser.
pub(super) struct Asked {
    pub(super) fields: Fields,
    pub(super) session: Session,
    /// The last event before anything was looked at for it.
    pub(super) cursor: Option<String>,
    /// Where the page is, for forms that lead back to it.
    pub(super) path: String,
}

impl From<Act> for Asked {
    fn from(act: Act) -> Self {
        Self {
            fields: act.fields,
            session: act.session,
            cursor: act.cursor,
            path: FIRST_PAGE.to_owned(),
        }
    }
}

/// Where forms lead back to that stand on no page of their own.
const FIRST_PAGE: &str = "/";

/// The last event of the node that is asked.
fn cursor_of(request: &HttpRequest) -> Option<String> {
    let peer = request.app_data::<Data<Peer>>();
    peer.map(|peer| peer.last_event().to_string())
}

impl Asked {
    /// A part of a list.
    pub(super) fn page(&self, limit: usize) -> Page {
        Page {
            after: self
                .fields
                .text("after")
                .map(|text| Cursor(text.to_owned())),
            limit: Some(limit),
        }
    }
}

impl FromRequest for Asked {
    type Error = PageRefused;
    type Future = Ready<Result<Self, PageRefused>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let read = || {
            let session = session_of(request)?;
            let query = Query::<Vec<(String, String)>>::from_query(request.query_string());
            let query = query.map_err(|error| {
                let detail = format!("The address of the page can't be read: {error}");
                Refused::new(Code::BadParameter, detail)
            })?;
            Ok(Self {
                fields: Fields(query.into_inner()),
                session,
                cursor: cursor_of(request),
                path: Some(request.path())
                    .filter(|path| is_own(path))
                    .unwrap_or(FIRST_PAGE)
                    .to_owned(),
            })
        };
        ready(read())
    }
}

/// The session that the door found.
fn session_of(request: &HttpRequest) -> Result<Session, PageRefused> {
    let session = request.extensions().get::<Session>().cloned();
    session.ok_or_else(|| {
        let detail = "This browser is not known to this node: type `node web` in a terminal.";
        Refused::new(Code::UnknownBrowser, detail).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_a_form_leads_back_to_a_page_of_this_node_alone() {
        assert!(is_own("/votes/00ab") && is_own("/pay/with/rac1qq"));
        for foreign in [
            "//evil.example",
            "https://evil.example",
            "",
            "/a?b",
            "/\\evil",
            "/a\r\nb",
        ] {
            assert!(!is_own(foreign), "{foreign:?}");
        }
    }
}
