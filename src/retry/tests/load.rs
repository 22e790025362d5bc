//! What a budget makes of many calls.

use super::*;

/// Calls of three attempts each at most, all to one origin; gives requests sent and calls that succeeded.
fn simulate(calls: u32, mut answers: impl FnMut() -> u16) -> (u32, u32) {
    let (retry, budget) = (Retry::standard(), Budget::new());
    let (mut requests, mut good) = (0, 0);
    for _ in 0..calls {
        let (mut tries, mut paid) = (Tries::first(), None);
        loop {
            requests += 1;
            let says = Says(answers(), None);
            settle(says.0, paid.take(), &budget);
            match decide(&retry, says, Standing::Idempotent, tries, moment(0.5, None)) {
                Decision::Again(resend) if budget.take(resend.cost) => {
                    paid = Some(resend.cost);
                    tries.again(resend);
                }
                Decision::Accept => {
                    good += 1;
                    break;
                }
                _ => break,
            }
        }
    }
    (requests, good)
}

/// Settles an answer as the loop does.
fn settle(status: u16, paid: Option<Cost>, budget: &Budget) {
    match paid {
        _ if !Budget::is_good(StatusCode::from_u16(status).unwrap()) => {}
        Some(cost) => budget.give_back(cost),
        None => budget.success(),
    }
}

/// Fails one of `out_of` requests with 503, by chance that is the same in every run.
fn failing(share: u64, out_of: u64) -> impl FnMut() -> u16 {
    let mut state = 1_u64;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if (state >> 33) % out_of < share { 503 } else { 200 }
    }
}

#[test]
fn y30_an_outage_costs_35_requests_more() {
    assert_eq!(simulate(1_000, || 503), (1_035, 0));
}

#[test]
fn y31_throttling_costs_100_requests_more() {
    assert_eq!(simulate(1_000, || 429), (1_100, 0));
}

#[test]
fn y32_one_failure_in_ten_is_hidden_from_nearly_all() {
    let (requests, good) = simulate(10_000, failing(1, 10));
    assert!(good >= 9_980, "{good}");
    assert!(requests <= 11_200, "{requests}");
}

#[test]
fn y33_a_steady_half_of_failures_repeats_few_and_healing_is_seen_at_once() {
    let (requests, _) = simulate(60_000, failing(1, 2));
    assert!(requests <= 60_000 * 108 / 100, "{requests}");
    let mut asked = 0;
    let (requests, good) = simulate(61_000, || {
        asked += 1;
        if asked <= 60_036 { 503 } else { 200 }
    });
    assert!(requests <= 61_036 && good >= 964, "{requests} {good}");
}

#[test]
fn y34_failures_of_requests_that_are_not_repeated_fill_no_budget() {
    let budget = Budget::new();
    while budget.take(Cost::Transient) {}
    for status in [500, 503, 501, 429, 408] {
        for _ in 0..100 {
            settle(status, None, &budget);
        }
    }
    assert!(!budget.take(Cost::Transient));
    for _ in 0..14 {
        settle(404, None, &budget);
    }
    assert!(budget.take(Cost::Transient));
}
