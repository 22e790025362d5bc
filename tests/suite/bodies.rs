//! B: bodies as they are decoded, bounded, uploaded and answered early.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{Router, body::Body, http::header, response::IntoResponse};
use bytes::Bytes;
use futures_util::StreamExt;
use restwalk::{Client, ErrorKind, Outcome, Value, json};

/// A client of a service that answers everything by `body` with `headers`.
fn answering(headers: &[(&'static str, &str)], body: impl Into<Bytes>) -> Client {
    answering_in_pieces(headers, vec![body.into()]).0.build().unwrap()
}

/// The same in pieces, and how many of them were taken.
fn answering_in_pieces(
    headers: &[(&'static str, &str)],
    pieces: Vec<Bytes>,
) -> (restwalk::ClientBuilder, Arc<AtomicU64>) {
    let taken = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&taken);
    let headers: Vec<(&'static str, String)> =
        headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let service = Router::new().fallback(move || async move {
        let stream = futures_util::stream::iter(pieces).map(move |piece| {
            count.fetch_add(1, Ordering::SeqCst);
            Ok::<_, io::Error>(piece)
        });
        let mut answer = Body::from_stream(stream).into_response();
        for (name, value) in headers {
            answer.headers_mut().append(name, value.parse().unwrap());
        }
        answer
    });
    (Client::local(service), taken)
}

async fn get(client: &Client) -> restwalk::Response {
    client.res("x").get().send().await.unwrap()
}

/// The kind and code of reading all.
async fn refusal(client: &Client) -> (ErrorKind, &'static str, Outcome) {
    let error = get(client).await.bytes().await.unwrap_err();
    (error.kind(), error.code(), error.outcome())
}

#[tokio::test]
async fn b09_a_plain_body_beyond_the_limit_is_refused() {
    let limit = 100_000;
    let pieces = vec![Bytes::from(vec![b'x'; 10_000]); 1_000];
    let (builder, taken) = answering_in_pieces(&[("content-length", "10000000")], pieces.clone());
    let client = builder.body_limit(limit).build().unwrap();
    assert_eq!(refusal(&client).await, (ErrorKind::Body, "body.too_large", Outcome::Processed));
    assert_eq!(taken.load(Ordering::SeqCst), 0, "its length was announced, so nothing was read");

    let (builder, taken) = answering_in_pieces(&[], pieces);
    let client = builder.body_limit(limit).build().unwrap();
    assert_eq!(refusal(&client).await, (ErrorKind::Body, "body.too_large", Outcome::Processed));
    assert!(taken.load(Ordering::SeqCst) <= 12, "one piece beyond the limit, and one on its way");

    let just = answering_in_pieces(&[], vec![Bytes::from(vec![b'x'; 50_000]); 2]).0.body_limit(limit).build().unwrap();
    assert_eq!(get(&just).await.bytes().await.unwrap().len(), 100_000);
}

#[tokio::test]
async fn b09_a_close_delimited_body_beyond_the_limit_is_refused() {
    #[cfg(feature = "http")]
    for head in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n"] {
        let answer = [head.as_bytes(), &[b'x'; 200_000]].concat();
        let server = crate::support::fault::FaultServer::answering(answer);
        let client = crate::support::builder(&server.url()).body_limit(100_000).build().unwrap();
        assert_eq!(refusal(&client).await, (ErrorKind::Body, "body.too_large", Outcome::Processed));
    }
    let client = answering_in_pieces(&[], vec![Bytes::from_static(b"12345678"); 2]).0.body_limit(15).build().unwrap();
    assert_eq!(refusal(&client).await.1, "body.too_large");
}

#[tokio::test]
async fn b12_json_is_decoded_strictly() {
    for (body, expected) in
        [("", Value::Null), ("null", Value::Null), ("\u{feff}{}", json!({})), ("[1]", json!([1])), ("0", json!(0))]
    {
        let client = answering(&[("content-type", "application/json")], body);
        assert_eq!(client.res("x").get().await.unwrap(), expected, "{body:?}");
    }
    for body in [&b"\xff{}"[..], b"{\0}\0", b"{} x", b"NaN", b" ", b"{\"foo\"}", b"not json"] {
        let error = answering(&[("content-type", "application/json")], body).res("x").get().await.unwrap_err();
        let expected = (ErrorKind::Decode, "body.decode", Outcome::Processed);
        assert_eq!((error.kind(), error.code(), error.outcome()), expected, "{body:?}");
    }
}

#[tokio::test]
async fn b17_html_is_not_json_and_says_so_briefly() {
    let html = format!("<html>\x1b[31m{}</html>", "x".repeat(1_000));
    let error = answering(&[("content-type", "text/html")], html).res("x").get().await.unwrap_err();
    assert_eq!(error.code(), "body.decode");
    let text = error.to_string();
    assert!(text.contains("text/html") && text.contains("<html>\\u{1b}[31mxxx"), "{text}");
    assert!(text.len() < 400, "{text}");
    for kind in ["application/problem+json; charset=utf-8", "application/vnd.x+json"] {
        assert_eq!(answering(&[("content-type", kind)], "{}").res("x").get().await.unwrap(), json!({}));
    }
}

#[tokio::test]
async fn b18_text_is_decoded_from_its_charset_or_refused() {
    let client = answering(&[("content-type", "text/plain; charset=iso-8859-1")], &b"caf\xe9"[..]);
    assert_eq!(get(&client).await.text().await.unwrap(), "café");
    for (kind, body) in [
        ("text/plain; charset=utf-8", &b"caf\xe9"[..]),
        ("text/plain", b"caf\xe9"),
        ("text/plain; charset=klingon", b"cafe"),
    ] {
        let error = get(&answering(&[("content-type", kind)], body)).await.text().await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Decode, "body.decode"), "{kind}");
    }
}

#[tokio::test]
async fn b19_a_problem_of_wrong_types_is_tolerated_and_capped() {
    let detail = "d".repeat(5 << 20);
    let body = format!(r#"{{"type":"http://127.0.0.1:9/never-fetched","title":7,"detail":"{detail}"}}"#);
    let service = Router::new().fallback(move || async move {
        (http::StatusCode::CONFLICT, [(header::CONTENT_TYPE, "application/problem+json")], body)
    });
    let error = Client::local(service).build().unwrap().res("x").get().send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Status);
    assert_eq!(error.body().unwrap().len(), 64 << 10);
    assert!(error.to_string().len() < 1_000);

    let wrong = r#"{"type":[1],"title":{"a":1},"detail":true,"status":"x"}"#;
    let service = Router::new().fallback(move || async move { (http::StatusCode::CONFLICT, wrong) });
    let error = Client::local(service).build().unwrap().res("x").get().send().await.unwrap_err();
    assert!(error.problem().is_none() && error.body().unwrap() == wrong);
}

#[tokio::test]
async fn b20_of_a_long_error_body_only_the_beginning_is_read() {
    let pieces = vec![Bytes::from(vec![b'x'; 16 << 10]); 1_000];
    let taken = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&taken);
    let service = Router::new().fallback(move || async move {
        let stream = futures_util::stream::iter(pieces).map(move |piece| {
            count.fetch_add(1, Ordering::SeqCst);
            Ok::<_, io::Error>(piece)
        });
        (http::StatusCode::INTERNAL_SERVER_ERROR, Body::from_stream(stream))
    });
    let error = Client::local(service).build().unwrap().res("x").post().send().await.unwrap_err();
    assert_eq!(error.body().unwrap().len(), 64 << 10);
    assert!(taken.load(Ordering::SeqCst) <= 6);
}

