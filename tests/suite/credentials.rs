//! Which credentials a call goes out with: its own, those of its route, the client's.

use restwalk::{Auth, Catalog, Client, ClientBuilder, ErrorKind, Outcome};

use crate::support::{
    canary::{canary, find},
    script::{Script, answer},
};

const CATALOG: &str = "
resources:
  people: { route: /people, methods: { GET: , DELETE: { auth: admin }, POST: { auth: none } } }
  keys: { route: /keys, auth: admin }
  health: { route: /health, auth: none }
  signed: { route: /signed, auth: query }
";

fn builder(script: &Script) -> ClientBuilder {
    let catalog = Catalog::from_yaml(CATALOG, "").unwrap();
    script.builder().catalog(catalog).auth(Auth::bearer("usual")).header("X-Token", "own").header("X-Plain", "1")
}

fn client(script: &Script) -> Client {
    let builder = builder(script).auth_as("admin", Auth::basic("a", "b"));
    builder.auth_as("admin", Auth::bearer("admins")).auth_as("query", Auth::api_key_query("key", "k1")).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn s33_the_route_says_by_which_credentials_it_is_called() {
    let script = Script::of([answer(200)]);
    let client = client(&script);
    for (call, authorization, token) in [
        (client.res("people").get(), Some("Bearer usual"), Some("own")),
        (client.res("people").head(), Some("Bearer usual"), Some("own")),
        (client.res("people").delete(), Some("Bearer admins"), None),
        (client.res("people").post(), None, None),
        (client.res("keys").put(), Some("Bearer admins"), None),
        (client.res("health").get(), None, None),
        (client.res("health").get().auth(Auth::bearer("mine")), Some("Bearer mine"), None),
        (client.res("keys").get().header("authorization", "mine"), Some("mine"), None),
        (client.res("health").get().header("X-Token", "mine"), None, Some("mine")),
        (client.with_auth(Auth::bearer("other")).res("keys").get(), Some("Bearer admins"), None),
        (client.with_auth(Auth::bearer("other")).res("people").get(), Some("Bearer other"), Some("own")),
    ] {
        let signed = call.build_signed().unwrap();
        call.send().await.unwrap();
        let seen = script.seen().pop().unwrap();
        let name = format!("{} {}", seen.method, seen.url);
        assert_eq!((seen.header("authorization"), seen.header("x-token")), (authorization, token), "{name}");
        assert_eq!(seen.header("x-plain"), Some("1"));
        assert_eq!(signed.headers().get("authorization"), seen.headers.get("authorization"), "{name}");
    }
    let call = client.res("signed").get();
    assert_eq!(call.secret_query().unwrap().as_deref(), Some("key"));
    call.send().await.unwrap();
    assert_eq!(script.urls().last().unwrap(), "http://api.test/signed?key=k1");
}

#[tokio::test(start_paused = true)]
async fn a_route_whose_credentials_are_not_given_says_how_to_give_them() {
    let script = Script::of([answer(200)]);
    let client = builder(&script).build().unwrap();
    client.res("people").get().send().await.unwrap();
    let error = client.res("keys").get().await.unwrap_err();
    assert_eq!((error.kind(), error.code(), error.outcome()), (ErrorKind::Auth, "auth.required", Outcome::NotSent));
    assert!(error.to_string().contains(r#".auth_as("admin", ..)"#), "{error}");
    assert!(client.res("keys").get().to_curl().is_err());
    assert_eq!(script.count(), 1);
    // Its own credentials will do.
    client.res("keys").get().auth(Auth::bearer("mine")).send().await.unwrap();
    let none = builder(&script).auth_as("none", Auth::bearer("x")).build();
    assert_eq!(none.unwrap_err().kind(), ErrorKind::Request);
    let bad = builder(&script).auth_as("admin", Auth::bearer("a b")).build();
    assert_eq!(bad.unwrap_err().kind(), ErrorKind::Auth);
}

#[tokio::test(start_paused = true)]
async fn s20_named_credentials_have_no_part_in_the_jar_and_stay_at_home() {
    let script = Script::by(|seen| match seen.url.as_str() {
        "http://api.test/people" => answer(200).header("set-cookie", "usual=1; Path=/"),
        "http://api.test/keys" => answer(302).header("location", "http://other.test/"),
        _ => answer(200),
    });
    let builder = builder(&script).cookies(true).redirect(restwalk::Redirect::any_origin());
    let client = builder.auth_as("admin", Auth::bearer(canary("token"))).build().unwrap();
    client.res("people").get().send().await.unwrap();
    client.res("health").get().send().await.unwrap();
    client.res("keys").get().send().await.unwrap();
    client.at("http://other.test/keys").get().send().await.unwrap();
    client.at("http://api.test/x").get().send().await.unwrap();
    let seen = script.seen();
    let cookies: Vec<_> = seen.iter().map(|seen| seen.header("cookie")).collect();
    assert_eq!(cookies, [None, None, None, None, None, Some("usual=1")]);
    assert_eq!(seen[2].header("authorization"), Some(format!("Bearer {}", canary("token")).as_str()));
    for away in &seen[3..5] {
        assert_eq!(find(&format!("{away:?}"), &[canary("token"), "usual".to_owned()]), None);
    }
    assert_eq!(find(&format!("{client:?}"), &[canary("token")]), None);
    assert!(format!("{client:?}").contains("\"admin\""));
}

#[tokio::test(start_paused = true)]
async fn s09_a_named_secret_that_is_echoed_is_masked() {
    let script = Script::by(|seen| {
        let echo = seen.header("authorization").unwrap_or_default().to_owned();
        answer(400).body(format!("{{\"detail\":\"{echo}\"}}"))
    });
    let client = builder(&script).auth_as("admin", Auth::bearer(canary("token"))).build().unwrap();
    let error = client.res("keys").get().await.unwrap_err();
    assert!(error.to_string().contains("***"), "{error}");
    assert_eq!(find(&format!("{error} {error:?}"), &[canary("token")]), None);
}

#[cfg(feature = "compiled")]
#[tokio::test(start_paused = true)]
async fn a_compiled_catalog_carries_the_names() {
    let script = Script::of([answer(200)]);
    let bytes = Catalog::from_yaml(CATALOG, "").unwrap().to_bytes().unwrap();
    for catalog in
        [Catalog::from_bytes(&bytes).unwrap(), Catalog::along(std::io::Cursor::new(&bytes), "people").unwrap().unwrap()]
    {
        let builder = builder(&script).catalog(catalog).auth_as("admin", Auth::bearer("admins"));
        builder.build().unwrap().res("people").delete().send().await.unwrap();
        assert_eq!(script.seen().pop().unwrap().header("authorization"), Some("Bearer admins"));
    }
}
