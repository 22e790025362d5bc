//! B21 to B30, X33 to X38: downloads to files.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use restwalk::{Call, Download, Downloaded, Error, ErrorKind, Outcome};

use crate::support::{
    self,
    fault::{Connection, FaultServer, Heard},
};

const TAG: &str = "ETag: \"v1\"\r\n";
const WHOLE: &[u8] = b"0123456789";
const SHA256: &str = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882";
const SHA256_BASE64: &str = "hNiYd/DUBB77a/kaFvAkjy/Vc+avBcGflr7bn4gveII=";

/// A folder, a file in it that is not there yet, and a server that gives its answers in turn, each on a connection.
struct Stage {
    folder: tempfile::TempDir,
    server: FaultServer,
}

impl Stage {
    fn new(answers: &[String]) -> Self {
        let answers = answers.to_vec();
        Self::by(move |connection, _| {
            let answer = answers.get(connection.number).unwrap_or(&answers[answers.len() - 1]);
            connection.send(answer.as_bytes());
        })
    }

    fn by(script: impl Fn(&mut Connection, Heard) + Send + Sync + 'static) -> Self {
        let server = FaultServer::start(move |connection| {
            if let Some(request) = connection.request() {
                script(connection, request);
            }
        });
        Self { folder: tempfile::tempdir().unwrap(), server }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("file")
    }

    fn part(&self) -> PathBuf {
        self.folder.path().join("file.part")
    }

    fn call(&self) -> Call {
        support::builder(&self.server.url()).idle_timeout(Duration::from_millis(300)).build().unwrap().res("x").get()
    }

    async fn download(&self) -> Result<Downloaded, Error> {
        self.call().download(self.path()).await
    }

    async fn resume(&self) -> Result<Downloaded, Error> {
        self.call().download(Download::to(self.path()).resume()).await
    }

    /// The names in the folder.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn text(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap()
    }

    /// What each request asked for: its `Range` and its `If-Range`.
    fn asked(&self) -> Vec<(Option<String>, Option<String>)> {
        let header = |heard: &Heard, name| heard.header(name).map(str::to_owned);
        self.server.requests().iter().map(|heard| (header(heard, "range"), header(heard, "if-range"))).collect()
    }
}

