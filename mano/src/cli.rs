//! The command tree and its help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use uuid::Uuid;

pub use crate::cli_vims::{CloudArgs, Host, Vim, VimAdd};
use crate::output::Format;

/// Orchestrate network services: onboard packages, run, watch, repair and end them.
#[derive(Debug, Parser)]
#[command(name = "mano", version, arg_required_else_help = true, after_help = AFTER)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

const AFTER: &str = "A first service, from nothing:
  mano vim add hosts --name lab --northbound unix:/run/ovn/ovnnb_db.sock
  mano vim add openstack --clouds-yaml ~/.config/openstack/clouds.yaml --cloud telco
  mano host add host1 --vim lab --agent http://127.0.0.1:8703
  mano vnfpkg onboard web.csar && mano vnfpkg onboard edge.csar && mano nsd onboard demo.zip
  mano ns create --nsd demo-ns --name demo && mano ns instantiate demo --wait
  mano topology demo

Names or ids are both fine where one thing is meant. Exit codes: 0 done, 1 refused or failed, 2 wrong use, 3 unreachable.";

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Address of the NFVO.
    #[arg(long, global = true, env = "MANO_NFVO", default_value = "http://127.0.0.1:8700", value_name = "URL")]
    pub nfvo: String,
    /// Address of the VNFM, for commands about single VNFs.
    #[arg(long, global = true, env = "MANO_VNFM", default_value = "http://127.0.0.1:8701", value_name = "URL")]
    pub vnfm: String,
    /// What to print.
    #[arg(short, long, global = true, value_enum, default_value = "table")]
    pub output: Format,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// VNF packages (SOL004 archives).
    #[command(subcommand)]
    Vnfpkg(VnfPkg),
    /// Network service descriptors (SOL007 archives).
    #[command(subcommand)]
    Nsd(Pkg),
    /// Network services.
    #[command(subcommand)]
    Ns(Ns),
    /// Single VNFs.
    #[command(subcommand)]
    Vnf(Vnf),
    /// Lifecycle operations of network services and VNFs.
    #[command(subcommand)]
    Op(Op),
    /// VIMs.
    #[command(subcommand)]
    Vim(Vim),
    /// Hosts of a VIM.
    #[command(subcommand)]
    Host(Host),
    /// What is there and nobody owns: asks every VIM and host.
    Leaks,
    /// Draws a network service: links, VNFs, addresses, hosts.
    Topology {
        /// Name or id of the network service.
        ns: String,
    },
    /// Every prerequisite on this machine, and what helps.
    Doctor {
        /// Where the services keep their files.
        #[arg(long, default_value = "/var/lib/mano")]
        state_dir: PathBuf,
    },
    /// Alarms: what is wrong with VNFs.
    #[command(subcommand)]
    Alarm(crate::cli_monitoring::Alarm),
    /// Performance: what VNFs use, and thresholds.
    #[command(subcommand)]
    Pm(crate::cli_monitoring::Pm),
    /// Shell completions, to be sourced.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
pub enum VnfPkg {
    #[command(flatten)]
    Package(Pkg),
    /// Makes a VNF package of an OVF appliance: a VDU for each virtual system, disks converted by qemu-img.
    FromOvf(FromOvf),
    /// Writes a VDU of a VNF package as an OVF appliance, disks converted by qemu-img.
    ToOva(ToOva),
}

#[derive(Debug, Args)]
pub struct FromOvf {
    /// OVA archive, OVF descriptor with its files beside it, or directory with exactly one descriptor.
    pub file: PathBuf,
    /// What to make: an archive where the name ends in .csar or .zip, else a directory that is not there yet.
    #[arg(long, value_name = "PACKAGE")]
    pub out: PathBuf,
    /// Product name, in place of what the appliance says.
    #[arg(long)]
    pub name: Option<String>,
    /// Provider, in place of what the appliance says.
    #[arg(long)]
    pub provider: Option<String>,
}

