//! How a file is replaced.

use super::*;

#[tokio::test]
async fn d03_a_file_that_is_replaced_stays_its_owner_s_alone() {
    let home = Home::new();
    home.save("ada", 1).await.unwrap();
    for (generation, before) in [(2, 0o600), (3, 0o400), (4, 0o644)] {
        mode(&home.file(), before);
        home.save("ada", generation).await.unwrap();
        assert_eq!(mode_of(&home.file()), 0o600, "{before:o}");
        assert_eq!(home.generation("ada").await.unwrap(), Some(generation));
    }
}

#[tokio::test]
async fn d04_all_that_stands_beside_it_is_its_owner_s_alone() {
    let home = Home::new();
    home.put(format!(r#"{{"salt":"a","tokens":{{"{}":5}}}}"#, key("ada").id(b"a")));
    refused(home.generation("ada").await, "store.corrupt");
    home.put("damaged");
    refused(home.generation("ada").await, "store.corrupt");
    home.save("ada", 1).await.unwrap();
    let found: Vec<_> = fs::read_dir(home.folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(found.len(), 6, "the file, two copies, three locks: {found:?}");
    for path in &found {
        assert_eq!(mode_of(path), 0o600, "{path:?}");
    }
    mode(&home.folder().join("tokens.json.lock"), 0o666);
    refused(home.save("ada", 2).await, "store.permission");
    mode(&home.folder().join("tokens.json.lock"), 0o644);
    home.save("ada", 2).await.unwrap();
    assert_eq!(mode_of(&home.folder().join("tokens.json.lock")), 0o600);
}

#[tokio::test]
async fn d09_what_a_killed_process_left_is_removed_by_the_next() {
    let home = Home::new();
    home.save("ada", 1).await.unwrap();
    let left = folder::Parts::of("tokens.json".as_ref()).next().unwrap();
    let other = folder::Parts::of("other.json".as_ref()).next().unwrap();
    for name in [&left, &other] {
        fs::write(home.folder().join(name), "CNRY").unwrap();
    }
    home.save("ada", 2).await.unwrap();
    assert_eq!(home.names(), [other.as_str(), "tokens.json"]);
}

#[tokio::test]
async fn d11_a_file_that_cannot_be_replaced_stays() {
    let home = Home::new();
    home.save("ada", 1).await.unwrap();
    let before = home.text();
    // The longest name that a file may have leaves none for a folder that stands in its place.
    let folder = Folder::open(&home.folder()).unwrap().unwrap();
    fs::create_dir(home.folder().join("taken")).unwrap();
    refused(folder.replace("taken".as_ref(), b"CNRY"), "store.write");
    assert_eq!(home.names(), ["taken", "tokens.json"]);
    assert_eq!(home.text(), before);
}

#[tokio::test]
async fn d12_a_file_never_grows_longer_than_is_read() {
    let home = Home::new();
    home.save("ada", 1).await.unwrap();
    let before = home.text();
    let large = holding(2, &"a".repeat(MOST));
    let why = refused(home.tokens.lock(&key("ada")).await.unwrap().write(&large).await, "store.full");
    assert!(why.contains("1 MiB"), "{why}");
    assert_eq!((home.text(), home.names().len()), (before, 1));
    let room = MOST - home.text().len() + "CNRY-access".len();
    let fits = holding(2, &"a".repeat(room));
    home.tokens.lock(&key("ada")).await.unwrap().write(&fits).await.unwrap();
    assert_eq!(fs::metadata(home.file()).unwrap().len(), MOST as u64);
    assert_eq!(home.generation("ada").await.unwrap(), Some(2));
}

#[tokio::test]
async fn d22_what_is_unchanged_is_not_written_again() {
    let home = Home::new();
    home.save("ada", 1).await.unwrap();
    let before = fs::metadata(home.file()).unwrap();
    home.save("ada", 1).await.unwrap();
    home.generation("ada").await.unwrap();
    let after = fs::metadata(home.file()).unwrap();
    assert_eq!((before.ino(), before.mtime_nsec()), (after.ino(), after.mtime_nsec()));
    home.save("ada", 2).await.unwrap();
    assert_ne!(before.ino(), fs::metadata(home.file()).unwrap().ino());
}

#[tokio::test]
async fn d22_a_write_that_comes_too_late_is_refused() {
    let home = Home::new();
    home.save("ada", 5).await.unwrap();
    for generation in [0, 4, 5] {
        let late = holding(generation, "CNRY-other");
        refused(home.tokens.lock(&key("ada")).await.unwrap().write(&late).await, "store.outdated");
    }
    assert_eq!(home.generation("ada").await.unwrap(), Some(5));
    let next = holding(6, "CNRY-other");
    home.tokens.lock(&key("ada")).await.unwrap().write(&next).await.unwrap();
    assert!(home.text().contains("CNRY-other"));
}

#[tokio::test]
async fn o19_a_record_that_is_made_anew_keeps_what_another_version_wrote() {
    let home = Home::new();
    home.save("ada", 1).await.unwrap();
    home.put(home.text().replace("\"record\":{", "\"seal\":7,\"record\":{\"later\":[1,{}],"));
    home.save("ada", 2).await.unwrap();
    assert!(home.text().contains(r#""seal":7"#) && home.text().contains(r#""later":[1,{}]"#), "{}", home.text());
    assert!(home.text().contains(r#""key":{"account":"ada"}"#), "people see whose it is");
    assert!(!home.text().contains("CNRY-key"));
}

/// A quarter of the renames that the case names, which take 13 s in a debug build.
#[test]
fn d21_a_reader_sees_the_old_file_or_the_new_one() {
    let home = Home::in_memory();
    let folder = Folder::make(&home.folder()).unwrap();
    let name = std::ffi::OsStr::new("tokens.json");
    let text = |number: u32| format!("{number:06}").repeat(1_000);
    folder.replace(name, text(0).as_bytes()).unwrap();
    let (enough, renames) = (AtomicBool::new(false), AtomicU32::new(0));
    let (mut seen, mut partial) = (std::collections::HashSet::new(), None);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !enough.load(Ordering::Relaxed) {
                let number = renames.fetch_add(1, Ordering::Relaxed) + 1;
                folder.replace(name, text(number).as_bytes()).unwrap();
            }
        });
        let renames = || renames.load(Ordering::Relaxed);
        while partial.is_none() && (renames() < 25_000 || seen.len() < 100 && renames() < 1_000_000) {
            let read =
                folder.read(name, MOST).map(|read| String::from_utf8_lossy(&read.unwrap_or_default()).into_owned());
            match read {
                Ok(read) if read.len() == 6_000 && read == read[..6].repeat(1_000) => {
                    _ = seen.insert(read[..6].to_owned());
                }
                other => partial = Some(other),
            }
        }
        enough.store(true, Ordering::Relaxed);
    });
    assert!(partial.is_none() && seen.len() >= 100, "{partial:?} {}", seen.len());
}
