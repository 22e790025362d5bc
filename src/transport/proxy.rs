//! Which proxy a request goes by way of: the one that the caller named, or those of the environment.
//!
//! The variables are those that curl knows. What cannot be understood is an error and never a
//! way round the proxy.

use std::{fmt, net::IpAddr};

use url::{Host, Url};

use crate::error::{Error, ErrorKind, Result};

/// The proxies for http and https, and the hosts that are asked directly.
#[derive(Clone, Default)]
pub(crate) struct Proxies {
    http: Option<Url>,
    https: Option<Url>,
    direct: Vec<Direct>,
}

impl Proxies {
    /// The proxy at `url` for everything.
    pub(crate) fn all(url: &str) -> Result<Self> {
        let proxy = Some(parse("the proxy", url)?);
        Ok(Self { http: proxy.clone(), https: proxy, direct: Vec::new() })
    }

    /// What the environment names, whose variables `read` looks up; lower case wins, and an empty one is none.
    ///
    /// `HTTP_PROXY` in upper case does not count where `REQUEST_METHOD` is set: a web server makes both,
    /// the former out of a header `Proxy` that a stranger sent.
    pub(crate) fn environment(read: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let variable = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                let value = read(name)?;
                Some((*name, value.trim().to_owned())).filter(|(_, value)| !value.is_empty())
            })
        };
        let proxy = |names: &[&'static str]| {
            let found = variable(names).or_else(|| variable(&["all_proxy", "ALL_PROXY"]));
            found.map(|(name, value)| parse(&format!("{name} of the environment"), &value)).transpose()
        };
        let http: &[_] = match read("REQUEST_METHOD") {
            None => &["http_proxy", "HTTP_PROXY"],
            // There the two names are one variable.
            Some(_) if cfg!(windows) => &[],
            Some(_) => &["http_proxy"],
        };
        let direct = variable(&["no_proxy", "NO_PROXY"]).map(|(_, value)| value).unwrap_or_default();
        let direct = direct.split([',', ' ', '\t']).filter_map(|entry| Direct::parse(entry.trim())).collect();
        Ok(Self { http: proxy(http)?, https: proxy(&["https_proxy", "HTTPS_PROXY"])?, direct })
    }

    /// The proxy for `url`, `None` where it is asked directly.
    pub(crate) fn proxy_for(&self, url: &Url) -> Option<&Url> {
        let proxy = if url.scheme() == "https" { &self.https } else { &self.http };
        proxy.as_ref().filter(|_| !self.direct.iter().any(|direct| direct.holds(url)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.http.is_none() && self.https.is_none()
    }

    /// Whether one of them is itself reached by TLS.
    pub(super) fn is_secure(&self) -> bool {
        [&self.http, &self.https].into_iter().flatten().any(|proxy| proxy.scheme() == "https")
    }

    /// The users and passwords in them, in each form in which they are kept or sent.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut secrets = Vec::new();
        for proxy in [&self.http, &self.https].into_iter().flatten() {
            let (user, password) = (proxy.username(), proxy.password().unwrap_or_default());
            let (plain_user, plain) = (decoded(user), decoded(password));
            let pair = format!("{plain_user}:{plain}");
            // A user without a password is a token.
            let secret = if password.is_empty() { [user.to_owned(), plain_user] } else { [password.to_owned(), plain] };
            if pair != ":" {
                secrets.extend([proxy.as_str().to_owned(), pair]);
                secrets.extend(secret);
            }
        }
        secrets
    }
}

/// Shows which there are; a URL may hold a password.
impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { http, https, direct } = self;
        f.debug_struct("Proxies")
            .field("http", &http.is_some())
            .field("https", &https.is_some())
            .field("direct", &direct.len())
            .finish()
    }
}

