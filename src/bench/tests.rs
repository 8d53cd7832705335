use super::*;

/// Little enough for a test, and more than one message and one batch of signatures.
const TINY: Effort = Effort {
    pow_rounds: 1,
    nonces: 10_000,
    signature_rounds: 1,
    block_rounds: 1,
    transfers: 1_100,
};

#[test]
fn every_figure_is_measured_and_the_json_has_them_all_and_nothing_else() {
    let speed = measure(TINY).unwrap();
    for figure in &FIGURES {
        let value = (figure.of)(&speed);
        assert!(value.is_finite() && value > 0.0, "{}: {value}", figure.name);
    }
    let serde_json::Value::Object(json) = serde_json::to_value(&speed).unwrap() else {
        panic!("no object");
    };
    let mut promised: Vec<&str> = FIGURES.iter().map(|figure| figure.name).collect();
    promised.extend(["kernel", "cores"]);
    promised.sort_unstable();
    let mut keys: Vec<&str> = json.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, promised);
    for figure in &FIGURES {
        assert_eq!(json[figure.name].as_f64(), Some((figure.of)(&speed)));
    }
}

#[test]
fn the_median_is_the_middle_one() {
    assert_eq!(rounds::median(vec![3.0, 1.0, 100.0]), 3.0);
    assert_eq!(rounds::median(vec![2.0, 1.0]), 2.0);
    assert!(rounds::median(Vec::new()).is_nan());
}
