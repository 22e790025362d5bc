//! X30 to X38: answers in files.

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener},
    path::Path,
    thread::JoinHandle,
};

use mockito::Server;
use restwalk_cli::{Io, Stream, run};

use crate::support::Said;

/// Runs `arguments` in `folder`.
fn within(folder: &Path, arguments: &[&str], err: Stream) -> Said {
    let (mut out, mut said) = (Vec::new(), Vec::new());
    let mut io = Io::buffers(&mut out, &mut said);
    folder.clone_into(&mut io.directory);
    io.stderr.1 = err;
    let exit = run(arguments.iter().copied().chain(["--proxy", "", "--no-catalog"]), &mut io);
    drop(io);
    Said { exit, out: String::from_utf8(out).unwrap(), err: String::from_utf8(said).unwrap() }
}

/// Runs the words of `text`, in whose first `%` stands the server's URL.
fn at(folder: &tempfile::TempDir, server: &str, text: &str) -> Said {
    let text = text.replacen('%', server, 1);
    within(folder.path(), &text.split(' ').collect::<Vec<_>>(), Stream::Pipe)
}

fn names(folder: &tempfile::TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Gives each of `answers` to one connection; ends with the requests that came.
fn raw(answers: Vec<String>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serve = move || {
        let mut requests = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut request, mut block) = (Vec::new(), [0; 4096]);
            while !request.ends_with(b"\r\n\r\n") {
                let count = stream.read(&mut block).unwrap();
                request.extend_from_slice(&block[..count]);
            }
            requests.push(String::from_utf8(request).unwrap().to_ascii_lowercase());
            stream.write_all(answer.as_bytes()).unwrap();
        }
        requests
    };
    (url, std::thread::spawn(serve))
}

#[test]
fn x30_x32_a_file_has_the_name_that_is_said_made_harmless() {
    let mut server = Server::new();
    for (header, path, expected) in [
        (Some("attachment; filename=\"../../.bashrc\""), "/files/7", "_.bashrc"),
        (Some("attachment; filename*=UTF-8''..%2f..%2fx; filename=y"), "/files/7", "x"),
        (None, "/files/big.iso", "big.iso"),
        (None, "/files/", "files"),
    ] {
        let mock = server.mock("GET", path).with_body("0123456789");
        let mock = header.iter().fold(mock, |mock, value| mock.with_header("content-disposition", value)).create();
        let folder = folder();
        let said = at(&folder, &server.url(), &format!("-d %{path}"));
        assert_eq!((said.exit, &*said.out), (0, ""), "{path}: {}", said.err);
        assert_eq!(names(&folder), [expected]);
        let saved = folder.path().join(expected);
        assert_eq!(said.err, format!("saved {} (10 bytes)\n", saved.display()));
        mock.assert();
    }
}

#[test]
fn x32_a_redirect_is_followed_and_names_nothing() {
    let mut server = Server::new();
    let to = format!("{}/else/where.exe", server.url());
    let _from = server.mock("GET", "/files/a.txt").with_status(302).with_header("location", &to).create();
    let _to = server.mock("GET", "/else/where.exe").with_body("0123456789").create();
    let folder = folder();
    assert_eq!(at(&folder, &server.url(), "-d %/files/a.txt").exit, 0);
    assert_eq!(names(&folder), ["a.txt"]);
    // Only -d follows by itself.
    let said = at(&folder, &server.url(), "-o b.txt %/files/a.txt");
    assert_eq!((said.exit, names(&folder).len()), (3, 1), "{}", said.err);
}

