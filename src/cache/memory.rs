//! Answers that this process keeps: bounded by their bytes, the least useful going first.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use http::HeaderMap;
use quick_cache::{
    DefaultHashBuilder, OptionsBuilder, Weighter,
    sync::{Cache as Quick, DefaultLifecycle},
};

use super::{
    entry::Entry,
    key::{CacheKey, CachePlace, Wanted, ends},
    slot::Slot,
};

/// So many places that were invalidated are remembered one by one.
const MARKS: usize = 4_096;

/// What an entry takes besides its bytes, roughly.
const OVERHEAD: usize = 384;

/// The store in memory.
pub(super) struct Memory {
    slots: Slots,
    /// Counts invalidations; the stamp of what none of them touched.
    count: AtomicU64,
    marks: Mutex<Marks>,
}

type Slots = Quick<CacheKey, Arc<Kept>, Weigh>;

/// A slot, and up to which invalidation its stamp is known.
pub(super) struct Kept {
    slot: Slot,
    stamp: u64,
    checked: AtomicU64,
    weight: u64,
}

impl Kept {
    pub(super) fn slot(&self) -> Slot {
        self.slot.clone()
    }

    pub(super) fn stamp(&self) -> u64 {
        self.stamp
    }
}

/// The places that were invalidated, each with the number of the last time.
#[derive(Default)]
struct Marks {
    /// Whatever is older may have been under a place that is forgotten.
    floor: u64,
    places: HashMap<Box<str>, u64>,
}

#[derive(Clone)]
struct Weigh;

impl Weighter<CacheKey, Arc<Kept>> for Weigh {
    fn weight(&self, _: &CacheKey, kept: &Arc<Kept>) -> u64 {
        kept.weight
    }
}

impl Memory {
    /// At most `capacity` bytes, of answers of at most `largest` each.
    pub(super) fn new(capacity: u64, largest: u64) -> Self {
        // Each shard has its part of the capacity, and room for more than the largest entry.
        let shards = (capacity / largest.saturating_mul(4).max(1)).clamp(1, 16);
        let items = usize::try_from(capacity / 4_096).unwrap_or(usize::MAX).clamp(512, 1 << 20);
        Self { slots: Self::slots(shards as usize, capacity, items), count: AtomicU64::new(1), marks: Mutex::default() }
    }

    fn slots(shards: usize, capacity: u64, items: usize) -> Slots {
        let mut options = OptionsBuilder::new();
        options.shards(shards).weight_capacity(capacity).estimated_items_capacity(items);
        match options.build() {
            Ok(options) => {
                Quick::with_options(options, Weigh, DefaultHashBuilder::default(), DefaultLifecycle::default())
            }
            // Not reached: every option is given.
            Err(_) => Quick::with_weighter(items, capacity, Weigh),
        }
    }

    /// The latest answer to such a request, where it is known without a look at the marks that nothing has made it untrue.
    pub(super) fn peek(&self, wanted: &Wanted<'_>, asked: &HeaderMap) -> Option<Arc<Entry>> {
        let kept = self.slots.get(wanted)?;
        let checked = kept.checked.load(Ordering::Acquire) == self.count.load(Ordering::Acquire);
        kept.slot.find(asked, kept.stamp).filter(|_| checked).cloned()
    }

    /// What is kept, where nothing has made it untrue.
    pub(super) fn get(&self, key: &CacheKey) -> Option<Arc<Kept>> {
        let kept = self.slots.get(key)?;
        if kept.checked.load(Ordering::Acquire) == self.count.load(Ordering::Acquire) {
            return Some(kept);
        }
        let marks = self.marks();
        if marks.stamp(key) != kept.stamp {
            drop(marks);
            self.remove(key);
            return None;
        }
        kept.checked.store(self.count.load(Ordering::Acquire), Ordering::Release);
        Some(kept)
    }

    /// The stamp of a key's place.
    pub(super) fn stamp(&self, key: &CacheKey) -> u64 {
        self.marks().stamp(key)
    }

    pub(super) fn set(&self, key: CacheKey, slot: Slot, stamp: u64) {
        let weight = (slot.size() + key.url().len() + OVERHEAD) as u64;
        self.slots.insert(key, Arc::new(Kept { slot, stamp, checked: AtomicU64::new(0), weight }));
    }

    pub(super) fn remove(&self, key: &CacheKey) {
        self.slots.remove(key);
    }

    pub(super) fn invalidate(&self, place: &CachePlace) {
        let mut marks = self.marks();
        let next = self.count.load(Ordering::Acquire) + 1;
        if marks.places.len() >= MARKS {
            marks.places.clear();
            marks.floor = next;
        }
        marks.places.insert(place.url().into(), next);
        self.count.store(next, Ordering::Release);
    }

    pub(super) fn clear(&self) {
        let mut marks = self.marks();
        let next = self.count.load(Ordering::Acquire) + 1;
        *marks = Marks { floor: next, places: HashMap::new() };
        self.count.store(next, Ordering::Release);
        self.slots.clear();
    }

    /// Forgets the slots that `expired` says; how many.
    pub(super) fn purge(&self, expired: impl Fn(&Slot) -> bool) -> u64 {
        let before = self.slots.len();
        self.slots.retain(|_, kept| !expired(&kept.slot));
        before.saturating_sub(self.slots.len()) as u64
    }

    /// At most `most` of what is kept, by their URLs.
    pub(super) fn list(&self, most: usize) -> Vec<(String, Slot)> {
        self.slots.iter().take(most).map(|(key, kept)| (key.url().to_owned(), kept.slot())).collect()
    }

