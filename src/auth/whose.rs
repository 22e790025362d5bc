//! Whose the answers to requests with these credentials are, for a cache that keeps them.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use sha2::{Digest, Sha256};

use super::Sign;
use crate::{
    cache::Identity,
    error::Result,
    random,
    secret::{Secret, feed, hex},
};

/// Whose an answer is, or who has to be asked.
#[derive(Clone)]
pub(crate) enum Whose {
    /// Nobody's in particular (all zeros), or known by what is attached to every request.
    Known(Identity),
    /// The one whom the signer names. The number is the signer's own, what follows stands for what is attached besides.
    Ask(Arc<dyn Sign>, u64, Identity),
}

impl Whose {
    /// Whether nobody signs in.
    pub(crate) fn is_anybody(&self) -> bool {
        matches!(self, Self::Known(identity) if *identity == Identity::default())
    }

    /// The identity, where nobody has to be asked.
    pub(crate) fn known(&self) -> Option<Identity> {
        match self {
            Self::Known(identity) => Some(*identity),
            Self::Ask(..) => None,
        }
    }

    /// The identity; where the signer names none, one that only it has, and only as long as this process lives.
    ///
    /// # Errors
    /// Those of the signer, and `Request` where there is no randomness.
    pub(crate) async fn identity(&self) -> Result<Identity> {
        let (signer, number, fixed) = match self {
            Self::Known(identity) => return Ok(*identity),
            Self::Ask(signer, number, fixed) => (signer, number, fixed),
        };
        let mut hash = Sha256::new();
        feed(&mut hash, fixed);
        if let Some(named) = signer.identity().await? {
            feed(&mut hash, named.expose().as_bytes());
        } else {
            feed(&mut hash, &process()?);
            hash.update(number.to_be_bytes());
        }
        Ok(hash.finalize().into())
    }
}

impl fmt::Debug for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Known(identity) if *identity == Identity::default() => "Whose(anybody)",
            Self::Known(_) => "Whose(known)",
            Self::Ask(..) => "Whose(signer)",
        })
    }
}

/// A text that stands for `parts`, each with its name, and lets none of them be read.
pub(crate) fn named<'a>(parts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Secret {
    let mut hash = Sha256::new();
    for (name, part) in parts {
        feed(&mut hash, name.as_bytes());
        feed(&mut hash, part.as_bytes());
    }
    Secret::from(hex(&hash.finalize()))
}

