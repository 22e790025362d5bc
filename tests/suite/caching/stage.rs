//! Plays a row: a client with a cache, and an origin that answers as the row says.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use http::HeaderMap;
use restwalk::{Cache, CacheMode, Client, ErrorKind, Outcome, Redirect, Retry};

use super::rows::{Call, Condition, Field, Message, Origin, Row, Step};
use crate::support::script::{self, Script};

const CONDITIONS: [&str; 5] = ["if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range"];

pub struct Stage {
    script: Script,
    client: Client,
    /// What the origin answers next.
    next: Arc<Mutex<Option<script::Step>>>,
    now: SystemTime,
    /// Where a row says nothing of it, the path of its URL is its id.
    place: &'static str,
    /// What the caller of each target got last, as far as it may be given again.
    kept: HashMap<String, (u16, String)>,
}

impl Stage {
    pub fn new(row: &Row, cache: &Cache) -> Self {
        let next = Arc::new(Mutex::new(None));
        let answers = Arc::clone(&next);
        // Whatever is asked in vain gets an answer of its own, and the count tells.
        let script = Script::by(move |_| answers.lock().unwrap().take().unwrap_or_else(|| script::answer(418)));
        let settings = script.builder().cache(cache).redirect(Redirect::off()).retry(Retry::off());
        let client = settings.total_timeout(None).build().unwrap();
        Self { script, client, next, now: SystemTime::now(), place: row.id, kept: HashMap::new() }
    }

    /// Plays all steps; the first that goes otherwise is told of, with its line.
    pub async fn play(mut self, row: &Row) -> Result<(), String> {
        for (line, step) in &row.steps {
            match step {
                Step::Pass(seconds) => tokio::time::sleep(Duration::from_secs(*seconds)).await,
                Step::Call(call) => {
                    self.call(*line, call).await.map_err(|why| format!("{}: line {line}: {why}", row.id))?;
                }
            }
        }
        Ok(())
    }

    async fn call(&mut self, line: usize, call: &Call) -> Result<(), String> {
        let before = self.script.count();
        let (answer, condition) = match &call.origin {
            Origin::Idle => (None, None),
            Origin::Asked(answer, condition) | Origin::Behind(answer, condition) => (Some(answer), Some(condition)),
        };
        let text = answer.and_then(|answer| answer.text).map_or_else(|| format!("line {line}"), str::to_owned);
        *self.next.lock().unwrap() = answer.map(|answer| self.step(answer, &text));
        let got = self.ask(call).await;
        // What happens behind the caller happens now.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let seen = self.script.seen();
        let asked = seen.len() - before;
        if asked != usize::from(answer.is_some()) {
            return Err(format!("the origin was asked {asked} times; the caller got {got:?}"));
        }
        if let Some(condition) = condition {
            self.conditions(call, condition, &seen[before].headers)?;
        }
        let (expected, fallback) = self.expected(call, &text);
        self.compare(call, &got, &expected, fallback)?;
        self.remember(call, &got);
        Ok(())
    }

    fn step(&self, answer: &Message, text: &str) -> script::Step {
        let Some(status) = answer.status else {
            return script::Step::Fail(ErrorKind::Protocol, Outcome::MaybeProcessed);
        };
        let empty = matches!(status, 204 | 304);
        let step = script::answer(status).body(if empty { String::new() } else { text.to_owned() });
        answer.headers.iter().fold(step, |step, (name, value)| step.header(name, self.value(name, value)))
    }

    async fn ask(&self, call: &Call) -> Result<Got, restwalk::Error> {
        let target = self.target(call);
        let (target, query) = target.split_once('?').unwrap_or((&target, ""));
        let place = if target.starts_with("http") {
            self.client.at(target)
        } else {
            self.client.path(target.trim_start_matches('/'))
        };
        let asked = call.headers.iter().fold(place.method(call.method).query_raw(query), |asked, (name, value)| {
            asked.header(name, self.value(name, value))
        });
        let answer = asked.cache(mode(call.mode)).send_raw().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let (from_cache, stale, attempts) = (answer.from_cache(), answer.is_stale(), answer.attempts());
        Ok(Got { status, headers, from_cache, stale, attempts, text: answer.text().await? })
    }

    fn target(&self, call: &Call) -> String {
        match call.target {
            Some(query) if query.starts_with('?') => format!("/{}{query}", self.place),
            Some(target) => target.to_owned(),
            None => format!("/{}", self.place),
        }
    }

    /// A value as it is written, a date as of now.
    fn value(&self, name: &str, value: &str) -> String {
        let dates = ["date", "expires", "last-modified", "if-modified-since"];
        let (true, Some(moved)) = (dates.contains(&&*name.to_ascii_lowercase()), value.strip_prefix("now")) else {
            return value.to_owned();
        };
        let seconds = Duration::from_secs(moved.trim_start_matches(['+', '-']).parse().unwrap_or(0));
        httpdate::fmt_http_date(if moved.starts_with('-') { self.now - seconds } else { self.now + seconds })
    }

