//! The Secret Service of the free desktops, over D-Bus: GNOME Keyring, `KWallet`, `KeePassXC`.
//!
//! Each operation has a connection of its own, since they are rare and a connection would be bound to one runtime.
//! Secrets are encrypted on the bus too.

use std::collections::HashMap;

use secret_service::{EncryptionType, Error, SecretService};
use zeroize::Zeroizing;

use super::{Item, Trouble};

pub(super) async fn get(item: &Item<'_>) -> Result<Option<Zeroizing<Vec<u8>>>, Trouble> {
    let service = SecretService::connect(EncryptionType::Dh).await.map_err(absent)?;
    let found = service.search_items(attributes(item)).await?;
    let secret = match (found.unlocked.first(), found.locked.first()) {
        (Some(open), _) => open.get_secret().await?,
        (None, Some(locked)) => {
            locked.unlock().await?;
            locked.get_secret().await?
        }
        (None, None) => return Ok(None),
    };
    Ok(Some(Zeroizing::new(secret)))
}

pub(super) async fn set(item: &Item<'_>, secret: &[u8]) -> Result<(), Trouble> {
    let service = SecretService::connect(EncryptionType::Dh).await.map_err(absent)?;
    let collection = service.get_default_collection().await.map_err(absent)?;
    if collection.is_locked().await? {
        collection.unlock().await?;
    }
    collection.create_item(&item.label, attributes(item), secret, true, "application/json").await?;
    Ok(())
}

/// By what an item is found, here and by `secret-tool search`.
fn attributes<'a>(item: &'a Item<'_>) -> HashMap<&'a str, &'a str> {
    HashMap::from([("service", item.service), ("username", item.account.as_str())])
}

fn absent(error: Error) -> Trouble {
    match error {
        Error::Locked | Error::Prompt | Error::PromptDisconnected => Trouble::Locked(error.into()),
        error => Trouble::Absent(error.into()),
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::Locked | Error::Prompt | Error::PromptDisconnected => Self::Locked(error.into()),
            Error::Unavailable => Self::Absent(error.into()),
            error => Self::Failed(error.into()),
        }
    }
}