#[tokio::test]
async fn b21_a_saved_body_appears_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answer");
    let client = crate::support::local();
    let response = client.res("bytes").item(300_000).get().send().await.unwrap();
    assert_eq!(response.save(&path).await.unwrap(), 300_000);
    assert!(std::fs::read(&path).unwrap() == crate::support::echo::pattern(300_000));
    let error = client.res("broken").get().send().await.unwrap().save(folder.path().join("broken")).await.unwrap_err();
    assert_eq!((error.code(), error.outcome()), ("body.truncated", Outcome::Processed));
    assert_eq!(error.status(), Some(http::StatusCode::OK));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["answer"]);
}

/// What reads of a coded body give; the feature `gzip` decodes them.
#[cfg(feature = "gzip")]
mod coded {
    use super::*;
    use crate::support::echo::gzip;

    /// 200 MiB of zeros, about 200 KiB on the wire, in pieces of 4 KiB.
    fn bomb() -> Vec<Bytes> {
        static BOMB: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| gzip(&vec![0; 20 << 20]).repeat(10));
        BOMB.chunks(4 << 10).map(Bytes::copy_from_slice).collect()
    }

    const LIMIT: u64 = 10 << 20;

    /// The bomb reaches the limit within this many of its pieces: 1:1000 of 10 MiB, and some slack.
    const FEW: u64 = 8;

    async fn each_way_is_limited(coding: &'static str, pieces: &[Bytes], few: u64) {
        let headers = [("content-encoding", coding)];
        let client = |pieces: &[Bytes]| {
            let (builder, taken) = answering_in_pieces(&headers, pieces.to_vec());
            (builder.body_limit(LIMIT).build().unwrap(), taken)
        };
        for way in ["bytes", "text", "json", "awaited", "lines"] {
            let (client, taken) = client(pieces);
            let error = match way {
                "bytes" => get(&client).await.bytes().await.unwrap_err(),
                "text" => get(&client).await.text().await.unwrap_err(),
                "json" => get(&client).await.json::<Value>().await.unwrap_err(),
                "lines" => get(&client).await.lines::<Value>().next().await.unwrap().unwrap_err(),
                _ => client.res("x").get().await.unwrap_err(),
            };
            let code = if way == "lines" { "body.too_large" } else { "body.bomb" };
            assert_eq!(
                (error.kind(), error.code(), error.outcome()),
                (ErrorKind::Body, code, Outcome::Processed),
                "{way}"
            );
            assert!(taken.load(Ordering::SeqCst) <= few, "{way} took {} pieces", taken.load(Ordering::SeqCst));
        }
        // A stream has no limit but gives small pieces, and stops when its reader does.
        let (client, taken) = client(pieces);
        let mut stream = get(&client).await.stream();
        let mut seen = 0;
        while seen < LIMIT {
            let piece = stream.next().await.unwrap().unwrap();
            assert!(piece.len() <= 64 << 10);
            seen += piece.len() as u64;
        }
        assert!(taken.load(Ordering::SeqCst) <= few);
    }

    #[tokio::test]
    async fn b01_b02_a_gzip_bomb_is_refused_by_every_way_of_reading() {
        each_way_is_limited("gzip", &bomb(), FEW).await;
    }

    #[tokio::test]
    async fn b02_an_error_body_that_is_a_bomb_is_cut() {
        let taken = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&taken);
        let service = Router::new().fallback(move || async move {
            let stream = futures_util::stream::iter(bomb()).map(move |piece| {
                count.fetch_add(1, Ordering::SeqCst);
                Ok::<_, io::Error>(piece)
            });
            (http::StatusCode::BAD_REQUEST, [(header::CONTENT_ENCODING, "gzip")], Body::from_stream(stream))
        });
        let error = Client::local(service).build().unwrap().res("x").get().send().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Status);
        assert_eq!(error.body().unwrap().len(), 64 << 10);
        assert!(taken.load(Ordering::SeqCst) <= 2);
    }

    #[tokio::test]
    async fn b02_a_saved_body_is_decoded_piece_by_piece() {
        let folder = tempfile::tempdir().unwrap();
        let zeros = Bytes::from(gzip(&vec![0; 20 << 20]));
        let (builder, _) = answering_in_pieces(&[("content-encoding", "gzip")], vec![zeros]);
        let client = builder.body_limit(LIMIT).build().unwrap();
        // A file has no limit: it is what one asks for who expects much.
        assert_eq!(get(&client).await.save(folder.path().join("zeros")).await.unwrap(), 20 << 20);
    }

    #[cfg(feature = "compression")]
    #[tokio::test]
    async fn b03_brotli_and_zstd_bombs_are_refused_too() {
        for (coding, pieces) in [("br", other("br")), ("zstd", other("zstd"))] {
            each_way_is_limited(coding, &pieces, 400).await;
        }
        // A window of 2 GiB: refused before any of it is had.
        let wide: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00];
        let client = answering(&[("content-encoding", "zstd")], wide);
        assert_eq!(refusal(&client).await.1, "body.encoding");
    }

    /// 64 MiB of zeros in another coding, in pieces of 64 bytes.
    #[cfg(feature = "compression")]
    fn other(coding: &str) -> Vec<Bytes> {
        use async_compression::tokio::bufread::{BrotliEncoder, ZstdEncoder};
        use tokio::io::AsyncReadExt;
        let zeros = vec![0; 64 << 20];
        let (mut out, mut zeros) = (Vec::new(), zeros.as_slice());
        futures_util::FutureExt::now_or_never(async {
            match coding {
                "br" => {
                    BrotliEncoder::with_quality(&mut zeros, async_compression::Level::Fastest)
                        .read_to_end(&mut out)
                        .await
                }
                _ => ZstdEncoder::new(&mut zeros).read_to_end(&mut out).await,
            }
        })
        .expect("memory is ready")
        .unwrap();
        out.chunks(64).map(Bytes::copy_from_slice).collect()
    }

    #[tokio::test]
    async fn b04_stacked_codings_are_refused() {
        let once = gzip(b"{}");
        let twice = gzip(&once);
        for headers in [
            vec![("content-encoding", "gzip, gzip")],
            vec![("content-encoding", "gzip, br")],
            vec![("content-encoding", "gzip,gzip,gzip,gzip,gzip,gzip")],
            vec![("content-encoding", "gzip"), ("content-encoding", "gzip")],
        ] {
            let client = answering(&headers, twice.clone());
            assert_eq!(refusal(&client).await, (ErrorKind::Body, "body.encoding", Outcome::Processed), "{headers:?}");
        }
    }

    #[tokio::test]
    async fn b05_unknown_codings_are_refused_and_aliases_known() {
        for (coding, body, expected) in [
            ("x-gzip", gzip(b"{}"), Ok("{}")),
            ("GZIP", gzip(b"{}"), Ok("{}")),
            ("identity", b"{}".to_vec(), Ok("{}")),
            ("", b"{}".to_vec(), Ok("{}")),
            ("identity, gzip", gzip(b"{}"), Ok("{}")),
            ("foo", b"{}".to_vec(), Err("body.encoding")),
            ("gzip;q=1", gzip(b"{}"), Err("body.encoding")),
        ] {
            let got = get(&answering(&[("content-encoding", coding)], body)).await.text().await;
            assert_eq!(got.as_deref().map_err(restwalk::Error::code), expected, "{coding}");
        }
    }

    #[tokio::test]
    async fn b06_a_damaged_coded_body_is_an_error() {
        let whole = gzip(&crate::support::echo::pattern(50_000));
        let mut wrong_sum = whole.clone();
        let at = whole.len() - 6;
        wrong_sum[at] ^= 1;
        for (name, body, codes) in [
            ("cut in the data", whole[..whole.len() / 2].to_vec(), &["body.truncated"][..]),
            ("cut in the trailer", whole[..whole.len() - 3].to_vec(), &["body.truncated"]),
            ("cut in the header", whole[..5].to_vec(), &["body.truncated"]),
            ("a wrong sum", wrong_sum, &["body.encoding"]),
            ("junk behind it", [&whole[..], b"junk"].concat(), &["body.encoding", "body.truncated"]),
            ("no gzip at all", b"{\"a\": 1, \"long\": \"enough for a header\"}".to_vec(), &["body.encoding"]),
        ] {
            let got = refusal(&answering(&[("content-encoding", "gzip")], body)).await;
            assert!(got.0 == ErrorKind::Body && codes.contains(&got.1), "{name}: {got:?}");
        }
        let two = [gzip(b"[1,"), gzip(b"2]")].concat();
        assert_eq!(get(&answering(&[("content-encoding", "gzip")], two)).await.text().await.unwrap(), "[1,2]");
    }

    #[tokio::test]
    async fn b07_a_coding_of_nothing_is_nothing() {
        for status in [200, 204, 304] {
            let service = Router::new().fallback(move || async move {
                (http::StatusCode::from_u16(status).unwrap(), [(header::CONTENT_ENCODING, "gzip")])
            });
            let client = Client::local(service).build().unwrap();
            assert_eq!(client.res("x").get().await.unwrap(), Value::Null, "{status}");
        }
        let client = answering(&[("content-encoding", "gzip")], gzip(b"{}"));
        let response = client.res("x").head().send().await.unwrap();
        assert_eq!(response.bytes().await.unwrap(), Bytes::new());
    }

    #[tokio::test]
    async fn b08_a_high_ratio_below_the_limit_is_fine() {
        let client = answering(&[("content-encoding", "gzip")], gzip(&vec![b' '; 9 << 20]));
        assert_eq!(get(&client).await.bytes().await.unwrap().len(), 9 << 20);
    }

    #[tokio::test]
    async fn only_what_can_be_decoded_is_asked_for() {
        let asked = crate::support::local().res("x").get().await.unwrap();
        let expected = if cfg!(feature = "compression") { "zstd, br, gzip, deflate" } else { "gzip" };
        assert!(asked["headers"].as_array().unwrap().contains(&json!(["accept-encoding", expected])));
    }
}

