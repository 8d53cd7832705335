//! What a node measures, for Prometheus and whatever reads its text; and whether it is healthy and ready.

use crate::owner::answers::{
    ClockStateView, ClockView, HealthView, PeerStatusView, TrackerStatusView,
};
use crate::owner::{Owned, Refused};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use std::fs;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// The form of the answer.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What every name begins with.
const PREFIX: &str = "raclette";

/// How long a node may take to say how it stands: one that takes longer hangs.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// What is measured, in base units, without the name or key of anybody.
pub(super) async fn metrics(owned: Data<Owned>) -> Result<HttpResponse, Refused> {
    let mut sheet = Sheet::new();
    match &**owned {
        Owned::Peer(peer) => sheet.peer(&peer.status().await?, peer.clock.wall().0),
        Owned::Tracker(tracker) => sheet.tracker(&tracker.status().await?),
        Owned::Waiting(_) => {}
    }
    sheet.process();
    let text = sheet.text()?;
    Ok(HttpResponse::Ok().content_type(OPEN_METRICS).body(text))
}

/// Whether the node answers.
pub(super) async fn healthy(owned: Data<Owned>) -> HttpResponse {
    match health(&owned).await {
        Some(_) => HttpResponse::Ok().json(HealthView::because(&[])),
        None => unavailable(&HealthView::because(&["hanging"])),
    }
}

/// Whether it takes part in its network.
pub(super) async fn ready(owned: Data<Owned>) -> HttpResponse {
    match health(&owned).await {
        Some(health) if health.ready => HttpResponse::Ok().json(health),
        Some(health) => unavailable(&health),
        None => unavailable(&HealthView::because(&["hanging"])),
    }
}

fn unavailable(health: &HealthView) -> HttpResponse {
    HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE).json(health)
}

async fn health(owned: &Owned) -> Option<HealthView> {
    let answered = actix_rt::time::timeout(ANSWERS_WITHIN, owned.health()).await;
    answered.ok()?.ok()
}

/// The metrics of one answer.
struct Sheet(Registry);

impl Sheet {
    fn new() -> Self {
        Self(Registry::with_prefix(PREFIX))
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) {
        let gauge = Gauge::<f64, AtomicU64>::default();
        gauge.set(value);
        self.0.register(name, help, gauge);
    }

    fn measured(&mut self, name: &str, help: &str, unit: Unit, value: f64) {
        let gauge = Gauge::<f64, AtomicU64>::default();
        gauge.set(value);
        self.0.register_with_unit(name, help, unit, gauge);
    }

    /// Its name gets a `_total`.
    fn counter(&mut self, name: &str, help: &str, value: u64) {
        let counter = Counter::<u64>::default();
        counter.inc_by(value);
        self.0.register(name, help, counter);
    }

    fn peer(&mut self, status: &PeerStatusView, now_ms: u64) {
        self.clock(status.clock);
        let registered = yes(status.tracker.registered);
        self.gauge(
            "registered",
            "1 while the tracker has this peer registered",
            registered,
        );
        let until = status.tracker.member_until.map_or(0, |until| until.0);
        let left = seconds(until.saturating_sub(now_ms));
        let help = "How long the certificate of membership lasts; 0 without one";
        self.measured("membership_left", help, Unit::Seconds, left);
        let Some(chain) = &status.chain else {
            return;
        };
        self.gauge(
            "chain_height",
            "Height of the last block",
            number(chain.tip.height.0),
        );
        let best = number(chain.best_header.height.0);
        self.gauge(
            "chain_best_header_height",
            "Height of the best header that is known",
            best,
        );
        let help = "Age of the last block";
        self.measured(
            "chain_tip_age",
            help,
            Unit::Seconds,
            seconds(chain.tip_age_ms),
        );
        self.gauge(
            "chain_syncing",
            "1 while blocks are missing, or somebody is still showing headers",
            yes(chain.syncing),
        );
        self.gauge(
            "peers",
            "Connections with other peers",
            count(chain.sessions),
        );
        let open = count(chain.open_transactions);
        self.gauge(
            "open_transactions",
            "Valid transactions that are not mined yet",
            open,
        );
        let help = "Size of the open transactions";
        self.measured(
            "open_transactions_size",
            help,
            Unit::Bytes,
            count(chain.open_bytes),
        );
        self.gauge(
            "mining",
            "1 while it searches for a block",
            yes(chain.mining.running),
        );
        let rate = chain.mining.hashes_per_second;
        self.gauge("mining_hashes_per_second", "How fast it searches", rate);
        let mined = chain.mining.blocks_mined;
        self.counter(
            "blocks_mined",
            "Blocks that it found since it started",
            mined,
        );
        let queued = count(chain.delivery.queued);
        self.gauge(
            "outbox_queued",
            "Sends that wait for their recipients",
            queued,
        );
        let reserved = number(chain.delivery.reserved.0);
        self.gauge(
            "outbox_reserved_coins",
            "Coins that sends keep from being spent",
            reserved,
        );
        let unread = count(chain.delivery.unread);
        self.gauge("inbox_unread", "Messages that were not read", unread);
    }

    fn tracker(&mut self, status: &TrackerStatusView) {
        self.clock(status.clock);
        self.gauge("members_registered", "Members", count(status.registered));
        self.gauge("members_live", "Members that answer", count(status.live));
        let reachable = count(status.reachable);
        self.gauge(
            "members_reachable",
            "Members that could be dialled back",
            reachable,
        );
        self.gauge(
            "tracker_sessions",
            "Connections of peers",
            count(status.sessions),
        );
    }

    fn clock(&mut self, clock: ClockView) {
        let by = seconds(clock.by_ms);
        let ahead = match clock.state {
            ClockStateView::Behind => -by,
            ClockStateView::Ahead | ClockStateView::Right | ClockStateView::Unknown => by,
        };
        let help = "By how much this clock is ahead of those of the others; 0 if it is right";
        self.measured("clock_ahead", help, Unit::Seconds, ahead);
    }

    /// What the operating system says of this process; nothing where it says nothing.
    fn process(&mut self) {
        if let Some(bytes) = resident_bytes() {
            let help = "Memory that the process holds";
            self.measured("process_resident_memory", help, Unit::Bytes, number(bytes));
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            self.gauge(
                "process_open_fds",
                "Files that it has open",
                count(files.count()),
            );
        }
    }

    fn text(&self) -> Result<String, Refused> {
        let mut text = String::new();
        encode(&mut text, &self.0)
            .map_err(|error| crate::chain::Internal(format!("no metrics: {error}")))?;
        Ok(text)
    }
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    kib.checked_mul(1_024)
}

fn yes(is: bool) -> f64 {
    f64::from(u8::from(is))
}

fn seconds(ms: u64) -> f64 {
    number(ms) / 1e3
}

/// Exact up to 2^53, which is what readers of metrics hold.
fn number(value: u64) -> f64 {
    value as f64
}

fn count(value: usize) -> f64 {
    value as f64
}
