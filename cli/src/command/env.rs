//! `env`: the environments there are, what one holds, which is the default, and whether a project's are trusted.

use restwalk::{Environment, Environments, Trust};

use super::Ended;
use crate::{
    args::Options,
    ask,
    environment::{self, Given},
    exit,
    io::{Io, Stream},
    mistake::{Mistake, Result},
};

/// Lists environments, shows one, makes one the default, or trusts a project's.
pub(super) fn run(words: &[String], options: &Options, io: &mut Io<'_>) -> Ended {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let given = Given::read(|name| io.variables.get(name).cloned());
    let option = options.place.env.as_deref();
    let text = match &words[..] {
        [] | ["list"] => {
            let environments = environment::around(io)?;
            list(&environments, given.name(option, &environments))
        }
        ["show", rest @ ..] if rest.len() < 2 => {
            let environments = environment::around(io)?;
            let name = rest.first().copied().or_else(|| given.name(option, &environments));
            let none = || Mistake::usage("no environment is named, and none is the default").hint("env show NAME");
            show(environments.get(name.ok_or_else(none)?)?)
        }
        ["use", name] => make_default(&environment::around(io)?, name, &Trust::user_by(environment::lookup(io))?)?,
        ["trust"] => return trust(options, io),
        _ => return Err(Mistake::usage("env takes list, show [NAME], use NAME, or trust")),
    };
    io.printer().text(&text)?;
    Ok(exit::OK)
}

/// Each by name, base URL and file; the one that would be used has a star.
fn list(environments: &Environments, chosen: Option<&str>) -> String {
    let all: Vec<&Environment> = environments.names().filter_map(|name| environments.get(name).ok()).collect();
    let wide = |column: fn(&Environment) -> &str| all.iter().map(|one| column(one).chars().count()).max().unwrap_or(0);
    let (names, urls) = (wide(Environment::name), wide(url));
    let line = |one: &&Environment| {
        let star = if chosen == Some(one.name()) { '*' } else { ' ' };
        format!("{star} {:names$}  {:urls$}  {}\n", one.name(), url(one), one.file().display())
    };
    all.iter().map(line).collect()
}

fn url(environment: &Environment) -> &str {
    environment.base_url().unwrap_or("-")
}

/// What an environment holds, by the keys of its file, and where its secrets are; none of them is looked up.
fn show(environment: &Environment) -> String {
    lines(environment, &environment.summary())
}

fn lines(environment: &Environment, said: &[(&str, String)]) -> String {
    let lines = said.iter().map(|(key, value)| format!("{key}: {value}\n"));
    format!("name: {}\nfile: {}\n", environment.name(), environment.file().display()) + &lines.collect::<String>()
}

/// Makes `name` the default of the file that holds it; a project's file that was trusted stays so.
fn make_default(environments: &Environments, name: &str, trust: &Trust) -> Result<String> {
    let trusted = trust.holds(environments)?;
    let changed = environments.set_default(name)?;
    if trusted {
        trust.add(&changed)?;
    }
    let told = format!("{name} is the default of {}\n", changed.get(name)?.file().display());
    Ok(match changed.default() {
        Some(other) if other != name => told + &format!("here the project's own default, {other}, goes first\n"),
        _ => told,
    })
}

/// Shows all that the project's file may do, and trusts it as it is now where a person says so: what nobody saw,
/// nobody trusts.
fn trust(options: &Options, io: &mut Io<'_>) -> Ended {
    let found = Environments::project(environment::folder(io), environment::lookup(io))?;
    let Some(project) = found else {
        let wrong = Mistake::local("config", "there is no restwalk.yaml in this folder or above");
        return Err(wrong.hint("your own, in the configuration folder, needs no trust"));
    };
    let mut printer = io.printer();
    for name in project.names() {
        let environment = project.get(name)?;
        printer.text(&format!("{}\n", lines(environment, &environment.particulars())))?;
    }
    printer.finish()?;
    drop(printer);
    let question = "this decides where secrets go and what runs: trust it?";
    let agreed = options.send.yes || (is_shown(io) && ask::yes(question, io)?);
    if !agreed {
        return Err(Mistake::local("config.untrusted", "the file is not trusted").hint("env trust -y says yes"));
    }
    Trust::user_by(environment::lookup(io))?.add(&project)?;
    io.printer().text("trusted, until it or a file that it names changes\n")?;
    Ok(exit::OK)
}

/// Whether a person sees what is printed, and can answer.
fn is_shown(io: &Io<'_>) -> bool {
    io.stdout.1 == Stream::Terminal && ask::is_somebody(io)
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write, path::Path};

    use super::*;

    const TEXT: &str = "environments:
  local: {base_url: 'http://localhost:8081', auth: {bearer: 'env:T'}, retry: off}
  max: {catalog: max, actor: ada, headers: {X-Team: blue, X-Token: CNRY}, auth: {basic: {user: a, password: 'cmd:pass CNRY-argument'}}}
