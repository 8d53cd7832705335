//! Enums that are sent and stored as a number of one byte.

/// Defines an enum whose values stand for numbers from 0 to 255 in canonical bytes. A number that
/// stands for none of them is refused.
///
/// It reads like the enum, with the code before each variant, and after the name what is said of a
/// number that has no meaning: `"no role has the code 7"`.
macro_rules! coded {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident, $nothing:literal {
            $($(#[$doc:meta])* $code:literal $variant:ident,)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(into = "u8", try_from = "u8")]
        pub enum $name {
            $(
                #[doc = concat!("Code ", stringify!($code), ":")]
                $(#[$doc])*
                $variant,
            )*
        }

        impl From<$name> for u8 {
            fn from(value: $name) -> u8 {
                match value {
                    $($name::$variant => $code,)*
                }
            }
        }

        impl TryFrom<u8> for $name {
            type Error = String;

            fn try_from(code: u8) -> Result<Self, String> {
                match code {
                    $($code => Ok(Self::$variant),)*
                    _ => Err(format!(concat!($nothing, " has the code {}"), code)),
                }
            }
        }
    };
}
pub(crate) use coded;

#[cfg(test)]
mod tests {
    use crate::canonical::{self, Malformed};

    coded! {
        /// Of these tests.
        pub enum Fruit, "no fruit" {
            /// Red.
            0 Apple,
            /// Yellow.
            7 Pear,
        }
    }

    #[test]
    fn a_coded_enum_is_its_number_and_nothing_else() {
        for (fruit, code) in [(Fruit::Apple, 0), (Fruit::Pear, 7)] {
            assert_eq!(canonical::encode(&fruit), [code]);
            assert_eq!(canonical::decode(&[code]), Ok(fruit));
        }
        for code in (1..7).chain(8..=0x7f) {
            let refused = canonical::decode::<Fruit>(&[code]).unwrap_err();
            let said = format!("no fruit has the code {code}");
            assert!(refused.to_string().contains(&said), "{refused}");
        }
        // The same number in a longer form, and above a byte.
        let wide = canonical::decode::<Fruit>(&[0xcc, 7]);
        assert_eq!(wide, Err(Malformed::NotCanonical));
        assert!(canonical::decode::<Fruit>(&[0xcd, 1, 7]).is_err());
    }
}