#[test]
fn x33_a_file_that_is_there_stays_unless_forced() {
    let mut server = Server::new();
    let mock = server.mock("GET", "/x").with_body("0123456789").expect(1).create();
    let folder = folder();
    let path = folder.path().join("file");
    fs::write(&path, "old").unwrap();
    let said = at(&folder, &server.url(), "-o file %/x");
    assert_eq!((said.exit, fs::read(&path).unwrap()), (2, b"old".to_vec()));
    assert!(said.err.contains("is there already; --force replaces it"), "{}", said.err);
    let said = at(&folder, &server.url(), "-o file --force %/x");
    assert_eq!((said.exit, &*said.err, fs::read(&path).unwrap()), (0, "", b"0123456789".to_vec()));
    mock.assert();
    // A name that the server gives is refused as well, though only when it is known.
    let _x = server.mock("GET", "/file").with_body("0123456789").create();
    assert_eq!((at(&folder, &server.url(), "-d %/file").exit, names(&folder).len()), (1, 1));
    // Folders, and folders that are not there.
    assert_eq!(at(&folder, &server.url(), "-o . %/x").exit, 2);
    assert_eq!(at(&folder, &server.url(), "-o none/file %/x").exit, 2);
}

#[test]
fn x34_a_file_holds_the_body_and_nothing_else() {
    let mut server = Server::new();
    let _mock = server.mock("GET", "/x").with_body("0123456789").create();
    for words in ["-v -o file %/x", "-o file -v %/x", "-p hb -o file %/x", "-o file -q %/x"] {
        let folder = folder();
        assert_eq!(at(&folder, &server.url(), words).exit, 0);
        assert_eq!(fs::read(folder.path().join("file")).unwrap(), b"0123456789", "{words}");
    }
}

