//! One file of a form, as data.

use std::{
    fmt,
    fs::File,
    io::Seek,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use futures_core::Stream;
use tokio::io::AsyncRead;

use super::name;
use crate::{
    body::Body,
    error::{BoxError, Error, ErrorKind, Result, quoted},
};

/// A file to upload, sent as one part of a multipart form.
///
/// Nothing is read before the request is sent; mistakes are reported when it is built. Where
/// the content comes from decides whether a request can be sent a second time (see
/// [`Replay`](crate::body::Replay)): bytes always can, a file is opened or read anew, a reader
/// or stream can be read once.
///
/// ```
/// use restwalk::Part;
///
/// let picture = Part::file("pictures/ada.png").named("avatar");
/// let notes = Part::bytes("# Notes").file_name("notes.md");
/// let table = Part::bytes("a;b").file_name("table").content_type("text/csv");
/// # let _ = (picture, notes, table);
/// ```
#[derive(Clone)]
pub struct Part {
    content: Content,
    field: String,
    file_name: Option<String>,
    content_type: Option<String>,
    /// A field of text, which servers tell from a file by its having neither file name nor content type.
    plain: bool,
}

/// Where a part's bytes come from.
#[derive(Clone)]
pub(crate) enum Content {
    Path(PathBuf),
    /// With the position it stood at, unless it has none.
    Open(Arc<File>, Option<u64>),
    Body(Body),
}

impl Part {
    /// A regular file, opened anew for each attempt and streamed in constant memory.
    ///
    /// A symbolic link is followed. A file whose length changes while it is sent ends the
    /// attempt with an error. A directory, pipe or device is refused when the call is built.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::new(Content::Path(path.into()))
    }

    /// The rest of an open regular file, from where it stands now.
    ///
    /// It is read by position, so that each attempt starts there again and, on Unix, the
    /// position itself does not move. A `tokio::fs::File` becomes one by its `into_std`.
    pub fn open_file(mut file: File) -> Self {
        let start = file.stream_position().ok();
        Self::new(Content::Open(Arc::new(file), start))
    }

    /// Bytes in memory, shared by all attempts.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self::new(Content::Body(Body::from(bytes)))
    }

    /// What a reader gives: exactly `length` bytes where that is said, else all of it, chunked.
    ///
    /// It can be read once: a request that failed after its first byte is not sent again.
    pub fn reader(reader: impl AsyncRead + Send + 'static, length: Option<u64>) -> Self {
        Self::new(Content::Body(Body::reader(reader, length)))
    }

    /// The chunks of a stream, which must be `length` bytes in all where that is said.
    ///
    /// It can be read once: a request that failed after its first byte is not sent again.
    pub fn stream<S, E>(stream: S, length: Option<u64>) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        Self::new(Content::Body(Body::stream(stream, length)))
    }

    fn new(content: Content) -> Self {
        Self { content, field: "file".into(), file_name: None, content_type: None, plain: false }
    }

    /// A field of plain text; with a file name or a content type it becomes a file.
    pub fn text(field: impl Into<String>, value: impl Into<String>) -> Self {
        let part = Self::new(Content::Body(Body::from(value.into())));
        Self { field: field.into(), plain: true, ..part }
    }

    /// Sets the name of the form field; default `file`.
    #[must_use]
    pub fn named(mut self, field: impl Into<String>) -> Self {
        self.field = field.into();
        self
    }

    /// Sets the file name that the server is told; default the last part of the path, else `file`.
    ///
    /// Only what stands after the last `/` or `\` is sent, at most 255 bytes of it.
    #[must_use]
    pub fn file_name(mut self, name: impl Into<String>) -> Self {
        self.file_name = Some(name.into());
        self.plain = false;
        self
    }

    /// Sets the content type; default by the extension of the file name, else `application/octet-stream`.
    #[must_use]
    pub fn content_type(mut self, mime: impl Into<String>) -> Self {
        self.content_type = Some(mime.into());
        self.plain = false;
        self
    }

    pub(crate) fn content(&self) -> &Content {
        &self.content
    }

    /// The field name as it is sent, and the file name and content type of what is a file.
    pub(crate) fn labels(&self) -> Result<(String, Option<(String, &str)>)> {
        let field = name::field(&self.field)?;
        if self.plain {
            return Ok((field, None));
        }
        let file_name = name::file(self.given_name()?)?;
        let content_type = match &self.content_type {
            Some(given) => name::content_type(given)?,
            None => mime_guess::from_path(&file_name).first_raw().unwrap_or("application/octet-stream"),
        };
        Ok((field, Some((file_name, content_type))))
    }

    /// The header lines and the content.
    pub(super) fn render(&self) -> Result<(String, Body)> {
        let (field, file) = self.labels()?;
        let mut head = format!("Content-Disposition: form-data; name=\"{field}\"");
        if let Some((name, content_type)) = file {
            head.push_str(&format!("; filename=\"{name}\"\r\nContent-Type: {content_type}"));
        }
        Ok((head + "\r\n", self.content.body()?))
    }

    fn given_name(&self) -> Result<&str> {
        match (&self.file_name, &self.content) {
            (Some(name), _) => Ok(name),
            (None, Content::Path(path)) => path.file_name().unwrap_or_default().to_str().ok_or_else(|| nameless(path)),
            (None, _) => Ok(""),
        }
    }
}

fn nameless(path: &Path) -> Error {
    let path = quoted(&path.display().to_string());
    let message = format!("the file name of {path} is not UTF-8; say what to call it with file_name()");
    Error::new(ErrorKind::Request, message)
}

impl Content {
    fn body(&self) -> Result<Body> {
        match self {
            Self::Path(path) => Body::file(path),
            // What has no position is no regular file and is refused there.
            Self::Open(file, start) => Body::open_file(file, start.unwrap_or_default()),
            Self::Body(body) => Ok(body.clone()),
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{path:?}"),
            Self::Open(..) => f.write_str("an open file"),
            Self::Body(body) => body.fmt(f),
        }
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { content, field, file_name, content_type, plain } = self;
        f.debug_struct("Part")
            .field("content", content)
            .field("field", field)
            .field("file_name", file_name)
            .field("content_type", content_type)
            .field("plain", plain)
            .finish()
    }
}