/// An answer of status 200 that may be short of its length.
fn answer(headers: &str, length: usize, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

fn partial(headers: &str, range: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 206 Partial Content\r\n{headers}Content-Range: {range}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

fn half() -> String {
    answer(TAG, 10, "01234")
}

fn ranged() -> (Option<String>, Option<String>) {
    (Some("bytes=5-".to_owned()), Some("\"v1\"".to_owned()))
}

#[tokio::test]
async fn b21_a_file_appears_whole() {
    let steps = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&steps);
    let stage = Stage::new(&[answer(TAG, 10, "0123456789")]);
    let download = Download::to(stage.path()).on_progress(move |there, total| log.lock().unwrap().push((there, total)));
    let saved = stage.call().download(download).await.unwrap();
    assert_eq!((saved.length(), saved.resumed_from(), saved.unverified_length()), (10, 0, false));
    assert_eq!((saved.path(), stage.text().as_slice()), (stage.path().as_path(), WHOLE));
    assert_eq!(stage.names(), ["file"]);
    assert_eq!(steps.lock().unwrap().last(), Some(&(10, Some(10))));
    assert_eq!(stage.server.requests()[0].header("accept-encoding"), Some("identity"));
}

#[tokio::test]
async fn b21_an_answer_that_came_is_saved_as_well() {
    let stage = Stage::new(&[answer(TAG, 10, "0123456789"), partial(TAG, "bytes 0-4/10", "01234")]);
    let saved = stage.call().send().await.unwrap().download(stage.path()).await.unwrap();
    assert_eq!((saved.length(), stage.text().as_slice()), (10, WHOLE));
    let error = stage.call().send().await.unwrap().download(stage.folder.path().join("b")).await.unwrap_err();
    assert_eq!((error.code(), error.outcome()), ("protocol.range", Outcome::Processed));
    assert_eq!(stage.names(), ["file"]);
}

#[tokio::test]
async fn b22_what_came_is_kept_and_told() {
    let stalls = |connection: &mut Connection, _| {
        connection.send(half().as_bytes());
        connection.hold();
    };
    let resets = |connection: &mut Connection, _| {
        connection.send(half().as_bytes());
        std::thread::sleep(Duration::from_millis(50));
        connection.reset();
    };
    let stages = [
        (Stage::new(&[half()]), "body.truncated"),
        (Stage::by(stalls), "timeout.idle"),
        (Stage::by(resets), "body.truncated"),
    ];
    for (stage, code) in stages {
        let error = stage.download().await.unwrap_err();
        assert_eq!((error.code(), error.outcome()), (code, Outcome::Processed), "{error}");
        let message = error.to_string();
        assert!(message.contains("; 5 of 10 bytes came, kept in ") && message.contains("file.part"), "{message}");
        assert_eq!(stage.names(), ["file.part", "file.part.json"]);
        assert_eq!(fs::read(stage.part()).unwrap(), b"01234");
    }
    // What could not be gone on with is not kept, nor what is not wanted.
    let weak = Stage::new(&[answer("ETag: W/\"v1\"\r\n", 10, "01234")]);
    let error = weak.download().await.unwrap_err();
    assert!(error.to_string().ends_with("; 5 of 10 bytes came"), "{error}");
    let unwanted = Stage::new(&[half()]);
    unwanted.call().download(Download::to(unwanted.path()).discard()).await.unwrap_err();
    let posted = Stage::new(&[half()]);
    let client = support::network(&posted.server.url());
    client.res("x").post().download(posted.path()).await.unwrap_err();
    for stage in [weak, unwanted, posted] {
        assert_eq!(stage.names(), [""; 0]);
    }
}

#[tokio::test]
async fn b22_a_download_that_is_dropped_keeps_what_came() {
    let stage = Stage::by(|connection, _| {
        connection.send(half().as_bytes());
        connection.hold();
    });
    let (came, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let download = Download::to(stage.path()).on_progress(move |there, _| came.send(there).unwrap_or_default());
    let call = stage.call().idle_timeout(Duration::from_secs(20));
    let task = tokio::spawn(call.download(download));
    assert_eq!(seen.recv().await, Some(5));
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    // The task that writes ends by itself, and gives its lock back last.
    while fs::read(stage.part()).unwrap().len() < 5 || fs::File::open(stage.part()).unwrap().try_lock().is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(stage.names(), ["file.part", "file.part.json"]);
}

#[tokio::test]
async fn b23_a_length_that_nothing_vouches_for_is_flagged() {
    let open = |headers: &str| format!("HTTP/1.1 200 OK\r\n{headers}\r\n0123456789");
    let digest = format!("Repr-Digest: sha-256=:{SHA256_BASE64}:\r\n");
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n".to_owned();
    for (answer, flagged) in [(open(""), true), (open(&digest), false), (chunked, false)] {
        let stage = Stage::new(&[answer]);
        let saved = stage.download().await.unwrap();
        assert_eq!((saved.length(), saved.unverified_length()), (10, flagged));
    }
    let stage = Stage::new(&[open("")]);
    let saved = stage.call().download(Download::to(stage.path()).sha256(SHA256)).await.unwrap();
    assert!(!saved.unverified_length());
}

#[tokio::test]
async fn b24_the_rest_is_asked_for_and_joined() {
    let stage = Stage::new(&[half(), partial(TAG, "bytes 5-9/10", "56"), partial(TAG, "bytes 7-9/10", "789")]);
    stage.download().await.unwrap_err();
    let error = stage.resume().await.unwrap_err();
    assert!(error.to_string().contains("; 7 of 10 bytes came, kept in "), "{error}");
    let saved = stage.resume().await.unwrap();
    assert_eq!((saved.length(), saved.resumed_from()), (10, 7));
    assert_eq!((stage.text().as_slice(), stage.names().as_slice()), (WHOLE, &["file".to_owned()][..]));
    assert_eq!(stage.asked()[..2], [(None, None), ranged()]);
    assert_eq!(stage.asked()[2].0.as_deref(), Some("bytes=7-"));
}

#[tokio::test]
async fn b24_a_settled_date_is_as_good_as_a_tag() {
    let dates = "Last-Modified: Sat, 21 Nov 2026 10:00:00 GMT\r\nDate: Sat, 21 Nov 2026 10:00:09 GMT\r\n";
    let stage = Stage::new(&[answer(dates, 10, "01234"), partial("", "bytes 5-9/10", "56789")]);
    stage.download().await.unwrap_err();
    assert_eq!(stage.resume().await.unwrap().resumed_from(), 5);
    assert_eq!(stage.text(), WHOLE);
    assert_eq!(stage.asked()[1].1.as_deref(), Some("Sat, 21 Nov 2026 10:00:00 GMT"));
}

#[tokio::test]
async fn b25_bytes_of_two_versions_are_never_mixed() {
    let new = "abcdefghij";
    let whole = answer("ETag: \"v2\"\r\n", 10, new);
    let refused = |range: &str| {
        format!("HTTP/1.1 416 Range Not Satisfiable\r\n{range}Content-Length: 0\r\nConnection: close\r\n\r\n")
    };
    let other = |headers, range| vec![partial(headers, range, "fghij"), whole.clone()];
    let cases = [
        vec![whole.clone()],
        other(TAG, "bytes 4-8/10"),
        other(TAG, "bytes 5-9/11"),
        other("ETag: \"v2\"\r\n", "bytes 5-9/10"),
        other("ETag: W/\"v1\"\r\n", "bytes 5-9/10"),
        other("", "bytes 5-9/10"),
        vec![refused(""), whole.clone()],
        vec![refused("Content-Range: bytes */10\r\n"), whole.clone()],
        vec![refused("Content-Range: bytes */5\r\n"), whole.clone()],
    ];
    for answers in cases {
        let stage = Stage::new(&[vec![half()], answers.clone()].concat());
        stage.download().await.unwrap_err();
        let saved = stage.resume().await.unwrap();
        assert_eq!((saved.resumed_from(), stage.text().as_slice()), (0, new.as_bytes()), "{answers:?}");
        let mut asked = vec![(None, None), ranged()];
        asked.resize(1 + answers.len(), (None, None));
        assert_eq!((stage.asked(), stage.names().len()), (asked, 1), "{answers:?}");
    }
}

#[tokio::test]
async fn b25_a_failure_leaves_what_was_there() {
    let gone = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned();
    let stage = Stage::new(&[half(), gone, partial(TAG, "bytes 5-9/10", "56789")]);
    stage.download().await.unwrap_err();
    assert_eq!(stage.resume().await.unwrap_err().kind(), ErrorKind::Status);
    assert_eq!(stage.names(), ["file.part", "file.part.json"]);
    assert_eq!(stage.resume().await.unwrap().resumed_from(), 5);
    // Even where the whole had to be asked for and did not come.
    let other = partial(TAG, "bytes 4-8/10", "45678");
    let broken = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned();
    let stage = Stage::new(&[half(), other, broken]);
    stage.download().await.unwrap_err();
    let once = stage.call().retry(restwalk::Retry::off());
    once.download(Download::to(stage.path()).resume()).await.unwrap_err();
    assert_eq!((fs::read(stage.part()).unwrap(), stage.names().len()), (b"01234".to_vec(), 2));
}

#[tokio::test]
async fn b25_only_what_is_known_is_gone_on_with() {
    let spoil: [fn(&Stage); 5] = [
        |stage| fs::remove_file(stage.folder.path().join("file.part.json")).and(fs::write(stage.part(), "")).unwrap(),
        |stage| fs::write(stage.folder.path().join("file.part.json"), "{").unwrap(),
        |stage| {
            let path = stage.folder.path().join("file.part.json");
            let text = fs::read_to_string(&path).unwrap().replace("/x", "/y");
            fs::write(path, text).unwrap();
        },
        |stage| {
            let path = stage.folder.path().join("file.part.json");
            let text = fs::read_to_string(&path).unwrap().replace(r#"\"v1\""#, r#"W/\"v1\""#);
            fs::write(path, text).unwrap();
        },
        |_| (),
    ];
    for (index, spoil) in spoil.into_iter().enumerate() {
        let stage = Stage::new(&[half(), answer(TAG, 10, "0123456789")]);
        stage.download().await.unwrap_err();
        spoil(&stage);
        let saved = stage.resume().await.unwrap();
        assert_eq!((saved.resumed_from(), stage.text().as_slice()), (0, WHOLE));
        assert_eq!(stage.asked()[1].0.is_some(), index == 4, "{index}");
    }
}

#[tokio::test]
async fn b25_a_file_that_was_there_whole_needs_no_more() {
    let all = "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */10\r\nContent-Length: 0\r\n\r\n".to_owned();
    for (sha256, fits) in [(SHA256.to_owned(), true), ("0".repeat(64), false)] {
        let stage = Stage::new(&[half(), all.clone()]);
        stage.download().await.unwrap_err();
        fs::write(stage.part(), WHOLE).unwrap();
        let saved = stage.call().download(Download::to(stage.path()).resume().sha256(&sha256)).await;
        match saved {
            Ok(saved) => assert_eq!((fits, saved.resumed_from(), stage.text().as_slice()), (true, 10, WHOLE)),
            Err(error) => {
                assert_eq!((fits, error.code(), stage.names().len()), (false, "body.decode", 0));
                assert_eq!(error.outcome(), Outcome::Processed);
            }
        }
    }
}

#[tokio::test]
async fn b26_a_file_of_another_digest_is_removed() {
    let wrong = "0000000000000000000000000000000000000000000=";
    let header = |name: &str, hash: &str| match name {
        "Digest" => format!("Digest: SHA-256={hash}\r\n{TAG}"),
        _ => format!("{name}: sha-256=:{hash}:\r\n{TAG}"),
    };
    for name in ["Digest", "Repr-Digest", "Content-Digest"] {
        let good = Stage::new(&[answer(&header(name, SHA256_BASE64), 10, "0123456789")]);
        good.download().await.unwrap();
        let bad = Stage::new(&[answer(&header(name, wrong), 10, "0123456789")]);
        let error = bad.download().await.unwrap_err();
        assert_eq!(
            (error.code(), error.outcome(), bad.names().len()),
            ("body.decode", Outcome::Processed, 0),
            "{name}"
        );
    }
    // Over what was there and what came.
    for (sha256, fits) in [(SHA256.to_owned(), true), ("0".repeat(64), false)] {
        let stage = Stage::new(&[half(), partial(TAG, "bytes 5-9/10", "56789")]);
        stage.download().await.unwrap_err();
        let saved = stage.call().download(Download::to(stage.path()).resume().sha256(&sha256)).await;
        assert_eq!((saved.is_ok(), stage.names().len()), (fits, usize::from(fits)));
    }
    let stage = Stage::new(&[half()]);
    let error = stage.call().download(Download::to(stage.path()).sha256("abc")).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), stage.asked().len()), (ErrorKind::Request, Outcome::NotSent, 0));
}

