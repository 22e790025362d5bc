use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Wake,
};

use proptest::prelude::*;

use super::*;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn l13_a_clock_set_back_neither_freezes_nor_bursts() {
    let mut schedule = Schedule::new(&Limit::new().per_second(10).burst(2));
    let mut now = Instant::now() + Duration::from_secs(86_400);
    let taken = |schedule: &mut Schedule, now| (0..10).filter(|_| schedule.take(now)).count();
    assert_eq!(taken(&mut schedule, now), 2);
    for back in [1, 50, 5_000, 3_600_000] {
        now -= ms(back);
        assert_eq!(taken(&mut schedule, now), 0, "{back}");
        let ticket = schedule.join(now, Some(now + ms(200))).unwrap();
        let Step::Until(due) = schedule.try_go(ticket, now, Waker::noop().clone()) else { panic!("too early") };
        assert!(due <= now + ms(100), "{back}");
        assert_eq!(schedule.try_go(ticket, due + ms(50), Waker::noop().clone()), Step::Go);
        now = due + ms(1_000);
        assert_eq!(taken(&mut schedule, now), 2);
    }
    // Ever back and forth: no faster than time that passes forwards.
    let mut went = 0;
    for _ in 0..1_000 {
        now -= ms(700);
        now += ms(701);
        went += taken(&mut schedule, now);
    }
    assert!(went <= 7_010 + 2, "{went}");
}

#[test]
fn a_late_timer_delays_nobody_behind_and_a_very_late_one_lets_no_heap_go() {
    let start = Instant::now();
    for (late, second) in [(4, 100), (60, 155)] {
        let mut schedule = Schedule::new(&Limit::new().per_second(10));
        assert!(schedule.take(start - ms(100)));
        let tickets = [(); 2].map(|()| schedule.join(start - ms(100), None).unwrap());
        assert_eq!(schedule.try_go(tickets[0], start + ms(late), Waker::noop().clone()), Step::Go);
        let told = schedule.try_go(tickets[1], start + ms(late), Waker::noop().clone());
        assert!(matches!(told, Step::Until(due) if due <= start + ms(second)), "{told:?}");
        let told = schedule.try_go(tickets[1], start + ms(100), Waker::noop().clone());
        let expected = if second == 100 { Step::Go } else { Step::Until(start + ms(second)) };
        assert_eq!(told, expected);
    }
}

#[test]
fn a_deadline_counts_those_who_go_before_what_is_left_runs_out() {
    let start = Instant::now();
    let mut schedule = Schedule::new(&Limit::new().per_second(10).burst(4));
    let headers = http::HeaderMap::from_iter([(
        http::HeaderName::from_static("ratelimit"),
        http::HeaderValue::from_static("\"d\";r=5;t=10"),
    )]);
    let super::super::Hint::Left(left) =
        super::super::Hint::read(http::StatusCode::OK, &headers, std::time::UNIX_EPOCH, None)
    else {
        panic!("a hint")
    };
    schedule.learn(start, &left);
    assert_eq!((0..9).filter(|_| schedule.take(start)).count(), 4);
    assert!(schedule.join(start, Some(start + ms(100))).is_ok());
    assert_eq!(schedule.join(start, Some(start + ms(9_999))), Err(Refused::Late(ms(10_000))));
    assert!(schedule.join(start, Some(start + ms(10_000))).is_ok());
    assert_eq!(schedule.join(start, Some(start + ms(10_000))), Err(Refused::Late(ms(10_100))));
}

/// Tells that a task was woken.
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What one call of a made-up history does.
#[derive(Debug, Clone)]
struct Story {
    /// Milliseconds after the one before.
    after: u64,
    holds: u64,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Goes,
    /// It is polled once and then no more.
    Unpolled,
    /// It gives up after so many milliseconds.
    GivesUp(u64),
    /// The server asks for a pause of so many milliseconds when it joins.
    Pauses(u64),
}

struct Task {
    story: Story,
    flag: Arc<Flag>,
    joined: u64,
    ticket: Option<Ticket>,
    timer: Option<u64>,
    went: Option<u64>,
}

/// Lives through a history, millisecond by millisecond, as a runtime would; gives when each call went.
struct World {
    schedule: Schedule,
    start: Instant,
    places: Option<u32>,
    tasks: Vec<Task>,
    running: Vec<u64>,
}

impl World {
    fn look(&mut self, at: usize, time: u64) {
        let now = self.start + ms(time);
        let task = &mut self.tasks[at];
        let Some(ticket) = task.ticket else { return };
        task.flag.0.store(false, Ordering::Relaxed);
        let step = self.schedule.try_go(ticket, now, Arc::clone(&task.flag).into());
        let millis = |until: Instant| u64::try_from((until - self.start).as_nanos().div_ceil(1_000_000)).unwrap();
        match step {
            Step::Go => {
                (task.ticket, task.went) = (None, Some(time));
                self.running.push(time + task.story.holds);
                assert!(self.places.is_none_or(|places| self.running.len() <= places as usize), "too many at once");
            }
            Step::Until(until) | Step::Room(Some(until)) => {
                assert!(until > now, "told a time that is past");
                task.timer = Some(millis(until));
            }
            Step::Room(None) => task.timer = None,
        }
        self.call();
    }

    fn call(&mut self) {
        self.schedule.calls().into_iter().for_each(Calls::make);
    }

