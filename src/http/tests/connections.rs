//! How many may be connected at a time.

use crate::http::server::MAX_CONNECTIONS;
use crate::http::testing::{Served, head_of, the_next_one_waits};
use crate::http::{ApiFile, BASE};
use std::io::Write;
use std::net::TcpStream;

#[actix_web::test]
async fn the_owners_programs_have_so_many_connections_and_the_next_one_waits() {
    let served = Served::peer().await;
    let ApiFile { address, token, .. } = ApiFile::read(served.data_dir()).unwrap();
    let head = format!("host: {address}\r\nauthorization: Bearer {token}\r\n");
    let held = move || {
        let status = format!("GET {BASE}/status HTTP/1.1\r\n{head}\r\n");
        the_next_one_waits(address, MAX_CONNECTIONS, &status, |_| {
            // A request whose end does not come: its head was read, and the token in it.
            let mut stream = TcpStream::connect(address).unwrap();
            let request = format!(
                "POST {BASE}/mine HTTP/1.1\r\n{head}content-type: application/json\r\n\
                 expect: 100-continue\r\ncontent-length: 100\r\n\r\n"
            );
            stream.write_all(request.as_bytes()).unwrap();
            assert!(head_of(&mut stream).starts_with("HTTP/1.1 100"));
            stream
        });
    };
    tokio::task::spawn_blocking(held).await.unwrap();
}
