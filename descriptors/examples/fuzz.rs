//! Runs the fuzz targets long, or one execution again. It needs only the stable toolchain.
//!
//! `cargo run --profile fuzz -p descriptors --example fuzz -- --target NAME [--count N] [--seed S] [--from I]` runs
//! executions `I` to `I + N` (default 1,000,000 from 0 of seed 1) of `archive`, `manifest`, `tosca`, `sol006`, `ovf` or `all`,
//! and fails when any of them ended in a panic, took longer than two seconds, killed the program, or raised its memory beyond
//! 512 MiB. Each finding is saved in `--out` (default: a directory for temporary files) with the command that shows it again:
//! `--target NAME --seed S --at I` reads one input, with panics as they come; `--show` writes it out instead.
//!
//! The executions run in a process of their own, which tells its parent where it is; so a stack that overflows or a loop
//! without end is a finding like any other, and the run goes on behind it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../tests/fuzz/fuzzing/mod.rs"]
mod fuzzing;

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use fuzzing::LIMIT;

/// Most memory a target may need, in bytes: inputs are of some tens of KiB.
const MEMORY: u64 = 512 << 20;

/// Findings after which a run ends: the first ones are to be mended first.
const ENOUGH: usize = 50;

/// How long a process may stand at one execution before it is ended, beyond [`LIMIT`] because of what else the machine does.
const STUCK: Duration = LIMIT.saturating_mul(10);

#[derive(Clone, Debug)]
struct Options {
    target: String,
    seed: u64,
    from: u64,
    count: u64,
    at: Option<u64>,
    show: bool,
    out: PathBuf,
    /// For the process that does the work: the file in which it tells where it is.
    place: Option<PathBuf>,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        target: String::new(),
        seed: 1,
        from: 0,
        count: 1_000_000,
        at: None,
        show: false,
        out: std::env::temp_dir().join("descriptors-fuzz"),
        place: None,
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        let number = |text: String| text.replace('_', "").parse::<u64>().map_err(|e| format!("`{text}`: {e}"));
        match arg.as_str() {
            "--target" => options.target = value()?,
            "--seed" => options.seed = number(value()?)?,
            "--from" => options.from = number(value()?)?,
            "--count" => options.count = number(value()?)?,
            "--at" => options.at = Some(number(value()?)?),
            "--out" => options.out = value()?.into(),
            "--place" => options.place = Some(value()?.into()),
            "--show" => options.show = true,
            other => return Err(format!("unknown argument {other}")),
        }
    }
    let known = options.target == "all" || fuzzing::TARGETS.contains(&options.target.as_str());
    if known { Ok(options) } else { Err(format!("--target is one of {}, all", fuzzing::TARGETS.join(", "))) }
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    };
    if let Some(at) = options.at {
        once(&options, at);
        return ExitCode::SUCCESS;
    }
    if let Some(place) = options.place.clone() {
        // The stack that a thread of a service has.
        let worker = std::thread::Builder::new().stack_size(2 << 20).spawn(move || work(&options, &place));
        worker.unwrap().join().unwrap();
        return ExitCode::SUCCESS;
    }
    let names: Vec<&str> = if options.target == "all" { fuzzing::TARGETS.to_vec() } else { vec![&options.target] };
    let found: usize = names.iter().map(|name| run(&Options { target: (*name).to_owned(), ..options.clone() })).sum();
    ExitCode::from(u8::from(found > 0))
}

/// One execution, as it comes.
fn once(options: &Options, at: u64) {
    let target = fuzzing::target(&options.target).unwrap();
    if options.show {
        let input = fuzzing::input(&*target, options.seed, at);
        for (name, bytes) in &input {
            // Who looks at the beginning alone closes the pipe.
            let mut out = std::io::stdout().lock();
            let written = writeln!(out, "=== {name}").and_then(|()| out.write_all(bytes)).and_then(|()| writeln!(out));
            if written.is_err() {
                return;
            }
        }
        return;
    }
    let (accepted, took) = fuzzing::execute(&*target, options.seed, at);
    println!("execution {at}: {} in {took:?}", if accepted { "accepted" } else { "refused" });
}

/// Does the executions and tells of each finding in a line: kind, number, words.
fn work(options: &Options, place: &Path) {
    thread_local!(static LAST: RefCell<String> = const { RefCell::new(String::new()) });
    panic::set_hook(Box::new(|info| {
        let line = info.to_string().replace('\n', " ");
        LAST.with(|last| *last.borrow_mut() = line.replace('\t', " ").chars().take(600).collect());
    }));
    let place = File::create(place).unwrap();
    let target = fuzzing::target(&options.target).unwrap();
    let (mut accepted, mut slowest, mut bytes) = (0_u64, (Duration::ZERO, 0), 0);
    let (mut found, mut told) = (0, false);
    for at in options.from..options.from + options.count {
        place.write_all_at(&at.to_le_bytes(), 0).unwrap();
        match catch_unwind(AssertUnwindSafe(|| fuzzing::execute(&*target, options.seed, at))) {
            Ok((good, took)) => {
                accepted += u64::from(good);
                slowest = slowest.max((took, at));
                if took > LIMIT {
                    found += 1;
                    println!("slow\t{at}\t{took:?}");
                }
            }
            Err(_) => {
                found += 1;
                println!("panic\t{at}\t{}", LAST.with(|last| last.borrow().clone()));
            }
        }
        if found >= ENOUGH {
            break;
        }
        if at % 256 == 0 {
            bytes = peak();
            if bytes > MEMORY && !told {
                told = true;
                println!("memory\t{at}\t{} MiB at or shortly before this execution", bytes >> 20);
            }
        }
    }
    let (micros, at, kinds) = (slowest.0.as_micros(), slowest.1, fuzzing::kinds());
    println!("end\t{accepted}\t{micros}\t{at}\t{}\t{kinds}", bytes.max(peak()));
}

