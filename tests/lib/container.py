#!/usr/bin/python3
"""container.py run COMPOSE ROOT SERVICE [--exec COMMAND...]: a service of a compose file without an engine, on ROOT as its
image: with its command, or another one, and its users, groups, capabilities, volumes, secrets, environment and umask 077.
Run it by root under unshare --mount. Named volumes are folders volumes/NAME beside COMPOSE.
container.py words COMPOSE SERVICE: the whole command line, one word a line.
container.py healthcheck COMPOSE SERVICE: the same for its health check; nothing where it has none.
container.py stage COMPOSE SERVICE INSTRUCTION: an instruction's text in its stage of the Containerfile, the last one.
"""
import ctypes
import json
import os
import pathlib
import re
import subprocess
import sys

import yaml

CAPABILITIES = {"CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "FSETID": 4}
CONTAINERFILES = pathlib.Path(__file__).resolve().parents[2]
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
libc = ctypes.CDLL(None, use_errno=True)


class Service:
    def __init__(self, compose, name):
        self.folder = pathlib.Path(compose).resolve().parent
        services = yaml.safe_load(pathlib.Path(compose).read_text())["services"]
        self.keys = services[name]
        # One that only names an image has been built by another.
        self.build = self.keys.get("build") or next(
            s["build"] for s in services.values() if s.get("image") == self.keys["image"] and "build" in s)

    def stage(self, instruction):
        text = (CONTAINERFILES / self.build["dockerfile"]).read_text().replace("\\\n", "")
        stages = re.split(r"^FROM ", text, flags=re.M)[1:]
        mine = next(s for s in stages if s.splitlines()[0].endswith(f" AS {self.build['target']}"))
        found = re.findall(rf"^{instruction} (.*)$", mine, flags=re.M)
        return found[-1] if found else ""

    def words(self):
        entry = json.loads(self.stage("ENTRYPOINT") or "[]")
        return entry + (self.keys.get("command") or json.loads(self.stage("CMD") or "[]"))

    def healthcheck(self):
        own = self.keys.get("healthcheck", {})
        if own.get("disable"):
            return []
        words = own.get("test") or json.loads(self.stage("HEALTHCHECK").partition("CMD ")[2] or "[]")
        return words[1:] if words[:1] == ["CMD"] else words


def mount(*arguments):
    subprocess.run(["mount", *map(str, arguments)], check=True)


def bind(source, target, read_only=False):
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    mount("--bind", source, target)
    if read_only:
        mount("-o", "remount,bind,ro", target)


def furnish(service, root):
    places = []
    for volume in service.keys.get("volumes", []):
        source, target, *mode = volume.split(":")
        source = service.folder / (source if source.startswith("./") else f"volumes/{source}")
        places.append((source, root / target[1:], mode == ["ro"]))
    for secret in service.keys.get("secrets", []):
        places.append((service.folder / "secrets" / secret, root / "run/secrets" / secret, True))
    for _, target, _ in places:
        target.parent.mkdir(parents=True, exist_ok=True)
    for source, target, read_only in places:
        bind(source, target, read_only)
    for entry in service.keys.get("tmpfs", []):
        path, _, options = entry.partition(":")
        (root / path[1:]).mkdir(parents=True, exist_ok=True)
        mount("-t", "tmpfs", *(["-o", options] if options else ["-o", "mode=1777"]), "tmpfs", root / path[1:])
    if service.keys.get("read_only"):
        mount("-o", "remount,bind,ro", root)



def dropped_capabilities(service):
    keep = {CAPABILITIES[name] for name in service.keys.get("cap_add", [])}
    last = int(pathlib.Path("/proc/sys/kernel/cap_last_cap").read_text())
    return set(range(last + 1)) - keep if service.keys.get("cap_drop") == ["ALL"] else set()


def become(service, dropped):
    for capability in dropped:
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    user, group = map(int, (service.keys.get("user") or service.stage("USER")).split(":"))
    os.setgroups([group, *map(int, service.keys.get("group_add", []))])
    os.setgid(group)
    os.setuid(user)
    if "no-new-privileges:true" in service.keys.get("security_opt", []):
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def run(compose, root, name, *words):
    service = Service(compose, name)
    root = pathlib.Path(root)
    mount("--rbind", root, root)
    furnish(service, root)
    command = list(words[1:]) if words else service.words()
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/",
                   **service.keys.get("environment", {}), **json.loads(os.environ.get("IMAGE_ENVIRONMENT", "{}"))}
    dropped = dropped_capabilities(service)
    os.chroot(root)
    os.chdir(os.environ.get("IMAGE_FOLDER", "/"))
    os.umask(0o077)
    become(service, dropped)
    os.execvpe(command[0], command, environment)


def main():
    what, *arguments = sys.argv[1:]
    if what == "run":
        run(*arguments)
    compose, name, *rest = arguments
    service = Service(compose, name)
    answer = service.stage(*rest) if what == "stage" else getattr(service, what)()
    print(*([answer] if isinstance(answer, str) else answer), sep="\n")


main()
