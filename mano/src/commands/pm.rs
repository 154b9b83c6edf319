//! `mano pm`: measurements of VNFs and thresholds (SOL003 performance management).

use reference_points::or_vnfm::{
    CreatePmJobRequest, CreateThresholdRequest, PerformanceReport, PmJob, PmJobCriteria, SimpleThresholdDetails,
    ThresholdCriteria, ThresholdType,
};
use serde_json::Value;
use uuid::Uuid;

use crate::cli_monitoring::{Job, Pm, Threshold};
use crate::context::{Context, id_of};
use crate::fail::Failure;
use crate::lists;
use crate::output::{self, Format};

pub async fn run(context: &Context, command: Pm) -> Result<(), Failure> {
    match command {
        Pm::Job(command) => job(context, command).await,
        Pm::Report { job, report } => report_of(context, job, report).await,
        Pm::Threshold(command) => threshold(context, command).await,
    }
}

async fn job(context: &Context, command: Job) -> Result<(), Failure> {
    let pm = &context.pm;
    match command {
        Job::Create { measured, groups, every, report } => {
            let request = CreatePmJobRequest {
                object_type: measured.object,
                object_instance_ids: vec![context.find_vnf(&measured.vnf).await?.id.to_string()],
                sub_object_instance_ids: measured.parts,
                criteria: PmJobCriteria {
                    performance_metric: measured.metrics,
                    performance_metric_group: groups,
                    collection_period: every,
                    reporting_period: report.unwrap_or(every),
                    reporting_boundary: None,
                },
                callback_uri: measured.callback,
                authentication: None,
            };
            output::one(context.format, &pm.create_job(&request).await?)
        }
        Job::List(list) => {
            let columns = [
                ("id", "/id"),
                ("object", "/objectType"),
                ("vnfs", "/objectInstanceIds"),
                ("metrics", "/criteria/performanceMetric"),
                ("groups", "/criteria/performanceMetricGroup"),
                ("every", "/criteria/collectionPeriod"),
                ("report", "/criteria/reportingPeriod"),
            ];
            let jobs = lists::all(&list, |query| async move { pm.jobs(&query).await }).await?;
            output::list(context.format, &jobs, &columns)
        }
        Job::Show { job } => output::one(context.format, &find(context, job).await?),
        Job::Delete { job } => {
            find(context, job).await?;
            pm.delete_job(job).await?;
            output::line(&format!("{job} is deleted"))
        }
    }
}

async fn find(context: &Context, job: Uuid) -> Result<PmJob, Failure> {
    let found = context.pm.job(job).await?;
    found.ok_or_else(|| Failure::helped(format!("there is no PM job {job}"), "mano pm job list"))
}

async fn report_of(context: &Context, job: Uuid, report: Option<Uuid>) -> Result<(), Failure> {
    let found = find(context, job).await?;
    let report = match (report, found.reports.last()) {
        (Some(report), _) => report,
        (None, Some(newest)) => id_of(newest.href.rsplit('/').next().unwrap_or_default())?,
        (None, None) => {
            let next = format!("one is made every {} s while the VNF runs", found.criteria.reporting_period);
            return Err(Failure::helped(format!("PM job {job} has no report yet"), next));
        }
    };
    let content = context.pm.report_of(job, report).await?;
    if context.format != Format::Table {
        return output::document(context.format, &serde_json::to_value(&content)?);
    }
    output::table(&["vnf", "part", "metric", "at", "value"], rows(content))
}

fn rows(report: PerformanceReport) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for entry in report.entries {
        for value in entry.performance_values {
            rows.push(vec![
                entry.object_instance_id.clone(),
                entry.sub_object_instance_id.clone().unwrap_or_else(|| "-".to_owned()),
                entry.performance_metric.clone(),
                value.time_stamp.to_string(),
                Value::Number(value.value).to_string(),
            ]);
        }
    }
    rows
}

async fn threshold(context: &Context, command: Threshold) -> Result<(), Failure> {
    let pm = &context.pm;
    match command {
        Threshold::Create { measured, value, hysteresis } => {
            let [metric] = measured.metrics.as_slice() else {
                return Err(Failure::usage("a threshold watches exactly one --metric"));
            };
            let details = SimpleThresholdDetails { threshold_value: value, hysteresis };
            let request = CreateThresholdRequest {
                object_type: measured.object,
                object_instance_id: context.find_vnf(&measured.vnf).await?.id.to_string(),
                sub_object_instance_ids: measured.parts,
                criteria: ThresholdCriteria {
                    performance_metric: metric.clone(),
                    threshold_type: ThresholdType::Simple,
                    simple_threshold_details: Some(details),
                },
                callback_uri: measured.callback,
                authentication: None,
            };
            output::one(context.format, &pm.create_threshold(&request).await?)
        }
        Threshold::List(list) => {
            let columns = [
                ("id", "/id"),
                ("object", "/objectType"),
                ("vnf", "/objectInstanceId"),
                ("metric", "/criteria/performanceMetric"),
                ("value", "/criteria/simpleThresholdDetails/thresholdValue"),
                ("hysteresis", "/criteria/simpleThresholdDetails/hysteresis"),
            ];
            let all = lists::all(&list, |query| async move { pm.thresholds(&query).await }).await?;
            output::list(context.format, &all, &columns)
        }
        Threshold::Delete { threshold } => {
            if pm.threshold(threshold).await?.is_none() {
                let what = format!("there is no threshold {threshold}");
                return Err(Failure::helped(what, "mano pm threshold list"));
            }
            pm.delete_threshold(threshold).await?;
            output::line(&format!("{threshold} is deleted"))
        }
    }
}
