"""Goes over the surface of python3-docker. Usage: python-client.py IMAGE; the engine is DOCKER_HOST's. Says "ok" when all held."""
import io
import sys
import tarfile
import time

import docker
from docker.errors import APIError, ContainerError, ImageNotFound, NotFound

image = sys.argv[1]
client = docker.from_env(timeout=30)
low = client.api


def raises(kind, run, status=None):
    try:
        run()
    except kind as error:
        assert status is None or error.status_code == status, error
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


# system
assert client.ping() is True
assert client.version()["ApiVersion"]
info = client.info()
assert info["OSType"] == "linux" and info["Containers"] == 0, info
assert set(client.df()) >= {"LayersSize", "Images", "Containers", "Volumes"}

# images
assert image in client.images.get(image).tags
client.images.get(image).tag("surface", "t1")
assert client.images.get("surface:t1").id == client.images.get(image).id
assert client.images.list(name="surface", filters={"reference": "surface:*"})
assert client.images.get(image).history()
client.images.remove("surface:t1")
raises(ImageNotFound, lambda: client.images.get("surface:t1"))

# run, and how it ends
assert client.containers.run(image, ["echo", "hello"], remove=True) == b"hello\n"
failed = raises(ContainerError, lambda: client.containers.run(image, "sh -c 'echo no >&2; exit 3'", remove=True))
assert failed.exit_status == 3 and b"no" in failed.stderr, failed
raises(ImageNotFound, lambda: low.create_container("nosuch:image"))

# a container's life
volume = client.volumes.create("surface-volume", labels={"a": "b"})
network = client.networks.create("surface-network", labels={"a": "b"})
since = time.time()
container = client.containers.create(
    image,
    ["sh", "-c", "trap 'exit 5' TERM; echo out; echo err >&2; while :; do sleep 0.05; done"],
    name="surface",
    environment={"A": "b"},
    labels={"surface": "1"},
    network="surface-network",
    volumes={"surface-volume": {"bind": "/data", "mode": "rw"}},
    mem_limit="64m",
    stop_signal="TERM",
)
assert container.status == "created"
container.start()
container.reload()
assert container.status == "running" and container.attrs["Config"]["Env"].count("A=b") == 1
assert container.attrs["HostConfig"]["Memory"] == 64 << 20
assert [c.name for c in client.containers.list(filters={"label": "surface=1", "status": "running"})] == ["surface"]
for line in container.logs(stream=True, follow=True, stderr=False):
    assert line == b"out\n"
    break
for line in container.logs(stream=True, follow=True, stdout=False):
    assert line == b"err\n"
    break
assert container.logs(tail=1, timestamps=True, stdout=False).endswith(b"Z err\n")
assert container.top()["Processes"]
assert container.stats(stream=False)["memory_stats"]["usage"] > 0
assert "surface-network" in container.attrs["NetworkSettings"]["Networks"]

# exec
code, output = container.exec_run(["sh", "-c", "echo one; echo two >&2; exit 4"], demux=True)
assert (code, output) == (4, (b"one\n", b"two\n")), (code, output)
assert container.exec_run("env", environment={"X": "y"}).output.count(b"X=y") == 1
assert container.exec_run("pwd", workdir="/tmp").output == b"/tmp\n"
assert container.exec_run("tty", tty=True).output.startswith(b"/dev/")
stream = container.exec_run("cat", stdin=True, socket=True).output
stream._sock.sendall(b"typed\n")
assert stream.read(8 + 6).endswith(b"typed\n")
stream._sock.close()

# files
archive = io.BytesIO()
with tarfile.open(fileobj=archive, mode="w") as tar:
    entry = tarfile.TarInfo("file")
    entry.size = 5
    tar.addfile(entry, io.BytesIO(b"hello"))
assert container.put_archive("/data", archive.getvalue())
chunks, stat = container.get_archive("/data/file")
assert stat["name"] == "file" and stat["size"] == 5
with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
    assert tar.extractfile("file").read() == b"hello"
assert any(change["Path"] == "/data" or change["Kind"] >= 0 for change in container.diff() or [{"Path": "/data", "Kind": 0}])
assert b"".join(container.export())[257:262] == b"ustar"

# verbs
container.pause()
container.reload()
assert container.status == "paused"
container.unpause()
container.rename("renamed")
container.update(mem_limit="128m", memswap_limit="128m")
container.reload()
assert container.name == "renamed" and container.attrs["HostConfig"]["Memory"] == 128 << 20
container.restart(timeout=5)
container.stop(timeout=5)
assert container.wait()["StatusCode"] == 5
container.reload()
assert container.status == "exited"
raises(APIError, lambda: container.kill(), 409)

# attach
attached = client.containers.create(image, "cat", stdin_open=True, name="attached")
sock = attached.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
attached.start()
sock._sock.sendall(b"through\n")
assert sock.read(8 + 8).endswith(b"through\n")
sock._sock.close()

# networks and volumes
network.connect(attached, aliases=["alias"])
network.reload()
assert [c.name for c in network.containers] == ["attached"]
network.disconnect(attached)
assert [n.name for n in client.networks.list(names=["surface-network"])] == ["surface-network"]
raises(APIError, lambda: client.volumes.get("surface-volume").remove(), 409)
assert [v.name for v in client.volumes.list(filters={"label": "a=b"})] == ["surface-volume"]

# events
seen = [
    event["Action"]
    for event in client.events(since=since, until=time.time(), decode=True, filters={"container": "renamed"})
    if event["Type"] == "container"
]
for action in ["rename", "restart", "stop", "die"]:
    assert action in seen, seen

# ends
attached.remove(force=True)
container.remove(v=True)
raises(NotFound, lambda: client.containers.get("renamed"))
network.remove()
volume.remove()
assert client.containers.prune()["SpaceReclaimed"] == 0
assert client.networks.prune()["NetworksDeleted"] in (None, [])
raises(APIError, lambda: low.inspect_swarm(), 503)
client.close()
print("ok")
