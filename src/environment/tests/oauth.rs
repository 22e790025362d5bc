use std::sync::{Arc, Mutex};

use super::*;
use crate::WireBody;

const EVERY: &str = "base_url: https://h\n    auth: {oauth2: {issuer: 'https://id.test/realm', client_id: cid, \
                     client_secret: 'env:S', scopes: [a, b c], extra: {audience: api, api_key: 'env:K'}, \
                     trust: ['https://other.test'], headers: {X-T: '{token}'}, store: memory";

fn oauth(settings: &str) -> (tempfile::TempDir, Environment) {
    one(&format!("{EVERY}, {settings}}}}}"), &[("S", "CNRYsecret"), ("K", "CNRYkey"), ("P", "CNRYpass")])
}

#[test]
fn a_grant_is_a_client_s_own_or_a_person_s() {
    for (settings, session, personal, username) in [
        ("grant: client_credentials", "client credentials", None, None),
        ("grant: password, username: ada", "stored", Some("password"), Some("ada")),
        ("grant: password, username: ada, password: 'env:P'", "password", None, Some("ada")),
        ("grant: refresh_token, refresh_token: 'env:P'", "refresh token", None, None),
        ("grant: device", "stored", Some("device"), None),
        ("grant: authorization_code, account: x", "stored", Some("authorization_code"), None),
        ("in_body: true", "stored", Some(""), None),
    ] {
        let (_folder, one) = oauth(settings);
        assert_eq!((one.grant(), one.username()), (personal, username), "{settings}");
        let client = one.client().unwrap();
        let shown = format!("{client:?} {one:?}");
        assert!(shown.contains(session) && !shown.contains("CNRY"), "{settings}: {shown}");
        assert!(client.build().unwrap().auth().is_ok());
        let other = one.with_auth(Auth::none());
        assert_eq!((other.grant(), other.token_store().unwrap()), (None, None));
    }
}

#[test]
fn what_is_shown_names_the_server_and_each_place_of_a_secret() {
    let (_folder, one) = oauth("grant: device, device_url: 'https://id.test/device'");
    let told = |said: Vec<(&str, String)>| said.into_iter().find(|(key, _)| *key == "auth").unwrap().1;
    let shared = "OAuth 2.0 by device, issuer https://id.test/realm, device_url https://id.test/device, \
                  trust https://other.test, client cid, secret env:S, scopes a b c, audience in plain text, api_key env:K";
    assert_eq!(told(one.summary()), format!("{shared}, header X-T, store memory"));
    assert_eq!(told(one.particulars()), format!("{shared}, header X-T: {{token}}, store memory"));
    assert!(one.warnings().is_empty(), "an audience is no secret");
    assert_eq!(one.token_store().unwrap().as_deref(), Some("memory"));
}

#[test]
fn d18_where_tokens_are_kept_is_told_in_one_order() {
    const HOME: (&str, &str) = ("HOME", "/h");
    const STATE: (&str, &str) = ("XDG_STATE_HOME", "/s");
    let in_folder = |folder: &std::path::Path, name: &str| format!("the file {}", folder.join(name).display());
    for (store, pairs, expected) in [
        ("", &[HOME][..], Ok("the file /h/.local/state/restwalk/tokens.json")),
        ("", &[HOME, STATE], Ok("the file /s/restwalk/tokens.json")),
        ("", &[HOME, ("XDG_STATE_HOME", "relative")], Ok("the file /h/.local/state/restwalk/tokens.json")),
        ("", &[HOME, ("XDG_STATE_HOME", "")], Ok("the file /h/.local/state/restwalk/tokens.json")),
        ("", &[], Err("set HOME, or XDG_STATE_HOME to a whole path")),
        ("store: file", &[HOME, STATE], Ok("the file /s/restwalk/tokens.json")),
        ("store: {file: t.json}", &[HOME, STATE], Ok("FOLDER/t.json")),
        ("store: {file: ~/t.json}", &[HOME, STATE], Ok("the file /h/t.json")),
        ("store: {file: /x/t.json}", &[], Ok("the file /x/t.json")),
        ("store: memory", &[], Ok("memory")),
        ("store: keyring", &[], Ok("keyring \"restwalk\"")),
        ("store: {keyring: mine}", &[], Ok("keyring \"mine\"")),
        ("store: {redis: 'env:R', key: 'env:K'}", &[], Ok("redis env:R, key env:K")),
        ("", &[HOME, STATE, ("RESTWALK_TOKENS", "/t/own.json")], Ok("the file /t/own.json")),
        ("store: keyring", &[STATE, ("RESTWALK_TOKENS", "/t/own.json")], Ok("the file /t/own.json")),
        ("store: keyring", &[STATE, ("RESTWALK_TOKENS", "")], Ok("keyring \"restwalk\"")),
        ("store: {file: t.json}", &[STATE, ("RESTWALK_TOKENS", "file")], Ok("the file /s/restwalk/tokens.json")),
        ("store: {file: t.json}", &[STATE, ("RESTWALK_TOKENS", "memory")], Ok("memory")),
        ("", &[STATE, ("RESTWALK_TOKENS", "own.json")], Err("expected file, keyring, memory, or the whole path")),
    ] {
        let store = if store.is_empty() { String::new() } else { format!(", {store}") };
        let auth = format!("auth: {{oauth2: {{token_url: 'https://id.test/t', client_id: c{store}}}}}");
        let (folder, one) = one(&format!("base_url: https://h\n    {auth}"), pairs);
        let found = one.token_store().map(Option::unwrap).map_err(|error| error.to_string());
        match expected {
            Ok("FOLDER/t.json") => assert_eq!(found.unwrap(), in_folder(folder.path(), "t.json")),
            Ok(expected) => assert_eq!(found.as_deref(), Ok(expected), "{auth} {pairs:?}"),
            Err(part) => assert!(found.as_ref().is_err_and(|why| why.contains(part)), "{auth} {pairs:?}: {found:?}"),
        }
    }
}

