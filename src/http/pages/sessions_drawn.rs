//! A picture of who is connected to whom, as far as this node knows: itself, whom it has a session with, and
//! the others around them. What it says stands in the table below it, too.

use super::members::Member;
use super::show::count;
use askama::Template;
use std::f64::consts::TAU;

/// Size of the drawing, in its own units.
const WIDE: f64 = 360.0;
const TALL: f64 = 170.0;

/// How far from the middle those are who are connected, and the others.
const NEAR: (f64, f64) = (100.0, 52.0);
const FAR: (f64, f64) = (168.0, 78.0);

/// Who is drawn, at most: more dots would touch.
const MOST_NEAR: usize = 64;
const MOST_FAR: usize = 240;

/// With more of them connected their names would lie upon each other.
const MOST_NAMED: usize = 12;

/// Characters of a name that there is room for.
const NAMED: usize = 12;

/// The picture.
#[derive(Template)]
#[template(path = "sessions.html")]
pub(super) struct Drawn {
    words: String,
    near: Vec<Dot>,
    far: Vec<Dot>,
}

struct Dot {
    x: String,
    y: String,
    /// Where its name stands.
    below: String,
    name: Option<String>,
    /// Whether this node called.
    outgoing: bool,
    here: bool,
}

impl Drawn {
    pub(super) fn of(members: &[Member]) -> Self {
        let others = || members.iter().filter(|member| !member.me);
        let near: Vec<_> = others().filter(|member| member.session.is_some()).collect();
        let far: Vec<_> = others().filter(|member| member.session.is_none()).collect();
        let here = far.iter().filter(|member| member.is_here()).count();
        let words = format!(
            "This node is connected to {}. {here} more are here, {} are away.",
            count(near.len(), "member"),
            far.len() - here
        );
        let named = near.len() <= MOST_NAMED;
        Self {
            words,
            near: around(&near, MOST_NEAR, NEAR, named),
            far: around(&far, MOST_FAR, FAR, false),
        }
    }
}

fn around(members: &[&Member], most: usize, (wide, tall): (f64, f64), named: bool) -> Vec<Dot> {
    let shown = members.len().min(most);
    let dots = members.iter().take(shown).enumerate().map(|(at, member)| {
        let angle = TAU * at as f64 / shown as f64;
        let (x, y) = (
            WIDE / 2.0 + wide * angle.cos(),
            TALL / 2.0 + tall * angle.sin(),
        );
        let label = member.who.label();
        let name = match label.char_indices().nth(NAMED) {
            Some((end, _)) => format!("{}…", &label[..end]),
            None => label,
        };
        Dot {
            x: format!("{x:.1}"),
            y: format!("{y:.1}"),
            below: format!("{:.1}", y + 14.0),
            name: named.then_some(name),
            outgoing: member.outgoing,
            here: member.is_here(),
        }
    });
    dots.collect()
}
