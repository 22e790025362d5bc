//! JSON as a table: one row an item, one column a member, as wide as the terminal allows.

use std::io::{self, Write};

use super::{
    PrintError,
    clean::{self, Sink},
    colour,
    json::{Json, unquoted},
};

/// The most columns that a table chooses by itself.
const MOST: usize = 64;

/// The space between two columns.
const GAP: usize = 2;

/// No column is made narrower than this to fit in others.
const NARROW: usize = 6;

/// The most characters of a cell.
const LONGEST: usize = 2000;

type Row<'a> = Vec<(String, Json<'a>)>;

/// Writes the table, no wider than `width`; gives the names of columns that had no room.
pub(crate) fn write(
    json: Json<'_>,
    columns: &[String],
    width: Option<usize>,
    out: &mut Sink<'_>,
) -> Result<Vec<String>, PrintError> {
    let rows = rows(json)?;
    let mut names = if columns.is_empty() { found(&rows) } else { asked(&rows, columns)? };
    let mut cells: Vec<Vec<String>> =
        rows.iter().map(|row| names.iter().map(|name| cell(row, name)).collect()).collect();
    let dropped = width.map_or(names.len(), |width| room(names.len(), width));
    let left_out = names.split_off(dropped.min(names.len()));
    for row in &mut cells {
        row.truncate(names.len());
    }
    let heads: Vec<String> = names.iter().map(|name| clean::cell(name)).collect();
    let widths = fit(natural(&heads, &cells), width);
    line(&heads, &widths, colour::HEADING, out)?;
    for row in &cells {
        line(row, &widths, anstyle::Style::new(), out)?;
    }
    Ok(left_out)
}

