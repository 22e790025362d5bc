//! Names of files.

use super::Candidate;
use crate::io::Io;

/// The most entries of a folder that are looked at.
const MOST: usize = 4096;

/// The files that begin with `current`; `before` is what stands before them in the same word.
pub(super) fn candidates(before: &str, current: &str, io: &Io<'_>) -> Vec<Candidate> {
    let (folder, name) =
        current.rsplit_once('/').map_or(("", current), |(folder, name)| (&current[..=folder.len()], name));
    let place = io.path(folder);
    let place = if place.as_os_str().is_empty() { ".".into() } else { place };
    let Ok(entries) = std::fs::read_dir(place) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .take(MOST)
        .flatten()
        .filter_map(|entry| {
            let file = entry.file_name().into_string().ok()?;
            let fits = file.starts_with(name) && (name.starts_with('.') || !file.starts_with('.'));
            let is_folder = fits && std::fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_dir());
            fits.then(|| {
                if is_folder {
                    Candidate::open(format!("{before}{folder}{file}/"), "")
                } else {
                    Candidate::whole(format!("{before}{folder}{file}"), "")
                }
            })
        })
        .collect();
    found.sort();
    found
}
