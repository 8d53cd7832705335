//! Joining a network by an invitation: what can be checked is checked with the tracker before anything is
//! written, and each check is told as it is done.
//!
//! [`Joining::check`] asks the tracker whether it would register this key under this name, and has it dial
//! back; nothing comes of that at either end. [`Joining::set_up`] then writes what a member's node starts
//! from. Who shows it to people only renders a [`Check`] or a [`NotJoined`].

mod conversation;

use super::RunError;
use super::opening::{listen, make_private};
use crate::chain::NetworkId;
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::http::{Joins, serve_joining};
use crate::keys::{PublicKey, SecretKey, Stored, WalletFile, WalletFileError};
use crate::membership::{Address, InvitationString, MemberName};
use crate::net::Transport;
use crate::settings::{self, Endpoint, PeerTemplate, Settings, SettingsError};
use crate::wire::message::RefusalCode;
use conversation::Conversation;
use serde::Serialize;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The file in the data directory with the invitation by which a member's node joins. It holds a secret.
pub const INVITATION_FILE: &str = "invitation";
/// Permissions of that file.
const OWNER_ONLY: u32 = 0o600;
/// Longest such file, in bytes: an invitation and some white space.
const MAX_INVITATION_FILE: u64 = 4096;
/// By how much clocks may differ, in milliseconds, before blocks of the one are too early for the other on
/// the network with the shortest interval.
pub const MAX_APART_MS: u64 = 30_000;

/// Who wants to join what.
pub struct Joining {
    /// The invitation.
    pub invitation: Arc<InvitationString>,
    /// What the member will be called.
    pub name: MemberName,
    /// Where its node will listen.
    pub listen: SocketAddr,
    /// What others dial, where that is not the address it listens at.
    pub advertise: Vec<Endpoint>,
    /// The settings file that will be written.
    pub file: PathBuf,
    /// The secret that was brought back from its words, if somebody comes back; else the one in the wallet that
    /// is there, or a new one.
    pub secret: Option<Arc<SecretKey>>,
}

/// Something that was found to be well, or worth a word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "check", rename_all = "snake_case")]
pub enum Check {
    /// There is a wallet already, which is the one that joins: somebody was a member with it before.
    WalletFound {
        /// Its file.
        file: PathBuf,
        /// Whose it is.
        address: String,
    },
    /// The tracker answers.
    TrackerReached {
        /// Where.
        at: Address,
    },
    /// It has the key that it is to have.
    KeyRight {
        /// Its address.
        key: String,
    },
    /// It is of the network that the invitation is into, whose first block is what it should be.
    NetworkRight {
        /// What the network is called; `None` if it is not founded yet.
        name: Option<String>,
        /// Its id.
        network: Option<NetworkId>,
    },
    /// How this machine's clock compares with the tracker's.
    Clocks {
        /// By how much they differ, in milliseconds.
        apart_ms: u64,
        /// Whether this one is behind.
        behind: bool,
        /// Whether that is too much.
        too_far: bool,
    },
    /// The tracker would register this key under this name.
    NameFree {
        /// The name.
        name: MemberName,
    },
    /// Whether the tracker reached this node where it will listen.
    DialledBack {
        /// What it dialled.
        at: Vec<Address>,
        /// Whether it got through; `None` if it had no time to try.
        reached: Option<bool>,
    },
}

