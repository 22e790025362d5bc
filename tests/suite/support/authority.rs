//! Certificates of any kind, made on the fly.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, date_time_ymd,
};
use tokio_rustls::rustls::{
    ALL_VERSIONS, RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::WebPkiClientVerifier,
};

/// A certificate authority made for one test.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
    der: CertificateDer<'static>,
}

/// What a certificate says.
pub struct Claims {
    pub name: &'static str,
    pub years: (i32, i32),
    pub usage: ExtendedKeyUsagePurpose,
}

pub const SERVER: Claims =
    Claims { name: "127.0.0.1", years: (2020, 2100), usage: ExtendedKeyUsagePurpose::ServerAuth };

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        let key = KeyPair::generate().unwrap();
        // Authorities of one name would be taken for one another until their signatures are checked.
        params.distinguished_name.push(DnType::CommonName, format!("{:02x?}", &key.public_key_raw()[..8]));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_before = date_time_ymd(2020, 1, 1);
        let certificate = params.self_signed(&key).unwrap();
        Self { pem: certificate.pem(), der: certificate.der().clone(), issuer: Issuer::new(params, key) }
    }

    /// A certificate and its key.
    pub fn issue(&self, claims: &Claims) -> (rcgen::Certificate, KeyPair) {
        let mut params = CertificateParams::new([claims.name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(claims.years.0, 1, 1);
        params.not_after = date_time_ymd(claims.years.1, 1, 1);
        params.extended_key_usages = vec![claims.usage.clone()];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// A server's settings under this authority; `clients` must show a certificate of theirs.
    pub fn config(&self, claims: &Claims, clients: Option<&Self>) -> ServerConfig {
        self.config_of(claims, clients, ALL_VERSIONS)
    }

    /// The same for a server that knows these versions of TLS only.
    pub fn config_of(
        &self,
        claims: &Claims,
        clients: Option<&Self>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> ServerConfig {
        let (certificate, key) = self.issue(claims);
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots.add(clients.der.clone()).unwrap();
                let provider = Arc::new(aws_lc_rs::default_provider());
                builder.with_client_cert_verifier(
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap(),
                )
            }
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config
    }
}
