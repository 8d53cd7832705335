//! Somebody who has nothing but an invitation joins in a browser.

use crate::browser;
use crate::driver::Tab;
use crate::support::{Lab, node, secret_in, so, wait_until};
use raclette::membership::MemberName;
use raclette::owner::answers::{InviteRequest, InvitedView};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Stdio};
use tempfile::TempDir;

/// A process that is ended with this.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An invitation into the network of this lab.
pub fn invitation(lab: &Lab) -> String {
    let request: InviteRequest = serde_json::from_str("{}").unwrap();
    let invited: InvitedView = lab.tracker.try_post("/invite", request).unwrap();
    let invited = serde_json::to_value(&invited).unwrap();
    invited["invitation"].as_str().unwrap().to_owned()
}

/// `node web` in a place where there is no node yet.
pub struct Beginning {
    process: Ended,
    /// What it prints: it would end when nobody reads it any more.
    _told: BufReader<ChildStdout>,
    /// Where it is.
    pub place: TempDir,
    /// Lets one browser in.
    pub link: String,
}

impl Beginning {
    pub fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let mut process = node(["web", "--print", "--json"].map(AsRef::as_ref))
            .current_dir(place.path())
            .stdout(Stdio::piped())
            .spawn()
            .map(Ended)
            .unwrap();
        let mut line = String::new();
        let mut told = BufReader::new(process.0.stdout.take().unwrap());
        told.read_line(&mut line).unwrap();
        let first: serde_json::Value = serde_json::from_str(&line).unwrap();
        let link = first["link"].as_str().unwrap().to_owned();
        Self {
            process,
            _told: told,
            place,
            link,
        }
    }
}

