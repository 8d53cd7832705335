//! What every node answers about the API itself: its paths, and the codes of its refusals.

use super::paths::{self, Of, PATHS, PathLine};
use super::resource;
use crate::owner::codes::Explanation;
use crate::owner::{Code, Refused};
use actix_web::web::{Data, Json, Path, ServiceConfig};
use serde::Serialize;

#[derive(Serialize)]
struct PathsView {
    paths: Vec<&'static PathLine>,
}

#[derive(Serialize)]
struct CodesView {
    codes: Vec<Explanation>,
}

/// The paths.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource(&paths::LIST, list))
        .service(resource(&paths::CODES, codes))
        .service(resource(&paths::CODE, code));
}

async fn list(of: Data<Of>) -> Json<PathsView> {
    let here = PATHS.iter().filter(|line| line.is_of(**of));
    Json(PathsView {
        paths: here.collect(),
    })
}

async fn codes() -> Json<CodesView> {
    let codes = Code::ALL.iter().map(|code| code.explanation());
    Json(CodesView {
        codes: codes.collect(),
    })
}

async fn code(code: Path<String>) -> Result<Json<Explanation>, Refused> {
    match code.parse::<Code>() {
        Ok(code) => Ok(Json(code.explanation())),
        Err(_) => Err(Refused::new(
            Code::UnknownCode,
            "no refusal has this code: `GET /api/v1/codes` lists those that there are",
        )),
    }
}
