//! Signatures, on one core.

use super::rounds::{median, timed};
use crate::keys::{SIGNATURE_BATCH, SecretKey, SignatureItem, verify, verify_batch};
use std::hint::black_box;

/// Seconds for one signature.
pub struct Signing {
    /// To make.
    pub sign: f64,
    /// To check by itself.
    pub single: f64,
    /// To check in a batch.
    pub batch: f64,
}

/// The key of the `number`th sender. Everybody can know it: it is for measuring.
pub fn sender(number: u32) -> SecretKey {
    SecretKey::from_bytes(*blake3::hash(&number.to_le_bytes()).as_bytes())
}

/// The middle one of several rounds counts.
pub fn measure(rounds: usize) -> Signing {
    let keys: Vec<SecretKey> = (0..).take(SIGNATURE_BATCH).map(sender).collect();
    let items: Vec<SignatureItem> = keys.iter().map(signed).collect();
    let one = items.len() as f64;
    let mut measured = [const { Vec::new() }; 3];
    for _ in 0..rounds {
        let rounds: [f64; 3] = [
            timed(|| {
                for (key, item) in keys.iter().zip(&items) {
                    black_box(key.sign(&item.message));
                }
            })
            .0,
            timed(|| {
                for item in &items {
                    black_box(verify(&item.key, &item.message, &item.signature).is_ok());
                }
            })
            .0,
            timed(|| black_box(verify_batch(&items))).0,
        ];
        for (all, seconds) in measured.iter_mut().zip(rounds) {
            all.push(seconds / one);
        }
    }
    let [sign, single, batch] = measured.map(median);
    Signing {
        sign,
        single,
        batch,
    }
}

fn signed(key: &SecretKey) -> SignatureItem {
    let key_bytes = key.public_key();
    let message = *blake3::hash(&key_bytes.0).as_bytes();
    SignatureItem {
        key: key_bytes,
        message,
        signature: key.sign(&message),
    }
}
