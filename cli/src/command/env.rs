//! `env`: the environments there are, what one holds, which is the default, and whether a project's are trusted.

use std::{
    fmt::Display,
    io::{self, Write},
};

use restwalk::{Environment, Environments, Result, Trust};

/// `env list`: each by name, base URL and file; the one that would be used has a star.
///
/// # Errors
/// `out` cannot be written.
pub fn list(environments: &Environments, chosen: Option<&str>, out: &mut dyn Write) -> io::Result<()> {
    let all: Vec<&Environment> = environments.names().filter_map(|name| environments.get(name).ok()).collect();
    let wide = |column: fn(&Environment) -> usize| all.iter().map(|one| column(one)).max().unwrap_or(0);
    let (names, urls) = (wide(|one| one.name().chars().count()), wide(|one| url(one).chars().count()));
    for one in &all {
        let star = if chosen == Some(one.name()) { '*' } else { ' ' };
        let file = safe(one.file().display());
        writeln!(out, "{star} {:names$}  {:urls$}  {file}", one.name(), url(one))?;
    }
    Ok(())
}

/// `env show`: what an environment holds, by the keys of its file, and where its secrets are; none of them is looked up.
///
/// # Errors
/// `out` cannot be written.
pub fn show(environment: &Environment, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "name: {}\nfile: {}", environment.name(), safe(environment.file().display()))?;
    for (key, value) in environment.summary() {
        writeln!(out, "{key}: {}", safe(value))?;
    }
    Ok(())
}

/// `env use`: makes `name` the default of the file that holds it; a project's file that was trusted stays so.
///
/// # Errors
/// There is no such environment, or its file cannot be changed.
pub fn make_default(
    environments: &Environments,
    name: &str,
    trust: &Trust,
    out: &mut dyn Write,
) -> Result<io::Result<()>> {
    let trusted = trust.holds(environments)?;
    let changed = environments.set_default(name)?;
    if trusted {
        trust.add(&changed)?;
    }
    let file = safe(changed.get(name)?.file().display());
    let told = writeln!(out, "{name} is the default of {file}");
    Ok(told.and_then(|()| match changed.default() {
        Some(other) if other != name => writeln!(out, "here the project's own default, {other}, goes first"),
        _ => Ok(()),
    }))
}

/// `env trust`: shows what a project's file holds, and trusts it as it is now.
///
/// # Errors
/// What is trusted cannot be read or written.
pub fn trust(project: &Environments, trust: &Trust, out: &mut dyn Write) -> Result<io::Result<()>> {
    let mut told = Ok(());
    for name in project.names() {
        let one = project.get(name)?;
        told = told.and_then(|()| show(one, out)).and_then(|()| writeln!(out));
    }
    if told.is_err() {
        // Nobody saw it, so nobody can have trusted it.
        return Ok(told);
    }
    trust.add(project)?;
    Ok(writeln!(out, "trusted, until it or a file that it names changes"))
}

fn url(environment: &Environment) -> String {
    safe(environment.base_url().unwrap_or("-"))
}

/// Text of a file, with whatever moves a terminal's cursor or turns its letters round escaped.
fn safe(text: impl Display) -> String {
    let escaped = |c: char| if matches!(c, '"' | '\'' | '\\') { c.to_string() } else { c.escape_debug().to_string() };
    text.to_string().chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use super::*;

    const TEXT: &str = "environments:
  local: {base_url: 'http://localhost:8081', auth: {bearer: 'env:T'}, retry: off}
  max: {catalog: max, actor: ada, headers: {X-Team: blue, X-Token: CNRY}, auth: {basic: {user: a, password: 'cmd:pass CNRY'}}}
";

    struct Files {
        _folder: tempfile::TempDir,
        file: PathBuf,
        trust: Trust,
    }

    fn files(text: &str) -> Files {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("restwalk.yaml");
        fs::write(&file, text).unwrap();
        Files { file, trust: Trust::at(folder.path().join("state/trusted")), _folder: folder }
    }

    fn said(run: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        run(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_environment_is_one_line_and_shows_no_secret() {
        let files = files(TEXT);
        let (all, file) = (Environments::open(&files.file).unwrap(), files.file.display());
        assert_eq!(
            said(|out| list(&all, Some("max"), out)),
            format!("  local  http://localhost:8081  {file}\n* max    -                      {file}\n")
        );
        assert_eq!(
            said(|out| show(all.get("max").unwrap(), out)),
            format!(
                "name: max\nfile: {file}\ncatalog: max\nactor: ada\nheaders: X-Team: blue, X-Token: in plain text\n\
                 auth: basic, cmd:pass\n"
            )
        );
        assert_eq!(
            said(|out| show(all.get("local").unwrap(), out)),
            format!("name: local\nfile: {file}\nbase_url: http://localhost:8081\nauth: Bearer, env:T\nretry: off\n")
        );
        assert_eq!(said(|out| list(&Environments::user_by(|_| None).unwrap(), None, out)), "");
    }

    #[test]
    fn x23_text_of_a_file_cannot_move_the_cursor() {
        let files = files("environments: {a: {actor: \"a\\x1b[2J\\u202e'\\\"\\\\é\"}}");
        let all = Environments::open(&files.file).unwrap();
        let shown = said(|out| show(all.get("a").unwrap(), out));
        assert!(shown.ends_with("actor: a\\u{1b}[2J\\u{202e}'\"\\é\n"), "{shown}");
    }

    #[test]
    fn what_is_trusted_is_shown_and_a_new_default_keeps_the_trust() {
        let files = files(TEXT);
        let project = Environments::open(&files.file).unwrap();
        let text = said(|out| trust(&project, &files.trust, out).unwrap());
        assert!(text.contains("auth: Bearer, env:T\n") && !text.contains("CNRY"), "{text}");
        assert!(text.ends_with("\n\ntrusted, until it or a file that it names changes\n"), "{text}");
        assert!(files.trust.holds(&project).unwrap());

        let text = said(|out| make_default(&project, "max", &files.trust, out).unwrap());
        assert_eq!(text, format!("max is the default of {}\n", files.file.display()));
        assert_eq!(fs::read_to_string(&files.file).unwrap(), format!("default: max\n{TEXT}"));
        let again = Environments::open(&files.file).unwrap();
        assert!(files.trust.holds(&again).unwrap() && !files.trust.holds(&project).unwrap());
    }

    #[test]
    fn what_nobody_saw_is_not_trusted() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let files = files(TEXT);
        let project = Environments::open(&files.file).unwrap();
        assert!(trust(&project, &files.trust, &mut Closed).unwrap().is_err());
        assert!(!files.trust.holds(&project).unwrap());
    }

    #[test]
    fn a_new_default_of_what_is_not_trusted_is_not_trusted_either() {
        let files = files(TEXT);
        let project = Environments::open(&files.file).unwrap();
        make_default(&project, "max", &files.trust, &mut Vec::new()).unwrap().unwrap();
        assert!(!files.trust.holds(&Environments::open(&files.file).unwrap()).unwrap());
    }
}
