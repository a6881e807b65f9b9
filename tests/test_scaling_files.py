"""docs/scaling/: the files for `ray up` and for Kubernetes can be read, and say what they should."""

from pathlib import Path
from typing import Any

import pytest

from bot.config import load

FOLDER = Path(__file__).parent.parent / "docs" / "scaling"
yaml = pytest.importorskip("yaml")  # comes with Ray


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text()))


def test_the_file_for_ray_up_is_as_ray_wants_it() -> None:
    """By the check that `ray up` itself makes."""
    util = pytest.importorskip("ray.autoscaler._private.util")
    (cluster,) = documents("cluster.yaml")
    util.validate_config(util.prepare_config(documents("cluster.yaml")[0]))
    for name in ("head_start_ray_commands", "worker_start_ray_commands"):
        start = cluster[name][-1]
        assert "RAY_AUTH_MODE=token" in start and "0.0.0.0" not in start
    assert "--include-dashboard=false" in cluster["head_start_ray_commands"][-1]


def test_the_file_for_kubernetes_is_whole(tmp_path: Path) -> None:
    """One cluster with a token, one bot with a volume, and a config that the bot can read."""
    found = {document["kind"]: document for document in documents("kuberay.yaml")}
    assert list(found) == ["RayCluster", "Deployment", "PersistentVolumeClaim", "ConfigMap", "NetworkPolicy"]
    assert all(document["apiVersion"] and document["metadata"]["name"] for document in found.values())
    cluster, bot = found["RayCluster"]["spec"], found["Deployment"]["spec"]
    assert cluster["authOptions"] == {"mode": "token"} and cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    pods = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"], bot]
    for (container,) in (each["template"]["spec"]["containers"] for each in pods):
        assert container["image"] and container["resources"]["limits"]
        rights = container["securityContext"]
        assert rights["runAsUser"] == 10001 and rights["runAsNonRoot"] and not rights["allowPrivilegeEscalation"]
        assert rights["capabilities"] == {"drop": ["ALL"]}
    assert bot["replicas"] == 1 and bot["strategy"] == {"type": "Recreate"}
    assert bot["selector"]["matchLabels"].items() <= bot["template"]["metadata"]["labels"].items()
    pod = bot["template"]["spec"]
    mounts = {mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
    assert mounts == {volume["name"] for volume in pod["volumes"]}
    (tmp_path / "config.toml").write_text(found["ConfigMap"]["data"]["config.toml"])
    assert load(tmp_path / "config.toml").engine.ray == "auto"


def test_the_config_refuses_ray_client(tmp_path: Path) -> None:
    """It forgets what was drawn thirty seconds after the line broke, and streams nothing."""
    from bot.errors import ConfigError

    (tmp_path / "config.toml").write_text('[engine]\nray = "ray://10.0.0.4:10001"')
    with pytest.raises(ConfigError, match="ray must be auto"):
        load(tmp_path / "config.toml")
