//! The keychain of macOS and the credential manager of Windows, which programs wait for: so a thread does.

use std::sync::Arc;

use keyring_core::{Entry, Error, api::CredentialStoreApi};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::{Item, Trouble};

pub(super) async fn get(item: &Item<'_>) -> Result<Option<Zeroizing<Vec<u8>>>, Trouble> {
    on(item, |entry| match entry.get_secret() {
        Ok(secret) => Ok(Some(Zeroizing::new(secret))),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(error),
    })
    .await
}

pub(super) async fn set(item: &Item<'_>, secret: &[u8]) -> Result<(), Trouble> {
    // These show service and account, and no words of ours.
    let _ = &item.label;
    let secret = Zeroizing::new(secret.to_vec());
    on(item, move |entry| entry.set_secret(&secret)).await
}

/// Does `work` on a thread of its own, which nobody waits for when it hangs.
async fn on<T: Send + 'static>(
    item: &Item<'_>,
    work: impl FnOnce(Entry) -> Result<T, Error> + Send + 'static,
) -> Result<T, Trouble> {
    let (service, account) = (item.service.to_owned(), item.account.clone());
    let (done, waiting) = oneshot::channel();
    std::thread::spawn(move || {
        let entry = store().and_then(|store| store.build(&service, &account, None));
        // Whoever waited may have left.
        let _ = done.send(entry.and_then(work));
    });
    match waiting.await {
        Ok(done) => done.map_err(Trouble::from),
        Err(died) => Err(Trouble::Failed(died.into())),
    }
}

#[cfg(target_os = "macos")]
fn store() -> Result<Arc<dyn CredentialStoreApi + Send + Sync>, Error> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(target_os = "windows")]
fn store() -> Result<Arc<dyn CredentialStoreApi + Send + Sync>, Error> {
    Ok(windows_native_keyring_store::Store::new()?)
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::TooLong(_, most) => Self::Large(usize::try_from(most).unwrap_or(usize::MAX)),
            Error::NoStorageAccess(_) => Self::Locked(error.into()),
            Error::NoDefaultStore => Self::Absent(error.into()),
            // The others may quote what they read.
            Error::BadEncoding(_) | Error::BadDataFormat(..) => Self::Failed("the item holds no text".into()),
            error => Self::Failed(error.into()),
        }
    }
}
