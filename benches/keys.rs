//! What a member's keys can do on one core: signatures, sealed notes, and unlocking a wallet.
//! `cargo bench --bench keys`.
//!
//! The best of several short rounds counts, so that the figures hold on a busy machine.

use std::hint::black_box;
use std::time::Instant;

use raclette::entropy::OsEntropy;
use raclette::keys::{
    Lock, NOTE_CLASSES, NoteContext, NoteSeed, NoteText, Passphrase, SIGNATURE_BATCH, SecretKey,
    SignatureItem, Stored, WalletFile, verify, verify_batch,
};
use zeroize::Zeroizing;

/// Rounds of each.
const ROUNDS: usize = 20;
/// Notes, and single signatures, in a round.
const PIECES: usize = 50;
/// Rounds of unlocking, which takes long.
const UNLOCKINGS: usize = 5;

fn main() {
    let [alice, bob] = [1, 2].map(|byte| SecretKey::from_bytes([byte; 32]));
    signatures(&alice);
    for length in [NOTE_CLASSES[0], NOTE_CLASSES[2], NOTE_CLASSES[5]] {
        notes(&alice, &bob, length);
    }
    unlocking(&alice);
}

/// Seconds a piece in the best round.
fn best(rounds: usize, pieces: usize, mut round: impl FnMut()) -> f64 {
    let seconds = (0..rounds).map(|_| {
        let begin = Instant::now();
        round();
        begin.elapsed().as_secs_f64() / pieces as f64
    });
    seconds.fold(f64::INFINITY, f64::min)
}

fn row(what: &str, seconds: f64) {
    let micros = seconds * 1e6;
    println!("{what:<34}{:>12.0} 1/s{micros:>12.1} us", 1.0 / seconds);
}

fn signatures(alice: &SecretKey) {
    let key = alice.public_key();
    let items: Vec<_> = (0..SIGNATURE_BATCH as u64)
        .map(|number| {
            let message = *blake3::hash(&number.to_le_bytes()).as_bytes();
            SignatureItem {
                key,
                message,
                signature: alice.sign(&message),
            }
        })
        .collect();
    let some = &items[..PIECES];
    let sign = best(ROUNDS, PIECES, || {
        for item in some {
            black_box(alice.sign(&item.message));
        }
    });
    let single = best(ROUNDS, PIECES, || {
        for item in some {
            verify(&key, &item.message, &item.signature).unwrap();
        }
    });
    let batch = best(ROUNDS, items.len(), || {
        assert!(verify_batch(&items).iter().all(Result::is_ok));
    });
    row("sign", sign);
    row("verify, one by one", single);
    row("verify, 256 at once", batch);
}

fn notes(alice: &SecretKey, bob: &SecretKey, length: usize) {
    let text = NoteText::new("x".repeat(length)).unwrap();
    let about = NoteContext {
        network: [7; 32],
        sender: alice.public_key(),
        recipient: bob.public_key(),
        salt: [8; 16],
    };
    let (to, seed) = (bob.sealing_key(), NoteSeed::default());
    let note = alice.seal_note(&to, &about, &text, &seed).unwrap();
    let seal = best(ROUNDS, PIECES, || {
        for _ in 0..PIECES {
            black_box(alice.seal_note(&to, &about, &text, &seed).unwrap());
        }
    });
    let open = best(ROUNDS, PIECES, || {
        for _ in 0..PIECES {
            black_box(bob.open_note(&about, &note).unwrap());
        }
    });
    row(&format!("seal a note of {length} bytes"), seal);
    row(&format!("open it ({} bytes sealed)", note.len()), open);
}

fn unlocking(alice: &SecretKey) {
    let passphrase = Passphrase::given(Zeroizing::new("eight mountains".to_owned())).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = WalletFile::new(directory.path().join("key.pem"));
    let lock = Lock::new(&passphrase, &OsEntropy).unwrap();
    file.create(alice, Some(&lock)).unwrap();
    let Stored::Locked(locked) = file.read().unwrap() else {
        panic!("it was locked");
    };
    let seconds = best(UNLOCKINGS, 1, || {
        black_box(locked.unlock(&passphrase).unwrap());
    });
    row("unlock a wallet", seconds);
}
