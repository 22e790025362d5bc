//! The peer: a plain hyper server in a process of its own.

use std::{
    convert::Infallible,
    io::{BufRead, BufReader, Read},
    net::Ipv4Addr,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::TokioIo;

/// The length of what is uploaded and downloaded, in bytes.
pub const GIB: u64 = 1 << 30;

/// The tag of what is validated.
const TAG: &str = "\"1\"";

const BLOCK: usize = 256 << 10;

/// A server that ends with this value.
pub struct Server {
    child: Child,
    pub address: String,
}

impl Server {
    pub fn start() -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut child = command.arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { child, address: address.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Serves until standard input ends, after printing the address.
pub fn serve() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            stream.set_nodelay(true).unwrap();
            tokio::spawn(async move {
                let service = hyper::service::service_fn(answer);
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await
            });
        }
    });
}

async fn answer(request: Request<Incoming>) -> Result<Response<UnsyncBoxBody<Bytes, Infallible>>, Infallible> {
    let (head, mut body) = request.into_parts();
    let mut received = 0;
    while let Some(Ok(frame)) = body.frame().await {
        received += frame.data_ref().map_or(0, Bytes::len);
    }
    if head.uri.path() == "/download" {
        let block = Bytes::from(vec![b'x'; BLOCK]);
        let frames = (0..GIB / BLOCK as u64).map(move |_| Ok::<_, Infallible>(Frame::data(block.clone())));
        let body = StreamBody::new(stream::iter(frames)).boxed_unsync();
        return Ok(Response::builder().header(header::CONTENT_LENGTH, GIB).body(body).unwrap());
    }
    if head.uri.path() == "/hold" {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let status = if refuses(head.uri.path()) { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let signed = head.headers.contains_key(header::AUTHORIZATION);
    let json = format!(
        r#"{{"path":"{}","signed":{signed},"received":{received},"id":12345678,"tags":["a","b","c"],"text":"{}"}}"#,
        head.uri.path(),
        "x".repeat(160)
    );
    let body = Full::new(Bytes::from(json)).boxed_unsync();
    let answer = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
    let answer = match head.uri.path().split('/').nth(1) {
        Some("fresh") => answer.header(header::CACHE_CONTROL, "max-age=86400"),
        Some("valid") if head.headers.contains_key(header::IF_NONE_MATCH) => {
            let answer = Response::builder().status(StatusCode::NOT_MODIFIED).header(header::ETAG, TAG);
            return Ok(answer.body(Full::default().boxed_unsync()).unwrap());
        }
        Some("valid") => answer.header(header::CACHE_CONTROL, "max-age=0").header(header::ETAG, TAG),
        _ => answer,
    };
    Ok(answer.body(body).unwrap())
}

/// Whether a request is answered 503: each one, every other one, or two of three.
fn refuses(path: &str) -> bool {
    static FLAKY: AtomicU64 = AtomicU64::new(0);
    static THIRD: AtomicU64 = AtomicU64::new(0);
    match path {
        "/refused" => true,
        "/flaky" => FLAKY.fetch_add(1, Relaxed).is_multiple_of(2),
        "/third" => THIRD.fetch_add(1, Relaxed) % 3 < 2,
        _ => false,
    }
}
