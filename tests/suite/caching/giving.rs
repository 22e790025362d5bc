//! What is given again, what is validated, and what becomes of it.

use std::time::Duration;

use restwalk::{Auth, Cache, CacheMode, ErrorKind, Limit, Outcome, Redirect};
use tokio::time::Instant;

use super::hold;
use crate::support::script::{Script, Step, answer};

fn named(status: u16, name: &str) -> Step {
    answer(status).header("etag", name)
}

/// The first answer of all cases: stale at once, and to be validated.
fn first() -> Step {
    named(200, "\"mild\"").header("cache-control", "max-age=0").body("first")
}

#[tokio::test(start_paused = true)]
async fn c04_each_variant_is_kept_and_what_varies_with_more_than_the_request_is_not_given_again() {
    hold("c04").await;
}

#[tokio::test(start_paused = true)]
async fn c04_variants_that_are_asked_for_at_once_are_told_apart() {
    let script = Script::by(|seen| {
        let language = seen.header("accept-language").unwrap().to_owned();
        let variant = answer(200).header("cache-control", "max-age=900").header("vary", "accept-language");
        variant.body(language).after(Duration::from_secs(1))
    });
    let client = script.builder().cache(&Cache::memory()).build().unwrap();
    let ask = async |language: &str| {
        let answer = client.res("x").get().header("accept-language", language).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), language);
    };
    for _ in 0..2 {
        futures_util::future::join_all(["de", "fr", "it", "de", "fr", "it"].map(&ask)).await;
    }
    assert_eq!(script.count(), 3, "{:?}", script.times());
}

#[tokio::test(start_paused = true)]
async fn c07_directives_are_read_by_the_rfc_and_rubbish_is_not_trusted() {
    hold("c07").await;
}

