//! What every transport does on the wire, as named behaviours of a client of the echo service.
//!
//! A transport of one's own is held to the same table. `faulty` breaks each behaviour on
//! purpose, so that no check can pass for ever.

use std::{future::Future, pin::Pin, time::Duration};

use bytes::Bytes;
use restwalk::{Auth, Client, ClientBuilder, ErrorKind, Outcome, Part, Redirect, Retry, Value, json};

#[cfg(feature = "http")]
use crate::support;
use crate::support::echo;

mod faulty;

type Verdict = Result<(), String>;
type Check = for<'c> fn(&'c Client) -> Pin<Box<dyn Future<Output = Verdict> + Send + 'c>>;

/// A name, what to check, and the fault that must break it.
struct Behaviour {
    name: &'static str,
    check: Check,
    fault: faulty::Fault,
}

macro_rules! behaviours {
    ($($name:ident breaks by $fault:ident;)*) => {
        const BEHAVIOURS: &[Behaviour] = &[$(
            Behaviour { name: stringify!($name), check: |client| Box::pin($name(client)), fault: faulty::Fault::$fault },
        )*];
    };
}

behaviours! {
    the_path_keeps_its_case breaks by LowersPath;
    an_escape_stays_an_escape breaks by DecodesPath;
    an_escaped_slash_stays_one_segment breaks by DecodesSlash;
    the_query_arrives breaks by LosesQuery;
    a_repeated_parameter_keeps_its_order breaks by SortsQuery;
    every_method_arrives_as_it_is breaks by TunnelsMethods;
    a_json_body_arrives_whole breaks by DropsBody;
    a_body_has_its_length breaks by DropsLength;
    a_body_has_its_type breaks by DropsType;
    bytes_arrive_unchanged breaks by ReplacesBytes;
    a_large_body_arrives_whole breaks by CutsUpload;
    a_stream_of_unknown_length_arrives_whole breaks by DropsStreams;
    a_request_without_body_has_no_type breaks by AddsType;
    an_empty_post_says_that_it_is_empty breaks by OmitsZeroLength;
    a_header_arrives breaks by DropsHeader;
    two_values_of_a_header_stay_two breaks by MergesRequestHeaders;
    json_is_asked_for breaks by DropsAccept;
    the_client_names_itself breaks by NamesAnother;
    credentials_arrive breaks by DropsCredentials;
    the_host_is_that_of_the_base_url breaks by RewritesHost;
    a_status_is_kept breaks by ChangesStatus;
    an_error_keeps_its_body breaks by DropsErrorBody;
    an_answer_arrives_whole breaks by CutsAnswer;
    an_empty_answer_is_null breaks by FillsEmpty;
    doubled_answer_headers_stay_apart breaks by MergesAnswerHeaders;
    a_header_value_need_not_be_ascii breaks by AsciiHeaders;
    head_has_headers_and_no_body breaks by IgnoresHead;
    a_redirect_is_not_followed breaks by FollowsRedirects;
    a_request_is_sent_once breaks by Retries;
    a_body_comes_piece_by_piece breaks by BuffersStreams;
    a_broken_body_is_an_error breaks by SwallowsErrors;
    concurrent_answers_find_their_callers breaks by MixesAnswers;
}

/// What the echo service was asked.
async fn asked(call: restwalk::Call) -> Result<Value, String> {
    call.await.map_err(|error| format!("{error} ({})", error.code()))
}

fn same<T: PartialEq + std::fmt::Debug>(got: &T, expected: &T) -> Verdict {
    if got == expected { Ok(()) } else { Err(format!("got {got:?}, expected {expected:?}")) }
}

fn holds(condition: bool, otherwise: impl Into<String>) -> Verdict {
    if condition { Ok(()) } else { Err(otherwise.into()) }
}

/// The values of a header in what was asked.
fn header(asked: &Value, name: &str) -> Vec<String> {
    let pairs = asked["headers"].as_array().cloned().unwrap_or_default();
    pairs.iter().filter(|pair| pair[0] == name).filter_map(|pair| pair[1].as_str().map(str::to_owned)).collect()
}

async fn the_path_keeps_its_case(client: &Client) -> Verdict {
    let asked = asked(client.res("People").item("Ada.L~_-").get()).await?;
    same(&asked["path"], &json!("/People/Ada.L~_-"))
}

async fn an_escape_stays_an_escape(client: &Client) -> Verdict {
    let asked = asked(client.res("people").item("a b+c?d#e%;é").get()).await?;
    same(&asked["path"], &json!("/people/a%20b%2Bc%3Fd%23e%25%3B%C3%A9"))
}

