//! A listing page by page: each answer says where the next one is, and what it says passes the gate.

use std::{
    collections::HashSet,
    fmt,
    future::poll_fn,
    hash::{BuildHasher, RandomState},
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use http::{Method, Uri};

use super::{Call, Items};
use crate::{
    body::BoxFuture,
    catalog::Paginate,
    client::Client,
    error::{Error, Fault, Outcome, Result},
    redirect::gate,
    response::Response,
};

mod next;

/// How many pages are asked for unless told otherwise.
const MOST: usize = 1_000;

/// Why no further page comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// The last page was given: it names no next one.
    LastPage,
    /// There are more, and `max_pages` were given; [`Pages::resume`] tells where to go on.
    MaxPages,
    /// There are more, and `max_items` were given; [`Items::resume`] tells where to go on.
    MaxItems,
    /// An error was given; where [`Pages::resume`] has a token, the same page can be asked for again.
    Failed,
}

/// The pages of a listing, each asked for when it is taken.
///
/// The next page is where the `Link` header of the last one says, unless the catalog's `paginate` or [`Pages::by`]
/// has another way. It must be within the client's base URL, and is asked as a GET by the same call: same headers,
/// credentials, limits and retries. A page that comes again is an error, `redirect.loop`, and one elsewhere is
/// `redirect.cross_origin`.
///
/// ```
/// # use restwalk::{Client, Stop, Value};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> restwalk::Result<()> {
/// # let answer = |uri: http::Uri| async move {
/// #     let next = if uri.query() == Some("page=3") { "" } else if uri.query() == Some("page=2") { "</people?page=3>; rel=next" } else { "</people?page=2>; rel=next" };
/// #     ([("link", next)], "[1, 2]")
/// # };
/// # let client = Client::local(axum::Router::new().route("/people", axum::routing::get(answer))).build()?;
/// let mut pages = client.res("people").get().pages().max_pages(2);
/// let mut found = 0;
/// while let Some(page) = pages.next().await {
///     found += page?.json::<Vec<Value>>().await?.len();
/// }
/// assert_eq!((found, pages.stopped()), (4, Some(Stop::MaxPages)));
///
/// let token = pages.resume().unwrap();
/// let mut rest = client.res("people").get().pages().resume_from(&token);
/// assert!(rest.next().await.is_some_and(|page| page.is_ok()));
/// assert_eq!(rest.stopped(), Some(Stop::LastPage));
/// # Ok(()) }
/// ```
#[must_use = "a page is asked for when it is taken, by next"]
pub struct Pages {
    /// The call for the page that comes next.
    call: Call,
    /// How the next page is found; from the first page on it is known.
    by: Option<Paginate>,
    items: Option<String>,
    most: usize,
    given: usize,
    /// The hashes of the URLs that were asked, which are as many as pages and each as long as the server likes.
    seen: HashSet<u64>,
    hasher: RandomState,
    /// The hash of the last page's elements, where only they tell one page from another.
    last: Option<u64>,
    /// Where the page that was given last is.
    here: Option<Uri>,
    /// Where the page that comes next is; the first one is where the call is.
    next: Option<Uri>,
    /// How many elements of the first page a token passes over.
    pub(super) skip: usize,
    /// Told in place of the page that comes next.
    mistake: Option<Error>,
    running: Option<BoxFuture<'static, Result<Response>>>,
    stop: Option<Stop>,
}

impl Call {
    /// The pages of this listing, each asked for when it is taken; only a GET has pages. See [`Pages`].
    pub fn pages(mut self) -> Pages {
        if self.request.method != Method::GET {
            let why = format!("{} has no pages, only a GET has", self.request.method);
            self.request.note::<()>(Err(Fault::request(why)));
        }
        Pages {
            call: self,
            by: None,
            items: None,
            most: MOST,
            given: 0,
            seen: HashSet::new(),
            hasher: RandomState::new(),
            last: None,
            here: None,
            next: None,
            skip: 0,
            mistake: None,
            running: None,
            stop: None,
        }
    }

