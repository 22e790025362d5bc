//! Checked nodes of `resources.yaml` as typed values.

use std::{collections::HashMap, str::FromStr, sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue, Method};

use crate::{
    catalog::{
        paginate::{By, Paginate},
        policy::{Attempts, Caching, MethodPolicy},
        preset::{MOST_REMARKS, Preset, write_texts},
        route::{Adapt, Alias, Route, Slash, Variable},
        scalar::Scalar,
        settings::{EXPAND, STYLES, Settings},
        template::{self, Part},
        yaml::{Kind, View},
    },
    error::{Result, quoted},
    header::is_secret,
    params::Expand,
};

/// The settings of a whole file.
pub(super) fn settings(root: View<'_>) -> Settings {
    let mut settings = Settings::new(Expand::Underscore);
    for (key, value) in root.pairs() {
        match key.text() {
            "expand" => settings.expand = spelled(&EXPAND, value).unwrap_or(settings.expand),
            "json_part" => settings.json_part = Some(owned(value)),
            "count_header" => settings.count_header = owned(value),
            "empty_body" => settings.empty_body = value.text() == "object",
            "error_message" => settings.error_message = Some(owned(value)),
            "query_style" => settings.query_style = spelled(&STYLES, value).unwrap_or_default(),
            _ => {}
        }
    }
    settings
}

/// A variable that the file declares.
pub(super) fn variable(name: View<'_>, view: View<'_>) -> Variable {
    let mut variable = Variable::new(name.text());
    for (key, value) in view.pairs() {
        match key.text() {
            "aliases" => variable.aliases = value.pairs().map(|(name, _)| (owned(name), Alias::Actor)).collect(),
            "adapt" => variable.adapt = Some(Adapt::Sha1),
            "slash" => {
                variable.slash = match value.text() {
                    "encode" => Slash::Encode,
                    "split" => Slash::Split,
                    _ => Slash::Refuse,
                }
            }
            "percent" => variable.percent = value.text() == "encode",
            "blank" => variable.blank = value.text() == "encode",
            "fallback" => variable.fallback_actor = true,
            "param" => variable.param = Some(owned(value)),
            _ => {}
        }
    }
    variable
}

/// Reads routes, and collects what is worth a remark.
pub(super) struct Reader {
    file: Arc<str>,
    pub(super) lint: Vec<String>,
}

impl Reader {
    pub(super) fn new(file: &str) -> Self {
        Self { file: Arc::from(file), lint: Vec::new() }
    }

    pub(super) fn route(&mut self, name: View<'_>, resource: View<'_>) -> Result<Route> {
        let mut route = Route { name: owned(name), ..Route::default() };
        for (key, value) in resource.pairs() {
            match key.text() {
                "route" => route.template = Arc::from(value.text()),
                "title" => route.title = Some(owned(value)),
                "category" => route.category = Some(owned(value)),
                "upload" => route.upload = is_true(value),
                "deprecated" => route.deprecated = is_true(value),
                "actor" => route.actorless = true,
                "auth" => route.auth = Some(self.credentials(value)),
                _ => {}
            }
        }
        if let Some(methods) = resource.get("methods") {
            route.policies = Some(self.policies(&route.template, methods)?);
        }
        Ok(route)
    }

    /// The name of credentials; one that looks like a word for none is remarked.
    fn credentials(&mut self, name: View<'_>) -> String {
        let nothing = ["None", "NONE", "off", "no", "null", "anonymous"].contains(&name.text());
        if nothing && self.lint.len() < MOST_REMARKS {
            let text = quoted(name.text());
            self.lint.push(name.remark(format_args!("{text} names credentials; none means that none are sent")));
        }
        owned(name)
    }

    fn policies(&mut self, template: &str, methods: View<'_>) -> Result<Vec<MethodPolicy>> {
        let method = |view: View<'_>| view.text().parse::<Method>().unwrap_or_default();
        if methods.kind() == Kind::List {
            return Ok(methods.items().map(|item| MethodPolicy::new(method(item))).collect());
        }
        methods.pairs().map(|(name, policy)| self.policy(template, method(name), policy)).collect()
    }

    fn policy(&mut self, template: &str, method: Method, view: View<'_>) -> Result<MethodPolicy> {
        let mut policy = MethodPolicy::new(method);
        for (key, value) in view.pairs() {
            match key.text() {
                "operation" => policy.operations = texts(value),
                "params" => policy.params = params(template, value)?,
                "body" => policy.body = Some(self.operation_body(&policy.method, key, value)?),
                "query" => policy.query = self.query(value)?,
                "headers" => policy.headers = headers(value)?,
                "query_style" => policy.query_style = spelled(&STYLES, value),
                "actor" => policy.actorless = true,
                "auth" => policy.auth = Some(self.credentials(value)),
                "idempotent" => policy.idempotent = Some(is_true(value)),
                "idempotency_key" => policy.idempotency_key = is_true(value),
                "timeout" => policy.timeout = seconds(value),
                "retry" => policy.retry = Some(number(value).map_or(Attempts::Off, Attempts::AtMost)),
                "limit" => policy.limits = texts(value).iter().filter_map(|text| text.parse().ok()).collect(),
                "cache" => policy.cache = Some(caching(&policy.method, key, value)?),
                "affects" => policy.affects = affects(&policy.method, key, value)?,
                "paginate" => policy.paginate = Some(paginate(value)?),
                "danger" => policy.confirm = true,
                "schema" => policy.schema = Some(owned(value)),
                "deprecated" => policy.deprecated = is_true(value),
                _ => {}
            }
        }
        if policy.idempotency_key && !matches!(policy.method, Method::POST | Method::PATCH) {
            let at = view.get("idempotency_key").unwrap_or(view);
            return Err(
                at.error(format_args!("only POST and PATCH carry an idempotency key, {} does not", policy.method))
            );
        }
        match view.pairs().find(|(key, _)| matches!(key.text(), "params" | "body")) {
            Some((key, _)) if policy.operations.is_empty() => {
                Err(key.error(format_args!("{} is for a method with an operation only", quoted(key.text()))))
            }
            _ => Ok(policy),
        }
    }

