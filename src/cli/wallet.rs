//! `node wallet`: the secret of a node. Its file is worked on directly, whether or not the node runs; a
//! node that runs and waits for its wallet is given it.

use super::args::{Sure, Wallet};
use super::client::Client;
use super::confirm::confirm;
use super::failure::Failure;
use super::invocation::{Invocation, word};
use super::looking;
use super::output::Output;
use super::table;
use crate::entropy::OsEntropy;
use crate::keys::{
    Lock, MAX_WORDS_TEXT, Passphrase, PublicKey, SecretKey, Stored, WORDS, WalletFile,
    WalletFileError,
};
use crate::node;
use crate::owner::answers::{
    StatusView, WaitingView, WalletOpenedView, WalletOrder, WalletRequest,
};
use crate::passphrase;
use crate::plain_file;
use crate::settings::{Settings, WalletSettings};
use serde::Serialize;
use serde_json::Value;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// Words on a line, so that 24 of them fit a terminal.
const WORDS_A_LINE: usize = 4;
/// How long a node may take to start once it has its wallet.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// A wallet, for people and programs.
#[derive(Serialize)]
struct WalletView {
    /// What its node is called: a peer's name.
    name: Option<String>,
    file: String,
    /// Whose it is; `None` where a file that another program locked does not say it.
    address: Option<String>,
    locked: bool,
    /// Other files in the data directory that are wallets, too.
    others: Vec<String>,
}

/// The words of a wallet.
#[derive(Serialize)]
struct WordsView {
    words: Vec<&'static str>,
}

/// What the commands work with.
struct Place<'a> {
    settings: &'a Settings,
    config: &'a Path,
    invocation: &'a Invocation,
    file: WalletFile,
}

/// Does what was asked with the wallet of these settings, which are those in the file `config`.
pub fn wallet(
    what: Wallet,
    settings: &Settings,
    config: &Path,
    invocation: &Invocation,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let place = Place {
        settings,
        config,
        invocation,
        file: WalletFile::new(&settings.wallet().file),
    };
    place.file.sweep();
    match what {
        Wallet::New { locked } => {
            place.must_be_free()?;
            place.create(&SecretKey::draw(&OsEntropy), locked, output)
        }
        Wallet::Restore { locked } => {
            place.must_be_free()?;
            let text = read_words()?;
            let secret = SecretKey::from_words(&text).map_err(no)?;
            place.create(&secret, locked, output)
        }
        Wallet::Show => place.show(output),
        Wallet::Words { reveal } => place.words(reveal, output),
        Wallet::Lock => place.lock(output),
        Wallet::Unlock(sure) => place.unlock(sure, output),
        Wallet::Address => place.address(output),
        Wallet::Load => place.load(output),
    }
}

fn no(error: impl ToString) -> Failure {
    Failure::No(error.to_string())
}

