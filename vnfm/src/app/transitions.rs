//! Change of the deployment flavour, of the external connectivity and of the VNF package (SOL003 clauses 5.4.7, 5.4.11,
//! 5.4.11a): what the request leaves open stays as it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use descriptors::vnfd::{Flavour, PackageChange, Vnfd};
use lcm::NewOperation;
use reference_points::common::{Fault, KeyValuePairs, Uuid};
use reference_points::or_vnfm::{
    ChangeCurrentVnfPkgRequest, ChangeExtVnfConnectivityRequest, ChangeVnfFlavourRequest, ExtVirtualLinkData,
    InstantiateVnfRequest, InstantiationState, LcmOperationType, ModificationsTriggeredByVnfPkgChange,
    VimConnectionInfo,
};
use serde_json::{Map, Value, json};
use service::http::{ApiError, ApiResult};

use super::around::{Asked, declared_only};
use super::changes::Running;
use super::operations::{name_of, new as new_operation};
use super::packages::Known;
use super::{App, cause};
use crate::ops::adopt::Same;
use crate::ops::blueprint::{RootPart, VnfcPart};
use crate::ops::converge::{self, Order};
use crate::ops::expand::{Given, facts};
use crate::ops::grants::{self, Asking, Change};
use crate::ops::ids::RandomIds;
use crate::ops::inventory::Owned;
use crate::ops::modify::extended;
use crate::ops::occurrence::{CHANGE_EXT_CONN, CHANGE_FLAVOUR, CHANGE_VNFPKG};
use crate::ops::params::OperationParams;
use crate::ops::properties::{declared, layered};
use crate::ops::scale::{Levels, levels_of};
use crate::ops::transition::{self, Counts, counts_of, kept, policy, reconnected, remanaged, renamed, sized};

/// The parameter that says how a VNF package is changed.
const UPGRADE_TYPE: &str = "upgrade_type";
const NOT_CHANGED: &str = "the VNF cannot be changed like this";

/// What an instance shall become.
struct Becoming {
    kind: &'static str,
    operation: LcmOperationType,
    request: Value,
    /// Parameters of its scripts.
    additional: KeyValuePairs,
    /// Package that it is of then.
    known: Arc<Known>,
    /// Request that it is made by then.
    made_by: InstantiateVnfRequest,
    counts: Counts,
    levels: Levels,
    /// External links that the request names.
    named: Vec<ExtVirtualLinkData>,
    connections: BTreeMap<String, VimConnectionInfo>,
    properties: KeyValuePairs,
    extensions: KeyValuePairs,
    policy: Option<PackageChange>,
    package: Option<ModificationsTriggeredByVnfPkgChange>,
    order: Order,
}

fn refused(faults: Vec<Fault>) -> ApiError {
    ApiError::unprocessable(NOT_CHANGED, faults)
}

impl App {
    /// Begins a change of the deployment flavour; returns the occurrence's id.
    ///
    /// # Errors
    /// 404, 409, or 422 with every fault of the request.
    pub async fn change_flavour(&self, id: Uuid, request: ChangeVnfFlavourRequest) -> ApiResult<Uuid> {
        let running = self.running(id).await?;
        let request = self.with_own_connections(request).await?;
        let flavour = new_flavour(&running.known.vnfd, &running.facts.flavour_id, &request.new_flavour_id)?;
        let level = request.instantiation_level_id.as_deref();
        let (counts, levels) = sized(flavour, level)
            .map_err(|error| refused(vec![Fault::new("/instantiationLevelId", error.to_string())]))?;
        let mut made_by = running.made_by(&request.ext_virtual_links, &request.additional_params);
        made_by.ext_managed_virtual_links =
            remanaged(&made_by.ext_managed_virtual_links, &request.ext_managed_virtual_links);
        transition::without_lost(&mut made_by, flavour, &request.ext_virtual_links, &request.ext_managed_virtual_links);
        made_by.flavour_id.clone_from(&request.new_flavour_id);
        made_by.instantiation_level_id.clone_from(&request.instantiation_level_id);
        let becoming = Becoming {
            kind: CHANGE_FLAVOUR,
            operation: LcmOperationType::ChangeFlavour,
            request: json!(request),
            additional: request.additional_params,
            known: running.known.clone(),
            made_by,
            counts,
            levels,
            named: request.ext_virtual_links,
            connections: request.vim_connection_info,
            properties: request.vnf_configurable_properties,
            extensions: request.extensions,
            policy: None,
            package: None,
            order: Order::Together,
        };
        self.become_what(&running, becoming).await
    }

