"""Makes servers with their ports on an OpenStack side by side, waits until all run, and removes them again.

openstack_sdk.py CLOUD IMAGE FLAVOUR NETWORK,NETWORK... SERVERS

Prints how many milliseconds that took without the removal, and how many requests were sent for it, as JSON. The token, the
catalogue and the versions of the services are got before the clock begins.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import openstack

cloud, image, flavour, networks, servers = sys.argv[1:6]
networks = networks.split(",")
connection = openstack.connect(cloud=cloud)
session = connection.session
requests = 0
plain = session.request


def counted(*args, **kwargs):
    global requests
    requests += 1
    return plain(*args, **kwargs)


session.request = counted
list(connection.network.networks())
list(connection.compute.servers())


def port(name, network):
    return connection.network.create_port(network_id=network, name=name, admin_state_up=True)


def server(number):
    name = f"sdk-{number}"
    with ThreadPoolExecutor(len(networks)) as pool:
        ports = list(pool.map(lambda network: port(name, network), networks))
    plugged = [{"port": its.id} for its in ports]
    made = connection.compute.create_server(
        name=name, image_id=image, flavor_id=flavour, networks=plugged, config_drive=True
    )
    return ports, connection.compute.wait_for_server(made, interval=0.5, wait=300)


requests = 0
begun = time.monotonic()
with ThreadPoolExecutor(int(servers)) as pool:
    made = list(pool.map(server, range(int(servers))))
told = {"milliseconds": round((time.monotonic() - begun) * 1000), "requests": requests}
for _, its in made:
    connection.compute.delete_server(its)
for _, its in made:
    connection.compute.wait_for_delete(its, interval=0.5, wait=120)
for ports, _ in made:
    for its in ports:
        connection.network.delete_port(its)
print(json.dumps(told))
