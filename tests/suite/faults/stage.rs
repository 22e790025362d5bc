//! A fault as data, and the peer that plays it.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use restwalk::{BoxFuture, ClientBuilder, Resolve};

use crate::support::{
    self,
    authority::{Authority, Claims, SERVER},
    fault::{BlackHole, Connection, FaultServer, Unused},
    h2_fault::{self, Http2},
    tls_fault,
};

/// What a server says that is as it should be.
pub const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

/// The limit on the time for headers and for each piece of a body, where the fault is silence.
pub const PATIENCE: Duration = Duration::from_millis(150);

pub type Play = Arc<dyn Fn(&mut Connection) + Send + Sync>;

/// One fault.
pub struct Script {
    pub id: &'static str,
    /// The fault in words.
    pub fault: &'static str,
    /// Only a limit of the client's ends it.
    pub stalls: bool,
    pub peer: Peer,
}

/// Who misbehaves.
pub enum Peer {
    /// Nothing listens, at an address or at those of a name.
    Nobody(Option<Names>),
    /// Nothing answers who would connect, at an address or at those of a name.
    Nowhere(Option<Names>),
    /// A server; what it plays begins when a connection is made.
    Plain(Play),
    /// A server inside TLS that is as it should be.
    Secure(Play),
    /// A server whose certificate says this, and whether the client knows its authority.
    Certificate(Claims, bool),
    /// A server that is expected to speak TLS, and plays this.
    Handshake(Play),
    /// A server of HTTP/2, which has taken a request on this stream.
    Http2(&'static [(u16, u32)], fn(&mut Http2, u32)),
    /// A proxy of an `https:` server.
    Proxy(Play),
}

/// A peer that waits for its client.
pub struct Stage {
    server: Option<FaultServer>,
    url: String,
    names: Option<Names>,
    proxy: Option<String>,
    authority: Option<String>,
    http2: bool,
    stalls: bool,
    /// The fault comes when there is a connection.
    connects: bool,
    /// How long a client waits that meets silence.
    pub patience: Duration,
    _unused: Option<Unused>,
    _hole: Option<BlackHole>,
}

impl Script {
    /// Whether a connection can have answered before this fault.
    pub fn connects(&self) -> bool {
        matches!(self.peer, Peer::Plain(_) | Peer::Secure(_) | Peer::Http2(..))
    }

    /// Lifts the curtain. A connection that was `reused` has answered once before the fault, the first one only.
    pub fn stage(&self, reused: bool) -> Stage {
        let mut stage = Stage {
            server: None,
            url: String::new(),
            names: None,
            proxy: None,
            authority: None,
            http2: false,
            stalls: self.stalls,
            connects: self.connects(),
            patience: PATIENCE,
            _unused: None,
            _hole: None,
        };
        let server = match &self.peer {
            Peer::Nobody(names) => {
                let unused = Unused::new();
                stage.without_server(unused.address, names.as_ref());
                return Stage { _unused: Some(unused), ..stage };
            }
            Peer::Nowhere(names) => {
                let hole = BlackHole::at(SocketAddr::from(([127, 0, 0, 1], 0)));
                stage.without_server(hole.address, names.as_ref());
                return Stage { _hole: Some(hole), ..stage };
            }
            Peer::Plain(play) => FaultServer::start(after_a_good_one(reused, play)),
            Peer::Secure(play) => {
                let authority = stage.authority();
                FaultServer::tls(tls_fault::http1(&authority, &SERVER), after_a_good_one(reused, play))
            }
            Peer::Certificate(claims, true) => secure(&stage.authority(), claims),
            Peer::Certificate(claims, false) => {
                stage.authority();
                secure(&Authority::new(), claims)
            }
            Peer::Http2(settings, play) => stage.http2(reused, settings, *play),
            Peer::Handshake(play) | Peer::Proxy(play) => FaultServer::start(after_a_good_one(false, play)),
        };
        stage.url = server.url();
        match self.peer {
            Peer::Handshake(_) => stage.url = stage.url.replace("http:", "https:"),
            Peer::Proxy(_) => stage.proxy = Some(std::mem::replace(&mut stage.url, "https://api.invalid".into())),
            _ => {}
        }
        stage.server = Some(server);
        stage
    }
}

impl Stage {
    fn without_server(&mut self, address: SocketAddr, names: Option<&Names>) {
        self.url = match names {
            None => format!("http://{address}"),
            Some(_) => format!("http://api.invalid:{}", address.port()),
        };
        self.names = names.cloned();
    }

