//! Where files of a person and of a project are, told from variables that are passed in.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::error::{Error, ErrorKind, Result};

/// The name of the file.
pub(super) const FILE: &str = "restwalk.yaml";

/// How variables are looked up: those of the process, or others in their place.
#[derive(Clone)]
pub(super) struct Variables(Arc<Lookup>);

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Variables {
    pub(super) fn new(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(lookup))
    }

    /// Those of the process that are UTF-8.
    pub(super) fn process() -> Self {
        Self::new(|name| std::env::var(name).ok())
    }

    /// The value of `name`; an empty one is none.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    /// The folder that `name` holds; a relative one does not count.
    fn folder(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from).filter(|folder| folder.is_absolute())
    }

    /// The person's own folder.
    pub(super) fn home(&self) -> Option<PathBuf> {
        self.folder(if cfg!(windows) { "USERPROFILE" } else { "HOME" })
    }

    /// Where a person's settings are: `restwalk` in `$XDG_CONFIG_HOME`, `~/.config`, or `%APPDATA%`.
    pub(super) fn config(&self) -> Option<PathBuf> {
        self.own("XDG_CONFIG_HOME", ".config", "APPDATA", cfg!(windows))
    }

    /// Where what can be had again is: `restwalk` in `$XDG_CACHE_HOME`, `~/.cache`, or `%LOCALAPPDATA%`.
    pub(super) fn cache(&self) -> Option<PathBuf> {
        self.own("XDG_CACHE_HOME", ".cache", "LOCALAPPDATA", cfg!(windows))
    }

    /// Where what a program remembers is: `restwalk` in `$XDG_STATE_HOME`, `~/.local/state`, or `%LOCALAPPDATA%`.
    ///
    /// # Errors
    /// Nothing says where that is.
    pub(super) fn state(&self) -> Result<PathBuf> {
        self.own("XDG_STATE_HOME", ".local/state", "LOCALAPPDATA", cfg!(windows)).ok_or_else(|| {
            let why = "there is no folder to keep what is trusted in; set HOME, or XDG_STATE_HOME to a whole path";
            Error::coded(ErrorKind::Request, "config", why)
        })
    }

    fn own(&self, xdg: &str, inside: &str, windows: &str, on_windows: bool) -> Option<PathBuf> {
        let folder = if on_windows {
            self.folder(windows)
        } else {
            self.folder(xdg).or_else(|| Some(self.home()?.join(inside)))
        };
        Some(folder?.join("restwalk"))
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Variables")
    }
}

/// The nearest file of a project: in `folder` or above it, the home folder being the last that is looked in.
pub(super) fn nearest(folder: &Path, home: Option<&Path>) -> Option<PathBuf> {
    // Folders are counted from the root, not from where a relative path begins.
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    for folder in folder.ancestors() {
        let file = folder.join(FILE);
        if file.is_file() {
            return Some(file);
        }
        if home == Some(folder) {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &'static [(&str, &str)]) -> Variables {
        Variables::new(|name| {
            let (_, value) = pairs.iter().find(|(known, _)| *known == name)?;
            Some((*value).to_owned())
        })
    }

    #[test]
    #[cfg(unix)]
    fn folders_are_where_the_convention_says() {
        for (pairs, config, state) in [
            (&[("HOME", "/h")][..], Some("/h/.config/restwalk"), Some("/h/.local/state/restwalk")),
            (
                &[("HOME", "/h"), ("XDG_CONFIG_HOME", "/c"), ("XDG_STATE_HOME", "/s")],
                Some("/c/restwalk"),
                Some("/s/restwalk"),
            ),
            (
                &[("HOME", "/h"), ("XDG_CONFIG_HOME", "c"), ("XDG_STATE_HOME", "")],
                Some("/h/.config/restwalk"),
                Some("/h/.local/state/restwalk"),
            ),
            (&[("HOME", "h")], None, None),
            (&[], None, None),
        ] {
            let found = variables(pairs);
            assert_eq!(found.config().as_deref(), config.map(Path::new), "{pairs:?}");
            assert_eq!(found.state().ok().as_deref(), state.map(Path::new), "{pairs:?}");
        }
        let windows = variables(&[("HOME", "/h"), ("APPDATA", "/a")]);
        assert_eq!(windows.own("X", "x", "APPDATA", true).as_deref(), Some(Path::new("/a/restwalk")));
        assert_eq!(
            variables(&[]).state().unwrap_err().to_string(),
            "there is no folder to keep what is trusted in; set HOME, or XDG_STATE_HOME to a whole path"
        );
    }

    #[test]
    fn a_project_s_file_is_looked_for_up_to_the_home_folder() {
        let top = tempfile::tempdir().unwrap();
        let home = top.path().join("home");
        let deep = home.join("a/b");
        std::fs::create_dir_all(deep.join(FILE)).unwrap();
        let put = |folder: &Path| std::fs::write(folder.join(FILE), "").unwrap();
        assert_eq!(nearest(&deep, Some(&home)), None, "a folder of that name is no file");
        put(top.path());
        assert_eq!(nearest(&deep, Some(&home)), None);
        assert_eq!(nearest(&deep, None), Some(top.path().join(FILE)));
        put(&home);
        assert_eq!(nearest(&deep, Some(&home)), Some(home.join(FILE)));
        put(&home.join("a"));
        assert_eq!(nearest(&deep, Some(&home)), Some(home.join("a").join(FILE)));
    }
}
