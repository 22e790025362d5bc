# One word per job.

# the gate, as CI runs it
check:
    bash scripts/test

# the main job on the embedded catalog
tour:
    cargo run --example tour

# what every fault of the network comes to, as observed
faults:
    cargo test --quiet --test suite faults::matrix -- --nocapture

# the budgets of docs/performance.md, measured
bench:
    cargo bench --bench budget

# an hour of load with faults, cancelled calls and two tenants
soak:
    cargo bench --bench soak -- --seconds 3600

# bans, licences and sources of the dependencies
deny:
    cargo deny check bans licenses sources

# what the unit tests of the pure modules leave alive
mutants:
    cargo mutants --no-shuffle --file 'src/path{.rs,/**}' --file 'src/params{.rs,/**}' --file src/query.rs --file 'src/retry{.rs,/**}' --file 'src/redirect{.rs,/**}' --file 'src/circuit{.rs,/**}' --file 'src/limit{.rs,/**}' --file 'src/multipart{.rs,/**}' --file 'src/catalog{.rs,/**}'

# the fuzz targets, ten minutes each (needs cargo-fuzz)
fuzz:
    for target in path catalog params multipart; do RUSTC_BOOTSTRAP=1 cargo fuzz run $target -- -max_total_time=600; done
