//! Catalogs compiled once, kept in the person's cache folder: reading one costs less than a tenth of its files.
//!
//! A kept catalog is named by the paths of its two files and by what the file system says of them. Where it is
//! missing, damaged or of another version, the files are read and it is made anew, silently.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use restwalk::Catalog;
use sha2::{Digest, Sha256};

use crate::{io::Io, mistake::Result};

/// A file that is younger may change again without the file system's clock telling.
const SETTLED: Duration = Duration::from_secs(2);

/// The two files of a catalog, as they were named, and where they are.
pub(crate) struct Files {
    pub(crate) resources: PathBuf,
    pub(crate) defaults: Option<PathBuf>,
}

impl Files {
    /// Reads the catalog: what a call of `path` needs of it, or all where that is more or no path is given.
    pub(crate) fn read(
        &self,
        path: Option<&str>,
        io: &Io<'_>,
        load: impl FnOnce() -> Result<Catalog>,
    ) -> Result<Catalog> {
        let Some(kept) = self.kept(io) else { return load() };
        if let Some(catalog) = kept.open(path) {
            return Ok(catalog);
        }
        let catalog = load()?;
        if self.kept(io).is_some_and(|now| now.file == kept.file && now.settled) {
            // A cache that cannot be written is none.
            let _ = kept.write(&catalog);
        }
        Ok(catalog)
    }

    fn kept(&self, io: &Io<'_>) -> Option<Kept> {
        let folder = folder(io)?;
        let (mut name, mut state) = (Sha256::new(), Sha256::new());
        name.update(env!("CARGO_PKG_VERSION"));
        let mut settled = true;
        for path in [Some(&self.resources), self.defaults.as_ref()] {
            let Some(path) = path else { continue };
            // Messages and origins call a file as it was named, so that is part of what is kept.
            for text in [path.as_os_str(), std::path::absolute(path).ok()?.as_os_str()] {
                name.update(text.as_encoded_bytes());
                name.update([0]);
            }
            let metadata = fs::metadata(path).ok()?;
            state.update(stamp(&metadata)?);
            settled &= is_settled(&metadata);
        }
        let (name, state) = (hex(&name.finalize()), hex(&state.finalize()));
        Some(Kept { file: folder.join(format!("{name}-{state}.catalog")), name, settled })
    }
}

/// A catalog in the cache folder, whether it is there or not.
struct Kept {
    file: PathBuf,
    name: String,
    settled: bool,
}

impl Kept {
    fn open(&self, path: Option<&str>) -> Option<Catalog> {
        let file = File::open(&self.file).ok()?;
        if !file.metadata().is_ok_and(|metadata| is_own(&metadata)) {
            return None;
        }
        if let Some(path) = path
            && let Some(catalog) = Catalog::along(&file, path).ok()?
        {
            return Some(catalog);
        }
        Catalog::from_bytes(&fs::read(&self.file).ok()?).ok()
    }

    /// Puts the catalog in its place at once, and takes those away that older files made.
    fn write(&self, catalog: &Catalog) -> io::Result<()> {
        let bytes = catalog.to_bytes().map_err(io::Error::other)?;
        let folder = self.file.parent().unwrap_or(Path::new(""));
        make(folder)?;
        let new = folder.join(format!("{}.{}.new", self.name, std::process::id()));
        let written =
            create(&new).and_then(|mut file| file.write_all(&bytes)).and_then(|()| fs::rename(&new, &self.file));
        if written.is_err() {
            let _ = fs::remove_file(&new);
        }
        for entry in fs::read_dir(folder)?.flatten().filter(|entry| entry.path() != self.file) {
            let old = entry.file_name().to_str().is_some_and(|name| name.starts_with(&format!("{}-", self.name)));
            if old {
                let _ = fs::remove_file(entry.path());
            }
        }
        written
    }
}

/// Where a person's caches are: `restwalk` in `$XDG_CACHE_HOME`, `~/.cache`, or `%LOCALAPPDATA%`.
fn folder(io: &Io<'_>) -> Option<PathBuf> {
    let whole = |name: &str| io.variables.get(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let folder = if cfg!(windows) {
        whole("LOCALAPPDATA")
    } else {
        whole("XDG_CACHE_HOME").or_else(|| Some(whole("HOME")?.join(".cache")))
    };
    Some(folder?.join("restwalk"))
}

/// All that changes with the content of a file; not even its owner can set when its inode changed.
#[cfg(unix)]
fn stamp(metadata: &Metadata) -> Option<Vec<u8>> {
    use std::os::unix::fs::MetadataExt;

    let numbers = [metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()];
    let places = [metadata.len(), metadata.dev(), metadata.ino()];
    let bytes = numbers.into_iter().flat_map(i64::to_le_bytes).chain(places.into_iter().flat_map(u64::to_le_bytes));
    metadata.is_file().then(|| bytes.collect())
}

#[cfg(not(unix))]
fn stamp(metadata: &Metadata) -> Option<Vec<u8>> {
    let since = metadata.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let bytes = since.as_nanos().to_le_bytes().into_iter().chain(metadata.len().to_le_bytes());
    metadata.is_file().then(|| bytes.collect())
}

fn is_settled(metadata: &Metadata) -> bool {
    #[cfg(unix)]
    let changed = {
        use std::os::unix::fs::MetadataExt;
        let seconds = u64::try_from(metadata.ctime()).ok();
        seconds.and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds + 1)))
    };
    #[cfg(not(unix))]
    let changed = metadata.modified().ok();
    changed.and_then(|at| SystemTime::now().duration_since(at).ok()).is_some_and(|age| age >= SETTLED)
}

/// Whether nobody else can have written it.
#[cfg(unix)]
fn is_own(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    metadata.is_file() && metadata.mode() & 0o077 == 0
}

#[cfg(not(unix))]
fn is_own(metadata: &Metadata) -> bool {
    metadata.is_file()
}

fn make(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn create(file: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
