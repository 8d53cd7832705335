//! Commands that pages and answers name: each works when it is typed.

use super::*;
use crate::owner::Code;

/// Commands that are typed on a machine without a node, which has no settings file to name.
const ELSEWHERE: [&str; 3] = [
    "join",
    "web</code>, which opens a page",
    "verify proof.json --trust ",
];

/// Commands in a page, or in an answer of the API, that name no settings file and need one.
fn untyped(text: &str) -> Vec<&str> {
    let named = [">node ", "`node "].map(|before| text.split(before).skip(1));
    named
        .into_iter()
        .flatten()
        .filter(|rest| !rest.starts_with("--config "))
        .filter(|rest| !ELSEWHERE.iter().any(|typed| rest.starts_with(typed)))
        .map(|rest| rest.get(..30).unwrap_or(rest))
        .collect()
}

#[test]
fn no_template_names_a_command_as_it_can_not_be_typed() {
    let templates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    for entry in std::fs::read_dir(templates).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(untyped(&text), [""; 0], "{}", path.display());
    }
}

#[actix_web::test]
async fn every_command_on_a_page_names_the_settings_file_of_its_node() {
    let served = Served::peer().await;
    let known = Browser::known(&served).await;
    let mined = format!("/network/transactions/{}", served.mined);
    let unknown = ["/votes/00000000", "/members/nobody"];
    let mut found = 0;
    for path in PAGES.iter().copied().chain([mined.as_str()]).chain(unknown) {
        let page = known.get(path).await.body;
        assert_eq!(untyped(&page), [""; 0], "{path}");
        found += page.matches("node --config ").count();
    }
    assert!(found > PAGES.len(), "{found}");
    // So it is for whoever is not let in, and for whoever goes.
    let stranger = Browser::stranger(&served).get("/").await.body;
    let token = known.field("/me", "token").await;
    let left = known.post("/out", &format!("token={token}")).await.body;
    for page in [stranger, left] {
        assert!(page.contains("node --config "), "{page}");
        assert_eq!(untyped(&page), [""; 0]);
    }

    let served = Served::tracker().await;
    let known = Browser::known(&served).await;
    for path in ["/", "/network/node", "/network/log"] {
        let page = known.get(path).await.body;
        assert_eq!(untyped(&page), [""; 0], "{path}");
    }
}

#[actix_web::test]
async fn every_command_in_an_answer_names_the_settings_file_of_its_node() {
    let served = Served::peer().await;
    let all = served.ask("GET", "/codes").await;
    assert!(all.contains("`node --config "), "{all}");
    for path in ["/codes", "/paths", "/openapi.json", "/status"] {
        assert_eq!(untyped(&served.ask("GET", path).await), [""; 0], "{path}");
    }
    for code in Code::ALL {
        let told = served.ask("GET", &format!("/codes/{code}")).await;
        assert_eq!(untyped(&told), [""; 0]);
    }
    let program = Browser::stranger(&served);
    let headers = format!("authorization: Bearer {}\r\n", program.token);
    let path = "/api/v1/outbox/000000/retry";
    let body = "{}";
    let headers = format!("{headers}content-type: application/json\r\n");
    for (method, path) in [("POST", path), ("GET", "/api/v1/ballots/00000000")] {
        let answer = program.ask(method, path, &headers, body).await;
        assert!((400..600).contains(&answer.status), "{}", answer.body);
        assert!(answer.head.contains("application/problem+json"));
        assert_eq!(untyped(&answer.body), [""; 0]);
    }
    // A refusal that names one, and keeps what else stands in its head.
    let sync = program.ask("POST", "/api/v1/sync", &headers, r#"{"from": "carol"}"#);
    let sync = sync.await;
    assert!(sync.body.contains("`node --config "), "{}", sync.body);
    assert!(sync.head.contains("last-event-id"), "{}", sync.head);
}
