//! Somebody who has nothing but an invitation joins in a browser.

use crate::browser;
use crate::support::{Lab, node, so, wait_until};
use raclette::owner::answers::{InviteRequest, InvitedView};
use std::io::{BufRead, BufReader};
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
    _process: Ended,
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
            _process: process,
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
    let begun = Beginning::new();
    let (place, link) = (&begun.place, begun.link.as_str());

    let tab = driver.tab().at(link.split("/enter").next().unwrap());
    tab.open(link);
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
    tab.runs("document.querySelector('#name').value = ''");
    tab.types("#name", "dora").presses("main form button.main");
    tab.waits_for(".refused", "Not joined.");
    assert!(!place.path().join("peer.toml").exists());
    tab.waits_until(
        "the name is kept",
        "return document.querySelector('#name')?.value === 'dora'",
    );
    tab.types("#invitation", invitation)
        .presses("main form button.main");
    tab.waits_for("h1", "You can join");
    for check in [
        "the tracker answers",
        "the name dora is yours",
        "dialled back",
    ] {
        tab.waits_for("#checks", check);
    }
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
    assert!(again.contains("You can join") && !again.contains("class=\"words\""));
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
    other.open(link);
    other.waits_for("h1", "not known");
}
