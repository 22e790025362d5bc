//! The service behind a port of this machine.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use tokio::net::TcpListener;

use super::Demo;

/// A port that a demo listens on, and nobody but this machine reaches.
#[derive(Debug)]
pub struct Served {
    demo: Demo,
    listener: TcpListener,
    address: SocketAddr,
}

impl Demo {
    /// The port that is meant where none is given: that of the catalog's base URL, else 8081.
    pub fn usual_port(base_url: Option<&str>) -> u16 {
        let port = base_url.and_then(|url| url.parse::<http::Uri>().ok()).and_then(|uri| uri.port_u16());
        port.unwrap_or(8081)
    }

    /// Listens on `port` of 127.0.0.1; 0 takes any that is free.
    ///
    /// # Errors
    /// The port is taken or may not be used.
    pub async fn listen(self, port: u16) -> io::Result<Served> {
        let opened = async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
            let address = listener.local_addr()?;
            Ok(Served { demo: self, listener, address })
        };
        opened.await.map_err(|error: io::Error| {
            let why = match error.kind() {
                io::ErrorKind::AddrInUse => "is taken".to_owned(),
                io::ErrorKind::PermissionDenied => "may not be used".to_owned(),
                _ => format!("cannot be used: {error}"),
            };
            io::Error::new(error.kind(), format!("port {port} {why}; choose another one by --port"))
        })
    }
}

impl Served {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop` ends, and then what has begun.
    ///
    /// # Errors
    /// The port is lost.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        axum::serve(self.listener, self.demo.router()).with_graceful_shutdown(stop).await
    }
}
