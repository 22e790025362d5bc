//! When a device asks again whether its person has signed in. Is told what came and how much time went by.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value};

use crate::jwt;

/// The wait where the server names none.
const USUAL: u64 = 5;
/// The longest wait that a server is believed, and that failures lead to.
const LONGEST: u64 = 60;
/// What each `slow_down` adds.
const SLOWER: Duration = Duration::from_secs(5);
/// How long a code is good for where the server does not say, and at most.
const LIFE: (u64, u64) = (600, 24 * 3600);

/// The waits between the questions of one sign-in.
#[derive(Debug)]
pub(super) struct Polling {
    interval: Duration,
    /// The wait after failures, twice as long with each.
    backed_off: Option<Duration>,
    lasts: Duration,
}

/// What an answer means, where it is not the last one.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The person has not answered yet.
    Pending,
    SlowDown,
    /// Nobody could say; the server may ask to be left alone so long.
    Failed(Option<Duration>),
}

impl Polling {
    /// By the `interval` and the `expires_in` that the server named.
    pub(super) fn new(interval: Option<&Value>, expires_in: Option<&Value>) -> Self {
        let interval = seconds(interval).filter(|interval| *interval > 0).unwrap_or(USUAL);
        let lasts = seconds(expires_in).unwrap_or(LIFE.0).min(LIFE.1);
        Self {
            interval: Duration::from_secs(interval.min(LONGEST)),
            backed_off: None,
            lasts: Duration::from_secs(lasts),
        }
    }

    /// How long the code is good for.
    pub(super) fn lasts(&self) -> Duration {
        self.lasts
    }

    /// How long to wait before the next question, `elapsed` after the code was given; `None` where its time is over.
    pub(super) fn wait(&self, elapsed: Duration) -> Option<Duration> {
        let left = self.lasts.saturating_sub(elapsed);
        (!left.is_zero()).then(|| self.backed_off.unwrap_or(self.interval).min(left))
    }

    pub(super) fn hear(&mut self, told: &Told) {
        match told {
            Told::Pending => self.backed_off = None,
            Told::SlowDown => {
                self.backed_off = None;
                self.interval = self.interval.saturating_add(SLOWER);
            }
            Told::Failed(asked) => {
                let longest = self.interval.max(Duration::from_secs(LONGEST));
                let doubled = self.backed_off.unwrap_or(self.interval).saturating_mul(2).min(longest);
                self.backed_off = Some(doubled.max(asked.unwrap_or_default()));
            }
        }
    }
}

/// A whole number of seconds, rounded up; as text, too.
fn seconds(value: Option<&Value>) -> Option<u64> {
    let number = match value? {
        Value::String(text) => text.trim().parse().ok()?,
        value => value.as_f64()?,
    };
    jwt::whole(number.ceil())
}