    /// Begins a change of the external connectivity; returns the occurrence's id.
    ///
    /// # Errors
    /// 404, 409, or 422 with every fault of the request.
    pub async fn change_ext_conn(&self, id: Uuid, request: ChangeExtVnfConnectivityRequest) -> ApiResult<Uuid> {
        let running = self.running(id).await?;
        let request = self.with_own_connections(request).await?;
        let (vnfd, flavour) = (&running.known.vnfd, &running.facts.flavour_id);
        declared_only(Some(vnfd), flavour, CHANGE_EXT_CONN, &request.additional_params)?;
        if request.ext_virtual_links.is_empty() {
            return Err(refused(vec![Fault::new("/extVirtualLinks", "it names no link").mend("at least one")]));
        }
        let becoming = Becoming {
            kind: CHANGE_EXT_CONN,
            operation: LcmOperationType::ChangeExtConn,
            request: json!(request),
            additional: request.additional_params,
            known: running.known.clone(),
            made_by: running.made_by(&request.ext_virtual_links, &KeyValuePairs::new()),
            counts: counts_of(&running.has, &str::to_owned),
            levels: levels_of(&running.facts),
            named: request.ext_virtual_links,
            connections: request.vim_connection_info,
            properties: Map::new(),
            extensions: Map::new(),
            policy: None,
            package: None,
            order: Order::Together,
        };
        self.become_what(&running, becoming).await
    }

    /// Begins a change of the VNF package; returns the occurrence's id.
    ///
    /// # Errors
    /// 404, 409, or 422 with every fault of the request.
    pub async fn change_vnfpkg(&self, id: Uuid, request: ChangeCurrentVnfPkgRequest) -> ApiResult<Uuid> {
        let running = self.running(id).await?;
        let mut request = self.with_own_connections(request).await?;
        let asked = json!(request);
        let known = self.packages.get(&request.vnfd_id).await?;
        let order = order_of(request.additional_params.remove(UPGRADE_TYPE))?;
        let (old, new) = (&running.known.vnfd, &known.vnfd);
        let policy = policy(new, &old.descriptor_id, &running.facts.flavour_id).cloned();
        let triggered = repackaged(old, new, policy.as_ref())?;
        let flavour_id = policy.as_ref().and_then(|p| p.destination_flavour.clone());
        let flavour_id = flavour_id.unwrap_or_else(|| running.facts.flavour_id.clone());
        let flavour = known_flavour(new, "/vnfdId", &flavour_id)?;
        let counts = counts_of(&running.has, &|vdu| renamed(policy.as_ref(), vdu));
        let (counts, levels) = kept(flavour, &counts, &levels_of(&running.facts))
            .map_err(|error| refused(vec![Fault::new("/vnfdId", error.to_string())]))?;
        let mut made_by = running.made_by(&request.ext_virtual_links, &request.additional_params);
        made_by.ext_managed_virtual_links =
            remanaged(&made_by.ext_managed_virtual_links, &request.ext_managed_virtual_links);
        transition::without_lost(&mut made_by, flavour, &request.ext_virtual_links, &request.ext_managed_virtual_links);
        made_by.flavour_id = flavour_id;
        made_by.instantiation_level_id = None;
        let becoming = Becoming {
            kind: CHANGE_VNFPKG,
            operation: LcmOperationType::ChangeVnfpkg,
            request: asked,
            additional: request.additional_params,
            known,
            made_by,
            counts,
            levels,
            named: request.ext_virtual_links,
            connections: request.vim_connection_info,
            properties: request.vnf_configurable_properties,
            extensions: request.extensions,
            policy,
            package: Some(triggered),
            order,
        };
        self.become_what(&running, becoming).await
    }

    async fn become_what(&self, running: &Running, becoming: Becoming) -> ApiResult<Uuid> {
        let operation = self.planned(running, becoming)?;
        self.submit(&running.stored, InstantiationState::Instantiated, operation).await
    }

