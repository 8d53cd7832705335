//! A plot of how figures grow with the number of peers, as SVG.

use super::Figures;
use std::fmt::Write as _;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
/// Room for what is written at the edges.
const MARGIN: f64 = 60.0;
/// What is shown: name, colour, and the milliseconds of a network.
type Line = (&'static str, &'static str, fn(&Figures) -> u64);
const LINES: [Line; 4] = [
    ("propagation, half", "#2a6f97", |f| f.propagation_ms[0]),
    ("propagation, 99 of 100", "#61a5c2", |f| f.propagation_ms[2]),
    ("confirmation, half", "#bc4749", |f| f.confirmation_ms[0]),
    ("confirmation, 9 of 10", "#e5989b", |f| f.confirmation_ms[1]),
];

/// Times against the number of peers; the times on a logarithmic scale.
pub fn plot(title: &str, networks: &[Figures]) -> String {
    let most_ms = networks
        .iter()
        .flat_map(|n| LINES.map(|(.., of)| of(n)))
        .max();
    let decades = f64::from(most_ms.unwrap_or(1).max(10).ilog10() + 1);
    let x = |place: usize| {
        let steps = networks.len().saturating_sub(1).max(1) as f64;
        MARGIN + place as f64 * (WIDTH - 2.0 * MARGIN) / steps
    };
    let y =
        |ms: u64| HEIGHT - MARGIN - (ms.max(1) as f64).log10() / decades * (HEIGHT - 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{MARGIN}\" y=\"24\" font-size=\"16\">{}</text>\n",
        escaped(title)
    );
    for decade in 0..=decades as u32 {
        let (ms, right) = (10_u64.pow(decade), WIDTH - MARGIN);
        // Writing to a string does not fail, here and below.
        let _ = write!(
            svg,
            "<line x1=\"{MARGIN}\" x2=\"{right}\" y1=\"{0:.1}\" y2=\"{0:.1}\" stroke=\"#ddd\"/>\n\
             <text x=\"{1}\" y=\"{0:.1}\" text-anchor=\"end\">{ms} ms</text>\n",
            y(ms),
            MARGIN - 6.0
        );
    }
    for (place, network) in networks.iter().enumerate() {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{} peers</text>",
            x(place),
            HEIGHT - MARGIN + 20.0,
            network.peers
        );
    }
    for (number, (name, colour, of)) in LINES.iter().enumerate() {
        let point = |(place, n)| format!("{:.1},{:.1}", x(place), y(of(n)));
        let points: Vec<_> = networks.iter().enumerate().map(point).collect();
        let _ = write!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n\
             <text x=\"{}\" y=\"{}\" fill=\"{colour}\">{name}</text>\n",
            points.join(" "),
            MARGIN + 140.0 * number as f64,
            HEIGHT - 12.0
        );
        for (place, network) in networks.iter().enumerate() {
            let (x, y) = (x(place), y(of(network)));
            let _ = writeln!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// What text may hold within a tag.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
