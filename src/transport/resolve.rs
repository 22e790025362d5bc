//! Names to addresses, by the caller's own rule.

use std::{io, net::SocketAddr};

use crate::body::BoxFuture;

/// Gives the addresses of host names, in place of the system's resolver.
///
/// It is asked once for each new connection; an IP address in a URL needs no resolver.
/// TLS checks the URL's host, whatever the addresses are.
///
/// ```
/// use std::net::{Ipv4Addr, SocketAddr};
///
/// use restwalk::{BoxFuture, Client, Resolve};
///
/// struct Here;
///
/// impl Resolve for Here {
///     fn resolve(&self, _host: String) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> {
///         Box::pin(async { Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))]) })
///     }
/// }
///
/// let client = Client::builder("http://api.example.com:8080").resolver(Here).build()?;
/// # Ok::<(), restwalk::Error>(())
/// ```
pub trait Resolve: Send + Sync + 'static {
    /// The addresses of `host`, the best first; of more than 64 the rest is left out.
    ///
    /// A port in the URL goes before an address's own; a port of 0 is the scheme's.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] says that the name has no address, and the call is not tried again;
    /// any other kind is a failure that may pass.
    fn resolve(&self, host: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;
}

#[cfg(feature = "http")]
pub(super) use bounded::Bounded;

#[cfg(feature = "http")]
mod bounded {
    use std::{io, sync::Arc};

    use reqwest::dns::{Addrs, Name, Resolving};

    use super::Resolve;

    /// How many addresses of an answer are used.
    const MOST: usize = 64;

    /// A resolver as reqwest wants it, with an end to what it may answer.
    pub(in crate::transport) struct Bounded(pub(in crate::transport) Arc<dyn Resolve>);

    impl reqwest::dns::Resolve for Bounded {
        fn resolve(&self, name: Name) -> Resolving {
            let addresses = self.0.resolve(name.as_str().to_owned());
            Box::pin(async move {
                let mut addresses = addresses.await?;
                if addresses.is_empty() {
                    return Err(io::Error::new(io::ErrorKind::NotFound, "the resolver gives no address").into());
                }
                addresses.truncate(MOST);
                Ok(Box::new(addresses.into_iter()) as Addrs)
            })
        }
    }
}
