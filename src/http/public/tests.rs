//! What everybody is shown, and what nobody is.

use super::*;
use crate::http::ApiFile;
use crate::http::testing::{Served, head_of, the_next_one_waits};
use crate::messages::events::Event;
use crate::owner::Owned;
use std::io::{Read, Write};
use std::net::TcpStream;

async fn ask(address: SocketAddr, request: &str) -> String {
    let text = format!(
        "{request} HTTP/1.1\r\nhost: any.example\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    );
    let asked = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    tokio::task::spawn_blocking(asked).await.unwrap()
}

fn public(served: &Served) -> (PublicHandle, SocketAddr) {
    let Owned::Peer(peer) = served.owned.clone() else {
        unreachable!("it is a peer")
    };
    start_public("127.0.0.1:0".parse().unwrap(), peer).unwrap()
}

#[actix_web::test]
async fn attack_everybody_sees_blocks_and_members_and_nothing_of_the_owner() {
    let served = Served::peer().await;
    let (handle, address) = public(&served);
    let page = ask(address, "GET /").await;
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    assert!(
        page.contains("bob") && page.contains("1 transaction and the reward"),
        "{page}"
    );
    for own in [
        "<form",
        "token",
        "coins",
        "set-cookie",
        "127.0.0.1:70",
        "/me",
        "unread",
    ] {
        assert!(!page.to_lowercase().contains(own), "{own} in {page}");
    }
    let token = ApiFile::read(served.data_dir()).unwrap().token;
    for request in [
        "GET /me",
        "GET /pay",
        "GET /enter?key=00",
        "GET /network",
        "GET /api/v1/status",
        &format!("GET /api/v1/status?token={token}"),
        "GET /assets/..%2f..%2fapi.json",
        "GET /assets/../api.json",
        "POST /network/mine",
        "POST /",
    ] {
        let answer = ask(address, request).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{request}: {answer}");
        assert!(!answer.contains(&token), "{request}");
    }
    assert!(
        ask(address, "GET /assets/live.js")
            .await
            .starts_with("HTTP/1.1 200")
    );
    handle.stop().await;
    assert!(TcpStream::connect(address).is_err());
}

#[actix_web::test]
async fn attack_what_is_the_owners_is_told_to_nobody_else() {
    let served = Served::peer().await;
    let (_handle, address) = public(&served);
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .write_all(b"GET /live HTTP/1.1\r\nhost: any.example\r\n\r\n")
        .unwrap();
    let mut follow = move |until: &'static str| {
        let mut read = String::new();
        let mut buffer = [0; 4096];
        while !read.contains(until) {
            let length = stream.read(&mut buffer).unwrap();
            assert!(length > 0, "it ended with {read:?}");
            read.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
        }
        (read, until)
    };
    let told = tokio::task::spawn_blocking(move || {
        follow("id: ");
        follow
    });
    let mut follow = told.await.unwrap();
    served.played.events.tell(Event::MessagesRead { unread: 3 });
    served.played.events.tell(Event::MembersChanged);
    let (read, _) = tokio::task::spawn_blocking(move || follow("event: members_changed"))
        .await
        .unwrap();
    assert!(!read.contains("messages_read"), "{read}");
}

#[actix_web::test]
async fn attack_streams_for_everybody_are_bounded_and_the_owners_are_free() {
    let served = Served::peer().await;
    let (_handle, address) = public(&served);
    let begin = move || {
        let begun: Vec<_> = (0..MAX_PUBLIC_STREAMS)
            .map(|_| {
                let mut stream = TcpStream::connect(address).unwrap();
                let request = b"GET /live HTTP/1.1\r\nhost: any.example\r\n\r\n";
                stream.write_all(request).unwrap();
                let mut head = [0; 12];
                stream.read_exact(&mut head).unwrap();
                assert_eq!(&head, b"HTTP/1.1 200");
                stream
            })
            .collect();
        begun
    };
    let begun = tokio::task::spawn_blocking(begin).await.unwrap();
    let refused = ask(address, "GET /live").await;
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(ask(address, "GET /").await.starts_with("HTTP/1.1 200"));
    served.ask("GET", "/status").await;
    drop(begun);
}

#[actix_web::test]
async fn attack_connections_for_everybody_are_bounded_and_the_owners_are_free() {
    let served = Served::peer().await;
    let (_handle, address) = public(&served);
    let held = move || {
        the_next_one_waits(
            address,
            MAX_CONNECTIONS,
            "GET / HTTP/1.1\r\nhost: any.example\r\n\r\n",
            // The streams first. The others say nothing, and may do that for longer than all of this takes.
            |number| {
                let mut stream = TcpStream::connect(address).unwrap();
                if number <= MAX_PUBLIC_STREAMS {
                    let request = b"GET /live HTTP/1.1\r\nhost: any.example\r\n\r\n";
                    stream.write_all(request).unwrap();
                    assert!(head_of(&mut stream).starts_with("HTTP/1.1 200"));
                }
                stream
            },
        );
    };
    tokio::task::spawn_blocking(held).await.unwrap();
    served.ask("GET", "/status").await;
}
