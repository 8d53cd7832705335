//! A new network in one step: the files and wallets of its tracker and of its first member.

use super::recovery::Recovery;
use super::{directory, explain};
use crate::cli::args::InitNetwork;
use crate::cli::failure::Failure;
use crate::cli::invocation::Invocation;
use crate::cli::output::Output;
use crate::clock::{Clock, SystemClock};
use crate::entropy::{Entropy, OsEntropy};
use crate::keys::{PublicKey, SecretKey, WalletFile};
use crate::membership::{InvitationStatement, InvitationString};
use crate::node;
use crate::node::joining::keep_invitation;
use crate::protocol::registry::MAX_INVITATION_MS;
use crate::settings::{self, Endpoint, PeerTemplate, Settings, TrackerTemplate};
use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What was made, for programs.
#[derive(Serialize)]
struct Made {
    /// The tracker's settings.
    tracker: PathBuf,
    /// The first member's.
    member: PathBuf,
    /// Address of the tracker's key.
    tracker_key: String,
}

/// Makes a network's first two nodes, and says what to type next. Nothing is written over, and nothing is
/// written if something of it is there already.
pub(super) fn init(
    what: &InitNetwork,
    invocation: &Invocation,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let place = what.dir.as_deref().unwrap_or(Path::new(""));
    let tracker = place.join("tracker.toml");
    let member = place.join(format!("{}.toml", what.member));
    let secret = SecretKey::draw(&OsEntropy);
    let key = secret.public_key();
    let found = |recovery: &str| -> Result<_, Failure> {
        Ok([
            (&tracker, tracker_text(what, recovery)?),
            (&member, member_text(what, &key)?),
        ])
    };
    // Without a recovery key first: whatever is wrong is found before its words are anywhere.
    let texts = found("")?;
    let mut wallets = Vec::new();
    for (file, text) in &texts {
        let parsed = Settings::parse(file, text, std::iter::empty());
        wallets.push(parsed.map_err(|error| explain(error, ""))?);
    }
    for (file, settings) in [&tracker, &member].into_iter().zip(&wallets) {
        must_be_free(file)?;
        must_be_free(&settings.wallet().file)?;
    }
    if let Some(dir) = &what.dir {
        directory(dir)?;
    }
    let invitation = invite_founder(&secret)?;
    let recovery = Recovery::make(&what.recovery, output)?;
    let texts = found(&recovery.address())?;
    let secrets = [secret, SecretKey::draw(&OsEntropy)];
    write(&wallets, secrets, &texts, &invitation).inspect_err(|_| recovery.take_back())?;
    let made = Made {
        tracker,
        member,
        tracker_key: key.to_address(),
    };
    let told = recovery.told();
    output.show(&made, |made| next(what, made, invocation) + &told)?;
    Ok(())
}

/// Writes the wallets, the member's invitation, and the settings.
fn write(
    wallets: &[Settings],
    secrets: [SecretKey; 2],
    texts: &[(&PathBuf, String)],
    invitation: &InvitationString,
) -> Result<(), Failure> {
    for (settings, secret) in wallets.iter().zip(secrets) {
        node::make_private(settings.data_dir()).map_err(no)?;
        let wallet = WalletFile::new(&settings.wallet().file);
        wallet.create(&secret, None).map_err(no)?;
    }
    for (settings, (file, text)) in wallets.iter().zip(texts) {
        if let Settings::Peer(member) = settings {
            keep_invitation(&member.data_dir, invitation).map_err(no)?;
        }
        settings::init(file, text).map_err(no)?;
    }
    Ok(())
}

fn no(error: impl ToString) -> Failure {
    Failure::No(error.to_string())
}

fn must_be_free(path: &Path) -> Result<(), Failure> {
    if path.exists() {
        return Err(Failure::No(format!(
            "{} exists already, and nothing was written: begin the network in another directory, with \
             --dir DIR",
            path.display()
        )));
    }
    Ok(())
}