    fn planned(&self, running: &Running, becoming: Becoming) -> ApiResult<NewOperation> {
        let instance = &running.stored.document.0;
        let (old, new) = (&running.known.vnfd, &becoming.known.vnfd);
        let flavours = (running.flavour()?, known_flavour(new, "/newFlavourId", &becoming.made_by.flavour_id)?);
        let present = declared(new, &instance.vnf_configurable_properties);
        let (properties, mut faults) = layered(new, &[&present, &becoming.properties]);
        let (extensions, more) = extended(new, instance.extensions.clone(), &becoming.extensions);
        faults.extend(more);
        let name = name_of(instance);
        let given = Given {
            vnfd: new,
            request: &becoming.made_by,
            instance: instance.id,
            name: &name,
            properties: &properties,
            files: &becoming.known.files,
            public_keys: &self.public_keys,
        };
        let same_image = |a: &str, b: &str| same_content(flavours, a, b);
        let software = becoming.package.is_some();
        let rebuild = |a: &VnfcPart, b: &VnfcPart| made_anew(a, b, &same_image, software);
        let change = transition::Change {
            present: &running.has,
            counts: &becoming.counts,
            same: Same { vdu: &|vdu| renamed(becoming.policy.as_ref(), vdu), image: &same_image },
            rebuild: &rebuild,
            beside: becoming.order == Order::NewFirst,
        };
        let changed = transition::change(&given, &change, &mut RandomIds).map_err(|told| faults.extend(told));
        let Some((target, difference)) = changed.ok().filter(|_| faults.is_empty()) else {
            return Err(refused(faults));
        };
        let op = Uuid::new_v4();
        let updated = difference.updated();
        let asking = Asking {
            flavour_id: &becoming.made_by.flavour_id,
            dst_vnfd_id: (new.descriptor_id != old.descriptor_id).then_some(new.descriptor_id.as_str()),
            level_id: becoming.made_by.instantiation_level_id.as_deref(),
            ..self.asking(op, running)
        };
        let resources = Change {
            add: Some(&difference.add),
            ports: &difference.ports,
            remove: &difference.remove,
            update: &updated,
            present: &running.has,
        };
        let grant = grants::request(&asking, becoming.operation, &resources);
        let plan = converge::plan(&difference, &grant, becoming.order);
        let plan = plan.map_err(|e| cause::submit(e.into(), &self.base))?;
        let flavour = &becoming.made_by.flavour_id;
        let changed = !becoming.properties.is_empty() || becoming.package.is_some();
        let asked = Asked {
            kind: becoming.kind,
            additional: &becoming.additional,
            properties: Some(&properties).filter(|_| changed),
            change: becoming.policy.as_ref(),
        };
        let plan = self.around(new, flavour, &asked, plan)?;
        let vim = running.has.first().map(|o: &Owned| o.at.vim.to_string());
        let links = &becoming.made_by.ext_virtual_links;
        let connectivity = transition::connectivity(&becoming.named, links, &target, vim);
        let params = OperationParams {
            request: becoming.request,
            facts: Some(facts(new, flavours.1, becoming.levels, &becoming.made_by)),
            properties: Some(properties),
            extensions: (!becoming.extensions.is_empty()).then_some(extensions),
            connections: becoming.connections,
            connectivity,
            package: becoming.package.map(Box::new),
            ..OperationParams::default()
        };
        Ok(new_operation(op, becoming.kind, instance.id, &params, plan))
    }
}

impl Running {
    /// The request that the instance is made by, with what another one adds to it.
    fn made_by(&self, links: &[ExtVirtualLinkData], additional: &KeyValuePairs) -> InstantiateVnfRequest {
        let mut made_by = self.facts.request.clone();
        let flavour = self.known.vnfd.flavour(&self.facts.flavour_id);
        let (old, new) = (by_name(flavour, &made_by.ext_virtual_links), by_name(flavour, links));
        made_by.ext_virtual_links = reconnected(&old, &new, &self.has);
        made_by.additional_params.extend(additional.clone());
        made_by
    }
}

