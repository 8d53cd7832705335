//! What a tracker's settings say that its network says otherwise: they have no effect any more.

use super::{Admission, Params};

/// A parameter that is another in the network than somebody thinks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its key in the section `[network]` of a tracker's settings.
    pub key: &'static str,
    /// What is thought, for people.
    pub given: String,
    /// What the network was founded with, for people.
    pub holds: String,
}

impl Params {
    /// What these say that `founded`, those of a genesis block, say otherwise.
    pub fn differences(&self, founded: &Self) -> Vec<Difference> {
        let both = self.shown().into_iter().zip(founded.shown());
        let differ = both.filter(|((_, given), (_, holds))| given != holds);
        let mut all: Vec<_> = differ
            .map(|((key, given), (_, holds))| Difference { key, given, holds })
            .collect();
        // As many, to others or of other amounts.
        if self.allocations != founded.allocations
            && self.allocations.len() == founded.allocations.len()
        {
            all.push(Difference {
                key: "allocations",
                given: "these".to_owned(),
                holds: "others".to_owned(),
            });
        }
        all
    }

    /// Every parameter as people read it, by its key in the settings.
    fn shown(&self) -> Vec<(&'static str, String)> {
        let start_work = self.start_target.expand().map(|target| target.work());
        let recovery = self.recovery.map(|key| key.to_address());
        let admission = match self.admission {
            Admission::Open => "open",
            Admission::Invite => "invite",
        };
        let applications: Vec<_> = self.applications.iter().map(ToString::to_string).collect();
        vec![
            ("name", self.name.to_string()),
            ("block_interval_ms", self.interval_ms.to_string()),
            (
                "start_work",
                start_work.map_or_else(|_| "none".to_owned(), |work| work.to_string()),
            ),
            ("difficulty_window", self.window.to_string()),
            ("growth_blocks", self.growth_blocks.to_string()),
            ("reward", self.reward.to_string()),
            ("halving_blocks", self.halving_blocks.to_string()),
            ("max_block_bytes", self.max_block_bytes.to_string()),
            ("min_fee_per_kib", self.min_fee_per_kib.to_string()),
            ("admission", admission.to_owned()),
            ("gift", self.gift.to_string()),
            ("recovery", recovery.unwrap_or_else(|| "none".to_owned())),
            ("allocations", format!("{} in all", self.allocations.len())),
            ("applications", format!("[{}]", applications.join(", "))),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::Allocation;
    use crate::chain::Amount;
    use crate::chain::testing::{member, params};

    #[test]
    fn what_was_changed_after_the_founding_is_named_with_both_values() {
        let founded = params();
        assert_eq!(founded.differences(&founded), []);
        let mut changed = founded.clone();
        changed.reward = Amount(founded.reward.0 + 7);
        let told = changed.differences(&founded);
        assert_eq!(told.len(), 1);
        assert_eq!(
            (told[0].key, &told[0].given),
            ("reward", &changed.reward.to_string())
        );
        assert_eq!(told[0].holds, founded.reward.to_string());
        // Every other parameter, too: none is forgotten here.
        let mut changed = founded.clone();
        changed.window += 1;
        changed.growth_blocks += 1;
        changed.halving_blocks += 1;
        changed.interval_ms += 1;
        changed.max_block_bytes += 1;
        changed.min_fee_per_kib.0 += 1;
        changed.gift.0 += 1;
        changed.recovery = Some(member(9).public_key());
        let allocation = |amount| Allocation {
            to: member(8).public_key(),
            amount: Amount(amount),
        };
        changed.allocations = vec![allocation(1)];
        let keys: Vec<_> = changed
            .differences(&founded)
            .iter()
            .map(|d| d.key)
            .collect();
        let expected = [
            "block_interval_ms",
            "difficulty_window",
            "growth_blocks",
            "halving_blocks",
            "max_block_bytes",
            "min_fee_per_kib",
            "gift",
            "recovery",
            "allocations",
        ];
        assert_eq!(keys, expected);
        let mut founded = changed.clone();
        founded.allocations = vec![allocation(2)];
        assert_eq!(changed.differences(&founded)[0].key, "allocations");
    }
}
