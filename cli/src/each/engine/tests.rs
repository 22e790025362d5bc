//! Runs against a server in memory that remembers what arrived, and that the machine may die under at any step.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use super::*;
use crate::each::journal::{Head, Read};

const RECORDS: u64 = 12;

/// What outlives a run: the disk and the server; and how many steps are left until the machine dies.
#[derive(Default)]
struct World {
    /// What was written to the journal, and how much of it is on the disk.
    journal: Vec<u8>,
    synced: usize,
    /// The keys that arrived, by line.
    arrived: BTreeMap<u64, Vec<Option<String>>>,
    answered: Vec<u64>,
    printed: Vec<u64>,
    left: Option<usize>,
    waker: Option<Waker>,
    /// Whether a call is answered when it is asked the first time.
    slow: bool,
    /// A line whose body breaks off, and one whose call panics.
    broken: Option<u64>,
    panics: Option<u64>,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<World>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One step; false once the machine is dead.
    fn step(&self) -> bool {
        let mut world = self.lock();
        let alive = match &mut world.left {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        };
        if let Some(waker) = world.waker.take_if(|_| !alive) {
            waker.wake();
        }
        alive
    }

    fn is_dead(&self) -> bool {
        self.lock().left == Some(0)
    }
}

impl Store for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let alive = self.step();
        // The last write of a machine is torn.
        let written = if alive { bytes } else { &bytes[..bytes.len() / 2] };
        self.lock().journal.extend_from_slice(written);
        if alive { Ok(()) } else { Err(io::ErrorKind::Other.into()) }
    }

    fn sync(&mut self) -> io::Result<()> {
        if !self.step() {
            return Err(io::ErrorKind::Other.into());
        }
        let mut world = self.lock();
        world.synced = world.journal.len();
        Ok(())
    }
}

/// A call to the server in memory: odd lines may be sent again, by their key where `keyed`.
struct Fake {
    world: Shared,
    keyed: bool,
    run: usize,
}

impl Work for Fake {
    type Answer = u64;

    fn size(_: &u64) -> usize {
        8
    }

    fn plan(&mut self, record: &Record, key: Option<&str>) -> Result<Planned<u64>> {
        let (line, world, keyed) = (record.line, self.world.clone(), self.keyed && record.line % 2 == 1);
        let minted = format!("key {line} of run {}", self.run);
        let key = keyed.then(|| key.map_or(minted, str::to_owned));
        let sent = key.clone();
        let call = async move {
            if !world.step() {
                return std::future::pending().await;
            }
            {
                let mut world = world.lock();
                let on_disk = String::from_utf8_lossy(&world.journal[..world.synced]).into_owned();
                assert!(on_disk.contains(&format!("{{\"line\":{line},\"hash\"")), "no intent of {line} is on the disk");
                world.arrived.entry(line).or_default().push(sent);
            }
            // Later lines are answered first.
            for _ in 0..(RECORDS - line) * 3 {
                tokio::task::yield_now().await;
            }
            if world.lock().slow || !world.step() {
                return std::future::pending().await;
            }
            assert_ne!(world.lock().panics, Some(line), "it breaks down");
            if world.lock().broken == Some(line) {
                let end = End { exit: exit::FAILED, status: Some(200), outcome: Outcome::Processed };
                return Done { end, why: "it broke off".into(), answer: None };
            }
            world.lock().answered.push(line);
            let end = End { exit: exit::OK, status: Some(200), outcome: Outcome::Processed };
            Done { end, why: String::new(), answer: Some(line) }
        };
        Ok(Planned { call: Box::pin(call), again: record.line % 2 == 1, key })
    }

    fn print(&mut self, line: u64) -> Result<()> {
        if !self.world.step() {
            return Err(Mistake::local("store.full", "dead"));
        }
        self.world.lock().printed.push(line);
        Ok(())
    }

    fn progress(&mut self, _: &Summary) {}
}

fn input() -> String {
    (1..=RECORDS).map(|line| format!("{{\"id\":{line}}}\n")).collect()
}

fn head() -> Head {
    Head::new("in".into(), "do".into(), "at".into())
}

