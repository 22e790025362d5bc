//! A body in the shape that was asked for.

use std::io::Write;

use super::{Kind, PrintError, Printer};
use crate::output::{
    Format, charset, clean,
    format::{self, Columns},
    jq::{Bounds, Filter, Found},
    json::{self, Json},
    yaml,
};

impl Printer<'_> {
    /// The body for people on a terminal, and as it came in a pipe.
    pub(super) fn plain(&mut self, content_type: Option<&str>, bytes: &[u8]) -> Result<(), PrintError> {
        if !self.out.manner().terminal {
            self.out.pass(bytes)?;
            return Ok(self.out.flush()?);
        }
        let bytes = &charset::decoded(content_type, bytes);
        let is_raw = self.settings.format == Some(Format::Raw);
        match Kind::of(content_type, bytes) {
            Kind::Binary => return self.refuse_binary(content_type, Some(bytes.len())),
            Kind::Json if !is_raw => match Json::check(bytes) {
                Ok(json) => json::lay_out(json, &mut self.out)?,
                Err(_) => self.out.write_all(bytes)?,
            },
            _ => self.out.write_all(bytes)?,
        }
        self.end_line()
    }

    pub(super) fn shaped(&mut self, format: Format, text: &str) -> Result<(), PrintError> {
        let columns = Columns { names: self.settings.columns.clone(), width: self.width };
        let json = Json::check(text.as_bytes()).map_err(PrintError::Content)?;
        let dropped = format::write(format, json, &columns, &mut self.out)?;
        if dropped.is_empty() {
            return Ok(());
        }
        let names = dropped.iter().map(|name| clean::cell(name)).collect::<Vec<_>>().join(", ");
        self.warn(&format!("no room for {names}; choose with --columns"))
    }

    pub(super) fn filtered(&mut self, filter: &Filter, documents: &[Json<'_>]) -> Result<(), PrintError> {
        let bounds = Bounds { stop: self.stop.clone(), ..Bounds::default() };
        let mut rows = Vec::new();
        for document in documents {
            filter.run(*document, &bounds, &mut |found| {
                if self.settings.format == Some(Format::Table) {
                    rows.push(String::from_utf8_lossy(&found.json).into_owned());
                    return Ok(());
                }
                self.result(&found)
            })?;
        }
        if self.settings.format == Some(Format::Table) {
            let rows = if let [row] = rows.as_slice() { row.clone() } else { format!("[{}]", rows.join(",")) };
            self.shaped(Format::Table, &rows)?;
        }
        Ok(self.out.flush()?)
    }

    /// One result of a filter: a line in a pipe, laid out on a terminal, or in the format asked for.
    fn result(&mut self, found: &Found) -> Result<(), PrintError> {
        if let (true, Some(text)) = (self.settings.raw_strings, &found.text) {
            self.out.pass(text)?;
            return Ok(self.out.write_all(b"\n")?);
        }
        let json = Json::check(&found.json).map_err(PrintError::Content)?;
        match self.settings.format {
            Some(Format::Yaml) => {
                self.out.write_all(b"---\n")?;
                yaml::write(json, &mut self.out)?;
            }
            Some(Format::Json) => json::lay_out(json, &mut self.out)?,
            None if self.out.manner().terminal => json::lay_out(json, &mut self.out)?,
            _ => json::compact(json, &mut self.out)?,
        }
        Ok(())
    }

    pub(super) fn refuse_binary(
        &mut self,
        content_type: Option<&str>,
        length: Option<usize>,
    ) -> Result<(), PrintError> {
        let length = length.map_or(String::new(), |length| format!("{length} bytes of "));
        let media = clean::line(content_type.unwrap_or("an unnamed type"));
        self.warn(&format!(
            "{length}binary data ({media}) are not shown on a terminal; -o FILE saves them, and a pipe gets them"
        ))
    }
}
