//! BLAKE3's compression, cut the way a nonce search needs it.
//!
//! A header is two input blocks of one chunk. The first never changes within a job, so its
//! chaining value is computed once ([`chaining_value`]). Of the second block only the last word
//! changes in the inner loop; what of round one does not depend on it is computed once per
//! [`Sweep`], and what of round seven the first output word does not need is left out
//! ([`first_word`]).
//!
//! The seven rounds are called one by one, each with its own constant row of [`SCHEDULE`]: a loop
//! over the rows makes the compiler index the message at run time and give up on vectorising.

use super::{HEADER_LEN, WORD_LEN};

/// BLAKE3's initial chaining value (that of SHA-256).
const IV: [u32; 8] = [
    0x6A09_E667,
    0xBB67_AE85,
    0x3C6E_F372,
    0xA54F_F53A,
    0x510E_527F,
    0x9B05_688C,
    0x1F83_D9AB,
    0x5BE0_CD19,
];

/// Bytes of one input block.
const BLOCK_LEN: usize = 64;
/// Words of one input block, and of the compression's state.
const BLOCK_WORDS: usize = BLOCK_LEN / WORD_LEN;
/// Flag of a chunk's first block.
const CHUNK_START: u32 = 1 << 0;
/// Flag of a chunk's last block.
const CHUNK_END: u32 = 1 << 1;
/// Flag of the compression that gives the hash.
const ROOT: u32 = 1 << 3;

/// The order in which each round takes the message words: row by row BLAKE3's permutation,
/// applied once more.
const SCHEDULE: [[usize; BLOCK_WORDS]; 7] = {
    const PERMUTATION: [usize; BLOCK_WORDS] =
        [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
    let mut rows = [[0; BLOCK_WORDS]; 7];
    let mut word = 0;
    while word < BLOCK_WORDS {
        rows[0][word] = word;
        word += 1;
    }
    let mut round = 1;
    while round < 7 {
        let mut word = 0;
        while word < BLOCK_WORDS {
            rows[round][word] = rows[round - 1][PERMUTATION[word]];
            word += 1;
        }
        round += 1;
    }
    rows
};

/// The sixteen words a compression works on.
type State = [u32; BLOCK_WORDS];
/// The sixteen words of an input block.
type Message = [u32; BLOCK_WORDS];

/// First half of BLAKE3's mixing function `G`.
///
/// The message word is added to `a` first: neither waits for `b`, the last result before it.
#[inline(always)]
fn mix_first(v: &mut State, [a, b, c, d]: [usize; 4], word: u32) {
    v[a] = v[a].wrapping_add(word).wrapping_add(v[b]);
    v[d] = (v[d] ^ v[a]).rotate_right(16);
    v[c] = v[c].wrapping_add(v[d]);
    v[b] = (v[b] ^ v[c]).rotate_right(12);
}

/// Second half of BLAKE3's mixing function `G`.
#[inline(always)]
fn mix_second(v: &mut State, lanes: [usize; 4], word: u32) {
    let [a, b, ..] = lanes;
    v[a] = v[a].wrapping_add(word).wrapping_add(v[b]);
    mix_second_tail(v, lanes);
}

/// The second half of `G` after the message word went into `a`.
#[inline(always)]
fn mix_second_tail(v: &mut State, [a, b, c, d]: [usize; 4]) {
    v[d] = (v[d] ^ v[a]).rotate_right(8);
    v[c] = v[c].wrapping_add(v[d]);
    v[b] = (v[b] ^ v[c]).rotate_right(7);
}

/// The state words of the four columns, in the order they are mixed.
const COLUMNS: [[usize; 4]; 4] = [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15]];
/// The state words of the four diagonals, in the order they are mixed.
const DIAGONALS: [[usize; 4]; 4] = [[0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]];

/// Mixes the columns, or the diagonals, of the state.
///
/// The four are taken in step, because they are independent of each other: a processor finds
/// four chains to work on however short its look-ahead is.
#[inline(always)]
fn mix_four(v: &mut State, fours: &[[usize; 4]; 4], words: [u32; 8]) {
    mix_first(v, fours[0], words[0]);
    mix_first(v, fours[1], words[2]);
    mix_first(v, fours[2], words[4]);
    mix_first(v, fours[3], words[6]);
    mix_second(v, fours[0], words[1]);
    mix_second(v, fours[1], words[3]);
    mix_second(v, fours[2], words[5]);
    mix_second(v, fours[3], words[7]);
}

