"""Redaction: no secret survives, and nothing else goes."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from wsltop.report.redact import COMMON, Redactor, found_users, machine_redactor

redact = Redactor()
NAMES = st.from_regex(r"[a-z][a-z0-9_-]{1,14}", fullmatch=True).filter(
    lambda name: name not in COMMON and name not in {"path", "mail", "e-mail", "users", "id", "distro", "address"}
)
LONG = NAMES.filter(lambda name: len(name) >= 5)
HOMES = (
    "/home/{}/project",
    "/home/{}",
    "C:\\Users\\{}\\.wslconfig",
    "c:/Users/{}/x",
    "/mnt/c/Users/{}/.wslconfig",
    "\\\\wsl$\\Ubuntu\\home\\{}\\x",
    "d:\\\\Users\\\\{}\\\\swap.vhdx",
)


def has_word(text: str, word: str) -> bool:
    """Whether a word is still there; what redaction put in does not count."""
    bare = re.sub(r"\[(?:user|host|path|e-mail|id|distro|address)\]", "", text)
    return re.search(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", bare, re.IGNORECASE) is not None


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("/home/mary/src is 3 GiB", "[path] is 3 GiB"),
        ("mary owns /home/mary, Mary's", "[user] owns [path], [user]'s"),
        ("C:\\Users\\Ann Lee\\.wslconfig (only profile), Ann Lee", "[path] (only profile), [user]"),
        ("/mnt/c/Users/Zed Zee/.wslconfig: line 7", "[path]: line 7"),
        ("D:\\data\\my notes.txt, 5", "[path], 5"),
        ("\\\\server\\share\\x", "[path]"),
        ("write to jo.e@example.org now", "write to [e-mail] now"),
        ("docker 0123456789ab", "docker [id]"),
        (f"{'0a' * 32}.scope", "[id].scope"),
        ("boot 6a8bc1b4-5f5e-4b8e-9a39-0123456789ab", "boot [id]"),
        ("see https://corp.example/x?y=z", "see [path]"),
        ("from 192.168.17.4:22 and [fe80::1%eth0]:80", "from [address]:22 and [[address]]:80"),
        ("ssh ann@10.1.2.3 eth0 00:15:5d:AA:bb:cc", "ssh [e-mail] eth0 [address]"),
        ("\\\\wsl.localhost\\Ubuntu\\home\\ann\\x", "[path]"),
        ("--dsn=postgres://bob:pw@db.example/x --to=ann@example.org", "--dsn=[path] --to=[e-mail]"),
        ("/tmp/secret /var/lib/app /run/user/1000/bus", "[path] [path] [path]"),
        ("/home/bob smith/My Project/x", "[path]"),
        ("open C:\\Users\\Zoe Kay", "open [path]"),
        ("\\\\server\\My Share\\Quarter Results", "[path]"),
        ("to x@山田.example now", "to [e-mail] now"),
        ("db01.corp.example:5432, ip-10-1-2-3.ec2.internal", "[host]:5432, [host]"),
        ("from DESKTOP-AB12CD3 to LAPTOP-9ZZ8YY7", "from [host] to [host]"),
        ("S-1-5-21-1004336348-1177238915-682003330-512 x", "[id] x"),
        ("id 0A1B2C3D4E5F6071", "id [id]"),
        ("home-zoe.mount", "[path].mount"),
        ("mnt-c-Users-Zoe\\x20Kay.mount", "[path].mount"),
        ("user-zoekay.scope", "user-[user].scope"),
        ("kubepods-pod1234abcd_5678_1234_1234_0123456789ab.slice", "kubepods-pod[id].slice"),
        ("vmmemwslc-SecretName 1 GiB", "vmmemwslc-[distro] 1 GiB"),
        ("/etc/openvpn/acme.conf /dev/mapper/luks-mine", "[path] [path]"),
        ("ghp_0123456789abcdefABCDEF0123456789abcd", "[secret]"),
        ("AKIAIOSFODNN7EXAMPLE sk-abcdefghijklmnop1234", "[secret] [secret]"),
        ("password=hunter2 --token: abc", "password=[secret] --token: [secret]"),
        ("bücher.example gitlab.acme.info:22 db01.corp.acme:5432", "[host] [host]:22 [host]:5432"),
        ("hostname=build7", "hostname=[host]"),
        ("s-1-5-21-1004336348-1177238915-682003330-512", "[id]"),
        ("id 0xAbCdEf0123456789abcd", "id [id]"),
        ("id " + "0f" * 64, "id [id]"),
        ("data-anna.mount run-media-anna-USB.mount", "[path].mount [path].mount"),
        ("app-Anna\\x20App-1234.scope", "[path].scope"),
        ("openvpn@acme.service", "openvpn@[id].service"),
        ('"john doe"@example.com x@[10.1.2.3]', "[e-mail] [e-mail]"),
        ("/srv/My Data/x /media/anna lee/usb", "[path] [path]"),
        ("/run/media/anna lee/usb", "[path]"),
        ("$HOME/My Dir/x", "[path]"),
        ("~anna/My Dir/x", "[path]"),
        ("Users\\anna lee\\x has anna", "[path] has [user]"),
        ("%APPDATA%\\Acme\\x", "[path]"),
        ("ASIAIOSFODNN7EXAMPLE npm_abcdefghijklmnopqrstuvwxyz0123456789", "[secret] [secret]"),
        ("AIzaSyA1234567890abcdefghijklmnopqrstuv sk_live_abcdefghijklmnop", "[secret] [secret]"),
        ('"password": "hun ter2", --password hunter2', '"password": [secret], --password [secret]'),
        ("Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Authorization: Basic [secret]"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIB+/=\n-----END RSA PRIVATE KEY----- x", "[secret] x"),
    ],
)
def test_it_takes_out(text: str, redacted: str) -> None:
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "used 3.1 GiB of 15.6 GiB, 412 MiB/s, 12 GiB / 16 GiB, 50 %",
        "WSL 2.6.3.0, kernel 6.6.87.2-microsoft-standard-WSL2, Linux-g1a2b3c4d5e6f",
        "WSL version 2.7.11.0 (Windows 10.0.26100.1), 127.0.0.1:80, [::1]",
        "echo 3 | sudo tee /proc/sys/vm/drop_caches",
        "/sys/fs/cgroup/memory.reclaim /dev/shm /mnt/wsl /mnt/c /run /tmp /etc/wsl.conf /",
        "%UserProfile%\\.wslconfig and C:\\ are known",
        "getty@tty1.service user@1000.service",
        "https://github.com/microsoft/WSL/issues/4166 is public",
        "[wsl2] memory=8GB, pages 264874, 2026-11-22 14:03:20 +0100",
        "root in Ubuntu on localhost",
        "memory.swap.max memory.swap io.weight cgroup.procs page_reporting.page_reporting_order mm/oom_kill.c:1234",
        "-.mount mnt-c.mount run-user-1000.mount sys-fs-fuse-connections.mount snap-firefox-123.mount",
        "token bucket, bearer of news, the password is unknown",
    ],
)
def test_it_leaves(text: str) -> None:
    assert Redactor(["root"], ["localhost"])(text) == text


def test_public_addresses_are_not_a_hiding_place() -> None:
    assert Redactor(["marylou"])("https://github.com/microsoft/marylou") == "https://github.com/microsoft/[user]"


@pytest.mark.slow
@given(user=NAMES, host=NAMES, home=st.sampled_from(HOMES), between=st.text(alphabet=" .,:;'\"()|\n", min_size=1))
def test_known_names_go_wherever_they_stand(user: str, host: str, home: str, between: str) -> None:
    assume(user != host)
    text = between.join((user, host, home.format(user), f"{user}@{host}", f"{host}.local", user.upper(), f"<{user}>"))
    told = Redactor([user], [host])(text)
    assert not has_word(told, user)
    assert not has_word(told, host)


@given(user=LONG, around=st.text(max_size=8), text=st.text(max_size=20))
def test_long_names_go_from_inside_of_words(user: str, around: str, text: str) -> None:
    told = Redactor([user])(f"{text}{around}{user}{around}{text}")
    assert user not in re.sub(r"\[(?:user|host|path|e-mail|id)\]", "\0", told).lower()


@pytest.mark.slow
@given(user=NAMES, home=st.sampled_from(HOMES))
def test_names_in_paths_are_found_by_themselves(user: str, home: str) -> None:
    told = redact(f"{user} has {home.format(user)} and {user}.")
    assert not has_word(told, user)


@given(st.text())
def test_what_is_redacted_stays_as_it_is(text: str) -> None:
    told = redact(text)
    assert redact(told) == told


@pytest.mark.slow
@given(st.lists(st.sampled_from(["/", "\\", "C:", "a", " ", ".", "home", "mnt/c/", "@", "0a"]), max_size=300))
def test_long_nonsense_is_quick(parts: list[str]) -> None:
    redact("".join(parts) * 20)


def test_users_are_found() -> None:
    assert found_users("/home/kim/x, C:\\Users\\Ann Lee\\y, /mnt/d/Users/Bo/") == {"kim", "Ann", "Ann Lee", "Bo"}


def test_the_machine_says_who_it_is() -> None:
    environ = {
        "USER": "kimberly",
        "SUDO_USER": "maryanne",
        "HOME": "/srv/homes/edwards/",
        "USERPROFILE": "C:\\Users\\Ann Lee",
        "COMPUTERNAME": "DESKTOP-7X",
    }
    known = machine_redactor(environ, user="robert", host="desktop-9.corp.example")
    told = known("kimberly maryanne edwards Ann Lee robert DESKTOP-7x desktop-9 desktop-9.corp.example")
    assert told == "[user] [user] [user] [user] [user] [host] [host] [host]"


def test_an_empty_environment_is_no_secret() -> None:
    assert machine_redactor({})("nothing to hide") == "nothing to hide"


@pytest.mark.parametrize(
    "name",
    [
        "Ubuntu",
        "Ubuntu-24.04",
        "Debian",
        "kali-linux",
        "openSUSE-Leap-15.6",
        "SUSE-Linux-Enterprise-15-SP6",
        "Alpine",
        "OracleLinux_9_1",
        "FedoraLinux-42",
        "archlinux",
        "AlmaLinux-9",
        "docker-desktop",
        "docker-desktop-data",
        "NixOS",
        "rancher-desktop-data",
        "podman-machine-default",
        "Ubuntu-Preview",
        "Debian GNU/Linux 13 (trixie)",
    ],
)
def test_names_that_thousands_have_stay(name: str) -> None:
    assert Redactor(distros=[name])(f"distro {name}, WSL 2").startswith(f"distro {name.partition(' ')[0]}")


@pytest.mark.parametrize("name", ["Ubuntu-marylou", "acme-build", "lou", "Debian_of_ann", "ubuntux"])
def test_names_that_somebody_made_up_go(name: str) -> None:
    assert Redactor(distros=[name])(f"distro {name}, WSL 2") == "distro [distro], WSL 2"


def test_a_distribution_named_as_a_part_of_the_system_tears_no_path() -> None:
    assert Redactor(["dev"], distros=["dev", "memory"])("/dev/shm is memory") == "/dev/shm is memory"


def test_the_machine_says_what_distribution_it_is() -> None:
    assert machine_redactor({"WSL_DISTRO_NAME": "anns-box"})("distro anns-box") == "distro [distro]"


LONG_WORDS = {
    "letters": "a" * 100_000,
    "hex": "0a" * 50_000,
    "dots": "a." * 50_000,
    "digits": "1" * 100_000,
    "dashes": "a-" * 50_000,
    "percent": "%" * 100_000,
    "ids": "0123abcd-" * 11_000,
    "addresses": "1." * 50_000,
    "at": "a@" * 50_000,
    "slashes": "/a" * 50_000,
    "backslashes": "\\a" * 50_000,
    "blanks": "C:\\" + "a b " * 25_000,
    "capitals": "C:\\" + "A B " * 25_000,
    "home": "/home/" + "a b" * 30_000,
    "unit": "home-" * 20_000,
    "share": "\\\\" + "a b\\" * 25_000,
    "password": "password=" * 11_000,
    "token": "eyJ" + "a" * 100_000,
    "times": "1:" * 50_000,
    "ats": "@" * 100_000,
    "quotes": '"' * 100_000,
    "keys": "-----BEGIN PRIVATE KEY-----" * 4_000,
    "escapes": "a\\x20" * 20_000,
    "labels": "é." * 50_000,
    "tildes": "~" * 100_000,
    "variables": "%a" * 50_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("text", LONG_WORDS.values(), ids=LONG_WORDS.keys())
def test_a_long_word_takes_no_more_than_a_second(text: str) -> None:
    began = time.process_time()
    redact(text)
    assert time.process_time() - began < 1.0
