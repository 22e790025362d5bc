//! Rows: what is asked of a client with a cache, what the origin answers, and what the caller gets.
//!
//! A row begins with the id of its fact and what it shows; its steps follow, one a line:
//!
//! ```text
//! id: what it shows
//!   GET -> 200 [Cache-Control: max-age=9]       the origin is asked, answers that, and the caller gets it
//!   + 5                                         so many seconds pass
//!   GET                                         given again, the origin is not asked
//!   GET => 200 [Age: 5] [!Vary] "text"          the same, and what the caller gets
//!   GET -> 304 if [If-None-Match: "a"]          the origin is asked with that condition; the caller gets what is kept
//!   GET ~> 200 => 200 stale "old"               the caller gets what is kept, and the origin is asked behind it
//!   GET -> lost => error                        the connection breaks
//! ```
//!
//! A request may have a target (`/people`, `?q=1`, a whole URL), a mode of the cache (`@reload`) and headers. Without
//! `if` it must reach the origin without conditions, with `if?` it may have any. A date is `now`, `now+9` or `now-9`.
//! An answer without a text is named after the step. What is given again always has an `Age`.

/// A table by its name: its file, and the rows in it.
pub struct Table {
    pub name: &'static str,
    pub rows: Vec<Row>,
}

pub struct Row {
    /// The fact that it shows, and in which words.
    pub id: &'static str,
    pub says: &'static str,
    /// Each with the line that it stands in.
    pub steps: Vec<(usize, Step)>,
}

pub enum Step {
    /// So many seconds pass.
    Pass(u64),
    Call(Box<Call>),
}

pub struct Call {
    pub method: &'static str,
    pub target: Option<&'static str>,
    pub mode: Option<&'static str>,
    pub headers: Vec<Field>,
    pub origin: Origin,
    pub caller: Option<Message>,
}

/// What the origin has to do with a call.
pub enum Origin {
    /// It is not asked.
    Idle,
    /// It is asked, and its answer is for the caller.
    Asked(Message, Condition),
    /// It is asked behind a caller who has an answer.
    Behind(Message, Condition),
}

/// What must be in the request that the origin is asked.
pub enum Condition {
    /// These headers, and no other condition than those among them.
    Exactly(Vec<Field>),
    Any,
}

/// An answer, given or expected.
#[derive(Default)]
pub struct Message {
    /// `None` where there is none: the connection breaks, or the call fails.
    pub status: Option<u16>,
    pub headers: Vec<Field>,
    /// Headers that must not be there.
    pub absent: Vec<&'static str>,
    pub text: Option<&'static str>,
    pub stale: bool,
}

/// A header's name, and its value as it is written.
pub type Field = (&'static str, &'static str);

impl Table {
    /// The rows of a file.
    pub fn read(name: &'static str, text: &'static str) -> Self {
        let mut rows: Vec<Row> = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let (line, number) = (line.trim_end(), at + 1);
            match line.strip_prefix("  ") {
                _ if line.is_empty() || line.starts_with('#') => {}
                Some(step) => {
                    let row = rows.last_mut().unwrap_or_else(|| panic!("{name}.txt:{number}: a step of no row"));
                    row.steps
                        .push((number, Step::read(step).unwrap_or_else(|why| panic!("{name}.txt:{number}: {why}"))));
                }
                None => {
                    let (id, says) = line.split_once(": ").unwrap_or_else(|| panic!("{name}.txt:{number}: no id"));
                    rows.push(Row { id, says, steps: Vec::new() });
                }
            }
        }
        assert!(rows.iter().all(|row| !row.steps.is_empty()), "{name}.txt: a row shows nothing");
        Self { name, rows }
    }
}

impl Step {
    fn read(line: &'static str) -> Result<Self, String> {
        if let Some(seconds) = line.strip_prefix('+') {
            return seconds.trim().parse().map(Self::Pass).map_err(|error| format!("{seconds}: {error}"));
        }
        let mut tokens = tokens(line)?.into_iter().peekable();
        let Some(Token::Word(method)) = tokens.next() else { return Err("no method".to_owned()) };
        let (mut target, mut mode, mut headers) = (None, None, Vec::new());
        while let Some(token) = tokens.next_if(|token| !matches!(token, Token::Word("->" | "~>" | "=>"))) {
            match token {
                Token::Word(word) if word.starts_with('@') => mode = Some(&word[1..]),
                Token::Word(word) => target = Some(word),
                Token::Field(field) => headers.push(field),
                Token::Absent(_) | Token::Text(_) => return Err("a request has no text".to_owned()),
            }
        }
        let rest: Vec<_> = tokens.collect();
        let (origin, caller) = match rest.iter().position(|token| *token == Token::Word("=>")) {
            Some(at) => (&rest[..at], Some(message(&rest[at + 1..])?)),
            None => (&rest[..], None),
        };
        let origin = match origin {
            [] => Origin::Idle,
            [Token::Word("->"), rest @ ..] => answer(rest).map(|(answer, only)| Origin::Asked(answer, only))?,
            [Token::Word("~>"), rest @ ..] => answer(rest).map(|(answer, only)| Origin::Behind(answer, only))?,
            _ => return Err("neither asked nor given".to_owned()),
        };
        Ok(Self::Call(Box::new(Call { method, target, mode, headers, origin, caller })))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Token {
    Word(&'static str),
    Field(Field),
    Absent(&'static str),
    Text(&'static str),
}

fn tokens(line: &'static str) -> Result<Vec<Token>, String> {
    let (mut tokens, mut rest) = (Vec::new(), line.trim_start());
    while !rest.is_empty() {
        let (token, after) = if let Some(field) = rest.strip_prefix('[') {
            let (field, after) = field.split_once(']').ok_or("a bracket is open")?;
            let token = match (field.strip_prefix('!'), field.split_once(':')) {
                (Some(name), _) => Token::Absent(name),
                (None, Some((name, value))) => Token::Field((name, value.trim_start())),
                (None, None) => return Err(format!("{field} has no value")),
            };
            (token, after)
        } else if let Some(text) = rest.strip_prefix('"') {
            text.split_once('"').map(|(text, after)| (Token::Text(text), after)).ok_or("a quote is open")?
        } else {
            let end = rest.find(' ').unwrap_or(rest.len());
            (Token::Word(&rest[..end]), &rest[end..])
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

/// What the origin answers, and what it must be asked with: the brackets behind `if`.
fn answer(tokens: &[Token]) -> Result<(Message, Condition), String> {
    let (mut given, mut only, mut conditions) = (Vec::new(), Condition::Exactly(Vec::new()), false);
    for token in tokens {
        match (token, &mut only) {
            (Token::Word("if"), _) => conditions = true,
            (Token::Word("if?"), only) => *only = Condition::Any,
            (Token::Field(field), Condition::Exactly(fields)) if conditions => fields.push(*field),
            _ => given.push(*token),
        }
    }
    Ok((message(&given)?, only))
}

fn message(tokens: &[Token]) -> Result<Message, String> {
    let mut message = Message::default();
    for token in tokens {
        match token {
            Token::Word("stale") => message.stale = true,
            Token::Word("lost" | "error") => message.status = None,
            Token::Word(word) => message.status = Some(word.parse().map_err(|_| format!("{word} is no status"))?),
            Token::Field(field) => message.headers.push(*field),
            Token::Absent(name) => message.absent.push(name),
            Token::Text(text) => message.text = Some(text),
        }
    }
    Ok(message)
}
