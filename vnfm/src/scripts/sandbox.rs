//! The sandbox of a script: its files, and the command that enters it. The programs are those of util-linux and
//! bubblewrap; no shell is between, and nothing of a package becomes an option of theirs.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::account::Account;
use super::{Finished, Job, Settings, inventory};
use crate::ops::hooks::ScriptKind;

/// Where programs are looked for inside.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Where a script finds what it is given.
const GIVEN: &str = "/vnf";
/// Folders of the host's programs.
const PROGRAMS: [&str; 6] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64"];
/// Files that programs need.
const SETTINGS: [&str; 7] = [
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/passwd",
    "/etc/group",
    "/etc/nsswitch.conf",
    "/etc/localtime",
    "/etc/ssl/certs",
];
/// What they need for the network besides.
const RESOLVER: [&str; 2] = ["/etc/resolv.conf", "/etc/hosts"];
/// Bytes of shared memory, which Python's processes use among themselves.
const SHARED_MEMORY: u64 = 1 << 20;
/// Names of the environment that inputs cannot take.
const RESERVED: [&str; 6] = ["PATH", "HOME", "TMPDIR", "LANG", "PWD", "SHELL"];
/// Longest value of the environment, in bytes; longer ones are in the input file alone.
const MAX_VALUE: usize = 16 * 1024;

/// The private folder of a script, removed with it.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    /// Writes what the script is given. Whatever an earlier try left there goes.
    ///
    /// # Errors
    /// What the file system says.
    pub fn new(settings: &Settings, job: &Job, account: &Account) -> io::Result<Self> {
        let path = settings.folder().join(format!("mano-script-{}", job.name));
        match std::fs::remove_dir_all(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        DirBuilder::new().mode(0o700).create(&path)?;
        let folder = Self(path);
        let owned = |path: &Path| -> io::Result<()> {
            // Only root gives files away; another VNFM runs scripts as itself.
            if std::fs::metadata(path)?.uid() == 0 { chown(path, Some(account.uid), Some(account.gid)) } else { Ok(()) }
        };
        let write = |name: &Path, bytes: &[u8]| -> io::Result<()> {
            let path = folder.0.join(name);
            let mut below = folder.0.clone();
            for part in name.parent().into_iter().flat_map(Path::components) {
                below.push(part);
                if !below.is_dir() {
                    DirBuilder::new().mode(0o700).create(&below)?;
                    owned(&below)?;
                }
            }
            let mut file = File::create_new(&path)?;
            file.set_permissions(Permissions::from_mode(0o500))?;
            file.write_all(bytes)?;
            owned(&path)
        };
        for (name, bytes) in &job.files {
            write(&Path::new("package").join(clean(name)?), bytes)?;
        }
        write(Path::new("input.json"), &serde_json::to_vec_pretty(&job.input)?)?;
        if job.kind == ScriptKind::Ansible {
            let key = settings.ssh_key_file.as_ref().filter(|_| job.network).map(std::fs::read).transpose()?;
            let private = key.as_ref().map(|_| format!("{GIVEN}/ssh_key"));
            write(Path::new("inventory.json"), &serde_json::to_vec(&inventory(&job.input, private.as_deref()))?)?;
            let mut variables = job.variables.clone();
            variables.insert("mano".to_owned(), job.input.clone());
            write(Path::new("variables.json"), &serde_json::to_vec(&variables)?)?;
            if let Some(key) = key {
                write(Path::new("ssh_key"), &key)?;
            }
        }
        owned(&folder.0)?;
        Ok(folder)
    }

    fn of_root(&self) -> bool {
        // Made by root and given away; one that root did not make is its maker's.
        std::fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0)
    }
}

/// A path of a package, which must stay within its folder.
fn clean(name: &str) -> io::Result<&Path> {
    let path = Path::new(name);
    let plain = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
    if plain { Ok(path) } else { Err(io::Error::other(format!("{name:?} is no path within a package"))) }
}

/// What a command is made of besides settings and job.
#[derive(Debug)]
pub struct Around<'a> {
    /// The interpreter.
    pub program: &'a Path,
    /// The private folder.
    pub folder: &'a Folder,
    /// The user.
    pub account: &'a Account,
    /// The network of the host is there.
    pub network: bool,
}

