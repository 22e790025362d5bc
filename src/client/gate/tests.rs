use std::{future::Future, pin::Pin, task::Poll, time::Duration};

use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use super::*;
use crate::{
    error::Outcome,
    limit::{Hint, Quota},
};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn limiter(limit: &Limit) -> Arc<Limiter> {
    Arc::new(Limiter::new(limit))
}

/// The time since `start` at which each of `calls` concurrent calls went, in the order in which they came.
async fn go(limiter: &Arc<Limiter>, calls: usize, start: Instant) -> Vec<Duration> {
    let mut tasks = JoinSet::new();
    for call in 0..calls {
        let limiter = Arc::clone(limiter);
        tasks.spawn(async move {
            let permit = enter(&limiter, None).await.unwrap();
            (call, start.elapsed(), drop(permit))
        });
    }
    let mut went: Vec<_> = tasks.join_all().await.into_iter().map(|(call, time, ())| (call, time)).collect();
    went.sort_unstable();
    went.into_iter().map(|(_, time)| time).collect()
}

/// Polls `future` once.
async fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx))).await
}

#[tokio::test(start_paused = true)]
async fn l01_five_go_at_once_and_then_one_every_tenth_of_a_second() {
    let limiter = limiter(&Limit::new().per_second(10).burst(5));
    let went = go(&limiter, 100, Instant::now()).await;
    let expected: Vec<_> = (0..100_u64).map(|call| ms(call.saturating_sub(4) * 100)).collect();
    assert_eq!(went, expected);
}

#[tokio::test(start_paused = true)]
async fn all_windows_hold_together() {
    let limiter = limiter(&Limit::new().per_second(10).per_minute(60).per_hour(100).burst(20));
    let went = go(&limiter, 100, Instant::now()).await;
    // Ten at once by the second's burst; the minute's is as large, and the hour then lets one go every 36 s.
    assert_eq!(went[9], Duration::ZERO);
    assert_eq!(went[19], ms(1_000));
    assert_eq!(went[20], ms(36_000));
    assert_eq!(went[99], ms(80 * 36_000));
    let even = self::limiter(&Limit::new().per_second(1).per_hour(60));
    assert_eq!(go(&even, 3, Instant::now()).await, [0, 60, 120].map(Duration::from_secs));
}

#[tokio::test(start_paused = true)]
async fn l02_a_thousand_tasks_go_in_order_and_exactly_on_time() {
    let limiter = limiter(&Limit::new().per_second(100));
    let went = go(&limiter, 1_000, Instant::now()).await;
    let expected: Vec<_> = (0..1_000).map(|call| ms(call * 10)).collect();
    assert_eq!(went, expected);
}

#[tokio::test(start_paused = true)]
async fn l03_one_more_than_may_wait_fails_at_once() {
    let limiter = limiter(&Limit::new().per_hour(1));
    let first = enter(&limiter, None).await.unwrap();
    let mut waiting: Vec<_> = (0..1_000).map(|_| Box::pin(enter(&limiter, None))).collect();
    for one in &mut waiting {
        assert!(poll_once(one).await.is_pending());
    }
    let error = enter(&limiter, None).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Timeout, "timeout.queue"));
    assert_eq!(error.outcome(), Outcome::NotSent);
    // One gives up, one may wait.
    waiting.pop();
    assert!(poll_once(&mut Box::pin(enter(&limiter, None))).await.is_pending());
    drop(first);
}

