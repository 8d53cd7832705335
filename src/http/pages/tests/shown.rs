//! Members, coins, lines of the log: what is shown of them, and how they are found.

use super::*;
use crate::owner::answers::PeerStatusView;

#[actix_web::test]
async fn members_are_listed_by_who_is_here_found_by_a_part_of_a_name_and_offered_as_one_types() {
    let served = Served::peer().await;
    let known = Browser::known(&served).await;
    let row = |page: &Answer, name: &str| page.body.contains(&format!("data-key=\"{name}\""));
    let all = known.get("/members").await;
    assert!(["alice", "bob", "carol"].iter().all(|name| row(&all, name)));
    assert!(all.body.contains("3 of 3 members here now"), "{}", all.body);
    // Few are seen at a glance; many are looked for.
    assert!(!all.body.contains("name=\"matching\""));
    let found = known.get("/members?matching=aro").await;
    assert!(
        row(&found, "carol") && !row(&found, "bob") && found.body.contains("name=\"matching\"")
    );
    let none = known.get("/members?matching=xyz").await;
    assert!(none.body.contains("Nobody is called like that"));
    let behind = known.get("/members?after=here.2").await;
    assert!(row(&behind, "carol") && !row(&behind, "bob"));
    assert!(!row(&known.get("/members?after=away.0").await, "carol"));
    for wrong in ["here.x", "x", "there.1", "here."] {
        assert_eq!(
            known.get(&format!("/members?after={wrong}")).await.status,
            400,
            "{wrong}"
        );
    }
    assert_eq!(
        known.get("/pay/names?typed=o").await.body,
        r#"["bob","carol"]"#
    );
    assert_eq!(known.get("/pay/names?typed=ali").await.body, "[]");
    assert!(known.get("/members/carol").await.body.contains("Here now"));
}

#[actix_web::test]
async fn the_most_that_one_can_have_is_shown_and_told_to_the_last_coin() {
    let served = Served::peer().await;
    let known = Browser::known(&served).await;
    served
        .played
        .riches
        .store(u64::MAX, std::sync::atomic::Ordering::Relaxed);
    let shown = "18\u{202f}446\u{202f}744\u{202f}073\u{202f}709\u{202f}551\u{202f}615 coins";
    for path in ["/", "/members/bob", "/pay", "/pay/with/bob"] {
        let page = known.get(path).await.body;
        // What is queued is kept back of what can be spent.
        let spendable = shown.replace("615", "608");
        assert!(
            page.contains(shown) || page.contains(&spendable),
            "{path}: {page}"
        );
    }
    let told = served.ask("GET", "/balance?of=bob").await;
    assert!(
        told.contains("\"balance\":\"18446744073709551615\""),
        "{told}"
    );
    let token = known.field("/pay", "token").await;
    let form = format!("token={token}&to=bob&amount=18+446+744+073+709+551+615");
    let sent = known.post("/pay", &form).await.body;
    assert!(sent.contains(&format!("this takes {shown}")), "{sent}");
    assert!(sent.contains("you mine a block"), "{sent}");
}

#[actix_web::test]
async fn search_leads_straight_to_what_it_finds() {
    let served = Served::peer().await;
    let known = Browser::known(&served).await;
    let id = served.mined.to_string();
    for (typed, path) in [
        ("carol", "/members/carol".to_owned()),
        ("CAROL", "/members/carol".to_owned()),
        (&id[..12], format!("/network/transactions/{id}")),
    ] {
        let found = known.get(&format!("/search?q={typed}")).await;
        assert_eq!(found.status, 303, "{typed}");
        assert!(
            found.head.contains(&format!("location: {path}\r")) || found.head.ends_with(&path),
            "{typed}: {}",
            found.head
        );
    }
    assert!(
        known
            .get("/search?q=1")
            .await
            .head
            .contains("/network/blocks/")
    );
    let one = known.get("/search?q=1").await.head;
    let (_, path) = one.split_once("location: ").unwrap();
    let path = path.split('\r').next().unwrap();
    for typed in ["block+1", "Block+1", "block+%231", "height+1"] {
        let found = known.get(&format!("/search?q={typed}")).await;
        assert!(found.head.contains(path), "{typed}: {}", found.head);
    }
    assert_eq!(known.get("/search").await.status, 200);
    let beyond = known.get("/search?q=500").await.body;
    assert!(
        beyond.contains("goes up to block 2. Block 500 is not there yet"),
        "{beyond}"
    );
    // An invitation is a secret: what it is is said, and it stands nowhere on the page.
    let invitation = known.get("/search?q=join1QQQSECRET").await.body;
    assert!(
        invitation.contains("This is an invitation into a network"),
        "{invitation}"
    );
    assert!(
        !invitation.to_lowercase().contains("qqqsecret"),
        "{invitation}"
    );
}

