//! What goes wrong in a TLS handshake: certificates that are not right, and peers that do not follow.

use tokio_rustls::rustls::{ServerConfig, version::TLS12};

use super::{
    authority::{Authority, Claims, SERVER},
    fault::Connection,
};

/// `handshake_failure`: no cipher in common.
pub const NO_CIPHER: u8 = 40;
/// `protocol_version`: no version in common, as a server of TLS 1.0 answers.
pub const NO_VERSION: u8 = 70;

/// The settings of a server of HTTP/1.1 whose certificate says `claims`.
pub fn http1(authority: &Authority, claims: &Claims) -> ServerConfig {
    speaking(authority, claims, &[b"http/1.1"])
}

/// The settings of a server that names `protocols` by ALPN.
pub fn speaking(authority: &Authority, claims: &Claims, protocols: &[&[u8]]) -> ServerConfig {
    let mut config = authority.config(claims, None);
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    config
}

/// A server that knows no later version than TLS 1.2.
pub fn old(authority: &Authority) -> ServerConfig {
    let mut config = authority.config_of(&SERVER, None, &[&TLS12]);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

/// Answers the client's hello by a fatal alert.
pub fn alert(connection: &mut Connection, what: u8) {
    connection.peek();
    connection.send(&[21, 3, 3, 0, 2, 2, what]);
    connection.finish();
}

/// Takes the client's hello and says nothing.
pub fn stall(connection: &mut Connection) {
    connection.hold();
}

/// Resets the connection on the client's hello.
pub fn reset(connection: &mut Connection) {
    connection.peek();
    connection.reset();
}
