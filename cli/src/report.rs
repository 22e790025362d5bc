//! How a mistake is told: one sentence, a caret under the argument, a way out; or one JSON object.

use std::{fmt::Write as _, ops::Range};

use restwalk::Outcome;
use serde_json::json;

use crate::{mistake::Mistake, output::clean};

/// Where what became of the request stands, if the sentence leaves room for it.
const COLUMN: usize = 69;

/// The width of what a printer writes before it.
const LABEL: usize = "error: ".len();

/// How much of an argument is shown.
const WIDEST: usize = 72;

/// The text for a person, without the word `error` before it and the line break after it.
pub(crate) fn text(mistake: &Mistake) -> String {
    let message = reworded(&mistake.message);
    let (first, below) = message.split_once('\n').unwrap_or((&message, ""));
    // The reason of a refusal stands below it, so that the first line says what and what became of it.
    let (head, why) = match first.split_once(": ") {
        Some((what, why)) if what.ends_with("cannot be a path item") => (what, why),
        _ => (first, ""),
    };
    let mut out = head.to_owned();
    let width = LABEL + out.chars().count();
    if mistake.exit == crate::exit::LOCAL && mistake.outcome == Outcome::NotSent && width + 2 <= COLUMN {
        out.push_str(&" ".repeat(COLUMN - width));
        out.push_str("nothing sent, exit 2");
    }
    out.push('\n');
    below.lines().for_each(|line| out += &format!("{line}\n"));
    if let Some((argument, bytes)) = &mistake.spot {
        caret(&mut out, argument, bytes.clone());
    }
    if !why.is_empty() {
        let _ = writeln!(out, "  {why}");
    }
    if let Some(hint) = &mistake.hint {
        let _ = writeln!(out, "  {hint}");
    }
    if mistake.outcome == Outcome::MaybeProcessed {
        out.push_str("  the server may have acted on the request\n");
    }
    out.truncate(out.trim_end().len());
    out
}

/// One JSON object in one line.
pub(crate) fn json(mistake: &Mistake) -> String {
    let Mistake { code, exit, message, spot, hint, outcome, status } = mistake;
    let outcome = match outcome {
        Outcome::NotSent => "not_sent",
        Outcome::Processed => "processed",
        _ => "maybe_processed",
    };
    let spot =
        spot.as_ref().map(|(argument, bytes)| json!({ "text": argument, "start": bytes.start, "end": bytes.end }));
    let error = json!({
        "code": code, "exit": exit, "message": reworded(message), "argument": spot,
        "hint": hint, "outcome": outcome, "status": status,
    });
    // What would steer a terminal is written by its number, as JSON allows for any character.
    let plain = |char: char| match char {
        char if clean::is_plain(char) => char.to_string(),
        char => char.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
    };
    json!({ "error": error }).to_string().chars().map(plain).collect()
}

/// The library's advice in the words of the command line.
fn reworded(message: &str) -> String {
    [
        ("give its parameters with .query(name, value)", "write its parameters as key==value"),
        ("give them with Auth::basic(user, password)", "give them with -a USER:PASS"),
        ("give them with .auth(..)", "give them with -a USER:PASS"),
        ("it is replaced only if that is said", "--force replaces it"),
        ("name one with .actor(..)", "sign in with -a USER"),
        ("step into it with .res(..)", "give it in the path itself"),
        ("; allow GET by Redirect::rewrite(true), or ask there by client.at(..)", "; ask there yourself"),
        ("; ask there by client.at(..), or follow such redirects by Redirect::any_origin()", "; -F follows it"),
        ("; allow more by Redirect::limit(..)", ""),
        (
            "say where the array stands by .items_at(..)",
            "the catalog's paginate: { by: …, items: /POINTER } says where it stands",
        ),
        ("upload it with Part::reader", "give a regular file"),
        ("nobody is signed in; sign in first", "nobody is signed in; restwalk login signs in"),
        ("is no longer accepted; sign in again", "is no longer accepted; restwalk login signs in again"),
        ("; sign in again to replace it", "; restwalk login replaces it"),
        (
            "; sign in by the device flow, which needs no browser here (OAuth2::device)",
            "; --device needs no browser here",
        ),
        ("; call Environment::discover first", ", and --base-url URL says it without"),
        ("comes from .auth(..) and from .header(..)", "comes from the sign-in and from an item or the environment"),
    ]
    .iter()
    .fold(message.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// The argument, and carets under the bytes that are wrong.
fn caret(out: &mut String, argument: &str, bytes: Range<usize>) {
    let count = |range: Range<usize>| argument.get(range).map_or(0, |part| part.chars().count());
    let (start, length) = (count(0..bytes.start), count(bytes));
    // A long argument is shown from shortly before the mistake on.
    let skipped = start.saturating_sub(if start + length > WIDEST { WIDEST / 3 } else { start });
    let shown: String = argument
        .chars()
        .skip(skipped)
        .take(WIDEST)
        .map(|char| if clean::is_plain(char) { char } else { '\u{fffd}' })
        .collect();
    let carets = "^".repeat(length.clamp(1, WIDEST.saturating_sub(start - skipped).max(1)));
    let _ = write!(out, "  {shown}\n  {}{carets}\n", " ".repeat(start - skipped));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_has_a_caret_and_a_way_out() {
        let mistake = Mistake::usage("the value is no JSON").at("é:={x", 4..6).hint("write key=text for text");
        let expected = "\
the value is no JSON                                          nothing sent, exit 2
  é:={x
     ^^
  write key=text for text";
        assert_eq!(text(&mistake), expected);
    }

    #[test]
    fn what_became_of_it_stands_in_the_first_line() {
        let shown = text(&Mistake::usage("the filter is wrong\n  .a[\n    ^").hint("mind"));
        assert_eq!(shown.lines().skip(1).collect::<Vec<_>>(), ["  .a[", "    ^", "  mind"]);
        assert!(shown.lines().next().unwrap().ends_with("nothing sent, exit 2"), "{shown}");
    }

    #[test]
    fn a_long_or_strange_argument_is_shown_in_part() {
        let long = format!("{}=\x1b[2J", "a".repeat(100_000));
        let shown = text(&Mistake::usage("no").at(&long, 100_001..100_005));
        assert!(shown.len() < 300 && !shown.contains('\x1b'), "{shown}");
        assert_eq!(shown.lines().nth(2).unwrap().trim_start(), "^^^^");
    }

    #[test]
    fn x03_one_object_on_one_line_with_a_stable_code() {
        let line = json(&Mistake::usage("no\nline\u{9b}\u{202e}").at("a", 0..1));
        assert!(!line.contains(['\n', '\u{9b}', '\u{202e}']), "{line}");
        let error: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(error["error"]["code"], "invalid_input.arguments");
        assert_eq!(error["error"]["message"], "no\nline\u{9b}\u{202e}");
        assert_eq!(error["error"]["exit"], 2);
        assert_eq!(error["error"]["outcome"], "not_sent");
    }
}
