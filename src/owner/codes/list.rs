//! The list of all codes, with what each means.

use super::{Explanation, Kind};

codes! {
    // The request itself.
    BadBody = "bad_body", Misuse, "The body can't be read":
        "The body of the request is not the JSON that this path takes.",
        "A field is missing, has another name or another type, or the text is no JSON or too long. Amounts and fees are text: \"5\".",
        "Send what `GET /api/v1/paths` lists for this path, with `Content-Type: application/json`.";
    UnknownParameter = "unknown_parameter", Misuse, "No such parameter":
        "The address of the request names a parameter that this path does not have.",
        "A parameter that is passed over in silence would give another answer than was asked for.",
        "Take one of the parameters that the refusal names.";
    BadParameter = "bad_parameter", Misuse, "A parameter has no such value":
        "A parameter has a value that it can't have.",
        "It is no number where one belongs, or outside of what is allowed.",
        "Take a value within the bounds that the refusal names.";
    BadCursor = "bad_cursor", Misuse, "Not a cursor of this list":
        "The text after which a list was to go on is not one that this list gave.",
        "Each list ends with the cursor of its next page (`next`), and takes no other.",
        "Begin the list anew without `after`, and take `next` as it stands.";
    BadId = "bad_id", Misuse, "Not an id":
        "What was given to name a block, a transaction or a message is neither an id nor the beginning of one.",
        "Ids are 64 hexadecimal digits; the first six or more will do, with or without the dots behind them. Blocks are named by their height, too.",
        "Copy the id from where it is shown.";
    AmbiguousId = "ambiguous_id", Misuse, "Several ids begin like this":
        "The beginning of an id that was given belongs to more than one thing.",
        "The node does not guess which one is meant.",
        "Give more of its digits.";
    BadAddress = "bad_address", Misuse, "Not an address":
        "What looks like a member's address has a mistake in it.",
        "The last characters of an address are a check sum, and it does not fit the rest.",
        "Copy the address whole, or take the member's name.";
    BadNote = "bad_note", Misuse, "Not a note":
        "The text of the note can't be sent.",
        "It is empty, or longer than a note may be.",
        "Shorten it, or send it in several notes.";
    BadKey = "bad_idempotency_key", Misuse, "Not an Idempotency-Key":
        "The header Idempotency-Key is there more than once, empty, too long, or not plain text.",
        "It is kept on the disk with the send, so its length is bounded.",
        "Take up to 64 visible characters, a random one for each new send.";
    BadTopic = "bad_topic", Misuse, "Not a topic":
        "What was given as the topic of a record is none.",
        "A topic is a name, and is kept with every record: 1 to 32 bytes.",
        "Take a short name, such as guest-book.";
    BadRecord = "bad_record", Misuse, "Not a record":
        "What was to be recorded can't be.",
        "It has more than 64 KiB, or its bytes were to be given in pairs of hexadecimal digits.",
        "Keep larger things beside the ledger, and their hash on it.";
    BadBallot = "bad_ballot", Unacceptable, "Not a ballot":
        "What was to be opened makes no ballot.",
        "A ballot has a question, 2 to 64 choices, a roll, and an end that lies ahead.",
        "Change what the refusal names.";
    UnknownBallot = "unknown_ballot", Unknown, "No such ballot":
        "No ballot has the id that was given, as far as this node knows.",
        "It is mistyped, or the record that opens it has not come yet.",
        "`node vote list` shows the ballots.";
    BallotNotMined = "ballot_not_mined", Conflict, "The ballot is not mined yet":
        "The record that opens the ballot is in no block yet.",
        "Votes are judged by a ballot that is on the chain.",
        "Wait for the next block, or mine it: `node mine`.";
    BallotClosed = "ballot_closed", Conflict, "The ballot is closed":
        "The ballot takes no more votes.",
        "Its time is over, or the chain is past its last height.",
        "`node vote show BALLOT` says what it came to and which vote counts.";
    NotOnRoll = "not_on_roll", Unacceptable, "Not on the roll":
        "This node's key may not vote in the ballot.",
        "Who may vote was fixed when the ballot was opened.",
        "Ask whoever opened it; a new ballot can have another roll.";
    BadChoice = "bad_choice", Unacceptable, "Not a choice of this ballot":
        "What was chosen can't be chosen in this ballot.",
        "It has no such choice, or a vote in it may not have so many.",
        "`node vote show BALLOT` lists the choices.";
    NoApplication = "no_application", Conflict, "The network has no such application":
        "The network's genesis block does not name the application that this needs.",
        "Applications are fixed when a network is founded.",
        "Found a network whose tracker settings name it under `applications`.";
    UnknownPath = "unknown_path", Unknown, "Nothing is under this path":
        "The API of this node has nothing under the path that was asked for.",
        "It is mistyped, or belongs to a node of another kind: trackers have fewer paths than peers.",
        "`GET /api/v1/paths` lists what there is.";
    TooManyStreams = "too_many_streams", NotNow, "Too many follow the events":
        "As many programs and browsers follow the events of this node as may.",
        "Each of them keeps a connection open, so their number is bounded.",
        "Close one of them, or ask again later.";
    UnknownCode = "unknown_code", Unknown, "No such code":
        "No refusal has the code that was asked for.",
        "It is mistyped, or of another version of the program.",
        "`node explain` lists the codes.";
    WrongMethod = "wrong_method", WrongMethod, "Asked with another method":
        "This path is there, and is asked with another method.",
        "What only reads is asked with GET, what changes something with POST.",
        "`GET /api/v1/paths` lists each path with its method.";
    WrongToken = "wrong_token", Unproven, "No token, or a wrong one":
        "The request does not carry the token of this start of the node.",
        "A new token is drawn at every start, and stands in api.json in the data directory.",
        "Read api.json again, and send `Authorization: Bearer TOKEN`.";
    WrongHost = "wrong_host", Forbidden, "Not for this machine":
        "The Host header of the request is not this machine and this port.",
        "A web page can have its own name lead to this machine; such requests are refused.",
        "Ask at 127.0.0.1, [::1] or localhost, with the port that api.json names.";
    WrongOrigin = "wrong_origin", Forbidden, "From another page":
        "The request comes from a page that is not this node's.",
        "Otherwise any page that you look at could spend your coins.",
        "Ask from a program on this machine, without an Origin header.";
    UnknownBrowser = "unknown_browser", Unproven, "This browser is not known":
        "The page was asked for by a browser that this node has not let in.",
        "A browser comes in by a link that works once, within ten minutes, and stays known for 90 days. Its cookie may have been deleted, or the link was used before.",
        "Type `node web` in a terminal on the node's machine: it opens the page, or prints a new link.";
    WrongForm = "wrong_form", Forbidden, "This form is not from here, or too old":
        "A form was sent without the mark that this node's own pages carry.",
        "Otherwise another page could send it in your name. It is also missing if the browser was let in anew after the page was loaded.",
        "Load the page again, and send the form from there.";

    // The node.
    NoNetwork = "no_network", NotNow, "On no network yet":
        "The node is on no network yet.",
        "It hears of its network from the tracker, which it has not reached, or which has no network yet.",
        "See that the tracker runs and is reachable; the node goes on trying.";
    NoWallet = "no_wallet", NotNow, "Waiting for its wallet":
        "The node waits for its wallet and does nothing else.",
        "There is none, or it is locked and nobody gave the passphrase.",
        "`node status` says what to type: `node wallet new`, `node wallet restore`, or `node wallet load`.";
    Stopping = "stopping", NotNow, "The node is stopping":
        "The node is about to end.",
        "Somebody stopped it, or it met a failure that its log tells.",
        "Start it again and repeat this; what it had confirmed is kept.";
    Busy = "busy", NotNow, "Too much at this moment":
        "The node has too much to do to answer this now.",
        "It is catching up with the chain, or many ask at a time.",
        "Try again shortly.";
    AlreadyRunning = "already_running", Conflict, "Somebody else has that done already":
        "The chain is being verified or exported for somebody else, or a backup is being made.",
        "Each keeps a processor or the disk busy, so one runs at a time.",
        "Wait until that has ended.";
    Internal = "internal", Failed, "The node failed":
        "Something failed within the node.",
        "Its disk did not answer or holds a damaged row, or the program has a fault.",
        "Look into the node's log (`node logs --level error`). If the disk is sound, please report it.";

    WrongClock = "wrong_clock", Conflict, "This machine's clock is wrong":
        "No block was mined, because this machine's clock differs from those of most others by more than blocks allow.",
        "A block carries the time of its miner. One that lies ahead of the others' clocks is held back by them, and by then they have gone on without it.",
        "Set the machine's clock right (best by its time service); `node status` says when it agrees with the others.";
    ChainAhead = "chain_ahead", Conflict, "The chain is ahead of the clock":
        "No block was mined, because the last block is stamped too far ahead of this machine's clock.",
        "Either the clock is behind, or the last blocks were mined while clocks were wrong. No block may be older than the one before it.",
        "Set the clock right if it is wrong. If it is right, wait until the time that the refusal names.";

    // Members.
    UnknownMember = "unknown_member", Unknown, "No member has this name":
        "Nobody in the network is called like this, as far as this node knows.",
        "The name is mistyped, or its owner has never joined.",
        "`node peers` lists the members. An address works for anybody.";
    PutOut = "put_out", Unknown, "Put out of the network":
        "The admin of the network has put this member out.",
        "Nobody talks to it, and nothing more is sent to it by its name.",
        "Whoever runs the tracker can let it back: `node readmit NAME`, there. Its node asks every five minutes, and at \
         once after `node connect`.";
    NotConnected = "not_connected", Conflict, "Not connected":
        "The member is not connected to this node at this moment.",
        "Its node does not run, or can't be reached.",
        "`node peers` lists who is connected.";
    NotRegistered = "not_registered", NotNow, "Not registered at this moment":
        "The node is not registered with the tracker at this moment, and this needs the tracker.",
        "The tracker is away, or the connection to it is being made.",
        "Try again when `node status` says that it is registered.";
    CutOff = "cut_off", NotNow, "Cut off":
        "The connection to the tracker, or the node, ended before it was done.",
        "It may have been done, or not.",
        "Look at `node status`. A leave goes on by itself: while the node runs, it leaves as soon as the tracker is back. Anything else, try again.";
    NameDiffers = "name_differs", Conflict, "Whose name it is, is not agreed":
        "The ledger, this node's memory and the tracker do not all say the same key under this name. Nothing was sent.",
        "The member has another wallet and the ledger does not say so yet, or somebody takes its place.",
        "Ask the member on another way, then send to its address, which is in the answer. A new wallet is told to everybody by `node rekey ...` at the tracker.";

    // Who may join.
    OnlyIntroduces = "only_introduces", Conflict, "Not this tracker's to do":
        "This tracker only introduces the members of another one's network.",
        "Only the first tracker, or one that it gave the right to, decides who is a member.",
        "Ask the first tracker, whose address stands in this one's settings as introduces_for.";
    NoAddress = "no_address", Conflict, "Nobody would know where to dial":
        "No invitation was made, since it would not say where the tracker is.",
        "The tracker listens at every address of its machine, and its settings do not say which of them others reach, or name too many.",
        "Set advertise in the tracker's settings to the address that others dial, and start it again.";
    TooManyInvitations = "too_many_invitations", Conflict, "Too many invitations":
        "There are as many invitations that have not ended as a tracker keeps.",
        "Each is remembered until it ends.",
        "Let one invitation be for several members, or wait until some have ended.";
    UnknownInvitation = "unknown_invitation", Unknown, "No such invitation":
        "This tracker has no invitation of that number.",
        "The number is mistyped, or the invitation ended long ago.",
        "`node invite list` shows them.";
    NotAdmin = "not_admin", Conflict, "Not the network's admin any more":
        "This tracker does not speak for the network: another key is its admin key.",
        "The network was handed over to another tracker.",
        "Ask the tracker that it was handed over to.";
    Oneself = "oneself", Conflict, "The tracker's own key":
        "What was ordered is about the tracker's own key.",
        "That key speaks for the network: put out, it could not take that back.",
        "Name a member. To put another tracker in this one's place, hand the network over.";
    AlreadyOut = "already_out", Conflict, "Put out already":
        "The member is put out already.",
        "What the admin says of somebody counts until the admin says otherwise.",
        "`node readmit NAME` lets it come back.";
    NotOut = "not_out", Conflict, "Not put out":
        "The member is not put out.",
        "Only whoever was put out can be let back in.",
        "Whoever left by itself joins again by itself; a newcomer is invited: `node invite`.";
    WrongNewKey = "wrong_new_key", Conflict, "The name can't go to this key":
        "The new key has that name already, is another member's, or is put out.",
        "A name is handed on to a key that nobody uses yet.",
        "Have the member make a new wallet, and take the address that its node shows.";
    NoDelegate = "no_delegate", Unknown, "Never given the right":
        "No right to issue was given to this key.",
        "The address is mistyped, or the right ended long ago.",
        "`node tracker list` shows who has it.";
    TooManyDelegates = "too_many_delegates", Conflict, "Too many trackers may issue":
        "The register has no room for one more tracker with the right to issue.",
        "64 have it.",
        "Wait until the right of one has ended, or begin with fewer.";
    NotKept = "not_kept", Conflict, "The statement can't be kept":
        "What the admin wanted to say was not said.",
        "The tracker's clock is more than a day behind what it said before, or it holds as many statements as it can.",
        "Set the tracker's clock right, and try again.";

    // Paying and writing.
    InsufficientFunds = "insufficient_funds", Unacceptable, "Not enough coins":
        "The sender has fewer coins to spend than this would cost.",
        "Coins in open or queued transactions are reserved until those are mined or end.",
        "`node balance` shows what can be spent. Mine, wait, or send less.";
    Meaningless = "meaningless", Unacceptable, "Nothing is sent":
        "The transaction has neither coins nor a note, or its numbers do not fit.",
        "A transfer carries coins, a note, or both; amount and fee together stay below 2^64.",
        "Give an amount above 0, a note, or both.";
    ToSelf = "to_self", Unacceptable, "To oneself":
        "Sender and recipient are the same.",
        "Coins sent to oneself change nothing.",
        "Choose another recipient.";
    FeeTooLow = "fee_too_low", Unacceptable, "The fee is too low":
        "The fee is below the least that this network takes for a transaction of that size.",
        "The network's first block says what a KiB costs at least.",
        "Offer the fee that the refusal names.";
    ZeroFeeStranger = "zero_fee_stranger", Unacceptable, "Only members send free of charge":
        "A transaction without a fee comes from a key that is no member.",
        "Otherwise anybody could fill the blocks for nothing.",
        "Add a fee, or wait until the node is registered.";
    PoolFull = "pool_full", Unacceptable, "No room among the open transactions":
        "The open transactions are full, or the sender's share of them is.",
        "What waits for a block is bounded, in all and for each sender. What a key sends without a fee is, over the last 720 blocks.",
        "Wait for a block, or offer a higher fee. A share without a fee becomes free as the blocks that hold it grow older.";
    TooLarge = "too_large", Unacceptable, "Too large":
        "The transaction is larger than a block of this network.",
        "No block could ever hold it.",
        "Send less in one piece.";
    Expired = "expired", Unacceptable, "Its last height has passed":
        "The last height at which it could be mined lies behind.",
        "Every transaction names one, so that what is forgotten does not turn up a year later.",
        "Make it anew, with a later expiry.";
    ExpiresTooLate = "expires_too_late", Unacceptable, "It would expire too late":
        "The last height at which it could be mined lies too far ahead.",
        "The network bounds how long a transaction may wait.",
        "Choose an earlier expiry.";
    WrongNetwork = "wrong_network", Unacceptable, "Of another network":
        "The transaction was made for another network.",
        "Each transaction names its network, so that it counts in no other.",
        "Make it anew on this one.";
    AlreadyMined = "already_mined", Conflict, "Mined already":
        "This very transaction is in a block already.",
        "A transaction counts once.",
        "There is nothing left to do: `node tx ID` shows where it is.";
    AlreadyOpen = "already_open", Conflict, "Open already":
        "This very transaction is among the open ones already.",
        "A transaction counts once.",
        "Wait for a block: `node tx ID` shows where it stands.";
    BadSignature = "bad_signature", Unacceptable, "A wrong signature":
        "The transaction's signature, or the key that signed it, is not acceptable.",
        "It was changed after it was signed, or signed by something else than a key of this network.",
        "Make it anew.";
    StrayReward = "stray_reward", Unacceptable, "A reward can't be sent":
        "A reward was to be sent.",
        "Rewards are made by mining a block, and in no other way.",
        "Send a transfer.";
    Application = "application", Unacceptable, "The application refuses it":
        "The application that judges this topic says no.",
        "It has rules of its own, on top of those of the network.",
        "The refusal has the application's words.";
    NoSealingKey = "no_sealing_key", Unacceptable, "No note to somebody unknown":
        "A note was to be sent to somebody whose key for notes is not known.",
        "Notes are sealed for their recipient, with a key that members tell of themselves.",
        "Send coins alone, or ask the recipient to join the network.";
    NotSealed = "not_sealed", Unacceptable, "The note can't be sealed":
        "The note could not be sealed for its recipient.",
        "The key that the recipient tells of itself can't be used.",
        "Ask the recipient to start the node anew; coins alone can be sent meanwhile.";
    OutboxFull = "outbox_full", NotNow, "The outbox is full":
        "Too much waits for its recipients already.",
        "What waits is bounded in number and in bytes.",
        "Wait until some of it was delivered, or withdraw what is not needed any more.";
    AlreadySent = "already_sent", Conflict, "Sent already":
        "This very transaction is in the outbox already.",
        "A transaction counts once.",
        "There is nothing left to do: `node outbox` shows it.";
    KeyTaken = "idempotency_key_taken", Unacceptable, "The key belongs to something else":
        "Another send was asked for with the same Idempotency-Key.",
        "A key stands for one request, so that asking for it again does nothing more.",
        "Take a new key for a new send; the refusal names what was sent under this one.";

    NotCopied = "not_copied", Conflict, "The database was not copied":
        "A copy of the database was asked for, and could not be made.",
        "There is something at its place already, no room, or no right to write there.",
        "The refusal says which; choose another place.";

    // The outbox.
    UnknownSend = "unknown_send", Unknown, "Not sent by this node":
        "This node has sent nothing with such an id.",
        "The id is mistyped, or of something that was received, or that another node sent.",
        "`node outbox` and `node history` show what was sent.";
    UnknownMessage = "unknown_message", Unknown, "Not in the inbox":
        "The inbox has no message of that number or id.",
        "It is mistyped, or of something that this node sent.",
        "`node inbox` shows what came in.";
    RefusedByRecipient = "refused_by_recipient", Conflict, "Its recipient refused it":
        "The send can't be tried again.",
        "Its recipient refused it for good, and would refuse the same bytes again.",
        "Send it anew. What it kept back can be freed with `node outbox release ID`.";
    NothingHeld = "nothing_held", Conflict, "It holds no coins back":
        "The send holds no coins back that could be freed.",
        "Only a send that has ended, and may still be mined, holds coins back without being on its way.",
        "`node outbox` shows what waits, and what it holds back.";
    NotWaiting = "not_waiting", Conflict, "It does not wait any more":
        "The send does not wait in the outbox any more.",
        "It is open or mined by now, or has ended.",
        "`node history` shows what became of it.";
    Attempted = "attempted", Conflict, "It may have left":
        "The send can't be taken back any more.",
        "It may have reached its recipient, who could have it mined.",
        "It lapses by itself if it is not mined up to its last height.";

    JoinOpen = "join_open", Conflict, "The join is in no block yet":
        "The node can't leave: its own join is open.",
        "Nobody can take back a join that the network knows, and no block has taken it in yet.",
        "Leave once a block has been mined: `node status` says when the join is on the ledger.";

    // The chain.
    UnknownBlock = "unknown_block", Unknown, "No such block":
        "This node has no block of that height or id.",
        "The chain does not reach so far, the id is mistyped, or the block has not come yet.",
        "`node chain show` says how far the chain reaches.";
    UnknownTransaction = "unknown_transaction", Unknown, "No such transaction":
        "This node knows no open or mined transaction with such an id.",
        "The id is mistyped, or the transaction was never told to the network.",
        "`node outbox` shows what waits here; what has lapsed is forgotten.";
    NotOnChain = "not_on_chain", Unknown, "Not on the connected chain":
        "The block is not on the connected chain.",
        "Another branch has more work, and what is not on the chain proves nothing.",
        "Name a block of the chain, by its height.";
    NotMined = "not_mined", Unknown, "Not mined yet":
        "The transaction is in no block yet.",
        "Only what is in a block can be proven.",
        "Wait for a block: `node tx ID` shows where it stands.";
    InvalidBlock = "invalid_block", Failed, "A stored block is wrong":
        "A block on this node's disk breaks a rule.",
        "The disk was damaged or changed, or another version of the program wrote it.",
        "Keep the wallet file, move the database (`db` in the data directory) away, and start: the node fetches the chain from the others.";
    StoredState = "stored_state", Failed, "What is stored does not fit the blocks":
        "Balances or indexes on this node's disk are not what its blocks give.",
        "The disk was damaged or changed, or another version of the program wrote it.",
        "Keep the wallet file, move the database (`db` in the data directory) away, and start: the node fetches the chain from the others.";

    // The wallet of a node that waits for it.
    WalletExists = "wallet_exists", Conflict, "There is a wallet already":
        "A new wallet was to be made where there is one.",
        "A wallet that is written over is lost for good, with its coins.",
        "Take the one that is there (`node wallet load`), or name another file under [wallet] file in the settings.";
    NoWalletFile = "no_wallet_file", Conflict, "There is no wallet":
        "The wallet file that the settings name is not there.",
        "It was never made, or was moved away.",
        "`node wallet new` makes one, `node wallet restore` brings one back from its words.";
    WalletFile = "wallet_file", Unacceptable, "The wallet file can't be used":
        "The wallet file can't be read or written.",
        "It holds something else, or the system does not let the node at it.",
        "The refusal has the reason.";
    UnfitPassphrase = "unfit_passphrase", Unacceptable, "Not a passphrase":
        "The passphrase can't be taken.",
        "It is too short, too long, or has characters that can't be typed again.",
        "Choose another one.";
    UnfitWords = "unfit_words", Unacceptable, "No wallet has these words":
        "The wallet can't be brought back from these words.",
        "One of them is mistyped, missing or in another's place: the last one checks all others.",
        "Compare them with the paper, and type all 24 in their order.";
    Locked = "locked", Unacceptable, "The wallet is locked":
        "The wallet is locked, and no passphrase came with the request.",
        "Whoever locked it wants its passphrase asked for.",
        "`node wallet load` asks for it. Forgotten: `node wallet restore` says how the 24 words bring it back.";
    NotUnlocked = "not_unlocked", Unacceptable, "Not unlocked":
        "The wallet could not be unlocked.",
        "The passphrase is another one, or the file is damaged.",
        "Try again. Forgotten: `node wallet restore` says how the 24 words bring it back; without them nothing does.";
    WalletBusy = "wallet_busy", NotNow, "A wallet is being opened":
        "A wallet is being opened already, or is open by now.",
        "Only one can be opened at a time, once.",
        "Look at `node status`.";
}
