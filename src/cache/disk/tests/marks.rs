//! What was made untrue is never given, whatever becomes of the marks.

use super::*;

async fn stamp(disk: &Disk, who: u8, target: &str) -> u64 {
    disk.get(&key(who, target)).await.unwrap().stamp
}

#[tokio::test]
async fn what_lies_under_a_place_is_made_untrue_for_all() {
    let stage = Stage::new();
    let [one, other] = [stage.disk(), stage.disk()];
    let targets = ["/", "/a", "/a/", "/a/b", "/a/b?x=1", "/a/b/c", "/ab", "/a%2Fb", "/d"];
    for (made_untrue, expected) in [
        ("/a/b", &["/a/b", "/a/b?x=1", "/a/b/c"][..]),
        ("/a", &["/a", "/a/", "/a/b", "/a/b?x=1", "/a/b/c"]),
        ("/a/b/c/d", &[]),
        ("/", &targets),
    ] {
        let mut before = Vec::new();
        for who in [1, 2] {
            for target in targets {
                before.push((who, target, stamp(&one, who, target).await));
            }
        }
        other.invalidate(&place(made_untrue)).await.unwrap();
        for (who, target, before) in before {
            let changed = stamp(&one, who, target).await != before;
            assert_eq!(changed, expected.contains(&target), "{target} for {who}, when {made_untrue} was made untrue");
        }
    }
    let elsewhere = CacheKey::new([1; 32], &"https://api.example.com:444/a".parse().unwrap()).unwrap();
    let before = one.get(&elsewhere).await.unwrap().stamp;
    one.invalidate(&place("/")).await.unwrap();
    assert_eq!(one.get(&elsewhere).await.unwrap().stamp, before);
}

#[tokio::test]
async fn a_stamp_never_comes_again_whatever_becomes_of_the_marks() {
    let stage = Stage::new();
    let (disk, marks) = (stage.disk(), stage.folder().join("marks"));
    let damages: &[(&str, &dyn Fn())] = &[
        ("changed", &|| wait_here(stage.disk().invalidate(&place("/a")))),
        ("removed", &|| fs::remove_file(&marks).unwrap()),
        ("cut", &|| fs::File::options().write(true).open(&marks).unwrap().set_len(4096).unwrap()),
        ("emptied", &|| fs::write(&marks, "").unwrap()),
        ("a folder", &|| (fs::remove_file(&marks).unwrap(), fs::create_dir(&marks).unwrap()).1),
        ("cleared", &|| wait_here(stage.disk().clear())),
    ];
    let mut stamps = vec![stamp(&disk, 1, "/a").await];
    for (what, damage) in damages {
        set(&disk, &key(1, "/a"), "x").await;
        damage();
        let kept = disk.get(&key(1, "/a")).await.unwrap();
        assert!(kept.value.is_none() || *what == "changed", "{what}");
        assert!(!stamps.contains(&kept.stamp), "{what}");
        assert_eq!(stamp(&stage.disk(), 1, "/a").await, kept.stamp, "{what}");
        stamps.push(kept.stamp);
    }
}

/// Does it on another thread, since this one has a runtime.
fn wait_here(future: impl Future<Output = Result<()>> + Send) {
    std::thread::scope(|scope| scope.spawn(|| wait(future)).join().unwrap()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_made_untrue_is_never_given() {
    let stage = Stage::new();
    for dropped in [true, false] {
        let disk = stage.disk();
        set(&disk, &key(1, "/a"), "old").await;
        let before = stamp(&disk, 1, "/a").await;
        let place = place("/a");
        if dropped {
            drop(disk.invalidate(&place));
        } else {
            let all = disk.0.readers.turns().acquire_many(READERS as u32).await.unwrap();
            assert_eq!(disk.invalidate(&place).await.unwrap_err().code(), "store.slow");
            assert_eq!(disk.get(&key(1, "/a")).await.unwrap_err().code(), "store.slow");
            drop(all);
            tokio::time::advance(Duration::from_secs(10)).await;
        }
        let kept = disk.get(&key(1, "/a")).await.unwrap();
        assert!(kept.value.is_none() && kept.stamp != before, "dropped: {dropped}");
        set(&disk, &key(1, "/a"), "new").await;
        assert_eq!(get(&disk, &key(1, "/a")).await.unwrap(), "new", "it is owed once");
    }
}

#[tokio::test]
async fn who_locks_the_folder_hinders_no_reader() {
    let stage = Stage::new();
    set(&stage.disk(), &key(1, "/a"), "old").await;
    set(&stage.disk(), &key(1, "/b"), "old").await;
    let folder = Folder(stage.folder());
    let _room = Room::lock(&folder, Duration::ZERO).unwrap();
    let disk = stage.patient(Duration::from_secs(60));
    let hasty = Room::lock(&folder, Duration::ZERO).map(|_| ()).unwrap_err();
    assert_eq!(hasty.code(), "store.locked");
    assert_eq!(get(&disk, &key(1, "/a")).await.unwrap(), "old");
    let before = stamp(&disk, 1, "/b").await;
    disk.invalidate(&place("/b")).await.unwrap();
    disk.remove(&key(1, "/a")).await.unwrap();
    assert_eq!(get(&disk, &key(1, "/a")).await, None);
    assert_ne!(stamp(&disk, 1, "/b").await, before);
}