#[tokio::test]
async fn b27_a_place_that_cannot_be_written() {
    let stage = Stage::new(&[answer(TAG, 10, "0123456789")]);
    let cases: [(&str, &str, &str); 3] = [
        ("none/file", "store.write", "its folder does not exist"),
        (".", "store.exists", "it is a folder"),
        ("..", "store.exists", "it is a folder"),
    ];
    for (name, code, why) in cases {
        let error = stage.call().download(stage.folder.path().join(name)).await.unwrap_err();
        assert_eq!((error.code(), error.outcome()), (code, Outcome::NotSent), "{name}: {error}");
        assert!(error.to_string().contains(why), "{error}");
    }
    assert_eq!((stage.asked().len(), stage.names().len()), (0, 0));
}

/// Runs itself in a process whose files may not grow beyond 64 KiB.
#[cfg(unix)]
#[tokio::test]
async fn b27_a_full_disk_is_told_and_what_fits_is_kept() {
    if std::env::var_os("SMALL_FILES").is_none() {
        let test = std::env::current_exe().unwrap();
        let name = "downloads::b27_a_full_disk_is_told_and_what_fits_is_kept";
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", "trap '' XFSZ; ulimit -f 128; exec \"$0\" --exact \"$1\" --nocapture"]).arg(test).arg(name);
        let run = shell.env("SMALL_FILES", "1").output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        return;
    }
    let body = "x".repeat(1 << 20);
    let stage = Stage::new(&[answer(TAG, body.len(), &body)]);
    fs::write(stage.path(), "original").unwrap();
    for (download, left) in [(Download::to(stage.path()).discard(), 1), (Download::to(stage.path()), 3)] {
        let error = stage.call().download(download.replace()).await.unwrap_err();
        assert_eq!((error.code(), error.kind(), error.outcome()), ("store.full", ErrorKind::Store, Outcome::Processed));
        assert_eq!(error.to_string().ends_with("; what came is kept"), left == 3, "{error}");
        assert_eq!((stage.names().len(), stage.text().as_slice()), (left, &b"original"[..]));
    }
    let kept = fs::read(stage.part()).unwrap();
    assert!(!kept.is_empty() && kept.iter().all(|byte| *byte == b'x'));
}

