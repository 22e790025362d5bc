//! What a bulk run came to: how many of each, the first that went wrong, and the worst exit code.

use std::fmt::Write as _;

/// How many of those that went wrong are told one by one.
const TOLD: usize = 10;

/// The most that is told of one of them, in characters.
const LONGEST: usize = 300;

/// Counts of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    ok: u64,
    failed: u64,
    doubt: u64,
    /// Those that an earlier run ended, which are among the others too.
    before: u64,
    exit: u8,
    first: Vec<(u64, String)>,
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    Ok,
    /// With an exit code, and why.
    Failed(u8, String),
    /// Nobody knows whether the server acted; with an exit code, and why.
    Doubt(u8, String),
}

impl Summary {
    /// Counts a record.
    pub(crate) fn count(&mut self, line: u64, fate: Fate) {
        let (exit, why) = match fate {
            Fate::Ok => {
                self.ok += 1;
                return;
            }
            Fate::Failed(exit, why) => {
                self.failed += 1;
                (exit, why)
            }
            Fate::Doubt(exit, why) => {
                self.doubt += 1;
                (exit, format!("in doubt: {why}"))
            }
        };
        self.exit = self.exit.max(exit);
        // Results come in order, those in doubt as they are found.
        let at = self.first.partition_point(|(other, _)| *other <= line);
        if at < TOLD {
            self.first.insert(at, (line, why.chars().take(LONGEST).collect()));
            self.first.truncate(TOLD);
        }
    }

    /// Counts a record that an earlier run ended.
    pub(crate) fn count_before(&mut self, line: u64, fate: Fate) {
        self.before += 1;
        self.count(line, fate);
    }

    /// How many were counted.
    pub(crate) fn all(&self) -> u64 {
        self.ok + self.failed + self.doubt
    }

    /// The worst exit code: the largest.
    pub(crate) fn exit(&self) -> u8 {
        self.exit
    }

    /// Whether there is something to tell that no exit code says.
    pub(crate) fn is_plain(&self) -> bool {
        self.failed + self.doubt + self.before == 0
    }

    /// One line of counts, of `total` records, and the first that went wrong.
    pub(crate) fn text(&self, total: u64) -> String {
        let mut text = format!("{total} {}: {}", if total == 1 { "record" } else { "records" }, self.counts());
        let left = total.saturating_sub(self.all());
        if left > 0 {
            let _ = write!(text, ", {left} not sent");
        }
        for (line, why) in &self.first {
            let _ = write!(text, "\n  line {line}: {why}");
        }
        let more = (self.failed + self.doubt).saturating_sub(self.first.len() as u64);
        if more > 0 {
            let _ = write!(text, "\n  and {more} more");
        }
        text
    }

    /// The counts in a few words.
    pub(crate) fn counts(&self) -> String {
        let mut text = format!("{} ok", self.ok);
        for (count, what) in [(self.failed, "failed"), (self.doubt, "in doubt"), (self.before, "ended before")] {
            if count > 0 {
                let _ = write!(text, ", {count} {what}");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_counts_and_tells_the_first() {
        let mut summary = Summary::default();
        assert!(summary.is_plain());
        summary.count(1, Fate::Ok);
        assert_eq!((summary.text(1), summary.exit()), ("1 record: 1 ok".into(), 0));
        summary.count_before(2, Fate::Failed(5, "POST /people answered 500".into()));
        summary.count(9, Fate::Failed(4, "POST /people answered 404".into()));
        summary.count(3, Fate::Doubt(1, "it was sent, and no answer was read".into()));
        let expected = "\
5 records: 1 ok, 2 failed, 1 in doubt, 1 ended before, 1 not sent
  line 2: POST /people answered 500
  line 3: in doubt: it was sent, and no answer was read
  line 9: POST /people answered 404";
        assert_eq!((summary.text(5), summary.exit()), (expected.into(), 5));
    }

    #[test]
    fn only_the_first_few_are_told() {
        let mut summary = Summary::default();
        for line in (1..=25).rev() {
            summary.count(line, Fate::Failed(1, "é".repeat(1000)));
        }
        let text = summary.text(25);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!((lines.len(), lines[11]), (12, "  and 15 more"));
        assert!(lines[1].starts_with("  line 1: é") && lines[10].starts_with("  line 10: é"));
        assert!(lines[1].chars().count() < 320);
    }
}
