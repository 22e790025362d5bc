//! A cookie jar: what an origin sets goes back to that origin, and to no other.
//!
//! This is stricter than RFC 6265, which gives cookies to every port of a host and, where they
//! ask for it, to its subdomains. A `Domain` is only checked: it must be the host or a parent of
//! it, and it never widens where a cookie goes. No cookie is ever printed.

use std::{
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use http::{HeaderMap, HeaderValue, Uri, header::SET_COOKIE};

use crate::request::Origin;

mod date;

/// How many cookies one origin may have, and how many one answer may set.
const COOKIES: usize = 50;

/// How many origins are remembered; the one that was met longest ago makes room.
const ORIGINS: usize = 100;

/// The longest cookie, its name and value together, in bytes.
const LARGEST: usize = 4 << 10;

/// The longest `Path` of a cookie, in bytes.
const PATH: usize = 1 << 10;

/// The longest `Cookie` header, in bytes: servers refuse longer ones, and a peer should not make a request fail.
const HEADER: usize = 16 << 10;

/// No cookie lives longer than 400 days, whatever it says.
const LONGEST: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// The cookies of one client, by the origins that set them.
pub(crate) struct Jar {
    cookies: Mutex<Vec<(Origin, Vec<Cookie>)>>,
    number: u64,
}

/// An empty jar.
impl Default for Jar {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self { cookies: Mutex::default(), number: NEXT.fetch_add(1, Ordering::Relaxed) }
    }
}

#[derive(Clone)]
struct Cookie {
    name: String,
    value: String,
    path: String,
    /// `None`: as long as the client.
    expires: Option<SystemTime>,
}

impl Jar {
    /// A number that no other jar of this process ever has.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Keeps what the answer of `uri` sets; tells whether anything that is sent from now on is different.
    pub(crate) fn store(&self, uri: &Uri, headers: &HeaderMap, wall: SystemTime) -> bool {
        if !headers.contains_key(SET_COOKIE) {
            return false;
        }
        let Some(origin) = Origin::of(uri) else { return false };
        let mut jar = self.lock();
        let mut cookies = take(&mut jar, &origin).unwrap_or_default();
        cookies.retain(|cookie| cookie.lives(wall));
        let before = cookies.clone();
        for value in headers.get_all(SET_COOKIE).iter().take(COOKIES) {
            if let Some(cookie) = std::str::from_utf8(value.as_bytes()).ok().and_then(|text| read(text, uri, wall)) {
                keep(&mut cookies, cookie, wall);
            }
        }
        let changed = !cookies.iter().map(Cookie::sent).eq(before.iter().map(Cookie::sent));
        if !cookies.is_empty() {
            if jar.len() >= ORIGINS {
                jar.remove(0);
            }
            jar.push((origin, cookies));
        }
        changed
    }

    /// The `Cookie` header for a request of `uri`, marked sensitive.
    pub(crate) fn cookies(&self, uri: &Uri, wall: SystemTime) -> Option<HeaderValue> {
        let origin = Origin::of(uri)?;
        let mut jar = self.lock();
        let cookies = take(&mut jar, &origin)?;
        let mut wanted: Vec<_> =
            cookies.iter().filter(|cookie| cookie.lives(wall) && cookie.covers(uri.path())).collect();
        // The closest path first; of equal ones the older first, which the sort keeps.
        wanted.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let mut text = String::new();
        for Cookie { name, value, .. } in wanted {
            if text.len() + name.len() + value.len() + 3 <= HEADER {
                let separator = if text.is_empty() { "" } else { "; " };
                text.extend([separator, name, "=", value]);
            }
        }
        jar.push((origin, cookies));
        let mut header = HeaderValue::from_bytes(text.as_bytes()).ok().filter(|header| !header.is_empty())?;
        header.set_sensitive(true);
        Some(header)
    }

