//! A download under way: what is asked for, and what is made of the answer.

use std::sync::Arc;

use http::{
    HeaderName, StatusCode,
    header::{ACCEPT_ENCODING, CONTENT_LENGTH, IF_RANGE, RANGE},
};
use http_body::Body as _;
use tokio::sync::mpsc;

use super::{
    Download, Downloaded,
    digest::Digests,
    part::Part,
    range::{self, Fit},
    state::State,
    write::{End, Job},
};
use crate::{
    error::{Error, ErrorKind, Outcome, Result, quoted},
    response::{Response, coding::is_coded, is_framed, save},
};

/// A download under way, whose `.part` is locked.
pub(crate) struct Saving {
    pub(super) settings: Download,
    pub(super) part: Part,
    /// What the bytes that are there are of, and how many they are.
    pub(super) kept: Option<(State, u64)>,
    pub(super) url: String,
    /// Whether the method is one that ranges are defined for.
    pub(super) ranges: bool,
    pub(super) sha256: Option<[u8; 32]>,
}

/// What came of an answer.
pub(crate) enum Taken {
    Done(Downloaded),
    /// What is there cannot be gone on with: the whole must be asked for.
    Again(Box<Saving>),
}

/// Which bytes an answer brings.
struct Span {
    /// The first of them.
    offset: u64,
    /// Where they must end, as far as it is known.
    end: Option<u64>,
    /// How long the whole file is, as far as it is known.
    total: Option<u64>,
}

impl Saving {
    /// What to ask by: no coding, and only what is missing.
    pub(crate) fn headers(&self) -> Vec<(HeaderName, String)> {
        let mut headers = vec![(ACCEPT_ENCODING, "identity".to_owned())];
        if let Some((state, length)) = &self.kept
            && let Some(validator) = state.validator()
        {
            headers.push((RANGE, format!("bytes={length}-")));
            headers.push((IF_RANGE, validator.to_owned()));
        }
        headers
    }

    /// Writes what came, or says that the whole must be asked for.
    ///
    /// An error leaves what an earlier download has brought as it was.
    pub(crate) async fn take(self, answer: Result<Response>) -> Result<Taken> {
        let kept = self.kept.as_ref().map(|(state, length)| (state, *length));
        match answer {
            Ok(response) => match range::fit(response.status, response.headers(), kept) {
                Fit::Again => Ok(Taken::Again(Box::new(self.anew()))),
                Fit::Whole => {
                    let length = response.announced();
                    self.write(response, Span { offset: 0, end: length, total: length }).await
                }
                Fit::From { offset, end, total } => {
                    self.write(response, Span { offset, end: Some(end), total: total.or(Some(end)) }).await
                }
                Fit::No(code, why) => Err(response.refused(code, why)),
            },
            Err(error) if error.status() == Some(StatusCode::RANGE_NOT_SATISFIABLE) => match kept {
                Some((state, length)) if range::is_all(error.headers(), state, length) => self.finish(length).await,
                Some(_) => Ok(Taken::Again(Box::new(self.anew()))),
                None => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// The same from the first byte on; what is there stays until an answer takes its place.
    fn anew(mut self) -> Self {
        self.kept = None;
        self
    }

    /// Ends a download whose bytes had come all.
    async fn finish(self, length: u64) -> Result<Taken> {
        let path = self.settings.target.clone();
        let digests = Digests::only(self.sha256);
        let job = Job { part: self.part, state: None, offset: length, total: Some(length), digests };
        let (sender, receiver) = mpsc::channel(1);
        let _ = sender.send(None).await;
        let ended = tokio::task::spawn_blocking(move || job.write(receiver)).await;
        let ended = ended.map_err(|error| save::failure(&path, std::io::Error::other(error))).flatten();
        match ended.map_err(|error| error.with_outcome(Outcome::Processed))? {
            End::Saved(length) => {
                Ok(Taken::Done(Downloaded { path, length, resumed_from: length, unverified_length: false }))
            }
            End::Broken { .. } => Err(save::failure(&path, std::io::ErrorKind::UnexpectedEof.into())),
        }
    }

    /// Writes the body of `response` behind what is there, or in its place.
    async fn write(self, response: Response, span: Span) -> Result<Taken> {
        let Self { settings, mut part, kept, url, ranges, sha256 } = self;
        let coded = is_coded(response.headers());
        let digests = if coded { Digests::only(sha256) } else { Digests::read(response.headers(), sha256) };
        let unverified_length = !response.tells_its_end() && !digests.any();
        let resumed_from = span.offset;
        let state = match kept {
            // Its validator stands in the answer no more than in the file.
            Some(_) if resumed_from > 0 => None,
            _ => Some(State::of(url, response.headers(), span.total)),
        };
        part.keep(settings.keep && state.as_ref().is_none_or(|state| ranges && !coded && state.validator().is_some()));
        let job = Job { part, state, offset: resumed_from, total: span.total, digests };
        let length = transfer(response, job, span.end, &settings).await?;
        Ok(Taken::Done(Downloaded { path: settings.target, length, resumed_from, unverified_length }))
    }
}

/// Carries the body of `response` to the file; nothing beyond `end` is taken.
async fn transfer(response: Response, job: Job, end: Option<u64>, settings: &Download) -> Result<u64> {
    let exchange = Arc::clone(&response.exchange);
    let (total, mut position) = (job.total, job.offset);
    let step = |length| {
        position = u64::saturating_add(position, length);
        if end.is_some_and(|end| position > end) {
            let message = "the body is longer than the server said";
            return Err(exchange.error(ErrorKind::Body, "body.too_large", message));
        }
        if let Some(report) = &settings.report {
            report(position, total);
        }
        Ok(())
    };
    let (sender, receiver) = mpsc::channel(save::WAITING);
    let writer = tokio::task::spawn_blocking(move || job.write(receiver));
    let forwarded = save::forward(response.stream(), sender, step).await;
    // It is waited for even when the stream failed, so that the caller finds what the error says.
    let ended = writer.await.map_err(|error| save::failure(&settings.target, std::io::Error::other(error)));
    match ended.flatten().map_err(|error| exchange.dress(error.with_outcome(Outcome::Processed)))? {
        End::Saved(length) => Ok(length),
        End::Broken { received, kept } => {
            let short = "the body is shorter than the server said";
            let error = forwarded.err().unwrap_or_else(|| exchange.error(ErrorKind::Body, "body.truncated", short));
            let of = total.map(|total| format!(" of {total}")).unwrap_or_default();
            let kept = kept.map(|path| format!(", kept in {}", quoted(&path.display().to_string())));
            Err(error.noted(&format!("; {received}{of} bytes came{}", kept.unwrap_or_default())))
        }
    }
}

impl Response {
    /// The length of the body as it is read, where that is known before.
    fn announced(&self) -> Option<u64> {
        if is_coded(self.headers()) {
            return None;
        }
        let said = self.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        said.or_else(|| self.body.size_hint().exact())
    }

    /// Whether the end of the body is told by something else than the end of the connection.
    fn tells_its_end(&self) -> bool {
        is_framed(self.version, self.headers(), &self.body)
    }

    /// An answer that is no file.
    fn refused(self, code: &'static str, why: &str) -> Error {
        let kind = if self.status.is_redirection() { ErrorKind::Redirect } else { ErrorKind::Protocol };
        let error = self.exchange.error(kind, code, format!("answered {}; {why}", self.status.as_u16()));
        error.with_answer(self.status, self.headers().clone(), None, None)
    }
}
