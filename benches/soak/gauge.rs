//! What is watched while the load runs: the heap, the process, panics, and every log line.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    fs, io, panic,
    sync::{
        LazyLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use memchr::memmem;
use tracing_subscriber::{Layer, filter::dynamic_filter_fn, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::report::{LOGGED, PANICS};

/// What every secret of the run begins with.
pub const MARK: &str = "CNRY-soak-";

/// How often the client waited and tried again, as its log tells.
pub static RETRIES: AtomicU64 = AtomicU64::new(0);

/// Whether every line of every crate is heard, which is slow; else only what the client says of its retries.
pub static ALL_EARS: AtomicBool = AtomicBool::new(true);

pub static LINES: AtomicU64 = AtomicU64::new(0);

static HEAP: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static WEIGHING: Weighing = Weighing;

struct Weighing;

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Weighing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HEAP.fetch_add(layout.size(), Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        HEAP.fetch_add(size.wrapping_sub(layout.size()), Relaxed);
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        HEAP.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(block, layout) }
    }
}

/// How much of the heap is in use, in bytes.
pub fn heap() -> f64 {
    HEAP.load(Relaxed) as f64
}

/// The memory of this process in MiB; 0 where the system does not tell.
pub fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok());
    line.unwrap_or(0.0) / 1024.0
}

/// How many files and sockets are open; 0 where the system does not tell.
pub fn open_files() -> f64 {
    fs::read_dir("/proc/self/fd").map_or(0.0, |files| files.count() as f64)
}

/// Whether `text` holds a secret: as it is, in hex, or in base64 at any of its three alignments.
pub fn holds_secret(text: &[u8]) -> bool {
    static FORMS: LazyLock<Vec<memmem::Finder<'static>>> = LazyLock::new(|| {
        let hex: String = MARK.bytes().map(|byte| format!("{byte:02x}")).collect();
        let mut forms = vec![MARK.to_owned(), hex.to_uppercase(), hex];
        for (before, first) in [("", 0), ("x", 2), ("xx", 3)] {
            let text = BASE64_STANDARD_NO_PAD.encode(format!("{before}{MARK}"));
            forms.push(text[first..text.len() - 1].to_owned());
        }
        forms.iter().map(|form| memmem::Finder::new(form).into_owned()).collect()
    });
    FORMS.iter().any(|form| form.find(text).is_some())
}

/// Hears every panic and every log line from now on.
pub fn listen() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        PANICS.note(|| info.to_string());
        usual(info);
    }));
    let wanted =
        dynamic_filter_fn(|what, _| ALL_EARS.load(Relaxed) || what.is_event() && what.target().starts_with("restwalk"));
    let lines = fmt::layer().with_ansi(false).with_writer(|| Ear).with_filter(wanted);
    tracing_subscriber::registry().with(lines).init();
}

/// Takes one log line at a time.
struct Ear;

impl io::Write for Ear {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        LINES.fetch_add(1, Relaxed);
        RETRIES.fetch_add(memmem::find(line, b"trying again").is_some().into(), Relaxed);
        if holds_secret(line) {
            LOGGED.note(|| String::from_utf8_lossy(line).into_owned());
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Numbers that look random and are the same in every run of one seed: splitmix64.
pub struct Chance(u64);

impl Chance {
    pub fn of(seed: u64, subject: u64) -> Self {
        Self(seed ^ subject.wrapping_mul(0xd6e8_feb8_6659_fd93))
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
