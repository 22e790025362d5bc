//! D17: tokens in a real keyring, by processes that find it in their environment.

use std::{env, fs, path::Path, thread};

use restwalk::{Error, OAuth2, Result, Secret, TokenKey, TokenRecord, TokenStore, block_on};

use crate::support::{
    again, builder,
    canary::{canary, find},
    keyring::Keyring,
    provider::{Provider, SECRET},
};

fn key() -> TokenKey {
    TokenKey::new([("client", "cli"), ("account", "ada")], &[Secret::from(canary("client"))])
}

fn record(generation: u64, access: &str) -> TokenRecord {
    let text = format!(r#"{{"generation":{generation},"access_token":"{access}"}}"#);
    TokenRecord::from_json(&text).unwrap()
}

/// Writes a record, as a renewal does.
async fn write(record: &TokenRecord) -> Result<()> {
    let mut lock = TokenStore::keyring("restwalk tests").lock(&key()).await?;
    lock.read().await?;
    lock.write(record).await
}

fn read() -> Result<Option<TokenRecord>> {
    block_on(async { TokenStore::keyring("restwalk tests").read(&key()).await })?
}

/// Everything in the files of a folder.
fn files(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { files(&path) } else { text(&path) }).collect()
}

/// What a file holds; nothing where it is none, as a socket.
fn text(file: &Path) -> String {
    fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// Runs `name` in a process that is told to do `what` and finds `keyring`.
fn run(name: &str, what: &str, keyring: &[(&str, &str)]) {
    again(&format!("keyrings::{name}"), &[keyring, &[("SUITE_WHAT", what)]].concat());
}

#[test]
fn d17_a_keyring_keeps_tokens_for_other_processes_and_out_of_sight() {
    const NAME: &str = "d17_a_keyring_keeps_tokens_for_other_processes_and_out_of_sight";
    let secrets = ["access", "client"].map(canary);
    match env::var("SUITE_WHAT").as_deref() {
        Ok("write") => {
            assert!(read().unwrap().is_none());
            block_on(async {
                write(&record(1, &secrets[0])).await.unwrap();
                write(&record(2, &secrets[0])).await.unwrap();
                assert_eq!(write(&record(2, "late")).await.unwrap_err().code(), "store.outdated");
                let large = write(&record(3, &"x".repeat(100 << 10))).await.unwrap_err();
                assert_eq!(large.code(), "store.full", "{large}");
            })
            .unwrap();
        }
        Ok(_) => {
            let found = read().unwrap().unwrap();
            assert_eq!((found.generation, found.access_token.unwrap().expose()), (2, secrets[0].as_str()));
        }
        Err(_) => {
            let keyring = Keyring::start();
            run(NAME, "write", &keyring.variables());
            run(NAME, "read", &keyring.variables());
            let kept = files(keyring.folder());
            assert!(kept.contains("GnomeKeyring"), "its file is elsewhere");
            assert_eq!(find(&kept, &secrets), None);
        }
    }
}

#[test]
fn d17_a_keyring_that_is_locked_or_absent_is_told_and_nothing_else_is_used() {
    const NAME: &str = "d17_a_keyring_that_is_locked_or_absent_is_told_and_nothing_else_is_used";
    let told = |error: Error, code: &str| {
        assert_eq!(error.code(), code, "{error:?}");
        assert!(error.to_string().contains("TokenStore::file"), "{error}");
    };
    match env::var("SUITE_WHAT").as_deref() {
        Ok("write") => block_on(async { write(&record(1, &canary("access"))).await }).unwrap().unwrap(),
        Ok(code) => {
            told(read().unwrap_err(), code);
            told(block_on(async { write(&record(2, &canary("later"))).await }).unwrap().unwrap_err(), code);
        }
        Err(_) => {
            let keyring = Keyring::start();
            run(NAME, "write", &keyring.variables());
            keyring.lock();
            run(NAME, "store.locked", &keyring.variables());
            assert_eq!(find(&files(keyring.folder()), &["access", "later"].map(canary)), None);
            let nowhere = keyring.folder().join("nowhere");
            let bus = format!("unix:path={}", nowhere.display());
            let folder = ("XDG_RUNTIME_DIR", keyring.folder().to_str().unwrap());
            run(NAME, "store.absent", &[("DBUS_SESSION_BUS_ADDRESS", &bus), folder]);
            run(NAME, "store.absent", &[folder]);
        }
    }
}

/// A keyring has no locks of its own: these are the lock files beside it.
#[test]
fn o10_processes_over_one_keyring_redeem_each_refresh_token_once() {
    const NAME: &str = "o10_processes_over_one_keyring_redeem_each_refresh_token_once";
    if let Ok(what) = env::var("SUITE_WHAT") {
        let (issuer, first) = what.split_once(' ').unwrap();
        let store = TokenStore::keyring("restwalk tests");
        let token = OAuth2::token_url(format!("{issuer}/token")).client("confidential", SECRET).account("ada");
        let auth = token.store(&store).refresh_token(first);
        let client = builder(&format!("{issuer}/-/resource")).auth(auth).build().unwrap();
        block_on(async { client.res("x").get().send().await }).unwrap().unwrap();
        return;
    }
    let (keyring, provider) = (Keyring::start(), Provider::start());
    let what = format!("{} {}", provider.url(), provider.grant("ada"));
    for expiry in 1..=3 {
        thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| run(NAME, &what, &keyring.variables()));
            }
        });
        let counts = provider.counts();
        assert_eq!((counts.redeemed("refresh_token"), counts.reuse()), (expiry, 0));
        provider.expire_all();
    }
}
