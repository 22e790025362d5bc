//! A request explained: what would be sent, and where each part came from.

use std::fmt;

use http::Method;

use super::{Content, Context, Request};
use crate::{
    error::Result,
    header::is_secret,
    params::{Change, Entry},
};

/// What a call would send and where each part came from; nothing is sent to make it.
///
/// Data first; `Display` writes it as text. Credentials are not part of it.
///
/// ```
/// use restwalk::{Catalog, Client, explain::Change};
///
/// let client = Client::builder("https://max.example.com").catalog(Catalog::embedded()).build()?;
/// let call = client.path("people/ada/activities").post().set("object_content", "Hi").unset("object.objectType");
/// let explanation = call.explain()?;
/// assert_eq!(explanation.route.as_deref(), Some("/people/{username}/activities"));
/// assert_eq!(explanation.body[0].change, Change::Dropped);
/// assert_eq!(explanation.body[1].pointer, "/object/content");
/// # Ok::<(), restwalk::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Explanation {
    /// The method.
    pub method: Method,
    /// The full URL.
    pub url: String,
    /// The catalog's route, `None` in an open catalog.
    pub route: Option<String>,
    /// Every key of the merged body, in the order in which it is sent; empty where the body was given whole.
    pub body: Vec<Entry>,
    /// What the body is, where it was given whole or files go with it.
    pub note: Option<String>,
}

impl Request {
    /// Explains what [`Request::plan`] would make.
    pub(crate) fn explain(&self, context: &Context<'_>) -> Result<Explanation> {
        let request = self.build(context)?;
        let route = self.route(context.catalog)?;
        let (body, whole) = match &self.content {
            Content::Arguments => (self.merged(context, route)?.entries(), None),
            Content::Json(text, content_type) => (Vec::new(), Some(format!("{} bytes of {content_type}", text.len()))),
            Content::Form(pairs) => (Vec::new(), Some(format!("{} form fields", pairs.len()))),
            Content::Raw(body, content_type) => {
                (Vec::new(), Some(format!("{} bytes of {content_type:?}", body.length().unwrap_or_default())))
            }
        };
        let files = (!self.parts.is_empty()).then(|| format!("{} file parts", self.parts.len()));
        let notes: Vec<_> = whole.into_iter().chain(files).collect();
        Ok(Explanation {
            method: self.method.clone(),
            url: shown_url(request.uri()),
            route: route.map(|route| route.template().to_string()),
            body,
            note: (!notes.is_empty()).then(|| notes.join(", ")),
        })
    }
}

impl Explanation {
    /// The entries in which the arguments differ from the defaults.
    pub fn difference(&self) -> impl Iterator<Item = &Entry> {
        self.body.iter().filter(|entry| entry.change != Change::Kept)
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)?;
        let width = |of: fn(&Entry) -> usize| self.body.iter().map(of).max().unwrap_or_default();
        let (pointers, values) =
            (width(|entry| entry.pointer.chars().count()), width(|entry| shown(entry).chars().count()));
        for entry in &self.body {
            let sign = match entry.change {
                Change::Kept => ' ',
                Change::Added => '+',
                Change::Replaced => '~',
                Change::Dropped => '-',
            };
            write!(f, "\n{sign} {:pointers$}  {:values$}  {}", entry.pointer, shown(entry), entry.origin)?;
            if let (Change::Replaced | Change::Dropped, Some((was, origin))) = (entry.change, &entry.was) {
                write!(f, "  was {was}")?;
                if entry.change == Change::Replaced {
                    write!(f, "  {origin}")?;
                }
            }
        }
        self.note.as_ref().map_or(Ok(()), |note| write!(f, "\n  ({note})"))
    }
}

/// The URL with the values of secret query parameters left out.
fn shown_url(uri: &http::Uri) -> String {
    let text = uri.to_string();
    let Some((path, query)) = text.split_once('?') else { return text };
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}=***"),
        _ => pair.to_owned(),
    });
    format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
}

fn shown(entry: &Entry) -> &str {
    entry.value.as_deref().unwrap_or("dropped")
}
