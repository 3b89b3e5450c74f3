"""PowerShell's script: its grammar, its words, what a real PowerShell answered, and a real one where there is one."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import tree_sitter
import tree_sitter_pwsh

from wsltop.host.powershell import OPTIONS, parse_line, write_script
from wsltop.model.sample import HostMemory, Unavailable

SCRIPT = write_script(1.0)
ANSWERS = Path(__file__).parent.parent / "data/windows/powershell"
WORDS = """
Add-Type DllImport DefineDynamicAssembly DefineDynamicModule DefineType DefineConstructor CreateType DefineLiteral
DefineEnum DefineField ILGenerator Emit UnverifiableCodeAttribute DefinePInvokeMethod GetTypes GetAssemblies Methods
Properties GetConstructor GetConstructors GetDefaultMembers GetEvent GetEvents GetField GetFields GetInterface
GetInterfaceMap GetInterfaces GetMember GetMembers GetMethod GetMethods GetNestedType GetNestedTypes GetProperties
GetProperty InvokeMember MakeArrayType MakeByRefType MakeGenericType MakePointerType DeclaringMethod DeclaringType
ReflectedType TypeHandle TypeInitializer UnderlyingSystemType InteropServices Marshal AllocHGlobal PtrToStructure
StructureToPtr FreeHGlobal IntPtr MemoryStream DeflateStream FromBase64String EncodedCommand Bypass ToBase64String
ExpandString GetPowerShell OpenProcess VirtualAlloc VirtualFree WriteProcessMemory CreateUserThread CloseHandle
GetDelegateForFunctionPointer kernel32 CreateThread memcpy LoadLibrary GetModuleHandle GetProcAddress VirtualProtect
FreeLibrary ReadProcessMemory CreateRemoteThread AdjustTokenPrivileges WriteByte WriteInt32 OpenThreadToken
PtrToString ZeroFreeGlobalAllocUnicode OpenProcessToken GetTokenInformation SetThreadToken ImpersonateLoggedOnUser
RevertToSelf GetLogonSessionData CreateProcessWithToken DuplicateTokenEx OpenWindowStation OpenDesktop
MiniDumpWriteDump AddSecurityPackage EnumerateSecurityPackages GetProcessHandle DangerousGetHandle
CryptoServiceProvider Cryptography RijndaelManaged SHA1Managed CryptoStream CreateEncryptor CreateDecryptor
TransformFinalBlock DeviceIoControl SetInformationProcess PasswordDeriveBytes GetAsyncKeyState GetKeyboardState
GetForegroundWindow BindingFlags NonPublic ScriptBlockLogging LogPipelineExecutionDetails ProtectedEventLogging
"""
"""Words that make PowerShell log a script as a warning, wherever they stand in it (CompiledScriptBlock.cs)."""


def parse(script: str) -> tree_sitter.Node:
    language = tree_sitter.Language(tree_sitter_pwsh.language())
    return tree_sitter.Parser(language).parse(script.encode()).root_node


@pytest.mark.parametrize("period", [0.5, 1.0, 2.5, 10.0])
def test_the_script_is_grammatical(period: float) -> None:
    assert not parse(write_script(period)).has_error
    assert parse(write_script(period)[:-1]).has_error


@pytest.mark.parametrize("bad", ['"', "%", "\\", "\n", "\r", "`", "^", "<", ">", "&", "  ", "$input", "{bound}"])
def test_the_script_survives_every_quoting(bad: str) -> None:
    assert bad not in SCRIPT


def test_the_script_has_no_word_that_windows_logs_as_a_warning() -> None:
    assert [word for word in WORDS.split() if word.lower() in SCRIPT.lower()] == []


def test_the_script_is_short_ascii() -> None:
    assert SCRIPT.isascii()
    assert len(SCRIPT) < 4000


def test_the_module_path_is_set_before_any_command() -> None:
    cmdlets = [match.start() for match in re.finditer(r"\b[A-Z][a-z]+-[A-Z]\w+", SCRIPT)]
    assert cmdlets
    assert SCRIPT.index("$env:PSModulePath=$PSHOME+'/Modules'") < min(cmdlets)


def test_the_script_waits_as_long_as_it_is_told() -> None:
    assert "Wait(2500)" in write_script(2.5)
    assert "-Milliseconds 2500" in write_script(2.5)


@pytest.mark.parametrize(
    ("file", "working_set", "vms"),
    [
        ("linux-one.jsonl", 1794048, 1),
        ("linux-two.jsonl", 1794048, 2),
        ("linux-constrained.jsonl", 1794048, 1),
        ("linux-fa-IR.jsonl", 1794048, 1),
        ("windows-build-one.jsonl", 217387008, 1),
    ],
)
def test_what_a_real_powershell_answered_is_read(file: str, working_set: int, vms: int) -> None:
    lines = (ANSWERS / file).read_bytes().split(b"\n")[:-1]
    assert lines
    for line in lines:
        reading = parse_line(line, 1.0)
        assert isinstance(reading, HostMemory)
        assert (reading.process, reading.working_set, len(reading.vms)) == ("vmmemWSL", working_set, vms)


def test_a_real_powershell_without_the_process_is_read() -> None:
    for line in (ANSWERS / "linux-none.jsonl").read_bytes().split(b"\n")[:-1]:
        assert isinstance(parse_line(line, 1.0), Unavailable)


PWSH = os.environ.get("WSLTOP_TEST_PWSH", "")
needs_pwsh = pytest.mark.skipif(not PWSH, reason="WSLTOP_TEST_PWSH names no PowerShell")


@contextmanager
def named(folder: Path, *names: str) -> Iterator[None]:
    """Processes with these names."""
    running = []
    for name in names:
        program = folder / name
        program.symlink_to("/bin/sleep")
        running.append(subprocess.Popen([program, "60"]))
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def ask(script: str, lines: int, *, before: str = "", **environ: str) -> tuple[list[Reading], int | None]:
    """The first lines of a real PowerShell, and its status after its stdin was closed; None: it goes on."""
    with subprocess.Popen(
        [PWSH, *OPTIONS, before + script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | environ,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        readings = [parse_line(process.stdout.readline(), time.monotonic()) for _ in range(lines)]
        process.stdin.close()
        try:
            status: int | None = process.wait(3.0)
        except subprocess.TimeoutExpired:
            process.kill()
            status = None
    return readings, status


Reading = HostMemory | Unavailable | None


@needs_pwsh
@pytest.mark.slow
@pytest.mark.parametrize("names", [(), ("vmmemWSL",), ("vmmemWSL", "vmmemSandbox")])
def test_a_real_powershell_sees_the_processes(tmp_path: Path, names: tuple[str, ...]) -> None:
    with named(tmp_path, *names):
        readings, status = ask(SCRIPT, 2)
    assert status == 0
    for reading in readings:
        if names:
            assert isinstance(reading, HostMemory)
            assert len(reading.vms) == len(names)
        else:
            assert isinstance(reading, Unavailable)


@needs_pwsh
@pytest.mark.slow
def test_a_real_powershell_in_constrained_language_goes_on(tmp_path: Path) -> None:
    with named(tmp_path, "vmmemWSL"):
        before = "$ExecutionContext.SessionState.LanguageMode='ConstrainedLanguage';"
        readings, status = ask(SCRIPT, 2, before=before)
    assert all(isinstance(reading, HostMemory) for reading in readings)
    assert status is None


@needs_pwsh
@pytest.mark.slow
@pytest.mark.parametrize("culture", ["de-DE", "fa-IR", "ar-SA", "tr-TR"])
def test_a_real_powershell_in_any_culture_prints_digits(tmp_path: Path, culture: str) -> None:
    with named(tmp_path, "vmmemWSL"):
        readings, _ = ask(SCRIPT, 1, before=f"[cultureinfo]::CurrentCulture='{culture}';")
    assert isinstance(readings[0], HostMemory)


@needs_pwsh
@pytest.mark.slow
def test_a_real_powershell_with_a_spoiled_module_path_answers(tmp_path: Path) -> None:
    """WSL that was opened from PowerShell 7 hands on its module path, and no cmdlet of 5.1 loads from there."""
    module = tmp_path / "modules/Microsoft.PowerShell.Management"
    module.mkdir(parents=True)
    (module / "Microsoft.PowerShell.Management.psd1").write_text(
        "@{ModuleVersion='9.9';CmdletsToExport=@('Get-Process');RootModule='gone.dll'}"
    )
    with named(tmp_path, "vmmemWSL"):
        readings, status = ask(SCRIPT, 1, PSModulePath=str(tmp_path / "modules"))
    assert isinstance(readings[0], HostMemory)
    assert status == 0
