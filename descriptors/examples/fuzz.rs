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
            println!("=== {name}");
            std::io::stdout().write_all(bytes).unwrap();
            println!();
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
        LAST.with(|last| *last.borrow_mut() = line.chars().take(600).collect());
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
    println!("end\t{accepted}\t{}\t{}\t{}", slowest.0.as_micros(), slowest.1, bytes.max(peak()));
}

/// Most memory this process ever had, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Runs one target to its end; how many findings there were.
fn run(options: &Options) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("at");
    let (start, end) = (Instant::now(), options.from + options.count);
    let (mut found, mut from, mut accepted, mut slowest, mut memory) = (0, options.from, 0, (0, 0), 0);
    while from < end && found < ENOUGH {
        fs::write(&place, from.to_le_bytes()).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--target", &options.target, "--seed", &options.seed.to_string(), "--from", &from.to_string()])
            .args(["--count", &(end - from).to_string(), "--place"])
            .arg(&place)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = listen(&mut child);
        let stuck = watch(&mut child, &place);
        let status = child.wait().unwrap();
        for line in lines.join().unwrap() {
            let parts: Vec<&str> = line.split('\t').collect();
            match parts.as_slice() {
                ["end", good, micros, at, bytes] => {
                    let number = |t: &str| t.parse::<u64>().unwrap();
                    accepted += number(good);
                    slowest = slowest.max((number(micros), number(at)));
                    memory = memory.max(number(bytes));
                }
                [kind, at, words] => {
                    found += 1;
                    save(options, kind, at.parse().unwrap(), words);
                }
                _ => println!("{line}"),
            }
        }
        if status.success() {
            break;
        }
        let at = fs::read(&place).ok().and_then(|b| b.try_into().ok()).map_or(from, u64::from_le_bytes);
        found += 1;
        let words =
            if stuck { format!("it did not end within {STUCK:?}") } else { format!("the process ended: {status}") };
        save(options, if stuck { "hang" } else { "death" }, at, &words);
        from = at + 1;
    }
    let (seconds, n) = (start.elapsed().as_secs_f64(), options.count);
    println!(
        "{}: {n} executions of seed {} in {seconds:.0} s, {:.0} a second; {accepted} accepted; slowest {:.1} ms (execution {}); \
         peak {} MiB; {found} findings",
        options.target,
        options.seed,
        n as f64 / seconds,
        slowest.0 as f64 / 1000.0,
        slowest.1,
        memory >> 20,
    );
    found
}

/// Gathers what the process says.
fn listen(child: &mut Child) -> std::thread::JoinHandle<Vec<String>> {
    let out = child.stdout.take().unwrap();
    std::thread::spawn(move || BufReader::new(out).lines().map_while(Result::ok).collect())
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
