//! The part of the command tree about alarms and measurements.

use clap::{Args, Subcommand};
use uuid::Uuid;

use crate::cli::ListArgs;

#[derive(Debug, Subcommand)]
pub enum Alarm {
    /// Lists them: those whose fault lasts, and those that nobody has acknowledged.
    List {
        /// Only those of this VNF.
        #[arg(long, value_name = "NAME")]
        vnf: Option<String>,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Shows one.
    Show {
        /// Alarm.
        alarm: Uuid,
    },
    /// Acknowledges one; when its fault is over it leaves the list.
    Ack {
        /// Alarm.
        alarm: Uuid,
    },
    /// Takes an acknowledgement back.
    Unack {
        /// Alarm.
        alarm: Uuid,
    },
}

#[derive(Debug, Subcommand)]
pub enum Pm {
    /// What is measured regularly.
    #[command(subcommand)]
    Job(Job),
    /// The newest report of a job, or another one.
    Report {
        /// Job.
        job: Uuid,
        /// Report; the newest when not given.
        report: Option<Uuid>,
    },
    /// Values that are watched.
    #[command(subcommand)]
    Threshold(Threshold),
}

/// What is measured, and where to tell.
#[derive(Debug, Args)]
pub struct Measured {
    /// Name or id of the VNF.
    pub vnf: String,
    /// Metric, e.g. VcpuUsageMeanVnf, or a monitoring parameter of the VNFD; may be given several times for a job.
    #[arg(long = "metric", value_name = "NAME")]
    pub metrics: Vec<String>,
    /// What is measured: Vnf, Vnfc, VnfIntCp or VnfExtCp.
    #[arg(long, value_name = "TYPE", default_value = "Vnf")]
    pub object: String,
    /// Only this part of the VNF: a VNFC or connection point; may be given several times.
    #[arg(long = "part", value_name = "ID")]
    pub parts: Vec<String>,
    /// Address that is told; it must answer a GET with 204.
    #[arg(long, value_name = "URL")]
    pub callback: String,
}

#[derive(Debug, Subcommand)]
pub enum Job {
    /// Begins to measure a VNF.
    Create {
        #[command(flatten)]
        measured: Measured,
        /// Group of metrics: VirtualisedComputeResource, VnfInternalCP, VnfExternalCP; may be given several times.
        #[arg(long = "group", value_name = "NAME")]
        groups: Vec<String>,
        /// How often, in seconds.
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        every: u32,
        /// How often a report is made, in seconds, a multiple of --every; as often when not given.
        #[arg(long, value_name = "SECONDS")]
        report: Option<u32>,
    },
    /// Lists them.
    List(ListArgs),
    /// Shows one, with its reports.
    Show {
        /// Job.
        job: Uuid,
    },
    /// Deletes one with its reports.
    Delete {
        /// Job.
        job: Uuid,
    },
}

#[derive(Debug, Subcommand)]
pub enum Threshold {
    /// Begins to watch a metric of a VNF.
    Create {
        #[command(flatten)]
        measured: Measured,
        /// The value.
        #[arg(long)]
        value: f64,
        /// How far beyond the value a crossing is told.
        #[arg(long, default_value_t = 0.0)]
        hysteresis: f64,
    },
    /// Lists them.
    List(ListArgs),
    /// Deletes one.
    Delete {
        /// Threshold.
        threshold: Uuid,
    },
}
