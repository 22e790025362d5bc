//! `-J`: a jq filter over an answer, which sees the answer and nothing else, and which can be stopped.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use jaq_core::{
    Compiler, Ctx, Vars,
    compile::Undefined,
    data::JustLut,
    load::{Arena, Error as LoadError, File, Loader},
};
use jaq_json::{Val, read};

use super::{PrintError, clean, json::Json};

mod caret;

/// The longest filter, in bytes.
const LONGEST: usize = 64 * 1024;

/// The deepest answer that a filter is given; its reader goes one call deeper a level.
const DEEPEST: usize = 1024;

/// The longest number that a filter is given, in digits; counting with more costs more than its length.
const DIGITS: usize = 10_000;

/// The most results of one run.
const RESULTS: usize = 1_000_000;

/// How often a run that gives nothing is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// The stack of a run; filters call themselves.
const STACK: usize = 64 * 1024 * 1024;

/// What would let a filter see or end more than the answer it is given.
const OFF: [&str; 4] = ["env", "halt", "debug_empty", "stderr_empty"];

/// Definitions that stand on those.
const OFF_TOO: [&str; 4] = ["debug", "stderr", "halt", "halt_error"];

/// Names that people may look for, and do not find.
const ASKED: [&str; 10] =
    ["env", "$ENV", "input", "inputs", "input_filename", "debug", "stderr", "halt", "halt_error", "input_line_number"];

type Data = JustLut<Val>;

/// A compiled jq filter.
///
/// It has no environment, no files, no further input and no way to end the program. Numbers keep their digits.
/// It is the user's own code all the same: one that calls itself without end ends the program by its stack.
///
/// ```
/// use restwalk_cli::output::jq::Filter;
///
/// assert!(Filter::compile(".items[] | .id").is_ok());
/// assert!(Filter::compile(".items[").unwrap_err().contains('^'));
/// ```
#[derive(Clone)]
pub struct Filter(Arc<jaq_core::Filter<Data>>);

/// One result of a filter.
pub(crate) struct Found {
    /// As JSON, on one line.
    pub json: Vec<u8>,
    /// The text of a string, for `-r`.
    pub text: Option<Vec<u8>>,
}

/// What ends a run before its time.
#[derive(Clone)]
pub(crate) struct Bounds {
    /// Set by whoever wants it to end.
    pub stop: Option<Arc<AtomicBool>>,
    /// The most results.
    pub results: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { stop: None, results: RESULTS }
    }
}

impl Filter {
    /// Compiles a filter.
    ///
    /// # Errors
    ///
    /// What is wrong with it, with a caret under the place.
    pub fn compile(code: &str) -> Result<Self, String> {
        caret::bounded(code, LONGEST)?;
        let code = if code.trim().is_empty() { "." } else { code };
        let kept = |name: &&str| !OFF.contains(name);
        let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
        let defs = defs.filter(|def| !OFF_TOO.contains(&def.name));
        let funs = jaq_core::funs::<Data>().chain(jaq_std::funs()).chain(jaq_json::funs());
        let funs = funs.filter(|(name, ..)| kept(name));
        let arena = Arena::default();
        let modules = Loader::new(defs).load(&arena, File { code, path: () }).map_err(|errors| {
            let error = errors.into_iter().next().map(|(_, error)| error);
            error.map_or_else(|| "the filter does not compile".to_owned(), |error| unloaded(code, error))
        })?;
        let filter = Compiler::default().with_funs(funs).compile(modules).map_err(|errors| {
            let first = errors.into_iter().flat_map(|(_, errors)| errors).next();
            first.map_or_else(|| "the filter does not compile".to_owned(), |(name, kind)| undefined(code, name, &kind))
        })?;
        Ok(Self(Arc::new(filter)))
    }

    /// Runs it over the answer, and gives each result to `each` as it comes.
    ///
    /// A run that is told to stop may go on for as long as the program does; it has a thread of its own.
    pub(crate) fn run(
        &self,
        json: Json<'_>,
        bounds: &Bounds,
        each: &mut dyn FnMut(Found) -> Result<(), PrintError>,
    ) -> Result<(), PrintError> {
        if json.depth() > DEEPEST {
            return Err(content(format!("the answer nests deeper than the {DEEPEST} levels that a filter takes")));
        }
        if json.tokens().any(|(_, text)| text.len() > DIGITS && !text.starts_with('"')) {
            return Err(content(format!(
                "the answer holds a number longer than the {DIGITS} digits that a filter takes"
            )));
        }
        let (sender, receiver) = sync_channel(16);
        let (filter, input) = (self.clone(), json.text().as_bytes().to_vec());
        thread::Builder::new()
            .name("jq".to_owned())
            .stack_size(STACK)
            .spawn(move || filter.send_all(&input, &sender))
            .map_err(PrintError::Write)?;
        receive(&receiver, bounds, each)
    }

