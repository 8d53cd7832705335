//! Cases made from others. Always the same ones from the same seed.

pub struct Mutator(u64);

/// What counts and lengths are compared with somewhere.
const EDGES: [u8; 14] = [
    0x00, 0x01, 0x0f, 0x10, 0x7f, 0x80, 0x90, 0x9f, 0xc0, 0xc4, 0xdc, 0xdd, 0xfe, 0xff,
];

impl Mutator {
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`, or 0.
    fn below(&mut self, end: usize) -> usize {
        match end {
            0 => 0,
            end => (self.next() >> 11) as usize % end,
        }
    }

    /// A case of at most `most` bytes.
    pub fn case(&mut self, seeds: &[Vec<u8>], most: usize) -> Vec<u8> {
        if self.below(32) == 0 {
            let length = self.below(200);
            return (0..length).map(|_| self.next() as u8).collect();
        }
        let at = self.below(seeds.len());
        let mut case = seeds[at].clone();
        for _ in 0..=self.below(4) {
            self.change(&mut case, seeds);
        }
        case.truncate(most);
        case
    }

    fn change(&mut self, case: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.below(case.len());
        let length = 1 + self.below(16);
        let end = (at + length).min(case.len());
        match self.below(9) {
            _ if case.is_empty() => case.push(self.next() as u8),
            0 => case[at] ^= 1 << self.below(8),
            1 => case[at] = self.next() as u8,
            2 => case[at] = EDGES[self.below(EDGES.len())],
            3 => drop(case.drain(at..end)),
            4 => case.truncate(at),
            5 => {
                let piece = case[at..end].to_vec();
                case.splice(at..at, piece);
            }
            6 => {
                let bytes: Vec<u8> = (0..length).map(|_| self.next() as u8).collect();
                case.splice(at..at, bytes);
            }
            7 => {
                let byte = EDGES[self.below(EDGES.len())];
                case[at..end].fill(byte);
            }
            _ => {
                // The end of another.
                let other = &seeds[self.below(seeds.len())];
                let from = self.below(other.len());
                case.truncate(at);
                case.extend_from_slice(&other[from..]);
            }
        }
    }
}
