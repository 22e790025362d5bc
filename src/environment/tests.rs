use std::{fs, time::Duration};

use super::*;

mod oauth;

/// The environments of a file that holds `text`, its variables being `pairs`.
fn read(text: &str, pairs: &'static [(&str, &str)]) -> Result<(tempfile::TempDir, Vec<Environment>)> {
    let folder = tempfile::tempdir().unwrap();
    let said = read::read("restwalk.yaml", text.as_bytes())?;
    let source = Source::new(&folder.path().join("restwalk.yaml"))?;
    let variables = Variables::new(|name| {
        let (_, value) = pairs.iter().find(|(known, _)| *known == name)?;
        Some((*value).to_owned())
    });
    Ok((folder, read::environments(said, source, &variables)))
}

fn one(settings: &str, pairs: &'static [(&str, &str)]) -> (tempfile::TempDir, Environment) {
    let (folder, mut list) = read(&format!("environments:\n  a:\n    {settings}\n"), pairs).unwrap();
    (folder, list.remove(0))
}

/// What stands in place of a text in a message.
const MESSAGES: &[(&str, &str)] = &[
    ("environment: {}", "1:1: unknown key; expected one of default, environments; did you mean \"environments\"?"),
    ("default: [a]", "1:10: default: expected a name of letters, digits, _ and -, found a list"),
    ("environments: {a b: {}}", "1:16: environments: expected a name of letters, digits, _ and -"),
    (
        "environments: {a: {base_url: 'https://u:CNRY@h'}}",
        "1:30: environments.a.base_url: expected an http or https URL without credentials, query and fragment",
    ),
    (
        "environments: {a: {timeout: CNRY}}",
        "1:29: environments.a.timeout: expected a number of seconds from a millisecond to a year, found another value",
    ),
    (
        "environments: {a: {retry: 9}}",
        "1:27: environments.a.retry: expected a whole number from 1 to 5 or off, found another value",
    ),
    ("environments: {a: {limit: CNRY}}", "1:27: environments.a.limit: expected a limit such as 10/s, 60/min or 1000/h"),
    ("environments: {a: {auth: CNRY}}", "1:26: environments.a.auth: expected a map, found another value"),
    (
        "environments: {a: {auth: {bearer CNRY}}}",
        "1:27: environments.a.auth: unknown key; expected one of bearer, basic, digest, api_key, scheme, template, oauth2",
    ),
    (
        "environments: {a: {auth: {}}}",
        "1:26: environments.a.auth: expected at least one of bearer, basic, digest, api_key, scheme, template, oauth2, found an empty map",
    ),
    (
        "environments: {a: {auth: {bearer: CNRY, basic: {user: a, password: CNRY}}}}",
        "1:26: environments.a.auth: expected one way to sign in, found several",
    ),
    ("environments: {a: {auth: {bearer: [CNRY]}}}", "1:35: environments.a.auth.bearer: expected a text, found a list"),
    (
        "environments: {a: {auth: {basic: {user: CNRY}}}}",
        "1:34: environments.a.auth.basic: the key \"password\" is missing",
    ),
    (
        "environments: {a: {auth: {api_key: {value: CNRY}}}}",
        "1:36: environments.a.auth.api_key: expected one of header, query, cookie, to carry the key",
    ),
    (
        "environments: {a: {auth: {api_key: {header: X, query: y, value: CNRY}}}}",
        "1:36: environments.a.auth.api_key: expected one of header, query, cookie, to carry the key",
    ),
    (
        "environments: {a: {auth: {bearer: 'env:CNRY CNRY'}}}",
        "1:35: environments.a.auth.bearer: expected the name of a variable behind env:",
    ),
    (
        "environments: {a: {auth: {bearer: 'file: '}}}",
        "1:35: environments.a.auth.bearer: expected the path of a file behind file:",
    ),
    ("environments: {a: {auth: {bearer: \"cmd:x 'CNRY\"}}}", "1:35: environments.a.auth.bearer: a quote is not closed"),
    (
        "environments: {a: {headers: {X-Token: \"CNRY\\n\"}}}",
        "1:39: environments.a.headers.X-Token: expected a header's value in one line",
    ),
    ("environments: {a: {headers: {X CNRY}}}", "1:30: environments.a.headers: expected a header's name"),
    (
        "environments: {a: {auth: {CNRY: 1, CNRY: 2}}}",
        "1:36: environments.a.auth: the key stands twice; the first is at restwalk.yaml:1:27",
    ),
    (
        "environments: {a: {limit: [1/s, 1/s]}}",
        "1:33: environments.a.limit.1: it stands twice; the first is at restwalk.yaml:1:28",
    ),
    (
        "environments: {a: {defaults: d.yaml}}",
        "1:30: environments.a.defaults: defaults are those of a catalog, and this environment has none; add the key catalog",
    ),
    ("environments: {a: *b}", "1:19: anchors and aliases (`&name`, `*name`) are not read; write the value out"),
];

