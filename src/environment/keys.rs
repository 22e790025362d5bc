//! The table of what `restwalk.yaml` may hold.

use crate::catalog::strict::{
    BASE_URL, COOKIE_NAME, HEADER_NAME, HEADER_VALUE, Key, LINE, NAME, OFF, RATE, Shape, VARIABLE_NAME, key, required,
};

/// The whole of the file.
pub(super) const FILE: Shape = Shape::Record(&[
    key("default", &Shape::Text(&NAME), "The environment that is used when none is named."),
    key("environments", &Shape::Named(&NAME, &Shape::Record(ENVIRONMENT)), "The environments, each by a name."),
]);

const LINE_TEXT: Shape = Shape::Text(&LINE);

const ENVIRONMENT: &[Key] = &[
    key("base_url", &Shape::Text(&BASE_URL), "Where the API is. Default: where the catalog says."),
    key(
        "catalog",
        &LINE_TEXT,
        "Its resources.yaml, relative to this file; or max, the embedded one. Default: any path is allowed.",
    ),
    key("defaults", &LINE_TEXT, "Its defaults.yaml, relative to this file."),
    key("actor", &LINE_TEXT, "Who acts."),
    key(
        "headers",
        &Shape::Named(&HEADER_NAME, &Shape::Text(&HEADER_VALUE)),
        "Headers of every request. One that holds a credential takes a reference, as auth does.",
    ),
    key("variables", &Shape::Named(&VARIABLE_NAME, &LINE_TEXT), "What {names} in the base URL's host stand for."),
    key("auth", &Shape::Some(AUTH), "How it signs in: one of these."),
    key(
        "auth_as",
        &Shape::Named(&NAME, &Shape::Some(AUTH)),
        "Other credentials, by the names that the catalog's routes have for them.",
    ),
    key("timeout", &Shape::Seconds, "The longest that a call may take, in seconds. Default: 60."),
    key(
        "retry",
        &Shape::Either(&[Shape::Whole(1, 5), OFF]),
        "How often a request is sent at most, the first time included, or off. Default: 3.",
    ),
    key(
        "limit",
        &Shape::Either(&[Shape::Text(&RATE), Shape::List(&Shape::Text(&RATE))]),
        "How often the API may be called: 10/s, 60/min, 1000/h, or a list of them, all of which hold.",
    ),
    key("proxy", &LINE_TEXT, "The URL of a proxy, or none. Default: as the environment's variables say."),
    key("ca_certificate", &LINE_TEXT, "A file of CA certificates in PEM that are trusted as well as the system's."),
    key(
        "client_certificate",
        &LINE_TEXT,
        "The certificate that is shown to the server, and its key: a reference to PEM, such as file:me.pem.",
    ),
];

const AUTH: &[Key] = &[
    key("bearer", &LINE_TEXT, "A bearer token."),
    key("basic", &Shape::Record(BASIC), "HTTP Basic."),
    key("digest", &Shape::Record(BASIC), "HTTP Digest."),
    key("api_key", &Shape::Record(API_KEY), "A key in a header, in the query or in a cookie."),
    key("scheme", &Shape::Record(SCHEME), "A token under another scheme."),
    key("template", &Shape::Record(TEMPLATE), "Headers with names in braces; {actor} is who acts."),
];

const BASIC: &[Key] =
    &[required("user", &LINE_TEXT, "The user's name."), required("password", &LINE_TEXT, "The password.")];

const API_KEY: &[Key] = &[
    key("header", &Shape::Text(&HEADER_NAME), "The header that carries it."),
    key("query", &LINE_TEXT, "The query parameter that carries it."),
    key("cookie", &Shape::Text(&COOKIE_NAME), "The cookie that carries it."),
    required("value", &LINE_TEXT, "The key."),
];

const SCHEME: &[Key] = &[
    required("name", &Shape::Text(&HEADER_NAME), "The scheme, such as JWT."),
    required("value", &LINE_TEXT, "The token."),
];

const TEMPLATE: &[Key] = &[
    required("headers", &Shape::Named(&HEADER_NAME, &Shape::Text(&HEADER_VALUE)), "The headers."),
    key("values", &Shape::Named(&VARIABLE_NAME, &LINE_TEXT), "What the names in braces stand for."),
];
