"""Settings: from the environment, then from ``whiteslip.toml`` in the home, then the default."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import version
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

VERSION: Final = version("whiteslip")
PREFIX: Final = "WHITESLIP_"
FILE_NAME: Final = "whiteslip.toml"
_LAST_PORT: Final = 65_535
_MANY: Final = 1_000_000
_FLAG: Final = ("true", "false")
# How alike two names are that one was meant for the other.
_NEAR: Final = 0.7


class SettingError(ValueError):
    """A setting that cannot be used: says which, where it came from, and what it should be."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: ``name`` in the file, ``WHITESLIP_NAME`` in the environment."""

    name: str
    default: str
    meaning: str
    is_number: bool = False
    most: int = _LAST_PORT
    is_secret: bool = False
    choices: tuple[str, ...] = ()

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return PREFIX + self.name.upper()


Network: TypeAlias = IPv4Network | IPv6Network

SETTINGS: Final = (
    Setting("home", "~/.whiteslip", "Folder for keys, the embedded database and its backups"),
    Setting("port", "8000", "TCP port of the web server", is_number=True),
    Setting("host", "127.0.0.1", "Address the web server listens on"),
    Setting("database_url", "", "A PostgreSQL of yours; empty: the embedded one", is_secret=True),
    Setting("pack", "cn", "Jurisdiction pack of new lines, and the calendar of the night"),
    Setting("issuer_name", "Whiteslip", "The lender's name on pages and letters"),
    Setting("pay_page", "", "Page of yours on which customers pay, https://...; empty: pages name none"),
    Setting("offer_file", "", "File of the one alternative on the page of leaving; empty: none is shown"),
    Setting(
        "language", "zh-CN", "Language where nobody has said otherwise: zh-CN or en", choices=("zh-CN", "en")
    ),
    Setting("master_key_file", "", "File with the vault's master key; empty: made in the home"),
    Setting("smtp_host", "", "SMTP server for letters; empty: letters wait in the queue"),
    Setting("smtp_port", "25", "TCP port of the SMTP server", is_number=True),
    Setting("smtp_sender", "", "From address of letters"),
    Setting("smtp_user", "", "User name at the SMTP server, if it asks for one"),
    Setting("smtp_password_file", "", "File with the password at the SMTP server"),
    Setting(
        "smtp_tls",
        "starttls",
        "Encryption towards the SMTP server: starttls, tls or none",
        choices=("starttls", "tls", "none"),
    ),
    Setting(
        "secure_cookies",
        "true",
        "Whether cookies travel over HTTPS only; the demo sets false",
        choices=_FLAG,
    ),
    Setting(
        "requests_per_minute",
        "60",
        "Sign-ins, codes and forms without signing in that one address may send in a minute, at most 1000000",
        is_number=True,
        most=_MANY,
    ),
    Setting(
        "trusted_proxies",
        "",
        "Addresses or networks of proxies that may say in X-Forwarded-For who asks; empty: none",
    ),
    Setting(
        "webhooks_allow_internal",
        "false",
        "Whether webhooks may go to addresses inside your network, and over http",
        choices=_FLAG,
    ),
    Setting(
        "lake", "true", "Whether each night leaves a snapshot for the portfolio's figures", choices=_FLAG
    ),
    Setting("lake_folder", "", "Folder of the snapshots; empty: in the home"),
    Setting("lake_engine", "", "Spark Connect server that computes figures, sc://HOST:PORT; empty: here"),
    Setting("bureau_address", "", "The lender's address on files for credit bureaus, in Latin letters"),
    Setting("bureau_phone", "", "The lender's telephone on files for credit bureaus, ten digits"),
    Setting("bureau_agency", "", "Credit bureau whose files are read: name, address, telephone"),
    Setting("bureau_member", "", "Identification number that a credit bureau gave the lender"),
    Setting("bureau_programs", "", "Program identifiers, such as equifax=1,experian=2"),
)
_BY_NAME: Final = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class Value:
    """A setting's value and where it came from."""

    setting: Setting
    text: str
    origin: str

    @property
    def shown(self) -> str:
        """The value as it may be printed."""
        return "(set)" if self.setting.is_secret and self.text else self.text


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of this process."""

    values: Mapping[str, Value]

    def text(self, name: str) -> str:
        """A setting as text; empty when it is not set."""
        return self.values[name].text

    def number(self, name: str) -> int:
        """A numeric setting."""
        return int(self.values[name].text)

    def flag(self, name: str) -> bool:
        """A setting that is true or false."""
        return self.values[name].text.lower() == "true"

    def path(self, name: str) -> Path | None:
        """A file or folder, from the home on wherever a command is called; None where it is not set."""
        text = self.text(name)
        return self.home / Path(text).expanduser() if text else None

    def networks(self, name: str) -> list[Network]:
        """A setting that lists addresses and networks, parted by commas."""
        return _networks(self.values[name])

    @property
    def home(self) -> Path:
        """The data folder."""
        return Path(self.text("home")).expanduser().absolute()

    @property
    def lake_folder(self) -> Path:
        """Where snapshots are."""
        return self.path("lake_folder") or self.home / "lake"

    @property
    def master_key_file(self) -> Path:
        """Where the vault's master key is."""
        return self.path("master_key_file") or self.home / "master.key"


