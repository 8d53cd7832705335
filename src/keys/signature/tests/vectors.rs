//! Fixed signatures with their verdicts, as PROTOCOL.md publishes them.

use super::super::{PublicKey, Signature, SignatureError, SignatureItem};

/// One published signature.
pub(super) struct Vector {
    pub key: &'static str,
    pub message: &'static str,
    pub signature: &'static str,
    pub verdict: Result<(), SignatureError>,
    pub why: &'static str,
}

impl Vector {
    pub fn item(&self) -> SignatureItem {
        SignatureItem {
            key: self.key.parse::<PublicKey>().unwrap(),
            message: crate::canonical::from_hex(self.message).unwrap(),
            signature: self.signature.parse::<Signature>().unwrap(),
        }
    }
}

pub(super) const VECTORS: &[Vector] = &[
    Vector {
        key: "d338ae7cd8029e72b96a01037812ba73df14d859290a5aa75f7ea891b212a7d7",
        message: "1a0d12016999e47689dae5744d2b8c1903faf7ca2886a658150083100ef2c8ee",
        signature: "1889eccc74ded8be0aa319dced4acc4d428aae622b1f84dfb2dceb851748cc4085ccfb09bda6472399c35d86100e000131bd3e65814efba27075fd08afa66f06",
        verdict: Ok(()),
        why: "an ordinary signature",
    },
    Vector {
        key: "597ac03a38b586e9ed396f3451b0d7cd0d2c95fcde237abb26a746ff813b1f87",
        message: "1a0d12016999e47689dae5744d2b8c1903faf7ca2886a658150083100ef2c8ee",
        signature: "1889eccc74ded8be0aa319dced4acc4d428aae622b1f84dfb2dceb851748cc408786a6d3b0c2e470d475cdad86ff69daed245dd4249f2c8e9087186975c2e70b",
        verdict: Ok(()),
        why: "the key has a small-order part: the cofactor cancels it",
    },
    Vector {
        key: "d338ae7cd8029e72b96a01037812ba73df14d859290a5aa75f7ea891b212a7d7",
        message: "1a0d12016999e47689dae5744d2b8c1903faf7ca2886a658150083100ef2c8ee",
        signature: "1a8c36a026a4c2d09a151cd4f819b334bf88b0f1b7205a115f6f3af96d18802839b2b39fdfcf57629d69f9e415dd4527948bffcbbd484e679ad83e944d37bf0a",
        verdict: Ok(()),
        why: "R has a small-order part: the cofactor cancels it",
    },
    Vector {
        key: "94853fc5c74a791612c690cbae4f2832f2d36a0321dc8544d958b9007ec4e078",
        message: "1a0d12016999e47689dae5744d2b8c1903faf7ca2886a658150083100ef2c8ee",
        signature: "d57613338b212741f55ce62312b533b2bd75519dd4e07b204d23147ae8b733bf9f7c856812f63937b5db36be9b77bed9f4a38640da2e010097ceb4a88220c60b",
        verdict: Ok(()),
        why: "the key and R both have small-order parts",
    },
    Vector {
        key: "d338ae7cd8029e72b96a01037812ba73df14d859290a5aa75f7ea891b212a7d7",
        message: "1a0d12016999e47689dae5744d2b8c1903faf7ca2886a658150083100ef2c8ee",
        signature: "01000000000000000000000000000000000000000000000000000000000000006a2ceed0cfd1f4a2a179e89abfc0ebd93c1376c579ae7ba74af7ca087b10cc01",
        verdict: Ok(()),
        why: "R is the neutral point",
    },
    Vector {
        key: "d338ae7cd8029e72b96a01037812ba73df14d859290a5aa75f7ea891b212a7d7",
        message: "1a0d12016999e47689dae5744d2b8c1903faf7ca2886a658150083100ef2c8ee",
        signature: "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037aaae9f47bcda065989e82a8499c016fc4c37e078a9fbb8261644c34035b55800c",
        verdict: Ok(()),
        why: "R is a point of order 8",
    },
    Vector {
        key: "d338ae7cd8029e72b96a01037812ba73df14d859290a5aa75f7ea891b212a7d7",
        message: "1a0d12016999e47689dae5744d2b8c1903faf7ca2886a658150083100ef2c8ee",
        signature: "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7fe81cc6bfda155d303027d7bf610e5000c97e0922a0602f94a9150500b08e2a00",
        verdict: Ok(()),
        why: "R is the neutral point, y spelled p + 1",
    },
    Vector {
        key: "d338ae7cd8029e72b96a01037812ba73df14d859290a5aa75f7ea891b212a7d7",
        message: "1a0d12016999e47689dae5744d2b8c1903faf7ca2886a658150083100ef2c8ee",
        signature: "0100000000000000000000000000000000000000000000000000000000000080e695d0cd1b088858c54fb2e6d025182999882f9ff638645cab03fcdcd169650d",
        verdict: Ok(()),
        why: "R is the neutral point, with the sign of a zero",
    },
    Vector {
        key: "d338ae7cd8029e72b96a01037812ba73df14d859290a5aa75f7ea891b212a7d7",
        message: "1a0d12016999e47689dae5744d2b8c1903faf7ca2886a658150083100ef2c8ee",
        signature: "1889eccc74ded8be0aa319dced4acc4d428aae622b1f84dfb2dceb851748cc4072a0f166d7095a7b6f605529ef07df1531bd3e65814efba27075fd08afa66f16",
        verdict: Err(SignatureError::Invalid),
        why: "S is not below the order of the group: S + L",
    },
    Vector {
        key: "d338ae7cd8029e72b96a01037812ba73df14d859290a5aa75f7ea891b212a7d7",
        message: "1a0d12016999e47689dae5744d2b8c1903faf7ca2886a658150083100ef2c8ee",
        signature: "020000000000000000000000000000000000000000000000000000000000000086cdce887613471c0aa48d844e4068211701125e30bd43837f2978aa0f94bf0a",
        verdict: Err(SignatureError::Invalid),
        why: "R is not a point",
    },
    Vector {
        key: "d338ae7cd8029e72b96a01037812ba73df14d859290a5aa75f7ea891b212a7d7",
        message: "1b0d12016999e47689dae5744d2b8c1903faf7ca2886a658150083100ef2c8ee",
        signature: "1889eccc74ded8be0aa319dced4acc4d428aae622b1f84dfb2dceb851748cc4085ccfb09bda6472399c35d86100e000131bd3e65814efba27075fd08afa66f06",
        verdict: Err(SignatureError::Invalid),
        why: "another message",
    },
    Vector {
        key: "0100000000000000000000000000000000000000000000000000000000000000",
        message: "1a0d12016999e47689dae5744d2b8c1903faf7ca2886a658150083100ef2c8ee",
        signature: "1889eccc74ded8be0aa319dced4acc4d428aae622b1f84dfb2dceb851748cc40683ca00614899823aec0a8c92a64b87bc9d5eeff17f4ae87c78f4caac7a73c0a",
        verdict: Err(SignatureError::KeySmallOrder),
        why: "the key is the neutral point",
    },
    Vector {
        key: "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        message: "1a0d12016999e47689dae5744d2b8c1903faf7ca2886a658150083100ef2c8ee",
        signature: "1889eccc74ded8be0aa319dced4acc4d428aae622b1f84dfb2dceb851748cc40683ca00614899823aec0a8c92a64b87bc9d5eeff17f4ae87c78f4caac7a73c0a",
        verdict: Err(SignatureError::KeySmallOrder),
        why: "the key is a point of order 8",
    },
    Vector {
        key: "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        message: "1a0d12016999e47689dae5744d2b8c1903faf7ca2886a658150083100ef2c8ee",
        signature: "1889eccc74ded8be0aa319dced4acc4d428aae622b1f84dfb2dceb851748cc40683ca00614899823aec0a8c92a64b87bc9d5eeff17f4ae87c78f4caac7a73c0a",
        verdict: Err(SignatureError::KeyNotCanonical),
        why: "the key is the neutral point, y spelled p + 1",
    },
    Vector {
        key: "0100000000000000000000000000000000000000000000000000000000000080",
        message: "1a0d12016999e47689dae5744d2b8c1903faf7ca2886a658150083100ef2c8ee",
        signature: "1889eccc74ded8be0aa319dced4acc4d428aae622b1f84dfb2dceb851748cc40683ca00614899823aec0a8c92a64b87bc9d5eeff17f4ae87c78f4caac7a73c0a",
        verdict: Err(SignatureError::KeyNotCanonical),
        why: "the key is the neutral point, with the sign of a zero",
    },
    Vector {
        key: "0200000000000000000000000000000000000000000000000000000000000000",
        message: "1a0d12016999e47689dae5744d2b8c1903faf7ca2886a658150083100ef2c8ee",
        signature: "1889eccc74ded8be0aa319dced4acc4d428aae622b1f84dfb2dceb851748cc40359e2022752b5188b52bc715c0b2351dd2e7f07a53da92567e7406bf7e13ed09",
        verdict: Err(SignatureError::KeyNotAPoint),
        why: "the key is not a point",
    },
];
