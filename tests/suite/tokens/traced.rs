//! A save under strace, which tells each call to the system, and kills the process or fails the call where it is told.

use std::{
    collections::HashMap,
    os::unix::process::ExitStatusExt,
    process::{ExitStatus, Stdio},
};

use super::*;

/// What strace saw.
#[derive(Debug)]
pub(super) struct Traced {
    pub(super) status: ExitStatus,
    pub(super) calls: Vec<Call>,
    said: String,
}

/// One call to the system.
#[derive(Debug, Clone)]
pub(super) struct Call {
    thread: String,
    pub(super) name: String,
    /// How many calls of that name its thread had made with it.
    count: u32,
    pub(super) text: String,
}

/// Runs `command` under strace with `options`; `folder` is where the trace is written.
pub(super) fn run(command: &Command, folder: &Path, options: &[&str]) -> Traced {
    let trace = folder.join("trace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-s", "4", "-o"]).arg(&trace).args(options).arg("--");
    strace.arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
    // Where the test looks for its libraries, one call after another.
    strace.env_remove("LD_LIBRARY_PATH");
    strace.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let run = strace.output().expect("strace is needed for this test: apt-get install strace");
    let said = [run.stdout, run.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    Traced { status: run.status, calls: calls(&fs::read_to_string(&trace).unwrap()), said }
}

/// The calls of a trace, in the order in which they began; one that others came between is put together.
fn calls(trace: &str) -> Vec<Call> {
    let (mut calls, mut begun, mut counts) = (Vec::<Call>::new(), HashMap::new(), HashMap::new());
    for line in trace.lines() {
        let Some((thread, text)) = line.split_once(' ') else { continue };
        let text = text.trim_start();
        if let Some((_, rest)) = text.strip_prefix("<... ").and_then(|text| text.split_once("resumed>")) {
            if let Some(at) = begun.remove(thread) {
                let call: &mut Call = &mut calls[at];
                call.text = call.text.replace("<unfinished ...>", rest);
            }
            continue;
        }
        let Some((name, _)) = text.split_once('(') else { continue };
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            continue;
        }
        let count = counts.entry((thread.to_owned(), name.to_owned())).or_insert(0);
        *count += 1;
        if text.ends_with("<unfinished ...>") {
            begun.insert(thread.to_owned(), calls.len());
        }
        let (thread, name, text) = (thread.to_owned(), name.to_owned(), text.to_owned());
        calls.push(Call { thread, name, count: *count, text });
    }
    calls
}

impl Traced {
    /// The calls of the thread that saves, from the first mark to the second.
    fn save(&self) -> Vec<Call> {
        let mark = |mark: &str| self.calls.iter().position(|call| call.text.contains(mark));
        let (begin, end) = (mark(BEGIN).expect("it began"), mark(END).unwrap_or(self.calls.len()));
        let saving = self.calls[begin..end].iter().find(|call| call.name == "renameat" || call.name == "renameat2");
        let thread = &saving.expect("it saved").thread;
        { &self.calls[begin..end] }.iter().filter(|call| call.thread == *thread).cloned().collect()
    }

    fn has(&self, mark: &str) -> bool {
        self.calls.iter().any(|call| call.text.contains(mark))
    }
}

const BEGIN: &str = "/restwalk-begins";
const END: &str = "/restwalk-ends";
const TEST: &str = "tokens::traced::one_save";

/// What the tests below run in a process of its own: one save, the calls of which can be told by their count.
#[test]
fn one_save() {
    let Some(file) = inner("SUITE_FILE").map(PathBuf::from) else { return };
    // All that blocks is done by one thread, which does so much first that no other's count comes near to its own.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().max_blocking_threads(1).build().unwrap().block_on(async {
        let other = TokenStore::file(file.with_file_name("other/tokens.json"));
        for generation in 1..=16 {
            save(&other, "ada", generation).await.unwrap();
        }
        let tokens = TokenStore::file(&file);
        assert!(fs::metadata(BEGIN).is_err());
        let saved = save(&tokens, "ada", 2).await;
        assert!(fs::metadata(END).is_err());
        println!("code: {}.", saved.as_ref().map_or_else(|error| error.code(), |()| "none"));
        println!("told: {}", saved.map_or_else(|error| error.to_string(), |()| "none".to_owned()));
    });
}

