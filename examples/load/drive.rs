//! The load: who sends what, and what is waited for.

use raclette::http::{ApiFile, BASE};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use ureq::Agent;

/// How long one answer, and the second node, are waited for.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often the second node is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// What went wrong.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What is sent.
pub struct Load {
    /// Who gets it.
    pub to: String,
    /// How many transfers.
    pub count: usize,
    /// How many ask at a time.
    pub clients: usize,
    /// Transfers in one call.
    pub many: usize,
    /// The fee of each.
    pub fee: u64,
    /// A text with each.
    pub note: Option<String>,
    /// Straight to the recipient, until it is acknowledged.
    pub direct: bool,
    /// Whether nothing is waited for but the answers.
    pub answered: bool,
    /// Transfers a second at most.
    pub rate: Option<f64>,
    /// The node, by its data directory, at which what an owner reads is read meanwhile.
    pub reads: Option<PathBuf>,
}

impl Load {
    fn transfer(&self) -> Value {
        let amount = if self.note.is_some() { "0" } else { "1" };
        let mut transfer = json!({
            "to": self.to,
            "amount": amount,
            "fee": self.fee.to_string(),
            "broadcast": !self.direct,
        });
        if let Some(note) = &self.note {
            transfer["note"] = note.as_str().into();
        }
        transfer
    }

    /// How many each call sends.
    fn calls(&self) -> Vec<usize> {
        let whole = self.count / self.many;
        let rest = self.count % self.many;
        let mut calls = vec![self.many; whole];
        calls.extend((rest > 0).then_some(rest));
        calls
    }
}

/// One node's API.
pub struct Api {
    agent: Agent,
    base: String,
    authorization: String,
}

impl Api {
    /// That of the node with this data directory.
    pub fn of(data_dir: &Path) -> Result<Self, Failure> {
        let file = ApiFile::read(data_dir)?;
        Ok(Self {
            agent: Self::agent(),
            base: format!("http://{}{BASE}", file.address),
            authorization: format!("Bearer {}", file.token),
        })
    }

    fn agent() -> Agent {
        let config = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .proxy(None);
        config.build().into()
    }

    /// The same over connections of its own, as another program has them.
    fn anew(&self) -> Self {
        Self {
            agent: Self::agent(),
            base: self.base.clone(),
            authorization: self.authorization.clone(),
        }
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let request = self.agent.get(format!("{}{path}", self.base));
        let request = request.header("Authorization", &self.authorization);
        read(request.call()?)
    }

    fn post(&self, path: &str, body: &impl Serialize) -> Result<Value, Failure> {
        let request = self.agent.post(format!("{}{path}", self.base));
        let request = request.header("Authorization", &self.authorization);
        read(request.send_json(body)?)
    }

    fn open(&self) -> Result<usize, Failure> {
        let status: Value = self.get("/status")?;
        number(&status["chain"]["open_transactions"]).ok_or("it is on no network yet".into())
    }

    fn waiting(&self) -> Result<usize, Failure> {
        // A line of the outbox would have its note opened.
        let status: Value = self.get("/status")?;
        number(&status["chain"]["delivery"]["queued"]).ok_or("it has no outbox".into())
    }
}

/// A number in an answer. Nothing else of it is looked at, so that nodes of other versions can be loaded, too.
fn number(value: &Value) -> Option<usize> {
    usize::try_from(value.as_u64()?).ok()
}

fn read<T: DeserializeOwned>(mut answer: ureq::http::Response<ureq::Body>) -> Result<T, Failure> {
    let status = answer.status();
    let body = answer.body_mut().with_config().limit(64 << 20);
    if status.is_success() {
        return Ok(body.read_json()?);
    }
    Err(format!("{status}: {}", body.read_to_string()?).into())
}

/// The two nodes.
pub struct Watched {
    sender: Api,
    watcher: Api,
}

impl Watched {
    /// Those with these data directories.
    pub fn read(sender: &Path, watcher: &Path) -> Result<Self, Failure> {
        Ok(Self {
            sender: Api::of(sender)?,
            watcher: Api::of(watcher)?,
        })
    }
}

/// How long something took, each time.
#[derive(Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// The time within which so many of a thousand were over, in milliseconds.
    pub fn within(&self, per_mille: usize) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let at = (self.0.len() * per_mille / 1_000).min(last);
        self.0.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    }

    fn sorted(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }
}

/// What came of a load.
pub struct Outcome {
    /// What was done, in words.
    pub what: String,
    /// Transfers a second, until all were where they were to be.
    pub per_second: f64,
    /// Transfers a second, until the last call was answered.
    pub answered_per_second: f64,
    /// How long calls took.
    pub calls: Times,
    /// How long reads took meanwhile.
    pub reads: Times,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what, calls, reads, ..
        } = self;
        write!(
            f,
            "{what}: {:.0} a second; answered {:.0} a second, a call within {:.2} ms (50 %), {:.2} ms (99 %)",
            self.per_second,
            self.answered_per_second,
            calls.within(500),
            calls.within(990)
        )?;
        if !reads.0.is_empty() {
            write!(
                f,
                "; {} reads, each within {:.2} ms (50 %), {:.2} ms (99 %)",
                reads.0.len(),
                reads.within(500),
                reads.within(990)
            )?;
        }
        Ok(())
    }
}

