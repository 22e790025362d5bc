//! The sign-ins of WIPAC's clients: a bearer token, client credentials, a device, and a device that is remembered.
//!
//! The provider is a real one: `bash scripts/provider` installs it.

use std::sync::Arc;

use provider::{Provider, SECRET};
use restwalk::{Auth, Client, OAuth2, Result, Retries, Retry, TokenStore, Value};

#[path = "../tests/suite/support/provider.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod provider;

/// A client of the API with WIPAC's retries.
fn client(provider: &Provider, auth: Auth) -> Result<Client> {
    let retry = Retry::wipac(Retries::Count(10), std::time::Duration::from_secs(60), 0.3);
    Client::builder(provider.resource()).retry(retry).auth(auth).build()
}

async fn who(client: &Client) -> Result<String> {
    let me: Value = client.res("me").get().await?;
    Ok(me["user"].as_str().or(me["client"].as_str()).unwrap_or_default().to_owned())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let provider = Arc::new(Provider::start());

    // A service signs itself in; a thousand tasks would make the one token request that one does.
    let service = OAuth2::issuer(provider.url()).client("service", SECRET).client_credentials();
    let client_of_service = client(&provider, service)?;
    println!("client credentials: {}", who(&client_of_service).await?);
    let token = client_of_service.auth()?.token().await?;
    println!("the same token by hand: {}", who(&client(&provider, Auth::bearer(token.expose()))?).await?);

    // A person signs in elsewhere; here the provider's own side plays the person who types the code.
    let folder = std::env::temp_dir().join(format!("restwalk-wipac-{}", std::process::id()));
    let store = TokenStore::file(folder.join("tokens.json"));
    let asked = Arc::clone(&provider);
    let device = OAuth2::wipac(provider.url()).public_client("device").scopes(["openid"]).store(&store);
    let first = client(
        &provider,
        device.clone().device(move |prompt| {
            println!("device: a code of {} characters to type", prompt.user_code.len());
            asked.confirm_device(&prompt.user_code, "ada");
            Ok(())
        }),
    )?;
    println!("device: {}", who(&first).await?);

    // The next run finds the sign-in in the file and asks nobody; its refresh token is rotated with each use.
    let second = client(&provider, device.stored())?;
    println!("saved device: {}", who(&second).await?);
    second.auth()?.invalidate();
    println!("renewed: {}, reuse seen by the provider: {}", who(&second).await?, provider.counts().reuse());
    std::fs::remove_dir_all(folder).unwrap_or_default();
    Ok(())
}