impl Place<'_> {
    fn wallet(&self) -> &WalletSettings {
        self.settings.wallet()
    }

    fn command(&self, command: &str) -> String {
        self.invocation.line(command)
    }

    /// What the file holds; without one, what to type.
    fn read(&self) -> Result<Stored, Failure> {
        self.file.read().map_err(|error| match error {
            WalletFileError::Missing { path } => Failure::No(format!(
                "there is no wallet {}: `{}` makes one, `{}` brings one back from its words",
                path.display(),
                self.command("wallet new"),
                self.command("wallet restore")
            )),
            error => no(error),
        })
    }

    /// The secret, after having asked for the passphrase if need be.
    fn secret(&self) -> Result<SecretKey, Failure> {
        match self.read()? {
            Stored::Open(secret) => Ok(*secret),
            Stored::Locked(locked) => locked.unlock(&self.passphrase()?).map_err(no),
        }
    }

    /// The passphrase of a wallet that is locked.
    fn passphrase(&self) -> Result<Passphrase, Failure> {
        match self.wallet().passphrase_file() {
            Some(path) => passphrase::from_file(path).map_err(no),
            None => asked(&format!("Passphrase of {}: ", self.file.path().display())),
        }
    }

    /// The passphrase of a wallet that is to be locked: typed twice, unless it is in a file.
    fn new_passphrase(&self) -> Result<Passphrase, Failure> {
        if let Some(path) = self.wallet().passphrase_file() {
            return passphrase::from_file(path).map_err(no);
        }
        let passphrase = asked("New passphrase: ")?;
        Lock::new(&passphrase, &OsEntropy).map_err(no)?;
        if asked("The same again: ")? != passphrase {
            return Err(no("these are two different passphrases: begin again"));
        }
        Ok(passphrase)
    }

    /// Refuses before anything is asked or typed that would be in vain, and says what to move where.
    fn must_be_free(&self) -> Result<(), Failure> {
        let file = self.file.path();
        if file.exists() {
            // What is printed to be typed works from any directory.
            let whole = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
            let file = whole.as_path();
            let mut aside = file.as_os_str().to_owned();
            aside.push(".aside");
            let (from, to) = (word(file), word(Path::new(&aside)));
            return Err(no(format!(
                "{} exists already and was left alone: it may be the only key of a member. To have another \
                 wallet in its place, as when its passphrase is forgotten, stop the node and keep this file aside: \
                 mv -n {from} {to}\nThen type the same again",
                file.display()
            )));
        }
        Ok(())
    }

    /// Writes a new file, and gives it to the node if that waits for one.
    fn create(
        &self,
        secret: &SecretKey,
        locked: bool,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let locked = locked || self.wallet().passphrase_file().is_some();
        let passphrase = locked.then(|| self.new_passphrase()).transpose()?;
        let lock = passphrase.as_ref().map(|p| Lock::new(p, &OsEntropy));
        let lock = lock.transpose().map_err(no)?;
        node::make_private(self.settings.data_dir()).map_err(no)?;
        self.file.create(secret, lock.as_ref()).map_err(no)?;
        self.tell(&secret.public_key(), locked, output)?;
        if !output.is_json() {
            let words = self.command("wallet words");
            output.text(&format!(
                "\nWhoever has this file, or its 24 words, is this member. Write the words down: \
                 `{words}`"
            ))?;
        }
        match self.waiting_node() {
            Some(client) => self.hand_over(&client, passphrase, output),
            None if output.is_json() => Ok(()),
            None => {
                let start = self.command("");
                Ok(output.text(&format!("\nThe node starts with it: `{start}`"))?)
            }
        }
    }

    fn tell(&self, key: &PublicKey, locked: bool, output: &mut Output<'_>) -> Result<(), Failure> {
        self.tell_all(Some(key), locked, output)
    }

    fn tell_all(
        &self,
        key: Option<&PublicKey>,
        locked: bool,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let view = WalletView {
            name: match self.settings {
                Settings::Peer(peer) => Some(peer.name.clone()),
                Settings::Tracker(_) => None,
            },
            file: self.file.path().display().to_string(),
            address: key.map(PublicKey::to_address),
            locked,
            others: self.others(),
        };
        Ok(output.show(&view, shown)?)
    }

    fn show(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        match self.read()? {
            Stored::Open(secret) => self.tell(&secret.public_key(), false, output),
            Stored::Locked(locked) => self.tell_all(locked.address(), true, output),
        }
    }

    /// The other wallets in the data directory.
    fn others(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.settings.data_dir()) else {
            return Vec::new();
        };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let mut others: Vec<_> = paths
            .filter(|path| path != self.file.path())
            .filter(|path| path.extension().is_some_and(|e| e == "pem"))
            .filter(|path| WalletFile::new(path).read().is_ok())
            .map(|path| path.display().to_string())
            .collect();
        others.sort();
        others
    }

    fn address(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        let key = match self.read()? {
            Stored::Open(secret) => secret.public_key(),
            Stored::Locked(locked) => match locked.address() {
                Some(key) => *key,
                None => locked.unlock(&self.passphrase()?).map_err(no)?.public_key(),
            },
        };
        let address = key.to_address();
        Ok(output.show(&address, Clone::clone)?)
    }

    fn words(&self, reveal: bool, output: &mut Output<'_>) -> Result<(), Failure> {
        if !reveal && !io::stdout().is_terminal() {
            return Err(Failure::Misuse(
                "the words are shown on a terminal only: whatever else reads them can keep them. \
                 If that is meant, say so with --reveal"
                    .to_owned(),
            ));
        }
        let secret = self.secret()?;
        // On standard error, and before the words.
        eprintln!(
            "Whoever reads these words is this member, and has its coins. Nobody else should see \
             your screen now."
        );
        let words = secret.words();
        let view = WordsView {
            words: words.iter().collect(),
        };
        output.show(&view, |view| numbered(&view.words))?;
        Ok(())
    }

    fn lock(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        let Stored::Open(secret) = self.read()? else {
            return Err(no(format!(
                "{} is locked already: `{}` first, to give it another passphrase",
                self.file.path().display(),
                self.command("wallet unlock")
            )));
        };
        let passphrase = self.new_passphrase()?;
        let lock = Lock::new(&passphrase, &OsEntropy).map_err(no)?;
        self.file.replace(&secret, Some(&lock)).map_err(no)?;
        self.tell(&secret.public_key(), true, output)?;
        if !output.is_json() {
            output.text(
                "\nThe next start needs the passphrase; a node that runs goes on. Who forgets it \
                 needs the 24 words, and without them nobody can open it. What stood on the disk before may be found there for a while.",
            )?;
        }
        Ok(())
    }

    fn unlock(&self, sure: Sure, output: &mut Output<'_>) -> Result<(), Failure> {
        let Stored::Locked(locked) = self.read()? else {
            return Err(no(format!("{} is not locked", self.file.path().display())));
        };
        let what = format!(
            "{} will hold the secret in the clear: whoever can read the file then has the coins, and \
             what was on the disk once may be found there for a while.",
            self.file.path().display()
        );
        confirm(&what, sure.yes)?;
        let secret = locked.unlock(&self.passphrase()?).map_err(no)?;
        self.file.replace(&secret, None).map_err(no)?;
        self.tell(&secret.public_key(), false, output)
    }

    /// The node of these settings, if it runs and waits for its wallet.
    fn waiting_node(&self) -> Option<Client> {
        let client = Client::find(self.settings, self.config, self.invocation).ok()?;
        let waits = matches!(self.status(&client), Ok(Some(_)));
        waits.then_some(client)
    }

    fn load(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        let client = Client::find(self.settings, self.config, self.invocation)?;
        if self.status(&client)?.is_none() {
            return Err(no("the node runs, and has its wallet: nothing was changed"));
        }
        let passphrase = match self.read()? {
            Stored::Open(_) => None,
            Stored::Locked(_) => Some(self.passphrase()?),
        };
        self.hand_over(&client, passphrase, output)
    }

    /// What the node waits for, if it does.
    fn status(&self, client: &Client) -> Result<Option<WaitingView>, Failure> {
        let status: StatusView<Value> = client.get("/status", &[])?;
        Ok(match status {
            StatusView::Waiting(waiting) => Some(waiting),
            StatusView::Running(_) => None,
        })
    }

    /// Has the node open the wallet, and waits until it runs.
    fn hand_over(
        &self,
        client: &Client,
        passphrase: Option<Passphrase>,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let request = WalletRequest {
            order: WalletOrder::Load,
            passphrase: passphrase.map(Passphrase::into_text),
        };
        let opened: WalletOpenedView = client.post("/wallet", &request)?;
        // It starts anew, with another token, and perhaps another port.
        if !looking::until(START_PATIENCE, || !self.not_yet()) {
            return Err(no(
                "the node has its wallet, but does not run yet: its log says more",
            ));
        }
        output.show(&opened, |opened| {
            format!("The node runs now, with the wallet {}.", opened.address)
        })?;
        Ok(())
    }

    fn not_yet(&self) -> bool {
        let client = Client::find(self.settings, self.config, self.invocation);
        let status = client.and_then(|client| self.status(&client));
        !matches!(status, Ok(None))
    }
}

