//! The folder as one process sees it; [`processes`] has those that share it, [`laws`] a model of it.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    sync::Mutex,
};

use tempfile::TempDir;

use super::*;
use crate::error::Error;

/// Any interleaving agrees with a model.
mod laws;
/// What becomes untrue, and stays so.
mod marks;
/// Processes that share a folder, are killed, and meet disks that fail.
mod processes;

/// A folder in memory where there is any, and a clock that is set by hand.
struct Stage {
    home: TempDir,
    clock: Arc<Mutex<SystemTime>>,
}

impl Stage {
    fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let home = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        Self { home, clock: Arc::new(Mutex::new(SystemTime::now())) }
    }

    fn folder(&self) -> PathBuf {
        self.home.path().join("a/cache")
    }

    /// A store of its own on the same folder, which waits as long as a busy machine may need.
    fn disk(&self) -> Disk {
        self.patient(Duration::from_secs(60))
    }

    fn sized(&self, capacity: u64) -> Disk {
        let disk = self.disk();
        disk.set_capacity(capacity);
        disk
    }

    fn patient(&self, patience: Duration) -> Disk {
        let clock = Arc::clone(&self.clock);
        Disk::new(&self.folder(), Arc::new(move || *clock.lock().unwrap()), patience)
    }

    fn pass(&self, time: Duration) {
        *self.clock.lock().unwrap() += time;
    }

    /// The names in the folder.
    fn names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.folder()) else { return Vec::new() };
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The files of values.
    fn values(&self) -> Vec<PathBuf> {
        let names = self.names().into_iter().filter(|name| name.len() == 64);
        names.map(|name| self.folder().join(name)).collect()
    }

    /// The only one.
    fn value(&self) -> PathBuf {
        let [value] = &self.values()[..] else { panic!("{:?}", self.names()) };
        value.clone()
    }

    /// The bytes of the disk that values take.
    fn held(&self) -> u64 {
        self.values().iter().map(|path| folder::size(fs::metadata(path).unwrap().len())).sum()
    }
}

const HOUR: Duration = Duration::from_secs(3600);

fn key(who: u8, target: &str) -> CacheKey {
    CacheKey::new([who; 32], &format!("https://api.example.com{target}").parse().unwrap()).unwrap()
}