#[tokio::test]
async fn b28_a_file_that_is_there_is_replaced_only_when_that_is_said() {
    let stage = Stage::new(&[answer(TAG, 10, "0123456789")]);
    fs::write(stage.path(), "old").unwrap();
    let error = stage.download().await.unwrap_err();
    assert_eq!((error.code(), error.outcome(), stage.asked().len()), ("store.exists", Outcome::NotSent, 0));
    assert_eq!((stage.text().as_slice(), stage.names().len()), (&b"old"[..], 1));
    stage.call().download(Download::to(stage.path()).replace()).await.unwrap();
    assert_eq!((stage.text().as_slice(), stage.names().len()), (WHOLE, 1));
}

#[tokio::test]
async fn b28_a_file_that_comes_meanwhile_stays() {
    let (path, stage) = {
        let place = Arc::new(Mutex::new(PathBuf::new()));
        let seen = Arc::clone(&place);
        let stage = Stage::by(move |connection, _| {
            fs::write(&*seen.lock().unwrap(), "theirs").unwrap();
            connection.send(answer(TAG, 10, "0123456789").as_bytes());
        });
        *place.lock().unwrap() = stage.path();
        (stage.path(), stage)
    };
    let error = stage.download().await.unwrap_err();
    assert_eq!((error.code(), error.outcome()), ("store.exists", Outcome::Processed));
    assert_eq!(fs::read(path).unwrap(), b"theirs");
    assert_eq!(fs::read(stage.part()).unwrap(), WHOLE, "and what came is not lost");
}

