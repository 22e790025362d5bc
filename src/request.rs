//! A call as data: path, method, defaults and arguments become one `http::Request<Body>`.
//!
//! Everything a caller can get wrong surfaces here, before anything is sent. No client is
//! held, nothing sleeps, sends, or reads the environment.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header::CONTENT_TYPE};

use crate::{
    body::{Body, OnProgress},
    catalog::{Catalog, MethodPolicy, Route},
    error::{Error, ErrorKind, Fault, Result, quoted},
    header,
    multipart::{self, Form, Part},
    params::{self, Argument, Defaults, Expand, Merged},
    path::Path,
    query::{self, Style},
};

mod affected;
mod base;
mod curl;
mod explain;
mod origin;

pub(crate) use base::{Base, LONGEST};
pub(crate) use curl::to_curl;
pub use explain::Explanation;
pub(crate) use origin::Origin;

/// The route template of a request, in its extensions: `/people/{username}`.
///
/// A transport that wraps another labels and traces with it, never with the filled URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlTemplate(pub Arc<str>);

/// What a client adds to every request.
pub(crate) struct Context<'a> {
    pub(crate) base: &'a Base,
    pub(crate) catalog: &'a Catalog,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) expand: Expand,
    pub(crate) style: Style,
}

/// A request but for its headers, which are composed anew for every attempt, and what the catalog says about it.
pub(crate) struct Planned<'c> {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) body: Body,
    content_type: Option<HeaderValue>,
    /// The route template, fit for messages and labels.
    pub(crate) label: Arc<str>,
    pub(crate) policy: Option<&'c MethodPolicy>,
    pub(crate) needs_actor: bool,
    /// The name of the credentials that the route asks for.
    pub(crate) auth: Option<&'c str>,
}

impl Planned<'_> {
    /// Leaves out the body, as a redirect asks that turns a request into a GET.
    pub(crate) fn drop_body(&mut self) {
        self.body = Body::empty();
        self.content_type = None;
    }
}

/// One request as it is described.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: Path,
    /// What is asked in place of path and query.
    page: Option<Uri>,
    content: Content,
    arguments: Vec<Argument>,
    query: Vec<(String, String)>,
    /// Query parameters and headers of the catalog and the client that are left out.
    dropped: (Vec<String>, Vec<HeaderName>),
    raw_query: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
    parts: Vec<Part>,
    progress: Option<OnProgress>,
    no_defaults: bool,
    pub(crate) expand: Option<Expand>,
    /// Whether it is a named operation, which may have a default body of its own.
    pub(crate) operation: bool,
    fault: Option<Fault>,
}

/// What the body is made of.
#[derive(Clone)]
enum Content {
    /// Defaults and arguments, merged.
    Arguments,
    /// JSON text that replaces both, and its content type.
    Json(String, &'static str),
    /// Pairs for `application/x-www-form-urlencoded`.
    Form(Vec<(String, String)>),
    Raw(Body, HeaderValue),
}

const JSON: &str = "application/json";

impl Request {
    pub(crate) fn new(method: Method, path: Path) -> Self {
        Self {
            method,
            path,
            page: None,
            content: Content::Arguments,
            arguments: Vec::new(),
            query: Vec::new(),
            dropped: Default::default(),
            raw_query: None,
            headers: Vec::new(),
            parts: Vec::new(),
            progress: None,
            no_defaults: false,
            expand: None,
            operation: false,
            fault: None,
        }
    }

    /// Keeps the first mistake.
    pub(crate) fn note<T>(&mut self, result: std::result::Result<T, Fault>) -> Option<T> {
        result.map_err(|fault| self.fault.get_or_insert(fault)).ok()
    }

    pub(crate) fn argument(&mut self, argument: Argument) {
        if !matches!(self.content, Content::Arguments) {
            let fault = "a body was given whole, so it has no arguments to merge; use either .set and .json, or .data";
            self.note::<()>(Err(Fault::request(fault)));
        }
        self.arguments.push(argument);
    }

    fn whole(&mut self, content: Content) {
        if !matches!(self.content, Content::Arguments) || !self.arguments.is_empty() {
            let fault = "a call has one body; .data, .form, .body and the patches replace everything, \
                         so they go with nothing else";
            self.note::<()>(Err(Fault::request(fault)));
        }
        self.content = content;
    }

