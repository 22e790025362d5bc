//! What is kept, and what never is: seen at a store that shows all that it was given.

#[cfg(feature = "gzip")]
use std::io::Write;

use bytes::Bytes;
use restwalk::{Auth, Cache, CacheMode, Client};

use super::{hold, ledger::Ledger};
use crate::support::{
    canary::{canary, find},
    script::{Script, Step, answer},
};

fn lasting(status: u16) -> Step {
    answer(status).header("cache-control", "max-age=900")
}

/// What a store is given by a client that asks for `x` once.
async fn given(step: Step) -> Vec<Bytes> {
    let (script, ledger) = (Script::of([step]), Ledger::default());
    let client = script.builder().cache(&Cache::own(ledger.clone())).build().unwrap();
    client.res("x").get().send_raw().await.unwrap().bytes().await.unwrap();
    ledger.given()
}

fn text(values: &[Bytes]) -> String {
    values.iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn c03_private_is_kept_for_its_owner_no_store_nowhere_and_no_cache_is_validated() {
    hold("c03").await;
    assert_eq!(given(lasting(200)).await.len(), 1);
    assert_eq!(given(lasting(200).header("cache-control", "private")).await.len(), 1);
    assert_eq!(given(lasting(200).header("cache-control", "no-store")).await.len(), 0);
    assert_eq!(given(lasting(200).header("cache-control", "NO-STORE")).await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn c03_what_a_caller_wants_kept_nowhere_is_kept_nowhere() {
    let (script, ledger) = (Script::of([lasting(200)]), Ledger::default());
    let client = script.builder().cache(&Cache::own(ledger.clone())).build().unwrap();
    for call in
        [client.res("x").get().header("cache-control", "no-store"), client.res("x").get().cache(CacheMode::NoStore)]
    {
        assert!(!call.send().await.unwrap().from_cache());
    }
    assert_eq!((script.count(), ledger.given().len()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn c05_what_sets_a_cookie_is_not_kept() {
    hold("c05").await;
    assert_eq!(given(lasting(200).header("set-cookie", "sid=1")).await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn c08_what_is_not_the_whole_answer_to_a_get_is_not_kept() {
    hold("c08").await;
}

#[tokio::test(start_paused = true)]
async fn c10_refusals_and_failures_are_not_kept_whatever_they_say() {
    hold("c10").await;
    for status in [400, 401, 403, 407, 429, 500, 501, 502, 503, 504, 599] {
        assert_eq!(given(lasting(status)).await.len(), 0, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn c10_refusals_of_the_caller_are_not_kept_where_errors_are() {
    for status in [401, 403, 407, 429] {
        let script = Script::of([lasting(status)]);
        let cache = Cache::memory().store_errors(true).heuristics(true);
        let client = script.builder().cache(&cache).retry(restwalk::Retry::off()).build().unwrap();
        for _ in 0..2 {
            client.res("x").get().send_raw().await.unwrap().bytes().await.unwrap();
        }
        assert_eq!(script.count(), 2, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn c11_what_is_not_there_is_so_for_a_minute_at_most() {
    hold("c11").await;
    assert_eq!(given(answer(404)).await.len(), 0);
    assert_eq!(given(answer(410).header("cache-control", "public")).await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn c12_tokens_and_what_older_words_forbid_are_not_kept() {
    hold("c12").await;
    for body in [
        r#"{"access_token":"CNRY-token","token_type":"bearer","expires_in":900}"#,
        r#"{ "token_type" : "bearer", "access_token" : "CNRY-token" }"#,
        r#"{"refresh_token":"CNRY-token"}"#,
        r#"{"id_token":"CNRY-token"}"#,
    ] {
        assert_eq!(given(lasting(200).body(body)).await.len(), 0, "{body}");
    }
    let (script, ledger) = (Script::of([lasting(200)]), Ledger::default());
    let client = script.builder().cache(&Cache::own(ledger.clone())).build().unwrap();
    client.res("token").post().form([("grant_type", "client_credentials")]).await.unwrap();
    assert_eq!(ledger.given().len(), 0);
}

#[cfg(feature = "gzip")]
#[tokio::test(start_paused = true)]
async fn c12_a_token_is_seen_through_a_coding() {
    let coded = |body: &[u8]| {
        let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        coder.write_all(body).unwrap();
        lasting(200).header("content-encoding", "gzip").body(coder.finish().unwrap())
    };
    assert_eq!(given(coded(b"{\"season\":\"spring\"}")).await.len(), 1);
    assert_eq!(given(coded(b"{\"access_token\":\"CNRY-token\"}")).await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn c27_what_is_kept_holds_no_credential_and_nothing_of_a_connection() {
    let secrets = ["bearer", "cookie", "key", "echo", "proxy", "set", "query"].map(canary);
    let [bearer, cookie, key, echo, proxy, set, query] = &secrets;
    let whole = lasting(200)
        .header("etag", "\"mild\"")
        .header("vary", "authorization, cookie, x-api-key")
        .header("authorization", echo)
        .header("proxy-authorization", proxy)
        .header("proxy-authenticate", proxy)
        .header("proxy-authentication-info", proxy)
        .header("connection", "close, x-hop")
        .header("x-hop", "NEVER")
        .header("keep-alive", "NEVER")
        .header("upgrade", "NEVER");
    let unchanged = answer(304).header("etag", "\"mild\"").header("set-cookie", set).header("authorization", echo);
    let (script, ledger) = (Script::of([whole, unchanged]), Ledger::default());
    let client = script.builder().auth(Auth::bearer(bearer)).cache(&Cache::own(ledger.clone())).build().unwrap();
    let call = |client: &Client| {
        let call = client.res("x").get().header("cookie", format!("sid={cookie}")).header("x-api-key", key);
        call.auth(Auth::api_key_query("api_key", query.as_str()))
    };
    call(&client).await.unwrap();
    call(&client).cache(CacheMode::NoCache).await.unwrap();
    let again = call(&client).send().await.unwrap();
    assert_eq!((script.count(), again.from_cache()), (2, true));
    let given = ledger.given();
    assert!(!given.is_empty() && text(&given).contains("mild"));
    let shown = text(&given);
    assert_eq!(find(&shown, &secrets), None, "{shown:?}");
    assert!(!shown.contains("NEVER"), "{shown:?}");
    assert!(again.headers().get("set-cookie").is_none() && again.headers().get("authorization").is_none());
}
