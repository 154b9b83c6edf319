//! `mano ns`: network services.

use std::path::Path;

use reference_points::os_ma_nfvo::{CreateNsRequest, InstantiateNsRequest, TerminateNsRequest};
use serde_json::{Value, json};

use super::package::find_nsd;
use crate::cli::Ns;
use crate::context::Context;
use crate::fail::Failure;
use crate::{live, output};

pub async fn run(context: &Context, command: Ns) -> Result<(), Failure> {
    match command {
        Ns::Create { nsd, name, description } => {
            let nsd = find_nsd(context, &nsd).await?;
            let nsd_id = nsd
                .nsd_id
                .ok_or_else(|| Failure::helped(format!("NSD {} is not onboarded", nsd.id), "mano nsd list"))?;
            let request: CreateNsRequest =
                serde_json::from_value(json!({ "nsdId": nsd_id, "nsName": name, "nsDescription": description }))?;
            let created = context.ns.create(&request).await?;
            output::list(context.format, &[created], COLUMNS)?;
            output::note(&format!("next: mano ns instantiate {name} --wait"));
            Ok(())
        }
        Ns::Instantiate { ns, flavour, level, params, wait } => {
            let found = context.find_ns(&ns).await?;
            let request = request(flavour, level, params.as_deref())?;
            begun(context, context.ns.instantiate(found.id, &request).await?, wait).await
        }
        Ns::Terminate { ns, wait } => {
            let found = context.find_ns(&ns).await?;
            let request: TerminateNsRequest = serde_json::from_value(json!({}))?;
            begun(context, context.ns.terminate(found.id, &request).await?, wait).await
        }
        Ns::Delete { ns } => Ok(context.ns.delete(context.find_ns(&ns).await?.id).await?),
        Ns::List(list) => output::list(context.format, &context.ns.list(&super::query(&list)).await?.body, COLUMNS),
        Ns::Show { ns } => output::one(context.format, &context.find_ns(&ns).await?),
    }
}

/// Flavour that is asked for when none is named.
const DEFAULT_FLAVOUR: &str = "simple";

const COLUMNS: &[output::Column] =
    &[("id", "/id"), ("name", "/nsInstanceName"), ("state", "/nsState"), ("nsd", "/nsdId"), ("flavour", "/flavourId")];

/// The request: members of the file, and above them what the options say.
fn request(
    flavour: Option<String>,
    level: Option<String>,
    params: Option<&Path>,
) -> Result<InstantiateNsRequest, Failure> {
    let mut request: Value = match params {
        Some(file) => {
            let text = std::fs::read_to_string(file).map_err(|e| Failure::usage(format!("{}: {e}", file.display())))?;
            serde_json::from_str(&text).map_err(|e| Failure::usage(format!("{}: {e}", file.display())))?
        }
        None => json!({}),
    };
    let Value::Object(members) = &mut request else { return Err(Failure::usage("the parameters are no JSON object")) };
    if let Some(flavour) = flavour {
        members.insert("nsFlavourId".to_owned(), json!(flavour));
    } else if !members.contains_key("nsFlavourId") {
        members.insert("nsFlavourId".to_owned(), json!(DEFAULT_FLAVOUR));
    }
    if let Some(level) = level {
        members.insert("nsInstantiationLevelId".to_owned(), json!(level));
    }
    serde_json::from_value(request).map_err(|e| Failure::usage(format!("the request: {e}")))
}

async fn begun(context: &Context, op: uuid::Uuid, wait: bool) -> Result<(), Failure> {
    if wait {
        return live::watch(context, op).await.map(drop);
    }
    output::line(&op.to_string())?;
    output::note(&format!("next: mano op watch {op}"));
    Ok(())
}
