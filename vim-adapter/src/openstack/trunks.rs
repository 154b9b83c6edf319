//! Trunks in Neutron: the port that is an interface is made the parent of one before a server has it; ports of the trunk join
//! it and leave it. The trunk goes before its parent.

use reference_points::or_vi::{Network, Port, TrunkPart};
use serde_json::{Value, json};
use uuid::Uuid;

use super::OpenstackVim;
use super::call::{Call, Service};
use super::errors::Work;
use super::marks::Mark;
use super::networks::text;
use crate::app::ports::tag_of;
use crate::error::Result;
use crate::vim::cannot;

const KIND: &str = "trunk";

/// Whether a trunk has a port.
fn has(trunk: &Value, port: &str) -> bool {
    trunk["sub_ports"].as_array().into_iter().flatten().any(|sub| sub["port_id"] == port)
}

impl OpenstackVim {
    /// Gives a port, known to Neutron as `its`, its place in a trunk.
    pub(super) async fn join_trunk(&self, port: &Port, network: &Network, its: &str) -> Result<()> {
        let (id, name) = (port.id, &port.spec.name);
        match &port.spec.trunk {
            None => Ok(()),
            Some(TrunkPart::Parent) => {
                if self.trunk_of(port, its).await?.is_some() {
                    return Ok(());
                }
                let mark = Mark::of(KIND, id, self.ledger.vim, &port.spec.owner);
                let body = json!({ "trunk": {
                    "name": name, "description": mark.text(), "port_id": its, "admin_state_up": true, "sub_ports": [],
                }});
                let call = Call::post(Service::Network, "trunks", &body);
                let its_trunk = |reply: &Value| reply["trunk"].clone();
                let work = Work::on("make", KIND, name, id);
                self.create(&work, call, its_trunk, || self.trunk_of(port, its)).await.map(drop)
            }
            Some(TrunkPart::SubPort { parent_id, .. }) => {
                let Some(tag) = tag_of(&port.spec, network) else {
                    return Err(cannot(
                        "a port of a trunk without a tag",
                        "its network is no VLAN to inherit one from",
                    ));
                };
                let parent = self.neutron_port(*parent_id).await?;
                let trunk = self.trunk_of(port, &parent).await?;
                let trunk_id = super::known(trunk.as_ref().and_then(|trunk| text(trunk, "id")), KIND, *parent_id)?;
                if trunk.is_some_and(|trunk| has(&trunk, its)) {
                    return Ok(());
                }
                let sub = json!({ "sub_ports": [
                    { "port_id": its, "segmentation_type": "vlan", "segmentation_id": tag },
                ]});
                let call = Call::put(Service::Network, format!("trunks/{trunk_id}/add_subports"), &sub);
                self.session.ask(&Work::on("put into its trunk", "port", name, id), call).await.map(drop)
            }
        }
    }

    /// Takes a port out of its trunk, or takes its trunk away, before it goes itself.
    pub(super) async fn leave_trunk(&self, port: &Port) -> Result<()> {
        let work = Work::on("take out of its trunk", "port", &port.spec.name, port.id);
        match &port.spec.trunk {
            None => {}
            Some(TrunkPart::Parent) => {
                let Some(its) = self.removable(port).await? else { return Ok(()) };
                if let Some(trunk) = self.trunk_of(port, &its).await?.and_then(|trunk| text(&trunk, "id")) {
                    self.session.remove(&work, Service::Network, format!("trunks/{trunk}")).await?;
                }
            }
            Some(TrunkPart::SubPort { parent_id, .. }) => {
                // Where the parent is gone, its trunk is.
                let Ok(parent) = self.neutron_port(*parent_id).await else { return Ok(()) };
                let Some(its) = self.removable(port).await? else { return Ok(()) };
                let trunk = self.trunk_of(port, &parent).await?.filter(|trunk| has(trunk, &its));
                if let Some(trunk) = trunk.and_then(|trunk| text(&trunk, "id")) {
                    let sub = json!({ "sub_ports": [{ "port_id": its }] });
                    let call = Call::put(Service::Network, format!("trunks/{trunk}/remove_subports"), &sub);
                    match self.session.ask(&work, call).await {
                        // It went with its parent meanwhile.
                        Err(_) if self.trunk_of(port, &parent).await?.is_none() => {}
                        told => drop(told?),
                    }
                }
            }
        }
        Ok(())
    }

    /// Neutron's identifier of a port that is to go, if it has one.
    async fn removable(&self, port: &Port) -> Result<Option<String>> {
        if let Some(its) = &port.vim_resource_id {
            return Ok(Some(its.clone()));
        }
        let found = self.neutron_marked("port", &port.spec.name, port.id).await?;
        Ok(found.and_then(|found| text(&found, "id")))
    }

    async fn neutron_port(&self, id: Uuid) -> Result<String> {
        Ok(self.port_ids(&[id]).await?.remove(0))
    }

    /// The trunk whose parent Neutron knows as `its`.
    async fn trunk_of(&self, port: &Port, its: &str) -> Result<Option<Value>> {
        let work = Work::on("look for the trunk of", "port", &port.spec.name, port.id);
        let call = Call::get(Service::Network, "trunks").query("port_id", its);
        let reply = self.session.ask(&work, call).await?;
        Ok(reply.body["trunks"].as_array().and_then(|trunks| trunks.first()).cloned())
    }
}
