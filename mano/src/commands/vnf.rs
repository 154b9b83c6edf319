//! `mano vnf`: single VNFs, their consoles and power.

use reference_points::nf_vi::{PowerAction, PowerRequest};
use reference_points::or_vnfm::VnfInstance;
use uuid::Uuid;

use crate::cli::Vnf;
use crate::context::{Context, id_of};
use crate::fail::Failure;
use crate::lists;
use crate::output;

pub async fn run(context: &Context, command: Vnf) -> Result<(), Failure> {
    match command {
        Vnf::List(list) => {
            let columns = [
                ("id", "/id"),
                ("name", "/vnfInstanceName"),
                ("product", "/vnfProductName"),
                ("state", "/instantiationState"),
                ("vnfd", "/vnfdId"),
            ];
            output::list(
                context.format,
                &lists::all(&list, |query| async move { context.vnfs.list(&query).await }).await?,
                &columns,
            )
        }
        Vnf::Show { vnf } => output::one(context.format, &context.find_vnf(&vnf).await?),
        Vnf::Log { vnf, bytes } => {
            for machine in machines(&context.find_vnf(&vnf).await?)? {
                output::line(&format!("── {} {}", machine.vdu, machine.compute))?;
                output::line(&context.mano.console_log(machine.vim, machine.compute, bytes).await?)?;
            }
            Ok(())
        }
        Vnf::Console { vnf } => {
            let mut rows = Vec::new();
            for machine in machines(&context.find_vnf(&vnf).await?)? {
                let access = context.mano.console(machine.vim, machine.compute).await?;
                rows.push(vec![machine.vdu, access.kind, access.path, access.command]);
            }
            output::table(&["vdu", "kind", "path", "command"], rows)
        }
        Vnf::Stop { vnf } => power(context, &vnf, PowerAction::Stop).await,
        Vnf::Start { vnf } => power(context, &vnf, PowerAction::Start).await,
    }
}

struct OneMachine {
    vdu: String,
    vim: Uuid,
    compute: Uuid,
}

fn machines(vnf: &VnfInstance) -> Result<Vec<OneMachine>, Failure> {
    let name = vnf.vnf_instance_name.clone().unwrap_or_else(|| vnf.id.to_string());
    let Some(info) = &vnf.instantiated_vnf_info else {
        return Err(Failure::helped(format!("{name} is not instantiated: it has no machines"), "mano vnf list"));
    };
    info.vnfc_resource_info
        .iter()
        .map(|vnfc| {
            let vim = vnfc.compute_resource.vim_connection_id.as_deref().unwrap_or_default();
            Ok(OneMachine {
                vdu: vnfc.vdu_id.clone(),
                vim: id_of(vim)?,
                compute: id_of(&vnfc.compute_resource.resource_id)?,
            })
        })
        .collect()
}

async fn power(context: &Context, vnf: &str, action: PowerAction) -> Result<(), Failure> {
    for machine in machines(&context.find_vnf(vnf).await?)? {
        let request = PowerRequest { action, grace_seconds: None };
        let compute = context.mano.power(machine.vim, machine.compute, &request).await?;
        let state = serde_json::to_value(compute.state)?;
        output::note(&format!("{} {}: {}", machine.vdu, machine.compute, state.as_str().unwrap_or_default()));
    }
    Ok(())
}
