//! A tracker whose word is not the ledger's, on the pages.

use super::*;

#[actix_web::test]
async fn the_members_page_says_in_what_the_tracker_and_the_ledger_differ_as_long_as_they_do() {
    use crate::chain::Height;
    use crate::owner::{Comparison, OnLedger};
    use crate::protocol::tracker_word::{Look, TOLERATED_BLOCKS, TrackerWord};
    let served = Served::peer().await;
    let known = Browser::known(&served).await;
    let Owned::Peer(peer) = &served.owned else {
        panic!("it is a peer");
    };
    let says = |word: TrackerWord| {
        peer.note_standing(&Ok(OnLedger::Member), &Comparison::that_found(word));
    };
    let title = "do not agree";
    says(TrackerWord::default());
    assert!(!known.get("/members").await.body.contains(title));
    let mut word = TrackerWord::default();
    let invented = ("mallory".parse().unwrap(), peer.key());
    let mut look = Look {
        joins: true,
        told: vec![invented],
        ..Look::default()
    };
    for height in [0, TOLERATED_BLOCKS] {
        look.height = Height(height);
        word.look(&look);
    }
    says(word);
    let page = known.get("/members").await;
    assert_eq!(page.status, 200);
    let told = ["do not agree", "the tracker names mallory", "as a member"];
    assert!(
        told.iter().all(|part| page.body.contains(part)),
        "{}",
        page.body
    );
}
