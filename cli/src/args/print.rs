//! The options that say what is printed, and in which shape.

use crate::{
    mistake::{Mistake, Result},
    output::{
        Format, Settings,
        jq::Filter,
        what::{Asked, What},
    },
};

/// What is printed.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Print {
    /// Print H request headers, B request body, h response headers, b response body, m timing
    #[arg(short = 'p', long = "print", value_name = "HBhbm")]
    pub(crate) letters: Option<String>,
    /// Print the answer's headers; with -b its body too
    #[arg(short = 'h', long)]
    pub(crate) headers: bool,
    /// Print the answer's body, as when nothing is asked for
    #[arg(short, long)]
    pub(crate) body: bool,
    /// Print how long it took and how often it was tried
    #[arg(short, long)]
    pub(crate) meta: bool,
    /// Print request and answer, heads, bodies and timing
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Print no answer and no warning; errors and the exit code tell
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Print only what a jq filter gives
    #[arg(short = 'J', long = "jq", value_name = "EXPR")]
    pub(crate) filter: Option<String>,
    /// Print strings that a filter gives without their quotes
    #[arg(short, long, requires = "filter")]
    pub(crate) raw_strings: bool,
    /// The shape of what is printed; without it laid out on a terminal, and as it came in a pipe
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
    /// The columns of a table
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Print the request, and send nothing
    #[arg(long, conflicts_with = "curl")]
    pub(crate) offline: bool,
    /// Print a curl line that does the same, and send nothing
    #[arg(long)]
    pub(crate) curl: bool,
    /// Show secrets in what is printed of a request
    #[arg(long)]
    pub(crate) show_secrets: bool,
    /// How errors are written to standard error
    #[arg(long, value_name = "FORMAT", value_parser = ["text", "json"], default_value = "text")]
    pub(crate) error_format: String,
}

impl Print {
    /// What a printer is told; a filter that does not compile is a mistake here, before anything is sent.
    pub(crate) fn settings(&self) -> Result<Settings> {
        let filter = self.filter.as_deref().map(Filter::compile).transpose();
        Ok(Settings {
            what: self.what()?,
            format: self.format.or((!self.columns.is_empty()).then_some(Format::Table)),
            columns: self.columns.clone(),
            filter: filter.map_err(|why| Mistake::local("invalid_input.filter", why))?,
            raw_strings: self.raw_strings,
            show_secrets: self.show_secrets,
            quiet: self.quiet,
        })
    }

    /// The parts of an exchange; where nothing is sent, and nothing asked for, the request.
    fn what(&self) -> Result<What> {
        let &Self { headers, body, meta, verbose, quiet, .. } = self;
        let what = What::of(&Asked { print: self.letters.clone(), headers, body, meta, verbose, quiet });
        let what = what.map_err(Mistake::usage)?;
        let asked = self.letters.is_some() || headers || body || meta || verbose || quiet;
        let request = What { request_head: true, request_body: true, ..What::NONE };
        Ok(if self.offline && !asked { request } else { what })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::Options;

    fn settings(words: &str) -> Result<Settings> {
        let words = words.split(' ').filter(|word| !word.is_empty());
        Options::try_parse_from(["restwalk", "x"].into_iter().chain(words)).unwrap().print.settings()
    }

    #[test]
    fn options_say_what_is_printed() {
        for (words, expected) in [
            ("", "b"),
            ("-b", "b"),
            ("-h", "h"),
            ("-hb", "hb"),
            ("-m", "m"),
            ("-v", "HBhbm"),
            ("-q", ""),
            ("-p Hm", "Hm"),
            ("-p= -v", ""),
            ("--offline", "HB"),
            ("--offline -p B", "B"),
            ("--offline -q", ""),
        ] {
            let asked = Asked { print: Some(expected.to_owned()), ..Asked::default() };
            assert_eq!(settings(words).unwrap().what, What::of(&asked).unwrap(), "{words}");
        }
        assert_eq!(settings("-p x").unwrap_err().exit, 2);
        assert_eq!(settings("--columns a,b").unwrap().format, Some(Format::Table));
        assert_eq!(settings("--columns a,b --format ndjson").unwrap().columns, ["a", "b"]);
    }

    #[test]
    fn a_filter_that_does_not_compile_is_a_mistake() {
        let mistake = settings("-J .items[").unwrap_err();
        assert_eq!((mistake.exit, mistake.code), (2, "invalid_input.filter"));
        assert!(mistake.message.contains('^'), "{}", mistake.message);
    }
}
