//! The arguments as they are written: options by clap, and the words that are no options.

use std::{ffi::OsString, time::Duration};

use clap::Parser;

use crate::mistake::{Mistake, Result};

mod print;

pub(crate) use print::Print;

/// The longest argument, in bytes; what shells of most systems pass is shorter.
const LONGEST: usize = 128 << 10;

/// Walks any REST API from a shell.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "restwalk",
    version,
    disable_help_flag = true,
    override_usage = "restwalk [OPTIONS] [METHOD] PATH [ITEM...]\n       restwalk [OPTIONS] ls|help [PATH]\n       restwalk [OPTIONS] explain [METHOD] PATH [ITEM...]\n       restwalk [OPTIONS] login | logout | whoami\n       restwalk [OPTIONS] catalog lint|init | cache ls|clear | doctor | env | demo [serve]",
    after_help = EXAMPLES
)]
pub(crate) struct Options {
    /// The method, the path, and items: key=value, key:=json, key==query, Name:header, field@file, key!
    #[arg(value_name = "WORD")]
    pub(crate) words: Vec<OsString>,

    /// Print this help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,

    /// Send JSON, which is what items make unless told otherwise
    #[arg(short, long, conflicts_with_all = ["form", "multipart"])]
    pub(crate) json: bool,
    /// Send items as a form; as a multipart form where one of them is a file
    #[arg(short, long)]
    pub(crate) form: bool,
    /// Send items as a multipart form, even without a file
    #[arg(long)]
    pub(crate) multipart: bool,
    /// A literal JSON body, which items patch
    #[arg(long, value_name = "JSON")]
    pub(crate) data: Option<String>,
    /// The port of this machine that demo serve listens on
    #[arg(long, value_name = "N")]
    pub(crate) port: Option<u16>,

    #[command(flatten, next_help_heading = "Output")]
    pub(crate) print: Print,
    #[command(flatten, next_help_heading = "Files")]
    pub(crate) files: Files,
    #[command(flatten, next_help_heading = "Many")]
    pub(crate) many: Many,
    #[command(flatten, next_help_heading = "Where")]
    pub(crate) place: Place,
    #[command(flatten, next_help_heading = "How")]
    pub(crate) send: Send,
}

/// Where the answer's body goes.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Files {
    /// Save the answer's body in a file, named by the server, else by the URL; follows redirects
    #[arg(short, long)]
    pub(crate) download: bool,
    /// Save it in this file, appearing whole or not at all; - is standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<String>,
    /// Go on with what an earlier download left in FILE.part
    #[arg(short = 'c', long = "continue")]
    pub(crate) proceed: bool,
    /// Replace the file if it is there
    #[arg(long)]
    pub(crate) force: bool,
}

/// Many pages, or many calls.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Many {
    /// Follow the pages of a listing, and print the items of all as one JSON array
    #[arg(long)]
    pub(crate) all: bool,
    /// Follow so many pages at most; 1000 unless said
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) max_pages: Option<usize>,
    /// Print so many items at most
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) max_items: Option<usize>,
    /// Print one item a line, following pages
    #[arg(long, conflicts_with = "all")]
    pub(crate) ndjson: bool,
    /// Make one call for each line of JSON in a file, which fills {NAME}; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["download", "output", "proceed"])]
    pub(crate) each: Option<String>,
    /// How many of these calls run at once, 1 to 64
    #[arg(short = 'n', long, value_name = "JOBS", default_value_t = 4, requires = "each", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) jobs: u8,
    /// Keep a journal of these calls, and go on where it ends
    #[arg(long, value_name = "JOURNAL", requires = "each")]
    pub(crate) resume: Option<String>,
}

/// Where a call goes.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Place {
    /// The environment, which has base URL, catalog, sign-in, headers and variables
    #[arg(short, long, value_name = "NAME")]
    pub(crate) env: Option<String>,
    /// What the path is relative to
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// The catalog of routes, resources.yaml
    #[arg(long, value_name = "FILE")]
    pub(crate) catalog: Option<String>,
    /// Its default bodies, defaults.yaml
    #[arg(long, value_name = "FILE")]
    pub(crate) defaults: Option<String>,
    /// Allow any path, without a catalog
    #[arg(long, conflicts_with_all = ["catalog", "defaults"])]
    pub(crate) no_catalog: bool,
    /// Fill {NAME} of the path
    #[arg(short = 'P', value_name = "NAME=VALUE")]
    pub(crate) variables: Vec<String>,
    /// Split names at underscores, as at dots
    #[arg(short = 'U')]
    pub(crate) expand: bool,
    /// Leave out the default body and query
    #[arg(long)]
    pub(crate) no_defaults: bool,
    /// Send every key=value as a string
    #[arg(long)]
    pub(crate) no_schema: bool,
}

