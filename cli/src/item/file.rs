//! File parts: `field@path;type=text/plain;filename=notes.txt`.

use super::What;

/// Reads what stands behind `@`. A semicolon of the path itself, before `type=` or `filename=`, is written `\;`.
pub(super) fn parse(field: String, text: &str) -> What {
    let mut rest = text;
    let (mut content_type, mut file_name) = (None, None);
    while let Some(at) = rest.rfind(';').filter(|at| !rest[..*at].ends_with('\\')) {
        let option = &rest[at + 1..];
        if let Some(value) = option.strip_prefix("type=") {
            content_type.get_or_insert_with(|| value.to_owned());
        } else if let Some(value) = option.strip_prefix("filename=") {
            file_name.get_or_insert_with(|| value.to_owned());
        } else {
            break;
        }
        rest = &rest[..at];
    }
    What::File { field, path: rest.replace("\\;", ";"), content_type, file_name }
}
