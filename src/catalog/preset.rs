//! Default bodies as a file gives them, compiled when they are first needed.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use crate::{
    catalog::{
        scalar::{Scalar, ambiguity},
        yaml::{Kind, View},
    },
    error::{Result, quoted},
    json,
    params::{Defaults, Seed},
};

/// A default body.
#[derive(Clone)]
pub(crate) struct Preset {
    file: Arc<str>,
    seed: Seed,
    compiled: OnceLock<Defaults>,
}

impl Preset {
    /// Reads the map at `view`; scalars that readers take differently are added to `lint`.
    ///
    /// # Errors
    /// It holds a number that JSON cannot.
    pub(super) fn read(file: &Arc<str>, view: View<'_>, lint: &mut Vec<String>) -> Result<Self> {
        let seed = seed(view, view.line(), lint)?;
        Ok(Self { file: Arc::clone(file), seed, compiled: OnceLock::new() })
    }

    /// A body whose file is not known yet.
    #[cfg(feature = "compiled")]
    pub(super) fn new(seed: Seed) -> Self {
        Self { file: Arc::from(""), seed, compiled: OnceLock::new() }
    }

    /// Says which file it stands in, before it is asked for.
    #[cfg(feature = "compiled")]
    pub(super) fn set_file(&mut self, file: &Arc<str>) {
        self.file = Arc::clone(file);
    }

    #[cfg(feature = "compiled")]
    pub(super) fn file(&self) -> &str {
        &self.file
    }

    #[cfg(feature = "compiled")]
    pub(super) fn seed(&self) -> &Seed {
        &self.seed
    }

    pub(crate) fn defaults(&self) -> &Defaults {
        self.compiled.get_or_init(|| Defaults::new(Arc::clone(&self.file), self.seed.clone()))
    }

    /// The whole body as JSON text.
    pub(super) fn json(&self) -> String {
        let mut out = String::new();
        write_seed(&self.seed, &mut out);
        out
    }
}

impl fmt::Debug for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.json())
    }
}

#[cfg(test)]
impl PartialEq for Preset {
    fn eq(&self, other: &Self) -> bool {
        self.json() == other.json()
    }
}

/// The tree of a map, each key with its line; what is no map is JSON text.
fn seed(view: View<'_>, line: u32, lint: &mut Vec<String>) -> Result<Seed> {
    if view.kind() != Kind::Map {
        let mut json = String::new();
        write_json(view, &mut json, lint)?;
        return Ok(Seed::Leaf { json, line });
    }
    let mut entries = Vec::new();
    for (key, value) in view.pairs() {
        note(key, lint);
        entries.push((key.text().to_owned(), seed(value, key.line(), lint)?));
    }
    Ok(Seed::Object { entries, line })
}

/// Appends what stands at `view` as JSON.
///
/// # Errors
/// It holds a number that JSON cannot.
pub(super) fn write_json(view: View<'_>, out: &mut String, lint: &mut Vec<String>) -> Result<()> {
    match view.kind() {
        Kind::Map => {
            out.push('{');
            for (index, (key, value)) in view.pairs().enumerate() {
                note(key, lint);
                separate(index, out);
                write_text(key.text(), out);
                out.push(':');
                write_json(value, out, lint)?;
            }
            out.push('}');
        }
        Kind::List => {
            out.push('[');
            for (index, item) in view.items().enumerate() {
                separate(index, out);
                write_json(item, out, lint)?;
            }
            out.push(']');
        }
        Kind::Plain | Kind::Quoted => {
            note(view, lint);
            match view.scalar() {
                Scalar::Null => out.push_str("null"),
                Scalar::Bool(value) => out.push_str(if value { "true" } else { "false" }),
                Scalar::Number(number) => out.push_str(&number),
                Scalar::Text => write_text(view.text(), out),
                Scalar::NotFinite => {
                    let said = quoted(view.text());
                    return Err(
                        view.error(format_args!("JSON has no infinity and no NaN; quote {said} to mean the text"))
                    );
                }
            }
        }
    }
    Ok(())
}

/// Appends a query default: every scalar is a text, as it is written.
pub(super) fn write_texts(view: View<'_>, out: &mut String, lint: &mut Vec<String>) {
    match view.kind() {
        Kind::Map => {
            out.push('{');
            for (index, (key, value)) in view.pairs().enumerate() {
                separate(index, out);
                write_text(key.text(), out);
                out.push(':');
                write_texts(value, out, lint);
            }
            out.push('}');
        }
        Kind::List => {
            out.push('[');
            for (index, item) in view.items().enumerate() {
                separate(index, out);
                write_texts(item, out, lint);
            }
            out.push(']');
        }
        Kind::Plain | Kind::Quoted => {
            note(view, lint);
            write_text(view.text(), out);
        }
    }
}

fn separate(index: usize, out: &mut String) {
    if index > 0 {
        out.push(',');
    }
}

fn write_text(text: &str, out: &mut String) {
    out.reserve_exact(text.len() + 2);
    out.push('"');
    out.push_str(&json::escape(text));
    out.push('"');
}

fn write_seed(seed: &Seed, out: &mut String) {
    match seed {
        Seed::Leaf { json, .. } => out.push_str(json),
        Seed::Object { entries, .. } => {
            out.push('{');
            for (index, (name, seed)) in entries.iter().enumerate() {
                separate(index, out);
                write_text(name, out);
                out.push(':');
                write_seed(seed, out);
            }
            out.push('}');
        }
    }
}

/// More remarks than these help nobody, and each costs a walk through the file.
pub(super) const MOST_REMARKS: usize = 100;

/// Notes an unquoted scalar that another reader may take differently.
fn note(view: View<'_>, lint: &mut Vec<String>) {
    if view.kind() == Kind::Plain
        && lint.len() < MOST_REMARKS
        && let Some(why) = ambiguity(view.text())
    {
        lint.push(view.remark(format_args!("{} is ambiguous ({why}); quote it", quoted(view.text()))));
    }
}
