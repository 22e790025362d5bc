//! An item as a command line has it; what is parsed and written parses to the same again.

use std::fmt;

use super::{Keys, SPECIAL, Step, Value, What};

/// A key without nesting, its special characters escaped.
struct Plain<'a>(&'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            if SPECIAL.contains(char) {
                f.write_str("\\")?;
            }
            write!(f, "{char}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(at) => write!(f, "[{at}]")?,
                Step::Append => f.write_str("[]")?,
                Step::Name { text, literal: false } => {
                    write!(f, "{}{}", if index == 0 { "" } else { "." }, Plain(text))?;
                }
                // Digits would be an index.
                Step::Name { text, .. } if text.bytes().all(|byte| byte.is_ascii_digit()) => write!(f, "[\\{text}]")?,
                Step::Name { text, .. } => write!(f, "[{}]", Plain(text))?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body { keys, value, .. } => value.write(f, &keys.to_string(), ["=", ":=", "=@", ":=@"]),
            Self::Unset { keys } => write!(f, "{keys}!"),
            Self::Query { name, value } => value.write(f, &Plain(name).to_string(), ["==", "", "==@", ""]),
            Self::UnsetQuery { name } => write!(f, "{}==!", Plain(name)),
            Self::Header { name, value: Value::Text(text) } if text.is_empty() => write!(f, "{};", Plain(name)),
            Self::Header { name, value } => value.write(f, &Plain(name).to_string(), [":", "", ":@", ""]),
            Self::UnsetHeader { name } => write!(f, "{}:", Plain(name)),
            Self::File { field, path, content_type, file_name } => {
                write!(f, "{}@{}", Plain(field), path.replace(';', "\\;"))?;
                content_type.iter().try_for_each(|of| write!(f, ";type={of}"))?;
                file_name.iter().try_for_each(|of| write!(f, ";filename={of}"))
            }
            Self::Base { path } => write!(f, "@{path}"),
        }
    }
}

impl Value {
    /// Writes it behind `key`, with the separator for text, JSON, a file of text, a file of JSON.
    fn write(
        &self,
        f: &mut fmt::Formatter<'_>,
        key: &str,
        [text, json, text_file, json_file]: [&str; 4],
    ) -> fmt::Result {
        match self {
            Self::Text(value) => write!(f, "{key}{text}{value}"),
            Self::Json(value) => write!(f, "{key}{json}{value}"),
            Self::TextFile(path) => write!(f, "{key}{text_file}{path}"),
            Self::JsonFile(path) => write!(f, "{key}{json_file}{path}"),
        }
    }
}
