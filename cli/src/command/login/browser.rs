//! A browser of this machine, started without a shell and without anybody's secrets.

use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
    thread,
};

/// Parts of the names of variables that hold secrets.
const SECRET: [&str; 8] = ["TOKEN", "SECRET", "PASSW", "KEY", "CREDENTIAL", "AUTH", "COOKIE", "SESSION_ID"];

/// Variables of such names that a browser needs, and that are none.
const NEEDED: [&str; 3] = ["XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK"];

/// Opens `url` by what `BROWSER` says, else by the system's own way; `hidden` are variables that the browser does not
/// get, besides those that look secret.
pub(super) fn open(url: &str, variables: &BTreeMap<String, String>, hidden: &[&str]) -> Result<(), String> {
    let words = words(url, variables.get("BROWSER").map(String::as_str));
    let (program, arguments) = words.split_first().ok_or("no program is named")?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(passed(variables, hidden));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("{program} cannot be started: {error}"))?;
    // Nobody waits for it, and nothing of it is left when it ends.
    let _ = thread::Builder::new().name("browser".to_owned()).spawn(move || child.wait());
    Ok(())
}

/// The program and its arguments: `BROWSER` split at blanks, `%s` being the URL, which else stands last.
fn words(url: &str, browser: Option<&str>) -> Vec<String> {
    let named = browser.and_then(|all| all.split(':').find(|one| !one.trim().is_empty()));
    let mut words: Vec<String> = match named {
        Some(line) => line.split_whitespace().map(str::to_owned).collect(),
        None if cfg!(target_os = "macos") => vec!["open".to_owned()],
        None if cfg!(windows) => vec!["rundll32".to_owned(), "url.dll,FileProtocolHandler".to_owned()],
        None => vec!["xdg-open".to_owned()],
    };
    if words.iter().skip(1).any(|word| word.contains("%s")) {
        words.iter_mut().skip(1).for_each(|word| *word = word.replace("%s", url));
    } else {
        words.push(url.to_owned());
    }
    words
}

/// The variables that a browser gets.
fn passed<'a>(
    variables: &'a BTreeMap<String, String>,
    hidden: &'a [&str],
) -> impl Iterator<Item = (&'a String, &'a String)> {
    let is_secret = |name: &str| {
        let upper = name.to_ascii_uppercase();
        let looks_so = SECRET.iter().any(|part| upper.contains(part)) && !NEEDED.contains(&name);
        looks_so || upper.starts_with("RESTWALK_") || hidden.contains(&name)
    };
    variables.iter().filter(move |(name, _)| !is_secret(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x15_a_browser_is_named_by_words_and_never_by_a_shell() {
        for (browser, expected) in [
            (Some("firefox"), &["firefox", "U"][..]),
            (Some("firefox --new-tab"), &["firefox", "--new-tab", "U"]),
            (Some("open -u %s -x"), &["open", "-u", "U", "-x"]),
            (Some(":w3m:lynx"), &["w3m", "U"]),
            (Some("x;rm -rf $(y) `z`"), &["x;rm", "-rf", "$(y)", "`z`", "U"]),
            #[cfg(target_os = "linux")]
            (None, &["xdg-open", "U"]),
            #[cfg(target_os = "linux")]
            (Some(" "), &["xdg-open", "U"]),
        ] {
            assert_eq!(words("U", browser), expected, "{browser:?}");
        }
    }

    #[test]
    fn x13_a_browser_gets_no_secret() {
        let names = [
            "PATH",
            "DISPLAY",
            "XAUTHORITY",
            "DBUS_SESSION_BUS_ADDRESS",
            "HOME",
            "RESTWALK_TOKEN",
            "RESTWALK_ENV",
            "GITHUB_TOKEN",
            "aws_secret_access_key",
            "DB_PASSWORD",
            "MINE",
            "HTTP_AUTHORIZATION",
        ];
        let variables = names.iter().map(|name| ((*name).to_owned(), "CNRY".to_owned())).collect();
        let passed: Vec<_> = passed(&variables, &["MINE"]).map(|(name, _)| name.as_str()).collect();
        assert_eq!(passed, ["DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "HOME", "PATH", "XAUTHORITY"]);
    }
}