#[test]
fn a_mistake_has_its_place_and_shows_no_value() {
    for (text, expected) in MESSAGES {
        let error = read(text, &[]).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), format!("restwalk.yaml:{expected}"), "{text}");
        assert_eq!((error.kind(), error.code()), (ErrorKind::Request, "config"), "{text}");
        assert!(!format!("{error:?}").contains("CNRY"), "{error:?}");
    }
    for empty in ["", "# nothing\n", "{}", "environments: {}"] {
        assert!(read(empty, &[]).unwrap().1.is_empty(), "{empty:?}");
    }
}

#[test]
fn credentials_of_routes_and_a_certificate_are_looked_up() {
    let text = "base_url: https://h
    auth_as: {admin: {bearer: 'env:T'}, svc: {digest: {user: u, password: 'env:MISSING'}}}
    client_certificate: 'file:me.pem'";
    let (folder, found) = one(text, &[("T", "tok")]);
    let summary = found.summary();
    assert!(summary.contains(&("auth_as", "admin: Bearer, env:T, svc: digest, env:MISSING".to_owned())), "{summary:?}");
    assert!(summary.contains(&("client_certificate", "file:me.pem".to_owned())), "{summary:?}");
    assert!(found.signs_in());
    let error = found.client().and_then(ClientBuilder::build).unwrap_err();
    assert!(error.to_string().contains("restwalk.yaml:4: the variable MISSING"), "{error}");
    let error = found.clone().with_base_url("https://other").client().map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("are for its own base URL"), "{error}");
    let own = found.with_base_url("https://other").with_auth(Auth::none());
    let client = format!("{:?}", own.client().unwrap());
    assert!(!client.contains("admin"), "{client}");

    let (_folder, found) = one("base_url: https://h\n    client_certificate: 'file:me.pem'", &[]);
    assert!(found.client().unwrap_err().to_string().contains("me.pem cannot be read"));
    let (here, found) = one("base_url: https://h\n    client_certificate: 'file:me.pem'", &[]);
    fs::write(here.path().join("me.pem"), "no PEM").unwrap();
    let error = found.client().and_then(ClientBuilder::build).unwrap_err();
    assert!(cfg!(not(feature = "http")) || error.code() == "config", "{error}");
    assert!(found.warnings().iter().any(|warning| warning.contains("me.pem")) == cfg!(unix), "{:?}", found.warnings());
    drop(folder);
}

