//! The listener that a browser is sent back to: on this machine only, for one answer.

use std::{
    convert::Infallible,
    future::poll_fn,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use http::{
    HeaderValue, Method, StatusCode, Uri,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
    request::Parts,
};
use http_body_util::Full;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::{super::endpoint, Authorization};
use crate::error::{Error, ErrorKind, Result, quoted};

/// Where a browser is sent back to where the caller names nothing else.
const USUAL: &str = "http://127.0.0.1/callback";
/// How many connections there are at once, how long each one lasts, and how large a head may be.
const CONNECTIONS: usize = 16;
const PATIENCE: Duration = Duration::from_secs(10);
const HEAD: usize = 32 << 10;

pub(super) struct Listener {
    socket: TcpListener,
    redirect_uri: Uri,
    written: String,
}

impl Listener {
    /// Listens where `redirect_uri` says, at a free port where it names none.
    pub(super) async fn bind(redirect_uri: Option<&str>) -> Result<Self> {
        let written = redirect_uri.unwrap_or(USUAL);
        let wrong =
            |why: &str| Error::coded(ErrorKind::Auth, "config", format!("the redirect URI {} {why}", quoted(written)));
        let uri = endpoint::parse(written, "redirect URI")?;
        if !endpoint::is_loopback(&uri) || uri.scheme_str() != Some("http") {
            return Err(wrong("is not http on this machine; see Session::authorize for another"));
        }
        let host = uri.host().unwrap_or_default();
        let six = host.starts_with('[');
        let ip = if six { IpAddr::V6(Ipv6Addr::LOCALHOST) } else { IpAddr::V4(Ipv4Addr::LOCALHOST) };
        let socket = TcpListener::bind(SocketAddr::new(ip, uri.port_u16().unwrap_or(0))).await;
        let socket = socket.map_err(|error| unavailable(&format!("no listener for the browser: {error}")))?;
        let port = socket.local_addr().map_err(|error| unavailable(&error.to_string()))?.port();
        let written = match uri.port_u16() {
            Some(_) => written.to_owned(),
            None => written.replacen(host, &format!("{host}:{port}"), 1),
        };
        let redirect_uri = written.parse().map_err(|_| wrong("is no URL"))?;
        Ok(Self { socket, redirect_uri, written })
    }

    /// Where the browser is to be sent back to, as it is written.
    pub(super) fn redirect_uri(&self) -> &str {
        &self.written
    }

    /// Waits for the answer to `authorization`, whose query it gives; what else comes is sent away.
    pub(super) async fn answer(self, authorization: Arc<Authorization>) -> Result<String> {
        let asked = Arc::new(Asked { redirect_uri: self.redirect_uri, authorization, answer: OnceLock::new() });
        let mut connections = JoinSet::new();
        poll_fn(|context| {
            loop {
                match connections.poll_join_next(context) {
                    Poll::Ready(Some(Ok(true))) => break,
                    Poll::Ready(Some(_)) => continue,
                    Poll::Ready(None) | Poll::Pending => {}
                }
                // What waits while these are served waits for seconds at most.
                if connections.len() >= CONNECTIONS {
                    return Poll::Pending;
                }
                match std::task::ready!(self.socket.poll_accept(context)) {
                    Ok((stream, _)) => _ = connections.spawn(serve(stream, Arc::clone(&asked))),
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                    Err(error) => return Poll::Ready(Err(unavailable(&format!("the listener failed: {error}")))),
                }
            }
            Poll::Ready(Ok(asked.answer.get().cloned().unwrap_or_default()))
        })
        .await
    }
}

/// What is listened for.
struct Asked {
    redirect_uri: Uri,
    authorization: Arc<Authorization>,
    answer: OnceLock<String>,
}

/// Serves one connection, for one request; whether that was the answer.
async fn serve(stream: TcpStream, asked: Arc<Asked>) -> bool {
    let is_answer = AtomicBool::new(false);
    let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
        let page = asked.page(&request.into_parts().0);
        is_answer.store(page.status() == StatusCode::OK, Ordering::Relaxed);
        async { Ok::<_, Infallible>(page) }
    });
    let mut http = http1::Builder::new();
    http.keep_alive(false).max_buf_size(HEAD);
    let connection = http.serve_connection(TokioIo::new(stream), service);
    // Whatever becomes of the page, the answer has been noted.
    let _ = tokio::time::timeout(PATIENCE, connection).await;
    is_answer.into_inner()
}

