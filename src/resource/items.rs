//! The elements of a listing, whatever pages they come in.

use std::{
    fmt,
    future::poll_fn,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use serde::de::DeserializeOwned;

use super::{Pages, Stop};
use crate::{
    error::{Fault, Result},
    response::{List, Response},
};

/// The elements of each page's array, one after another; it ends after its first error.
///
/// Each is decoded from the text that came, so that [`serde_json::value::RawValue`] keeps every digit, and what is
/// held is one page. After an error, [`Items::resume`] tells where to go on without losing an element.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> restwalk::Result<()> {
/// # let answer = |uri: http::Uri| async move {
/// #     if uri.query().is_none() { r#"{"people": ["Ada", "Bob"], "next": "?page=2"}"# } else { r#"{"people": ["Cyd"]}"# }
/// # };
/// # let router = axum::Router::new().route("/people", axum::routing::get(answer));
/// # let client = restwalk::Client::local(router).build()?;
/// let mut people = client.res("people").get().pages().next_at("/next").items::<String>().items_at("/people");
/// let mut names = Vec::new();
/// while let Some(name) = people.next().await {
///     names.push(name?);
/// }
/// assert_eq!(names, ["Ada", "Bob", "Cyd"]);
/// # Ok(()) }
/// ```
#[must_use = "a page is asked for when its elements are taken, by next"]
pub struct Items<T> {
    pages: Pages,
    /// The answer that the elements are of, without its body.
    page: Option<Response>,
    list: List,
    given: usize,
    most: usize,
    /// The page itself, or an element of it, could not be decoded.
    failed: bool,
    element: PhantomData<fn() -> T>,
}

impl<T> Items<T> {
    pub(super) fn new(pages: Pages) -> Self {
        let list = List::default();
        Self { pages, page: None, list, given: 0, most: usize::MAX, failed: false, element: PhantomData }
    }

    /// Finds the array at a JSON pointer in each page's body, such as `/items`; by default the body is the array.
    pub fn items_at(mut self, pointer: impl Into<String>) -> Self {
        self.pages = self.pages.items_at(pointer);
        self
    }

    /// Gives at most so many elements, at least one, and asks for no page that they do not need.
    pub fn max_items(mut self, most: usize) -> Self {
        if most == 0 {
            let why = "max_items(0) asks for nothing; give the number of elements that are wanted, at least 1";
            self.pages.refuse(Fault::request(why));
        }
        self.most = most;
        self
    }

    /// The pages behind them.
    pub fn pages(&self) -> &Pages {
        &self.pages
    }

    /// The answer that the last element came in: its status, headers and URL, without its body.
    pub fn page(&self) -> Option<&Response> {
        self.page.as_ref()
    }

    /// How many elements that answer holds.
    pub fn page_len(&self) -> usize {
        self.list.len()
    }

    /// How many of them were given, those that a token passed over included.
    pub fn page_given(&self) -> usize {
        self.list.given()
    }

    /// Why no further element comes; `None` while there may be one.
    pub fn stopped(&self) -> Option<Stop> {
        self.pages.stopped().filter(|stop| *stop != Stop::LastPage || self.list.left() == 0)
    }

    /// Where to go on, for [`Pages::resume_from`]: the page that comes next, or the one whose elements were not all
    /// given, with their number behind a `#`; an element that could not be decoded comes again.
    ///
    /// It is text to be kept, and may hold what the base URL, the call or the server put into the URL. `None` before the first
    /// page and after the last element.
    ///
    /// ```
    /// # use restwalk::{Client, ErrorKind, Stop, Value};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> restwalk::Result<()> {
    /// # let router = axum::Router::new().route("/ages", axum::routing::get(|| async { r#"[36, 45, "unknown", 41]"# }));
    /// # let client = Client::local(router).build()?;
    /// let mut ages = client.res("ages").get().items::<u32>();
    /// assert_eq!((ages.next().await.unwrap()?, ages.next().await.unwrap()?), (36, 45));
    /// let error = ages.next().await.unwrap().unwrap_err();
    /// assert_eq!((error.kind(), ages.stopped()), (ErrorKind::Decode, Some(Stop::Failed)));
    ///
    /// let token = ages.resume().unwrap();
    /// assert_eq!(token, "/ages#2");
    /// let mut rest = client.res("ages").get().pages().resume_from(&token).items::<Value>();
    /// assert_eq!(rest.next().await.unwrap()?, "unknown");
    /// assert_eq!(rest.next().await.unwrap()?, 41);
    /// # Ok(()) }
    /// ```
    pub fn resume(&self) -> Option<String> {
        let whole = self.list.left() == 0 && !self.failed;
        match self.pages.resume().filter(|_| whole) {
            Some(next) => Some(next),
            None if whole && self.pages.stopped() == Some(Stop::LastPage) => None,
            None => {
                let here = self.pages.here()?;
                Some(if self.list.given() == 0 { here } else { format!("{here}#{}", self.list.given()) })
            }
        }
    }

    fn fail(&mut self) {
        self.failed = true;
        self.pages.end(Stop::Failed);
    }

    /// Whether as many elements were given as are wanted; it says so where there are more.
    fn is_enough(&mut self) -> bool {
        // None at all is a mistake, which the first page tells.
        if self.given < self.most.max(1) {
            return false;
        }
        if self.list.left() > 0 || self.pages.stopped().is_none() {
            self.pages.end(Stop::MaxItems);
        }
        true
    }

    /// Takes the elements out of `page`.
    fn open(&mut self, page: Response) -> Result<()> {
        let list = page.list_at(self.pages.place());
        self.page = Some(page.without_body());
        self.list = list?;
        self.list.skip(std::mem::take(&mut self.pages.skip));
        Ok(())
    }
}

impl<T: DeserializeOwned> Items<T> {
    /// The next element, `None` after the last, after the most that are asked for, and after an error.
    ///
    /// # Errors
    /// As [`Pages::next`], and `Decode` where a page is not an array or an element does not fit.
    pub async fn next(&mut self) -> Option<Result<T>> {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        loop {
            if self.failed || self.is_enough() {
                return Poll::Ready(None);
            }
            if let Some(item) = self.take() {
                return Poll::Ready(Some(item));
            }
            let opened = match ready!(self.pages.poll(cx)) {
                None => return Poll::Ready(None),
                Some(page) => page.map(|page| self.open(page)),
            };
            match opened {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    self.fail();
                    return Poll::Ready(Some(Err(error)));
                }
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }

    /// The next element of this page.
    fn take(&mut self) -> Option<Result<T>> {
        let page = self.page.as_ref()?;
        let item = self.list.next(&page.exchange().masks)?.map_err(|why| page.misfit(why));
        if item.is_ok() {
            self.given += 1;
        } else {
            self.fail();
        }
        Some(item)
    }
}

/// Nothing in it is pinned.
impl<T> Unpin for Items<T> {}

impl<T: DeserializeOwned> Stream for Items<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(cx)
    }
}

/// Shows the pages and none of the elements.
impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pages, page: _, list, given, most: _, failed, element: _ } = self;
        f.debug_struct("Items")
            .field("pages", pages)
            .field("given", given)
            .field("ready", &list.left())
            .field("failed", failed)
            .finish_non_exhaustive()
    }
}
