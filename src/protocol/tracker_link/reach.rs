//! Whether others can dial this node. The tracker dials each member back and tells everybody of each whether
//! that went well; whom nobody can dial has to hear it itself.

use super::{Effect, TrackerLink};
use crate::clock::SteadyTime;
use crate::membership::Address;

/// For how long the tracker may not have reached us before that is told, in milliseconds. It visits whoever
/// has registered within ten seconds, and gives up after five.
pub const REACH_PATIENCE_MS: u64 = 20_000;

/// Whether others can dial this node, by the word of its tracker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// The tracker is away, or has not tried for long enough.
    #[default]
    Unknown,
    /// It could.
    Reached,
    /// It got no answer at any address that we named.
    NotReached,
}

/// What is known of it.
#[derive(Debug, Default)]
pub(super) struct ReachWatch {
    reach: Reach,
    /// What was told last.
    told: Reach,
    /// Since when the tracker says that it does not reach us.
    missed_since: Option<SteadyTime>,
}

impl TrackerLink {
    /// Whether others can dial this node.
    pub fn reach(&self) -> Reach {
        self.reach.reach
    }

    /// If nobody can dial this node: that, and what its owner can do about it.
    pub fn unreached(&self) -> Option<String> {
        (self.reach.reach == Reach::NotReached)
            .then(|| advice(&self.config.addresses, &self.address))
    }

    pub(super) fn watch_reach(&mut self, now: SteadyTime) {
        let own = self.directory.by_key(&self.config.key);
        let reached = own
            .filter(|_| self.is_registered())
            .map(|own| own.reachable);
        let watch = &mut self.reach;
        watch.reach = match reached {
            None => {
                watch.missed_since = None;
                Reach::Unknown
            }
            Some(true) => {
                watch.missed_since = None;
                Reach::Reached
            }
            Some(false) => {
                let since = *watch.missed_since.get_or_insert(now);
                if now.since(since) >= REACH_PATIENCE_MS {
                    Reach::NotReached
                } else {
                    Reach::Unknown
                }
            }
        };
        let is_news = match watch.reach {
            Reach::Unknown => false,
            // That all is well is told only to whom the contrary was.
            Reach::Reached => watch.told == Reach::NotReached,
            Reach::NotReached => watch.told != Reach::NotReached,
        };
        if is_news {
            watch.told = watch.reach;
            self.decided.at_once(Effect::Reach(watch.reach));
        }
    }
}

/// What to do, in words, if nobody answers at `own` addresses as far as the tracker at `tracker` sees.
pub(super) fn advice(own: &[Address], tracker: &Address) -> String {
    let all = own.iter().map(Address::as_str).collect::<Vec<_>>();
    let all = all.join(", ");
    if own.iter().all(is_of_this_machine) && !is_of_this_machine(tracker) {
        let port = own.first().and_then(|own| own.as_str().rsplit_once(':'));
        let port = port.map_or("PORT", |(_, port)| port);
        return format!(
            "others can't dial this node: the address that it names, {all}, means each machine itself. \
             Write listen = \"0.0.0.0:{port}\" and advertise = [\"HOST:{port}\"] into its settings, with \
             the name or number under which others find this machine, and start it again"
        );
    }
    format!(
        "others can't dial this node: the tracker got no answer at {all}. What it dials itself goes on, but \
         two members whom nobody can dial do not meet. See that others find this machine under that \
         address (\"advertise\" in its settings), that the node listens there (\"listen\"), and that no \
         firewall or router keeps the port shut"
    )
}

/// Whether an address means the machine itself, whoever dials it.
fn is_of_this_machine(address: &Address) -> bool {
    let host = address
        .as_str()
        .rsplit_once(':')
        .map_or("", |(host, _)| host);
    host == "localhost" || host == "[::1]" || host.starts_with("127.")
}
