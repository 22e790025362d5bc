//! The matrix: what every fault comes to, for four kinds of request, on a fresh and on a reused connection.
//!
//! What must come of each stands in `tests/fixtures/faults.txt`, by hand; here it is observed and compared.

use std::{
    fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use restwalk::{Call, Client, Error, Outcome, Retry, Value};

use super::{
    scripts,
    stage::{Script, Stage},
};

/// Id, fault, kind and code, outcome, requests on a fresh connection, on a reused one; in the fixture also a remark.
type Row = Vec<String>;

/// How many calls are made at once; most of them wait.
const AT_ONCE: usize = 16;

/// Longer than anything here takes that is not meant to be cut.
const LONG: Duration = Duration::from_secs(20);

const REQUESTS: [fn(&Client) -> Call; 4] = [
    |client| client.res("x").get(),
    |client| client.res("x").post().set("a", 1),
    |client| client.res("x").post().set("a", 1).idempotency_key("k"),
    |client| client.res("x").put().set("a", 1),
];

/// How a call ended.
#[derive(Clone, PartialEq, Eq)]
struct End {
    /// Kind and code.
    what: String,
    outcome: Outcome,
    attempts: u32,
    /// How many requests the server saw.
    requests: usize,
}

/// One call of the matrix.
#[derive(Clone, Copy)]
struct Cell<'s> {
    script: &'s Script,
    reused: bool,
    request: usize,
}

#[test]
fn every_fault_comes_to_what_is_written_down() {
    let (scripts, written) = (scripts::all(), written());
    let expected: Vec<Vec<Row>> = scripts
        .iter()
        .map(|script| written.iter().filter(|row| row[0] == id(script) && row[1] == script.fault).cloned().collect())
        .collect();
    assert_eq!(expected.iter().flatten().count(), written.len(), "a row is of no script");

    let mut observed = observe(&scripts.iter().collect::<Vec<_>>(), 1);
    // On a busy machine a short patience may end before the server is even asked; a longer one tells such a row.
    let same = |at: usize, observed: &[Vec<Row>]| remarked(&observed[at], &expected[at]) == expected[at];
    let late: Vec<_> = (0..scripts.len()).filter(|&at| scripts[at].stalls && !same(at, &observed)).collect();
    let again = observe(&late.iter().map(|&at| &scripts[at]).collect::<Vec<_>>(), 6);
    late.into_iter().zip(again).for_each(|(at, rows)| observed[at] = rows);

    let shown = |rows: &[Row], whose: &str| -> Vec<Row> {
        rows.iter().map(|row| [&[whose.to_owned()], &row[..6]].concat()).collect()
    };
    let differ: Vec<Row> = (0..scripts.len())
        .filter(|&at| !same(at, &observed))
        .flat_map(|at| [shown(&expected[at], "expected"), shown(&observed[at], "observed")].concat())
        .collect();
    assert!(differ.is_empty(), "the tables differ:\n{}", table(&differ));
    let heading = ["", "fault", "comes to", "outcome", "fresh: GET POST +key PUT", "reused", "remark"];
    let rows = observed.iter().zip(&expected).flat_map(|(observed, expected)| remarked(observed, expected));
    println!("{}", table(&std::iter::once(heading.map(str::to_owned).to_vec()).chain(rows).collect::<Vec<_>>()));
}

/// The rows of the fixture, in their order.
fn written() -> Vec<Row> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/faults.txt")).unwrap();
    let row = |line: &str| line.split('|').map(|column| column.trim().to_owned()).collect::<Row>();
    let rows: Vec<_> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(row).collect();
    assert!(rows.iter().all(|row| matches!(row.len(), 6 | 7)));
    rows
}

/// The observed rows with the remarks of those that were expected.
fn remarked(observed: &[Row], expected: &[Row]) -> Vec<Row> {
    let remarks = expected.iter().map(|row| &row[6..]).chain(std::iter::repeat(&[][..]));
    observed.iter().zip(remarks).map(|(row, remark)| [row, remark].concat()).collect()
}

