//! Records: lines of JSON, numbered as an editor numbers them, and the hash of them all.

use std::{
    io::{BufRead, Read as _},
    vec,
};

use restwalk::Outcome;
use serde_json::value::RawValue;
use sha1_smol::Sha1;

use crate::{
    exit,
    mistake::{Mistake, Result},
};

/// The longest line, in bytes.
const LONGEST: u64 = 16 << 20;

/// One line of the input: any JSON, checked and kept as it was written.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// Counted from 1; lines without a record count too.
    pub(crate) line: u64,
    pub(crate) json: Box<RawValue>,
}

impl Record {
    /// What tells this record from another one in the same line.
    pub(crate) fn hash(&self) -> String {
        Sha1::from(self.json.get()).hexdigest()
    }

    /// What tells this record and its line from any other, in eight bytes.
    fn print(&self) -> [u8; 8] {
        let mut hash = Sha1::from(self.line.to_le_bytes());
        hash.update(self.json.get().as_bytes());
        hash.digest().bytes().first_chunk().copied().unwrap_or_default()
    }
}

/// The records of an input, read one after another.
pub(crate) struct Records<R> {
    from: R,
    line: u64,
    hash: Sha1,
    /// What was read before, where this is read again.
    before: Option<vec::IntoIter<[u8; 8]>>,
    /// What is read now.
    prints: Vec<[u8; 8]>,
}

/// An input that was read to its end.
#[derive(Debug)]
pub(crate) struct Checked {
    /// The hash of every byte.
    pub(crate) hash: String,
    /// Of each record, to know it again.
    prints: Vec<[u8; 8]>,
}

impl<R: BufRead> Records<R> {
    pub(crate) fn new(from: R) -> Self {
        Self { from, line: 0, hash: Sha1::new(), before: None, prints: Vec::new() }
    }

    /// The records of an input that was checked before; where it has changed since, the first change is a mistake.
    pub(crate) fn again(from: R, checked: Checked) -> Self {
        Self { before: Some(checked.prints.into_iter()), ..Self::new(from) }
    }

    /// The next record; a blank line is none.
    pub(crate) fn next(&mut self) -> Result<Option<Record>> {
        loop {
            let mut bytes = Vec::new();
            let read = (&mut self.from).take(LONGEST + 1).read_until(b'\n', &mut bytes);
            read.map_err(|error| Mistake::usage(format!("the records cannot be read: {error}")))?;
            if bytes.is_empty() {
                let is_short = self.before.as_ref().is_some_and(|before| before.len() > 0);
                return if is_short { Err(changed("after its line", self.line)) } else { Ok(None) };
            }
            self.line += 1;
            self.hash.update(&bytes);
            if let Some(record) = self.parse(&bytes)? {
                self.know(&record)?;
                return Ok(Some(record));
            }
        }
    }

    /// What was read, to be read again.
    pub(crate) fn checked(self) -> Checked {
        Checked { hash: self.hash.hexdigest(), prints: self.prints }
    }

    /// Notes a record, or compares it with what was noted.
    fn know(&mut self, record: &Record) -> Result<()> {
        let print = record.print();
        let Some(before) = &mut self.before else {
            self.prints.push(print);
            return Ok(());
        };
        if before.next() == Some(print) { Ok(()) } else { Err(changed("in line", record.line)) }
    }

