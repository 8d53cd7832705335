//! `node demo`: a whole network on this machine, and a story that shows what it does.

mod eavesdrop;
mod eavesdropper;
mod error;
mod files;
mod interrupt;
mod narrate;
mod nodes;
mod process;
mod story;
mod view;

pub use eavesdrop::{EavesdropArgs, run as eavesdrop};
pub use error::DemoError;

use super::invocation::Invocation;
use crate::http::LinkView;
use crate::owner::answers::NoRequest;
use clap::Args;
use files::{Files, PEERS};
use interrupt::Interrupt;
use narrate::Narrator;
use nodes::Nodes;
use std::path::PathBuf;
use std::time::Duration;
use story::Story;
use view::chain_of;

/// How often the nodes are looked after while the demo stays up.
const WATCH: Duration = Duration::from_millis(500);

/// What `node demo` takes.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Where the network keeps its files; a network that is there is taken up again
    #[arg(long, value_name = "DIR", default_value = "demo-data", value_parser = super::args::path())]
    pub dir: PathBuf,
    /// End with the story: exit code 0 if every step was true, 1 at the first that was not
    #[arg(long)]
    pub once: bool,
}

/// Plays the story with one tracker and three peers, each a process of its own; then, unless it is to
/// be played only once, leaves them up until Ctrl-C. However it ends, no process of it is left.
///
/// `json` tells it as one JSON object a line and step; `invocation` is what people type to
/// run this program.
///
/// # Errors
/// Why the story could not be played to its end; being interrupted is none, except where it was to be
/// played once.
pub fn run(args: &DemoArgs, json: bool, invocation: &Invocation) -> Result<(), DemoError> {
    // Before the first child: from here on nothing ends the demo without its children.
    let interrupt = Interrupt::listen().map_err(DemoError::System)?;
    let files = Files::open(&args.dir)?;
    let nodes = Nodes::new(std::env::current_exe().map_err(DemoError::System)?, files)?;
    let mut story = Story::new(nodes, interrupt, Narrator::new(json));
    introduce(&mut story)?;
    let ended = story.play().and_then(|_| match args.once {
        true => Ok(()),
        false => stay(&mut story, invocation),
    });
    match ended {
        Err(DemoError::Interrupted) if !args.once => {}
        ended => ended?,
    }
    stop(&mut story)
}

fn introduce(story: &mut Story) -> Result<(), DemoError> {
    let directory = story.nodes.files().directory().display();
    let what = if story.nodes.files().resumed {
        "A Raclette network, taken up again"
    } else {
        "A new Raclette network"
    };
    let text = format!(
        "{what}: a tracker and three peers on this machine, each a process of its own.\n\
         Settings, data and logs are in {directory}.\n"
    );
    story.narrator.say(&text)
}

/// Says what to try, and looks after the nodes until somebody wants to end the demo.
fn stay(story: &mut Story, invocation: &Invocation) -> Result<(), DemoError> {
    let mut lines = "\nThe network stays up. In another terminal:\n".to_owned();
    for (name, command) in PEERS
        .iter()
        .zip(["mine --blocks 2", "send carol 2", "status"])
    {
        lines.push_str(&format!(
            "\n  # {name}\n  {}",
            typed(story, invocation, name, command)
        ));
    }
    lines.push_str("\n\nOr look at it in a browser. Each link works once, within ten minutes:\n");
    for name in PEERS {
        let link = story.nodes.post::<LinkView>(name, "/link", NoRequest {});
        let link = link.map_or_else(|no| no, |view| view.link);
        lines.push_str(&format!("\n  {name:5}  {link}"));
    }
    lines.push_str("\n\nCtrl-C here stops everything.");
    story.narrator.say(&lines)?;
    loop {
        story.interrupt.pause(WATCH)?;
        if let Err(error) = story.nodes.check_alive() {
            // Whoever kills a node here wants to see what becomes of the others.
            story.narrator.say(&format!("\n{error}"))?;
            if story.nodes.running().next().is_none() {
                return Err(error);
            }
        }
    }
}

/// A command as it is typed.
fn typed(story: &Story, invocation: &Invocation, name: &str, command: &str) -> String {
    let config = story.nodes.files().config(name);
    invocation.for_node(&config).line(command)
}

/// Stops all nodes and says at which heights they saved.
fn stop(story: &mut Story) -> Result<(), DemoError> {
    story.narrator.say("\nStopping.")?;
    let heights: Vec<(&str, u64)> = story
        .nodes
        .running()
        .filter_map(|name| Some((name, chain_of(&story.nodes, name).ok()?.tip.height.0)))
        .collect();
    story.nodes.stop()?;
    let listed: Vec<String> = heights
        .iter()
        .map(|(name, height)| format!("{name} at height {height}"))
        .collect();
    let directory = story.nodes.files().directory().display();
    let text = format!(
        "Saved {} in {directory}. Run it again, and it goes on from there.",
        listed.join(", ")
    );
    let heights = heights.iter().map(|(name, height)| (*name, *height));
    let facts = [("heights".to_owned(), heights.collect())];
    let facts = facts.into_iter().collect();
    story.narrator.is_true("saved", &text, facts)
}
