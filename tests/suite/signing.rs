//! Credentials that are made anew for each attempt, over the whole loop.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use http::{HeaderMap, HeaderValue};
use restwalk::{Auth, Body, BoxFuture, ErrorKind, Outcome, Result, Sign};

use crate::support::script::{Script, Step, answer};

/// Signs the first request "1", and each one after a refusal with the next number.
#[derive(Debug, Default)]
struct Counted {
    signed: AtomicUsize,
    refused: AtomicUsize,
}

#[derive(Debug, Clone, Default)]
struct Shared(Arc<Counted>);

impl Sign for Shared {
    fn sign<'a>(&'a self, request: &'a mut http::Request<Body>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let count = self.0.signed.fetch_add(1, Ordering::SeqCst) + 1;
            let text = format!("{count} {} {} {}", request.method(), request.uri(), request.headers().len());
            let mut value = HeaderValue::try_from(text).unwrap();
            value.set_sensitive(true);
            request.headers_mut().insert("signature", value);
            Ok(())
        })
    }

    fn refused<'a>(&'a self, sent: &'a HeaderMap, answer: &'a HeaderMap) -> BoxFuture<'a, Result<bool>> {
        assert!(sent.contains_key("signature") && answer.contains_key("www-authenticate"));
        self.0.refused.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(true) })
    }
}

fn refusal() -> Step {
    answer(401).header("www-authenticate", "Own")
}

#[tokio::test(start_paused = true)]
async fn y42_each_attempt_is_signed_as_it_is_sent() {
    let script = Script::of([answer(503), answer(307).header("location", "/b"), answer(200)]);
    let signer = Shared::default();
    let client = script.builder().auth(Auth::signer(signer)).build().unwrap();
    client.res("a").get().header("x-own", "1").send().await.unwrap();
    let signatures: Vec<_> = script.seen().iter().map(|seen| seen.header("signature").unwrap().to_owned()).collect();
    let headers = script.seen()[0].headers.len() - 1;
    assert_eq!(
        signatures,
        [
            format!("1 GET http://api.test/a {headers}"),
            format!("2 GET http://api.test/a {headers}"),
            format!("3 GET http://api.test/b {headers}"),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn o07_a_refusal_is_answered_by_one_more_signature_and_no_further_one() {
    let script = Script::of([refusal(), answer(200)]);
    let client = script.builder().auth(Auth::signer(Shared::default())).build().unwrap();
    client.res("a").post().set("x", 1).send().await.unwrap();
    assert_eq!(script.count(), 2);
    assert_eq!(script.seen()[0].body, script.seen()[1].body);

    let script = Script::of([refusal()]);
    let signer = Shared::default();
    let client = script.builder().auth(Auth::signer(signer.clone())).build().unwrap();
    let error = client.res("a").get().await.unwrap_err();
    assert_eq!((error.kind(), error.code(), script.count()), (ErrorKind::Status, "auth.denied", 2));
    assert_eq!((error.attempts(), signer.0.refused.load(Ordering::SeqCst)), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn o33_a_403_never_signs_anew_and_tells_the_scope_it_needs() {
    let needs = r#"Bearer realm="x", error="insufficient_scope", scope="people.write""#;
    let script = Script::of([answer(403).header("www-authenticate", needs)]);
    let signer = Shared::default();
    let client = script.builder().auth(Auth::signer(signer.clone())).build().unwrap();
    let error = client.res("a").get().await.unwrap_err();
    assert_eq!((error.code(), script.count()), ("auth.denied", 1));
    assert!(error.to_string().contains("people.write"), "{error}");
    assert_eq!(signer.0.refused.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn o09_what_can_be_read_once_is_not_sent_again_and_says_so() {
    let script = Script::of([refusal(), answer(200)]);
    let signer = Shared::default();
    let client = script.builder().auth(Auth::signer(signer.clone())).build().unwrap();
    let part = restwalk::Part::stream(
        futures_util::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from_static(b"x"))]),
        None,
    );
    let error = client.res("a").post().upload(part).send().await.unwrap_err();
    assert_eq!((error.gave_up(), script.count()), (Some("retry.not_replayable"), 1));
    assert_eq!(signer.0.refused.load(Ordering::SeqCst), 1, "the next call is to be signed anew");
}

#[tokio::test(start_paused = true)]
async fn a_signer_sees_no_request_to_another_origin() {
    let script = Script::of([
        answer(302).header("location", "https://other.test/x"),
        answer(401).header("www-authenticate", "Own"),
    ]);
    let signer = Shared::default();
    let redirect = restwalk::Redirect::any_origin();
    let client = script.builder().redirect(redirect).auth(Auth::signer(signer.clone())).build().unwrap();
    client.res("a").get().await.unwrap_err();
    assert_eq!(script.count(), 2);
    assert!(script.seen()[1].header("signature").is_none());
    assert_eq!((signer.0.signed.load(Ordering::SeqCst), signer.0.refused.load(Ordering::SeqCst)), (1, 0));
}

/// Adds a second `Authorization`, or fails.
#[derive(Debug)]
struct Wrong(bool);

impl Sign for Wrong {
    fn sign<'a>(&'a self, request: &'a mut http::Request<Body>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if self.0 {
                return Err(restwalk::Error::new(ErrorKind::Auth, "no key at hand"));
            }
            request.headers_mut().append("authorization", HeaderValue::from_static("Own a"));
            request.headers_mut().append("authorization", HeaderValue::from_static("Own b"));
            Ok(())
        })
    }
}

#[tokio::test(start_paused = true)]
async fn s33_a_request_with_two_authorizations_or_none_to_sign_it_is_not_sent() {
    for (fails, told) in [(true, "no key at hand"), (false, "two Authorization headers")] {
        let script = Script::of([answer(200)]);
        let client = script.builder().auth(Auth::signer(Wrong(fails))).build().unwrap();
        let error = client.res("a").get().await.unwrap_err();
        assert_eq!((error.kind(), error.outcome(), script.count()), (ErrorKind::Auth, Outcome::NotSent, 0));
        assert!(error.to_string().contains(told), "{error}");
    }
}
