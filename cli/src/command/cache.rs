//! `cache`: the answers that are kept between runs, listed and forgotten.

use restwalk::{Cache, CacheEntry};
use serde::Serialize;

use super::Ended;
use crate::{
    answers,
    args::Options,
    cache::forget,
    exit,
    io::Io,
    mistake::{Mistake, Result},
    output::clean,
    source::Chosen,
};

/// The most URLs that are listed.
const MOST: usize = 10_000;

/// Lists the answers that are kept, or forgets them.
pub(super) fn run(words: &[String], options: &Options, io: &mut Io<'_>) -> Ended {
    match words {
        [word] if word == "ls" => list(options, io),
        [word] if word == "clear" => clear(options, io),
        _ => Err(Mistake::usage("cache takes ls or clear")),
    }
}

/// The cache of the environment that is chosen, else the one of all others; `None` where nothing was ever kept.
fn cache(options: &Options, io: &Io<'_>) -> Result<Option<Cache>> {
    let environment = match Chosen::read(options, io) {
        Ok(chosen) => chosen.environment,
        // What a project says that nobody trusts does not keep a person from their own.
        Err(error) if error.code == "config.untrusted" && options.place.env.is_none() => None,
        Err(error) => return Err(error),
    };
    let own = environment.as_ref().map(restwalk::Environment::cache).transpose()?.flatten();
    Ok(own.or_else(|| answers::folder(io).filter(|folder| folder.is_dir()).map(Cache::disk)))
}

/// One answer, as a list has it.
#[derive(Serialize)]
struct Row {
    url: String,
    status: u16,
    /// In seconds.
    age: u64,
    /// For how many seconds more.
    fresh_for: Option<u64>,
    bytes: u64,
}

impl Row {
    fn of(entry: &CacheEntry) -> Self {
        Self {
            url: entry.url().to_owned(),
            status: entry.status().as_u16(),
            age: entry.age().as_secs(),
            fresh_for: entry.fresh_for().map(|time| time.as_secs()),
            bytes: entry.bytes(),
        }
    }

    fn cells(&self) -> [String; 5] {
        let freshness = self.fresh_for.map_or_else(|| "stale".to_owned(), |time| format!("fresh for {}", span(time)));
        let url = clean::line(&self.url);
        [self.status.to_string(), span(self.age), freshness, format!("{} B", self.bytes), url]
    }
}

fn list(options: &Options, io: &mut Io<'_>) -> Ended {
    let entries = match cache(options, io)? {
        Some(cache) => io.stop.wait(cache.entries(MOST))??,
        None => Vec::new(),
    };
    let rows: Vec<Row> = entries.iter().map(Row::of).collect();
    let mut printer = io.printer();
    let shaped = options.json || options.print.format.is_some() || options.print.filter.is_some();
    if shaped || !options.print.columns.is_empty() {
        let text = serde_json::to_vec(&rows).unwrap_or_default();
        printer.body(Some("application/json"), &text)?;
    } else {
        printer.text(&lines(&rows.iter().map(Row::cells).collect::<Vec<_>>()))?;
    }
    printer.finish()?;
    Ok(exit::OK)
}

/// Each row a line, all cells but the last as wide as the widest of their column.
fn lines(rows: &[[String; 5]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths = [0, 1, 2, 3].map(width);
    let line = |[status, age, freshness, bytes, url]: &[String; 5]| {
        let [first, second, third, fourth] = widths;
        format!("{status:first$}  {age:>second$}  {freshness:third$}  {bytes:>fourth$}  {url}\n")
    };
    rows.iter().map(line).collect()
}

fn clear(options: &Options, io: &mut Io<'_>) -> Ended {
    let answers = match cache(options, io)? {
        Some(cache) => io.stop.wait(async move {
            let kept = cache.stats().await?.entries;
            cache.clear().await.map(|()| kept)
        })??,
        None => 0,
    };
    let catalogs = forget(io);
    let count = |number: u64, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
    let (answers, catalogs) = (count(answers, "URL", "URLs"), count(catalogs, "catalog", "catalogs"));
    io.printer().text(&format!("forgotten: the answers of {answers}, and {catalogs}\n"))?;
    Ok(exit::OK)
}

/// Seconds, in the largest unit that tells enough.
fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_a_line_for_each_url() {
        let row = |url: &str, age, fresh_for, bytes| Row { url: url.into(), status: 200, age, fresh_for, bytes };
        let rows = [
            row("https://h/a", 3, Some(57), 12),
            row("https://h/\u{9b}\u{202e}b", 7_200, None, 1_234),
            row("https://h/c", 200_000, Some(7_199), 5),
        ];
        assert_eq!(
            lines(&rows.each_ref().map(Row::cells)),
            "200  3 s  fresh for 57 s       12 B  https://h/a\n\
             200  2 h  stale              1234 B  https://h/\\u{9b}\\u{202e}b\n\
             200  2 d  fresh for 119 min     5 B  https://h/c\n"
        );
        assert_eq!(lines(&[]), "");
    }
}
