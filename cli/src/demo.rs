//! A service with state that answers the routes of any catalog, for trying things out.
//!
//! Nothing of it is written route by route: a route that ends in a literal is a collection, one that ends in a
//! variable is an item, and one that takes files is a place for one file. What was made at one route is found at
//! all those of its name whose variables it has: `/people/ada/activities` makes what `/activities` lists too.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, Method, Request, StatusCode, header};
use restwalk::{Catalog, Client};
use tokio::{sync::Semaphore, time::timeout};

mod act;
mod condition;
mod content;
mod give;
mod listing;
mod name;
mod problem;
mod range;
mod routes;
mod seed;
mod serve;
mod stamp;
mod store;
mod tour;

use content::Content;
use problem::{Problem, Style};
use routes::{Place, Routes};
pub use serve::Served;
use store::Store;
pub(crate) use tour::tour;

/// The environment in which calls go to the demo service.
pub(crate) const NAME: &str = "demo";
/// Who acts in it.
pub(crate) const ACTOR: &str = "user.name";

/// How many bodies are read at once; the others wait.
const AT_ONCE: usize = 16;
/// How long a body may take to come.
const SLOWEST: Duration = Duration::from_secs(20);

/// A service in memory that answers a catalog's routes.
///
/// | route | answers |
/// |---|---|
/// | ends in a literal | GET lists, by `limit` and `offset`, `page`, `before` or `after`, with a `Link` to the next page; HEAD counts; POST adds and names the place; PUT of an array makes or replaces members; DELETE removes all |
/// | ends in a variable | GET; PUT makes or replaces; PATCH merges; DELETE removes; POST makes what is not there |
/// | takes files | POST and PUT keep a file, by form or as it is; GET gives it, or a range of it |
///
/// What it holds has an `ETag` and heeds conditions. Refusals have the names that the catalog's `error_message`
/// looks for. A body has at most 16 MiB, 16 are read at once, and 10,000 things or 256 MiB are held. Clones share their things.
///
/// ```
/// use restwalk::{Catalog, Client, block_on, json};
/// use restwalk_cli::demo::Demo;
///
/// let demo = Demo::new(&Catalog::embedded(), std::time::SystemTime::now)?;
/// let client = Client::local(demo.router()).catalog(Catalog::embedded()).actor("ada").build()?;
/// let made = client.path("people/ada/activities").post().set("object.content", "Hi").send_blocking()?;
/// assert_eq!(made.status(), 201);
/// assert!(made.headers()["location"].to_str()?.starts_with("/activities/"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Demo(Arc<Inner>);

struct Inner {
    routes: Routes,
    store: Mutex<Store>,
    clock: Box<dyn Fn() -> SystemTime + Send + Sync>,
    /// The turns of bodies that are being read.
    uploads: Semaphore,
    style: Style,
    count_header: Option<HeaderName>,
    /// Knows what the catalog makes of an item, such as the hash of a URL; it sends nothing.
    walker: Client,
}

/// A request whose route was found.
struct Asked<'a> {
    place: Place<'a>,
    method: Method,
    headers: HeaderMap,
    query: String,
}

impl Demo {
    /// A service of `catalog` with a few things to look at; `clock` tells the time of what is made.
    ///
    /// # Errors
    /// `Catalog` for one that cannot be walked.
    pub fn new(catalog: &Catalog, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> restwalk::Result<Self> {
        let inner = Inner {
            routes: Routes::new(catalog),
            store: Mutex::default(),
            clock: Box::new(clock),
            uploads: Semaphore::new(AT_ONCE),
            style: Style::of(catalog.error_message()),
            count_header: catalog.count_header().parse().ok(),
            walker: Client::local(Router::<()>::new()).catalog(catalog.clone()).build()?,
        };
        inner.seed(catalog);
        Ok(Self(Arc::new(inner)))
    }

    /// The service, for `Client::local` or a server.
    pub fn router(&self) -> Router {
        let limit = DefaultBodyLimit::max(content::LARGEST);
        Router::new().fallback(answer).layer(limit).with_state(self.clone())
    }
}

async fn answer(State(demo): State<Demo>, request: Request<Body>) -> Response {
    demo.0.answer(request).await.unwrap_or_else(|problem| problem.response(&demo.0.style))
}

impl Inner {
    async fn answer(&self, request: Request<Body>) -> Result<Response, Problem> {
        let place = self.routes.find(request.uri().path())?;
        let method = request.method().clone();
        let methods: Vec<_> = place.route.methods.iter().map(Method::as_str).collect();
        let allow = methods.join(", ");
        if method == Method::OPTIONS {
            return Ok((StatusCode::NO_CONTENT, [(header::ALLOW, allow)]).into_response());
        }
        if !place.route.methods.contains(&method) {
            let text = format!("{method} is not one of the methods here: {allow}");
            return Err(Problem::new(405, "MethodNotAllowed", text).with(header::ALLOW, allow));
        }
        let (headers, query) = (request.headers().clone(), request.uri().query().unwrap_or_default().to_owned());
        let content = match method {
            Method::POST | Method::PUT | Method::PATCH => self.read(request).await?,
            _ => Content::default(),
        };
        let asked = Asked { place, method, headers, query };
        // One request after another: nothing of what follows waits.
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        self.act(&mut store, &asked, content)
    }

    /// Reads a body when it is its turn, so that those on their way are bounded too.
    async fn read(&self, request: Request<Body>) -> Result<Content, Problem> {
        let closed = |_| Problem::new(503, "Closed", "the service ends");
        let _turn = self.uploads.acquire().await.map_err(closed)?;
        let slow = |_| Problem::new(408, "TooSlow", format!("a body comes within {} s", SLOWEST.as_secs()));
        timeout(SLOWEST, Content::read(request)).await.map_err(slow)?
    }
}

impl fmt::Debug for Demo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Demo(service)")
    }
}
