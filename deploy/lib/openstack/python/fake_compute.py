"""fake_compute.py N [options of nova-compute]: N nova-compute services, hosts fake001 and on, in one process.

Each has Nova's own fake driver, which makes no machines but keeps account of them, so that N hypervisors cost little more
than one. They are what the scheduler, Placement and the API see of a large cloud.
"""

import sys

# Importing it lays eventlet below everything else, so it comes first.
import nova.cmd.compute  # noqa: F401  isort:skip

import os_vif
from oslo_log import log
from nova import config, objects, service
from nova.compute import rpcapi
from nova.conductor import rpcapi as conductor
import nova.conf
import nova.db.main.api
from nova.objects import base
from nova.virt import fake

# What each hypervisor offers: processors, MiB of memory, GiB of disk.
SIZE = {"vcpus": 64, "memory_mb": 262144, "local_gb": 4096}


def start(host):
    server = service.Service.create(binary="nova-compute", host=host, topic=rpcapi.RPC_TOPIC)
    server.manager.driver.host_status_base["hypervisor_hostname"] = host
    if service._launcher is None:
        service.serve(server)
        # Each service keeps one of these threads; the default is ten for all.
        service._launcher.services.tg.pool.resize(4096)
    else:
        service._launcher.launch_service(server)
    print("started", host, flush=True)


def main():
    count = int(sys.argv.pop(1))
    sys.argv[0] = "nova-compute"
    conf = nova.conf.CONF
    config.parse_args(sys.argv)
    log.setup(conf, "nova")
    objects.register_all()
    os_vif.initialize()
    for name, value in SIZE.items():
        setattr(fake.FakeDriver, name, value)
    nova.db.main.api.DISABLE_DB_ACCESS = True
    base.NovaObject.indirection_api = conductor.ConductorAPI()
    objects.Service.enable_min_version_cache()
    for number in range(1, count + 1):
        start(f"fake{number:03d}")
    service.wait()


main()
