//! Whose files are believed, and what is never followed.

use rustix::fs::{CWD, FileType, Mode, RenameFlags};

use super::*;

#[tokio::test]
async fn d02_a_file_that_others_can_read_is_made_private() {
    let home = Home::new();
    home.save("ada", 1).await.unwrap();
    for wide in [0o644, 0o640, 0o604, 0o611] {
        mode(&home.file(), wide);
        assert_eq!(home.generation("ada").await.unwrap(), Some(1));
        assert_eq!(mode_of(&home.file()), 0o600, "{wide:o}");
    }
}

#[tokio::test]
async fn d02_what_others_can_write_is_refused_with_what_helps() {
    let home = Home::new();
    home.save("ada", 1).await.unwrap();
    let before = home.text();
    for wide in [0o622, 0o660, 0o602, 0o777] {
        mode(&home.file(), wide);
        let why = refused(home.generation("ada").await, "store.permission");
        assert!(why.ends_with(&format!("chmod 600 '{}'", home.file().display())), "{why}");
        refused(home.save("ada", 2).await, "store.permission");
        assert_eq!((mode_of(&home.file()), home.text()), (wide, before.clone()));
    }
    mode(&home.file(), 0o600);
    for wide in [0o777, 0o770, 0o702, 0o1777] {
        mode(&home.folder(), wide);
        let why = refused(home.generation("ada").await, "store.permission");
        let fix = format!("chmod 700 '{}'", home.folder().display());
        assert_eq!(why.ends_with(&fix), wide & 0o1000 == 0, "{why}");
        refused(home.save("ada", 2).await, "store.permission");
    }
    mode(&home.folder(), 0o755);
    home.save("ada", 2).await.unwrap();
}

/// Root gives its files to somebody else; others look at root's, which they may not use.
#[tokio::test]
async fn d02_what_belongs_to_somebody_else_is_refused() {
    if !rustix::process::geteuid().is_root() {
        let theirs = TokenStore::file("/etc/passwd");
        let why = refused(theirs.read(&key("ada")).await, "store.permission");
        assert!(why.contains("belongs to somebody else"), "{why}");
        return;
    }
    let home = Home::new();
    home.save("ada", 1).await.unwrap();
    for given in [home.file(), home.folder().join("tokens.json.lock"), home.folder()] {
        std::os::unix::fs::chown(&given, Some(65_534), None).unwrap();
        let why = refused(home.save("ada", 2).await, "store.permission");
        assert!(why.contains(&format!("{} belongs to somebody else", given.display())), "{why}");
        std::os::unix::fs::chown(&given, Some(0), None).unwrap();
    }
    home.save("ada", 2).await.unwrap();
}

#[tokio::test]
async fn d05_what_is_no_plain_file_is_refused() {
    let home = Home::new();
    let other = home.folder.path().join("other");
    fs::write(&other, "{}").unwrap();
    mode(&other, 0o600);
    for name in ["tokens.json", "tokens.json.lock"] {
        home.put("");
        fs::remove_file(home.file()).unwrap();
        let path = home.folder().join(name);
        let make: [(&str, &dyn Fn()); 5] = [
            ("is a symbolic link", &|| symlink(&other, &path).unwrap()),
            ("is a symbolic link", &|| symlink("/nowhere", &path).unwrap()),
            ("has a second name", &|| fs::hard_link(&other, &path).unwrap()),
            ("is no regular file", &|| fs::create_dir(&path).unwrap()),
            ("is no regular file", &|| fifo(&path)),
        ];
        for (why, make) in make {
            let _ = fs::remove_file(&path);
            make();
            let before = fs::symlink_metadata(&path).unwrap().ino();
            let said = refused(home.save("ada", 1).await, "store.permission");
            assert!(said.contains(&format!("{} {why}", path.display())), "{said}");
            if name == "tokens.json" {
                refused(home.generation("ada").await, "store.permission");
            }
            assert_eq!(fs::symlink_metadata(&path).unwrap().ino(), before);
            let _ = fs::remove_dir(&path);
        }
        let _ = fs::remove_file(&path);
        fs::remove_dir_all(home.folder()).unwrap();
    }
    assert_eq!(fs::read_to_string(&other).unwrap(), "{}");
}

fn fifo(path: &Path) {
    rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::RWXU, 0).unwrap();
}

#[tokio::test]
async fn d05_a_device_is_refused() {
    let folder = Folder::open(Path::new("/dev")).unwrap().unwrap();
    refused(folder.read("null".as_ref(), MOST), "store.permission");
    refused(folder.lock("null".as_ref()), "store.permission");
}

