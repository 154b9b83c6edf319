//! Networks, subnets and ports on their way into OVN: what one request removes, no other makes again.

use reference_points::common::ProblemDetails;
use reference_points::or_vi::ResourceState;
use uuid::Uuid;

use super::HostsVim;
use super::northbound::Ensured;
use super::rows;
use crate::error::{Failure, Result};
use crate::store::{networks, ports, subnets};

impl HostsVim {
    /// Makes a network's logical switch, unless the network shall go by now.
    pub(super) async fn make_network(&self, id: Uuid) -> Result<Ensured> {
        let _turn = self.logical.take(id).await;
        let found = networks::get(&mut *self.ledger.store.db.pool.acquire().await?, self.ledger.vim, id).await?;
        let network = still_wanted("network", id, found, |network| network.state)?;
        self.northbound.ensure_switch(&network).await
    }

    /// Makes a subnet's DHCP options, unless the subnet shall go by now.
    pub(super) async fn make_subnet(&self, id: Uuid) -> Result<Ensured> {
        let _turn = self.logical.take(id).await;
        let mut connection = self.ledger.store.db.pool.acquire().await?;
        let found = subnets::get(&mut connection, self.ledger.vim, id).await?;
        let subnet = still_wanted("subnet", id, found, |subnet| subnet.state)?;
        let network = networks::get(&mut connection, self.ledger.vim, subnet.spec.network_id).await?;
        drop(connection);
        let network = network.ok_or_else(|| Failure::not_found(format!("network {}", subnet.spec.network_id)))?;
        let options = self.northbound.ensure_dhcp(&subnet, &network).await?;
        Ok(match self.make_router(&subnet, &network).await? {
            Ensured::Stood => options,
            changed => changed,
        })
    }

    /// Makes a port's logical port, and its network first when that is missing, unless the port shall go by now.
    pub(super) async fn make_port(&self, id: Uuid) -> Result<Ensured> {
        let _turn = self.logical.take(id).await;
        let mut connection = self.ledger.store.db.pool.acquire().await?;
        let found = ports::get(&mut connection, self.ledger.vim, id).await?;
        let port = still_wanted("port", id, found, |port| port.state)?;
        let of_network = subnets::of_network(&mut connection, self.ledger.vim, port.spec.network_id).await?;
        let network = networks::get(&mut connection, self.ledger.vim, port.spec.network_id).await?;
        drop(connection);
        let network = network.ok_or_else(|| Failure::not_found(format!("network {}", port.spec.network_id)))?;
        let dhcp = rows::dhcp_subnets(&port, of_network.iter());
        let ensured = self.northbound.ensure_port(&port, &network, dhcp).await?;
        if ensured != Ensured::Homeless {
            let rerouted = self.reroute(&port).await?;
            return Ok(if ensured == Ensured::Stood { rerouted } else { ensured });
        }
        // Its network and the subnets it has addresses of cannot go before it does.
        self.make_network(port.spec.network_id).await?;
        for subnet in dhcp.into_iter().flatten() {
            self.make_subnet(subnet).await?;
        }
        self.reroute(&port).await?;
        match self.northbound.ensure_port(&port, &network, dhcp).await? {
            ensured @ (Ensured::Stood | Ensured::Changed) => Ok(ensured),
            Ensured::Homeless => {
                let name = rows::switch_name(port.spec.network_id);
                Err(ProblemDetails::unavailable(format!("someone removes logical switch {name} again and again"))
                    .into())
            }
        }
    }
}

/// What was read of something, if it shall be there.
fn still_wanted<T>(kind: &str, id: Uuid, found: Option<T>, state: impl Fn(&T) -> ResourceState) -> Result<T> {
    found
        .filter(|thing| state(thing) != ResourceState::Deleting)
        .ok_or_else(|| ProblemDetails::conflict(format!("{kind} {id} was deleted while it was being made")).into())
}