impl Asked {
    /// What a request is answered; the first one that brings the answer is noted.
    fn page(&self, request: &Parts) -> http::Response<Full<Bytes>> {
        let (status, text) = match self.judge(request) {
            Ok(query) if self.answer.set(query.to_owned()).is_ok() => {
                (StatusCode::OK, "The answer has arrived. You can close this page and go back to the program.")
            }
            Ok(_) => (StatusCode::GONE, "This sign-in has been answered already."),
            Err(refusal) => refusal,
        };
        page(status, text)
    }

    /// The query that answers the sign-in, or why this request does not.
    fn judge<'r>(&self, request: &'r Parts) -> Result<&'r str, (StatusCode, &'static str)> {
        let own = |authority: Option<&str>| authority.is_some_and(|authority| is_own(authority, &self.redirect_uri));
        let host = request.headers.get(HOST).and_then(|host| host.to_str().ok());
        let named = request.uri.authority().map(http::uri::Authority::as_str);
        // A page of another site may reach this port by a name of its own.
        if !own(host) || named.is_some() && !own(named) {
            return Err((StatusCode::FORBIDDEN, "This is not the host that was asked for."));
        }
        if request.uri.path() != self.redirect_uri.path() {
            return Err((StatusCode::NOT_FOUND, "There is nothing here."));
        }
        if request.method != Method::GET {
            return Err((StatusCode::METHOD_NOT_ALLOWED, "The answer comes by GET."));
        }
        let query = request.uri.query().unwrap_or_default();
        if !self.authorization.is_answered_by(query) {
            return Err((StatusCode::BAD_REQUEST, "This does not answer the sign-in that is under way."));
        }
        Ok(query)
    }
}

/// Whether `authority` is this machine at the port of `redirect_uri`.
fn is_own(authority: &str, redirect_uri: &Uri) -> bool {
    let Ok(uri) = format!("http://{authority}/").parse::<Uri>() else { return false };
    let bare = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    let port = |uri: &Uri| uri.port_u16().unwrap_or(80);
    bare && endpoint::is_loopback(&uri) && port(&uri) == port(redirect_uri)
}

/// A page that says one sentence of ours, and nothing that came with a request.
fn page(status: StatusCode, text: &str) -> http::Response<Full<Bytes>> {
    let html = format!("<!doctype html><html lang=\"en\"><title>Sign-in</title><p>{text}</p></html>\n");
    let mut page = http::Response::new(Full::new(Bytes::from(html)));
    *page.status_mut() = status;
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        page.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    page
}

