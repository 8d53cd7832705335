//! The schema: which keys a role has, what each accepts, and its default.

use super::kind::Kind;
use super::{PeerSettings, TrackerSettings};

/// What holds when the file does not give a key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Given {
    /// This value, written as TOML.
    Default(&'static str),
    /// Nothing: it must be given. The text is an example, as TOML.
    Required(&'static str),
    /// A value made from other keys. The text is an example, as TOML.
    Derived(&'static str),
}

impl Given {
    /// A right value, written as TOML.
    pub(super) fn example(self) -> &'static str {
        match self {
            Self::Default(text) | Self::Required(text) | Self::Derived(text) => text,
        }
    }
}

/// One key within its section.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) given: Given,
    /// What it is for, as lines with a leading space.
    pub(super) doc: &'static [&'static str],
}

/// A table of the file: keys, then further tables.
#[derive(Debug)]
pub(super) struct Section {
    /// What it is about, as lines with a leading space.
    pub(super) doc: &'static [&'static str],
    pub(super) keys: &'static [Key],
    pub(super) sections: &'static [(&'static str, &'static Section)],
}

/// Declares one section of the file: the typed settings and the schema, from the same lines.
///
/// The documentation of a key is its field's and stands above it in the template, too.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $key:ident: $type:ty = $kind:expr, $given:expr;
            )+
        }
        $($part:ident: $part_type:ident,)*
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $(
                $(#[doc = $doc])+
                pub $key: $type,
            )+
            $(
                #[doc = concat!("The section `[", stringify!($part), "]`.")]
                pub $part: $part_type,
            )*
        }

        impl $name {
            pub(in crate::settings) const SECTION: schema::Section = schema::Section {
                doc: &[$($about),+],
                keys: &[$(
                    schema::Key {
                        name: stringify!($key),
                        kind: $kind,
                        given: $given,
                        doc: &[$($doc),+],
                    },
                )+],
                sections: &[$((stringify!($part), &$part_type::SECTION),)*],
            };
        }
    };
}
pub(super) use section;

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Peer,
    Tracker,
}

impl Role {
    /// The key that picks the role. It is part of no section: the sections depend on it.
    pub(super) const KEY: &str = "role";

    /// What the key accepts.
    pub(super) const KIND: Kind = Kind::Choice(&["peer", "tracker"]);

    /// The role of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Peer, Self::Tracker]
            .into_iter()
            .find(|role| role.name() == name)
    }

    /// As written in the file.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Peer => "peer",
            Self::Tracker => "tracker",
        }
    }

    /// The other one.
    pub(super) fn other(self) -> Self {
        match self {
            Self::Peer => Self::Tracker,
            Self::Tracker => Self::Peer,
        }
    }

    /// The whole file of this role.
    pub(super) fn root(self) -> &'static Section {
        match self {
            Self::Peer => &PeerSettings::SECTION,
            Self::Tracker => &TrackerSettings::SECTION,
        }
    }

    /// Every key of this role with its path: `listen`, `api.listen`.
    pub(super) fn keys(self) -> Vec<(String, &'static Key)> {
        let root = self.root();
        let mut keys: Vec<_> = root
            .keys
            .iter()
            .map(|key| (key.name.to_owned(), key))
            .collect();
        for (name, section) in root.sections {
            keys.extend(
                section
                    .keys
                    .iter()
                    .map(|key| (format!("{name}.{}", key.name), key)),
            );
        }
        keys
    }

    /// The key at `path`.
    pub(super) fn key(self, path: &str) -> Option<&'static Key> {
        self.keys()
            .into_iter()
            .find_map(|(at, key)| (at == path).then_some(key))
    }

    /// Whether `path` is the name of a section.
    pub(super) fn has_section(self, path: &str) -> bool {
        self.root().sections.iter().any(|(name, _)| *name == path)
    }
}
