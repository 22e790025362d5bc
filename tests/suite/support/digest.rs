//! A server that asks for HTTP Digest, and checks the answers by the formulas of RFC 7616 spelt out.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, Uri, header::AUTHORIZATION};
use sha2::Digest as _;

pub const USER: &str = "Mufasa";
pub const PASSWORD: &str = "CNRY Circle of Life";

/// What it asks for, and what came.
#[derive(Clone, Default)]
pub struct DigestServer {
    pub algorithm: &'static str,
    pub qop: Option<&'static str>,
    pub userhash: bool,
    /// How often a nonce is taken.
    pub uses: u32,
    pub state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub struct State {
    /// The last count of each nonce.
    nonces: HashMap<String, u32>,
    /// The nonces of the client that came, one for each request; `None` for one without credentials.
    log: Vec<(u16, Option<String>)>,
}

impl DigestServer {
    pub fn new(algorithm: &'static str, qop: Option<&'static str>) -> Self {
        Self { algorithm, qop, uses: u32::MAX, ..Self::default() }
    }

    /// The status of each answer, and the count of the request that it was for.
    pub fn log(&self) -> Vec<(u16, Option<String>)> {
        self.state.lock().unwrap().log.clone()
    }

    /// Forgets every nonce.
    pub fn restart(&self) {
        self.state.lock().unwrap().nonces.clear();
    }

    pub fn router(&self) -> axum::Router {
        let server = self.clone();
        axum::Router::new().fallback(move |method: http::Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let server = server.clone();
            async move { server.answer(method.as_str(), &uri, &headers, &body) }
        })
    }

    fn answer(
        &self,
        method: &str,
        uri: &Uri,
        headers: &HeaderMap,
        body: &[u8],
    ) -> (StatusCode, HeaderMap, &'static str) {
        let sent = headers.get(AUTHORIZATION).map(|value| parameters(value.to_str().unwrap()));
        let mut state = self.state.lock().unwrap();
        let count = sent.as_ref().map(|sent| sent.get("nc").cloned().unwrap_or_default());
        let good = sent.as_ref().is_some_and(|sent| self.is_right(method, uri, sent, body));
        let fresh = sent.as_ref().is_some_and(|sent| {
            let Some(last) = state.nonces.get_mut(&sent["nonce"]) else { return false };
            let Some(count) = sent.get("nc") else { return true };
            let count = u32::from_str_radix(count, 16).unwrap();
            let fresh = *last < count && count <= self.uses;
            *last = count.max(*last);
            fresh
        });
        if good && fresh {
            state.log.push((200, count));
            return (StatusCode::OK, HeaderMap::new(), "{\"in\":true}");
        }
        state.log.push((401, count));
        let nonce = format!("n/{}=", state.log.len());
        state.nonces.insert(nonce.clone(), 0);
        let qop = self.qop.map_or(String::new(), |qop| format!(", qop=\"{qop}\""));
        let more = if self.userhash { ", userhash=true" } else { "" };
        let stale = if good { ", stale=true" } else { "" };
        let challenge = format!(
            "Digest realm=\"a, realm\", nonce=\"{nonce}\", opaque=\"o\", algorithm={}{qop}{more}{stale}",
            self.algorithm
        );
        let mut answer = HeaderMap::new();
        answer.append("www-authenticate", "Negotiate".parse().unwrap());
        answer.append("www-authenticate", challenge.parse().unwrap());
        (StatusCode::UNAUTHORIZED, answer, "{}")
    }

    fn is_right(&self, method: &str, uri: &Uri, sent: &HashMap<String, String>, body: &[u8]) -> bool {
        let h = |text: &str| self.hash(text.as_bytes());
        let user = if self.userhash { h(&format!("{USER}:a, realm")) } else { USER.to_owned() };
        let get = |name: &str| sent.get(name).map(String::as_str).unwrap_or_default();
        let mut a1 = h(&format!("{USER}:a, realm:{PASSWORD}"));
        if self.algorithm.ends_with("-sess") {
            a1 = h(&format!("{a1}:{}:{}", get("nonce"), get("cnonce")));
        }
        let a2 = match get("qop") {
            "auth-int" => h(&format!("{method}:{}:{}", get("uri"), self.hash(body))),
            _ => h(&format!("{method}:{}", get("uri"))),
        };
        let response = match get("qop") {
            "" => h(&format!("{a1}:{}:{a2}", get("nonce"))),
            qop => h(&format!("{a1}:{}:{}:{}:{qop}:{a2}", get("nonce"), get("nc"), get("cnonce"))),
        };
        get("username") == user
            && get("uri") == uri.path_and_query().unwrap().as_str()
            && get("opaque") == "o"
            && get("response") == response
    }

    fn hash(&self, bytes: &[u8]) -> String {
        let digest = match self.algorithm.trim_end_matches("-sess") {
            "MD5" => md5::Md5::digest(bytes).to_vec(),
            "SHA-256" => sha2::Sha256::digest(bytes).to_vec(),
            "SHA-512-256" => sha2::Sha512_256::digest(bytes).to_vec(),
            other => panic!("{other}"),
        };
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The parameters of the header; no value of these tests holds a comma and a space but the realm.
fn parameters(header: &str) -> HashMap<String, String> {
    let list = header.strip_prefix("Digest ").expect("a Digest").replace("a, realm", "a,realm");
    let pairs = list.split(',').map(str::trim).filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned())).collect()
}