/// 5 GiB of which all but the end are there: the file is sparse.
#[tokio::test]
async fn b29_offsets_have_64_bits() {
    const LENGTH: u64 = 5 << 30;
    let range = format!("bytes {}-{}/{LENGTH}", LENGTH - 5, LENGTH - 1);
    let begun = format!("HTTP/1.1 200 OK\r\n{TAG}Content-Length: {LENGTH}\r\nConnection: close\r\n\r\n01234");
    let stage = Stage::new(&[begun, partial(TAG, &range, "56789")]);
    let error = stage.download().await.unwrap_err();
    assert!(error.to_string().contains("; 5 of 5368709120 bytes came"), "{error}");
    fs::OpenOptions::new().write(true).open(stage.part()).unwrap().set_len(LENGTH - 5).unwrap();
    let saved = stage.resume().await.unwrap();
    assert_eq!((saved.length(), saved.resumed_from()), (LENGTH, LENGTH - 5));
    assert_eq!(fs::metadata(stage.path()).unwrap().len(), LENGTH);
    assert_eq!(stage.asked()[1].0, Some(format!("bytes={}-", LENGTH - 5)));
}

/// A coded body, though it was asked for none.
#[cfg(feature = "gzip")]
#[tokio::test]
async fn b30_a_coded_body_is_decoded_and_not_gone_on_with() {
    let coded = support::echo::gzip(WHOLE);
    let full = coded.len();
    let stage = Stage::by(move |connection, _| {
        let sent = if connection.number == 0 { full - 5 } else { full };
        connection.send(
            format!("HTTP/1.1 200 OK\r\n{TAG}Content-Encoding: gzip\r\nContent-Length: {full}\r\n\r\n").as_bytes(),
        );
        connection.send(&coded[..sent]);
    });
    assert_eq!(stage.download().await.unwrap_err().code(), "body.truncated");
    assert_eq!(stage.names(), [""; 0]);
    let saved = stage.resume().await.unwrap();
    assert_eq!((saved.length(), saved.unverified_length(), stage.text().as_slice()), (10, false, WHOLE));
    for request in stage.server.requests() {
        assert_eq!(request.header("accept-encoding"), Some("identity"));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn x33_links_are_never_written_through() {
    use std::os::unix::fs::symlink;
    let stage = Stage::new(&[answer(TAG, 10, "0123456789")]);
    let elsewhere = tempfile::tempdir().unwrap();
    let victim = elsewhere.path().join("victim");
    let refused = async |download: Download| {
        let error = stage.call().download(download).await.unwrap_err();
        assert_eq!((error.code(), error.outcome()), ("store.exists", Outcome::NotSent), "{error}");
    };
    for dangling in [true, false] {
        if !dangling {
            fs::write(&victim, "theirs").unwrap();
        }
        // In the place of the target, and in that of its `.part`.
        for link in [stage.path(), stage.part()] {
            symlink(&victim, &link).unwrap();
            refused(Download::to(stage.path())).await;
            refused(Download::to(stage.path()).replace().resume()).await;
            fs::remove_file(link).unwrap();
        }
    }
    // What looks like a `.part` and is another file as well, or nobody's.
    fs::hard_link(&victim, stage.part()).unwrap();
    refused(Download::to(stage.path()).replace()).await;
    fs::remove_file(stage.part()).unwrap();
    fs::write(stage.part(), "mine").unwrap();
    refused(Download::to(stage.path())).await;
    assert_eq!((fs::read(stage.part()).unwrap(), fs::read(&victim).unwrap()), (b"mine".to_vec(), b"theirs".to_vec()));
    assert_eq!(stage.asked().len(), 0);
    // A state that is a link is not read, and not written through.
    symlink(&victim, stage.folder.path().join("file.part.json")).unwrap();
    stage.resume().await.unwrap();
    assert_eq!((fs::read(&victim).unwrap(), stage.names().len()), (b"theirs".to_vec(), 1));
}

#[cfg(unix)]
#[tokio::test]
async fn x36_only_the_whole_file_can_be_read_by_others() {
    let mode = |path: &Path| std::os::unix::fs::MetadataExt::mode(&fs::metadata(path).unwrap()) & 0o777;
    let stage = Stage::new(&[half(), partial(TAG, "bytes 5-9/10", "56789"), answer(TAG, 10, "0123456789")]);
    let usual = stage.folder.path().join("usual");
    fs::write(&usual, "").unwrap();
    let (usual, own) = (mode(&usual), fs::remove_file(&usual));
    own.unwrap();
    stage.download().await.unwrap_err();
    assert_eq!((mode(&stage.part()), mode(&stage.folder.path().join("file.part.json"))), (usual & 0o600, 0o600));
    stage.resume().await.unwrap();
    assert_eq!((mode(&stage.path()), usual & 0o111), (usual, 0));
    // One that is replaced keeps its own, but for the right to run it.
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(stage.path(), private).unwrap();
    stage.call().download(Download::to(stage.path()).replace()).await.unwrap();
    assert_eq!(mode(&stage.path()), 0o600);
}

#[tokio::test]
async fn x38_of_two_downloads_to_one_name_one_is_refused() {
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let stage = Stage::by(move |connection, _| {
        connection.send(half().as_bytes());
        wait.lock().unwrap().recv().unwrap();
        connection.send(b"56789");
    });
    let (came, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let first = Download::to(stage.path()).on_progress(move |there, _| came.send(there).unwrap_or_default());
    let first = tokio::spawn(stage.call().idle_timeout(Duration::from_secs(20)).download(first));
    assert_eq!(seen.recv().await, Some(5));
    for second in [Download::to(stage.path()), Download::to(stage.path()).resume().replace()] {
        let error = stage.call().download(second).await.unwrap_err();
        assert_eq!((error.code(), error.outcome()), ("store.locked", Outcome::NotSent), "{error}");
    }
    go.send(()).unwrap();
    first.await.unwrap().unwrap();
    assert_eq!((stage.text().as_slice(), stage.names().len(), stage.asked().len()), (WHOLE, 1, 1));
}

#[tokio::test]
async fn x39_no_credential_is_written_beside_the_file() {
    let stage = Stage::new(&[half(), partial(TAG, "bytes 5-9/10", "56789")]);
    let client = support::builder(&stage.server.url());
    let client = client.auth(restwalk::Auth::api_key_query("api_key", "CNRY-key")).build().unwrap();
    let call = || client.res("x").get().query("access_token", "CNRY-token").query("page", 2);
    let error = call().download(stage.path()).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("CNRY"));
    let state = fs::read_to_string(stage.folder.path().join("file.part.json")).unwrap();
    assert!(!state.contains("CNRY") && state.contains("page=2"), "{state}");
    let saved = call().download(Download::to(stage.path()).resume()).await.unwrap();
    assert_eq!(saved.resumed_from(), 5);
}
