//! Paths that try to lead elsewhere.

use super::*;

#[actix_web::test]
async fn attack_no_path_leads_out_of_what_there_is() {
    let served = Served::peer().await;
    let known = Browser::known(&served).await;
    for path in [
        "/assets/../api.json",
        "/assets/..%2fapi.json",
        "/assets/%2e%2e%2fapi.json",
        "/assets/%252e%252e/api.json",
        "/assets//etc/passwd",
        "/assets/style.css%00.html",
        "/assets/",
        "/pay/sent/..%2f..%2fapi.json",
        "/pay/with/..%2f..%2fetc%2fpasswd",
        "/members/%2e%2e%2f%2e%2e",
        "/network/blocks/..%2f1",
        "/network/proofs/%2e%2e",
        "/votes/..%2fapi.json",
        "/enter/../pay",
        "//evil.example/",
        "/\\evil.example",
    ] {
        let answer = known.get(path).await;
        assert!(
            (400..500).contains(&answer.status),
            "{path}: {}",
            answer.status
        );
        assert!(!answer.body.contains(&known.token), "{path}");
        assert!(
            !answer.head.contains("location:"),
            "{path}: {}",
            answer.head
        );
    }
}
