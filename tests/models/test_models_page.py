"""docs/models.md is what the registry says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from masquerade.models.catalogue import catalogue

ROOT = Path(__file__).parents[2]


def test_the_page_of_models_is_current():
    path = ROOT / "tools/models_page.py"
    spec = importlib.util.spec_from_file_location("models_page", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = (ROOT / "docs/models.md").read_text("utf-8")
    assert text == module.page()
    assert re.findall(r"^\| `(.+?)` \|", text, re.M) == list(catalogue())
