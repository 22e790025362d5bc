//! Tokens in the keyring of the system, which keeps them sealed while nobody is signed in to the machine.
//!
//! A keyring has no locks that processes could hold: those of the file store stand in, beside no file.

use std::{env, fmt, path::PathBuf, time::Duration};

use sha2::{Digest, Sha256};

use super::{TokenBackend, TokenKey, TokenLock, TokenRecord, TokenStore};
use crate::{
    body::BoxFuture,
    error::{BoxError, Error, ErrorKind, Fault, Result},
    secret::hex,
};

#[cfg(any(target_os = "macos", target_os = "windows"))]
#[path = "keyring/native.rs"]
mod ring;
#[cfg(not(any(target_os = "macos", target_os = "windows")))]
#[path = "keyring/secret_service.rs"]
mod ring;

/// How long a keyring may take, a person's answer to its question included.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest record; some systems keep less, and say so.
const LARGEST: usize = 64 * 1024;

/// Keeps tokens in the keyring.
pub(super) struct Keyring {
    service: String,
    /// Whose locks keep processes apart; nothing is written there.
    locks: Result<TokenStore, Fault>,
}

/// Why a keyring did nothing.
#[derive(Debug)]
enum Trouble {
    /// There is none, or it cannot be reached.
    Absent(BoxError),
    /// It is locked, and nobody unlocked it.
    Locked(BoxError),
    /// It keeps no more than so many bytes.
    Large(usize),
    Failed(BoxError),
}

/// An item of the keyring: whose it is, and what people see of it.
struct Item<'a> {
    service: &'a str,
    account: String,
    label: String,
}

impl Keyring {
    pub(super) fn of(service: String) -> Self {
        let name = format!("keyring-{}", hex(&Sha256::digest(&service)[..8]));
        let locks = folder().map(|folder| TokenStore::file(folder.join(name)));
        Self { service, locks }
    }

    fn item(&self, key: &TokenKey) -> Item<'_> {
        let whose = ["client", "account"].map(|part| key.part(part).unwrap_or_default());
        let label = [&self.service, whose[0], whose[1]].join(" ");
        Item { service: &self.service, account: key.id(b"keyring"), label: label.trim_end().to_owned() }
    }

    async fn read(&self, key: &TokenKey) -> Result<Option<TokenRecord>> {
        let Some(secret) = patient(ring::get(&self.item(key))).await? else { return Ok(None) };
        let text = str::from_utf8(&secret).unwrap_or_default();
        TokenRecord::from_json(text).map(Some)
    }

    async fn write(&self, key: &TokenKey, record: &TokenRecord) -> Result<()> {
        let text = record.to_json();
        if text.expose().len() > LARGEST {
            return Err(told(Trouble::Large(LARGEST)));
        }
        // What does not read as a record is replaced by one.
        let kept = self.read(key).await.or_else(|error| if is_corrupt(&error) { Ok(None) } else { Err(error) })?;
        if kept.is_some_and(|kept| kept.generation >= record.generation) {
            return Err(super::outdated());
        }
        patient(ring::set(&self.item(key), text.expose().as_bytes())).await
    }
}

fn is_corrupt(error: &Error) -> bool {
    error.code() == "store.corrupt"
}

/// Where the locks are: for as long as somebody is signed in to the machine, or else where programs keep their state.
fn folder() -> Result<PathBuf, Fault> {
    let set = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = || set("XDG_STATE_HOME").or_else(|| Some(env::home_dir()?.join(".local/state")));
    set("XDG_RUNTIME_DIR").or_else(state).map(|folder| folder.join("restwalk")).ok_or_else(|| {
        let why = "there is no place for the locks of the keyring; set HOME or XDG_RUNTIME_DIR";
        Fault::new(ErrorKind::Store, "store.permission", why)
    })
}

/// Waits for a keyring, but not for ever: one that asks a person may never hear from them.
async fn patient<T>(work: impl Future<Output = Result<T, Trouble>>) -> Result<T> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done.map_err(told),
        Err(late) => Err(told(Trouble::Locked(late.into()))),
    }
}

/// What a trouble is called, and the way out.
fn told(trouble: Trouble) -> Error {
    let file = "keep tokens in a file (TokenStore::file)";
    let (code, why, source) = match trouble {
        Trouble::Absent(source) => {
            ("store.absent", format!("there is no keyring to be reached; start one, or {file}"), Some(source))
        }
        Trouble::Locked(source) => (
            "store.locked",
            format!("the keyring is locked, and nobody unlocked it; unlock it, or {file}"),
            Some(source),
        ),
        Trouble::Large(most) => {
            ("store.full", format!("the token is larger than the {most} bytes that the keyring keeps; {file}"), None)
        }
        Trouble::Failed(source) => {
            ("store.write", format!("the keyring did not do its work; try again, or {file}"), Some(source))
        }
    };
    let error = Error::coded(ErrorKind::Store, code, why);
    source.into_iter().fold(error, Error::with_source)
}

struct Held {
    keyring: Keyring,
    key: TokenKey,
    _turn: Box<dyn TokenLock>,
}

impl TokenBackend for Keyring {
    fn read<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Option<TokenRecord>>> {
        Box::pin(self.read(key))
    }

    fn lock<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Box<dyn TokenLock>>> {
        Box::pin(async move {
            let locks = self.locks.clone()?;
            let turn = locks.lock(key).await?;
            let keyring = Keyring { service: self.service.clone(), locks: Ok(locks) };
            Ok(Box::new(Held { keyring, key: key.clone(), _turn: turn }) as _)
        })
    }
}

impl TokenLock for Held {
    fn read(&mut self) -> BoxFuture<'_, Result<Option<TokenRecord>>> {
        Box::pin(self.keyring.read(&self.key))
    }

    fn write<'a>(&'a mut self, record: &'a TokenRecord) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.keyring.write(&self.key, record))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "keyring {}", self.service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d17_every_trouble_names_the_way_out() {
        let source = || BoxError::from("why");
        for (trouble, code) in [
            (Trouble::Absent(source()), "store.absent"),
            (Trouble::Locked(source()), "store.locked"),
            (Trouble::Large(4096), "store.full"),
            (Trouble::Failed(source()), "store.write"),
        ] {
            let error = told(trouble);
            assert_eq!((error.kind(), error.code()), (ErrorKind::Store, code));
            assert!(error.to_string().contains("TokenStore::file"), "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn d17_a_keyring_that_never_answers_counts_as_locked() {
        let error = patient(std::future::pending::<Result<(), Trouble>>()).await.unwrap_err();
        assert_eq!(error.code(), "store.locked");
    }

    #[test]
    fn s01_what_people_see_of_an_item_holds_no_secret() {
        let secret = crate::Secret::from("CNRY");
        let key = TokenKey::new([("client", "cli"), ("account", "ada"), ("scope", "read")], &[secret]);
        let keyring = Keyring::of("restwalk".to_owned());
        let item = keyring.item(&key);
        assert_eq!((item.label.as_str(), item.account.len()), ("restwalk cli ada", 64));
        assert_eq!(format!("{:?}", TokenStore::own(keyring)), "TokenStore(keyring restwalk)");
    }
}
