//! A run on buffers.

use std::{fs::File, io::Write, path::PathBuf};

use restwalk_cli::{Io, Stream, run};

/// What a run said.
pub(crate) struct Said {
    pub(crate) exit: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs `arguments` without standard input.
pub(crate) fn restwalk(arguments: &[&str]) -> Said {
    fed(arguments, b"", Stream::Other)
}

/// Runs `arguments` with `stdin`.
pub(crate) fn fed(arguments: &[&str], stdin: &[u8], stream: Stream) -> Said {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut io = Io::buffers(&mut out, &mut err).with_stdin(stdin, stream);
    io.directory = concat!(env!("CARGO_MANIFEST_DIR"), "/..").into();
    let exit = run(arguments, &mut io);
    drop(io);
    note(&[&out, &err]);
    Said { exit, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
}

/// Keeps what was printed in the folder that `SUITE_OUTPUT` names, for `scripts/canaries` to search.
pub(crate) fn note(printed: &[&[u8]]) {
    let Some(folder) = std::env::var_os("SUITE_OUTPUT") else { return };
    let path = PathBuf::from(folder).join(format!("printed-{}", std::process::id()));
    let mut file = File::options().create(true).append(true).open(path).unwrap();
    file.write_all(&printed.concat()).unwrap();
}

/// The words of `text`, split at blanks, in the MAX catalog.
pub(crate) fn max(text: &str) -> Vec<&str> {
    let mut words = vec!["--catalog", "resources.yaml", "--defaults", "defaults.yaml"];
    words.extend(text.split(' '));
    words
}
