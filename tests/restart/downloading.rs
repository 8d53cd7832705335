//! Killed while a long chain comes in.

use super::support::{Grown, Lab, so, wait_until};

/// Length of the chain: more than a second of download, of which the kills come in the first half.
const LONG: u64 = 12_000;
/// How often the newcomer is killed on its way.
const KILLS: u64 = 8;

#[test]
fn restart_kill_9_amid_a_long_download_keeps_all_that_was_shown() {
    let lab = Lab::start();
    let grown = Grown::new(&lab, LONG);
    let mut alice = lab.prepare_peer("alice");
    grown.give(&alice);
    alice.start().joins();
    let mut carol = lab.peer("carol");
    let mut amid = 0;
    for kill in 1..=KILLS {
        let goal = kill * LONG / (2 * KILLS);
        let shown = wait_until("carol is further", || {
            let height = carol.height();
            so(height >= goal, height)?;
            Ok(height)
        });
        carol.kill();
        amid += u64::from(shown < LONG);
        carol.start();
        carol.joins();
        let kept = carol.height();
        assert!(kept >= shown, "{shown} blocks were shown, {kept} are there");
    }
    assert!(
        amid >= KILLS / 2,
        "{amid} of {KILLS} kills came amid the download"
    );
    carol.reaches(&grown.tip());
    carol.verify_chain();
}
