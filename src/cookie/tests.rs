use super::*;

const A: &str = "https://a.example/x/y";

/// A time of no importance.
fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn set(jar: &Jar, url: &str, cookies: &[&str]) -> bool {
    let values = cookies.iter().map(|cookie| (SET_COOKIE, HeaderValue::from_bytes(cookie.as_bytes()).unwrap()));
    jar.store(&url.parse().unwrap(), &values.collect(), noon())
}

fn sent_at(jar: &Jar, url: &str, wall: SystemTime) -> String {
    let header = jar.cookies(&url.parse().unwrap(), wall);
    header.map(|header| String::from_utf8(header.as_bytes().to_vec()).unwrap()).unwrap_or_default()
}

fn sent(jar: &Jar, url: &str) -> String {
    sent_at(jar, url, noon())
}

/// What comes back where a cookie was set by `url`.
fn round(url: &str, cookie: &str) -> String {
    let jar = Jar::default();
    set(&jar, url, &[cookie]);
    sent(&jar, url)
}

#[test]
fn r10_a_cookie_goes_back_to_the_very_origin_that_set_it() {
    let jar = Jar::default();
    assert!(set(&jar, A, &["a=1; Path=/; Domain=example", "b=2; Path=/; Domain=.a.example; Secure"]));
    for home in [A, "https://A.Example:443/", "https://a.example/z"] {
        assert_eq!(sent(&jar, home), "a=1; b=2", "{home}");
    }
    for other in [
        "https://a.example:8443/x/y",
        "http://a.example/x/y",
        "https://sub.a.example/x/y",
        "https://example/x/y",
        "https://a.example./x/y",
        "https://xa.example/",
    ] {
        assert_eq!(sent(&jar, other), "", "{other}");
    }
}

#[test]
fn r10_a_domain_is_the_host_or_a_parent_and_never_widens() {
    for (url, domain, kept) in [
        (A, "a.example", true),
        (A, ".A.EXAMPLE", true),
        (A, "example", true),
        (A, "", true),
        (A, ".", false),
        (A, "..", false),
        (A, "com", false),
        (A, "a.example.", false),
        ("https://a.example./", ".", false),
        (A, "b.a.example", false),
        (A, "xa.example", false),
        (A, "le", false),
        (A, "127.0.0.1", false),
        ("https://127.0.0.1/", "127.0.0.1", true),
        ("https://127.0.0.1/", "0.0.1", false),
        ("https://127.0.0.1/", "1", false),
        ("https://[::1]:8443/", "[::1]", true),
        ("https://[::1]:8443/", "1]", false),
    ] {
        assert_eq!(!round(url, &format!("a=1; domain={domain}")).is_empty(), kept, "{url} {domain}");
    }
}

#[test]
fn a_cookie_belongs_to_its_path() {
    let jar = Jar::default();
    set(
        &jar,
        A,
        &["root=1; Path=/", "default=2", "x=3; path=/x", "xy=4; Path=/x/y/", "odd=5; Path=odd", "z=6; Path=/z"],
    );
    for (path, expected) in [
        ("/", "root=1"),
        ("/x", "default=2; x=3; odd=5; root=1"),
        ("/x/y", "default=2; x=3; odd=5; root=1"),
        ("/x/y/z", "xy=4; default=2; x=3; odd=5; root=1"),
        ("/xy", "root=1"),
        ("/z", "z=6; root=1"),
    ] {
        assert_eq!(sent(&jar, &format!("https://a.example{path}?q=/z")), expected, "{path}");
    }
    assert_eq!(round("https://a.example", "a=1"), "a=1");
    assert_eq!(round("https://a.example/x", "a=1"), "a=1");
    for (length, expected) in [(PATH - 1, "a=1"), (PATH, "")] {
        let (jar, path) = (Jar::default(), "x".repeat(length));
        set(&jar, A, &[&format!("a=1; Path=/{path}")]);
        assert_eq!(sent(&jar, &format!("https://a.example/{path}")), expected);
    }
}

#[test]
fn a_cookie_ends_when_it_says() {
    let hour = |hours: u64| noon() + Duration::from_secs(hours * 3_600);
    for (attributes, alive, over) in [
        ("Max-Age=3600", Some(noon()), Some(hour(1))),
        ("Expires=Fri, 15-Jan-2027 09:00:00 GMT", Some(noon()), Some(hour(1))),
        ("Max-Age=7200; Expires=Thu, 01 Jan 1970 00:00:00 GMT", Some(hour(1)), Some(hour(2))),
        ("Expires=Fri, 15-Jan-2077 09:00:00 GMT; Max-Age=0", None, Some(noon())),
        ("Max-Age=-5", None, Some(noon())),
        ("Expires=Thu, 01 Jan 1970 00:00:00 GMT", None, Some(noon())),
        ("Max-Age=99999999999999999999999", Some(noon() + LONGEST - Duration::from_secs(1)), Some(noon() + LONGEST)),
        ("Expires=Fri, 15-Jan-2999 09:00:00 GMT", Some(hour(24)), Some(noon() + LONGEST)),
        ("Max-Age=soon; Expires=never", Some(noon() + 2 * LONGEST), None),
        ("", Some(noon() + 2 * LONGEST), None),
    ] {
        let jar = Jar::default();
        set(&jar, A, &[&format!("a=1; {attributes}")]);
        if let Some(alive) = alive {
            assert_eq!(sent_at(&jar, A, alive), "a=1", "{attributes}");
        }
        if let Some(over) = over {
            assert_eq!(sent_at(&jar, A, over), "", "{attributes}");
        }
    }
}

