//! Examples of sealed notes.

use crate::example::{self, alice, bob, tracker};
use crate::work::Work;
use raclette::chain::transaction::Note;
use raclette::chain::{Action, EncodedTransaction, Payload, Salt};
use raclette::keys::{NoteContext, NoteSeed, NoteText, SealingKey, SecretKey};

/// Alice's five coins for bob, with a note.
fn transfer(note: Note) -> Payload {
    let mut transfer = example::transfer();
    if let Action::Transfer { note: place, .. } = &mut transfer.action {
        *place = note;
    }
    transfer
}

fn about() -> NoteContext {
    let about = transfer(Note::default()).note_context();
    about.expect("a transfer can have a note")
}

/// A text and random bytes, and what alice seals for bob.
pub fn sealed_note(work: &mut Work) {
    let text = work.given("text");
    let text = NoteText::new(text).expect("1 to 8192 bytes");
    let drawn: [u8; 32] = work.array("seed");
    let about = about();
    work.found_bytes("associated_data", &about.associated_data());
    let mut seed = NoteSeed::default();
    seed.as_mut().copy_from_slice(&drawn);
    let note = alice().seal_note(&bob().sealing_key(), &about, &text, &seed);
    let note = note.expect("alice is the sender");
    for reader in [alice(), bob()] {
        assert_eq!(reader.open_note(&about, &note).as_ref(), Ok(&text));
    }
    work.found("length", note.len());
    work.found_bytes("sealed", &note);
    let note = Note::new(note).expect("short enough");
    let transfer = EncodedTransaction::new(transfer(note).sign(&alice()));
    assert!(example::rules().check_form(&transfer).is_ok());
}

/// A sealed note in alice's transfer to bob, and what a reader finds in it.
pub fn note_opened(work: &mut Work) {
    let reader: SecretKey = match work.given("reader") {
        "alice" => alice(),
        "bob" => bob(),
        "the tracker" => tracker(),
        other => panic!("nobody is called {other}"),
    };
    let mut about = about();
    if let Some(salt) = work.maybe("salt") {
        about.salt = salt.parse::<Salt>().expect("a salt").0;
    }
    let note = work.bytes("sealed");
    match reader.open_note(&about, &note) {
        Ok(text) => work.found("text", text.as_str()),
        Err(refusal) => work.found("refused", refusal),
    }
}

/// Whether a note can be sealed for a key.
pub fn sealing_key(work: &mut Work) {
    let key = SealingKey(work.array("key"));
    let text = NoteText::new("hi").expect("1 to 8192 bytes");
    let sealed = alice().seal_note(&key, &about(), &text, &NoteSeed::default());
    work.verdict("sealed", sealed.map(drop));
}