#[derive(Debug, Args)]
pub struct ToOva {
    /// VNF package: archive or directory.
    pub package: PathBuf,
    /// The VDU, by the name of its node template.
    #[arg(long, value_name = "NAME")]
    pub vdu: String,
    /// Archive to write.
    #[arg(long, value_name = "FILE.ova")]
    pub out: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum Pkg {
    /// Makes a valid archive from a directory: hashes and manifest are filled in; signed when a key is given.
    Build(Build),
    /// Finds everything that is wrong with a package, offline, as onboarding would.
    #[command(after_help = LINT)]
    Lint(Lint),
    /// Uploads an archive and waits for the verdict.
    Onboard {
        /// Archive.
        file: PathBuf,
    },
    /// Lists them.
    List(ListArgs),
    /// Shows one.
    Show {
        /// Id, or descriptor id, or product name.
        id: String,
    },
    /// Draws the topology of one as SVG.
    Picture {
        /// Id, or descriptor id, or product name.
        id: String,
        /// Deployment flavour; the first one when not given.
        #[arg(long, value_name = "ID")]
        flavour: Option<String>,
        /// File to write; else the picture is printed.
        #[arg(long, value_name = "FILE.svg")]
        out: Option<PathBuf>,
    },
    /// Deletes one.
    Delete {
        /// Id, or descriptor id, or product name.
        id: String,
    },
}

const LINT: &str = "Every finding has file:line:column, the quoted source, the clause behind it, why it matters and the smallest mend.
Without --strict the package is judged as at onboarding: departures from the standard whose meaning is clear are accepted
as warnings, each under the name of its leniency. With --strict everything the standard demands is demanded.

Exit codes: 0 accepted (warnings alone do not refuse; --strict makes errors of those that break the standard), 1 refused,
2 wrong use.";

#[derive(Debug, Args)]
pub struct Build {
    /// Directory with the sources.
    pub dir: PathBuf,
    /// Archive to write.
    pub out: PathBuf,
    /// Further file put into the archive, as ARCHIVE_PATH=FILE; may be given several times.
    #[arg(long = "add", value_name = "PATH=FILE")]
    pub add: Vec<String>,
    /// Private key that signs the package (PEM, without password).
    #[arg(long, value_name = "KEY.pem", requires = "sign_cert")]
    pub sign_key: Option<PathBuf>,
    /// Certificate of the key (PEM or DER); certificates between it and a trust anchor may follow in the same file.
    #[arg(long, value_name = "CERT.pem", requires = "sign_key")]
    pub sign_cert: Option<PathBuf>,
    /// Where the signature goes: 1 into the manifest, 2 beside the package in an outer archive (SOL004 clause 5.1).
    #[arg(long, value_name = "1|2", default_value = "1", value_parser = ["1", "2"])]
    pub sign_option: String,
    /// Digest algorithm of manifest and signature.
    #[arg(long, value_enum, default_value = "sha256")]
    pub hash: Hash,
}

/// A digest algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

#[derive(Debug, Args)]
pub struct Lint {
    /// Archive, or directory with the content or the sources of one.
    pub path: PathBuf,
    /// Further file that `build` would put into the archive, as ARCHIVE_PATH=FILE; may be given several times.
    #[arg(long = "add", value_name = "PATH=FILE")]
    pub add: Vec<String>,
    /// Demands everything the standard demands.
    #[arg(long)]
    pub strict: bool,
    /// What to print; -o text|json|yaml|sarif|junit says the same.
    #[arg(long, value_enum)]
    pub format: Option<Form>,
    /// Mends what needs no decision (digests, keynames of TOSCA.meta, files missing in the manifest), then looks again.
    #[arg(long)]
    pub fix: bool,
    /// Certificate to trust, PEM or DER; may be given several times.
    #[arg(long = "trust-anchor", value_name = "FILE")]
    pub trust_anchors: Vec<PathBuf>,
    /// What becomes of packages without a signature, or with one that no trust anchor vouches for.
    #[arg(long, value_enum, default_value = "accept")]
    pub unsigned: UnsignedPolicy,
    /// Time at which certificates must be valid, in seconds since 1970-01-01T00:00:00Z; now when absent.
    #[arg(long, value_name = "SECONDS")]
    pub at: Option<i64>,
    /// Prints what would be created too: per flavour and level the VNFCs, processors, memory, disks, ports and networks.
    #[arg(long)]
    pub plan: bool,
    /// Draws the topology into this file, one file a flavour.
    #[arg(long, value_name = "FILE.svg", requires = "plan")]
    pub svg: Option<PathBuf>,
    /// Says whether these hosts can hold it; YAML: `hosts: [{ name: c, count: 4, vcpus: 32, memory: 128 GiB, disk: 1 TiB }]`.
    #[arg(long, value_name = "FILE", requires = "plan")]
    pub nfvi: Option<PathBuf>,
}

/// Form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    Text,
    /// For scripts.
    Json,
    /// For scripts.
    Yaml,
    /// SARIF 2.1.0, for code hosting sites and editors.
    Sarif,
    /// JUnit XML, for build servers.
    Junit,
}

/// What becomes of unsigned packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum UnsignedPolicy {
    /// Taken without a word.
    Accept,
    /// Taken with a warning.
    Warn,
    /// Refused.
    Refuse,
}

