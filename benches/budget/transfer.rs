//! A GiB up and a GiB down, each in a process of its own, against curl; and an upload that is refused twice.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nix::sys::resource::UsageWho;
use restwalk::{Client, Value};
use tempfile::TempDir;

use crate::{
    allocations,
    measure::{self, Figure, cpu, median},
    report::{Unit, note, row},
    server::GIB,
};

/// Rounds of both sides; a round moves two GiB.
const ROUNDS: usize = 9;

/// The length of what is uploaded three times, in bytes.
const QUARTER: u64 = GIB / 4;

/// Does one transfer in this process and prints its allocations and by how many bytes the process grew.
pub fn transfer(kind: &str, address: &str, file: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = Client::builder(format!("http://{address}")).random(|| 0.0).build().unwrap();
    runtime.block_on(async {
        client.res("first").get().await.unwrap();
        let (allocated, grown) = (allocations::count(), measure::memory("VmRSS"));
        match kind {
            "upload" => {
                let answer = client.res("upload").post().upload_file(file).await.unwrap();
                assert!(answer["received"].as_u64() > Some(GIB), "{answer}");
            }
            "again" => {
                let answer = client.res("third").put().upload_file(file).send().await.unwrap();
                assert_eq!(answer.attempts(), 3);
                assert!(answer.json::<Value>().await.unwrap()["received"].as_u64() > Some(QUARTER));
            }
            _ => assert_eq!(client.res("download").get().send().await.unwrap().save(file).await.unwrap(), GIB),
        }
        println!("{} {}", allocations::count() - allocated, measure::memory("VmHWM") - grown);
    });
}

struct Place {
    directory: TempDir,
    address: String,
}

impl Place {
    fn new(address: &str) -> Self {
        Self { directory: TempDir::new().unwrap(), address: address.to_owned() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn ours(&self, kind: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["transfer", kind, &self.address]).arg(self.path(kind));
        command
    }

    fn curl(&self, kind: &str) -> Command {
        let mut command = Command::new("curl");
        command.args(["-sS", "-o"]);
        let file = self.path(kind);
        match kind {
            "upload" => command.arg("/dev/null").arg("-F").arg(format!("file=@{}", file.display())),
            _ => command.arg(file),
        };
        command.arg(format!("http://{}/{kind}", self.address));
        command
    }

    /// CPU time of ours over curl's.
    fn race(&self, kind: &str) -> Figure {
        Command::new("curl").arg("--version").output().map_err(|_| "install curl")?;
        let ratios = (0..ROUNDS).map(|_| spent(&mut self.ours(kind)) / spent(&mut self.curl(kind)));
        Ok(median(ratios.collect()))
    }

    /// Allocations, and growth in MiB.
    fn cost(&self, kind: &str) -> (Figure, Figure) {
        let output = self.ours(kind).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let figures: Vec<f64> = text.split_whitespace().map(|figure| figure.parse().unwrap()).collect();
        (Ok(figures[0]), Ok(figures[1] / f64::from(1 << 20)))
    }

    fn system_calls(&self, kind: &str) -> Figure {
        let ours = self.ours(kind);
        let log = self.path("calls");
        let mut command = Command::new("strace");
        command.args(["-f", "-c", "-o"]).arg(&log).arg(ours.get_program()).args(ours.get_args());
        command.stdout(Stdio::null()).status().map_err(|_| "install strace")?;
        let log = fs::read_to_string(log).unwrap();
        let total = log.lines().rfind(|line| line.ends_with("total")).and_then(|line| line.split_whitespace().nth(3));
        Ok(total.unwrap().parse().unwrap())
    }
}

fn spent(command: &mut Command) -> f64 {
    let before = cpu(UsageWho::RUSAGE_CHILDREN);
    assert!(command.stdout(Stdio::null()).status().unwrap().success());
    cpu(UsageWho::RUSAGE_CHILDREN) - before
}

fn write(path: &Path, size: u64) {
    let mut file = fs::File::create(path).unwrap();
    let block: Vec<u8> = (0..1 << 20).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for _ in 0..size >> 20 {
        file.write_all(&block).unwrap();
    }
}

pub fn upload(address: &str) {
    let place = Place::new(address);
    write(&place.path("upload"), GIB);
    let (allocated, grown) = place.cost("upload");
    row("G9", "upload of a 1 GiB file, multipart / curl -F, CPU", Unit::Cpu, 1.15, place.race("upload"));
    row("G9", "  growth while uploading", Unit::Of("MiB"), 3.0, grown);
    row("G9", "  system calls, of the whole process", Unit::Of("calls"), 40_000.0, place.system_calls("upload"));
    row("G10", "  allocations while uploading", Unit::Of("allocs"), 200.0, allocated);
}

pub fn download(address: &str) {
    let place = Place::new(address);
    let (allocated, grown) = place.cost("download");
    row("G11", "download of 1 GiB to a file / curl -o, CPU", Unit::Cpu, 1.10, place.race("download"));
    row("G11", "  growth while downloading", Unit::Of("MiB"), 3.0, grown);
    note("G11", "  system calls, of the whole process", Unit::Of("calls"), place.system_calls("download"));
    note("G11", "  allocations while downloading", Unit::Of("allocs"), allocated);
}

pub fn again(address: &str) {
    let place = Place::new(address);
    write(&place.path("again"), QUARTER);
    let (allocated, grown) = place.cost("again");
    row("G19", "growth while a file of 256 MiB is uploaded three times", Unit::Of("MiB"), 3.0, grown);
    note("G19", "  allocations meanwhile", Unit::Of("allocs"), allocated);
}
