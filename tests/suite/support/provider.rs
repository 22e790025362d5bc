//! A real OpenID provider of the test's own: strict, with refresh tokens that rotate and reuse that is noticed.
//!
//! It needs nothing but the standard library and JSON, so that the tests of the command line share it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

/// The secret of the clients `confidential`, `confidential-post`, `service` and `api`.
pub const SECRET: &str = "CNRY-client-7f3a9c2e41d8";
/// The client whose id and secret must be form-urlencoded before they are joined.
pub const AWKWARD: (&str, &str) = ("awkward: 100%+ \"&=", "CNRY-a:b%c+d e&\"=-7f3a9c");
/// The password of every user.
pub const PASSWORD: &str = "CNRY-passwd-7f3a9c2e41d8";

/// A running provider; it ends when this is dropped, or when this process does.
pub struct Provider {
    child: Child,
    issuer: String,
    control: String,
}

/// What was counted at the token endpoint.
pub struct Counts(Value);

/// What the provider answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    head: String,
    pub text: String,
}

impl Provider {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts it with further settings, such as `("PROVIDER_ACCESS_TTL", "2")`; `provider.mjs` lists them.
    pub fn with(settings: &[(&str, &str)]) -> Self {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().find(|folder| folder.join("tests/provider").exists());
        let mut command = Command::new("node");
        command.arg(root.unwrap().join("tests/provider/provider.mjs")).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.env("PROVIDER_CLIENT_SECRET", SECRET).env("PROVIDER_PASSWORD", PASSWORD);
        command.env("PROVIDER_AWKWARD_SECRET", AWKWARD.1).envs(settings.iter().copied());
        let mut child = command.spawn().expect("Node.js is needed for this test: apt-get install nodejs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let started: Value = serde_json::from_str(&line).expect("no provider; install it with scripts/provider");
        let text = |name: &str| started[name].as_str().unwrap().to_owned();
        Self { child, issuer: text("issuer"), control: text("control") }
    }

    /// Its issuer, which is its URL too.
    pub fn url(&self) -> &str {
        &self.issuer
    }

    pub fn token_url(&self) -> String {
        format!("{}/token", self.issuer)
    }

    /// The API behind its tokens: 401 with a challenge unless the token is active; `needs/write` asks for a scope.
    pub fn resource(&self) -> String {
        format!("{}/-/resource", self.issuer)
    }

    pub fn counts(&self) -> Counts {
        Counts(self.command("counts", &Value::Null))
    }

    /// Waits until so many token requests have `arrived`, or been `answered`.
    pub fn wait_for(&self, what: &str, least: u64) -> Counts {
        Counts(self.command(&format!("counts?{what}={least}"), &Value::Null))
    }

    /// Begins to count anew, without faults.
    pub fn reset(&self) {
        self.command("reset", &Value::Null);
    }

    /// A first refresh token for `user` at the client `confidential`, as if there had been a sign-in.
    pub fn grant(&self, user: &str) -> String {
        self.grant_to(user, "confidential", "openid read write")
    }

    pub fn grant_to(&self, user: &str, client: &str, scope: &str) -> String {
        let grant = self.command("grant", &json!({"user": user, "client": client, "scope": scope}));
        grant["refresh_token"].as_str().unwrap().to_owned()
    }

    pub fn confirm_device(&self, user_code: &str, user: &str) {
        self.command("device", &json!({"user_code": user_code, "user": user}));
    }

    pub fn deny_device(&self, user_code: &str) {
        self.command("device", &json!({"user_code": user_code, "deny": true}));
    }

    /// Makes an access token inactive at once, as if its time were over.
    pub fn expire(&self, token: &str) {
        self.command("expire", &json!({"token": token}));
    }

    /// Makes all access tokens inactive at once, but for JWTs.
    pub fn expire_all(&self) {
        self.command("expire", &json!({}));
    }

    /// Takes back all that `user` allowed, refresh tokens included.
    pub fn revoke(&self, user: &str) {
        self.command("revoke", &json!({"user": user}));
    }

    /// What happens to the next token requests, one each: `{"status": 500, "body": "", "headers": {}}`,
    /// `{"delay": 50}`, `{"drop": "before"}`, `{"drop": "after"}` (redeemed, and the answer lost),
    /// `{"hold": "before"}` and `{"hold": "after"}` (until [`Provider::release`]), or `{}`.
    pub fn faults(&self, faults: &Value) {
        self.command("faults", faults);
    }

    /// Lets go of the token requests that are held.
    pub fn release(&self) {
        self.command("release", &Value::Null);
    }

    /// Who signs in where a browser comes: `{"user": "bob"}`, or `{"deny": true}`. At first it is `ada`.
    pub fn browser(&self, who: &Value) {
        self.command("browser", who);
    }

    /// Does what a browser does with the authorization URL; gives where it is sent in the end, outside the provider.
    pub fn browse(&self, url: &str) -> String {
        let mut jar: Vec<(String, String)> = Vec::new();
        let mut url = url.to_owned();
        for _ in 0..10 {
            let Some(path) = url.strip_prefix(&self.issuer) else { return url };
            let cookies: Vec<_> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let answer = self.send("GET", path, &[("cookie", &cookies.join("; "))], "");
            for cookie in answer.headers("set-cookie") {
                let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
                jar.retain(|(known, _)| known != name);
                jar.push((name.to_owned(), value.to_owned()));
            }
            let next = answer.headers("location").pop();
            let next = next.unwrap_or_else(|| panic!("a page in place of a redirect: {}", answer.text));
            url = if next.starts_with('/') { format!("{}{next}", self.issuer) } else { next };
        }
        panic!("too many redirects, at {url}");
    }

    /// Posts a form, as any client would.
    pub fn form(&self, path: &str, fields: &[(&str, &str)], basic: Option<(&str, &str)>) -> Answer {
        let encode = |text: &str| -> String {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
        };
        let pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
        if let Some((id, secret)) = basic {
            headers.push(("authorization", format!("Basic {}", base64(&format!("{}:{}", encode(id), encode(secret))))));
        }
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.send("POST", path, &headers, &pairs.join("&"))
    }

    /// One request to its own side or to the provider, over plain HTTP.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.control).unwrap();
        // The host by which it is known, since it names its own URLs after it.
        let host = self.issuer.split_once("://").unwrap().1;
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("content-length: {}\r\n\r\n", body.len());
        stream.write_all((head + body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, text) = answer.split_once("\r\n\r\n").expect("no answer");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        let text = if chunked { joined(text) } else { text.to_owned() };
        Answer { status, head: head.to_owned(), text }
    }

    fn command(&self, name: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.send("POST", &format!("/-/{name}"), &[], &body);
        assert_eq!(answer.status, 200, "{name}: {}", answer.text);
        answer.json()
    }
}

impl Counts {
    /// How many token requests came.
    pub fn arrived(&self) -> u64 {
        self.0["arrived"].as_u64().unwrap()
    }