/// B48: a server that answers before it has read the request, and then closes.
#[cfg(feature = "http")]
mod early {
    use super::*;
    use crate::support::{self, fault::FaultServer};

    #[tokio::test]
    async fn b48_an_early_answer_is_told_in_place_of_a_broken_pipe() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(64 << 20).unwrap();
        for status in [413, 401, 500] {
            let server = FaultServer::start(move |connection| {
                connection.head();
                let answer = format!(
                    "HTTP/1.1 {status} Early\r\nContent-Length: 15\r\nConnection: close\r\n\r\n{{\"error\":\"now\"}}"
                );
                connection.send(answer.as_bytes());
                connection.finish();
            });
            let client = support::network(&server.url());
            let calls = [
                client.res("x").post().upload_file(file.path()),
                client.res("x").put().body(vec![0; 16 << 20], "application/octet-stream"),
            ];
            for call in calls {
                let error = call.send().await.unwrap_err();
                assert_eq!(error.status().map(|status| status.as_u16()), Some(status), "{error:?}");
                assert_eq!(error.body().map(|body| &body[..]), Some(&b"{\"error\":\"now\"}"[..]));
                assert_eq!(error.outcome(), Outcome::Processed);
            }
        }
    }

    #[tokio::test]
    async fn b48_an_early_answer_with_a_reset_is_told_too() {
        let server = FaultServer::start(|connection| {
            connection.head();
            connection.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
        });
        let client = support::network(&server.url());
        let call = client.res("x").put().body(vec![0; 16 << 20], "application/octet-stream");
        let error = call.send().await.unwrap_err();
        // The reset may overtake the answer in the kernel; then nobody can know it.
        let expected = [(ErrorKind::Status, Outcome::Processed), (ErrorKind::Protocol, Outcome::MaybeProcessed)];
        assert!(expected.contains(&(error.kind(), error.outcome())), "{error:?}");
    }
}

