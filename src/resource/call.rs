//! One call as data: built up by its arguments, then explained, built, or sent.

use std::{fmt, future::IntoFuture, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    auth::Auth,
    blocking::block_on,
    body::{BoxFuture, Progress},
    cache::CacheMode,
    client::{Client, Options, Reading},
    error::{ErrorKind, Fault, Result, quoted},
    header::header,
    json,
    multipart::Part,
    params::{Argument, Expand},
    patch,
    request::Request,
    response::Response,
    retry::Retry,
};

/// A call that is described and not yet sent: data, cloneable, and inspected without a network.
///
/// `.await` sends it and gives the parsed JSON of the answer, `null` for an empty one.
#[derive(Clone)]
#[must_use = "a call does nothing until it is sent"]
pub struct Call {
    pub(super) client: Client,
    pub(super) request: Request,
    pub(super) options: Options,
}

impl Call {
    pub(super) fn new(client: Client, request: Request) -> Self {
        Self { client, request, options: Options::default() }
    }

    fn text<T: Serialize + ?Sized>(&mut self, what: &str, value: &T) -> Option<String> {
        let text = json::to_text(value).map_err(|why| Fault::request(format!("{what} cannot be sent: {why}")));
        self.request.note(text)
    }

    /// Sets one key of the body; a nested one by its expanded name, such as `object_content` or `object.content`.
    pub fn set<T: Serialize>(mut self, name: impl Into<String>, value: T) -> Self {
        let name = name.into();
        if let Some(json) = self.text(&format!("the argument {}", quoted(&name)), &value) {
            self.request.argument(Argument::Set { name, json });
        }
        self
    }

    /// Merges an object over the defaults; its top-level names are expanded.
    pub fn json<T: Serialize>(mut self, value: T) -> Self {
        if let Some(json) = self.text("the JSON argument", &value) {
            self.request.argument(Argument::Json(json));
        }
        self
    }

    /// Sends `value` as the whole JSON body; defaults are ignored, and other arguments are a mistake.
    pub fn data<T: Serialize>(mut self, value: T) -> Self {
        if let Some(json) = self.text("the body", &value) {
            self.request.data(json);
        }
        self
    }

    /// Removes a key, given by its dotted name, that the defaults or earlier arguments set.
    pub fn unset(mut self, name: impl Into<String>) -> Self {
        self.request.argument(Argument::Unset(name.into()));
        self
    }

    /// Sets one key of the body by the names that lead to it, each taken literally.
    pub fn set_at<N, T>(mut self, names: impl IntoIterator<Item = N>, value: T) -> Self
    where
        N: Into<String>,
        T: Serialize,
    {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        if names.is_empty() {
            self.request
                .note::<()>(Err(Fault::request("an argument needs a name at least; .json(..) merges a whole object")));
        }
        if let Some(json) = self.text(&format!("the argument {}", quoted(&names.join("."))), &value) {
            self.request.argument(Argument::SetAt { names, json });
        }
        self
    }

