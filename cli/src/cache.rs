//! Catalogs compiled once, kept in the person's cache folder, of which a call reads only what its path meets.
//!
//! A kept catalog is named by the paths of its two files and by what the file system says of them. Where it is
//! missing, damaged or of another version, the files are read and it is made anew, silently.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use restwalk::{Catalog, Following};
use sha2::{Digest, Sha256};

use crate::{io::Io, mistake::Result};

/// A file that is younger may change again without the file system's clock telling.
const SETTLED: Duration = Duration::from_secs(2);

/// The largest catalog that is kept, in bytes.
const MOST: u64 = 64 << 20;

/// The two files of a catalog, as they were named, and where they are.
pub(crate) struct Files {
    pub(crate) resources: PathBuf,
    pub(crate) defaults: Option<PathBuf>,
    /// The time of day, by which a file is told that was just changed.
    pub(crate) wall: SystemTime,
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

    /// What may follow a path in the catalog.
    pub(crate) fn following(
        &self,
        path: &str,
        io: &Io<'_>,
        load: impl FnOnce() -> Result<Catalog>,
    ) -> Result<Vec<Following>> {
        let kept = self.kept(io).and_then(|kept| Catalog::following_in(kept.file()?, path).ok());
        match kept {
            Some(found) => Ok(found),
            None => Ok(self.read(None, io, load)?.following(path)),
        }
    }

    fn kept(&self, io: &Io<'_>) -> Option<Kept> {
        let folder = folder(io)?;
        if fs::metadata(&folder).is_ok_and(|metadata| !is_own(&metadata, 0o755)) {
            return None;
        }
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
            settled &= is_settled(&metadata, self.wall);
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
    fn file(&self) -> Option<File> {
        let file = File::open(&self.file).ok()?;
        let metadata = file.metadata().ok()?;
        (metadata.is_file() && is_own(&metadata, 0o600)).then_some(file)
    }

    fn open(&self, path: Option<&str>) -> Option<Catalog> {
        let mut file = self.file()?;
        if let Some(path) = path
            && let Some(catalog) = Catalog::along(&file, path).ok()?
        {
            return Some(catalog);
        }
        let mut bytes = Vec::new();
        file.rewind().and_then(|()| file.take(MOST + 1).read_to_end(&mut bytes)).ok()?;
        if bytes.len() as u64 > MOST { None } else { Catalog::from_bytes(&bytes).ok() }
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

/// Forgets all catalogs, and says how many there were.
pub(crate) fn forget(io: &Io<'_>) -> u64 {
    let entries = folder(io).and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path()).filter(|path| path.extension() == Some("catalog".as_ref()));
    files.filter(|path| fs::remove_file(path).is_ok()).count() as u64
}

/// Where a person's caches are: `restwalk` in `$XDG_CACHE_HOME`, `~/.cache`, or `%LOCALAPPDATA%`.
pub(crate) fn folder(io: &Io<'_>) -> Option<PathBuf> {
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

fn is_settled(metadata: &Metadata, wall: SystemTime) -> bool {
    #[cfg(unix)]
    let changed = {
        use std::os::unix::fs::MetadataExt;
        let seconds = u64::try_from(metadata.ctime()).ok();
        seconds.and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds + 1)))
    };
    #[cfg(not(unix))]
    let changed = metadata.modified().ok();
    changed.and_then(|at| wall.duration_since(at).ok()).is_some_and(|age| age >= SETTLED)
}

/// Whether nobody else can have written it: it is the user's, and nobody has rights but those of `most`.
#[cfg(unix)]
fn is_own(metadata: &Metadata, most: u32) -> bool {
    use std::os::unix::fs::MetadataExt;

    is_ours(metadata.uid(), metadata.mode(), most, rustix::process::geteuid().as_raw())
}

#[cfg(unix)]
fn is_ours(owner: u32, mode: u32, most: u32, user: u32) -> bool {
    owner == user && mode & 0o777 & !most == 0
}

