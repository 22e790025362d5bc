//! Bash hands over its line as it is typed, and takes what stands in place of the last part of a word, quoted.

use super::{Candidate, Line, line};
use crate::io::Io;

/// Quotes around the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quote {
    None,
    Single,
    Double,
}

/// A line of bash, taken apart up to the cursor.
#[derive(Debug, PartialEq, Eq)]
struct Parsed {
    /// The words before the cursor's, without the command.
    before: Vec<String>,
    /// The cursor's word, as far as bash leaves it alone, and the rest.
    kept: String,
    rest: String,
    quote: Quote,
}

/// The lines that `COMPREPLY` is made of.
pub(super) fn answer(typed: &str, point: &str, breaks: &str, io: &mut Io<'_>) -> String {
    let point = point.parse().unwrap_or(typed.len()).min(typed.len());
    let (Some(left), Some(right)) = (typed.get(..point), typed.get(point..)) else { return String::new() };
    let parsed = parse(left, breaks);
    // The rest of the cursor's word, and what follows.
    let mut after = parse(&format!("x {right} "), "").before;
    if !right.starts_with(char::is_whitespace) && !after.is_empty() {
        after.remove(0);
    }
    let Parsed { before, kept, rest, quote } = parsed;
    let found = line::candidates(&Line { before, current: format!("{kept}{rest}"), after }, io);
    let mut text = String::new();
    let help: Vec<_> = found.iter().filter(|one| one.only_help).collect();
    for Candidate { text: word, open, .. } in found.iter().filter(|one| !one.only_help) {
        let Some(word) = word.strip_prefix(&*kept) else { continue };
        // In quotes bash closes them, and no blank belongs behind what may go on.
        let end = if *open || quote != Quote::None { "" } else { " " };
        text += &format!("{}{end}\n", quoted(word, quote));
    }
    // Two replies without a common beginning are shown, and none of them is taken.
    if text.is_empty() && !help.is_empty() {
        for one in help {
            text += &format!("{}\n", one.help);
        }
        text += " \n";
    }
    text
}

/// Takes `left` apart as bash would, without expanding anything.
fn parse(left: &str, breaks: &str) -> Parsed {
    let (mut words, mut word, mut start) = (Vec::new(), None::<String>, 0);
    let mut quote = Quote::None;
    let mut chars = left.chars().peekable();
    while let Some(char) = chars.next() {
        match (quote, char) {
            (Quote::None, ' ' | '\t' | '\n') => {
                words.extend(word.take());
                start = 0;
            }
            (Quote::None, '\'' | '"') => {
                quote = if char == '"' { Quote::Double } else { Quote::Single };
                word.get_or_insert_default();
            }
            (Quote::Single, '\'') | (Quote::Double, '"') => quote = Quote::None,
            (Quote::None, '\\') => word.get_or_insert_default().extend(chars.next()),
            (Quote::Double, '\\') if chars.peek().is_some_and(|next| "$`\"\\".contains(*next)) => {
                word.get_or_insert_default().extend(chars.next());
            }
            (Quote::None, char) => {
                let word = word.get_or_insert_default();
                // These two begin a part that bash replaces, where others end the part before it.
                let begins = matches!(char, '$' | '@');
                start = if breaks.contains(char) && begins { word.len() } else { start };
                word.push(char);
                start = if breaks.contains(char) && !begins { word.len() } else { start };
            }
            (_, char) => word.get_or_insert_default().push(char),
        }
    }
    let word = word.unwrap_or_default();
    if !words.is_empty() {
        words.remove(0);
    }
    let (kept, rest) = word.split_at(start);
    Parsed { before: words, kept: kept.to_owned(), rest: rest.to_owned(), quote }
}

/// Text as bash reads it back, within the quotes that are open.
fn quoted(text: &str, quote: Quote) -> String {
    match quote {
        Quote::Single => text.replace('\'', r"'\''"),
        Quote::Double => escaped(text, |char| "$`\"\\!".contains(char)),
        // What is plain in a word, wherever it stands there.
        Quote::None => {
            let plain = |char: char| char.is_alphanumeric() || "/._-+,@%:=".contains(char);
            escaped(text, |char| !plain(char))
        }
    }
}

fn escaped(text: &str, is_special: impl Fn(char) -> bool) -> String {
    text.chars().flat_map(|char| is_special(char).then_some('\\').into_iter().chain([char])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_apart_as_bash_does() {
        let breaks = " \t\n\"'@><=;|&(:";
        for (left, before, kept, rest, quote) in [
            ("restwalk ", "", "", "", Quote::None),
            ("restwalk -e demo peo", "-e|demo", "", "peo", Quote::None),
            ("restwalk people/:m", "", "people/:", "m", Quote::None),
            ("restwalk 'contexts/{h", "", "", "contexts/{h", Quote::Single),
            ("restwalk post a object.x=no", "post|a", "object.x=", "no", Quote::None),
            (r#"restwalk "a b"/c"#, "", "", "a b/c", Quote::None),
            (r"restwalk a\ b x\=y", "a b", "", "x=y", Quote::None),
            (r#"restwalk "a\"$b"#, "", "", "a\"$b", Quote::Double),
            ("restwalk a=@fi", "", "a=", "@fi", Quote::None),
        ] {
            let before = before.split('|').filter(|word| !word.is_empty()).map(str::to_owned).collect();
            let expected = Parsed { before, kept: kept.into(), rest: rest.into(), quote };
            assert_eq!(parse(left, breaks), expected, "{left}");
        }
    }

    #[test]
    fn x41_what_is_inserted_is_read_back_as_it_was() {
        for text in ["$(id)", "a'b", "a b", "`id`", "x;y", "\"q\"", "a\\b", "é", "{u}", "~", "#x", "a&b|c", "!h", "*?"]
        {
            for (quote, open, close) in [(Quote::None, "", ""), (Quote::Single, "'", "'"), (Quote::Double, "\"", "\"")]
            {
                // History expansion keeps its backslash within double quotes.
                if text.contains('!') && quote == Quote::Double {
                    continue;
                }
                let line = format!("x {open}{}{close} ", quoted(text, quote));
                assert_eq!(parse(&line, "").before, [text], "{line}");
            }
        }
    }
}
