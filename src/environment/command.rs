//! A program that prints a secret: its line split without a shell, run with a limit on time and output.

use std::{
    ffi::{OsStr, OsString},
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

/// The most that is read of a secret, in bytes.
pub(super) const LONGEST: u64 = 64 << 10;

/// How often a program that has said all is asked whether it has ended.
const GLANCE: Duration = Duration::from_millis(2);

/// Splits a line into words at blanks: `'…'` and `"…"` hold them together, and `\` takes the next character as it is,
/// but not between single quotes. Nothing else is special.
///
/// # Errors
/// A quote is not closed, or there is no word.
pub(super) fn split(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    let mut quote = None;
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => {
                let next = chars.next().ok_or("a \\ stands at its end")?;
                word.get_or_insert_default().push(next);
            }
            (None, _) if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err("a quote is not closed");
    }
    words.extend(word);
    if words.first().is_none_or(String::is_empty) { Err("no program is named") } else { Ok(words) }
}

/// Where a program runs, and what it does not get.
pub(super) struct Surroundings<'a> {
    pub(super) folder: &'a Path,
    /// Variables that are left out.
    pub(super) hidden: &'a [String],
    pub(super) patience: Duration,
}

/// Runs the program of `words` and returns what it printed, without any standard input and with its messages left
/// out, which may hold secrets.
///
/// # Errors
/// It cannot be started, takes too long, fails, or prints too much; the text says so and shows no argument.
pub(super) fn output(words: &[String], around: &Surroundings<'_>) -> Result<Vec<u8>, String> {
    let (program, arguments) = words.split_first().ok_or("no program is named")?;
    let end = Instant::now().checked_add(around.patience);
    let path = whole_folders(&std::env::var_os("PATH").unwrap_or_default());
    let mut command = Command::new(located(program, around.folder, &path)?);
    command.args(arguments).current_dir(around.folder);
    // An empty one would be the folder that it runs in.
    if path.is_empty() {
        command.env_remove("PATH")
    } else {
        command.env("PATH", &path)
    };
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    around.hidden.iter().for_each(|name| {
        command.env_remove(name);
    });
    let mut child = command.spawn().map_err(|error| format!("cannot be started: {error}"))?;
    let said = listen(&mut child, around.patience).and_then(|said| ended(&mut child, end).map(|()| said));
    if said.is_err() {
        // It may have ended by itself meanwhile; either way nothing of it is left.
        let _ = child.kill();
        let _ = child.wait();
    }
    said
}

/// The entries of `path` that are whole; any other, `.` say, is relative to the folder that a program runs in, and a
/// project would put its own files in the place of programs.
fn whole_folders(path: &OsStr) -> OsString {
    let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    // Folders that were split at a separator hold none.
    std::env::join_paths(folders).unwrap_or_default()
}

/// A program named with a folder is relative to the file's own; any other is looked for in the folders of `path`.
fn located(program: &str, folder: &Path, path: &OsStr) -> Result<PathBuf, String> {
    let named = Path::new(program);
    if named.components().count() > 1 {
        return Ok(folder.join(named));
    }
    // Windows tries endings besides, and never the folder that a program runs in.
    if cfg!(windows) {
        return Ok(named.to_owned());
    }
    let found = std::env::split_paths(path).map(|folder| folder.join(named)).find(|file| is_program(file));
    found.ok_or_else(|| "cannot be started: it is in no folder of PATH".to_owned())
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}

fn listen(child: &mut Child, patience: Duration) -> Result<Vec<u8>, String> {
    let Some(stdout) = child.stdout.take() else { return Ok(Vec::new()) };
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut said = Vec::new();
        let read = stdout.take(LONGEST + 1).read_to_end(&mut said);
        // Nobody listens any more when the time has passed.
        let _ = sender.send(read.map(|_| said));
    });
    match receiver.recv_timeout(patience) {
        Ok(Ok(said)) if said.len() as u64 > LONGEST => Err(format!("printed more than {LONGEST} bytes")),
        Ok(Ok(said)) => Ok(said),
        Ok(Err(error)) => Err(format!("cannot be read: {error}")),
        Err(_) => Err(too_long(patience)),
    }
}