/// A passphrase that is typed.
fn asked(prompt: &str) -> Result<Passphrase, Failure> {
    passphrase::ask(prompt).map_err(no)?.ok_or_else(|| {
        Failure::Misuse(
            "a passphrase is needed, and there is no terminal to ask for it: name a file with it \
             under [wallet] passphrase_file in the settings"
                .to_owned(),
        )
    })
}

/// The words, from the terminal until there are enough or a line is empty, from elsewhere until the
/// end.
pub(super) fn read_words() -> Result<Zeroizing<String>, Failure> {
    let failed = |error: io::Error| no(format!("the words could not be read: {error}"));
    // Full size at once: a buffer that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(MAX_WORDS_TEXT));
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        let mut input = stdin.lock().take(MAX_WORDS_TEXT as u64);
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_WORDS_TEXT));
        input.read_to_end(&mut bytes).map_err(failed)?;
        let read = plain_file::text(&bytes).map_err(|error| no(format!("the input {error}")))?;
        text.push_str(read);
        return Ok(text);
    }
    let mut terminal = io::stderr();
    let prompt = b"The 24 words, on as many lines as you like; an empty line ends:\n";
    terminal.write_all(prompt).map_err(failed)?;
    loop {
        let before = text.len();
        let room = (MAX_WORDS_TEXT - before) as u64;
        let mut input = stdin.lock().take(room);
        input.read_line(&mut text).map_err(failed)?;
        let ended = text.get(before..).unwrap_or_default().trim().is_empty();
        if ended || typed_words(&text) >= WORDS {
            return Ok(text);
        }
    }
}