/// Most memory this process ever had, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// What came of a run.
#[derive(Debug, Default)]
struct Tally {
    findings: usize,
    accepted: u64,
    /// Time in microseconds, and the execution.
    slowest: (u64, u64),
    memory_bytes: u64,
    /// How many codes of findings were told.
    kinds: u64,
}

/// Runs one target to its end; how many findings there were.
fn run(options: &Options) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("at");
    let (start, end, mut from) = (Instant::now(), options.from + options.count, options.from);
    let mut all = Tally::default();
    while from < end && all.findings < ENOUGH {
        fs::write(&place, from.to_le_bytes()).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--target", &options.target, "--seed", &options.seed.to_string(), "--from", &from.to_string()])
            .args(["--count", &(end - from).to_string(), "--place"])
            .arg(&place)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let listener = listen(&mut child, options.clone());
        let stuck = watch(&mut child, &place);
        let status = child.wait().unwrap();
        let heard = listener.join().unwrap();
        all.findings += heard.findings;
        all.accepted += heard.accepted;
        all.slowest = all.slowest.max(heard.slowest);
        all.memory_bytes = all.memory_bytes.max(heard.memory_bytes);
        all.kinds = all.kinds.max(heard.kinds);
        if status.success() {
            break;
        }
        let at = fs::read(&place).ok().and_then(|b| b.try_into().ok()).map_or(from, u64::from_le_bytes);
        let (kind, words) = if stuck {
            ("hang", format!("it did not end within {STUCK:?}"))
        } else {
            ("death", format!("the process ended: {status}"))
        };
        all.findings += 1;
        save(options, kind, at, &words);
        from = at + 1;
    }
    let (seconds, n) = (start.elapsed().as_secs_f64(), options.count);
    println!(
        "{}: {n} executions of seed {} in {seconds:.0} s, {:.0} a second; {} accepted, {} kinds of faults told; \
         slowest {:.1} ms (execution {}); peak {} MiB; {} findings",
        options.target,
        options.seed,
        n as f64 / seconds,
        all.accepted,
        all.kinds,
        all.slowest.0 as f64 / 1000.0,
        all.slowest.1,
        all.memory_bytes >> 20,
        all.findings,
    );
    all.findings
}

/// Hears what the process says, and tells of findings as they come.
fn listen(child: &mut Child, options: Options) -> std::thread::JoinHandle<Tally> {
    let out = child.stdout.take().unwrap();
    std::thread::spawn(move || {
        let mut tally = Tally::default();
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            let number = |text: &str| text.parse::<u64>().unwrap();
            match line.split('\t').collect::<Vec<_>>().as_slice() {
                ["end", accepted, micros, at, bytes, kinds] => {
                    tally.accepted = number(accepted);
                    tally.kinds = number(kinds);
                    tally.slowest = (number(micros), number(at));
                    tally.memory_bytes = number(bytes);
                }
                [kind, at, words] => {
                    tally.findings += 1;
                    save(&options, kind, number(at), words);
                }
                _ => println!("{line}"),
            }
        }
        tally
    })
}

/// Waits for the end of the process, and ends it when it stands still. Whether it did.
fn watch(child: &mut Child, place: &Path) -> bool {
    let (mut last, mut since) = (Vec::new(), Instant::now());
    while child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(200));
        let now = fs::read(place).unwrap_or_default();
        if now != last {
            (last, since) = (now, Instant::now());
        } else if since.elapsed() > STUCK {
            child.kill().unwrap();
            return true;
        }
    }
    false
}

/// Keeps the input of a finding, and says how to see it again.
fn save(options: &Options, kind: &str, at: u64, words: &str) {
    let Options { target, seed, .. } = options;
    let dir = options.out.join(format!("{target}-{seed}-{at}-{kind}"));
    fs::create_dir_all(&dir).unwrap();
    let input = fuzzing::input(&*fuzzing::target(target).unwrap(), *seed, at);
    for (name, bytes) in &input {
        fs::write(dir.join(name.replace('/', "_")), bytes).unwrap();
    }
    println!("{kind} in {target}, execution {at}: {words}\n  the input: {}", dir.display());
    println!("  cargo run --profile fuzz -p descriptors --example fuzz -- --target {target} --seed {seed} --at {at}");
}
