//! People who sign in at a real, certified provider: by a device, by a browser, and out again.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
};

use restwalk::{Client, OAuth2, Registration, Session, SignIn};
use serde_json::json;

use crate::support::{
    builder,
    provider::{Provider, SECRET},
};

fn client(provider: &Provider, service: OAuth2) -> Client {
    builder(&provider.resource()).auth(service.stored()).build().unwrap()
}

fn confidential(provider: &Provider) -> OAuth2 {
    OAuth2::issuer(provider.url()).client("confidential", SECRET).scopes(["openid", "read"])
}

/// Does what a browser does, up to the page that the listener shows.
fn browse(provider: &Provider, url: &str) -> String {
    let back: http::Uri = provider.browse(url).parse().unwrap();
    let host = back.authority().unwrap().as_str();
    let mut stream = TcpStream::connect(("127.0.0.1", back.port_u16().unwrap())).unwrap();
    write!(stream, "GET {} HTTP/1.1\r\nhost: {host}\r\n\r\n", back.path_and_query().unwrap()).unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page
}

fn browser(provider: &Arc<Provider>) -> SignIn {
    let provider = Arc::clone(provider);
    SignIn::authorization_code(move |url| {
        assert!(browse(&provider, url).starts_with("HTTP/1.1 200"));
        Ok(())
    })
}

async fn subject(session: &Session) -> serde_json::Value {
    session.claims().await.unwrap().unwrap()["sub"].clone()
}

#[tokio::test]
async fn o42_a_person_signs_in_by_a_browser_at_a_real_provider() {
    let provider = Arc::new(Provider::start());
    let public = OAuth2::issuer(provider.url()).public_client("public").scopes(["openid", "read"]);
    for service in [public, confidential(&provider)] {
        let client = client(&provider, service);
        let session = client.auth().unwrap();
        session.sign_in(browser(&provider)).await.unwrap();
        assert_eq!(subject(&session).await, "ada", "the ID token was checked");
        assert_eq!(session.user_info().await.unwrap()["sub"], "ada");
        client.path("needs/read").get().send().await.unwrap();
        session.invalidate();
        client.path("needs/read").get().send().await.unwrap();
    }
    let counts = provider.counts();
    assert_eq!((counts.redeemed("authorization_code"), counts.redeemed("refresh_token"), counts.reuse()), (2, 2, 0));
    provider.browser(&json!({"deny": true}));
    let error =
        client(&provider, confidential(&provider)).auth().unwrap().sign_in(browser(&provider)).await.unwrap_err();
    assert_eq!(error.code(), "auth.denied");
    assert!(error.to_string().contains("access_denied"), "{error}");
}

#[tokio::test]
async fn o50_a_person_signs_a_device_in_at_a_real_provider() {
    let provider = Arc::new(Provider::with(&[("PROVIDER_INTERVAL", "1")]));
    for confirm in [true, false] {
        let client =
            client(&provider, OAuth2::issuer(provider.url()).public_client("device").scopes(["openid", "read"]));
        let session = client.auth().unwrap();
        let person = Arc::clone(&provider);
        let device = SignIn::device(move |prompt| {
            assert!(prompt.verification_uri.ends_with("/device") && prompt.verification_uri_complete.is_some());
            if confirm {
                person.confirm_device(&prompt.user_code, "bob");
            } else {
                person.deny_device(&prompt.user_code);
            }
            Ok(())
        });
        match session.sign_in(device).await {
            Ok(()) => {
                assert!(confirm && subject(&session).await == "bob");
                client.path("needs/read").get().send().await.unwrap();
            }
            Err(error) => assert!(!confirm && error.code() == "auth.denied", "{error}"),
        }
    }
    assert_eq!(provider.counts().redeemed("urn:ietf:params:oauth:grant-type:device_code"), 1);
}

#[tokio::test]
async fn o53_a_code_that_nobody_enters_ends_at_a_real_provider() {
    let provider = Provider::with(&[("PROVIDER_INTERVAL", "1"), ("PROVIDER_DEVICE_TTL", "2")]);
    let session = client(&provider, OAuth2::issuer(provider.url()).public_client("device")).auth().unwrap();
    let error = session.sign_in(SignIn::device(|_| Ok(()))).await.unwrap_err();
    assert_eq!(error.code(), "auth.expired");
    assert!(provider.counts().arrived() >= 1);
}

#[tokio::test]
async fn o34_signing_out_at_a_real_provider_ends_both_tokens() {
    let provider = Provider::start();
    let client = client(&provider, confidential(&provider));
    let session = client.auth().unwrap();
    session.sign_in(SignIn::refresh_token(provider.grant("ada"))).await.unwrap();
    let token = session.token().await.unwrap();
    assert_eq!((&session.introspect().await.unwrap()["active"], token.scope().is_some()), (&json!(true), true));
    client.path("needs/read").get().send().await.unwrap();
    assert!(session.logout().await.unwrap().is_complete());
    assert_eq!(client.path("needs/read").get().await.unwrap_err().code(), "auth.required");
    let stale = builder(&provider.resource()).auth(restwalk::Auth::bearer(token.expose())).build().unwrap();
    assert_eq!(stale.path("needs/read").get().await.unwrap_err().code(), "auth.denied", "it is revoked there too");
}

#[tokio::test]
async fn w76_a_client_registers_with_a_real_provider_and_signs_in() {
    let provider = Arc::new(Provider::start());
    let anybody = builder(&provider.resource()).build().unwrap();
    let registration = Registration::issuer(provider.url())
        .name("tool")
        .native()
        .redirect_uris(["http://127.0.0.1/callback"])
        .grant_types(["authorization_code", "refresh_token"])
        .response_types(["code"]);
    let registered = anybody.register(registration).await.unwrap();
    let service = || {
        let secret = registered.client_secret.clone().unwrap();
        OAuth2::issuer(provider.url()).client(&registered.client_id, secret).scopes(["openid", "read"])
    };
    let (before, after) = (client(&provider, service()), client(&provider, service()));
    before.auth().unwrap().sign_in(browser(&provider)).await.unwrap();
    assert_eq!(subject(&before.auth().unwrap()).await, "ada");
    registered.delete().await.unwrap();
    let error = after.auth().unwrap().sign_in(SignIn::refresh_token("any")).await.unwrap_err();
    assert_eq!(error.code(), "auth.denied");
    assert!(error.to_string().contains("invalid_client"), "{error}");

    let strange = Registration::issuer(provider.url()).redirect_uris(["no URI"]);
    let error = anybody.register(strange).await.unwrap_err();
    assert!(error.to_string().contains("redirect_uri"), "{error}");
}
