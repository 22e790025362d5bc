//! `catalog init`: a first catalog, from paths that are asked by GET, HEAD and OPTIONS and never otherwise.

use std::{fs::OpenOptions, io::Write};

use restwalk::{
    Catalog, Client,
    http::{Method, Uri},
};

use crate::{
    args::Options,
    command::{Ended, send},
    exit, input,
    io::{Io, Stream},
    learn::{Learned, Observation, Pages, Tried, learn, tried},
    mistake::{Mistake, Result},
    settings::Settings,
};

mod ask;

/// The most paths that are asked.
const MOST: usize = 1_000;

/// Asks the paths that are given, and writes what they tell.
pub(super) fn run(words: &[String], options: &Options, io: &mut Io<'_>) -> Ended {
    if options.print.offline || options.print.curl {
        let wrong = Mistake::usage("catalog init asks a server, and has nothing to show without");
        return Err(wrong.hint("leave out --offline and --curl"));
    }
    let options = without_catalog(options);
    let file = options.files.output.clone().filter(|file| file != "-");
    if let Some(file) = file.as_deref().filter(|file| !options.files.force && io.path(file).exists()) {
        return Err(exists(file));
    }
    let settings = Settings::read(&options, io)?;
    let base = settings.base_url.clone().ok_or_else(|| {
        Mistake::local("config", "there is no base URL whose paths are asked").hint("give --base-url URL")
    })?;
    let mut client = settings.client(&base, &options, io)?;
    if let Some(auth) = send::password(&settings, &options, io)? {
        client = client.with_auth(auth);
    }
    send::warn(&settings, &options, &mut io.printer());
    let (calls, others) = given(words, &base, io)?;
    let mut asked = ask::all(&client, &paths(&client, calls)?)?;
    if others > 0 {
        asked.remarks.push(format!("{others} lines or requests are no call of {base}, and are left out"));
    }
    let learned = learn(&asked.observed);
    let (api, url) = (api(&base), writable(&base));
    let text = learned.text(&api, url.then_some(&*base));
    learned.verified(&text, &asked.observed)?;
    tell(&learned, &asked, io)?;
    match file {
        Some(file) => write(&file, &text, options.files.force, io)?,
        None => io.printer().text(&text)?,
    }
    Ok(exit::OK)
}

/// The options without a catalog, since that is what is looked for.
fn without_catalog(options: &Options) -> Options {
    let mut options = options.clone();
    (options.place.catalog, options.place.defaults, options.place.no_catalog) = (None, None, true);
    options
}

/// The calls that words name: paths, files of calls as `@FILE`, or standard input where there is no word.
fn given(words: &[String], base: &str, io: &mut Io<'_>) -> Result<(Vec<Tried>, usize)> {
    let (mut calls, mut others) = (Vec::new(), 0);
    let piped = words.is_empty() && matches!(io.stdin.1, Stream::Pipe | Stream::File);
    let stdin = ["@-".to_owned()];
    for word in if piped { &stdin[..] } else { words } {
        if let Some(file) = word.strip_prefix('@') {
            let text = input::text(input::bytes(io, file)?, file)?;
            let (found, left) = tried(&text, base)?;
            calls.extend(found);
            others += left;
        } else {
            let path = word.strip_prefix("./").unwrap_or(word);
            crate::place::check(path)?;
            let path = path.trim_matches('/').to_owned();
            calls.push(Tried { method: Method::GET, path });
        }
    }
    if calls.is_empty() {
        let wrong = Mistake::usage("there is no path to learn from");
        return Err(wrong.hint("catalog init people people/ada, or @FILE with lines of METHOD PATH, or a HAR file"));
    }
    Ok((calls, others))
}