#[tokio::test(start_paused = true)]
async fn l04_a_hundred_thousand_who_give_up_take_no_turn() {
    let limiter = limiter(&Limit::new().per_second(10).concurrency(3).queue(200));
    let start = Instant::now();
    let mut given_up = 0;
    let mut held = vec![enter(&limiter, None).await.unwrap()];
    while given_up < 100_000 {
        let mut waiting: Vec<_> = (0..100).map(|_| Box::pin(enter(&limiter, None))).collect();
        for one in &mut waiting {
            assert!(poll_once(one).await.is_pending());
        }
        // The first, the last and those between, in no order.
        while !waiting.is_empty() {
            given_up += 1;
            drop(waiting.swap_remove(given_up * 7_919 % waiting.len()));
        }
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    held.push(enter(&limiter, None).await.unwrap());
    held.push(enter(&limiter, None).await.unwrap());
    assert_eq!(start.elapsed(), ms(200), "nobody's turn was lost");
    held.clear();
    assert_eq!(go(&limiter, 30, start).await[29], ms(3_200), "and no place");
}

#[tokio::test(start_paused = true)]
async fn l04_those_behind_one_who_gives_up_move_up() {
    let limiter = limiter(&Limit::new().per_second(1));
    let start = Instant::now();
    let _first = enter(&limiter, None).await.unwrap();
    let mut tasks = Vec::new();
    for _ in 0..30 {
        let limiter = Arc::clone(&limiter);
        tasks.push(tokio::spawn(async move {
            drop(enter(&limiter, None).await.unwrap());
            start.elapsed().as_secs_f64()
        }));
        tokio::task::yield_now().await;
    }
    sleep(ms(500)).await;
    tasks.remove(0).abort();
    sleep(ms(1_000)).await;
    tasks.drain(3..10).for_each(|task| task.abort());
    let mut went = Vec::new();
    for task in tasks {
        went.push(task.await.unwrap());
    }
    assert_eq!(went, (1..=22).map(f64::from).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn l04_one_who_gives_up_passes_on_the_place_it_was_called_for() {
    let limiter = limiter(&Limit::new().concurrency(1));
    let start = Instant::now();
    let held = enter(&limiter, None).await.unwrap();
    let mut called: Vec<_> = (0..8).map(|_| Box::pin(enter(&limiter, None))).collect();
    for one in &mut called {
        assert!(poll_once(one).await.is_pending());
    }
    let other = Arc::clone(&limiter);
    let last = tokio::spawn(async move { enter(&other, None).await.map(drop) });
    tokio::task::yield_now().await;
    drop(held);
    drop(called);
    last.await.unwrap().unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn l05_a_wait_past_the_deadline_fails_at_once_and_takes_nothing() {
    let limiter = limiter(&Limit::new().per_second(1));
    let start = Instant::now();
    let _first = enter(&limiter, None).await.unwrap();
    for _ in 0..100 {
        let error = enter(&limiter, Some(start + ms(999))).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::RateLimited, "rate_limited"));
        assert_eq!((error.retry_after(), error.outcome()), (Some(ms(1_000)), Outcome::NotSent));
        assert_eq!(error.to_string(), "the rate limit lets it go in 1.0 s only, past its deadline");
    }
    let _ = enter(&limiter, Some(start + ms(1_000))).await.unwrap();
    assert_eq!(start.elapsed(), ms(1_000));
}

#[tokio::test(start_paused = true)]
async fn l05_a_pause_fails_those_who_wait_and_cannot_wait_that_long() {
    let limiter = limiter(&Limit::new().per_second(1));
    let start = Instant::now();
    let _first = enter(&limiter, None).await.unwrap();
    let mut waiting = Box::pin(enter(&limiter, Some(start + ms(3_000))));
    assert!(poll_once(&mut waiting).await.is_pending());
    limiter.learn(Instant::now(), &Hint::Pause(ms(5_000)));
    assert_eq!(waiting.await.unwrap_err().retry_after(), Some(ms(5_000)));
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn l05_no_place_in_time_is_a_timeout() {
    let limiter = limiter(&Limit::new().concurrency(1));
    let start = Instant::now();
    let _held = enter(&limiter, None).await.unwrap();
    let error = enter(&limiter, Some(start + ms(250))).await.unwrap_err();
    assert_eq!((error.kind(), error.code(), start.elapsed()), (ErrorKind::Timeout, "timeout.queue", ms(250)));
}

#[tokio::test(start_paused = true)]
async fn l06_a_pause_holds_all_and_then_they_go_one_by_one() {
    for (limit, gap) in [
        (Limit::new().concurrency(50), 10),
        (Limit::new().per_second(1_000).burst(1_000).concurrency(50), 1),
        (Limit::new().per_second(5).burst(50), 200),
    ] {
        let limiter = limiter(&limit);
        let start = Instant::now();
        let mut flying = JoinSet::new();
        for _ in 0..50 {
            let permit = enter(&limiter, None).await.unwrap();
            let limiter = Arc::clone(&limiter);
            flying.spawn(async move {
                sleep(ms(100)).await;
                // Fifty refusals are one pause.
                limiter.learn(Instant::now(), &Hint::Pause(ms(2_000)));
                drop(permit);
            });
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        let went = go(&limiter, 60, start).await;
        let expected: Vec<_> = (0..60).map(|call| ms(2_100 + call * gap)).collect();
        assert_eq!(went, expected, "{limit:?}");
        flying.join_all().await;
        // What spaced them out after the pause is over.
        sleep(ms(20_000)).await;
        let start = Instant::now();
        assert_eq!(go(&limiter, 5, start).await, [Duration::ZERO; 5], "{limit:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_does_not_slow_down_for_good_those_who_come_fast() {
    let limiter = limiter(&Limit::new());
    limiter.learn(Instant::now(), &Hint::Pause(ms(1_000)));
    let mut flying = JoinSet::new();
    for _ in 0..1_500 {
        // Three times as fast as calls go at first after a pause.
        sleep(ms(3)).await;
        let limiter = Arc::clone(&limiter);
        flying.spawn(async move {
            let start = Instant::now();
            enter(&limiter, Some(start + ms(2_500))).await.map(|_| start.elapsed())
        });
    }
    let waits: Vec<_> = flying.join_all().await.into_iter().map(Result::unwrap).collect();
    assert!(waits.iter().all(|wait| *wait <= ms(2_000)), "{:?}", waits.iter().max());
    assert_eq!(waits.iter().filter(|wait| **wait > ms(10)).count() / 10, 66, "those of two seconds");
}

fn left(remaining: u64, seconds: u64) -> Hint {
    said(&format!("\"d\";r={remaining};t={seconds}"))
}

fn said(value: &str) -> Hint {
    let headers = http::HeaderMap::from_iter([(http::HeaderName::from_static("ratelimit"), value.parse().unwrap())]);
    Hint::read(http::StatusCode::OK, &headers, std::time::UNIX_EPOCH, None)
}

#[tokio::test(start_paused = true)]
async fn l07_no_more_go_than_the_server_says_are_left() {
    let limiter = limiter(&Limit::new());
    let start = Instant::now();
    limiter.learn(start, &left(3, 5));
    assert_eq!(limiter.quota(start), Some(Quota { limit: 3, remaining: 3, reset: ms(5_000) }));
    let went = go(&limiter, 6, start).await;
    assert_eq!(went, [0, 0, 0, 5_000, 5_010, 5_020].map(ms));
    limiter.learn(Instant::now(), &left(0, 5));
    assert!(try_enter(&limiter).is_none());
    assert_eq!(go(&limiter, 2, start).await, [10_020, 10_030].map(ms));
}

#[tokio::test(start_paused = true)]
async fn l09_what_is_used_up_for_some_holds_back_no_others() {
    for limit in [Limit::new(), Limit::new().per_second(1_000)] {
        let limiter = limiter(&limit);
        let start = Instant::now();
        limiter.learn(start, &said("\"d\";r=0;t=5;pk=:YQ==:"));
        let mut waiting = Box::pin(enter(&limiter, None));
        assert!(poll_once(&mut waiting).await.is_pending());
        limiter.learn(start, &said("\"d\";r=3;t=5;pk=:Yg==:"));
        drop(waiting.await.unwrap());
        assert_eq!(start.elapsed(), Duration::ZERO);
        limiter.learn(start, &said("\"d\";r=0;t=5;pk=:Yg==:"));
        drop(enter(&limiter, None).await.unwrap());
        assert_eq!(start.elapsed(), ms(5_000));
    }
}

#[tokio::test(start_paused = true)]
async fn a_quota_is_the_less_of_one_s_own_and_the_server_s() {
    let limiter = limiter(&Limit::new().per_second(10).burst(5));
    let now = Instant::now();
    assert_eq!(limiter.quota(now), Some(Quota { limit: 5, remaining: 5, reset: ms(0) }));
    assert!(try_enter(&limiter).is_some());
    assert_eq!(limiter.quota(now), Some(Quota { limit: 5, remaining: 4, reset: ms(100) }));
    limiter.learn(now, &left(2, 60));
    assert_eq!(limiter.quota(now).map(|quota| (quota.remaining, quota.reset)), Some((2, ms(60_000))));
    limiter.learn(now, &Hint::Pause(ms(500)));
    assert_eq!(limiter.quota(now), Some(Quota { limit: 5, remaining: 0, reset: ms(500) }));
    assert_eq!(self::limiter(&Limit::new()).quota(now), None);
}

#[tokio::test(start_paused = true)]
async fn l16_an_untold_limit_is_found_and_kept() {
    let limiter = limiter(&Limit::new().per_second(100).adaptive(true));
    let start = Instant::now();
    let (mut taken, mut refused, mut allowed) = (std::collections::VecDeque::new(), 0, 0);
    while start.elapsed() < Duration::from_secs(150) {
        let _permit = enter(&limiter, None).await.unwrap();
        let now = Instant::now();
        while taken.front().is_some_and(|time| now.duration_since(*time) >= ms(1_000)) {
            taken.pop_front();
        }
        let late = start.elapsed() >= Duration::from_secs(30);
        if taken.len() >= 40 {
            limiter.learn(now, &Hint::Refused);
            refused += u64::from(late);
        } else {
            taken.push_back(now);
            allowed += u64::from(late);
        }
    }
    assert!((36 * 120..=40 * 120).contains(&allowed), "{allowed}");
    assert!(refused * 50 <= allowed, "{refused} of {allowed}");
}

#[tokio::test(start_paused = true)]
async fn l18_eight_places_are_eight_again_whatever_became_of_the_calls() {
    let limiter = limiter(&Limit::new().concurrency(8));
    let mut tasks = JoinSet::new();
    for call in 0..400_u64 {
        let limiter = Arc::clone(&limiter);
        tasks.spawn(async move {
            let _permit = timeout(ms(call), enter(&limiter, None)).await;
            match call % 4 {
                0 => panic!("in a call"),
                1 => drop(timeout(ms(5), std::future::pending::<()>()).await),
                2 => std::future::pending().await,
                _ => {}
            }
        });
        if call % 4 == 2 {
            // Cancelled, some while they wait and some while they hold a place.
            tasks.spawn(sleep(ms(call)));
        }
    }
    sleep(ms(1_000)).await;
    tasks.abort_all();
    while tasks.join_next().await.is_some() {}
    let held: Vec<_> = (0..8).map(|_| try_enter(&limiter).unwrap()).collect();
    assert!(try_enter(&limiter).is_none());
    drop(held);
    assert_eq!((0..9).filter_map(|_| try_enter(&limiter)).count(), 9, "each was dropped before the next");
}

#[tokio::test(start_paused = true)]
async fn places_are_filled_in_order() {
    let limiter = limiter(&Limit::new().concurrency(2).queue(5_000));
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = JoinSet::new();
    for call in 0..2_000 {
        let (limiter, order) = (Arc::clone(&limiter), Arc::clone(&order));
        tasks.spawn(async move {
            let _permit = enter(&limiter, None).await.unwrap();
            order.lock().unwrap().push(call);
            sleep(ms(1)).await;
        });
    }
    let start = Instant::now();
    tasks.join_all().await;
    assert_eq!(start.elapsed(), ms(1_000), "no place stood empty");
    assert_eq!(*order.lock().unwrap(), (0..2_000).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_takes_no_place_that_others_were_called_for() {
    let limiter = limiter(&Limit::new().concurrency(1));
    let held = enter(&limiter, None).await.unwrap();
    let mut first = Box::pin(enter(&limiter, None));
    assert!(poll_once(&mut first).await.is_pending());
    drop(held);
    let mut newcomer = Box::pin(enter(&limiter, None));
    assert!(poll_once(&mut newcomer).await.is_pending());
    // Long enough not to look, and the newcomer goes.
    sleep(ms(250)).await;
    let Poll::Ready(Ok(held)) = poll_once(&mut newcomer).await else { panic!("held up") };
    // Who looks again is first again.
    assert!(poll_once(&mut first).await.is_pending());
    drop(held);
    assert!(try_enter(&limiter).is_none());
    assert!(poll_once(&mut first).await.is_ready());
}

#[tokio::test(start_paused = true)]
async fn k10_a_waiter_that_is_not_polled_holds_up_nobody() {
    let start = Instant::now();
    let rate = limiter(&Limit::new().per_second(10));
    let _first = enter(&rate, None).await.unwrap();
    let mut still: Vec<_> = (0..20).map(|_| Box::pin(enter(&rate, None))).collect();
    for one in &mut still {
        assert!(poll_once(one).await.is_pending());
    }
    // The first waits as those before it would have made it wait, and the second for one who may yet look.
    for time in [2_100, 2_300, 2_400, 2_500, 2_600] {
        let _ = timeout(ms(3_000), enter(&rate, None)).await.unwrap().unwrap();
        assert_eq!(start.elapsed(), ms(time));
    }
    drop(still);

    for idle in [1, 7, 8, 9, 30] {
        let places = limiter(&Limit::new().concurrency(1));
        let held = enter(&places, None).await.unwrap();
        let mut still: Vec<_> = (0..idle).map(|_| Box::pin(enter(&places, None))).collect();
        for one in &mut still {
            assert!(poll_once(one).await.is_pending());
        }
        let start = Instant::now();
        let other = tokio::spawn({
            let places = Arc::clone(&places);
            async move { enter(&places, None).await.map(drop) }
        });
        sleep(ms(10)).await;
        drop(held);
        timeout(ms(1_000), other).await.expect("held up by those who are not polled").unwrap().unwrap();
        assert!(start.elapsed() <= ms(400), "{idle}: {:?}", start.elapsed());
        // They can still go.
        for one in still {
            drop(one.await.unwrap());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn k10_a_select_that_keeps_the_first_call_unpolled_ends() {
    let limiter = limiter(&Limit::new().per_second(10).concurrency(1));
    let _first = enter(&limiter, None).await.map(drop);
    let mut one = Box::pin(enter(&limiter, None));
    tokio::select! {
        biased;
        _ = &mut one => panic!("too early"),
        () = sleep(ms(10)) => drop(timeout(ms(1_000), enter(&limiter, None)).await.unwrap().unwrap()),
    }
    drop(one.await.unwrap());
}

#[test]
fn k18_a_permit_may_go_anywhere() {
    use static_assertions::assert_impl_all;
    use std::panic::{RefUnwindSafe, UnwindSafe};

    assert_impl_all!(Permit: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
    assert_impl_all!(Limiter: Send, Sync, UnwindSafe, RefUnwindSafe);
    assert_impl_all!(Limit: Send, Sync, UnwindSafe, RefUnwindSafe);
    assert_impl_all!(Partitions: Send, Sync, UnwindSafe, RefUnwindSafe);
    fn sendable<T: Send>(_: T) {}
    sendable(enter(&limiter(&Limit::new()), None));
}

#[test]
fn clones_share_one_limiter_a_partition() {
    let partitions = Partitions::default();
    let get = |origin, route, credential| {
        partitions.limiter(&Partition { origin, route, credential }, &Limit::new().concurrency(1))
    };
    let one = get("https://h", None, 1);
    assert!(Arc::ptr_eq(&one, &get("https://h", None, 1)));
    for other in [get("https://h:1", None, 1), get("https://h", Some("/a"), 1), get("https://h", None, 2)] {
        assert!(!Arc::ptr_eq(&one, &other));
    }
}

#[test]
fn the_partition_unused_for_longest_is_forgotten_and_none_in_use() {
    let partitions = Partitions::default();
    let get = |credential| {
        let partition = Partition { origin: "https://h", route: None, credential };
        partitions.limiter(&partition, &Limit::new().concurrency(1))
    };
    let known = || partitions.known.lock().unwrap().limiters.len();
    let held = try_enter(&get(0)).unwrap();
    let second = Arc::downgrade(&get(1));
    let third = Arc::downgrade(&get(2));
    for credential in 3..PARTITIONS as u64 {
        get(credential);
    }
    get(1);
    get(PARTITIONS as u64);
    assert_eq!(known(), PARTITIONS);
    assert!(try_enter(&get(0)).is_none(), "its permit is out");
    assert!(second.upgrade().is_some() && third.upgrade().is_none());
    // Where all are in use there is one more for the time being.
    drop(held);
    let all: Vec<_> = (0..PARTITIONS as u64 + 5).map(get).collect();
    assert_eq!(known(), PARTITIONS + 5);
    drop(all);
}