/// Waits for the end of a program that has closed its output.
fn ended(child: &mut Child, end: Option<Instant>) -> Result<(), String> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("failed with {status}; run it yourself to see why")),
            Ok(None) if end.is_some_and(|end| Instant::now() >= end) => {
                return Err("did not end in time".to_owned());
            }
            Ok(None) => std::thread::sleep(GLANCE),
            Err(error) => return Err(format!("cannot be waited for: {error}")),
        }
    }
}

fn too_long(patience: Duration) -> String {
    format!("took longer than {patience:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x15_a_line_is_split_without_a_shell() {
        for (line, expected) in [
            ("pass show api", Ok(&["pass", "show", "api"][..])),
            ("  a\t b ", Ok(&["a", "b"])),
            (r#"a 'b c' "d e" f\ g"#, Ok(&["a", "b c", "d e", "f g"])),
            (r#"a '' "\"" '\'"#, Ok(&["a", "", "\"", "\\"])),
            (r#"a b"c"'d'"#, Ok(&["a", "bcd"])),
            (
                "a $HOME `id` ; rm * | b > c & $(d)",
                Ok(&["a", "$HOME", "`id`", ";", "rm", "*", "|", "b", ">", "c", "&", "$(d)"]),
            ),
            ("a 'b", Err("a quote is not closed")),
            ("a \\", Err("a \\ stands at its end")),
            ("", Err("no program is named")),
            ("'' a", Err("no program is named")),
        ] {
            let expected = expected.map(|words| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
            assert_eq!(split(line), expected, "{line}");
        }
    }

    #[cfg(unix)]
    fn run(words: &[&str], millis: u64, hidden: &[&str]) -> Result<String, String> {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        let hidden: Vec<_> = hidden.iter().map(|name| (*name).to_owned()).collect();
        let around = Surroundings { folder: Path::new("/"), hidden: &hidden, patience: Duration::from_millis(millis) };
        output(&words, &around).map(|said| String::from_utf8(said).unwrap())
    }

    #[test]
    #[cfg(unix)]
    fn a_program_s_output_is_read_whole_and_within_limits() {
        assert_eq!(run(&["printf", "%s\\n", "$HOME"], 20_000, &[]).unwrap(), "$HOME\n");
        assert_eq!(run(&["bin/sh", "-c", "pwd; cat"], 20_000, &[]).unwrap(), "/\n");
        let failed = run(&["sh", "-c", "echo CNRY; echo CNRY >&2; exit 3"], 20_000, &[]).unwrap_err();
        assert_eq!(failed, "failed with exit status: 3; run it yourself to see why");
        assert!(run(&["/nowhere/CNRY"], 20_000, &[]).unwrap_err().starts_with("cannot be started: "));
        assert_eq!(run(&["yes"], 20_000, &[]).unwrap_err(), "printed more than 65536 bytes");
    }

    #[test]
    #[cfg(unix)]
    fn a_program_is_looked_for_in_whole_folders_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str, mode| {
            let file = folder.path().join(name);
            std::fs::write(&file, "").unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        make("token", 0o755);
        make("text", 0o644);
        let whole = folder.path().display().to_string();
        for (path, program, expected) in [
            (&*whole, "token", Some(folder.path().join("token"))),
            (&whole, "text", None),
            (&whole, "none", None),
            ("", "token", None),
            (".:", "token", None),
            ("./bin::", "bin/token", Some(folder.path().join("bin/token"))),
            ("x", "./token", Some(folder.path().join("token"))),
        ] {
            let found = located(program, folder.path(), &whole_folders(OsStr::new(path)));
            assert_eq!(found.ok(), expected, "{path} {program}");
        }
        assert_eq!(whole_folders(OsStr::new(".::/a:b:/c")), "/a:/c");
    }

    #[test]
    #[cfg(unix)]
    fn a_program_that_takes_too_long_is_ended() {
        assert_eq!(run(&["sleep", "600"], 20, &[]).unwrap_err(), "took longer than 20ms");
        assert_eq!(run(&["sh", "-c", "exec >&-; exec sleep 600"], 20, &[]).unwrap_err(), "did not end in time");
    }

    #[test]
    #[cfg(unix)]
    fn x13_variables_of_ours_are_not_passed_on() {
        let shown = run(&["env"], 20_000, &[]).unwrap();
        assert!(shown.contains("PATH=") && shown.contains("CARGO_PKG_NAME="));
        let hidden = run(&["env"], 20_000, &["CARGO_PKG_NAME"]).unwrap();
        assert!(hidden.contains("PATH=") && !hidden.contains("CARGO_PKG_NAME="));
    }
}
