//! The program itself, as a shell starts it: pipes, closed streams, signals.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::support::note;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_restwalk");

/// Runs a script that knows the program as `$R`.
fn script(text: &str) -> Output {
    let mut command = Command::new("sh");
    let ran = command.args(["-c", text]).env("R", PROGRAM).stdin(Stdio::null()).output().unwrap();
    note(&[&ran.stdout, &ran.stderr]);
    ran
}

/// A server that answers every request with `answer`, and its URL.
pub(crate) fn answers(answer: Vec<u8>) -> String {
    serve(move |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(&answer);
    })
}

/// A server that hands each connection to `with`, and its URL.
fn serve(with: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || listener.incoming().flatten().for_each(with));
    url
}

#[test]
fn x02_a_reader_that_has_enough_ends_it_well() {
    let body = "0123456789abcde\n".repeat(1 << 16);
    let url = answers(
        format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into(),
    );
    for shown in ["", "-v", "-J .", "--format raw"] {
        let ran = script(&format!("{{ $R {shown} {url}/x; echo $? >&2; }} | head -c 1"));
        let err = String::from_utf8(ran.stderr).unwrap();
        let expected = if shown == "-J ." { "1" } else { "0" };
        assert_eq!(err.lines().last(), Some(expected), "{shown}: {err}");
        assert!(!err.contains("panic"), "{shown}: {err}");
    }
    for words in ["--help", "help", "ls --catalog resources.yaml"] {
        let ran = script(&format!("cd ..; {{ $R {words}; echo $? >&2; }} | true"));
        assert_eq!(String::from_utf8(ran.stderr).unwrap(), "0\n", "{words}");
    }
}

#[test]
fn x02_a_full_disk_is_a_failure() {
    if !std::path::Path::new("/dev/full").exists() {
        return;
    }
    for words in ["help", "--help", "ls --catalog ../resources.yaml", "--curl http://h/x", "--offline http://h/x"] {
        let ran = script(&format!("$R {words} > /dev/full"));
        let err = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(1), "{words}: {err}");
        assert!(err.starts_with("error: the output could not be written: "), "{words}: {err}");
    }
}

#[test]
fn x09_closed_streams_hang_nothing() {
    let url = answers(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".into());
    for (words, expected) in [
        (format!("$R {url}/x <&-"), 0),
        (format!("$R post {url}/x <&-"), 0),
        (format!("$R post {url}/x @- <&-"), 2),
        (format!("$R -a ada {url}/x <&-"), 7),
        (format!("$R -a ada {url}/x </dev/null"), 7),
        (format!("$R {url}/x <&- 2>&-"), 0),
        (format!("$R {url}/x <&- >&- 2>&-"), 0),
    ] {
        let ran = script(&format!("timeout 20 {words}"));
        assert_eq!(ran.status.code(), Some(expected), "{words}: {}", String::from_utf8_lossy(&ran.stderr));
    }
    let ran = script(&format!("$R --error-format json -a ada {url}/x <&-"));
    assert!(String::from_utf8(ran.stderr).unwrap().contains(r#""code":"auth.required""#));
}

fn started(arguments: &[&str], stdin: Stdio) -> Child {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Sends a signal, and gives exit code, standard error, and the time that it took.
fn signalled(mut child: Child, signal: &str) -> (Option<i32>, String, Duration) {
    let begun = Instant::now();
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let exit = child.wait().unwrap().code();
    let took = begun.elapsed();
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    (exit, err, took)
}

/// More than the 200 ms that a person should wait: a test shares its machine.
const SOON: Duration = Duration::from_secs(2);

/// Keeps a connection until the other side closes it.
fn keep(mut stream: TcpStream) {
    let _ = stream.read_to_end(&mut Vec::new());
}

#[test]
fn x08_a_signal_ends_every_phase() {
    let (hears, heard) = std::sync::mpsc::channel();
    let begin = |answer: &'static str| {
        let hears = hears.clone();
        serve(move |mut stream| {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
            hears.send(()).unwrap();
            keep(stream);
        })
    };
    let (waits, body) = (begin(""), begin("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n[1"));
    for (signal, expected) in [("-INT", 130), ("-TERM", 143)] {
        for arguments in [&[&*waits][..], &[&body], &["-J", ".", &body], &["post", &waits, "a=1"]] {
            let child = started(arguments, Stdio::null());
            heard.recv().unwrap();
            let (exit, err, took) = signalled(child, signal);
            assert_eq!(exit, Some(expected), "{arguments:?}: {err}");
            assert!(took < SOON, "{arguments:?}: {took:?}");
            assert!(err.starts_with("error: interrupted\n"), "{arguments:?}: {err}");
        }
    }
}

#[test]
fn x08_a_signal_ends_a_filter_and_a_write_that_nobody_takes() {
    let body = format!("\"{}\"", "x".repeat(1 << 20));
    let url = answers(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into());
    // What a filter has given is written once it is some kilobytes.
    for arguments in [&["-J", ".[:20000], last(range(1e18))", &*url][..], &[&*url]] {
        let mut child = started(arguments, Stdio::null());
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        let (exit, err, took) = signalled(child, "-TERM");
        assert!(exit == Some(143) && took < SOON, "{arguments:?}: {exit:?} {took:?} {err}");
    }
}

#[test]
fn x08_a_signal_ends_a_read_of_standard_input() {
    let mut child = started(&["post", "http://localhost:9/x", "@-"], Stdio::piped());
    let mut stdin = child.stdin.take().unwrap();
    // More than a pipe holds: it is being read when this returns.
    stdin.write_all(&vec![b' '; 1 << 20]).unwrap();
    let (exit, err, took) = signalled(child, "-INT");
    assert!(exit == Some(130) && took < SOON, "{exit:?} {took:?} {err}");
}

#[cfg(target_os = "linux")]
#[test]
fn x11_a_secret_in_a_file_is_in_no_argument_and_no_environment() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "CNRY-token").unwrap();
    let (hears, heard) = std::sync::mpsc::channel();
    let url = serve(move |mut stream| {
        let mut request = [0; 4096];
        let length = stream.read(&mut request).unwrap();
        hears.send(String::from_utf8_lossy(&request[..length]).into_owned()).unwrap();
        keep(stream);
    });
    let child = started(&["-A", "bearer", "-a", &format!("@{}", file.display()), &url], Stdio::null());
    assert!(heard.recv().unwrap().contains("authorization: Bearer CNRY-token"));
    for of in ["cmdline", "environ"] {
        let seen = std::fs::read(format!("/proc/{}/{of}", child.id())).unwrap();
        assert!(!String::from_utf8_lossy(&seen).contains("CNRY"), "{of}");
    }
    assert_eq!(signalled(child, "-INT").0, Some(130));
}
