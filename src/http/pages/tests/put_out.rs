//! Who was put out, on the pages of whoever hears of it.

use super::*;

#[actix_web::test]
async fn who_is_put_out_stands_apart_with_when_and_why_and_keeps_a_name() {
    let served = Served::peer_that_heard_of_expulsion(3, "sold <b>two</b> votes").await;
    let known = Browser::known(&served).await;
    let members = known.get("/members").await.body;
    let (listed, out) = members.split_once("<h2>Put out</h2>").unwrap();
    assert!(!listed.contains("data-key=\"carol\""), "{listed}");
    for part in [
        "carol",
        "put out</span>",
        "sold &#60;b&#62;two&#60;/b&#62; votes",
        "<time",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    // By the name as by the address.
    let address = crate::owner::testing::secret(3).public_key().to_address();
    for who in ["carol", &address] {
        let page = known.get(&format!("/members/{who}")).await;
        assert_eq!(page.status, 200, "{who}: {}", page.body);
        for part in [
            "Put out of this network",
            "two",
            "No member any more",
            ">carol<",
        ] {
            assert!(page.body.contains(part), "{part}: {}", page.body);
        }
        assert!(!page.body.contains("Pay or write"), "{}", page.body);
        assert!(page.body.contains("</bdi></q>.</p>"), "{}", page.body);
    }
}

#[actix_web::test]
async fn the_talk_with_whoever_is_put_out_or_not_back_yet_stays_and_has_no_form() {
    let bob = crate::owner::testing::secret(2).public_key().to_address();
    for (served, says) in [
        (
            Served::peer_that_heard_of_expulsion(2, "took the cheese").await,
            "took the cheese</bdi></q>.",
        ),
        (
            Served::peer_that_heard_of_readmission(2).await,
            "once its node has come",
        ),
    ] {
        served.receives(1);
        let id = served.queues(1).to_string();
        let known = Browser::known(&served).await;
        for who in ["bob", &bob] {
            let page = known.get(&format!("/pay/with/{who}")).await;
            assert_eq!(page.status, 200, "{who}: {}", page.body);
            for part in [says, &id, "id=\"closed\""] {
                assert!(page.body.contains(part), "{who}, {part}: {}", page.body);
            }
            assert!(!page.body.contains("action=\"/pay\""), "{}", page.body);
        }
    }
    let served = Served::peer().await;
    let page = Browser::known(&served)
        .await
        .get("/pay/with/bob")
        .await
        .body;
    assert!(
        page.contains("action=\"/pay\"") && !page.contains("id=\"closed\""),
        "{page}"
    );
}

#[actix_web::test]
async fn what_waits_at_a_node_that_is_put_out_is_held_and_nothing_there_is_mined_in_vain() {
    let served = Served::peer_that_heard_of_expulsion(1, "spam").await;
    let id = served.queues(1);
    let known = Browser::known(&served).await;
    let sent = format!("/pay/sent/{id}");
    for path in ["/", "/pay", "/pay/outbox", &sent] {
        let page = known.get(path).await.body;
        for part in [
            "Held",
            "because you were put out",
            "sends it again by itself. Reserved",
        ] {
            assert!(page.contains(part), "{path}, {part}: {page}");
        }
        assert!(!page.contains("Try again now"), "{path}: {page}");
    }
    for path in PAGES.iter().filter(|path| !path.starts_with("/pay/names")) {
        let page = known.get(path).await.body;
        assert!(!page.contains("action=\"/network/mine\""), "{path}: {page}");
    }
    let network = known.get("/network").await.body;
    assert!(
        network.contains("do not take what you mine now"),
        "{network}"
    );
    assert!(!network.contains("value=\"always\""), "{network}");
    let others = Served::peer().await;
    let network = Browser::known(&others).await.get("/network").await.body;
    assert!(!network.contains("do not take what you mine"), "{network}");
    assert!(network.contains("value=\"always\""), "{network}");
}

#[actix_web::test]
async fn whoever_is_put_out_is_offered_nothing_that_would_be_refused() {
    let served = Served::peer_that_heard_of_expulsion(1, "spam").await;
    let known = Browser::known(&served).await;
    let members = known.get("/members").await.body;
    assert!(!members.contains("here now."), "{members}");
    assert!(
        members.contains("nobody tells this node who is here"),
        "{members}"
    );
    for (path, form) in [
        ("/votes/records", "data-draft=\"record\""),
        ("/votes", "id=\"open-ballot\""),
    ] {
        let page = known.get(path).await.body;
        assert!(!page.contains(form), "{path}: {page}");
    }
    let records = known.get("/votes/records").await.body;
    assert!(records.contains("it takes no record of yours"), "{records}");
    let others = Served::peer().await;
    let known = Browser::known(&others).await;
    let records = known.get("/votes/records").await.body;
    assert!(records.contains("data-draft=\"record\""), "{records}");
}

#[actix_web::test]
async fn a_tracker_lists_whom_it_put_out_and_asks_before_it_puts_somebody_out() {
    let served = Served::tracker().await;
    let known = Browser::known(&served).await;
    let page = known.get("/").await.body;
    for part in [
        "carol",
        "sold two votes",
        ">Let back<",
        "needs no new invitation",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let token = known.field("/", "token").await;
    let form = format!("token={token}&who=bob&reason=spam");
    let asked = known.post("/members/expel", &form).await;
    assert_eq!(asked.status, 200, "{}", asked.body);
    for part in ["Put <bdi>bob</bdi> out?", "can't be undone", "spam"] {
        assert!(
            asked.body.contains(part) || asked.body.contains(&part.replace('\'', "&#39;")),
            "{part}: {}",
            asked.body
        );
    }
    // What is wrong is said before anything is asked; what is asked is done.
    let wrong = known
        .post(
            "/members/expel",
            &format!("token={token}&who=bbo&reason=spam"),
        )
        .await;
    assert!(wrong.body.contains("Not done."), "{}", wrong.body);
    let done = known
        .post("/members/expel", &format!("{form}&sure=yes"))
        .await;
    assert!(
        done.body.contains("Not done."),
        "the played tracker has no network: {}",
        done.body
    );
}

#[actix_web::test]
async fn an_order_about_a_member_is_said_to_be_taken_where_it_was_given() {
    let served = Served::tracker().await;
    let known = Browser::known(&served).await;
    for (done, in_card) in [
        ("expelled", true),
        ("readmitted", true),
        ("rekeyed", true),
        ("revoked", false),
    ] {
        let page = known.get(&format!("/?done={done}")).await.body;
        let (before, card) = page.split_once("id=\"out\"").unwrap();
        assert_eq!(card.contains("class=\"notice\""), in_card, "{done}: {page}");
        assert_eq!(
            before.contains("class=\"notice\""),
            !in_card,
            "{done}: {page}"
        );
    }
}

#[actix_web::test]
async fn a_payment_that_waits_for_somebody_who_was_put_out_says_so() {
    for (out, says) in [(2, true), (3, false)] {
        let served = Served::peer_that_heard_of_expulsion(out, "left us").await;
        let id = served.queues(1);
        let known = Browser::known(&served).await;
        let page = known.get(&format!("/pay/sent/{id}")).await.body;
        assert_eq!(
            page.contains("was put out of this network.</p>")
                && page.contains("The reason given: “left us”."),
            says,
            "{page}"
        );
    }
}

#[actix_web::test]
async fn whoever_was_let_back_is_found_and_said_to_be_awaited_until_it_comes() {
    let served = Served::peer_that_heard_of_readmission(3).await;
    let known = Browser::known(&served).await;
    for path in ["/members", "/members/carol"] {
        let page = known.get(path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        for part in ["carol", "et back", "within five minutes", "Try now"] {
            assert!(page.body.contains(part), "{path}, {part}: {}", page.body);
        }
        assert!(!page.body.contains("put out</span>"), "{}", page.body);
    }
    let found = known.get("/search?q=carol").await;
    assert!(found.head.contains("/members/carol"), "{}", found.head);
    let served = Served::tracker().await;
    let page = Browser::known(&served).await.get("/").await.body;
    let (_, back) = page.split_once("<h3>Let back</h3>").unwrap();
    assert!(
        back.contains("dora") && back.contains("within five minutes"),
        "{back}"
    );
    assert!(!back.contains("sold two votes"), "{back}");
}

#[actix_web::test]
async fn whoever_is_put_out_reads_why_on_every_page_and_can_have_the_tracker_asked_at_once() {
    let served = Served::peer_that_heard_of_expulsion(1, "sold <b>two</b> votes").await;
    let known = Browser::known(&served).await;
    for path in PAGES.iter().filter(|path| !path.starts_with("/pay/names")) {
        let page = known.get(path).await.body;
        let (_, said) = page.split_once("id=\"put-out-here\"").expect(path);
        for part in [
            "You were put out of this network.",
            "sold &#60;b&#62;two&#60;/b&#62; votes</bdi></q>. Nobody",
            "action=\"/network/try\"",
        ] {
            assert!(said.contains(part), "{path}, {part}: {said}");
        }
        // It hears of no block: that nobody mines, it does not know.
        assert!(!page.contains("Nobody seems to mine"), "{path}");
    }
    let token = known.field("/members", "token").await;
    let form = format!("token={token}&back=%2Fmembers");
    let tried = known.post("/network/try", &form).await;
    assert_eq!(tried.status, 303, "{}", tried.body);
    assert!(
        tried.head.contains("location: /members?done=trying"),
        "{}",
        tried.head
    );
    let others = Served::peer().await;
    let page = Browser::known(&others).await.get("/").await.body;
    assert!(!page.contains("/network/try"), "{page}");
}

#[actix_web::test]
async fn who_was_put_out_keeps_name_and_mark_in_payments_and_messages() {
    let served = Served::peer_that_heard_of_expulsion(2, "left us").await;
    served.receives(1);
    let id = served.queues(1);
    let known = Browser::known(&served).await;
    let sent = format!("/pay/sent/{id}");
    let address = crate::owner::testing::secret(2).public_key().to_address();
    let talk = format!("/pay/with/{address}");
    for path in [
        "/",
        "/pay",
        "/pay/inbox",
        "/pay/outbox",
        &sent,
        &talk,
        "/network/blocks/1",
    ] {
        let page = known.get(path).await.body;
        let (_, main) = page.split_once("<main").unwrap();
        assert!(
            main.contains("<bdi>bob</bdi></span> <span class=\"tag bad\">"),
            "{path}: {main}"
        );
        let short = super::super::show::short(&address);
        assert!(
            !main.contains(&format!("<bdi>{short}</bdi>")),
            "{path}: {main}"
        );
    }
}
