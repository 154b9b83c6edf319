//! `mano ns`: network services.

use std::io::Write;
use std::path::Path;

use descriptors::archive::{Limits, Package};
use futures::StreamExt;
use reference_points::os_ma_nfvo::{CreateNsRequest, InstantiateNsRequest, TerminateNsRequest};
use serde_json::{Map, Value, json};

use super::package::find_nsd;
use crate::cli::Ns;
use crate::context::Context;
use crate::fail::Failure;
use crate::lists;
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
            let mut request = request(flavour, level, params.as_deref())?;
            if !request.contains_key("nsFlavourId") {
                request.insert("nsFlavourId".to_owned(), json!(only_flavour(context, &found.nsd_id).await?));
            }
            let request: InstantiateNsRequest = serde_json::from_value(Value::Object(request))
                .map_err(|e| Failure::usage(format!("the request: {e}")))?;
            begun(context, context.ns.instantiate(found.id, &request).await?, wait).await
        }
        Ns::Terminate { ns, wait } => {
            let found = context.find_ns(&ns).await?;
            let request: TerminateNsRequest = serde_json::from_value(json!({}))?;
            begun(context, context.ns.terminate(found.id, &request).await?, wait).await
        }
        Ns::Delete { ns } => Ok(context.ns.delete(context.find_ns(&ns).await?.id).await?),
        Ns::List(list) => output::list(
            context.format,
            &lists::all(&list, |query| async move { context.ns.list(&query).await }).await?,
            COLUMNS,
        ),
        Ns::Show { ns } => output::one(context.format, &context.find_ns(&ns).await?),
    }
}

/// The deployment flavour of an NSD that has but one.
async fn only_flavour(context: &Context, nsd_id: &str) -> Result<String, Failure> {
    let nsd = find_nsd(context, nsd_id).await?;
    let gone = || Failure::helped(format!("the archive of NSD {nsd_id} is gone"), "name a flavour with --flavour");
    let mut content = context.nsds.content_stream(nsd.id).await?.ok_or_else(gone)?;
    let mut file = tempfile::NamedTempFile::new()?;
    while let Some(bytes) = content.next().await {
        file.write_all(&bytes?)?;
    }
    let unreadable = |e: descriptors::diag::Diagnostics| Failure::usage(format!("the archive of NSD {nsd_id}: {e}"));
    let package = Package::open(file.path(), &Limits::default()).map_err(unreadable)?;
    let nsd = descriptors::nsd::read_nsd(&package).map_err(unreadable)?;
    match nsd.flavours.as_slice() {
        [one] => Ok(one.id.clone()),
        several => {
            let ids: Vec<&str> = several.iter().map(|flavour| flavour.id.as_str()).collect();
            let told = format!("the NSD has the flavours {}", ids.join(", "));
            Err(Failure::helped(told, "say which one with --flavour"))
        }
    }
}

const COLUMNS: &[output::Column] =
    &[("id", "/id"), ("name", "/nsInstanceName"), ("state", "/nsState"), ("nsd", "/nsdId"), ("flavour", "/flavourId")];

/// The request: members of the file, and above them what the options say.
fn request(
    flavour: Option<String>,
    level: Option<String>,
    params: Option<&Path>,
) -> Result<Map<String, Value>, Failure> {
    let request: Value = match params {
        Some(file) => {
            let text = std::fs::read_to_string(file).map_err(|e| Failure::usage(format!("{}: {e}", file.display())))?;
            serde_json::from_str(&text).map_err(|e| Failure::usage(format!("{}: {e}", file.display())))?
        }
        None => json!({}),
    };
    let Value::Object(mut members) = request else { return Err(Failure::usage("the parameters are no JSON object")) };
    if let Some(flavour) = flavour {
        members.insert("nsFlavourId".to_owned(), json!(flavour));
    }
    if let Some(level) = level {
        members.insert("nsInstantiationLevelId".to_owned(), json!(level));
    }
    Ok(members)
}

async fn begun(context: &Context, op: uuid::Uuid, wait: bool) -> Result<(), Failure> {
    if wait {
        return live::watch(context, op).await.map(drop);
    }
    output::line(&op.to_string())?;
    output::note(&format!("next: mano op watch {op}"));
    Ok(())
}
