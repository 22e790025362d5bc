//! How far a file is on its way, on one line of a terminal.

use std::{
    io::Write,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, timeout};

use crate::{io::Io, mistake::Result};

/// How often the line is drawn.
const TICK: Duration = Duration::from_millis(100);

/// What a length that is not known is kept as.
const UNKNOWN: u64 = u64::MAX;

/// The bytes that have passed, and the bytes in all.
#[derive(Debug, Clone)]
pub(crate) struct Bar(Arc<[AtomicU64; 2]>);

impl Bar {
    /// A bar, where somebody sees it and wants to.
    pub(crate) fn new(quiet: bool, io: &Io<'_>) -> Option<Self> {
        (io.draws() && !quiet).then(|| Self(Arc::new([0, UNKNOWN].map(AtomicU64::new))))
    }

    /// Notes how far it is.
    pub(crate) fn set(&self, done: u64, total: Option<u64>) {
        self.0[0].store(done, Ordering::Relaxed);
        self.0[1].store(total.unwrap_or(UNKNOWN), Ordering::Relaxed);
    }

    fn get(&self) -> (u64, Option<u64>) {
        let [done, total] = [&self.0[0], &self.0[1]].map(|number| number.load(Ordering::Relaxed));
        (done, Some(total).filter(|total| *total != UNKNOWN))
    }
}

/// Waits for `future`, and draws `bar` meanwhile.
pub(crate) fn watch<F: Future>(bar: Option<&Bar>, future: F, io: &mut Io<'_>) -> Result<F::Output> {
    let Some(bar) = bar else { return io.stop.wait(future) };
    let columns = usize::from(io.columns.unwrap_or(80));
    let stop = io.stop.clone();
    stop.wait(drawn(bar, future, &mut io.stderr.0, columns))
}

async fn drawn<F: Future>(bar: &Bar, future: F, err: &mut dyn Write, columns: usize) -> F::Output {
    let mut future = pin!(future);
    let began = Instant::now();
    let mut first = None;
    loop {
        if let Ok(done) = timeout(TICK, future.as_mut()).await {
            if first.is_some() {
                let _ = err.write_all(b"\r\x1b[K").and_then(|()| err.flush());
            }
            return done;
        }
        let (done, total) = bar.get();
        if done > 0 {
            // What was there before is no part of the speed.
            let (start, since) = *first.get_or_insert((done, began.elapsed()));
            let line = line(done, total, done.saturating_sub(start), began.elapsed().saturating_sub(since));
            let line: String = line.chars().take(columns.saturating_sub(1)).collect();
            // Nobody waits for a line that cannot be drawn.
            let _ = write!(err, "\r{line}\x1b[K").and_then(|()| err.flush());
        }
    }
}

/// ` 42%  4.2 of 10.0 MiB  1.3 MiB/s  5 s left`.
fn line(done: u64, total: Option<u64>, came: u64, time: Duration) -> String {
    let mut line = match total {
        Some(total) => {
            let share = if total == 0 { 100.0 } else { done as f64 * 100.0 / total as f64 };
            format!("{:3}%  {} of {}", share.floor(), size(done), size(total))
        }
        None => size(done),
    };
    if time >= Duration::from_millis(500) {
        let speed = u128::from(came) * 1000 / time.as_millis();
        let speed = u64::try_from(speed).unwrap_or(u64::MAX);
        line += &format!("  {}/s", size(speed));
        if let Some(left) = total.map(|total| total.saturating_sub(done)).filter(|left| *left > 0 && speed > 0) {
            line += &format!("  {} left", duration(left / speed));
        }
    }
    line
}

/// A length in the unit that suits it.
pub(crate) fn size(bytes: u64) -> String {
    let (mut amount, mut unit) = (bytes as f64, "bytes");
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if amount < 1024.0 {
            break;
        }
        (amount, unit) = (amount / 1024.0, larger);
    }
    if unit == "bytes" { format!("{bytes} bytes") } else { format!("{amount:.1} {unit}") }
}

fn duration(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes}:{seconds:02}"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_much_how_fast_and_how_long() {
        let second = Duration::from_secs(1);
        for (done, total, came, time, expected) in [
            (0, Some(0), 0, Duration::ZERO, "100%  0 bytes of 0 bytes"),
            (512, None, 512, Duration::ZERO, "512 bytes"),
            (512, Some(1 << 20), 512, second, "  0%  512 bytes of 1.0 MiB  512 bytes/s  34:07 left"),
            (1 << 30, Some(10 << 30), 1 << 20, second, " 10%  1.0 GiB of 10.0 GiB  1.0 MiB/s  2:33:36 left"),
            (1023, Some(1024), 0, second, " 99%  1023 bytes of 1.0 KiB  0 bytes/s"),
            (1024, Some(1024), 1024, second, "100%  1.0 KiB of 1.0 KiB  1.0 KiB/s"),
            (u64::MAX - 1, None, u64::MAX, second, "16777216.0 TiB  16777216.0 TiB/s"),
        ] {
            assert_eq!(line(done, total, came, time), expected);
        }
    }

    #[test]
    fn nothing_is_drawn_where_it_would_not_be_seen() {
        use crate::io::Stream;

        for (stream, term, quiet, expected) in [
            (Stream::Terminal, None, false, true),
            (Stream::Terminal, Some("xterm"), false, true),
            (Stream::Terminal, Some("dumb"), false, false),
            (Stream::Terminal, None, true, false),
            (Stream::Pipe, Some("xterm"), false, false),
        ] {
            let mut io = Io::new((std::io::sink(), Stream::Pipe), (std::io::sink(), stream));
            io.variables.extend(term.map(|term| ("TERM".to_owned(), term.to_owned())));
            assert_eq!(Bar::new(quiet, &io).is_some(), expected, "{stream:?} {term:?} {quiet}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_line_is_drawn_while_it_lasts_and_taken_away() {
        let bar = Bar(Arc::new([0, UNKNOWN].map(AtomicU64::new)));
        let mut err = Vec::new();
        let work = async {
            for done in [5, 10] {
                bar.set(done, Some(10));
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
            7
        };
        assert_eq!(drawn(&bar, work, &mut err, 10).await, 7);
        let text = String::from_utf8(err).unwrap();
        assert_eq!(text, "\r 50%  5 b\x1b[K\r100%  10 \x1b[K\r\x1b[K");
        // What is over at once leaves no trace.
        let mut none = Vec::new();
        drawn(&bar, async {}, &mut none, 80).await;
        assert!(none.is_empty());
    }
}