/// Arguments of every list (SOL013).
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// Attribute filter, e.g. "(eq,nsState,INSTANTIATED)".
    #[arg(long)]
    pub filter: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Ns {
    /// Makes a network service record from a descriptor.
    Create {
        /// NSD: id, descriptor id or name.
        #[arg(long)]
        nsd: String,
        /// Name of the service.
        #[arg(long)]
        name: String,
        /// Description.
        #[arg(long, default_value = "")]
        description: String,
    },
    /// Runs it.
    Instantiate {
        /// Name or id.
        ns: String,
        /// Deployment flavour; may be left out when the NSD has but one.
        #[arg(long)]
        flavour: Option<String>,
        /// NS instantiation level.
        #[arg(long)]
        level: Option<String>,
        /// JSON file with further members of the SOL005 InstantiateNsRequest.
        #[arg(long, value_name = "FILE")]
        params: Option<PathBuf>,
        /// Waits for the end and shows the steps.
        #[arg(long)]
        wait: bool,
    },
    /// Ends it.
    Terminate {
        /// Name or id.
        ns: String,
        /// Waits for the end and shows the steps.
        #[arg(long)]
        wait: bool,
    },
    /// Deletes the record of a service that does not run.
    Delete {
        /// Name or id.
        ns: String,
    },
    /// Lists them.
    List(ListArgs),
    /// Shows one.
    Show {
        /// Name or id.
        ns: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Vnf {
    /// Lists them.
    List(ListArgs),
    /// Shows one.
    Show {
        /// Name or id.
        vnf: String,
    },
    /// The serial console's log of its VNFCs.
    Log {
        /// Name or id.
        vnf: String,
        /// How much of each, from the end.
        #[arg(long, default_value_t = 4096)]
        bytes: u64,
    },
    /// How the serial console of each VNFC is reached.
    Console {
        /// Name or id.
        vnf: String,
    },
    /// Stops a VNF, or some of its VNFCs.
    Stop {
        #[command(flatten)]
        vnfcs: Vnfcs,
        /// Let the guests shut down by themselves, for so many seconds at most.
        #[arg(long, value_name = "SECONDS")]
        grace: Option<u32>,
    },
    /// Starts a VNF, or some of its VNFCs.
    Start {
        #[command(flatten)]
        vnfcs: Vnfcs,
    },
    /// Scales a VNF: an aspect by steps, or everything to a level.
    Scale(Scale),
    /// Changes the record of a VNF: its name, description, metadata or configurable properties.
    Modify {
        /// Name or id.
        vnf: String,
        /// New name.
        #[arg(long)]
        name: Option<String>,
        /// New description.
        #[arg(long)]
        description: Option<String>,
        /// Metadata to set, as KEY=VALUE; without a value the key goes. May be given several times.
        #[arg(long, value_name = "KEY=VALUE")]
        metadata: Vec<String>,
        /// Configurable property to set, as NAME=VALUE; without a value its default holds. May be given several times.
        #[arg(long, value_name = "NAME=VALUE")]
        property: Vec<String>,
    },
    /// Changes the deployment flavour of a VNF: CPU, memory, how many VNFCs.
    Flavour {
        /// Name or id.
        vnf: String,
        /// Flavour of the VNFD that it shall have.
        flavour: String,
        /// Instantiation level; the flavour's default when not given.
        #[arg(long, value_name = "ID")]
        level: Option<String>,
        /// Return at once; the operation goes on.
        #[arg(long)]
        no_wait: bool,
    },
    /// Puts external connection points of a VNF onto another network.
    Connect(Connect),
    /// Changes the VNF package of a VNF: its software, one VNFC after the other or beside the old ones.
    Upgrade {
        /// Name or id.
        vnf: String,
        /// VNF package or its VNFD: id, or product name when only one has it.
        package: String,
        /// New VNFCs first, and the old ones go when all of them run; else one VNFC after the other.
        #[arg(long)]
        blue_green: bool,
        /// Return at once; the operation goes on.
        #[arg(long)]
        no_wait: bool,
    },
    /// Holds a running VNF against its descriptor: CPUs, memory, disks, ports, addresses, networks, placement, level. Ends with
    /// 1 when something differs.
    Verify {
        /// Name or id.
        vnf: String,
        /// Shows every check, not only what differs.
        #[arg(long)]
        all: bool,
    },
    /// What a VNF or its element manager tells of it: its indicators with their values.
    Indicators {
        /// Name or id.
        vnf: String,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Makes VNFCs of a VNF again: with their addresses and volumes, their other disks anew from the image.
    Heal {
        #[command(flatten)]
        vnfcs: Vnfcs,
        /// Why; kept with the operation.
        #[arg(long)]
        cause: Option<String>,
    },
    /// Snapshots of VNFs: what the disks of their VNFCs held, and the return to that.
    #[command(subcommand)]
    Snapshot(VnfSnapshots),
}

#[derive(Debug, Subcommand)]
pub enum VnfSnapshots {
    /// Takes a snapshot of a VNF while it goes on; prints its id.
    Create {
        /// Name or id of the VNF.
        vnf: String,
        /// Only this VNFC. `mano vnf show` lists them as vnfcInfo.
        #[arg(long, value_name = "ID")]
        vnfc: Option<String>,
        /// What to keep with it, as KEY=VALUE. May be given several times.
        #[arg(long, value_name = "KEY=VALUE")]
        data: Vec<String>,
        /// Return at once; the operation goes on.
        #[arg(long)]
        no_wait: bool,
    },
    /// Lists them.
    List(ListArgs),
    /// Shows one.
    Show {
        /// Id of the snapshot.
        snapshot: Uuid,
    },
    /// Deletes one, with what of it is in VIMs.
    Delete {
        /// Id of the snapshot.
        snapshot: Uuid,
    },
    /// Returns a VNF to a snapshot: its VNFCs start again with the disks of that time and the addresses they have.
    Revert {
        /// Name or id of the VNF.
        vnf: String,
        /// Id of the snapshot.
        snapshot: Uuid,
        /// Only this VNFC.
        #[arg(long, value_name = "ID")]
        vnfc: Option<String>,
        /// Return at once; the operation goes on.
        #[arg(long)]
        no_wait: bool,
    },
}

#[derive(Debug, Args)]
pub struct Connect {
    /// Name or id.
    pub vnf: String,
    /// External virtual link: one that the VNF has (`mano vnf show`, extVirtualLinkInfo), or a new name.
    #[arg(long, value_name = "ID")]
    pub link: String,
    /// Network of the VIM that the link is; not needed for a link that the VNF has.
    #[arg(long, value_name = "ID")]
    pub network: Option<Uuid>,
    /// Connection point to put there, as CPD, CPD/CONFIG or either with =ADDRESS; CONFIG is the cpConfigId of one instance
    /// (`mano vnf show`, extCpInfo). May be given several times.
    #[arg(long = "cp", value_name = "CPD[/CONFIG][=ADDRESS]", required = true)]
    pub cps: Vec<String>,
    /// Return at once; the operation goes on.
    #[arg(long)]
    pub no_wait: bool,
}

/// A VNF, and which of its VNFCs.
#[derive(Debug, Args)]
pub struct Vnfcs {
    /// Name or id.
    pub vnf: String,
    /// Only this VNFC; may be given several times. `mano vnf show` lists them as vnfcInfo.
    #[arg(long = "vnfc", value_name = "ID")]
    pub vnfcs: Vec<String>,
    /// Return at once; the operation goes on.
    #[arg(long)]
    pub no_wait: bool,
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("to").required(true).args(["out", "into", "level", "aspect_level"])))]
pub struct Scale {
    /// Name or id.
    pub vnf: String,
    /// Scale this aspect out.
    #[arg(long, value_name = "ASPECT")]
    pub out: Option<String>,
    /// Scale this aspect in.
    #[arg(long = "in", id = "into", value_name = "ASPECT")]
    pub into: Option<String>,
    /// Steps of --out or --in.
    #[arg(long, default_value_t = 1, conflicts_with_all = ["level", "aspect_level"])]
    pub steps: u32,
    /// Scale to this instantiation level of the VNFD.
    #[arg(long, value_name = "ID")]
    pub level: Option<String>,
    /// Scale an aspect to a scale level, as ASPECT=LEVEL; may be given several times.
    #[arg(long, value_name = "ASPECT=LEVEL")]
    pub aspect_level: Vec<String>,
    /// Return at once; the operation goes on.
    #[arg(long)]
    pub no_wait: bool,
}

#[derive(Debug, Subcommand)]
pub enum Op {
    /// Lists operations of network services, or of VNFs.
    List {
        /// VNF operations instead of NS operations.
        #[arg(long)]
        vnf: bool,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Shows one, with its steps.
    Show {
        /// Operation.
        op: Uuid,
    },
    /// Shows the steps until the end.
    Watch {
        /// Operation.
        op: Uuid,
    },
    /// Tries the failed steps again.
    Retry(Task),
    /// Undoes what was done.
    Rollback(Task),
    /// Gives up: what is left stays until the service is terminated.
    Fail(Task),
    /// Stops a running operation.
    Cancel {
        #[command(flatten)]
        task: Task,
        /// Abandons running steps instead of waiting for their end.
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Clone, Args)]
pub struct Task {
    /// Operation.
    pub op: Uuid,
    /// Waits for the end and shows the steps.
    #[arg(long)]
    pub wait: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_tree_is_consistent() {
        Cli::command().debug_assert();
    }
}
