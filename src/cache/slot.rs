//! All answers of one URL for one identity, and the bytes that stand for them in a store.
//!
//! The bytes begin with a checksum over themselves and the key: what was damaged, written by
//! another version, or kept under another key is no slot.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, StatusCode, Version, header::CONTENT_ENCODING};
use sha2::{Digest, Sha256};
use smallvec::SmallVec;

use super::{
    entry::Entry,
    key::CacheKey,
    listing::shown,
    terms::{Moment, Terms, millis},
    vary::Selecting,
};
use crate::secret::feed;

/// What the bytes begin with: a name and the version of the form.
const MARK: &[u8; 8] = b"rwcache1";

/// So many answers of one URL are kept, by what they vary by; the one that came first makes room.
const VARIANTS: usize = 8;

/// The answers of one key, the latest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slot(SmallVec<[Arc<Entry>; 1]>);

impl Slot {
    /// The latest answer that is for such a request, under this stamp.
    pub(super) fn find(&self, asked: &HeaderMap, stamp: u64) -> Option<&Arc<Entry>> {
        self.0.iter().find(|entry| entry.stamp == stamp && entry.selecting.matches(asked))
    }

    /// What is kept with `entry` beside what was there, of which it takes the place for the same requests; what has
    /// another stamp is left out.
    pub(super) fn joined(before: Option<&Self>, entry: &Arc<Entry>) -> Self {
        before.map_or_else(|| Self::default().with(entry), |before| before.with(entry))
    }

    fn with(&self, entry: &Arc<Entry>) -> Self {
        let later = |known: &Arc<Entry>| known.stamp == entry.stamp && known.came.at > entry.came.at;
        if self.0.iter().any(|known| known.selecting == entry.selecting && later(known)) {
            // A later answer was faster.
            return self.clone();
        }
        let stays = |known: &&Arc<Entry>| known.stamp == entry.stamp && known.selecting != entry.selecting;
        let others = self.0.iter().filter(stays).take(VARIANTS - 1).cloned();
        Self(std::iter::once(Arc::clone(entry)).chain(others).collect())
    }

    pub(super) fn entries(&self) -> &[Arc<Entry>] {
        &self.0
    }

    /// How many bytes it takes.
    pub(super) fn size(&self) -> usize {
        self.0.iter().map(|entry| entry.size()).sum()
    }

    /// How long any of it is of use.
    pub(super) fn life(&self) -> Duration {
        self.0.iter().map(|entry| entry.life()).max().unwrap_or_default()
    }

    /// Whether none of it is of use by now.
    pub(super) fn is_over(&self, now: Moment) -> bool {
        self.0.iter().all(|entry| entry.age(now) >= entry.terms.age.saturating_add(entry.life()))
    }

    /// The bytes that stand for it under `key`.
    pub(super) fn encode(&self, key: &CacheKey) -> Bytes {
        let mut out = BytesMut::with_capacity(self.size() + 256);
        out.put_slice(MARK);
        out.put_bytes(0, 32);
        // It is there to be listed; the checksum is of the whole.
        put(&mut out, shown(key.url()).as_bytes());
        out.put_u8(self.0.len() as u8);
        self.0.iter().for_each(|entry| entry.encode(&mut out));
        let tag = tag(key, &out[40..]);
        out[8..40].copy_from_slice(&tag);
        out.freeze()
    }

    /// What the bytes stand for under `key`, read at `now`; `None` where they are nothing of ours.
    pub(super) fn decode(key: &CacheKey, bytes: &Bytes, now: Moment) -> Option<Self> {
        let said = bytes.get(8..40)?;
        if tag(key, &bytes[40..]) != said {
            return None;
        }
        Some(Self::read(bytes, now)?.1)
    }

    /// The URL and the answers, unchecked.
    pub(super) fn read(bytes: &Bytes, now: Moment) -> Option<(String, Self)> {
        let mut rest = bytes.clone();
        if rest.get(..8)? != MARK || rest.len() < 40 {
            return None;
        }
        rest.advance(40);
        let url = String::from_utf8(take(&mut rest)?.to_vec()).ok()?;
        let count = rest.try_get_u8().ok()?;
        let entries = (0..count).map(|_| Entry::decode(&mut rest, now).map(Arc::new)).collect::<Option<_>>()?;
        rest.is_empty().then_some((url, Self(entries)))
    }
}

/// The checksum of what follows it, for one key.
fn tag(key: &CacheKey, content: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    feed(&mut hash, MARK);
    feed(&mut hash, key.identity());
    feed(&mut hash, key.url().as_bytes());
    feed(&mut hash, content);
    hash.finalize().into()
}

impl Entry {
    /// How long it is of use: as long as it may be given, and a week where it can be validated.
    fn life(&self) -> Duration {
        let Terms { lifetime, while_revalidate, if_error, age, .. } = self.terms;
        let given = lifetime.saturating_add(while_revalidate.max(if_error)).saturating_sub(age);
        given.saturating_add(if self.has_validator() { VALIDATED } else { Duration::ZERO }).min(LONGEST)
    }

