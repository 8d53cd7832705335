//! Requests as nobody should send them, to a node's owner's server.

#[path = "../fuzz/mutate.rs"]
mod mutate;

use crate::support::Lab;
use mutate::Mutator;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// Requests made from good ones.
const CASES: usize = 600;
/// The longest, in bytes.
const MAX_CASE: usize = 8 * 1024;

#[test]
fn attack_requests_that_are_changed_cut_and_put_together_stop_no_server() {
    let lab = Lab::start();
    let alice = lab.peer("alice");
    let api = alice.api().unwrap();
    let (host, token) = (api.address, &api.token);
    let request = |first: &str, body: &str| {
        let length = body.len();
        let head = format!(
            "{first} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: \
             application/json\r\nContent-Length: {length}\r\n"
        );
        format!("{head}\r\n{body}").into_bytes()
    };
    let payment = r#"{"to":"bob","amount":"1","note":"for the cheese"}"#;
    let seeds = [
        request("GET /api/v1/status", ""),
        request("GET /api/v1/history?after=3&limit=20", ""),
        request("GET /api/v1/blocks/0", ""),
        request("GET /events?since=x.1", ""),
        request("GET /", ""),
        request("POST /api/v1/transactions", payment),
        request("POST /api/v1/transactions/batch", &format!("[{payment}]")),
        b"POST /api/v1/transactions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"to\"\r\n0\r\n\r\n".to_vec(),
    ];
    let mut mutator = Mutator::new(26);
    for _ in 0..CASES {
        let case = mutator.case(&seeds, MAX_CASE);
        let Ok(mut stream) = TcpStream::connect(host) else {
            panic!("the server is gone");
        };
        // It may have had enough before the end.
        let _ = stream.write_all(&case);
        let _ = stream.shutdown(Shutdown::Write);
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let mut answer = [0; 1_024];
        let length = stream.read(&mut answer).unwrap_or_default();
        let hex = || {
            case.iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        assert!(length == 0 || answer.starts_with(b"HTTP/1.1 "), "{}", hex());
        assert!(!answer.starts_with(b"HTTP/1.1 500"), "{}", hex());
    }
    assert_eq!(alice.height(), 0);
    alice.mine();
    let output = alice.output();
    assert!(!output.contains("panicked"), "{output}");
}
