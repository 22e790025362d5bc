//! Whatever two stores on one folder are asked in turn, they answer as one table in memory would.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::cache::disk::marks::slot;

#[derive(Debug, Clone)]
enum Step {
    Set(usize, Vec<u8>, u64),
    Get(usize),
    Remove(usize),
    Invalidate(usize),
    Purge,
    Clear,
    /// The marks are lost.
    Lose,
    Pass(u64),
}

const TARGETS: [&str; 6] = ["/", "/a", "/a/b", "/a/b?x", "/a/b/c", "/d"];

/// Two people's.
fn keys() -> Vec<CacheKey> {
    [1, 2].into_iter().flat_map(|who| TARGETS.map(|target| key(who, target))).collect()
}

fn step() -> impl Strategy<Value = Step> {
    let (key, target) = (0..TARGETS.len() * 2, 0..TARGETS.len());
    prop_oneof![
        6 => (key.clone(), proptest::collection::vec(any::<u8>(), 0..64), 1..9_u64).prop_map(|(key, value, life)| Step::Set(key, value, life)),
        8 => key.clone().prop_map(Step::Get),
        2 => key.prop_map(Step::Remove),
        3 => target.prop_map(Step::Invalidate),
        1 => Just(Step::Purge),
        1 => Just(Step::Clear),
        1 => Just(Step::Lose),
        2 => (1..5_u64).prop_map(Step::Pass),
    ]
}

/// What is to be seen of the folder.
#[derive(Default)]
struct Model {
    now: u64,
    kept: HashMap<usize, (Vec<u8>, u64)>,
    /// How often a key's places were made untrue, and all forgotten.
    untrue: HashMap<usize, u64>,
    stamps: HashMap<(usize, u64), u64>,
}

impl Model {
    fn forget(&mut self) {
        self.kept.clear();
        for key in 0..keys().len() {
            *self.untrue.entry(key).or_default() += 1;
        }
    }

    /// Holds what was got against what is to be seen; `shared` says that places share a mark by chance.
    fn check(&mut self, at: usize, kept: &Kept, shared: bool) -> Result<(), TestCaseError> {
        let expected = self.kept.get(&at).filter(|(_, until)| *until > self.now).map(|(value, _)| &value[..]);
        prop_assert_eq!(kept.value.as_deref(), expected);
        let times = *self.untrue.entry(at).or_default();
        let new = self.stamps.insert((at, times), kept.stamp);
        prop_assert!(new.is_none_or(|stamp| stamp == kept.stamp) || shared, "the stamp changed by itself");
        let older = self.stamps.iter().filter(|((key, then), _)| *key == at && *then < times);
        prop_assert!(older.into_iter().all(|(_, stamp)| *stamp != kept.stamp), "an old stamp came again");
        Ok(())
    }
}

/// Whether two places have one mark.
fn shares(folder: &Path) -> bool {
    let folder = Folder(folder.to_owned());
    let Some(marks) = Marks::open(&folder).unwrap() else { return false };
    let ids: HashSet<_> = keys().iter().flat_map(|key| key.place().ids(marks.salt())).collect();
    ids.iter().map(|id| slot(id)).collect::<HashSet<_>>().len() < ids.len()
}

async fn walk(stage: &Stage, steps: Vec<(bool, Step)>) -> Result<(), TestCaseError> {
    let (disks, keys, mut model, mut shared) = ([stage.disk(), stage.disk()], keys(), Model::default(), false);
    for (other, step) in steps {
        let disk = &disks[usize::from(other)];
        shared |= shares(&stage.folder());
        match step {
            Step::Set(at, value, life) => {
                disk.set(&keys[at], value.clone().into(), Duration::from_secs(life)).await.unwrap();
                model.kept.insert(at, (value, model.now + life));
            }
            Step::Get(at) => {
                let kept = disk.get(&keys[at]).await.unwrap();
                shared |= shares(&stage.folder());
                model.check(at, &kept, shared)?;
            }
            Step::Remove(at) => {
                disk.remove(&keys[at]).await.unwrap();
                model.kept.remove(&at);
            }
            Step::Invalidate(at) => {
                let place = keys[at].place();
                disk.invalidate(&place).await.unwrap();
                for (at, _) in keys.iter().enumerate().filter(|(_, key)| place.holds(&key.place())) {
                    *model.untrue.entry(at).or_default() += 1;
                }
            }
            Step::Purge => {
                let (now, before) = (model.now, model.kept.len());
                model.kept.retain(|_, (_, until)| *until > now);
                prop_assert_eq!(disk.purge_expired().await.unwrap(), (before - model.kept.len()) as u64);
            }
            Step::Clear => (disk.clear().await.unwrap(), model.forget()).1,
            Step::Lose => {
                let _ = fs::remove_file(stage.folder().join("marks"));
                // What is left of the old ones is found by nobody.
                disk.clear().await.unwrap();
                model.forget();
            }
            Step::Pass(seconds) => {
                stage.pass(Duration::from_secs(seconds));
                model.now += seconds;
            }
        }
    }
    let now = model.now;
    let mut expected: Vec<_> = model.kept.into_values().filter(|(_, until)| *until > now).map(|kept| kept.0).collect();
    let mut found: Vec<_> = disks[0].list(99).await.unwrap().into_iter().map(Vec::from).collect();
    expected.sort();
    found.sort();
    prop_assert_eq!(found, expected);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn c28_two_stores_on_a_folder_agree_with_a_model(steps in proptest::collection::vec((any::<bool>(), step()), 1..60)) {
        wait(walk(&Stage::new(), steps))?;
    }
}