/// What is seen of each script, with a patience so many times longer.
fn observe(scripts: &[&Script], longer: u32) -> Vec<Vec<Row>> {
    let cells: Vec<Cell<'_>> = scripts.iter().flat_map(|script| cells_of(script)).collect();
    let (next, ends) = (AtomicUsize::new(0), Mutex::new(vec![None; cells.len()]));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    let Some(cell) = cells.get(at) else { return };
                    let end = cell.play(longer);
                    ends.lock().unwrap()[at] = Some(end);
                }
            });
        }
    });
    let mut ends = ends.into_inner().unwrap().into_iter().flatten();
    scripts
        .iter()
        .map(|script| rows(script, &ends.by_ref().take(cells_of(script).count()).collect::<Vec<_>>()))
        .collect()
}

fn cells_of(script: &Script) -> impl Iterator<Item = Cell<'_>> {
    let connections: &[bool] = if script.connects() { &[false, true] } else { &[false] };
    let of = move |&reused| (0..REQUESTS.len()).map(move |request| Cell { script, reused, request });
    connections.iter().flat_map(of)
}

impl Cell<'_> {
    fn play(self, longer: u32) -> End {
        let mut stage = self.script.stage(self.reused);
        stage.patience *= longer;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let met = runtime.block_on(self.call(&stage));
        // The client goes with its runtime.
        drop(runtime);
        stage.settle();
        let requests = stage.requests();
        assert!(!self.reused || requests[0] > 1, "{}: no connection was reused", self.script.fault);
        let requests = requests.iter().sum::<usize>() - usize::from(self.reused);
        match met {
            Ok(_) => End { what: "ok".into(), outcome: Outcome::Processed, attempts: 1, requests },
            Err(error) => End {
                what: format!("{:?} {}", error.kind(), error.code()),
                outcome: error.outcome(),
                attempts: error.attempts(),
                requests,
            },
        }
    }

    async fn call(self, stage: &Stage) -> Result<Value, Error> {
        let client = stage.builder().retry(Retry::standard().budget(false)).random(|| 0.0).build().unwrap();
        if self.reused {
            let good = client.res("x").get().headers_timeout(LONG).idle_timeout(LONG).await;
            assert_eq!(good.expect(self.script.fault), Value::Object(serde_json::Map::new()));
        }
        REQUESTS[self.request](&client).await
    }
}

fn id(script: &Script) -> &'static str {
    script.id.split(' ').next().unwrap_or_default()
}

/// A row for each end that the calls of a script came to.
fn rows(script: &Script, ends: &[End]) -> Vec<Row> {
    let mut kinds: Vec<(&str, Outcome)> = Vec::new();
    for end in ends {
        if !kinds.contains(&(&end.what, end.outcome)) {
            kinds.push((&end.what, end.outcome));
        }
    }
    let row = |(what, outcome): (&str, Outcome)| {
        let counts = |ends: &[End]| {
            let count = |end: &End| match end {
                end if (&*end.what, end.outcome) != (what, outcome) => ".".to_owned(),
                End { attempts, requests, .. } if *attempts as usize == *requests => requests.to_string(),
                End { attempts, requests, .. } => format!("{requests}/{attempts}"),
            };
            ends.iter().map(count).collect::<Vec<_>>().join(" ")
        };
        let (fresh, reused) = ends.split_at(REQUESTS.len());
        let (fresh, reused) = (counts(fresh), counts(reused));
        let reused = match &*reused {
            "" => "-",
            reused if reused == fresh => "same",
            reused => reused,
        };
        [id(script), script.fault, what, &format!("{outcome:?}"), &fresh, reused].map(str::to_owned).to_vec()
    };
    kinds.into_iter().map(row).collect()
}

/// Rows for people, column under column.
fn table(rows: &[Row]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |at: usize| rows.iter().filter_map(|row| Some(row.get(at)?.chars().count())).max().unwrap_or_default();
    let widths: Vec<_> = (0..columns).map(width).collect();
    let line = |row: &Row| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}