#[actix_web::test]
async fn the_log_is_shown_by_level_part_and_value_with_nothing_that_hides() {
    let served = Served::peer().await;
    let logs = served.data_dir().join("logs");
    std::fs::create_dir_all(&logs).unwrap();
    let line = |level: &str, actor: &str, event: &str, block: &str| {
        format!(
            "{{\"time\":\"2026-11-20T21:43:02.123Z\",\"level\":\"{level}\",\"actor\":\"{actor}\",\
             \"event\":\"{event}\",\"block\":\"{block}\"}}\n"
        )
    };
    let text = [
        line("INFO", "ledger", "block connected", "00ab\u{202e}<b>"),
        line("DEBUG", "gossip", "asked for a block", "00cd"),
        "half a li".to_owned(),
    ];
    std::fs::write(logs.join("node.jsonl"), text.concat()).unwrap();
    let known = Browser::known(&served).await;
    let shown = known.get("/network/log").await.body;
    assert!(
        shown.contains("block connected") && shown.contains("\\u{202e}"),
        "{shown}"
    );
    assert!(!shown.contains("asked for a block") && !shown.contains("<b>"));
    let shown = known
        .get("/network/log?level=debug&actor=gossip&about=00c")
        .await
        .body;
    assert!(shown.contains("asked for a block") && !shown.contains("block connected"));
    assert_eq!(known.get("/network/log?level=all").await.status, 400);
}

#[actix_web::test]
async fn a_first_backup_is_asked_for_until_there_is_one() {
    let served = Served::peer().await;
    let known = Browser::known(&served).await;
    let done = "Make a first backup</strong><span class=\"unseen\"> (done)";
    let home = known.get("/").await.body;
    assert!(home.contains("Make a first backup") && !home.contains(done));
    let node = known.get("/network/node").await.body;
    assert!(node.contains("None was made yet") && node.contains("backup DIR</code>"));
    let last = r#"{"made_at_ms":1795210982123,"dir":"/elsewhere"}"#;
    std::fs::write(served.data_dir().join("last-backup.json"), last).unwrap();
    assert!(known.get("/").await.body.contains(done));
    let node = known.get("/network/node").await.body;
    assert!(node.contains("The last one was made"), "{node}");
}

#[actix_web::test]
async fn nobody_is_said_to_mine_only_where_this_node_does_not_either() {
    use super::super::entries::Mood;
    use crate::protocol::mining::Mode;
    let served = Served::peer().await;
    let Owned::Peer(peer) = &served.owned else {
        panic!("it is a peer");
    };
    let mut status = peer.status().await.unwrap();
    let chain = status.chain.as_mut().unwrap();
    chain.tip_age_ms = 3_600_000;
    let said = |status: &PeerStatusView| Mood::of(status).words().map(|words| words.to_string());
    let silent = said(&status).unwrap();
    assert!(silent.contains("Nobody seems to mine"), "{silent}");
    // How long ago goes on by itself.
    assert!(silent.contains("came <time datetime="), "{silent}");
    // Nobody tells whether it will mine: what is to be done stands there at once.
    let chain = status.chain.as_mut().unwrap();
    chain.tip_age_ms = 1_000;
    assert!(said(&status).unwrap().contains("You can mine it, too"));
    // A node that hears of no blocks, or fetches them still, knows nothing of the kind.
    status.chain.as_mut().unwrap().syncing = true;
    assert_eq!(said(&status), None);
    status.chain.as_mut().unwrap().syncing = false;
    status.disconnected = true;
    assert_eq!(said(&status), None);
    status.disconnected = false;
    for mode in [Mode::WhenPending, Mode::Always] {
        status.chain.as_mut().unwrap().mining.mode = mode;
        assert_eq!(said(&status), None, "{mode:?}");
    }
}

