//! Processes that renew one rotating refresh token, at a provider that notices a token that comes twice.

use std::{
    io::{Write, stdin},
    process::ChildStdin,
};

use restwalk::{Auth, Client, OAuth2};
use serde_json::{Value, json};

use super::*;
use crate::support::provider::{Provider, SECRET};

const TEST: &str = "tokens::renewing::a_process";

/// What the tests below run in processes of their own: it does what it is told, line by line, and answers each.
#[test]
fn a_process() {
    let Some(api) = inner("SUITE_API") else { return };
    let text = |name: &str| inner(name).unwrap();
    let auth = auth(&text("SUITE_TOKEN_URL"), text("SUITE_FILE"), &text("SUITE_ACCOUNT"), &text("SUITE_REFRESH"));
    let client = crate::support::builder(&api).auth(auth).build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!("answer: ready");
    for line in stdin().lines() {
        let answer = runtime.block_on(obeyed(&client, &line.unwrap()));
        println!("answer: {answer}");
    }
}

async fn obeyed(client: &Client, line: &str) -> String {
    let (word, number) = line.split_once(' ').unwrap_or((line, "1"));
    let session = client.auth().unwrap();
    if word == "forget" {
        session.invalidate();
    }
    let mut answers = BTreeMap::<String, u32>::new();
    for _ in 0..number.parse().unwrap() {
        let answer = match client.res("x").get().send().await {
            Ok(answer) => answer.status().as_u16().to_string(),
            Err(error) => error.code().to_owned(),
        };
        *answers.entry(answer).or_default() += 1;
    }
    let answers: Vec<_> = answers.into_iter().map(|(answer, times)| format!("{times} {answer}")).collect();
    answers.join(", ")
}

fn auth(token_url: &str, file: impl Into<PathBuf>, account: &str, refresh: &str) -> Auth {
    let server = OAuth2::token_url(token_url).client("confidential", SECRET).account(account);
    server.store(&TokenStore::file(file)).refresh_token(refresh)
}

/// A provider, and the file that the processes share.
struct Stage {
    provider: Provider,
    _home: TempDir,
    file: PathBuf,
    refresh: String,
}

/// One that talks to the provider's API as ada, or another.
struct Worker(Process, ChildStdin);

impl Stage {
    fn new(settings: &[(&str, &str)]) -> Self {
        let provider = Provider::with(settings);
        let (home, file) = home();
        let refresh = provider.grant("ada");
        Self { provider, _home: home, file, refresh }
    }

    fn worker(&self) -> Worker {
        self.worker_of("ada", &self.refresh)
    }

    fn worker_of(&self, account: &str, refresh: &str) -> Worker {
        let mut command = again(TEST, &self.file);
        command.env("SUITE_TOKEN_URL", self.provider.token_url()).env("SUITE_API", self.provider.resource());
        command.env("SUITE_ACCOUNT", account).env("SUITE_REFRESH", refresh).stdin(Stdio::piped());
        let mut process = Process::start(&mut command);
        let input = process.0.stdin.take().unwrap();
        let mut worker = Worker(process, input);
        assert_eq!(worker.answer(), "ready");
        worker
    }

    /// What the file holds.
    fn kept(&self) -> Value {
        serde_json::from_slice(&fs::read(&self.file).unwrap()).unwrap()
    }

    /// The record of ada's token.
    fn record(&self) -> Value {
        let kept = self.kept();
        let mut found = kept["tokens"].as_object().unwrap().values();
        found.find(|token| token["key"]["account"] == "ada").unwrap()["record"].clone()
    }