    pub(crate) fn data(&mut self, json: String) {
        self.whole(Content::Json(json, JSON));
    }

    pub(crate) fn patch(&mut self, json: String, content_type: &'static str) {
        self.whole(Content::Json(json, content_type));
    }

    pub(crate) fn form(&mut self, pairs: Vec<(String, String)>) {
        self.whole(Content::Form(pairs));
    }

    pub(crate) fn raw(&mut self, body: Bytes, content_type: &str) {
        let value = HeaderValue::from_str(content_type)
            .map_err(|_| Fault::request(format!("{} is no content type", quoted(content_type))));
        if let Some(value) = self.note(value) {
            self.whole(Content::Raw(Body::from(body), value));
        }
    }

    pub(crate) fn query(&mut self, name: String, json: String) {
        self.query.push((name, json));
    }

    pub(crate) fn drop_query(&mut self, name: String) {
        self.dropped.0.push(name);
    }

    pub(crate) fn drop_header(&mut self, name: &str) {
        if let Some(name) = self.note(header::name(name)) {
            self.headers.retain(|(own, _)| *own != name);
            self.dropped.1.push(name);
        }
    }

    pub(crate) fn raw_query(&mut self, text: &str) {
        if self.note(query::check_raw(text).map_err(Fault::request)).is_some() {
            self.raw_query = Some(text.to_owned());
        }
    }

    pub(crate) fn header(&mut self, name: &str, value: &str) {
        if let Some(header) = self.note(header::header(name, value)) {
            self.dropped.1.retain(|name| *name != header.0);
            self.headers.push(header);
        }
    }

    pub(crate) fn part(&mut self, part: Part) {
        self.parts.push(part);
    }

    pub(crate) fn progress(&mut self, progress: OnProgress) {
        self.progress = Some(progress);
    }

    /// Asks for `uri`, a further page of the same listing, in place of path and query.
    pub(crate) fn turn(&mut self, uri: Uri) {
        self.page = Some(uri);
    }

    pub(crate) fn no_defaults(&mut self) {
        self.no_defaults = true;
    }