/// How to sign in, with what variables, and what a client then has, or why there is none.
#[test]
fn each_way_to_sign_in_is_looked_up() {
    const VARIABLES: &[(&str, &str)] = &[("T", "tok"), ("EMPTY", "")];
    for (auth, expected) in [
        ("{bearer: 'env:T'}", Ok("Auth(Bearer)")),
        ("{basic: {user: ada, password: 'env:T'}}", Ok("Auth(basic)")),
        ("{digest: {user: ada, password: 'env:T'}}", Ok("Auth(digest)")),
        ("{api_key: {header: X-Key, value: 'env:T'}}", Ok("Auth(header X-Key)")),
        ("{api_key: {query: key, value: 'env:T'}}", Ok("Auth(query key)")),
        ("{api_key: {cookie: key, value: 'env:T'}}", Ok("Auth(cookie key)")),
        ("{scheme: {name: JWT, value: 'env:T'}}", Ok("Auth(JWT)")),
        ("{template: {headers: {X-Oauth-Token: '{t}'}, values: {t: 'env:T'}}}", Ok("Auth(1 headers)")),
        (
            "{bearer: 'env:MISSING'}",
            Err("restwalk.yaml:4: the variable MISSING is not set or is empty; set it to the secret"),
        ),
        (
            "{bearer: 'env:EMPTY'}",
            Err("restwalk.yaml:4: the variable EMPTY is not set or is empty; set it to the secret"),
        ),
        (
            "{bearer: 'file:none'}",
            Err("restwalk.yaml:4: the secret in none cannot be read: No such file or directory (os error 2)"),
        ),
        ("{bearer: 'file:.'}", Err("restwalk.yaml:4: the secret in . cannot be read: it is no regular file")),
    ] {
        let (_folder, one) = one(&format!("base_url: https://h\n    auth: {auth}"), VARIABLES);
        let client = one.client().and_then(ClientBuilder::build);
        match (client, expected) {
            (Ok(client), Ok(kind)) => assert!(format!("{client:?}").contains(kind), "{auth}: {client:?}"),
            (Err(error), Err(why)) => {
                assert_eq!(error.to_string(), why, "{auth}");
                assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, "auth.required"));
            }
            (found, _) => panic!("{auth}: {found:?}"),
        }
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_that_is_named_for_a_secret_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("s")).status().unwrap();
    assert!(made.success());
    let (variables, hidden) = (Variables::new(|_| None), []);
    let source = Source::new(&folder.path().join("restwalk.yaml")).unwrap();
    let around = Around { variables: &variables, source: &source, hidden: &hidden };
    let error = reference::Reference::parse("file:s", "x:1".to_owned()).unwrap().resolve(&around).unwrap_err();
    assert!(error.to_string().contains("it is no regular file"), "{error}");
}

#[test]
fn a_secret_s_file_is_relative_to_the_one_that_names_it_and_loses_one_line_break() {
    for (content, expected) in [
        (&b"tok\n"[..], Ok("tok")),
        (b"tok\r\n", Ok("tok")),
        (b"tok\n\n", Ok("tok\n")),
        (b"tok", Ok("tok")),
        (b"\n", Err("x:1: the secret in s is empty")),
        (b"", Err("x:1: the secret in s is empty")),
        (b"CNRY\xff", Err("x:1: the secret in s is not UTF-8")),
        (&[b'x'; 65_537], Err("x:1: the secret in s has more than 65536 bytes")),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("s"), content).unwrap();
        let (variables, hidden) = (Variables::new(|_| None), []);
        let source = Source::new(&folder.path().join("restwalk.yaml")).unwrap();
        let around = Around { variables: &variables, source: &source, hidden: &hidden };
        let found = reference::Reference::parse("file:s", "x:1".to_owned()).unwrap().resolve(&around);
        let found = found.map(|secret| secret.expose().to_owned()).map_err(|error| error.to_string());
        assert_eq!(found.as_deref().map_err(String::as_str), expected);
    }
}

#[test]
#[cfg(unix)]
fn a_program_runs_once_and_only_when_it_is_needed() {
    let (folder, one) = one("base_url: https://h\n    auth: {bearer: 'cmd:sh -c \"echo x >> ran; echo tok\"'}", &[]);
    let ran = folder.path().join("ran");
    assert_eq!(one.summary()[1], ("auth", "Bearer, cmd:sh".to_owned()));
    assert_eq!(one.particulars()[1], ("auth", "Bearer, cmd:sh -c \"echo x >> ran; echo tok\"".to_owned()));
    assert!(one.catalog().is_ok() && one.warnings().is_empty() && one.clone().with_auth(Auth::none()).client().is_ok());
    assert!(!ran.exists(), "nothing needed it");
    for _ in 0..2 {
        one.clone().client().unwrap().build().unwrap();
    }
    assert_eq!(fs::read_to_string(ran).unwrap(), "x\n");
}