/// Sends all of it and waits until it is there.
///
/// # Errors
/// What a node answered instead.
pub fn run(load: &Load, nodes: &Watched) -> Result<Outcome, Failure> {
    let before = nodes.watcher.open()?;
    let reads = load.reads.as_deref().map(Api::of).transpose()?;
    let calls = load.calls();
    let (next, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let begun = Instant::now();
    let (sent, read) = thread::scope(|scope| {
        let clients: Vec<_> = (0..load.clients)
            .map(|_| scope.spawn(|| send(load, &nodes.sender.anew(), &calls, &next, begun)))
            .collect();
        let reader = reads.as_ref().map(|node| scope.spawn(|| look(node, &over)));
        let sent = clients
            .into_iter()
            .map(joined)
            .collect::<Result<Vec<_>, _>>();
        over.store(true, Ordering::Relaxed);
        let read = reader.map_or(Ok(Vec::new()), joined);
        (sent, read)
    });
    let answered = begun.elapsed();
    let sent = sent?;
    if !load.answered {
        arrived(load, nodes, before, begun)?;
    }
    let arrived = begun.elapsed();
    let rate = |time: Duration| load.count as f64 / time.as_secs_f64();
    let call = match load.many {
        1 => "one a call".to_owned(),
        many => format!("{many} a call"),
    };
    let goal = match (load.answered, load.direct) {
        (true, _) => "answered",
        (_, true) => "acknowledged",
        _ => "open at the second node",
    };
    Ok(Outcome {
        what: format!(
            "{} transfers, {} clients, {call}, {goal}",
            load.count, load.clients
        ),
        per_second: rate(arrived),
        answered_per_second: rate(answered),
        calls: Times::sorted(sent.into_iter().flatten().collect()),
        reads: Times::sorted(read?),
    })
}

fn joined<T>(thread: thread::ScopedJoinHandle<'_, Result<T, Failure>>) -> Result<T, Failure> {
    let ended = thread.join();
    ended.map_err(|_| Failure::from("a thread of this program panicked"))?
}

/// One client: takes the next call until there is none.
fn send(
    load: &Load,
    api: &Api,
    calls: &[usize],
    next: &AtomicUsize,
    begun: Instant,
) -> Result<Vec<Duration>, Failure> {
    let transfer = load.transfer();
    let mut times = Vec::new();
    loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        let Some(&count) = calls.get(at) else {
            return Ok(times);
        };
        if let Some(rate) = load.rate {
            let due = Duration::from_secs_f64((at * load.many) as f64 / rate);
            thread::sleep(due.saturating_sub(begun.elapsed()));
        }
        let asked = Instant::now();
        match load.many {
            1 => drop(api.post("/transactions", &transfer)?),
            _ => {
                let body = json!({ "transfers": vec![&transfer; count] });
                let answer = api.post("/transactions/batch", &body)?;
                if answer["refused"] != json!([]) {
                    let first = &answer["refused"][0]["reason"];
                    return Err(format!("not all were taken; the first refusal: {first}").into());
                }
            }
        }
        times.push(asked.elapsed());
    }
}

/// Reads what an owner looks at, one after the other, until all is sent. A node whose chain moves too fast to say
/// anything of one moment says so, and is asked again: the owner waits for as long.
fn look(api: &Api, over: &AtomicBool) -> Result<Vec<Duration>, Failure> {
    const READ: [&str; 4] = [
        "/status",
        "/balance",
        "/outbox?limit=10",
        "/history?limit=10",
    ];
    let mut times = Vec::new();
    let mut paths = READ.iter().cycle();
    let mut asked = Instant::now();
    let mut path = paths.next();
    while let Some(read) = path.filter(|_| !over.load(Ordering::Relaxed)) {
        match api.get::<Value>(read) {
            Ok(_) => {
                times.push(asked.elapsed());
                thread::sleep(LOOK);
                (asked, path) = (Instant::now(), paths.next());
            }
            Err(refused) if refused.to_string().contains("/codes/busy") => thread::sleep(LOOK),
            Err(refused) => return Err(refused),
        }
    }
    Ok(times)
}

/// Waits until all is where it was to be.
fn arrived(load: &Load, nodes: &Watched, before: usize, begun: Instant) -> Result<(), Failure> {
    loop {
        let missing = match load.direct {
            true => nodes.sender.waiting()?,
            false => (before + load.count).saturating_sub(nodes.watcher.open()?),
        };
        if missing == 0 {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            return Err(format!("{missing} of {} did not arrive", load.count).into());
        }
        thread::sleep(LOOK);
    }
}