    fn parse(&self, bytes: &[u8]) -> Result<Option<Record>> {
        let line = self.line;
        if bytes.len() as u64 > LONGEST {
            return Err(wrong(line, "is longer than 16 MiB"));
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").filter(|_| line == 1).unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|_| wrong(line, "is not UTF-8"))?.trim_ascii();
        if text.is_empty() {
            return Ok(None);
        }
        let json = serde_json::from_str(text).map_err(|error| {
            wrong(line, format!("is no JSON: {error}")).hint("each line of the file is one record, such as {\"id\": 1}")
        })?;
        Ok(Some(Record { line, json }))
    }
}

/// An input that is another one than was checked.
fn changed(place: &str, line: u64) -> Mistake {
    let why = format!("the records changed during the run, {place} {line}; nothing was sent from there on");
    let told = Mistake { exit: exit::FAILED, ..Mistake::local("invalid_input.changed", why) };
    let told = Mistake { outcome: Outcome::MaybeProcessed, ..told };
    told.hint("with the records as they were, --resume goes on from there; others need a new run")
}

/// A mistake in one record.
pub(crate) fn wrong(line: u64, why: impl std::fmt::Display) -> Mistake {
    Mistake::local("invalid_input.record", format!("line {line} of the records {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Result<Vec<(u64, String)>> {
        let mut records = Records::new(text);
        let mut found = Vec::new();
        while let Some(record) = records.next()? {
            found.push((record.line, record.json.get().to_owned()));
        }
        Ok(found)
    }

    #[test]
    fn each_line_is_a_record_and_keeps_its_digits() {
        for (text, expected) in [
            (&b""[..], vec![]),
            (b"\n \r\n", vec![]),
            (b"{\"n\": 100000000000000000000001}\n", vec![(1, "{\"n\": 100000000000000000000001}")]),
            (b"\xef\xbb\xbf1\r\n\n[2]", vec![(1, "1"), (3, "[2]")]),
        ] {
            let found = read(text).unwrap();
            let found: Vec<_> = found.iter().map(|(line, json)| (*line, &**json)).collect();
            assert_eq!(found, expected, "{:?}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn a_line_that_is_no_record_is_named_by_its_number() {
        for (text, expected) in [
            (&b"1\n{a}\n"[..], "line 2 of the records is no JSON"),
            (b"1 2\n", "line 1 of the records is no JSON"),
            (b"1\n\n\"\xff\"\n", "line 3 of the records is not UTF-8"),
            (b"1\n\xef\xbb\xbf2", "line 2 of the records is no JSON"),
        ] {
            let message = read(text).unwrap_err().message;
            assert!(message.starts_with(expected), "{message}");
        }
        let long = vec![b' '; LONGEST as usize + 2];
        assert_eq!(read(&long).unwrap_err().message, "line 1 of the records is longer than 16 MiB");
    }

    #[test]
    fn what_changed_since_it_was_checked_is_a_mistake_and_what_came_before_is_not() {
        for (after, good, expected) in [
            ("1\n\n2\n3\n", 3, None),
            ("1\n \n 2\n3", 3, None),
            ("1\n\n2\n4\n", 2, Some("in line 4")),
            ("1\n2\n3\n", 1, Some("in line 2")),
            ("1\n\n2\n", 2, Some("after its line 3")),
            ("", 0, Some("after its line 0")),
            ("1\n\n2\n3\n4\n", 3, Some("in line 5")),
        ] {
            let mut first = Records::new(&b"1\n\n2\n3\n"[..]);
            while first.next().unwrap().is_some() {}
            let mut again = Records::again(after.as_bytes(), first.checked());
            let found = std::iter::from_fn(|| again.next().transpose()).take(9).collect::<Vec<_>>();
            let failed = found.iter().find_map(|one| one.as_ref().err());
            assert_eq!(found.iter().take_while(|one| one.is_ok()).count(), good, "{after:?}");
            assert_eq!(failed.is_some(), expected.is_some(), "{after:?}");
            if let (Some(failed), Some(expected)) = (failed, expected) {
                assert!(failed.message.contains(expected), "{}", failed.message);
                assert_eq!((failed.code, failed.exit), ("invalid_input.changed", 1));
            }
        }
    }

    #[test]
    fn the_hash_is_that_of_every_byte() {
        let hash = |text: &str| {
            let mut records = Records::new(text.as_bytes());
            while records.next().unwrap().is_some() {}
            records.checked().hash
        };
        assert_eq!(hash("1\n2\n"), Sha1::from("1\n2\n").hexdigest());
        assert_ne!(hash("1\n2"), hash("1\n2\n"));
    }
}