#[test]
fn the_settings_are_those_of_a_client() {
    let (folder, one) = one(
        "base_url: 'https://{tenant}.h.example/api'\n    catalog: r.yaml\n    defaults: d.yaml\n    actor: ada\n    \
         headers: {X-Team: blue, X-Api-Key: 'env:K'}\n    variables: {tenant: acme}\n    timeout: 2.5\n    retry: off\n    \
         limit: [10/s, 60/min]\n    proxy: none",
        &[("K", "kkkk")],
    );
    fs::write(folder.path().join("r.yaml"), "resources: {p: {route: /people}}").unwrap();
    fs::write(folder.path().join("d.yaml"), "/people: {POST: {a: 1}}").unwrap();
    assert_eq!((one.actor(), one.signs_in()), (Some("ada"), true));
    assert_eq!(one.variables().collect::<Vec<_>>(), [("tenant", "acme")]);
    assert_eq!(one.catalog_file().unwrap(), folder.path().join("r.yaml"));
    let builder = one.client().unwrap();
    let shown = format!("{builder:?}");
    let (retry, limit) = (Retry::off(), Limit::new().per_second(10).per_minute(60));
    for expected in [
        "2 (not shown)".to_owned(),
        format!("{:?}", Some(Duration::from_millis(2_500))),
        format!("{retry:?}"),
        format!("{limit:?}"),
        "Some(\"\\\"ada\\\"\")".to_owned(),
    ] {
        assert!(shown.contains(&expected), "{expected} in {shown}");
    }
    let client = builder.build().unwrap();
    let request = client.res("people").post().build().unwrap();
    assert_eq!(request.uri(), "https://acme.h.example/api/people");
    assert_eq!(
        (&request.headers()["x-team"], &request.headers()["x-api-key"]),
        (&"blue".parse().unwrap(), &"kkkk".parse().unwrap())
    );
    assert!(request.headers()["x-api-key"].is_sensitive());
}

