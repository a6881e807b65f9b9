"""a Ray cluster of processes on this machine, whose machines can be killed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

MEMORY = 80_000_000  # bytes of each machine's object store


class Machines:
    """A head that draws nothing, and machines that do."""

    def __init__(self, machines: int) -> None:
        self._port = 0
        self.start(machines)

    def start(self, machines: int) -> None:
        """The head, at the address that it had before, and so many machines."""
        from ray.cluster_utils import Cluster

        given: dict[str, Any] = {"num_cpus": 0, "object_store_memory": MEMORY, "include_dashboard": False}
        if self._port:
            given["gcs_server_port"] = self._port
        self._cluster = Cluster(initialize_head=True, head_node_args=given)
        self.address: str = self._cluster.address
        self._port = int(self.address.rpartition(":")[2])
        self.others: list[Any] = []
        for _ in range(machines):
            self.add()

    def add(self) -> None:
        """One machine joins."""
        self.others.append(self._cluster.add_node(num_cpus=1, object_store_memory=MEMORY, wait=False))

    def kill(self, number: int = 0) -> None:
        """One machine dies."""
        self._cluster.remove_node(self.others.pop(number), allow_graceful=False)

    def kill_all(self) -> None:
        """The head dies, and with it the cluster."""
        if self._cluster.head_node is not None:
            self._cluster.remove_node(self._cluster.head_node, allow_graceful=False)
        for node in self.others:
            self._cluster.remove_node(node, allow_graceful=False)
        self.others.clear()


@contextmanager
def machines(number: int) -> Iterator[Machines]:
    """A cluster of a head and so many machines."""
    cluster = Machines(number)
    try:
        yield cluster
    finally:
        cluster.kill_all()
