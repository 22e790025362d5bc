use std::fs;

use proptest::prelude::*;

use super::*;

fn head() -> Head {
    Head::new("in".into(), "do".into(), "at".into())
}

fn known(hash: &str, key: Option<&str>) -> Known {
    Known { hash: hash.into(), key: key.map(str::to_owned) }
}

fn end(exit: u8, status: Option<u16>, outcome: Outcome) -> End {
    End { exit, status, outcome }
}

impl Store for Vec<u8> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A journal with an intent for lines 1 to 4, and three ends.
fn written() -> Vec<u8> {
    let mut journal = Read::default().go_on(Vec::new(), &head()).unwrap();
    for number in 1..=4 {
        journal.intent(number, known(&format!("h{number}"), (number == 2).then_some("k"))).unwrap();
    }
    journal.end(1, end(4, Some(404), Outcome::Processed)).unwrap();
    journal.end(2, end(1, None, Outcome::NotSent)).unwrap();
    journal.end(3, end(124, None, Outcome::MaybeProcessed)).unwrap();
    journal.store
}

#[test]
fn an_intent_without_an_end_is_in_doubt() {
    let bytes = written();
    let read = Read::new(&*bytes, &head()).unwrap();
    assert_eq!(read.whole, bytes.len() as u64);
    for (number, expected) in [
        (1, State::Ended(end(4, Some(404), Outcome::Processed))),
        (2, State::Open(known("h2", Some("k")))),
        (3, State::Doubt(known("h3", None))),
        (4, State::Doubt(known("h4", None))),
    ] {
        assert_eq!(read.states[&number], expected, "{number}");
    }
    assert_eq!(read.states.len(), 4);
}

#[test]
fn what_is_no_journal_of_this_run_is_refused() {
    let bytes = written();
    for (head, expected) in [
        (Head::new("other".into(), "do".into(), "at".into()), "the journal is of another input"),
        (Head::new("in".into(), "other".into(), "at".into()), "the journal is of another command line"),
        (
            Head { place: "elsewhere".into(), ..head() },
            "the journal is of another base URL, environment, actor or catalog",
        ),
        (Head { journal: 2, ..head() }, "the file that --resume names was written by another version of restwalk"),
    ] {
        assert_eq!(Read::new(&*bytes, &head).unwrap_err().message, expected);
    }
    for text in ["{}\n", "hello\n", "hello", "{\"journal\":1,\"input\":\"x", "\n"] {
        let mistake = Read::new(text.as_bytes(), &head()).unwrap_err();
        assert!(mistake.message.contains("is no journal of restwalk"), "{text:?}: {}", mistake.message);
    }
    let first = String::from_utf8(line(&head()).unwrap()).unwrap();
    for damaged in ["{\"line\":1}\n", "{\"line\":1,\"exit\":0,\"outcome\":\"processed\"}\n", "x\n", "\n", "\0\0\n"] {
        let mistake = Read::new(format!("{first}{damaged}").as_bytes(), &head()).unwrap_err();
        assert_eq!(mistake.message, "the file that --resume names is damaged in line 2", "{damaged:?}");
    }
    let endless = [first.as_bytes(), &vec![b'x'; 10_000]].concat();
    assert!(Read::new(&*endless, &head()).is_err());
}

#[test]
fn an_entry_that_could_not_be_read_again_is_not_written() {
    let mut journal = Read::default().go_on(Vec::new(), &head()).unwrap();
    let long = |length: usize| known("h", Some(&"k".repeat(length)));
    journal.intent(1, long(4000)).unwrap();
    let error = journal.intent(2, long(5000)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    let read = Read::new(&*journal.store, &head()).unwrap();
    assert_eq!(read.states.len(), 1);
}

#[test]
fn a_journal_is_its_owners_alone_and_one_runs_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let mut journal = open(&path, &head()).unwrap();
    journal.intent(1, known("h", None)).unwrap();
    journal.sync().unwrap();
    let second = open(&path, &head()).err().unwrap();
    assert_eq!((second.code, second.exit), ("store.locked", 2));
    drop(journal);
    fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .and_then(|mut file| io::Write::write_all(&mut file, b"{\"li"))
        .unwrap();
    let journal = open(&path, &head()).unwrap();
    assert_eq!(journal.state(1), Some(&State::Doubt(known("h", None))));
    drop(journal);
    assert!(fs::read(&path).unwrap().ends_with(b"\"hash\":\"h\"}\n"), "the torn line is gone");
    #[cfg(unix)]
    {
        use std::os::unix::fs::{PermissionsExt, symlink};

        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        symlink(&path, folder.path().join("link")).unwrap();
        assert!(open(&folder.path().join("link"), &head()).is_err());
    }
    fs::write(folder.path().join("mine"), "my words").unwrap();
    assert!(open(&folder.path().join("mine"), &head()).is_err());
    assert_eq!(fs::read(folder.path().join("mine")).unwrap(), b"my words");
    assert!(open(folder.path(), &head()).is_err());
}

proptest! {
    #[test]
    fn a_journal_that_was_torn_anywhere_knows_its_whole_lines(cut in 0_usize..1000) {
        let bytes = written();
        let torn = &bytes[..cut.min(bytes.len())];
        let read = Read::new(torn, &head()).unwrap();
        let whole = torn.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        prop_assert_eq!(read.whole, whole as u64);
        prop_assert_eq!(read.states, Read::new(&torn[..whole], &head()).unwrap().states);
    }
}