#[test]
fn x35_a_failure_leaves_other_files_alone() {
    let mut server = Server::new();
    let _mock = server.mock("GET", "/x").with_status(404).with_body(r#"{"error":"no such file"}"#).create();
    let folder = folder();
    for name in ["file-1", "file.parts"] {
        fs::write(folder.path().join(name), name).unwrap();
    }
    let foreign = folder.path().join("other.part.json");
    fs::write(&foreign, "mine").unwrap();
    let said = at(&folder, &server.url(), "-o other %/x");
    assert!(said.exit == 2 && said.err.contains("other.part.json"), "{}", said.err);
    assert_eq!(fs::read(&foreign).unwrap(), b"mine");
    fs::remove_file(foreign).unwrap();
    let said = at(&folder, &server.url(), "-o file %/x");
    assert_eq!((said.exit, &*said.out, names(&folder)), (4, "", vec!["file-1".to_owned(), "file.parts".to_owned()]));
    assert!(said.err.contains("404") && said.err.contains("no such file"), "{}", said.err);
}

#[test]
fn x40_an_archive_is_saved_and_not_opened() {
    let mut server = Server::new();
    let archive = [&b"\x1f\x8b\x08\x00"[..], b"no more than a beginning"].concat();
    let _mock =
        server.mock("GET", "/a.tar.gz").with_header("content-type", "application/gzip").with_body(&archive).create();
    let folder = folder();
    assert_eq!(at(&folder, &server.url(), "-d %/a.tar.gz").exit, 0);
    assert_eq!(names(&folder), ["a.tar.gz"]);
    assert_eq!(fs::read(folder.path().join("a.tar.gz")).unwrap(), archive);
}

#[test]
fn b24_c_goes_on_where_it_broke_off() {
    let head = "ETag: \"v1\"\r\nConnection: close\r\n";
    let (url, server) = raw(vec![
        format!("HTTP/1.1 200 OK\r\n{head}Content-Length: 10\r\n\r\n01234"),
        format!("HTTP/1.1 206 Partial Content\r\n{head}Content-Range: bytes 5-9/10\r\nContent-Length: 5\r\n\r\n56789"),
    ]);
    let folder = folder();
    let said = at(&folder, &url, "--retry 1 -o file %/x");
    assert_eq!((said.exit, names(&folder)), (1, vec!["file.part".to_owned(), "file.part.json".to_owned()]));
    assert!(said.err.contains("5 of 10 bytes came, kept in"), "{}", said.err);
    let said = at(&folder, &url, "-c -o file %/x");
    assert_eq!((said.exit, names(&folder)), (0, vec!["file".to_owned()]), "{}", said.err);
    assert_eq!(fs::read(folder.path().join("file")).unwrap(), b"0123456789");
    let requests = server.join().unwrap();
    assert!(requests[1].contains("range: bytes=5-\r\n") && requests[1].contains("if-range: \"v1\"\r\n"));
}

#[test]
fn b24_c_needs_to_know_the_file() {
    let folder = folder();
    for words in ["-c http://127.0.0.1:1/x", "-d -c http://127.0.0.1:1/x", "-c -o - http://127.0.0.1:1/x"] {
        let said = at(&folder, "", words);
        assert_eq!((said.exit, said.err.contains("-c goes on with")), (2, true), "{words}: {}", said.err);
    }
}

#[test]
fn x37_standard_output_pipes_and_devices_are_written_as_they_are() {
    let mut server = Server::new();
    let _mock = server.mock("GET", "/x").with_body("0123456789").create();
    let folder = folder();
    for words in ["-o - %/x", "-d -o - %/x", "-o /dev/stdout %/x"] {
        let said = at(&folder, &server.url(), words);
        assert_eq!((said.exit, &*said.out, &*said.err), (0, "0123456789", ""), "{words}");
    }
    if cfg!(target_os = "linux") {
        assert_eq!(at(&folder, &server.url(), "-o /dev/null %/x").exit, 0);
        let said = at(&folder, &server.url(), "-o /dev/full --error-format=json %/x");
        assert_eq!((said.exit, said.err.contains(r#""code":"store.full""#)), (1, true), "{}", said.err);
        let moved = server.mock("GET", "/moved").with_status(302).with_header("location", "/x").create();
        let said = at(&folder, &server.url(), "-o /dev/null %/moved");
        assert!(said.exit == 3 && said.err.contains("-F follows redirects"), "{}", said.err);
        moved.assert();
        // A regular file is one wherever it stands.
        let there = tempfile::NamedTempFile::new_in("/dev/shm").unwrap();
        fs::write(there.path(), "before").unwrap();
        let said = at(&folder, &server.url(), &format!("-o {} %/x", there.path().display()));
        assert_eq!((said.exit, &*fs::read(there.path()).unwrap()), (2, &b"before"[..]), "{}", said.err);
    }
    assert_eq!(names(&folder), [""; 0]);
}

#[cfg(unix)]
#[test]
fn x37_a_named_pipe_is_written_and_may_be_left_early() {
    let mut server = Server::new();
    let _mock = server.mock("GET", "/x").with_body("0123456789").create();
    let _large = server.mock("GET", "/large").with_body("x".repeat(1 << 20)).create();
    let folder = folder();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for (path, length) in [("x", 10), ("large", 7)] {
        let pipe = pipe.clone();
        let reader = std::thread::spawn(move || {
            let mut bytes = vec![0; length];
            fs::File::open(pipe).unwrap().read_exact(&mut bytes).unwrap();
            bytes
        });
        let said = at(&folder, &server.url(), &format!("-o pipe %/{path}"));
        assert_eq!((said.exit, reader.join().unwrap().len()), (0, length), "{}", said.err);
    }
}

#[test]
fn x38_downloads_of_one_name_at_once_leave_one_file() {
    let mut server = Server::new();
    let body = "x".repeat(4 << 20);
    let _mock = server.mock("GET", "/x").with_body(&body).create();
    let folder = folder();
    let url = server.url();
    let mut exits: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(|| at(&folder, &url, "-d %/x").exit)).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    exits.sort_unstable();
    assert_eq!(exits, [0, 1, 1, 1]);
    assert_eq!((names(&folder), fs::read(folder.path().join("x")).unwrap().len()), (vec!["x".to_owned()], body.len()));
}

#[test]
fn what_is_saved_is_told_on_a_terminal_and_only_there() {
    let mut server = Server::new();
    let _mock = server.mock("GET", "/x").with_body("0123456789").create();
    let url = format!("{}/x", server.url());
    for (err, words, told) in [
        (Stream::Terminal, &["-o", "a"][..], true),
        (Stream::Terminal, &["-q", "-o", "b"], false),
        (Stream::Pipe, &["-o", "c"], false),
        (Stream::Pipe, &["-d", "-q"], false),
    ] {
        let folder = folder();
        let said = within(folder.path(), &[words, &[&*url]].concat(), err);
        assert_eq!((said.exit, said.err.contains("saved")), (0, told), "{words:?}: {}", said.err);
        assert_eq!(said.err.is_empty(), !told);
    }
}