/// Reads a proxy's URL; without a scheme it is one of http. The error shows nothing of it.
fn parse(what: &str, text: &str) -> Result<Url> {
    let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("http://{text}")) };
    let url = url.ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    // What HTTP's own reader would refuse would be passed over in silence later.
    let url = url.filter(|url| url.as_str().parse::<http::Uri>().is_ok());
    url.ok_or_else(|| {
        let why = format!("{what} is no URL of an http or https proxy; .proxy(None) goes by way of none");
        Error::coded(ErrorKind::Request, "config", why)
    })
}

fn decoded(text: &str) -> String {
    // These stand for themselves here, unlike in a form.
    let form = text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(form.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

/// One entry of `NO_PROXY`.
#[derive(Clone)]
struct Direct {
    hosts: Hosts,
    /// `None`: whatever the port.
    port: Option<u16>,
}

#[derive(Clone)]
enum Hosts {
    All,
    /// This name and those that end in a dot and this name.
    Named(String),
    /// Addresses, as numbers of 128 bits, that begin with the same so many bits.
    Net(u128, u32),
}

impl Direct {
    /// `None` for an entry that means nothing.
    fn parse(entry: &str) -> Option<Self> {
        if entry == "*" {
            return Some(Self { hosts: Hosts::All, port: None });
        }
        if let Some((net, bits)) = entry.split_once('/') {
            let net = address(net)?;
            let (offset, most) = if net.is_ipv4() { (96, 32) } else { (0, 128) };
            let bits: u32 = bits.parse().ok().filter(|bits| *bits <= most)?;
            return Some(Self { hosts: Hosts::Net(number(net), offset + bits), port: None });
        }
        let (host, port) = match entry.rsplit_once(':') {
            // Colons within brackets, or several without, are an address's own.
            Some((host, port)) if !port.ends_with(']') && (host.ends_with(']') || !host.contains(':')) => {
                (host, Some(port.parse().ok()?))
            }
            _ => (entry, None),
        };
        let hosts = match address(host) {
            Some(address) => Hosts::Net(number(address), 128),
            None => named(host)?,
        };
        Some(Self { hosts, port })
    }

    fn holds(&self, url: &Url) -> bool {
        if self.port.is_some() && self.port != url.port_or_known_default() {
            return false;
        }
        let within = |address: IpAddr, net: u128, bits| {
            (number(address) ^ net).checked_shr(128_u32.saturating_sub(bits)).unwrap_or(0) == 0
        };
        match (&self.hosts, url.host()) {
            (Hosts::All, _) => true,
            (Hosts::Named(name), Some(Host::Domain(host))) => {
                let host = host.trim_end_matches('.');
                host.strip_suffix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
            (Hosts::Net(net, bits), Some(Host::Ipv4(address))) => within(address.into(), *net, *bits),
            (Hosts::Net(net, bits), Some(Host::Ipv6(address))) => within(address.into(), *net, *bits),
            _ => false,
        }
    }
}

/// A host name as URLs have it: in lower case and punycode, without the dots around it.
fn named(host: &str) -> Option<Hosts> {
    let host = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
    let host = host.trim_start_matches('.').trim_end_matches('.');
    match Host::parse(host).ok()? {
        Host::Domain(name) => Some(Hosts::Named(name)),
        Host::Ipv4(address) => Some(Hosts::Net(number(address.into()), 128)),
        Host::Ipv6(address) => Some(Hosts::Net(number(address.into()), 128)),
    }
}

/// An address, with or without brackets; a zone says nothing that a URL could say too.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.split('%').next().unwrap_or_default().parse().ok()
}

/// An address of either kind as one number: those of IPv4 are the mapped ones of IPv6.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
    .to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Result<Proxies> {
        Proxies::environment(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    /// The proxies for http and for https, `-` for none.
    fn told(variables: &[(&str, &str)]) -> [String; 2] {
        let proxies = environment(variables).unwrap();
        ["http://h.example/", "https://h.example/"].map(|url| {
            let proxy = proxies.proxy_for(&Url::parse(url).unwrap());
            proxy.map_or("-".to_owned(), |proxy| proxy.host_str().unwrap().to_owned())
        })
    }

    #[test]
    fn each_scheme_has_its_variable_and_all_proxy_stands_in() {
        for (variables, expected) in [
            (&[][..], ["-", "-"]),
            (&[("HTTP_PROXY", "http://a")], ["a", "-"]),
            (&[("HTTPS_PROXY", "http://a")], ["-", "a"]),
            (&[("https_proxy", "http://a"), ("HTTPS_PROXY", "http://b")], ["-", "a"]),
            (&[("http_proxy", "http://a"), ("HTTP_PROXY", "http://b")], ["a", "-"]),
            (&[("ALL_PROXY", "http://a")], ["a", "a"]),
            (&[("all_proxy", "http://a"), ("HTTPS_PROXY", "https://b:8443")], ["a", "b"]),
            (&[("all_proxy", "http://a"), ("https_proxy", "")], ["a", "a"]),
            (&[("https_proxy", "  "), ("HTTPS_PROXY", "a")], ["-", "a"]),
            (&[("http_proxy", " a:3128 ")], ["a", "-"]),
            (&[("http_proxy", "user:pw@a:3128/path")], ["a", "-"]),
            (&[("ALL_PROXY", "http://a"), ("NO_PROXY", "*")], ["-", "-"]),
            (&[("ALL_PROXY", "http://a"), ("no_proxy", ""), ("NO_PROXY", "*")], ["-", "-"]),
            (&[("ALL_PROXY", "http://a"), ("no_proxy", "x"), ("NO_PROXY", "*")], ["a", "a"]),
        ] {
            assert_eq!(told(variables), expected, "{variables:?}");
        }
    }

    #[test]
    fn r15_no_proxy_names_who_is_asked_directly() {
        for (entries, url, direct) in [
            ("h.example", "http://h.example/", true),
            ("h.example", "https://H.EXAMPLE:8443/", true),
            ("H.Example", "http://h.example/", true),
            ("h.example", "http://sub.h.example/", true),
            ("h.example", "http://xh.example/", false),
            ("h.example", "http://h.example.evil/", false),
            ("h.example", "http://h.example./", true),
            ("h.example.", "http://h.example/", true),
            (".h.example", "http://sub.h.example/", true),
            (".h.example", "http://h.example/", true),
            (".h.example", "http://xh.example/", false),
            ("*.h.example", "http://a.b.h.example/", true),
            ("*", "http://anything/", true),
            ("a, *", "http://[::1]/", true),
            ("*h.example", "http://xh.example/", false),
            ("a,b  c\th.example,,", "http://h.example/", true),
            ("", "http://h.example/", false),
            (" , ", "http://h.example/", false),
            ("h.example:8080", "http://h.example:8080/", true),
            ("h.example:8080", "http://h.example/", false),
            ("h.example:443", "https://sub.h.example/", true),
            ("h.example:443", "http://h.example/", false),
            ("h.example:x", "http://h.example/", false),
            ("b\u{fc}cher.example", "http://xn--bcher-kva.example/", true),
            ("127.0.0.1", "http://127.0.0.1:8080/", true),
            ("0.0.1", "http://127.0.0.1/", false),
            ("127.0.0.1", "http://localhost/", false),
            ("127.0.0.1:80", "http://127.0.0.1:8080/", false),
            ("10.0.0.0/8", "http://10.255.0.1/", true),
            ("10.1.2.3/8", "http://10.0.0.1/", true),
            ("10.0.0.0/8", "http://11.0.0.1/", false),
            ("10.0.0.0/8", "http://10.example/", false),
            ("192.168.1.128/25", "http://192.168.1.127/", false),
            ("0.0.0.0/0", "http://8.8.8.8/", true),
            ("10.0.0.0/33", "http://10.0.0.0/", false),
            ("10.0.0.0/", "http://10.0.0.0/", false),
            ("10.0.0.0/8", "http://[::ffff:10.0.0.1]/", true),
            ("::1", "http://[::1]:8080/", true),
            ("[::1]", "http://[0:0:0::1]/", true),
            ("[::1]:8080", "http://[::1]:8080/", true),
            ("[::1]:8080", "http://[::1]/", false),
            ("::1", "http://[::2]/", false),
            ("fe80::1%eth0", "http://[fe80::1]/", true),
            ("[fe80::1%25eth0]", "http://[fe80::1]/", true),
            ("fd00::/8", "http://[fdff::1]/", true),
            ("fd00::/8", "http://[fe80::1]/", false),
            ("[fd00::]/8", "http://[fd00::1]/", true),
            ("::/0", "http://[2001:db8::1]/", true),
            ("::/129", "http://[::1]/", false),
            ("0x7f.1", "http://127.0.0.1/", true),
        ] {
            let proxies = environment(&[("all_proxy", "http://a"), ("no_proxy", entries)]).unwrap();
            assert_eq!(proxies.proxy_for(&Url::parse(url).unwrap()).is_none(), direct, "{entries:?} {url}");
        }
    }

    #[test]
    fn r16_what_a_stranger_can_set_through_a_web_server_is_ignored() {
        let cgi = ("REQUEST_METHOD", "GET");
        assert_eq!(told(&[("HTTP_PROXY", "http://a"), cgi]), ["-", "-"]);
        assert_eq!(told(&[("HTTP_PROXY", "http://a"), ("HTTPS_PROXY", "http://b"), cgi]), ["-", "b"]);
        assert_eq!(told(&[("HTTP_PROXY", "http://a"), ("ALL_PROXY", "http://b"), cgi]), ["b", "b"]);
        #[cfg(not(windows))]
        assert_eq!(told(&[("http_proxy", "http://a"), cgi]), ["a", "-"]);
    }

    #[test]
    fn r13_a_proxy_that_cannot_be_understood_is_an_error_and_no_way_round() {
        for value in
            ["socks5://CNRY@h:1080", "CNRY://h", "http://CNRY@", "http://[::CNRY", "http://h:CNRY", "\u{fffd}CNRY"]
        {
            for variable in ["HTTP_PROXY", "https_proxy", "ALL_PROXY"] {
                let error = environment(&[(variable, value)]).unwrap_err();
                assert_eq!((error.kind(), error.code()), (ErrorKind::Request, "config"), "{value}");
                let text = format!("{error} {error:?}");
                assert!(text.contains(&format!("{variable} of the environment")) && !text.contains("CNRY"), "{text}");
            }
            assert!(!Proxies::all(value).unwrap_err().to_string().contains("CNRY"));
        }
        // A variable that is not looked at cannot be wrong.
        assert_eq!(told(&[("ALL_PROXY", "socks5://h"), ("http_proxy", "a"), ("https_proxy", "b")]), ["a", "b"]);
    }

    #[test]
    fn r17_what_a_proxy_is_asked_with_is_known_as_secret_and_never_shown() {
        let proxies = environment(&[("ALL_PROXY", "http://ad%61:CNRY+%26&@a:3128")]).unwrap();
        assert!(!format!("{proxies:?} {proxies:#?}").contains("CNRY"));
        let secrets = proxies.secrets();
        for secret in ["http://ad%61:CNRY+%26&@a:3128/", "CNRY+%26&", "CNRY+&&", "ada:CNRY+&&"] {
            assert!(secrets.iter().any(|known| known == secret), "{secret} of {secrets:?}");
        }
        assert!(!secrets.iter().any(|known| known == "ada"));
        assert!(Proxies::all("http://CNRY@a").unwrap().secrets().iter().any(|known| known == "CNRY"));
        assert!(Proxies::all("http://a").unwrap().secrets().is_empty());
    }
}