    /// Replaces the file, as another program would.
    fn edit(&self, edit: impl FnOnce(&mut Value)) {
        let mut kept = self.kept();
        edit(&mut kept);
        let beside = self.file.with_file_name("edited");
        fs::write(&beside, kept.to_string()).unwrap();
        fs::set_permissions(&beside, fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(&beside, &self.file).unwrap();
    }

    /// Changes the record of ada's token in the file.
    fn edit_record(&self, edit: impl FnOnce(&mut Value)) {
        self.edit(|kept| {
            let mut found = kept["tokens"].as_object_mut().unwrap().values_mut();
            edit(&mut found.find(|token| token["key"]["account"] == "ada").unwrap()["record"]);
        });
    }

    /// Lets the token's time be over, in the file as at the provider.
    fn age(&self) {
        self.edit_record(|record| record["expires_at"] = json!(1));
        self.provider.expire_all();
    }
}

impl Worker {
    fn tell(&mut self, line: &str) {
        writeln!(self.1, "{line}").unwrap();
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        loop {
            assert!(self.0.1.read_line(&mut line).unwrap() > 0, "it ended");
            if let Some((_, answer)) = line.split_once("answer: ") {
                return answer.trim().to_owned();
            }
            line.clear();
        }
    }

    fn ask(&mut self, line: &str) -> String {
        self.tell(line);
        self.answer()
    }

    /// Kills it, whatever it does.
    fn kill(self) {
        self.0.signal(Signal::KILL);
    }
}

#[test]
fn o10_eight_processes_redeem_each_rotating_token_once() {
    let stage = Stage::new(&[]);
    let mut workers: Vec<_> = (0..8).map(|_| stage.worker()).collect();
    for round in 0..100 {
        // Mostly its age says that the token is over; now and then the API does.
        let word = if round % 25 == 24 { "call" } else { "forget" };
        match round {
            0 => {}
            _ if word == "call" => stage.provider.expire_all(),
            _ => stage.age(),
        }
        for worker in &mut workers {
            worker.tell(word);
        }
        for worker in &mut workers {
            assert_eq!(worker.answer(), "1 200", "round {round}");
        }
    }
    let counts = stage.provider.counts();
    assert_eq!((counts.redeemed("refresh_token"), counts.arrived(), counts.reuse()), (100, 100, 0));
    assert_eq!(stage.record()["generation"], 100);
}

#[test]
fn d20_sixteen_processes_share_tokens_that_last_two_seconds() {
    let stage = Stage::new(&[("PROVIDER_ACCESS_TTL", "2")]);
    let mut workers: Vec<_> = (0..16).map(|_| stage.worker()).collect();
    for worker in &mut workers {
        worker.tell("call 400");
    }
    for worker in &mut workers {
        assert_eq!(worker.answer(), "400 200");
    }
    let counts = stage.provider.counts();
    assert_eq!((counts.reuse(), counts.refused("invalid_grant")), (0, 0));
    assert!(counts.redeemed("refresh_token") > 1, "it ended meanwhile");
    assert_eq!(stage.record()["generation"], counts.redeemed("refresh_token"));
}

#[test]
fn o11_a_kill_before_the_token_is_redeemed_costs_nothing() {
    let stage = Stage::new(&[]);
    stage.provider.faults(&json!([{"hold": "before", "status": 503}]));
    let mut first = stage.worker();
    first.tell("call");
    stage.provider.wait_for("arrived", 1);
    first.kill();
    assert_eq!(stage.worker().ask("call"), "1 200");
    let counts = stage.provider.counts();
    assert_eq!((counts.redeemed("refresh_token"), counts.reuse()), (1, 0));
}

#[test]
fn o11_a_kill_before_the_token_is_written_costs_one_more_try_and_a_sign_in() {
    let stage = Stage::new(&[]);
    assert_eq!(stage.worker().ask("call"), "1 200");
    let before = stage.record();
    stage.age();
    stage.provider.reset();
    stage.provider.faults(&json!([{"hold": "after"}]));
    let mut first = stage.worker();
    first.tell("call");
    stage.provider.wait_for("answered", 1);
    first.kill();
    assert_eq!(stage.record()["refresh_token"], before["refresh_token"], "nothing was written");

    assert_eq!(stage.worker().ask("call"), "1 auth.reauth");
    assert_eq!(stage.provider.counts().arrived(), 2, "it is tried once more");
    let after = stage.record();
    assert_eq!((&after["reauth_required"], &after["scope"]), (&json!(true), &before["scope"]));
    assert_eq!(after["refresh_token"], before["refresh_token"]);
    assert_eq!(stage.worker().ask("call"), "1 auth.reauth");
    assert_eq!(stage.provider.counts().arrived(), 2, "and not again");
}

#[test]
fn o11_a_kill_after_the_token_is_written_costs_nothing() {
    let stage = Stage::new(&[]);
    let mut first = stage.worker();
    assert_eq!(first.ask("call"), "1 200");
    first.kill();
    assert_eq!(stage.worker().ask("call"), "1 200");
    assert_eq!(stage.provider.counts().arrived(), 1);
}

/// The waiter's clock is its own, and goes on when nothing else is to be done.
#[test]
fn o12_while_a_process_is_stopped_a_token_that_is_good_is_used() {
    let stage = Stage::new(&[]);
    let mut first = stage.worker();
    assert_eq!(first.ask("call"), "1 200");
    let service = tower::service_fn(|request: http::Request<restwalk::WireBody>| async move {
        assert!(request.headers().contains_key("authorization"));
        Ok::<_, std::convert::Infallible>(http::Response::new(restwalk::WireBody::empty()))
    });
    let auth = auth(&stage.provider.token_url(), &stage.file, "ada", &stage.refresh);
    let client = Client::local(service).auth(auth).build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async { client.res("x").get().send().await.unwrap() });

