//! A real terminal: what it is asked, what it is shown, and how it is left.

use std::{
    io::{Read, Write},
    process::{Child, ExitStatus},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::{Duration, Instant},
};

use mockito::{Matcher, Server};
use pty_process::{
    Size,
    blocking::{Command, Pty, open},
};

use crate::{
    process::{PROGRAM, answers},
    support::note,
};

/// The program on a terminal of its own.
struct Terminal {
    pty: Arc<Pty>,
    child: Child,
    /// What it shows, as it comes.
    shows: Receiver<Vec<u8>>,
    /// All that it has shown.
    shown: String,
}

impl Terminal {
    /// Starts `script` on a terminal of 60 columns; it knows the program as `$R`.
    fn start(script: &str) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(24, 60)).unwrap();
        let command = Command::new("sh").args(["-c", script]).env_clear();
        let command = command.env("PATH", std::env::var_os("PATH").unwrap()).env("TERM", "xterm").env("R", PROGRAM);
        let child = command.spawn(pts).unwrap();
        let (pty, (sender, shows)) = (Arc::new(pty), channel());
        let reader = pty.clone();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // On Linux a terminal whose programs have gone is an error, and no end.
            while let Ok(length @ 1..) = (&*reader).read(&mut bytes) {
                sender.send(bytes[..length].into()).unwrap();
            }
        });
        Self { pty, child, shows, shown: String::new() }
    }

    /// Reads until `text` is shown.
    fn expect(&mut self, text: &str) {
        while !self.shown.contains(text) {
            assert!(self.read(), "{text:?} is never shown: {:?}", self.shown);
        }
    }

    fn read(&mut self) -> bool {
        match self.shows.recv_timeout(Duration::from_secs(20)) {
            Ok(bytes) => self.shown.push_str(std::str::from_utf8(&bytes).unwrap()),
            Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => panic!("it hangs after {:?}", self.shown),
        }
        true
    }

    fn type_in(&mut self, text: &str) {
        (&*self.pty).write_all(text.as_bytes()).unwrap();
    }

    /// All that was shown, and how it ended.
    fn end(mut self) -> (String, ExitStatus) {
        while self.read() {}
        note(&[self.shown.as_bytes()]);
        (self.shown, self.child.wait().unwrap())
    }
}

fn dangerous() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("resources.yaml");
    let text = "api: a\nresources:\n  things:\n    route: /things\n    methods:\n      DELETE: { danger: confirm }\n";
    std::fs::write(&file, text).unwrap();
    let option = format!("--catalog {}", file.display());
    (folder, option)
}

#[test]
fn a_dangerous_route_waits_for_a_yes() {
    let (_folder, catalog) = dangerous();
    for (typed, times, exit) in [("y\n", 1, 0), ("n\n", 0, 2), ("\n", 0, 2), ("\u{4}", 0, 2)] {
        let mut server = Server::new();
        let mock = server.mock("DELETE", "/things").expect(times).create();
        let mut terminal = Terminal::start(&format!("$R {catalog} --base-url {} delete things", server.url()));
        terminal.expect("DELETE /things: are you sure? [y/N] ");
        terminal.type_in(typed);
        let (shown, ended) = terminal.end();
        assert_eq!(ended.code(), Some(exit), "{shown}");
        mock.assert();
    }
}

#[test]
fn a_yes_to_many_calls_knows_how_many() {
    let (folder, catalog) = dangerous();
    let records = folder.path().join("records");
    std::fs::write(&records, "{\"id\":1}\n{\"id\":2}\n").unwrap();
    let mut server = Server::new();
    let mock = server.mock("DELETE", "/things").expect(0).create();
    let each = format!("--each {} delete things", records.display());
    let mut terminal = Terminal::start(&format!("$R {catalog} --base-url {} {each}", server.url()));
    terminal.expect("2 calls, DELETE /things: are you sure? [y/N] ");
    terminal.type_in("n\n");
    assert_eq!(terminal.end().1.code(), Some(2));
    mock.assert();
}

#[test]
fn x12_a_password_is_asked_for_and_never_shown() {
    let mut server = Server::new();
    let mock = server.mock("GET", "/x").match_header("authorization", "Basic YWRhOkNOUlkgcGFzcw==").create();
    let mut terminal = Terminal::start(&format!("$R -a ada {}/x; stty -a", server.url()));
    terminal.expect("password of ada: ");
    terminal.type_in("CNRY pass\n");
    let (shown, ended) = terminal.end();
    assert!(ended.success() && !shown.contains("CNRY"), "{shown}");
    assert!(shown.contains(" echo ") && !shown.contains("-echo "), "{shown}");
    mock.assert();
}