    /// The elements of this listing one after another, whatever pages they come in.
    ///
    /// How the next page is found and where its elements stand is said by the catalog's `paginate`, by default the
    /// `Link` header and the body itself; [`Pages::by`] says it for one call. The guide is `docs/pages.md`.
    ///
    /// ```
    /// # use restwalk::{Client, Paginate, Value};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> restwalk::Result<()> {
    /// # let answer = |uri: http::Uri| async move {
    /// #     if uri.query().is_none() { r#"[{"id": 9}, {"id": 7}]"# } else if uri.query() == Some("before=7") { r#"[{"id": 4}]"# } else { "[]" }
    /// # };
    /// # let client = Client::local(axum::Router::new().route("/notes", axum::routing::get(answer))).build()?;
    /// let mut notes = client.res("notes").get().pages().by(Paginate::before()).items::<Value>().max_items(100);
    /// let mut ids = Vec::new();
    /// while let Some(note) = notes.next().await {
    ///     ids.push(note?["id"].as_u64());
    /// }
    /// assert_eq!(ids, [Some(9), Some(7), Some(4)]);
    /// # Ok(()) }
    /// ```
    pub fn items<T>(self) -> Items<T> {
        self.pages().items()
    }
}

impl Client {
    /// Describes a GET of what an answer links to by `rel`, such as `next`; `None` where it links to no such thing.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> restwalk::Result<()> {
    /// # let people = || async { ([("link", "</people/ada>; rel=first")], "[]") };
    /// # let router = axum::Router::new().route("/people", axum::routing::get(people));
    /// # let router = router.route("/people/ada", axum::routing::get(|| async { "\"Ada\"" }));
    /// # let client = restwalk::Client::local(router).build()?;
    /// let people = client.res("people").get().send().await?;
    /// let first = client.follow(&people, "first")?.unwrap();
    /// assert_eq!(first.await?, "Ada");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `Redirect` for a link that leads out of the base URL; ask there by [`Client::at`].
    pub fn follow(&self, response: &Response, rel: &str) -> Result<Option<Call>> {
        let Some(target) = next::target(response, rel) else { return Ok(None) };
        let uri = gate::link(self.context().base, response.url(), &target);
        let uri = uri.map_err(|error| response.exchange().dress(error))?;
        Ok(Some(self.at(uri.to_string()).get()))
    }
}

impl Pages {
    /// Finds the next page in another way than the catalog says, or the `Link` header.
    pub fn by(mut self, paginate: Paginate) -> Self {
        if let Some((_, why)) = paginate.mistake() {
            self.call.request.note::<()>(Err(Fault::request(why)));
        }
        self.by = Some(paginate);
        self
    }

    /// Finds the next page's URL at a JSON pointer in the body, such as `/paging/next`, in place of the `Link` header.
    ///
    /// Nothing there, `null` or an empty text is the end; what is no text is an error, `Decode`.
    pub fn next_at(self, pointer: impl Into<String>) -> Self {
        self.by(Paginate::next(pointer))
    }

    /// Finds the elements at a JSON pointer in each page's body, such as `/items`, whatever the catalog says.
    ///
    /// By default, and for an empty pointer, the body is the array.
    pub fn items_at(mut self, pointer: impl Into<String>) -> Self {
        self.items = Some(pointer.into());
        self
    }

    /// Asks for at most so many pages; 1,000 by default, and at least one.
    pub fn max_pages(mut self, most: usize) -> Self {
        if most == 0 {
            let why = "max_pages(0) asks for nothing; give the number of pages that may be asked for, at least 1";
            self.call.request.note::<()>(Err(Fault::request(why)));
        }
        self.most = most;
        self
    }

    /// Begins with the page of a token that [`Pages::resume`] or [`Items::resume`] gave, in place of the first.
    ///
    /// The elements that the token says were given are passed over by [`Pages::items`]; a page is always whole.
    pub fn resume_from(mut self, token: &str) -> Self {
        if let Some((_, given)) = token.rsplit_once('#') {
            let given =
                given.parse().map_err(|_| Fault::request("a token ends in the number of elements given, as #2"));
            self.skip = self.call.request.note(given).unwrap_or_default();
        }
        let base = self.call.client.context().base.clone();
        match base.uri("/", 0, "").and_then(|home| gate::link(&base, &home, token)) {
            Ok(uri) => self.turn(uri),
            Err(error) => self.mistake = Some(error.with_outcome(Outcome::NotSent)),
        }
        self
    }

    /// The elements of each page's array, one after another.
    pub fn items<T>(self) -> Items<T> {
        Items::new(self)
    }