fn place(path: &str) -> CachePlace {
    key(0, path).place()
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

async fn get(disk: &Disk, key: &CacheKey) -> Option<Bytes> {
    disk.get(key).await.unwrap().value
}

async fn set(disk: &Disk, key: &CacheKey, value: impl Into<Bytes>) {
    disk.set(key, value.into(), HOUR).await.unwrap();
}

#[tokio::test]
async fn c01_after_a_restart_each_finds_what_is_its_own() {
    let stage = Stage::new();
    let disk = stage.disk();
    assert_eq!(get(&disk, &key(1, "/a")).await, None);
    set(&disk, &key(1, "/a"), "ada's").await;
    set(&disk, &key(2, "/a"), "").await;
    let disk = stage.disk();
    assert_eq!(get(&disk, &key(1, "/a")).await.unwrap(), "ada's");
    assert_eq!(get(&disk, &key(2, "/a")).await.unwrap(), "");
    for other in [key(3, "/a"), key(1, "/a?x"), key(1, "/b"), key(1, "/a/")] {
        assert_eq!(get(&disk, &other).await, None, "{other:?}");
    }
    set(&disk, &key(1, "/a"), "ada's own").await;
    disk.remove(&key(2, "/a")).await.unwrap();
    disk.remove(&key(3, "/a")).await.unwrap();
    assert_eq!(get(&disk, &key(1, "/a")).await.unwrap(), "ada's own");
    assert_eq!(get(&disk, &key(2, "/a")).await, None);
}

#[tokio::test]
async fn what_manages_a_folder_that_is_not_there_makes_none() {
    let stage = Stage::new();
    let disk = stage.disk();
    disk.remove(&key(1, "/a")).await.unwrap();
    disk.invalidate(&place("/a")).await.unwrap();
    disk.clear().await.unwrap();
    assert_eq!(disk.purge_expired().await.unwrap(), 0);
    assert_eq!(disk.usage().await.unwrap(), (0, 0));
    assert_eq!(disk.list(9).await.unwrap(), Vec::<Bytes>::new());
    assert!(!stage.folder().exists());
}

#[tokio::test]
async fn what_is_kept_can_be_listed_counted_and_cleared() {
    let stage = Stage::new();
    let disk = stage.disk();
    for number in 0..5_u8 {
        set(&disk, &key(1, &format!("/{number}")), vec![number; 5000]).await;
    }
    fs::write(stage.folder().join("notes.txt"), "mine").unwrap();
    assert_eq!(disk.usage().await.unwrap(), (5, 5 * 8192));
    let mut kept = disk.list(9).await.unwrap();
    kept.sort();
    assert_eq!(kept, (0..5_u8).map(|number| vec![number; 5000]).collect::<Vec<_>>());
    assert_eq!(disk.list(2).await.unwrap().len(), 2);
    let before = disk.get(&key(1, "/0")).await.unwrap().stamp;
    disk.clear().await.unwrap();
    assert_eq!(stage.names(), ["notes.txt", "room"]);
    assert_eq!(disk.usage().await.unwrap(), (0, 0));
    assert_ne!(disk.get(&key(1, "/0")).await.unwrap().stamp, before, "a fill that began before is not given");
}

#[tokio::test]
async fn what_is_past_its_life_is_not_given_and_goes_when_asked_to() {
    let stage = Stage::new();
    let disk = stage.disk();
    for (path, life) in [("/s", 1), ("/m", 60), ("/h", 3600)] {
        disk.set(&key(1, path), path.to_owned().into(), Duration::from_secs(life)).await.unwrap();
    }
    disk.set(&key(1, "/ever"), Bytes::new(), Duration::MAX).await.unwrap();
    disk.set(&key(1, "/never"), Bytes::new(), Duration::ZERO).await.unwrap();
    stage.pass(Duration::from_millis(59_999));
    for (path, there) in [("/s", false), ("/m", true), ("/h", true), ("/ever", true), ("/never", false)] {
        assert_eq!(get(&disk, &key(1, path)).await.is_some(), there, "{path}");
    }
    assert_eq!(disk.list(9).await.unwrap().len(), 3);
    stage.pass(Duration::from_millis(1));
    assert_eq!(get(&disk, &key(1, "/m")).await, None);
    assert_eq!(disk.purge_expired().await.unwrap(), 3);
    assert_eq!((disk.purge_expired().await.unwrap(), stage.values().len()), (0, 2));
    // What another program's marks, or none, were the head of is nobody's.
    fs::remove_file(stage.folder().join("marks")).unwrap();
    assert_eq!((disk.purge_expired().await.unwrap(), stage.values().len()), (2, 0));
}

#[tokio::test]
async fn c22_what_is_kept_never_exceeds_its_capacity() {
    let stage = Stage::new();
    let capacity = 64 << 10;
    let disks = [stage.sized(capacity), stage.sized(capacity)];
    let mut most = 0;
    for number in 0..400_usize {
        let length = number * 7919 % 9000;
        set(&disks[number % 2], &key(1, &format!("/{}", number % 90)), vec![7; length]).await;
        most = most.max(stage.held());
        assert!(stage.held() <= capacity, "{} after {number}", stage.held());
        let kept = get(&disks[1], &key(1, &format!("/{}", number % 90))).await;
        assert_eq!(kept.map(|value| value.len()), Some(length), "what is newest is kept");
    }
    assert!(most > capacity / 10 * 8, "room is used: {most}");
    assert_eq!(stage.disk().usage().await.unwrap().1, stage.held());
}

#[tokio::test]
async fn c22_what_was_used_longest_ago_goes_first() {
    let stage = Stage::new();
    let disk = stage.sized(10 * 4096);
    for number in 0..10 {
        set(&disk, &key(1, &format!("/{number}")), "x").await;
        stage.pass(Duration::from_secs(61));
    }
    assert!(get(&disk, &key(1, "/0")).await.is_some());
    stage.pass(Duration::from_secs(61));
    set(&disk, &key(1, "/10"), "x").await;
    for (path, there) in [("/0", true), ("/1", false), ("/2", true), ("/9", true), ("/10", true)] {
        assert_eq!(get(&disk, &key(1, path)).await.is_some(), there, "{path}");
    }
}

#[tokio::test]
async fn c21_what_is_larger_than_all_room_is_not_kept_and_nothing_old_in_its_place() {
    let stage = Stage::new();
    let disk = stage.sized(8192);
    set(&disk, &key(1, "/a"), "small").await;
    set(&disk, &key(1, "/a"), vec![7; 8192]).await;
    assert_eq!(get(&disk, &key(1, "/a")).await, None);
    set(&disk, &key(1, "/a"), vec![7; 8192 - 24]).await;
    assert_eq!(get(&disk, &key(1, "/a")).await.unwrap().len(), 8192 - 24);
    let none = stage.sized(0);
    set(&none, &key(1, "/a"), "").await;
    assert_eq!((get(&disk, &key(1, "/a")).await, stage.values().len()), (None, 0));
}

#[tokio::test]
async fn c22_a_count_that_is_lost_or_old_is_made_anew() {
    let stage = Stage::new();
    let (capacity, room) = (16 * 4096, stage.folder().join("room"));
    let disk = stage.sized(capacity);
    for text in [&[][..], &[0; 7], &[0; 16]] {
        for number in 0..16 {
            set(&disk, &key(1, &format!("/{number}")), "x").await;
        }
        fs::write(&room, text).unwrap();
        for number in 16..32 {
            set(&disk, &key(1, &format!("/{number}")), "x").await;
            assert!(stage.held() <= capacity);
        }
    }
    // A number of yesterday is not believed, nor one of tomorrow.
    for forth in [true, false] {
        disk.clear().await.unwrap();
        set(&disk, &key(1, "/a"), "x").await;
        if forth {
            stage.pass(Duration::from_secs(24 * 3600));
        } else {
            *stage.clock.lock().unwrap() -= HOUR;
        }
        fs::write(stage.folder().join("f".repeat(64)), vec![0; 15 * 4096]).unwrap();
        set(&disk, &key(1, "/b"), "x").await;
        assert!(stage.held() <= capacity);
    }
}

#[tokio::test]
async fn c23_what_is_no_value_of_this_folder_is_missed_and_removed() {
    let stage = Stage::new();
    let (disk, key) = (stage.disk(), key(1, "/a"));
    set(&disk, &key, "value").await;
    let path = stage.value();
    let whole = fs::read(&path).unwrap();
    let mut other = whole.clone();
    other[3] ^= 1;
    let small = stage.sized(4);
    let damages: &[(&str, &dyn Fn())] = &[
        ("nothing", &|| fs::write(&path, "").unwrap()),
        ("half a head", &|| fs::write(&path, &whole[..20]).unwrap()),
        ("another version", &|| fs::write(&path, &other).unwrap()),
        ("a folder", &|| fs::create_dir(&path).unwrap()),
        ("a link", &|| symlink("/etc/hostname", &path).unwrap()),
        ("a link to itself", &|| symlink(&path, &path).unwrap()),
        ("a pipe", &|| {
            rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
        }),
    ];
    for (what, damage) in damages {
        fs::remove_file(&path).unwrap();
        damage();
        assert_eq!(get(&disk, &key).await, None, "{what}");
        assert!(fs::symlink_metadata(&path).is_err(), "{what} is removed");
        damage();
        set(&disk, &key, "value").await;
        assert_eq!(get(&disk, &key).await.unwrap(), "value", "{what} is replaced");
    }
    assert_eq!(get(&small, &key).await, None, "larger than all room");
    assert_eq!(stage.values().len(), 0);
    // A folder with something in it is somebody's: it stays, and is told of.
    fs::create_dir_all(path.join("inner")).unwrap();
    assert_eq!(disk.get(&key).await.unwrap_err().code(), "store.write");
    assert_eq!(disk.set(&key, Bytes::new(), HOUR).await.unwrap_err().code(), "store.write");
    assert_eq!(stage.names().iter().filter(|name| *name == "part").count(), 0);
}

#[tokio::test]
async fn c30_names_are_digits_alone_whatever_the_key() {
    let stage = Stage::new();
    let disk = stage.disk();
    let long = format!("/{}", "x".repeat(4096));
    for target in ["/a/../b", "/A", "/a", &long, "/%00", "/%2e%2e/%2f", "/?q=a/b&CNRY-query", "//", "/con"] {
        set(&disk, &key(1, target), "CNRY-no, the value is not hidden").await;
        disk.invalidate(&place(target)).await.unwrap();
    }
    assert_eq!(stage.values().len(), 9);
    for name in stage.names().iter().filter(|name| !["marks", "room"].contains(&&***name)) {
        assert!(name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    }
    // The same key has another name elsewhere.
    let other = Stage::new();
    set(&other.disk(), &key(1, "/a"), "x").await;
    assert!(!stage.names().contains(&other.value().file_name().unwrap().to_str().unwrap().to_owned()));
}

fn refused<T>(result: Result<T>) -> String {
    let error: Error = result.map(|_| ()).unwrap_err();
    assert_eq!(error.code(), "store.permission", "{error}");
    error.to_string()
}

#[tokio::test]
async fn c31_a_folder_that_others_could_write_is_refused() {
    let stage = Stage::new();
    let (disk, folder) = (stage.disk(), stage.folder());
    set(&disk, &key(1, "/a"), "x").await;
    let mode = |mode| fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
    for (bits, fix) in [(0o720, "chmod 700 '"), (0o702, "chmod 700 '"), (0o1777, "one of your own")] {
        mode(bits);
        for told in [
            refused(disk.get(&key(1, "/a")).await),
            refused(disk.set(&key(1, "/a"), Bytes::new(), HOUR).await),
            refused(disk.remove(&key(1, "/a")).await),
            refused(disk.clear().await),
            refused(disk.usage().await),
            refused(disk.list(1).await),
            refused(disk.purge_expired().await),
        ] {
            assert!(told.contains(fix), "{bits:o}: {told}");
        }
    }
    mode(0o755);
    assert!(get(&disk, &key(1, "/a")).await.is_some());
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&folder, Some(1), None).unwrap();
        assert!(refused(disk.get(&key(1, "/a")).await).contains("belongs to somebody else"));
    }
    let file = Disk::at(&stage.home.path().join("file"));
    fs::write(stage.home.path().join("file"), "").unwrap();
    assert!(refused(file.get(&key(1, "/a")).await).contains("is no folder"));
}

