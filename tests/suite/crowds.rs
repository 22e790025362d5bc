//! Crowds at a real, certified provider: a thousand tasks, and the token requests that they make.

use restwalk::{Client, OAuth2, TokenStore};

use crate::support::{
    builder,
    provider::{Provider, SECRET},
};

async fn at_once(client: &Client, tasks: usize) {
    let call = || {
        let client = client.clone();
        tokio::spawn(async move { client.res("me").get().send().await.map(|_| ()) })
    };
    let calls: Vec<_> = (0..tasks).map(|_| call()).collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn o03_g20_a_thousand_tasks_make_one_request_at_a_real_provider() {
    let provider = Provider::start();
    let service = OAuth2::issuer(provider.url()).client("service", SECRET).client_credentials();
    let client =
        builder(&provider.resource()).limit(restwalk::Limit::new().concurrency(64)).auth(service).build().unwrap();
    at_once(&client, 1_000).await;
    assert_eq!((provider.counts().arrived(), provider.counts().redeemed("client_credentials")), (1, 1));
    // The provider takes the token back: a thousand calls meet a 401, or the token that follows.
    provider.expire_all();
    at_once(&client, 1_000).await;
    assert_eq!(provider.counts().arrived(), 2);
}

#[tokio::test]
async fn o08_a_thousand_tasks_of_two_clients_redeem_a_rotating_refresh_token_once_each_time() {
    let provider = Provider::start();
    let store = TokenStore::memory();
    let refresh = provider.grant("ada");
    let client = || {
        let service = OAuth2::token_url(provider.token_url()).client("confidential", SECRET).store(&store);
        let auth = service.refresh_token(refresh.as_str());
        builder(&provider.resource()).limit(restwalk::Limit::new().concurrency(64)).auth(auth).build().unwrap()
    };
    let (one, other) = (client(), client());
    for round in 1..=5 {
        tokio::join!(at_once(&one, 500), at_once(&other, 500));
        let counts = provider.counts();
        assert_eq!((counts.redeemed("refresh_token"), counts.reuse()), (round, 0));
        provider.expire_all();
    }
}