/// A body of ten pieces, one every ten seconds.
#[derive(Debug)]
struct Slow;

impl restwalk::Transport for Slow {
    fn exchange(
        &self,
        _: http::Request<restwalk::WireBody>,
    ) -> restwalk::BoxFuture<'_, restwalk::Result<http::Response<restwalk::WireBody>>> {
        let pieces = futures_util::stream::unfold(0, async |count| {
            tokio::time::sleep(std::time::Duration::from_secs(10)).await;
            (count < 10)
                .then(|| (Ok::<_, std::io::Error>(http_body::Frame::data(bytes::Bytes::from_static(b"x"))), count + 1))
        });
        let body = restwalk::WireBody::new(http_body_util::StreamBody::new(Box::pin(pieces)));
        Box::pin(async { Ok(http::Response::new(body)) })
    }
}

/// The clock is the test's own: nothing waits.
#[tokio::test(start_paused = true)]
async fn the_total_time_bounds_what_is_read_whole_and_a_timeout_bounds_everything() {
    use std::time::Duration;
    let never = std::time::Duration::MAX;
    let client = restwalk::Client::builder("http://h").transport(Slow).stall_timeout(1, never).build().unwrap();
    let get = || client.res("x").get();

    let code = |error: restwalk::Error| error.code();
    assert_eq!(get().send().await.unwrap().bytes().await.map_err(code), Err("timeout.total"));

    let mut stream = get().send().await.unwrap().stream();
    let mut pieces = 0;
    while let Some(piece) = stream.next().await {
        piece.unwrap();
        pieces += 1;
    }
    assert_eq!(pieces, 10, "a stream may take longer than 60 s as long as it moves");

    let bound = |absolute: bool| {
        if absolute {
            get().deadline((tokio::time::Instant::now() + Duration::from_secs(35)).into_std())
        } else {
            get().timeout(Duration::from_secs(35))
        }
    };
    for absolute in [false, true] {
        let call = bound(absolute);
        let mut stream = call.send().await.unwrap().stream();
        let mut pieces = 0;
        let last = loop {
            match stream.next().await {
                Some(Ok(_)) => pieces += 1,
                end => break end,
            }
        };
        assert_eq!((pieces, last.map(|last| last.map_err(code).err())), (3, Some(Some("timeout.total"))));
    }

    let idle =
        restwalk::Client::builder("http://h").transport(Slow).idle_timeout(Duration::from_secs(5)).build().unwrap();
    let mut stream = idle.res("x").get().send().await.unwrap().stream();
    assert_eq!(stream.next().await.map(|piece| piece.map_err(code)), Some(Err("timeout.idle")));
    assert!(stream.next().await.is_none());
}
