//! The elements of a listing, whatever pages they come in.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    vec,
};

use futures_core::Stream;
use serde::de::DeserializeOwned;

use super::Pages;
use crate::error::Result;

/// The elements of each page's array, one after another; it ends after its first error.
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
    pointer: String,
    page: vec::IntoIter<T>,
    failed: bool,
}

impl<T> Items<T> {
    pub(super) fn new(pages: Pages) -> Self {
        Self { pages, pointer: String::new(), page: Vec::new().into_iter(), failed: false }
    }

    /// Finds the array at a JSON pointer in each page's body, such as `/items`; by default the body is the array.
    pub fn items_at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = pointer.into();
        self
    }

    /// The pages behind them: why they stopped, and where to go on.
    pub fn pages(&self) -> &Pages {
        &self.pages
    }
}

impl<T: DeserializeOwned> Items<T> {
    /// The next element, `None` after the last.
    ///
    /// # Errors
    /// As [`Pages::next`], and `Decode` where a page is not an array of such elements.
    pub async fn next(&mut self) -> Option<Result<T>> {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        loop {
            if let Some(item) = self.page.next() {
                return Poll::Ready(Some(Ok(item)));
            }
            if self.failed {
                return Poll::Ready(None);
            }
            let page = match ready!(self.pages.poll(cx)) {
                None => return Poll::Ready(None),
                Some(page) => page.and_then(|page| page.list_at(&self.pointer)),
            };
            match page {
                Ok(items) => self.page = items.into_iter(),
                Err(error) => {
                    self.failed = true;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
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
        let Self { pages, pointer, page, failed: _ } = self;
        f.debug_struct("Items")
            .field("pages", pages)
            .field("items_at", pointer)
            .field("ready", &page.len())
            .finish_non_exhaustive()
    }
}