/// A client that gives `documents`, and what was asked of it: URL and credentials.
fn documents(documents: &'static [(&str, &str)]) -> (Client, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let noted = Arc::clone(&asked);
    let service = tower::service_fn(move |request: http::Request<WireBody>| {
        let uri = request.uri().to_string();
        assert!(request.headers().keys().all(|name| *name != "authorization" && !name.as_str().starts_with("x-")));
        let found = documents.iter().find(|(known, _)| *known == uri);
        noted.lock().unwrap().push(uri);
        let (status, body) = found.map_or((404, ""), |(_, body)| (200, *body));
        let body = WireBody::full(bytes::Bytes::from_static(body.as_bytes()));
        async move { Ok::<_, std::io::Error>(http::Response::builder().status(status).body(body).unwrap()) }
    });
    (Client::local(service).header("X-Api-Key", "CNRY").auth(Auth::bearer("CNRY")).build().unwrap(), asked)
}

fn found(one: &Environment, client: &Client) -> Result<Environment> {
    crate::block_on(one.discover(client)).unwrap()
}

const PLACES: &str = "base_url: {document: 'https://hub.test/info', pointer: '/domains/{domain}/url', \
                      fallback: '{/default}/{domain}', trust: ['https://*.max.test', 'https://max.test']}\n    \
                      variables: {domain: acme}\n    actor: ada\n    auth: {oauth2: {preset: max, store: memory, \
                      trust: ['https://oauth.test']}}";