#[tokio::test(start_paused = true)]
async fn c13_what_still_holds_is_given_with_its_newest_headers_and_counted_once() {
    hold("c13").await;
    let script = Script::of([first(), named(304, "\"mild\"").header("cache-control", "max-age=900")]);
    let cache = Cache::memory();
    let client = script.builder().cache(&cache).build().unwrap();
    for _ in 0..4 {
        assert_eq!(client.res("x").get().send().await.unwrap().text().await.unwrap(), "first");
    }
    let stats = cache.stats().await.unwrap();
    assert_eq!((stats.misses, stats.validated, stats.hits, stats.stale, stats.entries), (1, 1, 2, 0, 1));
    assert_eq!(script.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn c13_a_304_has_no_body_though_it_sends_one() {
    let script = Script::of([first(), named(304, "\"mild\"").body("rubbish")]);
    let client = script.builder().cache(&Cache::memory()).build().unwrap();
    for _ in 0..2 {
        let answer = client.res("x").get().send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (200, "first"));
    }
    assert_eq!(script.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn c14_a_304_about_another_answer_is_never_taken_for_an_empty_one() {
    for (case, steps) in [
        ("another name", vec![first(), named(304, "\"warm\""), named(200, "\"warm\"").body("second")]),
        (
            "nothing kept",
            vec![
                answer(200).header("cache-control", "no-store").body("first"),
                named(304, "\"warm\""),
                answer(200).body("second"),
            ],
        ),
        (
            "no name to ask by",
            vec![
                answer(200).header("cache-control", "max-age=0").body("first"),
                answer(304),
                answer(200).body("second"),
            ],
        ),
    ] {
        let script = Script::of(steps);
        let client = script.builder().cache(&Cache::memory()).build().unwrap();
        client.res("x").get().send().await.unwrap().bytes().await.unwrap();
        // It is an error of the protocol, or asked for again without a condition.
        match client.res("x").get().send().await {
            Ok(answer) => {
                assert_eq!(
                    (answer.status().as_u16(), answer.text().await.unwrap().as_str()),
                    (200, "second"),
                    "{case}"
                );
                assert_eq!(script.count(), 3, "{case}");
            }
            Err(error) => {
                assert_eq!((error.kind(), error.outcome()), (ErrorKind::Protocol, Outcome::Processed), "{case}");
            }
        }
        assert!(script.seen().iter().skip(2).all(|seen| seen.header("if-none-match").is_none()), "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn c14_a_304_to_a_condition_of_the_callers_own_is_the_callers() {
    let script = Script::of([named(304, "\"own\"")]);
    let client = script.builder().cache(&Cache::memory()).build().unwrap();
    let answer = client.res("x").get().header("if-none-match", "\"own\"").send_raw().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.from_cache(), script.count()), (304, false, 1));
}

#[tokio::test(start_paused = true)]
async fn c16_ages_and_dates_that_cannot_be_make_an_answer_stale() {
    hold("c16").await;
}

#[tokio::test(start_paused = true)]
async fn c18_what_is_stale_is_given_within_its_window_alone_and_says_so() {
    hold("c18").await;
}

#[tokio::test(start_paused = true)]
async fn c26_what_an_answer_said_of_limits_is_not_heard_again() {
    let told = answer(200).header("cache-control", "max-age=900").header("ratelimit", "\"day\";r=0;t=60");
    let script = Script::by(move |seen| if seen.url.ends_with("/told") { told.clone() } else { answer(200) });
    let client = script.builder().cache(&Cache::memory()).limit(Limit::new()).total_timeout(None).build().unwrap();
    let elapsed = async |name: &str| {
        let began = Instant::now();
        client.res(name).get().await.unwrap();
        began.elapsed()
    };
    elapsed("told").await;
    assert!(elapsed("other").await >= Duration::from_secs(59), "the origin said so itself");
    let again = client.res("told").get().send().await.unwrap();
    assert!(again.from_cache() && again.headers().contains_key("ratelimit"));
    assert!(elapsed("another").await < Duration::from_secs(1), "nobody said so");
    assert_eq!(script.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn c26_a_hit_waits_for_no_turn() {
    let script = Script::of([answer(200).header("cache-control", "max-age=900")]);
    let limit = Limit::new().per_minute(1);
    let client = script.builder().cache(&Cache::memory()).limit(limit).total_timeout(None).build().unwrap();
    let began = Instant::now();
    for _ in 0..50 {
        client.res("x").get().await.unwrap();
    }
    assert_eq!((began.elapsed(), script.count()), (Duration::ZERO, 1));
}

#[tokio::test(start_paused = true)]
async fn c26_a_failure_that_is_given_again_is_not_sent_again() {
    let script = Script::of([answer(503).header("cache-control", "max-age=900").header("retry-after", "5")]);
    let client = script.builder().cache(&Cache::memory().store_errors(true)).total_timeout(None).build().unwrap();
    assert_eq!(client.res("x").get().await.unwrap_err().status().unwrap().as_u16(), 503);
    let (began, sent) = (Instant::now(), script.count());
    assert!(sent > 1, "the first of it was sent again");
    for _ in 0..9 {
        let error = client.res("x").get().await.unwrap_err();
        assert_eq!((error.status().unwrap().as_u16(), error.attempts()), (503, 0));
    }
    assert_eq!((began.elapsed(), script.count()), (Duration::ZERO, sent));
}

#[tokio::test(start_paused = true)]
async fn c32_nothing_is_guessed_unless_a_caller_wants_it() {
    hold("c32").await;
}

#[tokio::test(start_paused = true)]
async fn c33_a_caller_who_wants_nothing_sent_gets_an_error_where_nothing_is_kept() {
    let script = Script::of([answer(200).header("cache-control", "max-age=5")]);
    let client = script.builder().cache(&Cache::memory()).build().unwrap();
    let offline = || client.res("x").get().cache(CacheMode::OnlyIfCached);
    let error = offline().send().await.unwrap_err();
    assert_eq!((error.outcome(), error.attempts(), script.count()), (Outcome::NotSent, 0, 0), "{error:?}");
    let said = client.res("x").get().header("cache-control", "only-if-cached").send().await.unwrap_err();
    assert_eq!((said.kind(), said.code(), script.count()), (error.kind(), error.code(), 0));

    client.res("x").get().await.unwrap();
    assert!(offline().send().await.unwrap().from_cache());
    tokio::time::sleep(Duration::from_secs(9)).await;
    let stale = offline().send().await.unwrap();
    assert!(stale.from_cache() && stale.is_stale());
    let other = client.res("x").get().query("q", 1).cache(CacheMode::OnlyIfCached).send().await.unwrap_err();
    assert_eq!((other.code(), script.count()), (error.code(), 1));
}

#[tokio::test(start_paused = true)]
async fn r27_a_redirect_that_is_kept_leads_nobody_but_who_it_was_for() {
    let script = Script::by(|seen| match seen.url.as_str() {
        "http://api.test/old" => answer(301).header("location", "/new").header("cache-control", "max-age=900"),
        "http://api.test/away" => {
            answer(308).header("location", "http://b.test/x").header("cache-control", "max-age=900")
        }
        _ => answer(200).header("cache-control", "no-store"),
    });
    let cache = Cache::memory();
    let client = script.builder().cache(&cache).redirect(Redirect::any_origin()).build().unwrap();
    let ada = client.with_auth(Auth::bearer("CNRY-ada"));
    let bob = client.with_auth(Auth::bearer("CNRY-bob"));
    for (who, name, asks) in [
        (&ada, "old", 2),
        (&ada, "old", 1),
        (&bob, "old", 2),
        (&client, "old", 2),
        (&bob, "old", 1),
        (&ada, "away", 2),
        (&ada, "away", 1),
        (&client, "away", 2),
    ] {
        let before = script.count();
        who.res(name).get().send().await.unwrap().bytes().await.unwrap();
        assert_eq!(script.count() - before, asks, "{name} {:?}", script.urls());
    }
    for seen in script.seen() {
        let at_home = seen.url.starts_with("http://api.test/");
        assert!(at_home || seen.header("authorization").is_none(), "{} was sent a token", seen.url);
    }
    let tokens: Vec<_> =
        script.seen().iter().map(|seen| seen.header("authorization").unwrap_or("none").to_owned()).collect();
    let whose = |name: &str| tokens.iter().filter(|token| token.ends_with(name)).count();
    assert_eq!((whose("ada"), whose("bob"), whose("none")), (4, 3, 6), "{tokens:?}");
}

#[tokio::test(start_paused = true)]
async fn r27_a_circle_of_redirects_that_are_kept_ends() {
    let script = Script::by(|seen| {
        let next = if seen.url.ends_with("/a") { "/b" } else { "/a" };
        answer(301).header("location", next).header("cache-control", "max-age=900")
    });
    let client = script.builder().cache(&Cache::memory()).build().unwrap();
    let codes: Vec<_> = [client.res("a").get().await, client.res("a").get().await, client.res("b").get().await]
        .map(|end| end.unwrap_err().code())
        .into();
    assert_eq!((codes, script.count()), (vec!["redirect.loop"; 3], 2));
}
