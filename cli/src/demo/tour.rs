//! A tour of the command line: calls to the service in this process, each shown with what it prints.

use std::{
    cell::RefCell,
    io::{self, Write},
    rc::Rc,
    sync::Arc,
    time::{Duration, SystemTime},
};

use restwalk::{Catalog, Local};

use super::Demo;
use crate::{command::Ended, exit, io::Io, output::PrintError, run};

/// What is said before a call, and its words.
const STEPS: [(&str, &[&str]); 17] = [
    ("What is there?", &["-e", "demo", "ls", "people/user.name"]),
    ("A person.", &["-e", "demo", "people/ada"]),
    ("A misspelt path is refused before anything is sent.", &["-e", "demo", "peopel/ada"]),
    ("So is a method that the route does not have,", &["-e", "demo", "patch", "people/ada", "a=1"]),
    ("and an item that would leave its place.", &["-e", "demo", "delete", "people/.."]),
    ("Query parameters have ==.", &["-e", "demo", "people/user.name/activities", "limit==1", "tags==a", "tags==b"]),
    (
        "What would be sent, and where each part comes from?",
        &["-e", "demo", "explain", "post", "people/user.name/activities", "object.content=Hi", "object.objectType!"],
    ),
    (
        "Items make the body, over the defaults of the catalog.",
        &["-e", "demo", "post", "people/user.name/activities", "object.content=Hello world", "generator=Twitter"],
    ),
    ("It is there now.", &["-e", "demo", "activities/7"]),
    ("Only its headers.", &["-e", "demo", "-h", "activities/7"]),
    ("Who changes an old state is told so.", &["-e", "demo", "put", "people/ada", "displayName=A", "If-Match:\"r0\""]),
    (
        "Numbers and other JSON have :=.",
        &["-e", "demo", "post", "activities/7/comments", "object.content=Yes", "stars:=5"],
    ),
    (
        "A context is known by the hash of its URL.",
        &[
            "-e",
            "demo",
            "put",
            "contexts/{hash}",
            "-P",
            "hash=https://site/x",
            "displayName=New",
            "permissions.read=subscribed",
        ],
    ),
    ("Two pages of people: the answer names the next one.", &["-e", "demo", "-h", "people", "limit==2"]),
    ("What is not there is an error of its own.", &["-e", "demo", "people/nobody"]),
    ("The same call for curl.", &["-e", "demo", "--curl", "post", "people/user.name/activities", "object.content=Hi"]),
    ("And away with it.", &["-e", "demo", "delete", "activities/7"]),
];

/// When the tour takes place, so that it is the same each time.
const WHEN: Duration = Duration::from_secs(1_800_000_000);

/// Shows the tour.
pub(crate) fn tour(io: &mut Io<'_>) -> Ended {
    let demo = Demo::new(&Catalog::embedded(), || SystemTime::UNIX_EPOCH + WHEN)?;
    let service = Arc::new(Local::new(demo.router()));
    for (about, words) in STEPS {
        let said = Said::default();
        let mut inner = Io::new((said.clone(), io.stdout.1), (said.clone(), io.stderr.1));
        inner.columns = io.columns;
        inner.service = Some(service.clone());
        let exit = run(words, &mut inner);
        drop(inner);
        let line: Vec<_> = words.iter().map(|word| quoted(word)).collect();
        let mut text = format!("# {about}\n$ restwalk {}\n", line.join(" ")).into_bytes();
        text.append(&mut said.0.borrow_mut());
        if !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        if exit != exit::OK {
            text.extend(format!("(exit {exit})\n").bytes());
        }
        text.push(b'\n');
        // Each call has made its own text harmless.
        io.stdout.0.write_all(&text).map_err(PrintError::from)?;
    }
    Ok(exit::OK)
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/:=@%+,".contains(&byte);
    if word.bytes().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// What a call printed on both of its streams, in order.
#[derive(Debug, Clone, Default)]
struct Said(Rc<RefCell<Vec<u8>>>);

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
