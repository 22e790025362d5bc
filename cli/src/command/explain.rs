//! `explain`: the merged request and where each part came from; nothing is sent.

use restwalk::explain::{Change, Entry, Explanation, Origin};

use super::Ended;
use crate::{
    args::Options,
    body::Source,
    call::{self, Described},
    exit,
    io::Io,
    print,
    settings::Settings,
    words::Words,
};

/// Explains the call of `words`.
pub(super) fn run(words: &[String], options: &Options, io: &mut Io<'_>) -> Ended {
    let words = Words::parse(words)?;
    let settings = Settings::read(options, io)?;
    let described = call::describe(&words, options, &settings, io)?;
    let explanation = described.call.explain()?;
    let folder = io.path("");
    let text = text(&explanation, &described, &folder.to_string_lossy());
    Ok(print::write(text.as_bytes(), io).map(|()| exit::OK))
}

fn text(explanation: &Explanation, described: &Described, folder: &str) -> String {
    let again = described.policy().map_or_else(|| described.method.is_idempotent(), |policy| policy.idempotent());
    let retry = if again { "retry: yes" } else { "retry: only if not sent" };
    let mut text = format!("{:<52}  {retry}\n", format!("{} {}", explanation.method, explanation.url));
    let rows: Vec<_> = explanation.body.iter().map(|entry| row(entry, described, folder)).collect();
    let widest = |column: fn(&[String; 5]) -> &String| {
        rows.iter().map(|row| column(row).chars().count()).max().unwrap_or_default()
    };
    let (pointers, values, origins) = (widest(|row| &row[1]), widest(|row| &row[2]), widest(|row| &row[3]));
    for [sign, pointer, value, origin, was] in &rows {
        let line = format!("{sign} {pointer:pointers$}  {value:values$}  {origin:origins$}  {was}");
        text += line.trim_end();
        text.push('\n');
    }
    explanation.note.iter().for_each(|note| text += &format!("  ({note})\n"));
    text
}

/// Sign, key, value, where it came from, and what it replaced.
fn row(entry: &Entry, described: &Described, folder: &str) -> [String; 5] {
    let file = |at: &Origin| {
        let text = at.to_string();
        text.strip_prefix(folder).map_or(text.clone(), str::to_owned)
    };
    let sign = match entry.change {
        Change::Added => "+",
        Change::Replaced | Change::Dropped => "~",
        _ => " ",
    };
    let (value, origin) = match (&entry.value, &entry.change) {
        (None, _) => ("dropped".to_owned(), dropped(entry, described)),
        (Some(value), _) => (value.clone(), source(&entry.origin, described).unwrap_or_else(|| file(&entry.origin))),
    };
    let was = entry.was.as_ref().filter(|_| sign == "~");
    let was = was.map_or_else(String::new, |(was, at)| format!("was {was}  {}", file(at)));
    [sign.into(), entry.pointer.clone(), value, origin, was]
}

/// The item that dropped a default: the last that names it, or an object that it was in.
fn dropped(entry: &Entry, described: &Described) -> String {
    let token = |name: &String| format!("/{}", name.replace('~', "~0").replace('/', "~1"));
    let by = described.dropped.iter().rev().find(|(names, _)| {
        let pointer: String = names.iter().map(token).collect();
        entry.pointer.strip_prefix(&*pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    by.map_or_else(String::new, |(_, number)| format!("argument {number}"))
}

/// Which part of the command line a value came from.
fn source(origin: &Origin, described: &Described) -> Option<String> {
    let Origin::Argument(number) = origin else { return None };
    Some(match described.sources.get(number.checked_sub(1)?) {
        Some(Source::Item(item)) => format!("argument {item}"),
        _ => "base of the body".into(),
    })
}