    /// The run itself; it ends when nobody listens any more.
    fn send_all(&self, input: &[u8], sender: &SyncSender<Message>) {
        let input = match read::parse_single(input) {
            Ok(input) => input,
            Err(error) => {
                return drop(sender.send(Message::Failed(format!("the filter cannot read the answer: {error}"))));
            }
        };
        let context = Ctx::<Data>::new(&self.0.lut, Vars::new([]));
        for result in self.0.id.run((context, input)) {
            let message = match result {
                Ok(value) => found(&value),
                Err(error) => Message::Failed(match error.get_err() {
                    Ok(error) => format!("the filter failed: {}", short(&error.to_string())),
                    Err(_) => "the filter ended early".to_owned(),
                }),
            };
            if sender.send(message).is_err() {
                return;
            }
        }
        drop(sender.send(Message::Done));
    }
}

enum Message {
    Found(Found),
    Failed(String),
    Done,
}

fn found(value: &Val) -> Message {
    if is_deep(value) {
        return Message::Failed(format!("the filter gives a value that nests deeper than {DEEPEST} levels"));
    }
    let mut json = Vec::new();
    if let Err(error) = jaq_json::write::write(&mut json, &jaq_json::write::Pp::default(), 0, value) {
        return Message::Failed(format!("the filter failed: {error}"));
    }
    if Json::check(&json).is_err() {
        let shown = short(&String::from_utf8_lossy(&json));
        return Message::Failed(format!("the filter gives a value that JSON has not: {shown}"));
    }
    let text = if let Val::TStr(text) = value { Some(text.to_vec()) } else { None };
    Message::Found(Found { json, text })
}

/// Whether a value nests deeper than its writer, which goes one call deeper a level, should go.
fn is_deep(value: &Val) -> bool {
    let mut left = vec![(value, 0)];
    while let Some((value, depth)) = left.pop() {
        if depth > DEEPEST {
            return true;
        }
        match value {
            Val::Arr(items) => left.extend(items.iter().map(|item| (item, depth + 1))),
            Val::Obj(members) => left.extend(members.values().map(|member| (member, depth + 1))),
            _ => {}
        }
    }
    false
}

fn receive(
    results: &Receiver<Message>,
    bounds: &Bounds,
    each: &mut dyn FnMut(Found) -> Result<(), PrintError>,
) -> Result<(), PrintError> {
    let mut count = 0;
    loop {
        if bounds.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            return Err(PrintError::Stopped);
        }
        match results.recv_timeout(LOOK) {
            Ok(Message::Found(_)) if count == bounds.results => {
                let most = bounds.results;
                return Err(content(format!("the filter gives more than {most} results; bound it with limit(..)")));
            }
            Ok(Message::Found(found)) => each(found)?,
            Ok(Message::Failed(why)) => return Err(content(why)),
            Ok(Message::Done) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return Err(content("the filter ended without a result".to_owned())),
        }
        count += 1;
    }
}

fn content(why: String) -> PrintError {
    PrintError::Content(why)
}

fn short(text: &str) -> String {
    let line = clean::line(&text.chars().take(200).collect::<String>());
    if text.chars().nth(200).is_some() { format!("{line}…") } else { line }
}

fn unloaded(code: &str, error: LoadError<&str>) -> String {
    let first = match &error {
        LoadError::Io(errors) => errors.first().map(|(part, _)| (*part, "a filter has no files to import".to_owned())),
        // What is left from there on is not what is wrong: the caret stands under its beginning.
        LoadError::Lex(errors) => errors
            .first()
            .map(|(wanted, part)| (part.get(..0).unwrap_or_default(), format!("expected {}", wanted.as_str()))),
        LoadError::Parse(errors) => {
            errors.first().map(|(wanted, part)| (*part, format!("expected {}", wanted.as_str())))
        }
    };
    let (part, why) = first.unwrap_or((code, "the filter does not compile".to_owned()));
    caret::point(code, part, &why)
}