    fn conditions(&self, call: &Call, condition: &Condition, sent: &HeaderMap) -> Result<(), String> {
        let Condition::Exactly(fields) = condition else { return Ok(()) };
        self.fields(fields, sent).map_err(|why| format!("the origin was asked with {why}"))?;
        let known = |name: &str| fields.iter().chain(&call.headers).any(|(known, _)| known.eq_ignore_ascii_case(name));
        match CONDITIONS.iter().find(|name| sent.contains_key(**name) && !known(name)) {
            Some(name) => Err(format!("the origin was asked with {name}: {:?}", sent[*name])),
            None => Ok(()),
        }
    }

    /// Whether these fields are what `headers` have under their names.
    fn fields(&self, fields: &[Field], headers: &HeaderMap) -> Result<(), String> {
        for (name, _) in fields {
            let same = |field: &&Field| field.0.eq_ignore_ascii_case(name);
            let expected: Vec<_> = fields.iter().filter(same).map(|(name, value)| self.value(name, value)).collect();
            let found: Vec<_> = headers.get_all(*name).iter().map(|value| value.to_str().unwrap_or("?")).collect();
            if found != expected {
                return Err(format!("{name}: {found:?} in place of {expected:?}"));
            }
        }
        Ok(())
    }

    /// What the caller must get, and whether that was kept.
    fn expected(&self, call: &Call, text: &str) -> (Expected, bool) {
        let kept = self.kept.get(&self.target(call)).cloned();
        let (own, from_cache) = match &call.origin {
            Origin::Asked(answer, _) if answer.status != Some(304) => {
                let kept = call.caller.as_ref().is_some_and(|caller| caller.stale);
                (answer.status.map(|status| (status, text.to_owned())), kept)
            }
            _ => (kept, !matches!(call.origin, Origin::Asked(..))),
        };
        let stale = matches!(call.origin, Origin::Behind(..));
        let expected = match &call.caller {
            Some(Message { status: None, .. }) => Expected { answer: None, stale },
            Some(caller) => {
                let status = caller.status.unwrap_or_default();
                let text = caller.text.map(str::to_owned).or(own.map(|(_, text)| text));
                Expected { answer: Some((status, text)), stale: caller.stale }
            }
            None => Expected { answer: own.map(|(status, text)| (status, Some(text))), stale },
        };
        (expected, from_cache)
    }

    fn compare(
        &self,
        call: &Call,
        got: &Result<Got, restwalk::Error>,
        expected: &Expected,
        from_cache: bool,
    ) -> Result<(), String> {
        let (got, status, text) = match (got, &expected.answer) {
            (Err(_), None) => return Ok(()),
            (Ok(got), Some((status, text))) => (got, *status, text.as_deref().unwrap_or_default()),
            (got, _) => return Err(format!("the caller got {got:?}")),
        };
        let text = if call.method == "HEAD" || matches!(status, 204 | 304) { "" } else { text };
        if (got.status, got.text.as_str()) != (status, text) {
            return Err(format!("the caller got {} {:?} in place of {status} {text:?}", got.status, got.text));
        }
        let validated = matches!(&call.origin, Origin::Asked(answer, _) if answer.status == Some(304)) && status != 304;
        if (got.from_cache, got.stale) != (from_cache || validated, expected.stale) {
            return Err(format!("said to be from the cache: {}, stale: {}", got.from_cache, got.stale));
        }
        let asked = matches!(call.origin, Origin::Asked(..));
        if asked != (got.attempts > 0) {
            return Err(format!("said to be of {} attempts", got.attempts));
        }
        if from_cache && !got.headers.contains_key("age") {
            return Err("what is given again has no Age".to_owned());
        }
        let Some(caller) = &call.caller else { return Ok(()) };
        self.fields(&caller.headers, &got.headers).map_err(|why| format!("the caller got {why}"))?;
        match caller.absent.iter().find(|name| got.headers.contains_key(**name)) {
            Some(name) => Err(format!("the caller got {name}: {:?}", got.headers[*name])),
            None => Ok(()),
        }
    }

    /// What an origin answers to a GET is what is kept next, as far as rows leave out what they expect.
    fn remember(&mut self, call: &Call, got: &Result<Got, restwalk::Error>) {
        if let (Origin::Asked(..), "GET", Ok(got)) = (&call.origin, call.method, got) {
            self.kept.insert(self.target(call), (got.status, got.text.clone()));
        }
    }
}

struct Expected {
    /// `None` where the call must fail.
    answer: Option<(u16, Option<String>)>,
    stale: bool,
}

#[derive(Debug)]
struct Got {
    status: u16,
    headers: HeaderMap,
    text: String,
    from_cache: bool,
    stale: bool,
    attempts: u32,
}

fn mode(name: Option<&str>) -> CacheMode {
    match name {
        None => CacheMode::Default,
        Some("no-store") => CacheMode::NoStore,
        Some("reload") => CacheMode::Reload,
        Some("no-cache") => CacheMode::NoCache,
        Some("force-cache") => CacheMode::ForceCache,
        Some("only-if-cached") => CacheMode::OnlyIfCached,
        Some(other) => panic!("{other} is no mode"),
    }
}
