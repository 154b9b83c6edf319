"""A mechanism driver of Neutron's ML2 for the ports of fake hypervisors: there is no agent behind them, so a port bound to
a host fakeNNN is active at once."""

from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api


class FakePorts(api.MechanismDriver):
    def initialize(self):
        self.details = {portbindings.CAP_PORT_FILTER: True, portbindings.OVS_HYBRID_PLUG: False}

    @property
    def connectivity(self):
        return portbindings.CONNECTIVITY_L2

    def bind_port(self, context):
        host = context.host or ""
        if host.startswith("fake") and context.segments_to_bind:
            segment = context.segments_to_bind[0][api.ID]
            context.set_binding(segment, portbindings.VIF_TYPE_OVS, self.details, status=constants.PORT_STATUS_ACTIVE)