/// A home where ada's token is the first one, and bob's is there too; or nothing.
fn prepared(kept: bool) -> (TempDir, PathBuf) {
    let (home, file) = home_in_memory();
    if kept {
        wait(async {
            let tokens = TokenStore::file(&file);
            save(&tokens, "ada", 1).await.unwrap();
            save(&tokens, "bob", 7).await.unwrap();
        });
    }
    (home, file)
}

/// Names beside the file that are no lock's.
fn beside(file: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(file.parent().unwrap()) else { return Vec::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !name.contains(".lock") && name != "other").collect()
}

/// Calls that change nothing on the disk; how often they come is left to chance.
const IDLE: &[&str] = &["futex", "madvise", "mmap", "munmap", "mprotect", "brk", "sched_yield", "rt_sigprocmask"];

#[test]
fn d09_a_kill_at_any_call_leaves_the_old_file_or_the_new_one() {
    let mut points = 0;
    for kept in [true, false] {
        let (home, file) = prepared(kept);
        let save = run(&again(TEST, &file), home.path(), &[]).save();
        for call in save.iter().filter(|call| !IDLE.contains(&call.name.as_str())) {
            let (home, file) = prepared(kept);
            let trace = format!("trace=statx,stat,newfstatat,{}", call.name);
            let kill = format!("inject={}:signal=KILL:when={}", call.name, call.count);
            let options = ["-e", &trace, "-e", &kill];
            let killed = run(&again(TEST, &file), home.path(), &options);
            assert_eq!(killed.status.signal(), Some(9), "{call:?}");
            assert!(killed.has(BEGIN) && !killed.has(END), "{call:?}");
            points += 1;

            let found = generation(&file, "ada").unwrap();
            assert!(found == Some(2) || found == kept.then_some(1), "{call:?}: {found:?}");
            assert_eq!(generation(&file, "bob").unwrap(), kept.then_some(7), "{call:?}");
            assert!(beside(&file).len() <= 2, "{call:?}: {:?}", beside(&file));
            // Nothing that it left is in the way.
            assert!(!is_held(&file), "{call:?}");
            wait(super::save(&TokenStore::file(&file), "ada", 3)).unwrap();
            assert_eq!(generation(&file, "ada").unwrap(), Some(3), "{call:?}");
            assert_eq!(beside(&file), ["tokens.json"], "{call:?}");
        }
    }
    println!("killed at {points} calls");
    assert!(points > 60, "{points}");
}

#[test]
fn d10_what_is_written_is_on_the_disk_before_it_has_its_name() {
    let (home, file) = prepared(true);
    let traced = run(&again(TEST, &file), home.path(), &[]);
    let save = traced.save();
    let at = |from: usize, name: &str, parts: &[&str]| {
        let found = save
            .iter()
            .skip(from)
            .position(|call| call.name == name && parts.iter().all(|part| call.text.contains(part)));
        from + found.unwrap_or_else(|| panic!("no {name} of {parts:?} after {from} in {save:#?}"))
    };
    let result = |at: usize| save[at].text.rsplit("= ").next().unwrap().trim().to_owned();
    let folder = file.parent().unwrap().to_str().unwrap();
    let locked = at(0, "flock", &["LOCK_EX|LOCK_NB"]);
    let locked = at(locked + 1, "flock", &["LOCK_EX|LOCK_NB"]);
    let opened = at(locked, "openat", &[folder, "O_DIRECTORY", "O_NOFOLLOW"]);
    let folder = result(opened);
    let all =
        ["O_WRONLY", "O_CREAT", "O_EXCL", "O_NOFOLLOW", "O_CLOEXEC", "0600", ".restwalk.", &format!("({folder},")];
    let created = at(opened, "openat", &all);
    let part = result(created);
    let written = at(created, "write", &[&format!("({part},")]);
    let synced = at(written, "fsync", &[&format!("({part})"), "= 0"]);
    let renamed = at(synced, "renameat", &[&format!("({folder},"), &format!(", {folder}, \"toke")]);
    let synced = at(renamed, "fsync", &[&format!("({folder})"), "= 0"]);
    at(synced, "flock", &["LOCK_UN"]);
    assert!(save.iter().all(|call| !call.name.contains("chmod") && !call.name.contains("truncate")), "{save:#?}");
}