    fn encode(&self, out: &mut BytesMut) {
        let Terms { lifetime, no_cache, must_revalidate, immutable, while_revalidate, if_error, age } = self.terms;
        out.put_u16(self.status.as_u16());
        let versions = [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2, Version::HTTP_3];
        out.put_u8(versions.iter().position(|version| *version == self.version).unwrap_or(1) as u8);
        out.put_u8(u8::from(no_cache) | u8::from(must_revalidate) << 1 | u8::from(immutable) << 2);
        for time in [lifetime, while_revalidate, if_error, age] {
            out.put_u64(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        }
        out.put_u64(millis(self.came.wall));
        out.put_u64(self.stamp);
        out.put_u8(self.selecting.fields().len() as u8);
        for (name, value) in self.selecting.fields() {
            put(out, name.as_str().as_bytes());
            out.put_u8(u8::from(value.is_some()));
            put(out, value.as_deref().unwrap_or_default());
        }
        put(out, &self.head);
        put(out, &self.body);
    }

    fn decode(rest: &mut Bytes, now: Moment) -> Option<Self> {
        let status = StatusCode::from_u16(rest.try_get_u16().ok()?).ok()?;
        let version = match rest.try_get_u8().ok()? {
            0 => Version::HTTP_10,
            1 => Version::HTTP_11,
            2 => Version::HTTP_2,
            _ => Version::HTTP_3,
        };
        let flags = rest.try_get_u8().ok()?;
        let mut time = || rest.try_get_u64().ok().map(Duration::from_nanos);
        let (lifetime, while_revalidate, if_error, age) = (time()?, time()?, time()?, time()?);
        let wall = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(rest.try_get_u64().ok()?))?;
        let stamp = rest.try_get_u64().ok()?;
        let mut fields = Vec::new();
        for _ in 0..rest.try_get_u8().ok()? {
            let name = HeaderName::from_bytes(&take(rest)?).ok()?;
            let there = rest.try_get_u8().ok()? == 1;
            let value = take(rest)?;
            fields.push((name, there.then_some(value)));
        }
        let (head, body) = (take(rest)?, take(rest)?);
        let terms = Terms {
            lifetime,
            no_cache: flags & 1 != 0,
            must_revalidate: flags & 2 != 0,
            immutable: flags & 4 != 0,
            while_revalidate,
            if_error,
            age,
        };
        // The clock that never jumps began anew: what has passed so far is told by the one on the wall.
        let came = Moment { at: now.at, wall };
        let selecting = Selecting::of(fields);
        let mut entry = Self { status, version, coded: false, head, body, selecting, terms, came, stamp };
        entry.coded = entry.get(&CONTENT_ENCODING).is_some();
        Some(entry)
    }
}

/// An answer that can be validated is kept for so long after it is stale.
const VALIDATED: Duration = Duration::from_secs(7 * 86_400);

/// Nothing is kept for longer.
const LONGEST: Duration = Duration::from_secs(90 * 86_400);

fn put(out: &mut BytesMut, bytes: &[u8]) {
    out.put_u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    out.put_slice(bytes);
}

fn take(rest: &mut Bytes) -> Option<Bytes> {
    let length = rest.try_get_u32().ok()? as usize;
    (length <= rest.len()).then(|| rest.split_to(length))
}

#[cfg(test)]
mod tests {
    use http::header::{ACCEPT_LANGUAGE, VARY};
    use proptest::prelude::*;

    use super::*;
    use crate::cache::Cache;

    fn key(identity: u8, url: &str) -> CacheKey {
        CacheKey::new([identity; 32], &url.parse().unwrap()).unwrap()
    }

    /// The bytes of two variants under a key.
    fn bytes(key: &CacheKey) -> Bytes {
        let rules = Cache::memory().rules(Some(Duration::from_secs(9)), false);
        let mut slot = Slot::default();
        for language in ["de", "fr"] {
            let asked = HeaderMap::from_iter([(ACCEPT_LANGUAGE, language.parse().unwrap())]);
            let headers = HeaderMap::from_iter([(VARY, "accept-language".parse().unwrap())]);
            let came = crate::cache::Came {
                asked: &asked,
                signed: false,
                status: StatusCode::OK,
                version: Version::HTTP_11,
                headers: &headers,
            };
            let draft = rules.draft(&came, Moment::now(), 7).unwrap();
            slot = slot.with(&draft.entry(Bytes::from(language)));
        }
        slot.encode(key)
    }

    #[test]
    fn c23_one_bit_another_key_or_a_cut_makes_it_none() {
        let (own, now) = (key(1, "http://h/a?api_key=CNRY"), Moment::now());
        let whole = bytes(&own);
        assert_eq!(Slot::decode(&own, &whole, now).unwrap().entries().len(), 2);
        assert!(memchr::memmem::find(&whole, b"CNRY").is_none());
        for other in [key(2, "http://h/a?api_key=CNRY"), key(1, "http://h/a?api_key=other"), key(1, "http://h/a")] {
            assert!(Slot::decode(&other, &whole, now).is_none());
        }
        for bit in 0..whole.len() * 8 {
            let mut changed = whole.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            let changed = changed.into();
            assert!(Slot::decode(&own, &changed, now).is_none(), "bit {bit}");
            // What is only listed is not checked, and does no harm.
            let listed = Slot::read(&changed, now).map(|(_, slot)| (slot.life(), slot.is_over(now), slot.size()));
            let _ = listed;
        }
        for length in 0..whole.len() {
            assert!(Slot::decode(&own, &whole.slice(..length), now).is_none(), "{length} bytes");
        }
    }

    proptest! {
        #[test]
        fn c23_foreign_bytes_are_no_slot(rest in prop::collection::vec(any::<u8>(), 0..300)) {
            let now = Moment::now();
            prop_assert!(Slot::decode(&key(1, "http://h/a"), &rest.clone().into(), now).is_none());
            let named = [&MARK[..], &[0; 32], &rest].concat();
            if let Some((_, slot)) = Slot::read(&named.into(), now) {
                for entry in slot.entries() {
                    let _ = (entry.age(now), entry.fresh_for(now), entry.headers(now), entry.life());
                }
            }
        }
    }
}
