//! Standard input and the files that arguments name, read whole and bounded.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use restwalk::http::Method;

use crate::{
    io::{Io, Stream},
    mistake::{Mistake, Result},
};

/// The most that is read of a file or of standard input that becomes part of a body.
const LARGEST: u64 = 64 << 20;

/// The most that is read of a JSON Schema.
const SCHEMA: u64 = 1 << 20;

/// Whether standard input is the body without being asked for.
pub(crate) fn is_body(method: Option<&Method>, has_body: bool, stdin: Stream) -> bool {
    let takes = method.is_some_and(|method| matches!(*method, Method::POST | Method::PUT | Method::PATCH));
    takes && !has_body && matches!(stdin, Stream::Pipe | Stream::File)
}

/// Reads standard input, which must be a pipe or a file.
pub(crate) fn read(io: &mut Io<'_>) -> Result<Vec<u8>> {
    match io.stdin.1 {
        Stream::Pipe | Stream::File => whole(&mut io.stdin.0, "standard input"),
        Stream::Terminal => Err(Mistake::usage("standard input is a terminal, and is not read")
            .hint("pipe the body in, or name a file: @FILE")),
        Stream::Other => Err(Mistake::usage("standard input is neither a pipe nor a file, and is not read")),
    }
}

/// Reads a file that an argument names, or standard input where it is `-`.
pub(crate) fn bytes(io: &mut Io<'_>, named: &str) -> Result<Vec<u8>> {
    if named == "-" { read(io) } else { file(io, named) }
}

/// Reads a file of text.
pub(crate) fn text_file(io: &Io<'_>, named: &str) -> Result<String> {
    text(file(io, named)?, named)
}

/// Reads a JSON Schema that a catalog names: a regular file, since one that waits would hang a call, of at most 1 MiB.
pub(crate) fn schema(path: &Path) -> Result<serde_json::Value> {
    let named = path.to_string_lossy();
    let wrong = |why: String| {
        Mistake::local("catalogue", format!("the schema {named:?} cannot be used: {why}"))
            .hint("--no-schema sends every key=value as a string")
    };
    let cannot = |error: io::Error| wrong(error.to_string());
    if !fs::metadata(path).map_err(cannot)?.is_file() {
        return Err(wrong("it is no regular file".to_owned()));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(SCHEMA + 1).read_to_end(&mut bytes)).map_err(cannot)?;
    if bytes.len() as u64 > SCHEMA {
        return Err(wrong("it is larger than 1 MiB".to_owned()));
    }
    serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))
}

/// The text of bytes that were read from `named`.
pub(crate) fn text(bytes: Vec<u8>, named: &str) -> Result<String> {
    String::from_utf8(bytes).map_err(|_| Mistake::usage(format!("{named:?} is not UTF-8")))
}

fn file(io: &Io<'_>, named: &str) -> Result<Vec<u8>> {
    let cannot = |error: io::Error| Mistake::usage(format!("{named:?} cannot be read: {error}"));
    whole(&mut File::open(io.path(named)).map_err(cannot)?, named)
}

fn whole(from: &mut dyn Read, named: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Mistake::usage(format!("{named:?} cannot be read: {error}")))?;
    if bytes.len() as u64 > LARGEST {
        let hint = "send a large file as a part, which is streamed: field@FILE";
        return Err(Mistake::usage(format!("{named:?} is larger than 64 MiB")).hint(hint));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_input_is_read_only_where_it_can_be_meant() {
        let (post, get, delete) = (Some(Method::POST), Some(Method::GET), Some(Method::DELETE));
        for (method, has_body, stdin, expected) in [
            (&post, false, Stream::Pipe, true),
            (&post, false, Stream::File, true),
            (&post, false, Stream::Terminal, false),
            (&post, false, Stream::Other, false),
            (&post, true, Stream::Pipe, false),
            (&get, false, Stream::Pipe, false),
            (&delete, false, Stream::Pipe, false),
            (&None, false, Stream::Pipe, false),
        ] {
            assert_eq!(is_body(method.as_ref(), has_body, stdin), expected, "{method:?} {has_body} {stdin:?}");
        }
    }

    #[test]
    fn a_schema_is_a_small_regular_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("s.json");
        for (text, expected) in [
            ("{\"a\": 1}".to_owned(), Ok(serde_json::json!({"a": 1}))),
            ("{".to_owned(), Err("EOF while parsing")),
            (" ".repeat(1 << 20) + "1", Err("larger than 1 MiB")),
            (" ".repeat((1 << 20) - 1) + "1", Ok(serde_json::json!(1))),
        ] {
            fs::write(&file, text).unwrap();
            match (schema(&file), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(wrong), Err(part)) => assert!(wrong.message.contains(part) && wrong.hint.is_some(), "{wrong:?}"),
                (found, _) => panic!("{found:?}"),
            }
        }
        assert!(schema(folder.path()).unwrap_err().message.contains("no regular file"));
        #[cfg(unix)]
        {
            let pipe = folder.path().join("pipe");
            assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
            assert!(schema(&pipe).unwrap_err().message.contains("no regular file"));
        }
    }

    #[test]
    fn a_terminal_is_never_waited_for() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        for stream in [Stream::Terminal, Stream::Other] {
            let mut io = Io::buffers(&mut out, &mut err).with_stdin(b"never", stream);
            assert_eq!(bytes(&mut io, "-").unwrap_err().exit, 2);
        }
        let mut io = Io::buffers(&mut out, &mut err).with_stdin(b"{}", Stream::Pipe);
        assert_eq!(bytes(&mut io, "-").unwrap(), b"{}");
    }
}