/// The error of a machine where no browser can sign in.
pub(super) fn unavailable(why: &str) -> Error {
    let why = format!("{why}; sign in by the device flow, which needs no browser here (OAuth2::device)");
    Error::coded(ErrorKind::Auth, "auth.required", why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(redirect_uri: &str) -> Asked {
        let authorization = Arc::new(super::super::tests::begun(None, false));
        Asked { redirect_uri: redirect_uri.parse().unwrap(), authorization, answer: OnceLock::new() }
    }

    fn parts(method: &str, uri: &str, host: &str) -> Parts {
        let mut request = http::Request::builder().method(method).uri(uri);
        if !host.is_empty() {
            request = request.header(HOST, host);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn o41_a_request_that_is_no_answer_is_sent_away() {
        let good = "/callback?code=c&state=s";
        for (method, uri, host, status) in [
            ("GET", good, "127.0.0.1:7", 200),
            ("GET", good, "localhost:7", 200),
            ("GET", good, "LOCALHOST:7", 200),
            ("GET", good, "[::1]:7", 200),
            ("GET", "/callback?error=access_denied&state=s", "127.0.0.1:7", 200),
            ("GET", "http://127.0.0.1:7/callback?code=c&state=s", "127.0.0.1:7", 200),
            ("GET", "http://evil.test:7/callback?code=c&state=s", "127.0.0.1:7", 403),
            ("GET", good, "evil.test:7", 403),
            ("GET", good, "127.0.0.1.evil.test:7", 403),
            ("GET", good, "127.0.0.1:8", 403),
            ("GET", good, "127.0.0.1", 403),
            ("GET", good, "u@127.0.0.1:7", 403),
            ("GET", good, "", 403),
            ("POST", good, "127.0.0.1:7", 405),
            ("HEAD", good, "127.0.0.1:7", 405),
            ("GET", "/", "127.0.0.1:7", 404),
            ("GET", "/favicon.ico", "127.0.0.1:7", 404),
            ("GET", "/callback/?code=c&state=s", "127.0.0.1:7", 404),
            ("GET", "/callback", "127.0.0.1:7", 400),
            ("GET", "/callback?code=c&state=x", "127.0.0.1:7", 400),
            ("GET", "/callback?code=c&state=s&state=s", "127.0.0.1:7", 400),
        ] {
            let asked = asked("http://127.0.0.1:7/callback");
            let page = asked.page(&parts(method, uri, host));
            assert_eq!(page.status(), status, "{method} {uri} {host}");
            assert_eq!(asked.answer.get().is_some(), status == 200, "{method} {uri} {host}");
        }
    }

    #[test]
    fn o41_the_first_answer_is_the_only_one() {
        let asked = asked("http://127.0.0.1:7/callback");
        assert_eq!(asked.page(&parts("GET", "/callback?code=1&state=s", "127.0.0.1:7")).status(), 200);
        assert_eq!(asked.page(&parts("GET", "/callback?code=2&state=s", "127.0.0.1:7")).status(), 410);
        assert_eq!(asked.answer.get().unwrap(), "code=1&state=s");
    }

    #[tokio::test]
    async fn o43_the_page_is_ours_alone_and_is_not_kept() {
        use http_body_util::BodyExt;
        let uri = "/callback?code=CNRY&state=s&error=%3Cscript%3E";
        let page = asked("http://127.0.0.1:7/callback").page(&parts("GET", uri, "127.0.0.1:7"));
        assert_eq!(page.headers()[CACHE_CONTROL], "no-store");
        assert_eq!(page.headers()[REFERRER_POLICY], "no-referrer");
        let text = page.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(text.to_vec()).unwrap();
        assert!(!text.contains("CNRY") && !text.contains("script"), "{text}");
    }

    #[tokio::test]
    async fn o44_a_redirect_uri_is_what_was_written_and_a_port() {
        for (given, start, end) in [
            (None, "http://127.0.0.1:", "/callback"),
            (Some("http://127.0.0.1/callback"), "http://127.0.0.1:", "/callback"),
            (Some("http://localhost/a/b?x=1"), "http://localhost:", "/a/b?x=1"),
        ] {
            let listener = Listener::bind(given).await.unwrap();
            let port = listener.socket.local_addr().unwrap().port();
            assert_eq!(listener.redirect_uri(), format!("{start}{port}{end}"));
            assert!(listener.socket.local_addr().unwrap().ip().is_loopback());
        }
        for bad in ["https://app.test/callback", "http://app.test/", "https://127.0.0.1/", "tool://callback"] {
            assert!(Listener::bind(Some(bad)).await.is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn o45_a_taken_port_names_the_device_flow() {
        let taken = Listener::bind(None).await.unwrap();
        let error = Listener::bind(Some(taken.redirect_uri())).await.err().unwrap();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, "auth.required"));
        assert!(error.to_string().contains("device"), "{error}");
    }
}