";

    /// A folder with `text` as the project's file.
    fn project(text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("home")).unwrap();
        fs::write(folder.path().join("restwalk.yaml"), text).unwrap();
        folder
    }

    fn within<'a>(folder: &Path, mut io: Io<'a>) -> Io<'a> {
        io.directory = folder.to_owned();
        io.variables.insert("HOME".into(), folder.join("home").display().to_string());
        io
    }

    /// Exit code, standard output, standard error.
    fn said(folder: &Path, words: &str) -> (u8, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = crate::run(words.split(' '), &mut within(folder, Io::buffers(&mut out, &mut err)));
        let file = folder.join("restwalk.yaml").canonicalize().unwrap().display().to_string();
        let text = |bytes| String::from_utf8(bytes).unwrap().replace(&file, "FILE");
        (exit, text(out), text(err))
    }

    #[test]
    fn a_project_is_used_once_it_is_trusted_and_until_it_changes() {
        let folder = project(TEXT);
        let (exit, _, err) = said(folder.path(), "env list");
        assert!(exit == 2 && err.contains("restwalk env trust"), "{err}");
        let (exit, out, _) = said(folder.path(), "env trust -y");
        assert!(exit == 0 && out.contains("auth: Bearer, env:T\n") && !out.contains("X-Token: CNRY"), "{out}");
        assert!(out.contains("auth: basic, cmd:pass CNRY-argument\n"), "{out}");
        assert!(out.ends_with("\n\ntrusted, until it or a file that it names changes\n"), "{out}");
        assert_eq!(
            said(folder.path(), "env").1,
            "  local  http://localhost:8081  FILE\n  max    -                      FILE\n"
        );
        assert_eq!(
            said(folder.path(), "env show max").1,
            "name: max\nfile: FILE\ncatalog: max\nactor: ada\nheaders: X-Team: blue, X-Token: in plain text\nauth: basic, cmd:pass\n"
        );
        assert_eq!(said(folder.path(), "env use max"), (0, "max is the default of FILE\n".into(), String::new()));
        assert!(said(folder.path(), "env list").1.contains("* max"), "trust is kept");
        fs::write(folder.path().join("restwalk.yaml"), format!("{TEXT}\n")).unwrap();
        assert_eq!(said(folder.path(), "env list").0, 2);
    }

    #[test]
    fn what_nobody_saw_is_not_trusted() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let folder = project(TEXT);
        let mut err = Vec::new();
        crate::run(
            ["env", "trust", "-y"],
            &mut within(folder.path(), Io::new((Closed, Stream::Pipe), (&mut err, Stream::Pipe))),
        );
        assert_eq!(said(folder.path(), "env list").0, 2);
    }

    #[test]
    fn a_person_says_yes_or_nothing_is_trusted() {
        use Stream::{Other, Pipe, Terminal};
        for (stdin, stdout, stderr, answer, trusted) in [
            (Terminal, Terminal, Terminal, "y\n", true),
            (Terminal, Terminal, Terminal, "n\n", false),
            (Terminal, Terminal, Terminal, "\n", false),
            (Terminal, Terminal, Terminal, "", false),
            (Pipe, Terminal, Terminal, "y\n", false),
            (Terminal, Other, Terminal, "y\n", false),
            (Terminal, Terminal, Pipe, "y\n", false),
        ] {
            let folder = project(TEXT);
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let io = Io::new((&mut out, stdout), (&mut err, stderr)).with_stdin(answer.as_bytes(), stdin);
            let exit = crate::run(["env", "trust"], &mut within(folder.path(), io));
            let (out, err) = (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap());
            assert!(out.contains("cmd:pass CNRY-argument"), "it is shown in any case: {out}");
            assert_eq!((exit, said(folder.path(), "env list").0), if trusted { (0, 0) } else { (2, 2) }, "{err}");
            assert_eq!(err.contains("env trust -y says yes"), !trusted, "{err}");
        }
    }

    #[test]
    fn a_mistake_says_what_there_is() {
        let folder = project("environments: {a: {base_url: 'http://h'}}");
        said(folder.path(), "env trust -y");
        for (words, part) in [
            ("env show", "no environment is named"),
            ("env show b", "no environment \"b\"; there is a"),
            ("env use", "env takes list, show [NAME], use NAME, or trust"),
            ("-e b x", "no environment \"b\"; there is a"),
        ] {
            let (exit, _, err) = said(folder.path(), words);
            assert!(exit == 2 && err.contains(part), "{words}: {err}");
        }
    }
}
