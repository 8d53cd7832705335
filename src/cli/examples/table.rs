//! The examples: one table for help, manual and tests.

use super::{Example, Needs};

const fn alone(line: &'static str, does: &'static str) -> Example {
    example(line, does, Needs::Nothing)
}

const fn at_rest(line: &'static str, does: &'static str) -> Example {
    example(line, does, Needs::Settings)
}

const fn running(line: &'static str, does: &'static str) -> Example {
    example(line, does, Needs::Network)
}

const fn more(line: &'static str, does: &'static str) -> Example {
    example(line, does, Needs::More)
}

const fn example(line: &'static str, does: &'static str, needs: Needs) -> Example {
    Example { line, does, needs }
}

/// The examples of each command, by the words that name it; those of `node` itself have none.
pub const EXAMPLES: &[(&str, &[Example])] = &[
    (
        "",
        &[
            alone("init network chess", "make a new network, all of it here"),
            more("--config founder.toml", "run the node of these settings"),
            running("send bob 5 --note hello", "pay and write to bob"),
            running("status", "see how the node stands"),
        ],
    ),
    ("invite", &[more("invite --uses 30", "one for a class")]),
    (
        "invite list",
        &[more("invite list", "what is left of them")],
    ),
    ("invite revoke", &[more("invite revoke 2", "none by that")]),
    (
        "expel",
        &[more(
            "expel bob --reason 'sold what he never had'",
            "asks first",
        )],
    ),
    (
        "readmit",
        &[more("readmit bob", "its node comes back by itself")],
    ),
    (
        "rekey",
        &[more(
            "rekey ann rac1qw508d6qejxtdg4y5r3zarvary0c5xw7k3z",
            "a lost wallet",
        )],
    ),
    ("join", &[more("join", "asks for name and invitation")]),
    (
        "init tracker",
        &[alone(
            "init tracker --dir meeting",
            "a tracker in a directory of its own",
        )],
    ),
    (
        "init peer",
        &[
            alone(
                "init peer --name ann --tracker 192.168.1.10:7000",
                "a member of the network that is met there",
            ),
            alone(
                "init peer --name bob --tracker 192.168.1.10:7000 --listen 192.168.1.20:7001",
                "one that others of the same network can dial",
            ),
        ],
    ),
    (
        "init network",
        &[
            alone(
                "init network chess",
                "tracker and first member, for this machine",
            ),
            alone(
                "init network club --member ann --host 192.168.1.10 --dir club",
                "for everybody in the house",
            ),
        ],
    ),
    (
        "init recovery",
        &[alone(
            "init recovery --recovery-out recovery.txt",
            "the words go to a file, the address to the settings",
        )],
    ),
    (
        "demo",
        &[
            more("demo", "four nodes and their story, until Ctrl-C"),
            more("demo --once", "only the story"),
        ],
    ),
    ("status", &[running("status", "how this node stands")]),
    (
        "peers",
        &[
            running("peers", "everybody"),
            running("peers --addresses", "with their whole addresses"),
        ],
    ),
    (
        "members",
        &[
            running("members", "by the ledger, as of the last block"),
            running("members --at 1", "as of the block at height 1"),
        ],
    ),
    (
        "balance",
        &[
            running("balance", "your own coins"),
            running("balance bob", "those of bob"),
        ],
    ),
    (
        "mine",
        &[running("mine --blocks 2", "two blocks, and their coins")],
    ),
    ("sync", &[running("sync --from bob", "from bob first")]),
    (
        "send",
        &[
            running("send bob 5 --note 'for the cheese'", "coins and a note"),
            running("send bob 0 --note hello", "a note alone"),
            running(
                "send bob 2 --another --wait delivered",
                "wait until bob has signed for it",
            ),
        ],
    ),
    (
        "send-many",
        &[
            more("send-many wages.csv", "a table: to,coins,note"),
            more(
                "send-many wages.csv --broadcast --same",
                "the answer was lost: each is sent once",
            ),
        ],
    ),
    ("outbox", &[running("outbox", "what is on its way")]),
    (
        "outbox retry",
        &[more(
            "outbox retry 403ad9",
            "the first digits of its id will do",
        )],
    ),
    (
        "outbox withdraw",
        &[more("outbox withdraw 403ad9", "unless it has left")],
    ),
    (
        "outbox release",
        &[more("outbox release 403ad9", "use its coins again")],
    ),
    (
        "inbox",
        &[
            running("inbox", "the latest"),
            running("inbox --unread", "what is new"),
            more("inbox --follow", "and whatever comes, until Ctrl-C"),
        ],
    ),
    (
        "history",
        &[
            running("history", "the latest 50"),
            running("history --limit 5 --json", "five, for a program"),
        ],
    ),
    (
        "account",
        &[
            running("account", "the latest 50"),
            running("account --limit 5 --json", "five, for a program"),
        ],
    ),
    (
        "tx",
        &[more("tx 403ad9", "the first digits of its id will do")],
    ),
    (
        "block",
        &[
            running("block 0", "the genesis block"),
            running("block 1", "the first that was mined"),
        ],
    ),
    ("open", &[running("open", "what is not mined yet")]),
    (
        "record add",
        &[more(
            "record add minutes --file minutes.txt --wait mined",
            "a file, up to 64 KiB",
        )],
    ),
    (
        "record list",
        &[running("record list minutes", "what is under a topic")],
    ),
    (
        "record follow",
        &[more(
            "record follow minutes --json",
            "and whatever comes, for a program",
        )],
    ),
    (
        "prove",
        &[
            running("prove 1 --out block.proof", "that block 1 is on the chain"),
            more("prove 403ad9 --out paid.proof", "that a payment is"),
        ],
    ),
    (
        "vote open",
        &[more(
            "vote open 'Where do we go?' --choices lake,hills --closes 2d",
            "everybody may vote until then",
        )],
    ),
    ("vote list", &[more("vote list", "the latest first")]),
    ("vote show", &[more("vote show 403ad9", "who has voted")]),
    (
        "vote cast",
        &[more("vote cast 403ad9 lake", "for the lake")],
    ),
    (
        "vote tally",
        &[more("vote tally 403ad9 --follow", "as votes come")],
    ),
    (
        "vote audit",
        &[more(
            "vote audit 403ad9 --out ballot.json",
            "for who counts again",
        )],
    ),
    ("disconnect", &[more("disconnect", "everybody is told")]),
    ("connect", &[more("connect", "and back")]),
    (
        "tracker delegate",
        &[more(
            "tracker delegate rac1... --until 60d",
            "it admits while this one is away",
        )],
    ),
    ("tracker list", &[more("tracker list", "who has the right")]),
    (
        "tracker revoke",
        &[more("tracker revoke rac1...", "it issues no more")],
    ),
    (
        "tracker hand-over",
        &[more(
            "tracker hand-over rac1... --recovery",
            "asks for the recovery words",
        )],
    ),
    ("leave", &[more("leave", "for good; it asks first")]),
    (
        "chain show",
        &[running("chain show", "its length, its end, its work")],
    ),
    (
        "chain verify",
        &[running("chain verify", "all of it again")],
    ),
    (
        "export",
        &[
            running("export --out chain.jsonl", "one JSON object a line"),
            running("export --out chain.json", "one JSON array"),
        ],
    ),
    (
        "table",
        &[
            running("table transactions --out payments.csv", "for a spreadsheet"),
            running("table blocks --format jsonl", "for a program"),
            running(
                "table members --out members.csv",
                "who joined, left, was put out",
            ),
            running(
                "table records --out records.jsonl",
                "what applications wrote",
            ),
        ],
    ),
    (
        "backup",
        &[
            running("backup copy-of-today", "the chain, the outbox, the inbox"),
            running(
                "backup copy-with-wallet --with-wallet",
                "the wallet, too: keep it safe",
            ),
        ],
    ),
    (
        "doctor",
        &[
            running("doctor", "a table, and what to do"),
            running("doctor --json", "for a program"),
        ],
    ),
    (
        "restore",
        &[more(
            "restore copy-of-today",
            "where there is no database yet",
        )],
    ),
    (
        "import",
        &[more("import chain.jsonl", "into a node that does not run")],
    ),
    (
        "verify",
        &[more(
            "verify paid.proof --work 1000000",
            "by the work behind it",
        )],
    ),
    (
        "logs",
        &[
            running("logs", "the latest events"),
            running("logs --since 5m --level warn", "what was odd just now"),
            more(
                "logs --id 403ad9 --with bob.toml",
                "one payment, at both ends",
            ),
        ],
    ),
    (
        "logs level",
        &[
            running(
                "logs level chain=debug --for 10m",
                "more of one part, for a while",
            ),
            running("logs level usual", "what the settings say again"),
        ],
    ),
    (
        "explain",
        &[
            alone("explain tip", "a word"),
            alone("explain insufficient_funds", "a refusal"),
        ],
    ),
    ("bench", &[more("bench", "ten seconds of work")]),
    (
        "wallet new",
        &[more("wallet new", "before the first start")],
    ),
    (
        "wallet show",
        &[at_rest("wallet show", "where it is, and whose")],
    ),
    (
        "wallet words",
        &[more("wallet words", "on the terminal, to be written down")],
    ),
    (
        "wallet restore",
        &[more("wallet restore", "asks for the words")],
    ),
    (
        "wallet lock",
        &[more("wallet lock", "asks for a passphrase")],
    ),
    (
        "wallet unlock",
        &[more("wallet unlock", "asks for it, too")],
    ),
    (
        "wallet address",
        &[at_rest("wallet address", "for others to pay to")],
    ),
    (
        "wallet load",
        &[more("wallet load", "asks for the passphrase")],
    ),
    (
        "web",
        &[
            more("web", "open the pages in this machine's browser"),
            running("web --print", "the link alone"),
        ],
    ),
    ("stop", &[more("stop", "and wait until it is gone")]),
    (
        "sim",
        &[more(
            "sim config/scenarios/classroom.toml",
            "a class; not tried by a test, as it takes a minute",
        )],
    ),
    (
        "completions",
        &[
            alone(
                "completions bash",
                "for ~/.local/share/bash-completion/completions/node",
            ),
            alone(
                "completions zsh",
                "for a file _node in a directory of $fpath",
            ),
            alone(
                "completions fish",
                "for ~/.config/fish/completions/node.fish",
            ),
        ],
    ),
    (
        "man",
        &[
            alone("man", "the page of node"),
            alone("man send", "that of a command"),
            alone("man --dir man1", "all of them, a file each"),
        ],
    ),
    (
        "config check",
        &[at_rest("config check", "before the node is started")],
    ),
    (
        "config default",
        &[
            alone("config default peer", "a commented file of a peer"),
            alone("config default tracker", "and of a tracker"),
        ],
    ),
    (
        "config show",
        &[
            at_rest("config show", "what holds"),
            at_rest("config show --origin", "and who says so"),
        ],
    ),
];