    /// How many tokens were given for this grant type.
    pub fn redeemed(&self, grant: &str) -> u64 {
        self.0["redeemed"][grant].as_u64().unwrap_or(0)
    }

    /// How many token requests were refused with this error.
    pub fn refused(&self, error: &str) -> u64 {
        self.0["refused"][error].as_u64().unwrap_or(0)
    }

    /// How often a refresh token came that had been redeemed already.
    pub fn reuse(&self) -> u64 {
        self.0["reuse"].as_u64().unwrap()
    }

    /// The token requests, in their order: `by` (basic, post, none), `status`, `fields`, and some `headers`; values
    /// that are secret are `***`.
    pub fn requests(&self) -> &[Value] {
        self.0["requests"].as_array().unwrap()
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{} and no JSON: {}", self.status, self.text))
    }

    /// The values of a header.
    pub fn headers(&self, name: &str) -> Vec<String> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned()).collect()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A chunked body in one piece.
fn joined(mut text: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = text.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        whole += &rest[..size];
        text = &rest[size + 2..];
        if size == 0 {
            break;
        }
    }
    whole
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut coded = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = (0..3).fold(0_usize, |bits, at| bits << 8 | usize::from(chunk.get(at).copied().unwrap_or(0)));
        for digit in 0..4 {
            let digit = if digit <= chunk.len() { DIGITS[bits >> (18 - 6 * digit) & 63] } else { b'=' };
            coded.push(char::from(digit));
        }
    }
    coded
}