/// One run, to its end or to that of the machine after `steps` steps.
async fn run(world: &Shared, keyed: bool, number: usize, steps: Option<usize>) -> Option<Ended> {
    world.lock().left = steps;
    let read = Read::new(&*world.lock().journal, &head()).unwrap();
    let journal = read.go_on(world.clone(), &head()).ok()?;
    let mut work = Fake { world: world.clone(), keyed, run: number };
    let input = input();
    let mut carried =
        pin!(Run::new(&mut work, journal, 3).carry(Records::new(input.as_bytes()), std::future::pending()));
    poll_fn(|context| {
        world.lock().waker = Some(context.waker().clone());
        match carried.as_mut().poll(context) {
            _ if world.is_dead() => Poll::Ready(None),
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// What a machine leaves behind: all that was written, as when a process dies, or what was on the disk and a part
/// of the rest, as when the power goes.
fn die(world: &Shared, power: bool, seed: usize) {
    let mut world = world.lock();
    if power {
        let kept = world.synced + seed % (world.journal.len() - world.synced + 1);
        world.journal.truncate(kept);
    }
    let whole = world.journal.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    world.journal.truncate(whole);
    world.synced = whole;
    world.printed.clear();
}

#[tokio::test]
async fn x08_no_kill_at_any_step_sends_twice_or_loses_a_record() {
    for steps in 1..=100 {
        for (keyed, power) in [(true, true), (true, false), (false, true), (false, false)] {
            let world = Shared::default();
            let mut number = 0;
            // Killed at the same step of every run, then left alone.
            for _ in 0..3 {
                if run(&world, keyed, number, Some(steps)).await.is_none() {
                    die(&world, power, steps * 7 + number);
                }
                number += 1;
            }
            let ended = run(&world, keyed, number, None).await.unwrap();
            let what = format!("{steps} steps, keyed {keyed}, power {power}");
            assert!(ended.broken.is_none(), "{what}: {:?}", ended.broken);
            assert_eq!(ended.summary.all(), RECORDS, "{what}");
            let text = ended.summary.text(RECORDS);
            for line in 1..=RECORDS {
                let world = world.lock();
                let keys = world.arrived.get(&line).map_or(&[][..], |keys| keys);
                let in_doubt = text.contains(&format!("line {line}: in doubt"));
                if line % 2 == 0 {
                    assert!(keys.len() <= 1, "{what}: line {line} arrived twice");
                    assert!(keys.len() == 1 || in_doubt, "{what}: line {line} is lost");
                } else {
                    assert!(!keys.is_empty() && !in_doubt, "{what}: line {line} is lost");
                    assert!(keys.iter().all(|key| *key == keys[0]), "{what}: line {line} came by two keys");
                    assert!(world.answered.contains(&line), "{what}: line {line} has no end");
                }
            }
        }
    }
}

#[tokio::test]
async fn results_come_in_order_and_a_second_run_sends_nothing() {
    let world = Shared::default();
    let ended = run(&world, false, 0, None).await.unwrap();
    assert_eq!(ended.summary.text(RECORDS), "12 records: 12 ok");
    let printed = world.lock().printed.clone();
    let answered = world.lock().answered.clone();
    assert_eq!(printed, (1..=RECORDS).collect::<Vec<_>>());
    assert_ne!(answered, printed, "they were answered in another order");
    let again = run(&world, false, 1, None).await.unwrap();
    assert_eq!(again.summary.text(RECORDS), "12 records: 12 ok, 12 ended before");
    assert!(world.lock().arrived.values().all(|keys| keys.len() == 1));
}

#[tokio::test(start_paused = true)]
async fn x08_a_wish_to_end_gives_what_is_under_way_two_seconds() {
    for (slow, arrived, text) in [
        (false, 3, "12 records: 3 ok, 9 not sent"),
        (
            true,
            3,
            "12 records: 0 ok, 2 failed, 1 in doubt, 9 not sent\n  line 1: it was under way when the run ended\n  \
             line 2: in doubt: it was under way when the run ended\n  line 3: it was under way when the run ended",
        ),
    ] {
        let world = Shared::default();
        world.lock().slow = slow;
        let mut work = Fake { world: world.clone(), keyed: false, run: 0 };
        let journal = Read::default().go_on(world.clone(), &head()).unwrap();
        let (input, began) = (input(), Instant::now());
        let run = Run::new(&mut work, journal, 3);
        let ended = run.carry(Records::new(input.as_bytes()), std::future::ready(())).await;
        assert_eq!(ended.summary.text(RECORDS), text);
        assert_eq!(world.lock().arrived.len(), arrived);
        assert_eq!(began.elapsed(), if slow { GRACE } else { Duration::ZERO });
        let read = Read::new(&*world.lock().journal, &head()).unwrap();
        let journal = read.go_on((), &head()).unwrap();
        let done = (1..=3).filter(|line| matches!(journal.state(*line), Some(State::Ended(_)))).count();
        assert_eq!(done, if slow { 0 } else { 3 }, "the journal says the same");
    }
}

#[tokio::test]
async fn a_body_that_broke_off_is_read_again_by_the_run_that_goes_on() {
    for (line, arrived, text) in [
        (3, 2, "12 records: 12 ok, 11 ended before"),
        (4, 1, "12 records: 11 ok, 1 failed, 12 ended before\n  line 4: an earlier run got the status 200"),
    ] {
        let world = Shared::default();
        world.lock().broken = Some(line);
        let ended = run(&world, true, 0, None).await.unwrap();
        assert_eq!((ended.summary.exit(), ended.summary.all()), (exit::FAILED, RECORDS));
        world.lock().broken = None;
        let ended = run(&world, true, 1, None).await.unwrap();
        assert_eq!(ended.summary.text(RECORDS), text);
        let keys = world.lock().arrived[&line].clone();
        assert_eq!(keys.len(), arrived, "{line}");
        assert!(keys.iter().all(|key| *key == keys[0]), "it came by two keys");
    }
}

#[tokio::test]
async fn a_call_that_breaks_down_ends_the_run_and_loses_no_other_answer() {
    for line in [1, 2, 6, RECORDS] {
        let world = Shared::default();
        world.lock().panics = Some(line);
        let ended = run(&world, false, 0, None).await.unwrap();
        assert_eq!(ended.broken.map(|mistake| (mistake.code, mistake.exit)), Some(("internal", exit::FAILED)));
        let printed = world.lock().printed.clone();
        let answered = world.lock().answered.clone();
        assert!(!printed.contains(&line) && printed.is_sorted(), "{printed:?}");
        assert_eq!(printed.len(), answered.len(), "line {line}: all that was answered is printed");
        let read = Read::new(&*world.lock().journal, &head()).unwrap();
        let journal = read.go_on((), &head()).unwrap();
        assert!(printed.iter().all(|line| matches!(journal.state(*line), Some(State::Ended(_)))), "and journalled");
        assert!(matches!(journal.state(line), Some(State::Doubt(_))));
    }
}