#[test]
fn browser_somebody_joins_by_an_invitation_keeps_the_words_and_is_at_home() {
    let Some(driver) = browser("joining by an invitation") else {
        return;
    };
    let lab = Lab::start_with("admission = \"invite\"\nblock_interval_ms = 100\nstart_work = 64\n");
    let invitation = &invitation(&lab);
    let mut begun = Beginning::new();
    let (place, link) = (begun.place.path().to_owned(), begun.link.clone());

    let tab = driver.tab().at(link.split("/enter").next().unwrap());
    tab.open(&link);
    tab.waits_for("h1", "Join a network");
    // What is wrong is said with its remedy, and nothing was written.
    tab.types("#invitation", "join1nonsense")
        .types("#name", "Dora");
    tab.presses("main form button.main");
    // A name with a capital letter: the rule is said in words, and what was typed stays.
    let said = tab.runs("const name = document.querySelector('#name'); return [name.value, name.validationMessage, name.title].join('; ')");
    let said = said.as_str().unwrap();
    assert!(
        said.starts_with("Dora; ") && said.contains("small letters"),
        "{said}"
    );
    assert!(said.contains("“dora” could be one"), "{said}");
    names_that_are_offered_are_names(&tab);
    tab.runs("document.querySelector('#name').value = ''");
    tab.types("#name", "dora").presses("main form button.main");
    tab.waits_for(".refused", "Not joined.");
    // What was typed is there, to be put right.
    let kept = tab.runs("return document.querySelector('#invitation').value");
    assert_eq!(kept, "join1nonsense");
    assert!(!place.join("peer.toml").exists());
    tab.waits_until(
        "the name is kept",
        "return document.querySelector('#name')?.value === 'dora'",
    );
    tab.runs("document.querySelector('#invitation').value = ''");
    tab.types("#name", "-dara").types("#invitation", invitation);
    tab.presses("main form button.main");
    tab.waits_for("h1", "You can join");
    // A slip in the name: nothing is written yet, and the invitation need not be pasted again.
    assert!(!place.join("peer.toml").exists());
    tab.presses("form[action='/start/again'] button");
    tab.waits_for("h1", "Join a network");
    let kept = "return document.querySelector('#invitation').value + ' ' + document.querySelector('#name').value";
    assert_eq!(tab.runs(kept), format!("{invitation} dora-dara"));
    tab.runs("document.querySelector('#name').value = ''");
    tab.types("#name", "dora").presses("main form button.main");
    tab.waits_for("h1", "You can join");
    for check in [
        "the tracker answers",
        "the name dora is yours",
        "the tracker has tried",
    ] {
        tab.waits_for("#checks", check);
    }
    // Until her node listens there, nobody else takes that place: somebody may join beside her.
    let reached = "return document.querySelector('#checks').textContent.match(/reach this machine at ([^ ]+:\\d+)/)[1]";
    let reached = tab.runs(reached);
    assert!(TcpListener::bind(reached.as_str().unwrap()).is_err());
    let bullets = "return getComputedStyle(document.querySelector('#checks')).listStyleType";
    assert_eq!(tab.runs(bullets), "none");
    tab.presses("form[action='/start/words'] button");
    tab.waits_for("h1", "Write these 24 words down");
    let asked = |label: &str| {
        let script = format!(
            "const n = Number(document.querySelector('label[for={label}]').textContent.match(/\\d+/)[0]);\
             return document.querySelectorAll('ol.words li')[n - 1].textContent"
        );
        tab.runs(&script).as_str().unwrap().to_owned()
    };
    let (first, second) = (asked("first"), asked("second"));
    // They were shown this once.
    let again = tab.runs(
        "const asked = new XMLHttpRequest(); asked.open('POST', '/start/words', false);\
         asked.setRequestHeader('content-type', 'application/x-www-form-urlencoded');\
         asked.send('token=' + document.querySelector('[name=token]').value); return asked.responseText",
    );
    let again = again.as_str().unwrap();
    assert!(again.contains("Your words were shown") && !again.contains("class=\"words\""));
    assert!(again.contains("peer.toml wallet words"), "{again}");
    tab.types("#first", "wrong").types("#second", &second);
    tab.presses("form button.main");
    // The words stay to be compared, and so does what was typed.
    tab.waits_for(".refused", "not the two words");
    assert_eq!((asked("first"), asked("second")), (first.clone(), second));
    tab.runs("document.querySelector('#first').value = ''");
    tab.types("#first", &first).presses("form button.main");
    tab.waits_for("#have", "0 coins");
    tab.waits_for("#standing", "Nobody else is here");
    tab.waits_for("#steps .done", "Write your 24 words down");
    wait_until("the tracker has its member", || {
        let registered = lab.tracker.tracker_status().registered;
        so(registered == 1, registered)
    });
    // A second browser does not come in by the same link.
    let other = driver.another_tab();
    other.open(&link);
    other.waits_for("h1", "not known");

    // The machine is lost: her words, and the invitation that is used up, bring her back on another one.
    let key = fs::read_dir(&place).unwrap().filter_map(|entry| {
        let file = entry.unwrap().path().join("key.pem");
        file.exists().then_some(file)
    });
    let secret = secret_in(&key.last().unwrap());
    begun.process.0.kill().unwrap();
    begun.process.0.wait().unwrap();
    let elsewhere = Beginning::new();
    let link = elsewhere.link.as_str();
    let tab = driver
        .another_tab()
        .at(link.split("/enter").next().unwrap());
    tab.open(link);
    tab.waits_for("h1", "Join a network");
    tab.runs("document.querySelector('#back').open = true");
    let words: Vec<&str> = secret.words().iter().collect();
    tab.types("#invitation", invitation).types("#name", "dora");
    tab.types("#words", &words[1..].join(" "));
    tab.presses("main form button.main");
    tab.waits_for(".refused", "These are 23 words");
    // Where they are typed again is open.
    tab.waits_for("#back[open]", "Type them again");
    tab.types("#words", &words.join(" "));
    tab.presses("main form button.main");
    tab.waits_for("h1", "You can join");
    tab.waits_for("main", "the one that you had");
    tab.presses("form[action='/start/node'] button");
    tab.waits_for("#steps .done", "Write your 24 words down");
    let address = secret.public_key().to_address();
    tab.presses("a.me").waits_until(
        "it is her address",
        &format!("return document.querySelector('#address')?.textContent === '{address}'"),
    );
    wait_until("there is one member still", || {
        let registered = lab.tracker.tracker_status().registered;
        so(registered == 1, registered)
    });
}

/// Whatever is typed: a name that is offered instead is one.
fn names_that_are_offered_are_names(tab: &Tab) {
    let long = "m".repeat(40);
    let cut = "m".repeat(32);
    for (typed, offered) in [
        ("Anna Müller", "anna-mueller"),
        ("änna", "aenna"),
        ("2anna", "anna"),
        ("  Ben ", "ben"),
        ("J.R.R. Straße 7", "j-r-r-strasse-7"),
        ("Zoë--", "zoe"),
        ("--", ""),
        ("42", ""),
        ("李", ""),
        ("Łukasz", "ukasz"),
        (&long, &cut),
        (&format!("{} x", "a".repeat(31)), &"a".repeat(31)),
    ] {
        let script = format!(
            "const name = document.querySelector('#name'); name.value = {};\
             name.dispatchEvent(new Event('input')); return [name.value, name.validationMessage]",
            serde_json::to_string(typed).unwrap()
        );
        let said = tab.runs(&script);
        let (value, message) = (said[0].as_str().unwrap(), said[1].as_str().unwrap());
        assert_eq!(value, typed, "what was typed stays");
        assert!(!message.is_empty(), "{typed}");
        let found = message.split(['“', '”']).nth(1).unwrap_or_default();
        assert_eq!(found, offered, "{typed}: {message}");
        assert!(
            found.is_empty() || found.parse::<MemberName>().is_ok(),
            "{typed}"
        );
    }
    let said = tab.runs("return document.querySelector('#name').validationMessage");
    assert!(said.as_str().unwrap().contains("at most 32"), "{said}");
}