    /// What a panic left behind is whole: no cookie is changed in place.
    fn lock(&self) -> MutexGuard<'_, Vec<(Origin, Vec<Cookie>)>> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the cookies of `origin` out, to be put back as those met last.
fn take(jar: &mut Vec<(Origin, Vec<Cookie>)>, origin: &Origin) -> Option<Vec<Cookie>> {
    let at = jar.iter().position(|(known, _)| known == origin)?;
    Some(jar.remove(at).1)
}

/// Puts `cookie` in the place of the one that it replaces; one that is over only removes it.
fn keep(cookies: &mut Vec<Cookie>, cookie: Cookie, wall: SystemTime) {
    let same = |known: &Cookie| known.name == cookie.name && known.path == cookie.path;
    match (cookies.iter().position(same), cookie.lives(wall)) {
        (Some(at), true) => cookies[at] = cookie,
        (Some(at), false) => drop(cookies.remove(at)),
        (None, true) => {
            if cookies.len() >= COOKIES {
                cookies.remove(0);
            }
            cookies.push(cookie);
        }
        (None, false) => {}
    }
}

impl Cookie {
    /// All but how long it lives.
    fn sent(&self) -> [&str; 3] {
        [&self.name, &self.value, &self.path]
    }

    fn lives(&self, wall: SystemTime) -> bool {
        self.expires.is_none_or(|expires| expires > wall)
    }

    fn covers(&self, path: &str) -> bool {
        path.strip_prefix(self.path.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/'))
    }
}

/// A `Set-Cookie` of the answer of `uri`; `None` for one that is refused.
fn read(text: &str, uri: &Uri, wall: SystemTime) -> Option<Cookie> {
    let mut parts = text.split(';').map(str::trim);
    let (name, value) = parts.next()?.split_once('=').map(|(name, value)| (name.trim_end(), value.trim_start()))?;
    if name.is_empty() || name.len() + value.len() > LARGEST || [name, value].concat().contains(char::is_control) {
        return None;
    }
    let mut path = default_path(uri);
    let (mut expires, mut age) = (None, None);
    for part in parts {
        let (attribute, value) =
            part.split_once('=').map_or((part, ""), |(name, value)| (name.trim_end(), value.trim_start()));
        match attribute.to_ascii_lowercase().as_str() {
            "domain" if !value.is_empty() && !is_host_or_parent(value, uri.host()?) => return None,
            // It could never be sent back.
            "secure" if uri.scheme_str() != Some("https") => return None,
            "path" => path = if value.starts_with('/') { value } else { default_path(uri) },
            "expires" => expires = date::parse(value).or(expires),
            "max-age" => age = seconds(value).or(age),
            _ => {}
        }
    }
    if path.len() > PATH {
        return None;
    }
    let latest = wall.checked_add(LONGEST)?;
    let expires = match age {
        Some(age) => Some(if age.is_zero() { SystemTime::UNIX_EPOCH } else { wall.checked_add(age.min(LONGEST))? }),
        None => expires,
    };
    let (name, value, path) = (name.to_owned(), value.to_owned(), path.to_owned());
    Some(Cookie { name, value, path, expires: expires.map(|expires| expires.min(latest)) })
}

/// The folder of the path that was asked.
fn default_path(uri: &Uri) -> &str {
    match uri.path().rsplit_once('/') {
        Some((folder, _)) if folder.starts_with('/') => folder,
        _ => "/",
    }
}

fn is_host_or_parent(domain: &str, host: &str) -> bool {
    let domain = domain.strip_prefix('.').unwrap_or(domain).to_ascii_lowercase();
    let host = host.to_ascii_lowercase();
    let is_name = !host.starts_with('[') && host.parse::<std::net::Ipv4Addr>().is_err();
    match host.strip_suffix(domain.as_str()) {
        Some("") => true,
        Some(rest) => is_name && !domain.is_empty() && rest.ends_with('.'),
        None => false,
    }
}

/// `Max-Age`: nothing for what is negative, `None` for what is no number.
fn seconds(text: &str) -> Option<Duration> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = if digits.len() < text.len() { 0 } else { digits.parse().unwrap_or(u64::MAX) };
    Some(Duration::from_secs(seconds))
}

/// Shows how many there are.
impl fmt::Debug for Jar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Jar({} origins)", self.lock().len())
    }
}

#[cfg(test)]
mod tests;