/// How many words a text has, without the numbers that stand before them on paper.
fn typed_words(text: &str) -> usize {
    let words = text.split_whitespace();
    let words = words.filter(|word| !word.starts_with(|first: char| first.is_ascii_digit()));
    words.count()
}

fn shown(view: &WalletView) -> String {
    let mut facts = Vec::new();
    if let Some(name) = &view.name {
        facts.push(("name", name.clone()));
    }
    facts.push(("wallet", view.file.clone()));
    let unknown = || "to be seen once it is unlocked".to_owned();
    facts.push(("address", view.address.clone().unwrap_or_else(unknown)));
    facts.push((
        "locked",
        if view.locked {
            "yes, by a passphrase".to_owned()
        } else {
            "no: whoever can read the file has the secret".to_owned()
        },
    ));
    if !view.others.is_empty() {
        facts.push(("others", view.others.join(" ")));
    }
    table::facts(&facts)
}

/// The words, each with its number, some on a line.
pub(super) fn numbered(words: &[&str]) -> String {
    let mut text = String::new();
    for (row, line) in words.chunks(WORDS_A_LINE).enumerate() {
        for (column, word) in line.iter().enumerate() {
            let number = row * WORDS_A_LINE + column + 1;
            text.push_str(&format!("{number:>2} {word:<10}"));
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_read_again() {
        let secret = SecretKey::from_bytes([7; 32]);
        let words = secret.words();
        let text = numbered(&words.iter().collect::<Vec<_>>());
        assert_eq!(text.lines().count(), 6);
        assert!(text.lines().all(|line| line.len() <= table::LINE));
        assert_eq!(typed_words(&text), WORDS);
        let again = SecretKey::from_words(&text).unwrap();
        assert_eq!(again.public_key(), secret.public_key());
    }
}