    /// The request as data, credentials excepted; or the first mistake made in describing it.
    pub(crate) fn plan<'c>(&self, context: &Context<'c>) -> Result<Planned<'c>> {
        self.planned(context)
            .map_err(|error| error.with_call(&self.method, Some(&Arc::from(self.path.label(context.catalog))), 0))
    }

    fn planned<'c>(&self, context: &Context<'c>) -> Result<Planned<'c>> {
        let route = self.route(context.catalog)?;
        let policy = route.and_then(|route| route.policy(&self.method));
        let uri = if let Some(page) = &self.page {
            page.clone()
        } else {
            let query = self.query_string(context, policy)?;
            context.base.uri(self.path.as_str(), self.path.segments(), &query)?
        };
        let (body, content_type) = self.body(context, route)?;
        let label = match route {
            Some(route) => Arc::clone(route.shared_template()),
            None => Arc::from(self.path.label(context.catalog)),
        };
        let needs_actor = route.is_none_or(|route| route.needs_actor(&self.method));
        let auth = route.and_then(|route| route.auth(&self.method));
        Ok(Planned { method: self.method.clone(), uri, body, content_type, label, policy, needs_actor, auth })
    }

    /// The request as data, whole but for its credentials; or the first mistake made in describing it.
    pub(crate) fn build(&self, context: &Context<'_>) -> Result<http::Request<Body>> {
        let plan = self.plan(context)?;
        let headers =
            self.compose(context, &plan).map_err(|error| error.with_call(&self.method, Some(&plan.label), 0))?;
        let mut request = http::Request::new(plan.body);
        *request.method_mut() = plan.method;
        *request.uri_mut() = plan.uri;
        *request.headers_mut() = headers;
        request.extensions_mut().insert(UrlTemplate(plan.label));
        Ok(request)
    }

    /// Whether it is a GET with the headers of the client alone, at the place that its path names.
    pub(crate) fn is_plain(&self, plan: &Planned<'_>) -> bool {
        let own = self.headers.is_empty() && self.dropped.1.is_empty() && self.page.is_none();
        own && self.method == Method::GET && plan.policy.is_none_or(|policy| policy.headers.is_empty())
    }

    /// Whether the call itself sets this header.
    pub(crate) fn sets(&self, name: &HeaderName) -> bool {
        self.headers.iter().any(|(own, _)| own == name)
    }

    /// The headers of the call itself that hold credentials.
    pub(crate) fn secrets(&self) -> Vec<(&HeaderName, &HeaderValue)> {
        self.headers.iter().filter(|(_, value)| value.is_sensitive()).map(|(name, value)| (name, value)).collect()
    }

    /// The declared route, `None` in an open catalog; the first mistake of path and arguments otherwise.
    pub(crate) fn route<'c>(&self, catalog: &'c Catalog) -> Result<Option<&'c Arc<Route>>> {
        if let Some(fault) = self.path.fault().or(self.fault.as_ref()) {
            return Err(fault.clone().into());
        }
        if catalog.is_open() {
            return Ok(None);
        }
        let Some(route) = self.path.route(catalog) else {
            let next = self.path.continuations(catalog);
            return Err(Fault::path(format!("{} is no resource of its own{next}", self.path.label(catalog))).into());
        };
        if !route.allows(&self.method) {
            let methods: Vec<_> = route.policies().map(|policy| policy.method().as_str()).collect();
            return Err(Fault::path(format!(
                "{} is not declared for {}; it has {}",
                self.method,
                route.template(),
                methods.join(", ")
            ))
            .into());
        }
        Ok(Some(route))
    }

    fn query_string(&self, context: &Context<'_>, policy: Option<&MethodPolicy>) -> Result<String> {
        let mut out = self.raw_query.clone().unwrap_or_default();
        let defaults = policy.filter(|_| !self.no_defaults).map_or(&[][..], |policy| &policy.query);
        let stays =
            |name: &String| !self.dropped.0.contains(name) && !self.query.iter().any(|(given, _)| given == name);
        let inherited = defaults.iter().filter(|(name, _)| stays(name));
        let pairs = inherited.chain(&self.query).map(|(name, value)| (name.as_str(), value.as_str()));
        let style = policy.and_then(|policy| policy.query_style).unwrap_or(context.style);
        query::write(&mut out, pairs, style)
            .map_err(|why| Error::coded(ErrorKind::Request, "invalid_input.query", why))?;
        Ok(out)
    }

    /// The headers of one attempt, from scratch: the client's, the catalog's, the body's, the call's own.
    pub(crate) fn compose(&self, context: &Context<'_>, plan: &Planned<'_>) -> Result<HeaderMap> {
        let mut headers = context.headers.clone();
        for (name, value) in plan.policy.map_or(&[][..], |policy| &policy.headers) {
            headers.insert(name, value.clone());
        }
        match plan.content_type.clone() {
            // What a merged body is comes last: a header of the client or the catalog may be more exact.
            Some(json) if matches!(self.content, Content::Arguments) && self.parts.is_empty() => {
                headers.entry(CONTENT_TYPE).or_insert(json);
            }
            Some(given) => {
                headers.insert(CONTENT_TYPE, given);
            }
            None => {
                headers.remove(CONTENT_TYPE);
            }
        }
        for name in &self.dropped.1 {
            headers.remove(name);
        }
        if !self.parts.is_empty() && (self.sets(&CONTENT_TYPE) || self.dropped.1.contains(&CONTENT_TYPE)) {
            return Err(
                Fault::request("the Content-Type of a form with files holds its boundary and cannot be set").into()
            );
        }
        header::put(&mut headers, &self.headers);
        header::limit(&headers)?;
        Ok(headers)
    }

    /// The body that the call begins with.
    fn defaults<'a>(&self, route: Option<&'a Arc<Route>>) -> Option<&'a Defaults> {
        let route = route.filter(|_| !self.no_defaults);
        let own = route.filter(|_| self.operation).and_then(|route| route.policy(&self.method)?.body());
        own.or_else(|| route?.defaults(&self.method))
    }

    /// The merge of defaults and arguments.
    fn merged<'a>(&'a self, context: &'a Context<'_>, route: Option<&'a Arc<Route>>) -> Result<Merged<'a>> {
        let defaults = self.defaults(route);
        let expand = self.expand.unwrap_or(context.expand);
        params::merge(defaults, &self.arguments, expand).map_err(|why| Fault::request(why).into())
    }

    fn body(&self, context: &Context<'_>, route: Option<&Arc<Route>>) -> Result<(Body, Option<HeaderValue>)> {
        let (body, content_type) = match &self.content {
            _ if !self.parts.is_empty() => self.multipart(context)?,
            // Nothing is merged in vain, for that is what most GETs have.
            Content::Arguments if matches!(self.method, Method::GET | Method::HEAD) && self.is_bare(route) => {
                return Ok((Body::empty(), None));
            }
            Content::Arguments => {
                let merged = self.merged(context, route)?;
                if !self.sends(&merged, context) {
                    return Ok((Body::empty(), None));
                }
                (Body::from(merged.to_vec()), HeaderValue::from_static(JSON))
            }
            Content::Json(text, content_type) => (Body::from(text.clone()), HeaderValue::from_static(content_type)),
            Content::Form(pairs) => {
                let mut text = String::new();
                query::write(&mut text, pairs.iter().map(|(a, b)| (a.as_str(), b.as_str())), context.style)
                    .map_err(|why| Error::coded(ErrorKind::Request, "invalid_input.body", why))?;
                (Body::from(text), HeaderValue::from_static("application/x-www-form-urlencoded"))
            }
            Content::Raw(body, content_type) => (body.clone(), content_type.clone()),
        };
        if matches!(self.method, Method::GET | Method::HEAD) {
            let fault = format!("{} carries no body; give its parameters with .query(name, value)", self.method);
            return Err(Error::coded(ErrorKind::Request, "invalid_input.body", fault));
        }
        Ok((self.watched(body), Some(content_type)))
    }

    /// Whether there is nothing to merge.
    fn is_bare(&self, route: Option<&Arc<Route>>) -> bool {
        self.arguments.is_empty() && self.defaults(route).is_none()
    }

    /// Whether a merged body is sent: it holds something, was asked for, or the catalog wants `{}`.
    fn sends(&self, merged: &Merged<'_>, context: &Context<'_>) -> bool {
        let asked =
            self.arguments.iter().any(|argument| !matches!(argument, Argument::Unset(_) | Argument::UnsetAt(_)));
        let wanted = matches!(self.method, Method::POST | Method::PUT | Method::PATCH);
        asked || !merged.is_empty() || (wanted && context.catalog.settings().empty_body)
    }

    /// The JSON that travels beside files: the merged body, only if it holds something.
    fn json_part(&self, context: &Context<'_>) -> Result<Option<String>> {
        match &self.content {
            Content::Json(text, JSON) => Ok(Some(text.clone())),
            Content::Arguments => {
                let merged = self.merged(context, self.route(context.catalog)?)?;
                Ok((!merged.is_empty()).then(|| String::from_utf8_lossy(&merged.to_vec()).into_owned()))
            }
            _ => {
                let fault =
                    "files travel beside JSON arguments only; give other fields by .upload(Part::text(name, value))";
                Err(Fault::request(fault).into())
            }
        }
    }

    fn multipart(&self, context: &Context<'_>) -> Result<(Body, HeaderValue)> {
        let name = context.catalog.settings().json_part();
        let json = self.json_part(context)?.map(|json| (name.to_owned(), json));
        let mut random = [0; 16];
        getrandom::fill(&mut random)
            .map_err(|error| Error::new(ErrorKind::Request, format!("no randomness for a boundary: {error}")))?;
        let (body, content_type) = Form::new(json, self.parts.clone()).render(&multipart::boundary(random))?;
        let content_type = HeaderValue::try_from(content_type)
            .map_err(|_| Error::from(Fault::request("the boundary cannot stand in a header")))?;
        Ok((body, content_type))
    }

    fn watched(&self, body: Body) -> Body {
        match &self.progress {
            Some(progress) => body.with_progress(progress.clone()),
            None => body,
        }
    }
}