def load(environ: Mapping[str, str], **given: str) -> Settings:
    """Read the settings; ``given`` wins over all. Raises SettingError for what cannot be used."""
    environ = {name: value for name, value in environ.items() if name != PREFIX + "HOME" or value}
    home = given.get("home") or environ.get(PREFIX + "HOME") or _BY_NAME["home"].default
    file = Path(home).expanduser() / FILE_NAME
    written = _read(file)
    unknown = sorted(set(written) - set(_BY_NAME))
    if unknown:
        known = ", ".join(_BY_NAME)
        raise SettingError(f"{file} sets {', '.join(unknown)}, which nobody reads; known are: {known}")
    return Settings({s.name: _checked(_find(s, environ, written, given, file)) for s in SETTINGS})


def unread(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables that look like ours and that nobody reads, each with the name it comes nearest to, if any."""
    known = {setting.variable for setting in SETTINGS}
    names = [setting.name for setting in SETTINGS]
    found: dict[str, str] = {}
    for variable in sorted(environ):
        if variable.startswith(PREFIX) and variable not in known:
            near = get_close_matches(variable.removeprefix(PREFIX).lower(), names, 1, _NEAR)
            found[variable] = PREFIX + near[0].upper() if near else ""
    return found


def _read(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_bytes().decode("utf-8-sig"))  # editors on Windows begin it with a mark
    except FileNotFoundError:
        return {}
    except OSError as error:
        mend = "run this as the owner of the home, or set WHITESLIP_HOME to a folder of yours"
        raise SettingError(f"{file} cannot be read: {error.strerror}; {mend}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingError(f"{file} cannot be read: {error}; it is TOML in UTF-8") from None


def _find(
    setting: Setting,
    environ: Mapping[str, str],
    written: Mapping[str, object],
    given: Mapping[str, str],
    file: Path,
) -> Value:
    if setting.name in given:
        return Value(setting, given[setting.name], "command")
    if setting.variable in environ:
        return Value(setting, environ[setting.variable], "environment")
    if setting.name in written:
        found = written[setting.name]
        if not isinstance(found, str | int):
            raise SettingError(
                f"{setting.variable} ({file}) is one text, number or flag, and several are parted by commas"
            )
        text = str(found).lower() if isinstance(found, bool) else str(found)
        return Value(setting, text, str(file))
    return Value(setting, setting.default, "default")


def _checked(value: Value) -> Value:
    if value.setting.is_number and not value.text.isdecimal():
        raise SettingError(f"{value.setting.variable} ({value.origin}) is a whole number, not {value.text!r}")
    if value.setting.is_number and not 0 < int(value.text) <= value.setting.most:
        raise SettingError(f"{value.setting.variable} ({value.origin}) is 1 to {value.setting.most}")
    said = value.text.lower() if value.setting.choices == _FLAG else value.text
    if value.setting.choices and said not in value.setting.choices:
        known = " or ".join(value.setting.choices)
        raise SettingError(f"{value.setting.variable} ({value.origin}) is {known}, not {value.text!r}")
    if value.setting.name == "trusted_proxies":
        _networks(value)
    if value.setting.name == "database_url" and value.text and not _is_url(value.text):
        wanted = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE, signs in the password as %2F for / and so on"
        raise SettingError(f"{value.setting.variable} ({value.origin}) is written {wanted}")
    if value.setting.name == "pay_page" and value.text and not value.text.startswith("https://"):
        raise SettingError(f"{value.setting.variable} ({value.origin}) is written https://HOST/PAGE")
    return value


def _networks(value: Value) -> list[Network]:
    try:
        return [ip_network(each.strip()) for each in value.text.split(",") if each.strip()]
    except ValueError as error:
        wanted = f"{value.setting.variable} ({value.origin}) lists addresses and networks"
        raise SettingError(f"{wanted}, such as 10.0.0.5, 192.0.2.0/24: {error}") from None


def _is_url(text: str) -> bool:
    """Whether PostgreSQL's library and Python's read it alike. What is wrong may quote the password."""
    try:
        conninfo_to_dict(text)
        port = urlsplit(text).port
    except (ValueError, ProgrammingError):
        return False
    return text.startswith("postgresql://") and port != 0