/// Where a node of it listens: everywhere if other machines are to reach it.
fn listen(what: &InitNetwork, port: u16) -> SocketAddr {
    let ip = match what.host {
        Some(_) => Ipv4Addr::UNSPECIFIED,
        None => Ipv4Addr::LOCALHOST,
    };
    SocketAddr::new(IpAddr::V4(ip), port)
}

/// Invites the first member, in the name of the tracker, into the network that it founds.
fn invite_founder(tracker: &SecretKey) -> Result<InvitationString, Failure> {
    let mut seed = Zeroizing::new([0; 32]);
    OsEntropy.fill(&mut *seed);
    let now = SystemClock.wall();
    let statement = InvitationStatement {
        network: None,
        key: SecretKey::from_bytes(*seed).public_key(),
        issuer: tracker.public_key(),
        delegation: None,
        uses: 1,
        serial: now,
        expires: now.plus_ms(MAX_INVITATION_MS),
    };
    let invitation = statement.sign(tracker);
    // The member's settings say where the tracker is.
    let string = InvitationString::new(invitation, seed, Vec::new(), tracker.public_key());
    string.map_err(no)
}

fn dialled(host: &str, port: u16) -> Result<Endpoint, Failure> {
    let endpoint = format!("{host}:{port}").parse();
    endpoint.map_err(|error: settings::EndpointError| Failure::Misuse(error.to_string()))
}

/// What others dial to reach this port.
fn advertised(what: &InitNetwork, port: u16) -> Result<Vec<Endpoint>, Failure> {
    what.host.iter().map(|host| dialled(host, port)).collect()
}

fn tracker_text(what: &InitNetwork, recovery: &str) -> Result<String, Failure> {
    Ok(settings::tracker_template(&TrackerTemplate {
        network: Some(&what.network),
        listen: Some(listen(what, what.port)),
        advertise: &advertised(what, what.port)?,
        recovery,
    }))
}

fn member_text(what: &InitNetwork, tracker: &PublicKey) -> Result<String, Failure> {
    let port = what.port + 1;
    Ok(settings::peer_template(&PeerTemplate {
        name: &what.member,
        trackers: &[dialled("127.0.0.1", what.port)?],
        listen: Some(listen(what, port)),
        advertise: &advertised(what, port)?,
        tracker_key: &tracker.to_address(),
    }))
}