async fn an_escaped_slash_stays_one_segment(client: &Client) -> Verdict {
    let url = client.res("people").url().map_err(|error| error.to_string())?;
    let asked = asked(client.at(format!("{url}/a%2Fb")).get()).await?;
    same(&asked["path"], &json!("/people/a%2Fb"))
}

async fn the_query_arrives(client: &Client) -> Verdict {
    let asked = asked(client.res("people").get().query("q", "x y&z=é").query("limit", 1)).await?;
    same(&asked["query"], &json!("q=x+y%26z%3D%C3%A9&limit=1"))
}

async fn a_repeated_parameter_keeps_its_order(client: &Client) -> Verdict {
    let asked = asked(client.res("people").get().query("b", [3, 1, 2]).query("a", 0)).await?;
    same(&asked["query"], &json!("b=3&b=1&b=2&a=0"))
}

async fn every_method_arrives_as_it_is(client: &Client) -> Verdict {
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE", "m-search"] {
        let asked = asked(client.res("people").method(method)).await?;
        same(&asked["method"], &json!(method))?;
    }
    Ok(())
}

async fn a_json_body_arrives_whole(client: &Client) -> Verdict {
    for call in [client.res("x").post(), client.res("x").put(), client.res("x").patch(), client.res("x").delete()] {
        let asked = asked(call.set("object.content", "Hi é").set("n", u64::MAX)).await?;
        same(&asked["body"], &json!(r#"{"object":{"content":"Hi é"},"n":18446744073709551615}"#))?;
    }
    Ok(())
}

async fn a_body_has_its_length(client: &Client) -> Verdict {
    let asked = asked(client.res("x").post().data("12345")).await?;
    same(&header(&asked, "content-length"), &vec!["7".to_owned()])?;
    same(&header(&asked, "transfer-encoding"), &vec![])
}

async fn a_body_has_its_type(client: &Client) -> Verdict {
    let json = asked(client.res("x").post().set("a", 1)).await?;
    same(&header(&json, "content-type"), &vec!["application/json".to_owned()])?;
    let form = asked(client.res("x").post().form(json!({"a": "b c"}))).await?;
    same(&header(&form, "content-type"), &vec!["application/x-www-form-urlencoded".to_owned()])?;
    same(&form["body"], &json!("a=b+c"))
}

async fn bytes_arrive_unchanged(client: &Client) -> Verdict {
    let bytes: Vec<u8> = (0..=255).collect();
    let asked = asked(client.res("x").put().body(bytes.clone(), "application/octet-stream")).await?;
    same(&asked["sum"], &json!(echo::sum(&bytes)))
}

async fn a_large_body_arrives_whole(client: &Client) -> Verdict {
    let bytes = echo::pattern(1 << 20);
    let asked = asked(client.res("x").put().body(bytes.clone(), "application/octet-stream")).await?;
    same(&asked["length"], &json!(bytes.len()))?;
    same(&asked["sum"], &json!(echo::sum(&bytes)))
}

async fn a_stream_of_unknown_length_arrives_whole(client: &Client) -> Verdict {
    let pieces = (0..100).map(|n| Ok::<_, std::io::Error>(Bytes::from(format!("piece {n};"))));
    let part = Part::stream(futures_util::stream::iter(pieces), None).file_name("pieces.txt");
    let asked = asked(client.res("x").post().upload(part)).await?;
    same(&header(&asked, "transfer-encoding"), &vec!["chunked".to_owned()])?;
    let body = asked["body"].as_str().unwrap_or_default();
    holds(body.contains("piece 0;piece 1;") && body.contains("piece 98;piece 99;\r\n--"), body)
}

async fn a_request_without_body_has_no_type(client: &Client) -> Verdict {
    for call in [client.res("x").get(), client.res("x").delete(), client.res("x").options()] {
        let asked = asked(call).await?;
        for name in ["content-type", "content-length", "transfer-encoding"] {
            same(&header(&asked, name), &vec![])?;
        }
        same(&asked["length"], &json!(0))?;
    }
    Ok(())
}

async fn an_empty_post_says_that_it_is_empty(client: &Client) -> Verdict {
    for call in [client.res("x").post(), client.res("x").put(), client.res("x").patch()] {
        let asked = asked(call).await?;
        same(&header(&asked, "content-length"), &vec!["0".to_owned()])?;
        same(&header(&asked, "content-type"), &vec![])?;
    }
    Ok(())
}

async fn a_header_arrives(client: &Client) -> Verdict {
    let asked = asked(client.res("x").get().header("X-Thing", "a, \"b\" é")).await?;
    same(&header(&asked, "x-thing"), &vec!["a, \"b\" é".to_owned()])
}

async fn two_values_of_a_header_stay_two(client: &Client) -> Verdict {
    let asked = asked(client.res("x").get().header("x-many", "1").header("X-Many", "2")).await?;
    same(&header(&asked, "x-many"), &vec!["1".to_owned(), "2".to_owned()])
}

async fn json_is_asked_for(client: &Client) -> Verdict {
    let plain = asked(client.res("x").get()).await?;
    same(&header(&plain, "accept"), &vec!["application/json".to_owned()])?;
    let other = asked(client.res("x").get().header("accept", "text/csv")).await?;
    same(&header(&other, "accept"), &vec!["text/csv".to_owned()])
}

async fn the_client_names_itself(client: &Client) -> Verdict {
    let asked = asked(client.res("x").get()).await?;
    same(&header(&asked, "user-agent"), &vec![concat!("restwalk/", env!("CARGO_PKG_VERSION")).to_owned()])
}

async fn credentials_arrive(client: &Client) -> Verdict {
    let basic = asked(client.res("x").get().auth(Auth::basic("u", "p"))).await?;
    same(&header(&basic, "authorization"), &vec!["Basic dTpw".to_owned()])?;
    let query = asked(client.res("x").get().query("a", 1).auth(Auth::api_key_query("key", "k 1"))).await?;
    same(&query["query"], &json!("a=1&key=k+1"))
}

async fn the_host_is_that_of_the_base_url(client: &Client) -> Verdict {
    let url = client.res("x").url().map_err(|error| error.to_string())?;
    let authority = url.trim_start_matches("http://").trim_end_matches("/x").to_owned();
    let asked = asked(client.res("x").get()).await?;
    same(&header(&asked, "host"), &vec![authority])
}

async fn a_status_is_kept(client: &Client) -> Verdict {
    for status in [200, 201, 202, 299, 304, 400, 404, 418, 500, 503, 599] {
        let call = client.res("status").item(status).get();
        let response = call.send_raw().await.map_err(|error| error.to_string())?;
        same(&response.status().as_u16(), &status)?;
    }
    Ok(())
}

async fn an_error_keeps_its_body(client: &Client) -> Verdict {
    let Err(error) = client.res("status").item(409).get().send().await else { return Err("409 was a success".into()) };
    same(&error.kind(), &ErrorKind::Status)?;
    same(&error.outcome(), &Outcome::Processed)?;
    same(&error.headers().get("x-seen").map(http::HeaderValue::as_bytes), &Some(b"yes"))?;
    same(&error.body().map(|body| &body[..]), &Some(br#"{"error":"status 409"}"#))
}

async fn an_answer_arrives_whole(client: &Client) -> Verdict {
    for length in [0, 1, 16 << 10, 300_000] {
        let response = client.res("bytes").item(length).get().send().await.map_err(|error| error.to_string())?;
        let bytes = response.bytes().await.map_err(|error| error.to_string())?;
        holds(bytes == echo::pattern(length), format!("{} bytes of {length}, or others", bytes.len()))?;
    }
    Ok(())
}

async fn an_empty_answer_is_null(client: &Client) -> Verdict {
    same(&asked(client.res("status").item(204).get()).await?, &Value::Null)?;
    same(&asked(client.res("bytes").item(0).get()).await?, &Value::Null)
}

async fn doubled_answer_headers_stay_apart(client: &Client) -> Verdict {
    let response = client.res("cookies").get().send().await.map_err(|error| error.to_string())?;
    let cookies: Vec<_> = response.headers().get_all("Set-Cookie").iter().map(http::HeaderValue::as_bytes).collect();
    same(&cookies, &vec![&b"a=1"[..], b"b=2", b"c=3"])
}

async fn a_header_value_need_not_be_ascii(client: &Client) -> Verdict {
    let response = client.res("cookies").get().send().await.map_err(|error| error.to_string())?;
    same(&response.headers().get("x-latin").map(http::HeaderValue::as_bytes), &Some(b"caf\xe9"))
}

async fn head_has_headers_and_no_body(client: &Client) -> Verdict {
    let count = client.res("listing").head().send().await.map_err(|error| error.to_string())?;
    same(&count.headers().get("x-totalitems").map(http::HeaderValue::as_bytes), &Some(b"42"))?;
    same(&count.headers().get("x-method").map(http::HeaderValue::as_bytes), &Some(b"HEAD"))?;
    same(&count.bytes().await.map_err(|error| error.to_string())?, &Bytes::new())
}

async fn a_redirect_is_not_followed(client: &Client) -> Verdict {
    let response = client.res("redirect").get().send_raw().await.map_err(|error| error.to_string())?;
    same(&response.status().as_u16(), &302)?;
    same(&response.headers().get("location").map(http::HeaderValue::as_bytes), &Some(b"/elsewhere"))
}

async fn a_request_is_sent_once(client: &Client) -> Verdict {
    let name = format!("{:p}", &raw const *client);
    let place = client.res("count").item(&name);
    let status = place.get().send_raw().await.map_err(|error| error.to_string())?.status();
    same(&asked(place.res("peek").get()).await.or_else(|_| Ok::<_, String>(json!(1)))?, &json!(1))?;
    same(&status.as_u16(), &503)
}

async fn a_body_comes_piece_by_piece(client: &Client) -> Verdict {
    let name = format!("{:p}", &raw const *client);
    let talk = async {
        let response = client.res("gated").item(&name).get().send().await.map_err(|error| error.to_string())?;
        let mut stream = response.stream();
        let first = stream.next().await.ok_or("no first piece")?.map_err(|error| error.to_string())?;
        same(&first, &Bytes::from_static(b"first"))?;
        client.res("open").item(&name).get().send().await.map_err(|error| error.to_string())?;
        let second = stream.next().await.ok_or("no second piece")?.map_err(|error| error.to_string())?;
        same(&second, &Bytes::from_static(b"second"))?;
        holds(stream.next().await.is_none(), "a third piece")
    };
    let late = |_| Err("the first piece waits for the second".into());
    tokio::time::timeout(Duration::from_secs(10), talk).await.unwrap_or_else(late)
}

async fn a_broken_body_is_an_error(client: &Client) -> Verdict {
    let response = client.res("broken").get().send().await.map_err(|error| error.to_string())?;
    let Err(error) = response.bytes().await else { return Err("half a body was taken for a whole one".into()) };
    same(&error.code(), &"body.truncated")?;
    same(&error.outcome(), &Outcome::Processed)
}

async fn concurrent_answers_find_their_callers(client: &Client) -> Verdict {
    let calls = (0..32).map(|n| async move {
        let asked = asked(client.res("people").item(n).get()).await?;
        same(&asked["path"], &json!(format!("/people/{n}")))
    });
    futures_util::future::join_all(calls).await.into_iter().collect()
}

/// The client without what would hide its transport.
fn plain(builder: ClientBuilder) -> Client {
    builder.redirect(Redirect::off()).retry(Retry::off()).build().unwrap()
}

async fn failures(client: &Client) -> Vec<String> {
    let mut failures = Vec::new();
    for Behaviour { name, check, .. } in BEHAVIOURS {
        if let Err(why) = check(client).await {
            failures.push(format!("{name}: {why}"));
        }
    }
    failures
}

#[tokio::test]
async fn every_behaviour_holds_in_process() {
    assert!(BEHAVIOURS.len() >= 25);
    let client = plain(Client::local(echo::router()));
    assert_eq!(failures(&client).await, Vec::<String>::new());
}

#[cfg(feature = "http")]
#[tokio::test]
async fn every_behaviour_holds_over_a_socket() {
    let server = support::serve::Server::plain(echo::router());
    assert_eq!(failures(&plain(support::builder(&server.url()))).await, Vec::<String>::new());
}

#[cfg(feature = "http")]
#[tokio::test]
async fn every_behaviour_holds_below_a_base_path() {
    let server = support::serve::Server::plain(axum::Router::new().nest("/api/v1", echo::router()));
    let client = support::network(&format!("{}/api/v1/", server.url()));
    let asked = asked(client.res("People").item("a b").get().query("q", 1)).await.unwrap();
    // The service sees the path below its own place.
    assert_eq!((&asked["path"], &asked["query"]), (&json!("/People/a%20b"), &json!("q=1")));
}

#[tokio::test(start_paused = true)]
async fn every_behaviour_is_broken_by_its_fault() {
    for Behaviour { name, check, fault } in BEHAVIOURS {
        let client = faulty::client(*fault);
        assert!(check(&client).await.is_err(), "{name} holds in spite of {fault:?}");
    }
}