/// What an answer of the token endpoint means; `None` where it is the last one.
pub(super) fn told(status: StatusCode, body: &[u8], asked: Option<Duration>) -> Option<Told> {
    let map = serde_json::from_slice::<Map<String, Value>>(body).ok();
    let word = map.as_ref().and_then(|map| map.get("error")?.as_str());
    match (word, status.as_u16()) {
        (Some("authorization_pending"), _) => Some(Told::Pending),
        (Some("slow_down"), _) => Some(Told::SlowDown),
        (Some("temporarily_unavailable" | "server_error"), _) => Some(Told::Failed(asked)),
        (Some(_), _) | (None, 300..=399) => None,
        (None, 200..=299) if map.is_some() => None,
        (None, 401 | 403) if body.is_empty() => None,
        _ => Some(Told::Failed(asked)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn polling(interval: Value, expires_in: u64) -> Polling {
        Polling::new((!interval.is_null()).then_some(&interval), Some(&json!(expires_in)))
    }

    /// The waits before each question, in seconds, until the time is over or the answers are.
    fn waits(mut polling: Polling, answers: &[Told]) -> Vec<u64> {
        let (mut waits, mut elapsed) = (Vec::new(), Duration::ZERO);
        for answer in answers {
            let Some(wait) = polling.wait(elapsed) else { return waits };
            waits.push(wait.as_secs());
            elapsed += wait;
            polling.hear(answer);
        }
        waits.extend(polling.wait(elapsed).map(|wait| wait.as_secs()));
        waits
    }

    use Told::{Failed, Pending, SlowDown};

    #[test]
    fn v_w8_an_interval_of_7_and_two_slow_downs() {
        assert_eq!(waits(polling(json!(7), 600), &[Pending, SlowDown, SlowDown, Pending]), [7, 7, 12, 17, 17]);
    }

    #[test]
    fn o50_the_first_question_waits_too() {
        assert_eq!(waits(polling(json!(5), 600), &[Pending, Pending, Pending]), [5, 5, 5, 5]);
    }

    #[test]
    fn o51_slower_is_slower_for_good() {
        assert_eq!(waits(polling(json!(5), 600), &[SlowDown, SlowDown, Pending, Pending]), [5, 10, 15, 15, 15]);
    }

    #[test]
    fn o52_a_strange_interval_is_the_usual_one() {
        for (given, expected) in [
            (json!(0), 5),
            (Value::Null, 5),
            (json!("5"), 5),
            (json!("junk"), 5),
            (json!(-3), 5),
            (json!([5]), 5),
            (json!(true), 5),
            (json!(0.1), 1),
            (json!(1.5), 2),
            (json!(59), 59),
            (json!(1_000_000_000), 30),
            (json!(1e300), 30),
        ] {
            let expires_in = if expected == 30 { 30 } else { 600 };
            assert_eq!(waits(polling(given.clone(), expires_in), &[]), [expected], "{given}");
        }
        assert_eq!(waits(polling(json!(1_000_000_000), 600), &[]), [60]);
        assert_eq!(polling(json!(1), u64::MAX).lasts(), s(LIFE.1));
        assert_eq!(Polling::new(None, None).lasts(), s(LIFE.0));
    }

    #[test]
    fn o54_failures_double_the_wait_up_to_a_minute_until_there_is_an_answer() {
        let failed = || Failed(None);
        let answers = [failed(), failed(), failed(), failed(), failed(), Pending, failed(), SlowDown, failed()];
        assert_eq!(waits(polling(json!(5), 900), &answers), [5, 10, 20, 40, 60, 60, 5, 10, 10, 20]);
        assert_eq!(waits(polling(json!(5), 900), &[Failed(Some(s(90))), failed(), Pending]), [5, 90, 60, 5]);
        let slow = [SlowDown, SlowDown, SlowDown, failed()];
        assert_eq!(waits(polling(json!(60), 900), &slow), [60, 65, 70, 75, 75], "never sooner than was asked for");
    }

    #[test]
    fn o57_no_wait_is_longer_than_the_code_is_good_for() {
        assert_eq!(waits(polling(json!(7), 10), &[Pending, Pending, Pending]), [7, 3]);
        assert_eq!(waits(polling(json!(5), 10), &[Pending, Pending, Pending]), [5, 5]);
        assert_eq!(waits(polling(json!(5), 0), &[]), [0_u64; 0]);
        assert_eq!(polling(json!(5), 10).wait(s(11)), None);
    }

    #[test]
    fn o53_what_ends_a_sign_in_and_what_does_not() {
        let asked = Some(s(3));
        for (status, body, expected) in [
            (400, r#"{"error":"authorization_pending"}"#, Some(Pending)),
            (200, r#"{"error":"authorization_pending"}"#, Some(Pending)),
            (428, r#"{"error":"authorization_pending"}"#, Some(Pending)),
            (429, r#"{"error":"slow_down"}"#, Some(SlowDown)),
            (503, r#"{"error":"temporarily_unavailable"}"#, Some(Failed(asked))),
            (400, r#"{"error":"server_error"}"#, Some(Failed(asked))),
            (500, "", Some(Failed(asked))),
            (429, "", Some(Failed(asked))),
            (400, "<html>", Some(Failed(asked))),
            (200, "<html>", Some(Failed(asked))),
            (200, "", Some(Failed(asked))),
            (403, "<html>", Some(Failed(asked))),
            (400, "[]", Some(Failed(asked))),
            (400, r#"{"error":7}"#, Some(Failed(asked))),
            (400, r#"{"error":"expired_token"}"#, None),
            (400, r#"{"error":"access_denied"}"#, None),
            (400, r#"{"error":"invalid_grant"}"#, None),
            (401, r#"{"error":"invalid_client"}"#, None),
            (403, "", None),
            (302, "", None),
            (200, r#"{"access_token":"a"}"#, None),
            (200, "{}", None),
        ] {
            assert_eq!(
                told(StatusCode::from_u16(status).unwrap(), body.as_bytes(), asked),
                expected,
                "{status} {body}"
            );
        }
    }

    proptest! {
        #[test]
        fn every_wait_is_some_time_and_ends_with_the_code(
            interval: f64, expires_in in 0_u64..100_000, answers in prop::collection::vec(0_u64..5, 0..50),
        ) {
            let mut polling = polling(json!(interval), expires_in);
            let mut elapsed = Duration::ZERO;
            for answer in answers {
                let Some(wait) = polling.wait(elapsed) else { break };
                prop_assert!(!wait.is_zero());
                elapsed += wait;
                prop_assert!(elapsed <= polling.lasts());
                polling.hear(&match answer {
                    0 => Pending,
                    1 => SlowDown,
                    asked => Failed(Some(s(asked * 1_000))),
                });
            }
        }
    }
}