fn undefined(code: &str, name: &str, kind: &Undefined) -> String {
    let why = if ASKED.contains(&name) {
        format!("{name} is off: a filter sees the answer, and nothing else")
    } else {
        let arity = if let Undefined::Filter(arity) = kind { format!("/{arity}") } else { String::new() };
        format!("there is no {} {}{arity}", kind.as_str(), short(name))
    };
    caret::point(code, name, &why)
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Filter")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(code: &str, json: &str) -> Result<Vec<String>, String> {
        let filter = Filter::compile(code)?;
        let mut out = Vec::new();
        let mut each = |found: Found| {
            out.push(String::from_utf8(found.json).unwrap());
            Ok(())
        };
        let json = Json::check(json.as_bytes())?;
        filter.run(json, &Bounds::default(), &mut each).map_err(|error| error.to_string())?;
        Ok(out)
    }

    #[test]
    fn filters_keep_the_digits_of_numbers() {
        for (code, json, expected) in [
            (".", "1.10", &["1.10"][..]),
            (".a", r#"{"a":12345678901234567890123}"#, &["12345678901234567890123"]),
            (".[]", "[1e400,-0.0,100000000000000000000000.5]", &["1e400", "-0.0", "100000000000000000000000.5"]),
            (".items[] | .id", r#"{"items":[{"id":1},{"id":"x"}]}"#, &["1", "\"x\""]),
            ("map(. + 1) | add", "[1,2]", &["5"]),
            ("test(\"^a\")", "\"abc\"", &["true"]),
            ("@base64", "\"abc\"", &["\"YWJj\""]),
            ("empty", "1", &[]),
        ] {
            assert_eq!(all(code, json).unwrap(), expected, "{code}");
        }
    }

    #[test]
    fn a_filter_sees_the_answer_and_nothing_else() {
        for code in
            ["env.HOME", "$ENV.HOME", "input", "inputs", "input_filename", "halt", "halt_error", "debug", "stderr"]
        {
            let error = all(code, "1").unwrap_err();
            assert!(error.contains("is off") && error.contains('^'), "{code}: {error}");
        }
        for code in ["import \"a\" as a; .", "include \"a\"; ."] {
            assert!(all(code, "1").unwrap_err().contains("no files"), "{code}");
        }
    }

    #[test]
    fn what_does_not_compile_is_pointed_at() {
        for (code, expected) in [
            (".a[", "the filter does not compile: expected closing bracket\n  .a[\n     ^"),
            (".a | nope", "the filter does not compile: there is no filter nope/0\n  .a | nope\n       ^^^^"),
            ("\"é\" | $x", "the filter does not compile: there is no variable $x\n  \"é\" | $x\n        ^^"),
            ("1 +\n foo(1)", "the filter does not compile: there is no filter foo/1\n   foo(1)\n   ^^^"),
        ] {
            assert_eq!(all(code, "1").unwrap_err(), expected);
        }
        assert!(all(".a)", "1").unwrap_err().contains('^'));
        assert!(all("", "1").is_ok_and(|out| out == ["1"]));
        assert!(all(&"(".repeat(70_000), "1").unwrap_err().contains("65536"));
        assert!(all(&format!("{}.{}", "(".repeat(5000), ")".repeat(5000)), "1").unwrap_err().contains("nests"));
    }

    #[test]
    fn runs_are_bounded() {
        assert!(all(".a.b", "[1]").unwrap_err().starts_with("the filter failed: "));
        assert!(all("nan", "1").unwrap_err().contains("JSON has not"));
        let bounds = Bounds { results: 100, ..Bounds::default() };
        let endless = Filter::compile("repeat(1)").unwrap();
        let ended = endless.run(Json::check(b"1").unwrap(), &bounds, &mut |_| Ok(()));
        assert!(ended.unwrap_err().to_string().contains("100 results"));
        let deep = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
        assert!(all(".", &deep).unwrap_err().contains("1024 levels"));
        assert!(all("reduce range(5000) as $i (0; [.])", "1").unwrap_err().contains("1024 levels"));
        let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
        for code in ["walk(.)", "tojson | fromjson", "sort", "[paths] | length", ". == [.]", "flatten"] {
            assert!(all(code, &deep).is_ok(), "{code}");
        }
        assert!(all(".", &"1".repeat(10_001)).unwrap_err().contains("digits"));
        let long = all("error", &format!("\"{}\"", "x\u{9b}".repeat(1000))).unwrap_err();
        assert!(long.len() < 2000 && !long.contains('\u{9b}'), "{long}");
    }

    #[test]
    fn a_run_that_never_ends_can_be_stopped() {
        let stop = Arc::new(AtomicBool::new(false));
        let bounds = Bounds { stop: Some(stop.clone()), ..Bounds::default() };
        let filter = Filter::compile("1, (last(range(1; infinite)))").unwrap();
        let mut each = |_| {
            stop.store(true, Ordering::Relaxed);
            Ok(())
        };
        let ended = filter.run(Json::check(b"null").unwrap(), &bounds, &mut each);
        assert!(matches!(ended, Err(PrintError::Stopped)));
        let gone = filter.run(Json::check(b"null").unwrap(), &Bounds::default(), &mut |_| Err(PrintError::Closed));
        assert!(matches!(gone, Err(PrintError::Closed)));
    }
}