    /// The next page, `None` after the last, after the most that are asked for, and after an error.
    ///
    /// Nothing is lost where the future is dropped: the page is there for the next call.
    ///
    /// # Errors
    /// As [`Call::send_as`] but for decoding, and `Redirect` where the next page is out of the base URL or comes again.
    pub async fn next(&mut self) -> Option<Result<Response>> {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// Why no further page comes; `None` while there may be one.
    pub fn stopped(&self) -> Option<Stop> {
        self.stop
    }

    /// Where to go on, for [`Pages::resume_from`]: the path and query of the page that comes next, or that failed.
    ///
    /// It is text to be kept, and may hold what the base URL, the call or the server put into the URL. `None` before
    /// the first page and after the last.
    pub fn resume(&self) -> Option<String> {
        Some(self.next.as_ref()?.path_and_query()?.to_string())
    }

    /// The path and query of the page that was given last.
    pub(super) fn here(&self) -> Option<String> {
        Some(self.here.as_ref()?.path_and_query()?.to_string())
    }

    /// Where each page's elements stand.
    pub(super) fn place(&self) -> &str {
        self.by.as_ref().and_then(|by| by.items.as_deref()).unwrap_or_default()
    }

    /// Gives no further page.
    pub(super) fn end(&mut self, why: Stop) {
        self.stop = Some(why);
    }

    pub(super) fn refuse(&mut self, fault: Fault) {
        self.call.request.note::<()>(Err(fault));
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Response>>> {
        if let Some(error) = self.mistake.take() {
            self.stop = Some(Stop::Failed);
            return Poll::Ready(Some(Err(error)));
        }
        if self.stop.is_some() {
            return Poll::Ready(None);
        }
        if self.running.is_none() {
            if self.given == 0
                && let Err(error) = self.begin()
            {
                self.stop = Some(Stop::Failed);
                return Poll::Ready(Some(Err(error)));
            }
            if self.given >= self.most {
                self.stop = Some(Stop::MaxPages);
                return Poll::Ready(None);
            }
        }
        let call = &self.call;
        let running = self.running.get_or_insert_with(|| {
            let call = call.clone();
            Box::pin(async move { call.fetch().await })
        });
        let tried = ready!(running.as_mut().poll(cx));
        self.running = None;
        match &tried {
            Ok(page) => self.learn(page),
            Err(_) => self.stop = Some(Stop::Failed),
        }
        Poll::Ready(Some(tried))
    }

    /// Settles how pages are found and where the first one is; each mistake is told before anything is sent.
    fn begin(&mut self) -> Result<()> {
        let Call { client, request, .. } = &self.call;
        let plan = request.plan(&client.context())?;
        let declared = || plan.policy.and_then(|policy| policy.paginate().cloned());
        let mut by = self.by.take().or_else(declared).unwrap_or_default();
        if let Some(place) = self.items.take() {
            by = by.items_at(place);
        }
        if let Some((_, why)) = by.mistake() {
            return Err(Fault::request(why).into());
        }
        let first = next::first(&by, plan.uri)?;
        self.by = Some(by);
        self.turn(first);
        Ok(())
    }

    /// Looks where `page` says that the next one is.
    fn learn(&mut self, page: &Response) {
        self.given += 1;
        self.here = self.next.take();
        for uri in self.here.iter().chain([page.url()]) {
            self.seen.insert(self.hasher.hash_one(uri));
        }
        match self.following(page) {
            Ok(None) => self.stop = Some(Stop::LastPage),
            Ok(Some(uri)) => self.turn(uri),
            Err(error) => self.mistake = Some(page.exchange().dress(error)),
        }
    }

    fn following(&mut self, page: &Response) -> Result<Option<Uri>> {
        let (Some(by), Some(here)) = (&self.by, &self.here) else { return Ok(None) };
        let client = &self.call.client;
        let found = next::after(by, here, page, client.context().base)?;
        let Some(mut uri) = found.uri else { return Ok(None) };
        if let Some(key) = self.call.credentials()?.query_name() {
            uri = gate::without(uri, |name, _| name == key);
        }
        let same = found.elements.is_some() && found.elements == self.last;
        self.last = found.elements;
        if same || self.seen.contains(&self.hasher.hash_one(&uri)) {
            return Err(gate::refused("redirect.loop", "the next page is one that was given before"));
        }
        Ok(Some(uri))
    }

    fn turn(&mut self, uri: Uri) {
        self.call.request.turn(uri.clone());
        self.next = Some(uri);
    }
}

impl Stream for Pages {
    type Item = Result<Response>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(cx)
    }
}

/// Shows no URL, which may hold a token.
impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, by, items, most, given, stop, .. } = self;
        f.debug_struct("Pages")
            .field("call", call)
            .field("by", by)
            .field("items_at", items)
            .field("max_pages", most)
            .field("given", given)
            .field("stopped", stop)
            .finish_non_exhaustive()
    }
}
