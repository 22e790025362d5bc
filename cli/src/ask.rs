//! What is asked of a person: yes or no, and a password that is not shown. Only a terminal is asked.

use std::io::{BufRead, BufReader, Read};

use restwalk::Secret;

use crate::{
    io::{Io, Stream},
    mistake::{Mistake, Result},
};

/// The longest answer, in bytes.
const LONGEST: u64 = 4096;

/// Whether somebody is there: who can be asked, and can answer.
pub(crate) fn is_somebody(io: &Io<'_>) -> bool {
    io.stdin.1 == Stream::Terminal && io.stderr.1 == Stream::Terminal
}

/// Whether the answer to `question` is yes.
pub(crate) fn yes(question: &str, io: &mut Io<'_>) -> Result<bool> {
    io.printer().ask(&format!("{question} [y/N] "))?;
    Ok(answer(io)?.is_some_and(|answer| matches!(answer.trim(), "y" | "Y" | "yes")))
}

/// The name of who signs in, asked for on a terminal.
///
/// # Errors
///
/// Nobody is there, or nothing was answered: a sign-in is needed.
pub(crate) fn name(io: &mut Io<'_>) -> Result<String> {
    let missing = || {
        let wrong = Mistake::local("auth.required", "a user's name is missing");
        Mistake { exit: crate::exit::SIGN_IN, ..wrong }.hint("write -a USER, or username: USER in the environment")
    };
    if !is_somebody(io) {
        return Err(missing());
    }
    io.printer().ask("user: ")?;
    let name = answer(io)?.map(|name| name.trim().to_owned());
    name.filter(|name| !name.is_empty()).ok_or_else(missing)
}

/// The password of `user`, asked for on a terminal with its echo off.
///
/// # Errors
///
/// Nobody is there, or nothing was answered: a sign-in is needed.
pub(crate) fn password(user: &str, io: &mut Io<'_>) -> Result<Secret> {
    let missing = || {
        let wrong = Mistake::local("auth.required", "a password is missing");
        Mistake { exit: crate::exit::SIGN_IN, ..wrong }
            .hint("write -a @FILE with USER:PASS in the file, or set RESTWALK_PASSWORD")
    };
    if !is_somebody(io) || io.echo.is_none() {
        return Err(missing());
    }
    echo(false, io)?;
    let asked = io.printer().ask(&format!("password of {user}: ")).map_err(Mistake::from).and_then(|()| answer(io));
    echo(true, io)?;
    // The line break that was typed was not shown either.
    io.printer().ask("\n")?;
    let text = asked?.ok_or_else(missing)?;
    Ok(Secret::from(text.trim_end_matches(['\r', '\n'])))
}

fn echo(on: bool, io: &mut Io<'_>) -> Result<()> {
    let Some(switch) = &mut io.echo else { return Ok(()) };
    switch(on).map_err(|error| Mistake::local("auth.required", format!("the terminal does not do as told: {error}")))
}

/// The line that was typed; `None` at the end of the input.
fn answer(io: &mut Io<'_>) -> Result<Option<String>> {
    let mut line = String::new();
    let read = BufReader::new(Read::take(&mut io.stdin.0, LONGEST)).read_line(&mut line);
    match read {
        Ok(0) => Ok(None),
        Ok(_) => Ok(Some(line)),
        Err(error) => Err(Mistake::usage(format!("the answer cannot be read: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn x12_the_echo_is_off_while_a_password_is_typed() {
        let switched = RefCell::new(Vec::new());
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut io = Io::buffers(&mut out, &mut err).with_stdin(b"p ss\r\nrest", Stream::Terminal);
        io.stderr.1 = Stream::Terminal;
        io.echo = Some(Box::new(|on| {
            switched.borrow_mut().push(on);
            Ok(())
        }));
        assert_eq!(password("ada\u{1b}", &mut io).unwrap().expose(), "p ss");
        io.stdin.0 = Box::new(&b""[..]);
        assert_eq!(password("ada", &mut io).unwrap_err().exit, 7, "nothing was typed");
        drop(io);
        assert_eq!(*switched.borrow(), [false, true, false, true]);
        assert_eq!(String::from_utf8(err).unwrap(), "password of ada\\x1b: \npassword of ada: \n");
    }

    #[test]
    fn x09_nobody_is_asked_where_nobody_is() {
        for (stdin, stderr, echo) in [
            (Stream::Other, Stream::Terminal, true),
            (Stream::Pipe, Stream::Terminal, true),
            (Stream::Terminal, Stream::Pipe, true),
            (Stream::Terminal, Stream::Terminal, false),
        ] {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let mut io = Io::buffers(&mut out, &mut err).with_stdin(b"never\n", stdin);
            io.stderr.1 = stderr;
            io.echo = echo.then(|| Box::new(|_| Ok(())) as crate::Echo<'_>);
            let mistake = password("ada", &mut io).unwrap_err();
            assert_eq!((mistake.exit, mistake.code), (7, "auth.required"));
            drop(io);
            assert!(out.is_empty() && err.is_empty());
        }
    }
}
