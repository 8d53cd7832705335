//! A browser that is driven by hand: as much of WebDriver (W3C) as these tests need.

use crate::support::{so, wait_until, wait_within};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use ureq::Agent;

/// How long the browser may take for one order.
const PATIENCE: Duration = Duration::from_secs(60);

/// One browser at a time: several on a small machine make each other slow.
static ONE: Mutex<()> = Mutex::new(());

/// What `WebDriver` calls an element by.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Says something past the test harness, which swallows what tests print.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A browser of its own, ended with this.
pub struct Driver {
    child: Child,
    address: String,
    session: String,
    agent: Agent,
    _alone: MutexGuard<'static, ()>,
}

impl Driver {
    /// Starts one; `None` where there is none.
    pub fn start() -> Option<Rc<Self>> {
        let alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut child = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        let agent = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .proxy(None)
            .build();
        let mut driver = Self {
            child,
            address: format!("http://127.0.0.1:{}", port?),
            session: String::new(),
            agent: agent.into(),
            _alone: alone,
        };
        let arguments = [
            "--headless=new",
            // As root, and in containers, Chromium has no sandbox; it sees nothing but these tests' pages.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--hide-scrollbars",
            "--force-device-scale-factor=1",
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let begun = driver.ask("POST", "/session", &wanted).ok()?;
        driver.session = begun["sessionId"].as_str()?.to_owned();
        Some(Rc::new(driver))
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let url = format!("{}{path}", self.address);
        let answer = match method {
            "GET" => self.agent.get(&url).call(),
            "DELETE" => self.agent.delete(&url).call(),
            _ => self.agent.post(&url).send_json(body),
        };
        let mut answer = answer.map_err(|error| error.to_string())?;
        let well = answer.status().is_success();
        let mut body: Value = answer
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_json()
            .map_err(|error| error.to_string())?;
        let value = body["value"].take();
        if well {
            Ok(value)
        } else {
            Err(value["message"].to_string())
        }
    }

    fn order(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.ask("POST", &format!("/session/{}{path}", self.session), body)
    }

    /// Something that only this browser knows how to do.
    pub fn devtools(&self, command: &str, parameters: Value) -> Value {
        let order = json!({"cmd": command, "params": parameters});
        self.order("/goog/cdp/execute", &order).unwrap()
    }

    /// The tab that is there.
    pub fn tab(self: &Rc<Self>) -> Tab {
        let handle = self.ask(
            "GET",
            &format!("/session/{}/window", self.session),
            &Value::Null,
        );
        self.called(handle.unwrap().as_str().unwrap())
    }

    /// Another one.
    pub fn another_tab(self: &Rc<Self>) -> Tab {
        let made = self.order("/window/new", &json!({"type": "tab"})).unwrap();
        self.called(made["handle"].as_str().unwrap())
    }

    /// All tabs that there are.
    pub fn tabs(self: &Rc<Self>) -> Vec<Tab> {
        let path = format!("/session/{}/window/handles", self.session);
        let handles = self.ask("GET", &path, &Value::Null).unwrap();
        let handles = handles.as_array().unwrap().iter();
        handles
            .map(|handle| self.called(handle.as_str().unwrap()))
            .collect()
    }

    fn called(self: &Rc<Self>, handle: &str) -> Tab {
        Tab {
            driver: self.clone(),
            handle: handle.to_owned(),
            base: String::new(),
        }
    }

    /// What pages complained of since this was asked last.
    pub fn complaints(&self) -> Vec<String> {
        let told = self.order("/se/log", &json!({"type": "browser"})).unwrap();
        let told = told.as_array().cloned().unwrap_or_default();
        told.iter()
            .map(|line| line["message"].to_string())
            .collect()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.ask(
            "DELETE",
            &format!("/session/{}", self.session),
            &Value::Null,
        );
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One tab of a browser.
pub struct Tab {
    driver: Rc<Driver>,
    handle: String,
    /// Where the node's pages are that it shows.
    base: String,
}

impl Tab {
    /// The same tab, showing the pages at this place.
    pub fn at(self, base: &str) -> Self {
        Self {
            base: base.to_owned(),
            ..self
        }
    }

    /// Whether it is the same one.
    pub fn is(&self, other: &Self) -> bool {
        self.handle == other.handle
    }

    /// Brings it to the front: only what is looked at is live.
    pub fn front(&self) -> &Self {
        self.driver
            .order("/window", &json!({"handle": self.handle}))
            .unwrap();
        self
    }

    /// Opens an address.
    pub fn open(&self, url: &str) {
        self.front();
        self.driver.order("/url", &json!({"url": url})).unwrap();
    }

    /// Opens a page of the node.
    pub fn goes_to(&self, path: &str) -> &Self {
        self.open(&format!("{}{path}", self.base));
        self
    }

    /// Runs a script in the page.
    pub fn runs(&self, script: &str) -> Value {
        self.driver
            .order("/execute/sync", &json!({"script": script, "args": []}))
            .unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// The text of the first element like this; empty if there is none.
    pub fn text(&self, selector: &str) -> String {
        let found = self.find(selector);
        let Some(element) = found else {
            return String::new();
        };
        let path = format!("/session/{}/element/{element}/text", self.driver.session);
        let text = self.driver.ask("GET", &path, &Value::Null);
        text.ok()
            .and_then(|text| text.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    fn find(&self, selector: &str) -> Option<String> {
        let wanted = json!({"using": "css selector", "value": selector});
        let found = self.driver.order("/element", &wanted).ok()?;
        Some(found[ELEMENT].as_str()?.to_owned())
    }

    /// Waits until an element like this is there.
    pub fn sees(&self, selector: &str) -> &Self {
        wait_until(&format!("{selector} is there"), || {
            so(self.find(selector).is_some(), self.address())
        });
        self
    }

    /// Waits until the text of the first element like this has these words in it.
    pub fn waits_for(&self, selector: &str, words: &str) -> &Self {
        wait_until(&format!("{selector} says {words:?}"), || {
            let text = self.text(selector);
            so(self.find(selector).is_some() && text.contains(words), text)
        });
        self
    }

    /// Waits until a script says true.
    pub fn waits_until(&self, what: &str, script: &str) -> &Self {
        wait_within(crate::support::DEADLINE, what, || {
            let found = self.runs(script);
            so(found == Value::Bool(true), found)
        });
        self
    }

    /// Presses something.
    pub fn presses(&self, selector: &str) -> &Self {
        let element = self
            .find(selector)
            .unwrap_or_else(|| panic!("{selector} at {}", self.address()));
        let path = format!("/element/{element}/click");
        self.driver
            .order(&path, &json!({}))
            .unwrap_or_else(|error| panic!("{selector}: {error}"));
        self
    }

    /// Types into a field.
    pub fn types(&self, selector: &str, text: &str) -> &Self {
        let element = self
            .find(selector)
            .unwrap_or_else(|| panic!("{selector} at {}", self.address()));
        let path = format!("/element/{element}/value");
        self.driver.order(&path, &json!({"text": text})).unwrap();
        self
    }

    /// Loads the page again.
    pub fn loads_again(&self) -> &Self {
        self.driver.order("/refresh", &json!({})).unwrap();
        self
    }

    /// Where it is.
    pub fn address(&self) -> String {
        let path = format!("/session/{}/url", self.driver.session);
        self.driver
            .ask("GET", &path, &Value::Null)
            .unwrap()
            .to_string()
    }

    /// What stands above the page.
    pub fn title(&self) -> String {
        let path = format!("/session/{}/title", self.driver.session);
        self.driver
            .ask("GET", &path, &Value::Null)
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Makes the window this wide, as a telephone's if it is narrow.
    pub fn is_wide(&self, width: u32) -> &Self {
        let screen =
            json!({"width": width, "height": 860, "deviceScaleFactor": 1, "mobile": width < 500});
        self.driver
            .devtools("Emulation.setDeviceMetricsOverride", screen);
        self
    }

    /// Shows pages as somebody sees them who likes them dark, or not.
    pub fn likes_dark(&self, dark: bool) -> &Self {
        let scheme = if dark { "dark" } else { "light" };
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.driver.devtools("Emulation.setEmulatedMedia", features);
        self
    }

    /// Lets no script run.
    pub fn runs_no_script(&self) -> &Self {
        self.driver.devtools(
            "Emulation.setScriptExecutionDisabled",
            json!({"value": true}),
        );
        self
    }

    /// A picture of the page, as PNG in base 64.
    pub fn picture(&self, whole: bool) -> String {
        let how = json!({"captureBeyondViewport": whole});
        let taken = self.driver.devtools("Page.captureScreenshot", how);
        taken["data"].as_str().unwrap().to_owned()
    }
}