/// Links whose connection points go by one name each: a VNFD lets them go by that of the CP inside too.
fn by_name(flavour: Option<&Flavour>, links: &[ExtVirtualLinkData]) -> Vec<ExtVirtualLinkData> {
    let mut links = links.to_vec();
    for cp in links.iter_mut().flat_map(|link| &mut link.ext_cps) {
        if let Some(known) = flavour.and_then(|f| f.ext_cp(&cp.cpd_id)) {
            cp.cpd_id.clone_from(&known.name);
        }
    }
    links
}

fn known_flavour<'a>(vnfd: &'a Vnfd, place: &str, id: &str) -> ApiResult<&'a Flavour> {
    vnfd.flavour(id).ok_or_else(|| {
        let known: Vec<&str> = vnfd.flavours.iter().map(|f| f.id.as_str()).collect();
        let fault = Fault::new(place, format!("the VNFD has no deployment flavour {id:?}"));
        refused(vec![fault.mend(format!("one of {}", known.join(", ")))])
    })
}

fn new_flavour<'a>(vnfd: &'a Vnfd, present: &str, wanted: &str) -> ApiResult<&'a Flavour> {
    if present == wanted {
        let fault = Fault::new("/newFlavourId", format!("the VNF has flavour {wanted:?} already"));
        return Err(refused(vec![fault.mend("scale it to a level instead")]));
    }
    known_flavour(vnfd, "/newFlavourId", wanted)
}

fn order_of(upgrade_type: Option<Value>) -> ApiResult<Order> {
    match upgrade_type.as_ref().map(Value::as_str) {
        None | Some(Some("RollingUpdate")) => Ok(Order::Rolling),
        Some(Some("BlueGreen")) => Ok(Order::NewFirst),
        _ => {
            let fault = Fault::new(format!("/additionalParams/{UPGRADE_TYPE}"), "it is no way to change a package");
            Err(refused(vec![fault.mend("RollingUpdate or BlueGreen")]))
        }
    }
}

/// What changes in the record with the package; an error when the new one is not for this VNF.
fn repackaged(
    old: &Vnfd,
    new: &Vnfd,
    policy: Option<&PackageChange>,
) -> ApiResult<ModificationsTriggeredByVnfPkgChange> {
    let same = (&old.provider, &old.product_name) == (&new.provider, &new.product_name);
    let problem = if old.descriptor_id == new.descriptor_id {
        Some(("the VNF runs this package already".to_owned(), "name another one"))
    } else if !same && policy.is_none() {
        let text = format!(
            "it describes {} of {}, and has no VnfPackageChange policy for {} of {}",
            new.product_name, new.provider, old.product_name, old.provider
        );
        Some((text, "name a package of the same VNF"))
    } else {
        None
    };
    if let Some((text, mend)) = problem {
        return Err(refused(vec![Fault::new("/vnfdId", text).mend(mend)]));
    }
    let changed = |old: &String, new: &String| (old != new).then(|| new.clone());
    Ok(ModificationsTriggeredByVnfPkgChange {
        vnfd_id: Some(new.descriptor_id.clone()),
        vnf_provider: changed(&old.provider, &new.provider),
        vnf_product_name: changed(&old.product_name, &new.product_name),
        vnf_software_version: changed(&old.software_version, &new.software_version),
        vnfd_version: changed(&old.descriptor_version, &new.descriptor_version),
        ..ModificationsTriggeredByVnfPkgChange::default()
    })
}

/// Whether an image of one flavour and one of another have the same content.
fn same_content((old, new): (&Flavour, &Flavour), a: &str, b: &str) -> bool {
    match (old.sw_image(a), new.sw_image(b)) {
        (Some(a), Some(b)) => a.checksum == b.checksum,
        _ => a == b,
    }
}

/// Other software needs another machine; so does, with another package, another first boot.
fn made_anew(old: &VnfcPart, new: &VnfcPart, same: &dyn Fn(&str, &str) -> bool, software: bool) -> bool {
    let root = match (&old.root, &new.root) {
        (RootPart::Image { image: a, .. }, RootPart::Image { image: b, .. }) => !same(a, b),
        (RootPart::Volume(a), RootPart::Volume(b)) => a != b && software,
        _ => software,
    };
    root || (software && old.boot != new.boot)
}
