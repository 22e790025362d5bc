//! The one table of what the two files may hold: it checks them, and it writes their JSON Schema.

use crate::catalog::rule::{
    BASE_URL, HEADER_NAME, HEADER_VALUE, KNOWN_ROUTE, LINE, NAME, OPERATION_NAME, POINTER, RATE, Rule, SCHEMA_PATH,
    TEMPLATE, VARIABLE_NAME,
};

/// One key of a map.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) required: bool,
    pub(crate) shape: &'static Shape,
    pub(crate) doc: &'static str,
}

/// What may stand in a place.
pub(crate) enum Shape {
    Nothing,
    /// `true` or `false`.
    Flag,
    /// Any scalar, as it is written.
    Text(&'static Rule),
    /// One of some words.
    Word(&'static [&'static str]),
    /// Seconds, from [`SHORTEST_WAIT`] to [`LONGEST_WAIT`].
    Seconds,
    /// A whole number from the first to the second.
    Whole(u64, u64),
    /// At least one, none of them twice.
    List(&'static Shape),
    /// Names of one's own choice, and what each stands for.
    Named(&'static Rule, &'static Shape),
    /// The keys of a table, and no other.
    Record(&'static [Key]),
    /// The same, and at least one of them.
    Some(&'static [Key]),
    /// The first of these that fits in kind.
    Either(&'static [Shape]),
    /// The default body of a request: any map.
    Body,
    /// The default of a query name: a text, or a list or map of them.
    Query,
}

/// A millisecond, in seconds.
pub(crate) const SHORTEST_WAIT: f64 = 0.001;
/// A year, in seconds.
pub(crate) const LONGEST_WAIT: u32 = 31_536_000;

pub(crate) const fn key(name: &'static str, shape: &'static Shape, doc: &'static str) -> Key {
    Key { name, required: false, shape, doc }
}

pub(crate) const fn required(name: &'static str, shape: &'static Shape, doc: &'static str) -> Key {
    Key { name, required: true, shape, doc }
}

/// The methods that a catalog can name.
pub(super) const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

const STYLE: Shape = Shape::Word(&["repeat", "comma", "brackets", "deep_object"]);
const ENCODE: Shape = Shape::Word(&["refuse", "encode"]);
const NO_ACTOR: Shape = Shape::Word(&["none"]);

/// The whole of `resources.yaml`.
pub(super) const RESOURCES: Shape = Shape::Record(&[
    key("api", &Shape::Text(&NAME), "The name of the API."),
    key("base_url", &Shape::Text(&BASE_URL), "Where the API is, unless the client says otherwise."),
    key(
        "expand",
        &Shape::Word(&["off", "dots", "underscore"]),
        "Which separators in an argument's name open a nested object. Default: underscore, which includes dots.",
    ),
    key("json_part", &Shape::Text(&LINE), "The part of a multipart form that carries the JSON."),
    key("count_header", &Shape::Text(&HEADER_NAME), "The header that carries a total. Default: X-Total-Count."),
    key(
        "empty_body",
        &Shape::Word(&["object", "none"]),
        "What POST, PUT and PATCH carry when there is nothing to send. Default: none.",
    ),
    key("error_message", &Shape::Text(&LINE), "A refusal's message, with {names} of the answer's JSON."),
    key("query_style", &STYLE, "How lists and maps stand in a query. Default: repeat."),
    key(
        "variables",
        &Shape::Named(&VARIABLE_NAME, &Shape::Record(VARIABLE)),
        "What is special about a variable of the routes.",
    ),
    required("resources", &Shape::Named(&NAME, &Shape::Record(RESOURCE)), "The resources, each by a name."),
]);

const VARIABLE: &[Key] = &[
    key(
        "aliases",
        &Shape::Named(&LINE, &Shape::Word(&["actor"])),
        "Values that stand for another, such as :me for the actor.",
    ),
    key("adapt", &Shape::Word(&["sha1"]), "sha1: a value that is no SHA-1 in hex is replaced by its own."),
    key(
        "slash",
        &Shape::Word(&["refuse", "encode", "split"]),
        "A / in a value: refused, encoded as %2F, or a boundary of segments. Default: refuse.",
    ),
    key("percent", &ENCODE, "A value that decodes to a path separator or dot segment. Default: refuse."),
    key("blank", &ENCODE, "A value of blanks only. Default: refuse."),
    key("fallback", &Shape::Word(&["actor"]), "What a named operation fills in when nothing is given."),
    key("param", &Shape::Text(&VARIABLE_NAME), "Another name under which a named operation may give it."),
];

const RESOURCE: &[Key] = &[
    required("route", &Shape::Text(&TEMPLATE), "The path, its variables in braces."),
    key("title", &Shape::Text(&LINE), "What it is, for people."),
    key("category", &Shape::Text(&LINE), "What it belongs to, for people."),
    key("upload", &Shape::Flag, "Whether it takes or gives files."),
    key("deprecated", &Shape::Flag, "Whether it is there for old callers only."),
    key("actor", &NO_ACTOR, "none: no method needs an actor."),
    key("auth", &Shape::Text(&NAME), "By which of the client's credentials it is called: their name, or none."),
    key(
        "methods",
        &Shape::Either(&[Shape::List(&Shape::Word(METHODS)), Shape::Some(METHOD_MAP)]),
        "The methods, as a list or as a map with policies. Default: all.",
    ),
];

const POLICY_OR_NOTHING: Shape = Shape::Either(&[Shape::Nothing, Shape::Record(POLICY)]);

const METHOD_MAP: &[Key] = &[
    key("GET", &POLICY_OR_NOTHING, "Reads; HEAD is allowed with it."),
    key("HEAD", &POLICY_OR_NOTHING, "Reads the headers only."),
    key("POST", &POLICY_OR_NOTHING, "Adds or acts."),
    key("PUT", &POLICY_OR_NOTHING, "Replaces."),
    key("PATCH", &POLICY_OR_NOTHING, "Changes in part."),
    key("DELETE", &POLICY_OR_NOTHING, "Removes."),
    key("OPTIONS", &POLICY_OR_NOTHING, "Asks what is allowed."),
];

const POLICY: &[Key] = &[
    key(
        "operation",
        &Shape::Either(&[Shape::Text(&OPERATION_NAME), Shape::List(&Shape::Text(&OPERATION_NAME))]),
        "The name, or names, under which it can be called.",
    ),
    key(
        "params",
        &Shape::Named(&VARIABLE_NAME, &Shape::Text(&LINE)),
        "Values of the route's variables that the operation has by default.",
    ),
    key("body", &Shape::Body, "The default body of the operation only, in place of the route's."),
    key("query", &Shape::Named(&LINE, &Shape::Query), "Query names sent by default."),
    key(
        "headers",
        &Shape::Named(&HEADER_NAME, &Shape::Text(&HEADER_VALUE)),
        "Headers sent by default. Never a secret: those belong to the client.",
    ),
    key("query_style", &STYLE, "How lists and maps stand in its query."),
    key("actor", &NO_ACTOR, "none: the method needs no actor."),
    key("auth", &Shape::Text(&NAME), "By which of the client's credentials it is called, in place of the route's."),
    key("idempotent", &Shape::Flag, "Whether sending it twice is as good as once. Default: by the method."),
    key(
        "idempotency_key",
        &Shape::Flag,
        "Whether POST and PATCH carry an Idempotency-Key made up for each call, so that they are safe to send again.",
    ),
    key("timeout", &Shape::Seconds, "The longest that a call may take, in seconds."),
    key(
        "retry",
        &Shape::Either(&[Shape::Whole(1, 5), OFF]),
        "How often it is sent at most, the first time included, or off.",
    ),
    key(
        "limit",
        &Shape::Either(&[Shape::Text(&RATE), Shape::List(&Shape::Text(&RATE))]),
        "How often it may be called: 10/s, 60/min, 1000/h, or a list of them, all of which hold.",
    ),
    key(
        "cache",
        &Shape::Either(&[Shape::Seconds, OFF, Shape::Some(CACHING)]),
        "How long an answer that a cache keeps is fresh, in seconds, whatever it says itself; off: none is kept.",
    ),
    key(
        "affects",
        &Shape::List(&Shape::Text(&KNOWN_ROUTE)),
        "Routes of which it makes untrue what a cache keeps, with all that lies under them, besides its own path. \
         Their variables are filled from its own.",
    ),
    key(
        "paginate",
        &Shape::Either(&[Shape::Word(PAGINATE), Shape::Record(LISTING)]),
        "How the next page of a listing is found, by a word or by a map. Default: link.",
    ),
    key(
        "danger",
        &Shape::Word(&["confirm"]),
        "confirm: a person should be asked before it is sent; a caller can see it, nothing asks.",
    ),
    key("schema", &Shape::Text(&SCHEMA_PATH), "The JSON Schema of its body: a file beside this one."),
    key("deprecated", &Shape::Flag, "Whether it is there for old callers only."),
];

const CACHING: &[Key] = &[
    key("ttl", &Shape::Seconds, "How long an answer is fresh, in seconds. Default: as long as it says."),
    key(
        "shared",
        &Shape::Flag,
        "true: one answer is for all who call, where it says that it may be. Default: each has his own.",
    ),
];

const PAGINATE: &[&str] = &["link", "next", "cursor", "page", "offset", "before", "after"];

const LISTING: &[Key] = &[
    required("by", &Shape::Word(PAGINATE), "What tells where the next page is."),
    key(
        "at",
        &Shape::Text(&POINTER),
        "Where the next URL or the cursor stands in the body, or the id in an element. Default of an id: /id.",
    ),
    key("query", &Shape::Text(&LINE), "The query parameter that carries it. Default: the word of `by`."),
    key("items", &Shape::Text(&POINTER), "Where the array of elements stands in the body. Default: it is the body."),
    key("first", &Shape::Whole(0, 1_000_000), "The number of the first page. Default: 1."),
    key("size", &Shape::Whole(1, 1_000_000), "How many elements a page has: a shorter one is the last."),
    key("limit", &Shape::Text(&LINE), "The query parameter that asks for `size` elements a page."),
];

pub(crate) const OFF: Shape = Shape::Word(&["off"]);

/// The whole of `defaults.yaml`.
pub(super) const DEFAULTS: Shape = Shape::Named(&KNOWN_ROUTE, &Shape::Some(DEFAULT_BODIES));

const DEFAULT_BODIES: &[Key] = &[
    key("POST", &Shape::Body, "The default body of POST."),
    key("PUT", &Shape::Body, "The default body of PUT."),
    key("PATCH", &Shape::Body, "The default body of PATCH."),
    key("DELETE", &Shape::Body, "The default body of DELETE."),
];

/// Keys that a catalog of a stranger must not set.
pub(super) const CLIENT_ONLY: &[&str] = &[
    "auth",
    "authorization",
    "ca_certificate",
    "client_certificate",
    "client_id",
    "client_secret",
    "cookie",
    "credentials",
    "insecure",
    "issuer",
    "oauth2",
    "password",
    "proxy",
    "redirect",
    "scopes",
    "secret",
    "tls",
    "token",
    "token_url",
    "user_agent",
    "verify",
];