#[actix_web::test]
async fn what_waits_for_a_block_is_mined_by_a_press_where_it_is_seen() {
    let served = Served::peer().await;
    let known = Browser::known(&served).await;
    for path in [
        "/network/open".to_owned(),
        format!("/network/transactions/{}", served.open),
    ] {
        let page = known.get(&path).await.body;
        assert!(page.contains("You can mine it, too"), "{path}: {page}");
        assert!(page.contains(">Mine a block</button>"), "{path}: {page}");
    }
}

#[actix_web::test]
async fn a_height_that_is_to_come_stands_with_about_when() {
    let served = Served::peer().await;
    let id = served.queues(1);
    let known = Browser::known(&served).await;
    let page = known.get(&format!("/pay/sent/{id}")).await.body;
    assert!(
        page.contains("block 1\u{202f}000, in about "),
        "998 blocks: {page}"
    );
    assert!(page.contains("if blocks come as usual"), "{page}");
}

#[actix_web::test]
async fn a_block_is_counted_alike_wherever_it_is_seen() {
    let served = Served::peer().await;
    let known = Browser::known(&served).await;
    let blocks = known.get("/network/blocks").await.body;
    for words in [
        "the rules<",
        "only the reward<",
        "1 transaction and the reward<",
    ] {
        assert!(blocks.contains(words), "{words}: {blocks}");
    }
    assert!(!blocks.contains("2 transactions"), "{blocks}");
}

#[actix_web::test]
async fn first_steps_stay_done_and_a_first_block_is_mined_by_a_press() {
    let served = Served::peer().await;
    let known = Browser::known(&served).await;
    let coins = &served.played.riches;
    let order = std::sync::atomic::Ordering::Relaxed;
    let step =
        |home: &str| home.contains("Get a first coin</strong><span class=\"unseen\"> (done)");
    coins.store(5, order);
    assert!(step(&known.get("/").await.body));
    // A coin that was spent was a first one all the same.
    served.played.is_poor.store(true, order);
    let home = known.get("/").await.body;
    assert!(step(&home), "{home}");
    let newcomer = Served::peer().await;
    newcomer.played.is_poor.store(true, order);
    let known = Browser::known(&newcomer).await;
    let home = known.get("/").await.body;
    assert!(!step(&home), "{home}");
    let (_, rest) = home.split_once("Get a first coin").unwrap();
    let (form, _) = rest.split_once("</li>").unwrap();
    assert!(form.contains("action=\"/network/mine\""), "{form}");
}

#[actix_web::test]
async fn no_page_shows_the_signs_around_a_command() {
    let served = Served::waiting_peer().await;
    let known = Browser::known(&served).await;
    let stranger = Browser::stranger(&served);
    let pages = [
        known.get("/pay").await.body,
        known.get("/").await.body,
        known.get("/votes/00").await.body,
        stranger.get("/").await.body,
    ];
    for page in pages {
        let (_, main) = page.split_once("<main").unwrap();
        assert!(!main.contains('`'), "{main}");
    }
    let told = stranger.get("/").await.body;
    assert!(told.contains("<code>node --config "), "{told}");
}

#[actix_web::test]
async fn what_came_is_read_at_home_as_on_its_own_page() {
    let served = Served::peer().await;
    served.receives(2);
    let known = Browser::known(&served).await;
    for path in ["/", "/pay/inbox"] {
        let page = known.get(path).await.body;
        assert!(page.contains("data-mark"), "{path}: {page}");
        assert_eq!(page.matches("name=\"number\"").count(), 2, "{path}: {page}");
    }
}
