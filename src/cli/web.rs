//! The pages of a node, opened in a browser.

use super::client::Client;
use super::failure::Failure;
use super::output::Output;
use crate::http::LinkView;
use crate::owner::answers::NoRequest;
use serde::Serialize;
use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A page that leads on to the link, in the data directory: what a program is started with, every user of
/// this machine can see, and the link is for the owner alone.
const DOORWAY: &str = "enter.html";

/// It is the owner's alone.
const OWNER_ONLY: u32 = 0o600;

/// What is told of the link.
#[derive(Serialize)]
struct Told {
    link: String,
    /// What to type on the machine with the browser, if this is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    tunnel: Option<String>,
}

/// Draws a link, and opens it where there is a browser.
pub fn web(print: bool, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let LinkView { link } = client.post("/link", &NoRequest {})?;
    show(link, print, client.data_dir(), output)
}

/// Opens a link where there is a browser, or shows it; a page that leads on is written into `beside`.
pub fn show(
    link: String,
    print: bool,
    beside: &Path,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let tunnel = env::var("SSH_CONNECTION").ok().and_then(|connection| {
        let user = env::var("USER").or_else(|_| env::var("LOGNAME")).ok();
        tunnel(&connection, user.as_deref(), &link)
    });
    let opened = !print && !output.is_json() && tunnel.is_none() && open(beside, &link);
    let told = Told { link, tunnel };
    output.show(&told, |told| {
        let once = "It works once, within ten minutes.";
        match (&told.tunnel, opened) {
            (Some(tunnel), _) => format!(
                "On the machine with the browser, in a terminal that stays open:\n\n  {tunnel}\n\nThen \
                 open there:\n\n  {}\n\n{once}",
                told.link
            ),
            (None, true) => format!("The browser opens it. Should it not:\n\n  {}\n\n{once}", told.link),
            (None, false) => format!("Open this in a browser on this machine:\n\n  {}\n\n{once}", told.link),
        }
    })?;
    Ok(())
}

/// What leads from the browser's machine to this one: the machine where ssh listens is the third word of
/// `SSH_CONNECTION`.
fn tunnel(connection: &str, user: Option<&str>, link: &str) -> Option<String> {
    let host = connection
        .split(' ')
        .nth(2)
        .filter(|host| !host.is_empty())?;
    let address = link.strip_prefix("http://")?.split('/').next()?;
    let port = address.rsplit(':').next()?;
    let there = match user {
        Some(user) => format!("{user}@{host}"),
        None => host.to_owned(),
    };
    let there = shlex::try_quote(&there).ok()?;
    Some(format!("ssh -N -L {port}:{address} {there}"))
}

/// Opens the link in a browser; false where there is none.
fn open(data_dir: &Path, link: &str) -> bool {
    let Some(opener) = opener() else {
        return false;
    };
    let attempt = || -> io::Result<bool> {
        let doorway = doorway(data_dir, link)?;
        let mut child = Command::new(opener)
            .arg(doorway)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        // It hands over to the browser and ends.
        Ok(child.wait()?.success())
    };
    attempt().unwrap_or(false)
}

/// What opens a page, where there is a screen to show it on.
fn opener() -> Option<&'static str> {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    match cfg!(target_os = "macos") {
        true => Some("open"),
        false => (is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")).then_some("xdg-open"),
    }
}

/// Writes the page that leads on, for the owner alone. The link in it works once, so it may stay.
fn doorway(data_dir: &Path, link: &str) -> io::Result<PathBuf> {
    let path = std::path::absolute(data_dir)?.join(DOORWAY);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(OWNER_ONLY);
    // A link is made of digits and letters that mean nothing to a page.
    writeln!(
        options.open(&path)?,
        "<!doctype html><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\">\
         <meta http-equiv=\"refresh\" content=\"0; url={link}\"><title>Raclette</title>\
         <a href=\"{link}\">To the node's page</a>"
    )?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn over_ssh_the_way_back_is_told() {
        let link = "http://127.0.0.1:8001/enter?key=00ff";
        let told = tunnel("10.0.0.9 51000 10.0.0.7 22", Some("ann"), link).unwrap();
        assert_eq!(told, "ssh -N -L 8001:127.0.0.1:8001 ann@10.0.0.7");
        assert_eq!(tunnel("", None, link), None);
    }

    #[test]
    fn the_page_that_leads_on_is_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        for key in ["one", "two"] {
            let path = doorway(dir.path(), &format!("http://127.0.0.1:1/enter?key={key}")).unwrap();
            assert_eq!(
                fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                OWNER_ONLY
            );
            assert!(
                fs::read_to_string(path)
                    .unwrap()
                    .contains(&format!("key={key}\""))
            );
        }
    }
}
