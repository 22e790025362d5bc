//! How the next page of a listing is found, as data.

use crate::{error::quoted, json::pointer::is_pointer};

/// How the next page of a listing is found: `paginate` in the catalog, [`Pages::by`](crate::Pages::by) for one call.
///
/// | in the catalog | the next page is |
/// |---|---|
/// | `link` | where the `Link` header with `rel=next` leads |
/// | `{ by: next, at: /paging/next }` | at the URL that stands there in the body |
/// | `{ by: cursor, at: /paging/cursor }` | asked with what stands there, as the query parameter `cursor` |
/// | `page` | asked with `page` one higher; the first is 1 unless `first` says otherwise |
/// | `offset` | asked with `offset` higher by as many elements as came |
/// | `before`, `after` | asked with the `/id` of the last element, as `before` or `after` |
///
/// `query` renames the parameter and `items` is the place of the array in the body, by default the body itself.
/// The last page of the first three names no next one: nothing, `null` or an empty text. The last of the others is
/// empty, or shorter than `size`.
///
/// ```
/// # use restwalk::{Catalog, Client, Paginate};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> restwalk::Result<()> {
/// # let answer = |uri: http::Uri| async move {
/// #     match uri.query() { Some("limit=2") => "[1, 2]", Some("limit=2&skip=2") => "[3]", _ => "no" }
/// # };
/// # let router = axum::Router::new().route("/people", axum::routing::get(answer));
/// let resources = "
/// resources:
///   people:
///     route: /people
///     methods: { GET: { paginate: { by: offset, query: skip, limit: limit, size: 2 } } }
/// ";
/// let client = Client::local(router).catalog(Catalog::from_yaml(resources, "")?).build()?;
/// let mut people = client.res("people").get().items::<u64>();
/// # let mut found = Vec::new();
/// while let Some(person) = people.next().await {
///     found.push(person?);
/// }
/// assert_eq!(found, [1, 2, 3]);
///
/// // The same for one call, whatever the catalog says.
/// let skip = Paginate::offset().query("skip").limit("limit", 2);
/// let mut people = client.res("people").get().pages().by(skip).items::<u64>();
/// assert_eq!(people.next().await.unwrap()?, 1);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use = "it is data, for Pages::by"]
pub struct Paginate {
    pub(crate) by: By,
    pub(crate) at: Option<String>,
    pub(crate) query: Option<String>,
    pub(crate) items: Option<String>,
    pub(crate) first: Option<u64>,
    pub(crate) limit: Option<String>,
    pub(crate) size: Option<u64>,
}

/// What tells where the next page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum By {
    #[default]
    Link,
    Next,
    Cursor,
    Page,
    Offset,
    Before,
    After,
}

impl By {
    pub(super) const ALL: [(Self, &'static str); 7] = [
        (Self::Link, "link"),
        (Self::Next, "next"),
        (Self::Cursor, "cursor"),
        (Self::Page, "page"),
        (Self::Offset, "offset"),
        (Self::Before, "before"),
        (Self::After, "after"),
    ];

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(by, _)| *by == self).map_or("", |(_, name)| name)
    }

    /// Whether the elements of a page tell where the next one is, and whether there is one.
    fn counts(self) -> bool {
        matches!(self, Self::Page | Self::Offset | Self::Before | Self::After)
    }
}

impl Paginate {
    /// The `Link` header with `rel=next`; the default.
    pub fn link() -> Self {
        Self::default()
    }

    /// The URL at a JSON pointer in the body, such as `/paging/next`.
    pub fn next(at: impl Into<String>) -> Self {
        Self { at: Some(at.into()), ..Self::of(By::Next) }
    }

    /// What stands at a JSON pointer in the body, a text or a number, sent as the query parameter `cursor`.
    pub fn cursor(at: impl Into<String>) -> Self {
        Self { at: Some(at.into()), ..Self::of(By::Cursor) }
    }

    /// The query parameter `page`, counted from 1, until a page is empty.
    pub fn page() -> Self {
        Self::of(By::Page)
    }

    /// The query parameter `offset`, the number of elements so far, until a page is empty.
    pub fn offset() -> Self {
        Self::of(By::Offset)
    }

    /// The `/id` of the last element, sent as the query parameter `before`, until a page is empty.
    pub fn before() -> Self {
        Self::of(By::Before)
    }

    /// The `/id` of the last element, sent as the query parameter `after`, until a page is empty.
    pub fn after() -> Self {
        Self::of(By::After)
    }

    /// Names the query parameter that carries the cursor, number, offset or id.
    pub fn query(mut self, name: impl Into<String>) -> Self {
        self.query = Some(name.into());
        self
    }

    /// Finds the id at another JSON pointer within an element; for `before` and `after`.
    pub fn id_at(mut self, pointer: impl Into<String>) -> Self {
        self.at = Some(pointer.into());
        self
    }

    /// Finds the array of elements at a JSON pointer in each page's body, such as `/items`.
    pub fn items_at(mut self, pointer: impl Into<String>) -> Self {
        self.items = Some(pointer.into()).filter(|pointer: &String| !pointer.is_empty());
        self
    }

    /// Counts pages from another number than 1.
    pub fn first(mut self, number: u64) -> Self {
        self.first = Some(number);
        self
    }

    /// Says how many elements a page has, so that a shorter one is the last and none is asked for in vain.
    ///
    /// Where the server has a parameter for it, use [`Paginate::limit`], so that a call that sets it is understood.
    pub fn size(mut self, count: u64) -> Self {
        self.size = Some(count);
        self
    }

