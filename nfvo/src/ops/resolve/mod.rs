//! From NSD, VNFDs and request to a [`Design`]: every choice made, every id minted, every fault told at once
//! (SOL005 clause 6.5.2.11, SOL001 clause 7).

mod links;
mod request;
mod reserve;
mod vnfs;

pub use vnfs::image_design;

use std::collections::BTreeMap;

use descriptors::nsd::{NsFlavour, Nsd};
use descriptors::vnfd::Vnfd;
use reference_points::common::{Fault, ProblemDetails};
use reference_points::os_ma_nfvo::InstantiateNsRequest;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::design::{Design, IdSource, SapDesign, VimRef};
use super::held::Held;

/// Everything the decision is made from.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// NS instance.
    pub ns_id: Uuid,
    /// Its name.
    pub ns_name: &'a str,
    /// Its NSD.
    pub nsd: &'a Nsd,
    /// Onboarded packages, by VNFD identifier.
    pub packages: &'a BTreeMap<String, PackageFacts>,
    /// VIM that gets everything.
    pub vim: &'a VimRef,
    /// Images that it has by itself, of all that the packages name and do not bring.
    pub held: &'a Held,
    /// The request.
    pub request: &'a InstantiateNsRequest,
}

/// What an operation needs to know of an onboarded package.
#[derive(Debug, Clone, PartialEq)]
pub struct PackageFacts {
    /// The package.
    pub package_id: Uuid,
    /// Its VNFD.
    pub vnfd: Vnfd,
    /// Its software images, by identifier in the VNFD.
    pub images: BTreeMap<String, ImageFacts>,
}

/// What onboarding found out about a software image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageFacts {
    /// Path in the package.
    pub path: String,
    /// SHA-256 of the content, lower-case hexadecimal.
    pub sha256: String,
    /// Size of the content in bytes.
    pub size_bytes: u64,
}

/// Key of `additionalParamsForNs` that chooses the VIM by id or name; every other key is an input of the NSD.
pub const VIM_PARAM: &str = "vimId";

/// Decides what the network service shall consist of.
///
/// # Errors
/// 422 with every fault of the request and of the NSD that stands in the way.
pub fn resolve(from: Sources<'_>, ids: &dyn IdSource) -> Result<Design, Box<ProblemDetails>> {
    let mut faults = Vec::new();
    let Some(flavour) = from.nsd.flavour(&from.request.ns_flavour_id) else {
        let known: Vec<&str> = from.nsd.flavours.iter().map(|f| f.id.as_str()).collect();
        faults.push(
            Fault::new("/nsFlavourId", format!("the NSD has no deployment flavour \"{}\"", from.request.ns_flavour_id))
                .mend(format!("it has {}", list(&known))),
        );
        return Err(Box::new(refused(faults)));
    };
    request::check(from.request, flavour, &mut faults);
    let level = from.request.ns_instantiation_level_id.as_deref();
    let mut links = links::links(flavour, ids, &mut faults);
    let profiles = vnfs::profiles(&from, flavour, level, &mut faults);
    links::route(&mut links, &profiles, flavour, from.vim, &mut faults);
    let reserved = reserve::reserve(&profiles, &mut links, ids, &mut faults);
    let env = reserve::Env { inputs: &from.request.additional_params_for_ns, flavour, reserved: &reserved };
    let vnfs = vnfs::designs(&from, &profiles, &links, &env, ids, &mut faults);
    let images = vnfs::images(&from, &profiles, &mut faults);
    let saps = saps(flavour, from.request, ids);
    if !faults.is_empty() {
        return Err(Box::new(refused(faults)));
    }
    Ok(Design {
        ns_id: from.ns_id,
        ns_name: from.ns_name.to_owned(),
        flavour_id: flavour.id.clone(),
        level_id: level.map(str::to_owned).or_else(|| flavour.levels.default_level.clone()),
        vim: from.vim.clone(),
        links: links.into_iter().map(|l| l.design).collect(),
        images,
        vnfs,
        saps,
    })
}

fn refused(faults: Vec<Fault>) -> ProblemDetails {
    let n = faults.len();
    let things = if n == 1 { "one thing stands".to_owned() } else { format!("{n} things stand") };
    ProblemDetails::unprocessable(format!("the network service cannot be made as asked: {things} in the way"), faults)
}

fn saps(flavour: &NsFlavour, request: &InstantiateNsRequest, ids: &dyn IdSource) -> Vec<SapDesign> {
    flavour
        .saps
        .iter()
        .filter_map(|sap| {
            let given = request.sap_data.iter().find(|d| d.sapd_id == sap.name);
            Some(SapDesign {
                id: ids.mint(),
                sapd_id: sap.name.clone(),
                name: given.map_or_else(|| sap.name.clone(), |d| d.sap_name.clone()),
                description: given.map(|d| d.description.clone()).or_else(|| sap.description.clone()),
                link: sap.virtual_link.clone()?,
            })
        })
        .collect()
}

/// `a, b and c`, or `none`.
fn list(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        [one] => format!("\"{one}\""),
        [most @ .., last] => {
            let most: Vec<String> = most.iter().map(|n| format!("\"{n}\"")).collect();
            format!("{} and \"{last}\"", most.join(", "))
        }
    }
}