/// The message words one half of a round takes: `half` 0 for the columns, 1 for the diagonals.
#[inline(always)]
fn words(message: &Message, row: &[usize; BLOCK_WORDS], half: usize) -> [u32; 8] {
    let at = half * 8;
    [
        message[row[at]],
        message[row[at + 1]],
        message[row[at + 2]],
        message[row[at + 3]],
        message[row[at + 4]],
        message[row[at + 5]],
        message[row[at + 6]],
        message[row[at + 7]],
    ]
}

/// One whole round.
#[inline(always)]
fn round(v: &mut State, message: &Message, row: &[usize; BLOCK_WORDS]) {
    mix_four(v, &COLUMNS, words(message, row, 0));
    mix_four(v, &DIAGONALS, words(message, row, 1));
}

/// The state before round one: both blocks are full, and a header's only chunk has number 0.
fn initial_state(chaining: &[u32; 8], flags: u32) -> State {
    let mut v = [0; BLOCK_WORDS];
    v[..8].copy_from_slice(chaining);
    v[8..12].copy_from_slice(&IV[..4]);
    v[14] = BLOCK_LEN as u32;
    v[15] = flags;
    v
}

/// The words of block `index` (0 or 1) of a header.
fn block(header: &[u8; HEADER_LEN], index: usize) -> Message {
    let mut words = [0; BLOCK_WORDS];
    let (bytes, _) = header[index * BLOCK_LEN..].as_chunks::<WORD_LEN>();
    for (word, bytes) in words.iter_mut().zip(bytes) {
        *word = u32::from_le_bytes(*bytes);
    }
    words
}

/// The chaining value after a header's first 64 bytes.
pub(super) fn chaining_value(header: &[u8; HEADER_LEN]) -> [u32; 8] {
    let message = block(header, 0);
    let mut v = initial_state(&IV, CHUNK_START);
    for row in &SCHEDULE {
        round(&mut v, &message, row);
    }
    std::array::from_fn(|word| v[word] ^ v[word + 8])
}

/// Everything about a header's second block that stays while only its last word varies.
#[derive(Clone, Debug)]
pub(super) struct Sweep {
    /// The second block; its last word is not read.
    message: Message,
    /// The state in round one at the point where the last word is first needed, which is the
    /// second half of the last diagonal; everything else of the round is done.
    state: State,
}

impl Sweep {
    /// Prepares a sweep over the last word of `header`, whose first block left `chaining`.
    pub(super) fn new(chaining: &[u32; 8], header: &[u8; HEADER_LEN]) -> Self {
        let message = block(header, 1);
        let mut v = initial_state(chaining, CHUNK_END | ROOT);
        let row = &SCHEDULE[0];
        mix_four(&mut v, &COLUMNS, words(&message, row, 0));
        let diagonal = words(&message, row, 1);
        for (lanes, pair) in DIAGONALS
            .into_iter()
            .zip(diagonal.as_chunks::<2>().0)
            .take(3)
        {
            mix_first(&mut v, lanes, pair[0]);
            mix_second(&mut v, lanes, pair[1]);
        }
        let last @ [a, b, ..] = DIAGONALS[3];
        mix_first(&mut v, last, diagonal[6]);
        v[a] = v[a].wrapping_add(v[b]);
        Self { message, state: v }
    }
}

/// The first word of the hash of the sweep's header when its last word is `last`.
///
/// The arithmetic of one lane of every kernel.
#[inline(always)]
pub(super) fn first_word(sweep: &Sweep, last: u32) -> u32 {
    let mut v = sweep.state;
    let mut m = sweep.message;
    m[BLOCK_WORDS - 1] = last;

    // The rest of round one.
    let diagonal = DIAGONALS[3];
    v[diagonal[0]] = v[diagonal[0]].wrapping_add(last);
    mix_second_tail(&mut v, diagonal);

    round(&mut v, &m, &SCHEDULE[1]);
    round(&mut v, &m, &SCHEDULE[2]);
    round(&mut v, &m, &SCHEDULE[3]);
    round(&mut v, &m, &SCHEDULE[4]);
    round(&mut v, &m, &SCHEDULE[5]);
    // Results of round seven that the first word does not use cost nothing: the compiler drops
    // them, and with them two of the four diagonals.
    round(&mut v, &m, &SCHEDULE[6]);
    v[0] ^ v[8]
}