    pub(super) fn capacity(&self) -> u64 {
        self.slots.capacity()
    }

    pub(super) fn usage(&self) -> (u64, u64) {
        (self.slots.len() as u64, self.slots.weight())
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Marks {
    /// The last invalidation of a place that the key lies under.
    fn stamp(&self, key: &CacheKey) -> u64 {
        if self.places.is_empty() {
            return self.floor;
        }
        let (origin, path) = key.ends();
        let url = key.url()[..path].trim_end_matches('/');
        ends(url, origin).filter_map(|end| self.places.get(&url[..end])).copied().fold(self.floor, u64::max)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "memory of {} bytes", self.slots.capacity())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Came, Moment, Rules},
        *,
    };

    fn key(url: &str) -> CacheKey {
        CacheKey::new([0; 32], &url.parse().unwrap()).unwrap()
    }

    fn has(memory: &Memory, url: &str) -> bool {
        memory.get(&key(url)).is_some()
    }

    #[test]
    fn c09_what_lies_under_a_place_is_given_no_more_once_it_was_invalidated() {
        let memory = Memory::new(1 << 20, 1 << 10);
        let urls = ["http://h/a", "http://h/a/b", "http://h/a/b?c", "http://h/ab", "http://i/a/b"];
        for url in urls {
            memory.set(key(url), Slot::default(), memory.stamp(&key(url)));
            assert!(has(&memory, url));
        }
        memory.invalidate(&key("http://h/a/b/").place());
        assert_eq!(urls.map(|url| has(&memory, url)), [true, false, false, true, true]);
        let before = memory.stamp(&key("http://h/a/b"));
        memory.invalidate(&key("http://h/").place());
        assert_eq!(urls.map(|url| has(&memory, url)), [false, false, false, false, true]);
        memory.set(key("http://h/a/b"), Slot::default(), before);
        assert!(!has(&memory, "http://h/a/b"), "what was asked for before is not given afterwards");
    }

    #[test]
    fn c09_what_was_asked_for_before_everything_was_forgotten_is_not_given() {
        let memory = Memory::new(1 << 20, 1 << 10);
        let before = memory.stamp(&key("http://h/a"));
        memory.clear();
        memory.set(key("http://h/a"), Slot::default(), before);
        assert!(!has(&memory, "http://h/a"));
        memory.set(key("http://h/a"), Slot::default(), memory.stamp(&key("http://h/a")));
        assert!(has(&memory, "http://h/a"));
    }

    /// A slot of one answer with a body of so many bytes, under the stamp of its place.
    fn slot(memory: &Memory, key: &CacheKey, length: usize) -> Slot {
        let mut headers = HeaderMap::new();
        headers.insert("cache-control", http::HeaderValue::from_static("max-age=60"));
        let rules = Rules { ttl: None, limit: 0, heuristics: false, errors: false, cookies: false, shared: false };
        let came = Came {
            asked: &HeaderMap::new(),
            signed: false,
            status: http::StatusCode::OK,
            version: http::Version::HTTP_11,
            headers: &headers,
        };
        let draft = rules.draft(&came, Moment::now(), memory.stamp(key)).unwrap();
        Slot::joined(None, &draft.entry(bytes::Bytes::from(vec![b'x'; length])))
    }

    #[test]
    fn c22_what_is_kept_never_exceeds_its_capacity() {
        let capacity = 64 << 10;
        let memory = Memory::new(capacity, 4 << 10);
        let mut most = 0;
        for number in 0..400 {
            let key = key(&format!("http://h/{number}"));
            let slot = slot(&memory, &key, number * 37 % 4_096);
            memory.set(key.clone(), slot, memory.stamp(&key));
            let (_, bytes) = memory.usage();
            assert!(bytes <= capacity, "{number}: {bytes}");
            most = most.max(bytes);
        }
        assert!(most > capacity / 2, "hardly anything is kept: {most}");
    }

    #[test]
    fn c28_who_reads_meanwhile_sees_what_was_kept_under_its_own_key_and_nothing_untrue() {
        let memory = Memory::new(1 << 20, 64 << 10);
        let keys: Vec<_> = (0..4).map(|number| key(&format!("http://h/{number}/x"))).collect();
        std::thread::scope(|scope| {
            for thread in 0..8_usize {
                let (memory, keys) = (&memory, &keys);
                scope.spawn(move || {
                    for round in 0..2_000_usize {
                        let (number, own) = ((thread + round) % 4, &keys[(thread + round) % 4]);
                        match round % 5 {
                            0 | 1 => {
                                let slot = slot(memory, own, number + 1);
                                let stamp = slot.entries()[0].stamp;
                                memory.set(own.clone(), slot, stamp);
                            }
                            2 => memory.remove(own),
                            3 => memory.invalidate(&key(&format!("http://h/{number}")).place()),
                            _ => {}
                        }
                        let before = memory.stamp(own);
                        if let Some(kept) = memory.get(own) {
                            assert!(kept.stamp() >= before, "what was untrue before it was looked for is given");
                            assert_eq!(kept.slot().entries()[0].body.len(), number + 1);
                        }
                    }
                });
            }
        });
    }

    #[test]
    fn c22_marks_are_bounded_and_no_stamp_comes_back() {
        let memory = Memory::new(1 << 20, 1 << 10);
        memory.set(key("http://h/0/x"), Slot::default(), memory.stamp(&key("http://h/0/x")));
        memory.invalidate(&key("http://h/0").place());
        for number in 1..=MARKS {
            memory.invalidate(&key(&format!("http://h/{number}")).place());
        }
        assert!(memory.marks().places.len() <= MARKS && !has(&memory, "http://h/0/x"));
    }
}
