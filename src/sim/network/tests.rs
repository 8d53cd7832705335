//! Lines that behave as TCP over a bad network does.

use super::*;
use crate::net::{Listener, Transport};
use std::io::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::LocalSet;

/// Runs a test on two hosts, 50 ms apart, in simulated time.
fn on_two_hosts<F: Future<Output = ()>>(test: impl FnOnce(Network) -> F) {
    let runtime = crate::sim::world::runtime();
    LocalSet::new().block_on(&runtime, async {
        let names = vec!["one".to_owned(), "other".to_owned()];
        let trace = Trace::new(Instant::now(), names);
        let line = Line {
            delay_ms: (50, 50),
            lost_permille: 0,
            bytes_per_second: None,
        };
        let network = Network::new(2, line, Chance::of(1, "network"), trace);
        network.power_on(0);
        network.power_on(1);
        test(network).await;
    });
}

async fn listening(network: &Network) -> Box<dyn Listener> {
    let transport = SimTransport::new(network.clone(), 1);
    transport.listen(address(1)).await.unwrap()
}

async fn dial(network: &Network) -> std::io::Result<Connection> {
    let transport = SimTransport::new(network.clone(), 0);
    transport.dial(address(1).to_string()).await
}

async fn connected(network: &Network) -> (Connection, Connection, Box<dyn Listener>) {
    let mut listener = listening(network).await;
    let dialled = dial(network).await.unwrap();
    let accepted = listener.accept().await.unwrap();
    (dialled, accepted, listener)
}

async fn read(connection: &mut Connection) -> std::io::Result<Vec<u8>> {
    let mut buffer = [0; 64];
    let count = connection.reader.read(&mut buffer).await?;
    Ok(buffer[..count].to_vec())
}

#[test]
fn bytes_take_their_time_and_keep_their_order() {
    on_two_hosts(|network| async move {
        let begun = Instant::now();
        let (mut one, mut other, _listener) = connected(&network).await;
        assert_eq!(begun.elapsed(), Duration::from_millis(100));
        one.writer.write_all(b"first").await.unwrap();
        one.writer.write_all(b"second").await.unwrap();
        assert_eq!(read(&mut other).await.unwrap(), b"first");
        assert_eq!(read(&mut other).await.unwrap(), b"second");
        assert_eq!(begun.elapsed(), Duration::from_millis(150));
        drop(one);
        assert_eq!(read(&mut other).await.unwrap(), b"");
    });
}

#[test]
fn what_a_cut_holds_back_comes_after_it() {
    on_two_hosts(|network| async move {
        let (mut one, mut other, _listener) = connected(&network).await;
        network.cut(0, 1);
        let begun = Instant::now();
        one.writer.write_all(b"held").await.unwrap();
        other.writer.write_all(b"not held").await.unwrap();
        assert_eq!(read(&mut one).await.unwrap(), b"not held");
        let nothing = tokio::time::timeout(Duration::from_secs(8), read(&mut other));
        assert!(nothing.await.is_err());
        network.heal(0, 1);
        assert_eq!(read(&mut other).await.unwrap(), b"held");
        // By the sender's next try, which is at most as long after the heal as the outage was.
        assert!(begun.elapsed() <= Duration::from_secs(17));
    });
}

#[test]
fn a_host_without_power_is_silent_and_one_that_is_back_knows_of_nothing() {
    on_two_hosts(|network| async move {
        let (mut one, other, listener) = connected(&network).await;
        network.power_off(1);
        drop((other, listener));
        let silence = tokio::time::timeout(Duration::from_secs(60), read(&mut one));
        assert!(silence.await.is_err());
        network.power_on(1);
        one.writer.write_all(b"there?").await.unwrap();
        let reset = read(&mut one).await.unwrap_err();
        assert_eq!(reset.kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_dial_is_refused_where_nobody_listens_and_ends_where_nobody_is() {
    on_two_hosts(|network| async move {
        let refused = dial(&network).await.err().map(|error| error.kind());
        assert_eq!(refused, Some(ErrorKind::ConnectionRefused));
        network.power_off(1);
        let begun = Instant::now();
        let late = dial(&network).await.err().map(|error| error.kind());
        assert_eq!(late, Some(ErrorKind::TimedOut));
        assert_eq!(begun.elapsed(), Duration::from_secs(10));
    });
}

#[test]
fn who_does_not_read_makes_the_writer_wait() {
    on_two_hosts(|network| async move {
        let (mut one, _other, _listener) = connected(&network).await;
        let endless = async { while one.writer.write_all(&[7; 1024]).await.is_ok() {} };
        let waits = tokio::time::timeout(Duration::from_secs(1), endless);
        assert!(waits.await.is_err());
        assert_eq!(network.sent(0), WINDOW as u64);
    });
}
