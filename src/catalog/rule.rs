//! Rules for the texts of the two files.

use http::HeaderValue;

use crate::{
    catalog::{policy::Rate, template},
    error::quoted,
    header,
    json::pointer::is_pointer,
};

/// A rule for a text.
pub(crate) struct Rule {
    /// What is expected, in words.
    pub(crate) said: &'static str,
    /// The same for a JSON Schema; it may be less strict.
    pub(crate) pattern: &'static str,
    pub(crate) check: fn(&str) -> Result<(), String>,
}

fn unless(fits: bool, text: &str) -> Result<(), String> {
    if fits { Ok(()) } else { Err(format!("found {}", quoted(text))) }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

pub(crate) const LINE: Rule =
    Rule { said: "a text", pattern: ".", check: |text| unless(!text.trim().is_empty(), text) };
pub(crate) const NAME: Rule = Rule {
    said: "a name of letters, digits, _ and -",
    pattern: "^[A-Za-z0-9_-]+$",
    check: |text| unless(is_name(text), text),
};
pub(super) const OPERATION_NAME: Rule = Rule {
    said: "an operation's name of letters, digits, _, - and .",
    pattern: "^[A-Za-z0-9_.-]+$",
    check: |text| unless(text.split('.').all(is_name), text),
};
pub(crate) const VARIABLE_NAME: Rule = Rule {
    said: "a variable's name",
    pattern: "^[A-Za-z_][A-Za-z0-9_-]*$",
    check: |text| unless(template::is_variable_name(text), text),
};
pub(super) const TEMPLATE: Rule =
    Rule { said: "a route such as /people/{username}", pattern: template::PATTERN, check: template::check };
/// The key of `defaults.yaml`, which must be a known route, and so is looked up instead of checked.
pub(super) const KNOWN_ROUTE: Rule = Rule { check: |_| Ok(()), ..TEMPLATE };
pub(crate) const HEADER_NAME: Rule = Rule {
    said: "a header's name",
    pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$",
    check: |text| unless(header::name(text).is_ok(), text),
};
#[cfg(feature = "environment")]
pub(crate) const COOKIE_NAME: Rule = Rule {
    said: "a cookie's name",
    check: |text| unless(http::HeaderName::try_from(text).is_ok(), text),
    ..HEADER_NAME
};
pub(crate) const HEADER_VALUE: Rule = Rule {
    said: "a header's value in one line",
    pattern: r"^[^\r\n]*$",
    check: |text| unless(HeaderValue::try_from(text).is_ok(), text),
};
pub(crate) const BASE_URL: Rule = Rule {
    said: "an http or https URL without credentials, query and fragment",
    pattern: r"^https?://[^/?#@\\\s]+(/[^?#\\\s]*)?$",
    check: |text| unless(is_base_url(text), text),
};
pub(super) const SCHEMA_PATH: Rule = Rule {
    said: "the relative path of a schema file, without ..",
    pattern: "^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$",
    check: |text| unless(text.split('/').all(is_file_name), text),
};
pub(crate) const POINTER: Rule = Rule {
    said: "a JSON pointer such as /paging/next",
    pattern: "^(/([^/~]|~[01])*)+$",
    check: |text| unless(!text.is_empty() && is_pointer(text), text),
};
pub(crate) const RATE: Rule = Rule {
    said: "a limit such as 10/s, 60/min or 1000/h",
    pattern: "^[1-9][0-9]{0,8}/(s|min|h)$",
    check: |text| unless(text.parse::<Rate>().is_ok(), text),
};

fn is_base_url(text: &str) -> bool {
    let plain = !text.contains(['?', '#', '@', '\\']) && !text.contains(char::is_whitespace);
    plain && url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

fn is_file_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}