/// A number of this process that no other process has.
pub(crate) fn process() -> Result<Identity> {
    static PROCESS: OnceLock<Identity> = OnceLock::new();
    if let Some(number) = PROCESS.get() {
        return Ok(*number);
    }
    let number = random::bytes()?;
    Ok(*PROCESS.get_or_init(|| number))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use futures_util::FutureExt;
    use http::{HeaderMap, HeaderValue, header::WWW_AUTHENTICATE};

    use super::{
        super::{Around, Auth, KeyCookie, Prepared},
        *,
    };
    use crate::{Body, BoxFuture, request::Base};

    fn prepared(fill: impl FnOnce(&mut Prepared)) -> Prepared {
        let mut prepared = Prepared::new(Base::parse("https://h", &[]).unwrap().origin());
        fill(&mut prepared);
        prepared
    }

    fn headers(headers: &[(&str, &str)]) -> Prepared {
        prepared(|it| headers.iter().for_each(|(name, value)| it.header(name, value).unwrap()))
    }

    fn identity(prepared: &Prepared) -> Identity {
        prepared.whose().identity().now_or_never().unwrap().unwrap()
    }

    #[derive(Debug)]
    struct Known(Option<&'static str>);

    impl Sign for Known {
        fn sign<'a>(&'a self, _: &'a mut http::Request<Body>) -> BoxFuture<'a, Result<()>> {
            Box::pin(std::future::ready(Ok(())))
        }

        fn identity(&self) -> BoxFuture<'_, Result<Option<Secret>>> {
            Box::pin(std::future::ready(Ok(self.0.map(Secret::from))))
        }
    }

    fn signed(number: u64, name: Option<&'static str>, header: &[(&str, &str)]) -> Prepared {
        let mut prepared = headers(header);
        prepared.signed_by(number, Arc::new(Known(name)));
        prepared
    }

    #[test]
    fn c01_no_two_credentials_are_one_identity() {
        let query = |name: &str, key: &str| prepared(|it| it.query = Some((name.into(), Secret::from(key))));
        let cookie =
            |name: &str, key: &str| prepared(|it| it.cookie = Some(KeyCookie::new(name, &Secret::from(key)).unwrap()));
        let all = [
            headers(&[]),
            headers(&[("authorization", "Bearer a")]),
            headers(&[("authorization", "Bearer b")]),
            headers(&[("x-key", "Bearer a")]),
            headers(&[("x-a", "b"), ("x-c", "d")]),
            headers(&[("x-a", "bx-c"), ("x-d", "")]),
            headers(&[("x-a", "b")]),
            headers(&[("x-a", "")]),
            query("key", "a"),
            query("ke", "ya"),
            query("x-a", "b"),
            cookie("key", "a"),
            cookie("ke", "ya"),
            signed(1, None, &[]),
            signed(2, None, &[]),
            signed(1, None, &[("x-a", "b")]),
            signed(1, Some("ada"), &[]),
            signed(1, Some("bob"), &[]),
            signed(1, Some(""), &[]),
            signed(1, Some("ada"), &[("x-a", "b")]),
        ];
        let identities: HashSet<_> = all.iter().map(identity).collect();
        assert_eq!(identities.len(), all.len());
    }

    #[test]
    fn c01_the_same_credentials_are_one_identity_in_every_process() {
        assert_eq!(identity(&headers(&[])), [0; 32], "nobody signs in");
        let bearer = identity(&headers(&[("authorization", "Bearer a")]));
        assert_eq!(bearer[..4], [0x41, 0x13, 0xa8, 0x7b], "what is kept on disk would be lost: {bearer:02x?}");
        assert_eq!(identity(&signed(1, Some("ada"), &[])), identity(&signed(2, Some("ada"), &[])));
        assert_eq!(identity(&signed(1, None, &[])), identity(&signed(1, None, &[])));
        assert!(matches!(headers(&[("x-a", "b")]).whose(), Whose::Known(_)), "it would be asked for in vain");
    }

    #[test]
    fn c06_digest_is_the_user_and_the_password_whatever_the_server_asks() {
        let of = |user: &str, password: &str| {
            let nobody = tower::service_fn(|_| async { Err::<http::Response<crate::WireBody>, _>("nobody is asked") });
            let transport: Arc<dyn crate::Transport> = Arc::new(crate::transport::Local::new(nobody));
            let base = Base::parse("https://h", &[]).unwrap();
            let around =
                Around { actor: None, origin: base.origin(), transport: &transport, headers: HeaderMap::new() };
            Auth::digest(user, password).prepare(&around).unwrap()
        };
        let ada = of("ada", "p");
        let before = identity(&ada);
        let challenge = HeaderValue::from_static("Digest realm=r, nonce=n, qop=auth");
        let answer = HeaderMap::from_iter([(WWW_AUTHENTICATE, challenge)]);
        let signer = ada.signer().unwrap();
        assert!(signer.refused(&HeaderMap::new(), &answer).now_or_never().unwrap().unwrap());
        assert_eq!(identity(&ada), before);
        assert_eq!(identity(&of("ada", "p")), before);
        assert!(identity(&of("ada", "q")) != before && identity(&of("bob", "p")) != before);
    }

    #[test]
    fn s01_an_identity_is_not_printed() {
        for prepared in [headers(&[("x-a", "CNRY")]), signed(1, Some("CNRY"), &[])] {
            let printed = format!("{:?}", prepared.whose());
            assert!(printed.len() < 20, "{printed}");
        }
        let text = named([("user", "CNRY")]);
        assert!(text.expose().len() == 64 && text.expose() != named([("use", "rCNRY")]).expose());
    }
}