/// Who keeps a large cache elsewhere may put a link in its place.
#[tokio::test]
async fn a_link_to_a_folder_of_one_s_own_is_followed() {
    let stage = Stage::new();
    fs::create_dir_all(stage.home.path().join("elsewhere")).unwrap();
    fs::create_dir_all(stage.home.path().join("a")).unwrap();
    symlink(stage.home.path().join("elsewhere"), stage.folder()).unwrap();
    set(&stage.disk(), &key(1, "/a"), "x").await;
    assert!(get(&stage.disk(), &key(1, "/a")).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_hangs_is_waited_for_once_and_left_alone() {
    let stage = Stage::new();
    let disk = stage.patient(PATIENCE);
    set(&disk, &key(1, "/a"), "x").await;
    let all = disk.0.readers.turns().acquire_many(READERS as u32).await.unwrap();
    let asked = tokio::time::Instant::now();
    for took in [1, 1, 1] {
        let error = disk.get(&key(1, "/a")).await.unwrap_err();
        assert_eq!((error.code(), asked.elapsed().as_secs()), ("store.slow", took), "{error}");
    }
    // Who writes waits in another line.
    set(&disk, &key(1, "/b"), "x").await;
    drop(all);
    tokio::time::advance(Duration::from_secs(10)).await;
    assert!(get(&disk, &key(1, "/a")).await.is_some());
}

/// Each key has one writer, who counts; whoever reads sees no number that was over before it asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c28_readers_never_see_what_was_replaced_before_they_asked() {
    let stage = Stage::new();
    let written: Arc<[AtomicU64; 4]> = Arc::default();
    let mut tasks = Vec::new();
    for at in 0..4 {
        let (disk, written, key) = (stage.disk(), Arc::clone(&written), key(1, &format!("/{at}")));
        tasks.push(tokio::spawn(async move {
            for number in 1..=200_u64 {
                set(&disk, &key, number.to_be_bytes().repeat(at * 300 + 1)).await;
                written[at].store(number, Ordering::SeqCst);
                if number % 16 == 0 {
                    disk.remove(&key).await.unwrap();
                }
            }
        }));
    }
    for at in 0..4 {
        let (disk, written, key) = (stage.disk(), Arc::clone(&written), key(1, &format!("/{at}")));
        tasks.push(tokio::spawn(async move {
            while written[at].load(Ordering::SeqCst) < 200 {
                let least = written[at].load(Ordering::SeqCst);
                let Some(value) = get(&disk, &key).await else { continue };
                let number = u64::from_be_bytes(value[..8].try_into().unwrap());
                assert!(number >= least, "{number} after {least}");
                assert_eq!(value, number.to_be_bytes().repeat(at * 300 + 1), "whole");
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}
