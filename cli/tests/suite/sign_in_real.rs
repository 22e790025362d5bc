//! The program as a person starts it, against a certified OpenID provider.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Output, Stdio},
    thread,
};

use tempfile::TempDir;

use crate::process::PROGRAM;

#[path = "../../../tests/suite/support/provider.rs"]
#[expect(dead_code, unreachable_pub, reason = "the library's tests use all of it")]
mod provider;

use provider::{PASSWORD, Provider, SECRET};

/// A person's home, whose environment `e` is the API behind a provider.
struct Home {
    folder: TempDir,
    provider: Provider,
}

impl Home {
    fn new(provider: Provider, oauth2: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join(".config/restwalk");
        fs::create_dir_all(&config).unwrap();
        let (url, id) = (provider.url(), format!("issuer: '{}', {oauth2}", provider.url()));
        let text = format!("default: e\nenvironments: {{e: {{base_url: '{url}', auth: {{oauth2: {{{id}}}}}}}}}");
        fs::write(config.join("restwalk.yaml"), text).unwrap();
        Self { folder, provider }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(words).env_clear().env("HOME", self.folder.path()).env("PATH", std::env::var_os("PATH").unwrap());
        command.env("CLIENT_SECRET", SECRET).current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn said(&self, words: &[&str]) -> (i32, String, String) {
        ended(self.command(words).output().unwrap())
    }

    /// A call of the API behind the provider.
    fn call(&self) -> (i32, String, String) {
        self.said(&[&self.provider.resource()])
    }

    fn tokens(&self) -> PathBuf {
        self.folder.path().join(".local/state/restwalk/tokens.json")
    }

    /// The refresh token in the file.
    fn refresh_token(&self) -> String {
        let text = fs::read_to_string(self.tokens()).unwrap();
        let (_, rest) = text.split_once("\"refresh_token\":").unwrap();
        rest.split('"').nth(1).unwrap().to_owned()
    }

    /// Calls as whom it should be, signs out, and holds that nothing of the sign-in is good any more.
    fn holds_until_logout(&self, account: &str, client: &str) {
        for _ in 0..2 {
            let (exit, out, err) = self.call();
            assert_eq!(exit, 0, "{out} {err}");
        }
        assert_eq!(fs::metadata(self.tokens()).unwrap().permissions().mode() & 0o777, 0o600);
        let (exit, out, err) = self.said(&["whoami"]);
        assert_eq!(exit, 0, "{out} {err}");
        assert!(out.contains(account) && !out.contains("CNRY"), "{out}");
        // Once the access token is refused, another is got, once, and kept for the next process.
        self.provider.expire_all();
        self.provider.reset();
        for _ in 0..2 {
            let (exit, out, err) = self.call();
            assert_eq!(exit, 0, "{out} {err} {:?}", self.provider.counts().requests());
        }
        assert_eq!((self.provider.counts().redeemed("refresh_token"), self.provider.counts().reuse()), (1, 0));
        let token = self.refresh_token();
        let (exit, out, err) = self.said(&["logout"]);
        assert_eq!((exit, out.as_str(), err.as_str()), (0, "", "signed out of e\n"));
        let (exit, _, err) = self.call();
        assert!(exit == 7 && err.contains("restwalk login signs in"), "{exit} {err}");
        let fields = [("grant_type", "refresh_token"), ("refresh_token", &*token), ("client_id", client)];
        let again = self.provider.form("/token", &fields, None);
        assert_eq!(again.status, 400, "what was signed out of is of no use: {again:?}");
    }
}

fn ended(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn x01_a_device_signs_in_at_a_real_provider_and_out_again() {
    let home = Home::new(
        Provider::with(&[("PROVIDER_INTERVAL", "1")]),
        "client_id: device, grant: device, scopes: openid profile offline_access",
    );
    let mut child = home.command(&["login"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let code = lines.by_ref().find_map(|line| Some(line.unwrap().strip_prefix("and enter ")?.to_owned())).unwrap();
    // X11: what it was started with is all that others see.
    let seen = fs::read_to_string(format!("/proc/{}/cmdline", child.id()));
    assert!(seen.is_ok_and(|seen| !seen.contains("CNRY")) || !cfg!(target_os = "linux"));
    home.provider.confirm_device(&code, "ada");
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert!(child.wait().unwrap().success(), "{rest:?}");
    assert!(rest.last().unwrap().starts_with("signed in to e; kept in the file /"), "{rest:?}");
    home.holds_until_logout("account: ada", "device");
}

#[test]
fn a_device_that_is_refused_signs_nobody_in() {
    let home = Home::new(
        Provider::with(&[("PROVIDER_INTERVAL", "1")]),
        "client_id: device, grant: device, scopes: openid offline_access",
    );
    let mut child = home.command(&["login"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let code = lines.by_ref().find_map(|line| Some(line.unwrap().strip_prefix("and enter ")?.to_owned())).unwrap();
    home.provider.deny_device(&code);
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(7), "{rest:?}");
    assert_eq!(home.call().0, 7);
}

/// The provider grants a native client no `offline_access` unasked, and refuses a renewal that asks for it again.
#[test]
fn o27_a_browser_signs_in_at_a_real_provider_that_grants_less() {
    let home = Home::new(Provider::start(), "client_id: public, scopes: openid profile offline_access");
    let (script, seen) = (home.folder.path().join("browser"), home.folder.path().join("seen"));
    fs::write(&script, format!("#!/bin/sh\necho \"$1\" > {0}.part; mv {0}.part {0}\n", seen.display())).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let child = home.command(&["login", "--browser"]).env("BROWSER", &script).spawn().unwrap();
    while !seen.exists() {
        thread::yield_now();
    }
    let back = home.provider.browse(fs::read_to_string(seen).unwrap().trim());
    let (authority, target) = back.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(authority).unwrap();
    write!(stream, "GET /{target} HTTP/1.1\r\nhost: {authority}\r\n\r\n").unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    let (exit, out, err) = ended(child.wait_with_output().unwrap());
    assert!(exit == 0 && out.is_empty() && !err.contains("CNRY"), "{exit} {out} {err}");
    home.holds_until_logout("account: ada", "public");
}

#[test]
fn m31_a_password_signs_in_at_a_real_provider_the_way_of_max() {
    let home = Home::new(
        Provider::start(),
        "client_id: MAX, grant: password, username: ada, scopes: widgetcli, extra: {bypass: 'true'}",
    );
    let login = |password: &str| ended(home.command(&["login"]).env("RESTWALK_PASSWORD", password).output().unwrap());
    let (exit, out, err) = login("CNRY-wrong");
    assert!(exit == 7 && err.contains("invalid_grant") && !format!("{out}{err}").contains("CNRY"), "{exit} {err}");
    let (exit, out, err) = login(PASSWORD);
    assert!(exit == 0 && !format!("{out}{err}").contains("CNRY"), "{exit} {err}");
    home.holds_until_logout("account: ada", "MAX");
}

#[test]
fn o17_a_token_that_nobody_keeps_is_told_at_the_end() {
    let home = Home::new(
        Provider::start(),
        "client_id: service, client_secret: 'env:CLIENT_SECRET', grant: client_credentials",
    );
    // No file can grow, and that is told by an error: as if the disk were full.
    let words = "trap '' XFSZ; ulimit -f 0; exec \"$@\"";
    let url = home.provider.resource();
    let mut command = Command::new("sh");
    command.args(["-c", words, "sh", PROGRAM, &url]).env("HOME", home.folder.path()).env("CLIENT_SECRET", SECRET);
    let (exit, out, err) = ended(command.current_dir(home.folder.path()).stdin(Stdio::null()).output().unwrap());
    assert!(exit == 1 && !out.is_empty(), "the call went through: {exit} {out} {err}");
    assert!(err.contains("warning: the renewed token could not be kept") && !err.contains("CNRY"), "{err}");
    assert_eq!(home.call().0, 0, "where the disk has room again, all is well");
}