#[test]
fn x12_ctrl_c_at_a_password_leaves_the_terminal_as_it_was() {
    let begun = Instant::now();
    // The shell outlives it, as a person's does.
    let script = "trap : INT; $R -a ada http://localhost:9/x; echo exit $?; stty -a";
    let mut terminal = Terminal::start(script);
    terminal.expect("password of ada: ");
    terminal.type_in("CNRY\u{3}");
    let (shown, _) = terminal.end();
    assert!(shown.contains("\r\nexit 130\r\n") && !shown.contains("CNRY"), "{shown}");
    assert!(shown.contains(" echo ") && !shown.contains("-echo "), "{shown}");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn x08_ctrl_c_ends_a_call() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut terminal = Terminal::start(&format!("exec $R http://{}/x", listener.local_addr().unwrap()));
    let (mut stream, _) = listener.accept().unwrap();
    stream.read_exact(&mut [0; 3]).unwrap();
    terminal.type_in("\u{3}");
    let (shown, ended) = terminal.end();
    assert_eq!(ended.code(), Some(130), "{shown}");
    assert!(shown.ends_with("the server may have acted on the request\r\n"), "{shown}");
}

#[test]
fn a_wish_for_a_filter_that_is_wrong_asks_nobody() {
    let (_folder, catalog) = dangerous();
    let script = format!("exec $R {catalog} -a ada --base-url http://localhost:9 delete things -J '.a['");
    let (shown, ended) = Terminal::start(&script).end();
    assert_eq!(ended.code(), Some(2), "{shown}");
    assert!(shown.contains('^') && !shown.contains('?'), "{shown}");
}

#[test]
fn x04_a_terminal_has_colours_unless_told_otherwise() {
    let body = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{\"a\":1}";
    let url = answers(body.into());
    let (shown, ended) = Terminal::start(&format!("exec $R -hb {url}/x")).end();
    assert!(ended.success() && shown.contains("\u{1b}[32m200 OK\u{1b}[0m") && shown.contains("    "), "{shown}");
    for plain in ["NO_COLOR=1", "TERM=dumb", "CLICOLOR=0"] {
        let (shown, _) = Terminal::start(&format!("exec env {plain} $R -hb {url}/x")).end();
        assert!(!shown.contains('\u{1b}') && shown.contains("{\r\n    \"a\": 1\r\n}"), "{plain}: {shown}");
    }
    let explain = "cd ..; exec $R --catalog resources.yaml --defaults defaults.yaml --base-url http://h \
        explain post people/ada/activities object.content=Hi";
    let (shown, _) = Terminal::start(explain).end();
    assert!(shown.contains("\u{1b}[32m\"Hi\"") && shown.contains("\u{1b}[1mPOST\u{1b}[0m http://h/people"), "{shown}");
    let (shown, _) = Terminal::start(&format!("exec $R --retry 1 -a a:b {url} | cat")).end();
    assert!(shown.contains("\u{1b}[33mwarning\u{1b}[0m: ") && shown.contains("{\"a\":1}"), "{shown}");
}

#[test]
fn x23_what_a_server_says_is_shown_and_not_obeyed() {
    let evil = "\u{1b}[2J\u{1b}]52;c;eA==\u{7}\u{9b}1m\u{202e}\r";
    let body = format!("text {evil} and more of it");
    let head = format!("HTTP/1.1 404 No\r\ncontent-type: text/plain\r\nx: a\u{9b}b\r\ncontent-length: {}", body.len());
    let url = answers(format!("{head}\r\n\r\n{body}").into());
    let (shown, ended) = Terminal::start(&format!("NO_COLOR=1 exec $R -hb {url}/x")).end();
    assert_eq!(ended.code(), Some(4), "{shown}");
    assert!(shown.contains("\\x1b[2J") && shown.contains("\\u{202e}"), "{shown}");
    let harm = |c: char| c.is_control() && c != '\n' && c != '\r' || c == '\u{202e}';
    assert!(!shown.contains(harm) && !shown.replace("\r\n", "").contains('\r'), "{shown:?}");
}

#[test]
fn another_charset_is_decoded_for_a_terminal_and_left_alone_in_a_pipe() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=iso-8859-1\r\ncontent-length: 4\r\n\r\n";
    let url = answers([&head[..], b"caf\xe9"].concat());
    let (shown, _) = Terminal::start(&format!("exec $R {url}/x")).end();
    assert_eq!(shown, "café\r\n");
    let (shown, _) = Terminal::start(&format!("$R {url}/x | od -An -tx1")).end();
    assert_eq!(shown.trim(), "63 61 66 e9");
}

#[test]
fn a_table_is_as_wide_as_the_terminal() {
    let row = format!("{{\"name\":\"{}\",\"id\":1}}", "n".repeat(200));
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}", row.len());
    let url = answers(format!("{head}\r\n\r\n{row}").into());
    let (shown, ended) = Terminal::start(&format!("NO_COLOR=1 exec $R --format table {url}/x")).end();
    assert!(ended.success() && shown.lines().all(|line| line.chars().count() <= 60), "{shown}");
}

#[test]
fn a_terminal_is_no_body() {
    let mut server = Server::new();
    let mock = server.mock("POST", "/x").match_body(Matcher::Exact(String::new())).create();
    let (shown, ended) = Terminal::start(&format!("exec $R post {}/x", server.url())).end();
    assert!(ended.success(), "{shown}");
    mock.assert();
}
