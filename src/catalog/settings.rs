//! What a catalog says about its API as a whole.

use crate::{params::Expand, query::Style};

/// What a catalog says about its API as a whole.
#[derive(Debug, Clone)]
#[cfg_attr(test, derive(PartialEq))]
pub(crate) struct Settings {
    pub(crate) expand: Expand,
    /// The part of a form that carries the JSON, where the catalog names one.
    pub(crate) json_part: Option<String>,
    pub(crate) count_header: String,
    /// Whether POST, PUT and PATCH carry `{}` when there is nothing to send.
    pub(crate) empty_body: bool,
    /// A refusal's message, with `{names}` of the answer's JSON.
    pub(crate) error_message: Option<String>,
    pub(crate) query_style: Style,
}

impl Settings {
    /// Those of a file that is silent; an open catalog expands dots only.
    pub(super) fn new(expand: Expand) -> Self {
        Self {
            expand,
            json_part: None,
            count_header: COUNT_HEADER.to_owned(),
            empty_body: false,
            error_message: None,
            query_style: Style::default(),
        }
    }

    /// The part of a form that carries the JSON: `json` unless the catalog names one.
    pub(crate) fn json_part(&self) -> &str {
        self.json_part.as_deref().unwrap_or("json")
    }
}

pub(super) const COUNT_HEADER: &str = "X-Total-Count";

/// The spellings of [`Expand`] in a file.
pub(super) const EXPAND: [(Expand, &str); 3] =
    [(Expand::Off, "off"), (Expand::Dots, "dots"), (Expand::Underscore, "underscore")];

/// The spellings of [`Style`] in a file.
pub(super) const STYLES: [(Style, &str); 4] = [
    (Style::Repeat, "repeat"),
    (Style::Comma, "comma"),
    (Style::Brackets, "brackets"),
    (Style::DeepObject, "deep_object"),
];