/// How a call is sent.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Send {
    /// Sign in: USER, whose password is asked for, USER:PASS, a token with -A bearer, @FILE, or - for standard input
    #[arg(short, long, value_name = "USER[:PASS]")]
    pub(crate) auth: Option<String>,
    /// The kind of sign-in: basic, digest, bearer, jwt, or another scheme
    #[arg(short = 'A', long, value_name = "TYPE", default_value = "basic", requires = "auth")]
    pub(crate) auth_type: String,
    /// Send no credentials
    #[arg(long, conflicts_with = "auth")]
    pub(crate) no_auth: bool,
    /// Log in in a browser of this machine
    #[arg(long, conflicts_with = "device")]
    pub(crate) browser: bool,
    /// Log in on another device, by a code that is shown
    #[arg(long)]
    pub(crate) device: bool,
    /// Follow redirects
    #[arg(short = 'F', long)]
    pub(crate) follow: bool,
    /// Take answers that earlier runs kept and that are still fresh, and keep those of this one
    #[arg(long)]
    pub(crate) cache: bool,
    /// Take no answer that was kept, and keep none
    #[arg(long, conflicts_with = "cache")]
    pub(crate) no_cache: bool,
    /// Ask anew, and keep the answer
    #[arg(long, conflicts_with_all = ["cache", "no_cache"])]
    pub(crate) refresh: bool,
    /// How often to send at most, 1 to 5
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=5))]
    pub(crate) retry: Option<u8>,
    /// Send again even what may then be done twice
    #[arg(long)]
    pub(crate) retry_unsafe: bool,
    /// Seconds for each attempt
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,
    /// Seconds in all
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub(crate) max_time: Option<Duration>,
    /// Check the server's certificate: yes, no, or a file of CA certificates
    #[arg(long, value_name = "yes|no|FILE", default_value = "yes")]
    pub(crate) verify: String,
    /// Send credentials even where --verify no leaves open to whom
    #[arg(long)]
    pub(crate) insecure_send_auth: bool,
    /// Trust the CA certificates in this file too
    #[arg(long, value_name = "FILE")]
    pub(crate) cacert: Option<String>,
    /// Present the client certificate and key in this file
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: Option<String>,
    /// Ask through this proxy; "" for none
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<String>,
    /// Yes to a route that asks for confirmation
    #[arg(short, long)]
    pub(crate) yes: bool,
}

const EXAMPLES: &str = "\
Examples:
  restwalk --base-url https://max.example.com people/ada/activities limit==10
  restwalk -e demo post people/ada/activities object.content='Hello world'
  restwalk -e demo explain post people/ada/activities object.objectType!
  restwalk put 'contexts/{hash}' -P hash=https://site/x displayName=X
  restwalk post uploads 'doc@cv.txt;type=text/markdown' meta.lang=ca
  echo '{\"a\":1}' | restwalk post x @- b:=2

A path that begins with ls, help or another word of restwalk is written /ls or ./ls.";

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "a whole number, at least 1".into())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|time| !time.is_zero()).ok_or_else(|| "a number of seconds above 0, such as 2.5".into())
}

/// Refuses what no part of a command line can be, before it is taken apart.
pub(crate) fn check(arguments: &[OsString]) -> Result<()> {
    for (index, argument) in arguments.iter().enumerate() {
        let number = index + 1;
        if argument.len() >= LONGEST {
            let hint = "give a long value in a file: key=@FILE, key:=@FILE, @FILE";
            return Err(Mistake::usage(format!("argument {number} is 128 KiB or longer")).hint(hint));
        }
        if argument.to_str().is_none() {
            let hint = "give such bytes in a file: field@FILE";
            return Err(Mistake::usage(format!("argument {number} is not UTF-8")).hint(hint));
        }
    }
    Ok(())
}

impl Options {
    /// The words as text; none may be empty.
    pub(crate) fn words(&self) -> Result<Vec<String>> {
        let text = |(index, word): (usize, &OsString)| match word.to_str() {
            Some("") => Err(Mistake::usage(format!("word {} is empty", index + 1))
                .hint("a shell variable without a value is empty where it is quoted")),
            Some(text) => Ok(text.to_owned()),
            None => Err(Mistake::usage(format!("word {} is not UTF-8", index + 1))),
        };
        self.words.iter().enumerate().map(text).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_options_fit_together() {
        Options::command().debug_assert();
    }

    #[test]
    fn seconds_are_above_zero() {
        for bad in ["0", "-1", "NaN", "inf", "1e400", "x", ""] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
        assert_eq!(seconds("2.5"), Ok(Duration::from_millis(2500)));
    }

    #[test]
    fn options_stand_anywhere_and_end_at_two_dashes() {
        let parse = |words: &str| Options::try_parse_from(std::iter::once("restwalk").chain(words.split(' ')));
        let options = parse("-e demo post people -v a=1 --retry 2 b=2").unwrap();
        assert_eq!(options.words.len(), 4);
        assert!(options.print.verbose && options.send.retry == Some(2));
        assert_eq!(parse("people -- -x=1").unwrap().words, ["people", "-x=1"]);
        assert!(parse("people --retry 6").is_err());
    }
}