/// The whole command.
pub fn command(settings: &Settings, job: &Job, around: &Around<'_>) -> Vec<OsString> {
    let mut words = Words::default();
    words.text("prlimit");
    words.text(&format!("--as={}", settings.memory_mib << 20));
    words.text(&format!("--nproc={}", settings.processes));
    words.text(&format!("--cpu={}", settings.cpu_seconds));
    words.text(&format!("--fsize={}", settings.scratch_mib << 20));
    words.all(&["--nofile=1024", "--core=0", "--", "setpriv"]);
    if around.folder.of_root() {
        words.text(&format!("--reuid={}", around.account.uid));
        words.text(&format!("--regid={}", around.account.gid));
        words.all(&["--clear-groups", "--bounding-set=-all"]);
    }
    words.all(&["--no-new-privs", "--inh-caps=-all", "--", "bwrap"]);
    words.all(&["--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try"]);
    if !around.network {
        words.text("--unshare-net");
    }
    words.all(&["--hostname", "vnfm-script", "--die-with-parent", "--new-session", "--clearenv"]);
    for path in PROGRAMS.iter().chain(&SETTINGS).chain(RESOLVER.iter().filter(|_| around.network)) {
        words.bind("--ro-bind-try", Path::new(path), Path::new(path));
    }
    for path in settings.readable.iter().map(PathBuf::as_path).chain(beside(around.program)) {
        words.bind("--ro-bind", path, path);
    }
    words.all(&["--proc", "/proc", "--dev", "/dev", "--size"]);
    words.text(&SHARED_MEMORY.to_string());
    words.all(&["--tmpfs", "/dev/shm", "--remount-ro", "/dev", "--size"]);
    words.text(&(settings.scratch_mib << 20).to_string());
    words.all(&["--tmpfs", "/tmp"]);
    words.bind("--ro-bind", &around.folder.0, Path::new(GIVEN));
    words.all(&["--remount-ro", "/", "--chdir", "/tmp"]);
    for (name, value) in environment(job) {
        words.all(&["--setenv", &name, &value]);
    }
    words.text("--");
    words.0.push(around.program.into());
    if job.kind == ScriptKind::Ansible {
        words.all(&["-i", &format!("{GIVEN}/inventory.json"), "-e", &format!("@{GIVEN}/variables.json")]);
    }
    words.text(&format!("{GIVEN}/package/{}", job.file));
    words.0
}

/// A program outside the system's folders brings its own: `bin` and what lies beside it.
fn beside(program: &Path) -> Option<&Path> {
    let own = program.parent().and_then(Path::parent)?;
    let system = PROGRAMS.iter().any(|folder| program.starts_with(folder));
    (!system && own.parent().is_some()).then_some(own)
}

#[derive(Default)]
struct Words(Vec<OsString>);

impl Words {
    fn text(&mut self, word: &str) {
        self.0.push(word.into());
    }

    fn all(&mut self, words: &[&str]) {
        self.0.extend(words.iter().map(OsString::from));
    }

    fn bind(&mut self, how: &str, from: &Path, to: &Path) {
        self.0.extend([OsString::from(how), from.into(), to.into()]);
    }
}

/// The environment: what the VNFM says, and the inputs under their own names.
fn environment(job: &Job) -> Vec<(String, String)> {
    let fixed = [("PATH", PATH), ("HOME", "/tmp"), ("TMPDIR", "/tmp"), ("LANG", "C.UTF-8")];
    let mut all: Vec<(String, String)> = fixed.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    if job.kind == ScriptKind::Ansible {
        let own = [
            ("ANSIBLE_NOCOLOR", "1"),
            ("ANSIBLE_HOST_KEY_CHECKING", "False"),
            ("ANSIBLE_RETRY_FILES_ENABLED", "False"),
            // The home that the scripts' user has by the password file need not be there.
            ("ANSIBLE_REMOTE_TMP", "/tmp/.ansible/tmp"),
        ];
        all.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    all.push(("MANO_INPUT".to_owned(), format!("{GIVEN}/input.json")));
    all.extend(job.environment.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    for (name, value) in &job.variables {
        let text = value.as_str().map_or_else(|| json!(value).to_string(), str::to_owned);
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let usable = name.chars().all(plain) && name.starts_with(|c: char| !c.is_ascii_digit());
        let own = RESERVED.contains(&name.as_str()) || name.starts_with("MANO_") || name.starts_with("LD_");
        if usable && !own && text.len() <= MAX_VALUE && !text.contains('\0') && *value != Value::Null {
            all.push((name.clone(), text));
        }
    }
    all
}

/// What a program around the script says when it cannot do its part.
pub fn complaint(finished: &Finished) -> Option<&str> {
    let line = finished.stderr.lines().next()?;
    let ours = ["bwrap: ", "setpriv: ", "prlimit: "].iter().any(|name| line.starts_with(name));
    (ours && finished.exit_status != 0 && finished.stdout.is_empty()).then_some(line)
}