#[cfg(not(unix))]
fn is_own(_: &Metadata, _: u32) -> bool {
    true
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tempfile::TempDir;

    use super::*;

    const RESOURCES: &str = "resources: {a: {route: /a}, b: {route: '/a/{x}', methods: [GET]}}";

    /// A folder with a catalog, and how often its files were read.
    struct Place {
        folder: TempDir,
        loads: Cell<u32>,
    }

    impl Place {
        fn new() -> Self {
            let place = Self { folder: TempDir::new().unwrap(), loads: Cell::new(0) };
            fs::write(place.folder.path().join("r.yaml"), RESOURCES).unwrap();
            place
        }

        /// Reads the catalog `later` than now, and gives the routes of what was read.
        fn read(&self, path: Option<&str>, later: u64) -> Vec<String> {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let mut io = Io::buffers(&mut out, &mut err);
            io.variables.insert("XDG_CACHE_HOME".into(), self.folder.path().join("cache").to_str().unwrap().into());
            let wall = SystemTime::now() + Duration::from_secs(later);
            let files = Files { resources: self.folder.path().join("r.yaml"), defaults: None, wall };
            let catalog = files.read(path, &io, || {
                self.loads.set(self.loads.get() + 1);
                Ok(Catalog::from_yaml(&fs::read_to_string(&files.resources).unwrap(), "").unwrap())
            });
            catalog.unwrap().routes().map(|route| route.template().to_owned()).collect()
        }

        fn kept(&self) -> Vec<PathBuf> {
            let entries = fs::read_dir(self.folder.path().join("cache/restwalk"));
            entries.map_or_else(|_| Vec::new(), |entries| entries.map(|entry| entry.unwrap().path()).collect())
        }
    }

    #[test]
    fn files_are_read_once_and_again_when_they_change() {
        let place = Place::new();
        for _ in 0..2 {
            assert_eq!(place.read(None, 10), ["/a", "/a/{x}"]);
        }
        assert_eq!(place.read(Some("a/1"), 10), ["/a/{x}"]);
        assert_eq!(place.read(Some("nope"), 10), ["/a", "/a/{x}"]);
        assert_eq!(place.loads.get(), 1);
        fs::write(place.folder.path().join("r.yaml"), "resources: {c: {route: /c}}").unwrap();
        assert_eq!(place.read(Some("a"), 10), ["/c"]);
        assert_eq!(place.read(None, 10), ["/c"]);
        assert_eq!((place.loads.get(), place.kept().len()), (2, 1));
    }

    #[test]
    fn what_was_changed_just_now_is_not_kept() {
        let place = Place::new();
        place.read(None, 0);
        place.read(None, 0);
        assert_eq!((place.loads.get(), place.kept().len()), (2, 0));
    }

    #[test]
    fn a_damaged_or_foreign_one_is_made_anew() {
        let place = Place::new();
        place.read(None, 10);
        let [file] = &place.kept()[..] else { panic!("{:?}", place.kept()) };
        let good = fs::read(file).unwrap();
        let mut foreign = good.clone();
        foreign[20] ^= 1;
        let flipped: Vec<u8> = good.iter().map(|byte| byte ^ 0x55).collect();
        for (round, bad) in (2..).zip([&good[..good.len() / 2], &[], &foreign, &flipped]) {
            fs::write(file, bad).unwrap();
            for path in [Some("a/1"), None] {
                place.read(path, 10);
            }
            assert_eq!((place.loads.get(), fs::read(file).unwrap()), (round, good.clone()));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_or_folder_is_believed_that_is_the_user_s_alone() {
        for (owner, mode, most, expected) in [
            (7, 0o100_600, 0o600, true),
            (7, 0o100_400, 0o600, true),
            (7, 0o100_644, 0o600, false),
            (8, 0o100_600, 0o600, false),
            (0, 0o100_600, 0o600, false),
            (7, 0o040_755, 0o755, true),
            (7, 0o040_775, 0o755, false),
            (8, 0o040_700, 0o755, false),
        ] {
            assert_eq!(is_ours(owner, mode, most, 7), expected, "{owner} {mode:o}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_or_write_what_is_kept() {
        use std::os::unix::fs::PermissionsExt;

        let place = Place::new();
        place.read(None, 10);
        let file = place.kept().remove(0);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o620)).unwrap();
        place.read(None, 10);
        assert_eq!((place.loads.get(), mode(&file)), (2, 0o600));
        fs::set_permissions(file.parent().unwrap(), fs::Permissions::from_mode(0o770)).unwrap();
        place.read(None, 10);
        assert_eq!(place.loads.get(), 3, "nothing is read in a folder that others can write");
    }
}