    /// Asks for `count` elements a page by the query parameter `name`; a shorter page is then the last.
    ///
    /// `count` must not be more than the server gives at once. What the call itself sets goes first.
    pub fn limit(mut self, name: impl Into<String>, count: u64) -> Self {
        self.limit = Some(name.into());
        self.size(count)
    }

    pub(super) fn of(by: By) -> Self {
        Self { by, ..Self::default() }
    }

    /// The name of the way in the catalog: `link`, `next`, `cursor`, `page`, `offset`, `before` or `after`.
    pub fn way(&self) -> &'static str {
        self.by.name()
    }

    /// The query parameter that carries what tells the pages apart.
    pub fn parameter(&self) -> &str {
        self.query.as_deref().unwrap_or(self.by.name())
    }

    /// The JSON pointer to the URL or the cursor in the body, or to the id in an element.
    pub fn place(&self) -> &str {
        self.at.as_deref().unwrap_or("/id")
    }

    /// The JSON pointer to the array of elements in the body; empty for the body itself.
    pub fn elements(&self) -> &str {
        self.items.as_deref().unwrap_or_default()
    }

    /// The number of the first page, or the first offset.
    pub fn begin(&self) -> u64 {
        self.first.unwrap_or(u64::from(self.by == By::Page))
    }

    /// The query parameter that asks for so many elements a page.
    pub fn limit_parameter(&self) -> Option<&str> {
        self.limit.as_deref()
    }

    /// How many elements a page has that is not the last.
    pub fn page_size(&self) -> Option<u64> {
        self.size
    }

    /// The key that is wrong and why; a missing key is wrong too.
    pub(crate) fn mistake(&self) -> Option<(&'static str, String)> {
        let name = self.by.name();
        let misplaced = |key, for_what| Some((key, format!("{} is for a listing {for_what} only", quoted(key))));
        let no_pointer = |pointer: &Option<String>| pointer.as_deref().is_some_and(|text| !is_pointer(text));
        let blank = |text: &Option<String>| text.as_deref().is_some_and(|text| text.trim().is_empty());
        let pointer = |key, text: &Option<String>| {
            let text = quoted(text.as_deref().unwrap_or_default());
            Some((key, format!("{text} is no JSON pointer; it begins with a slash, as /paging/next does")))
        };
        match self.by {
            By::Next | By::Cursor if self.at.as_deref().is_none_or(str::is_empty) => {
                let what = if self.by == By::Next { "URL" } else { "cursor" };
                Some((
                    "by",
                    format!("a listing by {name} needs \"at\", the place of the {what} in the body, as /paging/{name}"),
                ))
            }
            By::Link | By::Page | By::Offset if self.at.is_some() => {
                misplaced("at", "by next, cursor, before or after")
            }
            By::Link | By::Next if self.query.is_some() => misplaced("query", "by a query parameter"),
            by if self.first.is_some() && by != By::Page => misplaced("first", "by page"),
            by if self.size.is_some() && !by.counts() => misplaced("size", "by page, offset, before or after"),
            _ if self.limit.is_some() && self.size.is_none() => misplaced("limit", "with a \"size\""),
            _ if self.size == Some(0) => Some(("size", "a page of 0 elements would never end".to_owned())),
            _ if no_pointer(&self.at) => pointer("at", &self.at),
            _ if no_pointer(&self.items) => pointer("items", &self.items),
            _ if blank(&self.query) => Some(("query", "the query parameter has no name".to_owned())),
            _ if blank(&self.limit) => Some(("limit", "the query parameter has no name".to_owned())),
            _ if self.limit.as_deref() == Some(self.parameter()) => {
                Some(("limit", format!("{} cannot carry two things", quoted(self.parameter()))))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listing_has_what_it_needs_and_nothing_else() {
        for good in [
            Paginate::link().items_at("/data"),
            Paginate::link().items_at(""),
            Paginate::next("/next"),
            Paginate::cursor("/next").query("after"),
            Paginate::page().first(0).size(10),
            Paginate::offset().query("skip").limit("count", 10),
            Paginate::before().id_at("/object/id").size(10),
            Paginate::after().id_at(""),
        ] {
            assert_eq!(good.mistake(), None, "{good:?}");
        }
        for (bad, key, why) in [
            (Paginate::of(By::Next), "by", "needs \"at\", the place of the URL"),
            (Paginate::cursor(""), "by", "needs \"at\", the place of the cursor"),
            (Paginate::cursor("next"), "at", "\"next\" is no JSON pointer"),
            (Paginate::page().id_at("/id"), "at", "by next, cursor, before or after only"),
            (Paginate::link().query("q"), "query", "by a query parameter only"),
            (Paginate::offset().first(1), "first", "by page only"),
            (Paginate::cursor("/c").size(1), "size", "by page, offset, before or after only"),
            (Paginate { limit: Some("l".into()), ..Paginate::page() }, "limit", "with a \"size\" only"),
            (Paginate::page().size(0), "size", "never end"),
            (Paginate::page().items_at("data"), "items", "is no JSON pointer"),
            (Paginate::page().query(" "), "query", "has no name"),
            (Paginate::page().limit("", 1), "limit", "has no name"),
            (Paginate::page().limit("page", 1), "limit", "two things"),
        ] {
            let (found, said) = bad.mistake().unwrap();
            assert!(found == key && said.contains(why), "{bad:?}: {found}: {said}");
        }
    }
}