/// The items of a list; the list in an object that holds nothing else of its kind; else one row a member.
fn rows(json: Json<'_>) -> Result<Vec<Row<'_>>, PrintError> {
    let Some(children) = json.children() else {
        let why = "a table needs a list or an object, and the answer is neither; leave --format table out";
        return Err(PrintError::Content(why.to_owned()));
    };
    if json.text().starts_with('[') {
        return Ok(children.into_iter().map(|(_, item)| row(item)).collect());
    }
    let mut lists = children.iter().filter(|(_, child)| child.text().starts_with('['));
    if let (Some((_, list)), None) = (lists.next(), lists.next()) {
        let items = list.children().unwrap_or_default();
        if !items.is_empty() && items.iter().all(|(_, item)| item.text().starts_with('{')) {
            return Ok(items.into_iter().map(|(_, item)| row(item)).collect());
        }
    }
    let pair = |(key, value)| vec![("name".to_owned(), key), ("value".to_owned(), value)];
    Ok(children.into_iter().map(|(key, value)| pair((Json::token(key), value))).collect())
}

fn row(item: Json<'_>) -> Row<'_> {
    if item.text().starts_with('{') {
        let members = item.children().unwrap_or_default();
        return members.into_iter().map(|(key, value)| (unquoted(key), value)).collect();
    }
    vec![("value".to_owned(), item)]
}

/// The names of all members, in the order of their first appearance.
fn found(rows: &[Row<'_>]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in rows.iter().flatten() {
        if names.len() < MOST && !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// The columns that were asked for, each of which some row has.
fn asked(rows: &[Row<'_>], columns: &[String]) -> Result<Vec<String>, PrintError> {
    for column in columns {
        if !rows.is_empty() && rows.iter().all(|row| find(row, column).is_none()) {
            let names = found(rows).iter().map(|name| clean::cell(name)).collect::<Vec<_>>().join(", ");
            let column = clean::cell(column);
            return Err(PrintError::Content(format!("no item has a column {column:?}; there are: {names}")));
        }
    }
    Ok(columns.to_vec())
}

/// A member by its name, else by a path of names with dots between; the last of those that stand twice.
fn find<'a>(row: &Row<'a>, name: &str) -> Option<Json<'a>> {
    if let Some((_, value)) = row.iter().rev().find(|(known, _)| known == name) {
        return Some(*value);
    }
    let (first, rest) = name.split_once('.')?;
    let (_, value) = row.iter().rev().find(|(known, _)| known == first)?;
    value.text().starts_with('{').then(|| find(&self::row(*value), rest))?
}

fn cell(row: &Row<'_>, name: &str) -> String {
    let Some(value) = find(row, name) else { return String::new() };
    let text = match value.text() {
        "null" => String::new(),
        text if text.starts_with('"') => unquoted(text),
        _ => value.tokens().take(LONGEST).map(|(_, text)| text).collect(),
    };
    clean::cell(&text.chars().take(LONGEST).collect::<String>())
}

/// How many columns have room, each at its narrowest.
fn room(columns: usize, width: usize) -> usize {
    columns.min(((width + GAP) / (NARROW + GAP)).max(1))
}

fn natural(heads: &[String], cells: &[Vec<String>]) -> Vec<usize> {
    let mut widths: Vec<usize> = heads.iter().map(|head| clean::width(head)).collect();
    for row in cells {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = clean::width(cell).max(*width);
        }
    }
    widths
}

/// Narrows the widest columns until the table fits.
fn fit(widths: Vec<usize>, limit: Option<usize>) -> Vec<usize> {
    let Some(limit) = limit else { return widths };
    let space = limit.saturating_sub(GAP * widths.len().saturating_sub(1));
    let total = |cap: usize| widths.iter().map(|width| *width.min(&cap)).sum::<usize>();
    let (mut low, mut high) = (1, widths.iter().copied().max().unwrap_or(1).max(1));
    while low < high {
        let middle = (low + high).div_ceil(2);
        if total(middle) <= space { low = middle } else { high = middle - 1 }
    }
    widths.iter().map(|width| *width.min(&low)).collect()
}

fn line(cells: &[String], widths: &[usize], style: anstyle::Style, out: &mut Sink<'_>) -> io::Result<()> {
    let last = cells.iter().rposition(|cell| !cell.is_empty());
    for (index, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let shown = cut(cell, *width);
        out.paint(style, shown.as_bytes())?;
        if Some(index) >= last {
            break;
        }
        out.write_all(" ".repeat(width.saturating_sub(clean::width(&shown)) + GAP).as_bytes())?;
    }
    out.write_all(b"\n")
}

/// As much of `text` as has room in `width` columns.
fn cut(text: &str, width: usize) -> String {
    if clean::width(text) <= width {
        return text.to_owned();
    }
    let mut shown = String::new();
    let mut left = width.saturating_sub(1);
    for c in text.chars() {
        let takes = clean::width(c.encode_utf8(&mut [0; 4]));
        if takes > left {
            break;
        }
        left -= takes;
        shown.push(c);
    }
    shown.push('…');
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::output::{clean::Manner, json::tests::any_json};

    fn table(json: &str, columns: &[&str], width: Option<usize>) -> Result<(String, Vec<String>), String> {
        let columns: Vec<String> = columns.iter().map(ToString::to_string).collect();
        let mut out = Vec::new();
        let mut sink = Sink::new(&mut out, Manner::default());
        let json = Json::check(json.as_bytes())?;
        let dropped = write(json, &columns, width, &mut sink).map_err(|error| error.to_string())?;
        sink.finish().unwrap();
        Ok((String::from_utf8(out).unwrap(), dropped))
    }

    #[test]
    fn each_shape_has_its_rows() {
        for (json, columns, expected) in [
            (r#"[{"a":1.10,"b":"x"},{"b":null,"c":[1, 2]}]"#, &[][..], "a     b  c\n1.10  x\n         [1,2]\n"),
            (r#"{"items":[{"a":1}],"total":1}"#, &[], "a\n1\n"),
            (r#"{"a":1,"b":{"c":2}}"#, &[], "name  value\na     1\nb     {\"c\":2}\n"),
            ("[1,\"b\"]", &[], "value\n1\nb\n"),
            (r#"[{"a":{"b":"x"},"c.d":2}]"#, &["c.d", "a.b"], "c.d  a.b\n2    x\n"),
            (r#"[{"a":1,"a":2}]"#, &[], "a\n2\n"),
            ("[{\"a\":\"\u{6f22}\u{5b57}\",\"b\":1}]", &[], "a     b\n\u{6f22}\u{5b57}  1\n"),
            ("[]", &["a"], "a\n"),
        ] {
            assert_eq!(table(json, columns, None).unwrap().0, expected, "{json}");
        }
        assert!(table("1", &[], None).unwrap_err().contains("needs a list"));
        assert_eq!(table(r#"[{"a":1}]"#, &["x"], None).unwrap_err(), "no item has a column \"x\"; there are: a");
    }

    #[test]
    fn x22_cells_show_what_would_hide() {
        let (out, _) = table(r#"[{"a":"x\u202ey\u200bz\n\u001b[2J"}]"#, &[], None).unwrap();
        assert_eq!(out, "a\nx\\u{202e}y\\u{200b}z\\n\\x1b[2J\n");
    }

    #[test]
    fn a_table_fits_the_terminal() {
        let json = r#"[{"id":1,"text":"a rather long text that has no room","c":"short"}]"#;
        let (out, dropped) = table(json, &[], Some(24)).unwrap();
        assert_eq!(out, "id  text           c\n1   a rather lon…  short\n");
        assert!(dropped.is_empty());
        let (out, dropped) = table(json, &[], Some(10)).unwrap();
        assert_eq!(out, "id\n1\n");
        assert_eq!(dropped, ["text", "c"]);
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal(value in any_json(), width in 1_usize..60) {
            if let Ok((out, _)) = table(&value.to_string(), &[], Some(width)) {
                for line in out.lines() {
                    prop_assert!(clean::width(line) <= width.max(1), "{line:?} {width}");
                }
            }
        }
    }
}
