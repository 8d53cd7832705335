//! The pages of real nodes in a real browser: Chromium, without a window. Where there is none, these tests say
//! so and are left out.

#[path = "../support/mod.rs"]
mod support;

mod care;
mod driver;
mod joining;
mod looks;
mod many;
mod newcomer;
mod pages;
mod put_out;
mod restoring;
mod screenshots;
mod tracker;
mod votes;
mod without_script;

use driver::{Driver, Tab};
use std::rc::Rc;
use support::Node;

/// A browser, or `None` where there is none: then the test is left out, and that is said.
fn browser(test: &str) -> Option<Rc<Driver>> {
    let driver = Driver::start();
    if driver.is_none() {
        driver::say(&format!(
            "left out: {test}, because there is no chromedriver with a chromium here (Debian: chromium-driver)"
        ));
    }
    driver
}

/// A fresh link into a node's pages.
fn link(node: &Node) -> String {
    let told = node.command(["web", "--print", "--json"]);
    assert!(told.status.success(), "{told:?}");
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    told["link"].as_str().unwrap().to_owned()
}

/// A tab in which a node's page is open, let in by a link.
fn enter(tab: Tab, node: &Node) -> Tab {
    let link = link(node);
    tab.open(&link);
    tab.waits_for("h1", "");
    let base = link.split("/enter").next().unwrap().to_owned();
    let tab = tab.at(&base);
    tab.sees("#standing");
    tab
}