#[tokio::test]
async fn d05_a_folder_that_is_a_link_is_not_followed() {
    let home = Home::new();
    let real = home.folder.path().join("real");
    fs::DirBuilder::new().mode(0o700).create(&real).unwrap();
    symlink(&real, home.folder()).unwrap();
    let why = refused(home.save("ada", 1).await, "store.permission");
    assert!(why.contains("name the folder that it points to"), "{why}");
    refused(home.generation("ada").await, "store.permission");
    assert_eq!(fs::read_dir(&real).unwrap().count(), 0);
    fs::remove_file(home.folder()).unwrap();
    fs::write(home.folder(), "").unwrap();
    assert!(refused(home.save("ada", 1).await, "store.permission").contains("is no folder"));
}

/// While a store writes, its folder becomes a link to another one of the same owner, and a folder again.
#[test]
fn d06_nothing_is_written_outside_of_the_folder() {
    let home = Home::in_memory();
    let [outside, link] = ["outside", "link"].map(|name| home.folder.path().join(name));
    fs::DirBuilder::new().mode(0o700).create(&outside).unwrap();
    let folder = Folder::make(&home.folder()).unwrap();
    folder.replace("tokens.json".as_ref(), b"0").unwrap();
    symlink(&outside, &link).unwrap();
    let (enough, swaps) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (mut wrote, mut met, mut wrong) = (0, 0, None);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !enough.load(Ordering::Relaxed) {
                rustix::fs::renameat_with(CWD, home.folder(), CWD, &link, RenameFlags::EXCHANGE).unwrap();
                swaps.fetch_add(1, Ordering::Relaxed);
            }
        });
        let swaps = || swaps.load(Ordering::Relaxed);
        while swaps() < 10_000 || (wrote < 100 || met < 100) && swaps() < 1_000_000 {
            let saved = Folder::make(&home.folder()).and_then(|folder| {
                drop(folder.lock("tokens.json.lock".as_ref())?);
                folder.replace("tokens.json".as_ref(), b"1")
            });
            match saved {
                Ok(()) => wrote += 1,
                Err(error) if error.code() == "store.permission" => met += 1,
                Err(error) => {
                    wrong = Some(error);
                    break;
                }
            }
        }
        enough.store(true, Ordering::Relaxed);
    });
    assert!(wrong.is_none() && wrote >= 100 && met >= 100, "{wrong:?} {wrote} {met}");
    if fs::symlink_metadata(home.folder()).unwrap().is_symlink() {
        rustix::fs::renameat_with(CWD, home.folder(), CWD, &link, RenameFlags::EXCHANGE).unwrap();
    }
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    // A folder that is open stays the folder that it was.
    symlink(&outside, home.folder.path().join("again")).unwrap();
    fs::rename(home.folder(), home.folder.path().join("moved")).unwrap();
    fs::rename(home.folder.path().join("again"), home.folder()).unwrap();
    folder.replace("tokens.json".as_ref(), b"2").unwrap();
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    assert_eq!(fs::read(home.folder.path().join("moved/tokens.json")).unwrap(), b"2");
}

#[tokio::test]
async fn d08_names_that_no_file_can_have_are_told() {
    let home = Home::new();
    for (path, code) in [
        ("", "config"),
        ("/", "config"),
        ("..", "config"),
        (&*format!("/tmp/{}", "n".repeat(224)), "config"),
        ("/proc/none/tokens.json", "store.write"),
    ] {
        let error = save(&TokenStore::file(path), "ada", 1).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
    let nul = TokenStore::file(home.folder.path().join("a\0b"));
    refused(save(&nul, "ada", 1).await, "store.write");
    for name in [format!("{}.json", "n".repeat(218)), "токены 🔑.json".to_owned(), "-rf 'x'".to_owned()] {
        let tokens = TokenStore::file(home.folder.path().join("restwalk").join(&name));
        save(&tokens, "ada", 1).await.unwrap();
        fs::write(home.folder().join(&name), "damaged").unwrap();
        let why = refused(tokens.read(&key("ada")).await, "store.corrupt");
        assert!(why.contains(&name), "{why}");
        save(&tokens, "ada", 1).await.unwrap();
    }
    let raw = std::ffi::OsStr::from_bytes(b"\xff\x1b.json");
    let tokens = TokenStore::file(home.folder().join(raw));
    save(&tokens, "ada", 1).await.unwrap();
    assert!(!format!("{tokens:?}").contains('\u{1b}'));
}

#[tokio::test]
async fn d08_a_relative_path_is_of_the_folder_that_the_program_began_in() {
    let shown = format!("{:?}", TokenStore::file("tokens.json"));
    assert!(shown.contains(&std::env::current_dir().unwrap().display().to_string()), "{shown}");
}
