//! What a peer answers about the chain as a whole: how long it is, whether it is right, proofs, and
//! all of it as text.

use super::PeerApi;
use super::chain_reads::{BlockName, tip_of};
use super::error::Refused;
use super::peer::parts;
use super::server::{LongAnswers, resource};
use super::views::{BlockCheckView, ChainView};
use super::{export, verification};
use crate::chain::json::{BlockJson, GenesisJson};
use crate::chain::proof::{DEFAULT_TAIL, ProofJson, ProveError, Subject, prove};
use crate::chain::verify::{VerifyError, verify_block};
use crate::chain::{BlockId, Height, Internal, Rules, StateView, TransactionId};
use crate::messages::tracker_link::GetDirectory;
use crate::store::chain_rows::ChainRows;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Json, Path, Query, ServiceConfig};
use serde::Deserialize;

/// The paths.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/chain", web::get().to(chain)))
        .service(resource("/chain/verify", web::get().to(verify)))
        .service(resource("/chain/export", web::get().to(export)))
        .service(resource("/blocks/{name}/data", web::get().to(data)))
        .service(resource("/blocks/{name}/verify", web::get().to(check)))
        .service(resource("/proofs/{id}", web::get().to(proof)));
}

/// The rules, once there is a network.
async fn rules(api: &PeerApi) -> Result<Rules, Refused> {
    let directory = api.tracker_link.send(GetDirectory).await?;
    Ok(parts(api, &directory)?.rules.clone())
}

async fn chain(api: Data<PeerApi>) -> Result<Json<ChainView>, Refused> {
    let rules = rules(&api).await?;
    let snapshot = api.disk.snapshot();
    let view = ChainRows(&*snapshot);
    let tip = tip_of(&rules, &view)?;
    let entry = view.header(&tip.id)?;
    Ok(Json(ChainView {
        network: rules.network(),
        length: tip.height.0.saturating_add(1),
        work: entry.unwrap_or_else(|| rules.genesis_entry()).work,
        tip,
    }))
}

async fn verify(api: Data<PeerApi>, long: Data<LongAnswers>) -> Result<HttpResponse, Refused> {
    let rules = rules(&api).await?;
    let scratch = long.scratch.clone();
    let lines = verification::start(&long.verifications, api.disk.clone(), rules, scratch)?;
    Ok(HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .streaming(lines))
}

async fn export(api: Data<PeerApi>, long: Data<LongAnswers>) -> Result<HttpResponse, Refused> {
    let rules = rules(&api).await?;
    let lines = export::start(&long.exports, api.disk.clone(), rules)?;
    Ok(HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .streaming(lines))
}

/// The block that is meant, on the connected chain if it is named by its height.
fn id_of(rules: &Rules, view: &dyn StateView, name: BlockName) -> Result<BlockId, Refused> {
    match name {
        BlockName::Id(id) => Ok(id),
        BlockName::Height(Height::GENESIS) => Ok(rules.network()),
        BlockName::Height(height) => view.active(height)?.ok_or_else(|| {
            Refused::not_found(format!("the chain does not reach to height {height}"))
        }),
    }
}

async fn data(api: Data<PeerApi>, name: Path<String>) -> Result<HttpResponse, Refused> {
    let name = BlockName::parse(&name)?;
    let rules = rules(&api).await?;
    let snapshot = api.disk.snapshot();
    let view = ChainRows(&*snapshot);
    let id = id_of(&rules, &view, name)?;
    if id == rules.network() {
        return Ok(HttpResponse::Ok().json(GenesisJson::from(rules.genesis())));
    }
    let block = view.block(&id)?;
    let block = block.ok_or_else(|| Refused::not_found("this node has no block with this id"))?;
    Ok(HttpResponse::Ok().json(BlockJson::from(&block)))
}

async fn check(api: Data<PeerApi>, name: Path<String>) -> Result<Json<BlockCheckView>, Refused> {
    let name = BlockName::parse(&name)?;
    let rules = rules(&api).await?;
    let snapshot = api.disk.snapshot();
    let view = ChainRows(&*snapshot);
    let id = id_of(&rules, &view, name)?;
    let entry = view.header(&id)?;
    let height = match entry {
        Some(entry) => entry.header.height,
        None if id == rules.network() => Height::GENESIS,
        None => {
            return Err(Refused::not_found("this node knows no block with this id"));
        }
    };
    if view.active(height)?.unwrap_or(rules.network()) != id {
        return Err(Refused::not_found(
            "this block is not on the connected chain, and only those that are can be verified",
        ));
    }
    let error = match verify_block(&rules, &view, &id) {
        Ok(()) => None,
        Err(VerifyError::Internal(error)) => return Err(error.into()),
        Err(error) => Some(verification::detail(&error)),
    };
    Ok(Json(BlockCheckView { id, height, error }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofQuery {
    /// Headers at the end of the proof.
    tail: Option<usize>,
    /// The block it leads to: height or id.
    until: Option<String>,
}

async fn proof(
    api: Data<PeerApi>,
    id: Path<String>,
    query: Query<ProofQuery>,
) -> Result<Json<ProofJson>, Refused> {
    let name = BlockName::parse(&id)?;
    let until = query.until.as_deref().map(BlockName::parse).transpose()?;
    let rules = rules(&api).await?;
    let snapshot = api.disk.snapshot();
    let view = ChainRows(&*snapshot);
    let subject = subject(&rules, &view, name)?;
    let until = until.map(|until| connected_height(&rules, &view, until));
    let tail = query.tail.unwrap_or(DEFAULT_TAIL);
    let proof = prove(&view, subject, tail, until.transpose()?)?;
    Ok(Json(ProofJson::from(&proof)))
}

/// What is meant by a name: of ids, those of transactions come first.
fn subject(rules: &Rules, view: &dyn StateView, name: BlockName) -> Result<Subject, Refused> {
    let BlockName::Id(block) = name else {
        return Ok(Subject::Block(id_of(rules, view, name)?));
    };
    let transaction = TransactionId(block.0);
    if view.mined(&transaction)?.is_some() {
        return Ok(Subject::Transaction(transaction));
    }
    if view.header(&block)?.is_some() {
        return Ok(Subject::Block(block));
    }
    Err(Refused::not_found(
        "this node knows no block with this id, and no transaction with it is in a block",
    ))
}

fn connected_height(
    rules: &Rules,
    view: &dyn StateView,
    name: BlockName,
) -> Result<Height, Refused> {
    let id = id_of(rules, view, name)?;
    if let Some(entry) = view.header(&id)?
        && view.active(entry.header.height)? == Some(id)
    {
        return Ok(entry.header.height);
    }
    Err(ProveError::NotConnected(id).into())
}

impl From<ProveError> for Refused {
    fn from(error: ProveError) -> Self {
        let (status, code) = match &error {
            ProveError::NotConnected(_) => (StatusCode::NOT_FOUND, "not_connected"),
            ProveError::NotMined(_) => (StatusCode::NOT_FOUND, "not_mined"),
            ProveError::Until { .. } | ProveError::Tail(_) => {
                (StatusCode::BAD_REQUEST, "bad_request")
            }
            ProveError::Internal(error) => {
                return Internal(error.0.clone()).into();
            }
        };
        Self::new(status, code, error.to_string())
    }
}