/// Every call on the way fails once, in every way that a disk fails.
#[test]
fn d11_a_save_that_fails_leaves_the_old_file_and_nothing_beside_it() {
    let (home, file) = prepared(true);
    let reference = run(&again(TEST, &file), home.path(), &[]).save();
    let count = |name: &str, part: &str, nth: usize| {
        let mut found = reference.iter().filter(|call| call.name == name && call.text.contains(part));
        found.nth(nth).unwrap_or_else(|| panic!("no {name} of {part}: {reference:#?}")).count
    };
    let (full, denied, write, none) = ("store.full", "store.permission", "store.write", "none");
    for (name, part, nth, errors) in [
        ("openat", "O_DIRECTORY", 0, &[("EMFILE", write), ("EACCES", denied), ("EIO", write)][..]),
        ("openat", "O_CREAT", 0, &[("EMFILE", write), ("EROFS", denied), ("ENOSPC", full)]),
        ("flock", "LOCK_EX", 0, &[("EIO", write)]),
        ("openat", "O_RDONLY|O_NOCTTY", 0, &[("EMFILE", write), ("EACCES", denied), ("EIO", write)]),
        ("openat", "O_EXCL", 0, &[("EMFILE", write), ("EROFS", denied), ("ENOSPC", full), ("EDQUOT", full)]),
        ("write", "\"{", 0, &[("ENOSPC", full), ("EDQUOT", full), ("EFBIG", full), ("EIO", write)]),
        ("write", "\"{", 0, &[("EINTR", none)]),
        ("fsync", "", 0, &[("ENOSPC", full), ("EDQUOT", full), ("EIO", write)]),
        ("renameat", "", 0, &[("EROFS", denied), ("ENOSPC", full), ("EIO", write)]),
    ] {
        for (error, code) in errors {
            let (home, file) = prepared(true);
            let before = fs::read(&file).unwrap();
            let inject = format!("inject={name}:error={error}:when={}", count(name, part, nth));
            let failed = run(&again(TEST, &file), home.path(), &["-e", "trace=all", "-e", &inject]);
            assert!(failed.status.success(), "{name} {error}: {}", failed.said);
            assert!(failed.has("(INJECTED)"), "{name} {error}");
            assert!(failed.said.contains(&format!("code: {code}.")), "{name} {error}: {}", failed.said);
            assert_eq!(fs::read(&file).unwrap() == before, *code != none, "{name} {error}");
            assert_eq!(beside(&file), ["tokens.json"], "{name} {error}");
            assert!(!is_held(&file), "{name} {error}");
        }
    }
    // The new file has its name already; whether it keeps it is not known.
    let (home, file) = prepared(true);
    let inject = format!("inject=fsync:error=EIO:when={}", count("fsync", "", 1));
    let failed = run(&again(TEST, &file), home.path(), &["-e", "trace=all", "-e", &inject]);
    assert!(failed.said.contains("code: store.write."), "{}", failed.said);
    assert_eq!(generation(&file, "ada").unwrap(), Some(2));
}

/// Without locks two processes would redeem one refresh token; so tokens are not kept there at all.
#[test]
fn d15_a_file_system_without_locks_is_told_of_and_keeps_nothing() {
    for error in ["ENOLCK", "ENOSYS", "EOPNOTSUPP"] {
        let (home, file) = prepared(false);
        let reference = run(&again(TEST, &file), home.path(), &[]).save();
        let first = reference.iter().find(|call| call.name == "flock").unwrap().count;
        let (home, file) = prepared(false);
        let inject = format!("inject=flock:error={error}:when={first}+");
        let failed = run(&again(TEST, &file), home.path(), &["-e", "trace=flock", "-e", &inject]);
        assert!(failed.said.contains("code: store.no_locks."), "{error}: {}", failed.said);
        assert!(failed.said.contains("keyring") && failed.said.contains("another disk"), "{}", failed.said);
        assert!(!file.exists());
    }
}