    fn operation_body(&mut self, method: &Method, key: View<'_>, value: View<'_>) -> Result<Preset> {
        if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return Err(key.error(format_args!("{method} carries no body")));
        }
        Preset::read(&self.file, value, &mut self.lint)
    }

    fn query(&mut self, view: View<'_>) -> Result<Vec<(String, String)>> {
        let mut query = Vec::new();
        for (name, value) in view.pairs() {
            refuse_secret(name, "query name")?;
            let mut text = String::new();
            write_texts(value, &mut text, &mut self.lint);
            query.push((owned(name), text));
        }
        Ok(query)
    }
}

fn params(template: &str, view: View<'_>) -> Result<Vec<(String, String)>> {
    let mut params = Vec::new();
    for (name, value) in view.pairs() {
        if template::parts(template).all(|part| part != Part::Variable(name.text())) {
            return Err(name.error(format_args!("{} has no variable {}", quoted(template), quoted(name.text()))));
        }
        params.push((owned(name), owned(value)));
    }
    Ok(params)
}

fn caching(method: &Method, key: View<'_>, value: View<'_>) -> Result<Caching> {
    let ttl = value.get("ttl").or(Some(value)).and_then(seconds);
    let caching = Caching {
        off: value.kind() != Kind::Map && ttl.is_none(),
        ttl,
        shared: value.get("shared").is_some_and(is_true),
    };
    if caching.off || matches!(*method, Method::GET | Method::HEAD) {
        return Ok(caching);
    }
    Err(key.error(format_args!("answers of GET and HEAD are kept, those of {method} are not")))
}

fn affects(method: &Method, key: View<'_>, value: View<'_>) -> Result<Vec<String>> {
    if method.is_safe() {
        return Err(key.error(format_args!("{method} changes nothing, so it makes nothing untrue")));
    }
    Ok(texts(value))
}

fn paginate(view: View<'_>) -> Result<Paginate> {
    let mut listing = Paginate::of(spelled(&By::ALL, view).unwrap_or_default());
    for (key, value) in view.pairs() {
        match key.text() {
            "by" => listing.by = spelled(&By::ALL, value).unwrap_or_default(),
            "at" => listing.at = Some(owned(value)),
            "query" => listing.query = Some(owned(value)),
            "items" => listing.items = Some(owned(value)),
            "first" => listing.first = number(value),
            "size" => listing.size = number(value),
            "limit" => listing.limit = Some(owned(value)),
            _ => {}
        }
    }
    match listing.mistake() {
        None => Ok(listing),
        Some((key, why)) => {
            Err(view.pairs().map(|(name, _)| name).find(|name| name.text() == key).unwrap_or(view).error(why))
        }
    }
}

fn headers(view: View<'_>) -> Result<Vec<(HeaderName, HeaderValue)>> {
    let mut headers: Vec<(HeaderName, HeaderValue)> = Vec::new();
    let mut seen: HashMap<HeaderName, View<'_>> = HashMap::new();
    for (name, value) in view.pairs() {
        refuse_secret(name, "header")?;
        // Both were tried before; a failure here would only leave the header out.
        if let (Ok(header), Ok(content)) = (HeaderName::try_from(name.text()), HeaderValue::try_from(value.text())) {
            if let Some(first) = seen.insert(header.clone(), name) {
                let (text, place) = (quoted(name.text()), first.place());
                return Err(name.error(format_args!("the header {text} stands twice; the first is at {place}")));
            }
            headers.push((header, content));
        }
    }
    Ok(headers)
}

fn refuse_secret(name: View<'_>, what: &str) -> Result<()> {
    if !is_secret(name.text()) {
        return Ok(());
    }
    let said = quoted(name.text());
    Err(name.error(format_args!(
        "the {what} {said} carries a secret, and secrets do not belong in a catalog; give it to the client's `auth`"
    )))
}

fn owned(view: View<'_>) -> String {
    view.text().to_owned()
}

pub(crate) fn is_true(view: View<'_>) -> bool {
    view.scalar() == Scalar::Bool(true)
}

#[cfg(feature = "environment")]
pub(crate) fn is_false(view: View<'_>) -> bool {
    view.scalar() == Scalar::Bool(false)
}

pub(crate) fn number<T: FromStr>(view: View<'_>) -> Option<T> {
    if let Scalar::Number(number) = view.scalar() { number.parse().ok() } else { None }
}

pub(crate) fn seconds(view: View<'_>) -> Option<Duration> {
    number(view).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

/// One text, or the texts of a list.
pub(crate) fn texts(view: View<'_>) -> Vec<String> {
    if view.kind() == Kind::List { view.items().map(owned).collect() } else { vec![owned(view)] }
}

fn spelled<T: Copy>(table: &[(T, &str)], view: View<'_>) -> Option<T> {
    table.iter().find(|(_, name)| *name == view.text()).map(|(value, _)| *value)
}