/// The different paths, each with the methods that it was tried by; each must be one that can be asked.
fn paths(client: &Client, calls: Vec<Tried>) -> Result<Vec<Observation>> {
    let mut paths: Vec<(String, Observation)> = Vec::new();
    for call in calls {
        let place = client.path(&call.path);
        place.url()?;
        let path = place.path();
        let at = paths.iter().position(|(known, _)| *known == path).unwrap_or_else(|| {
            let segments = path.split('/').filter(|segment| !segment.is_empty());
            let decoded =
                |segment: &str| percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned();
            let one = Observation { segments: segments.map(decoded).collect(), ..Observation::default() };
            paths.push((path, one));
            paths.len() - 1
        });
        if at == MOST {
            let wrong = Mistake::usage(format!("there are more than {MOST} different paths"));
            return Err(wrong.hint("a few of each kind are enough"));
        }
        if !paths[at].1.methods.contains(&call.method) {
            paths[at].1.methods.push(call.method);
        }
    }
    Ok(paths.into_iter().map(|(_, one)| one).collect())
}

/// The name of an API at `base`: its host.
fn api(base: &str) -> String {
    let host = base.parse::<Uri>().ok().and_then(|url| url.host().map(str::to_owned)).unwrap_or_default();
    let name: String = host.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '-' }).collect();
    match name.trim_matches('-') {
        "" => "api".to_owned(),
        name => name.to_owned(),
    }
}

/// Whether a catalog may hold `base`, which it may not with credentials in it.
fn writable(base: &str) -> bool {
    Catalog::from_yaml(&format!("base_url: '{}'\nresources: {{}}", base.replace('\'', "''")), "").is_ok()
}

/// Tells on standard error what was left out, and what was guessed.
fn tell(learned: &Learned, asked: &ask::Asked, io: &mut Io<'_>) -> Result<()> {
    let mut printer = io.printer();
    for remark in &asked.remarks {
        printer.warn(remark)?;
    }
    if printer.settings().quiet {
        return Ok(());
    }
    printer.tell(&format!("{} paths came to {} routes:", asked.observed.len(), learned.routes.len()))?;
    let width = learned.routes.iter().map(|route| route.template.chars().count()).max().unwrap_or_default();
    for route in &learned.routes {
        let methods: Vec<&str> = route.methods.iter().map(Method::as_str).collect();
        let mut about = vec![if methods.is_empty() { "any method".to_owned() } else { methods.join(" ") }];
        about.extend(route.pages.map(Pages::words));
        about.extend(route.variable.as_ref().map(|(name, why)| format!("{{{name}}}: {}", why.words())));
        printer.tell(&format!("  {:width$}  {}", route.template, about.join("; ")))?;
    }
    if let Some(header) = &learned.count_header {
        printer.tell(&format!("  {header} counts"))?;
    }
    Ok(())
}

fn exists(file: &str) -> Mistake {
    Mistake::local("store.exists", format!("{file:?} is there already")).hint("--force replaces it")
}

/// Writes the file, which must be new unless that is forced.
fn write(file: &str, text: &str, force: bool, io: &mut Io<'_>) -> Result<()> {
    let mut open = OpenOptions::new();
    if force {
        open.create(true).truncate(true)
    } else {
        open.create_new(true)
    };
    let written = open.write(true).open(io.path(file)).and_then(|mut to| to.write_all(text.as_bytes()));
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Err(exists(file)),
        Err(error) => {
            let wrong = Mistake::local("store.write", format!("{file:?} cannot be written: {error}"));
            return Err(Mistake { exit: exit::FAILED, outcome: restwalk::Outcome::Processed, ..wrong });
        }
    }
    let mut printer = io.printer();
    if !printer.settings().quiet {
        printer.tell(&format!("{file} is written; --catalog {file} uses it, and catalog lint {file} checks it"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_is_named_after_its_host() {
        for (base, expected, fits) in [
            ("https://api.example.com/v1", "api-example-com", true),
            ("http://127.0.0.1:8081", "127-0-0-1", true),
            ("http://[::1]:80", "1", true),
            ("https://{tenant}.example.com", "api", true),
            ("https://u:CNRY@h.example", "h-example", false),
        ] {
            assert_eq!((&*api(base), writable(base)), (expected, fits), "{base}");
        }
    }
}
