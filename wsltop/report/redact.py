"""Removes names, paths, addresses and ids from a text."""

from __future__ import annotations

import ipaddress
import os
import pwd
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

OCTET: Final = r"(?:25[0-5]|2[0-4]\d|[01]?\d?\d)"
FOUR: Final = re.compile(rf"(?<!\d)(?<!\d\.)({OCTET}(?:\.{OCTET}){{3}})(?!\d|\.\d)(?:/\d{{1,2}}(?!\d))?", re.ASCII)
"""An IPv4 address, with the length of its network."""
COLONS: Final = re.compile(
    r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f.]*(?:%\w{1,15})?(?:/\d{1,3}(?!\d))?(?!\w|:[\w:])",
    re.IGNORECASE | re.ASCII,
)
"""What may be an IPv6 address."""
CARD: Final = re.compile(
    r"(?<![0-9a-z])[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}(?![0-9a-z])", re.IGNORECASE | re.ASCII
)
"""The address of a network card (MAC)."""
CALLED_VERSION: Final = re.compile(
    r"(?:\b(?:versions?|wslg?|wsltop|kernel|linux|windows|release|msrdc|direct3d|dxcore)[\s:=\"'(]{0,3}v?|\bv)$",
    re.IGNORECASE | re.ASCII,
)
GOES_ON: Final = re.compile(r"-(?:microsoft|wsl|standard|generic|azure|rc\d)|\+", re.IGNORECASE | re.ASCII)
VERSION: Final = re.compile(r"(?<![\d.])\d+(?:\.\d+){3}(?![\d.])", re.ASCII)


def take_addresses(text: str, sign: str, versions: Collection[str] = ()) -> str:
    """The text with ``sign`` in place of each address.

    Those that are the same everywhere (``127.0.0.1``, ``0.0.0.0``, ``::1``) stay.

    Args:
        text: anything.
        sign: what to put there.
        versions: numbers in four parts that are known to be versions.
    """

    def four(match: re.Match[str]) -> str:
        found = ipaddress.IPv4Address(".".join(str(int(part)) for part in match[1].split(".")))
        if str(found) in versions or is_everywhere(found):
            return match[0]
        before, after = text[max(0, match.start() - 16) : match.start()], text[match.end(1) : match.end(1) + 12]
        version = CALLED_VERSION.search(before) or GOES_ON.match(after)
        return match[0] if version and may_be_version(found) else sign

    text = CARD.sub(sign, text)
    text = COLONS.sub(in_colons(sign), text)
    return FOUR.sub(four, text)


def in_colons(sign: str) -> Callable[[re.Match[str]], str]:
    """What replaces a candidate for an IPv6 address: itself, where it is none (``14:03:20``, ``0000:00:1f.2``)."""

    def replaced(match: re.Match[str]) -> str:
        bare = match[0].rstrip(".")
        try:
            found = ipaddress.IPv6Interface(bare).ip
        except ValueError:
            return match[0]
        return match[0] if is_everywhere(found) else sign + match[0][len(bare) :]

    return replaced


def may_be_version(address: ipaddress.IPv4Address) -> bool:
    """Whether four numbers may be a version: those of a private network are not, but no machine has ``0.5.0.1``."""
    return address.is_global or address.packed[0] == 0


