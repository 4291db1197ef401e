"""Every language says everything, with the same places to fill, and nothing in English."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from page_harness import PAGE

from masquerade.apps.studio.live import notices
from masquerade.apps.studio.setting_facts import setting_facts
from masquerade.models.catalogue import catalogue
from masquerade.pipeline import shortfall, watch
from masquerade.stages import quality
from masquerade.trust.consent import BASES

SOURCES = Path(__file__).parents[2] / "page"
LANGUAGES = ("zh", "es", "de", "fr", "pt", "ja")
# Names, symbols and words that are spelt the same.
SAME_EVERYWHERE = {
    "transport.websocket", "transport.webrtc", "codec.jpeg", "codec.h264", "choice.gb45438",
    "unit.ms", "key.ctrl",
}  # fmt: skip
SAME_HERE: dict[str, set[str]] = {
    "de": {
        "page.live", "tools.live", "tools.pause", "consent.name", "preview.moment",
        "setting.threads",
    },
    "fr": {"top.pages"},
    "es": {"setting.detector", "choice.detector"},
}  # fmt: skip


def sentences(language: str, folder: Path = SOURCES / "locales") -> dict[str, str]:
    found: dict[str, str] = json.loads((folder / f"{language}.json").read_text("utf-8"))
    return found


ENGLISH = sentences("en")


def places(sentence: str) -> list[str]:
    return sorted(re.findall(r"\{\w+\}", sentence))


def test_the_files_are_those_of_the_list() -> None:
    listed = re.findall(r"^  (\w\w): ", (SOURCES / "source/text/translate.ts").read_text(), re.M)
    assert sorted(listed) == sorted(("en", *LANGUAGES))
    assert sorted(path.stem for path in (PAGE / "locales").iterdir()) == sorted(listed)


@pytest.mark.parametrize("language", LANGUAGES)
def test_language_is_complete(language: str) -> None:
    said = sentences(language)
    assert list(said) == list(ENGLISH)
    assert not [key for key, sentence in said.items() if not sentence.strip()]
    assert not [key for key in said if places(said[key]) != places(ENGLISH[key])]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_in_english(language: str) -> None:
    said = sentences(language)
    same = {key for key in said if said[key] == ENGLISH[key]}
    assert same - SAME_EVERYWHERE == SAME_HERE.get(language, set())


@pytest.mark.parametrize("language", ["zh", "ja"])
def test_other_scripts_are_used(language: str) -> None:
    said = sentences(language)
    plain = {key for key, sentence in said.items() if not re.search(r"[\u3000-\u9fff]", sentence)}
    assert plain <= SAME_EVERYWHERE


def test_what_the_page_says_is_there() -> None:
    code = "\n".join(path.read_text() for path in (SOURCES / "source").rglob("*.ts*"))
    named = set(re.findall(r'"([a-z]+(?:\.[a-zA-Z0-9_-]+)+)"', code))
    groups = {key.partition(".")[0] for key in ENGLISH if "." in key}
    missing = {
        key
        for key in named
        if key.partition(".")[0] in groups
        and key not in ENGLISH
        and not key.endswith((".js", ".svg", ".toml"))
    }
    assert not missing
    families = set(re.findall(r"`([a-z]+)\.\$\{", code))
    unused = {
        key for key in ENGLISH if f'"{key}"' not in code and key.partition(".")[0] not in families
    }
    assert not unused


def test_settings_and_their_choices_have_names() -> None:
    for field in setting_facts():
        assert f"setting.{field.name}" in ENGLISH
        assert f"setting.{field.name}.help" in ENGLISH
        assert f"group.{field.group}" in ENGLISH
        assert not [name for name in field.choices or () if f"choice.{name}" not in ENGLISH]


def test_every_advice_on_photos_is_known() -> None:
    """The engine's sentences as its source holds them, numbers left out."""
    tree = ast.parse(Path(quality.__file__).read_text())
    said = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
            said.add(sentence_of(node.value.elts[1]))
    assert len(said) > 10
    patterns = re.findall(r"\[/\^(.+?)/, \"advice", (SOURCES / "source/text/advice.ts").read_text())
    for sentence in said:
        options = [sentence.replace("#", word, 1) for word in ("raised", "lowered", "7")]
        tried = [option.replace("#", "7") for option in options]
        assert any(re.match(pattern, one) for pattern in patterns for one in tried), sentence


def sentence_of(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(one.value) if isinstance(one, ast.Constant) else "#" for one in node.values
        )
    assert isinstance(node, ast.Constant)
    return str(node.value)


def test_bases_and_roles_have_names() -> None:
    assert not [basis for basis in BASES if f"consent.{basis}" not in ENGLISH]
    assert not [basis for basis in BASES if f"basis.{basis}" not in ENGLISH]
    roles = {spec.role for spec in catalogue().values()}
    assert not [role for role in roles if f"role.{role}" not in ENGLISH]


def test_every_alarm_of_a_stream_has_words() -> None:
    """The causes as the sources hold them, by kind of alarm."""
    found = {
        f"fps.{cause.split()[0]}"
        for cause in re.findall(
            r'return f?"(\w+[^"]*)", [(f]', Path(shortfall.__file__).read_text()
        )
    }
    assert len(found) == 5
    causes = re.findall(r'Finding\(\s*"(\w+)"', Path(watch.__file__).read_text())
    kinds = {"leak": ["leak"], "device": ["idle"], "source": ["waiting"]}
    kinds["sink"] = ["error", "waiting", "slow"]
    assert sorted(causes) == sorted(cause for some in kinds.values() for cause in some)
    found |= {f"{kind}.{cause}" for kind, some in kinds.items() for cause in some}
    assert not [code for code in found if f"remark.{code}" not in ENGLISH]


def test_every_notice_of_a_stream_has_words_for_what_it_names() -> None:
    """Which sentences there are is tried in tests/apps/studio/test_stream_notices.py."""
    assert len(notices._PATTERNS) > 15
    for pattern, code in notices._PATTERNS:
        said = places(ENGLISH[f"remark.{code}"])
        assert set(said) == {f"{{{name}}}" for name in pattern.groupindex}, code
