//! Processes that share a folder. A test runs itself again in processes of their own, told of it by `SUITE_FOLDER`.

use std::{
    env,
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
    process::{Child, ChildStdout, Command, Output, Stdio},
};

use super::*;

const HERE: &str = "cache::disk::tests::processes::";

/// The folder, in an inner run.
fn inner() -> Option<Disk> {
    let folder = env::var("SUITE_FOLDER").ok()?;
    Some(Disk::new(Path::new(&folder), Arc::new(SystemTime::now), Duration::from_secs(60)))
}

/// The test `name` again, in a process of its own.
fn again(name: &str, stage: &Stage) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", &format!("{HERE}{name}"), "--nocapture", "--test-threads=1"]);
    command.env("SUITE_FOLDER", stage.folder());
    command
}

/// A process that can be heard; killed when it is dropped.
struct Process(Child, BufReader<ChildStdout>);

impl Process {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Self(child, said)
    }

    /// Waits until it has said `word`, `times` over.
    fn hear(&mut self, word: &str, times: usize) {
        let mut heard = String::new();
        while heard.matches(word).count() < times {
            assert!(self.1.read_line(&mut heard).unwrap() > 0, "it ended with {heard}");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A value that shows whether it is whole: its length, and that many bytes which tell of it.
fn shaped(number: usize) -> Vec<u8> {
    let length = number * 7919 % 20_000;
    let mut value = (length as u32).to_be_bytes().to_vec();
    value.resize(length + 4, length as u8);
    value
}

fn is_whole(value: &[u8]) -> bool {
    let Some((length, rest)) = value.split_first_chunk() else { return false };
    let length = u32::from_be_bytes(*length) as usize;
    rest.len() == length && rest.iter().all(|byte| *byte == length as u8)
}

#[test]
fn c24_readers_of_a_key_that_two_processes_write_see_whole_values() {
    if let Some(disk) = inner() {
        return wait(async {
            for number in 0.. {
                set(&disk, &key(1, "/a"), shaped(number * 31)).await;
                println!("written");
            }
        });
    }
    let stage = Stage::new();
    let test = "c24_readers_of_a_key_that_two_processes_write_see_whole_values";
    let mut writers = [(); 2].map(|()| Process::start(&mut again(test, &stage)));
    let disk = stage.disk();
    let mut lengths = std::collections::HashSet::new();
    for _ in 0..10 {
        for writer in &mut writers {
            writer.hear("written", 5);
        }
        for _ in 0..200 {
            let Some(value) = wait(get(&disk, &key(1, "/a"))) else { continue };
            assert!(is_whole(&value), "{} bytes", value.len());
            lengths.insert(value.len());
        }
    }
    assert!(lengths.len() > 10, "{lengths:?}");
}

const ROOM: u64 = 128 << 10;

#[test]
fn c22_a_hundred_kills_leave_no_part_and_exceed_nothing() {
    if let Some(disk) = inner() {
        disk.set_capacity(ROOM);
        return wait(async {
            for number in 0.. {
                set(&disk, &key(1, &format!("/{}", number % 30)), shaped(number * 31)).await;
            }
        });
    }
    let (stage, mut parts) = (Stage::new(), 0);
    let part = stage.folder().join("part");
    for round in 0..100 {
        // Killed when the file that is written is made, written to, dated or put in its place, for the first time or
        // a later one.
        let call = ["openat", "write", "utimensat", "rename", "write"][round % 5];
        let kill = format!("inject={call}:signal=KILL:when={}", 1 + round % 7);
        let test = again("c22_a_hundred_kills_leave_no_part_and_exceed_nothing", &stage);
        let killed = strace(&test, &stage, &["-P", part.to_str().unwrap(), "-e", &kill]);
        assert_eq!(killed.status.signal(), Some(9), "round {round}");
        let kept = wait(stage.disk().list(999)).unwrap();
        assert!(kept.iter().all(|value| is_whole(value)), "round {round}");
        assert!(stage.held() <= ROOM, "round {round}: {}", stage.held());
        let others: Vec<_> = stage.names().into_iter().filter(|name| name.len() != 64).collect();
        assert!(matches!(others.len(), 1..=3), "round {round}: {others:?}");
        parts += others.iter().filter(|name| *name == "part").count();
    }
    assert!(parts > 50, "{parts} were killed while they wrote");
    assert!(stage.held() > ROOM / 2);
    wait(set(&stage.sized(ROOM), &key(1, "/a"), "x"));
    assert!(!stage.names().contains(&"part".to_owned()) && stage.held() <= ROOM);
}

/// `test` under strace with `options`.
fn strace(test: &Command, stage: &Stage, options: &[&str]) -> Output {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o"]).arg(stage.home.path().join("trace")).args(options);
    strace.arg("--").arg(test.get_program()).args(test.get_args());
    strace.env("SUITE_FOLDER", stage.folder()).env_remove("LD_LIBRARY_PATH");
    strace.output().expect("strace is needed for this test: apt-get install strace")
}

/// What the tests below run: one value set, one that is there got, and what came of it.
#[test]
fn one_set_and_one_get() {
    let Some(disk) = inner() else { return };
    wait(async {
        let told = disk.set(&key(1, "/new"), vec![7; 9000].into(), HOUR).await;
        println!("set: {}.", told.as_ref().map_or_else(|error| error.code(), |()| "well"));
        println!("why: {}", told.map_or_else(|error| error.to_string(), |()| String::new()));
        assert!(fs::metadata(BEGIN).is_err());
        let told = disk.get(&key(1, "/old")).await;
        assert!(fs::metadata(END).is_err());
        println!("get: {}.", told.map_or_else(|error| error.code().to_owned(), |kept| format!("{:?}", kept.value)));
    });
}

const BEGIN: &str = "/restwalk-begins";
const END: &str = "/restwalk-ends";

/// The same under strace with `options`; what it said, and the calls to the system.
fn traced(stage: &Stage, options: &[&str]) -> (String, String) {
    let Output { stdout, stderr, status } = strace(&again("one_set_and_one_get", stage), stage, options);
    let said = String::from_utf8_lossy(&stdout).into_owned();
    assert!(status.success(), "{said}{}", String::from_utf8_lossy(&stderr));
    (said, fs::read_to_string(stage.home.path().join("trace")).unwrap())
}

#[test]
fn c25_a_disk_that_is_full_or_read_only_is_told_and_nothing_is_left() {
    for (file, calls, error, code) in [
        ("part", "write", "ENOSPC", "store.full"),
        ("part", "write", "EDQUOT", "store.full"),
        ("part", "openat", "EROFS", "store.permission"),
        ("part", "rename", "EIO", "store.write"),
        ("room", "openat", "EROFS", "store.permission"),
        ("room", "write", "ENOSPC", "store.full"),
        ("room", "flock", "ENOLCK", "store.write"),
    ] {
        let stage = Stage::new();
        wait(set(&stage.disk(), &key(1, "/old"), "old"));
        wait(set(&stage.disk(), &key(1, "/new"), "replaced"));
        let (path, inject) = (stage.folder().join(file), format!("inject={calls}:error={error}"));
        let (said, _) = traced(&stage, &["-P", path.to_str().unwrap(), "-e", &inject]);
        assert!(said.contains(&format!("set: {code}.")), "{calls} of {file}, {error}: {said}");
        assert!(said.contains("get: Some(b\"old\")."), "{calls} of {file}, {error}: {said}");
        assert_eq!(wait(get(&stage.disk(), &key(1, "/new"))), None, "what was to be replaced is not given");
        assert!(!stage.names().contains(&"part".to_owned()), "{:?}", stage.names());
        assert!(stage.held() <= CAPACITY);
        wait(set(&stage.disk(), &key(1, "/new"), "later"));
    }
}

#[test]
fn c25_where_nothing_can_be_written_nothing_is_kept() {
    let stage = Stage::new();
    fs::create_dir_all(stage.folder()).unwrap();
    let folder = stage.folder();
    let part = folder.join("part");
    let (said, _) = traced(&stage, &["-P", part.to_str().unwrap(), "-e", "inject=openat:error=EROFS"]);
    assert!(said.contains("set: store.permission.") && said.contains("get: store.permission."), "{said}");
    assert!(said.contains("the disk is read-only"), "{said}");
}

#[test]
fn c31_what_is_made_is_its_owner_s_alone_under_any_umask() {
    for umask in ["000", "022", "077"] {
        let stage = Stage::new();
        let test = again("one_set_and_one_get", &stage);
        let mut shell = Command::new("sh");
        shell.args(["-c", "umask $0 && exec \"$@\"", umask]).arg(test.get_program()).args(test.get_args());
        assert!(shell.env("SUITE_FOLDER", stage.folder()).output().unwrap().status.success());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode(&stage.folder()), mode(stage.folder().parent().unwrap())), (0o700, 0o700), "umask {umask}");
        assert_eq!(stage.names().len(), 3);
        for name in stage.names() {
            assert_eq!(mode(&stage.folder().join(&name)), 0o600, "umask {umask}: {name}");
        }
    }
}

#[test]
fn c34_a_hit_takes_few_calls_to_the_system() {
    let stage = Stage::new();
    wait(set(&stage.disk(), &key(1, "/old"), "old"));
    let (said, trace) = traced(&stage, &["-e", "trace=%file,%desc"]);
    assert!(said.contains("get: Some"), "{said}");
    let after = trace.split_once(BEGIN).unwrap().1;
    let lines: Vec<_> = after.split_once(END).unwrap().0.lines().collect();
    // Of the thread that reads alone, without what starting it takes.
    let reads = lines.iter().find(|line| line.contains("/marks")).unwrap().split_once(' ').unwrap().0;
    let own = lines.iter().filter(|line| line.starts_with(reads) && !line.contains("resumed>"));
    let calls: Vec<_> = own.filter(|line| !line.contains("mmap")).collect();
    // One for the folder, two for the marks of the origin and of the place each, and six for each of the two files.
    assert!((10..=20).contains(&calls.len()), "{}: {calls:#?}", calls.len());
    assert!(calls.iter().all(|call| !call.contains("write") && !call.contains("flock")), "{calls:#?}");
}
