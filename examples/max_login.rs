//! A MAX client that signs a user in by name and password, at the OAuth server that the MAX server itself names.
//!
//! The provider is a real one: `bash scripts/provider` installs it.

use restwalk::{Client, Discover, OAuth2, Result, SignIn, Value};

#[path = "../tests/suite/support/provider.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod provider;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let provider = provider::Provider::start();
    let server = provider.resource();

    // The server's public settings say where its users sign in.
    let oauth_server = Discover::document("/info").pointer("/max/oauth_server").suffix("/token");
    let token_url = oauth_server.find(&Client::builder(&server).build()?).await?;
    println!("sign-in at the server's own OAuth server: {}", token_url == provider.token_url());

    // A user's token goes out in three headers; the scope and the form are those of MAX.
    let max = OAuth2::token_url(token_url)
        .public_client("MAX")
        .scopes(["widgetcli"])
        .extra("bypass", "true")
        .account("ada")
        .headers([("X-Oauth-Token", "{token}"), ("X-Oauth-Username", "{actor}"), ("X-Oauth-Scope", "widgetcli")]);
    let client = Client::builder(&server).auth(max.stored()).build()?;
    let error = client.res("people").item("ada").get().await.unwrap_err();
    println!("before: {} ({})", error, error.code());

    let session = client.auth()?;
    let error = session.sign_in(SignIn::password("ada", "not it")).await.unwrap_err();
    println!("a wrong password: {}", error.code());
    session.sign_in(SignIn::password("ada", provider::PASSWORD)).await?;
    let person: Value = client.res("people").item("ada").get().await?;
    println!("after: {} by {}", person["user"], person["scheme"]);

    let left = session.logout().await?;
    let error = client.res("people").item("ada").get().await.unwrap_err();
    println!("signed out, all done: {}; then {}", left.is_complete(), error.code());
    Ok(())
}