    /// A new authority, which the client knows.
    fn authority(&mut self) -> Authority {
        let authority = Authority::new();
        self.authority = Some(authority.pem.clone());
        authority
    }

    fn http2(&mut self, reused: bool, settings: &'static [(u16, u32)], play: fn(&mut Http2, u32)) -> FaultServer {
        self.http2 = true;
        // A handshake takes its time on a busy machine.
        self.patience *= 4;
        let config = tls_fault::speaking(&self.authority(), &SERVER, &[b"h2"]);
        FaultServer::tls(config, move |connection| {
            let first = reused && connection.number == 0;
            let Some(mut peer) = Http2::open(connection, settings) else { return };
            if first {
                let Some(stream) = peer.request() else { return };
                peer.answer(stream, b"{}");
            }
            let Some(stream) = peer.head() else { return };
            play(&mut peer, stream);
        })
    }

    /// The settings of a client that meets the fault.
    pub fn builder(&self) -> ClientBuilder {
        let mut builder = support::builder(&self.url).proxy(self.proxy.as_deref());
        if let Some(names) = &self.names {
            builder = builder.resolver(names.clone());
        }
        if let Some(pem) = &self.authority {
            builder = builder.ca_certificate(pem.clone());
        }
        match (self.stalls, self.connects) {
            (true, true) => builder.headers_timeout(self.patience).idle_timeout(self.patience),
            (true, false) => builder.connect_timeout(self.patience),
            (false, _) => builder.connect_timeout(Duration::from_secs(20)),
        }
    }

    /// How many requests came on each connection, whole or, over HTTP/2, begun.
    pub fn requests(&self) -> Vec<usize> {
        match &self.server {
            None => Vec::new(),
            Some(server) if self.http2 => h2_fault::requests(server),
            Some(server) => server.conversations().iter().map(Vec::len).collect(),
        }
    }

    /// Waits until all that a client sent is read; it must have gone.
    pub fn settle(&mut self) {
        if let Some(server) = &mut self.server {
            server.finish();
        }
    }
}

fn after_a_good_one(reused: bool, play: &Play) -> impl Fn(&mut Connection) + Send + Sync + 'static {
    let play = Arc::clone(play);
    move |connection| {
        if reused && connection.number == 0 {
            if connection.request().is_none() {
                return;
            }
            connection.send(GOOD);
        }
        play(connection);
    }
}

/// A resolver.
#[derive(Clone)]
pub enum Names {
    /// It gives these addresses.
    Found(Vec<SocketAddr>),
    /// It fails.
    Failing(io::ErrorKind),
    /// It never says anything.
    Silent,
}

impl Names {
    /// Every name is here, `times` over.
    pub fn here(times: usize) -> Self {
        Self::Found(vec![SocketAddr::from(([127, 0, 0, 1], 0)); times])
    }
}

impl Resolve for Names {
    fn resolve(&self, _: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let names = self.clone();
        Box::pin(async move {
            match names {
                Self::Found(addresses) => Ok(addresses),
                Self::Failing(kind) => Err(kind.into()),
                Self::Silent => std::future::pending().await,
            }
        })
    }
}

/// The settings of a client of `host` at the port of `server`, which trusts `authority`.
pub fn trusting(server: &FaultServer, host: &str, authority: &Authority) -> ClientBuilder {
    let url = format!("https://{host}:{}", server.port());
    support::builder(&url).resolver(Names::here(1)).ca_certificate(authority.pem.clone())
}

/// A server of HTTP/1.1 over TLS that answers well, by a certificate of `authority`.
pub fn secure(authority: &Authority, claims: &Claims) -> FaultServer {
    FaultServer::tls(tls_fault::http1(authority, claims), |connection| {
        while connection.request().is_some() {
            connection.send(GOOD);
        }
    })
}
