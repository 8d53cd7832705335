use super::*;
use crate::http::testing::Served;
use serde_json::Value;
use std::collections::BTreeSet;

fn described_as(of: Of) -> Value {
    serde_json::to_value(describe(of)).unwrap()
}

/// Every reference in a description.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                found.insert(reference.clone());
            }
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn the_description_names_the_paths_of_each_kind_of_node_and_nothing_else() {
    for of in [Of::Peer, Of::Tracker, Of::Waiting] {
        let description = described_as(of);
        assert_eq!(description["openapi"], "3.1.0");
        let mut described = BTreeSet::new();
        for (path, methods) in description["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                described.insert((method.to_uppercase(), path.clone()));
                assert!(!operation["summary"].as_str().unwrap().is_empty());
                assert!(operation["responses"]["default"].is_object(), "{path}");
            }
        }
        let here = PATHS.iter().filter(|line| line.is_of(of));
        let here = here.map(|line| (line.method.to_owned(), line.path.to_owned()));
        assert_eq!(described, here.collect());
    }
}

#[test]
fn whatever_is_referred_to_is_described() {
    for of in [Of::Peer, Of::Tracker, Of::Waiting] {
        let description = described_as(of);
        let mut found = BTreeSet::new();
        references(&description, &mut found);
        assert!(!found.is_empty());
        for reference in found {
            let pointer = reference.trim_start_matches('#');
            assert!(description.pointer(pointer).is_some(), "{reference}");
        }
    }
}

#[test]
fn every_parameter_and_every_field_of_a_body_is_described() {
    for line in PATHS {
        for name in places(line.path).chain(line.parameters.iter().copied()) {
            assert!(parameter_says(name).is_some(), "{}: {name}", line.path);
        }
        assert_eq!(line.body.is_some(), line.method == "POST", "{}", line.path);
        assert!(!line.answers.is_empty());
    }
    let named: BTreeSet<_> = PATHS
        .iter()
        .flat_map(|line| places(line.path).chain(line.parameters.iter().copied()))
        .collect();
    for (name, ..) in PARAMETERS {
        assert!(named.contains(name), "nothing takes {name}");
    }
}

#[test]
fn no_two_operations_share_an_id() {
    let ids: BTreeSet<_> = PATHS.iter().map(operation_id).collect();
    assert_eq!(ids.len(), PATHS.len());
    assert!(ids.contains("get_blocks_block_data"), "{ids:?}");
}

#[test]
fn coins_are_text_moments_have_their_form_and_ids_their_digits() {
    let description = described_as(Of::Peer);
    let schemas = &description["components"]["schemas"];
    assert_eq!(schemas["Amount"]["type"], "string");
    assert_eq!(schemas["Timestamp"]["format"], "date-time");
    // A number that is never negative is no half of one.
    let span = &schemas["LogLevelRequest"]["properties"]["for_ms"];
    assert_eq!(span["maximum"], u64::MAX, "{span}");
    assert!(span["format"].is_null(), "{span}");
    assert_eq!(schemas["BlockId"]["pattern"], "^[0-9a-f]{64}$");
    let request = &schemas["SendRequest"];
    assert_eq!(request["required"], serde_json::json!(["to", "amount"]));
}

#[actix_web::test]
async fn the_page_and_the_description_are_served_and_say_the_same() {
    for served in [Served::peer().await, Served::tracker().await] {
        let text = served.ask("GET", "/openapi.json").await;
        let description: Value = serde_json::from_str(&text).unwrap();
        let page = served.ask("GET", "/docs").await;
        for path in description["paths"].as_object().unwrap().keys() {
            assert!(page.contains(path.as_str()), "{path}");
        }
        for name in description["components"]["schemas"]
            .as_object()
            .unwrap()
            .keys()
        {
            assert!(page.contains(&format!("id=\"{name}\"")), "{name}");
        }
        // Nothing runs, and nothing is fetched from elsewhere.
        for never in ["<script", "http:", "https:", "src=\"//", "style="] {
            assert!(!page.contains(never), "{never}");
        }
    }
}

/// Answers with lists whose length is bounded by itself: choices of a ballot, transactions of a block, the few that
/// may be delegates, and what the program itself has.
const WHOLE_LISTS: &[&str] = &[
    "/api/v1/ballots/{ballot}",
    "/api/v1/blocks/{block}",
    "/api/v1/codes",
    "/api/v1/delegates",
    "/api/v1/healthy",
    "/api/v1/paths",
    "/api/v1/ready",
    "/api/v1/settings",
];

/// What of a list was not shown can be asked for: whatever can grow has a cursor, both ways.
#[test]
fn d3_every_list_that_can_grow_goes_on_behind_a_cursor() {
    let mut lists = BTreeSet::new();
    for of in [Of::Peer, Of::Tracker] {
        let description = described_as(of);
        let whole = |value: &Value| -> Value {
            let reference = value["$ref"].as_str().map(|at| at.trim_start_matches('#'));
            reference
                .map_or(value, |at| description.pointer(at).unwrap())
                .clone()
        };
        for line in PATHS
            .iter()
            .filter(|line| line.is_of(of) && line.method == "GET")
        {
            let answer = &description["paths"][line.path]["get"]["responses"]["200"];
            let answer = whole(&answer["content"]["application/json"]["schema"]);
            let fields = answer["properties"]
                .as_object()
                .cloned()
                .unwrap_or_default();
            let takes = |name| line.parameters.contains(&name);
            let can_go_on = takes("after") && takes("limit");
            assert_eq!(
                can_go_on && line.media == JSON,
                fields.contains_key("next"),
                "{}",
                line.path
            );
            let is_list = answer["type"] == "array"
                || fields.values().any(|field| whole(field)["type"] == "array");
            if is_list && !can_go_on {
                lists.insert(line.path);
            }
        }
    }
    assert_eq!(lists, WHOLE_LISTS.iter().copied().collect());
}