    /// Removes a key by the names that lead to it, each taken literally.
    pub fn unset_at<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.request.argument(Argument::UnsetAt(names.into_iter().map(Into::into).collect()));
        self
    }

    /// Leaves out a query parameter that the catalog gives by default.
    pub fn unset_query(mut self, name: impl Into<String>) -> Self {
        self.request.drop_query(name.into());
        self
    }

    /// Leaves out a header that the client, the catalog or this call set; one that is set later stays.
    pub fn unset_header(mut self, name: impl AsRef<str>) -> Self {
        self.request.drop_header(name.as_ref());
        self
    }

    /// Leaves out the catalog's default body and query.
    pub fn no_defaults(mut self) -> Self {
        self.request.no_defaults();
        self
    }

    /// Gives arguments where the method takes them: in the query of GET and HEAD, as JSON otherwise.
    pub fn args<T: Serialize>(self, arguments: T) -> Self {
        match self.request.method {
            Method::GET | Method::HEAD => self.query_all(arguments),
            _ => self.json(arguments),
        }
    }

    /// Sends an object's pairs as an `application/x-www-form-urlencoded` body; `null`s are left out.
    pub fn form<T: Serialize>(mut self, fields: T) -> Self {
        if let Some(pairs) = self.pairs("the form", &fields) {
            self.request.form(pairs);
        }
        self
    }

    /// Sends bytes of any content type.
    pub fn body(mut self, body: impl Into<Bytes>, content_type: &str) -> Self {
        self.request.raw(body.into(), content_type);
        self
    }

    /// Sends a JSON Patch (RFC 6902): a list of operations, checked before it is sent.
    pub fn json_patch<T: Serialize>(mut self, operations: T) -> Self {
        if let Some(json) = self.text("the patch", &operations)
            && self.request.note(patch::check(&json)).is_some()
        {
            self.request.patch(json, patch::JSON_PATCH);
        }
        self
    }

    /// Sends a JSON Merge Patch (RFC 7396), in which `null` removes.
    pub fn merge_patch<T: Serialize>(mut self, changes: T) -> Self {
        if let Some(json) = self.text("the patch", &changes) {
            self.request.patch(json, patch::MERGE_PATCH);
        }
        self
    }

    /// Adds a query parameter; arrays and objects stand as the query style says, `null` is left out.
    pub fn query<T: Serialize>(mut self, name: impl Into<String>, value: T) -> Self {
        let name = name.into();
        if let Some(json) = self.text(&format!("the query parameter {}", quoted(&name)), &value) {
            self.request.query(name, json);
        }
        self
    }

    /// Adds every pair of an object as a query parameter.
    pub fn query_all<T: Serialize>(mut self, parameters: T) -> Self {
        for (name, json) in self.pairs("the query", &parameters).unwrap_or_default() {
            self.request.query(name, json);
        }
        self
    }

    /// Puts an already encoded query before the other parameters, as it is.
    pub fn query_raw(mut self, query: &str) -> Self {
        self.request.raw_query(query);
        self
    }

    fn pairs<T: Serialize>(&mut self, what: &str, value: &T) -> Option<Vec<(String, String)>> {
        let text = self.text(what, value)?;
        let pairs = json::pairs(&text).ok_or_else(|| {
            Fault::request(format!("{what} must be an object of names and values, or a list of such pairs"))
        });
        self.request.note(pairs)
    }

    /// Sets a header; a second value of the same name is added to the first.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.request.header(name.as_ref(), value.as_ref());
        self
    }

    /// Signs this call in by other credentials than the client's.
    pub fn auth(mut self, auth: Auth) -> Self {
        self.options.auth = Some(auth);
        self
    }

    /// Uploads the file at `path` in the field `file`.
    pub fn upload_file(self, path: impl Into<std::path::PathBuf>) -> Self {
        self.upload(Part::file(path))
    }

    /// Uploads the file at `path` in the named field.
    pub fn upload_file_as(self, field: impl Into<String>, path: impl Into<std::path::PathBuf>) -> Self {
        self.upload(Part::file(path).named(field))
    }

    /// Uploads a part; JSON arguments travel beside it in the part that the catalog names, else in `json`.
    pub fn upload(mut self, part: Part) -> Self {
        self.request.part(part);
        self
    }

    /// Reports after each piece of the body that was handed to the transport.
    ///
    /// A report that panics is not called again, and the request goes on.
    pub fn on_progress(mut self, report: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.request.progress(Arc::new(report));
        self
    }

    /// Limits this call's whole time: waits, attempts and the body included.
    pub fn timeout(mut self, time: Duration) -> Self {
        if time.is_zero() {
            self.request.note::<()>(Err(Fault::request("a call needs a timeout longer than nothing")));
        }
        self.options.timeout = Some(time);
        self
    }

    /// Limits the wait for an answer's headers, in place of the client's `headers_timeout`.
    pub fn headers_timeout(mut self, time: Duration) -> Self {
        self.options.headers = Some(time);
        self
    }

    /// Limits the wait for each piece of the answer's body, in place of the client's `idle_timeout`.
    pub fn idle_timeout(mut self, time: Duration) -> Self {
        self.options.idle = Some(time);
        self
    }

    /// Sets when and how this call is sent again, in place of the catalog's and the client's rule.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.request.note(retry.check());
        self.options.retry = Some(retry);
        self
    }

    /// Sets how this call uses the client's cache; without one it changes nothing.
    pub fn cache(mut self, mode: CacheMode) -> Self {
        self.options.cache = mode;
        self
    }

    /// Sends `Idempotency-Key: key` in every attempt, by which the server knows them for one call.
    ///
    /// That makes a POST or PATCH safe to send again, so give one only to a server that keeps keys. The same
    /// key for another call is a mistake that servers refuse. The value is sent as it is. Unlike this, a header of
    /// that name promises nothing about the server, and makes no call safe to send again.
    pub fn idempotency_key(mut self, key: impl AsRef<str>) -> Self {
        let key = header("idempotency-key", key.as_ref()).and_then(|(_, value)| match value.as_bytes() {
            [] => Err(Fault::request("an idempotency key is not empty")),
            bytes if bytes.len() > 255 => Err(Fault::request("an idempotency key has at most 255 bytes")),
            _ => Ok(value),
        });
        self.options.key = self.request.note(key);
        self
    }

    /// Ends this call at `deadline`, its body included; an earlier timeout stands.
    pub fn deadline(mut self, deadline: std::time::Instant) -> Self {
        self.options.deadline = Some(deadline.into());
        self
    }

    /// Sets which argument names nest in this call.
    pub fn expand(mut self, expand: Expand) -> Self {
        self.request.expand = Some(expand);
        self
    }

    /// Sends the call; a status that is no success is an error that keeps the whole answer.
    ///
    /// # Errors
    /// Any kind of [`ErrorKind`]; [`Error::outcome`](crate::Error::outcome) tells whether the server may have acted.
    pub async fn send(self) -> Result<Response> {
        self.client.send(&self.request, &self.options, Reading::Later).await
    }

    /// Sends the call and reads the answer within the attempt, so that one that breaks off is asked for again.
    pub(super) async fn fetch_raw(&self) -> Result<Response> {
        self.client.execute(&self.request, &self.options, Reading::Whole).await
    }

    /// The same, a status that is no success being an error.
    pub(super) async fn fetch(&self) -> Result<Response> {
        self.client.send(&self.request, &self.options, Reading::Whole).await
    }

    /// Sends the call and gives the answer, whatever its status.
    ///
    /// # Errors
    /// As [`Call::send`], but for `Status`; a redirect that is not followed and a turn that comes too late are errors.
    pub async fn send_raw(self) -> Result<Response> {
        self.client.execute(&self.request, &self.options, Reading::Later).await
    }

    /// Sends the call and decodes the JSON of the answer.
    ///
    /// # Errors
    /// As [`Call::send`] and [`Response::json`].
    pub async fn send_as<T: DeserializeOwned>(self) -> Result<T> {
        self.fetch().await?.json().await
    }

    /// Sends the call and decodes the answer; 404 and 204 are `None`.
    ///
    /// # Errors
    /// As [`Call::send_as`], but for a status of 404.
    pub async fn optional<T: DeserializeOwned>(self) -> Result<Option<T>> {
        match self.fetch().await {
            Ok(response) if response.status() == StatusCode::NO_CONTENT => Ok(None),
            Ok(response) => response.json().await.map(Some),
            Err(error) if error.kind() == ErrorKind::Status && error.status() == Some(StatusCode::NOT_FOUND) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Sends the call and reads the number in the catalog's `count_header`, 0 where there is none.
    ///
    /// # Errors
    /// As [`Call::send`], and `Decode` where the header holds no number.
    pub async fn count(self) -> Result<u64> {
        let name = self.client.catalog().settings().count_header.clone();
        let response = self.send().await?;
        let Some(value) = response.headers().get(&name) else { return Ok(0) };
        value.to_str().ok().and_then(|text| text.trim().parse().ok()).ok_or_else(|| {
            response.exchange().error(ErrorKind::Decode, "body.decode", format!("the header {name} holds no number"))
        })
    }

    /// Sends the call from a program that has no async runtime; read the answer by [`block_on`].
    ///
    /// # Errors
    /// As [`Call::send`], and `Request` inside a runtime.
    pub fn send_blocking(self) -> Result<Response> {
        block_on(self.send())?
    }
}

/// A call is data: a panic leaves it as it was.
impl std::panic::UnwindSafe for Call {}
impl std::panic::RefUnwindSafe for Call {}

impl IntoFuture for Call {
    type Output = Result<Value>;
    type IntoFuture = BoxFuture<'static, Result<Value>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.fetch().await?.json().await })
    }
}

/// Shows method, path and client; arguments and headers may be secrets.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, request, options: _ } = self;
        f.debug_struct("Call")
            .field("method", &request.method)
            .field("path", &request.path)
            .field("client", client)
            .finish_non_exhaustive()
    }
}