def is_everywhere(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address is the same on many machines."""
    return address.is_loopback or address.is_unspecified or address == ipaddress.IPv4Address("255.255.255.255")


def versions_in(text: str) -> set[str]:
    """The numbers in four parts of a text that is about versions."""
    return set(VERSION.findall(text))


USER, HOST, PATH, MAIL, ID, DISTRO, ADDRESS, SECRET = SIGNS = tuple(map(chr, range(0xE000, 0xE008)))
"""Stand in the text while it is worked on, so that nothing is taken out of what was put in."""
SHOWN: Final = str.maketrans(
    {USER: "[user]", HOST: "[host]", PATH: "[path]", MAIL: "[e-mail]", ID: "[id]"}
    | {DISTRO: "[distro]", ADDRESS: "[address]", SECRET: "[secret]"}
)
NOT_SHOWN: Final = str.maketrans("", "", "".join(SIGNS))
COMMON: Final = frozenset(
    {"root", "user", "users", "default", "public", "all users", "defaultuser0", "wsluser", "ubuntu", "debian", "nobody"}
    | {"localhost", "linux", "wsl", "vm", "pc", "host", "you", "<you>", "."}
    | {
        "dev",
        "proc",
        "sys",
        "run",
        "tmp",
        "etc",
        "lib",
        "bin",
        "mnt",
        "home",
        "init",
        "var",
        "usr",
        "opt",
        "srv",
        "boot",
    }
    | {"memory", "cache", "free", "used", "swap", "guest", "kernel", "windows", "docker", "test", "work", "wsltop"}
)
"""Names that many people have; to take them out would only make the text hard to read."""
ANYWHERE: Final = 5
"""A name of so many characters goes inside of longer words too; a shorter one would tear words apart."""
PUBLIC_DISTRO: Final = re.compile(
    r"(?:Ubuntu|Debian|kali-linux|openSUSE|SUSE|SLES|OracleLinux|AlmaLinux|RockyLinux|Fedora(?:Linux|Remix)?|CentOS\w*|RHEL"
    r"|Arch(?:Linux)?|Alpine|NixOS|Gentoo|Void|Mariner|AzureLinux|eLxr|Pengwin|WLinux|Legacy|docker-desktop"
    r"|rancher-desktop|podman-machine-default)(?:[-_.]?(?:\d[\d.]*|LTS|Preview|Enterprise|Leap|Tumbleweed|SP\d|data|"
    r"Linux|base|latest|rolling))*",
    re.IGNORECASE | re.ASCII,
)
"""Names of distributions as the Store, Docker and others give them."""
HOMES: Final = r"(?:/mnt/[a-z]/Users/|(?<![a-z0-9_])(?:[A-Z]:[\\/]{1,2}|\\{0,2})Users[\\/]{1,2}"
HOME: Final = re.compile(rf"{HOMES}|/home/|\\home\\)([^\\/\s:;,'\"`()<>|]+)", re.IGNORECASE)
SPACED_HOME: Final = re.compile(rf"{HOMES})([^\\/:*?\"<>|\r\n]{{1,64}})[\\/]", re.IGNORECASE)
"""A name with blanks ends at the next separator."""
PART: Final = r"[^\s\\/:*?\"'`<>|,;()]"
LIKE_A_FILE: Final = r"[^\\/:*?\"'`<>|\r\n]{1,48}\.[a-z0-9]{1,5}(?!\w)"
CAPITALIZED: Final = rf"{PART}*(?:(?-i:[ ][A-Z]){PART}*){{1,3}}(?=$|[\r\n,;:)])"
NAME: Final = rf"(?:{LIKE_A_FILE}|{CAPITALIZED}|{PART}*)"
"""The last part of a path: with blanks when it ends like a file or in capitalized words, else up to a blank."""
FOLDERS: Final = r"(?:[^\\/:*?\"<>|\r\n]{0,64}[\\/])*"
WINDOWS_PATH: Final = re.compile(rf"(?<![a-z0-9])[a-z]:[\\/]{FOLDERS}{NAME}", re.IGNORECASE | re.MULTILINE)
SHARE: Final = re.compile(
    rf"\\\\[^\s\\\"'`]+(?:\\[^\\/:*?\"<>|\r\n]{{0,64}}(?=\\))*(?:\\{NAME})?", re.IGNORECASE | re.MULTILINE
)
DRIVE_PATH: Final = re.compile(rf"(?<![\w.])/mnt/[a-z]/{FOLDERS}{NAME}", re.IGNORECASE | re.MULTILINE)
PROFILE_PATH: Final = re.compile(
    rf"(?<![a-z0-9_%])(?:%[a-z]{{1,32}}%(?!\\\.wslconfig\b)|\\{{0,2}}Users)\\{{1,2}}{FOLDERS}{NAME}",
    re.IGNORECASE | re.MULTILINE,
)
"""A path below a variable of Windows, or without its drive."""
HOME_PATH: Final = re.compile(
    rf"(?<![\w.~$])(?:~[\w.-]{{0,32}}|\$HOME|/(?:home|Users|srv|opt|root|media|run/media|mnt(?!/(?:wslg?|[a-z])\b)))/(?:{PART}(?:[^/:*?\"<>|\r\n]{{0,62}}{PART})?/)*{NAME}",
    re.MULTILINE | re.IGNORECASE,
)
LINUX_PATH: Final = re.compile(r"(?<![\w.])/(?:[^\s/\"'`,;:()<>|]+/?)+")
MAIL_PATTERN: Final = re.compile(
    r"(?:(?<![\w.+%-])[\w.+%-]+|\"[^\"\s@][^\"\r\n@]{0,62}\")@(?:[\w-]+(?:\.[\w-]+)*|\[[0-9a-f.:]{2,45}\])",
    re.IGNORECASE,
)
"""It begins where a word does: tried at each of a word's letters it would take minutes for a long one."""
UNIT: Final = re.compile(r"@[\w.\\:-]*\.(?:service|scope|slice|socket|mount|timer|target|device)$", re.ASCII)
"""systemd's instances, ``getty@tty1.service``, look like addresses."""
UNIT_ENDS: Final = r"(?:service|scope|slice|socket|mount|automount|swap|timer|target|device)"
MOUNT_UNIT: Final = re.compile(
    r"(?<![\w.\\-])(?!(?:-|dev-hugepages|dev-mqueue|proc-sys-fs-binfmt_misc|sys-[\w-]{1,40}|run-user-\d+|run-lock|run-shm|run"
    r"|tmp|home|boot|init|memory|mnt-wslg?|mnt-[a-z]|usr-lib-[\w-]{1,40}|snap-[\w-]{1,80})\.)"
    r"[\w:@\\-]{1,200}\.(mount|automount|swap)(?![\w-]|\.\w)"
)
"""A path as systemd escapes it, ``mnt-c-Users-Zoe\\x20Kay.mount``, but not those that every system has."""
ESCAPED_UNIT: Final = re.compile(
    rf"(?<![\w.:@\\-])(?=[\w.:@-]{{0,200}}\\x[0-9a-f]{{2}})[\w.:@\\-]{{1,255}}\.({UNIT_ENDS})(?![\w-])", re.ASCII
)
"""A unit whose name holds what systemd had to escape: a text of the user's."""
INSTANCE: Final = re.compile(rf"(?<=[\w-]@)(?!tty|hvc|console|\d+\.)[\w:\\-]{{1,64}}\.({UNIT_ENDS})(?![\w-])", re.ASCII)
"""``openvpn@acme.service``: what stands after the at sign is the user's choice, but ``tty1`` or a number."""
USER_UNIT: Final = re.compile(
    r"(?<![\w-])(user|session|run-user)-(?!\d+\.)[^\s/.]{1,64}\.(slice|scope|service|mount)\b"
)
VM: Final = re.compile(r"\b(vmmem(?:wslc-)?)(?!WSL\b|CmZygote\b|WindowsSandbox\b)([\w.-]{1,64})", re.IGNORECASE)
"""The process of a VM that has a name of its own."""
MACHINE: Final = re.compile(
    r"(?<![\w.-])(?:(?:DESKTOP|LAPTOP|WIN|EC2AMAZ)-[A-Z0-9]{5,12}|ip(?:-\d{1,3}){4})(?![\w-])", re.ASCII
)
"""Names that Windows and clouds give to machines."""
FULL_NAME: Final = re.compile(
    r"(?<![\w.@/\\-])(?!\d+\.\d)(?:[^\W_](?:[^\W_]|-){0,62}\.){1,6}"
    r"(?:com|org|net|edu|gov|mil|int|info|biz|pro|io|ai|dev|app|cloud|co|me|tv|xyz|online|site|tech|box|local|localdomain"
    r"|internal|intranet|private|lan|corp|home|domain|example|invalid|test|arpa|onion|at|au|be|br|ca|ch|cn|cz|de|dk|es|eu"
    r"|fi|fr|gr|hu|ie|il|in|it|jp|kr|mx|nl|nz|pl|pt|ro|ru|se|sg|sk|tr|tw|ua|uk|us|za)(?:(?=:\d)|(?![\w-]|\.\w))",
    re.IGNORECASE,
)
"""A host with its domain."""
HOST_AND_PORT: Final = re.compile(
    r"(?<![\w.@/\\-])(?:[a-z0-9][a-z0-9-]{0,62}\.){2,6}[a-z][a-z0-9-]{1,62}(?=:\d{2,5}(?!\d))", re.IGNORECASE | re.ASCII
)
NAMED_HOST: Final = re.compile(r"\b((?:hostname|computername)\s{0,2}[=:]\s{0,2})([\w.-]{1,64})", re.IGNORECASE)
"""A setting that names a machine, as ``[network] hostname=`` of /etc/wsl.conf."""
SID: Final = re.compile(r"\bS-1-\d{1,3}(?:-\d{1,10}){1,14}\b", re.ASCII | re.IGNORECASE)
SECRETS: Final = re.compile(
    r"(?<![A-Za-z0-9_-])(?:gh[pousr]_[A-Za-z0-9]{16,255}|github_pat_\w{16,255}|glpat-[\w-]{16,64}|sk-[\w-]{16,255}"
    r"|[rsp]k_(?:live|test)_\w{10,255}|A[KS]IA[A-Z0-9]{12,20}|AIza[\w-]{30,40}|ya29\.[\w-]{8,500}|xox[abeoprs]-[\w-]{10,255}"
    r"|xapp-[\w-]{10,255}|(?:npm|hf|pul|shpat)_[A-Za-z0-9]{16,255}|dop_v1_\w{16,255}|pypi-[\w-]{16,500}"
    r"|SG\.[\w-]{16,64}\.[\w-]{16,128}|eyJ[\w-]{8,2000}\.[\w-]{8,2000}\.[\w-]{0,2000})",
    re.ASCII,
)
"""Tokens by the forms that GitHub, GitLab, OpenAI, Stripe, AWS, Google, Slack, npm, PyPI and others give them; JWT."""
KEY_WORD: Final = (
    r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|credentials?|api[_-]?key|(?:secret[_-]?)?access[_-]?key|account[_-]?key"
    r"|private[_-]?key|client[_-]?secret)"
)
PASSWORD: Final = re.compile(
    rf"(?<![a-z])({KEY_WORD}[\"']?\s{{0,2}}[=:]\s{{0,2}}|--{KEY_WORD}\s{{1,2}}|\bAuthorization:\s{{0,2}}\w{{1,16}}\s{{1,2}}|\bBearer\s{{1,2}}(?=\S{{12}})|\bsig=)"
    r"(\"[^\"\r\n]{1,255}\"|'[^'\r\n]{1,255}'|[^\s,;&\"']{1,255})",
    re.IGNORECASE | re.ASCII,
)
PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[A-Za-z0-9+/=\s]{0,20000}(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?"
)
URL: Final = re.compile(r"\b[a-z][a-z0-9+.-]{1,15}://[^\s\"'`<>)]+", re.IGNORECASE)
PUBLIC: Final = re.compile(
    r"(https://(?:github\.com/microsoft|learn\.microsoft\.com|aka\.ms)/[\w./#?=&-]*)", re.IGNORECASE | re.ASCII
)
"""Addresses that wsltop itself points to."""
HEX_ID: Final = re.compile(
    r"(?<![0-9A-Za-z])(?:0x)?(?=[0-9]{0,127}[a-fA-F])(?=[a-fA-F]{0,127}[0-9])[0-9a-fA-F]{12,128}(?![0-9A-Za-z])"
)
UUID: Final = re.compile(
    r"(?:(?<=pod)|(?<![0-9a-z]))[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}(?![0-9a-f])", re.IGNORECASE
)
SYSTEM: Final = re.compile(
    r"/(?:proc|sys(?!/fs/cgroup/)|dev(?!/mapper/)|boot|bin|sbin|lib|lib64|usr/(?:bin|sbin|lib|lib64))(?:/|$)"
    r"|/sys/fs/cgroup/(?:(?:memory|cgroup|cpu|io|pids)\.[\w.]+)?$"
    r"|/etc(?:/(?:wsl\.conf|fstab|os-release|hosts|resolv\.conf|docker/daemon\.json|systemd(?:/\w+)*)?)?$"
    r"|/(?:init|mnt/wsl|mnt/wslg|run|run/WSL|run/user|run/lock|run/shm)/?$"
    r"|/(?:mnt/[a-z]|mnt|tmp|home|var|opt|srv|usr|root|media)?/?$"
    r"|[A-Za-z]:[\\\\/]?$"
)
"""Paths that are the same on every machine."""


class Redactor:
    """Takes names, paths, addresses and ids out of texts.

    Args:
        users: names of users that are known.
        hosts: names of machines that are known.
        distros: names of distributions; only those go that somebody made up.
        versions: numbers in four parts that are known to be no addresses.
    """

    def __init__(
        self,
        users: Iterable[str] = (),
        hosts: Iterable[str] = (),
        distros: Iterable[str] = (),
        versions: Iterable[str] = (),
    ) -> None:
        self._users = tuple(users)
        self._hosts = tuple(hosts)
        self._distros = tuple(distros)
        self._versions = frozenset(versions)

    def knowing(self, distros: Iterable[str], versions: Iterable[str]) -> Redactor:
        """One that knows these as well."""
        return Redactor(self._users, self._hosts, (*self._distros, *distros), self._versions | set(versions))

    def __call__(self, text: str) -> str:
        """The text without them."""
        text = text.translate(NOT_SHOWN)
        users = [*self._users, *found_users(text)]
        # Every second part is a public address, of which only names are taken.
        parts = PUBLIC.split(text)
        text = "".join(part if place % 2 else self._take_all(part, users) for place, part in enumerate(parts))
        return self._take_names(text, users).translate(SHOWN)

    def _take_names(self, text: str, users: list[str]) -> str:
        # WSL lets no name have blanks: one that has them is what a distribution calls itself.
        made_up = [name for name in self._distros if " " not in name and not PUBLIC_DISTRO.fullmatch(name)]
        signs = dict.fromkeys(made_up, DISTRO) | dict.fromkeys(self._hosts, HOST) | dict.fromkeys(users, USER)
        return take_names(text, signs)

    def _take_all(self, text: str, users: list[str]) -> str:
        # Names first: they may hold blanks, which would end a path.
        text = self._take_names(text, users)
        text = URL.sub(PATH, text)
        text = SECRETS.sub(SECRET, PASSWORD.sub(lambda match: match[1] + SECRET, PRIVATE_KEY.sub(SECRET, text)))
        text = ESCAPED_UNIT.sub(rf"{PATH}.\1", USER_UNIT.sub(rf"\1-{USER}.\2", text))
        text = INSTANCE.sub(rf"{ID}.\1", MOUNT_UNIT.sub(rf"{PATH}.\1", text))
        for pattern in (WINDOWS_PATH, SHARE, PROFILE_PATH, DRIVE_PATH, HOME_PATH, LINUX_PATH):
            text = pattern.sub(keep_system_path, text)
        text = MAIL_PATTERN.sub(lambda match: match[0] if UNIT.search(match[0]) else MAIL, text)
        text = take_addresses(text, ADDRESS, self._versions)
        text = FULL_NAME.sub(HOST, HOST_AND_PORT.sub(HOST, VM.sub(rf"\1{DISTRO}", text)))
        text = MACHINE.sub(HOST, NAMED_HOST.sub(rf"\1{HOST}", text))
        text = SID.sub(ID, UUID.sub(ID, text))
        return HEX_ID.sub(ID, text)


def machine_redactor(environ: Mapping[str, str], *, user: str = "", host: str = "") -> Redactor:
    """A redactor that knows the names of this machine.

    Args:
        environ: the environment, which may name users of Linux and of Windows, and the machine.
        user: the name in the user database.
        host: the name that the kernel has, ``uname -n``.
    """
    variables = ("USER", "LOGNAME", "SUDO_USER", "USERNAME")
    users = {user, *(environ.get(name, "") for name in variables)}
    homes = (environ.get(name, "") for name in ("HOME", "USERPROFILE"))
    users |= {re.split(r"[\\/]", home.rstrip("\\/"))[-1] for home in homes}
    hosts = {host, host.partition(".")[0], *(environ.get(name, "") for name in ("HOSTNAME", "COMPUTERNAME", "NAME"))}
    return Redactor(users, hosts, [environ.get("WSL_DISTRO_NAME", "")])


def found_users(text: str) -> set[str]:
    """The names of users that stand in the paths of a text."""
    names = {match[1].rstrip(".") for match in HOME.finditer(text)}
    return names | {match[1].strip() for match in SPACED_HOME.finditer(text)}


def take_names(text: str, signs: Mapping[str, str]) -> str:
    """The text with a sign in place of each name, the longest first: one may be part of another."""
    telling = [
        name for name in signs if len(name.strip()) > 1 and name.lower() not in COMMON
    ]  # one letter identifies no user
    for name in sorted(telling, key=len, reverse=True):
        text = name_pattern(name).sub(signs[name], text)
    return text


def name_pattern(name: str) -> re.Pattern[str]:
    """What finds a name: anywhere when it is long, else as a word of its own. A number is always a word."""
    escaped = re.escape(name)
    if len(name) < ANYWHERE or not any(char.isalpha() for char in name):
        escaped = rf"(?<![^\W_]){escaped}(?![^\W_])"
    return re.compile(escaped, re.IGNORECASE)


def keep_system_path(match: re.Match[str]) -> str:
    """A path of the system as it is; what is the user's becomes a sign."""
    path = match[0]
    bare = path.rstrip(".,:")
    return path if SYSTEM.match(bare) else PATH + path[len(bare) :]


def this_machine(environ: Mapping[str, str] = os.environ) -> Redactor:
    """A redactor that knows the names of this machine and of who runs wsltop."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = ""  # a container's user may have no name
    return machine_redactor(environ, user=user, host=os.uname().nodename)
