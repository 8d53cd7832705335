//! The stream over real sockets.

use super::*;
use crate::chain::Height;
use crate::http::testing::Served;
use crate::http::{ApiFile, BASE, Problem};
use crate::messages::events::Event;
use std::io::{Read, Write};
use std::net::TcpStream;

/// Somebody who has asked for the stream.
struct Listener(TcpStream);

impl Listener {
    fn begin(served: &Served, query: &str, headers: &str) -> Self {
        let file = ApiFile::read(served.data_dir()).unwrap();
        let mut stream = TcpStream::connect(file.address).unwrap();
        let (host, token) = (file.address, file.token);
        let request = format!(
            "GET {BASE}/events{query} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        Self(stream)
    }

    /// Reads on until this is there; all that was read.
    async fn until(&mut self, text: &'static str) -> String {
        let mut stream = self.0.try_clone().unwrap();
        let read = move || {
            let mut read = String::new();
            let mut buffer = [0; 4096];
            while !read.contains(text) {
                let length = stream.read(&mut buffer).unwrap();
                assert!(length > 0, "it ended with {read:?}");
                read.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
            }
            read
        };
        tokio::task::spawn_blocking(read).await.unwrap()
    }

    /// Reads to the end.
    async fn rest(self) -> String {
        let Self(mut stream) = self;
        let read = move || {
            let mut read = String::new();
            stream.read_to_string(&mut read).unwrap();
            read
        };
        tokio::task::spawn_blocking(read).await.unwrap()
    }
}

fn begun(height: u64) -> Event {
    let height = Height(height);
    Event::MiningBegun { height }
}

#[actix_web::test]
async fn events_are_told_as_they_come_and_taken_up_where_they_were_left() {
    let served = Served::peer().await;
    served.played.events.tell(begun(1));
    let mut listener = Listener::begin(&served, "", "");
    let head = listener.until("\n\n").await.to_lowercase();
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("content-type: text/event-stream"), "{head}");
    assert!(!head.contains("content-encoding"), "{head}");
    // Without a word on where to begin it begins with what comes.
    let mut head = head;
    if !head.contains("id: ") {
        head += &listener.until("\n\n").await;
    }
    assert!(head.contains("id: 000000000000e7e7.1\n"), "{head}");
    served.played.events.tell(begun(2));
    let told = listener.until("\n\n").await;
    let expected = "id: 000000000000e7e7.2\nevent: mining_begun\ndata: \
                    {\"kind\":\"mining_begun\",\"height\":2}\n\n";
    assert!(told.contains(expected), "{told}");
    drop(listener);

    served.played.events.tell(Event::MembersChanged);
    served.played.events.tell(begun(3));
    for (query, headers) in [
        ("?after=000000000000e7e7.2", ""),
        // What a browser says that comes back is later than its address.
        (
            "?after=000000000000e7e7.0",
            "last-event-id: 000000000000e7e7.2\r\n",
        ),
    ] {
        let told = Listener::begin(&served, query, headers)
            .until("height")
            .await;
        assert!(told.contains("members_changed"), "{told}");
        assert!(told.contains("\"height\":3"), "{told}");
        assert!(!told.contains("\"height\":2"), "{told}");
    }
    let query = "?kinds=mining_begun,peer_came&after=000000000000e7e7.2";
    let told = Listener::begin(&served, query, "").until("height").await;
    assert!(!told.contains("members_changed"), "{told}");
    let another_run = "?after=0000000000000001.2";
    let told = Listener::begin(&served, another_run, "")
        .until("reset\"")
        .await;
    assert!(told.contains("event: reset\n"), "{told}");
}

#[actix_web::test]
async fn every_answer_names_the_event_to_go_on_from() {
    let served = Served::peer().await;
    let file = ApiFile::read(served.data_dir()).unwrap();
    for told in 0..2 {
        let mut stream = TcpStream::connect(file.address).unwrap();
        let (host, token) = (file.address, &file.token);
        let request = format!(
            "GET {BASE}/balance HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let answer = Listener(stream).rest().await;
        let expected = format!("last-event-id: 000000000000e7e7.{told}\r\n");
        assert!(answer.contains(&expected), "{answer}");
        served.played.events.tell(Event::MembersChanged);
    }
}

#[actix_web::test]
async fn what_can_not_be_followed_is_refused_before_the_stream_begins() {
    let served = Served::peer().await;
    for (query, headers, code) in [
        ("?kinds=nonsense", "", "bad_parameter"),
        ("?kinds=", "", "bad_parameter"),
        ("?after=7", "", "bad_cursor"),
        ("?before=7", "", "unknown_parameter"),
        ("", "last-event-id: 7\r\n", "bad_cursor"),
    ] {
        let headers = format!("{headers}connection: close\r\n");
        let told = Listener::begin(&served, query, &headers).rest().await;
        assert!(told.starts_with("HTTP/1.1 400"), "{query}: {told}");
        assert!(told.contains(code), "{query}: {told}");
    }
}

#[actix_web::test]
async fn attack_streams_have_a_bound_and_give_their_place_back() {
    let served = Served::peer().await;
    let mut listeners = Vec::new();
    for _ in 0..MAX_STREAMS {
        let mut listener = Listener::begin(&served, "", "");
        listener.until("retry").await;
        listeners.push(listener);
    }
    let more = Listener::begin(&served, "", "connection: close\r\n");
    let more = more.rest().await;
    let (head, body) = more.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    let problem: Problem = serde_json::from_str(body).unwrap();
    assert_eq!(problem.code, "too_many_streams");
    drop(listeners.pop());
    // Its end is seen when something is to be sent.
    let mut told = 0;
    loop {
        served.played.events.tell(begun(told));
        told += 1;
        let mut again = Listener::begin(&served, "", "connection: close\r\n");
        let head = again.until("\r\n\r\n").await;
        if head.starts_with("HTTP/1.1 200") {
            break;
        }
        assert!(told < 1_000, "{head}");
    }
}

#[actix_web::test]
async fn attack_who_does_not_read_costs_no_memory_and_is_told_to_look_anew() {
    let served = Served::peer().await;
    let mut slow = Listener::begin(&served, "", "");
    slow.until("retry").await;
    // Far more than the system keeps for a connection, while nobody reads.
    let reason = "x".repeat(4_000);
    let peer = crate::owner::testing::secret(2).public_key();
    for _ in 0..4 {
        for _ in 0..crate::owner::MAX_EVENTS {
            let reason = reason.clone();
            served.played.events.tell(Event::PeerGone { peer, reason });
        }
        // The node goes on for everybody else meanwhile.
        Listener::begin(&served, "", "").until("retry").await;
    }
    let told = slow.until("event: reset").await;
    assert!(told.len() < 4 * 1024 * 1024 * 4, "{}", told.len());
}

#[actix_web::test]
async fn streams_end_first_when_the_node_stops() {
    let served = Served::peer().await;
    let mut listener = Listener::begin(&served, "", "");
    listener.until("retry").await;
    let begun = std::time::Instant::now();
    served.handle.stop().await.unwrap();
    listener.rest().await;
    assert!(begun.elapsed() < Duration::from_secs(1));
}
