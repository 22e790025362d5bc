//! Which kind of word stands at the cursor.

use restwalk::http::Method;

use super::{
    Candidate, Line, files, items,
    options::{Context, Taken},
    path,
};
use crate::{io::Io, source, words};

/// What may stand at the cursor, in the order in which it is offered.
pub(super) fn candidates(line: &Line, io: &mut Io<'_>) -> Vec<Candidate> {
    let context = Context::read(&line.before);
    let mut found = match &context.taken {
        Taken::Value(option) => context.values(option, "", &line.current, io),
        Taken::Option if line.current.starts_with('-') => {
            match line.current.split_once('=').filter(|(name, _)| name.starts_with("--")) {
                Some((name, value)) => match context.long(name) {
                    Some(option) => context.values(&option, &format!("{name}="), value, io),
                    None => Vec::new(),
                },
                None => context.options(&line.current),
            }
        }
        _ => words(&context, line, io),
    };
    // What breaks a line would break the answer; it can be typed, not completed.
    found.retain(|candidate| !candidate.text.contains(char::is_control));
    for candidate in &mut found {
        candidate.help = candidate.help.replace(char::is_control, " ");
    }
    found
}

/// What may stand where no option does.
fn words(context: &Context, line: &Line, io: &mut Io<'_>) -> Vec<Candidate> {
    let mut given: Vec<&str> = context.words.iter().map(String::as_str).collect();
    let helper = given.first().copied().filter(|word| words::HELPERS.iter().any(|(known, ..)| known == word));
    let first = given.is_empty();
    match helper {
        Some("explain") => drop(given.remove(0)),
        Some(word) => return behind(word, &given[1..], context, &line.current, io),
        None => {}
    }
    match given[..] {
        [] => {
            let mut found = if first { helpers(&line.current) } else { Vec::new() };
            found.extend(methods(context, line, io));
            found.extend(context.path(&line.current, io));
            found
        }
        [method] if words::method(method).is_some() => context.path(&line.current, io),
        [method, path, ..] if words::method(method).is_some() => item(context, Some(method), path, line, io),
        [path, ..] => item(context, None, path, line, io),
    }
}

fn item(context: &Context, method: Option<&str>, path: &str, line: &Line, io: &mut Io<'_>) -> Vec<Candidate> {
    let method = method.and_then(words::method).unwrap_or(Method::POST);
    let path = path.strip_prefix("./").unwrap_or(path);
    let (catalog, folder) = context.catalog_of(path, io);
    items::candidates(&items::Place::find(&catalog, path, method, folder, io), &line.current, io)
}

/// The words of restwalk that are no path.
fn helpers(current: &str) -> Vec<Candidate> {
    let fits = words::HELPERS.iter().filter(|(word, ..)| word.starts_with(current));
    fits.map(|(word, _, about)| Candidate::whole(*word, *about)).collect()
}

/// The methods: those of the route alone, where a path stands behind the cursor.
fn methods(context: &Context, line: &Line, io: &mut Io<'_>) -> Vec<Candidate> {
    let upper = line.current.starts_with(|char: char| char.is_ascii_uppercase());
    let behind = line.after.iter().find(|word| !word.starts_with('-'));
    let there = behind.and_then(|path| {
        let catalog = context.catalog(path, io);
        path::route(&catalog, path).map(restwalk::Route::methods)
    });
    let methods = there.unwrap_or_else(|| words::STANDARD.to_vec()).into_iter();
    let written = methods.map(|method| if upper { method.to_string() } else { method.as_str().to_ascii_lowercase() });
    written.filter(|word| word.starts_with(&line.current)).map(|word| Candidate::whole(word, "method")).collect()
}

/// What stands behind a word of restwalk.
fn behind(word: &str, given: &[&str], context: &Context, current: &str, io: &mut Io<'_>) -> Vec<Candidate> {
    match (word, given) {
        ("ls" | "help", []) => context.path(current, io),
        ("completions", []) => choices(["bash", "zsh", "fish"].map(str::to_owned), "shell", current),
        ("env", []) => choices(["list", "show", "use", "trust"].map(str::to_owned), "word", current),
        ("env", ["show" | "use"]) => choices(source::environments(io), "environment", current),
        ("demo", []) => choices(["serve".to_owned()], "word", current),
        ("cache", []) => choices(["ls", "clear"].map(str::to_owned), "word", current),
        ("catalog", []) => choices(["lint", "init"].map(str::to_owned), "word", current),
        ("catalog", ["lint", ..]) => files::candidates("", current, io),
        _ => Vec::new(),
    }
}

/// Those of `all` that begin with `current`.
fn choices(all: impl IntoIterator<Item = String>, about: &str, current: &str) -> Vec<Candidate> {
    all.into_iter().filter(|word| word.starts_with(current)).map(|word| Candidate::whole(word, about)).collect()
}