#[test]
fn the_embedded_catalog_is_called_max() {
    let (folder, plain) = one("catalog: max", &[]);
    assert_eq!((plain.catalog().unwrap().routes().count(), plain.catalog_file()), (75, None));
    assert_eq!(
        plain.client().unwrap().build().unwrap().res("people").url().unwrap(),
        Client::builder(Catalog::embedded().base_url().unwrap()).build().unwrap().res("people").url().unwrap()
    );
    drop(folder);
    let (folder, own) = one("catalog: max\n    defaults: d.yaml", &[]);
    fs::write(folder.path().join("d.yaml"), "/people/{username}/activities: {POST: {mine: 1}}").unwrap();
    let client = own.client().unwrap().build().unwrap();
    let call = client.path("people/ada/activities").post().build().unwrap();
    assert_eq!(call.body().as_bytes().map(|bytes| &bytes[..]), Some(&br#"{"mine":1}"#[..]));
    let (_folder, open) = one("actor: ada", &[]);
    assert!(open.catalog().unwrap().is_open());
    let error = open.client().unwrap_err().to_string();
    assert!(
        error.starts_with("the environment \"a\" has no base_url, and its catalog names none; add one in /"),
        "{error}"
    );
    assert!(open.with_base_url("http://h").client().is_ok());
}

#[test]
fn credentials_of_the_file_go_to_the_origin_that_it_names() {
    for (settings, url, fits) in [
        ("auth: {bearer: 'env:K'}", "https://h/other", true),
        ("auth: {bearer: 'env:K'}", "https://other", false),
        ("auth: {bearer: 'env:K'}", "http://h", false),
        ("auth: {bearer: 'env:K'}", "https://h:8443", false),
        ("headers: {X-Api-Key: 'env:K'}", "https://other", false),
        ("headers: {X-Team: blue}", "https://other", true),
    ] {
        let (_folder, one) = one(&format!("base_url: https://h/api\n    {settings}"), &[("K", "kkkk")]);
        let one = one.with_base_url(url);
        let client = one.client();
        assert_eq!(client.is_ok(), fits, "{settings} {url}");
        if let Err(error) = client {
            assert_eq!(
                error.to_string(),
                "the credentials of the environment \"a\" are for its own base URL and go to no other; give others, or none"
            );
        }
        let other =
            one.with_auth(Auth::bearer("own")).client().unwrap().build().unwrap().res("x").get().build().unwrap();
        assert!(!other.headers().contains_key("x-api-key"), "headers of the file that hold credentials stay away too");
    }
}

#[test]
fn credentials_of_the_file_do_not_follow_another_catalog() {
    let stranger =
        |url: &str| Catalog::from_yaml(&format!("base_url: '{url}'\nresources: {{p: {{route: /p}}}}"), "").unwrap();
    let home = Catalog::embedded().base_url().unwrap().to_owned();
    for (settings, url, fits) in [
        ("catalog: max", "http://stranger", false),
        ("catalog: max", &*home, true),
        ("catalog: max\n    base_url: http://mine", "http://stranger", true),
        ("actor: ada", "http://stranger", true),
    ] {
        let (_folder, one) = one(&format!("{settings}\n    auth: {{bearer: 'env:K'}}"), &[("K", "kkkk")]);
        assert_eq!(one.with_catalog(stranger(url)).client().is_ok(), fits, "{settings} {url}");
    }
}

/// Written by this test with `RESTWALK_WRITE_SCHEMA` set.
#[test]
fn the_schema_for_editors_is_the_table_s_own() {
    let schema = Environments::schema();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/restwalk.schema.json");
    let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    if std::env::var_os("RESTWALK_WRITE_SCHEMA").is_some() {
        fs::write(&path, &text).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), text, "run this test with RESTWALK_WRITE_SCHEMA=1");
    let schema = jsonschema::validator_for(&schema).unwrap();
    let good =
        serde_json::json!({"default": "a", "environments": {"a": {"auth": {"bearer": "env:T"}, "retry": "off"}}});
    assert!(schema.is_valid(&good));
    for bad in [
        serde_json::json!({"environments": {"a": {"bearer": "x"}}}),
        serde_json::json!({"environments": {"a": {"auth": {}}}}),
    ] {
        assert!(!schema.is_valid(&bad), "{bad}");
    }
}

#[test]
fn s01_nothing_that_is_printed_shows_a_secret() {
    let (_folder, one) = one(
        "base_url: https://h\n    auth: {basic: {user: u, password: CNRYpass}}\n    headers: {X-Token: CNRYhead}\n    \
         proxy: 'http://u:CNRYprox@p'",
        &[],
    );
    let printed = [format!("{one:?} {one:#?}"), format!("{:?}", one.client().unwrap()), one.warnings().join("\n")];
    assert!(printed.iter().all(|text| !text.contains("CNRY")), "{printed:#?}");
    assert_eq!(
        one.warnings(),
        [
            "restwalk.yaml:4: environments.a.auth.basic.password",
            "restwalk.yaml:5: environments.a.headers.X-Token",
            "restwalk.yaml:6: environments.a.proxy",
        ]
        .map(|place| format!("{place} is a secret in plain text; write env:NAME, file:PATH or cmd:PROGRAM"))
    );
}

#[test]
fn answers_are_kept_by_one_cache_for_all_clients_of_an_environment() {
    for (settings, keeps) in [("actor: ada", None), ("cache: off", Some(false)), ("cache: 60", Some(true))] {
        let (_folder, one) = one(&format!("base_url: https://h\n    {settings}"), &[]);
        assert_eq!(one.keeps_answers(), keeps, "{settings}");
        assert_eq!(one.cache().unwrap().is_some(), keeps == Some(true), "{settings}");
        assert!(one.client().unwrap().build().is_ok());
    }
    let (_folder, one) = one("base_url: https://h\n    cache: { disk: true }", &[]);
    assert_eq!(one.summary().last(), Some(&("cache", "on disk".to_owned())));
    for error in [one.cache().unwrap_err(), one.client().map(|_| ()).unwrap_err()] {
        assert!(error.to_string().contains("set HOME"), "{error}");
    }
}