    fn step(&mut self, time: u64) {
        let now = self.start + ms(time);
        while let Some(at) = self.running.iter().position(|ends| *ends <= time) {
            self.running.swap_remove(at);
            self.schedule.finish(now);
            self.call();
        }
        // Twice, since one who goes or leaves may call another.
        for at in (0..self.tasks.len()).chain(0..self.tasks.len()) {
            let task = &mut self.tasks[at];
            let Some(ticket) = task.ticket else { continue };
            match task.story.fate {
                Fate::Unpolled => {}
                Fate::GivesUp(after) if task.joined + after <= time => {
                    task.ticket = None;
                    self.schedule.leave(ticket, now);
                    self.call();
                }
                _ if task.flag.0.load(Ordering::Relaxed) || task.timer.is_some_and(|timer| timer <= time) => {
                    self.look(at, time);
                }
                _ => {}
            }
        }
    }

    fn join(&mut self, story: Story, time: u64) {
        let now = self.start + ms(time);
        if let Fate::Pauses(pause) = story.fate {
            self.schedule.pause(now, ms(pause));
            self.call();
        }
        let flag = Arc::new(Flag(AtomicBool::new(false)));
        let mut task = Task { story, flag, joined: time, ticket: None, timer: None, went: None };
        if self.schedule.take(now) {
            task.went = Some(time);
            self.running.push(time + task.story.holds);
            self.tasks.push(task);
        } else {
            task.ticket = Some(self.schedule.join(now, None).unwrap());
            self.tasks.push(task);
            self.look(self.tasks.len() - 1, time);
        }
    }

    /// Lives through `stories` and then for as long as all who still wait need.
    fn live(limit: &Limit, stories: &[Story]) -> Self {
        let (schedule, places) = (Schedule::new(limit), limit.places);
        let mut world = Self { schedule, start: Instant::now(), places, tasks: Vec::new(), running: Vec::new() };
        let mut time = 0;
        for story in stories {
            for _ in 0..story.after {
                world.step(time);
                time += 1;
            }
            world.join(story.clone(), time);
        }
        for _ in 0..60_000 {
            world.step(time);
            time += 1;
            let waits = |task: &Task| task.ticket.is_some() && task.story.fate != Fate::Unpolled;
            if !world.tasks.iter().any(waits) {
                break;
            }
        }
        world
    }
}

fn stories() -> impl Strategy<Value = Vec<Story>> {
    let fate = prop_oneof![
        6 => Just(Fate::Goes),
        1 => Just(Fate::Unpolled),
        2 => (0_u64..500).prop_map(Fate::GivesUp),
        1 => (0_u64..800).prop_map(Fate::Pauses),
    ];
    let after = prop_oneof![3 => Just(0), 2 => 0_u64..40, 1 => 0_u64..500];
    let story = (after, 0_u64..120, fate).prop_map(|(after, holds, fate)| Story { after, holds, fate });
    prop::collection::vec(story, 1..60)
}

fn limits() -> impl Strategy<Value = Limit> {
    let rate = prop::option::of(5_u32..100);
    let slower = prop::option::of(300_u32..3_000);
    (rate, slower, 1_u32..8, prop::option::of(1_u32..5)).prop_map(|(second, minute, burst, places)| {
        let mut limit = Limit::new().burst(burst);
        limit = second.into_iter().fold(limit, |limit, second| limit.per_second(second));
        limit = minute.into_iter().fold(limit, |limit, minute| limit.per_minute(minute));
        places.into_iter().fold(limit, |limit, places| limit.concurrency(places))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Whoever gives up, is not polled or brings a pause: all others go, never faster than allowed.
    #[test]
    fn all_go_and_never_faster_than_allowed(limit in limits(), stories in stories()) {
        let world = World::live(&limit, &stories);
        for task in &world.tasks {
            let gone = matches!(task.story.fate, Fate::Unpolled | Fate::GivesUp(_)) || task.went.is_some();
            prop_assert!(gone, "one that joined at {} waits for ever: {:?}", task.joined, task.timer);
        }
        let mut went: Vec<_> = world.tasks.iter().filter_map(|task| task.went).collect();
        went.sort_unstable();
        for window in Window::all(&limit) {
            for (at, first) in went.iter().enumerate() {
                for (more, last) in (0..).zip(&went[at..]) {
                    let allowed = ((last - first) * 1_000_000 + LATE) / window.interval + window.quota(0).limit;
                    prop_assert!(more < allowed, "{more} more by {last} since {first}");
                }
            }
        }
        for task in world.tasks.iter().filter(|task| matches!(task.story.fate, Fate::Pauses(_))) {
            let Fate::Pauses(pause) = task.story.fate else { continue };
            let early = went.iter().find(|went| (task.joined..task.joined + pause).contains(*went));
            // Those that went in the same millisecond went before.
            prop_assert!(early.is_none_or(|early| *early == task.joined), "{early:?} in a pause");
        }
    }

    /// Where all are polled and nobody gives up, they go in the order in which they came, and no place stands empty.
    #[test]
    fn those_who_wait_go_in_order(limit in limits(), after in prop::collection::vec(0_u64..50, 1..80)) {
        let stories: Vec<_> = after.into_iter().map(|after| Story { after, holds: 0, fate: Fate::Goes }).collect();
        let world = World::live(&limit, &stories);
        let went: Vec<_> = world.tasks.iter().map(|task| task.went.unwrap()).collect();
        prop_assert!(went.is_sorted(), "{went:?}");
        // Exactly as the rule says, up to the milliseconds of the timers.
        let mut windows: Vec<_> = Window::all(&limit).collect();
        for task in &world.tasks {
            let joined = task.joined * 1_000_000;
            let due = windows.iter().map(|window| window.due(0, joined, None)).fold(joined, u64::max);
            for window in &mut windows {
                window.spend(due);
            }
            let slack = 3_000_000 * world.tasks.len() as u64;
            let time = task.went.unwrap() * 1_000_000;
            prop_assert!((due..=due + slack).contains(&time) || limit.places.is_some(), "{time} for {due}");
        }
    }
}
