//! `--format`: the shapes that an answer can be given.

use super::{
    PrintError,
    clean::Sink,
    json::{self, Json},
    table, yaml,
};

/// The shape of a printed answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// JSON over many lines, four spaces a level.
    Json,
    /// YAML, in blocks.
    Yaml,
    /// One line of JSON an item of a list, or one line in all.
    Ndjson,
    /// One row an item; `--columns` chooses what is in it.
    Table,
    /// The bytes of the body; a terminal gets its control characters escaped even so.
    Raw,
}

/// How a table is wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    /// The columns asked for; all where it is empty.
    pub names: Vec<String>,
    /// The columns of the terminal, if there is one.
    pub width: Option<usize>,
}

/// Writes JSON in a shape; gives the names of columns that a table had no room for.
pub(crate) fn write(
    format: Format,
    json: Json<'_>,
    columns: &Columns,
    out: &mut Sink<'_>,
) -> Result<Vec<String>, PrintError> {
    match format {
        Format::Json => json::lay_out(json, out)?,
        Format::Yaml => yaml::write(json, out)?,
        Format::Table => return table::write(json, &columns.names, columns.width, out),
        Format::Raw => out.pass(json.text().as_bytes())?,
        Format::Ndjson => match json.children() {
            Some(items) if json.text().starts_with('[') => {
                items.into_iter().try_for_each(|(_, item)| json::compact(item, out))?;
            }
            _ => json::compact(json, out)?,
        },
    }
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::clean::Manner;

    #[test]
    fn each_format_has_its_shape() {
        let given = r#"[{"a": 1.10}, 2]"#;
        for (format, expected) in [
            (Format::Json, "[\n    {\n        \"a\": 1.10\n    },\n    2\n]\n"),
            (Format::Yaml, "- a: 1.10\n- 2\n"),
            (Format::Ndjson, "{\"a\":1.10}\n2\n"),
            (Format::Table, "a     value\n1.10\n      2\n"),
            (Format::Raw, given),
        ] {
            let mut out = Vec::new();
            let mut sink = Sink::new(&mut out, Manner::default());
            write(format, Json::check(given.as_bytes()).unwrap(), &Columns::default(), &mut sink).unwrap();
            sink.finish().unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{format:?}");
        }
    }
}