#[test]
fn m32_m33_places_are_found_in_documents_once_and_as_nobody() {
    let (_folder, one) = one(PLACES, &[]);
    assert_eq!((one.base_url(), one.is_elsewhere(), one.grant()), (None, true, Some("password")));
    assert!(one.client().unwrap_err().to_string().ends_with("stands in a document; call Environment::discover first"));
    assert_eq!(
        one.summary()[0].1,
        "at /domains/{domain}/url in https://hub.test/info, else {/default}/{domain}, trusting https://*.max.test, trusting https://max.test"
    );
    for (hub, base) in [
        (r#"{"domains": {"acme": {"url": "https://a.max.test/acme"}}}"#, "https://a.max.test/acme"),
        (r#"{"default": "https://max.test", "domains": {}}"#, "https://max.test/acme"),
    ] {
        let documents = match base {
            "https://max.test/acme" => documents(&[
                ("https://hub.test/info", r#"{"default": "https://max.test", "domains": {}}"#),
                ("https://max.test/acme/info", r#"{"max": {"oauth_server": "https://oauth.test"}}"#),
            ]),
            _ => documents(&[
                ("https://hub.test/info", r#"{"domains": {"acme": {"url": "https://a.max.test/acme"}}}"#),
                ("https://a.max.test/acme/info", r#"{"max": {"oauth_server": "https://oauth.test/"}}"#),
            ]),
        };
        let (client, asked) = documents;
        let known = found(&one, &client).unwrap();
        assert_eq!((known.base_url(), known.is_elsewhere()), (Some(base), false), "{hub}");
        let client = found(&known, &client).unwrap().client().unwrap().build().unwrap();
        assert_eq!(*asked.lock().unwrap(), ["https://hub.test/info".to_owned(), format!("{base}/info")], "asked once");
        assert_eq!(client.res("people").url().unwrap(), format!("{base}/people"));
        assert!(format!("{known:?}").contains("https://oauth.test/token"), "{known:?}");
    }
}

#[test]
fn m33_what_leads_nowhere_names_both_places() {
    let (_folder, one) = one(PLACES, &[]);
    let (client, _) = documents(&[("https://hub.test/info", r#"{"domains": {}}"#)]);
    let error = found(&one, &client).unwrap_err().to_string();
    assert!(error.contains("\"/domains/acme/url\"") && error.contains("\"{/default}/{domain}\""), "{error}");
    let evil = r#"{"domains": {"acme": {"url": "https://evil.test"}}}"#;
    let (client, _) = documents(Box::leak(Box::new([("https://hub.test/info", evil)])));
    let error = found(&one, &client).unwrap_err().to_string();
    assert!(error.contains("another origin; where that is right, trust https://evil.test"), "{error}");
    // Where the caller says it, nothing is looked for; and no credentials go where nobody knows that they may.
    let own = one.with_base_url("https://evil.test");
    assert_eq!(own.client().unwrap_err().code(), "auth.required");
}

#[test]
fn m30_v_e1_a_preset_asks_as_its_servers_want_it() {
    let (_folder, max) = one(
        "base_url: https://h\n    actor: ada\n    auth: {oauth2: {preset: max, token_url: 'https://h/token', store: memory}}",
        &[],
    );
    let client = max.client().unwrap().build().unwrap();
    let request = client.path("people/ada").get().build_signed().unwrap();
    for (name, value) in [("x-oauth-token", "***"), ("x-oauth-username", "ada"), ("x-oauth-scope", "***")] {
        assert_eq!(request.headers()[name], value, "{name}");
    }
    for (url, expected) in [
        ("", "https://h/api/oauth2/access_token"),
        (", token_url: 'https://id.test/oauth2/'", "https://id.test/oauth2/access_token"),
    ] {
        let auth =
            format!("auth: {{oauth2: {{preset: edx, client_id: c, client_secret: 'env:S', store: memory{url}}}}}");
        let (_folder, edx) = one(&format!("base_url: https://h/api\n    {auth}"), &[("S", "CNRY")]);
        let shown = format!(
            "{:?}",
            edx.oauth()
                .unwrap()
                .server(&super::super::oauth::Where { token_url: None, base_url: edx.home(), memory: &edx.memory })
                .unwrap()
        );
        assert!(shown.contains(expected) && shown.contains("JWT"), "{shown}");
    }
}

#[test]
fn a_mistake_in_oauth2_says_what_is_expected() {
    for (settings, expected) in [
        ("client_id: c", "expected issuer or token_url, to know where to ask"),
        (
            "issuer: 'https://i', token_url: 'https://t', client_id: c",
            "expected one of issuer, token_url: an issuer names its token endpoint itself",
        ),
        ("token_url: 'https://t'", "the key \"client_id\" is missing"),
        ("preset: wipac, client_id: c", "the preset wipac needs an issuer"),
        (
            "issuer: 'https://i', client_id: c, grant: refresh_token",
            "the grant refresh_token needs the key refresh_token, which says where the first one is",
        ),
        ("issuer: 'https://i', client_id: c, grant: password, password: CNRY", "a password needs the key username"),
        ("issuer: 'https://i', client_id: c, username: u, password: CNRY", "a password is for the grant password"),
        (
            "issuer: 'https://i', client_id: c, store: {file: x, keyring: y}",
            "expected one of file, keyring, or redis with its key",
        ),
        (
            "issuer: 'https://i', client_id: c, store: {redis: CNRY}",
            "expected one of file, keyring, or redis with its key",
        ),
        (
            "token_url: {document: info, pointer: /a}, client_id: c",
            "expected a document that is a URL, or a path that begins with a /",
        ),
    ] {
        let error =
            read(&format!("environments: {{a: {{auth: {{oauth2: {{{settings}}}}}}}}}"), &[]).map(|_| ()).unwrap_err();
        let told = error.to_string();
        assert!(told.ends_with(expected) && !told.contains("CNRY"), "{settings}: {told}");
    }
}
