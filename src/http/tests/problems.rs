//! What is said instead of an answer, and how it is told.

use super::*;
use crate::http::{Of, PATHS, PROBLEM_JSON, PathLine};
use crate::owner::Code;

/// A path that is there, with something for what stands in braces.
fn path_of(line: &PathLine) -> String {
    let parts = line.path.split('/').map(|part| match part {
        "{code}" => "busy",
        part if part.starts_with('{') => "1",
        part => part,
    });
    let path = parts.collect::<Vec<_>>().join("/");
    path.strip_prefix(BASE).unwrap().to_owned()
}

async fn whole(served: &Served, request: String, token: bool) -> (u16, String, String) {
    let file = ApiFile::read(served.data_dir()).unwrap();
    let token = match token {
        true => format!("authorization: Bearer {}\r\n", file.token),
        false => String::new(),
    };
    let host = file.address;
    let text = format!(
        "{request} HTTP/1.1\r\nhost: {host}\r\n{token}connection: close\r\ncontent-type: \
         application/json\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    tokio::task::spawn_blocking(move || raw_with_head(&text, host))
        .await
        .unwrap()
}

#[actix_web::test]
async fn every_refusal_is_a_problem_whose_type_explains_it() {
    let served = Served::peer().await;
    for (request, token, status, code) in [
        ("GET /nothing", true, 404, Code::UnknownPath),
        ("GET /mine", true, 405, Code::WrongMethod),
        ("POST /transactions", true, 400, Code::BadBody),
        ("GET /status", false, 401, Code::WrongToken),
        ("GET /balance?of=bbo", true, 404, Code::UnknownMember),
        ("GET /balance?off=bob", true, 400, Code::UnknownParameter),
        ("GET /peers?limit=0", true, 400, Code::BadParameter),
        ("GET /peers?limit=many", true, 400, Code::BadParameter),
        ("GET /peers?limit=1&limit=2", true, 400, Code::BadParameter),
        ("GET /inbox?unread=perhaps", true, 400, Code::BadParameter),
        ("GET /history?after=x", true, 400, Code::BadCursor),
        ("GET /proof", false, 400, Code::BadParameter),
        ("GET /proof?challenge=1", false, 400, Code::BadParameter),
        ("GET /codes/nothing", true, 404, Code::UnknownCode),
        ("POST /outbox/abcdef/retry", true, 404, Code::UnknownSend),
    ] {
        let (is, head, body) = whole(&served, versioned(request), token).await;
        assert_eq!(is, status, "{request}: {body}");
        assert!(
            head.contains(&format!("content-type: {PROBLEM_JSON}")),
            "{head}"
        );
        let problem: Problem = serde_json::from_str(&body).unwrap();
        assert_eq!(
            (problem.status, problem.code.as_str()),
            (status, code.as_str())
        );
        assert_eq!(problem.title, code.explanation().title);
        let (found, _, told) = whole(&served, format!("GET {}", problem.kind), true).await;
        assert_eq!(found, 200, "{told}");
        let todo = code.explanation().typed(served.owned.typed()).todo;
        assert!(told.contains(&todo.replace('"', "\\\"")), "{told}");
    }
    let (_, head, _) = whole(&served, versioned("GET /mine"), true).await;
    assert!(head.contains("allow: post"), "{head}");
}

#[actix_web::test]
async fn a_path_without_a_version_is_answered_with_where_it_is_now() {
    let (peer, tracker) = (Served::peer().await, Served::tracker().await);
    for (served, of) in [(&peer, Of::Peer), (&tracker, Of::Tracker)] {
        for line in PATHS.iter().filter(|line| line.of.contains(&of)) {
            let former = path_of(line);
            let request = format!("{} {former}", line.method);
            let (status, _, body) = whole(served, request, true).await;
            let problem: Problem = serde_json::from_str(&body).unwrap();
            assert_eq!((status, problem.code.as_str()), (404, "unknown_path"));
            let now = format!("is at {BASE}{former} now");
            assert!(problem.detail.ends_with(&now), "{}", problem.detail);
        }
        for other in ["/api", "/api/v2/status", "/statuses", "/blocks/1/2"] {
            let (status, _, body) = whole(served, format!("GET {other}"), true).await;
            assert_eq!(status, 404, "{body}");
            assert!(!body.contains(" now"), "{other}: {body}");
        }
    }
}

/// How libraries speak to programmers.
const OF_PARSERS: [&str; 13] = [
    "deserialize",
    "invalid type",
    "invalid value",
    "missing field",
    " u8",
    " u16",
    " u32",
    " u64",
    " i64",
    " usize",
    "struct ",
    "enum ",
    "sequence",
];

#[actix_web::test]
async fn no_refusal_speaks_in_the_words_of_a_parser() {
    let served = Served::peer().await;
    let missing = refused(&served, "POST /transactions", json!({"to": "bob"}))
        .await
        .2;
    assert!(missing.contains("`amount` is missing"), "{missing}");
    let number = json!({"to": "bob", "amount": 5});
    let number = refused(&served, "POST /transactions", number).await.2;
    assert!(number.contains("a whole number as text"), "{number}");
    let limit = refused(&served, "GET /peers?limit=ten", Value::Null)
        .await
        .2;
    assert_eq!(limit, "limit is \"ten\", but must be a whole number");
    let off = refused(&served, "GET /balance?off=bob", Value::Null)
        .await
        .2;
    assert_eq!(off, "/api/v1/balance has no parameter \"off\": it takes of");
    // Whatever stands in the place of any field of any body.
    let odd = [
        json!({}),
        json!([]),
        json!("x"),
        json!(-1),
        json!(1.5),
        json!(null),
        json!(true),
    ];
    let mut checked = 0;
    for line in PATHS.iter().filter(|line| line.of.contains(&Of::Peer)) {
        for field in line.fields().unwrap_or_default() {
            for value in &odd {
                let request = format!("POST {}", path_of(line));
                let (status, answer) = ask(&served, &request, &json!({&field: value})).await;
                if status != 400 {
                    continue;
                }
                checked += 1;
                let said = OF_PARSERS.iter().find(|words| answer.contains(*words));
                assert_eq!(said, None, "{request} {field}: {answer}");
            }
        }
    }
    assert!(checked > 50, "{checked} refusals were read");
}

#[actix_web::test]
async fn every_path_that_is_listed_is_there_and_takes_what_it_says_and_no_more() {
    let (peer, tracker) = (Served::peer().await, Served::tracker().await);
    for (served, of) in [(&peer, Of::Peer), (&tracker, Of::Tracker)] {
        let (status, listed) = ask(served, "GET /paths", &Value::Null).await;
        assert_eq!(status, 200);
        for line in PATHS {
            let (path, other) = (
                path_of(line),
                if line.method == "GET" { "POST" } else { "GET" },
            );
            let here = line.of.contains(&of);
            assert_eq!(listed.contains(&format!("{:?}", line.path)), here, "{path}");
            let request = |method: &str, query: &str| format!("{method} {path}{query}");
            let (status, code, reason) =
                refused(served, &request(line.method, "?nonsense=1"), json!({})).await;
            let expected = match here {
                true => (400, Code::UnknownParameter),
                false => (404, Code::UnknownPath),
            };
            assert_eq!(
                (status, code.as_str()),
                (expected.0, expected.1.as_str()),
                "{path}"
            );
            if !here {
                continue;
            }
            for parameter in line.parameters {
                assert!(reason.contains(parameter), "{path}: {reason}");
            }
            let (_, code, _) = refused(served, &request(other, ""), json!({})).await;
            assert_eq!(code, "wrong_method", "{path}");
        }
    }
}

#[actix_web::test]
async fn every_body_that_is_listed_has_the_fields_that_are_taken() {
    let served = Served::peer().await;
    for line in PATHS.iter().filter(|line| line.of.contains(&Of::Peer)) {
        let Some(fields) = line.fields() else {
            continue;
        };
        let request = format!("POST {}", path_of(line));
        let (_, code, reason) = refused(&served, &request, json!({"nonsense": 1})).await;
        assert_eq!(code, "bad_body", "{request}");
        for field in fields {
            assert!(
                reason.contains(&format!("`{field}`")),
                "{request}: {reason}"
            );
        }
    }
}

#[actix_web::test]
async fn a_key_goes_with_what_was_asked_for_and_nothing_else() {
    let served = Served::peer().await;
    let send = |key: &'static str, body: Value| {
        let served = &served;
        async move {
            let body = body.to_string();
            let answer = ask_with(served, "POST /transactions", &body, |file| {
                format!(
                    "host: {}\r\nauthorization: Bearer {}\r\n{key}",
                    file.address, file.token
                )
            });
            (
                answer.await,
                served.last_sent().and_then(|sent| sent.request),
            )
        }
    };
    let body = || json!({"to": "bob", "amount": "1"});
    let key = "idempotency-key: 5f0c\r\n";
    let (_, first) = send(key, body()).await;
    let (_, again) = send(key, body()).await;
    assert!(first.is_some());
    assert_eq!(first, again);
    let (_, other) = send(key, json!({"to": "bob", "amount": "2"})).await;
    assert_eq!(other.map(|one| one.key), first.map(|one| one.key));
    assert_ne!(other.map(|one| one.asked), first.map(|one| one.asked));
    let (_, other) = send("idempotency-key: 5f0d\r\n", body()).await;
    assert_ne!(other.map(|one| one.key), first.map(|one| one.key));
    let ((status, _), without) = send("", body()).await;
    assert_eq!((status, without), (200, None));
    for wrong in [
        "idempotency-key:\r\n",
        "idempotency-key: two words\r\n",
        "idempotency-key: 1\r\nidempotency-key: 2\r\n",
        "idempotency-key: \u{e4}\r\n",
        "idempotency-key: 12345678901234567890123456789012345678901234567890123456789012345\r\n",
    ] {
        let ((status, text), sent) = send(wrong, body()).await;
        assert_eq!((status, sent), (400, None), "{wrong}: {text}");
        assert!(text.contains("bad_idempotency_key"), "{text}");
    }
}
