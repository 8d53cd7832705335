//! What every node answers about the API itself: its paths, and the codes of its refusals.

use super::docs;
use super::known::{Kept, Known};
use super::openapi::describe;
use super::paths::{self, Of, PATHS, PathLine};
use super::resource;
use crate::owner::codes::Explanation;
use crate::owner::{Code, Owned, Refused};
use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path, ServiceConfig};
use serde::Serialize;
use utoipa::ToSchema;

/// Every path that this node has.
#[derive(Serialize, ToSchema)]
pub(super) struct PathsView {
    paths: Vec<PathView>,
}

/// A path, with the one method it is asked with.
#[derive(Serialize, ToSchema)]
struct PathView {
    /// `GET` or `POST`.
    method: &'static str,
    /// The whole path; what stands in braces is put in its place.
    path: &'static str,
    /// The parameters it takes, behind `?`.
    parameters: &'static [&'static str],
    /// The fields of the JSON object that it takes; `null` if it takes no body.
    body: Option<Vec<String>>,
    /// What it is for.
    says: &'static str,
    /// Which nodes have it.
    of: &'static [Of],
}

impl From<&PathLine> for PathView {
    fn from(line: &PathLine) -> Self {
        Self {
            method: line.method,
            path: line.path,
            parameters: line.parameters,
            body: line.fields(),
            says: line.says,
            of: line.of,
        }
    }
}

/// Every code that a refusal can have.
#[derive(Serialize, ToSchema)]
pub(super) struct CodesView {
    codes: Vec<Explanation>,
}

/// The paths.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource(&paths::LIST, list))
        .service(resource(&paths::OPENAPI, openapi))
        .service(resource(&paths::DOCS, docs))
        .service(resource(&paths::CODES, codes))
        .service(resource(&paths::CODE, code));
}

async fn list(of: Data<Of>) -> Json<PathsView> {
    let here = PATHS.iter().filter(|line| line.is_of(**of));
    Json(PathsView {
        paths: here.map(PathView::from).collect(),
    })
}

async fn openapi(of: Data<Of>, known: Known) -> Result<HttpResponse, Refused> {
    known.or(&describe(**of), Kept::AskAgain)
}

async fn docs(of: Data<Of>) -> HttpResponse {
    docs::page(**of)
}

async fn codes(owned: Data<Owned>) -> Json<CodesView> {
    let explained = |code: &Code| code.explanation().typed(owned.typed());
    let codes = Code::ALL.iter().map(explained);
    Json(CodesView {
        codes: codes.collect(),
    })
}

async fn code(owned: Data<Owned>, code: Path<String>) -> Result<Json<Explanation>, Refused> {
    match code.parse::<Code>() {
        Ok(code) => Ok(Json(code.explanation().typed(owned.typed()))),
        Err(_) => Err(Refused::new(
            Code::UnknownCode,
            "no refusal has this code: `GET /api/v1/codes` lists those that there are",
        )),
    }
}