fn next(what: &InitNetwork, made: &Made, invocation: &Invocation) -> String {
    let (tracker, member) = (made.tracker.display(), made.member.display());
    let node = |file: &Path| invocation.for_node(file);
    let start = [&made.tracker, &made.member].map(|file| node(file).line(""));
    let words = [&made.tracker, &made.member].map(|file| node(file).line("wallet words"));
    let mine = node(&made.member).line("mine");
    let invite = node(&made.tracker).line("invite");
    format!(
        "Wrote {tracker} and {member}, and made a wallet for each.\n\n\
         Look at [network] in {tracker}: what it says is fixed once {} is there.\n\
         Then type, in a terminal each:\n\
         \x20 {}\n\
         \x20 {}\n\
         and, while both run, in another one:\n\
         \x20 {mine}\n\
         \x20 {invite}\n\n\
         Write the words of both wallets down, on paper: they bring back a lost wallet.\n\
         \x20 {}\n\
         \x20 {}",
        what.member, start[0], start[1], words[0], words[1]
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::run;
    use super::*;
    use crate::keys::Stored;

    #[test]
    fn a_network_is_two_files_and_two_wallets_that_belong_together() {
        let dir = tempfile::tempdir().unwrap();
        let line =
            "node init network chess --member ann --dir @/net --host 192.168.1.10 --port 7100";
        let text = run(dir.path(), line).unwrap();
        let load = |name: &str| Settings::load(&dir.path().join(name), std::iter::empty()).unwrap();
        let (Settings::Tracker(tracker), Settings::Peer(ann)) =
            (load("net/tracker.toml"), load("net/ann.toml"))
        else {
            panic!("other roles");
        };
        assert_eq!(tracker.network.name, "chess");
        assert_eq!(tracker.listen, "0.0.0.0:7100".parse().unwrap());
        assert_eq!(ann.trackers, ["127.0.0.1:7100".parse().unwrap()]);
        assert_eq!(ann.listen, "0.0.0.0:7101".parse().unwrap());
        assert_eq!(ann.advertise, ["192.168.1.10:7101".parse().unwrap()]);
        let key = |file: &Path| match WalletFile::new(file).read().unwrap() {
            Stored::Open(secret) => secret.public_key(),
            Stored::Locked(_) => panic!("locked"),
        };
        assert_eq!(ann.tracker_key, key(&tracker.wallet.file).to_address());
        assert_ne!(key(&ann.wallet.file), key(&tracker.wallet.file));
        for file in ["net/tracker.toml", "net/ann.toml"] {
            let node = Invocation::of_this_process().for_node(&dir.path().join(file));
            let start = node.line("");
            assert!(text.contains(&format!("  {start}\n")), "{text}");
        }
    }

    #[test]
    fn recovery_words_go_to_a_file_of_the_owner_and_without_a_terminal_to_nowhere_else() {
        let dir = tempfile::tempdir().unwrap();
        let line = "node init network chess --dir @/net --recovery-out @/words.txt";
        run(dir.path(), line).unwrap();
        let file = dir.path().join("words.txt");
        let mode = std::fs::metadata(&file).unwrap().permissions();
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777,
            0o600
        );
        let words = std::fs::read_to_string(&file).unwrap();
        let words = SecretKey::from_words(&words).unwrap();
        let recovery = |name: &str| {
            let file = dir.path().join(name);
            match Settings::load(&file, std::iter::empty()).unwrap() {
                Settings::Tracker(tracker) => tracker.network.recovery,
                Settings::Peer(_) => panic!("a peer"),
            }
        };
        assert_eq!(
            recovery("net/tracker.toml"),
            words.public_key().to_address()
        );

        // A network that can't be made leaves no words, and takes none away.
        let again = "node init network chess --dir @/other --recovery-out @/words.txt";
        assert!(run(dir.path(), again).is_err());
        assert!(file.exists() && !dir.path().join("other/tracker.toml").exists());
        let twice = "node init tracker --dir @/net --recovery-out @/second.txt";
        assert!(run(dir.path(), twice).is_err());
        assert!(!dir.path().join("second.txt").exists());

        let unseen = run(dir.path(), "node init tracker --out @/unseen.toml").unwrap();
        assert!(unseen.contains("No recovery key was made"), "{unseen}");
        assert_eq!(recovery("unseen.toml"), "");
        assert!(matches!(
            run(dir.path(), "node init recovery"),
            Err(Failure::Misuse(_))
        ));
        let later = run(dir.path(), "node init recovery --recovery-out @/later.txt").unwrap();
        assert!(later.contains("recovery = \"rac1"), "{later}");
    }

    #[test]
    fn nothing_is_written_where_something_of_it_is_there_or_a_name_is_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let line = "node init network chess --dir @";
        let wallet = dir.path().join("founder-data/key.pem");
        std::fs::create_dir(wallet.parent().unwrap()).unwrap();
        std::fs::write(&wallet, "somebody's").unwrap();
        match run(dir.path(), line) {
            Err(Failure::No(reason)) => assert!(reason.contains("founder-data"), "{reason}"),
            other => panic!("{other:?}"),
        }
        let wrong = "node init network Chess! --dir @ --member ann";
        assert!(matches!(run(dir.path(), wrong), Err(Failure::Misuse(_))));
        let there: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
        assert_eq!(there.len(), 1, "{there:?}");
        std::fs::remove_file(wallet).unwrap();
        let made = run(dir.path(), &line.replace("init", "--json init")).unwrap();
        let made: serde_json::Value = serde_json::from_str(&made).unwrap();
        assert!(made["tracker_key"].as_str().unwrap().starts_with("rac1"));
        assert!(run(dir.path(), line).is_err(), "a second time");
    }
}
