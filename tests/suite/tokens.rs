//! D, O: files of tokens, as processes share them, are killed over them, and meet disks that fail.
//!
//! A test runs itself again in processes of their own; `SUITE_…` tell those what to do.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead, BufReader, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use restwalk::{Result, TokenKey, TokenRecord, TokenStore};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// D20, O10 to O18: processes that renew one rotating refresh token.
#[cfg(feature = "http")]
mod renewing;
/// D09 to D11, D15: a save under a tracer.
mod traced;

/// What the outer run gave the inner one; `None` in the outer run.
fn inner(variable: &str) -> Option<String> {
    env::var(variable).ok()
}

/// The test `name` again, in a process of its own that is told of the file.
fn again(name: &str, file: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env("SUITE_FILE", file);
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

    /// Waits until it has said `word`.
    fn hear(&mut self, word: &str) {
        let mut heard = String::new();
        while !heard.contains(word) {
            assert!(self.1.read_line(&mut heard).unwrap() > 0, "it ended with {heard}");
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    /// Waits until it has ended well; gives what it said last.
    fn end(mut self) -> String {
        let mut said = String::new();
        self.1.read_to_string(&mut said).unwrap();
        assert!(self.0.wait().unwrap().success(), "{said}");
        said
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Does it on a runtime of the library's.
fn wait<T>(future: impl Future<Output = T>) -> T {
    restwalk::block_on(future).unwrap()
}

/// A folder, and the file of tokens in it.
fn home() -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("restwalk/tokens.json");
    (home, file)
}

/// The same in memory, where nothing waits for a disk.
fn home_in_memory() -> (TempDir, PathBuf) {
    let memory = Path::new("/dev/shm");
    let home = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let file = home.path().join("restwalk/tokens.json");
    (home, file)
}

fn key(account: &str) -> TokenKey {
    TokenKey::new([("account", account)], [])
}

fn record(generation: u64) -> TokenRecord {
    let mut record = TokenRecord::default();
    record.generation = generation;
    record.access_token = Some("at".into());
    record
}

async fn save(tokens: &TokenStore, account: &str, generation: u64) -> Result<()> {
    tokens.lock(&key(account)).await?.write(&record(generation)).await
}

fn generation(file: &Path, account: &str) -> Result<Option<u64>> {
    let found = wait(TokenStore::file(file).read(&key(account)))?;
    Ok(found.map(|record| record.generation))
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn d01_what_is_made_is_its_owner_s_alone_under_any_umask() {
    if let Some(file) = inner("SUITE_FILE") {
        return wait(save(&TokenStore::file(file), "ada", 1)).unwrap();
    }
    for umask in ["000", "022", "077"] {
        let (home, file) = home();
        let test = again("tokens::d01_what_is_made_is_its_owner_s_alone_under_any_umask", &file);
        let mut shell = Command::new("sh");
        shell.args(["-c", "umask $0 && exec \"$@\"", umask]).arg(test.get_program()).args(test.get_args());
        let traced = traced::run(shell.env("SUITE_FILE", &file), home.path(), &["-e", "trace=%file,fchmod"]);
        assert!(traced.status.success(), "{traced:?}");
        let folder = file.parent().unwrap();
        assert_eq!((mode_of(folder), mode_of(&file)), (0o700, 0o600), "umask {umask}");
        let beside: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(beside.len(), 4, "the file and three locks: {beside:?}");
        for path in &beside {
            assert_eq!(mode_of(path), 0o600, "umask {umask}: {path:?}");
        }
        assert!(traced.calls.iter().all(|call| !call.name.contains("chmod")), "{:?}", traced.calls);
        assert!(traced.calls.iter().any(|call| call.text.contains("O_EXCL") && call.text.contains("0600")));
    }
}

/// Four processes of 25 writers, each of whom counts to 50 in an account of its own: what was lost would be missing.
#[test]
fn d13_a_hundred_writers_lose_nothing() {
    if let (Some(file), Some(process)) = (inner("SUITE_FILE"), inner("SUITE_PROCESS")) {
        let tokens = TokenStore::file(file);
        return wait(async {
            let writers: Vec<_> = (0..25)
                .map(|writer| {
                    let (tokens, process) = (tokens.clone(), process.clone());
                    tokio::spawn(async move {
                        let key = key(&format!("{process}-{writer}"));
                        for _ in 0..50 {
                            let mut turn = tokens.lock(&key).await.unwrap();
                            let kept = turn.read().await.unwrap().map_or(0, |kept| kept.generation);
                            turn.write(&record(kept + 1)).await.unwrap();
                        }
                    })
                })
                .collect();
            for writer in writers {
                writer.await.unwrap();
            }
        });
    }
    let (_home, file) = home_in_memory();
    let test = "tokens::d13_a_hundred_writers_lose_nothing";
    let processes: Vec<_> =
        (0..4).map(|process| Process::start(again(test, &file).env("SUITE_PROCESS", process.to_string()))).collect();
    for process in processes {
        process.end();
    }
    let kept: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let kept = kept["tokens"].as_object().unwrap().values();
    let kept: BTreeMap<_, _> =
        kept.map(|token| (token["key"]["account"].as_str().unwrap(), token["record"]["generation"].clone())).collect();
    let expected = (0..4).flat_map(|process| (0..25).map(move |writer| format!("{process}-{writer}")));
    let lost: Vec<_> = expected.filter(|account| kept.get(account.as_str()).is_none_or(|it| *it != 50)).collect();
    assert!(lost.is_empty() && kept.len() == 100, "{lost:?} of {kept:?}");
}

/// Holds the lock of ada's token until it is killed.
fn hold(file: &str) {
    wait(async {
        let mut turn = TokenStore::file(file).lock(&key("ada")).await.unwrap();
        let _ = turn.read().await.unwrap();
        println!("held");
        std::future::pending::<()>().await;
    });
}

/// Whether ada's lock is held by another for all the time that it is waited for, which passes at once here.
fn is_held(file: &Path) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let asked = tokio::time::Instant::now();
        match TokenStore::file(file).lock(&key("ada")).await {
            Ok(_) => false,
            Err(error) => {
                assert_eq!(error.code(), "store.locked", "{error}");
                assert!(asked.elapsed() <= Duration::from_secs(30), "{:?}", asked.elapsed());
                true
            }
        }
    })
}

#[test]
fn d14_the_lock_of_a_process_ends_with_it() {
    if let Some(file) = inner("SUITE_FILE") {
        return hold(&file);
    }
    let (_home, file) = home();
    let mut holder = Process::start(&mut again("tokens::d14_the_lock_of_a_process_ends_with_it", &file));
    holder.hear("held");
    assert!(is_held(&file));
    holder.signal(Signal::KILL);
    holder.0.wait().unwrap();
    assert!(!is_held(&file));
    wait(save(&TokenStore::file(&file), "ada", 1)).unwrap();
    assert_eq!(generation(&file, "ada").unwrap(), Some(1));
}

#[test]
fn o12_a_stopped_process_keeps_others_for_30_seconds_and_hinders_no_reader() {
    if let Some(file) = inner("SUITE_FILE") {
        return hold(&file);
    }
    let (_home, file) = home();
    wait(save(&TokenStore::file(&file), "ada", 1)).unwrap();
    let test = "tokens::o12_a_stopped_process_keeps_others_for_30_seconds_and_hinders_no_reader";
    let mut holder = Process::start(&mut again(test, &file));
    holder.hear("held");
    holder.signal(Signal::STOP);
    assert!(is_held(&file));
    assert_eq!(generation(&file, "ada").unwrap(), Some(1));
    holder.signal(Signal::CONT);
    assert!(is_held(&file));
    drop(holder);
    assert!(!is_held(&file));
}