#[test]
fn what_is_over_is_forgotten() {
    let (jar, url) = (Jar::default(), A.parse().unwrap());
    set(&jar, A, &["a=1; Max-Age=60"]);
    let again = HeaderMap::from_iter([(SET_COOKIE, HeaderValue::from_static("a=1; Max-Age=60"))]);
    assert!(!jar.store(&url, &again, noon() + Duration::from_secs(59)));
    assert!(jar.store(&url, &again, noon() + Duration::from_secs(200)));
}

#[test]
fn a_cookie_is_replaced_and_removed_by_its_name_and_path() {
    let jar = Jar::default();
    assert!(set(&jar, A, &["a=1", "b=2", "a=3; Path=/"]));
    assert!(set(&jar, A, &["a=4"]));
    assert_eq!(sent(&jar, A), "a=4; b=2; a=3");
    assert!(!set(&jar, A, &["a=4; Max-Age=60"]), "what is sent is the same");
    assert!(!set(&jar, A, &["c=1; Max-Age=0", "d=1; Domain=com", "junk"]));
    assert!(!jar.store(&A.parse().unwrap(), &HeaderMap::new(), noon()));
    assert!(set(&jar, A, &["a=; Max-Age=0"]));
    assert_eq!(sent(&jar, A), "b=2; a=3");
    assert!(set(&jar, A, &["b=; Max-Age=0", "a=; Path=/; Expires=Thu, 01-Jan-70 00:00:00 GMT"]));
    assert_eq!((sent(&jar, A), format!("{jar:?}")), (String::new(), "Jar(0 origins)".to_owned()));
}

#[test]
fn what_is_no_cookie_is_refused() {
    for (cookie, expected) in [
        ("a=1", "a=1"),
        (" a = 1 ;HttpOnly; SameSite=Lax;;x", "a=1"),
        ("a=b=c", "a=b=c"),
        ("a=\"b c\"", "a=\"b c\""),
        ("a=", "a="),
        ("a=é", "a=é"),
        ("a=1;\tPath=/", "a=1"),
        ("", ""),
        ("a", ""),
        ("=1", ""),
        ("; a=1", ""),
        ("a=1\t2", ""),
        ("a=1\u{85}2", ""),
    ] {
        assert_eq!(round(A, cookie), expected, "{cookie:?}");
    }
    assert_eq!(round("http://a.example/", "a=1; Secure"), "");
    assert_eq!(round("http://a.example/", "a=1"), "a=1");
    let latin = HeaderMap::from_iter([(SET_COOKIE, HeaderValue::from_bytes(b"a=\xe9").unwrap())]);
    assert!(!Jar::default().store(&A.parse().unwrap(), &latin, noon()));
}

#[test]
fn what_a_peer_can_make_us_keep_is_bounded() {
    let fits = "x".repeat(LARGEST - 1);
    assert_eq!(round(A, &format!("a={fits}")).len(), LARGEST + 1);
    assert_eq!(round(A, &format!("a={fits}x")), "");

    let jar = Jar::default();
    for n in 0..200 {
        set(&jar, A, &[&format!("c{n}=1")]);
    }
    let many = sent(&jar, A);
    assert!(many.starts_with("c150=1; ") && many.ends_with("; c199=1"), "{many}");
    let flood: Vec<_> = (0..1_000).map(|n| format!("f{n}={}", "x".repeat(4_000))).collect();
    set(&jar, A, &flood.iter().map(String::as_str).collect::<Vec<_>>());
    let header = sent(&jar, A);
    assert!(header.len() <= HEADER && header.contains("f0=") && !header.contains("f50="), "{}", header.len());

    let jar = Jar::default();
    for n in 0..1_000 {
        set(&jar, &format!("https://h{n}.example/"), &["a=1"]);
        assert_eq!(sent(&jar, "https://h0.example/"), "a=1", "one in use stays");
    }
    assert_eq!(format!("{jar:?}"), format!("Jar({ORIGINS} origins)"));
    assert_eq!((sent(&jar, "https://h999.example/"), sent(&jar, "https://h1.example/")), ("a=1".into(), String::new()));
}

#[test]
fn a_cookie_is_never_printed() {
    let jar = Jar::default();
    set(&jar, A, &["CNRY=CNRY"]);
    let header = jar.cookies(&A.parse().unwrap(), noon()).unwrap();
    assert!(header.is_sensitive());
    assert!(!format!("{jar:?} {jar:#?} {header:?}").contains("CNRY"));
}
