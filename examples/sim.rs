fn main() {
    let seed: u64 = std::env::args()
        .nth(1)
        .and_then(|s| s.parse().ok())
        .unwrap_or(1);
    let count: u64 = std::env::args()
        .nth(2)
        .and_then(|s| s.parse().ok())
        .unwrap_or(1);
    for seed in seed..seed + count {
        let begun = std::time::Instant::now();
        let plan = raclette::sim::Plan::draw(seed);
        let o = raclette::sim::run(&plan);
        if count == 1 {
            for l in &o.lines {
                println!("{l}");
            }
            for f in &plan.faults {
                println!("{f}");
            }
            println!("{:#?}", plan.peers);
        }
        println!(
            "seed {} height {} simulated {} s in {:?} {} {}",
            o.seed,
            o.height,
            o.elapsed_ms / 1000,
            begun.elapsed(),
            o.hash,
            o.broken.map_or("ok".into(), |b| b.to_string())
        );
    }
}
