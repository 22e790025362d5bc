//! The program killed at a hundred points, by the server that it talks to.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
};

const RECORDS: usize = 50;

/// A server that counts what arrives, and kills its client at one event: each arrival is one, and each answer.
#[derive(Default)]
struct World {
    arrived: BTreeMap<String, Vec<Option<String>>>,
    events: usize,
    kill_at: Option<usize>,
    /// Whether it is asked to end, in place of being killed.
    asked: bool,
    child: Option<Child>,
}

type Shared = Arc<Mutex<World>>;

/// Counts an event; the child is dead where it was the last.
fn event(world: &mut World) {
    world.events += 1;
    if world.kill_at == Some(world.events)
        && let Some(child) = &mut world.child
    {
        if world.asked {
            let asked = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap();
            assert!(asked.success());
        } else {
            child.kill().unwrap();
        }
    }
}

fn serve(world: Shared) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let world = world.clone();
            thread::spawn(move || answer(&stream.unwrap(), &world));
        }
    });
    url
}

fn answer(stream: &TcpStream, world: &Shared) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut first, mut key, mut length) = (String::new(), None, 0);
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            match line.trim_end().split_once(": ") {
                Some(("idempotency-key", value)) => key = Some(value.to_owned()),
                Some(("content-length", value)) => length = value.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        if reader.read_exact(&mut vec![0; length]).is_err() {
            return;
        }
        let mut held = world.lock().unwrap();
        held.arrived.entry(first.split(' ').nth(1).unwrap().to_owned()).or_default().push(key);
        event(&mut held);
        drop(held);
        let sent = (&*stream).write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}");
        event(&mut world.lock().unwrap());
        if sent.is_err() {
            return;
        }
    }
}

#[test]
fn x08_killed_at_a_hundred_points_nothing_arrives_twice_and_nothing_is_lost() {
    let records: String = (0..RECORDS).map(|id| format!("{{\"id\":{id}}}\n")).collect();
    // An odd number of threads, so that each of them has calls with a key and without.
    thread::scope(|scope| {
        for first in 1..=3 {
            let records = &records;
            scope.spawn(move || (first..=100).step_by(3).for_each(|point| killed_at(point, records)));
        }
    });
}

#[test]
#[cfg(unix)]
fn x08_a_run_that_is_asked_to_end_leaves_nothing_in_doubt() {
    let records: String = (0..RECORDS).map(|id| format!("{{\"id\":{id}}}\n")).collect();
    for point in [1, 20, 40] {
        let world = Shared::default();
        world.lock().unwrap().asked = true;
        let url = serve(world.clone());
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("records"), &records).unwrap();
        let (ended, told) = ended_at(point, post(folder.path(), &url), &world);
        assert_eq!(ended.code(), Some(130), "{told}");
        assert!(told.starts_with("50 records: ") && told.contains(" ok, ") && told.ends_with(" not sent\n"), "{told}");
        let rest = post(folder.path(), &url).output().unwrap();
        assert_eq!(rest.status.code(), Some(0), "{}", String::from_utf8_lossy(&rest.stderr));
        let world = world.lock().unwrap();
        assert!(world.arrived.len() == RECORDS && world.arrived.values().all(|keys| keys.len() == 1));
    }
}

/// A run that posts each record at `url`, with a journal.
fn post(folder: &Path, url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_restwalk"));
    command.current_dir(folder).env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.args(["--base-url", url, "--each", "records", "--resume", "journal", "post", "x/{id}", "a={id}"]);
    command
}

/// Runs `command` until the event `point` ends it; gives how, and what it told.
fn ended_at(point: usize, mut command: Command, world: &Shared) -> (ExitStatus, String) {
    let mut stderr = {
        let mut world = world.lock().unwrap();
        // The lock is held until the child is known, so that no event comes before.
        let mut child = command.spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        (world.kill_at, world.child) = (Some(point), Some(child));
        stderr
    };
    let mut told = String::new();
    stderr.read_to_string(&mut told).unwrap();
    let mut child = world.lock().unwrap().child.take().unwrap();
    world.lock().unwrap().kill_at = None;
    (child.wait().unwrap(), told)
}

/// Kills a run at one point, lets another go on, and looks at what has arrived.
fn killed_at(point: usize, records: &str) {
    let world = Shared::default();
    let url = serve(world.clone());
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("records"), records).unwrap();
    let keyed = point.is_multiple_of(2);
    let command = || {
        let mut command = post(folder.path(), &url);
        command.args(keyed.then_some("Idempotency-Key:k{id}"));
        command
    };
    let (ended, _) = ended_at(point, command(), &world);
    assert!(ended.code().is_none() || point == 2 * RECORDS, "point {point}: {ended}");

    let rest = command().output().unwrap();
    let told = String::from_utf8(rest.stderr).unwrap();
    let world = world.lock().unwrap();
    let mut in_doubt = 0;
    for id in 0..RECORDS {
        let keys = world.arrived.get(&format!("/x/{id}")).map_or(&[][..], |keys| keys);
        let doubtful = told.contains(&format!("line {}: in doubt", id + 1));
        in_doubt += usize::from(doubtful);
        if keyed {
            let same = keys.iter().all(|key| key.as_deref() == Some(&*format!("k{id}")));
            assert!(!keys.is_empty() && same, "point {point}: record {id}: {keys:?}");
        } else {
            assert!(keys.len() <= 1, "point {point}: record {id} arrived twice");
            assert!(keys.len() == 1 || doubtful, "point {point}: record {id} is lost: {told}");
        }
    }
    assert!(in_doubt <= if keyed { 0 } else { 4 }, "point {point}: {told}");
    assert_eq!(rest.status.code(), Some(i32::from(in_doubt > 0)), "point {point}: {told}");
}
