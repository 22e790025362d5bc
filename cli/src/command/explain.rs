//! `explain`: the merged request and where each part came from; nothing is sent.

use anstyle::Style;
use restwalk::explain::{Change, Entry, Explanation, Origin};

use super::Ended;
use crate::{
    args::Options,
    body::Source,
    call::{self, Described},
    exit,
    io::Io,
    output::{
        PrintError, Printer, clean,
        colour::{BAD, GOOD, HEADING, NAME, NOTE},
    },
    settings::Settings,
    words::Words,
};

/// The columns that method and URL are given.
const HEAD: usize = 52;

/// Explains the call of `words`.
pub(super) fn run(words: &[String], options: &Options, io: &mut Io<'_>) -> Ended {
    let words = Words::parse(words)?;
    let settings = Settings::read(options, io)?;
    let described = call::describe(&words, options, &settings, io)?;
    let explanation = described.call.explain()?;
    let folder = io.path("");
    print(&explanation, &described, &folder.to_string_lossy(), &mut io.printer())?;
    Ok(exit::OK)
}

/// The first line, and a row for each key; what the arguments change is in colour.
fn print(
    explanation: &Explanation,
    described: &Described,
    folder: &str,
    printer: &mut Printer<'_>,
) -> Result<(), PrintError> {
    let again = described.policy().map_or_else(|| described.method.is_idempotent(), |policy| policy.idempotent());
    let retry = if again { "retry: yes" } else { "retry: only if not sent" };
    let plain = Style::new();
    let head = format!(" {}", explanation.url);
    let space = " ".repeat(HEAD.saturating_sub(explanation.method.as_str().len() + head.chars().count()) + 2);
    printer.line(&[(HEADING, explanation.method.as_str()), (plain, &head), (plain, &space), (NOTE, retry)])?;
    let rows: Vec<_> = explanation.body.iter().map(|entry| row(entry, described, folder)).collect();
    let widest = |column: usize| rows.iter().map(|row| clean::width(&row[column])).max().unwrap_or_default();
    let (pointers, values, origins) = (widest(1), widest(2), widest(3));
    for (entry, [sign, pointer, value, origin, was]) in explanation.body.iter().zip(&rows) {
        let style = style(entry);
        let filled = |text: &str, width: usize| format!("{text}{}", " ".repeat(width - clean::width(text)));
        let place = format!(" {}  ", filled(pointer, pointers));
        let (value, rest) = (filled(value, values), format!("  {}  {was}", filled(origin, origins)));
        printer.line(&[(style, sign), (NAME, &place), (style, &value), (plain, rest.trim_end())])?;
    }
    explanation.note.iter().try_for_each(|note| printer.line(&[(NOTE, &format!("  ({note})"))]))
}

/// What is new, what is changed, and what stays as it was.
fn style(entry: &Entry) -> Style {
    match entry.change {
        Change::Added => GOOD,
        Change::Replaced => NOTE,
        Change::Dropped => BAD,
        _ => Style::new(),
    }
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
    [sign.into(), clean::line(&entry.pointer), clean::line(&value), clean::line(&origin), clean::line(&was)]
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