/// Why somebody can't join. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum NotJoined {
    /// There is such a settings file.
    #[error(
        "{} exists already: a member of that name was set up here. Start it with `node --config {}`, or join \
         under another name (--name)", .0.display(), .0.display()
    )]
    FileExists(PathBuf),
    /// A wallet is there that can't be used.
    #[error(transparent)]
    Wallet(#[from] WalletFileError),
    /// The wallet that is there is locked.
    #[error(
        "the wallet {} is there already and is locked: join under another name, or put this file aside and join with \
         its 24 words. Without them nobody can open it whose passphrase is forgotten", .0.display()
    )]
    WalletLocked(PathBuf),
    /// The wallet that is there is not the one whose words were typed.
    #[error(
        "the wallet {} is there already, and is another one than that of these words: join under another name",
        .0.display()
    )]
    OtherWallet(PathBuf),
    /// The settings would not be right.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// It can't listen there.
    #[error("{0}; choose another with --listen")]
    Listen(RunError),
    /// Nobody answers.
    #[error(
        "the tracker can't be reached: {0}. See that it runs, that this machine is on its network, and that no \
         firewall is in between. The invitation was not used; if that tracker is gone, ask for one of another \
         tracker of this network"
    )]
    Unreachable(String),
    /// Somebody else answers.
    #[error(
        "{at} is answered by the key {}, but the invitation names {}: somebody stands in for the tracker, or it \
         was set up anew. Nothing was told to it. Ask whoever invited you", shown.to_address(), wanted.to_address()
    )]
    OtherKey {
        /// Where.
        at: Address,
        /// The key that answers.
        shown: PublicKey,
        /// The key in the invitation.
        wanted: PublicKey,
    },
    /// The tracker is of another network.
    #[error(
        "the invitation is into network {wanted}, and the tracker's is {found}: it was set up anew since. Ask \
         whoever invited you for a new invitation"
    )]
    OtherNetwork {
        /// In the invitation.
        wanted: NetworkId,
        /// The tracker's.
        found: NetworkId,
    },
    /// The first block that the tracker sent is none.
    #[error("the tracker's first block can't be used ({0}): ask whoever invited you")]
    BadGenesis(String),
    /// The tracker says no.
    #[error("{reason}")]
    Refused {
        /// For programs.
        code: RefusalCode,
        /// In its words.
        reason: String,
    },
    /// The tracker ended the conversation.
    #[error("the tracker ended the conversation ({0}): try again")]
    Cut(String),
    /// Something could not be written.
    #[error("{} could not be written ({source}): check that its directory is yours and has room", path.display())]
    Unwritable {
        /// What.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The data directory.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// What a node takes of its machine to join.
pub struct Means {
    /// Dials and listens.
    pub transport: Arc<dyn Transport>,
    /// Keys, salts.
    pub entropy: Arc<dyn Entropy>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// Somebody who can join.
pub struct Ready {
    text: String,
    settings: Settings,
    secret: Arc<SecretKey>,
    wallet_is_there: bool,
}

impl Ready {
    /// The secret of the member.
    pub fn secret(&self) -> &SecretKey {
        &self.secret
    }

    /// Whether somebody comes back with a wallet that there was before.
    pub fn comes_back(&self, joining: &Joining) -> bool {
        self.wallet_is_there || joining.secret.is_some()
    }
}

impl Joining {
    /// Checks everything, in order, and tells of each check. To be called on a thread with an actor system.
    ///
    /// # Errors
    /// By variant of [`NotJoined`]. Nothing was written, and the invitation was not used.
    pub async fn check(
        &self,
        means: &Means,
        mut tell: impl FnMut(Check),
    ) -> Result<Ready, NotJoined> {
        let mut ready = self.prepare(means)?;
        if ready.wallet_is_there {
            tell(Check::WalletFound {
                file: ready.settings.wallet().file.clone(),
                address: ready.secret.public_key().to_address(),
            });
        }
        let listener = listen(&*means.transport, self.listen).await;
        let listener = listener.map_err(NotJoined::Listen)?;
        let mut own: Vec<Address> = Vec::new();
        match &self.advertise[..] {
            [] => own.extend(listener.address().to_string().parse::<Address>().ok()),
            said => own.extend(said.iter().map(Address::from)),
        }
        let secret = ready.secret.clone();
        let mut conversation = Conversation::begin(means, secret, Some(listener));
        let (trackers, wanted) = (&self.invitation.addresses, self.invitation.tracker);
        let hello = conversation.meet(trackers, Some(wanted), &mut tell).await?;
        let found = hello.network;
        if let Some(wanted) = self.invitation.invitation.statement.network
            && wanted != found
        {
            return Err(NotJoined::OtherNetwork { wanted, found });
        }
        let admissible = conversation.inquire(self, &hello, own.clone()).await?;
        let bad = |reason: &str| NotJoined::BadGenesis(reason.to_owned());
        if let Some(genesis) = &admissible.genesis {
            let checked = genesis.check();
            checked.map_err(|error| bad(&error.to_string()))?;
        }
        let genesis = admissible.genesis.as_ref();
        let id = genesis.map_or(NetworkId::ZERO, |genesis| genesis.id());
        if id != found {
            return Err(bad("it is not that of the network that the tracker names"));
        }
        if let Some(genesis) = genesis {
            // Another tracker than the one that invites may have founded it.
            ready.text = self.text(&genesis.content.tracker);
        }
        tell(Check::NetworkRight {
            name: genesis.map(|genesis| genesis.params().name.to_string()),
            network: genesis.map(|genesis| genesis.id()),
        });
        let name = self.name.clone();
        tell(Check::NameFree { name });
        tell(Check::DialledBack {
            at: own,
            reached: admissible.reached,
        });
        Ok(ready)
    }

    /// The same, on a thread that waits for it.
    ///
    /// # Errors
    /// As [`Joining::check`].
    pub fn check_here(&self, means: &Means, tell: impl FnMut(Check)) -> Result<Ready, NotJoined> {
        actix::System::new().block_on(self.check(means, tell))
    }

    /// The settings of the member, in a network that the tracker with this key founded.
    fn text(&self, founder: &PublicKey) -> String {
        let trackers = self.invitation.addresses.iter();
        let trackers: Vec<Endpoint> = trackers.filter_map(|at| at.as_str().parse().ok()).collect();
        settings::peer_template(&PeerTemplate {
            name: self.name.as_str(),
            trackers: &trackers,
            listen: Some(self.listen),
            advertise: &self.advertise,
            tracker_key: &founder.to_address(),
        })
    }

    /// What this machine alone can say against it.
    ///
    /// # Errors
    /// As [`Joining::check`], but for what a tracker says.
    pub(crate) fn prepare(&self, means: &Means) -> Result<Ready, NotJoined> {
        if self.file.exists() {
            return Err(NotJoined::FileExists(self.file.clone()));
        }
        let text = self.text(&self.invitation.tracker);
        let settings = Settings::parse(&self.file, &text, std::iter::empty())?;
        let wallet = WalletFile::new(&settings.wallet().file);
        let (secret, wallet_is_there) = match wallet.read() {
            Ok(Stored::Open(secret)) => {
                let wanted = self.secret.as_ref().map(|secret| secret.public_key());
                if wanted.is_some_and(|wanted| wanted != secret.public_key()) {
                    return Err(NotJoined::OtherWallet(wallet.path().to_owned()));
                }
                (Arc::new(*secret), true)
            }
            Ok(Stored::Locked(_)) => {
                return Err(NotJoined::WalletLocked(wallet.path().to_owned()));
            }
            Err(WalletFileError::Missing { .. }) => {
                let drawn = || Arc::new(SecretKey::draw(&*means.entropy));
                (self.secret.clone().unwrap_or_else(drawn), false)
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Ready {
            text,
            settings,
            secret,
            wallet_is_there,
        })
    }

    /// Writes what the member's node starts from: its wallet, unless a former one is there, the invitation,
    /// and the settings, which come last.
    ///
    /// # Errors
    /// [`NotJoined::Unwritable`], [`NotJoined::Wallet`], [`NotJoined::Settings`], [`NotJoined::Run`].
    pub fn set_up(&self, ready: &Ready) -> Result<(), NotJoined> {
        let data_dir = ready.settings.data_dir();
        make_private(data_dir)?;
        if !ready.wallet_is_there {
            WalletFile::new(&ready.settings.wallet().file).create(&ready.secret, None)?;
        }
        keep_invitation(data_dir, &self.invitation)?;
        settings::init(&self.file, &ready.text)?;
        Ok(())
    }
}

/// Dials a tracker as a stranger, whose greeting shows where it answers, whether it has the key `wanted`, and
/// how the clocks compare. Nothing comes of that at either end. The network that it has, if it has one.
///
/// # Errors
/// [`NotJoined::Unreachable`], [`NotJoined::OtherKey`].
pub fn look_at_tracker(
    means: &Means,
    addresses: &[Address],
    wanted: Option<PublicKey>,
    mut tell: impl FnMut(Check),
) -> Result<Option<NetworkId>, NotJoined> {
    actix::System::new().block_on(async {
        let stranger = Arc::new(SecretKey::draw(&*means.entropy));
        let mut conversation = Conversation::begin(means, stranger, None);
        let hello = conversation.meet(addresses, wanted, &mut tell).await?;
        Ok((hello.network != NetworkId::ZERO).then_some(hello.network))
    })
}

/// Serves the page by which somebody joins in a browser, on a thread that waits for its end; `tell` is told the
/// link into it.
///
/// # Errors
/// What the system says where it can't listen or serve.
pub fn serve_page(
    joins: Arc<dyn Joins>,
    entropy: Arc<dyn Entropy>,
    tell: impl FnOnce(SocketAddr, String),
) -> io::Result<()> {
    actix::System::new().block_on(serve_joining(joins, entropy, tell))
}

/// Keeps an invitation where a member's node looks for it when it starts.
///
/// # Errors
/// [`NotJoined::Unwritable`].
pub fn keep_invitation(data_dir: &Path, invitation: &InvitationString) -> Result<(), NotJoined> {
    let path = data_dir.join(INVITATION_FILE);
    let write = || -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        let mut file = options.mode(OWNER_ONLY).open(&path)?;
        file.write_all(invitation.reveal().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()
    };
    write().map_err(|source| NotJoined::Unwritable { path, source })
}

/// The invitation by which this member's node joins, if it is to join by one.
pub(super) fn kept_invitation(data_dir: &Path) -> Result<Option<Arc<InvitationString>>, RunError> {
    let path = data_dir.join(INVITATION_FILE);
    let read = || -> io::Result<Zeroizing<String>> {
        use std::io::Read;
        let mut text = Zeroizing::new(String::new());
        let file = std::fs::File::open(&path)?;
        file.take(MAX_INVITATION_FILE).read_to_string(&mut text)?;
        Ok(text)
    };
    let wrong = |reason: String| RunError::Invitation {
        path: path.clone(),
        reason,
    };
    let text = match read() {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(wrong(error.to_string())),
    };
    let parsed = InvitationString::parse(&text);
    parsed
        .map(|invitation| Some(Arc::new(invitation)))
        .map_err(|error| wrong(error.to_string()))
}
