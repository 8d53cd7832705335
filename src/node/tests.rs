//! The panic hook, on this test program run as a process of its own.

use super::*;
use crate::store::{OpenOptions, RocksDisk, Role};
use actix::Arbiter;
use std::process::Command;

/// Says to [`a_process_whose_thread_panics`] which thread it is to be.
const THREAD: &str = "PANICKING_THREAD";

/// What it ends with if it outlives the panic.
const OUTLIVED: i32 = 3;

#[test]
fn a_panic_on_any_thread_ends_the_process() {
    for thread in ["plain", "pool", "arbiter", "main"] {
        let program = std::env::current_exe().unwrap();
        let test = "node::tests::a_process_whose_thread_panics";
        let mut command = Command::new(program);
        command.args(["--exact", test]).env(THREAD, thread);
        let ended = command.output().unwrap();
        assert_eq!(ended.status.code(), Some(PANIC_CODE), "{thread}: {ended:?}");
    }
}

/// Does nothing unless it is the process that the test above starts.
#[test]
fn a_process_whose_thread_panics() {
    let Ok(thread) = std::env::var(THREAD) else {
        return;
    };
    // An open database has threads of its own, which must not keep the process from ending.
    let directory = tempfile::tempdir().unwrap();
    let options = OpenOptions::new(Role::Peer);
    let _disk = RocksDisk::open(directory.path(), &options).unwrap();
    end_with_a_panic();
    let panic = || panic!("on purpose");
    match thread.as_str() {
        "plain" => drop(std::thread::spawn(panic)),
        "pool" => rayon::spawn(panic),
        "arbiter" => actix::System::new().block_on(async {
            let arbiter = Arbiter::new();
            arbiter.spawn_fn(panic);
            tokio::time::sleep(2 * LAST_WORDS).await;
        }),
        _ => panic(),
    }
    std::thread::sleep(2 * LAST_WORDS);
    std::process::exit(OUTLIVED);
}