    stage.provider.faults(&json!([{"hold": "before"}]));
    stage.provider.expire_all();
    first.tell("call");
    stage.provider.wait_for("arrived", 2);
    first.0.signal(Signal::STOP);
    runtime.block_on(async {
        tokio::time::advance(Duration::from_secs(3_550)).await;
        let asked = tokio::time::Instant::now();
        client.res("x").get().send().await.unwrap();
        assert_eq!(asked.elapsed(), Duration::ZERO, "it is due, and nobody waits for the next one");
        tokio::time::advance(Duration::from_secs(50)).await;
        let asked = tokio::time::Instant::now();
        let error = client.res("x").get().send().await.unwrap_err();
        assert_eq!(error.code(), "store.locked");
        assert!(asked.elapsed() <= Duration::from_secs(30), "{:?}", asked.elapsed());
    });
    first.0.signal(Signal::CONT);
    stage.provider.release();
    assert_eq!(first.answer(), "1 200");
    assert_eq!(stage.provider.counts().reuse(), 0);
}

#[test]
fn o13_a_newer_token_in_the_file_is_adopted_when_the_old_one_is_refused() {
    let stage = Stage::new(&[]);
    let mut worker = stage.worker();
    assert_eq!(worker.ask("call"), "1 200");
    stage.age();
    stage.provider.reset();
    stage.provider.faults(&json!([{"hold": "before", "status": 400, "body": r#"{"error":"invalid_grant"}"#}]));
    worker.tell("call");
    stage.provider.wait_for("arrived", 1);
    // Another program redeems the token, and knows of no lock.
    let old = stage.record()["refresh_token"].as_str().unwrap().to_owned();
    let form = [("grant_type", "refresh_token"), ("refresh_token", old.as_str())];
    let newer = stage.provider.form("/token", &form, Some(("confidential", SECRET))).json();
    stage.edit_record(|record| {
        record["generation"] = json!(7);
        record["access_token"] = newer["access_token"].clone();
        record["refresh_token"] = newer["refresh_token"].clone();
        record["expires_at"] = json!(9_999_999_999_999_u64);
    });
    stage.provider.release();
    assert_eq!(worker.answer(), "1 200");
    assert_eq!(stage.record()["generation"], 7);
    let counts = stage.provider.counts();
    assert_eq!((counts.arrived(), counts.reuse()), (2, 0));
}

#[test]
fn o14_a_refused_token_is_marked_for_all_processes() {
    let stage = Stage::new(&[]);
    let bob = stage.provider.grant("bob");
    assert_eq!(stage.worker().ask("call"), "1 200");
    assert_eq!(stage.worker_of("bob", &bob).ask("call"), "1 200");
    let (before, kept) = (stage.record(), stage.kept());
    stage.provider.revoke("ada");
    stage.provider.reset();
    for _ in 0..2 {
        assert_eq!(stage.worker().ask("forget"), "1 auth.reauth");
    }
    assert_eq!(stage.provider.counts().arrived(), 1);
    let after = stage.record();
    for name in ["refresh_token", "scope", "issued_at", "expires_at"] {
        assert_eq!(after[name], before[name], "{name}");
    }
    assert_eq!(after["reauth_required"], true);
    let bobs = |kept: &Value| {
        let mut found = kept["tokens"].as_object().unwrap().values();
        found.find(|token| token["key"]["account"] == "bob").unwrap().clone()
    };
    assert_eq!(bobs(&stage.kept()), bobs(&kept));
    assert_eq!(stage.worker_of("bob", &bob).ask("call"), "1 200");
}

#[test]
fn o16_a_lost_answer_is_asked_for_once_more() {
    let stage = Stage::new(&[]);
    stage.provider.faults(&json!([{"drop": "before"}]));
    assert_eq!(stage.worker().ask("call"), "1 200");
    let counts = stage.provider.counts();
    assert_eq!((counts.arrived(), counts.redeemed("refresh_token"), counts.reuse()), (2, 1, 0));
    // Where it was redeemed, a provider that is strict wants a person.
    stage.age();
    stage.provider.reset();
    stage.provider.faults(&json!([{"drop": "after"}]));
    assert_eq!(stage.worker().ask("call"), "1 auth.reauth");
    assert_eq!((stage.provider.counts().arrived(), stage.record()["reauth_required"].clone()), (2, json!(true)));
}

#[test]
fn o17_a_token_that_the_full_file_does_not_take_is_offered_again() {
    let stage = Stage::new(&[]);
    let mut worker = stage.worker();
    assert_eq!(worker.ask("call"), "1 200");
    let before = stage.record();
    stage.age();
    // Not a byte more fits, and what comes is longer than what is there.
    stage.edit_record(|record| record["scope"] = json!(""));
    let room = (1 << 20) - stage.kept().to_string().len() - r#","of another":"""#.len();
    stage.edit(|kept| kept["of another"] = json!("x".repeat(room)));
    for _ in 0..3 {
        assert_eq!(worker.ask("call"), "1 200");
    }
    assert_eq!(stage.record()["refresh_token"], before["refresh_token"], "the old file stays");
    stage.edit(|kept| kept["of another"] = Value::Null);
    let calls = (0..1_000).take_while(|_| stage.record()["generation"] == 1 && worker.ask("call") == "1 200");
    assert!(calls.count() < 1_000, "it is offered with each call");
    let after = stage.record();
    assert_eq!((&after["generation"], stage.provider.counts().reuse()), (&json!(2), 0));
    assert_ne!(after["refresh_token"], before["refresh_token"]);
    assert_eq!(stage.worker().ask("call"), "1 200");
    assert_eq!(stage.provider.counts().arrived(), 2);
}

#[test]
fn o18_accounts_in_one_file_are_renewed_side_by_side() {
    let stage = Stage::new(&[]);
    let locks = || fs::read_dir(stage.file.parent().unwrap()).unwrap().count();
    let mut ada = stage.worker();
    assert_eq!(ada.ask("call"), "1 200");
    // One whose lock is another: a file more is there.
    let mut others = (0..).map(|number| {
        let before = locks();
        let account = format!("bob{number}");
        let mut other = stage.worker_of(&account, &stage.provider.grant(&account));
        assert_eq!(other.ask("call"), "1 200");
        (locks() > before).then_some(other)
    });
    let mut bob = others.find_map(|other| other).unwrap();
    stage.provider.reset();
    stage.provider.expire_all();
    stage.provider.faults(&json!([{"hold": "before"}]));
    ada.tell("call");
    stage.provider.wait_for("arrived", 1);
    assert_eq!(bob.ask("call"), "1 200", "he does not wait for her");
    stage.provider.release();
    assert_eq!(ada.answer(), "1 200");
    for worker in [&mut ada, &mut bob] {
        assert_eq!(worker.ask("call"), "1 200");
    }
    let counts = stage.provider.counts();
    assert_eq!((counts.redeemed("refresh_token"), counts.reuse()), (2, 0));
    let kept = stage.kept();
    let generations = kept["tokens"].as_object().unwrap().values().map(|token| token["record"]["generation"].clone());
    assert_eq!(generations.filter(|generation| *generation == 2).count(), 2, "{kept}");
}
