//! What the body of an answer tells: a listing, or one thing; and how its pages follow each other.

use serde_json::Value;

/// What the body of an answer was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Shape {
    /// A JSON array, or an object that holds one under a usual name, as listings do.
    List,
    /// Another JSON object.
    Object,
    /// Anything else, nothing, or what is not known whole.
    #[default]
    Other,
}

/// How the next page of a listing is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pages {
    /// The place of its URL in the body; without one the `Link` header has it.
    next: Option<&'static str>,
    /// The place of the elements in the body; without one they are the body.
    items: Option<&'static str>,
}

/// Where listings have their elements.
const ITEMS: [&str; 8] = ["/results", "/items", "/data", "/entries", "/records", "/value", "/content", "/hits"];

/// Where they have the URL of the next page.
const NEXT: [&str; 6] =
    ["/next", "/paging/next", "/pagination/next", "/links/next", "/_links/next/href", "/@odata.nextLink"];

/// Reads as much of a body as there is; `linked` tells whether a `Link` header led to a next page.
pub(crate) fn read(body: &[u8], linked: bool) -> (Shape, Option<Pages>) {
    let by_link = linked.then_some(Pages { next: None, items: None });
    let Ok(whole) = serde_json::from_slice::<Value>(body) else {
        let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
        return (if first == Some(&b'[') { Shape::List } else { Shape::Other }, by_link);
    };
    match &whole {
        Value::Array(_) => (Shape::List, by_link),
        Value::Object(_) => {
            let Some(items) = ITEMS.into_iter().find(|at| whole.pointer(at).is_some_and(Value::is_array)) else {
                return (Shape::Object, by_link);
            };
            let url = |value: &Value| value.is_null() || value.as_str().is_some_and(is_url);
            let next = NEXT.into_iter().find(|at| !linked && whole.pointer(at).is_some_and(url));
            let pages = (linked || next.is_some()).then_some(Pages { next, items: Some(items) });
            (Shape::List, pages)
        }
        _ => (Shape::Other, by_link),
    }
}

fn is_url(text: &str) -> bool {
    text.is_empty() || text.starts_with(['/', '?']) || text.starts_with("http://") || text.starts_with("https://")
}

impl Pages {
    /// The value of `paginate`.
    pub(super) fn text(self) -> String {
        let items = self.items.map_or_else(String::new, |at| format!(", items: {at}"));
        match self.next {
            Some(at) => format!("{{ by: next, at: '{at}'{items} }}"),
            None if items.is_empty() => "link".to_owned(),
            None => format!("{{ by: link{items} }}"),
        }
    }

    /// The same for a person.
    pub(crate) fn words(self) -> String {
        self.next.map_or_else(|| "pages by Link".to_owned(), |at| format!("pages by {at} of the body"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_told_from_a_thing_and_its_pages_are_found() {
        let at = |next, items| Some(Pages { next, items });
        for (body, linked, shape, pages) in [
            (" []", false, Shape::List, None),
            ("[1]", true, Shape::List, at(None, None)),
            ("[1, 2 and then it is cut", true, Shape::List, at(None, None)),
            ("{\"a\": and then it is cut", false, Shape::Other, None),
            ("{}", false, Shape::Object, None),
            (r#"{"next": "/x", "results": {}}"#, false, Shape::Object, None),
            (r#"{"results": []}"#, false, Shape::List, None),
            (r#"{"next": null, "results": []}"#, false, Shape::List, at(Some("/next"), Some("/results"))),
            (r#"{"next": 2, "results": []}"#, false, Shape::List, None),
            (r#"{"next": "c2Vj", "results": []}"#, false, Shape::List, None),
            (r#"{"next": "https://h/x", "items": []}"#, true, Shape::List, at(None, Some("/items"))),
            (
                r#"{"_links": {"next": {"href": "/x"}}, "data": []}"#,
                false,
                Shape::List,
                at(Some("/_links/next/href"), Some("/data")),
            ),
            ("7", false, Shape::Other, None),
            ("", false, Shape::Other, None),
        ] {
            assert_eq!(read(body.as_bytes(), linked), (shape, pages), "{body}");
        }
    }

    #[test]
    fn every_way_of_paging_is_one_that_a_catalog_takes() {
        let all = NEXT.into_iter().map(Some).chain([None]);
        for (next, items) in all.flat_map(|next| ITEMS.into_iter().map(Some).chain([None]).map(move |at| (next, at))) {
            let way = Pages { next, items }.text();
            let text = format!("resources: {{a: {{route: /a, methods: {{GET: {{ paginate: {way} }}}}}}}}");
            let catalog = restwalk::Catalog::from_yaml(&text, "").unwrap();
            assert_eq!(catalog.lint(), Vec::<String>::new(), "{way}");
        }
    }
}
