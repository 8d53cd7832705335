//! A picture of who is connected to whom, as far as this node knows: itself, whom it has a session with, and
//! the others around them. What it says stands in the table below it, too.

use super::show::{Who, count};
use crate::owner::{Company, Connected};
use askama::Template;
use std::f64::consts::TAU;
use std::fmt::Write;

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

/// So few stand in one line with this node.
const FEW: usize = 2;

/// Characters of a name that there is room for.
const NAMED: usize = 12;

/// The picture.
#[derive(Template)]
#[template(path = "sessions.html")]
pub(super) struct Drawn {
    words: String,
    /// Which part of the drawing is shown: with few members most of it is empty.
    part: &'static str,
    is_low: bool,
    near: Vec<Dot>,
    /// Dots of those who are here, and of those who are away: as one line each, of points.
    here: String,
    away: String,
}

struct Dot {
    x: String,
    y: String,
    /// Where its name stands.
    below: String,
    name: Option<String>,
    /// Whether this node called.
    outgoing: bool,
}

impl Drawn {
    pub(super) fn of(company: &Company) -> Self {
        let near = &company.connected;
        // This node is one of those who are here.
        let here = company.here.saturating_sub(near.len() + 1);
        let away = company.all - company.here;
        let words = format!(
            "This node is connected to {}. {here} more here, {away} away.",
            count(near.len(), "member"),
        );
        let far = (here + away).min(MOST_FAR);
        let points = |from: usize, to: usize| {
            let mut line = String::new();
            for at in from.min(far)..to.min(far) {
                let (x, y) = place(at, far, FAR);
                // Writing to a string can't fail.
                let _ = write!(line, "M{x:.0} {y:.0}h0");
            }
            line
        };
        let is_low = near.len() <= FEW && far == 0;
        Self {
            words,
            part: if is_low { "0 55 360 62" } else { "0 0 360 180" },
            is_low,
            near: around(near),
            here: points(0, here),
            away: points(here, here + away),
        }
    }
}

/// Where one of so many stands around the middle.
fn place(at: usize, of: usize, (wide, tall): (f64, f64)) -> (f64, f64) {
    let angle = TAU * at as f64 / of as f64;
    (
        WIDE / 2.0 + wide * angle.cos(),
        TALL / 2.0 + tall * angle.sin(),
    )
}

fn around(connected: &[Connected]) -> Vec<Dot> {
    let shown = connected.len().min(MOST_NEAR);
    let is_named = connected.len() <= MOST_NAMED;
    let dots = connected.iter().take(shown).enumerate().map(|(at, one)| {
        let (x, y) = place(at, shown, NEAR);
        let label = Who::new(&one.person).label();
        let name = match label.char_indices().nth(NAMED) {
            Some((end, _)) => format!("{}…", &label[..end]),
            None => label,
        };
        Dot {
            x: format!("{x:.0}"),
            y: format!("{y:.0}"),
            below: format!("{:.0}", y + 14.0),
            name: is_named.then_some(name),
            outgoing: one.outgoing,
        }
    });
    dots.collect()
}
